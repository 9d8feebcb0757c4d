"""The commands as they describe themselves: for shells, and for manual pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from leakreport.config import SETTINGS

_CHOICES: Mapping[str, tuple[str, ...]] = {
    f"--{setting.name}": setting.choices for setting in SETTINGS if setting.choices
} | {"--unit": ("bytes", "blocks"), "--tool": ("none", "memcheck", "massif", "dhat", "heaptrack", "heapprofile")}
_FILES = frozenset(("FILE", "DIR"))


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a command."""

    names: tuple[str, ...]
    """The short one first, where there is one."""
    metavar: str
    """What its value is called; empty for a switch."""
    help: str
    choices: tuple[str, ...] = ()
    """Words that it takes; there can be others."""
    takes_files: bool = False
    takes_target: bool = False
    """A file with the name of a format in front, or without."""
    is_repeatable: bool = False


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a command."""

    metavar: str
    help: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One command, or a group of some."""

    words: tuple[str, ...]
    """What is typed behind `leakreport`; empty for the program itself."""
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    parts: tuple[str, ...]
    """The commands of a group."""

    @property
    def summary(self) -> str:
        """The first sentence of the help."""
        first = self.help.strip().split("\n\n")[0]
        return " ".join(first.split())


def described() -> tuple[Command, ...]:
    """The program itself, then its commands in their order; those of a group behind it."""
    import typer

    from leakreport.cli import app
    from leakreport.readers import reader_names
    from leakreport.render import renderer_names

    known = _Known(renderer_names(), reader_names())
    return tuple(_commands(typer.main.get_command(app), (), known))


@dataclass(frozen=True, slots=True)
class _Known:
    written: tuple[str, ...]
    read: tuple[str, ...]


def _commands(command: Any, words: tuple[str, ...], known: _Known) -> Iterator[Command]:  # noqa: ANN401 - typer's own click
    parts: Mapping[str, Any] = getattr(command, "commands", {})
    own = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    options = [_option(parameter, known) for parameter in own if parameter.param_type_name == "option"]
    arguments = [_argument(parameter) for parameter in own if parameter.param_type_name == "argument"]
    yield Command(words, command.help or "", (*options, _HELP), tuple(arguments), tuple(parts))
    for name, part in parts.items():
        yield from _commands(part, (*words, name), known)


_HELP = Option(("--help",), "", "Show the options and exit.")


def _option(parameter: Any, known: _Known) -> Option:  # noqa: ANN401
    names = tuple(sorted(parameter.opts, key=len))
    is_switch = bool(getattr(parameter, "is_flag", False) or getattr(parameter, "count", False))
    metavar = "" if is_switch else parameter.metavar or "VALUE"
    choices = () if is_switch else _choices(names[-1], parameter, known)
    takes_target = names[-1] == "--output"
    return Option(
        names=names,
        metavar=metavar,
        help=parameter.help or "",
        choices=known.written if takes_target else choices,
        takes_files=metavar in _FILES and not takes_target,
        takes_target=takes_target and bool(parameter.multiple),
        is_repeatable=bool(parameter.multiple),
    )


def _choices(name: str, parameter: Any, known: _Known) -> tuple[str, ...]:  # noqa: ANN401
    if name == "--to":
        return ("text", "json") if parameter.default == "text" else known.written
    if name == "--format":
        return known.read
    return _CHOICES.get(name, ())


def _argument(parameter: Any) -> Argument:  # noqa: ANN401
    metavar = parameter.metavar or parameter.name.upper()
    # `bash|zsh|fish` are words to choose from.
    choices = tuple(metavar.split("|")) if metavar.islower() and "|" in metavar else ()
    return Argument(metavar, parameter.help or "", choices)
