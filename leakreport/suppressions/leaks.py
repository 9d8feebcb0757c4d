"""A leak as rules see it: one call path of one input with what it holds."""

from __future__ import annotations

from dataclasses import dataclass

from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame
from leakreport.suppressions.match import Recorded


@dataclass(frozen=True, slots=True)
class Leak:
    """One path and kind of one input."""

    id: str
    """Of the path; the same in other inputs and of other kinds."""
    kind: LeakKind
    stack: tuple[Frame, ...]
    """Outermost first."""
    anchor: int | None
    """Position in `stack` of the frame that a person reads first: the responsible one, else where it is allocated."""
    is_own: bool
    """The anchor is code of the user."""
    held_bytes: int
    held_blocks: int
    source: str
    """The input."""
    recorded: Recorded

    @property
    def anchor_frame(self) -> Frame | None:
        """The frame at `anchor`."""
        return None if self.anchor is None else self.stack[self.anchor]

    @property
    def name(self) -> str:
        """What a person calls the leak: the function or object at the anchor."""
        frame = self.anchor_frame or (self.stack[-1] if self.stack else None)
        return "?" if frame is None else frame.function or frame.module_name or "?"


@dataclass(frozen=True, slots=True)
class LeakInput:
    """One input with its leaks, and what of its recording matters to rules."""

    source: str
    format: str
    tool: str | None
    tool_version: str | None
    leaks: tuple[Leak, ...]
    kinds: frozenset[LeakKind]
    """Kinds that were recorded; empty where the format has none."""
    is_filtered: bool
    """Suppressions were in force while it was recorded: what they hid is in no record."""
    is_complete: bool
