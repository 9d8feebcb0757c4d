"""The series of every call path: what it holds at each point, and which paths of separate runs are one.

All points stand on one tree, so their paths are made once, and a series is a column of each point read at the node of
the path. Runs of one build share their stacks as dumps of one process do; where the code changed between two runs, the
paths are joined by id, and those without a partner by the matching that comparisons use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from leakreport.analysis.frames import FrameColumns
from leakreport.analysis.paths import PathTable, RecordNames
from leakreport.analysis.processes import Grouping, Judged
from leakreport.analysis.rows import path_rows, rows_in, values_at
from leakreport.analysis.trendjoin import Build, join_builds
from leakreport.analysis.trendpoints import Points, State
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column
from leakreport.model.metrics import LeakKind
from leakreport.model.snapshot import Run


@dataclass(frozen=True, slots=True, eq=False)
class SeriesTable:
    """One series per path. Shape: series × points in the matrices."""

    rows: PathTable
    """Per series its path, as it is in the last point that has it; values are those of the last point with paths."""
    ids: Sequence[str]
    other_ids: Mapping[int, tuple[str, ...]]
    """By series, the ids that the path had in earlier builds, where they differ."""
    values: Int64Column
    is_missing: BoolColumn
    """Where a path was not measured: a point without paths or without the metric, or one that did not record its leak kind."""
    quanta: Float64Column
    """The smallest change that means one event: the mean block."""


def series_of(
    run: Run, points: Points, columns: FrameColumns, metric: str, *, is_rust: bool, build_of: Sequence[str]
) -> SeriesTable:
    """The series of all paths that any point has.

    Args:
        run: all inputs.
        points: which of its snapshots stand where.
        columns: of the frames of the run.
        metric: whose values.
        is_rust: whether Rust's run-time is glue.
        build_of: per point a text that two points share only if they are of one build; empty where unknown.
    """
    detailed = [number for number, state in enumerate(points.states) if state.point.is_detailed]
    states = [points.states[number] for number in detailed]
    rows = _all_rows(run, states, columns, is_rust=is_rust)
    rows = rows.taken(rows.has(metric))
    held = [values_at(state.judged, rows, metric) for state in states]
    if points.is_series or not states:
        builds = [Build(np.arange(len(rows)), tuple(range(len(states))))]
    else:
        present = [rows_in(state.judged, run, rows) for state in states]
        held = [np.where(has, amounts, 0) for has, amounts in zip(present, held, strict=True)]
        builds = _builds(rows, columns, present, [build_of[number] for number in detailed])
    joined = join_builds(rows, builds, held, run.frames, columns)
    count = len(joined.representative)
    values = np.zeros((count, len(points.states)), dtype=np.int64)
    all_bytes, all_blocks = np.zeros(count), np.zeros(count)
    has_blocks = metric.endswith("_bytes")
    for build, series in zip(builds, joined.series_of_row, strict=True):
        for place in build.points:
            amounts = held[place][build.rows]
            np.add.at(values[:, detailed[place]], series, amounts)
            if has_blocks:
                blocks = values_at(states[place].judged, rows, f"{metric.removesuffix('_bytes')}_blocks")[build.rows]
                all_bytes += np.bincount(series, weights=amounts, minlength=count)
                all_blocks += np.bincount(series, weights=np.where(amounts != 0, blocks, 0), minlength=count)
    quanta = np.maximum(np.where(all_blocks > 0, all_bytes / np.maximum(all_blocks, 1), 1.0), 1.0)
    chosen = rows.taken(joined.representative)
    return SeriesTable(
        rows=chosen,
        ids=joined.ids,
        other_ids=joined.other_ids,
        values=values,
        is_missing=_missing(points.states, chosen.leak_kind, metric),
        quanta=quanta,
    )


def _all_rows(run: Run, states: Sequence[State], columns: FrameColumns, *, is_rust: bool) -> PathTable:
    """Every path of any point once, with the values of the last."""
    members = tuple(dict.fromkeys(chain.from_iterable(state.point.members for state in states)))
    last = states[-1].judged if states else Judged((), {}, {}, Grouping.SERIES, ())
    rows = path_rows(
        run, Judged(members, last.totals, last.columns, Grouping.SERIES, (), last.variances), columns, is_rust=is_rust
    )
    # Names of records are of one snapshot each, and nobody asks a trend for them.
    none = np.zeros(len(rows), dtype=np.int64)
    return replace(rows, records=RecordNames((), none[:0]), first_record=none, end_of_records=none)


def _missing(states: Sequence[State], kinds: Int64Column, metric: str) -> BoolColumn:
    missing = np.zeros((len(kinds), len(states)), dtype=np.bool_)
    for number, state in enumerate(states):
        # A sample of descriptors has paths, and says nothing of memory.
        is_other = metric not in state.judged.columns and all(meta.is_process_view for meta in state.metas)
        if not state.point.is_detailed or is_other:
            missing[:, number] = True
            continue
        recorded = frozenset.intersection(*(meta.kinds_recorded for meta in state.metas))
        for kind in np.unique(kinds).tolist():
            if kind != LeakKind.NONE and LeakKind(kind) not in recorded:
                missing[kinds == kind, number] = True
    return missing


def _builds(
    rows: PathTable, columns: FrameColumns, present: Sequence[BoolColumn], build_of: Sequence[str]
) -> list[Build]:
    """Runs in a row whose code did not change, each with the paths that any of them has."""
    groups: list[list[int]] = []
    for number, has in enumerate(present):
        is_same = number > 0 and (
            (build_of[number] != "" and build_of[number] == build_of[number - 1])
            or _is_same_code(rows, columns, present[number - 1], has)
        )
        if is_same:
            groups[-1].append(number)
        else:
            groups.append([number])
    return [
        Build(np.flatnonzero(np.logical_or.reduce([present[number] for number in group])), tuple(group))
        for group in groups
    ]


def _is_same_code(rows: PathTable, columns: FrameColumns, before: BoolColumn, after: BoolColumn) -> bool:
    """Whether nothing says that the code changed between two runs.

    Heuristic: it changed where a path has other lines on the two sides, or functions vanished while others appeared. It
    errs where one run took the one of two calls in a function and the next run the other: then ids decide, and matching.
    """
    gone, new = before & ~after, after & ~before
    texts = rows.paths.text[rows.stack]
    if not gone.any() or not new.any():
        return True
    if np.intersect1d(texts[gone], texts[new]).size:
        return False
    stacks = rows.paths.stacks
    # Code without a name is known by its place.
    code = np.where(columns.function >= 0, columns.function, columns.place + len(columns.functions))

    def codes(has: BoolColumn) -> BoolColumn:
        on_stack = np.zeros(len(stacks), dtype=np.bool_)
        on_stack[rows.stack[has]] = True
        found = np.zeros(int(code.max(initial=-1)) + 1, dtype=np.bool_)
        found[code[stacks.flat[np.repeat(on_stack, stacks.lengths)]]] = True
        return found

    return not ((codes(gone) & ~codes(after)).any() and (codes(new) & ~codes(before)).any())
