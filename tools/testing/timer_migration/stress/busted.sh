#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Show that the stress test can fail: run it on copies of the core that are
# broken in one place each, as mutants/mutants.py has them. Every run has to end
# with 1, and with a report as described here: a broken invariant, a lost timer
# or a data race.
#
# usage: busted.sh CORE-DIRECTORY OUTPUT-DIRECTORY SECONDS

set -u

# The mutant, and a regular expression of what is found: (a) to (d) are the
# invariants that rest.c checks, a data race is ThreadSanitizer's report, which
# names the side that came second.
expected="
h01-seq-not-bumped-when-active	(b) slot
h12-inherited-before-the-lock	data race .* in tmigr_
my-duty-kept-when-active	(d) lost
my-last-one-without-lock	(b) slot
my-next-not-asked		(d) lost
"

if [ $# -ne 3 ]; then
	echo "usage: busted.sh CORE-DIRECTORY OUTPUT-DIRECTORY SECONDS" >&2
	exit 2
fi
if ! [[ $3 =~ ^[1-9][0-9]{0,5}$ ]]; then
	echo "busted: SECONDS wants a number from 1 to 999999, not \"$3\"" >&2
	exit 2
fi

core=$1
out=$2/busted
seconds=$3
survived=0
killed=0

# Make the copy and its stress test in $copy
build_mutant() {
	rm -rf "$copy"
	python3 -B mutants/edit.py make "$1" "$core" "$copy" || exit
	if ! make -s CORE="$copy" O="$copy" "$copy/stress-tsan-2" > "$copy/make.log" 2>&1; then
		echo "busted: $1 does not build: see $copy/make.log" >&2
		exit 1
	fi
}

# What a log says was found first
first_report() {
	sed -n -e 's/^stress: round [^:]*: //p' -e 's/^SUMMARY: //p' "$1" | head -n 1
}

# try NAME EXPRESSION
try() {
	local copy=$out/$1 status found start took

	build_mutant "$1"
	start=$EPOCHREALTIME
	"$copy/stress-tsan-2" --seconds "$seconds" > "$copy/log" 2>&1
	status=$?
	took=$(((${EPOCHREALTIME/[.,]/} - ${start/[.,]/}) / 100000))
	took=$((took / 10)).$((took % 10))
	found=$(first_report "$copy/log")

	if [ $status -eq 1 ] && grep -q -e "$2" <<< "$found"; then
		killed=$((killed + 1))
		printf 'busted: %-31s found after %4s s: %s\n' "$1" "$took" "$found"
	else
		survived=$((survived + 1))
		printf 'busted: %-31s NOT FOUND in %s s (status %d, %s), see %s\n' "$1" "$took" \
			$status "${found:-no report}" "$copy/log" >&2
	fi
}

while read -r name expression; do
	[ -z "$name" ] || try "$name" "$expression"
done <<< "$expected"

echo "busted: $killed found, $survived not found"
[ $survived -eq 0 ] && [ $killed -gt 0 ]
