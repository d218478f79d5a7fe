
-- segment/: models that segment tables were scored with, and how customers have moved since.

CREATE VIEW customer_scoring.segment_table_model AS
SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) AS segment_table,
       m.model_id,
       m.kind,
       CASE WHEN o.visible THEN m.model END AS model,
       m.frozen,
       CASE m.kind WHEN 'clv' THEN m.model_id IS NOT DISTINCT FROM s.clv_model_id
            ELSE m.model_id = pg_catalog.max(m.model_id) OVER (PARTITION BY m.segment_table, m.kind) END AS in_use,
       m.as_of,
       m.run_id,
       CASE WHEN o.visible THEN m.spend_model END AS spend_model,
       m.fingerprint
FROM customer_scoring_internal.segment_model m
JOIN pg_catalog.pg_class c ON c.oid = m.segment_table
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN customer_scoring_internal.segment_state s ON s.segment_table = m.segment_table
CROSS JOIN LATERAL (SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE')
                    OR pg_catalog.has_table_privilege(c.oid, 'SELECT') AS visible) o;
COMMENT ON VIEW customer_scoring.segment_table_model IS 'Models that segment tables were scored with: one row a model; those of kind rfm are kept as long as runs, the one in use always, those of kind clv as long as the table';
COMMENT ON COLUMN customer_scoring.segment_table_model.segment_table IS 'The segment table';
COMMENT ON COLUMN customer_scoring.segment_table_model.model_id IS 'Number of the model, rising with time';
COMMENT ON COLUMN customer_scoring.segment_table_model.kind IS 'rfm: cast the model to rfm_model; clv: cast it to clv_model, and spend_model to the type of that name';
COMMENT ON COLUMN customer_scoring.segment_table_model.model IS 'The model as text, for those who may read the segment table';
COMMENT ON COLUMN customer_scoring.segment_table_model.frozen IS 'Whether it stays until it is frozen anew';
COMMENT ON COLUMN customer_scoring.segment_table_model.in_use IS 'Whether it is the one of its kind that figures of now are by';
COMMENT ON COLUMN customer_scoring.segment_table_model.as_of IS 'Moment it is about';
COMMENT ON COLUMN customer_scoring.segment_table_model.run_id IS 'Run that found it, see segment_table_run';
COMMENT ON COLUMN customer_scoring.segment_table_model.spend_model IS 'What is spent, as text, for those who may read the segment table; NULL for other kinds, and when nobody tells';
COMMENT ON COLUMN customer_scoring.segment_table_model.fingerprint IS 'Fingerprint of the data a model of kind clv was fitted to; NULL for other kinds';
GRANT SELECT ON customer_scoring.segment_table_model TO PUBLIC;

CREATE FUNCTION customer_scoring.segment_table_drift(
	segment_table regclass,
	OUT figure text,
	OUT score smallint,
	OUT frozen_break text,
	OUT current_break text,
	OUT frozen_customers bigint,
	OUT current_customers bigint,
	OUT frozen_share numeric,
	OUT current_share numeric
) RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_segment_table_drift';
COMMENT ON FUNCTION customer_scoring.segment_table_drift(regclass) IS
	'Customers with each score by the frozen breaks of a segment table, and by breaks that would be found now';
