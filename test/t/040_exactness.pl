# Whatever writers do at once, after a refresh a segment table holds what plain SQL
# says. EXACT_SEED gives the same statements again, EXACT_ROUNDS more or fewer rounds.
use strict;
use warnings;
use ExactNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $rounds = $ENV{EXACT_ROUNDS} // 52;
my $shop = ExactNode->new(seed => int rand 1_000_000_000);
$shop->quiesced('when all is created');
$shop->start_writers;

for my $round (1 .. $rounds)
{
	# what takes a table away from all others cannot wait for a transaction that is left prepared
	my $ddl = $round % 4 == 0;
	$shop->finish_prepared($ddl);
	$shop->round(transactions => 100, ddl => $ddl, latecomer => $ddl);
	$shop->catch_up;
	last unless $shop->quiesced("exact after round $round");
}
$shop->stop_writers;
$shop->finish_prepared(1);
$shop->catch_up;
$shop->quiesced('exact when nothing is left prepared');

# a new partition and a new child, which no refresh has seen, are written by a
# transaction that is prepared before the next refresh and committed after it
$shop->sql('shop', q(
	CREATE TABLE region_late PARTITION OF region_orders FOR VALUES IN ('late');
	CREATE TABLE family_late (PRIMARY KEY (id)) INHERITS (family_orders);
	BEGIN;
	INSERT INTO region_orders (id, customer_id, ordered_at, amount, region) VALUES (8000001, 'late', now() - interval '1 day', 10, 'late');
	INSERT INTO family_late (id, customer_id, ordered_at, amount) VALUES (8000001, 'aaaaaaaa-0000-0000-0000-000000000000', now() - interval '3 days', 10);
	PREPARE TRANSACTION 'late'), 'keeper');
$shop->quiesced('exact while rows of a new partition and child are prepared');
$shop->quiesced('and once more');
$shop->sql('shop', "COMMIT PREPARED 'late'");
$shop->quiesced('exact when they are committed');
$shop->sql('shop', q(UPDATE region_late SET customer_id = 'later'; UPDATE family_late SET amount = 11), 'keeper');
$shop->quiesced('exact when they are changed');
$shop->sql('shop', 'TRUNCATE region_late; TRUNCATE family_late', 'keeper');
$shop->quiesced('exact when they are emptied');

cmp_ok($shop->{statements}, '>=', 20_000, 'of many statements') unless $ENV{EXACT_ROUNDS};
cmp_ok($shop->{points}, '>=', 50, 'at many points of rest') unless $ENV{EXACT_ROUNDS};
$shop->writers_were_fine;
$shop->refreshes_were_incremental;
for my $cause (qw(manual requested scheduled))
{
	cmp_ok($shop->sql('shop', "SELECT count(*) FROM segment_table_run WHERE cause = '$cause' AND state = 'succeeded'"), '>', 0, "$cause refreshes took part");
}
cmp_ok($shop->sql('shop', "SELECT count(*) FROM segment_table_run WHERE clv_report LIKE 'fitted %'"), '>', 1, 'models of lifetime values were fitted');
is($shop->sql('shop', "SELECT string_agg(DISTINCT error_code || ' ' || error_message, E'\n') FROM segment_table_run WHERE state = 'failed' AND error_code !~ '^40'"),
	'', 'no refresh failed');
$shop->report;
$shop->node->stop;
done_testing();
