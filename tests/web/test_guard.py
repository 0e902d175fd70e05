"""Which browsers may connect."""

import pytest

from pricetime.web.guard import HEADERS, is_own


def test_the_origin_is_the_address_that_is_connected_to() -> None:
    assert is_own("http://127.0.0.1:8080", "127.0.0.1:8080")
    assert is_own("https://Exchange.example.org", "exchange.example.org")


@pytest.mark.parametrize(
    "origin",
    ["", "null", "http://127.0.0.1", "http://127.0.0.1:8081", "http://localhost:8080", "http://evil.example",
     "ws://127.0.0.1:8080", "http://127.0.0.1:8080/", "http://127.0.0.1:8080.evil.example"],
)  # fmt: skip
def test_any_other_origin_is_foreign(origin: str) -> None:
    assert not is_own(origin, "127.0.0.1:8080")


def test_the_page_may_load_from_its_server_only_and_runs_nothing_inline() -> None:
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
