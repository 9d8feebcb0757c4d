"""Names from .symtab and .dynsym. A symbol counts only for addresses within its size: the nearest one may be a lie."""

from __future__ import annotations

import mmap

import numpy as np
from numpy.typing import NDArray

from leakreport.model.columns import Int64Column
from leakreport.symbols.elf import ElfHeaders, SymbolSection

_CODE_TYPES = (2, 10)
"""STT_FUNC, STT_GNU_IFUNC."""
_LOCAL = 0
_LONGEST_NAME = 100_000
_NESTED = 8
"""Symbols that start behind an outer one and before the address, which are looked at."""
_ALIASES = 16
"""Names of one place that are looked at."""


def names_at(elf: ElfHeaders, addresses: Int64Column) -> list[str | None]:
    """Per virtual address, the name of the function that it lies in, as the file spells it."""
    names: list[str | None] = [None] * len(addresses)
    if not elf.symbol_sections:
        return names
    with open(elf.path, "rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        for section in elf.symbol_sections:
            missing = np.array([place for place, name in enumerate(names) if name is None], dtype=np.int64)
            for place, name in zip(missing.tolist(), _names_in(elf, section, content, addresses[missing]), strict=True):
                names[place] = name
    return names


def _layout(elf: ElfHeaders) -> np.dtype[np.void]:
    order = "<" if elf.is_little_endian else ">"
    if elf.is_64_bit:
        kinds = (("name", "u4"), ("info", "u1"), ("other", "u1"), ("section", "u2"), ("value", "u8"), ("size", "u8"))
    else:
        kinds = (("name", "u4"), ("value", "u4"), ("size", "u4"), ("info", "u1"), ("other", "u1"), ("section", "u2"))
    return np.dtype([(name, order + kind) for name, kind in kinds])


def _names_in(elf: ElfHeaders, section: SymbolSection, content: mmap.mmap, addresses: Int64Column) -> list[str | None]:
    layout = _layout(elf)
    count = min(section.size, max(len(content) - section.offset, 0)) // layout.itemsize
    if not count or not len(addresses):
        return [None] * len(addresses)
    raw = content[section.offset : section.offset + count * layout.itemsize]
    symbols = np.frombuffer(raw, dtype=layout)
    is_code = np.isin(symbols["info"] & 15, _CODE_TYPES) & (symbols["size"] > 0) & (symbols["section"] != 0)
    functions = symbols[is_code & (symbols["value"] < 1 << 62) & (symbols["size"] < 1 << 62)]
    start, length = functions["value"].astype(np.int64), functions["size"].astype(np.int64)
    order = np.lexsort((length, start))
    start, end = start[order], (start + length)[order]
    spelling, is_local = functions["name"][order].tolist(), (functions["info"] >> 4 == _LOCAL)[order].tolist()
    places, inverse = np.unique(_covering(start, end, addresses), return_inverse=True)
    names = []
    for place in places.tolist():
        # Several names of one place sort beside each other; all have its start.
        first = max(int(np.searchsorted(start, start[place])), place - _ALIASES + 1) if place >= 0 else 0
        spelt = [
            (is_local[alias], _text(section, content, spelling[alias]))
            for alias in range(first, place + 1)
            if end[alias] == end[place]
        ]
        names.append(_most_usual(spelt))
    return [names[which] for which in inverse.tolist()]


def _covering(start: Int64Column, end: Int64Column, addresses: Int64Column) -> Int64Column:
    """Per address the last entry that starts at or before it and reaches beyond it; -1 for none."""
    place: NDArray[np.int64] = np.searchsorted(start, addresses, side="right") - 1
    for _ in range(_NESTED):
        misses = np.flatnonzero(place >= 0)
        misses = misses[end[place[misses]] <= addresses[misses]]
        if not misses.size:
            return place
        place[misses] -= 1
    if not len(end):
        return place
    is_inside = (place >= 0) & (end[np.maximum(place, 0)] > addresses)
    return np.where(is_inside, place, -1)


def _most_usual(names: list[tuple[bool, str | None]]) -> str | None:
    """Of several names of one function the one that callers use: `malloc`, not `__libc_malloc` or `__GI_malloc`."""
    known = [(is_local, name) for is_local, name in names if name is not None]
    if not known:
        return None
    return min(known, key=lambda item: (item[0], len(item[1]) - len(item[1].lstrip("_")), len(item[1]), item[1]))[1]


def _text(section: SymbolSection, content: mmap.mmap, index: int) -> str | None:
    if index >= section.names_size:
        return None
    start = section.names_offset + index
    end = content.find(b"\0", start, min(section.names_offset + section.names_size, start + _LONGEST_NAME))
    return content[start:end].decode("utf-8", "replace") or None if end >= 0 else None
