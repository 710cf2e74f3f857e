/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the shims call for every access that another CPU can observe
 *
 * One virtual CPU runs at a time, so accesses are plain; tmt_before() and
 * tmt_lock() are where the scheduler may choose another CPU. Sequential
 * consistency only: a fence does nothing.
 */
#ifndef MC_TMT_PLATFORM_H
#define MC_TMT_PLATFORM_H

#define TMT_LOCK_TYPE			int
#define TMT_LOCK_INIT(lock)		(*(lock) = 0)

void mc_before(const volatile void *addr, enum tmt_kind kind, const char *func);
void mc_after(const volatile void *addr, unsigned int size, u64 value, enum tmt_kind kind);
void mc_lock(int *lock, const char *func);
void mc_unlock(int *lock);
void mc_assert_held(const int *lock, const char *func);
void mc_warn(const char *text, const char *file, int line);

/* The access which mc_before() announced; there is one at a time */
extern enum tmt_kind mc_kind;

#define tmt_before(addr, size, kind)	mc_before(addr, mc_kind = (kind), __func__)
#define tmt_after(addr, size, value)	mc_after(addr, size, value, mc_kind)
#define tmt_fence()			((void)0)
#define tmt_lock(lock)			mc_lock(lock, __func__)
#define tmt_unlock(lock)		mc_unlock(lock)
#define tmt_warn(text, file, line)	mc_warn(text, file, line)

#endif
