# Comments of every kind: databases of other encodings, bytes that are no text, very long ones, and memory that does not
# grow; words and feedback of users go through a dump.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('feedback');
$node->init;
$node->start;
my @server = ('-h', $node->host, '-p', $node->port);

# encodings
my $sample = q{SET search_path = customer_scoring; SELECT feedback_tokens('Ramah-ramah, BANGEEET :( Rp 1.250.000'), round(sentiment('gak ramah banget :(')::numeric, 3), complaint_categories('kurir kasar')};
my $answer = '{ramah-ramah,banget,:(,rp1.250.000}|-0.808|{courtesy,delivery_speed}';
foreach my $encoding (qw(UTF8 LATIN1 SQL_ASCII EUC_JP WIN1252))
{
	my $database = lc $encoding;
	$node->safe_psql('postgres', "CREATE DATABASE $database ENCODING '$encoding' LOCALE 'C' TEMPLATE template0");
	$node->safe_psql($database, 'CREATE EXTENSION customer_scoring');
	is($node->safe_psql($database, $sample), $answer, "$encoding: the same answer");
	is($node->safe_psql($database, q{SELECT bool_and(role = 'emoticon') FROM customer_scoring.sentiment_lexicon WHERE octet_length(word) > length(word) OR word ~ '[^\x01-\x7f]'}),
		$encoding eq 'UTF8' ? 't' : '', "$encoding: emoji only where there are some");
}
is($node->safe_psql('latin1', q{SET client_encoding = 'UTF8'; SELECT customer_scoring.feedback_tokens(convert_from('\x43414ec9205374726174e9676965'::bytea, 'LATIN1'))}),
	"{can\xc3\xa9,strat\xc3\xa9gie}", 'LATIN1: letters beyond ASCII are folded');
# what folds to a letter that the database has not: the micro sign
is($node->safe_psql('latin1', q{SELECT customer_scoring.feedback_tokens(chr(181) || 'm')}), '{u03bcm}', 'LATIN1: a letter that there is none for');
# any bytes in SQL_ASCII, one by one, all at once and at random; the answers are some, and the session goes on
is( $node->safe_psql('sql_ascii', q{
		SELECT count(customer_scoring.sentiment(b)) || ' ' || count(customer_scoring.feedback_tokens(b)) || ' ' || count(customer_scoring.complaint_categories(b))
		FROM (SELECT convert_from(set_byte('\x00', 0, i), 'SQL_ASCII') || 'bagus' AS b FROM generate_series(1, 255) i
		      UNION ALL SELECT string_agg(convert_from(set_byte('\x00', 0, i), 'SQL_ASCII'), '') FROM generate_series(1, 255) i
		      UNION ALL SELECT string_agg(convert_from(set_byte('\x00', 0, 1 + (random() * 254)::int), 'SQL_ASCII'), '') FROM generate_series(1, 20000) g GROUP BY g % 100) x}),
	'356 356 356', 'SQL_ASCII: any bytes');
is( $node->safe_psql('sql_ascii', q{SELECT customer_scoring.feedback_tokens(convert_from('\xff42e9'::bytea, 'SQL_ASCII')) = ARRAY[convert_from('\xff62e9'::bytea, 'SQL_ASCII')]}),
	't', 'SQL_ASCII: bytes stay what they are, and ASCII is folded');

# very long comments: answers, and an end when one is asked for
is($node->safe_psql('utf8', q{SELECT customer_scoring.sentiment(repeat('bagus ', 1700000)) > 0.99}), 't', 'ten megabytes');
foreach my $call (q{sentiment(repeat('tidak bagus ', 10000000))}, q{cardinality(feedback_tokens(repeat('a-b ', 30000000)))}, q{(SELECT count(*) FROM sentiment_words(repeat('bagus ', 15000000)))})
{
	my ($status, $out, $error) = $node->psql('utf8', "SET search_path = customer_scoring; SET statement_timeout = '200ms'; SELECT $call");
	like($error, qr/canceling statement due to statement timeout/, "$call can be cancelled");
}

# memory: contexts of PostgreSQL and what the process holds, over many calls, errors and calls that are not read to the end
my $grown = $node->safe_psql('utf8', q{
	SET search_path = public, customer_scoring;
	CREATE TABLE size (n int, contexts bigint, resident bigint);
	CREATE FUNCTION remember(n int) RETURNS void LANGUAGE sql AS $$
		INSERT INTO size SELECT n, (SELECT sum(total_bytes) FROM pg_backend_memory_contexts), (regexp_match(pg_read_file('/proc/self/status'), 'VmRSS:\s+(\d+)'))[1]::bigint $$;
	CREATE FUNCTION work(times int) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1 .. times LOOP
			PERFORM sentiment('Pelayanan tidak ramah-ramah amat, tapi cepat bangeeet :) ' || i), complaint_categories('kurir kasar ' || i);
			PERFORM feedback_tokens('sangat2 bagus ' || i), (SELECT count(*) FROM (SELECT sentiment_words('bagus jelek bagus') LIMIT 1) x);
			IF i % 100 = 0 THEN
				PERFORM sentiment(repeat('bagus sekali ', 5000));
				BEGIN
					PERFORM feedback_tokens('a', 'nowhere');
				EXCEPTION WHEN invalid_parameter_value THEN
				END;
				BEGIN
					PERFORM sentiment_words(repeat('bagus ', 20000)), 1 / (i - i);
				EXCEPTION WHEN division_by_zero THEN
				END;
			END IF;
			IF i % 1000 = 0 THEN
				INSERT INTO sentiment_lexicon (word, weight) VALUES ('mleyot', -0.5);
				PERFORM sentiment('mleyot');
				DELETE FROM sentiment_lexicon WHERE word = 'mleyot' AND NOT shipped;
			END IF;
		END LOOP;
	END $$;
	SELECT work(3000);
	SELECT remember(1);
	SELECT work(10000);
	SELECT remember(2);
	SELECT b.contexts - a.contexts < 512 * 1024 AND b.resident - a.resident < 4096, b.contexts - a.contexts, b.resident - a.resident FROM size a, size b WHERE a.n = 1 AND b.n = 2});
like($grown, qr/t\|[-\d]+\|[-\d]+$/, 'memory does not grow');
note $grown;

# dump and restore as the owner of the database
$node->safe_psql('postgres', 'CREATE ROLE shop LOGIN; CREATE DATABASE shop OWNER shop');
$node->safe_psql('shop', 'CREATE EXTENSION customer_scoring');
$node->safe_psql('shop', q{
	SET ROLE shop;
	SET search_path = public, customer_scoring;
	INSERT INTO sentiment_lexicon (word, weight) VALUES ('mleyot', -0.9), ('bagus', 0.1), ('jelek', 0), (E'it''s\t"fine" \\\\', 0.2);
	INSERT INTO sentiment_lexicon (word, role, stands_for) VALUES ('mlyt', 'variant', 'mleyot');
	INSERT INTO sentiment_lexicon (word, role, weight) VALUES ('>_<', 'emoticon', -0.5);
	INSERT INTO complaint_lexicon (category, word) VALUES ('parking', 'parkir');
	INSERT INTO complaint_lexicon (category, word, applies) VALUES ('price', 'mahal', false);
	INSERT INTO feedback (customer, received_at, body, acknowledged_at, answered_at) VALUES (E'it''s\t"x" \\\\', '2024-01-01', E'two\nlines', '2024-01-02', '2024-01-03');
	SELECT reopen_feedback(1, '2024-01-04');
	INSERT INTO feedback (customer, received_at) SELECT 'c' || i, '2024-01-01' FROM generate_series(1, 100) i;
	DELETE FROM feedback WHERE feedback_id = 50});
my $dump = $node->basedir . '/shop.dump';
command_ok([ 'pg_dump', '-U', 'shop', '-Fc', '-f', $dump, @server, 'shop' ], 'the owner dumps the database');
foreach my $way ([ 'one', '--single-transaction' ], [ 'two', '-j', '2' ])
{
	my ($database, @option) = @$way;
	$node->safe_psql('postgres', "CREATE DATABASE $database OWNER shop");
	command_ok([ 'pg_restore', '--exit-on-error', @option, @server, '-d', $database, $dump ], "$database: restored");
	foreach my $table (qw(sentiment_lexicon complaint_lexicon feedback))
	{
		my $rows = "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\")) FROM customer_scoring.$table t";
		is($node->safe_psql($database, $rows), $node->safe_psql('shop', $rows), "$database: $table is the same");
	}
	is($node->safe_psql($database, q{SET search_path = customer_scoring; SELECT sentiment('mlyt') < -0.5, sentiment('jelek'), complaint_categories('parkir mahal')}), 't|0|{parking}', "$database: words of users are known");
	is($node->safe_psql($database, q{SET ROLE shop; INSERT INTO customer_scoring.feedback (customer) VALUES ('new') RETURNING feedback_id}), '103', "$database: numbers go on");
	my (undef, undef, $error) = $node->psql($database, q{SET ROLE shop; SELECT customer_scoring.reopen_feedback(1)});
	like($error, qr/feedback 1 has been reopened already/, "$database: what was reopened stays so");
}
$node->stop;
done_testing();
