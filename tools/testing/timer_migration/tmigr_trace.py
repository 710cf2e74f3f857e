# SPDX-License-Identifier: GPL-2.0-only
"""
Reads ftrace text logs (tracefs "trace", "trace_pipe", "trace-cmd report") and
judges the timer interrupts of idle CPUs. Shared by idle-wakeups.py and
timer-migration-view.py.
"""
import collections
import re

EVENT = re.compile(r"\s*(?P<comm>.*\S)-(?P<pid>\d+)\s+(?:\(\s*[-\d]+\)\s+)?\[(?P<cpu>\d+)\]\s+"
                   r"(?:[^\s:]+\s+)?(?P<stamp>\d+\.\d+):\s+(?:\w+:)?(?P<name>\w+):\s*(?P<args>.*)")
WORK = {"timer_expire_entry", "sched_wakeup"}

# What a log must have something of to say anything about timer migration
NEEDED = {"local_timer_entry", "tick_stop", "tmigr_cpu_idle", "tmigr_cpu_active"}

HOW_TO_RECORD = ("record irq_vectors:local_timer_entry, timer:tick_stop, timer:timer_expire_entry, "
                 "timer:hrtimer_expire_entry, sched:sched_wakeup, sched:sched_switch and "
                 "timer_migration:*")

Event = collections.namedtuple("Event", "stamp cpu idle_task name args")


class BadLog(Exception):
    """A log that cannot be used, and why."""


def parse(line):
    """The event of a line of the log, or None."""
    found = EVENT.match(line)
    if not found or line.startswith("#"):
        return None
    return Event(float(found["stamp"]), int(found["cpu"]), found["pid"] == "0",
                 found["name"], found["args"])


def read(lines, name):
    """All events in the order of time; @name is what errors call the log."""
    events, first = [], None
    for line in lines:
        event = parse(line)
        if event:
            events.append(event)
        elif first is None and line.strip() and not line.startswith("#"):
            first = line.strip()
    if not events:
        if first is None:
            raise BadLog(f"{name} has no trace events: was tracing on?")
        raise BadLog(f"{name} is no ftrace text log, it has lines like '{first[:60]}'; "
                     "trace.dat is turned into text by 'trace-cmd report'")
    if not NEEDED & {event.name for event in events}:
        seen = ", ".join(sorted({event.name for event in events})[:4])
        raise BadLog(f"{name} has nothing about timer migration, but {seen}; {HOW_TO_RECORD}")
    events.sort(key=lambda event: event.stamp)
    return events


def function(args):
    """The function of a timer."""
    found = re.search(r"function=(\S+)", args)
    return found[1] if found else ""


def number(args, key):
    """The number behind "key=", or None."""
    found = re.search(rf"\b{key}=(\d+)", args)
    return int(found[1]) if found else None


def leaves_idle(event):
    """Does a CPU stop running its idle task?"""
    return event.name == "sched_switch" and (
        "prev_pid=0 " in event.args or re.match(r"swapper/\d+:0 ", event.args) is not None)


def tick_function(events):
    """The function of the tick's hrtimer: the one that expires most often."""
    seen = collections.Counter(function(event.args) for event in events
                               if event.name == "hrtimer_expire_entry")
    return seen.most_common(1)[0][0] if seen else None


def judge(events):
    """
    Yield (event, verdict) for each local timer interrupt.

    "tick": the tick was running. Otherwise the CPU was idle, and the interrupt
    was "useful" if some timer expired or a task was woken before the next one on this
    CPU; the tick's own hrtimer does not count. The rest woke the CPU for "nothing",
    looking at a remote CPU whose timer had been cancelled included.
    """
    tick = tick_function(events)
    per_cpu = collections.defaultdict(list)
    for event in events:
        per_cpu[event.cpu].append(event)
    for cpu in sorted(per_cpu):
        stopped, interrupt, verdict = False, None, None
        for event in per_cpu[cpu]:
            if event.name == "local_timer_entry":
                if interrupt:
                    yield interrupt, verdict
                interrupt, verdict = event, "nothing" if stopped else "tick"
            elif event.name == "tick_stop":
                stopped = "success=1" in event.args
            elif event.name == "tmigr_cpu_active" or leaves_idle(event):
                stopped = False
            if verdict == "nothing" and (
                    event.name in WORK or
                    event.name == "hrtimer_expire_entry" and function(event.args) != tick):
                verdict = "useful"
        if interrupt:
            yield interrupt, verdict
