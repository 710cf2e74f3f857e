/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Expiry of POSIX CPU timers, in the three steps that the context in which they
 * expire is built from. They live in posix-cpu-timers.c:
 *
 *	pct_expired()	in every tick: is there anything to do?
 *	pct_collect()	under sighand lock: take the expired timers off their
 *			queues
 *	pct_fire()	without it: deliver them
 *
 * Itimers and limits are no timers on a queue. Their signals need sighand lock
 * only and can be sent separately:
 *
 *	pct_limits_due()	has one been reached?
 *	pct_expire_limits()	send the signals
 */
#ifndef _KERNEL_TIME_POSIX_CPU_TIMERS_H
#define _KERNEL_TIME_POSIX_CPU_TIMERS_H

#include <linux/posix-timers_types.h>
#include <linux/types.h>

struct list_head;
struct task_struct;

/* Timers per clock that one tick expires where expiry is not deferred. */
#define PCT_TICK_BUDGET		19

/**
 * struct pct_pass - One pass over the CPU timers of a task
 * @thread:	The clocks of the task when the pass began, in ns
 * @process:	The clocks of its process then, in ns
 * @budget:	How many timers of each clock may be collected at a time
 * @begun:	The clocks have been sampled
 *
 * A pass expires what had expired when it began, however many times sighand
 * lock is taken for that. A timer cannot be set to a time which has passed, so
 * what others set meanwhile is not part of it and the pass ends.
 */
struct pct_pass {
	u64		thread[CPUCLOCK_MAX];
	u64		process[CPUCLOCK_MAX];
	unsigned int	budget;
	bool		begun;
};

bool pct_expired(struct task_struct *tsk);
bool pct_collect(struct task_struct *tsk, struct list_head *firing,
		 struct pct_pass *pass);
void pct_fire(struct list_head *firing);
bool pct_limits_due(struct task_struct *tsk);
void pct_expire_limits(struct task_struct *tsk);
void pct_expire_in_tick(struct task_struct *tsk);

#endif /* _KERNEL_TIME_POSIX_CPU_TIMERS_H */
