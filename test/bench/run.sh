#!/usr/bin/env bash
# run.sh: what the product costs beside the SQL one would write without it,
# behind `make bench`.
#
#   make bench                 1,000,000 customers, 10,000,000 orders and answers: twenty minutes, 8 GB
#   make bench SCALE=0.01      a hundredth of that
#   make bench JOBS="rfm"      some jobs: summary rfm survey incremental capture
#   make bench ROUNDS=9        more rounds than 5
#
# Backend CPU time, alternatives in turn, medians: see README.md here. Ends with
# an error when results differ, not when a goal is missed.

# shellcheck source=../cluster.sh
. "$(dirname "$0")/../cluster.sh"
SCALE=${SCALE:-1} ROUNDS=${ROUNDS:-5} JOBS=${JOBS:-summary rfm survey incremental capture}
export ROUNDS # for pgbench

BENCH="$SOURCE/test/bench"
sql() { run psql -X -q -v ON_ERROR_STOP=1 -P footer=off "$@" || die "The benchmark failed."; }
load_data() { sql -o /dev/null -v scale="$SCALE" -v rounds="$ROUNDS" -f - < <(cat "$BENCH/harness.sql" "$BENCH/data.sql"); }
# Whole tables stay in shared buffers; one process does the work.
start() {
	local buffers
	buffers=$(awk -v scale="$SCALE" 'BEGIN { printf "%d", 256 + 4096 * scale }')
	start_cluster "shared_buffers = '${buffers}MB'" "work_mem = '512MB'" "maintenance_work_mem = '1GB'" "jit = off" \
		"autovacuum = off" "max_parallel_workers_per_gather = 0" "max_parallel_maintenance_workers = 0" \
		"wal_level = minimal" "max_wal_senders = 0" "max_wal_size = '32GB'" "checkpoint_timeout = '1d'" "timezone = 'UTC'"
}

install_packages
[ -r /proc/self/schedstat ] || die "The benchmark reads CPU times from /proc/<pid>/schedstat, which this system does not have."
make_workplace
note "$("$PG_CONFIG" --version), $(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg)"
progress "Build" build
progress "Start a throwaway cluster" start
progress "Load data at scale $SCALE" load_data
for job in $JOBS; do
	[ -f "$BENCH/$job.sql" ] || die "There is no job $job."
	progress "Measure $job, $ROUNDS rounds" sql -o /dev/null -f - <"$BENCH/$job.sql"
done
note ""
sql -c "SELECT * FROM bench.report"
note "CPU ms of the backend, medians of $ROUNDS rounds; ratio: alternative / ours. Load now $(cut -d ' ' -f 1 /proc/loadavg)."
