// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timer migration: where CPUs go and how the hierarchy grows
 *
 * The CPUs of a NUMA node share groups up to the level that its possible CPUs
 * need; the groups above mix nodes. A node of 64 CPUs beside one of 2, with a
 * fan-out of 8:
 *
 *	level 2			 [ mixed ]		tree->cross_level
 *			       /           \
 *	level 1		 [node 0]	    |
 *		       /    ...    \	    |
 *	level 0	 [node 0] ... [node 0]	[node 1]
 *	CPUs	   0-7		56-63	 64-65
 *
 * A CPU takes the first free slot on the way from its leaf to the root, and the
 * groups below that are made for it. When every slot is taken up to the root, a
 * new root adopts the old one; which, if it is not a node's topmost level yet,
 * is raised to it first, so that its node can go on to grow below the root.
 *
 * Groups stay when their CPUs leave.
 *
 * All is decided before anything is changed: tmigr_groups_needed() tells how
 * many groups a CPU takes, the caller allocates them, tmigr_attach_cpu() then
 * cannot fail. What is new is linked from the top down and becomes visible to
 * walkers with the last link.
 */

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/numa.h>
#include <linux/string.h>

#include "tmigr_core.h"

/**
 * struct tmigr_plan - How a CPU is going to be attached
 * @join:	the group with a free slot; NULL when there is none
 * @adopt:	the old root, when there is one to be put under the new one
 * @top:	level of the new root, when @join is NULL
 * @needed:	how many groups have to be made
 */
struct tmigr_plan {
	struct tmigr_group	*join;
	struct tmigr_group	*adopt;
	unsigned int		top;
	unsigned int		needed;
};

/**
 * tmigr_levels_for() - How many levels of groups so many CPUs need
 * @nr_cpus:	number of CPUs
 *
 * Context: Any.
 *
 * Return: at least 1.
 */
unsigned int tmigr_levels_for(unsigned int nr_cpus)
{
	unsigned int levels = 1, capacity = TMIGR_FANOUT;

	while (capacity < nr_cpus) {
		capacity *= TMIGR_FANOUT;
		levels++;
	}

	return levels;
}

/**
 * tmigr_tree_init() - Initialise an empty hierarchy
 * @tree:	the hierarchy
 * @node_levels: per node, tmigr_levels_for() its possible CPUs; stays in use.
 *		Too small a figure costs a detour, not correctness
 * @nr_nodes:	number of entries
 *
 * Context: Before anything else is done with @tree.
 */
void tmigr_tree_init(struct tmigr_tree *tree, const u8 *node_levels, unsigned int nr_nodes)
{
	unsigned int node;

	memset(tree, 0, sizeof(*tree));
	tree->node_levels = node_levels;
	tree->cross_level = 1;
	for (node = 0; node < nr_nodes; node++)
		tree->cross_level = max_t(unsigned int, tree->cross_level, node_levels[node]);
}

/* A group's node as it is kept at this level */
static int tmigr_node_at(const struct tmigr_tree *tree, unsigned int level, int node)
{
	return level < tree->cross_level ? node : NUMA_NO_NODE;
}

/* A CPU that belongs to no node is put where it is easiest */
static unsigned int tmigr_node_levels(const struct tmigr_tree *tree, int node)
{
	return node == NUMA_NO_NODE ? 1 : tree->node_levels[node];
}

static unsigned int tmigr_next_level(const struct tmigr_tree *tree, unsigned int level, int node)
{
	if (level < tree->cross_level && level + 1 >= tmigr_node_levels(tree, node))
		return tree->cross_level;
	return level + 1;
}

static struct tmigr_group *tmigr_open_group(const struct tmigr_tree *tree, unsigned int level,
					    int node)
{
	struct tmigr_group *group;

	node = tmigr_node_at(tree, level, node);
	for (group = tree->level[level]; group; group = group->next) {
		if (group->node == node && group->nr_children < TMIGR_FANOUT)
			return group;
	}

	return NULL;
}

/* Whether a new group at @level, on the way from @node, can adopt the root */
static bool tmigr_above_root(const struct tmigr_tree *tree, unsigned int level, int node)
{
	const struct tmigr_group *root = tree->root;

	return level > root->level && (level >= tree->cross_level || root->node == node);
}

/* The old root is raised to its node's topmost level, then put under the new one */
static struct tmigr_plan tmigr_plan_adoption(const struct tmigr_tree *tree, struct tmigr_plan plan)
{
	unsigned int level = tree->root->level;

	plan.adopt = tree->root;
	while ((level = tmigr_next_level(tree, level, plan.adopt->node)) < plan.top)
		plan.needed++;

	return plan;
}

static struct tmigr_plan tmigr_make_plan(const struct tmigr_tree *tree, int node)
{
	struct tmigr_plan plan = { };
	unsigned int level;

	for (level = 0; level < TMIGR_MAX_LEVELS; level = tmigr_next_level(tree, level, node)) {
		plan.join = tmigr_open_group(tree, level, node);
		if (plan.join)
			return plan;

		plan.needed++;
		plan.top = level;
		if (!tree->root)
			return plan;
		if (tmigr_above_root(tree, level, node))
			return tmigr_plan_adoption(tree, plan);
	}

	/* No machine is as large; too large a pool is asked for, and not given */
	plan.needed = UINT_MAX;

	return plan;
}

/**
 * tmigr_groups_needed() - How many groups tmigr_attach_cpu() will take
 * @tree:	the hierarchy
 * @node:	the CPU's node
 *
 * Context: The topology's mutex held.
 *
 * Return: the number, often 0; more than a &struct tmigr_pool holds when the
 * hierarchy cannot grow any more.
 */
unsigned int tmigr_groups_needed(const struct tmigr_tree *tree, int node)
{
	return tmigr_make_plan(tree, node).needed;
}

static struct tmigr_group *tmigr_new_group(struct tmigr_tree *tree, struct tmigr_pool *pool,
					   unsigned int level, int node)
{
	struct tmigr_group *group = pool->group[--pool->nr];

	pool->group[pool->nr] = NULL;
	tmigr_core_init_group(group, level, tmigr_node_at(tree, level, node));
	group->next = tree->level[level];
	tree->level[level] = group;

	return group;
}

/*
 * Link @low, at @level or none yet, to @high through new groups on the levels
 * between, the topmost first: @low sees them all at once, or none.
 */
static struct tmigr_group *tmigr_build_chain(struct tmigr_tree *tree, struct tmigr_pool *pool,
					     int node, int level, struct tmigr_group *high)
{
	struct tmigr_group *group;
	unsigned int next;

	next = level < 0 ? 0 : tmigr_next_level(tree, level, node);
	if (next >= high->level)
		return high;

	high = tmigr_build_chain(tree, pool, node, next, high);
	group = tmigr_new_group(tree, pool, next, node);
	tmigr_core_link(group, high);

	return group;
}

/**
 * tmigr_attach_cpu() - Give a CPU its place in the hierarchy
 * @tree:	the hierarchy
 * @tmc:	the CPU's entry, without a place
 * @node:	the CPU's node, known to tmigr_tree_init(), or NUMA_NO_NODE
 * @pool:	at least tmigr_groups_needed() groups; those left are the caller's
 *
 * Context: The topology's mutex held, interrupts enabled. The CPU does not take
 * part yet; others may use the hierarchy meanwhile.
 *
 * Return: 0; -ENOMEM when @pool is too small, with nothing changed.
 */
int tmigr_attach_cpu(struct tmigr_tree *tree, struct tmigr_cpu *tmc, int node,
		     struct tmigr_pool *pool)
{
	struct tmigr_plan plan = tmigr_make_plan(tree, node);
	struct tmigr_group *top = plan.join, *adopter;

	if (pool->nr < plan.needed)
		return -ENOMEM;

	if (!top)
		top = tmigr_new_group(tree, pool, plan.top, node);

	if (plan.adopt) {
		adopter = tmigr_build_chain(tree, pool, plan.adopt->node, plan.adopt->level, top);
		tmigr_core_adopt(plan.adopt, adopter);
	}
	if (!plan.join)
		tree->root = top;

	if (top->level)
		top = tmigr_build_chain(tree, pool, node, -1, top);

	tmc->slot = top->nr_children++;
	top->cpu[tmc->slot] = tmc;
	tmc->leaf = top;

	return 0;
}
