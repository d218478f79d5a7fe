-- Customers who may be the same person: what they agree in, who would be merged into whom, and no value that thousands
-- share costs more than its rows or goes unseen.
SET search_path = public, customer_scoring;

CREATE TABLE persons (customer_id int, name text, email text, phone text, born date);
INSERT INTO persons VALUES
	(1, 'Bpk. Ahmad Dahlan', 'ahmad@example.com', '0812 345 6789', NULL),
	(2, 'AHMAD DAHLAN', 'Ahmad@Example.com', NULL, NULL),
	(3, 'A. Dahlan', 'dahlan@example.com', '+62 812-345-6789', '1990-01-01'),
	(4, 'Ahmad Dahlan, S.Pd.', NULL, '628123456789', '1990-01-01'),
	(5, 'Siti Rahma', 'siti@example.com', NULL, '1990-01-01'),
	(6, 'Ibu Siti Rahma', 'none', 'n/a', '1991-01-01'),
	(7, NULL, NULL, NULL, NULL), (8, NULL, NULL, NULL, NULL), (9, '--', '', '-', 'infinity'), (10, '--', '', '-', 'infinity'),
	(NULL, 'Siti Rahma', 'siti@example.com', NULL, NULL), (NULL, 'Siti Rahma', 'siti@example.com', NULL, NULL);
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', phone => 'phone', birth_date => 'born');
SELECT * FROM duplicate_groups('persons', name => 'name', email => 'email', phone => 'phone', birth_date => 'born');
-- one key is enough for a lower score
SELECT * FROM duplicate_customers('persons', name => 'name', min_score => 0.5);
SELECT * FROM duplicate_customers('persons', email => 'email', phone => 'phone', min_score => 0);
SELECT * FROM duplicate_groups('persons', name => 'name', email => 'email', min_score => 0.85);
-- other columns and types: any that can be text and date; any key with an order, which is that of the key and not of its text
CREATE VIEW views AS SELECT (customer_id * 6)::numeric AS "Key of %s", name::varchar(20) AS n, born::timestamp AS b FROM persons;
SELECT * FROM duplicate_groups('views', 'Key of %s', name => 'n', birth_date => 'b', min_score => 0.5);
SELECT * FROM duplicate_customers('persons', name => 'name', min_score => 0.5, locale => 'en');
SELECT * FROM duplicate_customers('persons', phone => 'phone', min_score => 0.5, region => 'US');

-- several rows of one customer are taken together
CREATE TABLE addresses (customer text, email text, phone text);
INSERT INTO addresses VALUES ('a', 'x@example.com', '0811111111'), ('b', 'x@example.com', '0811111111'), ('b', 'y@example.com', '0822222222'), ('b', 'y@example.com', '0822222222'), ('c', 'y@example.com', '0822222222'), ('c', 'y@example.com', '0822222222'), ('d', 'z@example.com', '0833333333'), ('d', 'z@example.com', '0833333333'), ('B', 'z@example.com', '0822222222');
SELECT * FROM duplicate_customers('addresses', 'customer', email => 'email', phone => 'phone');
SELECT * FROM duplicate_customers('addresses', 'customer', email => 'email', phone => 'phone', max_shared => 2);
SELECT * FROM duplicate_groups('addresses', 'customer', email => 'email', phone => 'phone', min_score => 0.6);

-- no rows, one row
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email') WHERE false;
CREATE TABLE empty (LIKE persons);
SELECT * FROM duplicate_customers('empty', name => 'name', email => 'email');
SELECT * FROM duplicate_groups('empty', name => 'name', email => 'email');
INSERT INTO empty VALUES (1, 'a', 'a@example.com');
SELECT * FROM duplicate_groups('empty', name => 'name', email => 'email');

-- what is refused
SELECT * FROM duplicate_customers('persons');
SELECT * FROM duplicate_customers('persons', name => 'name');
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', min_score => 0.9);
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', min_score => 'NaN');
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', min_score => 1.5);
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', min_score => -1);
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', min_score => NULL);
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', max_shared => 1);
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', max_shared => NULL);
SELECT * FROM duplicate_customers(NULL, name => 'name', email => 'email');
SELECT * FROM duplicate_customers('persons', NULL, name => 'name', email => 'email');
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', region => NULL);
SELECT * FROM duplicate_customers(0, name => 'name', email => 'email');
SELECT * FROM duplicate_customers('persons', 'client', name => 'name', email => 'email');
SELECT * FROM duplicate_customers('persons', name => 'nom', email => 'email');
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email', locale => 'xx');
SELECT * FROM duplicate_customers('persons', phone => 'phone', email => 'email', region => 'xx');
SELECT * FROM duplicate_customers('persons', name => 'name', birth_date => 'email');
SELECT * FROM duplicate_customers('persons', name => 'name; DROP TABLE persons', email => 'email');

-- values that very many share: passed over with a notice, linked by what else they agree in, linked at the price of their rows when asked for
CREATE TABLE office AS SELECT i AS customer_id, CASE WHEN i % 5000 = 0 THEN 'Dewi' || i / 10000 ELSE 'Budi' END AS name, '021 5550000' AS phone, 'c' || i || '@example.com' AS email FROM generate_series(1, 20000) i;
SELECT * FROM duplicate_customers('office', name => 'name', phone => 'phone', email => 'email');
SELECT count(*), count(DISTINCT keep), max(shared_by) FROM duplicate_customers('office', name => 'name', phone => 'phone', email => 'email', max_shared => 20000);
SELECT keep, count(*), max(customers) FROM duplicate_groups('office', phone => 'phone', min_score => 0.1, max_shared => 20000) GROUP BY keep;
SET client_min_messages = warning;
SELECT count(*) FROM duplicate_customers('office', phone => 'phone', name => 'name', min_score => 0.1);
RESET client_min_messages;

-- against all pairs in plain SQL: the same groups, and no link that is none
CREATE TABLE crowd AS SELECT i AS customer_id, CASE WHEN i % 7 > 0 THEN 'name ' || (hashint8extended(i, 1) & 1048575) % 60 END AS name,
	CASE WHEN i % 5 > 0 THEN 'e' || (hashint8extended(i, 2) & 1048575) % 90 || '@example.com' END AS email,
	CASE WHEN i % 3 > 0 THEN '08123' || 10000 + (hashint8extended(i, 3) & 1048575) % 70 END AS phone,
	CASE WHEN i % 4 > 0 THEN date '1990-01-01' + ((hashint8extended(i, 4) & 1048575) % 50)::int END AS born FROM generate_series(1, 600) i;
CREATE FUNCTION wrong(min_score float8, max_shared int) RETURNS TABLE (links bigint, groups bigint, no_link bigint, other_group bigint) LANGUAGE sql AS $$
	WITH RECURSIVE sets AS (
		SELECT s, ARRAY(SELECT k FROM generate_series(0, 3) k WHERE s & (1 << k) > 0) AS ks, 1 - (CASE WHEN s & 1 > 0 THEN 0.5 ELSE 1 END * CASE WHEN s & 2 > 0 THEN 0.3 ELSE 1 END * CASE WHEN s & 4 > 0 THEN 0.4 ELSE 1 END * CASE WHEN s & 8 > 0 THEN 0.5 ELSE 1 END) AS score
		FROM generate_series(1, 15) s),
	rows AS (SELECT customer_id, ARRAY[name, email, phone, born::text] AS v FROM crowd),
	valued AS (SELECT s, customer_id, ARRAY(SELECT v[k + 1] FROM unnest(ks) k ORDER BY k) AS value FROM rows, sets WHERE score >= min_score AND NOT EXISTS (SELECT FROM unnest(ks) k WHERE v[k + 1] IS NULL)),
	small AS (SELECT * FROM (SELECT *, count(*) OVER (PARTITION BY s, value) AS shared_by FROM valued) x WHERE shared_by BETWEEN 2 AND max_shared),
	pairs AS MATERIALIZED (SELECT a.customer_id AS a, b.customer_id AS b, min(shared_by) AS shared_by FROM small a JOIN small b USING (s, value, shared_by) WHERE a.customer_id < b.customer_id GROUP BY 1, 2),
	both_ways AS MATERIALIZED (SELECT a, b FROM pairs UNION ALL SELECT b, a FROM pairs),
	reach AS (SELECT DISTINCT a AS start, a AS at FROM both_ways UNION SELECT r.start, w.b FROM reach r JOIN both_ways w ON w.a = r.at),
	truth AS (SELECT start AS customer, min(at) AS keep FROM reach GROUP BY start),
	ours AS MATERIALIZED (SELECT d.*, p.shared_by AS right_shared_by FROM duplicate_customers('crowd', name => 'name', email => 'email', phone => 'phone', birth_date => 'born', min_score => min_score, max_shared => max_shared) d LEFT JOIN pairs p ON p.a::text = customer_a AND p.b::text = customer_b)
	SELECT (SELECT count(*) FROM ours), (SELECT count(DISTINCT keep) FROM truth),
		(SELECT count(*) FROM ours o WHERE right_shared_by IS NULL OR o.shared_by < right_shared_by
			OR agree <> (SELECT array_agg((ARRAY['name', 'email', 'phone', 'birth_date'])[k] ORDER BY k) FROM rows x, rows y, generate_series(1, 4) k WHERE x.customer_id::text = customer_a AND y.customer_id::text = customer_b AND x.v[k] = y.v[k])
			OR abs(score - (SELECT t.score FROM sets t WHERE t.s = (SELECT sum(1 << array_position(ARRAY['name', 'email', 'phone', 'birth_date'], k) - 1) FROM unnest(agree) k))) > 1e-12),
		(SELECT count(*) FROM (SELECT keep::text, customer::text FROM truth WHERE keep <> customer) t (keep, merge) FULL JOIN duplicate_groups('crowd', name => 'name', email => 'email', phone => 'phone', birth_date => 'born', min_score => min_score, max_shared => max_shared) g USING (keep, merge)
			WHERE g.customers IS DISTINCT FROM (SELECT count(*) FROM truth t2 WHERE t2.keep::text = t.keep))
$$;
SET client_min_messages = warning;
SELECT min_score, max_shared, w.* FROM unnest(ARRAY[0, 0.5, 0.6, 0.75, 0.9]) min_score, unnest(ARRAY[2, 4, 100]) max_shared, wrong(min_score, max_shared) w ORDER BY 1, 2;
RESET client_min_messages;

-- the caller's rights and row-level security decide
CREATE ROLE regress_cs_reader;
SET ROLE regress_cs_reader;
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email');
RESET ROLE;
GRANT SELECT (customer_id, name) ON persons TO regress_cs_reader;
SET ROLE regress_cs_reader;
SELECT * FROM duplicate_customers('persons', name => 'name', email => 'email');
SELECT * FROM duplicate_groups('persons', name => 'name', min_score => 0.5);
RESET ROLE;
ALTER TABLE persons ENABLE ROW LEVEL SECURITY;
CREATE POLICY not_one ON persons TO regress_cs_reader USING (customer_id <> 1);
SET ROLE regress_cs_reader;
SELECT * FROM duplicate_groups('persons', name => 'name', min_score => 0.5);
RESET ROLE;
-- in a cursor, in a read-only transaction, and seeing what the statement sees
BEGIN READ ONLY;
DECLARE c CURSOR FOR SELECT * FROM duplicate_groups('persons', name => 'name', min_score => 0.5);
FETCH 1 FROM c;
CLOSE c;
COMMIT;
WITH gone AS (DELETE FROM persons RETURNING 1) SELECT count(*) FROM gone, duplicate_groups('persons', name => 'name', email => 'email');
DROP TABLE persons, addresses, empty, office, crowd CASCADE;
DROP FUNCTION wrong;
DROP ROLE regress_cs_reader;
