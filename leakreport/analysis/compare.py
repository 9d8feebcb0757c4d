"""Two runs in, a difference out: every path of either side in one row, every byte accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from leakreport.analysis.analyze import input_summaries, title_of
from leakreport.analysis.comparable import mismatches, surroundings
from leakreport.analysis.comparedtree import compared_tree
from leakreport.analysis.diffbeside import grown_beside
from leakreport.analysis.diffgate import evaluate_growth
from leakreport.analysis.diffreport import DiffReport, NoiseRule, Presence, Side
from leakreport.analysis.difftable import DiffTable, Half, amounts_of, diff_table
from leakreport.analysis.diffverdict import Growth, sentence_of_diff, status_of_diff
from leakreport.analysis.folded import Foldable, folded_bytes, folded_notes, matched_beside_folded
from leakreport.analysis.frames import FrameColumns, describe
from leakreport.analysis.gate import unread_siblings
from leakreport.analysis.libraries import library_differences
from leakreport.analysis.matching import Matching
from leakreport.analysis.naming import side_names
from leakreport.analysis.noise import noise_rule
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.owned import owner_notes, with_owners
from leakreport.analysis.ownership import Ownership, ownership_of
from leakreport.analysis.page_diff import page_of_diff
from leakreport.analysis.paths import PathTable
from leakreport.analysis.perwork import is_sampled, per_work, unequal_work, work_words
from leakreport.analysis.processes import Judged
from leakreport.analysis.reason_text import RULES
from leakreport.analysis.reasons import reasons_for
from leakreport.analysis.repeats import Repeated, averaged, repeated_sides
from leakreport.analysis.report import ComparedTree, Verdict
from leakreport.analysis.rows import path_rows
from leakreport.analysis.rowtext import row_text
from leakreport.analysis.runs_compare import Side as RunsSide
from leakreport.analysis.runs_compare import growth_by_runs, judge_by_runs
from leakreport.analysis.sites import Paths
from leakreport.analysis.tokens import BY_NAME, BY_TOKEN
from leakreport.model.columns import BoolColumn, exact_sum
from leakreport.model.raw import Frame, Moment, Note, SnapshotMeta
from leakreport.model.snapshot import Run, Snapshot
from leakreport.units import plural


@dataclass(frozen=True, slots=True)
class ComparedSide:
    """One side with everything that is asked of it."""

    run: Run
    judged: Judged
    members: Sequence[Snapshot]
    columns: FrameColumns
    rows: PathTable
    runs: Sequence[Judged]
    """Of a side that was repeated each run by itself; else empty."""
    frame_index: Sequence[int]
    """Per frame of the run its index in the frames of both sides."""

    @property
    def metas(self) -> list[SnapshotMeta]:
        """Of what is judged."""
        return [snapshot.meta for snapshot in self.members]


@dataclass(frozen=True, slots=True)
class Aligned:
    """Two runs with their paths paired: what a comparison and a check against a baseline are both made from."""

    before: ComparedSide
    after: ComparedSide
    frames: tuple[Frame, ...]
    """Of both sides."""
    ownership: Ownership
    metrics: Sequence[str]
    """Totals that both sides measure."""
    rule: NoiseRule
    found: Matching
    rows: DiffTable


def compare(before: Run, after: Run, options: AnalysisOptions | None = None) -> DiffReport:
    """Compare two runs.

    Args:
        before: at least one snapshot.
        after: the same.
        options: what is yours, what counts as a change, which gates to check.

    Raises:
        UsageError: an option names something that a run does not have.
    """
    options = options or AnalysisOptions()
    aligned = align(before, after, options)
    old, new, frames, found, rule = aligned.before, aligned.after, aligned.frames, aligned.found, aligned.rule
    metrics, ownership = aligned.metrics, aligned.ownership
    metric = options.metric or ("leaked_bytes" if "leaked_bytes" in metrics else "retained_bytes")
    told = BY_TOKEN if options.redact else BY_NAME
    table = replace(aligned.rows, work=options.per)
    tables = RunsSide(old.rows, old.runs), RunsSide(new.rows, new.runs)
    by_runs = judge_by_runs(table, tables, _bytes_metric(metric), rule, is_forced=options.force_compare)
    rows = by_runs.rows
    change = {name: new.judged.totals[name] - old.judged.totals[name] for name in metrics}
    unattributed = {name: amount - exact_sum(rows.change[name]) for name, amount in change.items()}
    is_estimate = is_sampled([*old.metas, *new.metas])
    per = per_work(options.per, old.judged.totals, new.judged.totals, metrics, is_estimate=is_estimate)
    growth = growth_by_runs(_growth(rows, change, unattributed, metric), by_runs)
    growth = replace(growth, beside=grown_beside(change, metric, [*old.metas, *new.metas]))
    reasons = mismatches(old.metas, new.metas, old.columns, new.columns, _recognised(found, old, new))
    status = status_of_diff(growth, reasons, is_forced=options.force_compare)
    ends = _sides(old, new)
    unread = "; ".join(filter(None, (unread_siblings(old.run), unread_siblings(new.run))))
    gate, lines = evaluate_growth(options, growth, rows, reasons, frames, unread=unread)
    is_listed = rows.is_significant | rows.is_open
    # In what rows hold: of memory that is held and not lost, nothing would be counted in lost bytes.
    noise = rows.weight[~is_listed]
    summaries = (*input_summaries(old.run, old.judged), *input_summaries(new.run, new.judged))
    columns = describe(frames, ownership)
    differences = library_differences((old.metas, before.frames), (new.metas, after.frames))
    why = reasons_for(rows, frames, columns, differences, ownership.executables, unattributed=unattributed, told=told)
    return DiffReport(
        kind="diff",
        metric=metric,
        title=title_of([*old.members, *new.members]),
        verdict=Verdict(
            status=status,
            sentence=sentence_of_diff(status, growth, ends, is_comparable=not reasons),
            lead=(*why.around(growth.lead(rows, frames)), *work_words(per, growth.bytes_metric)),
            gate=gate,
            gate_lines=lines,
            reasons=(*reasons, *growth.reasons(), *(note.message for half in (old, new) for note in half.judged.notes)),
        ),
        inputs=summaries,
        before=ends[0],
        after=replace(ends[1], input_index=len(input_summaries(old.run, old.judged))),
        change=change,
        unattributed=unattributed,
        frames=frames,
        own=tuple(columns.is_own.tolist()),
        rows=rows,
        significant_rows=int(rows.is_significant.sum()),
        listed_rows=int(is_listed.sum()),
        by_module=rows.by_module(_metric_of_modules(metric)),
        noise=rule,
        noise_rows=int(np.count_nonzero(noise)),
        noise_change=exact_sum(noise),
        mismatches=reasons,
        surroundings=(*unequal_work(per), *surroundings(old.metas, new.metas), *why.surroundings),
        findings=why.findings,
        growth_graph=why.graph,
        libraries=why.libraries,
        notes=tuple(
            dict.fromkeys(
                (
                    *old.judged.notes,
                    *new.judged.notes,
                    *_of_reports(old),
                    *_of_reports(new),
                    *_uncompared(found),
                    *folded_notes(old.rows, new.rows),
                    *owner_notes(options.owners, is_redacted=options.redact),
                )
            )
        ),
        next_commands=(),
        per=per,
        folded_bytes=folded_bytes(old.rows, new.rows),
        runs=by_runs.summary,
        tree_when_asked=partial(_tree, rows, frames, columns.is_own),
        text_of_row=partial(row_text, why.findings),
        checks=len(RULES),
        grown_rows=growth.grown + growth.new,
        shrunk_rows=growth.shrunk + growth.gone,
        page_when_asked=cache(
            lambda: page_of_diff(rows, after.tree, frames, columns, metric=metric, most_nodes=options.max_nodes)
        ),
    )


def align(before: Run, after: Run, options: AnalysisOptions) -> Aligned:
    """Pair the paths of two runs, and judge each change by the noise rule of both.

    Raises:
        UsageError: an option names something that a run does not have.
    """
    frames, indexes = _both_frames(before, after)
    ownership = ownership_of(
        frames,
        [snapshot.meta.actual.command for run in (before, after) for snapshot in run.snapshots],
        own=options.own,
        allocators=options.allocators,
    )
    sides = zip((before, after), repeated_sides(before, after, options), indexes, strict=True)
    old, new = (_half(run, side, index, ownership) for run, side, index in sides)
    metrics = [metric for metric in new.judged.totals if metric in old.judged.totals]
    rule = noise_rule(
        [*old.metas, *new.metas],
        [half.judged.totals.get("retained_bytes", 0) for half in (old, new)],
        options.min_change_bytes,
    )
    found = matched_beside_folded(_foldable(old), _foldable(new), BY_TOKEN if options.redact else BY_NAME)
    halves = (
        Half(with_owners(old.rows, options), old.frame_index),
        Half(with_owners(new.rows, options), new.frame_index),
    )
    return Aligned(old, new, frames, ownership, metrics, rule, found, diff_table(halves, found, metrics, rule))


def _tree(rows: DiffTable, frames: Sequence[Frame], own: BoolColumn) -> ComparedTree:
    before, after = (
        amounts_of(rows, side, half.rows.column("retained_bytes")) for side, half in enumerate(rows.halves)
    )
    return compared_tree(rows.stacks(), before, after, frames, own)


def _both_frames(before: Run, after: Run) -> tuple[tuple[Frame, ...], tuple[list[int], list[int]]]:
    index: dict[Frame, int] = {}
    found = tuple([index.setdefault(frame, len(index)) for frame in run.frames] for run in (before, after))
    return tuple(index), (found[0], found[1])


def _half(run: Run, side: Repeated, frame_index: Sequence[int], ownership: Ownership) -> ComparedSide:
    columns = describe(run.frames, ownership)
    rows, judged = averaged(path_rows(run, side.judged, columns, is_rust=ownership.is_rust), side.judged, side.runs)
    members = [run.snapshots[index] for index in judged.members]
    return ComparedSide(run, judged, members, columns, rows, side.runs, frame_index)


def _foldable(half: ComparedSide) -> Foldable:
    largest = [snapshot.meta.largest_folded_bytes for snapshot in half.members]
    known = [amount for amount in largest if amount is not None]
    return Foldable(
        rows=half.rows,
        paths=_paths_of(half),
        keys=half.columns.key,
        places=[_place(frame) for frame in half.run.frames],
        largest_bytes=max(known) if len(known) == len(largest) else None,
    )


def _place(frame: Frame) -> tuple[object, ...]:
    return (frame.function, frame.module_name, frame.file, *frame[4:])


def _paths_of(half: ComparedSide) -> Paths:
    rows = half.rows
    return Paths(
        frames=[frame.actual for frame in half.run.frames],
        own=half.columns.is_own,
        stacks=rows.paths.stacks,
        families=rows.paths.families,
        stack=rows.stack,
        leak_kind=rows.leak_kind,
        bytes=rows.column("retained_bytes"),
        blocks=rows.column("retained_blocks"),
    )


_OF_REPORTS = frozenset(("from-report", "hidden-paths", "report-is-partial", "report-of-a-diff", "report-of-several"))


def _of_reports(half: ComparedSide) -> list[Note]:
    """What a side that is a report says of itself."""
    notes = dict.fromkeys((meta.source, note) for meta in half.metas for note in meta.notes)
    return [Note(note.slug, f"{source}: {note.message}") for source, note in notes if note.slug in _OF_REPORTS]


def _uncompared(found: Matching) -> list[Note]:
    """That some paths were not looked at, which must not pass for new or gone without a word."""
    if not found.uncompared:
        return []
    what = f"{plural(found.uncompared, 'path')} without a sure partner were too many to be compared one by one"
    return [Note("too-many-open", f"{what}: the smallest are called new or gone.")]


def _recognised(found: Matching, old: ComparedSide, new: ComparedSide) -> float:
    """The share of the rows of one side that are paired, the smaller of both sides; 1 where there are no rows."""
    sides = ((old.rows, found.gone), (new.rows, found.new))
    if not any(len(rows) for rows, _ in sides):
        return 1.0
    return min((len(rows) - len(lone)) / max(1, len(rows)) for rows, lone in sides)


def _bytes_metric(metric: str) -> str:
    return metric if metric.endswith("_bytes") else "retained_bytes"


def _growth(rows: DiffTable, change: Mapping[str, int], unattributed: Mapping[str, int], metric: str) -> Growth:
    bytes_metric = _bytes_metric(metric)
    grown = rows.taken(rows.is_significant & (rows.weight > 0))
    shrunk = rows.taken(rows.is_significant & (rows.weight < 0))
    new, gone = int(grown.are(Presence.NEW).sum()), int(shrunk.are(Presence.GONE).sum())
    return Growth(
        bytes_metric=bytes_metric,
        net=change.get(bytes_metric, 0),
        unattributed=unattributed.get(bytes_metric, 0),
        grown_bytes=exact_sum(grown.weight),
        shrunk_bytes=-exact_sum(shrunk.weight),
        grown=len(grown) - new,
        new=new,
        shrunk=len(shrunk) - gone,
        gone=gone,
        others=int((rows.is_significant & (rows.weight == 0)).sum()),
        has_paths=len(rows) > 0,
    )


def _sides(old: ComparedSide, new: ComparedSide) -> list[Side]:
    sides = [_side(half) for half in (old, new)]
    # Of several snapshots the label would name one.
    labels = [half.members[0].meta.label if len(half.run.snapshots) == 1 else None for half in (old, new)]
    names = side_names(labels, [side.label for side in sides]) or ("", "")
    return [replace(side, name=name) for side, name in zip(sides, names, strict=True)]


def _side(half: ComparedSide) -> Side:
    moments = {snapshot.meta.moment for snapshot in half.members}
    sources = list(dict.fromkeys(snapshot.meta.source for snapshot in half.members))
    return Side(
        totals=half.judged.totals,
        input_index=0,
        snapshot=half.judged.members[-1],
        moment=moments.pop() if len(moments) == 1 else Moment.DUMP,
        label=sources[0] if len(sources) == 1 else f"{sources[0]} and {len(sources) - 1} more",
        frame_count=len(half.run.frames),
        named_frames=sum(frame.function is not None for frame in half.run.frames),
    )


def _metric_of_modules(metric: str) -> str:
    """Whatever was lost, libraries are told by all that they retain."""
    return metric if metric.endswith("_bytes") and metric != "leaked_bytes" else "retained_bytes"
