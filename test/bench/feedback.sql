-- feedback.sql: reading comments of 20 words beside the server's own full text search.

CREATE UNLOGGED TABLE comments AS
SELECT string_agg(w, ' ' ORDER BY j) AS comment FROM (
	SELECT i, j, (ARRAY['pelayanan', 'ramah', 'tidak', 'barang', 'sampai', 'cepat', 'sekali', 'dan', 'the', 'delivery', 'was', 'slow', 'but', 'quality', 'good',
		'saya', 'pesan', 'kemarin', 'untuk', 'kantor', 'warna', 'sesuai', 'foto', 'terima', 'kasih', 'kurirnya', 'bangeeet', 'gak', 'customers', 'waiting', 'because'])
		[1 + (i * 7 + j * 13 + i * j) % 31] AS w
	FROM generate_series(1, greatest((100000 * :scale)::integer, 1000)) AS i, generate_series(1, 20) AS j) AS words GROUP BY i;
VACUUM (FREEZE, ANALYZE) comments;

SELECT bench.check_equal('sentiment', (
	SELECT count(*) FROM (SELECT comment, coalesce((SELECT sum(weight) FROM sentiment_words(comment)), 0) AS s FROM comments LIMIT 1000) AS c
	WHERE abs(sentiment(comment) - s / sqrt(s * s + 1)) > 1e-12));

-- at most one and a half times the cost
CALL bench.compare('sentiment beside to_tsvector', 0.67, 'SELECT count(sentiment(comment)) FROM comments', 'SELECT count(to_tsvector(''english'', comment)) FROM comments', 'Aggregate.*Seq Scan');
CALL bench.compare('complaint_categories beside it', NULL, 'SELECT count(complaint_categories(comment)) FROM comments', 'SELECT count(to_tsvector(''english'', comment)) FROM comments', 'Aggregate.*Seq Scan');
CALL bench.compare('feedback_tokens beside it', NULL, 'SELECT count(feedback_tokens(comment)) FROM comments', 'SELECT count(to_tsvector(''english'', comment)) FROM comments', 'Aggregate.*Seq Scan');
