# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What every script of the project shares: where things are, how the knobs of
# the make targets are read, and how progress and failure are shown.
#
# Sourced, never run. Owns no state beyond the variables that it exports.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
HOME=${HOME:-/root}
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/timers-next

# Knobs of the make targets. Empty means: not given.
BASE=${BASE:-v7.3}
CONFIG=${CONFIG:-}
CPUS=${CPUS:-4}
MEM=${MEM:-}
ACCEL=${ACCEL:-auto}
V=${V:-0}
BUILD=$(realpath -m -- "${BUILD:-$TOP/build}")

PATCHES=$TOP/patches/$BASE
TREE=$BUILD/$BASE/linux

now() { date +%s; }

# elapsed START: minutes and seconds since START
elapsed() {
	local s=$(($(now) - $1))
	printf '%d:%02d' $((s / 60)) $((s % 60))
}

say()  { printf '%s\n' "$*"; }
warn() { printf 'timers-next: %s\n' "$*" >&2; }
die()  { printf 'timers-next: error: %s\n' "$*" >&2; exit 1; }

case $TOP$BUILD in
*[[:space:]:]*) die "the kernel cannot be built in a folder with a space or colon in its name: $BUILD" ;;
esac

# Some failures have an exit status of their own, so that callers can tell
# them apart without reading text.
EXIT_USAGE=2 EXIT_HUNG=124 EXIT_PANIC=125

usage_error() { printf 'timers-next: error: %s\n' "$*" >&2; exit "$EXIT_USAGE"; }

[[ $CPUS =~ ^[1-9][0-9]*$ ]] || usage_error "CPUS='$CPUS' is not a number of CPUs"
[[ -z $MEM || $MEM =~ ^[1-9][0-9]*$ ]] || usage_error "MEM='$MEM' is not a number of megabytes"

# run_phase LABEL LOG COMMAND...: run COMMAND with its output in LOG
#
# Quiet success: one line with the time it took. On a terminal that line is
# alive meanwhile; elsewhere a heartbeat appears once a minute. Failure prints
# the lines of LOG which say why. V=1 shows everything.
run_phase() {
	# Named so that they hide no variable of COMMAND, which may be a function.
	local phase_label=$1 phase_log=$2 phase_start phase_pid phase_rc=0 phase_beat=0
	shift 2
	phase_start=$(now)
	mkdir -p "$(dirname "$phase_log")"

	if [ "$V" = 1 ]; then
		say "== $phase_label"
		"$@" 2>&1 | tee "$phase_log" || phase_rc=$?
	else
		# A process group of its own, so that Ctrl-C ends all of it:
		# what a shell runs in the background ignores the signal.
		set -m
		"$@" >"$phase_log" 2>&1 </dev/null &
		phase_pid=$!
		set +m
		trap 'kill -TERM -- -$phase_pid 2>/dev/null; exit 130' INT TERM HUP
		while kill -0 "$phase_pid" 2>/dev/null; do
			phase_beat=$((phase_beat + 1))
			if [ -t 1 ]; then
				printf '\r  %-38s %6s  %-28.28s' "$phase_label" "$(elapsed "$phase_start")" \
					"$(tail -c 200 "$phase_log" | tr '\r\t' '\n ' | tail -n 1)"
			elif [ $((phase_beat % 120)) = 0 ]; then
				printf '  %-38s %6s  ... %s\n' "$phase_label" "$(elapsed "$phase_start")" \
					"$(grep -c . "$phase_log" || true) lines of output"
			fi
			sleep 0.5
		done
		wait "$phase_pid" || phase_rc=$?
		trap - INT TERM HUP
		[ ! -t 1 ] || printf '\r\033[K'
	fi

	if [ "$phase_rc" != 0 ]; then
		printf '  %-38s %6s  FAILED\n' "$phase_label" "$(elapsed "$phase_start")"
		show_failure "$phase_log" >&2
		return "$phase_rc"
	fi
	printf '  %-38s %6s\n' "$phase_label" "$(elapsed "$phase_start")"
}

# show_failure LOG: the lines of LOG that name the error, else its end
show_failure() {
	local lines
	lines=$(grep -n -E '^timers-next: error|^  FAIL|error:|Error [0-9]+$|No space left|undefined reference' "$1" |
		cut -d: -f2- | head -n 12 || true)
	if [ -n "$lines" ]; then
		printf '%s\n' "$lines" | sed 's/^/    /'
	else
		tail -n 12 "$1" | sed 's/^/    /'
	fi
	case $lines in
	"timers-next: error"*) ;;
	*) warn "the whole output is in ${1#"$TOP"/}" ;;
	esac
}

# need_space DIR MEGABYTES WHAT: refuse before anything is written
need_space() {
	local dir=$1 avail
	while [ ! -d "$dir" ]; do dir=$(dirname "$dir"); done
	avail=$(df -P -m "$dir" | awk 'NR == 2 { print $4 }')
	[ "$avail" -ge "$2" ] ||
		die "no space for $3: it needs $2 MB, $dir has $avail MB free"
}

# base_field KEY: a value from patches/BASE/base
base_field() { sed -n "s/^$1[[:space:]]*=[[:space:]]*//p" "$PATCHES/base"; }

check_base() {
	[ -r "$PATCHES/base" ] ||
		usage_error "unknown BASE '$BASE': there is $(cd "$TOP/patches" && echo ./* | sed 's,\./,,g')"
}

patch_list() { find "$PATCHES" -maxdepth 1 -name '[0-9]*.patch' | sort; }

# Variables on the command line of the outermost make are no business of the
# kernel's makefiles.
unset MAKEFLAGS MFLAGS MAKEOVERRIDES

# A git hook or a CI system may point git at another repository.
if command -v git >/dev/null 2>&1; then
	# shellcheck disable=SC2046	# a list of names
	unset $(git rev-parse --local-env-vars)
fi

# Pin what git and kbuild would otherwise take from the machine, so that the
# same source gives the same commits and the same objects everywhere.
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null
export GIT_AUTHOR_NAME=timers-next GIT_AUTHOR_EMAIL=timers-next@project.invalid
export GIT_COMMITTER_NAME=timers-next GIT_COMMITTER_EMAIL=timers-next@project.invalid
export KBUILD_BUILD_TIMESTAMP='Thu Jan  1 00:00:00 UTC 1970'
export KBUILD_BUILD_USER=timers-next KBUILD_BUILD_HOST=timers-next
export CCACHE_BASEDIR=$BUILD CCACHE_NOHASHDIR=1
export LC_ALL=C

JOBS=${JOBS:-$(($(nproc) + 1))}
