# SPDX-License-Identifier: Apache-2.0
"""What tests/bench/bench has measured, as Markdown. results: of every build's name, its Runs, one a round; a peer's may be missing."""
import os
import statistics
from pathlib import Path

import page
import waterfall

GOAL_RATIO, GOAL_COLD_CPU = 0.35, 35.0  # of mmdebstrap's wall time; seconds
PATH_MIN = 0.1  # seconds, to be listed
# A build's name in the results: what it is in the table, and its goal in seconds.
BUILDS = {"cold": ("nodekiln: qcow2 and tarball, no tree cached", None), "overlay": ("nodekiln: an overlay changed", 5.0),
          "package": ("nodekiln: a small package more, in `packages.extra`", 5.0), "nothing": ("nodekiln: nothing changed", 1.0)}


def wall(run):
    """Without what went into downloading."""
    return run.wall - run.download


def cpu(run):
    return run.cpu


def median(runs, value):
    return statistics.median(map(value, runs))


def ratio(results, name, value):
    """Of cold builds to a peer's, round by round, since the machine's speed changes in between."""
    return statistics.median(value(cold) / value(peer) for cold, peer in zip(results["cold"], results[name]))


def goals(results):
    """(of which build, its value, the goal, its unit)"""
    yield "cold", ratio(results, "mmdebstrap", wall), GOAL_RATIO, " of mmdebstrap's wall time"
    yield "cold", median(results["cold"], cpu), GOAL_COLD_CPU, " CPU s"
    for name, (_, goal) in BUILDS.items():
        if goal:
            yield name, median(results[name], wall), goal, " s"


def missed(results):
    return any(value > goal for _, value, goal, _ in goals(results))


def row(title, runs, note):
    walls = [run.wall for run in runs]
    return [title, f"{statistics.median(walls):.1f}", f"{min(walls):.1f} to {max(walls):.1f}", f"{median(runs, cpu):.1f}", note]


def peer_row(results, peer):
    title = f"{peer.name}: {peer.makes}"
    if peer.failed:
        return [title, "", "", "", f"does not run here: {peer.failed}"]
    download = median(results[peer.name], lambda run: run.download)
    share = f"nodekiln takes {ratio(results, peer.name, wall):.2f} of its wall time, {ratio(results, peer.name, cpu):.2f} of its CPU time"
    return row(title, results[peer.name], share + (f"; without {download:.0f} s of downloading" if download else ""))


def build_row(results, name):
    notes = (f"{value:.2f}{unit}, goal {goal:g}{', MISSED' if value > goal else ''}"
             for of, value, goal, unit in goals(results) if of == name)
    return row(BUILDS[name][0], results[name], "; ".join(notes))


def table(results, peers):
    rows = [*(peer_row(results, peer) for peer in peers), *(build_row(results, name) for name in BUILDS)]
    return page.table(["what", "wall s", "range", "CPU s", ""], rows)


def mib(n):
    return f"{n / (1 << 20):.0f} MiB"


def sizes(artifacts, watch):
    names = ", ".join(f"{path.name} {mib(path.stat().st_size)}" for path in artifacts)
    return f"\n{names}. Peak memory of a cold build: {mib(watch.peak)} in processes, {mib(watch.peak_shared)} in its scratch tmpfs.\n"


def circumstances(rounds):
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), "?")
    return (f"\nMedians of {rounds} rounds on {os.cpu_count()} processors ({model}), "
            f"load {os.getloadavg()[2]:.1f} in the last quarter of an hour.\n")


def path(timings):
    """What a build waited for, one after the other, and what of the processors it did not use meanwhile."""
    rows = []
    for phase in waterfall.critical(timings):
        used = waterfall.busy(timings, phase)
        if phase["wall"] >= PATH_MIN:
            rows.append((phase["name"], phase["wall"], phase["cpu"], used - phase["cpu"], os.cpu_count() * phase["wall"] - used))
    rows.append(("the whole build", timings["wall"], timings["cpu"], 0, os.cpu_count() * timings["wall"] - timings["cpu"]))
    cells = ([name, *(f"{max(value, 0):.1f}" for value in values)] for name, *values in rows)
    return "\n" + page.table(["the last cold build's longest path", "wall s", "CPU s", "CPU s in parallel", "unused"], cells)
