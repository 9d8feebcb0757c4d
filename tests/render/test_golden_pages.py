"""Whole pages of every kind as reviewed text, without their style sheet, script and data."""

from __future__ import annotations

import re

import pytest

from leakreport import __version__
from leakreport.analysis.compare import compare
from leakreport.analysis.trend import trend
from leakreport.api import analyze, load
from leakreport.render import as_diff, as_trend, get_renderer
from leakreport.render.html import HtmlRenderer
from leakreport.render.interface import RenderOptions
from tests.golden_support import check_golden
from tests.html_support import static_part
from tests.support import FIXTURES, fixture_path


def normalised(text: str) -> str:
    """The page without what changes with the style sheet, the version or the machine."""
    text = re.sub(r"sha256-[\w+/=]+", "sha256-HASH", text)
    return (
        static_part(text).replace(str(FIXTURES), "fixtures").replace(f"leakreport {__version__}", "leakreport VERSION")
    )


def svc(version: int) -> str:
    return str(fixture_path("memcheck-xml", f"svc-v{version}"))


def test_the_page_of_a_comparison_is_the_reviewed_one() -> None:
    report = compare(load(svc(2)), load(svc(5)))
    options = RenderOptions(command=("leakreport", "diff", "v2.xml", "v5.xml", "-o", "report.html"))
    check_golden("render/diff-svc.html", normalised(as_diff(get_renderer("html")).render_diff(report, options)))


def test_the_page_of_a_trend_is_the_reviewed_one() -> None:
    report = trend(load([svc(version) for version in range(1, 7)]))
    options = RenderOptions(command=("leakreport", "trend", "v*.xml", "-o", "report.html"))
    check_golden("render/trend-svc.html", normalised(as_trend(get_renderer("html")).render_trend(report, options)))


@pytest.mark.parametrize(
    ("family", "name"), [("memcheck-xml", "svc-v3"), ("massif", "wave-ms"), ("gperftools", "sampled")]
)
def test_the_page_of_one_run_is_the_reviewed_one(family: str, name: str) -> None:
    report = analyze(load(fixture_path(family, name)))
    text = HtmlRenderer().render(report, RenderOptions(command=("leakreport", "analyze", name, "-o", "report.html")))
    check_golden(f"render/{family}-{name}.html", normalised(text))
