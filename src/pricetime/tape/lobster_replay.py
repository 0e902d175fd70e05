"""The replay of LOBSTER files: messages into a book, executions matched, and the book held against every row.

docs/concepts/replay.md tells how each message becomes commands, and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar, TypeAlias

from .. import errors
from ..types import Side
from . import lobster
from .clock import Clock
from .file import Progress, TapeError
from .lobster import PRICE_SCALE, Kind, Message, Row
from .market import Levels, MakeBook, as_levels
from .outcome import TapeTrade, judge
from .replay import Recorder, Replay, follow_tape
from .window import UNSEEN_FROM, Window, clear_level, nearer

Event: TypeAlias = tuple[Message, Row | None]

#: The aggressing order of an execution: LOBSTER does not name it, and it never rests.
TAKER_ID = 0

# The facts that are counted beside the trades.
OPENING = "messages that the first row holds already"
AT_BEST = "executions at the best price"
OF_UNSEEN = "executions of orders from before, or from out of sight"
LOST = "messages about orders not in the book: ignored"
NOT_COMPARED = {
    Kind.HIDDEN_EXECUTION: "executions of hidden orders: not compared",
    Kind.CROSS: "auction trades: not compared",
    Kind.HALT: "halts and resumptions of trading",
}


class LobsterReplay(Replay[Event]):
    """See the module, and Replay. Without an orderbook file nothing is known of what rests before the first message."""

    price_scale: ClassVar[int] = PRICE_SCALE

    def __init__(
        self,
        path: str | Path,
        make_book: MakeBook,
        *,
        orderbook: str | Path | None = None,
        recorder: Recorder | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__(str(path), _events(path, orderbook, progress), recorder)
        self.book = make_book()
        self._window = Window(self.book, self.outcome.facts)

    def clock(self) -> Clock:
        return Clock(None)

    def depth(self, levels: int) -> tuple[Levels, Levels]:
        bids, asks = self.book.depth(levels)
        return as_levels(bids), as_levels(asks)

    def digest(self) -> int:
        return self.book.digest()

    def order_text(self, order_id: int) -> str:
        return "orders never told of" if order_id >= UNSEEN_FROM else super().order_text(order_id)

    def time_ns(self, event: Event) -> int:
        return event[0].time_ns

    def _apply(self, event: Event) -> None:
        message, row = event
        self.outcome.records += 1
        if row is None:
            self._tell(message)
        elif self._window.is_open:
            self._tell(message)
            self._window.compare(row)
        else:
            self.outcome.facts[OPENING] += 1
            self._open(message, row)

    def _open(self, message: Message, row: Row) -> None:
        """Fill the book from the first row, which holds its own message already: a new order is last in its queue."""
        self._window.open(row)
        if message.kind is Kind.NEW:
            holder = self._window.stand_in(message.side, message.price, message.size)
            if holder is not None:
                self.book.reduce_order(holder, message.size)
                self._new(message)

    def _tell(self, message: Message) -> None:
        if message.kind is Kind.NEW:
            self._new(message)
        elif message.kind is Kind.EXECUTION:
            self._execution(message)
        elif message.kind in NOT_COMPARED:
            self.outcome.facts[NOT_COMPARED[message.kind]] += 1
        else:
            self._cancel(message)

    def _new(self, message: Message) -> None:
        side, price = message.side, message.price
        self._clear_to(_other(side), price, inclusive=True)
        try:
            self.book.add_order(message.order_id, side, price, message.size, timestamp=message.time_ns)
        except errors.DuplicateOrderId:
            self.outcome.facts[LOST] += 1

    def _cancel(self, message: Message) -> None:
        holder = self._holder(message)
        if holder is None:
            self.outcome.facts[LOST] += 1
        else:
            self.book.reduce_order(holder, message.size)

    def _execution(self, message: Message) -> None:
        """Match an order that takes as much as the tape says, at the price it says."""
        side, price, size = message.side, message.price, message.size
        if not self._window.is_open:
            self._clear_to(side, price, inclusive=False)
        best = self.book.best_bid if side is Side.BID else self.book.best_ask
        self.outcome.facts[AT_BEST] += best == price
        holder = self._holder(message)
        if holder is not None and holder != message.order_id:
            self.outcome.facts[OF_UNSEEN] += 1
        told = TapeTrade(
            message.time_ns, message.line, TAKER_ID, _other(side), price, size, ((message.order_id, size),)
        )
        held = told if holder is None else told._replace(fills=((holder, size),))
        taken, _ = self.book.match_order(TAKER_ID, held.side, price, size)
        verdict = judge(held, taken, self.book)
        if not verdict.exact:
            follow_tape(self.book, held, taken)
        self._count(told, taken, verdict)

    def _holder(self, message: Message) -> int | None:
        """The order of the book that a message is about: its own, or one that stands for orders without a message."""
        if message.order_id in self.book:
            return message.order_id
        return self._window.stand_in(message.side, message.price, message.size)

    def _clear_to(self, side: Side, price: int, *, inclusive: bool) -> None:
        """Take out the orders better than a price, or as good as well: this message shows that they had gone."""
        while True:
            best = self.book.best_bid if side is Side.BID else self.book.best_ask
            if best is None or not (nearer(side, best, price) or (inclusive and best == price)):
                return
            clear_level(self.book, side, best)


def _events(path: str | Path, orderbook: str | Path | None, progress: Progress | None) -> Iterator[Event]:
    messages = lobster.messages(path, progress=progress)
    if orderbook is None:
        yield from ((message, None) for message in messages)
        return
    rows = lobster.rows(orderbook, progress=progress)
    for count, (message, row) in enumerate(zip_longest(messages, rows)):
        if message is None or row is None:
            shorter, longer = (path, orderbook) if message is None else (orderbook, path)
            raise TapeError(f"{shorter}: ends after line {count}, {longer} goes on: they are not of one tape")
        yield message, row


def _other(side: Side) -> Side:
    return Side.ASK if side is Side.BID else Side.BID
