-- rfm_map: a readable literal that gives every RFM cell one segment, or says where it does not.
SET search_path = public, customer_scoring;

-- figures of a score; more than 9 bins need a separator
SELECT rfm_cell(s), rfm_total(s), rfm_weighted(s), rfm_weighted(s, 1, 1, 1), rfm_weighted(s, m_weight => 0.5)
FROM (VALUES ('(5,4,3,5)'), ('(1,1,1,2)'), ('(9,9,9,9)'), ('(10,4,3,10)'), ('(100,1,99,100)')) x(t), LATERAL (SELECT t::rfm_score) v(s);

-- without a score there is nothing to say
SELECT s, rfm_cell(s), rfm_total(s), rfm_weighted(s), rfm_segment(s), rfm_segment(s, 'rf10'), rfm_segment_rank(s)
FROM (VALUES (NULL), ('(,4,3,5)'), ('(5,,3,5)'), ('(5,4,,5)'), ('(5,4,3,)'), ('(,,,)'), ('(9,,3,5)')) x(t), LATERAL (SELECT t::rfm_score) v(s);
SELECT rfm_weighted((5,4,3,5)::rfm_score, NULL), rfm_segment((5,4,3,5)::rfm_score, NULL), rfm_segment_rank((5,4,3,5)::rfm_score, NULL),
       rfm_segment(NULL, 4, 3), rfm_segment(5, NULL, 3), rfm_segment(5, 4, NULL), rfm_segment(5, 4, 3, NULL), named_rfm_map(NULL);
SELECT count(*) FROM check_rfm_map(NULL);

-- impossible scores
SELECT rfm_cell((6,4,3,5)::rfm_score);
SELECT rfm_total((5,0,3,5)::rfm_score);
SELECT rfm_weighted((5,4,-3,5)::rfm_score);
SELECT rfm_segment((5,4,32767,5)::rfm_score);
SELECT rfm_cell((1,1,1,1)::rfm_score);
SELECT rfm_segment_rank((1,1,1,101)::rfm_score);
SELECT rfm_segment(0, 4, 3);
SELECT rfm_segment(5, 6, 3);
SELECT rfm_segment(5, 4, -2147483648);
SELECT rfm_weighted((5,4,3,5)::rfm_score, 'NaN');
SELECT rfm_weighted((5,4,3,5)::rfm_score, 1, 'infinity');
SELECT rfm_weighted((5,4,3,5)::rfm_score, 1, 1, '-infinity');
SELECT rfm_weighted((5,4,3,5)::rfm_score, 1e308, 1e308);
SELECT rfm_weighted((5,4,3,5)::rfm_score, 1e308, -1e308);

-- the built-in maps: rules, coverage of the 125 cells, ranks
SELECT regexp_split_to_table('rfm11'::rfm_map::text, ', ') AS rfm11;
SELECT regexp_split_to_table('rf10'::rfm_map::text, ', ') AS rf10;
SELECT ' rfm11 '::rfm_map::text = 'rfm11'::rfm_map::text AS white_space;
CREATE TEMP TABLE cell AS
SELECT r, f, m, (f + m + 1) / 2 AS fm, (r, f, m, 5)::rfm_score AS score
FROM generate_series(1, 5) r, generate_series(1, 5) f, generate_series(1, 5) m;
SELECT rfm_segment(score) AS rfm11, rfm_segment_rank(score), count(*) FROM cell GROUP BY 1, 2 ORDER BY 2 DESC;
SELECT rfm_segment(score, 'rf10') AS rf10, rfm_segment_rank(score, 'rf10'), count(*) FROM cell GROUP BY 1, 2 ORDER BY 2 DESC;
SELECT name, (SELECT count(*) FROM check_rfm_map(map)) AS problems FROM rfm_segment_map ORDER BY name;

-- cell by cell as the two grids say, by score and by three numbers
WITH rfm11(r, segments) AS (VALUES
	(5, '{new,potential_loyalist,potential_loyalist,champions,champions}'::text[]),
	(4, '{promising,potential_loyalist,potential_loyalist,loyal,loyal}'),
	(3, '{about_to_sleep,about_to_sleep,need_attention,loyal,loyal}'),
	(2, '{hibernating,hibernating,at_risk,at_risk,cant_lose}'),
	(1, '{lost,hibernating,at_risk,at_risk,cant_lose}')),
rf10(r, segments) AS (SELECT r, array_replace(segments, 'lost', 'hibernating') FROM rfm11)
SELECT count(*) AS cells,
       bool_and(rfm_segment(score) = a.segments[fm] AND rfm_segment(r, f, m) = a.segments[fm]) AS rfm11,
       bool_and(rfm_segment(score, 'rf10') = b.segments[f] AND rfm_segment(r, f, m, 'rf10') = b.segments[f]) AS rf10
FROM cell JOIN rfm11 a USING (r) JOIN rf10 b USING (r);

-- gaps and overlaps: the manual of R's rfm 0.3 names 115 cells, 58 of them more than once
CREATE TEMP TABLE r_manual AS SELECT 'bins 5: champions r5 f5 m5, potential_loyalist r3-5 f3-5 m2-5, loyal r2-4 f2-4 m2-4,
	promising r3-4 f1-3 m3-5, new r4-5 f1-3, cant_lose r1-2 f3-4 m4-5, at_risk r1-2 f2-5 m4-5,
	need_attention r1-3 f3-5 m3-5, about_to_sleep r2-3 f1-3 m1-4, lost r1'::rfm_map AS map;
SELECT problem, count(*) FROM r_manual, check_rfm_map(map) GROUP BY 1 ORDER BY 1;
SELECT string_agg(format('%s%s%s', r, f, m), ' ') AS unnamed FROM r_manual, check_rfm_map(map) WHERE problem = 'gap';
SELECT c.* FROM r_manual, check_rfm_map(map) c WHERE r = 1 AND f = 3 ORDER BY m;
SELECT rfm_segment(5, 5, 5, map) FROM r_manual;
SELECT rfm_segment((3,3,3,5)::rfm_score, map) FROM r_manual;
SELECT rfm_segment_rank((3,3,3,5)::rfm_score, map) FROM r_manual;
SELECT * FROM check_rfm_map('bins 2: a r1 f1, b r2');
SELECT * FROM check_rfm_map('bins 2: a, b r2 f2 m2');
SELECT rfm_segment(1, 1, 1, 'bins 2: a r1 f1, b r2');
SELECT rfm_segment(1, 1, 1, 'bins 2: a, b r2 f2 m2');
SELECT rfm_segment(1, 1, 1, 'bins 12: a r1-11, b r11');
-- rules of one segment may meet
SELECT rfm_segment(1, 1, 1, 'bins 2: a, a r1, a f1') AS one, (SELECT count(*) FROM check_rfm_map('bins 2: a, a r1, a f1')) AS problems;

-- random maps against plain SQL
CREATE TEMP TABLE rule AS
SELECT map, bins, 's_' || (random() * 3)::int AS segment, least(r1, r2) r1, greatest(r1, r2) r2, least(f1, f2) f1, greatest(f1, f2) f2,
       least(m1, m2) m1, greatest(m1, m2) m2, least(fm1, fm2) fm1, greatest(fm1, fm2) fm2
FROM (SELECT map, 2 + map % 5 AS bins, (1 + random() * (1 + map % 5))::int r1, (1 + random() * (1 + map % 5))::int r2,
             (1 + random() * (1 + map % 5))::int f1, (1 + random() * (1 + map % 5))::int f2,
             (1 + random() * (1 + map % 5))::int m1, (1 + random() * (1 + map % 5))::int m2,
             (1 + random() * (1 + map % 5))::int fm1, (1 + random() * (1 + map % 5))::int fm2
      FROM generate_series(1, 100) map, generate_series(1, 7)) x;
DELETE FROM rule WHERE fm1 > (f2 + m2 + 1) / 2 OR fm2 < (f1 + m1 + 1) / 2;
CREATE TEMP TABLE random_map AS
SELECT map AS id, bins, format('bins %s: %s', bins, string_agg(
	format('%s r%s-%s f%s-%s m%s-%s fm%s-%s', segment, r1, r2, f1, f2, m1, m2, fm1, fm2), ', '))::rfm_map AS map
FROM rule GROUP BY map, bins;
CREATE TEMP TABLE oracle AS
SELECT id, r, f, m, count(DISTINCT segment) AS n, array_agg(DISTINCT segment) FILTER (WHERE segment IS NOT NULL) AS segments
FROM random_map x CROSS JOIN generate_series(1, bins) r CROSS JOIN generate_series(1, bins) f CROSS JOIN generate_series(1, bins) m
LEFT JOIN rule ON rule.map = id AND r BETWEEN r1 AND r2 AND f BETWEEN f1 AND f2 AND m BETWEEN m1 AND m2 AND (f + m + 1) / 2 BETWEEN fm1 AND fm2
GROUP BY id, r, f, m;
SELECT count(*) > 1000 AS many, count(*) FILTER (WHERE problem IS DISTINCT FROM expected OR reported IS DISTINCT FROM wanted) AS different
FROM (SELECT o.id, CASE n WHEN 0 THEN 'gap' ELSE 'overlap' END AS expected, coalesce(o.segments, '{}') AS wanted, c.problem,
             ARRAY(SELECT unnest(c.segments) ORDER BY 1) AS reported
      FROM (SELECT * FROM oracle WHERE n <> 1) o
      FULL JOIN (SELECT id, p.* FROM random_map, check_rfm_map(map) p) c ON (c.id, c.r, c.f, c.m) = (o.id, o.r, o.f, o.m)) x;

-- other numbers of bins, and a segment for each pair of r and fm
SELECT bins, bool_and(rfm_segment((r, f, m, bins)::rfm_score, map) = format('s%s_%s', r, (f + m + 1) / 2)
                      AND rfm_segment_rank((r, f, m, bins)::rfm_score, map) = bins * bins + 1 - ((r - 1) * bins + (f + m + 1) / 2)) AS right_segment
FROM (SELECT bins, format('bins %s: %s', bins, (SELECT string_agg(format('s%s_%s r%s fm%s', r, fm, r, fm), ', ' ORDER BY r, fm)
                                                FROM generate_series(1, bins) r, generate_series(1, bins) fm))::rfm_map AS map
      FROM unnest('{2,3,4,10,31}'::int[]) bins OFFSET 0) x, generate_series(1, bins) r, generate_series(1, bins) f, generate_series(1, bins) m
GROUP BY bins ORDER BY bins;
SELECT rfm_segment((100,1,100,100)::rfm_score, 'bins 100: a r51-100, b r1-50'), rfm_segment(50, 100, 100, 'bins 100: a r51-100, b r1-50');

-- score and map must have the same bins
SELECT rfm_segment((4,4,4,4)::rfm_score);
SELECT rfm_segment((3,3,3,5)::rfm_score, 'bins 3: top r3, rest r1-2');
SELECT rfm_segment_rank((3,3,3,5)::rfm_score, 'bins 10: top r10, rest r1-9');
SELECT rfm_segment(4, 1, 1, 'bins 3: top r3, rest r1-2');

-- ranks go by the first rule of a segment
SELECT rfm_segment(r, 1, 1, map), rfm_segment_rank((r, 1, 1, 4)::rfm_score, map)
FROM (SELECT 'bins 4: low r1, high r4, middle r2, low r3'::rfm_map AS map) x, generate_series(1, 4) r;

-- the literal: free white space, leading zeros, full ranges left out, axes in one order
SELECT E'\tbins\n05 :a r1-3\n m01-05  f2 ,b2 fm1-5 r4-5,_c,a r4-4'::rfm_map;
SELECT 'bins 5: bins r1, rfm11 r2, rf10 r3, fm r4, r_5 r5'::rfm_map;

-- round trips of text and binary form, through a table
CREATE TEMP TABLE kept AS
SELECT id, map FROM random_map
UNION ALL SELECT 1000, 'rfm11'
UNION ALL SELECT 1001, (SELECT 'bins 100: ' || string_agg(rpad('a' || i, 63, 'x') || ' r' || i / 10 + 1, ', ') FROM generate_series(0, 999) i)::rfm_map;
SELECT count(*) FROM kept WHERE map::text::rfm_map::text IS DISTINCT FROM map::text;
SELECT length(map::text) AS longest FROM kept WHERE id = 1001;
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/rfm_map.bin'
COPY kept TO :'file' (FORMAT binary);
CREATE TEMP TABLE back (id int, map rfm_map);
COPY back FROM :'file' (FORMAT binary);
SELECT count(*) = (SELECT count(*) FROM kept) AS same_number,
       count(*) FILTER (WHERE k.map::text IS DISTINCT FROM b.map::text) AS different
FROM kept k FULL JOIN back b USING (id);

-- every bad literal says what is wrong, and where
SELECT ''::rfm_map;
SELECT 'rfm12'::rfm_map;
SELECT 'rfm11, rf10'::rfm_map;
SELECT 'RFM11'::rfm_map;
SELECT 'bins'::rfm_map;
SELECT 'bins5: a'::rfm_map;
SELECT 'bins 1: a'::rfm_map;
SELECT 'bins 101: a'::rfm_map;
SELECT 'bins -5: a'::rfm_map;
SELECT 'bins 5.0: a'::rfm_map;
SELECT 'bins 99999999999999999999: a'::rfm_map;
SELECT 'bins 5 a'::rfm_map;
SELECT 'bins 5:'::rfm_map;
SELECT 'bins 5: ,a'::rfm_map;
SELECT 'bins 5: a,'::rfm_map;
SELECT 'bins 5: a,, b'::rfm_map;
SELECT 'bins 5: a: b'::rfm_map;
SELECT 'bins 5: Champions r5'::rfm_map;
SELECT 'bins 5: cant-lose r5'::rfm_map;
SELECT 'bins 5: 5star r5'::rfm_map;
SELECT 'bins 5: "a" r5'::rfm_map;
SELECT 'bins 5: r5 fm4-5'::rfm_map;
SELECT 'bins 5: a r1, fm4-5'::rfm_map;
SELECT 'bins 5: prospect r5'::rfm_map;
SELECT ('bins 5: ' || repeat('a', 64))::rfm_map;
SELECT 'bins 5: a b r1'::rfm_map;
SELECT 'bins 5: a r'::rfm_map;
SELECT 'bins 5: a R5'::rfm_map;
SELECT 'bins 5: a r 5'::rfm_map;
SELECT 'bins 5: a x5'::rfm_map;
SELECT 'bins 5: a mf5'::rfm_map;
SELECT 'bins 5: a rfm5'::rfm_map;
SELECT 'bins 5: a r1-'::rfm_map;
SELECT 'bins 5: a r-1'::rfm_map;
SELECT 'bins 5: a r1-2-3'::rfm_map;
SELECT 'bins 5: a r1.5'::rfm_map;
SELECT 'bins 5: a r1000'::rfm_map;
SELECT 'bins 5: a r300'::rfm_map;
SELECT 'bins 5: a r0'::rfm_map;
SELECT 'bins 5: a fm5-6'::rfm_map;
SELECT 'bins 5: a r5-4'::rfm_map;
SELECT 'bins 5: a r1 f2 r3'::rfm_map;
SELECT 'bins 5: a r1, b f1 m1 fm2'::rfm_map;
SELECT 'bins 5: a f5 m4-5 fm1-4'::rfm_map;
SELECT 'bins 5: größer r1, b'::rfm_map;
SELECT 'bins 5: a r1, ééé忠誠客戶忠誠客戶忠誠客戶忠誠客戶忠誠客戶 r2'::rfm_map;
SELECT '{"v":1}'::rfm_map;
SELECT ('bins 5: ' || string_agg('a', ',')) ::rfm_map FROM generate_series(1, 1001);

-- every bad byte of a binary value is refused or makes another valid value
CREATE FUNCTION pg_temp.receive(bytes bytea, file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	received text;
BEGIN
	EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
	TRUNCATE pg_temp.received;
	EXECUTE format('COPY pg_temp.received FROM %L (FORMAT binary)', file);
	SELECT map::text INTO STRICT received FROM pg_temp.received;
	RETURN CASE WHEN received::rfm_map::text = received THEN 'valid' ELSE 'broken' END;
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate || ' ' || sqlerrm;
END
$$;
CREATE TEMP TABLE received (map rfm_map);
CREATE TEMP TABLE sent AS SELECT customer_scoring_internal.rfm_map_send('bins 5: a r5 fm4-5, bc') AS bytes;
SELECT bytes FROM sent;
SELECT what, pg_temp.receive(v.bytes, :'file')
FROM sent, LATERAL (VALUES ('whole', sent.bytes), ('cut', substr(sent.bytes, 1, 20)), ('empty', ''), ('longer', sent.bytes || '\x00'),
	('version', set_byte(sent.bytes, 1, 2)), ('bins 1', set_byte(sent.bytes, 3, 1)), ('bins 261', set_byte(sent.bytes, 2, 1)),
	('no rule', set_byte(sent.bytes, 5, 0)), ('more rules', set_byte(sent.bytes, 5, 3)), ('65281 rules', set_byte(sent.bytes, 4, 255)),
	('name length', set_byte(sent.bytes, 6, 255)), ('no name', set_byte(sent.bytes, 6, 0)), ('zero byte', set_byte(sent.bytes, 18, 0)),
	('upper case', set_byte(sent.bytes, 7, 65)), ('r0', set_byte(sent.bytes, 8, 0)), ('r200', set_byte(sent.bytes, 9, 200)),
	('r5-4', set_byte(sent.bytes, 9, 4)), ('no cell', set_byte(set_byte(sent.bytes, 11, 1), 13, 1)),
	('same name', overlay(sent.bytes PLACING '\x0161' FROM 17 FOR 3))) v(what, bytes);
SELECT count(*) > 400 AS many, count(*) FILTER (WHERE result !~ '^(valid$|22P03|0A000|08P01)') AS other
FROM (SELECT pg_temp.receive(set_byte(bytes, at, value), :'file') AS result
      FROM sent, generate_series(0, length(bytes) - 1) at, unnest('{0,1,2,3,4,6,45,64,97,99,127,128,200,254,255}'::int[]) value) x;

-- how calls resolve: integers that fit, rows and literals; bigint and text do not become scores silently
SELECT rfm_segment(5::smallint, 4::smallint, 3::smallint), rfm_segment('5', '4', '3'), rfm_segment('(5,4,3,5)'), rfm_segment('(5,4,3,5)', 'rf10'),
       rfm_segment(NULL), rfm_segment(NULL, NULL), rfm_segment(NULL, NULL, NULL), rfm_segment(NULL, NULL, NULL, NULL);
SELECT rfm_segment(r => 5, f => 4, m => 3, map => 'rf10'), rfm_segment(score => (5,4,3,5)::rfm_score, map => 'rf10'), rfm_cell('(5,4,3,5)'), rfm_total(NULL);
SELECT rfm_segment(5::bigint, 4::bigint, 3::bigint);
SELECT rfm_segment(5.0, 4.0, 3.0);
SELECT rfm_segment(5, 4, 3, 'rf10'::text);
SELECT rfm_segment((5,4,3,5)::rfm_score, 'rf10'::text);
SELECT rfm_segment(row(5,4,3,5));
SELECT rfm_segment('(5,4,3)');
SELECT rfm_segment('(5,4,3,99999)');
SELECT rfm_segment(5, 4);
SELECT rfm_cell(543);

-- a row from a table, a domain, a variable, a stored map
CREATE TEMP TABLE scored AS SELECT 1 AS id, (5,4,3,5)::rfm_score AS score, 'rf10'::rfm_map AS map;
CREATE DOMAIN pg_temp.own_score AS rfm_score CHECK ((VALUE).r > 1);
SELECT rfm_segment(score), rfm_segment(score, map), rfm_segment(score::pg_temp.own_score), (score).r, rfm_segment((score).r, (score).f, (score).m, map) FROM scored;
DO $$
DECLARE
	s customer_scoring.rfm_score := (1,1,1,5);
BEGIN
	s.r := 5;
	RAISE NOTICE '% % %', rfm_cell(s), rfm_segment(s), rfm_segment_rank(s);
END
$$;

-- named maps: a row each, shipped ones fixed
INSERT INTO rfm_segment_map (name, map) VALUES ('abc', 'bins 3: a r3, b r2, c r1'), ('open', 'bins 3: a r3');
SELECT rfm_segment(2, 1, 1, named_rfm_map('abc')), named_rfm_map('abc');
SELECT rfm_segment(2, 1, 1, named_rfm_map('open'));
SELECT name, count(*) FROM rfm_segment_map, check_rfm_map(map) GROUP BY name;
SELECT named_rfm_map('no such map');
UPDATE rfm_segment_map SET map = 'bins 5: all_the_same' WHERE name = 'rfm11';
INSERT INTO rfm_segment_map (name, map) VALUES ('none', NULL);
UPDATE rfm_segment_map SET description = 'ours' WHERE name = 'rfm11';

-- users' maps are dumped, shipped rows are not
SELECT extconfig::regclass[], extcondition FROM (
	SELECT array_agg(c) AS extconfig, array_agg(w) AS extcondition
	FROM pg_extension, unnest(extconfig, extcondition) u(c, w)
	WHERE extname = 'customer_scoring' AND c = 'customer_scoring.rfm_segment_map'::regclass) x;

-- anyone reads, the owner writes; names in the caller's search_path do not matter
CREATE ROLE regress_cs_analyst;
CREATE SCHEMA regress_cs_trap AUTHORIZATION regress_cs_analyst;
SET ROLE regress_cs_analyst;
CREATE TABLE regress_cs_trap.rfm_segment_map (name text, map text);
CREATE FUNCTION regress_cs_trap.trap(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE OPERATOR regress_cs_trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = regress_cs_trap.trap);
SET search_path = regress_cs_trap, pg_catalog;
SELECT customer_scoring.rfm_segment(5, 4, 3, customer_scoring.named_rfm_map('rf10'));
SELECT customer_scoring.named_rfm_map('unknown');
SELECT 'rf10'::customer_scoring.rfm_map;
INSERT INTO customer_scoring.rfm_segment_map (name, map) VALUES ('mine', 'rf10');
UPDATE customer_scoring.rfm_segment_map SET description = 'mine';
DELETE FROM customer_scoring.rfm_segment_map;
SET search_path = public, customer_scoring;
RESET ROLE;
REVOKE SELECT ON rfm_segment_map FROM PUBLIC;
SET ROLE regress_cs_analyst;
SELECT named_rfm_map('rf10');
RESET ROLE;
GRANT SELECT ON rfm_segment_map TO PUBLIC;
DROP SCHEMA regress_cs_trap CASCADE;
DROP ROLE regress_cs_analyst;
TRUNCATE rfm_segment_map;
SELECT named_rfm_map('rf10');

-- pure functions are immutable, the one that reads a table stable, all parallel safe
SELECT provolatile, proparallel, proisstrict, string_agg(oid::regprocedure::text, E'\n' ORDER BY oid::regprocedure::text COLLATE "C")
FROM pg_proc WHERE pronamespace = 'customer_scoring'::regnamespace AND proname ~ 'rfm_(cell|total|weighted|segment|map)'
GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;

-- SQLSTATEs
CREATE FUNCTION pg_temp.state(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE query;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate;
END
$$;
SELECT pg_temp.state('SELECT ' || q), q FROM unnest(ARRAY[
	$$rfm_cell((6,4,3,5)::rfm_score)$$, $$rfm_cell((1,1,1,1)::rfm_score)$$, $$rfm_segment(6,1,1)$$,
	$$rfm_weighted((5,4,3,5)::rfm_score, 'NaN')$$, $$rfm_weighted((5,4,3,5)::rfm_score, 1e308)$$,
	$$rfm_segment((4,4,4,4)::rfm_score)$$, $$rfm_segment(1,1,1,'bins 5: a r1')$$, $$rfm_segment(1,1,1,'bins 5: a, b r1')$$,
	$$'bins 5: a r6'::rfm_map$$, $$'bins 5: prospect'::rfm_map$$, $$named_rfm_map('x')$$]) q;

-- a row of another shape is not misread
BEGIN;
ALTER TYPE rfm_score ADD ATTRIBUTE extra smallint;
SELECT rfm_cell((5,4,3,5,1)::rfm_score);
ROLLBACK;
