// SPDX-License-Identifier: GPL-2.0-only
/*
 * The base kernel's engine: its own, unmodified timer_migration_rbtree.c
 *
 * Only its public functions and the hotplug callbacks that it registers are
 * called.
 */
#include "rbtree_shim.h"
#include <linux/timerqueue.h>

#include "timer_migration_rbtree.h"

struct topology shim_topology;
struct cpumask cpu_online_mask[1], cpu_possible_mask[1];
unsigned int shim_cpu;
char *shim_percpu;

static struct {
	int	(*up)(unsigned int cpu);
	int	(*down)(unsigned int cpu);
} states[SHIM_NR_STATES];

int cpuhp_setup_state(int state, const char *name, int (*up)(unsigned int cpu),
		      int (*down)(unsigned int cpu))
{
	states[state].up = up;
	states[state].down = down;
	return 0;
}

static void check(int error, const char *what)
{
	if (!error)
		return;
	fprintf(stderr, "sim: %s failed: %d\n", what, error);
	exit(1);
}

/* CPU 0 prepares the others, as it does at boot */
void engine_init(const struct topology *topology)
{
	unsigned int cpu;
	size_t stride;

	shim_topology = *topology;
	stride = shim_percpu_stride();
	for (cpu = 0; cpu < topology->nr_cpus; cpu++) {
		char *copy = account_alloc(stride, ACCOUNT_CPU);

		if (!cpu)
			shim_percpu = copy;
		cpumask_set_cpu(cpu, cpu_online_mask);
		cpumask_set_cpu(cpu, cpu_possible_mask);
	}

	check(shim_early_initcall(), "tmigr_init()");
	for (cpu = 0; cpu < topology->nr_cpus; cpu++) {
		shim_cpu = 0;
		check(states[CPUHP_TMIGR_PREPARE].up(cpu), "tmigr_cpu_prepare()");
		shim_cpu = cpu;
		check(states[CPUHP_AP_TMIGR_ONLINE].up(cpu), "tmigr_set_cpu_available()");
	}
	check(shim_late_initcall(), "tmigr_init_isolation()");
}

void engine_activate(unsigned int cpu, bool woke)
{
	shim_cpu = cpu;
	tmigr_cpu_activate();
}

uint64_t engine_deactivate(unsigned int cpu, uint64_t nextexp)
{
	shim_cpu = cpu;
	return tmigr_cpu_deactivate(nextexp);
}

uint64_t engine_new_timer(unsigned int cpu, uint64_t nextexp)
{
	shim_cpu = cpu;
	return tmigr_cpu_new_timer(nextexp);
}

uint64_t engine_quick_check(unsigned int cpu, uint64_t nextexp)
{
	shim_cpu = cpu;
	return tmigr_quick_check(nextexp);
}

bool engine_must_pull(unsigned int cpu, uint64_t now)
{
	shim_cpu = cpu;
	return tmigr_requires_handle_remote();
}

void engine_pull(unsigned int cpu, uint64_t now)
{
	shim_cpu = cpu;
	tmigr_handle_remote();
}

void engine_join(unsigned int cpu)
{
	shim_cpu = cpu;
	cpumask_set_cpu(cpu, cpu_online_mask);
	check(states[CPUHP_AP_TMIGR_ONLINE].up(cpu), "tmigr_set_cpu_available()");
}

void engine_leave(unsigned int cpu)
{
	shim_cpu = cpu;
	cpumask_clear_cpu(cpu, cpu_online_mask);
	check(states[CPUHP_AP_TMIGR_ONLINE].down(cpu), "tmigr_clear_cpu_available()");
}

unsigned int engine_target(unsigned int cpu)
{
	return cpu;
}

/* --- Lent to the engine ------------------------------------------------------ */

long work_on_cpu(unsigned int cpu, long (*fn)(void *arg), void *arg)
{
	unsigned int from = shim_cpu;
	long ret;

	sim_make_active(cpu);
	shim_cpu = cpu;
	ret = fn(arg);
	shim_cpu = from;

	return ret;
}

void timer_expire_remote(unsigned int cpu)
{
	sim_expire(cpu);
}

void fetch_next_timer_interrupt_remote(unsigned long basej, u64 basem,
				       struct timer_events *tevt, unsigned int cpu)
{
	tevt->local = KTIME_MAX;
	tevt->global = sim_next_global(cpu, basem, basej);
}
