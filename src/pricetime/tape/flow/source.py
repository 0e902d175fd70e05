"""One run of a market flow.

Orders arrive at random times. For an order that may rest, the generator schedules its cancel and perhaps a change. A
block covers a span of time: the orders that arrive in it and the commands that are due. The generator does not match,
so a cancel may be late.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...types import CommandType, TimeInForce
from .base import Commands, Ints, join, new_orders
from .day import Days
from .ids import Ids
from .market import MarketFlow
from .mid import START, Mid
from .pending import NOWHERE, Pending, Plan, cancels_of, merge, pull
from .placement import NEAR, SWEEP, TAKER, Placement, beside
from .terms import GAP_NS, VenueTerms, with_extensions

RESEND_NS = 10 * GAP_NS  #: mean time from a cancel to its duplicate
LONGEST_NS = 2**60  #: 36 years: the longest lifetime of an order
MIN_BLOCK = 16_384  #: arrivals of a block; more if many commands are pending, because each block reads all of them

#: Quantities are lognormal; one in four is rounded up to tens.
MEDIAN_LOTS, SPREAD_LOTS, ROUNDED = 5.0, 0.8, 0.25
MEAN_LOTS = 8.7

#: Shares of the changes: a new price and quantity; a new quantity only. The others are reduces by half.
REPRICED, RESIZED = 0.7, 0.15


class MarketSource:
    """One run of a ``MarketFlow``."""

    def __init__(self, flow: MarketFlow, seed: int) -> None:
        self.flow = flow
        self.rng = np.random.default_rng(seed)
        self.ids = Ids(flow.ids, flow.owners, int(self.rng.integers(2**64, dtype=np.uint64)))
        self.placement = Placement(flow)
        self.mid = Mid(flow)
        self.pending = Pending()
        self.terms = VenueTerms(flow, seed)
        self.days = Days(flow.day) if flow.day else None
        self.arrivals = max(MIN_BLOCK, flow.resting // 8)
        self.now = 0  # ns

    def prelude(self) -> Commands:
        """The resting orders of a market that has run for a long time."""
        count = self.flow.resting
        orders = new_orders(count)
        orders["timestamp"] = GAP_NS * np.arange(1, count + 1)
        self.now = GAP_NS * count
        kind = self.placement.kinds_resting(self.rng, count)
        orders["side"], away = self.placement.resting(self.rng, kind)
        self._complete(orders, kind, away, np.full(count, START))
        plan = self._plan(orders, kind, away, np.full(count, self.now), np.full(count, -1))
        self.pending.put(plan.commands, plan.due, plan.price)
        return orders

    def blocks(self) -> Iterator[Commands]:
        rng, count = self.rng, self.arrivals
        while True:
            times = self.now + np.cumsum(exponential(rng, np.full(count, GAP_NS)))
            self.now = int(times[-1])
            path = self.mid.walk(rng, count)
            orders, plan, kind = self._arrive(times, path.mid)
            pull(rng, self.flow.pulled, path, times, self.pending.plan)
            pull(rng, self.flow.pulled, path, times, plan)
            due = self.pending.exchange(plan, self.now)
            self._reprice(due, times, path.mid)
            yield self._with_terms(due, orders, kind, path.mid) if self.flow.has_venue_orders else merge(due, orders)

    def _with_terms(self, due: Commands, orders: Commands, kind: Ints, mid: Ints) -> Commands:
        """Give orders the terms of venues; add their extensions, and the commands of the exchange itself."""
        times = orders["timestamp"].astype(np.int64)
        own, moments = self.days.next(times) if self.days is not None else (None, None)
        extensions = self.terms.give(orders, kind, mid, moments)
        commands = with_extensions(merge(due, orders), extensions)
        return commands if own is None else merge(own, commands)

    def _arrive(self, times: Ints, mid: Ints) -> tuple[Commands, Plan, Ints]:
        """The orders that arrive at these times, the commands that follow them, and the kinds of the orders."""
        orders = new_orders(times.size)
        orders["timestamp"] = times
        kind = self.placement.kinds_new(self.rng, times.size)
        orders["side"], away = self.placement.new(self.rng, kind)
        immediate = (kind == SWEEP) | ((kind == TAKER) & (self.rng.random(times.size) < self.flow.ioc))
        orders["time_in_force"] = np.where(immediate, TimeInForce.IOC, TimeInForce.GTC)
        self._complete(orders, kind, away, mid)
        return orders, self._plan(orders, kind, away, times, np.arange(times.size)), kind

    def _complete(self, orders: Commands, kind: Ints, away: Ints, mid: Ints) -> None:
        """Set owner, id, price and quantity."""
        flow, rng = self.flow, self.rng
        if flow.owners:
            orders["owner"] = rng.integers(1, flow.owners, orders.size, np.uint32, endpoint=True)
        orders["order_id"] = self.ids.take(orders["owner"])
        orders["price"] = self.placement.prices(rng, kind, orders["side"], away, mid)
        orders["quantity"] = lots(rng, orders.size)
        for which, (low, high) in ((TAKER, flow.size), (SWEEP, flow.sweep_size)):
            found = np.flatnonzero(kind == which)
            orders["quantity"][found] = np.ceil(MEAN_LOTS * rng.uniform(low, high, found.size))

    def _plan(self, orders: Commands, kind: Ints, away: Ints, start: Ints, since: Ints) -> Plan:
        """The commands that follow these orders. ``since``: -1 for orders that rest already at ``start``."""
        flow, rng = self.flow, self.rng
        mean = GAP_NS * self.placement.lifetime(kind, away)
        end = start + exponential(rng, mean)
        begin = np.where(since < 0, start - exponential(rng, mean), start)
        rests = orders["time_in_force"] == TimeInForce.GTC
        chance = rng.random(orders.size)
        committed = (kind == NEAR) & (away <= flow.slack) & (chance < flow.committed)
        ends = np.flatnonzero(np.where(rests, ~committed, chance < flow.stale))
        again = ends[rng.random(ends.size) < flow.duplicates]
        resent = end[again] + exponential(rng, np.full(again.size, RESEND_NS))
        during = begin + ((end - begin) * rng.random(orders.size)).astype(np.int64)
        changed = np.flatnonzero(rests & (rng.random(orders.size) < flow.modified) & (during > start))
        cancelled = np.concatenate([ends, again])
        cancels = cancels_of(orders.take(cancelled))
        return Plan(
            join(cancels, self._changes(orders.take(changed))),
            np.concatenate([end[ends], resent, during[changed]]),
            since[np.concatenate([cancelled, changed])],
            np.concatenate([cancels["price"], np.full(changed.size, NOWHERE)]),
        )

    def _changes(self, changes: Commands) -> Commands:
        """Turn orders into changes of themselves. A new price is drawn when the change is due."""
        chance = self.rng.random(changes.size)
        reduces = chance >= REPRICED + RESIZED
        changes["type"] = np.where(reduces, CommandType.REDUCE_ORDER, CommandType.REPLACE_ORDER)
        changes["quantity"] = np.where(reduces, (changes["quantity"] + 1) // 2, lots(self.rng, changes.size))
        changes["price"][reduces] = 0
        return changes

    def _reprice(self, due: Commands, times: Ints, mid: Ints) -> None:
        """Give most of the due replaces a new price beside the mid at their time."""
        replaces = np.flatnonzero(due["type"] == CommandType.REPLACE_ORDER)
        moved = replaces[self.rng.random(replaces.size) < REPRICED / (REPRICED + RESIZED)]
        then = np.searchsorted(times, due["timestamp"][moved].astype(np.int64), side="right") - 1
        due["price"][moved] = beside(
            mid[np.maximum(then, 0)], due["side"][moved], self.placement.near(self.rng, moved.size)
        )


def exponential(rng: np.random.Generator, mean: NDArray[Any]) -> Ints:
    """Exponential times in ns with these means, at least 1."""
    return 1 + np.minimum(mean * rng.exponential(1.0, mean.size), LONGEST_NS).astype(np.int64)


def lots(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Quantities of orders that may rest."""
    drawn = np.ceil(rng.lognormal(np.log(MEDIAN_LOTS), SPREAD_LOTS, count))
    return np.where(rng.random(count) < ROUNDED, np.ceil(drawn / 10) * 10, drawn).astype(np.int64)
