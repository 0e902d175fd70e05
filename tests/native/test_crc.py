"""CRC-32C against published values and against one bit at a time; the link of two records."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime.native.crc import crc32c, linked
from tests.log import written

#: From RFC 3720, B.4, and the usual check value.
PUBLISHED = [
    (b"123456789", 0xE3069283),
    (bytes(32), 0x8A9136AA),
    (b"\xff" * 32, 0x62A8AB43),
    (bytes(range(32)), 0x46DD794E),
    (bytes(range(31, -1, -1)), 0x113FDB5C),
    (b"", 0),
]


@pytest.mark.parametrize(("data", "crc"), PUBLISHED)
def test_published_values(data: bytes, crc: int) -> None:
    assert crc32c(data) == crc


@given(st.binary(max_size=200))
def test_any_length(data: bytes) -> None:
    assert crc32c(data) == written.crc32c(data)


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_it_goes_on_from_the_value_before(first: bytes, second: bytes) -> None:
    assert crc32c(second, crc32c(first)) == crc32c(first + second)


def test_long_data_is_as_short() -> None:
    data = np.random.default_rng(1).bytes(20_000)
    assert crc32c(data) == crc32c(data[9_999:], crc32c(data[:9_999]))


def test_any_contiguous_buffer() -> None:
    words = np.arange(8, dtype="<u8")
    assert crc32c(words.data) == crc32c(bytearray(words.data)) == crc32c(words.tobytes())


@given(st.binary(min_size=64, max_size=64), st.integers(0, 2**32 - 1))
def test_a_link_covers_the_one_before(body: bytes, previous: int) -> None:
    assert linked(previous, body) == written.link(previous, body)
    assert linked(previous, body) != linked(previous ^ 1, body)


@pytest.mark.parametrize("value", [-1, 2**32])
def test_a_value_that_is_no_crc(value: int) -> None:
    with pytest.raises(OverflowError):
        linked(value, b"x")
