"""What the writers of other tools' formats share: frames in one line of text, and what stands beside the paths.

Names keep every character, but for those that would end a name in the format: these are written as `\\xNN`, and a
backslash as `\\x5c`, so that a name can be got back.
"""

from __future__ import annotations

import re

from leakreport.analysis.report import PathRow, Report
from leakreport.model.metrics import METRICS
from leakreport.model.raw import Frame, FrameKind, Mapping, Sampling

UNATTRIBUTED = "[unattributed]"
"""The part of a total that no path carries."""
HIDDEN = "[hidden by options]"
"""Paths that options keep out."""
NO_STACK = "[no stack recorded]"
UNKNOWN = "[unknown]"

_ENDS_A_NAME = re.compile("[\x00-\x1f\x7f;\\\\\x85\u2028\u2029\ud800-\udfff]")


def frame_text(frame: Frame) -> str:
    """The function of a frame, else object+0xoffset, else object@0xaddress, else what is known of it.

    >>> frame_text(Frame(module="/usr/lib/libfoo.so.3", offset=0x1a2b, kind=FrameKind.ADDRESS))
    'libfoo.so.3+0x1a2b'
    """
    if frame.function:
        is_bare = frame.kind is FrameKind.SYNTHETIC and not frame.function.startswith("[")
        return f"[{frame.function}]" if is_bare else frame.function
    module = frame.module_name or ""
    if frame.offset is not None:
        return f"{module}+0x{frame.offset:x}"
    if frame.address is not None:
        return f"{module}@0x{frame.address:x}" if module else f"0x{frame.address:x}"
    return module or UNKNOWN


def escaped(name: str) -> str:
    r"""The name without characters that end a name or a line.

    >>> print(escaped("operator;\n"), escaped("C:\\x"))
    operator\x3b\x0a C:\x5cx
    """
    return _ENDS_A_NAME.sub(_escape, name)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def stack_lines(report: Report) -> list[str]:
    """Per frame of the report, its name as it stands in a stack of one line."""
    return [escaped(frame_text(frame)) for frame in report.frames]


def one_line(row: PathRow, names: list[str]) -> str:
    """The stack of a row as `outer;inner`, of names by frame."""
    return ";".join([names[index] for index in row.frames]) or NO_STACK


def measured_metrics(report: Report) -> tuple[str, ...]:
    """The metrics that paths have, the usual ones first; where there are no paths, the one that ranks them."""
    found = set().union(*(row.values for row in report.paths), report.selection.hidden_values or ())
    if not found:
        return (report.metric,)
    return (*(name for name in METRICS if name in found), *sorted(found - set(METRICS)))


def shown_metric(report: Report) -> str:
    """The metric that ranks the paths; where they do not have it (a profile of allocations only), the first they have."""
    measured = measured_metrics(report)
    return report.metric if report.metric in measured else measured[0]


def beside_the_paths(report: Report) -> tuple[tuple[str, dict[str, int]], ...]:
    """What is needed beside the paths so that sums equal the totals: a name in brackets, and its amount by metric.

    Where paths say more than a total there is nothing to add: see `excess`.
    """
    kept = {
        UNATTRIBUTED: {metric: amount for metric, amount in report.unattributed.items() if amount > 0},
        HIDDEN: {metric: amount for metric, amount in (report.selection.hidden_values or {}).items() if amount},
    }
    return tuple((name, amounts) for name, amounts in kept.items() if amounts)


def excess(report: Report) -> dict[str, int]:
    """By metric, how much more the paths say than the total, where they do."""
    return {metric: -amount for metric, amount in report.unattributed.items() if amount < 0}


def judged_mappings(report: Report) -> tuple[Mapping, ...]:
    """The files mapped into the judged processes, each once."""
    return tuple(dict.fromkeys(mapping for summary in report.judged_inputs for mapping in summary.mappings))


def judged_sampling(report: Report) -> Sampling | None:
    """How the judged inputs were sampled; None where they were not, or not alike."""
    found = {summary.sampling for summary in report.judged_inputs}
    return found.pop() if len(found) == 1 else None
