"""What a check adds to the JSON document. Source: `docs/check.md`, "In JSON"."""

from __future__ import annotations

from leakreport.analysis.checkreport import FAILING, CheckedLeak, CheckResult, State
from leakreport.render.json import text_of


def check_entry(check: CheckResult) -> dict[str, object]:
    """The baseline, how many leaks have each state, those that changed, budgets, and what is in doubt."""
    baseline = check.baseline
    return {
        "baseline": None
        if baseline is None
        else {"file": text_of(baseline.file), "found": baseline.is_found, "leaks": baseline.leak_count},
        "counts": check.counts,
        "changed": [_leak(leak) for leak in check.of(*FAILING)],
        "fixed": [_leak(leak) for leak in check.of(State.FIXED)],
        "budgets": [
            {
                "budget": text_of(line.budget),
                "implied": line.is_implied,
                "result": line.result.value,
                "now": line.now,
                "last": line.last,
                "anchor": line.anchor,
                "limit": line.limit,
                "matched": line.is_matched,
            }
            for line in check.budgets
        ],
        "doubts": [
            {"slug": doubt.slug, "text": text_of(doubt.text), "comparable": doubt.is_comparable}
            for doubt in check.doubts
        ],
    }


def _leak(leak: CheckedLeak) -> dict[str, object]:
    return {
        "id": leak.id,
        "state": leak.state.value,
        "counted": leak.is_counted,
        "leak_kinds": [kind.word for kind in leak.kinds if kind],
        "function": text_of(leak.function),
        "file": text_of(leak.file),
        "line": leak.line,
        "module": text_of(leak.module),
        "before": dict(leak.before),
        "after": dict(leak.after),
        "evidence": text_of(leak.evidence),
        "id_before": leak.id_before,
        "reason": text_of(leak.reason),
        "until": leak.until,
        "first_seen": leak.first_seen,
    }
