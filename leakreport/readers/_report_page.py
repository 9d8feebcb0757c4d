"""The data inside an HTML page of leakreport, found and unpacked. Specification: `docs/payload.md`.

A page is searched for one element, without a tree of its HTML: pages have megabytes, and mail viewers and editors leave
all kinds of them. What is packed is unpacked to a bound.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from typing import NamedTuple

from leakreport.errors import LimitExceeded, MalformedInput, UnsupportedInput
from leakreport.limits import Limits
from leakreport.readers.interface import InputStream

PAYLOAD_SCHEMA = "leakreport-payload/1"
_PAGE = re.compile(
    rb"\A(?:\xef\xbb\xbf)?\s*(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_TITLE = re.compile(rb"<title>[^<]{0,20000} \xc2\xb7 leakreport</title>", re.I)
_GENERATOR = re.compile(rb'<meta name="generator" content="leakreport\b', re.I)
# No `<` inside: else each of many tags without an end would be followed to its bound.
_SCRIPT = re.compile(rb"<script\b([^<>]{0,2000})>", re.I)
_END = re.compile(rb"</script", re.I)
_ATTRIBUTE = re.compile(rb"""([\w-]{1,40})\s*=\s*(?:"([^"]{0,200})"|'([^']{0,200})'|([^\s"'>]{1,200}))""")
_BLANK = re.compile(rb"\s+")
_ADVICE = "Ask for the file itself (packed, if mails lose scripts), or for the JSON report."
_UNPACKED_AT_ONCE = 1 << 20
_SMALL = 16 << 20
"""Bytes up to which nobody asks how much smaller the packed data was."""


class Element(NamedTuple):
    """The element of a page that holds its data."""

    content: bytes
    is_packed: bool
    line: int
    """The 1-based line of the page on which the data begins."""


def is_page(head: bytes) -> bool:
    """Whether this is the head of an HTML page."""
    return _PAGE.match(head) is not None


def is_ours(head: bytes) -> bool:
    """Whether the head of a page says that leakreport made it."""
    named = _TITLE.search(head) or _GENERATOR.search(head)
    return named is not None or b'data-schema="leakreport-payload/' in head


def read_page(stream: InputStream, limits: Limits) -> bytes:
    """The whole page.

    Raises:
        LimitExceeded: it is too large.
    """
    page = bytearray()
    while piece := stream.read(_UNPACKED_AT_ONCE):
        page += piece
        if len(page) > limits.page_bytes:
            raise LimitExceeded(
                f"{stream.name} is a page of more than {limits.page_bytes:,} bytes", advice="Give the JSON report."
            )
    return bytes(page)


def payload_of(page: bytes, source: str, limits: Limits) -> bytes:
    """The data of a page, as JSON.

    Raises:
        MalformedInput: the page has no data, or not all of it, or it is damaged.
        UnsupportedInput: it is of another version.
        LimitExceeded: it is packed too well.
    """
    element = _found(page, source)
    if not element.is_packed:
        return element.content
    where = f"{source}:{element.line}"
    try:
        packed = base64.b64decode(_BLANK.sub(b"", element.content), validate=True)
    except (binascii.Error, ValueError) as error:
        raise MalformedInput(
            f"the data of the report {source} is damaged: {error}", where=where, advice=_ADVICE
        ) from error
    return _unpacked(packed, source, where, limits)


def _found(page: bytes, source: str) -> Element:
    """The one element that holds data."""
    found = [
        (match, attributes)
        for match in _SCRIPT.finditer(page)
        if (attributes := _attributes(match[1])).get("id") == "payload" or "data-schema" in attributes
    ]
    if not found:
        missing = 'the element <script id="payload"> is missing'
        if not _END.search(page) and b"</html" not in page.lower():
            missing = "it ends before the element with its data"
        raise MalformedInput(f"{source} is a page without the data of a report: {missing}", advice=_ADVICE)
    if len(found) > 1:
        raise MalformedInput(f"{source} has {len(found)} elements with the data of a report", advice=_ADVICE)
    match, attributes = found[0]
    line = page.count(b"\n", 0, match.end()) + 1
    schema = attributes.get("data-schema", PAYLOAD_SCHEMA)
    if schema != PAYLOAD_SCHEMA:
        raise UnsupportedInput(
            f"{source} is a page with data of {schema!r}, and this leakreport reads {PAYLOAD_SCHEMA!r}",
            advice="Read it with the version of leakreport that made it, or a later one.",
        )
    end = _END.search(page, match.end())
    if end is None:
        raise MalformedInput(f"the page {source} ends inside its data", where=f"{source}:{line}", advice=_ADVICE)
    encoding = attributes.get("data-encoding", "")
    if encoding not in {"", "gzip+base64"}:
        raise UnsupportedInput(
            f"{source} has data in the encoding {encoding!r}, which is not known", where=f"{source}:{line}"
        )
    return Element(page[match.end() : end.start()], encoding != "", line)


def _attributes(text: bytes) -> dict[str, str]:
    return {
        match[1].decode().lower(): next(value for value in match.groups()[1:] if value is not None).decode(
            "utf-8", "replace"
        )
        for match in _ATTRIBUTE.finditer(text)
    }


def _unpacked(packed: bytes, source: str, where: str, limits: Limits) -> bytes:
    unpacker = zlib.decompressobj(31)
    content = bytearray()
    piece = packed
    try:
        while piece and not unpacker.eof:
            content += unpacker.decompress(piece, _UNPACKED_AT_ONCE)
            piece = unpacker.unconsumed_tail
            is_bomb = len(content) > _SMALL and len(content) > limits.expansion_ratio * len(packed)
            if is_bomb or len(content) > limits.page_bytes:
                raise LimitExceeded(
                    f"the data of the report {source} unpacks to more than {len(content) - 1:,} bytes",
                    where=where,
                    advice="No report of leakreport does: get it again, or give the JSON report.",
                )
    except zlib.error as error:
        raise MalformedInput(
            f"the data of the report {source} is damaged: {error}", where=where, advice=_ADVICE
        ) from error
    if not unpacker.eof or unpacker.unused_data:
        what = "goes on behind its end" if unpacker.eof else "ends early"
        raise MalformedInput(f"the data of the report {source} {what}", where=where, advice=_ADVICE)
    return bytes(content)
