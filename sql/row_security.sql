-- Account managers see their own accounts: policies on a segment table hold in its views, joins, COPY and functions of others; who refreshes sees everybody.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE ROLE regress_cs_owner;
CREATE ROLE regress_cs_sales;
CREATE ROLE regress_cs_ani IN ROLE regress_cs_sales;
CREATE ROLE regress_cs_budi IN ROLE regress_cs_sales;
CREATE ROLE regress_cs_clerk;
CREATE ROLE regress_cs_auditor BYPASSRLS;
GRANT CREATE ON SCHEMA public TO regress_cs_owner;
GRANT SELECT, INSERT, TRIGGER ON account_manager TO regress_cs_owner;
SET ROLE regress_cs_owner;
CREATE TABLE bought (customer_id int, ordered_at timestamptz, amount numeric(10, 2));
INSERT INTO bought SELECT c, timestamptz '2024-01-01' + c * interval '1 day', c FROM generate_series(1, 12) c, generate_series(1, 3);
INSERT INTO account_manager (customer, manager, valid_from) SELECT c::text, CASE WHEN c <= 4 THEN 'regress_cs_ani' ELSE 'regress_cs_budi' END, '2024-01-01' FROM generate_series(1, 8) c;
SELECT create_segment_table('segs', 'bought', time_zone => 'UTC', history => true, with_data => false);
SELECT add_segment_source('segs', 'managers', 'customer_scoring.account_manager', 'customer');
SELECT mode, customers FROM refresh_segment_table('segs', '2024-03-01');
GRANT SELECT ON segs, segs_current, segs_overview, segs_history, segs_migration TO regress_cs_sales, regress_cs_clerk, regress_cs_auditor;
ALTER TABLE segs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_accounts ON segs FOR SELECT TO regress_cs_sales USING (account_manager = current_user);
ALTER TABLE segs_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_accounts ON segs_history FOR SELECT TO regress_cs_sales USING (EXISTS (SELECT FROM segs s WHERE s.customer_id = segs_history.customer_id));
INSERT INTO bought VALUES (2, '2024-03-02', 1000), (6, '2024-03-02', 2000);
SELECT mode, customers FROM refresh_segment_table('segs', '2024-03-03');
RESET ROLE;

-- everybody's own, in the table and in each view; somebody without a policy sees nothing, the owner and auditors all
CREATE FUNCTION seen(role name) RETURNS TABLE (who name, customers text, current_customers text, overview bigint, revenue numeric, moves text, migration numeric) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', $1);
	RETURN QUERY SELECT $1, (SELECT string_agg(customer_id::text, ' ' ORDER BY customer_id) FROM segs), (SELECT string_agg(customer_id::text, ' ' ORDER BY customer_id) FROM segs_current),
		(SELECT sum(o.customers)::bigint FROM segs_overview o), (SELECT sum(o.revenue) FROM segs_overview o), (SELECT string_agg(DISTINCT customer_id::text, ' ') FROM segs_history WHERE from_rank < to_rank), (SELECT sum(m.customers) FROM segs_migration m);
	RESET ROLE;
END $$;
SELECT s.* FROM unnest('{regress_cs_owner,regress_cs_ani,regress_cs_budi,regress_cs_sales,regress_cs_clerk,regress_cs_auditor}'::name[]) WITH ORDINALITY r (who, n), seen(r.who) s ORDER BY n;

-- joins through views, subqueries, aggregates, and what a user hopes to learn by a function, an error or the plan
SET ROLE regress_cs_ani;
CREATE FUNCTION pg_temp.leak(anyelement) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE NOTICE 'seen %', $1; RETURN true; END $$;
SET client_min_messages = notice;
SELECT customer_id FROM segs WHERE pg_temp.leak(customer_id) ORDER BY 1;
SELECT customer_id FROM segs_current WHERE pg_temp.leak(customer_id) AND customer_id < 3 ORDER BY 1;
SELECT count(*) FROM segs_overview WHERE pg_temp.leak(customers::text) AND customers > 4;
SET client_min_messages = warning;
SELECT count(*) FROM segs WHERE 1 / (customer_id - 7) < 100;
SELECT customer_id FROM segs WHERE revenue = 2018 OR customer_id = 6;
SELECT a.customer_id, b.customer_id FROM segs_current a JOIN segs b ON b.customer_id = a.customer_id + 2 ORDER BY 1;
SELECT o.segment, o.customers - (SELECT count(*) FROM segs s WHERE s.segment = o.segment) AS more FROM segs_overview o ORDER BY 1;
SELECT count(*) FROM segs_current c FULL JOIN generate_series(1, 12) g ON g = c.customer_id WHERE c.customer_id IS NOT NULL;
EXPLAIN (COSTS OFF) SELECT customer_id FROM segs_current WHERE pg_temp.leak(customer_id);
COPY (SELECT customer_id FROM segs ORDER BY 1) TO STDOUT;
COPY segs (customer_id, account_manager) TO STDOUT;
-- a view or function of his own lends nothing
CREATE TEMP VIEW mine AS SELECT customer_id FROM segs;
SELECT count(*) FROM mine;
SET row_security = off;
SELECT count(*) FROM segs;
RESET row_security;
SELECT mode FROM refresh_segment_table('segs');
SELECT count(*) FROM verify_segment_table('segs');
UPDATE segs SET account_manager = 'regress_cs_ani';
SELECT count(*) FROM bought;
SET ROLE regress_cs_budi;
SELECT count(*) FROM mine;
RESET ROLE;
-- whose accounts change hands sees it after the next refresh
SELECT assign_account_manager('4', 'regress_cs_budi', '2024-03-04'), assign_account_manager('12', 'regress_cs_ani', '2024-03-04');
SELECT customers FROM seen('regress_cs_ani');
SET ROLE regress_cs_owner;
SELECT mode, updated >= 2 AS updated FROM refresh_segment_table('segs', '2024-03-05');
RESET ROLE;
SELECT customers, overview FROM seen('regress_cs_ani');
SELECT customers, overview FROM seen('regress_cs_budi');
-- by the assignments themselves, at once: who asks must be allowed to read them
SET ROLE regress_cs_owner;
DROP POLICY own_accounts ON segs;
CREATE POLICY own_accounts ON segs FOR SELECT TO regress_cs_sales USING (account_manager_of(customer_id::text) = current_user);
SET ROLE regress_cs_ani;
SELECT count(*) FROM segs;
RESET ROLE;
GRANT SELECT (customer, manager, valid_from, valid_until) ON account_manager TO regress_cs_sales;
SELECT assign_account_manager('11', 'regress_cs_ani', '2024-03-06');
SELECT customers, overview FROM seen('regress_cs_ani');
-- customers who may be contacted: of one's own
INSERT INTO consent (customer, purpose, channel, status, at) SELECT c::text, 'news', 'mail', 'granted', '2024-01-01' FROM generate_series(1, 12) c;
GRANT SELECT ON consent, do_not_contact, contact_preference, profiling_opt_out TO regress_cs_sales;
SET ROLE regress_cs_ani;
SELECT string_agg(customer, ' ' ORDER BY customer::int) FROM contactable_customers('segs', 'news', 'mail', '2024-06-01');
RESET ROLE;

-- figures for all without rows of any: an overview with the rights of its owner, which shows no small groups
SET ROLE regress_cs_owner;
SELECT alter_segment_table('segs', suppress_below => 3);
REVOKE ALL ON segs, segs_current, segs_history, segs_migration FROM regress_cs_clerk;
SET ROLE regress_cs_clerk;
SELECT count(*) FROM segs_overview;
SET ROLE regress_cs_owner;
ALTER VIEW segs_overview SET (security_invoker = false);
SET ROLE regress_cs_clerk;
SELECT min(customers) >= 3 AS large, count(customers) > 0 AS some, count(*) > count(customers) AS some_hidden FROM segs_overview;
SELECT count(*) FROM segs;
RESET ROLE;
SELECT customers, current_customers, overview FROM seen('regress_cs_ani');
-- an option that makes the view anew takes that back: nobody sees more than before
SET ROLE regress_cs_owner;
SELECT alter_segment_table('segs', suppress_below => 0);
SET ROLE regress_cs_clerk;
SELECT count(*) FROM segs_overview;
RESET ROLE;
SELECT customers, current_customers, overview FROM seen('regress_cs_ani');

-- FORCE would blind the one who refreshes: it is refused, and says how to go on
SET ROLE regress_cs_owner;
ALTER TABLE segs FORCE ROW LEVEL SECURITY;
SELECT mode FROM refresh_segment_table('segs', '2024-03-07');
SELECT count(*) FROM verify_segment_table('segs');
ALTER TABLE segs NO FORCE ROW LEVEL SECURITY;
SELECT mode, customers FROM refresh_segment_table('segs', '2024-03-07');
SELECT count(*) FROM verify_segment_table('segs');
-- with policies altered, and views made anew, the rows stay hidden
SELECT alter_segment_table('segs', clv => '{"horizon": "30 days"}'), alter_segment_table('segs', time_zone => 'Asia/Jakarta');
SELECT mode FROM refresh_segment_table('segs', '2024-03-08');
RESET ROLE;
SELECT customers, current_customers, overview FROM seen('regress_cs_ani');
DROP VIEW mine;
SET ROLE regress_cs_owner;
SELECT drop_segment_table('segs');
DROP TABLE bought;
RESET ROLE;
DROP FUNCTION seen;
DROP FUNCTION pg_temp.leak(anyelement) CASCADE;
TRUNCATE consent, account_manager;
DROP OWNED BY regress_cs_owner, regress_cs_sales, regress_cs_ani, regress_cs_budi, regress_cs_clerk, regress_cs_auditor;
DROP ROLE regress_cs_owner, regress_cs_ani, regress_cs_budi, regress_cs_sales, regress_cs_clerk, regress_cs_auditor;
