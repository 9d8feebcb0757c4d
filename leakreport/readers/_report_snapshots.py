"""A document of a report as raw snapshots.

An analysis gives the judged snapshot with its paths, and the others of the process as far as the document knows them; a
comparison its two sides, a trend its points. The sum of several processes is one snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from leakreport.model.metrics import METRICS
from leakreport.model.raw import Frame, Note, RawSnapshot, SampleTable, SnapshotMeta, small_paths
from leakreport.readers._report_document import Document
from leakreport.readers._report_meta import Taken, together
from leakreport.readers._report_parts import problem_of
from leakreport.readers._report_rows import DERIVED, Key, Rows
from leakreport.readers._report_values import DamagedReport


def snapshots_of(document: Document) -> list[RawSnapshot]:
    """What a checked document tells, in order.

    Raises:
        DamagedReport: it does not fit together.
    """
    match document.kind:
        case "analysis":
            return _analysis(document)
        case "diff":
            return _diff(document)
        case _:
            return _trend(document)


def _analysis(document: Document) -> list[RawSnapshot]:
    judged, totals = document.judged, document.totals
    problems = tuple(problem_of(finding, document.frames, document.limits) for finding in document.problems)
    notes = [*_notes(document), *_with_hidden(document)]
    frames = tuple(document.frames)
    table = document.rows.table(frames, _own_metric) if judged.is_detailed else None
    if judged.input_index is None:
        several = f"The report is of {len(document.inputs)} inputs together: their sum is one snapshot here."
        meta = together(document.inputs)
        meta = _named(document, meta, [*notes, Note("report-of-several", several)])
        meta = replace(meta, moment=judged.moment or meta.moment, process_count=judged.process_count)
        return [RawSnapshot(meta, totals, table, problems)]
    inputs = [entry.meta for entry in document.inputs]
    pid = inputs[judged.input_index].pid
    process = [
        taken for taken in document.snapshots if taken.input_index is not None and inputs[taken.input_index].pid == pid
    ]
    found = []
    for taken in process:
        number = document.snapshots.index(taken)
        meta = _meta_of(document, taken, process, notes)
        if taken is judged:
            found.append(RawSnapshot(meta, totals, table, problems))
            continue
        samples = None
        if taken.is_detailed and document.rows.has(("retained_bytes", number)):
            samples = _at(document.rows, frames, number)
        # What a tool reported beside leaks is known of the judged snapshot only.
        meta = replace(meta, measures_errors=False, memory_error_count=None)
        found.append(RawSnapshot(meta, taken.totals, samples))
    return found


def _meta_of(document: Document, taken: Taken, process: Sequence[Taken], notes: Sequence[Note]) -> SnapshotMeta:
    """What is known about one of the snapshots of a process."""
    inputs = [entry.meta for entry in document.inputs]
    meta = inputs[taken.input_index or 0]
    is_complete = meta.is_complete if taken.is_complete is None else taken.is_complete
    label = taken.label
    if label is None and len({one.input_index for one in process}) > 1:
        label = meta.source.rsplit("/", 1)[-1]
    is_one_of_several = len(process) > 1
    return replace(
        _named(document, meta, notes),
        label=label,
        time=taken.time,
        time_unit=taken.time_unit,
        is_complete=is_complete,
        truncation=None if is_complete else meta.truncation,
        moment=taken.moment or meta.moment,
        is_peak=taken.is_peak,
        is_exit_dump=taken.is_exit_dump,
        process_count=taken.process_count,
        document=document.source if is_one_of_several else None,
        is_judged=is_one_of_several and taken is document.judged,
    )


def _diff(document: Document) -> list[RawSnapshot]:
    start = document.first_input_after
    sides = ((document.inputs[:start], document.earlier), (document.inputs[start:], document.rows))
    notes = [
        *_notes(document),
        Note("report-of-a-diff", "The report compares two runs: the side after is judged, --at 0 is the side before."),
    ]
    if document.hidden_paths:
        notes.append(_left_out(document, "what they hold is on no path here"))
    frames = tuple(document.frames)
    found = []
    for (inputs, rows), totals, label in zip(sides, document.sides, ("before", "after"), strict=True):
        meta = replace(
            _named(document, together(inputs), notes),
            label=label,
            # A comparison does not list what the tools reported beside leaks.
            measures_errors=False,
            document=document.source,
            is_judged=label == "after",
        )
        found.append(RawSnapshot(meta, totals, rows.table(frames, _own_metric)))
    return found


def _trend(document: Document) -> list[RawSnapshot]:
    taken = document.snapshots
    if not taken:
        raise DamagedReport("no snapshot is named")
    notes = _notes(document)
    if document.hidden_paths:
        notes.append(_left_out(document, "what they hold is on no path here"))
    metas = [entry.meta for entry in document.inputs]
    if len(metas) != len(taken):
        metas = [together(document.inputs)] * len(taken)
    metric = document.metric
    if metric not in METRICS:
        raise DamagedReport("metric is not known")
    frames = tuple(document.frames)
    return [
        RawSnapshot(
            replace(
                _named(document, meta, notes),
                label=point.label,
                time=point.time,
                time_unit=point.time_unit,
                measures_errors=False,
                document=document.source,
                is_judged=point is taken[-1],
            ),
            point.totals,
            _at(document.rows, frames, number, metric) if point.is_detailed else None,
        )
        for number, (meta, point) in enumerate(zip(metas, taken, strict=True))
    ]


def _named(document: Document, meta: SnapshotMeta, notes: Sequence[Note]) -> SnapshotMeta:
    """With the name of the report in place of what it was made of, which a note tells."""
    made = f"The figures are from a report that {document.generator} made of {meta.source}; the recording was not read."
    return replace(
        meta,
        source=document.source,
        largest_folded_bytes=document.largest_folded_bytes,
        notes=(*meta.notes, Note("from-report", made), *notes),
    )


def _notes(document: Document) -> list[Note]:
    sides = [rows.folded(document.frames, "retained_bytes") for rows in (document.rows, document.earlier)]
    count, amount = max(sides)
    found = []
    if document.unlisted_findings:
        left = f"{document.unlisted_findings:,} errors and other findings beside leaks"
        found.append(Note("unlisted-findings", f"The page does not list {left}: they count, and are not shown."))
    if count:
        found.append(
            Note(
                "folded-paths",
                f"The report folds {count:,} small paths, which retain {amount:,} bytes: of these only the outer frames are known.",
            )
        )
    return found


def _with_hidden(document: Document) -> list[Note]:
    """What options kept out of the paths of an analysis becomes a row of small paths without a stack."""
    values = document.hidden
    if not document.hidden_paths:
        return []
    if min(values.values(), default=0) < 0:
        raise DamagedReport("hidden.values has a negative number")
    document.frames.append(small_paths(document.hidden_paths))
    document.rows.add_split([len(document.frames) - 1], values, folded=document.hidden_paths)
    return [_left_out(document, "their sum is one path here")]


def _left_out(document: Document, what: str) -> Note:
    return Note("hidden-paths", f"Options kept {document.hidden_paths:,} paths out of the report: {what}.")


def _own_metric(key: Key) -> str | None:
    return key if isinstance(key, str) and key in METRICS else None


def _at(rows: Rows, frames: tuple[Frame, ...], number: int, metric: str = "retained_bytes") -> SampleTable:
    """What a snapshot holds by the series of the rows."""
    # What a row with a kind holds of its kind is what it retains.
    name = f"retained_{metric.rpartition('_')[2]}" if metric in DERIVED and rows.has_kinds else metric
    wanted: Callable[[Key], str | None] = lambda key: name if key == (metric, number) else None  # noqa: E731
    return rows.table(frames, wanted, only_held=True)
