"""The progress of ``pricetime load``: a changing line on a terminal, otherwise plain lines on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .load_show import us

if TYPE_CHECKING:
    from ..load.run_file import Moment, Step

#: Seconds between two plain lines.
PLAIN_S = 1.0

#: Fewer orders than this are made without a message.
FEW = 1 << 18


class Progress:
    """Each context manager yields a function: call it with what has happened."""

    @contextmanager
    def making(self, orders: int) -> Iterator[Callable[[int], None]]:
        """Show how many orders are made before the first one is sent."""
        from ..load.plan import most_made
        from .progress import track

        before = min(orders, most_made())
        if before > FEW:
            click.echo(f"making {before:,} orders ...", err=True)
        with track("making orders", before) as advance:
            yield advance

    @contextmanager
    def reading(self, tape: Path) -> Iterator[Callable[[int], None]]:
        """Show how many bytes of a tape are read."""
        from .progress import track

        with track(f"reading {tape.name}", tape.stat().st_size, of_bytes=True) as advance:
            yield advance

    @contextmanager
    def running(self, seconds: float) -> Iterator[Callable[[Moment], None]]:
        """Show the intervals of a run of this length."""
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        from ..load.run import INTERVAL_S

        console = Console(stderr=True)
        if not console.is_terminal:
            yield Plain(seconds).add
            return
        with Live("", console=console, transient=True, refresh_per_second=8) as live:
            yield lambda interval: live.update(Text(line(interval, INTERVAL_S, seconds)))

    def header(self) -> None:
        """Print the header of the steps of a search."""
        click.echo(
            f"{'rate':>12}{'sent/s':>12}{'answered/s':>12}{'p50 us':>11}{'p99 us':>11}{'p99.9 us':>11}{'max us':>11}"
        )

    def step(self, step: Step) -> None:
        """Print a step of a search."""
        latencies = "".join(f"{us(value):>11}" for value in (step.p50, step.p99, step.p99_9, step.max))
        rates = "".join(f"{value:>12,.0f}" for value in (step.rate, step.sent_per_s, step.answered_per_s))
        click.echo(f"{rates}{latencies}  {'good' if step.good else 'bad'}")


class Plain:
    """A line per second: its rates, and the worst percentiles of its intervals."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._intervals: list[Moment] = []
        self._since = 0.0

    def add(self, interval: Moment) -> None:
        from ..load.run_file import Moment

        self._intervals.append(interval)
        took = interval.s - self._since
        if took < PLAIN_S:
            return
        whole = Moment(
            s=interval.s,
            sent=sum(each.sent for each in self._intervals),
            answered=sum(each.answered for each in self._intervals),
            p50=max(each.p50 for each in self._intervals),
            p99=max(each.p99 for each in self._intervals),
            max=max(each.max for each in self._intervals),
        )
        click.echo(line(whole, took, self._seconds), err=True)
        self._since, self._intervals = interval.s, []


def line(interval: Moment, took_s: float, seconds: float) -> str:
    """One line about an interval that took ``took_s`` seconds."""
    rates = f"{interval.sent / took_s:,.0f} orders/s sent, {interval.answered / took_s:,.0f} answered"
    latencies = f"p50 {us(interval.p50)} us, p99 {us(interval.p99)} us, max {us(interval.max)} us"
    return f"{interval.s:.1f} of {seconds:g} s: {rates}, {latencies}"
