/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What hrtimer.c lends to hrtimer_soft.c, to its hot half in hrtimer_soft.h and
 * to the KUnit test. Nothing here is for anyone else.
 *
 * The functions expect hrtimer_cpu_base::lock of the base to be held and
 * interrupts to be disabled, unless they say otherwise.
 */
#ifndef _KERNEL_TIME_HRTIMER_INTERNAL_H
#define _KERNEL_TIME_HRTIMER_INTERNAL_H

#include <linux/bitops.h>
#include <linux/hrtimer.h>
#include <linux/hrtimer_bases.h>
#include <linux/timerqueue.h>

/*
 * Values of hrtimer::is_queued. Whether the callback runs is kept apart, in the
 * base (see hrtimer_running_slot()): a callback may free its timer, so nothing
 * in the timer may be written after it.
 *
 * A timer can be queued while its callback runs, when somebody else started it
 * again meanwhile. All changes are made under hrtimer_cpu_base::lock.
 */
#define HRTIMER_STATE_INACTIVE	false
#define HRTIMER_STATE_ENQUEUED	true

#define hrtimer_from_timerqueue_node(_n) container_of_const(_n, struct hrtimer, node)

static __always_inline struct hrtimer *clock_base_next_timer(struct hrtimer_clock_base *base)
{
	struct timerqueue_linked_node *next = timerqueue_linked_first(&base->active);

	return hrtimer_from_timerqueue_node(next);
}

/**
 * hrtimer_bases_first - Find the clock base whose first timer expires first
 * @cpu_base:		CPU base to look at
 * @active:		Mask of the clock bases to look at, all of them with timers
 * @expires_next:	CLOCK_MONOTONIC time in ns, lowered to the first expiry
 * @next_timer:		Set to that timer when @expires_next was lowered
 */
static inline void hrtimer_bases_first(struct hrtimer_cpu_base *cpu_base, unsigned int active,
				       ktime_t *expires_next, struct hrtimer **next_timer)
{
	for (; active; active &= active - 1) {
		struct hrtimer_clock_base *base = &cpu_base->clock_base[__ffs(active)];
		ktime_t expires = ktime_sub(base->expires_next, base->offset);

		if (expires < *expires_next) {
			*expires_next = expires;
			*next_timer = clock_base_next_timer(base);
		}
	}
}

struct hrtimer_soft_budget;

bool enqueue_hrtimer(struct hrtimer *timer, struct hrtimer_clock_base *base,
		     enum hrtimer_mode mode, bool was_armed);
void __remove_hrtimer(struct hrtimer *timer, struct hrtimer_clock_base *base,
		      bool newstate, bool reprogram);
bool hrtimer_run_soft_base(struct hrtimer_clock_base *base, ktime_t now, unsigned long flags,
			   struct hrtimer_soft_budget *budget);
void hrtimer_run_bounced(struct hrtimer *timer, ktime_t now, unsigned long flags,
			 struct hrtimer_soft_budget *budget);
void hrtimer_reprogram(struct hrtimer *timer);
void hrtimer_force_reprogram(struct hrtimer_cpu_base *cpu_base, bool skip_equal);
ktime_t hrtimer_update_base(struct hrtimer_cpu_base *cpu_base);
#if IS_ENABLED(CONFIG_KUNIT)
bool update_needs_ipi(struct hrtimer_cpu_base *cpu_base, unsigned int active);
#endif
void hrtimer_migrate_timer(struct hrtimer *timer, struct hrtimer_cpu_base *new);
void hrtimer_migrate_all(struct hrtimer_cpu_base *old, struct hrtimer_cpu_base *new);

#ifdef CONFIG_SMP
bool hrtimer_is_migration_base(const struct hrtimer_clock_base *base);
#else
static inline bool hrtimer_is_migration_base(const struct hrtimer_clock_base *base)
{
	return false;
}
#endif

#endif /* _KERNEL_TIME_HRTIMER_INTERNAL_H */
