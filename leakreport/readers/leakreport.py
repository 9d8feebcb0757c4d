"""Our own reports: the JSON document `leakreport/1`, and the HTML page that holds it.

    {"schema": "leakreport/1", "kind": "analysis", "inputs": [...], "frames": [...], "paths": [...], ...}
    <!doctype html> ... <script id="payload" data-schema="leakreport-payload/1" ...>...</script> ...

A report is read as what it was made of: with the format, tool, command, totals, notes and completeness of the recording,
so that a comparison with a recording of the same kind is one of the same kind. Totals, what lies on no path, and listed
paths are exact. Paths that a page folded stand in one row whose stack ends in `[n small paths]`.

Not read: findings of leakreport itself, groups, trees drawn on the page and everything else that is made anew.

Source: `docs/json.md`, `docs/payload.md`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from json import JSONDecoder

from leakreport.errors import MalformedInput
from leakreport.limits import Limits
from leakreport.model.raw import RawSnapshot
from leakreport.readers._json_stream import BrokenJson, JsonStream
from leakreport.readers._payload import document_of
from leakreport.readers._report_document import Document, Members
from leakreport.readers._report_page import is_ours, is_page, payload_of, read_page
from leakreport.readers._report_snapshots import snapshots_of
from leakreport.readers._report_values import DamagedReport, refuse_constant, without_twins
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_DOCUMENT = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{\s*"schema"\s*:\s*"leakreport/')
_HEAD_BYTES = 4096
_LATER = re.compile(rb'\A(?:\xef\xbb\xbf)?\s*\{.*"schema"\s*:\s*"leakreport/\d', re.DOTALL)


class LeakreportReader:
    """Reads reports where the recordings are gone."""

    info = FormatInfo(
        name="leakreport",
        title="report of leakreport",
        tool="leakreport",
        suffixes=(".html", ".json"),
        record_command="leakreport analyze memcheck.xml -o report.html",
        specification="docs/json.md, docs/payload.md",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the schema of a document, or by a page's title and payload."""
        del name
        if _DOCUMENT.match(head) or (is_page(head) and is_ours(head)):
            return Confidence.CERTAIN
        return Confidence.LIKELY if _LATER.match(head) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """The judged snapshot with its paths, and the others that the report tells of.

        Raises:
            MalformedInput: it is cut or damaged, or a page without its data.
            UnsupportedInput: it is of another version.
            LimitExceeded: there is more in it than leakreport agrees to read.
        """
        document = Document(stream.name, limits)
        try:
            _take(document, stream, limits)
            document.check_version()
            document.check_sums()
            raws = snapshots_of(document)
        except DamagedReport as error:
            raise _damaged(document, error) from error
        yield from raws


def extracted(stream: InputStream, limits: Limits) -> dict[str, object] | None:
    """The document inside a page, `paths` as an iterator; None for a document, which needs no unpacking.

    Either is read to its end first: what is no whole report is refused.

    Raises:
        MalformedInput: it is cut or damaged, or a page without its data.
        UnsupportedInput: it is of another version.
        LimitExceeded: there is more in it than leakreport agrees to read.
    """
    document = Document(stream.name, limits)
    try:
        stream.rewind()
        if not _is_page(stream):
            _take(document, stream, limits)
            payload = None
        else:
            payload = _payload(stream, limits)
            document.take(document_of(payload, stream.name, limits))
        document.check_version()
        document.check_sums()
        return None if payload is None else dict(document_of(payload, stream.name, limits))
    except DamagedReport as error:
        raise _damaged(document, error) from error


def _damaged(document: Document, error: DamagedReport) -> MalformedInput:
    return MalformedInput(
        f"{document.source} is a damaged report: {error}", where=document.place, advice="Get the file again."
    )


def _is_page(stream: InputStream) -> bool:
    head = b""
    while len(head) < _HEAD_BYTES and (piece := stream.read(_HEAD_BYTES - len(head))):
        head += piece
    stream.rewind()
    return is_page(head)


def _payload(stream: InputStream, limits: Limits) -> object:
    """The data of a page as plain values.

    Raises:
        MalformedInput: the page has no data, or not all of it, or it is no JSON.
        UnsupportedInput: it is of another version.
        LimitExceeded: there is more of it than leakreport agrees to read.
    """
    content = payload_of(read_page(stream, limits), stream.name, limits)
    try:
        return _strict_decoder().decode(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise MalformedInput(
            f"the data of the report {stream.name} is damaged: {error}", advice="Get the whole file again."
        ) from error


def _take(document: Document, stream: InputStream, limits: Limits) -> None:
    if _is_page(stream):
        document.take(document_of(_payload(stream, limits), document.source, limits))
        return
    json = JsonStream(stream, limits, _strict_decoder())
    try:
        document.take(_members_of(json))
    except BrokenJson as error:
        raise MalformedInput(
            f"{stream.name} is a report that breaks off or is damaged inside {document.place}: {error}",
            where=f"{stream.name}:{json.line}",
            advice="Get the whole file again.",
        ) from error


def _strict_decoder() -> JSONDecoder:
    """A decoder that takes no numbers that are none, and no name twice."""
    return JSONDecoder(object_pairs_hook=without_twins, parse_constant=refuse_constant)


def _members_of(json: JsonStream) -> Members:
    """The members of a document, long lists element by element.

    Raises:
        BrokenJson: it is no JSON, or breaks off.
        DamagedReport: a name stands twice.
    """
    seen = set()
    for name in json.members():
        if name in seen:
            raise DamagedReport(f'"{name[:40]}" stands twice')
        seen.add(name)
        yield name, json.elements() if json.is_at_list else json.value()
    json.end_members()
