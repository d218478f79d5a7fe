#!/usr/bin/env bash
# run.sh: every test of the product, behind `make test`.
#
#   test/run.sh                 all of them
#   test/run.sh sql isolation   some kinds: version lint math sql isolation tap clients demo bench
#   TESTS="rfm survey"          only these regress tests
#   SPECS=, TAP=                only these isolation specs, TAP files
#   ACCEPT=1                    take what SQL and isolation tests printed as expected: read the diff!
#
# Builds a copy of the source with assertions and all warnings as errors, starts
# a throwaway cluster, and closes with the line "N passed, N failed, N skipped".

# shellcheck source=cluster.sh
. "$(dirname "$0")/cluster.sh"
# shellcheck source=clients/clients.sh
. "$SOURCE/test/clients/clients.sh"

PASSED=0 FAILED=0 SKIPPED=0
passed() { PASSED=$((PASSED + ${1:-1})); }
failed() { FAILED=$((FAILED + 1)); note "FAILED: $*"; }
skipped() { SKIPPED=$((SKIPPED + 1)); note "skipped: $*"; }

# Count what pg_regress reported, in the form of 15 and of 16 and later.
count_regress() {
	local log=$1 good bad
	good=$(grep -cE '^(test .*\.\.\. ok|ok +[0-9]+ )' "$log" || true)
	bad=$(grep -E '^(test .*\.\.\. FAILED|not ok +[0-9]+ )' "$log" || true)
	passed "$good"
	if [ -n "$bad" ]; then
		while IFS= read -r line; do failed "$line"; done <<<"$bad"
	elif [ "$good" = 0 ]; then
		failed "no regress test ran: $(tail -n 3 "$log")"
	fi
}

# One version everywhere: the control file and META.json.
test_version() {
	local control meta
	control=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" "$SOURCE/customer_scoring.control")
	meta=$(perl -MJSON::PP -0777 -ne '$m = decode_json($_); print "$m->{version} $m->{provides}{customer_scoring}{version} $m->{provides}{customer_scoring}{file}"' "$SOURCE/META.json") || true
	if [ "$meta" = "$control $control sql/customer_scoring--$control.sql" ]; then
		passed
	else
		failed "version: the control file says $control, META.json says $meta"
	fi
}

test_lint() {
	if command -v clang-format >/dev/null && command -v cppcheck >/dev/null; then
		if make -s -C "$SOURCE" lint PG_CONFIG="$PG_CONFIG" >"$WORK/lint.log" 2>&1; then passed; else cat "$WORK/lint.log"; failed lint; fi
	else
		skipped "lint (clang-format or cppcheck is not installed)"
	fi
}

test_math() {
	[ -f "$WORK/src/test/math/Makefile" ] || return 0
	if run make -s -C "$WORK/src/test/math" check >"$WORK/math.log" 2>&1; then
		passed "$(grep -c '^ok ' "$WORK/math.log")"
	else
		cat "$WORK/math.log"
		failed "test/math"
	fi
}

# With ACCEPT: expected files that do not exist yet are empty ones, and what
# the tests printed goes back into the source.
accept_before() {
	local name
	[ -n "${ACCEPT:-}" ] || return 0
	run mkdir -p "$WORK/src/$3"
	for name in "$WORK/src/$1"/*."$2"; do [[ $name == *--* ]] || run touch "$WORK/src/$3/$(basename "${name%."$2"}").out"; done
}
accept_after() {
	[ -z "${ACCEPT:-}" ] || cp "$WORK/src/$1"/*.out "$SOURCE/$2/"
}

test_sql() {
	accept_before sql sql expected
	run make -s -C "$WORK/src" PG_CONFIG="$PG_CONFIG" with_llvm=no installcheck ISOLATION= TAP_TESTS= \
		${TESTS:+REGRESS="install $TESTS"} >"$WORK/regress.log" 2>&1 || cat "$WORK/src/regression.diffs" 2>/dev/null || true
	accept_after results expected
	count_regress "$WORK/regress.log"
}

test_isolation() {
	accept_before test/isolation/specs spec test/isolation/expected
	run make -s -C "$WORK/src" PG_CONFIG="$PG_CONFIG" with_llvm=no installcheck REGRESS= TAP_TESTS= \
		${SPECS:+ISOLATION="$SPECS"} >"$WORK/isolation.log" 2>&1 ||
		cat "$WORK/src/test/isolation/output_iso/regression.diffs" "$WORK/src/test/isolation/regression.diffs" 2>/dev/null || true
	accept_after test/isolation/results test/isolation/expected
	count_regress "$WORK/isolation.log"
}

test_tap() {
	local pgxs file files=("$WORK"/src/test/t/*.pl)
	if [ -n "${TAP:-}" ]; then
		# shellcheck disable=SC2206 # a list of names
		files=($TAP)
		files=("${files[@]/#/$WORK/src/test/t/}")
		files=("${files[@]/%/.pl}")
	fi
	pgxs=$(dirname "$(dirname "$(dirname "$("$PG_CONFIG" --pgxs)")")")
	if ! perl -MIPC::Run -e 1 2>/dev/null || [ ! -d "$pgxs/src/test/perl" ]; then
		skipped "TAP tests (libipc-run-perl is not installed)"
		return 0
	fi
	for file in "${files[@]}"; do
		if (cd "$WORK/src" && run env TEMP_CONFIG="$WORK/server.conf" TESTDATADIR="$WORK/tap" TESTLOGDIR="$WORK/tap/log" TESTDIR="$WORK/src" \
			PG_REGRESS="$pgxs/src/test/regress/pg_regress" SHARED_DATA="${SHARED_DATA:-$SOURCE/../shared/data}" \
			timeout 900 prove -I "$pgxs/src/test/perl" -I test/t "$file") >"$WORK/tap.log" 2>&1; then
			if grep -q '\.\. skipped:' "$WORK/tap.log"; then
				skipped "$(basename "$file") ($(sed -n 's/.*\.\. skipped: //p' "$WORK/tap.log"))"
			else
				passed
				note "ok $(basename "$file")"
			fi
		else
			cat "$WORK/tap.log"
			failed "$(basename "$file")"
		fi
	done
}

test_demo() {
	local csv="${SHARED_DATA:-$SOURCE/../shared/data}/cdnow_sample_orders.csv"
	[ -x "$SOURCE/demo/run.sh" ] || return 0
	if "$SOURCE/demo/run.sh" >"$WORK/demo.log" 2>&1; then passed; else cat "$WORK/demo.log"; failed "demo"; fi
	if [ ! -f "$csv" ]; then
		skipped "demo on real orders ($csv is not here)"
	elif ORDERS=$csv CUSTOMER=customer_id ORDERED_AT=order_date AMOUNT=amount "$SOURCE/demo/run.sh" >"$WORK/demo.log" 2>&1; then
		passed
	else
		cat "$WORK/demo.log"
		failed "demo on real orders"
	fi
}

# That the benchmark still runs and finds equal results; nothing is timed here.
test_bench() {
	if SCALE=0.001 ROUNDS=1 "$SOURCE/test/bench/run.sh" >"$WORK/bench.log" 2>&1; then passed; else cat "$WORK/bench.log"; failed "bench"; fi
}

install_packages libipc-run-perl
make_workplace
note "PostgreSQL $("$PG_CONFIG" --version | sed 's/PostgreSQL //'), working in $WORK"
progress "Build with assertions" build COPT="-Werror -DUSE_ASSERT_CHECKING"
progress "Start a throwaway cluster" start_cluster "max_prepared_transactions = 10"
[ $# -gt 0 ] || set -- version lint math sql isolation tap clients demo bench
for kind in "$@"; do
	note "== $kind"
	"test_$kind"
done
note "$PASSED passed, $FAILED failed, $SKIPPED skipped"
[ "$FAILED" = 0 ]
