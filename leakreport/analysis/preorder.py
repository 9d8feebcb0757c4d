"""Nodes of a tree in the order in which a page draws them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leakreport.analysis.rollup import inclusive_values, levels_of
from leakreport.model.calltree import CallTree
from leakreport.model.columns import BoolColumn, Int64Column


def pre_order(tree: CallTree, weights: Sequence[Int64Column], names: Int64Column, is_last: BoolColumn) -> Int64Column:
    """The nodes, each before what is below it, children by falling weights, then by name.

    Args:
        tree: of any order in which parents come first.
        weights: self values; children are sorted by what they hold with all below them.
        names: a number per node, in the order of names; those of siblings differ.
        is_last: nodes that stand behind their siblings.
    """
    parent = tree.parent
    *held, sizes = inclusive_values(tree, *weights, np.ones(len(tree), dtype=np.int64))
    order = np.lexsort((names, *(-column for column in reversed(held)), is_last, parent))
    before = np.cumsum(sizes[order]) - sizes[order]
    is_first = np.ones(len(tree), dtype=np.bool_)
    is_first[1:] = parent[order[1:]] != parent[order[:-1]]
    ahead = np.empty(len(tree), dtype=np.int64)
    ahead[order] = before - before[is_first][np.cumsum(is_first) - 1]
    position = np.zeros(len(tree), dtype=np.int64)
    by_level, edges = levels_of(tree)
    for start, stop in zip(edges[1:-1].tolist(), edges[2:].tolist(), strict=True):
        nodes = by_level[start:stop]
        position[nodes] = position[parent[nodes]] + 1 + ahead[nodes]
    found = np.empty(len(tree), dtype=np.int64)
    found[position] = np.arange(len(tree))
    return found


def parents_of(depth: Int64Column) -> Int64Column:
    """The parent of each node of a tree in pre-order, -1 for the root."""
    parent = np.full(len(depth), -1, dtype=np.int64)
    outer = np.flatnonzero(depth == 0)
    for level in range(1, int(depth.max(initial=0)) + 1):
        nodes = np.flatnonzero(depth == level)
        parent[nodes] = outer[np.searchsorted(outer, nodes) - 1]
        outer = nodes
    return parent
