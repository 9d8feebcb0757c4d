"""What the headers of an executable tell a person who wants to profile it."""

from __future__ import annotations

from leakreport.doctor.process import Program
from leakreport.symbols.elf import UnusableFile, read_headers


def program_of(path: str) -> Program | None:
    """The headers of an executable; None where they cannot be read."""
    try:
        headers = read_headers(path)
    except UnusableFile:
        return None
    return Program(
        build_id=headers.build_id,
        has_debug_info=headers.has_debug_info,
        has_debug_link=headers.debug_link is not None,
        has_symbols=any(section.is_full for section in headers.symbol_sections),
        is_static=headers.is_static,
        is_movable=headers.load_base == 0,
        is_go=headers.is_go,
    )
