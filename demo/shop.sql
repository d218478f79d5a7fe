-- shop.sql: a made-up shop: 4,000 customers and about 30,000 orders of the last
-- three years, what a survey of them brought, and what they wrote.
--
-- Seeded: the same shop at every run, on the same day. A customer joins, buys at
-- a pace of their own for as long as they stay, and spends log-normal amounts.
-- Some rows are as imperfect as in life: refunds, cancelled orders, orders
-- without customer or amount, and a few dated in the future by mistake.

SELECT setseed(0.42);
SELECT date_trunc('day', now()) AS today \gset

-- One row a customer: how long with the shop, how often, how much a time.
CREATE TEMPORARY TABLE shopper AS
SELECT customer_id, joined, loyalty,
       least(:'today'::timestamptz - joined, (60 + 2000 * loyalty ^ 2) * interval '1 day') AS stays,
       0.9 + 11 * loyalty ^ 2 * pace AS orders_a_year,
       3.2 + 0.7 * loyalty + 0.5 * taste AS amount_level
FROM (SELECT 10000 + i AS customer_id,
             :'today'::timestamptz - interval '1 day' - (random() ^ 0.8) * interval '3 years' AS joined,
             random() AS loyalty,
             -ln(1 - random()) AS pace,
             sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) AS taste
      FROM generate_series(1, 4000) i) drawn;

CREATE TABLE orders (
	order_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id integer,
	ordered_at timestamptz NOT NULL,
	status text NOT NULL DEFAULT 'paid',
	amount numeric(12, 2)
);

INSERT INTO orders (customer_id, ordered_at, status, amount)
SELECT customer_id, ordered_at,
       CASE WHEN random() < 0.02 THEN 'cancelled' ELSE 'paid' END,
       round(exp(amount_level + 0.6 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()))::numeric, 2)
FROM (SELECT s.*, CASE WHEN n = 0 THEN joined ELSE joined + random() * stays END AS ordered_at
      FROM shopper s,
           generate_series(0, floor(orders_a_year * extract(epoch FROM stays) / 31557600)::integer) n) bought
ORDER BY ordered_at;

INSERT INTO orders (customer_id, ordered_at, status, amount)
SELECT customer_id, least(ordered_at + random() * interval '14 days', :'today'), 'refunded', -amount
FROM orders WHERE status = 'paid' AND random() < 0.03;

UPDATE orders SET customer_id = NULL WHERE order_id IN (1201, 7402, 11903, 15004, 21005);
UPDATE orders SET amount = NULL WHERE order_id IN (3301, 9402, 14503, 20004);
UPDATE orders SET ordered_at = ordered_at + interval '10 years' WHERE order_id IN (4401, 12502, 19603);

-- A third of the customers answered "how likely are you to recommend us?".
CREATE TABLE answers AS
SELECT customer_id, :'today'::timestamptz - random() * interval '60 days' AS answered_at,
       greatest(0, least(10, round(3.5 + 6.5 * loyalty + 2 * (random() + random() + random() - 1.5))))::integer AS score
FROM shopper WHERE random() < 0.35;

-- Who they are, each with an address and a telephone of their own. One in four
-- hundred is there twice, written differently.
CREATE TABLE customers (
	customer_id integer PRIMARY KEY,
	name text NOT NULL,
	email text,
	phone text
);

INSERT INTO customers
SELECT 10000 + i, name, lower(replace(name, ' ', '.')) || i || '@mail.example', '0812-' || to_char(3000000 + 577 * i, 'FM000"-"0000')
FROM (SELECT i, (ARRAY['Siti', 'Ahmad', 'Dewi', 'Budi', 'Rina', 'Agus', 'Maria', 'Joko', 'Ayu', 'Hendra', 'Sarah'])[1 + i % 11] || ' ' ||
             (ARRAY['Rahma', 'Dahlan', 'Lestari', 'Santoso', 'Wijaya', 'Hidayat', 'Simanjuntak', 'Nugroho', 'Hartono', 'Putri', 'Kusuma', 'Siregar', 'Miller'])[1 + i % 13] AS name
      FROM generate_series(1, 4000) i) called;

UPDATE customers c
SET name = CASE WHEN c.customer_id % 800 = 7 THEN upper(same.name) ELSE 'Bpk./Ibu ' || same.name END,
    email = CASE WHEN c.customer_id % 800 = 7 THEN upper(same.email) END,
    phone = '+62 ' || substr(replace(same.phone, '-', ' '), 2)
FROM customers same
WHERE c.customer_id % 400 = 7 AND same.customer_id = c.customer_id - 100;

-- Comments of the last month.
CREATE TABLE comments (
	comment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	customer_id integer NOT NULL,
	written_at timestamptz NOT NULL,
	channel text NOT NULL,
	body text NOT NULL
);

INSERT INTO comments (customer_id, written_at, channel, body)
SELECT customer_id, :'today'::timestamptz - random() * interval '30 days', (ARRAY['chat', 'email', 'app'])[1 + floor(3 * random())::integer],
       (ARRAY['Barang bagus tapi kurirnya kasar banget', 'Pelayanannya ramah dan cepat, makasih ya :)', 'Good quality but the delivery was slow',
              'Kapan toko buka hari Minggu?', 'Paket telat seminggu, gak ada kabar :(', 'Love it, will order again!', 'Tagihan dobel, tolong dicek',
              'Ukurannya tidak sesuai dengan foto', 'Puas sekali, warnanya cantik', 'The parcel arrived broken and nobody answers',
              'Harganya mahal tapi awet', 'Pesanan nomor 4512'])[1 + floor(12 * random())::integer] ||
       CASE WHEN customer_id % 10 = 0 THEN '. Balas ke ' || (SELECT email FROM customers c WHERE c.customer_id = s.customer_id) ELSE '' END
FROM (SELECT customer_id FROM shopper WHERE random() < 0.08 * loyalty) s;

ANALYZE orders, answers, customers, comments;
