// SPDX-License-Identifier: GPL-2.0
/*
 * Soft hrtimers: the softirq, its waiters on PREEMPT_RT, CPU hotplug.
 *
 * hrtimer_soft.h explains how it fits together and has what the hot paths need.
 */

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/percpu.h>
#include <linux/sched/clock.h>
#include <linux/spinlock.h>
#include <kunit/visibility.h>

#include "hrtimer_soft.h"
#include "tick-internal.h"

#ifdef CONFIG_PREEMPT_RT

/*
 * On PREEMPT_RT the thread that runs a callback can be preempted. Whoever wants
 * to cancel that timer cannot spin: he might have preempted the callback, or
 * wait for as long as somebody else keeps the thread off its CPU. He blocks on
 * expiry_lock, which the pass holds, and lends the thread his priority.
 */

static void hrtimer_soft_init_expiry_lock(struct hrtimer_soft_base *soft)
{
	spin_lock_init(&soft->expiry_lock);
}

static void hrtimer_soft_lock_expiry(struct hrtimer_soft_base *soft)
	__acquires(&soft->expiry_lock)
{
	spin_lock(&soft->expiry_lock);
}

static void hrtimer_soft_unlock_expiry(struct hrtimer_soft_base *soft)
	__releases(&soft->expiry_lock)
{
	spin_unlock(&soft->expiry_lock);
}

/**
 * hrtimer_soft_release_waiters - Let who waits for the last callback go on
 * @cpu_base:	Base of this CPU
 * @flags:	Interrupt state to wait in
 *
 * Called between two callbacks. Pairs with hrtimer_cancel_wait_running().
 *
 * Context: Softirq thread, hrtimer_cpu_base::lock and hrtimer_soft_base::expiry_lock
 * of @cpu_base held. Both are dropped when somebody waits.
 */
void hrtimer_soft_release_waiters(struct hrtimer_cpu_base *cpu_base, unsigned long flags)
{
	struct hrtimer_soft_base *soft = &cpu_base->soft;

	if (!atomic_read(&soft->waiters))
		return;

	raw_spin_unlock_irqrestore(&cpu_base->lock, flags);
	hrtimer_soft_unlock_expiry(soft);
	hrtimer_soft_lock_expiry(soft);
	raw_spin_lock_irq(&cpu_base->lock);
}

/**
 * hrtimer_cancel_wait_running - Wait for a callback, lending it one's priority
 * @timer:	Timer whose callback was seen to run
 *
 * The callback may have begun again when this returns, so it is called in a
 * loop, until cancelling @timer succeeds.
 *
 * Context: Task context for a soft timer; sleeps on PREEMPT_RT.
 */
void hrtimer_cancel_wait_running(const struct hrtimer *timer)
{
	/* Read once: the timer can be moved to another CPU meanwhile */
	struct hrtimer_clock_base *base = READ_ONCE(timer->base);
	struct hrtimer_soft_base *soft = &base->cpu_base->soft;

	/* A hard timer's callback is not preempted, a timer on the move is soon there */
	if (!timer->is_soft || hrtimer_is_migration_base(base)) {
		cpu_relax();
		return;
	}

	atomic_inc(&soft->waiters);
	spin_lock_bh(&soft->expiry_lock);
	atomic_dec(&soft->waiters);
	spin_unlock_bh(&soft->expiry_lock);
}

#else /* CONFIG_PREEMPT_RT */

static inline void hrtimer_soft_init_expiry_lock(struct hrtimer_soft_base *soft) { }
static inline void hrtimer_soft_lock_expiry(struct hrtimer_soft_base *soft) { }
static inline void hrtimer_soft_unlock_expiry(struct hrtimer_soft_base *soft) { }

#endif /* !CONFIG_PREEMPT_RT */

/* Evaluate all bases and arm the event device, or have that done by who is about to. */
static void hrtimer_soft_arm(struct hrtimer_cpu_base *cpu_base)
{
	if (cpu_base->deferred_rearm)
		cpu_base->deferred_needs_update = true;
	else
		hrtimer_force_reprogram(cpu_base, /* skip_equal */ true);
}

/*
 * Read the time for a run.
 *
 * When a clock has been set, the new sequence is the sign to clock_was_set() that
 * this CPU has evaluated all its timers, so the hard ones cannot wait.
 */
static ktime_t hrtimer_soft_read_time(struct hrtimer_cpu_base *cpu_base)
{
	u32 seq = cpu_base->clock_was_set_seq;
	ktime_t now = hrtimer_update_base(cpu_base);

	if (unlikely(cpu_base->clock_was_set_seq != seq))
		hrtimer_soft_arm(cpu_base);
	return now;
}

#ifdef CONFIG_HRTIMER_SOFT_BASES

/* All bases with timers are looked at once, as of one time. */
static void hrtimer_soft_begin_round(struct hrtimer_cpu_base *cpu_base)
{
	struct hrtimer_soft_base *soft = &cpu_base->soft;

	soft->pass_now = hrtimer_soft_read_time(cpu_base);
	soft->pass_bases = cpu_base->active_bases & HRTIMER_ACTIVE_SOFT;
	soft->pass_first = 0;
}

/*
 * Work on the pass under way or begin one. Normally it is one round.
 *
 * When the budget ends, the next run goes on with the next base and the same
 * time: with a new time, timers with a short period could use up one budget
 * after the other and the last base would never get its turn. Those which have
 * had theirs and have something left take part in another round, with all the
 * others, as of a new time. So even a callback which starts its timer in the
 * past, again and again, stops no clock but its own.
 *
 * Returns false when something is left.
 */
static bool hrtimer_soft_drain(struct hrtimer_cpu_base *cpu_base,
			       struct hrtimer_soft_budget *budget, unsigned long flags)
{
	struct hrtimer_soft_base *soft = &cpu_base->soft;

	if (!soft->pass_bases)
		hrtimer_soft_begin_round(cpu_base);

	while (soft->pass_bases) {
		unsigned int bases = soft->pass_bases & (~0U << soft->pass_first);
		bool has_turn = budget->timers;
		unsigned int index;

		if (!bases) {
			hrtimer_soft_begin_round(cpu_base);
			continue;
		}

		index = __ffs(bases);
		if (!hrtimer_run_soft_base(&cpu_base->clock_base[index], soft->pass_now,
					   flags, budget)) {
			/* A base that found nothing left of the budget keeps its turn */
			soft->pass_first = index + has_turn;
			return false;
		}
		soft->pass_bases &= ~BIT(index);
	}
	return true;
}

/* When the pass is over, the soft bases count again. */
static void hrtimer_soft_end_run(struct hrtimer_cpu_base *cpu_base, bool drained)
{
	struct hrtimer_soft_base *soft = &cpu_base->soft;
	unsigned int active = cpu_base->active_bases & HRTIMER_ACTIVE_SOFT;
	struct hrtimer *next_timer = NULL;
	ktime_t expires = KTIME_MAX;

	if (!drained)
		return;

	soft->activated = false;
	soft->expires_next = KTIME_MAX;

	hrtimer_bases_first(cpu_base, active, &expires, &next_timer);
	soft->next_timer = next_timer;
	if (next_timer)
		hrtimer_reprogram(next_timer);
}

static void hrtimer_soft_reset(struct hrtimer_soft_base *soft)
{
	soft->next_timer = NULL;
	soft->expires_next = KTIME_MAX;
	soft->pass_bases = 0;
	soft->activated = false;
}

#else /* CONFIG_HRTIMER_SOFT_BASES */

/**
 * hrtimer_soft_nth_bounced - One of the timers that are on their way to the softirq
 * @cpu_base:	Base of the CPU
 * @n:		Which of them, from 0
 *
 * Context: Interrupts disabled, hrtimer_cpu_base::lock of @cpu_base held.
 *
 * Return: The timer, or NULL when there are not so many.
 */
struct hrtimer *hrtimer_soft_nth_bounced(struct hrtimer_cpu_base *cpu_base, unsigned long n)
{
	struct hrtimer_soft_base *soft = &cpu_base->soft;
	struct list_head *link;

	list_for_each(link, &soft->batch) {
		if (!n--)
			return hrtimer_soft_from_link(link);
	}
	list_for_each(link, &soft->pending) {
		if (!n--)
			return hrtimer_soft_from_link(link);
	}
	return NULL;
}

static struct hrtimer *hrtimer_soft_first_bounced(struct list_head *list)
{
	return list_empty(list) ? NULL : hrtimer_soft_from_link(list->next);
}

/*
 * Run what has been bounced so far. A timer with a short period is bounced
 * again before that is done; it has to wait for the next run, or this one would
 * not end.
 *
 * Returns false when something is left.
 */
static bool hrtimer_soft_drain(struct hrtimer_cpu_base *cpu_base,
			       struct hrtimer_soft_budget *budget, unsigned long flags)
{
	struct hrtimer_soft_base *soft = &cpu_base->soft;
	ktime_t now = hrtimer_soft_read_time(cpu_base);
	struct hrtimer *timer;

	/*
	 * Also when something is left from the last run: what was bounced since
	 * has raised the softirq for this run, not for another one.
	 */
	list_splice_tail_init(&soft->pending, &soft->batch);

	while ((timer = hrtimer_soft_first_bounced(&soft->batch))) {
		if (!budget->timers)
			return false;

		hrtimer_run_bounced(timer, now, flags, budget);
	}
	return true;
}

/*
 * Nobody has armed the event device for timers which were started by the return
 * value of their callback, or from another CPU while the callback was running.
 */
static void hrtimer_soft_end_run(struct hrtimer_cpu_base *cpu_base, bool drained)
{
	hrtimer_soft_arm(cpu_base);
}

#ifdef CONFIG_HOTPLUG_CPU

static void hrtimer_soft_migrate_list(struct list_head *list, struct hrtimer_cpu_base *new)
{
	struct hrtimer *timer;

	while ((timer = hrtimer_soft_first_bounced(list)))
		hrtimer_migrate_timer(timer, new);
}

/**
 * hrtimer_soft_migrate - Hand the bounced timers of a dying CPU to another one
 * @old:	Base of the dying CPU
 * @new:	Base of the other CPU
 *
 * They are put into the queues: the other CPU looks at them there when it is
 * told to, and bounces them again.
 *
 * Context: CPU hotplug, interrupts disabled, hrtimer_cpu_base::lock of both
 * bases held.
 */
void hrtimer_soft_migrate(struct hrtimer_cpu_base *old, struct hrtimer_cpu_base *new)
{
	hrtimer_soft_migrate_list(&old->soft.batch, new);
	hrtimer_soft_migrate_list(&old->soft.pending, new);
}

#endif /* CONFIG_HOTPLUG_CPU */

static void hrtimer_soft_reset(struct hrtimer_soft_base *soft)
{
	INIT_LIST_HEAD(&soft->pending);
	INIT_LIST_HEAD(&soft->batch);
	soft->running = NULL;
}

#endif /* !CONFIG_HRTIMER_SOFT_BASES */

static void hrtimer_soft_count(unsigned int *counter, unsigned int value)
{
	WRITE_ONCE(*counter, *counter + value);
}

static void hrtimer_soft_count_most(unsigned int *counter, unsigned int value)
{
	if (value > *counter)
		WRITE_ONCE(*counter, value);
}

/*
 * Without the lock, because nobody else writes these: with it interrupts are
 * disabled, and hard timers would be late by what this takes.
 */
static void hrtimer_soft_count_run(unsigned int *counters,
				   const struct hrtimer_soft_budget *budget, bool drained)
{
	u64 took = min(budget->now - budget->begin, UINT_MAX);

	hrtimer_soft_count(&counters[HRTIMER_SOFT_RUNS], 1);
	hrtimer_soft_count(&counters[HRTIMER_SOFT_TIMERS], budget->spent);
	hrtimer_soft_count(&counters[HRTIMER_SOFT_BUDGET_STOPS], !drained);
	hrtimer_soft_count_most(&counters[HRTIMER_SOFT_MOST_TIMERS], budget->spent);
	hrtimer_soft_count_most(&counters[HRTIMER_SOFT_LONGEST_NS], took);
}

/**
 * hrtimer_soft_run - One run of the softirq
 * @cpu_base:	Base of this CPU, or one that a test has made
 * @budget:	What the run may take; with no time it still takes one timer
 *
 * Context: Softirq, or task with softirqs disabled.
 *
 * Return: True when nothing is left of what had expired. Otherwise the softirq
 * has been raised again.
 */
VISIBLE_IF_KUNIT bool hrtimer_soft_run(struct hrtimer_cpu_base *cpu_base,
				       struct hrtimer_soft_budget *budget)
{
	unsigned long flags;
	bool drained;

	budget->begin = local_clock();
	budget->now = budget->begin;

	hrtimer_soft_lock_expiry(&cpu_base->soft);
	raw_spin_lock_irqsave(&cpu_base->lock, flags);

	drained = hrtimer_soft_drain(cpu_base, budget, flags);
	if (!drained)
		__raise_softirq_irqoff(HRTIMER_SOFTIRQ);
	hrtimer_soft_end_run(cpu_base, drained);

	raw_spin_unlock_irqrestore(&cpu_base->lock, flags);
	hrtimer_soft_count_run(cpu_base->soft.counters, budget, drained);
	hrtimer_soft_unlock_expiry(&cpu_base->soft);
	return drained;
}

/*
 * With forced threading, which PREEMPT_RT implies, timers have a thread of their
 * own. What it raises again could end up in ksoftirqd, which has no realtime
 * priority, so it has no limits. On PREEMPT_RT it can be preempted by whatever
 * comes first. With threadirqs alone the others have to wait until it is done.
 */
static void hrtimer_soft_set_budget(struct hrtimer_soft_budget *budget)
{
	if (force_irqthreads()) {
		budget->timers = UINT_MAX;
		budget->limit = U64_MAX;
	} else {
		budget->timers = HRTIMER_SOFT_BUDGET_TIMERS;
		budget->limit = HRTIMER_SOFT_BUDGET_NS;
	}
}

static __latent_entropy void hrtimer_soft_action(void)
{
	struct hrtimer_soft_budget budget = { };

	hrtimer_soft_set_budget(&budget);
	hrtimer_soft_run(this_cpu_ptr(&hrtimer_bases), &budget);
}

const char * const hrtimer_soft_counter_names[] = {
	[HRTIMER_SOFT_RUNS]		= "runs",
	[HRTIMER_SOFT_TIMERS]		= "timers",
	[HRTIMER_SOFT_MOST_TIMERS]	= "most_timers",
	[HRTIMER_SOFT_BUDGET_STOPS]	= "budget_stops",
	[HRTIMER_SOFT_BOUNCES]		= "bounces",
	[HRTIMER_SOFT_LONGEST_NS]	= "longest_ns",
};

/**
 * hrtimer_soft_read_counters - Read the counters of a CPU
 * @cpu_base:	Base of the CPU
 * @values:	Array for the values, in the order of hrtimer_soft_counter_names
 *
 * Each is right by itself. A run that ends meanwhile may be in some of them only.
 *
 * Context: Any.
 */
void hrtimer_soft_read_counters(struct hrtimer_cpu_base *cpu_base,
				unsigned int values[HRTIMER_SOFT_NR_COUNTERS])
{
	for (unsigned int i = 0; i < HRTIMER_SOFT_NR_COUNTERS; i++)
		values[i] = READ_ONCE(cpu_base->soft.counters[i]);
}

/**
 * hrtimer_soft_prepare_cpu - Initialise what is initialised once per CPU
 * @cpu_base:	Base of a CPU that is not online
 *
 * Context: CPU hotplug, on another CPU; early boot.
 */
void hrtimer_soft_prepare_cpu(struct hrtimer_cpu_base *cpu_base)
{
	hrtimer_soft_init_expiry_lock(&cpu_base->soft);
}

/**
 * hrtimer_soft_cpu_starting - Forget what was under way when the CPU went down
 * @cpu_base:	Base of this CPU
 *
 * The softirq of a pass that was latched then is never going to run.
 *
 * Context: CPU hotplug, on the CPU itself, interrupts disabled, before it is
 * online.
 */
void hrtimer_soft_cpu_starting(struct hrtimer_cpu_base *cpu_base)
{
	hrtimer_soft_reset(&cpu_base->soft);
}

/**
 * hrtimer_soft_init - Install the softirq
 *
 * Context: Early boot, interrupts disabled.
 */
void __init hrtimer_soft_init(void)
{
	open_softirq(HRTIMER_SOFTIRQ, hrtimer_soft_action);
}
