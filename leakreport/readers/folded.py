"""Folded stacks, as FlameGraph's stackcollapse scripts and `heaptrack_print -F` write them.

    main;run;leak 4096            outermost first, one value behind the last blank
    main;run;leak 4096 8192       difffolded.pl: before and after

Frames hold blanks, and may end in ` (file)`, `_[k]` (kernel), `_[i]` (inlined), `_[j]` (compiled at run time) or `_[w]`
(waker). A `;` inside a name cannot be told from one between names. Nothing in the file says what is counted: the file's
name may (`leaked`, `peak`, `bytes`, ...), else bytes that are retained are assumed, with a note.

Text may be UTF-8 or, with its mark, UTF-16. A last line without an end may be a cut one and is left out.

Source: FlameGraph `flamegraph.pl`, `difffolded.pl`; heaptrack `src/analyze/print/heaptrack_print.cpp`.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from leakreport.errors import LimitExceeded, MalformedInput
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import checked_total, exact_sum
from leakreport.model.raw import (
    Frame,
    FrameKind,
    FrameTable,
    Note,
    RawSnapshot,
    SampleTable,
    SampleTableBuilder,
    SnapshotMeta,
)
from leakreport.readers._lines import lines
from leakreport.readers._metric_words import metric_of_path
from leakreport.readers.interface import Confidence, FormatInfo, InputStream

_NUMBER = re.compile(r"\d{1,40}(?:\.\d{0,40})?(?:[eE][+-]?\d{1,2})?\Z", re.ASCII)
_ADDRESS = re.compile(r"0x([0-9a-fA-F]{1,16})\Z")
_ANNOTATIONS = ("_[k]", "_[i]", "_[j]", "_[w]")
_COMMENTS = ("#", "//")
_SNIFFED_LINES = 200


class _Line(NamedTuple):
    """One line, understood."""

    stack: str
    before: int | None
    """The first of two values."""
    amount: int


class FoldedReader:
    """Reads what flame graphs are drawn from."""

    info = FormatInfo(
        name="folded",
        title="folded stacks",
        tool="heaptrack_print, stackcollapse",
        suffixes=(".folded", ".collapsed", ".difffolded"),
        record_command="heaptrack_print -f heaptrack.program.1.zst --flamegraph-cost-type leaked -F leaked.folded",
        specification="FlameGraph flamegraph.pl",
    )

    def sniff(self, head: bytes, name: str) -> Confidence:
        """By its lines: a number at the end, and `;` between names in most."""
        del name
        text = _decoded_head(head)
        if "\0" in text:
            return Confidence.NO
        whole = text.split("\n")
        if len(whole) > 1:
            # The last line may be cut by the size of the head.
            whole.pop()
        tried = [line for line in whole[:_SNIFFED_LINES] if line.strip() and not line.startswith(_COMMENTS)]
        found = [line for line in map(_parse, tried) if line is not None and not line.stack[0].isspace()]
        if not found or 2 * sum(";" in line.stack for line in found) < len(found):
            return Confidence.NO
        if len(found) == len(tried):
            return Confidence.LIKELY
        return Confidence.MAYBE if 5 * len(found) >= 3 * len(tried) else Confidence.NO

    def read(self, stream: InputStream, limits: Limits) -> Iterator[RawSnapshot]:
        """One snapshot, or two where every line has two values.

        Raises:
            MalformedInput: no line is a stack.
            LimitExceeded: a value does not fit in 64 bits.
        """
        is_difference = _has_two_values(stream, limits)
        named = metric_of_path(stream.name)
        metric = named or "retained_bytes"
        table = FrameTable()
        builders = [SampleTableBuilder((metric,), table) for _ in range(1 + is_difference)]
        frames = _FrameCache(table, limits)
        found, invalid, last_line, is_cut = 0, 0, 0, False
        stream.rewind()
        for number, (line, has_end) in enumerate(lines(_Utf8Stream(stream), limits), 1):
            last_line, is_cut = number, not has_end
            text = line.decode("utf-8", "replace")
            if not text.strip() or text.startswith(_COMMENTS):
                continue
            parsed = _parse(text, is_difference=is_difference)
            if parsed is None or len(line) >= limits.line_bytes:
                invalid += 1
                continue
            found += 1
            stack = frames.stack(parsed.stack)
            values = (parsed.before or 0, parsed.amount) if is_difference else (parsed.amount,)
            for builder, value in zip(builders, values, strict=True):
                _add(builder, stack, value, number, stream.name, limits)
        if not found:
            raise MalformedInput(
                f"{stream.name} holds no line with a stack and its value", where=f"{last_line:,} lines"
            )
        notes = tuple(_notes(invalid, is_cut=is_cut, is_known=named is not None))
        for builder, label in zip(builders, ("before", "after") if is_difference else (None,), strict=True):
            meta = SnapshotMeta(
                source=stream.name,
                format="folded",
                label=label,
                is_complete=not invalid,
                notes=notes,
            )
            samples = builder.build()
            yield RawSnapshot(meta, _totals(samples, metric), samples)


def _add(builder: SampleTableBuilder, stack: list[int], value: int, number: int, source: str, limits: Limits) -> None:
    if value > INT64_MAX:
        raise LimitExceeded(
            f"{source} has a value beyond 2^63",
            where=f"line {number:,}",
            advice="No allocator can hold that: the input is damaged. Record again.",
        )
    if len(builder) >= limits.records:
        raise LimitExceeded(f"{source} has more than {limits.records:,} stacks")
    if value:
        builder.add_indexes(stack, (value,), name=str(number))


def _totals(samples: SampleTable, metric: str) -> dict[str, int]:
    return {metric: checked_total((exact_sum(samples.values[metric]),), metric)}


def _notes(invalid: int, *, is_cut: bool, is_known: bool) -> Iterator[Note]:
    if not is_known:
        yield Note(
            "unit-unknown",
            "The file does not say what it counts: its numbers are taken as bytes that are retained. Name the file "
            "*.leaked.folded, *.peak.folded or *.allocations.folded to say it.",
        )
    if invalid:
        yield Note(
            "invalid-lines", f"{invalid:,} line{'s are no stacks' if invalid > 1 else ' is no stack'} with a value."
        )
    if is_cut:
        yield Note(
            "line-without-end", "The last line has no end. If the file was cut there, its number can be too small."
        )


def _has_two_values(stream: InputStream, limits: Limits) -> bool:
    """Whether every stack has two values."""
    is_difference = False
    stream.rewind()
    for line, _ in lines(_Utf8Stream(stream), limits):
        text = line.decode("utf-8", "replace")
        parsed = _parse(text, is_difference=True)
        if parsed is not None:
            is_difference = True
        elif _parse(text) is not None and not text.startswith(_COMMENTS):
            return False
    return is_difference


def _parse(text: str, *, is_difference: bool = False) -> _Line | None:
    """A stack with its value or two; None where there is none."""
    stack, _, last = text.rstrip().rpartition(" ")
    amount = _number(last)
    before = None
    if is_difference:
        stack, _, first = stack.rpartition(" ")
        before = _number(first)
    if amount is None or not stack.strip(" ;") or (is_difference and before is None):
        return None
    return _Line(stack, before, amount)


def _number(text: str) -> int | None:
    if text.isascii() and text.isdecimal() and len(text) <= 40:
        return int(text)
    return round(float(text)) if _NUMBER.match(text) else None


class _FrameCache:
    """Frames by their text: each is looked at once."""

    def __init__(self, frames: FrameTable, limits: Limits) -> None:
        self._frames = frames
        self._limits = limits
        self._known: dict[str, int] = {}

    def stack(self, text: str) -> list[int]:
        """The frames of a stack; empty names, which some writers leave behind, are dropped."""
        return [self._known.get(name) or self._index(name) for name in text.split(";") if name and not name.isspace()]

    def _index(self, name: str) -> int:
        index = self._known[name] = self._frames.index(_frame(name.strip()[: self._limits.name_characters]))
        return index


def _frame(name: str) -> Frame:
    match = _ADDRESS.match(name)
    if match is not None:
        return Frame(address=int(match[1], 16), kind=FrameKind.ADDRESS)
    is_inlined = name.endswith("_[i]")
    if name.endswith(_ANNOTATIONS) and len(name) > len(_ANNOTATIONS[0]):
        name = name[: -len(_ANNOTATIONS[0])]
    if name.startswith("[") and name.endswith("]"):
        return Frame(function=name, kind=FrameKind.SYNTHETIC)
    function, _, path = name.removesuffix(")").rpartition(" (")
    if name.endswith(")") and function and "." in path and not any(sign in path for sign in "() "):
        directory, slash, file = path.rpartition("/")
        return Frame(function=function, directory=(directory or slash) or None, file=file, is_inlined=is_inlined)
    return Frame(function=name, is_inlined=is_inlined)


class _Utf8Stream:
    """A stream whose text is UTF-8, whatever it was; a half character at the end is dropped."""

    def __init__(self, stream: InputStream) -> None:
        self.name = stream.name
        self._stream = stream
        self._decoder: codecs.IncrementalDecoder | None = None
        self._is_started = False

    def read(self, size: int = -1, /) -> bytes:
        head = b""
        if not self._is_started:
            self._is_started = True
            while len(head) < 3 and (piece := self._stream.read(3 - len(head))):
                head += piece
            if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                self._decoder = codecs.getincrementaldecoder("utf-16")("replace")
            elif head == codecs.BOM_UTF8:
                head = b""
        while True:
            piece = head + self._stream.read(size)
            if self._decoder is None or not piece:
                return piece
            text = self._decoder.decode(piece)
            if text:
                return text.encode("utf-8", "replace")
            head = b""

    def rewind(self) -> None:
        self._stream.rewind()
        self._decoder, self._is_started = None, False


def _decoded_head(head: bytes) -> str:
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"), (b"", "utf-8-sig")):
        if head.startswith(mark):
            return head.decode(encoding, "replace")
    return ""
