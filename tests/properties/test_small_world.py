"""Every sequence of up to 5 commands in a small world, held against the reference.

A sequence answers for those that it begins with, since every command's reports are compared; two sweeps at its
end show what it left, in priority order. ``make test`` tries shorter sequences than ``make test-slow``, the uncompiled
form even shorter ones.
"""

from typing import Any

import numpy as np
import pytest

from pricetime import COMPILED, OrderBook, OrderType, ReplacePolicy, SelfTrade, TimeInForce
from tests.books import Step
from tests.counts import count
from tests.properties.small_world import (
    IDS,
    Alphabet,
    SmallWorld,
    adds,
    cancels,
    mass_cancels,
    reduces,
    replaces,
    states,
)

#: Terms of orders that differ in what they do.
TERMS: list[dict[str, Any]] = [
    {},
    {"time_in_force": TimeInForce.IOC},
    {"time_in_force": TimeInForce.FOK},
    {"post_only": True},
    {"order_type": OrderType.MARKET},
    {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.FOK},
]


def of_every_kind(place: int) -> list[Step]:
    """New orders with all terms; a market order has no price of its own."""
    steps = [step for terms in TERMS for step in adds(place, **terms)]
    return [step for step in steps if step[1].get("order_type") is None or step[1]["price"] == 100]


def changes(place: int) -> list[Step]:
    return cancels(place) + reduces(place) + replaces(place)


def takers_at_the_end(length: int) -> Alphabet:
    """Orders come and go, then anything at all happens to what they made."""
    return lambda place: of_every_kind(place) + changes(place) if place == length - 1 else adds(place) + cancels(place)


def ours(place: int) -> list[Step]:
    """New orders of two owners, cancels, and what a replace may meet."""
    return adds(place, owner=1) + [s for s in adds(place, owner=2) if s[1]["quantity"] == 1] + cancels(place)


def taken_together(place: int) -> list[Step]:
    """New orders of two owners at two prices, moves to the back of a queue, and mass cancels."""
    ones = [s for owner in (1, 2) for s in adds(place, owner=owner) if s[1]["quantity"] == owner]
    return ones + [s for s in replaces(place) if s[1]["quantity"] == 2] + mass_cancels((1, 2))


def halted_now_and_then(place: int) -> list[Step]:
    return [s for s in adds(place) if s[1]["quantity"] == 1] + changes(place) + states()


def play_all(world: SmallWorld, **settings: Any) -> None:
    book = OrderBook(64, **settings)
    for commands, expected in world.sequences(10_000):
        reports = book.apply(commands)
        if reports.tobytes() != expected.tobytes():
            shorter = min(len(reports), len(expected))
            wrong = int(np.argmax(reports[:shorter] != expected[:shorter]))
            steps = world.sequence(int(reports["order_id"][wrong]) // IDS)
            pytest.fail(f"{reports[wrong]} where the reference says {expected[wrong]}, in {steps}")
    assert len(book) == 0
    book.check()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alphabet", "length", "pure_length"),
    [
        pytest.param(adds, 5, 3, id="orders"),
        pytest.param(lambda place: adds(place) + changes(place), count(4, 5), 3, id="orders and their changes"),
        pytest.param(lambda place: of_every_kind(place) + cancels(place), count(3, 4), 2, id="every time in force"),
        pytest.param(takers_at_the_end(count(4, 5) if COMPILED else 3), count(4, 5), 3, id="everything at the end"),
        pytest.param(lambda place: of_every_kind(place) + changes(place), 3, 2, id="everything"),
    ],
)
def test_every_sequence(alphabet: Alphabet, length: int, pure_length: int) -> None:
    play_all(SmallWorld(alphabet, length if COMPILED else pure_length))


@pytest.mark.slow
@pytest.mark.parametrize("mode", SelfTrade, ids=lambda mode: mode.name)
def test_every_sequence_of_two_owners(mode: SelfTrade) -> None:
    play_all(SmallWorld(ours, count(3, 4) if COMPILED else 3, {"self_trade": mode}), self_trade=mode)


@pytest.mark.parametrize("owner_limit", [2, 3])
def test_every_sequence_of_orders_that_are_cancelled_together(owner_limit: int) -> None:
    room = {"owner_limit": owner_limit}

    def alphabet(place: int) -> list[Step]:
        return [step for step in taken_together(place) if step not in mass_cancels(tuple(range(owner_limit, 3)))]

    play_all(SmallWorld(alphabet, 4 if COMPILED else 3, room), **room)


@pytest.mark.parametrize("band", [{}, {"high_price": 100}, {"low_price": 101}])
def test_every_sequence_of_a_book_that_is_halted_now_and_then(band: dict[str, int]) -> None:
    play_all(SmallWorld(halted_now_and_then, 4 if COMPILED else 3, band, halts=True), **band)


def test_every_sequence_when_each_replace_loses_its_place() -> None:
    rule = {"replace_policy": ReplacePolicy.ALWAYS_LOSE}
    play_all(SmallWorld(lambda place: adds(place) + replaces(place), 4 if COMPILED else 3, rule), **rule)


def test_the_small_world_is_whole() -> None:
    """8 new orders at each of 5 places, 4 ids to cancel, reduce or replace at the last."""
    assert len(SmallWorld(adds, 3)) == 8**3
    assert len(SmallWorld(lambda place: adds(place) + changes(place), 3)) == 8 * 14 * 20
    assert len(of_every_kind(0)) == 40
    commands, _ = next(SmallWorld(adds, 2).sequences(1000))
    seen = {commands[4 * i : 4 * i + 2][["side", "price", "quantity"]].tobytes() for i in range(64)}
    assert len(seen) == 64
