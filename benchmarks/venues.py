"""Measure what the rules of venues cost: auctions, a cascade of stop orders, orders that expire, a flow with both.

    python -m benchmarks.venues
    python -m benchmarks.venues --orders 1000000 --stops 100000 --rounds 5

Every figure is of calls of `OrderBook.apply`, in processor time of the thread, with the reports that they write. Each
round has fresh books. The table shows mean, median and range over all calls, or over the rounds of the flow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np

from pricetime import COMMAND, CommandType, Instruction, OrderBook, OrderType, Phase, Side, TimeInForce
from pricetime.load.tables import Table
from pricetime.tape.flow import generate, prelude
from pricetime.types import ORDER_EXTENSION

from .report import median, number, output_option, progress, publish, rounds_option, spread, wide_console

Commands = np.ndarray[Any, Any]

PRICES = 10_000
PART = 512  #: orders that one EXPIRE ends: twice as many as one of the server


def new_orders(count: int, **fields: Any) -> Commands:
    """New orders of 1 lot, with ids from 1."""
    commands = np.zeros(count, COMMAND)
    commands["type"], commands["quantity"] = CommandType.NEW_ORDER, 1
    commands["order_id"] = np.arange(1, count + 1)
    for name, value in fields.items():
        commands[name] = value
    return commands


def extended(commands: Commands, **fields: Any) -> Commands:
    """The orders, each followed by its extension."""
    more = np.zeros(len(commands), ORDER_EXTENSION)
    more["type"] = CommandType.ORDER_EXTENSION
    for name, value in fields.items():
        more[name] = value
    commands["instructions"] = Instruction.EXTENDED
    return np.stack([commands, more.view(COMMAND)], axis=1).ravel()


def one(kind: CommandType, **fields: int) -> Commands:
    command = np.zeros(1, COMMAND)
    command["type"] = kind
    for name, value in fields.items():
        command[name] = value
    return command


def timed_ms(book: OrderBook, commands: Commands) -> tuple[float, int]:
    """Return the milliseconds of one call, and the number of its reports."""
    began = time.thread_time_ns()
    reports = len(book.apply(commands))
    return (time.thread_time_ns() - began) / 1e6, reports


def room(orders: int) -> OrderBook:
    return OrderBook(max(orders, 16), level_capacity=max(2 * PRICES, orders), phase=Phase.CONTINUOUS)


def uncross(orders: int, time_in_force: TimeInForce, rng: np.random.Generator) -> list[float]:
    """An uncross of as many buyers as sellers, at random prices of the same range."""
    book = room(orders)
    book.set_phase(Phase.OPENING_AUCTION)
    prices, sides = rng.integers(1, PRICES + 1, orders), rng.integers(1, 3, orders)
    book.apply(new_orders(orders, side=sides, price=prices, time_in_force=time_in_force))
    return [timed_ms(book, one(CommandType.UNCROSS, flags=Phase.CONTINUOUS))[0]]


def cascade(stops: int) -> list[float]:
    """One order that triggers a stop order, whose trade triggers the next, and so on."""
    book = room(2 * stops + 1)
    prices = np.arange(1, stops + 2)
    book.apply(new_orders(stops + 1, side=Side.ASK, price=prices))
    made = new_orders(stops, side=Side.BID, order_type=OrderType.STOP)
    made["order_id"] += stops + 1
    book.apply(extended(made, trigger_price=prices[:-1]))
    taker = one(CommandType.NEW_ORDER, side=Side.BID, quantity=1, price=1, time_in_force=TimeInForce.IOC)
    found, reports = timed_ms(book, taker)
    assert reports == 2 + 2 * stops
    return [found]


def expiries(orders: int, rng: np.random.Generator) -> list[float]:
    """All parts of an expiry of orders that were entered in any order of their times."""
    book = room(orders)
    made = new_orders(orders, side=Side.BID, price=rng.integers(1, PRICES + 1, orders), time_in_force=TimeInForce.GTD)
    made["owner"] = rng.integers(1, 100, orders)
    book.apply(extended(made, expiry_ns=rng.integers(1, 10**12, orders)))
    parts = []
    while len(book):
        parts.append(timed_ms(book, one(CommandType.EXPIRE, quantity=10**12, tag=PART))[0])
    return parts


def flow_rate(commands: int) -> list[float]:
    """M commands/s of the flow ``stops-and-icebergs``."""
    batches = list(generate("stops-and-icebergs", commands, seed=1))
    book = OrderBook(max(commands, 1 << 20))
    for batch in prelude("stops-and-icebergs", seed=1):
        book.apply(batch)
    return [sum(map(len, batches)) / sum(timed_ms(book, batch)[0] for batch in batches) / 1e3]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--orders", default=1_000_000, show_default=True, type=click.IntRange(2), help="Orders of a book.")
@click.option("--stops", default=100_000, show_default=True, type=click.IntRange(1), help="Stop orders of the cascade.")
@click.option("--commands", default=1_000_000, show_default=True, type=click.IntRange(1), help="Commands of the flow.")
@rounds_option(5)
@output_option
def main(orders: int, stops: int, commands: int, rounds: int, output: Path) -> None:
    """Measure auctions, a cascade of stop orders, expiries, and a flow with stop orders and icebergs."""
    console = wide_console()
    rng = np.random.default_rng(1)
    measured: dict[str, Callable[[], list[float]]] = {
        f"uncross of {orders:,} GTC orders, ms": lambda: uncross(orders, TimeInForce.GTC, rng),
        f"uncross of {orders:,} DAY orders, ms": lambda: uncross(orders, TimeInForce.DAY, rng),
        f"cascade of {stops:,} stop orders, ms": lambda: cascade(stops),
        f"expiry of {PART} of {orders:,} GTD orders, ms": lambda: expiries(orders, rng),
        "flow stops-and-icebergs, M commands/s": lambda: flow_rate(commands),
    }
    table = Table("What the rules of venues cost", ["what", "mean", "median", "range"])
    with progress(console) as bar:
        task = bar.add_task("venues", total=rounds * len(measured))
        for name, measure in measured.items():
            found: list[float] = []
            for _ in range(rounds):
                found += measure()
                bar.advance(task)
            table.rows.append([name, number(float(np.mean(found))), median(found), spread(found)])
    publish(console, "benchmarks.venues", [table], output, "venues")


if __name__ == "__main__":
    main()
