"""What only some pages have, in a real browser: charts of two sizes, drawings, marks that are told by colour alone nowhere."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.browser.pages import Written

pytestmark = pytest.mark.browser


def test_it_reads_well_without_style_on_a_strict_host(
    chromium: Browser, written_pages: dict[str, Written], strict_host: str
) -> None:
    page = chromium.new_page()
    texts = {}
    for name in ("demo", "diff"):
        page.goto(f"{strict_host}/{written_pages[name].html.name}")
        texts[name] = page.inner_text("body")
    page.goto(f"{strict_host}/{written_pages['trend'].html.name}")
    charts = page.locator(".broad svg, .slim svg").locator("visible=true").count()
    page.close()
    assert "106.5 KiB lost at exit, in 4 of 5 loss records" in texts["demo"]
    assert "journal_append" in texts["demo"]
    assert "Lost memory grew by 98.96 KiB (+1,374%) from svc-v2 to svc-v5" in texts["diff"]
    assert charts == 1


def test_forced_colours_keep_shares_visible(chromium: Browser, written_pages: dict[str, Written]) -> None:
    context = chromium.new_context(forced_colors="active")
    page = context.new_page()
    for name, written in written_pages.items():
        page.goto(written.html.as_uri())
        assert page.evaluate("matchMedia('(forced-colors: active)').matches")
        # A mark that is drawn as a background is gone here unless it has a border or text of its own.
        assert page.evaluate(INVISIBLE_BOXES) == [], name
    context.close()


def test_a_phone_shows_one_chart_that_fits_and_a_desk_the_other(
    chromium: Browser, written_pages: dict[str, Written]
) -> None:
    for width, shown in ((375, ".slim svg"), (1280, ".broad svg")):
        page = chromium.new_page(viewport={"width": width, "height": 800})
        page.goto(written_pages["trend"].html.as_uri())
        visible = page.locator(".broad svg, .slim svg").locator("visible=true")
        assert visible.count() == 1
        assert visible.evaluate("(svg, wanted) => svg.matches(wanted)", shown)
        # Numbers on the axes stay as large as text elsewhere, not scaled down with the drawing.
        assert visible.locator("text").first.evaluate("text => text.getBoundingClientRect().height") >= 9
        page.close()


def test_boxes_of_the_flame_graph_do_not_hide_each_other(chromium: Browser, written_pages: dict[str, Written]) -> None:
    page = chromium.new_page(java_script_enabled=False)
    for case in ("diff", "diff-heaptrack", "diff-hostile", "trend"):
        page.goto(written_pages[case].html.as_uri())
        assert page.evaluate(OVERLAPS) == [], case
    page.close()


OVERLAPS = """() => [...document.querySelectorAll('svg.flame')].flatMap(svg => {
    const boxes = [...svg.querySelectorAll('g > rect:first-of-type')].map(rect => rect.getBBox());
    const labels = [...svg.querySelectorAll('text')].filter(text =>
        text.getBBox().x + text.getBBox().width > Number(text.parentNode.querySelector('rect').getAttribute('x'))
            + Number(text.parentNode.querySelector('rect').getAttribute('width')) + 1);
    return [...labels.map(text => text.textContent), ...boxes.flatMap((one, index) => boxes.slice(index + 1)
        .filter(other => one.y === other.y && Math.abs(one.x - other.x) < Math.min(one.width, other.width) - 0.5)
        .map(other => [one.x, one.y, other.x]))];
})"""


INVISIBLE_BOXES = """() => [...document.querySelectorAll('svg rect')].filter(box => {
    const style = getComputedStyle(box);
    return box.getBoundingClientRect().width > 2 && style.fill === getComputedStyle(document.body).backgroundColor
        && (style.stroke === 'none' || style.stroke === style.fill);
}).map(box => box.outerHTML)"""
