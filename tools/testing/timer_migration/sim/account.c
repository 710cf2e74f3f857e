// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an engine's operations cost: the arena, its cache lines, who had them
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"

#define LINE_SHIFT	6
#define LINE_SIZE	(1UL << LINE_SHIFT)
#define ARENA_SIZE	(256UL << 20)
#define NOBODY		UINT32_MAX
#define NR_LISTED	6

/**
 * struct line - A cache line of the arena
 * @stamp:	the operation that touched it last
 * @object:	the object that it belongs to
 * @owner:	CPU that wrote it last
 * @nr_holders:	CPUs that have a copy
 * @listed:	the first of them; all, as long as they fit
 * @holders:	one bit per CPU
 */
struct line {
	uint64_t	stamp;
	uint32_t	object;
	uint32_t	owner;
	uint32_t	nr_holders;
	uint32_t	listed[NR_LISTED];
	uint64_t	*holders;
};

/**
 * struct object - What account_alloc() returned
 * @stamp:	the operation that locked or updated it last
 * @what:	group or CPU entry
 */
struct object {
	uint64_t		stamp;
	enum account_what	what;
};

static struct {
	char			*arena;
	size_t			used;
	struct line		*lines;
	struct object		*objects;
	uint32_t		nr_objects;
	size_t			holder_words;
	unsigned int		llc_cpus;
	unsigned int		node_cpus;
	uint64_t		stamp;
	uint64_t		last_stamp;
	unsigned int		cpu;
	struct account_cost	cost;
	struct account_lines	touched;
	unsigned long		warnings;
} acc;

static struct { unsigned int cpu; struct account_cost cost; } outer_op;

static void *need(void *memory)
{
	if (!memory) {
		fprintf(stderr, "sim: out of memory\n");
		exit(1);
	}
	return memory;
}

/**
 * account_init() - Start with an empty arena
 * @nr_cpus:	number of CPUs
 * @llc_cpus:	CPUs that share a last level cache
 * @node_cpus:	CPUs of a node
 */
void account_init(unsigned int nr_cpus, unsigned int llc_cpus, unsigned int node_cpus)
{
	acc.arena = need(aligned_alloc(4096, ARENA_SIZE));
	acc.lines = need(calloc(ARENA_SIZE >> LINE_SHIFT, sizeof(*acc.lines)));
	acc.objects = need(calloc(ARENA_SIZE >> LINE_SHIFT, sizeof(*acc.objects)));
	acc.holder_words = (nr_cpus + 63) / 64;
	acc.llc_cpus = llc_cpus;
	acc.node_cpus = node_cpus;
}

/**
 * account_alloc() - Memory whose accesses count
 * @size:	bytes
 * @what:	what for
 *
 * Return: zeroed memory that begins at a cache line, as the kernel's allocator
 * gives for objects of more than half a line; never NULL.
 */
void *account_alloc(size_t size, enum account_what what)
{
	size_t nr = (size + LINE_SIZE - 1) >> LINE_SHIFT;
	size_t first = acc.used >> LINE_SHIFT;
	void *memory = acc.arena + acc.used;
	size_t i;

	if (acc.used + (nr << LINE_SHIFT) > ARENA_SIZE)
		need(NULL);

	acc.used += nr << LINE_SHIFT;
	acc.objects[acc.nr_objects].what = what;
	for (i = first; i < first + nr; i++) {
		acc.lines[i].object = acc.nr_objects;
		acc.lines[i].owner = NOBODY;
		acc.lines[i].holders = need(calloc(acc.holder_words, sizeof(uint64_t)));
	}
	acc.nr_objects++;

	return memset(memory, 0, nr << LINE_SHIFT);
}

/**
 * account_begin() - An operation begins
 * @cpu:	the CPU that it runs on
 *
 * Return: the operation that this one interrupts, for account_end().
 */
uint64_t account_begin(unsigned int cpu)
{
	uint64_t outer = acc.stamp;

	outer_op.cpu = acc.cpu;
	outer_op.cost = acc.cost;
	acc.stamp = ++acc.last_stamp;
	acc.cpu = cpu;
	acc.cost = (struct account_cost) { .ops = 1 };
	acc.touched.nr = 0;

	return outer;
}

/**
 * account_end() - An operation ends
 * @outer:	what account_begin() returned
 * @cost:	where the cost goes
 */
void account_end(uint64_t outer, struct account_cost *cost)
{
	*cost = acc.cost;
	acc.stamp = outer;
	acc.cpu = outer_op.cpu;
	acc.cost = outer_op.cost;
}

/**
 * account_touched() - Which lines the operation touched that ended last
 * @lines:	where the answer goes
 */
void account_touched(struct account_lines *lines)
{
	lines->nr = acc.touched.nr;
	memcpy(lines->line, acc.touched.line, lines->nr * sizeof(lines->line[0]));
}

/**
 * account_not_in() - How many lines the last operation touched beyond those of
 *		      another one
 * @lines:	those of the other
 *
 * Return: the number.
 */
unsigned int account_not_in(const struct account_lines *lines)
{
	unsigned int i, j, nr = 0;

	for (i = 0; i < acc.touched.nr; i++) {
		for (j = 0; j < lines->nr; j++) {
			if (acc.touched.line[i] == lines->line[j])
				break;
		}
		nr += j == lines->nr;
	}

	return nr;
}

/**
 * account_add() - Sum up
 * @to:		the sum
 * @cost:	what is added
 */
void account_add(struct account_cost *to, const struct account_cost *cost)
{
	unsigned int i;

	to->ops += cost->ops;
	to->lines += cost->lines;
	to->distinct += cost->distinct;
	to->locks += cost->locks;
	to->updates += cost->updates;
	to->depth += cost->depth;
	for (i = 0; i < ACCOUNT_DISTANCES; i++)
		to->moved[i] += cost->moved[i];
}

static struct line *line_of(const void *addr)
{
	size_t offset = (const char *)addr - acc.arena;

	return offset < acc.used ? &acc.lines[offset >> LINE_SHIFT] : NULL;
}

static enum account_distance distance(unsigned int a, unsigned int b)
{
	if (a / acc.llc_cpus == b / acc.llc_cpus)
		return ACCOUNT_LLC;
	return a / acc.node_cpus == b / acc.node_cpus ? ACCOUNT_NODE : ACCOUNT_FAR;
}

static bool holds(const struct line *line, unsigned int cpu)
{
	return line->holders[cpu / 64] >> (cpu % 64) & 1;
}

static void add_holder(struct line *line, unsigned int cpu)
{
	if (line->nr_holders < NR_LISTED)
		line->listed[line->nr_holders] = cpu;
	line->nr_holders++;
	line->holders[cpu / 64] |= 1ULL << (cpu % 64);
}

static void drop_holders(struct line *line)
{
	unsigned int i;

	if (line->nr_holders > NR_LISTED) {
		memset(line->holders, 0, acc.holder_words * sizeof(uint64_t));
	} else {
		for (i = 0; i < line->nr_holders; i++)
			line->holders[line->listed[i] / 64] = 0;
	}
	line->nr_holders = 0;
}

/* The last writer, or when that is the CPU itself, one that reads from it */
static unsigned int had_before(const struct line *line, unsigned int cpu)
{
	unsigned int i;

	if (line->owner != cpu)
		return line->owner;

	for (i = 0; i < line->nr_holders && i < NR_LISTED; i++) {
		if (line->listed[i] != cpu)
			return line->listed[i];
	}

	return NOBODY;
}

/*
 * A line moves when the CPU has no copy, or when it writes and others have one.
 * Lines never fall out of a cache.
 */
static void touch(struct line *line, bool write)
{
	bool held = holds(line, acc.cpu);
	unsigned int from;

	if (line->stamp != acc.stamp) {
		line->stamp = acc.stamp;
		acc.cost.lines++;
		if (acc.touched.nr < ACCOUNT_LINES)
			acc.touched.line[acc.touched.nr++] = line - acc.lines;
	}

	if (held && !(write && line->nr_holders > 1)) {
		if (write)
			line->owner = acc.cpu;
		return;
	}

	from = had_before(line, acc.cpu);
	if (from != NOBODY)
		acc.cost.moved[distance(from, acc.cpu)]++;

	if (write) {
		drop_holders(line);
		line->owner = acc.cpu;
		held = false;
	}
	if (!held)
		add_holder(line, acc.cpu);
}

static void access_range(const void *addr, size_t size, bool write)
{
	size_t offset = (const char *)addr - acc.arena;
	size_t first, last, i;

	if (offset >= acc.used || !acc.stamp)
		return;

	first = offset >> LINE_SHIFT;
	last = (offset + size - 1) >> LINE_SHIFT;
	for (i = first; i <= last; i++)
		touch(&acc.lines[i], write);
}

static void reach(const void *addr)
{
	struct line *line = line_of(addr);
	struct object *object;

	if (!line || !acc.stamp)
		return;

	touch(line, true);

	object = &acc.objects[line->object];
	if (object->stamp != acc.stamp && object->what == ACCOUNT_GROUP)
		acc.cost.depth++;
	object->stamp = acc.stamp;
}

/**
 * account_lock() - A lock is taken
 * @lock:	the lock
 */
void account_lock(const void *lock)
{
	reach(lock);
	acc.cost.locks++;
}

/**
 * account_unlock() - A lock is released
 * @lock:	the lock
 */
void account_unlock(const void *lock)
{
	access_range(lock, sizeof(int), true);
}

/**
 * account_update() - An atomic update, which needs the line exclusively
 * @word:	what is updated
 */
void account_update(const void *word)
{
	reach(word);
	acc.cost.updates++;
}

/**
 * account_warn() - A WARN_ON_ONCE() of the engine
 * @text:	the condition
 * @file:	where
 * @line:	where
 */
void account_warn(const char *text, const char *file, int line)
{
	if (!acc.warnings++)
		fprintf(stderr, "sim: %s:%d: warning: %s\n", file, line, text);
}

/**
 * account_warnings() - Whether the engine complained
 *
 * Return: how often.
 */
unsigned long account_warnings(void)
{
	return acc.warnings;
}

/* --- What -fsanitize=thread calls ------------------------------------------ */

#define TSAN_ACCESS(size)							\
	void __tsan_read##size(void *addr);					\
	void __tsan_write##size(void *addr);					\
	void __tsan_unaligned_read##size(void *addr);				\
	void __tsan_unaligned_write##size(void *addr);				\
	void __tsan_read##size(void *addr)					\
	{ access_range(addr, size, false); }					\
	void __tsan_write##size(void *addr)					\
	{ access_range(addr, size, true); }					\
	void __tsan_unaligned_read##size(void *addr)				\
	{ access_range(addr, size, false); }					\
	void __tsan_unaligned_write##size(void *addr)				\
	{ access_range(addr, size, true); }

TSAN_ACCESS(1)
TSAN_ACCESS(2)
TSAN_ACCESS(4)
TSAN_ACCESS(8)
TSAN_ACCESS(16)

void __tsan_read_range(void *addr, long size);
void __tsan_write_range(void *addr, long size);
void __tsan_init(void);

void __tsan_read_range(void *addr, long size)
{
	access_range(addr, size, false);
}

void __tsan_write_range(void *addr, long size)
{
	access_range(addr, size, true);
}

void __tsan_init(void)
{
}
