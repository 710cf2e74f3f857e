// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit test of the timer migration engine
 *
 * The engine runs on machines of virtual CPUs (tmigr_kunit_machine.h). A case says
 * which CPU does what, in order, and what the engine has to answer; nothing
 * depends on the machine that it runs on, except the case which plays virtual CPUs
 * in parallel. timer_migration_live_kunit.c looks at the timers of the system.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/task.h>

#include "tmigr_kunit_machine.h"

/* --- Shapes of machines ------------------------------------------------------ */

static int one_node(const struct shape *shape, unsigned int cpu)
{
	return 0;
}

static int in_blocks(const struct shape *shape, unsigned int cpu)
{
	return cpu * shape->nr_nodes / shape->nr_cpus;
}

static int in_turn(const struct shape *shape, unsigned int cpu)
{
	return cpu % shape->nr_nodes;
}

/* One large node, and two CPUs in each of the others, which come last */
static int imbalanced(const struct shape *shape, unsigned int cpu)
{
	unsigned int small = 2 * (shape->nr_nodes - 1);

	if (cpu < shape->nr_cpus - small)
		return 0;
	return 1 + (cpu - (shape->nr_cpus - small)) / 2;
}

/* Every third CPU belongs to no node */
static int nowhere(const struct shape *shape, unsigned int cpu)
{
	return cpu % 3 ? in_blocks(shape, cpu) : NUMA_NO_NODE;
}

static const struct shape shapes[] = {
	{ .name = "1 CPU", .nr_cpus = 1, .nr_nodes = 1, .node_of = one_node, },
	{ .name = "2 CPUs", .nr_cpus = 2, .nr_nodes = 1, .node_of = one_node, },
	{ .name = "one leaf", .nr_cpus = TMIGR_FANOUT, .nr_nodes = 1, .node_of = one_node, },
	{ .name = "one CPU more than a leaf", .nr_cpus = TMIGR_FANOUT + 1, .nr_nodes = 1,
	  .node_of = one_node, },
	{ .name = "64 CPUs backwards", .nr_cpus = 64, .nr_nodes = 1, .node_of = one_node,
	  .backwards = true, },
	{ .name = "65 CPUs", .nr_cpus = 65, .nr_nodes = 1, .node_of = one_node, },
	{ .name = "2 nodes of 1", .nr_cpus = 2, .nr_nodes = 2, .node_of = in_turn, },
	{ .name = "16 nodes of 1", .nr_cpus = 16, .nr_nodes = 16, .node_of = in_turn, },
	{ .name = "256 CPUs, 2 nodes in turn", .nr_cpus = 256, .nr_nodes = 2,
	  .node_of = in_turn, },
	{ .name = "256 CPUs, 2 nodes shuffled", .nr_cpus = 256, .nr_nodes = 2,
	  .node_of = in_blocks, .shuffled = true, },
	{ .name = "64 CPUs beside 2", .nr_cpus = 66, .nr_nodes = 2, .node_of = imbalanced, },
	{ .name = "2 CPUs before 64", .nr_cpus = 66, .nr_nodes = 2, .node_of = imbalanced,
	  .backwards = true, },
	{ .name = "512 CPUs beside 15 nodes of 2", .nr_cpus = 542, .nr_nodes = 16,
	  .node_of = imbalanced, },
	{ .name = "15 nodes of 2 before 512", .nr_cpus = 542, .nr_nodes = 16,
	  .node_of = imbalanced, .backwards = true, },
	{ .name = "15 nodes of 2 among 512", .nr_cpus = 542, .nr_nodes = 16,
	  .node_of = imbalanced, .shuffled = true, },
	{ .name = "300 CPUs, 3 nodes, unplanned", .nr_cpus = 300, .nr_nodes = 3,
	  .node_of = in_blocks, .unplanned = true, },
	{ .name = "300 CPUs, 3 nodes, unplanned and shuffled", .nr_cpus = 300, .nr_nodes = 3,
	  .node_of = in_blocks, .unplanned = true, .shuffled = true, },
	{ .name = "100 CPUs, some of no node", .nr_cpus = 100, .nr_nodes = 2,
	  .node_of = nowhere, .shuffled = true, },
	{ .name = "1000 CPUs, 16 nodes in turn", .nr_cpus = 1000, .nr_nodes = 16,
	  .node_of = in_turn, },
	{ .name = "1024 CPUs, 4 nodes", .nr_cpus = 1024, .nr_nodes = 4, .node_of = in_blocks, },
	{ .name = "1024 CPUs, 16 nodes shuffled", .nr_cpus = 1024, .nr_nodes = 16,
	  .node_of = in_blocks, .shuffled = true, },
};

KUNIT_ARRAY_PARAM_DESC(shape, shapes, name);

/* Two leaves under a root */
static const struct shape two_leaves = {
	.name = "two leaves", .nr_cpus = 2 * TMIGR_FANOUT, .nr_nodes = 1, .node_of = one_node,
};

/* Three levels: CPU 0 and CPU LAST meet at the root only */
static const struct shape three_levels = {
	.name = "three levels", .nr_cpus = 2 * TMIGR_FANOUT * TMIGR_FANOUT, .nr_nodes = 1,
	.node_of = one_node,
};

#define LAST		(2 * TMIGR_FANOUT * TMIGR_FANOUT - 1)
#define NEXT_LEAF	TMIGR_FANOUT

/* --- Growth ------------------------------------------------------------------ */

/**
 * struct snapshot - What a failed allocation must not change
 * @tree:	The hierarchy
 * @children:	Slots taken in all groups
 * @needed:	Groups that the CPU takes
 */
struct snapshot {
	struct tmigr_tree	tree;
	unsigned int		children;
	unsigned int		needed;
};

static struct snapshot take_snapshot(int node)
{
	struct snapshot snapshot = { .tree = machine->tree, };
	unsigned int i;

	for (i = 0; i < machine->nr_groups; i++)
		snapshot.children += machine->group[i].nr_children;
	snapshot.needed = tmigr_groups_needed(&machine->tree, node);

	return snapshot;
}

/* Memory runs out after each number of groups that is too small */
static void attach_without_memory(struct kunit *test, unsigned int cpu)
{
	int node = machine->shape->node_of(machine->shape, cpu);
	struct snapshot before = take_snapshot(node), after;
	struct tmigr_pool pool = { };
	unsigned int nr, i;

	for (nr = 0; nr < before.needed; nr++) {
		machine_fill_pool(test, &pool, nr);
		KUNIT_ASSERT_EQ(test, -ENOMEM,
				tmigr_attach_cpu(&machine->tree, tmc(cpu), node, &pool));

		after = take_snapshot(node);
		KUNIT_ASSERT_MEMEQ(test, &before.tree, &after.tree, sizeof(before.tree));
		KUNIT_ASSERT_EQ(test, before.children, after.children);
		KUNIT_ASSERT_EQ(test, before.needed, after.needed);
		KUNIT_ASSERT_NULL(test, tmc(cpu)->leaf);
		KUNIT_ASSERT_EQ(test, nr, pool.nr);
		for (i = 0; i < nr; i++)
			KUNIT_ASSERT_PTR_EQ(test, pool.group[i],
					    &machine->group[machine->nr_groups + i]);
	}
}

static void tmigr_test_failed_allocation(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	unsigned int i;

	machine_new(test, shape);
	for (i = 0; i < shape->nr_cpus; i++) {
		attach_without_memory(test, machine->order[i]);
		machine_attach(test, machine->order[i]);
	}
	machine_check(test);
}

static unsigned int depth_of(unsigned int cpu)
{
	const struct tmigr_group *group;
	unsigned int depth = 0;

	for (group = tmc(cpu)->leaf; group; group = group->parent)
		depth++;

	return depth;
}

/* A node's own levels, and those which its number of nodes takes */
static unsigned int planned_depth(const struct shape *shape)
{
	unsigned int node, deepest = 0;

	for (node = 0; node < shape->nr_nodes; node++)
		deepest = max_t(unsigned int, deepest, machine->node_levels[node]);

	return deepest + (shape->nr_nodes > 1 ? tmigr_levels_for(shape->nr_nodes) : 0);
}

/* Later CPUs expire sooner */
static u64 timer_of(unsigned int nr_attached)
{
	return START + 5000 - nr_attached;
}

/* CPUs come, some sleep with a timer, some are active, while the tree grows over them */
static void tmigr_test_growth(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	unsigned int i, cpu;
	u64 exp;

	machine_new(test, shape);
	for (i = 0; i < shape->nr_cpus; i++) {
		cpu = machine->order[i];
		machine_attach(test, cpu);
		vcpu_join(cpu);
		if (i % 2)
			vcpu_idle_until(cpu, timer_of(i));
		if (i < 100 || i % 16 == 0)
			machine_check(test);
	}
	machine_check(test);

	/* The last one to go idle is told of the first event of all */
	for (i = 0; i < shape->nr_cpus; i += 2) {
		exp = vcpu_idle_until(machine->order[i], timer_of(i));
		KUNIT_EXPECT_EQ(test, exp,
				i + 2 < shape->nr_cpus ? NEVER : timer_of(shape->nr_cpus - 1));
	}
	machine_check(test);

	for (i = 0; i < shape->nr_cpus && !shape->unplanned; i++)
		KUNIT_ASSERT_LE(test, depth_of(i), planned_depth(shape));
}

/* The same with an idle system, whose keeper is inherited by each new root */
static void tmigr_test_growth_idle(struct kunit *test)
{
	const struct shape *shape = test->param_value;
	unsigned int i, cpu;

	machine_new(test, shape);
	for (i = 0; i < shape->nr_cpus; i++) {
		cpu = machine->order[i];
		machine_attach(test, cpu);
		vcpu_join(cpu);
		KUNIT_ASSERT_EQ(test, vcpu_idle_until(cpu, START + 5000 + i),
				i ? NEVER : START + 5000);
		if (i < 100 || i % 16 == 0)
			machine_check(test);
	}
	machine_check(test);
	KUNIT_EXPECT_PTR_EQ(test, machine->tree.root->keeper, tmc(machine->order[0]));
}

static void tmigr_test_levels(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 1, tmigr_levels_for(0));
	KUNIT_EXPECT_EQ(test, 1, tmigr_levels_for(1));
	KUNIT_EXPECT_EQ(test, 1, tmigr_levels_for(TMIGR_FANOUT));
	KUNIT_EXPECT_EQ(test, 2, tmigr_levels_for(TMIGR_FANOUT + 1));
	KUNIT_EXPECT_EQ(test, 2, tmigr_levels_for(TMIGR_FANOUT * TMIGR_FANOUT));
	KUNIT_EXPECT_EQ(test, 3, tmigr_levels_for(TMIGR_FANOUT * TMIGR_FANOUT + 1));
}

/* A CPU that is attached, but has not joined, is neither counted on nor in the way */
static void tmigr_test_attached_only(struct kunit *test)
{
	machine_new(test, &two_leaves);
	machine_attach(test, 0);
	machine_attach(test, 1);
	vcpu_join(0);

	KUNIT_EXPECT_FALSE(test, tmigr_cpu_active(tmc(1)));
	KUNIT_EXPECT_EQ(test, in_ticks(7), vcpu_idle_until(0, in_ticks(7)));
	KUNIT_EXPECT_EQ(test, in_ticks(5), vcpu_idle_until(1, in_ticks(5)));
	KUNIT_EXPECT_EQ(test, in_ticks(7), machine->tree.root->first);
	machine_check(test);
}

/* --- Going idle -------------------------------------------------------------- */

static void tmigr_test_idle_beside_active(struct kunit *test)
{
	machine_boot(test, &three_levels);

	KUNIT_EXPECT_EQ(test, NEVER, vcpu_idle_until(0, in_ticks(10)));
	KUNIT_EXPECT_EQ(test, in_ticks(10), tmc(0)->leaf->first);
	machine_check(test);

	/* A leaf without an active CPU tells its parent, and that the root */
	machine_idle(1, LAST - 1);
	KUNIT_EXPECT_EQ(test, in_ticks(10), machine->tree.root->first);
	machine_check(test);
}

static void tmigr_test_last_is_armed(struct kunit *test)
{
	machine_boot(test, &three_levels);

	vcpu_set_timer(5, in_ticks(30));
	machine_idle(0, LAST - 1);
	KUNIT_EXPECT_EQ(test, in_ticks(30), vcpu_idle_until(LAST, in_ticks(40)));
	machine_check(test);
}

static void tmigr_test_last_is_first(struct kunit *test)
{
	machine_boot(test, &three_levels);

	vcpu_set_timer(5, in_ticks(30));
	machine_idle(0, LAST - 1);
	KUNIT_EXPECT_EQ(test, in_ticks(20), vcpu_idle_until(LAST, in_ticks(20)));
	machine_check(test);
}

static void tmigr_test_nobody_armed_for_nothing(struct kunit *test)
{
	machine_boot(test, &three_levels);

	machine_idle(0, LAST - 1);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_go_idle(LAST));
	KUNIT_EXPECT_FALSE(test, tmc(LAST)->keeping);
}

/* A global timer behind a pinned one is nobody else's business */
static void tmigr_test_pinned_comes_first(struct kunit *test)
{
	machine_boot(test, &two_leaves);

	vcpu_set_pinned(0, in_ticks(10));
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_idle_until(0, in_ticks(10)));
	KUNIT_EXPECT_EQ(test, NEVER, tmc(0)->leaf->first);
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu(0)->armed);
	machine_check(test);
}

/* The timer of the last sleep must not survive in the slot */
static void tmigr_test_idle_without_old_event(struct kunit *test)
{
	machine_boot(test, &two_leaves);

	vcpu_idle_until(0, in_ticks(10));
	vcpu_wake(0);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_idle_until(0, NEVER));
	machine_idle(1, two_leaves.nr_cpus - 2);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_go_idle(two_leaves.nr_cpus - 1));
	machine_check(test);
}

/*
 * The timer of the last sleep is in the slot still, and need not be entered. But
 * the leaf's first event has become that of another CPU meanwhile.
 */
static void tmigr_test_idle_with_old_event(struct kunit *test)
{
	machine_boot(test, &two_leaves);

	vcpu_idle_until(3, in_ticks(10));
	vcpu_idle_until(4, in_ticks(5));
	vcpu_wake(3);
	vcpu_new_timer(4, in_ticks(20));
	KUNIT_EXPECT_EQ(test, in_ticks(20), tmc(3)->leaf->first);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_idle_until(3, in_ticks(10)));
	KUNIT_EXPECT_EQ(test, in_ticks(10), tmc(3)->leaf->first);
	machine_check(test);
}

/* How many groups a CPU leaves without an active child, whichever way it takes */
static void tmigr_test_groups_idled(struct kunit *test)
{
	machine_boot(test, &three_levels);

	machine_idle(0, TMIGR_FANOUT - 1);
	KUNIT_EXPECT_EQ(test, 0, tmc(0)->idled);
	KUNIT_EXPECT_EQ(test, 1, tmc(TMIGR_FANOUT - 1)->idled);
	machine_idle(TMIGR_FANOUT, LAST);
	KUNIT_EXPECT_EQ(test, 3, tmc(LAST)->idled);

	/* A timer that has to be entered, then one that has not, but for the root */
	vcpu_wake(LAST);
	vcpu_idle_until(LAST, in_ticks(10));
	KUNIT_EXPECT_EQ(test, 6, tmc(LAST)->idled);
	vcpu_wake(LAST);
	vcpu_go_idle(LAST);
	KUNIT_EXPECT_EQ(test, 9, tmc(LAST)->idled);

	/* Somebody is active in the root's other half */
	vcpu_wake(0);
	vcpu_wake(LAST);
	vcpu_go_idle(LAST);
	KUNIT_EXPECT_EQ(test, 11, tmc(LAST)->idled);
}

static void tmigr_test_unavailable_is_alone(struct kunit *test)
{
	machine_boot(test, &two_leaves);

	vcpu_leave(0);
	vcpu_set_timer(0, in_ticks(10));
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_forecast(0));
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_idle_until(0, in_ticks(10)));
	KUNIT_EXPECT_EQ(test, in_ticks(5), vcpu_new_timer(0, in_ticks(5)));
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_new_timer(0, NEVER));
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(0));
	vcpu_wake(0);
	KUNIT_EXPECT_FALSE(test, tmigr_cpu_active(tmc(0)));
	machine_check(test);
}

/* --- The keeper -------------------------------------------------------------- */

static void all_idle_with_keeper(struct kunit *test, unsigned int keeper, unsigned int ticks)
{
	unsigned int cpu;

	machine_boot(test, &two_leaves);
	for (cpu = 0; cpu < two_leaves.nr_cpus; cpu++) {
		if (cpu != keeper)
			vcpu_go_idle(cpu);
	}
	KUNIT_ASSERT_EQ(test, in_ticks(ticks), vcpu_idle_until(keeper, in_ticks(ticks)));
	KUNIT_ASSERT_TRUE(test, tmc(keeper)->keeping);
}

/* Who wakes in an idle system and goes idle again need not arm for what is armed for */
static void tmigr_test_keeper_covers(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 100);

	vcpu_wake(9);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_forecast(9));
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_go_idle(9));
	vcpu_wake(9);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_idle_until(9, in_ticks(100)));
	machine_check(test);
}

static void tmigr_test_earlier_keeper_takes_over(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 100);

	vcpu_wake(9);
	KUNIT_EXPECT_EQ(test, in_ticks(50), vcpu_idle_until(9, in_ticks(50)));
	KUNIT_EXPECT_PTR_EQ(test, machine->tree.root->keeper, tmc(9));
	machine_check(test);

	/* Both are armed. When the new one is gone, the old one still is */
	vcpu_wake(9);
	vcpu_set_timer(9, NEVER);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_go_idle(9));
	KUNIT_EXPECT_PTR_EQ(test, machine->tree.root->keeper, tmc(3));
	machine_check(test);
}

/* The one before the keeper has become active meanwhile: nobody is armed */
static void tmigr_test_relieved_keeper_gone(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 100);

	vcpu_wake(9);
	vcpu_idle_until(9, in_ticks(50));
	vcpu_wake(3);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_go_idle(3));
	vcpu_wake(9);
	vcpu_set_timer(9, NEVER);
	KUNIT_EXPECT_EQ(test, in_ticks(100), vcpu_go_idle(9));
	machine_check(test);
}

static void tmigr_test_keeper_wakes(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 100);

	vcpu_wake(3);
	KUNIT_EXPECT_FALSE(test, tmc(3)->keeping);
	KUNIT_EXPECT_EQ(test, NEVER, tmc(3)->wakeup);
	vcpu_wake(9);
	vcpu_go_idle(3);
	KUNIT_EXPECT_EQ(test, in_ticks(100), vcpu_forecast(9));
	KUNIT_EXPECT_EQ(test, in_ticks(100), vcpu_go_idle(9));
	machine_check(test);
}

/* Three CPUs, one after the other with an earlier timer: two are remembered */
static void tmigr_test_three_keepers(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 100);

	vcpu_wake(9);
	vcpu_idle_until(9, in_ticks(50));
	vcpu_wake(12);
	KUNIT_EXPECT_EQ(test, in_ticks(20), vcpu_idle_until(12, in_ticks(20)));
	machine_check(test);

	machine->now += 20;
	vcpu_tick(12);
	KUNIT_EXPECT_EQ(test, 1, vcpu(12)->nr_expired);
	machine_check(test);

	machine->now += 30;
	vcpu_tick(9);
	KUNIT_EXPECT_EQ(test, 1, vcpu(9)->nr_expired);
	machine_check(test);

	machine->now += 50;
	vcpu_tick(9);
	vcpu_tick(3);
	KUNIT_EXPECT_EQ(test, 1, vcpu(3)->nr_expired);
	machine_check(test);
}

/* The keeper runs what is due and arms for what comes next, until nothing does */
static void tmigr_test_keeper_serves_all(struct kunit *test)
{
	u64 first = START + 10;
	unsigned int cpu;

	machine_boot(test, &three_levels);
	for (cpu = 0; cpu < LAST; cpu++)
		vcpu_idle_until(cpu, first + cpu);
	KUNIT_ASSERT_EQ(test, first, vcpu_go_idle(LAST));

	while (machine->now < first + LAST - 1) {
		KUNIT_ASSERT_TRUE(test, tmc(LAST)->keeping);
		machine->now++;
		vcpu_tick(LAST);
		for (cpu = 0; cpu < LAST; cpu++)
			KUNIT_ASSERT_EQ(test, vcpu(cpu)->nr_expired,
					as_stored(first + cpu) <= machine->now);
	}
	KUNIT_EXPECT_FALSE(test, tmc(LAST)->keeping);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu(LAST)->armed);
	machine_check(test);
}

/* A keeper that finds somebody awake has no duty any more */
static void tmigr_test_keeper_finds_active(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 10);

	vcpu_wake(9);
	vcpu_set_timer(3, in_ticks(10));
	machine->now += 10;
	vcpu_tick(3);
	KUNIT_EXPECT_EQ(test, 1, vcpu(3)->nr_expired);
	KUNIT_EXPECT_FALSE(test, tmc(3)->keeping);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu(3)->armed);
	machine_check(test);
}

/* --- Whom the keeper's pull wakes ---------------------------------------------- */

static void wakes_owner(unsigned int cpu)
{
	WRITE_ONCE(vcpu(cpu)->woken, true);
}

/* CPU 3 is the keeper, and has pulled the timer of CPU 9, which wakes a task there */
static void keeper_has_woken(struct kunit *test, void (*on_expire)(unsigned int cpu))
{
	unsigned int cpu;

	machine_boot(test, &two_leaves);
	vcpu_set_timer(9, in_ticks(10));
	vcpu_set_timer(12, in_ticks(30));
	for (cpu = 0; cpu < two_leaves.nr_cpus; cpu++) {
		if (cpu != 3)
			vcpu_go_idle(cpu);
	}
	KUNIT_ASSERT_EQ(test, in_ticks(10), vcpu_go_idle(3));

	machine->now += 10;
	machine->on_expire = on_expire;
	vcpu_tick(3);
	KUNIT_ASSERT_EQ(test, 1, vcpu(9)->nr_expired);
}

static void tmigr_test_woken_covers(struct kunit *test)
{
	keeper_has_woken(test, wakes_owner);

	KUNIT_EXPECT_FALSE(test, tmc(3)->keeping);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu(3)->armed);
	/* Nor has the keeper to arm when it looks for its next timer, or another CPU */
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_new_timer(3, in_ticks(40)));
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_new_timer(4, in_ticks(15)));

	vcpu_wake(9);
	machine_check(test);
	KUNIT_EXPECT_EQ(test, in_ticks(15), vcpu_go_idle(9));
	machine_check(test);
}

static void tmigr_test_nobody_woken(struct kunit *test)
{
	keeper_has_woken(test, NULL);

	KUNIT_EXPECT_TRUE(test, tmc(3)->keeping);
	KUNIT_EXPECT_EQ(test, in_ticks(20), vcpu(3)->armed);
	machine_check(test);
}

static void wakes_owner_for_a_moment(unsigned int cpu)
{
	vcpu_wake(cpu);
	vcpu_set_timer(cpu, in_ticks(0));
	vcpu_go_idle(cpu);
}

/* The woken CPU is idle again, and has relied on the keeper */
static void tmigr_test_woken_idle_again(struct kunit *test)
{
	keeper_has_woken(test, wakes_owner_for_a_moment);

	KUNIT_EXPECT_TRUE(test, tmc(3)->keeping);
	KUNIT_EXPECT_EQ(test, in_ticks(20), vcpu(3)->armed);
	machine_check(test);
}

/* It is remembered no longer than it takes to leave idle */
static void tmigr_test_woken_forgotten(struct kunit *test)
{
	keeper_has_woken(test, wakes_owner);

	WRITE_ONCE(vcpu(9)->woken, false);
	KUNIT_EXPECT_EQ(test, in_ticks(15), vcpu_new_timer(4, in_ticks(15)));
	WRITE_ONCE(vcpu(9)->woken, true);
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_new_timer(5, in_ticks(10)));
	machine_check(test);
}

/* Who does not take part any more will not be active */
static void tmigr_test_woken_leaves(struct kunit *test)
{
	keeper_has_woken(test, wakes_owner);

	KUNIT_EXPECT_EQ(test, in_ticks(20), vcpu_leave(9));
	KUNIT_EXPECT_EQ(test, in_ticks(15), vcpu_new_timer(4, in_ticks(15)));
}

/* Another CPU that leaves need not hand over */
static void tmigr_test_woken_takes_over(struct kunit *test)
{
	keeper_has_woken(test, wakes_owner);

	vcpu_wake(4);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_leave(4));
	vcpu_wake(9);
	KUNIT_EXPECT_EQ(test, in_ticks(20), vcpu_go_idle(9));
	machine_check(test);
}

/* --- A new first timer of an idle CPU ---------------------------------------- */

static void tmigr_test_new_timer_beside_active(struct kunit *test)
{
	machine_boot(test, &three_levels);

	machine_idle(0, LAST - 1);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_new_timer(0, in_ticks(10)));
	KUNIT_EXPECT_EQ(test, in_ticks(10), machine->tree.root->first);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_new_timer(0, in_ticks(20)));
	KUNIT_EXPECT_EQ(test, in_ticks(20), machine->tree.root->first);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_new_timer(0, NEVER));
	KUNIT_EXPECT_EQ(test, NEVER, machine->tree.root->first);
	machine_check(test);
}

/* All idle: who has an earlier timer arms for it itself */
static void tmigr_test_new_timer_all_idle(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 100);

	KUNIT_EXPECT_EQ(test, NEVER, vcpu_new_timer(9, in_ticks(100)));
	KUNIT_EXPECT_EQ(test, in_ticks(50), vcpu_new_timer(9, in_ticks(50)));
	machine_check(test);
	KUNIT_EXPECT_EQ(test, in_ticks(40), vcpu_new_timer(3, in_ticks(40)));
	machine_check(test);
}

/* The keeper promised to wake for somebody else; its own new timer does not change that */
static void tmigr_test_new_timer_of_keeper(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_set_timer(0, in_ticks(50));
	machine_idle(0, two_leaves.nr_cpus - 2);
	KUNIT_ASSERT_EQ(test, in_ticks(50), vcpu_go_idle(two_leaves.nr_cpus - 1));

	KUNIT_EXPECT_EQ(test, in_ticks(50), vcpu_new_timer(two_leaves.nr_cpus - 1, in_ticks(70)));
	KUNIT_EXPECT_EQ(test, in_ticks(30), vcpu_new_timer(two_leaves.nr_cpus - 1, in_ticks(30)));
	machine_check(test);
}

/* Equal expiries everywhere: one is armed, and one is enough */
static void tmigr_test_equal_expiries(struct kunit *test)
{
	unsigned int cpu, armed = 0;

	machine_boot(test, &three_levels);
	for (cpu = 0; cpu <= LAST; cpu++)
		armed += vcpu_idle_until(cpu, in_ticks(10)) != NEVER;
	KUNIT_EXPECT_EQ(test, 1, armed);
	machine_check(test);

	machine->now += 10;
	vcpu_tick(LAST);
	for (cpu = 0; cpu <= LAST; cpu++)
		KUNIT_EXPECT_EQ(test, 1, vcpu(cpu)->nr_expired);
	KUNIT_EXPECT_EQ(test, NEVER, machine->tree.root->first);
	machine_check(test);
}

/* --- The forecast ------------------------------------------------------------ */

static void tmigr_test_forecast_has_no_effect(struct kunit *test)
{
	size_t groups, cpus;
	void *group, *cpu;

	all_idle_with_keeper(test, 3, 100);
	vcpu_wake(9);
	vcpu_set_timer(9, in_ticks(10));

	groups = machine->nr_groups * sizeof(*machine->group);
	cpus = two_leaves.nr_cpus * sizeof(*machine->vcpu);
	group = kunit_kmalloc(test, groups, GFP_KERNEL);
	cpu = kunit_kmalloc(test, cpus, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, group);
	KUNIT_ASSERT_NOT_NULL(test, cpu);
	memcpy(group, machine->group, groups);
	memcpy(cpu, machine->vcpu, cpus);

	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_forecast(9));
	/* On 32 bit the locks were taken, and lockdep remembers where */
	if (BITS_PER_LONG == 64)
		KUNIT_EXPECT_EQ(test, 0, memcmp(group, machine->group, groups));
	KUNIT_EXPECT_EQ(test, 0, memcmp(cpu, machine->vcpu, cpus));
	machine_check(test);
}

/* The first event may be known in any of the levels alone */
static void tmigr_test_forecast_of_all_levels(struct kunit *test)
{
	static const unsigned int who[] = { 1, NEXT_LEAF, LAST };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(who); i++) {
		machine_boot(test, &three_levels);
		vcpu_set_timer(who[i], in_ticks(10));
		machine_idle(1, LAST);
		KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_forecast(0));
		vcpu_set_timer(0, in_ticks(20));
		KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_forecast(0));
		vcpu_set_timer(0, in_ticks(5));
		KUNIT_EXPECT_EQ(test, in_ticks(5), vcpu_forecast(0));
		vcpu_wake(LAST);
		KUNIT_EXPECT_EQ(test, NEVER, vcpu_forecast(0));
	}
}

static void tmigr_test_forecast_of_itself(struct kunit *test)
{
	machine_boot(test, &two_leaves);

	tmc(0)->arm = TMIGR_ARM_SELF;
	vcpu_set_timer(0, in_ticks(10));
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_forecast(0));
	vcpu_set_timer(1, in_ticks(5));
	machine_idle(1, two_leaves.nr_cpus - 1);
	KUNIT_EXPECT_EQ(test, in_ticks(5), vcpu_forecast(0));
}

/* --- Who has to pull --------------------------------------------------------- */

static void tmigr_test_migrator_must_pull(struct kunit *test)
{
	machine_boot(test, &three_levels);

	vcpu_idle_until(3, in_ticks(10));
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(0));
	machine->now += 10;
	KUNIT_EXPECT_TRUE(test, vcpu_must_pull(0));
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(1));
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(3));
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(NEXT_LEAF));

	/* The next active one inherits */
	vcpu_go_idle(0);
	KUNIT_EXPECT_TRUE(test, vcpu_must_pull(1));
	vcpu_wake(0);
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(0));
	machine_check(test);
}

/* A CPU of another node's leaf sees what is due below the root, when it is migrator there */
static void tmigr_test_migrator_at_each_level(struct kunit *test)
{
	machine_boot(test, &three_levels);

	vcpu_set_timer(0, in_ticks(10));
	machine_idle(0, LAST - 1);
	machine->now += 10;
	KUNIT_EXPECT_TRUE(test, vcpu_must_pull(LAST));

	vcpu_wake(LAST - 1);
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(LAST - 1));
	vcpu_tick(LAST - 1);
	KUNIT_EXPECT_EQ(test, 0, vcpu(0)->nr_expired);
	vcpu_tick(LAST);
	KUNIT_EXPECT_EQ(test, 1, vcpu(0)->nr_expired);
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(LAST));
	machine_check(test);
}

/* The migrator does not look, so another CPU of its leaf does what it should have done */
static void tmigr_test_stuck_migrator_in_leaf(struct kunit *test)
{
	machine_boot(test, &three_levels);

	vcpu_idle_until(3, in_ticks(10));
	machine->now += 10 + TMIGR_OVERDUE - 1;
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(1));
	vcpu_tick(1);
	KUNIT_EXPECT_EQ(test, 0, vcpu(3)->nr_expired);

	machine->now++;
	KUNIT_EXPECT_TRUE(test, vcpu_must_pull(1));
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(3));
	vcpu_tick(1);
	KUNIT_EXPECT_EQ(test, 1, vcpu(3)->nr_expired);
	KUNIT_EXPECT_EQ(test, 1, vcpu(1)->takeovers);
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(1));

	/* What the migrator does itself is none */
	vcpu_new_timer(3, in_ticks(1));
	machine->now += 1 + TMIGR_OVERDUE;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, 2, vcpu(3)->nr_expired);
	KUNIT_EXPECT_EQ(test, 0, vcpu(0)->takeovers);
	machine_check(test);
}

/* Nobody in the other leaves knows of it, until it is their turn to look further */
static void tmigr_test_stuck_migrator_further_up(struct kunit *test)
{
	unsigned int ticks, looks = 0;

	machine_boot(test, &three_levels);
	vcpu_set_timer(LAST, in_ticks(10));
	machine_idle(2, LAST);
	machine->now += 10 + TMIGR_OVERDUE;

	for (ticks = 0; ticks < TMIGR_LOOK_FURTHER; ticks++, machine->now++)
		looks += vcpu_must_pull(1);
	KUNIT_EXPECT_EQ(test, 1, looks);
	KUNIT_EXPECT_TRUE(test, vcpu_must_pull(0));

	for (ticks = 0; ticks < TMIGR_LOOK_FURTHER; ticks++, machine->now++)
		vcpu_tick(1);
	KUNIT_EXPECT_EQ(test, 1, vcpu(LAST)->nr_expired);
	KUNIT_EXPECT_EQ(test, 1, vcpu(1)->takeovers);
	machine_check(test);
}

static void tmigr_test_idle_must_pull_when_keeper(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 10);

	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(3));
	machine->now += 10;
	KUNIT_EXPECT_TRUE(test, vcpu_must_pull(3));
	KUNIT_EXPECT_FALSE(test, vcpu_must_pull(4));
}

/* --- Pulling ----------------------------------------------------------------- */

static void tmigr_test_pull_nothing_due(struct kunit *test)
{
	machine_boot(test, &three_levels);

	vcpu_idle_until(3, in_ticks(10));
	machine->now += 9;
	tmigr_core_pull(tmc(0), machine->now);
	KUNIT_EXPECT_EQ(test, 0, vcpu(3)->nr_expired);
	KUNIT_EXPECT_EQ(test, in_ticks(1), tmc(0)->leaf->first);
	machine_check(test);
}

/* One pull runs all that is due, in this leaf, in the next, and below the root */
static void tmigr_test_pull_everything_due(struct kunit *test)
{
	unsigned int cpu;

	machine_boot(test, &three_levels);
	for (cpu = 1; cpu <= LAST; cpu++)
		vcpu_idle_until(cpu, in_ticks(cpu % 2 ? 10 : 20));
	machine->now += 15;
	vcpu_tick(0);
	for (cpu = 1; cpu <= LAST; cpu++)
		KUNIT_EXPECT_EQ(test, cpu % 2, vcpu(cpu)->nr_expired);
	KUNIT_EXPECT_EQ(test, in_ticks(5), machine->tree.root->first);
	machine_check(test);

	machine->now += 5;
	vcpu_tick(0);
	for (cpu = 1; cpu <= LAST; cpu++)
		KUNIT_EXPECT_EQ(test, 1, vcpu(cpu)->nr_expired);
	KUNIT_EXPECT_EQ(test, NEVER, machine->tree.root->first);
	machine_check(test);
}

static void rearm(unsigned int cpu)
{
	/* As a callback does, when it is about to return */
	vcpu_expire(cpu);
	vcpu_set_timer(cpu, in_ticks(3));
}

/* The timer arms itself again: what comes next is entered */
static void tmigr_test_pull_rearms(struct kunit *test)
{
	unsigned int i;

	machine_boot(test, &three_levels);
	machine_idle(1, LAST);
	vcpu_new_timer(LAST, in_ticks(3));
	machine->on_expire = rearm;

	for (i = 1; i < 10; i++) {
		machine->now += 3;
		vcpu_tick(0);
		KUNIT_EXPECT_EQ(test, i, vcpu(LAST)->nr_expired);
		KUNIT_EXPECT_EQ(test, as_stored(in_ticks(3)), machine->tree.root->first);
		machine_check(test);
	}
}

static void wake_it(unsigned int cpu)
{
	vcpu_wake(cpu);
}

/* The CPU becomes active while its timers are run for it */
static void tmigr_test_pull_while_it_wakes(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_idle_until(3, in_ticks(10));
	machine->on_expire = wake_it;

	machine->now += 10;
	vcpu_tick(0);
	KUNIT_EXPECT_TRUE(test, tmigr_cpu_active(tmc(3)));
	KUNIT_EXPECT_EQ(test, NEVER, tmc(3)->leaf->first);
	machine_check(test);
}

static void wake_and_sleep(unsigned int cpu)
{
	vcpu_wake(cpu);
	vcpu_idle_until(cpu, in_ticks(4));
}

/* It has gone idle again by then, with another timer */
static void tmigr_test_pull_while_it_wakes_and_sleeps(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_idle_until(3, in_ticks(10));
	machine->on_expire = wake_and_sleep;

	machine->now += 10;
	vcpu_tick(0);
	KUNIT_EXPECT_FALSE(test, tmigr_cpu_active(tmc(3)));
	KUNIT_EXPECT_EQ(test, in_ticks(4), tmc(3)->leaf->first);
	KUNIT_EXPECT_EQ(test, 0, vcpu(3)->nr_expired);
	machine_check(test);
}

static void leave_it(unsigned int cpu)
{
	vcpu_wake(cpu);
	vcpu_leave(cpu);
}

/* It leaves: its next timer is its own business */
static void tmigr_test_pull_while_it_leaves(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_idle_until(3, in_ticks(10));
	machine->on_expire = leave_it;

	machine->now += 10;
	vcpu_tick(0);
	vcpu_set_timer(3, in_ticks(4));
	KUNIT_EXPECT_EQ(test, NEVER, tmc(3)->leaf->first);
	machine_check(test);
}

static void arm_itself(unsigned int cpu)
{
	vcpu_expire(cpu);
	tmc(cpu)->arm = TMIGR_ARM_SELF;
	vcpu_new_timer(cpu, in_ticks(20));
}

/* It is told to wake for its timers itself, and looks: nobody else need know of them */
static void tmigr_test_pull_while_it_arms_itself(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_idle_until(3, in_ticks(10));
	machine->on_expire = arm_itself;

	machine->now += 10;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, in_ticks(20), vcpu(3)->armed);
	KUNIT_EXPECT_EQ(test, NEVER, tmc(3)->leaf->first);
	machine_check(test);
}

static void arm_itself_and_rearm(unsigned int cpu)
{
	arm_itself(cpu);
	vcpu_set_timer(cpu, in_ticks(5));
}

/* The same, but then the callback queues an earlier one, of which the CPU does not know */
static void tmigr_test_pull_while_it_arms_and_rearms(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_idle_until(3, in_ticks(10));
	machine->on_expire = arm_itself_and_rearm;

	machine->now += 10;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, as_stored(in_ticks(5)), tmc(3)->leaf->first);
	machine_check(test);
}

static void queue_on_it(unsigned int cpu)
{
	vcpu_expire(cpu);
	if (vcpu(cpu)->nr_expired == 1)
		vcpu_new_timer(cpu, machine->now);
}

/* A timer that is due at once is queued, and told, on a CPU that is being pulled */
static void tmigr_test_pull_while_it_queues(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_idle_until(3, in_ticks(10));
	machine->on_expire = queue_on_it;

	machine->now += 10;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, 2, vcpu(3)->nr_expired);
	KUNIT_EXPECT_EQ(test, NEVER, tmc(3)->leaf->first);
	machine_check(test);
}

static void puller_leaves(unsigned int cpu)
{
	if (!tmc(0)->available)
		return;
	vcpu_wake(0);
	vcpu_leave(0);
}

/* The keeper leaves in the middle of its pull: it does not come back to its duty */
static void tmigr_test_puller_leaves(struct kunit *test)
{
	machine_boot(test, &three_levels);
	vcpu_set_timer(1, in_ticks(10));
	vcpu_set_timer(LAST, in_ticks(20));
	machine_idle(1, LAST);
	vcpu_go_idle(0);
	machine->on_expire = puller_leaves;

	machine->now += 10;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, 1, vcpu(1)->nr_expired);
	KUNIT_EXPECT_FALSE(test, tmc(0)->keeping);

	/* The host wakes somebody to take over */
	vcpu_wake(1);
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_go_idle(1));
	machine_check(test);
}

static void puller_goes_idle(unsigned int cpu)
{
	if (!vcpu(0)->idle)
		vcpu_go_idle(0);
}

/* A nohz_full CPU stops its tick in the middle of its pull, last in the system */
static void tmigr_test_puller_goes_idle(struct kunit *test)
{
	machine_boot(test, &three_levels);
	vcpu_set_timer(1, in_ticks(10));
	vcpu_set_timer(LAST, in_ticks(10));
	vcpu_set_timer(LAST - 1, in_ticks(20));
	machine_idle(1, LAST);
	machine->on_expire = puller_goes_idle;

	machine->now += 10;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, 1, vcpu(1)->nr_expired);
	KUNIT_EXPECT_EQ(test, 1, vcpu(LAST)->nr_expired);
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu(0)->armed);
	machine_check(test);
}

/* A group shows what does not exist any more: it is told, not asked for ever */
static void tmigr_test_pull_corrects_parents(struct kunit *test)
{
	struct tmigr_group *leaf, *parent;

	machine_boot(test, &three_levels);
	machine_idle(1, LAST);
	leaf = tmc(LAST)->leaf;
	parent = leaf->parent;
	parent->exp[leaf->slot] = (u32)in_ticks(5);
	parent->first = in_ticks(5);
	parent->parent->exp[parent->slot] = (u32)in_ticks(5);
	parent->parent->first = in_ticks(5);

	machine->now += 5;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, NEVER, parent->first);
	KUNIT_EXPECT_EQ(test, NEVER, machine->tree.root->first);
	machine_check(test);
}

/* A pull that is not a CPU's business runs nothing */
static void tmigr_test_pull_by_others(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_idle_until(3, in_ticks(10));
	vcpu_leave(NEXT_LEAF);
	machine->now += 10;

	tmigr_core_pull(tmc(1), machine->now);
	tmigr_core_pull(tmc(3), machine->now);
	tmigr_core_pull(tmc(NEXT_LEAF), machine->now);
	KUNIT_EXPECT_EQ(test, 0, vcpu(3)->nr_expired);
	tmigr_core_pull(tmc(0), machine->now);
	KUNIT_EXPECT_EQ(test, 1, vcpu(3)->nr_expired);
	machine_check(test);
}

/* --- Joining and leaving ----------------------------------------------------- */

static void tmigr_test_leave_beside_active(struct kunit *test)
{
	machine_boot(test, &two_leaves);

	vcpu_set_timer(0, in_ticks(10));
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_leave(0));
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_leave(0));
	KUNIT_EXPECT_EQ(test, NEVER, tmc(0)->leaf->first);
	KUNIT_EXPECT_FALSE(test, tmigr_cpu_active(tmc(0)));
	machine_check(test);
}

/* The last active CPU leaves: somebody has to take over what is pending */
static void tmigr_test_leave_last(struct kunit *test)
{
	machine_boot(test, &three_levels);
	vcpu_set_timer(0, in_ticks(10));
	machine_idle(0, LAST - 1);

	vcpu_set_timer(LAST, in_ticks(5));
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_leave(LAST));

	/* The successor leaves idle and is responsible */
	vcpu_wake(1);
	machine_check(test);
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_go_idle(1));
	machine_check(test);
}

/* The last active CPU leaves, but an idle one is armed already */
static void tmigr_test_leave_last_covered(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 100);

	vcpu_wake(9);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_leave(9));
	machine_check(test);
}

static void tmigr_test_keeper_leaves(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 100);
	vcpu_new_timer(5, in_ticks(200));

	vcpu_wake(3);
	KUNIT_EXPECT_EQ(test, in_ticks(200), vcpu_leave(3));
	KUNIT_EXPECT_FALSE(test, tmc(3)->keeping);
	vcpu_wake(4);
	vcpu_go_idle(4);
	machine_check(test);
}

/* An idle CPU, isolated while its tick is stopped, looks after its timer itself */
static void tmigr_test_leave_idle(struct kunit *test)
{
	all_idle_with_keeper(test, 3, 100);

	KUNIT_EXPECT_EQ(test, NEVER, vcpu_leave(3));
	KUNIT_EXPECT_EQ(test, in_ticks(100), vcpu_look(3));
	machine_check(test);
}

static void tmigr_test_join_idle(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_leave(3);
	vcpu_idle_until(3, in_ticks(10));

	vcpu_join(3);
	KUNIT_EXPECT_FALSE(test, tmigr_cpu_active(tmc(3)));
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_look(3));
	KUNIT_EXPECT_EQ(test, in_ticks(10), tmc(3)->leaf->first);
	machine_check(test);
}

static void tmigr_test_join_busy(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	vcpu_leave(3);
	vcpu_join(3);
	KUNIT_EXPECT_TRUE(test, tmigr_cpu_active(tmc(3)));
	machine_check(test);

	/* It counts: with all others idle, nobody has to be armed */
	machine_idle(0, 2);
	machine_idle(4, two_leaves.nr_cpus - 1);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_new_timer(0, in_ticks(10)));
	machine_check(test);
}

static void tmigr_test_everybody_leaves(struct kunit *test)
{
	unsigned int cpu;

	machine_boot(test, &three_levels);
	for (cpu = 0; cpu <= LAST; cpu++) {
		KUNIT_EXPECT_EQ(test, NEVER, vcpu_leave(cpu));
		machine_check(test);
	}
	KUNIT_EXPECT_EQ(test, 0, tmigr_group_state(machine->tree.root).active);
	for (cpu = 0; cpu <= LAST; cpu++)
		vcpu_join(cpu);
	machine_check(test);
}

/* --- Who wakes for a timer --------------------------------------------------- */

static void tmigr_test_arm_self(struct kunit *test)
{
	machine_boot(test, &two_leaves);

	tmc(0)->arm = TMIGR_ARM_SELF;
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_idle_until(0, in_ticks(10)));
	KUNIT_EXPECT_EQ(test, NEVER, tmc(0)->leaf->first);
	KUNIT_EXPECT_EQ(test, in_ticks(5), vcpu_new_timer(0, in_ticks(5)));
	machine_check(test);

	/* Switched over while it sleeps: what it is armed for, it serves */
	tmc(0)->arm = TMIGR_ARM_OTHERS;
	machine_check(test);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_look(0));
	KUNIT_EXPECT_EQ(test, in_ticks(5), tmc(0)->leaf->first);
	machine_check(test);

	/* And back */
	tmc(0)->arm = TMIGR_ARM_SELF;
	KUNIT_EXPECT_EQ(test, in_ticks(5), vcpu_look(0));
	KUNIT_EXPECT_EQ(test, NEVER, tmc(0)->leaf->first);
	machine_check(test);
}

/* How many sleeps until the CPU leaves its timer to others, or does not any more */
static unsigned int sleeps_until(unsigned int cpu, bool others, bool woke)
{
	unsigned int sleeps;
	bool left;

	for (sleeps = 0; sleeps < 100; sleeps++) {
		left = vcpu_idle_until(cpu, in_ticks(10)) == NEVER;
		vcpu_leave_idle(cpu, woke);
		if (left == others)
			break;
	}

	return sleeps;
}

/* A CPU learns from who else was awake when it woke */
static void tmigr_test_predict(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	tmc(0)->arm = TMIGR_ARM_PREDICT;

	/* At first it wakes itself; others are awake, so it leaves it to them soon */
	KUNIT_EXPECT_EQ(test, 1, sleeps_until(0, true, true));

	/* It gets more and more certain, but never too certain */
	KUNIT_EXPECT_EQ(test, 100, sleeps_until(0, false, true));
	KUNIT_EXPECT_EQ(test, 0, tmc(0)->score);

	/* Alone, it takes it back; this too gets certain to a limit */
	machine_idle(1, two_leaves.nr_cpus - 1);
	for (; tmc(0)->score < TMIGR_ARM_PREDICT; vcpu_wake(0))
		vcpu_idle_until(0, NEVER);
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_idle_until(0, in_ticks(10)));
	vcpu_wake(0);
	KUNIT_EXPECT_EQ(test, 100, sleeps_until(0, true, true));
	KUNIT_EXPECT_EQ(test, TMIGR_SCORE_MAX, tmc(0)->score);
	machine_check(test);
}

/* One that did not sleep has learnt nothing */
static void tmigr_test_predict_not_slept(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	tmc(0)->arm = TMIGR_ARM_PREDICT;

	KUNIT_EXPECT_EQ(test, 100, sleeps_until(0, true, false));
	KUNIT_EXPECT_EQ(test, TMIGR_ARM_PREDICT, tmc(0)->score);
}

/* It woke for its timer and stayed idle: to no use */
static void tmigr_test_predict_woke_for_nothing(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	tmc(0)->arm = TMIGR_ARM_PREDICT;

	KUNIT_EXPECT_EQ(test, in_ticks(1), vcpu_idle_until(0, in_ticks(1)));
	machine->now++;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, 1, vcpu(0)->nr_expired);
	KUNIT_EXPECT_EQ(test, NEVER, vcpu_new_timer(0, in_ticks(10)));
	machine_check(test);
}

/* --- Words that wrap --------------------------------------------------------- */

static void set_seq(struct tmigr_group *group, unsigned long seq)
{
	struct tmigr_state state = tmigr_group_state(group);

	state.seq = seq;
	atomic_long_set(&group->state, tmigr_pack(state));
}

/* The sequence number wraps and leaves its neighbours in the word alone */
static void tmigr_test_seq_wraps(struct kunit *test)
{
	unsigned long last = ~0UL >> TMIGR_SEQ_SHIFT;
	struct tmigr_state before, after;
	unsigned int i, slot;

	machine_boot(test, &three_levels);
	for (slot = 0; slot < TMIGR_FANOUT; slot++) {
		for (i = 0; i < machine->nr_groups; i++)
			set_seq(&machine->group[i], last);

		before = tmigr_group_state(tmc(slot)->leaf);
		vcpu_go_idle(slot);
		vcpu_wake(slot);
		after = tmigr_group_state(tmc(slot)->leaf);
		KUNIT_EXPECT_EQ(test, last, before.seq);
		KUNIT_EXPECT_EQ(test, 1, after.seq);
		KUNIT_EXPECT_EQ(test, before.active, after.active);
		machine_check(test);
	}

	/* In all levels at once */
	for (i = 0; i < machine->nr_groups; i++)
		set_seq(&machine->group[i], last);
	vcpu_set_timer(0, in_ticks(10));
	machine_idle(0, LAST - 1);
	KUNIT_EXPECT_EQ(test, in_ticks(10), vcpu_go_idle(LAST));
	KUNIT_EXPECT_EQ(test, 0, tmigr_group_state(machine->tree.root).active);
	machine_check(test);
}

/* Each update shows in the sequence number, also one that changes nothing else */
static void tmigr_test_seq_counts(struct kunit *test)
{
	struct tmigr_group *root;
	unsigned long seq;

	machine_boot(test, &two_leaves);
	root = machine->tree.root;
	seq = tmigr_group_state(root).seq;
	tmigr_set_active(root, tmc(0)->leaf->slot);
	KUNIT_EXPECT_EQ(test, seq + 1, tmigr_group_state(root).seq);
	raw_spin_lock_irq(&root->lock);
	tmigr_sync_active(root, tmc(0)->leaf);
	raw_spin_unlock_irq(&root->lock);
	KUNIT_EXPECT_EQ(test, seq + 2, tmigr_group_state(root).seq);
}

/* Each field of the state word keeps to its bits */
static void tmigr_test_state_word(struct kunit *test)
{
	struct tmigr_state state = {
		.active		= BIT(TMIGR_FANOUT) - 1,
		.migrator	= TMIGR_FANOUT - 1,
		.seq		= ~0UL >> TMIGR_SEQ_SHIFT,
	}, same;

	same = tmigr_unpack(tmigr_pack(state));
	KUNIT_EXPECT_EQ(test, state.active, same.active);
	KUNIT_EXPECT_EQ(test, state.migrator, same.migrator);
	KUNIT_EXPECT_EQ(test, state.seq, same.seq);

	state.migrator = TMIGR_NONE;
	state.active = 0;
	state.seq++;
	same = tmigr_unpack(tmigr_pack(state));
	KUNIT_EXPECT_EQ(test, 0, same.active);
	KUNIT_EXPECT_EQ(test, TMIGR_NONE, same.migrator);
	KUNIT_EXPECT_EQ(test, 0, same.seq);
}

/* Expiries around 2^32 ticks, of which a slot keeps the low half */
static void tmigr_test_expiry_wraps(struct kunit *test)
{
	static const u64 exps[] = {
		BIT_ULL(32) - 2, BIT_ULL(32), BIT_ULL(32) + 1, BIT_ULL(32) + BIT_ULL(30),
		5 * BIT_ULL(32) - 3, 5 * BIT_ULL(32) + 3,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(exps); i++) {
		machine_boot(test, &two_leaves);
		machine->now = exps[i] - 2;
		vcpu_set_timer(3, exps[i]);
		machine_idle(0, two_leaves.nr_cpus - 2);
		KUNIT_EXPECT_EQ(test, exps[i], vcpu_go_idle(two_leaves.nr_cpus - 1));
		machine_check(test);

		machine->now++;
		KUNIT_EXPECT_FALSE(test, vcpu_must_pull(two_leaves.nr_cpus - 1));
		machine->now++;
		vcpu_tick(two_leaves.nr_cpus - 1);
		KUNIT_EXPECT_EQ(test, 1, vcpu(3)->nr_expired);
	}
}

/* The tick whose low half says "none" is taken for the next one */
static void tmigr_test_expiry_like_none(struct kunit *test)
{
	machine_boot(test, &two_leaves);
	machine->now = BIT_ULL(32) - 3;
	vcpu_set_timer(3, BIT_ULL(32) - 1);
	machine_idle(0, two_leaves.nr_cpus - 2);
	KUNIT_EXPECT_EQ(test, BIT_ULL(32), vcpu_go_idle(two_leaves.nr_cpus - 1));
	machine_check(test);
}

/* Nearly as far as a timer wheel reaches, beside something overdue */
static void tmigr_test_expiry_far(struct kunit *test)
{
	u64 far = START + BIT_ULL(30);

	machine_boot(test, &two_leaves);
	vcpu_idle_until(3, far);
	vcpu_idle_until(4, in_ticks(1));
	machine->now += 1000;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, 1, vcpu(4)->nr_expired);
	KUNIT_EXPECT_EQ(test, far, tmc(3)->leaf->first);
	/* Who looks from outside may be too late */
	KUNIT_EXPECT_EQ(test, far, tmigr_slot_exp(tmc(3)->leaf, tmc(3)->slot, far + 5));
	machine->now = far;
	vcpu_tick(0);
	KUNIT_EXPECT_EQ(test, 1, vcpu(3)->nr_expired);
	machine_check(test);
}

/**
 * struct torn_read - One CPU updates a 64-bit expiry in two halves, one reads it
 * @group:	Whose first expiry it is
 * @half_written: The first half is there
 * @read:	The reader has its answer
 * @late:	The writer gave up waiting for the reader, as it has to
 */
struct torn_read {
	struct tmigr_group	*group;
	struct completion	half_written;
	bool			read;
	bool			late;
};

static int write_in_halves(void *data)
{
	struct torn_read *torn = data;
	unsigned int ms;

	raw_spin_lock_irq(&torn->group->lock);
	/* From 0x00000001_00000005 to 0x00000002_00000006, with a stop between */
	torn->group->first = BIT_ULL(32) + 6;
	complete(&torn->half_written);
	for (ms = 0; ms < 100 && !READ_ONCE(torn->read); ms++)
		mdelay(1);
	torn->late = ms == 100;
	torn->group->first = 2 * BIT_ULL(32) + 6;
	raw_spin_unlock_irq(&torn->group->lock);

	return 0;
}

/* On 32 bit nobody sees half of an expiry, because the reader waits for the lock */
static void tmigr_test_torn_read(struct kunit *test)
{
	struct torn_read torn = { };
	struct task_struct *writer;
	unsigned int here, there;
	u64 first;

	if (BITS_PER_LONG == 64)
		kunit_skip(test, "an expiry is read at once");

	here = cpumask_first(cpu_online_mask);
	there = cpumask_any_but(cpu_online_mask, here);
	if (there >= nr_cpu_ids)
		kunit_skip(test, "needs two CPUs");
	KUNIT_ASSERT_EQ(test, 0, set_cpus_allowed_ptr(current, cpumask_of(here)));

	machine_boot(test, &two_leaves);
	torn.group = tmc(0)->leaf;
	torn.group->first = BIT_ULL(32) + 5;
	init_completion(&torn.half_written);

	writer = kthread_create_on_cpu(write_in_halves, &torn, there, "tmigr_torn/%u");
	KUNIT_ASSERT_FALSE(test, IS_ERR(writer));
	get_task_struct(writer);
	wake_up_process(writer);

	wait_for_completion(&torn.half_written);
	first = tmigr_first(torn.group);
	WRITE_ONCE(torn.read, true);
	kthread_stop_put(writer);

	KUNIT_EXPECT_EQ(test, 2 * BIT_ULL(32) + 6, first);
	KUNIT_EXPECT_TRUE(test, torn.late);
}

/* --- A random walk ----------------------------------------------------------- */

static const struct shape walks[] = {
	{ .name = "3 CPUs, 3 nodes", .nr_cpus = 3, .nr_nodes = 3, .node_of = in_turn, },
	{ .name = "one CPU more than a leaf", .nr_cpus = TMIGR_FANOUT + 1, .nr_nodes = 1,
	  .node_of = one_node, },
	{ .name = "20 CPUs, 2 nodes", .nr_cpus = 20, .nr_nodes = 2, .node_of = in_blocks,
	  .shuffled = true, },
	{ .name = "64 CPUs beside 2", .nr_cpus = 66, .nr_nodes = 2, .node_of = imbalanced, },
	{ .name = "300 CPUs, 3 nodes", .nr_cpus = 300, .nr_nodes = 3, .node_of = in_turn, },
};

KUNIT_ARRAY_PARAM_DESC(walk, walks, name);

#define WALK_STEPS	3000
#define WALK_ROUNDS	16

static u64 random_expiry(void)
{
	return random_below(4) ? in_ticks(1 + random_below(40)) : NEVER;
}

static void walk_idle(struct kunit *test, unsigned int cpu)
{
	u64 forecast, exp;

	vcpu_set_timer(cpu, random_expiry());
	vcpu_set_pinned(cpu, random_below(4) ? NEVER : random_expiry());
	forecast = vcpu_forecast(cpu);
	exp = vcpu_go_idle(cpu);
	KUNIT_ASSERT_LE(test, forecast, exp);
}

/* A CPU that sees to what somebody left behind */
static void walk_succeed(struct kunit *test)
{
	unsigned int cpu;

	for (cpu = 0; cpu < machine->shape->nr_cpus; cpu++) {
		if (!tmc(cpu)->available)
			continue;
		if (vcpu(cpu)->idle)
			vcpu_wake(cpu);
		return;
	}
	KUNIT_ASSERT_TRUE_MSG(test, false, "something is left behind, and nobody is left");
}

static void walk_leave(struct kunit *test, unsigned int cpu)
{
	bool stopped = vcpu(cpu)->idle && random_below(2);
	u64 orphaned;

	if (vcpu(cpu)->idle && !stopped)
		vcpu_wake(cpu);
	orphaned = vcpu_leave(cpu);
	if (orphaned != NEVER)
		walk_succeed(test);
	if (stopped)
		vcpu_look(cpu);
}

static void walk_interrupts(struct kunit *test)
{
	unsigned int cpu, round;
	bool busy = true;

	for (round = 0; busy; round++) {
		KUNIT_ASSERT_LT_MSG(test, round, WALK_ROUNDS, "idle CPUs wake again and again");
		busy = false;
		for (cpu = 0; cpu < machine->shape->nr_cpus; cpu++) {
			if (vcpu(cpu)->idle && vcpu(cpu)->armed <= machine->now) {
				vcpu_tick(cpu);
				busy = true;
			}
		}
	}
}

/* After a tick of everybody nothing is due any more, in the whole machine */
static void walk_pass_time(struct kunit *test)
{
	unsigned int cpu;

	machine->now++;
	walk_interrupts(test);
	for (cpu = 0; cpu < machine->shape->nr_cpus; cpu++) {
		if (!vcpu(cpu)->idle)
			vcpu_tick(cpu);
	}
	walk_interrupts(test);

	for (cpu = 0; cpu < machine->shape->nr_cpus; cpu++)
		KUNIT_ASSERT_GT_MSG(test, as_stored(vcpu_next(vcpu(cpu))), machine->now,
				    "%s: CPU %u is overdue", machine->shape->name, cpu);
}

static void walk_step(struct kunit *test)
{
	static const enum tmigr_arm arms[] = {
		TMIGR_ARM_SELF, TMIGR_ARM_PREDICT, TMIGR_ARM_OTHERS,
	};
	unsigned int cpu = random_below(machine->shape->nr_cpus);

	switch (random_below(32)) {
	case 0:
		WRITE_ONCE(tmc(cpu)->arm, arms[random_below(ARRAY_SIZE(arms))]);
		break;
	case 1 ... 2:
		if (tmc(cpu)->available)
			walk_leave(test, cpu);
		else
			vcpu_join(cpu);
		break;
	case 3 ... 7:
		walk_pass_time(test);
		break;
	case 8 ... 11:
		if (vcpu(cpu)->idle)
			vcpu_new_timer(cpu, random_expiry());
		break;
	case 12 ... 15:
		if (vcpu(cpu)->idle)
			vcpu_wake(cpu);
		break;
	default:
		if (!vcpu(cpu)->idle)
			walk_idle(test, cpu);
	}
}

static void tmigr_test_random_walk(struct kunit *test)
{
	unsigned int step;

	machine_boot(test, test->param_value);
	for (step = 0; step < WALK_STEPS; step++) {
		walk_step(test);
		machine_check(test);
		cond_resched();
	}

	/* Without new timers everybody comes to rest, and nobody is armed for nothing */
	for (step = 0; step < machine->shape->nr_cpus; step++) {
		if (!vcpu(step)->idle)
			vcpu_go_idle(step);
	}
	for (step = 0; step < 100; step++)
		walk_pass_time(test);
	for (step = 0; step < machine->shape->nr_cpus; step++) {
		KUNIT_ASSERT_EQ(test, NEVER, vcpu(step)->armed);
		KUNIT_ASSERT_FALSE(test, tmc(step)->keeping);
	}
}

/* --- In parallel ------------------------------------------------------------- */

#define CREW_MAX	4
#define CREW_ROUNDS	4000

/**
 * struct crew - Virtual CPUs that a thread of a CPU of its own plays
 * @task:	The thread
 * @first:	The first of them, every @every th CPU is the crew's
 * @every:	How many crews there are
 * @rnd:	Random numbers
 * @done:	It has finished; a thread that is stopped early never starts
 */
struct crew {
	struct task_struct	*task;
	unsigned int		first;
	unsigned int		every;
	struct rnd_state	rnd;
	struct completion	done;
};

static void crew_step(unsigned int cpu, u32 random)
{
	u64 exp = random & 1 ? NEVER : in_ticks(1 + random / 2 % 4);

	if (vcpu(cpu)->idle && vcpu(cpu)->armed <= in_ticks(0)) {
		vcpu_tick(cpu);
	} else if (!vcpu(cpu)->idle) {
		vcpu_tick(cpu);
		vcpu_idle_until(cpu, exp);
	} else if (random & 0x70) {
		vcpu_wake(cpu);
	} else {
		vcpu_new_timer(cpu, exp);
	}
}

/* Others than the crew only run its virtual CPUs' timers */
static int crew_run(void *data)
{
	struct crew *crew = data;
	unsigned int round, cpu, nr = machine->shape->nr_cpus / crew->every;
	u32 random;

	for (round = 0; round < CREW_ROUNDS; round++) {
		random = prandom_u32_state(&crew->rnd);
		cpu = crew->first + random % nr * crew->every;
		crew_step(cpu, random >> 16);
		if (!crew->first && round % 64 == 0)
			WRITE_ONCE(machine->now, machine->now + 1);
		cond_resched();
	}
	complete(&crew->done);

	return 0;
}

static unsigned int crews_start(struct crew *crews)
{
	unsigned int nr = min_t(unsigned int, num_online_cpus(), CREW_MAX), i = 0, cpu;

	cpus_read_lock();
	for_each_online_cpu(cpu) {
		if (i == nr)
			break;
		crews[i] = (struct crew) { .first = i, .every = nr, };
		prandom_seed_state(&crews[i].rnd, i + 1);
		init_completion(&crews[i].done);
		crews[i].task = kthread_create_on_cpu(crew_run, &crews[i], cpu, "tmigr_crew/%u");
		if (IS_ERR(crews[i].task))
			break;
		get_task_struct(crews[i].task);
		i++;
	}
	cpus_read_unlock();

	return i;
}

/* Each thread plays some of the CPUs, while others pull their timers */
static void tmigr_test_parallel(struct kunit *test)
{
	struct crew crews[CREW_MAX];
	unsigned int nr, i;

	machine_boot(test, &three_levels);
	nr = crews_start(crews);
	KUNIT_EXPECT_EQ(test, nr, min_t(unsigned int, num_online_cpus(), CREW_MAX));
	for (i = 0; i < nr; i++)
		wake_up_process(crews[i].task);
	for (i = 0; i < nr; i++) {
		wait_for_completion(&crews[i].done);
		kthread_stop_put(crews[i].task);
	}

	machine_check(test);
	walk_pass_time(test);
	machine_check(test);
}

/* --- The suite --------------------------------------------------------------- */

static struct kunit_case timer_migration_cases[] = {
	KUNIT_CASE_PARAM(tmigr_test_failed_allocation, shape_gen_params),
	KUNIT_CASE_PARAM(tmigr_test_growth, shape_gen_params),
	KUNIT_CASE_PARAM(tmigr_test_growth_idle, shape_gen_params),
	KUNIT_CASE(tmigr_test_levels),
	KUNIT_CASE(tmigr_test_attached_only),
	KUNIT_CASE(tmigr_test_idle_beside_active),
	KUNIT_CASE(tmigr_test_last_is_armed),
	KUNIT_CASE(tmigr_test_last_is_first),
	KUNIT_CASE(tmigr_test_nobody_armed_for_nothing),
	KUNIT_CASE(tmigr_test_pinned_comes_first),
	KUNIT_CASE(tmigr_test_idle_without_old_event),
	KUNIT_CASE(tmigr_test_idle_with_old_event),
	KUNIT_CASE(tmigr_test_groups_idled),
	KUNIT_CASE(tmigr_test_unavailable_is_alone),
	KUNIT_CASE(tmigr_test_keeper_covers),
	KUNIT_CASE(tmigr_test_earlier_keeper_takes_over),
	KUNIT_CASE(tmigr_test_relieved_keeper_gone),
	KUNIT_CASE(tmigr_test_keeper_wakes),
	KUNIT_CASE(tmigr_test_three_keepers),
	KUNIT_CASE(tmigr_test_keeper_serves_all),
	KUNIT_CASE(tmigr_test_keeper_finds_active),
	KUNIT_CASE(tmigr_test_woken_covers),
	KUNIT_CASE(tmigr_test_nobody_woken),
	KUNIT_CASE(tmigr_test_woken_idle_again),
	KUNIT_CASE(tmigr_test_woken_forgotten),
	KUNIT_CASE(tmigr_test_woken_leaves),
	KUNIT_CASE(tmigr_test_woken_takes_over),
	KUNIT_CASE(tmigr_test_new_timer_beside_active),
	KUNIT_CASE(tmigr_test_new_timer_all_idle),
	KUNIT_CASE(tmigr_test_new_timer_of_keeper),
	KUNIT_CASE(tmigr_test_equal_expiries),
	KUNIT_CASE(tmigr_test_forecast_has_no_effect),
	KUNIT_CASE(tmigr_test_forecast_of_all_levels),
	KUNIT_CASE(tmigr_test_forecast_of_itself),
	KUNIT_CASE(tmigr_test_migrator_must_pull),
	KUNIT_CASE(tmigr_test_migrator_at_each_level),
	KUNIT_CASE(tmigr_test_stuck_migrator_in_leaf),
	KUNIT_CASE(tmigr_test_stuck_migrator_further_up),
	KUNIT_CASE(tmigr_test_idle_must_pull_when_keeper),
	KUNIT_CASE(tmigr_test_pull_nothing_due),
	KUNIT_CASE(tmigr_test_pull_everything_due),
	KUNIT_CASE(tmigr_test_pull_rearms),
	KUNIT_CASE(tmigr_test_pull_while_it_wakes),
	KUNIT_CASE(tmigr_test_pull_while_it_wakes_and_sleeps),
	KUNIT_CASE(tmigr_test_pull_while_it_leaves),
	KUNIT_CASE(tmigr_test_pull_while_it_arms_itself),
	KUNIT_CASE(tmigr_test_pull_while_it_arms_and_rearms),
	KUNIT_CASE(tmigr_test_pull_while_it_queues),
	KUNIT_CASE(tmigr_test_puller_leaves),
	KUNIT_CASE(tmigr_test_puller_goes_idle),
	KUNIT_CASE(tmigr_test_pull_corrects_parents),
	KUNIT_CASE(tmigr_test_pull_by_others),
	KUNIT_CASE(tmigr_test_leave_beside_active),
	KUNIT_CASE(tmigr_test_leave_last),
	KUNIT_CASE(tmigr_test_leave_last_covered),
	KUNIT_CASE(tmigr_test_keeper_leaves),
	KUNIT_CASE(tmigr_test_leave_idle),
	KUNIT_CASE(tmigr_test_join_idle),
	KUNIT_CASE(tmigr_test_join_busy),
	KUNIT_CASE(tmigr_test_everybody_leaves),
	KUNIT_CASE(tmigr_test_arm_self),
	KUNIT_CASE(tmigr_test_predict),
	KUNIT_CASE(tmigr_test_predict_not_slept),
	KUNIT_CASE(tmigr_test_predict_woke_for_nothing),
	KUNIT_CASE(tmigr_test_seq_wraps),
	KUNIT_CASE(tmigr_test_seq_counts),
	KUNIT_CASE(tmigr_test_state_word),
	KUNIT_CASE(tmigr_test_expiry_wraps),
	KUNIT_CASE(tmigr_test_expiry_like_none),
	KUNIT_CASE(tmigr_test_expiry_far),
	KUNIT_CASE(tmigr_test_torn_read),
	KUNIT_CASE_PARAM(tmigr_test_random_walk, walk_gen_params),
	KUNIT_CASE(tmigr_test_parallel),
	{ }
};

static struct kunit_suite timer_migration_suite = {
	.name		= "timer_migration",
	.test_cases	= timer_migration_cases,
};

kunit_test_suite(timer_migration_suite);

MODULE_DESCRIPTION("KUnit test of the timer migration engine");
MODULE_LICENSE("GPL");
