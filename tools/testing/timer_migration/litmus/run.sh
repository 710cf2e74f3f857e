#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the litmus tests of the core's memory ordering with herd7 and the kernel's
# memory model, and compare each with the "Result:" line in its comment.
#
# X-NAME.litmus is what tmigr_core.c does for its barrier pair (X), X-NAME+broken
# the same without the barrier. Shared data is accessed with READ_ONCE() and
# WRITE_ONCE() throughout, also where the core's accesses are plain because a
# lock is held: a broken twin is about the outcome, not about a data race.
#
# Before that, and also without herd7: each test has its broken twin and says
# what is expected, the functions it names exist, and each barrier pair of the
# core has a test.
#
# usage: run.sh CORE-DIRECTORY
#
#	KERNEL=	kernel tree with tools/memory-model; default: the one this is in
#	HERD7=	herd7 to use

set -u

[ $# -eq 1 ] || { echo "usage: run.sh CORE-DIRECTORY" >&2; exit 2; }
[ -r "$1/tmigr_core.c" ] || { echo "litmus: no tmigr_core.c in $1" >&2; exit 2; }

core=$(realpath "$1")/tmigr_core.c
KERNEL=${KERNEL:+$(realpath -m "$KERNEL")}
cd "$(dirname "$0")" || exit 1
herd7=${HERD7:-herd7}
kernel=${KERNEL:-$(realpath ../../../..)}
model=$kernel/tools/memory-model
failures=0

fail() {
	echo "litmus: $*" >&2
	failures=$((failures + 1))
}

expected() {
	sed -n 's/^ \* Result: \(Never\|Sometimes\|Always\)$/\1/p' "$1"
}

# --- What can be said without running them ------------------------------------

check_form() {
	local file=$1 name=${1%.litmus} result label function

	result=$(expected "$file")
	label=${name%%-*}

	[ "$(head -n 1 "$file")" = "C $name" ] || fail "$file: does not begin with \"C $name\""
	case $result in
	Never | Sometimes | Always) ;;
	*) fail "$file: no, or more than one, \"Result:\" line" ;;
	esac
	grep -q "^ \* ($label) " "$file" || fail "$file: does not begin with ($label)"
	grep -q '^exists ' "$file" || fail "$file: no exists clause"
	[ "$(tr -cd '{' < "$file" | wc -c)" = "$(tr -cd '}' < "$file" | wc -c)" ] ||
		fail "$file: unbalanced braces"

	for function in $(grep -o 'tmigr_[a-z_]*()' "$file" | sort -u); do
		grep -q "\<${function%()}(" "$core" "${core%core.c}topology.c" ||
			fail "$file: $function does not exist"
	done
}

check_twins() {
	local file=$1 name=${1%.litmus}

	case $name in
	*+broken)
		[ "$(expected "$file")" = Sometimes ] || fail "$file: expects other than Sometimes"
		;&
	*+*)
		[ -e "${name%%+*}.litmus" ] || fail "$file: there is no ${name%%+*}.litmus"
		;;
	*)
		[ "$(expected "$file")" = Never ] || fail "$file: expects other than Never"
		[ -e "$name+broken.litmus" ] || fail "$file: there is no $name+broken.litmus"
		;;
	esac
}

check_labels() {
	local label

	for label in $(grep -o '([A-Z])' "$core" | tr -d '()' | sort -u); do
		compgen -G "$label-*.litmus" > /dev/null ||
			fail "no test of tmigr_core.c's ($label)"
	done
	for label in $(ls ./*.litmus | sed 's|^\./\([A-Z]\)-.*|\1|' | sort -u); do
		grep -q "($label)" "$core" || fail "tmigr_core.c has no ($label)"
	done
}

# --- Running them -----------------------------------------------------------

run_test() {
	local file=$1 name=${1%.litmus} output observed

	output=$(cd "$model" && "$herd7" -conf linux-kernel.cfg "$OLDPWD/$file" 2>&1)
	observed=$(sed -n 's/^Observation [^ ]* \([A-Z][a-z]*\) .*/\1/p' <<< "$output")
	if [ -z "$observed" ]; then
		fail "$name: herd7 says: $(head -n 1 <<< "$output")"
	elif [ "$observed" != "$(expected "$file")" ]; then
		fail "$name: $observed, expected $(expected "$file")"
	fi
}

tests=(*.litmus)
[ -e "${tests[0]}" ] || { echo "litmus: no tests" >&2; exit 1; }

for file in "${tests[@]}"; do
	check_form "$file"
	check_twins "$file"
done
check_labels

if ! command -v "$herd7" > /dev/null; then
	echo "SKIP: herd7 is not installed (${#tests[@]} tests not run)"
elif [ ! -r "$model/linux-kernel.cfg" ] && [ -n "${KERNEL:-}" ]; then
	echo "litmus: no tools/memory-model/linux-kernel.cfg in KERNEL=$KERNEL" >&2
	exit 2
elif [ ! -r "$model/linux-kernel.cfg" ]; then
	echo "SKIP: no memory model, set KERNEL= to a kernel tree (${#tests[@]} tests not run)"
else
	for file in "${tests[@]}"; do
		run_test "$file"
	done
	[ $failures -gt 0 ] || echo "litmus: ${#tests[@]} tests, all as expected"
fi

[ $failures -eq 0 ]
