"""Rules held against each other: whether two say the same, and whether one fits all that another fits."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.suppressions.globpairs import covers
from leakreport.suppressions.rules import Dialect, FramePattern, Place, Rule

_Meaning = tuple[bool, frozenset[str], str, frozenset[LeakKind], str | None, tuple[FramePattern, ...]]


def meaning(rule: Rule) -> _Meaning:
    """What a rule says, however it is written: equal for rules that are the same."""
    is_valgrind = rule.dialect is Dialect.VALGRIND
    return (is_valgrind, frozenset(rule.tools), rule.kind, kinds_of(rule), rule.extra, plain_frames(rule))


def kinds_of(rule: Rule) -> frozenset[LeakKind]:
    """The leak kinds that a rule hides; none of a rule that is not for memory."""
    if not rule.is_for_memory:
        return frozenset()
    return frozenset(LEAK_KINDS) if rule.kinds is None else rule.kinds


def plain_frames(rule: Rule) -> tuple[FramePattern, ...]:
    """The lines of a rule without those that change nothing: `...` after `...` and at the end; `**` is `*`."""
    frames: list[FramePattern] = []
    for pattern in rule.frames:
        if pattern.what is Place.ANY_FRAMES:
            if frames and frames[-1].what is Place.ANY_FRAMES:
                continue
            frames.append(pattern)
        else:
            frames.append(FramePattern(pattern.what, re.sub(r"\*{2,}", "*", pattern.glob), pattern.line))
    while frames and frames[-1].what is Place.ANY_FRAMES:
        frames.pop()
    return tuple(frames)


def is_covered(rule: Rule, by: Rule) -> bool:
    """Whether a rule fits everything that another one fits, in any input. False also where that is not plain to see."""
    if (rule.dialect is Dialect.VALGRIND) != (by.dialect is Dialect.VALGRIND):
        return False
    if rule.dialect is not Dialect.VALGRIND:
        return _search_covers(by.frames[0].glob, rule.frames[0].glob)
    if rule.kind != by.kind or rule.extra != by.extra or not set(rule.tools) <= set(by.tools):
        return False
    return kinds_of(rule) <= kinds_of(by) and _frames_cover(plain_frames(by), plain_frames(rule))


def _frames_cover(wide: Sequence[FramePattern], narrow: Sequence[FramePattern]) -> bool:
    """Walk the narrow rule as if it were a stack; the wide one may end before it."""
    reached = behind_gaps(wide, {0})
    for pattern in narrow:
        if len(wide) in reached:
            return True
        following = set()
        for at in reached:
            if wide[at].what is Place.ANY_FRAMES:
                following.add(at)
            elif pattern.what is not Place.ANY_FRAMES and _pattern_covers(wide[at], pattern):
                following.add(at + 1)
        reached = behind_gaps(wide, following)
    return len(wide) in reached


def behind_gaps(patterns: Sequence[FramePattern], places: set[int]) -> set[int]:
    """Places in a rule, with those that are reached without a frame because `...` may stand for none."""
    found = set(places)
    for place in places:
        at = place
        while at < len(patterns) and patterns[at].what is Place.ANY_FRAMES:
            at += 1
            found.add(at)
    return found


def _pattern_covers(wide: FramePattern, narrow: FramePattern) -> bool:
    if wide.what is not Place.SOURCE and wide.glob and not wide.glob.strip("*"):
        # Any function, any object: every frame has one, if only ???.
        return True
    return wide.what is narrow.what and wide.line in {None, narrow.line} and covers(wide.glob, narrow.glob)


def _search_covers(wide: str, narrow: str) -> bool:
    if not any(sign in wide for sign in "^$*"):
        return wide in narrow.strip("^$")
    return wide == narrow
