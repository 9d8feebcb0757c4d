"""`leakreport trend INPUT...`: what each call path holds over many snapshots or runs, and whether it grows."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.growth import work_done
from leakreport.cli.outcome import outcome_of, targets_of, tell_gate, with_colour, write_all
from leakreport.cli.settings import merged, one_of
from leakreport.cli.shared import (
    AllocFn,
    As,
    BuildId,
    ConfigFile,
    Force,
    FormatName,
    Inputs,
    MaxGrowth,
    MaxNodes,
    NoSymbols,
    Own,
    Partial,
    RankingMetric,
    SymbolPath,
    Sysroot,
    Unit,
    read_run,
    say,
)
from leakreport.errors import EXIT_OK, first_exit_code
from leakreport.units import parse_size

if TYPE_CHECKING:
    from leakreport.analysis.trendreport import TrendReport


def trend(
    inputs: Inputs,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="What standard output gets: terminal, json, markdown, html.")] = "terminal",
    output: Annotated[list[str] | None, typer.Option("-o", "--output", metavar="FILE", help="Write a file; the format follows from the suffix, or FORMAT:FILE. Repeatable.", show_default=False)] = None,
    format_name: FormatName = None,
    unit: Unit = None,
    own: Own = None,
    alloc_fn: AllocFn = None,
    metric: RankingMetric = None,
    as_: As = None,
    sort: Annotated[str | None, typer.Option("--sort", metavar="BY", help="Points by time or name, instead of the order given.", show_default=False)] = None,
    per: Annotated[str | None, typer.Option("--per", metavar="UNIT=WORK", help="Growth per unit of work: requests=1000,2000,3000 (cumulative, one per point), or requests=FILE:COLUMN.", show_default=False)] = None,
    limit: Annotated[str | None, typer.Option("--limit", metavar="SIZE", help="Say when the total reaches this.", show_default=False)] = None,
    min_growth: Annotated[str | None, typer.Option("--min-growth", metavar="SIZE", help="Series that range over less are flat.", show_default=False)] = None,
    fail_on: Annotated[list[str] | None, typer.Option("--fail-on", metavar="LIST", help="Exit 1 on growth.", show_default=False)] = None,
    max_growth: MaxGrowth = None,
    force_compare: Annotated[bool | None, typer.Option("--force-compare", help="Judge even runs that cannot be compared.", show_default=False)] = None,
    partial: Partial = None,
    max_paths: Annotated[int | None, typer.Option("--max-paths", metavar="N", help="At most N paths in the JSON.", show_default=False)] = None,
    max_nodes: MaxNodes = None,
    force: Force = False,
    include_host: Annotated[bool | None, typer.Option("--include-host", help="Keep home folders as they are.", show_default=False)] = None,
    symbol_path: SymbolPath = None,
    sysroot: Sysroot = None,
    build_id: BuildId = None,
    no_symbols: NoSymbols = None,
    config: ConfigFile = None,
    color: Annotated[str | None, typer.Option("--color", metavar="WHEN", help="auto, always or never.", show_default=False)] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Nothing on standard output but what --to asks for.")] = False,
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="All paths.")] = 0,
) -> int:  # fmt: skip
    """Judge the series of every call path: the snapshots of one process, or several runs in the order given."""
    from leakreport.analysis.options import SORTS
    from leakreport.render import as_trend, get_renderer

    chosen = merged(
        config,
        {
            "own": own,
            "alloc-fn": alloc_fn,
            "fail-on": fail_on,
            "max-growth": max_growth,
            "min-growth": min_growth,
            "force-compare": force_compare,
            "partial": partial,
            "max-paths": max_paths,
            "max-nodes": max_nodes,
            "include-host": include_host,
            "symbol-path": symbol_path,
            "sysroot": sysroot,
            "build-id": build_id,
            "no-symbols": no_symbols,
            "color": color,
        },
    )
    targets = targets_of(to, output or [], inputs)
    for name, _ in targets:
        as_trend(get_renderer(name))
    options = replace(
        chosen.analysis_options(at=None, metric=metric, grouping=as_, command="trend"),
        sort=None if sort is None else one_of(sort, SORTS, "--sort"),
        work=None if per is None else work_done(per),
        limit=None if limit is None else parse_size(limit),
    )
    run, errors = read_run(inputs, format_name, chosen.symbol_options(), unit=unit, is_quiet=quiet)
    codes = {error.exit_code for error in errors} or {EXIT_OK}
    if run is not None:
        from leakreport.api import trend as trend_of

        report = trend_of(run, config=options)
        report = replace(report, next_commands=() if quiet else _next(report, inputs, targets))
        is_terminal = sys.stdout.isatty() and chosen.text("color") != "never"
        render_options = chosen.render_options(
            command=("leakreport", *sys.argv[1:]),
            width=shutil.get_terminal_size((100, 24)).columns,
            is_terminal=to == "terminal" and (is_terminal or chosen.text("color") == "always"),
            with_colour=with_colour(chosen),
            verbosity=verbose,
            is_forced=force,
        )
        codes |= write_all(report, render_options, targets, is_quiet=quiet and to == "terminal")
        if quiet and to == "terminal":
            tell_gate(report)
        codes |= outcome_of(report, is_partial=chosen.flag("partial"), errors=errors)
    for error in errors:
        say("error", error)
    return first_exit_code(codes)


def _next(report: TrendReport, inputs: Sequence[str], targets: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    given = shlex.join(inputs)
    found = []
    if not any(name == "markdown" for name, _ in targets):
        found.append(f"leakreport trend {given} -o trend.md")
    if report.verdict.gate == "not-asked":
        found.append(f"leakreport trend {given} --fail-on growth")
    if len(report.rows) > report.growing:
        found.append(f"leakreport trend {given} -v")
    return tuple(found[:2])
