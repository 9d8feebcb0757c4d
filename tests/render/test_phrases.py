"""Words that the renderers share: names, places, and what of the input is never shown as it is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport.model.raw import Frame, FrameKind
from leakreport.privacy.texts import REDACTED, without_home, without_secrets
from leakreport.render.phrases import (
    cut,
    frame_name,
    location,
    named_in,
    named_position,
    place,
    printable,
    program_name,
    site_frame,
    title_frame,
    wrapper_name,
)
from tests.render.test_golden import leak_report

INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_nothing_printable_hides_or_reorders(text: str) -> None:
    shown = printable(text)
    assert not INVISIBLE.search(shown)
    assert printable(shown) == shown


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S"))))
def test_visible_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_a_terminal_escape_is_shown_as_its_code() -> None:
    assert printable("a\x1b[31mb\n") == "a‹U+001B›[31mb‹U+000A›"


@given(st.text(max_size=3000), st.integers(min_value=40, max_value=2000))
def test_a_cut_text_is_never_longer_than_asked(text: str, characters: int) -> None:
    assert len(cut(text, characters)) <= characters
    if len(text) <= characters:
        assert cut(text, characters) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/home/ann/src/x.c", "~/src/x.c"),
        ("--log=/Users/ann/x", "--log=~/x"),
        ("(/home/ann/x)", "(~/x)"),
        ("/srv/home/x.c", "/srv/home/x.c"),
        ("/homework/x.c", "/homework/x.c"),
        ("C:\\Users\\ann\\x", "~\\x"),
    ],
)
def test_home_folders_name_nobody(text: str, shown: str) -> None:
    assert without_home(text) == shown


@pytest.mark.parametrize(
    ("arguments", "shown", "count"),
    [
        (("--token=abc",), ("--token=" + REDACTED,), 1),
        (("--password", "hunter2"), ("--password", REDACTED), 1),
        (("http://ann:pw@host/",), (f"http://{REDACTED}@host/",), 1),
        (("--keyboard=us", "--log", "x"), ("--keyboard=us", "--log", "x"), 0),
        ((), (), 0),
    ],
)
def test_secrets_are_replaced_and_counted(arguments: tuple[str, ...], shown: tuple[str, ...], count: int) -> None:
    assert without_secrets(arguments) == (shown, count)


@pytest.mark.parametrize(
    ("frame", "name"),
    [
        (Frame("f(int)"), "f(int)"),
        (Frame("all", kind=FrameKind.SYNTHETIC), "[all]"),
        (Frame(module="/lib/libx.so", address=16), "0x10 (libx.so)"),
        (Frame(module="/lib/libx.so"), "??? (libx.so)"),
        (Frame(address=16), "0x10"),
        (Frame(), "???"),
        (Frame("a\x1b"), "a‹U+001B›"),
    ],
)
def test_a_frame_always_has_a_name(frame: Frame, name: str) -> None:
    assert frame_name(frame) == name


def test_a_place_is_the_file_else_the_module_else_nothing() -> None:
    frame = Frame("f", "/lib/libx.so", "/home/ann/src", "x.c", 3)
    assert location(frame) == place(frame) == "src/x.c:3"
    assert location(Frame("f", file="x.c")) == "x.c"
    assert place(Frame("f", "/lib/libx.so")) == "libx.so"
    assert place(Frame("f")) == ""


def test_a_path_is_named_past_its_allocation_wrapper() -> None:
    report = leak_report()
    row, finding = report.paths[0], report.findings[0]
    frame = title_frame(report, row)
    assert frame is not None
    assert frame.function == "ThumbnailPool::render(Tile const&)"
    assert named_in(row) == named_position(report, finding) == 2
    assert wrapper_name(report, row) == "pool_alloc"


def test_without_a_wrapper_the_responsible_frame_names_the_path() -> None:
    report = leak_report()
    assert named_in(report.paths[1]) == 1
    assert wrapper_name(report, report.paths[1]) == ""


def test_a_path_without_a_frame_of_yours_is_named_by_the_library() -> None:
    report = leak_report()
    row = report.paths[2]
    assert named_in(row) is None
    assert title_frame(report, row) == site_frame(report, row) == report.frames[7]
    assert title_frame(report, replace(row, site=None)) == report.frames[5]
    assert title_frame(report, replace(row, site=None, frames=())) is None


def test_an_error_is_named_by_its_own_stack() -> None:
    report = leak_report()
    assert named_position(report, report.findings[2]) == 1


def test_a_program_is_called_by_its_base_name() -> None:
    assert program_name(("./build/svc\x1b", "-x")) == "svc‹U+001B›"
    assert program_name(()) == ""
