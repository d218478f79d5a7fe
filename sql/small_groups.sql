-- Small groups in overviews: with suppress_below neither a segment with fewer customers is shown, nor what is missing from a total tells of so few.

SET search_path = public, customer_scoring;
SET timezone = 'UTC';
SET client_min_messages = warning;
CREATE TABLE bought (customer_id int, ordered_at timestamptz, amount numeric(10, 2));
INSERT INTO bought SELECT c, timestamptz '2024-01-01' + c * n * interval '1 day', 1 + c % 7 FROM generate_series(1, 60) c, generate_series(0, 4) n WHERE n < c % 5 + 1;
SELECT create_segment_table('segs', 'bought', time_zone => 'UTC', with_data => false, suppress_below => 5);
SELECT mode FROM refresh_segment_table('segs', '2024-12-01');
SELECT segment, count(*) FROM segs GROUP BY 1 ORDER BY 2, 1;
SELECT segment, customers, customer_share, orders, revenue, revenue_share, average_order_value, average_revenue, last_order_at IS NULL AS no_last, as_of FROM segs_overview ORDER BY customers NULLS FIRST, segment;
-- what an overview shows can be altered, and the columns stay what they are
CREATE VIEW mine AS SELECT segment, customers, revenue, average_revenue FROM segs_overview;
SELECT alter_segment_table('segs', suppress_below => 0), suppress_below FROM segment_table_definition WHERE segment_table = 'segs'::regclass;
SELECT suppress_below FROM segment_table_definition WHERE segment_table = 'segs'::regclass;
CREATE TABLE open AS TABLE segs_overview;
SELECT count(*) - count(customers) AS hidden, sum(customers) FROM mine;
SELECT alter_segment_table('segs', suppress_below => 8);
SELECT suppress_below FROM segment_table_definition WHERE segment_table = 'segs'::regclass;
SELECT segment, customers FROM mine ORDER BY customers NULLS FIRST, segment;
SELECT count(*) AS shown, count(*) FILTER (WHERE (s.*) IS DISTINCT FROM (o.*)) AS others FROM segs_overview s JOIN open o USING (segment) WHERE s.customers IS NOT NULL;
SELECT alter_segment_table('segs', suppress_below => 1000);
SELECT count(*) AS groups, count(customers) + count(customer_share) + count(orders) + count(revenue) + count(revenue_share) + count(average_order_value) + count(average_revenue) + count(last_order_at) AS shown FROM segs_overview;
SELECT alter_segment_table('segs', suppress_below => -1);
SELECT create_segment_table('never', 'bought', suppress_below => -1);
-- with lifetime values, and without a view
SELECT alter_segment_table('segs', clv => '{"horizon": "30 days"}', suppress_below => 8);
SELECT mode FROM refresh_segment_table('segs', '2024-12-02');
SELECT bool_and((clv IS NULL) = (customers IS NULL)) AS clv_as_well, count(customers) FROM segs_overview;
DROP VIEW mine, segs_overview;
SELECT alter_segment_table('segs', suppress_below => 9);
SELECT drop_segment_table('segs');
SELECT create_segment_table('segs', 'bought', time_zone => 'UTC', with_data => false, suppress_below => 5);
SELECT count(*) FROM segs_overview;

-- Any sizes of groups: of what is hidden there are none, or at least as many as the limit, or all.
CREATE TABLE found (sizes int[], k int, hidden bigint, shown_small bigint, wrong bigint, more_than_needed boolean);
DO $$
DECLARE
	sizes int[];
	k int;
BEGIN
	PERFORM setseed(0.3);
	FOR i IN 1 .. 150 LOOP
		k := 1 + floor(random() * 7);
		sizes := ARRAY(SELECT 1 + floor(random() * random() * 20) FROM generate_series(1, 1 + floor(random() * 6)::int));
		DELETE FROM segs;
		INSERT INTO segs (customer_id, orders, refunds, revenue, r, f, m, rfm_cell, segment, segment_rank, computed_at, run_id)
		SELECT row_number() OVER (), 1, 0, g, 1, 1, 1, '111', 'g' || g, g, now(), 0 FROM unnest(sizes) WITH ORDINALITY x (size, g), generate_series(1, size);
		IF i % 10 = 1 THEN
			PERFORM alter_segment_table('segs', suppress_below => k);
		END IF;
		k := (SELECT suppress_below FROM segment_table_definition WHERE segment_table = 'segs'::regclass);
		INSERT INTO found SELECT sizes, k, coalesce(sum(g.customers) FILTER (WHERE o.customers IS NULL), 0), count(*) FILTER (WHERE o.customers < k), count(*) FILTER (WHERE o.customers <> g.customers),
			-- nothing is hidden beside the small groups, but where they are fewer than the limit
			coalesce(sum(g.customers) FILTER (WHERE g.customers < k), 0) >= k AND count(*) FILTER (WHERE o.customers IS NULL AND g.customers >= k) > 0
		FROM segs_overview o JOIN (SELECT segment, count(*) AS customers FROM segs GROUP BY 1) g USING (segment);
	END LOOP;
END $$;
SELECT count(*) FILTER (WHERE hidden > 0) > 50 AS often, sum(shown_small) AS shown_small, sum(wrong) AS wrong, count(*) FILTER (WHERE more_than_needed) AS too_many,
	count(*) FILTER (WHERE hidden BETWEEN 1 AND k - 1 AND hidden <> (SELECT sum(s) FROM unnest(sizes) s)) AS tells FROM found;
SELECT drop_segment_table('segs');
DROP TABLE bought, open, found;
