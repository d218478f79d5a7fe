# ExactNode.pm: writers that do everything a database allows, and plain SQL that
# says what a segment table must hold.
#
# A *shop* is a cluster with two databases: `shop` with sources of four kinds,
# and `hq`, which publishes the table that shop subscribes to. *Writers* are psql
# sessions; each gets a script a *round*, made from the seed. A round ends when
# all have done theirs: then nobody writes, though transactions may be left
# prepared. The *oracle* reads nothing of a definition but as_of.
#
# A seed gives the same scripts again; how they interleave is the machine's business.
package ExactNode;

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

# What a writer may run into, whoever else is there: serialization failure, deadlock,
# lock timeout, what follows in a failed transaction, a key that exists or is missing, a value
# without partition, a partition, savepoint or prepared transaction that is not there, a cursor
# without row, the division by zero that fails on purpose.
my %EXPECTED = map { $_ => 1 } qw(40001 40P01 55P03 25P02 23505 23503 23514 42P01 3B001 42704 24000 22012);

# The sources. `key` makes SQL for a customer from SQL for a number; in `places`
# are the tables that are written directly.
my %SOURCE = (
	plain_orders => {
		database => 'shop',
		columns => [qw(id customer_id ordered_at amount status note account basket)],
		conflict => 'id',
		places => ['plain_view'],
		key => sub { "($_[0])" },
	},
	region_orders => {
		database => 'shop',
		columns => [qw(id customer_id ordered_at amount status note region)],
		conflict => 'id, region',
		places => [],
		key => sub { "'Cust' || ($_[0])" },
	},
	family_orders => {
		database => 'shop',
		columns => [qw(id customer_id ordered_at amount status note)],
		conflict => 'id',
		places => [qw(family_web family_shop family_old)],
		key => sub { "lpad(($_[0])::text, 32, '0')::uuid" },
	},
	remote_orders => {
		database => 'hq',
		columns => [qw(id customer_id ordered_at amount status note)],
		conflict => 'id',
		places => [],
		key => sub { "ROW($_[0], nullif(($_[0]) % 10, 0)::text)::pair" },
	},
);

# The segment tables: their options as create_segment_table takes them, and the
# same once more as SQL for the oracle. `only` is a condition, `time` the moment of an order.
my @TABLES = (
	{ table => 'by_customer', source => 'plain_orders', scale => 2, options => q(refresh_every => '1 second', time_zone => 'UTC') },
	{ table => 'recent', source => 'plain_orders', scale => 2, map => 'rf10',
		options => q("only" => '{"status": ["paid", null]}', lookback => '20 days', segment_map => 'rf10', time_zone => 'Asia/Jakarta'),
		only => q(coalesce(status, 'paid') = 'paid'), lookback => '20 days', zone => 'Asia/Jakarta' },
	{ table => 'by_account', source => 'plain_orders', customer => 'account', scale => 2, options => q(customer => 'account', time_zone => 'UTC') },
	{ table => 'by_region', source => 'region_orders', unasked => 1, scale => 3, zone => 'Asia/Jakarta', time => q(ordered_at AT TIME ZONE 'Asia/Jakarta'),
		options => q(refresh_every => '1 second', time_zone => 'Asia/Jakarta') },
	{ table => 'by_family', source => 'family_orders', scale => 0, zone => 'America/New_York', lookback => '30 days',
		time => q(ordered_at::timestamp AT TIME ZONE 'America/New_York'), options => q(lookback => '30 days', time_zone => 'America/New_York') },
	{ table => 'by_remote', source => 'remote_orders', scale => 2, options => q(refresh_every => '1 second', time_zone => 'UTC') },
	{ table => 'frozen', source => 'plain_orders', scale => 2, frozen => 1, options => q(breaks => 'frozen', time_zone => 'UTC', clv => '{"score_every": "10 seconds", "fit_every": "15 seconds"}') },
);

# A shop of that many customers and orders a source; a bare one has the databases
# and roles only. The seed is EXACT_SEED, or that of the caller.
sub new
{
	my ($class, %args) = @_;
	my $seed = $ENV{EXACT_SEED} // $args{seed};
	my $self = bless {
		seed => $seed, state => $seed, customers => $args{customers} // 1200, orders => $args{orders} // 5000,
		statements => 0, transactions => 0, errors => {}, kinds => {}, prepared => 0, points => 0, modes => {}, writers => [], complaints => [],
	}, $class;
	note "EXACT_SEED=$seed";
	$self->{next_id}{$_} = $self->{orders} for keys %SOURCE;

	my $node = $self->{node} = PostgreSQL::Test::Cluster->new($args{name} // 'exact');
	$node->init(allows_streaming => 'logical');
	$node->append_conf('postgresql.conf', join "\n", "shared_preload_libraries = 'customer_scoring'", 'max_prepared_transactions = 60',
		"deadlock_timeout = '100ms'", 'logical_decoding_work_mem = 64kB', 'restart_after_crash = on', 'log_statement = none', 'fsync = off',
		'autovacuum_naptime = 1', "wal_retrieve_retry_interval = '200ms'", '');
	$node->start;
	$self->add_databases;
	return $self if $args{bare};
	$self->add_sources;
	$self->fill($_) for sort keys %SOURCE;
	$self->subscribe;
	$self->add_segment_tables;
	return $self;
}

sub node { return $_[0]{node} }
sub sources { return sort keys %SOURCE }

sub tables
{
	my ($self) = @_;
	return @{ $self->{tables} };
}

# A number below n, from the seed alone.
sub dice
{
	my ($self, $n) = @_;
	use integer;
	$self->{state} = $self->{state} * 6364136223846793005 + 1442695040888963407;
	return (($self->{state} >> 33) & 0x3fffffff) % $n;
}

sub pick
{
	my ($self, @from) = @_;
	return $from[ $self->dice(scalar @from) ];
}

# One of the names, by weight.
sub weighted
{
	my ($self, @weights) = @_;
	my $sum = 0;
	$sum += $weights[ 2 * $_ + 1 ] for 0 .. $#weights / 2;
	my $at = $self->dice($sum);
	while (my ($name, $weight) = splice @weights, 0, 2)
	{
		return $name if $at < $weight;
		$at -= $weight;
	}
	die 'weights';
}

sub sql
{
	my ($self, $database, $statements, $user) = @_;
	return $self->{node}->safe_psql($database, $statements, extra_params => $user ? [ '-U', $user ] : []);
}

# keeper owns it all, clerk reads and writes, scribe may insert, update and
# delete but read only what names a row.
sub add_databases
{
	my ($self) = @_;
	$self->sql('postgres', 'CREATE ROLE keeper LOGIN; CREATE ROLE clerk LOGIN; CREATE ROLE scribe LOGIN');
	$self->sql('postgres', 'GRANT SET ON PARAMETER session_replication_role TO keeper');
	for my $database (qw(shop hq))
	{
		$self->sql('postgres', "CREATE DATABASE $database OWNER keeper");
		$self->sql($database, q(
			GRANT ALL ON SCHEMA public TO keeper;
			SET ROLE keeper;
			CREATE TYPE pair AS (number int, letter text);
			CREATE DOMAIN account AS numeric CHECK (value >= 0)));
	}
	$self->sql('shop', 'CREATE EXTENSION customer_scoring; ALTER DATABASE shop SET search_path = "$user", public, customer_scoring');
	$self->{icu} = $self->sql('shop', q(SELECT count(*) > 0 FROM pg_collation WHERE collprovider = 'i')) eq 't';
	return;
}

# Tables of orders. A note makes triggers of the user's act: 'bonus' has the
# transaction write another row when it commits, 'redirect' changes the customer.
sub add_sources
{
	my ($self) = @_;
	my $nocase = $self->{icu} ? q(CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)) : q(CREATE COLLATION nocase FROM "C");
	$self->sql('shop', qq(SET ROLE keeper; $nocase;) . q{
		CREATE TABLE baskets (id int PRIMARY KEY);
		INSERT INTO baskets SELECT generate_series(1, 200);
		CREATE TABLE plain_orders (id bigint PRIMARY KEY, customer_id int, ordered_at timestamptz, amount numeric(12, 2), status text, note text,
			account account, basket int REFERENCES baskets ON DELETE CASCADE ON UPDATE CASCADE);
		CREATE INDEX ON plain_orders (customer_id);
		CREATE INDEX ON plain_orders (account);
		CREATE INDEX ON plain_orders (basket);
		CREATE VIEW plain_view AS SELECT * FROM plain_orders;

		CREATE TABLE region_orders (id bigint, customer_id text COLLATE nocase, ordered_at timestamp, amount numeric(12, 3), status text, note text,
			region text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
		CREATE INDEX ON region_orders (customer_id);
		CREATE TABLE region_north PARTITION OF region_orders FOR VALUES IN ('north');
		CREATE TABLE region_west PARTITION OF region_orders FOR VALUES IN ('west');
		CREATE TABLE region_south PARTITION OF region_orders FOR VALUES IN ('south') PARTITION BY RANGE (id);
		CREATE TABLE region_south_low PARTITION OF region_south FOR VALUES FROM (MINVALUE) TO (2000);
		CREATE TABLE region_south_high PARTITION OF region_south FOR VALUES FROM (2000) TO (MAXVALUE);
		CREATE TABLE region_rest PARTITION OF region_orders DEFAULT;

		CREATE TABLE family_orders (id bigint PRIMARY KEY, customer_id uuid, ordered_at date, amount int, status text, note text);
		CREATE TABLE family_web (PRIMARY KEY (id)) INHERITS (family_orders);
		CREATE TABLE family_shop (PRIMARY KEY (id)) INHERITS (family_orders);
		CREATE TABLE family_old (PRIMARY KEY (id)) INHERITS (family_shop);
		CREATE INDEX ON family_orders (customer_id);
		CREATE INDEX ON family_web (customer_id);
		CREATE INDEX ON family_shop (customer_id);
		CREATE INDEX ON family_old (customer_id);

		CREATE FUNCTION bonus() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			INSERT INTO plain_orders (id, customer_id, ordered_at, amount, account)
			SELECT -NEW.id, (NEW.customer_id * 7 + 1) % 1000, now(), 1.25, (NEW.customer_id + 3) % 1000 WHERE NEW.id > 0 ON CONFLICT DO NOTHING;
			DELETE FROM plain_orders WHERE id = -NEW.id + 100;
			RETURN NULL;
		END $$;
		CREATE CONSTRAINT TRIGGER bonus AFTER INSERT OR UPDATE ON plain_orders DEFERRABLE INITIALLY DEFERRED
			FOR EACH ROW WHEN (NEW.note = 'bonus') EXECUTE FUNCTION bonus();
		CREATE TABLE ledger (id bigint, customer_id int);
		CREATE FUNCTION settle() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			UPDATE plain_orders SET amount = amount + 0.01 WHERE id = NEW.id;
			RETURN NULL;
		END $$;
		CREATE CONSTRAINT TRIGGER settle AFTER INSERT ON ledger DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION settle();
		CREATE FUNCTION redirect() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			NEW.customer_id := NEW.customer_id % 10;
			RETURN NEW;
		END $$;
		CREATE TRIGGER redirect BEFORE INSERT OR UPDATE ON plain_orders FOR EACH ROW WHEN (NEW.note = 'redirect') EXECUTE FUNCTION redirect();

		-- a transaction a step
		CREATE PROCEDURE churn(low int, high int) LANGUAGE plpgsql AS $$
		BEGIN
			FOR i IN low..high LOOP
				UPDATE plain_orders SET customer_id = customer_id + 1 WHERE id = i;
				IF i % 3 = 0 THEN ROLLBACK; ELSE COMMIT; END IF;
			END LOOP;
		END $$;
		-- attach what is detached and the other way round, with its rows
		CREATE PROCEDURE flip_partition(parent regclass, child regclass, bounds text) LANGUAGE plpgsql AS $$
		BEGIN
			IF EXISTS (SELECT FROM pg_inherits WHERE inhrelid = child) THEN
				EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, child);
			ELSE
				EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s %s', parent, child, bounds);
			END IF;
		END $$;
		CREATE PROCEDURE flip_child(parent regclass, child regclass) LANGUAGE plpgsql AS $$
		BEGIN
			EXECUTE format('ALTER TABLE %s %s %s', child, CASE WHEN EXISTS (SELECT FROM pg_inherits WHERE inhrelid = child) THEN 'NO INHERIT' ELSE 'INHERIT' END, parent);
		END $$;
		CREATE PROCEDURE flip_east() LANGUAGE plpgsql AS $$
		BEGIN
			IF to_regclass('region_east') IS NOT NULL THEN
				DROP TABLE region_east;
			ELSE
				CREATE TABLE region_east PARTITION OF region_orders FOR VALUES IN ('east');
				GRANT SELECT, INSERT, UPDATE, DELETE ON region_east TO clerk;
			END IF;
		END $$;

		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk;
		GRANT INSERT, UPDATE, DELETE, SELECT (id) ON plain_orders, region_orders, family_orders, family_web, family_shop, family_old TO scribe;
		GRANT SELECT (region) ON region_orders TO scribe});
	my $remote = q{SET ROLE keeper;
		CREATE TABLE remote_orders (id bigint PRIMARY KEY, customer_id pair, ordered_at timestamptz, amount numeric(12, 2), status text, note text);
		CREATE INDEX ON remote_orders (customer_id)};
	$self->sql($_, $remote) for qw(shop hq);
	return;
}

# Orders first to last into a source, or a table of its kind, as one statement.
sub fill_statement
{
	my ($self, $source, $first, $last, $place) = @_;
	my $s = $SOURCE{$source};
	my %value = (
		id => 'i', customer_id => $s->{key}->("h % $self->{customers}"), ordered_at => "now() - (h % 3456000) * interval '1 second'",
		amount => "(h % 90000) / 100.0 - 50", status => "(ARRAY['paid', 'paid', 'shipped', 'cancelled', NULL])[1 + h % 5]", note => 'NULL',
		account => "(h % $self->{customers})::numeric", basket => '1 + h % 200', region => "(ARRAY['north', 'south', 'west', 'rest'])[1 + i % 4]");
	my $salt = $self->dice(1_000_000);
	return sprintf 'INSERT INTO %s (%s) SELECT %s FROM (SELECT i, hashint4(i + %d) & 16777215 AS h FROM generate_series(%d, %d) i) x',
	  $place // $source, join(', ', @{ $s->{columns} }), join(', ', @value{ @{ $s->{columns} } }), $salt, $first, $last;
}

sub fill
{
	my ($self, $source) = @_;
	my $s = $SOURCE{$source};
	my $n = $self->{orders};
	my @places = $source eq 'family_orders' ? ($source, @{ $s->{places} }) : ($source);
	for my $i (0 .. $#places)
	{
		$self->sql($s->{database}, $self->fill_statement($source, 1 + int($n * $i / @places), int($n * ($i + 1) / @places), $places[$i]), 'keeper');
	}
	return;
}

# shop subscribes to what hq publishes, prepared transactions and running ones included.
sub subscribe
{
	my ($self) = @_;
	my $node = $self->{node};
	$self->sql('hq', 'CREATE PUBLICATION remote FOR TABLE remote_orders');
	$self->sql('hq', q(SELECT pg_create_logical_replication_slot('remote', 'pgoutput', false, true)));
	$self->sql('shop', 'CREATE SUBSCRIPTION remote CONNECTION ' . "'" . $node->connstr('hq') =~ s/'/''/gr
		  . "' PUBLICATION remote WITH (create_slot = false, slot_name = 'remote', two_phase = true, streaming = true)");
	$node->wait_for_subscription_sync($node, 'remote', 'shop') if $node->can('wait_for_subscription_sync');
	$node->poll_query_until('shop', q(SELECT subtwophasestate = 'e' FROM pg_subscription)) or die 'the subscription did not start';
	return;
}

# Wait until shop has all that was committed or prepared at hq.
sub catch_up
{
	my ($self) = @_;
	my $lsn = $self->sql('hq', 'SELECT pg_current_wal_insert_lsn()');
	$self->{node}->poll_query_until('hq',
		"SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name = 'remote' AND state = 'streaming' AND replay_lsn >= '$lsn'")
	  or die 'the subscriber does not catch up';
	return;
}

# Whether create_segment_table knows an option.
sub has_option
{
	my ($self, $option) = @_;
	return $self->sql('shop', "SELECT '$option' = ANY (proargnames) FROM pg_proc WHERE oid::regproc::text ~ 'create_segment_table'") eq 't';
}

sub add_segment_tables
{
	my ($self) = @_;
	$self->{tables} = [ grep { !$_->{frozen} || $self->has_option('breaks') } @TABLES ];
	for my $t ($self->tables)
	{
		$self->sql('shop', "SELECT create_segment_table('$t->{table}', '$t->{source}', $t->{options})", 'keeper');
		$self->keep_breaks($t) if $t->{frozen};
	}
	return;
}

# Who writes to a partition and then to its parent can be in the way of what makes or drops
# a segment table, and it in his: then it is called again.
sub until_no_deadlock
{
	my ($call) = @_;
	return "DO \$\$ BEGIN LOOP BEGIN PERFORM $call; RETURN; EXCEPTION WHEN deadlock_detected THEN END; END LOOP; END \$\$;\n";
}

# One more segment table, made while writers write: they are waited for, and seen.
# When it is there already it is dropped, under their eyes as well.
sub flip_latecomer
{
	my ($self) = @_;
	my $refresher = $self->{refresher};
	$self->await([$refresher]);
	if (my ($late) = grep { $_->{late} } $self->tables)
	{
		$self->{tables} = [ grep { $_ != $late } $self->tables ];
		$self->tell($refresher, until_no_deadlock("drop_segment_table('$late->{table}')"));
	}
	else
	{
		my $late = { %{ $self->pick(grep { !$_->{frozen} } @TABLES) }, table => 'latecomer', late => 1 };
		$self->tell($refresher, until_no_deadlock("create_segment_table('$late->{table}', '$late->{source}', $late->{options})"));
		$self->{tables} = [ $self->tables, $late ];
	}
	$self->await([$refresher]);
	return;
}

# Statements of the oracle before the last: who bought, what, and how the population is cut.
sub oracle_facts
{
	my ($self, $t) = @_;
	my $customer = $t->{customer} // 'customer_id';
	my $time = $t->{time} // 'ordered_at';
	my $only = $t->{only} // 'true';
	my $zone = $t->{zone} // 'UTC';
	my $since = $t->{lookback} ? "((d.as_of AT TIME ZONE '$zone') - interval '$t->{lookback}') AT TIME ZONE '$zone'" : "'-infinity'";
	return "d AS MATERIALIZED (SELECT as_of FROM segment_table_definition WHERE segment_table = '$t->{table}'::regclass),
		facts AS MATERIALIZED (
			SELECT c, min(t) FILTER (WHERE a > 0) AS first, max(t) FILTER (WHERE a > 0) AS last,
			       (array_agg(t ORDER BY t DESC) FILTER (WHERE a > 0))[2] AS previous,
			       count(*) FILTER (WHERE a > 0) AS orders, count(*) FILTER (WHERE a < 0) AS refunds, sum(a) AS revenue
			FROM (SELECT $customer AS c, $time AS t, amount::numeric AS a FROM $t->{source} WHERE $only) o, d
			WHERE c IS DISTINCT FROM NULL AND a < 'Infinity' AND t <= d.as_of AND t > $since GROUP BY c),
		population AS (
			SELECT percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY last) AS r,
			       percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY orders) AS f,
			       percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY revenue) AS m
			FROM facts WHERE orders > 0)";
}

# Breaks that stay are kept by the oracle as ages, in a table of its own.
sub keep_breaks
{
	my ($self, $t) = @_;
	$self->sql('shop', 'CREATE TABLE IF NOT EXISTS kept_breaks (segment_table text PRIMARY KEY, r interval[], f bigint[], m numeric[])');
	$self->sql('shop', 'WITH ' . $self->oracle_facts($t) . ",
		ages AS (SELECT ARRAY(SELECT d.as_of - v FROM unnest(p.r) v) AS r, p.f, p.m FROM population p, d)
		INSERT INTO kept_breaks SELECT '$t->{table}', r, f, m FROM ages
		ON CONFLICT (segment_table) DO UPDATE SET r = excluded.r, f = excluded.f, m = excluded.m");
	return;
}

# Customers that should be there and those that are, how many are missing or superfluous, and how many rows differ.
sub oracle
{
	my ($self, $t) = @_;
	my $breaks =
	  $t->{frozen}
	  ? "breaks AS (SELECT ARRAY(SELECT d.as_of - v FROM unnest(k.r) v) AS r, k.f, k.m FROM kept_breaks k, d WHERE k.segment_table = '$t->{table}')"
	  : 'breaks AS (SELECT * FROM population)';
	my $map = $t->{map} // 'rfm11';
	my $decimals = $t->{scale} + 2;
	return 'WITH ' . $self->oracle_facts($t) . ", $breaks,
		scored AS (
			SELECT x.*, CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(b.r) v WHERE v < x.last) END AS r,
			       CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(b.f) v WHERE v < x.orders) END AS f,
			       CASE WHEN orders > 0 THEN 1 + (SELECT count(*) FROM unnest(b.m) v WHERE v < x.revenue) END AS m
			FROM facts x CROSS JOIN breaks b),
		named AS (
			SELECT o.*, coalesce(rfm_segment(o.r::int, o.f::int, o.m::int, '$map'), 'prospect') AS segment,
			       coalesce(rfm_segment_rank(CASE WHEN o.orders > 0 THEN ROW(o.r, o.f, o.m, 5)::rfm_score END, '$map'), 0::smallint) AS rank FROM scored o)
		SELECT count(o.orders) AS expected, count(s.orders) AS stored, count(*) FILTER (WHERE o.orders IS NULL OR s.orders IS NULL) AS missing,
		       count(*) FILTER (WHERE (s.first_order_at, s.previous_order_at, s.last_order_at, s.orders, s.refunds, s.revenue, s.average_order_value,
		                               s.r, s.f, s.m, s.rfm_cell, s.segment, s.segment_rank)
		                        IS DISTINCT FROM (o.first, o.previous, o.last, o.orders, o.refunds, o.revenue, round(o.revenue / nullif(o.orders, 0), $decimals),
		                               o.r::smallint, o.f::smallint, o.m::smallint, o.r::text || o.f || o.m, o.segment, o.rank)) AS wrong
		FROM named o FULL JOIN $t->{table} s ON s.customer_id = o.c";
}

# Nobody writes: refresh each table once, and compare it with verify and the oracle. True when all agree.
sub quiesced
{
	my ($self, $name) = @_;
	my $script = '';
	for my $t ($self->tables)
	{
		$script .= "SELECT '$t->{table}', mode FROM refresh_segment_table('$t->{table}');\n";
		$script .= "SELECT '$t->{table}', (SELECT count(*) FROM verify_segment_table('$t->{table}'));\n";
		$script .= "SELECT '$t->{table}', o.* FROM (" . $self->oracle($t) . ") o;\n";
	}
	# a refresh that waits for a transaction that is left prepared would wait for ever
	my ($code, $out, $err) = $self->{node}->psql('shop', "SET statement_timeout = '20s';\n$script", on_error_stop => 1);
	$self->{points}++;
	if ($code != 0 || $err =~ /ERROR/)
	{
		fail($name);
		diag "EXACT_SEED=$self->{seed}\n$err";
		return 0;
	}
	my @lines = map { [ split /\|/ ] } split /\n/, $out;
	my @bad;
	for my $t ($self->tables)
	{
		my ($refresh, $verify, $oracle) = splice @lines, 0, 3;
		my (undef, $expected, $stored, $missing, $wrong) = @$oracle;
		$self->{modes}{ $t->{table} }{ $refresh->[1] }++;
		$self->{seen}{ $t->{table} } += $expected;
		push @bad, "$t->{table}: $verify->[1] values wrong by verify; by the oracle $expected expected, $stored stored, $missing on one side only, $wrong different ($refresh->[1])"
		  if $verify->[1] || $missing || $wrong;
	}
	return 1 if ok(!@bad, $name);
	diag join "\n", "EXACT_SEED=$self->{seed}", @bad;
	for my $t ($self->tables)
	{
		diag "$t->{table}: $_" for split /\n/, $self->sql('shop', "SELECT * FROM verify_segment_table('$t->{table}') LIMIT 4");
	}
	return 0;
}

#
# Sessions
#

# A psql that waits for scripts. Errors do not stop it.
sub session
{
	my ($self, $database, $user, $name) = @_;
	my $session = { database => $database, user => $user, name => $name, in => '', out => '', err => '', asked => 0, told => 0 };
	$session->{harness} = IPC::Run::start(
		[ 'psql', '-X', '-q', '-A', '-t', '-v', 'VERBOSITY=verbose', '-U', $user, '-d', $self->{node}->connstr($database) . " application_name=$name" ],
		'<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err});
	return $session;
}

# Give a session a script; it starts at once.
sub tell
{
	my ($self, $session, $script) = @_;
	my $file = $self->{node}->basedir . "/$session->{name}.sql";
	open my $f, '>', $file or die "$file: $!";
	print $f $script;
	close $f or die "$file: $!";
	$session->{asked}++;
	$session->{in} .= "\\i $file\n\\echo done $session->{asked}\n";
	$self->listen($session);
	return;
}

# Whether a session is through with what it was given, or gone.
sub listen
{
	my ($self, $session) = @_;
	my $alive = eval { $session->{harness}->pump_nb; 1 } && $session->{harness}->pumpable;
	$session->{told} = $1 while $session->{out} =~ /^done (\d+)$/mg;
	$session->{gone} = 1 unless $alive;
	return $session->{told} == $session->{asked} || $session->{gone};
}

# Wait until all sessions are through. While they work, the sub is called again and again.
sub await
{
	my ($self, $sessions, $meanwhile) = @_;
	my $until = time + ($PostgreSQL::Test::Utils::timeout_default // 180);
	while (grep { !$self->listen($_) } @$sessions)
	{
		$meanwhile->() if $meanwhile;
		select undef, undef, undef, 0.004;
		next if time < $until;
		diag $self->sql('postgres', 'SELECT pid, application_name, wait_event_type, wait_event, pg_blocking_pids(pid), left(query, 100) FROM pg_stat_activity');
		diag $self->sql('postgres', 'SELECT gid, owner, database FROM pg_prepared_xacts');
		die 'writers hang';
	}
	$self->hear($_) for @$sessions;
	return;
}

# Count what a session has printed: errors, and how its transactions went.
sub hear
{
	my ($self, $session) = @_;
	while ($session->{err} =~ /(?:ERROR|FATAL):  (\w{5}): (.*)/g)
	{
		$self->{errors}{$1}++;
		push @{ $session->{met} }, "$1: $2";
		# 57P0: the server has crashed, or recovers
		push @{ $self->{complaints} }, "$session->{name}: $1: $2" unless $EXPECTED{$1} || $1 =~ /^57P0/;
	}
	for ($session->{out} =~ /^(?:kind .*)$/mg)
	{
		my (undef, $kind, $state) = split;
		$self->{kinds}{$kind}{ $state eq '00000' ? 'clean' : 'failed' }++;
	}
	$session->{err} = $session->{out} = '';
	return;
}

# End a session, whatever it does.
sub dismiss
{
	my ($self, $session) = @_;
	my $idle = $self->listen($session) && !$session->{gone};
	$self->hear($session);
	if (!$idle) { $session->{harness}->kill_kill }
	else
	{
		$session->{in} .= "\\q\n";
		eval { $session->{harness}->finish; 1 } or $session->{harness}->kill_kill;
	}
	return;
}

# The writers: who they are decides what they may.
sub start_writers
{
	my ($self) = @_;
	my $n = 0;
	$self->{writers} = [
		map { $n++; $self->session(@$_, "writer$n") }
		  ([ 'shop', 'keeper' ], [ 'shop', 'clerk' ], [ 'shop', 'clerk' ], [ 'shop', 'scribe' ], [ 'hq', 'keeper' ]) ];
	$self->{refresher} = $self->session('shop', 'keeper', 'refresher');
	$self->tell($_, "SET lock_timeout = '300ms';\n") for @{ $self->{writers} };
	$self->await($self->{writers});
	return;
}

sub stop_writers
{
	my ($self) = @_;
	$self->dismiss($_) for @{ $self->{writers} }, $self->{refresher};
	$self->{writers} = [];
	return;
}

# Give every writer a script of that many transactions. `ddl` allows what waits for every other writer.
sub start_round
{
	my ($self, %args) = @_;
	my %script = map { $_->{name} => $self->script($_, $args{transactions}, $args{ddl}) } @{ $self->{writers} };
	$self->tell($_, $script{ $_->{name} }) for @{ $self->{writers} };
	return;
}

# A round: writers do their scripts, while tables are refreshed by hand and on request.
sub round
{
	my ($self, %args) = @_;
	$self->start_round(%args);
	$self->flip_latecomer if $args{latecomer};
	$self->await($self->{writers}, sub { $self->refresh_meanwhile });
	$self->await([ $self->{refresher} ]);
	return;
}

sub refresh_meanwhile
{
	my ($self) = @_;
	my $refresher = $self->{refresher};
	return unless $self->listen($refresher) && !$refresher->{gone};
	$self->hear($refresher);
	my @tables = $self->tables;
	# not from the seed: how often this is called depends on the machine
	my $t = $tables[ rand @tables ];
	# a refresh puts a schedule off: one table has its schedule only
	return if $t->{unasked};
	my $call = rand() < ($t->{options} =~ /refresh_every/ ? 0.3 : 0.7) ? 'refresh_segment_table' : 'request_segment_refresh';
	$self->tell($refresher, "SELECT FROM $call('$t->{table}');\n");
	return;
}

# In each source a customer without other orders, prepared and left so.
sub leave_prepared
{
	my ($self, $number) = @_;
	for my $source ($self->sources)
	{
		my $s = $SOURCE{$source};
		my %v = map { $_ => 'NULL' } @{ $s->{columns} };
		@v{qw(id customer_id ordered_at amount status)} = (9_000_000 + $number, $s->{key}->(1_000_000 + $number), "now() - interval '1 hour'", 5, "'paid'");
		$v{account} = 1_000_000 + $number if $v{account};
		$v{region} = "'north'" if $v{region};
		my $columns = join ', ', @{ $s->{columns} };
		my $values = join ', ', @v{ @{ $s->{columns} } };
		$self->sql($s->{database}, "BEGIN; INSERT INTO $source ($columns) VALUES ($values); PREPARE TRANSACTION 'left_alone_${source}_$number'", 'keeper');
	}
	return;
}

# Finish transactions that were left prepared: about half of them, or all. Those that
# the subscription has prepared are its own business.
sub finish_prepared
{
	my ($self, $all) = @_;
	for my $line (split /\n/, $self->sql('postgres', "SELECT database, gid FROM pg_prepared_xacts WHERE gid LIKE 'left%' OR gid LIKE 'two%' ORDER BY gid"))
	{
		my ($database, $gid) = split /\|/, $line;
		my $end = $self->pick('COMMIT', 'ROLLBACK', 'COMMIT');
		next unless $all || $self->dice(2);
		$self->sql($database, "$end PREPARED '$gid'");
		$self->{kinds}{left_prepared}{ lc $end }++;
	}
	return;
}

#
# Scripts
#

# SQL of a customer.
sub customer
{
	my ($self, $source) = @_;
	my $sql = $SOURCE{$source}{key}->($self->dice($self->dice(4) ? $self->{customers} : 20));
	$sql =~ s/Cust/$self->pick('Cust', 'cust', 'CUST', 'cUST')/e;
	return $sql if $self->dice(100);
	# none, or one that looks like none
	return $self->pick('NULL', { region_orders => "''", remote_orders => 'ROW(NULL, NULL)::pair' }->{$source} // 'NULL');
}

# A moment: mostly in the last forty days; some about to come, or about to leave a window of twenty days.
sub moment
{
	my ($self, $source) = @_;
	my $kind = $self->weighted(past => 80, soon => 8, edge => 8, odd => 3);
	return sprintf "now() - interval '%d seconds'", $self->dice(3_456_000) if $kind eq 'past';
	return sprintf "now() + interval '%d milliseconds'", $self->dice(4000) if $kind eq 'soon';
	return sprintf "now() - interval '20 days' + interval '%d milliseconds'", $self->dice(4000) if $kind eq 'edge';
	return $self->pick('NULL', "timestamptz 'infinity'", "timestamptz '-infinity'", "now() + interval '1 day'", 'clock_timestamp()');
}

sub amount
{
	my ($self, $source) = @_;
	return $self->pick('NULL', '0', $source eq 'family_orders' ? '7' : "'NaN'::numeric") unless $self->dice(30);
	my $amount = sprintf '%.2f', $self->dice(100_000) / 100 - 100;
	return $source eq 'family_orders' ? int $amount : $amount;
}

# The value of a column, as SQL.
sub value
{
	my ($self, $source, $column) = @_;
	return $self->customer($source) if $column eq 'customer_id';
	return $self->moment($source) if $column eq 'ordered_at';
	return $self->amount($source) if $column eq 'amount';
	return $self->pick("'paid'", "'paid'", "'shipped'", "'cancelled'", 'NULL') if $column eq 'status';
	return $self->weighted(NULL => 40, "'bonus'" => 3, "'redirect'" => 2, "'x'" => 5) if $column eq 'note';
	return sprintf '%s::numeric(20, %d)', $self->dice($self->{customers}), $self->dice(3) if $column eq 'account';
	return $self->dice(10) ? 1 + $self->dice(200) : 'NULL' if $column eq 'basket';
	return $self->pick("'north'", "'south'", "'west'", "'east'", "'rest'") if $column eq 'region';
	die $column;
}

# A new id, or one that may be there.
sub fresh
{
	my ($self, $source) = @_;
	return ++$self->{next_id}{$source};
}

sub known
{
	my ($self, $source) = @_;
	my $next = $self->{next_id}{$source};
	return $self->dice(3) ? 1 + $self->dice($next) : $next - $self->dice(400);
}

sub tuple
{
	my ($self, $source, $id) = @_;
	return '(' . join(', ', map { $_ eq 'id' ? $id : $self->value($source, $_) } @{ $SOURCE{$source}{columns} }) . ')';
}

# Where to write: the source, at times a partition, child or view of it.
sub place
{
	my ($self, $source, $writer) = @_;
	my @places = @{ $SOURCE{$source}{places} };
	return $source if !@places || $self->dice(3) || ($writer->{user} eq 'scribe' && $source eq 'plain_orders');
	return $self->pick(@places);
}

# Some of the columns, each with a new value.
sub assignments
{
	my ($self, $source, %without) = @_;
	my @columns = grep { $_ ne 'id' && !$without{$_} } @{ $SOURCE{$source}{columns} };
	my $column = $self->weighted(amount => 3, customer_id => 3, ordered_at => 2, status => 1, $self->pick(@columns) => 1);
	my $other = $self->pick(@columns);
	my %set = map { $_ => $self->value($source, $_) } $self->dice(3) ? ($column) : ($column, $other);
	return join ', ', map { "$_ = $set{$_}" } sort keys %set;
}

# One statement that writes to a source.
sub write
{
	my ($self, $writer, $source) = @_;
	my $s = $SOURCE{$source};
	my $columns = join ', ', @{ $s->{columns} };
	my $place = $self->place($source, $writer);
	my $kind = $self->weighted(
		insert => 14, insert_some => 4, update => 14, delete => 8, upsert => 6, skip => 3, direct => $source eq 'region_orders' ? 8 : 0,
		$writer->{user} eq 'scribe'
		? ()
		: (series => 2, merge => 5, copy => 3, by_customer => 6, rename => 4, shrink => 5, move => 3, delete_some => 4, cascade => $source eq 'plain_orders' ? 3 : 0));
	my $id = $self->known($source);
	my ($a, $b) = ($self->customer($source), $self->customer($source));

	if ($kind eq 'insert') { return "INSERT INTO $place ($columns) VALUES " . $self->tuple($source, $self->fresh($source)) }
	if ($kind eq 'insert_some') { return "INSERT INTO $place ($columns) VALUES " . join ', ', map { $self->tuple($source, $self->fresh($source)) } 1 .. 2 + $self->dice(8) }
	if ($kind eq 'update') { return "UPDATE $place SET " . $self->assignments($source) . " WHERE id = $id" }
	if ($kind eq 'delete') { return "DELETE FROM $place WHERE id = $id" }
	if ($kind eq 'upsert') { return "INSERT INTO $source ($columns) VALUES " . $self->tuple($source, $id) . " ON CONFLICT ($s->{conflict}) DO UPDATE SET " . $self->assignments($source, region => 1) }
	if ($kind eq 'skip') { return "INSERT INTO $place ($columns) VALUES " . $self->tuple($source, $id) . ' ON CONFLICT DO NOTHING' }
	if ($kind eq 'series')
	{
		my $first = $self->fresh($source);
		$self->{next_id}{$source} += 30;
		return $self->fill_statement($source, $first, $first + 30);
	}
	if ($kind eq 'merge')
	{
		return "MERGE INTO $source o USING (SELECT DISTINCT id FROM (VALUES ($id), (" . $self->known($source) . '), (' . $self->fresh($source) . ")) x (id)) v (new_id) ON o.id = v.new_id
			WHEN MATCHED AND o.amount < 100 THEN DELETE WHEN MATCHED THEN UPDATE SET " . $self->assignments($source)
		  . " WHEN NOT MATCHED THEN INSERT ($columns) VALUES " . $self->tuple($source, 'v.new_id');
	}
	if ($kind eq 'copy')
	{
		my $file = $self->{node}->basedir . "/$writer->{name}." . ++$self->{files} . '.txt';
		# a table of literals: what COPY reads
		open my $f, '>', $file or die "$file: $!";
		for (1 .. 1 + $self->dice(20))
		{
			my $key = $self->dice($self->{customers});
			my %v = (id => $self->fresh($source), customer_id => { plain_orders => $key, region_orders => "cuSt$key", family_orders => sprintf('%032d', $key), remote_orders => "($key,copied)" }->{$source},
				ordered_at => sprintf('2024-%02d-%02d 10:00', 1 + $self->dice(12), 1 + $self->dice(28)), amount => $self->dice(900), status => 'paid', note => '\N',
				account => "$key.0", basket => '\N', region => $self->pick('north', 'south', 'rest'));
			print $f join("\t", @v{ @{ $s->{columns} } }), "\n";
		}
		close $f or die "$file: $!";
		return "\\copy $source ($columns) from '$file'";
	}
	if ($kind eq 'by_customer') { return "UPDATE $place SET " . $self->assignments($source) . " WHERE customer_id = $a" }
	if ($kind eq 'rename') { return "UPDATE $place SET customer_id = $b WHERE customer_id = $a AND id % 3 = " . $self->dice(3) }
	if ($kind eq 'shrink') { return "DELETE FROM $place WHERE customer_id = $a" }
	if ($kind eq 'move')
	{
		my $values = join ', ', map { $_ eq 'id' ? 'id + 1000000' : $_ eq 'customer_id' ? $b : $_ } @{ $s->{columns} };
		return "WITH gone AS (DELETE FROM $source WHERE customer_id = $a RETURNING *) INSERT INTO $source ($columns) SELECT $values FROM gone";
	}
	if ($kind eq 'delete_some') { return "DELETE FROM $source WHERE id % 211 = " . $self->dice(211) }
	if ($kind eq 'cascade')
	{
		my $basket = 1 + $self->dice(200);
		return $self->dice(2)
		  ? "DELETE FROM baskets WHERE id = $basket;\nINSERT INTO baskets VALUES ($basket) ON CONFLICT DO NOTHING"
		  : "INSERT INTO ledger SELECT id, customer_id FROM plain_orders WHERE basket = $basket";
	}
	if ($kind eq 'direct')
	{
		my ($region, $name) = @{ $self->pick([ 'north', 'region_north' ], [ 'west', 'region_west' ], [ 'rest', 'region_rest' ], [ 'south', 'region_south' ]) };
		return "UPDATE $source SET region = " . $self->value($source, 'region') . " WHERE id = $id" if $writer->{user} eq 'scribe' || $self->dice(2);
		return "DELETE FROM $name WHERE id = $id" unless $self->dice(4);
		return "UPDATE $name SET amount = " . $self->amount($source) . ", customer_id = $b WHERE customer_id = $a" unless $self->dice(3);
		my %v = map { $_ => $self->value($source, $_) } grep { $_ ne 'id' } @{ $s->{columns} };
		@v{qw(id region)} = ($self->fresh($source), "'$region'");
		return "INSERT INTO $name ($columns) VALUES (" . join(', ', @v{ @{ $s->{columns} } }) . ')';
	}
	die $kind;
}

# Several writes, to any of the sources that the writer can reach.
sub writes
{
	my ($self, $writer, $n) = @_;
	my @sources = grep { $SOURCE{$_}{database} eq $writer->{database} } $self->sources;
	return map { $self->write($writer, $self->pick(@sources)) } 1 .. $n;
}

# A transaction that empties a table, or changes what belongs to a source.
sub definition_change
{
	my ($self, $writer) = @_;
	my ($source, @statements);
	if ($writer->{database} eq 'hq') { ($source, @statements) = ('remote_orders', 'TRUNCATE remote_orders') }
	else
	{
		($source, @statements) = @{ $self->pick(
				[ 'plain_orders', 'TRUNCATE plain_orders' ],
				[ 'plain_orders', 'TRUNCATE baskets CASCADE', 'INSERT INTO baskets SELECT generate_series(1, 200)' ],
				[ 'region_orders', 'TRUNCATE region_orders' ],
				[ 'region_orders', 'TRUNCATE region_north' ],
				[ 'region_orders', 'TRUNCATE region_south' ],
				[ 'region_orders', 'TRUNCATE region_south_low' ],
				[ 'region_orders', q(CALL flip_partition('region_orders', 'region_west', 'FOR VALUES IN (''west'')')) ],
				[ 'region_orders', q(CALL flip_partition('region_orders', 'region_south', 'FOR VALUES IN (''south'')')) ],
				[ 'region_orders', q(CALL flip_partition('region_south', 'region_south_low', 'FOR VALUES FROM (MINVALUE) TO (2000)')) ],
				[ 'region_orders', 'CALL flip_east()' ],
				[ 'family_orders', 'TRUNCATE family_orders' ],
				[ 'family_orders', 'TRUNCATE ONLY family_orders' ],
				[ 'family_orders', 'TRUNCATE family_web' ],
				[ 'family_orders', q(CALL flip_child('family_orders', 'family_web')) ],
				[ 'family_orders', q(CALL flip_child('family_shop', 'family_old')) ]) };
	}
	my $first = $self->fresh($source);
	$self->{next_id}{$source} += 1000;
	my $refill = $self->fill_statement($source, $first, $first + 1000);
	my @some = map { $self->write($writer, $source) } 1 .. 2;
	# a table with deferred triggers that wait cannot be emptied
	my @fired = 'SET CONSTRAINTS ALL IMMEDIATE';
	my $kind = $self->weighted(commit => 4, refilled => 4, rollback => 2, undone => 2, prepared => 1);
	my $gid = sprintf 'two_%s_%d', $writer->{name}, ++$self->{prepared};
	return ('definition', 'BEGIN', @some, @fired, @statements, 'COMMIT', $refill) if $kind eq 'commit';
	return ('definition', 'BEGIN', @statements, $refill, @some, 'COMMIT') if $kind eq 'refilled';
	return ('definition', 'BEGIN', @some, @fired, @statements, $refill, 'ROLLBACK') if $kind eq 'rollback';
	return ('definition', 'BEGIN', $some[0], @fired, 'SAVEPOINT a', @statements, $refill, 'ROLLBACK TO a', $some[1], 'COMMIT') if $kind eq 'undone';
	return ('definition', 'BEGIN', @statements, $refill, "PREPARE TRANSACTION '$gid'", "COMMIT PREPARED '$gid'");
}

# A transaction as a list: its kind, and statements.
sub transaction
{
	my ($self, $writer, $ddl) = @_;
	my $some = 1 + $self->dice(5);
	my @w = $self->writes($writer, $some);
	my $clerk = $writer->{database} eq 'shop' && $writer->{user} ne 'scribe';
	my $gid = sprintf '%s_%d', $writer->{name}, ++$self->{prepared};
	my $level = $self->pick('', '', 'ISOLATION LEVEL REPEATABLE READ', 'ISOLATION LEVEL SERIALIZABLE');
	my $kind = $self->weighted(
		single => 20, commit => 20, rollback => 8, savepoint => 12, undone => 5, two_commit => 6, two_rollback => 4, left => $ddl ? 0 : 2,
		serializable => 7, repeatable_read => 6, read_only => 4, caught => 4, definition => $ddl && $writer->{user} eq 'keeper' ? 3 : 0,
		churn => $clerk ? 2 : 0, cursor => $clerk ? 3 : 0, replica => $clerk && $writer->{user} eq 'keeper' ? 4 : 0, aborted => 3);

	return ($kind, $w[0]) if $kind eq 'single';
	return ($kind, 'BEGIN', @w, 'COMMIT') if $kind eq 'commit';
	return ($kind, 'BEGIN', @w, 'ROLLBACK') if $kind eq 'rollback';
	return ($kind, 'BEGIN', $w[0], 'SAVEPOINT a', @w[ 1 .. $#w ], 'SAVEPOINT b', $self->writes($writer, 1), 'ROLLBACK TO b', $self->writes($writer, 1), 'ROLLBACK TO a', $self->writes($writer, 1), 'RELEASE a', 'COMMIT')
	  if $kind eq 'savepoint';
	return ($kind, 'BEGIN', 'SAVEPOINT a', @w, 'ROLLBACK TO a', 'COMMIT') if $kind eq 'undone';
	return ($kind, "BEGIN $level", @w, "PREPARE TRANSACTION 'two_$gid'", $self->writes($writer, 1), "COMMIT PREPARED 'two_$gid'") if $kind eq 'two_commit';
	return ($kind, "BEGIN $level", @w, "PREPARE TRANSACTION 'two_$gid'", "ROLLBACK PREPARED 'two_$gid'") if $kind eq 'two_rollback';
	return ($kind, "BEGIN $level", @w[ 0 .. ($#w > 1 ? 1 : $#w) ], "PREPARE TRANSACTION 'left_$gid'") if $kind eq 'left';
	return ($kind, 'BEGIN ISOLATION LEVEL SERIALIZABLE', @w, 'COMMIT') if $kind eq 'serializable';
	return ($kind, 'BEGIN ISOLATION LEVEL REPEATABLE READ', @w, 'COMMIT') if $kind eq 'repeatable_read';
	return ($kind, 'BEGIN', @w, 'SET CONSTRAINTS ALL IMMEDIATE', 'SET TRANSACTION READ ONLY', 'COMMIT') if $kind eq 'read_only';
	return ($kind, 'BEGIN', @w, 'SAVEPOINT a', 'SELECT 1 / 0', $self->writes($writer, 1), 'ROLLBACK TO a', $self->writes($writer, 1), 'COMMIT') if $kind eq 'aborted';
	if ($kind eq 'caught')
	{
		# a block is one statement: no \copy in it
		my @body = grep { !/^\\/ } @w;
		my $last = $self->write({ %$writer, user => 'scribe' }, $self->pick(grep { $SOURCE{$_}{database} eq $writer->{database} } $self->sources));
		return ($kind, "DO \$\$ BEGIN BEGIN " . join('; ', @body, 'PERFORM 1 / 0') . "; EXCEPTION WHEN division_by_zero THEN NULL; END; $last; END \$\$");
	}
	return $self->definition_change($writer) if $kind eq 'definition';
	if ($kind eq 'churn')
	{
		my $low = $self->known('plain_orders');
		return ($kind, sprintf 'CALL churn(%d, %d)', $low, $low + 5);
	}
	return ($kind, 'BEGIN', 'DECLARE c CURSOR FOR SELECT id FROM plain_orders WHERE customer_id = ' . $self->dice($self->{customers}) . ' FOR UPDATE',
		'MOVE 1 FROM c', 'UPDATE plain_orders SET amount = 4 WHERE CURRENT OF c', 'MOVE 1 FROM c', 'DELETE FROM plain_orders WHERE CURRENT OF c', @w, 'COMMIT') if $kind eq 'cursor';
	return ($kind, 'BEGIN', 'SET LOCAL session_replication_role = replica', @w, 'COMMIT') if $kind eq 'replica';
	die $kind;
}

# A script of that many transactions. One that fails is tried once more: it fails for the others' sake.
sub script
{
	my ($self, $writer, $n, $ddl) = @_;
	my $script = '';
	for (1 .. $n)
	{
		my ($kind, @statements) = $self->transaction($writer, $ddl);
		my $body = join '', map { /^\\/ ? "$_\n" : "$_;\n" } @statements;
		$self->{statements} += @statements;
		$self->{transactions}++;
		$script .= "\\set LAST_ERROR_SQLSTATE 00000\n$body";
		if ($kind =~ /serializable|repeatable|definition|two_commit/)
		{
			$script .= "SELECT :'LAST_ERROR_SQLSTATE' IN ('40001', '40P01', '55P03', '25P02', '42704') AS again \\gset\n\\if :again\n\\set LAST_ERROR_SQLSTATE 00000\n$body\\endif\n";
		}
		$script .= "\\echo kind $kind :LAST_ERROR_SQLSTATE\n";
	}
	return $script;
}

#
# At the end
#

# Nobody met an error that is not his own, and every kind of transaction came through.
sub writers_were_fine
{
	my ($self) = @_;
	my @complaints = @{ $self->{complaints} };
	ok(!@complaints, 'nobody met an error that is not of his own making')
	  or diag join "\n", "EXACT_SEED=$self->{seed}", splice @complaints, 0, 10;
	my @never = grep { !$self->{kinds}{$_}{clean} && !/aborted|left_prepared/ } sort keys %{ $self->{kinds} };
	ok(!@never, 'every kind of transaction came through') or diag "not once without an error: @never";
	return;
}

# What was done, for the reader of the log.
sub report
{
	my ($self) = @_;
	note "$self->{statements} statements in $self->{transactions} transactions given to writers, $self->{points} points of rest";
	note 'errors: ' . join ', ', map { "$_ $self->{errors}{$_}" } sort keys %{ $self->{errors} };
	for my $kind (sort keys %{ $self->{kinds} })
	{
		my $k = $self->{kinds}{$kind};
		note sprintf '%-16s %s', $kind, join ', ', map { "$k->{$_} $_" } sort keys %$k;
	}
	for my $t ($self->tables)
	{
		note sprintf '%-12s %s', $t->{table}, $self->sql('shop',
			"SELECT string_agg(cause || ' ' || mode || ' ' || n, ', ' ORDER BY cause, mode) FROM (SELECT cause, mode, count(*) AS n
			 FROM customer_scoring_internal.segment_run WHERE segment_table = '$t->{table}'::regclass AND error_code IS NULL AND finished_at IS NOT NULL GROUP BY cause, mode) s");
	}
	return;
}

# Refreshes followed the changes: most of those at points of rest read only what had changed.
sub refreshes_were_incremental
{
	my ($self) = @_;
  SKIP:
	{
		skip 'sources have no capture of changes', 1
		  if $self->sql('shop', "SELECT count(*) FROM pg_proc WHERE proname = 'capture_changes'") eq '0';
		my ($all, $incremental) = (0, 0);
		for my $modes (values %{ $self->{modes} })
		{
			$all += $modes->{$_} for keys %$modes;
			$incremental += $modes->{incremental} // 0;
		}
		cmp_ok($incremental, '>', $all / 2, "most refreshes are incremental: $incremental of $all");
	}
	return;
}

1;
