-- Who may be contacted, when, and all of a segment table at once: the same whichever way it is asked.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;

-- hours are those of the customer's clock
INSERT INTO consent (customer, purpose, channel, status, at) SELECT c, 'news', ch, 'granted', '2024-01-01' FROM unnest('{jkt,nyc,night,none,all}'::text[]) c, unnest('{mail,phone}'::text[]) ch;
INSERT INTO contact_preference (customer, channel, days, from_time, until_time, time_zone, language) VALUES
	('jkt', 'phone', '{1,2,3,4,5}', '09:00', '17:00', 'Asia/Jakarta', 'id'), ('nyc', NULL, NULL, '09:00', '17:00', 'America/New_York', 'en'),
	('night', 'phone', '{6,7}', '22:00', '06:00', 'UTC', NULL), ('all', 'phone', NULL, NULL, NULL, 'UTC', 'de'), ('all', NULL, '{7}', '00:00', '24:00', 'UTC', 'fr');
SELECT m, c, contact_refusal(c, 'news', 'phone', m) AS phone, contact_refusal(c, 'news', 'mail', m) AS mail
FROM unnest('{2024-03-08 01:59:59.999999+00, 2024-03-08 02:00+00, 2024-03-08 10:00+00, 2024-03-09 02:00+00, 2024-03-08 14:00+00, 2024-03-10 13:00+00, 2024-03-10 05:59+00, 2024-03-10 06:00+00}'::timestamptz[]) WITH ORDINALITY x (m, n),
	unnest('{jkt,nyc,night,all}'::text[]) WITH ORDINALITY y (c, o) ORDER BY n, o;
SELECT in_contact_hours(NULL, NULL, NULL, 'UTC', now()), in_contact_hours('{1}', NULL, NULL, 'UTC', 'infinity'), in_contact_hours(NULL, '22:00', '06:00', 'UTC', '2024-01-01 06:00+00'), in_contact_hours(NULL, '22:00', '06:00', 'UTC', '2024-01-01 22:00+00');
SELECT contact_refusal('jkt', NULL, 'phone'), contact_refusal('jkt', 'news', NULL), contact_refusal('jkt', 'news', 'phone', NULL), contact_refusal(NULL, 'news', 'phone');
-- what is no preference
INSERT INTO contact_preference (customer, days) VALUES ('x', '{}');
INSERT INTO contact_preference (customer, days) VALUES ('x', '{0}');
INSERT INTO contact_preference (customer, days) VALUES ('x', '{1,NULL}');
INSERT INTO contact_preference (customer, from_time) VALUES ('x', '10:00');
INSERT INTO contact_preference (customer, from_time, until_time) VALUES ('x', '10:00', '10:00');
INSERT INTO contact_preference (customer, time_zone) VALUES ('x', 'Mars/Olympus');
INSERT INTO contact_preference (customer) VALUES ('nyc');
-- a rule that asks for consent asks for the hours as well
CREATE TABLE call (customer text, purpose text, channel text, at timestamptz);
INSERT INTO account_rule_set (name, target, time_zone) VALUES ('calls', 'call', 'UTC');
INSERT INTO account_rule (rule_set, name, kind) VALUES ('calls', 'consent', 'consent_required');
CREATE TRIGGER rules BEFORE INSERT ON call FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('calls');
UPDATE consent SET at = now() - interval '1 day';
UPDATE contact_preference SET days = ARRAY[extract(isodow FROM now() + interval '3 days')::int], from_time = NULL, until_time = NULL, time_zone = 'UTC' WHERE customer = 'jkt';
INSERT INTO call VALUES ('jkt', 'news', 'phone');
INSERT INTO call VALUES ('jkt', 'news', 'mail');
DROP TABLE call CASCADE;
DELETE FROM account_rule_set;
TRUNCATE consent, contact_preference;

-- all of a segment table: equal to may_contact of each, for who has not opted out
CREATE TABLE bought (customer_id int, ordered_at timestamptz, amount int);
INSERT INTO bought SELECT c, timestamptz '2024-01-01' + c * interval '1 hour', c FROM generate_series(1, 400) c;
SELECT create_segment_table('segs', 'bought', time_zone => 'UTC');
SELECT setseed(0.2);
INSERT INTO consent (customer, purpose, channel, status, at, expires_at)
SELECT 1 + floor(random() * 420), (ARRAY['news', 'offers'])[1 + floor(random() * 2)], (ARRAY['mail', 'phone'])[1 + floor(random() * 2)], (ARRAY['granted', 'granted', 'granted', 'denied', 'revoked'])[1 + floor(random() * 5)],
       at, CASE WHEN random() < 0.3 THEN at + (1 + random() * 600) * interval '1 day' END
FROM (SELECT date_trunc('day', timestamptz '2023-01-01' + random() * interval '500 days') AS at FROM generate_series(1, 3000)) r;
INSERT INTO do_not_contact (customer, channel, reason, since, until)
SELECT 1 + floor(random() * 420), CASE WHEN random() < 0.6 THEN 'phone' END, 'manual', since, CASE WHEN random() < 0.5 THEN since + random() * interval '100 days' END
FROM (SELECT timestamptz '2024-01-01' + random() * interval '200 days' AS since FROM generate_series(1, 60)) r;
INSERT INTO contact_preference (customer, channel, days, from_time, until_time, time_zone, language)
SELECT 1 + floor(random() * 420), CASE WHEN random() < 0.5 THEN (ARRAY['mail', 'phone'])[1 + floor(random() * 2)] END, CASE WHEN random() < 0.5 THEN ARRAY[1 + floor(random() * 7)::int, 1 + floor(random() * 7)::int] END,
       CASE WHEN h THEN time '00:00' + floor(random() * 12) * interval '1 hour' END, CASE WHEN h THEN time '12:00' + floor(random() * 12) * interval '1 hour' END, (ARRAY['UTC', 'Asia/Jakarta', 'America/New_York'])[1 + floor(random() * 3)], 'en'
FROM (SELECT random() < 0.7 AS h FROM generate_series(1, 300)) r ON CONFLICT DO NOTHING;
INSERT INTO profiling_opt_out (customer, since, until) SELECT 1 + floor(random() * 420), '2024-01-01', CASE WHEN random() < 0.5 THEN timestamptz '2024-01-01' + random() * interval '200 days' END FROM generate_series(1, 30) ON CONFLICT DO NOTHING;
SELECT count(*) FILTER (WHERE found IS DISTINCT FROM expected) AS wrong, count(*) FILTER (WHERE expected) > 100 AS some
FROM (SELECT timestamptz '2024-01-01' + (i * 29.3) * interval '1 hour' FROM generate_series(0, 60, 3) i) ms (moment), (VALUES ('news', 'mail'), ('offers', 'phone')) pc (purpose, channel),
LATERAL (SELECT c.customer IS NOT NULL AS found, may_contact(t.customer_id::text, purpose, channel, moment) AND NOT has_opted_out(t.customer_id::text, moment) AS expected
	FROM segs t LEFT JOIN contactable_customers('segs', purpose, channel, moment) c ON c.customer = t.customer_id::text) x;
SELECT count(*) FROM contactable_customers('segs', 'news', 'mail', '2024-03-06 12:00+00') c JOIN segs t ON t.customer_id::text = c.customer AND t.segment = c.segment;
SELECT count(*), count(DISTINCT customer) FROM contactable_customers('segs', 'news', 'mail', '2024-03-06 12:00+00');
SELECT * FROM contactable_customers('segs', NULL, 'mail') UNION ALL SELECT * FROM contactable_customers('segs', 'news', NULL) UNION ALL SELECT * FROM contactable_customers('segs', 'news', 'mail', NULL);
SELECT * FROM contactable_customers(NULL, 'news', 'mail');
SELECT * FROM contactable_customers('bought', 'news', 'mail');
-- with the rights of whoever asks
\set VERBOSITY sqlstate
CREATE ROLE regress_cs_mailer;
SET ROLE regress_cs_mailer;
SELECT * FROM contactable_customers('segs', 'news', 'mail');
RESET ROLE;
GRANT SELECT ON segs TO regress_cs_mailer;
SET ROLE regress_cs_mailer;
SELECT * FROM contactable_customers('segs', 'news', 'mail');
RESET ROLE;
GRANT SELECT ON consent, contact_preference, do_not_contact, profiling_opt_out TO regress_cs_mailer;
SET ROLE regress_cs_mailer;
SELECT count(*) > 0 FROM contactable_customers('segs', 'news', 'mail', '2024-03-06 12:00+00');
RESET ROLE;
DROP OWNED BY regress_cs_mailer;
DROP ROLE regress_cs_mailer;
SELECT drop_segment_table('segs');
DROP TABLE bought;
TRUNCATE consent, contact_preference, do_not_contact, profiling_opt_out;
