"""Sums over the tree: inclusive values, and totals per function that count recursion once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leakreport.model.calltree import ROOT, CallTree
from leakreport.model.columns import Int32Column, Int64Column, freeze


def inclusive_values(tree: CallTree, self_values: Int64Column) -> Int64Column:
    """Per node, its own value and everything below. One addition per node, level by level from the leaves up."""
    inclusive = self_values.copy()
    order = np.argsort(tree.depth, kind="stable")
    edges = np.searchsorted(tree.depth[order], np.arange(int(tree.depth.max(initial=0)) + 2))
    for level in range(len(edges) - 2, 0, -1):
        nodes = order[edges[level] : edges[level + 1]]
        np.add.at(inclusive, tree.parent[nodes], inclusive[nodes])
    return freeze(inclusive)


def distinct_on_paths(tree: CallTree, nodes: Int64Column, key_of_frame: Int32Column) -> tuple[Int64Column, Int64Column]:
    """Which keys stand on which paths, each once: pairs of (position in `nodes`, key).

    Args:
        tree: the call tree.
        nodes: where the paths end.
        key_of_frame: per frame, the key it counts under (a function, a module); negative for "none".
    """
    owners: list[Int64Column] = []
    keys: list[Int64Column] = []
    current = nodes.astype(np.int64)
    position = np.arange(len(nodes), dtype=np.int64)
    width = int(key_of_frame.max(initial=0)) + 1
    while current.size:
        alive = current != ROOT
        current, position = current[alive], position[alive]
        key = key_of_frame[tree.frame[current]]
        has_key = key >= 0
        owners.append(position[has_key])
        keys.append(key[has_key].astype(np.int64))
        current = tree.parent[current]
    if not owners:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    pairs = np.unique(np.concatenate(owners) * width + np.concatenate(keys))
    return pairs // width, pairs % width


def totals_by_key(
    tree: CallTree, nodes: Int64Column, values: Int64Column, key_of_frame: Int32Column, key_count: int
) -> tuple[Int64Column, Int64Column]:
    """Per key, the sum of the values of all paths it stands on, and how many these are. Recursion counts once."""
    owner, key = distinct_on_paths(tree, nodes, key_of_frame)
    sums = np.zeros(key_count, dtype=np.int64)
    np.add.at(sums, key, values[owner])
    return sums, np.bincount(key, minlength=key_count).astype(np.int64)


def intern(names: Sequence[str | None]) -> tuple[Int32Column, list[str]]:
    """Per entry the index of its name, -1 for None; and the names."""
    index: dict[str, int] = {}
    column = np.fromiter(
        (-1 if name is None else index.setdefault(name, len(index)) for name in names), np.int32, len(names)
    )
    return column, list(index)
