# SPDX-License-Identifier: GPL-2.0-only
"""Other decisions than the core's, for the simulator to compare."""

NOBODY_WAKES_ITSELF = (
    "	return tmc->score >= READ_ONCE(tmc->arm);",
    "	return false;")

NOBODY_IS_REMEMBERED = (
    "	return root->keeper && root->keeper_exp <= exp && READ_ONCE(root->keeper->keeping);",
    "	return false;")

NOBODY_IS_WOKEN = (
    "	if (READ_ONCE(woken->available) && tmigr_host_leaves_idle(woken->cpu))",
    "	if (0)")

VARIANTS = [
    {
        "name": "no-self",
        "what": "no CPU wakes for its own timer; the keeper is remembered",
        "edits": [NOBODY_WAKES_ITSELF],
    },
    {
        "name": "no-woken",
        "what": "the keeper arms for what is next although its pull has woken somebody",
        "edits": [NOBODY_IS_WOKEN],
    },
    {
        "name": "no-keeper",
        "what": "CPUs wake for their own timers as predicted; each one that goes idle last arms",
        "edits": [NOBODY_IS_REMEMBERED],
    },
    {
        "name": "no-self-no-keeper",
        "what": "each one that goes idle last arms for the first timer, as in the base",
        "edits": [NOBODY_WAKES_ITSELF, NOBODY_IS_REMEMBERED],
    },
    {
        "name": "always-self",
        "what": "every CPU wakes for its own timers whatever the others do",
        "edits": [("	return tmc->score >= READ_ONCE(tmc->arm);",
                   "	return true;")],
    },
    {
        "name": "score-2-of-3",
        "what": "the predictor changes its mind sooner",
        "edits": [("	TMIGR_ARM_PREDICT	= 4,", "	TMIGR_ARM_PREDICT	= 2,"),
                  ("#define TMIGR_SCORE_MAX		7", "#define TMIGR_SCORE_MAX		3")],
    },
    {
        "name": "score-8-of-15",
        "what": "the predictor changes its mind later",
        "edits": [("	TMIGR_ARM_PREDICT	= 4,\n	TMIGR_ARM_OTHERS	= 8,",
                   "	TMIGR_ARM_PREDICT	= 8,\n	TMIGR_ARM_OTHERS	= 16,"),
                  ("#define TMIGR_SCORE_MAX		7", "#define TMIGR_SCORE_MAX		15")],
    },
    {
        "name": "score-1-of-7",
        "what": "a CPU wakes for itself unless it has found others awake for long",
        "edits": [("	TMIGR_ARM_PREDICT	= 4,", "	TMIGR_ARM_PREDICT	= 1,")],
    },
    {
        "name": "one-keeper",
        "what": "a keeper that is relieved is forgotten",
        "edits": [("	tmc->relieved = root->keeper;\n", "	tmc->relieved = NULL;\n")],
    },
]
