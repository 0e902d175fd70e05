"""The output of ``pricetime subscribe``: live ladders, or a line for each report."""

from __future__ import annotations

import time
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.live import Live

from ..prices import in_currency
from ..types import Phase
from .show import levels
from .table import Grid, console, figures, print_titled
from .words import Report, line, units_of

if TYPE_CHECKING:
    from ..client.feed_state import FeedEvent
    from ..client.subscriber import Subscriber
    from ..core.instrument import Instrument
    from .watch_options import Options

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
        "MISMATCH": f"report {event.seq_num:,} contradicts the books",
    }.get(event.kind.name, event.kind.name.lower())


def silence(options: Options, subscriber: Subscriber) -> str:
    """Why no heartbeat was ever received; empty if one was."""
    place = f"{options.feed_group}:{options.feed_port} on {options.feed_interface}"
    if subscriber.last_datagram is None:
        return f"no datagram received on {place}: check the group and whether the server runs"
    if not subscriber.sequencer.heard:
        return f"datagrams received on {place}, but none of this exchange: check the group"
    return ""


class Notes:
    """The messages: events, and why the recovery server does not answer."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._failure = ""

    def event(self, event: FeedEvent, subscriber: Subscriber) -> str:
        """An event as text."""
        return (event.kind.name == "SILENT" and silence(self._options, subscriber)) or event_text(event)

    def failure(self, subscriber: Subscriber) -> str:
        """Why the recovery server does not answer, if that is new; otherwise empty."""
        known, self._failure = self._failure, subscriber.recovery_failure
        return self._failure if self._failure != known else ""


class Lines:
    """Prints a line for each report, and a line beginning with # for each event."""

    def __init__(self, options: Options) -> None:
        self._notes = Notes(options)
        self._instruments = set(options.instruments)

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def event(self, event: FeedEvent, subscriber: Subscriber) -> None:
        click.echo(f"# {self._notes.event(event, subscriber)}")

    def reports(self, reports: Any, subscriber: Subscriber) -> None:
        """Print the reports of the chosen instruments."""
        wanted, units = self._instruments, units_of(subscriber.builder.instruments.values())
        found = map(Report._make, reports.tolist())
        click.echo(
            "".join(f"{line(report, units)}\n" for report in found if not wanted or report.instrument in wanted),
            nl=False,
        )

    def show(self, subscriber: Subscriber) -> None:
        """Print why the recovery server does not answer."""
        if failure := self._notes.failure(subscriber):
            click.echo(f"# {failure}")

    def end(self, subscriber: Subscriber) -> None:
        found = subscriber.statistics
        click.echo(
            f"# {condition(subscriber)}: at {subscriber.seq_num:,}, {found.reports:,} reports,"
            f" {found.gaps:,} gaps, {found.filled:,} reports retransmitted"
        )


class Ladders:
    """Draws the ladder of each instrument again as the books change; events stay above."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._notes = Notes(options)
        self._console = console()
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._drawn_at = self._counted_at = time.monotonic()
        self._counted, self._rate = 0, 0.0

    def __enter__(self) -> Ladders:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._live.stop()

    def event(self, event: FeedEvent, subscriber: Subscriber) -> None:
        text = self._notes.event(event, subscriber)
        self._console.print(text, style="yellow" if event.kind.name in BAD else None)

    def reports(self, reports: Any, subscriber: Subscriber) -> None:
        """Do nothing: the ladders show the books."""

    def show(self, subscriber: Subscriber) -> None:
        if failure := self._notes.failure(subscriber):
            self._console.print(failure, style="yellow")
        now = time.monotonic()
        if now - self._drawn_at < DRAWN_EVERY_S or not self._console.is_terminal:
            return
        self._drawn_at = now
        if now - self._counted_at >= 1:
            done = subscriber.statistics.reports
            self._rate = (done - self._counted) / (now - self._counted_at)
            self._counted, self._counted_at = done, now
        self._live.update(Group(self._status(subscriber), *self._tables(subscriber)), refresh=True)

    def end(self, subscriber: Subscriber) -> None:
        """Print the final ladders and totals."""
        self._live.stop()
        for table in self._tables(subscriber):
            self._console.print(table)
        found, table = subscriber.statistics, figures(2)
        for what, number in (
            ("reports", found.reports),
            ("  in datagrams", found.datagrams),
            ("  received twice", found.duplicates),
            ("  retransmitted", found.filled),
            ("gaps", found.gaps),
            ("snapshots", found.snapshots),
            ("last sequence", subscriber.seq_num),
        ):
            table.add_row(what, f"{number:,}")
        print_titled(f"the books are {condition(subscriber)}", table)

    def _status(self, subscriber: Subscriber) -> str:
        found = subscriber.statistics
        return (
            f"{condition(subscriber)}, at {subscriber.seq_num:,}: {self._rate:,.0f} reports/s,"
            f" {found.gaps:,} gaps, {found.filled:,} reports retransmitted"
        )

    def _tables(self, subscriber: Subscriber) -> list[Grid]:
        if subscriber.state.name == "WAITING":
            return []
        known = subscriber.instruments
        wanted = self._options.instruments or tuple(known)
        return [self._table(subscriber, known[number]) for number in wanted if number in known]

    def _table(self, subscriber: Subscriber, instrument: Instrument) -> Grid:
        book = subscriber.book(instrument.id)
        halted = ", halted" if instrument.phase == Phase.HALTED else ""
        title = f"{instrument.symbol or 'instrument'} ({instrument.id}{halted}), {len(book):,} orders"
        bids, asks = (side.tolist() for side in book.depth(self._options.levels))
        price = partial(in_currency, unit=instrument.price_unit)
        return levels(bids, asks, price, title=title, min_width=8)


def condition(subscriber: Subscriber) -> str:
    """The state of the books, and why the recovery server does not answer."""
    failure = f" ({subscriber.recovery_failure})" if subscriber.recovery_failure else ""
    return f"{STATES[subscriber.state.name]}{failure}"
