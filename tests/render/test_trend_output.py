"""Whole outputs of trends in a terminal, as lines and as Markdown; hostile names stay text."""

from __future__ import annotations

import re
from functools import cache

import pytest

from leakreport import __version__
from leakreport.analysis.options import AnalysisOptions, GrowthLimit, WorkDone
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport
from leakreport.model.builder import build_run
from leakreport.render import as_trend, get_renderer
from leakreport.render.interface import RenderOptions
from leakreport.render.trend_text import sparkline
from tests.analysis.trend_support import dumps, runs, snapshot
from tests.golden_support import check_golden

THUMB = "main@main.cpp:20 http::Router::dispatch(http::Request@router.cpp:118 ThumbnailPool::render@pool.cpp:142"
CACHE = "main@main.cpp:20 TileCache::insert@cache.cpp:211"
POOL = "main@main.cpp:31 ResponsePool::resize@pool.cpp:77"
START = "main@main.cpp:12 load_config@config.cpp:9"
SWING = [4, 96, 48, 12, 88, 60, 24, 92, 8, 72, 36, 52]


@cache
def growth() -> TrendReport:
    """A leak, a plateau, what swings and what stays, per request, with a limit and both kinds of threshold."""
    states = [
        {
            THUMB: 196_608 * phase,
            CACHE: 75_000 * min(phase, 4),
            POOL: 4096 * SWING[phase - 1],
            START: 524_288,
        }
        for phase in range(1, 13)
    ]
    return trend(
        dumps(*states),
        AnalysisOptions(
            own=("/src/**",),
            work=WorkDone("requests", tuple(1000.0 * phase for phase in range(1, 13))),
            limit=1 << 30,
            max_growth_bytes=16 << 20,
            max_growth_text="16MiB",
            max_growth_of=(GrowthLimit("*::render", 1 << 20, "*::render=1MiB"), GrowthLimit("libz*", 0, "libz*=0")),
        ),
    )


@cache
def rebuilt() -> TrendReport:
    """Runs of a program in which a function got another name; nothing grows in the end."""
    before = [{"main@m.c:5 load@l.c:10": 800 * number, START: 4096} for number in (1, 2, 3)]
    after = [{"main@m.c:5 load_all@l.c:10": 800 * number, START: 4096} for number in (4, 4, 4, 4, 4, 4)]
    return trend(runs(*before, *after), AnalysisOptions(fail_on=("growth",)))


@cache
def too_few() -> TrendReport:
    return trend(runs({START: 4096}, {START: 8192}), AnalysisOptions(fail_on=("growth",)))


REPORTS = {"growth": growth, "rebuilt": rebuilt, "too-few": too_few}


def written(renderer: str, report: TrendReport, options: RenderOptions) -> str:
    return as_trend(get_renderer(renderer)).render_trend(report, options).replace(__version__, "VERSION")


@pytest.mark.parametrize("name", REPORTS)
def test_the_lines(name: str) -> None:
    check_golden(f"render/trend-{name}-lines.txt", written("terminal", REPORTS[name](), RenderOptions()))


@pytest.mark.parametrize("name", REPORTS)
def test_the_screen(name: str) -> None:
    options = RenderOptions(width=80, is_terminal=True)
    text = written("terminal", REPORTS[name](), options)
    check_golden(f"render/trend-{name}-screen-80.txt", text)
    assert max(map(len, text.splitlines())) <= 80


def test_the_screen_with_everything() -> None:
    options = RenderOptions(width=120, is_terminal=True, verbosity=1)
    check_golden("render/trend-growth-screen-120-v.txt", written("terminal", growth(), options))


@pytest.mark.parametrize("name", REPORTS)
def test_the_comment(name: str) -> None:
    check_golden(f"render/trend-{name}-comment.md", written("markdown", REPORTS[name](), RenderOptions()))


def test_colour_adds_nothing_but_colour() -> None:
    plain = written("terminal", growth(), RenderOptions(is_terminal=True))
    coloured = written("terminal", growth(), RenderOptions(is_terminal=True, with_colour=True))
    assert coloured != plain
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_the_rows_are_those_of_the_report() -> None:
    report = growth()
    rows = list(report.rows)
    assert [report.rows[index] for index in range(len(rows))] == rows
    assert list(report.rows[1:3]) == rows[1:3]
    assert report.rows[-1] == rows[-1]
    assert sum(report.words.values()) == len(rows)
    with pytest.raises(IndexError):
        report.rows[len(rows)]


def test_hostile_names_stay_text() -> None:
    evil = "evil\x1b[31m|`<b>@all@e.c:1"
    raws = [snapshot(f"/home/ann/x{number}", {f"main@m.c:1 {evil}": 8 * number}, pid=3) for number in range(1, 7)]
    report = trend(build_run(raws))
    for renderer, options in (
        ("terminal", RenderOptions()),
        ("terminal", RenderOptions(is_terminal=True)),
        ("markdown", RenderOptions()),
    ):
        text = written(renderer, report, options)
        assert "\x1b" not in text
        assert "‹U+001B›" in text
    comment = written("markdown", report, RenderOptions())
    spans = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")
    assert "<b>" in comment
    assert "<b>" not in spans.sub("", comment)
    assert all(line.count("|") - line.count("\\|") == 9 for line in comment.splitlines() if line.startswith("|"))


def test_a_long_series_keeps_its_ends() -> None:
    series = [0, *range(1, 99), 1000]
    assert len(sparkline(series, 16)) == 16
    assert sparkline(series, 16)[0] == "▁"
    assert sparkline(series, 16)[-1] == "█"
    assert sparkline([None, None], 4) == "··"
    assert sparkline([0, 0], 4) == "▁▁"
    assert sparkline([-5, 5], 4) == "▁█"
