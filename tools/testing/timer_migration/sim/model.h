/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel around an engine, as far as timers and idle CPUs are concerned
 *
 * model.c follows timer.c and tick-sched.c: a tick while a CPU is busy, none
 * while it is idle and nothing is due before the tick after next, the wheel's
 * rounding, the order in which an interrupt runs timers and asks the engine.
 * loads.c decides what CPUs do and which timers they arm.
 */
#ifndef SIM_MODEL_H
#define SIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "account.h"
#include "engine.h"

#define US		1000ULL
#define MS		1000000ULL
#define SECOND		1000000000ULL
#define MS_TO_TICKS(ms)	(((ms) + 3) / 4)

enum { BASE_LOCAL, BASE_GLOBAL, NR_BASES };

/**
 * struct timer - A timer of the wheel
 * @expires:	tick at which it is due, rounded as the wheel does
 * @fn:		called when it expires, on whatever CPU does so
 * @cpu:	whose it is
 * @slot:	place in the CPU's heap, when @queued
 * @base:	BASE_LOCAL when pinned
 * @queued:	armed
 * @period:	for @fn, in ticks
 * @task:	for @fn
 */
struct timer {
	uint64_t	expires;
	void		(*fn)(struct timer *timer);
	unsigned int	cpu;
	unsigned int	slot;
	uint8_t		base;
	bool		queued;
	uint32_t	period;
	struct task	*task;
};

/**
 * struct task - What a CPU runs when it is woken
 * @next:	in the CPU's queue
 * @done:	called on its CPU when it blocks again
 * @cpu:	where it runs
 * @run:	how long (ns), SIM_NEVER for ever
 * @queued:	woken and not done yet
 * @timer:	for @done
 */
struct task {
	struct task	*next;
	void		(*done)(struct task *task);
	unsigned int	cpu;
	uint64_t	run;
	bool		queued;
	struct timer	timer;
};

/**
 * struct params - What is not known from the kernel's source but measured
 * @keep_tick:	chance that an idle CPU needs its next tick yet (RCU), percent
 * @run:	mean time a woken thread runs (ns)
 * @noise:	wake-ups per second in the whole system by hrtimers and the like
 * @ipi:	time from a remote wake-up to the CPU's leaving idle (ns)
 * @latency:	greatest time from a timer's expiry to an idle CPU's interrupt (ns)
 */
struct params {
	unsigned int	keep_tick;
	uint64_t	run;
	unsigned int	noise;
	uint64_t	ipi;
	uint64_t	latency;
};

#define MAX_LATE	64
#define MAX_DEPTH	32

/**
 * struct stats - What is measured
 * @interrupts:	timer interrupts
 * @wakeups:	those that found the CPU idle with its tick stopped
 * @nothing:	those of @wakeups that expired and woke nothing
 * @kicks:	idle CPUs woken by others
 * @expired:	timers
 * @batches:	runs of one CPU's timers that expired at least one
 * @remote:	timers expired by another CPU
 * @late:	timers by ticks of delay, the last entry for more
 * @max_late:	ticks
 * @pairs:	per depth, a deactivation and the activation after it
 * @op_deactivate: cost by operation, from here on
 * @op_activate: cost
 * @op_new_timer: cost
 * @op_quick_check: cost
 * @op_must_pull: cost
 * @op_pull:	cost
 */
struct stats {
	uint64_t		interrupts;
	uint64_t		wakeups;
	uint64_t		nothing;
	uint64_t		kicks;
	uint64_t		expired;
	uint64_t		batches;
	uint64_t		remote;
	uint64_t		late[MAX_LATE + 1];
	uint64_t		max_late;
	struct account_cost	pairs[MAX_DEPTH + 1];
	struct account_cost	op_deactivate;
	struct account_cost	op_activate;
	struct account_cost	op_new_timer;
	struct account_cost	op_quick_check;
	struct account_cost	op_must_pull;
	struct account_cost	op_pull;
};

extern struct topology topology;
extern struct params params;
extern struct stats stats;

/* --- For loads ------------------------------------------------------------- */

uint64_t sim_now(void);
unsigned int sim_this_cpu(void);
uint64_t sim_random(void);
uint64_t sim_random_range(uint64_t from, uint64_t to);
uint64_t sim_random_exp(uint64_t mean);
bool sim_online(unsigned int cpu);
void timer_arm(struct timer *timer, unsigned int cpu, uint64_t ticks);
void timer_arm_at(struct timer *timer, unsigned int cpu, uint64_t jiffies);
void timer_cancel(struct timer *timer);
void task_wake(struct task *task);
void sim_device_at(unsigned int cpu, uint64_t when);
void sim_system_at(uint64_t when);
void sim_cpu_down(unsigned int cpu);
void sim_cpu_up(unsigned int cpu);

/* --- For main.c ------------------------------------------------------------ */

void sim_init(uint64_t seed);
void sim_run(uint64_t until);
void sim_reset_stats(void);
uint64_t sim_overdue(void);
double sim_gini(void);

/* --- loads.c --------------------------------------------------------------- */

/**
 * struct load - What happens on the machine
 * @name:	as given on the command line
 * @text:	one line about it
 * @init:	called once, at time 0
 * @device:	a device interrupts the CPU, see sim_device_at(); with the CPU's
 *		number
 * @system:	see sim_system_at()
 */
struct load {
	const char	*name;
	const char	*text;
	void		(*init)(unsigned int timers);
	void		(*device)(unsigned int cpu);
	void		(*system)(void);
};

extern const struct load loads[];
extern const struct load *load;

#endif
