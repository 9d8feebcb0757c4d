"""What lies in a folder: names and the heads of files, bounded; nothing is read to its end."""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from collections.abc import Callable

from leakreport.explain.answer import Answer, Section
from leakreport.readers.interface import FormatInfo
from leakreport.units import format_count, plural

MOST_FILES = 500
"""Heads that are read."""
_MOST_SHOWN = 5
_REPORTS = "leakreport"
_SERIES = frozenset({"jemalloc", "gperftools", "pprof", "heaptrack"})

Recognise = Callable[[str], FormatInfo | str | None]
"""A file to its format, to what else it is ("an executable or library"), or to None."""


def diagnose_folder(folder: str, recognise: Recognise) -> Answer:
    """What a folder has, and what to do with it.

    Args:
        folder: looked at, without its subfolders.
        recognise: what a file is, by its head.
    """
    names, is_all = _names(folder)
    readable: defaultdict[str, list[str]] = defaultdict(list)
    infos: dict[str, FormatInfo] = {}
    others: defaultdict[str, list[str]] = defaultdict(list)
    for name in names:
        found = recognise(os.path.join(folder, name))
        if isinstance(found, str):
            others[found].append(name)
        elif found is not None:
            readable[found.name].append(name)
            infos[found.name] = found
    sections = []
    if readable:
        lines = [f"{infos[form].title} ({form}): {_shown(files)}" for form, files in sorted(readable.items())]
        sections.append(Section("What can be read", tuple(lines)))
    if others:
        lines = [f"{title[:1].upper()}{title[1:]}: {_shown(files)}" for title, files in sorted(others.items())]
        sections.append(Section("What else is known", tuple(lines)))
    if not is_all:
        sections.append(Section("Not looked at", (f"Only the first {format_count(MOST_FILES)} files were looked at.",)))
    commands = [_command(form, files, folder) for form, files in sorted(readable.items())]
    if not readable:
        program = next(iter(others.get("an executable or library", [])), None)
        shown = shlex.quote(f"./{program}") if program else "./program"
        record = "valgrind --leak-check=full --show-leak-kinds=all --xml=yes --xml-file=memcheck.%p.xml"
        sections.append(Section("What to do", ("There is no recording here: make one first.",)))
        commands = [f"{record} {shown}", "leakreport analyze memcheck.*.xml -o report.html"]
    count = sum(map(len, readable.values()))
    return Answer(
        "diagnosis",
        f"{folder}: {plural(count, 'file')} that can be read" if count else f"{folder}: nothing that can be read",
        tuple(sections),
        tuple(commands[:3]),
        {
            "usable": bool(readable),
            "formats": sorted(readable),
            "files": {form: list(files) for form, files in sorted(readable.items())},
        },
    )


def _names(folder: str) -> tuple[list[str], bool]:
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_file())
    return names[:MOST_FILES], len(names) <= MOST_FILES


def _shown(files: list[str]) -> str:
    hidden = len(files) - _MOST_SHOWN
    return ", ".join(files[:_MOST_SHOWN]) + (f" and {format_count(hidden)} more" if hidden > 0 else "")


def _command(form: str, files: list[str], folder: str) -> str:
    prefix = "" if folder == "." else folder.rstrip("/") + "/"
    given = shlex.join(f"{prefix}{name}" for name in files) if len(files) <= _MOST_SHOWN else shlex.quote(folder)
    if form in _SERIES and len(files) > 2:
        return f"leakreport trend {given} -o trend.html"
    if form == _REPORTS:
        return f"leakreport diff {given}" if len(files) == 2 else f"leakreport explain ID {given}"
    return f"leakreport analyze {given} -o report.html"
