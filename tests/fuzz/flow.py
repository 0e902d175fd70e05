"""Random flows: a character drawn first, then steps that fit it, so that each flow goes far in one direction."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from pricetime.reference import ReferenceBook
from pricetime.types import MAX_QUANTITY, ReplacePolicy, SelfTrade, TimeInForce
from tests.books import I64_MAX, I64_MIN, U64, Step

Draw = Callable[[], int]


def random_settings(rng: random.Random) -> dict[str, Any]:
    """Of a book: roomy or tight, each rule as likely as the next."""
    capacity = rng.choice([1, 3, 10, 64, 500])
    return {
        "capacity": capacity,
        "level_capacity": rng.choice([capacity, capacity, 1 + capacity // 4]),
        "self_trade": int(rng.choice(list(SelfTrade))),
        "replace_policy": int(rng.choice(list(ReplacePolicy))),
    }


def random_steps(rng: random.Random, count: int, book: ReferenceBook) -> Iterator[Step]:
    """Commands, most of them about orders that rest in a book which plays each before the next is drawn."""
    price, order_id, quantity = random_prices(rng), random_ids(rng), random_quantities(rng)
    owners = rng.choice([[0], [1], [0, 1, 2], list(range(20))])
    times_in_force: list[int] = rng.choice([[0], [0] * 8 + [1, 2, 3, 4], list(TimeInForce)])
    modes: list[int | None] = rng.choice([[None], [None, *map(int, SelfTrade)]])
    weights = [6, *(rng.choice([0, 1, 2, 5]) for _ in range(3))]
    for kind in rng.choices(["add_order", "cancel_order", "reduce_order", "replace_order"], weights, k=count):
        resting = list(book.by_id)
        if kind == "add_order":
            yield (
                kind,
                {
                    "order_id": order_id(),
                    "side": rng.choice([1, 2]),
                    "price": price(),
                    "quantity": quantity(),
                    "owner": rng.choice(owners),
                    "time_in_force": int(rng.choice(times_in_force)),
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


def random_prices(rng: random.Random) -> Draw:
    mid = rng.choice([0, 10_000, rng.randrange(I64_MIN, I64_MAX), I64_MIN, I64_MAX])
    width = rng.choice([1, 3, 20, 300, 2**20, 2**62])
    ends = [I64_MIN, I64_MIN + 1, -1, 0, I64_MAX - 1, I64_MAX]
    odd = rng.choice([0.0, 0.0, 0.1])

    def draw() -> int:
        nonlocal mid
        if rng.random() < odd:
            return rng.choice(ends)
        mid += rng.randint(-width // 8 - 1, width // 8 + 1)
        mid = max(I64_MIN, min(I64_MAX, mid))
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
