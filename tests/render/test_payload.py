"""The data inside a page: complete, exact, the same every time, and nothing in it can leave its element."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from random import Random
from typing import Any

import pytest

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import Report
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import analyze, compare, load, trend
from leakreport.errors import OutputError
from leakreport.model.builder import build_run
from leakreport.model.packing import unpacked_tree
from leakreport.model.raw import Frame, FrameKind, RawSnapshot, SampleTableBuilder, SnapshotMeta
from leakreport.model.snapshot import Run
from leakreport.render import as_diff, as_trend, get_renderer
from leakreport.render.interface import RenderOptions
from leakreport.render.payload import MOST_FINDINGS, MOST_PLAIN, payload_element, payload_of
from tests.analysis.page_support import random_run
from tests.support import FIXTURES, fixture_path

AnyReport = Report | DiffReport | TrendReport
LARGEST = 2**53 - 1
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "]]>&lt;\"'`${x}{{ 7*7 }}",
    "\x00\x1b[31m",
    "evil\u202etxt\u2066",
    "line\u2028sep\u2029arator",
    "lone\ud800surrogate",
    "\u200bzero\ufeffwidth",
    "x" * 5000,
    "é中😀",
    "-->",
    "__proto__",
    "constructor",
    "\\u003c/script>",
    "&amp;",
)


def run_of(names: tuple[str, ...], amount: int = 7) -> Run:
    builder = SampleTableBuilder(("retained_bytes",))
    for name in names:
        builder.add(
            [Frame("main", "/srv/app", "/src", "m.c", 1), Frame(name, f"/srv/{name}", None, f"{name}.c", 2)], (amount,)
        )
    samples = builder.build()
    return build_run([RawSnapshot(SnapshotMeta("x", "test"), {"retained_bytes": amount * len(names)}, samples)])


def values_of(report: AnyReport, options: RenderOptions | None = None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(payload_of(report, options or RenderOptions()).content)
    return found


def plain(report: AnyReport) -> dict[str, Any]:
    renderer, options = get_renderer("json"), RenderOptions()
    if isinstance(report, DiffReport):
        text: str | bytes = as_diff(renderer).render_diff(report, options)
    elif isinstance(report, TrendReport):
        text = as_trend(renderer).render_trend(report, options)
    else:
        text = renderer.render(report, options)
    found: dict[str, Any] = json.loads(text)
    return found


@cache
def reports() -> dict[str, AnyReport]:
    """All kinds, of real inputs."""
    memcheck, massif = fixture_path("memcheck-xml", "python3"), fixture_path("massif", "python3")
    demo = FIXTURES / "demo" / "memcheck.xml"
    series = random_run(11, snapshots=4)
    return {
        "memcheck": analyze(load(demo)),
        "python": analyze(load(memcheck)),
        "massif": analyze(load(massif)),
        "diff": compare(load(demo), load(memcheck), config=AnalysisOptions(force_compare=True)),
        "made": compare(
            random_run(1, kinds=True), random_run(5, kinds=True), config=AnalysisOptions(force_compare=True)
        ),
        "trend": trend(series),
        "deep": analyze(random_run(11, deep=True), config=AnalysisOptions(max_nodes=300)),
    }


NAMES = ("memcheck", "python", "massif", "diff", "made", "trend", "deep")


def frame_of(values: dict[str, Any], number: int) -> dict[str, Any]:
    """A frame as the JSON document has it."""
    frames, strings = values["frames"], values["strings"]

    def text(name: str) -> str | None:
        index = frames[name][number]
        return None if index < 0 else strings[index]

    return {
        "function": text("function"),
        "module": text("module"),
        "file": text("file"),
        "line": frames["line"][number] or None,
        "kind": tuple(FrameKind)[frames["kind"][number]].value,
        "inlined": bool(frames["flags"][number] & 2),
        "address": frames["address"][number] if "address" in frames else None,
        "offset": frames["offset"][number] if "offset" in frames else None,
        "own": bool(frames["flags"][number] & 1),
    }


def tree_of(values: dict[str, Any]) -> dict[str, Any]:
    compared = values["compare"]
    return unpacked_tree(values["tree"], None if compared is None else (compared["before"], compared["after"]))


def stacks_of(values: dict[str, Any]) -> list[list[int]]:
    """Per node the frames from the root."""
    tree = tree_of(values)
    found: list[list[int]] = []
    path: list[int] = []
    for depth, frame in zip(tree["depth"], tree["frame"], strict=True):
        path = [*path[: depth - 1], frame] if depth else []
        found.append(path)
    return found


def rows_of(values: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows as objects, by the rule of docs/payload.md, without what is null."""
    columns = values["rows"]
    for cells in zip(*columns.values(), strict=True):
        row: dict[str, Any] = {}
        for name, value in zip(columns, cells, strict=True):
            if value is None:
                continue
            *outer, last = name.split(".")
            place = row
            for part in outer:
                place = place.setdefault(part, {})
            place[last] = value
        yield row


def without_null(value: Any) -> Any:
    """Without what a row of columns cannot tell: null, and objects with nothing in them."""
    if not isinstance(value, dict):
        return value
    shown = {name: without_null(one) for name, one in value.items()}
    return {name: one for name, one in shown.items() if one is not None and one != {}}


@pytest.mark.parametrize("name", NAMES)
def test_listed_rows_are_those_of_the_document(name: str) -> None:
    report = reports()[name]
    values, document = values_of(report), plain(report)
    stacks = stacks_of(values)
    rows = list(rows_of(values))
    assert len(rows) == min(len(report.page.row_node), len(document["paths"]))
    assert rows
    for row, wanted in zip(rows, document["paths"], strict=False):
        stack, node = row.pop("stack", None), row.pop("node")
        frames = stacks[node] if stack is None else stack
        assert [frame_of(values, frame) for frame in frames] == [
            document["frames"][frame] for frame in wanted.pop("frames")
        ]
        if "frames_before" in wanted:
            shown = [frame_of(values, frame) for frame in row.pop("frames_before")]
            assert shown == [document["frames"][frame] for frame in wanted.pop("frames_before")]
        assert row == without_null(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_the_rest_of_the_document_is_there(name: str) -> None:
    report = reports()[name]
    values, wanted = values_of(report), plain(report)
    document = values["document"]
    assert set(document) - {"unlisted_findings"} == set(wanted) - {"frames", "paths"}
    for key in set(wanted) - {"frames", "paths", "findings", "accumulation"}:
        assert document[key] == wanted[key], key
    for found, finding in zip(document["findings"], wanted["findings"], strict=True):
        for stack, other in [
            (found.pop("frames"), finding.pop("frames")),
            *(
                (one.pop("frames"), two.pop("frames"))
                for one, two in zip(found["more_stacks"], finding["more_stacks"], strict=True)
            ),
        ]:
            assert (stack is None) == (other is None)
            assert [frame_of(values, one) for one in stack or ()] == [wanted["frames"][one] for one in other or ()]
        assert found == finding
    if wanted.get("accumulation"):
        assert frame_of(values, document["accumulation"]["frame"]) == wanted["frames"][wanted["accumulation"]["frame"]]


@pytest.mark.parametrize("name", NAMES)
def test_every_mode_adds_up_to_its_total(name: str) -> None:
    report = reports()[name]
    values = values_of(report)
    document, columns = values["document"], {one["name"]: sum(one["values"]) for one in tree_of(values)["columns"]}
    assert values["mode"] in {mode["key"] for mode in values["modes"]}
    for mode in values["modes"]:
        assert {mode.get(part) for part in ("column", "before", "after")} - {None} <= set(columns)
    for column, total in columns.items():
        if values["kind"] == "analysis" and not column.startswith("series."):
            assert total == document["totals"][column] - document["unattributed"][column]
        if values["kind"] == "diff":
            metric = column.partition(".")[2]
            change = columns[f"after.{metric}"] - columns[f"before.{metric}"]
            assert change == document["change"][metric] - document["unattributed"][metric]
        if values["kind"] == "trend":
            number = int(column.rpartition(".")[2])
            assert isinstance(report, TrendReport)
            assert total == sum(row.series[number] or 0 for row in report.rows)
    steps = values["snapshots"]
    assert all(step["column"] is None or step["column"] in columns for step in steps)
    if steps:
        assert [step["index"] for step in steps] == sorted(step["index"] for step in steps)
        states = document["snapshots"]
        assert [step["label"] for step in steps] == [states[step["index"]]["label"] for step in steps]


@pytest.mark.parametrize("name", NAMES)
def test_only_frames_that_something_uses_are_there(name: str) -> None:
    values = values_of(reports()[name])
    used = {frame for stack in stacks_of(values) for frame in stack if frame >= 0}
    for row in rows_of(values):
        used.update(row.get("stack") or ())
        used.update(row.get("frames_before") or ())
    for finding in values["document"]["findings"]:
        used.update(finding["frames"] or ())
        used.update(frame for stack in finding["more_stacks"] for frame in stack["frames"])
    if values["document"].get("accumulation"):
        used.add(values["document"]["accumulation"]["frame"])
    assert used == set(range(len(values["frames"]["function"])))
    assert len(set(values["strings"])) == len(values["strings"])
    assert values["strings"][0] == ""


@pytest.mark.parametrize("name", NAMES)
def test_the_same_report_gives_the_same_bytes(name: str) -> None:
    report = reports()[name]
    assert payload_of(report, RenderOptions()) == payload_of(report, RenderOptions())


class Page(HTMLParser):
    """What a browser would make of the element."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("is_large", [False, True])
def test_hostile_names_stay_inside_the_element(is_large: bool) -> None:
    more = tuple(f"function_{number}" for number in range(6000 if is_large else 0))
    report = analyze(run_of((*HOSTILE, *more)))
    text = str(payload_element(report, RenderOptions()))
    page = Page()
    page.feed(f"{text}<p>behind</p>")
    assert [tag for tag, _ in page.elements] == ["script", "p"]
    attributes = page.elements[0][1]
    assert attributes["data-schema"] == "leakreport-payload/1"
    assert text.isascii()
    inside = page.text.removesuffix("behind")
    assert not set(inside) & set("<>&")
    if is_large:
        assert attributes["type"] == "application/octet-stream"
        assert attributes["data-encoding"] == "gzip+base64"
        packed = base64.b64decode(inside, validate=True)
        assert packed[4:8] == b"\0\0\0\0", "no time"
        content = gzip.decompress(packed)
        assert len(content) > MOST_PLAIN
    else:
        assert attributes["type"] == "application/json"
        assert "data-encoding" not in attributes
        content = inside.encode()
    values = json.loads(content)
    shown = "".join(values["strings"])
    assert "evil‹U+202E›txt‹U+2066›" in shown
    assert "lone\ufffdsurrogate" in shown
    assert "‹U+200B›zero‹U+FEFF›width" in shown
    assert "é中😀" in shown
    assert not any(character in shown for character in "\x00\x1b\u202e\u2028\ud800\u200b")
    assert max(map(len, values["strings"])) <= 2000
    assert "(5,000 characters in all)" in shown


def test_texts_of_the_document_are_shown_like_names() -> None:
    report = analyze(run_of(("a",)))
    report = replace(report, inputs=(replace(report.inputs[0], label="\u202elabel"),))
    assert values_of(report)["document"]["inputs"][0]["label"] == "‹U+202E›label"


def test_numbers_that_javascript_does_not_have_are_refused() -> None:
    assert tree_of(values_of(analyze(run_of(("a",), LARGEST))))["columns"][0]["values"][-1] == LARGEST
    with pytest.raises(OutputError, match="9,007,199,254,740,992"):
        payload_of(analyze(run_of(("a",), LARGEST + 1)), RenderOptions())
    with pytest.raises(OutputError, match="exactly"):
        payload_of(analyze(run_of(("a", "b"), LARGEST // 2 + 2)), RenderOptions())


def test_many_findings_are_cut_and_counted() -> None:
    values = values_of(analyze(run_of(tuple(f"f{number}" for number in range(MOST_FINDINGS + 5)))))
    assert len(values["document"]["findings"]) == MOST_FINDINGS
    assert values["document"]["unlisted_leaks"] == 5
    assert values["document"]["unlisted_findings"] == 0


def test_the_copied_text_is_that_of_markdown() -> None:
    report = reports()["memcheck"]
    assert isinstance(report, Report)
    assert values_of(report)["markdown"] == get_renderer("markdown").render(report, RenderOptions())


def test_options_of_other_outputs_hide_nothing() -> None:
    report = reports()["python"]
    assert values_of(report, RenderOptions(max_paths=1)) == values_of(report)


def test_keys_tell_functions_of_other_builds_apart_and_no_names() -> None:
    values = values_of(analyze(run_of(("a::b<int>(int)", "a::b<int>(long)", "c", "d.constprop.0"))))
    strings, frames = values["strings"], values["frames"]
    keys = {
        strings[function]: None if step == 0 else strings[function + step]
        for function, step in zip(frames["function"], frames["key"], strict=True)
    }
    assert keys["a::b<int>(int)"] == keys["a::b<int>(long)"] != keys["d.constprop.0"]
    assert keys["c"] is None
    assert all(key is None or len(key) == 6 for key in keys.values())


def test_a_page_of_many_nodes_can_be_attached_to_a_ticket() -> None:
    report = analyze(wide_run())
    payload = payload_of(report, RenderOptions())
    assert 19_990 <= len(report.page) <= 20_000
    assert len(payload.embedded()) < 300_000


@cache
def wide_run() -> Run:
    random = Random(4)
    frames = [Frame(f"namespace::Class{number % 97}::method_{number}(int)", "libwide.so", None, "wide.cc", number) for number in range(3000)]  # fmt: skip
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    for _ in range(12_000):
        blocks = random.randint(1, 5)
        builder.add(random.choices(frames, k=random.randint(4, 10)), (blocks * random.randint(8, 4096), blocks))
    samples = builder.build()
    totals = {name: int(column.sum()) for name, column in samples.values.items()}
    return build_run([RawSnapshot(SnapshotMeta("wide", "test"), totals, samples)])
