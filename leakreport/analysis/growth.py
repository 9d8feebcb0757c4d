"""Is it really growing? One verdict word per series, for all series of a report at once, with control over false alarms.

Few rows grow, so the cheap tests are made for all and the shapes that could explain a rise are fitted for those that pass.
Source: docs/verdict.md holds the procedure and what it reaches on series of known truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leakreport.analysis.changepoints import Shape, Shapes, difference_rivals, tail_rivals
from leakreport.analysis.growth_bars import Bar, GrowthOptions, effective_snapshots, half_quanta, smallest_leaks
from leakreport.analysis.growth_results import CODES, GrowthVerdicts, GrowthWord, SeriesFacts
from leakreport.analysis.series_groups import Measured, SeriesGroup, measure_groups
from leakreport.analysis.series_tests import census_bounds, holm, normal_tail, walk_quantile
from leakreport.analysis.slopes import Axis, intervals
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column

LEAST_SNAPSHOTS = 4
# Below this only exact data is judged.
_LEAST_FOR_ALL_WORDS = 6
_LEAST_SHARE_OF_FLOOR = 0.75


class _Passed(NamedTuple):
    """Which rows pass the two tests of the family, in one direction."""

    level: BoolColumn
    difference: BoolColumn


def judge_series(
    values: Int64Column,
    *,
    work: Sequence[float] | None = None,
    times: Sequence[float] | None = None,
    is_missing: BoolColumn | None = None,
    quantum: float | Float64Column = 1.0,
    least_growth: Float64Column | None = None,
    options: GrowthOptions | None = None,
) -> GrowthVerdicts:
    """Judge every row of a matrix.

    Args:
        values: Paths × snapshots. A path that is absent from a complete snapshot is 0 there.
        work: Cumulative units of work per snapshot; slopes are then per unit of work.
        times: Time per snapshot, used where there is no work. Without both, slopes are per snapshot.
        is_missing: Paths × snapshots: values that were not measured.
        quantum: The smallest change that means one event (mean block, page, sampled bytes), of all or per path; above 0.
        least_growth: Per path, the least range that is not flat, where paths have different units; else that of the options.
        options: How strictly.

    Returns:
        One verdict per path, in the order of the rows.
    """
    options = options or GrowthOptions()
    values = np.ascontiguousarray(values, dtype=np.int64)
    paths, snapshots = values.shape
    quanta = np.broadcast_to(np.asarray(quantum, dtype=np.float64), (paths,))
    floors = np.maximum(float(options.min_growth) if least_growth is None else least_growth, 2 * quanta)
    x, unit = choose_axis(snapshots, work=work, times=times)
    facts = SeriesFacts(values, is_missing, x, unit)
    groups = measure_groups(values, is_missing, x, quanta, floors, least=LEAST_SNAPSHOTS)
    for group in groups:
        facts.store_quiet(group, floors[group.quiet] / group.axis.span)
    judged = [group for group in groups if group.measured is not None]
    family = sum(group.rows.size for group in judged)
    if family:
        _judge_family(values, judged, max(1, family if options.is_family else 1), options, facts)
    facts.estimate_more_runs()
    return facts.freeze(family)


def choose_axis(
    snapshots: int, *, work: Sequence[float] | None = None, times: Sequence[float] | None = None
) -> tuple[Float64Column, str]:
    """What series are plotted against, and its name: work where it strictly rises, else time, else the number."""
    for numbers, unit in ((work, "work"), (times, "time")):
        if numbers is None or len(numbers) != snapshots:
            continue
        x = np.asarray(numbers, dtype=np.float64)
        if np.isfinite(x).all() and (np.diff(x) > 0).all():
            return x - x[0] if snapshots else x, unit
    return np.arange(snapshots, dtype=np.float64), "snapshot"


def _judge_family(
    values: Int64Column, groups: Sequence[SeriesGroup], size: int, options: GrowthOptions, facts: SeriesFacts
) -> None:
    measured = [group.measured for group in groups if group.measured is not None]
    level_z = np.concatenate([one.slopes.z for one in measured])
    difference_z = np.concatenate([one.slopes.difference_z for one in measured])
    level, difference = normal_tail(level_z), normal_tail(difference_z)
    up = _Passed(_holds(level, size, options), _holds(difference, size, options))
    down_level, down_difference = normal_tail(-level_z), normal_tail(-difference_z)
    # A sawtooth is judged by its floor, and only upwards.
    is_cycle = np.concatenate([one.is_cycle for one in measured])
    down_level[is_cycle] = down_difference[is_cycle] = 1.0
    down = _Passed(_holds(down_level, size, options), _holds(down_difference, size, options))
    walks = max(1.0, sum(_walk_count(values, group) for group in groups)) if options.is_family else 1.0
    up_bar = _bar_of(up, size, walks, options)
    down_bar = _bar_of(down, size, walks, options)
    start = 0
    for group, one in zip(groups, measured, strict=True):
        part = slice(start, start + group.rows.size)
        start = part.stop
        facts.p_values[group.rows] = np.minimum(level[part], difference[part])
        _judge_group(values, group, one, _part(up, part), _part(down, part), (up_bar, down_bar), facts)


def _part(passed: _Passed, part: slice) -> _Passed:
    return _Passed(passed.level[part], passed.difference[part])


def _bar_of(passed: _Passed, size: int, walks: float, options: GrowthOptions) -> Bar:
    if not options.is_family:
        return Bar(options, size, walks, 1, 1)
    return Bar(options, size, walks, int(passed.level.sum()), int(passed.difference.sum()))


def _holds(tails: Float64Column, size: int, options: GrowthOptions) -> BoolColumn:
    if not options.is_family:
        return np.asarray(tails <= options.alpha / 2)
    return holm(tails, options.alpha / 2, size)


def _walk_count(values: Int64Column, group: SeriesGroup) -> float:
    """About how many rows of a group behave like random walks, by what simple shapes leave of them."""
    measured = group.measured
    assert measured is not None
    slopes, length = measured.slopes, group.tail_length
    median, white_share = census_bounds(length)
    noisy = slopes.is_noisy & ~measured.is_cycle
    # What the best shape leaves is hardly ever more correlated than what the line leaves.
    likely = np.flatnonzero(noisy & (slopes.correlation >= median))
    count = 0
    for part in group.chunks(likely):
        floats, _ = group.floats(values, part)
        rivals = tail_rivals(floats, group.axis)
        left = np.minimum(rivals.squares, slopes.residual_squares[part])
        is_noise = left > half_quanta(group, part) / 4
        count += int(np.count_nonzero((rivals.correlation >= median) & is_noise))
    return 2 * (count - white_share * int(noisy.sum()))


def _judge_group(
    values: Int64Column,
    group: SeriesGroup,
    measured: Measured,
    up: _Passed,
    down: _Passed,
    bars: tuple[Bar, Bar],
    facts: SeriesFacts,
) -> None:
    """The word, slope and smallest leak of every row of a group."""
    slopes, is_cycle = measured.slopes, measured.is_cycle
    bar = bars[0]
    believed = ~slopes.is_noisy | is_cycle
    believed |= slopes.correlation <= walk_quantile(group.tail_length, bar.options.alpha / bar.walks)
    rises, falls = _unexplained(values, group, measured, believed, (up, down), bars)
    rises |= is_cycle & up.level
    span = group.axis.tail_span
    needed = _LEAST_SHARE_OF_FLOOR * group.floor * (group.tail_length - 1) / (group.axis.length - 1)
    needed = np.maximum(needed, np.where(is_cycle, measured.least_floor_slope * span, 0))
    grows = rises & (slopes.slope * span >= needed)
    words = _rest_words(measured.shapes)
    words[is_cycle] = CODES[GrowthWord.SAWTOOTH]
    passed = up.level | up.difference
    words[passed & (words == CODES[GrowthWord.FLAT])] = CODES[GrowthWord.UNCLEAR]
    words[falls] = CODES[GrowthWord.SHRINKING]
    words[grows] = CODES[GrowthWord.GROWING]
    words[measured.doubling.is_doubling] = CODES[GrowthWord.GROWING]
    if group.axis.length < _LEAST_FOR_ALL_WORDS:
        is_certain = (words == CODES[GrowthWord.GROWING]) | falls
        is_certain |= (words == CODES[GrowthWord.STEP]) & measured.shapes.is_exact_step
        words[~is_certain] = CODES[GrowthWord.TOO_FEW]
    smallest = smallest_leaks(group, measured, believed, bar)
    arrivals = group.quantum if bar.options.is_random_arrival else np.zeros(group.rows.size)
    shown = intervals(slopes, group.axis, arrivals, is_cycle)
    facts.store(group, measured, words, shown, smallest)


def _unexplained(
    values: Int64Column,
    group: SeriesGroup,
    measured: Measured,
    believed: BoolColumn,
    passed: tuple[_Passed, _Passed],
    bars: tuple[Bar, Bar],
) -> tuple[BoolColumn, BoolColumn]:
    """Rows that passed a test and are not explained as well by a shape that stops: rising, and falling."""
    up, down = passed
    rises, falls = np.zeros(group.rows.size, dtype=np.bool_), np.zeros(group.rows.size, dtype=np.bool_)
    candidates = (up.level | down.level) & believed | up.difference | down.difference
    for part in group.chunks(np.flatnonzero(candidates & ~measured.is_cycle)):
        floats, changes = group.floats(values, part)
        rounding = half_quanta(group, part)
        left = tail_rivals(floats, group.axis).squares
        effective = effective_snapshots(group, measured.slopes.safe_correlation[part])
        level = 0.5 * effective * np.log((left + rounding) / (measured.slopes.residual_squares[part] + rounding))
        rival_left, rate_left = difference_rivals(changes, group.axis)
        count = group.tail_length - 1
        least = count * (group.quantum[part] / 2) ** 2 / (group.axis.tail_span / count) ** 2
        difference = 0.5 * count * np.log((rival_left + least) / (rate_left + least))
        sides = ((rises, up, bars[0], 1), (falls, down, bars[1], -1))
        for found, tests, bar, sign in sides:
            by_level = tests.level[part] & believed[part] & (level >= bar.level_ratio)
            by_difference = tests.difference[part] & (difference >= bar.difference_ratio)
            found[part] = (by_level | by_difference) & _is_monotone(floats, group.axis, sign)
    return rises, falls


def _is_monotone(floats: Float64Column, axis: Axis, sign: int) -> BoolColumn:
    """Whether the means of the three thirds of the tail rise (or fall)."""
    tail = floats[:, axis.tail_start :]
    third = tail.shape[1] // 3
    first = tail[:, :third].mean(axis=1)
    middle = tail[:, third : tail.shape[1] - third].mean(axis=1)
    last = tail[:, tail.shape[1] - third :].mean(axis=1)
    return np.asarray((sign * (middle - first) > 0) & (sign * (last - middle) > 0))


def _rest_words(shapes: Shapes) -> NDArray[np.int8]:
    """The word of what does not grow."""
    saturates = np.where(shapes.is_over, CODES[GrowthWord.PLATEAU], CODES[GrowthWord.SLOWING])
    saturates = np.where(shapes.rise < 0, CODES[GrowthWord.SHRINKING], saturates)
    words = np.array([CODES[GrowthWord.FLAT], CODES[GrowthWord.UNCLEAR], CODES[GrowthWord.STEP], 0], dtype=np.int8)
    return np.where(shapes.shape == Shape.SATURATION, saturates, words[shapes.shape]).astype(np.int8)
