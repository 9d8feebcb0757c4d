"""Many stacks at once: flat columns of frame indexes, and questions that are asked of every stack in one go.

All stacks of a report are looked at several times (who is responsible, which functions stand on it …); asking frame by
frame in Python would cost more than reading the input.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from leakreport.model.calltree import CallTree
from leakreport.model.columns import BoolColumn, Int32Column, Int64Column


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
        lengths = tree.depth[nodes].astype(np.int64)
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        flat = np.empty(int(offsets[-1]), dtype=np.int32)
        place, current = offsets[1:] - 1, np.asarray(nodes, dtype=np.int64)
        left = lengths
        while current.size:
            is_inside = left > 0
            place, current, left = place[is_inside], current[is_inside], left[is_inside]
            flat[place] = tree.frame[current]
            place, current, left = place - 1, tree.parent[current], left - 1
        return cls(flat, offsets)

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
        entries = np.arange(int(offsets[-1]), dtype=np.int64)
        entries += np.repeat(self.offsets[numbers] - offsets[:-1], lengths)
        return Stacks(self.flat[entries], offsets)

    @property
    def lengths(self) -> Int64Column:
        """Frames per stack."""
        lengths: Int64Column = np.diff(self.offsets)
        return lengths

    @property
    def owner(self) -> Int32Column:
        """Per entry of `flat`, the number of its stack."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    def _positions(self, entries: Int64Column, owner: Int32Column) -> Int64Column:
        positions: Int64Column = entries - self.offsets[owner]
        return positions

    def last(self, is_wanted: BoolColumn) -> Int64Column:
        """Per stack, the position of the innermost entry for which the column (one per entry) holds; -1 for none."""
        found = np.full(len(self), -1, dtype=np.int64)
        entries = np.flatnonzero(is_wanted)
        owner = self.owner[entries]
        # Entries rise, so of several in one stack the innermost is written last.
        found[owner] = self._positions(entries, owner)
        return found

    def first(self, is_wanted: BoolColumn) -> Int64Column:
        """Per stack, the position of the outermost entry for which the column holds; -1 for none."""
        found = np.full(len(self), -1, dtype=np.int64)
        entries = np.flatnonzero(is_wanted)[::-1]
        owner = self.owner[entries]
        found[owner] = self._positions(entries, owner)
        return found

    def count(self, is_wanted: BoolColumn) -> Int64Column:
        """Per stack, for how many entries the column holds."""
        return np.bincount(self.owner[is_wanted], minlength=len(self)).astype(np.int64)

    def kept(self, is_wanted: BoolColumn) -> Stacks:
        """The stacks with only those entries for which the column holds."""
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(self.count(is_wanted))])
        return Stacks(self.flat[is_wanted], offsets)

    def distinct(self, key_of_frame: Int32Column) -> tuple[Int64Column, Int64Column]:
        """Which keys stand on which stacks, each once however deep it recurses: pairs of (stack, key).

        Args:
            key_of_frame: per frame the key it counts under (a function, a library); negative for none.
        """
        key = key_of_frame[self.flat].astype(np.int64)
        has_key = key >= 0
        width = int(key_of_frame.max(initial=0)) + 1
        pairs = np.unique(self.owner[has_key].astype(np.int64) * width + key[has_key])
        return pairs // width, pairs % width


def intern(names: Iterable[str | None]) -> tuple[Int32Column, list[str]]:
    """Per entry the index of its name, -1 for None; and the names."""
    index: dict[str, int] = {}
    column = np.fromiter((-1 if name is None else index.setdefault(name, len(index)) for name in names), np.int32)
    return column, list(index)
