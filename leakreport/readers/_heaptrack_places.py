"""What a text of heaptrack_print adds up to: stacks with their figures by section, totals, and what rounding and limits hide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leakreport.errors import LimitExceeded
from leakreport.limits import Limits
from leakreport.model.raw import (
    Frame,
    FrameKind,
    FrameTable,
    Moment,
    Note,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
    Truncation,
)
from leakreport.readers._counts import counted
from leakreport.readers._heaptrack_text import Amount, Entry

_OTHERS = Frame("other callers", kind=FrameKind.SYNTHETIC)
_SECTIONS_OF = {
    "retained_bytes": ("leaks",),
    "peak_bytes": ("peak", "allocations"),
    "allocated_bytes": ("allocated",),
    "allocated_blocks": ("allocations", "leaks", "peak", "temporary", "allocated"),
    "temporary_blocks": ("temporary",),
}
"""By metric, which sections have it, the best first."""
_Stack = tuple[int, ...]


class Places:
    """Collects the stacks of all sections of one text."""

    def __init__(self, source: str, limits: Limits) -> None:
        """Start with none."""
        self.sections: list[str] = []
        self.commands: list[str] = []
        self.seconds: float | None = None
        self.damaged = 0
        self.is_difference = False
        self.is_cut = False
        self.is_whole = False
        """Whether the last total was read."""
        self._source = source
        self._limits = limits
        self._frames = FrameTable()
        self._totals: dict[str, Amount] = {}
        # By section and metric, what each stack has.
        self._found: dict[tuple[str, str], dict[_Stack, list[Amount]]] = {}
        self._line_of: dict[_Stack, int] = {}
        self._entry: tuple[str, Entry, int] | None = None
        self._rows = 0

    @property
    def is_begun(self) -> bool:
        """Whether a headline waits for its frames."""
        return self._entry is not None

    @property
    def is_found(self) -> bool:
        """Whether there is anything to report."""
        return bool(self._line_of or self._totals)

    def take_total(self, metric: str, amount: Amount, *, is_last: bool) -> None:
        """A line of the trailer."""
        self._totals[metric] = amount
        self.is_whole = self.is_whole or is_last

    def begin(self, section: str, entry: Entry, line: int) -> None:
        """The headline of a place or of a stack; that of a place is dropped once a stack below it begins."""
        self._entry = section, entry, line

    def drop(self) -> None:
        """Forget the headline that waits."""
        self._entry = None

    def end(self, leaf: Sequence[Frame], callers: Sequence[Frame]) -> None:
        """All frames of the headline are known, innermost first."""
        if self._entry is None:
            return
        section, entry, line = self._entry
        self._entry = None
        stack = tuple(self._frames.index(frame) for frame in (*reversed(callers), *reversed(leaf)))
        for metric, amount in entry.values.items():
            self._add(section, metric, stack, amount, line)

    def add_others(self, section: str, leaf: Sequence[Frame], metric: str, amount: Amount, line: int) -> None:
        """What the stacks of a place have that are not listed."""
        if not amount.value:
            return
        stack = tuple(self._frames.index(frame) for frame in (_OTHERS, *reversed(leaf)))
        self._add(section, metric, stack, amount, line)

    def _add(self, section: str, metric: str, stack: _Stack, amount: Amount, line: int) -> None:
        self.is_difference = self.is_difference or amount.value < 0
        self._rows += 1
        if self._rows > self._limits.records:
            raise LimitExceeded(f"more than {self._limits.records:,} stacks", where=self._source)
        self._found.setdefault((section, metric), {}).setdefault(stack, []).append(amount)
        self._line_of.setdefault(stack, line)

    def snapshots(self, last_line: int) -> Iterator[RawSnapshot]:
        """One, or of a difference what was more before and what is more after."""
        self.is_difference = self.is_difference or any(amount.value < 0 for amount in self._totals.values())
        columns = self._columns()
        notes = list(self._notes(columns))
        signs = (-1, 1) if self.is_difference else (1,)
        totals = self._judged_totals(columns, notes)
        for position, sign in enumerate(signs):
            builder = SampleTableBuilder(tuple(columns), self._frames)
            for stack, line in self._line_of.items():
                amounts = [column.get(stack, Amount(0, 0.0)) for column in columns.values()]
                values = tuple(max(sign * amount.value, 0) for amount in amounts)
                if any(values) or not self.is_difference:
                    variances = tuple(amount.variance for amount in amounts)
                    builder.add_indexes(stack, values, name=str(line), variances=variances)
            meta = self._meta(position, last_line, tuple(notes))
            yield RawSnapshot(meta, self._side(totals, columns, sign), builder.build() if columns else None)

    def _columns(self) -> dict[str, dict[_Stack, Amount]]:
        """By metric, what each stack has, from one section."""
        found: dict[str, dict[_Stack, Amount]] = {}
        for metric, sections in _SECTIONS_OF.items():
            section = next((one for one in sections if (one, metric) in self._found), None)
            if section is not None:
                found[metric] = {
                    stack: Amount(sum(one.value for one in amounts), sum(one.error for one in amounts))
                    for stack, amounts in self._found[section, metric].items()
                }
            elif any(one in self.sections for one in sections[:1]) and metric in self._totals:
                # The section is there, and nothing in it.
                found[metric] = {}
        return found

    def _judged_totals(self, columns: dict[str, dict[_Stack, Amount]], notes: list[Note]) -> dict[str, int]:
        """By metric the total: as it is told, or the sum of the stacks where that is within what rounding leaves open."""
        found: dict[str, int] = {}
        for metric in (*self._totals, *(name for name in columns if name not in self._totals)):
            stated = self._totals.get(metric)
            amounts = list(columns.get(metric, {}).values())
            of_stacks = sum(amount.value for amount in amounts)
            if stated is None:
                found[metric] = of_stacks
                continue
            is_within = bool(amounts) and abs(of_stacks - stated.value) <= stated.error
            found[metric] = of_stacks if is_within else stated.value
            slack = stated.error + sum(amount.error for amount in amounts)
            if not self.is_difference and of_stacks > stated.value and not is_within:
                found[metric] = of_stacks
                if of_stacks - stated.value > slack and not any(note.slug == "totals-contradict" for note in notes):
                    notes.append(
                        Note(
                            "totals-contradict",
                            "The listed stacks have more than the totals at the end of the text say.",
                        )
                    )
        return found

    def _side(self, totals: dict[str, int], columns: dict[str, dict[_Stack, Amount]], sign: int) -> dict[str, int]:
        if not self.is_difference:
            return {metric: max(total, 0) for metric, total in totals.items()}
        found = {}
        for metric, change in totals.items():
            values = [amount.value for amount in columns.get(metric, {}).values()]
            listed = sum(max(sign * value, 0) for value in values)
            rest = sign * (change - sum(values))
            found[metric] = listed + max(rest, 0)
        return found

    def _meta(self, position: int, last_line: int, notes: tuple[Note, ...]) -> SnapshotMeta:
        truncation = None
        if not self.is_whole:
            truncation = Truncation("the text ends before its last total", last_line, len(self._line_of))
        command = self.commands[position : position + 1] or self.commands[:1]
        is_sound = not self.damaged and all(note.slug != "totals-contradict" for note in notes)
        return SnapshotMeta(
            source=self._source,
            format="heaptrack-text",
            tool="heaptrack_print",
            command=tuple(command[0].split()) if command else (),
            label=("before", "after")[position] if self.is_difference else None,
            time=None if self.is_difference or self.seconds is None else self.seconds,
            time_unit=None if self.is_difference or self.seconds is None else "s",
            truncation=truncation,
            is_complete=truncation is None and is_sound,
            moment=Moment.DUMP if self.is_difference else Moment.EXIT,
            document=self._source if self.is_difference else None,
            is_judged=self.is_difference and position == 1,
            notes=notes,
        )

    def _notes(self, columns: dict[str, dict[_Stack, Amount]]) -> Iterator[Note]:
        errors = [amount.error for column in columns.values() for amount in column.values()]
        largest = max([*errors, *(amount.error for amount in self._totals.values())], default=0.0)
        if largest:
            yield Note(
                "rounded",
                f"heaptrack_print rounds its amounts: each is off by up to {largest:,.0f} bytes. The recording itself "
                "(heaptrack.*.zst) is exact.",
            )
        if self.is_difference:
            yield Note(
                "only-differences",
                "The text has the difference of two recordings: for each stack by how much one side is larger, and not what "
                "both have. The sides are read as before and after.",
            )
        if "leaks" not in self.sections and self.is_whole:
            yield Note(
                "leaks-not-listed",
                "heaptrack_print was called without -l 1: what was not freed is known as a total only, not by stack.",
            )
        hidden = self._hidden(columns)
        if hidden:
            yield Note(
                "stacks-not-listed",
                f"The text lists the first places only: {hidden} are in no listed stack. More with -n 1000 -s 1000.",
            )
        if self.damaged:
            yield Note("damaged-records", f"{counted(self.damaged, 'line', 'damaged and left out')}.")

    def _hidden(self, columns: dict[str, dict[_Stack, Amount]]) -> str:
        """What of the total not freed, or else at the peak, is in no stack, where it is more than rounding explains."""
        for metric, what in (("retained_bytes", "what was not freed"), ("peak_bytes", "the peak")):
            stated, column = self._totals.get(metric), columns.get(metric)
            if stated is None or column is None:
                continue
            rest = stated.value - sum(amount.value for amount in column.values())
            if abs(rest) > stated.error + sum(amount.error for amount in column.values()):
                return f"{abs(rest):,} bytes of {what}"
        return ""
