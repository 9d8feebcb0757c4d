"""Schemas of files that systems of CI read: those of schemastore that check-jsonschema brings."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any


def vendored(name: str) -> Any:
    """A schema by its name there, as `github-actions`."""
    folder = importlib.resources.files("check_jsonschema") / "builtin_schemas" / "vendor"
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
