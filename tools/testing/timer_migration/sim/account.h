/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an engine's operations cost: locks, state updates, cache lines
 *
 * An engine takes its groups and CPU entries from account_alloc() and is
 * compiled with -fsanitize=thread, whose callbacks account.c defines: every
 * access of every engine is seen, in its own code and in the libraries that
 * it is compiled with. Accesses to anything else are not counted.
 */
#ifndef SIM_ACCOUNT_H
#define SIM_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum account_what { ACCOUNT_GROUP, ACCOUNT_CPU };

/* How far away the CPU was that had the line before */
enum account_distance { ACCOUNT_LLC, ACCOUNT_NODE, ACCOUNT_FAR, ACCOUNT_DISTANCES };

/**
 * struct account_cost - The cost of an operation, or of many
 * @ops:	operations
 * @lines:	cache lines touched, each once per operation
 * @distinct:	the same, each once per pair of operations
 * @moved:	lines that another CPU had, by distance
 * @locks:	locks taken
 * @updates:	atomic updates, successful or not
 * @depth:	groups that were locked or updated: how far the walk went
 */
struct account_cost {
	uint64_t	ops;
	uint64_t	lines;
	uint64_t	distinct;
	uint64_t	moved[ACCOUNT_DISTANCES];
	uint64_t	locks;
	uint64_t	updates;
	uint64_t	depth;
};

#define ACCOUNT_LINES	80

/**
 * struct account_lines - Which lines an operation touched
 * @nr:		how many; those that do not fit are not listed
 * @line:	their numbers
 */
struct account_lines {
	unsigned int	nr;
	uint32_t	line[ACCOUNT_LINES];
};

void account_init(unsigned int nr_cpus, unsigned int llc_cpus, unsigned int node_cpus);
void *account_alloc(size_t size, enum account_what what);
uint64_t account_begin(unsigned int cpu);
void account_end(uint64_t outer, struct account_cost *cost);
void account_touched(struct account_lines *lines);
unsigned int account_not_in(const struct account_lines *lines);
void account_add(struct account_cost *to, const struct account_cost *cost);
void account_lock(const void *lock);
void account_unlock(const void *lock);
void account_update(const void *word);
void account_warn(const char *text, const char *file, int line);
unsigned long account_warnings(void);

#endif
