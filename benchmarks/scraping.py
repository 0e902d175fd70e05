"""Measure what scrapes by Prometheus cost: tick to trade with and without scrapes, in alternating runs.

    python -m benchmarks.scraping --rate 100000 --seconds 4 --rounds 5

In every round one fresh server is scraped and one is not, under the same open-loop load. The result is the ratio of the
medians; the range of the rounds shows how reliable it is.
"""

from __future__ import annotations

import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

import click

from pricetime.load.load import Load
from pricetime.load.machine import describe
from pricetime.load.plan import Plan, make_plans
from pricetime.load.server import ServerProcess

PERCENTILES = ("p50", "p99", "p99.9")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rate", default=100_000.0, show_default=True, help="Orders a second.")
@click.option("--seconds", default=4.0, show_default=True, help="Duration of each run.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1))
@click.option("--every", default=1.0, show_default=True, help="Seconds between two scrapes.")
@click.argument("options", nargs=-1)
def main(rate: float, seconds: float, rounds: int, every: float, options: tuple[str, ...]) -> None:
    """Compare servers with and without scrapes. OPTIONS, after --, are passed to pricetime serve."""
    for name, value in describe().items():
        print(f"  {name:<12}{value}")
    first, parts = make_plans("balanced", int(rate * seconds), 4)
    plans = list(parts)
    found: dict[bool, dict[str, list[float]]] = {which: {name: [] for name in PERCENTILES} for which in (False, True)}
    took: list[float] = []
    for done in range(rounds):
        for scraped in (done % 2 == 0, done % 2 != 0):
            stats = drive(first, plans, rate, options, every if scraped else None, took)
            for name in PERCENTILES:
                found[scraped][name].append(stats[f"tick_to_trade_{name}_ns"] / 1e3)
    print(f"  {rate:,.0f} orders a second, {seconds:g} s, {rounds} rounds; a scrape every {every:g} s, of which there")
    print(f"  were {len(took)}, took {median(took) * 1e3:.1f} ms, the longest {max(took) * 1e3:.1f} ms")
    for name in PERCENTILES:
        without, with_ = (found[which][name] for which in (False, True))
        print(
            f"  {name:<6} without {median(without):9.1f} us ({min(without):.1f} to {max(without):.1f})"
            f"   scraped {median(with_):9.1f} us ({min(with_):.1f} to {max(with_):.1f})"
            f"   ratio {median(with_) / median(without):.2f}"
        )


def drive(
    first: Plan, plans: list[Plan], rate: float, options: tuple[str, ...], every: float | None, took: list[float]
) -> dict[str, Any]:
    """Run one server under load; return its counts. ``took`` gets the duration of each scrape."""
    with ServerProcess("--open", "--stats-interval-ms", "0", "--metrics-port", "0", *options) as server:
        with Load(server.host, server.port, 4) as load:
            load.send(first, rate)
            with scraping(server.last("serving")["metrics_port"], every, took):
                at = time.perf_counter()
                for plan in plans:
                    at = load.send(plan, rate, at)
                load.wait_answered()
            server.stop()
        return server.last("stats")


@contextmanager
def scraping(port: int, every: float | None, took: list[float]) -> Iterator[None]:
    """Scrape during the block, unless ``every`` is None."""
    ended = threading.Event()

    def scrape() -> None:
        ends = False
        while not ends:
            began = time.perf_counter()
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
                answer.read()
            took.append(time.perf_counter() - began)
            ends = ended.wait(every)

    thread = threading.Thread(target=scrape)
    if every is not None:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if every is not None:
            thread.join()


if __name__ == "__main__":
    main()
