"""``python -m benchmarks.recording``: what does it cost that the matching of one command of so many is timed?

The loop from ring to ring that a server runs (``Playback``: matcher and router, streams and feed, no sockets) takes one
flow; from part to part another of the rates is set, in an order that shifts, so that whatever else the machine
does meets all of them. Times are of the thread alone. Where a server also reads sockets and sends datagrams, a command
takes several times as long, and the share of what timing costs is smaller by as much.
"""

from __future__ import annotations

import time
from dataclasses import replace

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.rounds import no_collector
from benchmarks.statistics import compare
from pricetime.gateway.config import GatewayConfig
from pricetime.gateway.state import ExchangeState, configuration_of
from pricetime.measure.machine import describe
from pricetime.tape.flow import PRESETS, generate, prelude

#: One of so many; 0: none, which the others are held against.
RATES = (0, 1021, 251, 61, 1)

OWNERS = 4
OWNER_SHIFT, ID_SHIFT = np.uint64(32), np.uint64(48)

#: Commands that one read of a socket returns under load: they have the same timestamp.
TOGETHER = 100


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--preset", default="balanced", show_default=True, help="Order flow, of pricetime.tape.flow.")
@click.option("--rounds", default=40, show_default=True, type=click.IntRange(5), help="Parts for each rate.")
@click.option("--part", default=10_000, show_default=True, type=click.IntRange(100), help="Commands of a part.")
def main(preset: str, rounds: int, part: int) -> None:
    """Run one flow with several rates of timing, turn and turn about, and print what each costs."""
    for name, value in describe().items():
        print(f"  {name:<26}{value}")
    times = measure(preset, rounds, part)
    print(
        f"\n  ns a command, median of {rounds} parts of {part:,} of {preset!r}; against none the median of the ratios"
    )
    for every, took in times.items():
        against = compare(times[0], took)
        what = f"one of {every}" if every else "none"
        share = f"{against.ratio:.3f} ({against.low:.3f} to {against.high:.3f})" if every else ""
        print(f"  {what:<26}{np.median(took):8.1f}   {share}")


def measure(preset: str, rounds: int, part: int) -> dict[int, list[float]]:
    """ns a command of each part, by rate; the parts of a round stand at the same place."""
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
    """As the gateway makes them: owners in the ids, the instrument that there is, and times of whole reads."""
    owners = commands["order_id"] >> OWNER_SHIFT
    commands["order_id"] = owners << ID_SHIFT | commands["order_id"] & np.uint64(2**32 - 1)
    commands["session"] = commands["owner"] = owners
    commands["instrument"] = 1
    commands["timestamp"] = np.arange(len(commands)) // TOGETHER
    return commands


if __name__ == "__main__":
    main()
