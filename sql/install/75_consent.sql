-- Consent: who may be contacted, for what and how. Customers are text here: the text output of the user's key.

CREATE TABLE customer_scoring.consent (
	consent_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer text NOT NULL,
	purpose text NOT NULL,
	channel text NOT NULL,
	status text NOT NULL,
	at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	expires_at timestamptz,
	evidence text,
	policy_version text,
	CONSTRAINT consent_status CHECK (status IN ('granted', 'denied', 'revoked')),
	CONSTRAINT consent_at CHECK (pg_catalog.isfinite(at)),
	CONSTRAINT consent_expires_at CHECK (expires_at > at)
);
COMMENT ON TABLE customer_scoring.consent IS 'What customers have agreed to or not, a row a statement of theirs; the latest one counts';
COMMENT ON COLUMN customer_scoring.consent.consent_id IS 'Number, rising with time';
COMMENT ON COLUMN customer_scoring.consent.customer IS 'The customer, as text';
COMMENT ON COLUMN customer_scoring.consent.purpose IS 'What for, for example marketing';
COMMENT ON COLUMN customer_scoring.consent.channel IS 'How, for example email';
COMMENT ON COLUMN customer_scoring.consent.status IS 'granted, denied or revoked';
COMMENT ON COLUMN customer_scoring.consent.at IS 'When it was said';
COMMENT ON COLUMN customer_scoring.consent.expires_at IS 'When a grant ends; NULL for 24 months later';
COMMENT ON COLUMN customer_scoring.consent.evidence IS 'What proves it';
COMMENT ON COLUMN customer_scoring.consent.policy_version IS 'Version of the privacy policy that was agreed to';
COMMENT ON SEQUENCE customer_scoring.consent_consent_id_seq IS 'Numbers of consents';
CREATE INDEX consent_latest ON customer_scoring.consent (customer, purpose, channel, at DESC, consent_id DESC);
COMMENT ON INDEX customer_scoring.consent_latest IS 'What a customer has said about a purpose and channel, latest first';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.consent', '');
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.consent_consent_id_seq', '');

CREATE TABLE customer_scoring.do_not_contact (
	customer text NOT NULL,
	channel text,
	reason text NOT NULL,
	since timestamptz NOT NULL DEFAULT pg_catalog.now(),
	until timestamptz,
	CONSTRAINT do_not_contact_period CHECK (pg_catalog.isfinite(since) AND since < until)
);
COMMENT ON TABLE customer_scoring.do_not_contact IS 'Customers who must not be contacted, whatever they have agreed to';
COMMENT ON COLUMN customer_scoring.do_not_contact.customer IS 'The customer, as text';
COMMENT ON COLUMN customer_scoring.do_not_contact.channel IS 'How they must not be; NULL for in no way';
COMMENT ON COLUMN customer_scoring.do_not_contact.reason IS 'Why, for example unsubscribed, bounced or manual';
COMMENT ON COLUMN customer_scoring.do_not_contact.since IS 'First moment';
COMMENT ON COLUMN customer_scoring.do_not_contact.until IS 'First moment after it; NULL for ever';
CREATE INDEX do_not_contact_customer ON customer_scoring.do_not_contact (customer);
COMMENT ON INDEX customer_scoring.do_not_contact_customer IS 'What is known of one customer';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.do_not_contact', '');

CREATE TABLE customer_scoring.contact_preference (
	customer text NOT NULL,
	channel text,
	days integer[],
	from_time time,
	until_time time,
	time_zone text NOT NULL DEFAULT pg_catalog.current_setting('TimeZone'),
	language text,
	CONSTRAINT contact_preference_one UNIQUE NULLS NOT DISTINCT (customer, channel),
	CONSTRAINT contact_preference_days CHECK (days <@ '{1, 2, 3, 4, 5, 6, 7}' AND pg_catalog.cardinality(days) > 0),
	CONSTRAINT contact_preference_hours CHECK ((from_time IS NULL) = (until_time IS NULL) AND from_time <> until_time),
	CONSTRAINT contact_preference_time_zone CHECK (pg_catalog.timezone(time_zone, timestamptz '2000-01-01 00:00+00') IS NOT NULL)
);
COMMENT ON TABLE customer_scoring.contact_preference IS 'When customers wish to be contacted, and in which language';
COMMENT ON COLUMN customer_scoring.contact_preference.customer IS 'The customer, as text';
COMMENT ON COLUMN customer_scoring.contact_preference.channel IS 'How; NULL for every channel that has no row of its own';
COMMENT ON COLUMN customer_scoring.contact_preference.days IS 'Days of the week, 1 for Monday to 7 for Sunday; NULL for all';
COMMENT ON COLUMN customer_scoring.contact_preference.from_time IS 'First time of day; NULL for all of it';
COMMENT ON COLUMN customer_scoring.contact_preference.until_time IS 'First time of day after it; when earlier than from_time, of the next day';
COMMENT ON COLUMN customer_scoring.contact_preference.time_zone IS 'Zone of the customer''s clock';
COMMENT ON COLUMN customer_scoring.contact_preference.language IS 'Language, for whoever writes or calls';
COMMENT ON INDEX customer_scoring.contact_preference_one IS 'One row a customer and channel';
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.contact_preference', '');

GRANT SELECT, INSERT, UPDATE, DELETE ON customer_scoring.consent, customer_scoring.do_not_contact, customer_scoring.contact_preference TO pg_database_owner;
GRANT SELECT ON SEQUENCE customer_scoring.consent_consent_id_seq TO pg_database_owner;

CREATE FUNCTION customer_scoring.in_contact_hours(days integer[], from_time time, until_time time, time_zone text, as_of timestamptz) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT (days IS NULL OR (pg_catalog.date_part('isodow', pg_catalog.timezone(time_zone, as_of))::integer OPERATOR(pg_catalog.=) ANY (days)))
			AND (from_time IS NULL OR CASE WHEN from_time OPERATOR(pg_catalog.<) until_time
				THEN pg_catalog.timezone(time_zone, as_of)::time OPERATOR(pg_catalog.>=) from_time AND pg_catalog.timezone(time_zone, as_of)::time OPERATOR(pg_catalog.<) until_time
				ELSE pg_catalog.timezone(time_zone, as_of)::time OPERATOR(pg_catalog.>=) from_time OR pg_catalog.timezone(time_zone, as_of)::time OPERATOR(pg_catalog.<) until_time END);
	END;
COMMENT ON FUNCTION customer_scoring.in_contact_hours(integer[], time, time, text, timestamptz) IS
	'Whether a moment is on one of these days of the week, and at one of these times of day, on the clocks of a zone';

CREATE FUNCTION customer_scoring.contact_refusal(customer text, purpose text, channel text, as_of timestamptz DEFAULT pg_catalog.now()) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT CASE
			WHEN EXISTS (SELECT FROM customer_scoring.do_not_contact d WHERE d.customer OPERATOR(pg_catalog.=) $1
				AND (d.channel IS NULL OR d.channel OPERATOR(pg_catalog.=) $3)
				AND d.since OPERATOR(pg_catalog.<=) $4 AND (d.until IS NULL OR d.until OPERATOR(pg_catalog.>) $4)) THEN 'do not contact'
			ELSE coalesce((
				SELECT CASE WHEN c.status OPERATOR(pg_catalog.<>) 'granted' THEN 'consent ' OPERATOR(pg_catalog.||) c.status
					WHEN coalesce(c.expires_at, c.at OPERATOR(pg_catalog.+) interval '24 months') OPERATOR(pg_catalog.<=) $4 THEN 'consent expired'
					WHEN NOT coalesce((SELECT customer_scoring.in_contact_hours(p.days, p.from_time, p.until_time, p.time_zone, $4)
						FROM customer_scoring.contact_preference p
						WHERE p.customer OPERATOR(pg_catalog.=) $1 AND (p.channel IS NULL OR p.channel OPERATOR(pg_catalog.=) $3)
						ORDER BY p.channel NULLS LAST LIMIT 1), true) THEN 'not at this time'
					ELSE '' END
				FROM customer_scoring.consent c
				WHERE c.customer OPERATOR(pg_catalog.=) $1 AND c.purpose OPERATOR(pg_catalog.=) $2 AND c.channel OPERATOR(pg_catalog.=) $3
					AND c.at OPERATOR(pg_catalog.<=) $4
				ORDER BY c.at DESC, c.consent_id DESC LIMIT 1), 'no consent')
			END;
	END;
COMMENT ON FUNCTION customer_scoring.contact_refusal(text, text, text, timestamptz) IS
	'Why a customer may not be contacted for a purpose by a channel at a moment; empty when he may';

CREATE FUNCTION customer_scoring.may_contact(customer text, purpose text, channel text, as_of timestamptz DEFAULT pg_catalog.now()) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT customer_scoring.contact_refusal($1, $2, $3, $4) OPERATOR(pg_catalog.=) '';
	END;
COMMENT ON FUNCTION customer_scoring.may_contact(text, text, text, timestamptz) IS
	'Whether a customer may be contacted for a purpose by a channel at a moment: only with consent that is in force, in the hours he wishes, and never against do_not_contact';
