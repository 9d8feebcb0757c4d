"""Readers and renderers of other packages: found through entry points, loaded only when nothing built in will do.

Entry points of the groups `leakreport.readers` and `leakreport.renderers` name a class that is made without arguments;
the name of the entry point is the name of the format. See `docs/plugins.md`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from leakreport.errors import PluginError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

API = 1
"""Major version of the interfaces of readers and renderers."""
READERS = "leakreport.readers"
RENDERERS = "leakreport.renderers"

_log = logging.getLogger(__name__)
_Adapted = TypeVar("_Adapted")


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point."""

    name: str
    origin: str
    """The package with its version."""
    entry_point: EntryPoint

    def __str__(self) -> str:
        return f"the plug-in {self.name!r} of {self.origin}"

    def make(self) -> object:
        """What the entry point stands for, made.

        Raises:
            PluginError: importing or making it fails.
        """
        try:
            return self.entry_point.load()()
        except (Exception, SystemExit) as error:
            raise PluginError(f"{self} cannot be loaded: {in_words(error)}", where=self.entry_point.value) from error

    def check_name(self, builtin: Collection[str], others: Collection[str]) -> None:
        """See that its name is free.

        Raises:
            PluginError: it is taken.
        """
        if self.name in builtin or self.name in others:
            owner = "leakreport itself" if self.name in builtin else "another plug-in"
            raise PluginError(f"{self} has the name of a format of {owner}", advice="It is left out.")

    def check_api(self, api: object) -> None:
        """See that it is made for this interface.

        Raises:
            PluginError: it is made for another major version.
        """
        if api != API:
            raise PluginError(
                f"{self} is made for version {api} of the plug-in interface; this leakreport has version {API}",
                advice=f"Install a version of {self.origin.partition(' ')[0]} that is made for it.",
            )


def in_words(error: BaseException) -> str:
    """A foreign error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]}".rstrip(": ")


def find_plugins(group: str) -> list[Plugin]:
    """The entry points of a group, by name."""
    from importlib.metadata import entry_points

    found = []
    for entry_point in entry_points(group=group):
        package = entry_point.dist
        origin = "an unknown package" if package is None else f"{package.name} {package.version}"
        found.append(Plugin(entry_point.name, origin, entry_point))
    return sorted(found, key=lambda plugin: (plugin.name, plugin.origin))


def load_plugins(
    group: str, adapt: Callable[[Plugin], _Adapted], builtin: Collection[str]
) -> tuple[dict[str, _Adapted], dict[str, PluginError]]:
    """The plug-ins of a group by name, and of those that cannot be used what is wrong, which is logged as a warning.

    A plug-in never replaces what is built in, nor another plug-in.
    """
    found: dict[str, _Adapted] = {}
    broken: dict[str, PluginError] = {}
    for plugin in find_plugins(group):
        try:
            plugin.check_name(builtin, found)
            found[plugin.name] = adapt(plugin)
        except PluginError as error:
            broken[plugin.name] = error
            _log.warning("%s", error)
    return found, broken


def by_name(
    name: str, found: dict[str, _Adapted], broken: dict[str, PluginError], builtin: Collection[str], what: str
) -> _Adapted:
    """The plug-in of a name.

    Raises:
        PluginError: it cannot be used.
        UsageError: there is none.
    """
    if name in found:
        return found[name]
    if name in broken:
        raise broken[name]
    raise UsageError(f"no {what} is called {name!r}", advice=f"Known: {', '.join([*builtin, *found])}.")
