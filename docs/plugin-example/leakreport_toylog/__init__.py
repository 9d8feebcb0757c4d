"""Reads toylog files, and writes the sites that hold most.

A toylog file is text: `toylog 1`, then `alloc BYTES STACK` for each live allocation with the stack outermost first, then
`end COUNT` with the number of allocations. A file without `end` was cut.
"""

from __future__ import annotations

from collections.abc import Iterator

from leakreport.analysis.report import Report
from leakreport.errors import LimitExceeded, MalformedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.raw import Frame, RawSnapshot, SampleTableBuilder, SnapshotMeta, Truncation
from leakreport.readers.interface import Confidence, FormatInfo, InputStream
from leakreport.render.interface import RenderOptions

_HEAD = b"toylog 1\n"


class ToylogReader:
    """Reads toylog files."""

    info = FormatInfo(
        name="toylog",
        title="toylog",
        tool="toytool",
        suffixes=(".toylog",),
        record_command="toytool record ./program > run.toylog",
        specification="the module's own description",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By the first line, whatever the name."""
        del name
        return Confidence.CERTAIN if head.startswith(_HEAD) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot.

        Raises:
            MalformedInput: a line is not of the format.
            LimitExceeded: a line, a stack or a number is larger than agreed.
        """
        builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
        total, number, is_whole = 0, 0, False
        for number, line in enumerate(_lines(stream, limits), 1):
            word, _, rest = line.partition(b" ")
            if is_whole or (number == 1 and line + b"\n" != _HEAD):
                raise MalformedInput(f"{stream.name} is no toylog file", where=f"line {number}")
            if word == b"end":
                is_whole = rest.isdigit() and rest == str(len(builder)).encode()
            elif word == b"alloc":
                amount, stack = _record(rest, f"{stream.name}, line {number}", limits)
                total += amount
                if total > INT64_MAX or len(builder) >= limits.records:
                    raise LimitExceeded(f"{stream.name} holds more than any program can", where=f"line {number}")
                builder.add(stack, (amount, 1), name=str(number))
            elif number > 1:
                raise MalformedInput(f"{stream.name} has an unknown line", where=f"line {number}")
        if not number:
            raise MalformedInput(f"{stream.name} ends inside its first line")
        meta = SnapshotMeta(
            source=stream.name,
            format="toylog",
            tool="toytool",
            is_complete=is_whole,
            truncation=None if is_whole else Truncation("the line end is missing", number, len(builder)),
        )
        yield RawSnapshot(meta, {"retained_bytes": total, "retained_blocks": len(builder)}, builder.build())


def _lines(stream: InputStream, limits: Limits) -> Iterator[bytes]:
    """The lines that have an end; a last one without is cut."""
    rest = b""
    while piece := stream.read(1 << 20):
        *whole, rest = (rest + piece).split(b"\n")
        yield from whole
        if len(rest) > limits.line_bytes:
            raise LimitExceeded(f"{stream.name} has a line of more than {limits.line_bytes:,} bytes")


def _record(text: bytes, where: str, limits: Limits) -> tuple[int, list[Frame]]:
    digits, _, stack = text.partition(b" ")
    names = stack.decode("utf-8", "replace").split(";")
    if not digits.isdigit() or len(digits) > 20 or not all(names):
        raise MalformedInput("an allocation has no size or no stack", where=where)
    if len(names) > limits.stack_frames:
        raise LimitExceeded(f"a stack has {len(names):,} frames", where=where)
    return int(digits), [Frame(name[: limits.name_characters]) for name in names]


class TopsitesRenderer:
    """Writes one line per allocating library or program, largest first."""

    name = "topsites"
    suffix = ".topsites"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The lines: bytes, a tab, the function that allocates."""
        del options
        return "".join(
            f"{row.values.get(report.metric, 0)}\t{report.frames[row.frames[row.site]].function}\n"
            for row in report.paths
            if row.site is not None
        )
