-- Key accounts and account managers: periods, class with hysteresis, rights.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';
\set SHOW_CONTEXT never

INSERT INTO key_account (customer, valid_from, valid_until, service_level) VALUES ('1', '2024-01-01', '2024-02-01', 'gold'), ('1', '2024-03-01', NULL, 'platinum'), ('2', '2024-01-01', '2024-06-01', NULL);
SELECT at, is_key_account('1', at), service_level_of('1', at) FROM (VALUES (timestamptz '2023-12-31 23:59'), ('2024-01-01'), ('2024-01-31 23:59'), ('2024-02-01'), ('2024-03-01'), ('2100-01-01')) t (at);
SELECT is_key_account('1'), is_key_account('2'), is_key_account('3'), is_key_account(NULL);
-- periods of a customer do not overlap, those of two do
\set VERBOSITY terse
INSERT INTO key_account (customer, valid_from) VALUES ('1', '2024-01-15');
INSERT INTO key_account (customer, valid_from, valid_until) VALUES ('1', '2023-01-01', '2024-01-02');
INSERT INTO key_account (customer, valid_from, valid_until) VALUES ('1', '2024-02-01', '2024-03-01'), ('10', '2024-01-01', NULL);
\set VERBOSITY default
INSERT INTO key_account (customer, valid_from, valid_until) VALUES ('1', '2024-02-01', '2024-02-01');
INSERT INTO key_account (customer, valid_from) VALUES ('x', '-infinity');
INSERT INTO key_account (customer, valid_from) VALUES (repeat('x', 1001), '2024-01-01');
INSERT INTO key_account (customer, valid_from) VALUES ('', '2024-01-01'), (' ', '2024-01-01'), (E'it''s "x"\\', '2024-01-01'), (repeat('x', 1000), '2024-01-01');
SELECT is_key_account(''), is_key_account(' '), is_key_account(E'it''s "x"\\'), is_key_account(repeat('x', 1000));
INSERT INTO key_account (customer, valid_from, origin) VALUES ('y', '2024-01-01', 'dream');
-- a question about one customer uses an index
INSERT INTO key_account (customer, valid_from) SELECT 'k' || i, '2024-01-01' FROM generate_series(1, 3000) i;
ANALYZE key_account;
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT FROM key_account k WHERE k.customer = 'k5' AND k.valid_from <= now() AND (k.valid_until IS NULL OR k.valid_until > now());
RESET enable_seqscan;

-- What is made by hand and what is made by class, for each segment table, do not stand in each other's way.
INSERT INTO key_account (customer, valid_from, origin, segment_table, service_level) VALUES
	('1', '2024-03-15', 'class', 'key_account', 'key'), ('1', '2024-03-15', 'class', 'account_manager', 'also'), ('2', '2024-05-01', 'class', 'key_account', 'key');
\set VERBOSITY terse
INSERT INTO key_account (customer, valid_from, origin, segment_table) VALUES ('1', '2025-01-01', 'class', 'key_account');
\set VERBOSITY default
INSERT INTO key_account (customer, valid_from, origin, segment_table) VALUES ('z', '2025-01-01', 'manual', 'key_account');
INSERT INTO key_account (customer, valid_from, periods_below) VALUES ('z', '2025-01-01', 1);
-- that by hand is asked for the service level, then the latest; one that says none is passed over
SELECT service_level_of('1', '2024-04-01'), service_level_of('2', '2024-05-15'), is_key_account('2', '2024-06-01');

-- Managers: one after the other.
SELECT assign_account_manager('1', 'Ani', '2024-01-01'), assign_account_manager('1', 'Budi', '2024-02-01');
SELECT manager, valid_from, valid_until FROM account_manager ORDER BY valid_from;
SELECT account_manager_of('1', '2024-01-31'), account_manager_of('1', '2024-02-01'), account_manager_of('2', '2024-02-01');
SELECT assign_account_manager('1', 'Citra', '2024-01-15');
SELECT assign_account_manager('1', NULL, '2024-04-01');
SELECT manager, valid_from, valid_until FROM account_manager ORDER BY valid_from;
\set VERBOSITY terse
INSERT INTO account_manager (customer, manager, valid_from) VALUES ('1', 'Dewi', '2024-03-31');
\set VERBOSITY default
-- who is assigned already stays as he is, so a nightly job that assigns everybody writes nothing
SELECT assign_account_manager('3', 'Eka', '2024-01-01');
SELECT ctid AS before FROM account_manager WHERE customer = '3' \gset
SELECT assign_account_manager('3', 'Eka', '2024-05-01'), assign_account_manager('3', 'Eka', '2024-01-01');
SELECT ctid = :'before' AS untouched, valid_from, valid_until FROM account_manager WHERE customer = '3';
SELECT assign_account_manager('3', 'Eka', '2023-12-01');
SELECT manager, valid_from, valid_until FROM account_manager WHERE customer = '3';
SELECT assign_account_manager('3', NULL, '2023-12-01');
SELECT count(*) FROM account_manager WHERE customer = '3';
SELECT assign_account_manager(NULL, 'Eka');
SELECT assign_account_manager('3', 'Eka', NULL);
SELECT assign_account_manager('3', 'Eka', 'infinity');
SELECT assign_account_manager(repeat('x', 1001), 'Eka', '2024-01-01');

-- Class A, and nobody flips: who falls below stays for an assessment, who stays below leaves.
TRUNCATE key_account, account_manager;
CREATE TABLE bought (customer_id int, ordered_at timestamptz, amount numeric(10, 2));
INSERT INTO bought VALUES (1, '2024-01-01', 700), (2, '2024-01-01', 150), (3, '2024-01-01', 100), (4, '2024-01-01', 50);
SELECT create_segment_table('segs', 'bought', time_zone => 'UTC', with_data => false);
SELECT mode FROM refresh_segment_table('segs', '2024-01-31');
SELECT * FROM assess_key_accounts('segs', '2024-02-01');
SELECT * FROM evaluate_key_accounts('segs', '2024-02-01');
INSERT INTO key_account_policy (segment_table, service_level) VALUES ('segs', 'key');
INSERT INTO key_account (customer, valid_from) VALUES ('4', '2024-01-01');
SELECT * FROM evaluate_key_accounts('segs', '2024-02-01') ORDER BY 1;
SELECT * FROM assess_key_accounts('segs', '2024-02-01');
SELECT * FROM assess_key_accounts('segs', '2024-02-01');
SELECT * FROM assess_key_accounts('segs', '2024-02-29');
-- customer 2 falls below, comes back, falls below for good; 3 comes in
INSERT INTO bought VALUES (3, '2024-02-10', 200);
SELECT mode FROM refresh_segment_table('segs', '2024-02-28');
SELECT * FROM assess_key_accounts('segs', '2024-03-01');
SELECT customer, valid_from, valid_until, origin, service_level, periods_below FROM key_account ORDER BY 1, 2;
INSERT INTO bought VALUES (2, '2024-03-10', 300);
SELECT mode FROM refresh_segment_table('segs', '2024-03-28');
SELECT * FROM assess_key_accounts('segs', '2024-04-01');
SELECT customer, periods_below FROM key_account ORDER BY 1;
INSERT INTO bought VALUES (2, '2024-04-10', -400);
SELECT mode FROM refresh_segment_table('segs', '2024-04-28');
SELECT * FROM assess_key_accounts('segs', '2024-05-01');
SELECT * FROM evaluate_key_accounts('segs', '2024-06-01') ORDER BY 1;
SELECT * FROM assess_key_accounts('segs', '2024-06-01');
SELECT customer, valid_from, valid_until, periods_below FROM key_account ORDER BY 1, 2;
SELECT is_key_account('2', '2024-05-31'), is_key_account('2', '2024-06-01');
-- one who is not in the table any more is below
DELETE FROM bought WHERE customer_id = 3;
SELECT deleted FROM refresh_segment_table('segs', '2024-06-28');
SELECT * FROM assess_key_accounts('segs', '2024-07-01');
SELECT * FROM assess_key_accounts('segs', NULL);
SELECT * FROM assess_key_accounts('segs', '-infinity');
SELECT * FROM assess_key_accounts(NULL, '2024-07-01');
INSERT INTO key_account_policy (segment_table, a) VALUES ('bought', 1.5);
INSERT INTO key_account_policy (segment_table, a, b) VALUES ('bought', 0.5, 0.4);
INSERT INTO key_account_policy (segment_table, leave_after) VALUES ('bought', 0);

INSERT INTO key_account_policy (segment_table) VALUES ('bought');
SELECT * FROM evaluate_key_accounts('bought', '2024-02-01');
SELECT * FROM assess_key_accounts('bought', '2024-02-01');
DELETE FROM key_account_policy WHERE segment_table = 'bought'::regclass;
-- an assessment of what is not there yet would put the first one off
SELECT create_segment_table('zoned', 'bought', time_zone => 'Asia/Jakarta', with_data => false);
INSERT INTO key_account_policy (segment_table) VALUES ('zoned');
SELECT * FROM assess_key_accounts('zoned', '2024-01-31 17:00+00');

-- Months are those of the zone of the segment table, wherever the session is.
SELECT mode FROM refresh_segment_table('zoned', '2024-01-30');
UPDATE key_account_policy SET assessed_at = NULL WHERE segment_table = 'zoned'::regclass;
SET timezone = 'America/New_York';
SELECT entered IS NOT NULL AS assessed FROM assess_key_accounts('zoned', '2024-01-31 17:00+00');
SELECT entered IS NOT NULL AS assessed FROM assess_key_accounts('zoned', '2024-02-29 16:59+00');
SELECT entered IS NOT NULL AS assessed FROM assess_key_accounts('zoned', '2024-02-29 17:00+00');
SET timezone = 'UTC';
-- a period that somebody planned for later ends the one that is entered now
TRUNCATE key_account;
INSERT INTO key_account (customer, valid_from, origin, segment_table) VALUES ('1', '2024-06-15', 'class', 'zoned');
SELECT entered FROM assess_key_accounts('zoned', '2024-06-01');
SELECT customer, valid_from, valid_until FROM key_account WHERE customer = '1' ORDER BY 2;
-- a customer whose text is too long is left alone
CREATE TABLE long_named AS SELECT repeat('x', 1001) AS customer_id, timestamptz '2024-01-01' AS ordered_at, 100 AS amount UNION ALL SELECT repeat('y', 1000), '2024-01-01', 100;
SELECT create_segment_table('long_named_segs', 'long_named', time_zone => 'UTC');
INSERT INTO key_account_policy (segment_table) VALUES ('long_named_segs');
SELECT * FROM assess_key_accounts('long_named_segs', '2024-06-01');

-- Random revenues for three years, in two segment tables of the same customers: who is a key account is what a plain
-- count of assessments below says, and somebody who goes to and fro about the limit does not flip.
CREATE TABLE months (customer_id int, ordered_at timestamptz, amount numeric);
SELECT create_segment_table('strict', 'months', time_zone => 'UTC', lookback => '40 days', with_data => false),
       create_segment_table('mild', 'months', time_zone => 'UTC', lookback => '40 days', with_data => false);
TRUNCATE key_account;
INSERT INTO key_account_policy (segment_table, a, leave_after, service_level) VALUES ('strict', 0.6, 1, 'strict'), ('mild', 0.8, 3, 'mild');
CREATE TABLE oracle (policy regclass, leave_after int, a numeric, customer text, below int, PRIMARY KEY (policy, customer));
CREATE TABLE seen (month int, wrong bigint, did bigint[]);
DO $$
DECLARE
	at timestamptz := '2024-01-01';
	p record;
	run bigint;
	report text;
	wrong bigint;
BEGIN
	PERFORM setseed(0.3);
	FOR i IN 1 .. 36 LOOP
		-- customer 1 is above and below by turns; some months have refunds, or nobody at all
		INSERT INTO months SELECT c, at + interval '10 days', CASE WHEN c = 1 THEN CASE WHEN i % 2 = 0 THEN 500 ELSE 1 END ELSE round((random() ^ 4 * 1000 - 20)::numeric) END
		FROM generate_series(1, 20) c WHERE i NOT IN (17, 18);
		at := at + interval '1 month';
		FOR p IN SELECT * FROM key_account_policy WHERE segment_table IN ('strict'::regclass, 'mild'::regclass) LOOP
			SELECT run_id INTO run FROM refresh_segment_table(p.segment_table, at);
			SELECT key_account_report INTO report FROM segment_table_run WHERE run_id = run;
			WITH r AS (SELECT customer_id::text AS customer, sum(amount) AS revenue FROM months
			           WHERE ordered_at > at - interval '40 days' AND ordered_at <= at GROUP BY 1),
			a AS (SELECT r.customer FROM r WHERE r.revenue > 0
			      AND coalesce((SELECT sum(b.revenue) FROM r b WHERE b.revenue > r.revenue), 0) < p.a * (SELECT sum(b.revenue) FROM r b WHERE b.revenue > 0)),
			gone AS (DELETE FROM oracle o WHERE o.policy = p.segment_table AND o.customer NOT IN (SELECT a.customer FROM a) AND o.below + 1 >= p.leave_after),
			down AS (UPDATE oracle o SET below = o.below + 1 WHERE o.policy = p.segment_table AND o.customer NOT IN (SELECT a.customer FROM a) AND o.below + 1 < p.leave_after)
			INSERT INTO oracle SELECT p.segment_table, p.leave_after, p.a, a.customer, 0 FROM a ON CONFLICT (policy, customer) DO UPDATE SET below = 0;
			SELECT count(*) INTO wrong FROM (SELECT customer, periods_below, service_level FROM key_account WHERE segment_table = p.segment_table AND valid_until IS NULL) k
			FULL JOIN (SELECT * FROM oracle WHERE policy = p.segment_table) o USING (customer) WHERE o.below IS DISTINCT FROM k.periods_below OR k.service_level IS NULL;
			INSERT INTO seen VALUES (i, wrong, regexp_split_to_array(trim(regexp_replace(report, '\D+', ' ', 'g')), ' ')::bigint[]);
		END LOOP;
		SELECT count(*) INTO wrong FROM generate_series(1, 20) c WHERE is_key_account(c::text, at) <> EXISTS (SELECT FROM oracle o WHERE o.customer = c::text);
		INSERT INTO seen VALUES (i, wrong);
	END LOOP;
END $$;
SELECT count(*), sum(wrong) AS wrong, sum(did[1]) > 100 AS entered, sum(did[2]) > 100 AS stayed, sum(did[3]) > 20 AS below, sum(did[4]) > 100 AS left FROM seen;
SELECT segment_table, count(*) AS periods FROM key_account WHERE customer = '1' GROUP BY 1 ORDER BY 1;

-- A refresh that finds it time assesses, with the rights of the table's owner.
CREATE ROLE regress_key_owner;
GRANT CREATE ON SCHEMA public TO regress_key_owner;
CREATE TABLE sold (customer_id int, ordered_at timestamptz, amount int);
INSERT INTO sold VALUES (1, '2024-01-01', 90), (2, '2024-01-01', 10);
ALTER TABLE sold OWNER TO regress_key_owner;
SET ROLE regress_key_owner;
SELECT create_segment_table('own', 'sold', time_zone => 'UTC', with_data => false);
RESET ROLE;
INSERT INTO key_account_policy (segment_table) VALUES ('own');
SET ROLE regress_key_owner;
SELECT mode FROM refresh_segment_table('own', '2024-02-01');
RESET ROLE;
GRANT SELECT, UPDATE ON key_account_policy TO regress_key_owner;
GRANT SELECT, INSERT, UPDATE ON key_account TO regress_key_owner;
-- also when somebody else refreshes
SELECT mode FROM refresh_segment_table('own', '2024-02-02');
SELECT mode FROM refresh_segment_table('own', '2024-03-01');
UPDATE sold SET amount = 1 WHERE customer_id = 1;
SELECT mode FROM refresh_segment_table('own', '2024-03-02');
BEGIN;
SELECT mode FROM refresh_segment_table('own', '2024-04-02');
SELECT customer, valid_from, valid_until, periods_below FROM key_account WHERE segment_table = 'own'::regclass ORDER BY 1;
ROLLBACK;
SELECT mode FROM refresh_segment_table('own', '2024-04-03');
-- as_of that goes back is no assessment
SELECT mode FROM refresh_segment_table('own', '2024-01-03');
SELECT as_of, mode, key_account_report FROM segment_table_run WHERE segment_table = 'public.own' ORDER BY run_id;
SELECT customer, valid_from, valid_until, periods_below FROM key_account WHERE segment_table = 'own'::regclass ORDER BY 1;
-- only the owner sees the report
SET ROLE regress_key_owner;
SELECT segment_table, count(*), count(key_account_report) FROM segment_table_run WHERE segment_table IN ('public.own', 'public.zoned') GROUP BY 1 ORDER BY 1;
RESET ROLE;
-- what fails for another reason is told, too, and the refresh goes on
ALTER TABLE key_account ADD CONSTRAINT nobody CHECK (false) NOT VALID;
INSERT INTO sold VALUES (3, '2024-05-01', 1000);
SELECT mode, inserted FROM refresh_segment_table('own', '2024-05-10');
SELECT key_account_report FROM segment_table_run WHERE segment_table = 'public.own' ORDER BY run_id DESC LIMIT 1;
ALTER TABLE key_account DROP CONSTRAINT nobody;

-- Of a segment table that is dropped the policy goes, and key accounts stay until somebody ends them.
SELECT drop_segment_table('own');
DROP TABLE mild CASCADE;
SELECT drop_segment_table('strict');
SELECT segment_table FROM key_account_policy ORDER BY 1;
INSERT INTO key_account (customer, valid_from, origin) VALUES ('1', '2098-01-01', 'class');
SELECT customer, was_key, is_key, action FROM evaluate_key_accounts('zoned', '2099-01-01') ORDER BY 1;
SELECT count(*) > 5 AS stay FROM key_account WHERE segment_table IS NULL AND origin = 'class' AND valid_until IS NULL;
SELECT DISTINCT segment_table FROM key_account WHERE segment_table IS NOT NULL ORDER BY 1;
REVOKE ALL ON SCHEMA public FROM regress_key_owner;
DROP OWNED BY regress_key_owner;
DROP ROLE regress_key_owner;
DROP TABLE months, oracle, seen;
SELECT drop_segment_table('zoned'), drop_segment_table('long_named_segs');
DROP TABLE long_named;

-- Only for whom it is granted.
CREATE ROLE regress_key_reader;
SET ROLE regress_key_reader;
SELECT is_key_account('1');
SELECT * FROM assess_key_accounts('segs', '2024-09-01');
SELECT assign_account_manager('1', 'me');
RESET ROLE;
GRANT SELECT ON key_account TO regress_key_reader;
SET ROLE regress_key_reader;
SELECT is_key_account('1');
RESET ROLE;
REVOKE ALL ON key_account FROM regress_key_reader;
DROP ROLE regress_key_reader;
-- Nobody else's code runs when the extension's owner writes: not even the owner of the database makes triggers.
SELECT c.relname, a.grantee::regrole FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'customer_scoring'::regnamespace AND a.privilege_type = 'TRIGGER' AND a.grantee <> c.relowner;
SELECT drop_segment_table('segs');
DROP TABLE bought;
TRUNCATE key_account, account_manager, key_account_policy;
