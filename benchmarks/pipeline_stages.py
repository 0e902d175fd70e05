"""The stages of the pipeline: what each runs, and what its figures include."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np

from pricetime import OrderBook
from pricetime.errors import PricetimeError

from .books import CAPACITY, filled, in_batches, one_by_one
from .exchange import PERCENTILES, Day, pin
from .workloads import Workload, load

#: The order flow of all stages but one, and of the exchange's benchmark.
FLOW = "balanced"

#: The workload of the project that this one grew from: each incoming order takes one resting order.
PAIRS = "one-maker-per-taker"

#: Limit of one run without sockets.
LIMIT_NS = 60 * 10**9


class Wrong(PricetimeError):
    """A stage gave a wrong result."""


@dataclass(frozen=True)
class Conditions:
    """The settings of all stages."""

    orders: int
    rate: float
    seconds: float
    sessions: int
    server_cpu: int | None
    load_cpu: int | None
    directory: Path


@dataclass(frozen=True)
class Seen:
    """The result of one run."""

    orders: int
    orders_per_s: float
    latency_ns: dict[str, int] | None = None  #: by percentile


@dataclass(frozen=True)
class Stage:
    name: str
    what: str  #: what its figures include
    measure: Callable[[Conditions], Seen]


def stages() -> list[Stage]:
    """Return all stages; each includes more than the one before."""
    kept = [
        Stage("match", f"{FLOW!r} from memory, one thread, reports written", partial(match, FLOW)),
        Stage("match-encode", f"the same with {PAIRS!r}: each bid takes one of 1 M asks", partial(match, PAIRS)),
    ]
    for name, what, *options in (
        ("exchange", "without a journal"),
        ("exchange-memory", "level memory", "--acknowledge", "memory"),
        ("exchange-durable", "level durable: every report waits for the disk", "--acknowledge", "durable"),
    ):
        at_rate, flat_out = (partial(exchange, tuple(options), which) for which in (True, False))
        kept += [
            Stage(f"{name}-at-rate", f"TCP to multicast, {what}, open loop at --rate; tick to trade", at_rate),
            Stage(f"{name}-flat-out", f"TCP to multicast, {what}, unlimited rate", flat_out),
        ]
    return kept


# ---------------------------------------------------------------------- without sockets


def match(name: str, conditions: Conditions) -> Seen:
    """Runs twice: in batches for the throughput, one by one for the latency."""
    workload = flow(name, conditions.orders)
    book, again = (filled(OrderBook(CAPACITY), workload) for _ in range(2))
    resting = len(book)
    with ThreadPoolExecutor(1, initializer=pin, initargs=(conditions.server_cpu,)) as thread:
        ns = thread.submit(in_batches, book, workload, LIMIT_NS).result()
        each_ns = thread.submit(one_by_one, again, workload, LIMIT_NS).result()
    orders = each_ns.size
    if name == PAIRS and len(again) != resting - orders:
        raise Wrong(f"{orders} orders left {len(again)} of {resting} resting orders; expected one taken by each")
    percents = [float(name.removeprefix("p")) if name != "max" else 100 for name in PERCENTILES]
    found = np.percentile(each_ns, percents, method="higher").tolist()
    return Seen(orders, 1e9 / ns, {name: round(ns) for name, ns in zip(PERCENTILES, found, strict=True)})


@cache
def flow(name: str, count: int) -> Workload:
    """Return the same orders for every stage and round."""
    return load(name, count, seed=1)


# ---------------------------------------------------------------------- from socket to socket


def exchange(options: tuple[str, ...], at_rate: bool, conditions: Conditions) -> Seen:
    """Run a server, a load generator and a subscriber, whose books must equal the server's.

    At an unlimited rate there is no latency: it would only measure the queue.
    """
    with tempfile.TemporaryDirectory(prefix="journal-", dir=conditions.directory) as folder:
        outcome = Day(
            rate=conditions.rate if at_rate else 0,
            seconds=conditions.seconds if at_rate else conditions.orders / 1e6,
            sessions=conditions.sessions,
            preset=FLOW,
            server_cpu=conditions.server_cpu,
            load_cpu=conditions.load_cpu,
            options=(*options, "--journal", folder) if options else (),
        ).measure()
    if not outcome.agrees:
        raise Wrong("the subscriber's books differ from the server's")
    return Seen(outcome.orders, outcome.result.answered_per_s, outcome.tick_to_trade_ns if at_rate else None)
