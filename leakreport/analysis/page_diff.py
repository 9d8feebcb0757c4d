"""The tree on the page of a comparison: what every path held before and after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leakreport.analysis.difftable import DiffTable, amounts_of
from leakreport.analysis.drawing import drawing_of, with_frames
from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.pages import LIKE_ANOTHER, ends_of, growth_meaning, metrics_by_path, page_tree, usual_nodes
from leakreport.analysis.pagetree import PageTree
from leakreport.analysis.pruning import Contents, Weight
from leakreport.model.calltree import CallTree
from leakreport.model.columns import sums_at
from leakreport.model.raw import Frame

_SIDES = ("before", "after")


def page_of_diff(
    table: DiffTable,
    after: CallTree,
    frames: Sequence[Frame],
    columns: FrameColumns,
    *,
    metric: str,
    most_nodes: int | None,
) -> PageTree:
    """The tree of a comparison. A path is drawn by its later stack, one that is gone by its own.

    Args:
        table: all rows, in the order of the report.
        after: the tree of the later run.
        frames: of both runs.
        columns: what is known about these.
        metric: what ranks the rows.
        most_nodes: how many nodes are kept; None for the usual number.
    """
    numbers = [np.asarray(half.frame_index, dtype=np.int64) for half in table.halves]
    is_gone = table.is_shown_before
    later, place_of_later = ends_of(table.halves[1].rows.taken(table.first[1][~is_gone]), numbers[1])
    gone, place_of_gone = ends_of(table.halves[0].rows.taken(table.first[0][is_gone]), numbers[0])
    # The tree is that of the later run: what is only in the other one stands beside it.
    gone.node[:] = -1
    ends = later.joined(gone)
    row_end = np.empty(len(table), dtype=np.int64)
    row_end[~is_gone] = place_of_later
    row_end[is_gone] = len(later) + place_of_gone
    known = {name for half in table.halves for name in half.rows.metrics()}
    names = metrics_by_path([name for name in table.metrics if name in known])
    held = {
        f"{_SIDES[side]}.{name}": sums_at(
            row_end, amounts_of(table, side, half.rows.column(name)), len(ends), "all paths"
        )
        for name in names
        for side, half in enumerate(table.halves)
    }
    most = most_nodes or usual_nodes(len(names) * (1 + LIKE_ANOTHER))
    judged = next((name for name in ("retained_bytes", metric) if name in names), names[0])
    compare = f"before.{judged}", f"after.{judged}"
    meaning = growth_meaning(held, compare, ("Before", "After"))
    contents = Contents(
        columns=held,
        path_count=sums_at(row_end, np.ones(len(table), dtype=np.int64), len(ends), "paths"),
        weights=[Weight(held[name]) for name in compare],
        row_end=row_end,
        compare=compare,
    )
    return page_tree(
        drawing_of(with_frames(after, numbers[1]), ends, len(frames)),
        contents,
        frames=frames,
        columns=columns,
        meaning=meaning,
        order=compare[::-1],
        most_nodes=most,
    )
