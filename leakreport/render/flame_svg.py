"""An icicle graph as boxes: root at the top, widths that add up, the same for every kind of report."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import NamedTuple

from leakreport.render.names import shorten_name

WIDTH = 1120
ROW_HEIGHT = 21
_CHARACTER = 6.93
_LEAST_LABELLED = 24
# From which share of all growth (or shrinkage) each step of the scale is used.
_STEPS = (0.0005, 0.01, 0.10, 0.50, 0.90)
NEUTRAL = ("k0", "#ebe8e2")
_GROWTH = ("#f7e3d0", "#f3c79e", "#e99f5d", "#cf6f22", "#a8460a")
_SHRINKAGE = ("#dfe9f5", "#bcd4ee", "#8ab4e2", "#4a86c8", "#1c5fa8")


def shade_of(share: float) -> tuple[str, str]:
    """The class and the colour without style of a share of all growth, or, negative, of all shrinkage.

    >>> shade_of(0.0001), shade_of(0.9), shade_of(-0.05)
    (('k0', '#ebe8e2'), ('g5', '#a8460a'), ('s2', '#bcd4ee'))
    """
    step = bisect_right(_STEPS, abs(share))
    if not step:
        return NEUTRAL
    return (f"g{step}", _GROWTH[step - 1]) if share > 0 else (f"s{step}", _SHRINKAGE[step - 1])


class Look(NamedTuple):
    """What a box says and shows. `shade` is a class of the style sheet; the colours are for pages without style."""

    name: str
    title: str
    shade: str
    fill: str
    is_responsible: bool = False
    is_dashed: bool = False

    @property
    def ink(self) -> str:
        """The colour of text on it, without style."""
        return "#ffffff" if self.shade in {"g5", "s5"} else "#1b1a17"


class Box(NamedTuple):
    """One rectangle; all in pixels of a graph `WIDTH` wide."""

    x: float
    y: int
    width: float
    label: str
    look: Look


class FlameGraph(NamedTuple):
    """The boxes and the height of the graph."""

    boxes: list[Box]
    height: int
    is_cut: bool
    width: int = WIDTH


def icicle(
    parents: Sequence[int],
    depths: Sequence[int],
    weights: Sequence[int],
    look_of: Callable[[int], Look],
    *,
    most_boxes: int | None = None,
    most_levels: int | None = None,
    least_width: float = 0.0,
) -> FlameGraph:
    """The widest boxes of a tree in pre-order. A child is never wider than its parent, so what is drawn hangs together.

    Args:
        parents: index of the parent per node, -1 for the root, which comes first.
        depths: 0 for the root.
        weights: of the node and all below it; at least 0.
        look_of: asked for drawn nodes only.
        most_boxes: how many are drawn.
        most_levels: how deep.
        least_width: in pixels.
    """
    whole = weights[0] if len(weights) else 0
    if whole <= 0:
        return FlameGraph([], 0, is_cut=False)
    scale = WIDTH / whole
    left = [0.0] * len(weights)
    used = [0.0] * len(weights)
    for index in range(1, len(weights)):
        parent = parents[index]
        left[index] = left[parent] + used[parent]
        used[parent] += weights[index] * scale
    deepest = max(depths) + 1 if most_levels is None else most_levels
    drawn = [i for i in range(len(weights)) if depths[i] < deepest and weights[i] * scale >= least_width]
    drawn.sort(key=lambda index: (-weights[index], depths[index], index))
    drawn = sorted(drawn[:most_boxes])
    boxes = [_box(look_of(index), left[index], depths[index], weights[index] * scale) for index in drawn]
    return FlameGraph(boxes, max(box.y for box in boxes) + ROW_HEIGHT, is_cut=len(drawn) < len(weights))


def _box(look: Look, x: float, depth: int, width: float) -> Box:
    room = int((width - 9) / _CHARACTER)
    label = "" if width < _LEAST_LABELLED or room < 2 else shorten_name(look.name, room)
    return Box(round(x, 1), depth * ROW_HEIGHT, round(max(width - 1, 0.8), 1), label, look)
