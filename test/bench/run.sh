#!/usr/bin/env bash
# run.sh: what the product costs beside the SQL one would write without it,
# behind `make bench`.
#
#   make bench                 1,000,000 customers, 10,000,000 orders and answers: thirty minutes, 8 GB
#   make bench SCALE=0.01      a hundredth of that
#   make bench JOBS="rfm"      some jobs: summary rfm survey incremental capture clv tiers rules quality text feedback opt_out privacy
#   make bench ROUNDS=9        more rounds than 5
#
# The job clv needs python3-numpy and python3-scipy and is left out without them.
# Backend CPU time, alternatives in turn, medians: see README.md here. Ends with
# an error when results differ, not when a goal is missed.

# shellcheck source=../cluster.sh
. "$(dirname "$0")/../cluster.sh"
SCALE=${SCALE:-1} ROUNDS=${ROUNDS:-5} JOBS=${JOBS:-summary rfm survey incremental capture clv tiers rules quality text feedback opt_out privacy}
export ROUNDS # for pgbench

BENCH="$SOURCE/test/bench"
sql() { run psql -X -q -v ON_ERROR_STOP=1 -P footer=off "$@" || die "The benchmark failed."; }
load_data() { sql -o /dev/null -v scale="$SCALE" -v rounds="$ROUNDS" -v jobs="$JOBS" -f - < <(cat "$BENCH/harness.sql" "$BENCH/data.sql"); }
measure() { sql -o /dev/null -v scale="$SCALE" -v folder="$WORK/clv" -v peer="$PEER" -v empty="$EMPTY" -f - <"$BENCH/$1.sql"; }
has_job() { [[ " $JOBS " == *" $1 "* ]]; }
has_scipy() { /usr/bin/python3 -c 'import numpy, scipy.optimize' 2>/dev/null; }
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
if has_job clv && ! has_scipy && ! { (install_packages python3-numpy python3-scipy) 2>/dev/null && has_scipy; }; then
	note "The job clv is left out: its peer needs python3-numpy and python3-scipy."
	JOBS=${JOBS//clv/}
fi
make_workplace
# The peer runs on one core, and with the kernels that its libraries choose.
PEER="env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1"
PEER="$PEER /usr/bin/python3 '$WORK/src/test/bench/clv_peer.py' '$WORK/clv'"
note "$("$PG_CONFIG" --version), $(nproc) x $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1), load $(cut -d ' ' -f 1 /proc/loadavg)"
# A trigger to compare with.
EMPTY=$WORK/empty_trigger.so
build_empty_trigger() {
	run cc -O2 -shared -fPIC -I "$("$PG_CONFIG" --includedir-server)" -o "$EMPTY" "$WORK/src/test/bench/empty_trigger.c" || die "The empty trigger could not be built."
}
progress "Build" build
if has_job rules; then build_empty_trigger; fi
progress "Start a throwaway cluster" start
run mkdir "$WORK/clv"
progress "Load data at scale $SCALE" load_data
for job in $JOBS; do
	[ -f "$BENCH/$job.sql" ] || die "There is no job $job."
	progress "Measure $job, $ROUNDS rounds" measure "$job"
done
note ""
sql -c "SELECT * FROM bench.report"
if has_job clv; then
	note "What models cost against the number of customers, CPU ms and peak memory of the backend beyond a scan:"
	sql -c "SELECT * FROM bench.growth"
	sql -At -c "SELECT CASE result ->> 'which' WHEN 'lifetimes' THEN 'The peer of clv is the package lifetimes.'
		ELSE 'The peer of clv is a NumPy/SciPy program with the likelihood of the package lifetimes, which is not installed here.' END
		FROM bench.peer_result WHERE job = 'which'"
fi
note "CPU ms of the backend, medians of $ROUNDS rounds; ratio: alternative / ours. Load now $(cut -d ' ' -f 1 /proc/loadavg)."
