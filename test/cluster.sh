# shellcheck shell=bash
# cluster.sh: a private build and a throwaway cluster, for demo, test and bench.
#
# Sourced by the scripts behind `make demo`, `make test` and `make bench`. All
# files live in one temporary folder $WORK that is removed at the end: nothing
# is written into the system, no existing cluster is touched, the server listens
# on a socket inside $WORK only, and any number of runs work side by side. As
# root the server and the tests run as user postgres.

set -euo pipefail
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
DEBIAN_PACKAGES="make gcc libc6-dev libicu-dev perl"

note() { printf '%s\n' "$*"; }
die() {
	[ -z "${IN_LINE:-}" ] || printf '\n' >&2
	printf '%s\n' "$@" >&2
	exit 1
}

# Seconds since a value of EPOCHREALTIME, with one decimal.
seconds_since() {
	local tenths=$(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 100000))
	printf '%s.%s' $((tenths / 10)) $((tenths % 10))
}

# Do something that prints nothing itself unless it dies, with a progress line.
progress() {
	local title=$1 began=$EPOCHREALTIME
	shift
	printf '%-36s' "$title ..."
	IN_LINE=yes
	"$@"
	IN_LINE=""
	printf '%6s s\n' "$(seconds_since "$began")"
}

# The newest PostgreSQL here that has a server and its headers.
find_postgres() {
	local candidate
	# shellcheck disable=SC2012 # versions sort as ls prints them
	for candidate in ${PG_CONFIG:-} $(ls -d /usr/lib/postgresql/*/bin/pg_config 2>/dev/null | sort -rV) pg_config; do
		candidate=$(command -v "$candidate" || true)
		[ -n "$candidate" ] || continue
		[ -f "$("$candidate" --pgxs 2>/dev/null)" ] || continue
		[ -x "$("$candidate" --bindir)/initdb" ] || continue
		PG_CONFIG=$candidate
		return 0
	done
	return 1
}

# Install what is missing: quietly when root, else say what to install.
# Arguments are further Debian packages that this run needs.
install_packages() {
	local missing="" package major="" log
	if ! command -v dpkg >/dev/null; then
		find_postgres || die "Please install first: make, a C compiler, perl, ICU with its headers, and PostgreSQL with its server headers"
		return 0
	fi
	for package in $DEBIAN_PACKAGES "$@"; do
		dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
	done
	if ! find_postgres; then
		[ "$(id -u)" != 0 ] || apt-get update -qq
		major=$(apt-cache depends postgresql 2>/dev/null | sed -n 's/.*Depends: postgresql-\([0-9]*\)$/\1/p' | head -n 1)
		missing="$missing postgresql-${major:-15} postgresql-server-dev-${major:-15}"
	fi
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		note "installing$missing"
		[ -n "$major" ] || apt-get update -qq
		log=$(mktemp)
		# shellcheck disable=SC2086 # a list of names
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o DPkg::Lock::Timeout=600 $missing >"$log" 2>&1 ||
			die "$(cat "$log")" "could not install$missing (see $log)"
		rm -f "$log"
		find_postgres || die "PostgreSQL with its server headers was not found after the installation"
	else
		die "Please install first: apt-get install$missing"
	fi
}

# $WORK, the user who owns it, and a way to run a command as that user.
make_workplace() {
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/customer_scoring.XXXXXX")
	chmod 755 "$WORK"
	trap clean_up EXIT
	trap 'exit 130' HUP INT TERM
	AS_USER=()
	if [ "$(id -u)" = 0 ]; then
		id postgres >/dev/null 2>&1 || die "There is no user postgres to run the server as: run this as an ordinary user"
		AS_USER=(runuser -u postgres --)
	fi
	PG_BIN=$("$PG_CONFIG" --bindir)
	PG_PKGLIB=$("$PG_CONFIG" --pkglibdir)
	export PG_CONFIG PG_BIN WORK
}

# Run a command as the unprivileged user, with this PostgreSQL first in PATH.
run() {
	"${AS_USER[@]}" env PATH="$PG_BIN:$PATH" "$@"
}

clean_up() {
	local status=$?
	if [ -f "$WORK/data/postmaster.pid" ]; then
		run pg_ctl -D "$WORK/data" -m immediate -w stop >/dev/null 2>&1 || true
	fi
	if [ -n "${KEEP_WORK:-}" ]; then note "kept $WORK"; else rm -rf "$WORK"; fi
	exit $status
}

# Build a copy of the source into $WORK/stage. Arguments go to make.
build() {
	mkdir "$WORK/src" "$WORK/stage"
	(
		cd "$SOURCE"
		if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
			git ls-files -co --exclude-standard -z
		else
			find . -path ./.git -prune -o -type f ! -name '*.o' ! -name '*.so' ! -name '*.bc' -print0
		fi | while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done |
			tar -c --null -T - -f - | tar -x -C "$WORK/src" -f -
	)
	[ "$(id -u)" != 0 ] || chown -R postgres: "$WORK"
	if ! { run make -s -j2 -C "$WORK/src" PG_CONFIG="$PG_CONFIG" with_llvm=no "$@" &&
		run make -s -C "$WORK/src" PG_CONFIG="$PG_CONFIG" with_llvm=no DESTDIR="$WORK/stage" install; } >"$WORK/build.log" 2>&1; then
		die "$(cat "$WORK/build.log")" "build failed"
	fi
	write_server_settings
}

# Settings that make any server load the staged files, in $WORK/server.conf.
# Debian's server knows extension_destdir; from 18 on there is
# extension_control_path.
write_server_settings() {
	local share known
	share=$("$PG_CONFIG" --sharedir)
	known=$(run postgres --describe-config | cut -f 1)
	{
		case $'\n'"$known"$'\n' in
			*$'\nextension_destdir\n'*) echo "extension_destdir = '$WORK/stage'" ;;
			*$'\nextension_control_path\n'*) echo "extension_control_path = '$WORK/stage$share:\$system'" ;;
			*) die "This PostgreSQL cannot load an extension from a private folder: use make install and make installcheck" ;;
		esac
		echo "dynamic_library_path = '$WORK/stage$PG_PKGLIB:\$libdir'"
	} | run tee "$WORK/server.conf" >/dev/null
}

# Start the throwaway cluster. Arguments are lines for postgresql.conf.
start_cluster() {
	local line
	run mkdir -p "$WORK/socket"
	run initdb -D "$WORK/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >"$WORK/initdb.log" 2>&1 ||
		die "$(cat "$WORK/initdb.log")" "initdb failed"
	{
		cat "$WORK/server.conf"
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$WORK/socket'"
		echo "fsync = off"
		echo "max_worker_processes = 16"
		for line in "$@"; do echo "$line"; done
	} | run tee -a "$WORK/data/postgresql.conf" >/dev/null
	run pg_ctl -D "$WORK/data" -l "$WORK/server.log" -w start >/dev/null ||
		die "$(cat "$WORK/server.log")" "the server did not start"
	export PGHOST="$WORK/socket" PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
}
