// SPDX-License-Identifier: GPL-2.0-only
/*
 * Virtual CPUs: coroutines on one thread, and the hooks of the shims
 *
 * A step is what a CPU does from one access to shared memory up to, and not
 * including, the next. Releasing a lock is part of the step before: others can
 * only be enabled by it, and what they do then is a step of their own.
 *
 * All of a CPU's private state is on its stack, registers included while it
 * does not run. The stack's hash is thus the state's; what is left over below
 * the stack pointer is cleared before a step so that it cannot get into it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mc.h"
#include "mc_names.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define mc_unpoison(addr, size)	__asan_unpoison_memory_region(addr, size)
#else
#define mc_unpoison(addr, size)	((void)0)
#endif

/* The stacks are looked at as a whole, redzones included */
#define mc_raw			__attribute__((no_sanitize("address"), __noinline__))

#define MC_STACK_WORDS		(64 * 1024 / sizeof(u64))
#define MC_STACK_CLEAR		(1536 / sizeof(u64))
#define MC_DIRECT_MAX		3000
#define MC_OWNER_DIRECT		100

#ifndef __x86_64__
#error "vcpu.c: mc_switch() is written for x86-64 only"
#endif

void mc_switch(void **save, void *load);

asm(".text\n"
	".globl mc_switch\n"
	".type mc_switch, @function\n"
	"mc_switch:\n"
	"	pushq %rbp\n"
	"	pushq %rbx\n"
	"	pushq %r12\n"
	"	pushq %r13\n"
	"	pushq %r14\n"
	"	pushq %r15\n"
	"	movq %rsp, (%rdi)\n"
	"	movq %rsi, %rsp\n"
	"	popq %r15\n"
	"	popq %r14\n"
	"	popq %r13\n"
	"	popq %r12\n"
	"	popq %rbx\n"
	"	popq %rbp\n"
	"	ret\n"
	".size mc_switch, . - mc_switch\n");

struct mc_world mc_world __attribute__((aligned(64)));
struct mc_run mc;
enum tmt_kind mc_kind;
const char *mc_caller;

static u64 mc_stack[MC_CPUS][MC_STACK_WORDS] __attribute__((aligned(64)));
static void *mc_scheduler;
static char mc_failure[512];

/* --- Stacks ------------------------------------------------------------------ */

static u64 *mc_stack_top(unsigned int cpu)
{
	return mc_stack[cpu] + MC_STACK_WORDS;
}

/**
 * mc_vcpu_stack_used() - Size of a CPU's private state
 * @cpu:	the CPU, which does not run
 *
 * Return: number of words.
 */
size_t mc_vcpu_stack_used(unsigned int cpu)
{
	return mc_stack_top(cpu) - (u64 *)mc_world.vcpu[cpu].sp;
}

/**
 * mc_vcpu_stack_save() - Copy the private state of a CPU
 * @cpu:	the CPU, which does not run
 * @to:		where to, mc_vcpu_stack_used() words
 */
mc_raw void mc_vcpu_stack_save(unsigned int cpu, u64 *to)
{
	const volatile u64 *from = mc_world.vcpu[cpu].sp;
	size_t word, nr = mc_vcpu_stack_used(cpu);

	for (word = 0; word < nr; word++)
		to[word] = from[word];
}

/**
 * mc_vcpu_stack_restore() - Go back to a private state
 * @cpu:	the CPU, whose stack pointer was set back already
 * @from:	what mc_vcpu_stack_save() has written
 */
mc_raw void mc_vcpu_stack_restore(unsigned int cpu, const u64 *from)
{
	size_t word, nr = mc_vcpu_stack_used(cpu);
	volatile u64 *to = mc_world.vcpu[cpu].sp;

	/* Frames that were given up have left their redzones behind */
	mc_unpoison(mc_stack[cpu], sizeof(mc_stack[cpu]));
	for (word = 0; word < nr; word++)
		to[word] = from[word];
}

static mc_raw void mc_stack_clear(unsigned int cpu)
{
	volatile u64 *word = mc_world.vcpu[cpu].sp;
	unsigned int i;

	for (i = 0; i < MC_STACK_CLEAR; i++)
		*--word = 0;
}

#define MC_HASH_MAX		(sizeof(struct mc_world) / sizeof(u64) + MC_STACK_WORDS)

static u64 mc_key[MC_HASH_MAX + 2];

/**
 * mc_hash_init() - Draw the keys of mc_hash()
 */
void mc_hash_init(void)
{
	u64 state = 0x9e3779b97f4a7c15;
	size_t word;

	for (word = 0; word < MC_HASH_MAX + 2; word++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		mc_key[word] = state * 0x2545f4914f6cdd1d;
	}
}

/**
 * mc_hash() - Hash words
 * @from:	the words
 * @nr:		how many
 *
 * A sum of products with keys per position (NH): fast, and two given inputs
 * collide with a probability of 2^-64.
 *
 * Return: 128 bits.
 */
mc_raw struct mc_hash mc_hash(const void *from, size_t nr)
{
	unsigned __int128 sum = nr;
	const u64 *word = from;
	size_t i;

	for (i = 0; i + 1 < nr; i += 2)
		sum += (unsigned __int128)(word[i] + mc_key[i]) * (word[i + 1] + mc_key[i + 1]);
	if (i < nr)
		sum += (unsigned __int128)(word[i] + mc_key[i]) * mc_key[i + 1];

	return (struct mc_hash) { .low = sum, .high = sum >> 64 };
}

/* --- Failure ------------------------------------------------------------------ */

static void mc_yield(void)
{
	mc_switch(&mc_world.vcpu[mc.cpu].sp, mc_scheduler);
}

/**
 * mc_fail() - An invariant does not hold
 * @format:	which, as for printf()
 *
 * Does not return; for a virtual CPU the report is left to the scheduler, whose
 * stack it needs.
 */
void mc_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(mc_failure, sizeof(mc_failure), format, args);
	va_end(args);

	if (mc.direct)
		mc_report(mc_failure);

	mc.failed = true;
	for (;;)
		mc_yield();
}

/**
 * mc_warn() - A WARN_ON_ONCE() of the core
 * @text:	the condition
 * @file:	where
 * @line:	where
 */
void mc_warn(const char *text, const char *file, int line)
{
	const char *slash = strrchr(file, '/');

	mc_fail("WARN_ON_ONCE(%s) at %s:%d", text, slash ? slash + 1 : file, line);
}

/* --- Hooks --------------------------------------------------------------------- */

static void mc_count_direct(void)
{
	if (++mc.accesses > MC_DIRECT_MAX)
		mc_fail("livelock: %u accesses without an end", MC_DIRECT_MAX);
}

/* The first access of an operation needs no choice: its start was one */
static void mc_maybe_yield(const volatile void *addr, enum tmt_kind kind, int *lock)
{
	struct mc_vcpu *vcpu = &mc_world.vcpu[mc.cpu];

	vcpu->want = lock;
	vcpu->addr = addr;
	vcpu->kind = kind;
	if (!vcpu->fresh || (lock && *lock)) {
		vcpu->fresh = false;
		mc_yield();
	}
	vcpu->fresh = false;
	vcpu->want = NULL;
	vcpu->addr = NULL;
	mc_touched(addr, kind == TMT_READ ? MC_TOUCHED_READ : MC_TOUCHED_WRITE);
}

static const char *mc_func;

/**
 * mc_before() - Another CPU may run before this access
 * @addr:	what is accessed
 * @kind:	how
 * @func:	by whom
 */
void mc_before(const volatile void *addr, enum tmt_kind kind, const char *func)
{
	const char *caller = mc_caller;

	mc_caller = NULL;
	if (mc.silent || kind == TMT_FENCE)
		return;
	if (mc.direct)
		mc_count_direct();
	else
		mc_maybe_yield(addr, kind, NULL);

	mc_func = caller ? caller : func;
	mc_kind = kind;
}

/**
 * mc_after() - The access has been made
 * @addr:	what was accessed
 * @size:	its size
 * @value:	what was read
 * @kind:	how
 */
void mc_after(const volatile void *addr, unsigned int size, u64 value, enum tmt_kind kind)
{
	if (mc.trace && !mc.silent)
		mc_report_access(addr, size, value, kind, mc_func);
}

/**
 * mc_lock() - Take a lock
 * @lock:	the lock
 * @func:	who takes it
 *
 * A CPU that has to wait is not chosen until the lock is free.
 */
void mc_lock(int *lock, const char *func)
{
	if (mc.silent)
		return;

	if (mc.direct) {
		mc_count_direct();
		if (*lock)
			mc_fail("deadlock: %s() waits for a lock that is never released", func);
		*lock = MC_OWNER_DIRECT;
	} else {
		mc_maybe_yield(lock, TMT_RMW, lock);
		*lock = mc.cpu + 1;
	}

	if (mc.trace)
		mc_report_lock(lock, true, func);
}

/**
 * mc_unlock() - Release a lock
 * @lock:	the lock
 */
void mc_unlock(int *lock)
{
	if (mc.silent)
		return;
	if (*lock != (mc.direct ? MC_OWNER_DIRECT : (int)mc.cpu + 1))
		mc_fail("a lock is released by somebody who does not hold it");

	*lock = 0;
	if (mc.trace)
		mc_report_lock(lock, false, NULL);
}

/**
 * mc_assert_held() - A lock has to be held
 * @lock:	the lock
 * @func:	who relies on it
 */
void mc_assert_held(const int *lock, const char *func)
{
	if (!mc.silent && *lock != (mc.direct ? MC_OWNER_DIRECT : (int)mc.cpu + 1))
		mc_fail("%s() is called without the lock it needs", func);
}

/* --- Running a script ------------------------------------------------------------ */

static bool mc_script_over(const struct mc_vcpu *vcpu)
{
	return vcpu->pc >= MC_OPS || !mc.scenario->script[mc.cpu][vcpu->pc].kind;
}

static void mc_vcpu_main(void)
{
	struct mc_vcpu *vcpu = &mc_world.vcpu[mc.cpu];

	while (!mc_script_over(vcpu)) {
		vcpu->inside = false;
		vcpu->fresh = true;
		mc_yield();
		vcpu->inside = true;

		if (mc_host_kicked())
			continue;

		mc_host_do(&mc.scenario->script[mc.cpu][vcpu->pc]);
		vcpu->pc++;
	}

	vcpu->inside = false;
	vcpu->done = true;
	for (;;)
		mc_yield();
}

/**
 * mc_vcpu_start_all() - Bring all CPUs to the start of their scripts
 */
void mc_vcpu_start_all(void)
{
	unsigned int cpu;
	u64 *top;

	for (cpu = 0; cpu < mc.nr_cpus; cpu++) {
		top = mc_stack_top(cpu);
		/* Six registers, where to go, and a return address for alignment */
		memset(top - 8, 0, 8 * sizeof(*top));
		top[-2] = (u64)mc_vcpu_main;
		mc_world.vcpu[cpu].sp = top - 8;
		mc_vcpu_step(cpu);
	}
}

/**
 * mc_vcpu_can_run() - Whether a CPU can make a step
 * @cpu:	the CPU
 *
 * Return: false when it waits for a lock or to be attached, or is through.
 */
bool mc_vcpu_can_run(unsigned int cpu)
{
	const struct mc_vcpu *vcpu = &mc_world.vcpu[cpu];

	if (vcpu->done)
		return false;
	if (vcpu->want)
		return !*vcpu->want;
	if (!vcpu->inside && mc.scenario->script[cpu][vcpu->pc].kind == MC_JOIN)
		return mc_world.tmc[cpu].leaf;

	return true;
}

/**
 * mc_vcpu_step() - Let a CPU make a step
 * @cpu:	the CPU
 */
void mc_vcpu_step(unsigned int cpu)
{
	struct mc_vcpu *vcpu = &mc_world.vcpu[cpu];

	mc.cpu = cpu;
	mc.direct = false;
	mc_stack_clear(cpu);
	mc_switch(&mc_scheduler, vcpu->sp);
	mc.direct = true;
	mc.accesses = 0;

	if (mc.failed)
		mc_report(mc_failure);

	vcpu->local = mc_hash(vcpu->sp, mc_vcpu_stack_used(cpu));
}
