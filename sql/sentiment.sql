-- sentiment: opinions by words, with negators, intensifiers, contrast; the lexicon is the user's too.
SET search_path = public, customer_scoring;

CREATE FUNCTION pg_temp.explain(comment text) RETURNS text LANGUAGE sql AS $$
	SELECT round(sentiment(comment)::numeric, 3) || ': ' || coalesce(string_agg(concat(word, ' ', round(weight::numeric, 3), CASE WHEN negated THEN ' negated' END, CASE WHEN intensified THEN ' intensified' END), ', '), 'nothing')
	FROM sentiment_words(comment) $$;
-- an opinion, nothing, and NULL
SELECT pg_temp.explain('Barang bagus'), pg_temp.explain('Barang jelek'), pg_temp.explain('Pesanan nomor 4512');
SELECT sentiment(''), sentiment(' .,! '), sentiment(NULL), (SELECT count(*) FROM sentiment_words(NULL)) AS of_null, (SELECT count(*) FROM sentiment_words('')) AS of_nothing;
-- negators before the word, in both languages and in chat
SELECT c, pg_temp.explain(c) FROM unnest(ARRAY['tidak bagus', 'tak bagus', 'gak bagus', 'nggak bagus', 'enggak bagus', 'bukan bagus', 'kurang bagus', 'belum bagus', 'jangan kasar',
	'not good', 'never good', 'isn''t good', 'isnt good', U&'isn\2019t good', 'not at all very good', 'tidak terlalu bagus', 'sangat tidak bagus', 'bagus banget tidak jelek']) c;
-- ... within a window, up to a pause; others of the same kind with it, and not those of the other kind
SELECT c, pg_temp.explain(c) FROM unnest(ARRAY['tidak a b c bagus', 'tidak a b c d bagus', 'tidak, bagus', 'tidak. bagus', E'tidak\nbagus', 'tidak ramah dan sopan', 'tidak ramah dan jutek', 'tidak tidak bagus']) c;
-- phrases go before their words, and across no pause
SELECT c, pg_temp.explain(c) FROM unnest(ARRAY['tidak sesuai', 'gak sesuai', 'tidak, sesuai', 'sesuai', 'tidak bertanggung jawab', 'bertanggung jawab']) c;
-- intensifiers before and after, more and less
SELECT c, pg_temp.explain(c) FROM unnest(ARRAY['sangat bagus', 'bagus banget', 'bagus bgt', 'bagus bangeeet', 'agak lambat', 'very good', 'good very', 'sangat sangat sangat sangat bagus', 'bagus banget cepat', 'banget', 'sangat, bagus', 'bagus, banget', 'sangat a bagus', 'sangat a b bagus']) c;
-- contrast weakens what was before in the sentence, concession what follows up to a comma
SELECT c, pg_temp.explain(c) FROM unnest(ARRAY['bagus tapi mahal', 'bagus. tapi mahal', 'bagus, tapi mahal', 'good but expensive', 'meski mahal, bagus', 'bagus meski mahal', 'although cheap, disappointing']) c;
-- emoticons, emoji, other spellings, letters drawn out or doubled, particles, words written twice
SELECT c, pg_temp.explain(c) FROM unnest(ARRAY[':)', ':((', 'tidak :)', '😡', '👍🏽', 'bgs', 'baguusss', 'baguss', 'bagusnya', 'bagus-bagus', 'bagus2', 'ramah-tamah', 'user-friendly']) c;

-- the score is that of the words shown: s / sqrt(s^2 + 1)
SELECT count(*) AS comments, count(*) FILTER (WHERE sentiment(c) <> (SELECT coalesce(sum(weight ORDER BY n), 0) / sqrt(coalesce(sum(weight ORDER BY n), 0) ^ 2 + 1)
	FROM sentiment_words(c) WITH ORDINALITY AS w (word, weight, negated, intensified, n))) AS differ,
	min(sentiment(c)) >= -1 AS lowest, max(sentiment(c)) <= 1 AS highest
FROM (SELECT string_agg((ARRAY['bagus', 'tidak', 'jelek', 'sangat', 'tapi', 'meski', 'ramah', ',', '.', 'banget', 'not', 'good', 'kata', ':)', 'slow', 'kurang', 'lama', 'puas', 'dan'])[1 + (i * 31 + j * 17 + i * j * j) % 19], ' ' ORDER BY j) c
	FROM generate_series(1, 2000) i, generate_series(1, 10) j GROUP BY i) x;
SELECT sentiment(repeat('bagus ', 1000000)) BETWEEN 0.999 AND 1 AS far_up, sentiment(repeat('jelek. ', 1000000)) BETWEEN -1 AND -0.999 AS far_down;
SELECT count(*) FROM sentiment_words(repeat('bagus tapi ', 100000));
SELECT count(*) FROM (SELECT sentiment_words('bagus jelek bagus') LIMIT 2) x;
-- deterministic: one answer in parallel plans too
CREATE TABLE regress_cs_comments AS SELECT i, (ARRAY['bagus sekali', 'tidak ramah', 'pesan dua', 'slow but good', 'kecewa :('])[1 + i % 5] || repeat(' kata', i % 4) AS c FROM generate_series(1, 5000) i;
ANALYZE regress_cs_comments;
SELECT sum(sentiment(c)::numeric) AS serial FROM regress_cs_comments \gset
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 3;
DO $$
DECLARE
	line text;
BEGIN
	FOR line IN EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT sum(sentiment(c)::numeric) FROM regress_cs_comments LOOP
		IF line ~ 'Workers Launched: [1-9]' THEN
			RAISE NOTICE 'parallel';
		END IF;
	END LOOP;
END $$;
SELECT sum(sentiment(c)::numeric) = :serial AS equal FROM regress_cs_comments;
BEGIN;
INSERT INTO sentiment_lexicon (word, weight) VALUES ('kata', -0.9);
SELECT sum(sentiment(c)::numeric) < :serial AS own_words_in_parallel FROM regress_cs_comments;
SET max_parallel_workers_per_gather = 0;
SELECT sum(sentiment(c)::numeric) < :serial AS own_words FROM regress_cs_comments;
ROLLBACK;
SELECT sum(sentiment(c)::numeric) = :serial AS equal FROM regress_cs_comments;
SET max_parallel_workers_per_gather = 3;
SELECT sum(sentiment(c)::numeric) = :serial AS equal FROM regress_cs_comments;
RESET max_parallel_workers_per_gather;
DROP TABLE regress_cs_comments;

-- the user's words: known at once, in the form of tokens, instead of shipped ones, and gone again
SELECT sentiment('mleyot'), sentiment('mager parah'), sentiment('bagus') > 0;
INSERT INTO sentiment_lexicon (word, locale, weight) VALUES (' MLEYOT!', 'id', -0.9), ('Mager  Parah', 'id', -0.7), ('Bagus', 'id', -1);
INSERT INTO sentiment_lexicon (word, role, weight) VALUES ('(y)', 'emoticon', 0.8), ('>_<', 'emoticon', -0.5);
INSERT INTO sentiment_lexicon (word, role, stands_for) VALUES ('mlyt', 'variant', 'Mleyot');
SELECT word, locale, role, weight, stands_for FROM sentiment_lexicon WHERE NOT shipped ORDER BY word;
SELECT c, pg_temp.explain(c) FROM unnest(ARRAY['mleyot', 'mlyt', 'mlytnya', 'mager parah', 'mager', 'bagus', 'oke (Y)', '>_<', '>_<<<']) c;
UPDATE sentiment_lexicon SET weight = 0 WHERE word = 'bagus' AND NOT shipped;
SELECT pg_temp.explain('bagus'), pg_temp.explain('tidak bagus ramah');
BEGIN;
DELETE FROM sentiment_lexicon WHERE NOT shipped;
SELECT pg_temp.explain('mleyot'), pg_temp.explain('bagus');
SAVEPOINT one;
INSERT INTO sentiment_lexicon (word, weight) VALUES ('mleyot', 1);
SELECT pg_temp.explain('mleyot');
ROLLBACK TO one;
SELECT pg_temp.explain('mleyot');
ROLLBACK;
SELECT pg_temp.explain('mleyot');
-- … within one statement of PL/pgSQL too
DO $$ BEGIN
	RAISE NOTICE '%', sentiment('mleyot') < 0;
	UPDATE customer_scoring.sentiment_lexicon SET weight = 0.9 WHERE word = 'mleyot';
	RAISE NOTICE '%', sentiment('mleyot') > 0;
END $$;
DELETE FROM sentiment_lexicon WHERE NOT shipped;
SELECT pg_temp.explain('mleyot'), pg_temp.explain('bagus');

-- what a row may be
\set VERBOSITY terse
INSERT INTO sentiment_lexicon (word, weight) VALUES ('x', 1.01);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO sentiment_lexicon (word, weight) VALUES ('x', 'NaN');
INSERT INTO sentiment_lexicon (word, weight) VALUES ('x', 'Infinity');
INSERT INTO sentiment_lexicon (word, role, weight) VALUES ('x', 'negator', 0.1), ('y', 'intensifier', 1);
INSERT INTO sentiment_lexicon (word, role, weight) VALUES ('x', 'intensifier', 2.1);
INSERT INTO sentiment_lexicon (word, role, weight) VALUES ('x', 'contrast', 1.1);
INSERT INTO sentiment_lexicon (word, role, weight) VALUES ('x', 'mood', 0);
INSERT INTO sentiment_lexicon (word, role) VALUES ('x', 'variant');
INSERT INTO sentiment_lexicon (word, role, stands_for) VALUES ('x', 'opinion', 'y');
INSERT INTO sentiment_lexicon (word, role, weight, stands_for) VALUES ('x', 'variant', 1, 'y');
INSERT INTO sentiment_lexicon (word, weight) VALUES ('X', 1), ('x', 1);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO sentiment_lexicon (word, weight) VALUES (NULL, 1);
INSERT INTO sentiment_lexicon (word, role, weight) VALUES ('x', NULL, 1);
\set VERBOSITY default
INSERT INTO sentiment_lexicon (word, weight) VALUES (':)', 1);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO sentiment_lexicon (word, weight) VALUES ('a b c d e f g', 1);
INSERT INTO sentiment_lexicon (word, weight) VALUES (repeat('x', 101), 1);
INSERT INTO sentiment_lexicon (word, weight) VALUES (repeat('x ', 100000), 1);
INSERT INTO sentiment_lexicon (word, role, weight) VALUES (': )', 'emoticon', 1);
INSERT INTO sentiment_lexicon (word, role, weight) VALUES ('', 'emoticon', 1);
INSERT INTO sentiment_lexicon (word, role, stands_for) VALUES ('x', 'variant', '...');
-- what was shipped stays
UPDATE sentiment_lexicon SET weight = 0 WHERE word = 'bagus';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM sentiment_lexicon WHERE word = 'bagus';
INSERT INTO sentiment_lexicon (word, weight, shipped) VALUES ('x', 1, true);
INSERT INTO sentiment_lexicon (word, weight) VALUES ('x', 1);
UPDATE sentiment_lexicon SET shipped = true WHERE word = 'x';
DELETE FROM sentiment_lexicon WHERE word = 'x';
SELECT customer_scoring_internal.check_lexicon();
-- a word of two variants: the shipped lexicon has no other spelling of another spelling, and no weight without a role
SELECT count(*) FROM sentiment_lexicon v JOIN sentiment_lexicon w ON w.word = v.stands_for AND w.role = 'variant';
SELECT locale, role, count(*) > 0 AS some FROM sentiment_lexicon GROUP BY 1, 2 ORDER BY 1, 2;
SELECT locale, count(*) > 300 AS hundreds FROM sentiment_lexicon WHERE role = 'opinion' GROUP BY 1 ORDER BY 1;

-- everybody may read; writing is for the database's owner
CREATE ROLE regress_cs_reader;
SET ROLE regress_cs_reader;
SELECT sentiment('bagus') > 0 AS reads, count(*) > 0 AS sees FROM sentiment_lexicon;
INSERT INTO sentiment_lexicon (word, weight) VALUES ('x', 1);
-- … a table of another with the same name is not taken for the lexicon
CREATE TEMP TABLE sentiment_lexicon (word text, role text, weight float8, stands_for text, shipped boolean);
INSERT INTO pg_temp.sentiment_lexicon VALUES ('bagus', 'opinion', -1, NULL, false);
SET search_path = pg_temp, customer_scoring;
SELECT sentiment('bagus') > 0 AS unmoved;
RESET ROLE;
SET search_path = public, customer_scoring;
DROP TABLE pg_temp.sentiment_lexicon;
DROP ROLE regress_cs_reader;
-- functions work when nobody may read the tables
BEGIN;
REVOKE SELECT ON customer_scoring.sentiment_lexicon, customer_scoring.complaint_lexicon FROM PUBLIC;
CREATE ROLE regress_cs_reader;
SET ROLE regress_cs_reader;
SELECT sentiment('bagus') > 0 AS works;
ROLLBACK;

-- complaints: what a comment is about, what is mentioned most first, names among equals
SELECT c, complaint_categories(c) FROM unnest(ARRAY['Kurir kasar, paket telat dan paket hilang', 'The staff were rude', 'gak dibalas', 'harga mahal', 'Halo', '', 'tagihan dobel, tagihan salah, kasir tidak ramah', 'wrong item delivered']) c;
SELECT complaint_categories(NULL);
SELECT category, count(*) FILTER (WHERE locale = 'id') > 3 AND count(*) FILTER (WHERE locale = 'en') > 3 AS both FROM complaint_lexicon GROUP BY 1 ORDER BY 1;
INSERT INTO complaint_lexicon (category, word) VALUES ('parking', 'Parkir'), ('parking', 'tempat parkir'), ('price', 'parkir');
SELECT complaint_categories('tempat parkir'), complaint_categories('parkirnya mahal');
INSERT INTO complaint_lexicon (category, word, applies) VALUES ('price', 'mahal', false);
SELECT complaint_categories('mahal'), complaint_categories('parkirnya mahal');
DELETE FROM complaint_lexicon WHERE category = 'price' AND word = 'mahal';
\echo :LAST_ERROR_SQLSTATE
DELETE FROM complaint_lexicon WHERE NOT shipped;
SELECT complaint_categories('tempat parkir'), complaint_categories('mahal');
INSERT INTO complaint_lexicon (category, word) VALUES ('', 'x');
INSERT INTO complaint_lexicon (category, word) VALUES ('price', '??');
