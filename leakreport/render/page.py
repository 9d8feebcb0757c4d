"""What every page of HTML has: text made safe to read, the command that made it, figures, stacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leakreport.analysis.report import GateResult, InputSummary, Status, Verdict
from leakreport.model.raw import TOOL_TITLES, Moment
from leakreport.render.interface import RenderOptions
from leakreport.render.phrases import command_text, printable
from leakreport.units import format_bytes, format_exact_bytes

_MOST_COMMANDS = 4
_MOST_BUDGETS = 2
_LONGEST_NAME = 2000
TAGS = {
    Status.LEAK: ("●", "Leak"),
    Status.RETAINED: ("○", "Still held"),
    Status.CLEAN: ("✓", "Clean"),
    Status.GROWTH: ("▲", "Growth"),
    Status.SHRUNK: ("▼", "Shrank"),
    Status.NO_GROWTH: ("✓", "No growth"),
    Status.INCONCLUSIVE: ("?", "Inconclusive"),
}
_GATES = {
    GateResult.FAILED: ", gate failed",
    GateResult.PASSED: ", gate passed",
    GateResult.INCONCLUSIVE: ", gate inconclusive",
}


class Figure(NamedTuple):
    """One of the large numbers below the verdict."""

    title: str
    text: str
    small: str
    exact: str
    tone: str = ""
    """The class of a change."""


class PageText:
    """The words of one page that do not depend on its kind."""

    def __init__(self, options: RenderOptions) -> None:
        """Take the command as it may be shown."""
        self.command = command_text(("leakreport", *options.command[1:])) if options.command else ""
        self.secrets = options.hidden_arguments
        self.links = options.source_links

    def text(self, text: object) -> str:
        """Any text of the input: visible and bounded."""
        shown = printable(str(text))
        if len(shown) > _LONGEST_NAME:
            shown = f"{shown[:_LONGEST_NAME]}… ({len(shown):,} characters)"
        # Text is text; still, nothing on the page should look like an address on the network to anybody.
        return shown.replace("://", ":\u2215\u2215")

    def command_line(self, command: Sequence[str]) -> str:
        """A command."""
        return self.text(" ".join(command))

    def record_commands(self, inputs: Sequence[InputSummary]) -> list[str]:
        """How the inputs were recorded, as far as they tell it; the same command once."""
        found: dict[str, None] = {}
        for summary in inputs:
            runner = "valgrind" if summary.tool in TOOL_TITLES else summary.tool if summary.tool == "heaptrack" else ""
            if summary.command and runner:
                found.setdefault(self.command_line((runner, *summary.tool_options, *summary.command)))
        return list(found)[:_MOST_COMMANDS]


def gate_words(verdict: Verdict) -> str:
    """What the tag says of the thresholds: whether the budget holds, where one was given and decided."""
    budgets = {line.result for line in verdict.gate_lines if line.limit is not None}
    if GateResult.FAILED in budgets:
        return ", over budget"
    if verdict.gate is GateResult.PASSED and budgets:
        return ", within budget"
    return _GATES.get(verdict.gate, "")


def budgets(verdict: Verdict) -> list[Figure]:
    """The first thresholds that are budgets, and what became of them."""
    return [
        Figure("Budget", format_bytes(line.limit), line.text, format_exact_bytes(line.limit))
        for line in verdict.gate_lines[:_MOST_BUDGETS]
        if line.limit is not None
    ]


def moment_words(moment: Moment) -> str:
    """When something was held, behind a noun; nothing where it is only when the profile was written.

    >>> moment_words(Moment.EXIT), moment_words(Moment.DUMP)
    (' at exit', '')
    """
    return "" if moment is Moment.DUMP else f" {moment.value}"
