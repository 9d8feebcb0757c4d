"""Every format through every output, without a word about formats: what holds for all of them."""

from __future__ import annotations

import contextlib
import io
import json

import jsonschema
import pytest

from leakreport.cli import main
from leakreport.readers import reader_names
from leakreport.render import renderer_names
from tests.support import FAMILIES, FIXTURES, cases, fixture_path

SCHEMA = json.loads((FIXTURES.parent / "docs" / "leakreport-1.schema.json").read_text(encoding="utf-8"))
ALL = [(family, case) for family in FAMILIES for case in cases(family)]
EXIT_CODES = {0, 3}


def analysed(*arguments: str) -> tuple[int, str, str]:
    out, complaints = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(complaints):
        # Folded stacks do not say what they count; everybody else passes the word over.
        code = main(["analyze", "--unit", "bytes", *arguments])
    return code, out.getvalue(), complaints.getvalue()


def test_every_format_has_fixtures_and_a_page() -> None:
    assert set(FAMILIES) == set(reader_names())
    pages = {path.stem for path in (FIXTURES.parent / "docs" / "formats").glob("*.md")}
    assert pages == set(reader_names())


@pytest.mark.parametrize(("family", "case"), ALL)
def test_the_json_is_valid_and_adds_up(family: str, case: str) -> None:
    code, text, complaint = analysed(str(fixture_path(family, case)), "--to", "json", "--records")
    assert code in EXIT_CODES, complaint
    if not text:
        assert complaint.startswith("error[")
        return
    document = json.loads(text)
    jsonschema.validate(document, SCHEMA)
    for metric, total in document["totals"].items():
        if any(metric in row["values"] for row in document["paths"]):
            of_paths = sum(row["values"].get(metric, 0) for row in document["paths"])
            hidden = document["hidden"]["values"].get(metric, 0)
            assert of_paths + hidden + document["unattributed"].get(metric, 0) == total, metric
    rows = [(row["id"], row["leak_kind"]) for row in document["paths"]]
    assert len(set(rows)) == len(rows)
    assert document["verdict"]["sentence"]
    sampled = any(entry["sampling"] and entry["sampling"]["period"] > 1 for entry in document["inputs"])
    if sampled and document["totals"].get("retained_bytes"):
        assert document["verdict"]["sentence"].startswith(("About ", "At least "))


@pytest.mark.parametrize("family", FAMILIES)
# What is binary is read back in tests/render/test_writers.py.
@pytest.mark.parametrize("renderer", [name for name in renderer_names() if name not in {"json", "pprof"}])
def test_every_output_of_every_format_is_written(family: str, renderer: str) -> None:
    for case in cases(family)[:12]:
        code, text, complaint = analysed(str(fixture_path(family, case)), "--to", renderer)
        assert code in EXIT_CODES, complaint
        # Nothing held is no line of folded stacks.
        assert text or complaint.startswith("error[") or renderer == "folded", case
        assert "None" not in text.split("Command")[0] or renderer == "html", case
        if family in {"massif", "folded", "speedscope"}:
            # These know no blocks, and not known is not 0.
            assert "0 blocks" not in text, case
