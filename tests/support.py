"""What several tests need: an input in memory, fixtures by case, and a shortcut from bytes to snapshots."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from leakreport.limits import DEFAULT_LIMITS
from leakreport.model.raw import RawSnapshot
from leakreport.readers import get_reader

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"


FAMILIES = tuple(sorted(path.parent.name for path in FIXTURES.glob("*/expected.json")))
"""The folders of fixtures that are named like a format."""


class MemoryStream:
    """An `InputStream` over bytes; with `chunk`, it delivers at most that many at a time."""

    def __init__(self, name: str, content: bytes, chunk: int | None = None) -> None:
        self.name = name
        self._content = content
        self._chunk = chunk
        self._position = 0

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            size = len(self._content)
        if self._chunk is not None:
            size = min(size, self._chunk)
        piece = self._content[self._position : self._position + size]
        self._position += len(piece)
        return piece

    def rewind(self) -> None:
        self._position = 0


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
    return list(get_reader(family).read(MemoryStream("test", content, chunk), DEFAULT_LIMITS))


def kind_totals(raw: RawSnapshot) -> dict[str, tuple[int | None, int | None]]:
    return {
        kind: (raw.totals.get(f"{kind}_bytes"), raw.totals.get(f"{kind}_blocks"))
        for kind in ("definite", "indirect", "possible", "reachable", "suppressed")
    }
