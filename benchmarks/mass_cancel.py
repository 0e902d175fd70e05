"""Measure how long a client waits while a second client cancels, or disconnects with, many orders.

    python -m benchmarks.mass_cancel --orders 400000
    python -m benchmarks.mass_cancel --python OTHER/CHECKOUT/.venv/bin/python

One client has many orders in a server. A second client sends one order after the other and waits for each answer; the
longest wait is the stall. It is measured while nothing else happens, during a mass cancel, and after a disconnection.
Each line is the round with the shortest stall of several, each with a fresh server, because other work of the machine
only lengthens it.
"""

from __future__ import annotations

import multiprocessing
import socket
import subprocess
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from pricetime.load.login import log_in
from pricetime.load.machine import describe
from pricetime.load.server import ServerProcess
from pricetime.types import ALL_INSTRUMENTS, COMMAND, REPORT, CommandType, ReportKind, Side, TimeInForce
from pricetime.wire.bulk import encode_commands
from pricetime.wire.messages import MassCancel, NewOrder

#: Orders that are sent before their answers are read.
BURST = 10_000

#: How long the second client is measured while nothing else happens.
QUIET_S = 2.0


class Waits(NamedTuple):
    """The waits of the second client."""

    what: str
    seconds: float  #: until all orders were cancelled
    orders: int  #: waits during that time
    median_ns: float
    longest_ns: int


class OtherServer(ServerProcess):
    """A server that a different interpreter runs."""

    python: Path

    def _begin(self, *arguments: str) -> subprocess.Popen[str]:
        command = [str(self.python), "-m", "pricetime", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


# ---------------------------------------------------------------------- the client with many orders, a process


def hold_orders(address: tuple[str, int], orders: int, asked: Connection) -> None:
    """Enter the orders; on request cancel them or disconnect. Sends a message when done."""
    connection = log_in(*address, owner=1)[0]
    connection.settimeout(60)
    commands = np.zeros(orders, COMMAND)
    commands["type"], commands["side"], commands["instrument"] = CommandType.NEW_ORDER, Side.BID, 1
    commands["order_id"] = 1 + np.arange(orders)
    commands["price"], commands["quantity"] = 1000 + np.arange(orders) % 1000, 1
    for first in range(0, orders, BURST):
        connection.sendall(encode_commands(commands[first : first + BURST])[0].data)
        take(connection, len(commands[first : first + BURST]))
    asked.send("entered")
    if asked.recv() == "cancel":
        connection.sendall(MassCancel(instrument=ALL_INSTRUMENTS).encode())
        last = take(connection, orders + 1)
        assert (last["kind"], last["quantity"]) == (ReportKind.MASS_CANCELLED, orders), last
    connection.close()
    asked.send("done")


def take(connection: socket.socket, count: int) -> np.void:
    """Read this many reports; return the last one."""
    data = bytearray(count * REPORT.itemsize)
    view = memoryview(data)
    while view:
        n_bytes = connection.recv_into(view)
        if n_bytes == 0:
            raise ConnectionError("the server closed the connection")
        view = view[n_bytes:]
    last: np.void = np.frombuffer(data, REPORT)[-1]
    return last


# ---------------------------------------------------------------------- the second client


class Probe:
    """Sends one order after the other; none trades, and none may rest."""

    def __init__(self, host: str, port: int) -> None:
        self.connection = log_in(host, port, owner=2)[0]
        order = NewOrder(side=Side.BID, time_in_force=TimeInForce.IOC, instrument=1, order_id=1, price=1, quantity=1)
        self.message = order.encode()
        self.waits: list[int] = []

    def once(self) -> None:
        """Send one order and wait for its two reports."""
        began = time.perf_counter_ns()
        self.connection.sendall(self.message)
        take(self.connection, 2)
        self.waits.append(time.perf_counter_ns() - began)

    def taken(self, what: str, began_s: float) -> Waits:
        """Return the waits since the last call."""
        waits, self.waits = np.array(self.waits), []
        return Waits(what, time.monotonic() - began_s, len(waits), float(np.median(waits)), int(waits.max()))


def measure(server: ServerProcess, orders: int, how: str) -> list[Waits]:
    """Return the waits while nothing happens, and while the orders are cancelled."""
    asked, theirs = multiprocessing.Pipe()
    holder = multiprocessing.Process(target=hold_orders, args=((server.host, server.port), orders, theirs), daemon=True)
    holder.start()
    asked.recv()
    probe = Probe(server.host, server.port)
    began_s = time.monotonic()
    while time.monotonic() < began_s + QUIET_S:
        probe.once()
    quiet = probe.taken("nothing else", began_s)
    began_s = time.monotonic()
    asked.send(how)
    done = False
    while not done or (how == "leave" and time.monotonic() < began_s + QUIET_S):
        probe.once()
        done = done or asked.poll()
    found = [quiet, probe.taken("mass cancel" if how == "cancel" else "disconnect", began_s)]
    holder.join()
    probe.connection.close()
    return found


@click.command()
@click.option("--orders", default=400_000, show_default=True, help="Orders of the first client.")
@click.option("--rounds", default=5, show_default=True, help="Fresh servers for each line.")
@click.option("--python", type=click.Path(path_type=Path), help="Interpreter of a different build to run the server.")
@click.option("--journal", type=click.Path(path_type=Path), help="Folder for the journals of the rounds.")
@click.option("--acknowledge", default="memory", show_default=True, help="Acknowledgement level, with a journal.")
def main(orders: int, rounds: int, python: Path | None, journal: Path | None, acknowledge: str) -> None:
    """Print the longest wait of the second client."""
    for name, value in describe().items():
        click.echo(f"{name}: {value}")
    click.echo(f"{'while':<14} {'orders':>8} {'for, s':>7} {'median, us':>11} {'longest, us':>12}")
    if python is not None:
        OtherServer.python = python
    for how in ("cancel", "leave"):
        found = []
        for number in range(rounds):
            options = ["--open", "--order-capacity", str(4 * orders), "--stats-interval-ms", "0"]
            options += ["--heartbeat-ms", "600000", "--timeout-ms", "3600000"]
            options += ["--stream-reports", str(2**20), "--outbound-bytes", str(2**20 * REPORT.itemsize)]
            if journal is not None:
                options += ["--journal", str(journal / f"{how}-{number}"), "--acknowledge", acknowledge]
            with (ServerProcess if python is None else OtherServer)(*options) as server:
                found.append(measure(server, orders, how))
        for waits in (min(each, key=lambda waits: waits.longest_ns) for each in zip(*found, strict=True)):
            times = f"{waits.median_ns / 1e3:>11,.1f} {waits.longest_ns / 1e3:>12,.1f}"
            click.echo(f"{waits.what:<14} {waits.orders:>8,} {waits.seconds:>7.2f} {times}")


if __name__ == "__main__":
    main()
