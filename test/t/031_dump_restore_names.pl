# Dump and restore in every format, with names that need quoting, as the owner and as somebody else, with the launcher
# on: the second dump equals the first, and what is restored shows what it showed and goes on by itself.
use strict;
use warnings;
use utf8;
use Encode qw(encode_utf8);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dump');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'customer_scoring'\ncustomer_scoring.probe_interval = 1\ncustomer_scoring.scheduler = off\n");
$node->start;
my @server = ('-h', $node->host, '-p', $node->port);
my $folder = $node->basedir;

sub scheduler
{
	my ($state) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET customer_scoring.scheduler = $state");
	$node->reload;
	return;
}

# SQL with characters outside ASCII
sub sql
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, encode_utf8($sql));
}

my @tables = ('"Kunden & Co"."größe ""x"""', '"Kunden & Co"."it\'s Mine"', '"Kunden & Co".' . ('n' x 53), 'public.segments', 'public.of_view');
sub array { return 'ARRAY[' . join(', ', map { my $t = $_; $t =~ s/'/''/g; "'$t'" } @_) . ']::regclass[]'; }

sql('postgres', q{
	CREATE ROLE "Shop Owner" LOGIN; CREATE ROLE "Mrs. ""Q"" Reader" LOGIN; CREATE ROLE other LOGIN;
	CREATE DATABASE shop OWNER "Shop Owner"});
sql('shop', q{CREATE EXTENSION customer_scoring; GRANT CREATE ON SCHEMA public TO "Shop Owner", other; CREATE SCHEMA "Kunden & Co" AUTHORIZATION "Shop Owner"});
sql('shop', q{
	SET ROLE "Shop Owner";
	CREATE SCHEMA "Source";
	CREATE TABLE "Source"."Bestell""ungen ü" ("Customer Id" text, "ordered'at" timestamptz, "Amount" numeric(12, 2), "status ""s""" text);
	INSERT INTO "Source"."Bestell""ungen ü" SELECT 'Kundé ''' || i % 50, now() - i * interval '1 day', i % 97 + 0.25, 'paid' FROM generate_series(1, 500) i;
	CREATE TYPE "Source"."Key" AS (a int, b text);
	CREATE TABLE "Source".parted (key "Source"."Key", ordered_at timestamptz, amount int) PARTITION BY RANGE (ordered_at);
	CREATE TABLE "Source".parted_1 PARTITION OF "Source".parted FOR VALUES FROM ('-infinity') TO ('2024-01-01');
	CREATE TABLE "Source".parted_2 PARTITION OF "Source".parted FOR VALUES FROM ('2024-01-01') TO ('infinity');
	INSERT INTO "Source".parted SELECT row(i % 20, 'x')::"Source"."Key", '2023-10-01'::timestamptz + i * interval '1 day', i FROM generate_series(1, 200) i;
	CREATE TABLE orders (customer_id int, ordered_at timestamptz, amount int);
	INSERT INTO orders SELECT i % 50, now() - i * interval '1 day', i FROM generate_series(1, 500) i;
	CREATE VIEW paid AS SELECT customer_id, ordered_at, amount::numeric(10, 2) FROM orders WHERE amount > 5;
	SET search_path = customer_scoring;
	SELECT create_segment_table('"Kunden & Co"."größe ""x"""', '"Source"."Bestell""ungen ü"', 'Customer Id', 'ordered''at', 'Amount', "only" => '{"status \"s\"": ["paid", "it''s \"ü\""]}',
		lookback => '3 years', refresh_every => '1 hour', time_zone => 'Asia/Jakarta');
	SELECT create_segment_table('"Kunden & Co"."it''s Mine"', '"Source".parted', 'key', refresh_every => '1 day', next_refresh_at => '2124-01-01 02:00+07', segment_map => 'rf10');
	SELECT create_segment_table('"Kunden & Co".' || repeat('n', 53), 'public.orders', money_scale => 0, refresh_every => '1 hour');
	SELECT create_segment_table('public.segments', 'public.orders', refresh_every => '1 hour');
	SELECT create_segment_table('public.of_view', 'public.paid');
	CREATE VIEW "Kunden & Co"."Best of" AS SELECT segment, customers FROM "Kunden & Co"."größe ""x""_overview" WHERE segment_rank > 5;
	CREATE VIEW public.deeper AS SELECT * FROM "Kunden & Co"."Best of" UNION ALL SELECT segment, count(*) FROM public.segments GROUP BY 1;
	GRANT USAGE ON SCHEMA "Kunden & Co" TO "Mrs. ""Q"" Reader";
	GRANT SELECT ON "Kunden & Co"."größe ""x""", "Kunden & Co"."größe ""x""_current", "Kunden & Co"."größe ""x""_overview" TO "Mrs. ""Q"" Reader" WITH GRANT OPTION;
	GRANT SELECT (customer_id, segment) ON public.segments TO "Mrs. ""Q"" Reader";
	ALTER TABLE public.segments ENABLE ROW LEVEL SECURITY;
	CREATE POLICY "some" ON public.segments TO "Mrs. ""Q"" Reader" USING (customer_id < 10);
	ALTER TABLE public.segments ADD note text DEFAULT 'mine';
	CREATE INDEX "by segment" ON public.segments (segment)});

my $verify = 'SELECT sum((SELECT count(*) FROM customer_scoring.verify_segment_table(t))) FROM unnest(' . array(@tables) . ') t';
my $settings = q{SELECT string_agg(d::text, E'\n' ORDER BY d::text) FROM customer_scoring.segment_table_definition d};
my $rights = q{SELECT string_agg(concat_ws(' ', c.oid::regclass, c.relowner::regrole, c.relacl, c.reloptions, c.relrowsecurity, obj_description(c.oid, 'pg_class'),
		(SELECT string_agg(attname || coalesce(attacl::text, '') || coalesce(col_description(c.oid, attnum), ''), ',' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0)), E'\n' ORDER BY c.oid::regclass::text COLLATE "C")
	FROM pg_class c WHERE c.relnamespace IN ('public'::regnamespace, '"Kunden & Co"'::regnamespace, '"Source"'::regnamespace) AND relkind IN ('r', 'v', 'p')};
# What a segment table and its views show.
sub shows
{
	my ($table) = @_;
	my ($name, $quote) = $table =~ /^(.*?)("?)$/;
	return join(' || ', map { "(SELECT md5(string_agg(x::text, ';' ORDER BY x::text COLLATE \"C\")) FROM $_ x)" } ($table, "${name}_current$quote", "${name}_overview$quote"));
}
my $shown = 'SELECT ' . join(' || ', map { shows($_) } @tables);
is(sql('shop', $verify), '0', 'what is dumped is exact');
my %original = map { ($_->[0] => sql('shop', $_->[1])) } ([ settings => $settings ], [ rights => $rights ], [ shown => $shown ]);

# What a database looks like in a dump: its lines sorted, as rows come in any order, without the two random marks.
sub dump_of
{
	my ($database, @options) = @_;
	my ($out, $err) = run_command([ 'pg_dump', @server, @options, $database ]);
	is($err, '', "$database is dumped without a word" . (@options ? " (@options)" : ''));
	return join("\n", sort grep { !/^\\(un)?restrict / } split /\n/, $out);
}

# Whether two of them are equal; what only one has is told.
sub same_dump
{
	my ($got, $expected, $name) = @_;
	my %count;
	$count{$_}++ foreach split /\n/, $got;
	$count{$_}-- foreach split /\n/, $expected;
	is(join("\n", map { ($count{$_} > 0 ? 'only in the second: ' : 'only in the first: ') . $_ } grep { $count{$_} } sort keys %count), '', $name);
	return;
}
my $first = dump_of('shop', '-U', 'Shop Owner');

my %dump = (
	plain => [ "$folder/plain.sql", ['-Fp'], undef ],
	custom => [ "$folder/custom.dump", ['-Fc'], ['-j', '4'] ],
	directory => [ "$folder/directory.dump", [ '-Fd', '-j', '4' ], [ '-j', '4' ] ]);
foreach my $format (sort keys %dump)
{
	my ($file, $how, undef) = @{ $dump{$format} };
	command_ok([ 'pg_dump', '-U', 'Shop Owner', @$how, '-f', $file, @server, 'shop' ], "the owner dumps: $format");
}

sub restore
{
	my ($format, $database) = @_;
	my ($file, undef, $how) = @{ $dump{$format} };
	$node->safe_psql('postgres', qq{CREATE DATABASE $database TEMPLATE template0 OWNER "Shop Owner"});
	command_ok(
		$how ? [ 'pg_restore', '--exit-on-error', @$how, @server, '-d', $database, $file ]
			: [ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', @server, '-d', $database, '-f', $file ],
		"$format is restored into $database without an error");
	return;
}

# The scheduler off: all is as it was, and shows what it showed.
foreach my $format (sort keys %dump)
{
	my $database = "still_$format";
	restore($format, $database);
	is(sql($database, $settings), $original{settings}, "$format: the settings are back");
	is(sql($database, $rights), $original{rights}, "$format: owners, rights, options and comments are back");
	is(sql($database, $shown), $original{shown}, "$format: tables and views show what they showed, and say as of when");
	same_dump(dump_of($database, '-U', 'Shop Owner'), $first, "$format: the second dump equals the first");
}
is(sql('still_custom', $verify), '0', 'the restored tables are exact already');

# The launcher on, before the restore begins.
my $refreshed = q{SELECT count(*) = 3 FROM customer_scoring.segment_table_run WHERE state = 'succeeded' AND mode = 'full' AND reason ~ 'first refresh|restore'
	AND segment_table <> '"Kunden & Co"."it''s Mine"'};
scheduler('on');
foreach my $format (sort keys %dump)
{
	my $database = "live_$format";
	restore($format, $database);
	ok($node->poll_query_until($database, encode_utf8($refreshed)), "$format: the scheduled tables refresh by themselves, fully, with the reason");
	is(sql($database, $verify), '0', "$format: all is exact");
	is(sql($database, $rights), $original{rights}, "$format: owners, rights and options are untouched");
	is(sql($database, q{SELECT count(*) FROM customer_scoring.segment_table_run WHERE state <> 'succeeded'}), '0', "$format: no run failed on the way");
	is(sql($database, q{SET ROLE "Mrs. ""Q"" Reader"; SELECT count(*) FROM "Kunden & Co"."größe ""x""_current" WHERE as_of IS NOT NULL}), '50', "$format: the reader reads");
	is(sql($database, q{SET ROLE "Mrs. ""Q"" Reader"; SELECT count(customer_id) FROM public.segments}), '10', "$format: by the policy");
	is(sql($database, q{SELECT count(*) > 0 FROM public.deeper}), 't', "$format: views on top find their views");
	sql($database, q{SET ROLE "Shop Owner"; INSERT INTO public.orders VALUES (777, now(), 5); INSERT INTO "Source".parted VALUES (row(777, 'new'), '2024-02-02', 5)});
	is(sql($database, 'SET ROLE "Shop Owner"; SELECT string_agg((customer_scoring.refresh_segment_table(t)).inserted::text, \' \') FROM unnest(' . array(@tables[1, 2, 3]) . ') t'),
		'1 1 1', "$format: the owner refreshes, and changes count");
	is(sql($database, 'SELECT sum((SELECT count(*) FROM customer_scoring.verify_segment_table(t))) FROM unnest(' . array(@tables[1, 2, 3]) . ') t'), '0', "$format: exactly");
}

# Objects only, then rows with triggers disabled.
{
	my $database = 'halves';
	scheduler('off');
	$node->safe_psql('postgres', qq{CREATE DATABASE $database TEMPLATE template0 OWNER "Shop Owner"});
	command_ok([ 'pg_restore', '--exit-on-error', '--schema-only', @server, '-d', $database, $dump{custom}[0] ], 'objects only');
	is(sql($database, 'SELECT count(*) FROM customer_scoring.segment_table_definition'), '0', 'there are no definitions without rows');
	is(sql($database, 'SELECT count(*) FROM public.segments_current'), '0', 'the views can be read');
	like(($node->psql($database, q{SELECT customer_scoring.refresh_segment_table('public.segments')}))[2], qr/"segments" is not a segment table/, 'it is no segment table yet');
	command_ok([ 'pg_restore', '--exit-on-error', '--data-only', '--disable-triggers', @server, '-d', $database, $dump{custom}[0] ], 'rows only, with triggers disabled');
	is(sql($database, $settings), $original{settings}, 'the settings are back');
	is(sql($database, $shown), $original{shown}, 'tables and views show what they showed');
	is(sql($database, q{SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'}), '0', 'no trigger stays disabled');
	# triggers come back as ordinary ones then: the next refresh notices, and enables them always
	my $without = sub { join("\n", grep { !/customer_scoring_(capture|truncate|signal)|^(--)?$/ } split /\n/, $_[0]) };
	same_dump($without->(dump_of($database, '-U', 'Shop Owner')), $without->($first), 'the second dump equals the first');
	sql($database, 'SET ROLE "Shop Owner"; SELECT customer_scoring.refresh_segment_table(\'public.segments\')');
	is(sql($database, q{SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('public.orders'::regclass, 'public.segments'::regclass, 'customer_scoring.profiling_opt_out'::regclass, 'customer_scoring.tombstone'::regclass) AND tgname ~ '^customer_scoring_' AND tgenabled <> 'A'}),
		'0', 'and its triggers fire always again');
	scheduler('on');
	ok($node->poll_query_until($database, encode_utf8($refreshed)), 'the scheduled tables refresh by themselves');
	is(sql($database, $verify), '0', 'all is exact');
	sql($database, q{SET ROLE "Shop Owner"; INSERT INTO public.orders VALUES (778, now(), 5); SELECT customer_scoring.refresh_segment_table(t) FROM unnest(} . array(@tables) . ') t');
	is(sql($database, $verify), '0', 'and stays so');
}

# Somebody else owns what is restored: a superuser restores it for another role, who goes on with it.
{
	my $database = 'given';
	$node->safe_psql('postgres', qq{CREATE DATABASE $database TEMPLATE template0 OWNER other});
	scheduler('off');
	my ($before) = run_command([ 'pg_restore', '--no-owner', '--no-privileges', '-f', '-', $dump{custom}[0] ]);
	unlike($before, qr/Shop Owner/, 'the dump without owners names none');
	# policies name their roles
	my ($list) = run_command([ 'pg_restore', '-l', $dump{custom}[0] ]);
	append_to_file("$folder/given.list", join("\n", grep { !/ POLICY / } split /\n/, $list) . "\n");
	command_ok([ 'pg_restore', '--exit-on-error', '--no-owner', '--no-privileges', '-j', '4', '-L', "$folder/given.list", @server, '-d', $database, $dump{custom}[0] ], 'restored without owners');
	sql($database, q{DO $$ DECLARE r record; BEGIN
		FOR r IN SELECT oid::regclass AS name, relkind FROM pg_class WHERE relnamespace IN ('public'::regnamespace, '"Kunden & Co"'::regnamespace, '"Source"'::regnamespace) AND relkind IN ('r', 'v', 'p') LOOP
			EXECUTE format('ALTER %s %s OWNER TO other', CASE r.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, r.name);
		END LOOP; END $$;
		GRANT ALL ON SCHEMA public, "Kunden & Co", "Source" TO other});
	scheduler('on');
	ok($node->poll_query_until($database, encode_utf8($refreshed)), 'the tables refresh as their new owner');
	is(sql($database, $verify), '0', 'all is exact');
	is(sql($database, 'SET ROLE other; SELECT count((customer_scoring.refresh_segment_table(t)).run_id) FROM unnest(' . array(@tables) . ') t'), '5', 'who refreshes them');
	isnt($node->psql($database, encode_utf8(q{SET ROLE "Shop Owner"; SELECT customer_scoring.refresh_segment_table('public.segments')})), 0, 'and the old one does not');
	sql($database, 'SET ROLE other; SELECT customer_scoring.drop_segment_table(t) FROM unnest(' . array($tables[1], $tables[4]) . ') t');
	is(sql($database, 'SELECT count(*) FROM customer_scoring.segment_table_definition'), '3', 'and drops them');
}
$node->stop;
done_testing();
