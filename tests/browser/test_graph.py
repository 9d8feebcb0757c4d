"""The flame graph and the call tree by themselves, on a page of this test: keys, words, colours, and that one follows the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from leakreport.render.resources import assets_text

pytestmark = pytest.mark.browser

KIB = 1024
MAIN, LOAD, COPY, ALLOC, SAVE = range(1, 6)
"""Nodes of the tree below: main > (load > copy > alloc, save)."""


def payload(depth: int = 0) -> dict[str, Any]:
    """A comparison in which loading grew from 10 to 40 KiB and saving shrank from 20 to 10; below saving a deep stack."""
    names = [
        "main",
        "ns::load(int)",
        "ns::copy(char const*)",
        "alloc",
        "ns::save()",
        *(f"deep{n}" for n in range(depth)),
    ]
    count = len(names)
    return {
        "schema": "leakreport-payload/1",
        "kind": "diff",
        "document": {"metric": "retained_bytes"},
        "strings": ["", *names, "/usr/lib/libc.so.6"],
        "frames": {
            "function": list(range(1, count + 1)),
            "module": [count + 1 if name == "alloc" else -1 for name in names],
            "file": [-1] * count,
            "key": [0] * count,
            "line": [0] * count,
            "kind": [0] * count,
            "flags": [1] * count,
        },
        "tree": {
            "depth": [0, 1, 1, 1, 1, -2, *[1] * depth],
            "frame": [-1, *[0] * count],
            "paths": [0, 0, 0, 0, 1, *[0] * depth, 1],
            "columns": [
                {"name": "before.retained_bytes", "values": [10 * KIB, 20 * KIB]},
                {"name": "after.retained_bytes", "base": 0, "values": [30 * KIB, -10 * KIB]},
            ],
            "responsible": [COPY],
            "folded": [],
            "repeats": [],
        },
        "modes": [
            {"key": "after", "title": "After", "column": "after.retained_bytes"},
            {"key": "before", "title": "Before", "column": "before.retained_bytes"},
            {
                "key": "growth",
                "title": "Growth only",
                "before": "before.retained_bytes",
                "after": "after.retained_bytes",
            },
        ],
        "mode": "after",
        "compare": {"before": "before.retained_bytes", "after": "after.retained_bytes"},
        "snapshots": [],
        "rows": {"node": [ALLOC], "leak_kind": ["definite"]},
        "markdown": "",
    }


def html(data: dict[str, Any]) -> str:
    start = (
        "const data = createData(payload);"
        "window.store = createStore({mode: 'after', direction: 'callees', zoom: 0, focus: -1, query: '', snapshot: -1});"
        "mountFlame(document.getElementById('flame'), data, window.store);"
        "mountCallTree(document.getElementById('tree'), data, window.store);"
    )
    section = '<section id="{0}"><h2>{0}</h2><div class="panel"><div class="static">static</div></div></section>'
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Graph</title><style>{assets_text("css")}</style>'
        f'<main class="wrap"><h1>Graph</h1>{section.format("flame")}{section.format("tree")}</main>'
        f"<script>(() => {{const payload = {json.dumps(data)};\n{assets_text('js')}\n{start}}})()</script>"
    )


@pytest.fixture
def page(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    opened(tab, tmp_path, payload())
    yield tab
    context.close()
    assert errors == []


def opened(tab: Page, folder: Path, data: dict[str, Any]) -> None:
    (folder / "graph.html").write_text(html(data), encoding="utf-8")
    tab.goto((folder / "graph.html").as_uri())
    tab.locator("#flame .static").wait_for(state="hidden")


def state(page: Page, name: str) -> Any:
    return page.evaluate(f"store.get().{name}")


def pixel(page: Page, x: int, row: int) -> tuple[int, ...]:
    """The colour of a box near its upper edge."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    code = f"Array.from(document.querySelector('canvas').getContext('2d').getImageData({x}, {row * 21 + 2}, 1, 1).data)"
    return tuple(page.evaluate(code))


def token(page: Page, name: str) -> tuple[int, ...]:
    found = page.evaluate(f"getComputedStyle(document.documentElement).getPropertyValue('--{name}').trim()")
    digits = found[1:] if len(found) == 7 else "".join(2 * digit for digit in found[1:])
    return (*(int(digits[at : at + 2], 16) for at in (0, 2, 4)), 255)


def test_arrow_keys_walk_the_graph_and_are_told(page: Page) -> None:
    page.locator("canvas").focus()
    said = []
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
        said.append(page.locator("#flame [role=status]").text_content())
    load = "ns::load(int), 10.00 KiB → 40.00 KiB, ▲ +30.00 KiB, 100% of all growth"
    save = "ns::save(), 20.00 KiB → 10.00 KiB, ▼ −10.00 KiB, 100% of all shrinkage"
    main = "main, 30.00 KiB → 50.00 KiB, ▲ +20.00 KiB, 67% of all growth"
    assert said[0] == "all retained memory, 30.00 KiB → 50.00 KiB, ▲ +20.00 KiB, 67% of all growth"
    assert said[1:] == [main, load, save, save, load, main]


def test_enter_zooms_in_and_out_and_zero_shows_all(page: Page) -> None:
    page.evaluate(f"store.set({{focus: {COPY}}})")
    page.locator("canvas").focus()
    reset = page.get_by_role("button", name="Reset zoom")
    assert reset.is_disabled()
    page.keyboard.press("Enter")
    assert state(page, "zoom") == COPY
    assert reset.is_enabled()
    page.keyboard.press("Enter")
    assert state(page, "zoom") == 0
    page.keyboard.press("Enter")
    page.keyboard.press("0")
    assert (state(page, "zoom"), state(page, "focus")) == (0, COPY)


def test_a_click_zooms_and_one_on_what_is_above_zooms_out(page: Page) -> None:
    canvas = page.locator("canvas")
    canvas.click(position={"x": 50, "y": 3 * 21 + 5})
    assert state(page, "zoom") == COPY
    canvas.click(position={"x": 50, "y": 1 * 21 + 5})
    assert state(page, "zoom") == MAIN
    canvas.click(position={"x": 50, "y": 1 * 21 + 5})
    assert state(page, "zoom") == 0


def test_pointing_fills_the_line_and_changes_nothing(page: Page) -> None:
    page.locator("canvas").hover(position={"x": 50, "y": 4 * 21 + 5})
    assert page.locator("#flame .status code").text_content() == "alloc"
    page.mouse.move(2, 2)
    assert page.locator("#flame .status code").text_content() == "all retained memory"
    assert state(page, "focus") == -1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_boxes_have_the_colours_of_the_style_sheet(page: Page, theme: str) -> None:
    page.emulate_media(color_scheme="dark" if theme == "light" else "light")
    page.evaluate(f"document.documentElement.dataset.theme = '{theme}'")
    wide = page.locator("canvas").evaluate("canvas => canvas.clientWidth")
    assert pixel(page, 30, 0) == token(page, "g4")
    assert pixel(page, 30, 2) == token(page, "g5")
    assert pixel(page, wide - 30, 2) == token(page, "s5")
    assert token(page, "g5") != token(page, "s5")


def test_forced_colours_are_those_of_the_system(page: Page) -> None:
    page.emulate_media(forced_colors="active", color_scheme="dark")
    assert pixel(page, 30, 2)[:3] == (0, 0, 0)


def test_what_a_search_does_not_find_fades(page: Page) -> None:
    whole = pixel(page, 30, 3)
    page.evaluate("store.set({query: 'copy'})")
    assert pixel(page, 30, 3) == whole
    assert pixel(page, 30, 4)[3] == pytest.approx(0.32 * 255, abs=1)
    assert page.locator("[role=row] mark").count() == 1


def test_widths_follow_the_buttons(page: Page) -> None:
    page.get_by_role("button", name="Growth only").click()
    assert page.get_by_role("button", name="Growth only").get_attribute("aria-pressed") == "true"
    wide = page.locator("canvas").evaluate("canvas => canvas.clientWidth")
    # Saving did not grow: loading is all there is.
    assert pixel(page, wide - 30, 2) == token(page, "g5")


def test_callers_begin_with_the_allocator(page: Page) -> None:
    page.get_by_role("button", name="Callers").click()
    page.locator("canvas").focus()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    assert (page.locator("#flame [role=status]").text_content() or "").startswith("ns::copy(char const*), ")
    # The tree follows to the same frame on its path.
    assert state(page, "focus") == COPY
    assert page.get_by_role("treegrid").get_attribute("aria-activedescendant") == f"tree-{COPY}"


def test_the_canvas_is_never_taller_than_its_view(page: Page, tmp_path: Path) -> None:
    opened(page, tmp_path, payload(depth=200))
    assert page.locator("canvas").evaluate("canvas => canvas.clientHeight") <= 640
    page.evaluate("store.set({focus: 205, zoom: 100})")
    page.locator("canvas").focus()
    page.keyboard.press("ArrowUp")
    top, height = page.locator(".graph").evaluate("view => [view.scrollTop, view.clientHeight]")
    # Node 204 is in row 201: save is in row 2, and 199 of the deep ones are above it.
    assert top <= 201 * 21 <= top + height - 21


def row(page: Page) -> str:
    """The row that is active, its state and level."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    found: str = page.evaluate(
        "(() => { const grid = document.querySelector('[role=treegrid]');"
        "const row = document.getElementById(grid.getAttribute('aria-activedescendant'));"
        "return [row.querySelector('code').textContent, String(row.getAttribute('aria-expanded')), row.getAttribute('aria-level')].join(' ') })()"
    )
    return found


def test_keys_of_the_tree_grid(page: Page) -> None:
    page.get_by_role("treegrid").focus()
    page.keyboard.press("Home")
    rows = [row(page)]
    for key in (
        "ArrowDown",
        "ArrowRight",
        "ArrowRight",
        "ArrowRight",
        "ArrowLeft",
        "ArrowLeft",
        "End",
        "Enter",
        "ArrowLeft",
    ):
        page.keyboard.press(key)
        rows.append(row(page))
    assert rows == [
        "all retained memory true 1",
        "main true 2",
        "ns::load(int) true 3",
        "ns::copy(char const*) false 4",
        "ns::copy(char const*) true 4",
        "ns::copy(char const*) false 4",
        "ns::load(int) true 3",
        "ns::save() null 3",
        "ns::save() null 3",
        "main true 2",
    ]


def test_tree_and_graph_follow_each_other(page: Page) -> None:
    page.evaluate(f"store.set({{focus: {ALLOC}}})")
    assert row(page) == "alloc null 5"
    page.get_by_role("treegrid").focus()
    page.keyboard.press("ArrowUp")
    assert state(page, "focus") == COPY
    assert page.locator("#flame .status code").text_content() == "ns::copy(char const*)"
    page.get_by_role("button", name="Show in flame graph").click()
    assert state(page, "zoom") == COPY


def test_the_tree_says_what_the_graph_shows(page: Page) -> None:
    page.evaluate(f"store.set({{focus: {ALLOC}}})")
    row(page)
    cells = page.locator(f"#tree-{ALLOC} [role=gridcell]").all_text_contents()
    assert cells[1:] == ["libc.so.6", "10.00 KiB", "40.00 KiB", "▲ +30.00 KiB", "80%"]
    assert (
        page.locator(f"#tree-{COPY} [role=gridcell]").first.text_content()
        == "▾ns::copy(char const*)your code ends here"
    )
