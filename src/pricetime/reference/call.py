"""A call phase: orders are collected without matching, and an uncross trades all that can at one price."""

from __future__ import annotations

from typing import NamedTuple

from ..auctions import AUCTION_RULES, AuctionPrice
from ..errors import InvalidPhase, MustUncross, NotInPhase
from ..types import Instruction, OrderType, Reason, ReportKind, Side
from . import icebergs
from .all_or_none import AllOrNone
from .auction import Interest, Stop, with_stops
from .records import Order, Report
from .stops import HIGHEST, LOWEST


class Found(NamedTuple):
    """What an auction would do."""

    price: AuctionPrice | None
    stops: list[Order]  #: the stop orders that take part


class Calls(AllOrNone):
    """A book with auctions. ``tick_size``: of its prices."""

    tick_size: int

    # ---------------------------------------------------------------- phases

    def _begin_phase(self, phase: int) -> None:
        """Begin a phase, which orders that waited for it join."""
        if phase not in self.phases:
            raise InvalidPhase(f"{phase} is not a phase of the table")
        if self.phases[phase].matches and self.collecting:
            raise MustUncross(f"orders were collected: begin phase {phase} with an uncross")
        self._change_phase(phase, Reason.NONE)
        if self.rule.auction:
            self._join_auction(self.rule.auction)

    def _join_auction(self, instruction: Instruction) -> None:
        for order in list(self.for_auction[instruction].get(0, ())):
            self._enter_waiting(order)

    # ---------------------------------------------------------------- the price

    def indicative(self) -> AuctionPrice | None:
        """Where the auction would trade now, None if no two orders can."""
        return self._find_price().price

    def _check_collects(self) -> None:
        if not self.rule.collects:
            raise NotInPhase(f"phase {self.phase} collects no orders")

    def _find_price(self) -> Found:
        """The price, with the stop orders that take part if the venue lets them."""
        rule = AUCTION_RULES[self.venue.auction]
        waiting = self._stops_between(LOWEST, HIGHEST) if rule.stops_inside else []
        stops = [Stop(order.side, order.trigger_price, self._limit_of(order), order.quantity) for order in waiting]
        bids, asks = self._interest(Side.BID), self._interest(Side.ASK)
        price, joined = with_stops(bids, asks, rule, self.reference, self.tick_size, stops)
        return Found(price, [waiting[number] for number in joined])

    def _limit_of(self, stop: Order) -> int | None:
        """The limit that a stop order has once it is triggered, None for a market order."""
        if stop.order_type is OrderType.STOP_LIMIT:
            return stop.price
        return self._protected(stop.side, stop.trigger_price, stop.protection) if stop.protection else None

    def _interest(self, side: Side) -> list[Interest]:
        """What the orders of one side offer, with the whole size of icebergs."""
        return [(None if order.unpriced else order.price, order.quantity) for order in self._by_priority(side)]

    def _by_priority(self, side: Side) -> list[Order]:
        """The orders of one side in the order in which they trade: market orders, better prices, time."""
        market = list(self.market_orders[side].get(0, ()))
        return market + [order for _, queue in self._queues(side) for order in queue]

    def _report_auction(self, kind: ReportKind, found: AuctionPrice | None) -> None:
        if found is None:
            self.reports.append(Report(kind, 0, Reason.NO_AUCTION_PRICE, 0, 0, 0, 0))
            return
        side = 0 if not found.surplus else Side.BID if found.surplus > 0 else Side.ASK
        surplus, volume = (min(lots, 2**64 - 1) for lots in (abs(found.surplus), found.volume))
        self.reports.append(Report(kind, side, Reason.NONE, 0, surplus, found.price, volume))

    # ---------------------------------------------------------------- the uncross

    def _uncross(self, phase: int) -> AuctionPrice | None:
        """Trade at the auction price, cancel what was for this auction only, and begin the next phase."""
        self._check_collects()
        if phase not in self.phases:
            raise InvalidPhase(f"{phase} is not a phase of the table")
        found = self._find_price()
        while found.stops:  # again after they entered: one may have found no level
            for order in found.stops:
                self._enter_waiting(order)
            found = self._find_price()
        self._report_auction(ReportKind.UNCROSSED, found.price)
        if found.price is not None:
            self._trade_at(found.price)
            self.reference = found.price.price
        for side in Side:
            for order in self._by_priority(side):
                self._leave_auction(order, None if found.price is None else found.price.price)
        self.collecting = False
        self._begin_phase(phase)
        return found.price

    def _trade_at(self, found: AuctionPrice) -> None:
        """Every trade at one price, by priority on both sides."""
        buyers, sellers = iter(self._by_priority(Side.BID)), iter(self._by_priority(Side.ASK))
        buyer, seller, left = next(buyers), next(sellers), found.volume
        while True:
            size = min(buyer.quantity, seller.quantity, left)
            for order in (buyer, seller):
                self._take(order, size, max(0, size - order.shown))
                order.filled += size
            trade = (0, Reason.NONE, buyer.id, seller.id, found.price, size)
            self.reports.append(Report(ReportKind.AUCTION_TRADE, *trade))
            left -= size
            if not left:
                break
            buyer = buyer if buyer.quantity else next(buyers)
            seller = seller if seller.quantity else next(sellers)
        self._print(found.price)
        for order in sorted((buyer, seller), key=lambda order: order.entered):
            if order.quantity and icebergs.is_due(order, self.venue.minimum_display):
                self._refresh(order)

    def _leave_auction(self, order: Order, price: int | None) -> None:
        """After the trades: an order that has no price or was for this auction only does not go on."""
        if order.order_type is OrderType.MARKET_TO_LIMIT and not order.auction_only and price is not None:
            self._leave(order)
            order.order_type, order.price = OrderType.LIMIT, price
            self._report(ReportKind.REPLACED, order, order.quantity, Reason.PRICED, maker_id=order.id)
            self._rest(order)
        elif order.order_type is OrderType.MARKET:
            self.cancel(order, Reason.MARKET_REMAINDER)
        elif order.unpriced or order.auction_only:
            self.cancel(order, Reason.AUCTION_REMAINDER)
