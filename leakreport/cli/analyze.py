"""`leakreport analyze INPUT...`: one run, what is retained, lost, by whom."""

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
    Focus,
    Force,
    FormatName,
    Ignore,
    Inputs,
    MaxNodes,
    NoSymbols,
    Own,
    Partial,
    RankingMetric,
    SymbolPath,
    Sysroot,
    Unit,
    analyse,
    say,
)
from leakreport.errors import (
    first_exit_code,
)

if TYPE_CHECKING:
    from leakreport.analysis.report import Report


def analyze(
    inputs: Inputs,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="Write this format to standard output: terminal, json, markdown, html, or what convert writes.")] = "terminal",
    output: Annotated[list[str] | None, typer.Option("-o", "--output", metavar="FILE", help="Write a file; the format follows from the suffix (.html .json .md .txt) or from FORMAT:FILE. Repeatable.", show_default=False)] = None,
    format_name: FormatName = None,
    unit: Unit = None,
    fail_on: Annotated[list[str] | None, typer.Option("--fail-on", metavar="LIST", help="Exit 1 on definite, indirect, possible, reachable, any, errors, fds (comma list).", show_default=False)] = None,
    max_leaked: Annotated[str | None, typer.Option("--max-leaked", metavar="SIZE", help="Exit 1 when more than this is lost: 64KiB, 2MiB.", show_default=False)] = None,
    own: Own = None,
    alloc_fn: AllocFn = None,
    focus: Focus = None,
    ignore: Ignore = None,
    group_by: Annotated[str | None, typer.Option("--group-by", metavar="WHAT", help="Add sums by path, function, file, module, kind or owner.", show_default=False)] = None,
    top: Annotated[int | None, typer.Option("--top", metavar="N", min=1, help="Only the first N entries of the reading list.", show_default=False)] = None,
    at: At = None,
    metric: RankingMetric = None,
    as_: As = None,
    partial: Partial = None,
    records: Annotated[bool, typer.Option("--records", help="JSON rows name the input's own records.")] = False,
    max_paths: Annotated[int | None, typer.Option("--max-paths", metavar="N", min=0, help="At most N paths in the JSON.", show_default=False)] = None,
    max_nodes: MaxNodes = None,
    force: Force = False,
    source_root: Annotated[list[str] | None, typer.Option("--source-root", metavar="DIR", help="A folder below which source may be shown, besides the working directory. Repeatable.", show_default=False)] = None,
    no_source: Annotated[bool | None, typer.Option("--no-source", help="Show no source lines.", show_default=False)] = None,
    symbol_path: SymbolPath = None,
    sysroot: Sysroot = None,
    build_id: BuildId = None,
    no_symbols: NoSymbols = None,
    include_host: Annotated[bool | None, typer.Option("--include-host", help="Keep home folders as they are.", show_default=False)] = None,
    config: ConfigFile = None,
    color: Annotated[str | None, typer.Option("--color", metavar="WHEN", help="auto, always or never.", show_default=False)] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Nothing on standard output but what --to asks for; no progress, no hints.")] = False,
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="All paths; -vv with their stacks.")] = 0,
) -> int:  # fmt: skip
    """Read one run and say what is retained, what is lost, on which call path, and who is responsible."""
    chosen = merged(
        config,
        {
            "own": own,
            "alloc-fn": alloc_fn,
            "fail-on": fail_on,
            "max-leaked": max_leaked,
            "partial": partial,
            "focus": focus,
            "ignore": ignore,
            "group-by": group_by,
            "top": top,
            "max-paths": max_paths,
            "max-nodes": max_nodes,
            "source-root": source_root,
            "no-source": no_source,
            "symbol-path": symbol_path,
            "sysroot": sysroot,
            "build-id": build_id,
            "no-symbols": no_symbols,
            "include-host": include_host,
            "color": color,
        },
    )
    targets = targets_of(to, output or [], inputs)
    options = chosen.analysis_options(at=at, metric=metric, grouping=as_)
    report, errors = analyse(inputs, format_name, options, chosen.symbol_options(), unit=unit, is_quiet=quiet)
    codes = {error.exit_code for error in errors}
    if report is not None:
        report = replace(report, next_commands=() if quiet else next_commands(report, inputs, targets, options.own))
        is_terminal = to == "terminal" and sys.stdout.isatty() and chosen.text("color") != "never"
        render_options = chosen.render_options(
            command=("leakreport", *sys.argv[1:]),
            records=records,
            width=shutil.get_terminal_size((100, 24)).columns,
            is_terminal=(is_terminal or chosen.text("color") == "always") and to == "terminal",
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


def next_commands(
    report: Report, inputs: Sequence[str], targets: Sequence[tuple[str, str]], own: Sequence[str]
) -> tuple[str, ...]:
    """The two most useful next commands, file names filled in."""
    given = shlex.join("FILE" if name == "-" else name for name in inputs)
    found: list[str] = []
    hidden = [note.slug for summary in report.inputs for note in summary.notes]
    program = shlex.join(report.inputs[0].command) if report.inputs and report.inputs[0].command else "./program"
    record = "valgrind --leak-check=full --show-leak-kinds=all --xml=yes --xml-file=memcheck.%p.xml"
    if {"leak-check-not-run", "kinds-not-recorded", "tool-without-leak-search"} & set(hidden):
        found.append(f"{record} {program}")
    if not any(name == "html" for name, _ in targets):
        found.append(f"leakreport analyze {given} -o report.html")
    wrapper = next((finding for finding in report.findings if finding.rule == "recording.wrapper"), None)
    if wrapper is not None:
        found.append(f"leakreport analyze {given} --alloc-fn {shlex.quote(wrapper.advice.rsplit(' ', 1)[-1])}")
    if report.verdict.gate == "not-asked" and report.by_kind and report.paths:
        found.append(f"leakreport analyze {given} --fail-on definite")
    if not own and report.paths:
        found.append(f"leakreport analyze {given} --own 'src/**'")
    if report.paths:
        found.append(f"leakreport analyze {given} --group-by function")
    found.append(f"leakreport analyze {given} --to json")
    return tuple(found[:2])
