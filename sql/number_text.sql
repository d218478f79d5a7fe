-- Numbers and money as people write them. Spaces in what is printed that must not break a line show as _.
SET search_path = public, customer_scoring;
CREATE FUNCTION seen(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT translate($1, U&'\00A0\202F\200E\200F', '__') $$;

SELECT l, seen(number_text(1234567.891, l)) AS number, seen(number_text(-1234.5, l, 2)) AS negative, seen(money_text(1250000, 'IDR', l)) AS rupiah, seen(money_text(-99.95, 'EUR', l)) AS euro
FROM unnest('{id,id-ID,en,en-US,de,fr,hi}'::text[]) l;
-- the decimals of a number, or of a currency; whole amounts have none where nobody pays with parts of the currency
SELECT number_text(1.50, 'id'), number_text(100, 'id'), number_text(1.50, 'id', 0), number_text(1.5, 'id', 4), number_text(0, 'id'), number_text(-0.00, 'id'), number_text(1234.5::numeric(10, 3), 'id');
SELECT c, seen(money_text(1250000, c, 'en')) AS whole, seen(money_text(1250000.5, c, 'en')) AS half, seen(money_text(1250000.5, c, 'en', 0)) AS none, seen(money_text(1.23456, c, 'en', 4)) AS four
FROM unnest('{IDR,idr,USD,JPY,KWD,SEK,EUR}'::text[]) c;
-- no amount of zero has a minus
SELECT number_text(-0.4, 'id', 0), number_text(-0.004, 'en', 2), seen(money_text(-0.001, 'USD', 'en')), seen(money_text(-0.4, 'JPY', 'en'));
-- rounded like round() does, half away from zero
SELECT count(*) AS differs FROM generate_series(-1000, 1000) i, generate_series(0, 3) d
WHERE replace(number_text(i::numeric / 800, 'en', d), ',', '') <> round(i::numeric / 800, d)::text;
-- each digit is there, however long
SELECT count(*) AS differs FROM (SELECT (random() * 1e9)::bigint::numeric * 10::numeric ^ (random() * 30)::int + (random() * 1e6)::bigint::numeric / 1000000 AS n FROM generate_series(1, 2000)) x
WHERE replace(number_text(n, 'en'), ',', '') <> n::text OR replace(replace(number_text(n, 'id'), '.', ''), ',', '.') <> n::text;
SELECT replace(number_text(repeat('123456789', 14000)::numeric, 'en'), ',', '') = repeat('123456789', 14000) AS same, length(number_text(repeat('9', 131072)::numeric, 'en')) AS length;
SELECT replace(money_text(repeat('7', 5000)::numeric, 'IDR', 'id'), '.', '') = U&'Rp\00A0' || repeat('7', 5000) AS same;
SELECT number_text(('0.' || repeat('1', 16000))::numeric, 'en') = '0.' || repeat('1', 16000) AS same, number_text(1e-400, 'en') = '0.' || repeat('0', 399) || '1' AS small;
SELECT number_text(12345678901234567890.123456789, 'id'), money_text(9007199254740993, 'USD', 'en') AS no_double;
-- whole numbers go as well, floating ones only when they are made exact
SELECT number_text(1234::smallint, 'id'), number_text(1234::int, 'id'), number_text(1234::bigint, 'id'), number_text('1234', 'id');
SELECT number_text(1234.5::float8, 'id');
SELECT number_text(1234.5::float8::numeric, 'id');

-- NULL, and what is no number
SELECT number_text(NULL, 'id') IS NULL, number_text(1, NULL) IS NULL, money_text(NULL, 'IDR', 'id') IS NULL, money_text(1, NULL, 'id') IS NULL, money_text(1, 'IDR', NULL) IS NULL,
       number_text(1, 'id', NULL), seen(money_text(1, 'IDR', 'id', NULL));
SELECT number_text('NaN', 'id');
SELECT money_text('Infinity', 'IDR', 'id');
SELECT number_text('-Infinity', 'id', 2);
SELECT number_text(1, 'xx');
SELECT number_text(1, '');
SELECT number_text(1, 'id-XX');
SELECT number_text(1, 'id''; DROP TABLE x; --');
SELECT number_text(1, repeat('id-', 60));
SELECT money_text(1, 'RUPIAH', 'id');
SELECT money_text(1, '', 'id');
SELECT money_text(1, 'ZZZ', 'id');
SELECT money_text(1, 'I R', 'id');
SELECT money_text(1, '€€€', 'id');
SELECT money_text(1, 'Rp', 'id');
SELECT number_text(1, 'id', -1);
SELECT number_text(1, 'id', 1000);
SELECT money_text(1, 'IDR', 'id', 2147483647);
-- more languages than a session keeps formatters of, over and over, with errors in between
SELECT count(seen(money_text(i, c, l, i % 5))) FROM generate_series(1, 60) i, unnest('{IDR,USD,EUR}'::text[]) c, unnest('{id,en,fr,de,ja,sv,nl,it,es,pt,hi,ar,pl,tr,vi,th,ko,da}'::text[]) l;
DO $$
BEGIN
	FOR i IN 1 .. 50 LOOP
		BEGIN
			PERFORM money_text(i, 'IDR', 'id', i % 4), number_text('NaN', 'id');
		EXCEPTION WHEN numeric_value_out_of_range THEN
			NULL;
		END;
	END LOOP;
END $$;
SELECT seen(money_text(1250000, 'IDR', 'id'));
DROP FUNCTION seen;
