"""A run in, a report out: the order in which the pieces of analysis are put together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from leakreport.analysis.attribution import by_function, by_kind, by_module, grouped_by
from leakreport.analysis.callgraph import accumulation_point
from leakreport.analysis.findings import (
    CHECKS,
    MOST_LEAKS,
    leak_findings,
    problem_findings,
    recording_findings,
)
from leakreport.analysis.frames import describe
from leakreport.analysis.gate import Evidence, evaluate, problem_count, unread_siblings
from leakreport.analysis.measures import default_metric
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.owned import owner_notes, with_owners
from leakreport.analysis.ownership import ownership_of
from leakreport.analysis.page_run import page_of_run
from leakreport.analysis.paths import PathTable
from leakreport.analysis.processes import Grouping, Judged, judge, judged_alone, peak_of, processes_of
from leakreport.analysis.reading import reading_groups
from leakreport.analysis.report import (
    GateResult,
    InputSummary,
    Report,
    Selection,
    SnapshotSummary,
    Verdict,
)
from leakreport.analysis.rows import path_rows, selected
from leakreport.analysis.treeview import tree_view
from leakreport.analysis.verdict import Facts, lead_of, reasons_of, sentence_of, status_of
from leakreport.errors import UsageError
from leakreport.model.columns import Int64Column
from leakreport.model.metrics import LOST_KINDS, LeakKind
from leakreport.model.raw import Frame, Moment, Note, ProblemKind, SnapshotMeta
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
    judged = judged_snapshots(run, options)
    members = [run.snapshots[index] for index in judged.members]
    frames, frame_index = _all_frames(run, members)
    ownership = ownership_of(
        frames,
        [snapshot.meta.actual.command for snapshot in run.snapshots],
        own=options.own,
        allocators=options.allocators,
    )
    metric = _metric(options, judged)
    columns = describe(frames, ownership)
    all_rows = with_owners(path_rows(run, judged, columns, is_rust=ownership.is_rust), options)
    unattributed = _unattributed(judged.totals, all_rows)
    rows, starts, selection = _select(all_rows, options, metric)
    judged_rows, judged_starts = rows, starts
    if selection.hidden_paths:
        # What is shown is a matter of options; the verdict is of everything.
        judged_rows, judged_starts, _ = _select(all_rows, AnalysisOptions(), metric)
    findings = (
        *leak_findings(starts, rows, frames, columns, ownership),
        *problem_findings(members, frame_index.__getitem__, columns),
        *recording_findings(rows, members, frames, columns, ownership),
    )
    is_lost = np.isin(judged_rows.leak_kind, LOST_KINDS)
    lost = judged_rows.taken(is_lost & (judged_rows.column("leaked_bytes") != 0))
    first = judged_starts[:2]
    largest = leak_findings(first, judged_rows[: int(first[-1])], frames, columns, ownership)
    lost_places, held_places = _places(judged_rows, judged_starts)
    facts = Facts(
        totals=judged.totals,
        members=members,
        rows=judged_rows,
        frames=frames,
        largest=largest[0] if largest else None,
        lost_places=lost_places,
        held_places=held_places,
        by_module=by_module(judged_rows, columns, ownership, metric),
        accumulation=accumulation_point(lost or judged_rows, columns, _held(lost, judged_rows)),
        record_count=_record_count(members),
        is_complete=all(snapshot.meta.is_complete for snapshot in members),
        moment=_moment(members),
        judged_number=judged.process.index(judged.members[0]) if judged.process else 0,
        snapshot_count=len(judged.process),
        last_bytes=_last_bytes(run, judged, members),
    )
    snapshots = _snapshot_summaries(run, judged)
    judged_index = len(snapshots) - 1 if len(judged.members) > 1 else judged.members[0]
    page = cache(
        lambda: page_of_run(
            rows,
            run.tree,
            frames,
            columns,
            metric=metric,
            timeline=[snapshots[index] for index in judged.process],
            judged=judged_index,
            is_everything=not selection.hidden_paths,
            most_nodes=options.max_nodes,
        )
    )
    return Report(
        kind="analysis",
        metric=metric,
        title=title_of(members),
        verdict=_verdict(options, facts, unread_siblings(run)),
        inputs=_noted(input_summaries(run, judged), owner_notes(options.owners, is_redacted=options.redact)),
        snapshots=snapshots,
        judged=judged_index,
        timeline=judged.process,
        totals=judged.totals,
        unattributed=unattributed,
        moment=facts.moment,
        frames=frames,
        own=tuple(columns.is_own.tolist()),
        paths=rows,
        findings=findings,
        unlisted_leaks=max(len(starts) - 1 - MOST_LEAKS, 0),
        by_kind=by_kind(rows, judged.totals),
        by_module=by_module(rows, columns, ownership, metric) if selection.hidden_paths else tuple(facts.by_module),
        by_function_when_asked=cache(lambda: by_function(rows, columns, metric, most=MOST_FUNCTIONS)),
        groups=grouped_by(rows, columns, ownership, metric, options.group_by),
        accumulation=facts.accumulation,
        tree_when_asked=cache(lambda: tree_view(page())),
        page_when_asked=page,
        selection=selection,
        record_count=facts.record_count,
        named_frames=sum(frame.function is not None for frame in frames),
        checks=len(CHECKS),
        next_commands=(),
    )


def _last_bytes(run: Run, judged: Judged, members: Sequence[Snapshot]) -> int | None:
    """What the last snapshot of the judged process holds, where its peak is judged."""
    if len(members) != 1 or len(judged.process) < 2 or not (members[0].meta.judges_peak and members[0].meta.is_peak):
        return None
    return run.snapshots[judged.process[-1]].totals.get("retained_bytes")


def _held(lost: PathTable, rows: PathTable) -> Int64Column:
    """What each lost row counts with, or each row where nothing is lost.

    Where records of indirect blocks are hidden, what hangs on a definite record counts with it.
    """
    if not lost:
        return rows.column("retained_bytes")
    held = lost.column("leaked_bytes")
    return held if (rows.leak_kind == LeakKind.INDIRECT).any() else held + lost.dragged_bytes


def _places(rows: PathTable, starts: Int64Column) -> tuple[int, int]:
    """Entries of the reading list that are lost, and those that only hold something."""
    first = starts[:-1]
    if not first.size:
        return 0, 0
    is_lost = np.isin(rows.leak_kind[first], LOST_KINDS)
    held = np.maximum.reduceat(rows.column("retained_bytes"), first)
    return int(np.count_nonzero(is_lost)), int(np.count_nonzero(~is_lost & (held > 0)))


def judged_snapshots(run: Run, options: AnalysisOptions) -> Judged:
    """What of a run is judged, by the format's own rule or the user's word.

    Raises:
        UsageError: `at` names no snapshot.
    """
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
        # What paths without bytes hold is blocks of no size, unless nothing else is counted.
        return "retained_bytes" if "retained_blocks" in judged.columns else default_metric(judged.columns)
    if options.metric not in judged.columns:
        measured = ", ".join(sorted(set(judged.columns) - {"dragged_bytes"})) or "none"
        raise UsageError(f"--metric {options.metric} is not measured by path here", advice=f"Measured: {measured}.")
    return options.metric


def _unattributed(totals: Mapping[str, int], rows: PathTable) -> dict[str, int]:
    sums = rows.sums()
    return {metric: total - sums.get(metric, 0) for metric, total in totals.items()}


def _select(all_rows: PathTable, options: AnalysisOptions, metric: str) -> tuple[PathTable, Int64Column, Selection]:
    """The rows that are shown in reading order, where each of their groups starts, and what is hidden."""
    chosen = np.flatnonzero(selected(all_rows, options.focus, options.ignore))
    order, starts = reading_groups(all_rows.taken(chosen), metric)
    if options.top is not None:
        starts = starts[: options.top + 1]
        order = order[: starts[-1]]
    is_hidden = np.ones(len(all_rows), dtype=np.bool_)
    is_hidden[chosen[order]] = False
    hidden = all_rows.taken(is_hidden)
    selection = Selection(
        focus=options.focus,
        ignore=options.ignore,
        group_by=options.group_by,
        top=options.top,
        hidden_paths=len(hidden),
        hidden_values=hidden.sums(),
    )
    return all_rows.taken(chosen[order]), starts, selection


def _record_count(members: Sequence[Snapshot]) -> int:
    return sum(len(snapshot.records) for snapshot in members if snapshot.records is not None)


def title_of(members: Sequence[Snapshot]) -> str:
    """The program's name, for headings."""
    names = dict.fromkeys(snapshot.meta.command[0].rsplit("/", 1)[-1] for snapshot in members if snapshot.meta.command)
    return next(iter(names), "") if len(names) < 2 else f"{next(iter(names))} and {len(names) - 1} more"


def _verdict(options: AnalysisOptions, facts: Facts, unread: str) -> Verdict:
    status = status_of(facts)
    gate, lines = evaluate(options, Evidence(facts.totals, facts.members, facts.is_complete, unread))
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


def input_summaries(run: Run, judged: Judged) -> tuple[InputSummary, ...]:
    """One entry per process of a file."""
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


def _noted(summaries: tuple[InputSummary, ...], notes: tuple[Note, ...]) -> tuple[InputSummary, ...]:
    """The inputs, of which the first has some more notes."""
    return (replace(summaries[0], notes=(*summaries[0].notes, *notes)), *summaries[1:]) if notes else summaries


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
        suppressions=meta.suppressions,
        sampling=meta.sampling,
        snapshot_count=len(snapshots),
        mappings=meta.mappings,
        builds=_builds(meta),
        kinds_recorded=tuple(sorted(meta.kinds_recorded)),
        looks_for_errors=meta.measures_errors,
        looks_for_descriptors=meta.measures_descriptors,
        memory_error_count=_memory_errors(snapshot),
        judges_peak=meta.judges_peak,
        moment=meta.moment,
    )


def _memory_errors(snapshot: Snapshot) -> int | None:
    """How many there were, repetitions included; None where the tool would not have told."""
    told = snapshot.meta.memory_error_count
    is_known = told is not None or snapshot.meta.measures_errors
    return problem_count([snapshot], ProblemKind.ERROR) if is_known else None


def _builds(meta: SnapshotMeta) -> tuple[tuple[str, str], ...]:
    mapped = [(mapping.path, mapping.build_id) for mapping in meta.mappings if mapping.build_id is not None]
    return tuple(dict.fromkeys([*mapped, *meta.build_ids]))


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
            is_complete=snapshot.meta.is_complete,
            moment=snapshot.meta.moment,
            is_peak=snapshot.meta.is_peak,
            is_exit_dump=snapshot.meta.is_exit_dump,
            process_count=snapshot.meta.process_count,
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
                is_complete=all(run.snapshots[index].meta.is_complete for index in judged.members),
                moment=_moment([run.snapshots[index] for index in judged.members]),
                process_count=sum(run.snapshots[index].meta.process_count for index in judged.members),
            )
        )
    return tuple(found)
