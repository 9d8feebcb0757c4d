"""axe-core finds nothing to complain about, in both themes, with script and without; what it cannot decide is listed here."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, NamedTuple

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.pages import Written
from tests.browser.viewing import opened
from tests.conftest import ROOT

pytestmark = pytest.mark.browser
AXE = ROOT / "tests" / "js" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
USES = {
    "a path opened or closed, and in focus": ["j", "o"],
    "a search": ["/", "e", "n", "Enter"],
    "callers": ["Escape", "Escape", "i"],
    "the list of keys": ["?"],
    "the text to copy": ["Escape", "c"],
}
"""What was done since the state before."""
SCRIPT = re.compile("<script>.*?</script>", re.DOTALL)
RUN = """async tags => {
    const found = await axe.run(document, { runOnly: tags, resultTypes: ['violations', 'incomplete'] });
    const told = results => results.flatMap(rule => rule.nodes.map(
        node => [rule.id, node.target.flat().join(' '), node.any.concat(node.all, node.none).map(check => check.message).join('; ')]));
    return { violations: told(found.violations), incomplete: told(found.incomplete), version: axe.version };
}"""


class Undecided(NamedTuple):
    """What axe leaves to people, and what they found."""

    rule: str
    selector: str
    """Elements that match this, or are inside such an element."""
    reason: str


REVIEWED = (
    Undecided("color-contrast", "svg text", "axe sees no background below text in a drawing; the test of colours computes each pair"),
    Undecided("color-contrast", ".brand", "the gradient is the mark beside the word, the word stands on the page"),
    Undecided("color-contrast", "button.icon, [aria-hidden=true]", "a sign, not text: drawn in the ink of text, or decoration"),
    Undecided("color-contrast", "[role=treegrid] [role=row]", "rows lie above one another in a window that scrolls, below a head that stays"),
    Undecided("color-contrast", "tr, .f", "names of 5,000 characters without a space reach below what is beside them"),
    Undecided("color-contrast", "kbd, dd", "an arrow, or one digit: axe takes neither for text"),
    Undecided("label-content-name-mismatch", "button.icon", "what is visible is a sign; its name says what it does"),
    Undecided("aria-valid-attr-value", "[role=treegrid] [aria-level]", "calls are deeper than the six levels that headings have; the roles of a tree know no limit"),
)  # fmt: skip


@pytest.fixture(scope="module")
def axe() -> Path:
    if not AXE.exists():
        if os.environ.get("LEAKREPORT_REQUIRE_TOOLS"):
            pytest.fail("axe-core is missing")
        pytest.skip("axe-core is missing: make test installs it")
    return AXE


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_to_complain_about(
    chromium: Browser, written_pages: dict[str, Written], axe: Path, theme: Literal["light", "dark"]
) -> None:
    context = chromium.new_context(color_scheme=theme, viewport={"width": 1280, "height": 800}, bypass_csp=True)
    page = context.new_page()
    wrong: list[str] = []
    for name, written in written_pages.items():
        opened(page, written.html.as_uri(), has_script=True)
        wrong += [f"{name}: {fault}" for fault in complaints(page, axe)]
    context.close()
    assert not wrong, "\n".join(wrong)


def test_nothing_to_complain_about_without_script(
    chromium: Browser, written_pages: dict[str, Written], axe: Path
) -> None:
    """In one theme: the other has the same elements, and the colours of both are above."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    page = context.new_page()
    wrong: list[str] = []
    for name, written in written_pages.items():
        # axe needs script, the page must have none: it is taken out.
        page.set_content(SCRIPT.sub("", written.html.read_text(encoding="utf-8")))
        wrong += [f"{name}: {fault}" for fault in complaints(page, axe)]
    context.close()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["memcheck", "diff", "trend"])
def test_nothing_to_complain_about_while_it_is_used(
    chromium: Browser, written_pages: dict[str, Written], axe: Path, theme: Literal["light", "dark"], name: str
) -> None:
    context = chromium.new_context(color_scheme=theme, viewport={"width": 1280, "height": 800}, bypass_csp=True)
    page = context.new_page()
    opened(page, written_pages[name].html.as_uri(), has_script=True)
    # Below a header that stays axe cannot see what is behind a text.
    page.add_style_tag(content="header { position: static !important }")
    wrong: list[str] = []
    for state, keys in USES.items():
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_timeout(100)
        wrong += [f"{state}: {fault}" for fault in complaints(page, axe)]
    context.close()
    assert not wrong, "\n".join(wrong)


def complaints(page: Page, axe: Path) -> list[str]:
    """What axe holds against a page as it stands, and what it cannot decide and nobody has looked at."""
    if not page.evaluate("'axe' in window"):
        page.add_script_tag(path=axe)
    found = page.evaluate(RUN, TAGS)
    undecided = [
        result
        for result in found["incomplete"]
        if not any(
            result[0] == one.rule
            and page.evaluate(
                "([one, all]) => document.querySelector(one)?.closest(all) !== null", [result[1], one.selector]
            )
            for one in REVIEWED
        )
    ]
    return [" | ".join(result) for result in found["violations"]] + [
        " | ".join(["undecided", *result]) for result in undecided
    ]
