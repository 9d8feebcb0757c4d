"""The rows of a trend in reading order, made when somebody looks at them: most reports show a few of thousands."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from leakreport.analysis.growth_results import CODES, WORDS, GrowthVerdicts, GrowthWord, SeriesVerdict
from leakreport.analysis.growth_text import Wording, evidence
from leakreport.analysis.report import PathRow
from leakreport.analysis.trendreport import TrendRow
from leakreport.analysis.trendseries import SeriesTable
from leakreport.model.columns import BoolColumn, Int64Column
from leakreport.model.metrics import LeakKind

_ROWS_AT_ONCE = 1024
NO_PATH = PathRow("", LeakKind.NONE, (), None, None, None, None, {}, ())


@dataclass(frozen=True, slots=True, eq=False)
class TrendRows(Sequence[TrendRow]):
    """Growing paths first, by their slope, then the rest by what they hold last."""

    table: SeriesTable
    verdicts: GrowthVerdicts
    wording: Wording
    follows_time: BoolColumn
    order: Int64Column
    """Indexes into the table."""

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, index: int) -> TrendRow: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[TrendRow]: ...

    def __getitem__(self, index: int | slice) -> TrendRow | Sequence[TrendRow]:
        if isinstance(index, slice):
            return replace(self, order=self.order[index])
        return self._made(self.order[range(len(self))[index] :][:1])[0]

    def __iter__(self) -> Iterator[TrendRow]:
        for start in range(0, len(self), _ROWS_AT_ONCE):
            yield from self._made(self.order[start : start + _ROWS_AT_ONCE])

    def with_texts(self, change: Callable[[Any], Any]) -> TrendRows:
        """The same rows with other texts: `change` gives the table of paths for the one that is here."""
        return replace(self, table=replace(self.table, rows=change(self.table.rows)))

    def _made(self, indexes: Int64Column) -> list[TrendRow]:
        table = self.table
        paths = table.rows.taken(indexes)
        return [
            row_of(
                replace(path, id=table.ids[index]),
                table.values[index],
                table.is_missing[index],
                (self.verdicts, index),
                self.wording,
                other_ids=table.other_ids.get(index, ()),
                follows_time=bool(self.follows_time[index]),
            )
            for path, index in zip(paths, indexes.tolist(), strict=True)
        ]


def row_of(
    path: PathRow,
    values: Int64Column,
    is_missing: BoolColumn,
    judged: tuple[GrowthVerdicts, int],
    wording: Wording,
    *,
    other_ids: tuple[str, ...] = (),
    follows_time: bool = False,
) -> TrendRow:
    """One row from its columns; `judged` is the verdicts and which of them is its own."""
    series = tuple(
        None if missing else amount for amount, missing in zip(values.tolist(), is_missing.tolist(), strict=True)
    )
    verdict = judged[0][judged[1]]
    text = evidence(*judged, wording)
    if follows_time:
        text += " It follows time, not the work."
    is_told = verdict.word is not GrowthWord.TOO_FEW
    return TrendRow(
        path=path,
        series=series,
        verdict=verdict,
        evidence=text,
        rate=wording.rate(verdict.slope) if is_told else "",
        other_ids=other_ids,
        follows_time=follows_time,
    )


def reading_order(table: SeriesTable, verdicts: GrowthVerdicts) -> Int64Column:
    """The order of the rows."""
    is_growing = verdicts.words == CODES[GrowthWord.GROWING]
    weight = np.where(is_growing, verdicts.slope, verdicts.last)
    ids = np.asarray(table.ids, dtype=np.str_)
    return np.lexsort((table.rows.leak_kind, ids, -weight, ~is_growing))


def words_of(verdicts: GrowthVerdicts) -> dict[str, int]:
    """How many series have each verdict, by the word."""
    counts = np.bincount(verdicts.words, minlength=len(WORDS)).tolist()
    return {word: count for word, count in sorted(zip(map(str, WORDS), counts, strict=True)) if count}


def span_of(verdicts: GrowthVerdicts) -> float:
    """Units of x from the first point to the last."""
    return float(verdicts.x[-1] - verdicts.x[0]) if verdicts.x.size else 0.0


def grown(verdict: SeriesVerdict, span: float) -> float:
    """What a growing series grew by from the first point to the last, by its slope; 0 for others."""
    return verdict.slope * span if verdict.word is GrowthWord.GROWING else 0.0
