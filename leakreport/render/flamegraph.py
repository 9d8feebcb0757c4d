"""The flame graph of one run as boxes: an icicle, root at the top, widths by inclusive bytes."""

from __future__ import annotations

from typing import NamedTuple

from leakreport.analysis.report import Report
from leakreport.render.phrases import frame_name
from leakreport.units import format_bytes, format_share

WIDTH = 1120
ROW_HEIGHT = 21
_MOST_BOXES = 150
_MOST_LEVELS = 40
_CHARACTER = 6.93


class Box(NamedTuple):
    """One rectangle; all in pixels of a graph `WIDTH` wide."""

    x: float
    y: int
    width: float
    label: str
    title: str
    shade: str
    fill: str
    is_responsible: bool


class FlameGraph(NamedTuple):
    """The boxes and the height of the graph."""

    boxes: list[Box]
    height: int
    is_cut: bool


def flame_graph(report: Report) -> FlameGraph:
    """The widest boxes of the report's tree. A child is never wider than its parent, so what is drawn hangs together."""
    tree = report.tree
    whole = tree.inclusive_bytes[0] if len(tree) else 0
    if whole <= 0:
        return FlameGraph([], 0, is_cut=False)
    left = [0.0] * len(tree)
    used = [0.0] * len(tree)
    for index in range(1, len(tree)):
        parent = tree.parent[index]
        left[index] = left[parent] + used[parent]
        used[parent] += tree.inclusive_bytes[index] / whole * WIDTH
    candidates = [
        i for i in range(len(tree)) if tree.depth[i] < _MOST_LEVELS and tree.inclusive_bytes[i] / whole * WIDTH >= 0.5
    ]
    candidates.sort(key=lambda index: (-tree.inclusive_bytes[index], tree.depth[index], index))
    chosen = sorted(candidates[:_MOST_BOXES])
    boxes = [_box(report, index, left[index], whole) for index in chosen]
    height = max(box.y for box in boxes) + ROW_HEIGHT
    return FlameGraph(boxes, height, is_cut=len(chosen) < len(tree))


def _box(report: Report, index: int, x: float, whole: int) -> Box:
    tree = report.tree
    amount, lost = tree.inclusive_bytes[index], tree.lost_bytes[index]
    width = amount / whole * WIDTH
    name = _name(report, index)
    share = lost / amount if amount else 0.0
    shade, fill = ("k3", "#a9a397") if share > 0.5 else ("k2", "#d3cec4") if share > 0 else ("k1", "#ebe8e2")
    text = f"{name}: {format_bytes(amount)}, {format_share(amount, whole)} of all, {format_bytes(lost)} of it lost"
    fits = int((width - 9) / _CHARACTER)
    label = "" if width < 24 or fits < 2 else name if len(name) <= fits else name[: fits - 1] + "…"
    return Box(
        x=round(x, 1),
        y=tree.depth[index] * ROW_HEIGHT,
        width=round(max(width - 1, 0.8), 1),
        label=label,
        title=text,
        shade=shade,
        fill=fill,
        is_responsible=tree.is_responsible[index],
    )


def _name(report: Report, index: int) -> str:
    frame = report.tree.frame[index]
    if frame == -1:
        return "all retained memory"
    if frame < 0:
        return f"{report.tree.folded_paths[index]} small paths"
    return frame_name(report.frames[frame])[:300]
