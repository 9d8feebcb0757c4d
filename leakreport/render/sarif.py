"""SARIF 2.1.0 for GitHub code scanning, GitLab, Azure DevOps, Jenkins warnings-ng and editors.

A result is an issue; `partialFingerprints` hold its id, so that it stays the same alert when lines move. Its stack stands as
`stacks` (innermost first) and, where there is source to show, as `codeFlows` (outermost first). What limits the report is a
notification of the invocation, and where it must not look green a result, too, and `executionSuccessful` is false.

Sources: OASIS SARIF 2.1.0 with errata 01; GitHub, "SARIF support for code scanning" (a result without a physical location
is refused, so are more than 25,000 results and more than 10 MB compressed).
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Sequence
from itertools import chain

from leakreport import __version__
from leakreport.analysis.checkreport import CheckedLeak, State
from leakreport.analysis.report import Severity
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, SuppressionUse
from leakreport.render.check_words import leak_name, leak_place, state_text, url_of
from leakreport.render.interface import RenderOptions
from leakreport.render.issues import MOST_ISSUES, Issue, IssueList, IssueRenderer, Notice, Rule, Stack, sentences
from leakreport.render.phrases import cut, frame_name, printable
from leakreport.render.places import Base, Place, Roots
from leakreport.render.run_issues import leak_rule
from leakreport.units import format_bytes, plural

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST_COMPRESSED_BYTES = 9_500_000
"""Of the results; GitHub takes 10 MB for the whole file."""
MOST_FRAMES = 200
LONGEST_NAME = 1_000
MOST_FIXED = 1_000
"""Notifications of leaks that are no more."""
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
# Missing release of memory, and of a descriptor, after its lifetime.
_CWE = {"leak": ("external/cwe/cwe-401",), "new": ("external/cwe/cwe-401",), "descriptor": ("external/cwe/cwe-775",)}
_STATES = {"new": "new", "grown": "updated", "growing": "updated"}
_CHECKED = {State.NEW: "new", State.GREW: "updated", State.EXPIRED: "unchanged", State.KNOWN: "unchanged"}


_SUPPRESSED = Rule(
    "suppressed",
    "Suppressed",
    "What a rule of a suppression file hides: it is counted, and not judged.",
    "leakreport suppress audit says which rules hide too much, and which hide nothing.",
    Severity.INFO,
)


class SarifRenderer(IssueRenderer):
    """Writes one run with one invocation."""

    name = "sarif"
    suffix = ".sarif"
    is_whole = False
    """Whether results stand there that are no problem any more: GitHub and others take every result for one."""

    def __init__(self, most_compressed_bytes: int = MOST_COMPRESSED_BYTES) -> None:
        """Make it, for consumers that take so much."""
        self._room = most_compressed_bytes

    def written(self, found: IssueList, options: RenderOptions) -> str:
        """The document, ASCII only, one line a result."""
        roots = Roots.of(options)
        absent = found.fixed[:MOST_ISSUES] if self.is_whole else ()
        uses = found.suppressions[:MOST_ISSUES] if self.is_whole else ()
        listed = (*found.trouble_rules, *found.rules, *(leak_rule(_kind_of(leak)) for leak in absent))
        listed = (*listed, *([_SUPPRESSED] if uses else []))
        rules = tuple({rule.id: rule for rule in listed}.values())
        numbers = {rule.id: number for number, rule in enumerate(rules)}
        gone = [_dumps(_absent(found, leak, numbers, roots)) for leak in absent]
        gone += [_dumps(_suppressed(use, numbers, roots)) for use in uses]
        results, left_out = self._results(found, numbers, roots, options, gone)
        notices = list(found.notices)
        if left_out:
            text = f"{plural(left_out, 'result')} left out: the file would be larger than code scanning takes."
            notices.append(Notice("size", Severity.WARNING, text))
        head = {
            "tool": {"driver": _driver(rules)},
            "invocations": [_invocation(found, notices, roots)],
            "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The root of the project."}}},
            "columnKind": "unicodeCodePoints",
            "properties": {"kind": found.kind, "verdict": found.verdict.status.value, "gate": found.verdict.gate.value},
        }
        run = _dumps(head)[:-1] + f', "results": [{results}]}}'
        return f'{{"$schema": {_dumps(SCHEMA)}, "version": "2.1.0", "runs": [{run}]}}\n'

    def _results(
        self, found: IssueList, rules: dict[str, int], roots: Roots, options: RenderOptions, gone: Sequence[str]
    ) -> tuple[str, int]:
        """The results as text, so many as fit, and how many do not."""
        packed = zlib.compressobj(6)
        size = 0
        text = io.StringIO()
        stacks = _Stacks(roots)
        troubles = [_dumps(_trouble(found, one, rules[one.rule.id], roots)) for one in found.troubles[:MOST_ISSUES]]
        issues = (
            _dumps(_result(found, issue, rules[issue.rule.id], roots, options))[:-1] + stacks.of(issue) + "}"
            for issue in found.issues[: MOST_ISSUES - len(troubles)]
        )
        room = max(MOST_ISSUES - len(troubles) - len(found.issues), 0)
        written = 0
        for line in chain(troubles, issues, gone[:room]):
            size += len(packed.compress(line.encode("ascii")))
            if size > self._room:
                break
            text.write(f"{',' if written else ''}\n{line}")
            written += 1
        return text.getvalue(), len(found.troubles) + len(found.issues) + len(gone) - written


class SarifFullRenderer(SarifRenderer):
    """The same with fixed leaks as absent results, and what rules hid as suppressed ones, for readers that know both."""

    name = "sarif-full"
    is_whole = True


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _driver(rules: Sequence[Rule]) -> dict[str, object]:
    return {
        "name": "leakreport",
        "version": __version__,
        "rules": [
            {
                "id": rule.id,
                "name": _pascal(rule.title),
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.meaning},
                "help": {"text": rule.help},
                "defaultConfiguration": {"level": _LEVELS[rule.severity]},
                "properties": {
                    "tags": ["memory", *_CWE.get(rule.family, ())],
                    "problem.severity": "recommendation" if rule.severity is Severity.INFO else rule.severity.value,
                },
            }
            for rule in rules
        ],
    }


def _pascal(title: str) -> str:
    """A name as rules have it, without words of one letter: `MemoryDefinitelyLostOnNewPath`."""
    words = "".join(letter if letter.isalnum() else " " for letter in title).split()
    return "".join(word[0].upper() + word[1:] for word in words if len(word) > 1) or "Rule"


def _invocation(found: IssueList, notices: Sequence[Notice], roots: Roots) -> dict[str, object]:
    verdict = {"descriptor": {"id": "verdict"}, "level": "note", "message": {"text": found.headline}}
    gates = [
        {
            "descriptor": {"id": "gate"},
            "level": "note" if line.result.value == "passed" else "error",
            "message": {"text": f"{line.gate}: {line.result.value}: {line.text}"},
        }
        for line in found.gate_lines
    ]
    fixed = [
        {
            "descriptor": {"id": "fixed"},
            "level": "note",
            "message": {
                "text": f"{leak.id}, {leak_name(leak)} at {leak_place(leak, {})}: {state_text(leak.state, leak)}"
            },
        }
        for leak in found.fixed[:MOST_FIXED]
    ]
    told = (_notification(found, one, roots) for one in notices)
    return {
        "executionSuccessful": not found.troubles,
        "toolExecutionNotifications": [verdict, *gates, *fixed, *told],
    }


def _notification(found: IssueList, notice: Notice, roots: Roots) -> dict[str, object]:
    entry: dict[str, object] = {
        "descriptor": {"id": notice.slug},
        "level": _LEVELS[notice.severity],
        "message": {"text": notice.text},
    }
    if notice.source:
        entry["locations"] = [{"physicalLocation": {"artifactLocation": _artifact(found.source_place(notice, roots))}}]
    return entry


def _kind_of(leak: CheckedLeak) -> LeakKind:
    return leak.kinds[0] if leak.kinds else LeakKind.NONE


def _absent(found: IssueList, leak: CheckedLeak, rules: dict[str, int], roots: Roots) -> dict[str, object]:
    """A leak of the baseline that is no more."""
    rule = leak_rule(_kind_of(leak)).id
    place = found.source_place(None, roots) if leak.file is None else roots.of_path(leak.file, leak.line)
    return {
        "ruleId": rule,
        "ruleIndex": rules[rule],
        "kind": "pass",
        "level": "none",
        "baselineState": "absent",
        "message": {"text": sentences(f"{leak_name(leak)}: {state_text(leak.state, leak)}")},
        "locations": [{"physicalLocation": _physical(place)}],
        "partialFingerprints": _fingerprints(leak.id, rule),
        "properties": {"state": leak.state.value},
    }


def _suppressed(use: SuppressionUse, rules: dict[str, int], roots: Roots) -> dict[str, object]:
    """What a rule of `--suppressions` hid: which records these are is not kept."""
    where = {"physicalLocation": _physical(roots.of_path(use.file, use.line or None))}
    amount = f"{format_bytes(use.bytes)} in {plural(use.blocks, 'block')}" if use.records else ""
    errors = plural(use.errors, "error or descriptor", "errors or descriptors") if use.errors else ""
    name = f"{printable(use.file)}:{use.line}"
    return {
        "ruleId": _SUPPRESSED.id,
        "ruleIndex": rules[_SUPPRESSED.id],
        "level": "note",
        "message": {"text": f"Rule {printable(use.name)} hides {' and '.join(filter(None, (amount, errors)))}."},
        "locations": [where],
        "partialFingerprints": _fingerprints(name, _SUPPRESSED.id),
        "suppressions": [{"kind": "external", "location": where, "justification": printable(use.name)}],
        "properties": {"records": use.records, "bytes": use.bytes, "blocks": use.blocks, "errors": use.errors},
    }


def _fingerprints(name: str, rule: str) -> dict[str, str]:
    """GitHub knows only the first of these, and would hash a source line that it does not find."""
    return {
        "primaryLocationLineHash": f"{name}:1",
        "leakreportId/v1": name,
        "leakreportIdAndKind/v1": f"{name}/{rule}",
    }


def _trouble(found: IssueList, notice: Notice, rule: int, roots: Roots) -> dict[str, object]:
    """What must not look green, as a result: not every reader looks at invocations."""
    name = f"report.{notice.id}"
    return {
        "ruleId": notice.rule.id,
        "ruleIndex": rule,
        "level": _LEVELS[notice.severity],
        "message": {"text": notice.sentence},
        "locations": [{"physicalLocation": _physical(found.source_place(notice, roots))}],
        "partialFingerprints": _fingerprints(name, notice.rule.id),
    }


def _result(found: IssueList, issue: Issue, rule: int, roots: Roots, options: RenderOptions) -> dict[str, object]:
    url = url_of(issue.named_frame, options)
    entry: dict[str, object] = {
        "ruleId": issue.rule.id,
        "ruleIndex": rule,
        "level": _LEVELS[issue.severity],
        "message": {"text": sentences(issue.text, issue.advice)},
        "locations": [_place(found, issue, roots)],
        "partialFingerprints": _fingerprints(issue.id, issue.rule.id),
        "properties": {
            "values": dict(issue.values or {}),
            "module": None if issue.module is None else printable(issue.module),
            "otherIds": list(issue.other_ids),
            **({"owner": printable(issue.owner)} if issue.owner else {}),
            **({"state": issue.state.value} if issue.state is not None else {}),
            **({"sourceUrl": url} if url is not None else {}),
        },
    }
    state = _STATES.get(issue.rule.family) if issue.state is None else _CHECKED.get(issue.state)
    if state is not None:
        entry["baselineState"] = state
    return entry


def _place(found: IssueList, issue: Issue, roots: Roots) -> dict[str, object]:
    entry: dict[str, object] = {"physicalLocation": _physical(found.place_of(issue, roots))}
    frame = issue.named_frame
    if frame is not None:
        entry["logicalLocations"] = [_logical(frame)]
    return entry


def _logical(frame: Frame) -> dict[str, object]:
    name = cut(frame_name(frame), LONGEST_NAME)
    return {"fullyQualifiedName": name, "kind": "function"}


def _physical(place: Place) -> dict[str, object]:
    entry: dict[str, object] = {"artifactLocation": _artifact(place)}
    if place.line is not None:
        entry["region"] = {"startLine": place.line}
    return entry


def _artifact(place: Place) -> dict[str, object]:
    return {"uri": place.uri, "uriBaseId": "%SRCROOT%"} if place.base is Base.PROJECT else {"uri": place.uri}


class _Stacks:
    """The stacks of results as JSON. Every frame is written once: most results share most of theirs."""

    def __init__(self, roots: Roots) -> None:
        """Make it."""
        self._roots = roots
        self._locations: dict[Frame, str] = {}
        self._frames: dict[Frame, str] = {}

    def of(self, issue: Issue) -> str:
        """The members of a result that hold stacks, each with a comma in front; empty without frames."""
        stacks = [stack for stack in (issue.stack, *issue.more_stacks) if stack.frames]
        if not stacks:
            return ""
        written = f', "stacks": [{", ".join(map(self._stack, stacks))}]'
        shown = stacks[0].frames[:MOST_FRAMES]
        if not any(frame.path for frame in shown):
            # Steps through code are there to be clicked.
            return written
        steps = ", ".join(f'{{"location": {self._location(frame)}}}' for frame in reversed(shown))
        return f'{written}, "codeFlows": [{{"threadFlows": [{{"locations": [{steps}]}}]}}]'

    def _stack(self, stack: Stack) -> str:
        shown = stack.frames[:MOST_FRAMES]
        caption = stack.caption or "The call path, innermost frame first"
        if len(shown) < len(stack.frames):
            caption = f"{caption} ({len(shown)} of {plural(len(stack.frames), 'frame')})"
        return f'{{"message": {_dumps({"text": caption})}, "frames": [{", ".join(map(self._frame, shown))}]}}'

    def _frame(self, frame: Frame) -> str:
        if frame not in self._frames:
            module = f', "module": {_dumps(printable(frame.module_name))}' if frame.module_name else ""
            self._frames[frame] = f'{{"location": {self._location(frame)}{module}}}'
        return self._frames[frame]

    def _location(self, frame: Frame) -> str:
        if frame not in self._locations:
            self._locations[frame] = _dumps(_location(frame, self._roots))
        return self._locations[frame]


def _location(frame: Frame, roots: Roots) -> dict[str, object]:
    """The source of a frame; of code without one its object, with the address where that is known, and its name."""
    entry: dict[str, object] = {"message": {"text": cut(frame_name(frame), LONGEST_NAME)}}
    place = roots.place(frame)
    if place is not None:
        entry["physicalLocation"] = _physical(place)
        return entry
    entry["logicalLocations"] = [_logical(frame)]
    module = roots.object(frame)
    physical: dict[str, object] = {} if module is None else _physical(module)
    if frame.offset is not None and frame.offset >= 0:
        physical["address"] = {"relativeAddress": frame.offset}
    elif frame.address is not None and 0 <= frame.address < 2**63:
        physical["address"] = {"absoluteAddress": frame.address}
    if physical:
        entry["physicalLocation"] = physical
    return entry
