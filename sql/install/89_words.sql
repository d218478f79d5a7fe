-- Words for people: what codes are called in a language, and numbers as its
-- speakers write them.

CREATE FUNCTION customer_scoring.number_text(number numeric, locale text, decimals integer DEFAULT NULL) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_number_text';
COMMENT ON FUNCTION customer_scoring.number_text(numeric, text, integer) IS
	'A number as it is written in a language, with all its digits, or rounded to so many decimals';
CREATE FUNCTION customer_scoring.money_text(amount numeric, currency text, locale text, decimals integer DEFAULT NULL) RETURNS text
	LANGUAGE c STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'cs_money_text';
COMMENT ON FUNCTION customer_scoring.money_text(numeric, text, text, integer) IS
	'An amount of a currency as it is written in a language, with the decimals of the currency unless others are given';

-- Labels. Shipped ones come with the extension and are not dumped; those of users
-- are a table of their own, which is.
CREATE TABLE customer_scoring.shipped_label (
	kind text NOT NULL,
	code text NOT NULL,
	locale text NOT NULL,
	label text NOT NULL,
	PRIMARY KEY (kind, code, locale)
);
COMMENT ON TABLE customer_scoring.shipped_label IS 'What codes are called, as shipped: change or add to it in the table label';
COMMENT ON COLUMN customer_scoring.shipped_label.kind IS 'What the code is of: segment, tier, state, nps, pareto, score, figure or problem';
COMMENT ON COLUMN customer_scoring.shipped_label.code IS 'The code, as it is in the data';
COMMENT ON COLUMN customer_scoring.shipped_label.locale IS 'The language';
COMMENT ON COLUMN customer_scoring.shipped_label.label IS 'What people who speak it call it';
GRANT SELECT ON customer_scoring.shipped_label TO PUBLIC;

CREATE TABLE customer_scoring.label (
	kind text NOT NULL,
	code text NOT NULL,
	locale text NOT NULL,
	label text NOT NULL,
	PRIMARY KEY (kind, code, locale),
	CONSTRAINT label_locale CHECK (locale ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$')
);
COMMENT ON TABLE customer_scoring.label IS 'What codes are called: your own labels, languages and codes; they come before shipped ones';
COMMENT ON COLUMN customer_scoring.label.kind IS 'What the code is of: segment, tier, state, nps, pareto, score, figure, problem, or a kind of your own';
COMMENT ON COLUMN customer_scoring.label.code IS 'The code, as it is in the data';
COMMENT ON COLUMN customer_scoring.label.locale IS 'A language, or a language and a country: id, en, id-ID';
COMMENT ON COLUMN customer_scoring.label.label IS 'What people who speak it call it';
GRANT SELECT ON customer_scoring.label TO PUBLIC;
GRANT INSERT, UPDATE, DELETE ON customer_scoring.label TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('customer_scoring.label', '');

INSERT INTO customer_scoring.shipped_label (kind, code, locale, label)
SELECT v.kind, v.code, l.locale, l.label
FROM (VALUES
	('segment', 'champions', 'Champions', 'Juara'),
	('segment', 'loyal', 'Loyal', 'Setia'),
	('segment', 'potential_loyalist', 'Potential loyalist', 'Calon pelanggan setia'),
	('segment', 'new', 'New', 'Baru'),
	('segment', 'promising', 'Promising', 'Menjanjikan'),
	('segment', 'need_attention', 'Needs attention', 'Perlu perhatian'),
	('segment', 'about_to_sleep', 'About to sleep', 'Mulai menjauh'),
	('segment', 'at_risk', 'At risk', 'Berisiko hilang'),
	('segment', 'cant_lose', 'Cannot lose', 'Jangan sampai lepas'),
	('segment', 'hibernating', 'Hibernating', 'Lama tidak aktif'),
	('segment', 'lost', 'Lost', 'Hilang'),
	('segment', 'prospect', 'Prospect', 'Calon pelanggan'),
	('tier', 'bronze', 'Bronze', 'Perunggu'),
	('tier', 'silver', 'Silver', 'Perak'),
	('tier', 'gold', 'Gold', 'Emas'),
	('tier', 'platinum', 'Platinum', 'Platinum'),
	('nps', 'promoter', 'Promoter', 'Promotor'),
	('nps', 'passive', 'Passive', 'Pasif'),
	('nps', 'detractor', 'Detractor', 'Detraktor'),
	('state', 'new', 'New', 'Baru'),
	('state', 'active', 'Active', 'Aktif'),
	('state', 'returning', 'Returning', 'Kembali membeli'),
	('state', 'resurrecting', 'Back again', 'Aktif kembali'),
	('state', 'dormant', 'Dormant', 'Tidak aktif'),
	('state', 'at_risk', 'At risk', 'Berisiko hilang'),
	('state', 'lapsed', 'Lapsed', 'Berhenti membeli'),
	('pareto', 'A', 'A: most of the revenue', 'A: sebagian besar pendapatan'),
	('pareto', 'B', 'B: the middle', 'B: menengah'),
	('pareto', 'C', 'C: the rest', 'C: selebihnya'),
	('score', '1', 'Very low', 'Sangat rendah'),
	('score', '2', 'Low', 'Rendah'),
	('score', '3', 'Medium', 'Sedang'),
	('score', '4', 'High', 'Tinggi'),
	('score', '5', 'Very high', 'Sangat tinggi'),
	('figure', 'r', 'Recency', 'Kebaruan'),
	('figure', 'f', 'Frequency', 'Frekuensi'),
	('figure', 'm', 'Monetary value', 'Nilai belanja'),
	('problem', 'no_customer', 'No customer', 'Tanpa pelanggan'),
	('problem', 'no_time', 'No time', 'Tanpa waktu'),
	('problem', 'no_amount', 'No amount', 'Tanpa jumlah'),
	('problem', 'no_score', 'No score', 'Tanpa skor'),
	('problem', 'not_finite', 'Not a finite value', 'Nilai tak hingga'),
	('problem', 'future', 'In the future', 'Di masa depan'),
	('problem', 'negative_revenue', 'Negative revenue', 'Pendapatan negatif'),
	('problem', 'orphan', 'Unknown customer', 'Pelanggan tidak dikenal'),
	('problem', 'no_currency', 'No currency', 'Tanpa mata uang'),
	('problem', 'other_currency', 'Another currency', 'Mata uang lain'),
	('problem', 'no_order_id', 'No order number', 'Tanpa nomor pesanan'),
	('problem', 'duplicate_order', 'Order entered twice', 'Pesanan tercatat ganda'),
	('problem', 'shared_order', 'Order of several customers', 'Pesanan milik beberapa pelanggan'),
	('problem', 'repeated_customer', 'Customer listed twice', 'Pelanggan tercatat ganda'),
	('problem', 'duplicate_customer', 'Probably the same person', 'Kemungkinan orang yang sama'),
	('problem', 'not_counted', 'Not counted', 'Tidak terhitung')) v (kind, code, en, id)
CROSS JOIN LATERAL (VALUES ('en', v.en), ('id', v.id)) l (locale, label);

CREATE VIEW customer_scoring.label_list AS
WITH label AS (
	SELECT l.kind, l.code, l.locale, l.label, 1 AS place FROM customer_scoring.label l
	UNION ALL
	SELECT s.kind, s.code, s.locale, s.label, 2 FROM customer_scoring.shipped_label s)
SELECT DISTINCT ON (c.kind, c.code, n.locale)
       c.kind, c.code, n.locale, coalesce(l.label, c.code) AS label, l.locale AS label_locale
FROM (SELECT DISTINCT a.kind, a.code FROM label a) c
CROSS JOIN (SELECT DISTINCT a.locale FROM label a) n
LEFT JOIN label l ON l.kind = c.kind AND l.code = c.code
     AND (pg_catalog.lower(l.locale) = 'en' OR pg_catalog.starts_with(pg_catalog.lower(n.locale) || '-', pg_catalog.lower(l.locale) || '-'))
ORDER BY c.kind, c.code, n.locale, pg_catalog.starts_with(pg_catalog.lower(n.locale) || '-', pg_catalog.lower(l.locale) || '-') DESC NULLS LAST,
         pg_catalog.length(l.locale) DESC, l.place, l.locale COLLATE "C";
COMMENT ON VIEW customer_scoring.label_list IS 'What each code is called in each language that somebody has labels of, to be joined; English, or the code itself, where there is none';
COMMENT ON COLUMN customer_scoring.label_list.kind IS 'What the code is of: segment, tier, state, nps, pareto, score, figure, problem, or a kind of your own';
COMMENT ON COLUMN customer_scoring.label_list.code IS 'The code, as it is in the data';
COMMENT ON COLUMN customer_scoring.label_list.locale IS 'The language that is asked for';
COMMENT ON COLUMN customer_scoring.label_list.label IS 'The label';
COMMENT ON COLUMN customer_scoring.label_list.label_locale IS 'The language that the label is in; NULL for the code itself';
GRANT SELECT ON customer_scoring.label_list TO PUBLIC;

CREATE FUNCTION customer_scoring.label_text(kind text, code text, locale text DEFAULT pg_catalog.current_setting('lc_messages')) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce((
		SELECT l.label
		FROM (SELECT o.label, o.locale, 1 AS place FROM customer_scoring.label o WHERE o.kind OPERATOR(pg_catalog.=) $1 AND o.code OPERATOR(pg_catalog.=) $2
		      UNION ALL
		      SELECT s.label, s.locale, 2 FROM customer_scoring.shipped_label s WHERE s.kind OPERATOR(pg_catalog.=) $1 AND s.code OPERATOR(pg_catalog.=) $2) l
		CROSS JOIN LATERAL (SELECT pg_catalog.starts_with(
			-- id_ID.UTF-8, as the server writes it, is id-ID
			pg_catalog.lower(pg_catalog.replace(pg_catalog.split_part(pg_catalog.split_part($3, '.', 1), '@', 1), '_', '-'))
			OPERATOR(pg_catalog.||) '-', pg_catalog.lower(l.locale) OPERATOR(pg_catalog.||) '-') IS TRUE AS asked) a
		WHERE a.asked OR pg_catalog.lower(l.locale) OPERATOR(pg_catalog.=) 'en'
		ORDER BY a.asked DESC, pg_catalog.length(l.locale) DESC, l.place, l.locale COLLATE pg_catalog."C"
		LIMIT 1), $2);
END;
COMMENT ON FUNCTION customer_scoring.label_text(text, text, text) IS
	'What a code of a kind is called in a language; in English, or the code itself, where nobody has said so';

CREATE FUNCTION customer_scoring.segment_label(code text, locale text DEFAULT pg_catalog.current_setting('lc_messages')) RETURNS text
	LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT customer_scoring.label_text('segment', $1, $2);
END;
COMMENT ON FUNCTION customer_scoring.segment_label(text, text) IS
	'What a segment is called in a language; in English, or the code itself, where nobody has said so';
