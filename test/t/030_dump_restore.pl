# A database with segment tables is dumped by its ordinary owner, restored while
# the launcher runs, and refreshes by itself.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Everything;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'customer_scoring'\ncustomer_scoring.probe_interval = 1\n");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN; CREATE DATABASE shop OWNER shop');
$node->safe_psql('shop', 'CREATE EXTENSION customer_scoring; GRANT CREATE ON SCHEMA public TO shop');
$node->safe_psql('shop', q{
	SET ROLE shop;
	CREATE TABLE orders (customer_id text, ordered_at timestamptz, amount numeric(12, 2), status text);
	INSERT INTO orders SELECT 'c' || i % 50, now() - i * interval '1 day', i % 97 + 0.25, 'paid' FROM generate_series(1, 500) i;
	SELECT customer_scoring.create_segment_table('segments', 'orders', "only" => '{"status": ["paid"]}', lookback => '1 year',
		segment_map => 'rf10', refresh_every => '1 hour', time_zone => 'Asia/Jakarta');
	SELECT customer_scoring.create_segment_table('by_hand', 'orders', history => true, keep_history => '1 year');
	CREATE TABLE sales AS SELECT c AS customer_id, now() - (425 - c - n * (3 + c * 37 % 50)) * interval '1 day' AS ordered_at, 10 + (c * 29 + n * 17) % 90 AS amount
		FROM generate_series(1, 300) c, generate_series(0, 25) n WHERE n < 1 + c * 13 % 7 * (c * 7 % 11) / 3 AND c + n * (3 + c * 37 % 50) < 420;
	SELECT customer_scoring.create_segment_table('valued', 'sales', clv => '{"horizon": "90 days"}');
	CREATE TABLE clients (customer_id text);
	INSERT INTO clients VALUES ('new');
	CREATE TABLE ratings (who text, rated_at timestamptz, stars int);
	INSERT INTO ratings VALUES ('new', now(), 4);
	SELECT customer_scoring.add_segment_source('segments', 'ratings', 'ratings', 'who', '{"score": "stars", "lowest": 1, "highest": 5}');
	SELECT customer_scoring.add_segment_source('segments', 'customers', 'clients');
	DELETE FROM orders WHERE customer_id = 'c7';
	SELECT customer_scoring.refresh_segment_table('by_hand');
	RESET ROLE;
	INSERT INTO customer_scoring.rfm_segment_map (name, map) VALUES ('mine', 'rf10');
	GRANT SELECT ON segments, segments_current TO PUBLIC});

my $dump = $node->basedir . '/shop.dump';
command_ok([ 'pg_dump', '-U', 'shop', '-Fc', '-f', $dump, '-h', $node->host, '-p', $node->port, 'shop' ], 'the owner can dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored OWNER shop');
command_ok([ 'pg_restore', '--exit-on-error', '-j', '2', '-h', $node->host, '-p', $node->port, '-d', 'restored', $dump ], 'the dump restores without an error');

my $settings = q{SELECT string_agg(d::text, E'\n' ORDER BY d::text) FROM (SELECT segment_table, current_view, overview_view, source_schema, source_name, customer,
	ordered_at, amount, only_values, lookback, time_zone, money_scale, segment_map, row_security, refresh_every, history, keep_history, history_table, snapshot_table, migration_view, clv
	FROM customer_scoring.segment_table_definition) d};
is($node->safe_psql('restored', $settings), $node->safe_psql('shop', $settings), 'all options are back');
my $sources = q{SELECT string_agg(s::text, E'\n' ORDER BY position) FROM customer_scoring.segment_source_definition s};
is($node->safe_psql('restored', $sources), $node->safe_psql('shop', $sources), 'all sources are back');
is($node->safe_psql('restored', q{SELECT string_agg(name, ' ' ORDER BY name) FROM customer_scoring.rfm_segment_map}), 'mine rf10 rfm11', 'maps of users are back, shipped ones are there once');

ok($node->poll_query_until('restored', q{
	SELECT count(*) = 1 FROM customer_scoring.segment_table_run
	WHERE segment_table = 'public.segments' AND cause = 'scheduled' AND state = 'succeeded' AND reason = 'first refresh'}),
	'the scheduled table refreshes by itself, fully');
is($node->safe_psql('restored', q{SELECT count(*) FROM customer_scoring.verify_segment_table('segments')}), '0', 'and is exact');
is($node->safe_psql('restored', q{SELECT orders, last_rating FROM segments_current WHERE customer_id = 'new'}), '0|4', 'with what other sources give');
is($node->safe_psql('restored', q{SELECT state FROM customer_scoring.segment_table_status WHERE segment_table = 'public.by_hand'}), 'by hand', 'the other one waits');
my $snapshots = q{SELECT string_agg(s::text, E'\n' ORDER BY s::text) FROM by_hand_snapshot s};
is($node->safe_psql('restored', $snapshots), $node->safe_psql('shop', $snapshots), 'with the snapshots it had');
is($node->safe_psql('restored', q{SELECT deleted FROM customer_scoring.refresh_segment_table('by_hand')}), '0', 'and can be refreshed');
$node->safe_psql('restored', q{SET ROLE shop; DELETE FROM orders WHERE customer_id = 'c8'; SELECT customer_scoring.refresh_segment_table('by_hand')});
is($node->safe_psql('restored', q{SELECT string_agg(customer_id, ' ' ORDER BY move_id) FROM by_hand_history WHERE to_segment IS NULL}), 'c7 c8', 'its history goes on');
is($node->safe_psql('restored', q{SELECT DISTINCT problem FROM customer_scoring.verify_segment_table('valued')}), 'pending', 'its lifetime values, whose model is not there any more, are to be worked out anew');
is($node->safe_psql('restored', q{SELECT deleted FROM customer_scoring.refresh_segment_table('valued')}), '0', 'which the first refresh does');
is($node->safe_psql('restored', q{SELECT count(*) = count(clv_model_id) AND count(p_alive) = 300 AND count(DISTINCT clv_model_id) = 1 FROM valued}), 't', 'with lifetime values by a model that was fitted anew');
is($node->safe_psql('restored', q{SELECT count(*) FROM customer_scoring.segment_table_model WHERE kind = 'clv' AND in_use}), '1', 'which is the only one');
is($node->safe_psql('restored', q{SELECT count(*) FROM customer_scoring.verify_segment_table('valued')}), '0', 'and exact');
is($node->safe_psql('restored', q{SET ROLE shop; SELECT count(*) > 0 FROM segments_current WHERE as_of IS NOT NULL}), 't', 'the views find their table again');

# A database that uses everything: by a parallel restore, and objects and rows apart.
use_everything($node, 'used', 'shop');
my $used = $node->basedir . '/used.dump';
my @server = ('-h', $node->host, '-p', $node->port);
command_ok([ 'pg_dump', '-U', 'shop', '-Fc', '-f', $used, @server, 'used' ], 'its owner can dump it');
my $kept = kept($node, 'used');
unlike($kept, qr/\|0\|/, 'there is something in every table that is dumped') or diag $kept;
foreach my $way ([ 'parallel', [ '-j', '3' ] ], [ 'apart', ['--schema-only'], ['--data-only'] ], [ 'disabled', ['--schema-only'], [ '--data-only', '--disable-triggers', '-j', '2' ] ])
{
	my ($database, @steps) = @$way;
	$node->safe_psql('postgres', "CREATE DATABASE $database OWNER shop TEMPLATE template0");
	foreach my $options (@steps)
	{
		command_ok([ 'pg_restore', '--exit-on-error', @$options, @server, '-d', $database, $used ], "$database: pg_restore @$options");
	}
	ok( $node->poll_query_until($database, q{
			SELECT count(*) = 1 FROM customer_scoring.segment_table_run WHERE segment_table = 'public.everything' AND cause = 'scheduled' AND state = 'succeeded'}),
		"$database: a worker refreshes");
	is(kept($node, $database), $kept, "$database: all is back");
	everything_works($node, $database);
}

# As INSERT statements, which are audited: the salt that this takes gives way to that of the dump.
my $inserts = $node->basedir . '/used.sql';
command_ok([ 'pg_dump', '-U', 'shop', '--inserts', '-f', $inserts, @server, 'used' ], 'its owner can dump it as INSERT statements');
$node->safe_psql('postgres', 'CREATE DATABASE inserted OWNER shop TEMPLATE template0');
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $inserts, @server, 'inserted' ], 'which are carried out without an error');
my $but_audit = sub { my ($rows) = @_; $rows =~ s/^customer_scoring\.privacy_audit.*\n//m; return $rows; };
is($but_audit->(kept($node, 'inserted')), $but_audit->($kept), 'all is back');
everything_works($node, 'inserted');
my ($code, undef, $stderr) = $node->psql('inserted', q{INSERT INTO customer_scoring.tombstone_salt VALUES ('another', true, '2024-01-01')});
like($stderr, qr/tombstone_salt_pkey/, 'a salt by which somebody was erased stays');
$node->stop;
done_testing();
