"""The document `leakreport/1`, member by member into columns. Specification: `docs/json.md`.

Members come in any order, long lists element by element, so a document of any size is read in the memory of its
columns. What adds up in a document is added up again: a figure that was changed on the way is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from leakreport.errors import LimitExceeded, UnsupportedInput
from leakreport.limits import Limits
from leakreport.model.raw import Frame
from leakreport.readers._report_meta import Input, Taken, input_of, snapshot_of
from leakreport.readers._report_parts import (
    frame_of,
    is_problem,
    names_of,
    series_of,
    side_of,
    stack_of,
    variances_of,
)
from leakreport.readers._report_rows import Rows
from leakreport.readers._report_values import (
    DamagedReport,
    as_amounts,
    as_changes,
    as_count,
    as_elements,
    as_leak_kind,
    as_object,
    as_text,
    as_word,
    count_or_none,
)

SCHEMA = "leakreport/1"
Members = Iterable[tuple[str, object]]
"""Names and values of an object; lists may come as iterators, to be taken before the next member."""
_PRESENCES = {"both": (True, True), "new": (False, True), "gone": (True, False)}


class Document:
    """What a document says. After `take`, `check` tells whether it fits together."""

    def __init__(self, source: str, limits: Limits) -> None:
        """Start with nothing; `source` is what the user gave."""
        self.source = source
        self.limits = limits
        self.inputs: list[Input] = []
        self.frames: list[Frame] = []
        self.snapshots: list[Taken] = []
        self.problems: list[dict[str, object]] = []
        """Findings that a tool itself reported."""
        self.rows = Rows(limits)
        self.earlier = Rows(limits)
        """Of a comparison, the rows of the side before."""
        self.place = "the beginning"
        """Where in the document we are, for messages."""
        self._plain: dict[str, object] = {}
        self._takers: dict[str, Callable[[object], None]] = {
            "inputs": lambda value: self.inputs.append(input_of(value, limits)),
            "frames": lambda value: self.frames.append(frame_of(value, limits)),
            "snapshots": lambda value: self.snapshots.append(snapshot_of(value, limits)),
            "findings": self._take_finding,
            "paths": self._take_path,
        }

    def take(self, members: Members) -> None:
        """Read all members.

        Raises:
            DamagedReport: something is not as it must be; `place` says where.
            LimitExceeded: there is too much of it.
        """
        for name, value in members:
            self.place = f'"{name[:40]}"'
            taker = self._takers.get(name)
            if taker is None and not isinstance(value, Iterator):
                self._plain[name] = value
                continue
            for number, element in enumerate(as_elements(value, name)):
                if taker is None:
                    continue
                self.place = f"{name}[{number}]"
                if number >= self.limits.records:
                    raise LimitExceeded(f"{self.source} has more than {self.limits.records:,} {name}")
                taker(element)
        self.place = "the whole"

    def _take_finding(self, value: object) -> None:
        finding = as_object(value, "the finding")
        if is_problem(finding) and len(self.problems) < self.limits.problems:
            self.problems.append(finding)

    def _take_path(self, value: object) -> None:
        row = as_object(value, "the path")
        stack = stack_of(row.get("frames"), "frames")
        kind = as_leak_kind(row.get("leak_kind"))
        folded = count_or_none(row.get("folded"), "folded") or 0
        if "change" in row:
            self._take_compared(row, stack, folded)
            return
        amounts = as_amounts(row.get("values", {}), "values")
        dragged = count_or_none(row.get("dragged_bytes"), "dragged_bytes")
        self.rows.add(
            stack,
            kind,
            {"dragged_bytes": dragged, **amounts} if dragged else amounts,
            series=series_of(row),
            names=names_of(row.get("records"), self.limits),
            record_count=as_count(row.get("record_count", 1), "record_count"),
            variances=variances_of(row.get("error"), amounts),
            folded=folded,
        )

    def _take_compared(self, row: Mapping[str, object], stack: list[int], folded: int) -> None:
        is_before, is_after = as_word(row.get("presence"), _PRESENCES, "presence")
        kind = as_leak_kind(row.get("leak_kind"))
        before, after = (as_amounts(row.get(side), side) for side in ("before", "after"))
        for metric, change in as_changes(row["change"], "change").items():
            if change != after.get(metric, 0) - before.get(metric, 0):
                raise DamagedReport(f"change.{metric} is not after minus before")
        names = as_object({} if row.get("records") is None else row["records"], "records")
        if is_after:
            self.rows.add(stack, kind, after, names=names_of(names.get("after"), self.limits), folded=folded)
        if is_before:
            other = stack_of(row["frames_before"], "frames_before") if "frames_before" in row else stack
            kind_before = as_leak_kind(row["leak_kind_before"]) if "leak_kind_before" in row else kind
            self.earlier.add(
                other, kind_before, before, names=names_of(names.get("before"), self.limits), folded=folded
            )

    # What was taken

    @property
    def kind(self) -> str:
        """`analysis`, `diff` or `trend`."""
        return as_word(self._plain.get("kind"), {word: word for word in ("analysis", "diff", "trend")}, "kind")

    @property
    def metric(self) -> str:
        """What ranked the paths."""
        return as_text(self._plain.get("metric"), "metric")

    @property
    def generator(self) -> str:
        """The program that wrote it."""
        entry = as_object(self._plain.get("generator"), "generator")
        return f"{as_text(entry.get('name'), 'generator.name')} {as_text(entry.get('version'), 'generator.version')}"[
            :80
        ]

    @property
    def totals(self) -> dict[str, int]:
        """Of the judged snapshot of an analysis."""
        return as_amounts(self._plain.get("totals"), "totals")

    @property
    def judged(self) -> Taken:
        """The judged snapshot of an analysis."""
        return self.snapshots[as_count(self._plain.get("judged"), "judged", len(self.snapshots) - 1)]

    @property
    def sides(self) -> tuple[dict[str, int], dict[str, int]]:
        """The totals before and after of a comparison."""
        return side_of(self._plain.get("before"), "before"), side_of(self._plain.get("after"), "after")

    @property
    def first_input_after(self) -> int:
        """Where in `inputs` those of the side after begin."""
        after = as_object(self._plain.get("after"), "after")
        return as_count(after.get("input"), "after.input", len(self.inputs) - 1)

    @property
    def hidden_paths(self) -> int:
        """How many paths options kept out of `paths`."""
        return as_count(self._hidden().get("paths", 0), "hidden.paths")

    @property
    def hidden(self) -> dict[str, int]:
        """What these hold; of a comparison, what they changed by; empty where that is not told."""
        return as_changes(self._hidden().get("values", {}), "hidden.values")

    @property
    def unlisted_findings(self) -> int:
        """How many findings beside leaks a page left out."""
        return as_count(self._plain.get("unlisted_findings", 0), "unlisted_findings")

    @property
    def largest_folded_bytes(self) -> int | None:
        """No path that a page folded retains more; None where that is not told."""
        pruned = self._plain.get("pruned")
        if pruned is None:
            return None
        return count_or_none(as_object(pruned, "pruned").get("largest_bytes"), "pruned.largest_bytes")

    def _hidden(self) -> dict[str, object]:
        found = self._plain.get("hidden")
        return {} if found is None else as_object(found, "hidden")

    def check_version(self) -> None:
        """See that the document is of the version that this module reads.

        Raises:
            DamagedReport: it is no document of leakreport.
            UnsupportedInput: it is of another version.
        """
        schema = as_text(self._plain.get("schema"), "schema")
        if schema != SCHEMA:
            raise UnsupportedInput(
                f"{self.source} is a report of schema {schema[:40]!r}, and this leakreport reads {SCHEMA!r}",
                advice="Read it with the version of leakreport that made it, or a later one.",
            )

    def check_sums(self) -> None:
        """See that frames are there and that figures add up.

        Raises:
            DamagedReport: they do not.
        """
        for rows in (self.rows, self.earlier):
            rows.check_frames(len(self.frames))
        if not self.inputs:
            raise DamagedReport("no input is named")
        if any((taken.input_index or 0) >= len(self.inputs) for taken in self.snapshots):
            raise DamagedReport("a snapshot is of an input that is not named")
        if self.kind == "trend":
            return
        if self.kind == "analysis" and not self.snapshots:
            raise DamagedReport("no snapshot is named")
        stated = self.totals if self.kind == "analysis" else as_changes(self._plain.get("change"), "change")
        if self.kind == "diff":
            before, after = self.sides
            if any(amount != after.get(name, 0) - before.get(name, 0) for name, amount in stated.items()):
                raise DamagedReport("the change is not after minus before")
        hidden = self.hidden
        unattributed = as_changes(self._plain.get("unattributed"), "unattributed")
        for name, amount in stated.items():
            on_paths = self.rows.sum(name) - self.earlier.sum(name)
            if on_paths + hidden.get(name, 0) + unattributed.get(name, 0) != amount:
                raise DamagedReport(f"what the paths hold of {name} does not add up to the total")
