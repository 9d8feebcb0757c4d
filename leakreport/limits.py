"""Bounds on hostile or broken input. One frozen object, given to every reader and to the builder."""

from __future__ import annotations

from dataclasses import dataclass

INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of an input is agreed to. The defaults are generous for real files and small for bombs."""

    head_bytes: int = 64 * 1024
    """What a reader may look at to recognise its format."""

    sniff_bytes: int = 64 * 1024 * 1024
    """How far into a file the start of a profile is searched (build output before a log)."""

    line_bytes: int = 1024 * 1024
    """The longest line of a text format that is looked at; the rest of a longer one is passed over."""

    element_bytes: int = 16 * 1024 * 1024
    """The largest single record (an XML error with its stacks). libxml2 itself stops text at 10 MB."""

    stack_frames: int = 100_000
    """Frames in one stack. Valgrind stops at 500, heaptrack at 64; Java and recursion go further."""

    name_characters: int = 200_000
    """The longest function or file name that is kept; C++ names of 100,000 characters exist."""

    records: int = 20_000_000
    """Records in one input."""

    damaged_records: int = 100_000
    """Records in one input that cannot be read. A file with more is no recording."""

    problems: int = 100_000
    """Errors of one process that are kept with their stacks; further ones are only counted. Valgrind stops at 1,000."""

    processes: int = 10_000
    """Processes in one input."""

    files: int = 10_000
    """Files taken from one folder or glob."""

    repository_files: int = 200_000
    """Files of a checkout among which a base name is searched; in a larger one base names stay unknown."""

    owner_rules_bytes: int = 3 * 1024 * 1024
    """A CODEOWNERS file; GitHub takes none above 3 MB."""

    page_bytes: int = 256 * 1024 * 1024
    """A page of a report, packed and unpacked."""

    expansion_bytes: int = 1024 * 1024 * 1024
    """From here on the ratio of a compressed input is watched."""

    expansion_ratio: int = 500
    """Above this ratio, past `expansion_bytes`, a compressed input is refused as a bomb."""


DEFAULT_LIMITS = Limits()
