"""The smallest rule that hides a leak and, as far as the inputs tell, nothing else.

A rule of valgrind begins with the allocator and the function that a person would name for the leak, `...` between them.
Where that hides other paths too, frames are added, the nearest callers first, until it does not, or until no frame helps.
A rule of LeakSanitizer or heaptrack has one pattern: the frame whose pattern hides least beside the leak.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice

from leakreport.errors import UsageError
from leakreport.ids import found_id
from leakreport.model.metrics import LeakKind
from leakreport.suppressions.leaks import Leak
from leakreport.suppressions.mangling import is_readable_cplusplus
from leakreport.suppressions.match import Answer, Matcher
from leakreport.suppressions.patterns import Demangler, frame_pattern, search_pattern
from leakreport.suppressions.rules import Dialect, FramePattern, Place, Rule

MOST_LINES = 24
"""Frames in one rule: what valgrind took until 3.23, and no person reads more."""
_MOST_TRIED = 1000


@dataclass(frozen=True, slots=True)
class WrittenRule:
    """A rule with what it hides of the inputs."""

    rule: Rule
    leaks: tuple[Leak, ...]
    """What it was written for."""
    others: tuple[tuple[Leak, Answer], ...]
    """What else of the inputs it hides, surely or perhaps."""


def chosen_leaks(leaks: Sequence[Leak], ids: Sequence[str]) -> dict[str, list[Leak]]:
    """The leaks that ids or beginnings of ids name, by id.

    Raises:
        UsageError: there is none of that id, or several whose ids begin so, or it is too short.
    """
    known = {leak.id for leak in leaks}
    sources = sorted({leak.source for leak in leaks})
    chosen: dict[str, list[Leak]] = {}
    for text in ids:
        found = found_id(text, known)
        if found is None:
            where = ", ".join(sources) or "no input"
            raise UsageError(
                f"no leak has the id {text}",
                where=where,
                advice=f"{len(known)} paths were read; leakreport analyze INPUT --to json lists their ids. An id is of "
                "the path: another build that renamed a function has another one.",
            )
        chosen[found] = [leak for leak in leaks if leak.id == found]
    return chosen


def written_rules(
    leaks: Sequence[Leak], ids: Sequence[str], dialect: Dialect, demangle: Demangler
) -> list[WrittenRule]:
    """The rules for some leaks: one each, several where the paths of one id have different frames in the inputs.

    Raises:
        UsageError: an id is not there or ambiguous, or no frame of its path can be named.
    """
    matcher = Matcher(demangle)
    found: list[WrittenRule] = []
    for leak_id, targets in chosen_leaks(leaks, ids).items():
        kinds = frozenset(leak.kind for leak in targets)
        others = [
            leak for leak in leaks if leak.id != leak_id and (leak.kind in kinds or dialect is not Dialect.VALGRIND)
        ]
        waiting = list(targets)
        while waiting:
            rule = _best(waiting[0], others, kinds, dialect, matcher, demangle)
            # Of one path: where names leave it open, the frames of the other inputs are the same.
            written = [leak for leak in waiting if leak is waiting[0] or _hides(rule, leak, matcher) is not Answer.NO]
            found.append(WrittenRule(rule, tuple(written), _also(rule, others, matcher)))
            waiting = [leak for leak in waiting if leak not in written]
    return found


def _hides(rule: Rule, leak: Leak, matcher: Matcher) -> Answer:
    return matcher.record(rule, leak.kind, leak.stack, leak.recorded)


def _also(rule: Rule, others: Iterable[Leak], matcher: Matcher) -> tuple[tuple[Leak, Answer], ...]:
    answers = ((leak, _hides(rule, leak, matcher)) for leak in others)
    return tuple((leak, answer) for leak, answer in answers if answer is not Answer.NO)


def _best(
    leak: Leak,
    others: Sequence[Leak],
    kinds: frozenset[LeakKind],
    dialect: Dialect,
    matcher: Matcher,
    demangle: Demangler,
) -> Rule:
    """Of the candidates, shortest first, the first that hides nothing else; else the one that hides least."""
    best: Rule | None = None
    fewest = len(others) + 1
    # Paths that differ in lines alone fit whatever fits this one.
    least = sum(_named(other) == _named(leak) for other in others)
    in_question = list(others)
    name = f"{leak.id} {_one_line(leak.name)}"
    candidates = _valgrind_candidates(leak, demangle) if dialect is Dialect.VALGRIND else _search_candidates(leak)
    for number, frames in enumerate(islice(candidates, _MOST_TRIED)):
        rule = Rule(
            name,
            dialect,
            frames,
            tools=("Memcheck",) if dialect is Dialect.VALGRIND else (),
            kinds=_named_kinds(kinds) if dialect is Dialect.VALGRIND else None,
        )
        hidden = [other for other, _ in _also(rule, in_question, matcher)]
        if number == 0 and dialect is Dialect.VALGRIND:
            # All further candidates are narrower than the first.
            in_question = hidden
        if len(hidden) < fewest:
            best, fewest = rule, len(hidden)
        if fewest <= least:
            break
    if best is None:
        raise UsageError(
            f"no frame of {leak.id} has a name or an object to write a rule with",
            where=leak.source,
            advice="Record with debug information, or give the binaries with --symbol-path.",
        )
    return best


def _named(leak: Leak) -> tuple[tuple[str | None, str | None], ...]:
    return tuple((frame.actual.function, frame.actual.module) for frame in leak.stack)


def _named_kinds(kinds: frozenset[LeakKind]) -> frozenset[LeakKind] | None:
    named = kinds - {LeakKind.NONE}
    return named or None


def _one_line(text: str) -> str:
    return " ".join(text.split())[:120]


def _valgrind_candidates(leak: Leak, demangle: Demangler) -> Iterator[tuple[FramePattern, ...]]:
    """Frame patterns by growing number of frames, then the same with names as narrow as can be."""
    yield from _by_frames(leak, demangle, is_exact=False)
    yield from _by_frames(leak, demangle, is_exact=True)


def _by_frames(leak: Leak, demangle: Demangler, *, is_exact: bool) -> Iterator[tuple[FramePattern, ...]]:
    """All have the allocator and the anchor."""
    stack = leak.stack[::-1]
    in_cplusplus = any(frame.function is not None and _is_cplusplus(frame.function) for frame in stack)
    patterns = [frame_pattern(frame.actual, demangle, in_cplusplus=in_cplusplus, is_exact=is_exact) for frame in stack]
    usable = [at for at, pattern in enumerate(patterns) if pattern is not None]
    if not usable:
        return
    anchor = _anchor(leak, usable)
    base = sorted({usable[0], anchor})
    # Callers, nearest first, then what lies between the allocator and the anchor.
    further = [at for at in usable if at > anchor] + [at for at in usable if usable[0] < at < anchor]
    for count in range(3):
        for more in combinations(further, count):
            yield _with_gaps(sorted({*base, *more}), patterns)
    for count in range(3, len(further) + 1):
        yield _with_gaps(sorted({*base, *further[:count]}), patterns)


def _is_cplusplus(function: str) -> bool:
    return function.startswith("_Z") or is_readable_cplusplus(function)


def _anchor(leak: Leak, usable: Sequence[int]) -> int:
    """The position, innermost first, of the frame to name: the anchor, else the nearest caller that can be named.

    An inlined function is no frame in other builds: its nearest caller that is one is named instead.
    """
    stack = leak.stack[::-1]
    wanted = min(1, len(stack) - 1) if leak.anchor is None else len(stack) - 1 - leak.anchor
    callers = [at for at in usable if at >= wanted]
    return next((at for at in callers if not stack[at].is_inlined), callers[0] if callers else usable[-1])


def _with_gaps(places: Sequence[int], patterns: Sequence[FramePattern | None]) -> tuple[FramePattern, ...]:
    frames: list[FramePattern] = [] if places[0] == 0 else [FramePattern(Place.ANY_FRAMES)]
    for number, at in enumerate(places):
        if number and at > places[number - 1] + 1:
            frames.append(FramePattern(Place.ANY_FRAMES))
        pattern = patterns[at]
        assert pattern is not None
        frames.append(pattern)
    return tuple(frames[:MOST_LINES])


def _search_candidates(leak: Leak) -> Iterator[tuple[FramePattern, ...]]:
    """One pattern each: the anchor, its callers, and what lies below it but for the allocator."""
    stack = leak.stack[::-1]
    anchor = _anchor(leak, range(len(stack)))
    for is_exact in (False, True):
        for at in (*range(anchor, len(stack)), *range(1, anchor)):
            pattern = search_pattern(stack[at].actual, is_exact=is_exact)
            if pattern:
                yield (FramePattern(Place.ANYWHERE, pattern),)
