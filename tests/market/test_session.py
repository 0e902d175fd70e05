"""A whole market, for a few seconds: it trades, people can trade in it, and nothing of it is left."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pricetime.client.client import Client
from pricetime.errors import PricetimeError
from pricetime.load.server import ServerFailed
from pricetime.market.options import Options
from pricetime.market.session import MarketSession
from pricetime.market.traders import FIRST_OWNER
from pricetime.types import OrderType, Side
from tests.web.served import PATIENCE_S, Watcher

ONE = Options(symbols=("GOLD",), rate=40, opening_s=0.5)


@contextmanager
def running(options: Options) -> Iterator[MarketSession]:
    """A market that trades in a thread of its own until the block ends."""
    over = threading.Event()
    failures: list[BaseException] = []

    def run(session: MarketSession) -> None:
        try:
            session.run(over)
        except PricetimeError as error:
            failures.append(error)

    with MarketSession(options) as session:
        thread = threading.Thread(target=run, args=(session,))
        thread.start()
        try:
            yield session
        finally:
            over.set()
            thread.join()
    assert not failures


def watcher(session: MarketSession) -> Watcher:
    return Watcher(session.exchange.url.removeprefix("http://").rstrip("/"))


def test_the_page_shows_a_market_and_a_person_trades_in_it() -> None:
    with running(ONE) as session, watcher(session) as page:
        hello = page.hear()
        (gold,) = hello["instruments"]
        assert (gold["symbol"], gold["unit"], gold["decimals"]) == ("GOLD", 1, 2)
        page.frame(lambda frame: frame.get("sandbox", {}).get("ready"))
        frame = page.frame(lambda frame: len(frame["book"]["bids"]) > 5 and len(frame["book"]["asks"]) > 5)
        assert abs(frame["book"]["bids"][0][0] - 10_000) < 100
        frame = page.frame(lambda frame: frame["book"]["auction"])
        assert frame["book"]["auction"]["phase"] == "opening_auction"
        assert abs(frame["book"]["auction"]["price"] - 10_000) < 100
        page.frame(lambda frame: len(frame["book"]["tape"]) > 3)
        page.order("bid", 5, "", type="market")
        (order,) = page.orders(lambda orders: orders and orders[0]["status"] == "filled")
        assert abs(order["last_price"] - 10_000) < 100
        with Client(session.exchange.host, session.exchange.port, owner=7) as client:
            result = client.add_order(1, Side.ASK, None, 3, order_type=OrderType.MARKET).result(PATIENCE_S)
            assert result.filled == 3
    assert session.summary.commands > 50
    assert session.summary.trades > 5
    assert session.exchange.process.returncode == 0
    assert session.exchange.last("stopped")["drained"] is True


def test_it_ends_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings of the environment are not for its server."""
    monkeypatch.setenv("PRICETIME_SECRETS_FILE", "/nonexistent/secrets.toml")
    with MarketSession(Options(symbols=("GOLD",), seconds=0.5)) as session:
        session.run(threading.Event())
    assert 0.5 <= session.summary.seconds < PATIENCE_S
    assert session.exchange.process.returncode == 0


def test_an_exchange_that_is_killed_ends_the_market() -> None:
    with MarketSession(ONE) as session:
        threading.Timer(0.5, session.exchange.kill).start()
        with pytest.raises(ServerFailed, match="the exchange ended with exit code -9"):
            session.run(threading.Event())


def test_a_trader_whose_owner_logs_in_elsewhere_ends_the_market() -> None:
    ended = threading.Event()
    with MarketSession(ONE) as session:

        def log_in() -> None:
            with Client(session.exchange.host, session.exchange.port, owner=FIRST_OWNER):
                ended.wait(PATIENCE_S)

        thread = threading.Timer(0.3, log_in)
        thread.start()
        with pytest.raises(PricetimeError, match="SUPERSEDED"):
            session.run(threading.Event())
        ended.set()
        thread.join()


def test_a_port_that_is_taken_is_named() -> None:
    with (
        MarketSession(Options(seconds=0.1)) as first,
        pytest.raises(ServerFailed, match=rf"{first.exchange.port}"),
        MarketSession(Options(port=first.exchange.port)),
    ):
        pass


def test_the_server_ends_if_this_process_goes() -> None:
    with MarketSession(ONE) as session:
        process = session.exchange.process
        assert process.stdin is not None
        assert os.getpgid(process.pid) == process.pid  # Ctrl-C does not reach it
        process.stdin.close()  # as the system does when this process ends
        assert process.wait(PATIENCE_S) in {0, -signal.SIGTERM}
