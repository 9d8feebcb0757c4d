"""The part of the call tree that a report shows: the heaviest nodes, the rest folded into rows with exact sums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from leakreport.analysis.paths import PathTable
from leakreport.analysis.report import TreeView
from leakreport.analysis.rollup import inclusive_values
from leakreport.model.calltree import ROOT, CallTree, build_tree
from leakreport.model.columns import BoolColumn, Int64Column, sums_at
from leakreport.model.raw import Frame

FOLDED = -2


def tree_view(rows: PathTable, most_nodes: int) -> TreeView:
    """The tree of some paths, at most about `most_nodes` rows, pre-order, children by falling bytes, then name.

    Holds: every shown row's inclusive value is its own plus the sum of the rows below it, folded ones included.
    """
    stacks = rows.paths.stacks.taken(rows.stack)
    tree, leaves = build_tree(stacks.flat, stacks.offsets, len(rows.frames))
    self_bytes, self_blocks, self_lost, self_paths = (
        sums_at(leaves, column, len(tree), "all paths")
        for column in (
            rows.column("retained_bytes"),
            rows.column("retained_blocks"),
            rows.column("leaked_bytes"),
            np.ones(len(rows), dtype=np.int64),
        )
    )
    columns = inclusive_values(tree, self_bytes, self_blocks, self_lost, self_paths)
    kept = heaviest_nodes(tree, columns[0], columns[3], most_nodes)
    responsible = rows.paths.responsible[rows.stack]
    above = np.where(responsible < 0, -1, stacks.lengths - 1 - responsible)
    return _pre_order(tree, columns, kept, nodes_above(tree, leaves, above), rows.frames)


def heaviest_nodes(tree: CallTree, bytes_below: Int64Column, paths_below: Int64Column, most_nodes: int) -> BoolColumn:
    """The heaviest nodes. Weights never rise from parent to child, so what is kept hangs together."""
    kept = np.ones(len(tree), dtype=np.bool_)
    if len(tree) > most_nodes:
        # Among equals the outer node goes first, or a child could be kept without its parent.
        order = np.lexsort((np.arange(len(tree)), tree.depth, -paths_below, -bytes_below))
        kept[order[most_nodes:]] = False
        kept[ROOT] = True
    return kept


def nodes_above(tree: CallTree, nodes: Int64Column, above: Int64Column) -> set[int]:
    """The nodes that stand so many steps above some others; none for a negative number."""
    found: set[int] = set()
    while nodes.size:
        found.update(nodes[above == 0].tolist())
        is_going = above > 0
        nodes, above = tree.parent[nodes[is_going]], above[is_going] - 1
    return found


def _folded_sums(
    tree: CallTree, columns: Sequence[Int64Column], kept: BoolColumn
) -> dict[int, tuple[int, int, int, int]]:
    """Per node that is kept and has children that are not: their sums."""
    gone = np.flatnonzero(~kept)
    gone = gone[kept[tree.parent[gone]]]
    parents, place = np.unique(tree.parent[gone], return_inverse=True)
    sums = []
    for column in columns:
        total = np.zeros(len(parents), dtype=np.int64)
        np.add.at(total, place, column[gone])
        sums.append(total.tolist())
    bytes_below, blocks_below, lost_below, paths_below = sums
    values = zip(bytes_below, blocks_below, lost_below, paths_below, strict=True)
    return dict(zip(parents.tolist(), values, strict=True))


def _pre_order(
    tree: CallTree, columns: Sequence[Int64Column], kept: BoolColumn, responsible: set[int], frames: Sequence[Frame]
) -> TreeView:
    bytes_below, blocks_below, lost_below, _ = (
        dict(zip(np.flatnonzero(kept).tolist(), column[kept].tolist(), strict=True)) for column in columns
    )
    folded = _folded_sums(tree, columns, kept)
    children: defaultdict[int, list[int]] = defaultdict(list)
    frame_of = {}
    for node, parent, frame in zip(
        np.flatnonzero(kept).tolist(), tree.parent[kept].tolist(), tree.frame[kept].tolist(), strict=True
    ):
        children[parent].append(node)
        frame_of[node] = frame

    def order(node: int) -> tuple[int, str, int]:
        return -bytes_below[node], frames[frame_of[node]].function or "", frame_of[node]

    rows: list[tuple[int, int, int, int, int, int, int, bool]] = []
    stack = [(ROOT, -1, 0)]
    while stack:
        node, parent_row, depth = stack.pop()
        here = len(rows)
        if node < 0:  # a folded row for the dropped children of the node ~node
            rows.append((parent_row, depth, FOLDED, *folded[~node], False))
            continue
        rows.append(
            (
                parent_row,
                depth,
                frame_of[node],
                bytes_below[node],
                blocks_below[node],
                lost_below[node],
                0,
                node in responsible,
            )
        )
        if node in folded:
            stack.append((~node, here, depth + 1))
        stack.extend((child, here, depth + 1) for child in sorted(children[node], key=order, reverse=True))
    has_children = [False] * len(rows)
    for row in rows[1:]:
        has_children[row[0]] = True
    return TreeView(
        parent=[row[0] for row in rows],
        depth=[row[1] for row in rows],
        frame=[row[2] for row in rows],
        inclusive_bytes=[row[3] for row in rows],
        inclusive_blocks=[row[4] for row in rows],
        lost_bytes=[row[5] for row in rows],
        folded_paths=[row[6] for row in rows],
        is_responsible=[row[7] for row in rows],
        children_shown=has_children,
    )
