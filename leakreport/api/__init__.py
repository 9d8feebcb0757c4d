"""The stages in order: inputs to a run, addresses to names, a run to a report, a report to text. What the command line and Python users call."""

from __future__ import annotations

from leakreport.api.checking import check, compare_with_baseline, read_baseline
from leakreport.api.explaining import (
    diagnose_files,
    diagnose_folder,
    diagnose_process,
    explain_leak,
    explain_topic,
    list_topics,
)
from leakreport.api.judging import analyze, compare, trend
from leakreport.api.loading import Loaded, extract, load, load_inputs, symbolize
from leakreport.api.rendering import render, render_failure
from leakreport.api.suppressing import leaks_of, rule_matcher, suppress, write_rules
from leakreport.api.watching import load_series, look_at_series

__all__ = [
    "Loaded",
    "analyze",
    "check",
    "compare",
    "compare_with_baseline",
    "diagnose_files",
    "diagnose_folder",
    "diagnose_process",
    "explain_leak",
    "explain_topic",
    "extract",
    "leaks_of",
    "list_topics",
    "load",
    "load_inputs",
    "load_series",
    "look_at_series",
    "read_baseline",
    "render",
    "render_failure",
    "rule_matcher",
    "suppress",
    "symbolize",
    "trend",
    "write_rules",
]
