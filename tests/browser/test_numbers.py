"""Every number of bytes on a page is one of the JSON document of the same report, or a sum of its paths.

The page says exact bytes in `title` attributes and in the figures; they are read off the page as text, and looked for in
the document, which is written by other code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser.pages import NAMES, Written
from tests.browser.viewing import opened

pytestmark = pytest.mark.browser
EXACT = re.compile(r"(?<![\d.,])([+−-]?\d{1,3}(?:,\d{3})*) B\b")
SILENT = {"memcheck-partial"}
"""Nothing was measured."""
TITLES = """() => [...document.querySelectorAll('[title]')]
    .filter(node => !/^\\d[\\d,]* (other|small) paths?\\b/.test(node.closest('tr, [role=row]')?.querySelector('code')?.textContent || ''))
    .map(node => node.title)"""
"""All but those of rows that stand for what is left out."""
DRAWN = """() => [...document.querySelectorAll('svg title')].map(node => node.textContent)
    .filter(text => !/^\\d[\\d,]* (other|small) paths?\\b/.test(text))"""


@pytest.mark.parametrize("name", [name for name in NAMES if name != "million-nodes"])
def test_exact_bytes_are_in_the_document(chromium: Browser, written_pages: dict[str, Written], name: str) -> None:
    written = written_pages[name]
    document = json.loads(written.json.read_text(encoding="utf-8"))
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    # Script adds the tree, made of the data in the page, and leaves what Python wrote.
    opened(page, written.html.as_uri(), has_script=True)
    shown = {
        "titles": page.evaluate(TITLES),
        "figures": page.locator(".figs").all_inner_texts(),
        "drawings": page.evaluate(DRAWN),
    }
    context.close()
    told = set(whole_numbers(document))
    sums = told | set(sums_of_paths(document))
    assert any(EXACT.search(text) for texts in shown.values() for text in texts) or name in SILENT
    wrong = [
        f"{where}: {text}"
        for where, texts in shown.items()
        for text in texts
        for number in EXACT.findall(text)
        if abs(int(number.replace(",", "").replace("−", "-").removeprefix("+"))) not in sums
    ]
    assert not wrong, "\n".join(wrong)


def whole_numbers(value: Any) -> Iterator[int]:
    """The size of every whole number in a document."""
    if isinstance(value, bool):
        return
    if isinstance(value, int):
        yield abs(value)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from whole_numbers(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from whole_numbers(inner)


def sums_of_paths(document: dict[str, Any]) -> Iterator[int]:
    """What the nodes of the call tree hold, and each library, by metric: all paths, those that grew, those that shrank."""
    totals: dict[tuple[object, ...], int] = {}
    for row in document["paths"]:
        frames = [name_of(document["frames"][index]) for index in row["frames"]]
        # A tree of two states is one of functions: their lines may have moved.
        functions = [function for function, *_ in frames]
        keys: list[tuple[object, ...]] = [("tree", *frames[:depth]) for depth in range(len(frames) + 1)]
        keys += [("functions", *functions[:depth]) for depth in range(len(frames) + 1)]
        keys += [("library", row["module"]), ("kind", row["leak_kind"])]
        for metric, amount in amounts(row):
            for key in keys:
                totals[metric, *key] = totals.get((metric, *key), 0) + amount
    return (abs(amount) for amount in totals.values())


def name_of(frame: dict[str, Any]) -> tuple[object, ...]:
    return tuple(value for key, value in frame.items() if key not in {"own", "inlined"})


def amounts(row: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The measured values of a row by a name for each."""
    for side in ("values", "before", "after", "change"):
        for metric, amount in row.get(side, {}).items():
            yield f"{side} {metric}", amount
            if side == "change":
                yield f"{metric} {'grew' if amount > 0 else 'shrank'}", amount
                if row["significant"]:
                    yield f"significant {metric} {'grew' if amount > 0 else 'shrank'}", amount
    for metric, series in row.get("series", {}).items():
        for point, amount in enumerate(series):
            yield f"{metric} at {point}", amount or 0
        # Snapshots without call paths have no values at all.
        known = [amount for amount in series if amount is not None]
        yield f"{metric} from first to last", known[-1] - known[0]
