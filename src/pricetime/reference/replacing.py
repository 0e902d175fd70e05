"""A new price, quantity or id for an order that rests or waits."""

from __future__ import annotations

from dataclasses import dataclass

from .. import checks, errors
from ..errors import InvalidDisplayQuantity, InvalidExpiry, InvalidProtection, InvalidTriggerPrice
from ..execution import Execution
from ..types import CommandType, OrderType, Reason, ReplacePolicy, ReportKind, TimeInForce
from . import icebergs
from .admission import Admission
from .records import Ladder, Order
from .terms import check_ratio


@dataclass(frozen=True)
class Changes:
    """What a replace gives an order; None: that stays. Price and quantity are always given."""

    price: int
    quantity: int
    trigger_price: int | None = None
    display_quantity: int | None = None
    expiry_ns: int | None = None
    protection: int | None = None


class Replacing(Admission):
    """A book in which orders can be replaced."""

    replace_policy: ReplacePolicy

    def replace_order(
        self,
        order_id: int,
        price: int,
        quantity: int,
        *,
        new_id: int | None = None,
        owner: int | None = None,
        trigger_price: int | None = None,
        display_quantity: int | None = None,
        expiry_ns: int | None = None,
        protection: int | None = None,
        timestamp: int = 0,
    ) -> Execution:
        """Give an order a new price and open quantity; it may trade, and the replace policy decides about its place.

        An order that names no price ignores ``price``. What is None does not change.
        """
        order_id = checks.order_id(order_id)
        new_id = order_id if new_id is None else checks.order_id(new_id)
        quantity = self._lots(quantity)
        known = self.by_id.get(order_id)
        unpriced = known is not None and known.unpriced
        price = 0 if unpriced else self._ticks(price)
        owner = owner if owner is None else checks.owner(owner)
        self._check_phase(CommandType.REPLACE_ORDER)
        if not unpriced:
            self._check_band(price)
        old = self._find(order_id, owner)
        asked = Changes(price, quantity, trigger_price, display_quantity, expiry_ns, protection)
        self._check_changes(old, asked, timestamp)
        if new_id != old.id and new_id in self.by_id:
            raise errors.DuplicateOrderId(f"order id {new_id} is resting")
        seen = len(self.reports)
        if self.venue.replace_total and quantity <= old.filled:
            self.cancel(old, Reason.TRADED_MORE)
        else:
            self._replace(old, new_id, asked)
        self._cascade()
        return self._execution(old.id, seen)

    def _check_changes(self, old: Order, asked: Changes, timestamp: int) -> None:
        """Can this order have these fields? No change turns it into a different kind of order.

        A trigger price or display quantity that the order has already is not checked again.
        """
        if asked.trigger_price is not None:
            if not old.is_stop or asked.trigger_price % self.tick_size:
                raise InvalidTriggerPrice(f"order {old.id} cannot have trigger price {asked.trigger_price}")
            if asked.trigger_price != old.trigger_price:
                self._check_trigger(old.side, asked.trigger_price)
        display = asked.display_quantity
        if display == old.display_quantity and display:
            display = None
        if display is not None:
            off = display == 0 or old.display_quantity == 0
            if off or not 0 < display <= asked.quantity or display % self.lot_size:
                raise InvalidDisplayQuantity(f"order {old.id} cannot have display quantity {display}")
        if display is not None or asked.quantity > old.quantity:
            check_ratio(self.venue, asked.quantity, display or old.display_quantity)
        expiry = asked.expiry_ns
        if expiry is not None and (old.time_in_force is not TimeInForce.GTD or not timestamp < expiry < 2**64):
            raise InvalidExpiry(f"order {old.id} cannot have expiry time {expiry}")
        points = asked.protection
        if points is not None and (
            old.order_type is not OrderType.STOP
            or not (points > 0) == (old.protection > 0)
            or not 0 <= points < 2**32
            or points % self.tick_size
        ):
            raise InvalidProtection(f"order {old.id} cannot have protection {points}")

    def _replace(self, old: Order, new_id: int, asked: Changes) -> None:
        quantity = asked.quantity - old.filled if self.venue.replace_total else asked.quantity
        trigger = old.trigger_price if asked.trigger_price is None else asked.trigger_price
        limits = self._limits(old.owner)
        if quantity > old.quantity:
            self._check_quantity(limits, quantity)
        if asked.price != old.price:
            self._check_distance(limits, old.side, asked.price)
        if old.post_only and self._meets(old, asked.price):
            raise errors.WouldCross(f"post-only order {old.id} would trade at {asked.price}")
        ladder, key = self._place_of(old, asked.price, trigger)
        keeps = self._keeps_place(old, key, quantity)
        display = asked.display_quantity or old.display_quantity
        self._check_refreshes(old, quantity, display)
        if not keeps and not old.waits and not old.unpriced:
            self._check_room(ladder, key, quantity, leaving=old)
        order_id = old.id
        del self.by_id[old.id]
        old.id, self.by_id[new_id] = new_id, old
        for name in ("display_quantity", "expiry_ns", "protection"):
            value = getattr(asked, name)
            setattr(old, name, getattr(old, name) if value is None else value)
        if not keeps:
            self._leave(old)
        self._give(old, asked.price, trigger, quantity, keeps)
        self._report_replaced(old, order_id, keeps)
        if not keeps and old.waits:
            self._wait(old, ladder, key)
        elif not keeps:
            self._execute(old, old.price)

    def _give(self, old: Order, price: int, trigger: int, quantity: int, keeps: bool) -> None:
        """The new values; hidden lots leave an order that keeps its place before displayed ones."""
        old.hidden = max(0, old.hidden - (old.quantity - quantity))
        old.price, old.trigger_price, old.quantity = price, trigger, quantity
        if old.waits:
            old.hidden = quantity
        elif not keeps:
            icebergs.begin(old)

    def _report_replaced(self, order: Order, order_id: int, keeps: bool) -> None:
        """An iceberg's report says what it displays, and a private one what it hides."""
        quantity = order.quantity if order.waits else order.shown
        self._report(ReportKind.REPLACED, order, quantity, self._reason_of_replace(order, keeps), maker_id=order_id)
        if order.display_quantity and not order.waits:
            self._report(ReportKind.HIDDEN, order, order.hidden)

    def _place_of(self, old: Order, price: int, trigger: int) -> tuple[Ladder, int]:
        """The queue that the replaced order belongs to."""
        if old.waits:
            return (old.ladder, trigger if old.is_stop else price if old.all_or_none else 0)
        return (old.ladder, 0 if old.unpriced else price)

    def _keeps_place(self, old: Order, key: int, quantity: int) -> bool:
        """Does the replaced order keep its place in the queue?"""
        if key != old.key or quantity > old.quantity or self.replace_policy is ReplacePolicy.ALWAYS_LOSE:
            return False
        return not old.display_quantity or old.waits or self.venue.iceberg_keeps_place

    def _reason_of_replace(self, order: Order, keeps: bool) -> int:
        if order.waits:
            return Reason.WAITS
        if order.unpriced:
            return Reason.AT_MARKET
        return Reason.KEPT_PLACE if keeps else Reason.NONE
