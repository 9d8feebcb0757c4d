"""What `explain` and `doctor` say, as text for a terminal, as Markdown, and as JSON."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator, Sequence

from leakreport import __version__
from leakreport.explain.answer import Answer
from leakreport.render.markdown import prose
from leakreport.render.phrases import printable

FORMATS = ("terminal", "json", "markdown")
SCHEMA = "leakreport-answer/1"
_LEAST_WIDTH = 40
_MOST_WIDTH = 100
_WORDS = 9
"""A section of more lines than these, each a single word, is written as a list of words."""


def written(answer: Answer, to: str, *, width: int = 80) -> str:
    """An answer in one of `FORMATS`; `width` is that of the terminal, in characters."""
    if to == "json":
        return json.dumps(_document(answer), indent=1, ensure_ascii=False) + "\n"
    lines = _markdown(answer) if to == "markdown" else _terminal(answer, min(max(width, _LEAST_WIDTH), _MOST_WIDTH))
    return "\n".join(lines) + "\n"


def _document(answer: Answer) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "generator": {"name": "leakreport", "version": __version__},
        "kind": answer.kind,
        "title": answer.title,
        **answer.values,
        "sections": [{"heading": section.heading, "lines": list(section.lines)} for section in answer.sections],
        "commands": list(answer.commands),
    }


def _terminal(answer: Answer, width: int) -> Iterator[str]:
    yield from textwrap.wrap(printable(answer.title), width)
    for section in answer.sections:
        yield ""
        yield section.heading
        lines = section.lines
        if section.is_code:
            yield from _copied(lines)
            continue
        if len(lines) > _WORDS and all(" " not in line for line in lines):
            yield from _wrapped("  ".join(lines), width, "  ")
            continue
        for line in lines:
            yield from _wrapped(printable(line), width, "  ")
    if answer.commands:
        yield ""
        yield "Next"
        yield from _copied(answer.commands)


def _copied(commands: Sequence[str]) -> Iterator[str]:
    """Commands are never wrapped: they are there to be copied."""
    return (f"  {printable(command)}" for command in commands)


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _markdown(answer: Answer) -> Iterator[str]:
    yield f"## {prose(answer.title)}"
    for section in answer.sections:
        yield ""
        yield f"### {prose(section.heading)}"
        yield ""
        yield from _fenced(section.lines) if section.is_code else (f"- {prose(line)}" for line in section.lines)
    if answer.commands:
        yield from ("", "### Next", "", *_fenced(answer.commands))


def _fenced(commands: Sequence[str]) -> Iterator[str]:
    longest = max(len(run) for run in re.findall(r"`*", "\n".join(commands)))
    fence = "`" * max(3, longest + 1)
    yield from (f"{fence}sh", *(printable(command) for command in commands), fence)
