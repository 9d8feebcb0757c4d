"""`leakreport trend INPUT...`: what each call path holds over many snapshots or runs, and whether it grows."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from leakreport.cli.output import check_replaces_nothing, write_file, write_stdout
from leakreport.cli.settings import merged
from leakreport.cli.shared import (
    AllocFn,
    BuildId,
    ConfigFile,
    FormatName,
    Inputs,
    NoSymbols,
    Own,
    Partial,
    SymbolPath,
    Sysroot,
    Unit,
    incomplete_inputs,
    read_run,
    say,
    tell,
)
from leakreport.errors import EXIT_INPUT, EXIT_OK, OutputError, first_exit_code


def trend(
    inputs: Inputs,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="terminal, json or html.")] = "terminal",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write a file; - is standard output.")] = "-",
    format_name: FormatName = None,
    unit: Unit = None,
    own: Own = None,
    alloc_fn: AllocFn = None,
    partial: Partial = None,
    max_paths: Annotated[int | None, typer.Option("--max-paths", metavar="N", min=0, help="At most N paths in the JSON.", show_default=False)] = None,
    symbol_path: SymbolPath = None,
    sysroot: Sysroot = None,
    build_id: BuildId = None,
    no_symbols: NoSymbols = None,
    config: ConfigFile = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no word on what was written.")] = False,
    verbose: Annotated[int, typer.Option("-v", "--verbose", count=True, help="All paths.")] = 0,
) -> int:  # fmt: skip
    """Judge the series of every call path: the snapshots of one process, or several runs in the order given."""
    from leakreport.api import trend as trend_of
    from leakreport.render import as_trend, get_renderer

    renderer = as_trend(get_renderer(to))
    if output != "-":
        check_replaces_nothing([output], inputs)
    chosen = merged(
        config,
        {
            "own": own,
            "alloc-fn": alloc_fn,
            "partial": partial,
            "max-paths": max_paths,
            "symbol-path": symbol_path,
            "sysroot": sysroot,
            "build-id": build_id,
            "no-symbols": no_symbols,
        },
    )
    options = chosen.analysis_options(at=None, metric=None, grouping=None)
    run, errors = read_run(inputs, format_name, chosen.symbol_options(), unit=unit, is_quiet=quiet)
    codes = {error.exit_code for error in errors} or {EXIT_OK}
    if run is not None:
        report = trend_of(run, config=options)
        text = renderer.render_trend(
            report,
            chosen.render_options(
                command=("leakreport", *sys.argv[1:]),
                records=False,
                width=100,
                is_terminal=False,
                with_colour=False,
                verbosity=verbose,
            ),
        )
        try:
            if output == "-":
                write_stdout(text, sys.stdout)
            else:
                write_file(output, text)
                if not quiet:
                    tell(f"wrote {output}")
        except OutputError as failure:
            say("error", failure)
            codes.add(failure.exit_code)
        if not chosen.flag("partial"):
            errors.extend(incomplete_inputs(report))
            codes |= {EXIT_INPUT} if errors else set()
    for error in errors:
        say("error", error)
    return first_exit_code(codes)
