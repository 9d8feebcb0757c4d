"""The tags of simple XML that may stand in a log, piece by piece: no entities, no nesting, nothing is kept.

For formats whose documents follow each other without a root, with other text between. Comments, CDATA and DTDs have no
meaning here, so nothing can be hidden in them that costs more than its own length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from leakreport.limits import Limits
from leakreport.readers.interface import InputStream

_CHUNK = 1 << 18
_PIECE = re.compile(rb"<(?P<end>/?)(?P<name>[A-Za-z][\w-]{0,39})(?P<rest>(?:\s[^<>]*)?/?)>|(?P<line>\n)|[^<\n]+|<")
_ATTRIBUTE = re.compile(r"\s([A-Za-z][\w-]{0,39})\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_LONGEST_TAG = 4096


class Tag(NamedTuple):
    """`<name key="value">`, `<name/>` or `</name>`."""

    name: str
    is_end: bool
    attributes: dict[str, str]


def tags_and_lines(stream: InputStream, limits: Limits) -> Iterator[tuple[Tag | bytes, int]]:
    """Each tag, and each piece of text between that is not blank, with its line; a tag without an end is none."""
    rest = b""
    line = 1
    while chunk := stream.read(_CHUNK):
        text = rest + chunk
        cut = _whole_until(text, limits)
        rest = text[cut:]
        yield from _pieces(text[:cut], line)
        line += text.count(b"\n", 0, cut)
    yield from _pieces(rest, line)


def _whole_until(text: bytes, limits: Limits) -> int:
    """Where the last tag or line ends; all of it where one is longer than agreed to."""
    opened = text.rfind(b"<")
    if opened > text.rfind(b">") and len(text) - opened <= _LONGEST_TAG:
        return opened
    ended = max(text.rfind(b">"), text.rfind(b"\n")) + 1
    return ended if len(text) - ended <= limits.line_bytes else len(text)


def _pieces(text: bytes, line: int) -> Iterator[tuple[Tag | bytes, int]]:
    for match in _PIECE.finditer(text):
        if match["line"]:
            line += 1
        elif match["name"]:
            yield _tag(match), line
            line += match[0].count(b"\n")
        elif not match[0].isspace():
            yield match[0].strip(), line


def _tag(match: re.Match[bytes]) -> Tag:
    rest = match["rest"][:_LONGEST_TAG].decode("utf-8", "replace")
    attributes = {key: double or single for key, double, single in _ATTRIBUTE.findall(rest)}
    return Tag(match["name"].decode("ascii"), bool(match["end"]), attributes)
