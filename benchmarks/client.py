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
from pricetime.load.server import ServerProcess
from pricetime.types import COMMAND, CommandType, Side

from .report import rounds_option, show_machine

#: Commands that are sent before the answers of as many before them are taken.
WINDOW = 10_000

ANSWER_S = 30.0


def send_window(client: Client | AsyncClient, first: int) -> list[CommandFuture[Any]]:
    """Enter and cancel orders, with ids from the given one on."""
    sent: list[CommandFuture[Any]] = []
    for order_id in range(first, first + WINDOW // 2):
        sent.append(client.add_order(order_id, Side.BID, 100, 1))
        sent.append(client.cancel_order(order_id))
    return sent


def with_futures(server: ServerProcess, commands: int) -> None:
    with Client(server.host, server.port, owner=1) as client:
        waiting: list[CommandFuture[Any]] = []
        for first in range(0, commands // 2, WINDOW // 2):
            window = send_window(client, first)
            for future in waiting:
                future.result(ANSWER_S)
            client.read()
            waiting = window
        for future in waiting:
            future.result(ANSWER_S)


def with_asyncio(server: ServerProcess, commands: int) -> None:
    async def run() -> None:
        async with AsyncClient(server.host, server.port, owner=2) as client:
            waiting: list[CommandFuture[Any]] = []
            for first in range(0, commands // 2, WINDOW // 2):
                window = send_window(client, first)
                for future in waiting:
                    await future
                await client.read()
                waiting = window
            for future in waiting:
                await future

    asyncio.run(run())


def in_bulk(server: ServerProcess, commands: int) -> None:
    window = np.zeros(WINDOW, COMMAND)
    window["type"][0::2], window["type"][1::2] = CommandType.NEW_ORDER, CommandType.CANCEL_ORDER
    window["instrument"], window["side"], window["price"], window["quantity"] = 1, Side.BID, 100, 1
    window["order_id"] = np.arange(WINDOW) // 2
    with Client(server.host, server.port, owner=3) as client:
        sent = answered = 0
        while answered < commands:
            if sent < commands and sent - answered <= WINDOW:
                client.send(window)
                sent += WINDOW
            answered += len(client.read(0.0 if sent - answered <= WINDOW and sent < commands else ANSWER_S))


ROWS: dict[str, Callable[[ServerProcess, int], None]] = {
    "Client, a future each": with_futures,
    "AsyncClient, a future each": with_asyncio,
    "Client, send and read": in_bulk,
}


@click.command()
@click.option("--commands", type=click.IntRange(WINDOW), default=400_000, show_default=True, help="In each round.")
@rounds_option(3)
def main(commands: int, rounds: int) -> None:
    """Print how many commands per second each way of sending takes, the best of the rounds."""
    show_machine()
    commands -= commands % WINDOW
    with ServerProcess("--open", "--stats-interval-ms", "0", "--order-capacity", str(1 << 16)) as server:
        for name, row in ROWS.items():
            rates = []
            for _ in range(rounds):
                began = time.perf_counter()
                row(server, commands)
                rates.append(commands / (time.perf_counter() - began))
            click.echo(f"  {name:28}{max(rates):>12,.0f} commands/s")


if __name__ == "__main__":
    main()
