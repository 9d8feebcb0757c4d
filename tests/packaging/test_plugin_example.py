"""The example of a plug-in: built, installed beside leakreport, listed, used, and its own test passes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "plugin-example"

pytestmark = pytest.mark.packaging


@pytest.fixture(scope="session")
def site(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A folder with the example installed."""

    def install(folder: Path) -> None:
        command = (
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "-q",
            "--no-deps",
            "--no-index",
        )
        done = subprocess.run(
            [*command, "--no-build-isolation", "--target", str(folder), str(EXAMPLE)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return once("plugin-example", install)


def run(site: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": f"{site}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )


def test_its_own_test_passes(site: Path, tmp_path: Path) -> None:
    tests = ("-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(EXAMPLE), str(EXAMPLE / "tests"))
    done = run(site, tmp_path, "pytest", "-q", *tests)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_both_formats_are_listed_with_their_origin(site: Path, tmp_path: Path) -> None:
    done = run(site, tmp_path, "leakreport", "formats")
    assert done.stdout.count(", by leakreport-toylog 1.0") == 2
    assert done.stderr == ""


def test_the_command_line_reads_and_writes_them(site: Path, tmp_path: Path) -> None:
    given = str(EXAMPLE / "tests" / "run.toylog")
    done = run(site, tmp_path, "leakreport", "analyze", given, "-o", "report.html", "-o", "topsites:sites")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("HELD 5.06 KiB")
    assert "read_file" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert (tmp_path / "sites").read_text(encoding="utf-8") == "4096\tread_file\n1024\tparse\n64\tgrow\n"
    cut = tmp_path / "cut.txt"
    cut.write_bytes(Path(given).read_bytes()[:-8])
    assert run(site, tmp_path, "leakreport", "convert", str(cut), "--to", "folded").returncode == 3
