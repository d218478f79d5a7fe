-- Nothing stays behind: when a segment table is gone, the catalogs and the extension's tables are what they were.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = error;
\set SHOW_CONTEXT never
-- what other tests took away without asking is tidied up by the next creation
CREATE TABLE first (customer_id int, ordered_at timestamptz, amount int);
SELECT create_segment_table('first_segments', 'first');
SELECT drop_segment_table('first_segments');
DROP TABLE first;
CREATE ROLE regress_cs_keeper;
GRANT CREATE ON SCHEMA public TO regress_cs_keeper;

-- Everything this database holds: a line for each row of each catalog that is about objects of users, all rows of the
-- tables of the extension, and what outlives a transaction in the session (locks of class 4 do not). Columns of pg_class that describe contents, not
-- objects, are left out (sizes, statistics, and the marks "has or had triggers, rules, indexes, heirs", which only VACUUM takes back).
CREATE TABLE snapshot (state text, what text, line text);
CREATE FUNCTION everything() RETURNS TABLE (what text, line text) LANGUAGE plpgsql AS $$
DECLARE
	t regclass;
	number name;
BEGIN
	FOR t, number IN
		SELECT c.oid, (SELECT attname FROM pg_attribute a WHERE a.attrelid = c.oid AND attname IN ('oid', 'attrelid', 'objoid', 'indexrelid') ORDER BY attname <> 'oid' LIMIT 1)
		FROM pg_class c
		WHERE c.relkind = 'r' AND (c.relnamespace = 'pg_catalog'::regnamespace AND NOT c.relisshared AND c.relname NOT IN ('pg_class', 'pg_statistic', 'pg_largeobject')
		                           OR c.relnamespace IN ('customer_scoring'::regnamespace, 'customer_scoring_internal'::regnamespace))
	LOOP
		RETURN QUERY EXECUTE format('SELECT %L, x::text FROM %s x WHERE %s', t, t, coalesce(quote_ident(number) || ' >= 16384', 'true'));
	END LOOP;
	RETURN QUERY SELECT 'pg_class', row(relname, oid, relnamespace, reltype, reloftype, relowner, relam, reltablespace, reltoastrelid, relpersistence, relkind, relnatts, relrowsecurity, relforcerowsecurity, relreplident,
		relispartition, relrewrite, relacl, reloptions, relpartbound)::text FROM pg_class WHERE oid >= 16384;
	RETURN QUERY SELECT 'pg_shdepend', d::text FROM pg_shdepend d WHERE d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
	RETURN QUERY SELECT 'lock', concat_ws(' ', locktype, mode, objsubid) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND objsubid <> 4;
	RETURN QUERY SELECT 'listening', c FROM pg_listening_channels() c;
END $$;
CREATE FUNCTION remember(state text) RETURNS void LANGUAGE sql AS $$
	DELETE FROM snapshot s WHERE s.state = remember.state;
	INSERT INTO snapshot SELECT remember.state, what, line FROM everything();
$$;
-- How now differs from a state: one line, readable, for each kind of difference; none when all is as it was.
CREATE FUNCTION differences(state text) RETURNS TABLE (difference text, what text, object text, rows bigint) LANGUAGE sql AS $$
	WITH before AS (SELECT s.what, s.line FROM snapshot s WHERE s.state = differences.state),
	now AS MATERIALIZED (SELECT * FROM everything()),
	found AS (SELECT 'left behind' AS difference, * FROM (SELECT * FROM now EXCEPT ALL SELECT * FROM before) x
	          UNION ALL
	          SELECT 'missing', * FROM (SELECT * FROM before EXCEPT ALL SELECT * FROM now) x)
	SELECT difference, what, left(regexp_replace(line, '\d+', 'N', 'g'), 100), count(*) FROM found GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
$$;
-- the check sees what it has to see
SELECT remember('clean');
BEGIN;
CREATE TABLE kept (a int DEFAULT 1);
CREATE TRIGGER t AFTER INSERT ON kept EXECUTE FUNCTION suppress_redundant_updates_trigger();
INSERT INTO customer_scoring_internal.segment_run (segment_table, cause) VALUES (1, 'manual');
INSERT INTO customer_scoring_internal.segment_state (segment_table) VALUES (1);
SELECT pg_advisory_lock(1);
SELECT difference, what FROM differences('clean') WHERE what IN ('pg_class', 'pg_trigger', 'pg_attrdef', 'pg_type', 'pg_depend', 'lock') OR what ~ '^customer' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT pg_advisory_unlock(1);
ROLLBACK;
SELECT * FROM differences('clean');

-- Sources of every kind, and keys.
CREATE SCHEMA elsewhere;
CREATE TYPE pair AS (x int, y text);
CREATE TABLE plain (customer_id int, ordered_at timestamptz, amount numeric(12,2), status text);
CREATE TABLE texts (customer_id text COLLATE "C", ordered_at timestamptz, amount int);
CREATE TABLE pairs (customer_id pair, ordered_at date, amount bigint);
CREATE TABLE keyed (id int PRIMARY KEY, customer_id uuid NOT NULL, ordered_at timestamp NOT NULL, amount double precision);
CREATE INDEX ON keyed (customer_id);
CREATE TABLE parted (customer_id int, ordered_at timestamptz, amount int, region text) PARTITION BY LIST (region);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES IN ('a');
CREATE TABLE parted_b PARTITION OF parted FOR VALUES IN ('b') PARTITION BY RANGE (ordered_at);
CREATE TABLE parted_b1 PARTITION OF parted_b FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE parted_c (LIKE parted);
CREATE TABLE parent (customer_id int, ordered_at timestamptz, amount int);
CREATE TABLE child (extra int) INHERITS (parent);
CREATE UNLOGGED TABLE unlogged (customer_id int, ordered_at timestamptz, amount int);
CREATE TABLE "Große ""Tafel""" (customer_id int, ordered_at timestamptz, amount int);
CREATE VIEW viewed AS SELECT customer_id, ordered_at, amount FROM plain UNION ALL SELECT * FROM parent;
CREATE MATERIALIZED VIEW stored AS SELECT * FROM viewed;
INSERT INTO plain SELECT i % 7, '2024-01-01'::timestamptz + i * interval '1 day', i, 'paid' FROM generate_series(1, 30) i;
INSERT INTO texts SELECT 'c' || i % 7, '2024-01-01'::timestamptz + i * interval '1 day', i FROM generate_series(1, 30) i;
INSERT INTO pairs SELECT row(i % 3, i % 2)::pair, '2024-01-01'::date + i, i FROM generate_series(1, 30) i;
INSERT INTO keyed SELECT i, md5((i % 7)::text)::uuid, '2024-01-01'::timestamp + i * interval '1 day', i FROM generate_series(1, 30) i;
INSERT INTO parted SELECT i % 7, '2024-01-01'::timestamptz + i * interval '1 day', i, CASE WHEN i % 2 = 0 THEN 'a' ELSE 'b' END FROM generate_series(1, 30) i;
INSERT INTO parent SELECT i % 7, '2024-01-01'::timestamptz + i * interval '1 day', i FROM generate_series(1, 30) i;
INSERT INTO child SELECT i % 9, '2024-01-01'::timestamptz + i * interval '1 day', i, i FROM generate_series(1, 30) i;
INSERT INTO "Große ""Tafel""" SELECT * FROM parent;
INSERT INTO unlogged SELECT * FROM parent;
REFRESH MATERIALIZED VIEW stored;

-- a life of a segment table: made, written about, altered, asked for (a worker then refreshes it meanwhile), read, dropped
CREATE FUNCTION live(source regclass, options text DEFAULT '', target text DEFAULT 'segments', ask boolean DEFAULT true) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	t regclass;
BEGIN
	EXECUTE format('SELECT create_segment_table(%L, %L%s)', target, source, options) INTO t;
	IF (SELECT relkind FROM pg_class WHERE oid = source) IN ('r', 'p') THEN
		EXECUTE format('UPDATE %s SET amount = amount + 1', source);
		EXECUTE format('DELETE FROM %s WHERE amount > 30', source);
	END IF;
	PERFORM refresh_segment_table(t);
	PERFORM refresh_segment_table(t, '2024-01-20');
	PERFORM alter_segment_table(t, lookback => '10 years', refresh_every => '1 day');
	IF ask THEN
		PERFORM request_segment_refresh(t);
	END IF;
	PERFORM count(*) FROM verify_segment_table(t);
	PERFORM count(*) FROM segment_table_status;
END $$;
CREATE FUNCTION live_and_die(source regclass, options text DEFAULT '', target text DEFAULT 'segments') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM live(source, options, target);
	PERFORM drop_segment_table(target::regclass);
END $$;
CREATE VIEW sources AS SELECT source::regclass FROM unnest('{plain,texts,pairs,keyed,parted,parted_b,parted_a,parent,child,unlogged,"\"Große \"\"Tafel\"\"\"",viewed,stored}'::text[]) WITH ORDINALITY AS u (source, n) ORDER BY n;
SELECT remember('clean');
SELECT * FROM differences('clean');
-- the check sees a living segment table
BEGIN;
SELECT live('plain');
SELECT regexp_replace(what, '_[0-9]+$', '_<oid>') AS what FROM differences('clean') WHERE difference = 'left behind' AND (what IN ('pg_class', 'pg_type', 'pg_rewrite', 'pg_depend') OR what ~ '^customer_scoring|^segment_table_definition') GROUP BY 1 ORDER BY 1;
ROLLBACK;
SELECT * FROM differences('clean');

-- each in transactions of their own, as users do; the same in one transaction; in a subtransaction
CREATE TABLE found (source regclass, difference text, what text, object text, rows bigint);
CREATE PROCEDURE live_apart() LANGUAGE plpgsql AS $$
DECLARE
	s regclass;
BEGIN
	FOR s IN SELECT source FROM sources LOOP
		PERFORM live(s);
		COMMIT;
		PERFORM drop_segment_table('segments');
		COMMIT;
		INSERT INTO found SELECT s, d.* FROM differences('clean') d;
		PERFORM live_and_die(s);
		INSERT INTO found SELECT s, d.* FROM differences('clean') d;
		COMMIT;
	END LOOP;
END $$;
SELECT remember('clean');
CALL live_apart();
SELECT * FROM found;
DROP PROCEDURE live_apart;
DROP TABLE found;
SELECT remember('clean');
DO $$
DECLARE
	s regclass;
BEGIN
	FOR s IN SELECT source FROM sources LOOP
		BEGIN
			PERFORM live_and_die(s);
		EXCEPTION WHEN division_by_zero THEN NULL;
		END;
		BEGIN
			PERFORM live(s);
			PERFORM 1 / 0;
		EXCEPTION WHEN division_by_zero THEN NULL;
		END;
	END LOOP;
END $$;
SELECT * FROM differences('clean');
-- with options
SELECT live_and_die('plain', ', "only" => ''{"status": ["paid"]}'', next_refresh_at => ''2030-01-01'', refresh_every => ''1 day'', segment_map => ''rf10'', time_zone => ''Asia/Jakarta''');
SELECT live_and_die('plain', ', with_data => false');
SELECT live_and_die('plain', '', '"Größe ""''"');
SELECT * FROM differences('clean');
-- rolled back: creation, and dropping
BEGIN;
SELECT live('plain');
ROLLBACK;
SELECT * FROM differences('clean');
SELECT live('plain', ask => false);
SELECT remember('alive');
BEGIN;
SELECT drop_segment_table('segments');
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT drop_segment_table('segments');
ROLLBACK TO s;
COMMIT;
SELECT * FROM differences('alive');
SELECT drop_segment_table('segments');
SELECT * FROM differences('clean');

-- several on one source: what the other ones need stays, then nothing
SELECT live('plain', '', 'first', false);
SELECT remember('first');
SELECT live('plain', '', 'second');
SELECT live('viewed', ', refresh_every => ''1 day''', 'third');
SELECT drop_segment_table('third');
SELECT drop_segment_table('second');
-- what was written meanwhile waits in the log of the first
SELECT * FROM differences('first') WHERE what !~ 'change_log_';
SELECT drop_segment_table('first');
SELECT * FROM differences('clean');
-- another source: the old one is free at once
SELECT create_segment_table('segments', 'plain');
SELECT alter_segment_table('segments', orders => 'parted');
SELECT refresh_segment_table('segments') IS NOT NULL AS done;
SELECT tgrelid::regclass AS source, count(*) AS triggers_left FROM pg_trigger WHERE tgrelid = 'plain'::regclass GROUP BY 1;
SELECT alter_segment_table('segments', orders => 'viewed', money_scale => 2);
SELECT refresh_segment_table('segments') IS NOT NULL AS done;
SELECT tgrelid::regclass AS source, count(*) AS triggers_left FROM pg_trigger WHERE tgrelid::regclass::text ~ '^parted' GROUP BY 1;
SELECT drop_segment_table('segments');
SELECT * FROM differences('clean');

-- A source that changes while it is watched: what is left of it afterwards is what the same changes leave of one that
-- never was a source. Everything is rolled back in the end, so that the next change starts from the same.
CREATE FUNCTION changed(source regclass, change text) RETURNS TABLE (change_of_source text, difference text, what text, object text, rows bigint) LANGUAGE plpgsql AS $$
DECLARE
	found jsonb;
BEGIN
	change_of_source := change;
	BEGIN
		EXECUTE change;
		PERFORM remember('changed');
		SELECT jsonb_agg(s) INTO found FROM snapshot s WHERE s.state = 'changed';
		RAISE EXCEPTION USING ERRCODE = 'CSOK0';
	EXCEPTION WHEN SQLSTATE 'CSOK0' THEN NULL;
	END;
	INSERT INTO snapshot SELECT 'changed', s.what, s.line FROM jsonb_populate_recordset(NULL::snapshot, found) s;
	BEGIN
		PERFORM live(source);
		EXECUTE change;
		BEGIN
			PERFORM refresh_segment_table('segments');
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
		PERFORM drop_segment_table('segments');
		SELECT jsonb_agg(d) INTO found FROM differences('changed') d WHERE d.object !~ '^\(pg_toast';
		RAISE EXCEPTION USING ERRCODE = 'CSOK0';
	EXCEPTION WHEN SQLSTATE 'CSOK0' THEN NULL;
	END;
	DELETE FROM snapshot s WHERE s.state = 'changed';
	RETURN QUERY SELECT change, d.* FROM jsonb_to_recordset(found) AS d (difference text, what text, object text, rows bigint);
END $$;
SELECT remember('clean');
SELECT c.* FROM (VALUES
	('plain'::regclass, 'ALTER TABLE plain RENAME TO swapped'), ('plain', 'ALTER TABLE plain RENAME amount TO total'), ('plain', 'ALTER TABLE plain DROP amount CASCADE'),
	('plain', 'ALTER TABLE plain SET SCHEMA elsewhere'), ('plain', 'ALTER TABLE plain OWNER TO regress_cs_keeper'), ('plain', 'DROP TABLE plain CASCADE'),
	('plain', 'ALTER TABLE plain DISABLE TRIGGER ALL'), ('plain', 'TRUNCATE plain'),
	('plain', 'ALTER TABLE plain RENAME TO swapped; ALTER TABLE parent RENAME TO plain'), ('plain', 'ALTER TABLE plain DROP status'),
	('parted', 'ALTER TABLE parted DETACH PARTITION parted_a'), ('parted', 'ALTER TABLE parted DETACH PARTITION parted_b'), ('parted', 'ALTER TABLE parted_b DETACH PARTITION parted_b1'),
	('parted', 'ALTER TABLE parted ATTACH PARTITION parted_c FOR VALUES IN (''c'')'), ('parted', 'ALTER TABLE parted DETACH PARTITION parted_a; DELETE FROM parted_a; ALTER TABLE parted ATTACH PARTITION parted_a FOR VALUES IN (''z'')'),
	('parted', 'DROP TABLE parted_a'), ('parted', 'DROP TABLE parted CASCADE'), ('parted_b', 'ALTER TABLE parted DETACH PARTITION parted_b'),
	('parent', 'ALTER TABLE child NO INHERIT parent'), ('parent', 'DROP TABLE child'), ('viewed', 'DROP MATERIALIZED VIEW stored; DROP VIEW viewed')) v (source, change),
	LATERAL changed(source, change) c;
SELECT * FROM differences('clean');

-- creation that fails half-way, at each step that can fail: nothing
CREATE VIEW fails AS SELECT customer_id, ordered_at, amount / (amount - amount) AS amount FROM plain;
CREATE VIEW fails_late AS SELECT customer_id, ordered_at, amount * 10::numeric ^ 30 AS amount FROM plain;
CREATE TABLE taken_current ();
SELECT remember('clean');
DO $$
DECLARE
	call text;
BEGIN
	FOREACH call IN ARRAY ARRAY['''segments'', ''fails''', '''segments'', ''fails_late''', '''taken'', ''plain''', '''segments'', ''plain'', amount => ''none''', '''segments'', ''plain'', time_zone => ''nowhere''',
		'''segments'', ''plain'', refresh_every => ''-1 day''', '''customer_scoring.segments'', ''pg_class'''] LOOP
		BEGIN
			EXECUTE 'SELECT create_segment_table(' || call || ')';
			RAISE WARNING 'created: %', call;
		EXCEPTION WHEN OTHERS THEN NULL;
		END;
	END LOOP;
END $$;
SELECT * FROM differences('clean');
-- by an ordinary role that may do all but the last thing
GRANT SELECT ON plain TO regress_cs_keeper;
SELECT remember('clean');
SET ROLE regress_cs_keeper;
SELECT create_segment_table('segments', 'plain', segment_map => 'rf10');
SELECT drop_segment_table('segments');
RESET ROLE;
SELECT * FROM differences('clean');
-- cancelled
CREATE VIEW slow AS SELECT customer_id, ordered_at, amount FROM plain WHERE pg_sleep(20) IS NOT NULL;
SELECT remember('clean');
SET statement_timeout = '200ms';
SELECT create_segment_table('segments', 'slow');
RESET statement_timeout;
SELECT * FROM differences('clean');

-- taken away behind our back: the next creation tidies up
CREATE SCHEMA away;
GRANT ALL ON SCHEMA away TO regress_cs_keeper;
SELECT remember('clean');
SELECT live('plain'), live('parted', '', 'away.more'), live('texts', '', 'away.texts'), live('viewed', '', 'of_view');
DROP TABLE segments CASCADE;
DROP TABLE away.more, away.texts CASCADE;
DROP TABLE of_view CASCADE;
SELECT live_and_die('plain');
SELECT * FROM differences('clean');
-- ... as does writing and refreshing go on for the others meanwhile
SELECT live('plain', '', 'stays'), live('plain', '', 'goes');
DROP TABLE goes CASCADE;
INSERT INTO plain VALUES (1, '2024-01-02', 1, 'paid');
DELETE FROM plain WHERE amount = 1 AND ordered_at = '2024-01-02';
SELECT refresh_segment_table('stays') IS NOT NULL AS done;
SELECT count(*) FROM verify_segment_table('stays');
SELECT drop_segment_table('stays');
SELECT live_and_die('parted');
SELECT * FROM differences('clean');
-- ... by what its owner owns, and by the schema
SET ROLE regress_cs_keeper;
SELECT create_segment_table('segments', 'plain'), create_segment_table('away.segments', 'plain', refresh_every => '1 day');
RESET ROLE;
DROP OWNED BY regress_cs_keeper;
GRANT CREATE ON SCHEMA public TO regress_cs_keeper;
GRANT ALL ON SCHEMA away TO regress_cs_keeper;
GRANT SELECT ON plain TO regress_cs_keeper;
SELECT live_and_die('plain');
SELECT * FROM differences('clean');
SELECT live('plain', '', 'away.segments');
DROP SCHEMA away CASCADE;
CREATE SCHEMA away;
SELECT remember('none');
SELECT live_and_die('plain');
SELECT difference, what, object FROM differences('none') WHERE difference = 'left behind';
SELECT count(*) AS definitions FROM segment_table_definition;
SELECT count(*) AS states FROM customer_scoring_internal.segment_state;
SELECT count(*) AS runs FROM customer_scoring_internal.segment_run;

-- a role that owned one can be dropped afterwards, and so can the sources
SET ROLE regress_cs_keeper;
SELECT create_segment_table('segments', 'plain');
SELECT drop_segment_table('segments');
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM regress_cs_keeper;
REVOKE SELECT ON plain FROM regress_cs_keeper;
DROP ROLE regress_cs_keeper;
DROP SCHEMA away, elsewhere;
DROP VIEW slow, fails, fails_late, sources;
DROP MATERIALIZED VIEW stored;
DROP VIEW viewed;
DROP TABLE plain, texts, pairs, keyed, parted, parted_c, child, parent, unlogged, "Große ""Tafel""", taken_current, snapshot;
DROP TYPE pair;
DROP FUNCTION everything(), remember(text), differences(text), live(regclass, text, text, boolean), live_and_die(regclass, text, text), changed(regclass, text);
