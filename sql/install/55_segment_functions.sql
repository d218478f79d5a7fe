-- segment/: functions. Their effect stays within the caller's own rights, so
-- they are for PUBLIC: a segment table is made with the rights of the caller,
-- and all else is for its owner.

CREATE FUNCTION customer_scoring.segment_revenue(summary customer_scoring.purchase_summary, money_scale integer, customer text)
	RETURNS numeric
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_segment_revenue';
COMMENT ON FUNCTION customer_scoring.segment_revenue(customer_scoring.purchase_summary, integer, text) IS
	'Exact revenue for a money column of a segment table; an error that names the customer when it does not fit';

CREATE FUNCTION customer_scoring.segment_due_at(as_of timestamptz, upcoming timestamptz, oldest timestamptz, lookback interval, time_zone text,
	last_order_at timestamptz, breaks customer_scoring.rfm_model)
	RETURNS timestamptz
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_segment_due_at';
COMMENT ON FUNCTION customer_scoring.segment_due_at(timestamptz, timestamptz, timestamptz, interval, text, timestamptz, customer_scoring.rfm_model) IS
	'When time alone changes the row of a customer in a segment table; NULL for never';

CREATE FUNCTION customer_scoring_internal.segment_moved_support(internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_segment_moved_support';
CREATE FUNCTION customer_scoring.segment_moved(breaks customer_scoring.rfm_model, last_order_at timestamptz, orders bigint, revenue numeric,
	as_of timestamptz, r smallint, f smallint, m smallint)
	RETURNS boolean
	LANGUAGE c IMMUTABLE PARALLEL SAFE SUPPORT customer_scoring_internal.segment_moved_support
	AS 'MODULE_PATHNAME', 'cs_segment_moved';
COMMENT ON FUNCTION customer_scoring.segment_moved(customer_scoring.rfm_model, timestamptz, bigint, numeric, timestamptz, smallint, smallint, smallint) IS
	'Whether the scores by these breaks are others than those given';

CREATE FUNCTION customer_scoring.capture_changes() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_capture_changes';
COMMENT ON FUNCTION customer_scoring.capture_changes() IS
	'Trigger on sources of segment tables: notices which customers change';

CREATE FUNCTION customer_scoring.create_segment_table(
	segment_table text,
	orders regclass,
	customer name DEFAULT 'customer_id',
	ordered_at name DEFAULT 'ordered_at',
	amount name DEFAULT 'amount',
	"only" jsonb DEFAULT NULL,
	lookback interval DEFAULT NULL,
	refresh_every interval DEFAULT NULL,
	next_refresh_at timestamptz DEFAULT NULL,
	time_zone text DEFAULT pg_catalog.current_setting('TimeZone'),
	money_scale integer DEFAULT NULL,
	with_data boolean DEFAULT true,
	segment_map customer_scoring.rfm_map DEFAULT 'rfm11',
	row_security boolean DEFAULT false,
	breaks text DEFAULT 'each_refresh',
	history boolean DEFAULT false,
	keep_history interval DEFAULT NULL,
	clv jsonb DEFAULT NULL,
	tiers text DEFAULT NULL,
	suppress_below integer DEFAULT NULL,
	quality jsonb DEFAULT NULL
) RETURNS regclass
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_create_segment_table';
COMMENT ON FUNCTION customer_scoring.create_segment_table(text, regclass, name, name, name, jsonb, interval, interval, timestamptz, text, integer, boolean, customer_scoring.rfm_map, boolean, text, boolean, interval, jsonb, text, integer, jsonb) IS
	'Create a table with a row a customer, its scores and segment, kept up to date from a table or view of orders';

CREATE FUNCTION customer_scoring.alter_segment_table(
	segment_table regclass,
	orders regclass DEFAULT NULL,
	customer name DEFAULT NULL,
	ordered_at name DEFAULT NULL,
	amount name DEFAULT NULL,
	"only" jsonb DEFAULT NULL,
	lookback interval DEFAULT NULL,
	refresh_every interval DEFAULT NULL,
	next_refresh_at timestamptz DEFAULT NULL,
	time_zone text DEFAULT NULL,
	money_scale integer DEFAULT NULL,
	segment_map customer_scoring.rfm_map DEFAULT NULL,
	row_security boolean DEFAULT NULL,
	breaks text DEFAULT NULL,
	history boolean DEFAULT NULL,
	keep_history interval DEFAULT NULL,
	clv jsonb DEFAULT NULL,
	tiers text DEFAULT NULL,
	suppress_below integer DEFAULT NULL,
	quality jsonb DEFAULT NULL
) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_alter_segment_table';
COMMENT ON FUNCTION customer_scoring.alter_segment_table(regclass, regclass, name, name, name, jsonb, interval, interval, timestamptz, text, integer, customer_scoring.rfm_map, boolean, text, boolean, interval, jsonb, text, integer, jsonb) IS
	'Change options of a segment table; NULL leaves an option as it is';

CREATE FUNCTION customer_scoring.segment_rating(score numeric, lowest integer, highest integer, customer text)
	RETURNS smallint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_segment_rating';
COMMENT ON FUNCTION customer_scoring.segment_rating(numeric, integer, integer, text) IS
	'A score as it counts in a segment table; an error that names the customer when it is none of its scale';

CREATE FUNCTION customer_scoring.segment_customer(customer text, sample anyelement)
	RETURNS anyelement
	LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_segment_customer';
COMMENT ON FUNCTION customer_scoring.segment_customer(text, anyelement) IS
	'The customer of the type of the second argument, a whole number or a uuid, that a text names; NULL when it names none';

CREATE FUNCTION customer_scoring.segment_tombstone(customer text, salt bytea)
	RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_segment_tombstone';
COMMENT ON FUNCTION customer_scoring.segment_tombstone(text, bytea) IS
	'What stands for a customer among tombstones with this salt: the SHA-256 of both';

CREATE FUNCTION customer_scoring.add_segment_source(
	segment_table regclass,
	kind text,
	source regclass,
	customer name DEFAULT 'customer_id',
	columns jsonb DEFAULT '{}'
) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_add_segment_source';
COMMENT ON FUNCTION customer_scoring.add_segment_source(regclass, text, regclass, name, jsonb) IS
	'Have a segment table know more than orders: customers without any, or ratings; rows follow at the next refresh';

CREATE FUNCTION customer_scoring.drop_segment_source(segment_table regclass, kind text) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_drop_segment_source';
COMMENT ON FUNCTION customer_scoring.drop_segment_source(regclass, text) IS
	'Take a source besides the orders from a segment table, with the columns it gave';

CREATE FUNCTION customer_scoring.refresh_segment_table(
	segment_table regclass,
	as_of timestamptz DEFAULT NULL,
	OUT run_id bigint,
	OUT mode text,
	OUT customers bigint,
	OUT inserted bigint,
	OUT updated bigint,
	OUT deleted bigint,
	OUT skipped bigint,
	OUT duration interval
)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_refresh_segment_table';
COMMENT ON FUNCTION customer_scoring.refresh_segment_table(regclass, timestamptz) IS
	'Bring a segment table up to date now, in this transaction';

CREATE FUNCTION customer_scoring.request_segment_refresh(segment_table regclass, OUT run_id bigint)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_request_segment_refresh';
COMMENT ON FUNCTION customer_scoring.request_segment_refresh(regclass) IS
	'Ask a worker to bring a segment table up to date after this transaction';

CREATE FUNCTION customer_scoring.verify_segment_table(
	segment_table regclass,
	OUT customer text,
	OUT column_name text,
	OUT stored text,
	OUT expected text,
	OUT problem text
) RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_verify_segment_table';
COMMENT ON FUNCTION customer_scoring.verify_segment_table(regclass) IS
	'Values of a segment table that are not what its source gives; no rows when it is exact';

CREATE FUNCTION customer_scoring.drop_segment_table(segment_table regclass) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_drop_segment_table';
COMMENT ON FUNCTION customer_scoring.drop_segment_table(regclass) IS
	'Remove a segment table, its views, its history and all that is kept about it';

