# A fit takes 30 million customers with different figures, and says so of one
# more. It takes two GB and a minute, so it runs where there is memory to spare.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $memory = -r '/proc/meminfo' && slurp_file('/proc/meminfo') =~ /^MemAvailable:\s+(\d+) kB/m ? $1 / 1e6 : 0;
plan skip_all => "it needs 6 GB of memory to spare, not $memory" if $memory < 6;

my $node = PostgreSQL::Test::Cluster->new('limit');
$node->init;
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION customer_scoring;
	ALTER DATABASE postgres SET search_path = public, customer_scoring});

# each customer is another one; an odd one has a fraction, for which rows are larger
my $customers = q{(SELECT clv_summary(1 + i / 5000, 1 + i %% 5000, 5000 + %s, 1) AS s FROM (SELECT generate_series(1, %d) i) x) y};
my $refusal = qr/ERROR:  54000: too many customers to fit at once\n.*DETAIL:  A fit takes 30000000 customers with different figures\.\n.*HINT:  Make summaries in longer units/s;
for my $fraction ('0', '0.5')
{
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT mbgnbd_fit(s) FROM " . sprintf $customers, $fraction, 30_000_001);
	isnt($status, undef, 'the server goes on');
	like($err, $refusal, "one customer too many, ages with a fraction of $fraction");
}
is($node->safe_psql('postgres', sprintf "SELECT mbgnbd_fit(s) IS NOT NULL FROM $customers", '0', 30_000_000), 't', 'just as many are taken');
# equal ones count for nothing
is($node->safe_psql('postgres', 'SELECT mbgnbd_fit(clv_summary(0, 0, i % 1000, NULL)) IS NOT NULL FROM generate_series(1, 40000000) i'), 't', 'more customers of the same figures');
$node->stop;
done_testing();
