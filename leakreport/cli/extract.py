"""`leakreport extract REPORT`: the JSON document inside a report."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from leakreport.cli.output import check_replaces_nothing, write_file, write_stdout
from leakreport.cli.shared import tell
from leakreport.errors import EXIT_OK


def extract(
    report: Annotated[str, typer.Argument(metavar="REPORT", help="A report of leakreport, HTML or JSON; - for standard input.", show_default=False)],
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write a file; - is standard output.")] = "-",
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No word on what was written.")] = False,
) -> int:  # fmt: skip
    """Write the JSON document that a report holds: its verdict, findings and listed paths as they are.

    Paths that a page does not list stand in rows without an id, with the number of paths that were folded; all sums are exact.
    """
    from leakreport.api import extract as extract_document

    if output != "-":
        check_replaces_nothing([output], [report])
    content = extract_document(report)
    if output == "-":
        write_stdout(content, sys.stdout)
        return EXIT_OK
    write_file(output, content)
    if not quiet:
        length = len(content if isinstance(content, bytes) else content.encode("utf-8", "replace"))
        tell(f"wrote {output} ({length / 1024:,.0f} KiB)")
    return EXIT_OK
