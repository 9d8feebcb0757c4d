"""One watch from the first sample to the last: what the command `watch` does between its options and its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from leakreport.errors import InputError, LeakreportError, OutputError, UsageError
from leakreport.units import plural

if TYPE_CHECKING:
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.cli.ticks import TickLines
    from leakreport.live.process import ProcessHandle
    from leakreport.live.sampler import Sample
    from leakreport.live.series import SeriesFile

SERIES_SUFFIX = ".jsonl"
SERIES_FORMAT = "watch"
_WHAT = {"smaps": "its mappings", "fd": "the links of its descriptors"}
_WITHOUT = {"smaps": "groups are not told apart, and what is retained is an estimate", "fd": "they are counted only"}
_ENDS = {
    "ended": "process {pid} has ended",
    "reused": "process {pid} has ended, and its pid belongs to another process now",
    "interrupted": "the watch was ended",
    "duration": "the time of the watch is over",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to watch, and how."""

    pid: int
    interval: float
    duration: float | None
    max_overhead: float
    with_jcmd: bool


@dataclass(slots=True)
class Watched:
    """What came of it."""

    samples: int = 0
    end: str = ""
    problems: list[LeakreportError] = field(default_factory=list)
    """What went wrong on the way: the series could not be written on, for example."""


def split_outputs(outputs: Sequence[str], *, is_redacted: bool) -> tuple[str | None, list[str]]:
    """The file of the series, where one was asked for, and the outputs that are reports.

    Raises:
        UsageError: there are two series, or names must not be told.
    """
    series = [
        text.partition(":")[2] if text.startswith(f"{SERIES_FORMAT}:") else text for text in outputs if _is_series(text)
    ]
    if len(series) > 1:
        raise UsageError("-o names two series", advice="Give one .jsonl file; reports can be as many as you like.")
    if series and is_redacted:
        raise UsageError(
            f"-o {series[0]}: a series keeps the names that --redact hides",
            advice="Leave one of them out, or redact later: leakreport trend series.jsonl --redact.",
        )
    return (series[0] if series else None), [text for text in outputs if not _is_series(text)]


def _is_series(text: str) -> bool:
    return text.endswith(SERIES_SUFFIX) or text.startswith(f"{SERIES_FORMAT}:")


def observe(
    wanted: Wanted, handle: ProcessHandle, series: SeriesFile, options: AnalysisOptions, lines: TickLines | None
) -> Watched:
    """Sample a process until the end, print a line for each sample, and look at the series now and then."""
    from leakreport.analysis.looks import SoFar
    from leakreport.api import look_at_series
    from leakreport.live.figures import FigureTracker
    from leakreport.live.jcmd import NativeMemory
    from leakreport.live.sampler import Sampler
    from leakreport.live.waiting import Waiter
    from leakreport.live.watcher import Watcher

    native = NativeMemory(handle, interval=wanted.interval) if wanted.with_jcmd else None
    sampler = Sampler(handle, interval=wanted.interval, max_overhead=wanted.max_overhead)
    tracker, so_far, found = FigureTracker(), SoFar(), Watched()
    told: set[str] = set()

    def on_sample(sample: Sample) -> None:
        found.samples += 1
        figures = tracker.take(sample)
        if lines is None:
            return
        for text in _news(sample, told, None if native is None else native.refusal):
            lines.tell(text)
        if so_far.is_due(found.samples):
            look_at_series(so_far, series.path, name=series.path, config=replace(options, redact=False))
        lines.tick(figures, tuple(tracker.recent), so_far.text(found.samples))

    watcher = Watcher(sampler, series, interval=wanted.interval, duration=wanted.duration, native=native)
    try:
        with Waiter(wanted.pid) as waiter:
            found.end = watcher.run(waiter.wait, lambda: waiter.signal is not None, on_sample).value
    except OutputError as error:
        # What was written before is judged.
        found.problems.append(error)
    finally:
        if native is not None:
            native.close()
        if lines is not None:
            lines.close()
    if lines is not None and found.end:
        lines.tell(f"{_ENDS[found.end].format(pid=wanted.pid)}: {plural(found.samples, 'sample')}.")
    return found


def _news(sample: Sample, told: set[str], refusal: str | None) -> list[str]:
    """What is to be said beside the figures."""
    found = []
    if sample.program is not None:
        name = sample.program.executable or sample.program.name
        found.append(f"It runs another program now: {name}. The longest stretch of one program is judged.")
    for name, why in sample.missing.items():
        found.append(f"{_WHAT[name]} cannot be read ({why}): {_WITHOUT[name]}. Ask as its user, or as root.")
    if refusal is not None and refusal not in told:
        told.add(refusal)
        found.append(f"The JVM does not tell its native memory: {refusal}")
    return found


def judged(
    series: SeriesFile, name: str, options: AnalysisOptions
) -> tuple[Report | TrendReport | None, str, list[InputError]]:
    """The report on a series, the kind of it, and what could not be read: of one sample an analysis, of more a trend."""
    from leakreport.api import analyze, load_series, trend

    try:
        run = load_series(series.path, name=name)
    except InputError as error:
        return None, "trend", [error]
    if len(run.snapshots) > 1:
        return trend(run, config=options), "trend", []
    return analyze(run, config=replace(options, fail_on=(), max_growth_bytes=None, max_growth_of=())), "analysis", []
