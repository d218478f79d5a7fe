# Models of real orders: parameters, likelihoods, errors and forecasts are those
# that are published or that peers find, to the digits that they agree in. The
# files are not part of the repository: without them the test is skipped.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my %file = map { ($_ => ($ENV{SHARED_DATA} // '') . "/$_.csv") } qw(cdnow_sample_orders cdnow_sample_summary apparel_orders);
plan skip_all => join(', ', map { "$_.csv" } sort keys %file) . ' are not here' if grep { !-r } values %file;

my $node = PostgreSQL::Test::Cluster->new('real');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION customer_scoring;
	ALTER DATABASE postgres SET search_path = public, customer_scoring;
	ALTER DATABASE postgres SET timezone = 'UTC';
	CREATE TABLE orders (master_id int, customer_id int, order_date date, cds int, amount numeric(10, 2));
	CREATE TABLE apparel (customer_id int, order_date date, amount numeric(10, 2));
	CREATE TABLE published (customer_id int, frequency int, recency float8, t float8, monetary float8, holdout_purchases int)});
my %table = (cdnow_sample_orders => 'orders', cdnow_sample_summary => 'published', apparel_orders => 'apparel');
$node->safe_psql('postgres', "COPY $table{$_} FROM STDIN (FORMAT csv, HEADER);\n" . slurp_file($file{$_}) . "\\.\n") for sort keys %file;

# a table of summaries by table of orders and unit, and the models of each
$node->safe_psql('postgres', q{
	CREATE TABLE weeks AS SELECT customer_id, clv_summary(frequency, recency, t, monetary, '7 days') AS s, holdout_purchases FROM published;
	CREATE TABLE days AS SELECT customer_id, clv_summary(order_date, amount, '1997-09-30', 'UTC') AS s, clv_holdout(order_date, amount, '1997-09-30', '1998-06-30', 'UTC') AS h FROM orders GROUP BY customer_id;
	CREATE TABLE apparel_days AS SELECT customer_id, clv_summary(order_date, amount, '2010-12-31', 'UTC') AS s FROM apparel GROUP BY customer_id;
	CREATE VIEW fits AS
		SELECT 'weeks' AS data, mbgnbd_fit(s) AS mbg, bgnbd_fit(s) AS bg, pareto_nbd_fit(s) AS pareto, gamma_gamma_fit(s) AS spend FROM weeks
		UNION ALL SELECT 'days', mbgnbd_fit(s), bgnbd_fit(s), pareto_nbd_fit(s), gamma_gamma_fit(s) FROM days
		UNION ALL SELECT 'apparel', mbgnbd_fit(s), bgnbd_fit(s), pareto_nbd_fit(s), gamma_gamma_fit(s) FROM apparel_days;
	CREATE TABLE models AS SELECT * FROM fits});

# Parameters, a row each, rounded, and the likelihood.
sub fitted
{
	my ($data, $model, $digits, $value, $likelihood) = @_;
	return $node->safe_psql('postgres', qq{
		SELECT string_agg(round($value\::numeric, digit)::text, ' ' ORDER BY i) || ' ' || round(log_likelihood(model)::numeric, $likelihood)
		FROM (SELECT $model AS model FROM models WHERE data = '$data') m, LATERAL (SELECT * FROM model_parameters(model) WITH ORDINALITY) p(name, value, standard_error, lower, upper, i)
			JOIN unnest(ARRAY[$digits]) WITH ORDINALITY d(digit, i) USING (i)
		GROUP BY model::text, log_likelihood(model)});
}

# all digits of the optimum in weeks, and standard errors
is(fitted('weeks', 'bg', '8, 8, 8, 8', 'value', 6), '0.24259452 4.41360202 0.79292202 2.42590678 -9582.429207', 'BG/NBD of the sample in weeks');
is(fitted('weeks', 'pareto', '8, 8, 8, 8', 'value', 6), '0.55327705 10.57768346 0.60623999 11.66873529 -9594.976179', 'Pareto/NBD');
is(fitted('weeks', 'mbg', '8, 8, 8, 8', 'value', 6), '0.52484316 6.18308528 0.89135939 1.61400224 -9582.135716', 'MBG/NBD');
is(fitted('weeks', 'spend', '8, 8, 8', 'value', 6), '6.24957227 3.74422467 15.44352096 -4055.917695', 'Gamma-Gamma');
is(fitted('weeks', 'bg', '6, 6, 6, 6', 'standard_error', 4), '0.012557 0.378224 0.185734 0.705414 -9582.4292', 'errors of BG/NBD');
is(fitted('weeks', 'pareto', '5, 5, 5, 5', 'standard_error', 3), '0.04763 0.84272 0.18728 6.21111 -9594.976', 'errors of Pareto/NBD');
is(fitted('weeks', 'mbg', '6, 6, 6, 6', 'standard_error', 4), '0.083268 0.695621 0.154790 0.537495 -9582.1357', 'errors of MBG/NBD');
is(fitted('weeks', 'spend', '5, 5, 5', 'standard_error', 4), '1.19006 0.29013 4.15942 -4055.9177', 'errors of Gamma-Gamma');
is($node->safe_psql('postgres', q{SELECT count(*) FROM models, unnest(ARRAY[mbg, bg, pareto]) m WHERE NOT model_converged(m) OR NOT model_converged(spend) OR model_warnings(m) <> '{}' OR model_warnings(spend) <> '{}'}),
	'0', 'all models converged, with no warnings');
is($node->safe_psql('postgres', q{SELECT string_agg(kind, ' ' ORDER BY data, aic) FROM (SELECT data, model::text::json->>'kind' AS kind, aic(model) FROM models, unnest(ARRAY[mbg, bg, pareto]) model) x}),
	'mbgnbd pareto_nbd bgnbd mbgnbd bgnbd pareto_nbd mbgnbd bgnbd pareto_nbd', 'MBG/NBD fits all three best');

# the same from orders, in days; a set of other orders
is(fitted('days', 'bg', '8, 8, 8, 8', 'value', 6), '0.24259452 30.89521413 0.79292202 2.42590678 -14363.530443', 'BG/NBD in days from orders');
is(fitted('days', 'mbg', '0, 0, 0, 0', 'value', 3), '1 43 1 2 -14363.237', 'MBG/NBD in days');
is(fitted('days', 'pareto', '0, 0, 0, 0', 'value', 3), '1 74 1 82 -14376.077', 'Pareto/NBD in days');
is($node->safe_psql('postgres', q{
	SELECT count(*) FILTER (WHERE abs(log_likelihood(w) - log_likelihood(d) - 2457 * ln(7::float8)) > 1e-6)
	FROM (SELECT unnest(ARRAY[mbg, bg, pareto]) AS w FROM models WHERE data = 'weeks') x, (SELECT unnest(ARRAY[mbg, bg, pareto]) AS d FROM models WHERE data = 'days') y
	WHERE w::text::json->>'kind' = d::text::json->>'kind'}), '0', 'weeks and days differ by sum(x) ln 7');
is(fitted('apparel', 'bg', '6, 4, 6, 5', 'value', 3), '0.444046 99.4677 0.682223 3.37292 -17004.290', 'BG/NBD of apparel');
is(fitted('apparel', 'mbg', '0, 0, 0, 0', 'value', 3) =~ s/.* //r, '-16960.680', 'MBG/NBD of apparel');
is(fitted('apparel', 'pareto', '0, 0, 0, 0', 'value', 3) =~ s/.* //r, '-16961.003', 'Pareto/NBD of apparel');
is($node->safe_psql('postgres', 'SELECT count(s), count(s) FILTER (WHERE frequency(s) > 0) FROM apparel_days'), '600|425', 'customers and repeaters of apparel');

# values of purchases at the fitted optimum
is($node->safe_psql('postgres', q{
	SELECT string_agg(round(expected_spend(spend, s)::numeric, 2)::text, ' ' ORDER BY customer_id) FROM models, weeks WHERE data = 'weeks' AND customer_id <= 10}),
	'24.65 18.91 35.17 35.17 35.17 71.46 18.91 35.17 27.28 35.17', 'expected spend of the first ten customers');
is($node->safe_psql('postgres', q{SELECT round(expected_spend(spend)::numeric, 4) FROM models WHERE data = 'weeks'}), '35.1704', 'mean spend of the population');

# the 39 weeks after calibration: sums, and root mean square errors by customer
is($node->safe_psql('postgres', q{
	SELECT string_agg(format('%s %s %s', round(predicted::numeric, 1), round(rmse::numeric, 3), round(mae::numeric, 3)), ', ' ORDER BY i), min(actual)
	FROM (SELECT i, sum(e) AS predicted, sqrt(avg((e - holdout_purchases) ^ 2)) AS rmse, avg(abs(e - holdout_purchases)) AS mae, sum(holdout_purchases) AS actual
		FROM (SELECT i, holdout_purchases, expected_purchases(model, s, '273 days') AS e FROM weeks, models, unnest(ARRAY[bg, mbg, pareto]) WITH ORDINALITY m(model, i) WHERE data = 'weeks') x GROUP BY i) y}),
	'1653.4 1.608 0.785, 1576.7 1.607 0.765, 1665.5 1.603 0.755|1882', 'forecast of the 39 weeks: BG, MBG, Pareto');
is($node->safe_psql('postgres', q{
	SELECT count(*) FILTER (WHERE abs(w / d - 1) > 1e-6) FROM (SELECT expected_purchases(w.mbg, weeks.s, '273 days') AS w, expected_purchases(d.mbg, days.s, '273 days') AS d
	FROM models w, models d, weeks JOIN days USING (customer_id) WHERE w.data = 'weeks' AND d.data = 'days') x}), '0', 'weeks and days forecast the same');

# one answer: the same bytes from every plan
my $all = q{SELECT string_agg(format('%s %s %s %s %s', data, mbg, bg, pareto, spend), E'\n' ORDER BY data) FROM fits};
my $serial = $node->safe_psql('postgres', "SET max_parallel_workers_per_gather = 0; $all");
my $parallel = "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET max_parallel_workers_per_gather = 4; SET parallel_leader_participation = %s;";
like($node->safe_psql('postgres', sprintf($parallel, 'on') . 'EXPLAIN SELECT mbgnbd_fit(s), pareto_nbd_fit(s) FROM weeks'), qr/Partial Aggregate/, 'the fits can be parallel');
is($node->safe_psql('postgres', sprintf($parallel, $_) . $all), $serial, "parallel with the leader $_") for qw(on off);
$node->safe_psql('postgres', 'CREATE INDEX shuffle ON weeks (md5(customer_id::text)); CLUSTER weeks USING shuffle');
is($node->safe_psql('postgres', $all), $serial, 'rows in another order');
$node->stop;
done_testing();
