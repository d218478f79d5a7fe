-- E-mail addresses and phone numbers that are the same have one key; what is none has none. Texts have a form to search by.
-- Keys say what they were made with, and those that would be different today are found.
SET search_path = public, customer_scoring;
\pset format unaligned

SELECT left(email, 50) AS email, left(email_key(email), 50) AS key FROM unnest(ARRAY['budi@example.com', '  Budi@Example.COM' || E'\t\n', 'budi+news@example.com', '+budi@example.com', 'ＢＵＤＩ＠example。com', 'Ｂudi@ｅxample.com', 'a.b-c_d!#$%&''*/=?^`{|}~@x-1.example.co.id', 'josé@münchen.de', 'user@пример.рф',
	repeat('a', 64) || '@example.com', 'a@' || repeat('b', 63) || '.com', 'a@b.' || repeat('c.', 123) || 'de',
	-- none
	'', ' ', 'budi', '@', 'budi@', '@example.com', 'budi@example', 'budi@@example.com', 'a@b@example.com', 'bu di@example.com', '.budi@example.com', 'budi.@example.com', 'bu..di@example.com', 'budi@.example.com', 'budi@example.com.', 'budi@example..com',
	'budi@-example.com', 'budi@example-.com', 'budi@10.0.0.1', 'budi@exam_ple.com', '"budi"@example.com', 'Budi <budi@example.com>', 'mailto:budi@example.com', 'a@example.com, b@example.com', 'budi@[10.0.0.1]',
	repeat('a', 65) || '@example.com', 'a@' || repeat('b', 64) || '.com', 'a@b.' || repeat('c.', 124) || 'de', repeat('a', 100000), repeat(' ', 100000)]) WITH ORDINALITY u (email, n) ORDER BY n;
SELECT email, email_key(email, true), email_key(email, without_tag => false) FROM unnest(ARRAY['Budi+news@example.com', 'budi+a+b@example.com', '+budi@example.com', 'budi+@example.com', 'budi@example.com', 'budi+x']) email;
SELECT email_key(NULL) IS NULL AS no_address, email_key('a@b.c', NULL) IS NULL AS no_answer;

SELECT left(phone, 50) AS phone, phone_key(phone) FROM unnest(ARRAY[
	-- one number in many clothes
	'+6281234567890', '+62 812-3456-7890', '0812 3456 7890', '0812.3456.7890', '(0812) 34567890', '081234567890', '6281234567890', '0062 812 3456 7890', '+62 (0) 812 3456 7890', '+62 0812 3456 7890', '62 0812 3456 7890', 'tel:+62-812-3456-7890', '+62(0)812/3456/7890', '81234567890',
	'０８１２３４５６７８９０', '٠٨١٢٣٤٥٦٧٨٩٠', '۰۸۱۲۳۴۵۶۷۸۹۰', '＋62 812 3456 7890', '0812–3456—7890', U&'\202A+62\00A0812\00A03456\00A07890\202C', '0812 3456 7890 ext. 12', '0812 3456 7890 x12', '0812 3456 7890#12', 'tel:+6281234567890;ext=12', '0812 3456 7890, 0811 1111 1111', '0812 3456 7890 Ekst 12',
	-- others
	'021 5551234', '+1 (415) 555-2671', '001 415 555 2671', '+44 (0)20 7946 0958', '+39 06 698 12345', '+999 123456789', '+62 21 555',
	-- none
	'', '-', '0', '+', '++62812345678', '+62+812345678', '0812 3456 789O', 'n/a', 'WA 081234567890', '0000000000', '+0812345678', '12345', '+62 21', '+1234567890123456', repeat('1', 100), repeat(' ', 100000), '(0)', '+62(0)', 'ext 12', '½123456789']) WITH ORDINALITY u (phone, n) ORDER BY n;
SELECT phone, region, phone_key(phone, region) FROM unnest(ARRAY['0812345678', '1 415 555 2671', '4155552671', '011 62 812345678', '010 62 812345678', '00 62 812345678', '65123456', '6512345678', '06 698 12345', '0011 62 812345678', '00412345678']) WITH ORDINALITY p (phone, n), unnest(ARRAY['ID', 'US', 'SG', 'IT', 'JP', 'AU']) WITH ORDINALITY r (region, m) ORDER BY n, m;
\pset format aligned
SELECT phone_key(NULL) IS NULL AS no_number, phone_key('081234567890', NULL) IS NULL AS no_region;
SELECT phone_key('081234567890', 'id');
SELECT phone_key('081234567890', '');
SELECT phone_key('081234567890', 'Indonesia');

-- regions of one's own, which go before those that came along
INSERT INTO phone_region (region, calling_code, national_prefix) VALUES ('PG', '675', ''), ('SG', '65', '9'), ('XX', '62', '');
INSERT INTO phone_region (region, calling_code) VALUES ('EE', '372');
SELECT phone_key('7123 4567', 'PG'), phone_key('9 8123 4567', 'SG'), phone_key('0512 3456', 'EE'), phone_key('+62 021 5551234', 'XX') AS first_region_of_the_code;
BEGIN;
DELETE FROM phone_region WHERE NOT shipped;
SELECT phone_key('9 8123 4567', 'SG');
SELECT phone_key('7123 4567', 'PG');
ROLLBACK;
SELECT phone_key('7123 4567', 'PG');
INSERT INTO phone_region (region, calling_code) VALUES ('pg', '675');
INSERT INTO phone_region (region, calling_code) VALUES ('PX', '0675');
INSERT INTO phone_region (region, calling_code) VALUES ('PX', '67500');
INSERT INTO phone_region (region, calling_code, national_prefix) VALUES ('PX', '675', 'x');
INSERT INTO phone_region (region, calling_code, international_prefix) VALUES ('PX', '675', '');
DELETE FROM phone_region WHERE region = 'ID';
UPDATE phone_region SET national_prefix = '' WHERE region = 'ID';
DELETE FROM phone_region WHERE NOT shipped;

-- forms to search by
SELECT value, search_key(value) FROM unnest(ARRAY['  José   MUÑOZ ', 'Łukasz Øster', 'Straße', 'ﬁ', 'Đặng Nguyễn', 'Дмитрий', 'Ёлка', 'ά', '山田', 'カ゚', 'ｶﾞ', 'محمد', '“a” – ©', 'a_b%', E'a\n\tb', U&'\3000x\3000', U&'\0301', 'n' || repeat(U&'\0303', 5), '', '🎉']) WITH ORDINALITY u (value, n) ORDER BY n;
SELECT search_key(NULL) IS NULL;
SELECT search_key(s), search_key(search_key(s)) = search_key(s) AS stable FROM unnest(ARRAY[U&'\20BA\0323', U&'\2118\033F x']) s; -- a sign that becomes letters loses its accents, too
SELECT length(search_key(repeat('É ', 1000000))), search_key(repeat('é', 100000)) = repeat('e', 100000) AS all_of_them;
CREATE TABLE people AS SELECT i, search_key('Person ' || i || ' Müller') AS k FROM generate_series(1, 100) i;
SELECT i FROM people WHERE k LIKE search_key('PERSON 4') || '% muller' ORDER BY i;
DROP TABLE people;

-- any text at all, made of what is hard: keys are their own keys, whatever the form
CREATE TABLE texts AS
WITH parts AS (SELECT ARRAY['a', 'É', U&'e\0301', U&'\0301', U&'\0345', 'ß', 'Ａ', '１', '٣', 'Æ', '가', '山', 'ع', '🎉', U&'\200D', '´', '½', ' ', ' ', '.', '''', '-', '@', '@', '@example.com', 'x.co', '+', '+', '(0)', '62', '0', '00', '812', '5551234', '1', '7', ' ext ', U&'\3000', E'\t', '×', 'ŉ', '℀', '…'] AS p)
SELECT i, (SELECT string_agg(p[1 + (hashint8extended(i * 100 + k, 7) & 1048575) % cardinality(p)], '' ORDER BY k) FROM generate_series(1, 1 + i % 9) k) AS t
FROM generate_series(1, 20000) i, parts
UNION ALL
SELECT i, (ARRAY['+', '', '0', '00', '62'])[1 + i % 5] || (SELECT string_agg(((hashint8extended(i * 100 + k, 3) & 1048575) % 10)::text || (ARRAY['', '', '-', ' '])[1 + k % 4], '') FROM generate_series(1, 6 + i % 12) k) FROM generate_series(1, 5000) i
UNION ALL
SELECT i, (SELECT string_agg((ARRAY['a', 'É', '1', '.', '+', '-', '_'])[1 + (hashint8extended(i * 100 + k, 3) & 1048575) % 7], '') FROM generate_series(1, 1 + i % 9) k) || '@Example.com' FROM generate_series(1, 5000) i;
SELECT count(email_key(t)) > 1000 AS addresses, count(phone_key(t)) > 2000 AS numbers FROM texts;
SELECT t, email_key(t) FROM texts WHERE email_key(email_key(t)) <> email_key(t) OR email_key(email_key(t)) IS NULL AND email_key(t) IS NOT NULL LIMIT 5;
SELECT t, email_key(t, true) FROM texts WHERE email_key(email_key(t, true), true) <> email_key(t, true) LIMIT 5;
SELECT t, r, phone_key(t, r) FROM texts, unnest(ARRAY['ID', 'US', 'SG', 'JP', 'AU', 'IT']) r WHERE phone_key(phone_key(t, r), r) IS DISTINCT FROM phone_key(t, r) OR phone_key(t, r) !~ '^[+][1-9][0-9]{6,14}$' LIMIT 5;
SELECT t, search_key(t), search_key(search_key(t)) FROM texts WHERE search_key(search_key(t)) <> search_key(t) LIMIT 5;
SELECT t FROM texts WHERE email_key(normalize(t, NFD)) IS DISTINCT FROM email_key(t) OR search_key(normalize(t, NFD)) <> search_key(t) OR phone_key(normalize(t, NFD)) IS DISTINCT FROM phone_key(t) LIMIT 5;
SELECT t FROM texts WHERE email_key(upper(normalize(t, NFC))) IS DISTINCT FROM email_key(t) LIMIT 5;
-- addresses against plain SQL
SELECT t, email_key(t) FROM texts WHERE t ~ '^[!-~]*$'
	AND email_key(t) IS DISTINCT FROM CASE WHEN lower(t) ~ '^(?=[^@]{1,64}@)[a-z0-9!#$%&''*+/=?^_`{|}~-]+([.][a-z0-9!#$%&''*+/=?^_`{|}~-]+)*@([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])+(?=[0-9-]*[a-z])[a-z0-9]([a-z0-9-]*[a-z0-9])?$' THEN lower(t) END LIMIT 5;
DROP TABLE texts;

-- what keys were made with
SELECT text_key_version() ~ '^1 unicode [0-9.]+ icu [0-9.]+ words [0-9a-f]{8}$' AS form, (SELECT built = running AND text_key_version() LIKE '%unicode ' || unicode || ' icu ' || running || ' %' FROM icu_version()) AS versions;
CREATE TABLE "Odd %s table" AS SELECT i, name AS "the name", name_key(name) AS "key", text_key_version() AS v, '0812345678' || i AS phone, phone_key('0812345678' || i) AS phone_k
FROM unnest(ARRAY['Bpk Budi', 'Toko Maju', 'Toko', NULL]) WITH ORDINALITY u (name, i);
SELECT * FROM stale_keys('"Odd %s table"', 'the name', 'key', 'v');
INSERT INTO name_word VALUES ('toko', 'id', 'before');
SELECT keys, different FROM stale_keys('"Odd %s table"', 'the name', 'key', 'v');
SELECT keys, different FROM stale_keys('"Odd %s table"', 'phone', 'phone_k', 'v', 'phone');
SELECT keys, different FROM stale_keys('"Odd %s table"', 'phone', 'phone_k', 'v', 'phone', region => 'SG');
SELECT keys, different FROM stale_keys('"Odd %s table"', 'the name', 'key', 'v', locale => 'en');
SELECT keys, different FROM stale_keys('"Odd %s table"', 'the name', 'key', 'v', 'search');
SELECT keys, different FROM stale_keys('"Odd %s table"', 'the name', 'key', 'v', 'email');
UPDATE "Odd %s table" SET v = NULL WHERE i = 1;
UPDATE "Odd %s table" SET v = text_key_version() WHERE i = 4;
SELECT version IS NULL AS no_version, keys, different FROM stale_keys('"Odd %s table"', 'the name', 'key', 'v');
UPDATE "Odd %s table" SET key = name_key("the name"), v = text_key_version() WHERE v IS DISTINCT FROM text_key_version();
SELECT * FROM stale_keys('"Odd %s table"', 'the name', 'key', 'v');
SELECT * FROM stale_keys('"Odd %s table"', 'the name', 'key', 'v', 'shoe');
SELECT * FROM stale_keys('"Odd %s table"', 'the name', 'key', 'nothing');
SELECT * FROM stale_keys(NULL, 'the name', 'key', 'v');
SELECT * FROM stale_keys('"Odd %s table"', 'the name', NULL, 'v');
-- back to the words as they came, and the version is the same again; a row of one's own that says nothing new changes nothing
DELETE FROM name_word WHERE NOT shipped;
SELECT text_key_version() AS version \gset
INSERT INTO name_word VALUES ('BPK', 'id', 'before');
SELECT text_key_version() = :'version' AS nothing_new;
INSERT INTO phone_region VALUES ('ID', '62', '0', '00');
SELECT text_key_version() = :'version' AS nothing_new;
UPDATE phone_region SET international_prefix = '001' WHERE NOT shipped;
SELECT text_key_version() = :'version' AS nothing_new;
DELETE FROM name_word WHERE NOT shipped;
DELETE FROM phone_region WHERE NOT shipped;
SELECT text_key_version() = :'version' AS as_before;
-- with the caller's rights
CREATE ROLE regress_cs_reader;
SET ROLE regress_cs_reader;
SELECT * FROM stale_keys('"Odd %s table"', 'the name', 'key', 'v');
RESET ROLE;
DROP ROLE regress_cs_reader;
DROP TABLE "Odd %s table";
