"""A run in, a report out: the order in which the pieces of analysis are put together."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import cache

from leakreport.analysis.attribution import by_function, by_kind, by_module, grouped_by
from leakreport.analysis.callgraph import accumulation_point
from leakreport.analysis.findings import (
    CHECKS,
    MOST_LEAKS,
    leak_findings,
    problem_findings,
    reading_groups,
    recording_findings,
)
from leakreport.analysis.frames import describe
from leakreport.analysis.gate import Evidence, evaluate
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.ownership import ownership_of
from leakreport.analysis.processes import Grouping, Judged, judge, judged_alone, peak_of, processes_of
from leakreport.analysis.report import (
    GateResult,
    InputSummary,
    PathRow,
    Report,
    Selection,
    SnapshotSummary,
    Verdict,
)
from leakreport.analysis.rows import path_rows, selected
from leakreport.analysis.treeview import tree_view
from leakreport.analysis.verdict import Facts, lead_of, reasons_of, sentence_of, status_of
from leakreport.errors import UsageError
from leakreport.model.metrics import LOST_KINDS, LeakKind
from leakreport.model.raw import Frame, Moment, Note
from leakreport.model.series import places_of
from leakreport.model.snapshot import Run, Snapshot

MOST_FUNCTIONS = 100
"""Functions listed in the attribution."""


def analyze(run: Run, options: AnalysisOptions | None = None) -> Report:
    """Judge a run.

    Args:
        run: at least one snapshot.
        options: what to count as yours, what to hide, which gates to check.

    Raises:
        UsageError: an option names something the run does not have.
    """
    options = options or AnalysisOptions()
    judged = _judged(run, options)
    members = [run.snapshots[index] for index in judged.members]
    frames, frame_index = _all_frames(run, members)
    ownership = ownership_of(
        frames, [snapshot.meta.command for snapshot in run.snapshots], own=options.own, allocators=options.allocators
    )
    metric = _metric(options, judged)
    columns = describe(frames, ownership)
    all_rows = path_rows(run, judged, columns, is_rust=ownership.is_rust)
    unattributed = _unattributed(judged.totals, all_rows)
    rows, groups, selection = _select(all_rows, frames, options, metric)
    judged_rows, judged_groups = rows, groups
    if selection.hidden_paths:
        # What is shown is a matter of options; the verdict is of everything.
        judged_rows, judged_groups, _ = _select(all_rows, frames, AnalysisOptions(), metric)
    findings = (
        *leak_findings(groups, rows, frames, columns, ownership),
        *problem_findings(members, frame_index.__getitem__, columns),
        *recording_findings(rows, members, frames, columns, ownership),
    )
    lost = [row for row in judged_rows if row.leak_kind in LOST_KINDS and row.values.get("leaked_bytes")]
    largest = leak_findings(judged_groups[:1], judged_rows, frames, columns, ownership)
    lost_places = sum(judged_rows[group[0]].leak_kind in LOST_KINDS for group in judged_groups)
    held_places = sum(
        any(judged_rows[index].values.get("retained_bytes") for index in group)
        for group in judged_groups
        if judged_rows[group[0]].leak_kind not in LOST_KINDS
    )
    facts = Facts(
        totals=judged.totals,
        members=members,
        rows=judged_rows,
        frames=frames,
        largest=largest[0] if largest else None,
        lost_places=lost_places,
        held_places=held_places,
        by_module=by_module(judged_rows, frames, columns, ownership, metric),
        accumulation=accumulation_point(lost or judged_rows, frames, columns, _amount_of(judged_rows, bool(lost))),
        record_count=_record_count(members),
        is_complete=all(snapshot.meta.is_complete for snapshot in members),
        moment=_moment(members),
        judged_number=judged.process.index(judged.members[0]) if judged.process else 0,
        snapshot_count=len(judged.process),
    )
    snapshots = _snapshot_summaries(run, judged)
    return Report(
        kind="analysis",
        metric=metric,
        title=_title(members),
        verdict=_verdict(options, facts),
        inputs=_inputs(run, judged),
        snapshots=snapshots,
        judged=len(snapshots) - 1 if len(judged.members) > 1 else judged.members[0],
        timeline=judged.process,
        totals=judged.totals,
        unattributed=unattributed,
        moment=facts.moment,
        frames=frames,
        own=tuple(columns.is_own.tolist()),
        paths=tuple(rows),
        findings=findings,
        unlisted_leaks=max(len(groups) - MOST_LEAKS, 0),
        by_kind=by_kind(rows, judged.totals),
        by_module=by_module(rows, frames, columns, ownership, metric)
        if selection.hidden_paths
        else tuple(facts.by_module),
        by_function_when_asked=cache(lambda: by_function(rows, columns, metric, most=MOST_FUNCTIONS)),
        groups=grouped_by(rows, frames, columns, ownership, metric, options.group_by),
        accumulation=facts.accumulation,
        tree_when_asked=cache(lambda: tree_view(rows, frames, options.max_nodes)),
        selection=selection,
        record_count=facts.record_count,
        named_frames=sum(frame.function is not None for frame in frames),
        checks=len(CHECKS),
        next_commands=(),
    )


def _amount_of(rows: Sequence[PathRow], is_lost: bool) -> Callable[[PathRow], int]:  # noqa: FBT001
    """What a path counts with: where records of indirect blocks are hidden, with what hangs on it."""
    if not is_lost:
        return lambda row: row.values.get("retained_bytes", 0)
    if any(row.leak_kind is LeakKind.INDIRECT for row in rows):
        return lambda row: row.values.get("leaked_bytes", 0)
    return lambda row: row.values.get("leaked_bytes", 0) + row.dragged_bytes


def _judged(run: Run, options: AnalysisOptions) -> Judged:
    judged = judge(run, options.grouping)
    if options.at is None or (options.at == "last" and len(judged.members) > 1):
        return judged
    if options.at == "last":
        index = len(run.snapshots) - 1
    elif options.at == "peak":
        index = peak_of(run.snapshots, range(len(run.snapshots)))
    else:
        try:
            index = range(len(run.snapshots))[int(options.at)]
        except (ValueError, IndexError) as error:
            raise UsageError(
                f"--at {options.at} names no snapshot",
                advice=f"Give last, peak, or an index from 0 to {len(run.snapshots) - 1}.",
            ) from error
    process = next(process for process in processes_of(run.snapshots) if index in process)
    notes = tuple(note for note in judged.notes if note.slug != "exit-dump")
    return judged_alone(run, index, process, Grouping.SERIES, notes)


def _all_frames(run: Run, members: Sequence[Snapshot]) -> tuple[tuple[Frame, ...], dict[Frame, int]]:
    """The frames of the run's paths and those of problems, which have no place in the tree."""
    index = {frame: position for position, frame in enumerate(run.frames)}
    for snapshot in members:
        for problem in snapshot.problems:
            for stack in problem.stacks:
                for frame in stack.frames:
                    index.setdefault(frame, len(index))
    return tuple(index), index


def _metric(options: AnalysisOptions, judged: Judged) -> str:
    if options.metric is None:
        return "retained_bytes"
    if options.metric not in judged.columns:
        measured = ", ".join(sorted(set(judged.columns) - {"dragged_bytes"})) or "none"
        raise UsageError(f"--metric {options.metric} is not measured by path here", advice=f"Measured: {measured}.")
    return options.metric


def _unattributed(totals: Mapping[str, int], rows: Sequence[PathRow]) -> dict[str, int]:
    rest = dict(totals)
    for row in rows:
        for metric, amount in row.values.items():
            if metric in rest:
                rest[metric] -= amount
    return rest


def _select(
    all_rows: Sequence[PathRow],
    frames: Sequence[Frame],
    options: AnalysisOptions,
    metric: str,
) -> tuple[list[PathRow], list[Sequence[int]], Selection]:
    """The rows that are shown in reading order, their groups, and what is hidden."""
    shown = selected(all_rows, frames, options.focus, options.ignore)
    rows = [row for row, is_shown in zip(all_rows, shown, strict=True) if is_shown]
    groups = reading_groups(rows, metric)[: options.top]
    ordered = [rows[index] for group in groups for index in group]
    numbered: list[Sequence[int]] = []
    start = 0
    for group in groups:
        numbered.append(range(start, start + len(group)))
        start += len(group)
    kept = {id(row) for row in ordered}
    hidden_values: dict[str, int] = {}
    for row in all_rows:
        if id(row) not in kept:
            for name, amount in row.values.items():
                hidden_values[name] = hidden_values.get(name, 0) + amount
    selection = Selection(
        focus=options.focus,
        ignore=options.ignore,
        group_by=options.group_by,
        top=options.top,
        hidden_paths=len(all_rows) - len(ordered),
        hidden_values=hidden_values,
    )
    return ordered, numbered, selection


def _record_count(members: Sequence[Snapshot]) -> int:
    return sum(len(snapshot.records) for snapshot in members if snapshot.records is not None)


def _title(members: Sequence[Snapshot]) -> str:
    names = dict.fromkeys(snapshot.meta.command[0].rsplit("/", 1)[-1] for snapshot in members if snapshot.meta.command)
    return next(iter(names), "") if len(names) < 2 else f"{next(iter(names))} and {len(names) - 1} more"


def _verdict(options: AnalysisOptions, facts: Facts) -> Verdict:
    status = status_of(facts)
    gate, lines = evaluate(options, Evidence(facts.totals, facts.members, facts.is_complete))
    reasons = list(reasons_of(facts))
    reasons.extend(f"{line.gate}: {line.text}." for line in lines if line.result is not GateResult.PASSED)
    return Verdict(
        status=status,
        sentence=sentence_of(status, facts),
        lead=lead_of(status, facts),
        gate=gate,
        gate_lines=lines,
        reasons=tuple(reasons),
    )


def _moment(members: Sequence[Snapshot]) -> Moment:
    """When the judged snapshots were taken; the weakest word where they differ."""
    if all(snapshot.meta.judges_peak and not snapshot.meta.is_exit_dump for snapshot in members) and members:
        return Moment.PEAK if len(members) > 1 or members[0].meta.is_peak else members[0].meta.moment
    moments = {snapshot.meta.moment for snapshot in members}
    return moments.pop() if len(moments) == 1 else Moment.DUMP


def _input_of_snapshots(run: Run) -> list[int]:
    """Per snapshot, the number of its input: a process of a file; snapshots of one timeline share theirs."""
    numbers: dict[Hashable, int] = {}
    metas = [snapshot.meta for snapshot in run.snapshots]
    return [
        numbers.setdefault((meta.source, place.process), len(numbers))
        for meta, place in zip(metas, places_of(metas), strict=True)
    ]


def _inputs(run: Run, judged: Judged) -> tuple[InputSummary, ...]:
    of_input: dict[int, list[int]] = {}
    for index, number in enumerate(_input_of_snapshots(run)):
        of_input.setdefault(number, []).append(index)
    found = []
    for number, indexes in of_input.items():
        chosen = next((index for index in indexes if index in judged.members), indexes[-1])
        notes = dict.fromkeys(note for index in indexes for note in run.snapshots[index].meta.notes)
        if number == 0:
            notes |= dict.fromkeys(judged.notes)
        found.append(_input_summary(run.snapshots[chosen], tuple(notes), [run.snapshots[index] for index in indexes]))
    return tuple(found)


def _input_summary(snapshot: Snapshot, notes: tuple[Note, ...], snapshots: Sequence[Snapshot]) -> InputSummary:
    meta = snapshot.meta
    return InputSummary(
        source=meta.source,
        format=meta.format,
        tool=meta.tool,
        tool_version=meta.tool_version,
        pid=meta.pid,
        parent_pid=meta.parent_pid,
        command=meta.command,
        tool_options=meta.tool_options,
        label=meta.label,
        is_complete=all(snapshot.meta.is_complete for snapshot in snapshots),
        truncation=next((one.meta.truncation for one in snapshots if one.meta.truncation is not None), None),
        leak_search=meta.leak_search,
        totals=snapshot.totals,
        notes=notes,
        record_count=len(snapshot.records) if snapshot.records is not None else 0,
        sampling=meta.sampling,
        snapshot_count=len(snapshots),
        mappings=meta.mappings,
    )


def _snapshot_summaries(run: Run, judged: Judged) -> tuple[SnapshotSummary, ...]:
    input_of = _input_of_snapshots(run)
    found = [
        SnapshotSummary(
            input_index=input_of[index],
            index=index,
            label=snapshot.meta.label,
            time=snapshot.meta.time,
            time_unit=snapshot.meta.time_unit,
            is_detailed=snapshot.is_detailed,
            totals=snapshot.totals,
        )
        for index, snapshot in enumerate(run.snapshots)
    ]
    if len(judged.members) > 1:
        found.append(
            SnapshotSummary(
                input_index=None,
                index=len(found),
                label=f"{len(judged.members)} {judged.grouping.value} together",
                time=None,
                time_unit=None,
                is_detailed=bool(judged.columns),
                totals=judged.totals,
            )
        )
    return tuple(found)
