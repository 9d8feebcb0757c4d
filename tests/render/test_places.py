"""Paths of the project, by text alone."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.model.raw import Frame
from leakreport.render.places import Base, Roots


@pytest.fixture
def roots(monkeypatch: pytest.MonkeyPatch) -> Roots:
    monkeypatch.setattr("os.getcwd", lambda: "/home/ann/proj")
    return Roots(["/build", "/build/sub", "/home/ann/proj/src", "C:\\work"])


@pytest.mark.parametrize(
    ("path", "uri", "base"),
    [
        ("/home/ann/proj/src/a.c", "src/a.c", Base.PROJECT),
        ("/home/ann/project/a.c", "file:///home/ann/project/a.c", Base.ROOT),
        ("/build/x/../y.c", "y.c", Base.PROJECT),
        ("/build/sub/z.c", "z.c", Base.PROJECT),
        ("/usr/include/c++/12/new", "file:///usr/include/c++/12/new", Base.ROOT),
        ("//build//a.c", "a.c", Base.PROJECT),
        ("./src/./a.c", "src/a.c", Base.PROJECT),
        ("../../src/a.c", "src/a.c", Base.PROJECT),
        ("a b#?%.c", "a%20b%23%3F%25.c", Base.PROJECT),
        ("javascript:x", "javascript%3Ax", Base.PROJECT),
        ("~/proj/src/a.c", "src/a.c", Base.PROJECT),
        ("~/other/a.c", "other/a.c", Base.HOME),
        ("C:\\work\\a.c", "a.c", Base.PROJECT),
        ("D:\\src\\a.c", "file:///D:/src/a.c", Base.ROOT),
        ("..", "unknown", Base.PROJECT),
        ("/", "file:///unknown", Base.ROOT),
        ("\ud800.c", "%EF%BF%BD.c", Base.PROJECT),
    ],
)
def test_a_path(roots: Roots, path: str, uri: str, base: Base) -> None:
    found = roots.of_path(path, 3)
    assert (found.base, found.line) == (base, 3)
    assert found.uri == uri


@given(st.text())
def test_any_path_is_a_plain_one(text: str) -> None:
    found = Roots([]).of_path(text)
    assert found.path
    assert not found.path.startswith("/")
    assert not {"..", "."} & set(found.path.split("/"))
    rest = found.uri.removeprefix("file:///")
    assert rest.isascii()
    assert not set(' #?"<>\\^`{|}\x7f') & set(rest)
    assert unquote(rest) == found.path.encode("utf-8", "replace").decode() or "\ud800" <= max(found.path) <= "\udfff"


def test_a_line_that_is_none_is_left_out(roots: Roots) -> None:
    found = roots.place(Frame(file="a.c", line=0))
    assert found is not None
    assert found.line is None
    assert roots.place(Frame("f")) is None
    assert roots.object(Frame("f")) is None
    module = roots.object(Frame("f", "/usr/lib/libx.so"))
    assert module is not None
    assert not module.is_source
