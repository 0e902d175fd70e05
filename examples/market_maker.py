"""Make a market: quote both sides of the last price, and lower both quotes while the position is long.

pricetime serve --open
python examples/market_maker.py
"""

from __future__ import annotations

import argparse
import itertools
import time
from typing import Any

import numpy as np

from pricetime import ASK, BID, PricetimeError, ReportKind, Side
from pricetime.client import Client, FeedState, Subscriber
from pricetime.wire.messages import ExecutionReport


class MarketMaker:
    """A bid and an ask, ``half_spread`` ticks from a price that moves down by ``skew`` ticks for each lot held."""

    def __init__(self, client: Client, price: int, quantity: int, half_spread: int, skew: float) -> None:
        self.client, self.price, self.quantity = client, price, quantity
        self.half_spread, self.skew = half_spread, skew
        self.position = self.cash = self.fills = 0
        self.quotes: dict[Side, tuple[int, int]] = {}  # order id and price
        self.open: dict[int, int] = {}  # order id -> lots
        self._ids = itertools.count(time.time_ns() // 1_000_000 % 2**40)  # differ from those of an earlier run

    def see(self, reports: np.ndarray[Any, Any]) -> None:
        """The price is that of the last trade on the feed."""
        trades = reports[reports["kind"] == ReportKind.TRADE]
        if len(trades):
            self.price = int(trades["price"][-1])

    def read(self, report: ExecutionReport) -> None:
        """Follow the reports of our own orders."""
        if report.kind in (ReportKind.ACCEPTED, ReportKind.REPLACED):
            self.open[report.order_id] = report.quantity
        elif report.kind in (ReportKind.TRADE, ReportKind.CANCELLED, ReportKind.REDUCED):
            self.open[report.order_id] -= report.quantity
        elif report.kind == ReportKind.REJECTED:  # it would have traded at once, or it is gone: send a new quote
            self.quotes = {side: quote for side, quote in self.quotes.items() if quote[0] != report.order_id}
        if report.kind == ReportKind.TRADE:
            lots = report.quantity if report.side == BID else -report.quantity
            self.position += lots
            self.cash -= lots * report.price
            self.fills += 1
            print(f"{'bought' if lots > 0 else 'sold':>6} {report.quantity} at {report.price}, holding {self.position}")
        if self.open.get(report.order_id) == 0:
            del self.open[report.order_id]
            self.quotes = {side: quote for side, quote in self.quotes.items() if quote[0] != report.order_id}

    def quote(self) -> None:
        """Send or replace the bid below the price and the ask above it."""
        middle = self.price - round(self.skew * self.position)
        for side, price in ((BID, middle - self.half_spread), (ASK, middle + self.half_spread)):
            if side not in self.quotes:
                order_id = next(self._ids)
                self.client.add_order(order_id, side, price, self.quantity, post_only=True)
                self.quotes[side] = order_id, price
            elif self.quotes[side][1] != price and self.quotes[side][0] in self.open:
                order_id = self.quotes[side][0]
                self.client.replace_order(order_id, price, self.open[order_id])
                self.quotes[side] = order_id, price


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--host", default="127.0.0.1")
parser.add_argument("--port", type=int, default=7001)
parser.add_argument("--owner", type=int, default=1)
parser.add_argument("--secret", default="", help="in hex; not needed if the server runs with --open")
parser.add_argument("--feed-group", default="239.255.77.1")
parser.add_argument("--feed-port", type=int, default=7003)
parser.add_argument("--recovery-port", type=int, default=7002)
parser.add_argument("--price", type=int, default=10_000, help="first price, before any trade")
parser.add_argument("--quantity", type=int, default=10)
parser.add_argument("--half-spread", type=int, default=2)
parser.add_argument("--skew", type=float, default=0.1)
parser.add_argument("--seconds", type=float, default=float("inf"))
given = parser.parse_args()

try:
    with Client(given.host, given.port, owner=given.owner, secret=bytes.fromhex(given.secret)) as client:
        maker = MarketMaker(client, given.price, given.quantity, given.half_spread, given.skew)
        recovery = given.host, given.recovery_port
        until = time.monotonic() + given.seconds
        try:
            feed = Subscriber(given.feed_group, given.feed_port, recovery=recovery, on_reports=maker.see)
            while time.monotonic() < until:
                feed.poll(0.01)
                for report in client.reports(timeout=0.0):
                    maker.read(report)
                if feed.state is FeedState.WHOLE:  # no quotes while the books may be outdated
                    maker.quote()
            feed.close()
        except KeyboardInterrupt:
            pass
        cancelled = client.mass_cancel().result(timeout=5).quantity
        for report in client.reports(timeout=0.0):
            maker.read(report)
        worth = maker.cash + maker.position * maker.price
        print(f"{cancelled} quotes cancelled, {maker.fills} fills, holding {maker.position}, worth {worth} in all")
except PricetimeError as error:
    raise SystemExit(f"market_maker: {error}") from None
