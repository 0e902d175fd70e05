"""The workloads: every preset of the flow generator, and adds, cancels and matches alone.

A workload is a prelude, which fills the book and is not timed, and the timed commands. All of it is in memory before
the timing starts. Each revision of a comparison makes them with its own generator and its own records, so this file
uses only names that all revisions have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pricetime.tape.flow import PRESETS, generate, prelude
from pricetime.types import COMMAND, CommandType, Side, TimeInForce

#: Lots of every order in the workloads of this file.
LOTS = 10

#: Commands in one call of ``apply``.
BATCH = 65_536

#: Adjacent levels of each side in the workloads of this file.
LEVELS = 1_000
MID = 1_000_000

#: Ticks between levels in ``sparse``, and its most commands.
GAP, MOST_SPARSE = 5_000, 20_000


@dataclass(frozen=True)
class Workload:
    """Yield arrays of COMMAND, none longer than BATCH."""

    name: str
    prelude: list[NDArray[np.void]]
    commands: list[NDArray[np.void]]


def load(name: str, count: int, seed: int) -> Workload:
    """Return the workload of this name with ``count`` timed commands, or as many as its flow provides."""
    if name in APART:
        filling, timed = APART[name](count, np.random.default_rng(seed))
        return Workload(name, list(batches(filling)), list(batches(timed)))
    count = min(count, PRESETS[name].longest or count)
    return Workload(
        name, list(prelude(name, seed=seed, chunk=BATCH)), list(generate(name, count, seed=seed, chunk=BATCH))
    )


def batches(commands: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
    for start in range(0, commands.size, BATCH):
        yield commands[start : start + BATCH]


# ---------------------------------------------------------------- one kind of command at a time


def resting(count: int, rng: np.random.Generator) -> NDArray[np.void]:
    """Return orders over the levels of both sides, in random order."""
    orders = np.zeros(count, COMMAND)
    orders["type"] = CommandType.NEW_ORDER
    orders["order_id"] = rng.integers(2**64, size=count, dtype=np.uint64)
    orders["side"] = rng.integers(Side.BID, Side.ASK, count, endpoint=True)
    away = rng.integers(1, LEVELS, count, endpoint=True)
    orders["price"] = MID + np.where(orders["side"] == Side.BID, -away, away)
    orders["quantity"] = LOTS
    return orders


def takers_of(makers: NDArray[np.void], rng: np.random.Generator) -> NDArray[np.void]:
    """Return IOC orders that take all resting orders, each exactly one."""
    takers = makers[rng.permutation(makers.size)]
    takers["order_id"] = rng.integers(2**64, size=makers.size, dtype=np.uint64)
    takers["side"] = np.where(takers["side"] == Side.BID, Side.ASK, Side.BID)
    takers["price"] = np.where(takers["side"] == Side.BID, 2**62, -(2**62))
    takers["time_in_force"] = TimeInForce.IOC
    return takers


def adds(count: int, rng: np.random.Generator) -> tuple[NDArray[np.void], NDArray[np.void]]:
    return np.zeros(0, COMMAND), resting(count, rng)


def cancels(count: int, rng: np.random.Generator) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Cancel every order of a full book, in random order."""
    orders = resting(count, rng)
    timed = np.zeros(count, COMMAND)
    timed["type"] = CommandType.CANCEL_ORDER
    timed["order_id"] = orders["order_id"][rng.permutation(count)]
    return orders, timed


def matches(count: int, rng: np.random.Generator) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Take every order of a full book."""
    orders = resting(count, rng)
    return orders, takers_of(orders, rng)


def sparse(count: int, rng: np.random.Generator) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """Matches between distant levels of one order each, which is taken and added again: every trade removes a level."""
    orders = resting(LEVELS, rng)
    orders["price"] = MID + np.where(np.arange(LEVELS) % 2, GAP, -GAP) * (1 + np.arange(LEVELS) // 2)
    orders["side"] = np.where(np.arange(LEVELS) % 2, Side.ASK, Side.BID)
    count = min(count, MOST_SPARSE)
    rounds = -(-count // (2 * LEVELS))
    timed = np.concatenate([part for _ in range(rounds) for part in (takers_of(orders, rng), renamed(orders, rng))])
    return orders, timed[:count]


def renamed(orders: NDArray[np.void], rng: np.random.Generator) -> NDArray[np.void]:
    """Return the same orders again, in random order and with new ids."""
    orders = orders[rng.permutation(orders.size)]
    orders["order_id"] = rng.integers(2**64, size=orders.size, dtype=np.uint64)
    return orders


APART: dict[str, Callable[[int, np.random.Generator], tuple[NDArray[np.void], NDArray[np.void]]]] = {
    "adds": adds,
    "cancels": cancels,
    "matches": matches,
    "sparse": sparse,
}

#: Flows without the orders of venues, which every book of the benchmarks executes. A comparison also runs this with an
#: older revision of the library, whose flows do not say that they have such orders.
PLAIN = [name for name, flow in PRESETS.items() if not getattr(flow, "has_venue_orders", False)]

#: All workloads by name.
WORKLOADS = (*PLAIN, *APART)
