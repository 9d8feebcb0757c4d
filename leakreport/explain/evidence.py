"""How sure a report can be of one of its paths: the evidence that the recording gives, and what it lacks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from leakreport.analysis.findings import begins, stack_limit
from leakreport.analysis.report import InputSummary, PathRow, Report
from leakreport.model.raw import Frame, Moment
from leakreport.units import format_bytes, format_count, plural

_TELLING = frozenset(
    "attached build-unverified damaged-records damaged-tree earlier-leak-searches exit-dump folded-paths from-report header-mismatch "
    "inherited inherited-unknown kinds-not-recorded leak-check-not-run leak-check-unfinished leaks-omitted mmap-counted-twice "
    "no-lines no-symbols not-a-timeline pages-as-heap peak-is-inaccurate repeated-runs report-is-partial sampled "
    "several-runs summary-mismatch suppressed suppressed-unknown totals-contradict truncated-at-1-mib unknown-frames "
    "unknown-sampling unreadable-inputs wrong-binary".split()
)
"""Notes that limit or support what can be said of a path."""


def evidence(report: Report, row: PathRow) -> Iterator[str]:
    """Sentences on the recording, the most limiting first."""
    judged = report.judged_inputs
    if report.is_complete:
        yield "The recording is complete: every input was read to its end."
    else:
        broken = next(summary for summary in report.inputs if not summary.is_complete)
        what = f": {broken.truncation.what}" if broken.truncation else ""
        yield f"Less sure: the recording of {broken.source} is incomplete{what}. Amounts can be too small, and lost blocks may have been in use."
    yield _moment(report)
    yield from _stack(row, [report.frames[index] for index in row.frames], judged)
    error = (row.errors or {}).get("retained_bytes")
    if error is not None:
        held = row.values.get("retained_bytes", 0)
        if any(summary.sampling is not None for summary in judged):
            yield f"The amount is an estimate from a sample: {format_bytes(held)} give or take {error:.0%} (one standard error)."
        else:
            yield f"The amount is rounded in the input: {format_bytes(held)} give or take {error:.2%} (one standard error)."
    elif all(summary.sampling is None for summary in judged):
        yield "Every allocation was seen; amounts are counts and no estimates."
    yield from _runs(report, row)
    for source, note in report.notes:
        if note.slug in _TELLING:
            where = f"{source}: " if len(report.inputs) > 1 else ""
            yield f"{where}{note.message} ({note.slug})"


def _moment(report: Report) -> str:
    snapshot = report.snapshots[report.judged] if report.snapshots else None
    if snapshot is not None and snapshot.is_exit_dump:
        return "The judged profile was written while the process ended: what it releases at its end is gone already."
    return {
        Moment.EXIT: "It is the state at exit: what the program releases at its end is not in it.",
        Moment.PEAK: "It is the state at the peak: much of it can have been released later on purpose.",
        Moment.DUMP: "It is the state when the profile was written: the program was still at work, and may need all of it.",
    }[report.moment]


def _stack(row: PathRow, frames: Sequence[Frame], judged: Sequence[InputSummary]) -> Iterator[str]:
    named = sum(frame.function is not None for frame in frames)
    with_lines = sum(frame.line is not None for frame in frames)
    if row.responsible is None:
        yield "No frame of the stack is yours, so nobody is named: whose call it was is not known."
    elif frames[row.responsible].line is not None:
        yield f"Debug information names the line; {format_count(with_lines)} of {plural(len(frames), 'frame')} have one."
    else:
        yield f"There is no debug information for your frame: {format_count(named)} of {plural(len(frames), 'frame')} have a name, and your function no line. Build with -g."
    limits = [stack_limit([summary.tool_options]) for summary in judged if summary.format.startswith("memcheck")]
    counted = sum(not frame.is_inlined for frame in frames)
    if limits and counted >= min(limits) and frames and not begins(frames[0]):
        yield f"The stack was cut at {min(limits)} frames, the limit of the recording: several leaks can be one record. Record with --num-callers=40."


def _runs(report: Report, row: PathRow) -> Iterator[str]:
    blocks = row.values.get("retained_blocks")
    if len(report.inputs) == 1 and report.inputs[0].snapshot_count <= 1:
        yield "It is one run: that it happens each time, or grows, takes a second one."
    elif len(report.inputs) > 1:
        yield f"{plural(len(report.inputs), 'input')} were read; the amount is of all that are judged."
    if row.series is not None and "retained_bytes" in row.series:
        amounts = [amount for amount in row.series["retained_bytes"] if amount is not None]
        if len(amounts) > 2:
            risen = sum(after > before for before, after in pairwise(amounts))
            yield f"Over {len(amounts)} snapshots it went from {format_bytes(amounts[0])} to {format_bytes(amounts[-1])}, and rose {risen} times. leakreport trend says whether that is growth."
    if blocks == 1:
        yield "It is a single block: it can be something that is made once."
    elif blocks is not None and blocks >= 10:
        yield f"There are {format_count(blocks)} blocks of this path: the code ran as often, so it is hardly something that is made once."
