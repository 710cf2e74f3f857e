// SPDX-License-Identifier: GPL-2.0-only
/*
 * No migration: every CPU keeps its timers and wakes for them
 *
 * With -DPUSH: migration at enqueue as before v6.9. A timer that an idle CPU
 * arms goes to the nearest busy one; CPUs wake for what they have.
 *
 * With -DBROKEN: nobody wakes for the timers of idle CPUs. The check has to see
 * that.
 */
#include "engine.h"

void engine_init(const struct topology *topology)
{
}

void engine_activate(unsigned int cpu, bool woke)
{
}

uint64_t engine_deactivate(unsigned int cpu, uint64_t nextexp)
{
#ifdef BROKEN
	return SIM_NEVER;
#else
	return nextexp;
#endif
}

uint64_t engine_new_timer(unsigned int cpu, uint64_t nextexp)
{
#ifdef BROKEN
	return SIM_NEVER;
#else
	return nextexp;
#endif
}

uint64_t engine_quick_check(unsigned int cpu, uint64_t nextexp)
{
#ifdef BROKEN
	return SIM_NEVER;
#else
	return nextexp;
#endif
}

bool engine_must_pull(unsigned int cpu, uint64_t now)
{
	return false;
}

void engine_pull(unsigned int cpu, uint64_t now)
{
}

void engine_join(unsigned int cpu)
{
}

void engine_leave(unsigned int cpu)
{
}

unsigned int engine_target(unsigned int cpu)
{
#ifdef PUSH
	return sim_cpu_idle(cpu) ? sim_nearest_busy(cpu) : cpu;
#else
	return cpu;
#endif
}
