
-- text/: keys by which persons are found again

CREATE TABLE customer_scoring_internal.name_signal ();
COMMENT ON TABLE customer_scoring_internal.name_signal IS 'Tells sessions that words of names or regions of phone numbers have changed; never has rows';

CREATE TABLE customer_scoring.name_word (
	word text NOT NULL,
	locale text NOT NULL,
	place text NOT NULL,
	shipped boolean NOT NULL DEFAULT false,
	PRIMARY KEY (word, locale, shipped),
	CONSTRAINT name_word_locale CHECK (locale ~ '^[a-z]{2,3}$'),
	CONSTRAINT name_word_place CHECK (place IN ('before', 'after', 'both', 'nowhere'))
);
COMMENT ON TABLE customer_scoring.name_word IS 'Titles, degrees and legal forms that name_key leaves out; a row of yours goes before a shipped one';
COMMENT ON COLUMN customer_scoring.name_word.word IS 'The word, or a few; brought into the form of a key when it is written';
COMMENT ON COLUMN customer_scoring.name_word.locale IS 'Language it belongs to, such as id';
COMMENT ON COLUMN customer_scoring.name_word.place IS 'Where it is left out: before a name, after it, both, or nowhere';
COMMENT ON COLUMN customer_scoring.name_word.shipped IS 'Whether it came with the extension';
COMMENT ON INDEX customer_scoring.name_word_pkey IS 'A word has one place in a language, and maybe another one of yours';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.name_word', 'WHERE NOT shipped');

INSERT INTO customer_scoring.name_word (locale, place, word, shipped)
SELECT f.locale, f.place, w.word, true
FROM (VALUES
	-- how one speaks to people, and titles of rank, birth and belief
	('id', 'before', 'bpk|bp|bapak|pak|ibu|bu|sdr|saudara|sdri|saudari|tn|tuan|ny|nyonya|nn|nona|mas|mbak|kak|bang|yth'),
	('id', 'before', 'h|haji|hj|hajah|kh|kyai|kiai|ust|ustad|ustadz|ustadzah|pdt|pendeta|rm|romo|raden|rr|raden roro|ra|raden ajeng|rh|tb'),
	-- degrees
	('id', 'before', 'dr|drg|drh|ir|prof|dra|drs'),
	('id', 'both', 'apt'),
	('id', 'after', 'amd|ssi|skom|spd|se|sh|st|ssos|sip|sag|skm|sked|sfarm|sikom|spsi|stp|stt|mm|msi|mpd|mkom|mt|mh|mkes|msc|mba|mag|mhum|ak|phd|spog|sppd'),
	-- legal forms
	('id', 'both', 'pt|cv|ud|pd|firma|perum|persero|koperasi|yayasan|perseroan terbatas'),
	('id', 'after', 'tbk'),
	('en', 'before', 'mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|lord|lady|rev|hon'),
	('en', 'after', 'jr|sr|esq|phd|md|mba|msc|bsc'),
	('en', 'after', 'ltd|limited|inc|incorporated|llc|llp|lp|plc|corp|corporation|co|company|pte|pty|pvt|sdn bhd|sdn|bhd'),
	-- those that trade has brought everywhere
	('de', 'before', 'herr|frau|dr|prof'),
	('de', 'after', 'gmbh|ag|kg|ohg|mbh'),
	('nl', 'after', 'bv|nv'),
	('fr', 'after', 'sa|sarl|sas'),
	('it', 'after', 'spa|srl'),
	('ja', 'both', 'kk')
	) f (locale, place, words)
CROSS JOIN LATERAL pg_catalog.regexp_split_to_table(f.words, '[|]') w (word);

CREATE TABLE customer_scoring.phone_region (
	region text NOT NULL,
	calling_code text NOT NULL,
	national_prefix text NOT NULL DEFAULT '0',
	international_prefix text NOT NULL DEFAULT '00',
	shipped boolean NOT NULL DEFAULT false,
	PRIMARY KEY (region, shipped),
	CONSTRAINT phone_region_region CHECK (region ~ '^[A-Z]{2}$'),
	CONSTRAINT phone_region_calling_code CHECK (calling_code ~ '^[1-9][0-9]{0,3}$'),
	CONSTRAINT phone_region_national_prefix CHECK (national_prefix ~ '^[0-9]{0,3}$'),
	CONSTRAINT phone_region_international_prefix CHECK (international_prefix ~ '^[0-9]{1,5}$')
);
COMMENT ON TABLE customer_scoring.phone_region IS 'How phone numbers are dialled in a region; a row of yours goes before a shipped one';
COMMENT ON COLUMN customer_scoring.phone_region.region IS 'Region by its two letters, such as ID';
COMMENT ON COLUMN customer_scoring.phone_region.calling_code IS 'Its calling code, such as 62';
COMMENT ON COLUMN customer_scoring.phone_region.national_prefix IS 'What is dialled before a number within it and left out from abroad; empty for nothing';
COMMENT ON COLUMN customer_scoring.phone_region.international_prefix IS 'What is dialled before a calling code';
COMMENT ON COLUMN customer_scoring.phone_region.shipped IS 'Whether it came with the extension';
COMMENT ON INDEX customer_scoring.phone_region_pkey IS 'A region is described once, and maybe another time by you';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.phone_region', 'WHERE NOT shipped');

INSERT INTO customer_scoring.phone_region VALUES
	('ID', '62', '0', '00', true), ('MY', '60', '0', '00', true), ('SG', '65', '', '00', true), ('TH', '66', '0', '00', true),
	('VN', '84', '0', '00', true), ('PH', '63', '0', '00', true), ('BN', '673', '', '00', true), ('TL', '670', '', '00', true),
	('KH', '855', '0', '00', true), ('LA', '856', '0', '00', true), ('MM', '95', '0', '00', true), ('CN', '86', '0', '00', true),
	('HK', '852', '', '00', true), ('MO', '853', '', '00', true), ('TW', '886', '0', '00', true), ('JP', '81', '0', '010', true),
	('KR', '82', '0', '00', true), ('IN', '91', '0', '00', true), ('PK', '92', '0', '00', true), ('BD', '880', '0', '00', true),
	('LK', '94', '0', '00', true), ('NP', '977', '0', '00', true), ('AU', '61', '0', '0011', true), ('NZ', '64', '0', '00', true),
	('AE', '971', '0', '00', true), ('SA', '966', '0', '00', true), ('QA', '974', '', '00', true), ('KW', '965', '', '00', true),
	('BH', '973', '', '00', true), ('OM', '968', '', '00', true), ('TR', '90', '0', '00', true), ('IL', '972', '0', '00', true),
	('EG', '20', '0', '00', true), ('ZA', '27', '0', '00', true), ('NG', '234', '0', '009', true), ('KE', '254', '0', '000', true),
	('US', '1', '1', '011', true), ('CA', '1', '1', '011', true), ('MX', '52', '', '00', true), ('BR', '55', '0', '00', true),
	('AR', '54', '0', '00', true), ('CL', '56', '', '00', true), ('CO', '57', '', '00', true), ('GB', '44', '0', '00', true),
	('IE', '353', '0', '00', true), ('DE', '49', '0', '00', true), ('AT', '43', '0', '00', true), ('CH', '41', '0', '00', true),
	('NL', '31', '0', '00', true), ('BE', '32', '0', '00', true), ('LU', '352', '', '00', true), ('FR', '33', '0', '00', true),
	('ES', '34', '', '00', true), ('PT', '351', '', '00', true), ('IT', '39', '', '00', true), ('DK', '45', '', '00', true),
	('NO', '47', '', '00', true), ('SE', '46', '0', '00', true), ('FI', '358', '0', '00', true), ('PL', '48', '', '00', true),
	('CZ', '420', '', '00', true), ('GR', '30', '', '00', true);

GRANT SELECT ON customer_scoring.name_word, customer_scoring.phone_region TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON customer_scoring.name_word, customer_scoring.phone_region TO pg_database_owner;

-- What came with the extension stays, so that a dump holds what was changed.
CREATE FUNCTION customer_scoring_internal.form_word() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_form_word';
CREATE FUNCTION customer_scoring_internal.keep_shipped() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF (TG_OP <> 'INSERT' AND old.shipped) OR (TG_OP <> 'DELETE' AND new.shipped) THEN
		RAISE EXCEPTION 'rows that came with the extension cannot be changed, and none can be added' USING ERRCODE = 'object_not_in_prerequisite_state',
			HINT = 'INSERT a row of your own: it goes before the one that came with the extension.';
	END IF;
	IF TG_OP = 'DELETE' THEN
		RETURN old;
	END IF;
	IF TG_TABLE_NAME = 'name_word' THEN
		IF new.word = '' OR length(new.word) > 40 OR new.word LIKE '% % % %' THEN
			RAISE EXCEPTION 'a word of names must have letters, at most 40, in at most three words' USING ERRCODE = 'check_violation',
				HINT = 'Give a title or a legal form, such as S.Kom. or Sdn Bhd.';
		END IF;
	END IF;
	RETURN new;
END $$;
-- before keep_shipped: triggers fire in the order of their names
CREATE TRIGGER form_word BEFORE INSERT OR UPDATE ON customer_scoring.name_word
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.form_word();
CREATE TRIGGER keep_shipped BEFORE INSERT OR UPDATE OR DELETE ON customer_scoring.name_word
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.keep_shipped();
CREATE TRIGGER keep_shipped BEFORE INSERT OR UPDATE OR DELETE ON customer_scoring.phone_region
	FOR EACH ROW EXECUTE FUNCTION customer_scoring_internal.keep_shipped();

CREATE FUNCTION customer_scoring_internal.signal_names() RETURNS trigger
	LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'cs_signal_names';
CREATE TRIGGER customer_scoring_signal AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON customer_scoring.name_word
	FOR EACH STATEMENT EXECUTE FUNCTION customer_scoring_internal.signal_names();
CREATE TRIGGER customer_scoring_signal AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON customer_scoring.phone_region
	FOR EACH STATEMENT EXECUTE FUNCTION customer_scoring_internal.signal_names();
ALTER TABLE customer_scoring.name_word ENABLE ALWAYS TRIGGER customer_scoring_signal;
ALTER TABLE customer_scoring.phone_region ENABLE ALWAYS TRIGGER customer_scoring_signal;

-- text/name_key.c, search_key.c, email_key.c, phone_key.c: keys

CREATE FUNCTION customer_scoring.name_key(name text, locale text DEFAULT NULL) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_name_key';
COMMENT ON FUNCTION customer_scoring.name_key(text, text) IS
	'Key of a name: alike for names that differ in case, form, punctuation, white space, and words of name_word, of one language or all; NULL for no name';
CREATE FUNCTION customer_scoring.search_key(value text) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_search_key';
COMMENT ON FUNCTION customer_scoring.search_key(text) IS
	'Form of a text for searches by LIKE: small letters, Latin ones without accents, white space as one blank';
CREATE FUNCTION customer_scoring.email_key(email text, without_tag boolean DEFAULT false) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_email_key';
COMMENT ON FUNCTION customer_scoring.email_key(text, boolean) IS
	'Key of an e-mail address: trimmed and in small letters, without what follows a plus where asked for; NULL for what is none';
CREATE FUNCTION customer_scoring.phone_key(phone text, region text DEFAULT 'ID') RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_phone_key';
COMMENT ON FUNCTION customer_scoring.phone_key(text, text) IS
	'Key of a phone number: in international form, as dialled in a region when it has none of its own; NULL for what is none';

CREATE FUNCTION customer_scoring.text_key_version() RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_text_key_version';
COMMENT ON FUNCTION customer_scoring.text_key_version() IS
	'What keys made now depend on: rules, Unicode, ICU, and a fingerprint of name_word and phone_region';

CREATE FUNCTION customer_scoring.stale_keys(source regclass, input name, key name, key_version name, kind text DEFAULT 'name',
		locale text DEFAULT NULL, region text DEFAULT 'ID')
	RETURNS TABLE (version text, keys bigint, different bigint)
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	making text := CASE kind
		WHEN 'name' THEN 'customer_scoring.name_key(s.%1$I::text, $1)'
		WHEN 'search' THEN 'customer_scoring.search_key(s.%1$I::text)'
		WHEN 'email' THEN 'customer_scoring.email_key(s.%1$I::text)'
		WHEN 'phone' THEN 'customer_scoring.phone_key(s.%1$I::text, $2)' END;
	missing name;
BEGIN
	IF source IS NULL OR input IS NULL OR key IS NULL OR key_version IS NULL THEN
		RAISE EXCEPTION 'source, input, key and key_version must not be null' USING ERRCODE = 'null_value_not_allowed',
			HINT = 'Give a table and the names of three of its columns.';
	END IF;
	IF making IS NULL THEN
		RAISE EXCEPTION '"%" is no kind of key', kind USING ERRCODE = 'invalid_parameter_value', HINT = 'Kinds are name, search, email and phone.';
	END IF;
	SELECT c INTO missing FROM unnest(ARRAY[input, key, key_version]) c
	WHERE NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = source AND a.attname = c AND a.attnum > 0 AND NOT a.attisdropped);
	IF FOUND THEN
		RAISE EXCEPTION 'column "%" of % does not exist', missing, source USING ERRCODE = 'undefined_column',
			HINT = 'Name the columns with the input, its key, and what the key was made with.';
	END IF;
	RETURN QUERY EXECUTE format('SELECT s.%2$I::text, count(*), count(*) FILTER (WHERE s.%3$I::text IS DISTINCT FROM ' || making || ')
		FROM %4$s s WHERE s.%2$I::text IS DISTINCT FROM customer_scoring.text_key_version() GROUP BY 1 ORDER BY 1',
		input, key_version, key, source) USING locale, region;
END $$;
COMMENT ON FUNCTION customer_scoring.stale_keys(regclass, name, name, name, text, text, text) IS
	'Keys of a table that were made with another version than today''s, by version: how many, and how many of them would be different today';

-- text/duplicate.c: customers who may be the same person

CREATE FUNCTION customer_scoring.duplicate_customers(source regclass, customer name DEFAULT 'customer_id', name name DEFAULT NULL,
		email name DEFAULT NULL, phone name DEFAULT NULL, birth_date name DEFAULT NULL, locale text DEFAULT NULL, region text DEFAULT 'ID',
		min_score double precision DEFAULT 0.75, max_shared integer DEFAULT 100)
	RETURNS TABLE (keep text, customer_a text, customer_b text, agree text[], score double precision, shared_by bigint)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_duplicate_customers';
COMMENT ON FUNCTION customer_scoring.duplicate_customers(regclass, name, name, name, name, name, text, text, double precision, integer) IS
	'Customers of a table who may be the same person: neighbours among those who agree in keys of the columns named, and the first of all who belong together';
CREATE FUNCTION customer_scoring.duplicate_groups(source regclass, customer name DEFAULT 'customer_id', name name DEFAULT NULL,
		email name DEFAULT NULL, phone name DEFAULT NULL, birth_date name DEFAULT NULL, locale text DEFAULT NULL, region text DEFAULT 'ID',
		min_score double precision DEFAULT 0.75, max_shared integer DEFAULT 100)
	RETURNS TABLE (keep text, merge text, customers bigint)
	LANGUAGE c STABLE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'cs_duplicate_groups';
COMMENT ON FUNCTION customer_scoring.duplicate_groups(regclass, name, name, name, name, name, text, text, double precision, integer) IS
	'What duplicate_customers comes to: who would be merged into whom, and how many belong together';
