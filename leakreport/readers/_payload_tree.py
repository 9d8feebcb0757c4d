"""The frames and the call tree of a page's data, looked through before anything is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypedDict, TypeVar, cast

import numpy as np

from leakreport.limits import Limits
from leakreport.model.columns import Int64Column
from leakreport.model.packing import DamagedTree, unpacked_tree
from leakreport.model.raw import FrameKind
from leakreport.readers._report_values import DamagedReport, as_list, as_object, as_text

ROOT, FOLDED, LEFT_OUT = -1, -2, -3
"""In place of a frame: the root, small paths, the middle of a very deep stack. Source: `docs/payload.md`."""
_KINDS = tuple(kind.value for kind in FrameKind)
_YOURS, _INLINED = 1, 2
LARGEST = 2**53 - 1
_Value = TypeVar("_Value")


class _Column(TypedDict):
    name: str
    values: list[int]


def whole_numbers(value: object, what: str, *, least: int = 0, most: int = LARGEST) -> list[int]:
    """A list of whole numbers.

    Raises:
        DamagedReport: it is something else.
    """
    found = as_list(value, what)
    if not set(map(type, found)) <= {int}:
        raise DamagedReport(f"{what} has something that is no whole number")
    numbers = cast("list[int]", found)
    if numbers and (min(numbers) < least or max(numbers) > most):
        raise DamagedReport(f"{what} has a number that is out of range")
    return numbers


def frame_entries(payload: Mapping[str, object], limits: Limits) -> Sequence[dict[str, object]]:
    """The entries of `frames` as the document has them.

    Raises:
        DamagedReport: a column is none, or points beyond the texts.
    """
    strings = [as_text(text, "strings") for text in as_list(payload.get("strings"), "strings")]
    table = as_object(payload.get("frames"), "frames")
    kinds = whole_numbers(table.get("kind"), "frames.kind", most=len(_KINDS) - 1)
    count = len(kinds)
    if count > limits.records:
        raise DamagedReport(f"there are more than {limits.records:,} frames")

    def texts(name: str) -> list[str | None]:
        numbers = whole_numbers(table.get(name), f"frames.{name}", least=-1, most=len(strings) - 1)
        return [None if number < 0 else strings[number] for number in _as_long(numbers, count, f"frames.{name}")]

    functions, modules, files = texts("function"), texts("module"), texts("file")
    lines = _as_long(whole_numbers(table.get("line"), "frames.line"), count, "frames.line")
    flags = _as_long(whole_numbers(table.get("flags"), "frames.flags", most=3), count, "frames.flags")
    entries: list[dict[str, object]] = [
        {
            "function": functions[index],
            "module": modules[index],
            "file": files[index],
            "line": lines[index] or None,
            "kind": _KINDS[kinds[index]],
            "inlined": bool(flags[index] & _INLINED),
            "address": None,
            "offset": None,
            "own": bool(flags[index] & _YOURS),
        }
        for index in range(count)
    ]
    for name in ("address", "offset"):
        if name in table:
            for entry, text in zip(entries, _as_long(as_list(table[name], name), count, name), strict=True):
                entry[name] = text
    for index, directory in _directories(table, strings, count):
        entries[index]["directory"] = directory
    return entries


def _directories(table: Mapping[str, object], strings: Sequence[str], count: int) -> Iterator[tuple[int, str | None]]:
    """Where the tool divided a file name from its folder; -1 where the last slash tells, 0 where there is no folder."""
    if "directory" in table:
        numbers = whole_numbers(table["directory"], "frames.directory", least=-1, most=len(strings) - 1)
        for index, number in enumerate(_as_long(numbers, count, "frames.directory")):
            if number >= 0:
                yield index, strings[number] or None


def _as_long(column: Sequence[_Value], count: int, what: str) -> Sequence[_Value]:
    if len(column) != count:
        raise DamagedReport(f"{what} is not as long as the other columns")
    return column


@dataclass(frozen=True, slots=True)
class PageNodes:
    """The kept nodes of a call tree, pre-order."""

    parent: Sequence[int]
    frame: Sequence[int]
    paths: Int64Column
    """How many paths end in the node, or are folded there."""
    columns: Mapping[str, Int64Column]
    """Self values by name."""
    known: Sequence[int]
    """Per node the innermost node up to which the stacks of its paths are known."""
    is_exact: Sequence[int]
    """Per node, whether the stack of what ends there is the way from the root."""

    def __len__(self) -> int:
        return len(self.parent)

    def stack(self, node: int) -> list[int]:
        """The frames from the root to a node, as far as they are frames."""
        found = []
        while node > 0:
            if self.frame[node] >= 0:
                found.append(self.frame[node])
            node = self.parent[node]
        return found[::-1]


def nodes_of(payload: Mapping[str, object], frame_count: int, limits: Limits) -> PageNodes:
    """The tree.

    Raises:
        DamagedReport: it is no tree in pre-order, or has frames that are not there.
    """
    compare = payload.get("compare")
    sides = None
    if compare is not None:
        entry = as_object(compare, "compare")
        sides = as_text(entry.get("before"), "compare.before"), as_text(entry.get("after"), "compare.after")
    try:
        tree = unpacked_tree(as_object(payload.get("tree"), "tree"), sides)
    except DamagedTree as error:
        raise DamagedReport(f"tree: {error}") from error
    depth, frame = cast("list[int]", tree["depth"]), cast("list[int]", tree["frame"])
    if len(depth) > limits.records:
        raise DamagedReport("the tree has too many nodes")
    if min(frame) < LEFT_OUT or max(frame) >= frame_count:
        raise DamagedReport("tree: a frame is not in the table")
    if max(cast("list[int]", tree["paths"])) > limits.records:
        raise DamagedReport("tree.paths has too large a number")
    repeated = {node for node, _ in cast("list[tuple[int, int]]", tree["repeats"])}
    parent, known, is_exact = _ways(depth, frame, repeated, limits)
    columns = {
        entry["name"]: np.asarray(entry["values"], dtype=np.int64) for entry in cast("list[_Column]", tree["columns"])
    }
    return PageNodes(parent, frame, np.asarray(tree["paths"], dtype=np.int64), columns, known, is_exact)


def _ways(
    depths: Sequence[int], frame: Sequence[int], repeated: set[int], limits: Limits
) -> tuple[list[int], list[int], bytearray]:
    """Per node its caller, how far from the root the stacks of its paths are known, and whether that is all of them."""
    parent, known, is_exact, way = [-1], [0], bytearray(b"\1"), [0]
    if frame[0] != ROOT:
        raise DamagedReport("the tree does not begin with its root")
    if max(depths) > limits.stack_frames:
        raise DamagedReport("the tree is too deep")
    for node in range(1, len(depths)):
        del way[depths[node] :]
        above = way[-1]
        if frame[node] == ROOT or frame[above] == FOLDED:
            raise DamagedReport("the tree has a node where none can be")
        way.append(node)
        parent.append(above)
        is_told = is_exact[above] and frame[node] >= 0
        known.append(node if is_told else known[above])
        # What ends in or below a repeated node may have called it once or several times.
        is_exact.append(bool(is_told) and node not in repeated)
    return parent, known, is_exact
