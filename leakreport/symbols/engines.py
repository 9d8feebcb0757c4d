"""Lines and inlined functions from debug information: by `symbolic`, or by one batch of a symboliser of this machine.

Both name an address by the nearest symbol where they know no line, however far it is; such answers are not taken here:
`symtab` asks the symbol table again, within sizes.
"""

from __future__ import annotations

import logging
import os
import posixpath
import re
import shutil
import subprocess
from collections.abc import Sequence
from functools import lru_cache
from typing import BinaryIO, Protocol

from leakreport.symbols.elf import ElfHeaders
from leakreport.symbols.options import Engine, SymbolOptions
from leakreport.symbols.places import Located, Place, keep, kept_path

_logger = logging.getLogger(__name__)
_BATCH_SECONDS = 1800
_UNKNOWN = frozenset({"", "??", "<unknown>"})
"""What engines say where debug information has no name, or has it in a file of its own (.gnu_debugaltlink)."""
_REMEMBERED_PLACES = 100_000
_ADDRESS = re.compile(r"0x([0-9a-fA-F]{1,16})\Z")
_TOOLS = {Engine.ADDR2LINE: "addr2line", Engine.LLVM_SYMBOLIZER: "llvm-symbolizer"}


class _Line(Protocol):
    """What `symbolic` says about one function at an address."""

    symbol: str
    full_path: str | None
    line: int


class _SymCache(Protocol):
    """What is used of `symbolic`, which has no types."""

    def lookup(self, addr: int) -> list[_Line]: ...

    def dump_into(self, f: BinaryIO) -> None: ...


def usable_engine(options: SymbolOptions) -> Engine:
    """The engine that will be used: the one asked for, or the first that is there."""
    if options.engine is not Engine.AUTO:
        return options.engine
    if _has_symbolic():
        return Engine.SYMBOLIC
    return next((engine for engine, tool in _TOOLS.items() if shutil.which(tool)), Engine.NONE)


def locate(elf: ElfHeaders, addresses: Sequence[int], options: SymbolOptions) -> Located:
    """What debug information says about some virtual addresses of a file; addresses without a line are left out."""
    engine = usable_engine(options)
    if not addresses or not elf.has_debug_info or engine is Engine.NONE:
        return {}
    found = _by_symbolic(elf, addresses, options) if engine is Engine.SYMBOLIC else _by_tool(elf, addresses, engine)
    return {
        address: places
        for address, places in found.items()
        if any(place.path is not None for place in places) and not _UNKNOWN & {place.function for place in places}
    }


def _has_symbolic() -> bool:
    try:
        import symbolic.symcache  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


def _by_symbolic(elf: ElfHeaders, addresses: Sequence[int], options: SymbolOptions) -> Located:
    from symbolic.exceptions import SymbolicError

    found: Located = {}
    try:
        symcache = _symcache(elf, options)
        if symcache is None:
            return {}
        for address in addresses:
            # It counts from the first mapped page, and gives the innermost function first.
            lines = symcache.lookup(address - elf.load_base)
            found[address] = tuple(_place(line.symbol, line.full_path, line.line) for line in reversed(lines))
    except (SymbolicError, OSError, ValueError) as error:
        _logger.info("symbolic cannot read %s: %s", elf.path, error)
    return found


def _symcache(elf: ElfHeaders, options: SymbolOptions) -> _SymCache | None:
    """The searchable form of debug information, from the cache if it was read before."""
    from symbolic.debuginfo import Archive
    from symbolic.exceptions import SymbolicError
    from symbolic.symcache import SYMCACHE_LATEST_VERSION, SymCache

    kept = kept_path(options.cache_folder, elf, f"{SYMCACHE_LATEST_VERSION}.symc")
    if kept is not None:
        try:
            if os.path.isfile(kept):
                opened: _SymCache = SymCache.open(kept)
                return opened
        except (SymbolicError, OSError) as error:
            _logger.info("cannot use %s: %s", kept, error)
    for item in Archive.open(elf.path).iter_objects():
        symcache: _SymCache = item.make_symcache()
        if kept is not None:
            keep(kept, symcache.dump_into)
        return symcache
    return None


def _by_tool(elf: ElfHeaders, addresses: Sequence[int], engine: Engine) -> Located:
    tool = shutil.which(_TOOLS[engine])
    if tool is None:
        return {}
    path = os.path.abspath(elf.path)
    if engine is Engine.ADDR2LINE:
        command = [tool, "-fiC", "-a", "-e", path]
    else:
        command = [tool, "--inlines", "--no-demangle", "--output-style=GNU", "--addresses", f"--obj={path}"]
    try:
        done = subprocess.run(  # noqa: S603
            command,
            input="".join(f"{address:#x}\n" for address in addresses).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=_BATCH_SECONDS,
            # Nothing of the caller's environment: DEBUGINFOD_URLS would let the tool use the network.
            env={"LC_ALL": "C"},
        )
    except (OSError, subprocess.SubprocessError) as error:
        _logger.info("%s failed on %s: %s", tool, path, error)
        return {}
    return _parse_answers(done.stdout.decode("utf-8", "replace").splitlines(), frozenset(addresses))


def _parse_answers(lines: Sequence[str], asked: frozenset[int]) -> Located:
    """Each answer is the address, then per function its name and `file:line`, innermost first."""
    found: Located = {}
    places: list[Place] = []
    name: str | None = None
    for line in lines:
        match = _ADDRESS.match(line)
        if match is not None and int(match[1], 16) in asked:
            places, name = [], None
            found[int(match[1], 16)] = ()
            current = int(match[1], 16)
        elif not found or not line:
            continue
        elif name is None:
            name = line
        else:
            path, _, number = line.partition(" (discriminator")[0].rpartition(":")
            places.insert(0, _place(name, path, int(number) if number.isascii() and number.isdecimal() else 0))
            found[current] = tuple(places)
            name = None
    return found


@lru_cache(maxsize=_REMEMBERED_PLACES)
def _place(function: str, path: str | None, line: int) -> Place:
    if not path or not path.strip("?"):
        return Place(function, None, None)
    return Place(function, posixpath.normpath(path), line or None)
