-- Names that are alike have one key, whatever their case, form, punctuation and titles; no name is lost on the way.
SET search_path = public, customer_scoring;

SELECT name, name_key(name) FROM unnest(ARRAY[
	-- persons
	'Bpk. H. Ahmad Dahlan, S.Pd., M.M.', 'AHMAD  DAHLAN', 'Ibu Hj. Siti Rahma', 'Dr.Ir.H.Budi Santoso', 'R.A. Kartini', 'Raden Roro Ayu', 'Mr John SMITH Jr.', 'Herr Prof. Dr. Weiß',
	'O''Brien', 'O’Brien', 'OBRIEN', 'Ma`ruf Amin', 'J.K. Rowling', 'J. K. Rowling', 'JK Rowling', 'P. T. Barnum', 'Ahmad H. Wijaya', 'Jack Ma', 'Yo-Yo Ma',
	-- firms
	'PT. Maju Jaya, Tbk', 'P.T. Maju Jaya', 'Maju Jaya PT', 'PT Maju Jaya (Persero) Tbk.', 'CV.Sumber Rejeki', 'Acme Sdn. Bhd.', 'Acme Sdn.Bhd', 'ACME Co., Ltd.', 'Straße GmbH', 'Toys & Sons Inc',
	-- nothing but titles: the last of them stays
	'Bpk', 'Bpk Haji', 'P.T.', 'PT Tbk', 'Ltd',
	-- no name
	'', '   ', '--', '.', '''', '(.,;)', '$ + =']) WITH ORDINALITY u (name, n) ORDER BY n;
-- other scripts, forms and characters that cannot be seen
SELECT name, name_key(name) FROM unnest(ARRAY['ＰＴ　Ｍａｊｕ', 'José', U&'Jose\0301', 'ﬁnance co', '山田太郎', 'ﾔﾏﾀﾞ', 'Дмитрий ИВАНОВ', 'محمد', 'Nguyễn Đức', 'Ǆ', 'ΣΊΣΥΦΟΣ', '①②', 'नमस्ते', '🎉', '🎉 Budi', 'I ♥ NY', U&'\202EBudi\202C', U&'Bu\200Ddi\FEFF',
	U&'\0301', U&'´', U&'a''\0301', U&'- \0301 b', U&'\FFFD', U&'\E000x', U&'가''\11A8', U&'\2018\02BC']) WITH ORDINALITY u (name, n) ORDER BY n;
SELECT name_key(NULL) IS NULL AS no_name, name_key(NULL, 'id') IS NULL AS nor_in_indonesian, name_key('H. Budi', NULL) AS all_languages;

-- the words of one language
SELECT name, locale, name_key(name, locale) FROM unnest(ARRAY['H. Wells Ltd', 'Bpk. Wells', 'Herr Wells AG']) name, unnest(ARRAY['id', 'en', 'en_GB', 'de-DE', 'ja', 'fi']) WITH ORDINALITY l (locale, n) ORDER BY name, n;
SELECT name_key('x', '');
SELECT name_key('x', 'xx');
SELECT name_key('x', 'id-QQ');
SELECT name_key('x', 'bahasa indonesia');
SELECT name_key('x', repeat('id', 1000));
SELECT name_key('x', E'\u00e9\u00e9');

-- words of one's own, which go before those that came along
INSERT INTO name_word (word, locale, place) VALUES ('S.Farm., Apt', 'id', 'after'), ('Toko', 'id', 'before'), ('H', 'id', 'nowhere'), ('株式会社', 'ja', 'both'), ('tbk', 'fi', 'after') RETURNING *;
SELECT name_key('Toko H. Budi, S.Farm., Apt.'), name_key('Toko'), name_key('株式会社 トヨタ'), name_key('Toko Budi', 'en'), name_key('Maju Tbk', 'fi');
UPDATE name_word SET word = 'WARUNG' WHERE word = 'toko' RETURNING *;
SELECT name_key('Toko Budi'), name_key('Warung Budi');
BEGIN;
DELETE FROM name_word WHERE NOT shipped;
SELECT name_key('Warung H. Budi'), name_key('Toko H. Budi');
ROLLBACK;
SELECT name_key('Warung H. Budi'), name_key('Toko H. Budi');
BEGIN;
SAVEPOINT s;
INSERT INTO name_word (word, locale, place) VALUES ('Budi', 'id', 'before');
SELECT name_key('Budi Santoso');
ROLLBACK TO s;
SELECT name_key('Budi Santoso');
COMMIT;
INSERT INTO name_word (word, locale, place) VALUES ('--', 'id', 'after');
INSERT INTO name_word (word, locale, place) VALUES ('one two three four', 'id', 'after');
INSERT INTO name_word (word, locale, place) VALUES (repeat('x', 41), 'id', 'after');
INSERT INTO name_word (word, locale, place) VALUES ('x', 'id_ID', 'after');
INSERT INTO name_word (word, locale, place) VALUES ('x', 'id', 'middle');
INSERT INTO name_word (word, locale, place) VALUES ('WARUNG', 'id', 'after');
INSERT INTO name_word (word, locale, place, shipped) VALUES ('x', 'id', 'after', true);
UPDATE name_word SET place = 'nowhere' WHERE word = 'bpk';
DELETE FROM name_word WHERE word = 'bpk';
DELETE FROM name_word WHERE NOT shipped;
-- those that came along are in the form that is looked up, and readable in any server encoding
INSERT INTO name_word (word, locale, place) SELECT word, locale, place FROM name_word WHERE shipped;
SELECT word, locale FROM name_word s WHERE shipped AND (word ~ '[^ -~]' OR NOT EXISTS (SELECT FROM name_word o WHERE NOT o.shipped AND (o.word, o.locale) = (s.word, s.locale)));
DELETE FROM name_word WHERE NOT shipped;
-- more languages than there is room for
INSERT INTO name_word SELECT 'x', chr(97 + i / 26) || chr(97 + i % 26), 'after' FROM generate_series(0, 69) i;
SELECT name_key('x');
DELETE FROM name_word WHERE NOT shipped;
SELECT name_key('Bpk x');

-- who may: everybody reads the words, and those of the database's owner may add some
CREATE ROLE regress_cs_reader;
SET ROLE regress_cs_reader;
SELECT name_key('Bpk. Budi');
INSERT INTO name_word (word, locale, place) VALUES ('x', 'id', 'after');
RESET ROLE;
GRANT INSERT, DELETE, SELECT ON name_word TO regress_cs_reader;
-- in a session of his own, in which nobody with more rights has prepared anything
\c -
SET search_path = public, customer_scoring;
SET ROLE regress_cs_reader;
INSERT INTO name_word (word, locale, place) VALUES ('S.Farm.', 'id', 'after') RETURNING *;
SELECT name_key('Budi, S.Farm.');
DELETE FROM name_word WHERE NOT shipped;
RESET ROLE;
REVOKE ALL ON name_word FROM regress_cs_reader;
DROP ROLE regress_cs_reader;

-- Any text at all: made of what is hard. Keys of keys, and of the same name in other forms.
CREATE TABLE texts AS
WITH parts AS (SELECT ARRAY['a', 'B', 'é', U&'e\0301', U&'\0301', U&'\0323', U&'\0345', U&'\034F', 'ß', 'ﬀ', 'Ａ', '１', 'Σ', 'ς', '가', U&'\1100', U&'\1161', U&'\11A8', '山', 'ﾊﾞ', 'ع', U&'\064B', 'न', U&'\093F', '🎉', U&'\200D', '´', '¨',
	' ', ' ', ' ', '.', '.', '''', '’', '-', ',', U&'\3000', E'\t', U&'\00AD', U&'\202E', U&'\FFFD', U&'\E123', U&'\+01D504', 'Bpk', 'pt', 'P.T.', 'Tbk', 'H', 'sdn bhd', 'Ltd', 'raden', 'roro', 'S.Pd', 'Budi', 'Siti'] AS p)
SELECT i, (SELECT string_agg(p[1 + (hashint8extended(i * 100 + k, 7) & 1048575) % cardinality(p)], '' ORDER BY k) FROM generate_series(1, 1 + i % 13) k) AS t
FROM generate_series(1, 20000) i, parts;
SELECT count(*), count(name_key(t)) > 18000 AS most_are_names FROM texts;
SELECT t, name_key(t), name_key(name_key(t)) FROM texts WHERE name_key(name_key(t)) IS DISTINCT FROM name_key(t) LIMIT 5;
SELECT t, name_key(t), name_key(normalize(t, NFD)) FROM texts WHERE name_key(normalize(t, NFD)) IS DISTINCT FROM name_key(t) LIMIT 5;
SELECT t, name_key(t), name_key(normalize(t, NFKC)) FROM texts WHERE name_key(normalize(t, NFKC)) IS DISTINCT FROM name_key(t) LIMIT 5;
SELECT t, name_key(t), name_key(upper(normalize(t, NFC))) FROM texts WHERE name_key(upper(normalize(t, NFC))) IS DISTINCT FROM name_key(t) LIMIT 5;
SELECT t, name_key(t) FROM texts WHERE name_key('«  ' || replace(t, ' ', '—, ') || E'!\n') IS DISTINCT FROM name_key(t) LIMIT 5;
SELECT t, name_key(t) FROM texts WHERE name_key(t) <> normalize(name_key(t), NFKC) OR name_key(t) ~ '^ |  | $' OR name_key(t) = '' OR name_key(t) ~ '[[:upper:]]' LIMIT 5;
-- nothing is lost: there is a key as soon as there is a letter or a digit
SELECT t FROM texts WHERE name_key(t) IS NULL AND t ~ '[A-Za-zéßΣ가山عन1１]' LIMIT 5;

-- against plain SQL, for names of ASCII without dots
CREATE FUNCTION plain_key(name text, of text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
	key text := trim(regexp_replace(translate(lower(name), '''`', ''), '[^a-z0-9]+', ' ', 'g'));
	before text;
	fronts text := (SELECT string_agg(word, '|') FROM name_word WHERE place IN ('before', 'both') AND (of IS NULL OR locale = of));
	backs text := (SELECT string_agg(word, '|') FROM name_word WHERE place IN ('after', 'both') AND (of IS NULL OR locale = of));
BEGIN
	LOOP
		before := key;
		key := regexp_replace(key, '^(' || fronts || ') ', '');
		key := regexp_replace(key, ' (' || backs || ')$', '');
		EXIT WHEN key = before;
	END LOOP;
	RETURN nullif(key, '');
END $$;
CREATE TABLE plain AS
WITH parts AS (SELECT ARRAY['Bpk', 'PT', 'tbk', 'H', 'HJ', 'sdn', 'bhd', 'Ltd', 'Raden', 'Roro', 'mba', 'Budi', 'x', 'SITI', 'De', ' ', ' ', ' ', ' ', ' ', ' ', ' ', '-', '''', '/', '&', '7'] AS p)
SELECT (SELECT string_agg(p[1 + (hashint8extended(i * 100 + k, 9) & 1048575) % cardinality(p)], '' ORDER BY k) FROM generate_series(1, 1 + i % 11) k) AS t
FROM generate_series(1, 4000) i, parts;
SELECT t, name_key(t), plain_key(t, NULL) FROM plain WHERE name_key(t) IS DISTINCT FROM plain_key(t, NULL) LIMIT 5;
SELECT t, name_key(t, 'en'), plain_key(t, 'en') FROM plain WHERE name_key(t, 'en') IS DISTINCT FROM plain_key(t, 'en') LIMIT 5;

-- a parallel plan gives the same keys, also when its workers are the first to need the words
SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS OFF) SELECT count(DISTINCT name_key(t)) FROM texts WHERE name_key(t) > 'a';
-- new words, which the leader reads amid the plan
INSERT INTO name_word (word, locale, place) VALUES ('siti', 'id', 'before');
CREATE TABLE parallel_keys AS SELECT i, name_key(t) AS k FROM texts;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) FROM parallel_keys p JOIN texts USING (i) WHERE k IS DISTINCT FROM name_key(t);
DELETE FROM name_word WHERE NOT shipped;

-- long texts
SELECT length(name_key(repeat('Bpk Budi, ', 1000000))), length(name_key(repeat('É', 5000000))), name_key(repeat(' ', 10000000)) IS NULL AS blank, length(name_key(repeat('.a', 5000000)));
SELECT left(name_key('a' || repeat(U&'\0323\0301', 500000)), 3) = U&'\1EA1\0323\0323' AS marks_sorted,
       name_key('a' || repeat(U&'\0323\0301', 500000)) = normalize(name_key('a' || repeat(U&'\0301\0323', 500000)), NFC) AS in_any_order;
-- marks without end that change places, vanish or become letters
SELECT n, name_key(name_key(t)) = name_key(t) AS own_key, name_key(normalize(t, NFD)) = name_key(t) AS any_form FROM (
	SELECT n, 'a' || repeat(marks, 3000) || 'b' AS t FROM unnest(ARRAY[U&'\0323\0345\0301', U&'\0301\034F\0323', U&'\0344\0323', U&'\093F\064B', U&'\11A8\1161', U&'\3099\0345']) WITH ORDINALITY u (marks, n)) x ORDER BY n;
DROP TABLE texts, plain, parallel_keys;
DROP FUNCTION plain_key;
