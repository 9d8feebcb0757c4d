"""One call tree of everything that a page draws, with recursion folded and the middle of very deep stacks left out.

Most paths are drawn as the tree of their run has them. Those with recursion, very deep ones, and those of another run are
bent as stacks and grafted onto it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from leakreport.analysis.bending import Bend, bent
from leakreport.analysis.rollup import are_above
from leakreport.analysis.stacks import Stacks
from leakreport.model.calltree import ROOT, CallTree, build_tree
from leakreport.model.columns import BoolColumn, Int64Column

OUTER_LEVELS, INNER_LEVELS = 64, 192
"""Of a stack that is deeper than both and a gap, so many outermost and innermost frames are drawn."""
_MOST_LEVELS = OUTER_LEVELS + 1 + INNER_LEVELS


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Where paths end."""

    stacks: Stacks
    """Of indexes into the frames of the report."""
    node: Int64Column
    """The node of the tree with that stack, -1 where the stack is of another run."""
    responsible: Int64Column
    """Positions in the stacks, -1 for none."""

    def __len__(self) -> int:
        return len(self.node)

    def joined(self, other: Ends) -> Ends:
        """These and some more."""
        offsets = np.concatenate([self.stacks.offsets, other.stacks.offsets[1:] + self.stacks.offsets[-1]])
        return Ends(
            Stacks(np.concatenate([self.stacks.flat, other.stacks.flat]), offsets),
            np.concatenate([self.node, other.node]),
            np.concatenate([self.responsible, other.responsible]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A tree that is no deeper than can be drawn.

    Holds: `tree` may have nodes in which and below which nothing ends.
    """

    tree: CallTree
    """Its frames are indexes into those of the report, or `gap`."""
    gap: int
    """The frame of nodes that stand for what is left out."""
    end: Int64Column
    """Per end its node; several may share one."""
    is_bent: BoolColumn
    """Per end, whether its stack is not that of its node."""
    is_responsible: BoolColumn
    """Per node, whether "your code ends" there for some path."""
    repeats: Int64Column
    """Shape: (nodes, 2): a node, and how often it stands there in a row at most, or how many frames are left out there."""


def drawing_of(tree: CallTree, ends: Ends, frame_count: int) -> Drawing:
    """The drawing of some paths.

    Args:
        tree: of a run; its frames are indexes into those of the report.
        ends: of all paths, each in the tree or beside it.
        frame_count: how many frames the report has.
    """
    is_bent = _are_bent(ends.stacks)
    is_grafted = is_bent | (ends.node < 0)
    straight = np.flatnonzero(~is_grafted)
    above = np.where(ends.responsible < 0, -1, ends.stacks.lengths - 1 - ends.responsible)
    is_responsible = are_above(tree, ends.node[straight], above[straight])
    grafted = np.flatnonzero(is_grafted)
    if not grafted.size:
        return Drawing(tree, frame_count, ends.node, is_bent, is_responsible, np.zeros((0, 2), dtype=np.int64))
    stacks = ends.stacks.taken(grafted)
    bend = bent(stacks, stacks.flat, gap=frame_count, outer=OUTER_LEVELS, inner=INNER_LEVELS)
    branch, leaves = build_tree(bend.stacks.flat, bend.stacks.offsets, frame_count + 1)
    whole, place = _with_branch(tree, branch, frame_count + 1)
    entry_node = place[_entry_nodes(branch, leaves, bend.stacks)]
    end = ends.node.copy()
    end[grafted] = place[leaves]
    is_responsible = np.concatenate([is_responsible, np.zeros(len(whole) - len(tree), dtype=np.bool_)])
    named = _named_entries(stacks, ends.responsible[grafted], bend)
    is_responsible[entry_node[named[bend.stacks.flat[named] != frame_count]]] = True
    repeats = _most_repeats(entry_node, bend.repeats, whole, frame_count)
    return Drawing(whole, frame_count, end, is_bent, is_responsible, repeats)


def _are_bent(stacks: Stacks) -> BoolColumn:
    """Which stacks have direct recursion, or are too deep."""
    found: BoolColumn = stacks.lengths > _MOST_LEVELS
    equal = np.flatnonzero(stacks.flat[1:] == stacks.flat[:-1]) + 1
    owner = np.searchsorted(stacks.offsets, equal, side="right") - 1
    found[owner[stacks.offsets[owner] != equal]] = True
    return found


def _with_branch(tree: CallTree, branch: CallTree, width: int) -> tuple[CallTree, Int64Column]:
    """A tree with the nodes of another one that it does not have, and where in it each node of the other stands."""
    has_frame = np.zeros(width, dtype=np.bool_)
    has_frame[branch.frame[1:]] = True
    known = np.flatnonzero(has_frame[tree.frame[1:]]) + 1
    keys = tree.parent[known] * width + tree.frame[known]
    order = np.argsort(keys)
    keys, known = keys[order], known[order]
    place = np.zeros(len(branch), dtype=np.int64)
    count = len(tree)
    by_level = np.argsort(branch.depth, kind="stable")
    edges = np.searchsorted(branch.depth[by_level], np.arange(int(branch.depth.max(initial=0)) + 2))
    fresh = []
    for level in range(1, len(edges) - 1):
        nodes = by_level[edges[level] : edges[level + 1]]
        wanted = place[branch.parent[nodes]] * width + branch.frame[nodes]
        found = np.searchsorted(keys, wanted)
        is_known = np.zeros(len(nodes), dtype=np.bool_)
        is_inside = found < len(keys)
        is_known[is_inside] = keys[found[is_inside]] == wanted[is_inside]
        place[nodes[is_known]] = known[found[is_known]]
        new = nodes[~is_known]
        place[new] = count + np.arange(len(new))
        count += len(new)
        fresh.append(new)
    added = np.concatenate([np.zeros(0, dtype=np.int64), *fresh])
    if not added.size:
        return tree, place
    joined = CallTree(
        parent=np.concatenate([tree.parent, place[branch.parent[added]]]),
        frame=np.concatenate([tree.frame, branch.frame[added]]),
        depth=np.concatenate([tree.depth, branch.depth[added]]),
    )
    return joined, place


def _entry_nodes(tree: CallTree, leaves: Int64Column, stacks: Stacks) -> Int64Column:
    """Per entry of some stacks the node of their tree."""
    found = np.zeros(len(stacks.flat), dtype=np.int64)
    place, nodes = stacks.offsets[1:] - 1, leaves
    while nodes.size:
        is_inside = nodes != ROOT
        place, nodes = place[is_inside], nodes[is_inside]
        found[place] = nodes
        place, nodes = place - 1, tree.parent[nodes]
    return found


def _named_entries(stacks: Stacks, responsible: Int64Column, bend: Bend) -> Int64Column:
    has_one = responsible >= 0
    entries: Int64Column = bend.place[stacks.offsets[:-1][has_one] + responsible[has_one]]
    return entries


def _most_repeats(entry_node: Int64Column, repeats: Int64Column, tree: CallTree, gap: int) -> Int64Column:
    is_told = (repeats > 1) | (tree.frame[entry_node] == gap)
    nodes, place = np.unique(entry_node[is_told], return_inverse=True)
    most = np.zeros(len(nodes), dtype=np.int64)
    np.maximum.at(most, place, repeats[is_told])
    return np.stack([nodes, most], axis=1)


def with_frames(tree: CallTree, frame_index: Int64Column) -> CallTree:
    """A tree whose frames are numbered another way."""
    return replace(tree, frame=np.concatenate([tree.frame[:1], frame_index[tree.frame[1:]]]))
