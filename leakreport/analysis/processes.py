"""Several processes in one run: which belong together, and what a forked child has from its parent.

Valgrind lists in a forked child's final leak search the blocks it inherited, too. What was inherited is estimated per
equal stack and kind as the smaller of the parent's and the child's amount; a child that started another program
(exec) inherited nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from leakreport.model.columns import Float64Column, Int64Column, freeze
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, LeakKind
from leakreport.model.raw import LeakSearch, Note
from leakreport.model.series import places_of
from leakreport.model.snapshot import Run, Snapshot
from leakreport.units import format_count


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
    variances: Mapping[str, Float64Column] = field(default_factory=dict)
    """By metric and node, where every member is a sample or exact."""
    process: tuple[int, ...] = ()
    """All snapshots of the judged process, in order, where it is one."""


def judge(run: Run, grouping: Grouping | None) -> Judged:
    """Choose and add up the snapshots that count.

    Args:
        run: at least one snapshot.
        grouping: the user's word; None to find out from pids.
    """
    processes = _processes(run.snapshots, grouping)
    # A report says itself what it left out.
    from_tools = [process for process in processes if _marked_of(run.snapshots, process) is None]
    exit_dumps = exit_dumps_of(run.snapshots, from_tools)
    latest = sorted(_judged_of(run.snapshots, process, exit_dumps) for process in processes)
    links = links_of(run.snapshots, latest)
    if grouping is None:
        grouping = Grouping.SERIES if len(latest) == 1 else Grouping.PROCESSES if links else Grouping.RUNS
    notes = list(_notes(run.snapshots, processes, latest, exit_dumps, grouping))
    if len(latest) == 1:
        return judged_alone(run, latest[0], processes[0], grouping, tuple(notes))
    together = judged_together(run, latest, links if grouping is Grouping.PROCESSES else None, grouping)
    if grouping is Grouping.PROCESSES:
        notes.extend(_inheritance_notes(run, links, together.totals))
    return replace(together, notes=tuple(notes))


def judged_together(
    run: Run, members: Sequence[int], links: Sequence[tuple[int, int]] | None, grouping: Grouping
) -> Judged:
    """The sum of some snapshots, without notes.

    Args:
        run: what they are of.
        members: indexes of snapshots.
        links: pairs of (parent, child) among them: what children have from their parents counts once. None where
            they are no process tree.
        grouping: what to call it.
    """
    snapshots = [run.snapshots[index] for index in members]
    totals = _summed_totals(snapshots)
    columns = _summed_columns(snapshots, len(run.tree))
    if links is not None:
        _subtract(totals, columns, _inherited(run, links))
        dragged = _inherited_dragged(run, links)
        for metric in (LeakKind.INDIRECT.bytes_metric, "leaked_bytes", "retained_bytes"):
            if metric in totals:
                totals[metric] = max(totals[metric] - dragged, 0)
        totals["inherited_bytes"] += dragged
    return Judged(tuple(members), totals, columns, grouping, (), _summed_variances(snapshots, len(run.tree)))


def _inheritance_notes(run: Run, links: Sequence[tuple[int, int]], totals: Mapping[str, int]) -> Iterator[Note]:
    if totals["inherited_bytes"]:
        yield Note(
            "inherited",
            f"{totals['inherited_bytes']:,} bytes that forked children have from their parents are counted once "
            "(an estimate: per equal stack the smaller amount).",
        )
    unknown = _without_paths(run, links)
    if unknown:
        yield Note(
            "inherited-unknown",
            f"Memory {' and '.join(unknown)} that forked children have from their parents is counted more than "
            "once: its records were not shown. Record with --show-leak-kinds=all.",
        )


def judged_alone(run: Run, index: int, process: Sequence[int], grouping: Grouping, notes: tuple[Note, ...]) -> Judged:
    """One snapshot as what is judged."""
    only = run.snapshots[index]
    return Judged(
        (index,), dict(only.totals), dict(only.columns), grouping, notes, dict(only.variances), tuple(process)
    )


def processes_of(snapshots: Sequence[Snapshot]) -> list[list[int]]:
    """The snapshots of each process, in order."""
    found: dict[Hashable, list[int]] = {}
    for index, place in enumerate(places_of([snapshot.meta for snapshot in snapshots])):
        found.setdefault(place.process, []).append(index)
    return list(found.values())


def _processes(snapshots: Sequence[Snapshot], grouping: Grouping | None) -> list[list[int]]:
    if grouping is Grouping.SERIES:
        return [list(range(len(snapshots)))]
    if grouping is not Grouping.RUNS:
        return processes_of(snapshots)
    # A file with a timeline inside stays one run.
    by_source: dict[Hashable, list[int]] = {}
    for index, snapshot in enumerate(snapshots):
        is_one = snapshot.meta.time is not None or snapshot.meta.document is not None
        key = ("timeline", snapshot.meta.source) if is_one else ("alone", index)
        by_source.setdefault(key, []).append(index)
    return list(by_source.values())


def _exit_dump(snapshots: Sequence[Snapshot], process: Sequence[int]) -> int | None:
    """The last snapshot of a process, if it was written while the process cleaned up.

    Heuristic: below every floor before it, in a series of at least three of a format that does not tell. It errs where a
    service released memory for good just before the last dump.
    """
    last = snapshots[process[-1]]
    if last.meta.is_exit_dump and len(process) > 1:
        return process[-1]
    if len(process) < 3 or last.meta.time is not None or last.meta.leak_search is not LeakSearch.NONE:
        return None
    if last.meta.is_process_view:
        return None
    held = [snapshots[index].totals.get("retained_bytes") for index in process]
    *earlier, final = [amount for amount in held if amount is not None] or [0]
    if len(earlier) < len(process) - 1 or not earlier:
        return None
    allocated = [snapshots[index].totals.get("allocated_bytes") for index in process[-2:]]
    # Or nothing was allocated since the dump before, only released: a program at work does both.
    only_released = allocated[0] is not None and allocated[0] == allocated[1] and final < earlier[-1]
    return process[-1] if final < min(earlier) or only_released else None


def exit_dumps_of(snapshots: Sequence[Snapshot], processes: Iterable[Sequence[int]]) -> set[int]:
    """The snapshots of some processes that were written while these cleaned up."""
    return {index for process in processes if (index := _exit_dump(snapshots, process)) is not None}


def _marked_of(snapshots: Sequence[Snapshot], process: Sequence[int]) -> int | None:
    """The snapshot that the report judged which the last one was read from."""
    document = snapshots[process[-1]].meta.document
    marked = (
        index for index in process if snapshots[index].meta.is_judged and snapshots[index].meta.document == document
    )
    return None if document is None else next(marked, None)


def _judged_of(snapshots: Sequence[Snapshot], process: Sequence[int], exit_dumps: Collection[int]) -> int:
    """The snapshot that stands for a process: the last one in service, or the peak where the last says little."""
    marked = _marked_of(snapshots, process)
    if marked is not None:
        return marked
    searched = [index for index in process if snapshots[index].meta.leak_search is not LeakSearch.NONE]
    if searched and len(searched) < len(process):
        # A leak search says more than a profile of the same process, whichever was given last.
        process = searched
    if not snapshots[process[-1]].meta.judges_peak:
        served = [index for index in process if index not in exit_dumps]
        return served[-1]
    source = snapshots[process[-1]].meta.source
    return peak_of(snapshots, [index for index in process if snapshots[index].meta.source == source])


_PEAK_METRICS = ("retained_bytes", "overhead_bytes", "stack_bytes")


def peak_of(snapshots: Sequence[Snapshot], indexes: Sequence[int]) -> int:
    """The peak: the last that is marked as one, else the first with the greatest total, of those with paths if any are."""
    marked = [index for index in indexes if snapshots[index].meta.is_peak]
    if marked:
        return marked[-1]
    indexes = [index for index in indexes if snapshots[index].is_detailed] or indexes
    return max(indexes, key=lambda index: sum(snapshots[index].totals.get(metric, 0) for metric in _PEAK_METRICS))


def links_of(snapshots: Sequence[Snapshot], members: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs of (parent, child) among the snapshots that count."""
    by_pid = {snapshots[index].meta.pid: index for index in members if snapshots[index].meta.pid is not None}
    return [
        (by_pid[parent], child)
        for child in members
        if (parent := snapshots[child].meta.parent_pid) in by_pid and by_pid[parent] != child
    ]


def _notes(
    snapshots: Sequence[Snapshot],
    processes: Sequence[Sequence[int]],
    latest: Sequence[int],
    exit_dumps: Collection[int],
    grouping: Grouping,
) -> list[Note]:
    samplings = {snapshots[index].meta.sampling for index in latest} - {None}
    found = [
        Note(
            "sampled",
            f"The input is a sample, one in {format_count(period)} {unit} allocated: all amounts by path are estimates.",
        )
        for period, unit in sorted(sampling for sampling in samplings if sampling is not None)
        if period > 1
    ]
    for index in sorted(exit_dumps):
        found.append(
            Note(
                "exit-dump",
                f"{snapshots[index].meta.source} was written while the process ended and is left out; --at last judges it.",
            )
        )
    files = len({snapshot.meta.source for snapshot in snapshots})
    if files == 1 and len(latest) == 1:
        return found
    if grouping is Grouping.SERIES and len(latest) == 1:
        chosen = snapshots[latest[0]].meta
        which = "the peak of the last" if chosen.judges_peak else f"{chosen.source}" if exit_dumps else "the last"
        found.append(
            Note(
                "several-snapshots",
                f"{files} inputs of one process are taken as its snapshots in this order, and {which} is judged; "
                "--as runs counts them apart.",
            )
        )
        return found
    earlier = sum(len({snapshots[index].meta.source for index in process}) - 1 for process in processes)
    if earlier > 0:
        found.append(
            Note(
                "same-process",
                f"{earlier} of {files} inputs are of the same process as a later one and are taken as its earlier "
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


def _summed_variances(members: Sequence[Snapshot], node_count: int) -> dict[str, Float64Column]:
    variances: dict[str, Float64Column] = {}
    for snapshot in members:
        for metric, column in snapshot.variances.items():
            variances[metric] = variances.get(metric, np.zeros(node_count)) + column
    return variances


def _inherited(run: Run, links: Sequence[tuple[int, int]]) -> dict[str, Int64Column]:
    """Per kind and unit, what all children have from their parents, over the tree."""
    inherited: dict[str, Int64Column] = {}
    for parent_index, child_index in links:
        parent, child = run.snapshots[parent_index], run.snapshots[child_index]
        if not _is_fork(parent, child):
            continue
        for kind in LEAK_KINDS:
            for metric in (kind.bytes_metric, kind.blocks_metric):
                if metric in parent.columns and metric in child.columns:
                    shared = np.minimum(parent.columns[metric], child.columns[metric])
                    inherited[metric] = inherited.get(metric, np.zeros_like(shared)) + shared
    return {metric: column for metric, column in inherited.items() if column.any()}


def _inherited_dragged(run: Run, links: Sequence[tuple[int, int]]) -> int:
    """Indirect bytes that children have from their parents where records of indirect blocks are hidden.

    What hangs on the definite records is told all the same.
    """
    total = 0
    for parent_index, child_index in links:
        parent, child = run.snapshots[parent_index], run.snapshots[child_index]
        known = "dragged_bytes" in parent.columns and "dragged_bytes" in child.columns
        if known and _is_fork(parent, child) and not _has_paths(child, LeakKind.INDIRECT):
            total += int(np.minimum(parent.columns["dragged_bytes"], child.columns["dragged_bytes"]).sum())
    return total


def _has_paths(snapshot: Snapshot, kind: LeakKind) -> bool:
    column = snapshot.columns.get(kind.bytes_metric)
    return column is not None and bool(column.any())


def _without_paths(run: Run, links: Sequence[tuple[int, int]]) -> list[str]:
    """Kinds of which a forked child has totals and no paths: what it has from its parent cannot be told."""
    found = [
        kind.title
        for kind in LEAK_KINDS
        for parent_index, child_index in links
        if _is_fork(run.snapshots[parent_index], run.snapshots[child_index])
        and run.snapshots[child_index].totals.get(kind.bytes_metric)
        and run.snapshots[parent_index].totals.get(kind.bytes_metric)
        and not _has_paths(run.snapshots[child_index], kind)
        and not (kind is LeakKind.INDIRECT and "dragged_bytes" in run.snapshots[child_index].columns)
    ]
    return list(dict.fromkeys(found))


def _is_fork(parent: Snapshot, child: Snapshot) -> bool:
    """Whether a child goes on with its parent's memory: one that started another program does not."""
    return not (child.meta.command and parent.meta.command and child.meta.command != parent.meta.command)


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
