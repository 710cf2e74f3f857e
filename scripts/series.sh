# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# The series as git sees it. Sourced after lib.sh.

# One hash for all patches, to see whether they changed
patches_id() { patch_list | xargs -r cat | sha256sum | cut -d' ' -f1; }

# apply_onto_base TREE PATCH...: "git am" the patches onto the bare base and
# print the commit which they lead to. Happens in a throw-away worktree that
# holds next to no files: neither the tree nor its branch is touched.
apply_onto_base() {
	local tree=$1 work rc=0 patch
	shift
	work=$(mktemp -d)/am
	{
		git -C "$tree" worktree add -q --detach --no-checkout "$work" base &&
		git -C "$work" sparse-checkout set --no-cone '/COPYING' &&
		git -C "$work" read-tree -mu HEAD
	} >/dev/null 2>&1 || rc=1
	for patch; do
		[ "$rc" = 0 ] || break
		git -C "$work" am -q --committer-date-is-author-date "$patch" >/dev/null 2>"$work.err" && continue
		rc=1
		explain_failed_patch "$work" "$patch" "$work.err" >&2
	done
	[ "$rc" != 0 ] || git -C "$work" rev-parse HEAD
	git -C "$tree" worktree remove --force "$work" 2>/dev/null || true
	rm -rf "$(dirname "$work")"
	return $rc
}

explain_failed_patch() {
	local where
	where=$(rejected_hunks "$1" "$2")
	warn "error: ${2#"$TOP"/} does not apply to $(base_version "$1"): ${where:-$(tail -n 1 "$3")} (the series was tested on $(base_field tested))"
}

# The release of the base in a tree, from the commit that holds it
base_version() { git -C "$1" log -1 --format=%s base | sed 's/^Linux \([^,]*\),.*/\1/'; }

# rejected_hunks REPO PATCH: the files and hunks that do not apply to HEAD
rejected_hunks() {
	local scratch file
	scratch=$(mktemp -d)
	git apply --numstat "$2" | cut -f3 | while read -r file; do
		git -C "$1" cat-file -e "HEAD:$file" 2>/dev/null || continue
		mkdir -p "$scratch/$(dirname "$file")"
		git -C "$1" show "HEAD:$file" >"$scratch/$file"
	done
	{ cd "$scratch" && GIT_CEILING_DIRECTORIES=$scratch git apply --reject --verbose "$2" 2>&1 || true; } |
		awk '/^Checking patch / { file = $3; sub(/\.\.\.$/, "", file) }
		     /^Applying patch / { file = $3 }
		     /^Rejected hunk /  { h = $3; sub(/\.$/, "", h); print file ", hunk " h }
		     /No such file/     { print file ", which is not there" }' |
		sort -u | paste -s -d';' | sed 's/;/; /g'
	rm -rf "$scratch"
}

# unknown_files TREE: files of the tree that are in no commit. Objects go
# elsewhere, so there should be none but what editors leave. Ignored ones count:
# the .gitignore of Debian's source hides every new file.
unknown_files() {
	git -C "$1" ls-files --others | grep -v -E '(~|\.(orig|rej|swp))$|(^|/)(\.checkpatch-camelcase\..*|tags|TAGS|cscope\..*|compile_commands\.json)$' || true
}

# Work in a tree that patches/ does not have; prints what it is
unexported_work() {
	local tree=$1 tip
	git -C "$tree" diff --quiet HEAD 2>/dev/null || { echo "uncommitted changes"; return; }
	[ -z "$(unknown_files "$tree")" ] || { echo "files that git does not know"; return; }
	[ ! -d "$tree/.git/rebase-merge" ] && [ ! -d "$tree/.git/rebase-apply" ] ||
		{ echo "an unfinished rebase"; return; }
	[ -z "$(git -C "$tree" stash list)" ] || { echo "stashed changes"; return; }
	tip=$(git -C "$tree" config --get timers-next.tip || true)
	[ "$(git -C "$tree" rev-parse HEAD)" = "$tip" ] || { echo "commits"; return; }
	[ -z "$(git -C "$tree" log --branches --format=%h --not "$tip" | head -n 1)" ] ||
		echo "commits on other branches"
}
