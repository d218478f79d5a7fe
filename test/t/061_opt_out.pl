# Opt-outs and tombstones survive dump and restore: who is left out stays out of
# the restored database, also when his orders come back in it, and tombstones
# still hash to the same; a worker takes out who opts out.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('opt_out');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'customer_scoring'\ncustomer_scoring.probe_interval = 1\n");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN; CREATE DATABASE shop OWNER shop');
$node->safe_psql('shop', 'CREATE EXTENSION customer_scoring; GRANT CREATE ON SCHEMA public TO shop');
$node->safe_psql('shop', q{
	SET ROLE shop;
	CREATE TABLE orders (customer_id int, ordered_at timestamptz, amount numeric(12, 2));
	INSERT INTO orders SELECT i % 50, now() - i * interval '1 day', i % 97 + 0.25 FROM generate_series(1, 500) i;
	CREATE TABLE erased_later AS SELECT * FROM orders WHERE customer_id = 9;
	SELECT customer_scoring.create_segment_table('segments', 'orders', refresh_every => '1 second', history => true);
	SELECT customer_scoring.create_segment_table('by_hand', 'orders', suppress_below => 5)});
my $customers = q{SELECT count(*) || ' ' || coalesce(string_agg(customer_id::text, ' ' ORDER BY customer_id) FILTER (WHERE customer_id IN (7, 8, 9)), 'none') FROM };
is($node->safe_psql('shop', "$customers segments"), '50 7 8 9', 'everybody is there');

# the owner of the database may write opt-outs; erasing is the privacy room's, which acts as the extension
$node->safe_psql('shop', q{SET ROLE shop; INSERT INTO customer_scoring.profiling_opt_out (customer, reason, evidence) VALUES ('7', 'asked', 'letter 12');
	INSERT INTO customer_scoring.profiling_opt_out (customer, until) VALUES ('8', now() + interval '1 hour')});
$node->safe_psql('shop', q{SELECT customer_scoring_internal.add_tombstone('9'); DELETE FROM orders WHERE customer_id = 9});
ok($node->poll_query_until('shop', q{SELECT count(*) = 0 FROM segments WHERE customer_id IN (7, 8, 9)}), 'a worker takes them out');
is($node->safe_psql('shop', q{SELECT count(*) FROM segments_history WHERE customer_id IN (7, 8, 9)}), '0', 'and their history');
is($node->safe_psql('shop', q{SET ROLE shop; SELECT count(*) FROM customer_scoring.verify_segment_table('segments')}), '0', 'the table is exact');
is($node->safe_psql('shop', q{SELECT mode, skipped_opted_out > 0 FROM customer_scoring.segment_table_run WHERE deleted > 0 AND segment_table = 'public.segments' ORDER BY run_id LIMIT 1}), 'incremental|t', 'incrementally, and counts them');
$node->safe_psql('shop', q{SELECT customer_scoring.refresh_segment_table('by_hand')});

my $hash = $node->safe_psql('shop', q{SELECT customer_scoring_internal.tombstone_hash('9')});
my $dump = $node->basedir . '/shop.dump';
my $text = $node->basedir . '/shop.sql';
command_ok([ 'pg_dump', '-U', 'shop', '-Fc', '-f', $dump, '-h', $node->host, '-p', $node->port, 'shop' ], 'the owner can dump');
command_ok([ 'pg_dump', '-U', 'shop', '-f', $text, '-t', 'customer_scoring.tombstone*', '--extension', 'customer_scoring', '-h', $node->host, '-p', $node->port, 'shop' ], 'also tombstones alone');
unlike(slurp_file($text), qr/^9\t/m, 'which do not name anybody');

foreach my $options ([ 'all', '-j', '2' ], [ 'disabled', '--section=pre-data', '--section=data', '--disable-triggers' ])
{
	my ($name, @options) = @$options;
	my $database = "restored_$name";
	$node->safe_psql('postgres', "CREATE DATABASE $database OWNER shop");
	command_ok([ 'pg_restore', '--exit-on-error', @options, '-h', $node->host, '-p', $node->port, '-d', $database, $dump ], "$name: the dump restores without an error");
	is($node->safe_psql($database, q{SELECT string_agg(customer || ' ' || coalesce(reason, '-') || ' ' || coalesce(evidence, '-') || ' ' || coalesce(until > now(), false), ', ' ORDER BY customer) FROM customer_scoring.profiling_opt_out}),
		'7 asked letter 12 false, 8 - - true', "$name: opt-outs are back");
	is($node->safe_psql($database, q{SELECT customer_scoring_internal.tombstone_hash('9')}), $hash, "$name: tombstones hash as before");
	is($node->safe_psql($database, q{SELECT count(*) || ' ' || count(*) FILTER (WHERE customer_hash = customer_scoring_internal.tombstone_hash('9')) FROM customer_scoring.tombstone}), '1 1', "$name: the tombstone is back");
	# orders of the erased are loaded again
	$node->safe_psql($database, 'INSERT INTO orders SELECT * FROM erased_later');
	is($node->safe_psql($database, q{SET ROLE shop; SELECT mode FROM customer_scoring.refresh_segment_table('by_hand')}), 'full', "$name: the first refresh is of everybody");
	is($node->safe_psql($database, "$customers by_hand"), '47 none', "$name: nobody who was left out has come back");
	is($node->safe_psql($database, q{SET ROLE shop; SELECT count(*) FROM customer_scoring.verify_segment_table('by_hand')}), '0', "$name: and the table is exact");
	is($node->safe_psql($database, q{SELECT suppress_below FROM customer_scoring.segment_table_definition WHERE segment_table = 'by_hand'::regclass}), '5', "$name: small groups stay hidden");
	$node->safe_psql($database, q{DELETE FROM customer_scoring.profiling_opt_out WHERE customer = '7'; INSERT INTO customer_scoring.profiling_opt_out (customer) VALUES ('10')});
	is($node->safe_psql($database, q{SET ROLE shop; SELECT mode, inserted, deleted FROM customer_scoring.refresh_segment_table('by_hand')}), 'incremental|1|1', "$name: who opts in or out is captured again");
	is($node->safe_psql($database, q{SELECT customer_scoring.readmit_customer('9')}), 't', "$name: and an erased one may come back");
	is($node->safe_psql($database, q{SET ROLE shop; SELECT mode, inserted FROM customer_scoring.refresh_segment_table('by_hand')}), 'incremental|1', "$name: at the next refresh");
	$node->safe_psql($database, q{SELECT customer_scoring_internal.add_tombstone('11')});
	is($node->safe_psql($database, 'SELECT count(*) FROM customer_scoring.tombstone_salt'), '1', "$name: there is one salt");
}
$node->stop;
done_testing();
