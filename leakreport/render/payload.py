"""The data inside a page: what the script draws, and what `leakreport extract` gives back. Source: `docs/payload.md`."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, cast

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Finding, Report, SnapshotSummary
from leakreport.analysis.trendreport import Point, TrendReport
from leakreport.render.interface import RenderOptions
from leakreport.render.json import finding_entry, lazy_document
from leakreport.render.markdown import MarkdownRenderer
from leakreport.render.payload_columns import in_columns, shown
from leakreport.render.payload_tree import FrameTable, meaning_entries, tree_entry

if TYPE_CHECKING:
    from markupsafe import Markup

AnyReport = Report | DiffReport | TrendReport

SCHEMA = "leakreport-payload/1"
MOST_PLAIN = 256 * 1024
"""Bytes up to which the data stays readable in an editor."""
MOST_FINDINGS = 200
"""Of leaks, and of all other findings."""
_ESCAPES = (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026"))
_GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff"
"""Deflated, no name, no time, no system. Source: RFC 1952, section 2.3.1."""
_LEVEL = 6
"""Of 9: the last two percent would take three times as long."""


@dataclass(frozen=True, slots=True)
class Payload:
    """The data of one page."""

    content: bytes
    """JSON in ASCII, without `<`, `>` and `&`."""

    @property
    def is_plain(self) -> bool:
        """Whether it stands in the page as it is."""
        return len(self.content) <= MOST_PLAIN

    def embedded(self) -> str:
        """What stands inside the element: nothing in it can end the element."""
        return (self.content if self.is_plain else base64.b64encode(_gzip(self.content))).decode("ascii")


def payload_element(report: AnyReport, options: RenderOptions) -> Markup:
    """The element that holds the data of a report's page.

    Raises:
        OutputError: a number is larger than JavaScript can hold.
    """
    from markupsafe import Markup

    payload = payload_of(report, options)
    kind = 'type="application/json" id="payload"'
    if not payload.is_plain:
        kind = 'type="application/octet-stream" id="payload" data-encoding="gzip+base64"'
    # JSON without the signs of markup, or base64: nothing of the input can leave the element.
    return Markup(f'<script {kind} data-schema="{SCHEMA}">{payload.embedded()}</script>')  # noqa: S704


def payload_of(report: AnyReport, options: RenderOptions) -> Payload:
    """The data of a report: same report and options, same bytes.

    Raises:
        OutputError: a number is larger than JavaScript can hold.
    """
    # How many paths a page lists follows from its tree; --max-paths is of other outputs.
    document = lazy_document(report, replace(options, max_paths=None))
    del document["frames"]
    rows = cast("Iterator[dict[str, object]]", document.pop("paths"))
    page = report.page
    frames = FrameTable(report.frames, report.own, page.keys)
    tree = tree_entry(page, frames)
    ends = zip(page.row_node.tolist(), page.is_bent.tolist(), strict=True)
    listed = [_row(row, node, frames, is_bent=is_bent) for row, (node, is_bent) in zip(islice(rows, len(page.row_node)), ends, strict=True)]  # fmt: skip
    _replace_findings(document, report, frames)
    document = cast("dict[str, object]", shown(document))
    columns, strings = frames.entries()
    values = {
        "schema": SCHEMA,
        "kind": report.kind,
        "document": document,
        "strings": strings,
        "frames": columns,
        "tree": tree,
        **cast("dict[str, object]", shown(meaning_entries(page.meaning, _states(report)))),
        "rows": in_columns(cast("list[dict[str, object]]", shown(listed))),
        "markdown": _markdown(report, options),
    }
    text = json.dumps(values, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign, escaped in _ESCAPES:
        text = text.replace(sign, escaped)
    return Payload(text.encode("ascii"))


def _row(row: dict[str, object], node: int, frames: FrameTable, *, is_bent: bool) -> dict[str, object]:
    """A row that says where in the tree its path ends, and its frames only where the tree does not tell them."""
    stack = cast("list[int]", row.pop("frames"))
    if "frames_before" in row:
        row["frames_before"] = frames.numbers(cast("list[int]", row["frames_before"]))
    return {**row, "node": node, "stack": frames.numbers(stack) if is_bent else None}


def _replace_findings(document: dict[str, object], report: AnyReport, frames: FrameTable) -> None:
    """Findings that are not too many, and frames by their numbers in the data."""
    if isinstance(report, TrendReport):
        return
    leaks = [finding for finding in report.findings if finding.is_leak]
    others = [finding for finding in report.findings if not finding.is_leak]
    document["findings"] = [_finding(one, frames) for one in (*leaks[:MOST_FINDINGS], *others[:MOST_FINDINGS])]
    if isinstance(report, Report):
        document["unlisted_leaks"] = report.unlisted_leaks + max(len(leaks) - MOST_FINDINGS, 0)
        document["unlisted_findings"] = max(len(others) - MOST_FINDINGS, 0)
        accumulation = cast("dict[str, object] | None", document["accumulation"])
        if accumulation is not None:
            accumulation["frame"] = frames.number(cast("int", accumulation["frame"]))


def _finding(finding: Finding, frames: FrameTable) -> dict[str, object]:
    numbered = replace(
        finding,
        frames=None if finding.frames is None else tuple(frames.numbers(finding.frames)),
        more_stacks=tuple(stack._replace(frames=tuple(frames.numbers(stack.frames))) for stack in finding.more_stacks),
    )
    return finding_entry(numbered)


def _states(report: AnyReport) -> Sequence[SnapshotSummary | Point]:
    if isinstance(report, DiffReport):
        return ()
    return report.points if isinstance(report, TrendReport) else report.snapshots


def _markdown(report: AnyReport, options: RenderOptions) -> str:
    renderer = MarkdownRenderer()
    if isinstance(report, DiffReport):
        return renderer.render_diff(report, options)
    if isinstance(report, TrendReport):
        return renderer.render_trend(report, options)
    return renderer.render(report, options)


def _gzip(content: bytes) -> bytes:
    # Mostly figures: long matches in them are chance, and short codes for digits are worth more.
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_FILTERED)
    trailer = zlib.crc32(content).to_bytes(4, "little") + (len(content) & 0xFFFFFFFF).to_bytes(4, "little")
    return _GZIP_HEADER + packer.compress(content) + packer.flush() + trailer
