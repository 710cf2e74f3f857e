/* SPDX-License-Identifier: GPL-2.0-only */
/* One CPU, nothing to observe */
#ifndef TMT_PLATFORM_H
#define TMT_PLATFORM_H

#include <stdio.h>
#include <stdlib.h>

#define tmt_before(addr, size, kind)	((void)(addr))
#define tmt_after(addr, size, value)	((void)(value))
#define tmt_fence()			do { } while (0)

#define TMT_LOCK_TYPE			bool
#define TMT_LOCK_INIT(lock)		(*(lock) = false)

#define tmt_warn(text, file, line) ({						\
	fprintf(stderr, "%s:%d: warning: %s\n", file, line, text);		\
	exit(1); })

static inline void tmt_lock(bool *lock)
{
	if (*lock)
		tmt_warn("lock is held already", __FILE__, __LINE__);
	*lock = true;
}

static inline void tmt_unlock(bool *lock)
{
	*lock = false;
}

#endif
