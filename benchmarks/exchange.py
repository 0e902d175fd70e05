"""Measure an exchange: orders in over TCP, reports out over multicast to a subscriber that rebuilds the books.

    python -m benchmarks.exchange --rate 1000000 --seconds 30
    python -m benchmarks.exchange --rate 0 --seconds 3        # unlimited rate

Server, load generator and subscriber are three processes on this machine. The load is open loop: every order has a due
time and is sent late if the generator falls behind. *Round trip* is measured by the generator, from the due time of an
order to its answer. *Tick to trade* is measured in the server, from the recv that returned an order to the send of the
datagram with its last report. *Processor time* counts all threads while the orders are sent, for each of them. The
subscriber checks every report of the feed, and its books against the server's at the end.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Protocol

import click
import numpy as np

from pricetime.client.subscriber import Subscriber
from pricetime.load.load import Load, Pace
from pricetime.load.plan import Plan, make_plans
from pricetime.load.run import Result, Run, by_kind, fill
from pricetime.load.server import Event, ServerProcess
from pricetime.types import ReportKind

from . import pages, stalls
from .report import load_cpu_option, server_cpu_option, show_machine

#: Resting orders for which the subscriber allocates memory before it begins.
ORDERS_TAKEN = 1 << 17

#: Percentiles of tick to trade, as the server's stats name them.
PERCENTILES = ("p50", "p90", "p99", "p99.9", "p99.99", "max")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=1e6, show_default=True, help="Orders a second; 0 for an unlimited rate.")
@click.option(
    "--seconds", default=30.0, show_default=True, help="Duration; at rate 0 a million orders for each second."
)
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--preset", default="balanced", show_default=True, help="Order flow, a preset of pricetime.tape.flow.")
@click.option("--pages", "page_count", default=0, show_default=True, type=click.IntRange(0), help="Open live pages.")
@server_cpu_option
@load_cpu_option
@click.argument("options", nargs=-1)
def main(options: tuple[str, ...], page_count: int, **given: Any) -> None:
    """Send orders to an exchange and print the results. OPTIONS, after --, are passed to pricetime serve."""
    show_machine()
    print(f"  {'stalls of the machine':<26}{stalls.measure()}")
    frames: pages.Seen = []
    if page_count:
        options = ("--http-port", "0", "--http-pages", str(page_count), *options)

    @contextmanager
    def beside(server: Serving) -> Iterator[None]:
        if not page_count:
            yield
            return
        with pages.opened(int(server.last("serving")["http_port"]), page_count, given["load_cpu"]) as seen:
            yield
        frames.extend(seen)

    day = Day(options=options, beside=beside, **given)
    outcome = day.measure()
    words = {**day.words(), **outcome.words()}
    if frames:
        words["pages"] = f"{page_count}: {frames[0]:,} frames, {frames[1] / max(1, frames[0]):,.0f} bytes each"
    for name, value in words.items():
        print(f"  {name:<26}{value}")
    sys.exit(not outcome.agrees or outcome.gaps != 0)


class Serving(Protocol):
    """A server that runs."""

    process: subprocess.Popen[Any]
    host: str
    port: int
    group: str
    feed_port: int
    recovery: tuple[str, int]

    def stop(self) -> Event:
        """Stop it and wait: its last event."""

    def last(self, name: str) -> Event:
        """The newest event with this name; empty without one."""

    def resident_bytes(self) -> int:
        """Its resident memory now."""


@dataclass(frozen=True)
class Outcome:
    """The results of one run."""

    orders: int
    result: Result  #: from the generator, with the round trips
    accepted: int
    trades: int  #: trades of each side
    memory_bytes: int  #: resident memory of the server when the book is filled
    grown_bytes: int  #: its growth until the end
    busy_ns: dict[str, int]  #: processor time while orders were sent
    gaps: int  #: gaps in the feed that the subscriber found
    agrees: bool  #: True if the subscriber's books equal the server's
    tick_to_trade_ns: dict[str, int]  #: by percentile

    def words(self) -> dict[str, str]:
        """Return the lines to print."""
        result = self.result
        return {
            "sent": f"{result.sent_per_s / 1e6:.2f} M/s, {result.late:,} sent over 1 ms late",
            "answered": f"{result.answered_per_s / 1e6:.2f} M/s" + ("" if result.reached else ": SLOWER THAN THE RATE"),
            "accepted": f"{self.accepted:,}",
            "trades, both sides": f"{self.trades:,}",
            "server's memory": f"{self.memory_bytes / 1e6:.0f} MB, {self.grown_bytes / 1e6:.1f} MB more at the end",
            **{f"processor, {who}": f"{ns / self.orders:,.0f} ns an order" for who, ns in self.busy_ns.items()},
            "gaps in the feed": f"{self.gaps:,}",
            "subscriber's books": "equal to the server's" if self.agrees else "DIFFERENT",
            **{f"tick to trade {name}": f"{ns / 1e3:,.1f} us" for name, ns in self.tick_to_trade_ns.items()},
            **{f"round trip, {kind}": f"{found.count:,}: {found}" for kind, found in by_kind(result.latencies).items()},
        }


@dataclass
class Day:
    """One run and its settings."""

    rate: float
    seconds: float
    sessions: int
    preset: str
    server_cpu: int | None
    load_cpu: int | None
    options: tuple[str, ...]
    #: wraps the run
    beside: Callable[[Serving], AbstractContextManager[object]] = nullcontext
    #: starts what is measured: a server, or a node that leads a cluster
    server: Callable[..., AbstractContextManager[Serving]] = ServerProcess

    @property
    def count(self) -> int:
        """The number of orders to send."""
        return int((self.rate or 1e6) * self.seconds)

    def words(self) -> dict[str, str]:
        """The settings in one line."""
        return {
            "orders": f"{self.count:,} of {self.preset!r} over {self.sessions} sessions",
            "asked for": f"{self.rate / 1e6:.2f} M/s" if self.rate else "unlimited rate",
        }

    def measure(self) -> Outcome:
        """Start a server, send the orders and stop it. Raises ServerFailed, LoadFailed and OSError."""
        print(f"making {self.count:,} orders ...", file=sys.stderr)
        first, parts = make_plans(self.preset, self.count, self.sessions)
        plans = list(parts)
        options = ["--open", "--stats-interval-ms", "0", *self.options]
        if self.server_cpu is not None:
            options += ["--gateway-cpus", str(self.server_cpu)]
        with self.server(*options) as server:
            here, there = multiprocessing.Pipe()
            last = multiprocessing.RawValue(ctypes.c_uint64)
            arguments = (server.group, server.feed_port, server.recovery, self.load_cpu, last, there)
            watcher = multiprocessing.get_context("spawn").Process(target=watch, args=arguments, daemon=True)
            watcher.start()
            there.close()  # only this end stays open: if the subscriber fails, recv reports it
            here.recv()  # the subscriber follows the feed
            pids = {"load generator": os.getpid(), "subscriber": watcher.pid or 0}
            with pinned(self.load_cpu):
                driven, stopped = self._drive(server, pids, first, plans)
            last.value = stopped["last_sequence"]
            watched: dict[str, Any] = here.recv()
            watcher.join()
            stats = server.last("stats")
        return Outcome(
            orders=self.count,
            gaps=watched["gaps"],
            agrees=watched["digest"] == stopped["digest"],
            tick_to_trade_ns={name: stats[f"tick_to_trade_{name}_ns"] for name in PERCENTILES},
            **driven,
        )

    def _drive(
        self, server: Serving, pids: dict[str, int], first: Plan, plans: list[Plan]
    ) -> tuple[dict[str, Any], Event]:
        with Load(server.host, server.port, self.sessions) as load:
            fill(load, first)
            memory = server.resident_bytes()
            run = Run(load, Pace(self.rate))
            with self.beside(server):
                before = busy_ns(server.process.pid, pids)
                run.go(plans)
                after = busy_ns(server.process.pid, pids)
            if run.result.failure:
                raise SystemExit(run.result.failure)
            grown = server.resident_bytes() - memory
            stopped = server.stop()  # while the clients are there, so that their orders are
        kinds = np.sum([account.kinds for account in load.accounts.values()], axis=0)
        driven = {
            "result": run.result,
            "accepted": int(kinds[ReportKind.ACCEPTED]),
            "trades": int(kinds[ReportKind.TRADE]),
            "memory_bytes": memory,
            "grown_bytes": grown,
            "busy_ns": {who: after[who] - before[who] for who in after},
        }
        return driven, stopped


def busy_ns(server: int, others: dict[str, int]) -> dict[str, int]:
    """Return the processor time of the server's main thread, its busiest other thread and the rest, and of the others.

    The busiest thread is the event loop.
    """
    threads = {path.name: int((path / "schedstat").read_text().split()[0]) for path in tasks_of(server)}
    main = threads.pop(str(server))
    found = {"event loop": max(threads.values()), "main thread": main}
    found["other threads"] = sum(threads.values()) - found["event loop"]
    for who, pid in others.items():
        found[who] = sum(int((path / "schedstat").read_text().split()[0]) for path in tasks_of(pid))
    return found


def tasks_of(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())


def watch(
    group: str, port: int, recovery: tuple[str, int], cpu: int | None, last: ctypes.c_uint64, pipe: Connection
) -> None:
    """Follow the feed until the report numbered ``last`` and send what was seen.

    The number arrives in shared memory: polling a pipe between datagrams would cost more than following the feed.
    """
    from pricetime.native.schedule import take_short_turns

    pin(cpu)
    take_short_turns()  # short time slices: after it yields it runs again before its socket overflows
    with Subscriber(group, port, recovery=recovery, spins=True) as subscriber:
        follow(subscriber, lambda: subscriber.state.name == "WHOLE")
        subscriber.builder.prefault(ORDERS_TAKEN)
        pipe.send("following")
        follow(subscriber, lambda: last.value != 0)
        deadline = time.monotonic() + 10
        follow(subscriber, lambda: subscriber.seq_num >= last.value or time.monotonic() > deadline)
        pipe.send({"gaps": subscriber.statistics.gaps, "digest": f"{subscriber.digest():016x}"})


def follow(subscriber: Subscriber, until: Callable[[], bool]) -> None:
    while not until():
        subscriber.poll(0.01)


@contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """Keep this thread, and threads that it starts, on one processor."""
    before = os.sched_getaffinity(0)
    pin(cpu)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pin(cpu: int | None) -> None:
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


if __name__ == "__main__":
    main()
