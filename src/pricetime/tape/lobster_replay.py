"""The replay of LOBSTER files: sends the messages to a book, and compares the book with every row.

docs/concepts/replay.md explains how each message becomes commands, and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat, zip_longest
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import errors
from ..types import Side
from . import lobster
from .clock import Clock
from .explained import EXPLAINED, HIDES, REVEALS, UNEXPLAINED, explain
from .export import Recorder
from .file import Progress, TapeError
from .lobster import PRICE_SCALE, UNREADABLE, Kind, Messages, Rows
from .market import MakeBook
from .outcome import Outcome, TapeTrade, judge
from .replay import Replay, follow_tape
from .skipped import Skipped
from .window import UNSEEN_FROM, Row, Window, clear_level, nearer

#: The id of every aggressing order: LOBSTER does not name them, and they never rest.
TAKER_ID = 0

# What is counted beside the trades.
OPENING = "messages that the first row already includes"
AT_BEST = "executions at the best price"
IDENTIFIED = "exact executions that checked the order's id"
OF_STAND_INS = "exact executions of stand-ins for orders never shown"
ADDED_TWICE = "new orders that rest already: ignored"
UNKNOWN_CANCELLED = "cancels of orders never shown: ignored"
NOT_COMPARED = {
    Kind.HIDDEN_EXECUTION: "executions of hidden orders: not compared",
    Kind.CROSS: "auction trades: not compared",
    Kind.HALT: "halts and resumptions of trading",
}


# As plain integers, which are faster to compare.
NEW, PARTIAL_CANCEL, DELETE, EXECUTION = (
    int(kind) for kind in (Kind.NEW, Kind.PARTIAL_CANCEL, Kind.DELETE, Kind.EXECUTION)
)
BID = int(Side.BID)


class Event(NamedTuple):
    """A message, and the row after it if there is an orderbook file."""

    line: int  #: from 1
    time_ns: int  #: after midnight
    kind: int  #: a ``Kind``, or ``UNREADABLE``
    order_id: int
    size: int
    price: int
    side: int  #: of the resting order
    expected: int  #: how far the message and the row before it explain the row
    rows: Rows | None = None  #: the rows of this event and its neighbours, in order
    place: int = 0  #: the index of the row before that of this event


class LobsterReplay(Replay[Event]):
    """A replay of LOBSTER files. Without an orderbook file, the orders before the first message are unknown."""

    price_scale = PRICE_SCALE

    def __init__(
        self,
        path: str | Path,
        make_book: MakeBook,
        *,
        orderbook: str | Path | None = None,
        recorder: Recorder | None = None,
        progress: Progress | None = None,
        skipped: Skipped | None = None,
    ) -> None:
        skipped = Skipped() if skipped is None else skipped
        super().__init__(str(path), _events(path, orderbook, progress, skipped), make_book, recorder, skipped)
        self.market.open()
        self.book = self.market.book
        self._window = Window(self.book)
        self._has_rows = orderbook is not None

    def run(self, until: int | None = None) -> Outcome:
        try:
            return super().run(until)
        finally:
            if self._window.is_open:
                self._window.count(self.outcome.facts)

    def warnings(self) -> list[str]:
        if self._has_rows:
            return []
        names = [path.name for path in lobster.orderbook_names(Path(self.name))]
        named = f" (LOBSTER calls it {names[0]})" if names else ""
        known = "the orders that rest before the first message are unknown"
        give = f"Give the orderbook file{named} with --orderbook, or as orderbook"
        return [f"the opening book is missing: {known}. {give}"]

    def clock(self) -> Clock:
        return Clock(None)

    def order_text(self, order_id: int) -> str:
        return "orders never shown" if order_id >= UNSEEN_FROM else super().order_text(order_id)

    def time_ns(self, event: Event) -> int:
        return event.time_ns

    def _apply(self, event: Event) -> None:
        self.outcome.records += 1
        rows, place = event.rows, event.place
        if rows is None or not rows.good[place + 1]:
            self._told_exactly(event)
        elif not self._window.is_open:
            self._open(event, Row.at(rows, place + 1))
        else:
            as_told = self._told_exactly(event)
            if as_told and event.expected == EXPLAINED:
                self._window.explained += 1
            else:
                self._hold_against(event, rows, as_told)

    def _hold_against(self, event: Event, rows: Rows, as_told: bool | None) -> None:
        """Compare the book with a row that its message and the row before do not fully explain."""
        before, after = event.place, event.place + 1
        if as_told and event.expected == REVEALS:
            self._window.reveal(Side(event.side), rows, after)
        elif as_told and event.expected == HIDES:
            self._window.hide(Side(event.side), rows, before)
        else:
            known = as_told is not None and rows.good[before]
            self._window.compare(Row.at(rows, before) if known else None, Row.at(rows, after))

    def _open(self, event: Event, row: Row) -> None:
        """Fill the book from the first row, which already includes its message: a new order is last in its queue."""
        self.outcome.facts[OPENING] += 1
        self._window.open(row)
        if event.kind == Kind.NEW:
            holder = self._window.stand_in(event.side, event.price, event.size)
            if holder is not None:
                self.book.reduce_order(holder, event.size)
                self._new(event)

    def _told_exactly(self, event: Event) -> bool | None:
        """Send a message to the book. Did the book change exactly as it says? None if the message is unusable."""
        kind = event.kind
        try:
            if kind == NEW:
                return self._new(event)
            if kind == EXECUTION:
                return self._execution(event)
            if kind in (DELETE, PARTIAL_CANCEL):
                return self._cancel(event)
        except (errors.OrdersFull, errors.LevelsFull):
            raise
        except errors.PricetimeError as error:
            self.outcome.skipped.add(f"{self.name}, line {event.line}: {error}")
            return None
        if kind == UNREADABLE:
            return None
        self.outcome.facts[NOT_COMPARED[Kind(kind)]] += 1
        return True

    def _new(self, event: Event) -> bool:
        side, price = event.side, event.price
        if event.expected != EXPLAINED:
            self._clear_to(_other(side), price, inclusive=True)
        try:
            self.book.add_order(event.order_id, side, price, event.size, timestamp=event.time_ns)
        except errors.DuplicateOrderId:
            self.outcome.facts[ADDED_TWICE] += 1
            return False
        return True

    def _cancel(self, event: Event) -> bool:
        order_id, size, book = event.order_id, event.size, self.book
        try:
            if event.kind == DELETE:
                return book.cancel_order(order_id) == size
            return book.reduce_order(order_id, size) > 0
        except errors.UnknownOrder:
            pass
        holder = self._window.stand_in(event.side, event.price, size)
        if holder is None:
            self.outcome.facts[UNKNOWN_CANCELLED] += 1
            return False
        book.reduce_order(holder, size)
        return True

    def _execution(self, event: Event) -> bool:
        """Match an order with the price and the quantity of the execution."""
        side, price, size, facts = event.side, event.price, event.size, self.outcome.facts
        if not self._window.is_open:
            self._clear_to(side, price, inclusive=False)
        facts[AT_BEST] += (self.book.best_bid if side == BID else self.book.best_ask) == price
        holder: int | None = event.order_id
        if holder not in self.book:
            holder = self._window.stand_in(side, price, size)
        told = self._trade(event, event.order_id)
        held = told if holder is None or holder == event.order_id else self._trade(event, holder)
        taken = self.book.match_order(TAKER_ID, held.side, price, size).trades
        verdict = judge(held, taken, self.book)
        if verdict.exact:
            facts[IDENTIFIED if held is told else OF_STAND_INS] += 1
        else:
            follow_tape(self.book, held, taken)
        self._count(told, taken, verdict)
        return verdict.exact

    def _trade(self, event: Event, maker_id: int) -> TapeTrade:
        fills = ((maker_id, event.size),)
        return TapeTrade(event.time_ns, event.line, TAKER_ID, _other(event.side), event.price, event.size, fills)

    def _clear_to(self, side: int, price: int, *, inclusive: bool) -> None:
        """Cancel the orders better than a price (``inclusive``: or equal): this message proves that they are gone."""
        while True:
            best = self.book.best_bid if side == BID else self.book.best_ask
            if best is None or not (nearer(side, best, price) or (inclusive and best == price)):
                return
            clear_level(self.book, side, best)


def _events(
    path: str | Path, orderbook: str | Path | None, progress: Progress | None, skipped: Skipped
) -> Iterator[Event]:
    messages = lobster.messages(path, progress=progress, skipped=skipped)
    if orderbook is None:
        for block in messages:
            yield from map(Event, *_columns(block), repeat(UNEXPLAINED))
        return
    last: Rows | None = None
    for told, shown in zip_longest(messages, lobster.rows(orderbook, progress=progress, skipped=skipped)):
        _check_lengths(path, orderbook, told, shown)
        rows = _behind(last, shown)
        before, after = (Rows(rows.keys[:, at], rows.sizes[:, at], rows.good[at]) for at in (slice(-1), slice(1, None)))
        expected = explain(told, before, after).tolist()
        yield from map(Event, *_columns(told), expected, repeat(rows), range(len(expected)))
        last = Rows(rows.keys[:, -1:], rows.sizes[:, -1:], rows.good[-1:])


def _columns(messages: Messages) -> list[list[int]]:
    return [column.tolist() for column in messages]


def _behind(last: Rows | None, rows: Rows) -> Rows:
    """The rows with the last row of the block before in front."""
    if last is None:
        last = Rows(rows.keys[:, :1], rows.sizes[:, :1], np.zeros(1, bool))
    return Rows(
        np.concatenate([last.keys, rows.keys], axis=1),
        np.concatenate([last.sizes, rows.sizes], axis=1),
        np.concatenate([last.good, rows.good]),
    )


def _check_lengths(path: str | Path, orderbook: str | Path, told: Messages | None, shown: Rows | None) -> None:
    """Raises TapeError unless both blocks have the same length."""
    messages, rows = 0 if told is None else len(told.line), 0 if shown is None else len(shown.good)
    if messages != rows:
        shorter, longer = (path, orderbook) if messages < rows else (orderbook, path)
        raise TapeError(
            f"{shorter}: has fewer lines than {longer}: they belong to different tapes, or one is truncated"
        )


def _other(side: int) -> Side:
    return Side.ASK if side == BID else Side.BID
