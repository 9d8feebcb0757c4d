"""Whether the runs of a trend can be compared: each with the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from leakreport.analysis.comparable import mismatches
from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.trendpoints import State
from leakreport.analysis.trendseries import SeriesTable
from leakreport.model.columns import BoolColumn
from leakreport.model.raw import SnapshotMeta
from leakreport.model.snapshot import Run

_MOST_REASONS = 3


def build_of(metas: Sequence[SnapshotMeta]) -> str:
    """A text that says which builds of which objects ran; empty where the inputs do not tell of every object."""
    metas = [meta.actual for meta in metas]
    builds = {pair for meta in metas for pair in meta.build_ids}
    for meta in metas:
        for mapping in meta.mappings:
            if mapping.path.startswith("/"):
                if mapping.build_id is None:
                    return ""
                builds.add((mapping.path, mapping.build_id))
    return " ".join(f"{module}={build}" for module, build in sorted(builds))


def trend_mismatches(states: Sequence[State], columns: FrameColumns, run: Run, table: SeriesTable) -> tuple[str, ...]:
    """Why the figures of some runs say nothing together, in the words of a comparison, with the names of the runs."""
    used = [_functions_of(state, columns, run) for state in states]
    found: list[str] = []
    for number in range(1, len(states)):
        before, after = states[number - 1], states[number]
        has = [(table.values[:, place] != 0) & ~table.is_missing[:, place] for place in (number - 1, number)]
        reasons = mismatches(before.metas, after.metas, used[number - 1], used[number], _recognised(*has))
        names = f"{before.point.label} → {after.point.label}"
        found += [f"{names}: {reason}" for reason in reasons]
    if len(found) > _MOST_REASONS:
        return (*found[:_MOST_REASONS], f"{len(found) - _MOST_REASONS} more reasons of this kind.")
    return tuple(found)


def _recognised(before: BoolColumn, after: BoolColumn) -> float:
    """The share of the paths of one run that the other has as well, the smaller of both."""
    both = int((before & after).sum())
    return both / max(1, int(before.sum()), int(after.sum())) if before.any() or after.any() else 1.0


def _functions_of(state: State, columns: FrameColumns, run: Run) -> FrameColumns:
    """The columns of the frames that a run has: only its functions count."""
    tree = run.tree
    on_path = np.zeros(len(tree.parent), dtype=np.bool_)
    for index in state.point.members:
        records = run.snapshots[index].records
        if records is not None:
            on_path[records.node] = True
    # Parents come before children: one pass from the end marks what leads to a record.
    for depth in range(int(tree.depth.max(initial=0)), 0, -1):
        nodes = np.flatnonzero(on_path & (tree.depth == depth))
        on_path[tree.parent[nodes]] = True
    frames = np.unique(tree.frame[on_path])
    functions = columns.function[frames[frames >= 0]]
    known = [columns.functions[number] for number in np.unique(functions[functions >= 0]).tolist()]
    return replace(columns, function=functions, functions=known)
