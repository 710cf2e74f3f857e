/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Timer migration: what the timer wheel calls
 *
 * TIMER_MIGRATION_PULL has the entries in timer_migration.c, which documents
 * them, TIMER_MIGRATION_RBTREE in timer_migration_rbtree.c. Without a hierarchy of
 * CPUs, each CPU looks after what is queued on it.
 */
#ifndef _KERNEL_TIME_TIMER_MIGRATION_H
#define _KERNEL_TIME_TIMER_MIGRATION_H

#include <linux/types.h>

#if defined(CONFIG_TIMER_MIGRATION_PULL)

void tmigr_handle_remote(void);
bool tmigr_requires_handle_remote(void);
void tmigr_cpu_activate(void);
void tmigr_cpu_stay_active(void);
u64 tmigr_cpu_deactivate(u64 nextexp);
u64 tmigr_cpu_new_timer(u64 nextexp);
u64 tmigr_quick_check(u64 nextexp);
void tmigr_set_enabled(bool enabled);

#elif defined(CONFIG_TIMER_MIGRATION_RBTREE)

#include "timer_migration_rbtree.h"

static inline void tmigr_cpu_stay_active(void) { tmigr_cpu_activate(); }
static inline void tmigr_set_enabled(bool enabled) { }

#else

static inline void tmigr_handle_remote(void) { }
static inline bool tmigr_requires_handle_remote(void) { return false; }
static inline void tmigr_cpu_activate(void) { }
static inline void tmigr_cpu_stay_active(void) { }
static inline void tmigr_set_enabled(bool enabled) { }

#endif

#endif
