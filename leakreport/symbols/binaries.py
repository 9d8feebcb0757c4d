"""Finds the binary behind a mapping, and its debug file, and refuses what is another build: wrong names are worse than none.

Where the profile names a build id (or the user does), it decides. Where none is named, the executable segments must be
those that were mapped, and nearly all return addresses must stand behind call instructions.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from leakreport.model.columns import Int64Column
from leakreport.model.raw import Mapping
from leakreport.symbols.calls import follow_calls, knows_machine
from leakreport.symbols.elf import ElfHeaders, UnusableFile, read_headers
from leakreport.symbols.options import SymbolOptions

DELETED = " (deleted)"
_CALL_SHARE = 0.99
# A mapping ends at a page; the kernels of some machines have larger ones than 4 KiB.
_PAGE_BYTES = (4096, 16384, 65536)
_LABELS = ("[", "//", "/memfd:", "/SYSV", "/dev/", "/proc/", "/sys/", "anon_inode:")


@dataclass(frozen=True, slots=True)
class ObjectUse:
    """What a run says about one object."""

    module: str
    """Its path in the profile."""
    offsets: Int64Column
    """Where its calls stand, rising, each once: the byte before the return address."""
    mappings: tuple[Mapping, ...]
    """Where it was mapped in any snapshot. Without any, `offsets` are not of the file: they are virtual addresses, or distances
    from where it was loaded."""
    build_ids: frozenset[str]
    """What the profile or the user says; more than one cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Binary:
    """A file that was accepted for an object."""

    elf: ElfHeaders
    addresses: Int64Column
    """Per offset of the object its virtual address; -1 outside of the code."""
    is_verified: bool
    """By its build id."""
    debug: ElfHeaders | None
    """The file with its debug information or full symbol table, where that is another one."""


class Refused(Exception):
    """No file fits an object; the text says why, in a few words."""

    def __init__(self, why: str, *, is_other_build: bool) -> None:
        """Keep whether a file was there, but of another build."""
        super().__init__(why)
        self.is_other_build = is_other_build


def is_label(module: str) -> bool:
    """Whether a mapping's name is not that of a file: `[vdso]`, `//anon`."""
    return module.startswith(_LABELS)


def find_binary(use: ObjectUse, options: SymbolOptions) -> Binary:
    """The first file that fits.

    Raises:
        Refused: none does.
    """
    if len(use.build_ids) > 1:
        raise Refused("the inputs have several builds of it", is_other_build=True)
    refusal: Refused | None = None
    for path in _candidates(use.module, options):
        try:
            elf = read_headers(path)
            addresses, is_verified = _checked(use, elf)
        except (UnusableFile, OSError, ValueError) as error:
            if os.path.lexists(path):
                refusal = refusal or Refused(f"{path} is {error}", is_other_build=False)
        except Refused as error:
            if refusal is None or not refusal.is_other_build:
                refusal = Refused(f"{path} {error}", is_other_build=True)
        else:
            return Binary(elf, addresses, is_verified, _find_debug(use.module, elf, options))
    raise refusal or Refused("not found", is_other_build=False)


def _candidates(module: str, options: SymbolOptions) -> Iterator[str]:
    """Where the file may be; what the user named goes before this machine's own."""
    path = module.removesuffix(DELETED)
    if not path or "\0" in path:
        return
    # Leading slashes and `..` would lead out of the folders.
    below = os.path.normpath(f"/{path}").lstrip("/")
    is_absolute = path.startswith("/")
    found = []
    if options.sysroot is not None and is_absolute:
        found.append(os.path.join(options.sysroot, below))
    for folder in options.symbol_paths:
        if is_absolute:
            found.append(os.path.join(folder, below))
        found.append(os.path.join(folder, os.path.basename(below)))
    # What replaced a deleted file is another one.
    if is_absolute and path == module:
        found.append(path)
    yield from dict.fromkeys(found)


def _checked(use: ObjectUse, elf: ElfHeaders) -> tuple[Int64Column, bool]:
    """Virtual addresses, and whether the build id says that they are right.

    Raises:
        Refused: the file is of another build, or nothing says that it is not.
    """
    offsets, addresses = _places(use, elf)
    for wanted in use.build_ids:
        if elf.build_id != wanted:
            raise Refused(f"has build id {elf.build_id or 'none'}, not {wanted}", is_other_build=True)
        return addresses, True
    if use.mappings and not any(_fits(use.mappings, elf, page) for page in _PAGE_BYTES):
        raise Refused("does not have the size that was mapped", is_other_build=True)
    if not knows_machine(elf):
        raise Refused(f"is for {elf.machine}, where calls are not known", is_other_build=True)
    with open(elf.path, "rb") as stream:
        content = np.memmap(stream, dtype=np.uint8, mode="r")
    inside = addresses >= 0
    good = int(follow_calls(elf, content, offsets[inside] + 1, addresses[inside] + 1).sum())
    if good < _CALL_SHARE * len(offsets):
        raise Refused(f"has calls before only {good:,} of {len(offsets):,} return addresses", is_other_build=True)
    return addresses, False


def _places(use: ObjectUse, elf: ElfHeaders) -> tuple[Int64Column, Int64Column]:
    """Offsets in the file and virtual addresses; -1 outside of the code.

    Without mappings, the numbers are virtual addresses, or, of a program that is not position-independent, distances from
    where it is loaded, as dladdr(3) counts them: these are below all of its code.
    """
    numbers = use.offsets
    if not use.mappings and elf.load_base and numbers.size and int(numbers[-1]) < elf.load_base:
        numbers = numbers + elf.load_base
    offsets = np.full(len(numbers), -1, dtype=np.int64)
    addresses = np.full(len(numbers), -1, dtype=np.int64)
    for segment in elf.segments:
        start = segment.offset if use.mappings else segment.address
        inside = (numbers >= start) & (numbers < start + segment.size)
        offsets[inside] = numbers[inside] - start + segment.offset
        addresses[inside] = numbers[inside] - start + segment.address
    return offsets, addresses


def _fits(mappings: tuple[Mapping, ...], elf: ElfHeaders, page: int) -> bool:
    """Whether the executable mappings, seen together, are whole segments in pages of that size."""
    whole = {(found.offset // page * page, -(-(found.offset + found.size) // page) * page) for found in elf.segments}
    used: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for mapping in mappings:
        start, end = mapping.offset, mapping.offset + mapping.end - mapping.start
        segment = next((found for found in whole if found[0] <= start and end <= found[1]), None)
        if segment is None:
            return False
        used.setdefault(segment, []).append((start, end))
    return all(
        (min(start for start, _ in parts), max(end for _, end in parts)) == segment for segment, parts in used.items()
    )


def _find_debug(module: str, elf: ElfHeaders, options: SymbolOptions) -> ElfHeaders | None:
    """The separate debug file, by build id or by name and checksum."""
    if elf.has_debug_info:
        return None
    for path in _debug_files_by_build_id(elf, options):
        debug = _headers_or_none(path)
        if debug is not None and debug.build_id == elf.build_id:
            return debug
    for path in _debug_files_by_link(module, elf, options):
        debug = _headers_or_none(path)
        if debug is None or elf.debug_link is None:
            continue
        is_same_build = debug.build_id == elf.build_id or debug.build_id is None
        if is_same_build and _crc(path) == elf.debug_link.crc:
            return debug
    return None


def _debug_folders(options: SymbolOptions) -> list[str]:
    below = options.debug_folder.lstrip("/")
    given = [folder for root in options.symbol_paths for folder in (root, os.path.join(root, below))]
    sysroot = [] if options.sysroot is None else [os.path.join(options.sysroot, below)]
    return [*given, *sysroot, options.debug_folder]


def _debug_files_by_build_id(elf: ElfHeaders, options: SymbolOptions) -> Iterator[str]:
    build_id = elf.build_id
    if build_id is None or len(build_id) < 6:
        return
    for folder in _debug_folders(options):
        yield os.path.join(folder, ".build-id", build_id[:2], f"{build_id[2:]}.debug")


def _debug_files_by_link(module: str, elf: ElfHeaders, options: SymbolOptions) -> Iterator[str]:
    if elf.debug_link is None:
        return
    here = os.path.dirname(elf.path)
    original = os.path.dirname(os.path.normpath(f"/{module}")).lstrip("/")
    folders = [here, os.path.join(here, ".debug")]
    folders += [found for root in _debug_folders(options) for found in (os.path.join(root, original), root)]
    for folder in dict.fromkeys(folders):
        path = os.path.join(folder, elf.debug_link.name)
        if os.path.abspath(path) != os.path.abspath(elf.path):
            yield path


def _headers_or_none(path: str) -> ElfHeaders | None:
    try:
        return read_headers(path)
    except UnusableFile:
        return None


def _crc(path: str) -> int:
    checksum = 0
    with open(path, "rb") as stream:
        while piece := stream.read(1 << 20):
            checksum = zlib.crc32(piece, checksum)
    return checksum
