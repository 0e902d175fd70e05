"""A limit order book with price-time priority, written to be read.

Prices are ticks, quantities lots, timestamps nanoseconds, all ints. The best price trades first; at one price, first
in, first out; a trade happens at the price of the resting order (the maker). ``reports`` lists everything that
happened, so that faster books can be compared with it.

A book follows the rules of its ``venue``: stop orders, icebergs, times in force, phases, auctions and price ranges.
Its parts stand in the modules ``queues``, ``matching``, ``stops``, ``all_or_none``, ``call``, ``admission`` and
``replacing``, each a class that adds to the one before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import checks, errors
from ..auctions import AuctionPrice
from ..checks import member
from ..execution import Execution
from ..owner_limits import OwnerLimits
from ..profiles import Venue, parted
from ..types import (
    UNPRICED,
    CommandType,
    Instruction,
    OrderType,
    PriceKind,
    Reason,
    ReplacePolicy,
    ReportKind,
    SelfTrade,
    Side,
    TimeInForce,
)
from . import icebergs
from .expiry import expired
from .mass_cancel import MassCancel
from .records import Extension, Order, Report, Row
from .replacing import Replacing
from .terms import FIELDS, Terms, check, check_ratio, checked_terms

NOTHING = Extension(0, 0, 0, 0, 0)


class ReferenceBook(Replacing):
    """See the module. ``capacity``, ``level_capacity`` and an end of the price band may be None for no limit.

    Every price is a multiple of ``tick_size``, every quantity of ``lot_size``. Owners from 1 to below ``owner_limit``
    can have ``limits`` (0 for all others), mass cancels in parts, and answers to OPEN_ORDERS. ``refresh_limit``: how
    often all icebergs together may still be refreshed, None for no limit.
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
        venue: Venue | None = None,
        refresh_limit: int | None = None,
    ) -> None:
        super().__init__(
            capacity,
            level_capacity,
            member(SelfTrade, self_trade, errors.InvalidSetting, "self-trade mode"),
            venue,
            low_price=low_price,
            high_price=high_price,
            owner_limit=owner_limit,
            tick_size=tick_size,
            lot_size=lot_size,
            limits=limits,
            refresh_limit=refresh_limit,
        )
        self.replace_policy = member(ReplacePolicy, replace_policy, errors.InvalidSetting, "replace policy")
        self.kept: Row | None = None  #: the command of an order that waits for its extension

    @classmethod
    def of(cls, settings: Mapping[str, Any], capacity: int | None = None) -> ReferenceBook:
        """A book with the settings of a profile, see ``pricetime.profiles``, and of the constructor."""
        venue, others = parted(settings)
        return cls(capacity, venue=venue, **others)

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
        instructions: int = 0,
        trigger_price: int | None = None,
        display_quantity: int = 0,
        expiry_ns: int = 0,
        minimum_quantity: int = 0,
        protection: int = 0,
    ) -> Execution:
        """Match a new order; rest, cancel or reject the remainder as its order type and time in force say."""
        instructions |= Instruction.POST_ONLY if post_only else 0
        more = Extension(trigger_price or 0, display_quantity, expiry_ns, minimum_quantity, protection)
        terms = (order_type, time_in_force, instructions)
        given = trigger_price is not None
        return self.enter_order(
            order_id, side, price, quantity, owner, *terms, self_trade, timestamp, more, has_trigger=given
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
        more: Extension = NOTHING,
        *,
        has_trigger: bool = False,
    ) -> Execution:
        """The same with the bits of its instructions and the fields of its extension."""
        order_id = checks.order_id(order_id)
        side = checks.side(side)
        kind, tif, asked = checked_terms(order_type, time_in_force, instructions, self.venue)
        mode = None if self_trade is None else checks.self_trade(self_trade)
        quantity = self._lots(quantity)
        price = 0 if kind in UNPRICED else self._ticks(price)
        owner = checks.owner(owner)
        timestamp = checks.timestamp(timestamp)
        trigger = more.trigger_price if has_trigger else None
        units = self.tick_size, self.lot_size
        check(FIELDS, Terms(kind, tif, asked, quantity, timestamp, trigger, *more[1:], *units))
        check_ratio(self.venue, quantity, more.display_quantity)
        order = Order(order_id, side, price, quantity, timestamp, owner, mode, kind, tif, asked, 0, *more)
        self._check_phase(CommandType.NEW_ORDER)
        self._check_kind_in_phase(order)
        self._give_price(order)
        self._check_new(order)
        return self._enter(order)

    def _check_new(self, order: Order) -> None:
        """The checks that depend on the book."""
        if not order.unpriced:
            self._check_band(order.price)
        if order.id in self.by_id:
            raise errors.DuplicateOrderId(f"order id {order.id} is resting")
        limits = self._limits(order.owner)
        self._check_quantity(limits, order.quantity)
        if not order.unpriced:
            self._check_distance(limits, order.side, order.price)
        if order.is_stop:
            self._check_trigger(order.side, order.trigger_price)
        if order.post_only and self._meets(order, order.price):
            raise errors.WouldCross(f"post-only order {order.id} would trade at {order.price}")
        if self._stays(order) or order.is_stop or self._auction_of(order):
            self._check_place(order, limits)

    def _enter(self, order: Order) -> Execution:
        """Accept an order: it waits, or it trades and rests."""
        seen = len(self.reports)
        auction = self._auction_of(order)
        if order.is_stop or order.all_or_none or auction:
            self._report(ReportKind.ACCEPTED, order, order.quantity, Reason.WAITS, maker_id=order.quantity)
            if auction:
                self._wait(order, self.for_auction[auction], 0)
            elif order.is_stop:
                self._wait(order, self.stops[order.side], order.trigger_price)
            else:
                self._wait(order, self.special[order.side], order.price)
        else:
            icebergs.begin(order)
            reason = self._entry_reason(order)
            self._report(ReportKind.ACCEPTED, order, order.quantity, reason, maker_id=order.hidden)
            self._trade_or_rest(order)
        self._cascade()
        return self._execution(order.id, seen)

    def _trade_or_rest(self, order: Order) -> None:
        limit = self._band_end(order.side) if order.unpriced else order.price
        if order.time_in_force is TimeInForce.FOK and not self._can_fill(order, limit, order.quantity):
            self._drop(order, Reason.FOK_UNFILLABLE)
        elif order.minimum_quantity and not self._can_fill(order, limit, order.minimum_quantity):
            self._drop(order, Reason.MINIMUM_UNFILLABLE)
        else:
            self._execute(order, limit)

    def match_order(self, order_id: int, side: int, price: int, quantity: int, *, owner: int = 0) -> Execution:
        """Match a new order and cancel the remainder."""
        return self.add_order(order_id, side, price, quantity, owner=owner, time_in_force=TimeInForce.IOC)

    def cancel_order(self, order_id: int, *, owner: int | None = None) -> int:
        """Cancel an order. Returns the quantity that was resting."""
        order_id = checks.order_id(order_id)
        self._check_phase(CommandType.CANCEL_ORDER)
        left = self.cancel(self._find(order_id, owner if owner is None else checks.owner(owner)))
        self._cascade()
        return left

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
        self._cut(order, min(by, order.quantity), ReportKind.REDUCED)
        left = order.quantity
        self._cascade()
        return left

    def set_phase(self, phase: int) -> None:
        """Begin a phase of the table in ``pricetime.phases``."""
        self.begin_phase(checks.phase(phase))

    def begin_phase(self, phase: int) -> None:
        """The same by its number."""
        self._begin_phase(phase)
        self._cascade()

    # ---------------------------------------------------------------- commands of a venue

    def uncross(self, phase: int = 0) -> AuctionPrice | None:
        """End a call phase with its auction and begin the next phase. Returns where it traded, None if nowhere."""
        found = self._uncross(phase)
        self._cascade()
        return found

    def indicate(self) -> None:
        """Report where the auction would trade now. Raises NotInPhase unless orders are collected."""
        self._check_collects()
        self._report_auction(ReportKind.INDICATIVE, self.indicative())

    def expire(self, now_ns: int, *, limit: int = 0, order_id: int = 0) -> int:
        """End the orders that have expired at a time, up to ``limit`` of them, all for 0. Returns how many.

        In phase CLOSED orders for the day end too. The last report says whether there are more: then it is to be
        called again. ``order_id``: what that report repeats.
        """
        now_ns = checks.timestamp(now_ns)
        ended = expired(iter(self.by_id.values()), now_ns, self.phase)
        part = ended[:limit] if limit else ended
        for order, why in part:
            self._end(order, ReportKind.EXPIRED, why)
        reason = Reason.UNFINISHED if len(part) < len(ended) else Reason.NONE
        self.reports.append(Report(ReportKind.EXPIRY_DONE, 0, reason, order_id, 0, 0, len(part)))
        self._cascade()
        return len(part)

    def set_price(self, kind: int, price: int) -> None:
        """Set one price of the instrument. Orders that rest outside a new price band stay.

        The lowest price cannot be above the highest one.
        """
        which = member(PriceKind, kind, errors.InvalidSetting, "price kind")
        price = self._ticks(price)
        low = price if which is PriceKind.LOW else self.low_price
        high = price if which is PriceKind.HIGH else self.high_price
        if low is not None and high is not None and low > high:
            raise errors.InvalidPrice(f"the price band from {low} to {high} would have no price")
        match which:
            case PriceKind.REFERENCE:
                self.reference = price
            case PriceKind.LAST:
                self.last = price
            case PriceKind.LOW:
                self.low_price = price
            case PriceKind.HIGH:
                self.high_price = price
        self.reports.append(Report(ReportKind.PRICE_SET, 0, Reason.NONE, 0, 0, price, which))
        self._cascade()
