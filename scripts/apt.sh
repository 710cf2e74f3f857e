# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# A private apt: packages from the machine's own Debian mirrors, in suites and
# for architectures that the machine itself does not use. It has sources, lists
# and state of its own, so the machine's are never changed, and apt verifies
# what it downloads as always. Sourced after lib.sh.

APT_DIR=$CACHE/apt

have_apt() { command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1; }

# The machine's Debian mirrors, from its own apt configuration
debian_mirrors() {
	local found
	# shellcheck disable=SC2016	# apt's own placeholders
	found=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null || true)
	# apt names only what it has lists of; an image may come without any.
	[ -n "$found" ] || found=$(configured_sources)
	printf '%s\n' "$found" | grep -v -e security -e debian-ports | grep . | sort -u || true
}

# The same from the files: "deb [...] URI ..." and "URIs: URI ..."
configured_sources() {
	local etc=${APT_ETC:-/etc/apt}
	cat "$etc"/sources.list "$etc"/sources.list.d/*.list 2>/dev/null |
		sed -n 's/^deb \(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p'
	cat "$etc"/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *//p' | tr ' ' '\n'
	true
}

# private_apt ARCH PROGRAM ARGS...
private_apt() {
	local arch=$1 program=$2 state=$APT_DIR/$1
	shift 2
	"$program" -q -o APT::Architecture="$arch" -o APT::Architectures::="$arch" \
		-o Dir::Etc::SourceList="$state/sources.list" -o Dir::Etc::SourceParts=- \
		-o Dir::State::Lists="$state/lists" -o Dir::Cache="$state/cache" \
		-o Dir::State::status="$state/status" -o APT::Sandbox::User=root "$@"
}

# apt_offer ARCH MIRROR SUITE PACKAGE: point the private apt there and print
# the newest version which it has
apt_offer() {
	local arch=$1 state=$APT_DIR/$1
	mkdir -p "$state"/{lists,cache/archives}/partial
	: >"$state/status"
	printf 'deb [signed-by=%s] %s %s main\n' \
		/usr/share/keyrings/debian-archive-keyring.gpg "$2" "$3" >"$state/sources.list"
	private_apt "$arch" apt-get update >"$APT_DIR/log" 2>&1 || return 1
	private_apt "$arch" apt-cache show --no-all-versions "$4" 2>/dev/null | sed -n 's/^Version: //p'
}

# apt_find ARCH PACKAGE SUITE...: first mirror and suite that have it; prints
# the version, leaves the private apt pointed there
apt_find() {
	local arch=$1 package=$2 suite mirror found
	shift 2
	for suite; do
		for mirror in $(debian_mirrors); do
			found=$(apt_offer "$arch" "$mirror" "$suite" "$package") || continue
			[ -z "$found" ] || { printf '%s\n' "$found"; return 0; }
		done
	done
	return 1
}

# apt_download ARCH PACKAGE=VERSION DIR: the verified .deb, in DIR
apt_download() {
	(cd "$3" && private_apt "$1" apt-get download "$2" >"$APT_DIR/log" 2>&1) ||
		die "the download of ${2%%=*} failed: $(apt_complaint); run it again"
}

# What apt said, without the names of mirrors
apt_complaint() { grep -m1 -E '^(E|W|Err)' "$APT_DIR/log" | sed 's,//[^/ ]*,//MIRROR,g'; }
