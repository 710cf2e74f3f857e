#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Make a copy of the core with something changed.

usage: edit.py list mutants|variants
       edit.py make NAME CORE OUT

mutants.py breaks the core, variants.py changes a decision in it. An edit
replaces text that must be there exactly once: when the core has moved on, it
says so instead of testing something else.
"""
import pathlib
import shutil
import sys

import mutants
import variants

FILES = ("tmigr_core.h", "tmigr_core.c", "tmigr_topology.c")
KINDS = {"mutants": mutants.MUTANTS, "variants": variants.VARIANTS}


def fail(message):
    print(f"edit.py: {message}", file=sys.stderr)
    sys.exit(2)


def find(name):
    for edits in KINDS.values():
        for edit in edits:
            if edit["name"] == name:
                return edit
    fail(f"there is no mutant or variant {name}: 'edit.py list mutants' names them")


def make(name, core, out):
    edit = find(name)
    out.mkdir(parents=True, exist_ok=True)
    for file in FILES:
        shutil.copy(core / file, out / file)
    for old, new in edit["edits"]:
        hits = [f for f in FILES if old in (out / f).read_text()]
        text = (out / hits[0]).read_text() if len(hits) == 1 else ""
        if text.count(old) != 1:
            fail(f"{name}: this text is not in the core exactly once:\n{old}")
        (out / hits[0]).write_text(text.replace(old, new))


def main(argv):
    if len(argv) == 3 and argv[1] == "list" and argv[2] in KINDS:
        for edit in KINDS[argv[2]]:
            print(edit["name"])
    elif len(argv) == 5 and argv[1] == "make":
        core = pathlib.Path(argv[3])
        if not (core / FILES[0]).exists():
            fail(f"{core} has no {FILES[0]}")
        make(argv[2], core, pathlib.Path(argv[4]))
    else:
        fail("usage: edit.py list mutants|variants, edit.py make NAME CORE OUT")


if __name__ == "__main__":
    main(sys.argv)
