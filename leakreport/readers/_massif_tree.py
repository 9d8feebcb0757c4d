"""The heap trees of massif, all of one file over one set of nodes: each label is parsed once, each path kept once.

Only (node, bytes, children, line) is kept of a line of a tree; stacks are made when the file has been read.

Source: Valgrind `coregrind/m_xtree.c` (VG_(XT_massif_print)).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from leakreport.errors import LimitExceeded
from leakreport.limits import INT64_MAX, Limits
from leakreport.model.columns import Int32Column, Int64Column, freeze, sums_at
from leakreport.model.raw import Frame, FrameKind, FrameTable, SampleTable
from leakreport.readers._described import parse_described

_ROOT = 0
_BELOW = Frame("below massif's threshold", kind=FrameKind.SYNTHETIC)
_BELOW_LABEL = b"[]"
"""No label of massif: names the node that gathers the groups below the threshold under one parent."""


@dataclass(slots=True)
class TreeShape:
    """The lines of one tree."""

    nodes: array[int] = field(default_factory=lambda: array("i"))
    amounts: array[int] = field(default_factory=lambda: array("q"))
    child_counts: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("q"))
    root_text: bytes = b""
    is_broken: bool = False
    """A line did not fit; what followed it was passed over."""


class HeapTrees:
    """Collects the trees of one file."""

    def __init__(self, source: str, limits: Limits) -> None:
        """Start with a root and nothing else."""
        self._source = source
        self._limits = limits
        self._known: dict[tuple[int, bytes], int] = {}
        self._labels: dict[bytes, int] = {}
        self._label_frames: list[Frame] = []
        self._parents = array("i", (-1,))
        self._depths = array("i", (0,))
        self._node_labels = array("i", (-1,))
        self._is_inlined = bytearray(1)
        self._path = [_ROOT]
        """By depth, the node last met."""
        self.line_count = 0
        self._frames = FrameTable()
        self._known_frames: tuple[Frame, ...] = ()
        self._node_frames: Int32Column | None = None

    def add(self, shape: TreeShape, line: bytes, number: int) -> bool:
        """Take a line; False where it does not fit behind those before it."""
        text = line.lstrip(b" ")
        depth = len(line) - len(text)
        head, _, rest = text.partition(b": ")
        amount_text, _, label = rest.partition(b" ")
        count_text = head[1:]
        if not (amount_text.isdigit() and count_text.isdigit() and head[0] == 0x6E and len(count_text) < 10):
            return False
        amount = int(amount_text) if len(amount_text) < 20 else INT64_MAX + 1
        if amount > INT64_MAX:
            raise LimitExceeded(
                "a tree's amount is beyond 2^63",
                where=f"{self._source}:{number}",
                advice="The input is damaged. Record again.",
            )
        path = self._path
        if depth == 0:
            if shape.nodes:
                return False
            shape.root_text = label[:200]
            node = _ROOT
            del path[1:]
        else:
            if depth > len(path) or not shape.nodes:
                return False
            parent = path[depth - 1]
            known = self._known.get((parent, label))
            node = self._new_node(parent, label) if known is None else known
            if depth == len(path):
                path.append(node)
            else:
                path[depth] = node
                del path[depth + 1 :]
        shape.nodes.append(node)
        shape.amounts.append(amount)
        shape.child_counts.append(int(count_text))
        shape.lines.append(number)
        self.line_count += 1
        if self.line_count > self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} lines of trees", where=self._source)
        return True

    def _new_node(self, parent: int, label: bytes) -> int:
        is_group = label.startswith(b"in ") and b"below massif's threshold" in label
        label = _BELOW_LABEL if is_group else label
        node = self._known.get((parent, label))
        if node is not None:
            return node
        depth = self._depths[parent] + 1
        if depth > self._limits.stack_frames:
            raise LimitExceeded(
                f"a stack has more than {self._limits.stack_frames:,} frames",
                where=self._source,
                advice="Record with a smaller --depth.",
            )
        label_index = self._labels.get(label)
        if label_index is None:
            label_index = self._labels[label] = len(self._labels)
            frame = _BELOW if is_group else parse_described(label.decode("utf-8", "replace"), self._limits)
            self._label_frames.append(frame)
        node = len(self._parents)
        self._known[parent, label] = node
        self._parents.append(parent)
        self._depths.append(depth)
        self._node_labels.append(label_index)
        self._is_inlined.append(0)
        if parent != _ROOT:
            inner, outer = self._label_frames[self._node_labels[parent]], self._label_frames[label_index]
            # Inlined calls share an address; so does recursion, but with the same function.
            if inner.address is not None and inner.address == outer.address and inner.function != outer.function:
                self._is_inlined[parent] = 1
        return node

    def is_whole(self, shape: TreeShape) -> bool:
        """Whether each node has the children that it announced."""
        return len(shape.nodes) > 0 and not shape.is_broken and sum(shape.child_counts) == len(shape.nodes) - 1

    def table(self, shape: TreeShape, heap_bytes: int) -> SampleTable | None:
        """The stacks of a tree with their own bytes; None where its amounts contradict each other.

        Of a node that lacks children nothing is its own: what they would explain stays unattributed.
        """
        if not shape.nodes or shape.amounts[0] != heap_bytes:
            return None
        nodes, first, inverse = np.unique(
            np.frombuffer(shape.nodes, dtype=np.int32), return_index=True, return_inverse=True
        )
        count = len(nodes)
        amounts = sums_at(inverse, np.frombuffer(shape.amounts, dtype=np.int64), count, "retained_bytes")
        announced = sums_at(inverse, np.frombuffer(shape.child_counts, dtype=np.int64), count, "nodes")
        # Sorted, so the root is first.
        parents = np.searchsorted(nodes, np.frombuffer(self._parents, dtype=np.int32)[nodes[1:]])
        met = np.bincount(np.searchsorted(nodes, self._parents_of(shape)), minlength=count)
        own = amounts - sums_at(parents, amounts[1:], count, "retained_bytes")
        if (own < 0).any():
            return None
        own[met != announced] = 0
        own[0] = 0
        chosen = np.flatnonzero(own)
        chosen = chosen[np.argsort(first[chosen], kind="stable")]
        lines = np.frombuffer(shape.lines, dtype=np.int64)[first[chosen]]
        return self._build(nodes[chosen], own[chosen], lines)

    def _parents_of(self, shape: TreeShape) -> NDArray[np.int32]:
        nodes = np.frombuffer(shape.nodes, dtype=np.int32)[1:]
        return np.frombuffer(self._parents, dtype=np.int32)[nodes]

    def _build(self, nodes: Int32Column, own: Int64Column, lines: Int64Column) -> SampleTable:
        frame_of = self._frame_indexes()
        parents = np.frombuffer(self._parents, dtype=np.int32)
        lengths = np.frombuffer(self._depths, dtype=np.int32)[nodes].astype(np.int64)
        offsets = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
        flat = np.empty(int(offsets[-1]), dtype=np.int32)
        # All stacks climb one step at a time: the leaf is the outermost frame.
        at, current = offsets[:-1].copy(), nodes.copy()
        while len(current):
            flat[at] = frame_of[current]
            current = parents[current]
            goes_on = current != _ROOT
            at, current = at[goes_on] + 1, current[goes_on]
        used = np.unique(flat)
        known = self._known_frames
        return SampleTable(
            frames=tuple(known[index] for index in used.tolist()),
            flat=freeze(np.searchsorted(used, flat).astype(np.int32)),
            offsets=freeze(offsets),
            values={"retained_bytes": freeze(own)},
            names=tuple(map(str, lines.tolist())),
        )

    def _frame_indexes(self) -> Int32Column:
        """By node, the index of its frame; made when all trees are read, as a later one can show that a call is inlined."""
        if self._node_frames is None:
            indexes = array("i", (-1,))
            for label, is_inlined in zip(self._node_labels[1:], self._is_inlined[1:], strict=True):
                frame = self._label_frames[label]
                indexes.append(self._frames.index(frame._replace(is_inlined=True) if is_inlined else frame))
            self._node_frames = np.frombuffer(indexes, dtype=np.int32)
            self._known_frames = self._frames.frames()
        return self._node_frames
