"""What else of a process grew between two samples: descriptors, threads, mapped files. Two samples can only say by how much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from leakreport.analysis.noise import least_view_bytes
from leakreport.analysis.trendtotals import JUDGED, LEAST_COUNT
from leakreport.model.metrics import METRICS
from leakreport.model.raw import SnapshotMeta
from leakreport.units import format_bytes, format_count


def grown_beside(change: Mapping[str, int], metric: str, metas: Sequence[SnapshotMeta]) -> tuple[str, ...]:
    """The resources that grew by more than noise, as parts of a sentence; of anything but samples of a process, nothing.

    Args:
        change: by metric, after less before.
        metric: that of the comparison, which is told by itself.
        metas: of both sides.
    """
    if not all(meta.is_process_view for meta in metas):
        return ()
    found = []
    for name in JUDGED:
        amount = change.get(name, 0)
        is_bytes = METRICS[name].unit == "bytes"
        if name != metric and amount >= (least_view_bytes(metas) if is_bytes else LEAST_COUNT):
            text = format_bytes(amount) if is_bytes else format_count(amount)
            found.append(f"{METRICS[name].title.lower()} by {text}")
    return tuple(found)
