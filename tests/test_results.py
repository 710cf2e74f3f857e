#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Does the judge of the test runs catch what it is there to catch?

Every case hands results.py a console log with one thing wrong and expects a
failure; the case beside it has nothing wrong and expects none.
"""

import contextlib
import io
import os
import pathlib
import sys
import tempfile
import unittest

TOP = pathlib.Path(__file__).resolve().parent.parent
TREE = pathlib.Path(os.environ.get("BUILD") or TOP / "build") / "v7.3/linux"
sys.path.insert(0, str(TOP / "scripts"))

import results  # noqa: E402	# found through the path above

KUNIT = """\
[    1.0] KTAP version 1
[    1.0] 1..1
[    1.0]     KTAP version 1
[    1.0]     # Subtest: time_test_cases
[    1.0]     # module: time_test
[    1.0]     1..2
[    1.0]     ok 1 first
[    1.0]     ok 2 second
[    1.0] ok 1 time_test_cases
timers-next: exit 0
"""

KSELFTEST = """\
TAP version 13
1..1
# timeout set to 0
# selftests: timers: posix_timers
# TAP version 13
# 1..2
# ok 1 check exact
# ok 2 ITIMER_PROF
ok 1 selftests: timers: posix_timers
timers-next: exit 0
"""


class Judge(unittest.TestCase):
    def judge(self, kind, log, status="0", expected=None):
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            (directory / "planned").write_text(f"on--{kind}\n")
            if log is not None:
                (directory / f"on--{kind}.log").write_text(log)
            if status is not None:
                (directory / f"on--{kind}.status").write_text(status)
            found = results.read_logs(directory, TREE)
            self.out = io.StringIO()
            with contextlib.redirect_stdout(self.out):
                return results.judge(found, expected or {})

    def kunit(self, log, **more):
        return self.judge("kunit", log, **more)

    def kselftest(self, log, **more):
        return self.judge("kselftest--posix_timers", log, **more)

    def assert_fails(self, counts, text):
        self.assertGreater(counts[1], 0)
        self.assertIn(text, self.out.getvalue())

    # KUnit

    def test_kunit_passes(self):
        self.assertEqual(self.kunit(KUNIT), (2, 0, 0))

    def test_kunit_failure(self):
        counts = self.kunit(KUNIT.replace("ok 2 second", "not ok 2 second"))
        self.assert_fails(counts, "kunit/time_test_cases/second")

    def test_kunit_case_that_never_reported(self):
        self.assert_fails(self.kunit(KUNIT.replace("[    1.0]     ok 2 second\n", "")), "missing")

    def test_kunit_log_that_ends_early(self):
        self.assertGreater(self.kunit(KUNIT.split("    ok 2")[0])[1], 0)

    def test_kunit_suite_that_fails_without_a_failing_case(self):
        counts = self.kunit(KUNIT.replace("] ok 1 time_test_cases", "] not ok 1 time_test_cases"))
        self.assert_fails(counts, "kunit/time_test_cases")

    def test_kunit_suite_that_only_the_base_has(self):
        counts = self.kunit(KUNIT, expected={"kunit/other_suite/case": "pass"})
        self.assert_fails(counts, "kunit/other_suite/case  never reported")

    def test_kunit_that_did_not_run(self):
        self.assert_fails(self.kunit("timers-next: exit 0\n"), "Could not find any KTAP output")

    # kselftest

    def test_kselftest_passes(self):
        self.assertEqual(self.kselftest(KSELFTEST), (3, 0, 0))

    def test_kselftest_with_a_label(self):
        log = KSELFTEST.replace("# ok 2", "# not ok 2")
        counts = self.judge("kselftest--posix_timers@label", log)
        self.assert_fails(counts, "posix_timers@label/2 ITIMER_PROF")
        self.assertEqual(self.judge("kselftest--posix_timers@label", KSELFTEST), (3, 0, 0))

    def test_kselftest_with_a_label_that_never_reported(self):
        log = KSELFTEST.replace("ok 1 selftests: timers: posix_timers\n", "")
        self.assert_fails(self.judge("kselftest--posix_timers@label", log), "never reported")

    def test_kselftest_failure_of_one_case(self):
        counts = self.kselftest(KSELFTEST.replace("# ok 2", "# not ok 2"))
        self.assert_fails(counts, "posix_timers/2 ITIMER_PROF")

    def test_kselftest_plan_is_checked(self):
        counts = self.kselftest(KSELFTEST.replace("# ok 2 ITIMER_PROF\n", ""))
        self.assert_fails(counts, "2 tests planned, 1 reported")

    def test_kselftest_program_that_never_reported(self):
        log = KSELFTEST.replace("ok 1 selftests: timers: posix_timers\n", "")
        self.assert_fails(self.kselftest(log), "never reported")

    def test_kernel_message_on_the_same_line_is_no_name(self):
        log = KSELFTEST.replace("# ok 2 ITIMER_PROF", "# ok 2 ITIMER_PROF [   2.5] clocksource: x")
        expected = {"kselftest/posix_timers/2 ITIMER_PROF": "pass"}
        self.assertEqual(self.kselftest(log, expected=expected), (3, 0, 0))

    def test_skip_is_no_pass(self):
        log = KSELFTEST.replace("# ok 2 ITIMER_PROF", "# ok 2 ITIMER_PROF # SKIP no reason")
        self.assertEqual(self.kselftest(log), (2, 0, 1))

    # The unmodified base as the measure

    def test_failure_that_the_base_has_too_is_known(self):
        expected = {"kselftest/posix_timers/2 ITIMER_PROF": "fail"}
        counts = self.kselftest(KSELFTEST.replace("# ok 2", "# not ok 2"), expected=expected)
        self.assertEqual(counts, (2, 0, 1))
        self.assertIn("fails on the unmodified base too", self.out.getvalue())

    def test_failure_that_the_base_does_not_have_is_new(self):
        expected = {"kselftest/posix_timers/2 ITIMER_PROF": "pass"}
        self.assertEqual(self.kselftest(KSELFTEST.replace("# ok 2", "# not ok 2"),
                                        expected=expected)[1], 1)

    def test_case_that_only_the_base_reports(self):
        expected = {"kselftest/posix_timers/3 check_rearm": "pass"}
        self.assert_fails(self.kselftest(KSELFTEST, expected=expected), "3 check_rearm  never reported")

    def test_case_that_passes_on_the_base_and_is_skipped_here(self):
        log = KSELFTEST.replace("# ok 2 ITIMER_PROF", "# ok 2 ITIMER_PROF # SKIP")
        counts = self.kselftest(log, expected={"kselftest/posix_timers/2 ITIMER_PROF": "pass"})
        self.assert_fails(counts, "skipped, passes on the unmodified base")

    # The guest and its console

    def test_guest_without_log(self):
        expected = {"kselftest/posix_timers": "pass"}
        self.assert_fails(self.kselftest(None, status="1", expected=expected), "never reported")

    def test_known_complaint_hides_no_other(self):
        known = "console/kselftest--posix_timers: WARNING: CPU: N PID: N at kernel/time/timer.c:N"
        log = KSELFTEST + "[ 2.0] WARNING: CPU: 0 PID: 1 at kernel/time/timer.c:1\n"
        self.assertEqual(self.kselftest(log, expected={known: "fail"})[1], 0)
        log += "[ 2.1] BUG: KASAN: slab-use-after-free in new_bug\n"
        self.assert_fails(self.kselftest(log, expected={known: "fail"}), "new_bug")

    def test_hung_guest(self):
        self.assert_fails(self.kselftest(KSELFTEST, status="124"), "the guest hung")

    def test_panicked_guest(self):
        self.assert_fails(self.kselftest(KSELFTEST, status="125"), "the guest panicked")

    def test_status_that_no_test_explains(self):
        self.assert_fails(self.kselftest(KSELFTEST, status="1"), "no test failed")

    def test_status_that_a_failed_test_explains(self):
        log = KSELFTEST.replace("# ok 2", "# not ok 2").replace("\nok 1 self", "\nnot ok 1 self")
        self.assertEqual(self.kselftest(log, status="1"), (1, 2, 0))

    def test_guest_without_status(self):
        self.assert_fails(self.kselftest(KSELFTEST, status=None), "no status")

    def test_console_complaints(self):
        for line in ("WARNING: CPU: 0 PID: 1 at kernel/time/timer.c:1",
                     "BUG: KASAN: slab-use-after-free in x",
                     "BUG: scheduling while atomic: swapper/0/1/0x00000002",
                     "WARNING: possible circular locking dependency detected",
                     "BUG: KCSAN: data-race in tmigr_core_pull / b",
                     "BUG: KCSAN: data-race in a / hrtimer_cancel",
                     "rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
                     "watchdog: BUG: soft lockup - CPU#1 stuck for 22s!",
                     "ODEBUG: free active (active state 0) object",
                     "UBSAN: shift-out-of-bounds in kernel/time/timer.c",
                     "INFO: task init:1 blocked for more than 120 seconds."):
            with self.subTest(line):
                counts = self.kselftest(KSELFTEST + f"[    2.0] {line}\n")
                self.assert_fails(counts, "console/kselftest--posix_timers")

    def test_allowed_console_lines(self):
        for line in ("BUG: KCSAN: data-race in a / b",):
            with self.subTest(line):
                counts = self.kselftest(KSELFTEST + f"[    2.0] {line}\n")
                self.assertEqual(counts, self.kselftest(KSELFTEST))


if __name__ == "__main__":
    unittest.main()
