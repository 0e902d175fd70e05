"""What ``pricetime subscribe`` shows: ladders that follow the books, or a line for each report."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click
from rich.console import Group
from rich.live import Live

from ..types import InstrumentState
from .show import levels
from .table import Grid, console, figures, print_titled
from .words import Report, line

if TYPE_CHECKING:
    from ..core.instrument import Instrument
    from ..feed.sequencer import FeedEvent
    from ..feed.subscriber import Subscriber
    from .subscribe import Wishes

#: Ladders are not drawn more often: nobody could read them, and the feed is to be followed.
DRAWN_EVERY_S = 0.1

STATES = {
    "WAITING": "waiting for a snapshot",
    "GAP": "reports are missing: the books are those of a moment ago",
    "WHOLE": "whole",
}


def told(event: FeedEvent) -> str:
    """An event as people read it."""
    return {
        "GAP": f"missing: {event.reports:,} reports or more, from {event.seq_num:,}",
        "WHOLE": f"whole again, at {event.seq_num:,}",
        "SNAPSHOT": f"snapshot, good for {event.seq_num:,}",
        "EPOCH": "another feed has begun",
        "MISMATCH": f"report {event.seq_num:,} does not fit the books",
    }.get(event.kind.name, event.kind.name.lower())


class Lines:
    """A line for each report, and one for each event that begins with #."""

    def __init__(self, wishes: Wishes) -> None:
        self._instruments = set(wishes.instruments)

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def event(self, event: FeedEvent) -> None:
        click.echo(f"# {told(event)}")

    def reports(self, reports: Any) -> None:
        """Those of the instruments that are wanted."""
        wanted = self._instruments
        found = map(Report._make, reports.tolist())
        click.echo(
            "".join(f"{line(report)}\n" for report in found if not wanted or report.instrument in wanted), nl=False
        )

    def show(self, subscriber: Subscriber) -> None:
        """Nothing: the lines are out."""

    def end(self, subscriber: Subscriber) -> None:
        found = subscriber.statistics
        click.echo(
            f"# {STATES[subscriber.state.name]}: at {subscriber.seq_num:,}, {found.reports:,} reports,"
            f" {found.gaps:,} gaps, {found.filled:,} reports sent again"
        )


class Ladders:
    """The ladder of each instrument, drawn anew as the books change; events stay above them."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
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

    def event(self, event: FeedEvent) -> None:
        self._console.print(told(event), style="yellow" if event.kind.name in {"GAP", "MISMATCH"} else None)

    def reports(self, reports: Any) -> None:
        """Nothing: the books are shown, not what changed them."""

    def show(self, subscriber: Subscriber) -> None:
        now = time.monotonic()
        if now - self._drawn_at < DRAWN_EVERY_S or not self._console.is_terminal:
            return
        self._drawn_at = now
        if now - self._counted_at >= 1:
            done = subscriber.statistics.reports
            self._rate = (done - self._counted) / (now - self._counted_at)
            self._counted, self._counted_at = done, now
        self._live.update(Group(self._head(subscriber), *self._tables(subscriber)), refresh=True)

    def end(self, subscriber: Subscriber) -> None:
        """The ladders as they are in the end, and what was seen."""
        self._live.stop()
        for table in self._tables(subscriber):
            self._console.print(table)
        found, table = subscriber.statistics, figures(2)
        for what, number in (
            ("reports", found.reports),
            ("  in datagrams", found.datagrams),
            ("  that came twice", found.duplicates),
            ("  sent again", found.filled),
            ("gaps", found.gaps),
            ("snapshots", found.snapshots),
            ("last sequence", subscriber.seq_num),
        ):
            table.add_row(what, f"{number:,}")
        print_titled(f"the books are {STATES[subscriber.state.name]}", table)

    def _head(self, subscriber: Subscriber) -> str:
        found = subscriber.statistics
        failure = f" ({subscriber.recovery_failure})" if subscriber.recovery_failure else ""
        return (
            f"{STATES[subscriber.state.name]}{failure}, at {subscriber.seq_num:,}: {self._rate:,.0f} reports/s,"
            f" {found.gaps:,} gaps, {found.filled:,} reports sent again"
        )

    def _tables(self, subscriber: Subscriber) -> list[Grid]:
        if subscriber.state.name == "WAITING":
            return []
        known = subscriber.instruments
        wanted = self._wishes.instruments or tuple(known)
        return [self._table(subscriber, known[number]) for number in wanted if number in known]

    def _table(self, subscriber: Subscriber, instrument: Instrument) -> Grid:
        book = subscriber.book(instrument.id)
        halted = ", halted" if instrument.state == InstrumentState.HALTED else ""
        title = f"{instrument.symbol or 'instrument'} ({instrument.id}{halted}), {len(book):,} orders"
        bids, asks = (side.tolist() for side in book.depth(self._wishes.levels))
        return levels(bids, asks, 1, title=title, min_width=8)
