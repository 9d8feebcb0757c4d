"""Whether return addresses stand behind call instructions: what tells one build of a program from another without ids."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leakreport.model.columns import BoolColumn, Int64Column
from leakreport.symbols.elf import ElfHeaders

_LONGEST_CALL = 7
Bytes = NDArray[np.uint8]


def knows_machine(elf: ElfHeaders) -> bool:
    """Whether calls of this kind of processor can be recognised."""
    return elf.machine in {"x64", "x86", "AArch64"} and elf.is_little_endian


def follow_calls(elf: ElfHeaders, content: Bytes, returns: Int64Column, addresses: Int64Column) -> BoolColumn:
    """Per return address, whether a call instruction ends right before it.

    Args:
        elf: the headers of the file.
        content: its bytes.
        returns: return addresses as offsets in the file.
        addresses: the same as virtual addresses.
    """
    found = np.zeros(len(returns), dtype=np.bool_)
    inside = np.flatnonzero((returns >= _LONGEST_CALL) & (returns <= len(content)))
    before = content[returns[inside, np.newaxis] - np.arange(_LONGEST_CALL, 0, -1)].astype(np.int64)
    if elf.machine == "AArch64":
        found[inside] = _is_branch_with_link(before)
    else:
        found[inside] = _is_direct_call(elf, before, addresses[inside]) | _is_indirect_call(before)
    return found


def _is_branch_with_link(before: Int64Column) -> BoolColumn:
    """BL, BLR and the BLR variants that authenticate the pointer. Source: Arm ARM, C4.1."""
    word = before[:, 3] | before[:, 4] << 8 | before[:, 5] << 16 | before[:, 6] << 24
    is_branch: BoolColumn = (word & 0xFC000000 == 0x94000000) | (word & 0xFEFFF000 == 0xD63F0000)
    return is_branch


def _is_direct_call(elf: ElfHeaders, before: Int64Column, address: Int64Column) -> BoolColumn:
    """`e8 rel32`, with a target in the code of the file: that leaves hardly any chance hits."""
    distance = before[:, 3] | before[:, 4] << 8 | before[:, 5] << 16 | before[:, 6] << 24
    target = address + np.where(distance >= 1 << 31, distance - (1 << 32), distance)
    is_code = np.zeros(len(target), dtype=np.bool_)
    for segment in elf.segments:
        is_code |= (target >= segment.address) & (target < segment.address + segment.size)
    is_code &= before[:, 2] == 0xE8
    return is_code


def _is_indirect_call(before: Int64Column) -> BoolColumn:
    """`ff /2`: the length of the instruction must be what its operand says. Source: Intel SDM vol. 2A, 2.1."""
    found = np.zeros(len(before), dtype=np.bool_)
    for length in (2, 3, 4, 6, 7):
        start = _LONGEST_CALL - length
        mode_byte = before[:, start + 1]
        mode, is_call, operand = mode_byte >> 6, mode_byte >> 3 & 7 == 2, mode_byte & 7
        has_scale = (operand == 4) & (mode != 3)
        scale_base = before[:, start + 2] & 7 if length > 2 else np.zeros(len(before), dtype=np.int64)
        is_wide = (mode == 2) | ((mode == 0) & ((operand == 5) | (has_scale & (scale_base == 5))))
        expected = 2 + has_scale + np.where(is_wide, 4, np.where(mode == 1, 1, 0))
        found |= (before[:, start] == 0xFF) & is_call & (expected == length)
    return found
