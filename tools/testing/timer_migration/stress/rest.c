// SPDX-License-Identifier: GPL-2.0-only
/*
 * The invariants of the design, (a) to (d) and (g), while all threads rest
 *
 * Only the main thread is here, and nobody else runs. Locks are taken all the
 * same where other threads' data is read: that is how it got here.
 */
#include <stdio.h>

#include "stress.h"

/**
 * rest_dump() - Print the hierarchy and the CPUs
 */
void rest_dump(void)
{
	unsigned int i;

	fprintf(stderr, "%-5s %-4s %-5s %-4s %-5s %-7s %20s %20s %20s %20s\n", "cpu", "node",
		"avail", "bit", "arm", "keeping", "first timer", "entrusted", "keeps until",
		"armed");
	for (i = 0; i < round_now.nr_attached; i++) {
		struct vcpu *v = &round_now.cpu[i];

		fprintf(stderr, "%-5u %-4d %-5d %-4d %-5u %-7d %20llu %20llu %20llu %20llu\n", i,
			v->tmc.leaf->node, v->tmc.available, tmigr_cpu_active(&v->tmc), v->tmc.arm,
			v->tmc.keeping, (unsigned long long)host_first(v),
			(unsigned long long)v->tmc.exp, (unsigned long long)v->tmc.wakeup,
			(unsigned long long)peek(&v->hw));
	}

	fprintf(stderr, "%-15s %-6s %-5s %-9s %-9s %20s  %s\n", "group", "level", "node", "active",
		"migrator", "first", "parent");
	for (i = 0; i < round_now.nr_groups; i++) {
		struct tmigr_group *group = round_now.group[i];
		struct tmigr_state state = tmigr_group_state(group);

		fprintf(stderr, "%-15p %-6u %-5d %#-9x %-9u %20llu  %p\n", (void *)group,
			group->level, group->node, state.active, state.migrator,
			(unsigned long long)group->first, (void *)group->parent);
	}
	fprintf(stderr, "now %llu\n", (unsigned long long)stress_now());
}

/* (a) A migrator exactly when somebody is active, and one of those */
static void rest_check_migrator(struct tmigr_group *group)
{
	struct tmigr_state state = tmigr_group_state(group);
	bool good = state.active ? state.migrator < TMIGR_FANOUT &&
				   (state.active & BIT(state.migrator))
				 : state.migrator == TMIGR_NONE;

	if (!good)
		stress_fail("(a) group %p at level %u: migrator %u, active %#x", (void *)group,
			    group->level, state.migrator, state.active);
}

/* (b) A bit says what the child says; (c) slots are whose they are said to be */
static void rest_check_child(struct tmigr_group *group, unsigned int slot)
{
	bool bit = tmigr_group_state(group).active & BIT(slot);
	struct tmigr_group *child;
	struct vcpu *v;
	bool active;

	if (group->level) {
		child = group->child[slot];
		if (child->parent != group || child->slot != slot || child->level >= group->level)
			stress_fail("(c) slot %u of group %p at level %u is not its child's", slot,
				    (void *)group, group->level);
		active = tmigr_group_state(child).active;
	} else {
		v = &round_now.cpu[group->cpu[slot]->cpu];
		if (v->tmc.leaf != group || v->tmc.slot != slot)
			stress_fail("(c) slot %u of leaf %p is not CPU %u's", slot, (void *)group,
				    v->tmc.cpu);
		active = v->tmc.available && !v->idle;
	}

	if (bit != active)
		stress_fail("(b) slot %u of group %p at level %u: bit %d, child %s", slot,
			    (void *)group, group->level, bit, active ? "active" : "idle");
}

static void rest_check_groups(void)
{
	unsigned int i, slot, roots = 0;

	for (i = 0; i < round_now.nr_groups; i++) {
		struct tmigr_group *group = round_now.group[i];

		rest_check_migrator(group);
		for (slot = 0; slot < group->nr_children; slot++)
			rest_check_child(group, slot);
		if (!group->parent) {
			roots++;
			if (group != round_now.tree.root)
				stress_fail("(c) group %p at level %u has no parent", (void *)group,
					    group->level);
		}
	}

	if (roots != 1)
		stress_fail("(c) %u roots", roots);
}

/* (g) Nobody is to pull from a CPU that has left */
static void rest_check_unavailable(struct vcpu *v)
{
	struct tmigr_group *leaf = v->tmc.leaf;
	u64 exp;

	raw_spin_lock(&leaf->lock);
	exp = tmigr_slot_exp(leaf, v->tmc.slot, stress_now());
	raw_spin_unlock(&leaf->lock);

	if (exp != TMIGR_NEVER)
		stress_fail("(g) CPU %u has left, its leaf shows an event at %llu", v->tmc.cpu,
			    (unsigned long long)exp);
}

/* When the first device of those that sleep fires */
static u64 rest_first_device(void)
{
	u64 first = TMIGR_NEVER;
	unsigned int cpu;

	for (cpu = 0; cpu < round_now.nr_attached; cpu++) {
		if (!peek(&round_now.cpu[cpu].parked))
			first = min(first, peek(&round_now.cpu[cpu].hw));
	}

	return first;
}

/*
 * Whether an active migrator or, with all idle, an armed CPU knows of @exp. In the
 * hierarchy one tick in 2^32 is taken for the next, see TMIGR_NO_EXP.
 */
static bool rest_hierarchy_covers(struct vcpu *v, u64 exp)
{
	struct tmigr_group *group;

	exp += !(u32)(exp + 1);
	for (group = v->tmc.leaf; group; group = group->parent) {
		if (READ_ONCE(group->first) > exp)
			return false;
		if (tmigr_group_state(group).active)
			return true;
	}

	return rest_first_device() <= exp;
}

/* (d) Somebody is going to expire the first timer of every idle CPU in time */
static void rest_check_covered(struct vcpu *v)
{
	u64 exp;

	pthread_mutex_lock(&v->lock);
	exp = host_first(v);
	pthread_mutex_unlock(&v->lock);

	if (exp == TMIGR_NEVER || peek(&v->hw) <= exp)
		return;
	if (v->tmc.available && rest_hierarchy_covers(v, exp))
		return;

	stress_fail("(d) lost: nobody looks after CPU %u's timer at %llu", v->tmc.cpu,
		    (unsigned long long)exp);
}

/**
 * rest_check() - Check the hierarchy
 *
 * Context: main thread, everybody else rests.
 */
void rest_check(void)
{
	struct vcpu *v;

	rest_check_groups();

	for (v = round_now.cpu; v < round_now.cpu + round_now.nr_attached; v++) {
		if (!v->tmc.available)
			rest_check_unavailable(v);
		if (v->idle)
			rest_check_covered(v);
	}
}

static void rest_check_timer(struct vcpu *v, unsigned int nr)
{
	struct timer *timer = &v->timer[nr];

	if (timer->state != TIMER_OFF)
		stress_fail("lost: timer %u of CPU %u, due at %llu, was never expired", nr,
			    v->tmc.cpu, (unsigned long long)timer->exp);
	if (timer->armed != timer->expired + timer->cancelled)
		stress_fail("timer %u of CPU %u: armed %llu times, expired %llu, cancelled %llu",
			    nr, v->tmc.cpu, (unsigned long long)timer->armed,
			    (unsigned long long)timer->expired,
			    (unsigned long long)timer->cancelled);
}

/**
 * rest_check_drained() - Check that each timer was expired or cancelled, once
 *
 * Context: main thread, after the others have ended.
 */
void rest_check_drained(void)
{
	unsigned int cpu, nr;

	for (cpu = 0; cpu < round_now.nr_attached; cpu++) {
		for (nr = 0; nr < STRESS_TIMERS; nr++)
			rest_check_timer(&round_now.cpu[cpu], nr);
	}
}
