"""All-or-none orders: each waits unseen until its whole quantity can trade, and has the last priority at its price.

After a command has let all stop orders enter, the book tries each all-or-none order, buyers first, better prices
first, then by entry. It may trade with all that rests and with all-or-none orders of the other side that are not larger
than what is missing. It takes the better price first, and at one price what rests first.
"""

from __future__ import annotations

from ..types import ReportKind, SelfTrade, Side
from .matching import other
from .records import Order
from .stops import Waiting


class AllOrNone(Waiting):
    """A book in which orders can wait until they trade whole."""

    def _cascade(self) -> None:
        """Let stop orders enter, then all-or-none orders, which may trigger more stop orders."""
        super()._cascade()
        while self.rule.matches and (found := self._next_whole()):
            order, makers = found
            for maker in makers:
                self._show(maker)
            self._enter_waiting(order)
            super()._cascade()

    def _next_whole(self) -> tuple[Order, list[Order]] | None:
        """The first order that can trade whole, and the all-or-none orders of the other side that it needs."""
        for side in Side:
            for price in sorted(self.special[side], reverse=side is Side.BID):
                for order in self.special[side][price]:
                    makers = self._makers_for(order)
                    if makers is not None:
                        return order, makers
        return None

    def _makers_for(self, order: Order) -> list[Order] | None:
        """The all-or-none orders that it needs to trade whole, None if it cannot."""
        low, high = self._range()
        side, left, needed = other(order.side), order.quantity, []
        prices = {*self.levels[side], *self.special[side]}
        for price in sorted(prices, reverse=side is Side.BID):
            beyond = price > order.price if order.side is Side.BID else price < order.price
            if beyond or not low <= price <= high:
                return None
            for maker in (*self.levels[side].get(price, ()), *self.special[side].get(price, ())):
                if self._mode(order, maker) is not SelfTrade.OFF:
                    return None
                if maker.waits and maker.quantity > left:
                    continue
                if maker.waits:
                    needed.append(maker)
                left -= min(left, maker.quantity)
                if not left:
                    return needed
        return None

    def _show(self, order: Order) -> None:
        """Let an all-or-none order rest, for the order that takes it at once."""
        self._leave(order)
        order.waits, order.hidden = False, 0
        self._report(ReportKind.TRIGGERED, order, order.quantity)
        self._rest(order)
