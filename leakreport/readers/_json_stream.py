"""JSON read piece by piece: the members of the outermost object, and the elements of a long list, one at a time.

Only one value is in memory at once, so a profile may be larger than memory, and what stands before damage is delivered.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from json import JSONDecoder

from leakreport.limits import Limits
from leakreport.readers.interface import InputStream

_PIECE = 1 << 18
_BLANK = " \t\n\r"


class BrokenJson(ValueError):
    """The content is no JSON from here on, or ends."""


class JsonStream:
    """A cursor over JSON text. Bytes that are no UTF-8 are replaced: command lines may hold any."""

    def __init__(self, stream: InputStream, limits: Limits) -> None:
        """Start before the first character."""
        self._stream = stream
        self._limits = limits
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._decoder = JSONDecoder()
        self._text = ""
        self._at = 0
        self._is_ended = False
        self._lines_before = 0
        self._fill()
        if self._text.startswith("\ufeff"):
            self._at = 1

    @property
    def line(self) -> int:
        """The 1-based line of the cursor."""
        return self._lines_before + self._text.count("\n", 0, self._at) + 1

    def members(self) -> Iterator[str]:
        """The names in the object that begins here, the cursor before each one's value: the caller must take it.

        Raises:
            BrokenJson: there is no object, or it breaks off.
        """
        self._take("{")
        if self._peek() == "}":
            return
        while True:
            name = self.value()
            if not isinstance(name, str):
                raise BrokenJson("a name is no text")
            self._take(":")
            yield name
            if self._peek() == "}":
                return
            self._take(",")

    def elements(self) -> Iterator[object]:
        """The values in the list that begins here.

        Raises:
            BrokenJson: there is no list, or it breaks off.
        """
        self._take("[")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._peek() == "]":
                self._at += 1
                return
            self._take(",")

    def value(self) -> object:
        """The value that begins here; whole: what follows it is there too.

        Raises:
            BrokenJson: it is no JSON, breaks off, or is larger than a record may be.
        """
        self._peek()
        wanted = _PIECE
        while True:
            try:
                found, end = self._decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if self._is_ended or wanted > self._limits.element_bytes:
                    raise BrokenJson(str(error)) from error
            else:
                if end < len(self._text):
                    self._at = end
                    return found
                if self._is_ended:
                    raise BrokenJson("it ends")
            # Twice as much each time: else a value of many pieces would be tried again for every piece.
            self._fill(wanted)
            wanted *= 2

    def _take(self, character: str) -> None:
        if self._peek() != character:
            raise BrokenJson(f"{character} is missing")
        self._at += 1

    def _peek(self) -> str:
        """The next character that is no blank; "" at the end."""
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in _BLANK:
                at += 1
            self._at = at
            if at < len(text):
                return text[at]
            if self._is_ended:
                return ""
            self._fill()

    def _fill(self, size: int = _PIECE) -> None:
        self._lines_before += self._text.count("\n", 0, self._at)
        pieces = [self._text[self._at :]]
        self._at = 0
        while size > 0 and not self._is_ended:
            piece = self._stream.read(size)
            self._is_ended = not piece
            size -= len(piece)
            pieces.append(self._decode(piece, final=not piece))
        self._text = "".join(pieces)
