"""What the live page costs those who trade: p99 with many pages open against none, turn and turn about.

    python -m benchmarks.pages --rate 100000 --seconds 5 --turns 7

Each turn is a fresh server that gets the same orders at the same rate; with pages, a process of its own holds them open
over WebSockets and takes every frame. *Tick to trade* is measured inside the server: from the recv that returned an
order to the datagram with its last report handed to the kernel. The processor time is that of the server's main
thread, which serves the pages and carries no order. Exit code 1 when pages make p99 worse by more than the 10 % that
are promised.
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
from pricetime.measure.load import Load
from pricetime.measure.machine import describe
from pricetime.measure.plan import make_plans
from pricetime.measure.server import ServerProcess

#: What pages may cost, as a part of p99.
PROMISED = 0.10

#: Turns below which nothing can be said.
LEAST_TURNS = 5


class Turn(NamedTuple):
    """What one server did."""

    p50_ns: float
    p99_ns: float
    busy_s: float  #: processor time of the server's main thread while orders came
    frames: int  #: that all pages were sent
    frame_bytes: int


@dataclass
class Conditions:
    """What every turn has in common."""

    rate: float
    seconds: float
    sessions: int
    preset: str
    server_cpu: int | None
    load_cpu: int | None

    def take(self, pages: int) -> Turn:
        """One turn with so many pages."""
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
    """So many pages, in a process of their own. In the end the list has frames and their bytes."""
    seen = [0, 0]
    if not pages:
        yield seen
        return
    here, there = multiprocessing.Pipe()
    watcher = multiprocessing.get_context("spawn").Process(target=watch, args=(port, pages, cpu, there))
    watcher.start()
    there.close()  # its end alone: if it fails, recv says so
    try:
        here.recv()  # all are open
        yield seen
        here.send("enough")
        seen[:] = here.recv()
    finally:
        watcher.join(10)
        watcher.kill()


def watch(port: int, pages: int, cpu: int | None, pipe: Connection) -> None:
    """Open pages and take what they are sent, until told that it is enough."""
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
            os.sched_yield()  # to the load generator, which is to be no later for these pages than it must


def busy_s(pid: int) -> float:
    """Processor time that the main thread of a process has had."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pages", default=20, show_default=True, type=click.IntRange(1, 1000), help="Pages that are open.")
@click.option("--turns", default=7, show_default=True, type=click.IntRange(LEAST_TURNS), help="Pairs of turns.")
@click.option("--rate", default=100_000.0, show_default=True, help="Orders a second.")
@click.option("--seconds", default=5.0, show_default=True, help="How long each turn is.")
@click.option("--sessions", default=4, show_default=True, type=click.IntRange(1, 64))
@click.option("--preset", default="balanced", show_default=True, help="Order flow, of pricetime.tape.flow.")
@click.option("--server-cpu", type=int, help="Processor of the gateway's thread.")
@click.option("--load-cpu", type=int, help="Processor of load generator and pages.")
def main(
    pages: int, turns: int, rate: float, seconds: float, sessions: int, preset: str, server_cpu: int | None,
    load_cpu: int | None,
) -> None:  # fmt: skip
    """Measure tick to trade with pages open and without."""
    for name, value in describe().items():
        print(f"  {name:<26}{value}")
    conditions = Conditions(rate, seconds, sessions, preset, server_cpu, load_cpu)
    without: list[Turn] = []
    having: list[Turn] = []
    for done in range(turns):
        for count, taken in ((0, without), (pages, having))[:: -1 if done % 2 else 1]:
            taken.append(conditions.take(count))
            print(f"  turn {done + 1}, {count:>3} pages  {told(taken[-1])}", flush=True)
    sys.exit(verdict(without, having, pages, seconds))


def told(turn: Turn) -> str:
    return (
        f"p50 {turn.p50_ns / 1e3:8,.1f} us  p99 {turn.p99_ns / 1e3:10,.1f} us  main thread {1e3 * turn.busy_s:6.0f} ms"
    )


def verdict(without: list[Turn], having: list[Turn], pages: int, seconds: float) -> int:
    """Say what the turns show: 1 when that is more than was promised."""
    found = compare([turn.p99_ns for turn in without], [turn.p99_ns for turn in having])
    frames = statistics.median(turn.frames for turn in having)
    size = sum(turn.frame_bytes for turn in having) / max(1, sum(turn.frames for turn in having))
    busy = statistics.median(b.busy_s - a.busy_s for a, b in zip(without, having, strict=True))
    worse = found.low > 1 and found.ratio > 1 + PROMISED
    print(
        f"  p99 with {pages} pages          {found.ratio:.3f} of that with none ({found.low:.3f} to {found.high:.3f})"
    )
    print(f"  frames a page              {frames / pages / seconds:.1f} a second, {size:,.0f} bytes each")
    print(f"  processor time for pages   {1000 * busy / seconds:.0f} ms a second, all together")
    print(f"  {'MORE than' if worse else 'within'} the {PROMISED:.0%} that are promised")
    return int(worse)


if __name__ == "__main__":
    main()
