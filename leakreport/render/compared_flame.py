"""The calls of two states as a flame graph and as a table: widths are what is held, colours are shares of the change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from leakreport.analysis.report import LEFT_OUT, OTHERS, WHOLE, ComparedTree
from leakreport.model.raw import Frame
from leakreport.render.bars import Bar, bars, mark_of, tone_of
from leakreport.render.flame_svg import FlameGraph, Look, icicle, shade_of
from leakreport.render.phrases import cut, frame_name
from leakreport.units import (
    format_bytes,
    format_change,
    format_exact_bytes,
    format_pair,
    format_share,
    plural,
)

_SMALL_GROWTH = 5
"""Growth of less than one part in so many of what is held cannot be seen among it: then it is drawn alone."""
_TREE_LEVELS, _TREE_ROWS = 4, 40
_ROOM_IN_TITLES, _LEAST_NAME, _LONGEST_NAME = 16_000, 60, 2000


class ComparedRow(NamedTuple):
    """A node of the tree as a row of a table."""

    depth: int
    name: str
    library: str
    before: str
    after: str
    ends_exact: str
    share: str
    """Of all that is held after."""
    bar: Bar
    change: str
    change_exact: str
    tone: str
    is_responsible: bool


class Drawing(NamedTuple):
    """One graph with what its widths are, in words."""

    graph: FlameGraph
    width: str
    total: str


class ComparedFlame(NamedTuple):
    """The tree, drawn and told."""

    drawings: list[Drawing]
    rows: list[ComparedRow]
    hidden_rows: int
    has_lone: bool
    """Whether anything is new or gone, and dashed."""
    deepest_gap: int


def compared_flame(tree: ComparedTree, frames: Sequence[Frame], after: str) -> ComparedFlame | None:
    """The drawings and the table; None where nothing is held on either side.

    What is held after is drawn, or only what grew where it could not be seen among the rest; then what shrank.

    Args:
        tree: of the report.
        frames: the same.
        after: when the later state was, in words: "in build 418".
    """
    if len(tree) < 2:
        return None
    drawings = [
        Drawing(graph, width, format_bytes(weights[0]))
        for weights, width in _weights(tree, after)
        if _adds_up(tree, weights)
        and (
            graph := icicle(
                tree.parent,
                tree.depth,
                weights,
                _looks(tree, frames, is_shrinkage=weights is tree.shrinkage_bytes),
                least_width=0.5,
            )
        ).boxes
    ]
    shown = _first_levels(tree)
    drawn = bars([tree.after_bytes[node] - tree.before_bytes[node] for node in shown])
    return ComparedFlame(
        drawings=drawings,
        rows=[_row(tree, frames, node, bar) for node, bar in zip(shown, drawn, strict=True)],
        hidden_rows=len(tree) - len(shown),
        has_lone=any(_presence(tree, node) for node in range(1, len(tree))),
        deepest_gap=max((tree.repeats[i] for i in range(len(tree)) if tree.frame[i] == LEFT_OUT), default=0),
    )


def _weights(tree: ComparedTree, after: str) -> Iterator[tuple[Sequence[int], str]]:
    if 0 < tree.growth_bytes[0] * _SMALL_GROWTH < tree.after_bytes[0]:
        yield tree.growth_bytes, "what paths grew by"
    elif tree.after_bytes[0]:
        yield tree.after_bytes, f"memory held {after}"
    if tree.shrinkage_bytes[0]:
        yield tree.shrinkage_bytes, "what paths shrank by"


def _adds_up(tree: ComparedTree, weights: Sequence[int]) -> bool:
    """Whether no node is narrower than its children: amounts below zero cannot be drawn."""
    below = [0] * len(tree)
    for node in range(1, len(tree)):
        below[tree.parent[node]] += weights[node]
    return all(0 <= inner <= whole for inner, whole in zip(below, weights, strict=True))


def _first_levels(tree: ComparedTree) -> list[int]:
    """The nodes of the first levels; two at least, more where there is room."""
    shown = [node for node in range(len(tree)) if tree.depth[node] <= _TREE_LEVELS]
    for level in range(_TREE_LEVELS - 1, 1, -1):
        if len(shown) <= _TREE_ROWS:
            break
        shown = [node for node in shown if tree.depth[node] <= level]
    return shown[:_TREE_ROWS]


def _name(tree: ComparedTree, frames: Sequence[Frame], node: int) -> str:
    frame = tree.frame[node]
    if frame == WHOLE:
        return "all retained memory"
    if frame == OTHERS:
        return plural(tree.path_count[node], "small path")
    if frame == LEFT_OUT:
        return f"⋯ {plural(tree.repeats[node], 'frame')}"
    return frame_name(frames[frame])


def _change(tree: ComparedTree, node: int) -> int:
    return tree.after_bytes[node] - tree.before_bytes[node]


def _presence(tree: ComparedTree, node: int) -> str:
    if tree.frame[node] == WHOLE:
        return ""
    return "new" if not tree.before_bytes[node] else "gone" if not tree.after_bytes[node] else ""


def _looks(tree: ComparedTree, frames: Sequence[Frame], *, is_shrinkage: bool) -> Callable[[int], Look]:
    longest = min(max(_ROOM_IN_TITLES // len(tree), _LEAST_NAME), _LONGEST_NAME)

    def look(node: int) -> Look:
        name, change, presence = _name(tree, frames, node), _change(tree, node), _presence(tree, node)
        ends = format_pair(tree.before_bytes[node], tree.after_bytes[node])
        parts = [ends, _change_words(change), _share_words(tree, node) if change else "", presence]
        is_first = presence and not _presence(tree, tree.parent[node])
        return Look(
            f"{presence}: {name}" if is_first else name,
            f"{cut(name, longest)}: {', '.join(part for part in parts if part)}",
            # Among what shrank, what grew beside it would hide where.
            *shade_of(-tree.shrinkage_bytes[node] / tree.shrinkage_bytes[0] if is_shrinkage else tree.share(node)),
            is_responsible=tree.is_responsible[node],
            is_dashed=bool(presence),
        )

    return look


def _share_words(tree: ComparedTree, node: int) -> str:
    change = _change(tree, node)
    whole, word = (tree.growth_bytes[0], "growth") if change > 0 else (tree.shrinkage_bytes[0], "shrinkage")
    return f"{format_share(min(abs(change), whole), whole)} of all {word}"


def _change_words(change: int) -> str:
    return format_change(change) if change else "no change"


def _row(tree: ComparedTree, frames: Sequence[Frame], node: int, bar: Bar) -> ComparedRow:
    frame, change = tree.frame[node], _change(tree, node)
    before, after = tree.before_bytes[node], tree.after_bytes[node]
    return ComparedRow(
        depth=tree.depth[node],
        name=_name(tree, frames, node),
        library=(frames[frame].module_name or "") if frame >= 0 else "",
        before=format_bytes(before),
        after=format_bytes(after),
        ends_exact=f"{format_exact_bytes(before)} → {format_exact_bytes(after)}",
        share=format_share(max(after, 0), max(tree.after_bytes[0], 0)),
        bar=bar,
        change=f"{mark_of(change)} {_change_words(change)}".strip(),
        change_exact=format_exact_bytes(change),
        tone=tone_of(change),
        is_responsible=tree.is_responsible[node],
    )
