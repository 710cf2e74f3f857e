/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The simulator's hooks: one CPU runs at a time and is never switched, so all
 * there is to do is to count. Plain accesses are counted by __tsan_*() in
 * account.c.
 */
#ifndef TMT_PLATFORM_H
#define TMT_PLATFORM_H

#include "account.h"

#define tmt_before(addr, size, kind) do {			\
	if ((kind) == TMT_RMW)					\
		account_update(addr);				\
} while (0)
#define tmt_after(addr, size, value)	do { } while (0)
#define tmt_fence()			do { } while (0)

#define TMT_LOCK_TYPE			int
#define TMT_LOCK_INIT(lock)		(*(lock) = 0)
#define tmt_lock(lock)			account_lock(lock)
#define tmt_unlock(lock)		account_unlock(lock)
#define tmt_warn(text, file, line)	account_warn(text, file, line)

#endif
