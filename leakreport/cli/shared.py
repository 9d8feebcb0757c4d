"""What the commands that read profiles have in common: options, reading with progress, and what an outcome exits with."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.output import write_file, write_stdout
from leakreport.cli.progress import ProgressLine
from leakreport.errors import InputError, LargeReport, LeakreportError, TruncatedInput, UsageError

if TYPE_CHECKING:
    from leakreport.analysis.diffreport import DiffReport
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.model.snapshot import Run
    from leakreport.render.interface import RenderOptions
    from leakreport.symbols.options import SymbolOptions

_LARGE_PAGE, _LARGEST_PAGE = 5_000_000, 20_000_000

# fmt: off
Inputs = Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for standard input; .gz .xz .bz2 .zst too.", show_default=False)]
FormatName = Annotated[str | None, typer.Option("--format", metavar="NAME", help="The format of the inputs, instead of recognising it.", show_default=False)]
Unit = Annotated[str | None, typer.Option("--unit", metavar="NAME", help="What the numbers of folded stacks count: bytes or blocks.", show_default=False)]
Own = Annotated[list[str] | None, typer.Option("--own", metavar="GLOB", help="What is yours: a source path ('src/**'), or lib:GLOB for a module's base name. Repeatable.", show_default=False)]
AllocFn = Annotated[list[str] | None, typer.Option("--alloc-fn", metavar="GLOB", help="A function that counts as allocator, like massif's option. Repeatable.", show_default=False)]
Focus = Annotated[str | None, typer.Option("--focus", metavar="REGEX", help="Only paths with such a function, file or module.", show_default=False)]
Ignore = Annotated[str | None, typer.Option("--ignore", metavar="REGEX", help="No paths with such a function, file or module.", show_default=False)]
At = Annotated[str | None, typer.Option("--at", metavar="WHICH", help="The judged snapshot: last, peak, or an index.", show_default=False)]
RankingMetric = Annotated[str | None, typer.Option("--metric", metavar="NAME", help="The metric that ranks the paths.", show_default=False)]
As = Annotated[str | None, typer.Option("--as", metavar="WHAT", help="Several inputs are a series, processes or runs.", show_default=False)]
MaxGrowth = Annotated[list[str] | None, typer.Option("--max-growth", metavar="[GLOB=]SIZE", help="Exit 1 when more than this grew; with GLOB= for a library or function alone. Repeatable.", show_default=False)]
Partial = Annotated[bool | None, typer.Option("--partial", help="Accept incomplete inputs; a gate that only passed is then inconclusive (exit 5).", show_default=False)]
MaxNodes = Annotated[str | None, typer.Option("--max-nodes", metavar="N|all", help="At most N nodes of the call tree in a report (default 20000, fewer where a node has many figures).", show_default=False)]
Force = Annotated[bool, typer.Option("--force", help="Write a report of more than 20 MB, too.")]
ConfigFile = Annotated[str | None, typer.Option("--config", metavar="FILE", help="The configuration file, instead of the nearest leakreport.toml or pyproject.toml.", show_default=False)]
SymbolPath = Annotated[list[str] | None, typer.Option("--symbol-path", metavar="DIR", help="A folder with the profiled binaries or their debug files. Repeatable.", show_default=False)]
Sysroot = Annotated[str | None, typer.Option("--sysroot", metavar="DIR", help="A folder that stands for / of the profiled machine.", show_default=False)]
BuildId = Annotated[list[str] | None, typer.Option("--build-id", metavar="OBJECT=HEX", help="The build of an object that was profiled, where the profile does not say. Repeatable.", show_default=False)]
NoSymbols = Annotated[bool | None, typer.Option("--no-symbols", help="Leave addresses as they are.", show_default=False)]
# fmt: on


def analyse(
    inputs: Sequence[str],
    format_name: str | None,
    options: AnalysisOptions,
    symbol_options: SymbolOptions | None,
    *,
    unit: str | None,
    is_quiet: bool,
) -> tuple[Report | None, list[InputError]]:
    """The report on what could be read, None where that is nothing; and what could not."""
    from leakreport.api import analyze as analyze_run

    run, errors = read_run(inputs, format_name, symbol_options, unit=unit, is_quiet=is_quiet)
    return (None if run is None else analyze_run(run, config=options)), errors


def read_run(
    inputs: Sequence[str],
    format_name: str | None,
    symbol_options: SymbolOptions | None,
    *,
    unit: str | None,
    is_quiet: bool,
) -> tuple[Run | None, list[InputError]]:
    """What could be read as one run with names, None where that is nothing; and what could not.

    Raises:
        UsageError: the unit is not known.
    """
    from leakreport.api import load_inputs, symbolize

    if unit not in {None, "bytes", "blocks"}:
        raise UsageError(f"--unit {unit} is not known", advice="Known: bytes, blocks.")
    label = inputs[0].rsplit("/", 1)[-1] if len(inputs) == 1 else f"{len(inputs)} inputs"
    progress = ProgressLine(label, is_shown=sys.stderr.isatty() and not is_quiet)
    try:
        loaded = load_inputs(inputs, format_name=format_name, unit=unit, progress=progress)
    finally:
        progress.clear()
    if loaded.run is None:
        return None, loaded.errors
    return (loaded.run if symbol_options is None else symbolize(loaded.run, options=symbol_options)), loaded.errors


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
    content = _rendered(report, renderer, options)
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


def _rendered(report: Report | DiffReport | TrendReport, renderer: str, options: RenderOptions) -> str | bytes:
    from leakreport.analysis.report import Report
    from leakreport.analysis.trendreport import TrendReport
    from leakreport.render import as_diff, as_trend, get_renderer

    chosen = get_renderer(renderer)
    if isinstance(report, Report):
        return chosen.render(report, options)
    if isinstance(report, TrendReport):
        return as_trend(chosen).render_trend(report, options)
    return as_diff(chosen).render_diff(report, options)


def say(kind: str, error: LeakreportError) -> None:
    """One line on standard error, with the slug."""
    tell(f"{kind}[{error.slug}]: {' '.join(str(error).split())}")


def tell(line: str) -> None:
    """One line on standard error."""
    from leakreport.render.phrases import printable

    sys.stderr.write(f"{printable(line)}\n")
