"""Random flows: a character drawn first, then steps that fit it, so that each flow goes far in one direction."""

import random
from collections.abc import Callable, Iterator
from typing import Any

from pricetime import OwnerLimits
from pricetime.reference import ReferenceBook
from pricetime.types import MAX_QUANTITY, OrderType, Phase, ReplacePolicy, SelfTrade, TimeInForce
from tests.books import I64_MAX, I64_MIN, U64, Step

Draw = Callable[[], int]

LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET
GTC, IOC, FOK = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK


def random_settings(rng: random.Random) -> dict[str, Any]:
    """Of a book: roomy or tight, each rule as likely as the next."""
    capacity = rng.choice([1, 3, 10, 64, 500])
    owner_limit = rng.choice([0, 2, 3, 25])
    return {
        "capacity": capacity,
        "level_capacity": rng.choice([capacity, capacity, 1 + capacity // 4]),
        "self_trade": int(rng.choice(list(SelfTrade))),
        "replace_policy": int(rng.choice(list(ReplacePolicy))),
        "owner_limit": owner_limit,
        "limits": random_limits(rng, owner_limit),
        **rng.choice([{}, {}, random_band(rng)]),
    }


def random_limits(rng: random.Random, owner_limit: int) -> dict[int, OwnerLimits]:
    """Of all owners or of some, often none."""
    owners = range(owner_limit)
    return {
        owner: OwnerLimits(
            open_orders=rng.choice([None, 1, 5, 100]),
            quantity=rng.choice([None, 1, 8, 2**62]),
            price_distance=rng.choice([None, 0, 10, 2**63]),
        )
        for owner in rng.choice([[], [], owners[:1], rng.sample(owners, len(owners) // 2)])
    }


def random_band(rng: random.Random) -> dict[str, int]:
    """Of one price or more, wherever, or open at an end."""
    low = rng.choice([0, 9_990, rng.randrange(I64_MIN, I64_MAX), I64_MIN])
    high = min(I64_MAX, low + rng.choice([0, 1, 20, 2**20, 2**63]))
    return rng.choice([{"low_price": low}, {"high_price": high}, {"low_price": low, "high_price": high}])


def random_steps(rng: random.Random, count: int, book: ReferenceBook) -> Iterator[Step]:
    """Commands, most of them about orders that rest in a book which plays each before the next is drawn."""
    price, order_id, quantity = random_prices(rng, book), random_ids(rng), random_quantities(rng)
    owners = rng.choice([[0], [1], [0, 1, 2], list(range(20))])
    times: list[TimeInForce] = rng.choice([[GTC], [GTC] * 8 + [IOC, FOK] * 2, list(TimeInForce)])
    types: list[OrderType] = rng.choice([[LIMIT], [LIMIT] * 9 + [MARKET], list(OrderType)])
    post_only = rng.choice([0, 0.1, 0.5])
    modes: list[int | None] = rng.choice([[None], [None, *map(int, SelfTrade)]])
    weights = {
        "add_order": 6.0,
        **{kind: rng.choice([0, 1, 2, 5]) for kind in ("cancel_order", "reduce_order", "replace_order")},
        "mass_cancel": rng.choice([0, 0.1, 0.5]),
        "set_phase": rng.choice([0, 0, 0.3]),
    }
    for kind in rng.choices(list(weights), list(weights.values()), k=count):
        resting = list(book.by_id)
        if kind == "mass_cancel":
            owner = rng.choice([owner for owner in (*owners, 1) if owner != 0])
            yield kind, {"owner": owner, "side": rng.choice([None, None, 1, 2])}
            continue
        if kind == "set_phase":
            yield kind, {"phase": rng.choice([int(Phase.CONTINUOUS)] * 3 + [int(Phase.HALTED), 2])}
            continue
        if kind == "add_order":
            yield (
                kind,
                {
                    "order_id": order_id(),
                    "side": rng.choice([1, 2]),
                    "price": price(),
                    "quantity": quantity(),
                    "owner": rng.choice(owners),
                    "order_type": int(rng.choice(types)),
                    "time_in_force": int(rng.choice(times)),
                    "post_only": rng.random() < post_only,
                    "self_trade": rng.choice(modes),
                    "timestamp": rng.getrandbits(64),
                },
            )
            continue
        given: dict[str, Any] = {"order_id": rng.choice(resting) if resting and rng.random() < 0.9 else order_id()}
        if kind == "cancel_order":
            given["owner"] = rng.choice([None, None, None, *owners]) or None
        elif kind == "reduce_order":
            given["by"] = quantity()
        else:
            given |= {"price": price(), "quantity": quantity(), "new_id": order_id() if rng.random() < 0.3 else None}
        yield kind, given


def random_prices(rng: random.Random, book: ReferenceBook) -> Draw:
    """Around a price that wanders, within the book's band most of the time."""
    low = I64_MIN if book.low_price is None else book.low_price
    high = I64_MAX if book.high_price is None else book.high_price
    mid = rng.choice([0, 10_000, rng.randrange(I64_MIN, I64_MAX), I64_MIN, I64_MAX, low, high])
    width = rng.choice([1, 3, 20, 300, 2**20, 2**62])
    ends = [I64_MIN, I64_MIN + 1, -1, 0, I64_MAX - 1, I64_MAX]
    odd = rng.choice([0.0, 0.0, 0.1])

    def draw() -> int:
        nonlocal mid
        if rng.random() < odd:
            return rng.choice(ends)
        mid += rng.randint(-width // 8 - 1, width // 8 + 1)
        mid = max(low, min(high, mid))
        return max(I64_MIN, min(I64_MAX, mid + rng.randint(-width, width)))

    return draw


def random_ids(rng: random.Random) -> Draw:
    """Few ids again and again, ids that count up, ids in blocks of sessions, ids from everywhere."""
    first = rng.getrandbits(64)
    counter = 0

    def count_up() -> int:
        nonlocal counter
        counter += 1
        return (first + counter) & U64

    return rng.choice(
        [
            lambda: rng.randrange(30),
            count_up,
            lambda: rng.randrange(4) << 32 | count_up() & 0xFFF,
            lambda: rng.getrandbits(64),
            lambda: rng.choice([0, 1, U64, U64 - 1, 2**32, 2**63]) ^ rng.randrange(16),
        ]
    )


def random_quantities(rng: random.Random) -> Draw:
    usual = rng.choice([1, 3, 10, 1000])
    odd = rng.choice([0.0, 0.02, 0.2])
    extreme = [0, 2**62, MAX_QUANTITY - 1, MAX_QUANTITY, 2**63, U64]
    return lambda: rng.choice(extreme) if rng.random() < odd else rng.randint(1, usual)
