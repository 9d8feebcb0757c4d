"""What script adds around the graph and the tree: keys, search, links, copies, saved tables, themes; and its absence."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from leakreport.analysis.compare import compare
from leakreport.analysis.trend import trend
from leakreport.api import analyze, load
from leakreport.render import as_diff, as_trend, get_renderer
from leakreport.render.interface import RenderOptions
from leakreport.units import format_bytes
from tests.browser.viewing import Heard
from tests.support import fixture_path

pytestmark = pytest.mark.browser
OPTIONS = RenderOptions(command=("leakreport", "analyze", "x.xml"))
MEMCHECK, MASSIF = "memcheck-xml", "massif"


def analysis(family: str, case: str) -> Callable[[str], str]:
    return lambda name: str(get_renderer(name).render(analyze(load(fixture_path(family, case))), OPTIONS))


def comparison(name: str) -> str:
    before, after = (load(fixture_path(MEMCHECK, case)) for case in ("svc-v2", "svc-v5"))
    return as_diff(get_renderer(name)).render_diff(compare(before, after), OPTIONS)


def series(name: str) -> str:
    runs = load([fixture_path(MEMCHECK, f"svc-v{number}") for number in range(1, 7)])
    return as_trend(get_renderer(name)).render_trend(trend(runs), OPTIONS)


REPORTS: dict[str, Callable[[str], str]] = {
    "many": analysis(MEMCHECK, "python3"),
    "massif": analysis(MASSIF, "wave-ms"),
    "diff": comparison,
    "trend": series,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("shell")
    for name, written in REPORTS.items():
        (found / f"{name}.html").write_text(written("html"), encoding="utf-8")
    return found


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce")
    found = context.new_page()
    heard = Heard()
    heard.listen(found)
    yield found
    context.close()
    assert heard.messages == []
    assert heard.dialogs == []


def opened(page: Page, path: Path, link: str = "") -> Page:
    page.goto("about:blank")
    page.goto(path.as_uri() + link)
    page.wait_for_selector("html[data-ready]", state="attached")
    return page


def document(name: str) -> dict[str, list[dict[str, object]]]:
    found: dict[str, list[dict[str, object]]] = json.loads(REPORTS[name]("json"))
    return found


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id || document.activeElement.tagName"))


def address(page: Page) -> str:
    """What the address says of the page's state, once it is written: that takes a moment."""
    page.wait_for_timeout(400)
    return str(page.evaluate("location.hash"))


def notices(page: Page) -> list[str]:
    return page.locator(".notice").all_inner_texts()


def pressed(page: Page, label: str) -> str:
    return page.locator(f"#flame [aria-label={label}] [aria-pressed=true]").inner_text()


# Keys


def test_slash_searches_and_escape_clears_then_leaves(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html")
    field = page.locator(".find input")
    page.keyboard.press("j")
    page.keyboard.press("/")
    assert field.evaluate("field => field === document.activeElement")
    page.keyboard.type("jk0?")
    assert field.input_value() == "jk0?"
    page.keyboard.press("Escape")
    assert field.input_value() == ""
    assert field.evaluate("field => field === document.activeElement")
    page.keyboard.press("Escape")
    assert focused(page) == "path-1"


def test_enter_goes_through_the_matches_and_back(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html")
    page.keyboard.press("/")
    page.keyboard.type("dict")
    said = page.locator(".found")
    shown = []
    for key in ("Enter", "Enter", "Shift+Enter"):
        page.keyboard.press(key)
        shown.append(said.inner_text())
    assert [re.match(r"match (\d+) of \d+: .*", text)[1] for text in shown] == ["1", "2", "1"]  # type: ignore[index]
    assert all("dict" in text.lower() for text in shown)


def test_paths_are_walked_and_opened(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html")
    for key, wanted in (
        ("j", "path-1"),
        ("j", "path-2"),
        ("j", "path-3"),
        ("k", "path-2"),
        ("k", "path-1"),
        ("k", "path-1"),
    ):
        page.keyboard.press(key)
        assert focused(page) == wanted
    details = page.locator("tbody:has(#path-1) details")
    before = details.get_attribute("open")
    page.keyboard.press("o")
    assert (details.get_attribute("open") is None) is not (before is None)
    assert focused(page) == "path-1"


@pytest.mark.parametrize(
    ("key", "section"), [("1", "top"), ("2", "paths"), ("3", "flame"), ("4", "tree"), ("5", "findings")]
)
def test_digits_go_to_sections(page: Page, folder: Path, key: str, section: str) -> None:
    opened(page, folder / "many.html")
    page.keyboard.press("j")
    page.keyboard.press(key)
    assert page.evaluate("document.activeElement.closest('section').id") == section
    # What has the focus is not under the header that stays.
    top, header = page.evaluate(
        "[document.activeElement.getBoundingClientRect().top, document.querySelector('header').getBoundingClientRect().bottom]"
    )
    assert header <= top < 900


def test_keys_of_the_graph(page: Page, folder: Path) -> None:
    opened(page, folder / "diff.html")
    modes = page.locator("#flame [aria-label=Width] button").all_inner_texts()
    start = modes.index(pressed(page, "Width"))
    for step in range(1, len(modes) + 1):
        page.keyboard.press("w")
        assert pressed(page, "Width") == modes[(start + step) % len(modes)]
    for wanted in ("Callers", "Callees"):
        page.keyboard.press("i")
        assert pressed(page, "Direction") == wanted
    for reset in ("0", "Escape"):
        page.locator("#flame canvas").focus()
        for key in ("ArrowDown", "ArrowDown", "Enter"):
            page.keyboard.press(key)
        assert address(page).startswith("#f=~")
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press(reset)
        assert address(page) == ""


def test_themes_go_round_and_are_remembered(page: Page, folder: Path) -> None:
    opened(page, folder / "diff.html")
    colours = []
    for theme in (None, "light", "dark"):
        assert page.evaluate("document.documentElement.dataset.theme") == theme
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") is None
    assert colours[0] == colours[1] != colours[2]
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colours[2]
    page.keyboard.press("t")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colours[1]
    page.emulate_media(color_scheme="light")
    for _ in range(2):
        page.keyboard.press("t")
    page.locator("button[title='Theme: auto']").click()
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_the_list_of_keys_is_a_labelled_dialog_that_gives_the_focus_back(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html")
    page.keyboard.press("j")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys").is_visible()
    page.keyboard.press("k")
    page.keyboard.press("Escape")
    assert not page.get_by_role("dialog", name="Keys").is_visible()
    assert focused(page) == "path-1"


def test_single_keys_can_be_turned_off_and_stay_off(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html")
    page.keyboard.press("?")
    page.get_by_label("Single keys act when no field has the focus").uncheck()
    page.get_by_role("button", name="Close").locator("visible=true").click()
    for _ in range(2):
        page.keyboard.press("j")
        page.keyboard.press("t")
        assert not focused(page).startswith("path-")
        assert page.evaluate("document.documentElement.dataset.theme") is None
        page.reload()
        page.wait_for_selector("html[data-ready]", state="attached")


def test_a_modifier_leaves_keys_to_the_browser(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html")
    for key in ("Alt+j", "Control+j", "Alt+t"):
        page.keyboard.press(key)
    assert focused(page) == "BODY"
    assert page.evaluate("document.documentElement.dataset.theme") is None


def test_no_key_loses_the_focus(page: Page, folder: Path) -> None:
    opened(page, folder / "massif.html")
    page.keyboard.press("Tab")
    for key in "/ Escape j k o 1 2 3 4 5 0 w i t , . ? Escape Escape".split():
        page.keyboard.press(key)
        assert focused(page) != "BODY", key


# Search


def names_of(row: dict[str, object], frames: list[dict[str, object]]) -> list[str]:
    numbers = row["frames"]
    assert isinstance(numbers, list)
    return [str(frames[number]["function"] or "") for number in numbers]


def test_a_search_shows_the_paths_that_match_and_counts_them(page: Page, folder: Path) -> None:
    found = document("many")
    matching = {
        str(row["id"])
        for row in found["paths"]
        if any("dict" in name.lower() for name in names_of(row, found["frames"]))
    }
    assert 0 < len(matching) < len(found["paths"])
    opened(page, folder / "many.html")
    page.get_by_role("button", name=re.compile("^Show all")).click()
    page.locator(".find input").fill("dict")
    shown = page.locator("#paths tr[data-path]").evaluate_all("rows => rows.map(row => row.dataset.path)")
    assert set(shown) == matching
    words = page.locator(".found").inner_text()
    assert words.startswith(f"{len(shown)} of ")
    values = [row["values"] for row in found["paths"] if row["id"] in matching]
    assert words.endswith(f", {format_bytes(sum(one['retained_bytes'] for one in values if isinstance(one, dict)))}")
    assert page.locator(".found").get_attribute("role") == "status"
    page.locator(".find input").fill("")
    assert page.locator("#paths tr[data-path]").count() > len(shown)
    assert page.locator(".found").inner_text() == ""


def test_a_kind_is_searched_for(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html", "#q=kind%3Apossible")
    kinds = page.locator("#paths tr[data-path]").evaluate_all("rows => rows.map(row => row.dataset.kind)")
    assert kinds
    assert set(kinds) == {"possible"}


# The list


def test_all_paths_are_shown_on_demand_and_the_first_again(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html")
    rows = page.locator("#paths tr[data-path]")
    few = rows.count()
    page.get_by_role("button", name=re.compile("^Show all")).click()
    assert rows.count() > few
    ids = rows.evaluate_all("rows => rows.map(row => row.id)")
    assert ids == [f"path-{number}" for number in range(1, len(ids) + 1)]
    wanted = {str(row["id"]) for row in document("many")["paths"]}
    assert {str(one) for one in rows.evaluate_all("rows => rows.map(row => row.dataset.path)")} <= wanted
    page.get_by_role("button", name=re.compile("^Show the first")).click()
    assert rows.count() == few


def test_a_row_that_script_made_says_what_a_static_one_would(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html", "#path-30")
    row = page.locator("#path-30")
    (found,) = [one for one in document("many")["paths"] if one["id"] == row.get_attribute("data-path")]
    values = found["values"]
    assert isinstance(values, dict)
    assert row.locator("td").last.get_attribute("title") == f"{values['retained_bytes']:,} B"
    stack = page.locator("tbody:has(#path-30) ol.stack li .f").all_inner_texts()
    names = names_of(found, document("many")["frames"])[::-1]
    assert len(stack) == len(names)
    assert all(not name or shown == name for shown, name in zip(stack, names, strict=True))
    assert focused(page) == "path-30"


@pytest.mark.parametrize(("name", "column"), [("many", "values"), ("diff", "change")])
def test_columns_are_sorted_by_buttons(page: Page, folder: Path, name: str, column: str) -> None:
    opened(page, folder / f"{name}.html")
    head = page.locator(f"#paths th[data-sort='{column}.retained_bytes']")
    amounts = {str(row["id"]): row[column] for row in document(name)["paths"]}
    for direction in ("descending", "ascending"):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == direction
        assert page.locator("#paths th[aria-sort]").count() == 1
        ids = page.locator("#paths tr[data-path]").evaluate_all("rows => rows.map(row => row.dataset.path)")
        shown = [values["retained_bytes"] for values in map(amounts.__getitem__, ids) if isinstance(values, dict)]
        assert shown == sorted(shown, reverse=direction == "descending")
        # Of all paths, not only of those that are written into the page.
        edge = (max if direction == "descending" else min)(
            one["retained_bytes"] for one in amounts.values() if isinstance(one, dict)
        )
        assert shown[0] == edge
    page.locator("#paths th[data-sort=number] button").click()
    assert page.locator("#paths tr[data-path]").first.get_attribute("id") == "path-1"


# Links


def test_a_link_to_a_row_opens_it(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html", "#path-3")
    assert focused(page) == "path-3"
    assert page.locator("tbody:has(#path-3) details").get_attribute("open") is not None


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("#path-9999", "no path number 9,999"),
        ("#f=p1-0123456789abcdef", "path p1-0123456789abcdef, which this report does not list"),
        ("#f=~????.????", "nearest caller that is: all"),
        ("#s=999", "The snapshot of the link is not in this report"),
    ],
)
def test_a_link_to_what_is_not_there_says_so(page: Page, folder: Path, link: str, words: str) -> None:
    opened(page, folder / "many.html", link)
    (said,) = notices(page)
    assert words in said


def test_a_link_sets_the_state_and_is_written_back(page: Page, folder: Path) -> None:
    link = "#w=growth&d=callers&q=journal%20append"
    opened(page, folder / "diff.html", link)
    assert pressed(page, "Width") == "Growth only"
    assert pressed(page, "Direction") == "Callers"
    assert page.locator(".find input").input_value() == "journal append"
    page.locator(".find input").fill("journal append+")
    assert address(page) == link + "%2B"


def test_a_link_to_a_node_leads_to_it_or_to_its_nearest_caller(page: Page, folder: Path) -> None:
    opened(page, folder / "diff.html")
    page.locator("#flame canvas").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    link = address(page)
    assert re.fullmatch(r"#f=~([\w-]{4}\.?)+", link)
    status = page.locator("#flame .status").inner_text()
    opened(page, folder / "diff.html", link)
    assert notices(page) == []
    assert page.locator("#flame .status").inner_text() == status
    opened(page, folder / "diff.html", link + ".????.????")
    (said,) = notices(page)
    assert "2 frames above it" in said
    assert page.locator("#flame .status").inner_text() == status


def test_a_path_shown_in_the_graph_is_linked_by_its_id(page: Page, folder: Path) -> None:
    opened(page, folder / "diff.html")
    page.locator("#path-1 ~ .detail-row").get_by_role("button", name="Show in flame graph").click()
    identity = page.locator("#path-1").get_attribute("data-path")
    assert address(page) == f"#f={identity}"
    status = page.locator("#flame .status").inner_text()
    opened(page, folder / "diff.html", f"#f={identity}")
    assert page.locator("#flame .status").inner_text() == status
    assert notices(page) == []


def test_links_in_the_page_still_work(page: Page, folder: Path) -> None:
    opened(page, folder / "diff.html", "#q=journal")
    page.evaluate("location.hash = '#findings'")
    assert address(page) == "#findings"
    assert page.locator(".find input").input_value() == "journal"


# Copies and files


def test_copying_gives_the_markdown_of_the_report(chromium: Browser, folder: Path) -> None:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = opened(context.new_page(), folder / "diff.html")
    page.get_by_role("button", name="Copy for ticket").click()
    page.wait_for_selector("text=Copied as Markdown")
    assert page.evaluate("navigator.clipboard.readText()") == REPORTS["diff"]("markdown")
    page.locator("#path-1 ~ .detail-row").get_by_role("button", name="Copy as Markdown").click()
    page.wait_for_timeout(200)
    copied = page.evaluate("navigator.clipboard.readText()")
    row = document("diff")["paths"][0]
    names = names_of(row, document("diff")["frames"])
    assert page.locator("#path-1").get_attribute("data-path") == row["id"]
    assert f"`{row['id']}`" in copied
    assert re.findall(r"^(?:▶| ) (\S+)", copied, re.MULTILINE) == names[::-1]
    context.close()


def refused(page: Page) -> None:
    """A browser that lets no page copy."""
    page.add_init_script(
        "if (navigator.clipboard) navigator.clipboard.writeText = () => Promise.reject(new Error('no'))"
    )


def test_where_copying_is_refused_the_text_is_selected(page: Page, folder: Path) -> None:
    refused(page)
    opened(page, folder / "diff.html")
    page.keyboard.press("j")
    page.keyboard.press("c")
    field = page.get_by_role("dialog", name="Copy as Markdown").locator("textarea")
    field.wait_for()
    assert field.input_value() == REPORTS["diff"]("markdown")
    chosen = field.evaluate("field => [document.activeElement === field, field.selectionEnd - field.selectionStart]")
    assert chosen == [True, len(REPORTS["diff"]("markdown"))]
    page.keyboard.press("Escape")
    assert focused(page) == "path-1"


def saved(page: Page, button: Locator) -> str:
    with page.expect_download() as download:
        button.click()
    return Path(download.value.path()).read_text(encoding="utf-8")


def test_the_saved_table_is_that_of_the_csv_format(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html")
    shown = list(csv.DictReader(io.StringIO(saved(page, page.get_by_role("button", name="Save as CSV")))))
    wanted = [row for row in csv.DictReader(io.StringIO(REPORTS["many"]("csv"))) if row["id"]]
    assert {row["id"] for row in shown} == {row["id"] for row in wanted}
    common = wanted[0].keys() & shown[0].keys()
    assert {"id", "kind", "module", "function", "retained_bytes", "retained_blocks", "stack"} <= common
    key = sorted(common)
    assert sorted([row[name] or "0" for name in key] for row in shown) == sorted(
        [row[name] or "0" for name in key] for row in wanted
    )


def test_the_saved_json_has_what_is_listed(page: Page, folder: Path) -> None:
    opened(page, folder / "many.html", "#q=dict")
    rows = json.loads(saved(page, page.get_by_role("button", name="Save as JSON")))
    assert rows
    by_id = {row["id"]: row for row in document("many")["paths"]}
    for row in rows:
        assert any("dict" in (frame["function"] or "").lower() for frame in row["frames"])
        values = by_id[row["id"]]["values"]
        assert isinstance(values, dict)
        assert row["values.retained_bytes"] == values["retained_bytes"]


# The timeline


def test_snapshots_are_stepped_through(page: Page, folder: Path) -> None:
    opened(page, folder / "massif.html")
    words = page.locator("#timeline .acts [role=status]")
    start = words.inner_text()
    found = re.match(r"snapshot (\d+) of (\d+), ", start)
    assert found is not None
    assert start.endswith("the judged one")
    judged, count = int(found[1]), int(found[2])
    page.keyboard.press(",")
    assert words.inner_text().startswith(f"snapshot {judged - 1} of {count}, ")
    snapshot = json.loads(REPORTS["massif"]("json"))["snapshots"]
    assert len(snapshot) == count
    assert re.fullmatch(r"#s=\d+", address(page))
    page.keyboard.press(".")
    assert words.inner_text() == start
    assert address(page) == ""
    for _ in range(count + 2):
        page.get_by_role("button", name="Next snapshot").click()
    assert words.inner_text().startswith(f"snapshot {count} of {count}, ")


def test_a_click_on_the_chart_goes_to_the_nearest_snapshot(page: Page, folder: Path) -> None:
    opened(page, folder / "massif.html")
    chart = page.locator("#timeline svg[data-steps]")
    places = [float(place) for place in re.split("[ ,]+", chart.get_attribute("data-steps") or "")]
    box, width = chart.bounding_box(), float((chart.get_attribute("viewBox") or "").split()[2])
    assert box is not None
    for number in (0, len(places) // 2, len(places) - 1):
        chart.click(position={"x": places[number] / width * box["width"], "y": 20})
        assert (
            page.locator("#timeline .acts [role=status]")
            .inner_text()
            .startswith(f"snapshot {places.index(places[number]) + 1} of ")
        )
        assert page.locator("#timeline .step").get_attribute("d", timeout=1000).startswith(f"M{places[number]:g} ")  # type: ignore[union-attr]


# Without what script needs


def test_paper_shows_no_controls(page: Page, folder: Path) -> None:
    opened(page, folder / "massif.html")
    assert page.locator("button, input").locator("visible=true").count() > 5
    page.emulate_media(media="print")
    assert (
        page.locator("header button, header input, #paths button.btn, #timeline button").locator("visible=true").count()
        == 0
    )


PAYLOAD = re.compile(r'(<script type="application/json" id="payload"[^>]*>)(.*?)(</script>)', re.DOTALL)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (r"\1{\3", "the data is damaged"),
        (r"\1null\3", "another version"),
        (r'\1{"schema":"leakreport-payload/99"}\3', "another version"),
        (r'\1{"schema":"leakreport-payload/1"}\3', "the data is damaged"),
        ("", "the data is missing"),
        (
            r'<script type="application/octet-stream" id="payload" data-encoding="gzip+base64">H4sI\3',
            "the data is damaged",
        ),
        (
            r'<script type="application/octet-stream" id="payload" data-encoding="gzip+base64">%\3',
            "the data is damaged",
        ),
    ],
)
def test_without_its_data_the_page_stays_and_says_why(
    page: Page, folder: Path, tmp_path: Path, found: str, words: str
) -> None:
    text = (folder / "diff.html").read_text(encoding="utf-8")
    assert PAYLOAD.search(text)
    (tmp_path / "page.html").write_text(PAYLOAD.sub(found, text), encoding="utf-8")
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_selector(".notice")
    (said,) = notices(page)
    assert words in said
    assert page.locator(".notice [role=status]").count() == 1
    assert page.locator("html[data-ready]").count() == 0
    assert page.locator("#flame .static").is_visible()
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"


def test_a_browser_that_cannot_unpack_says_so(page: Page, folder: Path, tmp_path: Path) -> None:
    text = PAYLOAD.sub(
        r'<script type="application/octet-stream" id="payload" data-encoding="gzip+base64">H4sI\3',
        (folder / "diff.html").read_text(encoding="utf-8"),
    )
    (tmp_path / "page.html").write_text(text, encoding="utf-8")
    page.add_init_script("delete window.DecompressionStream")
    page.goto((tmp_path / "page.html").as_uri())
    page.wait_for_selector(".notice")
    assert "this browser is too old to unpack the data" in notices(page)[0]


def test_a_part_that_fails_does_not_take_the_page_with_it(page: Page, folder: Path) -> None:
    page.add_init_script("HTMLCanvasElement.prototype.getContext = () => { throw new Error('no canvas') }")
    page.goto((folder / "many.html").as_uri())
    page.wait_for_selector(".notice")
    assert notices(page) == ["Not working here: the flame graph. The rest is complete."]
    assert page.locator("#flame .static").is_visible()
    page.locator(".find input").fill("dict")
    assert "of" in page.locator(".found").inner_text()


# A page that cannot be made to run anything else


def test_what_is_injected_does_not_run(chromium: Browser, folder: Path, tmp_path: Path) -> None:
    text = (folder / "diff.html").read_text(encoding="utf-8")
    injected = "<script>document.title = 'ran'</script><img src=x onerror=\"document.title = 'ran'\">"
    (tmp_path / "page.html").write_text(text.replace("<main", injected + "<main"), encoding="utf-8")
    page = chromium.new_page()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    opened(page, tmp_path / "page.html")
    assert "ran" not in page.title()
    refused = page.evaluate(
        """() => ['innerHTML', 'outerHTML'].map(name => {
            try { document.querySelector('footer')[name] = '<b>x</b>'; return 'done' } catch (error) { return error.name }
        })"""
    )
    assert refused == ["TypeError", "TypeError"]
    page.evaluate(
        "const script = document.createElement('script'); script.append('document.title = \"ran\"'); document.body.append(script)"
    )
    assert "ran" not in page.title()
    assert [url for url in requests if not url.startswith("file:")] == []
    page.close()


def test_in_a_sandboxed_frame_all_works_that_can(page: Page, folder: Path) -> None:
    page.goto("about:blank")
    page.evaluate(
        """content => new Promise(done => {
            const frame = document.createElement('iframe');
            frame.setAttribute('sandbox', 'allow-scripts');
            frame.width = 1200;
            frame.height = 800;
            frame.srcdoc = content;
            frame.onload = done;
            document.body.append(frame);
        })""",
        (folder / "many.html").read_text(encoding="utf-8"),
    )
    frame = page.frames[1]
    frame.wait_for_selector("html[data-ready]", state="attached")
    assert frame.get_by_role("button", name=re.compile("^Save")).count() == 0
    frame.locator(".find input").fill("dict")
    assert frame.locator(".found").inner_text()
    frame.locator("button[title='Theme: auto']").click()
    assert frame.evaluate("document.documentElement.dataset.theme") == "light"
    frame.get_by_role("button", name="Copy for ticket").click()
    field = frame.locator("dialog textarea")
    field.wait_for()
    assert field.input_value() == REPORTS["many"]("markdown")
    page.wait_for_timeout(400)
