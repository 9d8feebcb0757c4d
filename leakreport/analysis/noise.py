"""What counts as a change between two runs. Rules mark rows, they never drop one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leakreport.analysis.diffreport import NoiseRule
from leakreport.model.columns import BoolColumn, Float64Column, Int64Column
from leakreport.model.raw import PAGE_BYTES, SnapshotMeta

LEAST_BYTES = 64 * 1024
LEAST_SHARE = 1000
"""One part in so many of the larger total."""
LEAST_VIEW_BYTES = 256 * 1024
"""Of a process as the kernel counts it: an allocator takes and gives back so much without a leak."""
STANDARD_ERRORS = 3.0
_EXACT_FORMATS = frozenset(("memcheck-xml", "memcheck-text", "xtree", "sanitizer"))


def least_view_bytes(metas: Sequence[SnapshotMeta]) -> int:
    """The least change of a process that is told: of one as the kernel counts it, or as its allocator does, to the byte."""
    is_by_pages = any(meta.grain_bytes >= PAGE_BYTES for meta in metas)
    return LEAST_VIEW_BYTES if is_by_pages else LEAST_BYTES


def noise_rule(metas: Sequence[SnapshotMeta], totals: Sequence[int], min_change: int | None) -> NoiseRule:
    """The rule for two sides; the same when they are swapped.

    Args:
        metas: of the judged snapshots of both sides.
        totals: what both sides retain, in bytes.
        min_change: the user's word.
    """
    is_exact = all(meta.format in _EXACT_FORMATS for meta in metas)
    if min_change is not None:
        return NoiseRule(min_change, is_exact_for_lost=False, is_by_user=True)
    is_view = bool(metas) and all(meta.is_process_view for meta in metas)
    least = max(least_view_bytes(metas) if is_view else LEAST_BYTES, max(totals, default=0) // LEAST_SHARE)
    return NoiseRule(least, is_exact_for_lost=is_exact, is_by_user=False)


def are_significant(
    rule: NoiseRule,
    is_lost: BoolColumn,
    kind_changed: BoolColumn,
    byte_change: Int64Column,
    block_change: Int64Column,
    error: Float64Column,
) -> BoolColumn:
    """Per row, whether its change is outside the noise.

    Args:
        rule: the rule of the comparison.
        is_lost: whether the leak kind, before or after, is one of lost memory.
        kind_changed: whether it is another kind than before.
        byte_change: after minus before.
        block_change: the same for blocks; 0 where they are not known.
        error: the standard error of the change, 0 where both sides are exact.
    """
    found: BoolColumn = (byte_change != 0) & (np.abs(byte_change) >= rule.min_change_bytes)
    if rule.is_exact_for_lost:
        found = np.where(is_lost, (byte_change != 0) | (block_change != 0) | kind_changed, found)
    found &= (np.abs(byte_change) > STANDARD_ERRORS * error) | (error == 0)
    return found
