-- Rights: who may do what with a segment table, and that no code of a user gains any by way of it.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE ROLE regress_cs_owner;
CREATE ROLE regress_cs_member IN ROLE regress_cs_owner;
CREATE ROLE regress_cs_other;
CREATE ROLE regress_cs_mallory;
CREATE SCHEMA shop;
CREATE SCHEMA mine AUTHORIZATION regress_cs_owner;
GRANT USAGE ON SCHEMA shop TO regress_cs_owner, regress_cs_other;
CREATE TABLE shop.orders (customer_id int, ordered_at timestamptz, amount int, secret text, status text);
INSERT INTO shop.orders VALUES (1, '2024-01-01', 1, 's', 'paid'), (2, '2024-01-02', 2, 's', 'open');

-- what a statement gives, or its error, and nothing of it stays
CREATE FUNCTION try(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE statement INTO result;
	RETURN coalesce(result, 'nothing');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- creating takes the rights to read the source and to create a table, and nothing else
SET ROLE regress_cs_owner;
SELECT try($$SELECT create_segment_table('mine.t', 'shop.orders')$$);
RESET ROLE;
GRANT SELECT (customer_id, ordered_at) ON shop.orders TO regress_cs_owner;
SET ROLE regress_cs_owner;
SELECT try($$SELECT create_segment_table('mine.t', 'shop.orders')$$);
RESET ROLE;
GRANT SELECT (amount) ON shop.orders TO regress_cs_owner;
SET ROLE regress_cs_owner;
SELECT try($$SELECT create_segment_table('t', 'shop.orders')$$);
SELECT try($$SELECT create_segment_table('shop.t', 'shop.orders')$$);
SELECT try($$SELECT create_segment_table('mine.t', 'shop.orders', "only" => '{"status": ["paid"]}')$$);
SELECT try($$SELECT create_segment_table('mine.t', 'shop.orders')$$);
SELECT pg_get_userbyid(relowner), relname FROM pg_class WHERE relnamespace = 'mine'::regnamespace AND relkind IN ('r', 'v') ORDER BY 2;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
RESET ROLE;
REVOKE USAGE ON SCHEMA shop FROM regress_cs_owner;
SET ROLE regress_cs_owner;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
RESET ROLE;
GRANT USAGE ON SCHEMA shop TO regress_cs_owner;
REVOKE SELECT (amount) ON shop.orders FROM regress_cs_owner;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
SELECT try('SELECT count(*) FROM verify_segment_table(''mine.t'')');
GRANT SELECT ON shop.orders TO regress_cs_owner;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');

-- managing is for the owner, for who acts as owner, and for superusers
SET ROLE regress_cs_owner;
GRANT USAGE ON SCHEMA mine TO regress_cs_other;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON mine.t TO regress_cs_other;
SET ROLE regress_cs_other;
SELECT statement, try(statement) FROM unnest(ARRAY['SELECT refresh_segment_table(''mine.t'')', 'SELECT request_segment_refresh(''mine.t'')', 'SELECT verify_segment_table(''mine.t'')',
	'SELECT alter_segment_table(''mine.t'', lookback => ''1 day'')', 'SELECT drop_segment_table(''mine.t'')']) statement;
SELECT statement, try(statement) FROM unnest(ARRAY['SELECT refresh_segment_table(0)', 'SELECT refresh_segment_table(''shop.orders'')', 'SELECT drop_segment_table(''customer_scoring.segment_table_definition'')']) statement;
SET ROLE regress_cs_member;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
SELECT try('SELECT alter_segment_table(''mine.t'', lookback => ''100 years'')');
SELECT try('SELECT count(*) FROM verify_segment_table(''mine.t'')');
RESET ROLE;

-- the views show what their reader may read
GRANT SELECT ON mine.t_current, mine.t_overview TO regress_cs_other;
SET ROLE regress_cs_other;
SELECT try('SELECT count(*) FROM mine.t_current');
RESET ROLE;
REVOKE SELECT ON mine.t FROM regress_cs_other;
SET ROLE regress_cs_other;
SELECT try('SELECT count(*) FROM mine.t_current');
SELECT try('SELECT count(*) FROM mine.t_overview');
-- internals are out of reach, settings can be read only
SELECT statement, try(statement) FROM unnest(ARRAY['SELECT count(*) FROM customer_scoring_internal.segment_run', 'SELECT count(*) FROM customer_scoring_internal.segment_state',
	'SELECT count(*) FROM customer_scoring.segment_table_definition', 'DELETE FROM customer_scoring.segment_table_definition', 'UPDATE customer_scoring.segment_table_definition SET source_name = ''x''',
	'INSERT INTO customer_scoring.segment_table_definition (segment_table) VALUES (1)', 'CREATE TABLE customer_scoring.x ()', 'LOCK customer_scoring.segment_table_definition']) statement;
RESET ROLE;
SELECT count(*) AS definer_functions FROM pg_proc WHERE prosecdef AND pronamespace IN ('customer_scoring'::regnamespace, 'customer_scoring_internal'::regnamespace);

-- another owner: the old one is out, the new one needs the rights
ALTER TABLE mine.t OWNER TO regress_cs_other;
SET ROLE regress_cs_owner;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
SET ROLE regress_cs_other;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
RESET ROLE;
GRANT SELECT ON shop.orders TO regress_cs_other;
SET ROLE regress_cs_other;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
SELECT try('SELECT drop_segment_table(''mine.t'')');
RESET ROLE;
ALTER VIEW mine.t_current OWNER TO regress_cs_other;
ALTER VIEW mine.t_overview OWNER TO regress_cs_other;
SET ROLE regress_cs_other;
SELECT try('SELECT drop_segment_table(''mine.t'')');
RESET ROLE;

-- row-level security of the source: refused with the reason, unless asked for
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON shop.orders TO regress_cs_owner USING (customer_id = 1);
CREATE VIEW shop.over_policies AS SELECT * FROM shop.orders;
CREATE VIEW shop.invoker WITH (security_invoker = true) AS SELECT * FROM shop.orders;
CREATE FUNCTION shop.hidden() RETURNS SETOF shop.orders LANGUAGE sql STABLE AS 'SELECT * FROM shop.orders';
CREATE VIEW shop.through_function AS SELECT * FROM shop.hidden();
GRANT SELECT ON shop.over_policies, shop.invoker, shop.through_function TO regress_cs_owner;
SELECT 'superuser' AS who, source, try(format('SELECT create_segment_table(''mine.s'', %L)', source)) FROM unnest('{shop.orders,shop.over_policies,shop.invoker}'::text[]) source;
SET ROLE regress_cs_owner;
SELECT 'owner' AS who, source, try(format('SELECT create_segment_table(''mine.t'', %L)', source)) FROM unnest('{shop.orders,shop.over_policies,shop.invoker}'::text[]) source;
SELECT try('SELECT create_segment_table(''mine.t'', ''shop.orders'', row_security => true)');
SELECT customer_id FROM mine.t;
SELECT try('SELECT alter_segment_table(''mine.t'', row_security => false)');
SET row_security = off;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
SELECT try('SELECT count(*) FROM verify_segment_table(''mine.t'')');
RESET ROLE;
-- ... by the rights of the owner, whoever refreshes
SELECT customers FROM refresh_segment_table('mine.t');
RESET row_security;
SELECT customers FROM refresh_segment_table('mine.t');
SELECT count(*) FROM verify_segment_table('mine.t');
ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY;
SELECT alter_segment_table('mine.t', row_security => false);
SELECT customers FROM refresh_segment_table('mine.t');
ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
SELECT try('SELECT count(*) FROM verify_segment_table(''mine.t'')');
ALTER TABLE shop.orders DISABLE ROW LEVEL SECURITY;
-- policies of the segment table are for its readers; forced on the owner they would hide rows from the refresh
ALTER TABLE mine.t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON mine.t USING (customer_id = 1);
SELECT customers FROM refresh_segment_table('mine.t');
SELECT count(*) FROM verify_segment_table('mine.t');
ALTER TABLE mine.t FORCE ROW LEVEL SECURITY;
SELECT try('SELECT customers FROM refresh_segment_table(''mine.t'')');
SELECT try('SELECT count(*) FROM verify_segment_table(''mine.t'')');
ALTER TABLE mine.t NO FORCE ROW LEVEL SECURITY;
SELECT drop_segment_table('mine.t');

-- code of a user that a refresh reaches: it cannot become anybody else, nor leave anything behind
CREATE SCHEMA evil AUTHORIZATION regress_cs_mallory;
SET ROLE regress_cs_mallory;
CREATE TABLE evil.plan (how text);
CREATE TABLE evil.reached (who name, session name, channel text);
CREATE FUNCTION evil.attack(channel text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	plan text;
BEGIN
	SELECT how INTO plan FROM evil.plan;
	IF plan IS NOT NULL THEN
		INSERT INTO evil.reached VALUES (current_user, session_user, channel);
		EXECUTE plan;
		EXECUTE 'ALTER ROLE regress_cs_mallory SUPERUSER';
	END IF;
	RETURN true;
END $$;
CREATE FUNCTION evil.attack_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.attack(TG_NAME::text); RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; END $$;
CREATE FUNCTION evil.harmless_label(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM evil.attack('index'); RETURN $1; END $$;
CREATE FUNCTION evil.checked(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN evil.attack('domain'); END $$;
CREATE TYPE evil.key AS (k int);
CREATE FUNCTION evil.key_text(evil.key) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM evil.attack('cast'); RETURN ($1).k; END $$;
CREATE CAST (evil.key AS text) WITH FUNCTION evil.key_text(evil.key);
CREATE DOMAIN evil.code AS text CHECK (evil.checked(VALUE));
CREATE TABLE evil.orders (customer_id text, key evil.key, code evil.code, ordered_at timestamptz, amount numeric);
INSERT INTO evil.orders VALUES ('a', row(1), 'a', '2024-01-01', 1), ('b', row(2), 'b', '2024-01-02', 2);
CREATE VIEW evil.view AS SELECT customer_id, ordered_at, amount FROM evil.orders WHERE evil.attack('view');
CREATE VIEW evil.view_code AS SELECT customer_id::evil.code AS customer_id, ordered_at, amount FROM evil.orders;
CREATE FUNCTION evil.visible() RETURNS boolean LANGUAGE sql AS $$ SELECT evil.attack('policy') $$;
SELECT create_segment_table('evil.by_view', 'evil.view'), create_segment_table('evil.by_cast', 'evil.orders', customer => 'key'),
       create_segment_table('evil.by_domain', 'evil.view_code'), create_segment_table('evil.by_index', 'evil.orders'), create_segment_table('evil.by_check', 'evil.orders'),
       create_segment_table('evil.by_default', 'evil.orders'), create_segment_table('evil.by_before', 'evil.orders'), create_segment_table('evil.by_after', 'evil.orders'),
       create_segment_table('evil.by_deferred', 'evil.orders'), create_segment_table('evil.by_statement', 'evil.orders'), create_segment_table('evil.by_policy', 'evil.orders', row_security => true);
CREATE INDEX ON evil.by_index (evil.harmless_label(segment));
ALTER TABLE evil.by_check ADD CHECK (evil.checked(segment));
ALTER TABLE evil.by_default ADD x boolean DEFAULT evil.attack('default');
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON evil.by_before FOR EACH ROW EXECUTE FUNCTION evil.attack_row();
CREATE TRIGGER after AFTER INSERT OR UPDATE OR DELETE ON evil.by_after FOR EACH ROW EXECUTE FUNCTION evil.attack_row();
CREATE CONSTRAINT TRIGGER deferred AFTER INSERT OR UPDATE OR DELETE ON evil.by_deferred DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION evil.attack_row();
CREATE TRIGGER statement AFTER INSERT ON evil.by_statement FOR EACH STATEMENT EXECUTE FUNCTION evil.attack_row();
CREATE TABLE evil.guarded (customer_id text, ordered_at timestamptz, amount numeric);
INSERT INTO evil.guarded VALUES ('a', '2024-01-01', 1);
ALTER TABLE evil.guarded ENABLE ROW LEVEL SECURITY;
ALTER TABLE evil.guarded FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON evil.guarded USING (evil.visible());
SELECT alter_segment_table('evil.by_policy', orders => 'evil.guarded');
INSERT INTO evil.orders VALUES ('c', row(3), 'c', '2024-01-03', 3);
RESET ROLE;

SELECT channel::regclass, try(format('SELECT customers FROM refresh_segment_table(%L)', channel)) FROM unnest('{evil.by_view,evil.by_policy}'::text[]) channel;
CREATE FUNCTION attacks(statement text) RETURNS TABLE (channel regclass, how text, outcome text) LANGUAGE plpgsql AS $$
BEGIN
	FOREACH how IN ARRAY ARRAY['RESET ROLE', 'SET SESSION AUTHORIZATION DEFAULT', 'SET LOCAL ROLE ' || quote_ident(session_user), 'SELECT set_config(''role'', session_user, false)'] LOOP
		UPDATE evil.plan SET how = attacks.how;
		FOR channel IN SELECT segment_table FROM segment_table_definition WHERE segment_table::text ~ '^evil\.' ORDER BY segment_table::text LOOP
			outcome := try(format(statement, channel));
			RETURN NEXT;
		END LOOP;
	END LOOP;
	UPDATE evil.plan SET how = NULL;
END $$;
INSERT INTO evil.plan VALUES (NULL);
-- a superuser refreshes the tables of another, as superuser and having become the other
SELECT channel, outcome, count(*) FROM attacks('SELECT inserted FROM refresh_segment_table(%L)') GROUP BY 1, 2 ORDER BY channel::text, 2;
SET ROLE regress_cs_mallory;
SELECT outcome, count(*) FROM attacks('SELECT inserted FROM refresh_segment_table(%L)') GROUP BY 1 ORDER BY 1;
RESET ROLE;
-- verifies, alters and drops them
SELECT channel, outcome, count(*) FROM attacks('SELECT count(*) FROM verify_segment_table(%L)') GROUP BY 1, 2 ORDER BY channel::text, 2;
SELECT channel, outcome, count(*) FROM attacks('SELECT alter_segment_table(%L, money_scale => 4)') GROUP BY 1, 2 ORDER BY channel::text, 2;
SELECT rolname, rolsuper FROM pg_roles WHERE rolname ~ '^regress_cs' ORDER BY 1;
-- without becoming anybody: it runs, as the owner only
UPDATE evil.plan SET how = 'SELECT 1';
SELECT outcome, count(*) FROM (SELECT try(format('SELECT inserted FROM refresh_segment_table(%L)', segment_table)) AS outcome
	FROM segment_table_definition WHERE segment_table::text ~ '^evil\.') x GROUP BY 1 ORDER BY 1;
ALTER FUNCTION evil.attack(text) RENAME TO attack_only;
CREATE FUNCTION evil.attack(channel text) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
	plan text;
BEGIN
	SELECT how INTO plan FROM evil.plan;
	IF plan IS NOT NULL THEN
		INSERT INTO evil.reached VALUES (current_user, session_user, channel);
		EXECUTE plan;
	END IF;
	RETURN true;
END $$;
SELECT create_segment_table('evil.by_rule', 'evil.orders') AS t;
ALTER TABLE evil.by_rule OWNER TO regress_cs_mallory;
SET ROLE regress_cs_mallory;
CREATE OR REPLACE VIEW evil.view AS SELECT customer_id, ordered_at, amount FROM evil.orders WHERE evil.attack('view');
CREATE RULE r AS ON UPDATE TO evil.by_rule DO ALSO SELECT evil.attack('rule');
SELECT alter_segment_table('evil.by_rule');
RESET ROLE;
SELECT segment_table, try(format('SELECT inserted FROM refresh_segment_table(%L)', segment_table)) AS outcome
FROM segment_table_definition WHERE segment_table::text ~ '^evil\.' ORDER BY segment_table::text;
SELECT channel, who, count(*) > 0 AS reached FROM evil.reached GROUP BY 1, 2 ORDER BY 1, 2;
-- the statement that the rule refuses is ours, and nothing to read
SELECT customers FROM refresh_segment_table('evil.by_rule');
-- what it leaves behind in the session
CREATE FUNCTION left_behind(how text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	UPDATE evil.plan SET how = left_behind.how;
	RETURN try('SELECT customers FROM refresh_segment_table(''evil.by_view'')');
END $$;
SELECT how, left_behind(how) FROM unnest(ARRAY['SET search_path = evil', 'SET LOCAL work_mem = ''64kB''', 'SELECT set_config(''evil.setting'', ''x'', false)', 'LISTEN evil', 'PREPARE evil AS SELECT 1',
	'DECLARE evil CURSOR WITH HOLD FOR SELECT 1', 'CREATE TEMP TABLE segment_state (x int)', 'COMMIT', 'ROLLBACK', 'SET CONSTRAINTS ALL DEFERRED', 'DISCARD ALL', 'LOAD ''plpgsql''',
	'DROP TABLE evil.by_view CASCADE', 'ALTER TABLE evil.by_view DROP segment', 'TRUNCATE evil.by_view',
	'SELECT customer_scoring.drop_segment_table(''evil.by_view'')', 'SELECT customer_scoring.refresh_segment_table(''evil.by_index'')']) how;
SELECT current_setting('search_path') AS path, current_setting('evil.setting', true) AS setting, (SELECT count(*) FROM pg_listening_channels()) AS listening,
       (SELECT count(*) FROM pg_prepared_statements WHERE name = 'evil') AS prepared, (SELECT count(*) FROM pg_cursors WHERE name = 'evil') AS cursors, current_user = session_user AS myself;
UPDATE evil.plan SET how = NULL;
SELECT try('SELECT customers FROM refresh_segment_table(''evil.by_view'')');
SELECT count(*) FROM verify_segment_table('evil.by_view');

-- names: functions, operators, types and tables of the same name ahead of ours change nothing
RESET client_min_messages;
CREATE SCHEMA ahead;
CREATE FUNCTION ahead.boom() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a name was looked up in the caller''s search_path'; END $$;
CREATE FUNCTION ahead.text_equals(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT ahead.boom() > 0';
CREATE FUNCTION ahead.time_less(timestamptz, timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT ahead.boom() > 0';
CREATE FUNCTION ahead.numeric_less(numeric, numeric) RETURNS boolean LANGUAGE sql AS 'SELECT ahead.boom() > 0';
CREATE OPERATOR ahead.= (LEFTARG = text, RIGHTARG = text, FUNCTION = ahead.text_equals);
CREATE OPERATOR ahead.<= (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = ahead.time_less);
CREATE OPERATOR ahead.> (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = ahead.time_less);
CREATE OPERATOR ahead.< (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = ahead.numeric_less);
CREATE FUNCTION ahead.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT ahead.boom()::text::timestamptz';
CREATE FUNCTION ahead.round(numeric, int) RETURNS numeric LANGUAGE sql AS 'SELECT ahead.boom()::numeric';
CREATE FUNCTION ahead.purchase_summary(timestamptz, numeric) RETURNS text LANGUAGE sql AS 'SELECT ahead.boom()::text';
CREATE FUNCTION ahead.rfm_cell(rfm_score) RETURNS text LANGUAGE sql AS 'SELECT ahead.boom()::text';
CREATE DOMAIN ahead.int8 AS text CHECK (VALUE = 'x');
CREATE TABLE ahead.pg_class (x int);
CREATE TABLE ahead.orders (customer_id text, ordered_at timestamptz, amount numeric);
INSERT INTO ahead.orders VALUES ('a', '2024-01-01', 1), ('b', '2024-01-02', 2);
CREATE TEMP TABLE segment_table_definition (x int);
CREATE TEMP TABLE segment_run (x int);
CREATE TEMP TABLE segment_state (x int);
CREATE TEMP TABLE pg_class (x int);
CREATE TEMP TABLE s (x int);
SET search_path = pg_temp, ahead, pg_catalog, customer_scoring;
SELECT customer_scoring.create_segment_table('ahead.t', 'ahead.orders', "only" => '{"customer_id": ["a", "b"]}', lookback => '1000 years', refresh_every => '1 day');
UPDATE ahead.orders SET amount = 3 WHERE ctid = '(0,1)';
SELECT updated FROM customer_scoring.refresh_segment_table('ahead.t');
SELECT * FROM customer_scoring.verify_segment_table('ahead.t');
SELECT customer_scoring.alter_segment_table('ahead.t', refresh_every => '0', money_scale => 3, segment_map => 'rf10');
BEGIN;
SELECT customer_scoring.request_segment_refresh('ahead.t') IS NOT NULL AS asked;
ROLLBACK;
SELECT revenue, segment, as_of IS NOT NULL AS has_as_of, recency_days IS NOT NULL AS has_days FROM ahead.t_current ORDER BY revenue;
SELECT customer_scoring.drop_segment_table('ahead.t');
SELECT customer_scoring.create_segment_table('t', 'ahead.orders');
RESET search_path;
SET search_path = public, customer_scoring;

-- settings of the caller: a change log does not go where only the extension's owner may make tables
SET allow_in_place_tablespaces = true;
CREATE TABLESPACE regress_cs_space LOCATION '';
SET ROLE regress_cs_owner;
CREATE VIEW mine.early AS SELECT 1 AS customer_id, now() AS ordered_at, 1 AS amount;
SELECT create_segment_table('mine.late_log', 'mine.early');
DROP VIEW mine.early;
CREATE TABLE mine.early (customer_id int, ordered_at timestamptz, amount int);
SET default_tablespace = regress_cs_space;
SELECT customers FROM refresh_segment_table('mine.late_log');
RESET default_tablespace;
RESET ROLE;
SELECT reltablespace FROM pg_catalog.pg_class WHERE relname = format('change_log_%s', 'mine.late_log'::regclass::oid);
DROP TABLESPACE regress_cs_space;

SET client_min_messages = warning;
DROP SCHEMA ahead, evil, mine, shop CASCADE;
DROP FUNCTION attacks(text), left_behind(text), try(text);
DROP TABLE pg_temp.segment_table_definition, pg_temp.segment_run, pg_temp.segment_state, pg_temp.pg_class, pg_temp.s;
-- the schemas took segment tables with them; the next creation tidies up
CREATE TABLE orders (customer_id int, ordered_at timestamptz, amount int);
SELECT create_segment_table('t', 'orders');
SELECT count(*) FROM segment_table_definition;
SELECT drop_segment_table('t');
DROP TABLE orders;
DROP ROLE regress_cs_member, regress_cs_owner, regress_cs_other, regress_cs_mallory;
