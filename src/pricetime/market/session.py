"""A market that runs: the exchange, the connections of the traders, and the loop in which they decide."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from subprocess import TimeoutExpired

import numpy as np

from ..client.client import Client
from ..client.errors import ConnectionLost, SessionEnded
from ..client.follower import Reports
from ..client.subscriber import Subscriber
from .book_view import BookView
from .exchange import ORDER_CAPACITY, Exchange
from .operator import OperatorFailed, request
from .options import Options
from .traders import Traders
from .working_orders import TRADES

#: Time between two decisions of the traders.
STEP_S = 0.025

#: The market stands still while this process does, for example while the machine sleeps: a step is never longer.
LONGEST_STEP_S = 0.25

#: How long the subscriber may take to get its first books.
JOIN_S = 30.0

#: How long a server whose connections have broken may take to exit.
EXIT_S = 2.0


@dataclass
class Summary:
    """What happened in a market."""

    seconds: float = 0.0
    commands: int = 0  #: that the synthetic traders sent
    trades: int = 0  #: of everyone


class MarketSession:
    """A context manager: the exchange and every connection to it. Nothing is left running after it.

    Raises ServerFailed if the exchange cannot start, or ends by itself.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.summary = Summary()
        self._traders = Traders(options)
        self._is_open = False  # the opening auction has taken place
        self._clients: dict[int, Client] = {}
        self._opened = ExitStack()

    def __enter__(self) -> MarketSession:
        with ExitStack() as opened:
            self.exchange = opened.enter_context(Exchange(self.options))
            place = self.exchange.host, self.exchange.port
            for trader in self._traders.all:
                self._clients[trader.owner] = opened.enter_context(Client(*place, owner=trader.owner, retries=0))
            self._feed = opened.enter_context(
                Subscriber(
                    self.exchange.group,
                    self.exchange.feed_port,
                    recovery=self.exchange.recovery,
                    capacity=ORDER_CAPACITY,
                    on_reports=self._count,
                )
            )
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()

    def run(self, over: threading.Event) -> None:
        """Trade until ``over`` is set or the time of the options has passed. Raises ServerFailed."""
        began = before = time.monotonic()
        market_s = 0.0
        try:
            self._feed.wait_whole(JOIN_S)
            while not over.is_set() and not self._is_past(before - began):
                self._step(market_s)
                over.wait(max(0.0, before + STEP_S - time.monotonic()))
                now = time.monotonic()
                market_s += min(now - before, LONGEST_STEP_S)
                before = now
        except (ConnectionLost, SessionEnded, OperatorFailed):
            with suppress(TimeoutExpired):  # then the server runs, and the error of the connection says what happened
                self.exchange.process.wait(EXIT_S)
            self.exchange.check()
            raise
        finally:
            self.summary.seconds = time.monotonic() - began

    def _is_past(self, elapsed_s: float) -> bool:
        return self.options.seconds is not None and elapsed_s >= self.options.seconds

    def _step(self, market_s: float) -> None:
        """Every trader takes its reports, looks at the books, and sends its commands."""
        self.exchange.check()
        self._feed.poll(0)
        if not self._is_open and market_s >= self.options.opening_s:
            self._open()
        books = {number: BookView.of(self._feed.book(number)) for number in self.options.instruments}
        for trader in self._traders.all:
            trader.read(self._clients[trader.owner].read(0))
        for trader, commands in self._traders.act(market_s, books):
            if len(commands):
                self._clients[trader.owner].send(commands)
                self.summary.commands += len(commands)

    def _open(self) -> None:
        """Trade the opening auction of every instrument."""
        self._is_open = True
        for number in self.options.instruments:
            request(self.exchange.admin_socket, "uncross", instrument=number, phase="continuous")

    def _count(self, reports: Reports) -> None:
        self.summary.trades += int(np.isin(reports["kind"], list(TRADES)).sum())
