"""Names for people: the same as c++filt, without what compilers append."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.symbols import demangle as module
from leakreport.symbols.demangle import demangle, is_mangled

CASES = {
    "main": "main",
    "main.cold": "main",
    "grow.isra.0": "grow",
    "grow.part.0.constprop.1": "grow",
    "f.llvm.1234567890": "f",
    "g.lto_priv.0": "g",
    "malloc@@GLIBC_2.2.5": "malloc",
    "__libc_start_main@GLIBC_2.34": "__libc_start_main",
    "_ZN3app11load_configERNS_6ConfigE": "app::load_config(app::Config&)",
    "_ZN3app11load_configERNS_6ConfigE.cold": "app::load_config(app::Config&)",
    "app::ResponsePool::grow() [clone .isra.0]": "app::ResponsePool::grow()",
    "f() [clone .part.0] [clone .cold]": "f()",
    "operator new[](unsigned long)": "operator new[](unsigned long)",
    "_Zbroken": "_Zbroken",
    "_ZN": "_ZN",
    ".cold": ".cold",
    "@@V": "@@V",
    "": "",
    "a.b.c": "a.b.c",
    "-[Objective method:]": "-[Objective method:]",
}
RUST = {
    "_ZN5rusty5store14Table$LT$K$GT$6insert17h0123456789abcdefE": "rusty::store::Table<K>::insert",
    "_ZN4core3fmt5write17h0123456789abcdefE.llvm.77": "core::fmt::write",
    "_RNvCs1234_7mycrate3foo": "mycrate::foo",
    "_RNvNtCs8y6E41fb8tc_5alloc5boxed14box_new_uninit.17199": "alloc::boxed::box_new_uninit",
    "_RNCNvCs1234_7mycrate3foo0B3_": "mycrate::foo::{closure#0}",
    "_Rbroken": "_Rbroken",
}


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    kept = (module.demangle, module._rust)
    for function in kept:
        function.cache_clear()
    yield
    for function in kept:
        function.cache_clear()


@pytest.mark.parametrize("name", CASES)
def test_names(name: str) -> None:
    assert demangle(name) == CASES[name]


@pytest.mark.parametrize("name", RUST)
def test_names_of_rust(name: str) -> None:
    pytest.importorskip("rust_demangler")
    assert demangle(name) == RUST[name]


@pytest.mark.parametrize("name", RUST)
def test_names_of_rust_stay_without_the_demangler(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_rust_demangler", lambda: None)
    assert demangle(name) == name.partition(".")[0]
    assert is_mangled(demangle(name))


def test_names_of_cplusplus_stay_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_cplusplus_demangler", lambda: None)
    assert demangle("_Z1fv.cold") == "_Z1fv"


def test_all_names_of_a_program_are_those_of_cppfilt(binaries: Path, tool: Callable[[str], str]) -> None:
    listed = subprocess.run(
        [tool("nm"), str(binaries / "v2" / "demo")], capture_output=True, text=True, check=True
    ).stdout.split()
    names = sorted({word for word in listed if word.startswith("_Z") and "." not in word and "@" not in word})
    assert len(names) > 40
    filtered = subprocess.run(
        [tool("c++filt")], input="\n".join(names), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert [demangle(name) for name in names] == filtered


def test_nothing_is_written_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    # rust-demangler 1.0 prints where it does not understand.
    demangle("_RINvNtCs8y6E41fb8tc_5alloc3fooQDG_INtNtNtB2_3ops8function5FnMutTRNtB2_3BarEEEL_EB2_")
    demangle("_RYDG_")
    assert capsys.readouterr().out == ""


@given(st.text(max_size=60), st.sampled_from(["", "_Z", "_ZN", "_R", "_RNv", "_ZN3foo17h0123456789abcdef"]))
def test_any_text_is_a_name(text: str, prefix: str) -> None:
    assert isinstance(demangle(prefix + text), str)


@pytest.mark.parametrize(
    "name",
    [
        "_Z" + "P" * 9000 + "v",
        "_Z1f" + "I" * 9000,
        "_RNv" + "N" * 9000,
        "_Z" + "x" * 1_000_000,
        "_RI" + "B" * 9_000 + "_",
    ],
)
def test_long_and_deep_names_are_safe(name: str) -> None:
    assert demangle(name)
