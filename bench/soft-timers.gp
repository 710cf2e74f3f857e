# SPDX-License-Identifier: GPL-2.0
#
# Draws build/bench/soft-timers.tsv. Called with the variables "tsv", "out" and
# "terminal_" (svg or png).

if (terminal_ eq "svg") {
	set terminal svg size 960,1600 background "white" font "sans,12" noenhanced
} else {
	set terminal pngcairo size 1920,3200 font "sans,22" linewidth 2 noenhanced
}
set output out
set datafile separator "\t"
set multiplot layout 4,2
set grid xtics ytics
set logscale xy
set xlabel "N"
set xrange [0.8:15000]
set key top left

# The base lies broad and pale beneath the others, so that lines which
# coincide can still be told apart.
set style line 1 linewidth 8 linecolor rgb "#c0c0c0" pointtype 0
set style line 2 linewidth 2 linecolor rgb "#0072b2" pointtype 7 pointsize 0.8
set style line 3 linewidth 2 linecolor rgb "#d55e00" pointtype 4 pointsize 1.2 dashtype 2
set style data linespoints

# What has no place on a logarithmic scale lies on the axis.
points(metric, variant) = sprintf("< awk -F'\t' '$1 == \"%s\" && $2 == \"%s\" { print $3 \"\t\" ($4 > 1e2 ? $4 : 1e2) / 1e3 }' %s", metric, variant, tsv)

set ylabel "thousand instructions"
set title "Hard interrupt that finds N soft timers expired"
plot points("hardirq_instructions", "base") title "base" linestyle 1, \
     points("hardirq_instructions", "on") title "on" linestyle 2, \
     points("hardirq_instructions", "off") title "off" linestyle 3
set title "Longest run of their softirq"
plot points("softirq_longest", "base") title "base" linestyle 1, \
     points("softirq_longest", "on") title "on" linestyle 2, \
     points("softirq_longest", "off") title "off" linestyle 3

set ylabel "lateness (us)"
set title "Soft timers (p99.9)"
plot points("soft_lateness_p999", "base") title "base" linestyle 1, \
     points("soft_lateness_p999", "on") title "on" linestyle 2, \
     points("soft_lateness_p999", "off") title "off" linestyle 3
set title "Hard timers beside them (p99.9)"
plot points("hard_lateness_p999", "base") title "base" linestyle 1, \
     points("hard_lateness_p999", "on") title "on" linestyle 2, \
     points("hard_lateness_p999", "off") title "off" linestyle 3
set ylabel "thousand instructions"
set title "Interrupts disabled by their softirq (p99.9)"
plot points("irqs_off_p999", "base") title "base" linestyle 1, \
     points("irqs_off_p999", "on") title "on" linestyle 2, \
     points("irqs_off_p999", "off") title "off" linestyle 3

# What does not depend on how many expire. A column's label is "METRIC, X".
unset logscale
unset xlabel
set xrange [*:*]
set yrange [0:*]
set style data histogram
set style histogram clustered gap 1
set style fill solid
set key top right
cells(metrics, variant) = sprintf("< awk -F'\t' '$1 ~ /^(%s)$/ && $2 == \"%s\" { sub(/_.*/, \"\", $1); print $1 \", \" $3 \"\t\" $4 }' %s", metrics, variant, tsv)

cost = "start_cancel_instructions|next_event_instructions"
set ylabel "instructions"
set xrange [-0.6:3.6]
set title "Start and cancel a timer; next event of a CPU"
plot cells(cost, "base") using 2:xticlabels(1) title "base" linecolor rgb "#c0c0c0", \
     cells(cost, "on") using 2 title "on" linecolor rgb "#0072b2", \
     cells(cost, "off") using 2 title "off" linecolor rgb "#d55e00"
set ylabel "bytes"
set xrange [*:*]
set title "Memory of a CPU's timer bases"
unset xtics
plot cells("percpu_bytes", "base") using 2 title "base" linecolor rgb "#c0c0c0", \
     cells("percpu_bytes", "on") using 2 title "on" linecolor rgb "#0072b2", \
     cells("percpu_bytes", "off") using 2 title "off" linecolor rgb "#d55e00"
unset multiplot
