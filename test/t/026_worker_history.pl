# A worker writes the history as the owner of the table, and its refresh tells listeners once.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkerNode;

my $node = worker_node('history', 'max_prepared_transactions = 2');
add_shop($node, 'shop');
$node->safe_psql('shop', 'CREATE ROLE keeper LOGIN');
$node->safe_psql('shop', q{SET ROLE keeper; SELECT customer_scoring.create_segment_table('kept', 'orders', history => true, with_data => false)});
# runs for which somebody waits
$node->safe_psql('shop', q{
	CREATE PROCEDURE refresh_by_worker() LANGUAGE plpgsql AS $$
	DECLARE
		asked bigint := customer_scoring.request_segment_refresh('kept');
	BEGIN
		COMMIT;
		WHILE NOT EXISTS (SELECT FROM customer_scoring.segment_table_run WHERE run_id = asked AND state = 'succeeded') LOOP
			PERFORM pg_sleep(0.02);
			COMMIT;
		END LOOP;
	END $$});

my $printed = $node->safe_psql('shop', q{
	LISTEN customer_scoring;
	CALL refresh_by_worker();
	SELECT 'filled';
	DELETE FROM orders WHERE customer_id = 'c7';
	CALL refresh_by_worker();
	SELECT 'changed';
	CALL refresh_by_worker();
	SELECT 'same';});
my @messages = $printed =~ /^Asynchronous notification "customer_scoring" with payload "(.*)" received/mg;
is(scalar(@messages), 2, 'two refreshes that changed something, two messages');
like($messages[0], qr/^\{"segment_table":"public\.kept","run_id":\d+,"as_of":"[^"]+","inserted":50,"updated":0,"deleted":0,"moved":0\}$/, 'the first fill moves nobody');
like($messages[1], qr/"inserted":0,"updated":\d+,"deleted":1,"moved":\d+\}$/, 'the second one does');
is($node->safe_psql('shop', "SELECT customer_id, cause FROM kept_history WHERE to_segment IS NULL"), 'c7|behaviour', 'the move is in the history');
is($node->safe_psql('shop', "SELECT sum(customers) FROM kept_snapshot WHERE run_id = (SELECT min(run_id) FROM kept_snapshot)"), '50', 'the day has a snapshot');
is($node->safe_psql('shop', "SELECT string_agg(DISTINCT relowner::regrole::text, ' ') FROM pg_class WHERE relname ~ '^kept_(history|snapshot|migration)'"), 'keeper', 'all of it is the owner\'s');
exact($node, 'shop', 'kept', 'the table is exact');

# what PREPARE TRANSACTION cannot take along
my ($code, $out, $err) = $node->psql('shop', q{DELETE FROM orders WHERE customer_id = 'c8'; BEGIN; SELECT customer_scoring.refresh_segment_table('kept'); PREPARE TRANSACTION 'p'});
like($err, qr/cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY/, 'a refresh with a message cannot be prepared');

# a dropped history stops no worker
$node->safe_psql('shop', 'DROP TABLE kept_history, kept_snapshot CASCADE');
$node->safe_psql('shop', 'CALL refresh_by_worker()');
is($node->safe_psql('shop', 'SELECT history FROM customer_scoring.segment_table_definition'), 'f', 'a history that was dropped is over');
$node->stop;
done_testing();
