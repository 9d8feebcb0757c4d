"""Sums over the tree."""

from __future__ import annotations

import numpy as np

from leakreport.model.calltree import CallTree
from leakreport.model.columns import Int64Column, freeze


def inclusive_values(tree: CallTree, self_values: Int64Column) -> Int64Column:
    """Per node, its own value and everything below. One addition per node, level by level from the leaves up."""
    inclusive = self_values.copy()
    order = np.argsort(tree.depth, kind="stable")
    edges = np.searchsorted(tree.depth[order], np.arange(int(tree.depth.max(initial=0)) + 2))
    for level in range(len(edges) - 2, 0, -1):
        nodes = order[edges[level] : edges[level + 1]]
        np.add.at(inclusive, tree.parent[nodes], inclusive[nodes])
    return freeze(inclusive)
