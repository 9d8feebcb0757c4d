"""Why a path stands in a comparison, in facts, and what a person can look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leakreport.analysis.advice import LEAK_TEXTS
from leakreport.analysis.diffreport import DiffRow, Presence, RowText
from leakreport.analysis.report import Finding
from leakreport.model.metrics import LOST_KINDS, LeakKind
from leakreport.units import format_change, plural

_CHECKS = {
    Presence.NEW: "It can be code that is new in this run: look at what was added between your function and the allocation, "
    "and at who is meant to release it.",
    Presence.BOTH: "It can be more work, or blocks that are no longer released: compare what both runs did, then the places that "
    "release them.",
    Presence.GONE: "It can be fixed, or the run did not come this way: look whether the function was still called.",
}


def row_text(findings: Sequence[Finding], row: DiffRow) -> RowText:
    """The sentences for one row.

    Args:
        findings: of the comparison; those about this path are told, too.
        row: of the comparison.
    """
    about = [finding for finding in findings if row.id in finding.path_ids]
    if row.presence is Presence.BOTH and row.change.get("retained_bytes", 0) < 0:
        return RowText(tuple(_why(row, about)), ())
    is_kept = row.presence is not Presence.GONE and row.leak_kind is not LeakKind.NONE
    kind = (LEAK_TEXTS[row.leak_kind].advice,) if is_kept else ()
    return RowText(tuple(_why(row, about)), (_CHECKS[row.presence], *kind))


def _why(row: DiffRow, about: Sequence[Finding]) -> Iterator[str]:
    change, blocks = row.change.get("retained_bytes", 0), row.change.get("retained_blocks", 0)
    words = format_change(change) if change else "The same bytes"
    if blocks:
        of_blocks = ("more block", "more blocks") if blocks > 0 else ("block less", "blocks less")
        words += f", {plural(abs(blocks), *of_blocks)}"
    if row.presence is not Presence.BOTH:
        words += f"; no such path {'before' if row.presence is Presence.NEW else 'after'}"
    yield f"{words}."
    if row.leak_kind is not row.leak_kind_before:
        yield f"It was {row.leak_kind_before.title} and is {row.leak_kind.title}: {LEAK_TEXTS[row.leak_kind].meaning}."
    elif row.leak_kind in LOST_KINDS and row.presence is not Presence.GONE:
        kind = row.leak_kind.title
        yield f"{kind[:1].upper()}{kind[1:]}: {LEAK_TEXTS[row.leak_kind].meaning}."
    yield from (finding.message for finding in about)
