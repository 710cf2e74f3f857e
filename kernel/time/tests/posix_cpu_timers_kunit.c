// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit test of POSIX CPU timer expiry
 *
 * The thread which runs a case plays the task whose timers expire. It never
 * returns to user space, so it runs its task work by itself. Its timers are of
 * the kind that clock_nanosleep() uses: they wake up a task, which here is awake
 * already, and need no signal.
 *
 * No case waits for CPU time to pass unless it is about that: a timer is set for
 * the far future and then made due, see make_due(). The real tick goes on and
 * sees due timers as well. Cases therefore either keep it out with disabled
 * interrupts or assert what holds with and without it.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/posix-timers.h>
#include <linux/sched/cputime.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/task_work.h>
#include <linux/tick.h>

#include "../posix-cpu-timers-defer.h"
#include "../posix-timers.h"

#define THREAD_SCHED	make_thread_cpuclock(0, CPUCLOCK_SCHED)
#define PROCESS_SCHED	make_process_cpuclock(0, CPUCLOCK_SCHED)

/* Long enough for any machine. A case which waits this long has failed. */
#define PATIENCE	(10 * HZ)

/* For what happens within ticks, while a CPU is kept spinning. */
#define SPIN_PATIENCE	(2 * HZ)

/* ----- Timers ----- */

struct test_timers {
	unsigned int	nr;
	struct k_itimer	*timer;
};

static void set_timer(struct k_itimer *timer, u64 expires)
{
	struct itimerspec64 its = { .it_value = ns_to_timespec64(expires), };
	int ret;

	do {
		spin_lock_irq(&timer->it_lock);
		ret = clock_posix_cpu.timer_set(timer, TIMER_ABSTIME, &its, NULL);
		spin_unlock_irq(&timer->it_lock);
	} while (ret == TIMER_RETRY);
}

static void arm(struct k_itimer *timer)
{
	set_timer(timer, KTIME_MAX / 2);
}

static int try_delete(struct k_itimer *timer)
{
	unsigned long flags;
	int ret;

	spin_lock_irqsave(&timer->it_lock, flags);
	ret = clock_posix_cpu.timer_del(timer);
	spin_unlock_irqrestore(&timer->it_lock, flags);
	return ret;
}

static void delete_timer(struct k_itimer *timer)
{
	while (try_delete(timer) == TIMER_RETRY) {
		rcu_read_lock();
		pct_defer_wait(timer);
		rcu_read_unlock();
	}
}

/* In another thread, when that of the case has ended or is about to */
static void delete_timers(void *data)
{
	struct test_timers *timers = data;
	unsigned int i;

	for (i = 0; i < timers->nr; i++)
		delete_timer(&timers->timer[i]);
}

static int init_timer(struct k_itimer *timer, clockid_t clock)
{
	spin_lock_init(&timer->it_lock);
	timer->it_clock = clock;
	timer->it_overrun = -1;
	timer->it_process = current;
	timer->it.cpu.nanosleep = true;
	return clock_posix_cpu.timer_create(timer);
}

/* Timers on one clock of this thread, set for the far future. */
static struct k_itimer *new_timers(struct kunit *test, clockid_t clock, unsigned int nr)
{
	struct test_timers *timers = kunit_kzalloc(test, sizeof(*timers), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, timers);
	timers->timer = kunit_kcalloc(test, nr, sizeof(*timers->timer), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, timers->timer);

	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, delete_timers, timers));
	for (i = 0; i < nr; i++) {
		KUNIT_ASSERT_EQ(test, 0, init_timer(&timers->timer[i], clock));
		timers->nr++;
		arm(&timers->timer[i]);
	}
	return timers->timer;
}

static struct posix_cputimer_base *base_of(struct k_itimer *timer)
{
	int clkid = CPUCLOCK_WHICH(timer->it_clock);

	return CPUCLOCK_PERTHREAD(timer->it_clock) ?
		&current->posix_cputimers.bases[clkid] :
		&current->signal->posix_cputimers.bases[clkid];
}

/* Time 0 has passed on every clock, even on one which never advances. */
static void make_due(struct k_itimer *timer, unsigned int nr)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&current->sighand->siglock, flags);
	for (i = 0; i < nr; i++, timer++) {
		struct cpu_timer *ctmr = &timer->it.cpu;

		cpu_timer_dequeue(ctmr);
		cpu_timer_setexpires(ctmr, 0);
		cpu_timer_enqueue(&base_of(timer)->tqhead, ctmr);
		base_of(timer)->nextevt = 0;
	}
	spin_unlock_irqrestore(&current->sighand->siglock, flags);
}

static bool fired(const struct k_itimer *timer)
{
	return READ_ONCE(timer->it_status) == POSIX_TIMER_DISARMED;
}

static unsigned int count_fired(const struct k_itimer *timer, unsigned int nr)
{
	unsigned int i, n = 0;

	for (i = 0; i < nr; i++)
		n += fired(&timer[i]);
	return n;
}

/* ----- The two contexts ----- */

static void tick(bool user_tick)
{
	unsigned long flags;

	local_irq_save(flags);
	run_posix_cpu_timers(user_tick);
	local_irq_restore(flags);
}

/*
 * While timers are made due and collected. PREEMPT_RT cannot take their locks
 * then, and need not: there, no tick expires anything by itself.
 */
static void keep_tick_out(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_disable();
}

static void let_tick_in(void)
{
	if (!IS_ENABLED(CONFIG_PREEMPT_RT))
		local_irq_enable();
}

static void return_to_user(void)
{
	task_work_run();
}

static bool collect(struct list_head *firing, struct pct_pass *pass)
{
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&current->sighand->siglock, flags);
	more = pct_collect(current, firing, pass);
	spin_unlock_irqrestore(&current->sighand->siglock, flags);
	return more;
}

/* Locks of timers are not taken with interrupts enabled if the tick takes them. */
static void fire(struct list_head *firing)
{
	if (!IS_ENABLED(CONFIG_POSIX_CPU_TIMERS_TASK_WORK))
		local_irq_disable();
	pct_fire(firing);
	if (!IS_ENABLED(CONFIG_POSIX_CPU_TIMERS_TASK_WORK))
		local_irq_enable();
}

/* ----- What is due ----- */

static void pct_test_nothing_to_expire(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, pct_expired(current));
	tick(true);
	KUNIT_EXPECT_PTR_EQ(test, NULL, READ_ONCE(current->task_works));
}

static void pct_test_not_early(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 1);
	struct pct_pass pass = { .budget = 1, };
	LIST_HEAD(firing);

	KUNIT_EXPECT_FALSE(test, pct_expired(current));
	KUNIT_EXPECT_FALSE(test, collect(&firing, &pass));
	fire(&firing);
	KUNIT_EXPECT_FALSE(test, fired(timer));
	KUNIT_EXPECT_EQ(test, (u64)(KTIME_MAX / 2), base_of(timer)->nextevt);
}

static const struct pct_clock_param {
	const char	*name;
	clockid_t	which;
} pct_clock_params[] = {
	{ "thread PROF",   CPUCLOCK_PROF | CPUCLOCK_PERTHREAD_MASK, },
	{ "thread VIRT",   CPUCLOCK_VIRT | CPUCLOCK_PERTHREAD_MASK, },
	{ "thread SCHED",  CPUCLOCK_SCHED | CPUCLOCK_PERTHREAD_MASK, },
	{ "process PROF",  CPUCLOCK_PROF, },
	{ "process VIRT",  CPUCLOCK_VIRT, },
	{ "process SCHED", CPUCLOCK_SCHED, },
};

KUNIT_ARRAY_PARAM_DESC(pct_clock, pct_clock_params, name);

static void pct_test_every_clock(struct kunit *test)
{
	const struct pct_clock_param *param = test->param_value;
	clockid_t clock = make_process_cpuclock(0, param->which);
	struct k_itimer *timer = new_timers(test, clock, 2);

	make_due(timer, 1);
	tick(true);
	return_to_user();
	KUNIT_EXPECT_TRUE(test, fired(&timer[0]));
	KUNIT_EXPECT_FALSE(test, fired(&timer[1]));
	/* The cache is for the one that is left */
	KUNIT_EXPECT_EQ(test, (u64)(KTIME_MAX / 2), base_of(timer)->nextevt);
}

/* The release of a task must not race with its last tick, CVE-2025-38352. */
static void pct_test_exit_state_excludes(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 1);
	struct callback_head *before, *after;
	unsigned long flags;
	u64 nextevt;

	local_irq_save(flags);
	current->exit_state = EXIT_ZOMBIE;
	base_of(timer)->nextevt = 0;
	before = current->task_works;
	run_posix_cpu_timers(true);
	after = current->task_works;
	nextevt = base_of(timer)->nextevt;
	current->exit_state = 0;
	local_irq_restore(flags);

	KUNIT_EXPECT_PTR_EQ(test, before, after);
	KUNIT_EXPECT_EQ(test, 0, nextevt);
	tick(true);
	return_to_user();
}

static void pct_test_process_expiry_active_excludes(struct kunit *test)
{
	struct posix_cputimers *pct = &current->signal->posix_cputimers;
	struct k_itimer *timer = new_timers(test, PROCESS_SCHED, 1);
	struct pct_pass pass = { .budget = 1, };
	LIST_HEAD(firing);

	pct->expiry_active = true;
	make_due(timer, 1);
	KUNIT_EXPECT_FALSE(test, pct_expired(current));
	KUNIT_EXPECT_FALSE(test, collect(&firing, &pass));
	KUNIT_EXPECT_TRUE(test, list_empty(&firing));

	pct->expiry_active = false;
	pass = (struct pct_pass){ .budget = 1, };
	collect(&firing, &pass);
	fire(&firing);
	tick(true);
	return_to_user();
	KUNIT_EXPECT_TRUE(test, fired(timer));
	KUNIT_EXPECT_FALSE(test, pct->expiry_active);
}

/* ----- Collecting ----- */

static const struct pct_budget_param {
	const char	*name;
	unsigned int	nr;
	bool		more;
	unsigned int	collected;
} pct_budget_params[] = {
	{ "one less",	PCT_TICK_BUDGET - 1, false, PCT_TICK_BUDGET - 1, },
	{ "as many",	PCT_TICK_BUDGET,     false, PCT_TICK_BUDGET, },
	{ "one more",	PCT_TICK_BUDGET + 1, true,  PCT_TICK_BUDGET, },
	{ "two more",	PCT_TICK_BUDGET + 2, true,  PCT_TICK_BUDGET, },
};

KUNIT_ARRAY_PARAM_DESC(pct_budget, pct_budget_params, name);

static void pct_test_collect_boundary(struct kunit *test)
{
	const struct pct_budget_param *param = test->param_value;
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, param->nr);
	struct pct_pass pass = { .budget = PCT_TICK_BUDGET, };
	LIST_HEAD(firing);
	u64 nextevt;
	bool more;

	/* Without deferral, a real tick would collect what the budget leaves */
	keep_tick_out();
	make_due(timer, param->nr);
	more = collect(&firing, &pass);
	nextevt = base_of(timer)->nextevt;
	let_tick_in();

	KUNIT_EXPECT_EQ(test, param->more, more);
	KUNIT_EXPECT_EQ(test, param->collected, (unsigned int)list_count_nodes(&firing));
	/* What is left keeps the cache in the past, so that ticks see it */
	KUNIT_EXPECT_EQ(test, param->more, nextevt == 0);
	fire(&firing);
}

/* Many batches of one pass: nothing is lost or collected twice. */
static void pct_test_small_batches(struct kunit *test)
{
	const unsigned int nr = 50;
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, nr);
	struct pct_pass pass = { .budget = 7, };
	unsigned int batches = 0;
	LIST_HEAD(firing);
	bool more;

	if (!IS_ENABLED(CONFIG_POSIX_CPU_TIMERS_TASK_WORK))
		kunit_skip(test, "the tick expires what a batch leaves");

	make_due(timer, nr);
	do {
		more = collect(&firing, &pass);
		KUNIT_EXPECT_LE(test, list_count_nodes(&firing), 7);
		fire(&firing);
		batches++;
	} while (more && batches < nr);

	KUNIT_EXPECT_EQ(test, DIV_ROUND_UP(nr, 7), batches);
	KUNIT_EXPECT_EQ(test, nr, count_fired(timer, nr));
}

static void pct_test_collect_in_order(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 3), *pos;
	struct pct_pass pass = { .budget = 3, };
	u64 last = 0;
	unsigned long flags;
	LIST_HEAD(firing);
	int i;

	spin_lock_irqsave(&current->sighand->siglock, flags);
	for (i = 0; i < 3; i++) {
		struct cpu_timer *ctmr = &timer[i].it.cpu;

		cpu_timer_dequeue(ctmr);
		cpu_timer_setexpires(ctmr, 3 - i);
		cpu_timer_enqueue(&base_of(timer)->tqhead, ctmr);
	}
	pct_collect(current, &firing, &pass);
	spin_unlock_irqrestore(&current->sighand->siglock, flags);

	list_for_each_entry(pos, &firing, it.cpu.elist) {
		KUNIT_EXPECT_LT(test, last, cpu_timer_getexpires(&pos->it.cpu));
		last = cpu_timer_getexpires(&pos->it.cpu);
	}
	KUNIT_EXPECT_EQ(test, 3, list_count_nodes(&firing));
	fire(&firing);
}

/* What is set during a pass is not part of it, or passes might never end. */
static void pct_test_pass_has_one_time(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 2);
	struct pct_pass pass = { .budget = 1, };
	LIST_HEAD(firing);
	u64 ahead = NSEC_PER_MSEC, expires;

	if (!IS_ENABLED(CONFIG_POSIX_CPU_TIMERS_TASK_WORK))
		kunit_skip(test, "a pass is one batch");

	make_due(timer, 1);
	collect(&firing, &pass);
	fire(&firing);

	/* A timer whose time has passed when it is set is not queued */
	do {
		expires = task_sched_runtime(current) + ahead;
		set_timer(&timer[1], expires);
		ahead *= 2;
	} while (!cpu_timer_queued(&timer[1].it.cpu));
	while (task_sched_runtime(current) < expires)
		cpu_relax();
	KUNIT_EXPECT_TRUE(test, pct_expired(current));

	KUNIT_EXPECT_FALSE(test, collect(&firing, &pass));
	KUNIT_EXPECT_TRUE(test, list_empty(&firing));

	/* The cache tells the next tick about it */
	KUNIT_EXPECT_TRUE(test, pct_expired(current));
	tick(true);
	return_to_user();
	KUNIT_EXPECT_TRUE(test, fired(&timer[1]));
}

/* ----- Timers on the firing list ----- */

static void pct_test_del_while_firing(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 2);
	struct pct_pass pass = { .budget = 2, };
	LIST_HEAD(firing);

	keep_tick_out();
	make_due(timer, 2);
	collect(&firing, &pass);
	let_tick_in();

	KUNIT_EXPECT_TRUE(test, timer->it.cpu.firing);
	KUNIT_EXPECT_EQ(test, TIMER_RETRY, try_delete(timer));
	KUNIT_EXPECT_FALSE(test, timer->it.cpu.firing);

	fire(&firing);
	KUNIT_EXPECT_FALSE(test, fired(&timer[0]));
	KUNIT_EXPECT_TRUE(test, fired(&timer[1]));
	KUNIT_EXPECT_TRUE(test, list_empty(&timer->it.cpu.elist));
	KUNIT_EXPECT_PTR_EQ(test, NULL, rcu_access_pointer(timer->it.cpu.handling));
}

static void pct_test_set_while_firing(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 1);
	struct itimerspec64 its = { .it_value.tv_sec = 1000000, }, old;
	struct pct_pass pass = { .budget = 1, };
	LIST_HEAD(firing);

	keep_tick_out();
	make_due(timer, 1);
	collect(&firing, &pass);
	let_tick_in();

	spin_lock_irq(&timer->it_lock);
	KUNIT_EXPECT_EQ(test, TIMER_RETRY,
			clock_posix_cpu.timer_set(timer, 0, &its, &old));
	spin_unlock_irq(&timer->it_lock);

	fire(&firing);
	KUNIT_EXPECT_FALSE(test, fired(timer));

	set_timer(timer, KTIME_MAX / 2);
	KUNIT_EXPECT_TRUE(test, cpu_timer_queued(&timer->it.cpu));
}

/* ----- Itimers and limits ----- */

/*
 * Every case has a process of its own, so limits need no cleaning up. An itimer
 * which expires at once and then never again:
 */
static void set_itimer(int clkid)
{
	struct signal_struct *sig = current->signal;
	u64 now = KTIME_MAX / 4;
	unsigned long flags;

	spin_lock_irqsave(&current->sighand->siglock, flags);
	/* Starts the accounting of the process */
	set_process_cpu_timer(current, clkid, &now, NULL);
	sig->it[clkid].incr = KTIME_MAX / 2;
	sig->it[clkid].expires = 1;
	/* This clock does not advance in the kernel */
	if (clkid == CPUCLOCK_VIRT)
		atomic64_set(&sig->cputimer.cputime_atomic.utime, 1);
	sig->posix_cputimers.bases[clkid].nextevt = 0;
	spin_unlock_irqrestore(&current->sighand->siglock, flags);
}

static bool itimer_has_expired(int clkid)
{
	return READ_ONCE(current->signal->it[clkid].expires) > 1;
}

static bool wait_for_itimer(int clkid)
{
	unsigned long end = jiffies + PATIENCE;

	while (!itimer_has_expired(clkid)) {
		if (time_after(jiffies, end))
			return false;
		msleep(20);
	}
	return true;
}

static void pct_test_itimer_nextevt(struct kunit *test)
{
	struct posix_cputimers *pct = &current->signal->posix_cputimers;
	int clkid;

	for (clkid = CPUCLOCK_PROF; clkid <= CPUCLOCK_VIRT; clkid++) {
		atomic64_set(&current->signal->cputimer.cputime_atomic.stime, 1);
		set_itimer(clkid);
		tick(true);
		return_to_user();
		KUNIT_EXPECT_TRUE(test, itimer_has_expired(clkid));
		KUNIT_EXPECT_EQ(test, current->signal->it[clkid].expires,
				pct->bases[clkid].nextevt);
	}
}

static void pct_test_rlimit_soft_bumps(struct kunit *test)
{
	struct signal_struct *sig = current->signal;
	u64 nsecs = 0;
	unsigned long flags;

	spin_lock_irqsave(&current->sighand->siglock, flags);
	sig->rlim[RLIMIT_CPU].rlim_cur = 0;
	set_process_cpu_timer(current, CPUCLOCK_PROF, &nsecs, NULL);
	spin_unlock_irqrestore(&current->sighand->siglock, flags);

	tick(true);
	return_to_user();
	/* SIGXCPU comes again in a second */
	KUNIT_EXPECT_EQ(test, 1, sig->rlim[RLIMIT_CPU].rlim_cur);
	KUNIT_EXPECT_EQ(test, NSEC_PER_SEC,
			sig->posix_cputimers.bases[CPUCLOCK_PROF].nextevt);
}

static const struct pct_mode_param {
	const char	*name;
	bool		user_tick;
	unsigned int	flags;		/* of the task */
	bool		at_once;	/* without task work */
} pct_mode_params[] = {
	{ "in the kernel",	.at_once = true, },
	{ "in user space",	.user_tick = true, },
	{ "in a guest",		.flags = PF_VCPU, },
	{ "dumping core",	.flags = PF_DUMPCORE, },
};

KUNIT_ARRAY_PARAM_DESC(pct_mode, pct_mode_params, name);

/* The mode table: who sends the signal of an itimer. */
static void pct_test_limit_mode(struct kunit *test)
{
	const struct pct_mode_param *param = test->param_value;
	bool at_once = param->at_once || !IS_ENABLED(CONFIG_POSIX_CPU_TIMERS_TASK_WORK);
	unsigned long flags;
	bool expired;

	atomic64_set(&current->signal->cputimer.cputime_atomic.stime, 1);

	if (IS_ENABLED(CONFIG_PREEMPT_RT)) {
		if (!at_once)
			kunit_skip(test, "a real tick in the kernel cannot be kept out");
		set_itimer(CPUCLOCK_PROF);
		tick(param->user_tick);
		KUNIT_EXPECT_TRUE(test, wait_for_itimer(CPUCLOCK_PROF));
		return;
	}

	local_irq_save(flags);
	set_itimer(CPUCLOCK_PROF);
	current->flags |= param->flags;
	run_posix_cpu_timers(param->user_tick);
	current->flags &= ~param->flags;
	expired = itimer_has_expired(CPUCLOCK_PROF);
	local_irq_restore(flags);

	KUNIT_EXPECT_EQ(test, at_once, expired);
	return_to_user();
	KUNIT_EXPECT_TRUE(test, itimer_has_expired(CPUCLOCK_PROF));
}

/* ----- Tick dependency ----- */

#ifdef CONFIG_NO_HZ_FULL
static bool thread_needs_tick(void)
{
	return atomic_read(&current->tick_dep_mask) & TICK_DEP_MASK_POSIX_TIMER;
}

static void pct_test_tick_dependency(struct kunit *test)
{
	struct k_itimer *timer;

	if (!tick_nohz_full_enabled())
		kunit_skip(test, "no nohz_full= CPU");

	KUNIT_EXPECT_FALSE(test, thread_needs_tick());
	timer = new_timers(test, THREAD_SCHED, 1);
	KUNIT_EXPECT_TRUE(test, thread_needs_tick());
	make_due(timer, 1);
	tick(true);
	return_to_user();
	KUNIT_EXPECT_TRUE(test, fired(timer));
	KUNIT_EXPECT_FALSE(test, thread_needs_tick());
}

static void pct_test_inherited_limit_needs_tick(struct kunit *test)
{
	struct signal_struct *sig = kunit_kzalloc(test, sizeof(*sig), GFP_KERNEL);

	if (!tick_nohz_full_enabled())
		kunit_skip(test, "no nohz_full= CPU");

	KUNIT_ASSERT_NOT_NULL(test, sig);
	posix_cputimers_group_init(&sig->posix_cputimers, RLIM_INFINITY);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&sig->tick_dep_mask));

	posix_cputimers_group_init(&sig->posix_cputimers, 5);
	KUNIT_EXPECT_EQ(test, TICK_DEP_MASK_POSIX_TIMER, atomic_read(&sig->tick_dep_mask));
}
#endif

static void pct_test_inherited_limit(struct kunit *test)
{
	struct signal_struct *sig = kunit_kzalloc(test, sizeof(*sig), GFP_KERNEL);
	struct posix_cputimers *pct;

	KUNIT_ASSERT_NOT_NULL(test, sig);
	pct = &sig->posix_cputimers;

	posix_cputimers_group_init(pct, RLIM_INFINITY);
	KUNIT_EXPECT_FALSE(test, pct->timers_active);
	KUNIT_EXPECT_EQ(test, U64_MAX, pct->bases[CPUCLOCK_PROF].nextevt);

	posix_cputimers_group_init(pct, 5);
	KUNIT_EXPECT_TRUE(test, pct->timers_active);
	KUNIT_EXPECT_EQ(test, 5ULL * NSEC_PER_SEC, pct->bases[CPUCLOCK_PROF].nextevt);
}

#ifdef CONFIG_POSIX_CPU_TIMERS_TASK_WORK
/* ----- Deferred: the state of the work ----- */

static unsigned int defer_state(void)
{
	return READ_ONCE(current->posix_cputimers_work.state);
}

static unsigned int times_queued(void)
{
	struct callback_head *work;
	unsigned int n = 0;

	for (work = READ_ONCE(current->task_works); work; work = work->next)
		n += work == &current->posix_cputimers_work.work;
	return n;
}

static void pct_test_init_clears_inherited(struct kunit *test)
{
	struct task_struct *p = kunit_kzalloc(test, sizeof(*p), GFP_KERNEL);
	struct posix_cputimers_work *cw;

	KUNIT_ASSERT_NOT_NULL(test, p);
	cw = &p->posix_cputimers_work;
	memset(cw, 0xa5, sizeof(*cw));

	clear_posix_cputimers_work(p);
	KUNIT_EXPECT_EQ(test, PCT_DEFER_IDLE, cw->state);
	KUNIT_EXPECT_PTR_EQ(test, NULL, cw->work.next);
	KUNIT_EXPECT_PTR_EQ(test, current->posix_cputimers_work.work.func, cw->work.func);
	KUNIT_EXPECT_FALSE(test, mutex_is_locked(&cw->mutex));
}

static void pct_test_boot_task_initialized(struct kunit *test)
{
	struct posix_cputimers_work *cw = &init_task.posix_cputimers_work;

	KUNIT_EXPECT_EQ(test, PCT_DEFER_IDLE, cw->state);
	KUNIT_EXPECT_PTR_EQ(test, current->posix_cputimers_work.work.func, cw->work.func);
}

static void pct_test_queued_once(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 1);

	KUNIT_EXPECT_EQ(test, 0, times_queued());
	make_due(timer, 1);
	tick(true);
	KUNIT_EXPECT_EQ(test, PCT_DEFER_QUEUED, defer_state());
	KUNIT_EXPECT_EQ(test, 1, times_queued());
	KUNIT_EXPECT_FALSE(test, fired(timer));

	tick(true);
	tick(false);
	KUNIT_EXPECT_EQ(test, PCT_DEFER_QUEUED, defer_state());
	KUNIT_EXPECT_EQ(test, 1, times_queued());
	KUNIT_EXPECT_FALSE(test, fired(timer));
	return_to_user();
}

static void pct_test_work_fires_and_reenables(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 1);
	int round;

	for (round = 0; round < 3; round++) {
		arm(timer);
		make_due(timer, 1);
		tick(true);
		return_to_user();
		KUNIT_EXPECT_TRUE(test, fired(timer));
		KUNIT_EXPECT_EQ(test, PCT_DEFER_IDLE, defer_state());
		KUNIT_EXPECT_FALSE(test, pct_expired(current));
	}
}

static void pct_test_drain_in_one_run(struct kunit *test)
{
	const unsigned int nr = 1000;
	struct k_itimer *thread = new_timers(test, THREAD_SCHED, nr);
	struct k_itimer *process = new_timers(test, PROCESS_SCHED, nr);

	make_due(thread, nr);
	make_due(process, nr);
	tick(true);
	return_to_user();
	KUNIT_EXPECT_EQ(test, nr, count_fired(thread, nr));
	KUNIT_EXPECT_EQ(test, nr, count_fired(process, nr));
	KUNIT_EXPECT_EQ(test, PCT_DEFER_IDLE, defer_state());
}

static void pct_test_batch_budget(struct kunit *test)
{
	const u64 long_time = 2 * PCT_BATCH_NS, short_time = PCT_BATCH_NS / 4;

	KUNIT_EXPECT_EQ(test, 16, pct_defer_next_budget(32, long_time));
	KUNIT_EXPECT_EQ(test, 1, pct_defer_next_budget(1, long_time));
	KUNIT_EXPECT_EQ(test, 2, pct_defer_next_budget(1, short_time));
	KUNIT_EXPECT_EQ(test, PCT_BATCH_MAX, pct_defer_next_budget(PCT_BATCH_MAX, short_time));
	KUNIT_EXPECT_EQ(test, 32, pct_defer_next_budget(32, PCT_BATCH_NS));
	KUNIT_EXPECT_EQ(test, 1, pct_defer_next_budget(1, U64_MAX));
}

/*
 * A tick that finds the work running asks it to look again, whatever the tick
 * can see: expiry_active hides the timers of the process from it.
 */
static void pct_test_tick_while_running(struct kunit *test)
{
	struct posix_cputimers *pct = &current->signal->posix_cputimers;
	unsigned int first, second, queued;
	unsigned long flags;

	local_irq_save(flags);
	current->posix_cputimers_work.state = PCT_DEFER_RUNNING;
	pct->expiry_active = true;
	run_posix_cpu_timers(true);
	first = defer_state();
	pct->expiry_active = false;

	run_posix_cpu_timers(true);
	second = defer_state();
	queued = times_queued();
	current->posix_cputimers_work.state = PCT_DEFER_IDLE;
	local_irq_restore(flags);

	KUNIT_EXPECT_EQ(test, PCT_DEFER_AGAIN, first);
	KUNIT_EXPECT_EQ(test, PCT_DEFER_AGAIN, second);
	KUNIT_EXPECT_EQ(test, 0, queued);
}

/* ----- Deferred: with other threads ----- */

struct test_thread {
	struct task_struct	*tsk;	/* the thread of the case */
	struct k_itimer		*timer;
	struct completion	started;
	struct completion	done;
	unsigned int		passes;
	bool			stop;
	bool			result;
};

static void init_test_thread(struct test_thread *tt, struct k_itimer *timer)
{
	*tt = (struct test_thread){ .tsk = current, .timer = timer, };
	init_completion(&tt->started);
	init_completion(&tt->done);
}

/*
 * Start a thread on another CPU than this one, which stays where it is. It can
 * then keep this one spinning for a lock.
 */
static void start_on_other_cpu(struct kunit *test, int (*fn)(void *data),
			       struct test_thread *tt)
{
	unsigned int here, there;
	struct task_struct *tsk;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "waiting for a lock takes no CPU time");

	here = get_cpu();
	put_cpu();
	there = cpumask_any_but(cpu_active_mask, here);
	if (there >= nr_cpu_ids || set_cpus_allowed_ptr(current, cpumask_of(here)))
		kunit_skip(test, "needs two CPUs");

	tsk = kthread_create(fn, tt, "pct_kunit_other");
	KUNIT_ASSERT_FALSE(test, IS_ERR(tsk));
	kthread_bind(tsk, there);
	wake_up_process(tsk);
	wait_for_completion(&tt->started);
}

/*
 * Wait, with the lock of a timer held that is being delivered, until a tick has
 * hit the delivery and another timer has expired.
 */
static bool wait_for_tick(struct test_thread *tt, u64 expires)
{
	unsigned long end = jiffies + SPIN_PATIENCE;

	while (READ_ONCE(tt->tsk->posix_cputimers_work.state) != PCT_DEFER_AGAIN ||
	       task_sched_runtime(tt->tsk) < expires) {
		if (READ_ONCE(tt->stop) || time_after(jiffies, end))
			return false;
		cpu_relax();
	}
	return true;
}

static int hold_timer_fn(void *data)
{
	struct test_thread *tt = data;
	struct k_itimer *timer = tt->timer;

	spin_lock(&timer[0].it_lock);
	complete(&tt->started);
	tt->result = wait_for_tick(tt, cpu_timer_getexpires(&timer[1].it.cpu));
	spin_unlock(&timer[0].it_lock);
	complete(&tt->done);
	return 0;
}

/*
 * A tick comes while the work is busy delivering one timer and another expires.
 * The run that is under way must take care of it.
 */
static void pct_test_tick_during_delivery(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 2);
	struct test_thread tt;

	init_test_thread(&tt, timer);
	set_timer(&timer[1], task_sched_runtime(current) + 5 * TICK_NSEC);
	start_on_other_cpu(test, hold_timer_fn, &tt);

	make_due(timer, 1);
	tick(true);
	return_to_user();

	KUNIT_EXPECT_TRUE(test, fired(&timer[0]));
	KUNIT_EXPECT_TRUE(test, fired(&timer[1]));
	wait_for_completion(&tt.done);
	KUNIT_EXPECT_TRUE(test, tt.result);
}

/*
 * Keep two timers expiring in turn: whichever is being delivered waits until the
 * other has expired and a tick has come. Every pass of the work finds one more.
 */
static int endless_timers_fn(void *data)
{
	struct test_thread *tt = data;
	struct k_itimer *held = &tt->timer[0], *next = &tt->timer[1];

	/* Either lock is taken while the other is held, but by this thread only */
	lockdep_off();
	spin_lock(&held->it_lock);
	complete(&tt->started);
	for (tt->passes = 0; tt->passes < 3 * PCT_DEFER_PASSES; tt->passes++) {
		u64 expires = task_sched_runtime(tt->tsk) + NSEC_PER_MSEC;
		struct itimerspec64 its = { .it_value = ns_to_timespec64(expires), };

		spin_lock(&next->it_lock);
		clock_posix_cpu.timer_set(next, TIMER_ABSTIME, &its, NULL);
		if (!wait_for_tick(tt, expires)) {
			spin_unlock(&next->it_lock);
			break;
		}
		spin_unlock(&held->it_lock);
		swap(held, next);
	}
	spin_unlock(&held->it_lock);
	lockdep_on();
	complete(&tt->done);
	return 0;
}

/* The run ends all the same, and the next tick goes on with what is left. */
static void pct_test_passes_are_limited(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 2);
	unsigned long end = jiffies + PATIENCE;
	struct test_thread tt;

	init_test_thread(&tt, timer);
	start_on_other_cpu(test, endless_timers_fn, &tt);

	make_due(timer, 1);
	tick(true);
	return_to_user();
	WRITE_ONCE(tt.stop, true);
	wait_for_completion(&tt.done);

	/* On a slow machine one tick may be counted for two passes */
	KUNIT_EXPECT_GE(test, tt.passes, 2);
	KUNIT_EXPECT_LT(test, tt.passes, 3 * PCT_DEFER_PASSES);
	while (count_fired(timer, 2) < 2 && time_before(jiffies, end)) {
		tick(true);
		return_to_user();
	}
	KUNIT_EXPECT_EQ(test, 2, count_fired(timer, 2));
}

static int wait_fn(void *data)
{
	struct test_thread *tt = data;

	complete(&tt->started);
	rcu_read_lock();
	pct_defer_wait(tt->timer);
	rcu_read_unlock();
	complete(&tt->done);
	return 0;
}

static void pct_test_wait_blocks_on_mutex(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 1);
	struct task_struct *waiter;
	struct test_thread tt;

	init_test_thread(&tt, timer);
	mutex_lock(&current->posix_cputimers_work.mutex);
	rcu_assign_pointer(timer->it.cpu.handling, current);

	waiter = kthread_run(wait_fn, &tt, "pct_kunit_wait");
	if (!IS_ERR(waiter)) {
		wait_for_completion(&tt.started);
		/* Too short to be sure, but never wrong */
		msleep(50);
		KUNIT_EXPECT_FALSE(test, completion_done(&tt.done));
	}

	RCU_INIT_POINTER(timer->it.cpu.handling, NULL);
	mutex_unlock(&current->posix_cputimers_work.mutex);
	KUNIT_ASSERT_FALSE(test, IS_ERR(waiter));
	wait_for_completion(&tt.done);
}

static void pct_test_wait_for_nobody(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 1);

	/* Would deadlock if it took the mutex */
	mutex_lock(&current->posix_cputimers_work.mutex);
	rcu_read_lock();
	pct_defer_wait(timer);
	rcu_read_unlock();

	spin_lock_irq(&timer->it_lock);
	pct_defer_wait_nanosleep(timer);
	spin_unlock_irq(&timer->it_lock);
	mutex_unlock(&current->posix_cputimers_work.mutex);
}

static int rearm_fn(void *data)
{
	struct test_thread *tt = data;

	complete(&tt->started);
	while (!READ_ONCE(tt->stop)) {
		int i;

		for (i = 0; i < 2 * PCT_BATCH_MAX; i++)
			set_timer(&tt->timer[i],
				  task_sched_runtime(tt->tsk) + 5 * NSEC_PER_USEC);
		cond_resched();
	}
	complete(&tt->done);
	return 0;
}

/*
 * Another thread sets the timers as fast as they expire. Nothing to count, but
 * every run has to end, and lockdep and KASAN are watching.
 */
static void pct_test_rearm_storm(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 2 * PCT_BATCH_MAX);
	struct task_struct *rearmer;
	struct test_thread tt;
	int i;

	init_test_thread(&tt, timer);
	rearmer = kthread_run(rearm_fn, &tt, "pct_kunit_rearm");
	KUNIT_ASSERT_FALSE(test, IS_ERR(rearmer));
	wait_for_completion(&tt.started);

	for (i = 0; i < 50; i++) {
		tick(true);
		return_to_user();
		cond_resched();
	}

	WRITE_ONCE(tt.stop, true);
	wait_for_completion(&tt.done);
}

/* ----- Deferred: beginning and end of a task ----- */

static int child_fn(void *data)
{
	struct test_thread *tt = data;

	tt->result = defer_state() == PCT_DEFER_IDLE && !times_queued() &&
		     !mutex_is_locked(&current->posix_cputimers_work.mutex);
	complete(&tt->done);
	kthread_exit(0);
}

/* Fork while the work is queued, commit ca7752caeaa7. */
static void pct_test_fork_while_queued(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 1);
	struct test_thread tt;

	init_test_thread(&tt, timer);
	make_due(timer, 1);
	tick(true);
	KUNIT_ASSERT_EQ(test, PCT_DEFER_QUEUED, defer_state());

	KUNIT_ASSERT_GT(test, kernel_thread(child_fn, &tt, "pct_kunit_child",
					    CLONE_FS | CLONE_FILES | SIGCHLD), 0);
	wait_for_completion(&tt.done);
	KUNIT_EXPECT_TRUE(test, tt.result);
	return_to_user();
}

static int exit_fn(void *data)
{
	struct test_thread *tt = data;

	/* A timer of this thread */
	if (!init_timer(tt->timer, THREAD_SCHED)) {
		arm(tt->timer);
		make_due(tt->timer, 1);
		tick(true);
		tt->result = defer_state() == PCT_DEFER_QUEUED && !fired(tt->timer);
	}
	kthread_complete_and_exit(&tt->done, 0);
}

/* The work which is queued when a task exits is not lost. */
static void pct_test_exit_with_work_queued(struct kunit *test)
{
	struct k_itimer *timer = kunit_kzalloc(test, sizeof(*timer), GFP_KERNEL);
	unsigned long end = jiffies + PATIENCE;
	struct task_struct *exiting;
	struct test_thread tt;

	KUNIT_ASSERT_NOT_NULL(test, timer);
	init_test_thread(&tt, timer);
	exiting = kthread_run(exit_fn, &tt, "pct_kunit_exit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(exiting));
	wait_for_completion(&tt.done);
	KUNIT_ASSERT_TRUE(test, tt.result);

	while (!fired(timer) && time_before(jiffies, end))
		msleep(20);
	KUNIT_EXPECT_TRUE(test, fired(timer));
	delete_timer(timer);
}

#else /* !CONFIG_POSIX_CPU_TIMERS_TASK_WORK */
/* ----- Not deferred ----- */

static void pct_test_expires_in_tick(struct kunit *test)
{
	struct k_itimer *timer = new_timers(test, THREAD_SCHED, 1);
	bool expired, more;
	unsigned long flags;

	local_irq_save(flags);
	make_due(timer, 1);
	run_posix_cpu_timers(true);
	expired = fired(timer);
	more = pct_expired(current);
	local_irq_restore(flags);

	KUNIT_EXPECT_TRUE(test, expired);
	KUNIT_EXPECT_FALSE(test, more);
	KUNIT_EXPECT_PTR_EQ(test, NULL, READ_ONCE(current->task_works));
}

/* The length of the interrupt is bounded, per clock. */
static void pct_test_tick_budget(struct kunit *test)
{
	const unsigned int nr = 2 * PCT_TICK_BUDGET + 1;
	struct k_itimer *thread = new_timers(test, THREAD_SCHED, nr);
	struct k_itimer *process = new_timers(test, PROCESS_SCHED, nr);
	unsigned int of_thread[3], of_process[3], i;
	unsigned long flags;

	local_irq_save(flags);
	make_due(thread, nr);
	make_due(process, nr);
	for (i = 0; i < 3; i++) {
		run_posix_cpu_timers(true);
		of_thread[i] = count_fired(thread, nr);
		of_process[i] = count_fired(process, nr);
	}
	local_irq_restore(flags);

	for (i = 0; i < 3; i++) {
		unsigned int want = min(nr, (i + 1) * PCT_TICK_BUDGET);

		KUNIT_EXPECT_EQ(test, want, of_thread[i]);
		KUNIT_EXPECT_EQ(test, want, of_process[i]);
	}
}
#endif

static struct kunit_case pct_test_cases[] = {
	KUNIT_CASE(pct_test_nothing_to_expire),
	KUNIT_CASE(pct_test_not_early),
	KUNIT_CASE_PARAM(pct_test_every_clock, pct_clock_gen_params),
	KUNIT_CASE(pct_test_exit_state_excludes),
	KUNIT_CASE(pct_test_process_expiry_active_excludes),
	KUNIT_CASE_PARAM(pct_test_collect_boundary, pct_budget_gen_params),
	KUNIT_CASE(pct_test_small_batches),
	KUNIT_CASE(pct_test_collect_in_order),
	KUNIT_CASE(pct_test_pass_has_one_time),
	KUNIT_CASE(pct_test_del_while_firing),
	KUNIT_CASE(pct_test_set_while_firing),
	KUNIT_CASE(pct_test_itimer_nextevt),
	KUNIT_CASE(pct_test_rlimit_soft_bumps),
	KUNIT_CASE_PARAM(pct_test_limit_mode, pct_mode_gen_params),
	KUNIT_CASE(pct_test_inherited_limit),
#ifdef CONFIG_NO_HZ_FULL
	KUNIT_CASE(pct_test_tick_dependency),
	KUNIT_CASE(pct_test_inherited_limit_needs_tick),
#endif
#ifdef CONFIG_POSIX_CPU_TIMERS_TASK_WORK
	KUNIT_CASE(pct_test_init_clears_inherited),
	KUNIT_CASE(pct_test_boot_task_initialized),
	KUNIT_CASE(pct_test_queued_once),
	KUNIT_CASE(pct_test_work_fires_and_reenables),
	KUNIT_CASE(pct_test_drain_in_one_run),
	KUNIT_CASE(pct_test_batch_budget),
	KUNIT_CASE(pct_test_tick_while_running),
	KUNIT_CASE(pct_test_tick_during_delivery),
	KUNIT_CASE(pct_test_passes_are_limited),
	KUNIT_CASE(pct_test_wait_blocks_on_mutex),
	KUNIT_CASE(pct_test_wait_for_nobody),
	KUNIT_CASE(pct_test_rearm_storm),
	KUNIT_CASE(pct_test_fork_while_queued),
	KUNIT_CASE(pct_test_exit_with_work_queued),
#else
	KUNIT_CASE(pct_test_expires_in_tick),
	KUNIT_CASE(pct_test_tick_budget),
#endif
	{ }
};

static struct kunit_suite pct_test_suite = {
	.name		= "posix_cpu_timers",
	.test_cases	= pct_test_cases,
};

kunit_test_suite(pct_test_suite);

MODULE_DESCRIPTION("KUnit test of POSIX CPU timer expiry");
MODULE_LICENSE("GPL");
