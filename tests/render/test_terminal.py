"""The terminal renderer: the piped lines word for word, the screen's width, and hostile names."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

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
from leakreport.render.screen import columns_of
from leakreport.render.terminal import TerminalRenderer

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


SCREEN = RenderOptions(is_terminal=True, width=80)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def render(report: Report, options: RenderOptions) -> str:
    return TerminalRenderer().render(report, options)


def test_piped_lines() -> None:
    assert render(make_report(inputs=2), RenderOptions()).splitlines() == [
        "LEAK 2.00 KiB lost by grow",
        "LEAD All through grow.",
        "KIND definite 2048 B 2 blocks",
        "PATH 2048 B 2 blocks definite grow.so grow a/grow.c:7 p1-0",
        "ERROR 4 InvalidRead Invalid read: grow a/grow.c:7",
        "FD 1 FdNotClosed left open: grow main.c:3",
        "PROCESS 100 grow‹U+0020›0.xml 2048 B",
        "PROCESS 101 grow‹U+0020›1.xml 2048 B",
        "NOTE grow 0.xml: note grow",
        "NOTE grow 1.xml: note grow",
        "GATE failed --fail-on definite: 2.00 KiB grow",
        "NEXT leakreport diff grow",
    ]


@pytest.mark.parametrize(
    ("status", "word", "mark"),
    [
        (Status.LEAK, "LEAK", "●"),
        (Status.RETAINED, "HELD", "○"),
        (Status.CLEAN, "CLEAN", "✓"),
        (Status.INCONCLUSIVE, "INCONCLUSIVE", "?"),
    ],
)
def test_every_status_has_its_marker(status: Status, word: str, mark: str) -> None:
    report = make_report(status=status)
    assert render(report, RenderOptions()).startswith(f"{word} ")
    assert f"\n{mark} {word}  " in render(report, SCREEN)


def test_paths_past_the_25th_are_counted() -> None:
    report = make_report(count=30)
    lines = render(report, RenderOptions()).splitlines()
    assert sum(line.startswith("PATH ") for line in lines) == 25
    assert "MORE 5 paths" in lines
    verbose = render(report, RenderOptions(verbosity=1))
    assert verbose.count("\nPATH ") == 30
    assert "\nMORE " not in verbose


@pytest.mark.parametrize("width", [20, 80, 100, 200])
@pytest.mark.parametrize("name", ["grow", "n" * 500, "漢字" * 60, HOSTILE])
def test_the_screen_keeps_its_width(width: int, name: str) -> None:
    text = render(make_report(name=name, inputs=2), RenderOptions(is_terminal=True, width=width))
    for line in text.splitlines():
        # Commands are there to be copied and never broken.
        assert line.startswith("  Next:") or columns_of(line) <= max(width, 80)


def test_ten_entries_unless_verbose() -> None:
    report = make_report(count=12)
    assert "2 more entries (-v lists them)" in render(report, SCREEN)
    verbose = render(report, RenderOptions(is_terminal=True, width=80, verbosity=1))
    assert "more entries" not in verbose
    assert "\n12   grow" in verbose


def test_the_responsible_frame_is_marked_once() -> None:
    lines = [line for line in render(make_report(), SCREEN).splitlines() if "▶" in line]
    assert len(lines) == 1
    assert lines[0].split() == ["▶", "grow", "a/grow.c:7"]


def test_colour_changes_nothing_but_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    plain = render(make_report(inputs=2), SCREEN)
    coloured = render(make_report(inputs=2), RenderOptions(is_terminal=True, width=80, with_colour=True))
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    assert ESCAPES.sub("", coloured) == plain


@pytest.mark.parametrize("options", [RenderOptions(), SCREEN, RenderOptions(is_terminal=True, with_colour=True)])
def test_hostile_names_become_visible(options: RenderOptions) -> None:
    text = render(make_report(name=HOSTILE, inputs=2), options)
    assert "\x1b[31m" not in text
    assert "\u202e" not in text
    assert "\n@team" not in text
    assert "‹U+001B›" in text
    if not options.is_terminal:
        words = {"LEAK", "LEAD", "KIND", "PATH", "ERROR", "FD", "PROCESS", "NOTE", "GATE", "NEXT"}
        assert {line.split(" ")[0] for line in text.splitlines()} == words


def test_double_verbose_lines_hold_every_stack() -> None:
    lines = render(make_report(count=2), RenderOptions(verbosity=2)).splitlines()
    start = lines.index("PATH 2048 B 2 blocks definite grow.so grow a/grow.c:7 p1-1")
    assert lines[start + 1 : start + 4] == [
        "FRAME p1-1 0 - vgpreload.so malloc -",
        "FRAME p1-1 1 responsible grow.so grow a/grow.c:7",
        "FRAME p1-1 2 own svc main main.c:3",
    ]


def test_a_double_verbose_screen_shows_every_stack() -> None:
    text = render(make_report(count=12), RenderOptions(is_terminal=True, width=80, verbosity=2))
    assert text.count("▶ grow ") == 12


def test_verbose_lists_paths_past_the_reading_list() -> None:
    report = make_report(count=5)
    kept = tuple(finding for finding in report.findings if finding.path_ids[:1] in {(), ("p1-0",), ("p1-1",)})
    report = replace(report, findings=kept, unlisted_leaks=3)
    assert "3 more entries (-v lists them)" in render(report, SCREEN)
    verbose = render(report, replace(SCREEN, verbosity=1))
    assert "\n 5   grow" in verbose
    assert "more entries" not in verbose


def test_the_mark_stands_at_the_caller_of_an_allocation_wrapper() -> None:
    report = make_report()
    report = replace(report, paths=(replace(report.paths[0], named_by=0),))
    for options in (SCREEN, replace(SCREEN, verbosity=2)):
        marked = [line.split() for line in render(report, options).splitlines() if "▶" in line]
        assert marked == [["▶", "main", "main.c:3"]]


def test_the_gate_is_said_once() -> None:
    report = make_report()
    gate = report.verdict.gate_lines[0]
    report = replace(report, verdict=replace(report.verdict, reasons=(f"{gate.gate}: {gate.text}.", "Another reason.")))
    for options in (SCREEN, RenderOptions()):
        text = render(report, options)
        assert text.count("--fail-on definite") == 1
        assert "Another reason." in text


def test_long_names_lose_what_says_least_first() -> None:
    name = "shop::Table<std::vector<int, std::allocator<int> > >::find(std::string const&)"
    assert "shop::Table<…>::find" in render(make_report(name=name), RenderOptions(is_terminal=True, width=100))
    assert name in render(make_report(name=name), RenderOptions())
