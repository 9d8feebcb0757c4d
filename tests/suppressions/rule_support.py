"""Leaks and rules for the tests of what is done with rules."""

from __future__ import annotations

from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import Frame, FrameKind
from leakreport.suppressions.leaks import Leak, LeakInput
from leakreport.suppressions.match import Matcher, Recorded
from leakreport.symbols.demangle import demangle

__all__ = ["LOSER", "MATCHER", "frames", "leak", "recording"]

MATCHER = Matcher(demangle)
LOSER = "malloc lose main"


def frames(text: str) -> tuple[Frame, ...]:
    """Frames from words, innermost first: `malloc net::open(int)@libnet.so main`; `?@libx.so` has no name."""
    found = []
    for word in text.replace(", ", ",").split():
        function, _, module = word.partition("@")
        named = function != "?"
        module = f"/usr/lib/{module}" if module else "/app/program"
        kind = FrameKind.FUNCTION if named else FrameKind.ADDRESS
        found.append(
            Frame(function.replace("_~", " ") if named else None, module, file="a.c" if named else None, kind=kind)
        )
    return tuple(reversed(found))


def leak(
    text: str = LOSER, kind: LeakKind = LeakKind.DEFINITE, *, name: str | None = None, is_own: bool = True
) -> Leak:
    """A leak with a stack, whose second frame from the inside is the one that is named."""
    stack = frames(text)
    anchor = max(0, len(stack) - 2)
    return Leak(
        id=name or f"p1-{abs(hash((text, kind))):016x}"[:19],
        kind=kind,
        stack=stack,
        anchor=anchor,
        is_own=is_own,
        held_bytes=100,
        held_blocks=1,
        source="run.xml",
        recorded=Recorded(),
    )


def recording(*leaks: Leak, is_filtered: bool = False, kinds: frozenset[LeakKind] = frozenset(LEAK_KINDS)) -> LeakInput:
    """An input with some leaks."""
    return LeakInput("run.xml", "memcheck-xml", "memcheck", "3.19.0", leaks, kinds, is_filtered, is_complete=True)
