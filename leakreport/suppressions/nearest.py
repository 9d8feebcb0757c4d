"""Which rule hides a leak, and of those that do not, how far each came and what stopped it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from leakreport.suppressions.leaks import Leak
from leakreport.suppressions.mangling import is_readable_cplusplus, without_clone
from leakreport.suppressions.match import UNNAMED, Answer, Matcher, cuts, kind_answer, physical
from leakreport.suppressions.overlap import behind_gaps
from leakreport.suppressions.rules import FramePattern, Place, Rule


@dataclass(frozen=True, slots=True)
class Nearness:
    """How far a rule fits a leak."""

    rule: Rule
    answer: Answer
    """YES where it hides the leak."""
    matched: int
    """Lines of the rule that fit, from the innermost frame on; `...` counts as one."""
    frame: int | None
    """Where it stopped: the position from the innermost frame, 0 first; None where every line fits or no frame is left."""
    pattern: FramePattern | None
    """The line that fits nothing."""
    reason: str
    """For a person: why it does not hide the leak."""

    @property
    def of_lines(self) -> int:
        """How many lines with frames the rule has."""
        return len(self.rule.frames)


def nearness(rule: Rule, leak: Leak, matcher: Matcher) -> Nearness:
    """How far one rule fits one leak, and the reason in words."""
    answer = matcher.record(rule, leak.kind, leak.stack, leak.recorded)
    frames = leak.stack[::-1]
    if rule.frames[0].what is Place.ANYWHERE:
        fits = any(matcher.frame(rule.frames[0], frame) is Answer.YES for frame in frames)
        reason = "" if fits else _search_reason(rule.frames[0], leak)
        return Nearness(rule, answer, int(fits), None, None if fits else rule.frames[0], reason)
    patterns = min(cuts(rule, leak.recorded), key=len)
    matched, stopped = _furthest(patterns, frames, matcher)
    pattern = patterns[matched] if matched < len(patterns) else None
    if answer is Answer.YES:
        return Nearness(rule, answer, matched, None, None, "")
    if (why := _kind_reason(rule, leak)) is not None:
        at = None if pattern is None else min(stopped, len(frames) - 1)
        return Nearness(rule, answer, matched, at, pattern, why)
    if pattern is None:
        return Nearness(rule, answer, matched, None, None, "the input does not tell all names that the rule asks for")
    if stopped >= len(frames):
        text = f"the stack ends after {len(frames)} frames, and the rule wants {pattern.text} behind them"
        return Nearness(rule, answer, matched, None, pattern, text)
    return Nearness(rule, answer, matched, stopped, pattern, _frame_reason(patterns, matched, frames, stopped, matcher))


def nearest(rules: Sequence[Rule], leak: Leak, matcher: Matcher) -> list[Nearness]:
    """All rules, those that hide the leak first in their order, then the nearest misses.

    Near is a rule for leaks of which many lines fit some frame, and of these the one that fits furthest.
    """

    def distance(near: Nearness) -> tuple[int, bool, int, int, int]:
        named = [pattern for pattern in near.rule.frames if pattern.what is not Place.ANY_FRAMES]
        fitting = [
            pattern for pattern in named if any(matcher.frame(pattern, frame) is not Answer.NO for frame in leak.stack)
        ]
        return (
            -near.answer,
            not near.rule.is_for_memory,
            -len(fitting) if near.matched else 0,
            len(named) - len(fitting),
            near.of_lines - near.matched,
        )

    return sorted((nearness(rule, leak, matcher) for rule in rules), key=distance)


def _furthest(patterns: Sequence[FramePattern], frames: Sequence[Frame], matcher: Matcher) -> tuple[int, int]:
    """How many patterns fit at most, and at which frame the next one was first held against one in vain."""
    outer = physical(frames)
    reached = {0}
    best, stopped = 0, 0
    for at in range(len(frames) + 1):
        closed = behind_gaps(patterns, reached)
        if closed and max(closed) > best:
            best, stopped = max(closed), at
        if at == len(frames) or best == len(patterns):
            break
        following = set()
        for state in closed:
            if state == len(patterns):
                continue
            pattern = patterns[state]
            if pattern.what is Place.ANY_FRAMES:
                following.add(state)
            else:
                frame = frames[at] if pattern.what is not Place.SOURCE else outer[min(at, len(outer) - 1)]
                if matcher.frame(pattern, frame) is not Answer.NO:
                    following.add(state + 1)
        reached = following
    return best, stopped


def _kind_reason(rule: Rule, leak: Leak) -> str | None:
    """Why a rule is not for such memory at all; None where it is."""
    if kind_answer(rule, leak.kind) is not Answer.NO:
        return None
    if not rule.is_for_memcheck:
        return f"it is a rule of {','.join(rule.tools)}, which memcheck passes over"
    if not rule.is_for_memory:
        return f"it is for {rule.kind}, not for leaks"
    if not rule.kinds:
        return "match-leak-kinds: none hides nothing"
    kinds = ", ".join(kind.word for kind in sorted(rule.kinds))
    memory = "of no kind" if leak.kind is LeakKind.NONE else leak.kind.word
    return f"the leak is {memory}, and the rule is for {kinds}"


def _frame_reason(
    patterns: Sequence[FramePattern], matched: int, frames: Sequence[Frame], stopped: int, matcher: Matcher
) -> str:
    """Why a line fits no frame where it stopped: what is usually wrong with such rules, from these names alone."""
    pattern, frame = patterns[matched], frames[stopped].actual
    is_open = matched > 0 and patterns[matched - 1].what is Place.ANY_FRAMES
    later = next(
        (at for at in range(stopped, len(frames)) if matcher.frame(pattern, frames[at]) is not Answer.NO), None
    )
    if pattern.what is Place.SOURCE:
        return "the frame has no source file" if frame.file is None else f"the frame is in {frame.file}"
    if pattern.what is Place.OBJECT:
        return _object_reason(pattern, frame, later, stopped)
    if matched == 0 and later is not None:
        return f"the stack begins with the allocator, and {pattern.text} is frame {later + 1}: put ... before it"
    if later is not None and not is_open:
        return f"{later - stopped} more frame{' lies' if later - stopped == 1 else 's lie'} between: put ... before {pattern.text}"
    if is_written_readable(pattern.glob):
        return "valgrind compares the name that the linker knows, and the rule has the readable one"
    if pattern.glob.startswith("_Z") and frame.function is not None and not is_readable_cplusplus(frame.function):
        return "the rule has a C++ linker name, and the frame is no such function: inlined, or C"
    if frame.function is None:
        return f"the frame has no function name (valgrind compares {UNNAMED}): the object has no symbols"
    bare = without_clone(pattern.glob)
    if (
        bare != pattern.glob
        and frame.function is not None
        and without_clone(frame.function).split("(")[0].endswith(bare.split("(")[0])
    ):
        return "the rule names a copy that a compiler made, which this build has not: leave its suffix away"
    if without_clone(frame.function) != frame.function and without_clone(frame.function) == pattern.glob:
        return f"this build has a copy that the compiler made: write fun:{pattern.glob}*"
    if is_open:
        return "no frame from there on fits: the name has changed, or the call goes another way"
    return "the name has changed, or the call goes another way"


def _object_reason(pattern: FramePattern, frame: Frame, later: int | None, stopped: int) -> str:
    if frame.module is None:
        return "the input does not name the object of the frame"
    if later is not None and later > stopped:
        return f"that object is frame {later + 1}: put ... before {pattern.text}"
    if pattern.glob.rsplit("/", 1)[-1].split(".so")[0] == (frame.module_name or "").split(".so")[0]:
        return f"it is the same library with another folder or version: {frame.module}"
    return f"the frame is in {frame.module_name}"


def _search_reason(pattern: FramePattern, leak: Leak) -> str:
    if pattern.glob.startswith("_Z"):
        return "LeakSanitizer and heaptrack compare readable names, and the rule has the linker's"
    bare = pattern.glob.strip("^$")
    names = [text for frame in leak.stack for text in (frame.function, frame.module) if text]
    if bare != pattern.glob and (near := next((name for name in names if bare in name), None)) is not None:
        return f"it stands within {near}, and ^ or $ binds the pattern to its ends"
    return "no frame has it in its function, file or object"


_TEMPLATE = re.compile(r"<[^<>]*>")


def is_written_readable(glob: str) -> bool:
    """Whether a `fun:` pattern has a readable C++ name, with scopes or parameters, which no linker name ever fits.

    Inlined functions have bare names: `operator()` and `make<int (*)()>` are some.

    >>> is_written_readable("net::open*"), is_written_readable("_ZN3net4openE*"), is_written_readable("operator()")
    (True, False, False)
    """
    if glob.startswith("_"):
        return False
    bare, before = glob.replace("operator()", "operator"), None
    while bare != before:
        before, bare = bare, _TEMPLATE.sub("", bare)
    return (
        "::" in bare or "(" in bare.replace("(below main)", "") or bare.startswith(("operator new", "operator delete"))
    )
