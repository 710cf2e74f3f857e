/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Soft hrtimers: timers whose callbacks run in HRTIMER_SOFTIRQ.
 *
 * With CONFIG_HRTIMER_SOFT_BASES they wait in clock bases of their own. The hard
 * interrupt does not look into these: it compares the time with
 * hrtimer_soft_base::expires_next, raises the softirq once and latches that in
 * hrtimer_soft_base::activated. From then on the soft bases do not count for
 * what the hardware is programmed to, because the pass that is coming looks at
 * all of them. When it is done, it clears the latch and programs what is next.
 * A pass takes as many runs of the softirq as it needs.
 *
 *	start			hrtimer_soft_note_enqueue()	deadline moves ahead
 *	hard interrupt, tick	hrtimer_soft_check_expired()	deadline is over: raise
 *	softirq			hrtimer_run_soft_base()		run, then next deadline
 *	end of hard interrupt	hrtimer_soft_next_event()	deadline is evaluated anew
 *
 * Without it they wait among the hard timers. The hard interrupt takes each off
 * its queue when it has expired and bounces it to the softirq on a list:
 *
 *	hard interrupt, tick	hrtimer_soft_try_bounce()	queue -> pending; raise
 *	softirq			hrtimer_run_bounced()		pending -> batch -> run
 *	start, cancel, move	hrtimer_soft_unbounce()		off the list again
 *
 * To everybody else a bounced timer is a queued one: it is active, it can be
 * cancelled and started anew, and then its callback does not run.
 *
 * Here is what the hot paths of hrtimer.c call. hrtimer_soft.c has the softirq, which
 * calls these two: in hrtimer.c, because hard timers expire in the same way.
 * All of it is called with hrtimer_cpu_base::lock held and interrupts disabled,
 * and times are CLOCK_MONOTONIC in ns, unless stated otherwise.
 */
#ifndef _KERNEL_TIME_HRTIMER_SOFT_H
#define _KERNEL_TIME_HRTIMER_SOFT_H

#include <linux/build_bug.h>
#include <linux/cache.h>
#include <linux/interrupt.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>
#include <linux/sched/clock.h>
#include <linux/stddef.h>
#include <linux/time64.h>

#include "hrtimer_internal.h"

#ifdef CONFIG_HRTIMER_SOFT_BASES

/* Masks for hrtimer_cpu_base::active_bases */
#define HRTIMER_ACTIVE_HARD	(BIT(HRTIMER_BASE_MONOTONIC_SOFT) - 1)
#define HRTIMER_ACTIVE_SOFT	(HRTIMER_ACTIVE_HARD << HRTIMER_BASE_MONOTONIC_SOFT)

/* The hard interrupt reads the deadline and its own in one cache line, unless locks are large */
static_assert(sizeof(raw_spinlock_t) > sizeof(u32) ||
	      offsetofend(struct hrtimer_cpu_base, soft.expires_next) <= MAX(SMP_CACHE_BYTES, 64));

/**
 * hrtimer_soft_base_index - Where soft timers of a clock wait
 * @index:	Index of the clock's hard base
 *
 * Context: Any.
 *
 * Return: The index of the base in hrtimer_cpu_base::clock_base.
 */
static __always_inline unsigned int hrtimer_soft_base_index(unsigned int index)
{
	return index + HRTIMER_BASE_MONOTONIC_SOFT;
}

/**
 * hrtimer_soft_check_expired - Raise the softirq when a soft timer is due
 * @cpu_base:	Base of this CPU
 * @now:	The time
 *
 * Once raised, nothing is due until the pass has ended.
 *
 * Context: Hard interrupt.
 */
static __always_inline void hrtimer_soft_check_expired(struct hrtimer_cpu_base *cpu_base,
						       ktime_t now)
{
	struct hrtimer_soft_base *soft = &cpu_base->soft;

	lockdep_assert_held(&cpu_base->lock);

	if (ktime_before(now, soft->expires_next))
		return;

	soft->expires_next = KTIME_MAX;
	soft->activated = true;
	raise_timer_softirq(HRTIMER_SOFTIRQ);
}

/**
 * hrtimer_soft_armed_bases - The bases that the hardware is programmed for
 * @cpu_base:	Base to look at
 *
 * Return: Mask of the active bases, without the soft ones while a pass is
 * coming or running.
 */
static __always_inline unsigned int
hrtimer_soft_armed_bases(const struct hrtimer_cpu_base *cpu_base)
{
	unsigned int active = cpu_base->active_bases;

	return cpu_base->soft.activated ? active & HRTIMER_ACTIVE_HARD : active;
}

/**
 * hrtimer_soft_next_event - Evaluate the soft deadline
 * @cpu_base:	Base to evaluate
 * @hard:	When the first hard timer expires
 *
 * Setting the clock moves soft timers of other clocks than CLOCK_MONOTONIC, so
 * the deadline is computed from the timers and stored. Nothing happens while a
 * pass is coming or running.
 *
 * Return: When the first timer of all expires, which is then
 * hrtimer_cpu_base::next_timer.
 */
static __always_inline ktime_t hrtimer_soft_next_event(struct hrtimer_cpu_base *cpu_base,
						       ktime_t hard)
{
	struct hrtimer_soft_base *soft = &cpu_base->soft;
	struct hrtimer *next_timer = NULL;
	ktime_t expires = KTIME_MAX;
	unsigned int active;

	lockdep_assert_held(&cpu_base->lock);

	if (soft->activated)
		return hard;

	active = cpu_base->active_bases & HRTIMER_ACTIVE_SOFT;
	if (active) {
		hrtimer_bases_first(cpu_base, active, &expires, &next_timer);
		/* An offset that has changed can make it negative */
		expires = max(expires, 0);
	}

	soft->next_timer = next_timer;
	soft->expires_next = expires;

	if (expires >= hard)
		return hard;

	cpu_base->next_timer = next_timer;
	return expires;
}

/**
 * hrtimer_soft_note_enqueue - A timer was queued as the first of its base
 * @timer:	The timer, hard or soft
 * @expires:	When it expires
 *
 * Moves the soft deadline of the CPU for which @timer is queued, which need not
 * be this one. A remote CPU needs nothing else: a timer is not queued there
 * when it expires before everything that CPU has been programmed for.
 *
 * Return: Whether the hardware may have to be programmed for @timer.
 */
static __always_inline bool hrtimer_soft_note_enqueue(struct hrtimer *timer, ktime_t expires)
{
	struct hrtimer_cpu_base *cpu_base = timer->base->cpu_base;
	struct hrtimer_soft_base *soft = &cpu_base->soft;

	lockdep_assert_held(&cpu_base->lock);

	if (!timer->is_soft)
		return true;

	/* The pass which is coming will find it */
	if (soft->activated)
		return false;

	if (!ktime_before(expires, soft->expires_next))
		return false;

	soft->next_timer = timer;
	soft->expires_next = expires;
	return true;
}

/**
 * hrtimer_soft_sync_offsets - Give the soft bases the offsets of the hard ones
 * @cpu_base:	Base whose hard offsets have been updated
 *
 * The values themselves are compared: a leap second changes the offset of
 * CLOCK_REALTIME and no sequence count. What did not change is not written, so
 * an interrupt leaves the cache lines of the soft bases clean.
 */
static __always_inline void hrtimer_soft_sync_offsets(struct hrtimer_cpu_base *cpu_base)
{
	struct hrtimer_clock_base *hard = &cpu_base->clock_base[HRTIMER_BASE_MONOTONIC];
	struct hrtimer_clock_base *soft = &cpu_base->clock_base[HRTIMER_BASE_MONOTONIC_SOFT];

	lockdep_assert_held(&cpu_base->lock);

	/* CLOCK_MONOTONIC has none */
	for (unsigned int i = HRTIMER_BASE_REALTIME; i <= HRTIMER_BASE_TAI; i++) {
		if (unlikely(soft[i].offset != hard[i].offset))
			soft[i].offset = hard[i].offset;
	}
}

/**
 * hrtimer_soft_needs_ipi - Does a set clock matter to a remote CPU's soft timers?
 * @base:	Clock base of that CPU, with its new offset
 * @expires:	When the first timer of @base expires now
 *
 * Return: True when that is before the deadline which the CPU knows of.
 */
static __always_inline bool hrtimer_soft_needs_ipi(const struct hrtimer_clock_base *base,
						   ktime_t expires)
{
	const struct hrtimer_soft_base *soft = &base->cpu_base->soft;

	if (base->index < HRTIMER_BASE_MONOTONIC_SOFT)
		return false;

	return !soft->activated && expires < soft->expires_next;
}

static __always_inline bool hrtimer_soft_try_bounce(struct hrtimer *timer)
{
	return false;
}

static __always_inline bool hrtimer_soft_unbounce(struct hrtimer *timer)
{
	return false;
}

static inline void hrtimer_soft_migrate(struct hrtimer_cpu_base *old,
					struct hrtimer_cpu_base *new) { }

static inline struct hrtimer *
hrtimer_soft_nth_bounced(struct hrtimer_cpu_base *cpu_base, unsigned long n)
{
	return NULL;
}

#else /* CONFIG_HRTIMER_SOFT_BASES */

/* Mask for hrtimer_cpu_base::active_bases; soft timers are among the hard ones */
#define HRTIMER_ACTIVE_HARD	(BIT(HRTIMER_MAX_CLOCK_BASES) - 1)

static __always_inline unsigned int hrtimer_soft_base_index(unsigned int index)
{
	return index;
}

static __always_inline void hrtimer_soft_check_expired(struct hrtimer_cpu_base *cpu_base,
						       ktime_t now) { }

static __always_inline unsigned int
hrtimer_soft_armed_bases(const struct hrtimer_cpu_base *cpu_base)
{
	return cpu_base->active_bases;
}

static __always_inline ktime_t hrtimer_soft_next_event(struct hrtimer_cpu_base *cpu_base,
						       ktime_t hard)
{
	return hard;
}

static __always_inline bool hrtimer_soft_note_enqueue(struct hrtimer *timer, ktime_t expires)
{
	return true;
}

static __always_inline void hrtimer_soft_sync_offsets(struct hrtimer_cpu_base *cpu_base) { }

static __always_inline bool hrtimer_soft_needs_ipi(const struct hrtimer_clock_base *base,
						   ktime_t expires)
{
	return false;
}

/*
 * A bounced timer is in no tree, so its node is free to hold the link of the
 * list. The expiry, which is part of the node as well, has to survive: it can
 * be asked for, and a periodic timer is forwarded from it.
 */
static_assert(sizeof(struct list_head) <= sizeof(struct rb_node));

static __always_inline struct list_head *hrtimer_soft_link(struct hrtimer *timer)
{
	return (struct list_head *)&timer->node.node.node;
}

static __always_inline struct hrtimer *hrtimer_soft_from_link(struct list_head *link)
{
	return container_of((struct rb_node *)link, struct hrtimer, node.node.node);
}

/*
 * Its own predecessor is what no timer in a tree is, and what a timer in no
 * queue is not either. So the mark needs no space.
 */
static __always_inline void hrtimer_soft_mark_bounced(struct hrtimer *timer)
{
	timer->node.node.prev = &timer->node.node;
}

/**
 * hrtimer_soft_bounced - Is a timer on its way to the softirq?
 * @timer:	The timer
 *
 * Return: True from when the hard interrupt has found it expired until its
 * callback is called, unless it is cancelled or started again before.
 */
static __always_inline bool hrtimer_soft_bounced(const struct hrtimer *timer)
{
	return timer->node.node.prev == &timer->node.node;
}

/**
 * hrtimer_soft_bounce - Move an expired soft timer from its queue to the softirq
 * @timer:	Timer that has expired
 *
 * Context: Hard interrupt, hrtimer_cpu_base::lock of the base held.
 */
static inline void hrtimer_soft_bounce(struct hrtimer *timer)
{
	struct hrtimer_clock_base *base = timer->base;
	struct hrtimer_soft_base *soft = &base->cpu_base->soft;
	struct list_head *pending = &soft->pending;

	WRITE_ONCE(soft->counters[HRTIMER_SOFT_BOUNCES], soft->counters[HRTIMER_SOFT_BOUNCES] + 1);

	/* Those on the list already have raised it, and it has not run since */
	if (list_empty(pending))
		raise_timer_softirq(HRTIMER_SOFTIRQ);

	__remove_hrtimer(timer, base, HRTIMER_STATE_ENQUEUED, false);
	list_add_tail(hrtimer_soft_link(timer), pending);
	hrtimer_soft_mark_bounced(timer);
}

/**
 * hrtimer_soft_try_bounce - Leave a timer to the softirq, if it is a soft one
 * @timer:	Timer that is the first of its base and has expired
 *
 * Context: Hard interrupt.
 *
 * Return: True when it is a soft timer. It is not in the base any more then.
 */
static __always_inline bool hrtimer_soft_try_bounce(struct hrtimer *timer)
{
	if (!timer->is_soft)
		return false;

	hrtimer_soft_bounce(timer);
	return true;
}

/**
 * hrtimer_soft_unbounce - Take a timer off its way to the softirq
 * @timer:	The timer
 *
 * Return: True when it was bounced. It is in no queue then.
 */
static __always_inline bool hrtimer_soft_unbounce(struct hrtimer *timer)
{
	lockdep_assert_held(&timer->base->cpu_base->lock);

	if (likely(!hrtimer_soft_bounced(timer)))
		return false;

	list_del(hrtimer_soft_link(timer));
	timerqueue_linked_init(&timer->node);
	return true;
}

void hrtimer_soft_migrate(struct hrtimer_cpu_base *old, struct hrtimer_cpu_base *new);
struct hrtimer *hrtimer_soft_nth_bounced(struct hrtimer_cpu_base *cpu_base, unsigned long n);

#endif /* !CONFIG_HRTIMER_SOFT_BASES */

/*
 * What one run of the softirq may take. Other softirqs and, by way of ksoftirqd,
 * tasks get their turn when it is spent. The time is what matters; the number
 * bounds a run where the clock is too coarse to measure it.
 *
 * Between two ticks local_clock() may not get ahead by more than one tick, if what
 * it is made of is not stable. Of that a part is gone when the run begins.
 */
#define HRTIMER_SOFT_BUDGET_NS		MIN(NSEC_PER_MSEC, TICK_NSEC / 2)
#define HRTIMER_SOFT_BUDGET_TIMERS	2048

/**
 * struct hrtimer_soft_budget - What is left for one run of the softirq
 * @timers:	How many callbacks may still run
 * @spent:	How many have
 * @limit:	Time in ns after which none is begun
 * @begin:	local_clock() when the run began
 * @now:	local_clock() when the last callback ended
 *
 * @timers and @limit are given, the others tell what has been taken of them.
 */
struct hrtimer_soft_budget {
	unsigned int	timers;
	unsigned int	spent;
	u64		limit;
	u64		begin;
	u64		now;
};

/**
 * hrtimer_soft_charge - Take a callback off the budget
 * @budget:	Of the run that has called it
 *
 * Context: Softirq, hrtimer_cpu_base::lock not held.
 */
static inline void hrtimer_soft_charge(struct hrtimer_soft_budget *budget)
{
	budget->spent++;
	budget->timers--;
	budget->now = local_clock();
	if (budget->now - budget->begin >= budget->limit)
		budget->timers = 0;
}

extern const char * const hrtimer_soft_counter_names[HRTIMER_SOFT_NR_COUNTERS];
void hrtimer_soft_read_counters(struct hrtimer_cpu_base *cpu_base,
				unsigned int values[HRTIMER_SOFT_NR_COUNTERS]);

#if IS_ENABLED(CONFIG_KUNIT)
bool hrtimer_soft_run(struct hrtimer_cpu_base *cpu_base, struct hrtimer_soft_budget *budget);
#endif

#ifdef CONFIG_PREEMPT_RT
void hrtimer_soft_release_waiters(struct hrtimer_cpu_base *cpu_base, unsigned long flags);
#else
static __always_inline void
hrtimer_soft_release_waiters(struct hrtimer_cpu_base *cpu_base, unsigned long flags) { }
#endif

void hrtimer_soft_prepare_cpu(struct hrtimer_cpu_base *cpu_base);
void hrtimer_soft_cpu_starting(struct hrtimer_cpu_base *cpu_base);
void __init hrtimer_soft_init(void);

#endif /* _KERNEL_TIME_HRTIMER_SOFT_H */
