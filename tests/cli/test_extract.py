"""`leakreport extract`: the document out of a report, and what is no report."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from leakreport.cli import main
from tests.readers.page_support import around, packed, payload, plain
from tests.support import FIXTURES

SCHEMA = Draft202012Validator(json.loads((FIXTURES.parent / "docs" / "leakreport-1.schema.json").read_text(encoding="utf-8")))  # fmt: skip
DOCUMENT = FIXTURES / "leakreport" / "diff-svc" / "input.json"


def test_the_document_of_a_page_comes_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, content in (("plain.html", plain(payload())), ("packed.html", packed(payload())), ("x.html.gz", gzip.compress(plain(payload())))):  # fmt: skip
        (tmp_path / name).write_bytes(content)
        assert main(["extract", str(tmp_path / name)]) == 0
        document = json.loads(capsys.readouterr().out)
        SCHEMA.validate(document)
        rows = [(row["id"], row["leak_kind"], row["values"]["retained_bytes"], row.get("folded")) for row in document["paths"]]  # fmt: skip
        assert rows == [
            ("p1-0123456789abcdef", "definite", 100, None),
            (None, "reachable", 50, 1),
            (None, "definite", 30, 3),
        ]
        assert document["frames"][document["paths"][2]["frames"][-1]]["function"] == "3 small paths"
        assert list(document).index("frames") < list(document).index("findings")


def test_a_document_comes_back_byte_for_byte(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "out.json"
    assert main(["extract", str(DOCUMENT), "-o", str(output)]) == 0
    assert output.read_bytes() == DOCUMENT.read_bytes()
    assert "wrote" in capsys.readouterr().err
    assert main(["extract", str(DOCUMENT), "-o", str(output), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("content", "slug"),
    [
        (plain(payload())[:-3000], "malformed-input"),
        (around('id="payload" data-schema="leakreport-payload/2"', "{}"), "unsupported-input"),
        (b"<!doctype html><html><title>memray - leaks</title>", "unsupported-input"),
        (b"<html><body>a page</body></html>", "unsupported-input"),
        (DOCUMENT.read_bytes()[:-100], "malformed-input"),
        ((FIXTURES / "demo" / "memcheck.xml").read_bytes(), "unsupported-input"),
        (b"", "empty-input"),
        (b"nothing of the kind\n", "unrecognised-input"),
        (gzip.compress(plain(payload()))[:-40], "malformed-input"),
    ],
)
def test_what_is_no_report_exits_3(
    content: bytes, slug: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "input").write_bytes(content)
    assert main(["extract", str(tmp_path / "input")]) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"error[{slug}]: ")


def test_a_page_whose_beginning_was_lost_is_still_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = plain(payload()).replace(" · leakreport</title>".encode(), b"</title>")
    (tmp_path / "page.html").write_bytes(page)
    assert main(["extract", str(tmp_path / "page.html")]) == 0
    assert json.loads(capsys.readouterr().out)["kind"] == "analysis"
    assert main(["analyze", str(tmp_path / "page.html")]) == 3
    assert "--format leakreport" in capsys.readouterr().err
    assert main(["analyze", str(tmp_path / "page.html"), "--format", "leakreport"]) == 0


def test_an_output_never_replaces_the_report(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_bytes(plain(payload()))
    assert main(["extract", str(tmp_path / "page.html"), "-o", str(tmp_path / "page.html")]) == 2
    assert main(["extract", str(tmp_path / "page.html"), "-o", str(tmp_path / "no" / "x.json")]) == 4


def test_every_command_reads_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    page.write_bytes(plain(payload()))
    assert main(["analyze", str(page), "--fail-on", "definite"]) == 1
    assert "130 B lost at exit" in capsys.readouterr().out
    assert main(["diff", str(page), str(page), "--fail-on", "growth,new"]) == 0
    assert main(["trend", str(page), str(page)]) == 0
    assert main(["convert", str(page), "--to", "folded"]) == 0
    assert "main;[3 small paths] 30" in capsys.readouterr().out
    assert main(["analyze", str(page), "--fail-on", "fds"]) == 5
