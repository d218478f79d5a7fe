-- What codes are called: shipped labels, labels of users before them, and what there is when nobody has said so.
SET search_path = public, customer_scoring;

-- every segment of the built-in maps, every tier, bucket and problem, in both languages
SELECT m.name, s.segment, segment_label(s.segment, 'en') AS en, segment_label(s.segment, 'id') AS id
FROM (VALUES ('rfm11', 'rfm11'::rfm_map), ('rf10', 'rf10')) m (name, map), LATERAL (SELECT DISTINCT rfm_segment(r, f, m2, m.map) AS segment, max(rfm_segment_rank(ROW(r, f, m2, 5)::rfm_score, m.map)) AS rank
	FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m2 GROUP BY 1) s ORDER BY m.name, s.rank DESC;
SELECT kind, count(*) AS labels, count(DISTINCT code) AS codes, count(*) FILTER (WHERE locale = 'en') AS en, count(*) FILTER (WHERE locale = 'id') AS id,
       count(*) FILTER (WHERE label ~ '^\s|\s$|^$') AS blank FROM shipped_label GROUP BY kind ORDER BY kind COLLATE "C";
SELECT locale, kind, label FROM shipped_label GROUP BY 1, 2, 3 HAVING count(*) > 1;

-- the language that is asked for, however it is written
SELECT l, segment_label('champions', l) FROM unnest('{id,ID,id-ID,id_ID,id_ID.UTF-8,id_ID@euro,in,ide,i,en,en-GB,en_US.utf8,C,POSIX,"",fr," id",id-,"id%","id''; --"}'::text[]) l;
SELECT segment_label('champions') = segment_label('champions', current_setting('lc_messages')) AS of_session;
SELECT segment_label('champions', NULL), segment_label(NULL, 'id'), segment_label('', 'id') AS empty, segment_label('Champions', 'id') AS other_case,
       segment_label('nobody''s', 'id') AS unknown, label_text('no kind', 'champions', 'id') AS no_kind, label_text(NULL, 'champions', 'id') AS null_kind;
SELECT label_text('tier', 'gold', 'id'), label_text('nps', 'promoter', 'id'), label_text('pareto', 'A', 'id'), label_text('score', '5', 'id'),
       label_text('figure', 'r', 'id'), label_text('state', 'lapsed', 'id'), label_text('problem', 'orphan', 'id');
SELECT length(segment_label(repeat('x', 1000000), repeat('id-', 100000)));

-- one's own labels, languages, codes and kinds
BEGIN;
INSERT INTO label VALUES ('segment', 'champions', 'id', 'Bintang'), ('segment', 'champions', 'en-GB', 'Top of the shop'), ('segment', 'champions', 'jv', 'Jawara'),
	('segment', 'vip', 'id', 'Utama'), ('colour', '#f00', 'en', 'Red'), ('segment', 'lost', 'zh-Hant', '流失'), ('segment', 'lost', 'zh', '流失客户');
SELECT l, segment_label('champions', l), segment_label('vip', l), segment_label('lost', l) FROM unnest('{id,id-ID,en,en-GB,en-gb-oed,en-US,jv,jv-ID,zh,zh-TW,zh-Hant-TW,ZH_hant_tw}'::text[]) l;
SELECT label_text('colour', '#f00', 'id');
-- to be joined: a row for each code and language, the same as the function says
SELECT code, locale, label, label_locale FROM label_list WHERE kind = 'segment' AND code IN ('champions', 'vip', 'lost') ORDER BY code COLLATE "C", locale COLLATE "C";
SELECT count(*) AS rows, count(DISTINCT (kind, code, locale)) AS different, count(*) FILTER (WHERE label IS DISTINCT FROM label_text(kind, code, locale)) AS wrong,
       count(DISTINCT (kind, code)) * count(DISTINCT locale) AS expected FROM label_list;
SELECT s.segment, coalesce(l.label, s.segment) AS label FROM (VALUES ('champions'), ('lost'), ('own')) s (segment)
LEFT JOIN label_list l ON l.kind = 'segment' AND l.code = s.segment AND l.locale = 'id' ORDER BY 1;
-- changed, it is changed at once
UPDATE label SET label = 'Unggulan' WHERE code = 'champions' AND locale = 'id';
SELECT segment_label('champions', 'id');
DELETE FROM label WHERE code = 'champions';
SELECT segment_label('champions', 'id');
ROLLBACK;
INSERT INTO label VALUES ('segment', 'vip', 'id_ID', 'Utama');
INSERT INTO label VALUES ('segment', 'vip', '', 'Utama');
INSERT INTO label VALUES ('segment', 'vip', 'id', NULL);

-- who may what
CREATE ROLE regress_cs_label;
SET ROLE regress_cs_label;
SELECT segment_label('lost', 'id'), (SELECT label FROM label_list WHERE kind = 'segment' AND code = 'lost' AND locale = 'id');
INSERT INTO label VALUES ('segment', 'lost', 'id', 'x');
UPDATE shipped_label SET label = 'x';
RESET ROLE;
DROP ROLE regress_cs_label;
