#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Break the core in one place at a time; the model checker must notice.
#
# usage: run.sh CORE OUT [PATTERN]		PATTERN: only mutants whose name has it
set -u -o pipefail
cd "$(dirname "$0")/.." || exit

core=${1:?} out=${2:?} pattern=${3:-}
edit="python3 -B mutants/edit.py"
killed=0 survived=0 broken=0

first_violation() { sed -n 's/^\([a-z0-9_]*\): VIOLATION: /\1: /p' "$1" | head -n 1; }

# try NAME: sets verdict and by
try() {
	local dir=$out/$1 rc=0 program
	verdict=survived by=
	mkdir -p "$dir"
	$edit make "$1" "$core" "$dir/core" || { verdict='does not apply'; return; }
	make -s O="$dir" CORE="$dir/core" CFLAGS=-O1 mc >"$dir/log" 2>&1 ||
		{ verdict='does not build'; return; }
	for program in mc mc-wide; do
		timeout 900 "$dir/$program" --all --fail-fast >"$dir/log" 2>&1 || { rc=$?; break; }
	done
	case $rc in
	0) ;;
	1) verdict=killed by=$(first_violation "$dir/log") ;;
	*) verdict="no verdict, see $dir/log" ;;
	esac
}

names=$($edit list mutants) || exit
for name in $names; do
	[[ $name == *$pattern* ]] || continue
	try "$name"
	printf '  %-36s %-10s %s\n' "$name" "$verdict" "$by"
	case $verdict in
	killed) killed=$((killed + 1)) ;;
	survived) survived=$((survived + 1)) ;;
	*) broken=$((broken + 1)) ;;
	esac
done

[ $broken = 0 ] || echo "$broken could not be judged"
echo "$killed killed, $survived survived"
[ $((survived + broken)) = 0 ] && [ $killed != 0 ]
