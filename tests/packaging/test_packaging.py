"""The wheel and the source archive: what is in them, and that the wheel works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "fixtures" / "demo"

pytestmark = pytest.mark.packaging


def _run(*arguments: str | Path, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive and the wheel that was made of it."""
    folder = tmp_path_factory.mktemp("dist")
    _run("-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="session")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def test_the_wheel_holds_what_the_program_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        entry_points = next(name for name in names if name.endswith(".dist-info/entry_points.txt"))
        assert "leakreport = leakreport.cli:main" in archive.read(entry_points).decode()
    assert "leakreport/py.typed" in names
    assert any(name.startswith("leakreport/_templates/") for name in names)
    assert any(".dist-info/" in name and name.endswith("LICENSE") for name in names)


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"leakreport"}
    assert not [name for name in names if "fixtures" in name.split("/") or "tests" in name.split("/")]


def test_every_template_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    templates = [path.relative_to(ROOT / "templates") for path in (ROOT / "templates").rglob("*") if path.is_file()]
    assert templates
    assert not [str(path) for path in templates if f"leakreport/_templates/{path.as_posix()}" not in names]


def test_the_source_archive_can_be_tested(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {"LICENSE", "Makefile", "pyproject.toml", "README.md", "fixtures/demo/memcheck.xml", "tests/conftest.py"}
    assert wanted <= names


def test_the_installed_wheel_renders_a_report(wheel: Path, tmp_path: Path) -> None:
    target, work = tmp_path / "site", tmp_path / "work"
    work.mkdir()
    _run("-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", target, wheel, cwd=work)
    # PYTHONPATH comes before the editable installation of the checkout.
    env = {"PYTHONPATH": str(target)}
    where = _run("-c", "import leakreport; print(leakreport.__file__)", cwd=work, env=env)
    assert Path(where.strip()).is_relative_to(target)
    command = ("-m", "leakreport", "analyze", DEMO / "memcheck.xml", "--source-root", DEMO, "-o", "report.html")
    _run(*command, cwd=work, env=env)
    assert "journal_append" in (work / "report.html").read_text(encoding="utf-8")
