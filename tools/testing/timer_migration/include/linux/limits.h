/* SPDX-License-Identifier: GPL-2.0-only */
#include_next <linux/limits.h>
#include <limits.h>
#include "../tmt_shim.h"
