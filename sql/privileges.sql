-- Who may do what: every function, table, view, sequence and type of the extension, and every relation of a
-- segment table, for every kind of role. An object or a right that is new shows up as a line.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = error;

-- owner: of the segment tables · member: of the owner's role · reader: granted SELECT on a segment table and its views
-- views: granted SELECT on the views alone · limited: as reader, under a policy of the segment table
-- supplier: owns the orders, not the segment table · writer: writes orders and has no other right · nobody: no grant at all
CREATE ROLE regress_cs_owner;
CREATE ROLE regress_cs_member IN ROLE regress_cs_owner;
CREATE ROLE regress_cs_reader;
CREATE ROLE regress_cs_views;
CREATE ROLE regress_cs_limited;
CREATE ROLE regress_cs_supplier;
CREATE ROLE regress_cs_writer;
CREATE ROLE regress_cs_nobody;
CREATE TABLE roles (position int PRIMARY KEY, name name);
INSERT INTO roles SELECT n, 'regress_cs_' || r
FROM unnest('{owner,member,reader,views,limited,supplier,writer,nobody}'::text[]) WITH ORDINALITY AS u (r, n);

CREATE SCHEMA room;
GRANT USAGE ON SCHEMA room TO PUBLIC;
GRANT CREATE ON SCHEMA room TO regress_cs_owner, regress_cs_reader, regress_cs_supplier, regress_cs_nobody;
-- one source of an ordinary owner, one of a superuser
CREATE TABLE room.orders (customer_id int, ordered_at timestamptz, amount numeric(12,2));
INSERT INTO room.orders SELECT i, '2024-01-01'::timestamptz + i * interval '1 day', i FROM generate_series(1, 5) i;
CREATE TABLE room.admin_orders AS SELECT * FROM room.orders;
ALTER TABLE room.orders OWNER TO regress_cs_supplier;
GRANT SELECT ON room.orders, room.admin_orders TO regress_cs_owner;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON room.orders, room.admin_orders TO regress_cs_writer;
SET ROLE regress_cs_owner;
SELECT create_segment_table('room.segments', 'room.orders');
SELECT create_segment_table('room.admin_segments', 'room.admin_orders');
GRANT SELECT ON room.segments, room.segments_current, room.segments_overview TO regress_cs_reader, regress_cs_limited;
GRANT SELECT ON room.segments_current, room.segments_overview TO regress_cs_views;
ALTER TABLE room.segments ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON room.segments TO regress_cs_reader USING (true);
CREATE POLICY two ON room.segments TO regress_cs_limited USING (customer_id <= 2);
SET ROLE regress_cs_supplier;
SELECT create_segment_table('room.supplier_segments', 'room.orders');
RESET ROLE;

-- Members of the extension, and what is in its schemas; the parts of an object that share its rights are left out.
-- Names of objects made at run time have the number of a relation in them.
CREATE VIEW objects AS
SELECT o.*, regexp_replace(concat_ws('.', CASE WHEN o.kind <> 'schema' THEN o.namespace::regnamespace END, o.bare), '_\d+\M', '_<oid>', 'g') AS name,
       EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
               WHERE e.extname = 'customer_scoring' AND d.classid = o.class AND d.objid = o.oid AND d.deptype = 'e') AS member
FROM (SELECT 'function' AS kind, 'pg_proc'::regclass AS class, oid, format('%s(%s)', proname, oidvectortypes(proargtypes)) AS bare, pronamespace AS namespace, proowner AS owner, proacl AS acl, 'f'::"char" AS acl_kind FROM pg_proc
      UNION ALL
      SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'S' THEN 'sequence' ELSE 'table' END, 'pg_class'::regclass, oid, relname, relnamespace, relowner, relacl,
             CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" FROM pg_class WHERE relkind IN ('r', 'v', 'm', 'f', 'p', 'S')
      UNION ALL
      SELECT 'type', 'pg_type'::regclass, t.oid, typname, typnamespace, typowner, typacl, 'T'::"char" FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
      WHERE coalesce(c.relkind, 'c') = 'c' AND NOT (t.typelem <> 0 AND t.typlen = -1)
      UNION ALL
      SELECT 'schema', 'pg_namespace'::regclass, oid, nspname, oid, nspowner, nspacl, 'n'::"char" FROM pg_namespace) o;
CREATE VIEW own_objects AS
SELECT * FROM objects WHERE member OR namespace IN ('customer_scoring'::regnamespace, 'customer_scoring_internal'::regnamespace);
CREATE VIEW own_functions AS SELECT p.*, o.name FROM own_objects o JOIN pg_proc p ON p.oid = o.oid WHERE o.kind = 'function';

-- The rights of a role on an object, one letter each as in an ACL, '-' for none. MAINTAIN, which servers before 17
-- do not know, is left out where it comes with TRUNCATE.
CREATE FUNCTION rights(who name, kind text, object oid, acl_kind "char") RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	letters CONSTANT jsonb := '{"SELECT": "r", "INSERT": "a", "UPDATE": "w", "DELETE": "d", "TRUNCATE": "D", "REFERENCES": "x", "TRIGGER": "t",
		"MAINTAIN": "m", "EXECUTE": "X", "USAGE": "U", "CREATE": "C"}';
	result text := '';
	has boolean;
	p text;
BEGIN
	FOR p IN SELECT DISTINCT privilege_type FROM aclexplode(acldefault(acl_kind, 10)) ORDER BY 1 LOOP
		EXECUTE format('SELECT has_%s_privilege($1, $2, $3)', CASE WHEN kind = 'view' THEN 'table' ELSE kind END) INTO has USING who, object, p;
		IF has AND NOT (p = 'MAINTAIN' AND has_table_privilege(who, object, 'TRUNCATE')) THEN
			result := result || (letters ->> p);
		-- some columns only
		ELSIF acl_kind = 'r' AND p IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') AND has_any_column_privilege(who, object, p) THEN
			result := result || '(' || (letters ->> p) || ')';
		END IF;
	END LOOP;
	RETURN CASE WHEN result = '' THEN '-' ELSE result END;
END $$;

\pset format unaligned
-- every object of the extension: rights, in the order of the roles above
SELECT o.kind, o.name, (SELECT string_agg(rights(r.name, o.kind, o.oid, o.acl_kind), ' ' ORDER BY r.position) FROM roles r) AS rights
FROM own_objects o WHERE o.kind <> 'function' ORDER BY o.kind COLLATE "C", o.name COLLATE "C";
-- every function: rights, and what it is: kind, language, volatility, parallel safety, strict, leakproof, rights it runs with, settings
SELECT name, (SELECT string_agg(rights(r.name, 'function', f.oid, 'f'), ' ' ORDER BY r.position) FROM roles r) AS rights, CASE prokind WHEN 'a' THEN 'aggregate' WHEN 'w' THEN 'window' ELSE 'function' END AS kind, (SELECT lanname FROM pg_language l WHERE l.oid = prolang) AS language,
       CASE provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
       CASE proparallel WHEN 's' THEN 'safe' WHEN 'r' THEN 'restricted' ELSE 'unsafe' END AS parallel,
       concat_ws(' ', CASE WHEN proisstrict THEN 'strict' END, CASE WHEN proleakproof THEN 'leakproof' END, CASE WHEN prosecdef THEN 'definer' END, proconfig::text) AS more
FROM own_functions f ORDER BY name COLLATE "C";
-- the relations of a segment table and its source
SELECT o.kind, o.name, (SELECT string_agg(rights(r.name, o.kind, o.oid, o.acl_kind), ' ' ORDER BY r.position) FROM roles r) AS rights
FROM objects o WHERE o.namespace = 'room'::regnamespace AND o.kind IN ('table', 'view') ORDER BY o.kind COLLATE "C", o.name COLLATE "C";
\pset format aligned

-- rules behind these lists: all that is in our schemas is ours and the other way round, and belongs to the extension's owner
SELECT kind, name, member FROM own_objects WHERE NOT member AND NOT (kind = 'sequence' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = own_objects.oid AND d.deptype = 'i'))
   OR namespace NOT IN ('customer_scoring'::regnamespace, 'customer_scoring_internal'::regnamespace);
SELECT kind, name FROM own_objects WHERE owner <> (SELECT extowner FROM pg_extension WHERE extname = 'customer_scoring');
SELECT pg_describe_object(d.classid, d.objid, d.objsubid) AS of_another_kind FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'customer_scoring' AND d.deptype = 'e' AND NOT EXISTS (SELECT FROM own_objects o WHERE o.class = d.classid AND o.oid = d.objid)
  AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE t.oid = d.objid AND (t.typelem <> 0 OR c.relkind <> 'c')));
-- a view of a segment table has the rights of its reader
SELECT c.oid::regclass FROM pg_class c WHERE relnamespace = 'room'::regnamespace AND relkind = 'v' AND NOT 'security_invoker=true' = ANY (reloptions);
-- no function runs with another's rights; none may be leakproof, which only built-in code can promise
SELECT count(*) FILTER (WHERE prosecdef) AS definer, count(*) FILTER (WHERE proleakproof) AS leakproof FROM own_functions;
-- what writes is parallel unsafe; what is immutable is safe; an aggregate is labelled as its parts allow
SELECT name FROM own_functions WHERE (provolatile = 'v' AND proparallel <> 'u') OR (provolatile = 'i' AND proparallel <> 's');
SELECT f.name, p.oid::regproc AS part
FROM own_functions f JOIN pg_aggregate a ON a.aggfnoid = f.oid
JOIN pg_proc p ON p.oid IN (a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn, a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn)
WHERE p.proparallel <> f.proparallel OR p.provolatile <> f.provolatile;
-- nothing is granted in the internal schema but the EXECUTE that every function has from the start
SELECT name, rights('regress_cs_nobody', kind, oid, acl_kind) FROM own_objects
WHERE namespace = 'customer_scoring_internal'::regnamespace AND kind NOT IN ('function', 'type') AND rights('regress_cs_nobody', kind, oid, acl_kind) <> '-';
SELECT o.name, a.* FROM own_objects o, aclexplode(o.acl) a
WHERE o.namespace = 'customer_scoring_internal'::regnamespace AND a.grantee <> o.owner AND o.kind NOT IN ('function', 'type');
SELECT o.name, a.grantee::regrole, a.privilege_type FROM own_objects o, aclexplode(o.acl) a WHERE a.grantee NOT IN (0, o.owner) OR a.is_grantable AND a.grantee <> o.owner ORDER BY o.name, 2, 3;
SELECT * FROM pg_default_acl WHERE defaclnamespace IN ('customer_scoring'::regnamespace, 'customer_scoring_internal'::regnamespace);

-- A statement as a role: OK or the SQLSTATE, and a value if one is asked for. Nothing of it stays.
CREATE FUNCTION try_as(who name, statement text, give_value boolean DEFAULT false) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', who);
	IF statement ~* '^select' THEN
		EXECUTE statement INTO result;
	ELSE
		EXECUTE statement;
	END IF;
	SET CONSTRAINTS ALL IMMEDIATE;
	RAISE EXCEPTION USING ERRCODE = 'CSOK0', MESSAGE = coalesce(result, 'NULL');
EXCEPTION WHEN OTHERS THEN
	RETURN CASE WHEN SQLSTATE <> 'CSOK0' THEN SQLSTATE WHEN give_value THEN SQLERRM ELSE 'OK' END;
END $$;
GRANT EXECUTE ON FUNCTION try_as(name, text, boolean) TO PUBLIC;
CREATE FUNCTION everybody(statement text, give_value boolean DEFAULT false) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(try_as(name, statement, give_value), ' ' ORDER BY position) FROM roles
$$;

-- management functions: of a source of an ordinary owner, of one of a superuser, and those of the supplier
CREATE TABLE calls (function text, call text);
INSERT INTO calls VALUES
	('create_segment_table', 'create_segment_table(''room.another'', ''room.orders'')'),
	('create_segment_table', 'create_segment_table(''room.another'', ''room.admin_orders'', with_data => false)'),
	('create_segment_table', 'create_segment_table(''customer_scoring.another'', ''room.orders'')'),
	('refresh_segment_table', 'refresh_segment_table(%L)'),
	('request_segment_refresh', 'request_segment_refresh(%L)'),
	('verify_segment_table', '(SELECT count(*) FROM verify_segment_table(%L))'),
	('data_quality', '(SELECT count(*) FROM data_quality(%L))'),
	('segment_table_drift', '(SELECT count(*) FROM segment_table_drift(%L))'),
	('alter_segment_table', 'alter_segment_table(%L, refresh_every => ''1 day'')'),
	('alter_segment_table', 'alter_segment_table(%L, orders => ''room.admin_orders'')'),
	('add_segment_source', 'add_segment_source(%L, ''customers'', ''room.orders'')'),
	('drop_segment_source', 'drop_segment_source(%L, ''customers'')'),
	('drop_segment_table', 'drop_segment_table(%L)'),
	('check_account_rules', 'check_account_rules(''room'', ''{}'')'),
	('explain_account_rules', '(SELECT count(*) FROM explain_account_rules(''room'', ''{}''))'),
	('rule_violations', '(SELECT count(*) FROM rule_violations(''room''))'),
	('assess_key_accounts', 'assess_key_accounts(''room.segments'')'),
	('assign_account_manager', 'assign_account_manager(''1'', ''Ani'')'),
	('earn_points', 'earn_points(''room'', ''1'', 5)'),
	('readmit_customer', 'readmit_customer(''1'')'),
	('erase_customer', 'erase_customer(''1'')'),
	('export_customer', 'export_customer(''1'')'),
	('apply_retention', 'apply_retention()'),
	('redeem_points', 'redeem_points(''room'', ''1'', 1)'),
	('donate_points', 'donate_points(''room'', ''1'', 1, ''x'')'),
	('reverse_points', 'reverse_points(-1)'),
	('expire_points', 'expire_points(''room'')'),
	('reopen_feedback', 'reopen_feedback(-1)');
INSERT INTO customer_scoring.account_rule_set (name, target) VALUES ('room', 'room.orders');
INSERT INTO customer_scoring.points_programme (name) VALUES ('room');
-- each volatile function of the product has a call here
SELECT name AS without_a_call FROM own_functions f
WHERE provolatile = 'v' AND prorettype <> 'trigger'::regtype AND f.name ~ '^customer_scoring\.'
  AND NOT EXISTS (SELECT FROM calls c WHERE f.name ~ ('^customer_scoring\.' || c.function || '\('));
\pset format unaligned
SELECT format(call, t) AS call, everybody('SELECT ' || format(call, t))
FROM calls LEFT JOIN (VALUES (1, 'room.segments'), (2, 'room.admin_segments'), (3, 'room.supplier_segments')) v (n, t) ON call ~ '%L' ORDER BY calls.ctid, n;
-- the same when the owner has lost the right to read the source
BEGIN;
REVOKE SELECT ON room.orders, room.admin_orders FROM regress_cs_owner;
SELECT format(call, t) AS call, everybody('SELECT ' || format(call, t))
FROM calls LEFT JOIN (VALUES (1, 'room.segments'), (2, 'room.admin_segments')) v (n, t) ON call ~ '%L' ORDER BY calls.ctid, n;
ROLLBACK;
-- by an argument that is no segment table
SELECT format(call, t) AS call, everybody('SELECT ' || format(call, t))
FROM calls, unnest(ARRAY['0', 'room.orders', 'pg_class', 'customer_scoring_internal.segment_run']) t WHERE call ~ '%L' AND call !~ 'admin' ORDER BY t, calls.ctid;

-- reading: how many rows each role sees, or why not
SELECT what, everybody('SELECT ' || what, true) FROM unnest(ARRAY[
	'count(*) FROM room.segments', 'count(*) FROM room.segments_current', 'sum(customers) FROM room.segments_overview', 'max(revenue) FROM room.segments_overview',
	'max(customer_id) FROM room.segments_current', 'count(as_of) FROM room.segments_current',
	'count(*) FROM room.admin_segments', 'count(*) FROM room.admin_segments_current', 'count(*) FROM room.supplier_segments', 'count(*) FROM room.supplier_segments_overview',
	'count(*) FROM room.orders', 'count(*) FROM room.admin_orders']) what;
-- ... with some columns granted only
GRANT SELECT (customer_id, segment) ON room.segments, room.segments_current TO regress_cs_nobody;
CREATE POLICY few ON room.segments TO regress_cs_nobody USING (customer_id = 1);
SELECT what, try_as('regress_cs_nobody', 'SELECT ' || what, true) FROM unnest(ARRAY[
	'count(customer_id) FROM room.segments', 'count(revenue) FROM room.segments', 'count(segment) FROM room.segments_current', 'count(revenue) FROM room.segments_current']) what;
DROP POLICY few ON room.segments;
REVOKE SELECT (customer_id, segment) ON room.segments, room.segments_current FROM regress_cs_nobody;

-- writing and changing
SELECT what, everybody(what) FROM unnest(ARRAY[
	'UPDATE room.segments SET segment = ''x'' WHERE customer_id = 1', 'DELETE FROM room.segments WHERE customer_id = 1', 'TRUNCATE room.segments',
	'INSERT INTO room.segments (customer_id, orders, refunds, revenue, segment, segment_rank, computed_at, run_id) VALUES (99, 1, 0, 1, ''x'', 1, now(), 0)',
	'ALTER TABLE room.segments ADD mine int', 'DROP TABLE room.segments CASCADE', 'DROP VIEW room.segments_current', 'ALTER VIEW room.segments_current SET (security_invoker = false)',
	'CREATE TRIGGER mine AFTER INSERT ON room.segments EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'CREATE POLICY mine ON room.segments',
	'LOCK room.segments IN ACCESS SHARE MODE', 'CREATE TABLE room.heir () INHERITS (room.segments)']) what;
-- writing orders takes rights on the orders and none of ours
SELECT what, everybody(what) FROM unnest(ARRAY[
	'INSERT INTO room.orders VALUES (6, ''2024-02-01'', 6)', 'UPDATE room.orders SET amount = 7', 'UPDATE room.orders SET customer_id = customer_id + 1', 'DELETE FROM room.orders', 'TRUNCATE room.orders',
	'INSERT INTO room.admin_orders VALUES (6, ''2024-02-01'', 6)', 'UPDATE room.admin_orders SET amount = 7', 'DELETE FROM room.admin_orders', 'TRUNCATE room.admin_orders',
	'ALTER TABLE room.orders ADD mine int', 'DROP TABLE room.orders CASCADE']) what;

-- the extension itself
SELECT what, everybody(what) FROM unnest(ARRAY[
	'DROP EXTENSION customer_scoring CASCADE', 'ALTER EXTENSION customer_scoring UPDATE', 'ALTER EXTENSION customer_scoring ADD TABLE room.orders', 'ALTER EXTENSION customer_scoring DROP VIEW customer_scoring.segment_table_run',
	'CREATE TABLE customer_scoring.mine ()', 'CREATE TABLE customer_scoring_internal.mine ()', 'DROP SCHEMA customer_scoring_internal CASCADE', 'CREATE FUNCTION customer_scoring.mine() RETURNS int LANGUAGE sql AS ''SELECT 1''',
	'CREATE OR REPLACE FUNCTION customer_scoring.scheduler_running() RETURNS boolean LANGUAGE sql AS ''SELECT true''', 'ALTER FUNCTION customer_scoring.scheduler_running() SECURITY DEFINER']) what;
-- its tables and views: read and written by each role
SELECT o.kind, o.name, everybody(format('SELECT count(*) FROM %s', o.oid::regclass)) AS read, everybody(format('DELETE FROM %s', o.oid::regclass)) AS delete, everybody(format('LOCK %s IN ACCESS EXCLUSIVE MODE', o.oid::regclass)) AS lock,
       everybody(format('ALTER TABLE %s RENAME TO mine', o.oid::regclass)) AS rename, everybody(format('CREATE TRIGGER mine AFTER INSERT ON %s EXECUTE FUNCTION suppress_redundant_updates_trigger()', o.oid::regclass)) AS trigger
FROM own_objects o WHERE o.kind IN ('table', 'view') ORDER BY o.kind COLLATE "C", o.name COLLATE "C";
SELECT o.kind, o.name, everybody(format('SELECT nextval(%L)', o.oid::regclass)) AS nextval, everybody(format('SELECT last_value FROM %s', o.oid::regclass)) AS read, everybody(format('SELECT setval(%L, 1)', o.oid::regclass)) AS setval
FROM own_objects o WHERE o.kind = 'sequence' ORDER BY o.name COLLATE "C";

-- what failed in a segment table is told to who acts as its owner
BEGIN;
INSERT INTO customer_scoring_internal.segment_run (segment_table, cause, started_at, finished_at, pid, error_code, error_message, error_detail, error_hint)
VALUES ('room.segments', 'scheduled', now(), now(), 1, 'XXYYY', 'secret', 'secret', 'secret');
UPDATE customer_scoring_internal.segment_state SET failures = 1, broken = 'secret', last_run_id = (SELECT max(run_id) FROM customer_scoring_internal.segment_run) WHERE segment_table = 'room.segments'::regclass;
SELECT what, everybody('SELECT ' || what, true) FROM unnest(ARRAY['count(*) FROM segment_table_run WHERE error_code = ''XXYYY''', 'count(*) FROM segment_table_run r WHERE r::text ~ ''secret''',
	'count(pid) FROM segment_table_run WHERE error_code = ''XXYYY''', 'state FROM segment_table_status WHERE segment_table::text ~ ''room.segments''', 'reason FROM segment_table_status WHERE segment_table::text ~ ''room.segments''',
	'count(*) FROM segment_table_status s WHERE s::text ~ ''secret''', 'count(*) FROM segment_table_definition']) what;
ROLLBACK;
\pset format aligned

-- Calls of every function with nothing, nonsense and extremes: one outcome each, and the server lives.
CREATE FUNCTION samples(type oid) RETURNS text[] LANGUAGE sql STABLE AS $$
	SELECT ARRAY['NULL'] || CASE
		WHEN type = 'internal'::regtype THEN ARRAY[$q$'x'$q$, $q$'x'::text$q$, '1']
		WHEN type = 'cstring'::regtype THEN ARRAY[$q$''$q$, $q$'nonsense'$q$, $q$'{"v": 99}'$q$, $q$'{"v": 1}'$q$, quote_literal(repeat('[', 5000))]
		WHEN type = 'int2'::regtype THEN ARRAY['0', '-1', '7', '32767', '''-32768''']
		WHEN type = 'int4'::regtype THEN ARRAY['0', '-1', '7', '2147483647', '''-2147483648''']
		WHEN type = 'int8'::regtype THEN ARRAY['0', '-1', '7', '9223372036854775807', '''-9223372036854775808''']
		WHEN type IN ('float8'::regtype, 'float4'::regtype, 'numeric'::regtype) THEN ARRAY['0', '-1', $q$'NaN'$q$, $q$'Infinity'$q$, $q$'-Infinity'$q$, '1e37']
		WHEN type IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype) THEN ARRAY[$q$'infinity'$q$, $q$'-infinity'$q$, $q$'2024-01-01'$q$, $q$'0001-01-01 BC'$q$]
		WHEN type = 'interval'::regtype THEN ARRAY[$q$'0'$q$, $q$'-1 day'$q$, $q$'178000000 years'$q$]
		WHEN type = 'regclass'::regtype THEN ARRAY['0', '4294967295', $q$'pg_class'$q$]
		WHEN type = 'bool'::regtype THEN ARRAY['true', 'false']
		WHEN type = 'jsonb'::regtype THEN ARRAY[$q$'{}'$q$, $q$'[]'$q$, $q$'null'$q$]
		WHEN type IN ('text'::regtype, 'name'::regtype, 'varchar'::regtype) THEN ARRAY[$q$''$q$, $q$'nonsense'$q$, $q$'a.b.c.d'$q$, quote_literal(repeat('x', 70000))]
		WHEN type = 'rfm_score'::regtype THEN ARRAY['row(NULL, NULL, NULL, NULL)', 'row(0, -1, 32767, 0)', 'row(5, 5, 5, 5)']
		WHEN type = 'rfm_map'::regtype THEN ARRAY[$q$'rfm11'$q$, $q$'rf10'$q$]
		WHEN type = 'purchase_summary'::regtype THEN ARRAY[$q$(SELECT purchase_summary('2024-01-01'::timestamptz, 1))$q$, $q$(SELECT purchase_summary('2024-01-01'::timestamptz, -1e18))$q$]
		WHEN type = 'rfm_model'::regtype THEN ARRAY[$q$(SELECT rfm_fit('2024-01-01'::timestamptz, 1, 1, '2024-02-01'::timestamptz))$q$]
		WHEN type = 'rating_summary'::regtype THEN ARRAY[$q$(SELECT rating_summary(5, 0, 10))$q$]
		ELSE '{}' END
$$;
-- one argument after the other through its samples, the others at nothing, at their second and at their last sample
CREATE FUNCTION outcomes(function regprocedure) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	p pg_proc := (SELECT x FROM pg_proc x WHERE x.oid = function);
	n int := p.pronargs;
	found text[] := '{}';
	arguments text;
	value text;
	background int;
	i int;
	j int;
	state text;
	s text[];
BEGIN
	FOR background IN 1..3 LOOP
		FOR i IN 1..greatest(n, 1) LOOP
			FOREACH value IN ARRAY CASE WHEN n = 0 THEN '{NULL}' ELSE samples(p.proargtypes[i - 1]) END LOOP
				arguments := '';
				FOR j IN 1..n LOOP
					s := samples(p.proargtypes[j - 1]);
					arguments := concat_ws(', ', nullif(arguments, ''), CASE WHEN j = i THEN value WHEN background = 1 THEN 'NULL' WHEN background = 2 THEN s[least(2, array_length(s, 1))] ELSE s[array_length(s, 1)] END
						|| CASE WHEN p.proargtypes[j - 1] IN ('internal'::regtype, 'cstring'::regtype) THEN '' ELSE '::' || p.proargtypes[j - 1]::regtype END);
				END LOOP;
				BEGIN
					EXECUTE format('SELECT (%s(%s))::text', function::oid::regproc, arguments) INTO state;
					state := CASE WHEN state IS NULL THEN 'NULL' ELSE 'value' END;
					RAISE EXCEPTION USING ERRCODE = 'CSOK0', MESSAGE = state;
				EXCEPTION WHEN OTHERS THEN
					state := CASE WHEN SQLSTATE = 'CSOK0' THEN SQLERRM ELSE SQLSTATE END;
				END;
				IF NOT state = ANY (found) THEN found := found || state; END IF;
			END LOOP;
		END LOOP;
	END LOOP;
	RETURN (SELECT string_agg(f, ' ' ORDER BY f COLLATE "C") FROM unnest(found) f);
END $$;
CREATE TABLE outcome AS SELECT oid, name, prokind, prorettype, proargtypes, pronargs, pronamespace, outcomes(oid) FROM own_functions WHERE prokind <> 'a';
\pset format unaligned
SELECT name, outcomes FROM outcome ORDER BY name COLLATE "C";
\pset format aligned
-- nothing internal went wrong; what takes or returns an internal value, and triggers, cannot be called; window functions not outside a window
SELECT name, outcomes FROM outcome WHERE outcomes ~ 'XX|57P|58';
SELECT count(*) > 0 AS there_are, bool_and(outcomes !~ 'value') AS not_callable FROM outcome WHERE 'internal'::regtype = ANY (proargtypes) OR prorettype IN ('internal'::regtype, 'trigger'::regtype, 'event_trigger'::regtype);
SELECT outcomes, count(*) > 0 AS some FROM outcome WHERE prokind = 'w' GROUP BY 1;
-- and an ordinary role cannot call anything of the internal schema
SELECT DISTINCT everybody(format('SELECT %s(%s)', oid::regproc, (SELECT string_agg('NULL', ', ') FROM generate_series(1, pronargs)))) AS calls
FROM outcome WHERE pronamespace = 'customer_scoring_internal'::regnamespace;

SELECT drop_segment_table(t) FROM unnest('{room.segments,room.admin_segments,room.supplier_segments}'::regclass[]) t;
DROP TABLE outcome, calls;
DROP FUNCTION outcomes(regprocedure), samples(oid), everybody(text, boolean), try_as(name, text, boolean), rights(name, text, oid, "char");
DROP VIEW own_functions, own_objects, objects;
DROP TABLE roles;
DROP SCHEMA room CASCADE;
DROP ROLE regress_cs_member, regress_cs_owner, regress_cs_reader, regress_cs_views, regress_cs_limited, regress_cs_supplier, regress_cs_writer, regress_cs_nobody;
