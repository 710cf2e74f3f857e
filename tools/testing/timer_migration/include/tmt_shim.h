/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The little of the kernel that the timer migration core uses, in user space
 *
 * Every access that another CPU can observe goes through tmt_platform.h, of
 * which each harness has its own:
 *
 *	tmt_before(addr, size, kind)	before the access; may switch CPUs
 *	tmt_after(addr, size, value)	after it, with the value read (0 for locks)
 *	tmt_lock(lock), tmt_unlock(lock)
 *	TMT_LOCK_TYPE, TMT_LOCK_INIT	what a raw_spinlock_t is
 *	tmt_warn(text, file, line)
 *
 * With TMT_REAL_ATOMICS the accesses are C11 atomics for real threads, else
 * plain ones: then only one CPU runs at a time.
 */
#ifndef TMT_SHIM_H
#define TMT_SHIM_H

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#ifndef BITS_PER_LONG
#define BITS_PER_LONG		64
#endif

enum tmt_kind { TMT_READ, TMT_WRITE, TMT_RMW, TMT_FENCE };

#include "tmt_platform.h"

/* --- linux/bits.h, linux/kernel.h and the like ------------------------------ */

#define BIT(n)			(1UL << (n))
#define GENMASK(high, low)	((~0UL >> (63 - (high))) & (~0UL << (low)))
#define __ffs(word)		((unsigned int)__builtin_ctzl(word))
#define KTIME_MAX		((s64)~((u64)1 << 63))
#define NUMA_NO_NODE		(-1)
#define SMP_CACHE_BYTES		64
#define ____cacheline_aligned	__attribute__((__aligned__(SMP_CACHE_BYTES)))
#define noinline		__attribute__((__noinline__))
#define likely(cond)		__builtin_expect(!!(cond), 1)
#define unlikely(cond)		__builtin_expect(!!(cond), 0)

#define min(a, b)		({ __auto_type __a = (a); __auto_type __b = (b); \
				   __a < (typeof(__a))__b ? __a : (typeof(__a))__b; })
#define max(a, b)		({ __auto_type __a = (a); __auto_type __b = (b); \
				   __a > (typeof(__a))__b ? __a : (typeof(__a))__b; })
#define max_t(type, a, b)	({ type __a = (a); type __b = (b); __a > __b ? __a : __b; })

#define WARN_ON_ONCE(cond) ({							\
	bool __bad = (cond);							\
	if (__bad)								\
		tmt_warn(#cond, __FILE__, __LINE__);				\
	__bad; })
#define lockdep_assert_held(lock) do { } while (0)

/* --- Interrupts: no CPU of a harness is interrupted ------------------------- */

#define local_irq_save(flags)	((void)((flags) = 0))
#define local_irq_restore(flags) ((void)(flags))

/* --- Locks ------------------------------------------------------------------ */

typedef TMT_LOCK_TYPE raw_spinlock_t;

#define SINGLE_DEPTH_NESTING	1
#define raw_spin_lock_init(l)	TMT_LOCK_INIT(l)
#define raw_spin_lock(l)	tmt_lock(l)
#define raw_spin_unlock(l)	tmt_unlock(l)
#define raw_spin_lock_irqsave(l, flags)			({ (flags) = 0; tmt_lock(l); })
#define raw_spin_lock_irqsave_nested(l, flags, class)	({ (flags) = 0; tmt_lock(l); })
#define raw_spin_unlock_irqrestore(l, flags)		({ (void)(flags); tmt_unlock(l); })

/* --- Single accesses -------------------------------------------------------- */

#ifdef TMT_REAL_ATOMICS
#define tmt_load(p, order)	__atomic_load_n(p, order)
#define tmt_store(p, v, order)	__atomic_store_n(p, v, order)
#else
#define tmt_load(p, order)	(*(volatile typeof(*(p)) *)(p))
#define tmt_store(p, v, order)	((void)(*(volatile typeof(*(p)) *)(p) = (v)))
#endif

#define tmt_read(p, order) ({							\
	tmt_before(p, sizeof(*(p)), TMT_READ);					\
	__auto_type __v = tmt_load(p, order);					\
	tmt_after(p, sizeof(*(p)), (u64)__v);					\
	__v; })
#define tmt_write(p, v, order) ({						\
	tmt_before(p, sizeof(*(p)), TMT_WRITE);					\
	tmt_store(p, v, order);							\
	tmt_after(p, sizeof(*(p)), 0); })

#define READ_ONCE(x)			tmt_read(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)		tmt_write(&(x), v, __ATOMIC_RELAXED)
#define smp_load_acquire(p)		tmt_read(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)		tmt_write(p, v, __ATOMIC_RELEASE)
#define smp_mb()			({ tmt_before(NULL, 0, TMT_FENCE); tmt_fence(); })

/* --- linux/atomic.h --------------------------------------------------------- */

typedef struct { long counter; } atomic_long_t;

static inline void atomic_long_set(atomic_long_t *v, long i)
{
	WRITE_ONCE(v->counter, i);
}

static inline long atomic_long_read(const atomic_long_t *v)
{
	return READ_ONCE(v->counter);
}

static inline long atomic_long_read_acquire(const atomic_long_t *v)
{
	return smp_load_acquire(&v->counter);
}

static inline long atomic_long_cmpxchg(atomic_long_t *v, long old, long new)
{
	long was;

	tmt_before(&v->counter, sizeof(long), TMT_RMW);
#ifdef TMT_REAL_ATOMICS
	was = old;
	__atomic_compare_exchange_n(&v->counter, &was, new, false,
				    __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
#else
	was = v->counter;
	if (was == old)
		v->counter = new;
#endif
	tmt_after(&v->counter, sizeof(long), (u64)was);

	return was;
}

static inline bool atomic_long_try_cmpxchg(atomic_long_t *v, unsigned long *old, long new)
{
	long was = atomic_long_cmpxchg(v, *old, new);
	bool done = was == (long)*old;

	*old = was;

	return done;
}

#endif
