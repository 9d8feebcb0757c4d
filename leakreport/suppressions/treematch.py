"""A rule held against all stacks of a call tree at once.

A rule is cut at its `...` into segments. The places in the tree where a segment fits are found from the frames that its
first pattern fits, and followed outwards; whether another segment comes further out is a question of intervals in
pre-order. The work grows with the places that fit, and is done in arrays.

What is not certain is found by doing it twice, with the patterns that fit and with those that may.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from leakreport.model.calltree import ROOT, CallTree
from leakreport.model.columns import BoolColumn, Int8Column, Int64Column
from leakreport.model.raw import Frame
from leakreport.suppressions.frameindex import FrameIndex
from leakreport.suppressions.match import (
    Answer,
    Matcher,
    Recorded,
    cuts,
    is_main,
    may_lie_below_main,
    program_of,
)
from leakreport.suppressions.names import Demangler
from leakreport.suppressions.rules import FramePattern, Place, Rule

_Patterns = tuple[FramePattern, ...]
_ANY_FRAME = FramePattern(Place.OBJECT, "*")


class _Places(NamedTuple):
    """Nodes from which the rest of a rule fits, and those from which it fits if it goes on below main."""

    sure: Int64Column
    hidden: Int64Column


class _Fits(NamedTuple):
    """The same, as one value per node that was asked for."""

    sure: BoolColumn
    hidden: BoolColumn


class TreeMatcher:
    """Holds rules against the stacks of one run."""

    def __init__(self, frames: Sequence[Frame], tree: CallTree, demangle: Demangler) -> None:
        """Start with the tree of a run and its frames."""
        self._frames = frames
        self._tree = tree
        self._index = FrameIndex(frames, demangle)
        self._one_by_one = Matcher(demangle)

    def answers(self, rule: Rule, ends: Int64Column, recorded: Recorded) -> Int8Column:
        """One `Answer` for each stack that ends in one of these nodes: what `Matcher.stack` says of it."""
        whole, *shorter = (self._of_patterns(patterns, ends, recorded) for patterns in cuts(rule, recorded))
        for found in shorter:
            whole[(whole == Answer.NO) & (found > Answer.NO)] = Answer.UNKNOWN
        return whole

    def _of_patterns(self, patterns: _Patterns, ends: Int64Column, recorded: Recorded) -> Int8Column:
        if patterns[0].what is Place.ANYWHERE:
            patterns = (FramePattern(Place.ANY_FRAMES), *patterns)
        found = np.zeros(len(ends), dtype=np.int8)
        if self._has_inlined and any(pattern.what is Place.SOURCE for pattern in patterns):
            # Which frame `src:` means depends on the whole stack. Those that fit otherwise are looked at one by one.
            anywhere = tuple(_ANY_FRAME if pattern.what is Place.SOURCE else pattern for pattern in patterns)
            for index in np.flatnonzero(self._possible(anywhere, ends, recorded)).tolist():
                stack = [self._frames[frame] for frame in self._tree.path(int(ends[index]))]
                found[index] = self._one_by_one.patterns(patterns, stack, recorded)
            return found
        is_open = any(bool((self._index.answers(pattern) == Answer.UNKNOWN).any()) for pattern in patterns)
        if is_open or any(map(any, self._tails(patterns, recorded))):
            found[self._possible(patterns, ends, recorded)] = Answer.UNKNOWN
        found[self._fit(patterns, ends, Answer.YES, ()).sure] = Answer.YES
        return found

    def _possible(self, patterns: _Patterns, ends: Int64Column, recorded: Recorded) -> BoolColumn:
        """Whether a rule may fit, for all that is known."""
        found = self._fit(patterns, ends, Answer.UNKNOWN, ()).sure
        goes_on = np.ones(len(ends), dtype=np.bool_)
        if recorded.callers is not None:
            goes_on = self._calls[ends] < recorded.callers
        for number, tails in enumerate(self._tails(patterns, recorded), 1):
            if any(tails):
                of_program = goes_on & (self._program_of[ends] == number)
                found |= of_program & self._fit(patterns, ends, Answer.UNKNOWN, tails).hidden
        return found

    def _tails(self, patterns: _Patterns, recorded: Recorded) -> list[tuple[bool, ...]]:
        """For each program, and each position in a rule, whether that and all that follows may lie below main."""
        if not recorded.hides_below_main or patterns[-1].what is Place.ANYWHERE:
            return []
        return [
            tuple(may_lie_below_main(patterns[start:], program) for start in range(len(patterns)))
            for program in self._programs
        ]

    def _fit(self, patterns: _Patterns, ends: Int64Column, least: Answer, tails: Sequence[bool]) -> _Fits:
        """For each end, whether a rule fits its stack if answers from `least` on count as yes."""
        rest: tuple[int, _Places] | None = None
        for start, segment in reversed(_segments(patterns)):
            nodes = ends if start == 0 else self._nodes_with(segment[0], least)
            fits = self._follow(nodes, (start, segment), rest, least, tails)
            if start == 0:
                return fits
            rest = start, _Places(nodes[fits.sure], nodes[fits.hidden])
        assert rest is not None, "a rule has more than ..."
        return self._rest(ends, rest, tails)

    def _follow(
        self,
        nodes: Int64Column,
        placed: tuple[int, _Patterns],
        rest: tuple[int, _Places] | None,
        least: Answer,
        tails: Sequence[bool],
    ) -> _Fits:
        """From which nodes a segment fits outwards, and the rest of its rule further out."""
        start, segment = placed
        hidden = np.zeros(len(nodes), dtype=np.bool_)
        alive = np.arange(len(nodes))
        current = nodes
        for position, pattern in enumerate(segment, start):
            is_over = current == ROOT
            if tails and tails[position]:
                hidden[alive[is_over]] = True
            answers = self._index.answers(pattern)
            fits = ~is_over
            fits[fits] = answers[self._tree.frame[current[fits]]] >= least
            alive, current = alive[fits], self._tree.parent[current[fits]]
        sure = np.zeros(len(nodes), dtype=np.bool_)
        if rest is None:
            sure[alive] = True
        else:
            further = self._rest(current, rest, tails)
            sure[alive] = further.sure
            hidden[alive] |= further.hidden
        return _Fits(sure, hidden)

    def _rest(self, places: Int64Column, rest: tuple[int, _Places], tails: Sequence[bool]) -> _Fits:
        """Whether the rest of a rule fits at these places or further out."""
        start, found = rest
        may_be_hidden = bool(tails) and tails[start]
        hidden = np.ones(len(places), np.bool_) if may_be_hidden else self._is_below(places, found.hidden)
        return _Fits(self._is_below(places, found.sure), hidden)

    def _nodes_with(self, pattern: FramePattern, least: Answer) -> Int64Column:
        """All nodes whose frame a pattern fits."""
        order, starts = self._nodes_by_frame
        frames = np.flatnonzero(self._index.answers(pattern) >= least)
        lengths = starts[frames + 1] - starts[frames]
        if not lengths.sum():
            return np.zeros(0, dtype=np.int64)
        ends = np.cumsum(lengths)
        places: Int64Column = np.arange(ends[-1]) + np.repeat(starts[frames] - (ends - lengths), lengths)
        return np.take(order, places)

    def _is_below(self, places: Int64Column, nodes: Int64Column) -> BoolColumn:
        """Whether a place is one of the nodes or below one."""
        if not len(nodes) or not len(places):
            return np.zeros(len(places), dtype=np.bool_)
        first, behind = self._intervals
        starts = first[nodes]
        order = np.argsort(starts)
        furthest = np.maximum.accumulate(behind[nodes][order])
        at = np.searchsorted(starts[order], first[places], side="right") - 1
        return (at >= 0) & (first[places] < furthest[np.maximum(at, 0)])

    @cached_property
    def _nodes_by_frame(self) -> tuple[Int64Column, Int64Column]:
        """All nodes but the root, sorted by frame, and where each frame's begin."""
        frames = self._tree.frame[1:]
        order = np.argsort(frames, kind="stable") + 1
        return order, np.searchsorted(self._tree.frame[order], np.arange(len(self._frames) + 1))

    @cached_property
    def _levels(self) -> list[Int64Column]:
        """The nodes of each depth, from that of the outermost frames on."""
        order = np.argsort(self._tree.depth, kind="stable")
        depths = self._tree.depth[order]
        edges = np.searchsorted(depths, np.arange(1, int(depths[-1]) + 2))
        return [order[start:stop] for start, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)]

    @cached_property
    def _intervals(self) -> tuple[Int64Column, Int64Column]:
        """In pre-order, the place of each node, and the one behind all that is below it."""
        parent = self._tree.parent
        sizes = np.ones(len(self._tree), dtype=np.int64)
        for nodes in reversed(self._levels):
            np.add.at(sizes, parent[nodes], sizes[nodes])
        order = np.argsort(parent, kind="stable")
        before = np.cumsum(sizes[order]) - sizes[order]
        is_first = np.ones(len(order), dtype=np.bool_)
        is_first[1:] = parent[order[1:]] != parent[order[:-1]]
        ahead = np.empty(len(order), dtype=np.int64)
        ahead[order] = before - before[is_first][np.cumsum(is_first) - 1]
        first = np.zeros(len(order), dtype=np.int64)
        for nodes in self._levels:
            first[nodes] = first[parent[nodes]] + 1 + ahead[nodes]
        return first, first + sizes

    @cached_property
    def _has_inlined(self) -> bool:
        return any(frame.is_inlined for frame in self._frames)

    @cached_property
    def _calls(self) -> Int64Column:
        """How many calls that were not inlined a stack has, by the node where it ends."""
        is_call = np.array([not frame.is_inlined for frame in self._frames], dtype=np.int64)
        calls = np.zeros(len(self._tree), dtype=np.int64)
        for nodes in self._levels:
            calls[nodes] = calls[self._tree.parent[nodes]] + is_call[self._tree.frame[nodes]]
        return calls

    @cached_property
    def _programs(self) -> tuple[str | None, ...]:
        """The objects that main is in; what is below main may be in them, too."""
        return tuple(dict.fromkeys(map(program_of, filter(is_main, self._frames))))

    @cached_property
    def _program_of(self) -> Int64Column:
        """One more than the index in `_programs`, by the node where a stack ends; 0 where it does not begin in main."""
        numbers = {program: number for number, program in enumerate(self._programs, 1)}
        by_frame = np.array([numbers[program_of(frame)] if is_main(frame) else 0 for frame in self._frames], np.int64)
        found = np.zeros(len(self._tree), dtype=np.int64)
        for level, nodes in enumerate(self._levels):
            found[nodes] = found[self._tree.parent[nodes]] if level else by_frame[self._tree.frame[nodes]]
        return found


def _segments(patterns: _Patterns) -> list[tuple[int, _Patterns]]:
    """The runs of patterns between `...`, each with its position in the rule."""
    found: list[tuple[int, _Patterns]] = []
    start = 0
    for position, pattern in enumerate((*patterns, FramePattern(Place.ANY_FRAMES))):
        if pattern.what is Place.ANY_FRAMES:
            if position > start:
                found.append((start, patterns[start:position]))
            start = position + 1
    return found
