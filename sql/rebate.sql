-- Rebates and the discount on a second purchase.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';

-- the whole total, or slice by slice
SELECT total, rebate_rate(s, total), cumulative_rebate(s, total, 0) AS retroactive, cumulative_rebate(s, total, 0, 'marginal') AS marginal, amount_to_next_rebate(s, total)
FROM unnest(ARRAY[-5, 0, 999.99, 1000, 4999.99, 5000, 12345.67]) total, (SELECT '1000 2%, 5000 3.5%'::rebate_scheme AS s) x;
-- what was credited is taken off: asking again gives nothing; refunds make it negative
SELECT cumulative_rebate('1000 2%', 1500, 0) AS due, cumulative_rebate('1000 2%', 1500, 30) AS again, cumulative_rebate('1000 2%', 900, 30) AS after_refund;
DO $$
DECLARE
	credited numeric := 0;
	total numeric := 0;
	due numeric;
BEGIN
	PERFORM setseed(0.1);
	FOR i IN 1 .. 500 LOOP
		total := total + round((random() * 900 - 300)::numeric, 2);
		FOR mode IN 0 .. 1 LOOP
			due := cumulative_rebate('100.5 1%, 1000 2.25%, 20000 10%', total, credited, CASE WHEN i % 2 = 0 THEN 'marginal' ELSE 'retroactive' END);
			IF mode = 1 AND due <> 0 THEN RAISE 'asked again, % is due', due; END IF;
			credited := credited + due;
		END LOOP;
		-- the oracle of slices
		IF i % 2 = 0 AND credited <> (SELECT coalesce(sum((least(total, upto) - since) * rate), 0) FROM (VALUES (100.5, 1000, 0.01), (1000, 20000, 0.0225), (20000, 1e9, 0.1)) b (since, upto, rate) WHERE total > since) THEN
			RAISE 'slices of % give %', total, credited;
		END IF;
	END LOOP;
END $$;
-- exact, large and small
SELECT cumulative_rebate('50000000 2%, 100000000 3%', 99999999.99, 0), cumulative_rebate('0 0.000001%', 1e30, 0);
SELECT cumulative_rebate('1 1%', NULL, 0), cumulative_rebate('1 1%', 5, NULL), cumulative_rebate(NULL, 5, 0);
SELECT cumulative_rebate('1 1%', 'NaN', 0);
SELECT cumulative_rebate('1 1%', 1, 'Infinity');
SELECT cumulative_rebate('1 1%', 1, 0, 'both');
-- literals
SELECT '  1000   2 % ,5000 3.50%'::rebate_scheme, '0 0%, 1 100%'::rebate_scheme, '01000.00 2.0%, 5000.05 3%'::rebate_scheme;
SELECT ''::rebate_scheme;
SELECT '1000'::rebate_scheme;
SELECT '1000 2'::rebate_scheme;
SELECT '1000 2% 5000 3%'::rebate_scheme;
SELECT '1000 2%,'::rebate_scheme;
SELECT '1000 2%, 1000 3%'::rebate_scheme;
SELECT '1000 101%'::rebate_scheme;
SELECT '-5 1%'::rebate_scheme;
SELECT '1e3 1%'::rebate_scheme;
CREATE TABLE kept (s rebate_scheme);
INSERT INTO kept VALUES ('1000 2%, 5000 3.5%');
SELECT cumulative_rebate(s, 5000, 0) FROM kept;
COPY kept TO '/dev/null' (FORMAT binary);
DROP TABLE kept;

-- Second purchase: exactly one order, and the time is not over.
WITH o (n, s) AS (
	SELECT n, purchase_summary(timestamptz '2024-03-10 12:00-05' + i * interval '1 day', CASE WHEN i < n THEN 10 ELSE 0 END) FROM generate_series(0, 2) n, generate_series(0, n) i GROUP BY n)
SELECT n AS orders, second_purchase_eligible(s, '2024-03-13 12:00-04', '30 days', 'America/New_York') AS soon, second_purchase_eligible(s, '2024-04-09 12:59:59-04', '30 days', 'America/New_York') AS last,
       second_purchase_eligible(s, '2024-04-09 13:00-04', '30 days', 'America/New_York') AS over FROM o ORDER BY n;
SELECT second_purchase_eligible(purchase_summary('2024-03-10', 5), '2024-03-09');
SELECT second_purchase_eligible(purchase_summary('2024-03-10', -5), '2024-03-11'), second_purchase_eligible(NULL, now());
-- from plain figures, as segment tables have them: no order is no, NULL for anything else NULL
SELECT orders, first, second_purchase_eligible(orders, first, '2024-04-09 12:59:59-04', '30 days', 'America/New_York') AS last, second_purchase_eligible(orders, first, '2024-04-09 13:00-04', '30 days', 'America/New_York') AS over
FROM (VALUES (0, NULL), (1, timestamptz '2024-03-10 13:00-04'), (2, '2024-03-10 13:00-04'), (NULL, '2024-03-10 13:00-04'), (1, NULL)) o (orders, first);
SELECT second_purchase_eligible(1, '2024-03-10', NULL), second_purchase_eligible(1, '2024-03-10', '2024-03-11', NULL), second_purchase_eligible(1, '2024-03-10', '2024-03-11', '1 day', NULL);
SELECT second_purchase_eligible(1, '2024-03-10', '2024-03-09');
SELECT second_purchase_eligible(1, '2024-03-10', 'infinity');
SELECT second_purchase_eligible(1, '-infinity', '2024-03-09');
SELECT second_purchase_eligible(1, '2024-03-10', '2024-03-11', '300000 years');
SELECT second_purchase_eligible(1, '2024-03-10', '2024-03-11', time_zone => 'Nowhere');
SELECT second_purchase_eligible(1, '2024-03-10', '2024-03-10', '0');
SELECT count(*) AS customers, count(*) FILTER (WHERE second_purchase_eligible(s, '2024-03-01', '50 days') <> second_purchase_eligible(orders(s), first_order_at(s), '2024-03-01', '50 days')) AS differ
FROM (SELECT purchase_summary(timestamptz '2024-01-01' + i % 59 * interval '1 day', 10 - i % 3) AS s FROM generate_series(1, 500) i GROUP BY i % 400) c;
