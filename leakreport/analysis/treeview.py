"""The call tree as the static part of a report shows it: that of its page, with inclusive values."""

from __future__ import annotations

import numpy as np

from leakreport.analysis.pagetree import PageTree
from leakreport.analysis.preorder import parents_of
from leakreport.analysis.report import TreeView
from leakreport.analysis.rollup import inclusive_values
from leakreport.model.calltree import CallTree
from leakreport.model.metrics import LOST_KINDS


def tree_view(page: PageTree) -> TreeView:
    """The tree of a page.

    Holds: every row's inclusive value is its own plus the sum of the rows below it, folded ones included.
    """
    nothing = np.zeros(len(page), dtype=np.int64)
    lost = sum((page.columns.get(kind.bytes_metric, nothing) for kind in LOST_KINDS), nothing)
    tree = CallTree(parents_of(page.depth), page.frame, page.depth.astype(np.int32))
    held, blocks = (page.columns.get(f"retained_{unit}", nothing) for unit in ("bytes", "blocks"))
    sums = inclusive_values(tree, held, blocks, lost)
    folded, responsible, has_children = nothing.copy(), np.zeros(len(page), dtype=np.bool_), np.zeros(len(page), dtype=np.bool_)  # fmt: skip
    folded[page.folded[:, 0]] = page.folded[:, 1]
    responsible[page.responsible] = True
    has_children[tree.parent[1:]] = True
    inclusive_bytes, inclusive_blocks, lost_bytes = (column.tolist() for column in sums)
    return TreeView(
        parent=tree.parent.tolist(),
        depth=page.depth.tolist(),
        frame=page.frame.tolist(),
        inclusive_bytes=inclusive_bytes,
        inclusive_blocks=inclusive_blocks,
        lost_bytes=lost_bytes,
        folded_paths=folded.tolist(),
        is_responsible=responsible.tolist(),
        children_shown=has_children.tolist(),
    )
