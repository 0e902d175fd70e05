"""Measure a LOBSTER replay in rows a second of processor time, with a generated pair of files.

python -m benchmarks.lobster --lines 500000 --levels 10
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from time import process_time

import click

from pricetime import OrderBook, Side
from pricetime.tape.formats import open_replay
from pricetime.tape.lobster import NO_LEVEL, Kind

from .report import rounds_option

MIDDLE, TICK, SPREAD = 5_853_300, 100, 12


def write_pair(folder: Path, lines: int, levels: int, seed: int = 1) -> tuple[Path, Path]:
    """Write a day of one stock: orders near the best prices arrive, leave and trade; orders outside the window stay."""
    chance = random.Random(seed)
    book = OrderBook()
    live: list[int] = []
    messages = folder / f"X_message_{levels}.csv"
    orderbook = folder / f"X_orderbook_{levels}.csv"
    with messages.open("w") as told, orderbook.open("w") as shown:
        for number in range(lines):
            kind, order_id, size, price, side = _message(book, live, chance, number, levels)
            direction = 1 if side == Side.BID else -1
            time = f"{34200 + number * 23400 // lines}.{chance.randrange(10**9):09}"
            told.write(f"{time},{int(kind)},{order_id},{size},{price},{direction}\n")
            shown.write(_row(book, levels))
    return messages, orderbook


def _message(
    book: OrderBook, live: list[int], chance: random.Random, number: int, levels: int
) -> tuple[Kind, int, int, int, int]:
    side = chance.choice((Side.BID, Side.ASK))
    best = book.best_bid if side is Side.BID else book.best_ask
    choice = chance.random()
    if best is not None and choice < 0.12:
        first = book.orders(side, best)[0]
        size = chance.randint(1, first.quantity)
        book.reduce_order(first.id, size)
        return Kind.EXECUTION, first.id, size, best, side
    if len(live) > 200 and choice < 0.55 and (known := _visible(book, live, chance, levels)) is not None:
        order = book.order(known)
        part = chance.random() < 0.1 and order.quantity > 1
        size = order.quantity // 2 if part else order.quantity
        book.reduce_order(known, size)
        return Kind.PARTIAL_CANCEL if part else Kind.DELETE, known, size, order.price, order.side
    distance = TICK * chance.randint(0, 2 * levels)
    price = MIDDLE - SPREAD * TICK // 2 - distance if side is Side.BID else MIDDLE + SPREAD * TICK // 2 + distance
    shown = book.depth(levels)[side is Side.ASK]["price"].tolist()
    if len(shown) == levels:  # LOBSTER has no deeper levels
        price = max(price, shown[-1]) if side is Side.BID else min(price, shown[-1])
    size = chance.randint(1, 500)
    order_id = 10_000_000 + number
    book.add_order(order_id, side, price, size)
    live.append(order_id)
    return Kind.NEW, order_id, size, price, side


def _visible(book: OrderBook, live: list[int], chance: random.Random, levels: int) -> int | None:
    """Return an order that rests within the window; remove those found to be gone from the list."""
    deepest = [level["price"][-1] for level in book.depth(levels)]
    for _ in range(20):
        at = chance.randrange(len(live))
        live[at], live[-1] = live[-1], live[at]
        order_id = live[-1]
        if order_id not in book:
            live.pop()
            continue
        order = book.order(order_id)
        if (order.price >= deepest[0]) if order.side is Side.BID else (order.price <= deepest[1]):
            live.pop()
            if order.quantity > 1:
                live.append(order_id)
            return order_id
    return None


def _row(book: OrderBook, levels: int) -> str:
    bids, asks = (side.tolist() for side in book.depth(levels))
    fields: list[int] = []
    for i in range(levels):
        fields += asks[i][:2] if i < len(asks) else (NO_LEVEL, 0)
        fields += bids[i][:2] if i < len(bids) else (-NO_LEVEL, 0)
    return ",".join(map(str, fields)) + "\n"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--lines", default=500_000, show_default=True, help="Messages of the tape.")
@click.option("--levels", default=10, show_default=True, help="Levels of its rows.")
@rounds_option(3)
def main(lines: int, levels: int, rounds: int) -> None:
    """Replay a generated tape and print the rows per second of processor time."""
    with tempfile.TemporaryDirectory() as folder:
        messages, orderbook = write_pair(Path(folder), lines, levels)
        for _ in range(rounds):
            started = process_time()
            outcome = open_replay(messages, OrderBook, orderbook=orderbook).run()
            speed = outcome.records / (process_time() - started)
            print(f"{levels} levels: {speed:,.0f} rows/s of processor time, {outcome.exact:,} trades exact")


if __name__ == "__main__":
    main()
