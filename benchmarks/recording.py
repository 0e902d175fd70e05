"""``python -m benchmarks.recording``: measure the cost of timing the matching of one command in many.

The loop from ring to ring of a server (``Playback``: matcher and router, streams and feed, no sockets) runs one flow in
parts. Each part uses one of the rates, in shifting order, so that noise of the machine meets all of them. Times are
processor time of the thread. In a server with sockets a command takes several times as long, so the share of timing is
smaller.
"""

from __future__ import annotations

import time
from dataclasses import replace

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.rounds import no_collector
from benchmarks.statistics import compare
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.state.exchange_state import ExchangeState, configuration_of
from pricetime.load.machine import describe
from pricetime.tape.flow import PRESETS, generate, prelude

#: Rates, one command in so many; 0 means none, which the others are compared with.
RATES = (0, 1021, 251, 61, 1)

OWNERS = 4
OWNER_SHIFT, ID_SHIFT = np.uint64(32), np.uint64(48)

#: Commands that one read of a socket returns under load; they have the same timestamp.
TOGETHER = 100


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--preset", default="balanced", show_default=True, help="Order flow, a preset of pricetime.tape.flow.")
@click.option("--rounds", default=40, show_default=True, type=click.IntRange(5), help="Parts for each rate.")
@click.option("--part", default=10_000, show_default=True, type=click.IntRange(100), help="Commands in a part.")
def main(preset: str, rounds: int, part: int) -> None:
    """Run one flow with several rates of timing, alternating, and print the cost of each."""
    for name, value in describe().items():
        print(f"  {name:<26}{value}")
    times = measure(preset, rounds, part)
    print(
        f"\n  ns a command, median of {rounds} parts of {part:,} of {preset!r}; ratio to none: the median of the ratios"
    )
    for every, took in times.items():
        against = compare(times[0], took)
        what = f"one of {every}" if every else "none"
        share = f"{against.ratio:.3f} ({against.low:.3f} to {against.high:.3f})" if every else ""
        print(f"  {what:<26}{np.median(took):8.1f}   {share}")


def measure(preset: str, rounds: int, part: int) -> dict[int, list[float]]:
    """Return ns a command of each part, by rate; the parts of a round have the same index."""
    flow = replace(PRESETS[preset], owners=OWNERS, ids="session")
    settings = GatewayConfig()
    state = ExchangeState(settings, configuration_of(settings), traced=False)
    took: dict[int, list[float]] = {every: [] for every in RATES}
    with no_collector():
        state.apply(owned(np.concatenate([*prelude(flow, seed=1)])))
        parts = generate(flow, (rounds + 1) * len(RATES) * part, seed=1, chunk=part)
        for _ in RATES:
            state.apply(owned(next(parts)))  # the streams and their pages
        for turn in range(rounds):
            for place in range(len(RATES)):
                every = RATES[(place + turn) % len(RATES)]
                state.matcher.time_one_of(every)
                commands = owned(next(parts))
                began = time.thread_time_ns()
                state.apply(commands)
                took[every].append((time.thread_time_ns() - began) / len(commands))
    return took


def owned(commands: NDArray[np.void]) -> NDArray[np.void]:
    """Return commands as the gateway makes them: owners in the ids, the one instrument, and timestamps of reads."""
    owners = commands["order_id"] >> OWNER_SHIFT
    commands["order_id"] = owners << ID_SHIFT | commands["order_id"] & np.uint64(2**32 - 1)
    commands["session"] = commands["owner"] = owners
    commands["instrument"] = 1
    commands["timestamp"] = np.arange(len(commands)) // TOGETHER
    return commands


if __name__ == "__main__":
    main()
