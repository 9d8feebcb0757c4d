"""What the suppress commands print: lines for a person, and JSON (`docs/suppressions.md`)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from leakreport import __version__
from leakreport.suppressions.audit import Audit, AuditFinding, Fault
from leakreport.suppressions.leaks import Leak, LeakInput
from leakreport.suppressions.match import Answer
from leakreport.suppressions.nearest import Nearness
from leakreport.suppressions.text import amount_of
from leakreport.suppressions.write import WrittenRule


def hidden_lines(written: Sequence[WrittenRule]) -> list[str]:
    """What written rules hide of the inputs."""
    lines = []
    for found in written:
        lines += [f"{found.rule.name}: hides {amount_of(leak)} ({leak.source})" for leak in found.leaks]
        if not found.others:
            lines.append("  and nothing else of the inputs")
        for leak, answer in found.others:
            word = "also hides" if answer is Answer.YES else "may also hide"
            lines.append(f"  {word} {leak.id}: {amount_of(leak)}, allocated by {leak.name} ({leak.source})")
        if found.others:
            lines.append(
                "  The frames of these paths do not tell them apart any better; look whether they are one leak."
            )
    return lines


def audit_lines(result: Audit, inputs: Sequence[LeakInput]) -> str:
    """An audit for a terminal."""
    lines = []
    for finding in _in_order(result.findings):
        lines.append(
            f"{finding.source}:{finding.line}: {finding.fault.value}: {finding.name}: {finding.why}. {finding.advice}"
        )
        lines += [f"    {leak.id} {amount_of(leak)}, {leak.name} ({leak.source})" for leak in finding.leaks[:10]]
        if len(finding.leaks) > 10:
            lines.append(f"    and {len(finding.leaks) - 10:,} more")
    for reason, count in Counter(reason for _, reason in result.unjudged).most_common():
        lines.append(f"not judged: {_plural(count, 'rule')}: {reason}")
    counts = Counter(finding.fault for finding in result.findings)
    told = ", ".join(f"{counts[fault]} {fault.value}" for fault in Fault if counts[fault])
    if not inputs:
        told = "; ".join(filter(None, (told, "no input was given: dead and broad were not judged")))
    leaks = sum(len(found.leaks) for found in inputs)
    lines.append(
        f"{_plural(len(result.rules), 'rule')} in {_plural(len(result.files), 'file')} against {_plural(leaks, 'path')} "
        f"of {_plural(len(inputs), 'input')}: {told or _no_fault(result)}"
    )
    return "".join(f"{line}\n" for line in lines)


def _no_fault(result: Audit) -> str:
    """That nothing was found, and whether that says anything."""
    return "no fault in what was judged" if result.unjudged_leak_rules else "nothing to find fault with"


def unjudged_words(result: Audit) -> str:
    """Which rules for leaks nothing can be said of, and why."""
    reasons = Counter(reason for _, reason in result.unjudged_leak_rules)
    return "; ".join(f"{_plural(count, 'rule')} not judged: {reason}" for reason, count in reasons.most_common())


def _in_order(findings: Iterable[AuditFinding]) -> list[AuditFinding]:
    return sorted(findings, key=lambda finding: (finding.source, finding.line, list(Fault).index(finding.fault)))


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def audit_document(result: Audit, inputs: Sequence[LeakInput]) -> str:
    """An audit as JSON, schema `leakreport-audit/1`."""
    counts = Counter(finding.fault for finding in result.findings)
    return _json(
        {
            "schema": "leakreport-audit/1",
            "generator": {"name": "leakreport", "version": __version__},
            "files": [{"source": file.source, "rules": len(file.rules)} for file in result.files],
            "inputs": [{"source": found.source, "paths": len(found.leaks)} for found in inputs],
            "counts": {fault.value: counts[fault] for fault in Fault},
            "findings": [
                {
                    "fault": finding.fault.value,
                    "rule": finding.name,
                    "file": finding.source,
                    "line": finding.line,
                    "why": finding.why,
                    "advice": finding.advice,
                    "other": None
                    if finding.other is None
                    else {"file": finding.other.source, "line": finding.other.line},
                    "leaks": [_leak(leak) for leak in finding.leaks],
                }
                for finding in _in_order(result.findings)
            ],
            "not_judged": [
                {"rule": rule.name, "file": rule.source, "line": rule.line, "why": why} for rule, why in result.unjudged
            ],
        }
    )


def explain_lines(results: Sequence[tuple[Leak, Sequence[Nearness]]], most: int) -> str:
    """What hides each leak, or the nearest misses."""
    lines = []
    for leak, found in results:
        lines.append(f"{leak.id}: {amount_of(leak)}, allocated by {leak.name} ({leak.source})")
        hiding = [near for near in found if near.answer is Answer.YES]
        for near in (hiding or found)[:most]:
            lines.append(f"  {_sentence(near, leak)}")
        if not found:
            lines.append("  the files have no rule")
        elif not hiding:
            lines.append(f"  No rule of {len(found)} hides it.")
    return "".join(f"{line}\n" for line in lines)


def _sentence(near: Nearness, leak: Leak) -> str:
    name = f"rule {near.rule.name} at {near.rule.where}"
    if near.answer is Answer.YES:
        return f"{name} hides it."
    start = f"{name} matched {near.matched} of {near.of_lines} line{'' if near.of_lines == 1 else 's'}"
    if near.answer is Answer.UNKNOWN:
        return f"{start} and may hide it: {near.reason}."
    if near.frame is None or near.pattern is None:
        return f"{start}: {near.reason}."
    frame = leak.stack[len(leak.stack) - 1 - near.frame]
    place = f" in {frame.module_name}" if frame.module_name else ""
    shown = f"`{frame.function or '???'}`{place}"
    return f"{start}; frame {near.frame + 1} is {shown}, the rule wants `{near.pattern.text}`: {near.reason}."


def explain_document(results: Sequence[tuple[Leak, Sequence[Nearness]]], most: int) -> str:
    """The same as JSON, schema `leakreport-nearest/1`."""
    return _json(
        {
            "schema": "leakreport-nearest/1",
            "generator": {"name": "leakreport", "version": __version__},
            "leaks": [
                {
                    **_leak(leak),
                    "hidden": any(near.answer is Answer.YES for near in found),
                    "rules": [
                        {
                            "rule": near.rule.name,
                            "file": near.rule.source,
                            "line": near.rule.line,
                            "hides": {Answer.YES: True, Answer.NO: False, Answer.UNKNOWN: None}[near.answer],
                            "matched": near.matched,
                            "lines": near.of_lines,
                            "frame": near.frame,
                            "wanted": None if near.pattern is None else near.pattern.text,
                            "reason": near.reason,
                        }
                        for near in found[:most]
                    ],
                }
                for leak, found in results
            ],
        }
    )


def _leak(leak: Leak) -> dict[str, object]:
    return {
        "id": leak.id,
        "leak_kind": leak.kind.word if leak.kind else None,
        "bytes": leak.held_bytes,
        "blocks": leak.held_blocks,
        "function": leak.name,
        "input": leak.source,
    }


def _json(document: dict[str, object]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
