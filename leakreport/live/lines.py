"""The lines of a series: a head, one line per sample, and one per event. Read by `readers/watch.py`.

Source: `docs/formats/watch.md`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from leakreport.live.process import ProcessHandle, Program
from leakreport.live.sampler import Sample
from leakreport.model.recorded import values_of
from leakreport.privacy.texts import without_secrets

VERSION = "watch/1"


def head_line(handle: ProcessHandle, *, interval: float, at: str) -> str:
    """What is recorded of which process, as the first line of a series."""
    identity = handle.identity
    return _line(
        {
            "leakreport": VERSION,
            "pid": identity.pid,
            "parent": handle.parent,
            "start_ticks": identity.start_ticks,
            "boot_id": identity.boot_id,
            **_program(handle.program),
            "kernel": os.uname().release,
            "interval": interval,
            "at": at,
        }
    )


def sample_lines(sample: Sample, texts: Mapping[str, str] | None = None, *, is_first: bool = False) -> list[str]:
    """A look, as its lines in the order that readers take them in; `texts` holds what tools of the run-time said, by format.

    Another program stands before its first sample. The first look of all tells none: what runs then stands in the head.
    """
    moment = {"t": round(sample.seconds, 3), "at": sample.at}
    found = []
    if sample.program is not None and not is_first:
        found.append(_line({**moment, "event": "exec", **_program(sample.program)}))
    if sample.parts:
        found.append(_sample_line(sample, texts))
    if sample.missing:
        found.append(_line({**moment, "event": "missing", "what": dict(sample.missing)}))
    if not sample.parts:
        found.append(_line({**moment, "event": "end", "why": sample.state.value}))
    return found


def _sample_line(sample: Sample, texts: Mapping[str, str] | None) -> str:
    parts: dict[str, Any] = {name: values_of(raw) for name, raw in sample.parts.items()}
    parts |= {name: {"text": text} for name, text in (texts or {}).items()}
    return _line({"t": round(sample.seconds, 3), "at": sample.at, "parts": parts})


def end_line(sample: Sample, why: str) -> str:
    """The end of a series whose process goes on."""
    return _line({"t": round(sample.seconds, 3), "at": sample.at, "event": "end", "why": why})


def _program(program: Program) -> dict[str, Any]:
    """A command line of somebody else may hold passwords: they never reach the file."""
    return {
        "executable": program.executable,
        "name": program.name,
        "command": list(without_secrets(program.command)[0]),
    }


def _line(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")) + "\n"
