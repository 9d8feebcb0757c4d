"""What becomes of a finished report: where it is written, and what the run exits with."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from leakreport.cli.output import check_replaces_nothing, check_shows, remove_file, write_file, write_stdout
from leakreport.cli.settings import Chosen
from leakreport.cli.shared import incomplete_inputs, say, tell, write_report
from leakreport.errors import (
    EXIT_GATE_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_INPUT,
    EXIT_OK,
    InputError,
    LeakreportError,
    OutputError,
    first_exit_code,
)

if TYPE_CHECKING:
    from leakreport.analysis.diffreport import DiffReport
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.cli.options import Given
    from leakreport.render.interface import RenderOptions


def finish(
    report: Report | DiffReport | TrendReport | None,
    given: Given,
    chosen: Chosen,
    targets: Sequence[tuple[str, str]],
    errors: list[InputError],
    *,
    records: bool = False,
    kind: str = "analysis",
) -> int:
    """Write a report wherever it was asked for, say what could not be read, and give the exit code.

    Args:
        report: None where nothing could be read.
        given: the options of the command line.
        chosen: with those of the environment and the file.
        targets: what `targets_of` made.
        errors: what could not be read.
        records: name the input's own records.
        kind: of the report, where there is none; "check" for a check.
    """
    codes = {error.exit_code for error in errors} or {EXIT_OK}
    if report is not None:
        is_text, when = given.to == "terminal", chosen.text("color")
        is_quiet = given.flag("quiet") and is_text
        options = chosen.render_options(
            command=("leakreport", *sys.argv[1:]),
            records=records,
            width=shutil.get_terminal_size((100, 24)).columns,
            is_terminal=is_text and (when == "always" or (sys.stdout.isatty() and when != "never")),
            with_colour=with_colour(chosen),
            verbosity=given.count("verbose"),
            is_forced=given.flag("force"),
        )
        codes |= write_all(report, options, targets, is_quiet=is_quiet)
        if is_quiet:
            tell_gate(report)
        codes |= outcome_of(report, is_partial=chosen.flag("partial"), errors=errors)
    else:
        codes |= write_failures(errors, chosen, targets, kind)
    for error in errors:
        say("error", error)
    return first_exit_code(codes)


def with_colour(chosen: Chosen) -> bool:
    """Whether the terminal gets colours."""
    when = chosen.text("color") or "auto"
    if when == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return when == "always"


_FORMAT_LIKE = re.compile(r"[a-z][a-z0-9-]+")


def targets_of(to: str, outputs: Sequence[str], inputs: Sequence[str]) -> list[tuple[str, str]]:
    """(renderer, file) pairs; standard output is "-". Everything is checked before anything is read."""
    from leakreport.render import get_renderer, is_renderer, renderer_for_path

    check_shows(sys.stdout, to, is_binary=get_renderer(to).is_binary)
    targets = []
    for text in outputs:
        name, colon, path = text.partition(":")
        if colon and is_renderer(name):
            targets.append((name, path))
        elif colon and _FORMAT_LIKE.fullmatch(name):
            get_renderer(name)
        else:
            targets.append((renderer_for_path(text), text))
    check_replaces_nothing([path for _, path in targets], inputs)
    return [*targets, (to, "-")]


def write_all(
    report: Report | DiffReport | TrendReport,
    options: RenderOptions,
    targets: Sequence[tuple[str, str]],
    *,
    is_quiet: bool,
) -> set[int]:
    """Write every target; the exit codes of those that could not be written."""
    codes: set[int] = set()
    for name, path in targets:
        if path == "-" and is_quiet:
            continue
        try:
            to_file = options if path == "-" else replace(options, is_terminal=False, with_colour=False)
            write_report(report, name, path, to_file, is_quiet=is_quiet)
        except OutputError as error:
            say("error", error)
            codes.add(error.exit_code)
    return codes


@contextmanager
def red_without_report(chosen: Chosen, targets: Sequence[tuple[str, str]], kind: str = "analysis") -> Iterator[None]:
    """What reads and judges: an error that leaves no report leaves no old one in a target."""
    try:
        yield
    except LeakreportError as error:
        write_failures([error], chosen, targets, kind)
        raise


def write_failures(
    errors: Sequence[LeakreportError], chosen: Chosen, targets: Sequence[tuple[str, str]], kind: str
) -> set[int]:
    """Say in every target that can that nothing could be read; the exit codes of those that could not be written.

    The file of an earlier run must not stay there and be taken for the result of this one: where a format holds nothing
    but reports, it is removed.
    """
    from leakreport.api import render_failure

    codes: set[int] = set()
    options, is_redacted = chosen.render_options(command=()), chosen.flag("redact")
    for name, path in targets:
        content = render_failure(errors, to=name, kind=kind, options=options, is_redacted=is_redacted)
        try:
            if content is None:
                if path != "-" and remove_file(path):
                    tell(f"removed {path}: it was of an earlier run")
            elif path == "-":
                write_stdout(content, sys.stdout)
            else:
                write_file(path, content)
                tell(f"wrote {path}: nothing could be read")
        except OutputError as error:
            say("error", error)
            codes.add(error.exit_code)
    return codes


def tell_gate(report: Report | DiffReport | TrendReport) -> None:
    """Even a quiet run names the lines that decided against it."""
    for line in report.verdict.gate_lines:
        if line.result.value != "passed":
            tell(f"gate {line.result.value}, {line.gate}: {line.text}")


def outcome_of(report: Report | DiffReport | TrendReport, *, is_partial: bool, errors: list[InputError]) -> set[int]:
    """The codes that the report itself asks for: an incomplete input, the gate."""
    from leakreport.analysis.report import GateResult

    codes = {EXIT_OK}
    if not is_partial:
        errors.extend(incomplete_inputs(report))
        codes |= {EXIT_INPUT} if errors else set()
    if report.verdict.gate is GateResult.FAILED:
        codes.add(EXIT_GATE_FAILED)
    elif report.verdict.gate is GateResult.INCONCLUSIVE:
        codes.add(EXIT_INCONCLUSIVE)
    return codes
