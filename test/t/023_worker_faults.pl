# What is broken is left alone, mentioned once, and in nobody's way.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkerNode;

my $node = worker_node('main', 'customer_scoring.probe_interval = 1s', 'log_min_messages = debug1',
	'log_statement = none', 'max_prepared_transactions = 5');
add_shop($node, 'shop');
segment_table($node, 'shop', 'quickly', 'orders', '1 second');
wait_runs($node, 'shop', 'quickly', 1, 'a healthy table');

sub refreshes_started
{
	my ($offset) = @_;
	my $n = () = log_part($node, $offset) =~ /starting background worker process "customer_scoring refresh"/g;
	return $n;
}

# Lines of the scheduler, and of processes that ended badly.
sub told
{
	my ($offset) = @_;
	return grep { /(?:LOG|FATAL|WARNING|ERROR):/ && /customer_scoring|background worker|schedule/ && !/DEBUG/ } split /\n/, log_part($node, $offset);
}

# a source that fails each time
$node->safe_psql('shop', 'CREATE VIEW bad AS SELECT customer_id, ordered_at, amount / (amount - amount) AS amount FROM orders');
segment_table($node, 'shop', 'failing', 'bad', '1 second');
wait_run_after($node, 'shop', 'quickly', 'beside a failing one') for 1 .. 5;
ok(runs_of($node, 'shop', 'failing', 'failed') > 0, 'whose failure is recorded');
cmp_ok(runs_of($node, 'shop', 'failing', 'failed'), '<=', 3, 'and not repeated each second');
$node->safe_psql('shop', 'DROP TABLE failing CASCADE');

# one that takes its process with it
$node->safe_psql('shop', 'CREATE VIEW deadly AS SELECT customer_id, ordered_at, amount FROM orders WHERE pg_terminate_backend(pg_backend_pid())');
my $offset = -s $node->logfile;
segment_table($node, 'shop', 'dying', 'deadly', '1 day');
$node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('dying')");
$node->wait_for_log(qr/terminating background worker "customer_scoring refresh"/, $offset);
wait_run_after($node, 'shop', 'quickly', 'beside one that kills its process') for 1 .. 8;
my $deaths = () = log_part($node, $offset) =~ /terminating background worker/g;
cmp_ok($deaths, '<=', 2, 'which is tried again at growing distances');
is(runs_of($node, 'shop', 'dying'), 0, 'in vain');
$node->safe_psql('shop', 'CREATE OR REPLACE VIEW deadly AS SELECT customer_id, ordered_at, amount FROM orders');
wait_runs($node, 'shop', 'dying', 1, 'until it is repaired');

# one whose process dies before it could record anything
$node->safe_psql('shop', q(CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END'));
segment_table($node, 'shop', 'silent', 'orders');
$node->safe_psql('shop', "CREATE TRIGGER die BEFORE INSERT OR UPDATE ON customer_scoring_internal.segment_run
	FOR EACH ROW WHEN (NEW.segment_table = 'silent'::regclass AND NEW.cause = 'scheduled') EXECUTE FUNCTION die();
	UPDATE customer_scoring.segment_table_definition SET refresh_every = '1 day' WHERE segment_table = 'silent'::regclass;
	DELETE FROM customer_scoring_internal.segment_state WHERE segment_table = 'silent'::regclass");
$offset = -s $node->logfile;
$node->wait_for_log(qr/terminating background worker "customer_scoring refresh"/, $offset);
wait_run_after($node, 'shop', 'quickly', 'beside one whose process dies at once') for 1 .. 10;
$deaths = () = log_part($node, $offset) =~ /terminating background worker/g;
cmp_ok($deaths, '<=', 3, 'which is tried again at growing distances');
$node->safe_psql('shop', 'DROP TRIGGER die ON customer_scoring_internal.segment_run');
wait_runs($node, 'shop', 'silent', 1, 'until it is repaired');

# owners who cannot be served
$node->safe_psql('shop', 'CREATE ROLE keeper LOGIN');
segment_table($node, 'shop', 'kept', 'orders', '1 second', 'keeper');
wait_runs($node, 'shop', 'kept', 1, 'an ordinary owner');
$offset = -s $node->logfile;
$node->safe_psql('shop', 'ALTER ROLE keeper NOLOGIN');
SKIP:
{
	skip 'from 17 on, a role without LOGIN is served', 3 if $node->pg_version >= 17;
	$node->wait_for_log(qr/segment table "kept" in database "shop" is not refreshed by schedule/, $offset);
	my $runs = runs_of($node, 'shop', 'kept');
	wait_run_after($node, 'shop', 'quickly', 'one who may not log in') for 1 .. 4;
	is(runs_of($node, 'shop', 'kept'), $runs, 'is not served');
	is(scalar(told($offset)), 1, 'which is said once');
}
$node->safe_psql('shop', 'ALTER ROLE keeper LOGIN');
wait_run_after($node, 'shop', 'kept', 'one who may again');

# the owner may not connect
$node->safe_psql('shop', 'CREATE ROLE other LOGIN');
$node->safe_psql('shop', 'REVOKE CONNECT ON DATABASE shop FROM PUBLIC');
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE usename = 'keeper'");
my $runs = runs_of($node, 'shop', 'kept');
wait_run_after($node, 'shop', 'quickly', 'one who may not connect') for 1 .. 4;
cmp_ok(runs_of($node, 'shop', 'kept'), '<=', $runs + 1, 'is not served');
unlike(log_part($node, $offset), qr/FATAL:/, 'without a process that fails');
$node->safe_psql('shop', 'GRANT CONNECT ON DATABASE shop TO PUBLIC');
wait_run_after($node, 'shop', 'kept', 'one who may again');

# a new owner, and none
$node->safe_psql('shop', 'ALTER TABLE kept OWNER TO other; GRANT ALL ON orders TO other');
$node->safe_psql('shop', "SELECT customer_scoring.request_segment_refresh('kept')");
ok($node->poll_query_until('shop', "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'kept' AND relowner = 'other'::regrole)"), 'a table changes hands');
$node->safe_psql('shop', 'DROP OWNED BY other, keeper CASCADE; DROP ROLE other, keeper');
$offset = -s $node->logfile;
wait_run_after($node, 'shop', 'quickly', 'tables and owners may go') for 1 .. 3;
unlike(log_part($node, $offset), qr/FATAL:/, 'without a trace');

# a transaction that changes the extension
my $session = $node->background_psql('shop', on_error_stop => 1);
$session->query_safe('BEGIN; LOCK TABLE customer_scoring_internal.segment_state IN ACCESS EXCLUSIVE MODE');
$offset = -s $node->logfile;
add_shop($node, 'second');
segment_table($node, 'second', 'quickly', 'orders', '1 second');
wait_runs($node, 'second', 'quickly', 3, 'a locked state table is in nobody else\'s way');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity WHERE backend_type = 'customer_scoring probe')"),
	'0', 'no probe waits for it');
$session->query_safe('COMMIT');
$session->quit;
wait_run_after($node, 'shop', 'quickly', 'and its own schedule goes on');

# installed, removed and installed again under the scheduler
for (1 .. 5)
{
	$node->safe_psql('second', 'DROP EXTENSION customer_scoring CASCADE; CREATE EXTENSION customer_scoring');
}
$node->safe_psql('second', 'DROP TABLE IF EXISTS quickly CASCADE');
segment_table($node, 'second', 'quickly', 'orders', '1 second');
wait_runs($node, 'second', 'quickly', 1, 'an extension installed anew');

# a library of another version
my $version = $node->safe_psql('second', "SELECT extversion FROM pg_extension WHERE extname = 'customer_scoring'");
$offset = -s $node->logfile;
$node->safe_psql('second', "UPDATE pg_extension SET extversion = '99' WHERE extname = 'customer_scoring'");
$node->wait_for_log(qr/extension customer_scoring in database "second" is left alone by the scheduler/, $offset);
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'second'");
$runs = runs_of($node, 'second', 'quickly');
wait_run_after($node, 'shop', 'quickly', 'a version the library does not know') for 1 .. 3;
is(runs_of($node, 'second', 'quickly'), $runs, 'is left alone');
is(scalar(grep { /left alone/ } told($offset)), 1, 'which is said once');
$node->safe_psql('second', "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'customer_scoring'");
wait_run_after($node, 'second', 'quickly', 'until it is updated');

# an extension of an ordinary role, which might have made its tables itself
$offset = -s $node->logfile;
$node->safe_psql('second', "CREATE ROLE mallory; UPDATE pg_extension SET extowner = 'mallory'::regrole WHERE extname = 'customer_scoring'");
$node->poll_query_until('second', "SELECT max(due_at) < now() - interval '1 second' FROM customer_scoring_internal.segment_state");
$runs = runs_of($node, 'second', 'quickly');
wait_run_after($node, 'shop', 'quickly', 'an extension owned by an ordinary role') for 1 .. 3;
is(runs_of($node, 'second', 'quickly'), $runs, 'is left alone');

# a prepared transaction makes a table due
segment_table($node, 'shop', 'prepared', 'orders');
$node->safe_psql('shop', "BEGIN; SELECT customer_scoring.request_segment_refresh('prepared'); PREPARE TRANSACTION 'p'");
is(runs_of($node, 'shop', 'prepared'), 0, 'a prepared request waits');
$node->safe_psql('shop', "COMMIT PREPARED 'p'");
wait_runs($node, 'shop', 'prepared', 1, 'and is found after its commit');

# a rolled-back one does not; a savepoint that is rolled back does no harm
segment_table($node, 'shop', 'undone', 'orders');
$node->safe_psql('shop', "BEGIN; SELECT customer_scoring.request_segment_refresh('undone'); ROLLBACK;
	BEGIN; SAVEPOINT s; SELECT customer_scoring.request_segment_refresh('undone'); ROLLBACK TO s; COMMIT");
wait_run_after($node, 'shop', 'quickly', 'a request that is rolled back') for 1 .. 2;
is(runs_of($node, 'shop', 'undone'), 0, 'is not served');

$node->stop;
done_testing();
