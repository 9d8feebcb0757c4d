"""The formats that pipelines read, from the command line: several at once, with the exit code of the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from tests.cli.test_cli import case, run
from tests.render.pipeline_support import FORMATS, assert_red, sarif_of
from tests.support import fixture_path


def test_all_at_once(tmp_path: Path) -> None:
    outputs = [part for name in FORMATS for part in ("-o", f"{name}:{tmp_path / name}")]
    done = run("analyze", case("kinds"), "--fail-on", "definite", *outputs)
    assert done.returncode == 1
    assert all((tmp_path / name).stat().st_size for name in FORMATS)


def test_the_suffix_is_enough(tmp_path: Path) -> None:
    assert run("analyze", case("kinds"), "-o", tmp_path / "x.sarif", "-o", tmp_path / "x.prom").returncode == 0
    assert json.loads((tmp_path / "x.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"
    assert (tmp_path / "x.prom").read_text(encoding="utf-8").startswith("# HELP leakreport_info")


@pytest.mark.parametrize("partial", [(), ("--partial",)])
def test_a_cut_file_is_an_error_whatever_the_exit_code(partial: tuple[str, ...], tmp_path: Path) -> None:
    cut = tmp_path / "cut.xml"
    content = case("clean-true").read_bytes()
    cut.write_bytes(content[: len(content) * 2 // 3])
    done = run("analyze", cut, *partial, "--fail-on", "definite", "-o", f"junit:{tmp_path / 'x'}", "--to", "github")
    assert done.returncode == (5 if partial else 3)
    assert etree.parse(str(tmp_path / "x")).findall(".//error")
    assert done.stdout.startswith("::error ")


UNREADABLE = {
    "empty": b"",
    "no profile": b"PASS: 12 of 12 tests\n",
    "head only": b'<?xml version="1.0"?>\n\n<valgrindoutput>\n',
}


@pytest.mark.parametrize("command", ["analyze", "diff", "trend"])
@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_nothing_readable_is_red_in_every_format(command: str, content: bytes, tmp_path: Path) -> None:
    bad = tmp_path / "bad.xml"
    bad.write_bytes(content)
    for name in FORMATS:
        # The result of the build before.
        (tmp_path / name).write_text("green", encoding="utf-8")
    page = tmp_path / "x.html"
    good = fixture_path("memcheck-xml", "svc-v2")
    inputs = {"analyze": [bad], "diff": [good, bad], "trend": [bad, bad]}[command]
    outputs = [part for name in FORMATS for part in ("-o", f"{name}:{tmp_path / name}")]
    done = run(command, *inputs, *outputs, "-o", page)
    # Too few points are wrong usage, whatever made them few.
    is_short = command == "trend" and content.endswith(b"<valgrindoutput>\n")
    assert done.returncode == (2 if is_short else 3), done.stderr
    texts = {name: (tmp_path / name).read_text(encoding="utf-8") for name in FORMATS}
    assert_red(texts)
    if "nothing could be read" in done.stderr:
        assert not page.exists()


def test_a_failure_tells_no_names_where_they_are_hidden(tmp_path: Path) -> None:
    secret = tmp_path / "platypus.xml"
    secret.touch()
    for name in FORMATS:
        done = run("analyze", secret, "--redact", "--to", name)
        assert done.returncode == 3
        assert "platypus" not in done.stdout, name
        assert "input-1" in done.stdout or name == "prometheus", name


@pytest.mark.parametrize("name", FORMATS)
def test_comparisons_and_trends(name: str) -> None:
    files = [fixture_path("memcheck-xml", f"svc-v{number}") for number in (2, 3, 4, 5)]
    assert run("diff", files[0], files[-1], "--to", name).stdout
    assert run("trend", *files, "--to", name, "--as", "runs").stdout


def test_paths_are_relative_to_a_source_root() -> None:
    # As recorded on the machine that ran it: a folder that is not here, named as text.
    def paths(*options: str) -> set[str]:
        done = run("analyze", case("kinds"), "--to", "codequality", *options)
        return {entry["location"]["path"] for entry in json.loads(done.stdout)}

    assert paths() == {"src/demo/vg/kinds.c"}
    assert paths("--source-root", "/src/demo") == {"vg/kinds.c"}
    assert paths("--source-root", "/src/demo", "--source-root", "/src/demo/vg/") == {"kinds.c"}
    assert paths("--source-root", "/src/dem") == {"src/demo/vg/kinds.c"}


def test_one_that_holds_one_run_only_names_those_that_do_not() -> None:
    done = run("diff", case("kinds"), case("kinds"), "--to", "folded")
    assert done.returncode == 2
    assert "sarif" in done.stderr
    assert "folded," not in done.stderr.partition("Use ")[2]


@pytest.mark.parametrize("command", ["analyze", "diff", "trend"])
def test_everything_at_once_from_every_command(command: str, tmp_path: Path) -> None:
    files = [fixture_path("memcheck-xml", f"svc-v{number}") for number in (2, 3, 5)]
    inputs = {"analyze": files[:1], "diff": files[1:], "trend": files}[command]
    options = ["--as", "runs"] if command == "trend" else []
    names = [*FORMATS, "terminal", "json", "markdown", "html", "csv"]
    outputs = [part for name in names for part in ("-o", f"{name}:{tmp_path / name}")]
    done = run(command, *inputs, *options, *outputs, "--to", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["kind"] == {"analyze": "analysis"}.get(command, command)
    for name in names:
        # The same as when it is asked for alone.
        alone = run(command, *inputs, *options, "-o", f"{name}:{tmp_path / 'alone'}")
        assert alone.returncode == 0
        if name not in {"html", "json", "markdown", "terminal", "github-summary", "comment"}:
            assert (tmp_path / name).read_bytes() == (tmp_path / "alone").read_bytes(), name
        assert (tmp_path / name).stat().st_size > 100


def test_several_runs_are_one_run_of_sarif() -> None:
    files = [fixture_path("memcheck-xml", f"svc-v{number}") for number in (2, 3, 5)]
    documents = [run("trend", "--as", "runs", *files, "--to", "sarif"), run("analyze", *files, "--to", "sarif")]
    for done in documents:
        assert sarif_of(done.stdout)["tool"]["driver"]["name"] == "leakreport"
