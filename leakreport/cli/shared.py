"""What the commands that read profiles have in common: reading with progress, writing a report, and words on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from leakreport.cli.output import write_file, write_stdout
from leakreport.cli.progress import ProgressLine
from leakreport.errors import InputError, LargeReport, LeakreportError, TruncatedInput, UsageError

if TYPE_CHECKING:
    from leakreport.analysis.diffreport import DiffReport
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.cli.options import Given
    from leakreport.model.snapshot import Run
    from leakreport.render.interface import RenderOptions
    from leakreport.symbols.options import SymbolOptions

_LARGE_PAGE, _LARGEST_PAGE = 5_000_000, 20_000_000


def analyse(
    inputs: Sequence[str],
    given: Given,
    options: AnalysisOptions,
    symbol_options: SymbolOptions | None,
    *,
    is_quiet: bool = False,
) -> tuple[Report | None, list[InputError]]:
    """The report on what could be read, None where that is nothing; and what could not."""
    from leakreport.api import analyze as analyze_run

    run, errors = read_run(inputs, given, symbol_options, is_quiet=is_quiet)
    return (None if run is None else analyze_run(run, config=options)), errors


def read_run(
    inputs: Sequence[str],
    given: Given,
    symbol_options: SymbolOptions | None,
    *,
    is_quiet: bool = False,
    is_suppressed: bool = True,
) -> tuple[Run | None, list[InputError]]:
    """What could be read as one run with names, None where that is nothing; and what could not.

    What the rules of --suppressions hide is taken out, unless a command asks for all.

    Raises:
        UsageError: the unit is not known.
        SuppressionError: a file of rules is missing, or not one.
    """
    from leakreport.api import load_inputs, suppress, symbolize
    from leakreport.suppressions.parse import read_rules

    rules = read_rules(given.chosen().texts("suppressions")) if is_suppressed else ()

    unit = given.text("unit")
    is_quiet = is_quiet or given.flag("quiet")
    if unit not in {None, "bytes", "blocks"}:
        raise UsageError(f"--unit {unit} is not known", advice="Known: bytes, blocks.")
    label = inputs[0].rsplit("/", 1)[-1] if len(inputs) == 1 else f"{len(inputs)} inputs"
    progress = ProgressLine(label, is_shown=sys.stderr.isatty() and not is_quiet)
    try:
        loaded = load_inputs(inputs, format_name=given.text("format_name"), unit=unit, progress=progress)
    finally:
        progress.clear()
    if loaded.run is None:
        return None, loaded.errors
    run = loaded.run if symbol_options is None else symbolize(loaded.run, options=symbol_options)
    return suppress(run, rules), loaded.errors


def incomplete_inputs(report: Report | DiffReport | TrendReport) -> list[TruncatedInput]:
    """An error for each input that does not say all it had to say, and is not reported as unreadable already."""
    return [
        _incomplete(summary.source, report, summary.pid)
        for summary in report.inputs
        if not summary.is_complete and not any(note.slug == "unreadable-inputs" for note in summary.notes)
    ]


def _incomplete(source: str, report: Report | DiffReport | TrendReport, pid: int | None) -> TruncatedInput:
    summary = next(found for found in report.inputs if found.source == source and found.pid == pid)
    if summary.truncation is not None:
        return TruncatedInput(summary.truncation.what, where=f"{source}:{summary.truncation.line}")
    slugs = {note.slug: note.message for note in summary.notes}
    for slug in ("damaged-compression", "damaged-records", "leak-check-not-run", "leak-check-unfinished"):
        if slug in slugs:
            return TruncatedInput(slugs[slug].rstrip("."), where=source)
    return TruncatedInput("the input is incomplete", where=source)


def write_report(
    report: Report | DiffReport | TrendReport, renderer: str, path: str, options: RenderOptions, *, is_quiet: bool
) -> None:
    """Write a report in a format to a file, and say so, or to standard output where the path is "-".

    Raises:
        OutputError: it could not be written.
        LargeReport: it is larger than anybody would open.
    """
    from leakreport.api import render

    content = render(report, to=renderer, options=options)
    if renderer == "html":
        _check_size(len(content), path, is_forced=options.is_forced)
    if path == "-":
        write_stdout(content, sys.stdout)
        return
    write_file(path, content)
    if not is_quiet:
        length = len(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
        tell(f"wrote {path} ({length / 1024:,.0f} KiB)")


def _check_size(length: int, path: str, *, is_forced: bool) -> None:
    """Warn of a page that is hard to pass on, and refuse one that is hard to open."""
    if length <= _LARGE_PAGE:
        return
    error = LargeReport(f"{'the report' if path == '-' else path} has {length / 1e6:.1f} MB")
    if length > _LARGEST_PAGE and not is_forced:
        raise error
    say("warning", error)


def say(kind: str, error: LeakreportError) -> None:
    """One line on standard error, with the slug."""
    tell(f"{kind}[{error.slug}]: {' '.join(str(error).split())}")


def tell(line: str) -> None:
    """One line on standard error."""
    from leakreport.render.phrases import printable

    sys.stderr.write(f"{printable(line)}\n")
