"""Measure what open live pages cost traders: p99 with many pages and with none, in alternating runs.

    python -m benchmarks.pages --rate 100000 --seconds 5 --turns 7

Each run has a fresh server that gets the same orders at the same rate. With pages, a separate process holds them open
over WebSockets and takes every frame. *Tick to trade* is measured in the server, from the recv that returned an order
to the send of the datagram with its last report. The processor time is that of the server's main thread, which serves
the pages and carries no orders. Exits 1 if pages raise p99 by more than the promised 10 %.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import click
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from benchmarks.exchange import pin, pinned
from benchmarks.statistics import compare
from pricetime.load.load import Load
from pricetime.load.machine import describe
from pricetime.load.plan import make_plans
from pricetime.load.server import ServerProcess

#: The most that pages may add to p99, as a fraction.
PROMISED = 0.10

#: The fewest runs that allow a conclusion.
LEAST_TURNS = 5


class Turn(NamedTuple):
    """The result of one run."""

    p50_ns: float
    p99_ns: float
    busy_s: float  #: processor time of the server's main thread while orders came
    frames: int  #: bytes sent to all pages
    frame_bytes: int


@dataclass
class Conditions:
    """The settings of all runs."""

    rate: float
    seconds: float
    sessions: int
    preset: str
    server_cpu: int | None
    load_cpu: int | None

    def take(self, pages: int) -> Turn:
        """Run once with this many pages."""
        options = ["--open", "--stats-interval-ms", "0", "--http-port", "0", "--http-pages", str(max(pages, 1))]
        if self.server_cpu is not None:
            options += ["--gateway-cpus", str(self.server_cpu)]
        first, plans = make_plans(self.preset, int(self.rate * self.seconds), self.sessions)
        flow = list(plans)
        with (
            ServerProcess(*options) as server,
            pinned(self.load_cpu),
            Load(server.host, server.port, self.sessions) as load,
        ):
            load.send(first, self.rate)
            load.wait_answered()
            with opened(int(server.last("serving")["http_port"]), pages, self.load_cpu) as seen:
                before, at = busy_s(server.process.pid), None
                for plan in flow:
                    at = load.send(plan, self.rate, at)
                load.wait_answered()
                busy = busy_s(server.process.pid) - before
            server.stop()
            stats = server.last("stats")
        return Turn(stats["tick_to_trade_p50_ns"], stats["tick_to_trade_p99_ns"], busy, *seen)


@contextmanager
def opened(port: int, pages: int, cpu: int | None) -> Iterator[list[int]]:
    """Open this many pages in a separate process. At the end the list has frames and their bytes."""
    seen = [0, 0]
    if not pages:
        yield seen
        return
    here, there = multiprocessing.Pipe()
    watcher = multiprocessing.get_context("spawn").Process(target=watch, args=(port, pages, cpu, there))
    watcher.start()
    there.close()  # only this end stays open: if the process fails, recv reports it
    try:
        here.recv()  # all are open
        yield seen
        here.send("enough")
        seen[:] = here.recv()
    finally:
        watcher.join(10)
        watcher.kill()


def watch(port: int, pages: int, cpu: int | None, pipe: Connection) -> None:
    """Open pages and read their frames until a message ends it."""
    pin(cpu)
    pipe.send(asyncio.run(watch_all(port, pages, pipe)))


async def watch_all(port: int, pages: int, pipe: Connection) -> list[int]:
    seen = [0, 0]
    ready = [asyncio.Event() for _ in range(pages)]
    tasks = [asyncio.create_task(watch_one(port, seen, event)) for event in ready]
    await asyncio.gather(*(event.wait() for event in ready))
    pipe.send("open")
    await asyncio.to_thread(pipe.recv)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return seen


async def watch_one(port: int, seen: list[int], ready: asyncio.Event) -> None:
    address = f"127.0.0.1:{port}"
    # Connections that wait for their page are limited: one that the server closes meanwhile is opened again.
    async for page in connect(f"ws://{address}/live", origin=Origin(f"http://{address}"), compression=None):
        while True:
            try:
                frame = await page.recv(decode=False)
            except ConnectionClosed:
                return
            ready.set()
            seen[0] += 1
            seen[1] += len(frame)
            os.sched_yield()  # gives way to the load generator, so that the pages delay it as little as possible


def busy_s(pid: int) -> float:
    """Return the processor time of the main thread of a process."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pages", default=20, show_default=True, type=click.IntRange(1, 1000), help="Open pages.")
@click.option("--turns", default=7, show_default=True, type=click.IntRange(LEAST_TURNS), help="Pairs of runs.")
@click.option("--rate", default=100_000.0, show_default=True, help="Orders a second.")
@click.option("--seconds", default=5.0, show_default=True, help="Duration of each run.")
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--preset", default="balanced", show_default=True, help="Order flow, a preset of pricetime.tape.flow.")
@click.option("--server-cpu", type=int, help="Processor of the event loop.")
@click.option("--load-cpu", type=int, help="Processor of load generator and pages.")
def main(
    pages: int, turns: int, rate: float, seconds: float, sessions: int, preset: str, server_cpu: int | None,
    load_cpu: int | None,
) -> None:  # fmt: skip
    """Measure tick to trade with and without open pages."""
    for name, value in describe().items():
        print(f"  {name:<26}{value}")
    conditions = Conditions(rate, seconds, sessions, preset, server_cpu, load_cpu)
    without: list[Turn] = []
    having: list[Turn] = []
    for done in range(turns):
        for count, taken in ((0, without), (pages, having))[:: -1 if done % 2 else 1]:
            taken.append(conditions.take(count))
            print(f"  run {done + 1}, {count:>3} pages  {told(taken[-1])}", flush=True)
    sys.exit(verdict(without, having, pages, seconds))


def told(turn: Turn) -> str:
    return (
        f"p50 {turn.p50_ns / 1e3:8,.1f} us  p99 {turn.p99_ns / 1e3:10,.1f} us  main thread {1e3 * turn.busy_s:6.0f} ms"
    )


def verdict(without: list[Turn], having: list[Turn], pages: int, seconds: float) -> int:
    """Print the comparison; return 1 if pages cost more than promised."""
    found = compare([turn.p99_ns for turn in without], [turn.p99_ns for turn in having])
    frames = statistics.median(turn.frames for turn in having)
    size = sum(turn.frame_bytes for turn in having) / max(1, sum(turn.frames for turn in having))
    busy = statistics.median(b.busy_s - a.busy_s for a, b in zip(without, having, strict=True))
    worse = found.low > 1 and found.ratio > 1 + PROMISED
    print(f"  p99 with {pages} pages          {found.ratio:.3f} of p99 without ({found.low:.3f} to {found.high:.3f})")
    print(f"  frames a page              {frames / pages / seconds:.1f} a second, {size:,.0f} bytes each")
    print(f"  processor time for pages   {1000 * busy / seconds:.0f} ms a second, all pages")
    print(f"  {'MORE than' if worse else 'within'} the promised {PROMISED:.0%}")
    return int(worse)


if __name__ == "__main__":
    main()
