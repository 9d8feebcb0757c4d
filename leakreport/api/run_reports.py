"""The reports on a command that has ended, from what was recorded of each of its processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from leakreport.analysis.outcome import Held, Outcome, verdict_with, without_names
from leakreport.analysis.report import GateLine, GateResult, Report, Status
from leakreport.analysis.trendreport import TrendReport
from leakreport.api.running import Recorded
from leakreport.errors import EmptyInput, InputError
from leakreport.model.builder import RunBuilder
from leakreport.model.raw import Note, RawSnapshot, SnapshotMeta
from leakreport.model.snapshot import Run
from leakreport.units import plural


def nothing_written(recorded: Recorded) -> InputError:
    """What is said where a recorder left no file."""
    return EmptyInput(
        f"{recorded.outcome.tool} wrote no recording",
        advice="It writes when the command ends by itself; a command that is linked statically or set-uid takes no "
        "preloaded recorder.",
    )


def finished(report: Report | TrendReport, recorded: Recorded) -> Report | TrendReport:
    """A report that says how the command ended, too, and what it held at the last sample."""
    outcome = recorded.outcome
    if isinstance(report, TrendReport) and outcome.tool == "none":
        outcome = replace(outcome, held_last=_held_last(report))
    if report.is_redacted:
        outcome = without_names(outcome)
    return replace(report, verdict=verdict_with(report.verdict, outcome), outcome=outcome)


def growth_of_processes(
    recorded: Recorded, judge: Callable[[Sequence[str]], tuple[TrendReport | None, list[InputError]]]
) -> tuple[TrendReport | None, list[InputError], Recorded]:
    """The trend of the process that matters: one that grows, else one that cannot be judged, else the largest.

    Args:
        recorded: of the command.
        judge: from files of one process to its report, None where they have too few moments.

    Returns:
        The report, what could not be read, and the recording with the judged process marked.
    """
    rank = {Status.GROWTH: 0, Status.INCONCLUSIVE: 1}
    found: list[tuple[int, int, TrendReport]] = []
    errors: list[InputError] = []
    for number, files in enumerate(recorded.processes):
        report, unread = judge(files)
        errors += unread
        if report is not None:
            found.append((rank.get(report.verdict.status, 2), number, report))
    if not found:
        return None, errors, recorded
    _, _, best = min(found, key=lambda one: (one[0], -_last_total(one[2]), one[1]))
    pids = {summary.pid for summary in best.inputs}
    return best, errors, _marked(recorded, pids)


def _last_total(report: TrendReport) -> int:
    return 0 if report.total is None else report.total.verdict.last


def _marked(recorded: Recorded, pids: set[int | None]) -> Recorded:
    members = tuple(one._replace(is_judged=one.pid in pids) for one in recorded.outcome.members)
    return replace(recorded, outcome=replace(recorded.outcome, members=members))


def empty_run(recorded: Recorded) -> Run:
    """A run of a command of which nothing was recorded."""
    outcome = recorded.outcome
    note = Note("nothing-recorded", "The command ended before anything of its memory was recorded.")
    builder = RunBuilder()
    meta = SnapshotMeta(
        source=outcome.members[0].name or "command",
        format="watch",
        tool="leakreport run",
        pid=outcome.pid,
        notes=(note,),
    )
    builder.add(RawSnapshot(meta, {}))
    return builder.build()


def with_short_sources(run: Run) -> Run:
    """The run with the names of its files alone: their folder is gone when somebody reads the report."""
    return replace(
        run,
        snapshots=tuple(
            replace(one, meta=replace(one.meta, source=os.path.basename(one.meta.source))) for one in run.snapshots
        ),
    )


def too_early(report: Report, gates: Sequence[str], outcome: Outcome) -> Report:
    """The report on a command of which there are no two samples: growth cannot be judged, and no gate passes."""
    what = f"it ended after {outcome.elapsed_seconds:.1f} s, with {plural(outcome.samples, 'sample')}"
    lines = tuple(GateLine(gate, GateResult.INCONCLUSIVE, f"{what}: too early to judge growth") for gate in gates)
    verdict = replace(
        report.verdict,
        status=Status.INCONCLUSIVE,
        sentence=f"Too early to judge growth: {what}",
        lead=("Sample more often with --sample, or let it run longer.",),
        gate=GateResult.INCONCLUSIVE if lines else GateResult.NOT_ASKED,
        gate_lines=lines,
    )
    return replace(report, verdict=verdict)


def _held_last(report: TrendReport) -> tuple[Held, ...]:
    """What the judged process held at its last point, the largest group first."""
    if report.metric_unit != "bytes":
        return ()
    groups: dict[str, int] = {}
    for row in report.rows:
        amounts = [amount for amount in row.series if amount is not None]
        if amounts and amounts[-1] > 0 and row.path.frames:
            name = report.frames[row.path.frames[0]].function or "???"
            groups[name] = groups.get(name, 0) + amounts[-1]
    return tuple(Held(name, amount) for name, amount in sorted(groups.items(), key=lambda one: (-one[1], one[0])))
