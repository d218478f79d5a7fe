# The change log does not outlive a crash: what was in it is made good by full
# refreshes, also what a transaction had logged that was prepared before the crash.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION customer_scoring;
	CREATE TABLE orders (customer_id int, ordered_at timestamptz, amount int);
	INSERT INTO orders SELECT i % 50, '2024-01-01', i FROM generate_series(1, 200) i;
	SELECT customer_scoring.create_segment_table('seg', 'orders');});

# mode and reason of a refresh, values that are wrong, and whether everything is counted
sub refresh
{
	my ($what, $expected) = @_;
	$node->safe_psql('postgres', q{SELECT customer_scoring.refresh_segment_table('seg')});
	is( $node->safe_psql('postgres', q{
		SELECT concat_ws(': ', mode, reason) FROM customer_scoring.segment_table_run ORDER BY run_id DESC LIMIT 1}), $expected, $what);
	is($node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM customer_scoring.verify_segment_table('seg')), (SELECT sum(revenue) FROM seg) = (SELECT sum(amount) FROM orders WHERE ordered_at <= now())}), '0|t', 'and it is exact');
	return;
}

sub crash
{
	$node->stop('immediate');
	$node->start;
	return;
}

refresh('nothing has happened', 'incremental');

# keys of one that has committed, one that is prepared, one that is in flight
$node->safe_psql('postgres', 'UPDATE orders SET amount = amount + 1 WHERE customer_id = 1');
$node->safe_psql('postgres', q{BEGIN; INSERT INTO orders VALUES (2, '2024-01-02', 5); UPDATE orders SET customer_id = 60 WHERE customer_id = 3; PREPARE TRANSACTION 'before'});
my $flight = $node->background_psql('postgres', on_error_stop => 0);
$flight->query_safe(q{BEGIN; INSERT INTO orders VALUES (4, '2024-01-02', 5)});
crash();
eval { $flight->quit };
refresh('all are recomputed after a crash', 'full: the change log was lost');
refresh('as long as a transaction from before it is prepared', 'full: transactions that were open are waited for');
$node->safe_psql('postgres', 'UPDATE orders SET amount = amount + 1 WHERE customer_id = 5');
crash();
refresh('also across another crash', 'full: transactions that were open are waited for');
$node->safe_psql('postgres', q{COMMIT PREPARED 'before'});
is($node->safe_psql('postgres', q{SELECT string_agg(DISTINCT customer || ' ' || problem, ', ' ORDER BY customer || ' ' || problem) FROM customer_scoring.verify_segment_table('seg') WHERE column_name IN ('orders', 'customer_id')}),
	'2 pending, 3 pending, 60 pending', 'what it wrote is pending');
refresh('its changes are in the next', 'full: transactions that were open are waited for');
$node->safe_psql('postgres', 'UPDATE orders SET amount = amount + 1 WHERE customer_id = 6');
refresh('and then only changes are followed', 'incremental');

# a backend is killed while it refreshes: after the log was cleared, before the end
$node->safe_psql('postgres', q{
	CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NULL; END $$;
	CREATE TRIGGER die AFTER UPDATE ON seg FOR EACH STATEMENT EXECUTE FUNCTION die();
	UPDATE orders SET amount = amount + 1 WHERE customer_id = 7});
my $holder = $node->background_psql('postgres', on_error_stop => 0);
$holder->query_safe('SELECT pg_advisory_lock(1)');
my $victim = $node->background_psql('postgres', on_error_stop => 0);
my $pid = $victim->query_safe('SELECT pg_backend_pid()');
$victim->query_until(qr/killed/, "\\echo killed\nSELECT customer_scoring.refresh_segment_table('seg');\n");
$node->poll_query_until('postgres', "SELECT wait_event = 'advisory' FROM pg_stat_activity WHERE pid = $pid") or die;
$node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
$node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid") or die;
eval { $victim->quit };
$holder->quit;
refresh('a refresh that was ended takes nothing with it', 'incremental');

# what waits for its day is in the log, too
$node->safe_psql('postgres', q{
	INSERT INTO orders VALUES (70, now() + interval '20 years', 5);
	DROP TRIGGER die ON seg;
	SELECT customer_scoring.refresh_segment_table('seg')});
crash();
$node->safe_psql('postgres', q{SELECT customer_scoring.refresh_segment_table('seg')});
is($node->safe_psql('postgres', q{SELECT mode, inserted FROM customer_scoring.refresh_segment_table('seg', now() + interval '21 years')}), 'incremental|1', 'a customer to come comes after a crash');

# a standby has no log, and can verify
$node->backup('standby');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'standby', has_streaming => 1);
$standby->start;
is($standby->safe_psql('postgres', q{SELECT count(*) FROM customer_scoring.verify_segment_table('seg')}), '0', 'a standby verifies');
$node->safe_psql('postgres', 'UPDATE orders SET amount = amount + 1 WHERE customer_id = 8');
$node->wait_for_catchup($standby);
$node->stop('immediate');
$standby->promote;
$node = $standby;
refresh('a promoted standby recomputes all', 'full: the change log was lost');
refresh('and then follows changes', 'incremental');
$node->stop;
done_testing();
