// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of objects, and a schedule as a table: a column per CPU, a line per step
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mc.h"

#ifndef MC_FINGERPRINT
#define MC_FINGERPRINT	"0"
#endif

#define MC_COLUMN	38
#define MC_NAME		64

/* --- Names ----------------------------------------------------------------------- */

struct mc_member {
	size_t		offset;
	size_t		size;
	const char	*name;
};

#define MC_MEMBER(type, member) \
	{ offsetof(struct type, member), sizeof(((struct type *)0)->member), #member }

static const struct mc_member mc_group_members[] = {
	MC_MEMBER(tmigr_group, state),
	MC_MEMBER(tmigr_group, parent),
	MC_MEMBER(tmigr_group, keeper),
	MC_MEMBER(tmigr_group, keeper_exp),
	MC_MEMBER(tmigr_group, first),
	MC_MEMBER(tmigr_group, lock),
	MC_MEMBER(tmigr_group, exp),
	{ }
};

static const struct mc_member mc_cpu_members[] = {
	MC_MEMBER(tmigr_cpu, leaf),
	MC_MEMBER(tmigr_cpu, exp),
	MC_MEMBER(tmigr_cpu, wakeup),
	MC_MEMBER(tmigr_cpu, arm),
	MC_MEMBER(tmigr_cpu, score),
	MC_MEMBER(tmigr_cpu, available),
	MC_MEMBER(tmigr_cpu, idle),
	MC_MEMBER(tmigr_cpu, keeping),
	{ }
};

static const struct mc_member mc_host_members[] = {
	MC_MEMBER(mc_host, armed),
	MC_MEMBER(mc_host, pinned),
	MC_MEMBER(mc_host, lock),
	MC_MEMBER(mc_host, idle),
	MC_MEMBER(mc_host, kicked),
	{ }
};

static const char *mc_member_name(const struct mc_member *member, size_t offset)
{
	for (; member->name; member++) {
		if (offset >= member->offset && offset < member->offset + member->size)
			return member->name;
	}

	return "?";
}

static bool mc_within(const volatile void *addr, const void *object, size_t size, size_t *offset)
{
	*offset = (const volatile char *)addr - (const volatile char *)object;

	return *offset < size;
}

static void mc_group_name(char *name, const struct tmigr_group *group)
{
	unsigned int nr = 0;
	const struct tmigr_group *other;

	for (other = mc_world.group; other < group; other++)
		nr += other->level == group->level;
	if (group == mc_world.tree.root)
		snprintf(name, MC_NAME, "root");
	else
		snprintf(name, MC_NAME, "G%u.%u", group->level, nr);
}

static void mc_name(char *name, const volatile void *addr)
{
	char group[MC_NAME];
	size_t offset;

	snprintf(name, MC_NAME, "?");
	if (mc_within(addr, &mc_world.now, sizeof(u64), &offset)) {
		snprintf(name, MC_NAME, "now");
	} else if (mc_within(addr, &mc_world.mutex, sizeof(int), &offset)) {
		snprintf(name, MC_NAME, "topology.mutex");
	} else if (mc_within(addr, mc_world.group, sizeof(mc_world.group), &offset)) {
		mc_group_name(group, &mc_world.group[offset / sizeof(struct tmigr_group)]);
		snprintf(name, MC_NAME, "%.20s.%s", group,
			 mc_member_name(mc_group_members, offset % sizeof(struct tmigr_group)));
	} else if (mc_within(addr, mc_world.tmc, sizeof(mc_world.tmc), &offset)) {
		snprintf(name, MC_NAME, "cpu%zu.%s", offset / sizeof(struct tmigr_cpu),
			 mc_member_name(mc_cpu_members, offset % sizeof(struct tmigr_cpu)));
	} else if (mc_within(addr, mc_world.host, sizeof(mc_world.host), &offset)) {
		snprintf(name, MC_NAME, "host%zu.%s", offset / sizeof(struct mc_host),
			 mc_member_name(mc_host_members, offset % sizeof(struct mc_host)));
	}
}

/**
 * mc_time() - A time as text
 * @time:	the time
 *
 * Return: valid until the fourth next call.
 */
const char *mc_time(u64 time)
{
	static char text[4][24];
	static unsigned int next;
	char *this = text[next++ % 4];

	if (time == KTIME_MAX)
		return "never";
	snprintf(this, sizeof(text[0]), "%llu", (unsigned long long)time);

	return this;
}

static const char * const mc_op_names[] = {
	[MC_END]		= "end",
	[MC_IDLE]		= "IDLE",
	[MC_WAKE]		= "WAKE",
	[MC_ADD]		= "ADD",
	[MC_ADD_PINNED]		= "ADD_PINNED",
	[MC_DEL]		= "DEL",
	[MC_TICK]		= "TICK",
	[MC_ADVANCE]		= "ADVANCE",
	[MC_ATTACH]		= "ATTACH",
	[MC_ATTACH_NOMEM]	= "ATTACH_NOMEM",
	[MC_JOIN]		= "JOIN",
	[MC_LEAVE]		= "LEAVE",
	[MC_QUICK]		= "QUICK",
	[MC_SET_ARM]		= "SET_ARM",
};

/**
 * mc_op_name() - Name of an operation
 * @op:		the operation
 *
 * Return: as in scenarios.c.
 */
const char *mc_op_name(const struct mc_op *op)
{
	return mc_op_names[op->kind];
}

/* --- The table ------------------------------------------------------------------------ */

static void mc_line(const char *text, const char *func)
{
	unsigned int cpu;

	if (mc.depth && !mc.direct)
		printf("%4u ", mc.depth);
	else
		printf("     ");
	for (cpu = 0; cpu < mc.nr_cpus; cpu++)
		printf("| %-*s", MC_COLUMN - 2, cpu == mc.cpu ? text : "");
	printf("| %s\n", func ? func : "");
}

static void mc_table_head(void)
{
	unsigned int cpu;

	printf("\n%s: %s\n\nstep ", mc.scenario->name, mc.scenario->about);
	for (cpu = 0; cpu < mc.nr_cpus; cpu++)
		printf("| cpu%u%*s", cpu, MC_COLUMN - 6, "");
	printf("| function\n");
}

/**
 * mc_report_text() - A remark of the CPU that runs
 * @format:	as for printf()
 */
void mc_report_text(const char *format, ...)
{
	char text[128];
	va_list args;

	if (!mc.trace || mc.silent)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	mc_line(text, NULL);
}

/**
 * mc_report_op() - The CPU that runs begins an operation
 * @op:		the operation
 */
void mc_report_op(const struct mc_op *op)
{
	switch (op->kind) {
	case MC_ADD:
	case MC_ADD_PINNED:
	case MC_ADVANCE:
		mc_report_text("== %s(%s) ==", mc_op_name(op), mc_time(op->exp));
		break;
	case MC_ATTACH:
	case MC_ATTACH_NOMEM:
	case MC_SET_ARM:
		mc_report_text("== %s(%u) ==", mc_op_name(op), op->target);
		break;
	default:
		mc_report_text("== %s ==", mc_op_name(op));
	}
}

static bool mc_is_state(const char *name)
{
	const char *dot = strrchr(name, '.');

	return dot && !strcmp(dot, ".state");
}

/* A state word: active children, migrator, sequence number modulo 100 */
static void mc_value(char *text, const char *name, u64 value, unsigned int size)
{
	unsigned int migrator = value >> TMIGR_ACTIVE_BITS & TMIGR_NONE, slot;
	char active[TMIGR_FANOUT + 1] = "";
	char target[MC_NAME] = "NULL";

	if (mc_is_state(name)) {
		for (slot = 0; slot < TMIGR_FANOUT; slot++)
			active[slot] = value & BIT(slot) ? '0' + slot % 10 : '-';
		if (migrator == TMIGR_NONE)
			snprintf(text, MC_NAME, "%s m- s%02llu", active,
				 (unsigned long long)(value >> TMIGR_SEQ_SHIFT) % 100);
		else
			snprintf(text, MC_NAME, "%s m%u s%02llu", active, migrator,
				 (unsigned long long)(value >> TMIGR_SEQ_SHIFT) % 100);
	} else if (strstr(name, ".parent")) {
		if (value)
			mc_group_name(target, (const struct tmigr_group *)value);
		snprintf(text, MC_NAME, "%s", target);
	} else {
		snprintf(text, MC_NAME, "%s", mc_time(value));
	}
}

/**
 * mc_report_access() - The CPU that runs has accessed something
 * @addr:	what
 * @size:	its size
 * @value:	what was read
 * @kind:	how
 * @func:	in which function
 */
void mc_report_access(const volatile void *addr, unsigned int size, u64 value,
		      enum tmt_kind kind, const char *func)
{
	char name[MC_NAME], before[MC_NAME], after[MC_NAME], text[4 * MC_NAME];
	u64 now = 0;

	memcpy(&now, (const void *)addr, size);
	mc_name(name, addr);
	mc_value(before, name, value, size);
	mc_value(after, name, now, size);

	if (kind == TMT_READ)
		snprintf(text, sizeof(text), "%s: %s", name, before);
	else if (kind == TMT_WRITE)
		snprintf(text, sizeof(text), "%s = %s", name, after);
	else if (now == value)
		snprintf(text, sizeof(text), "%s: %s, no exchange", name, before);
	else
		snprintf(text, sizeof(text), "%s -> %s", name, after);
	mc_line(text, func);
}

/**
 * mc_report_lock() - The CPU that runs has taken or released a lock
 * @lock:	the lock
 * @taken:	or released
 * @func:	in which function
 */
void mc_report_lock(const int *lock, bool taken, const char *func)
{
	char name[MC_NAME], text[2 * MC_NAME];

	mc_name(name, lock);
	snprintf(text, sizeof(text), "%s %s", taken ? "lock" : "unlock", name);
	mc_line(text, func);
}

/* --- A violation -------------------------------------------------------------------------- */

static void mc_print_replay(unsigned int depth)
{
	unsigned int step, run;

	printf("%s@%s:", mc.scenario->name, MC_FINGERPRINT);
	for (step = 0; step < depth; step += run) {
		for (run = 1; step + run < depth; run++) {
			if (mc.choice[step + run] != mc.choice[step])
				break;
		}
		printf("%s%u*%u", step ? "," : "", mc.choice[step], run);
	}
	printf("\n");
}

/**
 * mc_report() - Print a violation, what has led to it, and exit
 * @what:	which invariant
 */
void mc_report(const char *what)
{
	char first[512];

	if (!mc.trace) {
		snprintf(first, sizeof(first), "%s", what);
		what = first;
		mc.trace = true;
		mc.direct = true;
		mc.silent = false;
		mc_table_head();
		mc_play_again();
	}
	printf("\n%s: VIOLATION: %s\n", mc.scenario->name, what);
	printf("replay: ");
	mc_print_replay(mc.depth);
	fflush(stdout);
	exit(1);
}
