"""What a page may run: our style and script by their hashes, nothing else, whatever the input is called."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable

import pytest

from leakreport.analysis.compare import compare
from leakreport.analysis.trend import trend
from leakreport.api import analyze, load
from leakreport.render.html import HtmlRenderer
from leakreport.render.interface import RenderOptions
from leakreport.render.resources import script_text, style_text
from tests.html_support import HOSTILE, check_is_closed, collected, hostile_diff, made_trend, run_of
from tests.support import fixture_path

RENDERER = HtmlRenderer()
OPTIONS = RenderOptions(command=("leakreport", *HOSTILE))
PAGES: dict[str, Callable[[], str]] = {
    "memcheck": lambda: RENDERER.render(analyze(load(fixture_path("memcheck-xml", "kinds"))), OPTIONS),
    "massif": lambda: RENDERER.render(analyze(load(fixture_path("massif", "wave-ms"))), OPTIONS),
    "hostile": lambda: RENDERER.render(
        analyze(run_of([([name], 100) for name in HOSTILE], HOSTILE[0], HOSTILE[1])), OPTIONS
    ),
    "diff": lambda: RENDERER.render_diff(
        compare(load(fixture_path("memcheck-xml", "svc-v2")), load(fixture_path("memcheck-xml", "svc-v5"))), OPTIONS
    ),
    "diff-hostile": lambda: RENDERER.render_diff(hostile_diff(), OPTIONS),
    "trend": lambda: RENDERER.render_trend(trend(load(fixture_path("massif", "wave-ms"))), OPTIONS),
    "trend-hostile": lambda: RENDERER.render_trend(
        made_trend({name: [100 * (index + 1) * n for n in range(12)] for index, name in enumerate(HOSTILE)}), OPTIONS
    ),
}
TAG = re.compile(r"""<[a-z][a-z0-9]*(\s+[A-Za-z][A-Za-z0-9:-]*(="[^"]*")?)*\s*/?>""")


@pytest.fixture(params=sorted(PAGES), scope="module")
def page(request: pytest.FixtureRequest) -> str:
    return PAGES[request.param]()


def allowed(page: str) -> dict[str, list[str]]:
    """The directives of the policy."""
    (text,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    return {words[0]: words[1:] for words in (part.split() for part in text.split(";"))}


def digest(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def test_the_policy_allows_our_style_and_script_by_their_hashes(page: str) -> None:
    texts = {tag: text for tag, attributes, text in collected(page).raw if attributes.get("id") != "payload"}
    assert allowed(page) == {
        "default-src": ["'none'"],
        "script-src": [digest(texts["script"])],
        "style-src": [digest(texts["style"])],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }


def test_what_is_hashed_is_the_reviewed_text(page: str) -> None:
    texts = {tag: text for tag, attributes, text in collected(page).raw if attributes.get("id") != "payload"}
    assert texts == {"style": style_text(), "script": script_text()}


def test_the_policy_comes_before_anything_else_in_the_head(page: str) -> None:
    assert re.match(r'<!doctype html>\s*<html lang="en">\s*<head>\s*<meta http-equiv="Content-Security-Policy"', page)
    # Browsers look for the encoding in the first 1,024 bytes only.
    assert 0 < page.encode().find(b'<meta charset="utf-8">') < 900


def test_the_page_is_closed(page: str) -> None:
    check_is_closed(page)


def test_every_attribute_is_quoted(page: str) -> None:
    assert [tag for tag in collected(page).starts if not TAG.fullmatch(tag)] == []


def test_script_and_style_cannot_end_early() -> None:
    text = script_text() + style_text()
    assert "<!--" not in text
    assert "</" not in text


def test_the_script_is_one_strict_function() -> None:
    text = script_text()
    assert text.startswith('(function () {\n"use strict";\n')
    assert text.endswith("\nmain();\n})();")
