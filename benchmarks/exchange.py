"""What the whole exchange does: orders in over TCP, reports out over multicast to a subscriber that rebuilds the book.

    python -m benchmarks.exchange --rate 1000000 --seconds 30
    python -m benchmarks.exchange --rate 0 --seconds 3        # as fast as it goes

Server, load generator and subscriber are three processes on this machine. The load is open loop: every order has its
time, and goes out late where the generator does not keep up. *Round trip* is measured by the generator, from when an
order was due to its answer. *Tick to trade* is measured inside the server: from the
recv that returned an order to the datagram with its last report handed to the kernel. The feed is checked by the
subscriber, report by report, and its books at the end against the server's own.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import click
import numpy as np

from pricetime.cli.load_show import one_line
from pricetime.feed.subscriber import Subscriber
from pricetime.measure.load import Load, Pace
from pricetime.measure.machine import describe
from pricetime.measure.plan import Plan, make_plans
from pricetime.measure.run import Result, Run, by_kind, fill
from pricetime.measure.server import Event, ServerProcess
from pricetime.types import ReportKind

from . import stalls

#: Resting orders that the subscriber has memory for before it begins.
ORDERS_TAKEN = 1 << 17

#: Of tick to trade, as the server's stats name them.
PERCENTILES = ("p50", "p90", "p99", "p99.9", "p99.99", "max")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=1e6, show_default=True, help="Orders a second; 0 for as fast as it goes.")
@click.option("--seconds", default=30.0, show_default=True, help="How long; at rate 0 a million orders each.")
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--preset", default="balanced", show_default=True, help="Order flow, of pricetime.tape.flow.")
@click.option("--server-cpu", type=int, help="Processor of the gateway's thread.")
@click.option("--load-cpu", type=int, help="Processor of load generator and subscriber.")
@click.argument("options", nargs=-1)
def main(options: tuple[str, ...], **given: Any) -> None:
    """Drive an exchange and print what it did. OPTIONS, behind --, are more of those of pricetime serve."""
    for name, value in describe().items():
        print(f"  {name:<26}{value}")
    print(f"  {'stalls of the machine':<26}{stalls.measure()}")
    day = Day(options=options, **given)
    outcome = day.measure()
    for name, value in {**day.words(), **outcome.words()}.items():
        print(f"  {name:<26}{value}")
    sys.exit(not outcome.agrees or outcome.gaps != 0)


@dataclass(frozen=True)
class Outcome:
    """What was seen of one run."""

    orders: int
    result: Result  #: as the generator has it, with the round trips
    accepted: int
    trades: int  #: of each side
    memory_bytes: int  #: of the server, when the book is filled
    grown_bytes: int  #: by the end
    reports: int  #: on the feed
    gaps: int  #: in the feed, as the subscriber saw it
    agrees: bool  #: the subscriber's books are the server's
    tick_to_trade_ns: dict[str, int]  #: by percentile

    def words(self) -> dict[str, str]:
        """In the order that they are read in."""
        result = self.result
        return {
            "sent": f"{result.sent_per_s / 1e6:.2f} M/s, {result.late:,} over 1 ms after they were due",
            "answered": f"{result.answered_per_s / 1e6:.2f} M/s" + ("" if result.reached else ": NOT AS FAST AS DUE"),
            "accepted": f"{self.accepted:,}",
            "trades, of each side": f"{self.trades:,}",
            "server's memory": f"{self.memory_bytes / 1e6:.0f} MB, and {self.grown_bytes / 1e6:.1f} MB more at the end",
            "reports on the feed": f"{self.reports:,}",
            "gaps in the feed": f"{self.gaps:,}",
            "subscriber's books": "equal to the server's" if self.agrees else "DIFFERENT",
            **{f"tick to trade {name}": f"{ns / 1e3:,.1f} us" for name, ns in self.tick_to_trade_ns.items()},
            **{
                f"round trip, {kind}": f"{found.count:,}: {one_line(found)}"
                for kind, found in by_kind(result.latencies).items()
            },
        }


@dataclass
class Day:
    """One run, with its conditions."""

    rate: float
    seconds: float
    sessions: int
    preset: str
    server_cpu: int | None
    load_cpu: int | None
    options: tuple[str, ...]
    #: of the server's process, while it is driven
    beside: Callable[[int], AbstractContextManager[object]] = nullcontext
    server: type[ServerProcess] = ServerProcess

    @property
    def count(self) -> int:
        """Orders that are sent."""
        return int((self.rate or 1e6) * self.seconds)

    def words(self) -> dict[str, str]:
        """What was asked for."""
        return {
            "orders": f"{self.count:,} of {self.preset!r} over {self.sessions} sessions",
            "asked for": f"{self.rate / 1e6:.2f} M/s" if self.rate else "as fast as it goes",
        }

    def measure(self) -> Outcome:
        """Start a server, drive it and stop it. Raises ServerFailed, LoadFailed and OSError."""
        print(f"making {self.count:,} orders ...", file=sys.stderr)
        first, parts = make_plans(self.preset, self.count, self.sessions)
        plans = list(parts)
        with self.server(*self._server_options()) as server:
            here, there = multiprocessing.Pipe()
            last = multiprocessing.RawValue(ctypes.c_uint64)
            arguments = (server.group, server.feed_port, server.recovery, self.load_cpu, last, there)
            watcher = multiprocessing.get_context("spawn").Process(target=watch, args=arguments, daemon=True)
            watcher.start()
            there.close()  # its end alone: if it fails, recv says so
            here.recv()  # it follows the feed
            with pinned(self.load_cpu):
                driven, stopped = self._drive(server, first, plans)
            last.value = stopped["last_sequence"]
            watched: dict[str, Any] = here.recv()
            watcher.join()
            stats = server.last("stats")
        return Outcome(
            orders=self.count,
            reports=stopped["last_sequence"],
            gaps=watched["gaps"],
            agrees=watched["digest"] == stopped["digest"],
            tick_to_trade_ns={name: stats[f"tick_to_trade_{name}_ns"] for name in PERCENTILES},
            **driven,
        )

    def _server_options(self) -> list[str]:
        options = ["--open", "--stats-interval-ms", "0", *self.options]
        if self.server_cpu is not None:
            options += ["--gateway-cpus", str(self.server_cpu)]
        return options

    def _drive(self, server: ServerProcess, first: Plan, plans: list[Plan]) -> tuple[dict[str, Any], Event]:
        with Load(server.host, server.port, self.sessions) as load:
            fill(load, first)
            memory = server.resident_bytes()
            run = Run(load, Pace(self.rate))
            with self.beside(server.process.pid):
                run.go(plans)
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
        }
        return driven, stopped


def watch(
    group: str, port: int, recovery: tuple[str, int], cpu: int | None, last: ctypes.c_uint64, pipe: Connection
) -> None:
    """Follow the feed until the ``last`` report, when its number is known; tell what was seen.

    The number comes by shared memory: to ask a pipe between any two datagrams would cost more than to follow them.
    """
    from pricetime.native.schedule import take_short_turns

    pin(cpu)
    take_short_turns()  # a turn that it gives away is a short one, so it has the next one soon enough to lose nothing
    with Subscriber(group, port, recovery=recovery, spins=True) as subscriber:
        follow(subscriber, lambda: subscriber.state.name == "WHOLE")
        subscriber.builder.prefault(ORDERS_TAKEN)
        pipe.send("following")
        follow(subscriber, lambda: last.value != 0)
        deadline = time.monotonic() + 10
        follow(subscriber, lambda: subscriber.seq_num >= last.value or time.monotonic() > deadline)
        seen = subscriber.statistics
        digest = f"{subscriber.digest():016x}"
        pipe.send({"gaps": seen.gaps, "digest": digest})


def follow(subscriber: Subscriber, until: Callable[[], bool]) -> None:
    while not until():
        subscriber.poll(0.01)


@contextmanager
def pinned(cpu: int | None) -> Iterator[None]:
    """This thread, and those that it starts, on one processor meanwhile."""
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
