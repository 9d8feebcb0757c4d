"""Names that are meant to break the page stay text: nothing runs, nothing is asked for, nothing is hidden."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.pages import Written
from tests.browser.viewing import Heard, opened
from tests.html_support import HOSTILE

pytestmark = pytest.mark.browser
PAGES = ("hostile", "diff-hostile", "trend-hostile")
SHOWN = {
    "\0": "‹U+0000›",
    "\u2028": "‹U+2028›",
    "\u202e": "‹U+202E›",
    "\ud800": "\ufffd",
    "x" * 5000: "x" * 40,
    "https://evil.example/x": "https:∕∕evil.example/x",
}
"""How names are shown that are not shown as they are."""
# What HTML and SVG would run or load, and what only a name could have brought onto the page.
FOREIGN = """() => [...document.querySelectorAll('*')]
    .filter(node => ['IMG', 'IFRAME', 'OBJECT', 'EMBED', 'LINK', 'BASE', 'FORM', 'VIDEO', 'AUDIO'].includes(node.tagName)
        || [...node.attributes].some(attribute => attribute.name.startsWith('on') || ['src', 'srcdoc'].includes(attribute.name)
            || (attribute.name === 'href' && !attribute.value.startsWith('#'))))
    .map(node => node.outerHTML.slice(0, 100))"""
POLICY = re.compile("<meta http-equiv=[^>]*>")
REFUSED = """() => {
    try { document.body.insertAdjacentHTML('beforeend', '<p>'); return 'markup from text'; } catch (refused) {}
    return '';
}"""


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[str, list[str]]]:
    """A server that nobody should ask anything, and what it was asked."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()


@pytest.mark.parametrize("name", PAGES)
def test_names_stay_text(chromium: Browser, written_pages: dict[str, Written], name: str) -> None:
    written, heard = written_pages[name], Heard()
    context = chromium.new_context()
    page = context.new_page()
    heard.listen(page)
    opened(page, written.html.as_uri(), has_script=True)
    text = page.evaluate("document.body.textContent") + " ".join(
        page.evaluate("[...document.querySelectorAll('[title]')].map(node => node.title)")
    )
    missing = [hostile[:60] for hostile in HOSTILE if SHOWN.get(hostile, hostile) not in text]
    assert missing == []
    # The embedded data is text of the page, too: what is shown must not hide in it alone.
    visible = page.locator("main").inner_text()
    for hostile in HOSTILE[:4]:
        assert hostile in visible
    assert not re.search("[\0\u2028\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert page.evaluate(FOREIGN) == []
    assert page.locator("script").count() == written.html.read_text(encoding="utf-8").count("<script ") + 1
    assert (heard.messages, heard.dialogs, heard.requests) == ([], [], [written.html.as_uri()])
    context.close()


@pytest.mark.parametrize("name", ["hostile", "memcheck"])
def test_what_gets_in_all_the_same_can_neither_run_nor_load(
    chromium: Browser, written_pages: dict[str, Written], listener: tuple[str, list[str]], name: str
) -> None:
    """A hole in the escaping is not enough: the policy of the page refuses what came in through it."""
    host, asked = listener
    injected = f"""<script>document.title = 'ran'</script><img src="{host}/a" onerror="document.title = 'ran'">
        <link rel="stylesheet" href="{host}/b"><style>@import "{host}/c"; body {{ background: url("{host}/d") }}</style>
        <iframe src="{host}/e"></iframe><svg onload="document.title = 'ran'"></svg><form action="{host}/f"><button>x</button></form>
        <base href="{host}/"><object data="{host}/g"></object><p style="background: url({host}/h)">x</p>"""
    broken = written_pages[name].html.read_text(encoding="utf-8").replace("</main>", f"{injected}</main>")
    place = written_pages[name].html.with_name(f"{name}-broken.html")
    place.write_text(broken, encoding="utf-8")
    context = chromium.new_context()
    page = context.new_page()
    opened(page, place.as_uri(), has_script=True)
    assert page.title() != "ran"
    page.evaluate("document.querySelector('form').submit()")
    page.wait_for_timeout(200)
    assert page.url == place.as_uri()
    assert page.evaluate(REFUSED) == ""
    assert asked == []
    # Without the policy all of it would: the test can fail.
    place.write_text(POLICY.sub("", broken), encoding="utf-8")
    page.goto(place.as_uri())
    assert page.title() == "ran"
    assert {"/a", "/b", "/d"} <= set(asked)
    asked.clear()
    context.close()
