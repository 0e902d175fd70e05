"""By which names a browser may come."""

import pytest

from pricetime.exchange.control.hosts import is_known

NAMES = ("exchange.example.org",)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8080", "127.0.0.1", "localhost:80", "LOCALHOST", "[::1]:8080", "[::1]", "192.168.7.1:1",
     "exchange.example.org", "Exchange.Example.org:8080"],
)  # fmt: skip
def test_addresses_and_own_names_are_known(host: str) -> None:
    assert is_known(host, NAMES)


@pytest.mark.parametrize(
    "host",
    ["", ":80", "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "localhost:",
     "127.0.0.1:80:80", "127.0.0.1:x", "[::1", "exchange.example.org.evil.example", "0x7f.1", "127.1"],
)  # fmt: skip
def test_foreign_names_are_not_known(host: str) -> None:
    assert not is_known(host, NAMES)
