"""The report in a real browser: both themes, three widths, no script, a strict host; on paper, too."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from leakreport.analysis.compare import compare
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.trend import trend
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import analyze, load
from leakreport.render.html import HtmlRenderer
from leakreport.render.interface import RenderOptions
from tests.html_support import HOSTILE, hostile_diff, made_trend
from tests.support import FIXTURES, fixture_path

pytestmark = pytest.mark.browser
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split()
CASES = ("kinds", "svc-v3", "errors", "tmpl", "clean-true", "killed-while-running", "p6-fds", "threads", "python3")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    executable = shutil.which("chromium")
    if executable is None:
        if os.environ.get("LEAKREPORT_REQUIRE_TOOLS"):
            pytest.fail("chromium is missing")
        pytest.skip("chromium is missing: make test installs it")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    options = RenderOptions(command=("leakreport", "analyze", "x.xml"), source_roots=(str(FIXTURES / "demo"),))
    found = {}
    for case in CASES:
        found[case] = folder / f"{case}.html"
        found[case].write_text(
            HtmlRenderer().render(analyze(load(fixture_path("memcheck-xml", case))), options), encoding="utf-8"
        )
    renderer = HtmlRenderer()
    for name, comparison in COMPARISONS.items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(renderer.render_diff(comparison(), options), encoding="utf-8")
    for name, series in TRENDS.items():
        found[name] = folder / f"{name}.html"
        found[name].write_text(renderer.render_trend(series(), options), encoding="utf-8")
    return found


def compared(family: str, before: str, after: str) -> DiffReport:
    return compare(load(fixture_path(family, before)), load(fixture_path(family, after)))


COMPARISONS: dict[str, Callable[[], DiffReport]] = {
    "diff": lambda: compared("memcheck-xml", "svc-v2", "svc-v5"),
    "diff-same": lambda: compared("memcheck-xml", "svc-v3", "svc-v3"),
    "diff-dumps": lambda: compared("heaptrack", "demo-v1", "demo-v2"),
    "diff-other-program": lambda: compared("memcheck-xml", "python3", "sqlite3"),
    "diff-hostile": hostile_diff,
}
TRENDS: dict[str, Callable[[], TrendReport]] = {
    "trend": lambda: trend(load([fixture_path("memcheck-xml", f"svc-v{number}") for number in range(1, 7)])),
    "trend-massif": lambda: trend(load(fixture_path("massif", "wave-ms"))),
    "trend-hostile": lambda: made_trend({name: [100 * (index + 1) * n for n in range(12)] for index, name in enumerate(HOSTILE)}),
    "trend-total-only": lambda: made_trend({}, total=[1000 * n for n in range(20)]),
}  # fmt: skip


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 768, 375, 320])
@pytest.mark.parametrize("with_script", [True, False])
def test_the_page_is_quiet_and_fits(
    browser: Any, pages: dict[str, Path], theme: str, width: int, *, with_script: bool
) -> None:
    context = browser.new_context(
        color_scheme=theme, viewport={"width": width, "height": 800}, java_script_enabled=with_script
    )
    page = context.new_page()
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    for case, path in pages.items():
        requests.clear()
        page.goto(f"file://{path}")
        assert messages == [], case
        assert requests == [f"file://{path}"], case
        assert page.locator("h1").count() == 1
        if with_script:
            overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert overflow <= 0, (case, width)
    context.close()


class _StrictHandler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", "sandbox; default-src 'none'; img-src 'self'; style-src 'self';")
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


def test_it_reads_well_without_style_on_a_strict_host(browser: Any, pages: dict[str, Path]) -> None:
    folder = pages["kinds"].parent
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *rest: _StrictHandler(*rest, directory=str(folder))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/kinds.html")
        text = page.inner_text("body")
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/diff.html")
        of_diff = page.inner_text("body")
        page.goto(f"http://127.0.0.1:{server.server_address[1]}/trend.html")
        charts = page.locator(".broad svg, .slim svg").locator("visible=true").count()
        server.shutdown()
    assert "1.18 MiB lost at exit, in 8 of 10 loss records" in text
    assert "lose_big" in text
    assert "Lost memory grew by 98.96 KiB (+1,374%) from svc-v2 to svc-v5" in of_diff
    assert charts == 1
    page.close()


@pytest.mark.parametrize("case", ["svc-v3", "diff", "diff-other-program", "trend", "trend-massif"])
def test_a_page_prints_on_few_sheets(browser: Any, pages: dict[str, Path], case: str) -> None:
    page = browser.new_page()
    page.goto(f"file://{pages[case]}")
    paper = page.pdf(prefer_css_page_size=True)
    page.close()
    assert 1 <= paper.count(b"/Type /Page\n") + paper.count(b"/Type /Page ") + paper.count(b"/Type /Page/") <= 4


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_to_complain_about(browser: Any, pages: dict[str, Path], theme: str) -> None:
    context = browser.new_context(color_scheme=theme)
    page = context.new_page()
    for case, path in pages.items():
        page.goto(f"file://{path}")
        found = Axe().run(page)
        assert found.violations_count == 0, (case, found.generate_report())
    context.close()


def test_forced_colours_keep_shares_visible(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(forced_colors="active")
    page = context.new_page()
    page.goto(f"file://{pages['kinds']}")
    # A mark that is drawn as a background is gone here unless it has a border or text of its own.
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    assert "1.18 MiB lost at exit" in page.inner_text("body")
    for path in pages.values():
        page.goto(f"file://{path}")
        assert page.evaluate(INVISIBLE_BOXES) == [], path.name
    context.close()


def test_a_phone_shows_one_chart_that_fits_and_a_desk_the_other(browser: Any, pages: dict[str, Path]) -> None:
    for width, shown in ((375, ".slim svg"), (1280, ".broad svg")):
        page = browser.new_page(viewport={"width": width, "height": 800})
        page.goto(f"file://{pages['trend']}")
        visible = page.locator(".broad svg, .slim svg").locator("visible=true")
        assert visible.count() == 1
        assert visible.evaluate("(svg, wanted) => svg.matches(wanted)", shown)
        # Numbers on the axes stay as large as text elsewhere, not scaled down with the drawing.
        assert visible.locator("text").first.evaluate("text => text.getBoundingClientRect().height") >= 9
        page.close()


def test_boxes_of_the_flame_graph_do_not_hide_each_other(browser: Any, pages: dict[str, Path]) -> None:
    page = browser.new_page()
    for case in COMPARISONS:
        page.goto(f"file://{pages[case]}")
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


@pytest.mark.parametrize("sandbox", ["", "allow-scripts"])
def test_it_works_inside_a_sandboxed_frame(browser: Any, pages: dict[str, Path], sandbox: str) -> None:
    page = browser.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.set_content("<title>ticket</title>")
    page.evaluate(
        """([content, sandbox]) => new Promise(done => {
            const frame = document.createElement('iframe');
            frame.setAttribute('sandbox', sandbox);
            frame.srcdoc = content;
            frame.onload = done;
            document.body.append(frame);
        })""",
        [pages["svc-v3"].read_text(encoding="utf-8"), sandbox],
    )
    assert "106.5 KiB lost at exit" in page.frames[1].locator("body").inner_text()
    assert messages == []
    page.close()
