"""The page of a trend: nothing runs, every figure is the JSON's, every path is in one group."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from html import unescape

import pytest

from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import load
from leakreport.render import as_trend, get_renderer
from leakreport.render.interface import RenderOptions
from leakreport.units import format_amount, format_bytes, format_exact_bytes
from tests.html_support import HOSTILE, check_is_closed, collected, made_trend, static_part
from tests.support import fixture_path


def thousand() -> TrendReport:
    rough = random.Random(7)
    return made_trend({"leak": [1000 * n for n in range(1000)], "noise": [50_000 + rough.randrange(9000) for _ in range(1000)]}, has_time=True)  # fmt: skip


CASES: dict[str, Callable[[], TrendReport]] = {
    "runs": lambda: trend(load([fixture_path("memcheck-xml", f"svc-v{number}") for number in range(1, 7)])),
    "massif": lambda: trend(load(fixture_path("massif", "wave-grow4"))),
    "massif-ms": lambda: trend(load(fixture_path("massif", "wave-ms"))),
    "dumps": lambda: trend(load([fixture_path("gperftools", f"series-v2-{n}") for n in ("0001", "0004", "0012")])),
    "two": lambda: trend(load([fixture_path("memcheck-xml", f"svc-v{number}") for number in (2, 3)])),
    "thousand": thousand,
    "zero": lambda: made_trend({"nothing": [0] * 8}),
    "negative": lambda: made_trend({"freed": [-1000 * n for n in range(12)]}, has_time=True),
    "no-paths": lambda: made_trend({}, total=[1000 * n for n in range(20)]),
    "many": lambda: made_trend({f"f{index}": [100 * (index + 1) * n for n in range(12)] for index in range(60)}),
    "hostile": lambda: made_trend(
        {name: [100 * (index + 1) * n for n in range(12)] for index, name in enumerate(HOSTILE)}
    ),
}


def page_of(report: TrendReport) -> str:
    return as_trend(get_renderer("html")).render_trend(report, RenderOptions(command=tuple(HOSTILE)))


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_loaded_and_nothing_runs(name: str) -> None:
    report = CASES[name]()
    text = page_of(report)
    check_is_closed(text)
    assert text == page_of(report)
    assert not re.search(r"\b(?:nan|inf)\b", static_part(text))
    assert len(static_part(text).encode()) < 300_000
    shapes = sum(tag in {"rect", "text", "path", "circle", "polyline", "polygon"} for tag in collected(text).tags)
    for attribute in ("fill", "stroke"):
        assert sum(key == attribute for _, key, _ in collected(text).attributes) == shapes


@pytest.mark.parametrize("name", CASES)
def test_figures_of_the_page_are_those_of_the_json(name: str) -> None:
    report = CASES[name]()
    text = unescape(page_of(report))
    document = json.loads(as_trend(get_renderer("json")).render_trend(report, RenderOptions()))
    assert text.count(f'<h1 id="verdict">{document["verdict"]["sentence"]}</h1>') == 1
    total = document["resources"][0]
    ends = [total["series"][0], total["series"][-1]]
    assert f'title="{format_exact_bytes(ends[0])} → {format_exact_bytes(ends[1])}"' in text
    words = [path["verdict"] for path in document["paths"]]
    growing = [path for path in document["paths"] if path["verdict"] == "growing"]
    assert f"{len(growing):,} of {len(words):,}" in text
    assert text.count('<tr id="path-') == min(len(growing), 25)
    for number, path in enumerate(growing[:25], 1):
        row = re.search(rf'<tr id="path-{number}"[^>]*>.*?</tr>', text, re.DOTALL)
        assert row is not None
        slope = path["slope"]
        assert f"▲ {format_amount(slope['per_snapshot'])}<" in row[0]
        assert f"{format_amount(slope['low'])} … {format_amount(slope['high'])}" in row[0]
        assert format_bytes(path["series"]["retained_bytes"][-1]) in row[0]
        assert name == "hostile" or path["evidence"] in text
    for word in set(words) - {"growing"}:
        assert f"<b>{word}</b> {words.count(word):,}" in text
    smallest = total["smallest_leak"]
    if smallest is not None and total["verdict"] != "growing":
        assert f"growth of {format_amount(smallest['per_snapshot'])} per {report.point_noun}" in text


def test_a_growing_total_has_its_line_and_a_step_its_place() -> None:
    text = page_of(made_trend({}, total=[1000 * n for n in range(20)]))
    assert text.count('class="fitted"') == 2  # drawn wide, and slim for phones
    stepped = page_of(made_trend({"cache": [1_000_000] * 7 + [9_000_000] * 9}))
    assert "fitted" not in re.sub(r"<style>.*?</style>", "", stepped, flags=re.DOTALL)
    assert stepped.count("change at 8</text>") == 2


def test_two_points_are_a_comparison_and_no_trend() -> None:
    text = page_of(CASES["two"]())
    assert "Inconclusive" in text
    assert "larger by" in text
    assert "Slope of the total" not in text


def test_paths_that_never_held_anything_are_counted_and_not_listed() -> None:
    text = page_of(made_trend({"leak": [1000 * n for n in range(12)], **{f"never{n}": [0] * 12 for n in range(40)}}))
    assert "40 paths held nothing at any point." in text
    assert "never7" not in static_part(text)


def test_few_runs_are_columns_and_a_budget_stands_in_the_figures() -> None:
    runs = load([fixture_path("memcheck-xml", f"svc-v{number}") for number in range(1, 7)])
    text = page_of(trend(runs, AnalysisOptions(max_growth_bytes=1000, max_growth_text="1000")))
    columns = re.findall(r"<g><title>(svc-v\d): ([^<]*)</title>", text)
    assert [name for name, _ in columns[:6]] == [f"svc-v{number}" for number in range(1, 7)]
    assert '<dt>Budget</dt> <dd title="1,000 B">' in text
    assert "over budget" in text
    assert "change at svc-v3" in text
    assert not re.search(r"<g><title>1\. ", page_of(CASES["thousand"]()))
