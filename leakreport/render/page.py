"""What every page of HTML has: text made safe to read, the command that made it, figures, stacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from leakreport.analysis.report import Status
from leakreport.model.raw import Frame
from leakreport.render.interface import RenderOptions
from leakreport.render.phrases import command_text, frame_name, place, printable

_MOST_FRAMES = 60
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
GATES = {"failed": ", gate failed", "passed": ", gate passed", "inconclusive": ", gate inconclusive"}


class Figure(NamedTuple):
    """One of the large numbers below the verdict."""

    title: str
    text: str
    small: str
    exact: str


class StackLine(NamedTuple):
    """A frame in a list; `style` is a class: `hit` is the named one, `lib` is not yours."""

    number: int
    name: str
    place: str
    style: str


class PageText:
    """The words of one page that do not depend on its kind."""

    def __init__(self, options: RenderOptions) -> None:
        """Take the command as it may be shown."""
        self.command = command_text(("leakreport", *options.command[1:])) if options.command else ""
        self.secrets = options.hidden_arguments

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


def stack_lines(
    frames: Sequence[Frame], own: Sequence[bool], stack: Sequence[int], named: int | None
) -> list[StackLine]:
    """A stack, innermost first; of a very deep one the innermost frames and the named one."""
    found = []
    hidden = 0
    for number, position in enumerate(range(len(stack) - 1, -1, -1)):
        if number >= _MOST_FRAMES and position != named:
            hidden += 1
            continue
        frame = frames[stack[position]]
        style = "hit" if position == named else "" if own[stack[position]] else "lib"
        found.append(StackLine(number, frame_name(frame), place(frame), style))
    if hidden:
        found.append(StackLine(len(stack), f"{hidden:,} more frames are left out", "", "lib"))
    return found
