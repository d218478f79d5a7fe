# The data-quality report by workers, in batches, when one is killed, and after a restore: it is always what is counted on
# the spot, and holds no customers that a dump would carry along.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use WorkerNode;

my $node = worker_node('quality', 'customer_scoring.probe_interval = 1');
my @server = ('-h', $node->host, '-p', $node->port);
$node->safe_psql('postgres', q{CREATE ROLE keeper LOGIN; CREATE DATABASE shop OWNER keeper});
$node->safe_psql('shop', q{
	CREATE EXTENSION customer_scoring; GRANT ALL ON SCHEMA public TO keeper;
	SET ROLE keeper;
	CREATE TABLE orders (customer_id int, ordered_at timestamptz, amount numeric(12, 2), currency text);
	INSERT INTO orders SELECT i % 70000, now() - i * interval '1 second', CASE WHEN i % 1000 > 0 THEN i % 97 END, 'IDR' FROM generate_series(1, 140000) i;
	CREATE INDEX ON orders (customer_id);
	CREATE TABLE customers AS SELECT generate_series(0, 69900) AS id;
	ANALYZE;
	SELECT customer_scoring.create_segment_table('kept', 'orders', breaks => 'frozen', quality => '{"currency": "currency"}');
	SELECT customer_scoring.add_segment_source('kept', 'customers', 'customers', 'id');
	SELECT customer_scoring.refresh_segment_table('kept')});

# What the report says that is not so, as of its moment; and how many rows are.
my $differs = q{SELECT count(*) FILTER (WHERE (r.rows, r.customers, r.example, r.detail) IS DISTINCT FROM (q.rows, q.customers, q.example, q.detail)) || ' of ' || count(*)
	FROM (SELECT * FROM customer_scoring.segment_table_quality WHERE segment_table = 'public.kept') r
	FULL JOIN customer_scoring.data_quality('kept', (SELECT as_of FROM customer_scoring.segment_table_definition)) q USING (source, problem)};

# Have a worker refresh the table.
sub refresh
{
	my ($database, $name) = @_;
	my $run = $node->safe_psql($database, "SET ROLE keeper; SELECT customer_scoring.request_segment_refresh('kept')");
	ok($node->poll_query_until($database, "SELECT state = 'succeeded' FROM customer_scoring.segment_table_run WHERE run_id = $run"), $name);
	is($node->safe_psql($database, $differs), '0 of 11', "$name: the report is right");
	return $node->safe_psql($database, "SELECT mode || ' ' || coalesce(batches > 0, false) FROM customer_scoring.segment_table_run WHERE run_id = $run");
}

$node->safe_psql('shop', q{INSERT INTO orders SELECT i, NULL, NULL, 'USD' FROM generate_series(1, 15000) i; DELETE FROM customers WHERE id < 100; INSERT INTO customers VALUES (7), (7)});
is(refresh('shop', 'a worker'), 'incremental true', 'in batches');
is($node->safe_psql('shop', q{SELECT string_agg(rows::text, ' ' ORDER BY problem) FROM customer_scoring.segment_table_quality WHERE problem IN ('no_time', 'orphan', 'other_currency', 'repeated_customer')}),
	'15000 494 15000 1', 'what it should be');

# a crash in between: nothing is counted twice
$node->safe_psql('shop', q{UPDATE orders SET amount = 1 WHERE customer_id BETWEEN 1 AND 5000 AND amount IS NULL});
$node->safe_psql('shop', "SET ROLE keeper; SELECT customer_scoring.request_segment_refresh('kept')");
$node->stop('immediate');
$node->start;
refresh('shop', 'after a crash');
$node->safe_psql('shop', q{UPDATE orders SET currency = 'IDR' WHERE customer_id = 1; DELETE FROM orders WHERE customer_id = 2});
refresh('shop', 'transactions before the crash are over') for 1 .. 2;

# nothing of it is dumped but the option
my $dump = $node->basedir . '/shop.sql';
command_ok([ 'pg_dump', '-U', 'keeper', '-f', $dump, @server, 'shop' ], 'dumped');
unlike(slurp_file($dump), qr/COPY customer_scoring_internal/, 'the report is not dumped');
$node->safe_psql('postgres', 'CREATE DATABASE copy OWNER keeper');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, @server, 'copy' ], 'restored');
is($node->safe_psql('copy', 'SELECT count(*) FROM customer_scoring.segment_table_quality'), '0', 'no report before the first refresh');
is(refresh('copy', 'restored'), 'full false', 'the first refresh makes it');
is($node->safe_psql('copy', q{SELECT detail FROM customer_scoring.segment_table_quality WHERE problem = 'other_currency'}), 'IDR', 'by the option');

$node->stop;
done_testing();
