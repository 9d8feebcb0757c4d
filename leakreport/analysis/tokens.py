"""Tokens that stand for names where a report must not tell them (`--redact`).

A token is the start of a SHA-256 digest of a name, so that equal names have equal tokens in every report, and who guesses
a name can confirm the guess: see `docs/privacy.md`. What makes two names one function or one library for path ids makes
their tokens differ only behind a dot, as versions and clones do; a report with tokens can be read and compared again.
A token stays what it is, and so do a few names that say nothing about a program.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

from leakreport.analysis.identity import canonical_name, module_stem
from leakreport.analysis.libraries import Difference
from leakreport.analysis.ownership import is_allocator_name, is_glue, is_system_module, is_system_source
from leakreport.analysis.prosewords import PROSE_WORDS

_DIGITS = 12
_SOURCE_SUFFIX = (
    r"\.(?:c|cc|cpp|cxx|c\+\+|h|hh|hpp|hxx|inc|inl|ipp|tcc|tpp|cu|cuh|m|mm|s|asm|rs|go|d|zig|nim|f|f90|for|pas|adb|ads"
    r"|java|kt|scala|swift|cs|py|pyx|rb|lua|pl)"
)
_SUFFIX = re.compile(rf"{_SOURCE_SUFFIX}\Z", re.IGNORECASE)
_TOKEN = re.compile(
    rf"(?:(?:fn|bin|lib|dir|arg|text|version)-[0-9a-f]{{{_DIGITS}}}|input-\d{{1,6}}"
    rf"|file-[0-9a-f]{{{_DIGITS}}}(?:{_SOURCE_SUFFIX})?)(?:\.(?:so|dylib|dll|jar))?(?:\.\d{{1,8}})?\Z"
)
_OPERATOR_NEW = re.compile(
    r"operator (?:new|delete)(?:\[\])?(?:\((?:unsigned (?:long|int)|unsigned|size_t|void ?\*|std::align_val_t"
    r"|std::nothrow_t const&|, ?)*\))?\Z|_Zn[wa][jmy](?:RKSt9nothrow_t|St11align_val_t)*\Z"
)
_PLAIN = re.compile(r"[\w@.]+\Z")
_LIBRARY = re.compile(r"\.(?:so(?=\.|\Z)|dylib\Z|dll\Z|jar\Z)", re.IGNORECASE)
_SPECIAL_MODULES = frozenset(("[vdso]", "[vsyscall]", "[stack]", "[heap]", "???"))
_EDGES = re.compile(r"(?P<before>[(\[{<'\"]*)(?P<core>.*?)(?P<after>[)\]}>'\".,;:!?]*)\Z", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:0x[0-9a-fA-F.]+|\d[\d,.]*%?)(?:st|nd|rd|th|[KMG]i?B|B)?\Z")
_PROBLEM_KIND = re.compile(r"[A-Za-z_]{1,40}\Z")
_OPTION = re.compile(r"--?[a-z][a-z0-9-]*\Z")


class Told(NamedTuple):
    """How words call what is known by its canonical parts."""

    function: Callable[[str], str]
    """By its canonical name."""
    file: Callable[[str], str]
    """Without its folder."""
    module: Callable[[str], str]
    """Without its folder and version."""
    difference: Callable[[Difference], Difference]


def token(kind: str, name: str) -> str:
    """The token of a name: a kind and 12 hexadecimal digits; a token stays itself.

    >>> token("fn", "load_tiles"), token("fn", token("fn", "load_tiles"))
    ('fn-ba5d111dc940', 'fn-ba5d111dc940')
    """
    if _TOKEN.match(name):
        return name
    return f"{kind}-{sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGITS]}"


def _number(name: str) -> int:
    """What tells names apart that are one to a path id."""
    return int.from_bytes(sha256(name.encode("utf-8", "surrogatepass")).digest()[:3])


@lru_cache(maxsize=1 << 12)
def function_token(function: str) -> str:
    """A function: equal for all spellings of it, with a number as compilers give to clones where it is not the plain one.

    >>> function_token("malloc"), function_token("operator new(unsigned long)"), function_token("main")
    ('malloc', 'operator new(unsigned long)', 'main')
    >>> function_token("load_tiles"), function_token("load_tiles.constprop.0")
    ('fn-ba5d111dc940', 'fn-ba5d111dc940.6702422')
    """
    if _TOKEN.match(function) or _is_public(function):
        return function
    key = canonical_name(function).key
    if key in {"?", function}:
        return token("fn", function)
    return f"{token('fn', key)}.{_number(function)}"


def canonical_token(key: str) -> str:
    """The same for a canonical name."""
    return key if _is_public(key) else token("fn", key)


def family_token(family: str) -> str:
    """What was called to allocate: an allocator that everybody knows, or one that the user named."""
    is_known = not family or family.removesuffix("[]") in {"new", "delete"} or _is_public(family)
    return family if is_known else token("fn", family)


def _is_public(function: str) -> bool:
    """Whether a name is the allocator's, or one that every program starts with."""
    if function in {"main", "???"} or is_glue(function) or _OPERATOR_NEW.match(function):
        return True
    # What follows in a mangled name can be anything.
    return _PLAIN.match(function) is not None and not function.startswith("_Z") and is_allocator_name(function)


@lru_cache(maxsize=1 << 12)
def module_token(module: str) -> str:
    """An object: whether it is the system's stays, its version becomes a number behind its name.

    >>> module_token("/usr/lib/libz.so.1.2"), module_token("/opt/app/bin/tiles")
    ('/usr/lib/dir-5289cd0f221e/lib-d70b9249bc1e.so.10212257', '/opt/dir-7c3444c8c963/bin-ad9243fa6fb2')
    """
    if module in _SPECIAL_MODULES:
        return module
    folder, slash, name = module.rpartition("/")
    return f"{_folder_token(folder, is_system=is_system_module(module))}{slash}{library_token(name)}"


def library_token(name: str) -> str:
    """The file name of an object, or the name of a library."""
    if _TOKEN.match(name):
        return name
    suffix = _LIBRARY.search(name)
    if suffix is None:
        return token("bin", name)
    stem = module_stem(name)
    base = token("lib", stem.removesuffix(suffix[0])) + suffix[0]
    return base if stem == name else f"{base}.{_number(name)}"


def stem_token(stem: str) -> str:
    """An object without its folder and version, `?` where it is not known."""
    return stem if stem == "?" else library_token(stem)


def build_token(build_id: str) -> str:
    """A build id, by which anybody could look up what it is of."""
    return sha256(build_id.encode("utf-8", "surrogatepass")).hexdigest()[: _DIGITS + 4]


def difference_token(one: Difference) -> Difference:
    """A library that changed; its versions tell much about what it is, and are hidden, too."""

    def versions(found: Sequence[str]) -> tuple[str, ...]:
        return tuple(library_token(text) if text.startswith(one.name) else token("version", text) for text in found)

    return Difference(
        token("lib", one.name),
        versions(one.before),
        versions(one.after),
        tuple(map(build_token, one.build_ids_before)),
        tuple(map(build_token, one.build_ids_after)),
        one.is_rebuilt,
    )


@lru_cache(maxsize=1 << 12)
def _folder_token(folder: str, *, is_system: bool) -> str:
    if not folder or _TOKEN.match(folder.rpartition("/")[2]):
        return folder
    if folder.startswith("/opt/"):
        # The system's, unless the program lies there.
        return f"/opt/{token('dir', folder)}"
    if is_system:
        return f"/usr/lib/{token('dir', folder)}"
    root = "/" if folder.startswith("/") else ""
    return f"{root}{token('dir', folder)}"


def directory_token(directory: str, path: str) -> str:
    """The folder of a source file; that it is the system's stays, by where `path`, the whole file, lies."""
    if _TOKEN.match(directory.rpartition("/")[2]):
        return directory
    shown = token("dir", directory)
    if is_system_source(path):
        return f"/usr/include/{shown}"
    return f"/{shown}" if directory.startswith("/") else shown


@lru_cache(maxsize=1 << 12)
def file_token(file: str) -> str:
    """A source file; a known suffix stays.

    >>> file_token("tiles.cpp"), file_token("/src/tiles.cpp")
    ('file-94978ebfd677.cpp', '/dir-56c9e1c4b536/file-94978ebfd677.cpp')
    """
    folder, slash, name = file.rpartition("/")
    suffix = _SUFFIX.search(name)
    shown = name if _TOKEN.match(name) else token("file", name) + (suffix[0].lower() if suffix else "")
    return f"{directory_token(folder, file) if folder else ''}{slash}{shown}"


def argument_token(argument: str) -> str:
    """A word of a command line."""
    return token("arg", argument)


def option_token(option: str) -> str:
    """An option of the tool that recorded: its name stays, and a value that is a number or a common word.

    >>> option_token("--num-callers=40"), option_token("--leak-check=full"), option_token("tiles")
    ('--num-callers=40', '--leak-check=full', 'arg-ad9243fa6fb2')
    """
    name, sign, value = option.partition("=")
    if not _OPTION.match(name):
        return argument_token(option)
    return f"{name}{sign}{value if _is_common(value) else argument_token(value)}" if sign else name


def kind_token(kind: str) -> str:
    """What a tool calls a kind of error: its own word stays, anything else could be a name.

    >>> kind_token("InvalidRead"), kind_token("SIGSEGV in tiles")
    ('InvalidRead', 'text-fe2fb0f68446')
    """
    return kind if _PROBLEM_KIND.match(kind) else token("text", kind)


def prose_tokens(text: str) -> str:
    """A text of an input or on one: words that leakreport and the tools use stay, numbers, and nothing else.

    >>> prose_tokens("3 addresses have no name: libtiles.so.2 (not found)."), prose_tokens("Invalid read of size 8")
    ('3 addresses have no name: text-508c4df35ca1 (not found).', 'Invalid read of size 8')
    """
    return " ".join(map(_prose_word, text.split(" ")))


def _prose_word(word: str) -> str:
    if _is_common(word) or _is_common(word.strip(".,;:!?")):
        return word
    match = _EDGES.match(word)
    assert match is not None, "every part of the pattern may be empty"
    core = match["core"]
    shown = core if _is_common(core) else token("text", core)
    return f"{match['before']}{shown}{match['after']}"


def _is_common(word: str) -> bool:
    return not word or word.lower() in PROSE_WORDS or _NUMBER.match(word) is not None or _TOKEN.match(word) is not None


BY_NAME = Told(str, str, str, lambda one: one)
BY_TOKEN = Told(canonical_token, file_token, stem_token, difference_token)
