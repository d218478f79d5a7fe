# Summaries of real orders for models equal what is published for them: the
# CDNOW sample in days up to 1997-09-30, and the 39 weeks after. The files are
# not part of the repository: without them the test is skipped.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $orders = ($ENV{SHARED_DATA} // '') . '/cdnow_sample_orders.csv';
my $summary = ($ENV{SHARED_DATA} // '') . '/cdnow_sample_summary.csv';
plan skip_all => 'cdnow_sample_orders.csv and cdnow_sample_summary.csv are not here' unless -r $orders && -r $summary;

my $node = PostgreSQL::Test::Cluster->new('real');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION customer_scoring;
	ALTER DATABASE postgres SET search_path = public, customer_scoring;
	ALTER DATABASE postgres SET timezone = 'UTC';
	CREATE TABLE orders (master_id int, customer_id int, order_date date, cds int, amount numeric(10, 2));
	CREATE TABLE published (customer_id int, frequency int, recency float8, t float8, monetary float8, holdout_purchases int)});
$node->safe_psql('postgres', "COPY orders FROM STDIN (FORMAT csv, HEADER);\n" . slurp_file($orders) . "\\.\n");
$node->safe_psql('postgres', "COPY published FROM STDIN (FORMAT csv, HEADER);\n" . slurp_file($summary) . "\\.\n");

$node->safe_psql('postgres', q{
	CREATE TABLE summaries AS
		SELECT customer_id, clv_summary(order_date, amount, '1997-09-30', 'UTC') AS s,
		       clv_holdout(order_date, amount, '1997-09-30', '1998-06-30', 'UTC') AS h
		FROM orders GROUP BY customer_id});

# frequency, recency, T and mean repeat amount as plain SQL, lifetimes and BTYD have them
is($node->safe_psql('postgres', q{
	SELECT count(s), sum(frequency(s)), sum(recency(s)), sum(age(s)), round(sum(monetary(s))::numeric, 4) FROM summaries}),
	'2357|2457|112949|539779|33183.6438', 'sums of the published summary');
is($node->safe_psql('postgres', q{
	SELECT count(*), count(*) FILTER (WHERE p.frequency <> frequency(s) OR abs(p.recency - recency(s) / 7) > 1e-9 OR abs(p.t - age(s) / 7) > 1e-9)
	FROM summaries JOIN published p USING (customer_id)}),
	'2357|0', 'frequency, recency and age of every customer, in weeks with fractions');
is($node->safe_psql('postgres', q{
	SELECT count(*) FILTER (WHERE abs(p.monetary - coalesce(monetary(s), 0)) > 0.006) FROM summaries JOIN published p USING (customer_id)}),
	'0', 'mean repeat amount of every customer');

# the 39 weeks after
is($node->safe_psql('postgres', q{
	SELECT sum((h).purchases), min((h).length), max((h).length), count(*) FILTER (WHERE (h).calibration::text <> s::text) FROM summaries}),
	'1882|273|273|0', 'the holdout has the published purchases and 39 weeks');
is($node->safe_psql('postgres', q{
	SELECT count(*) FILTER (WHERE (h).purchases <> p.holdout_purchases) FROM summaries JOIN published p USING (customer_id)}),
	'0', 'purchases after calibration of every customer');

# the published figures themselves, given to the constructor: all are taken
is($node->safe_psql('postgres', q{
	SELECT count(*), count(check_clv_summary(frequency, recency, t, monetary)), sum(frequency(clv_summary(frequency, recency, t, monetary, '7 days'))) FROM published}),
	'2357|0|2457', 'the constructor takes every published row');
$node->stop;
done_testing();
