"""The call tree and its frames as the data of a page has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np

from leakreport.analysis.pagetree import Meaning, Mode, PageTree
from leakreport.analysis.report import SnapshotSummary
from leakreport.analysis.trendreport import Point
from leakreport.model.columns import Int64Column, exact_sum
from leakreport.model.packing import packed_tree
from leakreport.model.raw import Frame, FrameKind
from leakreport.render.payload_columns import check_number, shown_text

_KINDS = {kind: number for number, kind in enumerate(FrameKind)}
_YOURS, _INLINED = 1, 2


class FrameTable:
    """The frames that the data speaks of, numbered as they come."""

    def __init__(self, frames: Sequence[Frame], own: Sequence[bool], keys: Mapping[str, str]) -> None:
        """Start with none of them.

        Args:
            frames: of the report.
            own: which of them are yours.
            keys: canonical names of functions, where they are not the names.
        """
        self._frames, self._own, self._keys = frames, own, keys
        self._number: dict[int, int] = {}

    def number(self, index: int) -> int:
        """The number of a frame of the report."""
        return self._number.setdefault(index, len(self._number))

    def numbers(self, stack: Sequence[int]) -> list[int]:
        """The numbers of some frames."""
        return [self.number(index) for index in stack]

    def column(self, frame: Int64Column) -> Int64Column:
        """The numbers of a column of frames; what is below zero is no frame and stays."""
        used, first, place = np.unique(frame, return_index=True, return_inverse=True)
        numbers = used.copy()
        for entry in np.argsort(first).tolist():
            if used[entry] >= 0:
                numbers[entry] = self.number(int(used[entry]))
        column: Int64Column = numbers[place]
        return column

    def _key(self, frame: Frame) -> str | None:
        """A short digest of the canonical name of a function; None where that is the name."""
        name = self._keys.get(frame.function or "")
        return None if name is None else blake2b(name.encode("utf-8", "replace"), digest_size=3).hexdigest()

    def entries(self) -> tuple[dict[str, list[object]], list[str]]:
        """The frames as columns, and the texts that these have numbers of."""
        texts: dict[str, int] = {"": 0}

        def text(value: str | None) -> int:
            return -1 if value is None else texts.setdefault(shown_text(value), len(texts))

        frames = [self._frames[index] for index in self._number]
        # The texts of a frame one after the other, so that its key is the text behind its name.
        named = [
            (text(frame.function), text(self._key(frame)), text(frame.path), text(frame.module)) for frame in frames
        ]
        columns: dict[str, list[object]] = {
            "function": [function for function, _, _, _ in named],
            "key": [key - function if key >= 0 else 0 for function, key, _, _ in named],
            "file": [file for _, _, file, _ in named],
            "module": [module for _, _, _, module in named],
            "line": [frame.line or 0 for frame in frames],
            "kind": [_KINDS[frame.kind] for frame in frames],
            "flags": [
                _YOURS * self._own[index] + _INLINED * frame.is_inlined
                for index, frame in zip(self._number, frames, strict=True)
            ],
        }
        if any("/" in (frame.file or "") for frame in frames):
            # Where the tool divided the path, which the last slash does not tell.
            columns["directory"] = [
                text(frame.directory or "") if "/" in (frame.file or "") else -1 for frame in frames
            ]
        for name, addresses in (
            ("address", [frame.address for frame in frames]),
            ("offset", [frame.offset for frame in frames]),
        ):
            if any(address is not None for address in addresses):
                columns[name] = [None if address is None else f"0x{address:x}" for address in addresses]
        return columns, list(texts)


def tree_entry(page: PageTree, frames: FrameTable) -> dict[str, object]:
    """The tree.

    Raises:
        OutputError: a sum is larger than JavaScript can hold.
    """
    for column in page.columns.values():
        # No sum of a part is larger than that of everything: nothing is below zero.
        check_number(exact_sum(column))
    stored = packed_tree(
        depth=page.depth,
        frame=frames.column(page.frame),
        path_count=page.path_count,
        columns=page.columns,
        responsible=page.responsible,
        folded=page.folded,
        repeats=page.repeats,
    )
    check_number(page.largest_folded)
    return stored | {"largest": page.largest_folded}


def meaning_entries(meaning: Meaning, states: Sequence[SnapshotSummary | Point]) -> dict[str, object]:
    """What the columns of the tree say; `states` are those that steps are of."""
    before, after = meaning.compare or ("", "")
    return {
        "modes": [_mode(mode) for mode in meaning.modes],
        "mode": meaning.mode,
        "compare": None if meaning.compare is None else {"before": before, "after": after},
        "snapshots": [
            {
                "index": step.state,
                "label": states[step.state].label,
                "time": states[step.state].time,
                "column": step.column,
            }
            for step in meaning.steps
        ],
    }


def _mode(mode: Mode) -> dict[str, object]:
    shown: dict[str, object] = {"key": mode.key, "title": mode.title}
    if mode.column is None:
        return shown | {"before": mode.before, "after": mode.after}
    return shown | {"column": mode.column}
