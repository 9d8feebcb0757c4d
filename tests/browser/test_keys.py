"""Every key that the list of keys promises does what it says, says what it did, and leaves the focus somewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages import Written
from tests.browser.viewing import opened

pytestmark = pytest.mark.browser
Show = Callable[[str], Page]
FOCUS = """() => {
    const node = document.activeElement;
    return !node || node === document.body ? '' : node.id || node.getAttribute('role') || node.tagName.toLowerCase();
}"""
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
        if not written.has_script():
            pytest.skip("the page has no data for script")
        opened(page, written.html.as_uri(), has_script=True)
        return page

    yield shown
    context.close()
    assert messages == []


def pressed(page: Page, group: str) -> str:
    """Which button of a group is down."""
    return page.locator(f"#flame [role=group][aria-label={group}] [aria-pressed=true]").inner_text()


def spoken(page: Page) -> str:
    page.wait_for_timeout(50)
    return str(page.evaluate(SPOKEN))


def test_search_finds_counts_goes_on_and_lets_go(show: Show) -> None:
    page = show("diff")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.type("journal")
    page.wait_for_timeout(100)
    said = spoken(page)
    assert "1 frame" in said and "97.66 KiB" in said, said
    page.keyboard.press("Enter")
    assert "journal_append" in page.locator("#flame .status").inner_text()
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("Escape")
    assert page.locator("input[type=search]").input_value() == ""
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.type") != "search"
    assert page.evaluate(FOCUS) != ""


def test_paths_are_walked_and_opened(show: Show) -> None:
    page = show("diff")
    walked = []
    for key in "jjk":
        page.keyboard.press(key)
        walked.append(page.evaluate(FOCUS))
    assert walked == ["path-1", "path-2", "path-1"]
    opened_before = page.evaluate("document.querySelector('#path-1').parentElement.querySelector('details').open")
    page.keyboard.press("o")
    assert (
        page.evaluate("document.querySelector('#path-1').parentElement.querySelector('details').open") != opened_before
    )
    assert page.evaluate(FOCUS) == "path-1"
    for _ in range(30):
        page.keyboard.press("j")
        assert page.evaluate(FOCUS).startswith("path-")


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


def test_widths_and_direction_turn(show: Show) -> None:
    page = show("diff")
    seen = [pressed(page, "Width")]
    for _ in range(3):
        page.keyboard.press("w")
        seen.append(pressed(page, "Width"))
    assert len(set(seen)) == 3
    assert seen[0] == seen[3]
    assert pressed(page, "Direction") == "Callees"
    page.keyboard.press("i")
    assert pressed(page, "Direction") == "Callers"
    page.keyboard.press("i")
    assert pressed(page, "Direction") == "Callees"


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


def test_steps_of_a_timeline_change_what_is_shown(show: Show) -> None:
    page = show("massif")
    before = page.locator("#flame .status").inner_text()
    page.keyboard.press(",")
    assert page.locator("#flame .status").inner_text() != before
    assert spoken(page) != ""
    page.keyboard.press(".")
    assert page.locator("#flame .status").inner_text() == before


def test_copy_theme_and_the_list_of_keys(show: Show) -> None:
    page = show("diff")
    page.keyboard.press("c")
    page.wait_for_timeout(100)
    dialog = page.locator("dialog[open]")
    if dialog.count():
        assert "svc-v2" in dialog.locator("textarea").input_value()
        page.keyboard.press("Escape")
    else:
        assert "opied" in spoken(page)
    themes = []
    for _ in range(3):
        page.keyboard.press("t")
        themes.append(page.evaluate("document.documentElement.dataset.theme || 'auto'"))
    assert sorted(themes) == ["auto", "dark", "light"]
    page.keyboard.press("j")
    page.keyboard.press("?")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    listed = page.locator("dialog[open]").inner_text()
    for word in ("Search", "Next call path", "Copy as Markdown", "Theme"):
        assert word in listed
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('dialog') !== null")
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    assert page.evaluate(FOCUS) == "path-1"


def test_single_keys_can_be_turned_off(show: Show) -> None:
    page = show("diff")
    page.keyboard.press("?")
    page.locator("dialog[open] input[type=checkbox]").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert not page.evaluate(FOCUS).startswith("path-")
    # With a modifier a key is the browser's.
    page.locator("header button", has_text="?").click()
    page.locator("dialog[open] input[type=checkbox]").check()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+j")
    assert not page.evaluate(FOCUS).startswith("path-")
    page.keyboard.press("j")
    assert page.evaluate(FOCUS) == "path-1"


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
