/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the core's shared accesses are done under real threads: C11 atomics (the
 * shim's, with TMT_REAL_ATOMICS) and mutexes, which ThreadSanitizer understands.
 */
#ifndef TMT_PLATFORM_H
#define TMT_PLATFORM_H

#include <pthread.h>

/*
 * Now and then give the processor away before an access: on a machine with few
 * processors most of the races would never be met otherwise.
 */
void stress_perturb(enum tmt_kind kind);
void stress_warn(const char *text, const char *file, int line);

static inline void tmt_before(const void *addr, size_t size, enum tmt_kind kind)
{
	stress_perturb(kind);
}

static inline void tmt_after(const void *addr, size_t size, u64 value)
{
}

/*
 * ThreadSanitizer does not see fences (hence -Wno-tsan): they order the accesses
 * of the running program, but do not count as synchronisation when it looks for
 * data races. For the core that is the stricter reading and no loss: its fences
 * order atomic accesses only, plain data is always passed on by a lock or by a
 * release with its acquire. Whether the fences are the right ones is shown by
 * the litmus tests.
 */
#define tmt_fence()			__atomic_thread_fence(__ATOMIC_SEQ_CST)

#define TMT_LOCK_TYPE			pthread_mutex_t
#define TMT_LOCK_INIT(lock)		pthread_mutex_init(lock, NULL)
#define tmt_lock(lock)			({ stress_perturb(TMT_READ); pthread_mutex_lock(lock); })
#define tmt_unlock(lock)		pthread_mutex_unlock(lock)

#define tmt_warn(text, file, line)	stress_warn(text, file, line)

#endif
