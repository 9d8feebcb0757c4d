"""Symbol tables with aliases, gaps and nested symbols, in 64 and in 32 bits, from assembly."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from leakreport.api import symbolize
from leakreport.model.check import check
from leakreport.symbols.elf import ElfHeaders, read_headers
from leakreport.symbols.options import Engine, SymbolOptions
from leakreport.symbols.symtab import names_at
from tests.symbols.support import addr2line, call_addresses, file_offset, run_of, whole_mappings

SOURCE = """
    .text
    .globl malloc, __libc_malloc, _start
    .type malloc, @function
    .type __libc_malloc, @function
    .type __GI_malloc, @function
    .type outer, @function
    .type nested, @function
    .type second, @function
    .type sizeless, @function
malloc:
__libc_malloc:
__GI_malloc:
    nop
    ret
    .size malloc, . - malloc
    .size __libc_malloc, . - malloc
    .size __GI_malloc, . - malloc
    .fill 16, 1, 0x90
outer:
    call malloc
nested:
    nop
    nop
    .size nested, . - nested
second:
    nop
    .size second, . - second
    call malloc
    ret
    .size outer, . - outer
sizeless:
    call outer
    ret
not_code:
    .fill 8, 1, 0x90
    .size not_code, . - not_code
_start:
    call sizeless
"""


@pytest.fixture(params=[64, 32], ids=["64-bit", "32-bit"])
def program(request: pytest.FixtureRequest, tmp_path: Path, tool: Callable[[str], str]) -> ElfHeaders:
    machine = "elf_x86_64" if request.param == 64 else "elf_i386"
    (tmp_path / "a.s").write_text(SOURCE)
    commands = (
        [tool("as"), f"--{request.param}", "-g", "a.s", "-o", "a.o"],
        [tool("ld"), "-m", machine, "--build-id=sha1", "a.o", "-o", "a"],
    )
    for command in commands:
        subprocess.run(command, cwd=tmp_path, check=True)
    return read_headers(str(tmp_path / "a"))


def places(elf: ElfHeaders, tool: Callable[[str], str]) -> dict[str, int]:
    listed = subprocess.run([tool("nm"), elf.path], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[2]: int(line.split()[0], 16) for line in listed}


def test_symbols_are_told_by_their_sizes(program: ElfHeaders, tool: Callable[[str], str]) -> None:
    at = places(program, tool)
    expected = {
        at["malloc"]: "malloc",
        at["malloc"] + 1: "malloc",
        at["malloc"] + 2: None,
        at["outer"] - 1: None,
        at["outer"]: "outer",
        at["nested"]: "nested",
        at["nested"] + 1: "nested",
        at["second"]: "second",
        at["second"] + 1: "outer",
        at["sizeless"] - 1: "outer",
        at["sizeless"]: None,
        at["not_code"]: None,
        at["_start"]: None,
        0: None,
    }
    assert names_at(program, np.array(list(expected))) == list(expected.values())


@pytest.mark.parametrize("engine", [Engine.SYMBOLIC, Engine.ADDR2LINE], ids=str)
def test_lines_are_those_of_addr2line(program: ElfHeaders, tool: Callable[[str], str], engine: Engine) -> None:
    if engine is Engine.SYMBOLIC:
        pytest.importorskip("symbolic")
    tool("objdump")
    tool("addr2line")
    calls = call_addresses(Path(program.path))
    assert len(calls) == 4
    offsets = [file_offset(program, address) for address in calls]
    run = run_of(program.path, offsets, whole_mappings(program, program.path))
    named = symbolize(run, options=SymbolOptions(engine=engine))
    check(named)
    # The other two calls are in code without a size, where addr2line names the nearest symbol.
    found = {(frame.function, frame.path, frame.line) for frame in named.frames if frame.function is not None}
    assert found == {("outer", *answer[0][1:]) for answer in addr2line(Path(program.path), calls[:2])}
