// SPDX-License-Identifier: GPL-2.0-only
/*
 * The timer migration core, as the kernel compiles it
 */
#include <stdio.h>
#include <stdlib.h>

#include "tmigr_core.h"
#include "account.h"
#include "engine.h"

static struct tmigr_cpu *entries;
static struct tmigr_tree tree;

static void attach(unsigned int cpu, int node)
{
	struct tmigr_pool pool = { };
	unsigned int nr;

	for (nr = tmigr_groups_needed(&tree, node); pool.nr < nr; pool.nr++)
		pool.group[pool.nr] = account_alloc(sizeof(struct tmigr_group), ACCOUNT_GROUP);

	tmigr_core_init_cpu(&entries[cpu], cpu);
	if (tmigr_attach_cpu(&tree, &entries[cpu], node, &pool)) {
		fprintf(stderr, "sim: cannot attach CPU %u\n", cpu);
		exit(1);
	}
	tmigr_core_join(&entries[cpu], false);
}

void engine_init(const struct topology *topology)
{
	unsigned int node_cpus = topology->nr_cpus / topology->nr_nodes;
	static u8 node_levels[256];
	unsigned int i;

	entries = account_alloc(topology->nr_cpus * sizeof(*entries), ACCOUNT_CPU);
	for (i = 0; i < topology->nr_nodes; i++)
		node_levels[i] = tmigr_levels_for(node_cpus);
	tmigr_tree_init(&tree, node_levels, topology->nr_nodes);
	for (i = 0; i < topology->nr_cpus; i++)
		attach(i, i / node_cpus);
}

void engine_activate(unsigned int cpu, bool woke)
{
	tmigr_core_activate(&entries[cpu], woke);
}

/* The core counts in ticks, the simulator in nanoseconds */
static u64 to_ticks(uint64_t ns)
{
	return ns == (uint64_t)KTIME_MAX ? TMIGR_NEVER : ns / TICK_NS;
}

static uint64_t to_ns(u64 ticks)
{
	return ticks == TMIGR_NEVER ? (uint64_t)KTIME_MAX : ticks * TICK_NS;
}

uint64_t engine_deactivate(unsigned int cpu, uint64_t nextexp)
{
	return to_ns(tmigr_core_deactivate(&entries[cpu], to_ticks(nextexp)));
}

uint64_t engine_new_timer(unsigned int cpu, uint64_t nextexp)
{
	return to_ns(tmigr_core_new_timer(&entries[cpu], to_ticks(nextexp)));
}

uint64_t engine_quick_check(unsigned int cpu, uint64_t nextexp)
{
	return to_ns(tmigr_core_quick_check(&entries[cpu], to_ticks(nextexp)));
}

bool engine_must_pull(unsigned int cpu, uint64_t now)
{
	return tmigr_core_must_pull(&entries[cpu], to_ticks(now));
}

void engine_pull(unsigned int cpu, uint64_t now)
{
	unsigned long basej;

	now = sim_jiffies_update(&basej);
	tmigr_core_pull(&entries[cpu], to_ticks(now));
}

void engine_join(unsigned int cpu)
{
	tmigr_core_join(&entries[cpu], false);
}

void engine_leave(unsigned int cpu)
{
	if (tmigr_core_leave(&entries[cpu]) != TMIGR_NEVER)
		sim_make_active(sim_any_online(cpu));
}

unsigned int engine_target(unsigned int cpu)
{
	return cpu;
}

/* --- Lent to the core ------------------------------------------------------ */

void tmigr_host_expire(unsigned int cpu)
{
	sim_expire(cpu);
}

bool tmigr_host_leaves_idle(unsigned int cpu)
{
	return sim_cpu_leaves_idle(cpu);
}

void tmigr_host_lock(unsigned int cpu)
{
}

void tmigr_host_unlock(unsigned int cpu)
{
}

u64 tmigr_host_next(unsigned int cpu, u64 now)
{
	return to_ticks(sim_next_global(cpu, to_ns(now), now));
}
