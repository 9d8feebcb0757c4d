"""Whole outputs kept as files: compare and show the difference, or write them anew with LEAKREPORT_UPDATE_GOLDEN=1."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent / "golden"


def check_golden(name: str, actual: str) -> None:
    """Fail unless the file `tests/golden/<name>` holds exactly this text."""
    path = GOLDEN / name
    if os.environ.get("LEAKREPORT_UPDATE_GOLDEN") == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(actual, encoding="utf-8", newline="\n")
        return
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if actual == expected:
        return
    lines = difflib.unified_diff(expected.splitlines(), actual.splitlines(), f"golden/{name}", "actual", lineterm="")
    message = "\n".join((*lines, "", "If this is meant: LEAKREPORT_UPDATE_GOLDEN=1 python -m pytest tests/render"))
    raise AssertionError(message)
