# Key accounts by class: a worker assesses them as the owner of the segment table, and they go through a dump with what
# they hang by, hostile texts included.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkerNode;

my $node = worker_node('keys');
my @server = ('-h', $node->host, '-p', $node->port);
$node->safe_psql('postgres', 'CREATE ROLE keeper LOGIN; CREATE ROLE guest LOGIN; CREATE DATABASE shop OWNER keeper');
$node->safe_psql('shop', q{
	CREATE EXTENSION customer_scoring;
	GRANT CREATE ON SCHEMA public TO keeper, guest;
	CREATE TABLE orders (customer_id bigint, ordered_at timestamptz, amount numeric(12, 2));
	ALTER TABLE orders OWNER TO keeper;
	GRANT SELECT, TRIGGER ON orders TO guest;
	INSERT INTO orders SELECT i, now() - interval '1 hour', 1000 / i ^ 2 FROM generate_series(1, 50) i;
});
$node->safe_psql('shop', q{
	SET ROLE keeper;
	SET search_path = public, customer_scoring;
	SELECT create_segment_table('kept', 'orders', with_data => false);
	SELECT add_segment_source('kept', 'key_accounts', 'key_account', 'customer'), add_segment_source('kept', 'managers', 'account_manager', 'customer');
	INSERT INTO key_account_policy (segment_table, service_level) VALUES ('kept', 'key');
	INSERT INTO key_account (customer, valid_from, service_level) VALUES ('7', '2024-01-01', 'by hand'), (E'it''s "x"\\\\\t\n', '2024-01-01', NULL), ('', '2024-01-01', NULL), (repeat('x', 1000), '2024-01-01', NULL);
	SELECT assign_account_manager('1', 'Ani', '2024-01-01'), assign_account_manager('1', 'Budi', '2024-02-01'), assign_account_manager(repeat('y', 1000), 'Ani', '2024-02-01');
});
$node->safe_psql('shop', "SET ROLE guest; SELECT customer_scoring.create_segment_table('guests', 'orders', with_data => false)");
$node->safe_psql('shop', "INSERT INTO customer_scoring.key_account_policy (segment_table) VALUES ('guests')");

# have a worker refresh a table, as its owner
sub refresh
{
	my ($database, $table, $owner, $name) = @_;
	my $run = $node->safe_psql($database, "SET ROLE $owner; SELECT customer_scoring.request_segment_refresh('$table')");
	ok($node->poll_query_until($database, "SELECT state = 'succeeded' FROM customer_scoring.segment_table_run WHERE run_id = $run"), $name);
	return $node->safe_psql($database, "SELECT coalesce(key_account_report, 'none') || '|' || mode FROM customer_scoring.segment_table_run WHERE run_id = $run");
}

like(refresh('shop', 'kept', 'keeper', 'a worker fills the table'), qr/^[1-9] entered, 0 stayed, 0 below, 0 left\|full$/, 'and assesses');
is(refresh('shop', 'kept', 'keeper', 'it comes again'), 'none|incremental', 'too early to assess; changes are captured');
is( $node->safe_psql('shop', "SELECT count(*) = (SELECT count(*) FROM customer_scoring.key_account WHERE origin = 'class') + 1 FROM kept WHERE key_account"), 't',
	'its columns follow');
is($node->safe_psql('shop', 'SELECT count(*) FROM customer_scoring.verify_segment_table(\'kept\')'), '0', 'exactly');
is(refresh('shop', 'guests', 'guest', 'the table of somebody without rights is refreshed'),
	'not assessed: permission denied for table key_account_policy|full', 'but not assessed');

$node->safe_psql('shop', "SET ROLE guest; SELECT customer_scoring.drop_segment_table('guests')");
is($node->safe_psql('shop', 'SELECT count(*) FROM customer_scoring.key_account_policy'), '1', 'the policy goes with its table');

my $dump = $node->basedir . '/shop.dump';
command_ok([ 'pg_dump', '-U', 'keeper', '-Fc', '-f', $dump, @server, 'shop' ], 'the owner of the database dumps it');
foreach my $way ([ 'one', '--single-transaction' ], [ 'two', '-j', '2' ])
{
	my ($database, @option) = @$way;
	$node->safe_psql('postgres', "CREATE DATABASE $database OWNER keeper");
	command_ok([ 'pg_restore', '--exit-on-error', @option, @server, '-d', $database, $dump ], "$database: restored");
	foreach my $table (qw(key_account account_manager key_account_policy))
	{
		my $rows = "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM customer_scoring.$table t";
		is($node->safe_psql($database, $rows), $node->safe_psql('shop', $rows), "$database: $table is back");
	}
	is(refresh($database, 'kept', 'keeper', "$database: refreshed"), 'none|full', "$database: it is no time to assess");
	is(refresh($database, 'kept', 'keeper', "$database: and again"), 'none|incremental', "$database: changes are captured");
	$node->safe_psql($database, "SELECT customer_scoring.assign_account_manager('3', 'Citra', '2024-01-01')");
	is(refresh($database, 'kept', 'keeper', "$database: refreshed once more"), 'none|incremental', "$database: changes are captured");
	is($node->safe_psql($database, "SELECT account_manager FROM kept WHERE customer_id = 3"), 'Citra', "$database: and are there");
	is($node->safe_psql($database, "SELECT count(*) FROM customer_scoring.verify_segment_table('kept')"), '0', "$database: exactly");
	my (undef, undef, $error) = $node->psql($database, "INSERT INTO customer_scoring.key_account (customer, valid_from) VALUES ('7', '2024-05-01')");
	like($error, qr/key_account_manual_periods_do_not_overlap/, "$database: periods do not overlap");
}

$node->stop;
done_testing();
