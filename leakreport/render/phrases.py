"""Words that every renderer shares: how a frame, a place and a path are called. Input is hostile: text is made visible."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from leakreport.analysis.report import Finding, PathRow, Report
from leakreport.model.raw import Frame, FrameKind

# C0 and C1 controls, bidirectional controls, zero-width characters, byte order mark, separators that end lines.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with characters that hide or reorder others shown as ‹U+202E›, and lone surrogates as U+FFFD.

    >>> printable("evil\\u202etxt")
    'evil‹U+202E›txt'
    """
    text = _SURROGATE.sub("\ufffd", text)
    return _INVISIBLE.sub(lambda match: f"‹U+{ord(match[0]):04X}›", text)


def frame_name(frame: Frame) -> str:
    """What a frame is called: its function, else module+address, else the address.

    >>> frame_name(Frame(module="/usr/lib/libfoo.so.3", address=0x1a2b, kind=FrameKind.ADDRESS))
    'libfoo.so.3+0x1a2b'
    """
    if frame.function is not None:
        name = printable(frame.function)
        return f"[{name}]" if frame.kind is FrameKind.SYNTHETIC else name
    address = "???" if frame.address is None else f"0x{frame.address:x}"
    module = frame.module_name
    return f"{printable(module)}+{address}" if module else address


def location(frame: Frame, *, parts: int = 2) -> str:
    """The file and line with the last parts of the folder; empty where the file is unknown.

    >>> location(Frame(directory="/src/demo/vg", file="kinds.c", line=31))
    'vg/kinds.c:31'
    """
    path = frame.path
    if path is None:
        return ""
    shown = "/".join(PurePosixPath(path).parts[-parts:]) if parts else path
    return printable(shown if frame.line is None else f"{shown}:{frame.line}")


def place(frame: Frame, *, parts: int = 2) -> str:
    """Where a frame is: file and line, else the module, else nothing."""
    return location(frame, parts=parts) or printable(frame.module_name or "")


def title_frame(report: Report, row: PathRow) -> Frame | None:
    """The frame a path is named by: the responsible one, else the outermost frame of the allocating library."""
    if row.responsible is not None:
        return report.frames[row.frames[row.responsible]]
    if row.site is not None:
        site = row.site
        module = report.frames[row.frames[site]].module
        while site > 0 and report.frames[row.frames[site - 1]].module == module:
            site -= 1
        return report.frames[row.frames[site]]
    return report.frames[row.frames[-1]] if row.frames else None


def site_frame(report: Report, row: PathRow) -> Frame | None:
    """The frame that calls the allocator."""
    return None if row.site is None else report.frames[row.frames[row.site]]


def finding_frames(report: Report, finding: Finding) -> tuple[int, ...]:
    """The stack of a finding, as indexes into the frames of the report, outermost first."""
    if finding.frames is not None:
        return finding.frames
    return report.paths[finding.rows[0]].frames if finding.rows else ()


def program_name(command: tuple[str, ...]) -> str:
    """The base name of the profiled program.

    >>> program_name(("./build/svc", "--bench")), program_name(())
    ('svc', '')
    """
    return printable(command[0].rsplit("/", 1)[-1]) if command else ""
