"""Opening a page in one of the surroundings that readers have, and hearing all that it says and asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Literal, NamedTuple

from playwright.sync_api import Browser, Dialog, Frame, Page

from tests.browser.pages import Written

READY_MILLISECONDS = 20_000
"""How long script may take until the page is given up; no measure of anything."""


class Surroundings(NamedTuple):
    """Where and how a page is looked at."""

    theme: Literal["light", "dark", "forced"]
    script: Literal["script", "no script"]
    host: Literal["file", "frame with script", "frame without", "strict host"]
    width: Literal[1280, 768, 320]

    @property
    def runs_script(self) -> bool:
        """Whether script of a page can run here."""
        return self.script == "script" and self.host in {"file", "frame with script"}


def every_pair() -> list[Surroundings]:
    """A small set of surroundings in which any two choices meet at least once.

    All 72 would say nothing more: what a page does wrong depends on one choice or on two (a dark page on a phone), hardly
    on three. Greedy: the next is the one with most pairs that are still missing.
    """
    choices = (
        ("light", "dark", "forced"),
        ("script", "no script"),
        ("file", "frame with script", "frame without", "strict host"),
        (1280, 768, 320),
    )
    everything = [Surroundings(*values) for values in product(*choices)]  # type: ignore[arg-type]
    # Chromium gives a sandboxed frame a process of its own, and Playwright's switch does not reach it.
    everything = [one for one in everything if one[1:3] != ("no script", "frame with script")]
    missing = {pair for one in everything for pair in combinations(enumerate(one), 2)}
    found = []
    while missing:
        best = max(everything, key=lambda one: len(missing & set(combinations(enumerate(one), 2))))
        missing -= set(combinations(enumerate(best), 2))
        found.append(best)
    return found


@dataclass
class Heard:
    """What a page said and asked for since it was last forgotten."""

    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """Start anew."""
        for heard in (self.messages, self.requests, self.dialogs):
            heard.clear()

    def listen(self, page: Page) -> None:
        """Hear a page from now on."""
        page.on("console", lambda message: self.messages.append(message.text))
        page.on("pageerror", lambda error: self.messages.append(str(error)))
        page.context.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", self._refuse)

    def _refuse(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()


@contextmanager
def viewer(browser: Browser, around: Surroundings) -> Iterator[tuple[Page, Heard]]:
    """A tab in such surroundings, and what is heard of it."""
    context = browser.new_context(
        color_scheme="dark" if around.theme == "dark" else "light",
        forced_colors="active" if around.theme == "forced" else "none",
        viewport={"width": around.width, "height": 800},
        java_script_enabled=around.script == "script",
    )
    page, heard = context.new_page(), Heard()
    heard.listen(page)
    yield page, heard
    context.close()


def address(written: Written, host: str, strict_host: str) -> str:
    """Where a page is found."""
    match host:
        case "frame with script":
            return written.framed("allow-scripts").as_uri()
        case "frame without":
            return written.framed("").as_uri()
        case "strict host":
            return f"{strict_host}/{written.html.name}"
        case _:
            return written.html.as_uri()


def opened(page: Page, where: str, *, has_script: bool) -> Frame:
    """Open a page and wait until it is complete; the frame that holds the report."""
    page.goto(where)
    frame = page.main_frame.child_frames[0] if page.locator("iframe[sandbox]").count() else page.main_frame
    if has_script:
        frame.wait_for_selector("html[data-ready]", state="attached", timeout=READY_MILLISECONDS)
    return frame
