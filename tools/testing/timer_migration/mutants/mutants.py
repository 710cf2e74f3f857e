# SPDX-License-Identifier: GPL-2.0-only
"""What the model checker must notice: the core, broken in one place each.

name		hNN-... re-introduces the hazard HNN; my-... is another mistake
"""

MUTANTS = [
    {
        "name": "h01-seq-not-bumped-when-active",
        "what": "an activation that finds its bit set leaves no trace",
        "edits": [("&old, tmigr_add_child(old, slot)))",
                   "&old,\n					tmigr_add_child(old, slot) - TMIGR_SEQ_ONE))")],
    },
    {
        "name": "h01-change-seen-from-earlier",
        "what": "what a walk has changed is judged by a state that was read before",
        "edits": [("		raw_spin_lock(&group->lock);\n\n		/* (G) First",
                   "		raw_spin_lock(&group->lock);\n\n		struct tmigr_state early = tmigr_group_state(group);\n\n"
                   "		/* (G) First"),
                  ("			tell |= goes_idle || change.before;\n",
                   "			tell |= early.active != 0;\n")],
    },
    {
        "name": "h02-state-read-before-lock",
        "what": "(G) a new timer looks at the group's state before it is entered",
        "edits": [("		raw_spin_lock(&group->lock);\n\n		/* (G) First",
                   "		struct tmigr_change early = tmigr_no_change(group);\n\n"
                   "		raw_spin_lock(&group->lock);\n\n		/* (G) First"),
                  ("			change = tmigr_no_change(group);\n",
                   "			change = early;\n")],
    },
    {
        "name": "h03-siblings-emptied",
        "what": "a pull empties the slot it goes down through, with it the siblings' events",
        "edits": [("	if (slot == TMIGR_FANOUT) {\n		tmigr_begin_change(group);\n",
                   "	if (slot < TMIGR_FANOUT && group->level)\n		group->exp[slot] = TMIGR_NO_EXP;\n"
                   "	{\n		tmigr_begin_change(group);\n")],
    },
    {
        "name": "h06-quick-check-of-root-only",
        "what": "the forecast is that of the highest level alone",
        "edits": [("		first = min(first, tmigr_first(group));\n		parent =",
                   "		first = tmigr_first(group);\n		parent =")],
    },
    {
        "name": "h07-no-event-no-update",
        "what": "a CPU that goes idle without a timer leaves its old one in the slot",
        "edits": [("tmigr_first(group) <= exp && shown == (u32)exp &&\n	       (shown != TMIGR_NO_EXP || exp == TMIGR_NEVER);",
                   "tmigr_first(group) <= exp && (exp == TMIGR_NEVER ||\n	       (shown == (u32)exp && shown != TMIGR_NO_EXP));")],
    },
    {
        "name": "h08-duty-kept-after-expiry",
        "what": "an idle CPU that has pulled stays armed for what it was armed for",
        "edits": [("		if (!tmc->available || tmigr_active(root))\n"
                   "			tmigr_set_duty(tmc, TMIGR_NEVER);\n		else\n",
                   "		if (!tmigr_active(root) && root->first != TMIGR_NEVER)\n")],
    },
    {
        "name": "h10-first-of-equal-expiries-only",
        "what": "of several CPUs that are due only the first one is pulled",
        "edits": [("	while (tmigr_first(group) <= now) {\n		due =",
                   "	if (tmigr_first(group) <= now) {\n		due =")],
    },
    {
        "name": "h12-new-root-inherits-nothing",
        "what": "events from before the new root are not entered there",
        "edits": [("		group->exp[child->slot] = tmigr_pack_exp(root->first);\n		group->first = root->first;\n", "")],
    },
    {
        "name": "h12-inherited-before-the-lock",
        "what": "(D) a new root inherits before the old one is locked",
        "edits": [("	raw_spin_lock(&root->lock);\n	tmigr_inherit(root, parent);\n",
                   "	tmigr_inherit(root, parent);\n	raw_spin_lock(&root->lock);\n")],
    },
    {
        "name": "h15-two-roots",
        "what": "the old root is not put under the new one",
        "edits": [("		tmigr_core_adopt(plan.adopt, adopter);\n", "		(void)adopter;\n")],
    },
    {
        "name": "h16-validity-of-another-instant",
        "what": "whether an event is valid is taken from before the walk's own change",
        "edits": [("			counts = goes_idle || !tmigr_cpu_active(tmc);",
                   "			counts = !tmigr_cpu_active(tmc);")],
    },
    {
        "name": "h19-old-root-not-active-in-new",
        "what": "a new root learns of the old one's events, not that it is active",
        "edits": [("	tmigr_tell_activity(root);\n\n", "	(void)tmigr_tell_activity;\n\n")],
    },
    {
        "name": "h20-own-timers-not-pulled",
        "what": "an idle CPU does not run its own timers when jiffies have advanced",
        "edits": [("	if (READ_ONCE(tmc->available) && !tmigr_cpu_active(tmc))\n		tmigr_host_expire",
                   "	if (READ_ONCE(tmc->available) && !tmigr_cpu_active(tmc) && !tmc->keeping)\n		tmigr_host_expire")],
    },
    {
        "name": "my-child-read-before-group",
        "what": "(A) in the wrong order: the child's state first, then the group's",
        "edits": [("		old = atomic_long_read_acquire(&group->state);	/* (A) */\n",
                   "		bool busy = tmigr_active(child);\n\n"
                   "		old = atomic_long_read_acquire(&group->state);	/* (A) */\n"),
                  ("		new = tmigr_active(child) ? tmigr_add_child",
                   "		new = busy ? tmigr_add_child")],
    },
    {
        "name": "my-migrator-not-handed-over",
        "what": "a migrator that goes idle leaves the others without one",
        "edits": [("tmigr_set_migrator(word, word & TMIGR_ACTIVE_MASK ?\n						__ffs(word) : TMIGR_NONE);",
                   "tmigr_set_migrator(word, TMIGR_NONE);")],
    },
    {
        "name": "my-changes-not-looked-at",
        "what": "(G) who goes idle does not care whether something was changed meanwhile",
        "edits": [("			if (READ_ONCE(group->changes) != changes)	/* (G) */\n				break;\n", "")],
    },
    {
        "name": "my-changes-of-leaf-not-looked-at",
        "what": "(G) the same in the leaf",
        "edits": [("	if (unlikely(READ_ONCE(leaf->changes) != changes))	/* (G) */\n"
                   "		return tmigr_enter_own(tmc, leaf, NULL, true);\n", "")],
    },
    {
        "name": "my-change-under-way-not-seen",
        "what": "(G) who goes idle begins while something is being changed",
        "edits": [("	return !(changes % 2) && tmigr_first(group)", "	return tmigr_first(group)")],
    },
    {
        "name": "my-change-announced-late",
        "what": "(G) that something is going to be entered is said after it was read",
        "edits": [("			exp = tmigr_first(child);			/* (F) */\n			counts = !tmigr_active(child);\n",
                   "			exp = tmigr_first(child);			/* (F) */\n			counts = !tmigr_active(child);\n			tmigr_begin_change(group);\n"),
                  ("		tmigr_begin_change(group);\n		if (child) {\n", "		if (!child)\n			tmigr_begin_change(group);\n		if (child) {\n")],
    },
    {
        "name": "my-pull-changes-silently",
        "what": "(G) who pulls computes the first event anew and does not say so",
        "edits": [("		tmigr_begin_change(group);\n		tmigr_update_first(group, TMIGR_NONE, near);\n		tmigr_end_change(group);\n",
                   "		tmigr_update_first(group, TMIGR_NONE, near);\n")],
    },
    {
        "name": "my-first-not-compared",
        "what": "who goes idle does not look whether its event is among those of the group",
        "edits": [("!(changes % 2) && tmigr_first(group) <= exp && shown", "!(changes % 2) && shown")],
    },
    {
        "name": "my-activity-not-told",
        "what": "who goes idle and finds its group active again does not tell those above",
        "edits": [("		if (change.after && !parent)\n			return TMIGR_NEVER;\n",
                   "		if (change.after)\n			return TMIGR_NEVER;\n")],
    },
    {
        "name": "my-activity-forgotten",
        "what": "the same, when it has to go on with the lock",
        "edits": [("		if (change.before || !change.after) {\n			if (READ_ONCE(group->changes) != changes)	/* (G) */\n				break;\n",
                   "		if (READ_ONCE(group->changes) != changes)\n			break;\n		if (change.before || !change.after) {\n")],
    },
    {
        "name": "my-first-not-updated",
        "what": "an event is entered, the group's first one stays",
        "edits": [("		WRITE_ONCE(group->first, tmigr_slot_exp(group, slot, exp));\n		return true;",
                   "		return true;")],
    },
    {
        "name": "my-first-of-others-lost",
        "what": "an event that is entered is the first one, even if another comes before it",
        "edits": [("	if (counts && exp < first) {",
                   "	if (counts && exp != TMIGR_NEVER) {")],
    },
    {
        "name": "my-active-children-counted",
        "what": "expiries of active children count, and are found again and again",
        "edits": [("		if (!(skipped & BIT(i)))\n			first = min",
                   "		if (skipped || !skipped)\n			first = min")],
    },
    {
        "name": "my-wrong-slot",
        "what": "a group's expiry is entered in the neighbouring slot of its parent",
        "edits": [("	WRITE_ONCE(group->exp[slot], new);",
                   "	WRITE_ONCE(group->exp[group->level ? slot ^ 1 : slot], new);")],
    },
    {
        "name": "my-value-carried-along",
        "what": "(F) a child's first expiry is read before its parent is locked",
        "edits": [("		raw_spin_lock(&group->lock);\n\n		/* (G) First",
                   "		u64 early = child ? tmigr_first(child) : 0;\n\n"
                   "		raw_spin_lock(&group->lock);\n\n		/* (G) First"),
                  ("			exp = tmigr_first(child);			/* (F) */\n", "			exp = early;\n")],
    },
    {
        "name": "my-walk-ends-at-idle-group",
        "what": "that a group has become idle is not told to its parent",
        "edits": [("			tell |= goes_idle || change.before;\n", "")],
    },
    {
        "name": "my-last-one-stops-below-root",
        "what": "a CPU that goes idle stops where somebody else has told it all",
        "edits": [("			tell |= goes_idle || change.before;\n",
                   "			tell |= change.before != 0;\n")],
    },
    {
        "name": "my-activation-stays-in-leaf",
        "what": "an active leaf is not made active in its parent",
        "edits": [("	while (tmigr_set_active(group, slot)) {\n",
                   "	if (tmigr_set_active(group, slot)) {\n"),
                  ("			return true;\n		slot = group->slot;\n		group = parent;\n	}\n\n	return false;",
                   "			return true;\n	}\n\n	return false;")],
    },
    {
        "name": "my-duty-dropped-too-late",
        "what": "(B) a keeper gives its duty up after it has become active",
        "edits": [("	tmc->idle = false;\n	tmigr_drop_duty(tmc);\n\n	while (tmigr_set_active(group, slot)) {\n",
                   "	tmc->idle = false;\n\n	while (tmigr_set_active(group, slot)) {\n		tmigr_drop_duty(tmc);\n")],
    },
    {
        "name": "my-duty-renewed-without-lock",
        "what": "a keeper that has pulled decides on the root's state before it has the lock",
        "edits": [("	raw_spin_lock_irqsave(&root->lock, flags);\n	parent = root->parent;\n	if (!parent) {\n"
                   "		root->woken = woken ?: root->woken;\n"
                   "		if (!tmc->available || tmigr_active(root))\n",
                   "	bool busy = tmigr_active(root);\n\n	raw_spin_lock_irqsave(&root->lock, flags);\n"
                   "	parent = root->parent;\n	if (!parent) {\n		root->woken = woken ?: root->woken;\n"
                   "		if (!tmc->available || busy)\n")],
    },
    {
        "name": "my-duty-kept-when-active",
        "what": "a keeper that becomes active is still counted on",
        "edits": [("	tmc->idle = false;\n	tmigr_drop_duty(tmc);\n", "	tmc->idle = false;\n")],
    },
    {
        "name": "my-duty-not-taken-again",
        "what": "a keeper that has pulled does not arm for what is next",
        "edits": [("			tmigr_set_duty(tmc, TMIGR_NEVER);\n		else\n			tmigr_take_duty(root, tmc);\n",
                   "			tmigr_set_duty(tmc, TMIGR_NEVER);\n		else\n			tmigr_set_duty(tmc, TMIGR_NEVER);\n")],
    },
    {
        "name": "my-duty-not-taken-in-grown-tree",
        "what": "a keeper ends its pull at the old root although there is a new one",
        "edits": [("	if (!parent) {\n		root->woken = woken ?: root->woken;\n"
                   "		if (!tmc->available || tmigr_active(root))\n"
                   "			tmigr_set_duty(tmc, TMIGR_NEVER);\n",
                   "	if (parent) {\n		tmigr_set_duty(tmc, TMIGR_NEVER);\n		parent = NULL;\n	} else {\n"
                   "		if (tmigr_active(root))\n			tmigr_set_duty(tmc, TMIGR_NEVER);\n")],
    },
    {
        "name": "my-later-keeper-covers",
        "what": "a keeper that sleeps longer is relied on for an earlier event",
        "edits": [("	return root->keeper && root->keeper_exp <= exp && READ_ONCE(root->keeper->keeping);",
                   "	return root->keeper && exp && READ_ONCE(root->keeper->keeping);")],
    },
    {
        "name": "my-active-keeper-covers",
        "what": "a keeper is relied on whether it still is one or not",
        "edits": [("	if (root->keeper && !READ_ONCE(root->keeper->keeping))\n		tmigr_forget_keeper(root, root->keeper);\n\n", ""),
                  ("	return root->keeper && root->keeper_exp <= exp && READ_ONCE(root->keeper->keeping);",
                   "	return root->keeper && root->keeper_exp <= exp;")],
    },
    {
        "name": "my-woken-believed",
        "what": "who was woken is relied on although it may be idle again",
        "edits": [("	if (READ_ONCE(woken->available) && tmigr_host_leaves_idle(woken->cpu))",
                   "	if (READ_ONCE(woken->available))")],
    },
    {
        "name": "my-woken-after-leaving",
        "what": "a woken CPU is relied on although it does not take part any more",
        "edits": [("	if (READ_ONCE(woken->available) && tmigr_host_leaves_idle(woken->cpu))",
                   "	if (tmigr_host_leaves_idle(woken->cpu))")],
    },
    {
        "name": "my-woken-before-the-lock",
        "what": "the keeper decides on whom it has woken before it has the root's lock",
        "edits": [("	raw_spin_lock_irqsave(&root->lock, flags);\n	parent = root->parent;\n	if (!parent) {",
                   "	bool covered = woken && woken->available && tmigr_host_leaves_idle(woken->cpu);\n\n"
                   "	raw_spin_lock_irqsave(&root->lock, flags);\n	parent = root->parent;\n	if (!parent && covered) {\n"
                   "		tmigr_set_duty(tmc, TMIGR_NEVER);\n	} else if (!parent) {")],
    },
    {
        "name": "my-relieved-keeper-unchecked",
        "what": "the keeper before is taken back without looking whether it still is one",
        "edits": [("	return root->keeper && root->keeper_exp <= exp && READ_ONCE(root->keeper->keeping);",
                   "	return root->keeper && root->keeper_exp <= exp;")],
    },
    {
        "name": "my-orphans-at-leave",
        "what": "the last CPU leaves and tells nobody what is pending",
        "edits": [("			orphaned = root->first;\n", "			orphaned = TMIGR_NEVER;\n")],
    },
    {
        "name": "my-leaves-with-its-event",
        "what": "a CPU that leaves stays in its slot",
        "edits": [("	tmc->idle = true;\n	tmc->exp = TMIGR_NEVER;\n\n	root =",
                   "	tmc->idle = true;\n\n	root =")],
    },
    {
        "name": "my-pull-clears-active-cpu",
        "what": "who pulls a CPU's timers takes it for idle when it has become active",
        "edits": [("	tmigr_refresh(tmc, tmc->leaf, NULL);\n	tmigr_host_unlock",
                   "	tmigr_clear_active_of(tmc);\n	tmigr_refresh(tmc, tmc->leaf, NULL);\n	tmigr_host_unlock"),
                  ("/* Run the timers of an idle CPU and enter what comes next */\n",
                   "static void tmigr_clear_active_of(struct tmigr_cpu *tmc)\n{\n"
                   "	raw_spin_lock(&tmc->leaf->lock);\n"
                   "	tmigr_clear_active(tmc->leaf, tmc->slot);\n"
                   "	raw_spin_unlock(&tmc->leaf->lock);\n}\n\n"
                   "/* Run the timers of an idle CPU and enter what comes next */\n")],
    },
    {
        "name": "my-parent-not-asked-under-lock",
        "what": "(D) a walk reads the parent before it has the lock",
        "edits": [("		raw_spin_lock(&group->lock);\n\n		/* (G) First",
                   "		parent = READ_ONCE(group->parent);\n"
                   "		raw_spin_lock(&group->lock);\n\n		/* (G) First"),
                  ("		parent = group->parent;				/* (D) */\n", "")],
    },
    {
        "name": "my-next-not-asked",
        "what": "a CPU whose timers were pulled has none any more",
        "edits": [("		next = tmigr_host_next(tmc->cpu, now);",
                   "		next = TMIGR_NEVER;")],
    },
    {
        "name": "my-pull-without-host-lock",
        "what": "an idle CPU's entry is updated while it goes idle with another timer",
        "edits": [("	tmigr_host_lock(tmc->cpu);\n	if (tmc->available",
                   "	if (tmc->available"),
                  ("	tmigr_refresh(tmc, tmc->leaf, NULL);\n	tmigr_host_unlock(tmc->cpu);",
                   "	tmigr_refresh(tmc, tmc->leaf, NULL);")],
    },
    {
        "name": "h18-join-takes-cpu-for-busy",
        "what": "a CPU that joins is taken for active although its tick is stopped",
        "edits": [("	if (!idle)\n		tmigr_activate(tmc);\n", "	tmigr_activate(tmc);\n	(void)idle;\n")],
    },
    {
        "name": "my-relieved-not-cleared",
        "what": "a keeper that is forgotten still names the one before",
        "edits": [("		keeper->relieved = NULL;\n	tmc->relieved = NULL;\n",
                   "		keeper->relieved = NULL;\n"),
                  ("	tmc->relieved = root->keeper;\n",
                   "	if (!tmc->relieved)\n		tmc->relieved = root->keeper;\n")],
    },
    {
        "name": "my-stuck-migrator-left-alone",
        "what": "nobody looks at what a migrator above the first level does not do",
        "edits": [("		if (!mine && !tmigr_looks_further(tmc, now))\n			return false;\n",
                   "		if (!mine)\n			return false;\n")],
    },
    {
        "name": "my-overdue-not-pulled",
        "what": "an overdue event of somebody else is seen, but not run",
        "edits": [("		if (mine || tmigr_overdue(group, now)) {\n", "		if (mine) {\n")],
    },
    {
        "name": "my-own-wakeup-entered",
        "what": "what a CPU armed for itself while its timers were run is entered as well",
        "edits": [("		tmc->exp = next < tmc->self_exp ? next : TMIGR_NEVER;\n",
                   "		tmc->exp = next;\n")],
    },
    {
        "name": "my-armed-cpu-not-entered",
        "what": "nothing is entered for a CPU that armed for itself, whatever was queued since",
        "edits": [("		tmc->exp = next < tmc->self_exp ? next : TMIGR_NEVER;\n",
                   "		if (tmc->self_exp != TMIGR_NEVER)\n			next = TMIGR_NEVER;\n"
                   "		tmc->exp = next;\n")],
    },
    {
        "name": "my-duty-renewed-after-leaving",
        "what": "a CPU that has left in the middle of its pull becomes the keeper",
        "edits": [("		if (!tmc->available || tmigr_active(root))\n",
                   "		if (tmigr_active(root))\n")],
    },
]
