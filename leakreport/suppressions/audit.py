"""What is wrong with suppression rules, on the evidence of some inputs.

- never: no leak of any program can fit, or the tool refuses the rule or passes it over
- expired: the date in its comment has passed
- duplicate: says what an earlier rule says
- shadowed: another rule hides all that it hides
- broad: names no more than the allocator, or hides different leaks
- dead: fits nothing in these inputs, which may be the fault of the inputs

A rule whose kinds were not recorded, or inputs that were recorded with suppressions in force, allow no word on whether it
is dead: such rules are counted as not judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from leakreport.errors import SuppressionError
from leakreport.model.metrics import LEAK_KINDS
from leakreport.suppressions.leaks import Leak, LeakInput
from leakreport.suppressions.match import Answer, Matcher
from leakreport.suppressions.nearest import is_written_readable, nearest
from leakreport.suppressions.overlap import is_covered, kinds_of, meaning, plain_frames
from leakreport.suppressions.parse import parse_rules
from leakreport.suppressions.rules import Dialect, FramePattern, Place, Rule
from leakreport.suppressions.text import expiry_of


class Fault(StrEnum):
    """The families of findings, the words of `--fail-on`."""

    NEVER = "never"
    EXPIRED = "expired"
    DUPLICATE = "duplicate"
    SHADOWED = "shadowed"
    BROAD = "broad"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is wrong with one rule."""

    fault: Fault
    name: str
    """Of the rule."""
    source: str
    line: int
    why: str
    advice: str
    other: Rule | None = None
    """The rule that says the same or more."""
    leaks: tuple[Leak, ...] = ()
    """What the rule hides, where that is what is wrong."""


@dataclass(frozen=True, slots=True)
class AuditedFile:
    """A suppression file as far as its tool would take it."""

    source: str
    lines: tuple[str, ...]
    rules: tuple[Rule, ...]
    refused: tuple[SuppressionError, ...]
    """Why the tool would refuse the file, one for each rule."""


@dataclass(frozen=True, slots=True)
class Audit:
    """The result: rules in the order of the files."""

    files: tuple[AuditedFile, ...]
    findings: tuple[AuditFinding, ...]
    unjudged: tuple[tuple[Rule, str], ...]
    """Rules that nothing can be said of, and why."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """All rules."""
        return tuple(rule for file in self.files for rule in file.rules)

    @property
    def unjudged_leak_rules(self) -> tuple[tuple[Rule, str], ...]:
        """Those of them that are for leaks, and may be dead or broad."""
        return tuple((rule, why) for rule, why in self.unjudged if rule.is_for_memory)


_MOST_REFUSED = 100


def audited_file(text: str, source: str) -> AuditedFile:
    """The rules of a file; those that the tool refuses are taken out one by one, so that the others are looked at too."""
    lines = text.split("\n")
    kept = list(lines)
    refused: list[SuppressionError] = []
    while len(refused) < _MOST_REFUSED:
        try:
            return AuditedFile(source, tuple(lines), parse_rules("\n".join(kept), source), tuple(refused))
        except SuppressionError as error:
            refused.append(error)
            at = _line_of(error)
            first, last = _block_around(kept, at - 1)
            if not any(line.strip() for line in kept[first : last + 1]):
                break
            kept[first : last + 1] = [""] * (last + 1 - first)
    return AuditedFile(source, tuple(lines), (), tuple(refused))


def _line_of(error: SuppressionError) -> int:
    number = error.where.rpartition(":")[2]
    return int(number) if number.isdecimal() else 1


def _block_around(lines: Sequence[str], at: int) -> tuple[int, int]:
    """The first and last line of the rule that a line stands in; the line itself where there are no braces around it."""
    at = min(max(at, 0), len(lines) - 1)
    first = at
    while first > 0 and lines[first].strip() != "{" and not (lines[first].strip() == "}" and first != at):
        first -= 1
    if lines[first].strip() != "{":
        return at, at
    last = first + 1
    while last < len(lines) - 1 and lines[last].strip() not in {"}", "{"}:
        last += 1
    return first, last - (lines[min(last, len(lines) - 1)].strip() == "{")


def audit(files: Sequence[AuditedFile], inputs: Sequence[LeakInput], matcher: Matcher, today: date) -> Audit:
    """Hold all rules against all leaks."""
    rules = [(file, rule) for file in files for rule in file.rules]
    leaks = [leak for found in inputs for leak in found.leaks]
    hidden = {id(rule): _hidden(rule, leaks, matcher) for _, rule in rules}
    findings: list[AuditFinding] = []
    unjudged: list[tuple[Rule, str]] = []
    for file in files:
        findings += [_refused(file, error) for error in file.refused]
    for number, (file, rule) in enumerate(rules):
        earlier = [other for _, other in rules[:number]]
        found = _about(file, rule, earlier, [other for _, other in rules], hidden, today, inputs)
        sure = [leak for leak, answer in hidden[id(rule)] if answer is Answer.YES]
        is_hopeless = any(finding.fault in {Fault.NEVER, Fault.DUPLICATE} for finding in found)
        if not is_hopeless and not sure:
            why = _not_judged(rule, inputs, hidden[id(rule)])
            if why is not None:
                unjudged.append((rule, why))
            else:
                found.append(_dead(rule, leaks, inputs, matcher))
        findings += found
    return Audit(tuple(files), tuple(findings), tuple(unjudged))


def _hidden(rule: Rule, leaks: Iterable[Leak], matcher: Matcher) -> list[tuple[Leak, Answer]]:
    answers = ((leak, matcher.record(rule, leak.kind, leak.stack, leak.recorded)) for leak in leaks)
    return [(leak, answer) for leak, answer in answers if answer is not Answer.NO]


def _refused(file: AuditedFile, error: SuppressionError) -> AuditFinding:
    line = _line_of(error)
    first, last = _block_around(file.lines, line - 1)
    name = file.lines[first + 1].strip() if last > first else file.lines[first].strip()
    why = f"the tool refuses the whole file for this rule: {error.what}"
    return AuditFinding(Fault.NEVER, name, file.source, line, why, error.advice)


def _about(
    file: AuditedFile,
    rule: Rule,
    earlier: Sequence[Rule],
    rules: Sequence[Rule],
    hidden: dict[int, list[tuple[Leak, Answer]]],
    today: date,
    inputs: Sequence[LeakInput],
) -> list[AuditFinding]:
    """All but whether it is dead."""
    found: list[AuditFinding] = []

    def add(fault: Fault, why: str, advice: str, other: Rule | None = None, leaks: Sequence[Leak] = ()) -> None:
        found.append(AuditFinding(fault, rule.name, rule.source, rule.line, why, advice, other, tuple(leaks)))

    if (reason := _never(rule, inputs)) is not None:
        add(Fault.NEVER, *reason)
    if (expiry := _expiry(rule, file, today)) is not None:
        add(Fault.EXPIRED, *expiry)
    same = next((other for other in earlier if meaning(other) == meaning(rule)), None)
    if same is not None:
        add(Fault.DUPLICATE, f"says the same as {same.where}", "Remove one of them.", same)
        return found
    if not any(finding.fault is Fault.NEVER for finding in found):
        shadow = _shadow(rule, earlier, rules, hidden, inputs)
        if shadow is not None:
            add(Fault.SHADOWED, *shadow)
        sure = [leak for leak, answer in hidden[id(rule)] if answer is Answer.YES]
        broad = _broad(rule, sure)
        if broad is not None:
            add(Fault.BROAD, *broad, None, sure)
    return found


def _never(rule: Rule, inputs: Sequence[LeakInput]) -> tuple[str, str] | None:
    """Why a rule can fit nothing, and what to do; None where it can."""
    if rule.dialect is not Dialect.VALGRIND:
        glob = rule.frames[0].glob
        if glob.startswith(("_Z", "^_Z")):
            return "has a linker name, and readable ones are compared", "Write the name as the report shows it."
        return None
    if rule.kind == "Leak" and not rule.is_for_memcheck:
        tools = ",".join(rule.tools)
        return f"{tools} looks for no leaks, and memcheck passes rules of {tools} over", "Write Memcheck:Leak."
    if not rule.is_for_memory:
        return None
    if rule.kinds is not None and not rule.kinds:
        return "match-leak-kinds: none hides nothing", "Name the kinds, or remove the rule."
    for pattern in rule.frames:
        if pattern.what is Place.FUNCTION and is_written_readable(pattern.glob):
            advice = "leakreport suppress write makes the pattern from a recording; --demangle=no shows the names."
            return f"{pattern.text} is a readable name, and valgrind compares the linker's", advice
        if pattern.what is not Place.ANY_FRAMES and not pattern.glob:
            return f"{pattern.text} has no pattern, and no name is empty", "Write * for any name."
        if pattern.what is Place.FUNCTION and "[" in pattern.glob and "operator[" not in pattern.glob:
            return f"{pattern.text} has brackets, and valgrind's globs know * and ? alone", "Write ? or *."
    if any(pattern.what is Place.SOURCE for pattern in rule.frames) and inputs and not _has_sources(inputs):
        return (
            f"asks for a source file, and no frame of {_these(inputs)} has one",
            "Build with -g, or name functions.",
        )
    return None


def _has_sources(inputs: Sequence[LeakInput]) -> bool:
    return any(frame.file is not None for found in inputs for leak in found.leaks for frame in leak.stack)


def _expiry(rule: Rule, file: AuditedFile, today: date) -> tuple[str, str] | None:
    found = expiry_of(rule, file.lines)
    if found is None:
        return None
    line, text = found
    try:
        end = date.fromisoformat(text)
    except ValueError:
        return f"line {line}: {text} is no date", "Write # expires: YYYY-MM-DD."
    if end >= today:
        return None
    return f"expired on {end.isoformat()}", "Fix the leak and remove the rule, or give it a new date and reason."


def _shadow(
    rule: Rule,
    earlier: Sequence[Rule],
    rules: Sequence[Rule],
    hidden: dict[int, list[tuple[Leak, Answer]]],
    inputs: Sequence[LeakInput],
) -> tuple[str, str, Rule] | None:
    """The rule that hides all that this one hides: by its lines in any input, else in these."""
    for other in rules:
        if other is not rule and meaning(other) != meaning(rule) and is_covered(rule, other):
            if is_covered(other, rule) and not any(other is before for before in earlier):
                continue
            return f"{other.where} fits everything that it fits", "Remove it, or narrow the other.", other
    own = [id(leak) for leak, answer in hidden[id(rule)] if answer is Answer.YES]
    if not own:
        return None
    for other in rules:
        if other is rule or meaning(other) == meaning(rule) or is_covered(other, rule):
            continue
        theirs = {id(leak) for leak, answer in hidden[id(other)] if answer is Answer.YES}
        is_before = any(other is before for before in earlier)
        if theirs.issuperset(own) and (is_before or len(theirs) > len(own)):
            why = f"in {_these(inputs)} {other.where} hides all {len(own)} that it hides"
            return why, "Remove it, or narrow the other.", other
    return None


def _broad(rule: Rule, sure: Sequence[Leak]) -> tuple[str, str] | None:
    if not rule.is_for_memory:
        return None
    frames = plain_frames(rule)
    has_gap = any(pattern.what in {Place.ANY_FRAMES, Place.ANYWHERE} for pattern in frames)
    if all(_names_nothing(pattern) or (has_gap and pattern.glob in _ENTRIES) for pattern in frames):
        return "names no more than the allocator: any leak may fit", "Name the function that leaks."
    names = list(dict.fromkeys(leak.name for leak in sure))
    if len(names) < 2:
        return None
    if not any(leak.is_own for leak in sure) and _names_object(rule):
        return None
    held = sum(leak.held_bytes for leak in sure)
    own = sum(leak.is_own for leak in sure)
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return (
        f"hides leaks of {len(names)} functions ({listed}), {held:,} bytes in {len(sure)} paths"
        + (f", {own} of them of your own code" if own else ""),
        "Write one rule for each with leakreport suppress write, or name the frame that they share for a reason.",
    )


_ENTRIES = ("main", "_start", "(below main)", "^main$", "start_thread", "clone")
_ALLOCATORS = frozenset(
    "malloc calloc realloc reallocarray memalign posix_memalign aligned_alloc alloc _Znwm _Znam _Znwj _Znaj _Znw _Zna _Zn".split()
)


def _names_nothing(pattern: FramePattern) -> bool:
    """Whether a line fits any stack: `...`, a star, an allocator."""
    match pattern.what:
        case Place.ANY_FRAMES:
            return True
        case Place.SOURCE:
            return False
        case Place.OBJECT:
            return not pattern.glob.strip("*?") or "vgpreload_" in pattern.glob
        case _:
            return pattern.glob.strip("^$*?") in {"", *_ALLOCATORS}


def _names_object(rule: Rule) -> bool:
    return any(
        pattern.what is Place.OBJECT or (pattern.what is Place.ANYWHERE and ".so" in pattern.glob)
        for pattern in rule.frames
    )


def _not_judged(rule: Rule, inputs: Sequence[LeakInput], perhaps: Sequence[tuple[Leak, Answer]]) -> str | None:
    """Why nothing can be said of a rule that surely hides nothing here; None where it is dead."""
    if not rule.is_for_memory:
        return f"it is for {','.join(rule.tools)}:{rule.kind}; only rules for leaks are held against inputs"
    if perhaps:
        return f"it may hide {len(perhaps)} paths; the inputs do not have the names that would tell"
    if not inputs:
        return "no input was given"
    if not any(found.leaks for found in inputs):
        return "the inputs hold no path"
    wanted = kinds_of(rule)
    missing = wanted - frozenset().union(*(found.kinds or frozenset(LEAK_KINDS) for found in inputs))
    if missing and rule.kinds is not None:
        return f"no input recorded {', '.join(kind.word for kind in sorted(missing))} memory (--show-leak-kinds=all)"
    if any(found.is_filtered for found in inputs):
        return "suppressions were in force while the inputs were recorded, so that what it hides is not in them"
    if not all(found.is_complete for found in inputs):
        return "an input is incomplete"
    return None


def _dead(rule: Rule, leaks: Sequence[Leak], inputs: Sequence[LeakInput], matcher: Matcher) -> AuditFinding:
    advice = "Remove it once your recordings cover what it was for."
    near = _nearest_leak(rule, leaks, matcher)
    if near:
        advice = f"{near} leakreport suppress explain tells more."
    why = f"fits none of {len(leaks)} paths in {_these(inputs)}"
    return AuditFinding(Fault.DEAD, rule.name, rule.source, rule.line, why, advice)


def _nearest_leak(rule: Rule, leaks: Sequence[Leak], matcher: Matcher) -> str:
    """The leak that the rule nearly hides, where all but its last lines fit."""
    best = None
    for leak in leaks:
        near = nearest([rule], leak, matcher)[0]
        if near.matched and (best is None or near.matched > best[0].matched):
            best = (near, leak)
    if best is None or 2 * best[0].matched < best[0].of_lines:
        return ""
    near, leak = best
    return f"Nearest is {leak.id}: {near.matched} of {near.of_lines} lines fit; {near.reason}."


def _these(inputs: Sequence[LeakInput]) -> str:
    return "this input" if len(inputs) == 1 else f"these {len(inputs)} inputs"
