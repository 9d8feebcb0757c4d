"""Control groups as the kernel shows them, in a folder of the test's own; real ones need delegation."""

from __future__ import annotations

from pathlib import Path

import pytest

from leakreport.errors import LimitRefused
from leakreport.live.cgroup import make_group
from leakreport.live.limits import Limit

LIMITS = (Limit("memory-max", 1 << 29),)


def _proc(folder: Path, groups: str) -> Path:
    own = folder / "proc" / "self"
    own.mkdir(parents=True)
    (own / "cgroup").write_text(groups, encoding="ascii")
    (own / "mountinfo").write_text(f"1 0 0:1 / {folder}/cg rw - cgroup2 cgroup2 rw\n", encoding="ascii")
    (folder / "cg" / "app" / "shell").mkdir(parents=True)
    return folder / "proc"


def test_a_group_stands_beside_the_own_one_where_that_is_delegated(tmp_path: Path) -> None:
    proc = _proc(tmp_path, "0::/app/shell\n")
    (tmp_path / "cg" / "app" / "cgroup.subtree_control").write_text("memory pids\n", encoding="ascii")
    group = make_group(LIMITS, proc=proc, name="made")
    assert group.folder == tmp_path / "cg" / "app" / "made"
    assert (group.folder / "memory.max").read_text(encoding="ascii") == str(1 << 29)


@pytest.mark.parametrize(
    ("groups", "words"), [("0::/app/shell\n", "systemd-run --user --scope"), ("4:memory:/x\n0::/\n", "version 1")]
)
def test_without_delegation_the_error_says_what_to_do(groups: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(LimitRefused) as caught:
        make_group(LIMITS, proc=_proc(tmp_path, groups))
    assert words in str(caught.value)
