"""The formats that pipelines read, from the command line: several at once, with the exit code of the run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lxml import etree

from tests.cli.test_cli import case, run
from tests.render.pipeline_support import (
    FORMATS,
    SARIF,
    assert_red,
    code_quality_of,
    github_of,
    junit_of,
    sarif_of,
)
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
        assert "Nothing could be read" in page.read_text(encoding="utf-8")


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


def texts_of(folder: Path, *arguments: object, cwd: Path | None = None) -> tuple[int, dict[str, str]]:
    """The exit code of a command that is asked for all formats of pipelines, and what it wrote."""
    outputs = [part for name in (*FORMATS, "sarif-full") for part in ("-o", f"{name}:{folder / name}")]
    done = run(*arguments, *outputs, cwd=cwd)
    return done.returncode, {name: (folder / name).read_text(encoding="utf-8") for name in (*FORMATS, "sarif-full")}


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    """Of the second build of a service."""
    file = tmp_path / "known.json"
    done = run("baseline", "write", fixture_path("memcheck-xml", "svc-v2"), "--baseline", file)
    assert done.returncode == 0, done.stderr
    return file


def test_a_check_in_every_format(tmp_path: Path, baseline: Path) -> None:
    code, texts = texts_of(tmp_path, "check", fixture_path("memcheck-xml", "svc-v5"), "--baseline", baseline)
    assert code == 1
    states = {result["properties"]["state"]: result["baselineState"] for result in sarif_of(texts["sarif"])["results"]}
    assert states == {"new": "new", "grew": "updated", "known": "unchanged"}
    assert '"absent"' in texts["sarif-full"]
    assert "absent" not in texts["sarif"]
    code, texts = texts_of(tmp_path, "check", fixture_path("memcheck-xml", "svc-v2"), "--baseline", baseline)
    assert code == 0
    assert not junit_of(texts["junit"]).findall(".//failure")
    assert {entry["severity"] for entry in code_quality_of(texts["codequality"])} == {"info"}
    assert github_of(texts["github"])[0].name == "notice"


def test_a_check_that_cannot_be_is_red(tmp_path: Path, baseline: Path) -> None:
    build = fixture_path("memcheck-xml", "svc-v5")
    code, texts = texts_of(tmp_path, "check", build, "--baseline", tmp_path / "missing.json")
    assert code == 2
    assert_red(texts)
    # Another program says nothing about this baseline, however few leaks it has.
    code, texts = texts_of(tmp_path, "check", case("clean-true"), "--baseline", baseline)
    assert code == 5
    assert_red(texts)
    cut = tmp_path / "cut.xml"
    cut.write_bytes(build.read_bytes()[: build.stat().st_size // 2])
    for partial, expected in ((), 3), (("--partial",), 5):
        code, texts = texts_of(tmp_path, "check", cut, "--baseline", baseline, *partial)
        # What is worse fails whatever is missing.
        assert code in {expected, 1}
        assert_red(texts)


def test_what_rules_hide_is_told(tmp_path: Path) -> None:
    rules = tmp_path / "known.supp"
    rules.write_text("{\n   log\n   Memcheck:Leak\n   fun:malloc\n   fun:journal_append\n}\n", encoding="utf-8")
    build = fixture_path("memcheck-xml", "svc-v5")
    _, texts = texts_of(tmp_path, "analyze", build, "--suppressions", rules)
    (hidden,) = [one for one in json.loads(texts["sarif-full"])["runs"][0]["results"] if "suppressions" in one]
    assert hidden["properties"] == {"records": 1, "bytes": 100_000, "blocks": 100, "errors": 0}
    place = hidden["suppressions"][0]["location"]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("known.supp")
    assert place["region"]["startLine"] == 2
    SARIF.validate(json.loads(texts["sarif-full"]))
    assert not any("suppressions" in result for result in sarif_of(texts["sarif"])["results"])
    for name in ("sarif", "junit", "comment", "github-summary"):
        assert "100,000 bytes in 100 blocks" in texts[name], name
    for name in ("prometheus", "teamcity"):
        assert "suppressed_bytes" in texts[name], name
    assert "journal_append" not in texts["codequality"]


def test_a_path_of_a_container_is_that_of_the_checkout(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "vg" / "build").mkdir(parents=True)
    (tmp_path / "vg" / "build" / "svc.c").touch()
    for cwd in (tmp_path, tmp_path / "vg"):
        done = run("analyze", fixture_path("memcheck-xml", "svc-v5"), "--to", "codequality", cwd=cwd)
        assert {entry["location"]["path"] for entry in json.loads(done.stdout)} == {"vg/build/svc.c"}
    redacted = run("analyze", fixture_path("memcheck-xml", "svc-v5"), "--to", "codequality", "--redact", cwd=tmp_path)
    assert "svc" not in redacted.stdout


@pytest.mark.parametrize(("command", "marker"), [
    ("check", "check"), ("analyze", "analysis"), ("diff", "diff"), ("trend", "trend"),
])  # fmt: skip
def test_a_run_that_cannot_be_read_replaces_the_comment_of_the_run_before(
    command: str, marker: str, tmp_path: Path
) -> None:
    good, bad, comment = fixture_path("memcheck-xml", "svc-v2"), tmp_path / "empty.xml", tmp_path / "c.md"
    bad.touch()
    count = {"check": 1, "analyze": 1, "diff": 2, "trend": 3}[command]
    heads = []
    for inputs in ([good] * count, [good] * (count - 1) + [bad], [tmp_path / "none.xml"] * count):
        comment.unlink(missing_ok=True)
        run(command, *inputs, "-o", f"comment:{comment}", cwd=tmp_path)
        heads.append(comment.read_text(encoding="utf-8").splitlines()[0])
    assert heads == [f"<!-- leakreport:{marker} -->"] * 3


@pytest.mark.parametrize("command", ["analyze", "check"])
@pytest.mark.parametrize("content", [None, b"", b"PASS: 12 of 12 tests\n"], ids=["missing", "empty", "unrecognised"])
def test_junit_claims_no_input_that_was_not_read(command: str, content: bytes | None, tmp_path: Path) -> None:
    bad, results = tmp_path / "bad.xml", tmp_path / "junit.xml"
    if content is not None:
        bad.write_bytes(content)
    assert run(command, bad, "-o", f"junit:{results}", cwd=tmp_path).returncode == 3
    root = etree.parse(str(results)).getroot()
    (inputs,) = root.iterfind(".//testcase[@name='inputs']")
    assert inputs.find("error") is not None
    assert "read to its end" not in "".join(map(str, root.itertext()))
    assert root.get("errors") == str(len(root.findall(".//error")))


@pytest.mark.parametrize("command", ["check", "analyze", "diff", "trend"])
def test_no_report_of_an_earlier_run_stays(command: str, tmp_path: Path) -> None:
    good, bad = fixture_path("memcheck-xml", "svc-v2"), tmp_path / "<b>empty.xml"
    bad.touch()
    count = {"check": 1, "analyze": 1, "diff": 2, "trend": 3}[command]
    kept, gone = ("r.html", "r.md"), ("r.json", "r.csv", "r.txt")
    outputs = [part for name in (*kept, *gone, "never.json") for part in ("-o", tmp_path / name)]
    for name in (*kept, *gone):
        (tmp_path / name).write_text("green", encoding="utf-8")
    done = run(command, *[good] * (count - 1), bad, *outputs, cwd=tmp_path)
    if command == "trend":
        # The other points are a trend of their own: there is a report, and it is of this run.
        assert all("green" not in (tmp_path / name).read_text(encoding="utf-8") for name in (*kept, *gone))
        done = run(command, *[bad] * count, *outputs, cwd=tmp_path)
    assert done.returncode == 3
    assert [name for name in (*gone, "never.json") if (tmp_path / name).exists()] == []
    for name in gone:
        assert f"removed {tmp_path / name}: it was of an earlier run" in done.stderr
    for name in kept:
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "Nothing could be read" in text
        assert "empty" in text
        assert "green" not in text
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "<b>empty" not in page
    assert "default-src 'none'; script-src 'none'; style-src 'sha256-" in page


def test_what_is_no_regular_file_is_not_removed(tmp_path: Path) -> None:
    bad, folder = tmp_path / "empty.xml", tmp_path / "r.json"
    bad.touch()
    folder.mkdir()
    done = run("analyze", bad, "-o", folder, "-o", "json:/dev/null")
    assert done.returncode == 3
    assert folder.is_dir()
    assert Path("/dev/null").exists()
    assert "removed" not in done.stderr


def test_one_output_has_one_spelling_of_a_file(tmp_path: Path) -> None:
    # The sources lie where the run was recorded: below the folder of the baseline.
    folder = tmp_path / "rev"
    folder.mkdir()
    text = case("kinds").read_text(encoding="utf-8").replace("/src/demo/vg", str(folder))
    (folder / "kinds.c").touch()
    (folder / "m.xml").write_text(text, encoding="utf-8")
    for fixed in (False, True):
        comment, page = folder / "c.md", folder / "r.html"
        done = run("check", "m.xml", "-o", f"comment:{comment}", "-o", page, "--to", "terminal", cwd=folder)
        outputs = {"terminal": done.stdout, "comment": comment.read_text(encoding="utf-8")}
        for name, output in outputs.items():
            spelled = set(re.findall(r"[^\s(`|]*kinds\.c(?=:\d)", output))
            assert spelled == {"rev/kinds.c"}, (name, fixed)
        if not fixed:
            assert run("baseline", "write", "m.xml", cwd=folder).returncode == 0
            pieces = text.split("<error>\n")
            del pieces[1]
            (folder / "m.xml").write_text("<error>\n".join(pieces), encoding="utf-8")
