"""Several runs of one program on a side: which runs they are, and the one mean run that stands for them.

Sums of runs would be no run's figures, and of three runs against five no difference at all. So a side that was repeated
is judged by its mean, in whole bytes; the runs themselves stay, for the test whether a difference is more than they vary by.
See docs/decisions/0005-repeated-runs.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from leakreport.analysis.analyze import judged_snapshots
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.paths import PathTable
from leakreport.analysis.processes import Grouping, Judged, judged_together, links_of
from leakreport.analysis.rows import values_at
from leakreport.model.columns import BoolColumn, Int64Column, exact_sum, freeze
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, LeakKind
from leakreport.model.raw import Note, SnapshotMeta
from leakreport.model.snapshot import Run
from leakreport.units import plural


@dataclass(frozen=True, slots=True)
class Repeated:
    """What is judged of one side, and the runs that it is the mean of."""

    judged: Judged
    """The sum of all runs where they are repeats; `averaged` makes it their mean."""
    runs: tuple[Judged, ...] = ()
    """Each run by itself, in the order given; empty where the sides are no repeats of one program."""


def repeated_sides(before: Run, after: Run, options: AnalysisOptions) -> tuple[Repeated, Repeated]:
    """What is judged of two runs, with the repeats of each where a side was run more than once.

    Without `--as runs` a side counts as repeated only if every run of it is known to be of one program with the same
    arguments: the reports of a test suite are runs of different programs, and stay a sum.

    Raises:
        UsageError: `at` names no snapshot.
    """
    sides = [(run, judged_snapshots(run, options)) for run in (before, after)]
    found = [_runs_of(run, judged) for run, judged in sides]
    if max(map(len, found)) < 2 or not all(found):
        return Repeated(sides[0][1]), Repeated(sides[1][1])
    if options.grouping is None and not all(
        _is_one_program(run, runs) for (run, _), runs in zip(sides, found, strict=True)
    ):
        return Repeated(sides[0][1]), Repeated(sides[1][1])
    first, second = (
        Repeated(_with_note(run, judged, runs), tuple(runs)) for (run, judged), runs in zip(sides, found, strict=True)
    )
    return first, second


def _runs_of(run: Run, judged: Judged) -> list[Judged]:
    """Each run by itself: processes that are linked as parent and child are one."""
    if any(_is_sum_of_runs(run.snapshots[index].meta) for index in judged.members):
        return []
    if len(judged.members) == 1:
        return [judged]
    if judged.grouping is Grouping.SERIES:
        return []
    pids = [run.snapshots[index].meta.pid for index in judged.members]
    # In containers every run has the same pids, and these link nothing.
    links = links_of(run.snapshots, judged.members) if len(set(pids)) == len(pids) else []
    root = {index: index for index in judged.members}
    for parent, child in links:
        joined, kept = root[child], root[parent]
        root = {index: kept if top == joined else top for index, top in root.items()}
    trees: dict[int, list[int]] = {}
    for index in judged.members:
        trees.setdefault(root[index], []).append(index)
    return [
        judged_together(
            run, members, [link for link in links if link[1] in members] if len(members) > 1 else None, judged.grouping
        )
        for members in trees.values()
    ]


def _is_sum_of_runs(meta: SnapshotMeta) -> bool:
    """Whether a report added up several runs: what each of them held is not known any more."""
    return meta.process_count > 1 and not any(note.slug == "process-tree" for note in meta.notes)


def _is_one_program(run: Run, runs: Sequence[Judged]) -> bool:
    programs = {_program_of(run, one) for one in runs}
    return len(runs) == 1 or (len(programs) == 1 and None not in programs)


def _program_of(run: Run, judged: Judged) -> tuple[str, ...] | None:
    """The program's name and arguments; its name alone where the input tells only what was mapped."""
    metas = [run.snapshots[index].meta.actual for index in judged.members]
    pids = {meta.pid for meta in metas}
    first = next((meta for meta in metas if meta.parent_pid is None or meta.parent_pid not in pids), metas[0])
    if first.command:
        return first.command[0].rsplit("/", 1)[-1], *first.command[1:]
    path = next((mapping.path for mapping in first.mappings if mapping.path.startswith("/")), None)
    return None if path is None else (path.rsplit("/", 1)[-1],)


def _with_note(run: Run, judged: Judged, runs: Sequence[Judged]) -> Judged:
    """Without the notes on sums of all processes, which the mean is not."""
    notes = [note for note in judged.notes if note.slug not in {"several-runs", "process-tree"}]
    if len(runs) > 1:
        sources = [run.snapshots[one.members[0]].meta.source for one in runs]
        which = f"{sources[0]} and {len(runs) - 1} more are repeats of one program"
        notes.append(
            Note("repeated-runs", f"{which}: the figures of this side are means of {plural(len(runs), 'run')}.")
        )
    return replace(judged, notes=tuple(notes))


def averaged(rows: PathTable, judged: Judged, runs: Sequence[Judged]) -> tuple[PathTable, Judged]:
    """Rows and totals of the mean run, in whole bytes.

    Holds: rows are rounded by turns, down or up, so that the sum of all rows is the rounded sum; rows that are equal in
    all runs stay exactly what they are. Relative errors of a mean are those of the sum.
    """
    count = len(runs)
    if count < 2:
        return rows, judged
    order = np.lexsort((rows.paths.ids[rows.stack], np.where(rows.leak_kind == LeakKind.NONE, 99, rows.leak_kind)))
    values = {metric: _shared_out(column, order, count) for metric, column in rows.values.items()}
    for unit in ("bytes", "blocks"):
        held = values.get(f"retained_{unit}")
        if held is None:
            continue
        # One amount has several names: they are rounded once.
        for kind in LEAK_KINDS:
            _copy(values, f"{kind.word}_{unit}", held, rows.leak_kind == kind)
        _copy(values, f"leaked_{unit}", held, np.isin(rows.leak_kind, LOST_KINDS))
    totals = {
        metric: (exact_sum(values[metric]) if metric in values else 0)
        + _rounded(amount - (exact_sum(rows.values[metric]) if metric in values else 0), count)
        for metric, amount in judged.totals.items()
        if all(metric in one.totals for one in runs)
    }
    return replace(rows, values=values), replace(judged, totals=totals)


def _shared_out(column: Int64Column, order: Int64Column, count: int) -> Int64Column:
    """A column divided by `count`, the running sum rounded half up."""
    running = np.cumsum(column[order])
    rounded = running // count + (2 * (running % count) >= count)
    shared = np.empty_like(column)
    shared[order] = np.diff(rounded, prepend=0)
    return freeze(shared)


def _copy(values: dict[str, Int64Column], metric: str, held: Int64Column, where: BoolColumn) -> None:
    if metric in values:
        values[metric] = freeze(np.where(where, held, values[metric]))


def _rounded(amount: int, count: int) -> int:
    return (2 * amount + count) // (2 * count)


def values_by_run(rows: PathTable, runs: Sequence[Judged], metric: str) -> Int64Column:
    """Rows × runs: what each row holds of a metric in each run; 0 where it does not have it."""
    return np.stack([values_at(one, rows, metric) for one in runs], axis=1)
