"""The image, without Docker: what its Dockerfile says, and its steps done by hand as no user in particular."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.ci.pages_support import FOLDER
from tests.ci.runner_support import ROOT

pytestmark = pytest.mark.packaging

TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STEPS = [
    (match[1], match[2].strip()) for match in re.finditer(r"^([A-Z]+)\s+(.+)$", TEXT.replace("\\\n", " "), re.MULTILINE)
]
LAST = [text for _, text in STEPS[[number for number, step in enumerate(STEPS) if step[0] == "FROM"][-1] :]]
NOBODY = "65534"


def of(word: str) -> list[str]:
    return [text for instruction, text in STEPS if instruction == word]


def test_the_base_is_a_release_of_python_on_a_release_of_debian() -> None:
    (base,) = [text.partition("=")[2] for text in of("ARG") if text.startswith("PYTHON=")]
    assert re.fullmatch(r"3\.\d+-slim-[a-z]+", base)
    assert {text.split()[0] for text in of("FROM")} == {"python:${PYTHON}"}


def test_it_runs_as_nobody_and_ends_in_leakreport() -> None:
    assert of("USER") == [f"{NOBODY}:{NOBODY}"]
    assert STEPS.index(("USER", of("USER")[0])) > STEPS.index(("FROM", of("FROM")[-1]))
    assert of("ENTRYPOINT") == ['["leakreport"]']
    assert of("WORKDIR")[-1] == "/profiles"


def test_the_last_stage_runs_nothing_and_takes_one_folder() -> None:
    second = TEXT[TEXT.rindex("\nFROM ") :]
    assert "RUN" not in second
    assert re.findall(r"^COPY (.+)$", second, re.MULTILINE) == ["--from=build /opt/leakreport /opt/leakreport"]


def test_no_cache_and_nothing_from_elsewhere() -> None:
    assert all("--no-cache-dir" in text for text in of("RUN"))
    assert not re.search(r"https?://|^ADD ", TEXT, re.MULTILINE)


def test_the_labels_are_those_of_the_opencontainers_specification() -> None:
    (labels,) = of("LABEL")
    names = [word.partition("=")[0] for word in shlex.split(labels)]
    assert names == [f"org.opencontainers.image.{name}" for name in ("title", "description", "licenses")]


def _context() -> list[Path]:
    """The files that reach the build, by .dockerignore: the last pattern that fits decides."""
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    # A source archive has no history, and nothing but what is tracked.
    names = listed.stdout.splitlines() or [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
    found = []
    for path in map(Path, names):
        # A folder that fits takes in all below it.
        levels = [str(level) for level in (path, *path.parents)[:-1]]
        is_in = True
        for pattern in patterns:
            bare = pattern.removeprefix("!")
            anywhere = bare.removeprefix("**/")
            if any(fnmatch(level, bare) or (anywhere != bare and Path(level).name == anywhere) for level in levels):
                is_in = pattern.startswith("!")
        if is_in and (ROOT / path).is_file():
            found.append(path)
    return found


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    copied = {word for text in of("COPY") if "--from" not in text for word in text.split()[:-1]}
    seen = {next((word for word in copied if path.is_relative_to(word)), str(path)) for path in _context()}
    assert seen == copied


@pytest.fixture(scope="module")
def machine() -> Iterator[Path]:
    """A folder that stands for `/`, open to everybody."""
    folder = Path(tempfile.mkdtemp(prefix="leakreport-image-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def image(machine: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`image(arguments, folder)` is `docker run` with the folder mounted, as nobody where that is permitted."""
    source, shim = machine / "source", machine / "bin" / "python"
    for made in ("source", "opt", "home", "bin"):
        (machine / made).mkdir()
    for name in _context():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    # Without the network: environments see the packages of the running interpreter through a path file.
    purelib = sysconfig.get_paths()["purelib"]
    shim.write_text(
        f'#!/bin/bash\nset -e\n"{sys.executable}" "$@"\n[ "$1$2" = -mvenv ] || exit 0\n'
        f'echo "{purelib}" > "$(echo "${{@: -1}}"/lib/python3*/site-packages)/of-the-tests.pth"\n'
    )
    shim.chmod(0o755)
    for path in machine.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path == shim else 0o644)
    for open_to_all in ("opt", "home", "source"):
        (machine / open_to_all).chmod(0o777)
    (run,) = of("RUN")
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_IGNORE_INSTALLED": "1", "PIP_NO_DEPS": "1"}
    built = _as_nobody(
        ["bash", "-ec", run.replace("/opt/", f"{machine}/opt/")],
        source,
        machine,
        PATH=f"{shim.parent}:{os.defpath}",
        **offline,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    shutil.rmtree(source)

    def go(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        path = f"{machine}/opt/leakreport/bin:{os.defpath}"
        return _as_nobody(["leakreport", *arguments], folder, machine, PATH=path, PYTHONDONTWRITEBYTECODE="1")

    return go


def _as_nobody(command: list[str], folder: Path, machine: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if os.geteuid() == 0 else []
    # The interpreter itself may be in a folder of root's.
    probe = [*drop, "env", sys.executable, "-c", ""]
    if drop and subprocess.run(probe, cwd="/", capture_output=True, check=False, timeout=60).returncode:
        drop = []
    environment = {"HOME": str(machine / "home"), "TMPDIR": str(machine / "home"), "LC_ALL": "C.UTF-8", **variables}
    return subprocess.run(
        [*drop, "env", *command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


def test_what_the_image_has_judges_a_mounted_folder_that_is_read_only(
    image: Callable[..., subprocess.CompletedProcess[str]], machine: Path
) -> None:
    page = (FOLDER / "docker.md").read_text(encoding="utf-8")
    (line,) = re.findall(r"^docker run .*--read-only .* leakreport (.+)$", page, re.MULTILINE)
    folder = machine / "profiles"
    folder.mkdir()
    shutil.copy(ROOT / "fixtures" / "demo" / "memcheck.xml", folder / "memcheck.1.xml")
    (folder / "memcheck.1.xml").chmod(0o444)
    folder.chmod(0o555)
    before = sorted(machine.rglob("*"))
    done = image(shlex.split(line), folder)
    assert done.returncode in {0, 1}, done.stderr
    assert "journal_append" in done.stdout
    assert not done.stderr
    assert sorted(machine.rglob("*")) == before
    folder.chmod(0o755)


def test_without_arguments_it_says_what_it_can(
    image: Callable[..., subprocess.CompletedProcess[str]], machine: Path
) -> None:
    assert of("CMD") == ['["--help"]']
    assert "analyze" in image(["--help"], machine / "home").stdout
