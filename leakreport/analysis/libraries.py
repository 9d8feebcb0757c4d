"""Which libraries are not the same in two runs: versions from file names and folders, and build ids.

Heuristic: a version is read only where a name says that it is one (`libfoo.so.3.1.4`, `libfoo-3.1.so`, `foo-1.2.3.jar`,
`python3.11`), or where a folder is named like the library (`/opt/foo-3.1.4/`, `Cellar/foo/3.1.4/`). Folders of other
names, hashes of nix and guix, and build numbers are no versions. It errs for a library whose soname has nothing to do
with its version, which is then told by its soname.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from leakreport.model.raw import Frame, SnapshotMeta


class Library(NamedTuple):
    """An object by its name and what is known of its version."""

    name: str
    """Without folder, version and `.so`."""
    version: str | None
    scheme: str
    """Where the version stands: two schemes are two ways to count."""
    file: str
    """The file name."""


# A long number is what a JVM's native libraries get when they are unpacked.
_SHARED_OBJECT = re.compile(
    r"(?P<name>.+?)(?:-(?P<dashed>\d{1,4}(?:\.\d+)*))?(?:-\d{5,20})?(?:\.(?:cpython|pypy|abi3)[\w-]*)?\.so(?:\.(?P<soname>\d[\w.]*))?\Z"
)
_DYLIB = re.compile(r"(?P<name>.+?)(?:[.-](?P<version>\d+(?:\.\d+)*))?\.dylib\Z")
_DLL = re.compile(r"(?P<name>.+?)(?:-(?P<version>\d+(?:\.\d+)*))?\.dll\Z", re.IGNORECASE)
# The last part that looks like a version, with its qualifiers: log4j-1.2-api-2.17.1, guava-31.1-jre, foo-1.0-SNAPSHOT.
_JAR = re.compile(r"(?P<name>.+)-(?P<version>\d+(?:\.\d+)*(?:[.-][A-Za-z]\w*)*)\.(?:jar|war|ear)\Z")
_PLATFORM = re.compile(r"-(?:linux|osx|macos|windows|natives).*\Z")
_NAME_WITH_VERSION = re.compile(r"(?P<name>.*[A-Za-z_+])-?(?P<version>\d+(?:\.\d+)+)\Z")
_STORE_HASH = re.compile(r"\A[0-9a-z]{32}-")
_FOLDER = re.compile(r"(?P<name>.*?[A-Za-z_+])[-_]?v?(?P<version>\d+(?:\.\d+)+[A-Za-z]?\w*)(?:-(?:lib|bin|dev|out))?\Z")
_BARE_VERSION = re.compile(r"v?(?P<version>\d+(?:\.\d+)+[A-Za-z]?\w*)\Z")
_PYTHON_OWN = re.compile(r"/python(?P<version>\d+\.\d+)/(?:lib-dynload/|config-|[^/]*\Z)")
_DELETED = " (deleted)"
_SHOWN_DIGITS, _SHOWN_BUILDS = 8, 3


@lru_cache(maxsize=1 << 12)
def library_of(path: str) -> Library | None:
    """What a path says about a library; None for what is no file.

    >>> library_of("/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30")[:2], library_of("/opt/foo-3.1.4/lib/libfoo.so")[:2]
    (('libstdc++', '6.0.30'), ('libfoo', '3.1.4'))
    """
    path = path.removesuffix(_DELETED)
    folder, _, file = path.rpartition("/")
    if not file or path.startswith("["):
        return None
    python = _PYTHON_OWN.search(path)
    if python is not None and file.partition(".")[0] and ".so" in file:
        return Library("python", python["version"], "name", file)
    named = _by_name(file)
    in_folder = _version_of_folder(folder, named.name)
    # `libfoo.so.3` in `foo-3.1.4`: the folder says more.
    if in_folder is not None and (
        named.version is None or _is_part(named.version, in_folder) or "." not in named.version
    ):
        return named._replace(version=in_folder, scheme="folder")
    return named


def _by_name(file: str) -> Library:
    if (jar := _JAR.match(file)) is not None:
        return Library(jar["name"], _PLATFORM.sub("", jar["version"]), "name", file)
    if (found := _SHARED_OBJECT.match(file)) is not None:
        name, version, scheme = found["name"], found["soname"], "soname"
        inner = _NAME_WITH_VERSION.match(name)
        if inner is not None and not _is_part(inner["version"], version):
            # libpython3.11.so.1.0
            return Library(inner["name"], inner["version"], "name", file)
        if version is None and found["dashed"] is not None:
            version, scheme = found["dashed"], "name"
        return Library(inner["name"] if inner else name, version, scheme, file)
    for pattern in (_DYLIB, _DLL):
        if (found := pattern.match(file)) is not None:
            return Library(found["name"], found["version"], "name", file)
    if (found := _NAME_WITH_VERSION.match(file)) is not None:
        return Library(found["name"], found["version"], "name", file)
    return Library(file, None, "", file)


def _version_of_folder(folder: str, name: str) -> str | None:
    """The version in the innermost folder that is named like the library."""
    wanted = _bare(name)
    parts = [_STORE_HASH.sub("", part) for part in folder.split("/")]
    for position in range(len(parts) - 1, 0, -1):
        found = _FOLDER.match(parts[position])
        if found is not None and _bare(found["name"]) == wanted:
            return found["version"]
        found = _BARE_VERSION.match(parts[position])
        if found is not None and _bare(parts[position - 1]) == wanted:
            return found["version"]
    return None


def _bare(name: str) -> str:
    return name.lower().removeprefix("lib").replace("-", "").replace("_", "")


def _is_part(version: str, longer: str | None) -> bool:
    """Whether a version is the beginning of another: 3 of 3.1.4."""
    return longer is not None and f"{longer}.".startswith(f"{version}.")


@dataclass(slots=True)
class _Known:
    """What one side says about a library."""

    versions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By scheme."""
    files: set[str] = field(default_factory=set)
    build_ids: set[str] = field(default_factory=set)


class Difference(NamedTuple):
    """A library that is not the same on both sides."""

    name: str
    before: tuple[str, ...]
    """Versions; file names where the sides count versions in two ways. The same as `after` for a rebuild."""
    after: tuple[str, ...]
    build_ids_before: tuple[str, ...]
    build_ids_after: tuple[str, ...]
    is_rebuilt: bool
    """Another build, and no other version is known."""

    @property
    def title(self) -> str:
        """In words: "libimgkit 3.1.4 → 3.2.0", "libimgkit 3.1.4 was rebuilt (build id 0aff10bc → 51c2d3e4)"."""
        before, after = "/".join(self.before), "/".join(self.after)
        if self.is_rebuilt:
            builds = (
                "/".join(one[:_SHOWN_DIGITS] for one in side[:_SHOWN_BUILDS])
                for side in (self.build_ids_before, self.build_ids_after)
            )
            return f"{self.name}{before and ' '}{before} was rebuilt (build id {' → '.join(builds)})"
        # A file name tells the library itself.
        return f"{before} → {after}" if before.startswith(self.name) else f"{self.name} {before} → {after}"


def library_differences(
    before: tuple[Iterable[SnapshotMeta], Iterable[Frame]], after: tuple[Iterable[SnapshotMeta], Iterable[Frame]]
) -> list[Difference]:
    """The libraries that both sides have and that changed, by name.

    Versions come from the frames' objects and the mapped files, build ids from mappings and from what a tool says of
    builds. A library on one side only is none: most formats name only objects that are on a stack.
    """
    old, new = _known(*before), _known(*after)
    found = (_difference(name, old[name], new[name]) for name in sorted(old.keys() & new.keys()))
    return [one for one in found if one is not None]


def _known(metas: Iterable[SnapshotMeta], frames: Iterable[Frame]) -> Mapping[str, _Known]:
    builds: dict[str, set[str]] = {
        module: set() for module in (frame.actual.module for frame in frames) if module is not None
    }
    seen: set[int] = set()
    for meta in (meta.actual for meta in metas):
        for path, build_id in meta.build_ids:
            builds.setdefault(path, set()).add(build_id)
        if id(meta.mappings) in seen:
            continue
        # Snapshots of one process share them.
        seen.add(id(meta.mappings))
        for mapping in meta.mappings:
            builds.setdefault(mapping.path, set()).update([mapping.build_id] if mapping.build_id else [])
    known: defaultdict[str, _Known] = defaultdict(_Known)
    for path, build_ids in builds.items():
        library = library_of(path)
        if library is None:
            continue
        one = known[library.name]
        one.files.add(library.file)
        one.build_ids |= {build_id.lower() for build_id in build_ids}
        if library.version is not None:
            one.versions[library.scheme].add(library.version)
    return known


def _difference(name: str, old: _Known, new: _Known) -> Difference | None:
    build_ids = tuple(sorted(old.build_ids)), tuple(sorted(new.build_ids))

    def changed(before: Iterable[str], after: Iterable[str], *, is_rebuilt: bool = False) -> Difference:
        return Difference(name, tuple(before), tuple(after), *build_ids, is_rebuilt)

    for scheme in ("folder", "name", "soname"):
        before, after = old.versions.get(scheme, set()), new.versions.get(scheme, set())
        if before and after and before != after and not _are_parts(before, after):
            return changed(_in_order(before), _in_order(after))
    before, after = (set().union(*side.versions.values()) for side in (old, new))
    has_two_schemes = before and after and not old.versions.keys() & new.versions.keys()
    if has_two_schemes and old.files != new.files and not _are_parts(before, after):
        return changed(sorted(old.files), sorted(new.files))
    if all(build_ids) and build_ids[0] != build_ids[1]:
        same = _in_order(before) if before == after else ()
        return changed(same, same, is_rebuilt=True)
    return None


def _are_parts(old: set[str], new: set[str]) -> bool:
    """Whether one side only says less: 3 and 3.1.4 may be the same."""
    return len(old) == len(new) == 1 and (_is_part(min(old), min(new)) or _is_part(min(new), min(old)))


def _in_order(versions: set[str]) -> tuple[str, ...]:
    def numbers(version: str) -> list[tuple[int, str]]:
        return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"[.-]", version)]

    return tuple(sorted(versions, key=lambda version: (numbers(version), version)))
