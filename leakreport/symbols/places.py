"""What stands at an address: functions with their lines; kept by build id, as the same build comes back with each dump.

A kept file holds answers from debug information only, so it depends on nothing but the build and on what read it. A
broken one is made anew; without a folder for it everything works, slower.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Callable
from itertools import pairwise
from typing import BinaryIO, NamedTuple

from leakreport.symbols.elf import ElfHeaders

_logger = logging.getLogger(__name__)
_VERSION = 1
_KEPT_ADDRESSES = 500_000


class Place(NamedTuple):
    """One function at an address."""

    function: str
    path: str | None
    line: int | None


Located = dict[int, tuple[Place, ...]]
"""By virtual address, outermost first: the function, then what was inlined into it."""


def kept_path(folder: str | None, elf: ElfHeaders, kind: str) -> str | None:
    """Where something of a file's debug information is kept; None where it cannot be."""
    if folder is None or elf.build_id is None or not elf.has_debug_info:
        return None
    return os.path.join(folder, f"{elf.build_id}.{kind}")


def places_path(folder: str | None, elf: ElfHeaders, reader: str) -> str | None:
    """Where the answers of one reader of debug information are kept."""
    return kept_path(folder, elf, f"{reader}.{_VERSION}.json")


def read_places(path: str | None) -> Located:
    """The answers that were kept."""
    if path is None:
        return {}
    try:
        with open(path, "rb") as stream:
            document = json.load(stream)
        places = [Place(str(name), path and str(path), line and int(line)) for name, path, line in document["places"]]
        numbers, starts = document["numbers"], document["starts"]
        found = (tuple(places[number] for number in numbers[start:stop]) for start, stop in pairwise(starts))
        return dict(zip(map(int, document["addresses"]), found, strict=True))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError) as error:
        _logger.info("cannot use %s: %s", path, error)
        return {}


def keep_places(path: str | None, known: Located, new: Located) -> None:
    """Keep answers; the older ones too, unless they become too many."""
    if path is None or not new:
        return
    located = {**known, **new} if len(known) + len(new) <= _KEPT_ADDRESSES else new
    index: dict[Place, int] = {}
    numbers: list[int] = []
    starts = [0]
    for places in located.values():
        numbers.extend(index.setdefault(place, len(index)) for place in places)
        starts.append(len(numbers))
    document = {"addresses": list(located), "starts": starts, "numbers": numbers, "places": list(index)}
    keep(path, lambda stream: stream.write(json.dumps(document, separators=(",", ":")).encode()))


def keep(path: str, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under its name only when it is whole, or not at all."""
    try:
        folder = os.path.dirname(path)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            with open(descriptor, "wb") as stream:
                write(stream)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        _logger.info("cannot keep %s: %s", path, error)
