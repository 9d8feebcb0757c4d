"""The words for why it grew: sentences of the verdict, findings, and a line for each library that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leakreport.analysis.diffreport import CallEdge, DiffRow, GrowthGraph, GrowthPoint, LibraryChange
from leakreport.analysis.diffverdict import name_of, place_of
from leakreport.analysis.report import Finding, Severity
from leakreport.model.raw import Frame
from leakreport.units import format_bytes, format_change, format_share, format_share_in_tenths, plural

RULES = ("growth.changed-library", "growth.call-edge", "growth.common-function", "growth.responsible-frame")
"""Rules of the findings of a comparison; `docs/diff.md` says what they mean."""
MOST_IDS = 1000
"""Ids of paths in a finding; its count is of all."""
_MOST_EDGES_IN_A_SENTENCE = 3
_MOST_LIBRARIES = 20


@dataclass(frozen=True, slots=True)
class ReasonText:
    """The words for one comparison."""

    whole_bytes: int
    """The growth that shares are of."""
    growth: str
    """What it is called."""
    rows: Sequence[DiffRow]
    """Those that grew, in the order of the report."""
    frames: Sequence[Frame]

    def library_sentences(self, libraries: Sequence[LibraryChange]) -> Iterator[str]:
        """The libraries that half of the growth is allocated in; if there is none, one that half of it passes through."""
        around = [one for one in libraries if not _is_no_news(one) and self.whole_bytes]
        allocating = [one for one in around if self._is_half(one.allocated_bytes)]
        for one in allocating:
            yield f"{one.title}, and {self._tenths(one.allocated_bytes)} of {self.growth} is allocated in it."
        if not allocating and around:
            most = max(around, key=lambda one: one.passing_bytes)
            if self._is_half(most.passing_bytes):
                yield f"{most.title}, and {self._tenths(most.passing_bytes)} of {self.growth} passes through it."

    def library_lines(self, libraries: Sequence[LibraryChange]) -> Iterator[str]:
        """A line for each, those with growth first."""
        for one in libraries[:_MOST_LIBRARIES]:
            yield f"{one.title}{self._growth_in(one)}."
        hidden = len(libraries) - _MOST_LIBRARIES
        if hidden > 0:
            yield f"{plural(hidden, 'more library', 'more libraries')} changed."

    def library_findings(self, libraries: Sequence[LibraryChange]) -> Iterator[Finding]:
        """Those with growth."""
        for one in libraries:
            if not one.passing_bytes or _is_no_news(one):
                continue
            whole = f"{self.whole_bytes:,} B"
            yield Finding(
                rule="growth.changed-library",
                severity=Severity.WARNING if self._is_half(one.allocated_bytes) else Severity.INFO,
                message=f"{one.title}{self._growth_in(one)}.",
                advice="Compare with a run that differs in this library alone, and read what its makers changed.",
                facts=(
                    f"{one.allocated_bytes:,} B of {whole} are allocated in it.",
                    f"{one.passing_bytes:,} B of {whole} pass through it.",
                ),
                path_ids=self._ids(one.rows),
                count=len(one.rows),
                values={"retained_bytes": one.allocated_bytes},
            )

    def call_sentences(self, graph: GrowthGraph | None) -> Iterator[str]:
        """One sentence: the calls that explain the growth, and what all of it goes through."""
        if graph is None:
            return
        parts = []
        count, share = plural(len(graph.edges), "call edge"), self._share(graph.explained_bytes)
        if graph.is_explained:
            shown = ", ".join(map(self._call, graph.edges[:_MOST_EDGES_IN_A_SENTENCE]))
            hidden = len(graph.edges) - _MOST_EDGES_IN_A_SENTENCE
            more = f" and {hidden} more" if hidden > 0 else ""
            parts.append(f"{share} of {self.growth} is on {count}: {shown}{more}")
        elif graph.edges:
            subject = self.growth[0].upper() + self.growth[1:]
            parts.append(f"{subject} is spread: {count} together carry {share.lower()} of it")
        if graph.common is not None:
            share, name = self._share(graph.common.amount_bytes), name_of(self.frames[graph.common.frame])
            whose = f"{share.lower()} of it" if parts else f"{share} of {self.growth}"
            parts.append(f"{whose} goes through {name}")
        if parts:
            yield f"{'; '.join(parts)}."

    def call_findings(self, graph: GrowthGraph | None) -> Iterator[Finding]:
        """The calls, then the functions."""
        if graph is None:
            return
        carried = f"{graph.explained_bytes:,} B of {graph.whole_bytes:,} B"
        fewer = "no smaller number carries 80%" if graph.is_fewest else "a smaller number may carry 80%"
        count = plural(len(graph.edges), "call edge")
        together = f"{count} together carry {carried}{f': {fewer}' if graph.is_explained else ''}."
        for edge in graph.edges:
            point = GrowthPoint(edge.caller, edge.amount_bytes, edge.rows)
            yield Finding(
                rule="growth.call-edge",
                severity=Severity.WARNING,
                message=f"{self._part(point)} goes through the call {self._call(edge)}.",
                advice="Look at what this call keeps, and who is meant to release it.",
                facts=(together,),
                path_ids=self._ids(edge.rows),
                frames=(edge.caller, edge.callee),
                count=len(edge.rows),
                values={"retained_bytes": edge.amount_bytes},
            )
        for rule, found, words, advice in (
            ("growth.common-function", graph.common, "goes through", "Look at what differs between two calls of it."),
            ("growth.responsible-frame", graph.responsible, "is on paths named by", "Start reading here."),
        ):
            if found is not None:
                frame = self.frames[found.frame]
                yield Finding(
                    rule=rule,
                    severity=Severity.INFO,
                    message=f"{self._part(found)} {words} {name_of(frame)}{place_of(frame)}.",
                    advice=advice,
                    path_ids=self._ids(found.rows),
                    frames=(found.frame,),
                    count=len(found.rows),
                    values={"retained_bytes": found.amount_bytes},
                )

    def _is_half(self, amount: int) -> bool:
        return 2 * amount >= self.whole_bytes

    def _tenths(self, amount: int) -> str:
        return format_share_in_tenths(amount, self.whole_bytes)

    def _share(self, amount: int) -> str:
        return "All" if amount == self.whole_bytes else format_share(amount, self.whole_bytes)

    def _part(self, point: GrowthPoint) -> str:
        return f"{self._share(point.amount_bytes)} of {self.growth} ({format_change(point.amount_bytes)})"

    def _growth_in(self, one: LibraryChange) -> str:
        if not one.passing_bytes:
            return ""
        allocated, passing = (
            f"{format_bytes(amount)} of {self.growth} ({self._tenths(amount)})"
            for amount in (one.allocated_bytes, one.passing_bytes)
        )
        if one.allocated_bytes == one.passing_bytes:
            return f": {allocated} is allocated in it"
        if not one.allocated_bytes:
            return f": {passing} passes through it"
        return f": {allocated} is allocated in it, {passing} passes through it"

    def _call(self, edge: CallEdge) -> str:
        caller, callee = self.frames[edge.caller], self.frames[edge.callee]
        return f"{name_of(caller)} → {name_of(callee)}{place_of(caller)}"

    def _ids(self, indexes: Sequence[int]) -> tuple[str, ...]:
        """The ids of the first of them; rows that share a path have one."""
        return tuple(dict.fromkeys(self.rows[index].id for index in indexes[:MOST_IDS]))


def _is_no_news(one: LibraryChange) -> bool:
    """The program itself is built anew in most comparisons."""
    return one.is_program and one.is_rebuilt
