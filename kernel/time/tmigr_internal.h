/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timer migration: what timer_migration.c shows to tmigr_debugfs.c
 */
#ifndef _KERNEL_TIME_TMIGR_INTERNAL_H
#define _KERNEL_TIME_TMIGR_INTERNAL_H

#include <linux/mutex.h>
#include <linux/percpu.h>

#include "tmigr_core.h"

/*
 * What is counted on each CPU. Read in debugfs, where the names are columns.
 *
 * deactivations	it went idle, or was about to
 * activations		it left idle
 * groups_idled		groups of all levels that it left without an active child
 * new_timers		it looked for its next timer while idle
 * duties		it went idle and had to wake for the hierarchy
 * wakeups		interrupts for that
 * spurious		of these, those for which no timer was left, of another CPU or
 *			its own
 * pulls		times it ran timers of another CPU
 * takeovers		times it ran what was overdue, because a migrator had not
 * handovers		it ceased to take part, and another CPU had to take over
 * lost_handovers	nobody was there to take over: must not happen
 */
#define TMIGR_COUNTERS(X)		\
	X(deactivations)		\
	X(activations)			\
	X(groups_idled)			\
	X(new_timers)			\
	X(duties)			\
	X(wakeups)			\
	X(spurious)			\
	X(pulls)			\
	X(takeovers)			\
	X(handovers)			\
	X(lost_handovers)

/* Members are those of TMIGR_COUNTERS(). Written by the CPU itself */
struct tmigr_counters {
#define TMIGR_COUNTER_MEMBER(name)	unsigned long name;
	TMIGR_COUNTERS(TMIGR_COUNTER_MEMBER)
#undef TMIGR_COUNTER_MEMBER
};

#ifdef CONFIG_DEBUG_FS
DECLARE_PER_CPU(struct tmigr_counters, tmigr_counters);
#define tmigr_count(name)		this_cpu_inc(tmigr_counters.name)
#define tmigr_count_many(name, nr)	this_cpu_add(tmigr_counters.name, nr)
#else
#define tmigr_count(name)		do { } while (0)
#define tmigr_count_many(name, nr)	do { } while (0)
#endif

/**
 * struct tmigr_hierarchy - The one hierarchy of the system
 * @mutex:	Held while CPUs are attached, and to see the groups at rest
 * @tree:	The groups
 */
struct tmigr_hierarchy {
	struct mutex		mutex;
	struct tmigr_tree	tree;
};

extern struct tmigr_hierarchy tmigr_hierarchy;
DECLARE_PER_CPU(struct tmigr_cpu, tmigr_cpu);

#endif
