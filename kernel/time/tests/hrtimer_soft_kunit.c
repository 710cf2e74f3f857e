// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit test of soft hrtimers
 *
 * Most cases have a CPU base of their own, a fake that no interrupt and no
 * softirq looks at. They decide when it sees an interrupt, see latch(), and when
 * the softirq runs, see drain(). The fake is in no high resolution mode and is
 * not the base of this CPU, so the clock event device is never touched from it.
 *
 * The others start timers on real CPUs and wait for them. None asserts that
 * something happens soon, only what happens and what does not.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>

#include "../hrtimer_soft.h"
#include "../tick-internal.h"

/* Long enough for any machine. A case which waits this long has failed. */
#define PATIENCE	(20 * HZ)

/* For what happens within ticks, while a CPU is kept spinning */
#define SPIN_PATIENCE	(2ULL * NSEC_PER_SEC)

/* Expiry times that have passed and that never come */
#define PAST		1000
#define FAR		(KTIME_MAX / 4)

/* In seconds; times of this size in ns take 64 bits on every machine */
#define HOUR		3600LL

/* ----- Timers that tell what happened to them ----- */

/**
 * struct probe - A timer and what its callback saw
 * @timer:	The timer
 * @calls:	How often the callback was called
 * @order:	Value of the counter at @ticket when it was called last
 * @ticket:	Counter shared by several probes, or NULL
 * @restarts:	How often the callback starts the timer again
 * @period:	In ns; 0 to start it for the time for which it was started before
 * @overruns:	Sum of what hrtimer_forward_now() returned
 * @early:	The callback was called before the timer expired
 * @hardirq:	It was called in a hard interrupt
 * @softirq:	It was called in a softirq
 * @irqs_off:	It was called with interrupts disabled
 * @cpu:	It was called on this CPU
 * @entered:	The callback has begun
 * @release:	It may end; used by callbacks that wait for it
 * @ended:	It is about to end
 * @running:	hrtimer_callback_running() during the callback
 * @stayed:	Started by its callback, the timer is queued on the same CPU
 * @active:	hrtimer_active() during the callback
 * @event:	What the event device was to be armed for during the callback
 * @done:	Completed by the last call
 * @other:	Another probe that takes part
 */
struct probe {
	struct hrtimer		timer;
	unsigned int		calls;
	unsigned int		order;
	unsigned int		*ticket;
	unsigned int		restarts;
	u64			period;
	u64			overruns;
	bool			early;
	bool			hardirq;
	bool			softirq;
	bool			irqs_off;
	int			cpu;
	bool			entered;
	bool			release;
	bool			ended;
	bool			running;
	bool			stayed;
	bool			active;
	ktime_t			event;
	struct completion	done;
	struct probe		*other;
};

static void note_call(struct probe *probe)
{
	probe->calls++;
	if (probe->ticket)
		probe->order = (*probe->ticket)++;
	probe->hardirq = in_hardirq();
	probe->softirq = in_serving_softirq();
	probe->irqs_off = irqs_disabled();
	probe->cpu = raw_smp_processor_id();
	probe->event = READ_ONCE(probe->timer.base->cpu_base->expires_next);
	if (hrtimer_cb_get_time(&probe->timer) < hrtimer_get_softexpires(&probe->timer))
		probe->early = true;
}

static enum hrtimer_restart probe_fn(struct hrtimer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	note_call(probe);
	if (probe->restarts) {
		probe->restarts--;
		if (probe->period)
			probe->overruns += hrtimer_forward_now(timer, probe->period);
		return HRTIMER_RESTART;
	}
	complete(&probe->done);
	return HRTIMER_NORESTART;
}

static void cancel_probe(void *data)
{
	struct probe *probe = data;

	WRITE_ONCE(probe->release, true);
	probe->restarts = 0;
	hrtimer_cancel(&probe->timer);
}

static struct probe *new_probe_fn(struct kunit *test, clockid_t clock, enum hrtimer_mode mode,
				  enum hrtimer_restart (*fn)(struct hrtimer *))
{
	struct probe *probe = kunit_kzalloc(test, sizeof(*probe), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, probe);
	init_completion(&probe->done);
	hrtimer_setup(&probe->timer, fn, clock, mode);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, cancel_probe, probe));
	return probe;
}

static struct probe *new_probe(struct kunit *test, clockid_t clock, enum hrtimer_mode mode)
{
	return new_probe_fn(test, clock, mode, probe_fn);
}

static bool wait_for_probe(struct probe *probe)
{
	return wait_for_completion_timeout(&probe->done, PATIENCE);
}

struct start_request {
	struct probe		*probe;
	ktime_t			time;
	enum hrtimer_mode	mode;
};

static void start_here(void *data)
{
	struct start_request *request = data;

	hrtimer_start(&request->probe->timer, request->time, request->mode);
}

static void start_on(struct kunit *test, unsigned int cpu, struct probe *probe, ktime_t time,
		     enum hrtimer_mode mode)
{
	struct start_request request = { .probe = probe, .time = time, .mode = mode, };

	KUNIT_ASSERT_EQ(test, 0, smp_call_function_single(cpu, start_here, &request, 1));
}

/* ----- Hard interrupts ----- */

struct hard_call {
	struct hrtimer		timer;
	void			(*fn)(void *data);
	void			*data;
	struct completion	done;
};

static enum hrtimer_restart hard_call_fn(struct hrtimer *timer)
{
	struct hard_call *call = container_of(timer, struct hard_call, timer);

	call->fn(call->data);
	complete(&call->done);
	return HRTIMER_NORESTART;
}

static void in_interrupt_call(void (*fn)(void *data), void *data)
{
	struct hard_call call = { .fn = fn, .data = data, };

	init_completion(&call.done);
	hrtimer_setup_on_stack(&call.timer, hard_call_fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	hrtimer_start(&call.timer, 0, HRTIMER_MODE_REL_PINNED_HARD);
	wait_for_completion(&call.done);
	hrtimer_cancel(&call.timer);
	destroy_hrtimer_on_stack(&call.timer);
}

/* ----- A CPU base that only the test knows ----- */

static struct hrtimer_cpu_base *new_fake(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = kunit_kzalloc(test, sizeof(*fake), GFP_KERNEL);
	struct hrtimer_cpu_base *live = raw_cpu_ptr(&hrtimer_bases);

	KUNIT_ASSERT_NOT_NULL(test, fake);
	/* Index and clock ID of the clock bases are constant */
	scoped_guard(raw_spinlock_irqsave, &live->lock) {
		/* The counters, which are not used, are written without the lock */
		data_race(memcpy(fake, live, sizeof(*fake)));
	}

	raw_spin_lock_init(&fake->lock);
	for (unsigned int i = 0; i < HRTIMER_MAX_CLOCK_BASES; i++) {
		struct hrtimer_clock_base *base = &fake->clock_base[i];

		base->cpu_base = fake;
		base->expires_next = KTIME_MAX;
		base->running = NULL;
		seqcount_raw_spinlock_init(&base->seq, &fake->lock);
		timerqueue_linked_init_head(&base->active);
	}
	fake->active_bases = 0;
	fake->hres_active = false;
	fake->deferred_rearm = false;
	fake->deferred_needs_update = false;
	fake->hang_detected = false;
	fake->online = true;
	fake->next_timer = NULL;
	fake->expires_next = KTIME_MAX;
	memset(&fake->soft, 0, sizeof(fake->soft));
	hrtimer_soft_prepare_cpu(fake);
	hrtimer_soft_cpu_starting(fake);
	return fake;
}

static void fake_start(struct hrtimer_cpu_base *fake, struct probe *probe, ktime_t expires)
{
	struct hrtimer *timer = &probe->timer;

	timer->base = &fake->clock_base[timer->base->index];
	hrtimer_set_expires(timer, expires);

	guard(raw_spinlock_irqsave)(&fake->lock);
	if (enqueue_hrtimer(timer, timer->base, HRTIMER_MODE_ABS, false))
		hrtimer_reprogram(timer);
}

static struct probe *fake_probe(struct kunit *test, struct hrtimer_cpu_base *fake,
				clockid_t clock, ktime_t expires)
{
	struct probe *probe = new_probe(test, clock, HRTIMER_MODE_ABS_SOFT);

	fake_start(fake, probe, expires);
	return probe;
}

struct fake_interrupt {
	struct hrtimer_cpu_base	*fake;
	ktime_t			now;
	bool			raised;
};

static void fake_interrupt(void *data)
{
	struct fake_interrupt *irq = data;
	struct hrtimer_cpu_base *fake = irq->fake;

	guard(raw_spinlock)(&fake->lock);
	hrtimer_soft_check_expired(fake, irq->now);
#ifndef CONFIG_HRTIMER_SOFT_BASES
	for (unsigned int i = 0; i < HRTIMER_MAX_CLOCK_BASES; i++) {
		struct hrtimer_clock_base *base = &fake->clock_base[i];
		ktime_t now = ktime_add(irq->now, base->offset);
		struct hrtimer *timer;

		while ((timer = clock_base_next_timer(base)) &&
		       now >= hrtimer_get_softexpires(timer) && hrtimer_soft_try_bounce(timer))
			;
	}
#endif
	irq->raised = local_timers_pending() & BIT(HRTIMER_SOFTIRQ);
}

/* The fake's CPU takes a timer interrupt. Returns whether the softirq is raised. */
static bool latch_at(struct hrtimer_cpu_base *fake, ktime_t now)
{
	struct fake_interrupt irq = { .fake = fake, .now = now, };

	in_interrupt_call(fake_interrupt, &irq);
	return irq.raised;
}

static bool latch(struct hrtimer_cpu_base *fake)
{
	return latch_at(fake, ktime_get());
}

/* One run of the softirq. Returns whether nothing is left. */
static bool drain_budget(struct hrtimer_cpu_base *fake, unsigned int timers, u64 limit,
			 bool *raised)
{
	struct hrtimer_soft_budget budget = { .timers = timers, .limit = limit, };
	bool drained;

	local_bh_disable();
	drained = hrtimer_soft_run(fake, &budget);
	if (raised)
		*raised = local_softirq_pending() & BIT(HRTIMER_SOFTIRQ);
	local_bh_enable();
	return drained;
}

static bool drain(struct hrtimer_cpu_base *fake)
{
	return drain_budget(fake, UINT_MAX, U64_MAX, NULL);
}

/* ----- Which base ----- */

static const struct hst_clock {
	const char			*name;
	clockid_t			clock;
	enum hrtimer_base_type		index;
} hst_clocks[] = {
	{ "monotonic",	CLOCK_MONOTONIC,	HRTIMER_BASE_MONOTONIC, },
	{ "realtime",	CLOCK_REALTIME,		HRTIMER_BASE_REALTIME, },
	{ "boottime",	CLOCK_BOOTTIME,		HRTIMER_BASE_BOOTTIME, },
	{ "tai",	CLOCK_TAI,		HRTIMER_BASE_TAI, },
};

KUNIT_ARRAY_PARAM_DESC(hst_clock, hst_clocks, name);

static void hst_setup_selects_base(struct kunit *test)
{
	const struct hst_clock *clock = test->param_value;
	struct probe *soft = new_probe(test, clock->clock, HRTIMER_MODE_ABS_SOFT);
	struct probe *hard = new_probe(test, clock->clock, HRTIMER_MODE_ABS_HARD);
	struct probe *plain = new_probe(test, clock->clock, HRTIMER_MODE_ABS);

	KUNIT_EXPECT_TRUE(test, soft->timer.is_soft);
	KUNIT_EXPECT_FALSE(test, hard->timer.is_soft);
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_PREEMPT_RT), plain->timer.is_soft);

	KUNIT_EXPECT_EQ(test, clock->index, hard->timer.base->index);
	KUNIT_EXPECT_EQ(test, hrtimer_soft_base_index(clock->index), soft->timer.base->index);
	KUNIT_EXPECT_EQ(test, clock->clock, hard->timer.base->clockid);
	KUNIT_EXPECT_EQ(test, clock->clock, soft->timer.base->clockid);
	if (IS_ENABLED(CONFIG_HRTIMER_SOFT_BASES))
		KUNIT_EXPECT_NE(test, hard->timer.base->index, soft->timer.base->index);
}

/* POSIX: setting the clock does not affect relative timers */
static void hst_rel_realtime_becomes_monotonic(struct kunit *test)
{
	struct probe *rel = new_probe(test, CLOCK_REALTIME, HRTIMER_MODE_REL_SOFT);
	struct probe *tai = new_probe(test, CLOCK_TAI, HRTIMER_MODE_REL_SOFT);

	KUNIT_EXPECT_EQ(test, CLOCK_MONOTONIC, rel->timer.base->clockid);
	KUNIT_EXPECT_TRUE(test, rel->timer.is_soft);
	KUNIT_EXPECT_EQ(test, CLOCK_TAI, tai->timer.base->clockid);
}

/* ----- Queues ----- */

static void hst_remove_first_updates_base(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *first = fake_probe(test, fake, CLOCK_MONOTONIC, FAR);
	struct probe *second = fake_probe(test, fake, CLOCK_MONOTONIC, FAR + 1);
	struct hrtimer_clock_base *base = first->timer.base;

	KUNIT_EXPECT_EQ(test, FAR, base->expires_next);

	KUNIT_EXPECT_EQ(test, 1, hrtimer_cancel(&first->timer));
	KUNIT_EXPECT_EQ(test, FAR + 1, base->expires_next);
	KUNIT_EXPECT_TRUE(test, fake->active_bases & BIT(base->index));

	KUNIT_EXPECT_EQ(test, 1, hrtimer_cancel(&second->timer));
	KUNIT_EXPECT_EQ(test, KTIME_MAX, base->expires_next);
	KUNIT_EXPECT_EQ(test, 0, fake->active_bases);
	KUNIT_EXPECT_EQ(test, 0, hrtimer_cancel(&second->timer));
}

#define NR_ORDERED	32

static void hst_expiry_in_order(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe[NR_ORDERED];
	unsigned int ticket = 0;

	/* Coprime to their number, so all of 0 .. NR_ORDERED - 1 in disorder */
	for (unsigned int i = 0; i < NR_ORDERED; i++) {
		unsigned int rank = i * 11 % NR_ORDERED;

		probe[rank] = fake_probe(test, fake, CLOCK_MONOTONIC, PAST + rank);
		probe[rank]->ticket = &ticket;
	}

	KUNIT_EXPECT_TRUE(test, latch(fake));
	KUNIT_EXPECT_TRUE(test, drain(fake));
	for (unsigned int i = 0; i < NR_ORDERED; i++) {
		KUNIT_EXPECT_EQ(test, 1, probe[i]->calls);
		KUNIT_EXPECT_EQ(test, i, probe[i]->order);
	}
}

static void hst_not_early(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *due = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	struct probe *later = fake_probe(test, fake, CLOCK_MONOTONIC, FAR);

	KUNIT_EXPECT_TRUE(test, latch(fake));
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 1, due->calls);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&due->timer));
	KUNIT_EXPECT_EQ(test, 0, later->calls);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&later->timer));
	KUNIT_EXPECT_EQ(test, FAR, hrtimer_get_expires(&later->timer));
}

/* The callback expects to be called again, and nobody else arms the device. */
static void hst_run_ends_with_next_event(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);

	probe->restarts = 1;
	probe->period = 3 * HOUR * NSEC_PER_SEC;
	latch(fake);
	fake->expires_next = KTIME_MAX;
	KUNIT_EXPECT_TRUE(test, drain(fake));

	KUNIT_EXPECT_EQ(test, 1, probe->calls);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&probe->timer));
#ifdef CONFIG_HRTIMER_SOFT_BASES
	KUNIT_EXPECT_FALSE(test, fake->soft.activated);
	KUNIT_EXPECT_PTR_EQ(test, &probe->timer, fake->soft.next_timer);
	KUNIT_EXPECT_EQ(test, hrtimer_get_expires(&probe->timer), fake->soft.expires_next);
#else
	KUNIT_EXPECT_PTR_EQ(test, &probe->timer, fake->next_timer);
	KUNIT_EXPECT_EQ(test, hrtimer_get_expires(&probe->timer), fake->expires_next);
#endif
}

/* Make it as if the wall clock had been set forward by two hours, unnoticed so far */
static void forget_clock_set(struct hrtimer_cpu_base *fake)
{
	static const unsigned int affected[] = { HRTIMER_BASE_REALTIME, HRTIMER_BASE_TAI, };

	for (unsigned int i = 0; i < ARRAY_SIZE(affected); i++) {
		struct hrtimer_clock_base *hard = &fake->clock_base[affected[i]];

		hard->offset -= 2 * HOUR * NSEC_PER_SEC;
		fake->clock_base[hrtimer_soft_base_index(affected[i])].offset = hard->offset;
	}
	fake->clock_was_set_seq--;
}

/* The run reads the new offsets, so clock_was_set() will leave this CPU alone */
static void hst_run_notices_clock_set(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *hard = new_probe(test, CLOCK_REALTIME, HRTIMER_MODE_ABS_HARD);
	ktime_t expires = ktime_get_real() + 3 * HOUR * NSEC_PER_SEC;
	struct probe *soft;
	ktime_t armed;

	forget_clock_set(fake);
	fake_start(fake, hard, expires);
	armed = expires - hard->timer.base->offset;
	soft = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	latch(fake);
	fake->expires_next = armed;
	KUNIT_EXPECT_TRUE(test, drain(fake));

	KUNIT_EXPECT_EQ(test, expires - hard->timer.base->offset, fake->expires_next);
	KUNIT_EXPECT_LT(test, fake->expires_next, armed);
	KUNIT_EXPECT_EQ(test, 0, hard->calls);
	/* Not only when the run ends, which may take long */
	KUNIT_EXPECT_EQ(test, fake->expires_next, soft->event);
}

/* While the event device waits to be armed, nobody may do it here */
static void hst_run_respects_deferred_rearm(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);

	probe->restarts = 1;
	probe->period = HOUR * NSEC_PER_SEC;
	latch(fake);
	forget_clock_set(fake);
	fake->deferred_rearm = true;
	fake->expires_next = KTIME_MAX;
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, KTIME_MAX, fake->expires_next);
	KUNIT_EXPECT_TRUE(test, fake->deferred_needs_update);
}

/* ----- The pass ----- */

static enum hrtimer_restart restart_soon_fn(struct hrtimer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	ktime_t expires = ktime_get() + 1;

	note_call(probe);
	if (!probe->restarts)
		return HRTIMER_NORESTART;

	probe->restarts--;
	while (ktime_get() <= expires)
		cpu_relax();
	hrtimer_set_expires(timer, expires);
	return HRTIMER_RESTART;
}

/* What expires during a pass waits for the next one */
static void hst_pass_has_one_time(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT,
					   restart_soon_fn);

	probe->restarts = 1;
	fake_start(fake, probe, PAST);
	latch(fake);
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 1, probe->calls);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&probe->timer));

	latch(fake);
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 2, probe->calls);
}

#define NR_BUDGET	10

static unsigned int sum_of_calls(struct probe **probe, unsigned int nr)
{
	unsigned int calls = 0;

	for (unsigned int i = 0; i < nr; i++)
		calls += probe[i]->calls;
	return calls;
}

/* By number first, then by time: with none left, a run still takes one timer */
static void hst_budget(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe[NR_BUDGET];
	bool raised = false;

	for (unsigned int i = 0; i < NR_BUDGET; i++)
		probe[i] = fake_probe(test, fake, CLOCK_MONOTONIC, PAST + i);

	latch(fake);
	KUNIT_EXPECT_FALSE(test, drain_budget(fake, 4, U64_MAX, &raised));
	KUNIT_EXPECT_TRUE(test, raised);
	KUNIT_EXPECT_EQ(test, 4, sum_of_calls(probe, NR_BUDGET));
	for (unsigned int i = 0; i < NR_BUDGET; i++)
		KUNIT_EXPECT_EQ(test, i >= 4, hrtimer_active(&probe[i]->timer));

	KUNIT_EXPECT_FALSE(test, drain_budget(fake, UINT_MAX, 0, NULL));
	KUNIT_EXPECT_EQ(test, 5, sum_of_calls(probe, NR_BUDGET));

	KUNIT_EXPECT_TRUE(test, drain_budget(fake, 5, U64_MAX, NULL));
	KUNIT_EXPECT_EQ(test, NR_BUDGET, sum_of_calls(probe, NR_BUDGET));
}

/* Otherwise it would run for ever, or ksoftirqd */
static void hst_drained_run_raises_nothing(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct hrtimer_soft_budget budget = { .timers = UINT_MAX, .limit = U64_MAX, };
	struct probe *probe = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	unsigned int tries = 1000;
	bool raised = false;

	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		kunit_skip(test, "a run may sleep");

	latch(fake);
	/* The CPU itself must not have raised it */
	while (tries--) {
		local_bh_disable();
		local_bh_enable();
		guard(irqsave)();
		if (local_timers_pending() & BIT(HRTIMER_SOFTIRQ))
			continue;

		hrtimer_soft_run(fake, &budget);
		raised = local_timers_pending() & BIT(HRTIMER_SOFTIRQ);
		break;
	}
	KUNIT_EXPECT_EQ(test, 1, probe->calls);
	KUNIT_EXPECT_FALSE(test, raised);
}

static enum hrtimer_restart two_ms_fn(struct hrtimer *timer)
{
	mdelay(2);
	return probe_fn(timer);
}

static void hst_counters(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	unsigned int values[HRTIMER_SOFT_NR_COUNTERS];

	for (unsigned int i = 0; i < NR_BUDGET; i++)
		fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	latch(fake);
	drain_budget(fake, 1, U64_MAX, NULL);
	drain_budget(fake, 6, U64_MAX, NULL);
	drain(fake);

	hrtimer_soft_read_counters(fake, values);
	KUNIT_EXPECT_EQ(test, 3, values[HRTIMER_SOFT_RUNS]);
	KUNIT_EXPECT_EQ(test, NR_BUDGET, values[HRTIMER_SOFT_TIMERS]);
	KUNIT_EXPECT_EQ(test, 6, values[HRTIMER_SOFT_MOST_TIMERS]);
	KUNIT_EXPECT_EQ(test, 2, values[HRTIMER_SOFT_BUDGET_STOPS]);
	KUNIT_EXPECT_EQ(test, IS_ENABLED(CONFIG_HRTIMER_SOFT_BASES) ? 0 : NR_BUDGET,
			values[HRTIMER_SOFT_BOUNCES]);
	for (unsigned int i = 0; i < HRTIMER_SOFT_NR_COUNTERS; i++)
		KUNIT_EXPECT_NOT_NULL(test, hrtimer_soft_counter_names[i]);

	/* The longest and not the last */
	fake_start(fake, new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT, two_ms_fn),
		   PAST);
	latch(fake);
	drain(fake);
	fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	latch(fake);
	drain(fake);
	hrtimer_soft_read_counters(fake, values);
	KUNIT_EXPECT_GE(test, values[HRTIMER_SOFT_LONGEST_NS], NSEC_PER_MSEC);
	KUNIT_EXPECT_EQ(test, 6, values[HRTIMER_SOFT_MOST_TIMERS]);
}

static void hst_cancel_between_runs(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *first = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	struct probe *second = fake_probe(test, fake, CLOCK_MONOTONIC, PAST + 1);

	latch(fake);
	KUNIT_EXPECT_FALSE(test, drain_budget(fake, 1, U64_MAX, NULL));
	KUNIT_EXPECT_EQ(test, 0, hrtimer_cancel(&first->timer));
	KUNIT_EXPECT_EQ(test, 1, hrtimer_cancel(&second->timer));
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 1, first->calls);
	KUNIT_EXPECT_EQ(test, 0, second->calls);
}

/* A timer that is always started in the past, and one of each other clock */
static void hst_budget_starves_no_clock(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe[ARRAY_SIZE(hst_clocks)], *later;

	for (unsigned int i = 0; i < ARRAY_SIZE(hst_clocks); i++)
		probe[i] = fake_probe(test, fake, hst_clocks[i].clock, PAST);
	probe[0]->restarts = UINT_MAX;

	latch(fake);
	for (unsigned int i = 0; i < ARRAY_SIZE(hst_clocks); i++)
		drain_budget(fake, 2, U64_MAX, NULL);

	for (unsigned int i = 1; i < ARRAY_SIZE(hst_clocks); i++)
		KUNIT_EXPECT_EQ(test, 1, probe[i]->calls);
	KUNIT_EXPECT_GT(test, probe[0]->calls, 0);

	/* The same for what expires only now */
	later = fake_probe(test, fake, CLOCK_TAI, ktime_get_clocktai());
	latch(fake);
	for (unsigned int i = 0; i < ARRAY_SIZE(hst_clocks); i++)
		drain_budget(fake, 2, U64_MAX, NULL);
	KUNIT_EXPECT_EQ(test, 1, later->calls);

	probe[0]->restarts = 0;
	drain(fake);
}

/*
 * A timer that has nothing left to expire when it has used up the budget. That was
 * not the turn of the clock after it.
 */
static void hst_spent_budget_starves_no_clock(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *busy = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT,
					  restart_soon_fn);
	struct probe *tai = fake_probe(test, fake, CLOCK_TAI, PAST);

	busy->restarts = UINT_MAX;
	fake_start(fake, busy, PAST);
	latch(fake);
	KUNIT_EXPECT_FALSE(test, drain_budget(fake, 1, U64_MAX, NULL));
	KUNIT_EXPECT_EQ(test, 1, busy->calls);
	KUNIT_EXPECT_EQ(test, 0, tai->calls);

	drain_budget(fake, 1, U64_MAX, NULL);
	KUNIT_EXPECT_EQ(test, 1, tai->calls);

	busy->restarts = 0;
	drain(fake);
}

#ifdef CONFIG_HRTIMER_SOFT_BASES

/* ----- The soft deadline ----- */

static const struct hst_due {
	const char	*name;
	s64		delta;
	bool		due;
} hst_dues[] = {
	{ "before",	-1,	false, },
	{ "at",		0,	true, },
	{ "after",	1,	true, },
};

KUNIT_ARRAY_PARAM_DESC(hst_due, hst_dues, name);

static void hst_check_expired(struct kunit *test)
{
	const struct hst_due *param = test->param_value;
	struct hrtimer_cpu_base *fake = new_fake(test);
	bool raised;

	fake_probe(test, fake, CLOCK_MONOTONIC, FAR);
	KUNIT_EXPECT_EQ(test, FAR, fake->soft.expires_next);

	raised = latch_at(fake, FAR + param->delta);
	KUNIT_EXPECT_EQ(test, param->due, fake->soft.activated);
	KUNIT_EXPECT_EQ(test, param->due ? KTIME_MAX : FAR, fake->soft.expires_next);
	/* When nothing is due, this CPU's own timers can have raised it all the same */
	if (param->due)
		KUNIT_EXPECT_TRUE(test, raised);
}

static void hst_raised_once(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *late;

	fake_probe(test, fake, CLOCK_MONOTONIC, FAR);
	latch_at(fake, FAR);
	KUNIT_EXPECT_TRUE(test, fake->soft.activated);

	/* Even when something is queued that has expired long ago */
	late = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	KUNIT_EXPECT_EQ(test, KTIME_MAX, fake->soft.expires_next);
	latch_at(fake, FAR + 1);
	KUNIT_EXPECT_TRUE(test, fake->soft.activated);
	KUNIT_EXPECT_EQ(test, KTIME_MAX, fake->soft.expires_next);

	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 1, late->calls);
	KUNIT_EXPECT_FALSE(test, fake->soft.activated);
	KUNIT_EXPECT_EQ(test, FAR, fake->soft.expires_next);
}

static ktime_t next_event(struct hrtimer_cpu_base *fake, ktime_t hard)
{
	guard(raw_spinlock_irqsave)(&fake->lock);
	return hrtimer_soft_next_event(fake, hard);
}

static void hst_next_event_soft_first(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *soft = fake_probe(test, fake, CLOCK_MONOTONIC, FAR);

	fake->soft.expires_next = 0;
	KUNIT_EXPECT_EQ(test, FAR, next_event(fake, FAR + 1));
	KUNIT_EXPECT_PTR_EQ(test, &soft->timer, fake->next_timer);
	KUNIT_EXPECT_PTR_EQ(test, &soft->timer, fake->soft.next_timer);
	KUNIT_EXPECT_EQ(test, FAR, fake->soft.expires_next);
}

static void hst_next_event_hard_first(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *soft = fake_probe(test, fake, CLOCK_MONOTONIC, FAR);
	struct probe *hard = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);

	fake->next_timer = &hard->timer;
	fake->soft.expires_next = 0;
	KUNIT_EXPECT_EQ(test, FAR - 1, next_event(fake, FAR - 1));
	KUNIT_EXPECT_PTR_EQ(test, &hard->timer, fake->next_timer);
	KUNIT_EXPECT_PTR_EQ(test, &soft->timer, fake->soft.next_timer);
	KUNIT_EXPECT_EQ(test, FAR, fake->soft.expires_next);

	/* Without soft timers there is no deadline */
	hrtimer_cancel(&soft->timer);
	KUNIT_EXPECT_EQ(test, FAR - 1, next_event(fake, FAR - 1));
	KUNIT_EXPECT_EQ(test, KTIME_MAX, fake->soft.expires_next);
}

static void hst_next_event_while_activated(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);

	fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	latch(fake);
	KUNIT_EXPECT_TRUE(test, fake->soft.activated);
	KUNIT_EXPECT_EQ(test, FAR, next_event(fake, FAR));
	KUNIT_EXPECT_EQ(test, KTIME_MAX, fake->soft.expires_next);
	KUNIT_EXPECT_EQ(test, 0, hrtimer_soft_armed_bases(fake));

	KUNIT_EXPECT_TRUE(test, drain(fake));
	fake_probe(test, fake, CLOCK_MONOTONIC, FAR);
	KUNIT_EXPECT_EQ(test, BIT(HRTIMER_BASE_MONOTONIC_SOFT), hrtimer_soft_armed_bases(fake));
}

static void hst_negative_offset_clamped(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *soft;

	fake->clock_base[HRTIMER_BASE_REALTIME_SOFT].offset = FAR;
	soft = fake_probe(test, fake, CLOCK_REALTIME, PAST);
	KUNIT_EXPECT_EQ(test, 0, fake->soft.expires_next);
	KUNIT_EXPECT_EQ(test, 0, next_event(fake, FAR));
	KUNIT_EXPECT_EQ(test, 0, fake->soft.expires_next);
	KUNIT_EXPECT_PTR_EQ(test, &soft->timer, fake->next_timer);
}

static void sync_offsets(struct hrtimer_cpu_base *fake)
{
	guard(raw_spinlock_irqsave)(&fake->lock);
	hrtimer_soft_sync_offsets(fake);
}

static void expect_same_offsets(struct kunit *test, struct hrtimer_cpu_base *fake)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(hst_clocks); i++) {
		enum hrtimer_base_type index = hst_clocks[i].index;

		KUNIT_EXPECT_EQ(test, fake->clock_base[index].offset,
				fake->clock_base[hrtimer_soft_base_index(index)].offset);
	}
}

static void hst_offsets_sync(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);

	fake->clock_base[HRTIMER_BASE_REALTIME].offset = 10LL * NSEC_PER_SEC;
	fake->clock_base[HRTIMER_BASE_BOOTTIME].offset = 20LL * NSEC_PER_SEC;
	fake->clock_base[HRTIMER_BASE_TAI].offset = 30LL * NSEC_PER_SEC;
	sync_offsets(fake);
	expect_same_offsets(test, fake);

	/* A leap second */
	fake->clock_base[HRTIMER_BASE_REALTIME].offset -= NSEC_PER_SEC;
	sync_offsets(fake);
	expect_same_offsets(test, fake);
}

static void hst_needs_ipi(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct hrtimer_clock_base *soft = &fake->clock_base[HRTIMER_BASE_REALTIME_SOFT];
	struct hrtimer_clock_base *hard = &fake->clock_base[HRTIMER_BASE_REALTIME];

	fake->soft.expires_next = FAR;
	KUNIT_EXPECT_TRUE(test, hrtimer_soft_needs_ipi(soft, FAR - 1));
	KUNIT_EXPECT_FALSE(test, hrtimer_soft_needs_ipi(soft, FAR));
	KUNIT_EXPECT_FALSE(test, hrtimer_soft_needs_ipi(hard, FAR - 1));

	fake->soft.activated = true;
	KUNIT_EXPECT_FALSE(test, hrtimer_soft_needs_ipi(soft, FAR - 1));
}

/* The fake is a remote CPU to the one which queues */
static void hst_note_enqueue(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *hard = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	struct probe *first = fake_probe(test, fake, CLOCK_MONOTONIC, FAR);

	KUNIT_EXPECT_EQ(test, FAR, fake->soft.expires_next);

	fake_probe(test, fake, CLOCK_TAI, KTIME_MAX - 1);
	KUNIT_EXPECT_EQ(test, FAR, fake->soft.expires_next);
	KUNIT_EXPECT_PTR_EQ(test, &first->timer, fake->soft.next_timer);

	fake_start(fake, hard, FAR - 2);
	KUNIT_EXPECT_EQ(test, FAR, fake->soft.expires_next);

	first = fake_probe(test, fake, CLOCK_MONOTONIC, FAR - 1);
	KUNIT_EXPECT_EQ(test, FAR - 1, fake->soft.expires_next);
	KUNIT_EXPECT_PTR_EQ(test, &first->timer, fake->soft.next_timer);
	/* What the remote device is armed for is for that CPU to say */
	KUNIT_EXPECT_EQ(test, KTIME_MAX, fake->expires_next);
}

static void hst_budget_keeps_pass(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *other, *later;
	ktime_t now;

	fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	other = fake_probe(test, fake, CLOCK_BOOTTIME, PAST);
	latch(fake);

	KUNIT_EXPECT_FALSE(test, drain_budget(fake, 1, U64_MAX, NULL));
	KUNIT_EXPECT_TRUE(test, fake->soft.activated);
	KUNIT_EXPECT_EQ(test, KTIME_MAX, fake->soft.expires_next);

	/* Expired by now, but not when the pass began */
	now = fake->soft.pass_now + 1;
	later = fake_probe(test, fake, CLOCK_BOOTTIME, now + other->timer.base->offset);
	while (ktime_get() <= now)
		cpu_relax();

	KUNIT_EXPECT_FALSE(test, drain_budget(fake, 1, U64_MAX, NULL));
	KUNIT_EXPECT_TRUE(test, fake->soft.activated);
	KUNIT_EXPECT_EQ(test, KTIME_MAX, fake->soft.expires_next);
	KUNIT_EXPECT_EQ(test, 1, other->calls);
	KUNIT_EXPECT_EQ(test, 0, later->calls);

	/* The next round sees it */
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_FALSE(test, fake->soft.activated);
	KUNIT_EXPECT_EQ(test, 1, later->calls);
}

#else /* CONFIG_HRTIMER_SOFT_BASES */

/* ----- The way to the softirq ----- */

static void hst_bounced_is_queued(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);

	KUNIT_EXPECT_FALSE(test, hrtimer_soft_bounced(&probe->timer));
	KUNIT_EXPECT_TRUE(test, latch(fake));
	KUNIT_EXPECT_TRUE(test, hrtimer_soft_bounced(&probe->timer));
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&probe->timer));
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&probe->timer));
	KUNIT_EXPECT_FALSE(test, hrtimer_callback_running(&probe->timer));
	KUNIT_EXPECT_EQ(test, PAST, hrtimer_get_expires(&probe->timer));
	KUNIT_EXPECT_EQ(test, PAST, hrtimer_get_softexpires(&probe->timer));
	KUNIT_EXPECT_EQ(test, 0, probe->calls);
	KUNIT_EXPECT_EQ(test, 0, fake->active_bases);
	KUNIT_EXPECT_EQ(test, KTIME_MAX, probe->timer.base->expires_next);

	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 1, probe->calls);
	KUNIT_EXPECT_FALSE(test, hrtimer_soft_bounced(&probe->timer));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&probe->timer));
}

static void hst_restart_bounced(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	struct probe *other = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);

	latch(fake);
	hrtimer_start(&probe->timer, FAR, HRTIMER_MODE_ABS_SOFT);
	KUNIT_EXPECT_FALSE(test, hrtimer_soft_bounced(&probe->timer));
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&probe->timer));
	KUNIT_EXPECT_EQ(test, FAR, hrtimer_get_expires(&probe->timer));

	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 0, probe->calls);
	KUNIT_EXPECT_EQ(test, 1, other->calls);
	KUNIT_EXPECT_EQ(test, 1, hrtimer_cancel(&probe->timer));
}

struct local_restart {
	struct probe	*probe;
	bool		bounced;
	bool		still_bounced;
};

/* With interrupts disabled the softirq cannot come between */
static void restart_bounced_here(void *data)
{
	struct local_restart *local = data;
	struct hrtimer *timer = &local->probe->timer;

	hrtimer_start(timer, PAST, HRTIMER_MODE_ABS_PINNED_SOFT);
	scoped_guard(raw_spinlock, &timer->base->cpu_base->lock)
		hrtimer_soft_bounce(timer);
	local->bounced = hrtimer_soft_bounced(timer);
	hrtimer_start(timer, FAR, HRTIMER_MODE_ABS_PINNED_SOFT);
	local->still_bounced = hrtimer_soft_bounced(timer);
}

/* On the timer's own CPU, where it could be updated in place */
static void hst_restart_bounced_in_place(struct kunit *test)
{
	struct local_restart local = {
		.probe	= new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT),
	};

	in_interrupt_call(restart_bounced_here, &local);
	KUNIT_EXPECT_TRUE(test, local.bounced);
	KUNIT_EXPECT_FALSE(test, local.still_bounced);
	KUNIT_EXPECT_EQ(test, 0, local.probe->calls);
	KUNIT_EXPECT_EQ(test, 1, hrtimer_cancel(&local.probe->timer));
}

static void hst_cancel_bounced(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);

	latch(fake);
	KUNIT_EXPECT_EQ(test, 1, hrtimer_try_to_cancel(&probe->timer));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&probe->timer));
	KUNIT_EXPECT_FALSE(test, hrtimer_soft_bounced(&probe->timer));
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->soft.pending));
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 0, probe->calls);

	/* And it can be used again */
	fake_start(fake, probe, PAST);
	latch(fake);
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 1, probe->calls);
}

static enum hrtimer_restart bounced_meanwhile_fn(struct hrtimer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	/* What the hard interrupt does, had it come now */
	if (++probe->calls == 1) {
		guard(raw_spinlock_irqsave)(&timer->base->cpu_base->lock);
		hrtimer_set_expires(&probe->other->timer, PAST);
		enqueue_hrtimer(&probe->other->timer, timer->base, HRTIMER_MODE_ABS, false);
		__remove_hrtimer(&probe->other->timer, timer->base, HRTIMER_STATE_ENQUEUED, false);
		list_add_tail(hrtimer_soft_link(&probe->other->timer),
			      &timer->base->cpu_base->soft.pending);
		hrtimer_soft_mark_bounced(&probe->other->timer);
	}
	return HRTIMER_NORESTART;
}

static void hst_bounced_during_run(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT,
					   bounced_meanwhile_fn);

	probe->other = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	probe->other->timer.base = &fake->clock_base[HRTIMER_BASE_MONOTONIC];
	fake_start(fake, probe, PAST);
	latch(fake);
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 1, probe->calls);
	KUNIT_EXPECT_EQ(test, 0, probe->other->calls);
	KUNIT_EXPECT_TRUE(test, hrtimer_soft_bounced(&probe->other->timer));

	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 1, probe->other->calls);
}

/* A run that has something left from the last one also takes what came since */
static void hst_bounced_between_runs(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *probe;

	fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	latch(fake);
	KUNIT_EXPECT_FALSE(test, drain_budget(fake, 1, U64_MAX, NULL));

	probe = fake_probe(test, fake, CLOCK_MONOTONIC, PAST);
	latch(fake);
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 1, probe->calls);
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->soft.pending));
}

static void hst_hard_is_not_bounced(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct probe *hard = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);

	fake_start(fake, hard, PAST);
	latch(fake);
	KUNIT_EXPECT_FALSE(test, hrtimer_soft_bounced(&hard->timer));
	KUNIT_EXPECT_TRUE(test, list_empty(&fake->soft.pending));
	KUNIT_EXPECT_TRUE(test, drain(fake));
	KUNIT_EXPECT_EQ(test, 0, hard->calls);
}

#endif /* !CONFIG_HRTIMER_SOFT_BASES */

/* ----- CPUs come and go ----- */

#ifdef CONFIG_HOTPLUG_CPU

static void migrate_all(struct hrtimer_cpu_base *old, struct hrtimer_cpu_base *new)
{
	guard(irqsave)();
	raw_spin_lock(&old->lock);
	raw_spin_lock_nested(&new->lock, SINGLE_DEPTH_NESTING);
	hrtimer_migrate_all(old, new);
	raw_spin_unlock(&new->lock);
	raw_spin_unlock(&old->lock);
}

/* In the middle of a pass: one is run, one is left over, the others are later */
static void hst_migrate(struct kunit *test)
{
	struct hrtimer_cpu_base *old = new_fake(test), *new = new_fake(test);
	struct probe *run = fake_probe(test, old, CLOCK_MONOTONIC, PAST);
	struct probe *left = fake_probe(test, old, CLOCK_MONOTONIC, PAST + 1);
	struct probe *fresh, *later;

	latch(old);
	KUNIT_EXPECT_FALSE(test, drain_budget(old, 1, U64_MAX, NULL));
	fresh = fake_probe(test, old, CLOCK_BOOTTIME, PAST);
	latch(old);
	later = fake_probe(test, old, CLOCK_TAI, FAR);

	migrate_all(old, new);
	KUNIT_EXPECT_EQ(test, 0, old->active_bases);
	KUNIT_EXPECT_PTR_EQ(test, new, left->timer.base->cpu_base);
	KUNIT_EXPECT_PTR_EQ(test, new, fresh->timer.base->cpu_base);
	KUNIT_EXPECT_PTR_EQ(test, new, later->timer.base->cpu_base);
	KUNIT_EXPECT_EQ(test, CLOCK_TAI, later->timer.base->clockid);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&left->timer));
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&fresh->timer));
	KUNIT_EXPECT_PTR_EQ(test, &left->timer, clock_base_next_timer(left->timer.base));
	KUNIT_EXPECT_PTR_EQ(test, &fresh->timer, clock_base_next_timer(fresh->timer.base));
	KUNIT_EXPECT_EQ(test, FAR, hrtimer_get_expires(&later->timer));

	/* What the interrupt that the new CPU is sent would have found */
#ifdef CONFIG_HRTIMER_SOFT_BASES
	next_event(new, KTIME_MAX);
#endif
	latch(new);
	KUNIT_EXPECT_TRUE(test, drain(new));
	KUNIT_EXPECT_EQ(test, 1, run->calls);
	KUNIT_EXPECT_EQ(test, 1, left->calls);
	KUNIT_EXPECT_EQ(test, 1, fresh->calls);
	KUNIT_EXPECT_EQ(test, 0, later->calls);

	drain(old);
	KUNIT_EXPECT_EQ(test, 1, left->calls);
}

static void hst_cpu_offline(struct kunit *test)
{
	struct probe *far = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	struct probe *soon = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	struct probe *back = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	unsigned int cpu = cpumask_last(cpu_online_mask);

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");

	start_on(test, cpu, far, FAR, HRTIMER_MODE_ABS_PINNED_SOFT);
	start_on(test, cpu, soon, NSEC_PER_MSEC, HRTIMER_MODE_REL_PINNED_SOFT);
	KUNIT_EXPECT_EQ(test, cpu, far->timer.base->cpu_base->cpu);
	if (remove_cpu(cpu))
		kunit_skip(test, "CPU %u cannot be taken offline", cpu);

	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&far->timer));
	KUNIT_EXPECT_NE(test, cpu, far->timer.base->cpu_base->cpu);
	KUNIT_EXPECT_EQ(test, FAR, hrtimer_get_expires(&far->timer));
	KUNIT_EXPECT_TRUE(test, wait_for_probe(soon));

#ifdef CONFIG_HRTIMER_SOFT_BASES
	/* As if it had gone down in the middle of a pass */
	per_cpu(hrtimer_bases, cpu).soft.activated = true;
	per_cpu(hrtimer_bases, cpu).soft.pass_bases = BIT(HRTIMER_BASE_TAI_SOFT);
#endif
	KUNIT_ASSERT_EQ(test, 0, add_cpu(cpu));
	start_on(test, cpu, back, NSEC_PER_MSEC, HRTIMER_MODE_REL_PINNED_SOFT);
	KUNIT_EXPECT_TRUE(test, wait_for_probe(back));
	KUNIT_EXPECT_EQ(test, cpu, back->cpu);
	KUNIT_EXPECT_EQ(test, 1, hrtimer_cancel(&far->timer));
	KUNIT_EXPECT_EQ(test, 0, far->calls);
}

#endif /* CONFIG_HOTPLUG_CPU */

static void hst_cpu_starting_resets(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	struct hrtimer_soft_base *soft = &fake->soft;

#ifdef CONFIG_HRTIMER_SOFT_BASES
	soft->activated = true;
	soft->expires_next = 1;
	soft->next_timer = (struct hrtimer *)soft;
	soft->pass_bases = 1;
	hrtimer_soft_cpu_starting(fake);
	KUNIT_EXPECT_FALSE(test, soft->activated);
	KUNIT_EXPECT_EQ(test, KTIME_MAX, soft->expires_next);
	KUNIT_EXPECT_NULL(test, soft->next_timer);
	KUNIT_EXPECT_EQ(test, 0, soft->pass_bases);
#else
	soft->pending.next = NULL;
	soft->batch.next = NULL;
	soft->running = (struct hrtimer *)soft;
	hrtimer_soft_cpu_starting(fake);
	KUNIT_EXPECT_TRUE(test, list_empty(&soft->pending));
	KUNIT_EXPECT_TRUE(test, list_empty(&soft->batch));
	KUNIT_EXPECT_NULL(test, soft->running);
#endif
}

/* ----- Real timers ----- */

static void hst_context(struct kunit *test)
{
	struct probe *soft = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	struct probe *hard = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);

	hrtimer_start(&soft->timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_SOFT);
	hrtimer_start(&hard->timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_HARD);
	KUNIT_ASSERT_TRUE(test, wait_for_probe(soft));
	KUNIT_ASSERT_TRUE(test, wait_for_probe(hard));

	KUNIT_EXPECT_FALSE(test, soft->hardirq);
	KUNIT_EXPECT_TRUE(test, soft->softirq);
	KUNIT_EXPECT_FALSE(test, soft->irqs_off);
	KUNIT_EXPECT_FALSE(test, soft->early);
	KUNIT_EXPECT_TRUE(test, hard->hardirq);
	KUNIT_EXPECT_TRUE(test, hard->irqs_off);
	KUNIT_EXPECT_FALSE(test, hard->early);
}

static void hst_all_clocks_expire(struct kunit *test)
{
	const struct hst_clock *clock = test->param_value;
	struct probe *abs = new_probe(test, clock->clock, HRTIMER_MODE_ABS_SOFT);
	struct probe *rel = new_probe(test, clock->clock, HRTIMER_MODE_REL_SOFT);

	hrtimer_start(&abs->timer, hrtimer_cb_get_time(&abs->timer) + NSEC_PER_MSEC,
		      HRTIMER_MODE_ABS_SOFT);
	hrtimer_start(&rel->timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_SOFT);
	KUNIT_EXPECT_TRUE(test, wait_for_probe(abs));
	KUNIT_EXPECT_TRUE(test, wait_for_probe(rel));
	KUNIT_EXPECT_FALSE(test, abs->early);
	KUNIT_EXPECT_FALSE(test, rel->early);
}

#define NR_PERIODS	20

static void hst_periodic(struct kunit *test)
{
	struct probe *probe = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	ktime_t begin = ktime_get() + NSEC_PER_MSEC;

	probe->restarts = NR_PERIODS;
	probe->period = NSEC_PER_MSEC;
	hrtimer_start(&probe->timer, begin, HRTIMER_MODE_ABS_SOFT);
	KUNIT_ASSERT_TRUE(test, wait_for_probe(probe));
	KUNIT_EXPECT_EQ(test, NR_PERIODS + 1, probe->calls);
	KUNIT_EXPECT_GE(test, probe->overruns, NR_PERIODS);
	KUNIT_EXPECT_FALSE(test, probe->early);

	/* In low resolution mode the period is stretched to ticks */
	KUNIT_EXPECT_EQ(test, begin + probe->overruns * max(NSEC_PER_MSEC, hrtimer_resolution),
			hrtimer_get_expires(&probe->timer));
}

static void hst_no_rounding(struct kunit *test)
{
	struct probe *probe = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);

	hrtimer_start(&probe->timer, FAR + 12345, HRTIMER_MODE_ABS_SOFT);
	KUNIT_EXPECT_EQ(test, FAR + 12345, hrtimer_get_expires(&probe->timer));
	KUNIT_EXPECT_EQ(test, FAR + 12345, hrtimer_get_softexpires(&probe->timer));

	hrtimer_start_range_ns(&probe->timer, FAR + 1, 54321, HRTIMER_MODE_ABS_SOFT);
	KUNIT_EXPECT_EQ(test, FAR + 1, hrtimer_get_softexpires(&probe->timer));
	KUNIT_EXPECT_EQ(test, FAR + 54322, hrtimer_get_expires(&probe->timer));
	KUNIT_EXPECT_EQ(test, 1, hrtimer_cancel(&probe->timer));
}

static enum hrtimer_restart blocking_fn(struct hrtimer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	u64 end = ktime_get_ns() + 5 * SPIN_PATIENCE;

	note_call(probe);
	WRITE_ONCE(probe->entered, true);
	while (!READ_ONCE(probe->release) && ktime_get_ns() < end)
		cpu_relax();
	WRITE_ONCE(probe->ended, true);
	if (probe->calls > 1)
		complete(&probe->done);
	return HRTIMER_NORESTART;
}

static bool wait_until(bool *flag)
{
	unsigned long end = jiffies + PATIENCE;

	while (!READ_ONCE(*flag) && time_before(jiffies, end))
		usleep_range(100, 200);
	return READ_ONCE(*flag);
}

struct canceller {
	struct probe		*probe;
	int			ret;
	bool			ended;
	struct completion	begun;
	struct completion	done;
};

static int cancel_thread(void *data)
{
	struct canceller *canceller = data;

	complete(&canceller->begun);
	canceller->ret = hrtimer_cancel(&canceller->probe->timer);
	canceller->ended = READ_ONCE(canceller->probe->ended);
	complete(&canceller->done);
	return 0;
}

/* Keep the thread of the test off a CPU whose softirq is going to be busy */
static unsigned int take_other_cpu(struct kunit *test)
{
	unsigned int cpu;

	if (num_online_cpus() < 2)
		kunit_skip(test, "needs two CPUs");

	cpu = cpumask_first(cpu_online_mask);
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(cpu)));
	return cpumask_last(cpu_online_mask);
}

static void hst_exit(struct kunit *test)
{
	set_cpus_allowed_ptr(current, cpu_possible_mask);
}

static void hst_cancel_waits(struct kunit *test)
{
	struct probe *probe = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT,
					   blocking_fn);
	struct canceller *canceller = kunit_kzalloc(test, sizeof(*canceller), GFP_KERNEL);
	unsigned int cpu = take_other_cpu(test);
	struct task_struct *thread;

	KUNIT_ASSERT_NOT_NULL(test, canceller);
	canceller->probe = probe;
	init_completion(&canceller->begun);
	init_completion(&canceller->done);

	/* Not later: who creates it could wait for the CPU that the callback keeps */
	thread = kthread_create(cancel_thread, canceller, "hst_cancel");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	kthread_bind(thread, cpumask_first(cpu_online_mask));

	start_on(test, cpu, probe, NSEC_PER_MSEC, HRTIMER_MODE_REL_PINNED_SOFT);
	KUNIT_EXPECT_TRUE(test, wait_until(&probe->entered));
	KUNIT_EXPECT_EQ(test, -1, hrtimer_try_to_cancel(&probe->timer));
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&probe->timer));
	KUNIT_EXPECT_FALSE(test, hrtimer_is_queued(&probe->timer));
	KUNIT_EXPECT_TRUE(test, hrtimer_callback_running(&probe->timer));

	wake_up_process(thread);
	wait_for_completion(&canceller->begun);
	usleep_range(1000, 2000);
	KUNIT_EXPECT_FALSE(test, completion_done(&canceller->done));

	WRITE_ONCE(probe->release, true);
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&canceller->done, PATIENCE));
	KUNIT_EXPECT_TRUE(test, canceller->ended);
	KUNIT_EXPECT_EQ(test, 0, canceller->ret);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&probe->timer));
}

/*
 * The callback is over, the run is not: another one expired together with it. On
 * PREEMPT_RT runs have no limit, so waiting for their end could take for ever, and
 * who has a higher priority than the timers must not.
 */
static void hst_cancel_does_not_wait_for_others(struct kunit *test)
{
	struct canceller *canceller = kunit_kzalloc(test, sizeof(*canceller), GFP_KERNEL);
	unsigned int cpu = take_other_cpu(test);
	struct task_struct *thread;
	struct probe *probe[2];
	ktime_t expires;

	KUNIT_ASSERT_NOT_NULL(test, canceller);
	for (unsigned int i = 0; i < 2; i++)
		probe[i] = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_SOFT,
					blocking_fn);
	canceller->probe = probe[0];
	init_completion(&canceller->begun);
	init_completion(&canceller->done);
	thread = kthread_create(cancel_thread, canceller, "hst_cancel");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	kthread_bind(thread, cpumask_first(cpu_online_mask));
	/* What the softirq's thread lets go, only somebody of higher priority can take */
	if (IS_ENABLED(CONFIG_PREEMPT_RT))
		sched_set_fifo(thread);

	expires = ktime_add_ms(ktime_get(), 50);
	for (unsigned int i = 0; i < 2; i++)
		start_on(test, cpu, probe[i], expires, HRTIMER_MODE_ABS_PINNED_SOFT);
	KUNIT_EXPECT_TRUE(test, wait_until(&probe[0]->entered));

	wake_up_process(thread);
	wait_for_completion(&canceller->begun);
	usleep_range(1000, 2000);
	WRITE_ONCE(probe[0]->release, true);
	KUNIT_EXPECT_TRUE(test, wait_until(&probe[1]->entered));
	KUNIT_EXPECT_TRUE(test, wait_for_completion_timeout(&canceller->done, PATIENCE));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(probe[1]->ended));
	KUNIT_EXPECT_TRUE(test, canceller->ended);

	WRITE_ONCE(probe[1]->release, true);
	hrtimer_cancel(&probe[1]->timer);
}

/*
 * It stays on the CPU of its callback. Who arms the device for it cannot be told
 * here, for the next interrupt would find it anyway, but with a fake: see
 * hst_run_ends_with_next_event().
 */
static void hst_remote_restart_while_running(struct kunit *test)
{
	struct probe *probe = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT,
					   blocking_fn);
	unsigned int cpu = take_other_cpu(test);

	start_on(test, cpu, probe, NSEC_PER_MSEC, HRTIMER_MODE_REL_PINNED_SOFT);
	KUNIT_ASSERT_TRUE(test, wait_until(&probe->entered));
	hrtimer_start(&probe->timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_SOFT);
	KUNIT_EXPECT_TRUE(test, hrtimer_is_queued(&probe->timer));
	KUNIT_EXPECT_EQ(test, cpu, probe->timer.base->cpu_base->cpu);
	KUNIT_EXPECT_TRUE(test, hrtimer_callback_running(&probe->timer));
	WRITE_ONCE(probe->release, true);

	KUNIT_EXPECT_TRUE(test, wait_for_probe(probe));
	KUNIT_EXPECT_EQ(test, 2, probe->calls);
	KUNIT_EXPECT_EQ(test, cpu, probe->cpu);
}

static enum hrtimer_restart self_start_fn(struct hrtimer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	note_call(probe);
	if (probe->calls > 1) {
		complete(&probe->done);
		return HRTIMER_NORESTART;
	}
	hrtimer_start(timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_SOFT);
	probe->running = hrtimer_callback_running(timer);
	probe->stayed = hrtimer_is_queued(timer) && timer->base->cpu_base->cpu == probe->cpu;
	return probe->restarts ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static const struct hst_verdict {
	const char	*name;
	bool		restart;
} hst_verdicts[] = {
	{ "norestart",	false, },
	{ "restart",	true, },
};

KUNIT_ARRAY_PARAM_DESC(hst_verdict, hst_verdicts, name);

/* What the callback returns then makes no difference */
static void hst_callback_starts_itself(struct kunit *test)
{
	const struct hst_verdict *verdict = test->param_value;
	struct probe *probe = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT,
					   self_start_fn);

	probe->restarts = verdict->restart;
	hrtimer_start(&probe->timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_SOFT);
	KUNIT_ASSERT_TRUE(test, wait_for_probe(probe));
	KUNIT_EXPECT_TRUE(test, probe->running);
	KUNIT_EXPECT_TRUE(test, probe->stayed);
	KUNIT_EXPECT_EQ(test, 0, hrtimer_cancel(&probe->timer));
	KUNIT_EXPECT_EQ(test, 2, probe->calls);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&probe->timer));
}

static enum hrtimer_restart interrupted_fn(struct hrtimer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	u64 end = ktime_get_ns() + SPIN_PATIENCE;

	note_call(probe);
	hrtimer_start(&probe->other->timer, 0, HRTIMER_MODE_REL_PINNED_HARD);
	while (!READ_ONCE(probe->other->calls) && ktime_get_ns() < end)
		cpu_relax();
	probe->running = hrtimer_callback_running(timer);
	probe->active = hrtimer_active(timer);
	complete(&probe->done);
	return HRTIMER_NORESTART;
}

/* Of the same clock, so both could be noted in the same place */
static void hst_running_survives_interrupt(struct kunit *test)
{
	struct probe *probe = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT,
					   interrupted_fn);

	probe->other = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	hrtimer_start(&probe->timer, NSEC_PER_MSEC, HRTIMER_MODE_REL_SOFT);
	KUNIT_ASSERT_TRUE(test, wait_for_probe(probe));
	KUNIT_EXPECT_EQ(test, 1, probe->other->calls);
	KUNIT_EXPECT_TRUE(test, probe->other->hardirq);
	KUNIT_EXPECT_TRUE(test, probe->running);
	KUNIT_EXPECT_TRUE(test, probe->active);

	hrtimer_cancel(&probe->timer);
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&probe->timer));
}

#define NR_BURST	1000

static enum hrtimer_restart burst_fn(struct hrtimer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);

	note_call(probe);
	if (*probe->ticket == NR_BURST)
		complete(&probe->other->done);
	return HRTIMER_NORESTART;
}

static void hst_burst(struct kunit *test)
{
	struct probe *lead = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	struct probe **probe = kunit_kcalloc(test, NR_BURST, sizeof(*probe), GFP_KERNEL);
	unsigned int *ticket = kunit_kzalloc(test, sizeof(*ticket), GFP_KERNEL);
	ktime_t expires = ktime_get() + 50 * NSEC_PER_MSEC;

	KUNIT_ASSERT_NOT_NULL(test, probe);
	KUNIT_ASSERT_NOT_NULL(test, ticket);
	for (unsigned int i = 0; i < NR_BURST; i++) {
		probe[i] = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT, burst_fn);
		probe[i]->ticket = ticket;
		probe[i]->other = lead;
	}

	/* All on one CPU, so that nobody has to guard the ticket */
	migrate_disable();
	for (unsigned int i = 0; i < NR_BURST; i++)
		hrtimer_start(&probe[i]->timer, expires, HRTIMER_MODE_ABS_PINNED_SOFT);
	migrate_enable();

	KUNIT_ASSERT_TRUE(test, wait_for_probe(lead));
	for (unsigned int i = 0; i < NR_BURST; i++) {
		KUNIT_EXPECT_EQ(test, 1, probe[i]->calls);
		KUNIT_EXPECT_FALSE(test, probe[i]->early);
		KUNIT_EXPECT_FALSE(test, probe[i]->hardirq);
	}
}

#define NR_SLOW	3

/**
 * struct bystander - A tasklet that waits for its turn behind slow timers
 * @tasklet:	Scheduled by the callback of the first timer
 * @ticket:	Counter of who comes when
 * @order:	Its value when the tasklet ran
 * @probe:	The timers
 */
struct bystander {
	struct tasklet_struct	tasklet;
	unsigned int		ticket;
	unsigned int		order;
	struct probe		*probe[NR_SLOW];
};

static void bystander_fn(struct tasklet_struct *tasklet)
{
	struct bystander *bystander = from_tasklet(bystander, tasklet, tasklet);

	bystander->order = bystander->ticket++;
}

static void kill_bystander(void *data)
{
	struct bystander *bystander = data;

	tasklet_kill(&bystander->tasklet);
}

/* Takes more than the budget of a run */
static enum hrtimer_restart slow_fn(struct hrtimer *timer)
{
	struct probe *probe = container_of(timer, struct probe, timer);
	struct bystander *bystander = container_of(probe->ticket, struct bystander, ticket);
	u64 end = ktime_get_ns() + 2 * HRTIMER_SOFT_BUDGET_NS;

	note_call(probe);
	if (probe == bystander->probe[0])
		tasklet_schedule(&bystander->tasklet);
	while (ktime_get_ns() < end)
		cpu_relax();
	complete(&probe->done);
	return HRTIMER_NORESTART;
}

/* All expire in one go when the interrupt has ended */
static void start_slow_timers(void *data)
{
	struct bystander *bystander = data;

	for (unsigned int i = 0; i < NR_SLOW; i++)
		hrtimer_start(&bystander->probe[i]->timer, PAST + i, HRTIMER_MODE_ABS_PINNED_SOFT);
}

static unsigned int budget_stops(unsigned int cpu)
{
	unsigned int values[HRTIMER_SOFT_NR_COUNTERS];

	hrtimer_soft_read_counters(&per_cpu(hrtimer_bases, cpu), values);
	return values[HRTIMER_SOFT_BUDGET_STOPS];
}

/* Others get their turn between two runs of the softirq, unless it has a thread */
static void hst_softirq_has_budget(struct kunit *test)
{
	struct bystander *bystander = kunit_kzalloc(test, sizeof(*bystander), GFP_KERNEL);
	unsigned int cpu, stops;

	KUNIT_ASSERT_NOT_NULL(test, bystander);
	bystander->order = UINT_MAX;
	tasklet_setup(&bystander->tasklet, bystander_fn);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, kill_bystander, bystander));
	for (unsigned int i = 0; i < NR_SLOW; i++) {
		bystander->probe[i] = new_probe_fn(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT,
						   slow_fn);
		bystander->probe[i]->ticket = &bystander->ticket;
	}

	migrate_disable();
	cpu = raw_smp_processor_id();
	stops = budget_stops(cpu);
	in_interrupt_call(start_slow_timers, bystander);
	migrate_enable();

	for (unsigned int i = 0; i < NR_SLOW; i++)
		KUNIT_ASSERT_TRUE(test, wait_for_probe(bystander->probe[i]));
	if (force_irqthreads()) {
		KUNIT_EXPECT_EQ(test, stops, budget_stops(cpu));
		return;
	}
	KUNIT_EXPECT_GT(test, budget_stops(cpu), stops);
	KUNIT_EXPECT_LT(test, bystander->order, bystander->probe[NR_SLOW - 1]->order);
}

#define POISON	0x6b

struct mortal {
	struct hrtimer	timer;
	struct heir	*heir;
};

/* What is left behind */
struct heir {
	struct mortal		*mortal;
	struct completion	done;
};

static enum hrtimer_restart mortal_fn(struct hrtimer *timer)
{
	struct mortal *mortal = container_of(timer, struct mortal, timer);
	struct heir *heir = mortal->heir;

	memset(mortal, POISON, sizeof(*mortal));
	complete_all(&heir->done);
	return HRTIMER_NORESTART;
}

static void cancel_mortal(void *data)
{
	struct heir *heir = data;

	if (!completion_done(&heir->done))
		hrtimer_cancel(&heir->mortal->timer);
}

/*
 * After the callback nobody may touch the timer, for it can be gone. It is not
 * freed here, so that a write shows without KASAN, too.
 */
static void hst_gone_after_callback(struct kunit *test)
{
	struct mortal *mortal = kunit_kzalloc(test, sizeof(*mortal), GFP_KERNEL);
	struct heir *heir = kunit_kzalloc(test, sizeof(*heir), GFP_KERNEL);
	struct probe *after = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	ktime_t expires = ktime_get() + NSEC_PER_MSEC;

	KUNIT_ASSERT_NOT_NULL(test, mortal);
	KUNIT_ASSERT_NOT_NULL(test, heir);
	mortal->heir = heir;
	heir->mortal = mortal;
	init_completion(&heir->done);
	hrtimer_setup(&mortal->timer, mortal_fn, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, cancel_mortal, heir));

	migrate_disable();
	hrtimer_start(&mortal->timer, expires, HRTIMER_MODE_ABS_PINNED_SOFT);
	hrtimer_start(&after->timer, expires + 1, HRTIMER_MODE_ABS_PINNED_SOFT);
	migrate_enable();

	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&heir->done, PATIENCE));
	KUNIT_ASSERT_TRUE(test, wait_for_probe(after));
	KUNIT_EXPECT_NULL(test, memchr_inv(mortal, POISON, sizeof(*mortal)));
}

static void move_wall_clock(s64 seconds)
{
	struct timespec64 ts;

	ktime_get_real_ts64(&ts);
	ts.tv_sec += seconds;
	do_settimeofday64(&ts);
}

static void move_wall_clock_back(void *data)
{
	move_wall_clock(-2 * HOUR);
}

/* Absolute timers follow the clock, relative ones stay where they are */
static void hst_settime(struct kunit *test)
{
	struct probe *abs = new_probe(test, CLOCK_REALTIME, HRTIMER_MODE_ABS_SOFT);
	struct probe *tai = new_probe(test, CLOCK_TAI, HRTIMER_MODE_ABS_SOFT);
	struct probe *rel = new_probe(test, CLOCK_REALTIME, HRTIMER_MODE_REL_SOFT);
	struct probe *mono = new_probe(test, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_SOFT);
	ktime_t rel_expires, later = HOUR * NSEC_PER_SEC;

	hrtimer_start(&abs->timer, ktime_get_real() + later, HRTIMER_MODE_ABS_SOFT);
	hrtimer_start(&tai->timer, ktime_get_clocktai() + later, HRTIMER_MODE_ABS_SOFT);
	hrtimer_start(&rel->timer, later, HRTIMER_MODE_REL_SOFT);
	hrtimer_start(&mono->timer, FAR, HRTIMER_MODE_ABS_SOFT);
	rel_expires = hrtimer_get_expires(&rel->timer);

	move_wall_clock(2 * HOUR);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, move_wall_clock_back, NULL));

	KUNIT_EXPECT_TRUE(test, wait_for_probe(abs));
	KUNIT_EXPECT_TRUE(test, wait_for_probe(tai));
	KUNIT_EXPECT_FALSE(test, abs->early);
	KUNIT_EXPECT_FALSE(test, tai->early);
	KUNIT_EXPECT_FALSE(test, abs->hardirq);
	KUNIT_EXPECT_EQ(test, 0, rel->calls);
	KUNIT_EXPECT_EQ(test, 0, mono->calls);
	KUNIT_EXPECT_EQ(test, rel_expires, hrtimer_get_expires(&rel->timer));
	KUNIT_EXPECT_EQ(test, FAR, hrtimer_get_expires(&mono->timer));
	KUNIT_EXPECT_EQ(test, 1, hrtimer_cancel(&rel->timer));
	KUNIT_EXPECT_EQ(test, 1, hrtimer_cancel(&mono->timer));
}

static bool fake_needs_ipi(struct hrtimer_cpu_base *fake, unsigned int bases)
{
	guard(raw_spinlock_irqsave)(&fake->lock);
	return update_needs_ipi(fake, bases);
}

/*
 * A CPU in low resolution mode on which a timer has expired before: what it seems
 * to be armed for has passed.
 */
static void hst_low_resolution_needs_ipi(struct kunit *test)
{
	struct hrtimer_cpu_base *fake = new_fake(test);
	unsigned int realtime = BIT(hrtimer_soft_base_index(HRTIMER_BASE_REALTIME));

	fake->expires_next = PAST;
	fake->clock_was_set_seq--;
	KUNIT_EXPECT_FALSE(test, fake_needs_ipi(fake, realtime));

	fake_probe(test, fake, CLOCK_REALTIME, FAR);
	KUNIT_EXPECT_FALSE(test, fake_needs_ipi(fake, realtime));
	fake->clock_was_set_seq--;
	KUNIT_EXPECT_TRUE(test, fake_needs_ipi(fake, realtime));
}

/* The size of a timer is what everybody pays who embeds one */
static void hst_timer_has_not_grown(struct kunit *test)
{
	struct timer_of_the_base {
		struct timerqueue_linked_node	node;
		struct hrtimer_clock_base	*base;
		bool				flags[5];
		ktime_t				softexpires;
		void				*function;
	};

	KUNIT_EXPECT_EQ(test, sizeof(struct timer_of_the_base), sizeof(struct hrtimer));
}

static struct kunit_case hst_cases[] = {
	KUNIT_CASE_PARAM(hst_setup_selects_base, hst_clock_gen_params),
	KUNIT_CASE(hst_rel_realtime_becomes_monotonic),
	KUNIT_CASE(hst_remove_first_updates_base),
	KUNIT_CASE(hst_expiry_in_order),
	KUNIT_CASE(hst_not_early),
	KUNIT_CASE(hst_run_ends_with_next_event),
	KUNIT_CASE(hst_run_notices_clock_set),
	KUNIT_CASE(hst_run_respects_deferred_rearm),
	KUNIT_CASE(hst_pass_has_one_time),
	KUNIT_CASE(hst_budget),
	KUNIT_CASE(hst_drained_run_raises_nothing),
	KUNIT_CASE(hst_counters),
	KUNIT_CASE(hst_cancel_between_runs),
	KUNIT_CASE(hst_budget_starves_no_clock),
	KUNIT_CASE(hst_spent_budget_starves_no_clock),
#ifdef CONFIG_HRTIMER_SOFT_BASES
	KUNIT_CASE_PARAM(hst_check_expired, hst_due_gen_params),
	KUNIT_CASE(hst_raised_once),
	KUNIT_CASE(hst_next_event_soft_first),
	KUNIT_CASE(hst_next_event_hard_first),
	KUNIT_CASE(hst_next_event_while_activated),
	KUNIT_CASE(hst_negative_offset_clamped),
	KUNIT_CASE(hst_offsets_sync),
	KUNIT_CASE(hst_needs_ipi),
	KUNIT_CASE(hst_note_enqueue),
	KUNIT_CASE(hst_budget_keeps_pass),
#else
	KUNIT_CASE(hst_bounced_is_queued),
	KUNIT_CASE(hst_restart_bounced),
	KUNIT_CASE(hst_restart_bounced_in_place),
	KUNIT_CASE(hst_cancel_bounced),
	KUNIT_CASE(hst_bounced_during_run),
	KUNIT_CASE(hst_bounced_between_runs),
	KUNIT_CASE(hst_hard_is_not_bounced),
#endif
	KUNIT_CASE(hst_low_resolution_needs_ipi),
#ifdef CONFIG_HOTPLUG_CPU
	KUNIT_CASE(hst_migrate),
	KUNIT_CASE_SLOW(hst_cpu_offline),
#endif
	KUNIT_CASE(hst_cpu_starting_resets),
	KUNIT_CASE(hst_context),
	KUNIT_CASE_PARAM(hst_all_clocks_expire, hst_clock_gen_params),
	KUNIT_CASE(hst_periodic),
	KUNIT_CASE(hst_no_rounding),
	KUNIT_CASE(hst_cancel_waits),
	KUNIT_CASE(hst_cancel_does_not_wait_for_others),
	KUNIT_CASE(hst_remote_restart_while_running),
	KUNIT_CASE_PARAM(hst_callback_starts_itself, hst_verdict_gen_params),
	KUNIT_CASE(hst_running_survives_interrupt),
	KUNIT_CASE(hst_burst),
	KUNIT_CASE(hst_softirq_has_budget),
	KUNIT_CASE(hst_gone_after_callback),
	KUNIT_CASE_SLOW(hst_settime),
	KUNIT_CASE(hst_timer_has_not_grown),
	{ }
};

static struct kunit_suite hst_suite = {
	.name		= "hrtimer_soft",
	.exit		= hst_exit,
	.test_cases	= hst_cases,
};

kunit_test_suite(hst_suite);

MODULE_DESCRIPTION("KUnit test of soft hrtimers");
MODULE_LICENSE("GPL");
