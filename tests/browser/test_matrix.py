"""Every page in every kind of surroundings: silent, alone, as wide as the window, with nothing on it that does not work."""

from __future__ import annotations

import json
from itertools import combinations, product

import pytest
from playwright.sync_api import Browser, Frame

from tests.browser.pages import Written
from tests.browser.viewing import Surroundings, address, every_pair, opened, viewer

pytestmark = pytest.mark.browser
ALL = every_pair()
REFUSALS = ("Blocked script execution in ", "violates the following Content Security Policy directive")
"""What Chromium itself says where a host forbids script and style."""


def test_any_two_choices_meet() -> None:
    seen = {pair for one in ALL for pair in combinations(enumerate(one), 2)}
    for first, second in combinations(range(4), 2):
        for pair in product({one[first] for one in ALL}, {one[second] for one in ALL}):
            if pair != ("no script", "frame with script"):
                assert ((first, pair[0]), (second, pair[1])) in seen


@pytest.mark.parametrize("around", ALL, ids=lambda around: ", ".join(map(str, around)))
def test_a_page_is_quiet_fits_and_offers_only_what_works(
    chromium: Browser, written_pages: dict[str, Written], strict_host: str, around: Surroundings
) -> None:
    wrong: list[str] = []
    with viewer(chromium, around) as (page, heard):
        for name, written in written_pages.items():
            heard.forget()
            where = address(written, around.host, strict_host)
            frame = opened(page, where, has_script=around.runs_script)
            faults = [
                *(message for message in heard.messages if not is_refusal(message, around)),
                *(f"requests {url}" for url in heard.requests if url != where),
                *(f"asks {text}" for text in heard.dialogs),
                *unfit(frame, around),
            ]
            wrong += [f"{name}: {fault}" for fault in faults]
    assert not wrong, "\n".join(wrong)


def is_refusal(message: str, around: Surroundings) -> bool:
    return around.host in {"frame without", "strict host"} and any(refusal in message for refusal in REFUSALS)


def unfit(frame: Frame, around: Surroundings) -> list[str]:
    """What is wrong with a page as it stands there."""
    found = []
    if frame.locator("h1").count() != 1:
        found.append("not one h1")
    overflow = frame.evaluate(OVERFLOW)
    # Without a style sheet tables are as wide as their words; a browser then scrolls.
    if overflow and around.host != "strict host":
        found.append(f"wider than {around.width}: {overflow}")
    if not around.runs_script:
        dead = frame.locator("button, input, select, textarea, [role=button]").locator("visible=true")
        found += [f"does nothing: {dead.nth(at).evaluate('node => node.outerHTML')}" for at in range(dead.count())]
    return found


OVERFLOW = """() => {
    const page = document.documentElement;
    if (page.scrollWidth <= page.clientWidth) return [];
    const scrolls = node => node && node !== document.body &&
        (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(node).overflowX) || scrolls(node.parentElement));
    return [page.scrollWidth, ...[...document.body.querySelectorAll('*')]
        .filter(node => node.getBoundingClientRect().right > page.clientWidth + 0.5 && !scrolls(node.parentElement))
        .slice(0, 3).map(node => node.outerHTML.slice(0, 120))];
}"""


def test_the_verdict_of_the_page_is_that_of_the_document(chromium: Browser, written_pages: dict[str, Written]) -> None:
    with viewer(chromium, Surroundings("light", "no script", "file", 1280)) as (page, _):
        for name, written in written_pages.items():
            if name != "million-nodes":
                page.goto(written.html.as_uri())
                said = json.loads(written.json.read_text(encoding="utf-8"))["verdict"]["sentence"]
                assert page.locator("h1").inner_text() == said, name
