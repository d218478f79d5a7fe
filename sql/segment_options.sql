-- Options of segment tables: what each does, what it refuses, how it is taken back.
SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET intervalstyle = 'postgres';

CREATE TYPE channel AS ENUM ('web', 'shop');
CREATE DOMAIN country AS char(2) CHECK (VALUE ~ '^[A-Z]{2}$');
CREATE TABLE orders (id int, customer_id int, ordered_at timestamptz, amount numeric(12,2),
	status text COLLATE "C", paid boolean, shop_id int, via channel, currency char(3), land country, note varchar(5), extra json, ip inet[]);
INSERT INTO orders VALUES
	(1, 1, '2024-01-01', 1, 'paid', true, 1, 'web', 'IDR', 'ID', 'a'), (2, 2, '2024-01-02', 2, 'open', false, 2, 'shop', 'EUR', 'DE', NULL),
	(3, 3, '2024-01-03', 4, 'shipped', true, 3, NULL, 'IDR', NULL, 'it''s'), (4, 4, '2024-01-04', 8, NULL, NULL, NULL, 'web', NULL, 'ID', 'A');

-- one table, defined again and again: who is in, and the refresh finds nothing to correct
CREATE FUNCTION try(VARIADIC options text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	message text;
	detail text;
	hint text;
BEGIN
	EXECUTE format('SELECT create_segment_table(''t'', ''orders'', %s)', array_to_string(options, ', '));
	PERFORM refresh_segment_table('t', '2024-06-01');
	SELECT string_agg(customer_id::text, ' ' ORDER BY customer_id) INTO result FROM t;
	IF EXISTS (SELECT FROM verify_segment_table('t')) THEN result := result || ' WRONG'; END IF;
	PERFORM drop_segment_table('t');
	RETURN 'customers ' || coalesce(result, 'none');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- only: column to allowed values
SELECT try('"only" => ''{"status": ["paid", "shipped"]}''');
SELECT try('"only" => ''{"status": ["paid", null]}''');
SELECT try('"only" => ''{"status": [null]}''');
SELECT try('"only" => ''{"status": ["paid", "paid", "none such"]}''');
SELECT try('"only" => ''{"paid": [true]}''');
SELECT try('"only" => ''{"paid": [false, null]}''');
SELECT try('"only" => ''{"paid": ["yes"], "shop_id": [1, "2"]}''');
SELECT try('"only" => ''{"shop_id": [1, 3, 3e0]}''');
SELECT try('"only" => ''{"via": ["web"], "currency": ["IDR"]}''');
SELECT try('"only" => ''{"land": ["ID"]}''');
SELECT try('"only" => ''{"note": ["it''''s", "a"]}''');
SELECT try('"only" => ''{"amount": [1.0, 8]}''');
SELECT try('"only" => ''{"ordered_at": ["2024-01-02"]}''');
SELECT try('"only" => ''{}''');
-- ... and what it refuses
SELECT try('"only" => ''{"shop_id": ["one"]}''');
SELECT try('"only" => ''{"shop_id": [1.5]}''');
SELECT try('"only" => ''{"paid": ["maybe"]}''');
SELECT try('"only" => ''{"via": ["phone"]}''');
SELECT try('"only" => ''{"currency": ["EURO"]}''');
SELECT try('"only" => ''{"note": ["much too long"]}''');
SELECT try('"only" => ''{"nothing": ["x"]}''');
SELECT try('"only" => ''{"ctid": ["(0,1)"]}''');
SELECT try('"only" => ''{"status": []}''');
SELECT try('"only" => ''{"status": "paid"}''');
SELECT try('"only" => ''{"status": {"a": 1}}''');
SELECT try('"only" => ''{"status": [["paid"]]}''');
SELECT try('"only" => ''{"status": [{"a": 1}]}''');
SELECT try('"only" => ''[{"status": ["paid"]}]''');
SELECT try('"only" => ''["status"]''');
SELECT try('"only" => ''"status"''');
SELECT try('"only" => ''null''');
SELECT try('"only" => ''{"extra": ["x"]}''');
SELECT try('"only" => ''{"ip": ["x"]}''');

-- NULL where a value must be
SELECT create_segment_table(NULL, 'orders');
SELECT create_segment_table('t', NULL);
SELECT try('customer => NULL');
SELECT try('ordered_at => NULL');
SELECT try('amount => NULL');
SELECT try('time_zone => NULL');
SELECT try('with_data => NULL');
SELECT try('segment_map => NULL');
SELECT try('row_security => NULL');
SELECT try('"only" => NULL', 'lookback => NULL', 'refresh_every => NULL', 'next_refresh_at => NULL', 'money_scale => NULL');
SELECT refresh_segment_table(NULL);
SELECT verify_segment_table(NULL);
SELECT drop_segment_table(NULL);
SELECT request_segment_refresh(NULL);
SELECT alter_segment_table(NULL);

-- names of the table
SELECT create_segment_table('', 'orders');
SELECT create_segment_table('a.b.c.d', 'orders');
SELECT create_segment_table('nowhere.t', 'orders');
SELECT create_segment_table('pg_temp.t', 'orders');
SELECT create_segment_table('"', 'orders');
SELECT create_segment_table(repeat('x', 54), 'orders');
SELECT create_segment_table('orders', 'orders');
CREATE VIEW taken_overview AS SELECT 1;
SELECT create_segment_table('taken', 'orders');
DROP VIEW taken_overview;
CREATE TYPE taken AS (a int);
SELECT create_segment_table('taken', 'orders');
DROP TYPE taken;
SELECT create_segment_table(repeat('x', 53), 'orders');
SELECT relname FROM pg_class WHERE relname ~ '^xxx' AND relkind IN ('r', 'v') ORDER BY 1;
SELECT drop_segment_table(repeat('x', 53)::regclass);

-- lookback: months of the table's zone, across the change of clocks
CREATE TABLE moments (customer_id text, ordered_at timestamptz, amount int);
INSERT INTO moments VALUES ('at the edge', '2024-03-30 12:00 Europe/Berlin', 1), ('just inside', '2024-03-30 12:00:00.000001 Europe/Berlin', 1),
	('inside', '2024-04-01', 1), ('last', '2024-04-30 12:00 Europe/Berlin', 1), ('outside', '2024-03-01', 1);
SELECT create_segment_table('recent', 'moments', lookback => '1 month', time_zone => 'Europe/Berlin');
SELECT customers, skipped FROM refresh_segment_table('recent', '2024-04-30 12:00 Europe/Berlin');
SELECT customer_id FROM recent ORDER BY 1;
SELECT alter_segment_table('recent', lookback => '31 days 1 hour');
SELECT customers FROM refresh_segment_table('recent', '2024-04-30 12:00 Europe/Berlin');
-- one calendar day back over the hour that does not exist: 23 hours
SELECT alter_segment_table('recent', lookback => '1 day');
UPDATE moments SET ordered_at = '2024-03-30 12:30 Europe/Berlin' WHERE customer_id = 'outside';
SELECT customers FROM refresh_segment_table('recent', '2024-03-31 12:00 Europe/Berlin');
SELECT customer_id FROM recent ORDER BY 1;
SELECT * FROM verify_segment_table('recent');
SELECT alter_segment_table('recent', lookback => '0');
SELECT customers FROM refresh_segment_table('recent', '2024-04-30 12:00 Europe/Berlin');
SELECT try('lookback => ''-1 day''');
SELECT try('lookback => ''0''');
SELECT try('lookback => ''1 month -1 day''');
SELECT try('lookback => ''1001 years''');
SELECT try('lookback => ''999999999 hours''');
SELECT try('lookback => ''1000 years''');
SELECT drop_segment_table('recent');

-- time_zone: times without zone and dates are read in it; TimeZone of a session plays no part
CREATE TABLE local_times (customer_id int, d date, t timestamp, z timestamptz, amount int);
INSERT INTO local_times VALUES (1, '2024-03-10', '2024-03-10 01:00', '2024-03-10 01:00+00', 1), (2, 'infinity', 'infinity', 'infinity', 1), (3, '-infinity', '-infinity', '-infinity', 1);
SELECT create_segment_table('by_date', 'local_times', ordered_at => 'd', time_zone => 'Asia/Jakarta');
SELECT create_segment_table('by_time', 'local_times', ordered_at => 't', time_zone => 'America/New_York');
SELECT create_segment_table('by_zone', 'local_times', ordered_at => 'z', time_zone => 'America/New_York');
SELECT customers, skipped FROM refresh_segment_table('by_date', '2024-03-12');
SELECT customers, skipped FROM refresh_segment_table('by_time', '2024-03-12');
SELECT customers, skipped FROM refresh_segment_table('by_zone', '2024-03-12');
SELECT last_order_at, recency_days FROM by_date_current;
SELECT last_order_at, recency_days FROM by_time_current;
SELECT last_order_at, recency_days FROM by_zone_current;
SET timezone = 'Pacific/Auckland';
SELECT updated FROM refresh_segment_table('by_date', '2024-03-12 00:00+00');
SELECT count(*) FROM verify_segment_table('by_time');
SET timezone = 'UTC';
CREATE VIEW session_times AS SELECT customer_id, (z + interval '14 hours')::date AS ordered_at, amount FROM local_times;
SELECT create_segment_table('by_session', 'session_times', time_zone => 'Asia/Jakarta');
SELECT refresh_segment_table('by_session', '2024-03-12 00:00+00') IS NOT NULL AS done;
SET timezone = 'Pacific/Auckland'; SET datestyle = 'German';
SELECT * FROM verify_segment_table('by_session');
SET timezone = 'UTC'; SET datestyle = 'ISO';
SELECT alter_segment_table('by_zone', time_zone => 'UTC');
SELECT last_order_at, recency_days FROM by_zone_current;
SELECT try('time_zone => ''Mars/Olympus''');
SELECT try('time_zone => ''''');
SELECT try('time_zone => ''UTC; DROP TABLE orders''');
-- a bare offset means east to SET and west elsewhere
SELECT try('time_zone => ''+7''');
SELECT try('time_zone => ''-07:30''');
-- CET is a zone with summer time, though SQL functions know it as an offset too
CREATE TABLE summer (customer_id int, ordered_at timestamp, amount int);
INSERT INTO summer VALUES (1, '2024-07-01 00:30', 1), (2, '2024-01-01 00:30', 1);
SELECT create_segment_table('by_cet', 'summer', time_zone => 'CET', refresh_every => '1 day', next_refresh_at => '2024-07-01 02:00+02', lookback => '100 years');
SELECT customer_id, last_order_at FROM by_cet ORDER BY customer_id;
SELECT (next_refresh_at AT TIME ZONE 'Europe/Berlin')::time AS next FROM segment_table_status WHERE segment_table = 'public.by_cet';
SELECT alter_segment_table('by_cet', next_refresh_at => '2024-01-01 02:00+01');
SELECT (next_refresh_at AT TIME ZONE 'Europe/Berlin')::time AS next FROM segment_table_status WHERE segment_table = 'public.by_cet';
SELECT count(*) FROM verify_segment_table('by_cet');
SELECT drop_segment_table('by_cet');
DROP TABLE summer;
SELECT alter_segment_table('by_zone', time_zone => 'Mars/Olympus');
-- the default is the caller's zone
SET timezone = 'Asia/Tokyo';
SELECT create_segment_table('default_zone', 'local_times', ordered_at => 'z', with_data => false);
SET timezone = 'UTC';
SELECT time_zone FROM segment_table_definition WHERE segment_table = 'default_zone'::regclass;
SELECT drop_segment_table(s) FROM unnest('{by_date,by_time,by_zone,by_session,default_zone}'::regclass[]) s;

-- money_scale: of the source column, else as given, else two; money is never rounded
CREATE TABLE money (customer_id text, ordered_at timestamptz, i int, n3 numeric(9,3), n numeric, f float8, r real, n13 numeric(20,13), neg numeric(5,-2));
INSERT INTO money VALUES ('a', '2024-01-01', 7, 1.125, 1.25, 0.1, 0.1, 1.5, 1234), ('a', '2024-01-02', 7, 1.125, 2.50, 0.2, 0.2, 1.5, 1300), ('b', '2024-01-01', -1, -1, -1, -1, -1, 1, 1);
SELECT create_segment_table('money_' || c, 'money', amount => c) FROM unnest('{i,n3,n,f,r,neg}'::name[]) c;
SELECT revenue FROM money_i UNION ALL SELECT revenue FROM money_n3 UNION ALL SELECT revenue FROM money_n UNION ALL SELECT revenue FROM money_f
UNION ALL SELECT revenue FROM money_r UNION ALL SELECT revenue FROM money_neg;
SELECT attrelid::regclass, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attname = 'revenue' AND attrelid::regclass::text ~ '^money_[^_]*$' ORDER BY 1;
SELECT create_segment_table('money_13', 'money', amount => 'n13');
SELECT create_segment_table('x', 'money', amount => 'i', money_scale => 2);
SELECT create_segment_table('x', 'money', amount => 'n3', money_scale => 2);
SELECT create_segment_table('x', 'money', amount => 'n', money_scale => -1);
SELECT create_segment_table('x', 'money', amount => 'n', money_scale => 13);
SELECT create_segment_table('x', 'money', amount => 'n', money_scale => 1);
SELECT create_segment_table('x', 'money', amount => 'n3', money_scale => 3);
SELECT drop_segment_table('x');
-- a revenue with more decimals names the customer; alter cures it, and the views keep place, name, rights
CREATE ROLE regress_cs_reader;
CREATE ROLE "regress cs ""Grant""ed";
CREATE SCHEMA shown;
GRANT SELECT ON money_n_current TO regress_cs_reader WITH GRANT OPTION;
GRANT SELECT, INSERT ON money_n_overview TO "regress cs ""Grant""ed", PUBLIC;
GRANT SELECT (segment, revenue) ON money_n_current TO "regress cs ""Grant""ed";
ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO regress_cs_reader;
ALTER VIEW money_n_overview SET SCHEMA shown;
ALTER VIEW money_n_current RENAME TO money_today;
INSERT INTO money VALUES ('b', '2024-01-03', 1, 1, 0.0005, 1, 1, 1, 1);
SELECT refresh_segment_table('money_n');
SELECT customer_id, revenue FROM money_n ORDER BY 1;
SELECT alter_segment_table('money_n', money_scale => 4);
SELECT customers FROM refresh_segment_table('money_n');
SELECT customer_id, revenue, average_order_value FROM money_today ORDER BY 1;
SELECT c.oid::regclass, replace(c.relacl::text, current_user, 'owner') AS rights, (SELECT replace(string_agg(attname || ' ' || attacl::text, ', ' ORDER BY attnum), current_user, 'owner') FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL) AS columns
FROM segment_table_definition d JOIN pg_class c ON c.oid IN (d.current_view, d.overview_view) WHERE d.segment_table = 'money_n'::regclass ORDER BY 1;
SELECT count(*) FROM verify_segment_table('money_n');
-- fewer decimals only when nothing is lost
SELECT alter_segment_table('money_n', money_scale => 3);
DELETE FROM money WHERE n = 0.0005;
SELECT refresh_segment_table('money_n') IS NOT NULL AS done;
SELECT alter_segment_table('money_n', money_scale => 2);
SELECT revenue FROM money_n ORDER BY 1;
-- the column of the source gains decimals: nothing is rounded behind one's back
ALTER TABLE money ALTER n3 TYPE numeric(9,4);
SELECT inserted, updated FROM refresh_segment_table('money_n3');
UPDATE money SET n3 = 1.0005 WHERE n3 = -1;
SELECT refresh_segment_table('money_n3');
SELECT alter_segment_table('money_n3');
SELECT updated FROM refresh_segment_table('money_n3');
SELECT revenue FROM money_n3 ORDER BY 1;
SELECT count(*) FROM verify_segment_table('money_n3');
-- a view of the user on top stops it, a dropped view stays dropped
CREATE VIEW mine AS SELECT * FROM money_r_current;
SELECT alter_segment_table('money_r', money_scale => 5);
DROP VIEW mine;
DROP VIEW money_r_overview;
SELECT alter_segment_table('money_r', money_scale => 5);
SELECT to_regclass('money_r_overview') IS NULL AS still_dropped, revenue FROM money_r_current WHERE customer_id = 'a';
DROP VIEW money_r_current;
SELECT alter_segment_table('money_r', money_scale => 6, time_zone => 'Asia/Jakarta');
SELECT alter_segment_table('money_r', time_zone => 'Asia/Tokyo');
SELECT drop_segment_table('money_r');
-- a total that does not fit names the customer
INSERT INTO money (customer_id, ordered_at, n) VALUES ('c', '2024-01-01', 99999999999999999999), ('c', '2024-01-01', 1);
SELECT refresh_segment_table('money_n');
DELETE FROM money WHERE customer_id = 'c';
SELECT create_segment_table('money_12', 'money', amount => 'n', money_scale => 12);
INSERT INTO money (customer_id, ordered_at, n) VALUES ('c', '2024-01-01', 1000000000000);
SELECT refresh_segment_table('money_12');
ALTER DEFAULT PRIVILEGES REVOKE DELETE ON TABLES FROM regress_cs_reader;
SELECT drop_segment_table(s) FROM unnest('{money_i,money_n3,money_n,money_f,money_neg,money_12}'::regclass[]) s;
DROP SCHEMA shown;
DROP ROLE regress_cs_reader, "regress cs ""Grant""ed";

-- segment_map
SELECT create_segment_table('mapped', 'orders', segment_map => 'rf10');
SELECT customer_id, rfm_cell, segment, segment_rank FROM mapped ORDER BY 1;
SELECT alter_segment_table('mapped', segment_map => 'bins 4: best r3-4, rest r1-2');
SELECT updated > 0 AS moved FROM refresh_segment_table('mapped');
SELECT customer_id, rfm_cell, segment, segment_rank FROM mapped ORDER BY 1;
SELECT count(*) FROM verify_segment_table('mapped');
SELECT alter_segment_table('mapped', segment_map => 'bins 4: best r3-4');
SELECT try('segment_map => ''bins 4: best r3-4''');
SELECT try('segment_map => ''bins 4: best r2-4, rest r1-2''');
SELECT try('segment_map => ''no map''');
SELECT drop_segment_table('mapped');

-- refresh_every and next_refresh_at
SELECT try('refresh_every => ''1 minute''');
SELECT try('refresh_every => ''0''');
SELECT try('refresh_every => ''0.1 seconds''');
SELECT try('refresh_every => ''-1 day''');
SELECT try('refresh_every => ''1001 years''');
SELECT try('refresh_every => ''999999999 hours''');
SELECT try('next_refresh_at => ''2024-01-01''');
SELECT try('next_refresh_at => ''infinity'', refresh_every => ''1 day''');
SELECT try('next_refresh_at => ''-infinity''');
CREATE FUNCTION due(t regclass) RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN due_at IS NULL THEN 'never' WHEN due_at <= clock_timestamp() THEN 'now' WHEN due_at <= clock_timestamp() + '1 hour' THEN 'within the hour'
	       WHEN due_at <= clock_timestamp() + '1 day' THEN to_char(due_at AT TIME ZONE 'Asia/Jakarta', '"within the day at" HH24:MI') ELSE to_char(due_at, 'YYYY-MM-DD') END
	FROM customer_scoring_internal.segment_state WHERE segment_table = t $$;
SELECT create_segment_table('kept', 'orders', time_zone => 'Asia/Jakarta');
SELECT due('kept');
SELECT alter_segment_table('kept', refresh_every => '30 minutes');
SELECT due('kept');
SELECT refresh_segment_table('kept') IS NOT NULL AS done;
SELECT due('kept');
-- at two in the morning of the table's zone
SELECT alter_segment_table('kept', refresh_every => '1 day', next_refresh_at => '2020-02-29 02:00 Asia/Jakarta');
SELECT due('kept');
SELECT refresh_segment_table('kept') IS NOT NULL AS done;
SELECT due('kept');
SELECT alter_segment_table('kept', next_refresh_at => '2124-01-31 02:00');
SELECT due('kept');
SELECT refresh_every, next_refresh_at FROM segment_table_definition WHERE segment_table = 'kept'::regclass;
SELECT alter_segment_table('kept', next_refresh_at => '-infinity');
SELECT alter_segment_table('kept', next_refresh_at => 'infinity');
SELECT refresh_every, next_refresh_at FROM segment_table_definition WHERE segment_table = 'kept'::regclass;
SELECT alter_segment_table('kept', refresh_every => '0');
SELECT due('kept');
SELECT alter_segment_table('kept', next_refresh_at => '2124-01-31 02:00');
-- a request is kept until a worker takes it; asking twice is asking once
BEGIN;
SELECT request_segment_refresh('kept') = request_segment_refresh('kept') AS same;
SELECT due('kept');
SELECT refresh_segment_table('kept') IS NOT NULL AS done;
SELECT due('kept');
SELECT cause, started_at IS NULL AS waits FROM customer_scoring_internal.segment_run WHERE segment_table = 'kept'::regclass ORDER BY run_id DESC LIMIT 2;
ROLLBACK;

-- every option altered and taken back
SELECT alter_segment_table('kept', "only" => '{"paid": [true]}', lookback => '1 year', refresh_every => '1 hour', segment_map => 'rf10', row_security => true, time_zone => 'UTC');
SELECT only_values, lookback, refresh_every, money_scale, time_zone, row_security FROM segment_table_definition WHERE segment_table = 'kept'::regclass;
SELECT alter_segment_table('kept', "only" => '{}', lookback => '0', refresh_every => '0', segment_map => 'rfm11', row_security => false, time_zone => 'Asia/Jakarta');
SELECT only_values, lookback, refresh_every, money_scale, time_zone, row_security FROM segment_table_definition WHERE segment_table = 'kept'::regclass;
-- a wrong one changes nothing, not even the right ones beside it
SELECT alter_segment_table('kept', lookback => '1 year', amount => 'status');
SELECT alter_segment_table('kept', lookback => '1 year', "only" => '{"status": []}');
SELECT alter_segment_table('kept', customer => 'nothing');
SELECT lookback, amount FROM segment_table_definition WHERE segment_table = 'kept'::regclass;
SELECT alter_segment_table('orders', lookback => '1 year');
-- another source
SELECT alter_segment_table('kept', orders => 'local_times', ordered_at => 'z', amount => 'amount');
SELECT customers FROM refresh_segment_table('kept', '2024-06-01');
SELECT reason FROM customer_scoring_internal.segment_run WHERE segment_table = 'kept'::regclass AND cause = 'manual' ORDER BY run_id DESC LIMIT 1;
SELECT count(*) FROM verify_segment_table('kept');
SELECT drop_segment_table('kept');

-- with_data => false: there, empty, and due if there is a schedule
SELECT create_segment_table('empty', 'orders', with_data => false);
SELECT count(*) FROM "empty";
SELECT as_of IS NULL AS no_as_of, due('empty') FROM segment_table_definition WHERE segment_table = 'empty'::regclass;
SELECT * FROM empty_overview;
SELECT verify_segment_table('empty');
SELECT inserted FROM refresh_segment_table('empty');
SELECT reason FROM customer_scoring_internal.segment_run WHERE segment_table = 'empty'::regclass;
SELECT drop_segment_table('empty');
SELECT create_segment_table('empty', 'orders', with_data => false, refresh_every => '1 day');
SELECT due('empty');
SELECT drop_segment_table('empty');
SELECT create_segment_table('empty', 'orders', with_data => false, refresh_every => '1 day', next_refresh_at => '2124-01-01');
SELECT due('empty');
SELECT drop_segment_table('empty');
DROP FUNCTION due(regclass);

-- drop leaves nothing behind
CREATE FUNCTION everything() RETURNS TABLE (relations bigint, types bigint, dependencies bigint, shared bigint, comments bigint, definitions bigint, states bigint, runs bigint)
LANGUAGE sql AS $$
	SELECT (SELECT count(*) FROM pg_class WHERE relpersistence <> 't'), (SELECT count(*) FROM pg_type), (SELECT count(*) FROM pg_depend), (SELECT count(*) FROM pg_shdepend),
	       (SELECT count(*) FROM pg_description), (SELECT count(*) FROM segment_table_definition),
	       (SELECT count(*) FROM customer_scoring_internal.segment_state), (SELECT count(*) FROM customer_scoring_internal.segment_run)
$$;
CREATE TABLE found AS SELECT * FROM everything() LIMIT 0;
INSERT INTO found SELECT * FROM everything();
SELECT create_segment_table('gone', 'orders', refresh_every => '1 hour');
BEGIN;
SELECT request_segment_refresh('gone') IS NOT NULL AS asked;
SELECT drop_segment_table('gone');
COMMIT;
SELECT e = f.* AS nothing_left FROM everything() e, found f;
SELECT drop_segment_table('orders');
-- what users built on top is not taken away
SELECT create_segment_table('base', 'orders');
CREATE VIEW built AS SELECT * FROM base_current;
SELECT drop_segment_table('base');
SELECT count(*) FROM base;
DROP VIEW built;
SELECT drop_segment_table('base');
-- a refused creation neither
SELECT create_segment_table('gone', 'orders', amount => 'status');
BEGIN;
SELECT create_segment_table('gone', 'orders');
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT create_segment_table('gone', 'orders');
ROLLBACK TO s;
SELECT create_segment_table('gone', 'orders', "only" => '{"status": ["paid"]}');
SAVEPOINT s;
SELECT drop_segment_table('gone');
ROLLBACK TO s;
SELECT customers FROM refresh_segment_table('gone');
SELECT drop_segment_table('gone');
COMMIT;
SELECT e = f.* AS nothing_left FROM everything() e, found f;

-- dropped by hand: others are not disturbed, and the next creation tidies up
SELECT create_segment_table('gone', 'orders');
CREATE TEMP TABLE remembered AS SELECT 'gone'::regclass::oid AS oid;
DROP TABLE gone;
SET client_min_messages = warning;
DROP TABLE gone CASCADE;
RESET client_min_messages;
SELECT create_segment_table('gone', 'orders');
DO $$
BEGIN
	PERFORM refresh_segment_table(oid::regclass) FROM remembered;
EXCEPTION WHEN undefined_table THEN RAISE NOTICE '%', regexp_replace(SQLERRM, '[0-9]+', 'N');
END $$;
SELECT count(*) FROM segment_table_definition;
SELECT customers FROM refresh_segment_table('gone');
SELECT drop_segment_table('gone');
SELECT e.states = f.states AND e.runs = f.runs AND e.definitions = f.definitions AS nothing_left FROM everything() e, found f;

DROP FUNCTION everything(), try(text[]);
DROP VIEW session_times;
DROP TABLE orders, moments, local_times, money, found;
DROP DOMAIN country;
DROP TYPE channel;
