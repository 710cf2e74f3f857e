/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Model checker of the timer migration core: what its files share
 *
 *	main.c		options, one process per scenario, the table of results
 *	scenarios.c	what the CPUs do
 *	explore.c	which CPU goes next: exhaustive, bounded, random, replay
 *	vcpu.c		virtual CPUs as coroutines, and the hooks of the shims
 *	host.c		a small timer wheel and clock event device per CPU
 *	check.c		the invariants, and the epilogue after the scripts
 *	report.c	names of objects, the table of a schedule
 */
#ifndef MC_H
#define MC_H

#include "tmigr_core.h"

#define MC_CPUS			4
#define MC_GROUPS		10
#define MC_TIMERS		12
#define MC_OPS			8
#define MC_SETUP		16
#define MC_DEPTH		4000

/* --- Scenarios -------------------------------------------------------------- */

enum mc_kind {
	MC_END,
	MC_IDLE,
	MC_WAKE,
	MC_ADD,
	MC_ADD_PINNED,
	MC_DEL,
	MC_TICK,
	MC_ADVANCE,
	MC_ATTACH,
	MC_ATTACH_NOMEM,
	MC_JOIN,
	MC_LEAVE,
	MC_QUICK,
	MC_SET_ARM,
};

/**
 * struct mc_op - One thing that a CPU does
 * @kind:	enum mc_kind
 * @cpu:	in a setup: the CPU that does it
 * @target:	the CPU that it is about, for MC_ATTACH and MC_SET_ARM
 * @arm:	enum tmigr_arm for MC_SET_ARM
 * @wakes:	MC_ADD: the callback wakes a task on the CPU that added the timer
 * @rearm:	MC_ADD: the callback starts the timer once more, so many ticks on
 * @stays:	MC_ADD: on the CPU where it was queued, not where the callback runs
 * @exp:	time, or expiry
 */
struct mc_op {
	u8		kind;
	u8		cpu;
	u8		target;
	u8		arm;
	u8		wakes;
	u8		rearm;
	u8		stays;
	u64		exp;
};

/**
 * enum mc_nest - What happens to a CPU each time it runs timers in a pull
 * @MC_NEST_NONE:	nothing
 * @MC_NEST_IDLE:	it goes idle (its tick is stopped by a nested interrupt)
 * @MC_NEST_TOGGLE:	the same, or it leaves idle if it was idle
 * @MC_NEST_SLEEP:	the same before and after (it sleeps on a lock)
 * @MC_NEST_LEAVE:	it leaves the hierarchy (it sleeps on a lock meanwhile)
 */
enum mc_nest { MC_NEST_NONE, MC_NEST_IDLE, MC_NEST_TOGGLE, MC_NEST_SLEEP, MC_NEST_LEAVE };

/**
 * struct mc_scenario - CPUs and what they do
 * @name:	the hazard, or what it is about
 * @about:	one line
 * @cpus:	CPUs that take part, and are active, before @setup
 * @later:	CPUs that exist beyond, for MC_ATTACH
 * @arm:	enum tmigr_arm of all CPUs
 * @nest:	enum mc_nest
 * @tick_stopped: CPUs that leave while they are idle stay so
 * @stuck:	CPU that takes no tick in the end, while others have to help, + 1
 * @preemptions: bound for spaces which are too large, 0: none
 * @node:	per CPU, its node; all 0: one node for all
 * @node_levels: per node, as for tmigr_tree_init(); 0 stands for 1
 * @setup:	done in this order before the CPUs run
 * @script:	per CPU, what it does then
 */
struct mc_scenario {
	const char	*name;
	const char	*about;
	u8		cpus;
	u8		later;
	u8		arm;
	u8		nest;
	u8		tick_stopped;
	u8		stuck;
	u8		preemptions;
	u8		node[MC_CPUS];
	u8		node_levels[MC_CPUS];
	struct mc_op	setup[MC_SETUP];
	struct mc_op	script[MC_CPUS][MC_OPS];
};

extern const struct mc_scenario mc_scenarios[];
extern const unsigned int mc_nr_scenarios;

/* --- The world: everything that a schedule changes -------------------------- */

/**
 * struct mc_timer - A global timer
 * @exp:	expiry, KTIME_MAX while it is not queued
 * @base:	CPU on which it is queued, under whose base lock all this is
 * @rearm:	see struct mc_op; 0 when done
 * @stays:	see struct mc_op
 * @waker:	CPU to be woken + 1, or 0
 * @started:	how often it was queued
 * @ended:	how often it expired or was cancelled
 */
struct mc_timer {
	u64	exp;
	u8	base;
	u8	rearm;
	u8	stays;
	u8	waker;
	u8	started;
	u8	ended;
};

/**
 * struct mc_host - What a CPU has beside its entry in the hierarchy
 * @armed:	expiry of the clock event device, KTIME_MAX when it is off
 * @pinned:	expiry of its pinned timer
 * @lock:	timer base lock
 * @idle:	the CPU is idle
 * @kicked:	somebody wants it to leave idle
 */
struct mc_host {
	u64	armed;
	u64	pinned;
	int	lock;
	bool	idle;
	bool	kicked;
};

/**
 * struct mc_hash - 128 bits
 * @low:	the lower half
 * @high:	the upper half
 */
struct mc_hash {
	u64	low;
	u64	high;
};

/**
 * struct mc_vcpu - A virtual CPU
 * @sp:		its stack pointer while it does not run
 * @local:	hash of its stack, which is all of its private state
 * @want:	the lock it waits for, or is about to take
 * @addr:	what it is going to access next
 * @kind:	how
 * @pc:		index into its script
 * @inside:	it is inside an operation
 * @fresh:	it has not accessed anything in this operation yet
 * @done:	its script is over
 */
struct mc_vcpu {
	void			*sp;
	struct mc_hash		local;
	int			*want;
	const volatile void	*addr;
	u8			kind;
	u8			pc;
	bool			inside;
	bool			fresh;
	bool			done;
};

/**
 * struct mc_world - All memory that CPUs share, and their own state
 * @now:	time of the last jiffies update
 * @mutex:	the topology's mutex
 * @nr_groups:	groups in use, the last member is copied and hashed so far
 * @tree:	the hierarchy
 * @timer:	all timers
 * @host:	per CPU, its timer base and clock event device
 * @vcpu:	per CPU, its coroutine
 * @tmc:	per CPU, its entry
 * @group:	the groups, in the order in which they were made
 *
 * There is one, at one address: pointers stay valid when it is copied back.
 */
struct mc_world {
	u64			now;
	int			mutex;
	u32			nr_groups;
	struct tmigr_tree	tree;
	struct mc_timer		timer[MC_TIMERS];
	struct mc_host		host[MC_CPUS];
	struct mc_vcpu		vcpu[MC_CPUS];
	struct tmigr_cpu	tmc[MC_CPUS];
	struct tmigr_group	group[MC_GROUPS];
};

extern struct mc_world mc_world;

static inline size_t mc_world_size(void)
{
	return offsetof(struct mc_world, group) +
	       mc_world.nr_groups * sizeof(struct tmigr_group);
}

/* --- One run of the program -------------------------------------------------- */

/**
 * struct mc_run - What is being done; not part of a schedule
 * @scenario:	the scenario
 * @nr_cpus:	its CPUs, with those that come later
 * @cpu:	the virtual CPU that runs now
 * @kicks:	CPUs may be kicked
 * @direct:	CPUs are not coroutines now: setup, checks, epilogue
 * @silent:	a check uses the core: not a part of what happens
 * @trace:	print what happens
 * @ready:	the setup is done, schedules start from here
 * @failed:	a virtual CPU has called mc_fail()
 * @accesses:	made by the operation that runs directly
 * @depth:	how many CPUs were chosen so far
 * @choice:	which
 */
struct mc_run {
	const struct mc_scenario	*scenario;
	unsigned int			nr_cpus;
	unsigned int			cpu;
	bool				kicks;
	bool				direct;
	bool				silent;
	bool				trace;
	bool				ready;
	bool				failed;
	unsigned int			accesses;
	unsigned int			depth;
	u8				choice[MC_DEPTH];
};

extern struct mc_run mc;

/**
 * struct mc_options - From the command line
 * @preemptions: bound, -1: none
 * @random:	so many random schedules instead of a search
 * @seed:	for these
 * @max_states:	give up the search then, 0: never
 * @rerun:	go back by running again from the start, not by copying stacks
 * @reduce:	do not branch where no other CPU can interfere
 * @verbose:	progress
 */
struct mc_options {
	int	preemptions;
	u64	random;
	u64	seed;
	u64	max_states;
	bool	rerun;
	bool	reduce;
	bool	verbose;
};

/**
 * struct mc_result - What a search found out
 * @states:	distinct states
 * @schedules:	complete ones, or cut short where they met a known state
 * @ends:	distinct states in which all scripts are over; no reduction changes this
 * @depth:	steps of the longest
 * @exhausted:	there is nothing else
 */
struct mc_result {
	u64		states;
	u64		schedules;
	u64		ends;
	unsigned int	depth;
	bool		exhausted;
};

/* vcpu.c */
void mc_vcpu_start_all(void);
void mc_vcpu_step(unsigned int cpu);
bool mc_vcpu_can_run(unsigned int cpu);
size_t mc_vcpu_stack_used(unsigned int cpu);
void mc_vcpu_stack_save(unsigned int cpu, u64 *to);
void mc_vcpu_stack_restore(unsigned int cpu, const u64 *from);
void mc_hash_init(void);
struct mc_hash mc_hash(const void *from, size_t nr);
void mc_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* host.c */
void mc_host_setup(void);
void mc_host_do(const struct mc_op *op);
bool mc_host_kicked(void);
u64 mc_host_first(unsigned int cpu);

/* check.c */
void mc_check_step(void);
void mc_check_quiet(void);
bool mc_is_quiet(void);
void mc_epilogue(void);

/* explore.c */
#define MC_TOUCHED_READ		1
#define MC_TOUCHED_WRITE	2

void mc_touched(const volatile void *addr, unsigned int how);
struct mc_result mc_explore(const struct mc_options *options);
void mc_replay(void);
void mc_play_again(void);

/* report.c */
void mc_report(const char *what) __attribute__((noreturn));
void mc_report_op(const struct mc_op *op);
void mc_report_access(const volatile void *addr, unsigned int size, u64 value,
		      enum tmt_kind kind, const char *func);
void mc_report_lock(const int *lock, bool taken, const char *func);
void mc_report_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *mc_op_name(const struct mc_op *op);
const char *mc_time(u64 time);

#endif
