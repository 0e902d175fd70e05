"""A server that is killed and restarted, and clients and subscribers that must not notice more than a pause."""

import random
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import numpy as np

from pricetime.client.errors import ConnectionLost, SessionEnded
from pricetime.client.feed_state import EventKind, FeedEvent
from pricetime.load.following import Following
from pricetime.load.server import ServerProcess, lasting_port
from tests.crash.forked import ForkedServer
from tests.crash.trader import Trader
from tests.end_to_end.test_bad_network import last_sequence

SMALL = (
    "--open", "--no-prefault", "--order-capacity", "8192", "--stats-interval-ms", "0", "--feed-store-reports", "65536",
    "--stream-reports", "65536", "--outbound-bytes", "2097152",
)  # fmt: skip

#: Seconds of trading before a kill.
SHORTEST_S, LONGEST_S = 0.02, 0.12

#: So often a server is killed while it starts, within this time.
STILLBORN, LONGEST_START_S = 0.3, 0.3

TRADERS = 3


class Lives:
    """A context manager: a server with these options, traders, and a subscriber that follows it over all its lives.

    ``stays``: one of the traders has one client for all of them.
    """

    def __init__(self, options: Iterable[str], seed: int, *, stays: bool = True) -> None:
        ports = ("--port", str(lasting_port()), "--recovery-port", str(lasting_port()))
        self.server: ServerProcess = ForkedServer(*SMALL, *ports, *options)
        self.traders = [Trader(owner, seed, stays=stays and owner == TRADERS) for owner in range(1, TRADERS + 1)]
        self.reports = 0  #: of the feed, each once
        self.events: list[FeedEvent] = []
        self._rng = random.Random(seed)
        self._feed: Following | None = None

    def __enter__(self) -> Self:
        self.server.__enter__()
        server = self.server
        self._feed = Following(
            server.group,
            server.feed_port,
            recovery=server.recovery,
            on_reports=self._count,
            on_event=self.events.append,
        )
        self._feed.__enter__()
        self._feed.wait_whole()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        for trader in self.traders:
            trader.close()
        self.server.__exit__(None, None, None)
        if self._feed is not None:
            self._feed.__exit__(None, None, None)

    def _count(self, reports: np.ndarray[Any, np.dtype[np.void]]) -> None:
        numbers = reports["seq_num"]
        expected = np.arange(self.reports + 1, self.reports + 1 + len(reports), dtype=np.uint64)
        assert np.array_equal(numbers, expected), f"the feed goes on with {numbers[0]} after {self.reports}"
        self.reports += len(reports)

    # ------------------------------------------------------------------ the lives

    def live(self) -> None:
        """Come back, look that nothing is lost, trade, and be killed in the middle of it."""
        self.come_back()
        kill = threading.Timer(self._rng.uniform(SHORTEST_S, LONGEST_S), self.server.kill)
        kill.start()
        self.trade_to_the_end()
        kill.join()
        self.server.__exit__(None, None, None)

    def trade_to_the_end(self) -> None:
        """Trade until the server is gone."""
        with suppress(ConnectionLost, SessionEnded):
            while True:
                for trader in self.traders:
                    trader.trade()
        for trader in self.traders:
            trader.end()

    def start(self) -> None:
        """The next life. Some are over before they have begun."""
        while self._rng.random() < STILLBORN:
            server = self.server.again()
            time.sleep(self._rng.uniform(0, LONGEST_START_S))
            server.kill()
            server.__exit__(None, None, None)
        self.server = self.server.again()
        self.server.__enter__()

    def come_back(self) -> None:
        """All clients log in and find the same orders. No command is pending when this returns."""
        for trader in self.traders:
            trader.begin(self.server.host, self.server.port)
        for trader in self.traders:
            trader.settle()
        assert self._feed is not None
        self._feed.wait_whole(last_sequence(self.server))
        with self._feed.locked() as subscriber:
            resting = {order.id: (int(order.side), order.price, order.quantity) for order in subscriber.book(1)}
        mine = [trader.orders.open for trader in self.traders]
        assert {public: order for part in mine for public, order in part.items()} == resting

    def stop(self) -> None:
        """The last life ends in peace: the subscriber has the server's own books, and every report since the first."""
        self.come_back()
        assert self._feed is not None
        stopped = self.server.stop()
        self._feed.wait_whole(stopped["last_sequence"])
        with self._feed.locked() as subscriber:
            assert f"{subscriber.digest():016x}" == stopped["digest"]
            assert self.reports == subscriber.seq_num == stopped["last_sequence"]
            assert subscriber.statistics.epochs == 0
        kinds = [event.kind for event in self.events]
        assert EventKind.EPOCH not in kinds
        assert kinds.count(EventKind.SNAPSHOT) == 1  # with which it joined
