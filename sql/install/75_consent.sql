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

GRANT SELECT, INSERT, UPDATE, DELETE ON customer_scoring.consent, customer_scoring.do_not_contact TO pg_database_owner;
GRANT SELECT ON SEQUENCE customer_scoring.consent_consent_id_seq TO pg_database_owner;

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
	'Whether a customer may be contacted for a purpose by a channel at a moment: only with consent that is in force, and never against do_not_contact';
