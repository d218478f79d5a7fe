# A customer is erased by the ordinary owner of a database: a full dump tells nothing of him, a worker that refreshes
# meanwhile does not bring him back, and register, tombstones and audit survive a restore. Retention by a worker.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('privacy');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'customer_scoring'\ncustomer_scoring.probe_interval = 1\ntimezone = 'UTC'\n");
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN; CREATE DATABASE shop OWNER shop');
$node->safe_psql('shop', 'CREATE EXTENSION customer_scoring; GRANT CREATE ON SCHEMA public TO shop; ALTER DATABASE shop SET search_path = public, customer_scoring');

sub as_owner
{
	my ($database, $sql) = @_;
	my $out = '';
	my $err = '';
	my $code = $node->psql($database, $sql, stdout => \$out, stderr => \$err, extra_params => [ '-U', 'shop' ]);
	is($code, 0, "the owner may: " . substr($sql, 0, 60)) or diag $err;
	return $out;
}

# Key and values that are nowhere else. Every table of the extension that may hold a customer holds this one.
my ($key, $name, $mail, $street) = ('cust-9f3b77', 'Sri Wahyuni Kartika', 'sri.kartika@toko.example', 'Jalan Melati 412');
as_owner('shop', qq{
	CREATE TABLE customers (customer_id text PRIMARY KEY, name text, email text);
	CREATE TABLE addresses (customer_id text REFERENCES customers, street text);
	CREATE TABLE orders (order_id int PRIMARY KEY, customer_id text, ordered_at timestamptz, amount numeric(12,2), ship_to text);
	CREATE INDEX ON addresses (customer_id);
	CREATE INDEX ON orders (customer_id);
	INSERT INTO customers SELECT 'c' || i, 'Name ' || i, 'm' || i FROM generate_series(1, 300) i;
	INSERT INTO customers VALUES ('$key', '$name', '$mail');
	INSERT INTO addresses VALUES ('$key', '$street');
	INSERT INTO orders SELECT i, CASE WHEN i % 100 = 0 THEN '$key' ELSE 'c' || 1 + i * 7 % 300 END, now() - i * interval '3 hours', 10 + i % 50, CASE WHEN i % 100 = 0 THEN '$name, $street' END FROM generate_series(1, 3000) i;
	INSERT INTO privacy_register (relation, category) VALUES ('customers', 'master data'), ('addresses', 'contact');
	INSERT INTO privacy_register (relation, column_name, category, on_erase) VALUES ('orders', 'ship_to', 'contact', 'anonymise');
	INSERT INTO tier_policy (name, scheme, time_zone) VALUES ('club', 'bronze 0, silver 100', 'UTC');
	SELECT create_segment_table('segments', 'orders', history => true, time_zone => 'UTC', with_data => false);
	UPDATE tier_policy SET segment_table = 'segments';
	SELECT alter_segment_table('segments', tiers => 'club');
	SELECT add_segment_source('segments', 'key_accounts', 'key_account', 'customer');
	SELECT refresh_segment_table('segments', now() - interval '100 days');
	SELECT refresh_segment_table('segments');
	INSERT INTO consent (customer, purpose, channel, status, evidence) VALUES ('$key', 'news', 'email', 'granted', 'mail of $mail');
	INSERT INTO do_not_contact (customer, reason) VALUES ('$key', 'asked by $name');
	INSERT INTO contact_preference (customer, channel, language) VALUES ('$key', 'email', 'id');
	INSERT INTO feedback (customer, channel, body) VALUES ('$key', 'email', 'Kirim ke $street, $name');
	INSERT INTO key_account (customer, note) VALUES ('$key', '$name');
	INSERT INTO key_account_policy (segment_table) VALUES ('segments');
	SELECT assess_key_accounts('segments');
	SELECT assign_account_manager('$key', 'Ben');
	INSERT INTO profiling_opt_out (customer, reason, until) VALUES ('$key', 'asked by $name', now() + interval '1 ms');
	INSERT INTO points_programme (name) VALUES ('club');});
# as who may: earning is for the owner, too
as_owner('shop', qq{SELECT earn_points('club', '$key', 100, 'welcome $key'); SELECT redeem_points('club', '$key', 30, 'r1'); SELECT earn_points('club', 'c1', 50, 'o1');
	SELECT donate_points('club', 'c1', 20, '$key'); SELECT refresh_segment_table('segments'); UPDATE orders SET amount = amount + 500 WHERE order_id = 100; SELECT refresh_segment_table('segments');
	UPDATE orders SET amount = amount + 1 WHERE order_id = 200; INSERT INTO orders VALUES (3001, '$key', NULL, 5); SELECT refresh_segment_table('segments'); UPDATE orders SET amount = amount + 1 WHERE order_id = 200;});
# a run that failed names him
$node->psql('shop', qq{ALTER TABLE segments ADD CONSTRAINT not_he CHECK (customer_id <> '$key') NOT VALID; SELECT refresh_segment_table('segments')});
ok($node->poll_query_until('shop', qq{SELECT count(*) > 0 FROM customer_scoring_internal.segment_run r WHERE r::text ~ '$key'}), 'a run tells of him');
$node->safe_psql('shop', 'ALTER TABLE segments DROP CONSTRAINT not_he');

sub dump_of
{
	my ($database) = @_;
	my $file = $node->basedir . "/$database.sql";
	command_ok([ 'pg_dump', '-U', 'shop', '-h', $node->host, '-p', $node->port, '-f', $file, $database ], "the owner dumps $database");
	return slurp_file($file);
}
sub internals { return $node->safe_psql('shop', q{SELECT string_agg(query_to_xml('SELECT t::text FROM ' || c.oid::regclass || ' t', true, false, '')::text, '') FROM pg_class c
	WHERE c.relkind = 'r' AND c.relnamespace = 'customer_scoring_internal'::regnamespace}); }
my @traces = ($key, $name, $mail, $street);
my $before = dump_of('shop');
ok(index($before, $_) >= 0, "before, the dump has $_") foreach @traces;
ok(index(internals(), $key) >= 0, 'and so have tables that are not dumped');
my $exported = as_owner('shop', qq{SELECT export_customer('$key')});
ok(index($exported, $_) >= 0, "the export has $_") foreach @traces;
my $told = as_owner('shop', qq{SELECT string_agg(relation, ' ' ORDER BY relation COLLATE "C") FROM erase_customer('$key') WHERE deleted + anonymised > 0});
is($told, 'customer_scoring.account_manager customer_scoring.consent customer_scoring.contact_preference customer_scoring.do_not_contact customer_scoring.feedback customer_scoring.key_account customer_scoring.points_entry customer_scoring.profiling_opt_out '
	. 'customer_scoring.tier_history customer_scoring_internal.points_account customer_scoring_internal.segment_quality customer_scoring_internal.segment_run public.addresses public.customers public.orders public.segments public.segments_history',
	'every table gave something up');
my $after = dump_of('shop');
is(index($after, $_), -1, "after, the dump has no $_") foreach @traces;
is(index(internals(), $_), -1, "nor have tables that are not dumped $_") foreach @traces;
is($node->safe_psql('shop', 'SELECT count(*) FROM verify_segment_table(\'segments\') WHERE problem <> \'pending\''), '0', 'the segment table is exact');
as_owner('shop', q{SELECT refresh_segment_table('segments')});
is($node->safe_psql('shop', 'SELECT count(*) FROM verify_segment_table(\'segments\')'), '0', 'and stays so');

# A worker refreshes by schedule while customers are erased one after the other, whose orders stay in a table that nobody registered.
as_owner('shop', q{
	CREATE TABLE sales AS SELECT 'v' || 1 + i % 200 AS customer_id, now() - i * interval '1 minute' AS ordered_at, i % 90 + 1 AS amount FROM generate_series(1, 20000) i;
	CREATE INDEX ON sales (customer_id);
	SELECT create_segment_table('busy', 'sales', refresh_every => '1 s', history => true, time_zone => 'UTC')});
foreach my $i (1 .. 40)
{
	$node->safe_psql('shop', "INSERT INTO sales SELECT 'v' || 1 + j % 200, now(), 5 FROM generate_series(1, 20) j; SELECT request_segment_refresh('busy'); SELECT erase_customer('v$i')");
}
my $runs = $node->safe_psql('shop', q{SELECT max(run_id) FROM segment_table_run});
ok($node->poll_query_until('shop', qq{SELECT count(*) > 1 FROM segment_table_run WHERE segment_table = 'public.busy' AND run_id > $runs AND state = 'succeeded'}), 'the worker goes on');
is($node->safe_psql('shop', q{SELECT count(*) FROM segment_table_run WHERE state = 'failed' AND segment_table = 'public.busy'}), '0', 'and no run has failed');
is($node->safe_psql('shop', q{SELECT count(*) FROM busy WHERE customer_id IN (SELECT 'v' || i FROM generate_series(1, 40) i)}), '0', 'nobody who was erased is in the segment table');
is($node->safe_psql('shop', q{SELECT count(*) FROM busy_history WHERE customer_id IN (SELECT 'v' || i FROM generate_series(1, 40) i)}), '0', 'nor in its history');
is($node->safe_psql('shop', q{SELECT count(*) FROM busy}), '160', 'everybody else is');
as_owner('shop', q{SELECT alter_segment_table('busy', refresh_every => '0')});
$node->safe_psql('shop', q{SELECT refresh_segment_table('busy')});
is($node->safe_psql('shop', q{SELECT count(*) FROM verify_segment_table('busy')}), '0', 'which is exact');

# A crash right after the commit leaves nothing of him either.
as_owner('shop', q{SELECT erase_customer('v50')});
$node->stop('immediate');
$node->start;
is($node->safe_psql('shop', q{SELECT count(*) FROM busy WHERE customer_id = 'v50'}), '0', 'after a crash he is erased');
is($node->safe_psql('shop', q{SELECT mode, customers FROM refresh_segment_table('busy')}), 'full|159', 'and stays out, though the change log was lost');

# Dump and restore, as one does: register, tombstones and audit are back, once, and still hold.
as_owner('shop', q{ALTER TABLE orders DROP COLUMN ship_to});
my $archive = $node->basedir . '/shop.dump';
command_ok([ 'pg_dump', '-U', 'shop', '-Fc', '-f', $archive, '-h', $node->host, '-p', $node->port, 'shop' ], 'the owner dumps an archive');
$node->safe_psql('postgres', 'CREATE DATABASE restored OWNER shop; ALTER DATABASE restored SET search_path = public, customer_scoring');
command_ok([ 'pg_restore', '--exit-on-error', '-j', '2', '-h', $node->host, '-p', $node->port, '-d', 'restored', $archive ], 'which restores without an error, though the register is out of date');
foreach my $table ('privacy_register', 'privacy_audit', 'tombstone', 'tombstone_salt')
{
	my $rows = "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text COLLATE \"C\")), count(*) > 0 FROM customer_scoring.$table t";
	is($node->safe_psql('restored', $rows), $node->safe_psql('shop', $rows), "$table is back");
}
as_owner('restored', q{DELETE FROM privacy_register WHERE column_name = 'ship_to'});
as_owner('restored', qq{INSERT INTO orders VALUES (9999, '$key', now(), 5); SELECT refresh_segment_table('segments'), refresh_segment_table('busy')});
is($node->safe_psql('restored', qq{SELECT count(*) FROM segments WHERE customer_id = '$key'}), '0', 'who was erased before stays out of what is restored');
is($node->safe_psql('restored', q{SELECT count(*) FROM busy WHERE customer_id = 'v7'}), '0', 'and so do others');
is(as_owner('restored', qq{SELECT count(*) FROM erase_customer('c5') WHERE deleted + anonymised > 0}) > 0, 1, 'and erasing goes on');
$node->safe_psql('postgres', 'CREATE DATABASE again OWNER shop');
command_ok([ 'pg_dump', '-U', 'shop', '-Fc', '-f', "$archive.2", '-h', $node->host, '-p', $node->port, 'restored' ], 'it dumps once more');
command_ok([ 'pg_restore', '--exit-on-error', '-h', $node->host, '-p', $node->port, '-d', 'again', "$archive.2" ], 'and restores');
is($node->safe_psql('again', 'SELECT count(*) FROM customer_scoring.privacy_audit'), $node->safe_psql('restored', 'SELECT count(*) FROM customer_scoring.privacy_audit'), 'with as much audit as it had');

# Retention by a worker, which comes by as the owner of a segment table; a table on which it fails stands in nobody's way.
$node->safe_psql('shop', 'CREATE ROLE other; CREATE TABLE of_other (customer_id int PRIMARY KEY, at date); INSERT INTO of_other VALUES (1, \'2020-01-01\'); ALTER TABLE of_other OWNER TO other');
as_owner('shop', q{
	CREATE TABLE failing (customer_id int PRIMARY KEY, at timestamptz);
	CREATE TABLE visits (customer_id int PRIMARY KEY, at timestamptz, ip inet);
	INSERT INTO failing VALUES (1, now() - interval '2 years');
	INSERT INTO visits VALUES (1, now() - interval '2 years', '10.0.0.1'), (2, now() - interval '2 months', '10.0.0.2'), (3, now(), '10.0.0.3');
	CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not these'; END $$;
	CREATE TRIGGER refuse BEFORE DELETE ON failing FOR EACH ROW EXECUTE FUNCTION refuse();
	INSERT INTO privacy_register (relation, retention, time_column) VALUES ('failing', '1 year', 'at'), ('visits', '1 year', 'at');
	INSERT INTO privacy_register (relation, column_name, on_erase, replacement, retention, time_column) VALUES ('visits', 'customer_id', 'anonymise', '-1', NULL, NULL), ('visits', 'ip', 'anonymise', NULL, '1 month', 'at');
	DELETE FROM privacy_register WHERE column_name = 'ship_to'});
$node->safe_psql('shop', q{INSERT INTO privacy_register (relation, retention, time_column) VALUES ('of_other', '1 year', 'at')});
my $log = -s $node->logfile;
as_owner('shop', q{SELECT request_segment_refresh('busy')});
ok($node->poll_query_until('shop', q{SELECT count(*) = 2 AND count(ip) = 1 FROM visits}), 'a worker deletes and anonymises what is too old');
is($node->safe_psql('shop', q{SELECT count(*) FROM failing}), '1', 'a table that refuses keeps its rows');
ok($node->log_contains(qr/retention of table with OID \d+ could not be applied: not these/, $log), 'which the log tells');
is($node->safe_psql('shop', q{SELECT count(*) FROM of_other}), '1', 'a table of another owner is left to him');
is($node->safe_psql('shop', q{SELECT acting_role, details FROM privacy_audit WHERE action = 'retention' AND relation = 'public.visits'}), 'shop|{"deleted": 1, "anonymised": 1}', 'it is audited');
$node->safe_psql('shop', q{INSERT INTO visits VALUES (4, now() - interval '2 years', NULL)});
$runs = as_owner('shop', q{SELECT request_segment_refresh('busy')});
ok($node->poll_query_until('shop', qq{SELECT count(*) = 1 FROM segment_table_run WHERE run_id = $runs AND state = 'succeeded'}), 'the next refresh is done');
ok($node->poll_query_until('shop', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'customer_scoring refresh'}), 'and its worker has ended');
is($node->safe_psql('shop', q{SELECT count(*) FROM visits}), '3', 'a table is looked at once a day');
$node->safe_psql('shop', q{UPDATE customer_scoring_internal.retention_run SET applied_at = applied_at - interval '25 hours'});
as_owner('shop', q{SELECT request_segment_refresh('busy')});
ok($node->poll_query_until('shop', q{SELECT count(*) = 2 FROM visits}), 'and then again');

# Who drops the extension locks its tables in the order they were made; a worker that looks for retention holds none that comes later.
my $dropping = $node->background_psql('shop', on_error_stop => 1);
$dropping->query_safe(q{SET deadlock_timeout = '10ms'; BEGIN; LOCK TABLE customer_scoring.privacy_register IN ACCESS EXCLUSIVE MODE});
$runs = as_owner('shop', q{SELECT request_segment_refresh('busy')});
ok($node->poll_query_until('shop', q{SELECT count(*) > 0 FROM pg_locks JOIN pg_stat_activity USING (pid)
	WHERE backend_type = 'customer_scoring refresh' AND relation = 'customer_scoring.privacy_register'::regclass AND NOT granted}), 'a worker waits for a table that is being dropped');
$dropping->query_safe(q{LOCK TABLE customer_scoring_internal.retention_run, customer_scoring.privacy_audit IN ACCESS EXCLUSIVE MODE; COMMIT});
$dropping->quit;
pass('and does not stand in the way of the others');

$node->stop;
done_testing();
