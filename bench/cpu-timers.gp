# SPDX-License-Identifier: GPL-2.0
#
# Draws build/bench/cpu-timers.tsv; called with the variables "tsv", "out" and "terminal_".

if (terminal_ eq "svg") { set terminal svg size 960,420 background "white" font "sans,12" }
else { set terminal pngcairo size 1920,840 font "sans,22" linewidth 2 }
set output out
set datafile separator "\t"
set multiplot layout 1,2
set key top left
set grid ytics xtics
set style data linespoints
set pointsize 0.8

value(metric, variant) = \
	sprintf("<awk -F'\t' '$1 == \"%s\" && $2 == \"%s\" { print $3 \"\t\" $4 / 1e6 }' %s", \
		metric, variant, tsv)

set title "Last signal of N CPU timers that expire together"
set xlabel "N"
set ylabel "lateness (ms)"
set logscale xy
plot for [v in "base on off"] value("last_signal_lateness", v) title v

set title "ITIMER_PROF in one long getrandom()"
set xlabel "megabytes"
set logscale xy
set yrange [0.1:*]
plot for [v in "base on off"] value("itimer_prof_syscall_lateness", v) title v
unset multiplot
