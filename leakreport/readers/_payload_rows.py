"""The rows of a page's data: the listed paths, and what the nodes of its tree hold beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from leakreport.model.columns import Int64Column
from leakreport.model.metrics import LEAK_KINDS, LOST_KINDS, METRICS
from leakreport.readers._payload_tree import FOLDED, PageNodes, whole_numbers
from leakreport.readers._report_parts import stack_of
from leakreport.readers._report_rows import DERIVED
from leakreport.readers._report_values import DamagedReport, as_count, as_list, as_object, count_or_none

_EVIDENCE = "paths that the page does not list one by one"
_ALWAYS = {"analysis": ("values",), "diff": ("before", "after", "change"), "trend": ("series",)}
"""Objects that every row of a document has, even where nothing is in them."""
_OPTIONAL = {
    "leak_kind_before",
    "id_before",
    "frames_before",
    "record_count",
    "records",
    "runs",
    "per_unit",
    "series",
    "error",
}
"""What rows do not have where there is nothing to say."""


class Listed(NamedTuple):
    """The listed paths."""

    node: Int64Column
    """Where each ends."""
    columns: Mapping[str, Sequence[object]]

    def __len__(self) -> int:
        return len(self.node)

    def amounts(self, name: str) -> Int64Column:
        """A column of numbers; 0 where a row has none.

        Raises:
            DamagedReport: it has something else.
        """
        column = self.columns.get(name, ())
        numbers = [0 if value is None else as_count(value, name) for value in column] or [0] * len(self)
        return np.asarray(numbers, dtype=np.int64)

    def series(self, name: str, number: int) -> Int64Column:
        """One snapshot of a column of series."""
        found = []
        for value in self.columns.get(name, ()):
            series = as_list(value, name)
            amount = series[number] if number < len(series) else None
            found.append(count_or_none(amount, name) or 0)
        return np.asarray(found or [0] * len(self), dtype=np.int64)


def listed_of(payload: Mapping[str, object], nodes: PageNodes) -> Listed:
    """The columns of the listed paths.

    Raises:
        DamagedReport: they are not of one length, or end in no node of their own.
    """
    table = as_object(payload.get("rows"), "rows")
    columns = {name: as_list(column, f"rows.{name[:40]}") for name, column in table.items()}
    node = whole_numbers(columns.pop("node", []), "rows.node", most=len(nodes) - 1)
    if any(nodes.frame[number] == FOLDED for number in node):
        raise DamagedReport("a listed path ends in what is folded")
    for name, column in columns.items():
        if len(column) != len(node):
            raise DamagedReport(f"rows.{name[:40]} is not as long as rows.node")
    return Listed(np.asarray(node, dtype=np.int64), columns)


def listed_rows(listed: Listed, nodes: PageNodes, kind: str, frame_count: int) -> Iterator[dict[str, object]]:
    """Rows as the document has them.

    Raises:
        DamagedReport: a stack has a frame that is not there.
    """
    names = {name: tuple(name.split(".")) for name in listed.columns if name != "stack"}
    stacks = listed.columns.get("stack")
    for index, node in enumerate(listed.node.tolist()):
        row: dict[str, object] = {}
        for name, steps in names.items():
            _put(row, steps, listed.columns[name][index])
        for name in _ALWAYS[kind]:
            if not isinstance(row.get(name), dict):
                row[name] = {}
        stack = None if stacks is None else stacks[index]
        row["frames"] = nodes.stack(node) if stack is None else stack_of(stack, "rows.stack")
        for name in _OPTIONAL & set(row):
            if row[name] is None:
                del row[name]
        for name in {"frames", "frames_before"} & set(row):
            if max(stack_of(row[name], f"rows.{name}"), default=-1) >= frame_count:
                raise DamagedReport(f"{name} of a listed path has a frame that is not there")
        yield row


def _put(row: dict[str, object], steps: Sequence[str], value: object) -> None:
    """A value under its name; below others, what is not there leaves no trace."""
    if len(steps) == 1:
        row.setdefault(steps[0], value)
        return
    if value is None:
        return
    inner = row
    for step in steps[:-1]:
        below = inner.get(step)
        if not isinstance(below, dict):
            below = inner[step] = {}
        inner = below
    inner[steps[-1]] = value


class Rest(NamedTuple):
    """What nodes hold beside the listed paths that end there."""

    node: list[int]
    paths: list[int]
    columns: Mapping[str, Sequence[int]]

    def amounts(self, index: int, prefix: str) -> dict[str, int]:
        """By metric what one has in the columns with a prefix."""
        return {
            name.removeprefix(prefix): column[index]
            for name, column in self.columns.items()
            if name.startswith(prefix) and name.removeprefix(prefix) in METRICS
        }


def rest_of(nodes: PageNodes, listed: Listed, kind: str) -> Rest:
    """The nodes with more than the listed paths.

    Raises:
        DamagedReport: a node has less.
    """
    paths = nodes.paths - np.bincount(listed.node, minlength=len(nodes))
    left: dict[str, Int64Column] = {}
    for name, column in nodes.columns.items():
        family, _, metric = name.partition(".")
        if family == "series":
            metric, _, number = metric.partition(".")
            if not number.isascii() or not number.isdecimal() or len(number) > 9:
                raise DamagedReport("tree.columns has a series without a number")
            taken = listed.series(f"series.{metric}", int(number))
        else:
            taken = listed.amounts(f"values.{name}" if kind == "analysis" else name)
        rest = column.copy()
        np.subtract.at(rest, listed.node, taken)
        if rest.min(initial=0) < 0 and not (family == "series" and kind == "analysis"):
            raise DamagedReport(f"a listed path holds more of {name[:40]} than its node")
        left[name] = np.maximum(rest, 0)
    if paths.min(initial=0) < 0:
        raise DamagedReport("more paths are listed than end in a node")
    held = [column != 0 for name, column in left.items() if kind == "trend" or not name.startswith("series.")]
    if any((one & (paths == 0)).any() for one in held):
        raise DamagedReport("a node holds something and no path ends in it")
    chosen = np.flatnonzero(paths)
    return Rest(
        chosen.tolist(), paths[chosen].tolist(), {name: column[chosen].tolist() for name, column in left.items()}
    )


def unlisted_rows(
    rest: Rest, nodes: PageNodes, kind: str, folded_frame: Mapping[int, int], snapshot_count: int
) -> Iterator[dict[str, object]]:
    """A row for each leak kind of each node.

    Args:
        rest: what there is.
        nodes: the tree.
        kind: of the document.
        folded_frame: by number of paths the frame that stands for so many.
        snapshot_count: how many snapshots the document has.
    """
    for index, (node, count) in enumerate(zip(rest.node, rest.paths, strict=True)):
        stack = nodes.stack(nodes.known[node])
        is_known = is_told(nodes, node, count)
        head = {"responsible": None, "owner": None, "module": None, "site": None, "named_by": None}
        for word, number, amounts in _by_kind(rest, index, kind, count, snapshot_count):
            frames = stack if is_known else [*stack, folded_frame[number]]
            yield {"id": None, "leak_kind": word, "frames": frames, **head, **amounts, "folded": number}


def folded_numbers(rest: Rest, nodes: PageNodes, kind: str) -> set[int]:
    """How many paths the rows stand for whose stacks are not all known."""
    return {
        number
        for index, (node, count) in enumerate(zip(rest.node, rest.paths, strict=True))
        if not is_told(nodes, node, count)
        for number, _ in _counted(_parts(rest, index, kind), count)
    }


def is_told(nodes: PageNodes, node: int, count: int) -> bool:
    """Whether all that is left in a node is on one stack, and that is known."""
    return bool(nodes.is_exact[node]) and count <= len(LEAK_KINDS)


def _by_kind(
    rest: Rest, index: int, kind: str, count: int, snapshot_count: int
) -> Iterator[tuple[str | None, int, dict[str, object]]]:
    """Leak kind, number of paths, and figures of each row of a node."""
    series = _series(rest, index, snapshot_count)
    for number, (word, sides) in _counted(_parts(rest, index, kind), count):
        if kind == "trend":
            judged = {"verdict": "unclear", "slope": None, "smallest_leak": None, "evidence": _EVIDENCE}
            yield word, number, {"series": series, **judged}
            continue
        if kind == "analysis":
            of_all = {"series": series} if series and word is None else {}
            yield word, number, {"values": sides[0], "dragged_bytes": 0, **of_all}
            continue
        before, after = sides
        is_before, is_after = any(before.values()), any(after.values())
        presence = "both" if is_before == is_after else "gone" if is_before else "new"
        yield word, number, {
            "presence": presence,
            "before": before if presence != "new" else {},
            "after": after if presence != "gone" else {},
            "change": {metric: after[metric] - amount for metric, amount in before.items()},
            "significant": False,
            "matched_as": None,
            "score": None,
            "confidence": None,
            "evidence": _EVIDENCE,
        }  # fmt: skip


_Part = tuple[str | None, tuple[dict[str, int], ...]]


def _parts(rest: Rest, index: int, kind: str) -> list[_Part]:
    """What a node holds by leak kind."""
    if kind == "trend":
        return [(None, ())]
    return _split(*(rest.amounts(index, prefix) for prefix in (("",) if kind == "analysis" else ("before.", "after."))))


def _split(*sides: Mapping[str, int]) -> list[_Part]:
    """The amounts of one or two sides by leak kind: that of their metrics, and what is left."""
    parts: list[_Part] = []
    rest = [{metric: amount for metric, amount in side.items() if metric not in DERIVED} for side in sides]
    for kind in LEAK_KINDS:
        names = (kind.bytes_metric, kind.blocks_metric)
        if not any(side.get(name) for side in sides for name in names):
            continue
        found = []
        for side, left in zip(sides, rest, strict=True):
            values: dict[str, int] = {}
            for unit, name in zip(("bytes", "blocks"), names, strict=True):
                if name in side:
                    values[f"retained_{unit}"] = values[name] = side[name]
                    left[f"retained_{unit}"] = left.get(f"retained_{unit}", 0) - side[name]
                    if kind in LOST_KINDS:
                        values[f"leaked_{unit}"] = side[name]
            found.append(values)
        parts.append((kind.word, tuple(found)))
    if any(amount < 0 for left in rest for amount in left.values()):
        raise DamagedReport("the leak kinds of a node are more than what it holds")
    if not parts or any(any(left.values()) for left in rest):
        parts.append((None, tuple(rest)))
    return parts


def _counted(parts: Sequence[_Part], count: int) -> Iterator[tuple[int, _Part]]:
    """Each part with a number of paths; the first gets what one each leaves over."""
    for index, part in enumerate(parts):
        yield max(count - len(parts) + 1, 1) if index == 0 else 1, part


def _series(rest: Rest, index: int, snapshot_count: int) -> dict[str, list[int | None]]:
    """By metric what a node holds in each snapshot, None where the data does not say."""
    found: dict[str, list[int | None]] = {}
    for name, column in rest.columns.items():
        family, _, metric = name.partition(".")
        if family == "series":
            metric, _, number = metric.partition(".")
            if int(number) >= snapshot_count:
                raise DamagedReport("tree.columns has a series of a snapshot that is not named")
            found.setdefault(metric, [None] * snapshot_count)[int(number)] = column[index]
    return found
