"""What numbers without a meaning of their own count: a word in the name of a file or profile says it."""

from __future__ import annotations

import re

_METRIC_BY_WORD = {
    "leaked": "retained_bytes",
    "retained": "retained_bytes",
    "peak": "peak_bytes",
    "allocations": "allocated_blocks",
    "allocated": "allocated_bytes",
    "temporary": "temporary_blocks",
}
"""The first here counts."""


def metric_of_path(path: str) -> str | None:
    """The metric that the last part of a path names."""
    return metric_of_words(path.replace("\\", "/").rsplit("/", 1)[-1])


def metric_of_words(text: str) -> str | None:
    """The metric that a text names; None where it names none."""
    words = set(re.split(r"[^a-z]+", text.lower()))
    for word, metric in _METRIC_BY_WORD.items():
        if word in words:
            return metric
    return "retained_bytes" if "bytes" in words else None
