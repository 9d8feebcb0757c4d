"""The trees that pages draw: of one run, of a comparison, of a trend. What columns there are, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from leakreport.analysis.drawing import Drawing, Ends
from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.identity import is_told
from leakreport.analysis.pagetree import FOLDED, Meaning, Mode, PageTree
from leakreport.analysis.paths import PathTable
from leakreport.analysis.preorder import pre_order
from leakreport.analysis.pruning import Contents, pruned
from leakreport.model.columns import Int64Column, exact_sum, renumbered
from leakreport.model.metrics import METRICS
from leakreport.model.raw import Frame

_MOST_NODES = 20_000
_MOST_FIGURES = 56_000
"""Nodes times columns of a page that can be attached to a ticket."""
MOST_STEP_FIGURES = 600_000
"""The same with the states of a timeline, which differ in little."""
MOST_STEPS = 40
"""States of a timeline that have a column."""
LIKE_ANOTHER = 0.25
"""What a further state of the same paths counts: most of it is as in the first."""
_SMALL_GROWTH = 0.2
"""Of all that is held after."""


def metrics_by_path(names: Sequence[str]) -> list[str]:
    """Those of some metrics that a tree has as columns: what is lost is the sum of three of them."""
    found = [name for name in names if METRICS[name].is_additive and not name.startswith("leaked_")]
    return found or ["retained_bytes"]


def ends_of(rows: PathTable, numbers: Int64Column | None = None) -> tuple[Ends, Int64Column]:
    """Where the paths of some rows end, and per row which of the ends is its own.

    Args:
        rows: of a report.
        numbers: per frame of the rows its index in the report, where that is another.
    """
    paths = rows.paths
    node = np.full(len(paths.stacks), -1, dtype=np.int64)
    node[rows.stack] = rows.node
    used, place = renumbered(rows.stack.astype(np.int32), len(paths.stacks))
    stacks = paths.stacks if len(used) == len(paths.stacks) else paths.stacks.taken(used)
    if numbers is not None:
        stacks = type(stacks)(numbers[stacks.flat].astype(np.int32), stacks.offsets)
    return Ends(stacks, node[used], paths.responsible[used]), place.astype(np.int64)


def usual_nodes(columns: float) -> int:
    """How many nodes a page keeps where nobody asks for a number.

    Args:
        columns: how many figures a node has; of those that mostly repeat others, a part.
    """
    return min(_MOST_NODES, int(_MOST_FIGURES / max(columns, 1)))


def spread(numbers: Sequence[int], most: int, *, first: Sequence[int]) -> list[int]:
    """At most so many of some numbers: those that go first, then evenly spaced ones.

    >>> spread(range(10), 4, first=[9, 0])
    [9, 0, 3, 6]
    """
    if len(numbers) <= most:
        return list(numbers)
    even = (
        [numbers[place] for place in np.linspace(0, len(numbers) - 1, most, dtype=np.int64).tolist()]
        if most > 0
        else []
    )
    return list(dict.fromkeys([*first, *even]))[: max(most, len(dict.fromkeys(first)))]


def growth_meaning(held: Mapping[str, Int64Column], compare: tuple[str, str], titles: tuple[str, str]) -> Meaning:
    """The modes of two states: of a small growth itself, or it could not be seen beside what is held."""
    before, after = compare
    modes = (
        Mode("after", titles[1], column=after),
        Mode("before", titles[0], column=before),
        Mode("growth", "Growth only", before=before, after=after),
    )
    grown = exact_sum(np.maximum(held[after] - held[before], 0))
    is_small = 0 < grown < _SMALL_GROWTH * exact_sum(held[after])
    return Meaning(modes, "growth" if is_small else "after", compare)


def page_tree(
    drawing: Drawing,
    contents: Contents,
    *,
    frames: Sequence[Frame],
    columns: FrameColumns,
    meaning: Meaning,
    order: Sequence[str],
    most_nodes: int,
) -> PageTree:
    """A drawing as a page has it.

    Args:
        drawing: all paths.
        contents: what they hold.
        frames: of the report.
        columns: what is known about these.
        meaning: what the columns say.
        order: columns by which children are sorted, the largest first.
        most_nodes: how many nodes are kept beside the folded ones.
    """
    part = pruned(drawing, contents, most_nodes)
    weights = [part.columns[name] for name in order]
    tree = part.tree
    nodes = pre_order(tree, weights, _places(tree.frame, frames), tree.frame == FOLDED)
    position = np.empty(len(nodes), dtype=np.int64)
    position[nodes] = np.arange(len(nodes))
    return PageTree(
        depth=tree.depth[nodes].astype(np.int64),
        frame=tree.frame[nodes],
        columns={name: column[nodes] for name, column in part.columns.items()},
        path_count=part.path_count[nodes],
        responsible=np.sort(position[part.responsible]),
        folded=_moved(part.folded, position),
        repeats=_moved(part.repeats, position),
        row_node=position[part.row_node],
        is_bent=part.is_bent,
        largest_folded=part.largest_folded,
        meaning=meaning,
        keys=_keys(frames, columns.key),
    )


def _moved(pairs: Int64Column, position: Int64Column) -> Int64Column:
    """Facts about nodes, by the new numbers of these."""
    found = pairs.copy()
    found[:, 0] = position[pairs[:, 0]]
    return found[np.argsort(found[:, 0])]


def _places(frame: Int64Column, frames: Sequence[Frame]) -> Int64Column:
    """Per node its place in the order of names; what is no frame comes first."""
    used, place = np.unique(frame, return_inverse=True)
    named = [_name(frames[index]) if index >= 0 else ("",) for index in used.tolist()]
    order = sorted(range(len(used)), key=lambda number: (named[number], number))
    places = np.empty(len(used), dtype=np.int64)
    places[order] = np.arange(len(used))
    return places[place]


def _name(frame: Frame) -> tuple[str, str, str, int]:
    return frame.function or "", frame.module or "", frame.path or "", frame.line or 0


def _keys(frames: Sequence[Frame], keys: Sequence[str]) -> dict[str, str]:
    """Canonical names of functions, where these differ. A frame may show another name than the one it is known by."""
    known = {frame.function: key for frame, key in zip(frames, keys, strict=True) if frame.function is not None}
    return {function: key for function, key in known.items() if function != key and is_told(key, function)}
