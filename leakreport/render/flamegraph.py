"""The flame graph of one run: widths by inclusive bytes, shades by how much of them is lost."""

from __future__ import annotations

from leakreport.analysis.report import Report
from leakreport.render.flame_svg import FlameGraph, Look, icicle
from leakreport.render.phrases import frame_name
from leakreport.units import format_bytes, format_share

_MOST_BOXES = 150
_MOST_LEVELS = 40
_LEAST_WIDTH = 0.5


def flame_graph(report: Report) -> FlameGraph:
    """The widest boxes of the report's tree."""
    tree = report.tree
    return icicle(
        tree.parent,
        tree.depth,
        tree.inclusive_bytes,
        lambda index: _look(report, index),
        most_boxes=_MOST_BOXES,
        most_levels=_MOST_LEVELS,
        least_width=_LEAST_WIDTH,
    )


def _look(report: Report, index: int) -> Look:
    tree = report.tree
    amount, lost, whole = tree.inclusive_bytes[index], tree.lost_bytes[index], tree.inclusive_bytes[0]
    name = _name(report, index)
    share = lost / amount if amount else 0.0
    shade, fill = ("k3", "#a9a397") if share > 0.5 else ("k2", "#d3cec4") if share > 0 else ("k1", "#ebe8e2")
    text = f"{name}: {format_bytes(amount)}, {format_share(amount, whole)} of all"
    if report.by_kind:
        text += f", {format_bytes(lost)} of it lost"
    return Look(name, text, shade, fill, is_responsible=tree.is_responsible[index])


def _name(report: Report, index: int) -> str:
    frame = report.tree.frame[index]
    if frame == -1:
        return "all retained memory"
    if frame < 0:
        return f"{report.tree.folded_paths[index]} small paths"
    return frame_name(report.frames[frame])[:300]
