"""Lines, limits and gaps of a trend against numpy's own fit and the story of the data."""

from __future__ import annotations

import numpy as np
import pytest

from leakreport.analysis.growth import judge_series
from leakreport.analysis.growth_results import GrowthWord
from leakreport.analysis.trend import trend
from leakreport.analysis.trendfit import fitted_line, hidden_leaks
from leakreport.model.builder import build_run
from leakreport.model.raw import Frame, RawSnapshot, SampleTableBuilder, SnapshotMeta


def snapshots(series: dict[str, list[int]], times: list[float] | None = None, source: str = "x") -> list[RawSnapshot]:
    found = []
    for number, amounts in enumerate(zip(*series.values(), strict=True)):
        builder = SampleTableBuilder(("retained_bytes",))
        for name, amount in zip(series, amounts, strict=True):
            builder.add([Frame("main", "/app/x"), Frame(name, "/app/x")], (amount,))
        time = None if times is None else times[number]
        meta = SnapshotMeta(source, "massif", time=time, time_unit=None if time is None else "ms")
        found.append(RawSnapshot(meta, {"retained_bytes": sum(amounts)}, builder.build()))
    return found


@pytest.mark.parametrize("times", [None, [float(10 * n + n % 3) for n in range(24)]])
def test_the_line_is_the_one_numpy_fits_to_the_last_three_quarters(times: list[float] | None) -> None:
    noise = np.random.default_rng(5).integers(-400, 400, 24)
    leak = [10_000 * n + int(noise[n]) + 5_000 for n in range(24)]
    report = trend(build_run(snapshots({"leak": leak, "flat": [777] * 24}, times)))
    row = next(row for row in report.rows if row.verdict.word is GrowthWord.GROWING)
    line = report.fit_of(row)
    assert line is not None
    x = np.asarray(report.places)
    slope, intercept = np.polyfit(x[6:], np.asarray(leak[6:], dtype=float), 1)
    assert line.slope == pytest.approx(slope)
    assert [line.at(place, line.slope) for place in (line.start, line.end)] == pytest.approx([intercept + slope * x[6], intercept + slope * x[-1]])  # fmt: skip
    assert line.low < slope < line.high
    assert report.fit_of(next(row for row in report.rows if row.verdict.word is not GrowthWord.GROWING)) is None


def test_a_line_leaves_out_what_was_not_measured() -> None:
    report = trend(build_run(snapshots({"leak": [1000 * n for n in range(16)]})))
    verdict = report.rows[0].verdict
    series = [None if n % 2 else 1000 * n for n in range(16)]
    line = fitted_line([float(n) for n in range(16)], series, verdict)
    assert line is not None
    # Eight are measured, the first two of them are before the last three quarters.
    assert (line.start, line.end) == (4.0, 14.0)
    assert line.middle_y == 9000.0


def test_limits_are_of_paths_that_hold_something_and_do_not_grow() -> None:
    report = trend(build_run(snapshots({"leak": [1000 * n for n in range(12)], "flat": [5000] * 12, "never": [0] * 12, "wave": [9000, 100] * 6})))  # fmt: skip
    hidden = report.hidden_leaks
    others = [row.verdict.smallest_leak for row in report.rows if row.path.frames and any(row.series)]
    told = sorted(leak for leak, row in zip(others, [r for r in report.rows if any(r.series)], strict=True) if leak is not None and row.verdict.word is not GrowthWord.GROWING)  # fmt: skip
    assert (hidden.told, hidden.untold) == (len(told), 2 - len(told))
    assert hidden.largest == max(told) * report.per_snapshot
    nothing = np.zeros((0, 4), dtype=np.int64)
    assert hidden_leaks(nothing, judge_series(nothing)) == (0, 0, None, None)
