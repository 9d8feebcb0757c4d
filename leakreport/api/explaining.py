"""Leaks, rules, files and processes in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leakreport.errors import (
    InputError,
)
from leakreport.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from leakreport.analysis.report import Report
    from leakreport.explain.answer import Answer


def explain_leak(report: Report, given: str, *, include_host: bool = False) -> Answer:
    """A path or finding of a report in plain words.

    Args:
        report: of one run.
        given: its id, or the beginning of it with at least four digits.
        include_host: keep home folders, hosts and what looks like secrets.

    Raises:
        UsageError: no path or finding has such an id, or several have.
    """
    from leakreport.explain.leak import explain_id
    from leakreport.privacy.copies import public_copy

    return explain_id(report if include_host else public_copy(report, (), keeps_commands=True).report, given)


def explain_topic(given: str) -> Answer:
    """A rule, an error, a note, a pattern or a function in plain words.

    Raises:
        UsageError: nothing is known by that name.
    """
    from leakreport.explain.topics import explain_topic as explained

    return explained(given)


def list_topics() -> Answer:
    """What `explain_topic` knows."""
    from leakreport.explain.topics import topics

    return topics()


def diagnose_files(
    paths: Sequence[str], report: Report | None, errors: Sequence[InputError], *, include_host: bool = False
) -> Answer:
    """What some files are good for, what they lack, and how to record them better.

    Args:
        paths: as given.
        report: on what could be read, None where that is nothing.
        errors: what could not be read.
        include_host: keep home folders, hosts and what looks like secrets.
    """
    from leakreport.doctor.recording import diagnose
    from leakreport.privacy.copies import public_copy
    from leakreport.readers import get_reader, plugin_readers, reader_names

    formats = {name: get_reader(name).info for name in reader_names()}
    if report is not None and any(summary.format not in formats for summary in report.inputs):
        formats |= {name: reader.info for name, reader in plugin_readers()[0].items()}
    if report is not None and not include_host:
        report = public_copy(report, (), keeps_commands=True).report
    return diagnose(paths, report, errors, formats)


def diagnose_folder(folder: str, *, limits: Limits = DEFAULT_LIMITS) -> Answer:
    """What a folder has, by the names and heads of its files."""
    from leakreport.doctor.folder import diagnose_folder as diagnosed
    from leakreport.readers import recognise_head
    from leakreport.readers._stream import open_input
    from leakreport.readers.interface import FormatInfo

    def recognise(path: str) -> FormatInfo | str | None:
        try:
            with open_input(path, limits) as stream:
                return recognise_head(stream.read(limits.head_bytes), path)
        except InputError:
            return None

    return diagnosed(folder, recognise)


def diagnose_process(pid: int, *, include_host: bool = False) -> Answer:
    """What a process that runs is, and the commands that find the call paths of its memory.

    Raises:
        UnreadableInput: there is no such process.
    """
    from leakreport.doctor.attach import diagnose_process as diagnosed
    from leakreport.doctor.process import read_process
    from leakreport.doctor.program import program_of

    return diagnosed(read_process(pid, program_of), include_host=include_host)
