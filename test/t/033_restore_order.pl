# A restore goes on for long, and the launcher looks around while definitions are there and rows of the source, or of
# the segment table, are still to come: a worker neither empties nor fills what is being restored, and afterwards the
# table is exact without waiting for its schedule.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'customer_scoring'\ncustomer_scoring.probe_interval = 1\n");
$node->start;
my $dump = $node->basedir . '/shop.dump';
my @server = ('-h', $node->host, '-p', $node->port);

$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN; CREATE DATABASE shop OWNER shop');
$node->safe_psql('shop', 'CREATE EXTENSION customer_scoring; GRANT CREATE ON SCHEMA public TO shop');
$node->safe_psql('shop', q{
	SET ROLE shop;
	CREATE TABLE orders (customer_id int, ordered_at timestamptz, amount int);
	INSERT INTO orders SELECT i % 50, now() - i * interval '1 day', i FROM generate_series(1, 500) i;
	CREATE VIEW paid AS SELECT customer_id, ordered_at, amount FROM orders WHERE amount > 5;
	SELECT customer_scoring.create_segment_table('segments', 'orders', refresh_every => '1 hour');
	SELECT customer_scoring.create_segment_table('of_view', 'paid', refresh_every => '1 hour')});
command_ok([ 'pg_dump', '-U', 'shop', '-Fc', '-f', $dump, @server, 'shop' ], 'dumped');

# A database whose table refreshes every second tells when the launcher has looked around.
$node->safe_psql('postgres', q{CREATE EXTENSION customer_scoring; CREATE TABLE beat (customer_id int, ordered_at timestamptz, amount int);
	SELECT customer_scoring.create_segment_table('beats', 'beat', refresh_every => '1 second')});

sub wait_looked
{
	my $runs = $node->safe_psql('postgres', 'SELECT max(run_id) FROM customer_scoring.segment_table_run');
	ok($node->poll_query_until('postgres', "SELECT count(*) >= 3 FROM customer_scoring.segment_table_run WHERE run_id > $runs AND cause = 'scheduled' AND state = 'succeeded'"),
		'the launcher looks around');
	return;
}

my ($list) = run_command([ 'pg_restore', '-l', $dump ]);
my @data = grep { /^\d+; \d+ \d+ (TABLE DATA|SEQUENCE SET) / } split /\n/, $list;
my %part = (
	definitions => [ grep { / segment_table_definition / } @data ],
	sources => [ grep { / public orders / } @data ],
	segments => [ grep { !/ segment_table_definition | public orders / } @data ]);
foreach my $what (keys %part)
{
	append_to_file($node->basedir . "/$what.list", join("\n", @{ $part{$what} }) . "\n");
}
is(scalar @{ $part{definitions} }, 1, 'the definitions are one entry of the dump');
is(scalar @{ $part{sources} }, 1, 'the source is one');

foreach my $order ([ 'segments', 'definitions', 'sources' ], [ 'sources', 'definitions', 'segments' ], [ 'definitions', 'sources', 'segments' ])
{
	my $database = join('_', @$order);
	my @restore = ('pg_restore', '--exit-on-error', @server, '-d', $database);
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 OWNER shop");
	command_ok([ @restore, '--section=pre-data', $dump ], "$database: objects");
	foreach my $what (@$order)
	{
		command_ok([ @restore, '-L', $node->basedir . "/$what.list", $dump ], "$database: $what");
		next unless $what eq 'definitions';
		wait_looked();
		is($node->safe_psql($database, 'SELECT (SELECT count(*) FROM segments), (SELECT count(*) FROM of_view)'), $order->[0] eq 'segments' ? '50|50' : '0|0',
			"$database: meanwhile nothing is taken from or put into the segment tables");
	}
	command_ok([ @restore, '--section=post-data', $dump ], "$database: constraints, indexes and triggers");
	ok( $node->poll_query_until($database, q{SELECT count(DISTINCT segment_table) = 2 FROM customer_scoring.segment_table_run WHERE state = 'succeeded' AND mode = 'full' AND reason ~ 'first refresh|restore'}),
		"$database: the tables refresh by themselves");
	is(($node->psql($database, q{SELECT count(*) FROM customer_scoring.verify_segment_table('segments')}))[1], '0', "$database: and are exact, without waiting for the schedule");
	is(($node->psql($database, q{SELECT count(*) FROM customer_scoring.verify_segment_table('of_view')}))[1], '0', "$database: so is that of a view");
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_index WHERE indisprimary AND indrelid IN ('segments'::regclass, 'of_view'::regclass)}), '2', "$database: with their keys");
}
$node->stop;
done_testing();
