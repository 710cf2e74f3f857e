// SPDX-License-Identifier: GPL-2.0
/*
 * The counters of soft hrtimers in debugfs: a line with their names, then one
 * line for each CPU.
 */

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>

#include "hrtimer_soft.h"
#include "tick-internal.h"

static int hrtimer_soft_show(struct seq_file *m, void *unused)
{
	unsigned int cpu;

	seq_puts(m, "cpu");
	for (unsigned int i = 0; i < HRTIMER_SOFT_NR_COUNTERS; i++)
		seq_printf(m, " %s", hrtimer_soft_counter_names[i]);
	seq_putc(m, '\n');

	for_each_possible_cpu(cpu) {
		unsigned int values[HRTIMER_SOFT_NR_COUNTERS];

		hrtimer_soft_read_counters(per_cpu_ptr(&hrtimer_bases, cpu), values);
		seq_printf(m, "%u", cpu);
		for (unsigned int i = 0; i < HRTIMER_SOFT_NR_COUNTERS; i++)
			seq_printf(m, " %u", values[i]);
		seq_putc(m, '\n');
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(hrtimer_soft);

static int __init hrtimer_soft_debugfs_init(void)
{
	debugfs_create_file("hrtimer_soft", 0444, NULL, NULL, &hrtimer_soft_fops);
	return 0;
}
late_initcall(hrtimer_soft_debugfs_init);
