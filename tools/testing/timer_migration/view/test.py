#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Test timer-migration-view.py and idle-wakeups.py on a saved trace and on bad input."""
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import types
import unittest
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.dirname(HERE)
sys.path.insert(0, TOOLS)
import tmigr_trace                                                      # noqa: E402

# 10 CPUs of an unmodified 7.3.4, a thread with timeouts on each, 200 ms
TRACE = os.path.join(HERE, "base-10-cpus.trace")
SVG = "{http://www.w3.org/2000/svg}"


def run(tool, *args, text=None):
    return subprocess.run([sys.executable, "-B", os.path.join(TOOLS, tool), *args], input=text,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)


def picture(*args, text=None):
    """The root of the SVG that the viewer draws."""
    result = run("timer-migration-view.py", *args, text=text)
    if result.returncode:
        raise AssertionError(result.stderr)
    return ElementTree.fromstring(result.stdout)


def titles(root, kind):
    """Tool tips of all elements of a kind."""
    return [title.text for element in root.iter(SVG + kind)
            for title in element.iter(SVG + "title")]


def strokes(root, verdict):
    return sum(path.get("class") == verdict for path in root.iter(SVG + "path"))


def line(cpu, stamp, name, args, comm="<idle>-0"):
    return f"  {comm}  [{cpu:03}] d.h1.  {stamp:.6f}: {name}: {args}\n"


KERNEL = os.path.dirname(os.path.dirname(os.path.dirname(TOOLS)))
EVENTS = os.path.join(KERNEL, "include", "trace", "events")
TREE_SCRIPT = os.path.join(KERNEL, "scripts", "timer_migration_tree.py")


def event_formats(header):
    """What the events of a header print, by name; those of a class print what it prints."""
    with open(os.path.join(EVENTS, header), encoding="utf-8") as file:
        text = file.read()
    formats = {}
    for name, body in re.findall(r"^(?:TRACE_EVENT|DECLARE_EVENT_CLASS)\((\w+),(.*?)^\);",
                                 text, re.M | re.S):
        literals = re.search(r'TP_printk\(((?:\s*"[^"]*")+)', body).group(1)
        formats[name] = "".join(re.findall(r'"([^"]*)"', literals))
    for parent, name in re.findall(r"^DEFINE_EVENT\((\w+), (\w+),", text, re.M):
        formats[name] = formats[parent]
    return formats


@unittest.skipUnless(os.path.exists(TREE_SCRIPT), "not in a kernel tree")
class Formats(unittest.TestCase):
    """Programs that read the events of the engine with trees read those of this one."""

    def test_same_as_with_trees(self):
        with_trees = event_formats("timer_migration.h")
        ours = event_formats("timer_migration_pull.h")
        common = ours.keys() & with_trees.keys()
        self.assertLess({"tmigr_connect_cpu_parent", "tmigr_connect_child_parent"}, common)
        for name in common:
            self.assertEqual(ours[name], with_trees[name], name)

    def test_read_by_timer_migration_tree(self):
        # What it draws with is in no distribution's basic set of packages.
        sys.modules.setdefault("ete3", types.SimpleNamespace(Tree=None))
        spec = importlib.util.spec_from_file_location("timer_migration_tree", TREE_SCRIPT)
        script = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(script)
        for name in ("tmigr_connect_cpu_parent", "tmigr_connect_child_parent"):
            text = event_formats("timer_migration_pull.h")[name]
            text = re.sub("%[0-9]*[dux]", "7", text).replace("%p", "ffff888000809700")
            self.assertNotIn("%", text)
            self.assertIsNot(getattr(script, name)(0.0, f"{name}: {text}"), False, text)
        group = script.hierarchies[7]["ffff888000809700"]
        self.assertEqual((group.lvl, group.numa, group.num_children), (7, 7, 7))
        self.assertEqual([child.group for child in group.children], [7, "ffff888000809700"])


class Judge(unittest.TestCase):
    def verdicts(self, *lines):
        events = tmigr_trace.read(lines, "test")
        return [verdict for _, verdict in tmigr_trace.judge(events)]

    def test_saved_trace(self):
        result = run("idle-wakeups.py", "--json", TRACE)
        self.assertEqual(json.loads(result.stdout), {
            "interrupts": 13, "tick_running": 6, "from_stopped_tick": 7, "useful": 4,
            "for_nothing": 3, "wheel_expiries": 4})

    def test_tick_itself_is_no_use(self):
        tick = "hrtimer=1 function=tick_nohz_handler now=1"
        other = "hrtimer=2 function=hrtimer_wakeup now=1"
        stop = line(0, 1.0, "tick_stop", "success=1 dependency=NONE")
        for args, verdict in ((tick, "nothing"), (other, "useful")):
            log = (stop, line(0, 2.0, "local_timer_entry", "vector=236"),
                   line(0, 2.1, "hrtimer_expire_entry", args),
                   line(1, 3.0, "hrtimer_expire_entry", tick),
                   line(1, 3.1, "hrtimer_expire_entry", tick))
            self.assertEqual(self.verdicts(*log), [verdict])

    def test_tick_runs_again(self):
        stop = line(0, 1.0, "tick_stop", "success=1 dependency=NONE")
        interrupt = line(0, 3.0, "local_timer_entry", "vector=236")
        switch = "prev_comm=swapper/0 prev_pid=0 prev_prio=120 ==> next_comm=a next_pid=9"
        self.assertEqual(self.verdicts(stop, interrupt), ["nothing"])
        for event in (("sched_switch", switch), ("tmigr_cpu_active", "cpu=0")):
            self.assertEqual(self.verdicts(stop, line(0, 2.0, *event), interrupt), ["tick"])

    def test_remote_timer_was_cancelled(self):
        """To look at a remote CPU is no use; to run its timer is."""
        stop = line(0, 1.0, "tick_stop", "success=1 dependency=NONE")
        interrupt = line(0, 2.0, "local_timer_entry", "vector=236")
        look = line(0, 2.1, "tmigr_handle_remote_cpu", "cpu=4 parent=0 wakeup=1")
        expiry = line(0, 2.2, "timer_expire_entry", "timer=1 function=f now=1 baseclk=1")
        self.assertEqual(self.verdicts(stop, interrupt, look), ["nothing"])
        self.assertEqual(self.verdicts(stop, interrupt, look, expiry), ["useful"])

    def test_other_forms_of_a_line(self):
        for text in ("  kworker/0:1 x-12  [001] 4.5: tick_stop: success=1",
                     "  a-12  (   9) [001] d..1. 4.5: tick_stop: success=1",
                     "  a-12  [001] d..1. 4.5: tick_stop:            success=1"):
            event = tmigr_trace.parse(text)
            self.assertEqual((event.cpu, event.stamp, event.name, event.args),
                             (1, 4.5, "tick_stop", "success=1"), text)


class View(unittest.TestCase):
    def test_saved_trace(self):
        root = picture(TRACE)
        self.assertEqual([strokes(root, v) for v in ("tick", "useful", "nothing", "remote")],
                         [6, 4, 3, 4])
        self.assertIn("CPU 1 expires timers of CPU 4 at 4.167279", titles(root, "path"))
        bars = titles(root, "rect")
        self.assertIn("CPU 4: idle, tick running, migrator up to level 1, 0.013 ms", bars)
        self.assertIn("CPU 4: active, migrator up to level 1, 3.971 ms", bars)
        self.assertTrue(any(bar.startswith("CPU 1: asleep, ") for bar in bars))
        self.assertFalse(any("CPU 8" in bar and "migrator" in bar for bar in bars))

    def test_one_migrator(self):
        """Of two active CPUs in a group, one is its migrator; the other takes over."""
        def change(cpu, stamp, what, active, migrator):
            return line(cpu, stamp, f"tmigr_group_set_cpu_{what}",
                        f"group=ffff01 lvl=0 numa=0 active={active} migrator={migrator} "
                        f"parent=0000000000000000 childmask={1 << cpu}")
        log = (line(0, 1.0, "tmigr_cpu_active", "cpu=0"), change(0, 1.0, "active", 1, 1),
               line(1, 2.0, "tmigr_cpu_active", "cpu=1"), change(1, 2.0, "active", 3, 1),
               change(0, 3.0, "inactive", 2, 2), line(0, 3.0, "tmigr_cpu_idle", "cpu=0"),
               line(1, 4.0, "local_timer_entry", "vector=236"))
        bars = titles(picture("-", text="".join(log)), "rect")
        self.assertEqual([bar for bar in bars if bar.startswith("CPU 1: idle")],
                         ["CPU 1: idle, tick running, 1000.000 ms",
                          "CPU 1: idle, tick running, migrator up to level 0, 1000.000 ms"])

    def test_window_and_cpus(self):
        root = picture(TRACE, "--from", "90", "--to", "120", "--cpus", "4-6,9")
        self.assertEqual([strokes(root, v) for v in ("tick", "useful", "nothing", "remote")],
                         [1, 1, 0, 1])
        self.assertEqual({bar.split(":")[0] for bar in titles(root, "rect")}, {"CPU 4", "CPU 6"})

    def test_without_hierarchy(self):
        """A kernel that pushes timers has neither migrators nor their events."""
        with open(TRACE) as trace:
            text = "".join(line for line in trace if "tmigr" not in line)
        root = picture("-", text=text)
        bars = titles(root, "rect")
        self.assertFalse(any("migrator" in bar for bar in bars))
        self.assertTrue(any(bar.startswith("CPU 4: active, ") for bar in bars))
        self.assertTrue(any(bar.startswith("CPU 4: asleep, ") for bar in bars))

    def test_hidden_pointers(self):
        with open(TRACE) as trace:
            text = trace.read()
        for group in ("ffff88800023fe00", "ffff88800023fd80", "ffff88800023fd00"):
            text = text.replace(group, "(____ptrval____)")
        result = run("timer-migration-view.py", "-", text=text)
        self.assertEqual(result.returncode, 0)
        self.assertIn("migrators are not shown", result.stderr)
        self.assertNotIn("migrator up to", result.stdout)

    def test_output_file(self):
        with tempfile.TemporaryDirectory() as folder:
            name = os.path.join(folder, "out.svg")
            self.assertEqual(run("timer-migration-view.py", TRACE, "-o", name).returncode, 0)
            ElementTree.parse(name)


class BadInput(unittest.TestCase):
    TOOLS = ("timer-migration-view.py", "idle-wakeups.py")

    def fails(self, expected, *args, text=None, tools=TOOLS):
        for tool in tools:
            result = run(tool, *(args or ("-",)), text=text)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(expected, result.stderr)
            self.assertNotIn("Traceback", result.stderr)
            self.assertEqual(result.stdout, "")

    def test_empty(self):
        self.fails("has no trace events: was tracing on?", text="")
        self.fails("has no trace events: was tracing on?", text="# tracer: nop\n#\n")

    def test_foreign(self):
        self.fails("is no ftrace text log", text="[    0.000000] Linux version 7.3\n")
        self.fails("is no ftrace text log", text="\x00\x17\x08Dtracing6\n")

    def test_other_events(self):
        self.fails("nothing about timer migration, but irq_handler_entry",
                   text=line(0, 1.0, "irq_handler_entry", "irq=1 name=x"))

    def test_missing_file(self):
        self.fails("No such file", "/nonexistent/log")

    def test_bad_window_and_cpus(self):
        only = {"tools": ("timer-migration-view.py",)}
        self.fails("nothing to draw from 5000 ms on", TRACE, "--from", "5000", **only)
        self.fails("nothing to draw from 50 ms on", TRACE, "--from", "50", "--to", "40", **only)
        self.fails("has nothing about these CPUs", TRACE, "--cpus", "100", **only)
        self.fails("is no list of CPUs", TRACE, "--cpus", "3-1", **only)


if __name__ == "__main__":
    unittest.main(verbosity=0)
