"""Every JSON document that leakreport writes keeps the schema of docs/leakreport-1.schema.json."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from leakreport.cli import main
from leakreport.errors import EXIT_INPUT, EXIT_OK

ROOT = Path(__file__).resolve().parent.parent
SCHEMA = json.loads((ROOT / "docs" / "leakreport-1.schema.json").read_text(encoding="utf-8"))
INPUTS = [
    ROOT / "fixtures" / "demo" / "memcheck.xml",
    *sorted((ROOT / "fixtures" / "memcheck-xml").glob("*/input.xml")),
    *sorted((ROOT / "fixtures" / "memcheck-text").glob("*/input.log")),
]


def _case(path: Path) -> str:
    return f"{path.parent.parent.name}-{path.parent.name}"


def _faults(document: object) -> list[str]:
    return [f"{fault.json_path}: {fault.message[:200]}" for fault in Draft202012Validator(SCHEMA).iter_errors(document)]


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("path", INPUTS, ids=_case)
def test_the_document_keeps_the_schema(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["analyze", str(path), "--to", "json", "--records", "--partial"])
    output = capsys.readouterr()
    if not output.out:
        assert code == EXIT_INPUT, output.err
        assert output.err.startswith("error[")
        return
    assert code in {EXIT_OK, EXIT_INPUT}, output.err
    assert not _faults(json.loads(output.out))


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "leakreport/2"},
        {"kind": "guess"},
        {"totals": {"retained_bytes": 1.5}},
        {"judged": -1},
        {"paths": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_schema_refuses_a_broken_document(change: dict[str, object]) -> None:
    document: dict[str, object] = {
        "schema": "leakreport/1",
        "generator": {"name": "leakreport", "version": "0"},
        "kind": "analysis",
        "metric": "retained_bytes",
        "verdict": {"status": "clean", "sentence": "Nothing is held.", "gate": "not-asked", "reasons": []},
        "inputs": [],
        "frames": [],
        "findings": [],
        "per": None,
        "forecast": None,
        "snapshots": [],
        "judged": 0,
        "totals": {},
        "unattributed": {},
        "paths": [],
    }
    assert not _faults(document)
    assert _faults(document | change)
