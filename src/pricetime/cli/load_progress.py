"""What ``pricetime load`` says while it runs: a line that changes on a terminal, else plain lines on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .load_show import us

if TYPE_CHECKING:
    from ..measure.run import Interval
    from ..measure.saturation import Step

#: Seconds between two plain lines.
PLAIN_S = 1.0

#: Fewer orders than this are made at once.
SOON = 1 << 18


class Progress:
    """Each of its context managers yields what is to be called with what has happened."""

    @contextmanager
    def making(self, orders: int) -> Iterator[Callable[[int], None]]:
        """Orders are made before the first is sent, at most so many of these."""
        from ..measure.ahead import made_before
        from .progress import track

        before = min(orders, made_before())
        if before > SOON:
            click.echo(f"making {before:,} orders ...", err=True)
        with track("making orders", before) as advance:
            self._advance: Callable[[int], None] | None = advance
            yield self._made

    def _made(self, count: int) -> None:
        if self._advance is not None:
            self._advance(count)

    def made(self) -> None:
        """The first is about to be sent: from now on nobody looks at how many there are."""
        self._advance = None

    @contextmanager
    def reading(self, tape: Path) -> Iterator[Callable[[int], None]]:
        """A tape is read, so many bytes of it each time."""
        from .progress import track

        with track(f"reading {tape.name}", tape.stat().st_size, of_bytes=True) as advance:
            yield advance

    @contextmanager
    def looking(self, seconds: float) -> Iterator[Callable[[Interval], None]]:
        """A run goes on, for about so long."""
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        from ..measure.run import LOOK_S

        console = Console(stderr=True)
        if not console.is_terminal:
            yield Plain(seconds).look
            return
        with Live("", console=console, transient=True, refresh_per_second=8) as live:
            yield lambda interval: live.update(Text(line(interval, LOOK_S, seconds)))

    def head(self) -> None:
        """Above the steps of a search."""
        click.echo(
            f"{'rate':>12}{'sent/s':>12}{'answered/s':>12}{'p50 us':>11}{'p99 us':>11}{'p99.9 us':>11}{'max us':>11}"
        )

    def step(self, step: Step) -> None:
        """A step of a search has ended."""
        latencies = "".join(f"{us(value):>11}" for value in (step.p50, step.p99, step.p99_9, step.max))
        rates = "".join(f"{value:>12,.0f}" for value in (step.rate, step.sent_per_s, step.answered_per_s))
        click.echo(f"{rates}{latencies}  {'good' if step.good else 'too much'}")


class Plain:
    """A line a second: rates over all of it, and of its quarters the worst percentiles."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._intervals: list[Interval] = []
        self._since = 0.0

    def look(self, interval: Interval) -> None:
        from ..measure.run import Interval

        self._intervals.append(interval)
        took = interval.s - self._since
        if took < PLAIN_S:
            return
        whole = Interval(
            interval.s,
            sum(each.sent for each in self._intervals),
            sum(each.answered for each in self._intervals),
            max(each.p50 for each in self._intervals),
            max(each.p99 for each in self._intervals),
            max(each.max for each in self._intervals),
        )
        click.echo(line(whole, took, self._seconds), err=True)
        self._since, self._intervals = interval.s, []


def line(interval: Interval, took_s: float, seconds: float) -> str:
    """What happened in an interval of so many seconds."""
    rates = f"{interval.sent / took_s:,.0f} orders/s sent, {interval.answered / took_s:,.0f} answered"
    latencies = f"p50 {us(interval.p50)} us, p99 {us(interval.p99)} us, max {us(interval.max)} us"
    return f"{interval.s:.1f} of {seconds:g} s: {rates}, {latencies}"
