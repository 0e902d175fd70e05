"""Random commands of every kind for a book with the rules of a venue."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from pricetime.auctions import AUCTION_RULES
from pricetime.profiles import Breach, StopEntry, StopTrigger, Venue
from pricetime.types import (
    COMMAND,
    GTC_AND_GTD,
    ORDER_EXTENSION,
    CommandType,
    Instruction,
    OrderType,
    Phase,
    PriceKind,
    ReplacePolicy,
    SelfTrade,
    TimeInForce,
)

Commands = np.ndarray[Any, Any]

LIMIT, MARKET, MTL, STOP, STOP_LIMIT = OrderType
GTC, DAY, GTD, IOC, FOK, GFA = TimeInForce
CALLS = [Phase.PRE_OPEN, Phase.OPENING_AUCTION, Phase.VOLATILITY_AUCTION, Phase.CLOSING_AUCTION]


def random_settings(rng: random.Random) -> dict[str, Any]:
    """Settings of a book; about half of them as most venues have them."""
    venue = Venue(
        stop_trigger=rng.choice([StopTrigger.LAST_TRADE, StopTrigger.LAST_TRADE, StopTrigger.BEST_QUOTE]),
        stop_at_entry=rng.choice(list(StopEntry)),
        iceberg_ratio=rng.choice([0, 1000, 3]),
        iceberg_keeps_place=rng.random() < 0.7,
        minimum_display=rng.choice([0, 0, 2]),
        auction=rng.choice(list(AUCTION_RULES)),
        reference_price=rng.choice([None, 100, 103]),
        static_range=rng.choice([0, 0, 6]),
        dynamic_range=rng.choice([0, 0, 3]),
        on_breach=rng.choice(list(Breach)),
        replace_total=rng.random() < 0.2,
        all_or_none=rng.random() < 0.3,
    )
    band: dict[str, int] = rng.choice([{}, {"low_price": 92, "high_price": 110}])
    return {
        "venue": venue,
        "self_trade": rng.choice(list(SelfTrade)),
        "replace_policy": rng.choice(list(ReplacePolicy)),
        "level_capacity": rng.choice([None, None, 6]),
        "capacity": rng.choice([None, 12]),
        "owner_limit": 5,
        "refresh_limit": rng.choice([None, None, 6]),
        **band,
    }


def command(kind: int, **fields: int) -> Commands:
    made = np.zeros(1, COMMAND)
    made["type"] = kind
    for name, value in fields.items():
        made[name] = np.array(value).astype(COMMAND[name])
    return made


def extension(**fields: int) -> Commands:
    made = np.zeros(1, ORDER_EXTENSION)
    made["type"] = CommandType.ORDER_EXTENSION
    for name, value in fields.items():
        made[name] = value
    return made.view(COMMAND)


class Flow:
    """Draws commands; the clock goes on by one with each."""

    def __init__(self, rng: random.Random, *, all_or_none: bool) -> None:
        self.rng, self.now, self.ids = rng, 0, 0
        self.all_or_none = all_or_none

    def next(self, known: list[int]) -> Commands:
        """One command, with its extension. ``known``: ids of orders that may be changed."""
        rng = self.rng
        self.now += 1
        kind = rng.random()
        if kind < 0.62 or not known:
            return self._order()
        if kind < 0.86:
            return self._change(rng.choice(known))
        if kind < 0.91:
            return command(CommandType.SET_PHASE, flags=rng.choice([0, 0, *CALLS, *CALLS, Phase.HALTED, 2]))
        if kind < 0.95:
            return command(CommandType.UNCROSS, flags=rng.choice([0, 0, 0, 0, 2, 3, Phase.HALTED]))
        if kind < 0.96:
            return command(CommandType.INDICATE)
        if kind < 0.98:
            return command(CommandType.EXPIRE, quantity=self.now, tag=rng.choice([0, 1, 2]))
        if kind < 0.99:
            return command(
                CommandType.MASS_CANCEL,
                owner=rng.choice([1, 2, 3]),
                side=rng.choice([0, 1, 2]),
                quantity=GTC_AND_GTD if self.now % 3 == 0 else 0,
            )
        return command(
            CommandType.SET_PRICE, flags=rng.choice([PriceKind.REFERENCE, PriceKind.LAST]), price=self._price()
        )

    def _price(self) -> int:
        return self.rng.randint(94, 108)

    def _order(self) -> Commands:
        rng = self.rng
        self.ids += 1
        order_type = rng.choice([LIMIT] * 6 + [MARKET, MTL, STOP, STOP_LIMIT, STOP_LIMIT])
        time = rng.choice([GTC] * 5 + [DAY, GTD, IOC, FOK, GFA])
        quantity = rng.randint(1, 12)
        instructions = rng.choice([0] * 9 + [1, 2, 4, 4])
        if self.all_or_none and rng.random() < 0.15:
            instructions = Instruction.ALL_OR_NONE
        more: dict[str, int] = {}
        if order_type in (STOP, STOP_LIMIT) and rng.random() < 0.97:
            more["trigger_price"] = self._price()
        if order_type in (LIMIT, STOP_LIMIT) and rng.random() < 0.35:
            more["display_quantity"] = rng.randint(1, 4)
        if time is GTD:
            more["expiry_ns"] = self.now + rng.randint(0, 40)
        if rng.random() < 0.06:
            more["minimum_quantity"] = rng.randint(1, 8)
        if order_type in (MARKET, STOP) and rng.random() < 0.5:
            more["protection"] = rng.randint(1, 5)
        order = command(
            CommandType.NEW_ORDER, order_id=self.ids, side=rng.choice([1, 2]), price=self._price(), quantity=quantity,
            owner=rng.choice([0, 1, 1, 2, 3]), order_type=order_type, time_in_force=time, timestamp=self.now,
            instructions=instructions | (Instruction.EXTENDED if more else 0),
        )  # fmt: skip
        return np.concatenate([order, extension(**more)]) if more else order

    def _change(self, order_id: int) -> Commands:
        rng = self.rng
        kind = rng.choice([CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER, *[CommandType.REPLACE_ORDER] * 3])
        fields = {"order_id": order_id, "quantity": rng.randint(1, 12), "price": self._price(), "timestamp": self.now}
        if kind is CommandType.REPLACE_ORDER and rng.random() < 0.3:
            self.ids += 1
            return command(CommandType.REPLACE_ORDER_AS, **fields, owner=self.ids)
        if kind is CommandType.REPLACE_ORDER and rng.random() < 0.4:
            names = {"trigger_price": self._price(), "display_quantity": rng.randint(1, 4), "protection": 2}
            more = {name: value for name, value in names.items() if rng.random() < 0.5}
            return np.concatenate([command(kind, **fields, instructions=Instruction.EXTENDED), extension(**more)])
        return command(kind, **fields)
