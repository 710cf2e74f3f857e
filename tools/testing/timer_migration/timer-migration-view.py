#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Draw who slept, who was migrator and who expired whose timers, from an ftrace log.

A lane per CPU over time. Its colour says what the CPU did: it slept (idle, with the
tick stopped), ran its idle task with the tick running, or ran tasks; darker shades
say up to which level it was the migrator of its groups. Arrows lead from a CPU that
expired timers to the CPU they belonged to. Timer interrupts are strokes below the
lane: grey while the tick was running, black if they did something for a CPU that
slept, red if they woke it for nothing (as idle-wakeups.py judges).

Record in the running system, as root:

  cd /sys/kernel/tracing
  echo 0 > tracing_on; echo > trace
  for e in irq_vectors/local_timer_entry timer/timer_expire_entry \\
           timer/hrtimer_expire_entry timer/tick_stop sched/sched_wakeup \\
           sched/sched_switch timer_migration; do echo 1 > events/$e/enable; done
  echo 1 > tracing_on; sleep 1; echo 0 > tracing_on; cat trace > /tmp/log

or

  trace-cmd record -e irq_vectors:local_timer_entry -e timer:timer_expire_entry \\
        -e timer:hrtimer_expire_entry -e timer:tick_stop -e sched:sched_wakeup \\
        -e sched:sched_switch -e timer_migration sleep 1
  trace-cmd report > /tmp/log

Events that are missing only leave out what they would have told: a kernel that
pushes timers has no timer_migration events, and no migrators. On a kernel that
prints all pointers as (____ptrval____), which it does for a while after boot, groups
cannot be told apart; then migrators are not shown.
"""
import argparse
import collections
import html
import re
import sys

import tmigr_trace

LANE = 26
BAR = 14
LEFT = 70
RIGHT = 20
TOP = 74

STATES = {
    "unknown": ("#ffffff", "not known yet"),
    "asleep": ("#e8e8e8", "asleep"),
    "idle": ("#fff2b3", "idle, tick running"),
    "active": ("#b9dcf2", "active"),
}
MIGRATOR = ["#7fb8de", "#3f8fc4", "#0a5f99", "#063a5e"]
STROKES = {"tick": "#b0b0b0", "useful": "#000000", "nothing": "#d40000"}

Interval = collections.namedtuple("Interval", "cpu begin end state level")
Arrow = collections.namedtuple("Arrow", "stamp source target")


class Groups:
    """
    Which CPU is the migrator of which groups, learned from the walks themselves.

    A CPU that goes idle or wakes changes its leaf, then the leaf's parent and so on,
    with an event for each. So the events of a walk say which group is whose child.
    """

    def __init__(self):
        self.path = collections.defaultdict(dict)   # CPU -> level -> (group, mask)
        self.migrator = {}                          # group -> mask of its migrator
        self.anonymous = False

    def change(self, event):
        """An event tmigr_group_set_cpu_active or _inactive."""
        field = dict(re.findall(r"(\w+)=(\S+)", event.args))
        try:
            level = int(field["lvl"])
            migrator, mask = int(field["migrator"], 16), int(field["childmask"], 16)
            group = field["group"]
        except (KeyError, ValueError):
            return
        if "ptrval" in group:
            self.anonymous = True
            return
        self.path[event.cpu][level] = (group, mask)
        self.migrator[group] = migrator
        # Siblings in the leaf have the same way up.
        for other, path in self.path.items():
            if other != event.cpu and level > 0 and self.meets(path, event.cpu, level):
                path[level] = (group, mask)

    def meets(self, path, cpu, level):
        """Do a CPU's path and that of @cpu share the group below @level?"""
        below = self.path[cpu].get(level - 1)
        return below is not None and path.get(level - 1, (None,))[0] == below[0]

    def level(self, cpu):
        """Up to which level a CPU is the migrator; -1: of no group."""
        level = -1
        while level + 1 in self.path[cpu]:
            group, mask = self.path[cpu][level + 1]
            if self.migrator.get(group) != mask:
                break
            level += 1
        return level


class Cpu:
    """What one CPU does, as far as the log has told so far."""

    def __init__(self, cpu):
        self.cpu = cpu
        self.state = "unknown"
        self.level = -1
        self.since = None

    def note(self, event):
        """The state after an event."""
        if event.name in ("tmigr_cpu_idle", "tmigr_cpu_new_timer_idle") or \
                event.name == "tick_stop" and "success=1" in event.args and event.idle_task:
            return "asleep"
        if event.name == "tmigr_cpu_active":
            return "idle"
        if event.name == "sched_switch":
            to_idle = "next_pid=0 " in event.args + " " or \
                re.search(r"==> swapper/\d+:0 ", event.args)
            return "idle" if to_idle else "active"
        if not event.idle_task:
            return "active"
        # It went idle at some time since the last event.
        return "idle" if self.state == "active" else self.state


def replay(events):
    """Intervals of all CPUs, and what is known about groups."""
    groups, cpus, intervals = Groups(), {}, []
    end = events[-1].stamp

    def close(cpu, stamp):
        if cpu.since is not None and stamp > cpu.since:
            intervals.append(Interval(cpu.cpu, cpu.since, stamp, cpu.state, cpu.level))
        cpu.since = stamp

    for number in sorted({event.cpu for event in events}):
        cpus[number] = Cpu(number)
        cpus[number].since = events[0].stamp

    for event in events:
        cpu = cpus[event.cpu]
        state = cpu.note(event)
        changed = {cpu} if state != cpu.state else set()
        if event.name.startswith("tmigr_group_set_cpu_"):
            groups.change(event)
            changed = set(cpus.values())
        for other in changed:
            new = state if other is cpu else other.state
            level = groups.level(other.cpu) if new in ("active", "idle") else -1
            if (new, level) != (other.state, other.level):
                close(other, event.stamp)
                other.state, other.level = new, level
    for cpu in cpus.values():
        close(cpu, end)
    return intervals, groups


def arrows(events):
    """Who expired whose timers."""
    for event in events:
        if event.name == "tmigr_handle_remote_cpu":
            target = tmigr_trace.number(event.args, "cpu")
            if target is not None:
                yield Arrow(event.stamp, event.cpu, target)


def nice_step(span):
    """A round distance between marks, for about ten of them."""
    step = 1e-6
    while True:
        for factor in (1, 2, 5):
            if span / (step * factor) <= 12:
                return step * factor
        step *= 10


class Picture:
    """The SVG: places things, knows nothing about traces."""

    def __init__(self, begin, end, cpus, width):
        self.begin, self.end, self.width = begin, end, width
        self.scale = (width - LEFT - RIGHT) / (end - begin)
        self.top = {cpu: TOP + i * LANE for i, cpu in enumerate(cpus)}
        self.height = TOP + len(cpus) * LANE + 30
        self.parts = []

    def x(self, stamp):
        return LEFT + (min(max(stamp, self.begin), self.end) - self.begin) * self.scale

    def add(self, text):
        self.parts.append(text)

    def text(self, x, y, text, more=""):
        self.add(f'<text x="{x:.1f}" y="{y:.1f}" {more}>{html.escape(text)}</text>')

    def box(self, x, y, width, height, fill, title=""):
        inside = f"<title>{html.escape(title)}</title>" if title else ""
        self.add(f'<rect x="{x:.2f}" y="{y:.1f}" width="{width:.2f}" height="{height}" '
                 f'fill="{fill}">{inside}</rect>')

    def axis(self):
        step = nice_step(self.end - self.begin)
        bottom = TOP + len(self.top) * LANE
        i = 0
        while i * step <= self.end - self.begin:
            x = self.x(self.begin + i * step)
            self.add(f'<path d="M{x:.1f} {TOP - 6}V{bottom}" stroke="#dddddd"/>')
            self.text(x, bottom + 14, f"{i * step * 1000:g}", 'text-anchor="middle"')
            i += 1
        self.text(self.width / 2, bottom + 27, f"ms after {self.begin:.6f} s",
                  'text-anchor="middle"')

    def legend(self, entries):
        x = LEFT
        for fill, label in entries:
            self.add(f'<rect x="{x}" y="32" width="14" height="10" fill="{fill}" '
                     f'stroke="#888888" stroke-width="0.5"/>')
            self.text(x + 18, 41, label)
            x += 30 + 6.6 * len(label)

    def strokes_legend(self):
        x = LEFT
        for kind, label in (("tick", "interrupt, tick running"), ("useful", "of use to a sleeper"),
                            ("nothing", "for nothing")):
            self.add(f'<path d="M{x + 7} 50v10" stroke="{STROKES[kind]}" stroke-width="2"/>')
            self.text(x + 18, 59, label)
            x += 30 + 6.6 * len(label)
        self.add(f'<path d="M{x} 55h16" stroke="#c2571a" marker-end="url(#tip)"/>')
        self.text(x + 24, 59, "expires the timers of")

    def write(self):
        return "\n".join([
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
            f'height="{self.height}" font-family="sans-serif" font-size="11">',
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#c2571a"/>'
            '</marker></defs>',
            f'<rect width="{self.width}" height="{self.height}" fill="#ffffff"/>',
            *self.parts, "</svg>", ""])


def draw(events, begin, end, cpus, width):
    """The picture of a window of the log, as text."""
    intervals, groups = replay(events)
    picture = Picture(begin, end, cpus, width)

    inside = [interval for interval in intervals
              if interval.cpu in picture.top and interval.end > begin and interval.begin < end]
    picture.axis()
    for cpu, top in picture.top.items():
        picture.text(LEFT - 8, top + BAR - 3, f"CPU {cpu}", 'text-anchor="end"')
    for interval in inside:
        fill, label = STATES[interval.state]
        if interval.level >= 0:
            fill = MIGRATOR[min(interval.level, len(MIGRATOR) - 1)]
            label += f", migrator up to level {interval.level}"
        x = picture.x(interval.begin)
        picture.box(x, picture.top[interval.cpu], max(picture.x(interval.end) - x, 0.5), BAR, fill,
                    f"CPU {interval.cpu}: {label}, "
                    f"{(interval.end - interval.begin) * 1000:.3f} ms")

    seen = collections.Counter()
    for event, verdict in tmigr_trace.judge(events):
        if event.cpu in picture.top and begin <= event.stamp <= end:
            seen[verdict] += 1
            picture.add(f'<path class="{verdict}" d="M{picture.x(event.stamp):.2f} '
                        f'{picture.top[event.cpu] + BAR + 1}v7" stroke="{STROKES[verdict]}" '
                        f'stroke-width="{2 if verdict == "nothing" else 1.2}"/>')
    for arrow in arrows(events):
        if begin <= arrow.stamp <= end and {arrow.source, arrow.target} <= set(picture.top):
            x = picture.x(arrow.stamp)
            seen["remote"] += 1
            picture.add(f'<path class="remote" d="M{x:.2f} {picture.top[arrow.source] + BAR / 2}'
                        f'L{x + 5:.2f} {picture.top[arrow.target] + BAR / 2}" stroke="#c2571a" '
                        f'marker-end="url(#tip)"><title>CPU {arrow.source} expires timers of '
                        f'CPU {arrow.target} at {arrow.stamp:.6f}</title></path>')

    top_level = max((interval.level for interval in intervals), default=-1)
    picture.legend(list(STATES.values()) + [
        (MIGRATOR[min(level, len(MIGRATOR) - 1)], f"migrator, level {level}")
        for level in range(top_level + 1)])
    picture.strokes_legend()
    picture.text(LEFT, 20, f"{sum(seen[v] for v in STROKES)} timer interrupts: {seen['tick']} with "
                 f"the tick running, {seen['useful']} of use to a sleeping CPU, {seen['nothing']} "
                 f"for nothing; {seen['remote']} times timers of another CPU", 'font-size="13"')
    if groups.anonymous:
        print("timer-migration-view: the log hides pointers, migrators are not shown",
              file=sys.stderr)
    return picture.write()


def cpu_list(text):
    """"0-3,8" as a set of numbers."""
    cpus = set()
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if not found or found[2] and int(found[2]) < int(found[1]):
            raise argparse.ArgumentTypeError(f"'{text}' is no list of CPUs like 0-3,8")
        cpus |= set(range(int(found[1]), int(found[2] or found[1]) + 1))
    return cpus


def window(args, events):
    """Begin and end of what is drawn."""
    first, last = events[0].stamp, events[-1].stamp
    begin = first + args.begin / 1000
    end = last if args.end is None else first + args.end / 1000
    if begin >= end or begin >= last:
        raise tmigr_trace.BadLog(f"nothing to draw from {args.begin:g} ms on: the log has "
                                 f"{(last - first) * 1000:.3f} ms")
    return begin, min(end, last)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", help='text of the trace; "-" for standard input')
    parser.add_argument("-o", "--output", help="file to write (default: standard output)")
    parser.add_argument("--from", dest="begin", type=float, default=0, metavar="MS",
                        help="begin so many milliseconds after the first event")
    parser.add_argument("--to", dest="end", type=float, metavar="MS",
                        help="end so many milliseconds after the first event")
    parser.add_argument("--cpus", type=cpu_list, metavar="LIST", help="only these, as in 0-3,8")
    parser.add_argument("--width", type=int, default=1400, help="of the picture, in pixels")
    args = parser.parse_args()

    try:
        if args.log == "-":
            events = tmigr_trace.read(sys.stdin, "standard input")
        else:
            with open(args.log, errors="replace") as log:
                events = tmigr_trace.read(log, args.log)
        begin, end = window(args, events)
        cpus = sorted({event.cpu for event in events})
        if args.cpus:
            cpus = [cpu for cpu in cpus if cpu in args.cpus]
        if not cpus:
            raise tmigr_trace.BadLog(f"{args.log} has nothing about these CPUs")
        if args.width < 300:
            raise tmigr_trace.BadLog("a picture less than 300 pixels wide shows nothing")
        picture = draw(events, begin, end, cpus, args.width)
        if args.output:
            with open(args.output, "w") as output:
                output.write(picture)
        else:
            sys.stdout.write(picture)
    except (OSError, tmigr_trace.BadLog) as error:
        sys.exit(f"timer-migration-view: {error}")


if __name__ == "__main__":
    main()
