"""What grew and what shrank in a comparison as flame graphs, and the same numbers as rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from leakreport.analysis.diffreport import ChangeTree, DiffReport
from leakreport.analysis.report import LEFT_OUT, OTHERS, WHOLE
from leakreport.render.flame_svg import FlameGraph, Look, icicle
from leakreport.render.phrases import cut, frame_name
from leakreport.units import MINUS, format_bytes, format_exact_bytes, format_share, plural

# Names in titles and tables share so much room, so that a page full of long template names stays small; the stacks of the
# rows have them whole.
_ROOM_IN_TITLES, _ROOM_IN_TABLE = 8_000, 24_000
_LEAST_NAME = 60
_LONGEST_NAME = 2000


class _Direction(NamedTuple):
    """How one of the two trees is drawn. Shades stand in the style sheet; dashes and words tell the same without colour."""

    sign: str
    verb: str
    lone_word: str
    shade: str
    fill: str
    lone_shade: str
    lone_fill: str


_GREW = _Direction("+", "grew", "new", "g3", "#e99f5d", "g4", "#cf6f22")
_SHRANK = _Direction(MINUS, "shrank", "gone", "s3", "#8ab4e2", "s4", "#4a86c8")


class ChangeRow(NamedTuple):
    """A node of the tree as a row of a table."""

    depth: int
    name: str
    library: str
    change_bytes: int
    share: str
    about: str
    is_responsible: bool


class ChangeGraph(NamedTuple):
    """One tree, drawn and told."""

    verb: str
    sign: str
    lone_word: str
    total: str
    exact: str
    paths: int
    graph: FlameGraph
    rows: list[ChangeRow]
    has_lone: bool
    has_both: bool
    deepest_gap: int
    """Frames left out of the middle of the deepest stack."""


def change_graphs(report: DiffReport) -> list[ChangeGraph]:
    """What grew, then what shrank; only what is there."""
    trees = report.trees
    pairs = ((trees.grown, _GREW), (trees.shrunk, _SHRANK))
    return [_change_graph(report, tree, direction) for tree, direction in pairs if len(tree)]


def _change_graph(report: DiffReport, tree: ChangeTree, direction: _Direction) -> ChangeGraph:
    in_titles, in_table = (
        min(max(room // len(tree), _LEAST_NAME), _LONGEST_NAME) for room in (_ROOM_IN_TITLES, _ROOM_IN_TABLE)
    )
    lone = [tree.lone_count[index] == tree.path_count[index] for index in range(len(tree))]
    return ChangeGraph(
        verb=direction.verb,
        sign=direction.sign,
        lone_word=direction.lone_word,
        total=f"{direction.sign}{format_bytes(tree.change_bytes[0])}",
        exact=f"{direction.sign}{format_exact_bytes(tree.change_bytes[0])}",
        paths=tree.path_count[0],
        graph=icicle(
            tree.parent,
            tree.depth,
            tree.change_bytes,
            lambda index: _look(report, tree, index, direction, in_titles),
        ),
        rows=list(_rows(report, tree, direction, in_table)),
        has_lone=any(lone),
        has_both=not all(lone),
        deepest_gap=max((tree.repeats[i] for i in range(len(tree)) if tree.frame[i] == LEFT_OUT), default=0),
    )


def _look(report: DiffReport, tree: ChangeTree, index: int, direction: _Direction, longest: int) -> Look:
    name = _name(report, tree, index, direction)
    is_lone = tree.lone_count[index] == tree.path_count[index]
    above = tree.parent[index]
    is_first_lone = is_lone and (above < 0 or tree.lone_count[above] != tree.path_count[above])
    amount = f"{direction.sign}{format_bytes(tree.change_bytes[index])}"
    share = format_share(tree.change_bytes[index], tree.change_bytes[0])
    title = f"{cut(name, longest)}: {amount}, {share} of what {direction.verb}, {_about(tree, index, direction)}"
    if tree.frame[index] < 0:
        return Look(name, title, "k1" if tree.frame[index] == WHOLE else "k2", "#ebe8e2")
    shade, fill = (direction.lone_shade, direction.lone_fill) if is_lone else (direction.shade, direction.fill)
    label = f"{direction.lone_word}: {name}" if is_first_lone else name
    return Look(label, title, shade, fill, is_responsible=tree.is_responsible[index], is_dashed=is_lone)


def _name(report: DiffReport, tree: ChangeTree, index: int, direction: _Direction) -> str:
    frame, amount = tree.frame[index], format_bytes(tree.change_bytes[index])
    if frame == WHOLE:
        lone = f", all {direction.lone_word}" if tree.lone_count[index] == tree.path_count[index] else ""
        return f"{direction.sign}{amount} on {plural(tree.path_count[index], 'path')}{lone}"
    if frame == OTHERS:
        return f"{plural(tree.path_count[index], 'other path')}, {direction.sign}{amount}"
    if frame == LEFT_OUT:
        return f"⋯ {plural(tree.repeats[index], 'frame')}"
    return frame_name(report.frames[frame])


def _about(tree: ChangeTree, index: int, direction: _Direction) -> str:
    paths, lone = tree.path_count[index], tree.lone_count[index]
    text = plural(paths, "path")
    if lone:
        text += f", {direction.lone_word}" if lone == paths else f", {lone:,} {direction.lone_word}"
    if tree.repeats[index] > 1 and tree.frame[index] >= 0:
        text += f", calls itself up to {plural(tree.repeats[index] - 1, 'time')}"
    return text


def _rows(report: DiffReport, tree: ChangeTree, direction: _Direction, longest: int) -> Iterator[ChangeRow]:
    for index in range(len(tree)):
        frame = tree.frame[index]
        yield ChangeRow(
            tree.depth[index],
            cut(_name(report, tree, index, direction), longest),
            (report.frames[frame].module_name or "") if frame >= 0 else "",
            tree.change_bytes[index],
            format_share(tree.change_bytes[index], tree.change_bytes[0]),
            _about(tree, index, direction),
            tree.is_responsible[index],
        )
