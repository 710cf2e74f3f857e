/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timer migration: the hierarchy of CPUs and groups
 *
 * tmigr_core.c explains the model. The core knows neither this_cpu_ptr() nor
 * jiffies, allocates nothing and traces nothing: CPU entries and times are
 * passed in, and what it needs from the timer wheel are the functions under
 * "Lent by the host". In the kernel timer_migration.c and timer.c are the
 * host; tools/testing/timer_migration/ has others.
 */
#ifndef _KERNEL_TIME_TMIGR_CORE_H
#define _KERNEL_TIME_TMIGR_CORE_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/compiler.h>
#include <linux/ktime.h>
#include <linux/spinlock.h>
#include <linux/types.h>

/*
 * Children per group. With 8, a group's hot half is one cache line of 64 bytes;
 * tools/testing/timer_migration/README.rst has the comparison with 16 and 32.
 */
#ifndef TMIGR_FANOUT
#define TMIGR_FANOUT		8
#endif

/* Ticks after which another CPU does what a migrator should have done */
#define TMIGR_OVERDUE		3

/* In one of so many ticks, a CPU looks whether that is so on all levels */
#define TMIGR_LOOK_FURTHER	8

/* Enough for fan-out 2 and 8,192 CPUs on as many nodes, and the odd raise */
#define TMIGR_MAX_LEVELS	28

/*
 * A group's state is one word, read and replaced as a whole:
 *
 *	 63        fan-out + 8 | fan-out + 7      fan-out | fan-out - 1     0
 *	+----------------------+--------------------------+------------------+
 *	|         seq          |         migrator         |      active      |
 *	+----------------------+--------------------------+------------------+
 *
 * 32-bit machines have 4 bits of migrator and 20 of seq beside 8 children.
 */
#define TMIGR_ACTIVE_BITS	TMIGR_FANOUT
#define TMIGR_MIGRATOR_BITS	(BITS_PER_LONG == 64 ? 8 : 4)
#define TMIGR_SEQ_SHIFT		(TMIGR_ACTIVE_BITS + TMIGR_MIGRATOR_BITS)
#define TMIGR_SEQ_BITS		(BITS_PER_LONG - TMIGR_SEQ_SHIFT)

/* The migrator of a group without an active child */
#define TMIGR_NONE		((1U << TMIGR_MIGRATOR_BITS) - 1)

/**
 * struct tmigr_state - A group's state word, taken apart in a local copy
 * @active:	One bit per child, set while a CPU below it is active
 * @migrator:	Slot of the child that looks after the group's idle children,
 *		TMIGR_NONE exactly when @active is 0
 * @seq:	Incremented by every change, see "Why the state has a sequence
 *		number" in tmigr_core.c
 */
struct tmigr_state {
	unsigned int		active;
	unsigned int		migrator;
	unsigned long		seq;
};

struct tmigr_cpu;

/*
 * Times are ticks, jiffies of 64 bits: a timer wheel knows nothing finer, and
 * the differences that matter fit 32 bits (a wheel reaches 2^30 ticks at most).
 * So the expiries of eight children share a cache line with all else that a walk
 * needs of a group.
 */
#define TMIGR_NEVER		((u64)KTIME_MAX)

/**
 * struct tmigr_group - A group of CPUs or of groups
 * @state:	The state word; lockless
 * @parent:	NULL in the root. Published once, under @lock
 * @first:	Earliest expiry (ticks) of all inactive children; written under
 *		@lock, read without. May be too early, also that of a child which
 *		has become active since, never too late
 * @lock:	Protects what is said to be under it
 * @slot:	This group's slot in @parent, set before @parent
 * @level:	0 for groups of CPUs; above, a parent's level is higher than
 *		that of each child
 * @nr_children: Slots taken, under the topology's mutex
 * @changes:	Odd while @first or an entry of @exp may be about to change; written
 *		under @lock, read without
 * @exp:	Per child, its first expiry as far as the hierarchy has to see
 *		to it, the low 32 bits; tmigr_slot_exp() reads it. Valid while
 *		the child is inactive; written under @lock
 * @next:	The group that was made before this one at the same level, under
 *		the topology's mutex as are @node, @cpu and @child
 * @keeper:	Root only: the CPU that is armed for the hierarchy; written under
 *		@lock, read without for forecasts
 * @keeper_exp:	Root only: until when @keeper sleeps (ticks), like @keeper
 * @woken:	Root only: a CPU that was about to leave idle when the keeper had
 *		pulled its timers, and may be still; under @lock
 * @node:	NUMA node of the CPUs below, NUMA_NO_NODE when mixed
 * @cpu:	Level 0: the children
 * @child:	Above: the children; set before the child's @parent
 */
struct tmigr_group {
	/* What a walk needs: one cache line with a fan-out of 8 */
	atomic_long_t			state;
	struct tmigr_group		*parent;
	u64				first;
	raw_spinlock_t			lock;
	u8				slot;
	u8				level;
	u16				changes;
	u32				exp[TMIGR_FANOUT];

	/* What the root, a pull and growth need besides */
	struct tmigr_group		*next ____cacheline_aligned;
	struct tmigr_cpu		*keeper;
	u64				keeper_exp;
	struct tmigr_cpu		*woken;
	int				node;
	u8				nr_children;
	union {
		struct tmigr_cpu	*cpu[TMIGR_FANOUT];
		struct tmigr_group	*child[TMIGR_FANOUT];
	};
} ____cacheline_aligned;

/**
 * enum tmigr_arm - Who wakes for an idle CPU's first global timer: the score from
 * which on it is the CPU itself, else it is the hierarchy
 * @TMIGR_ARM_SELF:	the CPU, always: migration is switched off
 * @TMIGR_ARM_PREDICT:	the CPU, while it usually finds the system idle when it wakes
 * @TMIGR_ARM_OTHERS:	never the CPU: it must not be disturbed (nohz_full)
 */
enum tmigr_arm {
	TMIGR_ARM_SELF		= 0,
	TMIGR_ARM_PREDICT	= 4,
	TMIGR_ARM_OTHERS	= 8,
};

/**
 * struct tmigr_cpu - A CPU's entry
 * @leaf:	Its group, set once by tmigr_attach_cpu()
 * @exp:	Its first global expiry (ticks) as entered in its slot of @leaf,
 *		under the CPU's timer base locks
 * @self_exp:	The same when the CPU wakes for it itself, else TMIGR_NEVER, under
 *		the CPU's timer base locks. @exp is TMIGR_NEVER or earlier
 * @wakeup:	TMIGR_NEVER, or when its clock event device has to fire for the
 *		hierarchy (ticks); the CPU's own
 * @relieved:	The keeper this one took over from, under the root's lock
 * @relieved_exp: Until when @relieved sleeps (ticks), under the root's lock
 * @cpu:	CPU number
 * @slot:	Its slot in @leaf
 * @arm:	enum tmigr_arm, set by the host at any time
 * @score:	How often the CPU lately woke in an otherwise idle system, see
 *		"Who wakes for a timer"; the CPU's own
 * @idled:	Groups that its deactivations have left without an active child, for
 *		statistics: the host takes it from here; the CPU's own
 * @available:	It takes part: online and not isolated
 * @idle:	It was deactivated; the CPU's own
 * @keeping:	@wakeup is armed on behalf of the hierarchy. Set under the
 *		root's lock only, cleared with or without
 */
struct tmigr_cpu {
	struct tmigr_group	*leaf;
	u64			exp;
	u64			self_exp;
	u64			wakeup;
	struct tmigr_cpu	*relieved;
	u64			relieved_exp;
	unsigned int		cpu;
	u8			slot;
	u8			arm;
	u8			score;
	u8			idled;
	bool			available;
	bool			idle;
	bool			keeping;
} ____cacheline_aligned;

/**
 * struct tmigr_tree - The hierarchy as it grows
 * @root:		The group without parent
 * @cross_level:	Lowest level whose groups mix nodes
 * @node_levels:	Per node, levels that its CPUs need below @cross_level
 * @level:		Per level, the group that was made last
 *
 * All under the topology's mutex, which the host owns.
 */
struct tmigr_tree {
	struct tmigr_group	*root;
	unsigned int		cross_level;
	const u8		*node_levels;
	struct tmigr_group	*level[TMIGR_MAX_LEVELS];
};

/**
 * struct tmigr_pool - Groups for tmigr_attach_cpu(), allocated beforehand
 * @group:	The groups; those taken are replaced by NULL
 * @nr:		How many are left, the last one is taken first
 */
struct tmigr_pool {
	struct tmigr_group	*group[2 * TMIGR_MAX_LEVELS];
	unsigned int		nr;
};

/* --- Transitions and expiry: tmigr_core.c ---------------------------------- */

void tmigr_core_init_cpu(struct tmigr_cpu *tmc, unsigned int cpu);
void tmigr_core_activate(struct tmigr_cpu *tmc, bool woke);
u64 tmigr_core_deactivate(struct tmigr_cpu *tmc, u64 nextexp);
u64 tmigr_core_new_timer(struct tmigr_cpu *tmc, u64 nextexp);
u64 tmigr_core_quick_check(const struct tmigr_cpu *tmc, u64 nextexp);
bool tmigr_core_must_pull(const struct tmigr_cpu *tmc, u64 now);
bool tmigr_core_pull(struct tmigr_cpu *tmc, u64 now);
void tmigr_core_join(struct tmigr_cpu *tmc, bool idle);
u64 tmigr_core_leave(struct tmigr_cpu *tmc);
void tmigr_core_init_group(struct tmigr_group *group, unsigned int level, int node);
void tmigr_core_link(struct tmigr_group *child, struct tmigr_group *parent);
void tmigr_core_adopt(struct tmigr_group *root, struct tmigr_group *parent);
struct tmigr_state tmigr_group_state(const struct tmigr_group *group);
bool tmigr_cpu_active(const struct tmigr_cpu *tmc);
u64 tmigr_slot_exp(const struct tmigr_group *group, unsigned int slot, u64 near);

/* --- The hierarchy's shape: tmigr_topology.c ------------------------------- */

unsigned int tmigr_levels_for(unsigned int nr_cpus);
void tmigr_tree_init(struct tmigr_tree *tree, const u8 *node_levels, unsigned int nr_nodes);
unsigned int tmigr_groups_needed(const struct tmigr_tree *tree, int node);
int tmigr_attach_cpu(struct tmigr_tree *tree, struct tmigr_cpu *tmc, int node,
		     struct tmigr_pool *pool);

/* --- Lent by the host ------------------------------------------------------ */

/**
 * tmigr_host_expire() - Run the expired global timers of a CPU
 * @cpu:	the CPU whose timers are run, possibly the one that runs this
 *
 * Context: as tmigr_core_pull(): interrupts enabled, no locks held.
 */
void tmigr_host_expire(unsigned int cpu);

/**
 * tmigr_host_leaves_idle() - Whether a CPU is about to leave idle
 * @cpu:	the CPU
 *
 * Context: Any, interrupts disabled or not. Groups' locks may be held.
 *
 * Return: true only if the CPU is going to call tmigr_core_activate(), as soon as
 * a wake-up takes, or is active and has yet to call tmigr_core_deactivate() or
 * tmigr_core_leave(). When in doubt, false.
 */
bool tmigr_host_leaves_idle(unsigned int cpu);

/**
 * tmigr_host_lock() - Lock the timer bases of a CPU
 * @cpu:	the CPU
 *
 * Serialises what happens to the CPU's entry: deactivation, a new first timer,
 * an update by whoever pulled its timers, joining and leaving.
 *
 * Context: disables interrupts; taken before any group's lock.
 */
void tmigr_host_lock(unsigned int cpu);

/**
 * tmigr_host_unlock() - Undo tmigr_host_lock()
 * @cpu:	the CPU
 */
void tmigr_host_unlock(unsigned int cpu);

/**
 * tmigr_host_next() - First global expiry of a CPU
 * @cpu:	the CPU; its timer bases are locked
 * @now:	jiffies as of the caller's look at the clock
 *
 * Return: ticks; TMIGR_NEVER when the CPU has no global timer, or wakes for a
 * pinned one before it. Later than @now unless there is something to run for
 * tmigr_host_expire(): what somebody else is about to run is not due again.
 */
u64 tmigr_host_next(unsigned int cpu, u64 now);

#endif
