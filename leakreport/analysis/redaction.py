"""Runs whose names are not told: analysis judges by what is hidden, and makes every word of tokens.

A name that no word was made of cannot be in a report: nothing has to be found and replaced afterwards. Frames and metas
carry what they stand for (`hidden`) as long as they are judged by; `without_hidden` takes that out of a finished report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.options import AnalysisOptions
from leakreport.analysis.report import Report
from leakreport.analysis.tokens import (
    argument_token,
    build_token,
    directory_token,
    family_token,
    file_token,
    function_token,
    kind_token,
    module_token,
    option_token,
    prose_tokens,
    token,
)
from leakreport.analysis.trendreport import TrendReport
from leakreport.model.raw import Frame, FrameKind, Mapping, Note, RawProblem, SnapshotMeta
from leakreport.model.snapshot import Run, Snapshot

_RECORD = re.compile(r"(?:0x[0-9a-fA-F]{1,16}|\d{1,20})\Z")
_AnyReport = TypeVar("_AnyReport", Report, DiffReport, TrendReport)


def judged_unseen(judge: Callable[..., _AnyReport], runs: Sequence[Run], options: AnalysisOptions) -> _AnyReport:
    """The report of runs, with every figure and id that it has otherwise, in which no name of theirs stands.

    Args:
        judge: makes a report of the runs and options.
        runs: one, or the two sides of a comparison.
        options: patterns in them are of true names.
    """
    return without_hidden(judge(*redacted(runs), told_options(options)))


def redacted(runs: Sequence[Run]) -> list[Run]:
    """Runs that are reported together, with tokens in place of names. Inputs are numbered over all of them."""
    names = _Names()
    return [names.run(run) for run in runs]


@dataclass(slots=True)
class _Names:
    """What was met so far."""

    _inputs: dict[str, str] = field(default_factory=dict)
    _mappings: dict[int, tuple[tuple[Mapping, ...], tuple[Mapping, ...]]] = field(default_factory=dict)
    """By identity, with the original: snapshots of one process share them."""

    def run(self, run: Run) -> Run:
        return replace(
            run,
            frames=tuple(map(redacted_frame, run.frames)),
            snapshots=tuple(self._snapshot(snapshot) for snapshot in run.snapshots),
        )

    def _snapshot(self, snapshot: Snapshot) -> Snapshot:
        return replace(
            snapshot,
            meta=self._meta(snapshot.meta),
            problems=tuple(_redacted_problem(problem) for problem in snapshot.problems),
        )

    def _meta(self, meta: SnapshotMeta) -> SnapshotMeta:
        return replace(
            meta,
            source=self._inputs.setdefault(meta.source, f"input-{len(self._inputs) + 1}"),
            command=redacted_command(meta.command),
            tool_options=tuple(map(option_token, meta.tool_options)),
            label=None if meta.label is None else prose_tokens(meta.label),
            truncation=meta.truncation and meta.truncation._replace(what=prose_tokens(meta.truncation.what)),
            mappings=self._mapped(meta.mappings),
            build_ids=tuple((module_token(module), build_token(build)) for module, build in meta.build_ids),
            notes=tuple(Note(note.slug, prose_tokens(note.message)) for note in meta.notes),
            suppressions=tuple(
                use._replace(file=file_token(use.file), name=token("text", use.name)) for use in meta.suppressions
            ),
            hidden=meta,
        )

    def _mapped(self, mappings: tuple[Mapping, ...]) -> tuple[Mapping, ...]:
        known = self._mappings.get(id(mappings))
        if known is None:
            shown = tuple(
                one._replace(path=module_token(one.path), build_id=one.build_id and build_token(one.build_id))
                for one in mappings
            )
            known = self._mappings[id(mappings)] = (mappings, shown)
        return known[1]


def redacted_frame(frame: Frame) -> Frame:
    """A frame with tokens, which stands for the true one."""
    function = frame.function
    # A category is the tool's own word, and says nothing of a program.
    if function is not None and frame.kind is not FrameKind.CATEGORY:
        function = prose_tokens(function) if frame.kind is FrameKind.SYNTHETIC else function_token(function)
    return frame._replace(
        function=function,
        module=None if frame.module is None else module_token(frame.module),
        directory=None if frame.directory is None else directory_token(frame.directory, frame.path or ""),
        file=None if frame.file is None else file_token(frame.file),
        hidden=frame,
    )


def redacted_command(command: tuple[str, ...]) -> tuple[str, ...]:
    """The command line of a program: the program is called as its object is."""
    return (module_token(command[0]), *map(argument_token, command[1:])) if command else ()


def _redacted_problem(problem: RawProblem) -> RawProblem:
    return replace(
        problem,
        kind=kind_token(problem.kind),
        message=prose_tokens(problem.message),
        stacks=tuple(
            stack._replace(caption=prose_tokens(stack.caption), frames=tuple(map(redacted_frame, stack.frames)))
            for stack in problem.stacks
        ),
        name=None if problem.name is None else _record(problem.name),
    )


def told_options(options: AnalysisOptions) -> AnalysisOptions:
    """Options whose texts, as gates quote them, tell no pattern of the user's."""
    limits = tuple(
        limit._replace(text=f"{token('text', limit.pattern)}={limit.text.rpartition('=')[2]}")
        for limit in options.max_growth_of
    )
    return replace(options, max_growth_of=limits)


def without_hidden(report: _AnyReport) -> _AnyReport:
    """A finished report of redacted runs without what its tokens stand for."""
    note = Note("redacted", "Names are tokens (--redact); ids, shapes and figures are those of the true names.")
    inputs = (replace(report.inputs[0], notes=(*report.inputs[0].notes, note)), *report.inputs[1:])
    report = replace(report, frames=_told(report.frames), inputs=inputs, is_redacted=True)
    if isinstance(report, Report):
        shown = report.selection
        selection = replace(shown, focus=_pattern(shown.focus), ignore=_pattern(shown.ignore))
        return replace(report, paths=_told(report.paths), selection=selection)
    return replace(report, rows=_told(report.rows), notes=(*report.notes, note))


def _pattern(text: str | None) -> str | None:
    return None if text is None else token("text", text)


def _told(value: Any) -> Any:  # noqa: ANN401  # tables of rows, and what they hold
    """Frames without what they stand for, records by number or token; tables with such."""
    if hasattr(value, "with_texts"):
        return value.with_texts(_told)
    if not isinstance(value, tuple | list) or not value:
        return value
    if isinstance(value[0], Frame):
        return tuple(frame._replace(hidden=None) for frame in value)
    # Names of records, and of allocators.
    if isinstance(value[0], str):
        told = {name: _record(name) for name in set(value)}
        return tuple(told[name] for name in value)
    return value


def _record(name: str) -> str:
    """The input's own name of a record: a number, or a token."""
    return name if _RECORD.match(name) else family_token(name)
