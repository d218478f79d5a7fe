# Terminated, cancelled, killed, stopped, promoted: the scheduler comes back, and nothing is lost.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use WorkerNode;

my $node = worker_node('main', 'restart_after_crash = on', 'max_wal_senders = 4');
add_shop($node, 'shop');
slow_source($node, 'shop', 3600);
segment_table($node, 'shop', 'quickly', 'orders', '1 second');
wait_runs($node, 'shop', 'quickly', 1, 'a schedule runs');

# launcher
my $pid = launcher_pid($node);
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
wait_run_after($node, 'shop', 'quickly', 'after cancelling the launcher');
is(launcher_pid($node), $pid, 'which is the same');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
wait_launcher($node, $pid, 'a terminated launcher comes back');
wait_run_after($node, 'shop', 'quickly', 'and goes on');
$pid = launcher_pid($node);
kill_process($node, $pid);
wait_launcher($node, $pid, 'a killed launcher comes back');
wait_run_after($node, 'shop', 'quickly', 'and goes on');

# refresh worker: always in the middle of a refresh
segment_table($node, 'shop', 'slowly', 'slow');
$node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('slowly')");
$pid = wait_worker($node, 'shop', 'a long refresh runs');
wait_run_after($node, 'shop', 'quickly', 'others are refreshed meanwhile');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'customer_scoring refresh' AND query LIKE '%slowly' AND pid <> $pid"),
	'a terminated refresh is tried again');
$pid = wait_worker($node, 'shop', 'and runs');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($pid)");
ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)"), 'a cancelled refresh ends');
is(runs_of($node, 'shop', 'slowly', 'failed') > 0, 1, 'and is recorded');
wait_run_after($node, 'shop', 'quickly', 'others go on');
$node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('slowly')");
$pid = wait_worker($node, 'shop', 'a request starts it at once');
$node->safe_psql('shop', 'UPDATE pace SET seconds = 0');
kill_process($node, $pid);
wait_runs($node, 'shop', 'slowly', 1, 'after a kill the refresh is done');
exact($node, 'shop', 'slowly', 'and is exact');
is($node->safe_psql('shop', 'SELECT sum(orders) = (SELECT count(*) FROM slow_orders) FROM slowly'), 't', 'all orders are counted');

# server
$node->restart;
wait_run_after($node, 'shop', 'quickly', 'the schedule goes on after a restart');
$node->safe_psql('shop', "UPDATE pace SET seconds = 180; SELECT customer_scoring.request_segment_refresh('slowly')");
wait_worker($node, 'shop', 'a long refresh runs');
my $start = time;
$node->stop('fast');
my $seconds = time - $start;
cmp_ok($seconds, '<', 5, sprintf('fast shutdown takes %.1f s', $seconds));
$node->start;
wait_worker($node, 'shop', 'the request has survived');
$node->stop('immediate');
$node->start;
wait_worker($node, 'shop', 'a crash too');
$node->safe_psql('shop', 'UPDATE pace SET seconds = 0');
$pid = $node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'customer_scoring refresh' AND query LIKE '%slowly'");
wait_runs($node, 'shop', 'slowly', 2, 'and the refresh is done in the end');
exact($node, 'shop', 'slowly', 'exactly');

# standby
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->safe_psql('shop', "INSERT INTO orders VALUES ('replicated', now() - interval '1 minute', 3)");
ok($node->poll_query_until('shop', "SELECT count(*) = 1 FROM quickly WHERE customer_id = 'replicated'"), 'the primary refreshes');
$node->wait_for_catchup($standby);
is($standby->safe_psql('shop', "SELECT count(*) FROM quickly WHERE customer_id = 'replicated'"), '1', 'a standby can be read');
is($standby->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'customer_scoring%'"), '0', 'and has no workers');
is($standby->safe_psql('shop', 'SELECT customer_scoring.scheduler_running()'), 'f', 'and says so');
$node->stop('immediate');
$standby->promote;
wait_launcher($standby, 0, 'promotion starts the launcher');
wait_run_after($standby, 'shop', 'quickly', 'and the schedule');
exact($standby, 'shop', 'quickly', 'which is exact');
is( $standby->safe_psql('shop', 'SELECT count(*) - count(DISTINCT run_id) FROM customer_scoring_internal.segment_run'),
	'0', 'no run is recorded twice');
$standby->stop;

done_testing();
