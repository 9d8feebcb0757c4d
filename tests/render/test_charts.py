"""Drawings against the numbers they are made of: boxes that add up, axes that hold every value, lines inside the frame."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.analysis.trendreport import FittedLine
from leakreport.render.chart_svg import SPARK_HEIGHT, SPARK_WIDTH, Plot, byte_ticks, chart, sparkline
from leakreport.render.flame_svg import ROW_HEIGHT, WIDTH, Look, icicle


def places(points: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in points.split())]


@given(st.recursive(st.integers(0, 10**12), lambda children: st.lists(children, min_size=1, max_size=4), max_leaves=20))
def test_boxes_are_as_wide_as_their_weights_and_lie_below_their_parents(tree: object) -> None:
    parents: list[int] = []
    depths: list[int] = []
    weights: list[int] = []

    def add(node: object, parent: int, depth: int) -> int:
        here = len(parents)
        parents.append(parent)
        depths.append(depth)
        weights.append(0)
        if isinstance(node, list):
            weights[here] = sum([add(child, here, depth + 1) for child in node])
        elif isinstance(node, int):
            weights[here] = node
        return weights[here]

    whole = add(tree, -1, 0)
    graph = icicle(parents, depths, weights, lambda index: Look(str(index), str(index), "k1", "#fff"))
    if not whole:
        assert graph.boxes == []
        return
    assert len(graph.boxes) == len(weights)
    used: defaultdict[int, float] = defaultdict(float)
    for index, box in enumerate(graph.boxes):
        # Drawn boxes are a pixel narrower than their share, and places are rounded to a tenth.
        assert box.width == pytest.approx(max(weights[index] / whole * WIDTH - 1, 0.8), abs=0.06)
        assert box.y == depths[index] * ROW_HEIGHT
        if parents[index] >= 0:
            above = graph.boxes[parents[index]]
            assert box.x == pytest.approx(above.x + used[parents[index]], abs=0.2)
            used[parents[index]] += weights[index] / whole * WIDTH


def test_of_too_many_boxes_the_widest_are_drawn() -> None:
    graph = icicle([-1, 0, 0, 0], [0, 1, 1, 1], [10, 1, 6, 3], lambda i: Look(f"name{i}", "", "k1", "#fff"), most_boxes=3)  # fmt: skip
    assert [box.look.name for box in graph.boxes] == ["name0", "name2", "name3"]
    assert graph.is_cut
    assert graph.boxes[1].x == pytest.approx(WIDTH / 10)


@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62))
def test_ticks_are_even_and_hold_the_values(one: int, other: int) -> None:
    low, high = min(one, other, 0), max(one, other, 0)
    ticks = byte_ticks(low, high)
    assert 2 <= len(ticks) <= 8
    assert ticks[0][0] <= low
    assert ticks[-1][0] >= high * (1 - 1e-12)
    steps = [after[0] - before[0] for before, after in pairwise(ticks)]
    assert max(steps) == pytest.approx(min(steps))
    assert len({label for _, label in ticks}) == len(ticks)
    assert "0" in {label for _, label in ticks}


SERIES = st.lists(st.none() | st.integers(-(2**40), 2**50), min_size=0, max_size=900)


@given(SERIES)
def test_a_chart_stays_in_its_frame_and_shows_the_extremes(values: list[int | None]) -> None:
    plot = Plot([float(number) for number in range(len(values))], values, [""] * len(values), is_whole=True)
    drawn = chart(plot, 1120, 280)
    known = [value for value in values if value is not None]
    if len(known) < 2:
        assert drawn is None
        assert sparkline(values) is None
        return
    assert drawn is not None
    line = places(drawn.points)
    assert all(drawn.left <= x <= drawn.right and 0 <= y <= drawn.base for x, y in line)
    assert [x for x, _ in line] == sorted(x for x, _ in line)
    assert len(line) <= 402
    lowest, highest = max(y for _, y in line), min(y for _, y in line)
    assert line[0] == (drawn.first.x, drawn.first.y)
    assert line[-1] == (drawn.last.x, drawn.last.y)
    for label, room in (
        (drawn.first, (drawn.first.x, drawn.first.x + 40)),
        (drawn.last, (drawn.last.x - 40, drawn.last.x)),
    ):
        assert 11 <= label.text_y < drawn.base
        covered = [y for x, y in line if room[0] <= x <= room[1]]
        is_steep = min(covered) < label.y - 20
        assert is_steep or label.text_y <= max(min(covered), 20) - 8.9
    # The scale is even: the extremes stand where their values are between the outermost ticks.
    low, high = byte_ticks(min(0, *known), max(0, *known))[0][0], byte_ticks(min(0, *known), max(0, *known))[-1][0]
    top = drawn.up[-1].at
    for value, y in ((max(known), highest), (min(known), lowest)):
        assert y == pytest.approx(top + (high - value) / (high - low) * (drawn.base - top), abs=0.2)
    small = sparkline(values)
    assert small is not None
    for x, y in places(small.points):
        assert 0 <= x <= SPARK_WIDTH
        assert 0 <= y <= SPARK_HEIGHT
    assert places(small.points)[-1] == small.end


def test_a_fitted_line_goes_through_its_middle_and_widens_to_both_ends() -> None:
    fit = FittedLine(2.0, 8.0, 5.0, 500.0, 100.0, 80.0, 120.0)
    plot = Plot([float(n) for n in range(11)], [100 * n for n in range(11)], [""] * 11, is_whole=True, changes=(0, 3, 99), fit=fit)  # fmt: skip
    drawn = chart(plot, 400, 200)
    assert drawn is not None
    assert drawn.wedge is not None
    (x0, y0), (x1, y1) = places(drawn.wedge.line)
    line = places(drawn.points)
    assert (x0, y0) == line[2]
    assert (x1, y1) == line[8]
    low0, middle, low1, high1, _, high0 = places(drawn.wedge.area)
    assert middle == line[5]
    assert high1[1] < y1 < low1[1]
    assert low0[1] < y0 < high0[1]
    assert [change.label for change in drawn.changes] == ["change at 3"]


def test_words_of_changes_do_not_overlap_and_stay_inside() -> None:
    numbers = range(41)
    plot = Plot([float(n) for n in numbers], list(numbers), [""] * 41, is_whole=True, changes=(1, 2, 20, 40))
    drawn = chart(plot, 340, 240)
    assert drawn is not None
    assert [change.label for change in drawn.changes] == ["change at 1", "", "change at 20", "change at 40"]
    assert all(40 <= change.label_at <= 300 for change in drawn.changes)


def test_places_of_an_axis_share_one_unit() -> None:
    drawn = chart(Plot([0.0, 4e7], [1, 2], ["", ""], is_whole=False), 1120, 280)
    assert drawn is not None
    assert [tick.label for tick in drawn.across] == ["0", "5 M", "10 M", "15 M", "20 M", "25 M", "30 M", "35 M", "40 M"]
