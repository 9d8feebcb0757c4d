"""Several processes in one run: which belong together, and what a forked child has from its parent.

Valgrind lists in a forked child's final leak search the blocks it inherited, too. What was inherited is estimated per
equal stack and kind as the smaller of the parent's and the child's amount; a child that started another program
(exec) inherited nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from leakreport.model.columns import Int64Column, freeze
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS
from leakreport.model.raw import Note
from leakreport.model.snapshot import Run, Snapshot


class Grouping(StrEnum):
    """How several snapshots belong together. Source: `docs/json.md`, "Several inputs"."""

    SERIES = "series"
    """Snapshots of one process; the last is judged."""
    PROCESSES = "processes"
    """Parents and children; their sum is judged, less what was inherited."""
    RUNS = "runs"
    """Separate runs; their sum is judged."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is judged: one snapshot, or the sum of several."""

    members: tuple[int, ...]
    """Indexes of the snapshots that count."""
    totals: dict[str, int]
    columns: dict[str, Int64Column]
    """Over the tree, exclusive; by metric."""
    grouping: Grouping
    notes: tuple[Note, ...]


def judge(run: Run, grouping: Grouping | None) -> Judged:
    """Choose and add up the snapshots that count.

    Args:
        run: at least one snapshot.
        grouping: the user's word; None to find out from pids.
    """
    latest = (
        _latest_of_each_process(run.snapshots) if grouping is not Grouping.RUNS else list(range(len(run.snapshots)))
    )
    if grouping is Grouping.SERIES:
        latest = [len(run.snapshots) - 1]
    links = _links(run.snapshots, latest)
    if grouping is None:
        grouping = Grouping.SERIES if len(latest) == 1 else Grouping.PROCESSES if links else Grouping.RUNS
    notes = list(_notes(run.snapshots, latest, grouping))
    if len(latest) == 1:
        only = run.snapshots[latest[0]]
        return Judged(tuple(latest), dict(only.totals), dict(only.columns), grouping, tuple(notes))
    members = [run.snapshots[index] for index in latest]
    totals = _summed_totals(members)
    columns = _summed_columns(members, len(run.tree))
    if grouping is Grouping.PROCESSES:
        inherited = _inherited(run, links)
        _subtract(totals, columns, inherited)
        if inherited:
            notes.append(
                Note(
                    "inherited",
                    f"{totals['inherited_bytes']:,} bytes that forked children have from their parents are counted once "
                    "(an estimate: per equal stack the smaller amount).",
                )
            )
    return Judged(tuple(latest), totals, columns, grouping, tuple(notes))


def _latest_of_each_process(snapshots: Sequence[Snapshot]) -> list[int]:
    last: dict[object, int] = {}
    for index, snapshot in enumerate(snapshots):
        pid = snapshot.meta.pid
        last[("unknown", index) if pid is None else pid] = index
    return sorted(last.values())


def _links(snapshots: Sequence[Snapshot], members: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of (parent, child) among the snapshots that count."""
    by_pid = {snapshots[index].meta.pid: index for index in members if snapshots[index].meta.pid is not None}
    return [
        (by_pid[parent], child)
        for child in members
        if (parent := snapshots[child].meta.parent_pid) in by_pid and by_pid[parent] != child
    ]


def _notes(snapshots: Sequence[Snapshot], latest: Sequence[int], grouping: Grouping) -> list[Note]:
    count = len(snapshots)
    if count == 1:
        return []
    if grouping is Grouping.SERIES and len(latest) < count:
        return [
            Note(
                "several-snapshots",
                f"{count} inputs of one process are taken as its snapshots in this order, and the last is judged; "
                "--as runs counts them apart.",
            )
        ]
    found = []
    if len(latest) < count:
        found.append(
            Note(
                "same-pid",
                f"{count - len(latest)} of {count} inputs have the pid of a later one and are taken as its earlier "
                "snapshots; --as runs counts them apart.",
            )
        )
    if grouping is Grouping.PROCESSES:
        found.append(Note("process-tree", f"{len(latest)} processes of one run: the figures are of all together."))
    else:
        found.append(Note("several-runs", f"{len(latest)} runs that are no process tree: the figures are their sum."))
    return found


def _summed_totals(members: Sequence[Snapshot]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for snapshot in members:
        for metric, amount in snapshot.totals.items():
            totals[metric] = totals.get(metric, 0) + amount
    return totals


def _summed_columns(members: Sequence[Snapshot], node_count: int) -> dict[str, Int64Column]:
    names = dict.fromkeys(metric for snapshot in members for metric in snapshot.columns)
    columns: dict[str, Int64Column] = {}
    for metric in names:
        total = np.zeros(node_count, dtype=np.int64)
        for snapshot in members:
            if metric in snapshot.columns:
                total += snapshot.columns[metric]
        columns[metric] = total
    return columns


def _inherited(run: Run, links: Sequence[tuple[int, int]]) -> dict[str, Int64Column]:
    """Per kind and unit, what all children have from their parents, over the tree."""
    inherited: dict[str, Int64Column] = {}
    for parent_index, child_index in links:
        parent, child = run.snapshots[parent_index], run.snapshots[child_index]
        if child.meta.command and parent.meta.command and child.meta.command != parent.meta.command:
            continue
        for kind in LEAK_KINDS:
            for metric in (kind.bytes_metric, kind.blocks_metric):
                if metric in parent.columns and metric in child.columns:
                    shared = np.minimum(parent.columns[metric], child.columns[metric])
                    inherited[metric] = inherited.get(metric, np.zeros_like(shared)) + shared
    return {metric: column for metric, column in inherited.items() if column.any()}


def _subtract(totals: dict[str, int], columns: dict[str, Int64Column], inherited: dict[str, Int64Column]) -> None:
    totals["inherited_bytes"] = totals["inherited_blocks"] = 0
    for metric, column in inherited.items():
        kind_word, _, unit = metric.rpartition("_")
        amount = int(column.sum())
        affected = [metric, f"retained_{unit}"]
        if kind_word in {kind.word for kind in LOST_KINDS}:
            affected.append(f"leaked_{unit}")
        for name in affected:
            if name in totals:
                totals[name] -= amount
            if name in columns:
                columns[name] = columns[name] - column
        totals[f"inherited_{unit}"] += amount
    for name, column in columns.items():
        columns[name] = freeze(column)
