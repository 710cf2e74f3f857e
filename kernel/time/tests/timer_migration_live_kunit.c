// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit test of timer migration: timers of the CPUs that this runs on
 *
 * Works with every kind of timer migration. Each timer records how often it ran, and
 * where. Half of the rounds have somebody active, who is there to run what idle
 * CPUs leave to others; in the others all CPUs are idle. No case asks how late a
 * timer was; one that waits for PATIENCE has failed.
 */
#include <kunit/test.h>
#include <linux/atomic.h>
#include <linux/cleanup.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/math.h>
#include <linux/module.h>
#include <linux/sched/isolation.h>
#include <linux/smp.h>
#include <linux/tick.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>

#include "../tmigr_core.h"

/* Long enough for any machine */
#define PATIENCE	(20 * HZ)

/* Two CPUs: the case stays on the first one; each case has a thread of its own */
struct place {
	unsigned int	here;
	unsigned int	there;
};

static void stay_on(struct kunit *test, unsigned int cpu)
{
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(cpu)));
}

static struct place find_place(struct kunit *test)
{
	struct place place = { .here = cpumask_first(cpu_online_mask), };

	place.there = cpumask_any_but(cpu_online_mask, place.here);
	if (place.there >= nr_cpu_ids)
		kunit_skip(test, "needs two CPUs");
	stay_on(test, place.here);

	return place;
}

/* --- Timers of the system ---------------------------------------------------- */

/**
 * struct party - Timers that a case waits for together
 * @left:	Runs that are outstanding
 * @done:	All have run
 * @order:	Counts the runs
 */
struct party {
	atomic_t		left;
	struct completion	done;
	atomic_t		order;
};

/**
 * struct probe - A timer that records what becomes of it
 * @timer:	The timer
 * @party:	It belongs to
 * @action:	What the callback does besides
 * @runs:	How often it has run
 * @ran_on:	Where it ran last
 * @armed_on:	Where it was armed
 * @order:	How many had run before, and this
 * @base:	CPU of the timer base that it was queued on
 * @started:	The callback has been entered
 * @finished:	It is about to return
 * @inside:	How many CPUs are in the callback
 * @overlaps:	How often there were two of them
 */
struct probe {
	struct timer_list	timer;
	struct party		*party;
	void			(*action)(struct probe *probe);
	unsigned int		runs;
	unsigned int		ran_on;
	unsigned int		armed_on;
	unsigned int		order;
	unsigned int		base;
	struct completion	started;
	bool			finished;
	atomic_t		inside;
	atomic_t		overlaps;
};

/**
 * struct probes - All of a case
 * @party:	What they have in common
 * @nr:		How many
 * @probe:	They
 */
struct probes {
	struct party	party;
	unsigned int	nr;
	struct probe	probe[];
};

static void probe_run(struct timer_list *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	struct party *party = probe->party;

	if (atomic_inc_return(&probe->inside) > 1)
		atomic_inc(&probe->overlaps);
	probe->ran_on = raw_smp_processor_id();
	probe->order = atomic_inc_return(&party->order);
	WRITE_ONCE(probe->runs, probe->runs + 1);
	complete(&probe->started);
	if (probe->action)
		probe->action(probe);
	WRITE_ONCE(probe->finished, true);
	atomic_dec(&probe->inside);
	if (atomic_dec_and_test(&party->left))
		complete(&party->done);
}

static void probes_free(void *data)
{
	struct probes *probes = data;
	unsigned int i;

	for (i = 0; i < probes->nr; i++)
		timer_shutdown_sync(&probes->probe[i].timer);
	vfree(probes);
}

/* @runs is how many runs of all of them the case waits for; @flags are the timers' */
static struct probes *new_probes(struct kunit *test, unsigned int nr, unsigned int runs,
				 u32 flags)
{
	struct probes *probes = vzalloc(struct_size(probes, probe, nr));
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, probes);
	atomic_set(&probes->party.left, runs);
	init_completion(&probes->party.done);
	for (i = 0; i < nr; i++) {
		timer_setup(&probes->probe[i].timer, probe_run, flags);
		init_completion(&probes->probe[i].started);
		probes->probe[i].party = &probes->party;
	}
	probes->nr = nr;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, probes_free, probes));

	return probes;
}

/* This CPU stays active: it is there to run what idle ones leave to others */
static bool spin_until(struct completion *done)
{
	unsigned long end = jiffies + PATIENCE;

	while (!try_wait_for_completion(done)) {
		if (time_after(jiffies, end))
			return false;
		cond_resched();
		cpu_relax();
	}

	return true;
}

static bool wait_until(struct completion *done, bool busy)
{
	return busy ? spin_until(done) : wait_for_completion_timeout(done, PATIENCE);
}

static void plain(struct timer_list *timer, unsigned long expires)
{
	timer->expires = expires;
	add_timer(timer);
}

static void local(struct timer_list *timer, unsigned long expires)
{
	timer->expires = expires;
	add_timer_local(timer);
}

static void global(struct timer_list *timer, unsigned long expires)
{
	timer->expires = expires;
	add_timer_global(timer);
}

static void modify(struct timer_list *timer, unsigned long expires)
{
	mod_timer(timer, expires);
}

/**
 * struct arming - What a CPU is asked to arm
 * @probe:	The first timer
 * @nr:		How many
 * @arm:	How
 * @delay:	Ticks until the first one expires
 * @step:	Ticks until the next one does
 */
struct arming {
	struct probe	*probe;
	unsigned int	nr;
	void		(*arm)(struct timer_list *timer, unsigned long expires);
	unsigned int	delay;
	unsigned int	step;
};

static void arm_here(void *data)
{
	struct arming *arming = data;
	unsigned long now = jiffies;
	struct probe *probe;
	unsigned int i;

	for (i = 0; i < arming->nr; i++) {
		probe = &arming->probe[i];
		probe->armed_on = raw_smp_processor_id();
		arming->arm(&probe->timer, now + arming->delay + i * arming->step);
		probe->base = probe->timer.flags & TIMER_CPUMASK;
	}
}

static void arm_on(struct kunit *test, unsigned int cpu, struct arming arming)
{
	KUNIT_ASSERT_EQ(test, 0, smp_call_function_single(cpu, arm_here, &arming, true));
}

static void expect_one_run_each(struct kunit *test, const struct probes *probes)
{
	unsigned int i;

	for (i = 0; i < probes->nr; i++)
		KUNIT_EXPECT_EQ_MSG(test, 1, READ_ONCE(probes->probe[i].runs), "timer %u", i);
}

/**
 * struct kind - A kind of timer, and what the CPU that waits for it does
 * @name:	What the report calls it
 * @arm:	How it is armed
 * @flags:	Its flags
 * @stays:	It has to run on the CPU that has armed it
 * @busy:	Somebody stays active meanwhile
 */
struct kind {
	const char	*name;
	void		(*arm)(struct timer_list *timer, unsigned long expires);
	u32		flags;
	bool		stays;
	bool		busy;
};

static const struct kind kinds[] = {
	{ .name = "plain, somebody active", .arm = plain, .busy = true, },
	{ .name = "plain, all idle", .arm = plain, },
	{ .name = "global, somebody active", .arm = global, .busy = true, },
	{ .name = "global, all idle", .arm = global, },
	{ .name = "local, somebody active", .arm = local, .stays = true,
	  .busy = true, },
	{ .name = "local, all idle", .arm = local, .stays = true, },
	{ .name = "pinned, somebody active", .arm = plain, .flags = TIMER_PINNED,
	  .stays = true, .busy = true, },
	{ .name = "pinned, all idle", .arm = plain, .flags = TIMER_PINNED,
	  .stays = true, },
};

KUNIT_ARRAY_PARAM_DESC(kind, kinds, name);

#define PER_CPU		8

/* Timers of every CPU; who stays at home, who does not have to */
static void tmigr_live_every_cpu(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	unsigned int cpu, i, nr = num_online_cpus() * PER_CPU, round;
	struct probes *probes;

	find_place(test);
	for (round = 0; round < 3; round++) {
		probes = new_probes(test, nr, nr, kind->flags);
		i = 0;
		for_each_online_cpu(cpu) {
			KUNIT_ASSERT_LT(test, i, nr);
			arm_on(test, cpu, (struct arming) {
				.probe = &probes->probe[i], .nr = PER_CPU, .arm = kind->arm,
				.delay = 1 + round * 8, .step = 1 + round,
			});
			i += PER_CPU;
		}
		KUNIT_ASSERT_TRUE(test, wait_until(&probes->party.done, kind->busy));
		expect_one_run_each(test, probes);
		for (i = 0; i < nr && kind->stays; i++)
			KUNIT_EXPECT_EQ(test, probes->probe[i].armed_on, probes->probe[i].ran_on);
	}
}

/* add_timer_on() says where; whether that CPU is idle does not matter */
static void tmigr_live_add_timer_on(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes = new_probes(test, 20, 20, 0);
	unsigned int i;

	for (i = 0; i < probes->nr; i++) {
		probes->probe[i].timer.expires = jiffies + 1 + i * 2;
		add_timer_on(&probes->probe[i].timer, place.there);
	}
	KUNIT_ASSERT_TRUE(test, spin_until(&probes->party.done));
	expect_one_run_each(test, probes);
	for (i = 0; i < probes->nr; i++)
		KUNIT_EXPECT_EQ(test, place.there, probes->probe[i].ran_on);
}

/* Somebody active runs what an idle CPU has armed, or has taken it when it was armed */
static void tmigr_live_others_run_it(struct kunit *test)
{
	struct place place = find_place(test);
	unsigned long end = jiffies + PATIENCE;
	unsigned int elsewhere = 0, i;
	struct probes *probes;
	bool stopped = false;

	if (!tick_nohz_is_active())
		kunit_skip(test, "the tick never stops, timers stay where they are");
	if (!housekeeping_test_cpu(place.there, HK_TYPE_DOMAIN) ||
	    !housekeeping_test_cpu(place.there, HK_TYPE_TICK))
		kunit_skip(test, "no other CPU that takes part");

	while (!elsewhere && time_before(jiffies, end)) {
		probes = new_probes(test, PER_CPU, PER_CPU, 0);
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = PER_CPU, .arm = plain,
			.delay = 4, .step = 4,
		});
		for (i = 0; i < PER_CPU; i++) {
			KUNIT_ASSERT_TRUE(test, spin_until(&probes->probe[i].started));
			stopped |= tick_nohz_tick_stopped_cpu(place.there);
		}
		KUNIT_ASSERT_TRUE(test, spin_until(&probes->party.done));
		expect_one_run_each(test, probes);
		for (i = 0; i < PER_CPU; i++)
			elsewhere += probes->probe[i].ran_on != place.there;
	}
	if (!elsewhere && !stopped)
		kunit_skip(test, "the other CPU's tick was never seen to be stopped");
	KUNIT_EXPECT_NE(test, 0, elsewhere);
}

/* Of the timers in one base, those that expire earlier run earlier */
static void tmigr_live_order(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	unsigned int i, round;

	for (round = 0; round < 6; round++) {
		probes = new_probes(test, 16, 16, 0);
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = 16, .arm = plain,
			.delay = 1, .step = 1,
		});
		KUNIT_ASSERT_TRUE(test, wait_until(&probes->party.done, round % 2));
		for (i = 1; i < 16; i++) {
			if (probes->probe[i].base == probes->probe[i - 1].base)
				KUNIT_EXPECT_GT(test, probes->probe[i].order,
						probes->probe[i - 1].order);
		}
	}
}

/* --- Leaving ------------------------------------------------------------------ */

/* Who has to be isolated is, and nobody else */
static void isolate_as_before(void *mask)
{
	cpumask_andnot(mask, cpu_possible_mask, housekeeping_cpumask(HK_TYPE_DOMAIN));
	tmigr_isolated_exclude_cpumask(mask);
}

/* Arm timers on an idle CPU while this one is busy, until it leaves them to others */
static bool leaves_timers_to_others(struct kunit *test, unsigned int cpu)
{
	unsigned long end = jiffies + PATIENCE;
	struct probes *probes;

	while (time_before(jiffies, end)) {
		probes = new_probes(test, 1, 1, 0);
		arm_on(test, cpu, (struct arming) {
			.probe = probes->probe, .nr = 1, .arm = plain, .delay = 4,
		});
		if (!spin_until(&probes->party.done))
			return false;
		if (probes->probe[0].ran_on != cpu)
			return true;
	}

	return false;
}

/*
 * All leave but one, which sleeps, and has left its timer to those who were awake.
 * Isolated by cpusets, it would be woken by chance: workqueues change as well. And
 * the scheduler has an hrtimer on each CPU for a second after a task ran there.
 */
static void tmigr_live_hand_over(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	struct cpumask *mask;

	if (!IS_ENABLED(CONFIG_TIMER_MIGRATION_PULL) || !tick_nohz_is_active())
		kunit_skip(test, "CPUs do not rely on others");
	if (tick_nohz_full_enabled())
		kunit_skip(test, "there is always somebody awake");

	mask = kunit_kzalloc(test, cpumask_size(), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mask);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, isolate_as_before, mask));

	if (!leaves_timers_to_others(test, place.there))
		kunit_skip(test, "the other CPU runs its timers itself");
	probes = new_probes(test, 1, 1, 0);
	arm_on(test, place.there, (struct arming) {
		.probe = probes->probe, .nr = 1, .arm = plain, .delay = 3 * HZ,
	});
	/* It goes idle again. If it has not yet, it just needs no help */
	mdelay(50);
	cpumask_andnot(mask, cpu_possible_mask, cpumask_of(place.there));
	tmigr_isolated_exclude_cpumask(mask);
	KUNIT_EXPECT_TRUE(test, wait_until(&probes->party.done, false));
	expect_one_run_each(test, probes);
}

#ifdef CONFIG_TIMER_MIGRATION_PULL

/* More than an idle CPU wakes by itself while the case is patient */
#define KICKS	200

static bool enters_idle_again(unsigned int cpu, unsigned long calls, unsigned long end)
{
	while (tick_nohz_get_idle_calls_cpu(cpu) == calls) {
		if (time_after(jiffies, end))
			return false;
		cond_resched();
		cpu_relax();
	}

	return true;
}

/*
 * A CPU that is isolated while another one runs its timers may sleep, and a callback
 * may have armed its timer again there: the CPU has to look for its next one.
 */
static void tmigr_live_isolated_meanwhile(struct kunit *test)
{
	struct place place = find_place(test);
	unsigned long end = jiffies + PATIENCE, calls;
	struct cpumask *mask;
	unsigned int i;

	if (!tick_nohz_is_active())
		kunit_skip(test, "CPUs do not rely on others");
	if (tick_nohz_full_cpu(place.there))
		kunit_skip(test, "the other CPU is not isolated in this way");

	mask = kunit_kzalloc(test, cpumask_size(), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mask);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, isolate_as_before, mask));
	cpumask_copy(mask, cpumask_of(place.there));
	tmigr_isolated_exclude_cpumask(mask);

	for (i = 0; i < KICKS; i++) {
		calls = tick_nohz_get_idle_calls_cpu(place.there);
		local_bh_disable();
		tmigr_host_expire(place.there);
		local_bh_enable();
		if (!enters_idle_again(place.there, calls, end))
			break;
	}
	KUNIT_EXPECT_EQ(test, KICKS, i);
}

#else

static void tmigr_live_isolated_meanwhile(struct kunit *test)
{
	kunit_skip(test, "CPUs do not rely on others");
}

#endif

/* --- Timers that the callback arms ------------------------------------------- */

#define CHAIN	16

/* The next link of the chain; every second one is pinned to where this runs */
static void arm_next(struct probe *probe)
{
	struct probe *next = probe + 1;

	next->armed_on = raw_smp_processor_id();
	next->timer.expires = jiffies + 1;
	if (next->order)
		add_timer_local(&next->timer);
	else
		add_timer_global(&next->timer);
}

static void tmigr_live_chain(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		probes = new_probes(test, CHAIN, CHAIN, 0);
		for (i = 0; i < CHAIN; i++) {
			probes->probe[i].action = i < CHAIN - 1 ? arm_next : NULL;
			probes->probe[i].order = i % 2;
		}
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = 1, .arm = plain, .delay = 3,
		});
		KUNIT_ASSERT_TRUE(test, wait_until(&probes->party.done, round % 2));
		expect_one_run_each(test, probes);
		for (i = 1; i < CHAIN; i += 2)
			KUNIT_EXPECT_EQ(test, probes->probe[i].armed_on, probes->probe[i].ran_on);
	}
}

#define BURST		4
#define GENERATIONS	3
/* 1 + 4 + 16 + 64 */
#define BURST_TIMERS	85

/* Each of a tree of timers arms the four below it, some of which are due at once */
static void arm_burst(struct probe *probe)
{
	struct probes *probes = container_of(probe->party, struct probes, party);
	unsigned int child = (probe - probes->probe) * BURST + 1, i;

	for (i = child; i < child + BURST && i < probes->nr; i++)
		mod_timer(&probes->probe[i].timer, jiffies + i % BURST);
}

static void tmigr_live_burst(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	unsigned int i, round;

	for (round = 0; round < 4; round++) {
		probes = new_probes(test, BURST_TIMERS, BURST_TIMERS, 0);
		for (i = 0; i < BURST_TIMERS; i++)
			probes->probe[i].action = arm_burst;
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = 1, .arm = plain, .delay = 3,
		});
		KUNIT_ASSERT_TRUE(test, wait_until(&probes->party.done, round % 2));
		expect_one_run_each(test, probes);
	}
}

#define REARMS	10

static void rearm_itself(struct probe *probe)
{
	if (probe->runs < REARMS)
		mod_timer(&probe->timer, jiffies + 1);
}

static void tmigr_live_rearms_itself(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	unsigned int round;

	for (round = 0; round < 4; round++) {
		probes = new_probes(test, 1, REARMS, 0);
		probes->probe[0].action = rearm_itself;
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = 1, .arm = plain, .delay = 3,
		});
		KUNIT_ASSERT_TRUE(test, wait_until(&probes->party.done, round % 2));
		KUNIT_EXPECT_EQ(test, REARMS, READ_ONCE(probes->probe[0].runs));
	}
}

/* --- Deletion and modification ----------------------------------------------- */

/* A timer that is deleted does not run, its neighbours do */
static void tmigr_live_delete_pending(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes = new_probes(test, 16, 8, 0);
	unsigned int i;

	/* Far away, so that those to be deleted are pending however long that takes */
	arm_on(test, place.there, (struct arming) {
		.probe = probes->probe, .nr = 16, .arm = plain, .delay = 600 * HZ, .step = 1,
	});
	for (i = 0; i < 16; i += 2)
		KUNIT_EXPECT_EQ(test, 1, i % 4 ? timer_delete_sync(&probes->probe[i].timer) :
				timer_delete(&probes->probe[i].timer));
	for (i = 0; i < 16; i += 2)
		KUNIT_EXPECT_EQ(test, 0, timer_delete_sync(&probes->probe[i].timer));

	for (i = 1; i < 16; i += 2)
		arm_on(test, place.there, (struct arming) {
			.probe = &probes->probe[i], .nr = 1, .arm = modify, .delay = 2 + i,
		});
	KUNIT_ASSERT_TRUE(test, spin_until(&probes->party.done));
	for (i = 0; i < 16; i++)
		KUNIT_EXPECT_EQ(test, i % 2, READ_ONCE(probes->probe[i].runs));
}

static void dawdle(struct probe *probe)
{
	mdelay(20);
}

/* Who deletes a timer that is running elsewhere waits for it */
static void tmigr_live_delete_running(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	struct probe *probe;
	unsigned int round;

	for (round = 0; round < 8; round++) {
		probes = new_probes(test, 1, 1, 0);
		probe = probes->probe;
		probe->action = dawdle;
		arm_on(test, place.there, (struct arming) {
			.probe = probe, .nr = 1, .arm = plain, .delay = 2,
		});
		KUNIT_ASSERT_TRUE(test, wait_until(&probe->started, round % 2));
		if (round & 2)
			timer_delete_sync(&probe->timer);
		else
			timer_shutdown_sync(&probe->timer);
		KUNIT_EXPECT_TRUE(test, READ_ONCE(probe->finished));
		KUNIT_EXPECT_EQ(test, 1, READ_ONCE(probe->runs));
	}
}

static void rearm_for_ever(struct probe *probe)
{
	mod_timer(&probe->timer, jiffies + 1);
}

/* A timer that arms itself again and again, until it is shut down */
static void tmigr_live_shutdown(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	struct probe *probe;
	unsigned int round, runs;

	for (round = 0; round < 4; round++) {
		probes = new_probes(test, 2, 20, 0);
		probe = probes->probe;
		probe->action = rearm_for_ever;
		arm_on(test, place.there, (struct arming) {
			.probe = probe, .nr = 1, .arm = plain, .delay = 2,
		});
		KUNIT_ASSERT_TRUE(test, wait_until(&probes->party.done, round % 2));

		timer_shutdown_sync(&probe->timer);
		runs = READ_ONCE(probe->runs);
		KUNIT_EXPECT_FALSE(test, timer_pending(&probe->timer));
		KUNIT_EXPECT_EQ(test, 0, mod_timer(&probe->timer, jiffies + 1));
		KUNIT_EXPECT_FALSE(test, timer_pending(&probe->timer));

		/* A timer on the same CPU which is due later tells that time has passed */
		arm_on(test, place.there, (struct arming) {
			.probe = probe + 1, .nr = 1, .arm = plain, .delay = 5,
		});
		KUNIT_ASSERT_TRUE(test, wait_until(&probe[1].started, round % 2));
		KUNIT_EXPECT_EQ(test, runs, READ_ONCE(probe->runs));
	}
}

static void dawdle_first(struct probe *probe)
{
	if (probe->runs == 1)
		mdelay(20);
}

/* A timer is armed from here while it is running there: it runs once more, not twice at once */
static void tmigr_live_rearm_running(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	struct probe *probe;
	unsigned int round;

	for (round = 0; round < 6; round++) {
		probes = new_probes(test, 1, 2, 0);
		probe = probes->probe;
		probe->action = dawdle_first;
		arm_on(test, place.there, (struct arming) {
			.probe = probe, .nr = 1, .arm = plain, .delay = 2,
		});
		KUNIT_ASSERT_TRUE(test, wait_until(&probe->started, round % 2));
		KUNIT_EXPECT_EQ(test, 0, mod_timer(&probe->timer, jiffies + round));
		KUNIT_ASSERT_TRUE(test, wait_until(&probes->party.done, round % 2));
		timer_delete_sync(&probe->timer);
		KUNIT_EXPECT_EQ(test, 2, READ_ONCE(probe->runs));
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&probe->overlaps));
	}
}

/* A pending timer of an idle CPU is modified from a busy one */
static void tmigr_live_modify_from_here(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	struct timer_list *timer;
	unsigned int round;

	for (round = 0; round < 8; round++) {
		probes = new_probes(test, 1, 1, 0);
		timer = &probes->probe[0].timer;
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = 1, .arm = plain, .delay = 600 * HZ,
		});
		msleep(20);
		if (round & 2)
			KUNIT_EXPECT_EQ(test, 1, timer_reduce(timer, jiffies + 2));
		else
			KUNIT_EXPECT_EQ(test, 1, mod_timer(timer, jiffies + 2));
		KUNIT_ASSERT_TRUE(test, wait_until(&probes->party.done, round % 2));
		expect_one_run_each(test, probes);
	}
}

/* An interrupt on an idle CPU brings its first timer forward, or puts it off */
static void tmigr_live_modify_there(struct kunit *test)
{
	struct place place = find_place(test);
	struct probes *probes;
	unsigned int round;

	for (round = 0; round < 8; round++) {
		probes = new_probes(test, 1, 1, round & 2 ? TIMER_PINNED : 0);
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = 1, .arm = plain, .delay = 600 * HZ,
		});
		msleep(20);
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = 1, .arm = modify, .delay = 300 * HZ,
		});
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = 1, .arm = modify, .delay = 400 * HZ,
		});
		arm_on(test, place.there, (struct arming) {
			.probe = probes->probe, .nr = 1, .arm = modify, .delay = 2,
		});
		KUNIT_ASSERT_TRUE(test, wait_until(&probes->party.done, round % 2));
		expect_one_run_each(test, probes);
	}
}

/**
 * struct lap - A round of the wheel, in one of its levels
 * @name:	What the report calls it
 * @delay:	Ticks after which timers expire that are queued in this level
 * @granularity: Ticks that a bucket of this level stands for
 * @start:	Ticks from which on they would be queued in the next one
 */
struct lap {
	const char	*name;
	unsigned long	delay;
	unsigned long	granularity;
	unsigned long	start;
};

static const struct lap laps[] = {
	{ .name = "level 0", .delay = 20, .granularity = 1, .start = 63, },
	{ .name = "level 1", .delay = 100, .granularity = 8, .start = 504, },
	{ .name = "level 2", .delay = 600, .granularity = 64, .start = 4032, },
};

KUNIT_ARRAY_PARAM_DESC(lap, laps, name);

/**
 * struct pair - Two timers of a bucket, one of which puts off the other
 * @timer:	They; whichever runs first is the one
 * @put_off:	To when, in jiffies
 * @runs:	How many have run
 * @pending:	The other one was pending when it was put off
 * @early:	It ran before @put_off
 */
struct pair {
	struct timer_list	timer[2];
	unsigned long		put_off;
	unsigned int		runs;
	bool			pending;
	bool			early;
};

static void pair_run(struct pair *pair, struct timer_list *other)
{
	if (!pair->runs)
		pair->pending = mod_timer(other, pair->put_off);
	else
		pair->early = time_before(jiffies, pair->put_off);
	WRITE_ONCE(pair->runs, pair->runs + 1);
}

static void pair_run_first(struct timer_list *timer)
{
	struct pair *pair = container_of(timer, struct pair, timer[0]);

	pair_run(pair, &pair->timer[1]);
}

static void pair_run_second(struct timer_list *timer)
{
	struct pair *pair = container_of(timer, struct pair, timer[1]);

	pair_run(pair, &pair->timer[0]);
}

/* A pinned timer, in a level that does not depend on when this runs exactly */
static void pair_arm(struct pair *pair, const struct lap *lap)
{
	unsigned long expires = jiffies + lap->delay;

	/* The same bucket again, one round later */
	pair->put_off = round_down(expires, lap->granularity) + lap->granularity + lap->start;
	pair->timer[0].expires = expires;
	add_timer_local(&pair->timer[0]);
	pair->timer[1].expires = expires;
	add_timer_local(&pair->timer[1]);
}

/*
 * A timer that is about to run, because its bucket has been collected, is modified by
 * the callback of another one, to the time which the same bucket stands for now.
 */
static void tmigr_live_modify_collected(struct kunit *test)
{
	const struct lap *lap = test->param_value;
	unsigned long end = jiffies + lap->delay + PATIENCE;
	struct pair pair = { };

	stay_on(test, cpumask_first(cpu_online_mask));
	timer_setup_on_stack(&pair.timer[0], pair_run_first, 0);
	timer_setup_on_stack(&pair.timer[1], pair_run_second, 0);
	scoped_guard(irqsave)
		pair_arm(&pair, lap);

	while (!READ_ONCE(pair.runs) && time_before(jiffies, end))
		msleep(20);
	/* Whoever runs at once has run before this returns, on the same CPU */
	msleep(20);
	timer_delete_sync(&pair.timer[0]);
	timer_delete_sync(&pair.timer[1]);
	timer_destroy_on_stack(&pair.timer[0]);
	timer_destroy_on_stack(&pair.timer[1]);

	KUNIT_EXPECT_TRUE(test, pair.runs);
	KUNIT_EXPECT_TRUE(test, pair.pending);
	KUNIT_EXPECT_FALSE(test, pair.early);
}

/* --- Hotplug ----------------------------------------------------------------- */

static void bring_back(void *data)
{
	unsigned int cpu = *(unsigned int *)data;

	if (!cpu_online(cpu))
		add_cpu(cpu);
}

/* A CPU goes offline with timers pending: others run them, each once */
static void offline_with_timers(struct kunit *test, unsigned int cpu, bool busy)
{
	struct probes *unpinned = new_probes(test, PER_CPU, PER_CPU, 0);
	struct probes *pinned = new_probes(test, PER_CPU, PER_CPU, TIMER_PINNED);
	int err;

	arm_on(test, cpu, (struct arming) {
		.probe = unpinned->probe, .nr = PER_CPU, .arm = plain,
		.delay = HZ / 4, .step = HZ / 64 + 1,
	});
	arm_on(test, cpu, (struct arming) {
		.probe = pinned->probe, .nr = PER_CPU, .arm = plain,
		.delay = HZ / 4, .step = HZ / 64 + 1,
	});

	err = remove_cpu(cpu);
	if (err)
		kunit_skip(test, "CPU %u cannot go offline: %d", cpu, err);
	KUNIT_EXPECT_TRUE(test, wait_until(&unpinned->party.done, busy));
	KUNIT_EXPECT_TRUE(test, wait_until(&pinned->party.done, busy));
	KUNIT_ASSERT_EQ(test, 0, add_cpu(cpu));

	expect_one_run_each(test, unpinned);
	expect_one_run_each(test, pinned);
}

/* Back again, it takes part */
static void online_with_timers(struct kunit *test, unsigned int cpu, bool busy)
{
	struct probes *probes = new_probes(test, PER_CPU, PER_CPU, 0);

	arm_on(test, cpu, (struct arming) {
		.probe = probes->probe, .nr = PER_CPU, .arm = plain, .delay = 1, .step = 2,
	});
	KUNIT_EXPECT_TRUE(test, wait_until(&probes->party.done, busy));
	expect_one_run_each(test, probes);
}

static void tmigr_live_hotplug(struct kunit *test)
{
	struct place place = find_place(test);
	unsigned int *cpu, round;

	if (!IS_ENABLED(CONFIG_HOTPLUG_CPU))
		kunit_skip(test, "CPUs cannot go offline");

	cpu = kunit_kmalloc(test, sizeof(*cpu), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, cpu);
	*cpu = place.there;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, bring_back, cpu));

	for (round = 0; round < 2; round++) {
		offline_with_timers(test, place.there, round % 2);
		online_with_timers(test, place.there, round % 2);
	}
}

/* --- The suite --------------------------------------------------------------- */

static struct kunit_case timer_migration_live_cases[] = {
	KUNIT_CASE_PARAM(tmigr_live_every_cpu, kind_gen_params),
	KUNIT_CASE(tmigr_live_add_timer_on),
	KUNIT_CASE(tmigr_live_others_run_it),
	KUNIT_CASE(tmigr_live_order),
	KUNIT_CASE_SLOW(tmigr_live_hand_over),
	KUNIT_CASE(tmigr_live_isolated_meanwhile),
	KUNIT_CASE(tmigr_live_chain),
	KUNIT_CASE(tmigr_live_burst),
	KUNIT_CASE(tmigr_live_rearms_itself),
	KUNIT_CASE(tmigr_live_delete_pending),
	KUNIT_CASE(tmigr_live_delete_running),
	KUNIT_CASE(tmigr_live_shutdown),
	KUNIT_CASE(tmigr_live_rearm_running),
	KUNIT_CASE(tmigr_live_modify_from_here),
	KUNIT_CASE(tmigr_live_modify_there),
	KUNIT_CASE_PARAM_ATTR(tmigr_live_modify_collected, lap_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE(tmigr_live_hotplug),
	{ }
};

static struct kunit_suite timer_migration_live_suite = {
	.name		= "timer_migration_live",
	.test_cases	= timer_migration_live_cases,
};

kunit_test_suite(timer_migration_live_suite);

MODULE_DESCRIPTION("KUnit test of timer migration with the system's timers");
MODULE_LICENSE("GPL");
