"""speedscope's JSON: one sampled profile of the metric that ranks the paths.

Source: speedscope `src/lib/file-format-spec.ts`; its schema is kept in `tests/data/speedscope.schema.json`.
"""

from __future__ import annotations

import json
import re

from leakreport import __version__
from leakreport.analysis.report import Report
from leakreport.model.metrics import METRICS
from leakreport.model.raw import Frame
from leakreport.render.interface import RenderOptions
from leakreport.render.stack_text import NO_STACK, beside_the_paths, frame_text, shown_metric

_SCHEMA = "https://www.speedscope.app/file-format-schema.json"
_SURROGATE = re.compile("[\ud800-\udfff]")


class SpeedscopeRenderer:
    """Writes what speedscope shows."""

    name = "speedscope"
    suffix = ".speedscope.json"
    is_binary = False

    def render(self, report: Report, options: RenderOptions) -> str:
        """The document, ASCII only. Stacks that hold nothing of the metric are left out."""
        del options
        shown = shown_metric(report)
        frames = [_frame(frame) for frame in report.frames]
        samples: list[list[int]] = []
        weights: list[int] = []
        for row in report.paths:
            if amount := row.values.get(shown, 0):
                if not row.frames:
                    frames.append({"name": NO_STACK})
                samples.append(list(row.frames) or [len(frames) - 1])
                weights.append(amount)
        for name, amounts in beside_the_paths(report):
            if amount := amounts.get(shown, 0):
                frames.append({"name": name})
                samples.append([len(frames) - 1])
                weights.append(amount)
        metric = METRICS.get(shown)
        document = {
            "$schema": _SCHEMA,
            "exporter": f"leakreport@{__version__}",
            "name": _SURROGATE.sub("\ufffd", report.title) or shown,
            "activeProfileIndex": 0,
            "shared": {"frames": frames},
            "profiles": [
                {
                    "type": "sampled",
                    "name": shown,
                    "unit": "bytes" if metric is None or metric.unit == "bytes" else "none",
                    "startValue": 0,
                    "endValue": sum(weights),
                    "samples": samples,
                    "weights": weights,
                }
            ],
        }
        return json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ":")) + "\n"


def _frame(frame: Frame) -> dict[str, object]:
    found: dict[str, object] = {"name": _SURROGATE.sub("\ufffd", frame_text(frame))}
    if frame.path is not None:
        found["file"] = _SURROGATE.sub("\ufffd", frame.path)
    if frame.line is not None:
        found["line"] = frame.line
    return found
