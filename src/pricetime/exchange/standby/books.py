"""The books alone: what a follower runs if nothing needs the streams of owners and the feed's reports."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...core.engine import Engine
from ...core.instrument import Instrument
from ...core.snapshot import IndicativePrice
from ...log.batch import Commands
from ...log.configuration import Configuration
from ...log.replayer import Books
from ...types import SNAPSHOT_ORDER, RestingOrderArray, Side, SnapshotOrderArray
from ...wire.types import MessageType
from ..state.router import count_public

#: ``RestingOrder.place`` of a market order of a call phase, and ``SnapshotOrder.taking`` of it: see ``layout.pxd``.
IN_CALL, UNPRICED = 1, 3

#: Bits of ``INSTRUMENT_STATE.has``: see ``layout.pxd``.
HAS_AUCTION, AUCTION_PRICED, AUCTION_FINAL = 32, 64, 128


class FeedBooks(Books):
    """Books that know the number of the next report of the feed, for a log without checkpoints.

    It takes a third of the time of a ``Machine``, which it replaces in a ``Replayer``.
    """

    def __init__(self, configuration: Configuration, engine: Engine, epoch: int, next_sequence: int) -> None:
        super().__init__(configuration, engine, epoch=epoch)
        self.next_sequence = next_sequence  #: of the feed

    def _execute(self, commands: Commands) -> None:
        self.next_sequence += count_public(self.engine.apply(commands))


def instruments_of(engine: Engine) -> tuple[Instrument, ...]:
    """Return the instruments in the phases that they are in now."""
    return tuple(replace(known, phase=engine.phase(number)) for number, known in engine.instruments.items())


def auctions_of(engine: Engine) -> tuple[IndicativePrice | None, ...]:
    """Return the last report about an auction of each instrument, in their order; None of one that had none."""
    told = {int(state["instrument"]): _auction(state) for state in engine.states() if state["has"] & HAS_AUCTION}
    return tuple(told.get(number) for number in engine.instruments) if told else ()


def _auction(state: np.void) -> IndicativePrice:
    side, has = int(state["surplus_side"]), int(state["has"])
    return IndicativePrice(
        int(state["auction_price"]) if has & AUCTION_PRICED else None,
        int(state["auction_quantity"]),
        int(state["surplus"]),
        Side(side) if side else None,
        bool(has & AUCTION_FINAL),
    )


def public_orders(resting: RestingOrderArray) -> SnapshotOrderArray:
    """Return resting orders as subscribers have them: an array of ``SNAPSHOT_ORDER``. O(orders).

    Orders that wait are not among them, and icebergs have only the lots that they display.
    """
    resting = resting[resting["place"] <= IN_CALL]
    orders = np.zeros(len(resting), SNAPSHOT_ORDER)
    orders["type"] = MessageType.SNAPSHOT_ORDER
    for name in ("side", "instrument", "price"):
        orders[name] = resting[name]
    orders["quantity"] = resting["remaining"] - resting["hidden_quantity"]
    orders["order_id"] = resting["reference"]
    orders["taking"] = np.where(resting["place"] == IN_CALL, UNPRICED, 0)
    return orders
