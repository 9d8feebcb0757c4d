"""The Markdown renderer: the blocks of the text, and that nothing of the input becomes markup."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leakreport import api
from leakreport.analysis.report import (
    Finding,
    GateLine,
    GateResult,
    GroupRow,
    InputSummary,
    PathRow,
    Report,
    Selection,
    Severity,
    Status,
    TreeView,
    Verdict,
)
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import Frame, LeakSearch, Moment, Note
from leakreport.render.interface import RenderOptions
from leakreport.render.markdown import MarkdownRenderer, cell, code, prose

HOSTILE = "a\x1b[31m|`b``c`\n@team #1 <img src=x> \u202e[l](http://x)"


def make_report(*, count: int = 1, name: str = "grow", status: Status = Status.LEAK, inputs: int = 1) -> Report:
    """A report of equal leaks under one name, with an error and a descriptor."""
    frames = (
        Frame(function="main", file="main.c", line=3, module="/bin/svc"),
        Frame(function=name, directory="/src/a", file=f"{name}.c", line=7, module=f"/lib/{name}.so"),
        Frame(function="malloc", module="/usr/lib/vgpreload.so"),
    )
    values = {"retained_bytes": 2048, "retained_blocks": 2, "leaked_bytes": 2048, "leaked_blocks": 2}
    paths = tuple(
        PathRow(f"p1-{n}", LeakKind.DEFINITE, (0, 1, 2), 1, 1, f"{name}.so", None, values, ()) for n in range(count)
    )
    leaks = tuple(
        Finding("leak.definite", Severity.ERROR, f"lost through {name}", f"Look at {name}.", (f"Fact {name}",),
                (f"p1-{n}",), (n,), responsible=1, values=values, leak_kind=LeakKind.DEFINITE)
        for n in range(count)
    )  # fmt: skip
    problems = (
        Finding(
            "error.InvalidRead", Severity.ERROR, f"Invalid read: {name}", "", frames=(0, 1), responsible=1, count=4
        ),
        Finding("descriptor.FdNotClosed", Severity.WARNING, f"left open: {name}", "", frames=(0,), responsible=0),
    )
    summaries = tuple(
        InputSummary(f"{name} {n}.xml", "memcheck-xml", "memcheck", "3.22.0", 100 + n, None, (name,), (), None, True,
                     None, LeakSearch.COMPLETE, values, (Note("slug", f"note {name}"),), count)
        for n in range(inputs)
    )  # fmt: skip
    return Report(
        kind="analysis", metric="retained_bytes", title=name,
        verdict=Verdict(status, f"2.00 KiB lost by {name}", (f"All through {name}.",), GateResult.FAILED,
                        (GateLine("--fail-on definite", GateResult.FAILED, f"2.00 KiB {name}"),), ()),
        inputs=summaries, snapshots=(), judged=0, totals=values, unattributed={}, frames=frames,
        own=(True, True, False), paths=paths, findings=(*leaks, *problems), unlisted_leaks=0,
        by_kind=(GroupRow("definite", None, False, {"definite_bytes": 2048, "definite_blocks": 2}, count),),
        by_module=(), by_function_when_asked=tuple, groups=(), accumulation=None,
        moment=Moment.EXIT, timeline=(), tree_when_asked=lambda: TreeView((), (), (), (), (), (), (), (), ()), selection=Selection(), record_count=count,
        named_frames=3, checks=1, next_commands=(f"leakreport diff {name}",),
    )  # fmt: skip


SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)")


def render(report: Report, *command: str) -> str:
    return MarkdownRenderer().render(report, RenderOptions(command=command))


def test_a_small_report() -> None:
    text = render(make_report(), "leakreport", "analyze", "a b.xml")
    assert text.startswith("**● LEAK: 2.00 KiB lost by grow**\n\nAll through grow.\n\n| | Responsible frame |")
    assert "| 1 | `grow` | `a/grow.c:7` | `grow` | `grow.so` | ● definitely lost | 2.00 KiB | 2 |" in text
    assert "```text\n  malloc  vgpreload.so\n▶ grow  a/grow.c:7\n  main  main.c:3\n```" in text
    assert "- Errors: 4 (4 `InvalidRead`)\n- Descriptors: 1 (1 `FdNotClosed`)" in text
    assert "- Gate: failed, `--fail-on definite`: 2.00 KiB grow" in text
    assert "```text\nleakreport analyze 'a b.xml'\n```" in text
    assert text.endswith("`memcheck 3.22.0`\n")


def test_ten_entries_at_most() -> None:
    text = render(make_report(count=12))
    assert text.count("● definitely lost") == 10
    assert "2 more entries not shown." in text


def test_hostile_names_stay_in_code() -> None:
    text = render(make_report(name=HOSTILE, inputs=2), "leakreport", HOSTILE)
    assert "\x1b" not in text
    assert "\u202e" not in text
    outside = re.sub(r"^(`{3,})text\n.*?\n\1$", "", text, flags=re.MULTILINE | re.DOTALL)
    outside = SPAN.sub("", outside)
    for sign in ("@", "#", "<", "[", "`"):
        assert sign not in outside
    rows = [line for line in text.splitlines() if line.startswith("| 1 ")]
    assert len(rows) == 1
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 9


@given(st.text(min_size=1))
def test_a_code_span_holds_any_text(text: str) -> None:
    span = code(text)
    assert "\n" not in span
    if span != "–":
        found = SPAN.fullmatch(span)
        assert found is not None


@given(st.text(alphabet="a|\\`", min_size=1))
def test_every_pipe_in_a_cell_is_escaped_once(text: str) -> None:
    assert not re.search(r"(?<!\\)\||\\\\\|", cell(text))


@pytest.mark.parametrize("text", ["@all", "#12", "<b>", "a*b*", "http://x", "1.", "-", "a_b", "=== ~~x~~", ":tada:"])
def test_words_with_markup_are_code(text: str) -> None:
    assert SPAN.sub("", prose(text)).strip() == ""


def test_plain_prose_is_left_alone() -> None:
    sentence = "92% of what is lost goes through main (svc.c:66)."
    assert prose(sentence) == sentence


def public(report: Report, *command: str, include_host: bool = False) -> str:
    return str(api.render(report, to="markdown", options=RenderOptions(command=command, include_host=include_host)))


def test_the_command_names_no_person_and_no_secret() -> None:
    command = ("leakreport", "analyze", "/home/ann/m.xml", "--own", "lib:key=hunter2")
    text = public(make_report(), *command)
    assert "To reproduce (1 argument hidden):" in text
    assert "leakreport analyze ~/m.xml --own 'lib:key=‹redacted›'" in text
    host = public(make_report(), *command, include_host=True)
    assert "/home/ann/m.xml" in host
    assert "hunter2" in host


def test_notes_name_no_home() -> None:
    report = make_report()
    note = Note("slug", "read /home/ann/x.supp")
    summary = replace(report.inputs[0], source="/home/ann/m.xml", notes=(note,))
    text = public(replace(report, inputs=(summary,)))
    assert "ann" not in text
    assert "- Note: `~/m.xml`: read `~/x.supp`" in text


def test_a_long_name_is_whole_only_in_the_stack() -> None:
    name = f"shop::Table<{'std::vector<int, std::allocator<int> >, ' * 5}int>::find(std::string const&)"
    text = render(make_report(name=name))
    row = next(line for line in text.splitlines() if line.startswith("| 1 "))
    assert "`shop::Table<…>::find`" in row
    assert f"▶ {name}  " in text


def test_the_mark_stands_at_the_caller_of_an_allocation_wrapper() -> None:
    report = make_report()
    text = render(replace(report, paths=(replace(report.paths[0], named_by=0),)))
    assert "\n▶ main  main.c:3\n" in text
    assert text.count("▶") == 2


def test_the_command_names_no_output() -> None:
    outputs = (
        "-o",
        "report.html",
        "--output",
        "junit:j.xml",
        "--output=r.json",
        "-osarif:x",
        "-qo",
        "r.csv",
        "-o",
        "/key=x",
    )
    command = ("leakreport", "check", "a.xml", *outputs, "--own", "src", "--", "-o", "b.xml")
    for text in (public(make_report(), *command), str(api.render(make_report(), to="comment", options=RenderOptions(command=command)))):  # fmt: skip
        assert "\nleakreport check a.xml -q --own src -- -o b.xml\n" in text
        assert "To reproduce:" in text
