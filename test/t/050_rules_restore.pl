# Rules, key accounts, consent, points and tiers are dumped by the owner of the
# database, and restored rules refuse what they refused.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('rules');
$node->init;
$node->start;
my @server = ('-h', $node->host, '-p', $node->port);
my @tables = qw(key_account account_manager key_account_policy tier_policy tier_history account_rule_set account_rule
	consent do_not_contact points_programme points_entry points_allocation);

$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN CREATEROLE; CREATE DATABASE shop OWNER shop');
$node->safe_psql('shop', 'CREATE EXTENSION customer_scoring; GRANT CREATE ON SCHEMA public TO shop');
$node->command_ok([ 'psql', '-X', '-q', '-U', 'shop', @server, '-d', 'shop', '-f', 'test/clients/wholesaler.sql' ], 'the shop of the story is set up');
$node->safe_psql('shop', q{
	SET ROLE shop;
	SET search_path = public, customer_scoring;
	INSERT INTO sales_order (client_id, amount, ordered_at) SELECT 1, 700, '2024-03-01'::timestamptz + i * interval '10 days' FROM generate_series(1, 5) i;
	SELECT create_segment_table('segments', 'sales_order', customer => 'client_id');
	INSERT INTO tier_policy (name, scheme, segment_table) VALUES ('main', 'bronze 0, silver 500, gold 2000', 'segments');
	SELECT alter_segment_table('segments', tiers => 'main');
	SELECT refresh_segment_table('segments', '2024-06-01');
	INSERT INTO account_manager (customer, manager, valid_from, valid_until) VALUES ('1', 'Ani', '2024-01-01', '2024-02-01'), ('1', 'Budi', '2024-02-01', NULL);
	INSERT INTO key_account_policy (segment_table) VALUES ('segments');
	INSERT INTO consent (customer, purpose, channel, status) VALUES ('1', 'marketing', 'email', 'granted');
	INSERT INTO do_not_contact (customer, channel, reason) VALUES ('2', NULL, 'unsubscribed');
	INSERT INTO points_programme (name) VALUES ('club');
	SELECT earn_points('club', '1', 100, 'order 1');
	SELECT redeem_points('club', '1', 30, 'gift 1');
});

my $dump = $node->basedir . '/shop.dump';
command_ok([ 'pg_dump', '-U', 'shop', '-Fc', '-f', $dump, @server, 'shop' ], 'the owner of the database can dump it');

foreach my $way ([ 'one', '--single-transaction' ], [ 'two', '-j', '2' ])
{
	my ($database, @option) = @$way;
	$node->safe_psql('postgres', "CREATE DATABASE $database OWNER shop");
	command_ok([ 'pg_restore', '--exit-on-error', @option, @server, '-d', $database, $dump ], "$database: restored");
	foreach my $table (@tables)
	{
		my $rows = "SELECT count(*), string_agg(t::text, E'\\n' ORDER BY t::text) FROM customer_scoring.$table t";
		my $before = $node->safe_psql('shop', $rows);
		unlike($before, qr/^0\|/, "there are rows in $table") if $database eq 'one';
		is($node->safe_psql($database, $rows), $before, "$database: $table is back");
	}
	my (undef, undef, $error) = $node->psql($database, "SET ROLE frontline; INSERT INTO sales_order (client_id, amount) VALUES (2, 120.50)");
	like($error, qr/minimum/, "$database: too small an order is refused");
	(undef, undef, $error) = $node->psql($database, "SET ROLE frontline; INSERT INTO sales_order (client_id, amount) VALUES (2, 3000)");
	like($error, qr/credit/, "$database: too much credit is refused");
	is($node->safe_psql($database, "SELECT customer_scoring.points_balance('club', '1')"), '70', "$database: points are back");
	is($node->safe_psql($database, "SELECT customer_scoring.redeem_points('club', '1', 70, 'gift 2') > 2; SELECT customer_scoring.points_balance('club', '1')"), "t\n0",
		"$database: and can be redeemed");
	is($node->safe_psql($database, "SELECT count(*) FROM customer_scoring.key_account WHERE customer_scoring.is_key_account(customer)"), '1', "$database: the key account is one");
	$node->safe_psql($database, "SELECT customer_scoring.refresh_segment_table('segments', '2024-06-02')");
	is($node->safe_psql($database, "SELECT count(*) FROM customer_scoring.verify_segment_table('segments')"), '0', "$database: segments are exact");
}

# After a crash the memory of statements under way is gone, and rules go on.
$node->safe_psql('one', "SET ROLE frontline; INSERT INTO sales_order (client_id, amount) VALUES (3, 2500)");
$node->stop('immediate');
$node->start;
my (undef, undef, $error) = $node->psql('one', "SET ROLE frontline; INSERT INTO sales_order (client_id, amount) VALUES (3, 2500)");
like($error, qr/credit/, 'after a crash too much credit is refused still');
$node->safe_psql('one', "SET ROLE frontline; INSERT INTO sales_order (client_id, amount) VALUES (3, 1500)");
is($node->safe_psql('one', 'SELECT sum(amount) FROM sales_order WHERE client_id = 3'), '4000.00', 'and what fits is accepted');
$node->stop;
done_testing();
