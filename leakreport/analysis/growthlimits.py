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
        name = frame.function
        if name is None:
            continue
        if name not in names:
            names[name] = fnmatchcase(name, pattern) or fnmatchcase(prose_name(name), pattern)
        if names[name]:
            found.append(index)
    return frozenset(found)


def meant(pattern: str, paths: Iterable[tuple[str | None, Iterable[int]]], frames: Sequence[Frame]) -> list[int]:
    """The numbers of the paths that are allocated in such a library, or have such a function on them.

    Args:
        pattern: a glob.
        paths: the allocating library of each, and its frames as indexes into `frames`.
        frames: of the report.
    """
    called = _frames_called(pattern, frames)
    return [
        number
        for number, (module, indexes) in enumerate(paths)
        if fnmatchcase(module or "", pattern) or not called.isdisjoint(indexes)
    ]
