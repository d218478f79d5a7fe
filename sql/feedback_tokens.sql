-- feedback_tokens: words as shops and chats write them, Indonesian and English at once.
SET search_path = public, customer_scoring;

CREATE FUNCTION pg_temp.tokens(comment text) RETURNS text LANGUAGE sql AS $$ SELECT array_to_string(feedback_tokens(comment), ' | ') $$;
-- words in one normal form; punctuation is no token
SELECT pg_temp.tokens('Barang BAGUS, sesuai foto!');
SELECT pg_temp.tokens(U&'\FF22\FF21\FF27\FF35\FF33 Stra\00DFe caf\00E9 cafe\0301 \FB01ne');
SELECT pg_temp.tokens(U&'don''t don\2019t don\2018t U.S.A. e.g. 3D-print');
-- words written twice are one token, also with a 2, and only if they are alike
SELECT pg_temp.tokens('ramah-ramah berulang-ulang warna-warni bolak-balik sayur-mayur kehijau-hijauan bersama-sama');
SELECT pg_temp.tokens('sangat2 barang2nya cepat2an h2o mp3 b2b iphone12 ab2 halo2x');
SELECT pg_temp.tokens(U&'sangat\00B2 user-friendly check-in e-mail pick-up ramah - ramah ramah-, -ramah ramah--ramah 3-3');
-- letters drawn out: two if the lexicon knows that word, else one; digits are not
SELECT pg_temp.tokens('bangeeet sooo gooood asyiiiik 1000000 hmmmm aaaa');
-- amounts keep their currency
SELECT pg_temp.tokens(U&'Rp1.250.000 rp 1.250.000 Rp. 50.000,- IDR 20.000 USD 5.50 $20 \20AC15 1,5jt 50rb 20%');
SELECT pg_temp.tokens('rp rp. bagus. 5 rp, 7 harga rp');
-- emoticons of the lexicon, emoji, and what only looks like one
SELECT pg_temp.tokens(':) bagus:) :((( :-( xD XD T_T ^_^ <3 =D :D');
SELECT pg_temp.tokens('isi:(satu) ax:D 10:) box:day t_total maxd');
SELECT pg_temp.tokens(U&'\+01F44D\+01F3FD\+01F44D \2764\FE0F \+01F1EE\+01F1E9 ok\+01F602');
-- addresses are one token each
SELECT pg_temp.tokens('lihat https://toko.example/a:/b?c=1). www.toko.example, tulis ke Ani.B+toko@toko.example.');
SELECT pg_temp.tokens('@toko a@ @ http:/ www. httpx://a');
-- a full stop without a space after it
SELECT pg_temp.tokens('bagus.cepat bagus,cepat bagus/cepat bagus_cepat bagus:cepat jam 9.30 a.b c.d.e');
-- other scripts: ICU knows where words end
SELECT pg_temp.tokens(U&'\6211\7231\4F60 \0E20\0E32\0E29\0E32\0E44\0E17\0E22 \043F\0440\0438\0432\0435\0442 \0645\0631\062D\0628\0627');
SELECT feedback_tokens('a b', 'en') = feedback_tokens('a b') AS same, feedback_tokens('a b', 'en-US') = feedback_tokens('a b') AS same;

-- nothing in, nothing out
SELECT feedback_tokens(''), feedback_tokens(E' \n\t.,!-'), feedback_tokens(NULL), feedback_tokens('a', NULL);
SELECT feedback_tokens('a', '');
\echo :LAST_ERROR_SQLSTATE
SELECT feedback_tokens('a', 'nowhere');
-- bidi controls, joiners, lone marks, private and unassigned characters, the ends of Unicode
SELECT pg_temp.tokens(U&'a\202Eb\202C \2066c\2069 d\200Be f\200Dg') AS invisible;
SELECT cardinality(feedback_tokens(U&'\0301 \E000 \F780 \+10FFFF \FFFD \FDFA \+01D11E')) AS others;
SELECT length(feedback_tokens(U&'\FDFA')::text) > 10 AS ligature_of_many;
-- very long: one word, many words, marks without end, hyphens, colons, addresses that are none
SELECT cardinality(feedback_tokens(repeat('bagus sekali ', 100000)));
SELECT cardinality(t), length(t[1]) FROM (SELECT feedback_tokens(repeat('a', 100000)) t) x;
SELECT cardinality(feedback_tokens(repeat('ab', 100000)));
SELECT cardinality(feedback_tokens(repeat('a-', 100000))) > 0 AS hyphens, cardinality(feedback_tokens(repeat(':', 100000))) AS colons,
       cardinality(feedback_tokens(repeat('a.', 100000))) > 0 AS stops, cardinality(feedback_tokens(repeat('a@', 50000))) > 0 AS ats,
       cardinality(feedback_tokens('x' || repeat(U&'\0301', 100000))) AS marks;
-- pieces end at white space: the tokens are those of all the words
SELECT md5(feedback_tokens(string_agg(w, ' ' ORDER BY i))::text) = md5(array_agg(w ORDER BY i)::text) AS equal
FROM (SELECT i, 'k' || i AS w FROM generate_series(1, 60000) i) x;
SELECT count(*) FROM (SELECT unnest(feedback_tokens(repeat('satu dua ', 50000))) LIMIT 3) x;

-- a property: tokens of tokens are themselves, and case does not matter
SELECT count(*) AS comments, count(*) FILTER (WHERE feedback_tokens(upper(c)) <> t OR feedback_tokens(array_to_string(t, ' ')) <> t) AS differ
FROM (SELECT c, feedback_tokens(c) t FROM (
	SELECT string_agg((ARRAY['Bagus', 'tidak', 'ramah-ramah', 'sangat2', 'Rp1.250.000', ':)', ':(', 'BANGEEET', 'don''t', '50rb', 'www.toko.example', 'ke-2', '!', ',', '(', '😀', 'é'])
		[1 + (i * 31 + j * 17 + i * j) % 17], ' ' ORDER BY j) c
	FROM generate_series(1, 500) i, generate_series(1, 12) j GROUP BY i) y) x;
