#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Judge the timer interrupts of idle CPUs from an ftrace text log.

usage: idle-wakeups.py [--json] LOG	(the text of tracefs "trace"; "-" for standard input)

Events needed: timer:timer_expire_entry timer:hrtimer_expire_entry timer:tick_stop
irq_vectors:local_timer_entry timer_migration:* sched:sched_wakeup; and where the
kernel has no timer_migration:tmigr_cpu_active, sched:sched_switch.

Prints how many interrupts there were, how many found the tick running, and of those
that found it stopped, how many did something (useful) and how many did not
(for_nothing).
"""
import collections
import json
import sys

import tmigr_trace


def main():
    args = sys.argv[1:]
    as_json = "--json" in args
    names = [arg for arg in args if arg != "--json"]
    if len(names) != 1:
        sys.exit(__doc__.strip())
    name = names[0]
    try:
        if name == "-":
            events = tmigr_trace.read(sys.stdin, "standard input")
        else:
            with open(name, errors="replace") as log:
                events = tmigr_trace.read(log, name)
    except (OSError, tmigr_trace.BadLog) as error:
        sys.exit(f"idle-wakeups: {error}")

    seen = collections.Counter(verdict for _, verdict in tmigr_trace.judge(events))
    result = {
        "interrupts": sum(seen.values()),
        "tick_running": seen["tick"],
        "from_stopped_tick": seen["useful"] + seen["nothing"],
        "useful": seen["useful"],
        "for_nothing": seen["nothing"],
        "wheel_expiries": sum(event.name == "timer_expire_entry" for event in events),
    }
    if as_json:
        print(json.dumps(result))
    else:
        print(" ".join(f"{key}={value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
