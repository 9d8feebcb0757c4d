"""`leakreport analyze INPUT...`: one run, what is retained, lost, by whom."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.output import write_file, write_stdout
from leakreport.cli.progress import ProgressLine
from leakreport.cli.settings import Chosen, merged
from leakreport.errors import (
    EXIT_GATE_FAILED,
    EXIT_INCONCLUSIVE,
    EXIT_INPUT,
    EXIT_OK,
    InputError,
    LeakreportError,
    OutputError,
    TruncatedInput,
    UsageError,
    first_exit_code,
)

if TYPE_CHECKING:
    from leakreport.analysis.options import AnalysisOptions
    from leakreport.analysis.report import Report
    from leakreport.render.interface import RenderOptions
    from leakreport.symbols.options import SymbolOptions


def analyze(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs, or - for standard input; .gz .xz .bz2 .zst too.", show_default=False)],
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="Write this format to standard output: terminal, json, markdown, html.")] = "terminal",
    output: Annotated[list[str] | None, typer.Option("-o", "--output", metavar="FILE", help="Write a file; the format follows from the suffix (.html .json .md .txt) or from FORMAT:FILE. Repeatable.", show_default=False)] = None,
    format_name: Annotated[str | None, typer.Option("--format", metavar="NAME", help="The format of the inputs, instead of recognising it.", show_default=False)] = None,
    fail_on: Annotated[list[str] | None, typer.Option("--fail-on", metavar="LIST", help="Exit 1 on definite, indirect, possible, reachable, any, errors, fds (comma list).", show_default=False)] = None,
    max_leaked: Annotated[str | None, typer.Option("--max-leaked", metavar="SIZE", help="Exit 1 when more than this is lost: 64KiB, 2MiB.", show_default=False)] = None,
    own: Annotated[list[str] | None, typer.Option("--own", metavar="GLOB", help="What is yours: a source path ('src/**'), or lib:GLOB for a module's base name. Repeatable.", show_default=False)] = None,
    alloc_fn: Annotated[list[str] | None, typer.Option("--alloc-fn", metavar="GLOB", help="A function that counts as allocator, like massif's option. Repeatable.", show_default=False)] = None,
    focus: Annotated[str | None, typer.Option("--focus", metavar="REGEX", help="Only paths with such a function, file or module.", show_default=False)] = None,
    ignore: Annotated[str | None, typer.Option("--ignore", metavar="REGEX", help="No paths with such a function, file or module.", show_default=False)] = None,
    group_by: Annotated[str | None, typer.Option("--group-by", metavar="WHAT", help="Add sums by path, function, file, module, kind or owner.", show_default=False)] = None,
    top: Annotated[int | None, typer.Option("--top", metavar="N", min=1, help="Only the first N entries of the reading list.", show_default=False)] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="WHICH", help="The judged snapshot: last, peak, or an index.", show_default=False)] = None,
    metric: Annotated[str | None, typer.Option("--metric", metavar="NAME", help="The metric that ranks the paths.", show_default=False)] = None,
    as_: Annotated[str | None, typer.Option("--as", metavar="WHAT", help="Several inputs are a series, processes or runs.", show_default=False)] = None,
    partial: Annotated[bool | None, typer.Option("--partial", help="Accept incomplete inputs; a gate that only passed is then inconclusive (exit 5).", show_default=False)] = None,
    records: Annotated[bool, typer.Option("--records", help="JSON rows name the input's own records.")] = False,
    max_paths: Annotated[int | None, typer.Option("--max-paths", metavar="N", min=0, help="At most N paths in the JSON.", show_default=False)] = None,
    max_nodes: Annotated[int | None, typer.Option("--max-nodes", metavar="N", min=1, help="At most N nodes of the call tree (default 20000).", show_default=False)] = None,
    source_root: Annotated[list[str] | None, typer.Option("--source-root", metavar="DIR", help="A folder below which source may be shown, besides the working directory. Repeatable.", show_default=False)] = None,
    no_source: Annotated[bool | None, typer.Option("--no-source", help="Show no source lines.", show_default=False)] = None,
    symbol_path: Annotated[list[str] | None, typer.Option("--symbol-path", metavar="DIR", help="A folder with the profiled binaries or their debug files. Repeatable.", show_default=False)] = None,
    sysroot: Annotated[str | None, typer.Option("--sysroot", metavar="DIR", help="A folder that stands for / of the profiled machine.", show_default=False)] = None,
    build_id: Annotated[list[str] | None, typer.Option("--build-id", metavar="OBJECT=HEX", help="The build of an object that was profiled, where the profile does not say. Repeatable.", show_default=False)] = None,
    no_symbols: Annotated[bool | None, typer.Option("--no-symbols", help="Leave addresses as they are.", show_default=False)] = None,
    include_host: Annotated[bool | None, typer.Option("--include-host", help="Keep home folders as they are.", show_default=False)] = None,
    config: Annotated[str | None, typer.Option("--config", metavar="FILE", help="The configuration file, instead of the nearest leakreport.toml or pyproject.toml.", show_default=False)] = None,
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
    targets = _targets(to, output or [], inputs)
    options = chosen.analysis_options(at=at, metric=metric, grouping=as_)
    report, errors = _analyse(inputs, format_name, options, chosen.symbol_options(), is_quiet=quiet)
    codes = {error.exit_code for error in errors}
    if report is not None:
        report = replace(report, next_commands=() if quiet else next_commands(report, inputs, targets, options.own))
        is_terminal = to == "terminal" and sys.stdout.isatty() and chosen.text("color") != "never"
        render_options = chosen.render_options(
            command=("leakreport", *sys.argv[1:]),
            records=records,
            width=shutil.get_terminal_size((100, 24)).columns,
            is_terminal=(is_terminal or chosen.text("color") == "always") and to == "terminal",
            with_colour=_with_colour(chosen),
            verbosity=verbose,
        )
        codes |= _write_all(report, render_options, targets, is_quiet=quiet and to == "terminal")
        if quiet and to == "terminal":
            _tell_gate(report)
        codes |= _outcome(report, is_partial=chosen.flag("partial"), errors=errors)
    for error in errors:
        _say("error", error)
    return first_exit_code(codes)


def _analyse(
    inputs: Sequence[str],
    format_name: str | None,
    options: AnalysisOptions,
    symbol_options: SymbolOptions | None,
    *,
    is_quiet: bool,
) -> tuple[Report | None, list[InputError]]:
    from leakreport.api import analyze as analyze_run
    from leakreport.api import load_inputs, symbolize

    label = inputs[0].rsplit("/", 1)[-1] if len(inputs) == 1 else f"{len(inputs)} inputs"
    progress = ProgressLine(label, is_shown=sys.stderr.isatty() and not is_quiet)
    try:
        loaded = load_inputs(inputs, format_name=format_name, progress=progress)
    finally:
        progress.clear()
    if loaded.run is None:
        return None, loaded.errors
    run = loaded.run if symbol_options is None else symbolize(loaded.run, options=symbol_options)
    return analyze_run(run, config=options), loaded.errors


def _with_colour(chosen: Chosen) -> bool:
    when = chosen.text("color") or "auto"
    if when == "auto":
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return when == "always"


_FORMAT_LIKE = re.compile(r"[a-z][a-z0-9-]+")


def _targets(to: str, outputs: Sequence[str], inputs: Sequence[str]) -> list[tuple[str, str]]:
    """(renderer, file) pairs; standard output is "-". Everything is checked before anything is read."""
    from leakreport.render import get_renderer, renderer_for_path, renderer_names

    get_renderer(to)
    targets = []
    for text in outputs:
        name, colon, path = text.partition(":")
        if colon and name in renderer_names():
            targets.append((name, path))
        elif colon and _FORMAT_LIKE.fullmatch(name):
            get_renderer(name)
        else:
            targets.append((renderer_for_path(text), text))
    taken = {os.path.realpath(path): f"the input {path}" for path in inputs if path != "-"}
    for _, path in targets:
        real = os.path.realpath(path)
        if real in taken:
            raise UsageError(f"-o {path} would replace {taken[real]}", advice="Give each output a name of its own.")
        taken[real] = "another output"
    return [*targets, (to, "-")]


def _write_all(
    report: Report, options: RenderOptions, targets: Sequence[tuple[str, str]], *, is_quiet: bool
) -> set[int]:
    from leakreport.render import get_renderer

    codes: set[int] = set()
    for name, path in targets:
        if path == "-" and is_quiet:
            continue
        try:
            if path == "-":
                write_stdout(get_renderer(name).render(report, options), sys.stdout)
            else:
                text = get_renderer(name).render(report, replace(options, is_terminal=False, with_colour=False))
                write_file(path, text)
                if not is_quiet:
                    _tell(f"wrote {path} ({len(text.encode('utf-8', 'replace')) / 1024:,.0f} KiB)")
        except OutputError as error:
            _say("error", error)
            codes.add(error.exit_code)
    return codes


def _tell_gate(report: Report) -> None:
    """Even a quiet run names the lines that decided against it."""
    for line in report.verdict.gate_lines:
        if line.result.value != "passed":
            _tell(f"gate {line.result.value}, {line.gate}: {line.text}")


def _outcome(report: Report, *, is_partial: bool, errors: list[InputError]) -> set[int]:
    """The codes that the report itself asks for: an incomplete input, the gate."""
    from leakreport.analysis.report import GateResult

    codes = {EXIT_OK}
    if not is_partial:
        for summary in report.inputs:
            if not summary.is_complete and not any(note.slug == "unreadable-inputs" for note in summary.notes):
                errors.append(_incomplete(summary.source, report, summary.pid))
        codes |= {EXIT_INPUT} if errors else set()
    if report.verdict.gate is GateResult.FAILED:
        codes.add(EXIT_GATE_FAILED)
    elif report.verdict.gate is GateResult.INCONCLUSIVE:
        codes.add(EXIT_INCONCLUSIVE)
    return codes


def _incomplete(source: str, report: Report, pid: int | None) -> TruncatedInput:
    summary = next(found for found in report.inputs if found.source == source and found.pid == pid)
    if summary.truncation is not None:
        return TruncatedInput(summary.truncation.what, where=f"{source}:{summary.truncation.line}")
    slugs = {note.slug: note.message for note in summary.notes}
    for slug in ("damaged-compression", "damaged-records", "leak-check-not-run", "leak-check-unfinished"):
        if slug in slugs:
            return TruncatedInput(slugs[slug].rstrip("."), where=source)
    return TruncatedInput("the input is incomplete", where=source)


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


def _say(kind: str, error: LeakreportError) -> None:
    _tell(f"{kind}[{error.slug}]: {' '.join(str(error).split())}")


def _tell(line: str) -> None:
    from leakreport.render.phrases import printable

    sys.stderr.write(f"{printable(line)}\n")
