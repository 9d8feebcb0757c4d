"""Which nodes of a call tree are kept for a page, the rest folded with exact sums.

The rules are those of docs/payload.md: the nodes of the first rows, and as many more as fit by what goes through them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from leakreport.analysis.drawing import Drawing
from leakreport.analysis.pagetree import FOLDED, LEFT_OUT
from leakreport.analysis.rollup import inclusive_values
from leakreport.model.calltree import ROOT, CallTree
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column, sums_at

MOST_ROWS = 2_000
"""Rows that are listed, if their nodes fit."""
LEAST_ROWS = 25
"""Those that a page shows without script: they are listed even if their nodes do not fit."""
_PART_OF_ROWS = 2
"""Rows get one node in so many, or chains of small ones would crowd out the calls that most paths share."""


class Weight(NamedTuple):
    """Something that nodes are kept by."""

    amounts: Int64Column
    """Per end, none below zero."""
    factor: float = 1.0
    """What makes it comparable with the others."""


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What the paths of a drawing hold. Shape: one entry per end in each column."""

    columns: Mapping[str, Int64Column]
    path_count: Int64Column
    """How many rows of the report end there."""
    weights: Sequence[Weight]
    """A node is kept by the largest of them, each summed over all that ends below."""
    row_end: Int64Column
    """Per row that may be listed, in the order of the report, its end."""
    compare: tuple[str, str] | None = None
    """The columns before and after; then a node is also kept by what grew and shrank below it."""


@dataclass(frozen=True, slots=True, eq=False)
class Pruned:
    """The kept nodes, parents before children, then the folded ones. Shape: one entry per node in the columns.

    Holds: the sum of a column is that of all ends.
    """

    tree: CallTree
    """Its frames are indexes into those of the report, or `WHOLE`, `FOLDED`, `LEFT_OUT`."""
    columns: Mapping[str, Int64Column]
    path_count: Int64Column
    folded: Int64Column
    """Shape: (folded nodes, 4): the node, how many paths, what they grew and shrank by."""
    responsible: Int64Column
    """Nodes."""
    repeats: Int64Column
    """Shape: (nodes, 2): a node, and the number of its repeats or of what is left out."""
    row_node: Int64Column
    """Per listed row its node."""
    is_bent: BoolColumn
    """Per listed row, whether its stack is not that of its node."""
    largest_folded: int
    """The most that what ends in any one of the folded places weighs, by the first weight, or by those that are compared."""


def pruned(drawing: Drawing, contents: Contents, most_nodes: int) -> Pruned:
    """The part of a drawing that is kept: `most_nodes` nodes, or what the first rows need."""
    tree = drawing.tree
    nodes, of_nodes = _by_node(drawing, contents)
    row_node = nodes[of_nodes.row_end[:MOST_ROWS]]
    is_kept, listed = _kept(tree, nodes, of_nodes, row_node, most_nodes)
    kept = np.flatnonzero(is_kept)
    place = np.full(len(tree), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    anchor = _nearest(tree, nodes, is_kept)
    folded_below, fold = np.unique(anchor[anchor != nodes], return_inverse=True)
    target = place[anchor]
    target[anchor != nodes] = len(kept) + fold
    count = len(kept) + len(folded_below)
    path_count = sums_at(target, of_nodes.path_count, count, "paths")
    folded = np.arange(len(kept), count)
    grown, shrunk = (sums_at(target, amounts, count, "all changes")[folded] for amounts in _changes(of_nodes))
    parent = np.concatenate([np.full(1, -1, dtype=np.int64), place[tree.parent[kept[1:]]], place[folded_below]])
    frame = np.concatenate([tree.frame[kept], np.full(len(folded), FOLDED, dtype=np.int64)])
    frame[frame == drawing.gap] = LEFT_OUT
    is_told = is_kept[drawing.repeats[:, 0]]
    return Pruned(
        tree=CallTree(parent, frame, np.concatenate([tree.depth[kept], tree.depth[folded_below] + 1])),
        columns={name: sums_at(target, column, count, name) for name, column in of_nodes.columns.items()},
        path_count=path_count,
        folded=np.stack([folded, path_count[folded], grown, shrunk], axis=1),
        responsible=place[np.flatnonzero(drawing.is_responsible & is_kept)],
        repeats=np.stack([place[drawing.repeats[is_told, 0]], drawing.repeats[is_told, 1]], axis=1),
        row_node=place[row_node[:listed]],
        is_bent=drawing.is_bent[contents.row_end[:listed]],
        largest_folded=_largest(of_nodes, anchor != nodes),
    )


def _largest(contents: Contents, is_folded: BoolColumn) -> int:
    weights = contents.weights[: 1 if contents.compare is None else 2]
    return max(int(weight.amounts[is_folded].max(initial=0)) for weight in weights)


def _by_node(drawing: Drawing, contents: Contents) -> tuple[Int64Column, Contents]:
    """The nodes in which anything ends, and what stands there: folded recursion lets several paths end in one."""
    nodes, place = np.unique(drawing.end, return_inverse=True)

    def summed(column: Int64Column) -> Int64Column:
        return sums_at(place, column, len(nodes), "all paths")

    return nodes, replace(
        contents,
        columns={name: summed(column) for name, column in contents.columns.items()},
        path_count=summed(contents.path_count),
        weights=[Weight(summed(weight.amounts), weight.factor) for weight in contents.weights],
        row_end=place[contents.row_end],
    )


def _changes(contents: Contents) -> tuple[Int64Column, Int64Column]:
    """Per node what it grew and what it shrank by; nothing where nothing is compared."""
    if contents.compare is None:
        nothing = np.zeros(len(contents.path_count), dtype=np.int64)
        return nothing, nothing
    before, after = (contents.columns[name] for name in contents.compare)
    return np.maximum(after - before, 0), np.maximum(before - after, 0)


def _kept(
    tree: CallTree, nodes: Int64Column, contents: Contents, row_node: Int64Column, most_nodes: int
) -> tuple[BoolColumn, int]:
    """Which nodes are kept, and how many of the rows are listed: of these every node is."""
    score = _scores(tree, nodes, contents)
    is_needed = score >= 0
    if np.count_nonzero(is_needed) <= most_nodes:
        return is_needed, len(row_node)
    is_kept, listed = _of_rows(tree, row_node, most_nodes)
    room = most_nodes - int(np.count_nonzero(is_kept))
    if room > 0:
        others = np.flatnonzero(is_needed & ~is_kept)
        is_kept[_that_fit(tree, is_kept, is_needed, _best(tree, others, score[others], room), most_nodes)] = True
    return is_kept, listed


def _scores(tree: CallTree, nodes: Int64Column, contents: Contents) -> Float64Column:
    """What nodes are kept by: it never rises from parent to child. -1 where nothing ends in the node or below.

    Sums of what is not negative never fall by rounding, so numbers need not be exact here.
    """
    grown, shrunk = _changes(contents)
    weights = [*contents.weights, Weight(grown + shrunk)]
    columns = [
        np.bincount(nodes, weights=weight.amounts * weight.factor, minlength=len(tree))
        for weight in weights
        if weight.amounts.any()
    ]
    score = np.zeros(len(tree))
    for below in inclusive_values(tree, *columns):
        np.maximum(score, below, out=score)
    is_needed = score > 0
    is_needed[ROOT] = True
    current = nodes[~is_needed[nodes]]
    while current.size:
        is_needed[current] = True
        current = tree.parent[current]
        current = current[~is_needed[current]]
    return np.where(is_needed, score, -1.0)


def _of_rows(tree: CallTree, row_node: Int64Column, most_nodes: int) -> tuple[BoolColumn, int]:
    """The nodes of as many of the first rows as fit, and how many rows these are."""
    first = np.full(len(tree), len(row_node), dtype=np.int64)
    nodes, number = row_node, np.arange(len(row_node))
    while nodes.size:
        is_news = number < first[nodes]
        nodes, number = nodes[is_news], number[is_news]
        np.minimum.at(first, nodes, number)
        is_inside = nodes != ROOT
        nodes, number = tree.parent[nodes[is_inside]], number[is_inside]
    needed = np.cumsum(np.bincount(first, minlength=len(row_node))[: len(row_node)])
    least = min(LEAST_ROWS, len(row_node))
    listed = max(int(np.searchsorted(needed, most_nodes // _PART_OF_ROWS, side="right")), least)
    is_kept = first < listed
    is_kept[ROOT] = True
    return is_kept, listed


def _best(tree: CallTree, nodes: Int64Column, score: Float64Column, room: int) -> Int64Column:
    """So many nodes with the highest scores, the best first.

    Among equals the outer one goes first, or a child could lose its parent.
    """
    if room < len(nodes):
        # Sorting all of them would take longer than everything else.
        is_candidate = score >= np.partition(score, len(score) - room)[len(score) - room]
        nodes, score = nodes[is_candidate], score[is_candidate]
    return nodes[np.lexsort((nodes, tree.depth[nodes], -score))[:room]]


def _that_fit(
    tree: CallTree, is_kept: BoolColumn, is_needed: BoolColumn, ranked: Int64Column, most_nodes: int
) -> Int64Column:
    """As many of the first nodes of a ranking as fit, with the folded ones below them and below those that are kept."""
    never = len(ranked) + 1
    rank = np.full(len(tree), never, dtype=np.int64)
    rank[ranked] = np.arange(1, never)
    rank[is_kept] = 0
    # A node has a folded one from the moment it is kept until the last of its children is.
    complete = np.zeros(len(tree), dtype=np.int64)
    children = np.flatnonzero(is_needed[1:]) + 1
    np.maximum.at(complete, tree.parent[children], rank[children])
    kept = np.flatnonzero((rank < never) & (complete > rank))
    begin, end = np.bincount(rank[kept], minlength=never + 1), np.bincount(complete[kept], minlength=never + 1)
    total = np.count_nonzero(is_kept) + np.arange(never) + np.cumsum(begin - end)[:never]
    return ranked[: max(int(np.searchsorted(total, most_nodes, side="right")) - 1, 0)]


def _nearest(tree: CallTree, nodes: Int64Column, is_kept: BoolColumn) -> Int64Column:
    """Per node itself or its innermost caller that is kept."""
    found = nodes.copy()
    waiting = np.flatnonzero(~is_kept[found])
    while waiting.size:
        found[waiting] = tree.parent[found[waiting]]
        waiting = waiting[~is_kept[found[waiting]]]
    return found
