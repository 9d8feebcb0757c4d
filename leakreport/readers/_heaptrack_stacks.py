"""heaptrack's texts, places and stacks, which point to each other by number; and its lines.

What is damaged keeps its number, because all others after it would move.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.model.raw import Frame, FrameKind, FrameTable
from leakreport.readers.interface import InputStream

_CHUNK = 1 << 20
_BROKEN = (-1,)
_OPERATOR_NEW = frozenset(f"operator new{array}(unsigned {size})" for array in ("", "[]") for size in ("long", "int"))


class StackTables:
    """Stacks as heaptrack writes them: each is a place in another stack, number 0 is the empty one.

    All methods that take a record raise ValueError or IndexError where it cannot be understood.
    """

    def __init__(self, source: str, limits: Limits) -> None:
        """Start with the empty stack."""
        self.has_sized_texts = False
        """Texts have their length before them, and may hold line ends."""
        self.frames = FrameTable()
        self._source = source
        self._limits = limits
        self._texts: list[str | None] = [None]
        self._operator_new: set[int] = set()
        # Per place its frames, outermost first; None for operator new.
        self._places: list[tuple[int, ...] | None] = [()]
        # Per stack the place, -1 where something is missing, and the stack below it.
        self._stack_place = array("i", (0,))
        self._stack_parent = array("i", (0,))
        self._stack_depth = array("i", (0,))

    def __len__(self) -> int:
        return len(self._stack_place)

    def depth(self, stack: int) -> int:
        """How many frames a stack has."""
        return self._stack_depth[stack]

    def is_whole(self, stack: int) -> bool:
        """Whether all of a stack is known."""
        return self._stack_place[stack] >= 0

    def of(self, stack: int) -> list[int]:
        """The frames of a stack as indexes into `frames`, outermost first."""
        found: list[tuple[int, ...]] = []
        while stack:
            found.append(self._places[self._stack_place[stack]] or ())
            stack = self._stack_parent[stack]
        return [frame for place in reversed(found) for frame in place]

    def take_text(self, content: bytes) -> None:
        """The next text."""
        is_whole = True
        if self.has_sized_texts:
            size, _, content = content.partition(b" ")
            is_whole = size == b"%x" % len(content)
        text = content[: 4 * self._limits.name_characters].decode("utf-8", "replace")[: self._limits.name_characters]
        if text in _OPERATOR_NEW:
            self._operator_new.add(len(self._texts))
        self._texts.append(text if is_whole else None)
        self._check_count(len(self._texts))
        if not is_whole:
            raise ValueError(size)

    def take_place(self, content: bytes) -> None:
        """The next place in the code, with the calls inlined there."""
        found: tuple[int, ...] | None = _BROKEN
        try:
            numbers = hex_numbers(content)
            frames = self._place_frames(numbers)
            is_operator_new = len(numbers) > 2 and numbers[2] in self._operator_new
            found = None if is_operator_new else tuple(self.frames.index(frame) for frame in reversed(frames))
        finally:
            self._places.append(found)
            self._check_count(len(self._places))

    def _check_count(self, count: int) -> None:
        if count > self._limits.records:
            raise LimitExceeded(f"{self._source} has more than {self._limits.records:,} stacks, places or texts")

    def _text(self, number: int) -> str:
        """A text; number 0 is none."""
        text = self._texts[number] if number else ""
        if text is None:
            raise IndexError(number)
        return text

    def _place_frames(self, numbers: list[int]) -> list[Frame]:
        """The frames of one place, innermost first."""
        address, module_number, *rest = numbers
        module = self._text(module_number) or None
        frames: list[Frame] = []
        for start in range(0, max(len(rest), 1), 3):
            function_number, file_number, line = (*rest[start : start + 3], 0, 0, 0)[:3]
            function = self._text(function_number) or None
            directory, slash, file = self._text(file_number).rpartition("/")
            frames.append(
                Frame(
                    function=function,
                    module=module,
                    directory=(directory or slash) or None,
                    file=file or None,
                    line=line if 0 < line < 1 << 31 else None,
                    # A name is the same in every run, an address is not.
                    address=None if function else address & (1 << 64) - 1,
                    kind=FrameKind.FUNCTION if function else FrameKind.ADDRESS,
                    is_inlined=start + 3 < len(rest),
                )
            )
        return frames

    def take_stack(self, content: bytes) -> None:
        """The next stack; operator new at its inner end is no caller, and left out."""
        found = (-1, 0, 0)
        try:
            place, parent = hex_numbers(content)
            if place >= len(self._places) or parent >= len(self._stack_place):
                raise IndexError(place)
            while place >= 0 and self._places[place] is None:
                place, parent = self._stack_place[parent], self._stack_parent[parent]
            frames = _BROKEN if place < 0 else self._places[place]
            if frames is not _BROKEN and self.is_whole(parent):
                found = (place, parent, self._stack_depth[parent] + len(frames or ()))
        finally:
            for column, number in zip((self._stack_place, self._stack_parent, self._stack_depth), found, strict=True):
                column.append(number)
            self._check_count(len(self._stack_place))
        if found[2] > self._limits.stack_frames:
            raise LimitExceeded(
                f"a stack has {found[2]:,} frames, more than {self._limits.stack_frames:,}", where=self._source
            )


def hex_numbers(content: bytes) -> list[int]:
    """The hexadecimal numbers of a record.

    Raises:
        ValueError: one of them is none.
    """
    numbers = [int(word, 16) for word in content.split(b" ")]
    if min(numbers) < 0:
        raise ValueError(content)
    return numbers


class SizedLines:
    """The whole lines of a stream with their numbers, where a sized text may hold line ends."""

    def __init__(self, stream: InputStream, limits: Limits) -> None:
        """Start at the beginning of a stream."""
        self.has_sized_texts = False
        """Set by the user, once the version of the format is known."""
        self.count = 0
        """Lines so far."""
        self.is_cut = False
        """Whether the last line has no end; it was not given out."""
        self._stream = stream
        self._limits = limits

    def __iter__(self) -> Iterator[tuple[bytes, int]]:
        rest = b""
        while chunk := self._stream.read(max(_CHUNK, len(rest))):
            parts = (rest + chunk).split(b"\n")
            rest = parts.pop()
            at = 0
            while at < len(parts):
                end = at + 1
                missing = _missing_bytes(parts[at]) if self.has_sized_texts and parts[at][:2] == b"s " else 0
                while missing > 0 and end < len(parts):
                    missing -= len(parts[end]) + 1
                    end += 1
                if missing > 0:
                    # The rest of the text comes with the next piece.
                    rest = b"\n".join([*parts[at:], rest])
                    break
                yield parts[at] if end == at + 1 else b"\n".join(parts[at:end]), self.count + 1
                self.count += end - at
                at = end
            if len(rest) > self._limits.element_bytes:
                raise LimitExceeded(
                    f"{self._stream.name} has a record of more than {self._limits.element_bytes:,} bytes",
                    where=f"line {self.count + 1:,}",
                )
        self.is_cut = bool(rest)


def _missing_bytes(line: bytes) -> int:
    """How many bytes of a sized text stand behind the end of the line."""
    size, _, text = line[2:].partition(b" ")
    try:
        return int(size, 16) - len(text)
    except ValueError:
        return 0
