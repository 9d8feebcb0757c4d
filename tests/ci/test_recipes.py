"""The recipes of docs/ci: what stands there is run, on small projects, with the real tools."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from lxml import etree

from tests.ci.pages_support import FOLDER, page, shell
from tests.ci.runner_support import ACTION, ROOT, load_yaml
from tests.ci.schema_support import vendored
from tests.support import FIXTURES

pytestmark = pytest.mark.valgrind

PROJECTS = FIXTURES / "ci"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md"))
# The one leak of each project: 1,000 bytes, by a function of this name.
LEAK = "lose"
BESIDE = str(Path(sys.executable).parent)

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the sources."""
    folder = tmp_path / "project"
    shutil.copytree(PROJECTS, folder)
    return folder


@pytest.fixture
def run(project: Path, tool: Callable[[str], str]) -> Shell:
    """`run(script)`, in the project, with valgrind and leakreport on the path."""
    tool("valgrind")
    stubs = project / "stubs"
    stubs.mkdir()

    def do(script: str, folder: Path = project, **variables: str) -> subprocess.CompletedProcess[str]:
        path = f"{stubs}:{BESIDE}:{os.environ.get('PATH', os.defpath)}"
        return shell(script, folder, path, **variables)

    return do


def stub(project: Path, name: str, text: str) -> None:
    """A program that a recipe calls and that needs a service or the network."""
    path = project / "stubs" / name
    path.write_text(f"#!/bin/bash\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def tests_program(project: Path, tool: Callable[[str], str]) -> Path:
    """`./tests`, as the recipes call it."""
    command = [tool("gcc"), "-g", "-O0", "-o", "tests", "shop.c", "lose.c"]
    subprocess.run(command, cwd=project, check=True, timeout=60)
    return project / "tests"


def judged(done: subprocess.CompletedProcess[str], report: Path | None, *, code: int = 1) -> None:
    """The recipe ends with the verdict, and the leak is in the report."""
    assert done.returncode == code, done.stdout + done.stderr
    if report is not None:
        assert LEAK in report.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_read_and_linked(name: str) -> None:
    assert page(name)
    assert f"](ci/{name}.md)" in (ROOT / "docs" / "adoption.md").read_text(encoding="utf-8")


SHELL_BLOCKS = [(name, block) for name in PAGES for block in page(name).runs]


@pytest.mark.parametrize(("name", "block"), SHELL_BLOCKS, ids=lambda value: value or "-")
def test_shellcheck_finds_nothing(name: str, block: str) -> None:
    # 2046, 2086 are about words that are meant to be split, none of them here.
    command = [str(Path(BESIDE) / "shellcheck"), "--shell=bash", "-"]
    done = subprocess.run(
        command, input=page(name).runs[block], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("name", "file", "schema"), [
    ("github", ".github/workflows/memory.yml", "github-workflows"),
    ("gitlab", ".gitlab-ci.yml", "gitlab-ci"),
    ("azure", "azure-pipelines.yml", "azure-pipelines"),
    ("buildkite", ".buildkite/pipeline.yml", "buildkite"),
])  # fmt: skip
def test_the_file_fits_the_schema_of_its_reader(name: str, file: str, schema: str) -> None:
    validator = jsonschema.validators.validator_for(vendored(schema))
    validator(vendored(schema)).validate(load_yaml(page(name).files[file]))


def test_the_way_of_a_new_user(project: Path, tests_program: Path, run: Shell) -> None:
    steps = page("../adoption").runs
    first = run(steps["first"].replace("git add", ": git add"))
    assert first.returncode == 0, first.stderr
    known = (project / "leakreport-baseline.json").read_bytes()
    again = "rm -f memcheck.*.xml\n" + steps["first"].splitlines()[0] + "\n"
    # The same leak elsewhere in the file is no news; a second one is, and so is more of the first.
    source = project / "shop.c"
    text = source.read_text()
    for changed, code, word in (
        ("/* moved\n*/\n\n" + text, 0, "1 known"),
        (text.replace("lose(1000)", "lose(1000) + lose(3000)"), 1, "grew"),
        (
            text.replace("int main", "int more(void) { return lose(9); }\nint main").replace(
                "(1000)", "(1000) + more()"
            ),
            1,
            "new",
        ),
    ):
        source.write_text(changed)
        subprocess.run(["gcc", "-g", "-O0", "-o", "tests", "shop.c", "lose.c"], cwd=project, check=True, timeout=60)
        done = run(again + steps["every"])
        judged(done, project / "report.html", code=code)
        assert word in done.stdout
        assert (project / "leakreport-baseline.json").read_bytes() == known


# ---- systems of CI


def test_github(project: Path, tests_program: Path, run: Shell) -> None:
    workflow = load_yaml(page("github").files[".github/workflows/memory.yml"])
    (job,) = workflow["jobs"].values()
    (step,) = [found for found in job["steps"] if found.get("uses", "").startswith("OWNER/leakreport")]
    assert set(step["with"]) <= set(ACTION["inputs"])
    outputs = set(
        re.findall(rf"steps\.{step['id']}\.outputs\.([\w-]+)", page("github").files[".github/workflows/memory.yml"])
    )
    assert outputs
    assert outputs <= set(ACTION["outputs"])
    (record,) = [found["run"] for found in job["steps"] if "valgrind --" in found.get("run", "")]
    assert run(record).returncode == 0
    assert list(project.glob(step["with"]["files"]))


def test_gitlab(project: Path, tests_program: Path, run: Shell) -> None:
    template = load_yaml((ROOT / "ci" / "gitlab" / "leakreport.yml").read_text(encoding="utf-8"))
    mine = load_yaml(page("gitlab").files[".gitlab-ci.yml"])
    merged = {**template, **mine, "leaks": {**template[".leakreport"], **mine["leaks"]}}
    jsonschema.Draft7Validator(vendored("gitlab-ci")).validate(merged)
    assert mine["include"] == [{"local": "ci/gitlab/leakreport.yml"}]
    assert run(mine["memcheck"]["script"]).returncode == 0
    job = template[".leakreport"]
    variables = {
        **job["variables"],
        **mine["leaks"].get("variables", {}),
        "CI_BUILDS_DIR": str(project),
        "CI_JOB_ID": "1",
    }
    # pip of the new environment; leakreport is that of the tests.
    stub(
        project,
        "python3",
        f'mkdir -p "$3/bin" && : > "$3/bin/activate" && [ "$1$2" = -mvenv ]\nexec "{sys.executable}" -c ""',
    )
    stub(project, "pip", 'echo "pip $*" >> pip.log')
    done = run("\n".join([*job["before_script"], *job["script"]]), **variables)
    judged(done, project / "leakreport.html")
    assert (project / "pip.log").read_text().split() == ["pip", "install", "--quiet", "leakreport"]
    reports = job["artifacts"]["reports"]
    (issue,) = json.loads((project / reports["codequality"]).read_text())
    assert issue["location"]["path"] == "lose.c"
    etree.parse(project / reports["junit"])
    (project / "none").mkdir()
    nothing = run("\n".join(job["script"]), **{**variables, "LEAKS_FILES": "none/*.xml none/"})
    assert nothing.returncode == 3


def test_jenkins(project: Path, tests_program: Path, run: Shell) -> None:
    text = page("jenkins").files["Jenkinsfile"]
    assert text.count("{") == text.count("}")
    steps = re.findall(r"^\s*sh '([^']*)'$", text, re.MULTILINE)
    judged(run("\n".join(steps)), project / "report.html")
    for kind, suffix in (("pattern: ", "sarif"), ("junit ", "xml"), ("archiveArtifacts ", "html")):
        (name,) = re.findall(rf"{kind}'([\w.]+)'", text)
        assert (project / name).suffix == f".{suffix}"
        assert LEAK in (project / name).read_text()


def test_azure(project: Path, tests_program: Path, run: Shell) -> None:
    steps = load_yaml(page("azure").files["azure-pipelines.yml"])["steps"]
    _, record, check, summary = [step["script"] for step in steps if "script" in step]
    judged(run(f"{record}\n{check}"), project / "report.html")
    said = run(summary).stdout
    assert said == f"##vso[task.uploadsummary]{project}/leaks.md\n"
    assert LEAK in (project / "leaks.md").read_text()
    (published,) = [step["inputs"] for step in steps if "task" in step]
    assert etree.parse(project / published["testResultsFiles"]).getroot().tag == "testsuites"


def test_buildkite(project: Path, tests_program: Path, run: Shell) -> None:
    ((step),) = load_yaml(page("buildkite").files[".buildkite/pipeline.yml"])["steps"]
    # Buildkite fills in `$` before the shell sees it.
    assert not re.search(r"(?<!\$)\$(?!\$)", step["command"].replace("$$", ""))
    stub(project, "buildkite-agent", 'echo "$*" > agent.log; cat > annotation.md')
    judged(run(step["command"].replace("$$", "$")), project / step["artifact_paths"])
    assert (project / "agent.log").read_text() == "annotate --context leakreport --style error\n"
    assert LEAK in (project / "annotation.md").read_text()


# ---- build tools


@pytest.mark.parametrize(
    ("block", "file"),
    [("", "CMakeLists.txt"), ("presets", "CMakePresets.json"), ("text", "text/CMakeLists.txt")],
    ids=["options", "presets", "text"],
)
def test_ctest(project: Path, run: Shell, tool: Callable[[str], str], block: str, file: str) -> None:
    tool("ctest")
    recipe = page("cmake")
    listed = project / "CMakeLists.txt"
    begin, end = (project / "cmake" / "CMakeLists.txt").read_text().split("# The recipe stands here.\n")
    added = "include(CTest)\n" if block == "presets" else recipe.files[file]
    listed.write_text(begin + added + end)
    if block == "presets":
        recipe.write(project, file)
    done = run(recipe.runs[block])
    judged(done, project / "report.html")
    assert "2 processes" in done.stdout
    defects = [path.read_text().count("<Defect type=") for path in project.rglob("DynamicAnalysis.xml")]
    # What the page says of CDash.
    assert defects == [2 if block == "text" else 0]


@pytest.mark.parametrize("block", ["", "wrap"], ids=["setup", "wrap"])
def test_meson(project: Path, run: Shell, block: str) -> None:
    shutil.copy(project / "meson" / "meson.build", project)
    if not block:
        page("meson").write(project, "meson.build")
    judged(run(page("meson").runs[block]), project / "report.html")


def test_bazel(project: Path, tests_program: Path, run: Shell) -> None:
    lines = [shlex.split(line) for line in page("bazel").files[".bazelrc"].splitlines()]
    assert {line[0] for line in lines} == {"test:memcheck"}
    options = [option for line in lines for option in line[1:]]
    assert all(re.fullmatch(r"--[a-z_]+(=.*)?", option) for option in options)
    (under,) = [option.partition("=")[2] for option in options if option.startswith("--run_under=")]
    outputs = project / "bazel-testlogs" / "shop" / "tests" / "test.outputs"
    outputs.mkdir(parents=True)
    # As Bazel runs a test: the words of --run_under, then the program, through no shell.
    stub(project, "bazel", f'[ "$*" = "test --config=memcheck //..." ] && {shlex.join(shlex.split(under))} ./tests')
    done = run(page("bazel").runs[""], TEST_UNDECLARED_OUTPUTS_DIR=str(outputs))
    judged(done, project / "report.html")
    assert len(list(outputs.iterdir())) == 1


def test_cargo(project: Path, run: Shell) -> None:
    recipe = page("cargo")
    target = tomllib.loads(recipe.files[".cargo/config.toml"])["target"]
    assert [list(found) for found in target.values()] == [["runner"]]
    if shutil.which("cargo") is None:
        # 300 MB in Debian, for one recipe.
        pytest.skip("cargo is not installed: only the syntax was checked")
    folder = project / "cargo"
    recipe.write(folder, ".cargo/config.toml")
    judged(run(recipe.runs[""], folder, CARGO_NET_OFFLINE="true"), folder / "report.html")


def test_automake(project: Path, run: Shell, tool: Callable[[str], str]) -> None:
    tool("automake")
    for path in (project / "automake").iterdir():
        shutil.copy(path, project)
    prepared = run("autoreconf --install && ./configure --quiet")
    assert prepared.returncode == 0, prepared.stderr
    judged(run(page("make").runs[""]), project / "report.html")


def test_make(project: Path, run: Shell, tool: Callable[[str], str]) -> None:
    tool("make")
    (project / "Makefile").write_text("tests: shop.c lose.c\n\t$(CC) -g -o $@ $^\n")
    page("make").write(project, "plain/Makefile", "Makefile")
    judged(run("make memcheck"), project / "report.html", code=2)


def test_pytest(project: Path, run: Shell, tool: Callable[[str], str]) -> None:
    folder = project / "pytest"
    command = [tool("gcc"), "-g", "-shared", "-fPIC", "-o", "fast.so", "../lose.c"]
    subprocess.run(command, cwd=folder, check=True, timeout=60)
    # Half of the time goes to plugins that these tests have no need of.
    done = run(page("pytest").runs[""], folder, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    judged(done, folder / "report.html")


@pytest.mark.parametrize("block", ["", "each"], ids=["together", "each"])
def test_googletest(project: Path, run: Shell, tool: Callable[[str], str], block: str) -> None:
    folder = project / "googletest"
    gxx = tool("g++")
    if not Path("/usr/include/gtest/gtest.h").exists():
        tool("libgtest-dev")
    command = [gxx, "-g", "-O0", "-o", "tests", "shop_test.cc", "../lose.c", "-lgtest_main", "-lgtest"]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    done = run(page("googletest").runs[block], folder)
    judged(done, folder / "report.html")
    names = {path.name for path in folder.glob("memcheck.*.xml")}
    if block:
        assert names == {
            f"memcheck.{name}.xml" for name in ("Shop.Loses", "Shop.IsClean", "Shop.Starts", "ShopDeathTest.Dies")
        }


def _command_lines() -> list[Any]:
    texts = [text for name in PAGES for text in (*page(name).files.values(), *page(name).runs.values())]
    return [match[0] for text in texts for match in re.finditer(r"valgrind --[^'\n\\]*(\\\n[^'\n]*)?", text)]


def test_every_recording_is_a_leak_search_in_files_of_its_own() -> None:
    commands = _command_lines()
    assert len(commands) > 10
    assert [
        line
        for line in commands
        if "--leak-check=full" not in line or not re.search(r"memcheck\.(%p|\$name)\.xml", line)
    ] == []
