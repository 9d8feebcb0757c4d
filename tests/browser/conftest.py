"""Chromium, the pages, and a strict host, once for all browser tests of a worker."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser.pages import NAMES, Written, write_pages, written

FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync".split()
JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"
"""The header under which Jenkins shows files that a build archived."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Without it the test is skipped, or fails where tools are required."""
    executable = shutil.which("chromium")
    if executable is None:
        if os.environ.get("LEAKREPORT_REQUIRE_TOOLS"):
            pytest.fail("chromium is missing")
        pytest.skip("chromium is missing: make test installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def written_pages(once: Callable[[str, Callable[[Path], None]], Path]) -> dict[str, Written]:
    """Every page by its name, written once for all workers."""
    folder = once("browser-pages", write_pages)
    return {name: written(folder, name) for name in NAMES}


class _StrictHandler(http.server.SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", JENKINS)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Say nothing."""


@pytest.fixture(scope="session")
def strict_host(written_pages: dict[str, Written]) -> Iterator[str]:
    """The address of a host that shows the pages as Jenkins does."""
    folder = str(written_pages["demo"].html.parent)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *rest: _StrictHandler(*rest, directory=folder)
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
