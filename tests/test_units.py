"""Sizes and shares: the boundaries between units, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.errors import UsageError
from leakreport.units import (
    format_bytes,
    format_change,
    format_count,
    format_exact_bytes,
    format_ratio,
    format_share,
    parse_size,
    plural,
)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.00 KiB"),
        (102_394, "99.99 KiB"),
        (102_400, "100.0 KiB"),
        ((1 << 20) - 1, "1.00 MiB"),
        (1 << 20, "1.00 MiB"),
        ((1 << 30) - 1, "1.00 GiB"),
        (1 << 40, "1.00 TiB"),
        (-1, "−1 B"),
        (-1536, "−1.50 KiB"),
    ],
)
def test_bytes_for_people(amount: int, text: str) -> None:
    assert format_bytes(amount) == text


@given(st.integers(min_value=0, max_value=1 << 50))
def test_a_formatted_size_reads_back_within_rounding(amount: int) -> None:
    back = parse_size(format_bytes(amount).replace(",", ""))
    assert back == pytest.approx(amount, rel=0.0051)


@given(st.integers(min_value=0, max_value=1 << 63))
def test_an_exact_size_reads_back_exactly(amount: int) -> None:
    assert parse_size(format_exact_bytes(amount).replace(",", "")) == amount


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0%"),
        (0, 5, "0%"),
        (5, 5, "100%"),
        (1, 10**6, "<0.1%"),
        (1, 1000, "0.1%"),
        (994, 10_000, "9.9%"),
        (100, 1000, "10%"),
        (999, 1000, ">99%"),
    ],
)
def test_shares(part: int, whole: int, text: str) -> None:
    assert format_share(part, whole) == text


def test_a_share_of_100_percent_is_exact() -> None:
    assert format_share(995, 1000) != "100%"


@pytest.mark.parametrize("text", ["", "x", "-1", "1 parsec", "1.5.2M", "KiB", "1e3", "1,024"])
def test_what_is_not_a_size(text: str) -> None:
    with pytest.raises(UsageError):
        parse_size(text)


@pytest.mark.parametrize(("text", "amount"), [("1k", 1024), ("1kB", 1000), (" 2 MiB", 2 << 20), ("0.5K", 512)])
def test_sizes(text: str, amount: int) -> None:
    assert parse_size(text) == amount


def test_counts() -> None:
    assert format_count(-1200) == "−1,200"
    assert plural(0, "block") == "0 blocks"
    assert plural(1, "entry", "entries") == "1 entry"


FORMATS: dict[str, Callable[..., object]] = {
    "bytes": format_bytes,
    "exact": format_exact_bytes,
    "count": format_count,
    "change": format_change,
    "share": lambda pair: format_share(*pair),
    "ratio": lambda pair: format_ratio(*pair),
    "size": parse_size,
}
# The table is typed by hand; the script in the report is held to the same one (tests/js/format.test.js).
CASES = json.loads((Path(__file__).parent / "data" / "format_cases.json").read_text(encoding="utf-8"))


def test_the_table_has_sixty_cases() -> None:
    assert len(CASES) >= 60
    assert {case["rule"] for case in CASES} == set(FORMATS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['rule']}-{case['input']}")
def test_the_table_of_formats(case: dict[str, Any]) -> None:
    assert FORMATS[case["rule"]](case["input"]) == case["output"]


@given(st.integers(min_value=-(1 << 52), max_value=1 << 52))
def test_bytes_follow_the_rule_in_exact_arithmetic(amount: int) -> None:
    magnitude = abs(amount)
    text = f"{magnitude:,} B"
    if magnitude >= 1024:
        for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1):
            scaled = Fraction(magnitude, 1024**power)
            # The first unit in which the printed figure stays below the next unit.
            if round(scaled, 1) < 1024 or unit == "TiB":
                decimals = 2 if round(scaled, 2) < 100 else 1
                text = f"{float(round(scaled, decimals)):.{decimals}f} {unit}"
                break
    assert format_bytes(amount) == ("−" if amount < 0 else "") + text


@given(st.integers(min_value=0, max_value=10**15), st.integers(min_value=1, max_value=10**15))
def test_a_share_says_zero_and_all_only_when_exact(part: int, whole: int) -> None:
    part = min(part, whole)
    text = format_share(part, whole)
    assert (text == "0%") == (part == 0)
    assert (text == "100%") == (part == whole)
