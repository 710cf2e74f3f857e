/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the base kernel's timer_migration_rbtree.c, rbtree.c and timerqueue.c use, in
 * addition to tmt_shim.h. Included before all of their own includes.
 */
#ifndef SIM_RBTREE_SHIM_H
#define SIM_RBTREE_SHIM_H

#include <stdio.h>
#include <stdlib.h>

#include "tmt_shim.h"
#include "account.h"
#include "engine.h"

#define CONFIG_SMP		1
#define CONFIG_NO_HZ_COMMON	1
#define CONFIG_64BIT		1

/* 1 for a macro that is defined as 1, 0 for one that is not defined */
#define SHIM_SECOND(a, b, ...)	b
#define SHIM_PLACE_1		0, 1
#define SHIM_SELECT(place)	SHIM_SECOND(place, 0, 0)
#define SHIM_PASTE(value)	SHIM_SELECT(SHIM_PLACE_##value)
#define IS_ENABLED(option)	SHIM_PASTE(option)

#define __init
#define __read_mostly
#define __percpu
#define __packed		__attribute__((__packed__))
#define __cleanup(fn)		__attribute__((__cleanup__(fn)))
#define __maybe_unused		__attribute__((__unused__))
#define __rcu
#define likely(x)		(x)
#define unlikely(x)		(x)
#define EXPORT_SYMBOL(x)	extern int shim_exported
#define EXPORT_SYMBOL_GPL(x)	extern int shim_exported
#define WARN_ON(cond)		WARN_ON_ONCE(cond)
#define WARN_ONCE(cond, text)	WARN_ON_ONCE(cond)
#define pr_info(...)		do { } while (0)
#define pr_err(...)		fprintf(stderr, __VA_ARGS__)
#define BUILD_BUG_ON_NOT_POWER_OF_2(n)	_Static_assert(((n) & ((n) - 1)) == 0, #n)
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define ilog2(n)		(63 - __builtin_clzl(n))
#define order_base_2(n)		((n) > 1 ? ilog2((n) - 1) + 1 : 0)
#define min_t(type, a, b)	({ type __a = (a); type __b = (b); __a < __b ? __a : __b; })

#ifndef container_of
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#endif

typedef s64 ktime_t;

#define ERR_PTR(error)		((void *)(long)(error))
#define PTR_ERR(ptr)		((long)(ptr))
#define IS_ERR(ptr)		((unsigned long)(ptr) >= (unsigned long)-4095)

/* --- Memory ------------------------------------------------------------------ */

#define GFP_KERNEL		0
#define kzalloc_node(size, gfp, node)	account_alloc(size, ACCOUNT_GROUP)
#define kzalloc(size, gfp)		calloc(1, size)
#define kzalloc_objs(obj, nr)		calloc(nr, sizeof(obj))
#define kzalloc_flex(obj, member, nr)	calloc(1, sizeof(obj) + (nr) * sizeof(*(obj).member))
#define kfree(ptr)			free(ptr)

/* --- Per-CPU data: one cache line aligned copy per CPU ----------------------- */

extern char __start_sim_percpu[], __stop_sim_percpu[];
extern char *shim_percpu;

static inline size_t shim_percpu_stride(void)
{
	return (__stop_sim_percpu - __start_sim_percpu + 63) & ~63UL;
}

#define DEFINE_PER_CPU(type, name) \
	type name __attribute__((section("sim_percpu")))
#define per_cpu_ptr(ptr, cpu) \
	((typeof(ptr))(shim_percpu + (cpu) * shim_percpu_stride() + \
		       ((char *)(ptr) - __start_sim_percpu)))
#define this_cpu_ptr(ptr)	per_cpu_ptr(ptr, smp_processor_id())
#define __this_cpu_read(var)	(*this_cpu_ptr(&(var)))
#define alloc_percpu(type)	((type *)NULL)

/* --- CPUs and nodes ---------------------------------------------------------- */

#define NR_CPUS			8192
#define nr_cpu_ids		NR_CPUS

extern struct topology shim_topology;
extern unsigned int shim_cpu;

#define smp_processor_id()	shim_cpu
#define num_possible_cpus()	(shim_topology.nr_cpus)
#define num_possible_nodes()	(shim_topology.nr_nodes)
#define cpu_to_node(cpu)	((int)((cpu) / (shim_topology.nr_cpus / shim_topology.nr_nodes)))

struct cpumask { unsigned long bits[NR_CPUS / 64]; };
typedef struct cpumask cpumask_var_t[1];

extern struct cpumask cpu_online_mask[1], cpu_possible_mask[1];

#define CPUMASK_VAR_NULL		{ }
#define cpumask_size()			sizeof(struct cpumask)
#define zalloc_cpumask_var(mask, gfp)	(memset(mask, 0, sizeof(*(mask))), true)
#define alloc_cpumask_var(mask, gfp)	true

static inline void cpumask_set_cpu(unsigned int cpu, struct cpumask *mask)
{
	mask->bits[cpu / 64] |= 1UL << (cpu % 64);
}

static inline void cpumask_clear_cpu(unsigned int cpu, struct cpumask *mask)
{
	mask->bits[cpu / 64] &= ~(1UL << (cpu % 64));
}

static inline bool cpumask_test_cpu(unsigned int cpu, const struct cpumask *mask)
{
	return mask->bits[cpu / 64] >> (cpu % 64) & 1;
}

static inline unsigned int cpumask_next(unsigned int cpu, const struct cpumask *mask)
{
	while (cpu < NR_CPUS && !cpumask_test_cpu(cpu, mask))
		cpu++;
	return cpu;
}

#define for_each_cpu(cpu, mask) \
	for ((cpu) = cpumask_next(0, mask); (cpu) < NR_CPUS; (cpu) = cpumask_next((cpu) + 1, mask))

static inline unsigned int cpumask_first_and(const struct cpumask *a, const struct cpumask *b)
{
	unsigned int cpu = 0;

	while (cpu < NR_CPUS && !(cpumask_test_cpu(cpu, a) && cpumask_test_cpu(cpu, b)))
		cpu++;
	return cpu;
}

#define cpumask_any_and(a, b)	cpumask_first_and(a, b)

static inline void cpumask_and(struct cpumask *to, const struct cpumask *a,
			       const struct cpumask *b)
{
	unsigned int i;

	for (i = 0; i < NR_CPUS / 64; i++)
		to->bits[i] = a->bits[i] & b->bits[i];
}

static inline void cpumask_andnot(struct cpumask *to, const struct cpumask *a,
				  const struct cpumask *b)
{
	unsigned int i;

	for (i = 0; i < NR_CPUS / 64; i++)
		to->bits[i] = a->bits[i] & ~b->bits[i];
}

static inline unsigned long find_first_bit(const unsigned long *bits, unsigned long size)
{
	return *bits ? (unsigned long)__builtin_ctzl(*bits) : size;
}

static inline unsigned int bitmap_weight(const unsigned long *bits, unsigned int nr)
{
	return __builtin_popcountl(*bits);
}

/* --- Lists ------------------------------------------------------------------- */

struct list_head { struct list_head *next, *prev; };

#define LIST_HEAD(name)		struct list_head name = { &(name), &(name) }
#define list_first_entry(head, type, member)	container_of((head)->next, type, member)
#define list_for_each_entry(pos, head, member)					\
	for (pos = container_of((head)->next, typeof(*pos), member);		\
	     &pos->member != (head);						\
	     pos = container_of(pos->member.next, typeof(*pos), member))

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline void list_add(struct list_head *new, struct list_head *head)
{
	new->next = head->next;
	new->prev = head;
	head->next->prev = new;
	head->next = new;
}

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	list_add(new, head->prev);
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

static inline bool list_is_singular(const struct list_head *head)
{
	return head->next != head && head->next == head->prev;
}

/* --- Atomics and locks -------------------------------------------------------- */

typedef struct { int counter; } atomic_t;

#define atomic_set(v, i)		WRITE_ONCE((v)->counter, i)
#define atomic_read(v)			READ_ONCE((v)->counter)
#define atomic_read_acquire(v)		smp_load_acquire(&(v)->counter)
#define atomic_fetch_or(i, v)		READ_ONCE((v)->counter)
#define smp_mb__after_atomic()		do { } while (0)

static inline bool shim_try_cmpxchg(atomic_t *v, int *old, int new)
{
	int was;

	tmt_before(&v->counter, sizeof(int), TMT_RMW);
	was = v->counter;
	if (was != *old) {
		*old = was;
		return false;
	}
	v->counter = new;
	return true;
}

#define atomic_try_cmpxchg(v, old, new)	shim_try_cmpxchg(v, (int *)(old), new)

#define local_irq_disable()		do { } while (0)
#define local_irq_enable()		do { } while (0)
#define raw_spin_lock_nested(l, class)	raw_spin_lock(l)
#define raw_spin_lock_irq(l)		raw_spin_lock(l)
#define raw_spin_unlock_irq(l)		raw_spin_unlock(l)

struct mutex { int unused; };
#define DEFINE_MUTEX(name)		struct mutex name

struct shim_guard { raw_spinlock_t *lock; };

static inline struct shim_guard shim_guard_none(void *unused)
{
	return (struct shim_guard) { };
}

static inline struct shim_guard shim_guard_lock(raw_spinlock_t *lock)
{
	raw_spin_lock(lock);
	return (struct shim_guard) { lock };
}

static inline void shim_guard_exit(struct shim_guard *guard)
{
	if (guard->lock)
		raw_spin_unlock(guard->lock);
}

#define shim_enter_mutex(lock)		shim_guard_none(lock)
#define shim_enter_cpus_read_lock()	shim_guard_none(NULL)
#define shim_enter_migrate()		shim_guard_none(NULL)
#define shim_enter_raw_spinlock_irq(l)	shim_guard_lock(l)

#define SHIM_JOIN(a, b)			a##b
#define SHIM_NAME(a, b)			SHIM_JOIN(a, b)
#define guard(kind)							\
	__maybe_unused struct shim_guard SHIM_NAME(guard_, __COUNTER__)	\
		__cleanup(shim_guard_exit) = shim_enter_##kind
#define scoped_guard(kind, args)					\
	for (struct shim_guard scope __cleanup(shim_guard_exit) =	\
		shim_enter_##kind(args), *done = NULL; !done; done = (void *)1)

static inline void shim_free_percpu(void *p)
{
}

static inline void shim_free_cpumask_var(void *p)
{
}

#define __free(kind)			__cleanup(shim_##kind)

/* --- Static keys, work, isolation: never used, but compiled ------------------- */

struct static_key { bool on; };
#define DEFINE_STATIC_KEY_FALSE(name)	struct static_key name
#define static_branch_unlikely(key)	((key)->on)
#define static_branch_enable(key)	((key)->on = true)

struct work_struct { int unused; };
#define INIT_WORK(work, fn)		((void)(work), (void)(fn))
#define schedule_work_on(cpu, work)	((void)(work))
#define flush_work(work)		((void)(work))

enum { HK_TYPE_DOMAIN, HK_TYPE_KERNEL_NOISE };
#define housekeeping_cpu(cpu, type)	true
#define housekeeping_enabled(type)	false
#define housekeeping_cpumask(type)	cpu_possible_mask
#define tick_nohz_cpu_hotpluggable(cpu)	true
#define tick_nohz_full_enabled()	false
#define SCHED_CAPACITY_SCALE		1024
#define arch_scale_cpu_capacity(cpu)	SCHED_CAPACITY_SCALE

long work_on_cpu(unsigned int cpu, long (*fn)(void *arg), void *arg);

/* --- Hotplug: the callbacks are kept for the adapter -------------------------- */

enum { CPUHP_TMIGR_PREPARE, CPUHP_AP_TMIGR_ONLINE, SHIM_NR_STATES };

int cpuhp_setup_state(int state, const char *name, int (*up)(unsigned int cpu),
		      int (*down)(unsigned int cpu));

#define early_initcall(fn)	int shim_early_initcall(void) { return fn(); }
#define late_initcall(fn)	int shim_late_initcall(void) { return fn(); }

int shim_early_initcall(void);
int shim_late_initcall(void);

/* --- Timers and ticks --------------------------------------------------------- */

struct timer_events {
	u64	local;
	u64	global;
};

struct cpumask;

void timer_expire_remote(unsigned int cpu);
void fetch_next_timer_interrupt_remote(unsigned long basej, u64 basem,
				       struct timer_events *tevt, unsigned int cpu);
#define timer_lock_remote_bases(cpu)	((void)(cpu))
#define timer_unlock_remote_bases(cpu)	((void)(cpu))
#define timer_base_is_idle()		false
#define get_jiffies_update(basej)	sim_jiffies_update(basej)
int tmigr_isolated_exclude_cpumask(struct cpumask *exclude_cpumask);

/* --- Tracepoints --------------------------------------------------------------- */

#define trace_tmigr_group_set(...)			do { } while (0)
#define trace_tmigr_connect_child_parent(...)		do { } while (0)
#define trace_tmigr_connect_cpu_parent(...)		do { } while (0)
#define trace_tmigr_group_set_cpu_active(...)		do { } while (0)
#define trace_tmigr_group_set_cpu_inactive(...)		do { } while (0)
#define trace_tmigr_cpu_new_timer(...)			do { } while (0)
#define trace_tmigr_cpu_new_timer_idle(...)		do { } while (0)
#define trace_tmigr_cpu_active(...)			do { } while (0)
#define trace_tmigr_cpu_idle(...)			do { } while (0)
#define trace_tmigr_cpu_available(...)			do { } while (0)
#define trace_tmigr_cpu_unavailable(...)		do { } while (0)
#define trace_tmigr_handle_remote_cpu(...)		do { } while (0)
#define trace_tmigr_handle_remote(...)			do { } while (0)
#define trace_tmigr_update_events(...)			do { } while (0)

#endif
