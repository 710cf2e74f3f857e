#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""
Run the simulator's programs on a matrix of loads and machines and compare them.

  check     short: nothing lost, nothing later than a tick, in every load
  validate  the model against the timer interrupts counted in guests
  all       tables, goals, results.tsv and plots; everything below in one run
"""
import argparse
import concurrent.futures
import os
import shutil
import subprocess
import sys
import time

LOADS = ["sleepers", "kernel", "rounded", "pinned", "one-busy", "bursty", "flapping", "packets",
         "hotplug"]

# Timer interrupts per expiry, counted in guests: (engine, CPUs, threads per CPU)
GUEST = {
    ("push", 8, 1): 2.87, ("push", 8, 8): 1.62, ("push", 16, 1): 2.08, ("push", 16, 2): 1.97,
    ("rbtree", 8, 1): 3.59, ("rbtree", 8, 8): 1.49, ("rbtree", 16, 1): 3.77,
    ("rbtree", 16, 2): 2.46, ("rbtree", 32, 1): 3.08, ("rbtree", 32, 8): 1.24,
}
# Interrupts that did nothing, percent of those traced
GUEST_NOTHING = {("rbtree", 8, 1): 25, ("rbtree", 16, 1): 45, ("rbtree", 32, 1): 49}

# (CPUs, nodes) of the machines by size
MACHINES = [(8, 1), (16, 1), (32, 1), (64, 1), (256, 2), (1024, 4), (8192, 16)]
PAIRS = ("deactivate", "activate")


class Failed(Exception):
    """Something that is reported in one line."""


class Run:
    """One program on one load."""

    def __init__(self, engine, load, cpus=16, nodes=1, timers=1, seconds=20, profile="guest",
                 seed=1, sanitized=False):
        self.engine, self.load, self.cpus, self.nodes = engine, load, cpus, nodes
        self.timers, self.seconds, self.profile, self.seed = timers, seconds, profile, seed
        self.sanitized = sanitized
        self.values = {}
        self.elapsed = 0.0

    def __str__(self):
        return (f"{self.engine}{' (sanitized)' if self.sanitized else ''} {self.load} "
                f"cpus={self.cpus} nodes={self.nodes} timers={self.timers} {self.profile}")

    def start(self, programs):
        path = os.path.join(programs, "san" if self.sanitized else "", f"sim-{self.engine}")
        command = [path, "--load", self.load, "--cpus", str(self.cpus), "--nodes",
                   str(self.nodes), "--timers", str(self.timers), "--seconds",
                   str(self.seconds), "--profile", self.profile, "--seed", str(self.seed)]
        begin = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, check=False,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        self.elapsed = time.monotonic() - begin
        if done.returncode:
            raise Failed(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr.strip()}")
        for word in done.stdout.split():
            name, value = word.split("=", 1)
            self.values[name] = value
        return self

    def __getitem__(self, name):
        return float(self.values.get(name, 0))

    def ratio(self, a, b):
        return self[a] / self[b] if self[b] else 0.0

    def per_pair(self, what):
        """Cost of a deactivation and an activation together."""
        return sum(self.ratio(f"{op}_{what}", f"{op}_ops") for op in PAIRS)

    def per_pair_at(self, depth, what):
        """The same for walks of this depth; "distinct": lines of both counted once."""
        return self.ratio(f"pair{depth}_{what}", f"pair{depth}_ops")

    def depths(self):
        return [d for d in range(1, 33) if self[f"pair{d}_ops"]]


def run_all(runs, programs):
    begin = shown = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(run.start, programs) for run in runs]
        try:
            for nr, future in enumerate(futures, 1):
                future.result()
                if time.monotonic() - shown > 5:
                    shown = time.monotonic()
                    print(f"sim: {nr} of {len(runs)} runs, {shown - begin:.0f} s",
                          file=sys.stderr, flush=True)
        except Failed:
            for future in futures:
                future.cancel()
            raise
    return runs


# A tick may pass when the keeper finds somebody active and leaves the event to it; one more
# when a CPU that has just had its tick becomes the migrator then. More is a defect.
LATE_CHECK = 1
LATE_EVER = 2


def faults(run, late=LATE_CHECK):
    found = []
    if not run["expired"]:
        found.append("no timer expired")
    if run["lost"]:
        found.append(f"{run['lost']:.0f} timers lost")
    if run["late_max"] > late:
        found.append(f"a timer {run['late_max']:.0f} ticks late")
    if run["warnings"]:
        found.append(f"{run['warnings']:.0f} warnings of the engine")
    return found


# --- check ---------------------------------------------------------------------


def check(programs, engines):
    runs = [Run(engine, load, cpus, nodes, timers, seconds=3)
            for engine in engines for load in LOADS
            for cpus, nodes, timers in ((2, 1, 3), (16, 1, 1), (96, 3, 4))]
    sanitized = [Run(engine, load, 24, 3, 2, seconds=1, sanitized=True)
                 for engine in ("pull8", "rbtree") if engine in engines for load in LOADS]
    again = [Run(run.engine, run.load, run.cpus, run.nodes, run.timers, 3) for run in runs
             if run.cpus == 16 and run.load in ("sleepers", "bursty")]
    broken = Run("broken", "sleepers", seconds=3)
    run_all(runs + sanitized + again + [broken], programs)

    bad = [f"{run}: {fault}" for run in runs + sanitized for fault in faults(run)]
    first = {str(run): run.values for run in runs}
    bad += [f"{run}: not the same results from the same seed" for run in again
            if run.values != first[str(run)]]
    if not faults(broken):
        bad.append("broken: an engine that loses timers was not noticed")
    for line in bad:
        print(f"sim: {line}", file=sys.stderr)
    if bad:
        raise Failed(f"{len(bad)} faults")
    skipped = "" if "rbtree" in engines else "; rbtree SKIP: no base kernel tree (KERNEL=)"
    print(f"sim: {len(runs)} runs of {len(engines)} engines, {len(sanitized)} sanitized: "
          f"nothing lost, nothing later than a tick; the broken engine was caught{skipped}")


# --- validate ------------------------------------------------------------------


def validate(programs, engines):
    cells = [cell for cell in GUEST if cell[0] in engines]
    if not cells:
        return
    runs = {cell: Run(cell[0], "sleepers", cell[1], timers=cell[2], seconds=60)
            for cell in cells}
    run_all(list(runs.values()), programs)
    print("\nThe model against guests: timer interrupts per expiry, share that did nothing")
    print(f"{'engine':8} {'CPUs':>4} {'threads':>7} {'guest':>6} {'model':>6} {'off by':>7} "
          f"{'guest':>7} {'model':>6}")
    for cell, run in runs.items():
        guest, model = GUEST[cell], run.ratio("interrupts", "expired")
        nothing = f"{GUEST_NOTHING[cell]} %" if cell in GUEST_NOTHING else ""
        print(f"{cell[0]:8} {cell[1]:4} {cell[2]:7} {guest:6.2f} {model:6.2f} "
              f"{model / guest - 1:+7.0%} {nothing:>7} "
              f"{100 * run.ratio('nothing', 'interrupts'):4.0f} %")


# --- all: tables -----------------------------------------------------------------

COLUMNS = [
    ("engine", 14, lambda r: r.engine),
    ("irq/s", 9, lambda r: f"{r['interrupts'] / r.seconds:.0f}"),
    ("wake/s", 8, lambda r: f"{r['wakeups'] / r.seconds:.0f}"),
    ("nothing", 7, lambda r: f"{100 * r.ratio('nothing', 'wakeups'):.1f}%"),
    ("kick/s", 8, lambda r: f"{r['kicks'] / r.seconds:.0f}"),
    ("irq/exp", 7, lambda r: f"{r.ratio('interrupts', 'expired'):.2f}"),
    ("wake/bat", 8, lambda r: f"{r.ratio('wakeups', 'batches'):.2f}"),
    ("remote", 6, lambda r: f"{100 * r.ratio('remote', 'expired'):.0f}%"),
    ("gini", 5, lambda r: f"{r['gini']:.2f}"),
    ("pairs/s", 8, lambda r: f"{r['deactivate_ops'] / r.seconds:.0f}"),
    ("lines", 6, lambda r: f"{r.per_pair('lines'):.2f}"),
    ("locks", 6, lambda r: f"{r.per_pair('locks'):.2f}"),
    ("upd", 5, lambda r: f"{r.per_pair('updates'):.2f}"),
    ("llc", 5, lambda r: f"{r.per_pair('llc'):.2f}"),
    ("node", 5, lambda r: f"{r.per_pair('node'):.2f}"),
    ("far", 5, lambda r: f"{r.per_pair('far'):.2f}"),
    ("late", 7, lambda r: f"{r['late_p50']:.0f}/{r['late_p99']:.0f}/{r['late_max']:.0f}"),
    ("lost", 4, lambda r: f"{r['lost']:.0f}"),
    ("real s", 6, lambda r: f"{r.elapsed:.1f}"),
]


def print_table(title, runs):
    print(f"\n{title}")
    print(" ".join(f"{name:<{width}}" if name == "engine" else f"{name:>{width}}"
                   for name, width, _ in COLUMNS))
    for run in runs:
        print(" ".join(f"{cell(run):<{width}}" if name == "engine" else f"{cell(run):>{width}}"
                       for name, width, cell in COLUMNS))


def print_depths(title, ours, base):
    columns = ("lines", "distinct", "locks", "updates", "pairs")
    print(f"\n{title}: {base.engine} / {ours.engine}")
    print(f"{'depth':>5} " + " ".join(f"{what:>15}" for what in columns))
    for depth in sorted(set(ours.depths()) | set(base.depths())):
        cells = [" / ".join(f"{run.per_pair_at(depth, what):.2f}" if run[f"pair{depth}_ops"]
                            else "-" for run in (base, ours)) for what in columns[:-1]]
        cells.append(" / ".join(f"{run[f'pair{depth}_ops']:.0f}" for run in (base, ours)))
        print(f"{depth:5} " + " ".join(f"{cell:>15}" for cell in cells))


def write_tsv(path, runs):
    names = sorted({name for run in runs for name in run.values})
    with open(path, "w", encoding="ascii") as out:
        print("engine", "profile", *names, sep="\t", file=out)
        for run in runs:
            print(run.engine, run.profile, *(run.values.get(name, "0") for name in names),
                  sep="\t", file=out)


# --- all: goals ------------------------------------------------------------------


class Goals:
    """What ours is expected to reach, cell by cell."""

    def __init__(self):
        self.missed = []
        self.met = 0

    def expect(self, met, text):
        if met:
            self.met += 1
        else:
            self.missed.append(text)

    def idle(self, ours, push):
        share = 100 * ours.ratio("nothing", "wakeups")
        self.expect(share <= 2, f"{ours}: {share:.1f} % of the wake-ups do nothing (2)")
        mine, theirs = ours["interrupts"], push["interrupts"]
        self.expect(mine <= theirs * 1.02,
                    f"{ours}: {mine / theirs:.2f} times push's timer interrupts")

    def loaded(self, ours, base):
        mine, theirs = ours["wakeups"] / ours.seconds, base["wakeups"] / base.seconds
        self.expect(mine <= theirs * 1.02 + 1,
                    f"{ours}: {mine:.0f} wake-ups per second, the base {theirs:.0f}")

    def cost(self, ours, base):
        for depth in set(ours.depths()) & set(base.depths()):
            if min(ours[f"pair{depth}_ops"], base[f"pair{depth}_ops"]) < 100:
                continue
            mine, theirs = (run.per_pair_at(depth, "distinct") for run in (ours, base))
            self.expect(mine <= theirs / 2,
                        f"{ours}: depth {depth}: {mine:.2f} lines per pair, the base {theirs:.2f}")
            mine, theirs = (run.per_pair_at(depth, "locks") for run in (ours, base))
            self.expect(mine < theirs,
                        f"{ours}: depth {depth}: {mine:.2f} locks per pair, the base {theirs:.2f}")

    def report(self):
        print(f"\nGoals: {self.met} met, {len(self.missed)} missed")
        for text in self.missed:
            print(f"  missed: {text}")


# --- all: plots ------------------------------------------------------------------

# File, title, value
PLOTS = [
    ("interrupts", "Timer interrupts per expiry, idle, one sleeping thread per CPU",
     lambda r: r.ratio("interrupts", "expired")),
    ("nothing", "Wake-ups that do nothing, percent, idle, one sleeping thread per CPU",
     lambda r: 100 * r.ratio("nothing", "wakeups")),
    ("lines", "Cache lines touched per deactivate/activate pair",
     lambda r: r.per_pair("lines")),
    ("moved", "Cache lines moved per deactivate/activate pair",
     lambda r: r.per_pair("llc") + r.per_pair("node") + r.per_pair("far")),
    ("locks", "Locks per deactivate/activate pair", lambda r: r.per_pair("locks")),
]


def plot(out, engines, runs):
    if not shutil.which("gnuplot"):
        print("\nplots SKIP: no gnuplot")
        return
    for name, title, value in PLOTS:
        data = []
        for engine in engines:
            data.append(f"${engine.replace('-', '_')} << EOD")
            data += [f"{run.cpus} {value(run):.4f}" for run in runs if run.engine == engine]
            data.append("EOD")
        lines = ", ".join(f"${engine.replace('-', '_')} with linespoints title '{engine}'"
                          for engine in engines)
        script = "\n".join(data + [
            "set terminal svg size 900,520 dynamic background 'white'",
            f"set output '{os.path.join(out, name)}.svg'", f"set title '{title}'",
            "set logscale x 2", "set xlabel 'CPUs'", "set yrange [0:*]", "set grid",
            "set key outside right noenhanced", f"plot {lines}", ""])
        subprocess.run(["gnuplot"], input=script, text=True, check=True)


def seconds_for(load, cpus):
    """Long enough for the figures to settle, short enough for one coffee."""
    if load in ("flapping", "bursty"):
        return 2 if cpus > 1000 else 10
    return 300 if cpus <= 32 else 40 if cpus <= 1000 else 8


def everything(programs, engines):
    validate(programs, engines)

    scale = [Run(engine, "sleepers", cpus, nodes, 1, seconds_for("sleepers", cpus))
             for cpus, nodes in MACHINES for engine in engines]
    cells = [("sleepers", 8, 1, 8), ("sleepers", 32, 1, 8), ("kernel", 16, 1, 1),
             ("kernel", 64, 1, 4), ("rounded", 64, 1, 4)]
    cells += [("pinned", 64, 1, 3)]
    cells += [(load, cpus, nodes, 4) for load in LOADS[4:]
              for cpus, nodes in ((64, 1), (1024, 4))]
    loads = [Run(engine, load, cpus, nodes, timers, seconds_for(load, cpus))
             for load, cpus, nodes, timers in cells for engine in engines]
    metal = [Run(engine, "sleepers", cpus, nodes, 1, seconds_for("sleepers", cpus), "metal")
             for cpus, nodes in MACHINES[:5] for engine in engines]
    whole = [Run("pull8", "sleepers", 8192, 16, 1, 60)]
    runs = run_all(whole + scale + loads + metal, programs)

    goals = Goals()
    for group in grouped(runs[1:]):
        ours = group["pull8"]
        print_table(f"{ours.load}, {ours.cpus} CPUs, {ours.nodes} nodes, {ours.timers} timers "
                    f"per CPU, {ours.profile}", group.values())
        if ours.load in ("sleepers", "kernel", "rounded"):
            if ours.timers == 1:
                goals.idle(ours, group["push"])
        if "rbtree" in group:
            goals.loaded(ours, group["rbtree"])
            goals.cost(ours, group["rbtree"])
            if ours.load in ("flapping", "bursty") or ours.cpus == 8192:
                print_depths("Cost of a deactivate/activate pair by depth of the walk",
                             ours, group["rbtree"])

    for run in runs:
        goals.expect(run["late_max"] <= LATE_CHECK,
                     f"{run}: {run['late_2']:.0f} of {run['expired']:.0f} timers later than a tick")
    goals.expect(whole[0].elapsed < 60, f"{whole[0]}: {whole[0].elapsed:.0f} s for a minute")
    print(f"\n8192 CPUs for one virtual minute: {whole[0].elapsed:.1f} s")
    goals.report()
    if "rbtree" not in engines:
        print("\nrbtree SKIP: no base kernel tree (KERNEL=)")

    write_tsv(os.path.join(programs, "results.tsv"), runs)
    plot(programs, engines, scale)
    bad = [f"{run}: {fault}" for run in runs for fault in faults(run, LATE_EVER)]
    if bad:
        raise Failed("\nsim: ".join(bad))
    print(f"\n{os.path.join(programs, 'results.tsv')} and *.svg have the rest")


def grouped(runs):
    groups = {}
    for run in runs:
        key = (run.load, run.cpus, run.nodes, run.timers, run.profile)
        groups.setdefault(key, {})[run.engine] = run
    return groups.values()


COMMANDS = {"check": check, "validate": validate, "all": everything}


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument("--programs", required=True, help="folder of the sim-ENGINE programs")
    parser.add_argument("--engines", required=True, help="which, separated by spaces")
    parser.add_argument("command", choices=COMMANDS)
    args = parser.parse_args()
    engines = args.engines.split()
    for engine in engines:
        if not os.path.exists(os.path.join(args.programs, f"sim-{engine}")):
            print(f"sim: unknown engine: {engine}", file=sys.stderr)
            return 2
    try:
        COMMANDS[args.command](args.programs, engines)
    except Failed as failure:
        print(f"sim: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
