// SPDX-License-Identifier: GPL-2.0
/*
 * Torture test for the timer wheel and the migration of its timers
 *
 * Thousands of timers, pinned and global, are armed, modified and deleted on all
 * CPUs and from all CPUs, by threads and by their own callbacks, while the threads
 * come and go, so that CPUs are idle for a while and busy for a while, and CPUs
 * go offline and online. Whatever else may upset timers (isolation, the sysctl)
 * is switched from user space meanwhile, see
 * tools/testing/selftests/timers/timer_migration_torture.sh.
 *
 * Every timer keeps a record of what it was last told, under a lock of its own:
 *
 *   tmt_arm()      the wheel takes the timer, and a record is pushed
 *   tmt_expired()  the callback takes the oldest record
 *   tmt_cancel()   the wheel gives the timer back, and the newest record goes
 *
 * There can be two records, because the callback of a timer which has just been
 * armed again may still be on its way to the lock. It cannot be three: a timer
 * whose callback runs stays on the base where it runs, so its next callback
 * comes afterwards. add_timer_on() is the exception, and only used when there is
 * no record.
 *
 * What makes the test fail:
 *
 *   lost    a record remains, but the timer is not pending and its callback does
 *           not come; or it is pending for longer than lost_secs after the end of
 *           its bucket, or comes only then
 *   early   the callback ran before the expiry that was asked for
 *   wrong   a pinned timer was queued or expired on another CPU than told, though
 *           its CPU did not go offline meanwhile
 *   twice   the callback ran, but there is no record for it
 *   stray   the timer is pending, but there is no record of it
 *
 * and a quiescent check in which armed = expired + cancelled + lost + pending is
 * not true. Late timers are counted and not judged: that depends on the machine.
 *
 * With the parameter busted=CLASS, one in busted_every arms is done wrong on
 * purpose. The test has to fail then, but for busted=late, which is only counted.
 *
 * Among thousands of timers, a CPU that sleeps too long for one of them is woken by
 * another before long. With the parameter sparse, each CPU has a few global timers
 * which arm themselves again, and there is nothing else: nobody wakes by chance,
 * and one that is forgotten is lost. A quiescent check would wake somebody, and ends
 * the game.
 */
#define pr_fmt(fmt) fmt

#include <linux/cleanup.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/cpumask.h>
#include <linux/hrtimer.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>
#include <linux/torture.h>

MODULE_DESCRIPTION("Torture test for the timer wheel and the migration of its timers");
MODULE_LICENSE("GPL");

static char *torture_type = "timer_migration";

static unsigned int timers = 512;
module_param(timers, uint, 0644);
MODULE_PARM_DESC(timers, "Number of timers for each possible CPU");

static unsigned int timeout_ms = 400;
module_param(timeout_ms, uint, 0644);
MODULE_PARM_DESC(timeout_ms, "Most timeouts are shorter, some up to eight times longer");

static bool sparse;
module_param(sparse, bool, 0644);
MODULE_PARM_DESC(sparse, "Global timers only, one worker which arms each once, then silence");

static unsigned int nworkers;
module_param(nworkers, uint, 0644);
MODULE_PARM_DESC(nworkers, "Number of worker threads, 0 for one for each online CPU");

static unsigned int late_ticks = 10;
module_param(late_ticks, uint, 0644);
MODULE_PARM_DESC(late_ticks, "Ticks after its expiry from which on a timer counts as late");

static unsigned int lost_secs = 10;
module_param(lost_secs, uint, 0644);
MODULE_PARM_DESC(lost_secs, "Seconds after the end of its bucket from which on a timer is lost");

static unsigned int check_ms = 2000;
module_param(check_ms, uint, 0644);
MODULE_PARM_DESC(check_ms, "Time between two quiescent checks");

static unsigned int onoff_holdoff;
module_param(onoff_holdoff, uint, 0644);
MODULE_PARM_DESC(onoff_holdoff, "Time after start before CPU hotplugs (jiffies)");

static unsigned int onoff_interval;
module_param(onoff_interval, uint, 0644);
MODULE_PARM_DESC(onoff_interval, "Time between CPU hotplugs (jiffies), 0 to disable");

static unsigned int shuffle_interval = 3;
module_param(shuffle_interval, uint, 0644);
MODULE_PARM_DESC(shuffle_interval, "Seconds between shuffles, 0 to disable");

static unsigned int stutter = 2;
module_param(stutter, uint, 0644);
MODULE_PARM_DESC(stutter, "Seconds to run and to halt the workers, 0 to disable");

static unsigned int busted_every = 100;
module_param(busted_every, uint, 0644);
MODULE_PARM_DESC(busted_every, "How many arms for one that is done wrong");

static int verbose;
module_param(verbose, int, 0644);
MODULE_PARM_DESC(verbose, "Enable verbose debugging printk()s");

/* What can be done wrong on purpose */
enum tmt_busted {
	BUSTED_NONE,
	BUSTED_LOST,
	BUSTED_STUCK,
	BUSTED_EARLY,
	BUSTED_WRONG,
	BUSTED_TWICE,
	BUSTED_STRAY,
	BUSTED_LATE,
};

static const char * const tmt_busted_names[] = {
	[BUSTED_NONE]	= "none",
	[BUSTED_LOST]	= "lost",
	[BUSTED_STUCK]	= "stuck",
	[BUSTED_EARLY]	= "early",
	[BUSTED_WRONG]	= "wrong",
	[BUSTED_TWICE]	= "twice",
	[BUSTED_STRAY]	= "stray",
	[BUSTED_LATE]	= "late",
};

static enum tmt_busted busted;

/* The counters of the report, in its order */
enum tmt_counter {
	TMT_ARMED,
	TMT_EXPIRED,
	TMT_CANCELLED,
	TMT_LOST,
	TMT_EARLY,
	TMT_WRONG,
	TMT_TWICE,
	TMT_STRAY,
	TMT_UNBALANCED,
	TMT_LATE,
	TMT_STALLED,
	TMT_REMOTE,
	TMT_MOVED,
	TMT_CHECKS,
	TMT_NR_COUNTERS
};

static const char * const tmt_counter_names[] = {
	[TMT_ARMED]		= "armed",
	[TMT_EXPIRED]		= "expired",
	[TMT_CANCELLED]		= "cancelled",
	[TMT_LOST]		= "lost",
	[TMT_EARLY]		= "early",
	[TMT_WRONG]		= "wrong",
	[TMT_TWICE]		= "twice",
	[TMT_STRAY]		= "stray",
	[TMT_UNBALANCED]	= "unbalanced",
	[TMT_LATE]		= "late",
	[TMT_STALLED]		= "stalled",
	[TMT_REMOTE]		= "remote",
	[TMT_MOVED]		= "moved",
	[TMT_CHECKS]		= "checks",
};

/* Those which make the test fail */
static const enum tmt_counter tmt_errors[] = {
	TMT_LOST, TMT_EARLY, TMT_WRONG, TMT_TWICE, TMT_STRAY, TMT_UNBALANCED,
};

struct tmt_stats {
	unsigned long	n[TMT_NR_COUNTERS];
};

static DEFINE_PER_CPU(struct tmt_stats, tmt_stats);

/* How often a CPU went offline. Counted before its timers are moved away. */
static DEFINE_PER_CPU(unsigned int, tmt_offlines);

/**
 * struct tmt_record - what a timer was told
 * @expires:	when to expire, in jiffies
 * @late:	when it counts as late, in jiffies
 * @cpu:	the CPU that it was queued on, or -1 if that does not matter
 * @offlines:	of @cpu
 */
struct tmt_record {
	unsigned long	expires;
	unsigned long	late;
	int		cpu;
	unsigned int	offlines;
};

#define TMT_MAX_RECORDS		2

/**
 * struct tmt_timer - a timer under torture
 * @lock:	protects everything else; held around the calls of the timer API
 *		except timer_delete_sync()
 * @timer:	the timer
 * @records:	what it was told, oldest first
 * @nr_records:	how many of them are to be accounted for
 * @pinned:	it has to expire on the CPU that it is queued on
 * @frozen:	it must not be armed, because somebody waits for its end
 * @rand:	the callback's dice
 */
struct tmt_timer {
	raw_spinlock_t			lock;
	struct timer_list		timer;
	struct tmt_record		records[TMT_MAX_RECORDS];
	unsigned int			nr_records;
	bool				pinned;
	bool				frozen;
	struct torture_random_state	rand;
};

/**
 * struct tmt_run - one run of the test
 * @timers:	all timers
 * @nr_timers:	their number
 * @hold:	nobody arms or cancels: a quiescent check is under way
 * @stall:	jiffies when a CPU was last seen to stall
 * @busted:	what is done wrong on purpose
 * @sparse:	few timers, and nobody awake
 * @workers:	worker threads
 * @nr_workers:	their number
 * @checker:	the thread that makes quiescent checks
 * @hp_state:	of the hotplug callback
 */
struct tmt_run {
	struct tmt_timer	*timers;
	unsigned int		nr_timers;
	bool			hold;
	unsigned long		stall;
	enum tmt_busted		busted;
	bool			sparse;
	struct task_struct	**workers;
	unsigned int		nr_workers;
	struct task_struct	*checker;
	int			hp_state;
};

static struct tmt_run tmt;

/* For those who cancel outside of the timer's lock: tmt_run::hold does not change */
static DECLARE_RWSEM(tmt_hold_rwsem);

static const char *tmt_state = "idle";

static void tmt_count(enum tmt_counter counter)
{
	this_cpu_inc(tmt_stats.n[counter]);
}

static unsigned long tmt_sum(enum tmt_counter counter)
{
	unsigned long sum = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		/* Counting goes on, or has ended: an old value does no harm. */
		sum += data_race(per_cpu(tmt_stats.n[counter], cpu));
	}
	return sum;
}

/* True once in @n times */
static bool tmt_once_in(struct torture_random_state *rand, unsigned int n)
{
	return !(torture_random(rand) % n);
}

static bool tmt_bust(enum tmt_busted what, struct torture_random_state *rand)
{
	return tmt.busted == what && tmt_once_in(rand, max(busted_every, 1U));
}

/*
 * Records
 */

/*
 * The wheel puts a timer off to the end of its bucket. Buckets of the level that
 * holds timeouts below 64 ticks are one tick long, those of each further level,
 * which reaches eight times as far, eight times longer.
 */
static unsigned long tmt_granularity(unsigned long timeout)
{
	unsigned long granularity = 1;

	for (; timeout >= 63; timeout /= 8)
		granularity *= 8;
	return granularity;
}

/* The CPU on whose base @t is, or was when it was last pending */
static int tmt_queued_on(struct tmt_timer *t)
{
	/* Who takes the timers of a dead CPU changes this under the base's lock alone. */
	return data_race(t->timer.flags) & TIMER_CPUMASK;
}

static unsigned int tmt_nr_offlines(int cpu)
{
	/* A change matters to those alone whose timer has been moved afterwards. */
	return data_race(per_cpu(tmt_offlines, cpu));
}

static void tmt_push(struct tmt_timer *t, unsigned long now, unsigned long expires)
{
	struct tmt_record *r = &t->records[t->nr_records];
	int cpu = tmt_queued_on(t);

	r->expires = expires;
	r->late = expires + tmt_granularity(expires - now) + late_ticks;

	/* A CPU that is on its way out has been counted, maybe; its timers leave. */
	r->cpu = cpu_online(cpu) ? cpu : -1;
	r->offlines = tmt_nr_offlines(cpu);

	t->nr_records++;
	tmt_count(TMT_ARMED);
}

static struct tmt_record tmt_pop_oldest(struct tmt_timer *t)
{
	struct tmt_record oldest = t->records[0];

	t->records[0] = t->records[1];
	t->nr_records--;
	return oldest;
}

/* The wheel says that it has given back a pending timer, which is the newest */
static void tmt_pop_newest(struct tmt_timer *t)
{
	if (!t->nr_records) {
		tmt_count(TMT_STRAY);
		return;
	}
	t->nr_records--;
	tmt_count(TMT_CANCELLED);
}

/*
 * Operations on timers: all of them under the timer's lock with interrupts
 * disabled, so no CPU finishes going offline meanwhile.
 */

static int tmt_random_cpu(struct torture_random_state *rand)
{
	return cpumask_next_wrap(torture_random(rand) % nr_cpu_ids, cpu_online_mask);
}

static unsigned long tmt_random_timeout(struct torture_random_state *rand)
{
	unsigned long most = msecs_to_jiffies(timeout_ms) + 1;

	switch (torture_random(rand) % 16) {
	case 0:
		return 0;
	case 1 ... 3:
		return torture_random(rand) % 8;
	case 4:
		return torture_random(rand) % (8 * most);
	default:
		return torture_random(rand) % most;
	}
}

/* Anywhere but on the CPU where it is supposed to be */
static void tmt_arm_elsewhere(struct tmt_timer *t, unsigned long expires, int cpu)
{
	int other = cpumask_next_wrap(cpu, cpu_online_mask);

	t->timer.expires = expires;
	add_timer_on(&t->timer, other);
}

/* Do it wrong on purpose. True when @t has been dealt with. */
static bool tmt_arm_busted(struct tmt_timer *t, unsigned long now, unsigned long expires,
			   struct torture_random_state *rand)
{
	int cpu = raw_smp_processor_id();

	/* Only where it is the wheel's turn to know better */
	if (tmt.busted == BUSTED_NONE || t->nr_records || timer_pending(&t->timer))
		return false;

	if (tmt_bust(BUSTED_LOST, rand)) {
		tmt_push(t, now, expires);
		return true;
	}
	if (tmt_bust(BUSTED_STRAY, rand)) {
		mod_timer(&t->timer, now + HZ);
		return true;
	}
	if (tmt_bust(BUSTED_STUCK, rand)) {
		mod_timer(&t->timer, now + 3600 * HZ);
		tmt_push(t, now, expires);
		return true;
	}
	if (tmt_bust(BUSTED_LATE, rand)) {
		mod_timer(&t->timer, expires + 4 * late_ticks);
		tmt_push(t, now, expires);
		return true;
	}
	if (tmt_bust(BUSTED_EARLY, rand)) {
		mod_timer(&t->timer, now);
		tmt_push(t, now, expires + HZ);
		return true;
	}
	if (t->pinned && tmt_bust(BUSTED_WRONG, rand)) {
		tmt_arm_elsewhere(t, expires, cpu);
		tmt_push(t, now, expires);
		t->records[0].cpu = cpu;
		t->records[0].offlines = tmt_nr_offlines(cpu);
		return true;
	}
	return false;
}

/* Queued on @cpu, or left where it was? */
static void tmt_check_queued(struct tmt_timer *t, int cpu, int was_on)
{
	int on = tmt_queued_on(t);

	/* From an offline CPU, it may have been moved just before. */
	if (t->pinned && on != cpu && on != was_on && cpu_online(was_on))
		tmt_count(TMT_WRONG);
}

static void tmt_add(struct tmt_timer *t, unsigned long expires, struct torture_random_state *rand)
{
	int was_on = tmt_queued_on(t);
	int cpu = raw_smp_processor_id();

	t->timer.expires = expires;
	if (!t->pinned) {
		add_timer_global(&t->timer);
	} else if (tmt_once_in(rand, 2)) {
		cpu = tmt_random_cpu(rand);
		was_on = cpu;
		add_timer_on(&t->timer, cpu);
	} else {
		add_timer_local(&t->timer);
	}
	tmt_check_queued(t, cpu, was_on);
}

static void tmt_mod(struct tmt_timer *t, unsigned long now, unsigned long expires,
		    struct torture_random_state *rand)
{
	int was_on = tmt_queued_on(t);
	bool was_pending;

	switch (torture_random(rand) % 4) {
	case 0:
		/* Does not arm a timer which is not pending */
		if (!mod_timer_pending(&t->timer, expires))
			return;
		was_pending = true;
		break;
	case 1:
		was_pending = timer_reduce(&t->timer, expires);
		/* Does not touch a timer that expires sooner */
		if (was_pending && t->nr_records &&
		    time_before_eq(t->records[t->nr_records - 1].expires, expires))
			return;
		break;
	default:
		was_pending = mod_timer(&t->timer, expires);
		break;
	}
	tmt_check_queued(t, raw_smp_processor_id(), was_on);

	if (was_pending)
		tmt_pop_newest(t);

	/* Neither pending nor in its callback, which could be the oldest alone */
	if (t->nr_records == TMT_MAX_RECORDS) {
		tmt_pop_oldest(t);
		tmt_count(TMT_LOST);
	}
	tmt_push(t, now, expires);
}

/* Also for a timer that is pending; what happens to it is left to chance. */
static void tmt_arm(struct tmt_timer *t, struct torture_random_state *rand)
{
	unsigned long now = jiffies;
	unsigned long expires = now + tmt_random_timeout(rand);

	lockdep_assert_held(&t->lock);

	if (READ_ONCE(tmt.hold) || t->frozen || tmt_arm_busted(t, now, expires, rand))
		return;

	if (!t->nr_records && !timer_pending(&t->timer) && tmt_once_in(rand, 2)) {
		tmt_add(t, expires, rand);
		tmt_push(t, now, expires);
	} else {
		tmt_mod(t, now, expires, rand);
	}
}

/* For one that is not pending: nothing is left to chance but when it expires. */
static void tmt_arm_sparse(struct tmt_timer *t, struct torture_random_state *rand)
{
	unsigned long now = jiffies;
	unsigned long expires = now + tmt_random_timeout(rand);

	lockdep_assert_held(&t->lock);

	if (READ_ONCE(tmt.hold) || t->frozen)
		return;
	mod_timer(&t->timer, expires);
	tmt_push(t, now, expires);
}

static void tmt_cancel(struct tmt_timer *t)
{
	lockdep_assert_held(&t->lock);

	if (!READ_ONCE(tmt.hold) && timer_delete(&t->timer))
		tmt_pop_newest(t);
}

/*
 * Delete a timer and wait for its callback. After that, no record may be left.
 * Not from a callback, and by one thread at a time for a timer.
 */
static void tmt_delete_sync(struct tmt_timer *t)
{
	bool was_pending;

	scoped_guard(raw_spinlock_irqsave, &t->lock) {
		if (t->frozen)
			return;
		t->frozen = true;
	}

	was_pending = timer_delete_sync(&t->timer);

	scoped_guard(raw_spinlock_irqsave, &t->lock) {
		if (was_pending)
			tmt_pop_newest(t);
		for (; t->nr_records; t->nr_records--)
			tmt_count(TMT_LOST);
		t->frozen = false;
	}
}

static struct tmt_timer *tmt_random_timer(struct torture_random_state *rand)
{
	return &tmt.timers[torture_random(rand) % tmt.nr_timers];
}

static void tmt_disturb(struct tmt_timer *t, struct torture_random_state *rand)
{
	guard(raw_spinlock_irqsave)(&t->lock);

	if (tmt_once_in(rand, 4))
		tmt_cancel(t);
	else
		tmt_arm(t, rand);
}

/*
 * Expiry
 */

static void tmt_note_stall(void)
{
	WRITE_ONCE(tmt.stall, jiffies);
}

/* Whoever has run it at last, or will, does so by chance. */
static bool tmt_too_late(const struct tmt_record *r, unsigned long now)
{
	return time_after(now, r->late + (unsigned long)lost_secs * HZ);
}

static void tmt_account_expiry(struct tmt_timer *t)
{
	struct tmt_record r;
	unsigned long now;
	int cpu;

	if (!t->nr_records) {
		tmt_count(TMT_TWICE);
		return;
	}
	r = tmt_pop_oldest(t);
	now = jiffies;
	cpu = raw_smp_processor_id();

	if (tmt_too_late(&r, now)) {
		tmt_count(TMT_LOST);
		return;
	}
	tmt_count(TMT_EXPIRED);
	if (time_before(now, r.expires))
		tmt_count(TMT_EARLY);
	else if (time_after(now, r.late))
		tmt_count(time_after_eq(READ_ONCE(tmt.stall), r.expires) ? TMT_STALLED : TMT_LATE);

	if (r.cpu == cpu || r.cpu < 0)
		return;
	if (r.offlines != tmt_nr_offlines(r.cpu))
		tmt_count(TMT_MOVED);
	else if (t->pinned)
		tmt_count(TMT_WRONG);
	else
		tmt_count(TMT_REMOTE);
}

static void tmt_expired(struct timer_list *timer)
{
	struct tmt_timer *t = timer_container_of(t, timer, timer);
	struct tmt_timer *other = NULL;
	DEFINE_TORTURE_RANDOM(rand);
	unsigned int action;

	scoped_guard(raw_spinlock_irqsave, &t->lock) {
		tmt_account_expiry(t);
		if (tmt_bust(BUSTED_TWICE, &t->rand))
			tmt_account_expiry(t);

		if (tmt.sparse) {
			tmt_arm_sparse(t, &t->rand);
			return;
		}
		action = torture_random(&t->rand) % 16;
		if (action < 8)
			tmt_arm(t, &t->rand);
		if (!action)
			tmt_cancel(t);
		if (action >= 14)
			other = tmt_random_timer(&t->rand);
		rand.trs_state = torture_random(&t->rand);
	}

	/* From here on, @t's next callback may run, and use its dice. */
	if (other)
		tmt_disturb(other, &rand);
}

/*
 * Workers
 */

/* Like a busy CPU: without sleeping, and with a look at whether it stalls */
static void tmt_spin(struct torture_random_state *rand)
{
	u64 end = local_clock() + torture_random(rand) % 64 * NSEC_PER_MSEC;

	while (time_before64(local_clock(), end) && !torture_must_stop()) {
		scoped_guard(preempt) {
			u64 pause = local_clock() + 100 * NSEC_PER_USEC;
			unsigned long before = jiffies;

			while (time_before64(local_clock(), pause))
				cpu_relax();
			if (jiffies - before > late_ticks)
				tmt_note_stall();
		}
		cond_resched();
	}
}

/* Go to another CPU, if the shuffler permits, and leave the one behind idle */
static void tmt_hop(int cpu)
{
	cpus_read_lock();
	if (!cpu_online(cpu))
		cpu = cpumask_first(cpu_online_mask);
	set_cpus_allowed_ptr(current, cpumask_of(cpu));
	cpus_read_unlock();
}

static void tmt_delete_some(struct torture_random_state *rand)
{
	unsigned int i;

	guard(rwsem_read)(&tmt_hold_rwsem);

	for (i = torture_random(rand) % 4; i && !READ_ONCE(tmt.hold); i--)
		tmt_delete_sync(tmt_random_timer(rand));
}

static int tmt_worker(void *unused)
{
	DEFINE_TORTURE_RANDOM(rand);
	unsigned int i;

	VERBOSE_TOROUT_STRING("worker started");
	set_user_nice(current, MAX_NICE);
	do {
		tmt_hop(tmt_random_cpu(&rand));
		for (i = torture_random(&rand) % timers; i; i--)
			tmt_disturb(tmt_random_timer(&rand), &rand);
		tmt_delete_some(&rand);

		if (tmt_once_in(&rand, 4))
			tmt_spin(&rand);
		else
			torture_hrtimeout_ms(1, 128 * USEC_PER_MSEC, &rand);
		stutter_wait("tmt_worker");
	} while (!torture_must_stop());
	torture_kthread_stopping("tmt_worker");
	return 0;
}

static int tmt_sparse_worker(void *unused)
{
	DEFINE_TORTURE_RANDOM(rand);
	unsigned int i;

	VERBOSE_TOROUT_STRING("sparse worker started");
	for (i = 0; i < tmt.nr_timers; i++) {
		struct tmt_timer *t = &tmt.timers[i];

		tmt_hop(i % nr_cpu_ids);
		guard(raw_spinlock_irqsave)(&t->lock);
		tmt_arm_sparse(t, &rand);
	}
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	while (!torture_must_stop()) {
		set_current_state(TASK_IDLE);
		if (!torture_must_stop())
			schedule();
		__set_current_state(TASK_RUNNING);
	}
	torture_kthread_stopping("tmt_sparse_worker");
	return 0;
}

/*
 * Quiescent checks
 */

/* Does what the wheel knows agree with the record? A callback may be on its way. */
static bool tmt_settled(struct tmt_timer *t)
{
	guard(raw_spinlock_irqsave)(&t->lock);

	return t->nr_records == timer_pending(&t->timer);
}

static bool tmt_at_rest(struct tmt_timer *t)
{
	guard(raw_spinlock_irqsave)(&t->lock);

	return !t->nr_records;
}

static bool tmt_overdue(struct tmt_timer *t)
{
	guard(raw_spinlock_irqsave)(&t->lock);

	return t->nr_records && tmt_too_late(&t->records[0], jiffies);
}

/* One that is in the wheel long after its expiry is as good as lost. */
static void tmt_give_up(struct tmt_timer *t)
{
	guard(raw_spinlock_irqsave)(&t->lock);

	if (timer_delete(&t->timer) && t->nr_records) {
		t->nr_records--;
		tmt_count(TMT_LOST);
	}
}

static void tmt_check_timer(struct tmt_timer *t)
{
	if (!tmt_settled(t))
		tmt_delete_sync(t);
	if (tmt_overdue(t))
		tmt_give_up(t);
}

static unsigned long tmt_pending(void)
{
	unsigned long pending = 0;
	unsigned int i;

	for (i = 0; i < tmt.nr_timers; i++) {
		guard(raw_spinlock_irqsave)(&tmt.timers[i].lock);
		pending += tmt.timers[i].nr_records;
	}
	return pending;
}

/*
 * While nobody arms or cancels, only expiry changes the sum, and one look at all
 * timers during which none has expired is enough. True if there was one.
 */
static bool tmt_balance(void)
{
	unsigned long expired = tmt_sum(TMT_EXPIRED), pending = tmt_pending();

	if (tmt_sum(TMT_EXPIRED) != expired)
		return false;

	if (tmt_sum(TMT_ARMED) != expired + tmt_sum(TMT_CANCELLED) + tmt_sum(TMT_LOST) + pending)
		tmt_count(TMT_UNBALANCED);
	tmt_count(TMT_CHECKS);
	return true;
}

/* Nobody has begun to arm or cancel before and is not done after this. */
static void tmt_hold(void)
{
	scoped_guard(rwsem_write, &tmt_hold_rwsem)
		WRITE_ONCE(tmt.hold, true);
	synchronize_rcu();
}

#define TMT_BALANCE_TRIES	100

static void tmt_check(void)
{
	unsigned int i;

	tmt_hold();
	for (i = 0; i < tmt.nr_timers; i++)
		tmt_check_timer(&tmt.timers[i]);
	for (i = 0; i < TMT_BALANCE_TRIES && !tmt_balance(); i++)
		torture_hrtimeout_jiffies(1, NULL);
	WRITE_ONCE(tmt.hold, false);
}

static int tmt_checker(void *unused)
{
	VERBOSE_TOROUT_STRING("checker started");
	do {
		torture_hrtimeout_ms(check_ms, 0, NULL);
		tmt_check();
		torture_shutdown_absorb("tmt_checker");
	} while (!torture_must_stop());
	torture_kthread_stopping("tmt_checker");
	return 0;
}

/*
 * One run
 */

/* On the CPU in control of the hotplug, when @cpu is dead and all CPUs stood still */
static int tmt_cpu_dead(unsigned int cpu)
{
	per_cpu(tmt_offlines, cpu)++;
	tmt_note_stall();
	return 0;
}

static unsigned int tmt_print_counters(char *buf, size_t size)
{
	unsigned int i, len = 0;

	for (i = 0; i < TMT_NR_COUNTERS; i++)
		len += scnprintf(buf + len, size - len, " %s=%lu", tmt_counter_names[i],
				 tmt_sum(i));
	return len;
}

static void tmt_print(const char *what, const char *verdict)
{
	char *buf = kmalloc(PAGE_SIZE, GFP_KERNEL);

	if (!buf)
		return;
	tmt_print_counters(buf, PAGE_SIZE);
	pr_alert("%s" TORTURE_FLAG "--- %s%s:%s timers=%u workers=%u onoff=%u busted=%s\n",
		 torture_type, what, verdict, buf, tmt.nr_timers, tmt.nr_workers,
		 onoff_interval, tmt_busted_names[tmt.busted]);
	kfree(buf);
}

static int tmt_create_timers(void)
{
	unsigned int i;

	tmt.nr_timers = max(timers, 1U) * num_possible_cpus();
	tmt.timers = kvcalloc(tmt.nr_timers, sizeof(*tmt.timers), GFP_KERNEL);
	if (!tmt.timers)
		return -ENOMEM;

	for (i = 0; i < tmt.nr_timers; i++) {
		struct tmt_timer *t = &tmt.timers[i];

		raw_spin_lock_init(&t->lock);
		t->pinned = !tmt.sparse && i & 1;
		t->rand.trs_state = i;
		timer_setup(&t->timer, tmt_expired,
			    (t->pinned ? TIMER_PINNED : 0) | (i % 8 < 2 ? TIMER_IRQSAFE : 0));
	}
	return 0;
}

/*
 * Nobody arms any more. Timers may be pending as long as their timeouts last,
 * and callbacks may be about to return.
 */
static void tmt_drain_timers(void)
{
	unsigned int i;

	tmt_hold();
	for (i = 0; i < tmt.nr_timers; i++) {
		struct tmt_timer *t = &tmt.timers[i];

		tmt_check_timer(t);
		while (!tmt_at_rest(t)) {
			torture_hrtimeout_jiffies(1, NULL);
			tmt_check_timer(t);
		}
		/* It can be pending without a record, which is an error of its own. */
		if (timer_shutdown_sync(&t->timer))
			tmt_count(TMT_STRAY);
	}
	synchronize_rcu();
	if (!tmt_balance())
		tmt_count(TMT_UNBALANCED);
	kvfree(tmt.timers);
	tmt.timers = NULL;
}

static int tmt_create_workers(void)
{
	unsigned int i;
	int ret;

	tmt.nr_workers = tmt.sparse ? 1 : nworkers ?: num_online_cpus();
	tmt.workers = kcalloc(tmt.nr_workers, sizeof(*tmt.workers), GFP_KERNEL);
	if (!tmt.workers)
		return -ENOMEM;

	for (i = 0; i < tmt.nr_workers; i++) {
		ret = tmt.sparse ?
		      torture_create_kthread(tmt_sparse_worker, NULL, tmt.workers[i]) :
		      torture_create_kthread(tmt_worker, NULL, tmt.workers[i]);
		if (ret)
			return ret;
	}
	return 0;
}

static void tmt_stop_workers(void)
{
	unsigned int i;

	for (i = 0; tmt.workers && i < tmt.nr_workers; i++)
		torture_stop_kthread(tmt_worker, tmt.workers[i]);
	kfree(tmt.workers);
	tmt.workers = NULL;
	torture_stop_kthread(tmt_checker, tmt.checker);
}

static int tmt_create_all(void)
{
	int ret;

	ret = tmt_create_timers();
	if (ret)
		return ret;

	/* Dead CPUs are counted before the core moves their timers away. */
	tmt.hp_state = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "timer_migration:torture",
						 NULL, tmt_cpu_dead);
	if (tmt.hp_state < 0)
		return tmt.hp_state;

	if (onoff_interval) {
		ret = torture_onoff_init(onoff_holdoff, onoff_interval, NULL);
		if (ret)
			return ret;
	}
	if (shuffle_interval) {
		ret = torture_shuffle_init(shuffle_interval * HZ);
		if (ret)
			return ret;
	}
	if (stutter) {
		ret = torture_stutter_init(stutter * HZ, stutter * HZ);
		if (ret)
			return ret;
	}
	ret = tmt_create_workers();
	if (ret)
		return ret;
	return torture_create_kthread(tmt_checker, NULL, tmt.checker);
}

static bool tmt_failed(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tmt_errors); i++) {
		if (tmt_sum(tmt_errors[i]))
			return true;
	}
	return !tmt_sum(TMT_EXPIRED) || !tmt_sum(TMT_CHECKS);
}

static int tmt_start(void)
{
	int cpu, ret;

	if (!torture_init_begin(torture_type, verbose))
		return -EBUSY;

	memset(&tmt, 0, sizeof(tmt));
	tmt.hp_state = -1;
	tmt.busted = busted;
	tmt.sparse = sparse;
	tmt_note_stall();
	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(&tmt_stats, cpu), 0, sizeof(struct tmt_stats));

	ret = tmt_create_all();
	tmt_print("Start of test", ret ? " failed" : "");
	torture_init_end();
	return ret;
}

static const char *tmt_finish(int err)
{
	const char *verdict = "SUCCESS";

	/* The system goes down. Everybody is parked and stays as it is. */
	if (torture_cleanup_begin())
		return "interrupted";

	tmt_stop_workers();
	if (tmt.timers)
		tmt_drain_timers();
	if (tmt.hp_state >= 0)
		cpuhp_remove_state_nocalls(tmt.hp_state);

	if (err || tmt_failed())
		verdict = "FAILURE";
	else if (torture_onoff_failures())
		verdict = "HOTPLUG";
	tmt_print("End of test: ", verdict);
	torture_cleanup_end();
	return verdict;
}

/*
 * Control: a thread makes one run. It is created when the run time is set, and
 * stopped when that is set to zero or the module goes.
 */

static unsigned int runtime;
static bool tmt_ready;
static bool tmt_running;
static struct task_struct *tmt_task;

static int tmt_control(void *unused)
{
	ktime_t end;
	int ret;

	ret = tmt_start();
	if (ret != -EBUSY) {
		end = ktime_add(ktime_get(), ktime_set(runtime, 0));
		while (!ret && !kthread_should_stop() && ktime_before(ktime_get(), end)) {
			set_current_state(TASK_IDLE);
			if (!kthread_should_stop())
				schedule_hrtimeout(&end, HRTIMER_MODE_ABS);
			__set_current_state(TASK_RUNNING);
		}
		WRITE_ONCE(tmt_state, tmt_finish(ret));
	} else {
		WRITE_ONCE(tmt_state, "busy");
	}
	WRITE_ONCE(tmt_running, false);
	return 0;
}

static void tmt_stop(void)
{
	if (!tmt_task)
		return;
	kthread_stop(tmt_task);
	put_task_struct(tmt_task);
	tmt_task = NULL;

	/* It was stopped before it had begun */
	if (READ_ONCE(tmt_running)) {
		WRITE_ONCE(tmt_state, "interrupted");
		WRITE_ONCE(tmt_running, false);
	}
}

static int tmt_launch(void)
{
	struct task_struct *task;

	if (READ_ONCE(tmt_running))
		return -EBUSY;
	tmt_stop();

	task = kthread_create(tmt_control, NULL, "timer_torture");
	if (IS_ERR(task))
		return PTR_ERR(task);
	tmt_task = get_task_struct(task);
	WRITE_ONCE(tmt_state, "running");
	WRITE_ONCE(tmt_running, true);
	wake_up_process(task);
	return 0;
}

/* The lock of the module's parameters serializes this. */
static int runtime_set(const char *val, const struct kernel_param *kp)
{
	unsigned int secs;
	int ret;

	ret = kstrtouint(val, 0, &secs);
	if (ret)
		return ret;

	/* From the command line or the module's: for tmt_init() */
	if (!tmt_ready) {
		runtime = secs;
		return 0;
	}
	if (!secs) {
		tmt_stop();
		return 0;
	}
	if (READ_ONCE(tmt_running))
		return -EBUSY;
	runtime = secs;
	return tmt_launch();
}

static const struct kernel_param_ops runtime_ops = {
	.set	= runtime_set,
	.get	= param_get_uint,
};
module_param_cb(runtime, &runtime_ops, &runtime, 0644);
MODULE_PARM_DESC(runtime, "Run for so many seconds, now; 0 ends a run that is under way");

static int busted_set(const char *val, const struct kernel_param *kp)
{
	int ret = sysfs_match_string(tmt_busted_names, val);

	if (ret < 0)
		return ret;
	busted = ret;
	return 0;
}

static int busted_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", tmt_busted_names[busted]);
}

static const struct kernel_param_ops busted_ops = {
	.set	= busted_set,
	.get	= busted_get,
};
module_param_cb(busted, &busted_ops, NULL, 0644);
MODULE_PARM_DESC(busted, "Do it wrong: none, lost, stuck, early, wrong, twice, stray or late");

static int report_get(char *buf, const struct kernel_param *kp)
{
	int len = sysfs_emit(buf, "%s:", READ_ONCE(tmt_state));

	len += tmt_print_counters(buf + len, PAGE_SIZE - len - 1);
	return len + sysfs_emit_at(buf, len, "\n");
}

static const struct kernel_param_ops report_ops = {
	.get	= report_get,
};
module_param_cb(report, &report_ops, NULL, 0444);
MODULE_PARM_DESC(report, "How the run goes, or has gone");

static int __init tmt_init(void)
{
	int ret = 0;

	kernel_param_lock(THIS_MODULE);
	tmt_ready = true;
	if (runtime)
		ret = tmt_launch();
	kernel_param_unlock(THIS_MODULE);
	return ret;
}

static void __exit tmt_exit(void)
{
	tmt_stop();
}

module_init(tmt_init);
module_exit(tmt_exit);
