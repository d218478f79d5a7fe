-- The queue of feedback: value at risk x severity x recurrence, each shown; the closed loop and its times.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';

CREATE TABLE regress_cs_orders (customer_id int, ordered_at timestamptz, amount numeric(12, 2));
INSERT INTO regress_cs_orders VALUES (1, '2024-01-01', 1000), (2, '2024-01-01', 300), (3, '2024-01-01', 300), (4, '2024-01-01', 10), (4, '2024-01-02', -15);
SELECT create_segment_table('regress_cs_segments', 'regress_cs_orders');
INSERT INTO feedback (customer, received_at, channel, category, severity) VALUES
	('1', '2024-03-01 09:00', 'email', 'price', 1),
	('2', '2024-02-20 09:00', 'chat', 'product', 2),
	('2', '2024-03-01 10:00', 'chat', 'product', 2),
	('2', '2024-03-01 11:00', 'chat', 'courtesy', 2),
	('3', '2024-03-01 12:00', NULL, NULL, 4),
	('3', '2024-03-01 12:00', NULL, NULL, 4),
	('4', '2024-03-01 13:00', 'email', 'price', 5),
	('nobody', '2024-03-01 14:00', 'email', 'price', 5),
	(' 1', '2024-03-01 14:00', 'email', 'price', 4);
SELECT feedback_id AS id, customer, state, category, value_at_risk AS value, severity, recurrence, priority, waiting
FROM feedback_queue('regress_cs_segments', '2024-03-02');
-- without a segment table every customer counts the same
SELECT feedback_id AS id, customer, value_at_risk AS value, severity, recurrence, priority FROM feedback_queue(as_of => '2024-03-02');
-- a repeat is one within the window, up to the item itself and at the edge not any more
SELECT feedback_id AS id, recurrence FROM feedback_queue(NULL, '2024-03-02', '10 days 1 hour') WHERE customer = '2' ORDER BY 1;
SELECT feedback_id AS id, recurrence FROM feedback_queue(NULL, '2024-03-02', '10 days 1 hour 1 second') WHERE customer = '2' ORDER BY 1;
-- what comes later is not there yet, whatever time it is now
SELECT count(*) FROM feedback_queue(NULL, '2024-02-28');
SELECT count(*) FROM feedback_queue(NULL, '2000-01-01');

-- an oracle in plain SQL, on many items
INSERT INTO feedback (customer, received_at, category, severity, acknowledged_at, answered_at, validated_at)
SELECT c, t, k, s, CASE WHEN n > 0 THEN t + interval '1 hour' END, CASE WHEN n > 1 THEN t + interval '5 hours' END, CASE WHEN n > 2 THEN t + interval '1 day' END
FROM (SELECT (i % 7)::text AS c, '2024-03-01'::timestamptz - i * interval '7 hours' AS t, (ARRAY['price', 'product', NULL])[1 + i % 3] AS k, 1 + i % 5 AS s, i % 4 AS n
	FROM generate_series(1, 400) i) x;
SELECT count(*) AS items, count(*) FILTER (WHERE (q.value_at_risk, q.recurrence, q.priority) IS DISTINCT FROM (o.value, o.recurrence, o.priority)) AS wrong
FROM feedback_queue('regress_cs_segments', '2024-03-02') q FULL JOIN (
	SELECT f.feedback_id, s.revenue AS value, r.recurrence, greatest(coalesce(s.revenue, 0), 0) * f.severity * r.recurrence AS priority
	FROM feedback f LEFT JOIN regress_cs_segments s ON s.customer_id::text = f.customer, LATERAL (
		SELECT count(*) AS recurrence FROM feedback e WHERE e.customer = f.customer AND (e.feedback_id = f.feedback_id OR e.category = f.category)
		AND f.received_at - e.received_at >= '0' AND f.received_at - e.received_at < '30 days') r
	WHERE f.validated_at IS NULL) o USING (feedback_id);
-- the order is that of priority, then severity, recurrence, time and number
SELECT count(*) FILTER (WHERE (- priority, - severity, - recurrence, received_at, feedback_id) < before) AS out_of_order
FROM (SELECT *, lag((- priority, - severity, - recurrence, received_at, feedback_id)) OVER (ORDER BY n) AS before
	FROM feedback_queue('regress_cs_segments', '2024-03-02') WITH ORDINALITY AS q (feedback_id, customer, received_at, channel, category, order_reference, state, value_at_risk, severity, recurrence, priority, waiting, time_to_acknowledge, time_to_answer, n)) x;
DELETE FROM feedback WHERE feedback_id > 9;

-- the loop: received, acknowledged, answered, validated, each not before the one before
UPDATE feedback SET acknowledged_at = '2024-03-01 09:30' WHERE feedback_id = 1;
UPDATE feedback SET answered_at = '2024-03-02 09:00' WHERE feedback_id = 1;
SELECT state, waiting, time_to_acknowledge, time_to_answer FROM feedback_queue(NULL, '2024-03-01 09:15') WHERE feedback_id = 1;
SELECT state, waiting, time_to_acknowledge, time_to_answer FROM feedback_queue(NULL, '2024-03-01 10:00') WHERE feedback_id = 1;
SELECT state, waiting, time_to_acknowledge, time_to_answer FROM feedback_queue(NULL, '2024-03-03 10:00') WHERE feedback_id = 1;
UPDATE feedback SET validated_at = '2024-03-04' WHERE feedback_id = 1;
SELECT state FROM feedback_queue(NULL, '2024-03-03') WHERE feedback_id = 1;
SELECT state FROM feedback_queue(NULL, '2024-03-04') WHERE feedback_id = 1;
\set VERBOSITY terse
UPDATE feedback SET acknowledged_at = '2024-03-01 08:59:59.999999' WHERE feedback_id = 1;
\echo :LAST_ERROR_SQLSTATE
UPDATE feedback SET answered_at = '2024-03-01 09:29' WHERE feedback_id = 1;
UPDATE feedback SET validated_at = '2024-03-02 08:00' WHERE feedback_id = 1;
UPDATE feedback SET answered_at = '2024-04-01' WHERE feedback_id = 2;
UPDATE feedback SET validated_at = '2024-04-01' WHERE feedback_id = 2;
UPDATE feedback SET received_at = '2024-03-01 09:31' WHERE feedback_id = 1;
UPDATE feedback SET acknowledged_at = NULL WHERE feedback_id = 1;
UPDATE feedback SET received_at = '-infinity' WHERE feedback_id = 2;
UPDATE feedback SET acknowledged_at = 'infinity' WHERE feedback_id = 2;
-- one of before our era would leave no room for the window of the queue
INSERT INTO feedback (customer, received_at) VALUES ('1', '4714-11-24 00:00:00+00 BC');
UPDATE feedback SET severity = 0 WHERE feedback_id = 2;
UPDATE feedback SET severity = 6 WHERE feedback_id = 2;
UPDATE feedback SET severity = NULL WHERE feedback_id = 2;
INSERT INTO feedback (customer) VALUES (NULL);
-- all at once is in order
UPDATE feedback SET acknowledged_at = received_at, answered_at = received_at, validated_at = received_at WHERE feedback_id = 2;
UPDATE feedback SET acknowledged_at = NULL, answered_at = NULL, validated_at = NULL WHERE feedback_id = 2;
\set VERBOSITY default

-- reopened: a new item takes up the old one, whose times stay
SELECT reopen_feedback(1, '2024-03-05', 'again');
\echo :LAST_ERROR_SQLSTATE
SELECT feedback_id > 409 AS new, customer, received_at, channel, body, category, severity, acknowledged_at, reopens FROM feedback WHERE reopens = 1;
SELECT reopens IS NOT NULL AS new, q.state, q.recurrence FROM feedback_queue(NULL, '2024-03-05') q JOIN feedback USING (feedback_id) WHERE q.customer = '1';
-- an item answered but not validated leaves the queue when it is taken up again, and not before
UPDATE feedback SET acknowledged_at = received_at, answered_at = received_at + interval '1 hour' WHERE feedback_id = 4;
SELECT reopen_feedback(4, '2024-03-06') IS NOT NULL AS reopened;
SELECT q.feedback_id = 4 AS old, q.state, q.recurrence FROM feedback_queue(NULL, '2024-03-05') q WHERE q.customer = '2' AND category = 'courtesy';
SELECT q.feedback_id = 4 AS old, q.state, q.recurrence FROM feedback_queue(NULL, '2024-03-06') q WHERE q.customer = '2' AND category = 'courtesy';
SELECT reopen_feedback(1, '2024-03-06');
\echo :LAST_ERROR_SQLSTATE
SELECT reopen_feedback(2, '2024-03-06');
\echo :LAST_ERROR_SQLSTATE
SELECT reopen_feedback(4, '2024-03-01 11:59');
SELECT reopen_feedback(-1);
\echo :LAST_ERROR_SQLSTATE
SELECT reopen_feedback(NULL);
SELECT reopen_feedback(4, 'infinity');
\echo :LAST_ERROR_SQLSTATE
SELECT reopen_feedback(4, NULL);

-- arguments
SELECT * FROM feedback_queue(as_of => NULL);
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM feedback_queue(as_of => 'infinity');
SELECT * FROM feedback_queue(recurrence_window => '0');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM feedback_queue(recurrence_window => NULL);
SELECT * FROM feedback_queue('regress_cs_orders');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM feedback_queue('pg_class');

-- keys of other types: texts, also hostile ones, and those with an output of their own
CREATE TABLE "regress_cs ""hostile" (customer_id text, clv double precision, revenue numeric);
INSERT INTO "regress_cs ""hostile" VALUES (E'\'; DROP TABLE feedback; --\n%s\\', 7, 1), ('x', NULL, 5);
INSERT INTO feedback (customer, received_at) VALUES (E'\'; DROP TABLE feedback; --\n%s\\', '2025-01-01'), ('x', '2025-01-01');
SELECT value_at_risk, severity, recurrence, priority FROM feedback_queue('"regress_cs ""hostile"', '2025-01-02') WHERE received_at = '2025-01-01';
CREATE TABLE regress_cs_dated (customer_id date, revenue numeric);
INSERT INTO regress_cs_dated VALUES ('2024-12-31', 3);
INSERT INTO feedback (customer, received_at) VALUES ('2024-12-31', '2025-02-01');
SELECT value_at_risk FROM feedback_queue('regress_cs_dated', '2025-02-02') WHERE received_at = '2025-02-01';
CREATE TABLE regress_cs_uuids (customer_id uuid, revenue numeric);
INSERT INTO regress_cs_uuids VALUES ('123e4567-e89b-12d3-a456-426614174000', 4);
INSERT INTO feedback (customer, received_at) VALUES ('123e4567-e89b-12d3-a456-426614174000', '2025-03-01'), ('123E4567-e89b-12d3-a456-426614174000', '2025-03-01');
SELECT value_at_risk FROM feedback_queue('regress_cs_uuids', '2025-03-02') WHERE received_at = '2025-03-01';

-- private: not for everybody, and with the rights of who asks
\set VERBOSITY terse
CREATE ROLE regress_cs_clerk;
SET ROLE regress_cs_clerk;
SELECT count(*) FROM feedback_queue();
\echo :LAST_ERROR_SQLSTATE
SELECT reopen_feedback(1);
SELECT count(*) FROM feedback;
RESET ROLE;
GRANT SELECT ON feedback TO regress_cs_clerk;
SET ROLE regress_cs_clerk;
SELECT count(*) > 0 AS some FROM feedback_queue();
SELECT count(*) FROM feedback_queue('regress_cs_segments');
RESET ROLE;
REVOKE ALL ON feedback FROM regress_cs_clerk;
DROP ROLE regress_cs_clerk;
DELETE FROM feedback;
SELECT drop_segment_table('regress_cs_segments');
DROP TABLE regress_cs_orders, "regress_cs ""hostile", regress_cs_dated, regress_cs_uuids;
