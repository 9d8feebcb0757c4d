"""`leakreport formats`: what can be read and written, and how to record it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.output import write_stdout
from leakreport.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from leakreport.readers.interface import FormatInfo
    from leakreport.render.interface import Renderer

BUILT_IN = "leakreport"


def formats(
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="text or json.")] = "text",
) -> int:
    """List the formats read and written, with the tool that makes each and the command to record it."""
    from leakreport.readers import get_reader, plugin_readers, reader_names
    from leakreport.render import get_renderer, plugin_renderers, renderer_names

    if to not in {"text", "json"}:
        raise UsageError(f"formats are not listed as {to!r}", advice="Choose text or json.")
    more_readers, broken_readers = plugin_readers()
    more_renderers, broken_renderers = plugin_renderers()
    read = [(get_reader(name).info, BUILT_IN) for name in reader_names()]
    read += [(reader.info, reader.origin) for reader in more_readers.values()]
    written: list[tuple[Renderer, str]] = [(get_renderer(name), BUILT_IN) for name in renderer_names()]
    written += [(renderer, renderer.origin) for renderer in more_renderers.values()]
    if to == "json":
        problems = [str(error) for error in (*broken_readers.values(), *broken_renderers.values())]
        document = {
            "read": [_described(info, origin) for info, origin in read],
            "written": [
                {"name": renderer.name, "suffix": renderer.suffix, "binary": renderer.is_binary, "origin": origin}
                for renderer, origin in written
            ],
            "problems": problems,
        }
        write_stdout(json.dumps(document, indent=1) + "\n", sys.stdout)
        return EXIT_OK
    lines = ["Read:"]
    for info, origin in read:
        lines += [
            f"  {info.name:<15} {info.title} ({info.tool}){_by(origin)}",
            f"  {'':<15} record: {info.record_command}",
        ]
    lines += ["", "Written:"]
    lines += [f"  {renderer.name:<15} {renderer.suffix}{_by(origin)}" for renderer, origin in written]
    write_stdout("\n".join(lines) + "\n", sys.stdout)
    return EXIT_OK


def _by(origin: str) -> str:
    return "" if origin == BUILT_IN else f", by {origin}"


def _described(info: FormatInfo, origin: str) -> dict[str, object]:
    return {
        "name": info.name,
        "title": info.title,
        "tool": info.tool,
        "suffixes": list(info.suffixes),
        "record_command": info.record_command,
        "specification": info.specification,
        "origin": origin,
    }
