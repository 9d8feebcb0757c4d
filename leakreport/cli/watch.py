"""`leakreport watch PID`: samples of a process that runs, what grows so far, and the verdict at the end."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.options import COMPARING, READING, WRITING, FailOn, Given, takes
from leakreport.cli.outcome import finish, targets_of
from leakreport.cli.output import check_replaces_nothing
from leakreport.cli.shared import say
from leakreport.cli.watching import Wanted, judged, observe, split_outputs
from leakreport.errors import EXIT_INCONCLUSIVE, UsageError, first_exit_code
from leakreport.units import format_duration, parse_duration, parse_share

if TYPE_CHECKING:
    from leakreport.cli.ticks import TickLines
    from leakreport.live.process import ProcessHandle

_KEPT = frozenset(("metric", "own", "redact", "include_host", "config"))
JUDGING = tuple(flag for flag in READING if flag.name in _KEPT)
"""Of the options of what reads profiles, those that a process that runs has."""
_LEAST_INTERVAL = 0.01
_LARGEST_PID = 2**22


@takes(JUDGING, COMPARING, WRITING)
def watch(
    pid: Annotated[str, typer.Argument(metavar="PID", help="The number of a process that runs.", show_default=False)],
    given: Given,
    interval: Annotated[str, typer.Option("--interval", metavar="TIME", help="From one sample to the next, give or take a tenth: 10s, 500ms, 1m.")] = "10s",
    duration: Annotated[str | None, typer.Option("--duration", metavar="TIME", help="Stop after this: 10m. Else at the end of the process, or at Ctrl-C.", show_default=False)] = None,
    max_overhead: Annotated[str, typer.Option("--max-overhead", metavar="SHARE", help="Reading takes at most this share of the time: mappings are read more rarely where they cost more.")] = "1%",
    jcmd: Annotated[bool, typer.Option("--jcmd", help="Ask a JVM for its native memory at every sixth sample.")] = False,
    fail_on: FailOn = None,
) -> int:  # fmt: skip
    """Sample a process, say what grows so far, and judge it when it ends, when time is over, or at Ctrl-C."""
    from leakreport.live.process import ProcessHandle
    from leakreport.live.series import SeriesFile
    from leakreport.render import as_trend, get_renderer

    wanted = Wanted(
        pid=_pid_of(pid),
        interval=parse_duration(interval, "--interval"),
        duration=None if duration is None else parse_duration(duration, "--duration"),
        max_overhead=parse_share(max_overhead, "--max-overhead"),
        with_jcmd=jcmd,
    )
    if wanted.interval < _LEAST_INTERVAL:
        raise UsageError(f"--interval {interval} is too short", advice="Give at least 10ms.")
    if wanted.duration == 0:
        raise UsageError(f"--duration {duration} is no time", advice="Give 10m, or leave it out.")
    chosen = given.chosen({"fail-on": fail_on})
    path, reports = split_outputs(given.texts("output"), is_redacted=chosen.flag("redact"))
    targets = targets_of(given.to, reports, [])
    for name, _ in targets:
        as_trend(get_renderer(name))
    check_replaces_nothing([*reports, *([] if path is None else [path])], [])
    options = chosen.analysis_options(at=None, metric=given.text("metric"), grouping=None, command="trend")
    handle = ProcessHandle(wanted.pid)
    lines = None if given.flag("quiet") else _lines(given.to, wanted.interval)
    if lines is not None:
        lines.tell(_opening(handle, wanted))
    with SeriesFile(path) as series:
        watched = observe(wanted, handle, series, options, lines)
        report, kind, errors = judged(series, path or f"process {wanted.pid}", options)
        if report is not None and not given.flag("quiet") and not options.redact:
            report = replace(report, next_commands=_next(wanted.pid, path, is_alive=handle.is_alive))
        code = finish(report, given, chosen, targets, errors, kind=kind)
    codes = {code, *(problem.exit_code for problem in watched.problems)}
    for problem in watched.problems:
        say("error", problem)
    if kind == "analysis" and (options.fail_on or options.max_growth_text):
        codes.add(EXIT_INCONCLUSIVE)
    return first_exit_code(codes)


def _pid_of(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or not 0 < int(text) <= _LARGEST_PID:
        raise UsageError(f"{text!r} is no pid", advice="Give the number of a process: pgrep -f NAME finds it.")
    return int(text)


def _lines(to: str, interval: float) -> TickLines:
    """On standard output, unless a document goes there."""
    from leakreport.cli.ticks import TickLines

    stream = sys.stdout if to == "terminal" else sys.stderr
    return TickLines(
        stream,
        width=shutil.get_terminal_size((120, 24)).columns,
        is_live=stream.isatty() and os.environ.get("TERM") != "dumb",
        is_fast=interval < 1,
    )


def _opening(handle: ProcessHandle, wanted: Wanted) -> str:
    until = "it ends" if wanted.duration is None else f"{format_duration(wanted.duration)} are over"
    name = handle.program.name
    return f"Watching process {wanted.pid} ({name}) every {format_duration(wanted.interval)} until {until}; Ctrl-C ends and judges."


def _next(pid: int, path: str | None, *, is_alive: bool) -> tuple[str, ...]:
    found = [f"leakreport doctor {pid}"] if is_alive else []
    if path is not None:
        found.append(f"leakreport trend {path} -v")
    return tuple(found)
