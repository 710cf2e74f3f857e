#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Drive the kernel's torture test of timers and their migration
# (CONFIG_TIMER_MIGRATION_TORTURE_TEST) and judge its report, while the sysctl
# is flipped, CPUs go offline and online, and partitions of CPUs are isolated.
# In the end it is told to do things wrong, and has to notice.
#
# usage: timer_migration_torture.sh [-t SECONDS] [-c CASE]
#   -t	how long each case takes (default 4)
#   -c	only this one: load, sysctl, hotplug, isolation, all, sparse, or what can
#	be wrong: lost, stuck, early, wrong, twice, stray
#
# "sparse" is quiet: few timers, all of them global, and nobody wakes for another
# reason, so that one which is forgotten is lost. It takes SPARSE_REST seconds at least.

. "$(dirname "$0")"/../kselftest/ktap_helpers.sh

GOOD="load sysctl hotplug isolation all sparse"
BUSTED="lost stuck early wrong twice stray"

MODULE=timer_migration_torture
PARAMETERS=/sys/module/$MODULE/parameters
SYSCTL=/proc/sys/kernel/timer_migration
WATCHDOG=/proc/sys/kernel/watchdog
ONLINE=/sys/devices/system/cpu/online

# A timer is lost after so many seconds, and a rest is long enough to see it
LOST=10
SPARSE_REST=$((LOST + 3))

seconds=4
cases="$GOOD $BUSTED"
while getopts t:c: option; do
	case $option in
	t)	seconds=$OPTARG ;;
	c)	cases=$OPTARG ;;
	*)	exit "$KSFT_FAIL" ;;
	esac
done

set_parameter()
{
	echo "$2" >"$PARAMETERS/$1"
}

report()
{
	cat "$PARAMETERS/report"
}

running()
{
	case $(report) in running:*) true ;; *) false ;; esac
}

# count NAME: one of the report's counters
count()
{
	report | tr ' ' '\n' | sed -n "s/^$1=//p"
}

#
# What disturbs the timers. Each prints why it cannot, if it cannot.
#

lacks_load()
{
	:
}

lacks_sysctl()
{
	[ -w "$SYSCTL" ] || echo "no $SYSCTL"
}

lacks_hotplug()
{
	# Not all machines can do without CPU 0
	ls /sys/devices/system/cpu/cpu[0-9]*/online >/dev/null 2>&1 || echo "no CPU can go offline"
}

lacks_isolation()
{
	if [ -z "$partition" ]; then
		echo "no cgroup v2 with cpuset"
	elif [ -z "$last_cpu" ] || [ "$last_cpu" = 0 ]; then
		echo "one CPU only"
	elif ! echo isolated >"$partition/cpuset.cpus.partition" 2>/dev/null ||
	     [ "$(cat "$partition/cpuset.cpus.partition")" != isolated ]; then
		echo "CPU $last_cpu cannot be isolated"
	fi
	unisolate
}

lacks_all()
{
	:
}

lacks_sparse()
{
	:
}

disturb_load()
{
	:
}

disturb_sysctl()
{
	echo 0 >"$SYSCTL"
	sleep 0.2
	echo 1 >"$SYSCTL"
}

# The module itself does that
disturb_hotplug()
{
	:
}

# One CPU, and then two: both growing and shrinking matters
disturb_isolation()
{
	for cpus in "$last_cpu" "$((last_cpu - 1))-$last_cpu"; do
		[ "$cpus" != "0-1" ] || continue
		# The one that goes may be offline, and the kernel refuse
		{
			echo "$cpus" >"$partition/cpuset.cpus"
			echo isolated >"$partition/cpuset.cpus.partition"
			sleep 0.2
			echo member >"$partition/cpuset.cpus.partition"
		} 2>/dev/null
	done
}

disturb_all()
{
	for other in sysctl isolation; do
		[ -n "$(eval "echo \$lacks_$other")" ] || "disturb_$other"
	done
}

spin()
{
	[ -z "$withdrawn" ] || echo 0 >"$cgroup/cgroup.procs"
	while :; do
		:
	done
}

# Idle CPUs leave their timers to the one that is busy, which then goes idle as well
disturb_sparse()
{
	[ "$rest" -ge "$SPARSE_REST" ] || return
	rest=$((rest - SPARSE_REST))
	spin &
	sleep 1
	kill $!
	wait $! 2>/dev/null
	sleep $((LOST + 1))
}

#
# cgroups
#

mount_cgroup()
{
	cgroup=$(mktemp -d) || return
	mount -t cgroup2 none "$cgroup" 2>/dev/null || return
	mounted=1
	grep -qw cpuset "$cgroup/cgroup.controllers" 2>/dev/null || return
	echo +cpuset >"$cgroup/cgroup.subtree_control" 2>/dev/null || return
	mkdir "$cgroup/timer_torture" || return
	partition=$cgroup/timer_torture
	last_cpu=$(sed 's/.*[-,]//' "$ONLINE")
	echo "$last_cpu" >"$partition/cpuset.cpus"
}

unisolate()
{
	[ -z "$partition" ] || echo member >"$partition/cpuset.cpus.partition" 2>/dev/null
}

# Go to a CPU that does not take part: when it wakes, it does not help the others
withdraw()
{
	[ -z "$lacks_isolation" ] || return
	echo isolated >"$partition/cpuset.cpus.partition"
	echo $$ >"$partition/cgroup.procs"
	withdrawn=1
}

come_back()
{
	[ -n "$withdrawn" ] || return
	echo $$ >"$cgroup/cgroup.procs"
	unisolate
	withdrawn=
}

clean_up()
{
	set_parameter runtime 0
	set_parameter busted none
	set_parameter onoff_interval 0
	set_parameter sparse 0
	[ -z "$sysctl_before" ] || echo "$sysctl_before" >"$SYSCTL"
	break_silence
	come_back
	unisolate
	[ -z "$partition" ] || rmdir "$partition"
	[ -z "$mounted" ] || umount "$cgroup"
	[ -z "$cgroup" ] || rmdir "$cgroup"
}

#
# Runs
#

# run CASE SECONDS: false if it could not be started or did not end
run()
{
	patience=$(($2 + 300))
	set_parameter runtime "$2" || return
	while running; do
		"disturb_$1"
		sleep 0.5
		patience=$((patience - 1))
		[ "$patience" -gt 0 ] || return
	done
}

# judge CASE SECONDS
judge()
{
	verdict=
	! run "$1" "$2" || verdict=$(report | sed 's/:.*//')
	case $1:$verdict in
	# With all others isolated, a CPU may have to stay online
	*:SUCCESS|all:HOTPLUG)
		ktap_test_pass "$1" ;;
	*)	ktap_test_fail "$1" ;;
	esac
	ktap_print_msg "$(report)"
}

# What wakes each CPU every few seconds, which then finds what was forgotten: the soft
# lockup detector, and the scheduler's servers for tasks without a deadline
alarm_clocks()
{
	for file in "$WATCHDOG" /sys/kernel/debug/sched/*_server/cpu*/runtime; do
		[ ! -w "$file" ] || echo "$file"
	done
}

silence()
{
	silenced=$(for file in $(alarm_clocks); do echo "$file=$(cat "$file")"; done)
	for setting in $silenced; do
		echo 0 >"${setting%=*}"
	done
}

break_silence()
{
	for setting in $silenced; do
		echo "${setting#*=}" >"${setting%=*}"
	done
	silenced=
}

sparse_case()
{
	silence
	set_parameter sparse 1
	set_parameter timers 1
	set_parameter stutter 0
	set_parameter shuffle_interval 0
	set_parameter check_ms 3600000
	withdraw
	rest=$seconds
	[ "$rest" -ge "$SPARSE_REST" ] || rest=$SPARSE_REST
	judge sparse "$rest"
	come_back
	set_parameter sparse 0
	set_parameter timers 512
	set_parameter shuffle_interval 1
	set_parameter check_ms 500
	break_silence
}

good_case()
{
	reason=$("lacks_$1")
	if [ -n "$reason" ]; then
		ktap_test_skip "$1: $reason"
		return
	fi

	case $1 in
	hotplug|all) set_parameter onoff_interval 50 ;;
	*)	     set_parameter onoff_interval 0 ;;
	esac
	set_parameter busted none
	set_parameter stutter 1
	set_parameter lost_secs "$LOST"
	case $1 in
	sparse) sparse_case ;;
	*)	judge "$1" "$seconds" ;;
	esac
	set_parameter onoff_interval 0
}

# An error of the kind has to be counted, and the test has to fail.
busted_case()
{
	if [ "$1" = wrong ] && [ "$last_online" = 0 ]; then
		ktap_test_skip "$1 is noticed: one CPU only"
		return
	fi

	counter=$1
	[ "$1" != stuck ] || counter=lost
	set_parameter busted "$1"
	set_parameter stutter 0
	set_parameter lost_secs 1
	if run load 3 && [ "$(report | sed 's/:.*//')" = FAILURE ] &&
	   [ "$(count "$counter")" -gt 0 ]; then
		ktap_test_pass "$1 is noticed"
	else
		ktap_test_fail "$1 is noticed"
	fi
	ktap_print_msg "$(report)"
	set_parameter busted none
}

ktap_print_header

[ "$(id -u)" = 0 ] || {
	ktap_skip_all "needs root"
	exit "$KSFT_SKIP"
}
[ -d "$PARAMETERS" ] || modprobe "$MODULE" 2>/dev/null
[ -d "$PARAMETERS" ] || {
	ktap_skip_all "this kernel has no $MODULE"
	exit "$KSFT_SKIP"
}

# shellcheck disable=SC2086	# a list
set -- $cases
ktap_set_plan $#

sysctl_before=$(cat "$SYSCTL" 2>/dev/null)
last_online=$(sed 's/.*[-,]//' "$ONLINE")
partition='' mounted='' cgroup='' last_cpu='' withdrawn='' silenced='' rest=0
trap clean_up EXIT
trap 'exit 1' INT TERM
mount_cgroup
lacks_sysctl=$(lacks_sysctl)
lacks_isolation=$(lacks_isolation)
set_parameter check_ms 500
set_parameter shuffle_interval 1

for case; do
	case " $BUSTED " in
	*" $case "*) busted_case "$case" ;;
	*)	     good_case "$case" ;;
	esac
done
ktap_finished
