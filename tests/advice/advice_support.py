"""Which patterns each function of the sample programs fits."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from leakreport.advice.matching import Match
from leakreport.analysis.calls import calls_of_row, matches_of_row
from leakreport.api import analyze, load


def by_function(recording: Path) -> dict[str, list[list[Match]]]:
    """Per function of the program, the innermost `leak_...` or else the innermost that is ours, the matches of its paths."""
    report = analyze(load(recording))
    found = defaultdict(list)
    for row in report.paths:
        calls = calls_of_row(row, report.frames, report.own)
        own = [call.function for call in calls if call.is_own and call.function]
        name = next((name for name in own if name.startswith("leak_")), own[-1] if own else "")
        found[name].append(matches_of_row(row, calls, is_rust=False))
    return dict(found)


def slugs(paths: list[list[Match]]) -> set[str]:
    """Every pattern of some paths."""
    return {match.pattern.slug for matches in paths for match in matches}


def firsts(paths: list[list[Match]]) -> set[str]:
    """The most telling pattern of each path."""
    return {matches[0].pattern.slug for matches in paths if matches}
