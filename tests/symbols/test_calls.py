"""Call instructions by their bytes, for processors that the machine of the tests may not have."""

from __future__ import annotations

import numpy as np
import pytest

from leakreport.symbols.calls import follow_calls, knows_machine
from leakreport.symbols.elf import ElfHeaders, Segment

AARCH64 = {
    "bl": (0x94000123, True),
    "bl backwards": (0x97FFFFF0, True),
    "blr x8": (0xD63F0100, True),
    "blraa x8, sp": (0xD73F091F, True),
    "blraaz x8": (0xD63F091F, True),
    "b": (0x14000123, False),
    "br x8": (0xD61F0100, False),
    "ret": (0xD65F03C0, False),
    "nop": (0xD503201F, False),
}
X64 = {
    "call rel32": ("00 00 e8 f0 ff ff ff", True),
    "call out of the code": ("00 00 e8 f0 ff ff 7f", False),
    "call *rax": ("00 00 00 00 00 ff d0", True),
    "call *r8": ("00 00 00 00 41 ff d0", True),
    "call *8(rbp)": ("00 00 00 00 ff 55 08", True),
    "call *(rsp)": ("00 00 00 00 ff 14 24", True),
    "call *8(rsp)": ("00 00 00 ff 54 24 08", True),
    "call *x(rip)": ("00 ff 15 01 02 03 04", True),
    "call *x(,rbx,8)": ("ff 14 dd 01 02 03 04", True),
    "call *x(rsp,rbx,8)": ("ff 94 dc 01 02 03 04", True),
    "jmp *rax": ("00 00 00 00 00 ff e0", False),
    "nop": ("90 90 90 90 90 90 90", False),
}


def headers(machine: str, *, is_little_endian: bool = True) -> ElfHeaders:
    segments = (Segment(0, 64, 0x1000),)
    return ElfHeaders("", 64, machine, True, is_little_endian, None, segments, 0, (), False, None)


def is_call(machine: str, before: bytes) -> bool:
    content = np.frombuffer(bytes(32 - len(before)) + before + bytes(32), dtype=np.uint8)
    return bool(follow_calls(headers(machine), content, np.array([32]), np.array([0x1020]))[0])


@pytest.mark.parametrize("name", AARCH64)
def test_calls_of_aarch64(name: str) -> None:
    word, expected = AARCH64[name]
    assert is_call("AArch64", word.to_bytes(4, "little")) is expected


@pytest.mark.parametrize("name", X64)
def test_calls_of_x86(name: str) -> None:
    code, expected = X64[name]
    assert is_call("x64", bytes.fromhex(code)) is expected


def test_other_machines_are_not_known() -> None:
    assert not knows_machine(headers("RISC-V"))
    assert not knows_machine(headers("AArch64", is_little_endian=False))
    assert knows_machine(headers("x86"))


def test_places_outside_of_the_file_follow_no_call() -> None:
    content = np.frombuffer(bytes(64), dtype=np.uint8)
    places = np.array([0, 6, 65, 1 << 40])
    assert not follow_calls(headers("x64"), content, places, places).any()
