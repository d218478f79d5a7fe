-- Sources besides orders: the columns they give, their rows exact however they are refreshed, and what happens to them.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE TABLE orders (customer_id text, ordered_at timestamptz, amount numeric(12, 2));
INSERT INTO orders VALUES ('ann', '2024-01-05', 20), ('ann', '2024-02-05', 30), ('bob', '2024-01-20', 5), ('cid', '2024-01-21', -5);
CREATE TABLE clients (client text, name text);
INSERT INTO clients VALUES ('ann', 'Ann'), ('bob', 'Bob'), ('dee', 'Dee'), ('dee', 'Dee again'), (NULL, 'nobody');
CREATE TABLE ratings (customer_id text, rated_at timestamptz, score int);
INSERT INTO ratings VALUES ('ann', '2024-01-10', 3), ('ann', '2024-02-10', 10), ('bob', '2024-01-25', 9), ('bob', '2024-01-25', 6), ('bob', '2024-01-01', 9),
	('dee', '2024-03-10', 7), ('eve', '2024-01-01', 0), (NULL, '2024-01-01', 1), ('ann', NULL, 1), ('ann', '2024-02-01', NULL), ('ann', '-infinity', 1), ('bob', 'infinity', 1);
SELECT create_segment_table('s', 'orders');

-- columns follow from the sources
SELECT add_segment_source('s', 'customers', 'clients', customer => 'client');
SELECT add_segment_source('s', 'ratings', 'ratings');
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, col_description(a.attrelid, a.attnum)
FROM pg_attribute a WHERE a.attrelid = 's'::regclass AND a.attnum > (SELECT attnum FROM pg_attribute WHERE attrelid = 's'::regclass AND attname = 'due_at') ORDER BY a.attnum;
SELECT string_agg(attname, ' ' ORDER BY attnum) AS view_columns, bool_and(col_description(attrelid, attnum) IS NOT NULL) AS commented FROM pg_attribute WHERE attrelid = 's_current'::regclass;
SELECT * FROM segment_source_definition;
SELECT count(*) > 0 AS not_refreshed_yet FROM verify_segment_table('s');
SELECT mode, customers, inserted, updated, skipped FROM refresh_segment_table('s', '2024-03-01');
SELECT reason, skipped_no_customer, skipped_no_time, skipped_no_amount, skipped_not_finite, skipped_future FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
SELECT customer_id, orders, refunds, revenue, average_order_value, rfm_cell, segment, segment_rank, due_at FROM s ORDER BY 1;
SELECT customer_id, ratings, last_rating, last_rated_at, average_rating, nps_bucket, recency_days FROM s_current ORDER BY 1;
SELECT segment, segment_rank, customers, revenue FROM s_overview ORDER BY segment_rank;
SELECT * FROM verify_segment_table('s');
-- a rating that becomes due; changes of each source; who is nobody's customer has no row
SELECT mode, inserted, updated, deleted FROM refresh_segment_table('s', '2024-03-11');
SELECT customer_id, ratings, last_rating, nps_bucket, due_at FROM s WHERE customer_id = 'dee';
INSERT INTO clients VALUES ('fay', 'Fay');
DELETE FROM clients WHERE client = 'dee' AND name = 'Dee';
INSERT INTO ratings VALUES ('gil', '2024-01-01', 5), ('fay', '2024-02-01', 2), ('fay', '2024-02-02', 9);
SELECT mode, inserted, updated, deleted FROM refresh_segment_table('s', '2024-03-12');
DELETE FROM clients WHERE client = 'dee';
UPDATE ratings SET score = 8 WHERE customer_id = 'cid' OR customer_id = 'fay';
SELECT mode, inserted, updated, deleted FROM refresh_segment_table('s', '2024-03-13');
SELECT customer_id, orders, segment, ratings, last_rating, average_rating, nps_bucket FROM s ORDER BY 1;
SELECT * FROM verify_segment_table('s');
TRUNCATE clients;
SELECT mode, inserted, updated, deleted FROM refresh_segment_table('s', '2024-03-14');
SELECT * FROM verify_segment_table('s');

-- a score is never clamped: the error names the customer, by hand, waiting, and until it is due
INSERT INTO ratings VALUES ('bob', '2024-03-20', 11);
SELECT mode FROM refresh_segment_table('s', '2024-03-15');
SELECT mode FROM refresh_segment_table('s', '2024-03-21');
SELECT mode FROM refresh_segment_table('s', '2024-03-16');
UPDATE ratings SET score = 10 WHERE score = 11;
SELECT mode FROM refresh_segment_table('s', '2024-03-21');
SELECT segment_rating(7, 0, 10, 'x'), segment_rating(0.0, 0, 10, 'x'), segment_rating(NULL, 0, 10, 'x') IS NULL AS none;
SELECT segment_rating(2.5, 0, 10, 'x');
SELECT segment_rating('NaN', 0, 10, 'x');
SELECT segment_rating('Infinity', 0, 10, 'x');
SELECT segment_rating(1e10, 0, 10, 'x');
SELECT segment_rating(-1, 0, 10, 'x');

-- other scales have no buckets; numeric scores; dates
SELECT drop_segment_source('s', 'ratings');
CREATE TABLE stars (who varchar(10), "on" date, stars numeric);
INSERT INTO stars VALUES ('ann', '2024-01-01', 4.0), ('ann', '2024-01-02', 5), ('bob', '2024-01-01', 1), ('bob', '2024-01-02', 2), ('bob', '2024-01-03', 2);
SELECT add_segment_source('s', 'ratings', 'stars', 'who', '{"rated_at": "on", "score": "stars", "lowest": 1, "highest": 5}');
SELECT mode, updated FROM refresh_segment_table('s', '2024-03-22');
SELECT customer_id, ratings, last_rating, average_rating, nps_bucket FROM s ORDER BY 1;
INSERT INTO stars VALUES ('ann', '2024-01-03', 3);
SELECT mode, updated FROM refresh_segment_table('s', '2024-03-23');
SELECT * FROM verify_segment_table('s');
INSERT INTO stars VALUES ('ann', '2024-01-04', 4.5);
SELECT mode FROM refresh_segment_table('s', '2024-03-24');
DELETE FROM stars WHERE stars = 4.5;
SELECT mode FROM refresh_segment_table('s', '2024-03-24');

-- what is refused
SELECT add_segment_source('s', 'visits', 'clients');
SELECT add_segment_source('s', 'ratings', 'stars');
SELECT add_segment_source('s', NULL, 'clients');
SELECT add_segment_source('s', 'customers', NULL);
SELECT add_segment_source('orders', 'customers', 'clients', 'client');
SELECT add_segment_source('s', 'customers', 0, 'client');
SELECT drop_segment_source('s', 'visits');
SELECT drop_segment_source('s', 'customers');
SELECT drop_segment_source('s', 'ratings');
SELECT drop_segment_source('s', 'ratings');
SELECT add_segment_source('s', 'customers', 'clients');
SELECT add_segment_source('s', 'customers', 's', 'customer_id');
SELECT add_segment_source('s', 'customers', 'clients', 'client', '{"name": "name"}');
SELECT add_segment_source('s', 'customers', 'clients', 'client', '[]');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"stars": "score"}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"score": 5}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"score": ["score"]}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"score": "stars"}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"score": "rated_at"}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"rated_at": "score"}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"lowest": "0"}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"lowest": 0.5}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"highest": 1e300}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'customer_id', '{"highest": 0}');
SELECT add_segment_source('s', 'ratings', 'ratings', 'score');
CREATE TEMP TABLE temporary AS SELECT * FROM clients;
SELECT add_segment_source('s', 'customers', 'temporary', 'client');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT add_segment_source('s', 'customers', 'clients', 'client');
ROLLBACK;
BEGIN;
ALTER TABLE s ADD ratings int;
SELECT add_segment_source('s', 'ratings', 'ratings');
ROLLBACK;
SELECT count(*) AS sources FROM segment_source_definition;

-- views of users guard the columns; rights on the view stay as they were; a view that was dropped stays away
CREATE ROLE regress_reader;
SELECT add_segment_source('s', 'ratings', 'ratings');
GRANT SELECT ON s_current TO regress_reader;
CREATE VIEW mine AS SELECT nps_bucket FROM s;
SELECT drop_segment_source('s', 'ratings');
DROP VIEW mine;
SELECT drop_segment_source('s', 'ratings');
SELECT has_table_privilege('regress_reader', 's_current', 'SELECT') AS reads, string_agg(attname, ' ' ORDER BY attnum) AS view_columns
FROM pg_attribute WHERE attrelid = 's_current'::regclass;
SELECT current_view FROM segment_table_definition;
DROP VIEW s_current;
SELECT add_segment_source('s', 'ratings', 'ratings');
SELECT drop_segment_source('s', 'ratings');
SELECT to_regclass('s_current') IS NULL AS stays_away;
SELECT drop_segment_table('s');
DROP ROLE regress_reader;

-- money changes its decimals while there are other sources
SELECT create_segment_table('s', 'orders', time_zone => 'Asia/Jakarta');
SELECT add_segment_source('s', 'ratings', 'ratings');
SELECT refresh_segment_table('s') IS NOT NULL AS refreshed;
ALTER TABLE orders ALTER amount TYPE numeric(12, 3);
SELECT alter_segment_table('s');
SELECT mode FROM refresh_segment_table('s');
SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 's_current'::regclass AND attname IN ('revenue', 'average_rating') ORDER BY attnum;
SELECT * FROM verify_segment_table('s');
SELECT drop_segment_table('s');

-- types of customers: those that are the same bytes and compare alike
CREATE DOMAIN code AS varchar(8);
CREATE FUNCTION try_types(of_orders text, of_clients text, of_ratings text, a text, b text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	message text;
	detail text;
BEGIN
	EXECUTE format('CREATE TABLE o (customer_id %s, ordered_at timestamptz, amount int)', of_orders);
	EXECUTE format('CREATE TABLE c (customer_id %s)', of_clients);
	EXECUTE format('CREATE TABLE r (customer_id %s, rated_at timestamptz, score int)', of_ratings);
	EXECUTE format('INSERT INTO o VALUES (%L, ''2024-01-01'', 1)', a);
	PERFORM create_segment_table('t', 'o');
	PERFORM add_segment_source('t', 'customers', 'c'), add_segment_source('t', 'ratings', 'r');
	PERFORM refresh_segment_table('t');
	EXECUTE format('INSERT INTO c VALUES (%L), (%L)', a, b);
	EXECUTE format('INSERT INTO r VALUES (%L, ''2024-01-01'', 1), (%L, ''2024-01-01'', 2)', a, b);
	SELECT mode || ' ' INTO result FROM refresh_segment_table('t');
	IF EXISTS (SELECT FROM verify_segment_table('t')) THEN RAISE WARNING 'not exact'; END IF;
	SELECT result || string_agg(customer_id::text || ' ' || orders || ' ' || last_rating, ', ' ORDER BY last_rating) INTO result FROM t;
	SELECT result || ' (' || format_type(atttypid, atttypmod) || ')' INTO result FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum = 1;
	PERFORM drop_segment_table('t');
	DROP TABLE o, c, r;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' | ', SQLSTATE, message, nullif(detail, ''));
END $$;
SELECT try_types('int', 'int', 'int', '1', '2');
SELECT try_types('int', 'bigint', 'int', '1', '2');
SELECT try_types('int', 'int', 'bigint', '1', '2');
SELECT try_types('text', 'varchar(5)', 'code', 'a', 'b');
SELECT try_types('varchar(8)', 'varchar(5)', 'text', 'a', 'b');
SELECT try_types('varchar(8)', 'varchar(9)', 'text', 'a', 'b');
SELECT try_types('varchar(8)', 'text', 'text', 'a', 'b');
SELECT try_types('code', 'code', 'varchar', 'a', 'b');
SELECT try_types('code', 'varchar(8)', 'text', 'a', 'b');
SELECT try_types('text', 'text COLLATE "C"', 'text COLLATE "POSIX"', 'a', 'b');
SELECT try_types('text COLLATE "C"', 'text', 'varchar', 'a', 'b');
SELECT try_types('char(4)', 'char(4)', 'char(9)', 'a', 'b');
SELECT try_types('char(4)', 'text', 'char(4)', 'a', 'b');
SELECT try_types('numeric(6, 2)', 'numeric(6, 2)', 'numeric', '1', '2');
SELECT try_types('numeric(6, 2)', 'numeric', 'numeric', '1', '2');
SELECT try_types('uuid', 'uuid', 'uuid', '00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002');
SELECT try_types('name', 'text', 'name', 'a', 'b');
CREATE TYPE pair AS (x int, y text);
SELECT try_types('pair', 'pair', 'pair', '(1,)', '(,)');
SELECT try_types('int[]', 'int[]', 'int[]', '{1}', '{2}');
SELECT try_types('inet', 'cidr', 'inet', '10.0.0.1', '10.0.0.2');

-- hostile names
CREATE FUNCTION try_name(n text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('CREATE SCHEMA %I', n);
	EXECUTE format('CREATE TABLE %1$I.%1$I (%1$I text, %2$I timestamptz, %3$I int)', n, n || 't', n || 's');
	PERFORM create_segment_table('t', 'orders');
	PERFORM add_segment_source('t', 'ratings', format('%1$I.%1$I', n)::regclass, n::name, jsonb_build_object('rated_at', n || 't', 'score', n || 's'));
	PERFORM refresh_segment_table('t');
	PERFORM add_segment_source('t', 'customers', format('%1$I.%1$I', n)::regclass, n::name);
	PERFORM refresh_segment_table('t');
	EXECUTE format('INSERT INTO %1$I.%1$I VALUES (%1$L, ''2024-01-01'', 8)', n);
	SELECT mode INTO result FROM refresh_segment_table('t');
	IF EXISTS (SELECT FROM verify_segment_table('t')) THEN RAISE WARNING 'not exact'; END IF;
	SELECT result || ' ' || (last_rating = 8 AND segment = 'prospect') INTO result FROM t WHERE customer_id = n;
	PERFORM drop_segment_source('t', 'ratings'), drop_segment_source('t', 'customers');
	PERFORM drop_segment_table('t');
	EXECUTE format('DROP SCHEMA %I CASCADE', n);
	RETURN result;
END $$;
SELECT n, try_name(n) FROM unnest(ARRAY['select', 'Mixed Case', 'quo"te', 'apo''s''trophe', 'back\slash\''', '"', '%s %d %1$s', '$1 $$', '%PAST%', '%score%', '%CUSTOMER%',
	'x"); DROP TABLE orders; --', 'größe', 's', 'x', 'x0', 'c', 'customer', 'summary', 'ratings']) n;

-- rights: the owner of the segment table needs SELECT, and TRIGGER to have changes captured
CREATE ROLE regress_owner;
CREATE ROLE regress_other;
GRANT CREATE ON SCHEMA public TO regress_owner;
GRANT SELECT ON orders TO regress_owner;
CREATE TABLE guarded (customer_id text, rated_at timestamptz, score int);
SET ROLE regress_owner;
CREATE TABLE own_orders AS SELECT * FROM orders;
SELECT create_segment_table('t', 'own_orders');
SELECT add_segment_source('t', 'ratings', 'guarded');
RESET ROLE;
GRANT SELECT (customer_id, rated_at) ON guarded TO regress_owner;
SET ROLE regress_owner;
SELECT add_segment_source('t', 'ratings', 'guarded');
RESET ROLE;
GRANT SELECT (score) ON guarded TO regress_owner;
SET ROLE regress_other;
SELECT add_segment_source('t', 'ratings', 'guarded');
SELECT drop_segment_source('t', 'ratings');
SELECT count(*) AS anybody_sees FROM segment_source_definition;
SET ROLE regress_owner;
SET client_min_messages = notice;
SELECT add_segment_source('t', 'ratings', 'guarded');
SELECT mode FROM refresh_segment_table('t');
SET client_min_messages = warning;
RESET ROLE;
INSERT INTO guarded VALUES ('ann', '2024-01-01', 5);
GRANT TRIGGER ON guarded TO regress_owner;
SET ROLE regress_owner;
SELECT mode, updated FROM refresh_segment_table('t');
RESET ROLE;
INSERT INTO guarded VALUES ('bob', '2024-01-01', 5);
SET ROLE regress_owner;
SELECT mode, updated FROM refresh_segment_table('t');
SELECT * FROM verify_segment_table('t');
RESET ROLE;
REVOKE SELECT (score) ON guarded FROM regress_owner;
SET ROLE regress_owner;
SELECT mode FROM refresh_segment_table('t');
SELECT verify_segment_table('t');
RESET ROLE;
GRANT SELECT ON guarded TO regress_owner;
-- ... row-level security is refused unless asked for, and then not captured
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
SET ROLE regress_owner;
SELECT mode FROM refresh_segment_table('t');
SELECT alter_segment_table('t', row_security => true);
SELECT mode, updated FROM refresh_segment_table('t');
SELECT mode FROM refresh_segment_table('t');
SELECT reason FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
SELECT alter_segment_table('t', row_security => false);
SELECT drop_segment_source('t', 'ratings');
SELECT alter_segment_table('t', row_security => false);
SELECT add_segment_source('t', 'ratings', 'guarded');
SELECT mode FROM refresh_segment_table('t');
SELECT mode FROM refresh_segment_table('t');
SELECT drop_segment_table('t');
RESET ROLE;
DROP TABLE guarded, own_orders;
REVOKE CREATE ON SCHEMA public FROM regress_owner;
REVOKE SELECT ON orders FROM regress_owner;
DROP ROLE regress_owner, regress_other;

-- a source that is swapped, changed, broken and cured; a view
SELECT create_segment_table('t', 'orders');
TRUNCATE ratings;
INSERT INTO ratings VALUES ('ann', '2024-01-01', 5), ('bob', '2024-01-01', 7);
SELECT add_segment_source('t', 'ratings', 'ratings');
SELECT mode FROM refresh_segment_table('t');
SELECT mode FROM refresh_segment_table('t');
BEGIN;
ALTER TABLE ratings RENAME TO ratings_old;
CREATE TABLE ratings AS SELECT customer_id, score + 1 AS score, rated_at FROM ratings_old;
COMMIT;
SELECT mode, updated FROM refresh_segment_table('t');
SELECT reason FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
DROP TABLE ratings_old;
BEGIN;
ALTER TABLE ratings RENAME score TO old_score;
ALTER TABLE ratings ADD score int DEFAULT 3;
COMMIT;
SELECT mode, updated FROM refresh_segment_table('t');
SELECT reason FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
ALTER TABLE ratings DROP score;
SELECT mode FROM refresh_segment_table('t');
SELECT verify_segment_table('t');
SELECT alter_segment_table('t', time_zone => 'Asia/Jakarta');
ALTER TABLE ratings RENAME old_score TO score;
SELECT mode, updated FROM refresh_segment_table('t');
SELECT mode FROM refresh_segment_table('t');
ALTER TABLE ratings DISABLE TRIGGER customer_scoring_capture;
INSERT INTO ratings (customer_id, rated_at, score) VALUES ('ann', '2024-02-01', 1);
SELECT mode, updated FROM refresh_segment_table('t');
SELECT reason FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
INSERT INTO ratings (customer_id, rated_at, score) VALUES ('ann', '2024-02-02', 2);
SELECT mode, updated FROM refresh_segment_table('t');
ALTER TABLE ratings RENAME TO ratings_table;
CREATE VIEW ratings AS SELECT * FROM ratings_table WHERE score > 0;
SELECT mode, updated FROM refresh_segment_table('t');
SELECT reason FROM segment_table_run ORDER BY run_id DESC LIMIT 1;
DROP VIEW ratings;
SELECT mode FROM refresh_segment_table('t');
SELECT drop_segment_source('t', 'ratings');
SELECT mode FROM refresh_segment_table('t');
SELECT mode FROM refresh_segment_table('t');
-- one relation for everything: it is captured once, and for as long as anything needs it
SELECT drop_segment_table('t');
SELECT count(*) AS triggers_left FROM pg_trigger WHERE tgname IN ('customer_scoring_capture', 'customer_scoring_truncate') AND tgrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'customer_scoring'::regnamespace);
CREATE TABLE facts (customer_id text, friend text, ordered_at timestamptz, amount int, score int);
INSERT INTO facts VALUES ('ann', 'bob', '2024-01-01', 5, 9), ('bob', 'zoe', '2024-01-02', 6, NULL);
SELECT create_segment_table('t', 'facts');
SELECT add_segment_source('t', 'ratings', 'facts', columns => '{"rated_at": "ordered_at"}');
SELECT add_segment_source('t', 'customers', 'facts', 'friend');
SELECT mode, inserted FROM refresh_segment_table('t');
INSERT INTO facts VALUES ('eve', 'kim', '2024-01-03', 7, 1);
SELECT mode, inserted FROM refresh_segment_table('t');
SELECT customer_id, orders, segment, last_rating FROM t ORDER BY 1;
SELECT drop_segment_source('t', 'customers');
SELECT mode, deleted FROM refresh_segment_table('t');
UPDATE facts SET friend = 'who', score = 4;
SELECT mode, inserted, updated, deleted FROM refresh_segment_table('t');
SELECT * FROM verify_segment_table('t');
-- dropping takes triggers away where nothing else needs them
SELECT add_segment_source('t', 'customers', 'clients', 'client');
SELECT mode FROM refresh_segment_table('t');
SELECT string_agg(tgrelid::regclass || ' ' || tgname, ', ' ORDER BY tgrelid::regclass::text, tgname) AS triggers FROM pg_trigger WHERE tgname IN ('customer_scoring_capture', 'customer_scoring_truncate') AND tgrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'customer_scoring'::regnamespace);
SELECT drop_segment_source('t', 'customers');
SELECT string_agg(tgrelid::regclass || ' ' || tgname, ', ' ORDER BY tgrelid::regclass::text, tgname) AS triggers FROM pg_trigger WHERE tgname IN ('customer_scoring_capture', 'customer_scoring_truncate') AND tgrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'customer_scoring'::regnamespace);
SELECT drop_segment_table('t');
SELECT count(*) AS triggers_left FROM pg_trigger WHERE tgname IN ('customer_scoring_capture', 'customer_scoring_truncate') AND tgrelid NOT IN (SELECT oid FROM pg_class WHERE relnamespace = 'customer_scoring'::regnamespace);
SELECT count(*) AS sources_left FROM segment_source_definition;

-- random changes of every source: each refresh is incremental, and what plain SQL says
CREATE TABLE many_orders (customer_id int, ordered_at timestamptz, amount numeric(12, 2));
CREATE TABLE many_clients (customer_id int);
CREATE TABLE many_ratings (customer_id int, rated_at timestamp, score numeric) PARTITION BY HASH (customer_id);
CREATE TABLE many_ratings_0 PARTITION OF many_ratings FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE many_ratings_1 (score numeric, customer_id int, rated_at timestamp);
ALTER TABLE many_ratings ATTACH PARTITION many_ratings_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE FUNCTION customer() RETURNS int LANGUAGE sql VOLATILE AS $$ SELECT nullif((random() * 30)::int, 30) $$;
CREATE FUNCTION moment(day int) RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
	SELECT timestamptz '2024-01-01' + day * interval '1 day' + ((random() * 30)::int - 25) * interval '4 hours' $$;
CREATE PROCEDURE change(day int) LANGUAGE plpgsql AS $$
DECLARE
	i int;
BEGIN
	FOR i IN 1..4 LOOP
		BEGIN
			CASE (random() * 9)::int
				WHEN 0 THEN INSERT INTO many_orders SELECT customer(), moment(day), (random() * 40)::int - 8 FROM generate_series(1, 3);
				WHEN 1 THEN UPDATE many_orders SET customer_id = customer() WHERE customer_id = customer();
				WHEN 2 THEN DELETE FROM many_orders WHERE customer_id = customer();
				WHEN 3 THEN INSERT INTO many_clients SELECT customer() FROM generate_series(1, 3);
				WHEN 4 THEN UPDATE many_clients SET customer_id = customer() WHERE customer_id = customer();
				WHEN 5 THEN DELETE FROM many_clients WHERE customer_id = customer();
				WHEN 6 THEN INSERT INTO many_ratings SELECT customer(), nullif(moment(day), moment(day)), nullif((random() * 11)::int, 11) FROM generate_series(1, 4);
				WHEN 7 THEN UPDATE many_ratings SET customer_id = customer(), score = 10 - score WHERE customer_id = customer();
				WHEN 8 THEN DELETE FROM many_ratings WHERE customer_id = customer();
				ELSE UPDATE many_ratings SET rated_at = moment(day), score = 10 - score WHERE customer_id = customer();
			END CASE;
			IF random() < 0.2 THEN RAISE EXCEPTION 'undone'; END IF;
		EXCEPTION WHEN raise_exception THEN NULL;
		END;
	END LOOP;
END $$;
SET check_function_bodies = off;
-- rows that are not what plain SQL gives, at the moment they are about
CREATE FUNCTION wrong(lookback interval) RETURNS bigint LANGUAGE sql AS $$
	WITH at AS (SELECT as_of, as_of - coalesce(lookback, '1000 years') AS since FROM segment_table_definition WHERE segment_table = 'p'::regclass),
	o AS (SELECT customer_id, count(*) FILTER (WHERE amount > 0) AS orders, count(*) FILTER (WHERE amount < 0) AS refunds, sum(amount) AS revenue,
		max(ordered_at) FILTER (WHERE amount > 0) AS last_order_at FROM many_orders, at WHERE customer_id IS NOT NULL AND ordered_at <= as_of AND ordered_at > since GROUP BY 1),
	rated AS (SELECT customer_id, rated_at AT TIME ZONE 'Asia/Jakarta' AS rated_at, score FROM many_ratings WHERE customer_id IS NOT NULL AND score IS NOT NULL),
	r AS (SELECT customer_id, count(*) AS ratings, max(rated_at) AS last_rated_at, round(avg(score), 2) AS average_rating FROM rated, at WHERE rated_at <= as_of GROUP BY 1),
	l AS (SELECT DISTINCT ON (customer_id) customer_id, score AS last_rating FROM rated, at WHERE rated_at <= as_of ORDER BY customer_id, rated_at DESC, score),
	expected AS (SELECT customer_id, coalesce(orders, 0), coalesce(refunds, 0), coalesce(revenue, 0), last_order_at, coalesce(orders, 0) = 0,
		coalesce(ratings, 0), last_rated_at, average_rating, last_rating,
		CASE WHEN last_rating <= 6 THEN 'detractor' WHEN last_rating <= 8 THEN 'passive' WHEN last_rating <= 10 THEN 'promoter' END
		FROM o FULL JOIN (SELECT DISTINCT customer_id FROM many_clients WHERE customer_id IS NOT NULL) c USING (customer_id) LEFT JOIN r USING (customer_id) LEFT JOIN l USING (customer_id)),
	stored AS (SELECT customer_id, orders, refunds, revenue, last_order_at, segment = 'prospect', ratings, last_rated_at, average_rating, last_rating, nps_bucket FROM p)
	SELECT (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE stored) x) + (SELECT count(*) FROM (TABLE stored EXCEPT ALL TABLE expected) x) $$;
CREATE FUNCTION follow(options text, lookback interval, rounds int, OUT incremental bigint, OUT wrong bigint, OUT unverified bigint, OUT some_waited boolean) LANGUAGE plpgsql AS $$
DECLARE
	day int;
	how text;
BEGIN
	TRUNCATE many_orders, many_clients, many_ratings;
	INSERT INTO many_orders SELECT customer(), moment(0), (random() * 40)::int - 8 FROM generate_series(1, 60);
	INSERT INTO many_clients SELECT customer() FROM generate_series(1, 10);
	INSERT INTO many_ratings SELECT customer(), moment(0), (random() * 10)::int FROM generate_series(1, 60);
	EXECUTE format('SELECT create_segment_table(''p'', ''many_orders'', with_data => false, time_zone => ''Asia/Jakarta''%s)', options);
	PERFORM add_segment_source('p', 'ratings', 'many_ratings'), add_segment_source('p', 'customers', 'many_clients');
	PERFORM refresh_segment_table('p', '2024-01-01');
	incremental := 0; wrong := wrong(lookback); unverified := 0; some_waited := false;
	FOR day IN 1..rounds LOOP
		CALL change(day);
		SELECT mode INTO how FROM refresh_segment_table('p', timestamptz '2024-01-01' + day * interval '1 day');
		incremental := incremental + (how = 'incremental')::int;
		wrong := wrong + wrong(lookback);
		unverified := unverified + (SELECT count(*) FROM verify_segment_table('p'));
		some_waited := some_waited OR EXISTS (SELECT FROM p WHERE due_at IS NOT NULL);
	END LOOP;
	SELECT unverified + deleted + inserted + updated INTO unverified FROM refresh_segment_table('p', timestamptz '2024-01-01' + rounds * interval '1 day');
	PERFORM drop_segment_table('p');
END $$;
SELECT * FROM follow('', NULL, 60);
SELECT * FROM follow(', breaks => ''frozen''', NULL, 60);
SELECT * FROM follow(', lookback => ''10 days''', '10 days', 60);
SELECT * FROM follow(', breaks => ''frozen'', lookback => ''5 days''', '5 days', 40);
DROP TABLE many_orders, many_clients, many_ratings, orders, clients, ratings_table, stars, facts, temporary;
DROP FUNCTION try_types(text, text, text, text, text), try_name(text), follow(text, interval, int), wrong(interval), moment(int), customer();
DROP PROCEDURE change(int);
DROP TYPE code, pair;
