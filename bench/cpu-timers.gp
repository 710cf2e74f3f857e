# SPDX-License-Identifier: GPL-2.0
#
# Draws build/bench/cpu-timers.tsv. Called with the variables "tsv", "out" and
# "terminal_" (svg or png).


# Flavours of the benchmark which measure something else have no picture.
if (system("grep -c last_signal_lateness ".tsv) == 0) exit

if (terminal_ eq "svg") {
	set terminal svg size 960,1260 background "white" font "sans,12" noenhanced
} else {
	set terminal pngcairo size 1920,2520 font "sans,22" linewidth 2 noenhanced
}
set output out
set datafile separator "\t"
set multiplot layout 3,2
set grid xtics ytics
set logscale xy
set ylabel "lateness (ms)"

# The base lies broad and pale beneath the others, so that lines which
# coincide can still be told apart.
set style line 1 linewidth 8 linecolor rgb "#c0c0c0" pointtype 0
set style line 2 linewidth 2 linecolor rgb "#0072b2" pointtype 7 pointsize 0.8
set style line 3 linewidth 2 linecolor rgb "#d55e00" pointtype 4 pointsize 1.2 dashtype 2
set style data linespoints

# No lateness has a place on a logarithmic scale: it lies on the axis.
points(metric, variant) = sprintf("< awk -F'\t' '$1 == \"%s\" && $2 == \"%s\" { print $3 \"\t\" ($4 > 1e5 ? $4 : 1e5) / 1e6 }' %s", metric, variant, tsv)

set xlabel "N"
set xrange [0.8:15000]
set yrange [0.1:10000]
set key top left
set title "Last signal of N CPU timers that expire together"
plot points("last_signal_lateness", "base") title "base" linestyle 1, \
     points("last_signal_lateness", "on") title "on" linestyle 2, \
     points("last_signal_lateness", "off") title "off" linestyle 3
set title "The same, read from a signalfd"
plot points("last_signalfd_lateness", "base") title "base" linestyle 1, \
     points("last_signalfd_lateness", "on") title "on" linestyle 2, \
     points("last_signalfd_lateness", "off") title "off" linestyle 3
set title "The kernel is done with sending them"
plot points("last_sent_lateness", "base") title "base" linestyle 1, \
     points("last_sent_lateness", "on") title "on" linestyle 2, \
     points("last_sent_lateness", "off") title "off" linestyle 3
set multiplot next

set xlabel "megabytes"
set xrange [12:80]
set xtics (16, 32, 64)
set key center right
set title "ITIMER_PROF in one long getrandom()"
plot points("itimer_prof_syscall_lateness", "base") title "base" linestyle 1, \
     points("itimer_prof_syscall_lateness", "on") title "on" linestyle 2, \
     points("itimer_prof_syscall_lateness", "off") title "off" linestyle 3
set title "RLIMIT_CPU in one long getrandom()"
plot points("rlimit_cpu_syscall_lateness", "base") title "base" linestyle 1, \
     points("rlimit_cpu_syscall_lateness", "on") title "on" linestyle 2, \
     points("rlimit_cpu_syscall_lateness", "off") title "off" linestyle 3
unset multiplot
