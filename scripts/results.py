#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Turn the console logs of a test run into one verdict.

usage: results.py [--expected FILE] [--record] TREE DIR
       results.py --console LOG	only look for complaints on one console

DIR is what scripts/run-tests left: "planned" names the guests, one a line, and
each has a NAME.log and a NAME.status. NAME is VARIANT--kunit or
VARIANT--kselftest--PROGRAM; PROGRAM can have a label, PROGRAM@LABEL, when it runs
in several ways.

Every guest is judged three times: did it end by itself with the status that
its tests imply, did every planned test report, and is the console free of
complaints. What the unmodified base does under the same configuration is in
FILE: a test that fails there as well is named as such and counted as skipped,
anything else that fails is a failure, and so is a test that passes on the base
and is skipped or lacking here. --record writes FILE from this run instead.

Exit status: 0 all well, 1 failures, 2 cannot judge.
"""

import argparse
import pathlib
import re
import sys

PASS, FAIL, SKIP = "pass", "fail", "skip"

TOP = pathlib.Path(__file__).resolve().parent.parent


class Results:
    """What the guests reported: (variant, test) -> (status, remark)."""

    def __init__(self):
        self.tests = {}

    def add(self, variant, test, status, remark=""):
        old = self.tests.get((variant, test))
        # A name that reports twice keeps its worst result.
        if old is None or (old[0] != FAIL and status == FAIL):
            self.tests[(variant, test)] = (status, remark)


def console_lines(log):
    return log.read_text(errors="replace").replace("\r", "").split("\n")


# --- KUnit: the kernel's own parser reads it -------------------------------

def read_kunit(lines, tree, variant, results):
    sys.path.insert(0, str(tree / "tools/testing/kunit"))
    import kunit_parser
    from kunit_printer import Printer

    class Complaints(Printer):
        """Collects what the parser would print about a broken log."""
        def __init__(self):
            super().__init__(print=False)
            self.errors = []

        def print_with_timestamp(self, message):
            if "[ERROR]" in message:
                self.errors.append(message.split("[ERROR]", 1)[1].strip())

    complaints = Complaints()
    run = kunit_parser.parse_run_tests(lines, complaints)
    status = {
        kunit_parser.TestStatus.SUCCESS: PASS,
        kunit_parser.TestStatus.SKIPPED: SKIP,
    }

    def walk(test, path):
        """Add the cases below TEST; tell whether one of them failed."""
        name = f"{path}/{test.name.strip()}"
        result = status.get(test.status, FAIL)
        if not test.subtests:
            results.add(variant, name, result, test.skip_reason)
            return result == FAIL
        failed = [sub for sub in test.subtests if walk(sub, name)]
        if result == FAIL and not failed:
            # The suite's own init or exit, or a parameterised parent
            results.add(variant, name, FAIL, "failed although all of its cases passed")
        return result == FAIL or bool(failed)

    for suite in run.subtests:
        walk(suite, "kunit")
    for number, error in enumerate(complaints.errors, 1):
        results.add(variant, f"kunit/log-{number}", FAIL, error)


# --- kselftest: TAP whose nested lines are prefixed with "# " --------------

TOP_PLAN = re.compile(r"^1\.\.(\d+)")
TOP_RESULT = re.compile(r"^(ok|not ok) \d+ selftests: \w+: (\S+)(.*)$")
SUB_PLAN = re.compile(r"^#\s+1\.\.(\d+)")
SUB_RESULT = re.compile(r"^#\s+(ok|not ok) (\d+)(?: -)? ?([^#]*)(#.*)?$")


def kselftest_status(word, rest):
    if "# SKIP" in (rest or ""):
        return SKIP
    return PASS if word == "ok" else FAIL


def sub_name(number, text):
    """Names must not carry what differs from run to run, nor the kernel's
    messages, which can end up on the same line of the console."""
    text = re.sub(r"\[ *\d+\.\d+\].*", "", text)
    text = re.sub(r"\s*[-+]?\d+(\.\d+)?\s*(ns|us|ms|s|ppm)?\b", " N", text.strip())
    text = re.sub(r"\s+", " ", text)[:60].strip()
    return f"{number} {text}".strip()


def read_kselftest(lines, wanted, variant, results):
    # What the guest calls PROGRAM may be PROGRAM@LABEL here.
    named = {name.partition("@")[0]: name for name in wanted}
    plan = None
    reported = []
    plans, subs = [], []
    for line in lines:
        if match := TOP_PLAN.match(line):
            plan = int(match[1])
        elif match := SUB_PLAN.match(line):
            plans.append([int(match[1]), 0])
        elif match := SUB_RESULT.match(line):
            subs.append((match[2], match[3], kselftest_status(match[1], match[4])))
            if plans:
                plans[-1][1] += 1
        elif match := TOP_RESULT.match(line):
            program = named.get(match[2], match[2])
            path = f"kselftest/{program}"
            reported.append(program)
            status = kselftest_status(match[1], match[3])
            # A program can run others, so there can be several plans.
            broken = [p for p in plans if p[1] < p[0] and status != SKIP]
            if broken:
                results.add(variant, path, FAIL,
                            f"{broken[0][0]} tests planned, {broken[0][1]} reported")
            else:
                results.add(variant, path, status, match[3].strip(" #"))
            for number, text, sub_status in subs:
                results.add(variant, f"{path}/{sub_name(number, text)}", sub_status)
            plans, subs = [], []

    for program in wanted:
        if program not in reported:
            results.add(variant, f"kselftest/{program}", FAIL, "never reported")
    if plan is not None and plan != len(reported):
        results.add(variant, f"kselftest/{'+'.join(wanted)}/plan", FAIL,
                    f"{plan} programs planned, {len(reported)} reported")


# --- The console -----------------------------------------------------------

COMPLAINT = re.compile(
    r"WARNING:|BUG:|kernel BUG at|\bINFO: .*(stall|blocked for|lockdep|suspicious)|"
    r"Kernel panic|Oops|general protection|KASAN|KCSAN|UBSAN|ODEBUG|"
    r"soft lockup|hard LOCKUP|possible (recursive|circular|irq)|"
    r"inconsistent lock state|Invalid wait context|"
    r"scheduling while atomic|sleeping function called|"
    r"rcu.*detected stall|hung_task|unable to handle|Segmentation fault")


def allowed_lines():
    """Patterns of lines that may appear, each with its reason, from a file."""
    allowed = []
    for line in (TOP / "tests/console-allowed").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern, _, _reason = line.partition("\t")
            allowed.append(re.compile(pattern))
    return allowed


def scan_console(name, lines, allowed, variant, results):
    bad = [line for line in lines if COMPLAINT.search(line)
           and not any(a.search(line) for a in allowed)]
    for line in bad[:5]:
        text = re.sub(r"^\[ *[\d.]+\]\s*(\[ *T?\d+\]\s*)?", "", line)
        # The complaint is part of the name, so that a known one hides no other,
        # without what differs from run to run.
        kind = re.sub(r"(0x)?\b[0-9a-f]{6,}\b|\+0x[0-9a-f]+/0x[0-9a-f]+|\d+", "N", text)
        results.add(variant, f"console/{name}: {kind[:70].strip()}", FAIL, text[:110])


# --- All logs --------------------------------------------------------------

def guest_complaint(status, variant, programs, results):
    """What is wrong with how a guest ended, beyond what its tests say."""
    known = {"0": None, "124": "the guest hung", "125": "the guest panicked",
             "missing": "no status"}
    if status in known:
        return known[status]
    explained = any(results.tests.get((variant, f"kselftest/{program}"), (PASS,))[0] == FAIL
                    for program in programs)
    return None if explained else f"the job ended with status {status}, no test failed"


def read_logs(directory, tree):
    results = Results()
    allowed = allowed_lines()
    planned = directory / "planned"
    if not planned.exists():
        sys.exit(f"timers-next: error: no test run in {directory}")
    for guest in sorted(planned.read_text().split()):
        log = directory / f"{guest}.log"
        variant, kind, *programs = guest.split("--")
        lines = console_lines(log) if log.exists() else []
        if kind == "kunit":
            read_kunit(lines, tree, variant, results)
        elif kind == "kselftest":
            read_kselftest(lines, programs, variant, results)
        name = "--".join([kind, *programs])
        scan_console(name, lines, allowed, variant, results)

        status_file = log.with_suffix(".status")
        status = status_file.read_text().strip() if status_file.exists() else "missing"
        if complaint := guest_complaint(status, variant, programs, results):
            results.add(variant, f"guest/{name}", FAIL, complaint)
    return results


def read_expected(path):
    expected = {}
    if path and path.exists():
        for line in path.read_text().splitlines():
            if line and not line.startswith("#"):
                status, _, test = line.partition("\t")
                expected[test] = status
    return expected


def record(path, results):
    old = read_expected(path)
    broken = [f"{test}: {remark}" for (_, test), (status, remark) in results.tests.items()
              if status == FAIL and (test.startswith(("guest/", "console/"))
                                     or remark == "never reported")
              and old.get(test) != "flaky"]
    if broken:
        sys.exit("timers-next: error: not recorded, the run itself is broken: "
                 + "; ".join(broken[:5]))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as out:
        out.write("# What the unmodified base does under this configuration.\n"
                  "# Written by \"make record\"; a status of \"flaky\" is set by hand.\n")
        # What was set by hand stays, also when it did not show up this time
        flaky = {(None, test): ("flaky", "") for test, status in old.items()
                 if status == "flaky" and test not in {t for _, t in results.tests}}
        everything = sorted({**results.tests, **flaky}.items(), key=lambda item: item[0][1])
        for (_, test), (status, _) in everything:
            out.write(f"{'flaky' if old.get(test) == 'flaky' else status}\t{test}\n")


def group_of(test):
    """What a guest runs: all of KUnit, or one kselftest program."""
    parts = test.split("/")
    return parts[0] if parts[0] == "kunit" else "/".join(parts[:2])


def judge(results, expected):
    """Print what needs reading, return the counts."""
    passed = failed = skipped = 0
    for (variant, test), (status, remark) in sorted(results.tests.items()):
        was = expected.get(test)
        note = f"{remark}" if remark else ""
        if status == PASS:
            passed += 1
        elif status == SKIP and was != PASS:
            skipped += 1
            print(f"  skip  {variant:4} {test}  {note}")
        elif was in (FAIL, "flaky"):
            skipped += 1
            print(f"  known {variant:4} {test}  fails on the unmodified base too  {note}")
        else:
            failed += 1
            if status == SKIP:
                note = f"skipped, passes on the unmodified base  {note}"
            print(f"  FAIL  {variant:4} {test}  {note}")

    # What the base reports must be reported here, by each variant that ran
    # the same kind of test.
    ran = {(variant, group_of(test)) for variant, test in results.tests}
    for test, was in sorted(expected.items()):
        group = group_of(test)
        for variant in sorted({v for v, g in ran if g == group}):
            if (variant, test) not in results.tests and was == PASS \
               and not test.startswith(("console/", "guest/")):
                failed += 1
                print(f"  FAIL  {variant:4} {test}  never reported, passes on the unmodified base")
    return passed, failed, skipped


def judge_console(log):
    """The complaints on one console, for jobs that are not tests."""
    results = Results()
    scan_console(log.stem, console_lines(log), allowed_lines(), "", results)
    for _status, remark in results.tests.values():
        print(f"  {log}: {remark}")
    return 1 if results.tests else 0


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--console", type=pathlib.Path)
    parser.add_argument("--expected", type=pathlib.Path)
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--counts", type=pathlib.Path)
    parser.add_argument("tree", type=pathlib.Path, nargs="?")
    parser.add_argument("dir", type=pathlib.Path, nargs="?")
    args = parser.parse_args()

    if args.console:
        return judge_console(args.console)
    if not args.dir:
        parser.error("TREE and DIR are needed")

    results = read_logs(args.dir, args.tree)
    if args.record:
        record(args.expected, results)
        return 0
    passed, failed, skipped = judge(results, read_expected(args.expected))
    if args.counts:
        args.counts.write_text(f"{passed} {failed} {skipped}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
