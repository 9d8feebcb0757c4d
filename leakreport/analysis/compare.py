"""Two runs in, a difference out: every path of either side in one row, every byte accounted for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import NamedTuple

from leakreport.analysis.analyze import input_summaries, judged_snapshots, title_of
from leakreport.analysis.comparable import mismatches, surroundings
from leakreport.analysis.diffgate import evaluate_growth
from leakreport.analysis.diffreport import DiffReport, DiffRow, NoiseRule, Presence, Side
from leakreport.analysis.diffverdict import Growth, sentence_of_diff, status_of_diff
from leakreport.analysis.explaining import Unmatched
from leakreport.analysis.frames import FrameColumns, describe
from leakreport.analysis.matching import match
from leakreport.analysis.noise import is_significant, noise_rule
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.ownership import Ownership, ownership_of
from leakreport.analysis.processes import Judged
from leakreport.analysis.report import GroupRow, PathRow, Verdict
from leakreport.analysis.rows import path_rows
from leakreport.analysis.sites import Paths
from leakreport.analysis.sites import Side as PathSide
from leakreport.model.raw import Frame, Moment, SnapshotMeta
from leakreport.model.snapshot import Run, Snapshot

UNKNOWN_MODULE = "(object not recorded)"


@dataclass(frozen=True, slots=True)
class _Half:
    """One side with everything that is asked of it."""

    run: Run
    judged: Judged
    members: Sequence[Snapshot]
    columns: FrameColumns
    rows: Sequence[PathRow]
    frame_index: Sequence[int]
    """Per frame of the run its index in the frames of both sides."""


class Pair(NamedTuple):
    """What belongs together: indexes of rows before and after; one of them empty for a path on one side only."""

    before: tuple[int, ...]
    after: tuple[int, ...]
    matched_as: str | None
    confidence: str | None
    score: float | None
    evidence: str
    tie: int | None
    """One number for rows that could be each other: their sum is judged."""


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
    frames, indexes = _both_frames(before, after)
    ownership = ownership_of(
        frames,
        [snapshot.meta.command for run in (before, after) for snapshot in run.snapshots],
        own=options.own,
        allocators=options.allocators,
    )
    old, new = (_half(run, index, ownership, options) for run, index in ((before, indexes[0]), (after, indexes[1])))
    metrics = [metric for metric in new.judged.totals if metric in old.judged.totals]
    metric = options.metric or ("leaked_bytes" if "leaked_bytes" in metrics else "retained_bytes")
    rule = noise_rule(
        [snapshot.meta for half in (old, new) for snapshot in half.members],
        [half.judged.totals.get("retained_bytes", 0) for half in (old, new)],
        options.min_change_bytes,
    )
    pairs = _pairs(old, new)
    rows = _judged_with_ties(pairs, [_row(pair, old, new, metrics, rule) for pair in pairs], rule)
    rows.sort(key=_order)
    change = {name: new.judged.totals[name] - old.judged.totals[name] for name in metrics}
    unattributed = dict(change)
    for row in rows:
        for name, amount in row.change.items():
            unattributed[name] -= amount
    growth = _growth(rows, change, unattributed, metric)
    reasons = mismatches(_metas(old), _metas(new), old.columns, new.columns, _recognised(pairs))
    status = status_of_diff(growth, reasons, is_forced=options.force_compare)
    sides = [_side(half) for half in (old, new)]
    gate, lines = evaluate_growth(options, growth, rows, reasons, frames)
    noise = [row for row in rows if not row.is_significant and row.change.get(growth.bytes_metric)]
    summaries = (*input_summaries(old.run, old.judged), *input_summaries(new.run, new.judged))
    own = describe(frames, ownership).is_own
    return DiffReport(
        kind="diff",
        metric=metric,
        title=title_of([*old.members, *new.members]),
        verdict=Verdict(
            status=status,
            sentence=sentence_of_diff(status, growth, sides),
            lead=growth.lead(rows, frames),
            gate=gate,
            gate_lines=lines,
            reasons=(*reasons, *(note.message for half in (old, new) for note in half.judged.notes)),
        ),
        inputs=summaries,
        before=sides[0],
        after=Side(
            totals=sides[1].totals,
            input_index=len(input_summaries(old.run, old.judged)),
            snapshot=sides[1].snapshot,
            moment=sides[1].moment,
            label=sides[1].label,
        ),
        change=change,
        unattributed=unattributed,
        frames=frames,
        own=tuple(own.tolist()),
        rows=tuple(rows),
        by_module=_by_module(rows, metric),
        noise=rule,
        noise_rows=len(noise),
        noise_change=sum(row.change[growth.bytes_metric] for row in noise),
        mismatches=reasons,
        surroundings=surroundings(_metas(old), _metas(new), before.frames, after.frames),
        notes=tuple(dict.fromkeys((*old.judged.notes, *new.judged.notes))),
        next_commands=(),
    )


def _both_frames(before: Run, after: Run) -> tuple[tuple[Frame, ...], tuple[list[int], list[int]]]:
    index: dict[Frame, int] = {}
    found = tuple([index.setdefault(frame, len(index)) for frame in run.frames] for run in (before, after))
    return tuple(index), (found[0], found[1])


def _half(run: Run, frame_index: Sequence[int], ownership: Ownership, options: AnalysisOptions) -> _Half:
    judged = judged_snapshots(run, options)
    columns = describe(run.frames, ownership)
    rows = path_rows(run, judged, columns, is_rust=ownership.is_rust)
    return _Half(run, judged, [run.snapshots[index] for index in judged.members], columns, rows, frame_index)


def _metas(half: _Half) -> list[SnapshotMeta]:
    return [snapshot.meta for snapshot in half.members]


def _pairs(old: _Half, new: _Half) -> list[Pair]:
    """Which rows of two sides are of one path; every row of either side is in exactly one pair."""
    found = match(_paths_of(old), _paths_of(new))
    pairs = [
        Pair(one.before, one.after, one.matched_as.value, one.confidence.value, one.score, one.evidence, None)
        for one in found.matches
    ]
    for one in found.gone:
        pairs.append(_lone((one.row,), (), one))
    for one in found.new:
        pairs.append(_lone((), (one.row,), one))
    return pairs


def _lone(before: tuple[int, ...], after: tuple[int, ...], found: Unmatched) -> Pair:
    confidence = None if found.tie is None else "undecided"
    return Pair(before, after, None, confidence, None, found.evidence, found.tie)


def _paths_of(half: _Half) -> Paths:
    rows = [
        PathSide(
            id=row.id,
            leak_kind=row.leak_kind,
            frames=row.frames,
            family=row.family,
            bytes=row.values.get("retained_bytes", 0),
            blocks=row.values.get("retained_blocks", 0),
        )
        for row in half.rows
    ]
    return Paths(half.run.frames, half.columns.is_own.tolist(), rows)


def _row(pair: Pair, old: _Half, new: _Half, metrics: Sequence[str], rule: NoiseRule) -> DiffRow:
    before, after = [old.rows[index] for index in pair.before], [new.rows[index] for index in pair.after]
    shown, half = (after[0], new) if after else (before[0], old)
    first_before = before[0] if before else shown
    values_before, values_after = _summed(before), _summed(after)
    known = [name for name in metrics if name in values_before or name in values_after]
    change = {name: values_after.get(name, 0) - values_before.get(name, 0) for name in known}
    frames = tuple(half.frame_index[index] for index in shown.frames)
    frames_before = tuple(old.frame_index[index] for index in first_before.frames) if before and after else frames
    bytes_metric = "retained_bytes" if "retained_bytes" in known else next(iter(known), "")
    error = sqrt(sum(_variance(row, bytes_metric) for row in (*before, *after)))
    kinds = (first_before.leak_kind if before else shown.leak_kind, shown.leak_kind)
    return DiffRow(
        id=shown.id,
        presence=Presence.BOTH if before and after else Presence.NEW if after else Presence.GONE,
        leak_kind=shown.leak_kind,
        leak_kind_before=kinds[0],
        frames=frames,
        frames_before=frames_before if frames_before != frames else None,
        responsible=shown.responsible,
        named_by=shown.named_by,
        site=shown.site,
        module=shown.module,
        before=values_before,
        after=values_after,
        change=change,
        is_significant=is_significant(
            rule, kinds, change.get(bytes_metric, 0), change.get(bytes_metric.replace("bytes", "blocks"), 0), error
        ),
        matched_as=pair.matched_as,
        confidence=pair.confidence,
        score=pair.score,
        evidence=pair.evidence,
        id_before=first_before.id if before and after and first_before.id != shown.id else None,
        records_before=tuple(name for row in before for name in row.records),
        records_after=tuple(name for row in after for name in row.records),
        error=error or None,
    )


def _recognised(pairs: Sequence[Pair]) -> float:
    """The share of the rows of one side that are paired, the smaller of both sides; 1 where there are no rows."""
    if not pairs:
        return 1.0
    rows = [(len(pair.before), len(pair.after)) for pair in pairs]
    paired = [row for row in rows if all(row)]
    return min(sum(row[side] for row in paired) / max(1, sum(row[side] for row in rows)) for side in (0, 1))


def _judged_with_ties(pairs: Sequence[Pair], rows: Sequence[DiffRow], rule: NoiseRule) -> list[DiffRow]:
    """Rows that could be each other are judged by their sum: which of them changed is not known."""
    tied: defaultdict[int, list[int]] = defaultdict(list)
    for index, pair in enumerate(pairs):
        if pair.tie is not None:
            tied[pair.tie].append(index)
    found = list(rows)
    for indexes in tied.values():
        byte_change = sum(rows[index].change.get("retained_bytes", 0) for index in indexes)
        block_change = sum(rows[index].change.get("retained_blocks", 0) for index in indexes)
        kinds = [rows[index].leak_kind for index in indexes]
        is_change = is_significant(rule, [*kinds, kinds[0]], byte_change, block_change, 0.0)
        for index in indexes:
            found[index] = replace(rows[index], is_significant=is_change)
    return found


def _summed(rows: Iterable[PathRow]) -> dict[str, int]:
    total: dict[str, int] = {}
    for row in rows:
        for metric, amount in row.values.items():
            total[metric] = total.get(metric, 0) + amount
    return total


def _variance(row: PathRow, metric: str) -> float:
    return ((row.errors or {}).get(metric, 0.0) * row.values.get(metric, 0)) ** 2


def _order(row: DiffRow) -> tuple[object, ...]:
    amount = row.change.get("retained_bytes", 0)
    return not row.is_significant, amount < 0, -abs(amount), row.id, row.leak_kind


def _growth(rows: Sequence[DiffRow], change: Mapping[str, int], unattributed: Mapping[str, int], metric: str) -> Growth:
    bytes_metric = metric if metric.endswith("_bytes") else "retained_bytes"
    significant = [row for row in rows if row.is_significant]
    grown = [row for row in significant if _weight(row) > 0]
    shrunk = [row for row in significant if _weight(row) < 0]
    return Growth(
        bytes_metric=bytes_metric,
        net=change.get(bytes_metric, 0),
        unattributed=unattributed.get(bytes_metric, 0),
        grown_bytes=sum(max(_weight(row), 0) for row in grown),
        shrunk_bytes=-sum(min(_weight(row), 0) for row in shrunk),
        grown=sum(row.presence is not Presence.NEW for row in grown),
        new=sum(row.presence is Presence.NEW for row in grown),
        shrunk=sum(row.presence is not Presence.GONE for row in shrunk),
        gone=sum(row.presence is Presence.GONE for row in shrunk),
        others=sum(_weight(row) == 0 for row in significant),
        has_paths=bool(rows),
    )


def _weight(row: DiffRow) -> int:
    """The change of a row in retained bytes: what a lost block weighs, whatever its kind was before."""
    return row.change.get("retained_bytes", next(iter(row.change.values()), 0))


def _side(half: _Half) -> Side:
    moments = {snapshot.meta.moment for snapshot in half.members}
    sources = list(dict.fromkeys(snapshot.meta.source for snapshot in half.members))
    return Side(
        totals=half.judged.totals,
        input_index=0,
        snapshot=half.judged.members[-1],
        moment=moments.pop() if len(moments) == 1 else Moment.DUMP,
        label=sources[0] if len(sources) == 1 else f"{sources[0]} and {len(sources) - 1} more",
    )


def _by_module(rows: Sequence[DiffRow], metric: str) -> tuple[GroupRow, ...]:
    sums: defaultdict[str, int] = defaultdict(int)
    counts: defaultdict[str, int] = defaultdict(int)
    is_of_rows = metric.endswith("_bytes") and metric != "leaked_bytes"
    name = metric if is_of_rows else "retained_bytes"
    for row in rows:
        if row.change.get(name):
            sums[row.module or UNKNOWN_MODULE] += row.change[name]
            counts[row.module or UNKNOWN_MODULE] += 1
    groups = [GroupRow(module, None, False, {name: amount}, counts[module]) for module, amount in sums.items()]
    return tuple(sorted(groups, key=lambda group: (-abs(group.values[name]), group.name)))
