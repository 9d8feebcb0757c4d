"""What the search for names may look at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from leakreport.errors import UsageError

_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){2,64}\Z")


class Engine(StrEnum):
    """What reads debug information."""

    AUTO = "auto"
    """The first of the others that is installed."""
    SYMBOLIC = "symbolic"
    ADDR2LINE = "addr2line"
    LLVM_SYMBOLIZER = "llvm-symbolizer"
    NONE = "none"
    """Symbol tables only: no lines, no inlined functions."""


@dataclass(frozen=True, slots=True)
class PinnedBuild:
    """The user says which build of an object was profiled."""

    module: str
    """Its path as the profile has it, or only the last part."""
    build_id: str
    """Lower-case hex."""


@dataclass(frozen=True, slots=True)
class SymbolOptions:
    """Where binaries and debug files are, and how they are read. Nothing is ever fetched from a network."""

    symbol_paths: tuple[str, ...] = ()
    """Folders with binaries and debug files: below it under the full path, or directly in it."""
    sysroot: str | None = None
    """A folder that stands for `/` of the profiled machine."""
    pinned: tuple[PinnedBuild, ...] = ()
    cache_folder: str | None = None
    """Where read debug information is kept for the next time; None keeps nothing."""
    engine: Engine = Engine.AUTO
    debug_folder: str = "/usr/lib/debug"
    """Where this machine keeps separate debug files."""

    def pinned_build(self, module: str) -> str | None:
        """The build id that was given for an object."""
        for pin in self.pinned:
            if pin.module in {module, module.rsplit("/", 1)[-1]}:
                return pin.build_id
        return None


def parse_pins(texts: Iterable[str]) -> tuple[PinnedBuild, ...]:
    """`OBJECT=HEX`, as it is given on the command line.

    >>> parse_pins(["libfoo.so=0aFF10bc"])
    (PinnedBuild(module='libfoo.so', build_id='0aff10bc'),)

    Raises:
        UsageError: a text is not of that form.
    """
    pins = []
    for text in texts:
        module, sign, build_id = text.rpartition("=")
        if not sign or not module or _HEX.match(build_id) is None:
            raise UsageError(
                f"--build-id {text!r} is not OBJECT=HEX",
                advice="Give the object as the profile names it and the build id that `readelf -n` shows.",
            )
        pins.append(PinnedBuild(module, build_id.lower()))
    return tuple(pins)
