"""The line of evidence, word for word."""

from __future__ import annotations

import numpy as np
import pytest

from leakreport.analysis.growth import judge_series
from leakreport.analysis.growth_results import GrowthWord
from leakreport.analysis.growth_text import Wording, evidence
from leakreport.model.columns import Float64Column

PHASE = Wording("phase")
NOISE = np.random.default_rng(5).standard_normal(60)


def _line(*series: float, wording: Wording = PHASE, quantum: float = 1.0) -> str:
    return evidence(judge_series(np.array([series], dtype=np.int64), quantum=quantum), 0, wording)


@pytest.mark.parametrize(
    ("series", "line"),
    [
        ((), "0 B → 0 B: 0 snapshots: nothing to compare."),
        ((9,), "9 B → 9 B: 1 snapshot: nothing to compare."),
        ((4096, 6144), "4.00 KiB → 6.00 KiB: larger by 2.00 KiB."),
        ((6144, 4096), "6.00 KiB → 4.00 KiB: smaller by 2.00 KiB."),
        ((5, 5), "5 B → 5 B: no change."),
        (
            (4096, 5120, 6144),
            (
                "4.00 KiB → 6.00 KiB: larger by 2.00 KiB over 3 snapshots; 4 equal rounds of exact data or 30 noisy samples"
                " could tell."
            ),
        ),
        (
            [7 * 1024] * 5,
            (
                "7.00 KiB → 7.00 KiB: no growth; a leak of 0.5 B per phase or more would have been found (95 of 100), half of"
                " it with about 5 more snapshots."
            ),
        ),
        (
            [1 << 20] * 5 + [9 << 20] * 6,
            "1.00 MiB → 9.00 MiB: one step of 8.00 MiB after snapshot 5, level since. A leak of ",
        ),
        (
            [196608 * i for i in range(12)],
            (
                "0 B → 2.06 MiB: 192.0 KiB per phase (192.0 KiB … 192.0 KiB). Rose in 11 of 11 steps, not explained by a step,"
                " a stop or a warm-up; p < 1e-12 among 1 series. A buffer that fills and is emptied later looks the same in 12"
                " snapshots."
            ),
        ),
        (
            [1024 * (i % 5) for i in range(15)],
            "0 B → 4.00 KiB: 2 cycles of ",
        ),
        (
            [64 * 2 ** int(np.ceil(np.log2(i))) for i in range(1, 41)],
            (
                "64 B → 4.00 KiB: a container that doubles, last after snapshot 32, each jump twice the one before; as if 64 B"
                " per phase (60.2 B … 68.3 B) arrived steadily."
            ),
        ),
        (
            [*[1000] * 11, 4000],
            "1,000 B → 3.91 KiB: one step of 2.93 KiB in the last snapshot: measure once more.",
        ),
        (
            [1000, 1016, 984, 1008, 1000, 992, 1016, 1000, 984, 1000, 1016, 1000, 1008, 992, 4000],
            "1,000 B → 3.91 KiB: rose in the last snapshot only: measure once more.",
        ),
    ],
)
def test_the_line_of(series: tuple[int, ...], line: str) -> None:
    found = _line(*series)
    assert found.startswith(line)
    assert line[-1] != "." or found == line


def test_two_cycles_say_how_many_are_needed() -> None:
    line = _line(*(1024 * (i % 5) for i in range(15)))
    assert line.endswith(": no leak could have been shown; 5 are needed, about 23 more snapshots.")


def test_a_floor_that_rises_is_named() -> None:
    line = _line(*(40_000 * (i % 6) + 8_000 * i for i in range(60)))
    assert " at the floor of 9 cycles; a cycle itself is " in line


def test_a_level_floor_names_the_smallest_leak() -> None:
    line = _line(*(40_000 * (i % 6) for i in range(60)))
    assert "9 cycles of " in line
    assert "; their floor does not rise; a leak of " in line


@pytest.mark.parametrize(
    ("shape", "word", "words"),
    [
        (100 * (1 - np.exp(-np.arange(60) / 4)), "plateau", ("grew ", " until about snapshot ", ", level since. A leak of ")),
        (100 * (1 - np.exp(-np.arange(60) / 18)), "slowing", ("still rising, slower and slower (", " % of the rise in the")),
        (-1.0 * np.arange(60), "shrinking", ("falls ", " per phase (−")),
    ],
)  # fmt: skip
def test_shapes_that_stop_say_so(shape: Float64Column, word: str, words: tuple[str, ...]) -> None:
    values = np.array([10**6 + 10_000 * (shape + NOISE)], dtype=np.int64)
    verdicts = judge_series(values, quantum=16.0)
    assert verdicts[0].word == word
    line = evidence(verdicts, 0, PHASE)
    assert all(part in line for part in words), line


def test_an_unclear_rise_says_how_many_more_would_do() -> None:
    values = np.array([10**6 + 10_000 * (0.3 * np.arange(60) + NOISE)], dtype=np.int64)[:, :24]
    verdicts = judge_series(values, quantum=16.0)
    assert verdicts[0].word is GrowthWord.UNCLEAR
    line = evidence(verdicts, 0, PHASE)
    assert ", not enough evidence among 1 series; about " in line
    assert line.endswith(" more snapshots would do.")


def test_a_long_series_needs_no_warning_of_a_buffer() -> None:
    line = _line(*(4096 * i for i in range(40)))
    assert line.endswith("p < 1e-12 among 1 series.")


def test_counts_and_hours_are_named_in_their_units() -> None:
    wording = Wording("hour", is_bytes=False, scale=3600.0)
    times = [60.0 * i for i in range(12)]
    verdicts = judge_series(np.arange(12)[None, :] * 3, times=times)
    assert evidence(verdicts, 0, wording).startswith("0 → 33: 180 per hour (")
