"""The page on the live page is true: its commands run, and its settings and numbers are those of the code."""

import importlib
import re
from pathlib import Path

import pytest

import pricetime

if not pricetime.COMPILED:
    pytest.skip("the page reads a running exchange, which needs the compiled form", allow_module_level=True)
pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytest.importorskip("uvicorn", reason="needs the page's packages: pip install '.[web]'")

from pricetime.exchange.settings.config import GatewayConfig
from pricetime.market import exchange
from pricetime.market.large_trader import LOTS
from pricetime.market.maker import STYLES
from pricetime.market.options import SYMBOLS, Options
from pricetime.web import listed, market, orders, pages, server, sessions

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "watch.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_options_of_the_market() -> None:
    command = importlib.import_module("pricetime.cli.market").market
    known = {name for option in command.params for name in (*option.opts, *option.secondary_opts)}
    section = TEXT.partition("## A market with synthetic traders")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(--[\w-]+)`", section))
    assert named <= known
    assert known - named == {"--browser"}
    defaults = Options()
    assert f"{defaults.rate:.0f} by default" in section
    assert f"{defaults.price_unit} by default" in section
    assert len(SYMBOLS) == len(STYLES) == 3
    assert f"an opening auction of {defaults.opening_s:.0f} seconds" in section
    assert f"{LOTS:,} lots at" in section
    assert f"more than {exchange.RANGE_TICKS} ticks" in section
    longest = exchange.INTERRUPTION_S + exchange.INTERRUPTION_WITHIN_S
    assert f"{exchange.INTERRUPTION_S} to\n{longest} seconds later" in section


def test_the_settings() -> None:
    named = set(re.findall(r"`(?:--)?(http[_-]\w+)", TEXT))
    assert {name.replace("-", "_") for name in named} <= set(GatewayConfig.model_fields)
    assert "http_names" in named


@pytest.mark.parametrize(
    "said",
    [
        f"{listed.LEVELS} levels of each side",
        f"the last {listed.HISTORY_S} seconds",
        f"exact to {pages.TRADES_EVERY_S * 1000:.0f} ms",
        f"the first {market.MOST_INSTRUMENTS} ",
        f"the newest {listed.TRADES} trades",
        f"more than {market.MOST_READ:,} reports",
        f"the newest {sessions.SHOWN} ",
        f"At most {orders.MOST_ORDERS} of its orders",
        f"{server.SPARE_CONNECTIONS} more connections",
        f"closed after {server.REQUEST_S:.0f} seconds",
        f"A message has {pages.ASKED_BYTES:,} bytes at most, a page sends {pages.ASKED_PER_S} a second",
    ],
)
def test_the_numbers(said: str) -> None:
    assert said in TEXT
