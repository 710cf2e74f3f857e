/* SPDX-License-Identifier: GPL-2.0-only */
/* All is in rbtree_shim.h */
