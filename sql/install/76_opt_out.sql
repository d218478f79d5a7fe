-- segment/tombstone.c, left_out.c: who is in no segment table. Customers are text here: the text output of the user's key.

CREATE TABLE customer_scoring.profiling_opt_out (
	customer text NOT NULL,
	since timestamptz NOT NULL DEFAULT pg_catalog.now(),
	until timestamptz,
	reason text,
	evidence text,
	CONSTRAINT profiling_opt_out_period CHECK (pg_catalog.isfinite(since) AND since < until)
);
COMMENT ON TABLE customer_scoring.profiling_opt_out IS 'Customers who do not want to be profiled: they are in no segment table';
COMMENT ON COLUMN customer_scoring.profiling_opt_out.customer IS 'The customer, as text';
COMMENT ON COLUMN customer_scoring.profiling_opt_out.since IS 'When it was said; it counts at once, whatever moment a refresh is about';
COMMENT ON COLUMN customer_scoring.profiling_opt_out.until IS 'First moment after it; NULL for ever';
COMMENT ON COLUMN customer_scoring.profiling_opt_out.reason IS 'Why, in words';
COMMENT ON COLUMN customer_scoring.profiling_opt_out.evidence IS 'What proves it';
CREATE INDEX profiling_opt_out_customer ON customer_scoring.profiling_opt_out (customer);
COMMENT ON INDEX customer_scoring.profiling_opt_out_customer IS 'What is known of one customer';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.profiling_opt_out', '');
GRANT SELECT, INSERT, UPDATE, DELETE ON customer_scoring.profiling_opt_out TO pg_database_owner;

CREATE FUNCTION customer_scoring.has_opted_out(customer text, as_of timestamptz DEFAULT pg_catalog.now()) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT EXISTS (SELECT FROM customer_scoring.profiling_opt_out o WHERE o.customer OPERATOR(pg_catalog.=) $1
			AND (o.until IS NULL OR o.until OPERATOR(pg_catalog.>) $2));
	END;
COMMENT ON FUNCTION customer_scoring.has_opted_out(text, timestamptz) IS 'Whether a customer does not want to be profiled at a moment';

-- A salt of its own for each database, made with the first tombstone, so that a restored one finds none in its way.
CREATE TABLE customer_scoring.tombstone_salt (
	salt bytea NOT NULL,
	only_one boolean PRIMARY KEY DEFAULT true,
	made_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	CONSTRAINT tombstone_salt_only_one CHECK (only_one)
);
COMMENT ON TABLE customer_scoring.tombstone_salt IS 'What customers are hashed with in tombstones and privacy_audit; there is none before the first';
COMMENT ON COLUMN customer_scoring.tombstone_salt.salt IS 'Random bytes';
COMMENT ON COLUMN customer_scoring.tombstone_salt.only_one IS 'True, for there is one row';
COMMENT ON COLUMN customer_scoring.tombstone_salt.made_at IS 'When it was made; tombstones from then on were made with it';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.tombstone_salt', '');

CREATE TABLE customer_scoring.tombstone (
	customer_hash bytea PRIMARY KEY,
	erased_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE customer_scoring.tombstone IS 'Customers who were erased: they stay out of segment tables though their orders be loaded again';
COMMENT ON COLUMN customer_scoring.tombstone.customer_hash IS 'SHA-256 of the salt and the customer, as text';
COMMENT ON COLUMN customer_scoring.tombstone.erased_at IS 'When he was erased';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.tombstone', '');
GRANT SELECT ON customer_scoring.tombstone_salt, customer_scoring.tombstone TO pg_database_owner;

-- Rows that a restore inserts one by one are audited, which makes a salt before that of the dump comes. It gives way, unless
-- somebody was erased by it; a salt that is being made here is made now, and takes nobody's place.
CREATE FUNCTION customer_scoring_internal.restore_salt() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM customer_scoring.tombstone_salt s
	WHERE NOT EXISTS (SELECT FROM customer_scoring.tombstone t WHERE t.erased_at >= s.made_at);
	RETURN new;
END $$;
CREATE TRIGGER restore_salt BEFORE INSERT ON customer_scoring.tombstone_salt
	FOR EACH ROW WHEN (new.made_at IS DISTINCT FROM pg_catalog.now()) EXECUTE FUNCTION customer_scoring_internal.restore_salt();

-- Tables of the extension that segment tables follow have these triggers always, so that nobody needs TRIGGER on them.
DO $$
DECLARE
	source text;
BEGIN
	FOREACH source IN ARRAY ARRAY['key_account', 'account_manager', 'profiling_opt_out', 'tombstone'] LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER customer_scoring_capture AFTER INSERT OR UPDATE OR DELETE ON customer_scoring.%I
			FOR EACH ROW EXECUTE FUNCTION customer_scoring.capture_changes()', source);
		EXECUTE pg_catalog.format('CREATE TRIGGER customer_scoring_truncate AFTER TRUNCATE ON customer_scoring.%I
			FOR EACH STATEMENT EXECUTE FUNCTION customer_scoring.capture_changes()', source);
		EXECUTE pg_catalog.format('ALTER TABLE customer_scoring.%I ENABLE ALWAYS TRIGGER customer_scoring_capture,
			ENABLE ALWAYS TRIGGER customer_scoring_truncate', source);
		EXECUTE pg_catalog.format('COMMENT ON TRIGGER customer_scoring_capture ON customer_scoring.%I IS %L', source, 'Tells segment tables whom to look at');
		EXECUTE pg_catalog.format('COMMENT ON TRIGGER customer_scoring_truncate ON customer_scoring.%I IS %L', source, 'Tells segment tables to look at everybody');
	END LOOP;
END
$$;

CREATE FUNCTION customer_scoring_internal.tombstone_hash(customer text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'cs_tombstone_hash' LANGUAGE C STABLE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION customer_scoring_internal.tombstone_hash(text) IS
	'What stands for a customer among the tombstones, whether he has one or not; NULL before the first was made';

CREATE FUNCTION customer_scoring_internal.add_tombstone(customer text) RETURNS bytea
	AS 'MODULE_PATHNAME', 'cs_add_tombstone' LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION customer_scoring_internal.add_tombstone(text) IS
	'Give a customer a tombstone, unless he has one, and tell segment tables to look at him; its hash';

CREATE FUNCTION customer_scoring.readmit_customer(customer text) RETURNS boolean
	AS 'MODULE_PATHNAME', 'cs_readmit_customer' LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION customer_scoring.readmit_customer(text) IS
	'Take the tombstone of a customer away who has come back as a new one; whether he had one';
REVOKE EXECUTE ON FUNCTION customer_scoring.readmit_customer(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION customer_scoring.readmit_customer(text) TO pg_database_owner;

-- may_contact of a whole segment table, in one go.
CREATE FUNCTION customer_scoring.contactable_customers(segment_table regclass, purpose text, channel text, as_of timestamptz DEFAULT pg_catalog.now())
	RETURNS TABLE (customer text, segment text, language text)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF segment_table IS NULL THEN
		RAISE 'segment_table must not be null' USING ERRCODE = 'null_value_not_allowed', HINT = 'Say whose customers are to be contacted.';
	ELSIF NOT EXISTS (SELECT FROM customer_scoring.segment_table_definition d WHERE d.segment_table = $1) THEN
		RAISE '% is not a segment table', quote_literal(segment_table) USING ERRCODE = 'wrong_object_type',
			HINT = 'See customer_scoring.segment_table_status, or create one with customer_scoring.create_segment_table.';
	END IF;
	RETURN QUERY EXECUTE format($query$
		SELECT t.customer, t.segment, coalesce(p.language, e.language)
		FROM (SELECT s.customer_id::text AS customer, s.segment FROM ONLY %s s) t
		JOIN (SELECT DISTINCT ON (c.customer) c.customer, c.status, coalesce(c.expires_at, c.at + interval '24 months') AS expires_at
			FROM customer_scoring.consent c WHERE c.purpose = $1 AND c.channel = $2 AND c.at <= $3
			ORDER BY c.customer, c.at DESC, c.consent_id DESC) c ON c.customer = t.customer
		LEFT JOIN customer_scoring.contact_preference p ON p.customer = t.customer AND p.channel = $2
		LEFT JOIN customer_scoring.contact_preference e ON e.customer = t.customer AND e.channel IS NULL
		WHERE c.status = 'granted' AND c.expires_at > $3
		  AND CASE WHEN p.customer IS NOT NULL THEN customer_scoring.in_contact_hours(p.days, p.from_time, p.until_time, p.time_zone, $3)
		           WHEN e.customer IS NOT NULL THEN customer_scoring.in_contact_hours(e.days, e.from_time, e.until_time, e.time_zone, $3)
		           ELSE true END
		  AND NOT EXISTS (SELECT FROM customer_scoring.do_not_contact d WHERE d.customer = t.customer AND (d.channel IS NULL OR d.channel = $2)
			AND d.since <= $3 AND (d.until IS NULL OR d.until > $3))
		  AND NOT EXISTS (SELECT FROM customer_scoring.profiling_opt_out o WHERE o.customer = t.customer AND (o.until IS NULL OR o.until > $3)) $query$, segment_table)
	USING purpose, channel, as_of;
END $$;
COMMENT ON FUNCTION customer_scoring.contactable_customers(regclass, text, text, timestamptz) IS
	'Customers of a segment table who may be contacted for a purpose by a channel at a moment and have not opted out of profiling, with segment and language';
