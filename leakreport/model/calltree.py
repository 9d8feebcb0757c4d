"""The calling context tree: one node per distinct call path, as three columns.

The tree is built level by level with sorting instead of a dictionary of children; stacks that are alone in their node
leave the work and are finished as chains, which makes it linear in practice (`docs/decisions/0003-columns.md`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leakreport.model.columns import Int32Column, Int64Column, freeze

ROOT = 0


@dataclass(frozen=True, slots=True)
class CallTree:
    """All distinct call paths of a run.

    Holds: node 0 is the root with `parent` -1 and `frame` -1; every other parent comes before its children; siblings
    never share a frame; `depth` is one more than the parent's.
    """

    parent: Int64Column
    frame: Int64Column
    depth: Int32Column

    def __len__(self) -> int:
        return len(self.parent)

    def path(self, node: int) -> list[int]:
        """The frame indexes from the outermost frame down to a node."""
        frames: list[int] = []
        while node != ROOT:
            frames.append(int(self.frame[node]))
            node = int(self.parent[node])
        frames.reverse()
        return frames


def stacks_ending_at(tree: CallTree, nodes: Int64Column) -> tuple[Int32Column, Int64Column]:
    """The stacks that end in some nodes, as the columns `flat` and `offsets` that `build_tree` takes.

    Shape: one frame index per frame of a stack, outermost first; stack i is `flat[offsets[i]:offsets[i + 1]]`.
    """
    lengths = tree.depth[nodes].astype(np.int64)
    offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    flat = np.empty(int(offsets[-1]), dtype=np.int32)
    place, current = offsets[1:] - 1, np.asarray(nodes, dtype=np.int64)
    left = lengths
    while current.size:
        is_inside = left > 0
        place, current, left = place[is_inside], current[is_inside], left[is_inside]
        flat[place] = tree.frame[current]
        place, current, left = place - 1, tree.parent[current], left - 1
    return flat, offsets


def build_tree(flat: Int32Column, offsets: Int64Column, frame_count: int) -> tuple[CallTree, Int64Column]:
    """The tree of some stacks, and the node in which each stack ends.

    Args:
        flat: frame indexes of all stacks, outermost first.
        offsets: where each stack starts in `flat`, and the end of the last.
        frame_count: one more than the largest frame index.

    Returns:
        The tree and one node per stack (the root for an empty stack).
    """
    starts, lengths = offsets[:-1], np.diff(offsets)
    current = np.zeros(len(starts), dtype=np.int64)
    # Parts are as narrow as can be: only their sum has the width of the columns.
    parents = [np.array([-1])]
    frames, depths = [np.array([-1], dtype=np.int32)], [np.array([0], dtype=np.int32)]
    node_count = 1
    live = np.flatnonzero(lengths > 0)
    lone_stacks: list[Int64Column] = []
    lone_levels: list[Int64Column] = []
    level = 0
    width = max(frame_count, 1)
    while live.size:
        key = current[live] * width + flat[starts[live] + level]
        order = np.argsort(key, kind="stable")
        sorted_key = key[order]
        is_first = np.empty(len(order), dtype=np.bool_)
        is_first[0] = True
        np.not_equal(sorted_key[1:], sorted_key[:-1], out=is_first[1:])
        new_keys = sorted_key[is_first]
        group = np.cumsum(is_first) - 1
        live_sorted = live[order]
        current[live_sorted] = node_count + group
        parents.append(new_keys // width)
        frames.append((new_keys % width).astype(np.int32))
        level += 1
        depths.append(np.full(len(new_keys), level, dtype=np.int32))
        node_count += len(new_keys)
        is_alone = np.bincount(group, minlength=len(new_keys))[group] == 1
        goes_on = lengths[live_sorted] > level
        alone = live_sorted[is_alone & goes_on]
        lone_stacks.append(alone)
        lone_levels.append(np.full(len(alone), level))
        live = np.sort(live_sorted[~is_alone & goes_on])
    lone = np.concatenate(lone_stacks) if lone_stacks else np.zeros(0, dtype=np.int64)
    if lone.size:
        done = np.concatenate(lone_levels)
        rest = lengths[lone] - done
        chain_ends = np.cumsum(rest)
        chain_starts = chain_ends - rest
        parent = np.arange(node_count - 1, node_count - 1 + int(chain_ends[-1]))
        parent[chain_starts] = current[lone]
        parents.append(parent)
        entry = np.arange(int(chain_ends[-1]))
        entry += np.repeat(starts[lone] + done - chain_starts, rest)
        frames.append(flat[entry])
        entry -= np.repeat(starts[lone] - 1, rest)
        depths.append(entry.astype(np.int32))
        del entry
        current[lone] = node_count + chain_ends - 1
    tree = CallTree(
        parent=freeze(np.concatenate(parents, dtype=np.int64)),
        frame=freeze(np.concatenate(frames, dtype=np.int64)),
        depth=freeze(np.concatenate(depths, dtype=np.int32)),
    )
    return tree, freeze(current)
