-- tier_scheme, tier_terms and tier_ledger: text and binary forms, what they refuse,
-- and what a scheme says about one value.
SET search_path = public, customer_scoring;
SET TimeZone = 'UTC';
SET IntervalStyle = 'postgres';

-- names are words or quoted, thresholds exact; the text reads back
SELECT 'bronze 0, silver 500, gold 2000'::tier_scheme;
SELECT E' bronze\t-0.50 ,"Gold ""x"", y" +1000.00,Größe 99999999999999999999.999999999999'::tier_scheme;
SELECT x::text::tier_scheme::text = x::text AS same FROM (SELECT E'a -0.50 ,"Gold ""x"", y" +1000.00, UPPER 1000.001'::tier_scheme) y (x);
SELECT count(*), min(threshold), max(threshold) FROM tiers((SELECT string_agg(format('t%s %s', i, i), ', ') FROM generate_series(1, 100) i)::tier_scheme);
SELECT * FROM tiers('a -5, b 0.000000000001, c 3.20');

-- each mistake by its name and place
SELECT ''::tier_scheme;
SELECT '5 a'::tier_scheme;
SELECT 'a'::tier_scheme;
SELECT 'a 5 b'::tier_scheme;
SELECT 'a 5,'::tier_scheme;
SELECT 'a 5, , b 7'::tier_scheme;
SELECT 'a five'::tier_scheme;
SELECT 'a 1e3'::tier_scheme;
SELECT 'a .'::tier_scheme;
SELECT 'a NaN'::tier_scheme;
SELECT 'a Infinity'::tier_scheme;
SELECT 'a 5, b 5.0'::tier_scheme;
SELECT 'a 5, a 6'::tier_scheme;
SELECT 'a 5, "" 6'::tier_scheme;
SELECT '"a 5'::tier_scheme;
SELECT 'a 0.0000000000001'::tier_scheme;
SELECT 'a 100000000000000000000'::tier_scheme;
SELECT format('%s 1', repeat('x', 63))::tier_scheme::text = format('%s 1', repeat('x', 63)) AS longest;
SELECT format('%s 1', repeat('x', 64))::tier_scheme;
SELECT (SELECT string_agg(format('t%s %s', i, i), ', ') FROM generate_series(1, 101) i)::tier_scheme;

-- one value: below the first threshold there is no tier
SELECT v, loyalty_tier(s, v), tier_rank(s, v), next_tier(s, v), amount_to_next_tier(s, v)
FROM (VALUES ('bronze 0, silver 500.50, gold 2000'::tier_scheme)) x (s),
	(VALUES (-1), (-0.00000000000000000001), (0), (500.49), (500.4999999999999999999), (500.5), (2000), (99999999999999999999)) y (v);
SELECT loyalty_tier('a 1', 2), loyalty_tier('a 1', 2::smallint), loyalty_tier('a 1', 2::bigint), loyalty_tier('a 1', NULL) IS NULL AS none;
SELECT loyalty_tier('a 1', 2::double precision);
SELECT loyalty_tier('a 1', 'NaN');
SELECT tier_rank('a 1', '-Infinity');
SELECT tier_rank('a 1', 1e20);
SELECT rank_of_tier('a 1, "b c" 2', 'b c'), rank_of_tier('a 1, "b c" 2', 'A') IS NULL AS unknown;
-- ranks equal a plain count of thresholds, whatever the value
SELECT count(*) FILTER (WHERE tier_rank(s, v) <> (SELECT count(*) FROM tiers(s) t WHERE t.threshold <= v)
	OR loyalty_tier(s, v) IS DISTINCT FROM (SELECT t.tier FROM tiers(s) t WHERE t.threshold <= v ORDER BY threshold DESC LIMIT 1)
	OR amount_to_next_tier(s, v) IS DISTINCT FROM (SELECT min(t.threshold) - v FROM tiers(s) t WHERE t.threshold > v)) AS wrong, count(*)
FROM (VALUES ('a -10.5, b 0, c 0.000000000001, d 7.25'::tier_scheme)) x (s), (SELECT (i::numeric / 300) ^ 3 - 20 FROM generate_series(-800, 1000, 7) i) y (v);

-- terms: defaults, what a period has no use for, and what cannot be
SELECT make_tier_terms('bronze 0, silver 500');
SELECT make_tier_terms('"x "" y" 1', 'orders', 'quarter', '5 days', 2, '1 year 2 months 3 days 04:05:06.789', '36:00', 'requalify', 'asia/jakarta');
SELECT make_tier_terms('a 1', 'points', 'lifetime', start_month => 7, downgrade => 'none', time_zone => 'UTC');
SELECT t::text::tier_terms::text = t::text AS same FROM (VALUES (make_tier_terms('a 1')),
	(make_tier_terms('"x "" y" 1', 'orders', 'year', '5 days', 12, '1 year 2 months 3 days 04:05:06.789', '36:00', 'requalify', 'Asia/Jakarta'))) x (t);
SELECT make_tier_terms(NULL);
SELECT make_tier_terms('a 1', 'money');
SELECT make_tier_terms('a 1', basis => NULL);
SELECT make_tier_terms('a 1', period => 'month');
SELECT make_tier_terms('a 1', period => 'year', start_month => 13);
SELECT make_tier_terms('a 1', length => '0');
SELECT make_tier_terms('a 1', length => '1 year -1 day');
SELECT make_tier_terms('a 1', length => '1001 years');
SELECT make_tier_terms('a 1', hold => '23:59');
SELECT make_tier_terms('a 1', grace => '-1 day');
SELECT make_tier_terms('a 1', downgrade => 'down');
SELECT make_tier_terms('a 1', time_zone => 'Mars');
SELECT make_tier_terms('a 1', time_zone => '+7');
SELECT '{"v":1,"scheme":"a 1","basis":"spend","period":"rolling","length":"P1Y","grace":"PT0S","downgrade":"one_down"}'::tier_terms;
SELECT '{"v":1,"scheme":"a","basis":"spend","period":"rolling","length":"P1Y","grace":"PT0S","downgrade":"one_down","time_zone":"UTC"}'::tier_terms;
SELECT '{"v":1,"scheme":"a 1","basis":"spend","period":"year","length":"P1Y","grace":"PT0S","downgrade":"one_down","time_zone":"UTC"}'::tier_terms;
SELECT '{"v":1,"scheme":"a 1","basis":"gold","period":"lifetime","grace":"PT0S","downgrade":"one_down","time_zone":"UTC"}'::tier_terms;
SELECT '{"v":1,"scheme":"a 1","basis":"spend","period":"lifetime","hold":"PT1H","grace":"PT0S","downgrade":"one_down","time_zone":"UTC"}'::tier_terms;
SELECT '{"v":2}'::tier_terms;

-- ledgers: NULLs are skipped, the order of rows does not matter, all types of amount agree
SELECT tier_ledger(at, amount) FROM (VALUES (timestamptz '2024-02-01', 5.50), ('2024-01-01', -2), (NULL, 7), ('2024-03-01', NULL), ('2024-01-01', -3.125)) v (at, amount);
SELECT tier_ledger(at, amount) IS NULL AS none FROM (VALUES (NULL::timestamptz, 7), ('2024-03-01', NULL)) v (at, amount);
SELECT tier_ledger(at, 5::smallint)::text = tier_ledger(at, 5)::text AND tier_ledger(at, 5::bigint)::text = tier_ledger(at, 5::numeric)::text
	AND tier_ledger(at, 5::real)::text = tier_ledger(at, 5::double precision)::text AND tier_ledger(at, 5)::text = tier_ledger(at, 5::real)::text AS same
FROM (VALUES (timestamptz '2024-02-01')) v (at);
SELECT tier_ledger('infinity'::timestamptz, 5);
SELECT tier_ledger('2024-01-01'::timestamptz, 'NaN'::numeric);
SELECT tier_ledger('2024-01-01'::timestamptz, 1e20);
SELECT tier_ledger('2024-01-01'::timestamptz, 1e-13);
SELECT '{"v":1,"scale":2,"at":["2024-01-02T00:00:00+00:00","2024-01-01T00:00:00+00:00"],"amounts":[1,2]}'::tier_ledger;
SELECT '{"v":1,"scale":2,"at":["2024-01-02T00:00:00+00:00"],"amounts":[1,2]}'::tier_ledger;
SELECT '{"v":1,"scale":2,"at":["2024-01-02"],"amounts":[1]}'::tier_ledger;
SELECT '{"v":1,"scale":2,"at":["2024-01-02T00:00:00+00:00"],"amounts":[1.125]}'::tier_ledger;
SELECT '{"v":1,"scale":2,"at":["2024-01-02T00:00:00+00:00"],"amounts":[1e20]}'::tier_ledger;

-- split, written, read and merged: the same bytes as in one go, whatever the plan
SELECT setseed(0.42);
CREATE TABLE big AS SELECT 1 + floor(random() ^ 2 * 50)::integer AS customer,
	timestamptz '2020-01-01' + floor(random() * 1000) * interval '7 hours' AS at, round((random() * 1000 - 200)::numeric, i % 5) AS amount, i % 7 AS part
FROM generate_series(1, 5000) i;
CREATE TABLE whole AS SELECT customer, tier_ledger(at, amount)::text AS ledger FROM big GROUP BY customer;
SELECT count(*) AS customers, count(*) FILTER (WHERE p.ledger::text <> w.ledger) AS wrong
FROM whole w JOIN (SELECT customer, rollup(ledger) AS ledger FROM (
	SELECT customer, tier_ledger(at, amount)::text::tier_ledger AS ledger FROM big GROUP BY customer, part) x GROUP BY customer) p USING (customer);
SELECT count(*) FILTER (WHERE p.ledger::text <> w.ledger) AS wrong
FROM whole w JOIN (SELECT customer, tier_ledger(at, amount ORDER BY part, amount DESC) AS ledger FROM big GROUP BY customer) p USING (customer);
SELECT rollup(NULL::tier_ledger) IS NULL AS none;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET enable_sort = off;
EXPLAIN (COSTS off) SELECT customer, tier_ledger(at, amount) AS ledger FROM big GROUP BY customer;
SELECT count(*) FILTER (WHERE p.ledger::text <> w.ledger) AS wrong
FROM whole w JOIN (SELECT customer, tier_ledger(at, amount) AS ledger FROM big GROUP BY customer) p USING (customer);
RESET ALL;
SET search_path = public, customer_scoring;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';

-- binary forms
CREATE TABLE kept (scheme tier_scheme, terms tier_terms, ledger tier_ledger);
INSERT INTO kept SELECT E'a -0.50 ,"Gold ""x"", y" +1000.00', make_tier_terms('"x "" y" 1', 'orders', 'quarter', '5 days', 2, '3 days 04:05:06.789', '36:00',
	'requalify', 'Asia/Jakarta'), (SELECT tier_ledger(at, amount) FROM big WHERE customer = 1);
INSERT INTO kept SELECT 'a 1', make_tier_terms('a 1'), tier_ledger('2024-01-01'::timestamptz, -99999999999999999999.999999999999);
\getenv abs_builddir PG_ABS_BUILDDIR
\set file :abs_builddir '/results/tier_scheme.data'
CREATE TABLE copied (LIKE kept);
COPY kept TO :'file' (FORMAT binary);
COPY copied FROM :'file' (FORMAT binary);
SELECT count(*) AS rows, count(*) FILTER (WHERE k.* IS NULL) AS lost FROM kept k FULL JOIN copied c ON (k.*)::text = (c.*)::text;
-- bad bytes: every byte of a valid value changed, cut short and prolonged; whatever is accepted reads and writes like any other value
CREATE FUNCTION pg_temp.receive(type text, bytes bytea, file text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	good boolean;
BEGIN
	EXECUTE format('COPY (SELECT %L::bytea) TO %L (FORMAT binary)', bytes, file);
	EXECUTE format('CREATE TEMP TABLE received (s %s) ON COMMIT DROP', type);
	BEGIN
		EXECUTE format('COPY received FROM %L (FORMAT binary)', file);
	EXCEPTION WHEN others THEN
		DROP TABLE received;
		RETURN SQLSTATE;
	END;
	EXECUTE format('SELECT s::text::%s::text = s::text FROM received', type) INTO good;
	DROP TABLE received;
	RETURN CASE WHEN good THEN 'accepted' ELSE 'accepted, but does not read back' END;
END $$;
\set file :abs_builddir '/results/tier_scheme_bad.data'
CREATE TEMP TABLE good AS
SELECT 'tier_scheme' AS type, customer_scoring_internal.tier_scheme_send('bronze 0, "silver x" 500.25') AS bytes
UNION ALL SELECT 'tier_terms', customer_scoring_internal.tier_terms_send(make_tier_terms('bronze 0, silver 500', hold => '90 days', time_zone => 'UTC'))
UNION ALL SELECT 'tier_ledger', customer_scoring_internal.tier_ledger_send(tier_ledger(t, a))
FROM (VALUES ('2024-01-05'::timestamptz, 20.00), ('2024-01-06', -3), ('2024-02-01', 1e17)) v(t, a);
SELECT type, length(bytes), pg_temp.receive(type, bytes, :'file') AS whole, pg_temp.receive(type, '', :'file') AS empty, pg_temp.receive(type, substr(bytes, 1, length(bytes) - 1), :'file') AS short,
       pg_temp.receive(type, bytes || '\x00', :'file') AS long, pg_temp.receive(type, set_byte(bytes, 1, 2), :'file') AS version_2
FROM good;
SELECT type, outcome, count(*) > 0 AS some
FROM (SELECT type, pg_temp.receive(type, set_byte(bytes, i, get_byte(bytes, i) # x), :'file') AS outcome
      FROM good, generate_series(0, length(bytes) - 1) i, unnest(ARRAY[1, 128]) x) m
GROUP BY type, outcome ORDER BY type, outcome;

-- support functions are no functions for queries
SELECT customer_scoring_internal.tier_accum(NULL, now(), 1);
SELECT customer_scoring_internal.tier_ledger_combine(ledger, ledger) FROM kept LIMIT 1;
SELECT customer_scoring_internal.tier_ledger_final(ledger) FROM kept LIMIT 1;

-- moments that are none, and too much at once
SELECT tier_standing(make_tier_terms('a 1'), tier_ledger('2024-01-01'::timestamptz, 5), 'infinity');
SELECT tier_standing(make_tier_terms('a 1'), NULL, now()) IS NULL AS none;
SELECT tier_standing(make_tier_terms('a 1', hold => '1 month', time_zone => 'UTC'), tier_ledger('294276-06-30'::timestamptz, 5), '294276-12-31');
SELECT tier_standing(make_tier_terms('a 1', time_zone => 'UTC'), tier_ledger('294276-12-30'::timestamptz, 5), '294276-12-31');
SELECT tier_standing(make_tier_terms('a 1', hold => '1000 years', time_zone => 'UTC'), tier_ledger('294000-12-30'::timestamptz, 5), '294276-12-31');
SELECT (tier_standing(make_tier_terms('a 1', time_zone => 'UTC'), tier_ledger('4713-01-01 BC'::timestamptz, 5), '4700-01-01 BC')).*;
-- a session's zone changes nothing
CREATE TEMP TABLE figures AS SELECT (tier_standing(make_tier_terms('a 1, b 500', length => '1 month', hold => '1 month', time_zone => 'Europe/Berlin'),
	tier_ledger(at, amount), '2020-10-10')).* FROM big GROUP BY customer;
SET TimeZone = 'Pacific/Apia';
SELECT count(*) FROM (SELECT (tier_standing(make_tier_terms('a 1, b 500', length => '1 month', hold => '1 month', time_zone => 'Europe/Berlin'),
	tier_ledger(at, amount), '2020-10-10 00:00+00')).* FROM big GROUP BY customer EXCEPT SELECT * FROM figures) x;
DROP TABLE big, whole, kept, copied;
