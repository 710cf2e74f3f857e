// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timers of virtual CPUs, and what the core borrows from its host
 *
 * A timer belongs to one CPU for good, as one whose callback runs does in the
 * kernel. All that it does happens under that CPU's lock, except its callback.
 */
#include <sched.h>

#include "stress.h"

/**
 * host_arm() - Arm a timer, or change when it expires
 * @v:		the CPU, locked
 * @nr:		which timer
 * @exp:	expiry (ticks)
 *
 * Context: any virtual CPU.
 */
void host_arm(struct vcpu *v, unsigned int nr, u64 exp)
{
	struct timer *timer = &v->timer[nr];

	host_cancel(v, nr);
	timer->state = TIMER_ARMED;
	timer->exp = exp;
	timer->armed++;
	this_vcpu->counts[COUNT_ARMED]++;
}

/**
 * host_cancel() - Cancel a timer if it is armed
 * @v:		the CPU, locked
 * @nr:		which timer
 *
 * Context: any virtual CPU.
 */
void host_cancel(struct vcpu *v, unsigned int nr)
{
	struct timer *timer = &v->timer[nr];

	if (timer->state == TIMER_OFF)
		return;
	timer->state = TIMER_OFF;
	timer->cancelled++;
	this_vcpu->counts[COUNT_CANCELLED]++;
}

/**
 * host_first() - First global expiry of a CPU
 * @v:		the CPU, locked
 *
 * Context: any thread.
 *
 * Return: ticks, TMIGR_NEVER for none.
 */
u64 host_first(struct vcpu *v)
{
	u64 first = TMIGR_NEVER;
	unsigned int nr;

	for (nr = 0; nr < STRESS_TIMERS; nr++) {
		if (v->timer[nr].state == TIMER_ARMED)
			first = min(first, v->timer[nr].exp);
	}

	return first;
}

/**
 * host_nextexp() - First global expiry of a CPU unless it wakes before
 * @v:		the CPU, locked
 *
 * Context: any thread.
 *
 * Return: ticks, TMIGR_NEVER for none, or when the pinned timer comes first.
 */
u64 host_nextexp(struct vcpu *v)
{
	u64 first = host_first(v);

	return peek(&v->pinned) <= first ? TMIGR_NEVER : first;
}

/* Wake a task of the timer's CPU, re-arm this timer, or another one of the CPU that ran it */
static void host_callback(struct vcpu *v, unsigned int nr)
{
	struct vcpu *self = this_vcpu;
	bool unattended;
	u64 exp;

	if (stress_phase() != PHASE_RUN)
		return;

	exp = stress_expiry(&self->rng);

	if (stress_chance(&self->rng, 2))
		vcpu_kick(v, KICK_WAKE);

	if (stress_chance(&self->rng, 3)) {
		pthread_mutex_lock(&v->lock);
		host_arm(v, nr, exp);
		unattended = v->idle && !v->tmc.available;
		pthread_mutex_unlock(&v->lock);
		/*
		 * The core enters the new expiry when it has run the timers. Not
		 * for a CPU that has left meanwhile: nobody else looks after it.
		 */
		if (unattended)
			vcpu_kick(v, KICK_DEVICE);
	} else if (stress_chance(&self->rng, 3)) {
		pthread_mutex_lock(&self->lock);
		host_arm(self, stress_random(&self->rng) % STRESS_TIMERS, exp);
		pthread_mutex_unlock(&self->lock);
	}
}

static unsigned int host_collect(struct vcpu *v, u64 now)
{
	unsigned int nr, collected = 0;

	for (nr = 0; nr < STRESS_TIMERS; nr++) {
		if (v->timer[nr].state == TIMER_ARMED && v->timer[nr].exp <= now) {
			v->timer[nr].state = TIMER_COLLECTED;
			collected |= BIT(nr);
		}
	}

	return collected;
}

static void host_run_timer(struct vcpu *v, unsigned int nr, u64 now)
{
	u64 *counts = this_vcpu->counts;
	struct timer *timer = &v->timer[nr];

	/* Cancelled, and perhaps armed again, while it waited for its turn */
	if (timer->state != TIMER_COLLECTED)
		return;

	timer->state = TIMER_OFF;
	timer->expired++;
	counts[COUNT_EXPIRED]++;
	counts[COUNT_REMOTE] += v != this_vcpu;
	counts[COUNT_LATE] += now > timer->exp + STRESS_LATE;

	pthread_mutex_unlock(&v->lock);
	host_callback(v, nr);
	pthread_mutex_lock(&v->lock);
}

void tmigr_host_expire(unsigned int cpu)
{
	struct vcpu *v = &round_now.cpu[cpu];
	unsigned int collected;
	u64 now = stress_now();

	pthread_mutex_lock(&v->lock);
	if (v->expiring) {
		/* Who does it finishes sooner with the processor than without */
		pthread_mutex_unlock(&v->lock);
		sched_yield();
		return;
	}

	v->expiring = true;
	for (collected = host_collect(v, now); collected; collected &= collected - 1)
		host_run_timer(v, __ffs(collected), now);
	v->expiring = false;
	pthread_mutex_unlock(&v->lock);
}

bool tmigr_host_leaves_idle(unsigned int cpu)
{
	return peek(&round_now.cpu[cpu].kick) & KICK_WAKE;
}

void tmigr_host_lock(unsigned int cpu)
{
	pthread_mutex_lock(&round_now.cpu[cpu].lock);
}

void tmigr_host_unlock(unsigned int cpu)
{
	pthread_mutex_unlock(&round_now.cpu[cpu].lock);
}

u64 tmigr_host_next(unsigned int cpu, u64 now)
{
	struct vcpu *v = &round_now.cpu[cpu];
	u64 next = host_nextexp(v);

	/* What is due is not for the caller to run: who does asks again afterwards */
	return v->expiring ? max(next, now + 1) : next;
}
