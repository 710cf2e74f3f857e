// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timer migration: the hierarchy of CPUs in the kernel
 *
 * tmigr_core.c decides, and explains the model; this file is what connects it
 * with the timer wheel: an entry per CPU, times, hotplug, isolation, the sysctl,
 * tracing and counting.
 *
 * Who takes part
 * --------------
 *
 * A CPU gets its place in the hierarchy when it comes up for the first time
 * (CPUHP_TMIGR_PREPARE), and keeps it. It takes part from CPUHP_AP_TMIGR_ONLINE on
 * until it goes down, unless it is isolated. Who does not take part wakes for
 * its own timers. tmigr_cpu::available says so.
 *
 * Isolated CPUs (isolcpus=domain, cpuset partitions) are left alone: nobody
 * runs their timers and they run nobody's. nohz_full CPUs take part, since the
 * others are to run their timers: such a CPU is idle, as seen from here,
 * whenever its tick is stopped, and never wakes for a timer that others can run.
 *
 * Times
 * -----
 *
 * The tick code and timer.c talk in nanoseconds of CLOCK_MONOTONIC at which
 * ticks are due, the hierarchy in ticks. Both advance together under
 * jiffies_seq, so that one pair of them is enough to convert any other.
 *
 * Locking rules
 * -------------
 *
 * tmigr_available_mutex -> timer bases of a CPU -> what tmigr_core.c says.
 * tmigr_hierarchy.mutex -> what tmigr_core.c says.
 */

#include <linux/bitops.h>
#include <linux/cleanup.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/jump_label.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/nodemask.h>
#include <linux/sched/isolation.h>
#include <linux/sched/nohz.h>
#include <linux/sched/topology.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/tick.h>
#include <linux/timer.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include "tick-internal.h"
#include "timer_migration.h"
#include "tmigr_internal.h"

/* One unit with the core: going idle is short, and calls would be a good part of it */
#include "tmigr_core.c"

#define CREATE_TRACE_POINTS
#include <trace/events/timer_migration_pull.h>

DEFINE_PER_CPU(struct tmigr_cpu, tmigr_cpu) = {
	.exp	= TMIGR_NEVER,
	.arm	= TMIGR_ARM_PREDICT,
	.idle	= true,
};

#ifdef CONFIG_DEBUG_FS
DEFINE_PER_CPU(struct tmigr_counters, tmigr_counters);
#endif

struct tmigr_hierarchy tmigr_hierarchy = {
	.mutex	= __MUTEX_INITIALIZER(tmigr_hierarchy.mutex),
};

/* Serialises who takes part: hotplug and isolation */
static DEFINE_MUTEX(tmigr_available_mutex);

/* Isolation counts from late boot on: housekeeping CPUs have to be up first */
static bool tmigr_isolation_ready;

/* sysctl kernel.timer_migration, under tmigr_hierarchy.mutex */
static bool tmigr_enabled = true;

/* --- Times ----------------------------------------------------------------- */

/**
 * struct tmigr_clock - One instant
 * @tick:	jiffies of 64 bits
 * @mono:	CLOCK_MONOTONIC (ns) of that tick
 */
struct tmigr_clock {
	u64	tick;
	u64	mono;
};

static struct tmigr_clock tmigr_read_clock(void)
{
	struct tmigr_clock clock;
	unsigned long jif;
	u64 later;

	clock.mono = get_jiffies_update(&jif);
	if (IS_ENABLED(CONFIG_64BIT)) {
		clock.tick = jif;
	} else {
		/* The upper half, of not much later */
		later = get_jiffies_64();
		clock.tick = later - (u32)((u32)later - (u32)jif);
	}

	return clock;
}

/*
 * What this CPU has converted last. A CPU that goes idle and wakes up often has the
 * same first timer each time, and the answer to when is usually: for that one.
 */
static DEFINE_PER_CPU(struct tmigr_clock, tmigr_converted);

static noinline u64 tmigr_convert_to_ticks(u64 mono)
{
	struct tmigr_clock now = tmigr_read_clock();
	u64 tick = now.tick + div_s64(mono - now.mono, TICK_NSEC);

	this_cpu_write(tmigr_converted.mono, mono);
	this_cpu_write(tmigr_converted.tick, tick);

	return tick;
}

static noinline u64 tmigr_convert_to_mono(u64 tick)
{
	struct tmigr_clock now = tmigr_read_clock();

	return now.mono + (s64)(tick - now.tick) * TICK_NSEC;
}

static __always_inline u64 tmigr_to_ticks(u64 mono)
{
	if (mono == KTIME_MAX)
		return TMIGR_NEVER;
	if (mono == this_cpu_read(tmigr_converted.mono))
		return this_cpu_read(tmigr_converted.tick);

	return tmigr_convert_to_ticks(mono);
}

static __always_inline u64 tmigr_to_mono(u64 tick)
{
	if (tick == TMIGR_NEVER)
		return KTIME_MAX;
	if (tick == this_cpu_read(tmigr_converted.tick))
		return this_cpu_read(tmigr_converted.mono);

	return tmigr_convert_to_mono(tick);
}

/* --- Tracing --------------------------------------------------------------- */

static struct tmigr_group *tmigr_parent(struct tmigr_group *group)
{
	/* (E) in tmigr_core.c: pairs with the publication of the parent */
	return smp_load_acquire(&group->parent);
}

/* Its first global timer (ns), whoever wakes for that */
static u64 tmigr_first_of(const struct tmigr_cpu *tmc)
{
	return tmigr_to_mono(min(tmc->exp, tmc->self_exp));
}

/*
 * Out of line, and with @wakeup passing through, so that those who call this in the
 * end need no registers for it.
 *
 * Which groups a transition has reached is told as well: those which the CPU left
 * without an active child, or was the first in. It is a look afterwards, so others
 * may have changed them again.
 */
static noinline u64 tmigr_trace_deactivation(struct tmigr_cpu *tmc, u64 wakeup)
{
	unsigned int slot = tmc->slot;
	struct tmigr_group *group;
	struct tmigr_state state;

	trace_tmigr_cpu_idle(tmc, tmigr_first_of(tmc));
	if (!trace_tmigr_group_set_cpu_inactive_enabled())
		return wakeup;

	for (group = tmc->leaf; group; group = tmigr_parent(group)) {
		state = tmigr_group_state(group);
		trace_tmigr_group_set_cpu_inactive(group, state, BIT(slot));
		if (state.active)
			break;
		slot = group->slot;
	}

	return wakeup;
}

static noinline u64 tmigr_trace_new_timer(struct tmigr_cpu *tmc, u64 wakeup)
{
	trace_tmigr_cpu_new_timer_idle(tmc, tmigr_first_of(tmc));

	return wakeup;
}

static noinline void tmigr_trace_activation(struct tmigr_cpu *tmc)
{
	unsigned int slot = tmc->slot;
	struct tmigr_group *group;
	struct tmigr_state state;

	trace_tmigr_cpu_active(tmc);
	if (!trace_tmigr_group_set_cpu_active_enabled())
		return;

	for (group = tmc->leaf; group; group = tmigr_parent(group)) {
		state = tmigr_group_state(group);
		trace_tmigr_group_set_cpu_active(group, state, BIT(slot));
		if (state.active != BIT(slot))
			break;
		slot = group->slot;
	}
}

static void tmigr_count_deactivation(struct tmigr_cpu *tmc)
{
	tmigr_count(deactivations);
	if (likely(!tmc->idled))
		return;
	tmigr_count_many(groups_idled, tmc->idled);
	tmc->idled = 0;
	if (tmc->keeping)
		tmigr_count(duties);
}

static unsigned long tmigr_pulls(void)
{
#ifdef CONFIG_DEBUG_FS
	return this_cpu_read(tmigr_counters.pulls);
#else
	return 0;
#endif
}

/* --- What the timer wheel calls -------------------------------------------- */

/**
 * tmigr_cpu_activate() - This CPU leaves idle: its tick runs again
 *
 * Context: Interrupts disabled. After tmigr_cpu_deactivate(), or the CPU did
 * not take part then.
 */
void tmigr_cpu_activate(void)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);

	if (!tmc->available)
		return;

	tmigr_core_activate(tmc, true);
	tmigr_count(activations);
	if (trace_tmigr_cpu_active_enabled() || trace_tmigr_group_set_cpu_active_enabled())
		tmigr_trace_activation(tmc);
}

/**
 * tmigr_cpu_stay_active() - Take tmigr_cpu_deactivate() back: the tick goes on
 *
 * Context: Interrupts disabled, the CPU's timer bases locked as they have been
 * since tmigr_cpu_deactivate().
 */
void tmigr_cpu_stay_active(void)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);

	if (!tmc->available)
		return;

	tmigr_core_activate(tmc, false);
	if (trace_tmigr_cpu_active_enabled() || trace_tmigr_group_set_cpu_active_enabled())
		tmigr_trace_activation(tmc);
}

/**
 * tmigr_cpu_deactivate() - This CPU goes idle: its tick is about to be stopped
 * @nextexp:	when its first global timer expires (ns); KTIME_MAX when there is
 *		none or it wakes for a pinned one before
 *
 * Context: Interrupts disabled, the CPU's timer bases locked.
 *
 * Return: when the CPU has to wake besides its pinned timers (ns): KTIME_MAX if
 * others see to everything; the first expiry that needs it if all others are
 * idle; @nextexp if it does not take part.
 */
u64 tmigr_cpu_deactivate(u64 nextexp)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);
	u64 wakeup;

	if (!tmc->available)
		return nextexp;

	wakeup = tmigr_core_deactivate(tmc, tmigr_to_ticks(nextexp));
	tmigr_count_deactivation(tmc);
	if (trace_tmigr_cpu_idle_enabled() || trace_tmigr_group_set_cpu_inactive_enabled())
		wakeup = tmigr_trace_deactivation(tmc, wakeup);

	return tmigr_to_mono(wakeup);
}

/**
 * tmigr_cpu_new_timer() - This CPU is idle and its first timer may have changed
 * @nextexp:	as for tmigr_cpu_deactivate()
 *
 * Context: Interrupts disabled, the CPU's timer bases locked and marked idle.
 *
 * Return: as tmigr_cpu_deactivate().
 */
u64 tmigr_cpu_new_timer(u64 nextexp)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);
	u64 wakeup;

	if (!tmc->available)
		return nextexp;

	wakeup = tmigr_core_new_timer(tmc, tmigr_to_ticks(nextexp));
	tmigr_count(new_timers);
	if (trace_tmigr_cpu_new_timer_idle_enabled())
		wakeup = tmigr_trace_new_timer(tmc, wakeup);

	return tmigr_to_mono(wakeup);
}

/**
 * tmigr_quick_check() - What tmigr_cpu_deactivate() would say
 * @nextexp:	as for tmigr_cpu_deactivate()
 *
 * Context: Interrupts disabled, the CPU's timer bases locked and not idle.
 *
 * Return: as tmigr_cpu_deactivate(), a forecast.
 */
u64 tmigr_quick_check(u64 nextexp)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);

	if (!tmc->available)
		return nextexp;

	return tmigr_to_mono(tmigr_core_quick_check(tmc, tmigr_to_ticks(nextexp)));
}

/**
 * tmigr_requires_handle_remote() - Whether the timer softirq is needed for
 * timers of idle CPUs
 *
 * Context: Tick, hard interrupt.
 *
 * Return: true when tmigr_handle_remote() will have something to do.
 */
bool tmigr_requires_handle_remote(void)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);

	return tmigr_core_must_pull(tmc, get_jiffies_64());
}

/**
 * tmigr_handle_remote() - Run the due timers of idle CPUs, if that is this
 * CPU's task
 *
 * Context: Timer softirq, interrupts enabled, no locks held.
 */
void tmigr_handle_remote(void)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);
	u64 now = get_jiffies_64();
	unsigned long pulls;
	bool on_duty, own;

	if (!tmc->available)
		return;

	on_duty = READ_ONCE(tmc->idle) && READ_ONCE(tmc->keeping) && tmc->wakeup <= now;
	/* To count: somebody may be entering another one */
	own = data_race(tmc->exp) <= now;
	pulls = tmigr_pulls();
	if (trace_tmigr_handle_remote_enabled() && tmigr_core_must_pull(tmc, now))
		trace_tmigr_handle_remote(tmc->leaf);

	if (tmigr_core_pull(tmc, now))
		tmigr_count(takeovers);

	if (on_duty) {
		tmigr_count(wakeups);
		if (pulls == tmigr_pulls() && !own)
			tmigr_count(spurious);
	}
}

/* --- What the core calls --------------------------------------------------- */

void tmigr_host_expire(unsigned int cpu)
{
	struct tmigr_cpu *tmc = per_cpu_ptr(&tmigr_cpu, cpu);
	bool remote = cpu != smp_processor_id();

	/* A keeper may be due itself. The softirq has run its timers, but time goes on */
	if (remote)
		trace_tmigr_handle_remote_cpu(tmc);
	if (timer_expire_remote(cpu) && remote)
		tmigr_count(pulls);

	/*
	 * A callback may have armed its timer again, which stays on that CPU. If
	 * that one has ceased to take part meanwhile, nobody else looks at it.
	 */
	if (!READ_ONCE(tmc->available))
		wake_up_nohz_cpu(cpu);
}

bool tmigr_host_leaves_idle(unsigned int cpu)
{
	/* A nohz_full CPU may run a task, and remain idle as seen from here */
	return !tick_nohz_full_cpu(cpu) && cpu_leaves_idle(cpu);
}

void tmigr_host_lock(unsigned int cpu)
{
	local_irq_disable();
	timer_lock_remote_bases(cpu);
}

void tmigr_host_unlock(unsigned int cpu)
{
	timer_unlock_remote_bases(cpu);
	local_irq_enable();
}

u64 tmigr_host_next(unsigned int cpu, u64 now)
{
	unsigned long exp;

	if (!timer_next_remote(cpu, now, &exp))
		return TMIGR_NEVER;

	return now + (long)(exp - (unsigned long)now);
}

/* --- The sysctl ------------------------------------------------------------ */

static void tmigr_update_arm(unsigned int cpu)
{
	struct tmigr_cpu *tmc = per_cpu_ptr(&tmigr_cpu, cpu);
	enum tmigr_arm arm = TMIGR_ARM_PREDICT;

	lockdep_assert_held(&tmigr_hierarchy.mutex);

	if (!tmigr_enabled)
		arm = TMIGR_ARM_SELF;
	else if (tick_nohz_full_cpu(cpu))
		arm = TMIGR_ARM_OTHERS;

	WRITE_ONCE(tmc->arm, arm);
}

/* The interrupt itself makes an idle CPU look for its next timer */
static void tmigr_look_again(void *unused) { }

/**
 * tmigr_set_enabled() - sysctl kernel.timer_migration was written
 * @enabled:	false: each CPU wakes for all of its timers. CPUs which have gone
 *		idle already have had an interrupt when this returns, and look for
 *		their next timer on the way back. Until then their timers remain
 *		entered, also those of a nohz_full CPU which calls this: no interrupt
 *		is sent to it, it looks after the next one
 *
 * Context: Process, may sleep. The caller serialises.
 */
void tmigr_set_enabled(bool enabled)
{
	unsigned int cpu;

	if (enabled == tmigr_enabled)
		return;

	/* Not while a CPU gets its entry */
	scoped_guard(mutex, &tmigr_hierarchy.mutex) {
		tmigr_enabled = enabled;
		for_each_possible_cpu(cpu)
			tmigr_update_arm(cpu);
	}

	if (!enabled)
		on_each_cpu(tmigr_look_again, NULL, true);
}

/* --- Who takes part -------------------------------------------------------- */

static void tmigr_join(struct tmigr_cpu *tmc)
{
	tmigr_host_lock(tmc->cpu);
	if (!tmc->available) {
		tmigr_core_join(tmc, timer_base_is_idle());
		trace_tmigr_cpu_available(tmc);
	}
	tmigr_host_unlock(tmc->cpu);
}

static u64 tmigr_leave(struct tmigr_cpu *tmc)
{
	bool idle;
	u64 orphaned;

	tmigr_host_lock(tmc->cpu);
	orphaned = tmigr_core_leave(tmc);
	idle = timer_base_is_idle();
	trace_tmigr_cpu_unavailable(tmc);
	tmigr_host_unlock(tmc->cpu);

	/* A nohz_full CPU whose timers others have looked after up to now */
	if (idle)
		tick_nohz_full_kick_cpu(tmc->cpu);

	return orphaned;
}

/*
 * That it runs on a CPU is enough: the CPU has left idle. On a nohz_full CPU the
 * tick may stay stopped, but then there is nothing to hand over: the CPU which
 * keeps the time is active, and neither goes offline nor is isolated.
 */
static long tmigr_take_over(void *unused)
{
	return 0;
}

static void tmigr_hand_over(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		if (per_cpu(tmigr_cpu, cpu).available) {
			tmigr_count(handovers);
			work_on_cpu(cpu, tmigr_take_over, NULL);
			return;
		}
	}

	tmigr_count(lost_handovers);
	WARN_ONCE(1, "timer migration: pending timers, but no CPU to run them\n");
}

/* Of those that shall be isolated, which ones can be left alone */
static bool tmigr_can_isolate(unsigned int cpu)
{
	/* The others have to look after CPUs without a tick */
	if (!housekeeping_cpu(cpu, HK_TYPE_KERNEL_NOISE))
		return false;

	/* isolcpus= may name the CPU which does that while all others sleep */
	return tick_nohz_cpu_hotpluggable(cpu);
}

static int tmigr_cpu_online(unsigned int cpu)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);

	if (WARN_ON_ONCE(!tmc->leaf))
		return -EINVAL;

	guard(mutex)(&tmigr_available_mutex);

	if (!tmigr_isolation_ready || housekeeping_cpu(cpu, HK_TYPE_DOMAIN) ||
	    !tmigr_can_isolate(cpu))
		tmigr_join(tmc);

	return 0;
}

static int tmigr_cpu_offline(unsigned int cpu)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);

	guard(mutex)(&tmigr_available_mutex);

	if (tmc->available && tmigr_leave(tmc) != TMIGR_NEVER)
		tmigr_hand_over();

	return 0;
}

static long tmigr_cpu_include(void *unused)
{
	struct tmigr_cpu *tmc = this_cpu_ptr(&tmigr_cpu);

	guard(mutex)(&tmigr_available_mutex);
	tmigr_join(tmc);

	return 0;
}

static long tmigr_cpu_exclude(void *unused)
{
	return tmigr_cpu_offline(smp_processor_id());
}

static bool tmigr_to_exclude(unsigned int cpu, const struct cpumask *isolated)
{
	return cpumask_test_cpu(cpu, isolated) && tmigr_can_isolate(cpu);
}

/**
 * tmigr_isolated_exclude_cpumask() - Set which CPUs are isolated
 * @exclude_cpumask:	the CPUs; all others take part again
 *
 * nohz_full CPUs take part in any case, and so does the CPU which keeps the
 * time for them.
 *
 * Context: Process, may sleep. Takes cpus_read_lock().
 *
 * Return: 0.
 */
int tmigr_isolated_exclude_cpumask(struct cpumask *exclude_cpumask)
{
	unsigned int cpu;

	guard(cpus_read_lock)();

	/* One possible CPU, or no memory for a hierarchy */
	if (!tmigr_hierarchy.tree.root)
		return 0;

	/* First those who come, so that there is somebody to hand over to */
	for_each_online_cpu(cpu) {
		if (!tmigr_to_exclude(cpu, exclude_cpumask) && !per_cpu(tmigr_cpu, cpu).available)
			work_on_cpu(cpu, tmigr_cpu_include, NULL);
	}
	for_each_online_cpu(cpu) {
		if (tmigr_to_exclude(cpu, exclude_cpumask) && per_cpu(tmigr_cpu, cpu).available)
			work_on_cpu(cpu, tmigr_cpu_exclude, NULL);
	}

	return 0;
}

static int __init tmigr_init_isolation(void)
{
	cpumask_var_t isolated;
	int ret;

	scoped_guard(mutex, &tmigr_available_mutex)
		tmigr_isolation_ready = true;

	if (!housekeeping_enabled(HK_TYPE_DOMAIN))
		return 0;
	if (!alloc_cpumask_var(&isolated, GFP_KERNEL))
		return -ENOMEM;

	cpumask_andnot(isolated, cpu_possible_mask, housekeeping_cpumask(HK_TYPE_DOMAIN));
	ret = tmigr_isolated_exclude_cpumask(isolated);
	free_cpumask_var(isolated);

	return ret;
}
late_initcall(tmigr_init_isolation);

/* --- The hierarchy's shape ------------------------------------------------- */

static void tmigr_free_pool(struct tmigr_pool *pool)
{
	while (pool->nr)
		kfree(pool->group[--pool->nr]);
}

static int tmigr_fill_pool(struct tmigr_pool *pool, unsigned int needed, int node)
{
	/* A power of two, because slabs of such a size are aligned to it */
	size_t size = roundup_pow_of_two(sizeof(struct tmigr_group));

	if (WARN_ON_ONCE(needed > ARRAY_SIZE(pool->group)))
		return -ENOSPC;

	while (pool->nr < needed) {
		pool->group[pool->nr] = kzalloc_node(size, GFP_KERNEL, node);
		if (!pool->group[pool->nr]) {
			tmigr_free_pool(pool);
			return -ENOMEM;
		}
		pool->nr++;
	}

	return 0;
}

/* The links from @group upwards, of which the first @nr are new */
static void tmigr_trace_links(struct tmigr_group *group, unsigned int nr)
{
	for (; nr && group->parent; group = group->parent, nr--)
		trace_tmigr_connect_child_parent(group);
}

static void tmigr_trace_new_cpu(struct tmigr_cpu *tmc, struct tmigr_group *old_root,
				unsigned int new_groups)
{
	struct tmigr_group *group = tmc->leaf;
	unsigned int i;

	for (i = 0; i < new_groups && group; i++, group = group->parent)
		trace_tmigr_group_set(group);
	/* Between the old root and the new one, which is above the CPU as well */
	for (group = old_root ? old_root->parent : NULL; group && group->parent;
	     group = group->parent)
		trace_tmigr_group_set(group);

	trace_tmigr_connect_cpu_parent(tmc);
	tmigr_trace_links(tmc->leaf, new_groups);
	if (old_root && old_root->parent)
		tmigr_trace_links(old_root, new_groups);
}

static int tmigr_cpu_prepare(unsigned int cpu)
{
	struct tmigr_cpu *tmc = per_cpu_ptr(&tmigr_cpu, cpu);
	struct tmigr_tree *tree = &tmigr_hierarchy.tree;
	struct tmigr_pool pool = { };
	struct tmigr_group *old_root;
	int node = cpu_to_node(cpu);
	unsigned int needed;
	int ret;

	/* It has been up before */
	if (tmc->leaf)
		return 0;

	guard(mutex)(&tmigr_hierarchy.mutex);

	tmigr_core_init_cpu(tmc, cpu);
	tmigr_update_arm(cpu);

	needed = tmigr_groups_needed(tree, node);
	ret = tmigr_fill_pool(&pool, needed, node);
	if (ret)
		return ret;

	old_root = tree->root;
	ret = tmigr_attach_cpu(tree, tmc, node, &pool);
	tmigr_free_pool(&pool);
	if (!ret)
		tmigr_trace_new_cpu(tmc, old_root, needed);

	return ret;
}

/*
 * How many levels the CPUs of each node need. A CPU's node may turn out to be
 * another one when it comes up: that costs a level, not correctness.
 */
static u8 *__init tmigr_count_levels(void)
{
	unsigned int *cpus = kcalloc(nr_node_ids, sizeof(*cpus), GFP_KERNEL);
	u8 *levels = kcalloc(nr_node_ids, sizeof(*levels), GFP_KERNEL);
	unsigned int cpu, node;

	if (!cpus || !levels) {
		kfree(cpus);
		kfree(levels);
		return NULL;
	}

	for_each_possible_cpu(cpu) {
		if (cpu_to_node(cpu) != NUMA_NO_NODE)
			cpus[cpu_to_node(cpu)]++;
	}
	for (node = 0; node < nr_node_ids; node++)
		levels[node] = tmigr_levels_for(cpus[node]);
	kfree(cpus);

	return levels;
}

static int __init tmigr_init(void)
{
	u8 *node_levels;
	int ret;

	if (num_possible_cpus() == 1)
		return 0;

	node_levels = tmigr_count_levels();
	if (!node_levels) {
		ret = -ENOMEM;
		goto failed;
	}
	tmigr_tree_init(&tmigr_hierarchy.tree, node_levels, nr_node_ids);

	pr_info("Timer migration: pull, %u children per group, nodes meet at level %u\n",
		TMIGR_FANOUT, tmigr_hierarchy.tree.cross_level);

	/* Without it, every CPU looks after its own timers */
	ret = cpuhp_setup_state(CPUHP_TMIGR_PREPARE, "tmigr:prepare", tmigr_cpu_prepare, NULL);
	if (ret)
		goto failed;

	ret = cpuhp_setup_state(CPUHP_AP_TMIGR_ONLINE, "tmigr:online",
				tmigr_cpu_online, tmigr_cpu_offline);
	if (ret)
		goto failed;

	return 0;

failed:
	pr_err("Timer migration: no memory, idle CPUs wake for all of their timers (%d)\n", ret);
	return ret;
}
early_initcall(tmigr_init);
