"""What grew and what shrank as call trees: one for each, because a sum of both would hide the one behind the other.

Nodes are functions, not lines: the trees answer "through which calls", and the lines stand in the rows. A row that became
larger is drawn by its later stack, one that became smaller by its earlier one, so that swapping the sides swaps the trees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.bending import Bend, bent
from leakreport.analysis.diffreport import LEFT_OUT, OTHERS, WHOLE, ChangeTree, ChangeTrees, DiffRow, Presence
from leakreport.analysis.rollup import are_above, inclusive_values
from leakreport.analysis.stacks import Stacks
from leakreport.model.calltree import ROOT, CallTree, build_tree
from leakreport.model.columns import BoolColumn, Int32Column, Int64Column, int64_column, sums_at
from leakreport.model.raw import Frame

MOST_NODES = 100
"""Of both trees together, without the folded ones, of which there is at most one for each."""
_LEAST_NODES = 25
"""Of a tree beside a much larger one."""
MOST_LEVELS = 40
OUTER_LEVELS = 12
"""Of a stack that is deeper, so many outermost frames are kept, then a gap, then the innermost."""
_LEAST_PART = 256
"""A node of less than one part in so many is folded: it could be seen, but not read."""


class _Node(NamedTuple):
    parent: int
    depth: int
    frame: int
    change: int
    own_change: int
    paths: int
    lone: int
    repeats: int
    is_responsible: bool


def change_trees(rows: Sequence[DiffRow], frames: Sequence[Frame], own: BoolColumn) -> ChangeTrees:
    """The trees of the significant rows.

    Args:
        rows: of a comparison; rows within the noise are left out.
        frames: what the rows' stacks point into.
        own: which of them are yours.
    """
    functions, examples = _functions(frames)
    changes = [(row, row.change.get("retained_bytes", 0)) for row in rows if row.is_significant]
    grown = [(change, row.frames, row.presence is not Presence.BOTH) for row, change in changes if change > 0]
    shrunk = [
        (-change, row.frames if row.frames_before is None else row.frames_before, row.presence is not Presence.BOTH)
        for row, change in changes
        if change < 0
    ]
    is_own = own[examples]
    sums = [sum(change for change, _, _ in side) for side in (grown, shrunk)]
    return ChangeTrees(
        *(
            _tree(side, functions, examples, is_own, _most_nodes(of_side, sum(sums)))
            for side, of_side in zip((grown, shrunk), sums, strict=True)
        )
    )


def _most_nodes(change: int, all_changes: int) -> int:
    """How many nodes one tree may have, by its part in all changes."""
    if change == all_changes:
        return MOST_NODES
    return min(max(round(MOST_NODES * change / all_changes), _LEAST_NODES), MOST_NODES - _LEAST_NODES)


def _functions(frames: Sequence[Frame]) -> tuple[Int32Column, Int64Column]:
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


def _tree(
    rows: Sequence[tuple[int, tuple[int, ...], bool]],
    functions: Int32Column,
    examples: Int64Column,
    is_own: BoolColumn,
    most_nodes: int,
) -> ChangeTree:
    if not rows:
        return ChangeTree((), (), (), (), (), (), (), (), ())
    stacks = Stacks.of([stack for _, stack, _ in rows])
    # The number after the last function stands for what is left out.
    gap = len(is_own)
    bend = bent(stacks, functions[stacks.flat], gap=gap, outer=OUTER_LEVELS, inner=MOST_LEVELS - OUTER_LEVELS - 1)
    tree, leaves = build_tree(bend.stacks.flat, bend.stacks.offsets, gap + 1)
    weights = int64_column([change for change, _, _ in rows], "a path")
    lone = int64_column([int(is_lone) for _, _, is_lone in rows], "a path")
    self_bytes, self_paths, self_lone = (
        sums_at(leaves, column, len(tree), "all changes") for column in (weights, np.ones_like(weights), lone)
    )
    columns = (*inclusive_values(tree, self_bytes, self_paths, self_lone), self_bytes)
    kept = _heaviest_nodes(tree, columns[0], columns[1], most_nodes)
    kept &= columns[0] * _LEAST_PART >= columns[0][ROOT]
    innermost = bend.stacks.last(np.append(is_own, False)[bend.stacks.flat])
    above = np.where(innermost < 0, -1, bend.stacks.lengths - 1 - innermost)
    nodes = _pre_order(
        tree,
        columns,
        kept,
        repeats=_most_repeats(tree, leaves, bend),
        responsible=are_above(tree, leaves, above),
        shown=[*examples.tolist(), LEFT_OUT],
    )
    return ChangeTree(*(tuple(column) for column in zip(*nodes, strict=True)))


def _heaviest_nodes(tree: CallTree, bytes_below: Int64Column, paths_below: Int64Column, most_nodes: int) -> BoolColumn:
    """The heaviest nodes. Weights never rise from parent to child, so what is kept hangs together."""
    kept = np.ones(len(tree), dtype=np.bool_)
    if len(tree) > most_nodes:
        # Among equals the outer node goes first, or a child could be kept without its parent.
        order = np.lexsort((np.arange(len(tree)), tree.depth, -paths_below, -bytes_below))
        kept[order[most_nodes:]] = False
        kept[ROOT] = True
    return kept


def _most_repeats(tree: CallTree, leaves: Int64Column, bend: Bend) -> Int64Column:
    """Per node the largest number of all stacks through it."""
    found = np.ones(len(tree), dtype=np.int64)
    place, nodes = bend.stacks.offsets[1:] - 1, leaves
    while nodes.size:
        is_inside = nodes != ROOT
        place, nodes = place[is_inside], nodes[is_inside]
        np.maximum.at(found, nodes, bend.repeats[place])
        place, nodes = place - 1, tree.parent[nodes]
    return found


def _pre_order(
    tree: CallTree,
    columns: Sequence[Int64Column],
    kept: BoolColumn,
    *,
    repeats: Int64Column,
    responsible: BoolColumn,
    shown: Sequence[int],
) -> Iterator[_Node]:
    """The kept nodes, children by falling bytes, then name; behind them what is folded."""
    change, paths, lone, own_change = (column.tolist() for column in columns)
    children: defaultdict[int, list[int]] = defaultdict(list)
    others: defaultdict[int, list[int]] = defaultdict(list)
    for node in np.flatnonzero(kept[tree.parent]).tolist():
        if node != ROOT:
            (children if kept[node] else others)[int(tree.parent[node])].append(node)

    def order(node: int) -> tuple[int, int]:
        return -change[node], int(tree.frame[node])

    stack = [(ROOT, -1, 0)]
    row = -1
    while stack:
        node, parent, depth = stack.pop()
        row += 1
        if node < 0:
            folded = others[~node]
            bytes_below, paths_below, lone_below = (sum(column[one] for one in folded) for column in (change, paths, lone))  # fmt: skip
            yield _Node(parent, depth, OTHERS, bytes_below, bytes_below, paths_below, lone_below, 1, is_responsible=False)  # fmt: skip
            continue
        frame = WHOLE if node == ROOT else shown[tree.frame[node]]
        yield _Node(parent, depth, frame, change[node], own_change[node], paths[node], lone[node], int(repeats[node]), bool(responsible[node]))  # fmt: skip
        if node in others:
            stack.append((~node, row, depth + 1))
        stack.extend((child, row, depth + 1) for child in sorted(children[node], key=order, reverse=True))
