"""Sequences of up to 4 commands out of the orders of venues at 2 prices and 2 quantities, held against the reference.

``make test`` plays samples, ``make test-slow`` larger ones, and 25,000 sequences of 4 commands for each venue.
"""

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest

from pricetime import COMPILED, CommandType, Instruction, OrderBook, OrderType, SelfTrade, Side, TimeInForce
from pricetime.profiles import Breach, StopTrigger, Venue
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from tests.counts import count
from tests.reference.venue_flow import command, extension

Commands = np.ndarray[Any, Any]
PRICES = (100, 101)

VENUES = {
    "default": Venue(),
    "best quote": Venue(stop_trigger=StopTrigger.BEST_QUOTE),
    "all or none": Venue(all_or_none=True),
    "ranges": Venue(reference_price=100, static_range=1, dynamic_range=1, on_breach=Breach.REJECT_REST),
    "minimum display": Venue(minimum_display=2, replace_total=True),
}


def orders(place: int, *, whole: bool) -> Iterator[Commands]:
    """Orders of each kind; the one entered at place i has id i + 1."""
    for side, price in product(Side, PRICES):
        fields = {"order_id": place + 1, "side": side, "price": price, "owner": 1 + place % 2}
        for quantity in (1, 2):
            yield command(CommandType.NEW_ORDER, **fields, quantity=quantity)
        yield extended(fields | {"quantity": 3}, display_quantity=2)
        stop = fields | {"quantity": 2, "order_type": OrderType.STOP}
        yield extended(stop, trigger_price=price, protection=1)
        yield extended(fields | {"quantity": 1, "order_type": OrderType.STOP_LIMIT}, trigger_price=201 - price)
        yield extended(fields | {"quantity": 3, "time_in_force": TimeInForce.DAY}, minimum_quantity=2)
        if whole:
            yield command(CommandType.NEW_ORDER, **fields, quantity=3, instructions=Instruction.ALL_OR_NONE)


def extended(order: dict[str, int], **fields: int) -> Commands:
    """A new order and its extension."""
    new = command(CommandType.NEW_ORDER, **order, instructions=Instruction.EXTENDED)
    return np.concatenate([new, extension(**fields)])


def changes(place: int) -> Iterator[Commands]:
    for earlier in range(place):
        fields = {"order_id": earlier + 1, "quantity": 1, "price": 101}
        yield command(CommandType.REDUCE_ORDER, **fields)
        yield command(CommandType.REPLACE_ORDER, **fields | {"quantity": 3})


def alphabet(place: int, *, whole: bool) -> list[Commands]:
    """What may come at a place of the sequence."""
    return [*orders(place, whole=whole), *changes(place)]


def sequences(places: list[list[Commands]], step: int) -> Iterator[Commands]:
    """Every ``step``-th, each with two market orders at its end, which show what it left, in priority order."""
    sweep = {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.IOC, "quantity": 1000}
    ends = [command(CommandType.NEW_ORDER, order_id=9 + side, side=side, **sweep) for side in Side]
    for number in range(0, prod(map(len, places)), step):
        steps, left = [], number
        for place in places:
            left, which = divmod(left, len(place))
            steps.append(place[which])
        yield np.concatenate([*steps, *ends])


def play(name: str, self_trade: SelfTrade, places: list[list[Commands]], step: int) -> int:
    """Play them on the core and the reference; how many."""
    venue, count = VENUES[name], 0
    for count, commands in enumerate(sequences(places, step), start=1):
        expected = apply(ReferenceBook(16, venue=venue, self_trade=self_trade), commands)
        book = OrderBook(16, venue=venue, self_trade=self_trade)
        assert book.apply(commands).tobytes() == expected.tobytes(), commands
        if count % 10 == 0:
            book.check()
    return count


@pytest.mark.slow
@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("self_trade", [SelfTrade.OFF, SelfTrade.DECREMENT])
def test_sequences(name: str, self_trade: SelfTrade) -> None:
    """Samples of those of 3 and of 4 commands; the step has no factor in common with the size of an alphabet."""
    for length in (3, 4):
        places = [alphabet(place, whole=VENUES[name].all_or_none) for place in range(length)]
        sample = count(400, 1_500) if COMPILED else 200
        play(name, self_trade, places, max(1, prod(map(len, places)) // sample | 1))


@pytest.mark.slow
@pytest.mark.parametrize("name", VENUES)
def test_every_sequence(name: str) -> None:
    places = [alphabet(place, whole=VENUES[name].all_or_none) for place in range(count(3, 4))]
    whole = prod(map(len, places))
    step = max(1, whole // count(1_000 if COMPILED else 100, 25_000) | 1)
    assert play(name, SelfTrade.DECREMENT, places, step) == -(-whole // step)
