// SPDX-License-Identifier: GPL-2.0
/*
 * Deferral of POSIX CPU timer expiry to the task's own context
 *
 * The tick only finds out that something has expired and queues task work. The
 * timers are collected and delivered when the task returns to user space: their
 * number does not lengthen the timer interrupt, the time is charged to the task
 * which set them, and PREEMPT_RT, where the locks sleep, can do it at all.
 *
 * Owner of the state
 * ------------------
 * task_struct::posix_cputimers_work belongs to the task. @state is written by
 * the task and by the tick which interrupts it, never by another CPU, so
 * disabled interrupts are all the protection that it needs:
 *
 *	IDLE --tick--> QUEUED --work--> RUNNING --tick--> AGAIN
 *	  ^                               |  ^              |
 *	  +------------ work -------------+  +---- work ----+
 *
 * @mutex is held while timers are on the task's firing list, for those who have
 * to wait until one of them is off it.
 *
 * What one run of the work does
 * -----------------------------
 * It expires everything that had expired when it began, in batches: sighand
 * lock, and with it disabled interrupts, is held for a bounded number of timers,
 * and the mutex until these are delivered. That is one pass. A tick which comes
 * while the work is running says so (AGAIN). If there is something to expire at
 * the end of the pass, another pass follows, because the task may block for long
 * before another tick hits it.
 *
 * The run ends whatever other threads do. A pass ends because it looks at the
 * clocks once: a timer which is set while it is under way expires later than
 * that. The number of passes is limited. Timers that are still expired then, set
 * over and over again with an expiry time of next to nothing, wait for the next
 * tick of the task or, if they are the process's, of any of its threads. The work
 * cannot be left to queue itself, because task_work_run() does not return as long
 * as there is some.
 *
 * Itimers and limits in the kernel
 * --------------------------------
 * A tick which hits user space is followed by the work at once. One which hits
 * the kernel is followed by the rest of the system call. io_uring workers run
 * task work between two requests, vhost workers do not run it at all. No limit
 * would be one if it could be evaded in there, so the tick sends the signals of
 * itimers and limits itself. The signal does what signals do: it interrupts a
 * system call which can be interrupted, if it is not blocked or ignored, or it
 * goes to another thread.
 *
 * Making the work urgent instead (TWA_SIGNAL) looks simpler and is not: it
 * interrupts system calls for a signal that may turn out to be blocked, is not
 * seen by those which can be killed but not interrupted, and fails the request
 * that an io_uring worker is busy with, whose thread blocks all signals.
 *
 * The timers themselves have to wait for the work. Their locks cannot be taken
 * in the tick, and there is no bound on their number.
 *
 * Two tasks are left to the work: a vCPU in guest mode, because KVM runs task
 * work before it enters the guest again, and one which is dumping core, because
 * the limit that made it do so must not spoil the dump. On PREEMPT_RT, where
 * sighand lock sleeps, irq_work in its thread sends the signals for the tick.
 *
 * Lifetime
 * --------
 * Timers are only collected while the task is alive: the tick stops queueing
 * when the task has an exit state, and what is queued by then runs in
 * exit_task_work(), which comes before exit_notify(). So nobody can reap the
 * task, and with it the sighand through which a timer's deletion finds its
 * firing list, while there is such a list. A timer that others wait for keeps
 * the expiring task in cpu_timer::handling, under RCU.
 */
#include <linux/cpumask.h>
#include <linux/init.h>
#include <linux/irq_work.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/sched/clock.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/task_work.h>

#include "posix-cpu-timers-defer.h"

/* One batch. Returns true if the pass needs another. */
static bool pct_defer_batch(struct task_struct *tsk, struct pct_pass *pass)
{
	struct posix_cputimers_work *cw = &tsk->posix_cputimers_work;
	LIST_HEAD(firing);
	u64 start;
	bool more;

	mutex_lock(&cw->mutex);
	start = local_clock();

	spin_lock_irq(&tsk->sighand->siglock);
	more = pct_collect(tsk, &firing, pass);
	spin_unlock_irq(&tsk->sighand->siglock);

	pct_fire(&firing);

	pass->budget = pct_defer_next_budget(pass->budget, local_clock() - start);
	mutex_unlock(&cw->mutex);

	return more;
}

static void pct_defer_pass(struct task_struct *tsk)
{
	struct pct_pass pass = { .budget = PCT_BATCH_MAX / 2, };

	/*
	 * A task which has been killed is not kept from dying. What it leaves is
	 * deleted or found by a tick of another thread.
	 */
	while (pct_defer_batch(tsk, &pass) && !fatal_signal_pending(tsk))
		cond_resched();
}

/*
 * Let the tick queue the work again, unless one has come and there is something
 * to expire which the pass did not take care of.
 *
 * Returns true if the tick is enabled, false if another pass is needed.
 */
static bool pct_defer_reenable(struct task_struct *tsk)
{
	struct posix_cputimers_work *cw = &tsk->posix_cputimers_work;
	bool enabled = true;

	local_irq_disable();
	if (cw->state == PCT_DEFER_AGAIN && pct_expired(tsk)) {
		WRITE_ONCE(cw->state, PCT_DEFER_RUNNING);
		enabled = false;
	} else {
		WRITE_ONCE(cw->state, PCT_DEFER_IDLE);
	}
	local_irq_enable();

	return enabled;
}

static void pct_defer_work(struct callback_head *work)
{
	struct posix_cputimers_work *cw = container_of(work, typeof(*cw), work);
	unsigned int passes = PCT_DEFER_PASSES;
	struct task_struct *tsk = current;

	/* A tick does not touch QUEUED, so there is nothing to race with */
	WRITE_ONCE(cw->state, PCT_DEFER_RUNNING);

	do {
		pct_defer_pass(tsk);
		if (pct_defer_reenable(tsk))
			return;
	} while (--passes);

	WRITE_ONCE(cw->state, PCT_DEFER_IDLE);
}

#ifdef CONFIG_PREEMPT_RT
/**
 * struct pct_limits_work - Sends the signals of limits on behalf of the tick
 * @work:	Runs in a thread
 * @tsk:	The task that the tick hit, with a reference, or NULL. Set by the
 *		tick, cleared by the work.
 */
struct pct_limits_work {
	struct irq_work		work;
	struct task_struct	*tsk;
};

static void pct_limits_work(struct irq_work *work)
{
	struct pct_limits_work *lw = container_of(work, typeof(*lw), work);
	struct task_struct *tsk = lw->tsk;

	pct_expire_limits(tsk);
	WRITE_ONCE(lw->tsk, NULL);
	put_task_struct(tsk);
}

static DEFINE_PER_CPU(struct pct_limits_work, pct_limits_work_cpu) = {
	.work = IRQ_WORK_INIT(pct_limits_work),
};

static void pct_send_limits(struct task_struct *tsk)
{
	struct pct_limits_work *lw = this_cpu_ptr(&pct_limits_work_cpu);

	/* Still busy for the task of an earlier tick: the next one tries again */
	if (READ_ONCE(lw->tsk))
		return;
	/* The thread of a CPU which goes offline is parked */
	if (!cpu_active(smp_processor_id()))
		return;

	WRITE_ONCE(lw->tsk, get_task_struct(tsk));
	irq_work_queue(&lw->work);
}
#else
static void pct_send_limits(struct task_struct *tsk)
{
	lockdep_posixtimer_enter();
	pct_expire_limits(tsk);
	lockdep_posixtimer_exit();
}
#endif

/**
 * pct_defer_limits - Send the signals of itimers and limits, if any are due
 * @tsk:	The task, which is current and which the tick hit in the kernel
 *
 * Context: Hard interrupt, the tick.
 */
void pct_defer_limits(struct task_struct *tsk)
{
	lockdep_assert_irqs_disabled();

	if (!(tsk->flags & (PF_VCPU | PF_DUMPCORE)) && pct_limits_due(tsk))
		pct_send_limits(tsk);
}

/**
 * pct_defer_schedule - Have the task expire its timers
 * @tsk:	The task, which is current
 *
 * Queues the task work, once until it has run. A task which is too far gone in
 * do_exit() to run task work delivers no timers any more.
 *
 * Context: Hard interrupt, the tick. Takes no lock.
 */
void pct_defer_schedule(struct task_struct *tsk)
{
	struct posix_cputimers_work *cw = &tsk->posix_cputimers_work;

	lockdep_assert_irqs_disabled();

	if (cw->state != PCT_DEFER_IDLE)
		return;

	WRITE_ONCE(cw->state, PCT_DEFER_QUEUED);
	task_work_add(tsk, &cw->work, TWA_RESUME);
}

/**
 * pct_defer_wait - Wait until a timer is off the list of expiring timers
 * @timer:	The timer, whose deletion or setting found it on that list
 *
 * Sleeps on the mutex of the task which expires the timer. Its owner is known,
 * so on PREEMPT_RT it inherits the priority of those who wait for it.
 *
 * Context: Task context, RCU read side held, which protects the timer and the
 *	    expiring task. Dropped and taken again: the caller has to look up
 *	    the timer anew.
 */
void pct_defer_wait(struct k_itimer *timer)
{
	struct task_struct *tsk = rcu_dereference(timer->it.cpu.handling);

	/* Done with it already? */
	if (!tsk)
		return;

	get_task_struct(tsk);
	rcu_read_unlock();

	mutex_lock(&tsk->posix_cputimers_work.mutex);
	mutex_unlock(&tsk->posix_cputimers_work.mutex);

	put_task_struct(tsk);
	rcu_read_lock();
}

/**
 * pct_defer_wait_nanosleep - pct_defer_wait() for the timer of a sleeping task
 * @timer:	The timer, which is on the stack of the caller and thus stays
 *
 * Context: Task context, the timer's lock held with interrupts disabled.
 *	    Dropped and taken again.
 */
void pct_defer_wait_nanosleep(struct k_itimer *timer)
{
	/* Not the timer but cpu_timer::handling needs the protection of RCU */
	rcu_read_lock();
	spin_unlock_irq(&timer->it_lock);
	pct_defer_wait(timer);
	rcu_read_unlock();
	spin_lock_irq(&timer->it_lock);
}

/**
 * clear_posix_cputimers_work - Set up deferred expiry for a new task
 * @p:		The task, which does not run yet
 *
 * @p starts as a copy of its parent. A parent which has queued its work must not
 * hand that on: the child would take the work for queued and never expire
 * anything.
 *
 * Context: Task context, fork.
 */
void clear_posix_cputimers_work(struct task_struct *p)
{
	struct posix_cputimers_work *cw = &p->posix_cputimers_work;

	/* init_task_work() leaves the link to the next work as it is */
	memset(&cw->work, 0, sizeof(cw->work));
	init_task_work(&cw->work, pct_defer_work);
	mutex_init(&cw->mutex);
	cw->state = PCT_DEFER_IDLE;
}

/**
 * posix_cputimers_init_work - Set up deferred expiry for the boot task
 *
 * Context: Early boot, the boot CPU's idle task.
 */
void __init posix_cputimers_init_work(void)
{
	clear_posix_cputimers_work(current);
}
