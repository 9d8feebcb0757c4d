"""Words that every renderer shares: how a frame, a place and a path are called. Input is hostile: text is made visible."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

from leakreport.analysis.report import Finding, PathRow, Report, Status
from leakreport.model.raw import Frame, FrameKind
from leakreport.units import plural

# C0 and C1 controls, bidirectional controls, zero-width characters, byte order mark, separators that end lines.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
# An option without a value, as -q, may stand before it in one word.
_OUTPUT = re.compile(r"(?:-(?P<flags>[qv]*)o|--output(?==|\Z))(?P<value>.*)", re.DOTALL)
LONGEST_NAME = 2000

STATUS_WORDS = {
    Status.LEAK: "LEAK",
    Status.RETAINED: "HELD",
    Status.CLEAN: "CLEAN",
    Status.INCONCLUSIVE: "INCONCLUSIVE",
    Status.GROWTH: "GROWTH",
    Status.SHRUNK: "SHRUNK",
    Status.NO_GROWTH: "NO-GROWTH",
}
STATUS_MARKS = {
    Status.LEAK: "●",
    Status.RETAINED: "○",
    Status.CLEAN: "✓",
    Status.INCONCLUSIVE: "?",
    Status.GROWTH: "▲",
    Status.SHRUNK: "▼",
    Status.NO_GROWTH: "✓",
}


def printable(text: str) -> str:
    """The text with characters that hide or reorder others shown as ‹U+202E›, and lone surrogates as U+FFFD.

    >>> printable("evil\\u202etxt")
    'evil‹U+202E›txt'
    """
    text = _SURROGATE.sub("\ufffd", text)
    return _INVISIBLE.sub(lambda match: f"‹U+{ord(match[0]):04X}›", text)


def cut(text: str, characters: int = LONGEST_NAME) -> str:
    """The text, or so much of it as is bearable, with its true length.

    >>> cut("short"), cut("x" * 5000, 40)
    ('short', 'xxxxxxxxxxxxx… (5,000 characters in all)')
    """
    if len(text) <= characters:
        return text
    length = f"… ({len(text):,} characters in all)"
    return text[: max(characters - len(length), 0)].rstrip() + length


def frame_name(frame: Frame) -> str:
    """What a frame is called: its function, else module+offset, else the address and the module.

    >>> frame_name(Frame(module="/usr/lib/libfoo.so.3", offset=0x1a2b, kind=FrameKind.ADDRESS))
    'libfoo.so.3+0x1a2b'
    >>> frame_name(Frame(module="/usr/lib/libfoo.so.3", address=0x48a1a2b, kind=FrameKind.ADDRESS))
    '0x48a1a2b (libfoo.so.3)'
    """
    if frame.function is not None:
        name = printable(frame.function)
        return f"[{name}]" if frame.kind is FrameKind.SYNTHETIC else name
    module = printable(frame.module_name or "")
    if frame.offset is not None:
        return f"{module}+0x{frame.offset:x}" if module else f"+0x{frame.offset:x}"
    address = "???" if frame.address is None else f"0x{frame.address:x}"
    return f"{address} ({module})" if module else address


def location(frame: Frame) -> str:
    """The file and line with the last parts of the folder; empty where the file is unknown.

    >>> location(Frame(directory="/src/demo/vg", file="kinds.c", line=31))
    'vg/kinds.c:31'
    """
    if frame.path is None:
        return ""
    shown = frame.short_path
    return printable(shown if frame.line is None else f"{shown}:{frame.line}")


def place(frame: Frame) -> str:
    """Where a frame is: file and line, else the module, else nothing."""
    return location(frame) or printable(frame.module_name or "")


def title_frame(report: Report, row: PathRow) -> Frame | None:
    """The frame a path is named by: yours, past allocation wrappers; else the outermost of the allocating library."""
    if row.named_by is not None:
        return report.frames[row.frames[row.named_by]]
    if row.responsible is not None:
        return report.frames[row.frames[row.responsible]]
    if row.site is not None:
        site = row.site
        module = report.frames[row.frames[site]].module
        while site > 0 and report.frames[row.frames[site - 1]].module == module:
            site -= 1
        return report.frames[row.frames[site]]
    return report.frames[row.frames[-1]] if row.frames else None


def wrapper_name(report: Report, row: PathRow) -> str:
    """The responsible function where a path is named by its caller; else empty."""
    if row.named_by is None or row.named_by == row.responsible or row.responsible is None:
        return ""
    return frame_name(report.frames[row.frames[row.responsible]])


def named_position(report: Report, finding: Finding) -> int | None:
    """The position, in the stack of a finding, of the frame it is named by: yours, past allocation wrappers."""
    if finding.frames is not None or not finding.rows:
        return finding.responsible
    return named_in(report.paths[finding.rows[0]])


def named_in(row: PathRow) -> int | None:
    """The position, in the frames of a path, of the frame it is named by; None without a frame of yours."""
    return row.responsible if row.named_by is None else row.named_by


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


def problem_parts(report: Report) -> Iterator[tuple[str, str, Finding]]:
    """Findings of the tool itself: family, kind, finding."""
    for finding in report.findings:
        family, _, kind = finding.rule.partition(".")
        if not finding.is_leak and family in {"error", "signal", "descriptor"}:
            yield family, kind, finding


def remarks(report: Report) -> tuple[tuple[str, str], ...]:
    """What limits the data, with where it comes from: notes, reasons, gaps of the recording. Not yet printable."""
    found = [(source, note.message) for source, note in report.notes]
    known = {message for _, message in found} | {f"{source}: {message}" for source, message in found}
    # The gate has lines of its own.
    known |= {f"{line.gate}: {line.text}{stop}" for line in report.verdict.gate_lines for stop in (".", "")}
    found.extend(("verdict", reason) for reason in report.verdict.reasons if reason not in known)
    found.extend(
        (finding.rule, finding.message) for finding in report.findings if finding.rule.startswith("recording.")
    )
    if report.selection.hidden_paths:
        count = report.selection.hidden_paths
        verb = "is" if count == 1 else "are"
        found.append(("selection", f"{plural(count, 'path')} {verb} hidden by options and counted in the totals."))
    return tuple(dict.fromkeys(found))


def problem_place(report: Report, finding: Finding) -> Frame | None:
    """Where a finding is: its responsible frame, else the innermost."""
    frames = finding_frames(report, finding)
    if not frames:
        return None
    return report.frames[frames[-1 if finding.responsible is None else finding.responsible]]


def command_text(arguments: Sequence[str]) -> str:
    """A command line as it can be typed; a home folder stays what the shell makes one of.

    >>> command_text(("leakreport", "analyze", "~/my runs/1.xml"))
    "leakreport analyze ~/'my runs/1.xml'"
    """
    parts = (f"~/{shlex.quote(part[2:])}" if part.startswith("~/") else shlex.quote(part) for part in arguments)
    return " ".join(parts)


def without_outputs(arguments: Sequence[str]) -> tuple[str, ...]:
    """A command line of leakreport without the files that it writes: what judges is enough to see the verdict again.

    >>> without_outputs(("leakreport", "check", "-q", "a.xml", "-o", "x.html", "--output=x.md", "-vox.csv", "--", "-o"))
    ('leakreport', 'check', '-q', 'a.xml', '-v', '--', '-o')
    """
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            kept.extend((argument, *rest))
        elif (found := _OUTPUT.fullmatch(argument)) is None:
            kept.append(argument)
        else:
            if found["flags"]:
                kept.append(f"-{found['flags']}")
            if not found["value"]:
                next(rest, None)
    return tuple(kept)


def word(text: str | None) -> str:
    """A field without spaces, so that a line can be split."""
    return printable(text).replace(" ", "‹U+0020›") if text else "-"
