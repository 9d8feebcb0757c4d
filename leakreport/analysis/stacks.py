"""Many stacks at once: flat columns of frame indexes, and questions that are asked of every stack in one go.

All stacks of a report are looked at several times (who is responsible, which functions stand on it …); asking frame by
frame in Python would cost more than reading the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from leakreport.model.calltree import CallTree, stacks_ending_at
from leakreport.model.columns import BoolColumn, Int32Column, Int64Column

_ENTRIES_AT_ONCE = 1 << 18


@dataclass(frozen=True, slots=True)
class Stacks:
    """Stacks as one column of frame indexes, outermost first.

    Shape: `flat` has an entry per frame of a stack; stack i is `flat[offsets[i]:offsets[i + 1]]`, and may be empty.
    """

    flat: Int32Column
    offsets: Int64Column

    @classmethod
    def ending_at(cls, tree: CallTree, nodes: Int64Column) -> Stacks:
        """The stacks that end in some nodes of a tree."""
        return cls(*stacks_ending_at(tree, nodes))

    @classmethod
    def of(cls, stacks: Sequence[Sequence[int]]) -> Stacks:
        """Stacks that are given one by one."""
        offsets = np.zeros(len(stacks) + 1, dtype=np.int64)
        np.cumsum([len(stack) for stack in stacks], out=offsets[1:])
        return cls(np.fromiter(chain.from_iterable(stacks), np.int32, int(offsets[-1])), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, number: int) -> list[int]:
        """One stack."""
        stack: list[int] = self.flat[self.offsets[number] : self.offsets[number + 1]].tolist()
        return stack

    def taken(self, numbers: Int64Column) -> Stacks:
        """Some of the stacks, in the order of `numbers`; one that is named twice stands twice."""
        lengths = self.lengths[numbers]
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        flat = np.empty(int(offsets[-1]), dtype=np.int32)
        shift = self.offsets[numbers] - offsets[:-1]
        for start, stop in _parts(offsets):
            first, end = int(offsets[start]), int(offsets[stop])
            flat[first:end] = self.flat[np.arange(first, end) + np.repeat(shift[start:stop], lengths[start:stop])]
        return Stacks(flat, offsets)

    def parts(self) -> Iterator[tuple[int, Stacks]]:
        """All stacks, some at a time, with the number of the first: what is made per entry would be large for all."""
        for start, stop in _parts(self.offsets):
            first, end = int(self.offsets[start]), int(self.offsets[stop])
            yield start, Stacks(self.flat[first:end], self.offsets[start : stop + 1] - first)

    @property
    def lengths(self) -> Int64Column:
        """Frames per stack."""
        lengths: Int64Column = np.diff(self.offsets)
        return lengths

    @property
    def owner(self) -> Int32Column:
        """Per entry of `flat`, the number of its stack."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    def last(self, is_wanted: BoolColumn) -> Int64Column:
        """Per stack, the position of the innermost entry for which the column (one per entry) holds; -1 for none."""
        return self._found(is_wanted, self.offsets[1:] - 1, -1)

    def first(self, is_wanted: BoolColumn, *, behind: Int64Column | None = None) -> Int64Column:
        """Per stack, the position of the outermost entry for which the column holds; -1 for none.

        With `behind`, only entries further in than that position of each stack are looked at.
        """
        return self._found(is_wanted, self.offsets[:-1] + (0 if behind is None else behind + 1), 1)

    def _found(self, is_wanted: BoolColumn, entry: Int64Column, step: int) -> Int64Column:
        """Look from an entry of each stack on: all stacks at once, entry by entry, so that little is kept."""
        found = np.full(len(self), -1, dtype=np.int64)
        stack = np.arange(len(self), dtype=np.int64)
        while stack.size:
            is_inside = (entry >= self.offsets[stack]) & (entry < self.offsets[stack + 1])
            stack, entry = stack[is_inside], entry[is_inside]
            is_found = is_wanted[entry]
            found[stack[is_found]] = entry[is_found] - self.offsets[stack[is_found]]
            stack, entry = stack[~is_found], entry[~is_found] + step
        return found

    def count(self, is_wanted: BoolColumn) -> Int64Column:
        """Per stack, for how many entries the column holds."""
        before = np.zeros(len(self.flat) + 1, dtype=np.int32)
        np.cumsum(is_wanted, out=before[1:])
        return np.diff(before[self.offsets]).astype(np.int64)

    def with_repeats(self, key: Int32Column) -> set[int]:
        """The stacks on which a key stands more than once; `key` has one number per frame, negative for none."""
        width = int(key.max(initial=0)) + 1
        found: set[int] = set()
        for start, part in self.parts():
            keys = key[part.flat]
            pairs = np.sort((part.owner.astype(np.int64) * width + keys)[keys >= 0])
            found.update((np.unique(pairs[1:][pairs[1:] == pairs[:-1]] // width) + start).tolist())
        return found

    def kept(self, is_wanted: BoolColumn) -> Stacks:
        """The stacks with only those entries for which the column holds."""
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self.count(is_wanted))])
        return Stacks(self.flat[is_wanted], offsets)

    def distinct(self, key_of_frame: Int32Column) -> tuple[Int32Column, Int32Column]:
        """Which keys stand on which stacks, each once however deep it recurses: pairs of (stack, key).

        Args:
            key_of_frame: per frame the key it counts under (a function, a library); negative for none.
        """
        width = int(key_of_frame.max(initial=0)) + 1
        stacks, keys = [np.zeros(0, dtype=np.int32)], [np.zeros(0, dtype=np.int32)]
        for start, part in self.parts():
            key = key_of_frame[part.flat]
            entries = np.flatnonzero(key >= 0)
            # Not np.unique: numpy 2.3 and later hash whole numbers, which takes twenty times as long here.
            pairs = np.sort(part.owner[entries].astype(np.int64) * width + key[entries])
            pairs = pairs[np.diff(pairs, prepend=-1) != 0]
            stacks.append((pairs // width + start).astype(np.int32))
            keys.append((pairs % width).astype(np.int32))
        return np.concatenate(stacks), np.concatenate(keys)


def _parts(offsets: Int64Column) -> Iterator[tuple[int, int]]:
    """Ranges of stacks with not much more than `_ENTRIES_AT_ONCE` entries each."""
    start, count = 0, len(offsets) - 1
    while start < count:
        end = int(np.searchsorted(offsets, offsets[start] + _ENTRIES_AT_ONCE, side="right")) - 1
        stop = min(max(end, start + 1), count)
        yield start, stop
        start = stop


def intern(names: Iterable[str | None]) -> tuple[Int32Column, list[str]]:
    """Per entry the index of its name, -1 for None; and the names."""
    index: dict[str, int] = {}
    column = np.fromiter((-1 if name is None else index.setdefault(name, len(index)) for name in names), np.int32)
    return column, list(index)
