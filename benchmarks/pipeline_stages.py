"""The stages of the pipeline: what each runs, and what its figures include."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pricetime import Engine, Instrument
from pricetime.errors import PricetimeError
from pricetime.ring import Idle, Ring

from .books import CAPACITY, clock_rate
from .exchange import PERCENTILES, Day, pin
from .journal import LEVELS, journal_in, numbered
from .workloads import Workload, load

#: The order flow of all stages but one, and of the exchange's benchmark.
FLOW = "balanced"

#: The workload of the project that this one grew from: each incoming order takes one resting order.
PAIRS = "one-maker-per-taker"

#: Slots of the ring between two threads, as by default in a server.
SLOTS, ALL_SLOTS = 1 << 16, 1 << 20

SEGMENT_BYTES = 64 << 20


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
        Stage("match", f"{FLOW!r} from a ring filled beforehand, one thread, reports written", partial(match, FLOW)),
        Stage("match-encode", f"the same with {PAIRS!r}: each bid takes one of 1 M asks", partial(match, PAIRS)),
        Stage(
            "ring",
            f"{FLOW!r}, one thread fills the ring, a second takes from it and executes",
            partial(through_ring, False),
        ),
        Stage(
            "ring-journal",
            "the same, each batch in the journal before it is executed, with a syncer",
            partial(through_ring, True),
        ),
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
    from .engine_loops import match_from, time_each_from

    workload = flow(name, min(conditions.orders, ALL_SLOTS))
    with beside(conditions.server_cpu) as thread:
        engine, full, count = prepared(workload)
        taken_ns, reports = thread.submit(match_from, engine, full, count, idle()).result()
        engine, full, count = prepared(workload)
        ticks = thread.submit(time_each_from, engine, full, count).result()
    if name == PAIRS and reports != 2 * count:
        raise Wrong(f"{count} orders made {reports} reports; expected an ACCEPTED and a TRADE each")
    percents = [float(name.removeprefix("p")) if name != "max" else 100 for name in PERCENTILES]
    found = np.percentile(ticks / clock_rate(), percents, method="higher")
    return seen(workload, taken_ns, {name: round(ns) for name, ns in zip(PERCENTILES, found.tolist(), strict=True)})


def through_ring(journaled: bool, conditions: Conditions) -> Seen:
    """One thread fills the ring, a second executes; timed from the first read of the ring to the last report."""
    from .engine_loops import fill, match_from

    workload = flow(FLOW, conditions.orders)
    commands = numbered(np.concatenate(workload.commands))
    engine, between = filled(workload), Ring(SLOTS, blocking=False)
    journal = journal_in(conditions.directory, LEVELS["memory"], SEGMENT_BYTES) if journaled else nullcontext()
    with journal as writer, beside(conditions.server_cpu) as engines, beside(conditions.load_cpu) as producers:
        executed = engines.submit(match_from, engine, between, commands.size, idle(), writer)
        put = producers.submit(fill, between, commands, idle())
        taken_ns, _ = executed.result()
        put.result()
        if writer is not None and writer.last != commands.size:
            raise Wrong(f"the journal has {writer.last} of {commands.size} commands")
    return seen(workload, taken_ns)


@cache
def flow(name: str, count: int) -> Workload:
    """Return the same orders for every stage and round."""
    return load(name, count, seed=1)


def filled(workload: Workload) -> Engine:
    """Return books that hold the orders of the prelude."""
    engine = Engine([Instrument(0)], capacity=CAPACITY)
    for chunk in workload.prelude:
        engine.apply(chunk)
    return engine


def prepared(workload: Workload) -> tuple[Engine, Ring, int]:
    """Return books, a ring that holds all commands, and their number."""
    from .engine_loops import fill

    full = Ring(ALL_SLOTS, blocking=False)
    commands: NDArray[np.void] = np.concatenate(workload.commands)
    fill(full, commands, idle())
    return filled(workload), full, commands.size


def idle() -> Idle:
    """Return an idle wait that spins, then yields: no thread sleeps while there is work."""
    return Idle("yield", spins=1000, pauses=1000)


def beside(cpu: int | None) -> ThreadPoolExecutor:
    """Run ``work`` in a thread on this processor."""
    return ThreadPoolExecutor(1, initializer=pin, initargs=(cpu,))


def seen(workload: Workload, taken_ns: int, latency_ns: dict[str, int] | None = None) -> Seen:
    orders = sum(chunk.size for chunk in workload.commands)
    return Seen(orders, orders / taken_ns * 1e9, latency_ns)


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
