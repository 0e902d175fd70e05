"""The replay of a market-by-order tape: every order by its id, every fill by the order that it took.

docs/concepts/replay.md tells how each record becomes commands, and why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from .. import errors
from ..types import Side
from . import databento
from .clock import Clock
from .databento import ADD, CANCEL, CLEAR, FILL, MODIFY, PRICE_SCALE, SNAPSHOT, TRADE, Record
from .file import Progress
from .market import Levels, MakeBook, Market
from .outcome import TapeTrade, Verdict, judge
from .replay import Recorder, Replay, follow_tape

SIDE = {databento.BID: Side.BID, databento.ASK: Side.ASK}

# The facts that are counted beside the trades.
FROM_SNAPSHOT = "orders in the opening snapshot"
AUCTIONS = "auction trades: applied, not matched"
AUCTION_HIDDEN = "lots in them of orders never shown"
UNNAMED = "trades that name no resting order: not compared"
INTO_THE_CROSS = "aggressors that were resting, modified into the cross"
PREVENTED = "orders passed over: self-match prevention"
STRAYS = "records at odds with those before them: ignored"
HALTS = "times that trading stopped: bids and asks crossed"
CONTESTED = "exact trades that the order of the queue decided"


class MboReplay(Replay[list[Record]]):
    """See the module, and Replay. Each event of the tape is one list of records."""

    price_scale: ClassVar[int] = PRICE_SCALE

    def __init__(
        self,
        path: str | Path,
        make_book: MakeBook,
        *,
        instrument: int | None = None,
        recorder: Recorder | None = None,
        progress: Progress | None = None,
    ) -> None:
        events: Iterator[list[Record]] = databento.events(path, instrument=instrument, progress=progress)
        super().__init__(str(path), events, recorder)
        self.market = Market(make_book)
        self._path = path
        #: Lots that fills took from an order, which its next cancel or modify will tell again.
        self._told: dict[int, int] = {}
        self._apply_record = {
            ADD: self._add, CANCEL: self._cancel, MODIFY: self._modify, CLEAR: self._clear,
        }  # fmt: skip

    @cached_property
    def _clock(self) -> Clock:
        return Clock.of_day(databento.start_ns(self._path))

    def clock(self) -> Clock:
        return self._clock

    def depth(self, levels: int) -> tuple[Levels, Levels]:
        return self.market.depth(levels)

    def digest(self) -> int:
        return self.market.book.digest()

    def time_ns(self, event: list[Record]) -> int:
        return event[0].time_ns

    # ---------------------------------------------------------------- events

    def _apply(self, event: list[Record]) -> None:
        self.outcome.records += len(event)
        if len(event) > 1:
            event = self._without_prevented(event)
        for i, record in enumerate(event):
            if record.action == TRADE:
                self._trade(record, _fills_after(event, i))
            elif apply := self._apply_record.get(record.action):
                apply(record)

    def _without_prevented(self, event: list[Record]) -> list[Record]:
        """First cancel what the event cancels without a fill; the records that remain.

        An aggressing order that meets one of its own owner's trades past it, and that one is cancelled: the tape
        tells of it only after the trades.
        """
        filled = {record.order_id for record in event if record.action == FILL}
        prevented = [
            record
            for record in event
            if record.action == CANCEL and record.order_id not in filled and record.order_id not in self._told
        ]
        if not prevented:
            return event
        for record in prevented:
            self._cancel(record)
        if any(record.action == TRADE for record in event):
            self.outcome.facts[PREVENTED] += len(prevented)
        return [record for record in event if record not in prevented]

    # ---------------------------------------------------------------- trades

    def _trade(self, record: Record, fills: Sequence[Record]) -> None:
        """Send the aggressing order of a trade to the book: all of it that trades at this price."""
        for fill in fills:
            self._told[fill.order_id] = self._told.get(fill.order_id, 0) + fill.size
        side = SIDE.get(record.side)
        if side is None:
            self._auction(record, fills)
            return
        makers = tuple([(fill.order_id, fill.size) for fill in fills if fill.side != record.side])
        if len(makers) < len(fills):  # a fill on the side of its trade is the aggressing order itself
            self.outcome.facts[INTO_THE_CROSS] += 1
        if not makers:
            self._take(fills)
            self.outcome.facts[UNNAMED] += 1
            return
        trade = TapeTrade(record.time_ns, record.sequence, record.order_id, side, record.price, record.size, makers)
        if not self.market.open():
            self._take(fills)
            self._count(trade, (), Verdict.CLOSED)
            return
        self._match(trade)

    def _match(self, trade: TapeTrade) -> None:
        book, taker_id = self.market.book, trade.taker_id
        if taker_id in book:
            taken = book.replace_order(taker_id, trade.price, trade.quantity)
            if taker_id in book:
                book.cancel_order(taker_id)
        else:
            taken, _ = book.match_order(taker_id, trade.side, trade.price, trade.quantity)
        verdict = judge(trade, taken, book)
        if verdict.exact and self._contested(trade, taken[-1].maker_id, len(taken)):
            self.outcome.facts[CONTESTED] += 1
        if not verdict.exact:
            follow_tape(book, trade, taken)
        self._count(trade, taken, verdict)

    def _contested(self, trade: TapeTrade, last_maker: int, makers: int) -> bool:
        """Did the trade have a choice: more orders at its price than one, and more lots than it took?"""
        book = self.market.book
        best = book.best_ask if trade.side is Side.BID else book.best_bid
        if best != trade.price:
            return False
        bids, asks = self.depth(1)
        _, _, orders_left = (asks if trade.side is Side.BID else bids)[0]
        return orders_left + makers - (last_maker in book) > 1

    def _auction(self, record: Record, fills: Sequence[Record]) -> None:
        """A trade without an aggressing order: nothing to match. Continuous trading starts when no orders cross."""
        self.outcome.facts[AUCTIONS] += 1
        if hidden := self._take(fills):
            self.outcome.facts[AUCTION_HIDDEN] += hidden
        if self._recorder is not None:
            makers = tuple([(fill.order_id, fill.size) for fill in fills])
            trade = TapeTrade(record.time_ns, record.sequence, 0, Side.BID, record.price, record.size, makers)
            self._recorder.trade(trade, None)
        self.market.open()

    def _take(self, fills: Sequence[Record]) -> int:
        """Take fills from their orders without matching: the lots of orders that the book does not hold."""
        hidden = 0
        for fill in fills:
            for book in self.market.side.values():
                if fill.order_id in book:
                    book.reduce_order(fill.order_id, fill.size)
                    break
            else:
                hidden += fill.size
        return hidden

    # ---------------------------------------------------------------- records

    def _add(self, record: Record) -> None:
        side = _side(record)
        if self.market.crosses(side, record.price):
            self._halt()
        if record.flags & SNAPSHOT:
            self.outcome.facts[FROM_SNAPSHOT] += 1
        try:
            self.market.side[side].add_order(record.order_id, side, record.price, record.size, timestamp=record.time_ns)
        except errors.DuplicateOrderId:
            self.outcome.facts[STRAYS] += 1

    def _cancel(self, record: Record) -> None:
        """Take off what is cancelled, less what fills have taken already."""
        book = self.market.side[_side(record)]
        told = self._told.pop(record.order_id, 0)
        if record.order_id not in book:
            if not told:
                self.outcome.facts[STRAYS] += 1
        elif record.size > told:
            book.reduce_order(record.order_id, record.size - told)

    def _modify(self, record: Record) -> None:
        side, order_id = _side(record), record.order_id
        book = self.market.side[side]
        told = self._told.pop(order_id, 0)
        if order_id not in book:
            # All of it that was displayed has traded: an iceberg shows its next part, or an aggressing order rests.
            if not told:
                self.outcome.facts[STRAYS] += 1
            self._add(record)
        elif told:
            order = book.order(order_id)
            if (order.price, order.quantity) != (record.price, record.size):  # not what the fills left: refreshed
                book.cancel_order(order_id)
                self._add(record)
        else:
            if self.market.crosses(side, record.price):
                self._halt()
            self.market.side[side].replace_order(order_id, record.price, record.size)

    def _clear(self, _record: Record) -> None:
        self.market.clear()
        self._told.clear()

    def _halt(self) -> None:
        self.outcome.facts[HALTS] += 1
        self.market.collect()


def _side(record: Record) -> Side:
    side = SIDE.get(record.side)
    if side is None:
        what = f"{record.action.decode()} of order {record.order_id}"
        raise errors.InvalidSide(f"{what} has the side {record.side.decode()!r}: it must be A or B")
    return side


def _fills_after(event: list[Record], trade: int) -> list[Record]:
    """The fills of a trade: the records that follow it."""
    end = trade + 1
    while end < len(event) and event[end].action == FILL:
        end += 1
    return event[trade + 1 : end]
