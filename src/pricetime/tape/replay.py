"""The base of all replays: sends the events of a tape to a book and compares each trade with that of the book."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import chain
from time import perf_counter
from typing import Generic, TypeVar

from ..errors import PricetimeError
from ..execution import Trade
from ..types import Side
from .clock import Clock
from .export import Recorder
from .file import TapeError
from .market import Book, Levels, MakeBook, Market
from .outcome import Outcome, TapeTrade, Verdict
from .skipped import Skipped

Event = TypeVar("Event")


class Replay(ABC, Generic[Event]):
    """Runs a tape through a book, once. ``outcome`` has the counts so far.

    ``price_scale``: units of the tape's integer prices in one unit of currency. The book uses these units as ticks.
    """

    price_scale: int  #: units of an integer price in one unit of currency

    def __init__(
        self,
        name: str,
        events: Iterator[Event],
        make_book: MakeBook,
        recorder: Recorder | None = None,
        skipped: Skipped | None = None,
    ) -> None:
        self.name = name  #: of the tape, for messages
        self.market = Market(make_book)
        self.outcome = Outcome() if skipped is None else Outcome(skipped=skipped)  #: the count so far
        self._recorder = recorder
        self._events = events
        self._held: list[Event] = []  # an event that was read and is later than ``until``

    def run(self, until: int | None = None) -> Outcome:
        """Run to the end of the tape, or through every event up to and including ``until``, in ns on the tape's scale.

        Raises TapeError for a tape that is unreadable or contradicts itself.
        """
        started = perf_counter()
        held, self._held = self._held, []
        for event in chain(held, self._events):
            time_ns = self.time_ns(event)
            if until is not None and time_ns > until:
                self._held = [event]
                break
            try:
                self._apply(event)
            except TapeError:
                raise
            except PricetimeError as error:
                raise TapeError(f"{self.name}: at {self.clock().text(time_ns)}: {error}") from error
            if self._recorder is not None:
                self._recorder.top(time_ns, *self.depth(1))
        self.outcome.elapsed_s += perf_counter() - started
        return self.outcome

    def warnings(self) -> list[str]:
        """Reasons not to trust the outcome, one sentence each."""
        return []

    def order_text(self, order_id: int) -> str:
        """An order of the book as text."""
        return str(order_id)

    @abstractmethod
    def clock(self) -> Clock:
        """The time scale of this tape."""

    def depth(self, levels: int) -> tuple[Levels, Levels]:
        """The best levels now, best first: bids, asks."""
        return self.market.depth(levels)

    def digest(self) -> int:
        """The digest of the book, as ``OrderBook.digest``; outside continuous trading, of the bids only."""
        return self.market.book.digest()

    @abstractmethod
    def time_ns(self, event: Event) -> int:
        """The time of an event."""

    @abstractmethod
    def _apply(self, event: Event) -> None:
        """Send an event to the book, and compare its trades."""

    def _skip(self, time_ns: int, error: Exception) -> None:
        """Skip a record that the book rejects. Raises TapeError beyond the limit."""
        self.outcome.skipped.add(f"{self.name}: at {self.clock().text(time_ns)}: {error}")

    def _count(self, trade: TapeTrade, taken: Sequence[Trade], verdict: Verdict) -> None:
        self.outcome.add(trade, taken, verdict)
        if self._recorder is not None:
            self._recorder.trade(trade, verdict)


def follow_tape(book: Book, trade: TapeTrade, taken: Sequence[Trade]) -> None:
    """Undo what the book took and take what the tape took, with the queues in their order. O(orders at those prices).

    The orders of those queues are added again, with the time of the trade.
    """
    side = Side.ASK if trade.side is Side.BID else Side.BID
    queues: dict[int, dict[int, int]] = {}  # price -> {order id: open quantity before the trade}, in queue order
    for ours in taken:
        queues.setdefault(ours.price, {})[ours.maker_id] = ours.quantity
    for order_id, _ in trade.fills:
        if order_id in book:
            queues.setdefault(book.order(order_id).price, {})
    for price, queue in queues.items():
        for order in book.orders(side, price):
            queue[order.id] = queue.get(order.id, 0) + order.quantity
            book.cancel_order(order.id)
        for order_id, quantity in trade.fills:
            if order_id in queue:
                queue[order_id] -= quantity
        for order_id, quantity in queue.items():
            if quantity > 0:
                book.add_order(order_id, side, price, quantity, timestamp=trade.time_ns)
