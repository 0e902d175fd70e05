"""Orders that wait unseen: stop orders for their trigger price, others for the auction that they are for.

A stop order is triggered by a trade or by the best quote, as the venue says. Triggered ones enter one at a time, behind
what rests: while the prices of all trades of the command so far trigger any, first the buy stop with the lowest trigger
price, then the sell stop with the highest, each price in order of entry.
"""

from __future__ import annotations

from ..errors import REASON_OF_ERROR, LevelQuantityFull, LevelsFull
from ..profiles import StopTrigger
from ..types import OrderType, ReportKind, Side
from . import icebergs
from .matching import Matching
from .records import Ladder, Order

#: Prices below and above all others.
LOWEST, HIGHEST = -(2**63), 2**63 - 1


class Waiting(Matching):
    """A book in which orders can wait."""

    low_price: int | None  #: the price band
    high_price: int | None

    def _wait(self, order: Order, ladder: Ladder, key: int) -> None:
        """Let an order wait: all its lots are hidden."""
        self._join(order, ladder, key)
        order.waits = True
        order.hidden = order.quantity

    def _is_reached(self, side: Side, trigger_price: int) -> bool:
        """Has the last trade, or the best quote, reached the trigger price of a stop order?"""
        price = self.last
        if self.venue.stop_trigger is StopTrigger.BEST_QUOTE:
            price = self._opposite(side)
            if price is None:
                return True
        if price is None:
            return False
        return price >= trigger_price if side is Side.BID else price <= trigger_price

    def _cascade(self) -> None:
        """After a command: let stop orders enter, one at a time, until no trade triggers any more."""
        self._print_again()
        while self.rule.matches and (order := self._next_triggered()):  # a price range may end the phase
            self._enter_waiting(order)
        self.lowest = self.highest = None

    def _print_again(self) -> None:
        """Stop orders that were entered or moved since the last trade are compared with it too."""
        if self.last is not None:
            self.lowest = self.last if self.lowest is None else min(self.lowest, self.last)
            self.highest = self.last if self.highest is None else max(self.highest, self.last)

    def _next_triggered(self) -> Order | None:
        """The first stop order that the prices of this command's trades, or the best quotes now, trigger."""
        low, high = self.lowest, self.highest
        if self.venue.stop_trigger is StopTrigger.BEST_QUOTE:
            low = LOWEST if self.best_bid is None else self.best_bid
            high = HIGHEST if self.best_ask is None else self.best_ask
        return next(iter(self._stops_between(low, high)), None)

    def _stops_between(self, low: int | None, high: int | None) -> list[Order]:
        """The buy stops that ``high`` triggers and the sell stops that ``low`` triggers, in their order."""
        buys = [p for p in sorted(self.stops[Side.BID]) if high is not None and p <= high]
        sells = [p for p in sorted(self.stops[Side.ASK], reverse=True) if low is not None and p >= low]
        return [
            order
            for side, prices in ((Side.BID, buys), (Side.ASK, sells))
            for price in prices
            for order in self.stops[side][price]
        ]

    def _enter_waiting(self, order: Order) -> None:
        """A waiting order becomes one that the market sees: it trades, rests, or is cancelled."""
        self._leave(order)
        order.waits = False
        icebergs.begin(order)
        if order.is_stop:
            self._convert_stop(order)
        reason = self._entry_reason(order)
        self._report(ReportKind.TRIGGERED, order, order.quantity, reason, maker_id=order.hidden)
        self._execute(order, self._band_end(order.side) if order.unpriced else order.price)

    def _convert_stop(self, order: Order) -> None:
        """A stop order becomes a limit or market order."""
        if order.order_type is OrderType.STOP_LIMIT or order.protection:
            if order.order_type is OrderType.STOP:
                order.price = self._protected(order.side, order.trigger_price, order.protection)
            order.order_type = OrderType.LIMIT
        else:
            order.order_type = OrderType.MARKET

    def _rest(self, order: Order) -> None:
        """The same as for any order, but one that waited may find no level."""
        if not order.unpriced:
            try:
                self._check_room(self.levels[order.side], order.price, order.quantity)
            except (LevelsFull, LevelQuantityFull) as error:
                self._drop(order, REASON_OF_ERROR[type(error)])
                return
        super()._rest(order)

    # ---------------------------------------------------------------- prices

    def _protected(self, side: Side, price: int, points: int) -> int:
        """The limit so many ticks worse than a price, at most the end of the price band."""
        low = LOWEST if self.low_price is None else self.low_price
        high = HIGHEST if self.high_price is None else self.high_price
        return min(price + points, high) if side is Side.BID else max(price - points, low)

    def _band_end(self, side: Side) -> int | None:
        """The worst price at which a market order may trade: the end of the band. None for no limit."""
        return self.high_price if side is Side.BID else self.low_price
