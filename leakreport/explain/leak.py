"""A path or a finding of a report in plain words."""

from __future__ import annotations

import re
from collections.abc import Sequence

from leakreport.advice.matching import Match, matches
from leakreport.advice.pattern import Place
from leakreport.analysis.advice import LEAK_TEXTS
from leakreport.analysis.calls import called_name, calls_of_row, matches_of_row
from leakreport.analysis.identity import prose_name
from leakreport.analysis.ownership import is_rust_frame
from leakreport.analysis.report import Finding, PathRow, Report
from leakreport.errors import UsageError
from leakreport.explain.answer import Answer, six_sections
from leakreport.explain.evidence import evidence
from leakreport.explain.kinds import DESCRIPTOR_WORDS, ERROR_WORDS, KIND_WORDS, RECORDING_WORDS, SIGNAL_WORDS, Words
from leakreport.ids import found_id
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from leakreport.units import format_bytes

ID = re.compile(r"[pe]\d+-[0-9a-f]*\Z")
_MOST_FRAMES = 12
_MOST_OTHERS = 3


def explain_id(report: Report, given: str) -> Answer:
    """The path or finding with an id, or with an id that begins so.

    Raises:
        UsageError: there is none, or there are several, or it is too short to tell.
    """
    ids = {row.id for row in report.paths} | {finding.id for finding in report.findings if finding.id}
    found = found_id(given, ids)
    if found is None:
        raise UsageError(f"no path or finding has the id {given}", advice=_nearest(given, ids))
    problem = next((finding for finding in report.findings if finding.id == found), None)
    if problem is not None:
        return _problem(report, problem)
    # Rows in reading order: the first of an id that several kinds share is the one that matters most.
    index = next(index for index, row in enumerate(report.paths) if row.id == found)
    return _leak(report, report.paths[index], index)


def _nearest(given: str, ids: set[str]) -> str:
    def common(known: str) -> int:
        return next((at for at, (a, b) in enumerate(zip(given, known, strict=False)) if a != b), len(given))

    near = sorted(ids, key=lambda known: (-common(known), known))[:3]
    return f"Nearest: {', '.join(near)}." if near else "The inputs hold no paths and no findings."


def _leak(report: Report, row: PathRow, index: int) -> Answer:
    finding = next((finding for finding in report.leaks if index in finding.rows), None)
    frames = [report.frames[at] for at in row.frames]
    found = matches_of_row(row, calls_of_row(row, report.frames, report.own), is_rust=any(map(is_rust_frame, frames)))
    words, text = KIND_WORDS[row.leak_kind], LEAK_TEXTS[row.leak_kind]
    best = next((match for match in found if match.pattern.place is Place.CALLED), found[0] if found else None)
    others = [match for match in found if match is not best][:_MOST_OTHERS]
    held = row.values.get("retained_bytes", 0)
    message = finding.message if finding else f"{format_bytes(held)} {'are' if held != 1 else 'is'} retained."
    what = [message, *(finding.facts if finding else ())]
    if best is not None:
        what.append(_what(best))
    what.append(f"The way there: {_way(frames, row)}.")
    return Answer(
        "explanation",
        f"{row.id}: {_place(report, row)}",
        six_sections(
            tuple(what),
            (words.why, *_share(report, row, held)),
            (words.sure, *evidence(report, row)),
            tuple(_fixes(best, others, text.advice, row.leak_kind)),
            (_harmless(best), best.pattern.ignore if best else "", words.ignore),
            (best.pattern.prove if best else "", words.prove),
        ),
        _commands(report, row),
        {
            "id": row.id,
            "rule": f"leak.{row.leak_kind.word}",
            "leak_kind": row.leak_kind.word,
            "values": dict(row.values),
            "patterns": [match.pattern.slug for match in found],
            "release": best.pattern.release if best else "",
        },
    )


def _what(match: Match) -> str:
    pattern = match.pattern
    if pattern.place is Place.CALLED:
        return f"{called_name(match)} gives {pattern.noun}."
    return f"It can be {pattern.noun}."


def _harmless(best: Match | None) -> str:
    return "This is a known habit of the library." if best is not None and best.pattern.is_harmless else ""


def _fixes(best: Match | None, others: Sequence[Match], kind_advice: str, kind: LeakKind) -> list[str]:
    if kind is LeakKind.INDIRECT:
        # Its owner is what was lost: how it is released itself comes second.
        first, rest = [kind_advice], []
    else:
        first, rest = [], [kind_advice]
    if best is not None:
        pattern = best.pattern
        if pattern.release:
            first.append(f"What {called_name(best)} gives is released by {pattern.release}.")
        first.extend(pattern.fix)
    first.extend(rest)
    for other in others:
        first.append(f"It can also be {other.pattern.noun}: {other.pattern.fix[0]}")
    return first


def _place(report: Report, row: PathRow) -> str:
    at = row.named_by if row.named_by is not None else row.responsible
    frame = report.frames[row.frames[at]] if at is not None else None
    if frame is None or frame.function is None:
        return row.module or "no frame of yours"
    return f"{prose_name(frame.function)}{_line(frame)}"


def _line(frame: Frame) -> str:
    return f" ({frame.file}:{frame.line})" if frame.file and frame.line else ""


def _way(frames: Sequence[Frame], row: PathRow) -> str:
    """From the outermost frame that still fits to the allocation; your innermost frame carries its line."""
    shown = frames[-_MOST_FRAMES:]
    skipped = len(frames) - len(shown)
    names = []
    for position, frame in enumerate(shown, start=skipped):
        name = prose_name(frame.function) if frame.function else frame.module_name or "???"
        names.append(f"{name}{_line(frame)}" if position == row.responsible else name)
    return ("… → " if skipped else "") + " → ".join(names)


def _share(report: Report, row: PathRow, held: int) -> tuple[str, ...]:
    whole = report.totals.get("retained_bytes", 0)
    lines = []
    if whole and held:
        lines.append(f"It is {held / whole:.1%} of the {format_bytes(whole)} that are held {report.moment.value}.")
    if row.dragged_bytes:
        lines.append(
            f"{format_bytes(row.dragged_bytes)} more are lost with it, because only these blocks point to them."
        )
    return tuple(lines)


def _commands(report: Report, row: PathRow) -> tuple[str, ...]:
    source = report.inputs[0].source if len(report.inputs) == 1 else "BEFORE"
    after = "several dumps of one process" if row.leak_kind is LeakKind.NONE else None
    if after:
        return (f"leakreport trend DUMPS...   # {after}",)
    return (f"leakreport diff {source} AFTER   # {row.id} must be gone",)


def _problem(report: Report, finding: Finding) -> Answer:
    words = words_of_rule(finding.rule)
    stack = finding.frames or ()
    frames = [report.frames[at] for at in stack]
    what = [finding.message, *finding.facts]
    if frames:
        what.append(f"The way there: {_plain_way(frames)}.")
    for more in finding.more_stacks:
        what.append(f"{more.caption}: {_plain_way([report.frames[at] for at in more.frames])}.")
    complete = (
        "The recording is complete."
        if report.is_complete
        else "Less sure: an input is incomplete; more may be missing."
    )
    return Answer(
        "explanation",
        f"{finding.id}: {finding.message}",
        six_sections(
            tuple(what),
            (words.why,),
            (words.sure, complete),
            (finding.advice, *_origin(report, finding)),
            (words.ignore,),
            (words.prove,),
        ),
        (),
        {"id": finding.id, "rule": finding.rule, "leak_kind": "none", "values": {}, "patterns": [], "release": ""},
    )


def _origin(report: Report, finding: Finding) -> list[str]:
    """For a descriptor: how what was opened there is released."""
    if not finding.rule.startswith("descriptor."):
        return []
    row = PathRow("", LeakKind.NONE, finding.frames or (), None, None, None, None, {}, ())
    found = matches(calls_of_row(row, report.frames, report.own), kind=LeakKind.NONE)
    best = next((match for match in found if match.pattern.place is Place.CALLED and match.pattern.release), None)
    return [f"What {called_name(best)} gives is released by {best.pattern.release}."] if best else []


def _plain_way(frames: Sequence[Frame]) -> str:
    shown = frames[-_MOST_FRAMES:]
    return " → ".join((prose_name(frame.function) if frame.function else "???") + _line(frame) for frame in shown)


def words_of_rule(rule: str) -> Words:
    """What holds for every finding of a rule that is no leak."""
    family = rule.partition(".")[0]
    return {"signal": SIGNAL_WORDS, "descriptor": DESCRIPTOR_WORDS, "recording": RECORDING_WORDS}.get(
        family, ERROR_WORDS
    )
