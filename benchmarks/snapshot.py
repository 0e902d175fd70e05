"""``python -m benchmarks.snapshot``: measure a snapshot of a million resting orders and its restore.

    capture    Engine.commands: the orders, in an order of entry, into an array; the engine stands still
    write      into a file in --folder, fsync, rename
    load       from that file, which is in the page cache; CRC and counts
    restore    Engine.restore into a new engine
    digest     of all books, compared with the one in the snapshot

A new engine gets its memory from the system during the restore, which costs most in the first round.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np

from benchmarks.rounds import no_collector
from pricetime import COMMAND, CommandType, Engine, Instrument
from pricetime.load.machine import describe
from pricetime.log.position import Position
from pricetime.log.snapshot import OWNER, SnapshotFile, load, write
from pricetime.native.disk import Disk
from pricetime.types import REPORT

T = TypeVar("T")

STEPS = ("capture", "write", "load", "restore", "digest")
OWNER_LIMIT = 1 << 16
LEVELS_A_SIDE = 2000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--orders", default=1_000_000, show_default=True, type=click.IntRange(1), help="That rest.")
@click.option("--owners", default=1000, show_default=True, type=click.IntRange(1, OWNER_LIMIT - 1))
@click.option("--instruments", default=1, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1))
@click.option(
    "--folder", type=click.Path(path_type=Path, exists=True), help="Folder to write to: on a disk, not in memory."
)
def main(orders: int, owners: int, instruments: int, rounds: int, folder: Path | None) -> None:
    """Take a snapshot of books, write it, load it, and restore the books."""
    for name, value in describe().items():
        print(f"  {name:<26}{value}")
    engine = filled(orders, owners, instruments)
    with tempfile.TemporaryDirectory(dir=folder) as where, no_collector():
        took = [one_round(engine, Path(where)) for _ in range(rounds)]
    print(f"\n  {orders} orders of {owners} owners, {instruments} instruments; median, min and max of {rounds} rounds")
    for step in STEPS:
        times = [one[step] for one in took]
        middle, least, most = statistics.median(times), min(times), max(times)
        ns = f"{middle / orders:.0f} ns an order ({least / orders:.0f} to {most / orders:.0f})"
        print(f"  {step:<12}{middle / 1e6:8.1f} ms   {ns}")


def filled(orders: int, owners: int, instruments: int) -> Engine:
    """Return an engine with uncrossed books whose orders were entered in random order."""
    rng = np.random.default_rng(0)
    commands = np.zeros(orders, COMMAND)
    commands["type"] = CommandType.NEW_ORDER
    commands["instrument"] = rng.integers(0, instruments, orders)
    commands["side"] = 1 + rng.integers(0, 2, orders)
    away = rng.integers(1, LEVELS_A_SIDE + 1, orders)
    commands["price"] = np.where(commands["side"] == 1, -away, away)
    commands["quantity"] = rng.integers(1, 1000, orders)
    commands["owner"] = rng.integers(1, owners + 1, orders)
    commands["order_id"] = commands["owner"].astype(np.uint64) << np.uint64(48) | rng.permutation(orders).astype("u8")
    engine = empty([Instrument(number) for number in range(instruments)], orders)
    engine.apply(commands)
    return engine


def empty(instruments: list[Instrument], orders: int) -> Engine:
    return Engine(instruments, capacity=orders, owner_limit=OWNER_LIMIT)


def one_round(engine: Engine, folder: Path) -> dict[str, int]:
    """Return the ns of each step."""
    took: dict[str, int] = {}

    def timed(step: str, work: Callable[..., T], *given: Any) -> T:
        begun = time.perf_counter_ns()
        result = work(*given)
        took[step] = time.perf_counter_ns() - begun
        return result

    nothing = np.zeros(0, REPORT)
    commands = timed("capture", engine.commands)
    snapshot = SnapshotFile(
        Position(1, 4096, 0, len(commands)), 1, bytes(32), 0, 0, engine.seq_num, engine.digest(references=True),
        engine.next_reference, 1, 1, 0, commands, np.zeros(0, OWNER), nothing, nothing,
    )  # fmt: skip
    path = timed("write", write, Disk(), folder, snapshot)
    loaded = timed("load", load, Disk(), path)
    other = empty(list(engine.instruments.values()), len(commands))
    timed("restore", other.restore, loaded.commands, loaded.seq_num, loaded.next_reference)
    if timed("digest", other.digest, True) != loaded.books:
        raise click.ClickException("the books differ")
    return took


if __name__ == "__main__":
    main()
