"""Measure how long a subscriber waits for a snapshot while other connections attack the recovery server.

    python -m benchmarks.joining --attack none --attack bytes --attack slow

``bytes``: connections that send one byte of a request, and reconnect when the server closes them. ``slow``:
connections that request a snapshot and read a few bytes of it a second. The honest subscriber has the same address as
the attackers, which is the harder case.
"""

from __future__ import annotations

import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import click
import numpy as np

from pricetime.client.client import Client
from pricetime.load.machine import describe
from pricetime.load.server import ServerProcess
from pricetime.types import COMMAND, SNAPSHOT_ORDER, CommandType, Side
from pricetime.wire.messages import SnapshotHeader, SnapshotInstrument, SnapshotRequest

Address = tuple[str, int]

#: Orders that are sent before their answers are read.
BURST = 5_000

#: Time between two joins, and before an attacker reconnects.
PAUSE_S, AGAIN_S = 0.2, 1.0

#: Bytes that a slow reader takes ten times a second, and its receive buffer.
SLOW_BYTES, SLOW_BUFFER = 256, 4096


class Attack(NamedTuple):
    """Connections that occupy places of the recovery server."""

    clients: int
    sends: bytes
    reads: bool  #: read slowly, or not at all


ATTACKS = {
    "none": Attack(0, b"", reads=False),
    "bytes": Attack(64, SnapshotRequest().encode()[:1], reads=False),
    "slow": Attack(63, SnapshotRequest().encode(), reads=True),
}


def join(address: Address) -> tuple[int, int]:
    """Read a whole snapshot, reconnecting as needed; return (connections, orders)."""
    tries = 0
    while True:
        tries += 1
        try:
            with socket.create_connection(address, 30) as connection:
                connection.sendall(SnapshotRequest().encode())
                header = SnapshotHeader.decode(take(connection, SnapshotHeader.SIZE))
                take(connection, header.instruments * SnapshotInstrument.SIZE + header.orders * SNAPSHOT_ORDER.itemsize)
                return tries, header.orders
        except (OSError, ValueError):  # closed to make room, with or without a Logout
            time.sleep(0.02)


def take(connection: socket.socket, n_bytes: int) -> bytes:
    """Read this many bytes. Raises ConnectionError if the connection ends before."""
    pieces, left = [], n_bytes
    while left:
        piece = connection.recv(left)
        if not piece:
            raise ConnectionError(f"closed {left} bytes before the end")
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


@contextmanager
def attacked(address: Address, attack: Attack) -> Iterator[None]:
    """Run the attack during the block."""
    ended = threading.Event()
    threads = [threading.Thread(target=hold_a_place, args=(address, attack, ended)) for _ in range(attack.clients)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(AGAIN_S)
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def hold_a_place(address: Address, attack: Attack, ended: threading.Event) -> None:
    """One attacker: one connection after the other."""
    while not ended.is_set():
        try:
            with socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BUFFER)
                connection.settimeout(0.1)
                connection.connect(address)
                connection.sendall(attack.sends)
                while not ended.is_set() and is_open(connection):
                    ended.wait(0.1 if attack.reads else 0.0)
        except OSError:
            pass
        ended.wait(AGAIN_S)


def is_open(connection: socket.socket) -> bool:
    """Read a little; return False if the server closed the connection."""
    try:
        return bool(connection.recv(SLOW_BYTES))
    except TimeoutError:
        return True


def fill(server: ServerProcess, orders: int) -> None:
    """Enter resting orders of one owner."""
    with Client(server.host, server.port, owner=1, keep_orders=True) as client:
        commands = np.zeros(orders, COMMAND)
        commands["type"], commands["side"], commands["instrument"] = CommandType.NEW_ORDER, Side.BID, 1
        commands["order_id"], commands["price"] = np.arange(orders), 1 + np.arange(orders) % 1000
        commands["quantity"] = 1
        for first in range(0, orders, BURST):
            part = commands[first : first + BURST]
            client.send(part)
            answered = 0
            while answered < len(part):
                answered += len(client.read(10))


@click.command()
@click.option("--attack", "attacks", type=click.Choice(list(ATTACKS)), multiple=True, help="Repeatable [default: all].")
@click.option("--orders", type=click.IntRange(1), default=100_000, show_default=True, help="Orders in the snapshot.")
@click.option("--seconds", type=click.FloatRange(0), default=15.0, show_default=True, help="Joins during each attack.")
def main(attacks: tuple[str, ...], orders: int, seconds: float) -> None:
    """Print how long subscribers waited during each attack."""
    for name, value in describe().items():
        click.echo(f"{name}: {value}")
    click.echo(f"{'attack':8}{'joins':>8}{'median ms':>12}{'longest ms':>12}{'most tries':>12}")
    room = ("--order-capacity", str(2 * orders), "--max-open-orders", str(orders))
    with ServerProcess("--open", "--stats-interval-ms", "0", "--no-prefault", *room) as server:
        fill(server, orders)
        for name in attacks or ATTACKS:
            with attacked(server.recovery, ATTACKS[name]):
                waits: list[float] = []
                most = 0
                end = time.monotonic() + seconds
                while time.monotonic() < end or not waits:
                    began = time.perf_counter()
                    tries, found = join(server.recovery)
                    waits.append(1e3 * (time.perf_counter() - began))
                    assert found == orders
                    most = max(most, tries)
                    time.sleep(PAUSE_S)
            click.echo(f"{name:8}{len(waits):8}{statistics.median(waits):12.1f}{max(waits):12.1f}{most:12}")


if __name__ == "__main__":
    main()
