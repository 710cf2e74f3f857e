// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host of the timer migration core: per CPU a timer base and a clock event
 * device, as timer.c, tick-sched.c and timer_migration.c are in the kernel
 *
 * Timers are under the lock of the base they are queued on. A CPU's idle flag,
 * clock event device and pinned timer are its own.
 */
#include "mc.h"

/* --- Timers --------------------------------------------------------------------- */

static struct mc_timer *mc_first_timer(unsigned int cpu)
{
	struct mc_timer *timer, *first = NULL;

	for (timer = mc_world.timer; timer < mc_world.timer + MC_TIMERS; timer++) {
		if (timer->base == cpu && timer->exp != KTIME_MAX &&
		    (!first || timer->exp < first->exp))
			first = timer;
	}

	return first;
}

/**
 * mc_host_first() - First expiry that a CPU leaves to the hierarchy
 * @cpu:	the CPU; its base is locked, or nobody is active in the model
 *
 * Return: KTIME_MAX when there is none, or it wakes for a pinned timer before.
 */
u64 mc_host_first(unsigned int cpu)
{
	const struct mc_timer *timer = mc_first_timer(cpu);

	if (!timer || mc_world.host[cpu].pinned <= timer->exp)
		return KTIME_MAX;

	return timer->exp;
}

/* Each operation that adds a timer has one of its own */
static struct mc_timer *mc_unused_timer(void)
{
	struct mc_timer *timer;

	for (timer = mc_world.timer; timer < mc_world.timer + MC_TIMERS; timer++) {
		if (!timer->started)
			return timer;
	}
	mc_fail("the scenario has more than %u timers", MC_TIMERS);

	return NULL;
}

static void mc_kick(unsigned int cpu)
{
	WRITE_ONCE(mc_world.host[cpu].kicked, true);
}

/* Runs without the base lock; a timer that it starts is queued where it runs, or was */
static void mc_callback(struct mc_timer *timer)
{
	unsigned int cpu = timer->stays ? timer->base : mc.cpu;
	u64 exp;

	if (timer->waker)
		mc_kick(timer->waker - 1);
	if (!timer->rearm)
		return;

	exp = READ_ONCE(mc_world.now) + timer->rearm;
	tmigr_host_lock(cpu);
	timer->base = cpu;
	timer->rearm = 0;
	timer->started++;
	timer->exp = exp;
	tmigr_host_unlock(cpu);
}

static unsigned int mc_expire(unsigned int cpu)
{
	struct mc_timer *timer;
	unsigned int nr = 0;

	tmigr_host_lock(cpu);
	while ((timer = mc_first_timer(cpu)) && timer->exp <= READ_ONCE(mc_world.now)) {
		timer->exp = KTIME_MAX;
		timer->ended++;
		nr++;
		mc_report_text("expires timer %u of cpu%u",
			       (unsigned int)(timer - mc_world.timer), cpu);
		tmigr_host_unlock(cpu);
		mc_callback(timer);
		tmigr_host_lock(cpu);
	}
	tmigr_host_unlock(cpu);

	return nr;
}

/* --- What the core calls: see tmigr_core.h ----------------------------------------- */

static void mc_do_idle(unsigned int cpu);
static void mc_do_wake(unsigned int cpu);
static void mc_do_leave(unsigned int cpu);
static void mc_reevaluate(unsigned int cpu);

/* What an interrupt, or sleeping on a lock, may do in the middle of a pull */
static void mc_nest(bool wakes)
{
	unsigned int cpu = mc.cpu;

	if (mc.direct)
		return;
	if (mc.scenario->nest == MC_NEST_LEAVE) {
		if (mc_world.tmc[cpu].available)
			mc_do_leave(cpu);
		return;
	}
	if (!mc_world.host[cpu].idle)
		mc_do_idle(cpu);
	else if (wakes)
		mc_do_wake(cpu);
	else
		mc_reevaluate(cpu);
}

void tmigr_host_expire(unsigned int cpu)
{
	if (mc.scenario->nest)
		mc_nest(mc.scenario->nest != MC_NEST_IDLE);
	mc_expire(cpu);
	if (mc.scenario->nest == MC_NEST_SLEEP)
		mc_nest(true);
}

bool tmigr_host_leaves_idle(unsigned int cpu)
{
	return mc.kicks && READ_ONCE(mc_world.host[cpu].kicked);
}

void tmigr_host_lock(unsigned int cpu)
{
	mc_lock(&mc_world.host[cpu].lock, __func__);
}

void tmigr_host_unlock(unsigned int cpu)
{
	mc_unlock(&mc_world.host[cpu].lock);
}

u64 tmigr_host_next(unsigned int cpu, u64 now)
{
	mc_assert_held(&mc_world.host[cpu].lock, __func__);

	return mc_host_first(cpu);
}

/* --- Operations ------------------------------------------------------------------ */

static void mc_arm(unsigned int cpu, u64 exp)
{
	struct mc_host *host = &mc_world.host[cpu];

	host->armed = min(host->pinned, exp);
	mc_report_text("armed for %s", mc_time(host->armed));
}

static void mc_do_idle(unsigned int cpu)
{
	struct mc_host *host = &mc_world.host[cpu];

	tmigr_host_lock(cpu);
	mc_arm(cpu, tmigr_core_deactivate(&mc_world.tmc[cpu], mc_host_first(cpu)));
	mc_world.tmc[cpu].idled = 0;
	host->idle = true;
	tmigr_host_unlock(cpu);
}

static void mc_do_wake(unsigned int cpu)
{
	struct mc_host *host = &mc_world.host[cpu];

	if (!host->idle)
		return;

	host->idle = false;
	host->armed = KTIME_MAX;
	tmigr_core_activate(&mc_world.tmc[cpu], true);
}

/* An idle CPU looks at its timers again before it goes back to sleep */
static void mc_reevaluate(unsigned int cpu)
{
	tmigr_host_lock(cpu);
	mc_arm(cpu, tmigr_core_new_timer(&mc_world.tmc[cpu], mc_host_first(cpu)));
	tmigr_host_unlock(cpu);
}

static void mc_do_add(unsigned int cpu, const struct mc_op *op)
{
	struct mc_timer *timer;

	tmigr_host_lock(cpu);
	timer = mc_unused_timer();
	timer->base = cpu;
	timer->rearm = op->rearm;
	timer->stays = op->stays;
	timer->waker = op->wakes ? cpu + 1 : 0;
	timer->started++;
	timer->exp = op->exp;
	tmigr_host_unlock(cpu);

	if (mc_world.host[cpu].idle)
		mc_reevaluate(cpu);
}

static void mc_do_add_pinned(unsigned int cpu, u64 exp)
{
	tmigr_host_lock(cpu);
	mc_world.host[cpu].pinned = exp;
	tmigr_host_unlock(cpu);

	if (mc_world.host[cpu].idle)
		mc_reevaluate(cpu);
}

static void mc_do_del(unsigned int cpu)
{
	struct mc_timer *timer;

	tmigr_host_lock(cpu);
	timer = mc_first_timer(cpu);
	if (timer) {
		timer->exp = KTIME_MAX;
		timer->ended++;
	}
	tmigr_host_unlock(cpu);
}

static void mc_run_timers(unsigned int cpu, u64 now)
{
	struct mc_host *host = &mc_world.host[cpu];
	struct tmigr_cpu *tmc = &mc_world.tmc[cpu];
	bool pull;

	pull = tmigr_core_must_pull(tmc, now);

	tmigr_host_lock(cpu);
	if (host->pinned <= now)
		host->pinned = KTIME_MAX;
	tmigr_host_unlock(cpu);

	if (mc_expire(cpu) || pull)
		tmigr_core_pull(tmc, now);
}

/* The tick of an active CPU, the clock event device's interrupt of an idle one */
static void mc_do_tick(unsigned int cpu)
{
	struct mc_host *host = &mc_world.host[cpu];
	u64 now = READ_ONCE(mc_world.now);

	if (host->idle) {
		if (host->armed > now)
			return;
		host->armed = KTIME_MAX;
	}

	mc_run_timers(cpu, now);

	/* A CPU that was woken leaves idle instead */
	if (host->idle && !(mc.kicks && READ_ONCE(host->kicked)))
		mc_reevaluate(cpu);
}

static void mc_do_advance(u64 now)
{
	tmt_before(&mc_world.now, sizeof(u64), TMT_RMW);
	if (mc_world.now < now)
		mc_world.now = now;
	tmt_after(&mc_world.now, sizeof(u64), 0);
}

static void mc_do_attach(unsigned int cpu, bool memory)
{
	struct tmigr_tree *tree = &mc_world.tree;
	struct tmigr_group *root = tree->root;
	unsigned int node = mc.scenario->node[cpu], slot;
	struct tmigr_pool pool = { };
	int error;

	mc_lock(&mc_world.mutex, __func__);
	pool.nr = tmigr_groups_needed(tree, node);
	if (!memory) {
		pool.nr--;
		error = tmigr_attach_cpu(tree, &mc_world.tmc[cpu], node, &pool);
		if (error != -ENOMEM || tree->root != root || mc_world.tmc[cpu].leaf)
			mc_fail("failed allocation: error %d, or something has changed", error);
	} else {
		for (slot = 0; slot < pool.nr; slot++) {
			if (mc_world.nr_groups == MC_GROUPS)
				mc_fail("the scenario has more than %u groups", MC_GROUPS);
			pool.group[slot] = &mc_world.group[mc_world.nr_groups++];
		}
		error = tmigr_attach_cpu(tree, &mc_world.tmc[cpu], node, &pool);
		if (error || pool.nr)
			mc_fail("attach: error %d, %u groups left", error, pool.nr);
	}
	mc_unlock(&mc_world.mutex);
}

static void mc_do_join(unsigned int cpu)
{
	mc_lock(&mc_world.mutex, __func__);
	tmigr_host_lock(cpu);
	tmigr_core_join(&mc_world.tmc[cpu], mc_world.host[cpu].idle);
	tmigr_host_unlock(cpu);
	mc_unlock(&mc_world.mutex);
}

/* The successor cannot leave meanwhile: that takes the topology's mutex */
static void mc_kick_successor(unsigned int cpu)
{
	unsigned int other;

	for (other = 0; other < mc.nr_cpus; other++) {
		if (other != cpu && mc_world.tmc[other].available) {
			mc_kick(other);
			return;
		}
	}
	mc_fail("cpu%u leaves an event behind, and no other CPU is available", cpu);
}

static void mc_do_leave(unsigned int cpu)
{
	bool stopped = mc.scenario->tick_stopped && mc_world.host[cpu].idle;
	u64 orphaned;

	if (!stopped)
		mc_do_wake(cpu);

	mc_lock(&mc_world.mutex, __func__);
	tmigr_host_lock(cpu);
	orphaned = tmigr_core_leave(&mc_world.tmc[cpu]);
	tmigr_host_unlock(cpu);
	if (orphaned != KTIME_MAX)
		mc_kick_successor(cpu);
	mc_unlock(&mc_world.mutex);

	if (stopped)
		mc_reevaluate(cpu);
}

static void mc_do_quick(unsigned int cpu)
{
	tmigr_core_quick_check(&mc_world.tmc[cpu], mc_host_first(cpu));
}

static void mc_do_set_arm(const struct mc_op *op)
{
	WRITE_ONCE(mc_world.tmc[op->target].arm, op->arm);
}

/**
 * mc_host_do() - Do an operation on the CPU that runs
 * @op:		the operation
 */
void mc_host_do(const struct mc_op *op)
{
	unsigned int cpu = mc.cpu;

	mc.accesses = 0;
	if (mc.trace)
		mc_report_op(op);

	switch (op->kind) {
	case MC_IDLE:
		mc_do_idle(cpu);
		break;
	case MC_WAKE:
		mc_do_wake(cpu);
		break;
	case MC_ADD:
		mc_do_add(cpu, op);
		break;
	case MC_ADD_PINNED:
		mc_do_add_pinned(cpu, op->exp);
		break;
	case MC_DEL:
		mc_do_del(cpu);
		break;
	case MC_TICK:
		mc_do_tick(cpu);
		break;
	case MC_ADVANCE:
		mc_do_advance(op->exp);
		break;
	case MC_ATTACH:
		mc_do_attach(op->target, true);
		break;
	case MC_ATTACH_NOMEM:
		mc_do_attach(op->target, false);
		break;
	case MC_JOIN:
		mc_do_join(cpu);
		break;
	case MC_LEAVE:
		mc_do_leave(cpu);
		break;
	case MC_QUICK:
		mc_do_quick(cpu);
		break;
	case MC_SET_ARM:
		mc_do_set_arm(op);
		break;
	}
}

/**
 * mc_host_kicked() - Leave idle for a moment if somebody wants the CPU that runs to
 *
 * The kick is over when the CPU is awake, as a wake-up is: so far others may rely
 * on the CPU to become active.
 *
 * Return: true if there was a kick.
 */
bool mc_host_kicked(void)
{
	const struct mc_op wake = { .kind = MC_WAKE }, idle = { .kind = MC_IDLE };
	struct mc_host *host = &mc_world.host[mc.cpu];
	bool was_idle = host->idle;

	if (!mc.kicks || !READ_ONCE(host->kicked))
		return false;

	if (was_idle)
		mc_host_do(&wake);
	WRITE_ONCE(host->kicked, false);
	if (was_idle)
		mc_host_do(&idle);

	return true;
}

/* --- Before the CPUs run -------------------------------------------------------------- */

/* Sequence numbers start where they soon wrap */
static void mc_near_wrap(struct tmigr_group *group)
{
	group->state.counter |= (long)(~0UL << (TMIGR_SEQ_SHIFT + 1));
}

static bool mc_uses_kicks(const struct mc_op *op)
{
	return op->kind == MC_LEAVE || op->wakes;
}

static void mc_find_kicks(void)
{
	unsigned int cpu, i;

	mc.kicks = mc.scenario->nest == MC_NEST_LEAVE;
	for (i = 0; i < MC_SETUP; i++)
		mc.kicks |= mc_uses_kicks(&mc.scenario->setup[i]);
	for (cpu = 0; cpu < MC_CPUS; cpu++) {
		for (i = 0; i < MC_OPS; i++)
			mc.kicks |= mc_uses_kicks(&mc.scenario->script[cpu][i]);
	}
}

static void mc_init_cpu(unsigned int cpu)
{
	tmigr_core_init_cpu(&mc_world.tmc[cpu], cpu);
	mc_world.tmc[cpu].arm = mc.scenario->arm;
	mc_world.host[cpu] = (struct mc_host) { .armed = KTIME_MAX, .pinned = KTIME_MAX };
}

/**
 * mc_host_setup() - Build a scenario's world
 */
void mc_host_setup(void)
{
	const struct mc_op join = { .kind = MC_JOIN };
	static u8 node_levels[MC_CPUS];
	unsigned int cpu, i;

	mc_world = (struct mc_world) { .now = 0 };
	mc.nr_cpus = mc.scenario->cpus + mc.scenario->later;
	mc.direct = true;
	mc_find_kicks();

	for (i = 0; i < MC_TIMERS; i++)
		mc_world.timer[i].exp = KTIME_MAX;
	for (i = 0; i < MC_CPUS; i++)
		node_levels[i] = mc.scenario->node_levels[i] ?: 1;
	tmigr_tree_init(&mc_world.tree, node_levels, MC_CPUS);

	for (cpu = 0; cpu < mc.nr_cpus; cpu++)
		mc_init_cpu(cpu);
	for (cpu = 0; cpu < mc.scenario->cpus; cpu++) {
		mc_do_attach(cpu, true);
		mc.cpu = cpu;
		mc_host_do(&join);
	}
	for (i = 0; i < mc_world.nr_groups; i++)
		mc_near_wrap(&mc_world.group[i]);

	for (i = 0; i < MC_SETUP && mc.scenario->setup[i].kind; i++) {
		mc.cpu = mc.scenario->setup[i].cpu;
		mc_host_do(&mc.scenario->setup[i]);
	}
}
