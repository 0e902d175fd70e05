"""An exchange without sockets: it takes commands, and has books, a feed and counts to read."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from pricetime.core.engine import Engine
from pricetime.core.instrument import Instrument
from pricetime.exchange.state.feed_store import FeedStore
from pricetime.native.histogram import Histogram
from pricetime.types import COMMAND, CommandType
from pricetime.wire.types import AcknowledgementLevel

Commands = np.ndarray[Any, np.dtype[np.void]]
BID, ASK = 1, 2


def add(order_id: int, side: int, price: int, quantity: int, *, instrument: int = 1) -> Commands:
    """One order."""
    made = np.zeros(1, COMMAND)
    values = {"side": side, "price": price, "quantity": quantity, "instrument": instrument, "order_id": order_id}
    for name, value in {"type": CommandType.NEW_ORDER, "length": 40, **values}.items():
        made[name] = value
    return made


class FakeExchange:
    """The engine's reports go to the feed, and its books are read directly."""

    level, term = AcknowledgementLevel.MEMORY, 1

    def __init__(self, instruments: Iterable[Instrument], capacity: int = 2**14) -> None:
        self.instruments = tuple(instruments)
        self.engine = Engine(self.instruments, capacity=1000)
        self.store = FeedStore(capacity, 1)
        self.follower: Any = self
        self.is_busy = False
        self.counted = 0  #: how often the counts were read
        self.commands = 0

    def stats(self) -> Mapping[str, int | float]:
        self.counted += 1
        return {"commands": self.commands, "reports": self.store.next_sequence - 1, "gateway_rejects": 2}

    def latencies(self) -> Mapping[str, Mapping[str, Histogram]]:
        return {}

    def send(self, *commands: Commands) -> None:
        every = np.concatenate(commands)
        self.commands += len(every)
        self.store.extend(self.engine.apply(every))

    def depths(self, instruments: Iterable[int], levels: int) -> Any:
        if self.is_busy:
            return None
        books = {number: self.engine.book(number) for number in instruments}
        return {number: (book.phase, *book.depth(levels)) for number, book in books.items()}
