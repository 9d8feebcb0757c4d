"""The JSON document: its sums, its shape, and that every text in it is valid for everybody."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import Enum

import pytest

from leakreport.analysis.report import Report
from leakreport.api import analyze, load_inputs
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Note
from leakreport.render.interface import RenderOptions
from leakreport.render.json import JsonRenderer, document
from tests.render.test_golden import REPORTS, leak_report
from tests.support import FAMILIES, cases, fixture_path

FIXTURES = [(family, case) for family in FAMILIES for case in cases(family)]
KEYS = [
    "schema", "generator", "kind", "metric", "verdict", "inputs", "frames", "findings", "per", "forecast", "snapshots",
    "judged", "totals", "unattributed", "paths", "hidden", "attribution", "groups", "accumulation", "selection",
    "suppressions", "record_count", "named_frames", "checks", "unlisted_leaks", "privacy",
]  # fmt: skip
# Fields whose words leakreport makes itself.
OUR_WORDS = {"kind", "metric", "id", "path_ids", "format", "group_by"}


def fixture_report(family: str, case: str) -> Report:
    run = load_inputs([str(fixture_path(family, case))], unit="bytes").run
    if run is None:
        pytest.skip("nothing in it can be read")
    return analyze(run)


def rendered(report: Report, options: RenderOptions | None = None) -> dict[str, object]:
    text = JsonRenderer().render(report, options or RenderOptions())
    assert text.isascii()
    found = json.loads(text)
    assert isinstance(found, dict)
    return found


def leaves(value: object) -> Iterator[object]:
    """Every key and every value that is no container, at any depth."""
    waiting = [value]
    while waiting:
        current = waiting.pop()
        if isinstance(current, dict):
            waiting.extend(current.keys())
            waiting.extend(current.values())
        elif isinstance(current, list):
            waiting.extend(current)
        else:
            yield current


def with_texts_changed(value: object) -> object:
    """The same value with a lone surrogate at the end of every text of the input, at any depth."""
    if isinstance(value, Enum) or value is None or isinstance(value, int | float):
        return value
    if isinstance(value, str):
        return f"{value}\udce9"
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value) if field.name not in OUR_WORDS]
        changed = {name: with_texts_changed(getattr(value, name)) for name in names}
        return dataclasses.replace(value, **changed)
    if isinstance(value, Note):
        return value._replace(message=f"{value.message}\udce9")
    if isinstance(value, tuple):
        make: Callable[[Iterable[object]], object] = getattr(value, "_make", tuple)
        return make(with_texts_changed(part) for part in value)
    return value


@pytest.mark.parametrize("case", REPORTS)
def test_the_keys_stand_in_the_order_of_the_specification(case: str) -> None:
    assert list(rendered(REPORTS[case]())) == KEYS


@pytest.mark.parametrize("max_paths", [None, 0, 1])
@pytest.mark.parametrize(("family", "case"), FIXTURES, ids="-".join)
def test_paths_hidden_and_unattributed_add_up_to_the_totals(family: str, case: str, max_paths: int | None) -> None:
    found = document(fixture_report(family, case), RenderOptions(max_paths=max_paths))
    sums: Counter[str] = Counter()
    for row in found["paths"]:  # type: ignore[attr-defined]  # a plain JSON value
        sums.update(row["values"])
    sums.update(found["hidden"]["values"])  # type: ignore[index]  # a plain JSON value
    sums.update(found["unattributed"])  # type: ignore[call-overload]  # a plain JSON value
    totals = found["totals"]
    assert isinstance(totals, dict)
    assert {metric: sums[metric] for metric in totals} == totals


@pytest.mark.parametrize(("family", "case"), FIXTURES, ids="-".join)
def test_every_number_is_an_integer(family: str, case: str) -> None:
    document = rendered(fixture_report(family, case))
    for row in (*document["paths"], *document["snapshots"]):  # type: ignore[misc]
        # A standard error and a time are no amounts.
        row.pop("error", None)
        row.pop("time", None)
    assert not [leaf for leaf in leaves(document) if isinstance(leaf, float)]


@pytest.mark.parametrize("case", REPORTS)
def test_lone_surrogates_are_replaced_in_every_text(case: str) -> None:
    report = with_texts_changed(REPORTS[case]())
    assert isinstance(report, Report)
    texts = [leaf for leaf in leaves(document(report, RenderOptions(records=True))) if isinstance(leaf, str)]
    assert [text for text in texts if re.search("[\ud800-\udfff]", text)] == []
    assert sum("\ufffd" in text for text in texts) > 5


def test_unknown_is_null() -> None:
    frames = rendered(leak_report())["frames"]
    assert isinstance(frames, list)
    assert frames[7] == {
        "function": None, "module": "/usr/lib/libfoo.so.3", "file": None, "line": None, "kind": "function",
        "inlined": False, "address": "0x1a2b", "offset": None, "own": False,
    }  # fmt: skip


def test_no_leak_kind_is_null() -> None:
    report = leak_report()
    rows = tuple(dataclasses.replace(row, leak_kind=LeakKind.NONE) for row in report.paths)
    paths = rendered(dataclasses.replace(report, paths=rows))["paths"]
    assert isinstance(paths, list)
    assert {row["leak_kind"] for row in paths} == {None}


def test_records_are_named_only_on_request() -> None:
    report = leak_report()
    plain, named = rendered(report)["paths"], rendered(report, RenderOptions(records=True))["paths"]
    assert isinstance(plain, list)
    assert isinstance(named, list)
    assert not any("records" in row for row in plain)
    assert [row["records"] for row in named] == [["0x1"], ["0x2"], ["0x3"]]


def test_what_max_paths_cuts_off_is_counted() -> None:
    found = rendered(leak_report(), RenderOptions(max_paths=1))
    assert found["hidden"] == {"paths": 2, "values": {"retained_bytes": 1_511_424, "retained_blocks": 2945}}


def test_every_row_has_a_line_of_its_own() -> None:
    lines = JsonRenderer().render(leak_report(), RenderOptions()).splitlines()
    assert sum('"id": "p1-' in line for line in lines) == 3


def test_the_same_report_gives_the_same_text() -> None:
    assert JsonRenderer().render(leak_report(), RenderOptions()) == JsonRenderer().render(
        leak_report(), RenderOptions()
    )
