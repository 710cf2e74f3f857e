// SPDX-License-Identifier: GPL-2.0-only
/*
 * A virtual CPU: what the kernel's tick and idle code do with the core
 */
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "stress.h"

/* One access in so many is preceded by a sleep of up to so many us, or a yield */
#define PERTURB_EXCHANGE	16
#define PERTURB_OTHER		1024
#define PERTURB_SLEEP		127
#define PERTURB_YIELD		64

__thread struct vcpu *this_vcpu;
__thread u64 perturb_rng;

/**
 * stress_perturb() - Sometimes let others run, as a preempted virtual CPU does
 * @kind:	what comes next. Before an exchange more often than elsewhere: what
 *		it relies on was read just before, and may get old
 */
void stress_perturb(enum tmt_kind kind)
{
	u64 dice;

	if (!perturb_rng)
		return;

	dice = stress_random(&perturb_rng);
	if (dice % (kind == TMT_RMW ? PERTURB_EXCHANGE : PERTURB_OTHER) == 0)
		usleep(dice >> 16 & PERTURB_SLEEP);
	else if (dice % PERTURB_YIELD == 1)
		sched_yield();
}

/**
 * vcpu_init() - Initialise a CPU that is not attached yet
 * @v:		the CPU
 * @cpu:	its number
 * @seed:	of its random numbers
 */
void vcpu_init(struct vcpu *v, unsigned int cpu, u64 seed)
{
	*v = (struct vcpu) {
		.pinned	= TMIGR_NEVER,
		.hw	= TMIGR_NEVER,
		.rng	= seed,
	};
	pthread_mutex_init(&v->lock, NULL);
	tmigr_core_init_cpu(&v->tmc, cpu);
}

/**
 * vcpu_wake() - Let a sleeping CPU look why it was woken
 * @v:		the CPU
 */
void vcpu_wake(struct vcpu *v)
{
	__atomic_fetch_add(&v->word, 1, __ATOMIC_RELAXED);
	syscall(SYS_futex, &v->word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/**
 * vcpu_kick() - Send an interrupt to a CPU
 * @v:		the CPU
 * @kick:	KICK_*
 */
void vcpu_kick(struct vcpu *v, u32 kick)
{
	__atomic_fetch_or(&v->kick, kick, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	vcpu_wake(v);
}

/*
 * Wait until @done(). The release and the acquire pair with the main thread's,
 * which reads what this thread left; it does neither in PHASE_RUN.
 */
static void vcpu_rest(struct vcpu *v, bool (*done)(struct vcpu *v))
{
	u32 word;

	poke(&v->rests, v->rests + 1);
	__atomic_store_n(&v->resting, true, __ATOMIC_RELEASE);

	for (;;) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		word = peek(&v->word);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (done(v))
			break;
		syscall(SYS_futex, &v->word, FUTEX_WAIT_PRIVATE, word, NULL, NULL, 0);
	}

	poke(&v->resting, false);
	(void)__atomic_load_n(&round_now.checked, __ATOMIC_ACQUIRE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* --- Softirq ---------------------------------------------------------------- */

static void vcpu_run_timers(struct vcpu *v, u64 now)
{
	if (v->pinned <= now)
		poke(&v->pinned, TMIGR_NEVER);
	tmigr_host_expire(v->tmc.cpu);
	tmigr_core_pull(&v->tmc, now);
}

static bool vcpu_own_due(struct vcpu *v, u64 now)
{
	bool due;

	pthread_mutex_lock(&v->lock);
	due = v->pinned <= now || host_first(v) <= now;
	pthread_mutex_unlock(&v->lock);

	return due;
}

static void vcpu_tick(struct vcpu *v)
{
	u64 now = stress_now();

	if (now == v->last_tick)
		return;

	v->last_tick = now;
	if (vcpu_own_due(v, now) || tmigr_core_must_pull(&v->tmc, now))
		vcpu_run_timers(v, now);
}

/* --- Timers ----------------------------------------------------------------- */

static void vcpu_arm_timer(struct vcpu *v)
{
	u64 exp = stress_expiry(&v->rng);

	if (stress_chance(&v->rng, 8)) {
		poke(&v->pinned, exp);
		return;
	}

	pthread_mutex_lock(&v->lock);
	host_arm(v, stress_random(&v->rng) % STRESS_TIMERS, exp);
	pthread_mutex_unlock(&v->lock);
}

static void vcpu_cancel_timer(struct vcpu *v)
{
	unsigned int nr_cpus = peek(&round_now.nr_attached);
	struct vcpu *victim = v;

	if (stress_chance(&v->rng, 3))
		victim = &round_now.cpu[stress_random(&v->rng) % nr_cpus];

	pthread_mutex_lock(&victim->lock);
	host_cancel(victim, stress_random(&v->rng) % STRESS_TIMERS);
	pthread_mutex_unlock(&victim->lock);
}

/* --- Hotplug ---------------------------------------------------------------- */

static void vcpu_join(struct vcpu *v)
{
	pthread_mutex_lock(&round_now.hotplug);
	pthread_mutex_lock(&v->lock);
	tmigr_core_join(&v->tmc, false);
	pthread_mutex_unlock(&v->lock);
	pthread_mutex_unlock(&round_now.hotplug);
}

/* Let somebody who is available leave idle, and so become responsible */
static void vcpu_bequeath(struct vcpu *v)
{
	unsigned int cpu, nr_cpus = peek(&round_now.nr_attached);

	v->counts[COUNT_ORPHANED]++;
	for (cpu = 0; cpu < nr_cpus; cpu++) {
		if (READ_ONCE(round_now.cpu[cpu].tmc.available)) {
			vcpu_kick(&round_now.cpu[cpu], KICK_WAKE);
			return;
		}
	}
}

static void vcpu_leave(struct vcpu *v)
{
	u64 orphaned;

	pthread_mutex_lock(&round_now.hotplug);
	pthread_mutex_lock(&v->lock);
	orphaned = tmigr_core_leave(&v->tmc);
	pthread_mutex_unlock(&v->lock);
	if (orphaned != TMIGR_NEVER)
		vcpu_bequeath(v);
	pthread_mutex_unlock(&round_now.hotplug);

	v->counts[COUNT_LEFT]++;
}

/* --- Active ----------------------------------------------------------------- */

static void vcpu_do_something(struct vcpu *v)
{
	switch (stress_random(&v->rng) % 32) {
	case 0 ... 7:
		vcpu_arm_timer(v);
		break;
	case 8 ... 11:
		vcpu_cancel_timer(v);
		break;
	case 12:
		if (stress_chance(&v->rng, 4))
			v->tmc.available ? vcpu_leave(v) : vcpu_join(v);
		break;
	case 13:
		usleep(stress_random(&v->rng) % 200);
		break;
	default:
		sched_yield();
	}
}

static void vcpu_run(struct vcpu *v)
{
	unsigned int n = 1 + stress_random(&v->rng) % 24;

	do {
		vcpu_tick(v);
		if (stress_phase() == PHASE_RUN)
			vcpu_do_something(v);
	} while (--n && stress_phase() == PHASE_RUN);
}

static bool vcpu_park_ends(struct vcpu *v)
{
	return stress_phase() != PHASE_PARK;
}

static void vcpu_park(struct vcpu *v)
{
	poke(&v->parked, true);
	vcpu_rest(v, vcpu_park_ends);
	poke(&v->parked, false);
}

/* --- Idle ------------------------------------------------------------------- */

static bool vcpu_sleep_ends(struct vcpu *v)
{
	return peek(&v->hw) <= stress_now() || peek(&v->kick) || stress_phase() == PHASE_QUIT;
}

static void vcpu_program(struct vcpu *v, u64 exp)
{
	poke(&v->hw, min(exp, v->pinned));
}

static void vcpu_enter_idle(struct vcpu *v)
{
	pthread_mutex_lock(&v->lock);
	if (stress_chance(&v->rng, 4))
		tmigr_core_quick_check(&v->tmc, host_nextexp(v));
	v->idle = true;
	vcpu_program(v, tmigr_core_deactivate(&v->tmc, host_nextexp(v)));
	pthread_mutex_unlock(&v->lock);
	v->counts[COUNT_IDLE]++;
}

static void vcpu_stay_idle(struct vcpu *v)
{
	pthread_mutex_lock(&v->lock);
	vcpu_program(v, tmigr_core_new_timer(&v->tmc, host_nextexp(v)));
	pthread_mutex_unlock(&v->lock);
}

static void vcpu_leave_idle(struct vcpu *v)
{
	pthread_mutex_lock(&v->lock);
	v->idle = false;
	pthread_mutex_unlock(&v->lock);
	tmigr_core_activate(&v->tmc, true);
	poke(&v->hw, TMIGR_NEVER);
}

/* The interrupt that ended the sleep. Returns true when the CPU has to leave idle */
static bool vcpu_interrupt(struct vcpu *v)
{
	u32 kick = __atomic_exchange_n(&v->kick, 0, __ATOMIC_RELAXED);
	u64 now = stress_now();

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	v->counts[COUNT_KICKED] += !!kick;
	v->counts[COUNT_WAKEUPS] += v->hw <= now;

	if (stress_phase() == PHASE_RUN && stress_chance(&v->rng, 3))
		vcpu_arm_timer(v);
	if (v->hw <= now || tmigr_core_must_pull(&v->tmc, now))
		vcpu_run_timers(v, now);

	return kick & KICK_WAKE;
}

static void vcpu_idle(struct vcpu *v)
{
	bool leave;

	vcpu_enter_idle(v);

	for (;;) {
		vcpu_rest(v, vcpu_sleep_ends);
		if (stress_phase() == PHASE_QUIT)
			return;

		leave = vcpu_interrupt(v);
		if (leave || stress_chance(&v->rng, 2))
			break;

		vcpu_stay_idle(v);
	}

	vcpu_leave_idle(v);
}

/**
 * vcpu_main() - A virtual CPU's thread, from being attached to the round's end
 * @arg:	the CPU
 *
 * Return: NULL.
 */
void *vcpu_main(void *arg)
{
	struct vcpu *v = arg;

	this_vcpu = v;
	perturb_rng = stress_random(&v->rng);
	vcpu_join(v);

	while (stress_phase() != PHASE_QUIT) {
		vcpu_run(v);
		if (stress_phase() == PHASE_PARK)
			vcpu_park(v);
		else
			vcpu_idle(v);
	}

	return NULL;
}
