#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""waterfall.py FILE OUT.svg [TITLE]: draws what ran when in a build. FILE: its manifest (key "timings"), or what `build --json`
printed, which has no CPU seconds. Readable on white and on black."""
import html
import json
import sys
from pathlib import Path

NAME, CHART, NUMBERS, ROW, TOP, BOTTOM, LEGEND = 120, 560, 130, 20, 46, 34, 190  # pixels
MIN_BAR = 1.5
TICKS_MAX = 12
SLACK = 0.05  # seconds: what waits begins a little later, or its times were rounded
# By how many cores a phase kept busy on average, as `build --timings` has it.
CLASSES = ((0.5, "idle", "less than half a core"), (1.3, "one", "about one"), (float("inf"), "more", "more than one"))
UNKNOWN = "idle"
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 } .number, .tick { text-anchor: end }
.tick, .number { font-variant-numeric: tabular-nums } .tick { text-anchor: middle; fill: #656d76 } line { stroke: #d0d7de }
.idle { fill: #9ec5e8 } .one { fill: #2f81c7 } .more { fill: #c2571a }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .tick { fill: #9198a1 } line { stroke: #3d444d }
  .idle { fill: #36597a } .one { fill: #4b9fe6 } .more { fill: #f0883e } }
"""


def from_events(lines):
    """Timings of the same form; "cpu" is not known."""
    events = [event for event in map(json.loads, lines) if "time" in event]
    first, last = events[0]["time"], events[-1]["time"]
    phases = [{"name": e["phase"], "begin": e["time"] - first - e["seconds"], "wall": e["seconds"]} for e in events if e["event"] == "end"]
    return {"wall": last - first, "phases": sorted(phases, key=lambda p: p["begin"])}


def load(path):
    text = Path(path).read_text()
    try:
        return json.loads(text)["timings"]
    except json.JSONDecodeError:
        return from_events(text.splitlines())


def end(phase):
    return phase["begin"] + phase["wall"]


def critical(timings):
    """The phases that made the build as long as it was: backwards, always the one whose end the next waited for."""
    chain = [max(timings["phases"], key=end)]
    while before := [p for p in timings["phases"] if end(p) <= chain[0]["begin"] + SLACK and p["begin"] < chain[0]["begin"]]:
        chain.insert(0, max(before, key=end))
    return chain


def busy(timings, phase):
    """CPU seconds of all that ran while this phase did, itself included."""
    def share(other):
        overlap = min(end(phase), end(other)) - max(phase["begin"], other["begin"])
        return other["cpu"] * max(overlap, 0) / other["wall"] if other["wall"] else 0
    return sum(map(share, timings["phases"]))


def look(phase):
    if "cpu" not in phase or not phase["wall"]:
        return UNKNOWN
    return next(name for limit, name, _ in CLASSES if phase["cpu"] / phase["wall"] < limit)


def step(seconds):
    """Between the axis' marks."""
    return next(s for s in (1, 2, 5, 10, 20, 50, 100, 500, 3600) if seconds / s <= TICKS_MAX)


def text(x, y, what, kind="name"):
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}">{html.escape(what)}</text>\n'


def numbers(y, wall, cpu):
    return text(NAME + CHART + 60, y, wall, "number") + text(NAME + CHART + NUMBERS - 14, y, cpu, "number")


def bar(phase, y, scale):
    x, width = NAME + phase["begin"] * scale, max(phase["wall"] * scale, MIN_BAR)
    box = f'<rect x="{x:.1f}" y="{y + 4}" width="{width:.1f}" height="{ROW - 7}" rx="2" class="{look(phase)}"/>\n'
    return text(8, y + 14, phase["name"]) + box + numbers(y + 14, f'{phase["wall"]:.1f}', f'{phase["cpu"]:.1f}' if "cpu" in phase else "")


def axis(timings, bottom, scale):
    every = step(timings["wall"])
    marks = [n * every for n in range(int(timings["wall"] / every) + 1)]
    return "".join(f'<line x1="{NAME + s * scale:.1f}" x2="{NAME + s * scale:.1f}" y1="{TOP}" y2="{bottom}"/>\n' +
                   text(NAME + s * scale, bottom + 14, f"{s} s", "tick") for s in marks)


def legend(y):
    """CLASSES, side by side."""
    def one(n, name, words):
        x = NAME + LEGEND * n
        return f'<rect x="{x}" y="{y - 9}" width="10" height="10" rx="2" class="{name}"/>\n' + text(x + 15, y, f"{words} busy")
    return "".join(one(n, name, words) for n, (_, name, words) in enumerate(CLASSES))


def draw(timings, title):
    phases, scale = timings["phases"], CHART / timings["wall"]
    said = "cpu" in phases[0]
    bottom = TOP + ROW * len(phases)
    width, height = NAME + CHART + NUMBERS, bottom + BOTTOM + 16
    total = f'{timings["wall"]:.1f} s' + (f', {timings["cpu"]:.1f} CPU s' if "cpu" in timings else "")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n'
            f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n" + text(8, 18, f"{title}: {total}", "title") +
            numbers(TOP - 6, "wall s", "CPU s" if said else "") + axis(timings, bottom, scale) +
            "".join(bar(p, TOP + ROW * n, scale) for n, p in enumerate(phases)) +
            (legend(bottom + BOTTOM + 4) if said else "") + "</svg>\n")


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    source, target, *title = sys.argv[1:]
    Path(target).write_text(draw(load(source), *title or [Path(source).name]))


if __name__ == "__main__":
    main()
