# A batch that loses against another transaction is tried again, and nothing of it is lost or done twice.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use WorkerNode;

my $node = worker_node('retry', 'max_prepared_transactions = 2', 'log_statement = none');
add_shop($node, 'shop');
segment_table($node, 'shop', 'seg', 'orders');
# who updates the segment table comes through the gate, and is counted, rolled back or not
$node->safe_psql(
	'shop', q(
	SELECT customer_scoring.refresh_segment_table('seg');
	CREATE TABLE gate ();
	CREATE SEQUENCE tries;
	CREATE FUNCTION come_through() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		PERFORM nextval('public.tries');
		LOCK TABLE public.gate IN ACCESS SHARE MODE;
		RETURN NULL;
	END $$;
	CREATE TRIGGER come_through AFTER UPDATE ON seg EXECUTE FUNCTION come_through();));

# the batch has its snapshot when it comes to the gate: what it will have to update changes meanwhile
$node->safe_psql(
	'shop', q(
	UPDATE orders SET amount = amount + 1 WHERE customer_id = (SELECT min(customer_id) FROM orders);
	BEGIN;
	LOCK TABLE gate IN ACCESS EXCLUSIVE MODE;
	PREPARE TRANSACTION 'gate';));
$node->safe_psql('shop', q(SELECT customer_scoring.request_segment_refresh('seg')));
ok($node->poll_query_until('shop', q(SELECT count(*) = 1 FROM pg_locks WHERE relation = 'gate'::regclass AND NOT granted)), 'a batch is held up');
$node->safe_psql(
	'shop', q(
	UPDATE customer_scoring_internal.segment_state SET failures = failures WHERE segment_table = 'seg'::regclass;
	COMMIT PREPARED 'gate';));
wait_runs($node, 'shop', 'seg', 2, 'the run succeeds');
is($node->safe_psql('shop', 'SELECT last_value FROM tries'), '2', 'at the second try');
is($node->safe_psql('shop', q(SELECT cause, state, mode, recomputed, updated > 0 FROM customer_scoring.segment_table_run ORDER BY run_id DESC LIMIT 1)),
	'requested|succeeded|incremental|1|t', 'as one run, whose figures are those of that try');
exact($node, 'shop', 'seg', 'and exactly');
is($node->safe_psql('shop', q(SELECT dirty_customers, failures FROM customer_scoring.segment_table_status)), '0|0', 'nothing waits, nothing counts as failed');
unlike(log_part($node, 0), qr/refresh of segment table with OID \d+ failed/, 'the log hears nothing of it');
$node->stop;
done_testing();
