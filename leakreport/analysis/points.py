"""Frames as the matching sees them: without what builds change at will."""

from __future__ import annotations

from typing import NamedTuple

from leakreport.analysis.identity import CanonicalName, canonical_name, module_stem
from leakreport.model.raw import Frame


class Point(NamedTuple):
    """A frame without clones, folders, versions."""

    name: CanonicalName
    file: str | None
    """Without its folder."""
    position: int | None
    """The line; in address mode the return address, or the offset in the module."""
    module: str


class Leaf(NamedTuple):
    """What a path does below your code: the allocator, and the library frames that call it, innermost first."""

    family: str
    library: tuple[int, ...]
    real: tuple[int, ...]
    """Those of `library` that are no inlined code: a build without debug information shows these only."""


def point_of(frame: Frame, *, by_address: bool) -> Point:
    """The point of a frame."""
    return Point(
        name=canonical_name(frame.function),
        file=None if frame.file is None else frame.file.rsplit("/", 1)[-1],
        position=address_of(frame) if by_address else frame.line,
        module=module_stem(frame.module),
    )


def address_of(frame: Frame) -> int | None:
    """Where the code of a frame stands: in its file if that is known, else in memory."""
    return frame.address if frame.offset is None else frame.offset
