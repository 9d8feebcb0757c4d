"""The tree on the page of one run: what is held, by kind, and at other moments of its timeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from leakreport.analysis.drawing import Ends, drawing_of
from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.pages import (
    LIKE_ANOTHER,
    MOST_STEP_FIGURES,
    MOST_STEPS,
    ends_of,
    metrics_by_path,
    page_tree,
    spread,
    usual_nodes,
)
from leakreport.analysis.pagetree import Meaning, Mode, PageTree, Step
from leakreport.analysis.paths import PathTable
from leakreport.analysis.pruning import Contents, Weight
from leakreport.analysis.report import SnapshotSummary
from leakreport.analysis.stacks import Stacks
from leakreport.model.calltree import CallTree
from leakreport.model.columns import Int64Column, exact_sum, sums_at
from leakreport.model.metrics import LEAK_KINDS, METRICS
from leakreport.model.raw import Frame

_HELD = "retained_bytes"
_OF_KINDS = {name for kind in LEAK_KINDS for name in (kind.bytes_metric, kind.blocks_metric)}


def page_of_run(
    rows: PathTable,
    tree: CallTree,
    frames: Sequence[Frame],
    columns: FrameColumns,
    *,
    metric: str,
    timeline: Sequence[SnapshotSummary],
    judged: int,
    is_everything: bool,
    most_nodes: int | None,
) -> PageTree:
    """The tree of a report on one run.

    Args:
        rows: its paths.
        tree: of the run.
        frames: of the report; those of the run come first.
        columns: what is known about these.
        metric: what ranks the paths.
        timeline: the states of the judged process, if there are several.
        judged: which of all snapshots is judged.
        is_everything: whether no path is hidden; else other moments show the same paths only.
        most_nodes: how many nodes are kept; None for the usual number.
    """
    names = metrics_by_path(rows.metrics())
    ends, row_end = ends_of(rows)
    states = min(sum(column is not None for column in rows.series), MOST_STEPS)
    # Kinds share out what is retained.
    most = most_nodes or usual_nodes(sum(name not in _OF_KINDS for name in names) + LIKE_ANOTHER * states)
    moments = _moments(rows, timeline, judged, min(MOST_STEP_FIGURES // min(len(tree), most) - len(names), MOST_STEPS))
    if is_everything:
        ends = _with_others(ends, tree, moments)
    held = {name: sums_at(row_end, rows.column(name), len(ends), name) for name in names}
    others = {_name_of(index): column[ends.node] for index, column in moments.items()}
    modes = _modes(held)
    mode = next((mode.key for mode in modes if mode.key == metric), modes[0].key)
    contents = Contents(
        columns={**held, **others},
        path_count=sums_at(row_end, np.ones(len(rows), dtype=np.int64), len(ends), "paths"),
        weights=_weights(held, others, [mode.key for mode in modes]),
        row_end=row_end,
    )
    steps = [
        Step(state.index, _HELD if state.index == judged else _column_of(state.index, moments)) for state in timeline
    ]
    return page_tree(
        drawing_of(tree, ends, len(frames)),
        contents,
        frames=frames,
        columns=columns,
        meaning=Meaning(modes, mode, steps=tuple(steps) if len(steps) > 1 else ()),
        order=[mode],
        most_nodes=most,
    )


def _name_of(snapshot: int) -> str:
    return f"series.{_HELD}.{snapshot}"


def _column_of(snapshot: int, moments: Mapping[int, Int64Column]) -> str | None:
    return _name_of(snapshot) if snapshot in moments else None


def _moments(rows: PathTable, timeline: Sequence[SnapshotSummary], judged: int, most: int) -> dict[int, Int64Column]:
    """By snapshot what its nodes hold: the peak, the last, and evenly spaced ones of those that have paths."""
    if not rows.series:
        return {}
    known = {state.index: column for state in timeline if (column := rows.series[state.index]) is not None}
    other = [index for index in known if index != judged]
    totals = {state.index: state.totals.get(_HELD, 0) for state in timeline}
    chosen = spread(other, most, first=[max(other, key=lambda index: totals[index]), other[-1]] if other else [])
    return {index: known[index] for index in chosen}


def _with_others(ends: Ends, tree: CallTree, moments: Mapping[int, Int64Column]) -> Ends:
    """With the paths that only other moments have. Which of their frames are responsible nobody asked."""
    is_other = np.zeros(len(tree), dtype=np.bool_)
    for column in moments.values():
        is_other |= column != 0
    is_other[ends.node] = False
    nodes = np.flatnonzero(is_other)
    if not nodes.size:
        return ends
    return ends.joined(Ends(Stacks.ending_at(tree, nodes), nodes, np.full(len(nodes), -1, dtype=np.int64)))


def _modes(held: Mapping[str, Int64Column]) -> tuple[Mode, ...]:
    """Everything in bytes that there is any of; without bytes, blocks."""
    for unit in ("bytes", "blocks", "count"):
        names = [name for name in held if METRICS[name].unit == unit]
        order = sorted(names, key=lambda name: (not name.startswith("retained"), name not in _OF_KINDS))
        found = [name for name in order if held[name].any()] or order[:1]
        if found:
            return tuple(Mode(name, METRICS[name].title, column=name) for name in found)
    return ()


def _weights(held: Mapping[str, Int64Column], others: Mapping[str, Int64Column], modes: Sequence[str]) -> list[Weight]:
    """What a path held at most, and what else widths show, each as its part of the whole."""
    largest = held[modes[0]]
    for column in others.values():
        largest = np.maximum(largest, column)
    whole = max(exact_sum(held[modes[0]]), 1)
    found = [Weight(largest)]
    for name in modes[1:]:
        if name not in _OF_KINDS:
            found.append(Weight(held[name], whole / exact_sum(held[name])))
    return found
