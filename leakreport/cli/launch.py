"""`leakreport run -- COMMAND`: a command under limits or a recorder, and the report on what it did."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.options import COMPARING, READING, WRITING, FailOn, Given, MaxLeaked, takes
from leakreport.cli.outcome import finish, targets_of
from leakreport.cli.settings import Chosen, one_of
from leakreport.cli.shared import read_run, say, tell
from leakreport.errors import EXIT_INCONCLUSIVE, EXIT_OK, InputError, OutputError, UsageError
from leakreport.units import parse_duration

if TYPE_CHECKING:
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.api.running import Recorded
    from leakreport.model.snapshot import Run

_TOOLS = ("none", "memcheck", "massif", "dhat", "heaptrack", "heapprofile")
_LIMITS = ("as", "data", "nofile", "nproc", "rss", "memory-high", "memory-max")
_READING = tuple(flag for flag in READING if flag.name not in {"format_name", "unit"})
_GATES = {"none": "growth", "massif": "growth", "heapprofile": "growth", "memcheck": "definite"}
"""What a recording can be judged by."""
_LONGEST_INTERVAL = 3600.0
_SHORTEST_INTERVAL = 0.01


@takes(_READING, COMPARING, WRITING)
def launch(
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="The command and its arguments; put -- in front.", show_default=False)],
    given: Given,
    tool: Annotated[str, typer.Option("--tool", metavar="NAME", help="The recorder: memcheck, massif, dhat, heaptrack, heapprofile; none samples the process.")] = "none",
    limit_as: Annotated[str | None, typer.Option("--limit-as", metavar="SIZE", help="At most so much address space (ulimit -v).", show_default=False)] = None,
    limit_data: Annotated[str | None, typer.Option("--limit-data", metavar="SIZE", help="At most so much private writable memory (ulimit -d).", show_default=False)] = None,
    limit_nofile: Annotated[str | None, typer.Option("--limit-nofile", metavar="N", help="At most N open files (ulimit -n).", show_default=False)] = None,
    limit_nproc: Annotated[str | None, typer.Option("--limit-nproc", metavar="N", help="At most N processes and threads of the user (ulimit -u); not for root.", show_default=False)] = None,
    limit_rss: Annotated[str | None, typer.Option("--limit-rss", metavar="SIZE", help="Refused: the kernel ignores it. Use --memory-max.", show_default=False)] = None,
    memory_high: Annotated[str | None, typer.Option("--memory-high", metavar="SIZE", help="Slow the command down above this, by a control group.", show_default=False)] = None,
    memory_max: Annotated[str | None, typer.Option("--memory-max", metavar="SIZE", help="Kill the command above this, by a control group.", show_default=False)] = None,
    sample: Annotated[str, typer.Option("--sample", metavar="TIME", help="Between two samples: 500ms, 1s, 1m.")] = "1s",
    keep: Annotated[str | None, typer.Option("--keep", metavar="DIR", help="Keep the recordings in this folder, which is empty or new.", show_default=False)] = None,
    fail_on: FailOn = None,
    max_leaked: MaxLeaked = None,
    min_growth: Annotated[str | None, typer.Option("--min-growth", metavar="SIZE", help="Series that range over less are flat.", show_default=False)] = None,
) -> int:  # fmt: skip
    """Start a command, under a recorder or limits where asked for, and report what it leaks or whether it grows.

    Its status is the exit code, unless a gate did not pass.
    """
    from leakreport.api.running import order_of, run_command

    chosen = given.chosen({"fail-on": fail_on, "max-leaked": max_leaked, "min-growth": min_growth})
    one_of(tool, _TOOLS, "--tool")
    interval = _interval(sample)
    limits = dict(zip(_LIMITS, (limit_as, limit_data, limit_nofile, limit_nproc, limit_rss, memory_high, memory_max), strict=True))  # fmt: skip
    targets = targets_of(given.to, given.texts("output"), ())
    judgement = _Judgement(given, chosen, tool, targets)
    with _folder(keep) as folder:
        order, warnings = order_of(command, folder, tool=tool, limits=limits, interval=interval, gates=chosen.fail_on())
        for warning in warnings:
            say("warning", warning)
        recorded = run_command(order, folder)
        for text in recorded.warnings:
            tell(f"warning[limit-doubt]: {text}.")
        code = judgement.of(recorded, command, folder, is_kept=keep is not None)
    tell(f"leakreport: {command[0]} {recorded.outcome.ending}; its status is {recorded.outcome.status}")
    return code


class _Judgement:
    """What is made of a recording; that options fit is seen before anything is started."""

    def __init__(self, given: Given, chosen: Chosen, tool: str, targets: Sequence[tuple[str, str]]) -> None:
        from leakreport.api.running import keeps_series
        from leakreport.render import as_trend, get_renderer

        asks_growth = "growth" in chosen.fail_on() or bool(chosen.texts("max-growth"))
        self.tool, self.is_sampled = tool, tool == "none"
        self.is_trend = self.is_sampled or (asks_growth and keeps_series(tool))
        if self.is_trend:
            for name, _ in targets:
                as_trend(get_renderer(name))
        elif asks_growth:
            raise UsageError(
                f"--tool {tool} records one moment, which shows no growth",
                advice="Use --fail-on definite with memcheck, or a tool that records several: none, massif, heapprofile.",
            )
        self.given, self.chosen, self.targets = given, chosen, targets
        self.options = chosen.analysis_options(
            at=None,
            metric=given.text("metric"),
            grouping=given.text("as_"),
            command="trend" if self.is_trend else "analyze",
        )
        self.symbols = chosen.symbol_options()
        words = (*chosen.fail_on(), *chosen.texts("max-growth"))
        self.is_gated = bool(words) or chosen.text("max-leaked") is not None

    def of(self, recorded: Recorded, command: Sequence[str], folder: str, *, is_kept: bool) -> int:
        """Write the report; the exit code."""
        from leakreport.analysis.report import GateResult
        from leakreport.api.run_reports import finished

        found, errors, recorded = self._report(recorded, is_kept=is_kept)
        report = finished(found, recorded)
        if not self.given.flag("quiet") and not self.options.redact:
            report = replace(report, next_commands=tuple(self._next(report, command, folder, is_kept=is_kept)))
        own = finish(report, self.given, self.chosen, self.targets, errors, kind=report.kind)
        has_passed = report.verdict.gate in {GateResult.NOT_ASKED, GateResult.PASSED}
        if self.is_gated and not has_passed:
            return own if own != EXIT_OK else EXIT_INCONCLUSIVE
        return recorded.outcome.status or own

    def _report(self, recorded: Recorded, *, is_kept: bool) -> tuple[Report | TrendReport, list[InputError], Recorded]:
        from leakreport.api import analyze, trend
        from leakreport.api.run_reports import (
            empty_run,
            growth_of_processes,
            nothing_written,
            too_early,
            with_short_sources,
        )

        def read(files: Sequence[str]) -> tuple[Run | None, list[InputError]]:
            run, errors = read_run(files, self.given, self.symbols)
            return (run if run is None or is_kept else with_short_sources(run)), errors

        def judge(files: Sequence[str]) -> tuple[TrendReport | None, list[InputError]]:
            run, errors = read(files)
            return (None if run is None or len(run.snapshots) < 2 else trend(run, config=self.options)), errors

        if self.is_trend:
            report, errors, recorded = growth_of_processes(recorded, judge)
            if report is not None:
                return report, errors, recorded
        run, errors = read(recorded.files) if recorded.files else (None, [])
        if run is None and not self.is_sampled and not errors:
            errors = [nothing_written(recorded)]
        of_one = self._of_one(len(recorded.processes))
        report_of_one = analyze(run or empty_run(recorded), config=of_one)
        if self.is_trend:
            report_of_one = too_early(report_of_one, self.gate_words, recorded.outcome)
        return report_of_one, errors, recorded

    @property
    def gate_words(self) -> tuple[str, ...]:
        """The gates as they were written."""
        growth = tuple(f"--max-growth {text}" for text in self.chosen.texts("max-growth"))
        return (*(f"--fail-on {word}" for word in self.chosen.fail_on()), *growth)

    def _of_one(self, processes: int) -> AnalysisOptions:
        from leakreport.analysis.processes import Grouping

        options = self.options
        if self.is_trend:
            options = replace(options, fail_on=(), max_growth_bytes=None, max_growth_of=())
        if processes > 1 and options.grouping is None:
            options = replace(options, grouping=Grouping.PROCESSES)
        return options

    def _next(
        self, report: Report | TrendReport, command: Sequence[str], folder: str, *, is_kept: bool
    ) -> Iterator[str]:
        words = shlex.join(command)
        tool = "" if self.is_sampled else f" --tool {self.tool}"
        if self.is_sampled and report.verdict.status.value == "growth":
            yield f"leakreport run --tool heaptrack -- {words}"
        elif not self.is_gated and self.tool in _GATES:
            yield f"leakreport run{tool} --fail-on {_GATES[self.tool]} -- {words}"
        if is_kept:
            yield f"leakreport {'trend' if report.kind == 'trend' else 'analyze'} {shlex.quote(folder)} -o report.html"
        elif not any(name == "html" for name, _ in self.targets):
            yield f"leakreport run{tool} -o report.html -- {words}"


def _interval(text: str) -> float:
    seconds = parse_duration(text, "--sample")
    if not _SHORTEST_INTERVAL <= seconds <= _LONGEST_INTERVAL:
        raise UsageError(f"--sample {text} is out of range", advice="Give 10ms to 1h.")
    return seconds


@contextmanager
def _folder(keep: str | None) -> Iterator[str]:
    """Where recordings go: what the user named, or a folder that is removed.

    Raises:
        OutputError: it cannot be made.
        UsageError: it has files, which would be taken for recordings.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="leakreport-", ignore_cleanup_errors=True) as folder:
            yield folder
        return
    path = Path(keep)
    try:
        path.mkdir(parents=True, exist_ok=True)
        is_used = any(path.iterdir())
    except OSError as error:
        raise OutputError(f"cannot keep recordings in {keep}: {error.strerror or error}") from error
    if is_used:
        raise UsageError(f"--keep {keep} has files already", advice="Give a new or an empty folder.")
    yield str(path.resolve())
