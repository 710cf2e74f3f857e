// SPDX-License-Identifier: GPL-2.0-only
/*
 * The invariants, and the epilogue after the scripts
 *
 * (a)	a group's migrator is NONE exactly when no child is active, else one of
 *	the active ones: after every step
 * (b)	a parent's bit says whether the child has an active child
 * (c)	one root, unique slots, levels that ascend
 * (d)	the first event of each idle CPU is covered
 * (e)	what a CPU does comes to an end: the search finds endless schedules, a
 *	limit those of the epilogue
 * (f)	without timers nobody is armed
 * (g)	a CPU that is not available neither pulls nor is pulled
 * (h)	what an idle CPU wakes for itself is not left to others as well
 *
 * (b), (c), (d), (g) and (h) hold when no CPU is inside an operation.
 */
#include "mc.h"

#define MC_ROUNDS	16
#define MC_TICKS	64

/* --- Groups ---------------------------------------------------------------------- */

static unsigned int mc_group_index(const struct tmigr_group *group)
{
	return group - mc_world.group;
}

#define mc_group_fail(group, format, ...)						\
	mc_fail("group %u of level %u: " format, mc_group_index(group), (group)->level,	\
		##__VA_ARGS__)

/* (a) A group without children may not be initialised yet */
static void mc_check_state(const struct tmigr_group *group)
{
	struct tmigr_state state;

	if (!group->nr_children)
		return;

	state = tmigr_group_state(group);
	if (!state.active && state.migrator != TMIGR_NONE)
		mc_group_fail(group, "(a) migrator %u, but no child is active", state.migrator);
	if (state.active && state.migrator == TMIGR_NONE)
		mc_group_fail(group, "(a) no migrator, but active children 0x%x", state.active);
	if (state.active && !(state.active & BIT(state.migrator)))
		mc_group_fail(group, "(a) migrator %u is not active (0x%x)", state.migrator,
			      state.active);
}

/**
 * mc_check_step() - What holds after every step
 */
void mc_check_step(void)
{
	unsigned int i;

	mc.silent = true;
	for (i = 0; i < mc_world.nr_groups; i++)
		mc_check_state(&mc_world.group[i]);
	mc.silent = false;
}

static u64 mc_slot_exp(const struct tmigr_group *group, unsigned int slot)
{
	return tmigr_slot_exp(group, slot, mc_world.now);
}

static void mc_check_parent(const struct tmigr_group *group)
{
	const struct tmigr_group *parent = group->parent;
	bool bit, active;

	if (group->slot >= parent->nr_children || parent->child[group->slot] != group)
		mc_group_fail(group, "(c) is not in its parent's slot %u", group->slot);
	if (parent->level <= group->level)
		mc_group_fail(group, "(c) its parent's level is %u", parent->level);

	bit = tmigr_group_state(parent).active & BIT(group->slot);
	active = tmigr_group_state(group).active;
	if (bit != active)
		mc_group_fail(group, "(b) its bit in the parent is %u, but it is %sactive",
			      bit, active ? "" : "not ");
	if (!active && mc_slot_exp(parent, group->slot) > group->first)
		mc_group_fail(group, "(d) first is %s, but %s in the parent",
			      mc_time(group->first), mc_time(mc_slot_exp(parent, group->slot)));
}

static void mc_check_group(const struct tmigr_group *group)
{
	struct tmigr_state state = tmigr_group_state(group);
	unsigned int slot;

	if (group->lock)
		mc_group_fail(group, "is still locked");
	for (slot = 0; slot < TMIGR_FANOUT; slot++) {
		if (!(state.active & BIT(slot)) && mc_slot_exp(group, slot) < group->first)
			mc_group_fail(group, "(d) first is %s, but slot %u has %s",
				      mc_time(group->first), slot,
				      mc_time(mc_slot_exp(group, slot)));
	}
	if (group->parent)
		mc_check_parent(group);
	else if (group != mc_world.tree.root)
		mc_group_fail(group, "(c) has no parent, but is not the root");
}

/* --- CPUs --------------------------------------------------------------------------- */

static void mc_check_cpu(unsigned int cpu)
{
	const struct tmigr_cpu *tmc = &mc_world.tmc[cpu];
	const struct mc_host *host = &mc_world.host[cpu];
	bool active = tmigr_cpu_active(tmc);
	u64 slot_exp = mc_slot_exp(tmc->leaf, tmc->slot);

	if (host->lock)
		mc_fail("cpu%u: its base is still locked", cpu);
	if (tmc->leaf->cpu[tmc->slot] != tmc)
		mc_fail("(c) cpu%u is not in its slot", cpu);
	if (active != (tmc->available && !host->idle))
		mc_fail("(b) cpu%u is %sactive in its leaf, but %s", cpu, active ? "" : "not ",
			!tmc->available ? "not available" : host->idle ? "idle" : "busy");
	if (!active && slot_exp != tmc->exp)
		mc_fail("cpu%u left an event at %s to the hierarchy, but its slot has %s", cpu,
			mc_time(tmc->exp), mc_time(slot_exp));
	if (!tmc->available && slot_exp != KTIME_MAX)
		mc_fail("(g) cpu%u is not available, but its slot has %s", cpu,
			mc_time(slot_exp));
	if (!tmc->available && tmc->keeping)
		mc_fail("(g) cpu%u is not available, but armed for the hierarchy", cpu);
	if (!active && tmc->exp != KTIME_MAX && tmc->exp >= tmc->self_exp)
		mc_fail("(h) cpu%u wakes at %s itself, but left an event at %s to the hierarchy",
			cpu, mc_time(tmc->self_exp), mc_time(tmc->exp));
	if (active && tmc->keeping)
		mc_fail("cpu%u is active, but armed for the hierarchy", cpu);
	if (tmc->keeping && !host->kicked && host->armed > tmc->wakeup)
		mc_fail("cpu%u promised to wake at %s, but is armed for %s", cpu,
			mc_time(tmc->wakeup), mc_time(host->armed));
}

/* --- Coverage ----------------------------------------------------------------------- */

static bool mc_kick_pending(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		if (mc_world.host[cpu].kicked && mc_world.host[cpu].idle &&
		    mc_world.tmc[cpu].available)
			return true;
	}

	return false;
}

/* Everybody is idle: somebody must be armed, and pull when it wakes */
static void mc_check_somebody_armed(unsigned int cpu, u64 exp)
{
	const struct tmigr_cpu *tmc;
	unsigned int other;

	if (mc_kick_pending())
		return;
	for (other = 0; other < mc.nr_cpus; other++) {
		tmc = &mc_world.tmc[other];
		if (tmc->available && tmc->keeping && tmc->wakeup <= exp &&
		    mc_world.host[other].armed <= exp)
			return;
	}
	mc_fail("(d) cpu%u has an event at %s, everybody is idle and nobody armed for it",
		cpu, mc_time(exp));
}

/* Down from an active @group to the CPU that is migrator all the way up to it */
static void mc_check_migrator(const struct tmigr_group *group, unsigned int cpu)
{
	const struct tmigr_cpu *tmc;
	unsigned int migrator;

	for (;;) {
		migrator = tmigr_group_state(group).migrator;
		if (migrator == TMIGR_NONE)
			mc_group_fail(group, "(d) no migrator looks after cpu%u", cpu);
		if (!group->level)
			break;
		group = group->child[migrator];
	}
	tmc = group->cpu[migrator];
	if (!tmc->available || mc_world.host[tmc->cpu].idle)
		mc_fail("(d) the migrator of cpu%u is cpu%u, which is idle", cpu, tmc->cpu);
}

/*
 * (d) On the way up from an idle CPU all groups know of its event, up to the
 * first that has an active child, whose migrator will find it; or the root.
 */
static void mc_check_covered(unsigned int cpu)
{
	const struct tmigr_cpu *tmc = &mc_world.tmc[cpu];
	const struct mc_host *host = &mc_world.host[cpu];
	const struct tmigr_group *group = tmc->leaf;
	u64 exp = mc_host_first(cpu);
	unsigned int slot = tmc->slot;

	if (exp == KTIME_MAX || host->armed <= exp || host->kicked)
		return;

	for (;;) {
		if (mc_slot_exp(group, slot) > exp || group->first > exp)
			mc_group_fail(group, "(d) cpu%u has an event at %s, slot %u has %s, first is %s",
				      cpu, mc_time(exp), slot, mc_time(mc_slot_exp(group, slot)),
				      mc_time(group->first));
		if (tmigr_group_state(group).active) {
			mc_check_migrator(group, cpu);
			return;
		}
		if (!group->parent)
			break;
		slot = group->slot;
		group = group->parent;
	}
	mc_check_somebody_armed(cpu, exp);
}

/* A CPU whose timers nobody else may expire is armed for them */
static void mc_check_alone(unsigned int cpu)
{
	u64 exp = mc_host_first(cpu);

	if (mc_world.host[cpu].armed > exp && !mc_world.host[cpu].kicked)
		mc_fail("(g) cpu%u is not available, has an event at %s, and is armed for %s",
			cpu, mc_time(exp), mc_time(mc_world.host[cpu].armed));
}

/* --- The forecast ---------------------------------------------------------------------- */

/* What an active CPU would have to arm for if it went idle now; not too late */
static void mc_check_forecast(unsigned int cpu)
{
	const struct tmigr_cpu *tmc = &mc_world.tmc[cpu];
	u64 own = mc_host_first(cpu), due = own, armed = KTIME_MAX, said;
	unsigned int other;

	for (other = 0; other < mc.nr_cpus; other++) {
		if (other == cpu || !mc_world.tmc[other].available)
			continue;
		if (!mc_world.host[other].idle)
			return;
		armed = min(armed, mc_world.host[other].armed);
		if (mc_world.host[other].armed > mc_host_first(other))
			due = min(due, mc_host_first(other));
	}
	if (armed <= due)
		return;

	said = tmigr_core_quick_check(tmc, own);
	if (said > due)
		mc_fail("the forecast of cpu%u is %s, but something is due at %s", cpu,
			mc_time(said), mc_time(due));
}

/**
 * mc_is_quiet() - Whether all CPUs are between two operations
 *
 * Return: true when mc_check_quiet() can be called.
 */
bool mc_is_quiet(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		if (mc_world.vcpu[cpu].inside)
			return false;
	}

	return true;
}

/**
 * mc_check_quiet() - What holds when no CPU is inside an operation
 */
void mc_check_quiet(void)
{
	unsigned int i;

	mc.silent = true;
	for (i = 0; i < mc_world.nr_groups; i++)
		mc_check_group(&mc_world.group[i]);
	for (i = 0; i < mc.nr_cpus; i++) {
		if (!mc_world.tmc[i].leaf)
			continue;
		mc_check_cpu(i);
		if (mc_world.host[i].idle && mc_world.tmc[i].available)
			mc_check_covered(i);
		else if (mc_world.host[i].idle)
			mc_check_alone(i);
		else if (mc_world.tmc[i].available)
			mc_check_forecast(i);
	}
	mc.silent = false;
}

/* --- Epilogue ------------------------------------------------------------------------- */

static void mc_do(unsigned int cpu, enum mc_kind kind)
{
	const struct mc_op op = { .kind = kind };

	mc.cpu = cpu;
	mc_host_do(&op);
	mc_check_step();
	mc_check_quiet();
}

static bool mc_do_kick(unsigned int cpu)
{
	mc.cpu = cpu;
	if (!mc_host_kicked())
		return false;

	mc_check_quiet();
	return true;
}

/* Interrupts of idle CPUs at one instant, until there is none */
static void mc_interrupts(void)
{
	unsigned int cpu, round;
	bool busy = true;

	for (round = 0; busy; round++) {
		if (round == MC_ROUNDS)
			mc_fail("(e) idle CPUs wake at %s again and again", mc_time(mc_world.now));
		busy = false;
		for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
			busy |= mc_do_kick(cpu);
			if (mc_world.host[cpu].idle && mc_world.host[cpu].armed <= mc_world.now) {
				mc_do(cpu, MC_TICK);
				busy = true;
			}
		}
	}
}

static void mc_all_idle(void)
{
	unsigned int cpu;

	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		if (mc_world.tmc[cpu].leaf && !mc_world.host[cpu].idle)
			mc_do(cpu, MC_IDLE);
	}
}

static bool mc_anything_pending(void)
{
	unsigned int i;

	for (i = 0; i < MC_TIMERS; i++) {
		if (mc_world.timer[i].exp != KTIME_MAX)
			return true;
	}
	for (i = 0; i < mc.nr_cpus; i++) {
		if (mc_world.host[i].pinned != KTIME_MAX || mc_world.host[i].armed != KTIME_MAX)
			return true;
	}

	return false;
}

/*
 * After a tick of everybody nothing is due: stricter than "a tick late at most".
 * When somebody does not take his, others notice sooner or later.
 */
static void mc_check_lateness(void)
{
	u64 late = mc.scenario->stuck ? TMIGR_OVERDUE + TMIGR_LOOK_FURTHER : 0;
	const struct mc_timer *timer;

	for (timer = mc_world.timer; timer < mc_world.timer + MC_TIMERS; timer++) {
		if (timer->exp != KTIME_MAX && timer->exp + late <= mc_world.now)
			mc_fail("timer %u of cpu%u, due at %s, has not expired after the tick at %s",
				(unsigned int)(timer - mc_world.timer), timer->base,
				mc_time(timer->exp), mc_time(mc_world.now));
	}
}

static void mc_pass_time(void)
{
	unsigned int cpu, ticks;

	for (ticks = 0; mc_anything_pending(); ticks++) {
		if (ticks == MC_TICKS)
			mc_fail("(f) idle CPUs are armed, but there is no timer");
		mc_report_text("time %s", mc_time(mc_world.now));
		mc_interrupts();
		for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
			if (mc_world.tmc[cpu].leaf && !mc_world.host[cpu].idle &&
			    cpu + 1 != mc.scenario->stuck)
				mc_do(cpu, MC_TICK);
		}
		mc_interrupts();
		mc_check_lateness();
		mc_world.now++;
	}
}

static void mc_check_end(void)
{
	const struct mc_timer *timer;
	unsigned int cpu;

	for (timer = mc_world.timer; timer < mc_world.timer + MC_TIMERS; timer++) {
		if (timer->started != timer->ended)
			mc_fail("timer %u was started %u times and ended %u times",
				(unsigned int)(timer - mc_world.timer), timer->started,
				timer->ended);
	}
	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		if (mc_world.tmc[cpu].keeping || mc_world.tmc[cpu].wakeup != KTIME_MAX)
			mc_fail("(f) there is no timer, but cpu%u has to wake at %s", cpu,
				mc_time(mc_world.tmc[cpu].wakeup));
	}
}

static void mc_finish(bool idle_first)
{
	unsigned int cpu;

	for (cpu = 0; cpu < mc.nr_cpus; cpu++)
		mc_do_kick(cpu);
	if (idle_first)
		mc_all_idle();
	mc_pass_time();
	mc_all_idle();
	mc_pass_time();
	mc_check_end();
}

/**
 * mc_epilogue() - After the scripts: let time pass until nothing is pending
 *
 * Twice: with the CPUs that are active left so, and with all of them idle.
 */
void mc_epilogue(void)
{
	static struct mc_world after_scripts;
	size_t size = mc_world_size();

	memcpy(&after_scripts, &mc_world, size);
	mc_report_text("all scripts are over; who is active remains so");
	mc_finish(false);

	memcpy(&mc_world, &after_scripts, size);
	mc_report_text("all scripts are over; again, with all CPUs going idle");
	mc_finish(true);

	memcpy(&mc_world, &after_scripts, size);
}
