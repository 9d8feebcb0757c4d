"""The data of a page as the document `leakreport/1`: the listed paths, and one row for what ends in a node beside them.

Nothing in the data is trusted: every index, length, type and depth is looked at before it is used. Rows come one by
one, as there can be a million nodes. Specification: `docs/payload.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from leakreport.errors import UnsupportedInput
from leakreport.limits import Limits
from leakreport.model.raw import Frame, FrameKind, small_path_count, small_paths
from leakreport.readers._payload_rows import (
    Rest,
    folded_numbers,
    is_told,
    listed_of,
    listed_rows,
    rest_of,
    unlisted_rows,
)
from leakreport.readers._payload_tree import FOLDED, LARGEST, PageNodes, frame_entries, nodes_of
from leakreport.readers._report_page import PAYLOAD_SCHEMA
from leakreport.readers._report_values import DamagedReport, as_count, as_list, as_object, as_text, as_word

_KINDS = {word: word for word in ("analysis", "diff", "trend")}


def document_of(payload: object, source: str, limits: Limits) -> Iterator[tuple[str, object]]:
    """The members of the document, `paths` as an iterator.

    Raises:
        DamagedReport: the data is not as it must be.
        UnsupportedInput: it is of another version.
    """
    values = as_object(payload, "the data")
    schema = as_text(values.get("schema"), "schema")
    if schema != PAYLOAD_SCHEMA:
        raise UnsupportedInput(
            f"{source} is a page with data of {schema[:40]!r}, and this leakreport reads {PAYLOAD_SCHEMA!r}",
            advice="Read it with the version of leakreport that made it, or a later one.",
        )
    kind = as_word(values.get("kind"), _KINDS, "kind")
    document = as_object(values.get("document"), "document")
    if document.get("kind") != kind:
        raise DamagedReport("document.kind is not the kind of the data")
    frames = list(frame_entries(values, limits))
    nodes = nodes_of(values, len(frames), limits)
    frame_count = len(frames)
    listed = listed_of(values, nodes)
    rest = rest_of(nodes, listed, kind)
    counts = sorted(folded_numbers(rest, nodes, kind))
    folded_frame = {count: len(frames) + number for number, count in enumerate(counts)}
    frames.extend(_folded_entry(count) for count in counts)
    snapshot_count = len(as_list(document.get("snapshots", []), "document.snapshots"))
    rows = chain(
        listed_rows(listed, nodes, kind, frame_count), unlisted_rows(rest, nodes, kind, folded_frame, snapshot_count)
    )
    tables: dict[str, tuple[str, object]] = {"findings": ("frames", frames), "hidden": ("paths", rows)}
    if rest.paths:
        pruned = _pruned(values, nodes, rest, is_first=not any(map(_is_small, frames[:frame_count])))
        tables["mismatches" if kind == "trend" else "attribution"] = ("pruned", pruned)
    for name, value in document.items():
        if name in {"frames", "paths", "pruned"}:
            raise DamagedReport(f"document.{name} stands in the tables, too")
        if name in tables:
            # In the order of the specification, so that it reads like any other document.
            yield tables.pop(name)
        yield name, value
    yield from tables.values()


def _is_small(frame: dict[str, object]) -> bool:
    """Whether a frame stands for paths that an earlier report had folded."""
    name = frame["function"]
    is_synthetic = frame["kind"] == FrameKind.SYNTHETIC.value and isinstance(name, str)
    return is_synthetic and small_path_count(Frame(str(name), kind=FrameKind.SYNTHETIC)) > 0


def _pruned(payload: dict[str, object], nodes: PageNodes, rest: Rest, *, is_first: bool) -> dict[str, object]:
    """How many paths are not listed, and the most that one retains of which the stack is not known.

    That is not known of what an earlier report had folded.
    """
    if not is_first:
        return {"paths": sum(rest.paths), "largest_bytes": None}
    largest = [as_count(as_object(payload["tree"], "tree").get("largest", LARGEST), "tree.largest")]
    for index, (node, count) in enumerate(zip(rest.node, rest.paths, strict=True)):
        if nodes.frame[node] != FOLDED and not is_told(nodes, node, count):
            largest.extend(column[index] for name, column in rest.columns.items() if name.endswith("retained_bytes"))
    return {"paths": sum(rest.paths), "largest_bytes": max(largest)}


def _folded_entry(count: int) -> dict[str, object]:
    frame = small_paths(count)
    return {
        "function": frame.function,
        "module": None,
        "file": None,
        "line": None,
        "kind": frame.kind.value,
        "inlined": False,
        "address": None,
        "offset": None,
        "own": False,
    }
