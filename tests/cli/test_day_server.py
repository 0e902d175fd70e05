"""The day on a server: what ends it. That it tells the same as the books is tested with the whole demo."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from pricetime.cli import day_server as module
from pricetime.cli.day_orders import DayOrder
from pricetime.cli.day_server import INSTRUMENT, DayFailed, ServerVenue, name, terms
from pricetime.cli.stop import CannotRun
from pricetime.types import REPORT, OrderType, Phase, Side


class FakeFeed:
    """A subscriber whose heartbeats come with each poll, unless it is silent."""

    def __init__(self, *, silent: bool = False) -> None:
        self.statistics = SimpleNamespace(heartbeats=7)
        self.state = SimpleNamespace(name="SILENT" if silent else "WHOLE")

    def poll(self, _timeout: float) -> int:
        self.statistics.heartbeats += self.state.name == "WHOLE"
        return 0


def venue(feed: FakeFeed) -> ServerVenue:
    made = ServerVenue(cast(Any, None), Path("admin"))
    made._feed = cast(Any, feed)
    return made


def test_only_reports_about_the_instrument_count(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(module, "answers_of", lambda path, request: asked.append((path, request)) or [{"ok": True}])  # type: ignore[func-returns-value]
    made = venue(FakeFeed())
    reports = np.zeros(3, REPORT)
    reports["instrument"] = [INSTRUMENT, 2, INSTRUMENT]
    made._reports.append(reports)
    assert len(made.uncross(Phase.CLOSING_AUCTION)) == 2
    assert len(made.indicate()) == 0
    first = {"command": "uncross", "instrument": INSTRUMENT, "phase": "closing-auction"}
    assert asked[0] == (Path("admin"), first)


def test_a_request_that_the_server_rejects_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "answers_of", lambda *_: [{"error": "instrument 1 is unknown"}])
    with pytest.raises(CannotRun, match="phase: instrument 1 is unknown"):
        venue(FakeFeed()).begin(Phase.PRE_OPEN)


def test_a_feed_that_is_silent_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "answers_of", lambda *_: [{"ok": True}])
    with pytest.raises(DayFailed, match="the feed is silent"):
        venue(FakeFeed(silent=True)).expire()


def test_orders_as_a_client_sends_them() -> None:
    order = DayOrder(1, 2, Side.ASK, None, 5, OrderType.STOP, trigger_price=99)
    made = terms(order)
    assert (made["order_type"], made["trigger_price"], made["display_quantity"]) == (OrderType.STOP, 99, None)
    assert name(Phase.VOLATILITY_AUCTION) == "volatility-auction"
