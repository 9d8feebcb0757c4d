"""Whether two runs can be compared at all, and what else is different around them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from leakreport.analysis.frames import FrameColumns
from leakreport.model.raw import SnapshotMeta
from leakreport.model.series import places_of
from leakreport.privacy.texts import without_secrets

_FAMILIES = {"memcheck-xml": "memcheck", "memcheck-text": "memcheck"}
_DECIDING_OPTIONS = {"--num-callers": "12", "--leak-resolution": "high", "--leak-check-heuristics": "all"}
FEWEST_FUNCTIONS = 20
"""Below so many distinct functions a share says little."""
LEAST_KNOWN = 0.8
NAMELESS = 0.5
EARLIEST_DATE = 1e9
"""Seconds since 1970 from which a time is a date (2001) and not the age of a process."""


def mismatches(
    before: Sequence[SnapshotMeta],
    after: Sequence[SnapshotMeta],
    columns_before: FrameColumns,
    columns_after: FrameColumns,
    recognised: float,
) -> tuple[str, ...]:
    """Why the figures of two runs say nothing together, one sentence each; symmetric in the two sides, but for swapped inputs.

    `recognised` is the share of the call paths of a side that were found on the other, the smaller of both.
    """
    found = [*recording_mismatches(before, after), *_names(columns_before, columns_after, recognised)]
    if _is_swapped(before, after):
        found.append("The inputs are swapped: what was given as before was recorded after the other side.")
    return tuple(found)


def recording_mismatches(before: Sequence[SnapshotMeta], after: Sequence[SnapshotMeta]) -> tuple[str, ...]:
    """Those of them that are in how both sides were recorded, whatever was found."""
    found: list[str] = []
    formats = [{_FAMILIES.get(meta.format, meta.format) for meta in side} for side in (before, after)]
    if formats[0] != formats[1]:
        found.append(_two("The formats differ", *formats))
    kinds = [{kind.word for meta in side for kind in meta.kinds_recorded} for side in (before, after)]
    if kinds[0] != kinds[1]:
        found.append(_two("Different leak kinds were recorded", *kinds))
    if formats[0] == formats[1] == {"memcheck"}:
        for option, default in _DECIDING_OPTIONS.items():
            given = [{_option(meta, option, default) for meta in side} for side in (before, after)]
            if given[0] != given[1]:
                found.append(_two(f"{option} differs", *given))
    periods = [{meta.sampling.period if meta.sampling else 1 for meta in side} for side in (before, after)]
    if periods[0] != periods[1]:
        found.append(_two("The sampling differs", *periods))
    for title, flags in (
        ("One side is a dump of a process that was ending", [_any_exit(side) for side in (before, after)]),
        ("One side is a dump that was cut at 1 MiB", [_any_cut(side) for side in (before, after)]),
        ("One side is incomplete", [any(not meta.is_complete for meta in side) for side in (before, after)]),
    ):
        if flags[0] != flags[1]:
            found.append(f"{title}, the other is not.")
    if _any_cut(before) and _any_cut(after):
        found.append("Both sides are dumps that were cut at 1 MiB: a path that is missing has not shrunk.")
    if all(any(not meta.is_complete for meta in side) for side in (before, after)):
        found.append("Both sides are incomplete.")
    return tuple(found)


def _is_swapped(before: Sequence[SnapshotMeta], after: Sequence[SnapshotMeta]) -> bool:
    """Whether times inside the inputs, or the numbers of one series of dumps, say so; times of files do not count."""
    times = [
        [meta.time for meta in side if meta.time is not None and meta.time_unit == "s" and meta.time >= EARLIEST_DATE]
        for side in (before, after)
    ]
    if all(times):
        return min(times[0]) > max(times[1])
    places = places_of([*before, *after])
    numbers = [place.number for place in places]
    is_series = len({place.process for place in places}) == 1 and all(numbers)
    return is_series and min(numbers[: len(before)]) > max(numbers[len(before) :])


def _any_cut(metas: Iterable[SnapshotMeta]) -> bool:
    return any(note.slug == "truncated-at-1-mib" for meta in metas for note in meta.notes)


def _any_exit(metas: Iterable[SnapshotMeta]) -> bool:
    return any(meta.is_exit_dump for meta in metas)


def _two(what: str, before: Iterable[object], after: Iterable[object]) -> str:
    def words(side: Iterable[object]) -> str:
        return ", ".join(sorted(map(str, side))) or "none"

    return f"{what}: {words(before)} before, {words(after)} after."


def _option(meta: SnapshotMeta, option: str, default: str) -> str:
    value = default
    for given in meta.tool_options:
        name, _, text = given.partition("=")
        if name == option:
            value = text
    return value


def is_one_nameless(before: FrameColumns, after: FrameColumns) -> bool:
    """Whether one side has the names of functions, and the other has next to none."""
    named = [float((columns.function >= 0).mean()) if len(columns.function) else 1.0 for columns in (before, after)]
    return min(named) < NAMELESS and max(named) >= LEAST_KNOWN


def _names(before: FrameColumns, after: FrameColumns, recognised: float) -> list[str]:
    known = [set(columns.functions) for columns in (before, after)]
    if is_one_nameless(before, after):
        return ["One side has function names, the other has next to none."]
    if min(map(len, known)) < FEWEST_FUNCTIONS:
        return []
    share = len(known[0] & known[1]) / max(map(len, known))
    if max(share, recognised) >= LEAST_KNOWN:
        return []  # renaming a namespace renames every function in it, and the paths are still found
    return [f"Only {share:.0%} of the functions of one side are known to the other: these may be different programs."]


def surroundings(before: Sequence[SnapshotMeta], after: Sequence[SnapshotMeta]) -> tuple[str, ...]:
    """What changed around the program: the tool and the command line. Libraries: `libraries.py`."""
    found: list[str] = []
    for what, attribute in (("tool version", "tool_version"), ("command", "command")):
        values = [{value for meta in side if (value := getattr(meta, attribute))} for side in (before, after)]
        if values[0] != values[1] and all(values):
            found.append(_two(f"The {what} differs", *({_text(value) for value in side} for side in values)))
    return tuple(found)


def _text(value: object) -> str:
    # A secret that changed is a change, and still a secret.
    return " ".join(without_secrets(value)[0]) if isinstance(value, tuple) else str(value)
