"""Sums over the tree."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from leakreport.model.calltree import CallTree
from leakreport.model.columns import BoolColumn, Int64Column, freeze

_Number = TypeVar("_Number", np.int64, np.float64)


def inclusive_values(tree: CallTree, *columns: NDArray[_Number]) -> list[NDArray[_Number]]:
    """Per column and node, its own value and everything below: one addition per node, from the deepest level up."""
    sums = [column.copy() for column in columns]
    order, edges = levels_of(tree)
    # Below the last value there is nothing to add.
    deepest = max((int(tree.depth[column != 0].max(initial=0)) for column in columns), default=0)
    for level in range(deepest, 0, -1):
        nodes = order[edges[level] : edges[level + 1]]
        parents = tree.parent[nodes]
        for column in sums:
            np.add.at(column, parents, column[nodes])
    return [freeze(column) for column in sums]


def levels_of(tree: CallTree) -> tuple[Int64Column, Int64Column]:
    """The nodes by depth, and where in this order each depth starts, and the end of the last."""
    # Of small numbers numpy sorts by digits, which is linear.
    depth = tree.depth.astype(np.uint16) if int(tree.depth.max(initial=0)) < 1 << 16 else tree.depth
    order = np.argsort(depth, kind="stable")
    edges = np.searchsorted(depth[order], np.arange(int(depth.max(initial=0)) + 2, dtype=np.int64))
    return order, edges


def are_above(tree: CallTree, nodes: Int64Column, above: Int64Column) -> BoolColumn:
    """Per node of a tree, whether it stands so many steps above one of some others; none for a negative number."""
    found = np.zeros(len(tree), dtype=np.bool_)
    while nodes.size:
        found[nodes[above == 0]] = True
        is_going = above > 0
        nodes, above = tree.parent[nodes[is_going]], above[is_going] - 1
    return found
