"""On paper: few sheets, in the order of the page, with light colours, and nothing that only works on a screen."""

from __future__ import annotations

import io
import unicodedata

import pytest
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

from tests.browser.pages import NAMES, Written
from tests.browser.viewing import opened

pytestmark = pytest.mark.browser
MOST_SHEETS = 4
LONG = {"pprof": 6, "pprof-base": 6, "jemalloc": 6, "heaptrack": 8, "dhat": 6, "memcheck-many": 8, "gperftools": 8, "million-nodes": 14, "massif": 12, "diff-other-program": 6, "hostile": 16, "diff-hostile": 10, "trend-hostile": 10, "long-name": 6}  # fmt: skip
"""Of one run ten stacks are printed, each of up to 40 frames; and some names are pages themselves."""


def printed(page: Page) -> list[str]:
    """The text of each sheet."""
    paper = page.pdf(format="A4", prefer_css_page_size=True)
    return [sheet.extract_text() for sheet in PdfReader(io.BytesIO(paper)).pages]


@pytest.mark.parametrize("with_script", [True, False], ids=["script", "no script"])
def test_pages_take_few_sheets_in_the_order_of_the_page(
    chromium: Browser, written_pages: dict[str, Written], *, with_script: bool
) -> None:
    wrong = []
    context = chromium.new_context(color_scheme="dark", java_script_enabled=with_script)
    page = context.new_page()
    for name in NAMES:
        written = written_pages[name]
        opened(page, written.html.as_uri(), has_script=with_script)
        sheets = printed(page)
        if len(sheets) > LONG.get(name, MOST_SHEETS):
            wrong.append(f"{name}: {len(sheets)} sheets")
        text = squeezed("".join(sheets))
        at = 0
        for heading in map(squeezed, page.locator("main h1, main h2").all_inner_texts()):
            found = text.find(heading, at)
            if found < 0:
                wrong.append(f"{name}: {heading!r} is not printed" + " in its place" * (heading in text))
            at = max(at, found)
        if not squeezed(sheets[0]).startswith(squeezed(page.locator("header").inner_text())[:10]):
            wrong.append(f"{name}: begins with {sheets[0][:40]!r}")
    context.close()
    assert not wrong, "\n".join(wrong)


def test_paper_is_white_and_shows_no_controls(chromium: Browser, written_pages: dict[str, Written]) -> None:
    context = chromium.new_context(color_scheme="dark")
    page = context.new_page()
    page.emulate_media(media="print", color_scheme="dark")
    opened(page, written_pages["diff"].html.as_uri(), has_script=True)
    assert page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--bg').trim()") in {
        "#fff",
        "#ffffff",
        "#fbfaf8",
    }
    assert page.evaluate(CONTROLS) == []
    assert page.evaluate("getComputedStyle(document.querySelector('header')).position") == "static"
    context.close()


def squeezed(text: str) -> str:
    """Text without white space and ligatures: a PDF knows places of glyphs, not words."""
    return "".join(unicodedata.normalize("NFKC", text).split())


CONTROLS = """() => [...document.querySelectorAll('button:not(th button), input, select, textarea')]
    .filter(node => node.getClientRects().length > 0).map(node => node.outerHTML)"""
