"""Frames of a report as the table of patterns looks at them, and what it says of a path."""

from __future__ import annotations

from collections.abc import Sequence

from leakreport.advice.matching import Match, matches
from leakreport.advice.pattern import Call, Pattern, Place
from leakreport.analysis.identity import canonical_name
from leakreport.analysis.ownership import FrameClass, Ownership, looks_like_wrapper
from leakreport.analysis.report import PathRow
from leakreport.model.raw import Frame

_NEW = {"operator_cv_new": "new", "Znwm": "new", "Znwj": "new", "operator_cv_new[]": "new[]", "Znam": "new[]", "Znaj": "new[]"}  # fmt: skip
_INTERNAL = {
    "fopen_internal": "fopen",
    "opendir_tail": "opendir",
    "alloc_dir": "opendir",
    "scandir_tail": "scandir",
    "scandir64_tail": "scandir",
    "IO_mem_finish": "open_memstream",
    "IO_wmem_finish": "open_wmemstream",
    "dl_open": "dlopen",
    "allocate_stack": "pthread_create",
    "dl_allocate_tls": "pthread_create",
    "allocate_dtv": "pthread_create",
}
"""Of the C library: what people know it by."""


def call_of(frame: Frame, frame_class: FrameClass) -> Call:
    """A frame as it is shown: of names that must not be told no pattern says what they are."""
    name = canonical_name(frame.function)
    function = None if name.base is None else "::".join((*(name.scope or ()), name.base))
    return Call(
        function,
        frame.module_name,
        is_own=frame_class is FrameClass.OWN,
        is_allocator=frame_class is FrameClass.ALLOCATOR,
        is_wrapper=frame_class is FrameClass.OWN and looks_like_wrapper(frame.function),
        is_known=function is not None or frame.module is not None,
    )


def matches_of_row(row: PathRow, stack: Sequence[Call], *, is_rust: bool) -> list[Match]:
    """The patterns that a path fits, the most telling one first."""
    held, blocks = row.values.get("retained_bytes", 0), row.values.get("retained_blocks", 0)
    size = held // blocks if blocks and held % blocks == 0 else None
    return matches(stack, kind=row.leak_kind, family=row.family, is_rust=is_rust, block_bytes=size)


def calls_of_row(row: PathRow, frames: Sequence[Frame], own: Sequence[bool]) -> list[Call]:
    """The stack of a path of a finished report, outermost first."""
    ownership = Ownership()
    found = []
    for index in row.frames:
        is_own = own[index]
        frame_class = FrameClass.OWN if is_own else ownership.of(frames[index])
        # Whose a frame is stands in the report; only what is an allocator does not.
        is_other = not is_own and frame_class is not FrameClass.ALLOCATOR
        found.append(call_of(frames[index], FrameClass.LIBRARY if is_other else frame_class))
    return found


def release_words(found: Sequence[Match]) -> list[str]:
    """What the reading list says of the most telling pattern: who releases it, and what is often forgotten."""
    best = next((match for match in found if match.pattern.place is Place.CALLED), None)
    if best is None:
        return []
    pattern = best.pattern
    if pattern.is_harmless:
        return [f"It can be {pattern.noun}, which is kept on purpose until the process ends."]
    words = [f"What {called_name(best)} gives is released by {pattern.release}."] if pattern.release else []
    return [*words, pattern.hint] if pattern.hint else words


def called_name(match: Match) -> str:
    """The function that gave it, as people write it: `fopen()`, `new[]`."""
    base = match.function.rpartition("::")[2].partition("@")[0].lstrip("_")
    return _NEW.get(base) or f"{_scope(match.pattern, match.function)}{_INTERNAL.get(base, base)}()"


def _scope(pattern: Pattern, function: str) -> str:
    has_scope = "::" in function and any("::" in name for name in pattern.calls)
    return function.rpartition("::")[0] + "::" if has_scope else ""
