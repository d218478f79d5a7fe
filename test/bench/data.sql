-- data.sql: orders and answers of scale × 1,000,000 customers, those that the
-- jobs need.
--
-- Variables: scale, jobs. Orders are skewed: the busiest customer has a
-- thousandth of them, the tail about five each. All tables are unlogged and
-- frozen.

SELECT string_to_array(:'jobs', ' ') && '{summary,rfm,incremental,capture,clv,tiers,opt_out,privacy,quality}' AS with_orders,
       string_to_array(:'jobs', ' ') && '{summary,rfm,incremental,capture,opt_out,quality}' AS with_summaries,
       string_to_array(:'jobs', ' ') && '{survey}' AS with_answers \gset

SELECT setseed(0.42);
\if :with_orders
CREATE UNLOGGED TABLE orders AS
SELECT i AS order_id, 1 + floor(:scale * 1e6 * random() ^ 2)::integer AS customer_id,
       timestamptz '2022-01-01' + random() * interval '1000 days' AS ordered_at,
       (ARRAY['paid', 'paid', 'shipped', 'refunded'])[1 + i % 4] AS status,
       (ARRAY['web', 'shop', 'phone'])[1 + i % 3] AS channel, 'IDR' AS currency,
       round((exp(3 + 2 * random()) * CASE WHEN i % 40 = 0 THEN -1 ELSE 1 END)::numeric, 2)::numeric(12, 2) AS amount
FROM generate_series(1, (:scale * 1e7)::bigint) i;
CREATE INDEX orders_covering ON orders (customer_id) INCLUDE (ordered_at, amount);
VACUUM (FREEZE, ANALYZE) orders;
\endif

\if :with_summaries
CREATE UNLOGGED TABLE summaries AS
SELECT customer_id, purchase_summary(ordered_at, amount) AS s FROM orders GROUP BY customer_id;

CREATE UNLOGGED TABLE figures AS
SELECT customer_id, last_order_at(s) AS last_order_at, orders(s) AS orders, revenue(s) AS revenue FROM summaries;
VACUUM (FREEZE, ANALYZE) summaries, figures;
\endif

\if :with_answers
CREATE UNLOGGED TABLE answers AS
SELECT i AS answer_id, 1 + floor(:scale * 1e6 * random())::integer AS customer_id,
       timestamptz '2022-01-01' + random() * interval '1000 days' AS answered_at,
       floor(11 * random() ^ 0.5)::integer AS score
FROM generate_series(1, (:scale * 1e7)::bigint) i;
VACUUM (FREEZE, ANALYZE) answers;
\endif
