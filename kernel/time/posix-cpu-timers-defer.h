/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where POSIX CPU timers expire: in the task's own context, through task work
 * which the tick queues (posix-cpu-timers-defer.c), or in the tick itself.
 */
#ifndef _KERNEL_TIME_POSIX_CPU_TIMERS_DEFER_H
#define _KERNEL_TIME_POSIX_CPU_TIMERS_DEFER_H

#include <linux/irqflags.h>
#include <linux/minmax.h>
#include <linux/posix-timers.h>
#include <linux/processor.h>
#include <linux/sched.h>
#include <linux/time64.h>

#include "posix-cpu-timers.h"

#ifdef CONFIG_POSIX_CPU_TIMERS_TASK_WORK

/* Values of posix_cputimers_work::state */
enum pct_defer_state {
	PCT_DEFER_IDLE,		/* The tick looks for expired timers */
	PCT_DEFER_QUEUED,	/* The work is on its way */
	PCT_DEFER_RUNNING,	/* The work is expiring timers */
	PCT_DEFER_AGAIN,	/* A tick has come meanwhile */
};

/* What sighand lock is taken for at a time: timers of a clock, nanoseconds. */
#define PCT_BATCH_MAX		64
#define PCT_BATCH_NS		(100 * NSEC_PER_USEC)

/* Passes which one run of the work may make. A tick has hit all but the last. */
#define PCT_DEFER_PASSES	4

/**
 * pct_defer_next_budget - How many timers to collect at a time from now on
 * @budget:	How many it was allowed to be in the last batch
 * @took:	How long that batch took to collect and deliver, in ns
 *
 * Delivering a timer takes a fraction of a microsecond or, in a process with
 * thousands of threads which block its signal, hundreds. Whoever waits for a
 * timer to come off the firing list waits for the batch.
 *
 * Context: Any.
 *
 * Return: A number from 1 to PCT_BATCH_MAX.
 */
static inline unsigned int pct_defer_next_budget(unsigned int budget, u64 took)
{
	if (took > PCT_BATCH_NS)
		return max(budget / 2, 1U);
	if (took < PCT_BATCH_NS / 2)
		return min(budget * 2, PCT_BATCH_MAX);
	return budget;
}

/**
 * pct_defer_note_tick - Tell a work which is running that a tick has come
 * @tsk:	The task, which is current
 *
 * Whatever the tick finds. On PREEMPT_RT it cannot tell what has expired while
 * the work is collecting, see posix_cputimers::expiry_active.
 *
 * Context: Hard interrupt, the tick.
 */
static inline void pct_defer_note_tick(struct task_struct *tsk)
{
	struct posix_cputimers_work *cw = &tsk->posix_cputimers_work;

	if (unlikely(cw->state == PCT_DEFER_RUNNING))
		WRITE_ONCE(cw->state, PCT_DEFER_AGAIN);
}

void pct_defer_limits(struct task_struct *tsk);
void pct_defer_schedule(struct task_struct *tsk);
void pct_defer_wait(struct k_itimer *timer);
void pct_defer_wait_nanosleep(struct k_itimer *timer);

#else /* CONFIG_POSIX_CPU_TIMERS_TASK_WORK */

static inline void pct_defer_note_tick(struct task_struct *tsk) { }

/* No need to go ahead of the rest. */
static inline void pct_defer_limits(struct task_struct *tsk) { }

/* Nothing is deferred: the tick, which calls this, expires the timers. */
static inline void pct_defer_schedule(struct task_struct *tsk)
{
	lockdep_posixtimer_enter();
	pct_expire_in_tick(tsk);
	lockdep_posixtimer_exit();
}

/* The tick of another CPU is at it and cannot be slept for. */
static inline void pct_defer_wait(struct k_itimer *timer)
{
	cpu_relax();
}

static inline void pct_defer_wait_nanosleep(struct k_itimer *timer)
{
	spin_unlock_irq(&timer->it_lock);
	cpu_relax();
	spin_lock_irq(&timer->it_lock);
}

#endif /* !CONFIG_POSIX_CPU_TIMERS_TASK_WORK */

#endif /* _KERNEL_TIME_POSIX_CPU_TIMERS_DEFER_H */
