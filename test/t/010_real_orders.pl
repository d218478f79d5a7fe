# Scores of real orders equal a plain-SQL oracle on every customer. The files are
# not part of the repository: without them the test is skipped.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $orders = ($ENV{SHARED_DATA} // '') . '/cdnow_sample_orders.csv';
plan skip_all => 'cdnow_sample_orders.csv is not here' unless -r $orders;

my $node = PostgreSQL::Test::Cluster->new('real');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION customer_scoring;
	ALTER DATABASE postgres SET search_path = public, customer_scoring;
	ALTER DATABASE postgres SET timezone = 'UTC';
	CREATE TABLE orders (master_id int, customer_id int, order_date date, cds int, amount numeric(10, 2))});
$node->safe_psql('postgres', "COPY orders FROM STDIN (FORMAT csv, HEADER);\n" . slurp_file($orders) . "\\.\n");

is($node->safe_psql('postgres', 'SELECT count(*), count(DISTINCT customer_id) FROM orders'), '6919|2357', 'the sample is whole');

# One customer a row, with the scores by percentile_disc: one plus the number of
# breaks below. Customers are those with an order; a zero amount is none.
my $oracle = q{
	CREATE VIEW customer AS
		SELECT customer_id, purchase_summary(order_date, amount) AS summary,
		       max(order_date::timestamptz) FILTER (WHERE amount > 0) AS last_order_at,
		       count(*) FILTER (WHERE amount > 0) AS orders, sum(amount) AS revenue
		FROM orders GROUP BY customer_id;
	CREATE VIEW breaks AS
		SELECT percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY last_order_at) AS r,
		       percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY orders) AS f,
		       percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY revenue) AS m
		FROM customer WHERE orders > 0;
	CREATE VIEW oracle AS
		SELECT customer_id,
		       CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(breaks.r) b WHERE b < last_order_at) END AS r,
		       CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(breaks.f) b WHERE b < orders) END AS f,
		       CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(breaks.m) b WHERE b < revenue) END AS m
		FROM customer, breaks};
$node->safe_psql('postgres', $oracle);

my $differ = q{SELECT count(*) FILTER (WHERE ((s.score).r, (s.score).f, (s.score).m) IS DISTINCT FROM (o.r, o.f, o.m)), count(*) > 0
	FROM (%s) s FULL JOIN oracle o USING (customer_id)};
is($node->safe_psql('postgres', sprintf $differ, 'SELECT customer_id, rfm(summary) OVER () AS score FROM customer'),
	'0|t', 'window function over summaries');
is($node->safe_psql('postgres', sprintf $differ, 'SELECT customer_id, rfm(CASE WHEN orders > 0 THEN last_order_at END, orders, revenue) OVER () AS score FROM customer'),
	'0|t', 'window function over three columns');
is($node->safe_psql('postgres', sprintf $differ, q{
	SELECT customer_id, rfm(model, summary, '1998-07-01') AS score
	FROM customer, (SELECT rfm_fit(summary, '1998-07-01') AS model FROM customer) m}),
	'0|t', 'model at its own as_of');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM customer, (SELECT rfm_fit(summary, '1998-07-01') AS model FROM customer) m
	WHERE (rfm(model, summary, '1999-07-01')).r > (rfm(model, summary, '1998-07-01')).r}),
	'0', 'nobody rises by staying away');

# The same through a segment table.
$node->safe_psql('postgres', q{
	SELECT create_segment_table('segments', 'orders', ordered_at => 'order_date', with_data => false);
	SELECT refresh_segment_table('segments', '1998-07-01')});
is($node->safe_psql('postgres', 'SELECT count(*) FROM verify_segment_table(\'segments\')'), '0', 'segment table is exact');
is($node->safe_psql('postgres', q{
	SELECT count(*) FROM segments s JOIN oracle o USING (customer_id) JOIN customer c USING (customer_id)
	WHERE (s.r, s.f, s.m, s.orders, s.revenue) IS DISTINCT FROM (o.r::smallint, o.f::smallint, o.m::smallint, c.orders, c.revenue)}),
	'0', 'segment table agrees with the oracle');
is($node->safe_psql('postgres', 'SELECT sum(customers), sum(revenue) = (SELECT sum(amount) FROM orders) FROM segments_overview'),
	'2357|t', 'overview sums up to all orders');
$node->stop;
done_testing();
