/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What decides who expires whose timers: one engine per program
 *
 * The calls and their meaning are those between timer.c and timer_migration.c.
 * Times are in ns; the simulator calls on behalf of one CPU at a time.
 */
#ifndef SIM_ENGINE_H
#define SIM_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#define SIM_NEVER	((uint64_t)INT64_MAX)

#define TICK_NS		4000000ULL

/**
 * struct topology - The machine
 * @nr_cpus:	number of CPUs
 * @nr_nodes:	number of nodes, with as many consecutive CPUs each
 * @llc_cpus:	CPUs that share a last level cache, consecutive ones
 */
struct topology {
	unsigned int	nr_cpus;
	unsigned int	nr_nodes;
	unsigned int	llc_cpus;
};

/* All CPUs are online and active after engine_init() */
void engine_init(const struct topology *topology);
/* @woke: false when the CPU was only about to sleep */
void engine_activate(unsigned int cpu, bool woke);
uint64_t engine_deactivate(unsigned int cpu, uint64_t nextexp);
uint64_t engine_new_timer(unsigned int cpu, uint64_t nextexp);
uint64_t engine_quick_check(unsigned int cpu, uint64_t nextexp);
bool engine_must_pull(unsigned int cpu, uint64_t now);
void engine_pull(unsigned int cpu, uint64_t now);
void engine_join(unsigned int cpu);

/* Whoever has to become active, so that nothing is lost, does so in here */
void engine_leave(unsigned int cpu);

/* Where a global timer goes that @cpu arms */
unsigned int engine_target(unsigned int cpu);

/* --- What the simulator has for engines ------------------------------------ */

void sim_expire(unsigned int cpu);
uint64_t sim_next_global(unsigned int cpu, uint64_t now, unsigned long basej);
uint64_t sim_jiffies_update(unsigned long *basej);
bool sim_cpu_idle(unsigned int cpu);
bool sim_cpu_leaves_idle(unsigned int cpu);
unsigned int sim_nearest_busy(unsigned int cpu);
unsigned int sim_any_online(unsigned int but);
void sim_make_active(unsigned int cpu);

#endif
