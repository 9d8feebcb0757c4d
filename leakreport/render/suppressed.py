"""The rules of --suppressions and what they hid, for people."""

from __future__ import annotations

from leakreport.analysis.report import Report
from leakreport.model.raw import SuppressionUse
from leakreport.units import format_bytes, plural


def used_rules(report: Report) -> list[SuppressionUse]:
    """The rules that hid something of what is judged, the largest first."""
    used = [use for use in report.suppressions if use.is_used]
    return sorted(used, key=lambda use: (-use.bytes, -use.errors, use.file, use.line))


def idle_rules(report: Report) -> list[SuppressionUse]:
    """The rules that hid nothing of it, in the order of their files."""
    return [use for use in report.suppressions if not use.is_used]


def hidden_words(use: SuppressionUse) -> str:
    """What a rule hid: "2.96 KiB in 4 blocks (2 records), 3 errors"."""
    parts = []
    if use.records:
        blocks = f" in {plural(use.blocks, 'block')}" if use.blocks else ""
        parts.append(f"{format_bytes(use.bytes)}{blocks} ({plural(use.records, 'record')})")
    if use.errors:
        parts.append(plural(use.errors, "error"))
    return ", ".join(parts) or "nothing"


def place_of_rule(use: SuppressionUse) -> str:
    """The base name of the file, and the line."""
    return f"{use.file.rsplit('/', 1)[-1]}:{use.line}"
