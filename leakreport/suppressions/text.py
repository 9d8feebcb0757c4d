"""Rules as text, with comments that tell a later reader why they are there; and the dates of those comments.

# p1-0011223344556677: 1,200 bytes definitely lost in 3 blocks, allocated by lose_list
# recorded: memcheck 3.19.0, kinds.xml
# reason: known, fixed in 2.1
# expires: 2027-01-31
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from leakreport.model.metrics import LeakKind
from leakreport.suppressions.leaks import Leak, LeakInput
from leakreport.suppressions.rules import LEAK, Dialect, Rule
from leakreport.suppressions.write import WrittenRule

_EXPIRES = re.compile(r"#\s*expires:\s*(\S+)\s*\Z", re.IGNORECASE)


def rules_text(
    written: Sequence[WrittenRule], inputs: Sequence[LeakInput], *, reason: str | None, expires: date | None
) -> str:
    """A file of rules, each with its comment."""
    by_source = {found.source: found for found in inputs}
    return "\n".join(
        "".join(
            f"{line}\n"
            for line in (
                *(f"# {_one_line(line)}" for line in _comment(rule, by_source, reason, expires)),
                *rule_lines(rule.rule),
            )
        )
        for rule in written
    )


def rule_lines(rule: Rule) -> list[str]:
    """One rule in its dialect."""
    if rule.dialect is not Dialect.VALGRIND:
        return [pattern.text for pattern in rule.frames]
    lines = ["{", f"   {rule.name}", f"   {','.join(rule.tools)}:{rule.kind}"]
    if rule.kind == LEAK and rule.kinds is not None:
        lines.append(f"   match-leak-kinds: {','.join(kind.word for kind in sorted(rule.kinds))}")
    return [*lines, *(f"   {pattern.text}" for pattern in rule.frames), "}"]


def _comment(written: WrittenRule, inputs: dict[str, LeakInput], reason: str | None, expires: date | None) -> list[str]:
    lines = [f"{leak.id}: {amount_of(leak)}, allocated by {leak.name}" for leak in written.leaks]
    recorded = dict.fromkeys(_recording(inputs[leak.source]) for leak in written.leaks)
    lines += [f"recorded: {text}" for text in recorded]
    lines.append(f"reason: {reason or '(none given)'}")
    if expires is not None:
        lines.append(f"expires: {expires.isoformat()}")
    if written.others:
        lines.append(f"also hides: {', '.join(dict.fromkeys(leak.id for leak, _ in written.others))}")
    return lines


def _recording(found: LeakInput) -> str:
    tool = " ".join(word for word in (found.tool or found.format, found.tool_version) if word)
    return f"{tool}, {found.source.rsplit('/', 1)[-1]}"


def amount_of(leak: Leak) -> str:
    """What a leak holds, in words.

    The words of kinds are valgrind's; other tools have none.
    """
    kind = "" if leak.kind is LeakKind.NONE else f" {leak.kind.title}"
    blocks = f" in {leak.held_blocks:,} block{'' if leak.held_blocks == 1 else 's'}" if leak.held_blocks else ""
    return f"{leak.held_bytes:,} bytes{kind}{blocks}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def expiry_of(rule: Rule, lines: Sequence[str]) -> tuple[int, str] | None:
    """The line (from 1) and text of the date on which a rule ends, from the comments in and right above it.

    Args:
        rule: one of the file.
        lines: of the file that it stands in.
    """
    above = range(rule.line - 2, -1, -1)
    for at in above:
        line = lines[at].strip()
        if (match := _EXPIRES.match(line)) is not None:
            return at + 1, match[1]
        if line and line != "{" and not line.startswith("#"):
            break
    if rule.dialect is not Dialect.VALGRIND:
        return None
    for at in range(rule.line, len(lines)):
        line = lines[at].strip()
        if (match := _EXPIRES.match(line)) is not None:
            return at + 1, match[1]
        if line == "}":
            break
    return None
