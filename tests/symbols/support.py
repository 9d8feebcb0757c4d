"""Binaries of the fixtures unpacked, programs compiled, and runs that consist of addresses in them."""

from __future__ import annotations

import lzma
import subprocess
from collections.abc import Iterable
from pathlib import Path

from leakreport.api import load
from leakreport.model.builder import build_run
from leakreport.model.raw import (
    Frame,
    FrameKind,
    Mapping,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
)
from leakreport.model.snapshot import Run
from leakreport.symbols.elf import ElfHeaders
from tests.support import FIXTURES, fixture_path

PACKED = FIXTURES / "symbols"


def unpack(folder: Path) -> None:
    """All binaries of the fixtures, under the same names."""
    for path in PACKED.rglob("*.xz"):
        target = folder / path.relative_to(PACKED).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(lzma.decompress(path.read_bytes()))


def profile(family: str, case: str) -> Run:
    return load(fixture_path(family, case))


def whole_mappings(elf: ElfHeaders, module: str, start: int = 0x5555_0000_0000) -> tuple[Mapping, ...]:
    """The executable mappings that a kernel makes of a file."""
    found = []
    for segment in elf.segments:
        first = segment.offset // 4096 * 4096
        last = -(-(segment.offset + segment.size) // 4096) * 4096
        found.append(Mapping(start + first, start + last, first, module, None))
    return tuple(found)


def run_of(module: str, offsets: Iterable[int], mappings: tuple[Mapping, ...]) -> Run:
    """One byte at each offset."""
    builder = SampleTableBuilder(("retained_bytes",))
    for offset in offsets:
        builder.add([Frame(module=module, offset=offset, kind=FrameKind.ADDRESS)], (1,))
    meta = SnapshotMeta(source="test", format="test", mappings=mappings)
    return build_run([RawSnapshot(meta, {}, builder.build())])


def call_addresses(path: Path) -> list[int]:
    """Virtual addresses of the last byte of each call instruction, as objdump disassembles the file."""
    done = subprocess.run(["objdump", "-d", "-w", str(path)], capture_output=True, text=True, check=True)
    found = []
    for line in done.stdout.splitlines():
        place, _, rest = line.partition(":\t")
        code, _, text = rest.partition("\t")
        words = text.removeprefix("notrack ").split()
        if words and words[0] == "call":
            found.append(int(place, 16) + len(code.split()) - 1)
    return found


def file_offset(elf: ElfHeaders, address: int) -> int:
    return next(
        address - found.address + found.offset
        for found in elf.segments
        if found.address <= address < found.address + found.size
    )


def addr2line(path: Path, addresses: list[int]) -> list[list[tuple[str, str, int]]]:
    """Per address (function, file, line), outermost first."""
    done = subprocess.run(
        ["addr2line", "-fiC", "-a", "-e", str(path), *map(hex, addresses)], capture_output=True, text=True, check=True
    )
    answers: list[list[tuple[str, str, int]]] = []
    lines = iter(done.stdout.splitlines())
    for line in lines:
        if line.startswith("0x"):
            answers.append([])
            continue
        place = next(lines).partition(" (disc")[0]
        file, _, number = place.rpartition(":")
        answers[-1].insert(0, (line, file, int(number) if number.isdecimal() else 0))
    return answers


def notes(run: Run) -> dict[str, str]:
    return {note.slug: note.message for note in run.snapshots[0].meta.notes}


def retained_by(run: Run, function: str) -> int:
    """Bytes of all stacks in which such a function stands, each once."""
    snapshot = run.snapshots[-1]
    column = snapshot.columns["retained_bytes"]
    wanted = {index for index, frame in enumerate(run.frames) if (frame.function or "").partition("(")[0] == function}
    return sum(int(size) for node, size in enumerate(column) if size and wanted & set(run.tree.path(node)))
