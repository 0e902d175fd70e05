"""Infers icebergs: orders that give a trade more lots than they display, slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from ..core.order_book import OrderBook
from ..execution import Trade
from ..reference import ReferenceBook
from ..types import Side
from .mbo import FILL, MODIFY, Record
from .outcome import TapeTrade, lots_by_order

#: An order that would need more slices for one trade is not taken for an iceberg.
MOST_SLICES = 1000


#: Orders that rest in a book of one trade: those that the trade takes, and the trade itself.
CAPACITY = 1 << 16


def empty_book() -> OrderBook:
    """A book for one trade."""
    return OrderBook(CAPACITY)


class Left(NamedTuple):
    """What an order has after a trade, as the rest of the event tells."""

    lots: int  #: that trade later in the event, or are displayed at its end; 0: the order is gone
    shown: int  #: lots that it displays right after the trade; 0: unknown


class Refreshed(NamedTuple):
    """The rest of a trade, which only lots that were hidden before it can give."""

    trades: tuple[Trade, ...]  #: of slices that the trade itself brought to light
    resting: list[tuple[int, int]]  #: order id and displayed lots of the icebergs that still rest, in queue order
    hidden: int  #: lots that were hidden when the trade began


class Icebergs:
    """The icebergs of one tape. ``make_book``: makes the empty books in which they trade."""

    def __init__(self, make_book: Callable[[], OrderBook | ReferenceBook] = empty_book) -> None:
        self._make_book = make_book
        #: The most lots that an order has displayed, of those that fills have met and their owners have not changed.
        self.displayed: dict[int, int] = {}
        self.found: set[int] = set()  #: ids of the inferred ones

    def displays(self, order_id: int, lots: int) -> None:
        """An order that fills have met displays so many lots, or did before them. O(1)."""
        self.displayed[order_id] = max(lots, self.displayed.get(order_id, 0))

    def met(self, order_id: int, left: int, filled: int) -> bool:
        """Fills took so many lots of an order and left others. Returns whether it has come back between them. O(1)."""
        lots = left + filled
        if order_id not in self.found:
            self.displays(order_id, lots)
            return False
        came_back = lots > self.displayed.get(order_id, lots)
        self.displays(order_id, left)
        return came_back

    def next_slice(self, order_id: int, taken: int, left: int) -> int:
        """The lots that an order displays once its slice is used up: ``taken`` lots, of ``left`` further ones. O(1)."""
        self.found.add(order_id)
        self.displays(order_id, taken)
        return min(left, self.displayed[order_id])

    def trade_on(self, trade: TapeTrade, taken: Sequence[Trade], left: Mapping[int, Left]) -> Refreshed | None:
        """Match the rest of a trade that took every displayed lot at its price. None if no icebergs explain it.

        ``taken``: what the book took. Every refreshed slice queues behind it, so the icebergs can enter an empty book,
        in the order in which their displayed lots were used up, each with all lots that it gives or displays later.
        O(fills), and O(1) for each slice.
        """
        theirs = lots_by_order(trade.fills)
        book = self._make_book()
        side = Side.ASK if trade.side is Side.BID else Side.BID
        behind, displays = 0, {}
        for ours in taken:
            order_id, given, rest = ours.maker_id, theirs[ours.maker_id], left[ours.maker_id]
            if not (lots := given + rest.lots - ours.quantity):
                continue
            known = max(self.displayed.get(order_id, 0), ours.quantity)
            display = known if fits(known, lots, rest.shown) else smallest_display(lots, max(known, rest.shown))
            if lots > MOST_SLICES * display:
                return None
            book.add_order(order_id, side, trade.price, lots, display_quantity=min(display, lots))
            behind, displays[order_id] = behind + given - ours.quantity, display
        more = book.match_order(trade.taker_id, trade.side, trade.price, behind).trades
        total = {ours.maker_id: ours.quantity for ours in taken}
        for ours in more:
            total[ours.maker_id] += ours.quantity
        if total != theirs:
            return None
        self.displayed |= displays
        self.found |= displays.keys()
        resting = [(order.id, order.quantity) for order in book.orders(side, trade.price)]
        return Refreshed(more, resting, behind)


def left_after(records: Sequence[Record], order_ids: Iterable[int]) -> dict[int, Left]:
    """What these orders have left after a trade. ``records``: those of the event that follow its fills. O(records)."""
    filled = dict.fromkeys(order_ids, 0)
    shown: dict[int, int] = {}
    for record in records:
        if record.order_id in filled and record.order_id not in shown:
            if record.action == FILL:
                filled[record.order_id] += record.size
            elif record.action == MODIFY:
                shown[record.order_id] = record.size
    return {
        order_id: Left(lots + shown.get(order_id, 0), 0 if lots else shown.get(order_id, 0))
        for order_id, lots in filled.items()
    }


def fits(display: int, lots: int, shown: int) -> bool:
    """Can an iceberg with this display quantity have brought ``lots`` to light and display ``shown`` of them now?

    ``shown`` of 0 is unknown, or none. The last slice may be smaller.
    """
    return shown <= (lots % display or display)


def smallest_display(lots: int, least: int) -> int:
    """The smallest display quantity, from ``least``, of which the lots are whole slices. O(1)."""
    slices = next((n for n in range(min(lots // least, MOST_SLICES), 0, -1) if lots % n == 0), 1)
    return max(lots // slices, least)
