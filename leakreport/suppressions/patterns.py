"""Patterns for single frames that outlive a rebuild: no clone suffixes, versions, folders or numbers of lambdas."""

from __future__ import annotations

import re
from collections.abc import Callable

from leakreport.model.raw import Frame, FrameKind
from leakreport.suppressions.globs import compiled
from leakreport.suppressions.mangling import mangled_glob, without_clone
from leakreport.suppressions.rules import FramePattern, Place

Demangler = Callable[[str], str]

_NEW = re.compile(r"operator new(\[\])?\(|_Zn([wa])")
_VERSION = re.compile(r"(?:-\d[\w.]*)?\.so(?:\.\d[\w.]*)?\Z")
_PYTHON_ABI = re.compile(r"\.(?:cpython|abi)[\w-]*\.so\Z")
_RUST_HASH = re.compile(r"17h[0-9a-f]{16}E")
_BARE_TEMPLATE = re.compile(r"<.*>\Z", re.DOTALL)
_UNUSABLE = ("(below main)", "???")


def frame_pattern(
    frame: Frame, demangle: Demangler, *, in_cplusplus: bool, is_exact: bool = False
) -> FramePattern | None:
    """The pattern of valgrind for a frame: the function, else the object; None where neither can be written.

    Args:
        frame: a frame with whatever is known of it.
        demangle: makes linker names readable.
        is_exact: with template arguments and parameters as far as they are known.
        in_cplusplus: the stack has C++ in it, so an inlined name is in other builds a part of a longer one.
    """
    function = frame.function
    if frame.kind not in {FrameKind.FUNCTION, FrameKind.ADDRESS} or function in _UNUSABLE:
        return None
    glob = None if function is None else _function_glob(frame, demangle, in_cplusplus=in_cplusplus, is_exact=is_exact)
    if glob is not None:
        return FramePattern(Place.FUNCTION, glob)
    return None if frame.module is None else FramePattern(Place.OBJECT, object_glob(frame.module))


def _function_glob(frame: Frame, demangle: Demangler, *, in_cplusplus: bool, is_exact: bool) -> str | None:
    function = frame.function or ""
    if (new := _NEW.match(function)) is not None:
        # The letter behind it is the width of a size, and alignment may follow.
        return "_Zna*" if new[1] or new[2] == "a" else "_Znw*"
    if function.startswith(("_Z", "_R")):
        return _of_linker_name(function, demangle, is_exact=is_exact)
    bare = without_clone(function)
    readable = mangled_glob(function, is_exact=is_exact)
    if readable is not None:
        return readable
    if re.search(r"[(:]", _BARE_TEMPLATE.sub("", bare).replace("operator()", "")):
        # C++ or Rust in a form that no linker name can be made of.
        return None
    if frame.is_inlined and in_cplusplus and not is_exact:
        return f"*{_BARE_TEMPLATE.sub('', bare)}*"
    return bare if bare == function else f"{bare}*"


def _of_linker_name(name: str, demangle: Demangler, *, is_exact: bool) -> str:
    """The narrowest glob of the readable name that the linker's name fits."""
    bare = without_clone(name)
    readable = demangle(bare)
    for local in ("", "L", "*"):
        glob = None if readable == bare else mangled_glob(readable, local=local, is_exact=is_exact)
        if glob is not None and compiled(glob).fits(name):
            return glob
    return _RUST_HASH.sub("17h*E", bare) + ("*" if bare != name or _RUST_HASH.search(bare) else "")


def object_glob(module: str) -> str:
    """A glob for an object, whatever folder and version it has.

    >>> object_glob("/usr/lib/libfoo.so.3.1"), object_glob("/opt/app/server"), object_glob("/x/_ssl.cpython-311-x86_64.so")
    ('*/libfoo.so*', '*/server', '*/_ssl.*.so*')
    """
    folder, slash, name = module.rpartition("/")
    del folder
    if _PYTHON_ABI.search(name):
        name = _PYTHON_ABI.sub(".*.so*", name)
    elif (match := _VERSION.search(name)) is not None:
        name = f"{name[: match.start()]}{'-*' if match[0].startswith('-') else ''}.so*"
    return f"*/{name}" if slash else name


def search_pattern(frame: Frame, *, is_exact: bool = False) -> str | None:
    """The pattern of LeakSanitizer and heaptrack for a frame: the function bound to its ends, else the object.

    With `is_exact` template arguments stay, which compilers may spell otherwise. Both search it in readable names with their parameters, so that what follows the name is a bracket, or nothing.
    """
    function = frame.function
    if function is None or function in _UNUSABLE:
        return None if frame.module_name is None else f"/{_VERSION.sub('.so', frame.module_name)}"
    bare = without_clone(function)
    if any(sign in bare for sign in "*^$") and "(" not in bare:
        bare = re.sub(r"[*^$]", "*", bare)
    head = _before_parameters(bare)
    if head is None:
        return f"^{bare}$" if bare == function else f"^{bare}"
    # Template arguments differ between compilers, and a return type stands before the names of templates.
    has_return_type = " " in _without_brackets(head) and "operator" not in head
    name = _last_word(head) if has_return_type else head
    name = re.sub(r"[*^$]", "*", name if is_exact else _open_templates(name))
    return f"{'' if has_return_type else '^'}{name}("


def _before_parameters(function: str) -> str | None:
    """What stands before the last bracket of parameters that is not within another; None without one."""
    depth, start = 0, None
    at = 0
    while at < len(function):
        if function.startswith("operator()", at) and not depth:
            at += len("operator()")
            continue
        sign = function[at]
        if sign in "(<{[":
            if sign == "(" and not depth and not function.startswith("(anonymous namespace)", at):
                start = at
            depth += 1
        elif sign in ")>}]" and depth:
            depth -= 1
        at += 1
    return None if start is None else function[:start]


def _without_brackets(text: str) -> str:
    kept, depth = [], 0
    for sign in text.replace("(anonymous namespace)", "anonymous"):
        depth += sign in "(<{["
        if not depth:
            kept.append(sign)
        depth -= sign in ")>}]" and depth > 0
    return "".join(kept)


def _last_word(text: str) -> str:
    """Behind the last blank that is in no bracket."""
    depth = 0
    for at in range(len(text) - 1, -1, -1):
        sign = text[at]
        depth += sign in ")>}]"
        depth -= sign in "(<{["
        if sign == " " and depth == 0:
            return text[at + 1 :]
    return text


def _open_templates(text: str) -> str:
    """A `*` for whatever stands in angle brackets."""
    kept, depth = [], 0
    for at, sign in enumerate(text):
        is_operator = text[:at].rstrip("<>-=").endswith("operator")
        if sign == "<" and not is_operator:
            kept += ["<*"] if depth == 0 else []
            depth += 1
        elif sign == ">" and depth and text[at - 1] != "-":
            depth -= 1
            kept += [">"] if depth == 0 else []
        elif not depth:
            kept.append(sign)
    return "".join(kept)
