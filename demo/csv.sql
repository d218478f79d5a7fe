-- csv.sql: turn the text of csv_orders into orders, or say what is wrong with it.
--
-- csv_orders(row_number, customer, ordered_at, amount) holds the three columns
-- as text; the variables customer, ordered_at and amount hold their names in the
-- file, for messages.

\set SHOW_CONTEXT never
SELECT set_config('demo.customer', :'customer', false), set_config('demo.ordered_at', :'ordered_at', false),
       set_config('demo.amount', :'amount', false) \g /dev/null

CREATE TABLE orders (customer_id text, ordered_at timestamptz, amount numeric);

CREATE FUNCTION pg_temp.refuse(row_number bigint, name text, value text, wanted text, hint text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION USING
		ERRCODE = 'data_exception',
		MESSAGE = format('row %s after the header: column "%s" holds "%s", which is not %s', row_number, current_setting(name), value, wanted),
		HINT = hint;
END $$;

-- All rows at once; only when that fails one by one, to find the first bad value.
DO $$
DECLARE
	r record;
	moment timestamptz;
	money numeric;
	is_moment boolean;
	is_money boolean;
BEGIN
	BEGIN
		INSERT INTO orders SELECT customer, ordered_at::timestamptz, amount::numeric FROM csv_orders;
		IF NOT EXISTS (SELECT FROM orders WHERE NOT isfinite(ordered_at) OR amount IN ('NaN', 'Infinity', '-Infinity')) THEN
			RETURN;
		END IF;
	EXCEPTION WHEN data_exception THEN
		NULL;
	END;
	FOR r IN SELECT * FROM csv_orders c ORDER BY c.row_number LOOP
		BEGIN
			is_moment := false;
			moment := r.ordered_at;
			is_moment := moment IS NULL OR isfinite(moment);
		EXCEPTION WHEN data_exception THEN
			NULL;
		END;
		IF NOT is_moment THEN
			PERFORM pg_temp.refuse(r.row_number, 'demo.ordered_at', r.ordered_at, 'a date or time',
				'2024-12-31 and 2024-12-31 18:30 are; PGDATESTYLE=DMY takes 31/12/2024 as well.');
		END IF;
		BEGIN
			is_money := false;
			money := r.amount;
			is_money := money IS NULL OR money NOT IN ('NaN', 'Infinity', '-Infinity');
		EXCEPTION WHEN data_exception THEN
			NULL;
		END;
		IF NOT is_money THEN
			PERFORM pg_temp.refuse(r.row_number, 'demo.amount', r.amount, 'a number', 'Write 1234.50, without currency or thousands separator.');
		END IF;
	END LOOP;
END $$;

DO $$
BEGIN
	IF NOT EXISTS (SELECT FROM orders WHERE customer_id IS NOT NULL AND ordered_at <= now() AND amount > 0) THEN
		RAISE EXCEPTION 'no row has a customer, a time that has passed and an amount above zero'
			USING HINT = 'CUSTOMER=, ORDERED_AT= and AMOUNT= name the columns.';
	END IF;
END $$;

DROP TABLE csv_orders;
ANALYZE orders;
