"""The presets as the tests use them."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from pricetime.tape.flow import PRESETS, Flow, MarketFlow
from pricetime.tape.flow.base import Commands


def market(name: str) -> MarketFlow:
    """A preset that is a market, with all its settings."""
    flow = PRESETS[name]
    assert isinstance(flow, MarketFlow)
    return flow


#: All of them, the two large ones made smaller so that the tests stay quick.
SMALL: dict[str, Flow] = PRESETS | {
    "deep": replace(market("deep"), resting=50_000, reach=2_500, far_lifetime=100_000),
    "one-maker-per-taker": replace(PRESETS["one-maker-per-taker"], resting=60_000),
    "auction-day": replace(market("auction-day"), day=5_000),
}

#: Those with orders of venues, small enough for the reference book.
OF_VENUES: dict[str, MarketFlow] = {
    "stops-and-icebergs": replace(market("stops-and-icebergs"), resting=300, lifetime=30),
    "auction-day": replace(
        market("auction-day"), resting=300, lifetime=30, day=1_500, sweeps=0.002, sweep_size=(10, 40)
    ),
}


def joined(parts: Iterable[Commands]) -> Commands:
    return np.concatenate(list(parts))
