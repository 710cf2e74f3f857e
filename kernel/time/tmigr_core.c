// SPDX-License-Identifier: GPL-2.0-only
/*
 * Timer migration: the hierarchy of CPUs and groups
 *
 * A timer is queued on the CPU that arms it. Pinned timers expire there. Global
 * timers may expire anywhere: a busy CPU runs its own; what an idle CPU has
 * pending is run by a busy one, so that the idle one can sleep on. This model,
 * pull at expiry instead of push at enqueue, was first posted in 2017 and is
 * mainline's since 6.9; data structures and algorithms are this file's own. CPUs
 * form groups, and groups form groups:
 *
 *	level 2				[ G2.0 ]
 *				      /          \
 *	level 1		     [ G1.0 ]		  [ G1.1 ]
 *			    /        \		 /        \
 *	level 0		[ G0.0 ]  [ G0.1 ]  [ G0.2 ]  [ G0.3 ]
 *	CPUs		 0 .. 7    8 .. 15  16 .. 23  24 .. 31
 *
 * A group has a slot per child, and knows of each child whether a CPU below it
 * is active (group->state), and if not, when its first global timer expires
 * (group->exp[]). One active child of each group is its migrator: in its tick
 * it looks at the group's first event, and if that is due, goes down to the
 * CPU it belongs to and runs that CPU's timers. A CPU looks at its leaf, at the
 * leaf's parent if the leaf is migrator there, and so on. So each event is
 * looked at by one CPU, and the root only by one of the whole system.
 *
 * When all CPUs are idle, one of them has armed its clock event device for the
 * root's first event: the keeper.
 *
 * What changes, and who tells whom
 * --------------------------------
 *
 * activate	sets the CPU's bit in its leaf. If the leaf was without an
 *		active child, the leaf's bit in its parent is set, and so on.
 *		No lock is taken: an expiry in exp[] counts while the bit is
 *		clear, so setting the bit makes it void.
 *
 * deactivate	clears the bit and enters the first expiry. If the leaf has no
 *		active child any more, the parent's bit is cleared and the
 *		leaf's first expiry entered there, and so on. Who reaches the
 *		root, and leaves it without an active child, looks whether it
 *		has to be the keeper. Takes no lock where nothing has to be
 *		entered.
 *
 * new timer	enters another first expiry of a CPU that stays idle, and goes
 *		up as long as that changes the first expiry of groups without
 *		an active child. In the root, as above.
 *
 * pull		goes down to an idle CPU that is due, runs its timers and enters
 *		its next expiry like a new timer.
 *
 * Who wakes for a timer
 * ---------------------
 *
 * Whether pulling pays depends on what the system does. On a busy system it
 * does: somebody is awake, the timer's CPU sleeps on. On an idle one the keeper
 * wakes, and if the timer wakes a task, which was last on the timer's CPU, that
 * CPU wakes as well: two interrupts where one would have done. So a CPU whose
 * recent wake-ups found nobody else awake arms for its first timer itself and
 * does not trouble the hierarchy (tmigr_wakes_itself()). Each wake-up tells
 * whether that was right: the walk to the root found an active child on its
 * way, or it did not. A saturating counter, as in branch predictors,
 * remembers. If the CPU woke for its timer and stayed idle, waking was of no use
 * either.
 *
 * When a migrator does not look
 * -----------------------------
 *
 * Its interrupts may be off, or it is a virtual CPU that does not run. All the
 * others that are active see this: their tick reads the state of their leaf
 * anyway, and the leaf's first event is beside it. Somebody else's event that
 * should have been run TMIGR_OVERDUE ticks ago is run by whoever sees it first.
 * What a stuck migrator of their leaf does not see further up, they look for in
 * one of TMIGR_LOOK_FURTHER ticks, each CPU in another one. Two CPUs that pull
 * from the same group are nothing new: the owner may have woken as well.
 *
 * If the only active CPU does not run, or the only one that was woken, nobody sees it.
 *
 * Why the keeper is remembered
 * ----------------------------
 *
 * A CPU that wakes in an idle system and goes idle again is the last one to do
 * so, every time. If each armed for the root's first event, as many CPUs would
 * wake for it as have been awake since it was entered, one of them to some
 * purpose. So the root remembers the keeper and until when it sleeps, and the
 * next one arms only for an earlier event. Then that one is the keeper, and the
 * one before, relieved but still armed, becomes it again afterwards.
 *
 * A keeper that becomes active gives its duty up (tmc->keeping): then it is a
 * migrator, or somebody else is. One that has pulled looks for what is next in
 * the root, under the root's lock, as do CPUs that go idle last:
 *
 *	CPU 0 (keeper, has pulled)		CPU 1 (active)
 *
 * 1.	the root is active: it gives the
 *	duty up
 * 2.						goes idle last: nobody is armed,
 *						it has to
 *
 * or
 *
 * 1.						goes idle last: CPU 0 is armed,
 *						nothing to do
 * 2.	the root is idle: it arms for
 *	the next event
 *
 * Whom a pull wakes
 * -----------------
 *
 * A timer that the keeper runs often wakes a task, where the timer was queued. For a
 * moment all are idle still. If the keeper armed for what is next, it would often
 * wake for nothing: the woken CPU will be active, and the migrator. So the root
 * remembers whom a pull has woken, and as long as the host says that this CPU has
 * yet to leave idle, nobody else has to be armed:
 *
 *	CPU 0 (keeper, has pulled)		CPU 1 (woken)
 *
 * 1.	gives the duty up
 * 2.	CPU 1 has yet to leave idle:
 *	nothing to do
 * 3.						becomes active, goes idle last:
 *						nobody is armed, it has to
 *
 * or
 *
 * 1.						becomes active, goes idle last:
 *						CPU 0 is armed, nothing to do
 * 2.	gives the duty up
 * 3.	CPU 1 has nothing to leave idle for:
 *	CPU 0 arms for the next event
 *
 * Why the state has a sequence number
 * -----------------------------------
 *
 * Walks are not atomic. CPU 0 and 1 are the children of G0, which is a child of
 * the root R.
 *
 *	R.active	G0.active	what happens
 *
 * 1.	G0		CPU 0
 * 2.	G0	-->	none		CPU 0 goes idle, has yet to tell R
 * 3.	G0		none		CPU 0 reads R's state, then G0's: R's
 *					bit has to be cleared
 * 4.	G0	-->	CPU 1		CPU 1 becomes active
 * 5.	G0		CPU 1		CPU 1 sets G0's bit in R, which is set
 * 6. -->none		CPU 1		CPU 0 clears it: the states it has read
 *					are still there
 *
 * CPU 1 is active and R does not know. So each update increments the state's
 * sequence number, also one that changes nothing else: that of step 5 makes the
 * exchange of step 6 fail, and CPU 0 reads both states again. It has to read
 * R's before G0's, (A): if it missed step 4 in G0, it also missed step 5 in R.
 *
 * Why the event comes before the look at the state
 * -------------------------------------------------
 *
 *	CPU 0 (idle, a new timer)		CPU 1 (goes idle, last in group)
 *
 * 1.	sees CPU 1 active: it will see to it
 * 2.						clears its bit
 * 3.						reads the first event: none
 * 4.	enters the new timer
 *
 * So who enters an event does that first and looks at the state then, and who goes
 * idle changes the state first and looks at the events then (G). One of them sees
 * the other.
 *
 * How one goes idle without a lock
 * --------------------------------
 *
 * Most CPUs that go idle have the same first timer as the last time, or none, and
 * it is still in the slots on the way up: setting a bit makes an expiry void, it
 * does not remove it. What is there need not be entered, so tmigr_go_idle()
 * only clears bits, usually one. But somebody may be about to change what is there:
 *
 *	CPU 0 (pulls, or has a new timer)	CPU 1 (goes idle)
 *
 * 1.	computes @first, without CPU 1's
 *	event, since CPU 1 is active; or
 *	reads what the child has that CPU 1
 *	is below, to enter it
 * 2.						has another event, of the same time as
 *						the one that is in the slot still;
 *						@first is not later than that
 * 3.						clears its bit
 * 4.	writes what it has computed or read
 *
 * So who changes something increments @changes before it reads, and after it has
 * written. CPU 1 reads @changes before 2. and after 3.: if it is even and has not
 * changed, whoever changes something sees what CPU 1 has done. It is not enough
 * that what is shown is right again after 3.: somebody else who went idle meanwhile
 * has made up his mind with the wrong one. CPU 1 takes the lock, enters its event,
 * and is responsible for what follows from that.
 *
 * What a parent shows of its child
 * --------------------------------
 *
 * A child's first expiry is changed under the child's lock and entered in the
 * parent under the parent's, one after the other. Two walks may so arrive at
 * the parent in the reverse order. Neither carries the value along: it is read
 * under the parent's lock (F), and each one comes after its own change. So the
 * last one to arrive sees all of them.
 *
 * While a child has an active child itself, nothing of its events is told. The
 * walk that ends this state tells.
 *
 * Where a pull begins
 * -------------------
 *
 * At the lowest group on the way down that is mistaken: either a CPU whose
 * timers are due, or a group that has nothing due any more although its parent
 * says so, because the walk that tells is still on its way; on a virtual CPU
 * that does not run, perhaps. The pull tells the parent instead of waiting for
 * it, else it would find the same again and again.
 *
 * How the root grows
 * ------------------
 *
 * The root gets a parent while others walk (tmigr_core_adopt()). An action reads
 * group->parent once. Who walks under the old root's lock finishes before the
 * parent appears, and the parent has inherited what it entered; or goes on to
 * it (D). Who sets or clears a bit without the lock reads the parent afterwards;
 * tmigr_core_adopt() publishes the parent, then reads the old root's state. One of
 * them sees the other (C). The keeper is inherited as well.
 *
 * Lifetime rules
 * --------------
 *
 * A group is initialised, linked upwards, and then reachable through a child.
 * It is never freed or moved. @slot, @level and @child[] are set before the
 * parent is published and never change (E).
 *
 * Locking rules
 * -------------
 *
 * timer bases of a CPU (LOCAL, then GLOBAL) -> one group's lock. On 32 bit a
 * child's lock inside its parent's, to read @first in one piece.
 *
 * A CPU's entry has no lock of its own. @exp, @self_exp, @available and the CPU's
 * slot in its leaf are written under its timer base locks, which the host holds; who
 * relieved whom, and whom a pull has woken, under the root's lock; @arm by the host;
 * the rest is the CPU's own. tmigr_core_activate() needs none: that the CPU is active
 * is what its bit says.
 *
 * Memory ordering
 * ---------------
 *
 * Each has a litmus test in tools/testing/timer_migration/litmus/. What is said of
 * tmigr_go_idle() is true of tmigr_go_idle_above(), which does the same above the leaf.
 *
 * (A)	tmigr_sync_active() reads the group's state, acquire, then the child's;
 *	pairs with the exchange of the child's state before that of the
 *	group's in tmigr_set_active(), tmigr_go_idle() and tmigr_walk_up(). All are
 *	fully ordered. One that fails reads the group's state again, acquire.
 * (B)	tmigr_drop_duty() clears @keeping before the CPU sets its bit with a fully
 *	ordered exchange; pairs with the exchange that leaves a group without
 *	an active child before @keeping is read in tmigr_keeper_covers().
 * (C)	tmigr_core_adopt() publishes @parent, full barrier, reads the child's
 *	state; pairs with the exchange in tmigr_set_active() before @parent is
 *	read in tmigr_activate(), and with those in tmigr_go_idle().
 * (D)	@parent is published, and read by tmigr_walk_up(), under the child's
 *	lock.
 * (E)	@parent is published with release, after what it makes visible; pairs
 *	with the acquire, or the lock, of whoever reads it.
 * (F)	@first is written under the group's lock and read under the parent's by
 *	tmigr_walk_up(), each time after the last change; the parent's lock
 *	orders the readers. tmigr_go_idle() reads it without, for (G).
 * (G)	tmigr_go_idle(): reads the child's @first, in the leaf it has @exp of the CPU;
 *	@changes, acquire; @first and @exp; an exchange of the state; @changes
 *	again, and @first. It pairs with tmigr_begin_change(), which writes @changes,
 *	full barrier, and then what is between it and tmigr_end_change() reads the
 *	state, or the child's @first; that writes @changes, release, after @first
 *	and @exp. And it pairs with tmigr_walk_up(), which enters an event and then
 *	reads the state with an exchange or after a full barrier. Who relies on
 *	a woken CPU then (tmigr_woken_covers()) has the root's lock, which whoever
 *	goes idle last after that waits for, having seen the event.
 */

#include <linux/bitops.h>
#include <linux/bug.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/minmax.h>

#include "tmigr_core.h"

/* Who wakes for a timer: a saturating counter, see enum tmigr_arm */
#define TMIGR_SCORE_MAX		7

static_assert(TMIGR_NONE >= TMIGR_FANOUT);
static_assert(TMIGR_SEQ_BITS >= 16);
static_assert(TMIGR_ARM_OTHERS > TMIGR_SCORE_MAX);

/* --- The state word -------------------------------------------------------- */

static struct tmigr_state tmigr_unpack(unsigned long word)
{
	return (struct tmigr_state) {
		.active		= word & GENMASK(TMIGR_ACTIVE_BITS - 1, 0),
		.migrator	= (word >> TMIGR_ACTIVE_BITS) & TMIGR_NONE,
		.seq		= word >> TMIGR_SEQ_SHIFT,
	};
}

static unsigned long tmigr_pack(struct tmigr_state state)
{
	return state.seq << TMIGR_SEQ_SHIFT |
	       (unsigned long)state.migrator << TMIGR_ACTIVE_BITS |
	       state.active;
}

/*
 * Transitions work on the word as it is: they are most of what a CPU does here, and
 * short enough for taking it apart to count.
 */
#define TMIGR_ACTIVE_MASK	GENMASK(TMIGR_ACTIVE_BITS - 1, 0)
#define TMIGR_MIGRATOR_MASK	GENMASK(TMIGR_SEQ_SHIFT - 1, TMIGR_ACTIVE_BITS)
#define TMIGR_SEQ_ONE		BIT(TMIGR_SEQ_SHIFT)

static __always_inline unsigned long tmigr_set_migrator(unsigned long word, unsigned long slot)
{
	return (word & ~TMIGR_MIGRATOR_MASK) | slot << TMIGR_ACTIVE_BITS;
}

/* What follows after @word when child @slot is active */
static __always_inline unsigned long tmigr_add_child(unsigned long word, unsigned int slot)
{
	if (!(word & TMIGR_ACTIVE_MASK))
		word = tmigr_set_migrator(word, slot);

	return (word | BIT(slot)) + TMIGR_SEQ_ONE;
}

/* The same when it is not. The lowest active child inherits the migrator's duty */
static __always_inline unsigned long tmigr_remove_child(unsigned long word, unsigned int slot)
{
	word &= ~BIT(slot);
	if ((word & TMIGR_MIGRATOR_MASK) >> TMIGR_ACTIVE_BITS == slot)
		word = tmigr_set_migrator(word, word & TMIGR_ACTIVE_MASK ?
						__ffs(word) : TMIGR_NONE);

	return word + TMIGR_SEQ_ONE;
}

/**
 * tmigr_group_state() - State of a group
 * @group:	the group
 *
 * Context: Any. The answer may be old when it arrives, also with @group's lock:
 * children become active and idle without it.
 *
 * Return: the state, of one instant.
 */
struct tmigr_state tmigr_group_state(const struct tmigr_group *group)
{
	return tmigr_unpack(atomic_long_read(&group->state));
}

static unsigned int tmigr_active(const struct tmigr_group *group)
{
	return atomic_long_read(&group->state) & TMIGR_ACTIVE_MASK;
}

/**
 * tmigr_cpu_active() - Whether the hierarchy sees a CPU as active
 * @tmc:	the CPU
 *
 * Context: Any; for a remote CPU the answer may be old when it arrives.
 *
 * Return: true when the CPU looks after its timers itself.
 */
bool tmigr_cpu_active(const struct tmigr_cpu *tmc)
{
	return tmigr_active(tmc->leaf) & BIT(tmc->slot);
}

/* --- Events ---------------------------------------------------------------- */

/* No event. The one tick in 2^32 that would look like it is taken for the next */
#define TMIGR_NO_EXP		((u32)TMIGR_NEVER)

static __always_inline u32 tmigr_pack_exp(u64 exp)
{
	if (unlikely((u32)exp == TMIGR_NO_EXP) && exp != TMIGR_NEVER)
		return TMIGR_NO_EXP + 1;

	return exp;
}

/**
 * tmigr_slot_exp() - A child's first expiry
 * @group:	the child's group
 * @slot:	its slot
 * @near:	a time (ticks) less than 2^31 ticks from it
 *
 * Context: @group's lock held, or a look from outside at a hierarchy at rest.
 *
 * Return: ticks, or TMIGR_NEVER.
 */
u64 tmigr_slot_exp(const struct tmigr_group *group, unsigned int slot, u64 near)
{
	u32 exp = group->exp[slot];

	return exp == TMIGR_NO_EXP ? TMIGR_NEVER : near + (s32)(exp - (u32)near);
}

/*
 * First event of @group without its lock. 32-bit machines could see half of an
 * update. A group's lock may be taken inside its parent's, never the reverse.
 */
static u64 tmigr_first(struct tmigr_group *group)
{
	unsigned long flags;
	u64 first;

	if (BITS_PER_LONG == 64)
		return READ_ONCE(group->first);

	raw_spin_lock_irqsave_nested(&group->lock, flags, SINGLE_DEPTH_NESTING);
	first = group->first;
	raw_spin_unlock_irqrestore(&group->lock, flags);

	return first;
}

/*
 * (G) Whatever is read and written between these two may be about to make what a
 * child, that goes idle now, takes for granted wrong. It does not, while it sees
 * that @changes is odd, or another one than before.
 */
static void tmigr_begin_change(struct tmigr_group *group)
{
	lockdep_assert_held(&group->lock);

	WRITE_ONCE(group->changes, group->changes + 1);
	smp_mb();	/* (G) pairs with the exchange in tmigr_go_idle() */
}

static void tmigr_end_change(struct tmigr_group *group)
{
	smp_store_release(&group->changes, group->changes + 1);	/* (G) */
}

/*
 * Of all children but the active ones, which see to their timers themselves, and
 * of @slot in any case; TMIGR_NONE for none.
 */
static bool tmigr_update_first(struct tmigr_group *group, unsigned int slot, u64 near)
{
	u64 before = group->first, first = TMIGR_NEVER;
	unsigned int i, skipped = tmigr_active(group);

	if (slot != TMIGR_NONE)
		skipped &= ~BIT(slot);
	for (i = 0; i < TMIGR_FANOUT; i++) {
		if (!(skipped & BIT(i)))
			first = min(first, tmigr_slot_exp(group, i, near));
	}
	WRITE_ONCE(group->first, first);

	return first != before;
}

/*
 * Enter child @slot's expiry, and find the first one. An event that @counts, being
 * one of a child that is idle or about to be, is not before @first, and near it.
 *
 * All events are looked at only when the first one may have been @slot's. What is
 * not looked at is one of a child that has become active: it is still in @first
 * then, and goes when that child comes here again, or a pull finds nothing.
 *
 * Returns whether @first may have changed.
 */
static bool tmigr_enter(struct tmigr_group *group, unsigned int slot, u64 exp, bool counts)
{
	u32 old = group->exp[slot], new = tmigr_pack_exp(exp);
	u64 first = group->first;

	WRITE_ONCE(group->exp[slot], new);

	if (counts && exp < first) {
		/* As the slot has it, see TMIGR_NO_EXP */
		WRITE_ONCE(group->first, tmigr_slot_exp(group, slot, exp));
		return true;
	}
	if (old == TMIGR_NO_EXP || old != tmigr_pack_exp(first) || (counts && old == new))
		return false;

	return tmigr_update_first(group, counts ? slot : TMIGR_NONE, first);
}

/* --- The armed CPU --------------------------------------------------------- */

static void tmigr_set_keeper(struct tmigr_group *root, struct tmigr_cpu *tmc, u64 exp)
{
	WRITE_ONCE(root->keeper, tmc);
	WRITE_ONCE(root->keeper_exp, exp);
}

/* @tmc is not the keeper any more. The one that it took over from may still be */
static void tmigr_forget_keeper(struct tmigr_group *root, struct tmigr_cpu *tmc)
{
	struct tmigr_cpu *keeper = root->keeper;

	lockdep_assert_held(&root->lock);

	if (keeper == tmc)
		tmigr_set_keeper(root, tmc->relieved, tmc->relieved_exp);
	else if (keeper && keeper->relieved == tmc)
		keeper->relieved = NULL;
	tmc->relieved = NULL;
}

/*
 * The CPU that a pull has woken will be active. Whoever goes idle last after that
 * comes here for the lock, if there is an event, and finds nobody armed.
 */
static bool tmigr_woken_covers(struct tmigr_group *root)
{
	struct tmigr_cpu *woken = root->woken;

	lockdep_assert_held(&root->lock);

	if (!woken)
		return false;
	if (READ_ONCE(woken->available) && tmigr_host_leaves_idle(woken->cpu))
		return true;
	root->woken = NULL;

	return false;
}

/* (B) pairs with tmigr_drop_duty() */
static bool tmigr_keeper_covers(struct tmigr_group *root, u64 exp)
{
	lockdep_assert_held(&root->lock);

	if (root->keeper && !READ_ONCE(root->keeper->keeping))
		tmigr_forget_keeper(root, root->keeper);

	return root->keeper && root->keeper_exp <= exp && READ_ONCE(root->keeper->keeping);
}

/*
 * A forecast of tmigr_keeper_covers(), without the lock: @root may not be the
 * root any more, and on 32 bit the expiry be torn. The keeper's entry stays.
 */
static bool tmigr_keeper_expected(const struct tmigr_group *root, u64 exp)
{
	const struct tmigr_cpu *keeper = READ_ONCE(root->keeper);

	return keeper && READ_ONCE(keeper->keeping) && READ_ONCE(root->keeper_exp) <= exp;
}

static void tmigr_set_duty(struct tmigr_cpu *tmc, u64 wakeup)
{
	WRITE_ONCE(tmc->keeping, wakeup != TMIGR_NEVER);
	tmc->wakeup = wakeup;
}

/*
 * No CPU is active. Does @tmc have to wake for the first event of all? Not if
 * another idle CPU is going to: that one will then look what is next.
 */
static u64 tmigr_take_duty(struct tmigr_group *root, struct tmigr_cpu *tmc)
{
	u64 first = root->first;

	lockdep_assert_held(&root->lock);

	tmigr_set_duty(tmc, TMIGR_NEVER);
	if (first == TMIGR_NEVER)
		return TMIGR_NEVER;

	tmigr_forget_keeper(root, tmc);
	if (tmigr_keeper_covers(root, first) || tmigr_woken_covers(root))
		return TMIGR_NEVER;

	/* Two are remembered, not more */
	if (root->keeper)
		root->keeper->relieved = NULL;
	tmc->relieved = root->keeper;
	tmc->relieved_exp = root->keeper_exp;
	tmigr_set_keeper(root, tmc, first);
	tmigr_set_duty(tmc, first);

	return first;
}

/*
 * The CPU becomes active, or leaves. (B) Its next step is to change the state
 * of its leaf. Who leaves the system without an active CPU after that sees that
 * it is not armed any more; who did so before makes it a migrator.
 */
static void tmigr_drop_duty(struct tmigr_cpu *tmc)
{
	if (tmc->keeping)
		tmigr_set_duty(tmc, TMIGR_NEVER);
}

/* --- Walking up ------------------------------------------------------------ */

/*
 * Mark child @slot active. Returns whether the group was without an active
 * child, which its parent has to be told.
 */
static __always_inline bool tmigr_set_active(struct tmigr_group *group, unsigned int slot)
{
	unsigned long old = atomic_long_read(&group->state);

	while (!atomic_long_try_cmpxchg(&group->state, &old, tmigr_add_child(old, slot)))
		;

	return !(old & TMIGR_ACTIVE_MASK);
}

/**
 * struct tmigr_change - What one exchange did to a group's active children
 * @before:	they in the state that was replaced, not in one that was seen earlier
 * @after:	they in the state that replaced it
 */
struct tmigr_change {
	unsigned int	before;
	unsigned int	after;
};

static struct tmigr_change tmigr_no_change(const struct tmigr_group *group)
{
	unsigned int active;

	smp_mb();	/* (G) as an exchange would be */
	active = tmigr_active(group);

	return (struct tmigr_change) { .before = active, .after = active };
}

static __always_inline struct tmigr_change tmigr_changed(unsigned long before, unsigned long after)
{
	return (struct tmigr_change) {
		.before	= before & TMIGR_ACTIVE_MASK,
		.after	= after & TMIGR_ACTIVE_MASK,
	};
}

static __always_inline struct tmigr_change
tmigr_clear_active(struct tmigr_group *group, unsigned int slot)
{
	unsigned long old = atomic_long_read(&group->state), new;

	do {
		new = tmigr_remove_child(old, slot);
	} while (!atomic_long_try_cmpxchg(&group->state, &old, new));

	return tmigr_changed(old, new);
}

/*
 * Make @group's bit for @child say whether @child has an active child.
 *
 * (A) @group's state is read first, then @child's. Whoever changes @child
 * changes @group afterwards, and the sequence number with it: if this read of
 * @child missed a change, the exchange fails.
 */
static __always_inline struct tmigr_change
tmigr_sync_active(struct tmigr_group *group, struct tmigr_group *child)
{
	unsigned int slot = child->slot;
	long old, new;

	do {
		old = atomic_long_read_acquire(&group->state);	/* (A) */
		new = tmigr_active(child) ? tmigr_add_child(old, slot) :
					    tmigr_remove_child(old, slot);
	} while (atomic_long_cmpxchg(&group->state, old, new) != old);

	return tmigr_changed(old, new);
}

/*
 * Go from @group upwards as long as there is something to tell. @child is the
 * child that changed, NULL when it is the CPU @tmc, which goes idle or not.
 *
 * One group's lock at a time. What a level has to tell the next is read again
 * under the next one's lock, after it was written: the last of several walks
 * that come by finds, and leaves, the latest.
 *
 * A CPU that goes idle does not stop below an idle root, even if somebody else
 * has told it all already: it is the one that may have to wake.
 *
 * Returns the root when it was reached and nobody is active. It is locked then.
 */
static struct tmigr_group *tmigr_walk_up(struct tmigr_cpu *tmc, struct tmigr_group *group,
					 struct tmigr_group *child, bool goes_idle)
{
	struct tmigr_change change;
	struct tmigr_group *parent;
	bool counts, tell;
	unsigned int slot;
	u64 exp;

	for (;;) {
		raw_spin_lock(&group->lock);

		/* (G) First the event, then the state: who goes idle does the reverse */
		tmigr_begin_change(group);
		if (child) {
			slot = child->slot;
			exp = tmigr_first(child);			/* (F) */
			counts = !tmigr_active(child);
		} else {
			slot = tmc->slot;
			exp = tmc->exp;
			counts = goes_idle || !tmigr_cpu_active(tmc);
		}
		tell = tmigr_enter(group, slot, exp, counts);
		tmigr_end_change(group);

		if (child)
			change = tmigr_sync_active(group, child);
		else if (goes_idle)
			change = tmigr_clear_active(group, slot);
		else
			change = tmigr_no_change(group);
		parent = group->parent;				/* (D) */

		if (!change.after) {
			if (goes_idle)
				tmc->idled++;
			if (!parent)
				return group;
			tell |= goes_idle || change.before;
		} else {
			tell = !change.before;
		}

		raw_spin_unlock(&group->lock);

		if (!parent || !tell)
			return NULL;

		child = group;
		group = parent;
	}
}

/* Whether @group knows already what child @slot would enter. (G) @changes comes first */
static __always_inline bool tmigr_knows(struct tmigr_group *group, unsigned int slot,
					u64 exp, u16 changes)
{
	u32 shown = READ_ONCE(group->exp[slot]);

	/* As tmigr_pack_exp() has it; the odd tick is entered each time, under the lock */
	return !(changes % 2) && tmigr_first(group) <= exp && shown == (u32)exp &&
	       (shown != TMIGR_NO_EXP || exp == TMIGR_NEVER);
}

/*
 * tmigr_walk_up() of the idle CPU that runs this, which may have to wake for the
 * hierarchy. Returns when, if @goes_idle; else tmc->wakeup says it, which stays as it
 * is where the walk does not reach an idle root.
 */
static noinline u64 tmigr_enter_own(struct tmigr_cpu *tmc, struct tmigr_group *group,
				    struct tmigr_group *child, bool goes_idle)
{
	struct tmigr_group *root = tmigr_walk_up(tmc, group, child, goes_idle);
	u64 wakeup;

	if (!root)
		return TMIGR_NEVER;

	wakeup = tmigr_take_duty(root, tmc);
	raw_spin_unlock(&root->lock);

	return wakeup;
}

/* tmigr_go_idle() above @group, the leaf, which has no active child any more */
static noinline u64 tmigr_go_idle_above(struct tmigr_cpu *tmc, struct tmigr_group *group)
{
	struct tmigr_group *child = NULL, *parent;
	struct tmigr_change change = { };
	u16 changes;
	u64 exp;

	for (;;) {
		/* (C) after the exchange, pairs with tmigr_core_adopt() */
		parent = smp_load_acquire(&group->parent);
		if (change.after && !parent)
			return TMIGR_NEVER;
		/* An idle root needs a keeper if it has an event, whosever that is */
		if (!parent && tmigr_first(group) != TMIGR_NEVER)
			break;
		tmc->idled += !change.after;
		if (!parent)
			return TMIGR_NEVER;

		child = group;
		group = parent;
		exp = tmigr_first(child);
		changes = smp_load_acquire(&group->changes);	/* (G) */
		if (!tmigr_knows(group, child->slot, exp, changes))
			break;

		change = tmigr_sync_active(group, child);
		/* Unless @child has become active meanwhile, which has to be told now */
		if (change.before || !change.after) {
			if (READ_ONCE(group->changes) != changes)	/* (G) */
				break;
			if (change.after)
				return TMIGR_NEVER;
		}
	}

	return tmigr_enter_own(tmc, group, child, true);
}

/*
 * @tmc goes idle and tells as many groups of it as know the expiries below them
 * already, which they do when nothing has changed since the last time, or when
 * there are no timers. That takes no lock, but on 32 bit to read @first.
 *
 * (G) If nobody has changed what a group shows from before the exchange to after
 * it, this is as good as entering the event under the lock.
 *
 * Usually another child of the leaf is active, and that is all.
 *
 * Returns when the CPU has to wake for the hierarchy, TMIGR_NEVER for not at all.
 */
static __always_inline u64 tmigr_go_idle(struct tmigr_cpu *tmc)
{
	struct tmigr_group *leaf = tmc->leaf;
	u16 changes = smp_load_acquire(&leaf->changes);		/* (G) */
	struct tmigr_change change;

	if (unlikely(!tmigr_knows(leaf, tmc->slot, tmc->exp, changes)))
		return tmigr_enter_own(tmc, leaf, NULL, true);

	change = tmigr_clear_active(leaf, tmc->slot);
	if (unlikely(READ_ONCE(leaf->changes) != changes))	/* (G) */
		return tmigr_enter_own(tmc, leaf, NULL, true);

	return likely(change.after) ? TMIGR_NEVER : tmigr_go_idle_above(tmc, leaf);
}

/* --- Who wakes for a timer ------------------------------------------------- */

static bool tmigr_wakes_itself(const struct tmigr_cpu *tmc)
{
	return tmc->score >= READ_ONCE(tmc->arm);
}

static void tmigr_learn(struct tmigr_cpu *tmc, bool alone)
{
	if (!alone && tmc->score > 0)
		tmc->score--;
	else if (alone && tmc->score < TMIGR_SCORE_MAX)
		tmc->score++;
}

/* What the hierarchy has to see to when the CPU's first timer is at @nextexp */
static u64 tmigr_entrust(struct tmigr_cpu *tmc, u64 nextexp)
{
	bool itself = tmigr_wakes_itself(tmc);

	tmc->self_exp = itself ? nextexp : TMIGR_NEVER;

	return itself ? TMIGR_NEVER : nextexp;
}

/* --- Entries --------------------------------------------------------------- */

/**
 * tmigr_core_init_cpu() - Initialise a CPU's entry
 * @tmc:	the entry
 * @cpu:	the CPU's number
 *
 * Context: Before anything else is done with @tmc.
 */
void tmigr_core_init_cpu(struct tmigr_cpu *tmc, unsigned int cpu)
{
	*tmc = (struct tmigr_cpu) {
		.cpu		= cpu,
		.exp		= TMIGR_NEVER,
		.self_exp	= TMIGR_NEVER,
		.wakeup		= TMIGR_NEVER,
		.arm		= TMIGR_ARM_PREDICT,
		.score		= TMIGR_ARM_PREDICT,
		.idle		= true,
	};
}

/* Returns true when no other CPU was active */
static __always_inline bool tmigr_activate(struct tmigr_cpu *tmc)
{
	struct tmigr_group *group = tmc->leaf, *parent;
	unsigned int slot = tmc->slot;

	tmc->idle = false;
	tmigr_drop_duty(tmc);

	while (tmigr_set_active(group, slot)) {
		/* (C) after the exchange, pairs with tmigr_core_adopt() */
		parent = smp_load_acquire(&group->parent);
		if (!parent)
			return true;
		slot = group->slot;
		group = parent;
	}

	return false;
}

/**
 * tmigr_core_activate() - The CPU leaves idle
 * @tmc:	entry of the CPU that runs this
 * @woke:	false when it has not slept, only been about to
 *
 * The CPU's timers are its own business from now on, and those of idle CPUs as
 * far as it becomes the migrator. Takes no lock.
 *
 * Context: Interrupts disabled. The CPU was idle in the hierarchy.
 */
__always_inline void tmigr_core_activate(struct tmigr_cpu *tmc, bool woke)
{
	bool alone;

	if (!tmc->available || WARN_ON_ONCE(!tmc->idle))
		return;

	alone = tmigr_activate(tmc);
	if (woke)
		tmigr_learn(tmc, alone);
}

/**
 * tmigr_core_deactivate() - The CPU goes idle
 * @tmc:	entry of the CPU that runs this
 * @nextexp:	its first global expiry (ticks), TMIGR_NEVER for none, or when it
 *		wakes for a pinned timer before
 *
 * Context: Interrupts disabled, the CPU's timer bases locked.
 *
 * Return: the expiry (ticks) the CPU has to arm its clock event device for,
 * TMIGR_NEVER for none: @nextexp if it shall wake for it itself; if it is the
 * last one to go idle and nobody else is armed, the first expiry of all that
 * are entrusted to the hierarchy.
 */
__always_inline u64 tmigr_core_deactivate(struct tmigr_cpu *tmc, u64 nextexp)
{
	if (!tmc->available)
		return nextexp;

	tmc->idle = true;
	tmc->exp = tmigr_entrust(tmc, nextexp);

	return min(tmigr_go_idle(tmc), tmc->self_exp);
}

/**
 * tmigr_core_new_timer() - The first global timer of an idle CPU has changed
 * @tmc:	entry of the CPU that runs this
 * @nextexp:	as for tmigr_core_deactivate()
 *
 * Context: Interrupts disabled, the CPU's timer bases locked, the CPU idle in
 * the hierarchy.
 *
 * Return: as tmigr_core_deactivate(), including what the CPU has promised to wake
 * for already, if nobody else does now.
 */
__always_inline u64 tmigr_core_new_timer(struct tmigr_cpu *tmc, u64 nextexp)
{
	u64 exp;

	if (!tmc->available)
		return nextexp;

	/* It woke for its timer and stayed idle, or the timer is gone: no need to */
	if (nextexp > tmc->self_exp)
		tmigr_learn(tmc, false);

	exp = tmigr_entrust(tmc, nextexp);
	if (unlikely(exp != tmc->exp)) {
		tmc->exp = exp;
		tmigr_enter_own(tmc, tmc->leaf, NULL, false);
	}

	return min(tmc->self_exp, tmc->wakeup);
}

/**
 * tmigr_core_quick_check() - What tmigr_core_deactivate() would say
 * @tmc:	entry of the CPU that runs this
 * @nextexp:	as for tmigr_core_deactivate()
 *
 * A forecast without side effects: what is about to change may have changed
 * when it arrives. Too late costs the idle governor a wrong choice, since what
 * tmigr_core_deactivate() says comes first. Too early costs an interrupt for
 * nothing: the tick code sleeps no longer than this. It happens, since expired
 * events and those of CPUs that have become active count until a migrator comes
 * by, and nobody looks whom a pull has woken.
 *
 * Context: Interrupts disabled.
 *
 * Return: the expiry (ticks) the CPU would have to arm for, TMIGR_NEVER for none.
 */
u64 tmigr_core_quick_check(const struct tmigr_cpu *tmc, u64 nextexp)
{
	bool itself = tmigr_wakes_itself(tmc);
	struct tmigr_group *group, *parent;
	unsigned int slot;
	u64 first;

	if (!tmc->available)
		return nextexp;

	first = itself ? TMIGR_NEVER : nextexp;
	slot = tmc->slot;

	for (group = tmc->leaf; ; group = parent) {
		if (tmigr_active(group) & ~BIT(slot))
			return itself ? nextexp : TMIGR_NEVER;
		first = min(first, tmigr_first(group));
		parent = smp_load_acquire(&group->parent);	/* (E) */
		if (!parent)
			break;
		slot = group->slot;
	}

	if (tmigr_keeper_expected(group, first))
		first = TMIGR_NEVER;

	return itself ? min(first, nextexp) : first;
}

/*
 * The migrator has not looked for too long. On 32 bit half of an update could
 * be seen: that costs a look in vain, or a tick.
 */
static bool tmigr_overdue(const struct tmigr_group *group, u64 now)
{
	return READ_ONCE(group->first) + TMIGR_OVERDUE <= now;
}

/* Whether it is @tmc's turn to look after the migrators of all levels */
static bool tmigr_looks_further(const struct tmigr_cpu *tmc, u64 now)
{
	return !((now + tmc->cpu) % TMIGR_LOOK_FURTHER);
}

/**
 * tmigr_core_must_pull() - Whether timers of idle CPUs are due
 * @tmc:	entry of the CPU that runs this
 * @now:	jiffies
 *
 * Context: Hard interrupt of the tick. Lockless on 64 bit.
 *
 * Return: true when the host has to call tmigr_core_pull().
 */
bool tmigr_core_must_pull(const struct tmigr_cpu *tmc, u64 now)
{
	struct tmigr_group *group, *parent;
	bool mine = true;
	unsigned int slot;

	if (!tmc->available)
		return false;
	if (tmc->idle)
		return tmc->keeping && tmc->wakeup <= now;

	slot = tmc->slot;

	for (group = tmc->leaf; ; group = parent) {
		mine &= tmigr_group_state(group).migrator == slot;
		if (mine ? tmigr_first(group) <= now : tmigr_overdue(group, now))
			return true;
		if (!mine && !tmigr_looks_further(tmc, now))
			return false;
		parent = smp_load_acquire(&group->parent);	/* (E) */
		if (!parent)
			return false;
		slot = group->slot;
	}
}

/**
 * struct tmigr_due - What is due first below a group
 * @group:	lowest group on the way to it
 * @tmc:	the CPU; NULL when there is none and @group's parents are mistaken
 */
struct tmigr_due {
	struct tmigr_group	*group;
	struct tmigr_cpu	*tmc;
};

/* A slot whose child is idle and due; TMIGR_FANOUT when there is none */
static unsigned int tmigr_due_slot(struct tmigr_group *group, u64 now)
{
	unsigned int slot, active;
	unsigned long flags;
	u64 near;

	raw_spin_lock_irqsave(&group->lock, flags);
	active = tmigr_active(group);
	near = min(group->first, now);
	for (slot = 0; slot < TMIGR_FANOUT; slot++) {
		if (!(active & BIT(slot)) && tmigr_slot_exp(group, slot, near) <= now)
			break;
	}
	if (slot == TMIGR_FANOUT) {
		tmigr_begin_change(group);
		tmigr_update_first(group, TMIGR_NONE, near);
		tmigr_end_change(group);
	}
	raw_spin_unlock_irqrestore(&group->lock, flags);

	return slot;
}

static struct tmigr_due tmigr_find_due(struct tmigr_group *group, u64 now)
{
	unsigned int slot;

	for (;;) {
		slot = tmigr_due_slot(group, now);
		if (slot == TMIGR_FANOUT)
			return (struct tmigr_due) { .group = group };
		if (!group->level)
			return (struct tmigr_due) { .group = group, .tmc = group->cpu[slot] };
		group = group->child[slot];
	}
}

/* Tell those above what has become of @child's first event, or of @tmc's */
static void tmigr_refresh(struct tmigr_cpu *tmc, struct tmigr_group *group,
			  struct tmigr_group *child)
{
	struct tmigr_group *root;

	root = tmigr_walk_up(tmc, group, child, false);
	if (root)
		raw_spin_unlock(&root->lock);
}

/* Run the timers of an idle CPU and enter what comes next */
static void tmigr_pull_cpu(struct tmigr_cpu *tmc, u64 now)
{
	u64 next;

	if (READ_ONCE(tmc->available) && !tmigr_cpu_active(tmc))
		tmigr_host_expire(tmc->cpu);

	/*
	 * The CPU may have become active, have gone idle again with another
	 * timer, or have left meanwhile. The last two cannot happen from here on.
	 * What it has armed for itself meanwhile, or sees when it wakes for that, is
	 * its own business. What comes before was queued by a callback, and nobody
	 * has told the CPU.
	 */
	tmigr_host_lock(tmc->cpu);
	if (tmc->available && !tmigr_cpu_active(tmc)) {
		next = tmigr_host_next(tmc->cpu, now);
		tmc->exp = next < tmc->self_exp ? next : TMIGR_NEVER;
	}
	tmigr_refresh(tmc, tmc->leaf, NULL);
	tmigr_host_unlock(tmc->cpu);
}

/*
 * Run what is due below @group. Each round moves the event it found past @now,
 * or corrects a group that showed an event which does not exist any more.
 *
 * Returns a CPU that leaves idle now, NULL for none.
 */
static struct tmigr_cpu *tmigr_pull_group(struct tmigr_group *group, u64 now)
{
	struct tmigr_cpu *woken = NULL;
	struct tmigr_due due;
	unsigned long flags;

	while (tmigr_first(group) <= now) {
		due = tmigr_find_due(group, now);
		if (due.tmc) {
			tmigr_pull_cpu(due.tmc, now);
			if (tmigr_host_leaves_idle(due.tmc->cpu))
				woken = due.tmc;
		} else if (due.group != group) {
			local_irq_save(flags);
			tmigr_refresh(NULL, due.group->parent, due.group);
			local_irq_restore(flags);
		}
	}

	return woken;
}

/*
 * An idle CPU has pulled as far as the root: does it have to wake again? Not if
 * another one is active: if that goes idle and there is an event, it will come here
 * for the lock and see to it, since this CPU is not armed then. Not if it
 * has left meanwhile, which it cannot from here on: interrupts are disabled. Not
 * while @woken, which may be NULL, has yet to leave idle. If the root has got a
 * parent, that is returned and has to be pulled first.
 */
static struct tmigr_group *tmigr_renew_duty(struct tmigr_cpu *tmc, struct tmigr_group *root,
					    struct tmigr_cpu *woken)
{
	struct tmigr_group *parent;
	unsigned long flags;

	raw_spin_lock_irqsave(&root->lock, flags);
	parent = root->parent;
	if (!parent) {
		root->woken = woken ?: root->woken;
		if (!tmc->available || tmigr_active(root))
			tmigr_set_duty(tmc, TMIGR_NEVER);
		else
			tmigr_take_duty(root, tmc);
	}
	raw_spin_unlock_irqrestore(&root->lock, flags);

	return parent;
}

/**
 * tmigr_core_pull() - Run the due timers of idle CPUs
 * @tmc:	entry of the CPU that runs this
 * @now:	jiffies
 *
 * Does what there is to do for a migrator, or for the CPU that is armed while
 * everybody is idle; for others nothing.
 *
 * Context: Timer softirq, interrupts enabled, no locks held. The CPU may become
 * idle or active in the middle: a nested interrupt of a nohz_full CPU stops or
 * restarts the tick, and PREEMPT_RT sleeps while somebody else runs a timer. With
 * PREEMPT_RT it may even leave meanwhile. So nothing about it is remembered from one
 * group to the next.
 *
 * Return: true when it did what a migrator had not done.
 */
bool tmigr_core_pull(struct tmigr_cpu *tmc, u64 now)
{
	struct tmigr_group *group = tmc->leaf, *parent;
	struct tmigr_cpu *woken = NULL;
	bool mine = true, taken_over = false;
	unsigned int slot = tmc->slot;
	struct tmigr_state state;

	if (!tmc->available)
		return false;

	if (tmc->idle && !(tmc->keeping && tmc->wakeup <= now))
		return false;

	for (;;) {
		/* Who is awake for it helps, even if others have woken meanwhile */
		state = tmigr_group_state(group);
		mine = tmc->idle || (mine && (!state.active || state.migrator == slot));
		if (mine || tmigr_overdue(group, now)) {
			woken = tmigr_pull_group(group, now) ?: woken;
			taken_over |= !mine;
		}
		if (!mine && !tmigr_looks_further(tmc, now))
			return taken_over;

		parent = smp_load_acquire(&group->parent);	/* (E) */
		if (!parent && tmc->idle)
			parent = tmigr_renew_duty(tmc, group, woken);
		if (!parent)
			return taken_over;
		slot = group->slot;
		group = parent;
	}
}

/* --- Joining and leaving --------------------------------------------------- */

/**
 * tmigr_core_join() - A CPU takes part from now on
 * @tmc:	entry of the CPU that runs this
 * @idle:	its tick is stopped, so it did deactivate while it did not take part
 *
 * With @idle, the CPU stays armed for its own timers until it looks for its next
 * one (tmigr_core_new_timer()) or leaves idle.
 *
 * Context: The CPU's timer bases locked. Online.
 */
void tmigr_core_join(struct tmigr_cpu *tmc, bool idle)
{
	if (WARN_ON_ONCE(!tmc->leaf || tmc->available))
		return;

	WRITE_ONCE(tmc->available, true);
	tmc->idle = true;
	tmc->self_exp = TMIGR_NEVER;
	if (!idle)
		tmigr_activate(tmc);
}

/**
 * tmigr_core_leave() - A CPU does not take part any more
 * @tmc:	entry of the CPU that runs this
 *
 * If its tick is stopped, the host has to let the CPU look for its next timer
 * afterwards: what the hierarchy saw to is its own business again. So is a timer
 * that somebody else, who is still running this CPU's timers, queues on it.
 *
 * Context: The CPU's timer bases locked.
 *
 * Return: TMIGR_NEVER, or the first expiry (ticks) that nobody is armed for now:
 * the host has to make another available CPU leave idle, which then is
 * responsible.
 */
u64 tmigr_core_leave(struct tmigr_cpu *tmc)
{
	struct tmigr_group *root;
	u64 orphaned = TMIGR_NEVER;

	if (!tmc->available)
		return TMIGR_NEVER;

	WRITE_ONCE(tmc->available, false);
	tmigr_drop_duty(tmc);
	tmc->idle = true;
	tmc->exp = TMIGR_NEVER;

	root = tmigr_walk_up(tmc, tmc->leaf, NULL, true);
	if (root) {
		if (!tmigr_keeper_covers(root, root->first) && !tmigr_woken_covers(root))
			orphaned = root->first;
		raw_spin_unlock(&root->lock);
	}
	tmc->idled = 0;

	return orphaned;
}

/* --- Groups ---------------------------------------------------------------- */

/**
 * tmigr_core_init_group() - Initialise a group without children
 * @group:	the group
 * @level:	its level
 * @node:	NUMA node of all CPUs that will be below it, or NUMA_NO_NODE
 *
 * Context: Before anybody else can see @group.
 */
void tmigr_core_init_group(struct tmigr_group *group, unsigned int level, int node)
{
	struct tmigr_state idle = { .migrator = TMIGR_NONE };

	*group = (struct tmigr_group) {
		.first		= TMIGR_NEVER,
		.exp		= { [0 ... TMIGR_FANOUT - 1] = TMIGR_NO_EXP },
		.level		= level,
		.node		= node,
	};
	raw_spin_lock_init(&group->lock);
	atomic_long_set(&group->state, tmigr_pack(idle));
}

/**
 * tmigr_core_link() - Give a new group its parent
 * @child:	a group that nobody else can see yet
 * @parent:	a group with a free slot
 *
 * Context: The topology's mutex held.
 */
void tmigr_core_link(struct tmigr_group *child, struct tmigr_group *parent)
{
	unsigned int slot = parent->nr_children++;

	parent->child[slot] = child;
	child->slot = slot;
	smp_store_release(&child->parent, parent);		/* (E) */
}

/*
 * What @root knows, those above know from the beginning. They are new: nobody
 * else can see them before @root has its parent.
 */
static void tmigr_inherit(struct tmigr_group *root, struct tmigr_group *parent)
{
	struct tmigr_group *child = root, *group = parent;

	for (;;) {
		group->exp[child->slot] = tmigr_pack_exp(root->first);
		group->first = root->first;
		if (!group->parent)
			break;
		child = group;
		group = group->parent;
	}

	tmigr_set_keeper(group, root->keeper, root->keeper_exp);
}

/*
 * The old root was active when it got a parent, or has become so without seeing
 * it. Its events are not told here: who enters one arms for it, if need be.
 */
static void tmigr_tell_activity(struct tmigr_group *child)
{
	struct tmigr_group *group = child->parent;
	struct tmigr_change change;

	do {
		raw_spin_lock(&group->lock);
		change = tmigr_sync_active(group, child);
		child = group;
		group = group->parent;
		raw_spin_unlock(&child->lock);
	} while (group && !change.before != !change.after);
}

/**
 * tmigr_core_adopt() - Put the root under a new one
 * @root:	the root, perhaps with active CPUs and events
 * @parent:	a group that nobody else can see yet, linked up to the new root
 *
 * Who walks up finds @parent or not. What it then does not do there is done
 * here: (D) a walk under @root's lock is over before @parent is published, and
 * what it entered is inherited, or goes on to @parent. (C) An activation takes
 * no lock; it sees @parent, or is seen.
 *
 * Context: The topology's mutex held, interrupts enabled.
 */
void tmigr_core_adopt(struct tmigr_group *root, struct tmigr_group *parent)
{
	unsigned int slot = parent->nr_children++;
	unsigned long flags;

	parent->child[slot] = root;
	root->slot = slot;

	local_irq_save(flags);

	raw_spin_lock(&root->lock);
	tmigr_inherit(root, parent);
	smp_store_release(&root->parent, parent);		/* (D), (E) */
	raw_spin_unlock(&root->lock);

	smp_mb();	/* (C) pairs with the exchange in tmigr_set_active() */
	tmigr_tell_activity(root);

	local_irq_restore(flags);
}
