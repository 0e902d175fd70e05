"""What a book accepts: the checks of a new or replaced order that depend on its instrument, phase and owner."""

from __future__ import annotations

from collections.abc import Mapping

from .. import checks, errors
from ..errors import ERROR_OF_REASON, NoReferencePrice, NotInPhase, RefreshesFull, TriggersAtOnce
from ..owner_limits import OwnerLimits, checked_limits
from ..profiles import StopEntry, Venue
from ..types import CommandType, Instruction, OrderType, SelfTrade, Side, TimeInForce
from . import icebergs
from .call import Calls
from .records import Order


class Admission(Calls):
    """A book with the limits of its instrument and of owners."""

    def __init__(
        self,
        capacity: int | None,
        level_capacity: int | None,
        self_trade: SelfTrade,
        venue: Venue | None,
        *,
        low_price: int | None,
        high_price: int | None,
        owner_limit: int,
        tick_size: int,
        lot_size: int,
        limits: Mapping[int, OwnerLimits] | None,
        refresh_limit: int | None,
    ) -> None:
        super().__init__(capacity, level_capacity, self_trade, venue)
        self.low_price, self.high_price = low_price, high_price
        self.owner_limit = owner_limit
        self.tick_size, self.lot_size = tick_size, lot_size
        self.limits = checked_limits(limits or {}, owner_limit)
        self.refresh_limit = refresh_limit

    # ---------------------------------------------------------------- the instrument

    def _lots(self, quantity: int) -> int:
        """A quantity, which must be a multiple of the lot size."""
        quantity = checks.quantity(quantity)
        if quantity % self.lot_size:
            raise errors.InvalidQuantity(f"quantity {quantity} is not a multiple of the lot size {self.lot_size}")
        return quantity

    def _ticks(self, price: int) -> int:
        """A price, which must be a multiple of the tick size."""
        price = checks.price(price)
        if price % self.tick_size:
            raise errors.InvalidPrice(f"price {price} is not a multiple of the tick size {self.tick_size}")
        return price

    def _check_phase(self, command: CommandType) -> None:
        """Does the book accept this command now?"""
        if command not in self.rule.accepts:
            raise ERROR_OF_REASON[self.rule.reason](f"the book accepts no {command.name} in phase {self.phase}")

    def _check_kind_in_phase(self, order: Order) -> None:
        """Does the book accept this kind of order now?"""
        at_once = order.time_in_force in (TimeInForce.IOC, TimeInForce.FOK) or order.minimum_quantity
        whole = order.instructions & (Instruction.POST_ONLY | Instruction.ALL_OR_NONE)
        protected = order.order_type is OrderType.MARKET and order.protection
        if self.rule.collects and (at_once or whole or protected):
            raise NotInPhase("while orders are collected no order trades at once: it cannot depend on that")
        if not self.rule.collects and order.time_in_force is TimeInForce.GFA:
            raise NotInPhase("an order that is good for auction is accepted while orders are collected")

    def _check_band(self, price: int) -> None:
        low, high = self.low_price, self.high_price
        if (low is not None and price < low) or (high is not None and price > high):
            raise errors.PriceOutsideBand(f"price {price} is not from {self.low_price} to {self.high_price}")

    def _check_trigger(self, side: Side, trigger_price: int) -> None:
        """Does the venue accept a stop order with this trigger price now?"""
        if self.venue.stop_at_entry is StopEntry.REJECT and self._is_reached(side, trigger_price):
            raise TriggersAtOnce(f"trigger price {trigger_price}: the last trade was at {self.last}")

    def _give_price(self, order: Order) -> None:
        """While orders match, turn an order whose price is the best one, or depends on it, into a limit order."""
        best = self._opposite(order.side)
        if not self.rule.matches:
            return
        if order.order_type is OrderType.MARKET and order.protection:
            if best is None:
                raise NoReferencePrice("the other side is empty: no price to add the protection points to")
            order.price = self._protected(order.side, best, order.protection)
            order.order_type = OrderType.LIMIT
        elif order.order_type is OrderType.MARKET_TO_LIMIT and best is not None:
            order.price, order.order_type = best, OrderType.LIMIT

    # ---------------------------------------------------------------- owners

    def _limits(self, owner: int) -> OwnerLimits:
        """The limits of an owner; none from the ``owner_limit`` on."""
        if not 0 < owner < self.owner_limit:
            return OwnerLimits()
        return self.limits.get(owner) or self.limits.get(0) or OwnerLimits()

    def _check_quantity(self, limits: OwnerLimits, quantity: int) -> None:
        if limits.quantity is not None and quantity > limits.quantity:
            raise errors.QuantityAboveLimit(f"quantity {quantity} is above {limits.quantity}")

    def _check_distance(self, limits: OwnerLimits, side: Side, price: int) -> None:
        """Check the distance from the best price of the other side, or of the own side if that is empty."""
        bests = [self.best_ask, self.best_bid] if side is Side.BID else [self.best_bid, self.best_ask]
        best = next((best for best in bests if best is not None), price)
        if limits.price_distance is not None and abs(price - best) > limits.price_distance:
            raise errors.PriceTooFar(f"price {price} is more than {limits.price_distance} from {best}")

    def _check_place(self, order: Order, limits: OwnerLimits) -> None:
        """Is there a place for a new order that may rest or wait?"""
        if limits.open_orders is not None and self.open_orders[order.owner] >= limits.open_orders:
            raise errors.OwnerOrdersFull(f"owner {order.owner} has {self.open_orders[order.owner]} open orders")
        if self.capacity is not None and len(self.by_id) >= self.capacity:
            raise errors.OrdersFull(f"all {self.capacity} slots are taken")
        self._check_refreshes(order, order.quantity, order.display_quantity)
        if not (order.is_stop or order.all_or_none or order.unpriced or self._auction_of(order)):
            self._check_room(self.levels[order.side], order.price, order.quantity)

    def _check_refreshes(self, order: Order, quantity: int, display: int) -> None:
        """Can all icebergs together still be refreshed no more often than the limit allows?"""
        if self.refresh_limit is None or not display:
            return
        least = self.venue.minimum_display
        others = (icebergs.refreshes_left(o, least) for o in self.by_id.values() if o is not order)
        own = icebergs.refreshes(quantity, display, least)
        if sum(others) + own > self.refresh_limit:
            raise RefreshesFull(f"order {order.id} could be refreshed {own} times")

    def _auction_of(self, order: Order) -> Instruction | None:
        """The auction that an order waits for, None if it is for none or joins at once."""
        asked = [auction for auction in self.for_auction if order.instructions & auction]
        return asked[0] if asked and self.rule.auction is not asked[0] else None

    def orders_of(self, owner: int) -> list[Order]:
        """The orders of an owner, in any order. Owner 0 means that an order has no owner: it has none."""
        return [order for order in self.by_id.values() if order.owner == owner != 0]
