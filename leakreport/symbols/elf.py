"""What is needed of an ELF file: which build it is, where its code is mapped, where its symbols and debug files are.

Only headers are parsed, by pyelftools; no offset, size or count of a file is believed beyond the bounds below.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

_SEGMENTS = 1000
_LARGEST_ADDRESS = 1 << 62
_SECTIONS = 20_000
_NOTES = 100
_NOTE_HOLDERS = 50
_NOTE_BYTES = 1024 * 1024
_BUILD_ID_CHARACTERS = 128
_GO_SECTIONS = frozenset({".go.buildinfo", ".note.go.buildid", ".gopclntab"})
_DEBUG_SECTIONS = frozenset({".debug_info", ".zdebug_info"})


class UnusableFile(Exception):
    """A file cannot be read as ELF; the text says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Segment:
    """An executable part of the file that is mapped as one."""

    offset: int
    """In the file, bytes."""
    size: int
    """In the file, bytes."""
    address: int
    """Virtual address of its first byte."""


@dataclass(frozen=True, slots=True)
class SymbolSection:
    """Where a symbol table and its names are in the file, bytes."""

    offset: int
    size: int
    names_offset: int
    names_size: int
    is_full: bool
    """.symtab, which has all functions; .dynsym has those that other objects may call."""


@dataclass(frozen=True, slots=True)
class DebugLink:
    """A separate debug file, by name and CRC-32."""

    name: str
    crc: int


@dataclass(frozen=True, slots=True)
class ElfHeaders:
    """The headers of one ELF file."""

    path: str
    file_size: int
    machine: str
    """As pyelftools calls it: `x64`, `x86`, `AArch64` …"""
    is_64_bit: bool
    is_little_endian: bool
    build_id: str | None
    segments: tuple[Segment, ...]
    """The executable ones."""
    load_base: int
    """The page of the first mapped virtual address: 0 for libraries and position-independent programs."""
    symbol_sections: tuple[SymbolSection, ...]
    """.symtab before .dynsym."""
    has_debug_info: bool
    debug_link: DebugLink | None
    is_static: bool = False
    """It asks for no dynamic loader: a static program (or a library)."""
    is_go: bool = False
    """Go's linker made it."""


def read_headers(path: str) -> ElfHeaders:
    """The headers of a file.

    Raises:
        UnusableFile: it is missing, no regular file, no ELF file, or a damaged one.
    """
    try:
        with open(path, "rb", opener=_open_regular) as stream:
            return _parse(path, stream)
    except UnusableFile:
        raise
    except OSError as error:
        raise UnusableFile(error.strerror or "cannot be read") from error
    except (MemoryError, RecursionError, Exception) as error:
        # pyelftools and its parser raise many kinds of errors on damaged files.
        raise UnusableFile("no ELF file, or a damaged one") from error


def _open_regular(path: str, flags: int) -> int:
    """Open without waiting for pipes and devices that a profile may name."""
    descriptor = os.open(path, flags | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnusableFile("no regular file")
    return descriptor


def _parse(path: str, stream: BinaryIO) -> ElfHeaders:
    # Most inputs come with names: then it is never needed.
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(stream)
    if elf.num_segments() > _SEGMENTS or elf.num_sections() > _SECTIONS:
        raise UnusableFile("an ELF file with more headers than agreed to")
    file_size = os.fstat(stream.fileno()).st_size
    loads = [segment.header for segment in elf.iter_segments() if segment.header.p_type == "PT_LOAD"]
    loads = [load for load in loads if max(load.p_offset, load.p_vaddr) < _LARGEST_ADDRESS]
    sections = list(elf.iter_sections())
    return ElfHeaders(
        path=path,
        file_size=file_size,
        machine=elf.get_machine_arch(),
        is_64_bit=elf.elfclass == 64,
        is_little_endian=elf.little_endian,
        build_id=_build_id(elf, sections),
        segments=tuple(
            Segment(load.p_offset, min(load.p_filesz, max(file_size - load.p_offset, 0)), load.p_vaddr)
            for load in loads
            if load.p_flags & 1 and load.p_offset < file_size
        ),
        load_base=(min(load.p_vaddr for load in loads) & ~0xFFF) if loads else 0,
        symbol_sections=tuple(_symbol_sections(elf, sections)),
        has_debug_info=any(
            section.name in _DEBUG_SECTIONS and section.header.sh_type != "SHT_NOBITS" for section in sections
        ),
        debug_link=_debug_link(sections, stream),
        is_static=all(segment.header.p_type != "PT_INTERP" for segment in elf.iter_segments()),
        is_go=any(section.name in _GO_SECTIONS for section in sections),
    )


def _build_id(elf: Any, sections: list[Any]) -> str | None:  # noqa: ANN401
    holders = [section for section in sections if section.header.sh_type == "SHT_NOTE"]
    holders = [holder for holder in holders if holder.header.sh_size <= _NOTE_BYTES]
    # Without section headers, the segment of the notes has it.
    segments = (segment for segment in elf.iter_segments() if segment.header.p_type == "PT_NOTE")
    holders.extend(segment for segment in segments if segment.header.p_filesz <= _NOTE_BYTES)
    for holder in holders[:_NOTE_HOLDERS]:
        for note in islice(holder.iter_notes(), _NOTES):
            if note["n_type"] == "NT_GNU_BUILD_ID" and isinstance(note["n_desc"], str):
                return note["n_desc"].lower()[:_BUILD_ID_CHARACTERS] or None
    return None


def _symbol_sections(elf: Any, sections: list[Any]) -> list[SymbolSection]:  # noqa: ANN401
    found = []
    for kind in ("SHT_SYMTAB", "SHT_DYNSYM"):
        # The standard allows one of each.
        header = next((section.header for section in sections if section.header.sh_type == kind), None)
        if header is not None and header.sh_link < len(sections):
            names = elf.get_section(header.sh_link).header
            is_full = kind == "SHT_SYMTAB"
            found.append(SymbolSection(header.sh_offset, header.sh_size, names.sh_offset, names.sh_size, is_full))
    return found


def _debug_link(sections: list[Any], stream: BinaryIO) -> DebugLink | None:
    """The name ends with a zero byte; the checksum follows at the next multiple of four, in the file's byte order."""
    for section in sections:
        # Its end is aligned, so the checksum is the last four bytes.
        if section.name == ".gnu_debuglink" and 8 <= section.header.sh_size <= 4096:
            stream.seek(section.header.sh_offset)
            content = stream.read(section.header.sh_size)
            name = content.partition(b"\0")[0].decode("utf-8", "surrogateescape")
            if name and "/" not in name and name not in {".", ".."}:
                return DebugLink(
                    name, int.from_bytes(content[-4:], "little" if section.elffile.little_endian else "big")
                )
    return None
