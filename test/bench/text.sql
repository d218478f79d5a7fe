-- text.sql: keys of persons beside what one would fold a text with, and the
-- search for duplicates beside one sort of the customers.
--
-- Variables: scale.

CREATE UNLOGGED TABLE contacts AS
SELECT i AS customer_id,
       (ARRAY['Bpk. ', '', 'PT ', 'Ibu ', 'Dr. '])[1 + i % 5] || (ARRAY['Budi', 'Siti', 'Agus', 'José', 'Müller', 'Łukasz', 'Ahmad', 'Dewi', 'Rina', 'Putri'])[1 + i / 2 * 7 % 10]
           || ' ' || (ARRAY['Santoso', 'Wijaya', 'Rahma', 'Hidayat', 'Saputra'])[1 + i / 2 * 3 % 5] || ' ' || substr(md5((i / 2)::text), 1, 5) || CASE WHEN i % 10 = 0 THEN ', S.Pd.' ELSE '' END AS name,
       'User' || i / 3 || '@Example.com' AS email, '08' || 1000000000 + i / 2 * 7 AS phone, date '1960-01-01' + i * 37 % 15000 AS born
FROM generate_series(1, (:scale * 1e6)::integer) i;
VACUUM (FREEZE, ANALYZE) contacts;

SELECT bench.check_equal('name_key', (SELECT count(*) FROM (SELECT * FROM contacts LIMIT 10000) p
	WHERE name_key(name) <> trim(regexp_replace(regexp_replace(lower(normalize(name, NFKC)), '^(bpk[.]|pt|ibu|dr[.]) |, s[.]pd[.]$', '', 'g'), '[^[:alnum:]]+', ' ', 'g'))));
SELECT bench.check_equal('duplicate_customers', (SELECT count(*) FROM
	(SELECT customer_a::integer AS a, customer_b::integer AS b FROM duplicate_customers('contacts', name => 'name', phone => 'phone')) d
	FULL JOIN (SELECT customer_id - 1 AS a, customer_id AS b FROM contacts WHERE customer_id % 2 = 1 AND customer_id > 1) e USING (a, b) WHERE d.* IS NULL OR e.* IS NULL));

CALL bench.compare('name_key', 0.5, 'SELECT name_key(name) FROM contacts', 'SELECT lower(normalize(name, NFKC)) FROM contacts', 'Seq Scan');
CALL bench.compare('name_key, names of ASCII', 0.5, 'SELECT name_key(name) FROM contacts WHERE octet_length(name) = length(name)',
	'SELECT lower(normalize(name, NFKC)) FROM contacts WHERE octet_length(name) = length(name)', 'Seq Scan');
CALL bench.compare('name_key, names beyond ASCII', 0.5, 'SELECT name_key(name) FROM contacts WHERE octet_length(name) > length(name)',
	'SELECT lower(normalize(name, NFKC)) FROM contacts WHERE octet_length(name) > length(name)', 'Seq Scan');
CALL bench.compare('email_key', NULL, 'SELECT email_key(email) FROM contacts', 'SELECT lower(normalize(email, NFKC)) FROM contacts', 'Seq Scan');
CALL bench.compare('phone_key', NULL, 'SELECT phone_key(phone) FROM contacts', 'SELECT lower(normalize(phone, NFKC)) FROM contacts', 'Seq Scan');
CALL bench.compare('search_key', NULL, 'SELECT search_key(name) FROM contacts', 'SELECT lower(normalize(name, NFKC)) FROM contacts', 'Seq Scan');
CALL bench.compare('duplicate_customers, four columns', 0.2,
	'SELECT * FROM duplicate_customers(''contacts'', name => ''name'', email => ''email'', phone => ''phone'', birth_date => ''born'')',
	'SELECT * FROM contacts ORDER BY name', 'Function Scan|Sort');
