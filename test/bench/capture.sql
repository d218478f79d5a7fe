-- capture.sql: what writers pay for the capture of changes.
--
-- Two tables alike; a segment table follows one of them. Costs include that of
-- the commit, where captured changes are logged. Single rows are written by
-- pgbench, as prepared statements of a client, in one session that turns to the
-- other table after each portion.

CREATE TABLE plain (purchase_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, customer_id integer NOT NULL, ordered_at timestamptz NOT NULL, amount numeric(12, 2) NOT NULL);
CREATE TABLE followed (LIKE plain INCLUDING ALL);
INSERT INTO plain (customer_id, ordered_at, amount) SELECT customer_id, ordered_at, amount FROM orders LIMIT (SELECT count(*) / 10 FROM orders);
INSERT INTO followed (customer_id, ordered_at, amount) SELECT customer_id, ordered_at, amount FROM plain;
CREATE INDEX plain_customer ON plain (customer_id);
CREATE INDEX followed_customer ON followed (customer_id);
SELECT create_segment_table('followers', 'followed', breaks => 'frozen');
VACUUM ANALYZE plain, followed, followers;

-- A thousand rows at a time.
CREATE PROCEDURE bench.compare_capture() LANGUAGE plpgsql AS $$
DECLARE
	statement text := 'INSERT INTO %I (customer_id, ordered_at, amount)
		SELECT 1 + floor(random() * %s)::integer, now(), 50 FROM generate_series(1, 1000)';
	customers text := (SELECT max(customer_id) FROM plain);
	began double precision;
	cost double precision[];
	written text;
BEGIN
	FOR round IN 0 .. (SELECT 40 * rounds FROM bench.setting) LOOP
		FOREACH written IN ARRAY ARRAY['followed', 'plain'] LOOP
			began := bench.cpu();
			EXECUTE format(statement, written, customers);
			COMMIT;
			cost[(written = 'plain')::integer] := bench.cpu() - began;
		END LOOP;
		IF round > 0 THEN
			INSERT INTO bench.timing VALUES ('insert of 1,000 rows with capture, beside none', 0.91, round, cost[0], cost[1]);
			COMMIT;
		END IF;
	END LOOP;
END $$;
CALL bench.compare_capture();

-- A portion of 100 single rows into the one table, then into the other.
CREATE TABLE bench.mark (place integer GENERATED ALWAYS AS IDENTITY, cpu double precision);
SELECT replace(E'INSERT INTO bench.mark (cpu) VALUES (bench.cpu());\n' || followed || E'INSERT INTO bench.mark (cpu) VALUES (bench.cpu());\n'
               || plain || 'INSERT INTO bench.mark (cpu) VALUES (bench.cpu());', '?', customers::text)
FROM (SELECT repeat(E'\\set customer random(1, ?)\nINSERT INTO followed (customer_id, ordered_at, amount) VALUES (:customer, now(), 50);\n', 100) AS followed,
             repeat(E'\\set customer random(1, ?)\nINSERT INTO plain (customer_id, ordered_at, amount) VALUES (:customer, now(), 50);\n', 100) AS plain,
             (SELECT max(customer_id) FROM plain) AS customers) t
\g (format=unaligned tuples_only=on) |pgbench -n -M prepared -t $((40 * ROUNDS + 1)) -f - >/dev/null
SELECT bench.check_equal('portions written', (SELECT count(*) - 3 * (40 * rounds + 1) FROM bench.mark, bench.setting GROUP BY rounds));
INSERT INTO bench.timing
SELECT 'insert of one row with capture, beside none', 0.91, place / 3, cpu[2] - cpu[1], cpu[3] - cpu[2]
FROM (SELECT min(place) AS place, array_agg(cpu ORDER BY place) AS cpu FROM bench.mark GROUP BY (place - 1) / 3) portion WHERE place > 1;

-- Eight sessions that write orders of one customer: time on the clock, so it is only shown.
CREATE TABLE bench.clock (place integer GENERATED ALWAYS AS IDENTITY, at timestamptz DEFAULT clock_timestamp());
\! for round in $(seq 0 "$ROUNDS"); do for written in followed plain; do psql -Xqc "INSERT INTO bench.clock DEFAULT VALUES"; echo "INSERT INTO $written (customer_id, ordered_at, amount) VALUES (1, now(), 50);" | pgbench -n -M prepared -c 8 -j 2 -t 2000 -f - >/dev/null; done; psql -Xqc "INSERT INTO bench.clock DEFAULT VALUES"; done
INSERT INTO bench.timing
SELECT '16,000 orders of one customer by eight writers, on the clock', NULL, place / 3,
       1000 * extract(epoch FROM at[2] - at[1]), 1000 * extract(epoch FROM at[3] - at[2])
FROM (SELECT min(place) AS place, array_agg(at ORDER BY place) AS at FROM bench.clock GROUP BY (place - 1) / 3) portion WHERE place > 1;

-- All of it was captured: what differs is known to be pending, and a refresh puts it right.
SELECT bench.check_equal('capture', (SELECT count(*) FROM verify_segment_table('followers') WHERE problem <> 'pending'));
SELECT refresh_segment_table('followers');
SELECT bench.check_equal('capture, refreshed', (SELECT count(*) FROM verify_segment_table('followers')));
SELECT drop_segment_table('followers');
DROP TABLE plain, followed;
