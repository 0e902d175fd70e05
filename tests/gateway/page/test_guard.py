"""Which browsers are let in."""

from __future__ import annotations

import pytest

from pricetime.gateway.page.guard import HEADERS, is_known, is_own

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
def test_names_that_lead_here_by_somebody_elses_will_are_not(host: str) -> None:
    assert not is_known(host, NAMES)


def test_the_origin_is_the_address_that_is_connected_to() -> None:
    assert is_own("http://127.0.0.1:8080", "127.0.0.1:8080")
    assert is_own("https://Exchange.example.org", "exchange.example.org")


@pytest.mark.parametrize(
    "origin",
    ["", "null", "http://127.0.0.1", "http://127.0.0.1:8081", "http://localhost:8080", "http://evil.example",
     "ws://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080.evil.example"],
)  # fmt: skip
def test_any_other_origin_is_somebody_elses(origin: str) -> None:
    assert not is_own(origin, "127.0.0.1:8080")


def test_the_page_may_load_from_here_alone_and_runs_nothing_inline() -> None:
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
