"""Leak kinds as one bar and a list: how much of what is held is lost, and how surely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.render.bars import mark_of, tone_of
from leakreport.units import format_bytes, format_change, format_exact_bytes, format_share, plural

WIDTH = 400
_LOOKS = {
    LeakKind.DEFINITE: ("d", "#1b1a17"),
    LeakKind.INDIRECT: ("i2", "#5c5850"),
    LeakKind.POSSIBLE: ("p", "#8a857b"),
    LeakKind.REACHABLE: ("b0", "#c9c4ba"),
}


class KindPart(NamedTuple):
    """One kind that is measured; places in a bar `WIDTH` wide."""

    kind: LeakKind
    start: float
    width: float
    shade: str
    fill: str
    text: str
    exact: str
    small: str
    """Blocks and paths, or the change."""
    tone: str
    share: str


def kind_parts(
    totals: Mapping[str, int], paths: Mapping[str, int] | None, change: Mapping[str, int] | None = None
) -> list[KindPart]:
    """The kinds in the order of how surely they are lost.

    Args:
        totals: of the judged snapshot, or of the later side.
        paths: how many paths each kind has, by its word; None where that is not known.
        change: of a comparison; then kinds that only one side measures are left out.
    """
    kinds = [kind for kind in LEAK_KINDS if kind.bytes_metric in (totals if change is None else change)]
    if change is None and paths is None:
        return []
    whole = sum(totals.get(kind.bytes_metric, 0) for kind in kinds)
    found = []
    start = 0.0
    for kind in kinds:
        amount = totals.get(kind.bytes_metric, 0)
        width = amount / whole * WIDTH if whole else 0.0
        if change is None:
            blocks = totals.get(kind.blocks_metric)
            parts = ("" if blocks is None else plural(blocks, "block"), plural((paths or {}).get(kind.word, 0), "path"))
            small, tone = ", ".join(part for part in parts if part), ""
        else:
            delta = change[kind.bytes_metric]
            small = f"{mark_of(delta)} {format_change(delta)}" if delta else "no change"
            tone = tone_of(delta)
        exact = format_exact_bytes(amount)
        if change is not None:
            exact = f"{exact}, change {format_exact_bytes(change[kind.bytes_metric])}"
        share = format_share(amount, whole)
        found.append(
            KindPart(
                kind, round(start, 1), round(width, 1), *_LOOKS[kind], format_bytes(amount), exact, small, tone, share
            )
        )
        start += width
    return found
