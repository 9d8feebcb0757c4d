"""Patterns held against all frames of a run at once: each distinct name, object and file is looked at one time."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from leakreport.model.columns import Int8Column, Int64Column
from leakreport.model.raw import Frame
from leakreport.suppressions.globs import Glob, as_bytes, compiled
from leakreport.suppressions.match import frame_answer
from leakreport.suppressions.names import Answer, Demangler, is_linker_name
from leakreport.suppressions.rules import FramePattern, Place


class FrameIndex:
    """The frames of a run, by what patterns ask of them."""

    def __init__(self, frames: Sequence[Frame], demangle: Demangler) -> None:
        """Sort the frames into those that no pattern of a place tells apart."""
        self._demangle = demangle
        self._frames = [frame.actual for frame in frames]
        self._groups: dict[Place, tuple[list[Frame], Int64Column]] = {}
        self._linker_names: tuple[list[str], Int64Column, dict[str, int], Int64Column] | None = None
        self._known: dict[FramePattern, Int8Column] = {}

    def answers(self, pattern: FramePattern) -> Int8Column:
        """One `Answer` per frame."""
        found = self._known.get(pattern)
        if found is None:
            samples, group_of = self._grouped(pattern.what)
            if pattern.what is Place.FUNCTION:
                by_group = self._of_functions(pattern, samples)
            else:
                by_group = np.array([frame_answer(pattern, frame, self._demangle) for frame in samples], dtype=np.int8)
            found = self._known[pattern] = by_group[group_of] if samples else np.zeros(0, dtype=np.int8)
        return found

    def _grouped(self, place: Place) -> tuple[list[Frame], Int64Column]:
        """A frame of each group, and the group of each frame."""
        known = self._groups.get(place)
        if known is None:
            numbers: dict[Hashable, int] = {}
            samples: list[Frame] = []
            group_of = np.empty(len(self._frames), dtype=np.int64)
            key_of = _KEYS[place]
            for index, frame in enumerate(self._frames):
                number = numbers.setdefault(key_of(frame), len(samples))
                if number == len(samples):
                    samples.append(frame)
                group_of[index] = number
            known = self._groups[place] = (samples, group_of)
        return known

    def _of_functions(self, pattern: FramePattern, samples: list[Frame]) -> Int8Column:
        """Names that are the linker's, which are most, by a look-up or one expression; the others one by one."""
        if self._linker_names is None:
            places = [index for index, frame in enumerate(samples) if is_linker_name(frame)]
            names = [as_bytes(samples[index].function or "") for index in places]
            rest = np.setdiff1d(np.arange(len(samples)), np.array(places, dtype=np.int64))
            self._linker_names = (names, np.array(places, dtype=np.int64), dict(zip(names, places, strict=True)), rest)
        names, places_of, place_by_name, others = self._linker_names
        found = np.zeros(len(samples), dtype=np.int8)
        glob = compiled(pattern.glob)
        if glob.literal is not None:
            place = place_by_name.get(glob.literal)
            if place is not None:
                found[place] = Answer.YES
        else:
            found[places_of[_fitting(glob, names)]] = Answer.YES
        for index in others.tolist():
            found[index] = frame_answer(pattern, samples[index], self._demangle)
        return found


def _fitting(glob: Glob, names: list[str]) -> Int64Column:
    """The indexes of the names that fit; pieces of the glob that a name has to have are looked for first."""
    piece = max(glob.pieces, key=len)
    candidates = [index for index, name in enumerate(names) if piece in name] if piece else range(len(names))
    return np.array([index for index in candidates if glob.fits(names[index])], dtype=np.int64)


def _by_function(frame: Frame) -> Hashable:
    return frame.kind, frame.function, is_linker_name(frame)


def _by_object(frame: Frame) -> Hashable:
    return frame.kind, frame.module


def _by_source(frame: Frame) -> Hashable:
    return frame.kind, frame.file, frame.line


def _by_all(frame: Frame) -> Hashable:
    return frame.function, frame.path, frame.module


_KEYS: dict[Place, Callable[[Frame], Hashable]] = {
    Place.FUNCTION: _by_function,
    Place.OBJECT: _by_object,
    Place.SOURCE: _by_source,
    Place.ANY_FRAMES: lambda _: None,
    Place.ANYWHERE: _by_all,
}
