# Runs of workers and by hand as people see them: while they go on, when they fail, with and without preloading.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use WorkerNode;

my $node = worker_node('main', 'log_statement = none');
add_shop($node, 'shop');
$node->safe_psql('shop', 'CREATE ROLE keeper LOGIN; CREATE ROLE stranger LOGIN');
slow_source($node, 'shop', 60);

# The status of a table, as somebody sees it.
sub status_of
{
	my ($table, $columns, $role) = @_;
	return $node->safe_psql('shop', ($role ? "SET ROLE $role;" : '') . "SELECT $columns FROM customer_scoring.segment_table_status WHERE segment_table = 'public.$table'");
}

# The last run of a table.
sub last_run
{
	my ($table, $columns, $role) = @_;
	return $node->safe_psql('shop', ($role ? "SET ROLE $role;" : '') . "SELECT $columns FROM customer_scoring.segment_table_run WHERE segment_table = 'public.$table' ORDER BY run_id DESC LIMIT 1");
}

# a worker at work
segment_table($node, 'shop', 'slowly', 'slow', undef, 'keeper');
my $run = $node->safe_psql('shop', "SET ROLE keeper; SELECT customer_scoring.request_segment_refresh('slowly')");
my $pid = wait_worker($node, 'shop', 'a worker is at work');
ok( $node->poll_query_until('shop', "SELECT state = 'running' FROM customer_scoring.segment_table_status WHERE segment_table = 'public.slowly'"),
	'the status says so');
is(status_of('slowly', 'running_run_id, progress, last_run_id'), "$run|no batch committed yet|", 'and which run');
is(last_run('slowly', 'run_id, cause, state, started_at >= requested_at, pid', 'keeper'), "$run|requested|running|t|$pid", 'the run tells its owner the process');
is(last_run('slowly', 'run_id, cause, state, pid', 'stranger'), "$run|requested|running|", 'and others that it runs');
# as a batch would note
$node->safe_psql('shop', "UPDATE customer_scoring_internal.segment_run SET batches = 3, recomputed = 150000, changes_left = 250000 WHERE run_id = $run");
is(status_of('slowly', 'progress', 'stranger'), 'batch 3: 150000 customers recomputed, 250000 changes left', 'how far it is');
is(last_run('slowly', 'batches, recomputed, changes_left'), '3|150000|250000', 'in figures too');

# somebody whose snapshot is of now will not see how it ends
my $then = $node->background_psql('shop', on_error_stop => 1);
$then->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');

# and batches as a worker really commits them
$node->safe_psql('shop', "CREATE TABLE many AS SELECT i AS customer_id, now() - interval '1 day' AS ordered_at, 1 AS amount FROM generate_series(1, 100000) i; CREATE INDEX ON many (customer_id);
	SELECT customer_scoring.create_segment_table('many_segments', 'many', breaks => 'frozen');
	INSERT INTO many SELECT i, now() - interval '1 hour', 2 FROM generate_series(1, 24000) i;");
like(status_of('many_segments', 'dirty_customers, oldest_change_at <= clock_timestamp(), full_reason IS NULL'), qr/^24000\|t\|t$/, 'what waits');
$node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('many_segments')");
ok( $node->poll_query_until('shop', "SELECT last_cause = 'requested' FROM customer_scoring.segment_table_status WHERE segment_table = 'public.many_segments'"),
	'is refreshed');
like(last_run('many_segments', 'mode, state, recomputed, batches > 0, changes_left > 0'), qr/^incremental\|succeeded\|24000\|t\|t$/, 'in more than one batch');
is(status_of('many_segments', 'dirty_customers, oldest_change_at, progress'), '0||', 'and waits no more');

# a batch that the log fills leaves those who are due for the next one
$node->safe_psql('shop', "INSERT INTO many VALUES (50000, clock_timestamp() + interval '1 second', 2);
	SELECT customer_scoring.refresh_segment_table('many_segments');
	INSERT INTO many SELECT i, now() - interval '1 minute', 2 FROM generate_series(1, 10000) i");
ok($node->poll_query_until('shop', "SELECT due_at < clock_timestamp() FROM many_segments WHERE customer_id = 50000"), 'one more is due');
$node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('many_segments')");
ok($node->poll_query_until('shop', "SELECT state = 'by hand' FROM customer_scoring.segment_table_status WHERE segment_table = 'public.many_segments'"), 'is refreshed');
is(last_run('many_segments', 'mode, recomputed, batches, changes_left'), 'incremental|10001|1|1', 'one is left by the first batch');
is($node->safe_psql('shop', "SELECT count(*) FROM customer_scoring.verify_segment_table('many_segments')"), 0, 'and by none at the end');

# a refresh by hand that waits for the slow one is not running yet; one whose owner gives up has failed
my ($code, $out, $err) = $node->psql('shop', "SET ROLE keeper; SET lock_timeout = '100ms'; SELECT customer_scoring.refresh_segment_table('slowly')");
like($err, qr/ERROR:  canceling statement due to lock timeout/, 'a refresh by hand does not get the lock');
is(status_of('slowly', 'state, last_cause, last_state, error_code, error_message', 'keeper'),
	'running|manual|failed|55P03|canceling statement due to lock timeout', 'which is recorded beside the running one');
is(status_of('slowly', 'last_cause, last_state, error_code, error_message', 'stranger'), 'manual|failed|55P03|', 'without the text for others');
$node->safe_psql('shop', "SELECT pg_cancel_backend($pid)");
ok( $node->poll_query_until('shop', "SELECT state = 'failed' FROM customer_scoring.segment_table_run WHERE run_id = $run"), 'a cancelled worker has failed');
is(status_of('slowly', 'state, reason', 'keeper'), 'failing|canceling statement due to user request', 'why');
ok($node->poll_query_until('shop', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)"), 'and is gone');
is($then->query_safe("SELECT state, reason IS NULL FROM customer_scoring.segment_table_status WHERE segment_table = 'public.slowly'"), 'running|t',
	'under a snapshot of before it goes on: it did not vanish without a word');
is($then->query_safe("SELECT state FROM customer_scoring.segment_table_run WHERE run_id = $run"), 'running', 'so does the run');
$then->quit;
$node->safe_psql('shop', 'UPDATE pace SET seconds = 0');
$node->safe_psql('shop', "SET ROLE keeper; SELECT customer_scoring.refresh_segment_table('slowly')");
is(status_of('slowly', 'state, reason, last_cause, last_state, error_code, failures'), 'by hand||manual|succeeded||0', 'until it succeeds');

# by hand: seen while it lasts, recorded when it is cancelled
$node->safe_psql('shop', 'UPDATE pace SET seconds = 3');
my $printed = '';
my $session = IPC::Run::start([ $node->installed_command('psql'), '-X', '-q', '-d', $node->connstr('shop') . ' application_name=byhand',
	'-c', 'SET ROLE keeper', '-c', "SELECT customer_scoring.refresh_segment_table('slowly')" ], '<', '/dev/null', '>&', \$printed);
ok( $node->poll_query_until('shop', "SELECT state = 'running' FROM customer_scoring.segment_table_status WHERE segment_table = 'public.slowly'"), 'a refresh by hand is seen');
$run = status_of('slowly', 'running_run_id');
$pid = $node->safe_psql('shop', "SELECT pid FROM pg_stat_activity WHERE application_name = 'byhand'");
is(last_run('slowly', 'run_id, cause, state, pid, started_at <= clock_timestamp()', 'keeper'), "$run|manual|running|$pid|", 'by its owner, who did not log in himself');
is(last_run('slowly', 'run_id, cause, state, pid, started_at <= clock_timestamp()'), "$run|manual|running|$pid|t", 'by a superuser');
is(last_run('slowly', 'run_id, cause, state, pid, started_at', 'stranger'), "$run|manual|running||", 'by a stranger');
my $began = time;
$node->safe_psql('shop', "SELECT pg_cancel_backend($pid)");
$session->finish;
note sprintf 'cancelled and recorded in %.0f ms', (time - $began) * 1000;
like($printed, qr/ERROR:  canceling statement due to user request/, 'its error is its own');
is(last_run('slowly', 'run_id, cause, state, pid, error_code, error_message', 'keeper'), "$run|manual|failed|$pid|57014|canceling statement due to user request", 'the record has its number');

# a source that fails: how long the caller waits for the record
$node->safe_psql('shop', "UPDATE pace SET seconds = 0; CREATE VIEW bad AS SELECT customer_id, ordered_at, amount / (amount - amount) AS amount FROM orders;
	SELECT customer_scoring.create_segment_table('failing', 'bad', with_data => false)");
my @took;
for my $i (1 .. 5)
{
	($code, $out, $err) = $node->psql('shop', "DO \$\$
		DECLARE
			began timestamptz := clock_timestamp();
		BEGIN
			PERFORM customer_scoring.refresh_segment_table('failing');
		EXCEPTION WHEN division_by_zero THEN
			RAISE NOTICE 'took %', round(extract(epoch FROM clock_timestamp() - began) * 1000);
		END \$\$");
	push @took, $err =~ /took (\d+)/;
}
note "ms until a failing refresh of 200 rows comes back: @took";
cmp_ok((sort { $a <=> $b } @took)[2], '<', 1000, 'recording does not take long');
is($node->safe_psql('shop', "SELECT count(*) FROM customer_scoring.segment_table_run WHERE segment_table = 'public.failing' AND state = 'failed'"), '5', 'each is recorded');

# somebody has the records locked: the error does not wait for long, and comes as it is
my $blocker = $node->background_psql('shop', on_error_stop => 1);
$blocker->query_safe('BEGIN; LOCK TABLE customer_scoring_internal.segment_run IN EXCLUSIVE MODE');
$node->safe_psql('shop', 'ALTER ROLE keeper SET lock_timeout = 0');
$began = time;
$node->psql('shop', "SET lock_timeout = '100ms'; SELECT customer_scoring.refresh_segment_table('failing')", stderr => \$err);
like($err, qr/ERROR:  canceling statement due to lock timeout/, 'an error while the records are locked is not masked');
cmp_ok(time - $began, '<', 4, 'and does not wait for them');
$blocker->query_safe('COMMIT');
$blocker->quit;
ok( $node->poll_query_until('shop', "SELECT count(*) = 6 FROM customer_scoring.segment_table_run WHERE segment_table = 'public.failing' AND state = 'failed'"),
	'it is recorded when they are free');

# a role that could not connect by itself any more: the one that refreshed can
$node->safe_psql('shop', "CREATE ROLE passing LOGIN; GRANT keeper TO passing; UPDATE pace SET seconds = 0.05");
$session = $node->background_psql('shop', on_error_stop => 0, extra_params => [ '-U', 'passing' ]);
$session->query_safe('SELECT 1');
$node->safe_psql('shop', 'ALTER ROLE passing NOLOGIN');
my $before = last_run('slowly', 'run_id');
$session->query("SET ROLE keeper; SET statement_timeout = '200ms'; SELECT customer_scoring.refresh_segment_table('slowly')");
$session->quit;
cmp_ok(last_run('slowly', 'run_id'), '>', $before, 'a session whose role may not log in any more leaves a record');
$node->stop;

# without preloading, and without a free slot
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\nmax_worker_processes = 1\nmax_logical_replication_workers = 0");
$node->start;
$before = last_run('failing', 'run_id');
$node->psql('shop', "SELECT customer_scoring.refresh_segment_table('failing')", stderr => \$err);
like($err, qr/ERROR:  division by zero/, 'without preloading a refresh fails as it did');
cmp_ok(last_run('failing', 'run_id'), '>', $before, 'and is recorded');
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
$before = last_run('failing', 'run_id');
$began = time;
$node->psql('shop', "SELECT customer_scoring.refresh_segment_table('failing')", stderr => \$err);
like($err, qr/^psql:<stdin>:1: ERROR:  division by zero\n/, 'without a slot too');
unlike($err, qr/WARNING/, 'and nothing else is said');
cmp_ok(time - $began, '<', 1, 'at once');
is(last_run('failing', 'run_id'), $before, 'without a record');
unlike(slurp_file($node->logfile), qr/(FATAL|PANIC):(?!.*terminating)/, 'no process has failed');
$node->stop;
done_testing();
