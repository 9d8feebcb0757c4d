"""The shape of an answer to a person: a title, sections of sentences, commands to type."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class Section(NamedTuple):
    """A heading and its sentences, each a paragraph of its own."""

    heading: str
    lines: tuple[str, ...]
    is_code: bool = False
    """Its lines are commands to copy."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What `explain` and `doctor` say."""

    kind: str
    """`explanation` or `diagnosis`."""
    title: str
    sections: tuple[Section, ...]
    commands: tuple[str, ...] = ()
    """What to run next, ready to type."""
    values: Mapping[str, object] = field(default_factory=dict)
    """What scripts want to know beside the words: names and JSON values."""


HEADINGS = ("What", "Why it matters", "How sure", "How to fix", "When it is safe to ignore", "How to prove the fix")


def six_sections(*parts: tuple[str, ...]) -> tuple[Section, ...]:
    """The six headings of an explanation with their sentences, in order; a heading without any is left out."""
    return tuple(
        Section(heading, tuple(line for line in lines if line))
        for heading, lines in zip(HEADINGS, parts, strict=True)
        if any(lines)
    )
