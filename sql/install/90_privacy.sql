-- privacy/: where persons are found in this database, and what becomes of them. Customers are text here: the text output of the user's key.

CREATE TABLE customer_scoring.privacy_register (
	relation regclass NOT NULL,
	customer name NOT NULL DEFAULT 'customer_id',
	column_name name,
	category text,
	on_erase text NOT NULL DEFAULT 'delete',
	replacement text,
	on_export boolean NOT NULL DEFAULT true,
	retention interval,
	time_column name,
	CONSTRAINT privacy_register_once UNIQUE NULLS NOT DISTINCT (relation, customer, column_name),
	CONSTRAINT privacy_register_on_erase CHECK (on_erase IN ('delete', 'anonymise', 'pseudonymise', 'keep')),
	CONSTRAINT privacy_register_delete_is_for_rows CHECK (on_erase <> 'delete' OR column_name IS NULL),
	CONSTRAINT privacy_register_replaced_column CHECK (on_erase NOT IN ('anonymise', 'pseudonymise') OR column_name IS NOT NULL),
	CONSTRAINT privacy_register_replacement CHECK (on_erase = 'anonymise' OR replacement IS NULL),
	CONSTRAINT privacy_register_retention CHECK (retention > interval '0' AND retention <= interval '1000 years'),
	CONSTRAINT privacy_register_retention_acts CHECK (on_erase IN ('delete', 'anonymise') OR retention IS NULL),
	CONSTRAINT privacy_register_time_column CHECK ((retention IS NULL) = (time_column IS NULL))
);
COMMENT ON TABLE customer_scoring.privacy_register IS 'Tables and columns that hold personal data: what becomes of them when a customer is erased, exported, or too old';
COMMENT ON COLUMN customer_scoring.privacy_register.relation IS 'The table';
COMMENT ON COLUMN customer_scoring.privacy_register.customer IS 'Its column with the customer';
COMMENT ON COLUMN customer_scoring.privacy_register.column_name IS 'The column this is about; NULL for the row';
COMMENT ON COLUMN customer_scoring.privacy_register.category IS 'What kind of data it is, in words of the user';
COMMENT ON COLUMN customer_scoring.privacy_register.on_erase IS
	'delete the row, anonymise the column to its replacement, pseudonymise it to a random value, or keep it; in a row that stays the customer is replaced in any case';
COMMENT ON COLUMN customer_scoring.privacy_register.replacement IS 'What an anonymised column becomes, as text; NULL for NULL';
COMMENT ON COLUMN customer_scoring.privacy_register.on_export IS 'Whether export_customer tells it; that of the row tells all columns';
COMMENT ON COLUMN customer_scoring.privacy_register.retention IS 'Time after which the row is deleted or the column anonymised; NULL for never';
COMMENT ON COLUMN customer_scoring.privacy_register.time_column IS 'The column from which that time is counted';
COMMENT ON INDEX customer_scoring.privacy_register_once IS 'Each column, and the row, is registered once for a customer column';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.privacy_register', 'WHERE relation IN (SELECT c.oid FROM pg_catalog.pg_class c)');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_scoring.privacy_register TO pg_database_owner;

CREATE FUNCTION customer_scoring_internal.check_privacy_register() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_check_privacy_register';
CREATE TRIGGER check_register BEFORE INSERT OR UPDATE ON customer_scoring.privacy_register
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.check_privacy_register();

-- The extension's own tables with customers. A table that has no row here keeps persons after they were erased.
CREATE TABLE customer_scoring_internal.personal_table (
	relation text NOT NULL,
	customer name NOT NULL DEFAULT 'customer',
	on_erase text NOT NULL DEFAULT 'delete',
	after name,
	mentions name,
	on_export boolean NOT NULL DEFAULT true,
	PRIMARY KEY (relation, customer),
	CONSTRAINT personal_table_on_erase CHECK (on_erase IN ('delete', 'pseudonymise'))
);
COMMENT ON TABLE customer_scoring_internal.personal_table IS 'Tables of the extension that hold customers';
COMMENT ON COLUMN customer_scoring_internal.personal_table.relation IS 'The table; one that is not there is passed over';
COMMENT ON COLUMN customer_scoring_internal.personal_table.customer IS 'Its column with the customer, as text, that leads an index';
COMMENT ON COLUMN customer_scoring_internal.personal_table.on_erase IS 'delete the row, or pseudonymise the customer';
COMMENT ON COLUMN customer_scoring_internal.personal_table.after IS 'The column before it in the index; NULL when it is the first';
COMMENT ON COLUMN customer_scoring_internal.personal_table.mentions IS 'A column with words of users that may mention the customer, and is overwritten then';
COMMENT ON COLUMN customer_scoring_internal.personal_table.on_export IS 'Whether export_customer tells its rows';
INSERT INTO customer_scoring_internal.personal_table (relation, customer, on_erase, after, mentions, on_export) VALUES
	('customer_scoring.account_manager', 'customer', 'delete', NULL, NULL, true),
	('customer_scoring.consent', 'customer', 'delete', NULL, NULL, true),
	('customer_scoring.contact_preference', 'customer', 'delete', NULL, NULL, true),
	('customer_scoring.do_not_contact', 'customer', 'delete', NULL, NULL, true),
	('customer_scoring.feedback', 'customer', 'delete', NULL, NULL, true),
	('customer_scoring.key_account', 'customer', 'delete', NULL, NULL, true),
	('customer_scoring.points_entry', 'beneficiary', 'pseudonymise', NULL, NULL, true),
	('customer_scoring.points_entry', 'customer', 'pseudonymise', 'programme', 'reference', true),
	('customer_scoring_internal.points_account', 'customer', 'delete', 'programme', NULL, false),
	('customer_scoring.profiling_opt_out', 'customer', 'delete', NULL, NULL, true),
	('customer_scoring.tier_history', 'customer', 'delete', 'policy', NULL, true);
CREATE INDEX points_entry_beneficiary ON customer_scoring.points_entry (beneficiary) WHERE beneficiary IS NOT NULL;
COMMENT ON INDEX customer_scoring.points_entry_beneficiary IS 'Entries by whom points were donated to';

CREATE FUNCTION customer_scoring_internal.erasing() RETURNS boolean
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_erasing';
COMMENT ON FUNCTION customer_scoring_internal.erasing() IS 'Whether erase_customer is at the tables of the extension';

-- A word of its own: 7 is in 'customer 7' and not in '17'.
CREATE FUNCTION customer_scoring_internal.mentions(words text, customer text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN $2 OPERATOR(pg_catalog.=) '' OR (pg_catalog.strpos($1, $2) OPERATOR(pg_catalog.>) 0) IS NOT TRUE THEN false
		WHEN pg_catalog.octet_length($2) OPERATOR(pg_catalog.>) 1000 THEN true
		ELSE $1 COLLATE pg_catalog."C" OPERATOR(pg_catalog.~) pg_catalog.concat('(^|[^[:alnum:]])',
			pg_catalog.regexp_replace($2 COLLATE pg_catalog."C", '([^[:alnum:]])', '\\\1', 'g'), '([^[:alnum:]]|$)') END;
COMMENT ON FUNCTION customer_scoring_internal.mentions(text, text) IS 'Whether words mention a customer';

CREATE FUNCTION customer_scoring.erase_customer(customer text, OUT relation text, OUT deleted bigint, OUT anonymised bigint) RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_erase_customer';
COMMENT ON FUNCTION customer_scoring.erase_customer(text) IS
	'Delete a customer, or what tells who he is, from all registered tables, with the rights of the caller, and from all that the extension keeps; he stays out from then on. All or nothing; rows by table';
CREATE FUNCTION customer_scoring.export_customer(customer text) RETURNS jsonb
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_export_customer';
COMMENT ON FUNCTION customer_scoring.export_customer(text) IS
	'All that registered tables and the extension hold of a customer, table by table, as far as the caller may see it';
REVOKE EXECUTE ON FUNCTION customer_scoring.erase_customer(text), customer_scoring.export_customer(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION customer_scoring.erase_customer(text), customer_scoring.export_customer(text) TO pg_database_owner;

-- privacy/retention.c: rows that are too old

CREATE TABLE customer_scoring_internal.retention_run (
	relation regclass PRIMARY KEY,
	applied_at timestamptz NOT NULL
);
COMMENT ON TABLE customer_scoring_internal.retention_run IS 'When a worker last looked for rows of a registered table that are too old';
COMMENT ON COLUMN customer_scoring_internal.retention_run.relation IS 'The table';
COMMENT ON COLUMN customer_scoring_internal.retention_run.applied_at IS 'When it did, with or without success';

CREATE FUNCTION customer_scoring.apply_retention(as_of timestamptz DEFAULT pg_catalog.now(), OUT relation text, OUT deleted bigint, OUT anonymised bigint)
	RETURNS SETOF record
	LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_apply_retention';
COMMENT ON FUNCTION customer_scoring.apply_retention(timestamptz) IS
	'Delete or anonymise what is older than its retention at a moment, in the registered tables that the caller owns; rows by table';

-- privacy/audit.c: who did what

CREATE TABLE customer_scoring.privacy_audit (
	at timestamptz NOT NULL,
	session_role text NOT NULL,
	acting_role text NOT NULL,
	action text NOT NULL,
	relation text,
	customer_hash bytea,
	details jsonb
);
COMMENT ON TABLE customer_scoring.privacy_audit IS 'Who read, erased or changed what: only ever added to, and without names or values of persons';
COMMENT ON COLUMN customer_scoring.privacy_audit.at IS 'When';
COMMENT ON COLUMN customer_scoring.privacy_audit.session_role IS 'The role that was logged in';
COMMENT ON COLUMN customer_scoring.privacy_audit.acting_role IS 'The role that it acted as';
COMMENT ON COLUMN customer_scoring.privacy_audit.action IS 'export, erase, retention, insert, update, delete, truncate, or copy for rows that were loaded into a table that had some';
COMMENT ON COLUMN customer_scoring.privacy_audit.relation IS 'The table; NULL for all that hold the customer';
COMMENT ON COLUMN customer_scoring.privacy_audit.customer_hash IS 'What stands for the customer, as among the tombstones; NULL when it is about none';
COMMENT ON COLUMN customer_scoring.privacy_audit.details IS 'Rows by table, or values that are nobody''s, old and new ones; withheld are those that may tell of somebody, but for their names';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.privacy_audit', '');
GRANT SELECT ON customer_scoring.privacy_audit TO pg_database_owner;

CREATE FUNCTION customer_scoring_internal.refuse_audit_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	RAISE 'what was audited is never changed' USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Rows of privacy_audit are only ever added.';
END $$;
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON customer_scoring.privacy_audit
	FOR EACH STATEMENT EXECUTE FUNCTION customer_scoring_internal.refuse_audit_change();
ALTER TABLE customer_scoring.privacy_audit ENABLE ALWAYS TRIGGER refuse_change;

CREATE FUNCTION customer_scoring_internal.audit_change() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_audit_change';

-- Tables whose changes are audited: the column with the customer, if any, the columns whose values may be told, and what
-- is none of it: what a refresh writes follows from policies, which are audited.
DO $$
DECLARE
	t record;
	arguments text;
	event text;
BEGIN
	FOR t IN SELECT * FROM (VALUES
		('consent', '{customer, consent_id, purpose, channel, status, at, expires_at, policy_version}'::text[], NULL, NULL),
		('do_not_contact', '{customer, channel, since, until}', NULL, NULL),
		('contact_preference', '{customer, channel, days, from_time, until_time, time_zone, language}', NULL, NULL),
		('profiling_opt_out', '{customer, since, until}', NULL, NULL),
		('key_account', '{customer, valid_from, valid_until, origin, service_level, periods_below}', $c$%1$s.origin = 'manual'$c$, $c$old.origin = 'manual' OR new.origin = 'manual'$c$),
		('account_manager', '{customer, valid_from, valid_until}', NULL, NULL),
		('feedback', '{customer, feedback_id, received_at, severity, acknowledged_at, answered_at, validated_at, reopens}', NULL, NULL),
		('tier_policy', '{"", name, scheme, basis, segment_table, points_programme, period, length, start_month, hold, grace, downgrade, time_zone}', NULL, NULL),
		('points_programme', '{"", name, pending, expire_after, time_zone, allow_negative}', NULL, NULL),
		('key_account_policy', '{"", segment_table, a, b, assess_every, leave_after, service_level}', NULL,
			'(old.segment_table, old.a, old.b, old.assess_every, old.leave_after, old.service_level) IS DISTINCT FROM (new.segment_table, new.a, new.b, new.assess_every, new.leave_after, new.service_level)'),
		('account_rule_set', '{"", name, target, segment_table, time_zone, columns}', NULL, NULL),
		('account_rule', '{"", rule_set, name, kind, parameters, action, priority, enabled}', NULL, NULL),
		('privacy_register', '{"", relation, customer, column_name, category, on_erase, replacement, on_export, retention, time_column}', NULL, NULL)) x (name, told, counts, update_counts)
	LOOP
		arguments := (SELECT pg_catalog.string_agg(pg_catalog.quote_literal(c), ', ') FROM pg_catalog.unnest(t.told) c);
		FOREACH event IN ARRAY '{insert, update, delete}'::text[] LOOP
			EXECUTE pg_catalog.format('CREATE TRIGGER audit_%s AFTER %1$s ON customer_scoring.%I FOR EACH ROW %s
				EXECUTE FUNCTION customer_scoring_internal.audit_change(%s)', event, t.name,
				'WHEN (' || CASE event WHEN 'update' THEN t.update_counts WHEN 'insert' THEN pg_catalog.format(t.counts, 'new') ELSE pg_catalog.format(t.counts, 'old') END || ')', arguments);
			EXECUTE pg_catalog.format('ALTER TABLE customer_scoring.%I ENABLE ALWAYS TRIGGER audit_%s', t.name, event);
		END LOOP;
		EXECUTE pg_catalog.format('CREATE TRIGGER audit_load BEFORE INSERT OR TRUNCATE ON customer_scoring.%I FOR EACH STATEMENT
			EXECUTE FUNCTION customer_scoring_internal.audit_change()', t.name);
		EXECUTE pg_catalog.format('ALTER TABLE customer_scoring.%I ENABLE ALWAYS TRIGGER audit_load', t.name);
	END LOOP;
END
$$;
