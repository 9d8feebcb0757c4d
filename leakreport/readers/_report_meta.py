"""The inputs and snapshots that a report tells of, as what is known about a snapshot beside its numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from leakreport.limits import Limits
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.model.raw import LeakSearch, Moment, Note, Sampling, SnapshotMeta, Truncation
from leakreport.readers._report_values import (
    DamagedReport,
    as_amounts,
    as_count,
    as_elements,
    as_flag,
    as_list,
    as_object,
    as_text,
    as_word,
    count_or_none,
    number_or_none,
    text_or_none,
)

_Value = TypeVar("_Value")
_MOMENTS = {moment.name.lower(): moment for moment in Moment}
_SEARCHES = {search.value: search for search in LeakSearch}
_KINDS = {kind.word: kind for kind in LEAK_KINDS}
# What a leak search that did not end well leaves open, the least known first.
_WEAKEST = (LeakSearch.NONE, LeakSearch.NOT_RUN, LeakSearch.CHECKPOINT, LeakSearch.CUT, LeakSearch.COMPLETE)
_MADE_ANEW = frozenset(
    (
        "sampled",
        "from-report",
        "report-of-a-diff",
        "report-of-several",
        "folded-paths",
        "hidden-paths",
        "unlisted-findings",
    )
)
"""Notes that whoever judges the snapshot, or this reader, makes again."""
_LONGEST_PID = 2**31 - 1


class Input(NamedTuple):
    """One entry of `inputs`."""

    meta: SnapshotMeta
    """Its `source` is what the report was made of."""
    totals: dict[str, int]


class Taken(NamedTuple):
    """One entry of `snapshots`."""

    input_index: int | None
    label: str | None
    time: float | None
    time_unit: str | None
    is_detailed: bool
    totals: dict[str, int]
    is_complete: bool | None
    """None in reports that do not say."""
    moment: Moment | None
    is_peak: bool
    is_exit_dump: bool
    process_count: int


def input_of(value: object, limits: Limits) -> Input:
    """An entry of `inputs`.

    Raises:
        DamagedReport: it is none.
    """
    entry = as_object(value, "the input")
    totals = as_amounts(entry.get("totals"), "totals")
    search = as_word(entry.get("leak_search", "none"), _SEARCHES, "leak_search")
    looked_for = set(_texts(entry.get("looked_for", []), "looked_for", limits))
    meta = SnapshotMeta(
        source=_cut(as_text(entry.get("source"), "source"), limits),
        format=_cut(as_text(entry.get("format"), "format"), limits),
        tool=_optional(entry, "tool", limits),
        tool_version=_optional(entry, "tool_version", limits),
        pid=count_or_none(entry.get("pid"), "pid", _LONGEST_PID),
        parent_pid=count_or_none(entry.get("parent_pid"), "parent_pid", _LONGEST_PID),
        command=_command(entry.get("command"), limits),
        tool_options=_texts(entry.get("options", []), "options", limits),
        label=_optional(entry, "label", limits),
        truncation=_truncation(entry.get("truncation"), limits),
        is_complete=as_flag(entry.get("complete"), "complete"),
        leak_search=search,
        kinds_recorded=_kinds_recorded(entry, search, totals),
        measures_errors="errors" in looked_for,
        measures_descriptors="descriptors" in looked_for,
        moment=_moment(entry) or (Moment.DUMP if search is LeakSearch.NONE else Moment.EXIT),
        sampling=_sampling(entry.get("sampling")),
        judges_peak=entry.get("judged_at") == "peak",
        build_ids=_builds(entry.get("builds", []), limits),
        memory_error_count=count_or_none(entry.get("memory_errors"), "memory_errors"),
        notes=tuple(_notes(as_elements(entry.get("notes"), "notes"), limits)),
    )
    return Input(meta, totals)


def snapshot_of(value: object, limits: Limits) -> Taken:
    """An entry of `snapshots`.

    Raises:
        DamagedReport: it is none.
    """
    entry = as_object(value, "the snapshot")
    complete = entry.get("complete")
    return Taken(
        input_index=count_or_none(entry.get("input"), "input"),
        label=_optional(entry, "label", limits),
        time=number_or_none(entry.get("time"), "time"),
        time_unit=_optional(entry, "time_unit", limits),
        is_detailed=as_flag(entry.get("detailed"), "detailed"),
        totals=as_amounts(entry.get("totals"), "totals"),
        is_complete=None if complete is None else as_flag(complete, "complete"),
        moment=_moment(entry),
        is_peak=as_flag(entry.get("peak", False), "peak"),
        is_exit_dump=as_flag(entry.get("exit_dump", False), "exit_dump"),
        process_count=as_count(entry.get("processes", 1), "processes", limits.processes),
    )


def together(inputs: Sequence[Input]) -> SnapshotMeta:
    """What holds for several inputs that are judged as one: what all say, and of what differs the weakest.

    Raises:
        DamagedReport: there is none.
    """
    if not inputs:
        raise DamagedReport("no input is named")
    metas = [entry.meta for entry in inputs]
    first = metas[0]
    if len(metas) == 1:
        return first
    samplings = sorted({meta.sampling for meta in metas if meta.sampling is not None})
    told = [meta.memory_error_count for meta in metas if meta.memory_error_count is not None]
    moments = {meta.moment for meta in metas}
    return replace(
        first,
        source=f"{first.source} and {len(metas) - 1} more",
        format=" and ".join(sorted({meta.format for meta in metas})),
        tool=_same(meta.tool for meta in metas),
        tool_version=_same(meta.tool_version for meta in metas),
        pid=_same(meta.pid for meta in metas),
        parent_pid=_same(meta.parent_pid for meta in metas),
        label=_same(meta.label for meta in metas),
        truncation=next((meta.truncation for meta in metas if meta.truncation is not None), None),
        is_complete=all(meta.is_complete for meta in metas),
        leak_search=min((meta.leak_search for meta in metas), key=_WEAKEST.index),
        kinds_recorded=frozenset.intersection(*(meta.kinds_recorded for meta in metas)),
        measures_errors=all(meta.measures_errors for meta in metas),
        measures_descriptors=all(meta.measures_descriptors for meta in metas),
        moment=moments.pop() if len(moments) == 1 else Moment.DUMP,
        sampling=samplings[-1] if samplings else None,
        judges_peak=all(meta.judges_peak for meta in metas),
        build_ids=tuple(dict.fromkeys(pair for meta in metas for pair in meta.build_ids)),
        memory_error_count=sum(told) if told else None,
        notes=tuple(dict.fromkeys(note for meta in metas for note in meta.notes)),
    )


def _same(values: Iterable[_Value]) -> _Value | None:
    """What all are; None where they differ."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


def _cut(text: str, limits: Limits) -> str:
    return text[: limits.name_characters]


def _optional(entry: Mapping[str, object], name: str, limits: Limits) -> str | None:
    text = text_or_none(entry.get(name), name)
    return None if text is None else _cut(text, limits)


def _texts(value: object, what: str, limits: Limits) -> tuple[str, ...]:
    return tuple(_cut(as_text(text, what), limits) for text in as_list(value, what))


def _command(value: object, limits: Limits) -> tuple[str, ...]:
    if value is None:
        return ()
    return (_cut(value, limits),) if isinstance(value, str) else _texts(value, "command", limits)


def _moment(entry: Mapping[str, object]) -> Moment | None:
    value = entry.get("moment")
    return None if value is None else as_word(value, _MOMENTS, "moment")


def _truncation(value: object, limits: Limits) -> Truncation | None:
    if value is None:
        return None
    entry = as_object(value, "truncation")
    return Truncation(
        _cut(as_text(entry.get("what"), "truncation.what"), limits),
        as_count(entry.get("line"), "truncation.line"),
        as_count(entry.get("records"), "truncation.records"),
    )


def _sampling(value: object) -> Sampling | None:
    if value is None:
        return None
    entry = as_object(value, "sampling")
    return Sampling(as_count(entry.get("period"), "sampling.period"), as_text(entry.get("unit"), "sampling.unit"))


def _kinds_recorded(entry: Mapping[str, object], search: LeakSearch, totals: Mapping[str, int]) -> frozenset[LeakKind]:
    words = entry.get("kinds_recorded")
    if words is not None:
        return frozenset(as_word(word, _KINDS, "kinds_recorded") for word in as_list(words, "kinds_recorded"))
    if search is LeakSearch.NONE:
        return frozenset()
    return frozenset(kind for kind in LEAK_KINDS if kind.bytes_metric in totals)


def _builds(value: object, limits: Limits) -> tuple[tuple[str, str], ...]:
    found = []
    for build in as_list(value, "builds"):
        entry = as_object(build, "builds")
        found.append(
            (
                _cut(as_text(entry.get("module"), "builds.module"), limits),
                _cut(as_text(entry.get("build_id"), "builds.build_id"), limits),
            )
        )
    return tuple(found)


def _notes(values: Iterable[object], limits: Limits) -> Iterable[Note]:
    for value in values:
        entry = as_object(value, "notes")
        slug = _cut(as_text(entry.get("slug"), "notes.slug"), limits)
        message = _cut(as_text(entry.get("message"), "notes.message"), limits)
        if slug == "unreadable-inputs":
            # Nothing is unreadable now; that it was makes the figures no less incomplete.
            yield Note("report-is-partial", f"The report was made without all of its inputs: {message}")
        elif slug not in _MADE_ANEW:
            yield Note(slug, message)
