"""The wheel and the source archive: what is in them, and that each kind of installation works without the checkout.

Nothing here needs the network: what leakreport depends on is seen through a path file to the packages of the running
interpreter, and builds are not isolated.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "fixtures" / "demo"
NOBODY = "65534"
LONG_PROPERTIES = ("test_compare_properties.py", "test_matching_promises.py", "test_page_tree.py")
"""Half of the time, over fixtures that the other tests read too: they are in the archive, and run once, from the checkout."""

pytestmark = pytest.mark.packaging


def _run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A folder with the source archive, the wheel that was made of it, and in `direct/` one made of the checkout."""

    def build(folder: Path) -> None:
        common = (sys.executable, "-m", "build", "--no-isolation")
        _run(*common, "--outdir", folder, ROOT, cwd=folder)
        _run(*common, "--wheel", "--outdir", folder / "direct", ROOT, cwd=folder)

    return once("dist", build)


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def sdist(built: Path) -> Path:
    (found,) = built.glob("*.tar.gz")
    return found


def _names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_the_wheel_holds_what_the_program_needs(wheel: Path) -> None:
    names = _names(wheel)
    with zipfile.ZipFile(wheel) as archive:
        entry_points = next(name for name in names if name.endswith(".dist-info/entry_points.txt"))
        assert "leakreport = leakreport.cli:run" in archive.read(entry_points).decode()
    assert "leakreport/py.typed" in names
    assert any(".dist-info/" in name and name.endswith("/LICENSE") for name in names)
    modules = [path.relative_to(ROOT).as_posix() for path in (ROOT / "leakreport").rglob("*.py")]
    assert not [name for name in modules if name not in names]


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    names = _names(wheel)
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"leakreport"}
    assert not [name for name in names if {"fixtures", "tests", "bench", "docs"} & set(name.split("/"))]


@pytest.mark.parametrize("page", ["messages.md", "check.md", "suppressions.md"])
def test_the_words_of_explain_are_in_the_wheel(page: str, wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"leakreport/_words/{page}") == (ROOT / "docs" / page).read_bytes()


def test_every_template_is_in_the_wheel(wheel: Path) -> None:
    names = _names(wheel)
    templates = [path.relative_to(ROOT / "templates") for path in (ROOT / "templates").rglob("*") if path.is_file()]
    assert templates
    assert not [str(path) for path in templates if f"leakreport/_templates/{path.as_posix()}" not in names]


def test_every_manual_page_is_installed_where_man_looks(wheel: Path) -> None:
    pages = [path.name for path in (ROOT / "docs" / "man").glob("*.1")]
    names = _names(wheel)
    assert pages
    assert not [page for page in pages if not any(name.endswith(f".data/data/share/man/man1/{page}") for name in names)]


def test_both_ways_to_a_wheel_give_the_same_files(built: Path, wheel: Path) -> None:
    assert _names(wheel) == _names(built / "direct" / wheel.name)


def _requests(kind: str, wheel: Path, built: Path) -> tuple[str | Path, ...]:
    match kind:
        case "wheel-of-sdist":
            return (wheel,)
        case "wheel-of-checkout":
            return (built / "direct" / wheel.name,)
        case _:
            return ("--no-build-isolation", "--editable", ROOT)


@pytest.mark.parametrize("kind", ["wheel-of-sdist", "wheel-of-checkout", "editable"])
def test_an_installation_renders_a_report(kind: str, built: Path, wheel: Path, tmp_path: Path) -> None:
    environment, work = tmp_path / "venv", tmp_path / "work"
    work.mkdir()
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    (packages,) = environment.glob("lib/python3*/site-packages")
    # A path file adds the folder, but path files in that folder are not followed: an editable installation there,
    # that of the checkout, stays unseen, and what is installed here comes first.
    (packages / "of-the-tests.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    install = ("-m", "pip", "--disable-pip-version-check", "install", "-q", "--no-deps", "--no-index")
    _run(python, *install, "--ignore-installed", *_requests(kind, wheel, built), cwd=work)
    where = Path(_run(python, "-c", "import leakreport; print(leakreport.__file__)", cwd=work).strip())
    assert where.is_relative_to(ROOT if kind == "editable" else packages)
    command = (environment / "bin" / "leakreport", "analyze", DEMO / "memcheck.xml", "--source-root", DEMO)
    _run(*command, "-o", "report.html", "-o", "report.json", cwd=work)
    report = (work / "report.html").read_text(encoding="utf-8")
    assert report.rstrip().endswith("</html>")
    assert "journal_append" in report
    assert sorted(path.name for path in work.iterdir()) == ["report.html", "report.json"]


def test_the_source_archive_is_complete(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        "LICENSE",
        "LICENSES/MIT.txt",
        "CHANGELOG.md",
        "Makefile",
        "README.md",
        "docs/json.md",
        "docs/leakreport-1.schema.json",
        "fixtures/demo/memcheck.xml",
        "pyproject.toml",
        "scripts/install-packages.sh",
        "tests/conftest.py",
    }
    assert wanted <= names
    assert not [name for name in names if {".venv", ".stamps", "build", "__pycache__"} & set(name.split("/"))]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter; those of pytest are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="leakreport-sdist-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _restricted() -> list[str]:
    """What to put before a command so that it runs without network and without root, as far as that is permitted here."""
    as_nobody = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    is_root = os.geteuid() == 0
    choices = [["unshare", "-n", *as_nobody], as_nobody, ["unshare", "-n"]] if is_root else [["unshare", "-r", "-n"]]
    for choice in choices:
        command = [*choice, sys.executable, "-c", "import numpy, pytest"]
        try:
            if subprocess.run(command, cwd="/", capture_output=True, check=False, timeout=60).returncode == 0:
                return choice
        except FileNotFoundError:
            continue
    return []


def test_reading_and_analysing_are_tested_from_the_source_archive(sdist: Path, open_folder: Path) -> None:
    # Python 3.11's first releases have no extraction filter.
    _run("tar", "--extract", "--no-same-owner", f"--file={sdist}", f"--directory={open_folder}", cwd=open_folder)
    (unpacked,) = open_folder.iterdir()
    for path in (unpacked, *unpacked.rglob("*")):
        path.chmod(path.stat().st_mode | (0o755 if path.is_dir() else 0o444))
    home = open_folder / "home"
    home.mkdir()
    home.chmod(0o777)
    environment = {
        "PATH": os.defpath,
        "HOME": str(home),
        "TMPDIR": str(home),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(unpacked),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    where = _run(sys.executable, "-c", "import leakreport; print(leakreport.__file__)", cwd=unpacked, env=environment)
    assert Path(where.strip()).is_relative_to(unpacked)
    folders = [name for name in ("tests/readers", "tests/model", "tests/analysis") if (ROOT / name).is_dir()]
    assert folders
    long = [f"--ignore=tests/analysis/{name}" for name in LONG_PROPERTIES]
    assert all((unpacked / option.partition("=")[2]).is_file() for option in long)
    pytest_command = (
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        *folders,
        *long,
    )
    _run(*_restricted(), *pytest_command, cwd=unpacked, env=environment)
