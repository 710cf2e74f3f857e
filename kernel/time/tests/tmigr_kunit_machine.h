/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine of virtual CPUs for the KUnit test of timer migration
 *
 * The engine is compiled a second time here, under names of its own, so that the
 * test owns every CPU and group, whatever the kernel itself does with its timers.
 * The host is struct machine: each virtual CPU has one global and one pinned timer
 * and a clock event device, time is a number, and whoever calls an operation is
 * the CPU that it names.
 *
 * machine_check() is the judge: all that has to hold when no CPU is inside an
 * operation.
 */
#ifndef _KERNEL_TIME_TESTS_TMIGR_KUNIT_MACHINE_H
#define _KERNEL_TIME_TESTS_TMIGR_KUNIT_MACHINE_H

#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/vmalloc.h>

/* --- The engine, under other names ------------------------------------------ */

#define tmigr_core_init_cpu	tmigr_kunit_init_cpu
#define tmigr_core_activate	tmigr_kunit_activate
#define tmigr_core_deactivate	tmigr_kunit_deactivate
#define tmigr_core_new_timer	tmigr_kunit_new_timer
#define tmigr_core_quick_check	tmigr_kunit_quick_check
#define tmigr_core_must_pull	tmigr_kunit_must_pull
#define tmigr_core_pull		tmigr_kunit_pull
#define tmigr_core_join		tmigr_kunit_join
#define tmigr_core_leave	tmigr_kunit_leave
#define tmigr_core_init_group	tmigr_kunit_init_group
#define tmigr_core_link		tmigr_kunit_link
#define tmigr_core_adopt	tmigr_kunit_adopt
#define tmigr_group_state	tmigr_kunit_group_state
#define tmigr_cpu_active	tmigr_kunit_cpu_active
#define tmigr_slot_exp		tmigr_kunit_slot_exp
#define tmigr_levels_for	tmigr_kunit_levels_for
#define tmigr_tree_init		tmigr_kunit_tree_init
#define tmigr_groups_needed	tmigr_kunit_groups_needed
#define tmigr_attach_cpu	tmigr_kunit_attach_cpu
#define tmigr_host_expire	tmigr_kunit_host_expire
#define tmigr_host_leaves_idle	tmigr_kunit_host_leaves_idle
#define tmigr_host_lock		tmigr_kunit_host_lock
#define tmigr_host_unlock	tmigr_kunit_host_unlock
#define tmigr_host_next		tmigr_kunit_host_next

#include "../tmigr_core.c"
#include "../tmigr_topology.c"

/* --- Virtual CPUs ------------------------------------------------------------ */

#define MAX_CPUS	1024
#define MAX_NODES	16
#define NEVER		TMIGR_NEVER

/* What wraps at 32 bits does so in the first hundreds of ticks of each machine */
#define START		(U32_MAX - 101ULL)

/**
 * struct shape - A kind of machine
 * @name:	What the report calls it
 * @nr_cpus:	CPUs
 * @nr_nodes:	NUMA nodes
 * @node_of:	Node of a CPU
 * @backwards:	CPUs are attached from the last to the first
 * @shuffled:	in any order
 * @unplanned:	Firmware tells nothing of possible CPUs: one level is planned for
 *		each node
 */
struct shape {
	const char	*name;
	unsigned int	nr_cpus;
	unsigned int	nr_nodes;
	int		(*node_of)(const struct shape *shape, unsigned int cpu);
	bool		backwards;
	bool		shuffled;
	bool		unplanned;
};

/**
 * struct vcpu - A virtual CPU
 * @tmc:	Its entry in the engine
 * @base_lock:	Lock of its timer bases, as held by tmigr_host_lock()
 * @flags:	Interrupt state to be restored, under @base_lock
 * @global:	When its global timer expires (ticks), under @base_lock
 * @pinned:	When its pinned timer expires (ticks)
 * @armed:	What its clock event device is armed for
 * @nr_expired:	How often its global timer has expired, under @base_lock
 * @takeovers:	How often it did what a migrator had not
 * @idle:	Its tick is stopped
 * @woken:	Somebody wants it to leave idle
 */
struct vcpu {
	struct tmigr_cpu	tmc;
	raw_spinlock_t		base_lock;
	unsigned long		flags;
	u64			global;
	u64			pinned;
	u64			armed;
	unsigned int		nr_expired;
	unsigned int		takeovers;
	bool			idle;
	bool			woken;
};

/**
 * struct machine - Virtual CPUs and their hierarchy
 * @shape:	What it looks like
 * @tree:	The hierarchy
 * @node_levels: For tmigr_tree_init()
 * @vcpu:	The CPUs
 * @order:	In which they are attached
 * @group:	Groups, to be given out one after the other
 * @nr_groups:	How many are in use
 * @max_groups:	How many there are
 * @now:	jiffies
 * @on_expire:	What happens in the middle of a pull, before the timer of @cpu
 * @rnd:	Random numbers that are the same every time
 */
struct machine {
	const struct shape	*shape;
	struct tmigr_tree	tree;
	u8			node_levels[MAX_NODES];
	struct vcpu		*vcpu;
	u16			order[MAX_CPUS];
	struct tmigr_group	*group;
	unsigned int		nr_groups;
	unsigned int		max_groups;
	u64			now;
	void			(*on_expire)(unsigned int cpu);
	struct rnd_state	rnd;
};

/* That of the case that runs. The engine does not tell its host whose CPU it is */
static struct machine *machine;

static struct vcpu *vcpu(unsigned int cpu)
{
	return &machine->vcpu[cpu];
}

static struct tmigr_cpu *tmc(unsigned int cpu)
{
	return &vcpu(cpu)->tmc;
}

/* Virtual CPUs that run in parallel look while one of them winds the clock */
static u64 in_ticks(unsigned int ticks)
{
	return READ_ONCE(machine->now) + ticks;
}

static unsigned int random_below(unsigned int limit)
{
	return prandom_u32_state(&machine->rnd) % limit;
}

/* --- The host ---------------------------------------------------------------- */

/* A timer that is due; what it does is up to the case */
static void vcpu_expire(unsigned int cpu)
{
	struct vcpu *v = vcpu(cpu);

	tmigr_host_lock(cpu);
	if (v->global <= in_ticks(0)) {
		v->global = NEVER;
		v->nr_expired++;
	}
	tmigr_host_unlock(cpu);
}

void tmigr_host_expire(unsigned int cpu)
{
	if (machine->on_expire)
		machine->on_expire(cpu);
	vcpu_expire(cpu);
}

bool tmigr_host_leaves_idle(unsigned int cpu)
{
	return READ_ONCE(vcpu(cpu)->woken);
}

void tmigr_host_lock(unsigned int cpu)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&vcpu(cpu)->base_lock, flags);
	vcpu(cpu)->flags = flags;
}

void tmigr_host_unlock(unsigned int cpu)
{
	raw_spin_unlock_irqrestore(&vcpu(cpu)->base_lock, vcpu(cpu)->flags);
}

static u64 vcpu_next(const struct vcpu *v)
{
	return v->pinned <= v->global ? NEVER : v->global;
}

u64 tmigr_host_next(unsigned int cpu, u64 now)
{
	lockdep_assert_held(&vcpu(cpu)->base_lock);

	return vcpu_next(vcpu(cpu));
}

/* --- Operations -------------------------------------------------------------- */

static u64 vcpu_forecast(unsigned int cpu)
{
	unsigned long flags;
	u64 exp;

	local_irq_save(flags);
	exp = tmigr_core_quick_check(tmc(cpu), vcpu_next(vcpu(cpu)));
	local_irq_restore(flags);

	return exp;
}

/* Returns what the hierarchy asks the CPU to arm for */
static u64 vcpu_go_idle(unsigned int cpu)
{
	struct vcpu *v = vcpu(cpu);
	u64 exp;

	tmigr_host_lock(cpu);
	exp = tmigr_core_deactivate(&v->tmc, vcpu_next(v));
	v->idle = true;
	v->armed = min(v->pinned, exp);
	tmigr_host_unlock(cpu);

	return exp;
}

static void vcpu_leave_idle(unsigned int cpu, bool woke)
{
	struct vcpu *v = vcpu(cpu);
	unsigned long flags;

	local_irq_save(flags);
	v->idle = false;
	v->armed = NEVER;
	tmigr_core_activate(&v->tmc, woke);
	WRITE_ONCE(v->woken, false);
	local_irq_restore(flags);
}

static void vcpu_wake(unsigned int cpu)
{
	vcpu_leave_idle(cpu, true);
}

/* An idle CPU looks at its timers. Returns what it has to arm for, but for pinned ones */
static u64 vcpu_look(unsigned int cpu)
{
	struct vcpu *v = vcpu(cpu);
	u64 exp;

	tmigr_host_lock(cpu);
	exp = tmigr_core_new_timer(&v->tmc, vcpu_next(v));
	v->armed = min(v->pinned, exp);
	tmigr_host_unlock(cpu);

	return exp;
}

static void vcpu_set_timer(unsigned int cpu, u64 exp)
{
	tmigr_host_lock(cpu);
	vcpu(cpu)->global = exp;
	tmigr_host_unlock(cpu);
}

static void vcpu_set_pinned(unsigned int cpu, u64 exp)
{
	tmigr_host_lock(cpu);
	vcpu(cpu)->pinned = exp;
	tmigr_host_unlock(cpu);
}

static u64 vcpu_new_timer(unsigned int cpu, u64 exp)
{
	vcpu_set_timer(cpu, exp);

	return vcpu_look(cpu);
}

static u64 vcpu_idle_until(unsigned int cpu, u64 exp)
{
	vcpu_set_timer(cpu, exp);

	return vcpu_go_idle(cpu);
}

static bool vcpu_must_pull(unsigned int cpu)
{
	unsigned long flags;
	bool must;

	local_irq_save(flags);
	must = tmigr_core_must_pull(tmc(cpu), in_ticks(0));
	local_irq_restore(flags);

	return must;
}

/* The timer interrupt and its softirq: the CPU's own timers, then those of others */
static void vcpu_tick(unsigned int cpu)
{
	struct vcpu *v = vcpu(cpu);
	u64 now = in_ticks(0);
	bool pull;

	if (v->idle && v->armed > now)
		return;

	pull = vcpu_must_pull(cpu);
	if (v->pinned <= now)
		vcpu_set_pinned(cpu, NEVER);
	vcpu_expire(cpu);
	if (pull)
		v->takeovers += tmigr_core_pull(&v->tmc, now);
	if (v->idle)
		vcpu_look(cpu);
}

static void vcpu_join(unsigned int cpu)
{
	tmigr_host_lock(cpu);
	tmigr_core_join(tmc(cpu), vcpu(cpu)->idle);
	tmigr_host_unlock(cpu);
}

/* What nobody is armed for now */
static u64 vcpu_leave(unsigned int cpu)
{
	u64 orphaned;

	tmigr_host_lock(cpu);
	orphaned = tmigr_core_leave(tmc(cpu));
	tmigr_host_unlock(cpu);

	return orphaned;
}

/* --- Construction ------------------------------------------------------------ */

static void machine_fill_pool(struct kunit *test, struct tmigr_pool *pool, unsigned int nr)
{
	KUNIT_ASSERT_LE(test, nr, ARRAY_SIZE(pool->group));
	KUNIT_ASSERT_LE(test, machine->nr_groups + nr, machine->max_groups);

	for (pool->nr = 0; pool->nr < nr; pool->nr++)
		pool->group[pool->nr] = &machine->group[machine->nr_groups + pool->nr];
}

static void machine_attach(struct kunit *test, unsigned int cpu)
{
	int node = machine->shape->node_of(machine->shape, cpu);
	struct tmigr_pool pool = { };
	unsigned int needed;

	needed = tmigr_groups_needed(&machine->tree, node);
	machine_fill_pool(test, &pool, needed);
	KUNIT_ASSERT_EQ(test, 0, tmigr_attach_cpu(&machine->tree, tmc(cpu), node, &pool));
	KUNIT_ASSERT_EQ(test, 0, pool.nr);
	machine->nr_groups += needed;
}

static void machine_set_order(const struct shape *shape)
{
	unsigned int i, other;

	for (i = 0; i < shape->nr_cpus; i++)
		machine->order[i] = shape->backwards ? shape->nr_cpus - 1 - i : i;

	for (i = shape->nr_cpus - 1; shape->shuffled && i; i--) {
		other = random_below(i + 1);
		swap(machine->order[i], machine->order[other]);
	}
}

static void machine_plan_nodes(const struct shape *shape)
{
	unsigned int nr_cpus[MAX_NODES] = { }, i;
	int node;

	for (i = 0; i < shape->nr_cpus; i++) {
		node = shape->node_of(shape, i);
		if (node != NUMA_NO_NODE)
			nr_cpus[node]++;
	}
	for (i = 0; i < shape->nr_nodes; i++)
		machine->node_levels[i] = shape->unplanned ? 1 : tmigr_levels_for(nr_cpus[i]);

	tmigr_tree_init(&machine->tree, machine->node_levels, shape->nr_nodes);
}

static void machine_free(void *memory)
{
	vfree(memory);
}

/* Whole pages: the engine's structures start cache lines */
static void *machine_alloc(struct kunit *test, size_t size)
{
	void *memory = vzalloc(size);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, machine_free, memory));

	return memory;
}

/* CPUs without a place. They leave their timers to the hierarchy, and do not predict */
static void machine_new(struct kunit *test, const struct shape *shape)
{
	unsigned int cpu;

	machine = kunit_kzalloc(test, sizeof(*machine), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, machine);

	machine->shape = shape;
	machine->now = START;
	machine->max_groups = shape->nr_cpus + 2 * TMIGR_MAX_LEVELS;
	machine->vcpu = machine_alloc(test, shape->nr_cpus * sizeof(*machine->vcpu));
	machine->group = machine_alloc(test, machine->max_groups * sizeof(*machine->group));
	prandom_seed_state(&machine->rnd, shape->nr_cpus);
	machine_set_order(shape);
	machine_plan_nodes(shape);

	for (cpu = 0; cpu < shape->nr_cpus; cpu++) {
		raw_spin_lock_init(&vcpu(cpu)->base_lock);
		tmigr_core_init_cpu(tmc(cpu), cpu);
		tmc(cpu)->arm = TMIGR_ARM_OTHERS;
		vcpu(cpu)->global = NEVER;
		vcpu(cpu)->pinned = NEVER;
		vcpu(cpu)->armed = NEVER;
	}
}

/* The same with all CPUs in their places, and active */
static void machine_boot(struct kunit *test, const struct shape *shape)
{
	unsigned int i, cpu;

	machine_new(test, shape);
	for (i = 0; i < shape->nr_cpus; i++) {
		cpu = machine->order[i];
		machine_attach(test, cpu);
		vcpu_join(cpu);
	}
}

/* CPUs of a range go idle, without a timer unless they have one */
static void machine_idle(unsigned int first, unsigned int last)
{
	unsigned int cpu;

	for (cpu = first; cpu <= last; cpu++)
		vcpu_go_idle(cpu);
}

/* --- The judge --------------------------------------------------------------- */

/**
 * struct fault - What is wrong
 * @what:	in words, NULL when nothing is
 * @cpu:	the CPU it was seen from
 * @level:	the level of the group it was seen in
 */
struct fault {
	const char	*what;
	unsigned int	cpu;
	unsigned int	level;
};

static u64 slot_exp(const struct tmigr_group *group, unsigned int slot)
{
	return tmigr_slot_exp(group, slot, machine->now);
}

/* An expiry that the engine stores as the next one, since its low half means none there */
static u64 as_stored(u64 exp)
{
	return (u32)exp == TMIGR_NO_EXP && exp != TMIGR_NEVER ? exp + 1 : exp;
}

/* (a) A migrator exactly when there is an active child, and one of them */
static const char *state_fault(struct tmigr_state state)
{
	if (!state.active)
		return state.migrator == TMIGR_NONE ? NULL : "a migrator in an idle group";
	if (state.migrator == TMIGR_NONE)
		return "no migrator in an active group";

	return state.active & BIT(state.migrator) ? NULL : "the migrator is idle";
}

/* (b) The parent knows what it has to know of @group, (c) which has one place */
static const char *parent_fault(const struct tmigr_group *group)
{
	const struct tmigr_group *parent = group->parent;
	bool active = tmigr_group_state(group).active;

	if (!parent)
		return group == machine->tree.root ? NULL : "two roots";
	if (group->slot >= parent->nr_children || parent->child[group->slot] != group)
		return "not in its parent's slot";
	if (parent->level <= group->level)
		return "above its parent";
	if (active != !!(tmigr_group_state(parent).active & BIT(group->slot)))
		return "its parent does not know whether it is active";
	if (!active && slot_exp(parent, group->slot) > as_stored(group->first))
		return "its parent's slot is too late";

	return NULL;
}

static const char *group_fault(const struct tmigr_group *group)
{
	struct tmigr_state state = tmigr_group_state(group);
	unsigned int slot;

	for (slot = 0; slot < TMIGR_FANOUT; slot++) {
		if (!(state.active & BIT(slot)) && slot_exp(group, slot) < group->first)
			return "its first expiry is too late";
	}

	return state_fault(state) ?: parent_fault(group);
}

/* Below the level where nodes meet, a CPU is among those of its node */
static const char *way_fault(unsigned int cpu)
{
	int node = machine->shape->node_of(machine->shape, cpu);
	const struct tmigr_group *group;

	for (group = tmc(cpu)->leaf; group; group = group->parent) {
		if (group->level < machine->tree.cross_level && group->node != node)
			return "in a group of another node";
	}

	return NULL;
}

/* The CPU's slot says what the CPU has told */
static const char *entry_fault(unsigned int cpu)
{
	const struct tmigr_cpu *entry = tmc(cpu);
	bool active = tmigr_cpu_active(entry);

	if (entry->leaf->cpu[entry->slot] != entry)
		return "not in its slot";
	if (active != (entry->available && !vcpu(cpu)->idle))
		return "its leaf does not know whether it is active";
	if (active)
		return entry->keeping ? "active, and armed for others" : NULL;
	if (slot_exp(entry->leaf, entry->slot) != as_stored(entry->exp))
		return "its slot is wrong";
	if (entry->exp != NEVER && entry->exp >= entry->self_exp)
		return "left to others, though it wakes for it itself";
	if (!entry->available && (entry->exp != NEVER || entry->keeping))
		return "not available, but taking part";

	return NULL;
}

static bool somebody_armed(u64 exp)
{
	unsigned int cpu;

	for (cpu = 0; cpu < machine->shape->nr_cpus; cpu++) {
		if (tmc(cpu)->available && tmc(cpu)->keeping && tmc(cpu)->wakeup <= exp &&
		    vcpu(cpu)->armed <= exp)
			return true;
	}

	return false;
}

/* Down from an active group to the CPU that looks after it */
static bool looked_after(const struct tmigr_group *group)
{
	const struct tmigr_cpu *migrator;

	while (group->level)
		group = group->child[tmigr_group_state(group).migrator];
	migrator = group->cpu[tmigr_group_state(group).migrator];

	return migrator->available && !vcpu(migrator->cpu)->idle;
}

/* (d) An idle CPU's event is told all the way up to somebody who will see to it */
static const char *cover_fault(unsigned int cpu)
{
	const struct tmigr_group *group = tmc(cpu)->leaf;
	u64 exp = vcpu_next(vcpu(cpu)), stored = as_stored(exp);
	unsigned int slot = tmc(cpu)->slot;

	if (exp == NEVER || vcpu(cpu)->armed <= exp)
		return NULL;
	if (!tmc(cpu)->available)
		return "on its own, and not armed";

	for (;;) {
		if (slot_exp(group, slot) > stored || group->first > stored)
			return "its event is not told";
		if (tmigr_group_state(group).active)
			return looked_after(group) ? NULL : "its migrator is idle";
		if (!group->parent)
			return somebody_armed(stored) ? NULL : "nobody is armed for its event";
		slot = group->slot;
		group = group->parent;
	}
}

static struct fault machine_fault(void)
{
	struct fault fault = { };
	unsigned int i;

	for (i = 0; i < machine->nr_groups; i++) {
		fault.what = group_fault(&machine->group[i]);
		if (fault.what) {
			fault.level = machine->group[i].level;
			return fault;
		}
	}
	for (i = 0; i < machine->shape->nr_cpus; i++) {
		if (!tmc(i)->leaf)
			continue;
		fault.what = way_fault(i) ?: entry_fault(i);
		if (!fault.what && vcpu(i)->idle)
			fault.what = cover_fault(i);
		if (fault.what) {
			fault.cpu = i;
			return fault;
		}
	}

	return fault;
}

/* What holds whenever no CPU is inside an operation */
static void machine_check(struct kunit *test)
{
	struct fault fault = machine_fault();

	KUNIT_ASSERT_TRUE_MSG(test, !fault.what, "%s: CPU %u, or group of level %u: %s",
			      machine->shape->name, fault.cpu, fault.level, fault.what);
}

#endif
