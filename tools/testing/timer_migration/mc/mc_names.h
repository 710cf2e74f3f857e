/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included by the compiler's command line before the core: the name of the
 * function that uses an atomic, which the helper itself cannot know, and
 * assertions about locks, which the shims leave out.
 */
#ifndef MC_NAMES_H
#define MC_NAMES_H

#include "tmt_shim.h"

/* Who calls one of the helpers of linux/atomic.h; NULL otherwise */
extern const char *mc_caller;

#define mc_named(call)			({ mc_caller = __func__; call; })

#define atomic_long_set(v, i)		mc_named(atomic_long_set(v, i))
#define atomic_long_read(v)		mc_named(atomic_long_read(v))
#define atomic_long_read_acquire(v)	mc_named(atomic_long_read_acquire(v))
#define atomic_long_cmpxchg(v, o, n)	mc_named(atomic_long_cmpxchg(v, o, n))
#define atomic_long_try_cmpxchg(v, o, n) mc_named(atomic_long_try_cmpxchg(v, o, n))

#undef lockdep_assert_held
#define lockdep_assert_held(lock)	mc_assert_held(lock, __func__)

#endif
