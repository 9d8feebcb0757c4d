"""`leakreport diff BEFORE AFTER`: what is larger, on which call path, and what became of each leak."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.outcome import outcome_of, targets_of, tell_gate, with_colour, write_all
from leakreport.cli.settings import merged
from leakreport.cli.shared import (
    AllocFn,
    As,
    At,
    BuildId,
    ConfigFile,
    Force,
    FormatName,
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

if TYPE_CHECKING:
    from leakreport.analysis.diffreport import DiffReport


def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="A file, a folder or a glob.", show_default=False)],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="The same, later.", show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="What standard output gets: terminal, json, markdown, html.")] = "terminal",
    output: Annotated[list[str] | None, typer.Option("-o", "--output", metavar="FILE", help="Write a file; the format follows from the suffix, or FORMAT:FILE. Repeatable.", show_default=False)] = None,
    format_name: FormatName = None,
    unit: Unit = None,
    own: Own = None,
    alloc_fn: AllocFn = None,
    at: At = None,
    metric: RankingMetric = None,
    as_: As = None,
    min_change: Annotated[str | None, typer.Option("--min-change", metavar="SIZE", help="Smaller changes of a path are noise: marked and summed, never dropped.", show_default=False)] = None,
    fail_on: Annotated[list[str] | None, typer.Option("--fail-on", metavar="LIST", help="Exit 1 on growth, new, or any of them.", show_default=False)] = None,
    max_growth: MaxGrowth = None,
    per: Annotated[str | None, typer.Option("--per", metavar="WORK", help="Add bytes per unit of work: N, UNIT=N, or UNIT=BEFORE,AFTER.", show_default=False)] = None,
    force_compare: Annotated[bool | None, typer.Option("--force-compare", help="Judge even what cannot be compared.", show_default=False)] = None,
    partial: Partial = None,
    records: Annotated[bool, typer.Option("--records", help="Name the input's own records in the JSON.")] = False,
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
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="All paths that changed.")] = 0,
) -> int:  # fmt: skip
    """Compare two runs: which call path retains more, what is new and what is gone."""
    from leakreport.render import as_diff, get_renderer

    chosen = merged(
        config,
        {
            "own": own,
            "alloc-fn": alloc_fn,
            "fail-on": fail_on,
            "min-change": min_change,
            "max-growth": max_growth,
            "per": per,
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
    targets = targets_of(to, output or [], [before, after])
    for name, _ in targets:
        as_diff(get_renderer(name))
    options = chosen.analysis_options(at=at, metric=metric, grouping=as_, command="diff")
    runs, errors = [], []
    for name in (before, after):
        run, found = read_run([name], format_name, chosen.symbol_options(), unit=unit, is_quiet=quiet)
        runs.append(run)
        errors.extend(found)
    codes = {error.exit_code for error in errors} or {EXIT_OK}
    old, new = runs
    if old is not None and new is not None:
        from leakreport.api import compare

        report = compare(old, new, config=options)
        report = replace(report, next_commands=() if quiet else _next(report, before, after, targets))
        is_terminal = to == "terminal" and sys.stdout.isatty() and chosen.text("color") != "never"
        render_options = chosen.render_options(
            command=("leakreport", *sys.argv[1:]),
            records=records,
            width=shutil.get_terminal_size((100, 24)).columns,
            is_terminal=is_terminal,
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


def _next(report: DiffReport, before: str, after: str, targets: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    given = shlex.join([before, after])
    found = []
    if not any(name == "html" for name, _ in targets):
        found.append(f"leakreport diff {given} -o report.html")
    if report.verdict.gate == "not-asked":
        found.append(f"leakreport diff {given} --fail-on growth")
    found.append(f"leakreport diff {given} -v")
    return tuple(found[:2])
