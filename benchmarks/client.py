"""Commands per second of the clients, through a server on this machine: one figure a row.

    python -m benchmarks.client
    python -m benchmarks.client --commands 1000000 --rounds 5

Half of the commands enter an order that rests, half cancel it again, so the book stays small. They are pipelined: each
row sends a window of commands before it takes the answers of the window before. The first two rows take the result of
every future; the last one sends arrays and reads arrays of reports. The best of the rounds is printed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np

from pricetime.client import AsyncClient, Client
from pricetime.client.future import CommandFuture
from pricetime.load.machine import describe
from pricetime.load.server import ServerProcess
from pricetime.types import COMMAND, CommandType, Side

#: Commands that are sent before the answers of as many before them are taken.
WINDOW = 10_000

ANSWER_S = 30.0


def with_futures(server: ServerProcess, commands: int) -> float:
    """Commands per second of a ``Client``: one call and one future each."""
    with Client(server.host, server.port, owner=1) as client:
        waiting: list[CommandFuture[Any]] = []
        began = time.perf_counter()
        for first in range(0, commands // 2, WINDOW // 2):
            window: list[CommandFuture[Any]] = []
            for order_id in range(first, first + WINDOW // 2):
                window.append(client.add_order(order_id, Side.BID, 100, 1))
                window.append(client.cancel_order(order_id))
            for future in waiting:
                future.result(ANSWER_S)
            client.read()
            waiting = window
        for future in waiting:
            future.result(ANSWER_S)
        return commands / (time.perf_counter() - began)


def with_asyncio(server: ServerProcess, commands: int) -> float:
    """Commands per second of an ``AsyncClient``: one call and one future each."""

    async def run() -> float:
        async with AsyncClient(server.host, server.port, owner=2) as client:
            waiting: list[CommandFuture[Any]] = []
            began = time.perf_counter()
            for first in range(0, commands // 2, WINDOW // 2):
                window: list[CommandFuture[Any]] = []
                for order_id in range(first, first + WINDOW // 2):
                    window.append(client.add_order(order_id, Side.BID, 100, 1))
                    window.append(client.cancel_order(order_id))
                for future in waiting:
                    await future
                await client.read()
                waiting = window
            for future in waiting:
                await future
            return commands / (time.perf_counter() - began)

    return asyncio.run(run())


def in_bulk(server: ServerProcess, commands: int) -> float:
    """Commands per second of ``Client.send`` and ``Client.read``."""
    window = np.zeros(WINDOW, COMMAND)
    window["type"][0::2], window["type"][1::2] = CommandType.NEW_ORDER, CommandType.CANCEL_ORDER
    window["instrument"], window["side"], window["price"], window["quantity"] = 1, Side.BID, 100, 1
    window["order_id"] = np.arange(WINDOW) // 2
    with Client(server.host, server.port, owner=3) as client:
        sent = answered = 0
        began = time.perf_counter()
        while answered < commands:
            if sent < commands and sent - answered <= WINDOW:
                client.send(window)
                sent += WINDOW
            answered += len(client.read(0.0 if sent - answered <= WINDOW and sent < commands else ANSWER_S))
        return commands / (time.perf_counter() - began)


ROWS: dict[str, Callable[[ServerProcess, int], float]] = {
    "Client, a future each": with_futures,
    "AsyncClient, a future each": with_asyncio,
    "Client, send and read": in_bulk,
}


@click.command()
@click.option("--commands", type=click.IntRange(WINDOW), default=400_000, show_default=True, help="In each round.")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="Of each row; the best counts.")
def main(commands: int, rounds: int) -> None:
    """Print how many commands per second each way of sending takes."""
    for name, value in describe().items():
        click.echo(f"{name}: {value}")
    commands -= commands % WINDOW
    with ServerProcess("--open", "--stats-interval-ms", "0", "--order-capacity", str(1 << 16)) as server:
        for name, row in ROWS.items():
            rates = [row(server, commands) for _ in range(rounds)]
            click.echo(f"{name:28}{max(rates):>12,.0f} commands/s")


if __name__ == "__main__":
    main()
