"""Where an open order stands in its book, and why it does not trade now, from the records of the books."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, IntEnum, auto
from typing import NamedTuple

import numpy as np

from .phases import PHASES
from .profiles import StopTrigger
from .types import (
    STOPS,
    UNPRICED,
    BookRecords,
    Instruction,
    OrderType,
    Phase,
    RestingOrderArray,
    Side,
    TimeInForce,
)

#: A price in ticks as text.
PriceText = Callable[[int], str]


class Spot(IntEnum):
    """The queue that an open order is in: ``place`` of its record."""

    LEVEL = 0  #: at its price
    CALL = 1  #: among the market orders of a call phase
    TRIGGER = 2  #: it waits for its trigger price
    OPEN = 3  #: it waits for the opening auction
    CLOSE = 4  #: it waits for the closing auction
    WHOLE = 5  #: it waits until all of it can trade at once


class OrderState(Enum):
    """State of an order."""

    RESTING = auto()  #: the market sees it
    WAITING = auto()  #: it waits for its trigger price, its auction, or to trade whole
    FILLED = auto()  #: its last lot traded
    CANCELLED = auto()  #: its last lot was cancelled
    EXPIRED = auto()
    REJECTED = auto()  #: it was never accepted


#: Bits of ``has`` in the record of an instrument.
HAS_REFERENCE, HAS_LAST = 2, 4


class Terms(NamedTuple):
    """What an order asks for. Prices in ticks, quantities in lots; 0 in fields that it does not use."""

    side: Side
    order_type: OrderType | None  #: None: unknown
    time_in_force: TimeInForce | None  #: None: unknown
    instructions: Instruction
    price: int | None  #: None: it names no price
    quantity: int  #: lots: open ones, or those that it was entered with
    trigger_price: int | None = None
    display_quantity: int = 0
    minimum_quantity: int = 0
    expiry_ns: int = 0
    protection: int = 0

    def text(self, price_text: PriceText = str) -> str:
        """The terms in one line: ``bid 5 at 100, stop limit, DAY, trigger price 102``."""
        price = "" if self.price is None else f" at {price_text(self.price)}"
        parts = [f"{words(self.side)} {self.quantity:,}{price}"]
        if self.order_type is not None:
            parts.append(words(self.order_type))
        if self.time_in_force is not None:
            parts.append(str(getattr(self.time_in_force, "name", self.time_in_force)))
        parts += [words(bit) for bit in Instruction if bit is not Instruction.EXTENDED and self.instructions & bit]
        if self.trigger_price is not None:
            parts.append(f"trigger price {price_text(self.trigger_price)}")
        names = ("display_quantity", "minimum_quantity", "expiry_ns", "protection")
        units = ("", "", " ns", " ticks")
        for name, unit in zip(names, units, strict=True):
            if getattr(self, name):
                parts.append(f"{name.removesuffix('_ns').replace('_', ' ')} {getattr(self, name)}{unit}")
        return ", ".join(parts)


class Place(NamedTuple):
    """What is ahead of an order."""

    orders: int  #: ahead of it in its queue: at its price, at its trigger price, or for its auction
    quantity: int  #: lots of these that the market sees; of waiting orders all lots
    better: int  #: displayed lots of its side at better prices, or without a price; 0 for waiting orders

    def text(self) -> str:
        """The place in one line: ``2 orders with 15 lots ahead of it, and 30 lots at better prices``."""
        if not self.orders:
            ahead = "it is the first in its queue"
        else:
            ahead = f"{counted(self.orders, 'order')} with {counted(self.quantity, 'lot')} ahead of it"
        return f"{ahead}, and {counted(self.better, 'lot')} at better prices" if self.better else ahead


class Standing(NamedTuple):
    """An open order among the others of its book."""

    order_id: int
    instrument: int
    owner: int
    reference: int  #: its public number
    timestamp: int  #: ns, of its command
    terms: Terms  #: as they are now; the quantity is the open one
    hidden: int  #: lots of these that the market does not see
    filled: int  #: lots that have traded; 0 of an order that keeps no count
    spot: Spot
    place: Place
    phase: Phase
    opposite: int | None  #: the best price of the other side
    last: int | None  #: price of the last trade, as far as the book keeps it
    trigger: StopTrigger  #: what triggers stop orders here

    @property
    def state(self) -> OrderState:
        """RESTING or WAITING."""
        return OrderState.RESTING if self.spot in (Spot.LEVEL, Spot.CALL) else OrderState.WAITING

    @property
    def distance(self) -> int | None:
        """Ticks that the market must move until the order trades or is triggered. None if that is unknown."""
        if self.spot is Spot.TRIGGER:
            price = self.opposite if self.trigger is StopTrigger.BEST_QUOTE else self.last
            aim = self.terms.trigger_price
        else:
            price, aim = self.opposite, self.terms.price
        if price is None or aim is None:
            return None
        buys = self.terms.side is Side.BID
        away = price - aim if buys is (self.spot is not Spot.TRIGGER) else aim - price
        return max(0, away)

    def why(self, price_text: PriceText = str) -> str:
        """Why the order does not trade now, as one sentence without a full stop."""
        if self.spot in (Spot.OPEN, Spot.CLOSE):
            auction = "opening" if self.spot is Spot.OPEN else "closing"
            return f"it waits for the {auction} auction; the instrument is in {words(self.phase)}"
        rule = PHASES[self.phase]
        if not rule.matches and not rule.collects:
            return f"the instrument is {words(self.phase)}: no order matches"
        if rule.collects:
            return f"orders are collected in {words(self.phase)}: they trade in its auction, not before"
        if self.spot is Spot.TRIGGER:
            return self._why_not_triggered(price_text)
        if self.spot is Spot.WHOLE:
            return f"all of its {counted(self.terms.quantity, 'lot')} must trade at once, and they cannot yet"
        return self._why_at_level(price_text)

    def _why_not_triggered(self, price_text: PriceText) -> str:
        what, price = ("best quote", self.opposite) if self.trigger is StopTrigger.BEST_QUOTE else ("trade", self.last)
        assert self.terms.trigger_price is not None
        trigger = price_text(self.terms.trigger_price)
        if price is None or self.distance is None:
            return f"no {what} has reached its trigger price {trigger} yet"
        where = f"the last trade was at {price_text(price)}" if what == "trade" else f"it is {price_text(price)}"
        return f"no {what} has reached its trigger price {trigger}: {where}, {counted(self.distance, 'tick')} away"

    def _why_at_level(self, price_text: PriceText) -> str:
        return why_apart(self.terms.side, self.opposite, self.distance, price_text)


def why_apart(side: Side, opposite: int | None, distance: int | None, price_text: PriceText = str) -> str:
    """Why an order meets no order of the other side, whose best price is ``opposite``."""
    other = words(Side(3 - side))
    if opposite is None:
        return f"no {other} rests that it could trade with"
    if not distance:
        return f"the best {other} is {price_text(opposite)}: it trades when the next order meets it"
    return f"the best {other} is {price_text(opposite)}, {counted(distance, 'tick')} away from its price"


def standing_of(records: BookRecords, order_id: int, instrument: int, trigger: StopTrigger) -> Standing | None:
    """The standing of an order in books with these records; None if it is not open. O(orders).

    ``trigger``: what triggers stop orders of this instrument.
    """
    orders = records.resting[records.resting["instrument"] == instrument]
    found = np.flatnonzero(orders["order_id"] == order_id)
    if not found.size:
        return None
    at = int(found[0])
    row = orders[at]
    (state,) = records.instruments[records.instruments["instrument"] == instrument]
    terms = _terms(row)
    return Standing(
        order_id, instrument, int(row["owner"]), int(row["reference"]), int(row["timestamp"]), terms,
        int(row["hidden_quantity"]), int(row["filled"]), Spot(int(row["place"])), _place(orders, at),
        Phase(int(state["phase"])), best_price(orders, Side(3 - terms.side)),
        int(state["last_price"]) if int(state["has"]) & HAS_LAST else None, trigger,
    )  # fmt: skip


def best_price(orders: RestingOrderArray, side: Side) -> int | None:
    """The best price at which orders of a side rest. O(orders)."""
    prices = orders["price"][(orders["side"] == side) & (orders["place"] == Spot.LEVEL)]
    if not prices.size:
        return None
    return int(prices.max() if side is Side.BID else prices.min())


def _terms(row: np.void) -> Terms:
    order_type = OrderType(int(row["order_type"]))
    unpriced = order_type in UNPRICED
    return Terms(
        Side(int(row["side"])), order_type, TimeInForce(int(row["time_in_force"])),
        Instruction(int(row["instructions"]) & ~Instruction.EXTENDED), None if unpriced else int(row["price"]),
        int(row["remaining"]), int(row["trigger_price"]) if order_type in STOPS else None,
        int(row["display_quantity"]), 0, int(row["expiry_ns"]), int(row["protection"]),
    )  # fmt: skip


def _place(orders: RestingOrderArray, at: int) -> Place:
    """What is ahead of the order with this index."""
    row = orders[at]
    spot = Spot(int(row["place"]))
    same = orders["place"] == spot
    if spot not in (Spot.OPEN, Spot.CLOSE):
        same &= orders["side"] == row["side"]
    if spot in (Spot.LEVEL, Spot.WHOLE):
        same &= orders["price"] == row["price"]
    elif spot is Spot.TRIGGER:
        same &= orders["trigger_price"] == row["trigger_price"]
    waits = spot not in (Spot.LEVEL, Spot.CALL)
    # records stand in the order of their level; what waits has entry numbers
    same &= orders["entered"] < row["entered"] if waits else np.arange(len(orders)) < at
    ahead = orders[same]
    lots = ahead["remaining"] if waits else ahead["remaining"] - ahead["hidden_quantity"]
    return Place(len(ahead), lots_of(lots), 0 if waits else _better(orders, row))


def _better(orders: RestingOrderArray, row: np.void) -> int:
    """The displayed lots that trade before a level: market orders, then better prices."""
    if row["place"] != Spot.LEVEL:
        return 0
    above = orders["price"] > row["price"] if row["side"] == Side.BID else orders["price"] < row["price"]
    before = (orders["place"] == Spot.CALL) | ((orders["place"] == Spot.LEVEL) & above)
    before &= orders["side"] == row["side"]
    return lots_of(orders["remaining"][before] - orders["hidden_quantity"][before])


def lots_of(lots: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> int:
    """The sum of lots, which may need more than 64 bits."""
    return sum(lots.tolist())


def words(member: IntEnum | Enum | Instruction) -> str:
    """The name of an enumeration member as words; of an unknown one the number."""
    return str(getattr(member, "name", member)).lower().replace("_", " ")


def counted(count: int, noun: str) -> str:
    """A count with its noun: ``1 lot``, ``2 lots``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
