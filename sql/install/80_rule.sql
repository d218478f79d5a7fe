-- rule/: rules that writes to a table must respect

CREATE TABLE customer_scoring_internal.rule_signal ();
COMMENT ON TABLE customer_scoring_internal.rule_signal IS 'Tells sessions that rules have changed; never has rows';
CREATE TABLE customer_scoring_internal.account_signal ();
COMMENT ON TABLE customer_scoring_internal.account_signal IS 'Tells sessions that accounts have changed; never has rows';

CREATE TABLE customer_scoring.account_rule_set (
	name text PRIMARY KEY,
	target regclass,
	segment_table regclass,
	time_zone text NOT NULL DEFAULT pg_catalog.current_setting('TimeZone'),
	columns jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE customer_scoring.account_rule_set IS 'Sets of rules, each for a table';
COMMENT ON COLUMN customer_scoring.account_rule_set.name IS 'Name, which the trigger is given';
COMMENT ON COLUMN customer_scoring.account_rule_set.target IS 'Table the rules are for; NULL for records that are only checked by function';
COMMENT ON COLUMN customer_scoring.account_rule_set.segment_table IS 'Segment table with the tier and segment of customers; NULL for none';
COMMENT ON COLUMN customer_scoring.account_rule_set.time_zone IS 'Zone in which days are counted and times without zone are read';
COMMENT ON COLUMN customer_scoring.account_rule_set.columns IS 'Field to column of the target, for those whose names differ';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.account_rule_set',
	'WHERE target IS NULL OR target IN (SELECT c.oid FROM pg_catalog.pg_class c)');

CREATE TABLE customer_scoring.account_rule (
	rule_set text NOT NULL,
	name text NOT NULL,
	kind text NOT NULL,
	parameters jsonb NOT NULL DEFAULT '{}',
	applies_to jsonb,
	waived_for jsonb,
	action text,
	priority integer NOT NULL DEFAULT 100,
	enabled boolean NOT NULL DEFAULT true,
	PRIMARY KEY (rule_set, name),
	CONSTRAINT account_rule_name CHECK (name <> '')
);
COMMENT ON TABLE customer_scoring.account_rule IS 'Rules: what rows of a table must respect';
COMMENT ON COLUMN customer_scoring.account_rule.rule_set IS 'The set it belongs to';
COMMENT ON COLUMN customer_scoring.account_rule.name IS 'Name, which errors carry as their constraint';
COMMENT ON COLUMN customer_scoring.account_rule.kind IS 'Kind of rule';
COMMENT ON COLUMN customer_scoring.account_rule.parameters IS 'Parameters of the kind';
COMMENT ON COLUMN customer_scoring.account_rule.applies_to IS 'Rows and customers it is about: all of key_accounts, tiers, segments, fields must fit; NULL for all';
COMMENT ON COLUMN customer_scoring.account_rule.waived_for IS 'Rows and customers it is waived for: one of key_accounts, tiers, segments, fields is enough; NULL for none';
COMMENT ON COLUMN customer_scoring.account_rule.action IS 'reject, warn or set; NULL for what is usual for the kind';
COMMENT ON COLUMN customer_scoring.account_rule.priority IS 'Rules with lower numbers are asked first; the first one that rejects ends the statement';
COMMENT ON COLUMN customer_scoring.account_rule.enabled IS 'Whether it is in force';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.account_rule',
	'WHERE rule_set IN (SELECT s.name FROM customer_scoring.account_rule_set s WHERE s.target IS NULL OR s.target IN (SELECT c.oid FROM pg_catalog.pg_class c))');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_scoring.account_rule_set, customer_scoring.account_rule TO pg_database_owner;

CREATE FUNCTION customer_scoring_internal.check_account_rule_set() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_check_account_rule_set';
CREATE FUNCTION customer_scoring_internal.check_account_rule() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_check_account_rule';
CREATE FUNCTION customer_scoring_internal.signal_rules() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_signal_rules';

CREATE TRIGGER check_rule_set BEFORE INSERT OR UPDATE ON customer_scoring.account_rule_set
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.check_account_rule_set();
CREATE TRIGGER check_rule BEFORE INSERT OR UPDATE ON customer_scoring.account_rule
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.check_account_rule();

-- Rules go with their set, and are renamed with it. A foreign key would do that
-- too, but rows of a dump that is restored in parallel come in any order.
CREATE FUNCTION customer_scoring_internal.follow_rule_set() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN
		DELETE FROM customer_scoring.account_rule r WHERE r.rule_set = old.name;
	ELSIF new.name <> old.name THEN
		UPDATE customer_scoring.account_rule r SET rule_set = new.name WHERE r.rule_set = old.name;
	END IF;
	RETURN NULL;
END $$;
CREATE TRIGGER follow_rule_set AFTER UPDATE OR DELETE ON customer_scoring.account_rule_set
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.follow_rule_set();

-- Whatever changes rules, or what they ask of customers, is told to all sessions.
DO $$
DECLARE
	signal text[];
BEGIN
	FOREACH signal SLICE 1 IN ARRAY ARRAY[
		['account_rule_set', 'UPDATE', 'customer_scoring_internal.signal_rules'], ['account_rule', 'UPDATE', 'customer_scoring_internal.signal_rules'],
		['tier_policy', 'UPDATE', 'customer_scoring_internal.signal_rules'], ['segment_table_definition', 'UPDATE OF tiers', 'customer_scoring_internal.signal_rules'],
		['key_account', 'UPDATE', 'customer_scoring.signal_accounts'], ['account_manager', 'UPDATE', 'customer_scoring.signal_accounts']]
	LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER customer_scoring_signal AFTER INSERT OR %s OR DELETE OR TRUNCATE ON customer_scoring.%I
			FOR EACH STATEMENT EXECUTE FUNCTION %s()', signal[2], signal[1], signal[3]);
		EXECUTE pg_catalog.format('ALTER TABLE customer_scoring.%I ENABLE ALWAYS TRIGGER customer_scoring_signal', signal[1]);
	END LOOP;
END
$$;

CREATE FUNCTION customer_scoring.enforce_account_rules() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_enforce_account_rules';
COMMENT ON FUNCTION customer_scoring.enforce_account_rules() IS
	'Trigger that has a table keep the rules of a set: BEFORE INSERT OR UPDATE FOR EACH ROW EXECUTE FUNCTION enforce_account_rules(''rule set'')';

-- rule/total.c: limits on totals

CREATE TABLE customer_scoring_internal.rule_guard (
	place integer PRIMARY KEY,
	uses bigint NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE customer_scoring_internal.rule_guard IS 'Rows that are updated before a total is looked at, so that no two transactions look at once';
COMMENT ON COLUMN customer_scoring_internal.rule_guard.place IS 'Place, by hash of rule and group';
COMMENT ON COLUMN customer_scoring_internal.rule_guard.uses IS 'How often it was taken';

CREATE UNLOGGED TABLE customer_scoring_internal.rule_check (
	batch bigint NOT NULL
);
COMMENT ON TABLE customer_scoring_internal.rule_check IS 'A row for a statement that has to look at totals when it ends; none stays';
COMMENT ON COLUMN customer_scoring_internal.rule_check.batch IS 'Number of what it has to look at, within its session';

CREATE FUNCTION customer_scoring_internal.check_totals() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_check_totals';
CREATE TRIGGER check_totals AFTER INSERT ON customer_scoring_internal.rule_check
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.check_totals();
ALTER TABLE customer_scoring_internal.rule_check ENABLE ALWAYS TRIGGER check_totals;

-- rule/ask.c: rules without a trigger

CREATE FUNCTION customer_scoring.check_account_rules(rule_set text, record jsonb) RETURNS void
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_check_account_rules';
COMMENT ON FUNCTION customer_scoring.check_account_rules(text, jsonb) IS
	'Raise the error that the trigger would raise for a row; limits on totals are kept until the end of the transaction';

CREATE FUNCTION customer_scoring.explain_account_rules(rule_set text, record jsonb)
	RETURNS TABLE (rule text, kind text, action text, applies boolean, waived_by text, fires boolean, code text, message text, detail jsonb)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_explain_account_rules';
COMMENT ON FUNCTION customer_scoring.explain_account_rules(text, jsonb) IS
	'What each rule of a set says of a row: whether it applies, is waived, would fire; nothing happens';

CREATE FUNCTION customer_scoring.rule_violations(rule_set text)
	RETURNS TABLE (rule text, kind text, customer text, code text, message text, detail jsonb, row_data jsonb)
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_rule_violations';
COMMENT ON FUNCTION customer_scoring.rule_violations(text) IS
	'Rows of the target, and totals, that its rules would refuse if they were written now';
