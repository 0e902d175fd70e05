"""A limit order book with price-time priority, written to be read.

Prices are ticks, quantities lots, timestamps nanoseconds, all ints. The best price trades first; at one price, first
in, first out; a trade happens at the price of the resting order (the maker). ``reports`` lists everything that
happened, so that faster books can be compared with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from .. import checks, errors, phases
from ..checks import member
from ..execution import Execution, Trade
from ..owner_limits import OwnerLimits, checked_limits
from ..types import (
    CommandType,
    Instruction,
    OrderType,
    Phase,
    Reason,
    ReplacePolicy,
    ReportKind,
    SelfTrade,
    Side,
    TimeInForce,
)
from .mass_cancel import MassCancel
from .queues import Queues
from .records import Order, Report, Row
from .terms import checked_terms


class ReferenceBook(Queues):
    """See the module. ``capacity``, ``level_capacity`` and an end of the price band may be None for no limit.

    Every price is a multiple of ``tick_size``, every quantity of ``lot_size``. Owners from 1 to below ``owner_limit``
    can have ``limits`` (0 for all others), mass cancels in parts, and answers to OPEN_ORDERS.
    """

    def __init__(
        self,
        capacity: int | None = None,
        *,
        level_capacity: int | None = None,
        self_trade: SelfTrade = SelfTrade.OFF,
        replace_policy: ReplacePolicy = ReplacePolicy.KEEP_IF_NOT_LARGER,
        low_price: int | None = None,
        high_price: int | None = None,
        owner_limit: int = 0,
        tick_size: int = 1,
        lot_size: int = 1,
        limits: Mapping[int, OwnerLimits] | None = None,
    ) -> None:
        super().__init__(capacity, level_capacity)
        self.self_trade = member(SelfTrade, self_trade, errors.InvalidSetting, "self-trade mode")
        self.replace_policy = member(ReplacePolicy, replace_policy, errors.InvalidSetting, "replace policy")
        self.low_price, self.high_price = low_price, high_price
        self.owner_limit = owner_limit
        self.tick_size, self.lot_size = tick_size, lot_size
        self.limits = checked_limits(limits or {}, owner_limit)
        self.phases = dict(phases.PHASES)
        self.phase: int = Phase.CONTINUOUS
        self.unfinished: dict[int, MassCancel] = {}  #: by owner
        self.kept: Row | None = None  #: the command of an order that waits for its extension
        self.reports: list[Report] = []

    # ---------------------------------------------------------------- commands

    def add_order(
        self,
        order_id: int,
        side: int,
        price: int,
        quantity: int,
        *,
        owner: int = 0,
        order_type: int = OrderType.LIMIT,
        time_in_force: int = TimeInForce.GTC,
        post_only: bool = False,
        self_trade: int | None = None,
        timestamp: int = 0,
    ) -> Execution:
        """Match a new order; rest, cancel or reject the remainder as its order type and time in force say."""
        instructions = Instruction.POST_ONLY if post_only else 0
        return self.enter_order(
            order_id, side, price, quantity, owner, order_type, time_in_force, instructions, self_trade, timestamp
        )

    def enter_order(
        self,
        order_id: int,
        side: int,
        price: int,
        quantity: int,
        owner: int,
        order_type: int,
        time_in_force: int,
        instructions: int,
        self_trade: int | None,
        timestamp: int,
    ) -> Execution:
        """The same with the bits of its instructions."""
        order_id = checks.order_id(order_id)
        side = checks.side(side)
        kind, tif, asked = checked_terms(order_type, time_in_force, instructions)
        mode = None if self_trade is None else checks.self_trade(self_trade)
        quantity = self._lots(quantity)
        is_market = kind is OrderType.MARKET
        price = 0 if is_market else self._ticks(price)
        owner = checks.owner(owner)
        timestamp = checks.timestamp(timestamp)
        order = Order(order_id, side, price, quantity, timestamp, owner, mode, kind, tif, asked)
        self._check_phase(CommandType.NEW_ORDER)
        if not is_market:
            self._check_band(price)
        if order_id in self.by_id:
            raise errors.DuplicateOrderId(f"order id {order_id} is resting")
        limits = self._limits(owner)
        self._check_quantity(limits, quantity)
        if not is_market:
            self._check_distance(limits, side, price)
        if order.post_only and self._meets(order, price):
            raise errors.WouldCross(f"post-only order {order_id} would trade at {price}")
        if order.may_rest:
            if limits.open_orders is not None and self.open_orders[owner] >= limits.open_orders:
                raise errors.OwnerOrdersFull(f"owner {owner} has {self.open_orders[owner]} open orders")
            if self.capacity is not None and len(self.by_id) >= self.capacity:
                raise errors.OrdersFull(f"all {self.capacity} slots are taken")
            self._check_room(side, price, quantity)
        seen = len(self.reports)
        self._report(ReportKind.ACCEPTED, order, quantity, Reason.NONE if order.may_rest else Reason.NEVER_RESTS)
        limit = self._band_end(side) if is_market else price
        if tif is TimeInForce.FOK and not self._can_fill(order, limit):
            self._report(ReportKind.CANCELLED, order, quantity, Reason.FOK_UNFILLABLE)
            return self._execution(order_id, (), seen)
        trades = self._match(order, limit)
        if order.quantity and order.may_rest:
            self._rest(order)
        elif order.quantity:
            reason = Reason.MARKET_REMAINDER if is_market else Reason.IOC_REMAINDER
            self._report(ReportKind.CANCELLED, order, order.quantity, reason)
        return self._execution(order_id, trades, seen)

    def match_order(self, order_id: int, side: int, price: int, quantity: int, *, owner: int = 0) -> Execution:
        """Match a new order and cancel the remainder."""
        return self.add_order(order_id, side, price, quantity, owner=owner, time_in_force=TimeInForce.IOC)

    def cancel_order(self, order_id: int, *, owner: int | None = None) -> int:
        """Cancel an order. Returns the quantity that was resting."""
        order_id = checks.order_id(order_id)
        self._check_phase(CommandType.CANCEL_ORDER)
        return self.cancel(self._find(order_id, owner if owner is None else checks.owner(owner)))

    def mass_cancel(self, owner: int, *, side: int | None = None) -> int:
        """Cancel the orders of an owner, of one side or of both, oldest first. Returns how many."""
        side = side if side is None else checks.side(side)
        owner = checks.owner(owner)
        if owner == 0:
            raise errors.InvalidOwner("owner 0 means that an order has no owner: give one from 1 to 2**32 - 1")
        return self.start_mass_cancel(owner, side)

    def start_mass_cancel(self, owner: int, side: Side | None, *, limit: int = 0, **command: Any) -> int:
        """The first part of a mass cancel: it visits up to ``limit`` orders, all for 0. Returns how many it cancelled.

        Only for owners below the ``owner_limit`` can it stop before the end. ``command``: see ``MassCancel``.
        """
        if owner in self.unfinished:
            raise errors.MassCancelUnfinished(f"a mass cancel of owner {owner} is unfinished")
        self.unfinished[owner] = MassCancel([self], owner, side, **command)
        return self.continue_mass_cancel(owner, limit if owner < self.owner_limit else 0)

    def continue_mass_cancel(self, owner: int, limit: int = 0) -> int:
        """The next part of an owner's unfinished mass cancel. Returns how many orders it has cancelled so far."""
        cancel = self.unfinished[owner]
        for _ in cancel.part(limit):
            pass
        reason = Reason.UNFINISHED
        if cancel.is_done:
            del self.unfinished[owner]
            reason = Reason.NONE
        answer = (cancel.side or 0, reason, cancel.order_id, 0, 0, cancel.cancelled)
        self.reports.append(Report(ReportKind.MASS_CANCELLED, *answer))
        return cancel.cancelled

    def reduce_order(self, order_id: int, by: int, *, owner: int | None = None) -> int:
        """Take ``by`` lots off an order, which keeps its place. Returns the quantity left, 0 if the order is gone."""
        order_id = checks.order_id(order_id)
        by = self._lots(by)
        self._check_phase(CommandType.REDUCE_ORDER)
        order = self._find(order_id, owner if owner is None else checks.owner(owner))
        by = min(by, order.quantity)
        self._take(order, by)
        self._report(ReportKind.REDUCED, order, by)
        return order.quantity

    def replace_order(
        self, order_id: int, price: int, quantity: int, *, new_id: int | None = None, owner: int | None = None
    ) -> Execution:
        """Give an order a new price and open quantity; it may trade, and the replace policy decides about its place."""
        order_id = checks.order_id(order_id)
        new_id = order_id if new_id is None else checks.order_id(new_id)
        quantity = self._lots(quantity)
        price = self._ticks(price)
        owner = owner if owner is None else checks.owner(owner)
        self._check_phase(CommandType.REPLACE_ORDER)
        self._check_band(price)
        old = self._find(order_id, owner)
        if new_id != old.id and new_id in self.by_id:
            raise errors.DuplicateOrderId(f"order id {new_id} is resting")
        limits = self._limits(old.owner)
        if quantity > old.quantity:
            self._check_quantity(limits, quantity)
        if price != old.price:
            self._check_distance(limits, old.side, price)
        if old.post_only and self._meets(old, price):
            raise errors.WouldCross(f"post-only order {old.id} would trade at {price}")
        keeps = price == old.price and quantity <= old.quantity and self.replace_policy is not ReplacePolicy.ALWAYS_LOSE
        if not keeps:
            self._check_room(old.side, price, quantity, leaving=old)
        seen = len(self.reports)
        del self.by_id[old.id]
        old.id, self.by_id[new_id] = new_id, old
        if keeps:
            old.quantity = quantity
            self._report(ReportKind.REPLACED, old, quantity, Reason.KEPT_PLACE, maker_id=order_id)
            return self._execution(new_id, (), seen)
        self._take(old, old.quantity)
        old.price, old.quantity = price, quantity
        self._report(ReportKind.REPLACED, old, quantity, maker_id=order_id)
        trades = self._match(old, price)
        if old.quantity:
            self._rest(old)
        return self._execution(new_id, trades, seen)

    def set_phase(self, phase: int) -> None:
        """Begin a phase of the table in ``pricetime.phases``."""
        self.begin_phase(checks.phase(phase))

    def begin_phase(self, phase: int) -> None:
        """The same by its number."""
        if phase not in self.phases:
            raise errors.InvalidPhase(f"{phase} is not a phase of the table")
        self.phase = phase
        self.reports.append(Report(ReportKind.PHASE_CHANGED, 0, Reason.NONE, 0, 0, 0, self.phase))

    # ---------------------------------------------------------------- the rules

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
        rule = self.phases[self.phase]
        if command not in rule.accepts:
            raise errors.ERROR_OF_REASON[rule.reason](f"the book accepts no {command.name} in phase {self.phase}")

    def _check_band(self, price: int) -> None:
        low, high = self.low_price, self.high_price
        if (low is not None and price < low) or (high is not None and price > high):
            raise errors.PriceOutsideBand(f"price {price} is not from {self.low_price} to {self.high_price}")

    def _band_end(self, side: Side) -> int | None:
        """The worst price at which a market order may trade: the end of the band. None for no limit."""
        return self.high_price if side is Side.BID else self.low_price

    def _limits(self, owner: int) -> OwnerLimits:
        """The limits of an owner; none from the ``owner_limit`` on."""
        if not 0 < owner < self.owner_limit:
            return OwnerLimits()
        return self.limits.get(owner) or self.limits.get(0) or OwnerLimits()

    def _check_quantity(self, limits: OwnerLimits, quantity: int) -> None:
        if limits.quantity is not None and quantity > limits.quantity:
            raise errors.QuantityAboveLimit(f"quantity {quantity} is above {limits.quantity}")

    def _check_distance(self, limits: OwnerLimits, side: Side, price: int) -> None:
        """Check the distance from the best price of the other side, or of its own if that is empty."""
        bests = [self.best_ask, self.best_bid] if side is Side.BID else [self.best_bid, self.best_ask]
        best = next((best for best in bests if best is not None), price)
        if limits.price_distance is not None and abs(price - best) > limits.price_distance:
            raise errors.PriceTooFar(f"price {price} is more than {limits.price_distance} from {best}")

    def orders_of(self, owner: int) -> list[Order]:
        """The resting orders of an owner, in any order. Owner 0 means that an order has no owner: it has none."""
        return [order for order in self.by_id.values() if order.owner == owner != 0]

    def cancel(self, order: Order, reason: int = Reason.NONE) -> int:
        """Cancel a resting order and report it. Returns its quantity."""
        self._take(order, left := order.quantity)
        self._report(ReportKind.CANCELLED, order, left, reason)
        return left

    def _meets(self, order: Order, limit: int | None) -> deque[Order] | None:
        """The best queue of the other side if the order may trade with it. A limit of None accepts any price."""
        best = self.best_ask if order.side is Side.BID else self.best_bid
        if not self.phases[self.phase].matches:
            return None
        if best is None or (limit is not None and (best > limit if order.side is Side.BID else best < limit)):
            return None
        return self.levels[other(order.side)][best]

    def _mode(self, order: Order, maker: Order) -> SelfTrade:
        """The mode for the incoming order and this resting one: OFF unless they have the same owner."""
        if order.owner == 0 or order.owner != maker.owner:
            return SelfTrade.OFF
        return order.self_trade or self.self_trade

    def _can_fill(self, order: Order, limit: int | None) -> bool:
        """Could the whole quantity trade? Counts only what its self-trade mode lets it take."""
        if not self._meets(order, limit):
            return False
        need = order.quantity
        for price, queue in self._queues(other(order.side)):
            if limit is not None and (price > limit if order.side is Side.BID else price < limit):
                return False
            for maker in queue:
                mode = self._mode(order, maker)
                if mode is SelfTrade.OFF:
                    need -= maker.quantity
                    if need <= 0:
                        return True
                elif mode is not SelfTrade.CANCEL_OLDEST and (
                    mode is not SelfTrade.CANCEL_SMALLER or maker.quantity > need
                ):
                    return False
        return False

    def _match(self, order: Order, limit: int | None) -> tuple[Trade, ...]:
        trades = []
        while order.quantity and (queue := self._meets(order, limit)):
            maker = queue[0]
            mode = self._mode(order, maker)
            size = min(order.quantity, maker.quantity)
            if mode is SelfTrade.OFF:
                trades.append(Trade(maker.id, order.id, maker.price, size))
                self._take(maker, size)
                order.quantity -= size
                self._report(ReportKind.TRADE, order, size, maker_id=maker.id, price=maker.price)
            else:
                self._prevent(order, maker, mode, size)
        return tuple(trades)

    def _prevent(self, order: Order, maker: Order, mode: SelfTrade, size: int) -> None:
        """Two orders of one owner meet: take from each what the mode says, from the incoming order first."""
        if mode is SelfTrade.CANCEL_SMALLER:
            mode = SelfTrade.CANCEL_OLDEST if maker.quantity <= order.quantity else SelfTrade.CANCEL_NEWEST
        from_maker = from_order = size if mode is SelfTrade.DECREMENT else 0
        if mode in (SelfTrade.CANCEL_OLDEST, SelfTrade.CANCEL_BOTH):
            from_maker = maker.quantity
        if mode in (SelfTrade.CANCEL_NEWEST, SelfTrade.CANCEL_BOTH):
            from_order = order.quantity
        if from_order:
            order.quantity -= from_order
            kind = ReportKind.REDUCED if order.quantity else ReportKind.CANCELLED
            self._report(kind, order, from_order, Reason.SELF_TRADE)
        if from_maker:
            self._take(maker, from_maker)
            kind = ReportKind.REDUCED if maker.quantity else ReportKind.CANCELLED
            self._report(kind, maker, from_maker, Reason.SELF_TRADE)

    def _execution(self, order_id: int, trades: tuple[Trade, ...], seen: int) -> Execution:
        """What a command did to its order. ``seen``: reports before the command."""
        own = [r for r in self.reports[seen:] if r.order_id == order_id]
        ends = [r for r in own if r.kind in {ReportKind.CANCELLED, ReportKind.REDUCED}]
        cancelled = sum(r.quantity for r in ends)
        kept = own[0].reason if own[0].kind is ReportKind.REPLACED else Reason.NONE
        resting = self.by_id[order_id].quantity if order_id in self.by_id else 0
        return Execution(order_id, trades, resting, cancelled, ends[-1].reason if ends else kept)

    def _report(
        self,
        kind: ReportKind,
        order: Order,
        quantity: int,
        reason: int = Reason.NONE,
        *,
        maker_id: int = 0,
        price: int | None = None,
    ) -> None:
        price = order.price if price is None else price
        self.reports.append(Report(kind, order.side, reason, order.id, maker_id, price, quantity))


def other(side: Side) -> Side:
    return Side.ASK if side is Side.BID else Side.BID
