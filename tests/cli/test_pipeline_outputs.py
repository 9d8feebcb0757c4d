"""The formats that pipelines read, from the command line: several at once, with the exit code of the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

from tests.cli.test_cli import case, run
from tests.render.pipeline_support import FORMATS
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


def test_nothing_readable_writes_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty.xml"
    empty.touch()
    assert run("analyze", empty, "-o", tmp_path / "x.sarif").returncode == 3
    assert not (tmp_path / "x.sarif").exists()


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
    done = run("diff", case("kinds"), case("kinds"), "--to", "csv")
    assert done.returncode == 2
    assert "sarif" in done.stderr
    assert "csv," not in done.stderr.partition("Use ")[2]
