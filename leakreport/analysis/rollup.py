"""Sums over the tree."""

from __future__ import annotations

import numpy as np

from leakreport.model.calltree import CallTree
from leakreport.model.columns import Int64Column, freeze


def inclusive_values(tree: CallTree, *columns: Int64Column) -> list[Int64Column]:
    """Per column and node, its own value and everything below: one addition per node, from the deepest level up."""
    sums = [column.copy() for column in columns]
    order = np.argsort(tree.depth, kind="stable")
    edges = np.searchsorted(tree.depth[order], np.arange(int(tree.depth.max(initial=0)) + 2))
    for level in range(len(edges) - 2, 0, -1):
        nodes = order[edges[level] : edges[level + 1]]
        parents = tree.parent[nodes]
        for column in sums:
            np.add.at(column, parents, column[nodes])
    return [freeze(column) for column in sums]
