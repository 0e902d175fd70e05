"""The stages of the pipeline: what each runs, and what its figures include."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pricetime import Engine, Instrument
from pricetime.errors import PricetimeError

from .exchange import PERCENTILES, Day, pin
from .journal import LEVELS, journal_in, numbered
from .steps import CAPACITY
from .workloads import Workload, load

if TYPE_CHECKING:
    from pricetime.log.writer import Writer
    from pricetime.ring import Idle, Ring

#: The order flow of all stages but one, and of the exchange's benchmark.
FLOW = "balanced"

#: The workload of the project that this one grew from: each incoming order takes one resting order.
PAIRS = "one-maker-per-taker"

#: Slots of the ring between two threads, as by default in a server.
SLOTS, ALL_SLOTS = 1 << 16, 1 << 20

#: Commands in an iteration of the engine, as in the event loop.
BATCH = 256

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
        Stage("match", f"{FLOW!r} in memory, batches of {BATCH} through the books, reports written", match),
        Stage(
            "match-encode",
            f"{PAIRS!r}: bids from a ring filled beforehand, one thread, each takes one of 1 M asks at 50 prices, "
            "reports encoded for sending; latency of single orders",
            match_filled,
        ),
        Stage("ring", f"{FLOW!r}, one thread fills the ring, a second takes from it and executes", ring),
        Stage("ring-journal", "the same, each batch in the journal before it is executed, with a syncer", journaled),
    ]
    for name, what, options in (
        ("exchange", "TCP to multicast, without a journal", ()),
        ("exchange-memory", "TCP to multicast, level memory", ("--acknowledge", "memory")),
        (
            "exchange-durable",
            "TCP to multicast, level durable: every report waits for the disk",
            ("--acknowledge", "durable"),
        ),
    ):
        kept += [
            Stage(f"{name}-at-rate", f"{what}, open loop at --rate; tick to trade", partial(paced, options)),
            Stage(f"{name}-flat-out", f"{what}, unlimited rate", partial(flat_out, options)),
        ]
    return kept


# ---------------------------------------------------------------------- without sockets


def match(conditions: Conditions) -> Seen:
    from .journal_loops import match as run

    workload = flow(FLOW, conditions.orders)
    engine = filled(workload)
    with beside(conditions.server_cpu) as thread:
        taken = [thread.submit(run, engine, chunk, BATCH).result()[0] for chunk in workload.commands]
    return seen(workload, sum(taken))


def match_filled(conditions: Conditions) -> Seen:
    """Runs twice: in batches for the throughput, one by one for the latency."""
    from .inside import ticks_per_ns
    from .pipeline_loops import match_from, time_each

    workload = flow(PAIRS, min(conditions.orders, ALL_SLOTS))
    with beside(conditions.server_cpu) as thread:
        engine, full, count = prepared(workload)
        taken_ns, reports = thread.submit(match_from, engine, full, count, idle()).result()
        engine, full, count = prepared(workload)
        ticks = thread.submit(time_each, engine, full, count).result()
    if reports != 2 * count:
        raise Wrong(f"{count} orders made {reports} reports; expected an ACCEPTED and a TRADE each")
    each_ns = ticks / ticks_per_ns()
    percents = [float(name.removeprefix("p")) if name != "max" else 100 for name in PERCENTILES]
    found = np.percentile(each_ns, percents, method="higher")
    return seen(workload, taken_ns, {name: round(ns) for name, ns in zip(PERCENTILES, found.tolist(), strict=True)})


def ring(conditions: Conditions) -> Seen:
    return through_ring(conditions, nullcontext(None))


def journaled(conditions: Conditions) -> Seen:
    return through_ring(conditions, journal_in(conditions.directory, LEVELS["memory"], SEGMENT_BYTES))


def through_ring(conditions: Conditions, journal: AbstractContextManager[Writer | None]) -> Seen:
    """One thread fills the ring, a second executes; timed from the first read of the ring to the last report."""
    from pricetime.ring import Ring

    from .pipeline_loops import fill, match_from

    workload = flow(FLOW, conditions.orders)
    commands = numbered(np.concatenate(workload.commands))
    engine, between = filled(workload), Ring(SLOTS, blocking=False)
    with journal as writer, beside(conditions.server_cpu) as engines, beside(conditions.load_cpu) as producers:
        executed = engines.submit(match_from, engine, between, commands.size, idle(), writer)
        put = producers.submit(fill, between, commands, idle())
        taken_ns, _ = executed.result()
        put.result()
        if writer is not None and writer.appended != commands.size:
            raise Wrong(f"the journal has {writer.appended} of {commands.size} commands")
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
    from pricetime.ring import Ring

    from .pipeline_loops import fill

    full = Ring(ALL_SLOTS, blocking=False)
    commands: NDArray[np.void] = np.concatenate(workload.commands)
    fill(full, commands, idle())
    return filled(workload), full, commands.size


def idle() -> Idle:
    """Return an idle wait that spins, then yields: no thread sleeps while there is work."""
    from pricetime.ring import Idle

    return Idle("yield", spins=1000, pauses=1000)


def beside(cpu: int | None) -> ThreadPoolExecutor:
    """Run ``work`` in a thread on this processor."""
    return ThreadPoolExecutor(1, initializer=pin, initargs=(cpu,))


def seen(workload: Workload, taken_ns: int, latency_ns: dict[str, int] | None = None) -> Seen:
    orders = sum(chunk.size for chunk in workload.commands)
    return Seen(orders, orders / taken_ns * 1e9, latency_ns)


# ---------------------------------------------------------------------- from socket to socket


def paced(options: tuple[str, ...], conditions: Conditions) -> Seen:
    return exchange(options, conditions, conditions.rate, conditions.seconds)


def flat_out(options: tuple[str, ...], conditions: Conditions) -> Seen:
    """No latency: at an unlimited rate it would only measure the queue."""
    found = exchange(options, conditions, 0, conditions.orders / 1e6)
    return Seen(found.orders, found.orders_per_s)


def exchange(options: tuple[str, ...], conditions: Conditions, rate: float, seconds: float) -> Seen:
    """Run a server, a load generator and a subscriber, whose books must equal the server's."""
    folder = Path(tempfile.mkdtemp(prefix="journal-", dir=conditions.directory))
    day = Day(
        rate=rate,
        seconds=seconds,
        sessions=conditions.sessions,
        preset=FLOW,
        server_cpu=conditions.server_cpu,
        load_cpu=conditions.load_cpu,
        options=(*options, "--journal", str(folder)) if options else (),
    )
    try:
        outcome = day.measure()
    finally:
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
    if not outcome.agrees:
        raise Wrong("the subscriber's books differ from the server's")
    return Seen(outcome.orders, outcome.result.answered_per_s, outcome.tick_to_trade_ns)
