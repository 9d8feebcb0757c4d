"""Names of addresses that stand in a profile: the `--- symbol` section of pprof and jeprof, and Go's comments.

    --- symbol                                     #\t0x4b3c30\tmain.retain+0x50\t/src/goheap.go:18
    0x000056022a696743 outer(int)<0000000000002730>--inlined--more
    ---

The names of one address run from the function to what is inlined into it. The number behind a name is its size.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from leakreport.limits import Limits
from leakreport.model.raw import Frame

_SYMBOL = re.compile(rb"0x([0-9a-fA-F]{1,16}) (.*)\Z")
_SIZE = re.compile(r"<[0-9a-f]{8,16}>\Z")
_CLONE = re.compile(r" \[clone [^\]]{1,80}\]\Z")
_INLINED = re.compile(r"(?<!operator)--")
_COMMENT = re.compile(rb"#\t0x([0-9a-f]{1,16})\t+([^\t]+?)(?:\+0x[0-9a-f]{1,16})?\t+(?!\t)(.*):(\d{1,9})\Z")


class SymbolSection:
    """The lines of a `--- symbol` section."""

    def __init__(self, limits: Limits) -> None:
        """Start with none."""
        self._limits = limits
        self.by_address: dict[int, tuple[Frame, ...]] = {}

    def take(self, line: bytes) -> None:
        """One line; those that name no address are passed over."""
        match = _SYMBOL.match(line)
        if match is None:
            return
        frames: list[Frame] = []
        for part in _INLINED.split(match[2].decode("utf-8", "replace")):
            name = _CLONE.sub("", _SIZE.sub("", part.strip()))[: self._limits.name_characters]
            if name and name != "??" and not name.startswith("0x"):
                frames.append(Frame(function=name, is_inlined=bool(frames)))
        if frames:
            self.by_address[int(match[1], 16)] = tuple(frames)


class GoComments:
    """The comment lines below a sample of Go's debug=1, which name most of its addresses."""

    def __init__(self) -> None:
        """Start without a sample."""
        self.by_address: dict[int, tuple[Frame, ...]] = {}
        self._addresses: Sequence[bytes] = ()
        self._named: list[tuple[int, Frame]] = []

    def begin(self, addresses: Sequence[bytes]) -> None:
        """A sample, innermost address first."""
        self._addresses = addresses

    def take(self, line: bytes, limits: Limits) -> None:
        """A comment line."""
        match = _COMMENT.match(line)
        if match is None:
            return
        directory, _, file = match[3].decode("utf-8", "replace").rpartition("/")
        function = match[2].decode("utf-8", "replace")[: limits.name_characters]
        self._named.append(
            (int(match[1], 16), Frame(function, directory=directory or None, file=file, line=int(match[4])))
        )

    def flush(self) -> None:
        """Give the names to the addresses: each is that of the call, one below the address of the return.

        Inlined functions repeat the address, and so does recursion: then the stack has it as often.
        """
        if not self._named:
            return
        counts: dict[int, int] = {}
        for token in self._addresses:
            place = int(token, 16) - 1
            counts[place] = counts.get(place, 0) + 1
        groups: dict[int, list[Frame]] = {}
        for place, frame in self._named:
            groups.setdefault(place, []).append(frame)
        self._named = []
        for place, frames in groups.items():
            times = counts.get(place, 0)
            if not times or len(frames) % times:
                continue
            names = frames[: len(frames) // times]
            if len(names) > len(self.by_address.get(place, ())):
                outermost_first = names[::-1]
                self.by_address[place] = (
                    outermost_first[0],
                    *(frame._replace(is_inlined=True) for frame in outermost_first[1:]),
                )
