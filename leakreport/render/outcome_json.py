"""How a command ended, as the JSON object `run`. Source: `docs/json.md`, "run"."""

from __future__ import annotations

from leakreport.analysis.outcome import Outcome
from leakreport.render.json import text_of


def run_entry(outcome: Outcome) -> dict[str, object]:
    """The object as values."""
    return {
        "tool": outcome.tool,
        "pid": outcome.pid,
        "status": outcome.status,
        "exit_code": outcome.exit_code,
        "signal": outcome.signal_name,
        "elapsed_seconds": round(outcome.elapsed_seconds, 3),
        "interval_seconds": outcome.interval_seconds,
        "samples": outcome.samples,
        "limits": [
            {
                "name": limit.name,
                "option": limit.option,
                "unit": limit.unit,
                "limit": limit.amount,
                "peak": limit.peak,
                "distance": limit.distance,
            }
            for limit in outcome.limits
        ],
        "peaks": dict(outcome.peaks),
        "end": {"fits_limit": outcome.fit, "limit": outcome.fit_limit, "evidence": text_of(outcome.evidence)},
        "processes": [
            {
                "pid": member.pid,
                "parent": member.parent,
                "name": text_of(member.name),
                "resident_bytes": member.resident_bytes,
                "samples": member.samples,
                "judged": member.is_judged,
                "running": member.is_running,
            }
            for member in outcome.members
        ],
        "held_last": [{"name": text_of(held.name), "bytes": held.bytes} for held in outcome.held_last],
    }
