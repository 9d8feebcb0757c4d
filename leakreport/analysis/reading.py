"""The reading list: which paths are one leak for a person, and what to read first."""

from __future__ import annotations

import numpy as np

from leakreport.analysis.paths import PathTable
from leakreport.model.columns import Int64Column, checked_total, exact_sum, sums_at
from leakreport.model.metrics import LOST_KINDS


def reading_groups(rows: PathTable, metric: str) -> tuple[Int64Column, Int64Column]:
    """The reading list: groups of rows, in the order a person should read them.

    Records of one leak that a compiler or the tool split (unrolled loops, `--leak-resolution=high`) are one group: the
    same kind, the same allocator and the same files and lines in your code. Lost memory comes first, then by bytes; a
    definitely lost block weighs as much as it drags along.

    Returns:
        The indexes of the rows, group by group, and where each group starts in them; the last start is their number.

    Raises:
        LimitExceeded: a sum does not fit in 64 bits.
    """
    places = rows.paths.places()[rows.stack]
    width = int(places.max(initial=0)) + 1
    _, first, group, counts = np.unique(
        rows.leak_kind * width + places, return_index=True, return_inverse=True, return_counts=True
    )
    held, blocks = rows.column(metric), rows.column("retained_blocks")
    dragged = rows.dragged_bytes if metric == "retained_bytes" else np.zeros_like(held)
    checked_total((exact_sum(np.abs(held)), exact_sum(dragged)), metric)
    kinds = rows.leak_kind[first]
    ranking = np.lexsort(
        (
            rows.paths.ids[rows.stack[first]],
            -sums_at(group, blocks, len(first), "retained_blocks"),
            kinds,
            -sums_at(group, held + dragged, len(first), metric),
            ~np.isin(kinds, LOST_KINDS),
        )
    )
    rank = np.empty_like(ranking)
    rank[ranking] = np.arange(len(ranking))
    starts = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts[ranking])])
    return np.argsort(rank[group], kind="stable"), starts
