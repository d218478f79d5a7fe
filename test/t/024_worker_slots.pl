# Too few slots for background workers: refreshes wait, and the log stays quiet.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkerNode;

# launcher, logical replication launcher, and one that a parallel query can take
my $node = worker_node('main', 'max_worker_processes = 3', 'customer_scoring.max_refresh_workers = 32');
add_shop($node, 'shop');
segment_table($node, 'shop', 'quickly', 'orders', '1 second');
wait_runs($node, 'shop', 'quickly', 2, 'one slot is enough');

slow_source($node, 'shop', 7200);
my $parallel = $node->pg_version >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';
my $session = $node->background_psql('shop', on_error_stop => 0);
my $offset = -s $node->logfile;
# a query that does not get the slot, because a refresh has it just then, is cancelled and sent again
my $held = 0;
my $others = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND query LIKE '%FROM pace;%'";
for (1 .. 50)
{
	$session->query_until(qr/reading/, "SET $parallel = on;\n\\echo reading\nSELECT pg_sleep(seconds) FROM pace;\n");
	$node->poll_query_until('shop', "SELECT EXISTS (SELECT $others AND wait_event IS NOT NULL AND state = 'active')");
	$held = $node->safe_psql('shop', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'");
	last if $held;
	$node->safe_psql('shop', "SELECT pg_cancel_backend(pid) $others");
}
ok($held, 'another worker takes the last slot');
$node->wait_for_log(qr/no background worker slot is free for refreshes/, $offset);
my $runs = runs_of($node, 'shop', 'quickly');
$node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('quickly')");
is($node->safe_psql('shop', 'SELECT customer_scoring.scheduler_running()'), 't', 'the launcher stays');
# two more tries of the launcher
ok($node->poll_query_until('shop', "SELECT min(due_at) < now() - interval '21 seconds' FROM customer_scoring_internal.segment_state"),
	'for longer than the launcher waits between tries');
is(runs_of($node, 'shop', 'quickly'), $runs, 'refreshes wait');
my $lines = () = log_part($node, $offset) =~ /no background worker slot is free/g;
is($lines, 1, 'which is said once');
$node->safe_psql('shop', "SELECT pg_cancel_backend(pid) $others");
wait_runs($node, 'shop', 'quickly', $runs + 2, 'and go on when a slot is free');
$node->stop;

# without the scheduler the request says that it has to wait
my $plain = PostgreSQL::Test::Cluster->new('plain');
$plain->init;
$plain->append_conf('postgresql.conf', 'max_worker_processes = 1');
$plain->start;
add_shop($plain, 'shop');
segment_table($plain, 'shop', 'asked', 'orders');
is($plain->safe_psql('shop', 'SELECT customer_scoring.scheduler_running()'), 'f', 'no scheduler without preloading');
my ($rc, $out, $err) = $plain->psql('shop', "SELECT customer_scoring.request_segment_refresh('asked')");
is($rc, 0, 'a request without a free slot is accepted');
like($err, qr/WARNING:  no background worker slot is free: the requested refresh stays queued/, 'with a warning');
like($err, qr/HINT:  Increase max_worker_processes/, 'and the cure');
$plain->append_conf('postgresql.conf', 'max_worker_processes = 8');
$plain->restart;
($rc, $out, $err) = $plain->psql('shop', "SELECT customer_scoring.request_segment_refresh('asked')");
is($err, '', 'a request with a free slot');
wait_runs($plain, 'shop', 'asked', 1, 'is served');

# several tables, owners and savepoints in one transaction
$plain->safe_psql('shop', 'CREATE ROLE keeper LOGIN; CREATE ROLE team');
segment_table($plain, 'shop', 'kept', 'orders', undef, 'keeper');
segment_table($plain, 'shop', 'shared', 'orders', undef, 'team');
segment_table($plain, 'shop', 'many_' . $_, 'orders') for 1 .. 30;
($rc, $out, $err) = $plain->psql('shop', "BEGIN; SELECT customer_scoring.request_segment_refresh('kept'); SELECT customer_scoring.request_segment_refresh('kept');
	SELECT customer_scoring.request_segment_refresh(oid) FROM pg_class WHERE relname LIKE 'many%' AND relkind = 'r'; COMMIT");
is($err, '', 'many requests in one transaction');
wait_runs($plain, 'shop', 'kept', 1, 'are served, for an ordinary role');
ok($plain->poll_query_until('shop', "SELECT count(DISTINCT segment_table) = 30 FROM customer_scoring_internal.segment_run WHERE segment_table::text LIKE 'many%' AND finished_at IS NOT NULL"),
	'and for all tables');
SKIP:
{
	skip 'from 17 on, a role without LOGIN is served', 1 if $plain->pg_version >= 17;
	($rc, $out, $err) = $plain->psql('shop', "SELECT customer_scoring.request_segment_refresh('shared')");
	like($err, qr/WARNING:  no worker can refresh "shared": its owner may not connect/, 'an owner who may not log in');
}
unlike(slurp_file($plain->logfile), qr/FATAL:.*(?:role|database)/, 'no process was started in vain');
$plain->stop;

done_testing();
