# pg_upgrade: definitions, state, runs and values are carried over as they are,
# no worker touches them meanwhile, and the schedule goes on.
use strict;
use warnings;
use File::Temp ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Everything;

my $settings = "shared_preload_libraries = 'customer_scoring'\ncustomer_scoring.probe_interval = 1\n";
my $old = PostgreSQL::Test::Cluster->new('old');
$old->init;
$old->append_conf('postgresql.conf', $settings);
$old->start;
my $bindir = $old->config_data('--bindir');
plan skip_all => 'pg_upgrade is not installed' unless -x "$bindir/pg_upgrade";

$old->safe_psql('postgres', 'CREATE ROLE shop LOGIN; CREATE ROLE reader LOGIN; CREATE DATABASE shop OWNER shop');
$old->safe_psql('shop', 'CREATE EXTENSION customer_scoring; GRANT CREATE ON SCHEMA public TO shop');
$old->safe_psql('shop', q{
	SET ROLE shop;
	SET search_path = public, customer_scoring;
	CREATE TABLE orders (customer_id text, ordered_at timestamptz, amount numeric(12, 2), status text);
	INSERT INTO orders SELECT 'c' || i % 50, now() - i * interval '1 day', i % 97 + 0.25, 'paid' FROM generate_series(1, 500) i;
	CREATE TABLE parted (customer_id bigint, ordered_at timestamptz, amount int) PARTITION BY HASH (customer_id);
	CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
	CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
	INSERT INTO parted SELECT i % 20, now() - i * interval '1 day', i FROM generate_series(1, 200) i;
	SELECT create_segment_table('often', 'orders', "only" => '{"status": ["paid"]}', lookback => '2 years', segment_map => 'rf10', refresh_every => '1 second', time_zone => 'Asia/Jakarta');
	SELECT create_segment_table('nightly', 'parted', refresh_every => '1 day', next_refresh_at => '2124-01-01 02:00+07', time_zone => 'Asia/Jakarta');
	SELECT create_segment_table('by_hand', 'orders');
	GRANT SELECT ON by_hand, by_hand_current TO reader;
	CREATE TABLE kept AS SELECT customer_id, purchase_summary(ordered_at, amount) AS summary, row(1, 2, 3, 5)::rfm_score AS score, 'rfm11'::rfm_map AS map FROM orders GROUP BY 1;
	CREATE TABLE models AS SELECT rfm_fit(summary, now()) AS model FROM kept;
	CREATE TABLE ratings AS SELECT rating_summary(i % 11, 0, 10) AS answers FROM generate_series(1, 100) i});
ok($old->poll_query_until('shop', q{SELECT count(*) >= 2 FROM customer_scoring.segment_table_run WHERE segment_table = 'public.often' AND cause = 'scheduled' AND state = 'succeeded'}),
	'the schedule runs before');
# changes that no refresh has seen
$old->append_conf('postgresql.conf', 'customer_scoring.scheduler = off');
$old->restart;
$old->safe_psql('shop', q{SET ROLE shop; INSERT INTO orders VALUES ('late', now(), 5, 'paid'); DELETE FROM orders WHERE customer_id = 'c7'; INSERT INTO parted VALUES (999, now(), 1)});

use_everything($old, 'used', 'shop');
my $kept = kept($old, 'used');

# Everything of the extension and of the shop, in a form that does not depend on physical order.
my $tables = q{SELECT string_agg(format('SELECT %L, md5(coalesce(string_agg(x::text, E''\n'' ORDER BY x::text COLLATE "C"), '''')), count(*) FROM %s x', c.oid::regclass, c.oid::regclass), ' UNION ALL ' ORDER BY c.oid::regclass::text COLLATE "C")
	FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace IN ('public'::regnamespace, 'customer_scoring'::regnamespace, 'customer_scoring_internal'::regnamespace)};
sub contents
{
	my ($node) = @_;
	return $node->safe_psql('shop', $node->safe_psql('shop', $tables) . ' ORDER BY 1');
}
my $before = contents($old);
my $numbers = $old->safe_psql('shop', q{SELECT string_agg(segment_table::oid || ' ' || segment_table, ', ' ORDER BY 1) FROM customer_scoring.segment_table_definition GROUP BY ()});
my $last_run = $old->safe_psql('shop', 'SELECT max(run_id) FROM customer_scoring_internal.segment_run');
$old->stop;
$old->append_conf('postgresql.conf', 'customer_scoring.scheduler = on');

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
$new->append_conf('postgresql.conf', $settings);
# pg_upgrade leaves its files where it is started
my $folder = File::Temp->newdir;
chdir $folder or die "cannot work in $folder";
command_ok([ "$bindir/pg_upgrade", '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $bindir, '-B', $bindir,
	'-s', $new->host, '-p', $old->port, '-P', $new->port ], 'pg_upgrade, with the library preloaded in both clusters');
chdir($ENV{TESTDIR} // '/');

$new->append_conf('postgresql.conf', 'customer_scoring.scheduler = off');
$new->start;
is(contents($new), $before, 'all tables hold what they held: nothing ran meanwhile');
is(kept($new, 'used'), $kept, 'also in the database that uses everything');
everything_works($new, 'used');
is($new->safe_psql('shop', q{SELECT string_agg(segment_table::oid || ' ' || segment_table, ', ' ORDER BY 1) FROM customer_scoring.segment_table_definition GROUP BY ()}), $numbers,
	'definitions mean the same tables');
is($new->safe_psql('shop', q{SELECT count(*) FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid WHERE e.extname = 'customer_scoring' AND d.deptype = 'e'}) > 100,
	1, 'the extension has its members');
is($new->safe_psql('shop', q{SET search_path = public, customer_scoring; SELECT count(*) FROM kept k, models m WHERE revenue(summary) > 0 AND (rfm(model, summary, now())).r BETWEEN 1 AND 5 AND rfm_segment(score, map) IS NOT NULL}),
	'50', 'values are read with their meaning');
is($new->safe_psql('shop', 'SELECT customer_scoring.nps(answers) IS NOT NULL FROM ratings'), 't', 'answers too');
is($new->safe_psql('shop', q{SET ROLE reader; SELECT count(*) FROM by_hand_current WHERE as_of IS NOT NULL}), '50', 'the views are read by who may');
isnt($new->safe_psql('shop', q{SELECT count(*) FROM customer_scoring.verify_segment_table('by_hand')}), '0', 'what changed before the upgrade is still to be refreshed');
is($new->safe_psql('shop', q{SET ROLE shop; SELECT inserted, deleted FROM customer_scoring.refresh_segment_table('by_hand')}), '1|1', 'a refresh by hand sees the changes from before');
is($new->safe_psql('shop', q{SELECT count(*) FROM customer_scoring.verify_segment_table('by_hand')}), '0', 'and is exact');
$new->safe_psql('shop', q{SET ROLE shop; INSERT INTO orders VALUES ('after', now(), 5, 'paid'); UPDATE orders SET customer_id = 'moved' WHERE customer_id = 'c9'; DELETE FROM parted_1});
is($new->safe_psql('shop', q{SELECT inserted, deleted FROM customer_scoring.refresh_segment_table('by_hand')}), '2|1', 'and those from after');
is($new->safe_psql('shop', q{SELECT count(*) FROM customer_scoring.verify_segment_table('by_hand')}), '0', 'and is exact again');

$new->append_conf('postgresql.conf', 'customer_scoring.scheduler = on');
$new->reload;
ok($new->poll_query_until('shop', qq{SELECT count(*) >= 2 FROM customer_scoring.segment_table_run WHERE segment_table = 'public.often' AND cause = 'scheduled' AND state = 'succeeded' AND run_id > $last_run}),
	'the schedule goes on');
is($new->safe_psql('shop', q{SELECT count(*) FROM customer_scoring.verify_segment_table('often')}), '0', 'and is exact');
is($new->safe_psql('shop', q{SELECT state || ' ' || (next_refresh_at = '2124-01-01 02:00+07') FROM customer_scoring.segment_table_status WHERE segment_table = 'public.nightly'}), 'scheduled true', 'the other one waits for its moment');
is($new->safe_psql('shop', q{SET ROLE shop; SELECT deleted > 0 FROM customer_scoring.refresh_segment_table('nightly')}), 't', 'and can be refreshed');
is($new->safe_psql('shop', q{SELECT count(*) FROM customer_scoring.verify_segment_table('nightly')}), '0', 'exactly');
is($new->safe_psql('shop', q{SET ROLE shop; SELECT customer_scoring.drop_segment_table(t) FROM unnest('{often,nightly,by_hand}'::regclass[]) t; SELECT count(*) FROM customer_scoring.segment_table_definition}), "\n\n\n0", 'all can be dropped');
$new->safe_psql('shop', 'DROP TABLE kept, models, ratings; DROP EXTENSION customer_scoring');
is($new->safe_psql('shop', q{SELECT count(*) FROM pg_namespace WHERE nspname ~ 'customer_scoring'}), '0', 'and the extension goes');
$new->stop;
done_testing();
