"""What the formats of pipelines have in common: a report as issues with a rule, a message, a place and a stack.

One issue is one entry of the reading list, one error of the tool, or one path that grew. What limits the trust in a
report is a notice; a report with a notice of severity error must not look green anywhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from leakreport.analysis.checkreport import CheckedLeak, CheckResult, State
from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import GateLine, GateResult, InputSummary, Report, Severity, Status, Verdict
from leakreport.analysis.trendreport import TrendReport
from leakreport.model.metrics import LOST_KINDS, LeakKind
from leakreport.model.raw import Frame, SuppressionUse
from leakreport.render.interface import Failure, RenderOptions
from leakreport.render.names import shorten_name
from leakreport.render.phrases import cut, frame_name, printable
from leakreport.render.places import Place, Roots

MOST_ISSUES = 25_000
"""GitHub reads so many results of one file, and no page shows more."""
LONGEST_TITLE = 120
"""Characters of a function where it is a heading."""
LONGEST_WORD = 200
"""Characters of other names: programs, inputs, kinds of errors."""


_TROUBLE = "The report cannot tell whether there are more leaks than it names."
_TROUBLE_HELP = "Record again, so that the run ends and the file is whole."


@dataclass(frozen=True, slots=True)
class Rule:
    """What is wrong, for all issues of its kind."""

    id: str
    """As in the JSON: `leak.definite`, `error.InvalidRead`; for growth `new.`, `grown.` or `growing.` and the kind."""
    title: str
    meaning: str
    help: str
    severity: Severity

    @property
    def family(self) -> str:
        """The part before the stop."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames of a stack, innermost first."""

    frames: tuple[Frame, ...]
    named: int | None = None
    """Position of the frame that a person reads first."""
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to look at."""

    rule: Rule
    id: str
    """The path id of the JSON, or the id of an error; with the rule unique, and the same in the next run."""
    message: str
    """One sentence or two, of any length, printable."""
    advice: str
    facts: tuple[str, ...]
    stack: Stack
    more_stacks: tuple[Stack, ...] = ()
    values: Mapping[str, int] | None = None
    leak_kind: LeakKind = LeakKind.NONE
    module: str | None = None
    other_ids: tuple[str, ...] = ()
    owner: str | None = None
    state: State | None = None
    """What a baseline knows of it; None where none was asked."""
    is_failing: bool | None = None
    """Whether the check counts it; None where there is no check."""

    @property
    def severity(self) -> Severity:
        """That of its rule; what is known is no news."""
        return Severity.INFO if self.state is State.KNOWN else self.rule.severity

    @property
    def is_lost(self) -> bool:
        """Whether it is memory that a leak search called lost."""
        return self.leak_kind in LOST_KINDS

    @property
    def named_frame(self) -> Frame | None:
        """The frame a person reads first."""
        return None if self.stack.named is None else self.stack.frames[self.stack.named]

    @property
    def text(self) -> str:
        """The message and why it is reported, in one line."""
        return sentences(self.message, *self.facts)

    @property
    def title(self) -> str:
        """The function it is named by, short; the rule's title where there is none."""
        frame = self.named_frame
        return self.rule.title if frame is None else shorten_name(frame_name(frame), LONGEST_TITLE)

    def place(self, roots: Roots) -> Place | None:
        """Where it is: the frame it is named by, else its nearest caller with a file, else the object; None if all is unknown."""
        start = self.stack.named or 0
        frames = self.stack.frames
        for frame in (*frames[start:], *reversed(frames[:start])):
            if (found := roots.place(frame)) is not None:
                return found
        return next((found for frame in frames[start:] if (found := roots.object(frame)) is not None), None)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about the report as a whole."""

    slug: str
    severity: Severity
    text: str
    source: str = ""
    """The input it is about, where it is about one."""
    number: int = 1
    """Among those with the same slug and source."""

    @property
    def id(self) -> str:
        """Unique in a report, and the same in the next run."""
        name = " ".join(part for part in (self.slug, self.source) if part)
        whole = printable(name if self.number == 1 else f"{name} #{self.number}")
        if len(whole) <= LONGEST_WORD:
            return whole
        # Two long paths can differ at their ends only.
        return f"{whole[:LONGEST_WORD]} {blake2b(whole.encode('utf-8'), digest_size=8).hexdigest()}"

    @property
    def rule(self) -> Rule:
        """For formats in which everything has a rule."""
        slug = cut(printable(self.slug), LONGEST_WORD)
        return Rule(f"report.{slug}", f"Report: {slug}", _TROUBLE, _TROUBLE_HELP, self.severity)

    @property
    def sentence(self) -> str:
        """The text behind the name of the input."""
        return f"{cut(printable(self.source), LONGEST_WORD)}: {self.text}" if self.source else self.text


@dataclass(frozen=True, slots=True)
class IssueList:
    """A report of any kind, as issues."""

    kind: str
    """`analysis`, `diff` or `trend`"""
    title: str
    """The program."""
    verdict: Verdict
    inputs: tuple[InputSummary, ...]
    issues: Sequence[Issue]
    """In reading order."""
    unlisted: int
    """Issues past `MOST_ISSUES`."""
    notices: tuple[Notice, ...]
    totals: Mapping[str, int]
    """Of what is judged; of a comparison and a trend the last."""
    totals_before: Mapping[str, int] | None = None
    check: CheckResult | None = None
    """Where the run was checked against a baseline."""
    is_check: bool = False
    """Whether `leakreport check` wrote it, also where nothing could be checked."""
    suppressions: tuple[SuppressionUse, ...] = ()
    """The rules that hid anything, with what they hid."""

    @property
    def fixed(self) -> tuple[CheckedLeak, ...]:
        """Leaks of the baseline that are no more."""
        return () if self.check is None else self.check.of(State.FIXED)

    @property
    def troubles(self) -> tuple[Notice, ...]:
        """Why the report must not look green, however few issues it has."""
        return tuple(notice for notice in self.notices if notice.severity is Severity.ERROR)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of the issues, each once, in order."""
        return tuple({issue.rule.id: issue.rule for issue in self.issues}.values())

    @property
    def trouble_rules(self) -> tuple[Rule, ...]:
        """The rules of the troubles, each once, in order."""
        return tuple({notice.rule.id: notice.rule for notice in self.troubles}.values())

    @property
    def gate_lines(self) -> tuple[GateLine, ...]:
        """The thresholds and what became of them, printable."""
        return tuple(
            line._replace(gate=cut(printable(line.gate), LONGEST_WORD), text=cut(printable(line.text)))
            for line in self.verdict.gate_lines
        )

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        return cut(printable(self.verdict.sentence))

    def source_place(self, notice: Notice | None, roots: Roots) -> Place:
        """The profile that a notice is about, for tools that want a place for everything."""
        source = notice.source if notice is not None else ""
        found = roots.of_path(source or (self.inputs[0].source if self.inputs else "") or "unknown")
        return found._replace(is_source=False)

    def place_of(self, issue: Issue, roots: Roots) -> Place:
        """Where an issue is, the profile itself where nothing else is known."""
        return issue.place(roots) or self.source_place(None, roots)


class IssueRenderer(ABC):
    """A format that is made of issues, for every kind of report."""

    is_binary = False

    @abstractmethod
    def written(self, found: IssueList, options: RenderOptions) -> str:
        """The whole output."""

    def render(self, report: Report, options: RenderOptions) -> str:
        """The output for one run."""
        from leakreport.render.run_issues import issues_of_run

        return self.written(issues_of_run(report), options)

    def render_diff(self, report: DiffReport, options: RenderOptions) -> str:
        """The output for a comparison."""
        from leakreport.render.growth_issues import issues_of_diff

        return self.written(issues_of_diff(report), options)

    def render_trend(self, report: TrendReport, options: RenderOptions) -> str:
        """The output for a trend."""
        from leakreport.render.growth_issues import issues_of_trend

        return self.written(issues_of_trend(report), options)

    def render_failure(self, kind: str, failures: Sequence[Failure], options: RenderOptions) -> str:
        """The output where nothing could be read."""
        return self.written(issues_of_failure(kind, failures), options)


def sentences(*parts: str) -> str:
    """Sentences in one line, each with a stop.

    >>> sentences("Invalid read of size 1", "It happened 3 times.")
    'Invalid read of size 1. It happened 3 times.'
    """
    return " ".join(part if part.endswith((".", "!", "?", "…")) else f"{part}." for part in parts if part)


def issues_of_failure(kind: str, failures: Sequence[Failure]) -> IssueList:
    """No issue, no figure, and why: nothing of it looks green."""
    sentence = "Nothing could be read"
    reasons = [Notice(one.slug, Severity.ERROR, one.text, one.source) for one in failures]
    return IssueList(
        kind="analysis" if kind == "check" else kind,
        is_check=kind == "check",
        title="",
        verdict=Verdict(Status.INCONCLUSIVE, sentence, (), GateResult.NOT_ASKED, (), ()),
        inputs=(),
        issues=(),
        unlisted=0,
        notices=told([*reasons, Notice("inconclusive", Severity.ERROR, f"No verdict: {sentence.lower()}.")]),
        totals={},
    )


def common_notices(verdict: Verdict, inputs: Sequence[InputSummary]) -> list[Notice]:
    """What limits the trust in any report: inputs that are not whole, no verdict, no judgement of the gate, notes."""
    found = [
        Notice("incomplete-input", Severity.ERROR, _incomplete(summary), summary.source)
        for summary in inputs
        if not summary.is_complete
    ]
    if verdict.status is Status.INCONCLUSIVE:
        found.append(
            Notice("inconclusive", Severity.ERROR, f"No verdict: {sentences(verdict.sentence, *verdict.reasons)}")
        )
    found.extend(
        Notice("gate-inconclusive", Severity.ERROR, f"{line.gate}: no judgement is possible: {line.text}")
        for line in verdict.gate_lines
        if line.result.value == "inconclusive"
    )
    found.extend(
        Notice(note.slug, Severity.INFO, note.message, summary.source) for summary in inputs for note in summary.notes
    )
    return found


def _incomplete(summary: InputSummary) -> str:
    what = summary.truncation.what if summary.truncation is not None else "it does not say all it had to say"
    return f"The input is incomplete: {what}. What is missing can hold further leaks."


def told(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """The notices, each once, printable and numbered."""
    shown = (replace(one, text=cut(printable(one.text))) for one in notices)
    seen: Counter[tuple[str, str]] = Counter()
    found = []
    for one in dict.fromkeys(shown):
        seen[one.slug, one.source] += 1
        found.append(replace(one, number=seen[one.slug, one.source]))
    return tuple(found)
