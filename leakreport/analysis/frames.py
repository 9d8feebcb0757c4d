"""What is known about each frame of a report, as columns: whose it is, and what its function is for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from leakreport.analysis.identity import canonical_name, module_stem
from leakreport.analysis.ownership import FrameClass, Ownership, is_entry, is_glue, looks_like_wrapper
from leakreport.analysis.stacks import Stacks, intern
from leakreport.model.columns import BoolColumn, Int8Column, Int32Column, Int64Column
from leakreport.model.raw import Frame, FrameKind


@dataclass(frozen=True, slots=True)
class FrameColumns:
    """One entry per frame in each column."""

    frame_class: Int8Column
    """`FrameClass`: whose a frame is."""
    is_glue: BoolColumn
    """It only starts a program or a thread."""
    is_entry: BoolColumn
    """Its function is where a program or thread begins, or an event loop."""
    is_wrapper: BoolColumn
    """Its function looks like an allocation wrapper, by its name."""
    function: Int32Column
    """Index into `functions`: one for all frames of a function; -1 without a name."""
    functions: Sequence[str]
    """Canonical names."""
    told: Sequence[str]
    """The same as words may have them: the very same where names may be told, else tokens."""
    base: Sequence[str | None]
    """Canonical name without scope and template arguments, by frame."""
    key: Sequence[str]
    """What path ids are made of, by frame: the canonical name, or the object where there is none."""
    place: Int32Column
    """One number for all frames that are the same line of code; the address where there is no line."""
    is_group: BoolColumn
    """It is no code: a group of mappings or descriptors, or one of these."""

    @property
    def is_own(self) -> BoolColumn:
        """Per frame, whether it is yours."""
        own: BoolColumn = self.frame_class == FrameClass.OWN
        return own

    @property
    def is_allocator(self) -> BoolColumn:
        """Per frame, whether it is the allocator's."""
        found: BoolColumn = self.frame_class == FrameClass.ALLOCATOR
        return found


class _Function(NamedTuple):
    key: str
    overload: str
    """The key with parameters and the number of a lambda: within one build these are different functions."""
    base: str | None
    is_glue: bool
    is_entry: bool
    is_wrapper: bool


def describe(frames: Sequence[Frame], ownership: Ownership) -> FrameColumns:
    """The columns of some frames: of what they are, whatever may be told of it."""
    shown, frames = frames, [frame.actual for frame in frames]
    functions: list[_Function] = [_NO_FUNCTION] * len(frames)
    classes = np.zeros(len(frames), dtype=np.int8)
    # Frames of one function one after the other: canonical names are made once and need not be remembered.
    order = sorted(range(len(frames)), key=lambda index: frames[index].function or "")
    last: str | None = None
    function = _NO_FUNCTION
    for index in order:
        frame = frames[index]
        if frame.function != last:
            last, function = frame.function, _function(frame.function)
        functions[index] = function
        classes[index] = ownership.of(frame)
    column, names = intern(None if function.key == "?" else function.overload for function in functions)
    keys = {function.overload: function.key for function in functions}
    shared = Counter(keys[name] for name in names)
    # The short name is enough where only one function has it.
    names = [keys[name] if shared[keys[name]] == 1 else name for name in names]
    return FrameColumns(
        frame_class=classes,
        is_glue=np.fromiter((function.is_glue for function in functions), np.bool_, len(frames)),
        is_entry=np.fromiter((function.is_entry for function in functions), np.bool_, len(frames)),
        is_wrapper=np.fromiter((function.is_wrapper for function in functions), np.bool_, len(frames)),
        function=column,
        functions=names,
        told=_told(column, names, shown),
        base=[function.base for function in functions],
        key=[_key(frame, function) for frame, function in zip(frames, functions, strict=True)],
        place=_places(frames),
        is_group=np.fromiter((frame.kind in _GROUPS for frame in frames), np.bool_, len(frames)),
    )


def _told(function: Int32Column, names: Sequence[str], frames: Sequence[Frame]) -> Sequence[str]:
    if all(frame.hidden is None for frame in frames):
        return names
    tokens = [frames[index].function or "" for index in np.unique(function, return_index=True)[1].tolist()]
    tokens = tokens[len(tokens) - len(names) :]
    keys = [canonical_name(name).key for name in tokens]
    shared = Counter(keys)
    return [key if shared[key] == 1 else name for key, name in zip(keys, tokens, strict=True)]


def _key(frame: Frame, function: _Function) -> str:
    if function.key != "?" or frame.module is None:
        return function.key
    # An offset is the same in every run of one build; another build needs names anyway.
    offset = "?" if frame.offset is None else f"0x{frame.offset:x}"
    return f"{module_stem(frame.module)}+{offset}"


def _places(frames: Sequence[Frame]) -> Int32Column:
    known: dict[tuple[object, ...], int] = {}
    found = []
    for frame in frames:
        where = (frame.line, None) if frame.line is not None else (None, frame.address or frame.offset)
        place = (frame.function, frame.path, frame.module, *where)
        found.append(known.setdefault(place, len(known)))
    return np.asarray(found, dtype=np.int32)


_GROUPS = frozenset((FrameKind.MAPPING, FrameKind.CATEGORY))
_NO_FUNCTION = _Function("?", "?", None, is_glue=False, is_entry=False, is_wrapper=False)


def _function(function: str | None) -> _Function:
    name = canonical_name(function)
    number = "" if name.lambda_number is None else f"#{name.lambda_number}"
    overload = f"{name.key}{number}{name.arguments or ''}"
    return _Function(name.key, overload, name.base, is_glue(function), is_entry(function), looks_like_wrapper(function))


class Located(NamedTuple):
    """The telling positions in each of some stacks, -1 for none."""

    responsible: Int64Column
    """The innermost frame that is yours."""
    named_by: Int64Column
    """The same, or its nearest caller of yours where it is an allocation wrapper by its name."""
    site: Int64Column
    """The innermost frame that is neither the allocator's nor the run-time's own.

    Where there is none, the innermost that is not the allocator's: memory that libc allocates for itself.
    """


def locate(stacks: Stacks, columns: FrameColumns) -> Located:
    """Find them in every stack."""
    frame_class, is_glue_here = columns.frame_class[stacks.flat], columns.is_glue[stacks.flat]
    is_own = (frame_class == FrameClass.OWN) & ~is_glue_here
    responsible = stacks.last(is_own)
    named_by = stacks.last(is_own & ~columns.is_wrapper[stacks.flat])
    site = stacks.last((frame_class >= FrameClass.LIBRARY) & ~is_glue_here)
    fallback = stacks.last(frame_class != FrameClass.ALLOCATOR)
    named_by = np.where(named_by >= 0, named_by, responsible)
    # Nobody answers for a group: it is called by what it is.
    group = stacks.last(columns.is_group[stacks.flat])
    return Located(responsible, np.where(named_by >= 0, named_by, group), np.where(site >= 0, site, fallback))


def chains_of_interest(stacks: Stacks, columns: FrameColumns, *, is_rust: bool) -> Stacks:
    """Your frames of each stack; where there are none, all but the allocator's."""
    is_own = columns.is_own[stacks.flat]
    counts = stacks.count(is_own)
    if is_rust:
        # Under Rust's run-time the C main is glue.
        outermost = stacks.first(is_own)
        entries = (stacks.offsets[:-1] + outermost)[(counts > 1)]
        mains = np.fromiter((name == "main" for name in columns.key), np.bool_, len(columns.key))
        is_own[entries[mains[stacks.flat[entries]]]] = False
    has_own = np.repeat(counts > 0, stacks.lengths)
    return stacks.kept(np.where(has_own, is_own, ~columns.is_allocator[stacks.flat]))


def allocator_families(stacks: Stacks, columns: FrameColumns) -> list[str]:
    """What was called to allocate: the outermost named allocator frame at the inner end of each stack."""
    is_allocator = columns.is_allocator[stacks.flat]
    has_name = np.fromiter((base is not None for base in columns.base), np.bool_, len(columns.base))
    found = stacks.first(is_allocator & has_name[stacks.flat], behind=stacks.last(~is_allocator))
    frames = (
        stacks.flat[np.minimum(stacks.offsets[:-1] + found, max(len(stacks.flat) - 1, 0))]
        if len(stacks.flat)
        else found
    )
    return [
        (columns.base[frame] or "").replace("operator_cv_", "") if position >= 0 else ""
        for frame, position in zip(frames.tolist(), found.tolist(), strict=True)
    ]
