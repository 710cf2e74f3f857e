// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timer migration: hierarchy and counters in debugfs
 *
 * timer_migration/hierarchy	groups and CPUs as a tree, expiries in ticks from
 *				now. The groups are read one after the other while
 *				the system runs: each line is true, all of them
 *				together need not be
 * timer_migration/counters	a line per CPU, a column per counter
 */

#include <linux/array_size.h>
#include <linux/cleanup.h>
#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>

#include "tmigr_internal.h"

/* One line, the tree's depth as indentation */
static void tmigr_show_indent(struct seq_file *m, unsigned int depth)
{
	seq_printf(m, "%*s", 2 * depth, "");
}

static void tmigr_show_expiry(struct seq_file *m, const char *name, u64 exp, u64 now)
{
	if (exp == TMIGR_NEVER)
		seq_printf(m, " %s never", name);
	else
		seq_printf(m, " %s %+lld", name, (long long)(exp - now));
}

static void tmigr_show_cpu(struct seq_file *m, struct tmigr_cpu *tmc, u64 exp, u64 now,
			   unsigned int depth)
{
	static const char *const arm[] = {
		[TMIGR_ARM_PREDICT]	= "predict",
		[TMIGR_ARM_SELF]	= "self",
		[TMIGR_ARM_OTHERS]	= "others",
	};
	/* For people to read: what its CPU is changing may be old, or half of it */
	const struct tmigr_cpu seen = data_race(*tmc);

	tmigr_show_indent(m, depth);
	seq_printf(m, "cpu %u: slot %u", tmc->cpu, tmc->slot);
	if (!seen.available) {
		seq_puts(m, " unavailable\n");
		return;
	}

	seq_printf(m, " %s arm %s score %u", tmigr_cpu_active(tmc) ? "active" : "idle",
		   arm[seen.arm], seen.score);
	if (!tmigr_cpu_active(tmc)) {
		tmigr_show_expiry(m, "expiry", exp, now);
		tmigr_show_expiry(m, "self", seen.self_exp, now);
		tmigr_show_expiry(m, "duty", seen.wakeup, now);
	}
	seq_putc(m, '\n');
}

/* A group, and what its lock protects, of one instant */
struct tmigr_look {
	struct tmigr_state	state;
	u64			first;
	struct tmigr_cpu	*keeper;
	u64			keeper_exp;
	u64			exp[TMIGR_FANOUT];
};

static struct tmigr_look tmigr_look_at(struct tmigr_group *group, u64 now)
{
	struct tmigr_look look;
	unsigned int slot;

	guard(raw_spinlock_irq)(&group->lock);

	look.state = tmigr_group_state(group);
	look.first = group->first;
	look.keeper = group->keeper;
	look.keeper_exp = group->keeper_exp;
	for (slot = 0; slot < TMIGR_FANOUT; slot++)
		look.exp[slot] = tmigr_slot_exp(group, slot, now);

	return look;
}

static void tmigr_show_group(struct seq_file *m, struct tmigr_group *group, u64 now,
			     unsigned int depth)
{
	struct tmigr_look look = tmigr_look_at(group, now);
	unsigned int slot;

	tmigr_show_indent(m, depth);
	seq_printf(m, "group: level %u slot %u node %d active %0*x", group->level, group->slot,
		   group->node, TMIGR_FANOUT / 4, look.state.active);
	if (look.state.migrator == TMIGR_NONE)
		seq_puts(m, " migrator none");
	else
		seq_printf(m, " migrator %u", look.state.migrator);
	tmigr_show_expiry(m, "first", look.first, now);
	if (look.keeper) {
		seq_printf(m, " keeper cpu %u", look.keeper->cpu);
		tmigr_show_expiry(m, "until", look.keeper_exp, now);
	}
	seq_putc(m, '\n');

	for (slot = 0; slot < group->nr_children; slot++) {
		if (group->level)
			tmigr_show_group(m, group->child[slot], now, depth + 1);
		else
			tmigr_show_cpu(m, group->cpu[slot], look.exp[slot], now, depth + 1);
	}
}

static int hierarchy_show(struct seq_file *m, void *unused)
{
	struct tmigr_tree *tree = &tmigr_hierarchy.tree;
	u64 now = get_jiffies_64();

	guard(mutex)(&tmigr_hierarchy.mutex);

	if (!tree->root) {
		seq_puts(m, "no hierarchy: one possible CPU, or out of memory at boot\n");
		return 0;
	}

	seq_printf(m, "now %llu fan-out %u cross-node level %u\n", now, TMIGR_FANOUT,
		   tree->cross_level);
	tmigr_show_group(m, tree->root, now, 0);

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(hierarchy);

static const struct {
	const char	*name;
	size_t		offset;
} tmigr_columns[] = {
#define TMIGR_COLUMN(name)	{ #name, offsetof(struct tmigr_counters, name) },
	TMIGR_COUNTERS(TMIGR_COLUMN)
#undef TMIGR_COLUMN
};

static int counters_show(struct seq_file *m, void *unused)
{
	unsigned int cpu, i;
	const void *counters;

	seq_puts(m, "cpu");
	for (i = 0; i < ARRAY_SIZE(tmigr_columns); i++)
		seq_printf(m, " %s", tmigr_columns[i].name);
	seq_putc(m, '\n');

	for_each_possible_cpu(cpu) {
		counters = per_cpu_ptr(&tmigr_counters, cpu);
		seq_printf(m, "%u", cpu);
		for (i = 0; i < ARRAY_SIZE(tmigr_columns); i++) {
			const unsigned long *count = counters + tmigr_columns[i].offset;

			seq_printf(m, " %lu", READ_ONCE(*count));
		}
		seq_putc(m, '\n');
	}

	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int __init tmigr_debugfs_init(void)
{
	struct dentry *dir = debugfs_create_dir("timer_migration", NULL);

	debugfs_create_file("hierarchy", 0444, dir, NULL, &hierarchy_fops);
	debugfs_create_file("counters", 0444, dir, NULL, &counters_fops);

	return 0;
}
late_initcall(tmigr_debugfs_init);
