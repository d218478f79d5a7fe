# Processes are killed under load, in turn: nothing is lost, done twice or left behind.
# CRASHES sets how many.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use WorkerNode;

my $crashes = $ENV{CRASHES} // 8;
my $node = worker_node('main', 'restart_after_crash = on', 'fsync = off', 'log_statement = none');
add_shop($node, 'shop');
$node->safe_psql('shop', "INSERT INTO orders SELECT 'c' || i % 3000, now() - i * interval '1 minute', i % 500 FROM generate_series(1, 30000) i; CREATE INDEX ON orders (customer_id); ANALYZE orders");
# reading takes long enough to be met
$node->safe_psql('shop', 'CREATE VIEW paced AS SELECT o.* FROM orders o, (SELECT pg_sleep(1) OFFSET 0) s');
segment_table($node, 'shop', 'quickly', 'paced', '1 second');
wait_runs($node, 'shop', 'quickly', 1, 'a schedule runs');

my $script = $node->basedir . '/writes.sql';
append_to_file(
	$script, q(\set c random(1, 3000)
\set d random(1, 3000)
BEGIN;
INSERT INTO orders VALUES ('c' || :c, now() - random() * interval '1 year', (random() * 900)::numeric(12,2) - 100);
UPDATE orders SET customer_id = 'c' || :d WHERE ctid = (SELECT ctid FROM orders WHERE customer_id = 'c' || :c LIMIT 1);
DELETE FROM orders WHERE ctid = (SELECT ctid FROM orders WHERE customer_id = 'c' || :d LIMIT 1);
END;
));

my ($writers, $log);
sub start_writers
{
	$writers = IPC::Run::start(
		[ 'pgbench', '-n', '-f', $script, '-c', 4, '-T', 600, $node->connstr('shop') . ' application_name=pgbench' ],
		'>&', \$log);
	return;
}

# The pid of a process to be killed, while a refresh runs; 0 for the postmaster.
my @victims = (
	[ 'refresh worker', "backend_type = 'customer_scoring refresh'" ],
	[ 'launcher', "backend_type = 'customer_scoring launcher'" ],
	[ 'writer', "application_name = 'pgbench'" ],
	[ 'postmaster', undef ]);

for my $i (0 .. $crashes - 1)
{
	my ($name, $condition) = @{ $victims[ $i % @victims ] };
	start_writers();
	# asked for, as a schedule would pause after a crash
	$node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('quickly')");
	ok( $node->poll_query_until('postgres',
			"SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'customer_scoring refresh')
				AND EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'pgbench')"),
		'a refresh runs under load') or diag($log);
	if (defined $condition)
	{
		my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $condition LIMIT 1");
		kill_process($node, $pid) if $pid;
	}
	else
	{
		my @children = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
		$node->kill9;
		# the children notice that they are orphans, and leave its memory
		for (my $tries = 600; $tries > 0 && kill(0, @children); $tries--) { usleep(100_000) }
		$node->start;
	}
	$writers->kill_kill;
	wait_launcher($node, 0, "the launcher is back after the kill of a $name");
}

# the dust settles
$node->safe_psql('shop', "SELECT customer_scoring.alter_segment_table('quickly', refresh_every => '1 day')");
my $requested = $node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('quickly')");
ok( $node->poll_query_until(
		'shop', "SELECT finished_at IS NOT NULL AND error_message IS NULL FROM customer_scoring_internal.segment_run WHERE run_id = $requested"),
	'a request is served');
exact($node, 'shop', 'quickly', 'the table is exact');
is( $node->safe_psql('shop', 'SELECT (SELECT sum(revenue) FROM quickly) = (SELECT sum(amount) FROM orders), (SELECT count(*) FROM quickly) = (SELECT count(DISTINCT customer_id) FROM orders)'),
	't|t', 'to the last cent and customer');
is( $node->safe_psql('shop', "SELECT count(*) FROM customer_scoring.segment_table_run WHERE state = 'running'"),
	'0', 'no run is left that claims to be running');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'customer_scoring refresh'"), '0', 'no worker either');

$node->stop;
done_testing();
