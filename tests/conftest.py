"""Fixtures of all tests: programs of the machine, and the sample programs built."""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# The same examples on every machine; `make fuzz` looks for new ones.
settings.register_profile("default", derandomize=True, deadline=None)
settings.register_profile("fuzz", derandomize=False, deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="session")
def tool() -> Callable[[str], str]:
    """`tool(name)` is the path of a program. Without it the test is skipped, or fails where tools are required."""

    def find(name: str) -> str:
        inside_go = sorted(glob.glob(f"/usr/lib/go-*/pkg/tool/*/{name}"))
        path = shutil.which(name) or next(iter(inside_go), None)
        if path is not None:
            return path
        reason = f"{name} is not installed"
        if os.environ.get("LEAKREPORT_REQUIRE_TOOLS") == "1":
            pytest.fail(f"{reason}, and LEAKREPORT_REQUIRE_TOOLS=1", pytrace=False)
        pytest.skip(reason)

    return find


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run that all workers see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def once(shared_folder: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """`once(name, make)` is a folder that `make(folder)` fills; the first worker does it, the others wait."""

    def find(name: str, make: Callable[[Path], None]) -> Path:
        folder, done = shared_folder / name, shared_folder / f"{name}.done"
        with (shared_folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return find


@pytest.fixture(scope="session")
def programs(tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The folder with the programs of fixtures/programs/valgrind, built."""
    for name in ("gcc", "g++"):
        tool(name)
    make = tool("make")

    def build(folder: Path) -> None:
        shutil.copytree(ROOT / "fixtures" / "programs" / "valgrind", folder, dirs_exist_ok=True)
        built = subprocess.run([make, "-j2", "-C", str(folder)], capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stdout + built.stderr

    return once("programs", build)


@pytest.fixture(scope="session")
def live_programs(tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The folder with the C server of fixtures/programs/live, built: `leakd`."""
    tool("gcc")
    return once("live-programs", lambda folder: _make_live(folder, tool("make"), "leakd"))


@pytest.fixture(scope="session")
def live_java(tool: Callable[[str], str], once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """The folder of the classes of its Java program: `java -cp FOLDER -Ddata=FOLDER OffHeapLeak`."""
    for name in ("java", "javac"):
        tool(name)
    return once("live-java", lambda folder: _make_live(folder, tool("make"), "java/OffHeapLeak.class")) / "java"


def _make_live(folder: Path, make: str, target: str) -> None:
    shutil.copytree(ROOT / "fixtures" / "programs" / "live", folder, dirs_exist_ok=True)
    built = subprocess.run([make, "-C", str(folder), target], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
