"""Whether a rule hides a stack: YES, NO, or UNKNOWN where the input does not tell what the rule asks for.

Of valgrind's rules the patterns are held against the frames from the innermost on, one after the other; they need not
reach the outermost one. `...` stands for any frames. Names are compared as the linker has them (`names`). A frame
without a function or object is the text `???`, one without a file fits no `src:`. As valgrind does it, calls that were
inlined are frames of their own, but `src:` is looked up by the count of frames as if they were not there.

What lies below `main` is not in a report, and rules see it all the same: what may fit only there is UNKNOWN.

A pattern of LeakSanitizer or heaptrack is searched in the function, file and module of every frame.

Source: Valgrind `coregrind/m_errormgr.c` (matching of suppressions), `m_stacktrace.c` (frames below main),
`m_seqmatch.c`; LLVM `lsan_common.cpp`; heaptrack `src/analyze/suppressions.cpp`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, FrameKind, SnapshotMeta
from leakreport.suppressions.globs import compiled, template_matches
from leakreport.suppressions.names import Answer, Demangler, function_answer
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
    "generic_start_main.isra.0",
    "libc_start_main_stage2",
    "_start",
    "_start_c",
    UNNAMED,
)
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
_MOST_BELOW_MAIN = 4


@dataclass(frozen=True, slots=True)
class Recorded:
    """What decides how far a rule of valgrind sees a stack."""

    is_valgrind: bool = False
    """Frames below main were there and are not in the report."""
    callers: int | None = None
    """--num-callers: stacks have no more frames, and rules are cut to as many. None where the input does not tell."""

    @classmethod
    def of(cls, meta: SnapshotMeta) -> Recorded:
        """By the format and the options that the input names."""
        if not meta.format.startswith("memcheck") and meta.tool not in {"memcheck", "massif", "dhat"}:
            return cls()
        shows_below_main = "--show-below-main=yes" in meta.tool_options
        return cls(not shows_below_main, _callers(meta.tool_options) if meta.tool == "memcheck" else None)


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
            answer = self._known[key] = self._frame(pattern, frame.actual)
        return answer

    def _frame(self, pattern: FramePattern, frame: Frame) -> Answer:
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
                return function_answer(compiled(pattern.glob), frame, self._demangle)
            case Place.OBJECT:
                return Answer.of(compiled(pattern.glob).fits(frame.module or UNNAMED))
            case Place.SOURCE:
                is_there = frame.file is not None and compiled(pattern.glob).fits(frame.file.rsplit("/", 1)[-1])
                return Answer.of(is_there and pattern.line in {None, frame.line})

    def stack(self, rule: Rule, stack: Sequence[Frame], recorded: Recorded) -> Answer:
        """Whether a rule fits a stack, outermost frame first, whatever leak kinds it names."""
        if len(rule.frames) == 1 and rule.frames[0].what is Place.ANYWHERE:
            return max((self.frame(rule.frames[0], frame) for frame in stack), default=Answer.NO)
        frames = list(reversed(stack))
        for cut in cuts(rule, recorded):
            if self._fits(cut, frames, recorded, Answer.YES):
                is_sure = recorded.callers is not None or len(rule.frames) <= DEFAULT_CALLERS
                return Answer.YES if is_sure or cut is rule.frames else Answer.UNKNOWN
        return Answer.of_possible(
            any(self._fits(cut, frames, recorded, Answer.UNKNOWN) for cut in cuts(rule, recorded))
        )

    def _fits(
        self, patterns: tuple[FramePattern, ...], frames: Sequence[Frame], recorded: Recorded, least: Answer
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
            if not states:
                return False
        if end in states:
            return True
        room = hidden_frames(frames, len(outer), recorded) if least < Answer.YES else 0
        return any(may_lie_below_main(patterns[state:], frames[-1], room) for state in states if frames)

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
    if not recorded.is_valgrind and recorded.callers is None:
        return [rule.frames]
    callers = recorded.callers
    if callers is None:
        return [rule.frames] if len(rule.frames) <= DEFAULT_CALLERS else [rule.frames, rule.frames[:DEFAULT_CALLERS]]
    return [rule.frames[: max(1, callers)]]


def physical(frames: Sequence[Frame]) -> list[Frame]:
    """Of each call that was not inlined the innermost frame, which has the place where the code stands."""
    return [frame for at, frame in enumerate(frames) if at == 0 or not frames[at - 1].is_inlined]


def hidden_frames(frames: Sequence[Frame], depth: int, recorded: Recorded) -> int:
    """How many frames below main a stack may have beside those that the report shows."""
    if not recorded.is_valgrind or not frames or frames[-1].actual.function not in MAIN_FUNCTIONS:
        return 0
    return _MOST_BELOW_MAIN if recorded.callers is None else max(0, min(_MOST_BELOW_MAIN, recorded.callers - depth))


def may_lie_below_main(patterns: Iterable[FramePattern], outermost: Frame, room: int) -> bool:
    """Whether patterns could fit frames that are never shown."""
    named = [pattern for pattern in patterns if pattern.what is not Place.ANY_FRAMES]
    return len(named) <= room and all(_may_lie_below(pattern, outermost.actual.module) for pattern in named)


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
