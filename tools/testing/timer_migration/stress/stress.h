/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The timer migration core under real threads
 *
 * One thread per virtual CPU does what the kernel does with the core, in random
 * order: timers are armed, cancelled and re-armed by their callbacks, the CPU
 * goes idle, sleeps until its clock event device fires or it is disturbed,
 * pulls, leaves and joins. The main thread is the clock, attaches further CPUs
 * while the others run, and changes who wakes for whom.
 *
 * A run consists of short rounds, each with a new hierarchy of another shape.
 * A round has three phases:
 *
 *	run	everybody does everything
 *	park	the threads stop where they are, active or idle, the clock
 *		stands: the hierarchy is checked at rest
 *	drain	all go idle, no timer is armed any more. Whenever all sleep, the
 *		hierarchy is checked again and the clock is set to when the
 *		first device fires, until none is armed: then no timer may be
 *		left
 *
 *	stress.c	options, rounds, the clock, the summary
 *	vcpu.c		a virtual CPU's thread
 *	host.c		timers, and what the core borrows from its host
 *	rest.c		the invariants at rest, the dump of a failure
 */
#ifndef STRESS_H
#define STRESS_H

#include "tmigr_core.h"

#define STRESS_MIN_CPUS		4
#define STRESS_MAX_CPUS		16
#define STRESS_MAX_NODES	4
#define STRESS_MAX_GROUPS	256
#define STRESS_TIMERS		6

/*
 * Timers expire less than so many ticks ahead: most of them soon, so that CPUs
 * get into each other's way, some as far as a timer wheel reaches.
 */
#define STRESS_NEAR		12
#define STRESS_FAR		BIT(30)

/* How many ticks behind its expiry a timer is counted as late */
#define STRESS_LATE		8

enum phase { PHASE_RUN, PHASE_PARK, PHASE_DRAIN, PHASE_QUIT };

/* What a sleeping CPU may be disturbed by */
#define KICK_DEVICE		1U	/* an interrupt of some device */
#define KICK_WAKE		2U	/* something to run: it has to leave idle */

/**
 * enum timer_state - What a timer is about to do
 * @TIMER_OFF:		nothing
 * @TIMER_ARMED:	queued
 * @TIMER_COLLECTED:	taken out to be run, as expire_timers() does; can still
 *			be cancelled
 */
enum timer_state { TIMER_OFF, TIMER_ARMED, TIMER_COLLECTED };

/**
 * struct timer - A global timer of one CPU; under that CPU's lock
 * @state:	what it is about to do
 * @exp:	when it expires (ticks)
 * @armed:	how often it was armed
 * @expired:	how often its callback was called
 * @cancelled:	how often it was cancelled while armed
 */
struct timer {
	enum timer_state	state;
	u64			exp;
	u64			armed;
	u64			expired;
	u64			cancelled;
};

/**
 * enum count - What is counted
 * @COUNT_ARMED:	timers armed, also anew
 * @COUNT_EXPIRED:	callbacks called
 * @COUNT_REMOTE:	the same by another CPU than the timer's
 * @COUNT_CANCELLED:	timers cancelled, also to be armed anew
 * @COUNT_LATE:	callbacks called more than STRESS_LATE ticks late
 * @COUNT_IDLE:	CPUs gone idle
 * @COUNT_WAKEUPS:	sleeps that a clock event device ended
 * @COUNT_KICKED:	sleeps that a kick ended
 * @COUNT_LEFT:	CPUs gone
 * @COUNT_ORPHANED:	the same with an event that nobody was armed for
 * @COUNT_GROUPS:	groups made
 * @COUNT_GROWN:	new roots
 * @COUNT_CHECKS:	looks at the hierarchy at rest
 * @NR_COUNTS:	how many that are
 */
enum count {
	COUNT_ARMED,
	COUNT_EXPIRED,
	COUNT_REMOTE,
	COUNT_CANCELLED,
	COUNT_LATE,
	COUNT_IDLE,
	COUNT_WAKEUPS,
	COUNT_KICKED,
	COUNT_LEFT,
	COUNT_ORPHANED,
	COUNT_GROUPS,
	COUNT_GROWN,
	COUNT_CHECKS,
	NR_COUNTS,
};

/**
 * struct vcpu - A virtual CPU
 * @tmc:	its entry in the hierarchy
 * @lock:	its timer base lock
 * @timer:	its global timers, under @lock
 * @pinned:	expiry of its pinned timer (ticks) or TMIGR_NEVER; its own
 * @expiring:	somebody runs its timers, under @lock
 * @idle:	its tick is stopped, under @lock
 * @hw:		what its clock event device is armed for (ticks)
 * @word:	the futex it sleeps on, incremented by who wakes it
 * @kick:	KICK_* since it last looked
 * @resting:	it sleeps, or is parked
 * @parked:	it is active and waits for the end of PHASE_PARK
 * @rests:	how often it came to rest
 * @last_tick:	when it last looked at the clock (ticks); its own
 * @rng:	its random numbers; its own
 * @thread:	its thread
 * @node:	its node
 * @counts:	what it counted, by enum count; its own
 */
struct vcpu {
	struct tmigr_cpu	tmc;
	pthread_mutex_t		lock;
	struct timer		timer[STRESS_TIMERS];
	u64			pinned;
	bool			expiring;
	bool			idle;
	u64			hw;
	u32			word;
	u32			kick;
	bool			resting;
	bool			parked;
	u64			rests;
	u64			last_tick;
	u64			rng;
	pthread_t		thread;
	int			node;
	u64			counts[NR_COUNTS];
};

/**
 * struct round - The state of a round
 * @cpu:	the CPUs
 * @nr_cpus:	how many there will be
 * @nr_attached: how many there are; the first ones of @cpu
 * @nr_nodes:	nodes
 * @node_levels: for tmigr_tree_init()
 * @tree:	the hierarchy; main thread
 * @group:	all groups; main thread
 * @nr_groups:	how many
 * @hotplug:	one CPU joins or leaves at a time
 * @now:	the clock (ticks)
 * @phase:	enum phase
 * @checked:	written by the main thread after it looked at all of this
 * @nr:		number of the round
 * @seed:	its seed
 */
struct round {
	struct vcpu		cpu[STRESS_MAX_CPUS];
	unsigned int		nr_cpus;
	unsigned int		nr_attached;
	unsigned int		nr_nodes;
	u8			node_levels[STRESS_MAX_NODES];
	struct tmigr_tree	tree;
	struct tmigr_group	*group[STRESS_MAX_GROUPS];
	unsigned int		nr_groups;
	pthread_mutex_t		hotplug;
	u64			now;
	enum phase		phase;
	bool			checked;
	unsigned long long	nr;
	unsigned long long	seed;
};

/* Names that linux/compiler_attributes.h has for these */
#define __noreturn		__attribute__((__noreturn__))
#define __printf(format, args)	__attribute__((__format__(printf, format, args)))

extern struct round round_now;

/* The virtual CPU whose thread this is; NULL in the main thread */
extern __thread struct vcpu *this_vcpu;

/* What stress_perturb() dices with, 0 to leave this thread alone */
extern __thread u64 perturb_rng;

/*
 * The harness's own shared variables are relaxed atomics, and fences order
 * them: a stronger access would be synchronisation in ThreadSanitizer's eyes and
 * could hide what the core forgot.
 */
#define peek(p)			__atomic_load_n(p, __ATOMIC_RELAXED)
#define poke(p, v)		__atomic_store_n(p, v, __ATOMIC_RELAXED)

static inline u64 stress_now(void)
{
	return peek(&round_now.now);
}

static inline enum phase stress_phase(void)
{
	return peek(&round_now.phase);
}

/* stress.c */
u64 stress_random(u64 *state);
void __noreturn __printf(1, 2) stress_fail(const char *format, ...);

/* One in @n times true */
static inline bool stress_chance(u64 *rng, unsigned int n)
{
	return stress_random(rng) % n == 0;
}

/* When a timer that is armed now shall expire */
static inline u64 stress_expiry(u64 *rng)
{
	return stress_now() +
	       stress_random(rng) % (stress_chance(rng, 16) ? STRESS_FAR : STRESS_NEAR);
}

/* vcpu.c */
void vcpu_init(struct vcpu *v, unsigned int cpu, u64 seed);
void *vcpu_main(void *arg);
void vcpu_wake(struct vcpu *v);
void vcpu_kick(struct vcpu *v, u32 kick);

/* host.c */
void host_arm(struct vcpu *v, unsigned int nr, u64 exp);
void host_cancel(struct vcpu *v, unsigned int nr);
u64 host_first(struct vcpu *v);
u64 host_nextexp(struct vcpu *v);

/* rest.c */
void rest_check(void);
void rest_check_drained(void);
void rest_dump(void);

#endif
