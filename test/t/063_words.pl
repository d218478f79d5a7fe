# Words for people in databases of several encodings: an answer, or a clear error. And labels of users are dumped, shipped
# ones are not.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('words');
$node->init;
$node->start;
my @server = ('-h', $node->host, '-p', $node->port);

# What a call gives, in the bytes of the database's encoding; an error as its SQLSTATE.
sub bytes
{
	my ($database, $call) = @_;
	my ($result, $output, $error) = $node->psql($database,
		"\\set VERBOSITY verbose\nSET search_path = public, customer_scoring; SELECT encode(convert_to($call, getdatabaseencoding()), 'escape')", on_error_stop => 1);
	return $result == 0 ? $output : $error =~ /ERROR:  (\w{5}):/ ? $1 : $error;
}

# calls, and what they give in each encoding
my @calls = (
	"money_text(1250000, 'IDR', 'id')",
	"money_text(-1.5, 'EUR', 'de')",
	"money_text(1, 'JPY', 'ja')",
	"number_text(1234567.5, 'fr')",
	"number_text(-1, 'sv')",
	"number_text(1234567, 'de-CH')",
	"number_text(12, 'ar-EG')",
	"segment_label('lost', 'id')");
my %expected = (
	UTF8 => [ 'Rp\302\2401.250.000', '-1,50\302\240\342\202\254', '\357\277\2451', '1\342\200\257234\342\200\257567,5', '\342\210\2221',
		'1\342\200\231234\342\200\231567', '\331\241\331\242', 'Hilang' ],
	LATIN1 => [ 'Rp\2401.250.000', '-1,50\240EUR', 'JPY\2401', '1\240234\240567,5', '-1', "1'234'567", '22P05', 'Hilang' ],
	LATIN9 => [ 'Rp\2401.250.000', '-1,50\240\244', 'JPY\2401', '1\240234\240567,5', '-1', "1'234'567", '22P05', 'Hilang' ],
	EUC_JP => [ 'Rp 1.250.000', '-1,50 EUR', '\241\3571', '1 234 567,5', '-1', '1\241\307234\241\307567', '22P05', 'Hilang' ],
	SQL_ASCII => [ 'Rp 1.250.000', '-1,50 EUR', 'JPY 1', '1 234 567,5', '-1', "1'234'567", '22P05', 'Hilang' ]);
foreach my $encoding (sort keys %expected)
{
	my $database = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($database, 'CREATE EXTENSION customer_scoring');
	for my $i (0 .. $#calls) { is(bytes($database, $calls[$i]), $expected{$encoding}[$i], "$encoding: $calls[$i]"); }
}
my (undef, undef, $error) = $node->psql('latin1', "SELECT customer_scoring.number_text(1, 'ar-EG')");
like($error, qr/encoding "LATIN1" has not the signs that numbers of locale "ar_EG" are written with\nHINT:  Use another locale/, 'the error tells what to do');

# labels of users
$node->safe_psql('utf8', q{
	CREATE ROLE keeper LOGIN; ALTER DATABASE utf8 OWNER TO keeper;
	SET ROLE keeper;
	INSERT INTO customer_scoring.label VALUES ('segment', 'lost', 'id', E'Tak kembali \u2026'), ('tier', 'berlian', 'id', 'Berlian')});
my $dump = $node->basedir . '/words.dump';
command_ok([ 'pg_dump', '-U', 'keeper', '-Fc', '-f', $dump, @server, 'utf8' ], 'the owner of the database dumps it');
$node->safe_psql('postgres', 'CREATE DATABASE copy OWNER keeper TEMPLATE template0');
command_ok([ 'pg_restore', '--exit-on-error', @server, '-d', 'copy', $dump ], 'restored');
foreach my $table (qw(label shipped_label label_list))
{
	my $rows = "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM customer_scoring.$table t";
	is($node->safe_psql('copy', $rows), $node->safe_psql('utf8', $rows), "$table is as it was");
}
command_ok([ 'pg_restore', '-f', "$dump.sql", $dump ], 'as text');
unlike(slurp_file("$dump.sql"), qr/Jangan sampai lepas/, 'shipped labels are not in the dump');
like(slurp_file("$dump.sql"), qr/Tak kembali/, 'those of users are');

$node->stop;
done_testing();
