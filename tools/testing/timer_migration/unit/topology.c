// SPDX-License-Identifier: GPL-2.0-only
/*
 * topology - tmigr_topology.c on machines from 1 to 8,192 CPUs
 *
 * Attaches CPU after CPU, in the orders that firmware comes up with, and checks
 * after each one that there is one root, that parents and children agree, that
 * no group below the cross-node level mixes nodes, that the first event and the
 * activity of every CPU are seen at the root, and that the tree is no deeper
 * than it has to be. Every allocation is made to fail once.
 *
 * usage: topology [-v]
 */
#include <stdio.h>
#include <stdlib.h>

#include "tmigr_core.h"

#define MAX_CPUS	8192
#define MAX_NODES	16

static struct tmigr_cpu cpus[MAX_CPUS];
static struct tmigr_group *made;
static unsigned int nr_made;
static const char *machine;

#define CHECK(cond, ...) do {							\
	if (!(cond)) {								\
		fprintf(stderr, "topology: %s: ", machine);			\
		fprintf(stderr, __VA_ARGS__);					\
		fprintf(stderr, "\n");						\
		exit(1);							\
	}									\
} while (0)

/* --- What the core borrows: never called, nobody pulls here ----------------- */

void tmigr_host_expire(unsigned int cpu)
{
	CHECK(false, "expires CPU %u", cpu);
}

bool tmigr_host_leaves_idle(unsigned int cpu)
{
	CHECK(false, "asks whether CPU %u wakes", cpu);
	return false;
}

void tmigr_host_lock(unsigned int cpu)
{
	CHECK(false, "locks CPU %u", cpu);
}

void tmigr_host_unlock(unsigned int cpu)
{
	CHECK(false, "unlocks CPU %u", cpu);
}

u64 tmigr_host_next(unsigned int cpu, u64 now)
{
	CHECK(false, "asks for CPU %u's timers at %llu", cpu, (unsigned long long)now);
	return KTIME_MAX;
}

/* --- Machines --------------------------------------------------------------- */

struct machine {
	const char	*name;
	unsigned int	nr_cpus;
	unsigned int	nr_nodes;
	int		(*node_of)(const struct machine *m, unsigned int cpu);
	/* Firmware that says nothing of possible CPUs: each node is said to need one level */
	bool		unplanned;
};

static int in_blocks(const struct machine *m, unsigned int cpu)
{
	return cpu * m->nr_nodes / m->nr_cpus;
}

static int in_turn(const struct machine *m, unsigned int cpu)
{
	return cpu % m->nr_nodes;
}

/* One large node, and one or two CPUs in each of the others, which come last */
static int imbalanced(const struct machine *m, unsigned int cpu)
{
	unsigned int small = 2 * (m->nr_nodes - 1);

	if (cpu < m->nr_cpus - small)
		return 0;
	return 1 + (cpu - (m->nr_cpus - small)) / 2;
}

/* The same with the small ones first: the root starts in a node of one leaf */
static int imbalanced_first(const struct machine *m, unsigned int cpu)
{
	return m->nr_nodes - 1 - imbalanced(m, m->nr_cpus - 1 - cpu);
}

static const struct machine machines[] = {
	{ "1 CPU",				1,	1,	in_blocks,	},
	{ "2 CPUs",				2,	1,	in_blocks,	},
	{ "one leaf",				TMIGR_FANOUT, 1, in_blocks,	},
	{ "one CPU more than a leaf",		TMIGR_FANOUT + 1, 1, in_blocks,	},
	{ "64 CPUs",				64,	1,	in_blocks,	},
	{ "65 CPUs",				65,	1,	in_blocks,	},
	{ "2 nodes of 1",			2,	2,	in_blocks,	},
	{ "256 CPUs, 2 nodes",			256,	2,	in_blocks,	},
	{ "256 CPUs, 2 nodes in turn",		256,	2,	in_turn,	},
	{ "1024 CPUs, 4 nodes",			1024,	4,	in_blocks,	},
	{ "16 nodes of 1",			16,	16,	in_turn,	},
	{ "1000 CPUs, 16 nodes in turn",	1000,	16,	in_turn,	},
	{ "64 CPUs beside 2",			66,	2,	imbalanced,	},
	{ "2 CPUs before 64",			66,	2,	imbalanced_first, },
	{ "512 CPUs beside 15 nodes of 2",	542,	16,	imbalanced,	},
	{ "15 nodes of 2 before 512",		542,	16,	imbalanced_first, },
	{ "300 CPUs, 3 nodes, unplanned",	300,	3,	in_blocks,	true },
	{ "300 CPUs, 3 nodes in turn, unplanned", 300,	3,	in_turn,	true },
	{ "8192 CPUs, 16 nodes",		8192,	16,	in_blocks,	},
	{ "8192 CPUs, 16 nodes in turn",	8192,	16,	in_turn,	},
};

/* --- Checks ----------------------------------------------------------------- */

static unsigned int depth_of(const struct tmigr_cpu *tmc)
{
	const struct tmigr_group *group;
	unsigned int depth = 0;

	for (group = tmc->leaf; group; group = group->parent)
		depth++;

	return depth;
}

static void check_way(const struct tmigr_tree *tree, unsigned int cpu, int node, u64 first)
{
	const struct tmigr_group *group = cpus[cpu].leaf;

	CHECK(group->level == 0, "the leaf of CPU %u has level %u", cpu, group->level);
	CHECK(group->cpu[cpus[cpu].slot] == &cpus[cpu], "CPU %u is not in its slot", cpu);
	CHECK(tmigr_cpu_active(&cpus[cpu]), "CPU %u is not active", cpu);

	for (; group->parent; group = group->parent) {
		CHECK(group->parent->level > group->level, "levels do not rise above CPU %u", cpu);
		CHECK(group->parent->child[group->slot] == group, "CPU %u: a child's slot", cpu);
		CHECK(tmigr_group_state(group->parent).active & BIT(group->slot),
		      "CPU %u is active, but not at level %u", cpu, group->parent->level);
		CHECK(group->level >= tree->cross_level || group->node == node,
		      "CPU %u of node %d is in a group of node %d", cpu, node, group->node);
	}
	CHECK(group == tree->root, "CPU %u does not reach the root", cpu);
	CHECK(group->first == first, "the root's first event is wrong after CPU %u", cpu);
}

static unsigned int plan_depth(const struct machine *m, const u8 *node_levels)
{
	unsigned int node, tops = 0, deepest = 0;

	for (node = 0; node < m->nr_nodes; node++) {
		deepest = max_t(unsigned int, deepest, node_levels[node]);
		tops++;
	}

	return deepest + (tops > 1 ? tmigr_levels_for(tops) : 0);
}

/* --- Attaching -------------------------------------------------------------- */

static void fill_pool(struct tmigr_pool *pool, unsigned int nr)
{
	for (pool->nr = 0; pool->nr < nr; pool->nr++)
		pool->group[pool->nr] = &made[nr_made + pool->nr];
}

static void attach(struct tmigr_tree *tree, unsigned int cpu, int node)
{
	unsigned int needed = tmigr_groups_needed(tree, node);
	struct tmigr_group *root = tree->root;
	struct tmigr_pool pool = { };

	tmigr_core_init_cpu(&cpus[cpu], cpu);

	if (needed) {
		fill_pool(&pool, needed - 1);
		CHECK(tmigr_attach_cpu(tree, &cpus[cpu], node, &pool) == -ENOMEM,
		      "CPU %u needs %u groups and got on with one less", cpu, needed);
		CHECK(pool.nr == needed - 1 && tree->root == root && !cpus[cpu].leaf &&
		      tmigr_groups_needed(tree, node) == needed,
		      "CPU %u: the failure left something behind", cpu);
	}

	fill_pool(&pool, needed);
	CHECK(!tmigr_attach_cpu(tree, &cpus[cpu], node, &pool), "CPU %u: no place", cpu);
	CHECK(!pool.nr, "CPU %u: %u groups of %u left", cpu, pool.nr, needed);
	nr_made += needed;
}

static u64 expiry_of(const struct machine *m, unsigned int cpu)
{
	return 1000 + m->nr_cpus - cpu;
}

static void run(const struct machine *m, bool verbose)
{
	unsigned int counts[MAX_NODES] = { }, cpu, node, depth = 0;
	u8 node_levels[MAX_NODES];
	struct tmigr_tree tree;
	u64 arm;

	machine = m->name;
	nr_made = 0;

	for (cpu = 0; cpu < m->nr_cpus; cpu++)
		counts[m->node_of(m, cpu)]++;
	for (node = 0; node < m->nr_nodes; node++)
		node_levels[node] = m->unplanned ? 1 : tmigr_levels_for(counts[node]);

	tmigr_tree_init(&tree, node_levels, m->nr_nodes);

	/* Every other CPU is active while the tree grows over it, the rest sleep with a timer */
	for (cpu = 0; cpu < m->nr_cpus; cpu++) {
		attach(&tree, cpu, m->node_of(m, cpu));
		cpus[cpu].arm = TMIGR_ARM_OTHERS;
		tmigr_core_join(&cpus[cpu], false);
		check_way(&tree, cpu, m->node_of(m, cpu), cpu ? tree.root->first : (u64)KTIME_MAX);
		if (cpu % 2)
			tmigr_core_deactivate(&cpus[cpu], expiry_of(m, cpu));
	}

	/* The last one to go idle is told of the first event of all */
	for (cpu = 0; cpu < m->nr_cpus; cpu += 2) {
		arm = tmigr_core_deactivate(&cpus[cpu], expiry_of(m, cpu));
		CHECK(cpu + 2 < m->nr_cpus ? arm == KTIME_MAX :
		      arm == expiry_of(m, m->nr_cpus - 1), "CPU %u arms for %llu", cpu,
		      (unsigned long long)arm);
	}

	for (cpu = 0; cpu < m->nr_cpus; cpu++) {
		tmigr_core_activate(&cpus[cpu], true);
		depth = max_t(unsigned int, depth, depth_of(&cpus[cpu]));
		check_way(&tree, cpu, m->node_of(m, cpu), tree.root->first);
	}

	CHECK(m->unplanned || depth <= plan_depth(m, node_levels),
	      "%u levels, %u would do", depth, plan_depth(m, node_levels));

	if (verbose)
		printf("  %-40s %5u groups, %u levels\n", m->name, nr_made, depth);
}

int main(int argc, char **argv)
{
	bool verbose = argc == 2 && !strcmp(argv[1], "-v");
	unsigned int i;

	if (argc > 1 + verbose) {
		fprintf(stderr, "usage: topology [-v]\n");
		return 2;
	}

	made = aligned_alloc(SMP_CACHE_BYTES, 2 * MAX_CPUS * sizeof(*made));
	if (!made) {
		fprintf(stderr, "topology: out of memory\n");
		return 2;
	}

	for (i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		run(&machines[i], verbose);

	free(made);
	printf("topology, fan-out %u: %u machines, passed\n", TMIGR_FANOUT, i);

	return 0;
}
