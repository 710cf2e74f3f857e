# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# Which kernel is meant: CONFIG= and a variant, resolved to fragments,
# architecture and folders. Sourced after lib.sh.
#
# CONFIG	a list of fragments in configs/, separated by space, comma or +
# variant	NAME patched tree, switches as in configs/gates-NAME.config: on, off,
#		     and others for what has more sides than two
#		base the unmodified base, same fragments without the switches

# Fragments that are merged by themselves, never named by the user
IMPLIED_FRAGMENTS=(base x86 series)

# Where the patched tree and its object folders are; bisect-check has its own
PATCHED_ROOT=${PATCHED_ROOT:-$BUILD/$BASE}

fragment_file() { printf '%s/configs/%s.config\n' "$TOP" "$1"; }

# What the user may name, with the line that documents it
list_fragments() {
	local file name
	for file in "$TOP"/configs/*.config; do
		name=$(basename "$file" .config)
		case " ${IMPLIED_FRAGMENTS[*]} " in *" $name "*) continue ;; esac
		printf '%s\n' "$name"
	done
}

# A fragment's header may carry "# KEY: value" lines
fragment_meta() { sed -n "s/^# $2: *//p" "$(fragment_file "$1")" | head -n 1; }

# parse_config: CONFIG -> FLAVOUR (fragments without the gates), ARCH, and
# VARIANTS, the gates that were named, and TEST_VARIANTS, those worth testing
parse_config() {
	local word arch known
	known=$(list_fragments | paste -s -d' ')
	FLAVOUR=() VARIANTS=() ARCH=x86_64
	for word in ${CONFIG//[,+]/ }; do
		case " $known " in
		*" $word "*) ;;
		*) usage_error "unknown CONFIG '$word': there is $known" ;;
		esac
		# Named twice, it is still one kernel
		case " ${FLAVOUR[*]-} ${VARIANTS[*]/#/gates-} " in *" $word "*) continue ;; esac
		case $word in
		gates-*) VARIANTS+=("${word#gates-}") ;;
		*)	 FLAVOUR+=("$word") ;;
		esac
		arch=$(fragment_meta "$word" arch)
		[ -z "$arch" ] || ARCH=$arch
	done
	FLAVOUR_NAME=$(IFS=+; echo "${FLAVOUR[*]-}")

	TEST_VARIANTS=(on off)
	[ ${#VARIANTS[@]} = 0 ] || TEST_VARIANTS=("${VARIANTS[@]}")
	export ARCH
}

# use_variant VARIANT: everything about one kernel of the current CONFIG
use_variant() {
	VARIANT=$1 FRAGMENTS=(base)
	case $ARCH in x86_64|i386) FRAGMENTS+=(x86) ;; esac
	case $VARIANT in
	base)	KTREE=$BUILD/base/$BASE/linux KLOCALVERSION=
		KNAME=${FLAVOUR_NAME:+$FLAVOUR_NAME+}base
		KDIR=$BUILD/base/$BASE/${FLAVOUR_NAME:-default} ;;
	*)	[ -f "$(fragment_file "gates-$VARIANT")" ] ||
			usage_error "unknown variant '$VARIANT': there is base, and on, off and others as in configs/gates-*"
		FRAGMENTS+=(series "gates-$VARIANT")
		KTREE=$PATCHED_ROOT/linux KLOCALVERSION=-timers-next
		KNAME=${FLAVOUR_NAME:+$FLAVOUR_NAME+}gates-$VARIANT
		KDIR=$PATCHED_ROOT/$KNAME ;;
	esac
	FRAGMENTS+=(${FLAVOUR[@]+"${FLAVOUR[@]}"})

	case $ARCH in
	x86_64|i386)	KIMAGE=$KDIR/arch/x86/boot/bzImage KTARGET=bzImage ;;
	arm64)		KIMAGE=$KDIR/arch/arm64/boot/Image KTARGET=Image ;;
	arm)		KIMAGE=$KDIR/arch/arm/boot/zImage KTARGET=zImage ;;
	*)		die "no support for ARCH=$ARCH" ;;
	esac
}

cross_prefix() {
	case $ARCH in
	x86_64)	;;
	i386)	echo i686-linux-gnu- ;;
	arm64)	echo aarch64-linux-gnu- ;;
	arm)	echo arm-linux-gnueabihf- ;;
	esac
}

# The kernel for 32-bit x86 is built by the native compiler with -m32
kernel_cross() { [ "$ARCH" = i386 ] || cross_prefix; }

kmake() {
	local cross
	cross=$(kernel_cross)
	make -C "$KTREE" O="$KDIR" ARCH="$ARCH" CROSS_COMPILE="$cross" \
		CC="ccache ${cross}gcc" LOCALVERSION="$KLOCALVERSION" -j"$JOBS" "$@"
}

# Boot parameters that a flavour needs, from its fragment's header
flavour_cmdline() {
	local f
	for f in ${FLAVOUR[@]+"${FLAVOUR[@]}"}; do fragment_meta "$f" cmdline; done | paste -s -d' '
}

# flavour_largest KEY DEFAULT: the largest number among the fragments' headers
flavour_largest() {
	local f n most=$2
	for f in ${FLAVOUR[@]+"${FLAVOUR[@]}"}; do
		n=$(fragment_meta "$f" "$1")
		[ "${n:-0}" -le "$most" ] || most=$n
	done
	echo "$most"
}

# How many times longer than the plain kernel a flavour may take before it
# counts as hung
flavour_slowdown() { flavour_largest slowdown 1; }

# Megabytes of guest memory
flavour_memory() { flavour_largest memory 512; }

# "real" for a flavour that cannot run in virtual time
flavour_clock() {
	local f
	for f in ${FLAVOUR[@]+"${FLAVOUR[@]}"}; do fragment_meta "$f" clock; done | tail -n 1
}

# The step of install-deps that brings this architecture's cross tools
cross_step() { [ "$ARCH" = x86_64 ] || echo "cross-$ARCH"; }
