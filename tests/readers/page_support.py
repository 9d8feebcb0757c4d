"""A page of a report written by hand, small enough to be checked by eye."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

METRICS = ("retained_bytes", "retained_blocks", "definite_bytes", "definite_blocks", "reachable_bytes", "reachable_blocks")  # fmt: skip
TOTALS = {
    "definite_bytes": 130, "definite_blocks": 4, "indirect_bytes": 0, "indirect_blocks": 0, "possible_bytes": 0,
    "possible_blocks": 0, "reachable_bytes": 50, "reachable_blocks": 2, "retained_bytes": 180, "retained_blocks": 6,
    "leaked_bytes": 130, "leaked_blocks": 4,
}  # fmt: skip
INPUT = {
    "source": "memcheck.xml", "format": "memcheck-xml", "tool": "memcheck", "tool_version": "3.19.0", "pid": 7,
    "command": ["./svc"], "label": None, "complete": True, "sampling": None, "totals": TOTALS, "notes": [],
    "parent_pid": None, "options": [], "leak_search": "complete", "truncation": None, "record_count": 5,
    "kinds_recorded": ["definite", "indirect", "possible", "reachable"], "looked_for": ["errors"],
    "memory_errors": 0, "judged_at": "last", "moment": "exit", "builds": [],
}  # fmt: skip


def payload() -> dict[str, Any]:
    """main calls leak (listed), held (a path that is not listed) and three small paths that are folded."""
    return {
        "schema": "leakreport-payload/1",
        "kind": "analysis",
        "document": {
            "schema": "leakreport/1",
            "generator": {"name": "leakreport", "version": "0.1.0"},
            "kind": "analysis",
            "metric": "retained_bytes",
            "verdict": {"status": "leak", "sentence": "130 B lost at exit", "gate": "not-asked", "reasons": []},
            "inputs": [INPUT],
            "findings": [],
            "per": None,
            "forecast": None,
            "snapshots": [{"input": 0, "index": 0, "label": None, "time": None, "time_unit": None, "detailed": True, "totals": TOTALS}],
            "judged": 0,
            "totals": TOTALS,
            "unattributed": dict.fromkeys(TOTALS, 0),
            "hidden": {"paths": 0, "values": {}},
        },
        "strings": ["", "main", "/src/svc.c", "/bin/svc", "leak", "held", "malloc"],
        "frames": {
            "function": [1, 4, 5],
            "module": [3, 3, 3],
            "file": [2, 2, 2],
            "line": [9, 21, 33],
            "kind": [0, 0, 0],
            "flags": [1, 1, 1],
            "key": [-1, -1, -1],
        },
        "tree": {
            "depth": [0, 1, 1, 0, 0],
            "frame": [-1, 0, 0, 0, -2],
            "paths": [0, 0, 1, 1, 3],
            "columns": [
                {"name": name, "values": values}
                for name, values in zip(
                    METRICS,
                    ([100, 50, 30], [1, 2, 3], [100, 0, 30], [1, 0, 3], [0, 50, 0], [0, 2, 0]),
                    strict=True,
                )
            ],
            "responsible": [2],
            "folded": [],
            "repeats": [],
        },
        "modes": [{"key": "retained_bytes", "title": "Retained", "column": "retained_bytes"}],
        "mode": "retained_bytes",
        "compare": None,
        "snapshots": [],
        "rows": {
            "id": ["p1-0123456789abcdef"],
            "leak_kind": ["definite"],
            "responsible": [1],
            "owner": [None],
            "module": ["svc"],
            "values.retained_bytes": [100],
            "values.retained_blocks": [1],
            "values.definite_bytes": [100],
            "values.definite_blocks": [1],
            "values.leaked_bytes": [100],
            "values.leaked_blocks": [1],
            "site": [1],
            "named_by": [1],
            "dragged_bytes": [0],
            "node": [2],
            "stack": [None],
        },
        "markdown": "",
    }  # fmt: skip


def plain(values: object) -> bytes:
    """A page that holds some values as they are."""
    text = json.dumps(values).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return around('type="application/json" id="payload" data-schema="leakreport-payload/1"', text)


def packed(values: object) -> bytes:
    """The same, packed."""
    text = base64.b64encode(gzip.compress(json.dumps(values).encode(), mtime=0)).decode()
    return packed_text(text)


def packed_text(text: str) -> bytes:
    return around(
        'type="application/octet-stream" id="payload" data-encoding="gzip+base64" data-schema="leakreport-payload/1"',
        text,
    )


def around(attributes: str, text: str, filling: int = 200_000) -> bytes:
    """An element far down a page, behind what a page shows."""
    shown = "<p>some of the page</p>\n" * (filling // 24)
    return (
        "<!doctype html>\n<html lang='en'><head><title>130 B lost at exit: svc · leakreport</title></head>\n"
        f"<body>{shown}<script {attributes}>{text}</script>\n</body></html>\n"
    ).encode()
