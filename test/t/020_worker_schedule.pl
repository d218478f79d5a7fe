# The launcher is there, refreshes by schedule, answers requests, and rests.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use WorkerNode;

my $node = worker_node('main');
wait_launcher($node, 0, 'the launcher is in pg_stat_activity');
is( $node->safe_psql('postgres', "SELECT datid IS NULL FROM pg_stat_activity WHERE backend_type = 'customer_scoring launcher'"),
	't', 'and connected to no database');
is($node->safe_psql('postgres', 'SHOW customer_scoring.scheduler'), 'on', 'it is on unless told otherwise');

add_shop($node, 'shop');
is($node->safe_psql('shop', 'SELECT customer_scoring.scheduler_running()'), 't', 'scheduler_running says so');

# a mistyped setting is refused
my ($code, $out, $err) = $node->psql('shop', "SET customer_scoring.shceduler = off");
like($err, qr/invalid configuration parameter name "customer_scoring.shceduler"/, 'unknown settings are refused');

# schedule
segment_table($node, 'shop', 'scheduled', 'orders', '1 second');
wait_runs($node, 'shop', 'scheduled', 3, 'a table with a schedule is refreshed again and again');
is( $node->safe_psql('shop', "SELECT count(DISTINCT pid) > 1 FROM customer_scoring_internal.segment_run WHERE segment_table = 'scheduled'::regclass"),
	't', 'each time by a new process');
$node->safe_psql('shop', "INSERT INTO orders VALUES ('late', now() - interval '1 minute', 7)");
ok($node->poll_query_until('shop', "SELECT count(*) = 1 FROM scheduled WHERE customer_id = 'late'"), 'it follows its source');
exact($node, 'shop', 'scheduled', 'and is exact');
$node->safe_psql('shop', "SELECT customer_scoring.alter_segment_table('scheduled', refresh_every => '1 day')")
  if $node->safe_psql('shop', "SELECT count(*) FROM pg_proc WHERE proname = 'alter_segment_table'") > 0;
$node->safe_psql('shop', "UPDATE customer_scoring.segment_table_definition SET refresh_every = '1 day'");

# lifetime values: everybody whenever it is due, whoever has changed in between
segment_table($node, 'shop', 'valued', 'orders', '1 second');
$node->safe_psql('shop', q(SELECT customer_scoring.alter_segment_table('valued', clv => '{"score_every": "5 seconds", "fit_every": "10 seconds"}')));
my $runs = q(FROM customer_scoring.segment_table_run WHERE segment_table = 'public.valued');
ok($node->poll_query_until('shop', "SELECT count(*) >= 3 $runs AND reason = 'customer lifetime values are due' AND clv_report IS NOT NULL"), 'a worker scores everybody when it is due');
is($node->safe_psql('shop', "SELECT count(*) >= 3 $runs AND mode = 'incremental' AND clv_report IS NULL"), 't', 'and refreshes incrementally in between');
is($node->safe_psql('shop', "SELECT count(*) $runs AND state = 'failed'"), '0', 'without a failure');
exact($node, 'shop', 'valued', 'lifetime values are exact');
$node->safe_psql('shop', "SELECT customer_scoring.drop_segment_table('valued')");

# request: from commit to start
segment_table($node, 'shop', 'asked', 'orders');
my @delays;
for my $i (1 .. 5)
{
	# two transactions: the second statement tells when the first has committed
	my ($run, $asked) = split /\n/, $node->safe_psql('shop',
		"SELECT customer_scoring.request_segment_refresh('asked');\nSELECT extract(epoch FROM clock_timestamp());");
	wait_runs($node, 'shop', 'asked', $i, "request $i is served");
	push @delays, $node->safe_psql('shop',
		"SELECT round((extract(epoch FROM max(started_at)) - $asked) * 1000) FROM customer_scoring_internal.segment_run WHERE segment_table = 'asked'::regclass");
}
note "ms from the commit of a request to the start of the refresh: @delays";
cmp_ok((sort { $a <=> $b } @delays)[2], '<', 1000, 'a request is served within a second');
is(runs_of($node, 'shop', 'asked'), 5, 'and served once');

# owners: an ordinary role's table is refreshed by that role
$node->safe_psql('shop', 'CREATE ROLE keeper LOGIN');
segment_table($node, 'shop', 'kept', 'orders', '1 day', 'keeper');
$node->safe_psql('shop', 'SET ROLE keeper; CREATE VIEW who AS SELECT current_user::text AS customer_id, now() AS ordered_at, 1.0 AS amount');
segment_table($node, 'shop', 'by_whom', 'who', '1 day', 'keeper');
$node->safe_psql('shop', "SET ROLE keeper; SELECT customer_scoring.request_segment_refresh('kept'), customer_scoring.request_segment_refresh('by_whom')");
wait_runs($node, 'shop', 'kept', 1, 'a role asks for its own table');
wait_runs($node, 'shop', 'by_whom', 1, 'and for another in the same transaction');
is($node->safe_psql('shop', 'SELECT customer_id FROM by_whom'), 'keeper', 'the worker is the owner');

# settings of role and database that would stop it, and are not to stop the sessions of this test
my $options = $ENV{PGOPTIONS};
$ENV{PGOPTIONS} = '-c lock_timeout=0 -c idle_in_transaction_session_timeout=0';
$node->safe_psql(
	'shop', q(
	ALTER ROLE keeper SET statement_timeout = '10ms';
	ALTER ROLE keeper SET default_transaction_read_only = on;
	ALTER ROLE keeper SET default_transaction_isolation = 'serializable';
	ALTER ROLE keeper SET search_path = nowhere;
	CREATE ROLE lesser;
	GRANT lesser TO keeper;
	ALTER ROLE keeper SET role = lesser;
	ALTER DATABASE shop SET lock_timeout = '1ms';
	ALTER DATABASE shop SET idle_in_transaction_session_timeout = '1ms';));
slow_source($node, 'shop', 1);
segment_table($node, 'shop', 'slowly', 'slow', '1 day', 'keeper');
$node->safe_psql('shop', "SET ROLE keeper; SELECT customer_scoring.request_segment_refresh('slowly')");
wait_runs($node, 'shop', 'slowly', 1, 'settings of role and database do not stop a refresh');
is(runs_of($node, 'shop', 'slowly', 'failed'), 0, 'at the first attempt');
$node->safe_psql('postgres', 'ALTER DATABASE shop RESET ALL');
$ENV{PGOPTIONS} = $options // '';

# off and on again
$node->append_conf('postgresql.conf', 'customer_scoring.scheduler = off');
$node->reload;
ok($node->poll_query_until('shop', 'SELECT NOT customer_scoring.scheduler_running()'), 'it is switched off by reload');
$node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('asked')");
wait_runs($node, 'shop', 'asked', 6, 'a request is served without it');
segment_table($node, 'shop', 'later', 'orders', '1 second');
is(runs_of($node, 'shop', 'later'), 0, 'a schedule is not');
$node->append_conf('postgresql.conf', 'customer_scoring.scheduler = on');
$node->reload;
wait_runs($node, 'shop', 'later', 1, 'until it is switched on');
$node->safe_psql('shop', "UPDATE customer_scoring.segment_table_definition SET refresh_every = '1 day'");
$node->poll_query_until('shop', "SELECT min(due_at) > now() + interval '1 hour' FROM customer_scoring_internal.segment_state");

# idle: hardly a switch of context, and no processor time
my $pid = launcher_pid($node);
SKIP:
{
	skip 'no /proc', 2 unless -r "/proc/$pid/stat" && -r "/proc/$pid/status";
	my $read = sub {
		my ($switches) = slurp_file("/proc/$pid/status") =~ /^voluntary_ctxt_switches:\s+(\d+)/m;
		my @field = split ' ', slurp_file("/proc/$pid/stat") =~ s/^.*\) //sr;
		return ($switches, $field[11] + $field[12]);
	};
	my $seconds = $ENV{IDLE_SECONDS} // 5;
	# commits of other people are no reason to wake up
	my ($switches, $ticks) = $read->();
	my $end = time + $seconds;
	$node->safe_psql('shop', 'CREATE TABLE IF NOT EXISTS noise (n int); INSERT INTO noise VALUES (1)') while time < $end;
	my ($switches2, $ticks2) = $read->();
	note sprintf 'in %d s: %d switches, %d ticks', $seconds, $switches2 - $switches, $ticks2 - $ticks;
	cmp_ok($switches2 - $switches, '<=', 10, 'an idle launcher is not woken');
	cmp_ok($ticks2 - $ticks, '<=', 1, 'and uses no processor time');
}

$node->stop;
done_testing();
