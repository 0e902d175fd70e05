"""``pricetime subscribe``: shows the books of an exchange live from its feed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from .place import Sectioned, shared
from .stop import CannotRun
from .watch_options import Options

if TYPE_CHECKING:
    from ..client.subscriber import Subscriber

#: Longest wait for reports before the clock is checked, in seconds.
REFRESH_S = 0.1


@dataclass
class Progress:
    """What has been received, and whether to end."""

    options: Options
    began: float = field(default_factory=time.monotonic)
    reports: int = 0
    heard: float = field(default_factory=time.monotonic)

    def took(self, reports: int) -> None:
        """Count applied reports."""
        if reports:
            self.reports += reports
            self.heard = time.monotonic()

    def is_enough(self, *, whole: bool, judged: bool) -> bool:
        """Should the command end? ``--reports`` counts only if no earlier report is missing.

        ``--until-idle`` counts only once it is known (``judged``) whether the feed is alive.
        """
        options, now = self.options, time.monotonic()
        return (
            (options.reports is not None and self.reports >= options.reports and whole)
            or (options.seconds is not None and now - self.began >= options.seconds)
            or (options.until_idle is not None and judged and now - self.heard >= options.until_idle)
        )


@click.command(cls=Sectioned)
@shared("feed_group", "feed_port", "feed_interface", "host", "recovery_port", "order_capacity")
@click.option(
    "--recovery/--no-recovery",
    default=True,
    help="Request missing reports. Without it a gap stays, so subscribe before the first report.",
)
@click.option(
    "--instrument",
    "instruments",
    type=click.IntRange(0),
    multiple=True,
    help="Show only this instrument; can be repeated.",
)
@click.option("--levels", type=click.IntRange(1), default=10, help="Price levels to show for each book.")
@click.option("--plain", is_flag=True, help="Print a line for each report instead of ladders.")
@click.option("--reports", type=click.IntRange(1), help="End after this many reports, once none is missing.")
@click.option("--seconds", type=click.FloatRange(0), help="End after this many seconds.")
@click.option(
    "--until-idle", type=click.FloatRange(0), metavar="SECONDS", help="End if no report arrives for this long."
)
def subscribe(**options: Any) -> None:
    """Show the live books of an exchange from its feed.

    \b
        pricetime subscribe
        pricetime subscribe --plain --until-idle 5

    Rebuilds every order of the books. Says when reports are missing, when the feed is silent and when the books are
    complete again. Ends with Ctrl-C, or at the first of --reports, --seconds and --until-idle.

    Exit code 0: the books are complete. 1: they are not, the feed is silent, or nothing was received.
    """
    raise SystemExit(0 if watch(Options(**options)) else 1)


def watch(options: Options) -> bool:
    """Follow and show the feed until the end: are the books complete?"""
    from ..client.subscriber import Subscriber
    from .watch import Ladders, Lines

    recovery = (options.host, options.recovery_port) if options.recovery else None
    view = Lines(options) if options.plain else Ladders(options)
    with Subscriber(
        options.feed_group,
        options.feed_port,
        interface=options.feed_interface,
        recovery=recovery,
        instruments=options.instruments,
        capacity=options.order_capacity,
        on_reports=(lambda reports: view.reports(reports, subscriber)) if options.plain else None,
    ) as subscriber, view:  # fmt: skip
        subscriber.on_event = lambda event: view.event(event, subscriber)
        follow(subscriber, view, Progress(options))
        view.end(subscriber)
        return is_whole(subscriber)


def follow(subscriber: Subscriber, view: Any, progress: Progress) -> None:
    """Poll the feed until an end condition or Ctrl-C."""
    try:
        while not progress.is_enough(whole=is_whole(subscriber), judged=is_judged(subscriber)):
            progress.took(subscriber.poll(REFRESH_S))
            check_instruments(subscriber, progress.options)
            view.show(subscriber)
    except KeyboardInterrupt:
        pass


def check_instruments(subscriber: Subscriber, options: Options) -> None:
    """Raise CannotRun for an unknown instrument, once a snapshot has listed the instruments."""
    if not options.instruments or not options.recovery or subscriber.state.name == "WAITING":
        return
    known = subscriber.instruments
    if unknown := [str(number) for number in options.instruments if number not in known]:
        found = ", ".join(map(str, sorted(known)))
        raise CannotRun(f"--instrument {unknown[0]}: this exchange has no such instrument. It has {found}")


def is_whole(subscriber: Subscriber) -> bool:
    return subscriber.state.name == "WHOLE"


def is_judged(subscriber: Subscriber) -> bool:
    """Is it known whether the feed is alive?"""
    return subscriber.sequencer.heard or subscriber.statistics.silences > 0
