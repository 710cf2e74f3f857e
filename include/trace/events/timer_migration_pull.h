/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of timer migration with TIMER_MIGRATION_PULL
 *
 * Names and formats are those of timer_migration.h, as far as they are about
 * the same things, for the sake of scripts that read them.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM timer_migration
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE timer_migration_pull

#if !defined(_TRACE_TIMER_MIGRATION_PULL_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_TIMER_MIGRATION_PULL_H

#include <linux/bits.h>
#include <linux/sched/topology.h>
#include <linux/tracepoint.h>

/* A group was made */
TRACE_EVENT(tmigr_group_set,

	TP_PROTO(struct tmigr_group *group),

	TP_ARGS(group),

	TP_STRUCT__entry(
		__field(void *,		group)
		__field(unsigned int,	lvl)
		__field(int,		numa_node)
	),

	TP_fast_assign(
		__entry->group		= group;
		__entry->lvl		= group->level;
		__entry->numa_node	= group->node;
	),

	TP_printk("group=%p lvl=%d numa=%d",
		  __entry->group, __entry->lvl, __entry->numa_node)
);

/* A group got its parent */
TRACE_EVENT(tmigr_connect_child_parent,

	TP_PROTO(struct tmigr_group *child),

	TP_ARGS(child),

	TP_STRUCT__entry(
		__field(void *,		child)
		__field(void *,		parent)
		__field(unsigned int,	lvl)
		__field(int,		numa_node)
		__field(unsigned int,	num_children)
		__field(u32,		groupmask)
	),

	TP_fast_assign(
		__entry->child		= child;
		__entry->parent		= child->parent;
		__entry->lvl		= child->parent->level;
		__entry->numa_node	= child->parent->node;
		__entry->num_children	= child->parent->nr_children;
		__entry->groupmask	= BIT(child->slot);
	),

	/* One hierarchy for CPUs of any capacity */
	TP_printk("group=%p groupmask=%0x parent=%p lvl=%d numa=%d capacity=%d num_children=%d",
		  __entry->child, __entry->groupmask, __entry->parent, __entry->lvl,
		  __entry->numa_node, (int)SCHED_CAPACITY_SCALE, __entry->num_children)
);

/* A CPU got its place */
TRACE_EVENT(tmigr_connect_cpu_parent,

	TP_PROTO(struct tmigr_cpu *tmc),

	TP_ARGS(tmc),

	TP_STRUCT__entry(
		__field(void *,		parent)
		__field(unsigned int,	cpu)
		__field(unsigned int,	lvl)
		__field(int,		numa_node)
		__field(unsigned int,	num_children)
		__field(u32,		groupmask)
	),

	TP_fast_assign(
		__entry->parent		= tmc->leaf;
		__entry->cpu		= tmc->cpu;
		__entry->lvl		= tmc->leaf->level;
		__entry->numa_node	= tmc->leaf->node;
		__entry->num_children	= tmc->leaf->nr_children;
		__entry->groupmask	= BIT(tmc->slot);
	),

	TP_printk("cpu=%d groupmask=%0x parent=%p lvl=%d numa=%d capacity=%d num_children=%d",
		  __entry->cpu, __entry->groupmask, __entry->parent, __entry->lvl,
		  __entry->numa_node, (int)SCHED_CAPACITY_SCALE, __entry->num_children)
);

/* What a CPU that has become active or idle has led to in the groups above it */
DECLARE_EVENT_CLASS(tmigr_group_and_cpu,

	TP_PROTO(struct tmigr_group *group, struct tmigr_state state, u32 childmask),

	TP_ARGS(group, state, childmask),

	TP_STRUCT__entry(
		__field(void *,		group)
		__field(void *,		parent)
		__field(unsigned int,	lvl)
		__field(int,		numa_node)
		__field(u32,		childmask)
		__field(u32,		active)
		__field(u32,		migrator)
	),

	/* As masks both; nobody is migrator: all bits */
	TP_fast_assign(
		__entry->group		= group;
		__entry->parent		= group->parent;
		__entry->lvl		= group->level;
		__entry->numa_node	= group->node;
		__entry->childmask	= childmask;
		__entry->active		= state.active;
		__entry->migrator	= state.migrator == TMIGR_NONE ?
					  0xff : BIT(state.migrator);
	),

	TP_printk("group=%p lvl=%d numa=%d active=%0x migrator=%0x parent=%p childmask=%0x",
		  __entry->group, __entry->lvl, __entry->numa_node,
		  __entry->active, __entry->migrator,
		  __entry->parent, __entry->childmask)
);

DEFINE_EVENT(tmigr_group_and_cpu, tmigr_group_set_cpu_inactive,

	TP_PROTO(struct tmigr_group *group, struct tmigr_state state, u32 childmask),

	TP_ARGS(group, state, childmask)
);

DEFINE_EVENT(tmigr_group_and_cpu, tmigr_group_set_cpu_active,

	TP_PROTO(struct tmigr_group *group, struct tmigr_state state, u32 childmask),

	TP_ARGS(group, state, childmask)
);

/* wakeup= is in ticks here */
DECLARE_EVENT_CLASS(tmigr_cpugroup,

	TP_PROTO(struct tmigr_cpu *tmc),

	TP_ARGS(tmc),

	TP_STRUCT__entry(
		__field(u64,		wakeup)
		__field(void *,		parent)
		__field(unsigned int,	cpu)
	),

	TP_fast_assign(
		__entry->wakeup		= tmc->wakeup;
		__entry->parent		= tmc->leaf;
		__entry->cpu		= tmc->cpu;
	),

	TP_printk("cpu=%d parent=%p wakeup=%llu", __entry->cpu, __entry->parent, __entry->wakeup)
);

DEFINE_EVENT(tmigr_cpugroup, tmigr_cpu_active,

	TP_PROTO(struct tmigr_cpu *tmc),

	TP_ARGS(tmc)
);

DEFINE_EVENT(tmigr_cpugroup, tmigr_cpu_available,

	TP_PROTO(struct tmigr_cpu *tmc),

	TP_ARGS(tmc)
);

DEFINE_EVENT(tmigr_cpugroup, tmigr_cpu_unavailable,

	TP_PROTO(struct tmigr_cpu *tmc),

	TP_ARGS(tmc)
);

/* This CPU runs the timers of another one, @tmc's */
DEFINE_EVENT(tmigr_cpugroup, tmigr_handle_remote_cpu,

	TP_PROTO(struct tmigr_cpu *tmc),

	TP_ARGS(tmc)
);

DECLARE_EVENT_CLASS(tmigr_idle,

	TP_PROTO(struct tmigr_cpu *tmc, u64 nextevt),

	TP_ARGS(tmc, nextevt),

	TP_STRUCT__entry(
		__field(u64,		nextevt)
		__field(u64,		wakeup)
		__field(void *,		parent)
		__field(unsigned int,	cpu)
	),

	TP_fast_assign(
		__entry->nextevt	= nextevt;
		__entry->wakeup		= tmc->wakeup;
		__entry->parent		= tmc->leaf;
		__entry->cpu		= tmc->cpu;
	),

	TP_printk("cpu=%d parent=%p nextevt=%llu wakeup=%llu",
		  __entry->cpu, __entry->parent, __entry->nextevt, __entry->wakeup)
);

DEFINE_EVENT(tmigr_idle, tmigr_cpu_idle,

	TP_PROTO(struct tmigr_cpu *tmc, u64 nextevt),

	TP_ARGS(tmc, nextevt)
);

DEFINE_EVENT(tmigr_idle, tmigr_cpu_new_timer_idle,

	TP_PROTO(struct tmigr_cpu *tmc, u64 nextevt),

	TP_ARGS(tmc, nextevt)
);

/* This CPU looks for due timers, from its group upwards */
TRACE_EVENT(tmigr_handle_remote,

	TP_PROTO(struct tmigr_group *group),

	TP_ARGS(group),

	TP_STRUCT__entry(
		__field(void *,		group)
		__field(unsigned int,	lvl)
	),

	TP_fast_assign(
		__entry->group	= group;
		__entry->lvl	= group->level;
	),

	TP_printk("group=%p lvl=%d",
		  __entry->group, __entry->lvl)
);

#endif /* _TRACE_TIMER_MIGRATION_PULL_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
