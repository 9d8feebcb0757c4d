"""How each recorder is started: one table. What it writes stands below one folder, with the pid in each name.

Source: valgrind(1), Valgrind User Manual 3.19 to 3.25; heaptrack's own start script, 1.2 to 1.5; gperftools' heapprofile.html.
"""

from __future__ import annotations

import glob
import gzip
import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from leakreport.errors import MissingTool

_STACKS = "--num-callers=40"
_LIBRARY_FOLDERS = (
    "/usr/lib/*-linux-gnu*",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib64",
    "/usr/local/lib",
    "/lib/*-linux-gnu*",
    "/lib64",
    "/lib",
)


@dataclass(frozen=True, slots=True)
class Started:
    """How a command is started under a recorder."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """What is added to that of leakreport."""
    preload: str | None = None
    """A library in front of those that LD_PRELOAD names already."""

    def environment_over(self, present: Mapping[str, str]) -> dict[str, str]:
        """The environment of the command."""
        changed = {**present, **self.environment}
        if self.preload is not None:
            changed["LD_PRELOAD"] = ":".join(part for part in (self.preload, present.get("LD_PRELOAD")) if part)
        return changed


Start = Callable[[Sequence[str], str, Collection[str]], Started]
"""From the command, the folder and the words of the gate how it is started; raises `MissingTool`."""


@dataclass(frozen=True, slots=True)
class Recorder:
    """One tool."""

    name: str
    pattern: str
    """Of the names of its files."""
    start: Start
    finish: Callable[[str], None] | None = None
    """Makes recordings of what it wrote into a folder; None where that are recordings."""
    has_series: bool = False
    """Whether it knows several moments of one run."""
    has_dumps: bool = False
    """Whether each of these is a file."""

    def processes(self, folder: str) -> tuple[tuple[str, ...], ...]:
        """The files of each process in their order, numbers compared as such."""
        found = [path for path in glob.glob(os.path.join(glob.escape(folder), self.pattern)) if os.path.isfile(path)]
        by_process: dict[str, list[str]] = {}
        for path in sorted(found, key=lambda path: (len(path), path)):
            # profile.0001.heap of the command, profile_4242.0001.heap of what it started; others write one file each.
            name = os.path.basename(path)
            by_process.setdefault(name.partition(".")[0] if self.has_dumps else name, []).append(path)
        return tuple(map(tuple, by_process.values()))


def _valgrind(*options: str) -> Start:
    def start(command: Sequence[str], folder: str, gates: Collection[str]) -> Started:
        program = shutil.which("valgrind")
        if program is None:
            raise MissingTool("valgrind is not installed", advice="Install the package valgrind.")
        # valgrind replaces % and what follows it in names of files.
        place = folder.replace("%", "%%")
        chosen = [option.replace("FOLDER", place) for option in options]
        if "fds" in gates and "--tool=memcheck" in options:
            chosen.append("--track-fds=yes")
        return Started((program, *chosen, "--trace-children=yes", "--", *command))

    return start


def _heaptrack(command: Sequence[str], folder: str, gates: Collection[str]) -> Started:
    """Its library alone: the start script loses the pid, writes to standard output, and may open a window."""
    del gates
    library = _of_heaptrack("libheaptrack_preload.so")
    _of_heaptrack("libexec/heaptrack_interpret")
    return Started(tuple(command), {"DUMP_HEAPTRACK_OUTPUT": os.path.join(folder, "heaptrack.$$.raw")}, library)


def _of_heaptrack(name: str) -> str:
    """A file of heaptrack, found from where its script stands.

    Raises:
        MissingTool: it is not there.
    """
    program = shutil.which("heaptrack")
    roots = [] if program is None else [os.path.dirname(os.path.dirname(os.path.realpath(program)))]
    for root in [*roots, "/usr", "/usr/local"]:
        for folder in ("lib", "lib64", "lib/*-linux-gnu*"):
            for path in sorted(glob.glob(os.path.join(glob.escape(root), folder, "heaptrack", name))):
                return path
    raise MissingTool("heaptrack is not installed", advice="Install the package heaptrack.")


def _interpret(folder: str) -> None:
    """Addresses to names, as heaptrack's script does it while it records."""
    program = _of_heaptrack("libexec/heaptrack_interpret")
    for raw in glob.glob(os.path.join(glob.escape(folder), "heaptrack.*.raw")):
        with (
            open(raw, "rb") as source,
            gzip.open(f"{raw.removesuffix('.raw')}.gz", "wb", compresslevel=1) as target,
            subprocess.Popen(  # noqa: S603 - heaptrack's own program
                [program], stdin=source, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as interpreter,
        ):
            assert interpreter.stdout is not None
            shutil.copyfileobj(interpreter.stdout, target)
        os.unlink(raw)


def _heap_profile(command: Sequence[str], folder: str, gates: Collection[str]) -> Started:
    del gates
    library = _library("libtcmalloc_and_profiler.so.*") or _library("libtcmalloc.so.*")
    if library is None:
        raise MissingTool(
            "the heap profiler of gperftools is not installed",
            advice="Install the package libgoogle-perftools4 (Debian 13 and Ubuntu 24.04: libgoogle-perftools4t64; "
            "Fedora: gperftools-libs).",
        )
    place = os.path.join(folder, "profile")
    # A dump for every 10 MiB of new high water and every 5 seconds: a run is short beside a service.
    often = {"HEAP_PROFILE_INUSE_INTERVAL": str(10 << 20), "HEAP_PROFILE_TIME_INTERVAL": "5"}
    return Started(tuple(command), {**often, "HEAPPROFILE": place}, library)


def _library(pattern: str) -> str | None:
    for folder in _LIBRARY_FOLDERS:
        for path in sorted(glob.glob(os.path.join(folder, pattern))):
            return path
    return None


RECORDERS: Mapping[str, Recorder] = {
    recorder.name: recorder
    for recorder in (
        Recorder(
            "memcheck",
            "memcheck.*.xml",
            _valgrind(
                "--tool=memcheck",
                "--leak-check=full",
                "--show-leak-kinds=all",
                _STACKS,
                "--xml=yes",
                "--xml-file=FOLDER/memcheck.%p.xml",
            ),
        ),
        Recorder(
            "massif",
            "massif.out.*",
            _valgrind(
                "--tool=massif", "-q", "--depth=40", "--detailed-freq=1", "--massif-out-file=FOLDER/massif.out.%p"
            ),
            has_series=True,
        ),
        Recorder("dhat", "dhat.*.json", _valgrind("--tool=dhat", "-q", _STACKS, "--dhat-out-file=FOLDER/dhat.%p.json")),
        Recorder("heaptrack", "heaptrack.*.gz", _heaptrack, finish=_interpret),
        Recorder("heapprofile", "profile*.heap", _heap_profile, has_series=True, has_dumps=True),
    )
}
TOOLS = (*RECORDERS, "none")
