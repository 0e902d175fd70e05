"""Hosts and ports: as text and back, and as socket addresses."""

import socket

import pytest

from pricetime.address import parse, resolve, text


@pytest.mark.parametrize(
    ("address", "word"),
    [
        (("127.0.0.1", 7001), "127.0.0.1:7001"),
        (("::1", 7001), "[::1]:7001"),
        (("exchange.example", 1), "exchange.example:1"),
    ],
)
def test_there_and_back(address: tuple[str, int], word: str) -> None:
    assert text(address) == word
    assert parse(word) == address


def test_the_address_of_a_socket() -> None:
    assert text(("::1", 7001, 0, 0)) == "[::1]:7001"


@pytest.mark.parametrize("word", ["", "7001", ":7001", "host:", "host:x", "::1:7001", "[]:7001"])
def test_what_is_no_address(word: str) -> None:
    with pytest.raises(ValueError, match="give HOST:PORT"):
        parse(word)


def test_names_and_addresses_of_both_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolve(("127.0.0.1", 7001)) == [(socket.AF_INET, ("127.0.0.1", 7001))]
    assert resolve(("::1", 7001)) == [(socket.AF_INET6, ("::1", 7001, 0, 0))]
    found = [(socket.AF_INET6, 1, 6, "", ("::1", 7, 0, 0)), (socket.AF_INET, 1, 6, "", ("127.0.0.1", 7))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert [family for family, _ in resolve(("both.example", 7))] == [socket.AF_INET, socket.AF_INET6]
