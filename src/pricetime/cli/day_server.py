"""The venue of the day as a server: traders with sessions, an operator, and a subscriber to the feed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import PricetimeError
from ..types import REPORT, Phase
from .admin import answers_of
from .day import Reports
from .day_orders import OWNERS, DayOrder
from .stop import CannotRun

if TYPE_CHECKING:
    from ..client.client import Client
    from ..load.server import ServerProcess

#: Number of the instrument of the day.
INSTRUMENT = 1

#: Trader 1 of the day is this owner and one more at the exchange.
FIRST_OWNER = 100

#: Reports that were published before a command was answered are there after so many heartbeats of the feed.
HEARTBEATS = 2

#: Longest wait for an answer or for the feed, in seconds.
PATIENCE_S = 30.0


class DayFailed(PricetimeError):
    """The server did not do what the day asked of it."""


class ServerVenue:
    """Trades on ``server``. ``admin``: the socket of its operator. A context manager: leaving it keeps the orders."""

    def __init__(self, server: ServerProcess, admin: Path) -> None:
        self._server, self._admin = server, admin
        self._reports: list[Reports] = []  # published since the last step
        self._clients: dict[int, Client] = {}
        self._opened = ExitStack()

    def __enter__(self) -> ServerVenue:
        from ..client.client import Client
        from ..client.subscriber import Subscriber

        server = self._server
        with ExitStack() as opened:
            self._feed = opened.enter_context(
                Subscriber(
                    server.group, server.feed_port, recovery=server.recovery, on_reports=self._reports.append
                )
            )  # fmt: skip
            if not self._feed.wait_whole(PATIENCE_S):
                raise DayFailed(f"the subscriber got no books within {PATIENCE_S:.0f} s")
            for owner in OWNERS:
                number = FIRST_OWNER + owner
                self._clients[owner] = opened.enter_context(
                    Client(server.host, server.port, owner=number, instrument=INSTRUMENT, keep_orders=True)
                )
            self._reports.clear()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def send(self, orders: Sequence[DayOrder]) -> Reports:
        """Send orders of one owner, in their order. An order that is rejected is one of the day too."""
        client = self._clients[orders[0].owner]
        sent = [client.add_order(order.id, order.side, order.price, order.quantity, **terms(order)) for order in orders]
        for promise in sent:
            with suppress(ValueError, RuntimeError):
                promise.result(PATIENCE_S)
        return self._published()

    def begin(self, phase: Phase) -> Reports:
        """Begin a phase."""
        return self._operate("phase", phase=name(phase))

    def uncross(self, phase: Phase) -> Reports:
        """Trade the auction, and begin the next phase."""
        return self._operate("uncross", phase=name(phase))

    def indicate(self) -> Reports:
        """Publish where the auction would trade."""
        return self._operate("indicate")

    def expire(self) -> Reports:
        """End the orders for the day."""
        return self._operate("expire")

    def depth(self) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
        """All bids and asks that the market sees: price, lots, orders, the best first."""
        book = self._feed.book(INSTRUMENT)
        bids, asks = book.depth(len(book))
        return bids.tolist(), asks.tolist()

    def _operate(self, command: str, **arguments: object) -> Reports:
        """Send a command of the operator."""
        *_, last = answers_of(self._admin, {"command": command, "instrument": INSTRUMENT, **arguments})
        if "error" in last:
            raise CannotRun(f"{command}: {last['error']}")
        return self._published()

    def _published(self) -> Reports:
        """The reports about the instrument since the last step."""
        feed = self._feed
        enough = feed.statistics.heartbeats + HEARTBEATS
        while feed.statistics.heartbeats < enough or feed.state.name != "WHOLE":
            if not feed.poll(PATIENCE_S) and feed.state.name == "SILENT":
                raise DayFailed("the feed is silent: the server has ended")
        reports: Reports = np.concatenate([np.zeros(0, REPORT), *self._reports])
        self._reports.clear()
        published: Reports = reports[reports["instrument"] == INSTRUMENT]
        return published


def name(phase: Phase) -> str:
    """A phase as the operator writes it."""
    return phase.name.lower().replace("_", "-")


def terms(order: DayOrder) -> dict[str, Any]:
    """The arguments of ``add_order`` besides side, price and quantity."""
    return {
        "order_type": order.order_type,
        "time_in_force": order.time_in_force,
        "instructions": order.instructions,
        "trigger_price": order.trigger_price,
        "display_quantity": order.display_quantity,
    }
