"""Matching over a whole tree gives what matching stack by stack gives."""

from __future__ import annotations

import random

import numpy as np
import pytest

from leakreport.model.calltree import build_tree
from leakreport.model.raw import Frame, FrameKind
from leakreport.suppressions.match import Matcher, Recorded
from leakreport.suppressions.rules import Dialect, FramePattern, Place, Rule
from leakreport.suppressions.treematch import TreeMatcher
from leakreport.symbols.demangle import demangle

FRAMES = (
    Frame("main", "/app", file="main.c", line=3),
    Frame("a", "/app", file="a.c", line=1),
    Frame("a", "/app", file="a.c", line=1, is_inlined=True),
    Frame("b", "/lib/libb.so"),
    Frame("ns::f(int)", "/app", file="f.cpp", line=7),
    Frame("ns::T<int>::g()", "/app", file="f.cpp", line=8),
    Frame(None, "/lib/libc.so.6", kind=FrameKind.ADDRESS),
    Frame(None, None, kind=FrameKind.ADDRESS),
    Frame("3 small paths", kind=FrameKind.SYNTHETIC),
    Frame("(below main)", "/lib/libc.so.6"),
)
PATTERNS = (
    *(FramePattern(Place.ANY_FRAMES),) * 8,
    *(
        FramePattern(Place.FUNCTION, glob)
        for glob in ("main", "a", "b", "?", "*", "_ZN2ns1fEi", "_ZN*", "???", "_start")
    ),
    *(FramePattern(Place.OBJECT, glob) for glob in ("/app", "*", "*libc*", "/lib/*", "???")),
    *(FramePattern(Place.SOURCE, "*.c"), FramePattern(Place.SOURCE, "f.cpp", 7), FramePattern(Place.SOURCE, "a.?")),
)
RECORDINGS = (
    Recorded(),
    Recorded(hides_below_main=True, callers=3, cuts_rules=True),
    Recorded(hides_below_main=True, callers=12, cuts_rules=True),
    Recorded(hides_below_main=True, cuts_rules=True),
)


def _random_rule(source: random.Random) -> Rule:
    if source.random() < 0.1:
        return Rule("x", Dialect.LSAN, (FramePattern(Place.ANYWHERE, source.choice(["a", "^b$", "lib*c", "f.cpp"])),))
    count = source.choice([1, 2, 3, 4, 14])
    frames = [source.choice(PATTERNS) for _ in range(count)]
    frames[source.randrange(count)] = source.choice(PATTERNS[8:])
    return Rule("x", Dialect.VALGRIND, tuple(frames), ("Memcheck",))


@pytest.mark.parametrize("seed", range(30))
def test_a_tree_is_matched_as_its_stacks_are(seed: int) -> None:
    source = random.Random(seed)
    frames = FRAMES if seed % 2 else tuple(frame for frame in FRAMES if not frame.is_inlined)
    stacks = [
        [
            source.randrange(len(frames)) if source.random() < 0.7 or depth else 0
            for depth in range(source.randrange(1, 9))
        ]
        for _ in range(40)
    ]
    flat = np.array([index for stack in stacks for index in stack], dtype=np.int32)
    offsets = np.cumsum([0, *map(len, stacks)]).astype(np.int64)
    tree, ends = build_tree(flat, offsets, len(frames))
    fast, slow = TreeMatcher(frames, tree, demangle), Matcher(demangle)
    seen = set()
    for _ in range(100):
        rule, recorded = _random_rule(source), source.choice(RECORDINGS)
        expected = [slow.stack(rule, [frames[index] for index in stack], recorded) for stack in stacks]
        assert fast.answers(rule, ends, recorded).tolist() == expected, [pattern.text for pattern in rule.frames]
        seen.update(expected)
    assert len(seen) == 3
