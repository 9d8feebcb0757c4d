"""Keys on real pages: the graph and the tree say where they are, sections come into view, and Tab always shows where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages import Written
from tests.browser.viewing import opened

pytestmark = pytest.mark.browser
Show = Callable[[str], Page]
WHERE = "() => document.activeElement.closest('section, header, dialog, main')?.id || document.activeElement.tagName.toLowerCase()"
SPOKEN = "() => [...document.querySelectorAll('[role=status], [aria-live]')].map(node => node.textContent.trim()).filter(Boolean).join(' | ')"


@pytest.fixture
def show(chromium: Browser, written_pages: dict[str, Written]) -> Iterator[Show]:
    """Open a page with script; fail at the end where it said anything to the console."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))

    def shown(name: str) -> Page:
        written = written_pages[name]
        opened(page, written.html.as_uri(), has_script=True)
        return page

    yield shown
    context.close()
    assert messages == []


def spoken(page: Page) -> str:
    page.wait_for_timeout(50)
    return str(page.evaluate(SPOKEN))


def test_digits_jump_to_sections(show: Show) -> None:
    page = show("diff")
    for key, section in zip("12345", ("top", "paths", "flame", "tree", "findings"), strict=True):
        page.keyboard.press(key)
        page.wait_for_timeout(600)  # it scrolls
        assert page.evaluate(WHERE) == section
        top = page.evaluate("document.activeElement.getBoundingClientRect().top")
        assert 0 <= top <= 800, section
        # What the header covers is not in view.
        assert (
            section == "top"
            or top >= page.evaluate("document.querySelector('header').getBoundingClientRect().bottom") - 1
        )


def test_the_graph_is_walked_with_arrows_and_says_where_it_is(show: Show) -> None:
    page = show("diff")
    page.locator("#flame canvas").focus()
    page.keyboard.press("ArrowDown")
    told = []
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "ArrowUp", "ArrowDown"):
        page.keyboard.press(key)
        told.append(spoken(page))
        assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    assert len(set(told)) >= 3
    assert all("KiB" in words for words in told), told
    page.keyboard.press("Enter")
    reset = page.locator("#flame button", has_text="Reset zoom")
    assert reset.is_enabled()
    page.wait_for_timeout(400)
    assert "f=" in page.evaluate("location.hash")
    page.keyboard.press("0")
    assert not reset.is_enabled()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert not reset.is_enabled()
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"


def test_the_tree_is_walked_with_arrows(show: Show) -> None:
    page = show("memcheck-many")
    page.locator("#tree [role=treegrid]").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowLeft", "End", "Home", "Enter", "End", "ArrowUp"):
        page.keyboard.press(key)
        page.wait_for_timeout(80)
        assert page.evaluate("document.activeElement.getAttribute('role')") == "treegrid"
        named = page.evaluate("document.querySelector('#tree [role=treegrid]').getAttribute('aria-activedescendant')")
        assert page.evaluate("id => document.getElementById(id)?.getAttribute('aria-selected')", named) == "true", key


@pytest.mark.parametrize("name", ["diff", "memcheck", "trend", "massif"])
def test_tab_goes_through_the_page_and_shows_where_it_is(show: Show, name: str) -> None:
    page = show(name)
    seen: list[str] = []
    for _ in range(200):
        page.keyboard.press("Tab")
        at = page.evaluate(RING)
        if at is None:
            break
        seen.append(at["name"])
        assert at["ring"], at["name"]
        assert not at["hidden"], at["name"]
    assert len(seen) > 8
    assert "Skip to" in seen[0]


RING = """() => {
    const node = document.activeElement;
    if (!node || node === document.body) return null;
    const style = getComputedStyle(node), box = node.getBoundingClientRect(), header = document.querySelector('header');
    const bar = getComputedStyle(header).position === 'sticky' ? header.getBoundingClientRect().bottom : 0;
    return {
        name: (node.getAttribute('aria-label') || node.textContent || node.tagName).trim().slice(0, 40),
        ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
        hidden: box.width === 0 || (box.bottom <= bar && !header.contains(node) && node.className !== 'skip'),
    };
}"""
