"""Suppression files to rules, with the errors of the tools that they were written for.

    {                                      # a comment; blank lines and blanks around a line do not matter
       a name of one line
       Memcheck,Helgrind:Leak
       match-leak-kinds: definite,possible   may stand here in a Leak; what is named stands here in a Param
       fun:malloc
       ...
       obj:/usr/lib/lib?.so.*
    }

    leak:PATTERN                           LeakSanitizer and heaptrack: one a line

Which of the two a file is, its first line that says something tells.

Source: Valgrind `coregrind/m_errormgr.c` (reading of suppressions), `memcheck/mc_errors.c` (kinds and extra lines);
LLVM `sanitizer_suppressions.cpp`; heaptrack `src/analyze/suppressions.cpp`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from leakreport.errors import SuppressionError
from leakreport.limits import DEFAULT_LIMITS, Limits
from leakreport.model.metrics import LEAK_KINDS, LeakKind
from leakreport.suppressions.rules import LEAK, Dialect, FramePattern, Place, Rule

MEMCHECK_KINDS = frozenset(
    {"Leak", "Cond", "Param", "User", "CoreMem", "Jump", "Free", "Overlap", "Mempool", "FishyValue", "ReallocZero"}
    | {"BadAlign", "BadSize", "Value0"}
    | {f"{what}{size}" for what in ("Value", "Addr") for size in (1, 2, 4, 8, 16, 32)}
)
CORE_KINDS = frozenset({"FdBadClose", "FdNotClosed", "FdBadUse"})
_MOST_FRAMES = 500
_HEAD_BYTES = 1 << 16
_BLANKS = " \t\r\f\v\n"
_LOCATION = ("fun:", "obj:", "src:")
_KINDS_LINE = "match-leak-kinds:"
_SANITIZER_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*):")
_BAD_EXTRA = "bad or missing extra suppression info"
_BAD_LOCATION = 'location should be "...", or should start with "fun:", "obj:", or "src:"'
_KINDS_ADVICE = (
    f"Write {_KINDS_LINE} and some of {','.join(kind.word for kind in LEAK_KINDS)} without blanks, or all, or none; a rule "
    "whose first frame is src: cannot do without that line."
)


def read_rules(paths: Iterable[str | Path], limits: Limits = DEFAULT_LIMITS) -> tuple[Rule, ...]:
    """All rules of some files, in order.

    Raises:
        SuppressionError: a file cannot be read, or its tool would refuse it.
    """
    return tuple(rule for path in paths for rule in parse_rules(rules_content(path, limits), str(path)))


def rules_content(path: str | Path, limits: Limits = DEFAULT_LIMITS) -> str:
    """The text of a file of rules.

    Raises:
        SuppressionError: it cannot be read, or is no file that anybody wrote.
    """
    try:
        with Path(path).open("rb") as stream:
            content = stream.read(limits.element_bytes + 1)
    except IsADirectoryError as error:
        raise SuppressionError("the suppressions file is a directory", where=str(path), advice="Name files.") from error
    except OSError as error:
        raise SuppressionError(
            f"cannot open the suppressions file: {error.strerror or error}",
            where=str(path),
            advice="Check --suppressions.",
        ) from error
    if len(content) > limits.element_bytes:
        raise SuppressionError(
            f"more than {limits.element_bytes:,} bytes of suppressions",
            where=str(path),
            advice="That is no suppression file: check --suppressions.",
        )
    return content.decode("utf-8", "surrogateescape")


def looks_like_rules(path: str) -> bool:
    """Whether a file holds rules, not a recording: by its ending .supp, else by its first lines."""
    if path.endswith(".supp"):
        return True
    try:
        with Path(path).open("rb") as stream:
            lines = _Lines(stream.read(_HEAD_BYTES).decode("utf-8", "replace"), path)
    except (OSError, ValueError):
        return False
    first, second, third = lines.next(), lines.next(), lines.next()
    if first == "{":
        return second is not None and not second.startswith('"') and third is not None and ":" in third
    return first is not None and first.startswith("leak:")


def parse_rules(text: str, source: str) -> tuple[Rule, ...]:
    """The rules of one file; none of a file that says nothing.

    Raises:
        SuppressionError: the tool that it was written for would refuse it, or it is neither's.
    """
    lines = _Lines(text, source)
    first = lines.peek()
    if first is None:
        return ()
    if first == "{":
        return tuple(_valgrind_rules(lines))
    if _SANITIZER_LINE.match(first):
        return tuple(_sanitizer_rules(lines))
    lines.next()
    raise lines.error("expected '{' or end-of-file", advice=_expected(first))


class _Lines:
    """The lines that say something, without blanks around them; knows the line it is at."""

    def __init__(self, text: str, source: str) -> None:
        self._source = source
        self._lines = text.split("\n")
        self._at = 0

    @property
    def number(self) -> int:
        """Of the line that was given last; of the end, the last line there is."""
        return min(self._at, max(1, len(self._lines) - (self._lines[-1] == "")))

    def peek(self) -> str | None:
        """The next one, None at the end."""
        at = self._at
        line = self.next()
        self._at = at
        return line

    def next(self) -> str | None:
        """The next one, None at the end."""
        while self._at < len(self._lines):
            line = self._lines[self._at].strip(_BLANKS)
            self._at += 1
            if line and not line.startswith("#"):
                return line
        return None

    def error(self, what: str, *, advice: str = "") -> SuppressionError:
        """Valgrind's words, with the place where it stopped."""
        return SuppressionError(what, where=f"{self._source}:{self.number}", advice=advice)

    @property
    def source(self) -> str:
        """The file."""
        return self._source


def _expected(line: str) -> str:
    if _SANITIZER_LINE.match(line) and not line.startswith(_LOCATION):
        return "This line is LeakSanitizer's: keep its suppressions in a file of their own."
    return ""


def _valgrind_rules(lines: _Lines) -> Iterator[Rule]:
    while (opening := lines.next()) is not None:
        if opening != "{":
            raise lines.error("expected '{' or end-of-file", advice=_expected(opening))
        name = lines.next()
        if name is None or name == "}":
            raise lines.error("unexpected '}'", advice="A rule begins with its name, on a line of its own.")
        number = lines.number
        heading = lines.next()
        if heading is None:
            raise lines.error("unexpected end-of-file (expecting tool:suppr)")
        tool_names, colon, kind = heading.partition(":")
        if not colon:
            raise lines.error("malformed 'tool1,tool2,...:supp' line", advice="Write Memcheck:Leak.")
        tools = tuple(tool_names.split(","))
        is_core = "CoreError" in tools
        if not is_core and "Memcheck" not in tools:
            yield Rule(name, Dialect.VALGRIND, _passed_over(lines), tools, kind, source=lines.source, line=number)
            continue
        if is_core and kind not in CORE_KINDS:
            raise lines.error("unknown core suppression type", advice=f"Known: {', '.join(sorted(CORE_KINDS))}.")
        if not is_core and kind not in MEMCHECK_KINDS:
            raise lines.error("unknown tool suppression type", advice=f"Known: {', '.join(sorted(MEMCHECK_KINDS))}.")
        kinds, extra = (None, None) if is_core else _extra_of(kind, lines)
        yield Rule(name, Dialect.VALGRIND, _frames(lines), tools, kind, kinds, extra, lines.source, number)


def _passed_over(lines: _Lines) -> tuple[FramePattern, ...]:
    """The frames of a rule of another tool, as far as they are some: memcheck never looks at them."""
    found: list[FramePattern] = []
    while (line := lines.next()) != "}":
        if line is None:
            raise lines.error("unexpected end-of-file (when skipping suppression)", advice="Close the rule with }.")
        pattern = _pattern(line)
        if pattern is not None:
            found.append(pattern)
    return tuple(found)


def _extra_of(kind: str, lines: _Lines) -> tuple[frozenset[LeakKind] | None, str | None]:
    """The line between the kind and the frames, where the kind has one.

    Valgrind's look ahead knows `src:` as little as `}`: behind these kinds, both are taken for the extra line.
    """
    if kind not in {LEAK, "Param", "FishyValue"}:
        return None, None
    line = lines.peek()
    if line is None or line == "..." or line.startswith(("fun:", "obj:")):
        if kind == "Param":
            lines.next()
            raise lines.error(_BAD_EXTRA, advice="A Param rule names the system call's parameter first: write(buf).")
        return None, None
    lines.next()
    if kind == "Param":
        return None, line
    if kind == "FishyValue":
        if not re.search(r"\(.*\)", line):
            raise lines.error(_BAD_EXTRA, advice="Write function(argument) before the frames.")
        return None, line
    kinds = _leak_kinds(line)
    if kinds is None:
        raise lines.error(_BAD_EXTRA, advice=_KINDS_ADVICE)
    return kinds, None


def _leak_kinds(line: str) -> frozenset[LeakKind] | None:
    """The kinds of a `match-leak-kinds:` line, None where it is none or there is anything else in it."""
    if not line.startswith(_KINDS_LINE):
        return None
    words = line.removeprefix(_KINDS_LINE).strip(_BLANKS)
    if words == "all":
        return frozenset(LEAK_KINDS)
    if words == "none":
        return frozenset()
    by_word = {kind.word: kind for kind in LEAK_KINDS}
    named = words.split(",")
    return frozenset(by_word[word] for word in named) if by_word.keys() >= set(named) else None


def _frames(lines: _Lines) -> tuple[FramePattern, ...]:
    found: list[FramePattern] = []
    while (line := lines.next()) != "}":
        if line is None:
            raise lines.error("unexpected end-of-file (when reading stack trace)", advice="Close the rule with }.")
        if len(found) == _MOST_FRAMES:
            raise lines.error("too many callers in stack trace", advice=f"Valgrind takes {_MOST_FRAMES}.")
        pattern = _pattern(line)
        if pattern is None:
            raise lines.error(_BAD_LOCATION)
        found.append(pattern)
    if not found:
        raise lines.error("missing stack trace", advice="Name at least one frame.")
    if all(pattern.what is Place.ANY_FRAMES for pattern in found):
        raise lines.error('suppression must contain at least one location line which is not "..."')
    return tuple(found)


def _pattern(line: str) -> FramePattern | None:
    if line == "...":
        return FramePattern(Place.ANY_FRAMES)
    word, glob = line[:4], line[4:]
    if word not in _LOCATION:
        return None
    if word != "src:":
        return FramePattern(Place(word[:3]), glob)
    name, colon, number = glob.partition(":")
    digits = re.match(r"\s*(\d{1,9})", number)
    # Line 0, or what is no number, is any line.
    return FramePattern(Place.SOURCE, name, (int(digits[1]) or None) if colon and digits else None)


def _sanitizer_rules(lines: _Lines) -> Iterator[Rule]:
    while (line := lines.next()) is not None:
        match = _SANITIZER_LINE.match(line)
        if match is None or match[1] != "leak":
            advice = "LeakSanitizer and heaptrack know leak:PATTERN alone."
            if line == "{":
                advice = "This line is valgrind's: keep its suppressions in a file of their own."
            raise lines.error("failed to parse suppressions", advice=advice)
        pattern = line[match.end() :]
        if not pattern:
            advice = "It would hide everything: name a function, file or module."
            raise lines.error("failed to parse suppressions: leak: without a pattern", advice=advice)
        frames = (FramePattern(Place.ANYWHERE, pattern),)
        yield Rule(pattern, Dialect.LSAN, frames, source=lines.source, line=lines.number)
