"""Frames, stacks and findings of a report's document, one value at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from leakreport.limits import Limits
from leakreport.model.raw import CaptionedStack, Frame, FrameKind, ProblemKind, RawProblem
from leakreport.readers._report_rows import Key
from leakreport.readers._report_values import (
    DamagedReport,
    as_amounts,
    as_count,
    as_flag,
    as_list,
    as_object,
    as_text,
    as_word,
    count_or_none,
    hex_or_none,
    number_or_none,
    text_or_none,
)

_FRAME_KINDS = {kind.value: kind for kind in FrameKind}
_PROBLEMS = {kind.value: kind for kind in ProblemKind}
_LARGEST_ERROR = 1e6
"""Of a relative standard error."""


def frame_of(value: object, limits: Limits) -> Frame:
    """An entry of `frames`.

    Raises:
        DamagedReport: it is none.
    """
    entry = as_object(value, "the frame")

    def text(name: str) -> str | None:
        found = text_or_none(entry.get(name), name)
        return None if found is None else found[: limits.name_characters]

    directory, file = _divided(text("file"), text("directory"), is_told="directory" in entry)
    inlined = entry.get("inlined")
    return Frame(
        function=text("function"),
        module=text("module"),
        directory=directory,
        file=file,
        line=count_or_none(entry.get("line"), "line"),
        address=hex_or_none(entry.get("address"), "address"),
        kind=as_word(entry.get("kind"), _FRAME_KINDS, "kind"),
        is_inlined=inlined is not None and as_flag(inlined, "inlined"),
        offset=hex_or_none(entry.get("offset"), "offset"),
    )


def _divided(path: str | None, directory: str | None, *, is_told: bool) -> tuple[str | None, str | None]:
    """Folder and file of a path: at the last slash, unless the report tells where the tool divided it."""
    if path is None:
        return None, None
    if not is_told:
        folder, slash, file = path.rpartition("/")
        return (folder or slash or None), file
    if directory is None:
        return None, path
    start = f"{directory.rstrip('/')}/"
    if path.startswith("/") and not path.startswith(start):
        return directory, path
    if not path.startswith(start):
        raise DamagedReport("file is not in directory")
    return directory, path[len(start) :]


def stack_of(value: object, what: str) -> list[int]:
    """Indexes of frames, outermost first; that there are such frames is for the caller to see.

    Raises:
        DamagedReport: it is no list of indexes.
    """
    stack: list[int] = []
    for index in as_list(value, what):
        if type(index) is not int or not 0 <= index < 2**31:
            raise DamagedReport(f"{what} has something that is no index of a frame")
        stack.append(index)
    return stack


def series_of(row: Mapping[str, object]) -> Iterator[tuple[Key, int]]:
    """What a row holds in each snapshot: under (metric, number of the snapshot), where it holds anything.

    Raises:
        DamagedReport: that is no series of numbers.
    """
    for metric, amounts in as_object(row.get("series", {}), "series").items():
        for number, amount in enumerate(as_list(amounts, "series")):
            if amount is not None and as_count(amount, f"series.{metric}"):
                yield (metric, number), as_count(amount, f"series.{metric}")


def names_of(value: object, limits: Limits) -> tuple[str, ...]:
    """The input's own names of the records of a row; none where there is no list.

    Raises:
        DamagedReport: they are no texts or numbers.
    """
    if value is None:
        return ()
    found = []
    for name in as_list(value, "records"):
        if type(name) not in {str, int}:
            raise DamagedReport("records has something that is no name")
        found.append(str(name)[: limits.name_characters])
    return tuple(found)


def variances_of(value: object, amounts: Mapping[str, int]) -> dict[str, float]:
    """The variance of each amount, by its relative standard error.

    Raises:
        DamagedReport: an error is no such number.
    """
    found: dict[str, float] = {}
    for metric, number in as_object({} if value is None else value, "error").items():
        error = number_or_none(number, f"error.{metric}") or 0.0
        if not 0 <= error <= _LARGEST_ERROR:
            raise DamagedReport(f"error.{metric} is out of range")
        if metric in amounts:
            found[metric] = (error * amounts[metric]) ** 2
    return found


def is_problem(finding: Mapping[str, object]) -> bool:
    """Whether a finding is one that a tool reports beside leaks."""
    return as_text(finding.get("rule"), "rule").partition(".")[0] in _PROBLEMS


def problem_of(finding: Mapping[str, object], frames: Sequence[Frame], limits: Limits) -> RawProblem:
    """What the tool reported.

    Raises:
        DamagedReport: the finding is not whole.
    """
    family, _, kind = as_text(finding.get("rule"), "rule").partition(".")
    message = finding.get("tool_message")
    if message is None:
        _, colon, rest = as_text(finding.get("message"), "message").partition(": ")
        message = rest if colon else ""
    stacks = []
    if finding.get("frames") is not None:
        stacks.append(CaptionedStack("", _named(finding["frames"], frames)))
    for more in as_list(finding.get("more_stacks", []), "more_stacks"):
        entry = as_object(more, "more_stacks")
        caption = as_text(entry.get("caption"), "caption")[: limits.name_characters]
        stacks.append(CaptionedStack(caption, _named(entry.get("frames"), frames)))
    return RawProblem(
        problem=_PROBLEMS[family],
        kind=kind[: limits.name_characters],
        message=as_text(message, "tool_message")[: limits.name_characters],
        count=as_count(finding.get("count"), "count"),
        stacks=tuple(stacks),
    )


def _named(value: object, frames: Sequence[Frame]) -> tuple[Frame, ...]:
    stack = stack_of(value, "frames")
    if stack and max(stack) >= len(frames):
        raise DamagedReport("a stack has a frame that is not in the table")
    return tuple(frames[index] for index in stack)


def side_of(value: object, what: str) -> dict[str, int]:
    """The totals of one side of a comparison.

    Raises:
        DamagedReport: there are none.
    """
    return as_amounts(as_object(value, what).get("totals"), f"{what}.totals")
