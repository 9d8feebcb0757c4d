"""A report as it may leave the machine: every text of it without home folders and secrets, every figure as it was.

What is in a report is found by its types, so that a text which somebody adds is covered, too. Tables of rows say
themselves which of their parts are texts (`with_texts`): nothing here costs more for more rows, only for more frames.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cache
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeVar, cast, runtime_checkable

from leakreport.model.raw import Frame
from leakreport.privacy.texts import prose_without_secrets, source_without_host, without_home, without_secrets

_ARGUMENTS = frozenset(("command", "tool_options"))
"""Fields that hold command lines."""
_SOURCES = frozenset(("source", "label"))
"""Fields that hold names of inputs."""
_TO_BE_TYPED = frozenset(("next_commands",))
"""Fields that hold commands for the person who sits there."""
_PLAIN = (bool, int, float, type(None))
_Report = TypeVar("_Report")


@runtime_checkable
class TextHolder(Protocol):
    """A table that knows where its texts are."""

    def with_texts(self, change: Callable[[Any], Any]) -> Self:
        """The same table with every text, and what holds texts, replaced by what `change` gives for it."""
        ...


@dataclass(slots=True)
class _Copier:
    keeps_commands: bool
    hidden_arguments: int = 0
    _texts: dict[str, str] = field(default_factory=dict)
    _paths: dict[str, str] = field(default_factory=dict)
    _tuples: dict[int, tuple[object, object]] = field(default_factory=dict)
    """By identity, with the original, which keeps the identity its own."""

    def text(self, text: str) -> str:
        """A sentence or a name."""
        found = self._texts.get(text)
        if found is None:
            found = self._texts[text] = prose_without_secrets(without_home(text))
        return found

    def arguments(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        """A command line."""
        shown, count = without_secrets(arguments)
        self.hidden_arguments += count
        return tuple(source_without_host(argument) for argument in shown)

    def copy(self, value: Any) -> Any:  # noqa: ANN401  # any part of a report
        """A value with its texts changed; itself where nothing in it changes."""
        kind = type(value)
        if kind is str:
            return self.text(value)
        if kind is tuple or kind is list:
            return self._sequence(value)
        if isinstance(value, tuple):
            return self._named_tuple(value)
        if isinstance(value, TextHolder):
            return value.with_texts(self.copy)
        if is_dataclass(value):
            return self._dataclass(value)
        if isinstance(value, Mapping):
            changed = {key: self.copy(entry) for key, entry in value.items()}
            return value if all(changed[key] is entry for key, entry in value.items()) else changed
        return value

    def _sequence(self, values: Any) -> Any:  # noqa: ANN401
        if not values or type(values[0]) in {bool, int, float}:
            # Columns and indexes.
            return values
        known = self._tuples.get(id(values))
        if known is not None:
            return known[1]
        if type(values[0]) is str:
            # Of hundreds of thousands of names of records few differ, or none has anything to hide.
            changed = {text: shown for text in set(values) if (shown := self.copy(text)) != text}
            copies = [changed.get(text, text) for text in values] if changed else values
        else:
            copies = [self.copy(value) for value in values]
        is_same = copies is values or all(map(operator.is_, copies, values))
        result = values if is_same else type(values)(copies)
        self._tuples[id(values)] = (values, result)
        return result

    def _named_tuple(self, value: Any) -> Any:  # noqa: ANN401
        if isinstance(value, Frame):
            return self._frame(value)
        changed = {name: self._field(name, entry) for name, entry in zip(value._fields, value, strict=True)}
        return value if all(changed[name] is getattr(value, name) for name in changed) else value._replace(**changed)

    def _frame(self, frame: Frame) -> Frame:
        # Names have `=` for an operator: no secrets are looked for. What is a file is no home folder.
        function, module = self._path(frame.function), self._path(frame.module)
        directory, file = self._path(frame.directory, is_folder=True), self._path(frame.file)
        if (function, module, directory, file) == frame[:4]:
            return frame
        return frame._replace(function=function, module=module, directory=directory, file=file)

    def _path(self, text: str | None, *, is_folder: bool = False) -> str | None:
        if text is None or ("/" not in text and "\\" not in text):
            return text
        shown = self._paths.get(text)
        if shown is None:
            shown = self._paths[text] = without_home(text)
        return text if shown == "~" and not is_folder else shown

    def _dataclass(self, value: Any) -> Any:  # noqa: ANN401
        changed = {}
        for one in fields(value):
            entry = getattr(value, one.name)
            copied = self._field(one.name, entry)
            if copied is not entry:
                changed[one.name] = copied
        return replace(value, **changed) if changed else value

    def _field(self, name: str, value: Any) -> Any:  # noqa: ANN401
        if type(value) in _PLAIN or (self.keeps_commands and name in _TO_BE_TYPED):
            return value
        if name in _ARGUMENTS:
            return self.arguments(value)
        if name in _SOURCES and type(value) is str:
            return source_without_host(value)
        if name.endswith("_when_asked"):
            return cache(lambda: self.copy(value()))
        return self.copy(value)


class PublicCopy(NamedTuple, Generic[_Report]):
    """A report that may leave the machine."""

    report: _Report
    command: tuple[str, ...]
    """What made it."""
    hidden_arguments: int
    """How many arguments looked like secrets."""


def public_copy(report: _Report, command: tuple[str, ...], *, keeps_commands: bool) -> PublicCopy[_Report]:
    """A report without home folders, hosts and secrets. Nothing but texts changes: ids and figures stay.

    Args:
        report: of one run, a comparison or a trend.
        command: the command line that made it.
        keeps_commands: whether the commands it suggests stay as they can be typed: for a person at a terminal.
    """
    copier = _Copier(keeps_commands)
    shown = copier.arguments(command)
    return PublicCopy(cast("_Report", copier.copy(report)), shown, copier.hidden_arguments)
