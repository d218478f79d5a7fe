-- shop.sql: what the clients of test/clients read, and what they are to find.
--
-- A small shop with refunds, prospects, future orders and rows with gaps; three
-- segment tables of it, by text, integer and uuid customer, the last under names
-- that need quotes. Schema "expected" holds what the catalog says about every
-- table and view that a BI tool sees: clients look there for what to read, and
-- judge.sql for what they should have reported.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE EXTENSION customer_scoring;
CREATE ROLE shop_keeper;
CREATE ROLE bi_reader LOGIN;
GRANT CREATE ON DATABASE :"DBNAME" TO shop_keeper;

SET ROLE shop_keeper;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (number integer, name text, key uuid, ordered_at timestamptz, amount numeric(12, 2));
-- customers 1 to 120 with one to eight orders, a refund for each ninth
INSERT INTO shop.orders
SELECT c, format('Kundin Nº %s “%s”', c, chr(64 + c % 26 + 1)), md5(c::text)::uuid,
       timestamptz '2024-06-01 12:00+00' - (c * 17 % 400 + i * 31) * interval '1 day', 5 + (c * 37 + i * 11) % 500 + 0.99
FROM generate_series(1, 120) c, generate_series(1, 1 + c % 8) i
UNION ALL
SELECT c, format('Kundin Nº %s “%s”', c, chr(64 + c % 26 + 1)), md5(c::text)::uuid, timestamptz '2024-05-20 12:00+00', -3.50
FROM generate_series(9, 120, 9) c;
-- prospects: one with a refund only, one with nothing but a zero
INSERT INTO shop.orders VALUES
	(901, 'only a refund', md5('901')::uuid, '2024-05-01', -20), (902, 'only a zero', md5('902')::uuid, '2024-05-02', 0),
	(NULL, NULL, NULL, '2024-05-03', 1), (903, 'no time', md5('903')::uuid, NULL, 1), (904, 'no amount', md5('904')::uuid, '2024-05-04', NULL),
	(905, 'next year', md5('905')::uuid, '2025-06-01', 1), (906, 'never', md5('906')::uuid, 'infinity', 1);

CREATE SCHEMA bi_text;
CREATE SCHEMA bi_integer;
CREATE SCHEMA "BI ""Über"" 100%_";
SELECT customer_scoring.create_segment_table('bi_text.segments', 'shop.orders', customer => 'name', time_zone => 'Europe/Berlin', history => true);
SELECT customer_scoring.create_segment_table('bi_integer.segments', 'shop.orders', customer => 'number', time_zone => 'Asia/Jakarta', breaks => 'frozen',
	refresh_every => '1 day', next_refresh_at => '2999-01-01 02:00+07');
SELECT customer_scoring.create_segment_table('"BI ""Über"" 100%_"."Kund''innen – ""Segmente"" 50%_"', 'shop.orders', customer => 'key', time_zone => 'UTC', history => true);
SELECT count(*) AS refreshed FROM customer_scoring.segment_table_definition d, customer_scoring.refresh_segment_table(d.segment_table, '2024-06-01');
-- a month later: who is new, who has left, who has moved
INSERT INTO shop.orders VALUES (1001, 'new', md5('1001')::uuid, '2024-06-10', 50), (3, 'returned', md5('3')::uuid, '2024-06-11', 5000);
DELETE FROM shop.orders WHERE name = 'only a zero';
SELECT count(*) AS refreshed FROM customer_scoring.segment_table_definition d, customer_scoring.refresh_segment_table(d.segment_table, '2024-07-01');
-- every type that BI columns may have, NULL included: what the clients call them is then known for columns to come
CREATE VIEW bi_text.every_type AS
SELECT v.segment_rank AS n, v.orders AS big, v.orders::integer AS whole, v.rfm_cell AS words, v.r > 3 AS yes, v.first_order_at::date AS day,
       v.first_order_at AS moment, v.average_order_value::numeric(14, 2) AS money, v.revenue::double precision AS approximate
FROM bi_text.segments v;
COMMENT ON VIEW bi_text.every_type IS 'Every type';
SELECT format('COMMENT ON COLUMN bi_text.every_type.%I IS %L', attname, 'Column ' || attname)
FROM pg_attribute WHERE attrelid = 'bi_text.every_type'::regclass AND attnum > 0 \gexec
GRANT USAGE ON SCHEMA bi_text, bi_integer, "BI ""Über"" 100%_" TO bi_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA bi_text, bi_integer, "BI ""Über"" 100%_" TO bi_reader;
RESET ROLE;

CREATE SCHEMA expected;
CREATE TABLE expected.relation AS
SELECT c.oid AS relation, n.nspname AS schema_name, c.relname AS relation_name,
       CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' ELSE c.relkind::text END AS kind,
       obj_description(c.oid, 'pg_class') AS comment, NULL::bigint AS rows
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (n.nspname ~ '^bi_|^BI ' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')) OR (n.nspname = 'customer_scoring' AND c.relkind IN ('v', 'm'));
CREATE TABLE expected.attribute AS
SELECT r.relation, a.attnum AS position, a.attname AS column_name, format_type(a.atttypid, NULL) AS type,
       CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod >= 0 THEN (a.atttypmod - 4) >> 16 & 65535 END AS digits,
       CASE WHEN a.atttypid = 'numeric'::regtype AND a.atttypmod >= 0 THEN (a.atttypmod - 4) & 2047 END AS scale,
       col_description(a.attrelid, a.attnum) AS comment, NULL::bigint AS cells
FROM expected.relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped;

-- rows, and cells with a value, as the reader sees them
CREATE FUNCTION expected.count_values(relation regclass, "column" name) RETURNS bigint LANGUAGE plpgsql SET role = bi_reader AS $$
DECLARE
	result bigint;
BEGIN
	EXECUTE format('SELECT count(%s) FROM %s', coalesce(quote_ident("column"), '*'), relation) INTO result;
	RETURN result;
END $$;
UPDATE expected.relation SET rows = expected.count_values(relation, NULL);
UPDATE expected.attribute SET cells = expected.count_values(relation, column_name);
GRANT USAGE ON SCHEMA expected TO bi_reader;
GRANT SELECT ON expected.relation TO bi_reader;

-- the tests would be empty without these, and no tests of a reader with them
DO $$
BEGIN
	ASSERT (SELECT count(*) >= 12 FROM expected.relation WHERE rows > 0), 'a BI tool sees no rows';
	ASSERT (SELECT count(*) = 0 FROM pg_class c WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND c.relnamespace <> 'pg_catalog'::regnamespace
	        AND has_table_privilege('bi_reader', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
	        AND NOT has_table_privilege('public', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')), 'the reader may write';
END $$;
