"""Linker names as their authors wrote them, without what compilers and linkers appended.

C++ by the demangler of the C++ library itself, Rust by rust-demangler where that is installed. What cannot be read
stays as it is. Suffixes of compilers are taken off: of a function in two parts, debug information may give the name of
the cold one to both, and whether a copy is named so depends on what reads it.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import io
import re
from collections.abc import Callable
from functools import cache, lru_cache

_LONGEST = 10_000
_KEPT = 100_000
"""Names whose readable form is remembered: inlined functions come back at thousands of addresses."""
_PARTS = re.compile(r"(?:\.(?:cold|isra|part|constprop|llvm|lto_priv|[0-9]+))+\Z")
_VERSION = re.compile(r"@@?[A-Za-z0-9_.]+\Z")
_CLONES = re.compile(r"(?: \[clone [^\[\]]{0,100}\])+\Z")
_RUST_LEGACY = re.compile(r"_?_ZN.*17h[0-9a-f]{16}E\Z")
_RUST_HASH_END = "0123456789abcdefE"
_RUST_HASH = re.compile(r"::h[0-9a-f]{16}\Z")


@lru_cache(maxsize=_KEPT)
def demangle(name: str) -> str:
    """The readable name.

    >>> demangle("_ZN3app11load_configERNS_6ConfigE.cold")
    'app::load_config(app::Config&)'
    >>> demangle("main.part.0")
    'main'
    """
    bare = _PARTS.sub("", _VERSION.sub("", name)) or name
    if len(bare) > _LONGEST:
        return bare
    if bare.startswith("_R"):
        readable = _rust(bare)
    elif _RUST_LEGACY.match(bare):
        # The hash is not shown: with the same for all, names that differ in nothing else are read once.
        shared = bare[: -len(_RUST_HASH_END)] + _RUST_HASH_END
        readable = _rust(shared)
        readable = bare if readable == shared else readable
    elif bare.startswith(("_Z", "__Z")):
        readable = _cplusplus(bare)
    else:
        readable = bare
    return _RUST_HASH.sub("", _CLONES.sub("", readable)) or name


def has_rust() -> bool:
    """Whether names of Rust can be read."""
    return _rust_demangler() is not None


def is_mangled(name: str) -> bool:
    """Whether a name is still as the linker has it."""
    return name.startswith(("_R", "_Z", "__Z"))


@lru_cache(maxsize=_KEPT)
def _rust(name: str) -> str:
    demangler = _rust_demangler()
    if demangler is None:
        return name
    try:
        # rust-demangler 1.0 prints what it cannot read, and standard output is for reports.
        with contextlib.redirect_stdout(io.StringIO()):
            # It also writes unnamed parts, `{closure#0}`, as if they had an empty name.
            return demangler(name).replace(":#", "#")
    except (RecursionError, Exception):
        # Its errors share no class, and names may be anything.
        return name


@cache
def _rust_demangler() -> Callable[[str], str] | None:
    try:
        from rust_demangler import demangle as found
    except ImportError:
        return None
    return lambda name: str(found(name))


def _cplusplus(name: str) -> str:
    demangler = _cplusplus_demangler()
    return name if demangler is None else demangler(name)


@cache
def _cplusplus_demangler() -> Callable[[str], str] | None:
    """`abi::__cxa_demangle` of libstdc++ or libc++abi, whichever is there."""
    for library in ("libstdc++.so.6", ctypes.util.find_library("stdc++"), ctypes.util.find_library("c++abi")):
        if library is None:
            continue
        try:
            entry = ctypes.CDLL(library)["__cxa_demangle"]
            free = ctypes.CDLL(None).free
        except (OSError, AttributeError):
            continue
        entry.restype = ctypes.c_void_p
        entry.argtypes = (ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_int))
        free.restype = None
        free.argtypes = (ctypes.c_void_p,)

        def call(name: str, entry: ctypes._NamedFuncPointer = entry, free: ctypes._NamedFuncPointer = free) -> str:
            status = ctypes.c_int()
            text = entry(name.encode("utf-8", "replace").replace(b"\0", b""), None, None, ctypes.byref(status))
            if not text:
                return name
            try:
                return ctypes.string_at(text).decode("utf-8", "replace")
            finally:
                free(text)

        return call
    return None
