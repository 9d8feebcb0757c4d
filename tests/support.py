"""What several tests need: fixtures by case, and a shortcut from bytes to snapshots."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from leakreport.model.raw import RawSnapshot
from leakreport.readers import get_reader
from leakreport.testing import MemoryStream, read_content

__all__ = [
    "FAMILIES",
    "FIXTURES",
    "MemoryStream",
    "cases",
    "expected",
    "fixture_bytes",
    "fixture_path",
    "kind_totals",
    "read",
]

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


FAMILIES = tuple(sorted(path.parent.name for path in FIXTURES.glob("*/expected.json")))
"""The folders of fixtures that are named like a format."""


def cases(family: str) -> list[str]:
    return sorted(path.name for path in (FIXTURES / family).iterdir() if path.is_dir())


def fixture_path(family: str, case: str) -> Path:
    return next(path for path in (FIXTURES / family / case).iterdir() if path.name.startswith("input"))


def fixture_bytes(family: str, case: str) -> bytes:
    path = fixture_path(family, case)
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def expected(family: str) -> dict[str, list[dict[str, list[int]]]]:
    found: dict[str, Any] = json.loads((FIXTURES / family / "expected.json").read_text())
    return found


def read(family: str, content: bytes, chunk: int | None = None) -> list[RawSnapshot]:
    return read_content(get_reader(family), content, chunk=chunk)


def kind_totals(raw: RawSnapshot) -> dict[str, tuple[int | None, int | None]]:
    return {
        kind: (raw.totals.get(f"{kind}_bytes"), raw.totals.get(f"{kind}_blocks"))
        for kind in ("definite", "indirect", "possible", "reachable", "suppressed")
    }
