"""Measure how long a client waits while 1,000,000 GTD orders of one expiry time end on a server.

    python -m benchmarks.expiry
    python -m benchmarks.expiry --orders 1000000 --rounds 5 --server-cpu 0 --load-cpu 1

Each round starts a server on the loopback address and fills it with orders of one owner that expire together. A second
owner sends an order, waits for its report, cancels it, waits again, and so on: for a second before the expiry, and from
the first order that expires to the last. It owns both orders, so their reports say when the expiry begins and
ends. *Round trip* is from the call of ``send`` to the return of the ``recv`` with the report, in one thread of Python.
"""

from __future__ import annotations

import os
import socket
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from pricetime import Side, TimeInForce
from pricetime.load.login import log_in
from pricetime.load.server import ServerProcess
from pricetime.load.tables import Table
from pricetime.types import Instruction, ReportKind
from pricetime.wire.bulk import encode_commands
from pricetime.wire.messages import CancelOrder, ExecutionReport, NewOrder, OrderExtension

from . import stalls
from .report import (
    load_cpu_option,
    number,
    output_option,
    progress,
    publish,
    rounds_option,
    server_cpu_option,
    wide_console,
)
from .venues import PRICES, extended, new_orders

#: Owners: of the orders that expire, and of the round trips.
MANY, ONE = 1, 2

#: Orders sent before their reports are read.
CHUNK = 1000

#: Time without expiries that is measured, in seconds.
QUIET_S = 1.0

#: Longest time from the expiry time to the last report of an expired order, in seconds.
PATIENCE_S = 60.0


class Round(NamedTuple):
    """The round trips of one server, us, and how long its expiry took, s."""

    without: list[float]
    during: list[float]
    seconds: float


def fill(address: tuple[str, int], orders: int, expiry_ns: int, rng: np.random.Generator) -> None:
    """Enter GTD orders that expire together. They stay when their owner leaves."""
    made = new_orders(orders, side=Side.BID, price=rng.integers(1, PRICES + 1, orders), time_in_force=TimeInForce.GTD)
    made["instrument"] = 1
    encoded, _ = encode_commands(extended(made, expiry_ns=expiry_ns))
    data = encoded.tobytes()
    step = len(data) // orders * CHUNK
    with closing(log_in(*address, MANY, keep_orders=True).connection) as connection:
        for start in range(0, len(data), step):
            part = data[start : start + step]
            connection.sendall(part)
            left = len(part) * CHUNK // step * ExecutionReport.SIZE
            while left:
                left -= len(connection.recv(left))


class Prober:
    """A client that waits for each answer."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.expired: list[int] = []  #: its own orders that expired
        self._next = 100

    def enter_gtd(self, order_id: int, expiry_ns: int) -> None:
        """Enter an order that expires."""
        order = NewOrder(
            instrument=1, order_id=order_id, side=Side.BID, price=1, quantity=1, time_in_force=TimeInForce.GTD,
            instructions=Instruction.EXTENDED,
        )  # fmt: skip
        self._ask(order.encode() + OrderExtension(expiry_ns=expiry_ns).encode(), order_id)

    def round_trips(self) -> list[float]:
        """The round trips of an order and its cancel, us."""
        order_id = self._next
        self._next += 1
        order = NewOrder(instrument=1, order_id=order_id, side=Side.BID, price=1, quantity=1)
        cancel = CancelOrder(instrument=1, order_id=order_id)
        return [self._ask(order.encode(), order_id), self._ask(cancel.encode(), order_id)]

    def _ask(self, message: bytes, order_id: int) -> float:
        began = time.perf_counter_ns()
        self._connection.send(message)
        while (report := self._read()).order_id != order_id:
            if report.kind == ReportKind.EXPIRED:
                self.expired.append(report.order_id)
        return (time.perf_counter_ns() - began) / 1e3

    def _read(self) -> ExecutionReport:
        while True:
            data = self._connection.recv(1)
            size = ExecutionReport.SIZE if data[0] == ExecutionReport.TYPE else 16  # a heartbeat
            data += self._connection.recv(size - 1, socket.MSG_WAITALL)
            if size == ExecutionReport.SIZE:
                return ExecutionReport.decode(data)


def measure(
    orders: int, lead_s: float, server_cpu: int | None, load_cpu: int | None, rng: np.random.Generator
) -> Round:
    """One round: ``lead_s`` seconds from the first order to the expiry time."""
    room = str(1 << max(12, (orders + 1000).bit_length()))
    options = ["--open", "--heartbeat-ms", "600000", "--timeout-ms", "3600000"]  # it sends no heartbeats
    options += ["--stats-interval-ms", "0", "--order-capacity", room, "--max-open-orders", room]
    options += [
        "--feed-store-reports",
        str(1 << 16),
        *(["--gateway-cpus", str(server_cpu)] if server_cpu is not None else []),
    ]
    allowed = os.sched_getaffinity(0)
    with ServerProcess(*options) as server:
        try:
            if load_cpu is not None:
                os.sched_setaffinity(0, {load_cpu})
            return _measure((server.host, server.port), orders, lead_s, rng)
        finally:
            os.sched_setaffinity(0, allowed)


def _measure(address: tuple[str, int], orders: int, lead_s: float, rng: np.random.Generator) -> Round:
    expiry_ns = time.time_ns() + int(lead_s * 1e9)
    with closing(log_in(*address, ONE).connection) as connection:
        prober = Prober(connection)
        prober.enter_gtd(1, expiry_ns)
        fill(address, orders, expiry_ns, rng)
        prober.enter_gtd(2, expiry_ns)
        if time.time_ns() > expiry_ns - int(QUIET_S * 1e9):
            raise click.ClickException(f"the orders took longer than {lead_s - QUIET_S:g} s: give a longer --lead")
        prober.round_trips()
        while time.time_ns() < expiry_ns - int(QUIET_S * 1e9):
            time.sleep(0.001)
        without: list[float] = []
        while not prober.expired:
            without += prober.round_trips()
            if time.time_ns() > expiry_ns + int(PATIENCE_S * 1e9):
                raise click.ClickException("no order expired")
        began = time.monotonic()
        during = prober.round_trips()
        while 2 not in prober.expired:
            during += prober.round_trips()
        return Round(without, during, time.monotonic() - began)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--orders", default=1_000_000, show_default=True, type=click.IntRange(1), help="Orders that expire.")
@click.option("--lead", default=10.0, show_default=True, help="Seconds from the first order to the expiry time.")
@rounds_option(3)
@server_cpu_option
@load_cpu_option
@output_option
def main(orders: int, lead: float, rounds: int, server_cpu: int | None, load_cpu: int | None, output: Path) -> None:
    """Measure how long a client waits while many orders expire on a server."""
    console = wide_console()
    rng = np.random.default_rng(1)
    note = f"stalls of the machine: {stalls.measure()}"
    table = Table("Round trips of a client, us", ["round", "while", "count", "p50", "p99", "p99.9", "max"])
    lasted = []
    with progress(console) as bar:
        task = bar.add_task("expiry", total=rounds)
        for index in range(rounds):
            found = measure(orders, lead, server_cpu, load_cpu, rng)
            for name, trips in (("nothing expires", found.without), (f"{orders:,} orders expire", found.during)):
                parts = [number(float(np.percentile(trips, share))) for share in (50, 99, 99.9, 100)]
                table.rows.append([str(index + 1), name, f"{len(trips):,}", *parts])
            lasted.append(found.seconds)
            bar.advance(task)
    said = f"the expiry took {', '.join(number(seconds) for seconds in lasted)} s"
    publish(console, "benchmarks.expiry", [table], output, "expiry", expiry=said, stalls=note)


if __name__ == "__main__":
    main()
