-- What customers have written, and what was done about it. Customers are text here: the text output of the user's key.

CREATE TABLE customer_scoring.feedback (
	feedback_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer text NOT NULL,
	received_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	channel text,
	body text,
	order_reference text,
	category text,
	severity smallint NOT NULL DEFAULT 3,
	acknowledged_at timestamptz,
	answered_at timestamptz,
	validated_at timestamptz,
	reopens bigint,
	CONSTRAINT feedback_severity CHECK (severity BETWEEN 1 AND 5),
	CONSTRAINT feedback_times_are_finite CHECK (pg_catalog.isfinite(received_at) AND pg_catalog.isfinite(acknowledged_at)
		AND pg_catalog.isfinite(answered_at) AND pg_catalog.isfinite(validated_at)),
	CONSTRAINT feedback_received_in_our_era CHECK (received_at >= '0001-01-01 00:00:00+00'),
	CONSTRAINT feedback_acknowledged_after_received CHECK (acknowledged_at >= received_at),
	CONSTRAINT feedback_answered_after_acknowledged CHECK (answered_at IS NULL OR acknowledged_at IS NOT NULL AND answered_at >= acknowledged_at),
	CONSTRAINT feedback_validated_after_answered CHECK (validated_at IS NULL OR answered_at IS NOT NULL AND validated_at >= answered_at),
	CONSTRAINT feedback_reopened_once UNIQUE (reopens)
);
COMMENT ON TABLE customer_scoring.feedback IS 'What customers have written, a row an item, with the times of what was done about it';
COMMENT ON COLUMN customer_scoring.feedback.feedback_id IS 'Number';
COMMENT ON COLUMN customer_scoring.feedback.customer IS 'The customer, as text';
COMMENT ON COLUMN customer_scoring.feedback.received_at IS 'When it came';
COMMENT ON COLUMN customer_scoring.feedback.channel IS 'How it came, for example email';
COMMENT ON COLUMN customer_scoring.feedback.body IS 'What the customer wrote';
COMMENT ON COLUMN customer_scoring.feedback.order_reference IS 'The order it is about, in words of the user; NULL for none';
COMMENT ON COLUMN customer_scoring.feedback.category IS 'What it is about, for example (complaint_categories(body))[1]; NULL while nobody has said';
COMMENT ON COLUMN customer_scoring.feedback.severity IS 'From 1, a remark, to 5, the worst';
COMMENT ON COLUMN customer_scoring.feedback.acknowledged_at IS 'When the customer was told that it has come; NULL before';
COMMENT ON COLUMN customer_scoring.feedback.answered_at IS 'When the customer got the full answer; NULL before';
COMMENT ON COLUMN customer_scoring.feedback.validated_at IS 'When it was found that the answer has helped; NULL before';
COMMENT ON COLUMN customer_scoring.feedback.reopens IS 'The answered item that this one takes up again; NULL for a new matter';
COMMENT ON SEQUENCE customer_scoring.feedback_feedback_id_seq IS 'Numbers of feedback';
COMMENT ON INDEX customer_scoring.feedback_reopened_once IS 'Keeps an item from being reopened twice';
CREATE INDEX feedback_of_customer ON customer_scoring.feedback (customer, received_at);
COMMENT ON INDEX customer_scoring.feedback_of_customer IS 'What one customer has written';
CREATE INDEX feedback_open ON customer_scoring.feedback (received_at) WHERE validated_at IS NULL;
COMMENT ON INDEX customer_scoring.feedback_open IS 'What is not closed yet';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.feedback', '');
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.feedback_feedback_id_seq', '');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_scoring.feedback TO pg_database_owner;
GRANT SELECT ON SEQUENCE customer_scoring.feedback_feedback_id_seq TO pg_database_owner;

-- A new item takes up an old one, whose times stay. Who comes second, or too early, is told so.
CREATE FUNCTION customer_scoring.reopen_feedback(feedback_id bigint, received_at timestamptz DEFAULT pg_catalog.now(), body text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	item customer_scoring.feedback;
	new_id bigint;
BEGIN
	SELECT * INTO item FROM customer_scoring.feedback f WHERE f.feedback_id = $1 FOR NO KEY UPDATE;
	IF item.feedback_id IS NULL THEN
		RAISE 'there is no feedback %', coalesce($1::text, 'NULL') USING ERRCODE = 'no_data_found',
			HINT = 'SELECT feedback_id FROM customer_scoring.feedback.';
	ELSIF received_at IS NULL OR NOT isfinite(received_at) THEN
		RAISE 'received_at must be a moment, not %', coalesce(received_at::text, 'NULL') USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Give the moment the customer wrote again.';
	ELSIF item.answered_at IS NULL OR item.answered_at > $2 THEN
		RAISE 'feedback % was not answered yet at %', $1, $2 USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'An item that is open stays one item: add to its body, or raise its severity.';
	END IF;
	INSERT INTO customer_scoring.feedback AS f (customer, received_at, channel, body, order_reference, category, severity, reopens)
	VALUES (item.customer, $2, item.channel, $3, item.order_reference, item.category, item.severity, $1)
	ON CONFLICT (reopens) DO NOTHING RETURNING f.feedback_id INTO new_id;
	IF new_id IS NULL THEN
		RAISE 'feedback % has been reopened already', $1 USING ERRCODE = 'unique_violation', CONSTRAINT = 'feedback_reopened_once',
			HINT = format('Reopen the item that has reopens = %s.', $1);
	END IF;
	RETURN new_id;
END $$;
COMMENT ON FUNCTION customer_scoring.reopen_feedback(bigint, timestamptz, text) IS
	'Take up an item again that was answered, as a new item of the same customer, channel, category and severity; its number';

-- The rights and policies of the caller hold for the segment table and for feedback.
CREATE FUNCTION customer_scoring.feedback_queue(segment_table regclass DEFAULT NULL, as_of timestamptz DEFAULT pg_catalog.now(),
		recurrence_window interval DEFAULT '30 days')
	RETURNS TABLE (feedback_id bigint, customer text, received_at timestamptz, channel text, category text, order_reference text, state text,
		value_at_risk numeric, severity smallint, recurrence bigint, priority numeric,
		waiting interval, time_to_acknowledge interval, time_to_answer interval)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	key_type regtype;
	value_column name;
	found_in text;
BEGIN
	IF as_of IS NULL OR NOT isfinite(as_of) THEN
		RAISE 'as_of must be a moment, not %', coalesce(as_of::text, 'NULL') USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Give the moment that the queue is about.';
	ELSIF recurrence_window IS NULL OR recurrence_window <= interval '0' THEN
		RAISE 'recurrence_window must be longer than nothing, not %', coalesce(recurrence_window::text, 'NULL') USING ERRCODE = 'invalid_parameter_value',
			HINT = 'Give an interval like 30 days.';
	END IF;
	IF segment_table IS NOT NULL THEN
		SELECT a.atttypid INTO key_type FROM pg_attribute a WHERE a.attrelid = $1 AND a.attname = 'customer_id' AND NOT a.attisdropped;
		SELECT a.attname INTO value_column FROM pg_attribute a
		WHERE a.attrelid = $1 AND a.attname IN ('clv', 'revenue') AND a.atttypid IN ('numeric'::regtype, 'double precision'::regtype) AND NOT a.attisdropped
		ORDER BY a.attname LIMIT 1;
		IF key_type IS NULL OR value_column IS NULL THEN
			RAISE '% is not a segment table', segment_table USING ERRCODE = 'wrong_object_type',
				DETAIL = 'It lacks customer_id, or clv and revenue.', HINT = 'Name one that customer_scoring.create_segment_table has made.';
		END IF;
		-- customers that are whole numbers or uuids are found by the key, others by its text
		found_in := format(CASE WHEN key_type IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype, 'uuid'::regtype)
			THEN 'LEFT JOIN ONLY %1$s s ON s.customer_id = customer_scoring.segment_customer(o.customer, NULL::%3$s)'
			WHEN key_type IN ('text'::regtype, 'varchar'::regtype) THEN 'LEFT JOIN ONLY %1$s s ON s.customer_id = o.customer'
			ELSE 'LEFT JOIN ONLY %1$s s ON s.customer_id::text = o.customer' END, segment_table, value_column, key_type);
	END IF;
	RETURN QUERY EXECUTE format($query$
		SELECT q.feedback_id, q.customer, q.received_at, q.channel, q.category, q.order_reference,
			CASE WHEN q.answered_at IS NOT NULL THEN 'answered' WHEN q.acknowledged_at IS NOT NULL THEN 'acknowledged' ELSE 'received' END,
			q.value_at_risk, q.severity, q.recurrence, greatest(q.value_at_risk, 0) * q.severity * q.recurrence,
			$1 - coalesce(q.answered_at, q.acknowledged_at, q.received_at), q.acknowledged_at - q.received_at, q.answered_at - q.received_at
		FROM (
			SELECT o.*, %2$s AS value_at_risk, (
				SELECT count(*) FROM customer_scoring.feedback e
				WHERE e.customer = o.customer AND (e.category = o.category OR e.feedback_id = o.feedback_id)
				  AND e.received_at <= o.received_at AND e.received_at > o.received_at - $2) AS recurrence
			FROM (
				SELECT f.feedback_id, f.customer, f.received_at, f.channel, f.category, f.order_reference, f.severity,
					CASE WHEN f.acknowledged_at <= $1 THEN f.acknowledged_at END AS acknowledged_at,
					CASE WHEN f.answered_at <= $1 THEN f.answered_at END AS answered_at
				FROM customer_scoring.feedback f
				WHERE f.received_at <= $1 AND (f.validated_at IS NULL OR f.validated_at > $1)
				  AND NOT EXISTS (SELECT FROM customer_scoring.feedback n WHERE n.reopens = f.feedback_id AND n.received_at <= $1)) o
			%1$s) q
		ORDER BY 11 DESC NULLS LAST, q.severity DESC, q.recurrence DESC, q.received_at, q.feedback_id $query$,
		found_in, CASE WHEN segment_table IS NULL THEN '1::numeric' ELSE format('s.%I::numeric', value_column) END)
	USING as_of, recurrence_window;
END $$;
COMMENT ON FUNCTION customer_scoring.feedback_queue(regclass, timestamptz, interval) IS
	'Feedback that is not validated at a moment, by priority: value of the customer x severity x how often it recurs';
