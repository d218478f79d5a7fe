-- Key accounts and account managers: periods, class with hysteresis, rights.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';
\set SHOW_CONTEXT never

INSERT INTO key_account (customer, valid_from, valid_until, service_level) VALUES ('1', '2024-01-01', '2024-02-01', 'gold'), ('1', '2024-03-01', NULL, 'platinum'), ('2', '2024-01-01', '2024-06-01', NULL);
SELECT at, is_key_account('1', at), service_level_of('1', at) FROM (VALUES (timestamptz '2023-12-31 23:59'), ('2024-01-01'), ('2024-01-31 23:59'), ('2024-02-01'), ('2024-03-01'), ('2100-01-01')) t (at);
SELECT is_key_account('1'), is_key_account('2'), is_key_account('3'), is_key_account(NULL);
-- periods of a customer do not overlap, those of two do
INSERT INTO key_account (customer, valid_from) VALUES ('1', '2024-01-15');
INSERT INTO key_account (customer, valid_from, valid_until) VALUES ('1', '2023-01-01', '2024-01-02');
INSERT INTO key_account (customer, valid_from, valid_until) VALUES ('1', '2024-02-01', '2024-03-01'), ('10', '2024-01-01', NULL);
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

-- Managers: one after the other.
SELECT assign_account_manager('1', 'Ani', '2024-01-01'), assign_account_manager('1', 'Budi', '2024-02-01');
SELECT manager, valid_from, valid_until FROM account_manager ORDER BY valid_from;
SELECT account_manager_of('1', '2024-01-31'), account_manager_of('1', '2024-02-01'), account_manager_of('2', '2024-02-01');
SELECT assign_account_manager('1', 'Citra', '2024-01-15');
SELECT assign_account_manager('1', NULL, '2024-04-01');
SELECT manager, valid_from, valid_until FROM account_manager ORDER BY valid_from;
INSERT INTO account_manager (customer, manager, valid_from) VALUES ('1', 'Dewi', '2024-03-31');

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
INSERT INTO key_account_policy (segment_table, a) VALUES ('bought', 1.5);
INSERT INTO key_account_policy (segment_table, leave_after) VALUES ('bought', 0);

-- A refresh assesses when it is time, as the owner of the table; who may not is told.
UPDATE key_account_policy SET assessed_at = NULL;
INSERT INTO bought VALUES (5, '2024-07-05', 2000);
SELECT mode FROM refresh_segment_table('segs', '2024-08-10');
SELECT customer, valid_from FROM key_account WHERE customer = '5';
SELECT assessed_at FROM key_account_policy;
INSERT INTO bought VALUES (6, '2024-07-06', 3000);
SELECT mode FROM refresh_segment_table('segs', '2024-08-20');
SELECT mode FROM refresh_segment_table('segs', '2024-09-10');
SELECT customer, valid_from FROM key_account WHERE customer = '6';
CREATE ROLE regress_key_owner;
GRANT CREATE ON SCHEMA public TO regress_key_owner;
GRANT SELECT, TRIGGER ON bought TO regress_key_owner;
SET ROLE regress_key_owner;
SELECT create_segment_table('own_segs', 'bought', time_zone => 'UTC', with_data => false);
RESET ROLE;
INSERT INTO key_account_policy (segment_table) VALUES ('own_segs');
SET ROLE regress_key_owner;
SELECT mode, customers FROM refresh_segment_table('own_segs', '2024-09-10');
SELECT drop_segment_table('own_segs');
RESET ROLE;
REVOKE ALL ON SCHEMA public FROM regress_key_owner;
REVOKE ALL ON bought FROM regress_key_owner;
DROP ROLE regress_key_owner;

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
SELECT drop_segment_table('segs');
DROP TABLE bought;
TRUNCATE key_account, account_manager, key_account_policy;
