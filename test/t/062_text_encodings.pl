# Texts in databases of every kind of encoding: keys are right where characters
# are known, nothing is lost where they are not, and no bytes crash a session.
# Long texts can be cancelled, and memory stays what it was. Words and regions of
# users survive a dump, in another encoding, too.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('text');
$node->init(extra => [ '--encoding', 'UTF8', '--locale', 'C' ]);
$node->start;

my %databases = map { lc($_) => $_ } qw(UTF8 LATIN1 LATIN9 SQL_ASCII EUC_JP MULE_INTERNAL WIN1251);
foreach my $name (sort keys %databases)
{
	$node->safe_psql('postgres', "CREATE DATABASE $name ENCODING '$databases{$name}' TEMPLATE template0");
	$node->safe_psql($name, qq{CREATE EXTENSION customer_scoring; ALTER DATABASE $name SET search_path = public, customer_scoring});
}

# What a query gives, in UTF-8 where the server can convert.
sub answer
{
	my ($name, $sql) = @_;
	local $ENV{PGCLIENTENCODING} = $name =~ /^(sql_ascii|mule_internal)$/ ? $databases{$name} : 'UTF8';
	return $node->safe_psql($name, $sql);
}

# ASCII is the same everywhere
my $ascii = q{SELECT name_key('Bpk. Budi SANTOSO, S.Pd.'), email_key('Budi@Example.COM'), phone_key('0812 345 678'), search_key(' A  b')};
is(answer($_, $ascii), 'budi santoso|budi@example.com|+62812345678|a b', "$_: ASCII") foreach sort keys %databases;
is(answer($_, 'SELECT text_key_version()'), answer('utf8', 'SELECT text_key_version()'), "$_: the version of keys") foreach sort keys %databases;

# characters of the encoding
is(answer($_, q{SELECT name_key('JOSÉ  Müller-Straße'), search_key('É ß'), email_key('É@x.de')}), 'josé müller strasse|e ss|é@x.de', "$_: Latin letters") foreach qw(utf8 latin1 latin9);
is(answer('win1251', q{SELECT name_key('ИВАНОВ Ё.'), search_key('ДА')}), 'иванов ё|да', 'win1251: Cyrillic letters');
is(answer('euc_jp', q{SELECT name_key('ＰＴ　山田　ﾀﾛｳ'), phone_key('０８１２３４５６７８'), search_key('Ｙａｍａｄａ')}), '山田 タロウ|+62812345678|yamada', 'euc_jp: wide and narrow characters');
# what folds to a character that the encoding does not have is written as its number, and is a key of its own
is(answer('utf8', q{SELECT name_key('µ')}), 'μ', 'utf8: the micro sign folds to a letter');
is(answer('latin1', q{SELECT name_key('µ x'), name_key(name_key('µ x')), name_key('µ') = name_key('u x') AS other}), 'u03bc x|u03bc x|f', 'latin1: which latin1 does not have');
# bytes that are no characters are letters, unharmed
is(answer('sql_ascii', q{SELECT encode(name_key(E'Bpk. A\xe9B, \xff')::bytea, 'hex'), encode(search_key(E'A \xc3\x89')::bytea, 'hex'), email_key(E'\xe9@x.de') IS NULL, phone_key(E'0812345678\xe9') IS NULL}),
	unpack('H*', "a\xe9b \xff") . '|' . unpack('H*', "a \xc3\x89") . '|t|t', 'sql_ascii: bytes pass through');
is(answer('mule_internal', q{SELECT encode(name_key(E'Bpk. A\x81\xe9')::bytea, 'hex')}), unpack('H*', "a\x81\xe9"), 'mule_internal, which nothing converts: bytes pass through');

# every character of the encodings of a byte, one by one and all together: keys of keys, and something for each letter
my $each = q{WITH t AS (SELECT i, convert_from(set_byte('\x00', 0, i), getdatabaseencoding()) AS c FROM generate_series(1, 255) i %s)
	SELECT count(*) FILTER (WHERE name_key(name_key('a' || c || 'b')) <> name_key('a' || c || 'b')), count(*) FILTER (WHERE search_key(search_key(c)) <> search_key(c)),
		count(*) FILTER (WHERE name_key(c) IS NULL AND i > 191 AND i NOT IN (215, 247)), count(email_key(c || '@x.de')) > 30, count(phone_key('0812345678' || c)) > 10,
		(SELECT name_key(name_key(string_agg(c, ''))) = name_key(string_agg(c, '')) AND name_key(string_agg(c, ' ')) IS NOT NULL FROM t) FROM t};
is(answer($_, sprintf $each, $_ eq 'win1251' ? 'WHERE i <> 152' : ''), '0|0|0|t|t|t', "$_: every character") foreach qw(latin1 latin9 win1251 sql_ascii);
# every character that two bytes of EUC_JP make
is(answer('euc_jp', q{WITH t AS (SELECT convert_from(set_byte(set_byte('\x0000', 0, a), 1, b), 'EUC_JP') AS c FROM generate_series(161, 254) a, generate_series(161, 254) b)
	SELECT count(*), count(*) FILTER (WHERE name_key(name_key('a' || c || 'b')) <> name_key('a' || c || 'b')), count(*) FILTER (WHERE search_key(search_key(c)) <> search_key(c)), count(name_key(c)) > 6000 FROM t}),
	'8836|0|0|t', 'euc_jp: every character');
# long texts, of which pieces are converted
is(answer($_, q{SELECT length(name_key(repeat('Bpk Éé', 1000000))), length(search_key(repeat('É', 1000000)))}), '5999996|1000000', "$_: long texts") foreach qw(utf8 latin1);
is(answer('sql_ascii', q{SELECT length(name_key(repeat(E'\xe9', 1000000))), length(search_key(repeat(E'\xe9', 1000000)))}), '1000000|1000000', 'sql_ascii: long texts');
is(answer('euc_jp', q{SELECT length(name_key(repeat('山', 1000000))), length(search_key(repeat('a山', 1000000)))}), '1000000|2000000', 'euc_jp: long texts');

# any bytes that the server takes for text, from a generator with a seed
srand(42);
foreach my $name (qw(utf8 latin1 sql_ascii euc_jp))
{
	my $sql = "SET client_min_messages = error; CREATE TABLE any_bytes (b bytea);\nCOPY any_bytes FROM stdin;\n";
	for (1 .. 3000)
	{
		$sql .= '\\\\x' . join('', map { sprintf '%02x', (0x2E, 0x20, 0x41, 0x27, 0x8E, 0x8F, 0xA4, 0xE3, 0x81, 0xCC, 1 + int(rand(255)), 1 + int(rand(255)))[ int(rand(12)) ] } 1 .. 1 + int(rand(12))) . "\n";
	}
	$node->safe_psql($name, "$sql\\.\n");
	my $taken = $node->safe_psql($name, q{
		CREATE FUNCTION try(b bytea) RETURNS int LANGUAGE plpgsql AS $$
		DECLARE
			t text;
		BEGIN
			BEGIN
				t := convert_from(b, getdatabaseencoding());
			EXCEPTION WHEN OTHERS THEN
				RETURN NULL;
			END;
			PERFORM email_key(t), phone_key(t);
			RETURN (name_key(name_key(t)) IS NOT DISTINCT FROM name_key(t) AND search_key(search_key(t)) = search_key(t))::int;
		END $$;
		SELECT count(try(b)) > 100, min(try(b)) FROM any_bytes});
	is($taken, 't|1', "$name: any bytes");
}

# long texts end when they are told to: letters, marks that change places, and what has no space
foreach my $text (q{repeat('É', 50000000)}, q{'a' || repeat(U&'\0323\0301', 25000000)}, q{repeat('.a', 50000000)}, q{repeat('Bpk ', 25000000)})
{
	foreach my $function (qw(name_key search_key))
	{
		my ($status, $out, $err) = $node->psql('utf8', "CREATE TEMP TABLE long (t text); ALTER TABLE long ALTER t SET STORAGE EXTERNAL; INSERT INTO long SELECT $text;
			SET statement_timeout = 500; SELECT length($function(t)) FROM long");
		like($err, qr/canceling statement due to statement timeout/, "$function of $text is cancelled");
	}
}
# answers up to the limit of texts, or 54000
my ($status, $out, $err) = $node->psql('utf8', q{\set VERBOSITY verbose
SELECT length(name_key(repeat('ﷺ', 70000000)))}, timeout => 300);
like($err, qr/ERROR:  54000: text is too long\n/, 'a key that is longer than texts can be');
is($node->safe_psql('utf8', 'SELECT name_key(repeat($$x$$, 1000))  = repeat($$x$$, 1000)'), 't', 'the server goes on');

# memory: a million calls, also in one function, with LIMIT, and with errors in between
my $resident = q{(regexp_match(pg_read_file('/proc/self/status'), 'VmRSS:\s+(\d+)'))[1]::bigint};
my $flat = $node->safe_psql('utf8', qq{
	CREATE FUNCTION work(n int) RETURNS void LANGUAGE plpgsql AS \$\$
	DECLARE
		k text;
	BEGIN
		FOR i IN 1 .. n LOOP
			k := name_key('Bpk. José ' || i);
			k := phone_key('0812' || i);
			k := email_key('é' || i || '\@x.de');
			IF i % 100 = 0 THEN
				k := search_key('é ' || i);
				BEGIN
					k := name_key('x', 'xx');
				EXCEPTION WHEN invalid_parameter_value THEN
					k := NULL;
				END;
			END IF;
		END LOOP;
	END \$\$;
	SELECT work(20000);
	CREATE TEMP TABLE before AS SELECT $resident AS kb;
	SELECT work(300000);
	SELECT count(k) FROM (SELECT name_key('José ' || i) AS k FROM generate_series(1, 1000000) i) x;
	SELECT k FROM (SELECT search_key('é ' || i) AS k FROM generate_series(1, 1000000) i) x LIMIT 1;
	SELECT $resident - kb < 8000 FROM before});
like($flat, qr/\nt\z/, 'memory is what it was');

# words and regions of users are dumped, those that came along are not; also from one encoding to another
$node->safe_psql('utf8', q{INSERT INTO name_word VALUES ('Señor', 'es', 'before'), ('H', 'id', 'nowhere'); INSERT INTO phone_region VALUES ('PG', '675', '', '00'), ('ID', '62', '0', '001')});
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('utf8'), '-f', $dump, '--exclude-table=any_bytes' ], 'pg_dump');
foreach my $encoding (qw(UTF8 LATIN1))
{
	my $name = 'restored_' . lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $name ENCODING '$encoding' TEMPLATE template0; ALTER DATABASE $name SET search_path = public, customer_scoring");
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($name), '-f', $dump ], "$encoding: restored");
	my $rows = q{SELECT (SELECT string_agg(w::text, ' ' ORDER BY word) FROM name_word w WHERE NOT shipped), (SELECT string_agg(r::text, ' ' ORDER BY region) FROM phone_region r WHERE NOT shipped), name_key('SEÑOR H. Budi'), phone_key('001 1 415 5552671'), text_key_version()};
	local $ENV{PGCLIENTENCODING} = 'UTF8';
	is($node->safe_psql($name, $rows), $node->safe_psql('utf8', $rows), "$encoding: the words and regions of users");
}

$node->stop;
done_testing();
