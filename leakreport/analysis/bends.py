"""Stacks as call trees of comparisons show them: functions for frames, recursion folded, the middle of deep ones left out.

Nodes are functions, not lines: such trees answer "through which calls", and the lines stand in the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.bending import bent
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


def bent_by_function(stacks: Stacks, functions: Int32Column, is_own: BoolColumn) -> Bend:
    """The bent stacks; `functions` is per frame, `is_own` per function."""
    gap = len(is_own)
    found = bent(stacks, functions[stacks.flat], gap=gap, outer=OUTER_LEVELS, inner=MOST_LEVELS - OUTER_LEVELS - 1)
    return Bend(found.stacks, found.repeats, np.append(is_own, False)[found.stacks.flat], gap)


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
