"""Patterns held against all frames of a run at once: each distinct name, object and file is looked at one time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from leakreport.model.columns import Int8Column, Int64Column
from leakreport.model.raw import Frame, FrameKind
from leakreport.suppressions.answers import Answer
from leakreport.suppressions.globs import Glob, compiled, template_matches
from leakreport.suppressions.match import frame_answer
from leakreport.suppressions.names import Demangler, as_read, bare, is_linker_name, may_fit_readable
from leakreport.suppressions.rules import FramePattern, Place


class FrameIndex:
    """The frames of a run, by what patterns ask of them."""

    def __init__(self, frames: Sequence[Frame], demangle: Demangler) -> None:
        """Sort the frames into those that no pattern of a place tells apart."""
        self._demangle = demangle
        self._frames = [frame.actual for frame in frames]
        self._groups: dict[Place, tuple[list[Frame], Int64Column]] = {}
        self._names: _Names | None = None
        self._texts: tuple[list[str], Int64Column] | None = None
        self._known: dict[FramePattern, Int8Column] = {}

    def answers(self, pattern: FramePattern) -> Int8Column:
        """One `Answer` per frame."""
        found = self._known.get(pattern)
        if found is None and pattern.what is Place.ANYWHERE:
            found = self._known[pattern] = self._anywhere(pattern)
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
        """Names that are the linker's, which are most, by a look-up or one expression; readable ones as few as can be."""
        if self._names is None:
            self._names = _Names.of(samples)
        names, glob = self._names, compiled(pattern.glob)
        found = np.zeros(len(samples), dtype=np.int8)
        asked: Iterable[list[int]] = ()
        if glob.literal is None:
            found[names.places[_fitting(glob, names.linker)]] = Answer.YES
            if may_fit_readable(glob):
                asked = names.readable.values()
        else:
            asked = [names.readable.get(as_read(glob.text, self._demangle) or "", [])]
            found[names.place_of.get(glob.text, [])] = Answer.YES
        for index in itertools.chain(names.others, *asked):
            found[index] = frame_answer(pattern, samples[index], self._demangle)
        return found

    def _anywhere(self, pattern: FramePattern) -> Int8Column:
        """A template, held against each text that some frame has."""
        if self._texts is None:
            numbers: dict[str, int] = {"": 0}
            of_frames = [
                [numbers.setdefault(text or "", len(numbers)) for text in (frame.function, frame.path, frame.module)]
                for frame in self._frames
            ]
            self._texts = list(numbers), np.array(of_frames, dtype=np.int64).reshape(-1, 3)
        texts, of_frames_column = self._texts
        fits = np.array([bool(text) and template_matches(pattern.glob, text) for text in texts], dtype=np.bool_)
        return np.where(fits[of_frames_column].any(axis=1), Answer.YES, Answer.NO).astype(np.int8)


class _Names(NamedTuple):
    """The functions of sample frames, by what decides of them."""

    linker: list[str]
    places: Int64Column
    """Where the linker's names stand among the samples."""
    place_of: dict[str, list[int]]
    readable: dict[str, list[int]]
    """By name without blanks, the places of names that were made readable."""
    others: list[int]

    @classmethod
    def of(cls, samples: Sequence[Frame]) -> _Names:
        """Sorted out."""
        linker: list[str] = []
        places: list[int] = []
        readable: dict[str, list[int]] = {}
        others: list[int] = []
        for index, frame in enumerate(samples):
            if is_linker_name(frame):
                linker.append(frame.function or "")
                places.append(index)
            elif frame.function is not None and frame.kind is FrameKind.FUNCTION:
                readable.setdefault(bare(frame.function), []).append(index)
            else:
                others.append(index)
        place_of = {name: [place] for name, place in zip(linker, places, strict=True)}
        return cls(linker, np.array(places, dtype=np.int64), place_of, readable, others)


def _fitting(glob: Glob, names: list[str]) -> Int64Column:
    """The indexes of the names that fit; pieces of the glob that a name has to have are looked for first."""
    piece = max(glob.pieces, key=len)
    candidates: Iterable[int] = range(len(names))
    if piece.isascii():
        candidates = [index for index, name in enumerate(names) if piece in name]
    return np.array([index for index in candidates if glob.fits(names[index])], dtype=np.int64)


def _by_function(frame: Frame) -> Hashable:
    return frame.kind, frame.function, is_linker_name(frame)


def _by_object(frame: Frame) -> Hashable:
    return frame.kind, frame.module


def _by_source(frame: Frame) -> Hashable:
    return frame.kind, frame.file, frame.line


_KEYS: dict[Place, Callable[[Frame], Hashable]] = {
    Place.FUNCTION: _by_function,
    Place.OBJECT: _by_object,
    Place.SOURCE: _by_source,
    Place.ANY_FRAMES: lambda _: None,
}
