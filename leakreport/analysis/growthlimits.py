"""Thresholds for some paths only: which paths a pattern of `--max-growth PATTERN=SIZE` means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from leakreport.analysis.identity import prose_name
from leakreport.model.raw import Frame


def _frames_called(pattern: str, frames: Sequence[Frame]) -> frozenset[int]:
    """The frames whose function a glob matches, as it is written or without template arguments and parameters."""
    names: dict[str, bool] = {}
    found = []
    for index, frame in enumerate(frames):
        name = frame.actual.function
        if name is None:
            continue
        if name not in names:
            names[name] = fnmatchcase(name, pattern) or fnmatchcase(prose_name(name), pattern)
        if names[name]:
            found.append(index)
    return frozenset(found)


def meant(pattern: str, paths: Iterable[tuple[int | None, Iterable[int]]], frames: Sequence[Frame]) -> list[int]:
    """The numbers of the paths that are allocated in such a library, or have such a function on them.

    Args:
        pattern: a glob.
        paths: where each is allocated, and all its frames, as indexes into `frames`.
        frames: of the report.
    """
    called = _frames_called(pattern, frames)
    is_in_library = {
        name: fnmatchcase(name, pattern) for name in {frame.actual.module_name or "" for frame in frames} | {""}
    }
    return [
        number
        for number, (site, indexes) in enumerate(paths)
        if is_in_library["" if site is None else frames[site].actual.module_name or ""]
        or not called.isdisjoint(indexes)
    ]
