# shellcheck shell=bash
# clients.sh: test_clients, the kind `clients` of test/run.sh.
#
# Every table and view that a BI tool sees is read as a role that may SELECT and
# nothing else, through the drivers that BI tools are built on. Each client is a
# file that connects, discovers, reads, and reports what it met; judge.sql holds
# the rules. A backend's clients act out wholesaler.acts and tell what they read
# from the refusals. A client that is not installed is skipped. `.ci/run` installs all:
# the Debian packages named below, and package.json with npm into a folder whose
# node_modules is named in NODE_PATH. JDBC_JAR names another JDBC driver.

# Run a client as the reader and judge its report: name, then command.
try_client() {
	local name=$1 folder=$WORK/clients problems began=$EPOCHREALTIME
	shift
	if ! run env HOME="$folder" PGUSER=bi_reader PGDATABASE=clients timeout 300 "$@" >"$folder/$name.report" 2>"$folder/$name.log"; then
		tail -n 20 "$folder/$name.log"
		failed "client $name"
		return 0
	fi
	problems=$(run psql -X -q -d clients -v client="$name" -f "$folder/judge.sql" <"$folder/$name.report" 2>&1) || problems=${problems:-judge.sql}
	if [ -n "$problems" ]; then
		note "$problems"
		failed "client $name: $(grep -c . <<<"$problems") problems"
	else
		passed
		note "ok $name: $(tail -n 1 "$folder/$name.log"), $(grep -c ^relation "$folder/$name.report") relations in $(seconds_since "$began") s"
	fi
}

# Have a client act as the staff of doc/wholesaler.md, in a database of its own:
# it reads the same refusals, with the same figures, as every other.
try_story() {
	local name=$1 folder=$WORK/clients database=story_$1 told
	shift
	run createdb "$database"
	if ! run psql -X -q -d "$database" -f "$folder/wholesaler.sql" >"$WORK/clients.log" 2>&1; then
		cat "$WORK/clients.log"
		failed "story $name: wholesaler.sql"
	elif ! told=$(run env HOME="$folder" PGDATABASE="$database" timeout 300 "$@" "$folder/wholesaler.acts" 2>&1) ||
		! diff -u "$folder/wholesaler.expected" - <<<"$told"; then
		note "$told"
		failed "story $name"
	else
		passed
		note "ok story $name: $(grep -c KA <<<"$told") refusals read"
	fi
}

# Whether the system's Python, which Debian's packages are for, can do this.
python_can() { run /usr/bin/python3 -c "$1" >/dev/null 2>&1; }

# Whether Node.js finds a package.
node_has() { command -v node >/dev/null && run node -e 'require.resolve(process.argv[1])' "$1" >/dev/null 2>&1; }

test_clients() {
	local folder=$WORK/clients jar=${JDBC_JAR:-/usr/share/java/postgresql.jar} json=/usr/share/java/gson.jar
	run cp -r "$WORK/src/test/clients" "$folder"
	run createdb clients
	if ! run psql -X -q -d clients -f "$folder/shop.sql" >"$WORK/clients.log" 2>&1; then
		cat "$WORK/clients.log"
		failed "clients: shop.sql"
		return 0
	fi

	try_story psql perl "$folder/wholesaler.pl"
	if command -v javac >/dev/null && command -v java >/dev/null && [ -f "$jar" ] && [ -f "$json" ]; then
		if run javac -cp "$jar:$json" -d "$folder" "$folder"/*.java >"$WORK/clients.log" 2>&1; then
			try_client jdbc java -cp "$folder:$jar" Jdbc
			try_story jdbc java -cp "$folder:$jar:$json" Wholesaler
		else
			cat "$WORK/clients.log"
			failed "client jdbc: javac"
		fi
	else
		skipped "client jdbc (libpostgresql-jdbc-java, libgoogle-gson-java or default-jdk-headless is not installed)"
		skipped "story jdbc (the same)"
	fi
	if python_can 'import pyodbc; assert "PostgreSQL Unicode" in pyodbc.drivers()'; then
		try_client odbc /usr/bin/python3 "$folder/odbc.py"
	else
		skipped "client odbc (odbc-postgresql or python3-pyodbc is not installed)"
	fi
	if python_can 'import psycopg, sqlalchemy; assert sqlalchemy.__version__ >= "2" or __import__("psycopg2")'; then
		try_client python /usr/bin/python3 "$folder/reflect.py"
	else
		skipped "client python (python3-psycopg, python3-psycopg2 or python3-sqlalchemy is not installed)"
	fi
	if node_has pg; then
		try_client node node "$folder/node.js"
		try_story node node "$folder/wholesaler.js"
	else
		skipped "client node (Node.js does not find pg: see test/clients/clients.sh)"
		skipped "story node (the same)"
	fi
	if node_has @cubejs-backend/postgres-driver; then
		try_client cube node "$folder/cube.js"
	else
		skipped "client cube (Node.js does not find @cubejs-backend/postgres-driver: see test/clients/clients.sh)"
	fi
}
