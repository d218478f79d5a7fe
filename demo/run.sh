#!/usr/bin/env bash
# run.sh: the product in one minute, behind `make demo`.
#
#   make demo                        a made-up shop of 4,000 customers
#   make demo ORDERS=orders.csv CUSTOMER=client ORDERED_AT="order date" AMOUNT=total
#                                    a CSV file with a header; the names of three of its columns
#   make demo KEEP=1                 opens psql at the end
#
# Builds a copy of the source, starts a throwaway cluster with the worker and
# shows what an analyst, a BI tool and a backend would see. Everything is in one
# temporary folder and is removed at the end.

# shellcheck source=../test/cluster.sh
. "$(dirname "$0")/../test/cluster.sh"

DEADLINE=30
CUSTOMER=${CUSTOMER:-customer_id} ORDERED_AT=${ORDERED_AT:-ordered_at} AMOUNT=${AMOUNT:-amount}

# SQL from standard input, as the shop's own role; no output but results.
sql() { run psql -X -q -v ON_ERROR_STOP=1 -P footer=off "$@" 2>&1 | sed -E 's/^psql:[^ ]*: //'; }

# SQL from the arguments or standard input that shows nothing, unless it fails:
# then its message, and the first argument.
quietly() {
	local what=$1 printed
	shift
	printed=$(sql "$@") || die "$printed" "$what"
}

# One value.
value() { run psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$1"; }

# A chapter: a heading, what is to be seen, the SQL from standard input, its result.
STEP=0
show() {
	local title=$1 sentence=$2 text
	STEP=$((STEP + 1))
	text=$(cat)
	printf '\n%s. %s\n   %s\n\n     %s\n\n' "$STEP" "$title" "$sentence" "${text//$'\n'/$'\n'     }"
	sql <<<"$text" | sed -e '$ { /^$/ d }' -e 's/^./   &/' || { printf '\n'; die "The statement above failed."; }
}

# A chapter that ends with an error, which is what is to be seen.
show_refused() {
	local title=$1 sentence=$2 text printed
	STEP=$((STEP + 1))
	text=$(cat)
	printf '\n%s. %s\n   %s\n\n     %s\n\n' "$STEP" "$title" "$sentence" "${text//$'\n'/$'\n'     }"
	if printed=$(sql <<<"$text"); then die "$printed" "The statement above was not refused."; fi
	sed -e 's/^./   &/' <<<"$printed"
}

create_shop_database() {
	run psql -X -q -v ON_ERROR_STOP=1 <<-'SQL'
		CREATE ROLE shop LOGIN;
		CREATE DATABASE shop OWNER shop;
		ALTER DATABASE shop SET search_path = "$user", public, customer_scoring;
		\c shop
		ALTER SCHEMA public OWNER TO shop;
		CREATE EXTENSION customer_scoring;
	SQL
	export PGDATABASE=shop PGUSER=shop PGCLIENTENCODING=UTF8 PGTZ=UTC
}

make_shop() {
	quietly "The made-up shop could not be loaded." <"$SOURCE/demo/shop.sql"
}

# Look the named columns up in the header of the file: before anything is built.
find_csv_columns() {
	[ -r "$ORDERS" ] || die "ORDERS: cannot read $ORDERS"
	POSITIONS=$("$SOURCE/demo/csv_columns.pl" "$ORDERS" "$CUSTOMER" "$ORDERED_AT" "$AMOUNT" 2>&1) || die "$POSITIONS"
}

# The columns go in by position, as text, so their names can be anything; only
# the three that are named are kept.
load_csv() {
	local failure="$ORDERS could not be loaded." count customer ordered_at amount
	read -r count customer ordered_at amount <<<"$POSITIONS"
	quietly "$failure" \
		-c "CREATE TABLE csv_columns (row_number bigint GENERATED ALWAYS AS IDENTITY$(seq -s '' -f ', c%.0f text' "$count"))"
	quietly "$failure" -c "COPY csv_columns ($(seq -s, -f 'c%.0f' "$count")) FROM STDIN (FORMAT csv, HEADER)" <"$ORDERS"
	quietly "$failure" -c "CREATE TABLE csv_orders AS SELECT row_number, nullif(trim(c$customer), '') AS customer,
		nullif(trim(c$ordered_at), '') AS ordered_at, nullif(trim(c$amount), '') AS amount FROM csv_columns" -c "DROP TABLE csv_columns"
	quietly "$failure" -v customer="$CUSTOMER" -v ordered_at="$ORDERED_AT" -v amount="$AMOUNT" <"$SOURCE/demo/csv.sql"
}

# Figures of orders that ended long ago are about the last of them.
look_at_orders() {
	AS_OF="now()" ENDED=""
	ENDED=$(value "SELECT max(ordered_at)::date FROM orders WHERE ordered_at <= now() HAVING max(ordered_at) < now() - interval '30 days'")
	[ -z "$ENDED" ] || AS_OF="'$ENDED 23:59:59'"
	note "$(value "SELECT format('%s rows, %s customers, from %s to %s', count(*), count(DISTINCT customer_id), min(ordered_at)::date, max(ordered_at)::date)
	               FROM orders WHERE ordered_at <= now()")"
	[ -z "$ENDED" ] || note "The orders end on $ENDED: days are counted to then."
}

# Ask until the answer is t.
wait_until() {
	local until=$((SECONDS + DEADLINE))
	while [ "$(value "$1")" != t ]; do
		if [ $SECONDS -ge $until ]; then
			value "SELECT * FROM customer_scoring.segment_table_status" || true
			tail -n 20 "$WORK/server.log"
			die "The worker did not refresh the segment table within $DEADLINE seconds: its state and the end of the server log are above."
		fi
		sleep 0.1
	done
}

# How many lines of a dump of the whole database hold a text.
mentions() { run pg_dump -U postgres | grep -c -F -- "$1" || true; }

BEGAN=$EPOCHREALTIME
install_packages
[ -z "${ORDERS:-}" ] || find_csv_columns
make_workplace
note "customer_scoring on $("$PG_CONFIG" --version), in $WORK (removed at the end)"
note ""
progress "Build the extension" build
progress "Start a throwaway cluster" start_cluster "shared_preload_libraries = 'customer_scoring'" "timezone = 'UTC'" "autovacuum = off"
progress "Create a database and its owner" create_shop_database
if [ -n "${ORDERS:-}" ]; then
	PAID="" ONLY=""
	progress "Load ${ORDERS##*/}" load_csv
else
	PAID="status IN ('paid', 'refunded') AND " ONLY=$',\n       "only" => \'{"status": ["paid", "refunded"]}\''
	progress "Load a made-up shop" make_shop
fi
look_at_orders

show "An analyst asks" "Every customer's orders become one summary, and a window function scores them: here the best eight." <<SQL
SELECT customer_id, recency_days(s, $AS_OF) AS days, orders(s), revenue(s),
       rfm_cell(score) AS rfm, rfm_segment(score) AS segment
FROM (SELECT customer_id, s, rfm(s) OVER () AS score
      FROM (SELECT customer_id, purchase_summary(ordered_at, amount) AS s
            FROM orders
            WHERE ${PAID}customer_id IS NOT NULL AND ordered_at <= $AS_OF
            GROUP BY customer_id) summed) scored
ORDER BY revenue DESC NULLS LAST LIMIT 8;
SQL

show "What will they be worth?" "Models fitted in the query say who still buys, how often and what for: the best five of the next year." <<SQL
WITH c AS MATERIALIZED (
       SELECT customer_id, clv_summary(ordered_at, amount, $AS_OF, 'UTC') AS s
       FROM orders WHERE ${PAID}customer_id IS NOT NULL GROUP BY customer_id),
     m AS (SELECT mbgnbd_fit(s) AS model, gamma_gamma_fit(s) AS spend FROM c)
SELECT customer_id, frequency(s) AS repeats, round(p_alive(model, s)::numeric, 2) AS p_alive,
       round(expected_purchases(model, s, '1 year')::numeric, 1) AS purchases,
       next_purchase_date(model, s, $AS_OF, 0.5, 'UTC') AS next, round(clv(model, spend, s)::numeric, 2) AS clv
FROM c, m ORDER BY clv DESC NULLS LAST, customer_id LIMIT 5;
SQL

show "A segment table" "The same scores as an ordinary table that a background worker keeps fresh. It counts the rows it had to leave out." <<SQL
SELECT create_segment_table('segments', 'orders'$ONLY,
       refresh_every => '1 second');
SELECT customers, skipped_no_customer AS no_customer, skipped_no_amount AS no_amount,
       skipped_future AS in_the_future, finished_at - started_at AS took
FROM segment_table_run ORDER BY run_id LIMIT 1;
SQL

show "A BI tool charts it" "Tables and views with plain columns: any tool reads them." <<'SQL'
SELECT segment, customers, repeat('█', round(40 * customer_share)::integer) AS "share of customers",
       revenue, repeat('█', round(40 * revenue_share)::integer) AS "share of revenue"
FROM segments_overview ORDER BY segment_rank DESC;
SQL

show "The map" "Customers by recency (r, down) and frequency (f, across), 5 is best. Equal customers get equal scores, so a column can be missing." <<'SQL'
SELECT r, f, count(*) AS customers FROM segments WHERE r IS NOT NULL GROUP BY r, f ORDER BY r DESC, f
\crosstabview r f customers f
SQL

if [ -z "${ORDERS:-}" ]; then
	show "Who would recommend the shop?" "Survey answers joined to the segments: the score runs from -100 to 100, with its margin at 95 %." <<-'SQL'
		SELECT segment, responses(s), round(nps(s)::numeric) AS nps, round(nps_margin(s)::numeric) AS "±"
		FROM (SELECT segment, segment_rank, rating_summary(score, 0, 10) AS s
		      FROM answers JOIN segments USING (customer_id)
		      GROUP BY segment, segment_rank) asked
		ORDER BY segment_rank DESC;
	SQL
fi

quietly "No customers could be chosen." -c "CREATE TABLE came_back AS
            SELECT customer_id, segment, orders FROM segments WHERE r <= 2
            ORDER BY row_number() OVER (PARTITION BY segment ORDER BY revenue DESC), segment_rank DESC LIMIT 6"
show "A backend writes orders" "Lapsed customers come back. Nobody asks for a refresh: the worker sees to it." <<'SQL'
INSERT INTO orders (customer_id, ordered_at, amount) SELECT customer_id, now(), 50 FROM came_back;
SQL
WAITED=$EPOCHREALTIME
wait_until "SELECT bool_and(s.orders > b.orders) FROM came_back b JOIN segments s USING (customer_id)"
note "   ... $(seconds_since "$WAITED") s later"
show "The worker has moved them" "run_id names the refresh that last changed a row; segment_table_run tells about it." <<'SQL'
SELECT customer_id, b.segment AS "from", '→' AS "→", s.segment AS "to", s.rfm_cell AS rfm, run_id, mode, cause, updated
FROM came_back b JOIN segments s USING (customer_id) JOIN segment_table_run USING (run_id)
ORDER BY s.segment_rank DESC, 2, 1;
SQL

show "The shop makes promises" "A key account, and rules as rows of a table: small orders are for key accounts only." <<'SQL'
INSERT INTO key_account (customer) SELECT customer_id::text FROM segments WHERE orders > 0 AND customer_id NOT IN (SELECT customer_id FROM came_back) ORDER BY revenue DESC, customer_id LIMIT 1;
INSERT INTO account_rule_set (name, target, segment_table, columns) VALUES ('orders', 'orders', 'segments', '{"customer": "customer_id"}');
INSERT INTO account_rule (rule_set, name, kind, parameters, waived_for)
VALUES ('orders', 'small order', 'min_order', '{"minimum": 20}', '{"key_accounts": true}');
CREATE TRIGGER account_rules BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION enforce_account_rules('orders');
INSERT INTO orders (customer_id, ordered_at, amount)
SELECT customer_id, now(), 5 FROM segments WHERE is_key_account(customer_id::text) RETURNING customer_id, amount;
SQL

show_refused "And the database keeps them" "Programs read the code (KA001), the rule's name as the constraint, and the detail." <<'SQL'
INSERT INTO orders (customer_id, ordered_at, amount) SELECT customer_id, now(), 5 FROM came_back LIMIT 1;
SQL

if [ -z "${ORDERS:-}" ]; then
	show "What customers write" "Comments, in Indonesian and English, get a sentiment and a subject; the bad ones wait by what is at risk." <<-'SQL'
		INSERT INTO feedback (customer, received_at, channel, body, category, severity)
		SELECT customer_id, written_at, channel, body, (complaint_categories(body))[1], CASE WHEN sentiment(body) < -0.5 THEN 4 ELSE 2 END
		FROM comments WHERE sentiment_bucket(sentiment(body)) = 'negative';
		SELECT sentiment_bucket(sentiment(body)) AS sentiment, count(*) FROM comments GROUP BY 1 ORDER BY 2 DESC;
		SELECT customer, body, category, round(sentiment(body)::numeric, 2) AS sentiment, value_at_risk AS value, severity AS sev, recurrence AS rec, priority
		FROM feedback_queue('segments') JOIN feedback USING (feedback_id, customer, category, severity)
		ORDER BY priority DESC, feedback_id LIMIT 5;
	SQL

	show "The same person again" "Names, addresses and telephones, however they are written, say who is in the shop's books twice." <<-'SQL'
		SELECT keep, k.name, k.phone, merge, m.name AS "also as", m.phone AS "and"
		FROM duplicate_groups('customers', name => 'name', email => 'email', phone => 'phone')
		JOIN customers k ON k.customer_id::text = keep JOIN customers m ON m.customer_id::text = merge
		ORDER BY merge LIMIT 4;
	SQL
fi

show "In the reader's language" "What each refresh found wrong with the data, and the segments, for readers of Indonesian (in thousands of rupiah)." <<'SQL'
SELECT problem, label AS masalah, rows AS baris, customers AS pelanggan
FROM segment_table_quality JOIN label_list ON kind = 'problem' AND code = problem AND locale = 'id'
WHERE rows > 0 ORDER BY rows DESC, problem;
SELECT segment_label(segment, 'id') AS segmen, number_text(customers, 'id') AS pelanggan, money_text(1000 * revenue, 'IDR', 'id', 0) AS omzet
FROM segments_overview WHERE revenue > 0 ORDER BY segment_rank DESC LIMIT 4;
SQL

quietly "Nobody could be chosen." -c "CREATE TABLE objector AS SELECT customer_id, orders FROM segments ORDER BY orders DESC, customer_id LIMIT 1"
show "Somebody objects to profiling" "He goes on buying; the worker takes him out of the table, and no later refresh brings him back." <<'SQL'
INSERT INTO profiling_opt_out (customer, reason) SELECT customer_id::text, 'objects, by letter' FROM objector;
SQL
WAITED=$EPOCHREALTIME
wait_until "SELECT NOT EXISTS (SELECT FROM objector JOIN segments USING (customer_id))"
note "   ... gone $(seconds_since "$WAITED") s later"

if [ -z "${ORDERS:-}" ]; then
	quietly "Nobody could be chosen." -c "CREATE INDEX ON orders (customer_id)" -c "CREATE INDEX ON answers (customer_id)" -c "CREATE INDEX ON comments (customer_id)"
	FORGOTTEN=$(value "SELECT customer FROM feedback JOIN segments s ON s.customer_id::text = customer WHERE body LIKE '%Balas ke%' ORDER BY s.revenue DESC, 1 LIMIT 1")
	read -r EMAIL PHONE <<<"$(value "SELECT email || ' ' || phone FROM customers WHERE customer_id = $FORGOTTEN")"
	FOUND="$(mentions "$EMAIL") times the address, $(mentions "$PHONE") times the telephone"
	show "Somebody is to be forgotten" "A register says where personal data is. A dump of the database has, of this customer: $FOUND." <<-SQL
		INSERT INTO privacy_register (relation, on_erase)
		VALUES ('customers', 'delete'), ('comments', 'delete'), ('answers', 'delete'), ('orders', 'keep');
		SELECT * FROM erase_customer('$FORGOTTEN') WHERE deleted + anonymised > 0;
	SQL
	note ""
	note "   A dump has now: $(mentions "$EMAIL") times the address, $(mentions "$PHONE") times the telephone. The orders stay, as nobody's."
fi

note ""
note "Done in $(seconds_since "$BEGAN") s."
if [ -n "${KEEP:-}" ] && [ -t 0 ] && [ -t 1 ]; then
	note "psql on the shop's database: \\d shows its tables; \\q ends and removes everything."
	run psql -X || true
fi
