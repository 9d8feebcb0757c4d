"""Addresses in text are decoded and numbered in columns as they are one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leakreport.readers._addresses import AddressNumbers, decoded

ADDRESSES = st.one_of(st.integers(0, 2**64 - 1), st.integers(0x7F0000000000, 0x7F0000000040), st.integers(0, 40))
SPELLINGS = st.sampled_from(["0x{:x}", "0x{:X}", "0x{:016x}"])


@given(st.lists(st.lists(st.tuples(ADDRESSES, SPELLINGS), min_size=1, max_size=30), max_size=8))
def test_columns_say_what_python_says(blocks: list[list[tuple[int, str]]]) -> None:
    numbers = AddressNumbers()
    known: dict[int, int] = {}
    for block in blocks:
        texts = [spelling.format(address).encode() for address, spelling in block]
        addresses = decoded(b" ".join(texts), len(texts))
        assert addresses is not None
        assert addresses.tolist() == [address for address, _ in block]
        expected = [known.setdefault(address, len(known)) for address, _ in block]
        assert numbers.of_column(addresses).tolist() == expected
        assert list(numbers.of(texts)) == expected
    assert list(numbers.addresses()) == list(known)
    assert len(numbers) == len(known)


@given(st.text(alphabet="0x1aF g\t-", min_size=1, max_size=30))
def test_nothing_else_is_decoded(text: str) -> None:
    tokens = text.split(" ")
    is_plain = all(
        token.startswith("0x") and 3 <= len(token) <= 18 and set(token[2:]) <= set("01aF") for token in tokens
    )
    found = decoded(text.encode(), len(tokens))
    assert (found is not None) == is_plain
    if found is not None:
        assert found.tolist() == [int(token, 16) for token in tokens]
