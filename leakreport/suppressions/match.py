"""Whether a rule hides a stack: YES, NO, or UNKNOWN where the input does not tell what the rule asks for.

Of valgrind's rules the patterns are held against the frames from the innermost on, one after the other; they need not
reach the outermost one. `...` stands for any frames. Names are compared as the linker has them (`names`). A frame
without a function or object is the text `???`, one without a file fits no `src:`. As valgrind does it, calls that were
inlined are frames of their own, but `src:` is looked up by the count of frames as if they were not there.

What lies below `main` is not in a report, and rules see it all the same, mostly as `(below main)`: what may fit only
there is UNKNOWN.

A pattern of LeakSanitizer or heaptrack is searched in the function, file and module of every frame.

Source: Valgrind `coregrind/m_errormgr.c` (matching of suppressions), `m_stacktrace.c` (frames below main),
`m_seqmatch.c`; LLVM `lsan_common.cpp`; heaptrack `src/analyze/suppressions.cpp`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, FrameKind, SnapshotMeta
from leakreport.suppressions.answers import Answer
from leakreport.suppressions.globs import compiled, template_matches
from leakreport.suppressions.names import Demangler, function_answer
from leakreport.suppressions.rules import FramePattern, Place, Rule

__all__ = ["Answer", "Matcher", "Recorded"]

UNNAMED = "???"
DEFAULT_CALLERS = 12
"""Valgrind's --num-callers where it is not given."""
MAIN_FUNCTIONS = frozenset({"main", "(below main)"})
_BELOW_MAIN_FUNCTIONS = (
    "(below main)",
    "__libc_start_main",
    "__libc_start_main@@GLIBC_2.34",
    "__libc_start_main_impl",
    "__libc_start_call_main",
    "generic_start_main",
    "libc_start_main_stage2",
    "_start",
    "_start_c",
    UNNAMED,
)
"""Valgrind compares with the first wherever it knows what a function is for: which ones those are depends on its version."""
_BELOW_MAIN_FILES = ("libc-start.c", "libc_start_call_main.h", "start.S", "__libc_start_main.c", "crt1.c")
_MACHINES = ("x86_64", "aarch64", "i386", "arm", "riscv64", "powerpc64le", "s390x")
_LIBRARY_FOLDERS = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64"),
    *(f"{folder}/{machine}-linux-gnu" for folder in ("/lib", "/usr/lib") for machine in _MACHINES),
)
_BELOW_MAIN_OBJECTS = (
    *(f"{folder}/libc.so.6" for folder in _LIBRARY_FOLDERS),
    *(f"{folder}/libc-2.{minor}.so" for folder in _LIBRARY_FOLDERS for minor in range(10, 36)),
    "/lib/ld-musl-x86_64.so.1",
    UNNAMED,
)
_MOST_BELOW_MAIN = 8


@dataclass(frozen=True, slots=True)
class Recorded:
    """What decides how far a rule of valgrind sees a stack."""

    hides_below_main: bool = False
    """Valgrind saw frames below main that are not in the report."""
    callers: int | None = None
    """--num-callers: stacks have no more frames, and rules are cut to as many. None where the input does not tell."""
    cuts_rules: bool = False
    """Whether there was a --num-callers at all."""

    @classmethod
    def of(cls, meta: SnapshotMeta) -> Recorded:
        """By the format and the options that the input names."""
        if meta.tool != "memcheck":
            return cls()
        return cls("--show-below-main=yes" not in meta.tool_options, _callers(meta.tool_options), cuts_rules=True)


def _callers(options: Sequence[str]) -> int | None:
    found: int | None = DEFAULT_CALLERS if options else None
    for option in options:
        name, _, text = option.partition("=")
        if name == "--num-callers" and text.isascii() and text.isdecimal():
            found = int(text[:9])
    return found


def plain(name: str) -> str:
    """The name; stands for a demangler where there is none."""
    return name


def frame_answer(pattern: FramePattern, frame: Frame, demangle: Demangler) -> Answer:
    """Whether a pattern fits a frame, which hides nothing of what it stands for."""
    match pattern.what:
        case Place.ANY_FRAMES:
            return Answer.YES
        case Place.ANYWHERE:
            texts = (frame.function, frame.path, frame.module)
            return Answer.of(any(template_matches(pattern.glob, text) for text in texts if text))
    if frame.kind not in {FrameKind.FUNCTION, FrameKind.ADDRESS}:
        # It stands for frames that the tool or a report left out.
        return Answer.UNKNOWN
    match pattern.what:
        case Place.FUNCTION:
            return function_answer(compiled(pattern.glob), frame, demangle)
        case Place.OBJECT:
            return Answer.of(compiled(pattern.glob).fits(frame.module or UNNAMED))
        case Place.SOURCE:
            is_there = frame.file is not None and compiled(pattern.glob).fits(frame.file.rsplit("/", 1)[-1])
            return Answer.of(is_there and pattern.line in {None, frame.line})


class Matcher:
    """Holds rules against stacks; remembers what it found out about patterns and frames."""

    def __init__(self, demangle: Demangler = plain) -> None:
        """Start with a function that makes linker names readable the way the input's tool does."""
        self._demangle = demangle
        self._known: dict[tuple[FramePattern, Frame], Answer] = {}

    def frame(self, pattern: FramePattern, frame: Frame) -> Answer:
        """Whether one pattern fits one frame; `...` fits any."""
        key = (pattern, frame)
        answer = self._known.get(key)
        if answer is None:
            answer = self._known[key] = frame_answer(pattern, frame.actual, self._demangle)
        return answer

    def stack(self, rule: Rule, stack: Sequence[Frame], recorded: Recorded) -> Answer:
        """Whether a rule fits a stack, outermost frame first, whatever leak kinds it names."""
        whole, *shorter = (self.patterns(patterns, stack, recorded) for patterns in cuts(rule, recorded))
        return Answer.UNKNOWN if whole is Answer.NO and any(shorter) else whole

    def patterns(self, patterns: Sequence[FramePattern], stack: Sequence[Frame], recorded: Recorded) -> Answer:
        """Whether the patterns of a rule fit a stack, outermost frame first."""
        if patterns[0].what is Place.ANYWHERE:
            return max((self.frame(patterns[0], frame) for frame in stack), default=Answer.NO)
        frames = list(reversed(stack))
        for least in (Answer.YES, Answer.UNKNOWN):
            if self._fits(patterns, frames, recorded, least):
                return least
        return Answer.NO

    def _fits(
        self, patterns: Sequence[FramePattern], frames: Sequence[Frame], recorded: Recorded, least: Answer
    ) -> bool:
        """Whether all patterns fit if answers from `least` on count as yes."""
        end = len(patterns)
        outer = physical(frames)
        states = _reachable({0}, patterns)
        for at, frame in enumerate(frames):
            if end in states:
                return True
            following = set()
            for state in states:
                pattern = patterns[state]
                if pattern.what is Place.ANY_FRAMES:
                    following.add(state)
                    continue
                if pattern.what is Place.SOURCE:
                    if at >= len(outer) or self.frame(pattern, outer[at]) < least:
                        continue
                elif self.frame(pattern, frame) < least:
                    continue
                following.add(state + 1)
            states = _reachable(following, patterns)
        if end in states:
            return True
        if least is Answer.YES or not frames or not may_go_on(frames[-1], len(outer), recorded):
            return False
        return any(may_lie_below_main(patterns[state:], program_of(frames[-1])) for state in states)

    def record(self, rule: Rule, kind: LeakKind, stack: Sequence[Frame], recorded: Recorded) -> Answer:
        """Whether a rule hides memory of this kind that was allocated here, outermost frame first."""
        of_kind = kind_answer(rule, kind)
        return of_kind if of_kind is Answer.NO else min(of_kind, self.stack(rule, stack, recorded))


def kind_answer(rule: Rule, kind: LeakKind) -> Answer:
    """Whether a rule is for memory of a leak kind; UNKNOWN where the input has no kinds and the rule asks for some."""
    if not rule.is_for_memory:
        return Answer.NO
    if rule.kinds is None or kind in rule.kinds:
        return Answer.YES
    if kind is LeakKind.NONE and rule.kinds:
        return Answer.YES if len(rule.kinds) == len(LeakKind) - 1 else Answer.UNKNOWN
    return Answer.NO


def cuts(rule: Rule, recorded: Recorded) -> list[tuple[FramePattern, ...]]:
    """The patterns of a rule that valgrind keeps; both ways where it is not known how many frames a stack could have."""
    if not recorded.cuts_rules:
        return [rule.frames]
    if recorded.callers is not None:
        return [_cut(rule.frames, max(1, recorded.callers))]
    short = _cut(rule.frames, DEFAULT_CALLERS)
    return [rule.frames] if short == rule.frames else [rule.frames, short]


def _cut(patterns: tuple[FramePattern, ...], length: int) -> tuple[FramePattern, ...]:
    """The first patterns; all where nothing but `...` would be left, which valgrind refuses."""
    kept = patterns[:length]
    return patterns if all(pattern.what is Place.ANY_FRAMES for pattern in kept) else kept


def physical(frames: Sequence[Frame]) -> list[Frame]:
    """Of each call that was not inlined the innermost frame, which has the place where the code stands."""
    return [frame for at, frame in enumerate(frames) if at == 0 or not frames[at - 1].is_inlined]


def may_go_on(outermost: Frame, depth: int, recorded: Recorded) -> bool:
    """Whether a stack of so many calls that were not inlined may have frames below main, which the report lacks."""
    is_cut = recorded.callers is not None and depth >= recorded.callers
    return recorded.hides_below_main and not is_cut and is_main(outermost)


def is_main(frame: Frame) -> bool:
    """Whether nothing that valgrind shows lies below this frame."""
    return frame.actual.function in MAIN_FUNCTIONS


def program_of(main: Frame) -> str | None:
    """The object that main is in, which has more below it; None where that is not told."""
    return main.actual.module if main.actual.function == "main" else None


def may_lie_below_main(patterns: Iterable[FramePattern], program: str | None) -> bool:
    """Whether patterns could fit the frames of the C library and of a program that lie below main."""
    named = [pattern for pattern in patterns if pattern.what is not Place.ANY_FRAMES]
    return len(named) <= _MOST_BELOW_MAIN and all(_may_lie_below(pattern, program) for pattern in named)


def _may_lie_below(pattern: FramePattern, program: str | None) -> bool:
    texts: tuple[str, ...]
    match pattern.what:
        case Place.FUNCTION:
            texts = _BELOW_MAIN_FUNCTIONS
        case Place.OBJECT:
            texts = (*_BELOW_MAIN_OBJECTS, program or UNNAMED)
        case _:
            texts = _BELOW_MAIN_FILES
    fits: Callable[[str], bool] = compiled(pattern.glob).fits
    return any(map(fits, texts))


def _reachable(states: set[int], patterns: Sequence[FramePattern]) -> set[int]:
    """The states with those behind `...`, which may stand for no frame."""
    found = set(states)
    for state in states:
        at = state
        while at < len(patterns) and patterns[at].what is Place.ANY_FRAMES:
            at += 1
            found.add(at)
    return found
