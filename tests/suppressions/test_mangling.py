"""Globs for linker names, held against the demangler of the C++ library."""

from __future__ import annotations

import pytest

from leakreport.suppressions.globs import compiled
from leakreport.suppressions.mangling import is_readable_cplusplus, mangled_glob, name_answer
from leakreport.symbols.demangle import demangle

LINKER_NAMES = """
_Z3extiPc _ZL4globi _ZN3net6Client4openEiRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE _ZNK3net6Client4openEi
_ZN3net6ClientC1Ev _ZN3net6ClientD2Ev _ZN3net6ClientcviEv _ZNK3net6ClientltERKS0_ _ZN3net6ClientclEi _ZN3net6ClientixEi
_ZN3net6Client5Inner2goIiEEvT_ _ZN3net5TableIiE3putEi _ZN3net3genIiEEPT_S1_ _ZN12_GLOBAL__N_14anonEi _ZN3netL6helperEi
_ZZN3net3lamEvENKUliE_clEi _ZZ4mainENKUlmE0_clEm _ZNSt6vectorIiSaIiEE9push_backERKi _ZNSaIcE8allocateEm
_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_mutateEmmPKcm _ZStplIcSt11char_traitsIcESaIcEENSt7__cxx1112basic_stringIT_T0_T1_EEPKS5_RKS8_
_ZNSt10filesystem7__cxx114path17has_relative_pathEv _ZNSt3__16vectorIiNS_9allocatorIiEEE9push_backEOi
_ZN4shop7stra\u00dfeEv _Z3fooB5cxx11v _ZNO3net6Client4takeEv _ZN3netmiERKNS_1AES2_ _ZN3net1AngEv _Znwm _ZnamSt11align_val_t
_ZZ3foovEN5Local3barEv _ZN3netli3_kbEy _ZN3net1AaSEOS0_ _ZN3net1AdlEPv
""".split()


@pytest.mark.parametrize("is_exact", [False, True])
@pytest.mark.parametrize("name", LINKER_NAMES)
def test_a_linker_name_fits_the_glob_of_its_readable_name(name: str, *, is_exact: bool) -> None:
    readable = demangle(name)
    if readable == name:
        pytest.skip("the C++ library is not installed")
    glob = mangled_glob(readable, is_exact=is_exact)
    assert glob is not None
    assert compiled(glob).fits(name)
    assert compiled(glob).fits(f"{name}.isra.0")
    assert name_answer(glob, readable) is not False


def test_no_other_name_fits() -> None:
    fits = {
        (name, other)
        for name in LINKER_NAMES
        for other in LINKER_NAMES
        if name != other and compiled(mangled_glob(demangle(name)) or "").fits(other)
    }

    def scope_and_name(name: str) -> str:
        return demangle(name).partition("(")[0].replace("std::__1::", "std::")

    # Overloads share scope and name, and the same class of two libraries shall.
    assert all(scope_and_name(name) == scope_and_name(other) for name, other in fits)


@pytest.mark.parametrize(
    ("glob", "function", "answer"),
    [
        ("_ZN3net4openE*", "net::close(int)", False),
        ("_ZN3net*4openE*", "net::open(int)", True),
        ("_ZN3net6Client4openEi", "net::Client::open(char*)", False),
        ("_ZN3net6Client4openE*", "net::Client::open(Size)", None),
        ("_ZN3net5TableIdE*", "net::Table<int>::put(int)", False),
        ("_ZN3net5TableI*E3putE*", "net::Table<int>::put(int)", True),
        ("_Z*4openi*", "net::open(int)", False),
        ("*", "net::open(int)", True),
        ("_ZN*", "open(int)", False),
    ],
)
def test_what_a_readable_name_tells_of_a_glob(glob: str, function: str, *, answer: bool | None) -> None:
    assert name_answer(glob, function) is answer


@pytest.mark.parametrize(
    "name", ["", "void (*f(int))(char)", "a(", "a<b", "operator", "::", "x y z", "(", "{", "~", "a::"]
)
def test_what_is_no_readable_name_has_no_glob(name: str) -> None:
    glob = mangled_glob(name)
    assert glob is None or glob.startswith("_")
    assert is_readable_cplusplus(name) in {True, False}
