# Rules and logical replication: what the publisher accepted is applied as it is,
# unless the trigger is told to fire always; then a change that breaks a rule
# stops the subscription. session_replication_role = replica is the same switch.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', "wal_retrieve_retry_interval = '100ms'\n");
$subscriber->start;

my $table = 'CREATE TABLE sales (id int PRIMARY KEY, customer text, amount numeric)';
$publisher->safe_psql('postgres', "$table; CREATE PUBLICATION p FOR TABLE sales");
$subscriber->safe_psql('postgres', qq{$table; CREATE EXTENSION customer_scoring;
	INSERT INTO customer_scoring.account_rule_set (name, target) VALUES ('sales', 'sales');
	INSERT INTO customer_scoring.account_rule (rule_set, name, kind, parameters) VALUES
		('sales', 'minimum', 'min_order', '{"minimum": 100}'),
		('sales', 'credit', 'credit_limit', '{"limit": 1000}');
	CREATE TRIGGER rules BEFORE INSERT OR UPDATE ON sales FOR EACH ROW EXECUTE FUNCTION customer_scoring.enforce_account_rules('sales');
	CREATE SUBSCRIPTION s CONNECTION '@{[ $publisher->connstr ]} dbname=postgres' PUBLICATION p});
$subscriber->wait_for_subscription_sync($publisher, 's');

$publisher->safe_psql('postgres', "INSERT INTO sales VALUES (1, 'a', 10)");
$publisher->wait_for_catchup('s');
is($subscriber->safe_psql('postgres', 'SELECT amount FROM sales'), '10', 'what the publisher accepted is applied');
my (undef, undef, $error) = $subscriber->psql('postgres', "INSERT INTO sales VALUES (2, 'a', 10)");
like($error, qr/minimum/, 'what is written at the subscriber itself is checked');
$subscriber->safe_psql('postgres', "SET session_replication_role = replica; INSERT INTO sales VALUES (3, 'a', 20)");
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM sales'), '2', 'session_replication_role = replica switches rules off');

$subscriber->safe_psql('postgres', 'ALTER TABLE sales ENABLE ALWAYS TRIGGER rules');
(undef, undef, $error) = $subscriber->psql('postgres', "SET session_replication_role = replica; INSERT INTO sales VALUES (4, 'a', 20)");
like($error, qr/minimum/, 'but not a trigger that is enabled always');
(undef, undef, $error) = $subscriber->psql('postgres', "SET session_replication_role = replica; INSERT INTO sales VALUES (4, 'a', 2000)");
like($error, qr/credit/, 'nor what it sums up at the end of the statement');
my $offset = -s $subscriber->logfile;
$publisher->safe_psql('postgres', "INSERT INTO sales VALUES (5, 'b', 200), (6, 'b', 2000)");
$subscriber->wait_for_log(qr/ERROR: .*credit/, $offset);
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM sales'), '2', 'a change that breaks a rule stops the subscription, with nothing applied');
$subscriber->safe_psql('postgres', q{UPDATE customer_scoring.account_rule SET parameters = '{"limit": 5000}' WHERE name = 'credit'});
$publisher->wait_for_catchup('s');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM sales'), '4', 'until the rule lets it pass');
$subscriber->stop;
$publisher->stop;
done_testing();
