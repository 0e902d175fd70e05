"""Gives orders of a flow the terms that venues have: stops, icebergs, auctions, times in force."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...types import COMMAND, ORDER_EXTENSION, CommandType, Instruction, OrderType, Side, TimeInForce
from .base import ORDER_LENGTH, WHOLE, Commands, Ints
from .market import MarketFlow
from .placement import NEAR, SWEEP, TAKER

#: Shares of stop orders: with a limit; of the others with protection.
WITH_LIMIT, PROTECTED = 0.6, 0.5

#: Whole quantity of an iceberg, from and to, in slices.
SLICES = (2, 10)

#: Shares of the orders of a day that may rest: for the day, until a time, for the closing auction; of those that are
#: collected before the opening auction, for this auction.
FOR_DAY, UNTIL, AT_CLOSE, AT_OPEN = 0.5, 0.03, 0.03, 0.15

#: Shares of the orders that would take and are collected: market orders, market-to-limit orders.
MARKETS, TO_LIMITS = 0.4, 0.2

#: Mean lifetime of an order until a time, in lifetimes of the flow.
UNTIL_LIFETIMES = 5

GAP_NS = 10_000  #: mean time from one arrival to the next

_FIELDS = ("protection", "trigger_price", "display_quantity", "expiry_ns")


class Moments(NamedTuple):
    """The phases in which some orders arrive. Arrays of shape (orders,)."""

    collects: NDArray[np.bool_]  #: orders are collected
    opens: NDArray[np.bool_]  #: the opening auction is still to come


class VenueTerms:
    """The terms of one run of a flow, drawn from a seed. They do not change what else the flow draws."""

    def __init__(self, flow: MarketFlow, seed: int) -> None:
        self.flow = flow
        self.rng = np.random.default_rng([seed, 1])
        near = max(1 - flow.far - flow.outliers - flow.taking - flow.sweeps, 1e-9)
        self.stops, self.icebergs = flow.stops / near, flow.icebergs / near

    def give(self, orders: Commands, kind: Ints, mid: Ints, moments: Moments | None) -> Commands:
        """Change the terms of some orders. Returns the extensions of those that have one, in their order.

        ``moments``: None for a flow without days.
        """
        more = np.zeros(orders.size, ORDER_EXTENSION)
        chance = self.rng.random(orders.size)
        near = kind == NEAR
        stops = np.flatnonzero(near & (chance < self.stops))
        icebergs = np.flatnonzero(near & (chance >= self.stops) & (chance < self.stops + self.icebergs))
        self._make_stops(orders, more, stops, mid)
        self._make_icebergs(orders, more, icebergs)
        if moments is not None:
            self._make_daily(orders, more, kind, moments)
        extended = np.flatnonzero(np.any([more[name] != 0 for name in _FIELDS], axis=0))
        orders["instructions"][extended] |= np.uint8(Instruction.EXTENDED)
        found = more[extended]
        found["type"] = CommandType.ORDER_EXTENSION
        found["length"] = ORDER_LENGTH
        found["timestamp"] = orders["timestamp"][extended]
        return found.view(COMMAND)

    def _make_stops(self, orders: Commands, more: Commands, which: Ints, mid: Ints) -> None:
        """Orders that wait as far beyond the mid as they would have rested before it."""
        buys = orders["side"][which] == Side.BID
        trigger = 2 * mid[which] - orders["price"][which]
        points = 1 + self.flow.slack
        limited = self.rng.random(which.size) < WITH_LIMIT
        protected = ~limited & (self.rng.random(which.size) < PROTECTED)
        more["trigger_price"][which] = trigger
        more["protection"][which] = np.where(protected, points, 0)
        orders["order_type"][which] = np.where(limited, OrderType.STOP_LIMIT, OrderType.STOP)
        orders["price"][which] = np.where(limited, trigger + np.where(buys, points, -points), 0)

    def _make_icebergs(self, orders: Commands, more: Commands, which: Ints) -> None:
        """Larger orders that display what they would have had."""
        shown = orders["quantity"][which]
        more["display_quantity"][which] = shown
        orders["quantity"][which] = shown * self.rng.integers(*SLICES, which.size, np.uint64, endpoint=True)

    def _make_daily(self, orders: Commands, more: Commands, kind: Ints, moments: Moments) -> None:
        """Times in force, and what orders do while they are collected."""
        tif = orders["time_in_force"]
        chance = self.rng.random(orders.size)
        rests = tif == TimeInForce.GTC
        tif[rests & (chance < FOR_DAY)] = TimeInForce.DAY
        until = np.flatnonzero(rests & (chance >= 1 - UNTIL))
        mean = UNTIL_LIFETIMES * self.flow.lifetime * GAP_NS
        tif[until] = TimeInForce.GTD
        lifetimes = (mean * self.rng.exponential(1.0, until.size)).astype(np.uint64)
        more["expiry_ns"][until] = orders["timestamp"][until] + np.uint64(1) + lifetimes
        takes = np.flatnonzero(moments.collects & ((kind == TAKER) | (kind == SWEEP)))
        chance = np.where(kind[takes] == SWEEP, 0.0, self.rng.random(takes.size))  # without a limit: market orders
        which = [chance < MARKETS, chance < MARKETS + TO_LIMITS]
        orders["order_type"][takes] = np.select(which, [OrderType.MARKET, OrderType.MARKET_TO_LIMIT], OrderType.LIMIT)
        orders["price"][takes[which[1]]] = 0
        tif[takes] = np.where(which[0], TimeInForce.GFA, TimeInForce.DAY)
        more["expiry_ns"][takes] = 0
        plain = (orders["order_type"] == OrderType.LIMIT) & (more["display_quantity"] == 0)
        plain &= (tif == TimeInForce.DAY) | (tif == TimeInForce.GTC)
        chance = self.rng.random(orders.size)
        orders["instructions"][plain & moments.opens & (chance < AT_OPEN)] = Instruction.AT_THE_OPEN
        orders["instructions"][plain & ~moments.collects & (chance < AT_CLOSE)] = Instruction.AT_THE_CLOSE


def with_extensions(commands: Commands, extensions: Commands) -> Commands:
    """Commands in which each extended order is followed by its extension. Both are in the order of the orders."""
    extended = is_extended(commands)
    behind = np.flatnonzero(extended) + 1
    return np.insert(commands.view(WHOLE), behind, extensions.view(WHOLE)).view(COMMAND)


def is_extended(commands: Commands) -> NDArray[np.bool_]:
    """Which commands are orders that an extension follows."""
    found: NDArray[np.bool_] = (commands["type"] == CommandType.NEW_ORDER) & (
        commands["instructions"] & Instruction.EXTENDED != 0
    )
    return found


def make_plain(order: Commands) -> None:
    """Turn an extended order, an array of shape (1,), into one without an extension."""
    kinds: Iterable[tuple[int, int]] = ((OrderType.STOP, OrderType.MARKET), (OrderType.STOP_LIMIT, OrderType.LIMIT))
    for before, after in kinds:
        if order["order_type"][0] == before:
            order["order_type"], order["time_in_force"] = after, TimeInForce.IOC
    if order["time_in_force"][0] == TimeInForce.GTD:
        order["time_in_force"] = TimeInForce.GTC
    order["instructions"] = 0
