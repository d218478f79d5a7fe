-- Sources of segment tables: every kind of relation, key and name, and what becomes of a table whose source changes.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE SCHEMA shop;

-- a segment table over a source: its customers with revenue, after a change of the source, exact; or the error
CREATE FUNCTION try(source regclass, options text DEFAULT '', change text DEFAULT NULL) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE format('SELECT create_segment_table(''t'', %L%s)', source, options);
	IF EXISTS (SELECT FROM verify_segment_table('t')) THEN RAISE WARNING 'not exact'; END IF;
	IF change IS NOT NULL THEN
		EXECUTE change;
		PERFORM refresh_segment_table('t');
		IF EXISTS (SELECT FROM verify_segment_table('t')) THEN RAISE WARNING 'not exact'; END IF;
	END IF;
	SELECT string_agg(customer_id::text || ' ' || revenue, ', ' ORDER BY customer_id::text COLLATE "C") INTO result FROM t;
	SELECT result || ' (' || format_type(atttypid, atttypmod) || ')' INTO result FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum = 1;
	PERFORM drop_segment_table('t');
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- relations
CREATE TABLE orders (customer_id int, ordered_at timestamptz, amount int);
INSERT INTO orders VALUES (1, '2024-01-01', 1), (2, '2024-01-02', 2), (1, '2024-01-03', 4);
SELECT try('orders', '', 'INSERT INTO orders VALUES (3, ''2024-01-04'', 8)');
CREATE TABLE shop.parted (ordered_at date, customer_id int, amount int) PARTITION BY RANGE (ordered_at);
CREATE TABLE shop.parted_1 PARTITION OF shop.parted FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE shop.parted_2 (amount int, customer_id int, ordered_at date);
INSERT INTO shop.parted_2 VALUES (4, 1, '2024-02-01');
INSERT INTO shop.parted VALUES ('2024-01-01', 1, 1), ('2024-01-02', 2, 2);
SELECT try('shop.parted', '', 'ALTER TABLE shop.parted ATTACH PARTITION shop.parted_2 FOR VALUES FROM (''2024-02-01'') TO (''2024-03-01'')');
SELECT try('shop.parted', '', 'ALTER TABLE shop.parted DETACH PARTITION shop.parted_1');
CREATE TABLE parent (customer_id int, ordered_at timestamptz, amount int);
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO parent VALUES (1, '2024-01-01', 1);
INSERT INTO child VALUES (1, '2024-01-01', 2, 'x'), (2, '2024-01-01', 4, 'y');
SELECT try('parent');
CREATE VIEW v AS SELECT o.customer_id, o.ordered_at, sum(o.amount) AS amount FROM orders o GROUP BY 1, 2 UNION ALL SELECT * FROM parent;
SELECT try('v', ', money_scale => 0', 'DELETE FROM child WHERE customer_id = 2');
CREATE MATERIALIZED VIEW m AS SELECT * FROM orders;
SELECT try('m', '', 'INSERT INTO orders VALUES (4, ''2024-01-05'', 16); REFRESH MATERIALIZED VIEW m');
CREATE MATERIALIZED VIEW m_empty AS SELECT * FROM orders WITH NO DATA;
SELECT try('m_empty');
CREATE UNLOGGED TABLE unlogged AS SELECT * FROM orders;
SELECT try('unlogged');
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE FOREIGN TABLE foreign_orders (customer_id int, ordered_at timestamptz, amount int) SERVER nowhere;
SELECT try('foreign_orders');
CREATE TABLE rules_table AS SELECT * FROM orders LIMIT 0;
CREATE RULE "_RETURN" AS ON SELECT TO rules_table DO INSTEAD SELECT * FROM orders;
SELECT try('rules_table');
-- what cannot be one
CREATE TEMP TABLE temporary AS SELECT * FROM orders;
SELECT try('temporary');
CREATE TEMP VIEW temporary_view AS SELECT * FROM orders;
SELECT try('temporary_view');
CREATE SEQUENCE s;
SELECT try('s');
CREATE INDEX i ON orders (customer_id);
SELECT try('i');
CREATE TYPE c AS (customer_id int, ordered_at timestamptz, amount int);
SELECT try('c');
SELECT try('pg_class');
SELECT create_segment_table('t', 0);
SELECT create_segment_table('t', 'no_such_table');
-- columns that are not there or of the wrong type
SELECT try('orders', ', customer => ''client''');
SELECT try('orders', ', ordered_at => ''Ordered_At''');
SELECT try('orders', ', amount => ''tableoid''');
SELECT try('orders', ', amount => ''ordered_at''');
SELECT try('orders', ', ordered_at => ''amount''');
ALTER TABLE orders ADD dropped int;
ALTER TABLE orders DROP dropped;
SELECT try('orders', ', amount => ''........pg.dropped.4........''');

-- keys: one row each for a, a again, b; NULL is no customer
CREATE TYPE enum_key AS ENUM ('b', 'a');
CREATE TYPE pair AS (x int, y text);
CREATE DOMAIN number AS bigint CHECK (VALUE > 0);
CREATE DOMAIN code AS varchar(4) COLLATE "C";
CREATE DOMAIN pair_domain AS pair;
CREATE FUNCTION try_key(type text, a text, b text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('CREATE TABLE keyed (customer_id %s, ordered_at timestamptz, amount numeric)', type);
	EXECUTE format('INSERT INTO keyed VALUES (%1$L, ''2024-01-01'', 1), (%1$L, ''2024-01-02'', 2), (%2$L, ''2024-01-03'', 4), (NULL, ''2024-01-03'', 8)', a, b);
	result := try('keyed', '', format('DELETE FROM keyed WHERE amount = 2; INSERT INTO keyed VALUES (%L, ''2024-01-04'', 16)', a));
	DROP TABLE keyed;
	RETURN result;
END $$;
SELECT try_key('bigint', '9223372036854775807', '-1');
SELECT try_key('smallint', '1', '2');
SELECT try_key('text', '', 'b''b');
SELECT try_key('text COLLATE "C"', 'A', 'a');
SELECT try_key('varchar(10)', 'abc', 'ABC');
SELECT try_key('char(5)', 'a', 'b');
SELECT try_key('"char"', 'a', 'b');
SELECT try_key('name', 'a', 'b');
SELECT try_key('uuid', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002');
SELECT try_key('numeric(10,2)', '1.5', '2');
SELECT try_key('double precision', '-0', '1');
SELECT try_key('double precision', 'NaN', '1');
SELECT try_key('boolean', 't', 'f');
SELECT try_key('date', '2024-01-01', '2024-01-02');
SELECT try_key('timestamptz', '2024-01-01', '2024-01-02');
SELECT try_key('interval', '24 hours', '2 days');
SELECT try_key('inet', '10.0.0.1', '10.0.0.2');
SELECT try_key('bytea', '\x00', '\x01');
SELECT try_key('jsonb', '{"a": 1}', 'null');
SELECT try_key('int4range', '[1,2)', 'empty');
SELECT try_key('enum_key', 'a', 'b');
SELECT try_key('number', '7', '8');
SELECT try_key('code', 'ab', 'cd');
SELECT try_key('integer[]', '{1,2}', '{}');
SELECT try_key('pair', '(1,a)', '(2,)');
SELECT try_key('pair', '(1,)', '(,)');
SELECT try_key('pair_domain', '(1,)', '(2,b)');
SELECT try_key('public.number[]', '{1}', '{2}');
-- ... without an equality that can be hashed and sorted: refused
SELECT try_key('money', '1', '2');
SELECT try_key('json', '1', '2');
SELECT try_key('point', '(1,1)', '(2,2)');
SELECT try_key('tsvector', 'a', 'b');
-- a collation that takes different texts for one customer, where the server has it
SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i') AS icu \gset
\if :icu
CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE cased (customer_id text COLLATE any_case, ordered_at timestamptz, amount int, status text COLLATE any_case);
INSERT INTO cased VALUES ('ann', '2024-01-01', 1, 'paid'), ('ANN', '2024-01-02', 2, 'PAID'), ('bob', '2024-01-03', 4, 'open');
SELECT create_segment_table('t', 'cased', "only" => '{"status": ["Paid", "OPEN"]}') AS t \gset
INSERT INTO cased VALUES ('Ann', '2024-01-04', 8, 'paid'), ('Bob', '2024-01-04', 8, 'OPEN');
SELECT refresh_segment_table('t') IS NOT NULL AS t \gset
SELECT (SELECT string_agg(upper(customer_id) || revenue, ' ' ORDER BY revenue) FROM t) = 'ANN11 BOB12' AND NOT EXISTS (SELECT FROM verify_segment_table('t')) AS t \gset
SELECT drop_segment_table('t') IS NOT NULL AS dropped \gset
DROP TABLE cased;
DROP COLLATION any_case;
\else
SELECT true AS t \gset
\endif
SELECT :'t' AS one_customer_of_any_case;

-- hostile names
SET client_min_messages = notice;
CREATE FUNCTION try_name(n text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	target text := format('%I.%I', n, left(n, 52) || '_');
	result text;
BEGIN
	EXECUTE format('CREATE SCHEMA %I', n);
	EXECUTE format('CREATE TABLE %1$I.%1$I (%1$I text, %2$I timestamptz, %3$I int, %4$I text)', n, n || 't', n || 'a', n || 'o');
	EXECUTE format('INSERT INTO %1$I.%1$I VALUES (%1$L, ''2024-01-01'', 1, %1$L), (''x'', ''2024-01-01'', 2, ''x'')', n);
	PERFORM create_segment_table(target, format('%1$I.%1$I', n)::regclass, n::name, (n || 't')::name, (n || 'a')::name, jsonb_build_object(n || 'o', ARRAY[n]));
	PERFORM refresh_segment_table(target::regclass);
	PERFORM alter_segment_table(target::regclass, time_zone => 'Asia/Jakarta');
	IF EXISTS (SELECT FROM verify_segment_table(target::regclass)) THEN RAISE WARNING 'not exact'; END IF;
	EXECUTE format('SELECT string_agg(customer_id, '' '') = %L AND bool_and(recency_days > 0) FROM %I.%I', n, n, left(n, 52) || '__current') INTO result;
	PERFORM drop_segment_table(target::regclass);
	EXECUTE format('DROP SCHEMA %I CASCADE', n);
	RETURN result;
END $$;
SET client_min_messages = warning;
SELECT n, try_name(n) FROM unnest(ARRAY['select', 'Mixed Case', 'quo"te', 'apo''s''trophe', 'back\slash\''', '"', '''', '\', '%s %d %1$s', '$1 $$ $a$', ' ', '1',
	'a.b', 'a;b--', '/* */', 'x"); DROP TABLE orders; --', 'größe', '客户订单', E'tab\tnew\nline', 's', 't', 'c', 'customer', 'summary', 'segment', 'nul\0']) n;
SELECT try_name(repeat('ü', 26));
SELECT try_name(repeat('x', 61) || '"');
SELECT count(*) AS orders_are_still_there FROM orders;

-- the source is bound by name: it may be swapped, dropped and made anew
SELECT create_segment_table('bound', 'orders');
CREATE TABLE orders_new AS SELECT customer_id + 100 AS customer_id, amount, ordered_at FROM orders;
BEGIN;
ALTER TABLE orders RENAME TO orders_old;
ALTER TABLE orders_new RENAME TO orders;
COMMIT;
SELECT inserted, deleted FROM refresh_segment_table('bound');
DROP TABLE orders;
SELECT refresh_segment_table('bound');
SELECT verify_segment_table('bound');
-- ... while which only the schedule can be altered
BEGIN;
SELECT alter_segment_table('bound', refresh_every => '1 day', next_refresh_at => '2124-01-01');
SELECT alter_segment_table('bound', refresh_every => '0', lookback => '1 year');
ROLLBACK;
CREATE VIEW orders AS SELECT * FROM orders_old;
SELECT inserted, deleted FROM refresh_segment_table('bound');
DROP VIEW orders;
CREATE TABLE orders (id int, amount int, customer_id int, ordered_at timestamptz);
INSERT INTO orders VALUES (1, 5, 1, '2024-01-01');
SELECT inserted, deleted FROM refresh_segment_table('bound');
-- other columns of the same table
ALTER TABLE orders RENAME amount TO total;
SELECT refresh_segment_table('bound');
ALTER TABLE orders ADD amount int;
UPDATE orders SET amount = 7;
SELECT inserted, updated, deleted FROM refresh_segment_table('bound');
SELECT customer_id, revenue FROM bound;
ALTER TABLE orders DROP amount;
SELECT refresh_segment_table('bound');
SELECT alter_segment_table('bound', amount => 'total');
SELECT updated FROM refresh_segment_table('bound');
ALTER TABLE orders RENAME customer_id TO client;
SELECT refresh_segment_table('bound');
SELECT alter_segment_table('bound', customer => 'client');
SELECT inserted, updated, deleted FROM refresh_segment_table('bound');
SELECT cause, reason, error_code FROM customer_scoring_internal.segment_run WHERE segment_table = 'bound'::regclass ORDER BY run_id;
-- a type that changes: of the amount all is well, of the key the rows could not be told apart
ALTER TABLE orders ALTER total TYPE bigint;
SELECT updated FROM refresh_segment_table('bound');
ALTER TABLE orders ALTER client TYPE bigint;
SELECT refresh_segment_table('bound');
SELECT verify_segment_table('bound');
SELECT alter_segment_table('bound', lookback => '1 year');
SELECT customer_id, revenue FROM bound;
ALTER TABLE orders ALTER client TYPE int;
ALTER TABLE orders ALTER ordered_at TYPE text;
SELECT refresh_segment_table('bound');
ALTER TABLE orders ALTER ordered_at TYPE date USING ordered_at::date;
SELECT customers, skipped FROM refresh_segment_table('bound');
-- the schema of the source
ALTER TABLE orders SET SCHEMA shop;
SELECT refresh_segment_table('bound');
SELECT alter_segment_table('bound', orders => 'shop.orders');
SELECT customers FROM refresh_segment_table('bound');
ALTER SCHEMA shop RENAME TO store;
SELECT refresh_segment_table('bound');
ALTER SCHEMA store RENAME TO shop;
-- an option on a column that went away
SELECT alter_segment_table('bound', "only" => '{"id": [1]}');
ALTER TABLE shop.orders DROP id;
SELECT refresh_segment_table('bound');
SELECT alter_segment_table('bound', "only" => '{}');
SELECT customers FROM refresh_segment_table('bound');
SELECT drop_segment_table('bound');
-- a key that grows would be cut, one that gains decimals rounded
CREATE TABLE keys (customer_id numeric(5,0), ordered_at timestamptz, amount int);
INSERT INTO keys VALUES (1, '2024-01-01', 1);
SELECT create_segment_table('bound', 'keys');
ALTER TABLE keys ALTER customer_id TYPE numeric(5,1);
SELECT refresh_segment_table('bound');
SELECT drop_segment_table('bound');

-- the segment table moves, its views move, columns are added: refreshed all the same
SELECT create_segment_table('here', 'orders_old');
ALTER TABLE here RENAME TO "There";
ALTER TABLE "There" SET SCHEMA shop;
ALTER VIEW here_current RENAME TO today;
ALTER TABLE shop."There" ADD note text DEFAULT 'kept', ADD address int, ADD gone boolean;
UPDATE shop."There" SET note = 'mine' WHERE customer_id = 1;
CREATE INDEX ON shop."There" (segment);
INSERT INTO orders_old VALUES (1, '2024-01-09', 1), (9, '2024-01-09', 1);
SELECT inserted > 0 AND updated > 0 AS done FROM refresh_segment_table('shop."There"');
SELECT customer_id, note FROM shop."There" WHERE customer_id IN (1, 9) ORDER BY 1;
SELECT count(*) FROM verify_segment_table('shop."There"');
SELECT bool_and(as_of IS NOT NULL) FROM today;
SELECT bool_and(as_of IS NOT NULL) FROM here_overview;
SELECT alter_segment_table('shop."There"', time_zone => 'Asia/Jakarta');
SELECT create_segment_table('here', 'orders_old');
SELECT drop_segment_table('shop."There"');
SELECT create_segment_table('here', 'orders_old');
-- a table that inherits from it is no part of it
CREATE TABLE heir () INHERITS (here);
INSERT INTO heir SELECT * FROM here;
UPDATE heir SET customer_id = -customer_id, segment = 'mine';
INSERT INTO orders_old VALUES (1, '2024-01-10', 1), (10, '2024-01-10', 1);
DELETE FROM orders_old WHERE customer_id = 2;
SELECT inserted, updated > 0 AS updated, deleted, customers = (SELECT count(DISTINCT customer_id) FROM orders_old) AS all_of_them FROM refresh_segment_table('here');
SELECT count(*) FROM verify_segment_table('here');
SELECT count(*) > 0 AND bool_and(segment = 'mine' AND customer_id < 0) AS untouched FROM heir;
DROP TABLE heir;
-- columns that it needs
ALTER TABLE here RENAME revenue TO turnover;
SELECT refresh_segment_table('here');
SELECT verify_segment_table('here');
ALTER TABLE here RENAME turnover TO revenue;
DROP VIEW here_overview, here_current;
ALTER TABLE here ALTER revenue TYPE numeric;
SELECT refresh_segment_table('here');
SELECT alter_segment_table('here', lookback => '1 year');
ALTER TABLE here ALTER revenue TYPE numeric(24,0);
ALTER TABLE here RENAME customer_id TO client;
SELECT refresh_segment_table('here');
ALTER TABLE here RENAME client TO customer_id;
SELECT customers > 0 AS done FROM refresh_segment_table('here');
SELECT drop_segment_table('here');

-- called from functions with a search_path of their own, in blocks, and caught
CREATE FUNCTION make() RETURNS regclass LANGUAGE sql SET search_path = shop AS $$ SELECT customer_scoring.create_segment_table('made', 'public.orders_old') $$;
SELECT make();
CREATE FUNCTION shop.refresh() RETURNS bigint LANGUAGE plpgsql SET search_path = shop AS $$ BEGIN RETURN (customer_scoring.refresh_segment_table('made')).customers; END $$;
SELECT shop.refresh();
DO $$
BEGIN
	PERFORM create_segment_table('block', 'orders_old');
	BEGIN
		PERFORM alter_segment_table('block', amount => 'nothing');
	EXCEPTION WHEN undefined_column THEN NULL;
	END;
	PERFORM refresh_segment_table('block');
	PERFORM drop_segment_table('shop.made');
END $$;
SELECT current_user = session_user AS myself, current_setting('search_path') AS path;
SELECT count(*) FROM verify_segment_table('block');
-- cancelled in the middle: nothing is left
CREATE VIEW slow AS SELECT customer_id, ordered_at, amount FROM orders_old WHERE pg_sleep(20) IS NOT NULL;
SET statement_timeout = '200ms';
SELECT create_segment_table('slow_segments', 'slow');
SELECT alter_segment_table('block', orders => 'slow');
SELECT refresh_segment_table('block');
RESET statement_timeout;
SELECT to_regclass('slow_segments') IS NULL AS nothing;
SELECT alter_segment_table('block', orders => 'orders_old');
SELECT updated FROM refresh_segment_table('block');
SELECT count(*) FROM verify_segment_table('block');
SELECT drop_segment_table('block');

DROP FUNCTION try(regclass, text, text), try_key(text, text, text), try_name(text), make();
DROP SCHEMA shop CASCADE;
DROP VIEW temporary_view;
DROP TABLE temporary;
DROP VIEW slow, v, rules_table;
DROP MATERIALIZED VIEW m, m_empty;
DROP FOREIGN DATA WRAPPER nothing CASCADE;
DROP TABLE orders_old, child, parent, unlogged, keys;
DROP SEQUENCE s;
DROP TYPE c;
DROP DOMAIN number, code, pair_domain;
DROP TYPE pair, enum_key;

-- a segment table is no source of itself
CREATE TABLE own_source (customer_id int, ordered_at timestamptz, amount numeric(10,2));
SELECT create_segment_table('own', 'own_source');
SELECT alter_segment_table('own', orders => 'own', ordered_at => 'last_order_at', amount => 'revenue');
SELECT drop_segment_table('own');
DROP TABLE own_source;
