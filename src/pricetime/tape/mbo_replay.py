"""The replay of a market-by-order tape, which names every order.

docs/concepts/replay.md explains how each record becomes commands, and why.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from .. import errors
from ..execution import Trade
from ..types import Side
from . import databento, opening
from .clock import Clock
from .export import Recorder
from .file import Progress
from .icebergs import Icebergs, left_after
from .market import MakeBook
from .mbo import ADD, ASK, BID, CANCEL, CLEAR, FILL, MODIFY, SNAPSHOT, TRADE, Record
from .outcome import TapeTrade, Unmatched, Verdict, judge, lots_by_order
from .replay import Replay, follow_tape
from .skipped import Skipped

SIDE = {BID: Side.BID, ASK: Side.ASK}
OTHER = {Side.BID: Side.ASK, Side.ASK: Side.BID}

# What is counted beside the trades.
FROM_SNAPSHOT = "orders in the opening snapshot"
HIDDEN_LOTS = "lots of orders never shown, in trades that were applied"
INFERRED = "trades without a side: inferred from the resting order"
UNNAMED = "trades that name no resting order: not compared"
NON_DISPLAYED = "trades without a side or a resting order (non-displayed, crosses): not compared"
INTO_THE_CROSS = "aggressors that were resting, modified into the cross"
PREVENTED = "orders passed over: self-match prevention"
UNKNOWN_CANCELLED = "cancels of orders never shown: ignored"
UNKNOWN_MODIFIED = "modifies of orders never shown: added"
ADDED_TWICE = "adds of orders that rest already: ignored"
HALTS = "times that trading stopped: bids and asks crossed"
REFRESHED = "refreshes of icebergs that the tape shows"
ICEBERGS = "icebergs inferred from trades with more lots than displayed"
HIDDEN_GIVEN = "hidden lots of these, in those trades"
COMPUTED = "auctions with the price, lots and orders that replay computes"
OTHERWISE = "auctions that replay computes differently"
CONTESTED = "exact trades that depend on the order of the queue"


class MboReplay(Replay[Sequence[Record]]):
    """A replay of market-by-order events, each a sequence of records as ``mbo.events`` groups them.

    ``events``: of one instrument, in the order of the exchange, from any iterable such as a generator. ``name``: of the
    tape, for messages. ``clock``: by default that of the day of the first event. ``price_scale``: units of the records'
    prices in one unit of currency. ``skipped``: collects records that the book rejects; by default up to 100.
    ``icebergs``: what infers them; by default with a reference book.
    """

    def __init__(
        self,
        events: Iterable[Sequence[Record]],
        make_book: MakeBook,
        *,
        name: str = "tape",
        clock: Clock | None = None,
        price_scale: int = databento.PRICE_SCALE,
        recorder: Recorder | None = None,
        skipped: Skipped | None = None,
        icebergs: Icebergs | None = None,
    ) -> None:
        super().__init__(name, iter(events), make_book, recorder, skipped)
        self.price_scale = price_scale
        self._clock = clock
        self._path: str | Path | None = None  # of the file; its first record has the start of the tape
        #: Lots that fills took from an order and that its next cancel or modify will report again.
        self._told: dict[int, int] = {}
        self._auction_ns: int | None = None  # the time of the last auction
        self._event: Sequence[Record] = ()  # of the last trade
        self._next = 0  # place in that event after the trade and its fills
        self._crossed: set[int] = set()  # aggressing orders that were resting and may rest again
        self.icebergs = Icebergs() if icebergs is None else icebergs  #: those inferred so far
        self._displayed = self.icebergs.displayed
        self._begins_with_a_book = False
        self._apply_record = {
            ADD: self._add, CANCEL: self._cancel, MODIFY: self._modify, CLEAR: self._clear,
        }  # fmt: skip

    @classmethod
    def open(
        cls,
        path: str | Path,
        make_book: MakeBook,
        *,
        instrument: int | None = None,
        recorder: Recorder | None = None,
        progress: Progress | None = None,
        skipped: Skipped | None = None,
    ) -> MboReplay:
        """Open a Databento file. ``instrument``: which one to replay, if it has several. Raises TapeError."""
        skipped = Skipped() if skipped is None else skipped
        events = databento.events(path, instrument=instrument, progress=progress, skipped=skipped)
        replay = cls(events, make_book, name=str(path), recorder=recorder, skipped=skipped)
        replay._path = path
        return replay

    def clock(self) -> Clock:
        if self._clock is None and self._path is not None:
            self._clock = Clock.of_day(databento.start_ns(self._path))
        if self._clock is None and (first := next(self._events, None)) is not None:
            self._clock = Clock.of_day(self.time_ns(first))
            self._events = chain([first], self._events)
        return self._clock or Clock(None)

    def warnings(self) -> list[str]:
        facts = self.outcome.facts
        unknown = facts[UNKNOWN_CANCELLED] + facts[UNKNOWN_MODIFIED] + self.outcome.verdicts[Verdict.UNKNOWN]
        if self._begins_with_a_book or not unknown:
            return []
        missing = "the opening book is missing: the tape begins without a snapshot or a clear of the book"
        records = f"{unknown:,} of its records are about orders that it never showed"
        return [f"{missing}, and {records}. Use a tape that begins with a snapshot or with the session"]

    def time_ns(self, event: Sequence[Record]) -> int:
        return event[0].time_ns

    # ---------------------------------------------------------------- events

    def _apply(self, event: Sequence[Record]) -> None:
        if self.outcome.records == 0:
            self._begin(event[0])
        self.outcome.records += len(event)
        if len(event) > 1:
            event = self._without_prevented(event)
        for i, record in enumerate(event):
            try:
                if record.action == TRADE:
                    fills = _fills_after(event, i)
                    self._event, self._next = event, i + 1 + len(fills)
                    self._trade(record, fills)
                elif apply := self._apply_record.get(record.action):
                    apply(record)
            except (errors.OrdersFull, errors.LevelsFull):
                raise
            except errors.PricetimeError as error:
                self._skip(record.time_ns, error)

    def _begin(self, record: Record) -> None:
        self._begins_with_a_book = record.action == CLEAR or record.flags & SNAPSHOT != 0
        if self._clock is None and self._path is None:
            self._clock = Clock.of_day(record.time_ns)

    def _without_prevented(self, event: Sequence[Record]) -> Sequence[Record]:
        """Cancel the orders that the event cancels without a fill, and return the other records. O(records).

        When an aggressing order meets an order of its own owner, the exchange cancels that order and matches the next.
        The tape reports the cancel after the trades. Orders that the event itself adds are cancelled later, in order.
        """
        filled_or_added = {record.order_id for record in event if record.action in (FILL, ADD)}
        prevented: list[Record] = []
        others: list[Record] = []
        for record in event:
            first = record.action == CANCEL and record.order_id not in filled_or_added and record.side in SIDE
            (prevented if first and record.order_id not in self._told else others).append(record)
        for record in prevented:
            self._cancel(record)
        if prevented and any(record.action == TRADE for record in others):
            self.outcome.facts[PREVENTED] += len(prevented)
        return others

    # ---------------------------------------------------------------- trades

    def _trade(self, record: Record, fills: Sequence[Record]) -> None:
        """Send the aggressing order of a trade to the book, with the quantity that trades at this price."""
        for fill in fills:
            self._told[fill.order_id] = self._told.get(fill.order_id, 0) + fill.size
        side = SIDE.get(record.side)
        if side is None:
            self._trade_without_side(record, fills)
            return
        makers = [fill for fill in fills if fill.side != record.side]
        if len(makers) < len(fills):  # a fill on the side of its trade is that of the aggressing order
            self.outcome.facts[INTO_THE_CROSS] += 1
            self._crossed.add(record.order_id)
        if makers:
            self._compare(record, side, makers, fills)
        else:
            self._take(fills)
            self.outcome.facts[UNNAMED] += 1

    def _trade_without_side(self, record: Record, fills: Sequence[Record]) -> None:
        """A trade of an auction, or one whose aggressing order the tape does not name."""
        if not self.market.open() or record.time_ns == self._auction_ns:
            if record.time_ns != self._auction_ns:
                self._compute_auction(record, fills)
            self._auction_ns = record.time_ns
            self._apply_fills(record, fills, Unmatched.AUCTION)
        elif not fills:
            self.outcome.facts[NON_DISPLAYED] += 1
        elif (side := self._aggressing_side(fills)) is not None:
            self.outcome.facts[INFERRED] += 1
            self._compare(record, side, fills, fills)
        else:
            self._apply_fills(record, fills, Unmatched.NO_SIDE)

    def _compute_auction(self, record: Record, fills: Sequence[Record]) -> None:
        """Compute the auction whose first trade this is. The rest of the event has its other trades."""
        later = self._event[self._next :]
        trades = [record, *(other for other in later if other.action == TRADE)]
        fills = [*fills, *(other for other in later if other.action == FILL)]
        lots = lots_by_order((fill.order_id, fill.size) for fill in fills)
        sides = {fill.order_id: self._resting_side(fill) for fill in fills}
        found = opening.compute(self.market, record.time_ns, record.price, sum(t.size for t in trades), lots, sides)
        self.outcome.auctions.append(found)
        self.outcome.facts[COMPUTED if found.exact else OTHERWISE] += 1

    def _compare(self, record: Record, side: Side, makers: Sequence[Record], fills: Sequence[Record]) -> None:
        taken = tuple([(maker.order_id, maker.size) for maker in makers])
        trade = TapeTrade(record.time_ns, record.sequence, record.order_id, side, record.price, record.size, taken)
        if self.market.open():
            self._match(trade)
        else:
            self._take(fills)
            self._count(trade, (), Verdict.CLOSED)

    def _match(self, trade: TapeTrade) -> None:
        book, taker_id = self.market.book, trade.taker_id
        if taker_id in book:
            taken = book.replace_order(taker_id, trade.price, trade.quantity).trades
            if taker_id in book:
                book.cancel_order(taker_id)
        else:
            taken = book.match_order(taker_id, trade.side, trade.price, trade.quantity).trades
        verdict = judge(trade, taken, book)
        if verdict.exact:
            if self._contested(trade, taken[-1].maker_id, len(taken)):
                self.outcome.facts[CONTESTED] += 1
            if self._next < len(self._event) and self._event[self._next].action == TRADE:
                self._bring_back(trade, taken)
        elif verdict is Verdict.ICEBERG and (more := self._trade_on(trade, taken)):
            taken, verdict = (*taken, *more), Verdict.INFERRED
        else:
            follow_tape(book, trade, taken)
        self._count(trade, taken, verdict)

    def _bring_back(self, trade: TapeTrade, taken: Sequence[Trade]) -> None:
        """Display the slices that later trades of the event take from before the tape shows them."""
        gone = {ours.maker_id: ours.quantity for ours in taken if ours.maker_id not in self.market.book}
        for order_id, left in left_after(self._event[self._next :], gone).items():
            if left.lots and not left.shown:
                lots = self.icebergs.next_slice(order_id, gone[order_id], left.lots)
                side = OTHER[trade.side]
                self.market.book.add_order(order_id, side, trade.price, lots, timestamp=trade.time_ns)
                self.outcome.facts[ICEBERGS] = len(self.icebergs.found)

    def _trade_on(self, trade: TapeTrade, taken: Sequence[Trade]) -> Sequence[Trade]:
        """The further trades of a trade that took every displayed lot at its price, if icebergs explain them."""
        left = left_after(self._event[self._next :], [maker_id for maker_id, _ in trade.fills])
        found = self.icebergs.trade_on(trade, taken, left)
        if found is None:
            return ()
        side = OTHER[trade.side]
        for order_id, shown in found.resting:
            self.market.book.add_order(order_id, side, trade.price, shown, timestamp=trade.time_ns)
        self.outcome.facts[ICEBERGS] = len(self.icebergs.found)
        self.outcome.facts[HIDDEN_GIVEN] += found.hidden
        return found.trades

    def _contested(self, trade: TapeTrade, last_maker: int, makers: int) -> bool:
        """Could the trade have taken other orders: several at its price, with more lots than it took?"""
        book = self.market.book
        best = book.best_ask if trade.side is Side.BID else book.best_bid
        if best != trade.price:
            return False
        bids, asks = self.depth(1)
        _, _, orders_left = (asks if trade.side is Side.BID else bids)[0]
        return orders_left + makers - (last_maker in book) > 1

    def _aggressing_side(self, fills: Sequence[Record]) -> Side | None:
        """The side opposite the resting orders; None if that is unknown or if they are on both sides."""
        sides = {self._resting_side(fill) for fill in fills} - {None}
        return OTHER[sides.pop()] if len(sides) == 1 else None  # type: ignore[index]  # None is not in it

    def _resting_side(self, fill: Record) -> Side | None:
        for book in self.market.side.values():
            if fill.order_id in book:
                return book.order(fill.order_id).side
        return SIDE.get(fill.side)

    def _apply_fills(self, record: Record, fills: Sequence[Record], why: Unmatched) -> None:
        """Apply a trade without an aggressing order. Continuous trading starts if no orders cross."""
        self.outcome.facts[why.value] += 1
        if hidden := self._take(fills):
            self.outcome.facts[HIDDEN_LOTS] += hidden
        if self._recorder is not None:
            makers = tuple([(fill.order_id, fill.size) for fill in fills])
            trade = TapeTrade(record.time_ns, record.sequence, 0, Side.BID, record.price, record.size, makers)
            self._recorder.trade(trade, why)
        self.market.open()

    def _take(self, fills: Sequence[Record]) -> int:
        """Apply fills to their orders without matching, and return the lots of orders that the book does not have."""
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
        try:
            self.market.side[side].add_order(record.order_id, side, record.price, record.size, timestamp=record.time_ns)
            if record.flags & SNAPSHOT:
                self.outcome.facts[FROM_SNAPSHOT] += 1
        except errors.DuplicateOrderId:
            self.outcome.facts[ADDED_TWICE] += 1

    def _cancel(self, record: Record) -> None:
        """Cancel the size of the record, less what fills already took."""
        book = self.market.side[_side(record)]
        told = self._told.pop(record.order_id, 0)
        if record.order_id in self._displayed:
            del self._displayed[record.order_id]
        if record.order_id not in book:
            if not told:
                self.outcome.facts[UNKNOWN_CANCELLED] += 1
        elif record.size > told:
            book.reduce_order(record.order_id, record.size - told)

    def _modify(self, record: Record) -> None:
        side, order_id = _side(record), record.order_id
        book = self.market.side[side]
        told = self._told.pop(order_id, 0)
        if order_id not in book:
            # Its displayed lots have all traded: an iceberg shows its next part, or an aggressing order rests.
            if not told:
                self.outcome.facts[UNKNOWN_MODIFIED] += 1
            elif order_id not in self._crossed:
                self.outcome.facts[REFRESHED] += 1
            self._crossed.discard(order_id)
            self.icebergs.displays(order_id, record.size)
            self._add(record)
        elif told:
            order = book.order(order_id)
            if (order.price, order.quantity) == (record.price, record.size):
                if self.icebergs.met(order_id, record.size, told):
                    self.outcome.facts[REFRESHED] += 1
            else:  # an iceberg that shows its next part
                self.icebergs.displays(order_id, record.size)
                book.cancel_order(order_id)
                self._add(record)
        else:
            if order_id in self._displayed:
                del self._displayed[order_id]
            if self.market.crosses(side, record.price):
                self._halt()
            self.market.side[side].replace_order(order_id, record.price, record.size)

    def _clear(self, _record: Record) -> None:
        self.market.clear()
        self._told.clear()
        self._displayed.clear()

    def _halt(self) -> None:
        self.outcome.facts[HALTS] += 1
        self.market.collect()


def _side(record: Record) -> Side:
    side = SIDE.get(record.side)
    if side is None:
        what = f"{record.action.decode()} of order {record.order_id}"
        raise errors.InvalidSide(f"{what} has the side {record.side.decode()!r}: it must be A or B")
    return side


def _fills_after(event: Sequence[Record], trade: int) -> Sequence[Record]:
    """The fills of a trade: the records that follow it."""
    end = trade + 1
    while end < len(event) and event[end].action == FILL:
        end += 1
    return event[trade + 1 : end]
