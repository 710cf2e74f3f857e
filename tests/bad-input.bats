#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0
#
# Bad input gets one clear line and a non-zero status, leaves nothing
# half-done, and the next run recovers. Nothing here boots a guest or touches
# build/: every test has a build folder and a cache of its own, and programs
# that would reach outside are replaced by stubs in front of PATH.

setup() {
	TOP=$(cd "$BATS_TEST_DIRNAME/.." && pwd -P)
	REAL_TREE=${BUILD:-$TOP/build}/v7.3/linux
	T=$BATS_TEST_TMPDIR
	unset LINUX CONFIG ACCEL BASE ARCH V
	export BUILD=$T/build XDG_CACHE_HOME=$T/cache
	CACHE=$XDG_CACHE_HOME/timers-next
	mkdir -p "$T/stubs" "$BUILD"
}

# stub NAME: a program in front of PATH, its text on standard input
stub() {
	{ echo '#!/bin/bash'; cat; } >"$T/stubs/$1"
	chmod +x "$T/stubs/$1"
	export PATH=$T/stubs:$PATH
}

# The few files of the base that make a tree recognisable and patchable
small_tree() {
	mkdir -p "$T/linux"
	git -C "$REAL_TREE" archive base Makefile Kbuild COPYING kernel/time | tar -x -C "$T/linux"
	patch_files | sort -u | while read -r file; do
		git -C "$REAL_TREE" cat-file -e "base:$file" 2>/dev/null || continue
		mkdir -p "$T/linux/$(dirname "$file")"
		git -C "$REAL_TREE" show "base:$file" >"$T/linux/$file"
	done
}

patch_files() { sed -n 's,^--- a/,,p' "$TOP"/patches/v7.3/*.patch; }

plenty_of_space() { stub df <<<'echo x; echo x x x 999999 x x'; }

no_apt() { stub apt-get <<<'exit 100'; stub curl <<<'exit 6'; }

# stub_mirror COMMANDS: a Debian mirror whose download of the kernel does that
stub_mirror() {
	stub apt-get <<-STUB
		case "\$*" in
		*indextargets*) echo http://mirror.invalid/debian/ ;;
		*download*) $1 ;;
		esac
	STUB
	stub apt-cache <<<'echo "Version: 7.3.4-1~bpo13+1"'
}

# one_line PATTERN: failed, with exactly one error line, which matches
one_line() {
	echo "status $status: $output"
	[ "$status" -ne 0 ]
	[ "$(grep -c 'timers-next: .*error' <<<"$output")" = 1 ]
	grep -q -E "$1" <<<"$output"
}

@test "LINUX= that is not a kernel tree" {
	mkdir "$T/nothing"
	LINUX=$T/nothing run "$TOP/scripts/make-tree"
	one_line 'is not a kernel tree'
	[ ! -e "$BUILD/v7.3/linux" ]
}

@test "LINUX= of the wrong version" {
	small_tree
	sed -i 's/^PATCHLEVEL = .*/PATCHLEVEL = 1/' "$T/linux/Makefile"
	LINUX=$T/linux run "$TOP/scripts/make-tree"
	one_line 'is 7\.1\.[0-9]+; .* needs 7\.3\.y \(tested: 7\.3\.4\)'
}

@test "LINUX= on which a patch fails: patch, file, hunk, release tested; nothing kept" {
	small_tree
	plenty_of_space
	sed -i 's/config POSIX_AUX_CLOCKS/config POSIX_OTHER_CLOCKS/' "$T/linux/kernel/time/Kconfig"
	LINUX=$T/linux run "$TOP/scripts/make-tree"
	one_line 'patches/v7.3/0001-.*\.patch does not apply to 7\.3\.4: kernel/time/Kconfig, hunk #2 .*tested on 7\.3\.4'
	[ ! -e "$BUILD/v7.3/linux" ]
	[ ! -e "$BUILD/v7.3/linux.partial" ]
	# The user's tree is as it was
	[ "$(grep -c 'Expire POSIX' "$T/linux/kernel/time/Kconfig")" = 0 ]
}

@test "LINUX= of another 7.3 release works, and the next run recovers from a failed one" {
	small_tree
	plenty_of_space
	cp "$T/linux/kernel/time/Kconfig" "$T/Kconfig"
	: >"$T/linux/kernel/time/Kconfig"
	LINUX=$T/linux run "$TOP/scripts/make-tree"
	[ "$status" -ne 0 ]
	cp "$T/Kconfig" "$T/linux/kernel/time/Kconfig"
	sed -i 's/^SUBLEVEL = .*/SUBLEVEL = 9/' "$T/linux/Makefile"
	LINUX=$T/linux run "$TOP/scripts/make-tree"
	[ "$status" = 0 ]
	[ "$(git -C "$BUILD/v7.3/linux" log --format=%s -1 base)" = "Linux 7.3.9, the base of timers-next" ]
}

@test "LINUX= that was built in place" {
	small_tree
	: >"$T/linux/.config"
	LINUX=$T/linux run "$TOP/scripts/make-tree"
	one_line "was built in place: run 'make mrproper' there"
}

@test "a new file in the tree: distclean, export and a refresh refuse" {
	small_tree
	plenty_of_space
	LINUX=$T/linux "$TOP/scripts/make-tree"
	# Debian's .gitignore hides whatever is new
	printf '/*\n' >>"$BUILD/v7.3/linux/.git/info/exclude"
	echo new >"$BUILD/v7.3/linux/kernel/time/new.c"
	run "$TOP/scripts/export-series" --into "$T/out"
	one_line 'in no commit, such as kernel/time/new.c'
	run "$TOP/scripts/clean" --all
	one_line 'work that was not exported .files that git does not know.'
	[ -e "$BUILD/v7.3/linux/kernel/time/new.c" ]
	git -C "$BUILD/v7.3/linux" config timers-next.patches other
	run "$TOP/scripts/make-tree"
	one_line 'files that git does not know'
}

@test "clean leaves what the project did not make" {
	mkdir "$BUILD/precious" "$BUILD/log"
	run "$TOP/scripts/clean" --all
	one_line 'is not a build folder of this project'
	[ -d "$BUILD/log" ]

	small_tree
	plenty_of_space
	LINUX=$T/linux "$TOP/scripts/make-tree"
	run "$TOP/scripts/clean" --all
	[ "$status" = 0 ]
	[ -d "$BUILD/precious" ]
	[ ! -e "$BUILD/log" ]
	[ ! -e "$BUILD/v7.3" ]
}

@test "export refuses fixup commits, however many commits follow" {
	small_tree
	plenty_of_space
	LINUX=$T/linux "$TOP/scripts/make-tree"
	git -C "$BUILD/v7.3/linux" commit -q --allow-empty -m 'fixup! something'
	run "$TOP/scripts/export-series" --into "$T/out"
	one_line 'has fixup commits'
}

@test "a build folder with a space in its name" {
	BUILD="$T/a b" run "$TOP/scripts/make-tree"
	one_line 'folder with a space or colon'
}

@test "the tree cannot be set to new patches: not taken for refreshed" {
	small_tree
	plenty_of_space
	LINUX=$T/linux "$TOP/scripts/make-tree"
	git -C "$BUILD/v7.3/linux" config timers-next.patches other
	: >"$BUILD/v7.3/linux/.git/index.lock"
	run "$TOP/scripts/make-tree"
	one_line 'could not be set to the series'
	rm "$BUILD/v7.3/linux/.git/index.lock"
	run "$TOP/scripts/make-tree"
	[ "$status" = 0 ]
	grep -q refreshed <<<"$output"
}

@test "apt without package lists: the mirrors come from its sources" {
	stub apt-get <<<'exit 0'
	mkdir -p "$T/apt/sources.list.d"
	echo 'deb [arch=amd64] http://one.invalid/debian bookworm main' >"$T/apt/sources.list"
	printf 'Types: deb\nURIs: http://two.invalid/debian/\n' >"$T/apt/sources.list.d/x.sources"
	APT_ETC=$T/apt run bash -c '. "$0/scripts/lib.sh"; . "$0/scripts/apt.sh"; debian_mirrors | paste -s -d" "' "$TOP"
	[ "$output" = "http://one.invalid/debian http://two.invalid/debian/" ]
}

@test "kernel.org: a signed tarball is taken, one without a valid signature is not" {
	command -v gpg >/dev/null && command -v curl >/dev/null || skip "no gpg or curl"
	plenty_of_space
	stub apt-get <<<'exit 100'
	mkdir -p "$CACHE/gnupg" "$T/kernel.org" "$T/src/linux-7.3.4"
	chmod 700 "$CACHE/gnupg"
	export KERNEL_ORG=file://$T/kernel.org KERNEL_SIGNERS=
	tar -C "$T/src" -cf "$T/kernel.org/linux-7.3.4.tar" linux-7.3.4
	gpg --homedir "$CACHE/gnupg" --batch --quiet --passphrase '' --quick-gen-key signer@project.invalid 2>/dev/null
	gpg --homedir "$CACHE/gnupg" --batch --quiet --detach-sign -o "$T/kernel.org/linux-7.3.4.tar.sign" "$T/kernel.org/linux-7.3.4.tar"
	xz -k "$T/kernel.org/linux-7.3.4.tar"
	run "$TOP/scripts/fetch-base"
	echo "$output"
	[ "$status" = 0 ]
	[ -s "$CACHE/linux-7.3.4.tar.xz" ]

	rm "$CACHE/linux-7.3.4.tar.xz"
	echo changed >"$T/src/linux-7.3.4/changed"
	tar -C "$T/src" -cJf "$T/kernel.org/linux-7.3.4.tar.xz" linux-7.3.4
	run "$TOP/scripts/fetch-base"
	one_line 'no valid signature'
	[ ! -e "$CACHE/linux-7.3.4.tar.xz" ]
	gpgconf --homedir "$CACHE/gnupg" --kill all 2>/dev/null || true
}

@test "another LINUX= than the tree was made from" {
	small_tree
	plenty_of_space
	LINUX=$T/linux run "$TOP/scripts/make-tree"
	[ "$status" = 0 ]
	cp -r "$T/linux" "$T/linux2"
	LINUX=$T/linux2 run "$TOP/scripts/make-tree"
	one_line 'was made from .*/linux, not from .*/linux2'
}

@test "patches/ and the tree both changed: nothing is touched" {
	small_tree
	plenty_of_space
	LINUX=$T/linux "$TOP/scripts/make-tree"
	git -C "$BUILD/v7.3/linux" config timers-next.patches other
	echo >>"$BUILD/v7.3/linux/kernel/time/timer.c"
	run "$TOP/scripts/make-tree"
	one_line 'has work that was not exported'
	[ "$(git -C "$BUILD/v7.3/linux" diff --name-only)" = kernel/time/timer.c ]
	run "$TOP/scripts/export-series" --into "$T/out"
	one_line 'uncommitted changes'
	run "$TOP/scripts/clean" --all
	one_line 'not exported'
}

@test "truncated download in the cache, no network: told, removed, one error" {
	mkdir -p "$CACHE"
	echo truncated >"$CACHE/linux-source-7.3-7.3.4-1~bpo13+1.tar.xz"
	no_apt
	plenty_of_space
	run "$TOP/scripts/fetch-base"
	one_line 'on none of this machine.s Debian mirrors'
	grep -q 'truncated or corrupt: fetching it again' <<<"$output"
	[ ! -e "$CACHE/linux-source-7.3-7.3.4-1~bpo13+1.tar.xz" ]
}

@test "a download with the wrong checksum is not kept" {
	plenty_of_space
	mkdir -p "$T/deb/usr/src" "$T/deb/DEBIAN"
	echo wrong >"$T/deb/usr/src/linux-source-7.3.tar.xz"
	printf '%s\n' 'Package: linux-source-7.3' 'Version: 7.3.4-1~bpo13+1' 'Architecture: all' \
		'Maintainer: nobody' 'Description: test' >"$T/deb/DEBIAN/control"
	dpkg-deb -b "$T/deb" "$T/whole.deb" >/dev/null
	stub_mirror "cp $T/whole.deb ./x.deb"
	run "$TOP/scripts/fetch-base"
	one_line 'does not have the checksum recorded'
	[ -z "$(ls "$CACHE"/*.tar.xz 2>/dev/null)" ]
}

@test "download interrupted: no half file is taken for whole, the next run cleans up" {
	plenty_of_space
	stub_mirror 'echo half >linux-source.deb; exec sleep 5'
	"$TOP/scripts/fetch-base" 3>&- &
	for _ in $(seq 50); do
		ls "$CACHE"/partial.*/linux-source.deb 2>/dev/null && break
		sleep 0.1
	done
	kill -9 $!
	[ -s "$CACHE"/partial.*/linux-source.deb ]
	[ -z "$(ls "$CACHE"/*.tar.xz 2>/dev/null)" ]
	# The lock goes with the last process of the killed run
	no_apt
	run "$TOP/scripts/fetch-base"
	one_line 'Debian mirrors'
	[ -z "$(ls -d "$CACHE"/partial.* 2>/dev/null)" ]
}

@test "a failing mirror: one line, without its name" {
	plenty_of_space
	stub_mirror "echo 'E: Failed to fetch http://mirror.invalid/x.deb  Connection timed out'; exit 100"
	run "$TOP/scripts/fetch-base"
	one_line 'the download of linux-source-7.3 failed: .*Connection timed out; run it again'
	[ "$(grep -c 'mirror\.invalid' <<<"$output")" = 0 ]
}

@test "no space: refused before anything is written" {
	small_tree
	stub df <<<'echo x; echo x x x 10 x x'
	LINUX=$T/linux run "$TOP/scripts/make-tree"
	one_line 'no space for the kernel tree: it needs 4000 MB, .* has 10 MB free'
	[ ! -e "$BUILD/v7.3/linux.partial" ]
	run "$TOP/scripts/fetch-base"
	one_line 'no space for the download'
}

@test "disk full while the tree is unpacked: nothing is kept, the next run works" {
	small_tree
	plenty_of_space
	mkdir "$T/full"
	mount -t tmpfs -o size=64k tmpfs "$T/full" 2>/dev/null || skip "cannot mount a small file system here"
	BUILD=$T/full LINUX=$T/linux run "$TOP/scripts/make-tree"
	umount "$T/full"
	echo "$output"
	[ "$status" -ne 0 ]
	grep -q 'nothing was kept' <<<"$output"
	LINUX=$T/linux run "$TOP/scripts/make-tree"
	[ "$status" = 0 ]
}

@test "a package is missing and the user is not root: one line with the command" {
	stub id <<<'echo 1000'
	mkdir "$T/bin"
	for tool in bash sh dirname nproc date mkdir cut df awk printf apt-get ls cat grep realpath; do
		ln -s "$(type -P $tool)" "$T/bin/"
	done
	PATH=$T/stubs:$T/bin run "$TOP/scripts/install-deps" build
	one_line 'missing packages and not root; run: apt-get install .*flex'
}

@test "a fragment asks for a symbol that cannot be had" {
	mkdir -p "$T/top" "$BUILD/v7.3"
	cp -r "$TOP/scripts" "$TOP/configs" "$TOP/patches" "$T/top/"
	ln -s "$REAL_TREE" "$BUILD/v7.3/linux"
	printf '# bogus: impossible\nCONFIG_NO_SUCH_TIMER=y\n' >"$T/top/configs/bogus.config"
	CONFIG=bogus run "$T/top/scripts/build-kernel" on prepare
	echo "$output"
	[ "$status" -ne 0 ]
	grep -q 'error: configs/bogus.config asks for CONFIG_NO_SUCH_TIMER=y, but the configuration has n' <<<"$output"
	# With the fragment mended it is configured anew
	[ ! -e "$BUILD/v7.3/bogus+gates-on/.timers-next-fragments" ]
}

# A kernel folder is all that run-guest needs to know about a kernel
fake_kernel() { mkdir -p "$BUILD/v7.3/gates-on"; echo CONFIG_SMP=y >"$BUILD/v7.3/gates-on/.config"; }

@test "a guest that hangs: time-out, last console lines, status 124" {
	fake_kernel
	stub qemu-system-x86_64 <<<'echo the last line before silence; exec sleep 30'
	ACCEL=tcg run "$TOP/scripts/run-guest" --time 1 on report "$T/log"
	[ "$status" = 124 ]
	one_line 'the guest hung: gates-on did not finish .report. within 1 s'
	grep -q 'the last line before silence' <<<"$output"
}

@test "a guest that panics: the reason, status 125" {
	fake_kernel
	stub qemu-system-x86_64 <<<'echo "[    1.0] Kernel panic - not syncing: no init"'
	ACCEL=tcg run "$TOP/scripts/run-guest" --time 5 on report "$T/log"
	[ "$status" = 125 ]
	one_line 'ended without finishing .report.: .*Kernel panic - not syncing: no init'
}

@test "a guest whose job fails returns the job's status" {
	fake_kernel
	stub qemu-system-x86_64 <<<'echo "timers-next: exit 3"'
	ACCEL=tcg run "$TOP/scripts/run-guest" --time 5 on report "$T/log"
	[ "$status" = 3 ]
}

@test "KVM that is there but runs nothing: TCG, told once" {
	[ -w /dev/kvm ] || skip "no /dev/kvm on this machine"
	stub qemu-system-x86_64 <<<'exec sleep 30'
	ACCEL=auto run "$TOP/scripts/probe-accel"
	[ "$status" = 0 ]
	grep -q 'using TCG' <<<"$output"
	ACCEL=auto run "$TOP/scripts/probe-accel"
	[ "$output" = tcg ]
}

@test "the tiny guest proves an accelerator that works" {
	command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64"
	"$TOP/scripts/probe-accel" --proof tcg
}

@test "CPUS= and MEM= that are no numbers: status 2" {
	CPUS=many run "$TOP/scripts/probe-accel"
	[ "$status" = 2 ]
	one_line "CPUS='many' is not a number of CPUs"
	MEM=1G run "$TOP/scripts/probe-accel"
	[ "$status" = 2 ]
	one_line "MEM='1G' is not a number of megabytes"
}

@test "unknown ACCEL, CONFIG, BASE, BENCH: status 2 and what there is" {
	ACCEL=xen run "$TOP/scripts/probe-accel"
	[ "$status" = 2 ]
	one_line "unknown ACCEL 'xen': auto, kvm or tcg"
	CONFIG=nonsense run "$TOP/scripts/build-kernel" on
	[ "$status" = 2 ]
	one_line "unknown CONFIG 'nonsense': there is .*debug"
	CONFIG=base run "$TOP/scripts/build-kernel" on
	[ "$status" = 2 ]
	run "$TOP/scripts/build-kernel" nonsense
	[ "$status" = 2 ]
	one_line "unknown variant 'nonsense': there is base"
	BASE=v9.9 run "$TOP/scripts/make-tree"
	[ "$status" = 2 ]
	one_line "unknown BASE 'v9.9': there is v7.3"
	BENCH=nonsense run "$TOP/scripts/bench"
	[ "$status" = 2 ]
	one_line "unknown BENCH 'nonsense': there is .*cpu-timers"
}

@test "a fragment that CONFIG names twice is one" {
	CONFIG='numa gates-on numa,gates-on' run bash -c \
		'. "$1/scripts/lib.sh"; . "$1/scripts/kernel.sh"; parse_config; echo "$FLAVOUR_NAME/${VARIANTS[*]}"' - "$TOP"
	[ "$status" = 0 ]
	[ "$output" = numa/on ]
}
