"""`leakreport config`, and what settings do: values with their origin, tables, and variables that are nearly settings."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from leakreport.config import SETTINGS, load_settings, variable_of
from leakreport.errors import ConfigError
from leakreport.repository.checkout import COMMIT_VARIABLES
from tests.cli.test_cli import run
from tests.support import FIXTURES

DEMO = FIXTURES / "demo" / "memcheck.xml"
DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def settings_of(*arguments: str, cwd: Path, **environment: str) -> dict[str, Any]:
    found = run("config", "--to", "json", *arguments, stdin=None, cwd=cwd, **environment)
    assert found.returncode == 0, found.stderr
    document: dict[str, Any] = json.loads(found.stdout)
    return document


def test_every_setting_is_shown_with_its_origin(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "x"\nown = "not ours"\n\n[tool.leakreport]\n# a comment\nown = ["src/**"]\n"fail-on" = "definite"\n'
        'max_leaked = 65536\n\n[tool.leakreport.owners]\n"src/net/**" = "@net"\n"lib:z*" = ["@a", "@b"]\n',
        encoding="utf-8",
    )
    found = settings_of(
        "--own", "lib/**", "--partial", cwd=tmp_path, LEAKREPORT_FAIL_ON="possible, errors", LEAKREPORT_TOP="3"
    )
    settings = found["settings"]
    assert set(settings) == {setting.name for setting in SETTINGS}
    file = str(tmp_path / "pyproject.toml")
    assert (settings["own"]["value"], settings["own"]["origin"]) == (["lib/**"], "--own")
    assert (settings["partial"]["value"], settings["partial"]["origin"]) == (True, "--partial")
    assert (settings["top"]["value"], settings["top"]["origin"]) == (3, "LEAKREPORT_TOP")
    assert settings["fail-on"]["origin"] == "LEAKREPORT_FAIL_ON"
    assert (settings["max-leaked"]["value"], settings["max-leaked"]["origin"]) == ("65536", f"{file}:9")
    assert settings["owners"]["value"] == {"src/net/**": "@net", "lib:z*": "@a @b"}
    assert settings["owners"]["origin"] == f"{file}:11"
    assert (settings["color"]["value"], settings["color"]["origin"], settings["color"]["default"]) == (
        None,
        "default",
        "auto",
    )
    assert settings["fail-on"]["variable"] == "LEAKREPORT_FAIL_ON"
    assert found["file"] == file


def test_the_text_names_values_as_they_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "leakreport.toml").write_text(
        'own = ["a\\"b"]\nno-source = true\ntop = 4\nfocus = "x"\nowners = {"a" = "@b"}\n', encoding="utf-8"
    )
    lines = dict(line.split(maxsplit=1) for line in run("config", cwd=tmp_path).stdout.splitlines() if line)
    assert lines["own"].split("  ")[0] == '["a\\"b"]'
    assert lines["no-source"].split()[0] == "true"
    assert lines["top"].split()[0] == "4"
    assert lines["owners"].startswith('{ "a" = "@b" }')
    assert lines["ignore"].split("  ")[0] == "(nothing)"
    assert lines["used:"] == str(tmp_path / "leakreport.toml")


def test_files_that_were_looked_at_are_named(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "pyproject.toml").write_text('[project]\nname = "leakreport-user"\n', encoding="utf-8")
    (tmp_path / "a" / "leakreport.toml").write_text("top = 1\n", encoding="utf-8")
    (tmp_path / "leakreport.toml").write_text("top = 2\n", encoding="utf-8")
    found = settings_of(cwd=inner)
    assert found["looked_at"] == [str(inner / "pyproject.toml"), str(tmp_path / "a" / "leakreport.toml")]
    assert found["file"] == found["looked_at"][-1]
    text = run("config", cwd=inner).stdout
    assert f"looked at: {inner / 'pyproject.toml'}\nused: {tmp_path / 'a' / 'leakreport.toml'}\n" in text
    named = settings_of("--config", "../../leakreport.toml", cwd=inner)
    assert named["settings"]["top"]["value"] == 2
    assert named["looked_at"] == ["../../leakreport.toml"]


def test_without_a_file_it_says_so(tmp_path: Path) -> None:
    assert "no leakreport.toml or pyproject.toml" in run("config", cwd=tmp_path).stdout
    assert run("config", "--to", "xml", cwd=tmp_path).returncode == 2


def test_a_variable_that_is_nearly_a_setting_gets_a_warning(tmp_path: Path) -> None:
    found = run("config", cwd=tmp_path, LEAKREPORT_FAIL_ONN="definite", LEAKREPORT_HOME="/x")
    assert found.returncode == 0
    assert found.stderr.splitlines() == [
        "warning[config]: LEAKREPORT_FAIL_ONN is no setting. Did you mean LEAKREPORT_FAIL_ON?"
    ]


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("top = 1\nfail-onn = 1\n", ":2", "Did you mean fail-on?"),
        ('owners = "x"\n', ":1", "owners must be a table"),
        ("[owners]\na = 1\n", ":1", "owners must be a table"),
        ('[owners]\n"" = "@a"\n', "owners, ''", "pattern is empty"),
        ('[owners]\n"src" = ""\n', "owners, 'src'", "no owner"),
        ("own = 3\n", ":1", "own must be a list of texts"),
        ('[owner]\n"a" = "@b"\n', "", "Did you mean owners?"),
        ("top = \n", "", "is not TOML"),
    ],
)
def test_what_makes_no_sense_is_an_error_with_its_place(tmp_path: Path, text: str, where: str, words: str) -> None:
    (tmp_path / "leakreport.toml").write_text(text, encoding="utf-8")
    found = run("analyze", DEMO, cwd=tmp_path)
    assert found.returncode == 2
    assert words in found.stderr
    assert where in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_variables_of_tables(tmp_path: Path) -> None:
    found = load_settings(None, {"LEAKREPORT_OWNERS": "src/a=b/**=@net, lib:z*=@z,"}, tmp_path)
    assert found.values["owners"].value == (("src/a=b/**", "@net"), ("lib:z*", "@z"))
    with pytest.raises(ConfigError, match="must be PATTERN=TEXT"):
        load_settings(None, {"LEAKREPORT_OWNERS": "src"}, tmp_path)


def test_settings_stand_for_flags(tmp_path: Path) -> None:
    (tmp_path / "leakreport.toml").write_text(
        'metric = "leaked_bytes"\nat = 0\nrecords = true\nas = "runs"\n', encoding="utf-8"
    )
    document = json.loads(run("analyze", DEMO, "--to", "json", cwd=tmp_path).stdout)
    assert document["metric"] == "leaked_bytes"
    assert all("records" in row for row in document["paths"])
    found = run("analyze", DEMO, cwd=tmp_path, LEAKREPORT_AT="nowhere")
    assert "--at nowhere names no snapshot" in found.stderr
    assert run("analyze", DEMO, "--at", "last", cwd=tmp_path, LEAKREPORT_AT="nowhere").returncode == 0
    series = [FIXTURES / "memcheck-xml" / f"svc-v{version}" / "input.xml" for version in (1, 2, 3)]
    found = run("trend", *series, cwd=tmp_path, LEAKREPORT_SORT="size", LEAKREPORT_METRIC="retained_bytes")
    assert (found.returncode, "sort is 'size'" in found.stderr) == (2, True)
    found = run("trend", *series, "--metric", "retained_bytes", cwd=tmp_path, LEAKREPORT_LIMIT="1GiB")
    assert "LIMIT 1073741824" in found.stdout


def _checkout(folder: Path) -> Path:
    """A repository in which the demo was built, with owners."""
    for name in ("build/svc.c", ".github/CODEOWNERS"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text("", encoding="utf-8")
    (folder / ".github" / "CODEOWNERS").write_text("* @all\n/build/ @build jane@corp.example\n", encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(folder)], check=True, timeout=60)
    return folder


def test_owners_of_the_repository_are_in_every_report(tmp_path: Path) -> None:
    root = _checkout(tmp_path)
    for command in (["analyze", DEMO], ["diff", DEMO, DEMO], ["trend", DEMO, DEMO]):
        document = json.loads(run(*command, "--to", "json", cwd=root).stdout)
        assert {row["owner"] for row in document["paths"]} == {"@build jane@corp.example"}
        assert "OWNER p1-" in run(*command, "-v", cwd=root).stdout or command[0] == "diff"
    grouped = run("analyze", DEMO, "--group-by", "owner", cwd=root).stdout
    assert re.search(r"^GROUP \d+ B 5 paths @build jane@corp\.example$", grouped, re.MULTILINE)
    rows = run("analyze", DEMO, "--to", "csv", cwd=root).stdout.splitlines()
    assert ",'@build jane@corp.example," in rows[1]
    comment = run("analyze", DEMO, "--to", "markdown", cwd=root).stdout
    assert "| Owner |" in comment
    assert "`@build jane@corp.example`" in comment
    assert "owner: @build" in run("analyze", DEMO, "--to", "html", cwd=root).stdout


def test_the_table_wins_over_the_file_and_the_file_can_be_named(tmp_path: Path) -> None:
    root = _checkout(tmp_path)

    def owners(*arguments: object, table: str = "") -> set[str | None]:
        document = json.loads(
            run("analyze", DEMO, "--to", "json", *arguments, cwd=root, LEAKREPORT_OWNERS=table).stdout
        )
        return {row["owner"] for row in document["paths"]}

    assert owners(table="lib:svc=@svc") == {"@svc"}
    other = root / "owners.txt"
    other.write_text("[Section] @section\nsvc.c\n", encoding="utf-8")
    assert owners("--codeowners", other) == {"@section"}
    assert owners("--codeowners", f"github:{other}") == {None}
    assert run("analyze", DEMO, "--codeowners", root / "none", cwd=root).returncode == 2


def test_a_redacted_report_names_no_owner(tmp_path: Path) -> None:
    root = _checkout(tmp_path)
    for command in (["analyze", DEMO], ["diff", DEMO, DEMO], ["trend", DEMO, DEMO]):
        text = run(*command, "--redact", "--to", "json", cwd=root).stdout
        assert "@" not in text
        owners = {row["owner"] for row in json.loads(text)["paths"]}
        assert len(owners) == 1
        assert re.fullmatch(r"text-[0-9a-f]{12}", owners.pop())


def test_files_of_no_known_place_are_a_note(tmp_path: Path) -> None:
    root = _checkout(tmp_path)
    (root / "build" / "svc.c").rename(root / "build" / "renamed.c")
    for command in (["analyze", DEMO], ["diff", DEMO, DEMO], ["trend", DEMO, DEMO]):
        found = run(*command, cwd=root)
        assert re.search(
            r"^NOTE .*1 source file of the profile .*svc\.c.*CODEOWNERS says nothing", found.stdout, re.MULTILINE
        )
        document = json.loads(run(*command, "--to", "json", cwd=root).stdout)
        assert {row["owner"] for row in document["paths"]} == {None}
    assert "svc.c" not in run("analyze", DEMO, "--redact", cwd=root).stdout


def test_links_are_told_of_where_they_cannot_be_made(tmp_path: Path) -> None:
    url = "https://forge.example/{commit}/{path}"
    with pytest.MonkeyPatch.context() as patch:
        for name in COMMIT_VARIABLES:
            patch.delenv(name, raising=False)
        found = run("analyze", DEMO, "--source-url", url, "--to", "markdown", cwd=tmp_path)
    assert found.returncode == 0
    assert "no links to source: the commit is not known" in found.stderr
    root = _checkout(tmp_path)
    found = run("analyze", DEMO, "--source-url", url, "--commit", "v1/2", "--to", "markdown", cwd=root)
    assert "](https://forge.example/v1/2/build/svc.c)" in found.stdout
    found = run("analyze", DEMO, "--source-url", url, "--to", "markdown", cwd=root, GITHUB_SHA="a" * 40)
    assert f"](https://forge.example/{'a' * 40}/build/svc.c)" in found.stdout
    found = run("analyze", DEMO, "--editor", "vscode", "--to", "html", cwd=root)
    assert "no links to the editor" in found.stderr
    assert "vscode:" not in found.stdout
    found = run("analyze", DEMO, "--editor", "vscode", "--include-host", "--to", "html", cwd=root)
    assert f'href="vscode://file{root.resolve()}/build/svc.c:66"' in found.stdout
    for wrong in ("javascript:{path}", "https://x.example/{nothing}"):
        found = run("analyze", tmp_path / "none", "--source-url", wrong, cwd=root)
        assert (found.returncode, "--source-url" in found.stderr) == (2, True)


def test_variables_are_those_of_the_documentation() -> None:
    assert variable_of("fail-on") in (DOCS / "config.md").read_text(encoding="utf-8")


def test_the_table_of_pyproject_may_stand_in_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "leakreport.toml").write_text('[tool.leakreport]\nown = ["src/**"]\n')
    assert load_settings(None, {}, tmp_path).values["own"].value == ("src/**",)
    (tmp_path / "leakreport.toml").write_text('limit = "1MiB"\n[tool.leakreport]\nown = ["src/**"]\n')
    with pytest.raises(ConfigError, match="beside it: limit"):
        load_settings(None, {}, tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('fail-on = "definite2"', "fail-on is 'definite2' (leakreport.toml:2). Did you mean definite?"),
        ('fail-on = ["any", "fds,grwth"]', "Did you mean growth?"),
        ('group-by = "team"', "group-by is 'team'"),
        ('max-leaked = "12x"', "max-leaked is '12x'"),
        ('color = "red"', "Known: auto, always, never."),
    ],
)
def test_a_wrong_value_is_blamed_on_its_line(line: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "leakreport.toml"
    path.write_text(f"# ours\n{line}\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(None, {}, tmp_path)
    assert words in str(caught.value).replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("group", "parts"), [("baseline", "write, update, show"), ("suppress", "write, audit, explain")]
)
def test_a_command_without_its_part_says_which_there_are(group: str, parts: str) -> None:
    found = run(group)
    assert found.returncode == 2
    assert f"a command is missing: {parts}" in found.stderr
    assert found.stderr.count("\n") == 1
