"""All paths of two states as one call tree: what each function holds before and after, and where growth goes through.

A function that is larger by one path and smaller by another shows both sums: its change is their difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from leakreport.analysis.bends import bent, functions_of, most_repeats
from leakreport.analysis.report import LEFT_OUT, OTHERS, WHOLE, ComparedTree
from leakreport.analysis.rollup import are_above, inclusive_values
from leakreport.analysis.stacks import Stacks
from leakreport.model.calltree import ROOT, CallTree, build_tree
from leakreport.model.columns import BoolColumn, Int64Column, sums_at
from leakreport.model.raw import Frame

MOST_NODES = 150
"""Without the folded ones, of which there is at most one for each."""
_SUMS = 5
"""Before, after, growth, shrinkage, paths."""


class _Node(NamedTuple):
    parent: int
    depth: int
    frame: int
    sums: tuple[int, ...]
    repeats: int
    is_responsible: bool


def compared_tree(
    stacks: Stacks, before: Int64Column, after: Int64Column, frames: Sequence[Frame], own: BoolColumn
) -> ComparedTree:
    """The tree of some paths; the widest, and those that changed most, are kept.

    Args:
        stacks: of the paths, as indexes into `frames`.
        before: bytes per path.
        after: the same.
        frames: what the stacks point into.
        own: which of them are yours.
    """
    functions, examples = functions_of(frames)
    bend = bent(stacks, functions, own[examples])
    tree, leaves = build_tree(bend.stacks.flat, bend.stacks.offsets, bend.functions + 1)
    change = after - before
    paths = ((before != 0) | (after != 0)).astype(np.int64)
    values = (before, after, np.maximum(change, 0), np.maximum(-change, 0), paths)
    # What is kept is chosen by sizes that never rise from parent to child, whatever the signs.
    sizes = (np.abs(before), np.abs(after), np.abs(change))
    sums = inclusive_values(tree, *(sums_at(leaves, column, len(tree), "all paths") for column in (*values, *sizes)))
    weight = np.maximum.reduce(sums[_SUMS:])
    kept = _heaviest_nodes(tree, weight, sums[_SUMS - 1], MOST_NODES) & (sums[_SUMS - 1] > 0)
    kept[ROOT] = True
    innermost = bend.stacks.last(bend.is_own)
    above = np.where(innermost < 0, -1, bend.stacks.lengths - 1 - innermost)
    nodes = list(
        _pre_order(
            tree,
            sums[:_SUMS],
            kept,
            repeats=most_repeats(tree, leaves, bend),
            responsible=set(np.flatnonzero(are_above(tree, leaves, above)).tolist()),
            shown=[*examples.tolist(), LEFT_OUT],
        )
    )
    before_bytes, after_bytes, growth, shrinkage, path_count = zip(*(node.sums for node in nodes), strict=True)
    return ComparedTree(
        parent=tuple(node.parent for node in nodes),
        depth=tuple(node.depth for node in nodes),
        frame=tuple(node.frame for node in nodes),
        before_bytes=before_bytes,
        after_bytes=after_bytes,
        growth_bytes=growth,
        shrinkage_bytes=shrinkage,
        path_count=path_count,
        repeats=tuple(node.repeats for node in nodes),
        is_responsible=tuple(node.is_responsible for node in nodes),
    )


def _heaviest_nodes(tree: CallTree, bytes_below: Int64Column, paths_below: Int64Column, most_nodes: int) -> BoolColumn:
    """The heaviest nodes. Weights never rise from parent to child, so what is kept hangs together."""
    kept = np.ones(len(tree), dtype=np.bool_)
    if len(tree) > most_nodes:
        # Among equals the outer node goes first, or a child could be kept without its parent.
        order = np.lexsort((np.arange(len(tree)), tree.depth, -paths_below, -bytes_below))
        kept[order[most_nodes:]] = False
        kept[ROOT] = True
    return kept


def _pre_order(
    tree: CallTree,
    sums: Sequence[Int64Column],
    kept: BoolColumn,
    *,
    repeats: Int64Column,
    responsible: set[int],
    shown: Sequence[int],
) -> Iterator[_Node]:
    """The kept nodes, children by falling bytes after, then before, then name; behind them what is folded."""
    columns = [column.tolist() for column in sums]
    before, after = columns[:2]
    children: defaultdict[int, list[int]] = defaultdict(list)
    others: defaultdict[int, list[int]] = defaultdict(list)
    for node in np.flatnonzero(kept[tree.parent] & (sums[-1] > 0)).tolist():
        if node != ROOT:
            (children if kept[node] else others)[int(tree.parent[node])].append(node)

    def order(node: int) -> tuple[int, int, int]:
        return -after[node], -before[node], int(tree.frame[node])

    stack = [(ROOT, -1, 0)]
    row = -1
    while stack:
        node, parent, depth = stack.pop()
        row += 1
        if node < 0:
            below = tuple(sum(column[one] for one in others[~node]) for column in columns)
            yield _Node(parent, depth, OTHERS, below, 1, is_responsible=False)
            continue
        frame = WHOLE if node == ROOT else shown[tree.frame[node]]
        own = tuple(column[node] for column in columns)
        yield _Node(parent, depth, frame, own, int(repeats[node]), is_responsible=node in responsible)
        if node in others:
            stack.append((~node, row, depth + 1))
        stack.extend((child, row, depth + 1) for child in sorted(children[node], key=order, reverse=True))
