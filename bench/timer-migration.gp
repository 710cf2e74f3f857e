# SPDX-License-Identifier: GPL-2.0
#
# Draws build/bench/timer-migration.tsv. Called with the variables "tsv", "out"
# and "terminal_" (svg or png).

if (terminal_ eq "svg") {
	set terminal svg size 1200,1000 background "white" font "sans,12" noenhanced
} else {
	set terminal pngcairo size 2400,2000 font "sans,22" linewidth 2 noenhanced
}
set output out
set datafile separator "\t"
set grid xtics ytics
set logscale x 2
set xrange [7:74]
set xtics (8, 16, 32, 64)
set yrange [0:*]
set style data linespoints

# The base lies broad and pale beneath the others, so that lines which
# coincide can still be told apart.
set style line 1 linewidth 8 linecolor rgb "#c0c0c0" pointtype 0
set style line 2 linewidth 2 linecolor rgb "#0072b2" pointtype 7 pointsize 0.8
set style line 3 linewidth 2 linecolor rgb "#d55e00" pointtype 4 pointsize 1.2 dashtype 2
set style line 4 linewidth 2 linecolor rgb "#009e73" pointtype 6 pointsize 1.6 dashtype 3

# x of the table is CPUs/THREADS
some(metric, threads) = int(system(sprintf("grep -c '^%s.*/%s	' %s", metric, threads, tsv)))
points(metric, variant, threads) = sprintf("< awk -F'\t' '{ split($3, x, \"/\") } $1 == \"%s\" && $2 == \"%s\" && x[2] == \"%s\" { print x[1] \"\t\" $4 }' %s", metric, variant, threads, tsv)

set multiplot layout 3,3 title "Idle CPUs with global timers of 200 to 600 ms"
set key top left
do for [threads in "1 8 64"] {
	set xlabel "CPUs"
	do for [i = 1:3] {
		metric = word("idle_interrupts_per_s interrupts_per_expiry interrupts_for_nothing_percent", i)
		# A panel without data is an error to gnuplot.
		if (some(metric, threads) == 0) {
			set multiplot next
			continue
		}
		set title (i == 1 ? "Timer interrupts per second" : i == 2 ? "Timer interrupts per expiry" : \
			"Interrupts for nothing (%)").", ".threads.(threads eq "1" ? " thread" : " threads")." per CPU"
		if (i == 2) { set key bottom left } else { set key top left }
		plot points(metric, "base", threads) title "base" linestyle 1, \
		     points(metric, "pull", threads) title "pull" linestyle 2, \
		     points(metric, "push", threads) title "push" linestyle 3, \
		     points(metric, "rbtree", threads) title "rbtree" linestyle 4
	}
}
unset multiplot
