"""The timeline and the columns against the numbers they are drawn from."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.analysis.report import Report
from leakreport.api import analyze, load
from leakreport.model.builder import build_run
from leakreport.model.raw import Frame, Moment, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.render.bars import WIDTH, bars
from leakreport.render.columns_svg import Columns, Plan, Run, columns
from leakreport.render.timeline import Timeline, timeline
from tests.support import fixture_path


def places(points: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in points.split())]


def profile(totals: list[int], detailed: dict[int, dict[str, int]], judged: int) -> Report:
    """A profile over time with call paths in some snapshots only."""
    raws = []
    for number, total in enumerate(totals):
        table = None
        if number in detailed:
            builder = SampleTableBuilder(("retained_bytes",))
            for name, amount in detailed[number].items():
                builder.add([Frame("main", "/app/x"), Frame(name, "/app/x")], (amount,))
            table = builder.build()
        meta = SnapshotMeta("m.out", "massif", time=float(number * 10), time_unit="ms", judges_peak=True, is_peak=number == judged, moment=Moment.PEAK)  # fmt: skip
        raws.append(RawSnapshot(meta, {"retained_bytes": total}, table))
    return analyze(build_run(raws))


def drawn(report: Report) -> Timeline:
    found = timeline(report)
    assert found is not None
    return found


def test_every_snapshot_has_a_place_and_the_judged_one_its_mark() -> None:
    report = analyze(load(fixture_path("massif", "wave-ms")))
    found = drawn(report)
    steps = [float(step) for step in found.steps.split()]
    times = [report.snapshots[index].time or 0.0 for index in report.timeline]
    assert len(steps) == len(times) == 59
    for step, time in zip(steps, times, strict=True):
        share = (time - times[0]) / (times[-1] - times[0])
        assert step == pytest.approx(found.left + share * (found.right - found.left), abs=0.06)
    assert found.judged[0] == steps[report.timeline.index(report.judged)]
    assert all(found.top <= y <= found.bottom for _, y in places(found.points))
    assert found.is_estimated
    # massif's own file: seven of its snapshots are detailed.
    assert len(found.rows) == found.detailed.count("M") == 7


def test_areas_reach_the_total_and_are_as_high_as_what_paths_hold() -> None:
    totals = [100, 400, 900, 1000, 200]
    report = profile(totals, {1: {"big": 300, "small": 100}, 3: {"big": 750, "small": 250}}, 3)
    found = drawn(report)
    assert [area.name for area in found.areas] == ["big", "small"]

    def height(amount: float) -> float:
        # The line and the areas are in one scale: the total of the judged snapshot gives it.
        return amount / 1000 * (found.bottom - found.judged[1])

    steps = [float(step) for step in found.steps.split()]
    below = dict.fromkeys(steps, 0.0)
    for area in found.areas:
        points = places(area.points)
        upper = points[: len(points) // 2]
        # Nothing is drawn before the first and behind the last snapshot with call paths.
        assert [x for x, _ in upper] == steps[1:4]
        below = {x: found.bottom - y for x, y in upper}
    for number in (1, 2, 3):
        assert below[steps[number]] == pytest.approx(height(totals[number]), abs=0.3)
    big = {x: found.bottom - y for x, y in places(found.areas[0].points)[:3]}
    assert big[steps[1]] == pytest.approx(height(300), abs=0.3)
    assert big[steps[3]] == pytest.approx(height(750), abs=0.3)
    # In between 900 are known in all, and three quarters on both sides.
    assert big[steps[2]] == pytest.approx(height(675), abs=0.3)


def test_names_beside_the_areas_do_not_cover_each_other() -> None:
    paths = {f"f{number}": 1000 - number for number in range(30)}
    found = drawn(profile([1, sum(paths.values())], {0: dict.fromkeys(paths, 0), 1: paths}, 1))
    assert [name.title for name in found.names] == [*(f"f{number}" for number in range(9)), "everything else"]
    heights = [name.y for name in found.names]
    assert all(one - other >= 13.9 for one, other in pairwise(heights))
    assert found.rows[-1].parts[-1] == f"{sum(list(paths.values())[9:]) / 1024:.2f} KiB"


def test_without_call_paths_only_the_total_is_drawn() -> None:
    found = drawn(profile([5, 10, 3], {}, 1))
    assert (found.areas, found.names, found.rows, found.is_estimated) == ([], [], [], False)
    assert timeline(profile([5], {}, 0)) is None


RUNS = st.lists(st.tuples(st.integers(0, 2**50), st.floats(0, 1)), min_size=2, max_size=40)


@given(RUNS, st.sampled_from([(700, 300), (330, 240)]))
def test_columns_are_as_high_as_their_totals_and_stay_inside(
    runs: list[tuple[int, float]], size: tuple[int, int]
) -> None:
    found = columns([Run(f"build {number}", total, int(total * part)) for number, (total, part) in enumerate(runs)], Plan("lib", 1), *size)  # fmt: skip
    if not any(total for total, _ in runs):
        assert found is None
        return
    assert found is not None
    most = max(total for total, _ in runs)
    scale = max(found.base - column.top for column in found.columns) / most
    for column, (total, _) in zip(found.columns, runs, strict=True):
        assert found.left <= column.x
        assert column.x + column.width <= found.right + 0.1
        assert found.base - column.top == pytest.approx(total * scale, abs=0.2)
        for piece in column.pieces:
            assert piece.height >= 0
            assert column.top - 0.1 <= piece.y
            assert piece.y + piece.height <= found.base + 0.9
    edges = [(column.x, column.x + column.width) for column in found.columns]
    assert all(one[1] <= other[0] for one, other in pairwise(edges))


def two_columns(**plan: object) -> Columns:
    found = columns([Run("412", 100, 20, "baseline"), Run("418", 300, 220, "this run")], Plan("lib", 200, **plan), 540, 290)  # type: ignore[arg-type]  # fmt: skip
    assert found is not None
    return found


def test_the_budget_and_one_change_are_drawn_where_they_are() -> None:
    found = two_columns(limit=200, limit_label="budget 200 B", change=1, fitted=(100.0, 300.0))
    assert found.limit is not None
    assert found.limit.at == pytest.approx((found.columns[0].top + found.columns[1].top) / 2, abs=0.1)
    assert found.change is not None
    assert found.columns[0].x + found.columns[0].width < found.change.at < found.columns[1].x
    assert [y for _, y in places(found.fitted)] == [column.top for column in found.columns]
    assert [column.value for column in found.columns] == ["100 B", "300 B"]
    assert two_columns().limit is None


@given(st.lists(st.integers(-(2**60), 2**60), min_size=1, max_size=25))
def test_bars_share_one_scale_and_one_zero(changes: list[int]) -> None:
    found = bars(changes)
    span = max(0, *changes, 0) - min(0, *changes, 0) or 1
    assert len({bar.zero for bar in found}) == 1
    for bar, change in zip(found, changes, strict=True):
        assert bar.start >= 0
        assert bar.start + bar.width <= WIDTH + 0.1
        assert bar.width == pytest.approx(max(abs(change) / span * WIDTH, 1.5 if change else 0), abs=0.1)
        if abs(change) / span * WIDTH > 2:
            assert (bar.start + bar.width / 2 > bar.zero) == (change > 0)
