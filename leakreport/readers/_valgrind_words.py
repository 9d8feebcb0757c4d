"""The words of Valgrind that its XML and its text log share: leak kinds, record headings, numbers, options, frames.

Source: Valgrind `memcheck/mc_errors.c` (pp_LossRecord), `memcheck/mc_leakcheck.c` (print_results), `mc-manual.xml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from leakreport.errors import LimitExceeded, MalformedInput
from leakreport.limits import INT64_MAX
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame

KIND_BY_XML = {
    "Leak_DefinitelyLost": LeakKind.DEFINITE,
    "Leak_IndirectlyLost": LeakKind.INDIRECT,
    "Leak_PossiblyLost": LeakKind.POSSIBLE,
    "Leak_StillReachable": LeakKind.REACHABLE,
}
KIND_BY_TITLE = {kind.title: kind for kind in LEAK_KINDS}

_CHANGE = r"(?: \([+-][\d,]+\))?"
LEAK_HEADING = re.compile(
    rf"(?P<total>[\d,]+){_CHANGE}"
    rf"(?: \((?P<direct>[\d,]+){_CHANGE} direct, (?P<indirect>[\d,]+){_CHANGE} indirect\))?"
    rf" bytes in (?P<blocks>[\d,]+){_CHANGE} blocks are "
    r"(?P<kind>definitely lost|indirectly lost|possibly lost|still reachable)"
    r" in (?:new )?loss record (?P<number>[\d,]+) of (?P<count>[\d,]+)"
)


class LeakHeading(NamedTuple):
    """The sentence that opens a loss record, in numbers."""

    kind: LeakKind
    direct_bytes: int
    indirect_bytes: int
    blocks: int
    number: int
    record_count: int


def parse_count(text: str, source: str = "") -> int:
    """A number as valgrind prints it: thousands commas, perhaps ` (+1,400)` behind it in a delta search.

    Raises:
        MalformedInput: it is not a number, or does not fit in 64 bits.
    """
    plain = text if text.isdecimal() else text.split("(", 1)[0].strip().replace(",", "")
    # isdecimal() alone would accept other scripts' digits.
    if not plain.isascii() or not plain.isdecimal() or len(plain) > 20:
        raise MalformedInput(f"{text[:40]!r} is not a number that fits in 64 bits", where=source)
    number = int(plain)
    if number > INT64_MAX:
        raise LimitExceeded(f"{plain} is beyond 2^63", where=source, advice="The input is damaged. Record again.")
    return number


def parse_leak_heading(text: str, source: str = "") -> LeakHeading | None:
    """The numbers in "48 (24 direct, 24 indirect) bytes in 1 blocks are definitely lost in loss record 4 of 10".

    None where the text is another sentence. In a delta search the current totals are given, not the change.
    """
    match = LEAK_HEADING.search(text)
    if match is None:
        return None
    direct = match["direct"] if match["direct"] is not None else match["total"]
    return LeakHeading(
        kind=KIND_BY_TITLE[match["kind"]],
        direct_bytes=parse_count(direct, source),
        indirect_bytes=parse_count(match["indirect"], source) if match["indirect"] is not None else 0,
        blocks=parse_count(match["blocks"], source),
        number=parse_count(match["number"], source),
        record_count=parse_count(match["count"], source),
    )


def shown_kinds(options: Iterable[str]) -> frozenset[LeakKind]:
    """The leak kinds whose records the given valgrind options let through; later options win, as in valgrind."""
    shown = {LeakKind.DEFINITE, LeakKind.POSSIBLE}
    for option in options:
        name, _, value = option.partition("=")
        if name == "--show-leak-kinds":
            words = set(value.split(","))
            if "all" in words:
                shown = set(LEAK_KINDS)
            else:
                shown = {kind for kind in LEAK_KINDS if kind.word in words}
        elif name == "--show-reachable":
            shown = set(LEAK_KINDS) if value == "yes" else {LeakKind.DEFINITE, LeakKind.POSSIBLE}
        elif name == "--show-possibly-lost":
            shown = shown | {LeakKind.POSSIBLE} if value == "yes" else shown - {LeakKind.POSSIBLE}
        elif name == "--xtree-leak" and value == "yes":
            shown = set(LEAK_KINDS)
    return frozenset(shown)


def tracks_descriptors(options: Iterable[str]) -> bool:
    """Whether the given valgrind options ask for descriptors left open."""
    last = ""
    for option in options:
        name, _, value = option.partition("=")
        if name == "--track-fds":
            last = value
    return last in {"yes", "all"}


@dataclass(slots=True)
class LeakSummary:
    """One LEAK SUMMARY: bytes and blocks per kind, and what suppressions hid."""

    bytes_by_kind: dict[LeakKind, int] = field(default_factory=dict)
    blocks_by_kind: dict[LeakKind, int] = field(default_factory=dict)
    suppressed_bytes: int = 0
    suppressed_blocks: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all four kinds are there."""
        return all(kind in self.bytes_by_kind for kind in LEAK_KINDS)


def mark_inlined(stack_innermost_first: list[Frame]) -> list[Frame]:
    """The frames with `is_inlined` set where a frame shares its address with its caller.

    Valgrind repeats the address for every inlined call; recursion repeats it too, but with the same function.
    """
    marked = list(stack_innermost_first)
    for position in range(len(marked) - 1):
        inner, outer = marked[position], marked[position + 1]
        if inner.address is not None and inner.address == outer.address and inner.function != outer.function:
            marked[position] = inner._replace(is_inlined=True)
    return marked
