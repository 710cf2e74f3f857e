// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the CPUs do
 *
 * CPUs [0, cpus) take part and are active; then the setup is done in its order,
 * then each CPU runs its script, in every order in which the scheduler can mix
 * them. Time does not pass but by ADVANCE_TO. Groups have two slots, but for the
 * scenarios with "wide", which have a program of their own with four: two CPUs
 * have one level, three or four have two, and three CPUs of three nodes have
 * three: cpu0 and cpu1 share the lower left half, cpu2 is in the right one.
 */
#include "mc.h"

#define IDLE			.kind = MC_IDLE
#define WAKE			.kind = MC_WAKE
#define TICK			.kind = MC_TICK
#define DEL			.kind = MC_DEL
#define JOIN			.kind = MC_JOIN
#define LEAVE			.kind = MC_LEAVE
#define QUICK			.kind = MC_QUICK
#define ADD(e)			.kind = MC_ADD, .exp = (e)
#define ADD_PINNED(e)		.kind = MC_ADD_PINNED, .exp = (e)
#define REARM(ticks)		.rearm = (ticks)
#define STAYS			.stays = 1
#define WAKES			.wakes = 1
#define ADVANCE_TO(t)		.kind = MC_ADVANCE, .exp = (t)
#define ATTACH(c)		.kind = MC_ATTACH, .target = (c)
#define ATTACH_NOMEM(c)		.kind = MC_ATTACH_NOMEM, .target = (c)
#define SET_ARM(c, a)		.kind = MC_SET_ARM, .target = (c), .arm = TMIGR_ARM_##a
#define ON(c, ...)		{ .cpu = (c), __VA_ARGS__ }

#define THREE_LEVELS		.node = { 0, 1, 2, 3 }

const struct mc_scenario mc_scenarios[] = {
#if TMIGR_FANOUT > 2
	{
		.name	= "wide_late_entry",
		.about	= "a timer is entered late, beside another CPU that goes idle with the old time",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.node	= { 0, 0, 0, 1 },
		.setup	= {
			ON(0, ADD(5)), ON(0, IDLE), ON(1, IDLE), ON(2, IDLE),
		},
		.script	= {
			[0] = { { DEL }, { ADD(9) } },
			[1] = { { WAKE }, { ADD(5) }, { IDLE } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "wide_late_entry_last",
		.about	= "the same, and the last CPU goes idle",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.node	= { 0, 0, 0, 1 },
		.setup	= {
			ON(0, ADD(5)), ON(0, IDLE), ON(1, IDLE), ON(2, IDLE),
		},
		.script	= {
			[0] = { { DEL }, { ADD(9) } },
			[1] = { { WAKE }, { ADD(5) }, { IDLE } },
			[2] = { { WAKE }, { IDLE } },
			[3] = { { IDLE } },
		},
	},
	{
		.name	= "wide_pull",
		.about	= "three CPUs in a leaf, one of them due, while the others come and go",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.node	= { 0, 0, 0, 1 },
		.setup	= {
			ON(0, ADD(3)), ON(0, IDLE), ON(1, ADD(5)), ON(1, IDLE), ON(2, IDLE),
			ON(3, ADVANCE_TO(3)),
		},
		.script	= {
			[1] = { { WAKE }, { IDLE } },
			[2] = { { WAKE }, { ADD(5) }, { IDLE } },
			[3] = { { TICK } },
		},
	},
#else
	{
		.name	= "h01_order_at_parent",
		.about	= "two children of one group go idle and wake: the parent hears it in any order",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(1, IDLE),
		},
		.script	= {
			[0] = { { IDLE } },
			[1] = { { WAKE }, { IDLE } },
			[2] = { { IDLE } },
		},
	},
	{
		.name	= "h01_order_three_levels",
		.about	= "the same through three levels, with events",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(1, ADD(4)), ON(1, IDLE), ON(3, IDLE),
		},
		.script	= {
			[0] = { { ADD(3) }, { IDLE }, { WAKE } },
			[1] = { { WAKE } },
			[2] = { { IDLE } },
		},
	},
	{
		.name	= "h01_woken_beside_late_walk",
		.about	= "a CPU wakes twice beside one that has yet to tell that it went idle",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.node	= { 0, 0, 1, 2 },
		.setup	= {
			ON(1, IDLE), ON(2, IDLE), ON(3, IDLE),
		},
		.script	= {
			[0] = { { IDLE } },
			[1] = { { WAKE }, { IDLE }, { WAKE } },
		},
	},
	{
		.name	= "h01_pulled_beside_late_walk",
		.about	= "the same, while another one's timer is pulled",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.node	= { 0, 0, 1, 2 },
		.setup	= {
			ON(1, IDLE), ON(2, ADD(3)), ON(2, IDLE), ON(3, ADVANCE_TO(3)),
		},
		.script	= {
			[0] = { { IDLE } },
			[1] = { { WAKE }, { IDLE }, { WAKE } },
			[3] = { { TICK } },
		},
	},
	{
		.name	= "h01_correction_and_wake",
		.about	= "a migrator corrects a group while the CPU below wakes and goes idle",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(2, ADD(2)), ON(2, IDLE), ON(0, IDLE), ON(1, ADVANCE_TO(3)),
		},
		.script	= {
			[1] = { { TICK }, { IDLE } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "h02_new_timer_last_idle",
		.about	= "a new timer on an idle CPU while the last active CPU goes idle",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, IDLE),
		},
		.script	= {
			[0] = { { ADD(5) }, { ADD(3) } },
			[1] = { { ADD(4) }, { IDLE } },
		},
	},
	{
		.name	= "h02_new_timer_two_levels",
		.about	= "the same, with groups between the CPUs",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(9)), ON(0, IDLE), ON(1, IDLE),
		},
		.script	= {
			[0] = { { ADD(5) } },
			[1] = { { ADD(6) } },
			[2] = { { IDLE } },
		},
	},
	{
		.name	= "h02_new_timer_three_levels",
		.about	= "the same, with two CPUs going idle",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, IDLE),
		},
		.script	= {
			[0] = { { ADD(5) } },
			[1] = { { ADD(6) }, { IDLE } },
			[2] = { { IDLE } },
		},
	},
	{
		.name	= "h03_siblings_after_expiry",
		.about	= "two siblings have events; one is expired remotely, the other must not be lost",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(3)), ON(0, IDLE), ON(1, ADD(4)), ON(1, IDLE),
		},
		.script	= {
			[0] = { { ADD(2) } },
			[2] = { { ADVANCE_TO(3) }, { TICK }, { IDLE } },
		},
	},
	{
		.name	= "h03_siblings_of_migrator",
		.about	= "the migrator expires one CPU's event while its siblings come and go",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2)), ON(0, IDLE), ON(1, ADD(4)), ON(1, IDLE), ON(2, IDLE),
			ON(3, ADVANCE_TO(3)),
		},
		.script	= {
			[0] = { { WAKE } },
			[1] = { { ADD(2) } },
			[3] = { { TICK }, { IDLE } },
		},
	},
	{
		.name	= "h04_queued_while_expired",
		.about	= "a timer is queued on a CPU while its timers are expired remotely",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2)), ON(0, IDLE), ON(1, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { ADD(1) }, { ADD(7) } },
			[1] = { { TICK }, { IDLE } },
		},
	},
	{
		.name	= "h04_wakes_while_expired",
		.about	= "a CPU wakes, takes a timer back and goes idle while it is expired remotely",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2)), ON(0, IDLE), ON(1, IDLE), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { WAKE }, { DEL }, { ADD(5) }, { IDLE } },
			[2] = { { TICK }, { TICK }, { IDLE } },
		},
	},
	{
		.name	= "h05_parent_appears",
		.about	= "the root gets a parent in the middle of walks",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		.script	= {
			[0] = { { ADD(4) }, { IDLE }, { WAKE } },
			[1] = { { ATTACH(2) }, { IDLE } },
			[2] = { { JOIN } },
		},
	},
	{
		.name	= "h05_parent_appears_in_walk",
		.about	= "the same while a CPU pulls, and events are queued",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADD(2)), ON(0, IDLE), ON(1, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { ADD(3) } },
			[1] = { { TICK }, { IDLE } },
			[2] = { { ATTACH(2) } },
		},
	},
	{
		.name	= "h05_two_parents_appear",
		.about	= "the hierarchy grows by two levels while a CPU walks up",
		.cpus	= 1,
		.later	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.script	= {
			[0] = { { ADD(3) }, { IDLE }, { WAKE } },
			[1] = { { ATTACH(1) }, { ATTACH(2) } },
			[2] = { { JOIN }, { ADD(2) }, { IDLE } },
		},
	},
	{
		.name	= "h06_forecast_all_levels",
		.about	= "the forecast takes the first event of all levels",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADD(3)), ON(0, IDLE), ON(1, ADD(9)), ON(1, IDLE), ON(2, ADD(6)),
			ON(2, IDLE),
		},
		.script	= {
			[0] = { { ADD(2) } },
			[2] = { { WAKE }, { IDLE } },
			[3] = { { QUICK }, { IDLE } },
		},
	},
	{
		.name	= "h07_single_level_root",
		.about	= "one group is leaf and root: an event that is looked after already changes its first",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(5)), ON(0, IDLE),
		},
		.script	= {
			[0] = { { WAKE }, { DEL }, { ADD(7) }, { IDLE } },
			[1] = { { ADD(6) }, { IDLE }, { ADD(2) } },
		},
	},
	{
		.name	= "h08_event_is_gone",
		.about	= "the armed CPU wakes for an event that was cancelled or expired by its owner",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2)), ON(1, ADD(4)), ON(0, IDLE), ON(1, IDLE),
			ON(2, ADVANCE_TO(3)), ON(2, IDLE),
		},
		.script	= {
			[0] = { { DEL }, { WAKE }, { IDLE } },
			[2] = { { TICK }, { TICK } },
		},
	},
	{
		.name	= "h09_nobody_disturbs_owner",
		.about	= "a new first timer on an idle CPU that must not wake for itself",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, IDLE),
		},
		.script	= {
			[0] = { { ADD(3) }, { DEL }, { ADD(2) } },
			[1] = { { IDLE } },
			[2] = { { IDLE } },
		},
	},
	{
		.name	= "h10_equal_expiries",
		.about	= "equal expiries of different CPUs through three levels",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADVANCE_TO(3)), ON(1, ADD(3)), ON(2, ADD(3)), ON(1, IDLE),
			ON(2, IDLE), ON(0, ADD(3)),
		},
		.script	= {
			[0] = { { TICK }, { IDLE } },
			[1] = { { WAKE }, { IDLE } },
			[2] = { { DEL }, { TICK } },
		},
	},
	{
		.name	= "h10_equal_expiries_idle",
		.about	= "equal expiries, everybody going idle",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.script	= {
			[0] = { { ADD(3) }, { IDLE } },
			[1] = { { ADD(3) }, { IDLE } },
			[2] = { { ADD(3) }, { IDLE } },
		},
	},
	{
		.name	= "h11_allocation_fails",
		.about	= "attaching fails for want of memory, then succeeds",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		.script	= {
			[0] = { { IDLE }, { ADD(2) } },
			[1] = { { ATTACH_NOMEM(2) }, { ATTACH(2) }, { IDLE } },
			[2] = { { JOIN }, { ADD(3) }, { IDLE } },
		},
	},
	{
		.name	= "h12_new_root_idle_walkers",
		.about	= "a new root while idle CPUs queue timers and nobody is active",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADD(5)), ON(0, IDLE), ON(1, IDLE),
		},
		.script	= {
			[0] = { { ADD(4) } },
			[1] = { { ADD(2) } },
			[2] = { { ATTACH(2) } },
		},
	},
	{
		.name	= "h12_new_root_idle_then_join",
		.about	= "the same, the new CPU joins and goes idle",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(5)), ON(0, IDLE), ON(1, IDLE),
		},
		.script	= {
			[0] = { { ADD(4) }, { ADD(2) } },
			[1] = { { WAKE } },
			[2] = { { ATTACH(2) }, { JOIN }, { IDLE } },
		},
	},
	{
		.name	= "h12_new_root_last_idle",
		.about	= "a new root while the last CPU below the old one goes idle",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(1, ADD(5)), ON(1, IDLE),
		},
		.script	= {
			[0] = { { ADD(4) }, { IDLE } },
			[1] = { { WAKE }, { IDLE } },
			[2] = { { ATTACH(2) }, { JOIN }, { IDLE } },
		},
	},
	{
		.name	= "h15_one_root",
		.about	= "two CPUs want to grow the hierarchy at once",
		.cpus	= 2,
		.later	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.script	= {
			[0] = { { ATTACH(2) }, { IDLE } },
			[1] = { { ATTACH(3) }, { ADD(2) }, { IDLE } },
			[2] = { { JOIN } },
			[3] = { { JOIN } },
		},
	},
	{
		.name	= "h15_one_root_three_levels",
		.about	= "the same, the new CPUs are from nodes of their own",
		.cpus	= 1,
		.later	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ATTACH(1)),
		},
		.script	= {
			[0] = { { ADD(2) }, { IDLE } },
			[1] = { { ATTACH(2) } },
			[2] = { { JOIN }, { ATTACH(3) }, { IDLE } },
			[3] = { { JOIN } },
		},
	},
	{
		.name	= "h16_validity_read_once",
		.about	= "a child's event becomes valid and invalid while others decide upon it",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2)), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { IDLE }, { WAKE }, { IDLE } },
			[1] = { { IDLE } },
			[2] = { { TICK }, { IDLE } },
		},
	},
	{
		.name	= "h17_imbalanced_nodes",
		.about	= "a node of three CPUs beside one of one: groups on unequal levels",
		.cpus	= 3,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		.node = { 0, 0, 1, 0 },
		.node_levels = { 2, 1 },
		.setup	= {
			ON(1, ADD(5)),
		},
		.script	= {
			[0] = { { ADD(3) }, { IDLE } },
			[1] = { { IDLE } },
			[2] = { { ATTACH(3) }, { ADD(2) }, { IDLE } },
			[3] = { { JOIN }, { IDLE } },
		},
	},
	{
		.name	= "h17_root_is_raised",
		.about	= "the topmost group of a node becomes the root's child and can still grow",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		.node = { 0, 0, 1 },
		.node_levels = { 3, 1 },
		.script	= {
			[0] = { { ADD(2) }, { IDLE } },
			[1] = { { ATTACH(2) }, { IDLE } },
			[2] = { { JOIN }, { IDLE } },
		},
	},
	{
		.name	= "h17_root_is_raised_last_idle",
		.about	= "several levels appear above the last CPU that goes idle, without a timer of its own",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		.node = { 0, 0, 1 },
		.node_levels = { 3, 1 },
		.setup	= {
			ON(1, ADD(3)), ON(1, IDLE),
		},
		.script	= {
			[0] = { { IDLE } },
			[2] = { { ATTACH(2) } },
		},
	},
	{
		.name	= "h18_isolate",
		.about	= "CPUs leave, work alone, and come back while others go idle",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(1, ADD(5)),
		},
		.script	= {
			[0] = { { LEAVE }, { ADD(3) }, { IDLE } },
			[1] = { { IDLE } },
			[2] = { { ADD(4) }, { IDLE } },
		},
	},
	{
		.name	= "h18_isolate_and_return",
		.about	= "a CPU leaves with a timer of its own and joins again",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADD(3)), ON(1, ADD(2)), ON(1, IDLE),
		},
		.script	= {
			[0] = { { LEAVE }, { JOIN }, { IDLE } },
			[1] = { { WAKE }, { IDLE } },
			[2] = { { IDLE } },
		},
	},
	{
		.name	= "h18_isolate_all_but_one",
		.about	= "all CPUs but one leave",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(3)), ON(1, ADD(2)), ON(2, ADD(4)),
		},
		.script	= {
			[0] = { { LEAVE }, { IDLE } },
			[1] = { { LEAVE }, { IDLE } },
			[2] = { { IDLE } },
		},
	},
	{
		.name	= "h18_leaves_while_pulled",
		.about	= "a CPU leaves while its timers are expired remotely",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2)), ON(0, ADD(5)), ON(0, IDLE), ON(1, ADD(2)), ON(1, IDLE),
			ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { LEAVE }, { IDLE } },
			[1] = { { WAKE }, { IDLE } },
			[2] = { { TICK }, { IDLE } },
		},
	},
	{
		.name	= "h18_leaves_while_armed_pulls",
		.about	= "the same, pulled by the armed CPU",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADD(2)), ON(0, ADD(5)), ON(0, IDLE), ON(1, IDLE),
			ON(2, ADVANCE_TO(2)), ON(2, IDLE),
		},
		.script	= {
			[0] = { { LEAVE }, { IDLE } },
			[1] = { { ADD(3) } },
			[2] = { { TICK } },
		},
	},
	{
		.name	= "h19_old_root_not_active",
		.about	= "a new root is linked while nobody below the old one is active",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(3)), ON(0, IDLE), ON(1, LEAVE), ON(0, WAKE), ON(0, IDLE),
		},
		.script	= {
			[0] = { { WAKE }, { IDLE } },
			[1] = { { ATTACH(2) } },
			[2] = { { JOIN }, { IDLE } },
		},
	},
	{
		.name	= "h20_time_goes_on",
		.about	= "time advances during the softirq, callbacks start timers again",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADVANCE_TO(2)), ON(0, ADD(2), REARM(1)), ON(1, ADD(2), REARM(1)),
			ON(0, IDLE),
		},
		.script	= {
			[0] = { { ADVANCE_TO(3) }, { ADVANCE_TO(4) }, { ADVANCE_TO(5) } },
			[1] = { { TICK }, { TICK }, { IDLE } },
		},
	},
	{
		.name	= "h20_expires_itself",
		.about	= "the armed CPU's own timer is the one that is due",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADVANCE_TO(2)), ON(0, IDLE), ON(1, ADD(2), REARM(1)), ON(1, IDLE),
			ON(0, ADVANCE_TO(3)),
		},
		.script	= {
			[0] = { { ADD(1) }, { TICK } },
			[1] = { { TICK }, { TICK } },
		},
	},
	{
		.name	= "h21_successor",
		.about	= "the last CPU leaves with events pending: the successor is available and armed",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(3)), ON(0, IDLE), ON(1, ADD(5)), ON(1, IDLE),
		},
		.script	= {
			[0] = { { WAKE }, { IDLE } },
			[1] = { { ADD(2) } },
			[2] = { { LEAVE }, { IDLE } },
		},
	},
	{
		.name	= "h21_successor_leaves_too",
		.about	= "the successor wants to leave as well",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADD(4)), ON(0, IDLE),
		},
		.script	= {
			[0] = { { ADD(3) } },
			[1] = { { LEAVE } },
			[2] = { { LEAVE } },
		},
	},
	{
		.name	= "h21_armed_cpu_leaves",
		.about	= "the armed CPU leaves while others rely on it",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(1, ADD(5)), ON(1, IDLE), ON(2, IDLE), ON(0, IDLE),
		},
		.script	= {
			[0] = { { LEAVE }, { IDLE } },
			[1] = { { ADD(3) } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "pinned_before_global",
		.about	= "an earlier pinned timer on the armed CPU must not clear its wake-up",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(1, ADD(5)), ON(1, IDLE), ON(0, IDLE),
		},
		.script	= {
			[0] = { { ADD_PINNED(2) }, { TICK } },
			[1] = { { ADD(4) }, { ADVANCE_TO(2) } },
		},
	},
	{
		.name	= "pinned_before_global_idle",
		.about	= "a pinned timer comes first: the global one behind it is not left to others",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.script	= {
			[0] = { { ADD_PINNED(2) }, { ADD(3) }, { IDLE }, { TICK } },
			[1] = { { ADVANCE_TO(3) }, { TICK }, { IDLE } },
		},
	},
	{
		.name	= "tick_missed",
		.about	= "the migrator comes by long after the expiry of several events",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(1)), ON(0, IDLE), ON(1, ADD(2)), ON(1, IDLE), ON(3, ADD(3)),
			ON(3, IDLE), ON(2, ADVANCE_TO(9)),
		},
		.script	= {
			[0] = { { WAKE } },
			[1] = { { ADD(4) } },
			[2] = { { TICK } },
		},
	},
	{
		.name	= "tick_missed_one_pull",
		.about	= "one tick is enough for all events that are due",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(3)), ON(0, IDLE), ON(1, ADD(4)), ON(1, IDLE), ON(3, ADD(5)),
			ON(3, IDLE),
		},
		.script	= {
			[0] = { { ADD(2) } },
			[2] = { { ADVANCE_TO(9) } },
		},
	},
	{
		.name	= "callback_starts_again",
		.about	= "a callback that runs on another CPU starts its timer again",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADD(2), REARM(2)), ON(0, IDLE), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { ADD(3) } },
			[1] = { { IDLE } },
			[2] = { { TICK }, { IDLE } },
		},
	},
	{
		.name	= "callback_wakes_owner",
		.about	= "a callback wakes the timer's owner, which goes idle last",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2), WAKES), ON(0, IDLE), ON(2, ADD(3)), ON(2, IDLE),
			ON(1, ADVANCE_TO(2)), ON(1, IDLE),
		},
		.script	= {
			[0] = { { ADD(4) } },
			[1] = { { TICK }, { TICK } },
			[2] = { { TICK } },
		},
	},
	{
		.name	= "woken_is_relied_on",
		.about	= "the armed CPU's pull wakes another, which is to see to what comes next",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2), WAKES), ON(0, IDLE), ON(1, ADD(5)), ON(1, IDLE),
			ON(2, IDLE), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { TICK }, { TICK } },
			[1] = { { ADD(3) } },
			[2] = { { TICK } },
		},
	},
	{
		.name	= "woken_goes_idle_before",
		.about	= "the same, and it wakes and goes idle by itself meanwhile",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2), WAKES), ON(0, IDLE), ON(1, ADD(5)), ON(1, IDLE),
			ON(2, IDLE), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { WAKE }, { IDLE }, { TICK } },
			[2] = { { TICK } },
		},
	},
	{
		.name	= "woken_beside_last_idle",
		.about	= "the same, and a third CPU comes and goes idle last",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2), WAKES), ON(0, ADD(5)), ON(0, IDLE), ON(1, IDLE),
			ON(2, IDLE), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { TICK } },
			[1] = { { WAKE }, { ADD(4) }, { IDLE } },
			[2] = { { TICK } },
		},
	},
	{
		.name	= "woken_three_levels",
		.about	= "the same through three levels",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADD(2), WAKES), ON(0, IDLE), ON(1, ADD(5)), ON(1, IDLE),
			ON(2, IDLE), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { TICK } },
			[1] = { { ADD(4) } },
			[2] = { { TICK } },
		},
	},
	{
		.name	= "woken_leaves",
		.about	= "the woken CPU leaves instead of looking after the others",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2), WAKES), ON(0, IDLE), ON(1, ADD(5)), ON(1, IDLE),
			ON(2, IDLE), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { LEAVE }, { TICK } },
			[2] = { { TICK }, { TICK } },
		},
	},
	{
		.name	= "woken_leaves_in_idle",
		.about	= "the same with its tick stopped all the time",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.tick_stopped = 1,
		.setup	= {
			ON(0, ADD(2), WAKES), ON(0, IDLE), ON(1, ADD(5)), ON(1, IDLE),
			ON(2, IDLE), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { LEAVE }, { TICK } },
			[2] = { { TICK }, { TICK } },
		},
	},
	{
		.name	= "woken_beside_leaving",
		.about	= "a CPU leaves, and the one that has yet to wake takes over",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2), WAKES), ON(0, IDLE), ON(1, ADD(5)), ON(1, IDLE),
			ON(2, IDLE), ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { TICK } },
			[1] = { { WAKE }, { LEAVE } },
			[2] = { { TICK } },
		},
	},
	{
		.name	= "woken_below_new_root",
		.about	= "the root gets a parent while the woken CPU is relied on",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2), WAKES), ON(0, ADD(5)), ON(0, IDLE), ON(1, IDLE),
			ON(1, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { TICK } },
			[1] = { { TICK } },
			[2] = { { ATTACH(2) } },
		},
	},
	{
		.name	= "keeper_pulls_last_idle",
		.about	= "the armed CPU pulls while the last active one goes idle and may rely on it",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(1, ADD(2)), ON(1, ADD(6)), ON(1, IDLE), ON(0, IDLE),
			ON(0, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { TICK } },
			[1] = { { WAKE }, { ADD(4) }, { IDLE } },
		},
	},
	{
		.name	= "keeper_pulls_three_levels",
		.about	= "the same through three levels",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(1, ADD(5)), ON(1, IDLE), ON(2, ADD(2)), ON(2, IDLE),
			ON(0, ADVANCE_TO(2)), ON(0, IDLE),
		},
		.script	= {
			[0] = { { TICK } },
			[1] = { { WAKE }, { IDLE } },
			[2] = { { ADD(3) } },
		},
	},
	{
		.name	= "keeper_wakes",
		.about	= "the armed CPU becomes active while another goes idle and relies on it",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(2, ADD(5)), ON(2, IDLE), ON(1, ADD(6)), ON(1, IDLE), ON(0, IDLE),
		},
		.script	= {
			[0] = { { WAKE }, { IDLE } },
			[1] = { { WAKE }, { IDLE } },
			[2] = { { ADD(3) } },
		},
	},
	{
		.name	= "keeper_wakes_three_levels",
		.about	= "the same through three levels",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(2, ADD(5)), ON(2, IDLE), ON(3, IDLE), ON(1, IDLE), ON(0, IDLE),
		},
		.script	= {
			[0] = { { WAKE } },
			[1] = { { WAKE }, { IDLE } },
			[3] = { { ADD(3) } },
		},
	},
	{
		.name	= "keeper_retakes_new_root",
		.about	= "the root grows while the armed CPU takes its duty again",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(1, ADD(2)), ON(1, ADD(5)), ON(1, IDLE), ON(0, ADVANCE_TO(2)),
			ON(0, IDLE),
		},
		.script	= {
			[0] = { { TICK } },
			[1] = { { ADD(3) } },
			[2] = { { ATTACH(2) } },
		},
	},
	{
		.name	= "keeper_retakes_new_root_levels",
		.about	= "the same with more levels, the new CPU goes idle last",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(1, ADD(2)), ON(1, ADD(5)), ON(1, IDLE), ON(0, ADVANCE_TO(2)),
			ON(0, IDLE),
		},
		.script	= {
			[0] = { { TICK } },
			[1] = { { ADD(3) } },
			[2] = { { ATTACH(2) }, { JOIN }, { IDLE } },
		},
	},
	{
		.name	= "keeper_two_events",
		.about	= "two CPUs are armed one after the other, both interrupts come",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(2, ADD(4)), ON(2, IDLE), ON(1, ADD(3)), ON(1, IDLE),
			ON(0, ADVANCE_TO(2)), ON(0, IDLE),
		},
		.script	= {
			[0] = { { TICK }, { TICK } },
			[1] = { { ADD(1) }, { TICK } },
			[2] = { { ADVANCE_TO(4) }, { TICK } },
		},
	},
	{
		.name	= "keeper_relieved_is_gone",
		.about	= "a keeper and the one that it relieved wake, and others go idle last",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(2, ADD(5)), ON(2, IDLE), ON(1, IDLE), ON(0, IDLE), ON(1, ADD(3)),
		},
		.script	= {
			[0] = { { WAKE }, { IDLE } },
			[1] = { { WAKE }, { DEL }, { IDLE } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "predict_idle_wake",
		.about	= "CPUs that wake for themselves: idle, wake, and change their minds",
		.cpus	= 3,
		.arm	= TMIGR_ARM_PREDICT,
		.script	= {
			[0] = { { ADD(3) }, { IDLE }, { WAKE } },
			[1] = { { IDLE }, { WAKE }, { IDLE } },
			[2] = { { ADD(2) }, { IDLE } },
		},
	},
	{
		.name	= "predict_ticks",
		.about	= "the same, expiring timers",
		.cpus	= 2,
		.arm	= TMIGR_ARM_PREDICT,
		.script	= {
			[0] = { { ADD(2) }, { IDLE }, { TICK }, { TICK } },
			[1] = { { ADD(3) }, { IDLE }, { ADVANCE_TO(3) }, { TICK } },
		},
	},
	{
		.name	= "predict_busy",
		.about	= "a CPU that wakes in a busy system leaves its timers to others",
		.cpus	= 3,
		.arm	= TMIGR_ARM_PREDICT,
		.setup	= {
			ON(0, IDLE), ON(0, WAKE), ON(0, IDLE), ON(0, WAKE), ON(0, IDLE),
			ON(1, IDLE), ON(1, WAKE), ON(1, IDLE), ON(2, ADD(2)),
			ON(2, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { WAKE }, { ADD(4) }, { IDLE } },
			[1] = { { WAKE }, { ADD(3) }, { IDLE } },
			[2] = { { TICK }, { IDLE } },
		},
	},
	{
		.name	= "switched_off_on",
		.about	= "migration is switched off and on again while CPUs go idle",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.script	= {
			[0] = { { ADD(3) }, { IDLE }, { ADD(2) } },
			[1] = { { SET_ARM(0, SELF) }, { SET_ARM(2, OTHERS) }, { IDLE } },
			[2] = { { ADD(4) }, { IDLE } },
		},
	},
	{
		.name	= "all_three",
		.about	= "three CPUs go idle, wake and go idle with timers",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.script	= {
			[0] = { { ADD(2) }, { IDLE }, { WAKE } },
			[1] = { { IDLE }, { WAKE }, { IDLE } },
			[2] = { { ADD(3) }, { IDLE } },
		},
	},
	{
		.name	= "all_three_levels",
		.about	= "the same on three levels",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.script	= {
			[0] = { { ADD(2) }, { IDLE }, { WAKE } },
			[1] = { { IDLE }, { WAKE } },
			[2] = { { ADD(3) }, { IDLE } },
		},
	},
	{
		.name	= "all_four_levels",
		.about	= "four CPUs on three levels go idle and wake",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(1, ADD(3)), ON(1, IDLE), ON(3, IDLE),
		},
		.script	= {
			[0] = { { ADD(2) }, { IDLE } },
			[1] = { { WAKE } },
			[2] = { { IDLE } },
			[3] = { { WAKE } },
		},
	},
	{
		.name	= "all_four_idle",
		.about	= "four CPUs on three levels go idle at once, one with a timer",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.script	= {
			[0] = { { ADD(2) }, { IDLE } },
			[1] = { { IDLE } },
			[2] = { { IDLE } },
			[3] = { { IDLE } },
		},
	},
	{
		.name	= "all_pull",
		.about	= "two migrators in turn, ticks of everybody, time goes on",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(1, ADD(2)), ON(1, ADD(3)), ON(1, IDLE), ON(0, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { TICK }, { IDLE } },
			[1] = { { TICK } },
			[2] = { { ADVANCE_TO(3) }, { TICK }, { IDLE } },
		},
	},
	{
		.name	= "nest_migrator_idle",
		.about	= "a migrator goes idle in the middle of its pull",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.nest	= MC_NEST_IDLE,
		.setup	= {
			ON(0, ADD(2)), ON(0, ADD(4)), ON(0, IDLE), ON(2, ADD(3)), ON(2, IDLE),
			ON(1, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { ADD(3) } },
			[1] = { { TICK }, { WAKE }, { IDLE } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "nest_migrator_toggles",
		.about	= "a migrator goes idle and wakes in the middle of its pull",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.nest	= MC_NEST_TOGGLE,
		.setup	= {
			ON(0, ADD(2)), ON(0, ADD(4)), ON(0, IDLE), ON(2, ADD(2)), ON(2, IDLE),
			ON(1, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { ADD(3) } },
			[1] = { { TICK }, { WAKE }, { IDLE } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "nest_keeper_wakes",
		.about	= "the armed CPU leaves idle in the middle of its pull",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.nest	= MC_NEST_TOGGLE,
		.setup	= {
			ON(0, ADD(2)), ON(0, ADD(4)), ON(0, IDLE), ON(2, ADD(2)), ON(2, IDLE),
			ON(1, ADVANCE_TO(2)), ON(1, IDLE),
		},
		.script	= {
			[0] = { { ADD(3) } },
			[1] = { { TICK }, { WAKE }, { IDLE } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "nest_migrator_sleeps",
		.about	= "a migrator sleeps while it runs timers (PREEMPT_RT)",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.nest	= MC_NEST_SLEEP,
		.setup	= {
			ON(0, ADD(2)), ON(0, ADD(4)), ON(0, IDLE), ON(2, ADD(3)), ON(2, IDLE),
			ON(1, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { ADD(3) } },
			[1] = { { TICK }, { WAKE }, { IDLE } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "nest_keeper_leaves",
		.about	= "the armed CPU leaves in the middle of its pull (PREEMPT_RT)",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.nest	= MC_NEST_LEAVE,
		.setup	= {
			ON(0, ADD(2)), ON(0, ADD(4)), ON(0, IDLE), ON(2, ADD(3)), ON(2, IDLE),
			ON(1, ADVANCE_TO(2)), ON(1, IDLE),
		},
		.script	= {
			[0] = { { ADD(5) } },
			[1] = { { TICK }, { IDLE } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "nest_migrator_leaves",
		.about	= "a migrator leaves in the middle of its pull (PREEMPT_RT)",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.nest	= MC_NEST_LEAVE,
		.setup	= {
			ON(0, ADD(2)), ON(0, ADD(4)), ON(0, IDLE), ON(2, ADD(2)), ON(2, IDLE),
			ON(1, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { ADD(3) } },
			[1] = { { TICK }, { JOIN }, { IDLE } },
			[2] = { { WAKE } },
		},
	},
	{
		.name	= "switched_off_while_pulled",
		.about	= "an idle CPU looks after its timers itself while somebody runs them",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2)), ON(0, ADD(5)), ON(0, IDLE), ON(1, ADVANCE_TO(2)),
		},
		.script	= {
			[0] = { { SET_ARM(0, SELF) }, { ADD(6) }, { WAKE }, { IDLE } },
			[1] = { { TICK }, { IDLE } },
		},
	},
	{
		.name	= "switched_off_while_pulled_rearms",
		.about	= "the same, the timer starts again before what the CPU is armed for",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, ADD(2), REARM(2), STAYS), ON(0, ADD(5)), ON(0, IDLE),
			ON(1, ADVANCE_TO(2)), ON(2, IDLE),
		},
		.script	= {
			[0] = { { SET_ARM(0, SELF) }, { ADD(6) } },
			[1] = { { TICK }, { IDLE } },
		},
	},
	{
		.name	= "h18_leaves_with_tick_stopped",
		.about	= "a CPU leaves while its tick is stopped",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.tick_stopped = 1,
		.setup	= {
			ON(0, ADD(3)), ON(1, ADD(2)), ON(1, IDLE), ON(2, IDLE), ON(0, IDLE),
		},
		.script	= {
			[0] = { { LEAVE } },
			[1] = { { ADD(1) } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "h18_returns_with_tick_stopped",
		.about	= "the same through three levels, and it joins again",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.tick_stopped = 1,
		.setup	= {
			ON(0, ADD(3)), ON(1, ADD(5)), ON(1, IDLE), ON(2, IDLE), ON(0, IDLE),
		},
		.script	= {
			[0] = { { LEAVE }, { JOIN }, { WAKE } },
			[1] = { { ADD(4) } },
			[2] = { { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "h18_joins_with_tick_stopped",
		.about	= "a CPU joins while its tick is stopped",
		.cpus	= 2,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(0, LEAVE), ON(0, ADD(9)), ON(0, IDLE),
		},
		.script	= {
			[0] = { { JOIN }, { ADD(3) } },
			[1] = { { IDLE } },
		},
	},
	{
		.name	= "arm_changes_while_armed",
		.about	= "a keeper, and CPUs that are pulled, are told to wake for themselves",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(1, ADD(3)), ON(1, IDLE), ON(2, ADD(2)), ON(2, IDLE), ON(0, IDLE),
		},
		.script	= {
			[0] = { { SET_ARM(1, SELF) }, { SET_ARM(2, SELF) }, { TICK },
				{ SET_ARM(1, OTHERS) } },
			[1] = { { ADD(5) }, { DEL }, { TICK } },
			[2] = { { ADVANCE_TO(2) }, { TICK } },
		},
	},
	{
		.name	= "keeper_relieved_again",
		.about	= "a relieved keeper wakes and is keeper anew while others come and go",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.setup	= {
			ON(2, ADD(6)), ON(2, IDLE), ON(1, IDLE), ON(0, IDLE), ON(1, ADD(4)),
		},
		.script	= {
			[0] = { { WAKE }, { ADD(5) }, { IDLE } },
			[1] = { { WAKE }, { IDLE }, { ADD(3) } },
			[2] = { { ADD(2) }, { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "stuck_migrator",
		.about	= "the root is the business of a CPU that does not run; its sibling helps",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.stuck	= 1,
		.setup	= {
			ON(3, IDLE), ON(2, ADD(2)),
		},
		.script	= {
			[1] = { { TICK } },
			[2] = { { IDLE } },
			[3] = { { ADD(4) } },
		},
	},
	{
		.name	= "big_idle_wake",
		.about	= "three CPUs go idle and wake again and again, with timers",
		.preemptions = 2,
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		.script	= {
			[0] = { { ADD(2) }, { IDLE }, { WAKE }, { IDLE } },
			[1] = { { IDLE }, { WAKE }, { ADD(3) }, { IDLE }, { ADD(1) } },
			[2] = { { IDLE }, { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "big_idle_wake_levels",
		.about	= "the same on three levels",
		.preemptions = 2,
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.script	= {
			[0] = { { ADD(2) }, { IDLE }, { WAKE }, { IDLE } },
			[1] = { { IDLE }, { WAKE }, { IDLE } },
			[2] = { { IDLE }, { WAKE }, { ADD(3) }, { IDLE } },
		},
	},
	{
		.name	= "big_four",
		.about	= "four CPUs on two levels",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		.script	= {
			[0] = { { ADD(2) }, { IDLE } },
			[1] = { { IDLE }, { WAKE } },
			[2] = { { ADD(3) }, { IDLE } },
			[3] = { { IDLE } },
		},
	},
	{
		.name	= "big_four_levels",
		.about	= "four CPUs on three levels",
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(1, ADD(4)), ON(1, IDLE), ON(3, IDLE),
		},
		.script	= {
			[0] = { { ADD(2) }, { IDLE } },
			[1] = { { WAKE }, { IDLE } },
			[2] = { { ADD(3) }, { IDLE } },
			[3] = { { WAKE } },
		},
	},
	{
		.name	= "big_pull",
		.about	= "the armed CPU and a migrator pull while CPUs come and go",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.preemptions = 2,
		.setup	= {
			ON(2, ADD(2)), ON(2, ADD(3)), ON(2, IDLE), ON(1, ADD(2)), ON(1, IDLE),
			ON(0, ADVANCE_TO(3)), ON(0, IDLE),
		},
		.script	= {
			[0] = { { TICK }, { TICK } },
			[1] = { { WAKE }, { TICK }, { IDLE } },
			[2] = { { ADD(2) }, { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "big_pull_four",
		.about	= "two CPUs pull for two others, which have more",
		.preemptions = 2,
		.cpus	= 4,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(1, ADD(3)), ON(1, IDLE), ON(2, ADD(2)), ON(2, IDLE),
			ON(0, ADVANCE_TO(3)),
		},
		.script	= {
			[0] = { { TICK }, { IDLE } },
			[1] = { { ADD(2) } },
			[2] = { { ADD(3) } },
			[3] = { { TICK }, { IDLE } },
		},
	},
	{
		.name	= "big_predict",
		.about	= "CPUs that wake for themselves or not, time goes on",
		.cpus	= 3,
		.arm	= TMIGR_ARM_PREDICT,
		.setup	= {
			ON(1, ADD(3)), ON(0, IDLE), ON(0, WAKE),
		},
		.script	= {
			[0] = { { ADD(2) }, { IDLE }, { TICK }, { WAKE } },
			[1] = { { IDLE }, { WAKE }, { IDLE } },
			[2] = { { ADVANCE_TO(2) }, { TICK }, { IDLE } },
		},
	},
	{
		.name	= "big_leave_join",
		.about	= "CPUs leave and join while others go idle",
		.cpus	= 3,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.setup	= {
			ON(0, ADD(3)), ON(2, ADD(2)),
		},
		.script	= {
			[0] = { { LEAVE }, { JOIN }, { IDLE } },
			[1] = { { LEAVE }, { IDLE } },
			[2] = { { IDLE }, { WAKE }, { IDLE } },
		},
	},
	{
		.name	= "big_grow",
		.about	= "the hierarchy grows under three CPUs that go idle and wake",
		.cpus	= 2,
		.later	= 1,
		.arm	= TMIGR_ARM_OTHERS,
		THREE_LEVELS,
		.script	= {
			[0] = { { ADD(2) }, { IDLE }, { WAKE }, { IDLE } },
			[1] = { { ATTACH(2) }, { IDLE } },
			[2] = { { JOIN }, { ADD(3) }, { IDLE }, { WAKE } },
		},
	},
#endif
};

const unsigned int mc_nr_scenarios = sizeof(mc_scenarios) / sizeof(mc_scenarios[0]);
