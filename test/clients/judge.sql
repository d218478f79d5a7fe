-- judge.sql: what is wrong with the report of a client, one line a problem.
--
-- A report has tab-separated lines of: origin, schema, relation, column, type,
-- digits, scale, comment, number of values. Origin "relation" is the table or
-- view as the client discovered it (type: table or view; values: its rows),
-- "catalog" a column as the client describes it without reading, "result" a
-- column of the rows it read. Variable client names the client; stdin is its report.
\set ON_ERROR_STOP on
\pset tuples_only
\pset format unaligned
CREATE TEMPORARY TABLE report (origin text, schema_name text, relation_name text, column_name text, type text, digits int, scale int, comment text, cells bigint);
\copy report FROM pstdin (FORMAT csv, DELIMITER E'\t', QUOTE E'\b')

-- The origins a client reports, and where it delivers comments.
CREATE TEMPORARY TABLE origin (client text, origin text, comments boolean);
INSERT INTO origin VALUES
	('jdbc', 'relation', true), ('jdbc', 'catalog', true), ('jdbc', 'result', false),
	('odbc', 'relation', false), ('odbc', 'catalog', false), ('odbc', 'result', false),
	('python', 'relation', true), ('python', 'catalog', true), ('python', 'result', false),
	('node', 'relation', false), ('node', 'result', false),
	('cube', 'relation', false), ('cube', 'catalog', false), ('cube', 'result', false);

-- What each calls the types that columns for BI tools may have, and uuid, which
-- only a customer may be. Nothing else is known.
CREATE TEMPORARY TABLE known (type text, jdbc text, odbc_catalog text, odbc_result text, python_catalog text, python_result text, node text, cube_catalog text, cube_result text);
INSERT INTO known VALUES
	('bigint', 'BIGINT', 'BIGINT', 'int', 'BIGINT', 'int', 'INT8', 'bigint', 'bigint'),
	('integer', 'INTEGER', 'INTEGER', 'int', 'INTEGER', 'int', 'INT4', 'integer', 'int'),
	('smallint', 'SMALLINT', 'SMALLINT', 'int', 'SMALLINT', 'int', 'INT2', 'smallint', 'int'),
	('text', 'VARCHAR', 'WLONGVARCHAR', 'str', 'TEXT', 'str', 'TEXT', 'text', 'text'),
	('boolean', 'BIT', 'BIT', 'bool', 'BOOLEAN', 'bool', 'BOOL', 'boolean', 'boolean'),
	('date', 'DATE', 'DATE', 'date', 'DATE', 'date', 'DATE', 'date', 'date'),
	('timestamp with time zone', 'TIMESTAMP', 'TIMESTAMP', 'datetime', 'TIMESTAMP', 'datetime', 'TIMESTAMPTZ', 'timestamp with time zone', 'timestamptz'),
	('numeric', 'NUMERIC', 'NUMERIC', 'Decimal', 'NUMERIC', 'Decimal', 'NUMERIC', 'numeric', 'decimal'),
	('double precision', 'DOUBLE', 'DOUBLE', 'float', 'DOUBLE_PRECISION', 'float', 'FLOAT8', 'double precision', 'double'),
	('uuid', 'OTHER uuid', 'GUID', 'str', 'UUID', 'UUID', 'UUID', 'uuid', 'uuid');

-- What the client should have reported.
CREATE TEMPORARY VIEW wanted AS
SELECT o.origin, r.schema_name, r.relation_name, NULL AS column_name, r.kind AS type, NULL::int AS digits, NULL::int AS scale,
       CASE WHEN o.comments THEN coalesce(r.comment, '') END AS comment, r.rows AS cells
FROM expected.relation r JOIN origin o ON o.client = :'client' AND o.origin = 'relation'
UNION ALL
SELECT o.origin, r.schema_name, r.relation_name, a.column_name,
       CASE WHEN a.type <> 'uuid' OR a.column_name = 'customer_id' THEN to_jsonb(k) ->> CASE WHEN to_jsonb(k) ? o.client THEN o.client ELSE o.client || '_' || o.origin END END,
       a.digits, a.scale, CASE WHEN o.comments THEN coalesce(a.comment, '') END, CASE WHEN o.origin = 'result' THEN a.cells END
FROM expected.relation r JOIN expected.attribute a USING (relation) JOIN origin o ON o.client = :'client' AND o.origin <> 'relation'
LEFT JOIN known k USING (type);

-- Digits and scale matter for numeric alone, and Cube has none to tell.
SELECT format('%s %I.%I%s: %s', w.origin, w.schema_name, w.relation_name, '.' || quote_ident(w.column_name), p.problem)
FROM wanted w
LEFT JOIN report r ON (r.origin, r.schema_name, r.relation_name) = (w.origin, w.schema_name, w.relation_name) AND r.column_name IS NOT DISTINCT FROM w.column_name
CROSS JOIN LATERAL (VALUES
	(CASE WHEN r.origin IS NULL THEN 'not found' END),
	(CASE WHEN r.origin IS NOT NULL AND r.type IS DISTINCT FROM w.type THEN format('type %s instead of %s', r.type, coalesce(w.type, 'one that BI tools know')) END),
	(CASE WHEN r.origin IS NOT NULL AND r.type ~* '^(numeric|decimal)$' AND w.digits IS NULL THEN 'numeric without digits and scale' END),
	(CASE WHEN r.origin IS NOT NULL AND w.digits IS NOT NULL AND :'client' <> 'cube' AND (r.digits, r.scale) IS DISTINCT FROM (w.digits, w.scale)
	      THEN format('numeric(%s,%s) instead of (%s,%s)', r.digits, r.scale, w.digits, w.scale) END),
	(CASE WHEN w.comment = '' THEN 'has no comment' END),
	(CASE WHEN r.origin IS NOT NULL AND w.comment <> '' AND r.comment IS DISTINCT FROM w.comment THEN format('comment %L instead of %L', r.comment, w.comment) END),
	(CASE WHEN r.origin IS NOT NULL AND w.cells IS NOT NULL AND r.cells IS DISTINCT FROM w.cells THEN format('%s values read instead of %s', r.cells, w.cells) END)) p (problem)
WHERE p.problem IS NOT NULL
ORDER BY 1;
