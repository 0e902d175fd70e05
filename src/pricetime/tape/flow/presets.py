"""The presets by name. docs/concepts/flow.md has statistics of each."""

from __future__ import annotations

from ...profiles import Venue
from .base import Flow
from .market import MarketFlow
from .paired import PairedFlow

PRESETS: dict[str, Flow] = {
    "balanced": MarketFlow(
        description="a liquid instrument: adds, cancels, changes and trades around a mid price that moves slowly",
        resting=20_000, lifetime=1_950, scale=30, tail=1.0, reach=400, hump=5,
        moves=0.001, taking=0.12, modified=0.25,
    ),
    "cancel-heavy": MarketFlow(
        description="quotes near the best prices that are soon cancelled: 95 of 100 orders never trade",
        resting=2_000, lifetime=1_650, scale=8, tail=2.0, reach=60, hump=20,
        moves=0.0005, taking=0.02,
    ),
    "deep": MarketFlow(
        description="1,000,000 orders over 100,000 levels, all of them changing",
        resting=1_000_000, lifetime=1_000, scale=10, tail=1.5, reach=50_000, hump=10,
        far=0.5, far_lifetime=2_050_000, moves=0.0005, span=100, taking=0.1, modified=0.1,
    ),
    "sweep": MarketFlow(
        description="orders that take 10 to 50 makers across several levels",
        resting=10_000, lifetime=300, scale=8, tail=2.0, reach=400, hump=50, far=0.275, far_lifetime=35_000,
        moves=0.001, span=20, committed=1.0, taking=0.025, slack=60, size=(10, 50), ioc=1.0,
    ),
    "wide": MarketFlow(
        description="a mid price that moves over tens of thousands of ticks; levels appear and disappear",
        resting=8_000, lifetime=380, scale=2_000, tail=1.0, reach=10_000, hump=100,
        moves=0.05, jump=4, upward=0.75, span=20_000, taking=0.08, slack=100, modified=0.1,
    ),
    "outliers": MarketFlow(
        description="prices anywhere in i64, and now and then an order that takes hundreds of makers",
        resting=20_000, lifetime=1_800, scale=30, tail=1.0, reach=400, hump=5, far_lifetime=100_000,
        moves=0.001, taking=0.12, modified=0.2, outliers=0.02, sweeps=0.00005, sweep_size=(100, 500),
    ),
    "stops-and-icebergs": MarketFlow(
        description="a liquid instrument in which 5 % of the orders are stop orders and 5 % icebergs",
        resting=10_000, lifetime=1_000, scale=30, tail=1.0, reach=400, hump=5,
        moves=0.002, taking=0.12, modified=0.25, stops=0.05, icebergs=0.05,
    ),
    "auction-day": MarketFlow(
        description="days of 50,000 orders: opening auction, trading with interruptions, closing auction, expiry",
        resting=5_000, lifetime=500, scale=30, tail=1.0, reach=400, hump=5,
        moves=0.002, taking=0.12, modified=0.2, sweeps=0.0002, sweep_size=(100, 400), stops=0.03, icebergs=0.03,
        day=50_000, venue=Venue(dynamic_range=20),
    ),
    "one-maker-per-taker": PairedFlow(
        description="1,000,000 asks of 10 lots at 50 prices, then 1,000,000 bids that take exactly one each",
        resting=1_000_000, levels=50, quantity=10,
    ),
}  # fmt: skip
