"""`leakreport config`: every setting with its value and where that comes from."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Container, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leakreport.cli.options import COMPARING, READING, SELECTING, WRITING, Given, settable, setting_name, takes
from leakreport.cli.output import write_stdout
from leakreport.config import SETTINGS, Configuration, Setting, Value, load_settings, variable_of
from leakreport.errors import EXIT_OK, UsageError

if TYPE_CHECKING:
    from leakreport.cli.settings import Chosen

_WIDEST_VALUE = 36


@takes(settable(READING, COMPARING, SELECTING, WRITING))
def config(
    given: Given,
    to: Annotated[str, typer.Option("--to", metavar="FORMAT", help="text or json.")] = "text",
) -> int:
    """Show every setting with its value and its origin, and which files were looked at."""
    if to not in {"text", "json"}:
        raise UsageError(f"settings are not listed as {to!r}", advice="Choose text or json.")
    chosen = given.chosen()
    flags = {setting_name(name) for name, value in given.values.items() if value not in (None, [], False)}
    found = load_settings(given.text("config"), os.environ, Path.cwd())
    content = (
        _document(found, chosen, flags)
        if to == "json"
        else "".join(f"{line}\n" for line in _lines(found, chosen, flags))
    )
    write_stdout(content, sys.stdout)
    return EXIT_OK


def _origin(setting: Setting, found: Configuration, flags: Container[str]) -> str:
    """`default`, a file with a line, a variable, or a flag: what wins."""
    if setting.name in flags:
        return f"--{setting.name}"
    configured = found.values.get(setting.name)
    return "default" if configured is None else configured.origin


def _lines(found: Configuration, chosen: Chosen, flags: Container[str]) -> Iterator[str]:
    widest = max(len(setting.name) for setting in SETTINGS)
    for setting in SETTINGS:
        value = chosen.values.get(setting.name)
        shown = f"({setting.default or 'nothing'})" if value is None else _text(value)
        yield f"{setting.name:<{widest}}  {shown:<{_WIDEST_VALUE}}  {_origin(setting, found, flags)}"
    yield ""
    for path in found.looked_at:
        yield f"{'used' if path == found.file else 'looked at'}: {path}"
    if not found.looked_at:
        yield "no leakreport.toml or pyproject.toml in this folder or above"
    yield "A flag wins over the environment, the environment over the file."


def _text(value: Value) -> str:
    """A value as it can be written in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if value and isinstance(value[0], tuple):
        return f"{{ {', '.join(f'{_quoted(pair[0])} = {_quoted(pair[1])}' for pair in value)} }}"
    return f"[{', '.join(_quoted(str(item)) for item in value)}]"


def _quoted(text: str) -> str:
    """A text of TOML, which has the escapes of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _document(found: Configuration, chosen: Chosen, flags: Container[str]) -> str:
    settings = {
        setting.name: {
            "value": _plain(setting, chosen.values.get(setting.name)),
            "origin": _origin(setting, found, flags),
            "default": setting.default or None,
            "variable": variable_of(setting.name),
            "help": setting.help,
        }
        for setting in SETTINGS
    }
    file = None if found.file is None else str(found.file)
    return (
        json.dumps({"settings": settings, "file": file, "looked_at": list(map(str, found.looked_at))}, indent=1) + "\n"
    )


def _plain(setting: Setting, value: Value | None) -> object:
    if setting.kind is dict and isinstance(value, tuple):
        return dict(pair for pair in value if isinstance(pair, tuple))
    return list(value) if isinstance(value, tuple) else value
