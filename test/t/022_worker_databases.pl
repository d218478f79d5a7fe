# Databases come and go as if there was no scheduler.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkerNode;

my $node = worker_node('main', 'customer_scoring.probe_interval = 1s', 'log_min_messages = debug1');
add_shop($node, 'shop');
add_shop($node, 'busy');
slow_source($node, 'busy', 3600);
segment_table($node, 'shop', 'quickly', 'orders', '1 second');
wait_runs($node, 'shop', 'quickly', 1, 'a schedule runs');

# while idle, and while a refresh runs elsewhere
for my $round (1 .. 5)
{
	if ($round == 4)
	{
		segment_table($node, 'busy', 'slowly', 'slow');
		$node->safe_psql('busy', "SELECT customer_scoring.request_segment_refresh('slowly')");
		wait_worker($node, 'busy', 'a refresh runs in another database');
	}
	# the copy has a schedule of its own
	quick($node, 'CREATE DATABASE copy TEMPLATE shop', 2);
	wait_run_after($node, 'copy', 'quickly', 'a copied schedule is found') if $round == 1;
	quick($node, 'ALTER DATABASE copy RENAME TO other');
	wait_run_after($node, 'other', 'quickly', 'a renamed database goes on') if $round == 1;
	quick($node, 'DROP DATABASE other');
}

# in the refreshing database itself
quick($node, 'DROP DATABASE busy WITH (FORCE)', 2);
wait_run_after($node, 'shop', 'quickly', 'others go on');

# a database dropped under its schedule leaves no noise
add_shop($node, 'doomed');
segment_table($node, 'doomed', 'quickly', 'orders', '1 second');
wait_runs($node, 'doomed', 'quickly', 1, 'a schedule runs in a database');
my $offset = -s $node->logfile;
quick($node, 'DROP DATABASE doomed WITH (FORCE)', 2);
wait_run_after($node, 'shop', 'quickly', 'which is dropped') for 1 .. 3;
my $noise = () = log_part($node, $offset) =~ /(?:FATAL|ERROR|PANIC):/g;
cmp_ok($noise, '<=', 1, 'at most the refresh that was running says so');

# visits of a database are seen by its transactions
sub wait_visits
{
	my ($database, $name) = @_;
	my $query = "SELECT xact_commit FROM pg_stat_database WHERE datname = '$database'";
	my $before = $node->safe_psql('postgres', $query);
	ok($node->poll_query_until('postgres', "SELECT ($query) >= $before + 2"), $name);
	return;
}

# from here on nothing else is due
segment_table($node, 'shop', 'still', 'orders');
$node->safe_psql('shop', "UPDATE customer_scoring.segment_table_definition SET refresh_every = NULL WHERE segment_table = 'quickly'::regclass;
	UPDATE customer_scoring_internal.segment_state SET due_at = NULL");
wait_visits('shop', 'the schedule has ended');
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'customer_scoring refresh'");

# look-alikes are not read
$offset = -s $node->logfile;
$node->safe_psql('postgres', 'CREATE DATABASE fake');
$node->safe_psql(
	'fake', q(
	CREATE TABLE orders (customer_id text, ordered_at timestamptz, amount numeric);
	CREATE TABLE bait (customer_id text);
	CREATE SCHEMA customer_scoring;
	CREATE SCHEMA customer_scoring_internal;
	CREATE TABLE customer_scoring.segment_table_definition (segment_table regclass, refresh_every interval);
	CREATE TABLE customer_scoring_internal.segment_state (segment_table regclass, due_at timestamptz, refreshed_at timestamptz);
	INSERT INTO customer_scoring.segment_table_definition VALUES ('bait', '1 second');
	INSERT INTO customer_scoring_internal.segment_state VALUES ('bait', '2020-01-01', NULL);));
wait_visits('fake', 'a database with look-alikes is visited');
unlike(log_part($node, $offset), qr/starting background worker process "customer_scoring refresh"/, 'and nothing is refreshed');
unlike(log_part($node, $offset), qr/(?:FATAL|ERROR|WARNING):/, 'and nothing fails');

# a restore brings definitions without state, and no commit that says so
$node->safe_psql('shop', "UPDATE customer_scoring.segment_table_definition SET refresh_every = '1 day' WHERE segment_table = 'still'::regclass;
	DELETE FROM customer_scoring_internal.segment_state WHERE segment_table = 'still'::regclass");
wait_runs($node, 'shop', 'still', 1, 'a restored schedule is found');

# the clock was put back
$node->safe_psql('shop', "UPDATE customer_scoring_internal.segment_state SET refreshed_at = now() + interval '1 year', due_at = now() + interval '1 year' WHERE segment_table = 'still'::regclass");
wait_runs($node, 'shop', 'still', 2, 'a clock put back does not stop a schedule');

# templates and databases without connections are left alone
$node->safe_psql('postgres', 'ALTER DATABASE shop IS_TEMPLATE true');
$node->safe_psql('shop', 'DELETE FROM customer_scoring_internal.segment_state');
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type IN ('customer_scoring refresh', 'customer_scoring probe') AND datname = 'shop'");
my $runs = runs_of($node, 'shop', 'still');
$offset = -s $node->logfile;
wait_visits('fake', 'other databases are visited');
is(runs_of($node, 'shop', 'still'), $runs, 'a template is not');
$node->safe_psql('postgres', 'ALTER DATABASE shop IS_TEMPLATE false');
$node->safe_psql('postgres', 'ALTER DATABASE shop ALLOW_CONNECTIONS false');
wait_visits('fake', 'other databases are visited');
unlike(log_part($node, $offset), qr/FATAL:/, 'a closed database is not');
$node->safe_psql('postgres', 'ALTER DATABASE shop ALLOW_CONNECTIONS true');
wait_run_after($node, 'shop', 'still', 'until it is opened');


$node->stop;
done_testing();
