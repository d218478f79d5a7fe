-- segment/quality.c: what is wrong with the rows of sources. Neither table is
-- dumped: the first refresh after a restore is one of everybody.

CREATE TABLE customer_scoring_internal.segment_quality (
	segment_table oid NOT NULL,
	source text NOT NULL,
	problem text NOT NULL,
	rows bigint,
	customers bigint,
	example text,
	detail text,
	kept boolean NOT NULL,
	run_id bigint NOT NULL,
	as_of timestamptz NOT NULL,
	PRIMARY KEY (segment_table, source, problem)
);
COMMENT ON TABLE customer_scoring_internal.segment_quality IS 'The data-quality report of each segment table: a row a check';
COMMENT ON COLUMN customer_scoring_internal.segment_quality.segment_table IS 'The segment table';
COMMENT ON COLUMN customer_scoring_internal.segment_quality.kept IS 'Whether refreshes of some customers keep it up, from segment_quality_customer';

CREATE TABLE customer_scoring_internal.segment_quality_customer (
	segment_table oid NOT NULL,
	source text NOT NULL,
	problem text NOT NULL,
	customer text COLLATE "C" NOT NULL,
	rows bigint NOT NULL,
	PRIMARY KEY (segment_table, source, problem, customer)
);
COMMENT ON TABLE customer_scoring_internal.segment_quality_customer IS 'Rows with a problem by customer, of checks that are kept up';
CREATE INDEX segment_quality_customer_customer ON customer_scoring_internal.segment_quality_customer (segment_table, customer);
COMMENT ON INDEX customer_scoring_internal.segment_quality_customer_customer IS 'Problems of one customer';

CREATE VIEW customer_scoring.segment_table_quality AS
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS segment_table,
       pg_catalog.pg_get_userbyid(c.relowner)::pg_catalog.text AS owner,
       q.source,
       q.problem,
       q.rows,
       q.customers,
       CASE WHEN o.visible THEN q.example END AS example,
       CASE WHEN o.visible THEN q.detail END AS detail,
       CASE WHEN q.kept THEN 'every refresh' ELSE 'full refresh' END AS counted_by,
       q.run_id,
       q.as_of
FROM customer_scoring_internal.segment_quality q
JOIN pg_catalog.pg_class c ON c.oid = q.segment_table
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') AS visible) o;
COMMENT ON VIEW customer_scoring.segment_table_quality IS 'What is wrong with the rows of the sources of segment tables: one row a check, also when nothing was found';
COMMENT ON COLUMN customer_scoring.segment_table_quality.segment_table IS 'The segment table with its schema';
COMMENT ON COLUMN customer_scoring.segment_table_quality.owner IS 'Owner of the segment table';
COMMENT ON COLUMN customer_scoring.segment_table_quality.source IS 'orders, the kind of another source, or segment_table';
COMMENT ON COLUMN customer_scoring.segment_table_quality.problem IS 'What was looked for; not_counted: the last look failed, and the other rows are older';
COMMENT ON COLUMN customer_scoring.segment_table_quality.rows IS 'Rows of the source that have the problem';
COMMENT ON COLUMN customer_scoring.segment_table_quality.customers IS 'Customers they belong to';
COMMENT ON COLUMN customer_scoring.segment_table_quality.example IS 'One of these customers, for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_quality.detail IS 'Of other_currency the currency that most orders have, of not_counted the error; for the table''s owner';
COMMENT ON COLUMN customer_scoring.segment_table_quality.counted_by IS 'every refresh, or full refresh: only those of everybody';
COMMENT ON COLUMN customer_scoring.segment_table_quality.run_id IS 'Run that counted last, see segment_table_run';
COMMENT ON COLUMN customer_scoring.segment_table_quality.as_of IS 'Moment the numbers are about';
GRANT SELECT ON customer_scoring.segment_table_quality TO PUBLIC;

CREATE FUNCTION customer_scoring.data_quality(
	segment_table regclass,
	as_of timestamptz DEFAULT pg_catalog.now(),
	OUT source text,
	OUT problem text,
	OUT rows bigint,
	OUT customers bigint,
	OUT example text,
	OUT detail text
) RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_data_quality';
COMMENT ON FUNCTION customer_scoring.data_quality(regclass, timestamptz) IS
	'What is wrong with the rows of the sources of a segment table, counted on the spot';
