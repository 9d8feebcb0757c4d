"""The call tree that a page draws: frozen columns, pruned so that they fit, with exact sums. Source: `docs/payload.md`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from leakreport.model.columns import BoolColumn, Int64Column

WHOLE, FOLDED, LEFT_OUT = -1, -2, -3
"""In place of a frame: the root, the small paths below a node, the middle of a very deep stack."""


class Mode(NamedTuple):
    """What the width of a node can stand for: a column, or what grew from one column to another."""

    key: str
    title: str
    column: str | None = None
    before: str | None = None
    after: str | None = None


class Step(NamedTuple):
    """One state of a timeline."""

    state: int
    """Into the report's snapshots or points."""
    column: str | None
    """None where the state has no tree, or was left out because there are many."""


class Meaning(NamedTuple):
    """What the columns of a tree say."""

    modes: tuple[Mode, ...]
    mode: str
    """The key of the one to start with."""
    compare: tuple[str, str] | None = None
    """The columns before and after: their difference is the change of a node."""
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PageTree:
    """The kept part of a call tree, pre-order: children by falling weight, then name, folded paths last.

    Shape: one entry per node in `depth`, `frame`, `path_count` and each of `columns`.
    Holds: columns have self values, and the sum of a column is that of all paths, kept or folded.
    """

    depth: Int64Column
    """0 for the root."""
    frame: Int64Column
    """Index into the report's frames, or `WHOLE`, `FOLDED`, `LEFT_OUT`."""
    columns: Mapping[str, Int64Column]
    path_count: Int64Column
    """How many rows of the report end in the node, or in what is folded there."""
    responsible: Int64Column
    """Nodes at which "your code ends" for some path."""
    folded: Int64Column
    """Shape: (nodes with `FOLDED`, 4): the node, how many paths, and what these grew and shrank by, each at least 0."""
    repeats: Int64Column
    """Shape: (nodes, 2): a node and how often it calls itself in a row at most; of `LEFT_OUT` how many are left out."""
    row_node: Int64Column
    """Per listed row, which are the first so many of the report, the node in which it ends."""
    is_bent: BoolColumn
    """Per listed row, whether its frames are not those from the root to its node."""
    largest_folded: int
    """No path that is folded holds more of what the widths show first, on either side of a comparison."""
    meaning: Meaning
    keys: Mapping[str, str]
    """Canonical names of functions, where they are not the names."""

    def __len__(self) -> int:
        return len(self.depth)


def no_page() -> PageTree:
    """The tree of a report without paths."""
    nothing = np.zeros(1, dtype=np.int64)
    return PageTree(
        depth=nothing,
        frame=np.full(1, WHOLE, dtype=np.int64),
        columns={"retained_bytes": nothing},
        path_count=nothing,
        responsible=nothing[:0],
        folded=np.zeros((0, 4), dtype=np.int64),
        repeats=np.zeros((0, 2), dtype=np.int64),
        row_node=nothing[:0],
        is_bent=np.zeros(0, dtype=np.bool_),
        largest_folded=0,
        meaning=Meaning((Mode("retained_bytes", "Retained", column="retained_bytes"),), "retained_bytes"),
        keys={},
    )
