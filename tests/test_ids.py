"""Ids are known by their beginnings, where these tell."""

from __future__ import annotations

import pytest

from leakreport.errors import UsageError
from leakreport.ids import found_id

IDS = ["p1-84f70000", "p1-84f71111", "e1-84f72222", "p1-00000000", "p1-0000000012"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("p1-84f71", "p1-84f71111"),
        ("84f72", "e1-84f72222"),
        ("e1-84f7", "e1-84f72222"),
        ("p1-00000000", "p1-00000000"),
        ("p1-000000001", "p1-0000000012"),
        ("p1-5555", None),
        ("p2-84f71", None),
    ],
)
def test_a_beginning_that_one_has_is_enough(given: str, found: str | None) -> None:
    assert found_id(given, IDS) == found


@pytest.mark.parametrize("given", ["", "p", "p1", "p1-", "p1-84f", "84f"])
def test_what_is_too_short_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="is too short"):
        found_id(given, IDS)


@pytest.mark.parametrize(("given", "count"), [("p1-84f7", 2), ("84f7", 3)])
def test_of_several_none_is_taken(given: str, count: int) -> None:
    with pytest.raises(UsageError, match=f"{count} ids begin with {given}: "):
        found_id(given, IDS)
