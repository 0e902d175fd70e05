"""``python -m benchmarks.cluster_pages``: measure appends of pages to three NATS servers that sync every message."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from pricetime.cluster.connection import connected
from pricetime.cluster.page import COMMANDS, NO_DIGEST, Message, Page, TermRecord
from pricetime.cluster.servers import LocalServers
from pricetime.cluster.stream import IN_FLIGHT, PageStream
from pricetime.load.tables import Table
from pricetime.log.batch import Commands
from pricetime.log.configuration import Configuration

from .report import (
    directory_option,
    median,
    number,
    output_option,
    progress,
    publish,
    rounds_option,
    spread,
    wide_console,
)
from .workloads import load


@dataclass
class Appends:
    """Pages of one size, so many in flight, round by round."""

    commands: int  #: of a page
    in_flight: int
    rates: list[float] = field(default_factory=list)  #: commands a second
    percentiles: list[list[float]] = field(default_factory=list)  #: p50, p99 and maximum of an append, ms


class Writer:
    """Appends pages to a stream that has no other writer."""

    def __init__(self, stream: PageStream, commands: Commands) -> None:
        self.stream, self.commands = stream, commands
        self.sequence, self.before = 0, NO_DIGEST
        self.first = 1

    async def begin(self) -> None:
        """Begin a term."""
        await self.stream.last()
        configuration = Configuration((), 1, 1, 0)
        record = TermRecord.make(
            1, 1, NO_DIGEST,
            node="benchmark", began_ns=0, epoch=0, configuration=configuration, addresses={}, program="",
        )  # fmt: skip
        await (await self.send(record))

    async def send(self, message: Message) -> asyncio.Future[int]:
        future = await self.stream.append(message, self.sequence)
        self.sequence, self.before = self.sequence + 1, message.digest
        return future

    def page(self, count: int) -> Page:
        """The next page; its orders are repeated ones, and only their number is new."""
        commands = self.commands[:count]
        commands["sequence"] = np.arange(self.first, self.first + count, dtype=np.uint64)
        made = Page.make(1, self.first, commands, [], self.before)
        self.first += count
        return made

    async def measure(self, figures: Appends, seconds: float) -> None:
        """Append for so long, with so many pages in flight."""
        took: list[float] = []
        sent = 0
        flying: list[asyncio.Future[int]] = []

        def note(began: float) -> Callable[[asyncio.Future[int]], None]:
            return lambda _: took.append(time.perf_counter() - began)

        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            page, asked = self.page(figures.commands), time.perf_counter()
            future = await self.send(page)
            future.add_done_callback(note(asked))
            flying.append(future)
            sent += figures.commands
            if len(flying) >= figures.in_flight:
                await flying.pop(0)
        await asyncio.gather(*flying)
        figures.rates.append(sent / (time.perf_counter() - began))
        figures.percentiles.append([float(value) for value in np.percentile(np.array(took) * 1e3, [50, 99, 100])])


async def measure(
    servers: LocalServers, rounds: int, seconds: float, advance: Callable[[], None] = lambda: None
) -> list[Appends]:
    """Run every kind in every round."""
    kinds = [Appends(COMMANDS, IN_FLIGHT), Appends(COMMANDS, 1), Appends(1, IN_FLIGHT), Appends(1, 1)]
    commands = np.concatenate(load("balanced", COMMANDS, seed=1).commands)[:COMMANDS].copy()
    async with connected(servers.urls) as client:
        for at in range(rounds):
            stream = await PageStream.create(client, "benchmark", f"round{at}")
            writer = Writer(stream, commands)
            await writer.begin()
            for figures in kinds:
                await writer.measure(figures, seconds)
                advance()
            await stream.close()
    return kinds


def table_of(kinds: list[Appends]) -> Table:
    columns = ["commands a page", "in flight", "commands/s", "range", "p50 ms", "p99 ms", "max ms"]
    table = Table("Pages into the stream", columns, names=2)
    for figures in kinds:
        p50, p99, most = np.median(figures.percentiles, axis=0)
        cells = [f"{figures.commands:,}", str(figures.in_flight), median(figures.rates), spread(figures.rates)]
        table.rows.append([*cells, number(p50), number(p99), number(most)])
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@rounds_option(3)
@click.option("--seconds", default=3.0, show_default=True, help="Length of each run.")
@directory_option
@output_option
def main(rounds: int, seconds: float, directory: Path, output: Path) -> None:
    """Measure the stream of a partition on three NATS servers of this machine, which share its disk and processors.

    \b
    commands/s   acknowledged by a majority of the servers: median over the rounds, minimum and maximum
    p50 ... max  from the append of a page to its acknowledgement

    The folder --output gets cluster_pages.md and cluster_pages.json.
    """
    console = wide_console()
    directory.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="nats-", dir=directory) as folder,
        LocalServers(Path(folder)) as servers,
        progress(console) as shown,
    ):
        task = shown.add_task("rounds", total=4 * rounds)
        kinds = asyncio.run(measure(servers, rounds, seconds, lambda: shown.advance(task)))
    publish(console, "benchmarks.cluster_pages", [table_of(kinds)], output, "cluster_pages")


if __name__ == "__main__":
    main()
