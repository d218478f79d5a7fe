# WorkerNode.pm: what the tests of the worker room share.
package WorkerNode;

use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

our @EXPORT = qw(worker_node restart_settings add_shop slow_source segment_table runs_of wait_runs wait_run_after
  launcher_pid wait_launcher wait_worker kill_process quick exact log_part);

# A cluster with the library preloaded. Further arguments are configuration lines.
sub worker_node
{
	my ($name, @lines) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(allows_streaming => 1);
	$node->append_conf('postgresql.conf',
		join("\n", "shared_preload_libraries = 'customer_scoring'", @lines, ''));
	$node->start;
	return $node;
}

# A database with the extension and a table of orders.
sub add_shop
{
	my ($node, $database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database") unless $database eq 'postgres';
	$node->safe_psql(
		$database, qq(
		CREATE EXTENSION customer_scoring;
		CREATE TABLE orders (customer_id text, ordered_at timestamptz, amount numeric(12,2));
		INSERT INTO orders SELECT 'c' || i % 50, now() - i * interval '1 hour', i FROM generate_series(1, 200) i;
		GRANT ALL ON orders TO PUBLIC;
		GRANT CREATE ON SCHEMA public TO PUBLIC;));
	return;
}

# A view whose reading takes about that many seconds, in steps that notice interrupts.
sub slow_source
{
	my ($node, $database, $seconds) = @_;
	$node->safe_psql(
		$database, qq(
		CREATE TABLE slow_orders AS SELECT * FROM orders LIMIT 20;
		CREATE TABLE pace (seconds double precision);
		INSERT INTO pace VALUES ($seconds / 20.0);
		CREATE VIEW slow AS SELECT customer_id, ordered_at, amount FROM slow_orders, pace,
			LATERAL (SELECT pg_sleep(seconds + 0 * length(customer_id)) OFFSET 0) s;
		GRANT ALL ON slow, slow_orders, pace TO PUBLIC;));
	return;
}

# Create a segment table. The first fill is left to the worker.
sub segment_table
{
	my ($node, $database, $table, $source, $every, $role) = @_;
	my $set = $role ? "SET ROLE $role;" : '';
	my $schedule = defined $every ? "refresh_every => '$every', " : '';
	$node->safe_psql($database,
		"$set SELECT customer_scoring.create_segment_table('$table', '$source', ${schedule}with_data => false)");
	return;
}

# Finished runs of a table by workers: 'ok' or 'failed'.
sub runs_of
{
	my ($node, $database, $table, $kind) = @_;
	my $wanted = ($kind // 'ok') eq 'ok' ? 'IS NULL' : 'IS NOT NULL';
	return $node->safe_psql($database,
		"SELECT count(*) FROM customer_scoring_internal.segment_run
		 WHERE segment_table = '$table'::regclass AND finished_at IS NOT NULL AND error_message $wanted");
}

# Wait for that many successful runs.
sub wait_runs
{
	my ($node, $database, $table, $count, $name) = @_;
	ok( $node->poll_query_until(
			$database,
			"SELECT count(*) >= $count FROM customer_scoring_internal.segment_run
			 WHERE segment_table = '$table'::regclass AND finished_at IS NOT NULL AND error_message IS NULL"),
		$name);
	return;
}

# Wait for one more successful run than there is now.
sub wait_run_after
{
	my ($node, $database, $table, $name) = @_;
	wait_runs($node, $database, $table, runs_of($node, $database, $table) + 1, $name);
	return;
}

sub launcher_pid
{
	my ($node) = @_;
	return $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'customer_scoring launcher'");
}

# Wait for a launcher other than that one (0 for any).
sub wait_launcher
{
	my ($node, $pid, $name) = @_;
	ok( $node->poll_query_until(
			'postgres',
			"SELECT customer_scoring_running FROM (SELECT count(*) = 1 AND min(pid) <> $pid AS customer_scoring_running
			 FROM pg_stat_activity WHERE backend_type = 'customer_scoring launcher') s"),
		$name);
	return;
}

# Wait until a worker refreshes in that database, and return its pid.
sub wait_worker
{
	my ($node, $database, $name) = @_;
	my $query = "SELECT pid FROM pg_stat_activity
		WHERE backend_type = 'customer_scoring refresh' AND datname = '$database' AND query LIKE 'refreshing%'";
	ok($node->poll_query_until('postgres', "SELECT EXISTS ($query)"), $name);
	return $node->safe_psql('postgres', "$query LIMIT 1");
}

# Kill a process of the server, and wait until that has noticed and takes connections again. To ask it for something
# meanwhile would be to write to a psql that has given up.
sub kill_process
{
	my ($node, $pid) = @_;
	my $tries = 18000;
	kill 'KILL', $pid;
	for (; $tries > 0 && kill(0, $pid); $tries--) { usleep(10_000) }
	for (; $tries > 0 && system('pg_isready', '-q', '-h', $node->host, '-p', $node->port) != 0; $tries--) { usleep(10_000) }
	return;
}

# A statement that must be done within a second.
sub quick
{
	my ($node, $statement, $limit) = @_;
	my $start = time;
	$limit //= 1;
	$node->safe_psql('postgres', $statement);
	my $seconds = time - $start;
	ok($seconds < $limit, sprintf('%s: %.2f s', $statement, $seconds));
	return;
}

# A segment table holds what its definition says.
sub exact
{
	my ($node, $database, $table, $name) = @_;
	is($node->safe_psql($database, "SELECT count(*) FROM customer_scoring.verify_segment_table('$table')"), '0', $name);
	return;
}

# The server log from an offset on.
sub log_part
{
	my ($node, $offset) = @_;
	return substr(slurp_file($node->logfile), $offset // 0);
}

1;
