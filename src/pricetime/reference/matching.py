"""How an order trades: with whom, at which prices, and what becomes of its remainder."""

from __future__ import annotations

from collections import deque

from .. import phases
from ..execution import Execution, Trade
from ..phases import PhaseRule
from ..profiles import Breach, Venue
from ..types import Phase, Reason, ReportKind, SelfTrade, Side
from . import icebergs
from .mass_cancel import MassCancel
from .queues import Queues
from .records import Order, Report


class Matching(Queues):
    """The queues, and the orders that trade with them. ``venue``: its rules, None for the default ones."""

    def __init__(
        self, capacity: int | None, level_capacity: int | None, self_trade: SelfTrade, venue: Venue | None
    ) -> None:
        super().__init__(capacity, level_capacity)
        self.self_trade = self_trade
        self.venue = venue or Venue()
        self.phases = phases.PHASES
        self.phase: int = Phase.CONTINUOUS
        self.collecting = False  #: orders were collected, and no auction has followed
        self.reference = self.venue.reference_price
        self.last: int | None = None  #: price of the last trade
        self.lowest: int | None = None  #: price that stop orders have not been compared with, and
        self.highest: int | None = None  #: the highest one
        self.unfinished: dict[int, MassCancel] = {}  #: by owner
        self.reports: list[Report] = []

    @property
    def rule(self) -> PhaseRule:
        """The row of the phase."""
        return self.phases[self.phase]

    # ---------------------------------------------------------------- whom an order meets

    def _meets(self, order: Order, limit: int | None) -> deque[Order] | None:
        """The best queue of the other side if the order may trade with it. A limit of None accepts any price."""
        best = self._opposite(order.side)
        if not self.rule.matches:
            return None
        if best is None or (limit is not None and (best > limit if order.side is Side.BID else best < limit)):
            return None
        return self.levels[other(order.side)][best]

    def _opposite(self, side: Side) -> int | None:
        """The best price of the other side."""
        return self.best_ask if side is Side.BID else self.best_bid

    def _mode(self, order: Order, maker: Order) -> SelfTrade:
        """The mode for the incoming order and this resting one: OFF unless they have the same owner."""
        if order.owner == 0 or order.owner != maker.owner:
            return SelfTrade.OFF
        return order.self_trade or self.self_trade

    def _can_fill(self, order: Order, limit: int | None, need: int) -> bool:
        """Could so many lots trade? Counts only what its self-trade mode and the price ranges let it take."""
        if not self._meets(order, limit):
            return False
        low, high = self._range()
        left = order.quantity
        for price, queue in self._queues(other(order.side)):
            beyond = limit is not None and (price > limit if order.side is Side.BID else price < limit)
            if beyond or not low <= price <= high:
                return False
            hidden = 0  # an iceberg shows it behind all that is in the queue now
            for maker in queue:
                mode = self._mode(order, maker)
                if mode is SelfTrade.OFF:
                    need, left, hidden = need - maker.shown, left - maker.shown, hidden + maker.hidden
                    if need <= 0:
                        return True
                elif mode is not SelfTrade.CANCEL_OLDEST and (
                    mode is not SelfTrade.CANCEL_SMALLER or maker.quantity > left
                ):
                    return False
            need, left = need - hidden, left - hidden
            if need <= 0:
                return True
        return False

    def _range(self) -> tuple[int, int]:
        """The lowest and the highest price of the trades of an order that enters now."""
        low, high = -(2**63), 2**63 - 1
        for middle, most in ((self.reference, self.venue.static_range), (self.last, self.venue.dynamic_range)):
            if most and middle is not None:
                low, high = max(low, middle - most), min(high, middle + most)
        return low, high

    # ---------------------------------------------------------------- trading

    def _execute(self, order: Order, limit: int | None) -> None:
        """Trade with all that the order meets; then its remainder rests or is cancelled."""
        stays = self._stays(order)
        breaches = self._match(order, limit)
        interrupts = breaches and self.venue.on_breach is Breach.INTERRUPT
        if interrupts:
            self._change_phase(Phase.VOLATILITY_AUCTION, Reason.OUTSIDE_RANGE)
        if order.quantity and (not stays or (breaches and not interrupts)):
            reason: int = Reason.OUTSIDE_RANGE if breaches else Reason.IOC_REMAINDER
            if not breaches and order.unpriced:
                reason = Reason.MARKET_REMAINDER
            self._drop(order, reason)
        elif order.quantity:
            self._rest(order)

    def _drop(self, order: Order, reason: int) -> None:
        """Cancel an order, or its remainder, before it rests."""
        self._report(ReportKind.CANCELLED, order, order.quantity, reason, maker_id=order.hidden)

    def _stays(self, order: Order) -> bool:
        """May its remainder rest in this phase?"""
        return self.rule.collects or (order.may_rest and not order.unpriced)

    def _match(self, order: Order, limit: int | None) -> bool:
        """Trade until nothing is left or nothing is met. Returns whether a price range stopped it."""
        low, high = self._range()  # from the last trade before this order
        while order.quantity and (queue := self._meets(order, limit)):
            maker = queue[0]
            if not low <= maker.price <= high:
                return True
            mode = self._mode(order, maker)
            if mode is SelfTrade.OFF:
                self._trade(order, maker, min(order.shown, maker.shown))
            else:
                self._prevent(order, maker, mode, min(order.quantity, maker.quantity))
        return False

    def _trade(self, order: Order, maker: Order, size: int) -> None:
        """One trade, at the price of the resting order."""
        self._take(maker, size)
        order.quantity -= size
        order.filled += size
        maker.filled += size
        self._print(maker.price)
        self._report(ReportKind.TRADE, order, size, maker_id=maker.id, price=maker.price)
        if icebergs.is_due(maker, self.venue.minimum_display):
            self._refresh(maker)
        if order.quantity and not order.shown:
            self._begin_slice(order)

    def _print(self, price: int) -> None:
        """Remember the price of a trade."""
        self.last = price
        self.lowest = price if self.lowest is None else min(price, self.lowest)
        self.highest = price if self.highest is None else max(price, self.highest)

    def _refresh(self, order: Order) -> None:
        """Display the next slice of a resting iceberg, at the back of its level.

        One that an unfinished mass cancel has yet to visit ends instead when its slice is used up.
        """
        cancel = self.unfinished.get(order.owner)
        if cancel is not None and cancel.will_cancel(self, order):
            if not order.shown:
                cancel.cancelled += 1
                self.cancel(order, cancel.reason)
            return
        self._to_the_back(order)
        self._begin_slice(order)

    def _begin_slice(self, order: Order) -> None:
        icebergs.begin(order)
        self._report(ReportKind.REFRESHED, order, order.shown)

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
            hidden = min(order.hidden, from_order)
            order.quantity, order.hidden = order.quantity - from_order, order.hidden - hidden
            kind = ReportKind.REDUCED if order.quantity else ReportKind.CANCELLED
            self._report(kind, order, from_order, Reason.SELF_TRADE, maker_id=hidden)
        if from_maker:
            self._cut(maker, from_maker, ReportKind.REDUCED, Reason.SELF_TRADE)

    # ---------------------------------------------------------------- resting

    def _rest(self, order: Order) -> None:
        """Put the remainder of an order in its place."""
        if order.unpriced:
            self._join(order, self.market_orders[order.side], 0)
            return
        self._join(order, self.levels[order.side], order.price)
        if icebergs.is_due(order, self.venue.minimum_display):
            self._begin_slice(order)

    def _cut(self, order: Order, quantity: int, kind: ReportKind, reason: int = Reason.NONE) -> int:
        """Take lots off an order without a trade, the hidden ones first, and report it. Returns the hidden ones.

        ``kind``: REDUCED, reported as CANCELLED if nothing is left and it was not the owner who reduced it.
        """
        hidden = min(order.hidden, quantity)
        self._take(order, quantity, hidden)
        if not order.quantity and reason:
            kind = ReportKind.CANCELLED
        self._report(kind, order, quantity, reason, maker_id=hidden)
        return hidden

    def cancel(self, order: Order, reason: int = Reason.NONE) -> int:
        """Cancel an order that rests or waits, and report it. Returns its quantity."""
        return self._end(order, ReportKind.CANCELLED, reason)

    def _end(self, order: Order, kind: ReportKind, reason: int) -> int:
        left, hidden = order.quantity, order.hidden
        self._take(order, left, hidden)
        self._report(kind, order, left, reason, maker_id=hidden)
        return left

    # ---------------------------------------------------------------- reports

    def _change_phase(self, phase: int, reason: int) -> None:
        """Begin a phase and report it."""
        self.phase = phase
        self.collecting = self.collecting or self.rule.collects
        self.reports.append(Report(ReportKind.PHASE_CHANGED, 0, reason, 0, 0, 0, phase))

    def _entry_reason(self, order: Order) -> int:
        """What the report says that makes an order known to the market."""
        if self.rule.collects and order.unpriced:
            return Reason.AT_MARKET
        return Reason.NONE if self._stays(order) else Reason.NEVER_RESTS

    def _execution(self, order_id: int, seen: int) -> Execution:
        """What a command did to its order. ``seen``: reports before the command."""
        new = self.reports[seen:]
        own = [r for r in new if r.order_id == order_id]
        ends = [r for r in own if r.kind in (ReportKind.CANCELLED, ReportKind.REDUCED)]
        cancelled = sum(r.quantity for r in ends)
        kept = own[0].reason if own[0].kind == ReportKind.REPLACED else Reason.NONE
        resting = self.by_id[order_id].quantity if order_id in self.by_id else 0
        trades = tuple(Trade(r.maker_id, r.order_id, r.price, r.quantity) for r in new if r.kind == ReportKind.TRADE)
        reason = ends[-1].reason if ends else kept
        return Execution(order_id, trades, resting, cancelled, reason if reason in set(Reason) else Reason.NONE)

    def _report(
        self,
        kind: int,
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
