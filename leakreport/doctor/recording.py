"""What recordings are good for, what they lack, and the command line that records them better."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from leakreport.analysis.findings import stack_limit
from leakreport.analysis.report import InputSummary, Report
from leakreport.doctor.remedies import REMEDIES
from leakreport.errors import InputError
from leakreport.explain.answer import Answer, Section
from leakreport.model.metrics import LOST_KINDS
from leakreport.readers.interface import FormatInfo
from leakreport.units import format_count, plural

RUNNERS = frozenset(
    "ctest make gmake ninja cmake meson sh bash dash zsh env sudo cargo bazel npm gtest-parallel timeout xvfb-run".split()
)
"""Programs that start the one that is meant."""
SERIES_FORMATS = frozenset({"jemalloc", "gperftools", "pprof"})
"""One dump of these is a moment; growth takes several."""
_FEW_DETAILED = 3
_COARSE = 0.3
"""A relative standard error of the largest path above which little can be said."""
_MOST_COMMANDS = 3
_CALLERS, _MOST_CALLERS = 40, 500
"""valgrind's own limit is 500."""


class Lack(NamedTuple):
    """Something that is missing."""

    slug: str
    text: str
    advice: str
    options: tuple[str, ...] = ()
    is_fatal: bool = False


def diagnose(
    paths: Sequence[str], report: Report | None, errors: Sequence[InputError], formats: dict[str, FormatInfo]
) -> Answer:
    """What to do with some files.

    Args:
        paths: as given.
        report: on what could be read; None where that is nothing.
        errors: what could not be read.
        formats: by name.
    """
    sections = []
    lacks: list[Lack] = []
    commands: list[str] = []
    if report is not None:
        lacks = list(_lacks(report))
        sections.append(Section("What it is", tuple(_described(report, formats))))
        sections.append(Section("What it lacks", tuple(f"{one.text} {one.advice}" for one in lacks) or ("Nothing.",)))
        commands += _commands(report, paths)
        better = _record_again(report, lacks, formats)
        if better:
            sections.append(Section("How to record it better", (better,), is_code=True))
    if errors:
        sections.append(Section("What cannot be read", tuple(f"{error} ({error.slug})" for error in errors)))
    is_usable = report is not None and not errors and report.is_complete and not any(one.is_fatal for one in lacks)
    return Answer(
        "diagnosis",
        f"{_named(paths)}: {'usable' if is_usable else 'not usable as it is'}",
        tuple(sections),
        tuple(commands),
        {
            "usable": is_usable,
            "formats": sorted({summary.format for summary in report.inputs}) if report else [],
            "lacks": [one.slug for one in lacks],
            "errors": [error.slug for error in errors],
        },
    )


def _named(paths: Sequence[str]) -> str:
    return ", ".join(paths) if len(paths) <= 3 else plural(len(paths), "input")


def _described(report: Report, formats: dict[str, FormatInfo]) -> Iterator[str]:
    for summary in report.inputs[:10]:
        info = formats.get(summary.format)
        title = info.title if info else summary.format
        program = f", of {shlex.join(summary.command[:6])}" if summary.command else ""
        many = f", {plural(summary.snapshot_count, 'snapshot')}" if summary.snapshot_count > 1 else ""
        yield f"{summary.source}: {title}{program}{many}, {plural(summary.record_count, 'record')}."
    if len(report.inputs) > 10:
        yield f"And {format_count(len(report.inputs) - 10)} more."
    yield report.verdict.sentence.rstrip(".") + "."


def _lacks(report: Report) -> Iterator[Lack]:
    """In the order of the inputs; what several inputs say alike is said once."""
    seen: set[tuple[str, str]] = set()
    for summary in report.inputs:
        if summary.truncation is not None:
            text = f"{summary.source} ends early: {summary.truncation.what}."
            yield Lack("truncated-input", text, "Record again: the run was killed, the disk was full, or a copy was cut.", (), is_fatal=True)  # fmt: skip
        for note in summary.notes:
            remedy = REMEDIES.get(note.slug)
            if remedy is not None and (note.slug, note.message) not in seen:
                seen.add((note.slug, note.message))
                yield Lack(note.slug, note.message, remedy.advice, remedy.valgrind, remedy.is_fatal)
    for finding in report.findings:
        remedy = REMEDIES.get(finding.rule)
        if remedy is not None:
            yield Lack(finding.rule, finding.message, remedy.advice, remedy.valgrind)
    yield from _of_shape(report)


def _of_shape(report: Report) -> Iterator[Lack]:
    """What no reader can know: whether there is enough of it, and of the right program."""
    formats = {summary.format for summary in report.inputs}
    if "memcheck-text" in formats:
        yield Lack("text-log", "It is the text log of memcheck.", "XML is exact where a log can be mixed with other output: record with --xml=yes.", ("--xml=yes",))  # fmt: skip
    if _is_summary_only(report):
        yield Lack("leak-check-summary", "There are sums of lost blocks and no stacks.", "Ask for the records.", ("--leak-check=full",), is_fatal=True)  # fmt: skip
    runners = [_runner(summary) for summary in report.inputs]
    if all(runners):
        runner = runners[0]
        text = f"It is of {runner}, which probably starts the program that is meant."
        yield Lack("wrong-program", text, f"Follow the programs that {runner} starts.", ("--trace-children=yes",))
    detailed = sum(snapshot.is_detailed for snapshot in report.snapshots)
    if formats == {"massif"} and len(report.snapshots) >= 2 * _FEW_DETAILED and detailed < _FEW_DETAILED:
        text = f"Only {detailed} of {len(report.snapshots)} snapshots have stacks."
        yield Lack("few-detailed-snapshots", text, "Take a detailed one every time.", ("--detailed-freq=1",))
    if formats <= SERIES_FORMATS and len(report.snapshots) == 1:
        yield Lack("single-dump", "It is one dump.", "What grows only several of one process can show: dump by interval, and give them to leakreport trend.")  # fmt: skip
    largest = report.paths[0] if report.paths else None
    error = (largest.errors or {}).get("retained_bytes", 0.0) if largest else 0.0
    if error > _COARSE:
        text = f"The sample is coarse: the largest path is known to within {error:.0%} only."
        yield Lack("coarse-sample", text, "Sample more often (jemalloc: lg_prof_sample:16; tcmalloc: TCMALLOC_SAMPLE_PARAMETER=65536), or record for longer.")  # fmt: skip
    if report.frames and report.named_frames * 2 < len(report.frames):
        text = f"Only {format_count(report.named_frames)} of {plural(len(report.frames), 'frame')} have a name."
        yield Lack("stripped", text, "Binaries are stripped, or not found: keep those of the same build, and say where they are with --symbol-path DIR.")  # fmt: skip


def _is_summary_only(report: Report) -> bool:
    is_memcheck = all(summary.format.startswith("memcheck") for summary in report.inputs)
    lost = sum(report.totals.get(f"{kind.word}_bytes", 0) for kind in LOST_KINDS)
    return is_memcheck and bool(lost) and not report.paths


def _runner(summary: InputSummary) -> str | None:
    name = summary.command[0].rsplit("/", 1)[-1] if summary.command else ""
    return name if name in RUNNERS else None


def _record_again(report: Report, lacks: Sequence[Lack], formats: dict[str, FormatInfo]) -> str:
    """The whole command line, with the program in it; empty where another recording would not help."""
    if not lacks:
        return ""
    summary = next((summary for summary in report.inputs if summary.command), report.inputs[0])
    program = shlex.join(summary.command) if summary.command else "./program"
    wanted = [option for one in lacks for option in one.options]
    if summary.format.startswith("memcheck") or any(one.slug == "tool-without-leak-search" for one in lacks):
        limit = stack_limit([summary.tool_options])
        callers = _CALLERS if limit < _CALLERS else min(2 * limit, _MOST_CALLERS)
        base = ["--leak-check=full", "--show-leak-kinds=all", f"--num-callers={callers}"]
        wanted = [option for option in wanted if not option.startswith("--num-callers")]
        options = dict.fromkeys([*base, *wanted, "--xml=yes", "--xml-file=memcheck.%p.xml"])
        return f"valgrind {' '.join(options)} {program}"
    info = formats.get(summary.format)
    if info is None:
        return ""
    record = info.record_command.replace("./program", program)
    return record.replace("valgrind ", f"valgrind {' '.join(dict.fromkeys(wanted))} ", 1) if wanted else record


def _commands(report: Report, paths: Sequence[str]) -> list[str]:
    """The one that fits best, and what to try then."""
    given = shlex.join(paths)
    formats = {summary.format for summary in report.inputs}
    found = []
    # One process with several moments, or several dumps of one: a series.
    if len(report.timeline) > 2:
        found.append(f"leakreport trend {given} -o trend.html")
    if formats == {"leakreport"} and len(paths) == 2:
        found.append(f"leakreport diff {given} -o diff.html")
    found.append(f"leakreport analyze {given} -o report.html")
    if report.leaks:
        first = report.leaks[0]
        if first.path_ids:
            found.append(f"leakreport explain {first.path_ids[0]} {given}")
    if len(paths) == 2 and len(report.inputs) == 2 and "process-tree" not in {note.slug for _, note in report.notes}:
        found.append(f"leakreport diff {given} -o diff.html")
    return list(dict.fromkeys(found))[:_MOST_COMMANDS]
