"""The rows of a list of call paths, the same for every kind of report: what a row says and what its card shows."""

from __future__ import annotations

from typing import NamedTuple

from leakreport.model.metrics import LeakKind
from leakreport.render.bars import Bar
from leakreport.render.chart_svg import Chart, Spark
from leakreport.render.source import SourceLine
from leakreport.render.stacks import StackPart


class Source(NamedTuple):
    """Lines around a call."""

    name: str
    lines: tuple[SourceLine, ...]


class Detail(NamedTuple):
    """The card below a row."""

    title: str
    """Of the line that opens it."""
    parts: list[StackPart]
    source: Source | None
    chart: Chart | None
    why: list[str]
    checks: list[str]
    is_open: bool


class Amount(NamedTuple):
    """The figure that a list is sorted by."""

    mark: str
    text: str
    exact: str
    tone: str
    small: str


class PathLine(NamedTuple):
    """One call path."""

    id: str
    leak_kind: LeakKind
    name: str
    place: str
    site: str
    """Where it is allocated: function and library."""
    notes: list[str]
    kind: str
    """The leak kind with its mark, and what it was before; empty where kinds are not known."""
    blocks: str
    spark: Spark | None
    ends: tuple[str, str] | None
    """Before and after, or first and last."""
    ends_exact: str
    bar: Bar
    amount: Amount
    detail: Detail | None
    url: str | None = None
    """Of the source of the frame that it is named by."""

    @property
    def short(self) -> str:
        """What narrow screens show in place of columns."""
        ends = "" if self.ends is None else " → ".join(self.ends)
        return ", ".join(part for part in (self.kind, self.blocks, ends) if part)


class Head(NamedTuple):
    """A column of the list; `sort` is the column of the page's data that it shows."""

    title: str
    sort: str
    style: str


class PathList(NamedTuple):
    """The list with its columns, and what is said below it."""

    lines: list[PathLine]
    has_kinds: bool
    has_blocks: bool
    """Whether blocks are told where kinds are not."""
    spark_title: str
    """Empty where there are no series."""
    ends_title: str
    """Empty where there is one state only."""
    amount_title: str
    amount_sort: str
    ends_sort: str
    more: list[str]

    def heads(self) -> list[Head]:
        """The columns from left to right."""
        found = [Head("Rank", "number", "r rank"), Head("Responsible frame", "name", "main")]
        if self.has_kinds:
            found.append(Head("Leak kind", "leak_kind", "ba"))
        elif self.has_blocks:
            found.append(Head("Blocks", "values.retained_blocks", "ba"))
        if self.spark_title:
            found.append(Head(self.spark_title, "", "ba"))
        if self.ends_title:
            found.append(Head(self.ends_title, self.ends_sort, "r ba"))
        return [*found, Head("Bar", "", "ba"), Head(self.amount_title, self.amount_sort, "r")]
