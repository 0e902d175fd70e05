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
}


def joined(parts: Iterable[Commands]) -> Commands:
    return np.concatenate(list(parts))
