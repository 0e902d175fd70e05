"""What ``pricetime subscribe`` does: it follows the feed and shows ladders, or prints a line for each report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import click
from rich.console import Group
from rich.live import Live
from rich.text import Text

from ..client.feed_state import FeedEvent
from ..client.subscriber import Subscriber
from ..core.instrument import Instrument
from ..phases import PHASES
from ..prices import in_currency
from ..wire.messages import ExecutionReport
from .auction import auction_text, phase_text
from .show import levels
from .stop import CannotRun
from .table import Grid, console, figures, print_titled
from .words import line, units_of

#: Longest wait for reports before the clock is checked, in seconds.
REFRESH_S = 0.1

#: Shortest time between two drawings of the ladders, in seconds.
DRAWN_EVERY_S = 0.1

STATES = {
    "WAITING": "waiting for a snapshot",
    "GAP": "incomplete: reports are missing",
    "UNVERIFIED": "unverified: a heartbeat contradicts the books",
    "SILENT": "maybe outdated: the feed is silent",
    "WHOLE": "complete",
}

#: Events that need attention.
BAD = {"GAP", "MISMATCH", "DIVERGED", "SILENT"}


@dataclass
class Options:
    """Which feed, how to show it, and when to end."""

    feed_group: str
    feed_port: int
    feed_interface: str
    host: str
    recovery_port: int
    order_capacity: int
    recovery: bool
    instruments: tuple[int, ...]
    levels: int
    plain: bool
    reports: int | None
    seconds: float | None
    until_idle: float | None


def watch(options: Options) -> bool:
    """Follow and show the feed until the end: are the books complete?"""
    with Subscriber(
        options.feed_group,
        options.feed_port,
        interface=options.feed_interface,
        recovery=(options.host, options.recovery_port) if options.recovery else None,
        instruments=options.instruments,
        capacity=options.order_capacity,
        on_reports=(lambda reports: view.reports(reports)) if options.plain else None,  # noqa: PLW0108 - made below
    ) as subscriber, (Lines if options.plain else Ladders)(options, subscriber) as view:  # fmt: skip
        subscriber.on_event = view.event
        with suppress(KeyboardInterrupt):
            follow(options, subscriber, view)
        view.end()
        return subscriber.state.name == "WHOLE"


def follow(options: Options, subscriber: Subscriber, view: View) -> None:
    """Poll the feed until an end condition.

    ``--reports`` counts only if no earlier report is missing, ``--until-idle`` only once it is known whether the feed
    is alive.
    """
    began = heard = now = time.monotonic()
    count = 0
    while not (
        (options.reports is not None and count >= options.reports and subscriber.state.name == "WHOLE")
        or (options.seconds is not None and now - began >= options.seconds)
        or (
            options.until_idle is not None
            and (subscriber.sequencer.heard or subscriber.statistics.silences > 0)
            and now - heard >= options.until_idle
        )
    ):
        reports = subscriber.poll(REFRESH_S)
        now = time.monotonic()
        count, heard = count + reports, now if reports else heard
        check_instruments(subscriber, options)
        view.show()


def check_instruments(subscriber: Subscriber, options: Options) -> None:
    """Raise CannotRun for an unknown instrument, once a snapshot has listed the instruments."""
    if not options.instruments or not options.recovery or subscriber.state.name == "WAITING":
        return
    known = subscriber.instruments
    if unknown := [str(number) for number in options.instruments if number not in known]:
        found = ", ".join(map(str, sorted(known)))
        raise CannotRun(f"--instrument {unknown[0]}: this exchange has no such instrument. It has {found}")


def event_text(event: FeedEvent) -> str:
    """An event as text."""
    return {
        "UNVERIFIED": f"a heartbeat contradicts the books at report {event.seq_num:,}: requesting a check",
        "DIVERGED": f"the books at report {event.seq_num:,} differ from the exchange: they will be replaced",
        "SILENT": f"silent: no heartbeat after report {event.seq_num:,}. Does the server run?",
        "HEARD": "heartbeats are received",
        "GAP": f"missing: at least {event.reports:,} reports, from {event.seq_num:,} on",
        "WHOLE": f"complete again at report {event.seq_num:,}",
        "SNAPSHOT": f"snapshot at report {event.seq_num:,}",
        "EPOCH": "the feed restarted with a new epoch",
        "TERM": "the feed goes on in a new term, which agrees with the books",
        "MISMATCH": f"report {event.seq_num:,} contradicts the books",
    }.get(event.kind.name, event.kind.name.lower())


class View:
    """Prints a line for each event, and why the recovery server does not answer. A context manager."""

    def __init__(self, options: Options, subscriber: Subscriber) -> None:
        self.options, self.subscriber = options, subscriber
        self._failure = ""

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def say(self, text: str, *, bad: bool) -> None:  # noqa: ARG002 - colours are for terminals
        """Print a message. ``bad``: it needs attention."""
        click.echo(f"# {text}")

    def event(self, event: FeedEvent) -> None:
        """Print an event."""
        text = (self.silence() if event.kind.name == "SILENT" else "") or event_text(event)
        self.say(text, bad=event.kind.name in BAD)

    def silence(self) -> str:
        """Why no heartbeat was ever received; empty if one was."""
        place = f"{self.options.feed_group}:{self.options.feed_port} on {self.options.feed_interface}"
        if self.subscriber.last_datagram is None:
            return f"no datagram received on {place}: check the group and whether the server runs"
        if not self.subscriber.sequencer.heard:
            return f"datagrams received on {place}, but none of this exchange: check the group"
        return ""

    def show(self) -> None:
        """Print why the recovery server does not answer, if that is new."""
        known, self._failure = self._failure, self.subscriber.recovery_failure
        if self._failure and self._failure != known:
            self.say(self._failure, bad=True)

    def condition(self) -> str:
        """The state of the books, and why the recovery server does not answer."""
        failure = f" ({self.subscriber.recovery_failure})" if self.subscriber.recovery_failure else ""
        return f"{STATES[self.subscriber.state.name]}{failure}"

    def reports(self, reports: Any) -> None:
        """Print reports."""

    def end(self) -> None:
        """Print the totals."""


class Lines(View):
    """Prints a line for each report, and a line beginning with # for each event."""

    def reports(self, reports: Any) -> None:
        """Print the reports of the chosen instruments."""
        wanted, units = self.options.instruments, units_of(self.subscriber.builder.instruments.values())
        found = map(ExecutionReport._make, reports.tolist())
        shown = (line(report, units) for report in found if not wanted or report.instrument in wanted)
        click.echo("".join(f"{text}\n" for text in shown), nl=False)

    def end(self) -> None:
        found = self.subscriber.statistics
        click.echo(
            f"# {self.condition()}: at {self.subscriber.seq_num:,}, {found.reports:,} reports,"
            f" {found.gaps:,} gaps, {found.filled:,} reports retransmitted"
        )


class Ladders(View):
    """Draws the ladder of each instrument again as the books change; events stay above."""

    def __init__(self, options: Options, subscriber: Subscriber) -> None:
        super().__init__(options, subscriber)
        self._console = console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._drawn_at = self._counted_at = time.monotonic()
        self._counted, self._rate = 0, 0.0

    def __enter__(self) -> View:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, text: str, *, bad: bool) -> None:
        self._console.print(text, style="yellow" if bad else None)

    def show(self) -> None:
        """Draw the ladders, but not too often."""
        super().show()
        now = time.monotonic()
        if now - self._drawn_at < DRAWN_EVERY_S or not self._console.is_terminal:
            return
        self._drawn_at = now
        found = self.subscriber.statistics
        if now - self._counted_at >= 1:
            self._rate = (found.reports - self._counted) / (now - self._counted_at)
            self._counted, self._counted_at = found.reports, now
        status = (
            f"{self.condition()}, at {self.subscriber.seq_num:,}: {self._rate:,.0f} reports/s,"
            f" {found.gaps:,} gaps, {found.filled:,} reports retransmitted"
        )
        self._live.update(Group(status, *self._tables()), refresh=True)

    def end(self) -> None:
        """Print the final ladders and totals."""
        self._live.stop()
        for table in self._tables():
            self._console.print(table)
        found, table = self.subscriber.statistics, figures(2)
        for what, number in (
            ("reports", found.reports),
            ("  in datagrams", found.datagrams),
            ("  received twice", found.duplicates),
            ("  retransmitted", found.filled),
            ("gaps", found.gaps),
            ("snapshots", found.snapshots),
            ("last sequence", self.subscriber.seq_num),
        ):
            table.add_row(what, f"{number:,}")
        print_titled(f"the books are {self.condition()}", table)

    def _tables(self) -> list[Grid | Text]:
        known = {} if self.subscriber.state.name == "WAITING" else self.subscriber.instruments
        shown = [known[number] for number in self.options.instruments or known if number in known]
        return [part for instrument in shown for part in self._parts(instrument)]

    def _parts(self, instrument: Instrument) -> Iterator[Grid | Text]:
        """The ladder of an instrument, and its auction."""
        book = self.subscriber.book(instrument.id)
        price = partial(in_currency, unit=instrument.price_unit)
        facts = [str(instrument.id), phase_text(instrument.phase)]
        title = f"{instrument.symbol or 'instrument'} ({', '.join(filter(None, facts))}), {len(book):,} orders"
        bids, asks = (side.tolist() for side in book.depth(self.options.levels))
        yield levels(bids, asks, price, title=title, min_width=8)
        if auction := self._auction(instrument, price):
            yield Text(f"{auction}\n")

    def _auction(self, instrument: Instrument, price: Callable[[int], str]) -> str:
        """Where the auction would trade while orders are collected, or where the last one traded."""
        found = self.subscriber.auction(instrument.id)
        if found is None or (PHASES[instrument.phase].collects and found.final):
            return ""
        return auction_text(*found[:4], price, final=found.final)
