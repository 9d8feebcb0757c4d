"""What names a person, a machine or a secret is in no output, unless --include-host is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from leakreport.analysis.diffreport import DiffReport
from leakreport.analysis.report import Report
from leakreport.analysis.trendreport import TrendReport
from leakreport.api import analyze, compare, load_inputs, render, trend
from leakreport.cli import main
from leakreport.model.builder import build_run
from leakreport.model.metrics import LeakKind
from leakreport.model.raw import (
    CaptionedStack,
    Frame,
    LeakSearch,
    Mapping,
    Moment,
    Note,
    ProblemKind,
    RawProblem,
    RawSnapshot,
    SampleTableBuilder,
    SnapshotMeta,
    Truncation,
)
from leakreport.model.snapshot import Run
from leakreport.privacy.copies import public_copy
from leakreport.privacy.texts import prose_without_secrets, without_home, without_secrets
from leakreport.render.interface import RenderOptions
from tests.privacy_support import FORMATS, text_of

HOME = "/home/alice"
ROOT_HOME = "/" + "root"
NAMES = ("alice", "hunter2", "s3cr3t", "build7")
"""A person, two secrets and a machine; nothing else in the inputs below holds these letters."""


def run_of(number: int = 1, *, extra: int = 0, is_cut: bool = True) -> Run:
    """One run in which everything that is text has a home folder, a secret or a host."""
    builder = SampleTableBuilder(("retained_bytes", "retained_blocks"))
    own = Frame("grow", f"{HOME}/app/svc", f"{HOME}/app/src", "svc.c", 7)
    rust = Frame("svc::{closure in /Users/alice/x.rs:3}", "/Users/alice/app/libx.so.1", "/Users/alice/app", "x.rs", 3)
    builder.add(
        [Frame("main", f"{HOME}/app/svc", f"{HOME}/app/src", "svc.c", 9), own, Frame("malloc")],
        (4096 + extra, 2),
        leak_kind=LeakKind.DEFINITE,
        name=f"{HOME}/1",
    )
    builder.add(
        [own, rust, Frame("malloc", f"{ROOT_HOME}/lib/libm.so")], (512, 1), leak_kind=LeakKind.POSSIBLE, name="2"
    )
    problem = RawProblem(
        ProblemKind.DESCRIPTOR,
        "FdNotClosed",
        f"Open file descriptor 3: {HOME}/secret.txt",
        stacks=(CaptionedStack(f"opened by {HOME}/app/svc", (own,)),),
        name=f"{HOME}/fd",
    )
    meta = SnapshotMeta(
        source=f"alice@build7:{HOME}/runs/{number}.xml",
        format="memcheck-xml",
        tool="memcheck",
        tool_version="3.22.0",
        pid=100 + number,
        command=(
            f"{HOME}/app/svc",
            "--token",
            "s3cr3t",
            "AWS_SECRET_ACCESS_KEY=hunter2",
            f"--log={HOME}/log",
            f"--run={number}",
        ),
        tool_options=("--password=hunter2", f"--xml-file={HOME}/x.xml", f"-I{HOME}/include"),
        label=f"{HOME}/label",
        truncation=Truncation(f"the XML ends inside {HOME}/x", 3, 2) if is_cut else None,
        is_complete=not is_cut,
        leak_search=LeakSearch.COMPLETE,
        kinds_recorded=frozenset(LeakKind),
        moment=Moment.EXIT,
        mappings=(Mapping(0, 4096, 0, f"{HOME}/app/svc", "aa" * 20),),
        notes=(
            Note(
                "suppressed",
                f"Suppressions of {HOME}/my.supp and file://{HOME}/other with password=hunter2 hid errors.",
            ),
        ),
    )
    samples = builder.build()
    totals = {
        "retained_bytes": 4608 + extra,
        "definite_bytes": 4096 + extra,
        "possible_bytes": 512,
        "leaked_bytes": 4608 + extra,
    }
    return build_run([RawSnapshot(meta, totals, samples, (problem,))])


def comparison() -> DiffReport:
    return compare(run_of(1), run_of(2, extra=4096))


def series() -> TrendReport:
    raws = [run_of(number, extra=4096 * number, is_cut=False) for number in range(1, 9)]
    first = raws[0]
    return trend(Run(first.frames, first.tree, tuple(one.snapshots[0] for one in raws)))


REPORTS: dict[str, Callable[[], Report | DiffReport | TrendReport]] = {
    "analysis": lambda: analyze(run_of()),
    "diff": comparison,
    "trend": series,
}
COMMAND = ("leakreport", "analyze", f"{HOME}/runs/1.xml", "--own", "lib:key=hunter2")


def formats_of(kind: str) -> tuple[str, ...]:
    return FORMATS if kind == "analysis" else ("terminal", "json", "markdown", "html")


def outputs(kind: str, *, include_host: bool) -> dict[str, str]:
    options = RenderOptions(command=COMMAND, records=True, verbosity=2, include_host=include_host)
    return {name: text_of(render(REPORTS[kind](), to=name, options=options)) for name in formats_of(kind)}


@pytest.mark.parametrize("kind", REPORTS)
def test_nobody_and_nothing_secret_is_named(kind: str) -> None:
    for name, text in outputs(kind, include_host=False).items():
        for word in NAMES:
            assert word not in text, (name, word, text[max(text.index(word) - 100, 0) : text.index(word) + 60])
        assert ROOT_HOME + "/" not in text, name


@pytest.mark.parametrize("kind", REPORTS)
def test_with_the_host_everything_stays(kind: str) -> None:
    shown = outputs(kind, include_host=True)
    for word in NAMES:
        assert word in shown["json"], word
    for name, text in shown.items():
        assert "alice" in text, name


@pytest.mark.parametrize("kind", REPORTS)
def test_figures_and_ids_are_those_of_the_true_names(kind: str) -> None:
    options = {host: RenderOptions(include_host=host, records=False) for host in (False, True)}
    shown, true = (json.loads(str(render(REPORTS[kind](), to="json", options=options[host]))) for host in (False, True))
    for key in shown.keys() - {
        "inputs",
        "frames",
        "privacy",
        "findings",
        "verdict",
        "surroundings",
        "paths",
        "snapshots",
        "mismatches",
        "groups",
        "attribution",
    }:
        assert shown[key] == true[key], key
    assert [{**row, "module": ""} for row in shown["paths"]] == [{**row, "module": ""} for row in true["paths"]]
    assert shown["verdict"]["status"] == true["verdict"]["status"]
    assert shown["privacy"]["hidden_arguments"] == 3 * len(shown["inputs"])
    assert true["privacy"] == {"host": True, "hidden_arguments": 0, "redacted": False}


def test_what_is_public_is_not_copied() -> None:
    report = analyze(load_inputs([str(Path(__file__).parents[2] / "fixtures/demo/memcheck.xml")]).run or run_of())
    copy = public_copy(report, ("leakreport",), keeps_commands=False).report
    assert copy.frames is report.frames
    assert copy.verdict is report.verdict


def test_a_public_copy_keeps_what_it_was_made_from() -> None:
    report = analyze(run_of())
    before = repr(report.inputs)
    public_copy(report, (), keeps_commands=False)
    assert repr(report.inputs) == before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"{ROOT_HOME}/x.c", "~/x.c"),
        (f"in {ROOT_HOME}.", "in ~."),
        (f"{ROOT_HOME}fs/x", f"{ROOT_HOME}fs/x"),
        (f"/proc/12{ROOT_HOME}/home/ann/x", "~/x"),
        ("-isystem=/home/ann/x", "-isystem=~/x"),
        ("-I/home/ann/x", "-I~/x"),
        ("file:///home/ann/x", "file://~/x"),
        ("file://host/home/ann/x", "file://~/x"),
        ("C:/Users/Ann Lee/x", "~/x"),
        ("C:\\Users\\Ann Lee\\x", "~\\x"),
        ("/home/ann:/home/bob", "~:~"),
        ("'/home/ann/x' and \"/Users/bob\"", "'~/x' and \"~\""),
        ("[/home/ann]", "[~]"),
        ("/opt/home/x", "/opt/home/x"),
        ("a/home/ann", "a/home/ann"),
    ],
)
def test_home_folders_of_all_spellings(text: str, shown: str) -> None:
    assert without_home(text) == shown


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (("AWS_SECRET_ACCESS_KEY=x",), 1),
        (("--db-password", "x y"), 1),
        (("sh", "-c", "run --token abc --user bob"), 1),
        (("curl", "-H", "Authorization: Bearer abc"), 1),
        (("--tokens-per-block", "8"), 0),
        (("--keys",), 0),
    ],
)
def test_secrets_are_found_by_the_name_in_front(arguments: tuple[str, ...], count: int) -> None:
    assert without_secrets(arguments)[1] == count


@pytest.mark.parametrize(
    "sentence",
    [
        "2.00 KiB lost, allocated through auth::Token::parse: no pointer to it remains.",
        "All goes through load_key (key.c:4); key: value.",
        "Secret::operator=(Secret const&) grew.",
    ],
)
def test_words_of_programs_are_no_secrets_in_sentences(sentence: str) -> None:
    assert prose_without_secrets(sentence) == sentence


def test_no_host_is_in_what_commands_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fixture = Path(__file__).parents[2] / "fixtures/demo/memcheck.xml"
    path = tmp_path / "memcheck.xml"
    text = fixture.read_text(encoding="utf-8").replace("<arg>", "<arg>/home/alice/", 1)
    path.write_text(text, encoding="utf-8")
    for to in ("json", "terminal"):
        main(["analyze", str(path), "--to", to])
        shown = capsys.readouterr().out
        assert "alice" not in shown
    main(["analyze", str(path), "--to", "json", "--include-host"])
    assert "alice" in capsys.readouterr().out
    main(["convert", str(path), "--to", "json"])
    assert "alice" not in capsys.readouterr().out
