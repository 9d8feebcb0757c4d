"""What counts as a change between two runs. Rules mark rows, they never drop one."""

from __future__ import annotations

from collections.abc import Sequence

from leakreport.analysis.diffreport import NoiseRule
from leakreport.model.metrics import LOST_KINDS, LeakKind
from leakreport.model.raw import SnapshotMeta

LEAST_BYTES = 64 * 1024
LEAST_SHARE = 1000
"""One part in so many of the larger total."""
STANDARD_ERRORS = 3.0
_EXACT_FORMATS = frozenset(("memcheck-xml", "memcheck-text", "xtree", "sanitizer"))


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
    least = max(LEAST_BYTES, max(totals, default=0) // LEAST_SHARE)
    return NoiseRule(least, is_exact_for_lost=is_exact, is_by_user=False)


def is_significant(
    rule: NoiseRule, kinds: Sequence[LeakKind], byte_change: int, block_change: int, error: float
) -> bool:
    """Whether a change is outside the noise.

    Args:
        rule: the rule of the comparison.
        kinds: the leak kinds of the row before and after.
        byte_change: after minus before.
        block_change: the same for blocks; 0 where they are not known.
        error: the standard error of the change, 0 where both sides are exact.
    """
    if error and abs(byte_change) <= STANDARD_ERRORS * error:
        return False
    if rule.is_exact_for_lost and any(kind in LOST_KINDS for kind in kinds):
        return bool(byte_change or block_change or kinds[0] is not kinds[-1])
    return bool(byte_change) and abs(byte_change) >= rule.min_change_bytes
