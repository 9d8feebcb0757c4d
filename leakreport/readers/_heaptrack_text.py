"""The lines of heaptrack_print's text: which they are, and the amounts in them, with what rounding hides.

Amounts are decimal: `500.00K` is 500,000 bytes give or take 5; below 1,000 they are exact (`936B`). Old versions write KB.

Source: heaptrack `src/analyze/print/heaptrack_print.cpp`, formatBytes, main.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from leakreport.errors import LimitExceeded
from leakreport.limits import INT64_MAX
from leakreport.model.raw import Frame, FrameKind

_UNITS = {"": 1, "B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_AMOUNT = r"(-?\d{1,18}(?:\.\d{1,6})?(?:[KMGT]B?|B)?)"
_COUNT = r"(-?\d{1,18})"
_AMOUNT_PARTS = re.compile(r"(-?)(\d{1,18})(?:\.(\d{1,6}))?([KMGT]?)B?", re.ASCII)

SECTIONS = {
    "MOST CALLS TO ALLOCATION FUNCTIONS": "allocations",
    "MOST BYTES ALLOCATED OVER TIME (ignoring deallocations)": "allocated",
    "PEAK MEMORY CONSUMERS": "peak",
    "MEMORY LEAKS": "leaks",
    "MOST TEMPORARY ALLOCATIONS": "temporary",
}
"""By its title, what a section lists."""
_ENTRIES = {
    "allocations": re.compile(rf"{_COUNT} calls (?:to allocation functions )?with {_AMOUNT} peak consumption from(:?)"),
    "allocated": re.compile(rf"{_AMOUNT} allocated over {_COUNT} calls from(:?)"),
    "peak": re.compile(rf"{_AMOUNT} (?:peak memory )?consumed over {_COUNT} calls from(:?)"),
    "leaks": re.compile(rf"{_AMOUNT} leaked over {_COUNT} calls from(:?)"),
    "temporary": re.compile(rf"{_COUNT} temporary allocations of {_COUNT} allocations in total \([^()]{{1,20}}%\) from(:?)"),
}  # fmt: skip
_METRICS = {
    "allocations": ("allocated_blocks", "peak_bytes"),
    "allocated": ("allocated_bytes", "allocated_blocks"),
    "peak": ("peak_bytes", "allocated_blocks"),
    "leaks": ("retained_bytes", "allocated_blocks"),
    "temporary": ("temporary_blocks", "allocated_blocks"),
}
"""By section, what the two figures of an entry are; it is sorted by the first."""
_OTHERS = re.compile(rf"  and {_AMOUNT} from (\d{{1,18}}) other places")
_TRAILER = {
    "calls to allocation functions": "allocated_blocks",
    "temporary memory allocations": "temporary_blocks",
    "bytes allocated in total (ignoring deallocations)": "allocated_bytes",
    "peak heap memory consumption": "peak_bytes",
    "peak RSS (including heaptrack overhead)": "peak_resident_bytes",
    "total memory leaked": "retained_bytes",
    "suppressed leaks": "suppressed_bytes",
}
_TRAILER_LINE = re.compile(rf"({'|'.join(map(re.escape, _TRAILER))}): {_AMOUNT}(?: \([^()]*\))?")
_RUNTIME = re.compile(r"total runtime: (-?\d{1,12}(?:\.\d{1,6})?)s\.")
_PLACE = re.compile(r"at (.*):(\d{1,10})", re.DOTALL)
_ADDRESS = re.compile(r"0x([0-9a-f]{1,16})")


class Amount(NamedTuple):
    """A figure as it is written."""

    value: int
    error: float
    """It is off by no more than this."""

    @property
    def variance(self) -> float:
        """Of the error, which is anything between both ends alike."""
        return self.error * self.error / 3


class Entry(NamedTuple):
    """The headline of a place, or of a stack below one."""

    values: dict[str, Amount]
    """By metric, the one that the section is about first."""
    is_below: bool
    """It is of one stack of the place above."""


class FrameLines:
    """One frame, while its lines are read."""

    __slots__ = ("function", "has_module", "module", "path", "source_line")

    def __init__(self, function: str) -> None:
        """Start with its first line."""
        self.function = function
        self.has_module = False
        self.module: str | None = None
        self.path = ""
        self.source_line: int | None = None

    def take(self, text: str) -> bool:
        """Whether a line says where it is: `at FILE:LINE`, `in MODULE`."""
        if text.startswith("in "):
            self.has_module = True
            self.module = None if text == "in ??" else text[3:]
            return True
        match = _PLACE.fullmatch(text)
        if match is None:
            return False
        number = int(match[2])
        self.path, self.source_line = match[1], number if 0 < number < 1 << 31 else None
        return True


def parse_amount(text: str, source: str) -> Amount:
    """The value of a figure and how far off it can be.

    Raises:
        LimitExceeded: it is beyond 2^63.

    >>> parse_amount("-1.86K", ""), parse_amount("936B", "")
    (Amount(value=-1860, error=5.0), Amount(value=936, error=0.0))
    """
    match = _AMOUNT_PARTS.fullmatch(text)
    assert match is not None
    sign, whole, fraction, unit = match[1], match[2], match[3] or "", _UNITS[match[4]]
    scale: int = 10 ** len(fraction)
    value = int(whole + fraction) * unit // scale
    if value > INT64_MAX >> 1:
        raise LimitExceeded("a figure is beyond 2^62", where=source, advice="The input is damaged. Print it again.")
    return Amount(-value if sign else value, 0.0 if unit == 1 else unit / scale / 2)


def parse_entry(section: str, line: str, source: str) -> Entry | None:
    """The headline of a place or stack of a section."""
    match = _ENTRIES[section].fullmatch(line)
    if match is None:
        return None
    amounts = (parse_amount(match[1], source), parse_amount(match[2], source))
    return Entry(dict(zip(_METRICS[section], amounts, strict=True)), bool(match[3]))


def parse_others(section: str, line: str, source: str) -> tuple[str, Amount] | None:
    """What the stacks have that a place does not list: metric and amount."""
    match = _OTHERS.fullmatch(line)
    return None if match is None else (_METRICS[section][0], parse_amount(match[1], source))


def parse_trailer(line: str, source: str) -> tuple[str, Amount] | None:
    """A total: metric and amount."""
    match = _TRAILER_LINE.fullmatch(line)
    return None if match is None else (_TRAILER[match[1]], parse_amount(match[2], source))


def parse_runtime(line: str) -> float | None:
    """Seconds."""
    match = _RUNTIME.fullmatch(line)
    return None if match is None else float(match[1])


def frames_of(found: list[FrameLines]) -> list[Frame]:
    """The frames, innermost first as they are printed.

    Only the first of several that are inlined into each other has a module: the last of them is the real function.
    """
    frames: list[Frame] = []
    module: str | None = None
    for index, one in enumerate(found):
        if one.has_module or not frames:
            module = one.module
        is_inlined = index + 1 < len(found) and not found[index + 1].has_module
        directory, slash, file = one.path.rpartition("/")
        address = _ADDRESS.fullmatch(one.function)
        frames.append(
            Frame(
                function=None if address else one.function or None,
                module=module,
                directory=(directory or slash) or None,
                file=file or None,
                line=one.source_line,
                address=int(address[1], 16) if address else None,
                kind=FrameKind.ADDRESS if address else FrameKind.FUNCTION,
                is_inlined=is_inlined,
            )
        )
    return frames
