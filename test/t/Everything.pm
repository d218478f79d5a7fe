# A database that uses everything, for tests of dumps and upgrades: test/data/everything.sql.
package Everything;
use strict;
use warnings;
use PostgreSQL::Test::Utils;
use Test::More;
use Exporter 'import';
our @EXPORT = qw(use_everything kept everything_works);

# Make such a database, as its ordinary owner.
sub use_everything
{
	my ($node, $database, $owner) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database OWNER $owner");
	$node->safe_psql($database, "CREATE EXTENSION customer_scoring; GRANT CREATE ON SCHEMA public TO $owner;
		INSERT INTO customer_scoring.rfm_segment_map (name, map) VALUES ('ours', 'rf10')");
	$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', $owner, '-h', $node->host, '-p', $node->port, '-d', $database, '-f', 'test/data/everything.sql' ],
		"$database: its owner uses everything");
	return;
}

# What a dump has of the extension, by table, in a form that does not depend on physical order; but for what each refresh sets.
sub kept
{
	my ($node, $database) = @_;
	my $queries = $node->safe_psql($database, q{
		SELECT string_agg(format('SELECT %L, count(*), md5(coalesce(string_agg(x::text, E''\n'' ORDER BY x::text), '''')) FROM (SELECT (to_jsonb(t) - ''as_of'' - ''next_refresh_at'')::text COLLATE "C" FROM %s t %s) x', c.oid::regclass, c.oid::regclass, f.filter),
			' UNION ALL ' ORDER BY c.oid::regclass::text COLLATE "C")
		FROM pg_extension e, unnest(e.extconfig, e.extcondition) f (relation, filter) JOIN pg_class c ON c.oid = f.relation
		WHERE e.extname = 'customer_scoring' AND c.relkind = 'r'});
	return $node->safe_psql($database, "SET search_path = customer_scoring; $queries ORDER BY 1");
}

# Rules refuse, opt-outs and tombstones hold, labels and words are there, and a refresh is exact.
sub everything_works
{
	my ($node, $database) = @_;
	my (undef, undef, $error) = $node->psql($database, q{INSERT INTO buys VALUES (1000, 'p3', now(), 5, 'IDR')});
	like($error, qr/below the minimum order of 10/, "$database: rules refuse");
	my $ask = sub { return $node->safe_psql($database, "SET search_path = public, customer_scoring; SET ROLE shop; $_[0]"); };
	is($ask->(q{INSERT INTO buys VALUES (1001, 'p2', now(), 5, 'IDR'), (1002, 'p5', now(), 50, 'IDR'), (1003, 'p6', now(), 50, 'IDR') RETURNING customer_id}), "p2\np5\np6", "$database: and are waived");
	is($ask->(q{SELECT count(*) FROM refresh_segment_table('everything')}), '1', "$database: a refresh");
	is($ask->(q{SELECT count(*) FROM verify_segment_table('everything')}), '0', "$database: is exact");
	is($ask->(q{SELECT count(*), count(*) FILTER (WHERE customer_id IN ('p5', 'p6')) FROM everything}), '39|0', "$database: who has opted out or was erased stays out");
	is($ask->(q{SELECT key_account, service_level, tier, clv IS NOT NULL FROM everything WHERE customer_id = 'p2'}), 't||gold|t', "$database: key account, tier and lifetime value");
	is($ask->(q{SELECT has_opted_out('p5'), may_contact('p1', 'news', 'email'), may_contact('p4', 'news', 'email'), account_manager_of('p2'), points_balance('club', 'p1')}), 't|t|f|Ben|70',
		"$database: opt-outs, consent, managers and points");
	is($ask->(q{SELECT sentiment('mleyot') < 0, complaint_categories('parkir'), name_key('Toko Budi'), phone_key('+383 123 45678', 'XK'), label_text('tier', 'gold', 'id')}),
		't|{parking}|budi|+38312345678|Emas murni', "$database: words and labels");
	is($ask->(q{SELECT count(*), count(value_at_risk) FROM feedback_queue('everything')}), '5|4', "$database: the queue, with a value for all but who has opted out");
	is($ask->(q{SELECT string_agg(source || ' ' || problem, ', ' ORDER BY problem) FROM segment_table_quality WHERE rows > 0}), 'customers duplicate_customer, orders orphan, orders other_currency', "$database: the data-quality report");
	is($ask->(q{SELECT count(*) > 0 FROM everything_history}), 't', "$database: history");
	is($ask->(q{SELECT sum(deleted + anonymised) > 20 FROM erase_customer('p7')}), 't', "$database: the register knows where a customer is");
	return;
}

1;
