"""Many snapshots or runs in order: what each call path holds over them, and whether that is growth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leakreport.analysis.analyze import input_summaries, title_of
from leakreport.analysis.frames import FrameColumns, describe
from leakreport.analysis.growth import judge_series
from leakreport.analysis.growth_results import GrowthVerdicts, GrowthWord
from leakreport.analysis.growth_text import Wording, evidence
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.ownership import ownership_of
from leakreport.analysis.processes import Grouping, Judged, exit_dumps_of, judged_of_process, processes_of
from leakreport.analysis.report import PathRow, Status
from leakreport.analysis.rows import path_rows
from leakreport.analysis.trendfit import fits_of, hidden_leaks, left_out
from leakreport.analysis.trendreport import Point, TrendReport, TrendRow
from leakreport.errors import UsageError
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from leakreport.model.snapshot import Run
from leakreport.units import format_bytes, format_change, plural

LEAST_POINTS = 2


def trend(run: Run, options: AnalysisOptions | None = None) -> TrendReport:
    """Judge the series of every call path.

    Args:
        run: the snapshots of one process, or several runs in order.
        options: what is yours.

    Raises:
        UsageError: there are not two points.
    """
    options = options or AnalysisOptions()
    processes = processes_of(run.snapshots)
    is_one = len(processes) == 1
    points = _points_of_process(run, processes[0]) if is_one else _points_of_runs(run)
    if len(points) < LEAST_POINTS:
        raise UsageError("a trend needs at least two snapshots or runs", advice="Give more inputs, in their order.")
    ownership = ownership_of(
        run.frames,
        [snapshot.meta.command for snapshot in run.snapshots],
        own=options.own,
        allocators=options.allocators,
    )
    columns = describe(run.frames, ownership)
    paths, matrix, missing, quanta = _matrix(run, points, columns, is_rust=ownership.is_rust, is_one=is_one)
    times = [point.time for point in points]
    known = [time for time in times if time is not None]
    axis = known if len(known) == len(points) else None
    verdicts = judge_series(matrix, is_missing=missing, times=axis, quantum=quanta)
    held = np.asarray([[point.totals.get("retained_bytes", 0) for point in points]], dtype=np.int64)
    of_total = judge_series(held, times=axis)
    wording = Wording(points[0].time_unit or "unit of time" if verdicts.unit == "time" else "snapshot")
    rows = [_row(path, matrix, missing, verdicts, index, wording) for index, path in enumerate(paths)]
    rows.sort(key=_order)
    growing = [row for row in rows if row.verdict.word is GrowthWord.GROWING]
    total = TrendRow(_NO_PATH, tuple(held[0].tolist()), of_total[0], evidence(of_total, 0, wording))
    status, sentence = _verdict(points, growing, total, is_complete=all(s.meta.is_complete for s in run.snapshots))
    places = axis if axis is not None and verdicts.unit == "time" else [float(n + 1) for n in range(len(points))]
    everything = Judged(tuple(range(len(run.snapshots))), {}, {}, Grouping.SERIES, ())
    return TrendReport(
        metric="retained_bytes",
        title=title_of(run.snapshots),
        status=status,
        sentence=sentence,
        lead=_lead(growing, rows, run.frames),
        reasons=(),
        inputs=input_summaries(run, everything),
        points=tuple(points),
        frames=run.frames,
        own=tuple(columns.is_own.tolist()),
        family_size=verdicts.family_size,
        per_snapshot=verdicts.per_snapshot,
        unit=verdicts.unit,
        rows=tuple(rows),
        total=total,
        hidden_leaks=hidden_leaks(rows, verdicts.per_snapshot),
        left_out=left_out(run, points),
        places=tuple(places),
        fits=fits_of(places, (total, *rows)),
    )


_NO_PATH = PathRow("", LeakKind.NONE, (), None, None, None, None, {}, ())


def _points_of_process(run: Run, process: Sequence[int]) -> list[Point]:
    left_out = exit_dumps_of(run.snapshots, [process])
    return [_point(run, (index,), str(number)) for number, index in enumerate(process) if index not in left_out]


def _points_of_runs(run: Run) -> list[Point]:
    """One point per input, in the order given: the sum of what is judged in it."""
    by_source: dict[str, list[int]] = {}
    for index, snapshot in enumerate(run.snapshots):
        by_source.setdefault(snapshot.meta.source, []).append(index)
    points = []
    for source, indexes in by_source.items():
        inside = [run.snapshots[index] for index in indexes]
        members = tuple(indexes[judged_of_process(inside, process)] for process in processes_of(inside))
        points.append(_point(run, members, source))
    return points


def _point(run: Run, members: tuple[int, ...], label: str) -> Point:
    snapshots = [run.snapshots[index] for index in members]
    totals: dict[str, int] = {}
    for snapshot in snapshots:
        for metric, amount in snapshot.totals.items():
            totals[metric] = totals.get(metric, 0) + amount
    first = snapshots[0].meta
    is_alone = len(snapshots) == 1
    return Point(
        label=first.label or label,
        members=members,
        totals=totals,
        is_detailed=all(snapshot.is_detailed for snapshot in snapshots),
        time=first.time if is_alone else None,
        time_unit=first.time_unit if is_alone else None,
    )


def _matrix(
    run: Run, points: Sequence[Point], columns: FrameColumns, *, is_rust: bool, is_one: bool
) -> tuple[list[PathRow], Int64Column, BoolColumn, Float64Column]:
    """Paths, their values (paths × points), where they were not measured, and the mean size of a block per path."""
    index: dict[tuple[str, LeakKind], int] = {}
    paths: list[PathRow] = []
    cells: list[tuple[int, int, int, int]] = []
    detailed = [number for number, point in enumerate(points) if point.is_detailed]
    for number in detailed:
        judged = _judged(run, points, detailed, number, is_one=is_one)
        rows = path_rows(run, judged, columns, is_rust=is_rust)
        held, blocks = rows.column("retained_bytes").tolist(), rows.column("retained_blocks").tolist()
        for row, path_id, kind, amount, count in zip(
            rows, rows.ids(), rows.leak_kind.tolist(), held, blocks, strict=True
        ):
            place = index.setdefault((path_id, LeakKind(kind)), len(index))
            if place == len(paths):
                paths.append(row)
            elif amount:
                paths[place] = row
            cells.append((place, number, amount, count))
    matrix = np.zeros((len(paths), len(points)), dtype=np.int64)
    quanta = np.ones(len(paths))
    if cells:
        rows_of, points_of, amounts, counts = np.asarray(cells, dtype=np.int64).T
        np.add.at(matrix, (rows_of, points_of), amounts)
        all_blocks = np.bincount(rows_of, weights=counts, minlength=len(paths))
        all_bytes = np.bincount(rows_of, weights=amounts, minlength=len(paths))
        quanta = np.maximum(all_bytes / np.maximum(all_blocks, 1), 1.0) * (all_blocks > 0) + (all_blocks == 0)
    missing = np.zeros(matrix.shape, dtype=np.bool_)
    missing[:, [number for number in range(len(points)) if number not in set(detailed)]] = True
    return paths, matrix, missing, quanta


def _judged(run: Run, points: Sequence[Point], detailed: Sequence[int], number: int, *, is_one: bool) -> Judged:
    """One point as what is judged. Dumps of one process share their stacks, so that twins keep their ordinals."""
    columns: dict[str, Int64Column] = {}
    for member in points[number].members:
        for metric, column in run.snapshots[member].columns.items():
            columns[metric] = columns[metric] + column if metric in columns else column
    members = tuple(m for other in detailed for m in points[other].members) if is_one else points[number].members
    return Judged(members, points[number].totals, columns, Grouping.SERIES, ())  # type: ignore[arg-type]


def _row(
    path: PathRow,
    matrix: Int64Column,
    missing: BoolColumn,
    verdicts: GrowthVerdicts,
    index: int,
    wording: Wording,
) -> TrendRow:
    series = tuple(
        None if is_missing else amount
        for amount, is_missing in zip(matrix[index].tolist(), missing[index].tolist(), strict=True)
    )
    return TrendRow(path, series, verdicts[index], evidence(verdicts, index, wording))


def _order(row: TrendRow) -> tuple[object, ...]:
    is_growing = row.verdict.word is GrowthWord.GROWING
    return not is_growing, -row.verdict.slope if is_growing else -row.verdict.last, row.path.id, row.path.leak_kind


def _verdict(
    points: Sequence[Point], growing: Sequence[TrendRow], total: TrendRow, *, is_complete: bool
) -> tuple[Status, str]:
    first, last = total.verdict.first, total.verdict.last
    ends = f"{format_bytes(first)} first, {format_bytes(last)} last, over {plural(len(points), 'snapshot')}"
    if len(points) == LEAST_POINTS:
        change = (
            "the same" if first == last else f"larger by {format_bytes(last - first)}" if last > first else "smaller"
        )
        return Status.INCONCLUSIVE, f"Two points cannot show growth; the last is {change}: {ends}"
    if growing or total.verdict.word is GrowthWord.GROWING:
        return Status.GROWTH, f"{plural(len(growing), 'path is growing', 'paths are growing')}: {ends}"
    if total.verdict.word is GrowthWord.TOO_FEW or not is_complete:
        return Status.INCONCLUSIVE, f"Too few snapshots to tell ({format_change(last - first)}): {ends}"
    return Status.NO_GROWTH, f"No path is growing: {ends}"


def _lead(growing: Sequence[TrendRow], rows: Sequence[TrendRow], frames: Sequence[Frame]) -> tuple[str, ...]:
    found = []
    for row in growing[:3]:
        position = row.path.named_by if row.path.named_by is not None else row.path.site
        frame = None if position is None else frames[row.path.frames[position]]
        name = "a path without names" if frame is None else frame.function or frame.module_name or "unnamed code"
        found.append(f"{name}: {row.evidence}")
    words: dict[str, int] = {}
    for row in rows:
        words[row.verdict.word.value] = words.get(row.verdict.word.value, 0) + 1
    found.append("Paths by verdict: " + ", ".join(f"{count:,} {word}" for word, count in sorted(words.items())) + ".")
    return tuple(found)
