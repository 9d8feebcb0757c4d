"""A third-party library is upgraded and starts to leak: the real valgrind on two builds, the answer from the source."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from leakreport.cli import main

pytestmark = pytest.mark.valgrind

LIBRARY = """
#include <stdlib.h>
static void *table(void) { return malloc(TABLE_BYTES); }
char *imgkit_open(int keep) {
  char *image = malloc(100), *lost = keep ? table() : NULL;
  if (lost) lost[0] = 1;
  return image;
}
"""
PROGRAM = """
#include <stdlib.h>
char *imgkit_open(int keep);
void render(int keep) { free(imgkit_open(keep)); }
void login(void) { char *session = malloc(40); if (session) session[0] = 1; }
int main(void) {
  for (int number = 0; number < 100; number++) render(number < TABLES);
  for (int number = 0; number < LOGINS; number++) login();
  volatile char unused[4096];
  for (int place = 0; place < 4096; place++) unused[place] = 0;
  return 0;
}
"""
# Version, tables that the library loses, their size, and sessions that the program loses.
OLD, NEW = ("3.1.4", 1, 512, 10), ("3.2.0", 60, 512, 52)
GROWN_IN_LIBRARY, GROWN = 59 * 512, 59 * 512 + 42 * 40
LOST = re.compile(r"definitely lost: ([\d,]+) bytes")


def build(folder: Path, compiler: str, case: tuple[str, int, int, int]) -> Path:
    """The library with its version in its file name and without debug information, and a program that is linked to it."""
    version, tables, table_bytes, logins = case
    folder.mkdir()
    (folder / "imgkit.c").write_text(LIBRARY)
    (folder / "tileserver.c").write_text(PROGRAM)
    library = f"libimgkit.so.{version}"
    sizes = [f"-DTABLES={tables}", f"-DLOGINS={logins}", f"-DTABLE_BYTES={table_bytes}"]
    for command in (
        ["-O0", "-fPIC", "-shared", "-Wl,-soname,libimgkit.so.3", *sizes, "imgkit.c", "-o", library],
        ["-O0", "-g", *sizes, "tileserver.c", library, "-Wl,-rpath,$ORIGIN", "-o", "tileserver"],
    ):
        subprocess.run([compiler, *command], cwd=folder, check=True, capture_output=True, timeout=120)
    (folder / "libimgkit.so.3").symlink_to(library)
    return folder / "tileserver"


@pytest.fixture(scope="module")
def recorded(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """By format the recordings before and after the upgrade."""
    root = tmp_path_factory.mktemp("upgrade")
    valgrind, compiler = tool("valgrind"), tool("gcc")
    recordings: dict[str, list[Path]] = {"xml": [], "log": []}
    for name, case in (("before", OLD), ("after", NEW)):
        program = build(root / name, compiler, case)
        for suffix, outputs in recordings.items():
            output = root / f"{name}.{suffix}"
            how = ["--xml=yes", f"--xml-file={output}"] if suffix == "xml" else [f"--log-file={output}"]
            command = [valgrind, "--leak-check=full", *how, str(program)]
            subprocess.run(command, check=True, capture_output=True, timeout=120)
            outputs.append(output)
    return recordings


def edges(document: dict[str, Any]) -> list[list[str]]:
    """The functions of each call that explains the growth."""
    return [
        [document["frames"][index]["function"] for index in finding["frames"]]
        for finding in document["findings"]
        if finding["rule"] == "growth.call-edge"
    ]


@pytest.mark.parametrize("suffix", ["xml", "log"])
def test_the_upgrade_is_named_with_its_share_of_the_growth(
    suffix: str, recorded: dict[str, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    lost = [int(LOST.findall(path.read_text())[-1].replace(",", "")) for path in recorded["log"]]
    assert lost[1] - lost[0] == GROWN
    paths = [str(path) for path in recorded[suffix]]
    assert main(["diff", *paths, "--to", "json", "--fail-on", "growth"]) == 1
    document = json.loads(capsys.readouterr().out)
    share = f"{100 * GROWN_IN_LIBRARY / GROWN:.1f}%"
    assert share == "94.7%"
    assert document["verdict"]["lead"][0] == (f"libimgkit 3.1.4 → 3.2.0, and {share} of the growth is allocated in it.")
    (library,) = document["libraries"]
    assert (library["before"], library["after"]) == (["3.1.4"], ["3.2.0"])
    assert (library["allocated_bytes"], library["passing_bytes"]) == (GROWN_IN_LIBRARY, GROWN_IN_LIBRARY)
    assert document["growth"]["bytes"] == GROWN
    # A library beside the program counts as yours until somebody says otherwise.
    assert edges(document) == [["imgkit_open", "table"]]
    for renderer in ("terminal", "markdown", "html"):
        assert main(["diff", *paths, "--to", renderer]) == 0
        assert f"libimgkit 3.1.4 → 3.2.0, and {share} of the growth is allocated in it" in capsys.readouterr().out


def test_the_call_is_yours_where_the_library_is_not(
    recorded: dict[str, list[Path]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", *map(str, recorded["xml"]), "--to", "json", "--own", "lib:tileserver"]) == 0
    assert edges(json.loads(capsys.readouterr().out)) == [["render", "imgkit_open"]]
