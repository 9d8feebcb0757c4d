"""Stacks as call trees of comparisons show them: functions for frames, recursion folded, the middle of deep ones left out.

Nodes are functions, not lines: such trees answer "through which calls", and the lines stand in the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.stacks import Stacks
from leakreport.model.calltree import ROOT, CallTree
from leakreport.model.columns import BoolColumn, Int32Column, Int64Column
from leakreport.model.raw import Frame

MOST_LEVELS = 40
OUTER_LEVELS = 12
"""Of a stack that is deeper, so many outermost frames are kept, then a gap, then the innermost."""


class Bend(NamedTuple):
    """The stacks of some rows with functions for frames, recursion folded and the middle of deep ones left out."""

    stacks: Stacks
    repeats: Int64Column
    """Per entry of the stacks."""
    is_own: BoolColumn
    functions: int
    """How many there are; the number after the last stands for what is left out."""


def functions_of(frames: Sequence[Frame]) -> tuple[Int32Column, Int64Column]:
    """Per frame the number of its function, and per function one of its frames. Code without a name is told by its place.

    Numbers follow the names, so that ties do not depend on which side comes first.
    """
    keys = [_function_key(frame) for frame in frames]
    examples: dict[tuple[str | int, ...], int] = {}
    for index, key in enumerate(keys):
        examples.setdefault(key, index)
    ordered = sorted(examples)
    numbers = {key: number for number, key in enumerate(ordered)}
    column = np.fromiter((numbers[key] for key in keys), np.int32, len(keys))
    return column, np.asarray([examples[key] for key in ordered], dtype=np.int64)


def _function_key(frame: Frame) -> tuple[str | int, ...]:
    place = (frame.module_name or "", frame.file or "", frame.kind.value)
    if frame.function is not None:
        return frame.function, *place, -1, -1
    return "", *place, -1 if frame.offset is None else frame.offset, -1 if frame.address is None else frame.address


def bent(stacks: Stacks, functions: Int32Column, is_own: BoolColumn) -> Bend:
    """The bent stacks; `functions` is per frame, `is_own` per function."""
    flat = functions[stacks.flat]
    owner = stacks.owner
    is_first = np.ones(len(flat), dtype=np.bool_)
    is_first[1:] = (flat[1:] != flat[:-1]) | (owner[1:] != owner[:-1])
    starts = np.flatnonzero(is_first)
    repeats = np.diff(np.append(starts, len(flat)))
    flat, owner = flat[starts], owner[starts]
    lengths = np.bincount(owner, minlength=len(stacks)).astype(np.int64)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    position, length = np.arange(len(flat)) - offsets[owner], lengths[owner]
    is_deep = length > MOST_LEVELS
    is_gap = is_deep & (position == OUTER_LEVELS)
    is_kept = ~is_deep | (position <= OUTER_LEVELS) | (position >= length - (MOST_LEVELS - OUTER_LEVELS - 1))
    count = len(is_own)
    flat = np.where(is_gap, count, flat)[is_kept].astype(np.int32)
    repeats = np.where(is_gap, length - MOST_LEVELS + 1, repeats)[is_kept]
    kept_lengths = np.minimum(lengths, MOST_LEVELS)
    kept_offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(kept_lengths)])
    return Bend(Stacks(flat, kept_offsets), repeats, np.append(is_own, False)[flat], count)


def most_repeats(tree: CallTree, leaves: Int64Column, bend: Bend) -> Int64Column:
    """Per node the largest number of all stacks through it."""
    found = np.ones(len(tree), dtype=np.int64)
    place, nodes = bend.stacks.offsets[1:] - 1, leaves
    while nodes.size:
        is_inside = nodes != ROOT
        place, nodes = place[is_inside], nodes[is_inside]
        np.maximum.at(found, nodes, bend.repeats[place])
        place, nodes = place - 1, tree.parent[nodes]
    return found
