"""`leakreport formats`: what can be read and written, and how to record it."""

from __future__ import annotations

import sys

from leakreport.cli.output import write_stdout
from leakreport.errors import EXIT_OK


def formats() -> int:
    """List the formats read and written, with the tool that makes each and the command to record it."""
    from leakreport.readers import get_reader, reader_names
    from leakreport.render import renderer_names

    lines = ["Read:"]
    for name in reader_names():
        info = get_reader(name).info
        lines += [f"  {name:<15} {info.title} ({info.tool})", f"  {'':<15} record: {info.record_command}"]
    lines += ["", f"Written: {', '.join(renderer_names())}"]
    write_stdout("\n".join(lines) + "\n", sys.stdout)
    return EXIT_OK
