"""``pricetime subscribe``: the books of an exchange, live from its feed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import click

from .place import Sectioned, shared
from .stop import CannotRun

if TYPE_CHECKING:
    from ..feed.subscriber import Subscriber

#: How often a ladder is drawn, and the longest wait for reports between two looks at the clock.
REFRESH_S = 0.1


@dataclass
class Options:
    """What is watched, how it is shown, and when it is enough."""

    feed_group: str
    feed_port: int
    feed_interface: str
    host: str
    recovery_port: int
    order_capacity: int = 1 << 20
    recovery: bool = True
    instruments: tuple[int, ...] = ()
    levels: int = 10
    plain: bool = False
    reports: int | None = None
    seconds: float | None = None
    until_idle: float | None = None


@dataclass
class Progress:
    """How far it is, and whether that is enough."""

    options: Options
    began: float = field(default_factory=time.monotonic)
    reports: int = 0
    heard: float = field(default_factory=time.monotonic)

    def took(self, reports: int) -> None:
        """So many more were applied."""
        if reports:
            self.reports += reports
            self.heard = time.monotonic()

    def is_enough(self, *, whole: bool, judged: bool) -> bool:
        """So many reports are enough when none before them is missing.

        The feed can be idle only when it is ``judged`` whether it lives: it was heard, or it is silent.
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
    "--recovery/--no-recovery", default=True, show_default=True,
    help="Fetch what is missing. Without it a gap stays, and the feed must be joined before its first report.",
)  # fmt: skip
@click.option(
    "--instrument", "instruments", type=click.IntRange(0), multiple=True, help="Show this one; may be given again."
)
@click.option("--levels", type=click.IntRange(1), default=10, show_default=True, help="Levels of a ladder.")
@click.option("--plain", is_flag=True, help="A line for each report instead of ladders.")
@click.option("--reports", type=click.IntRange(1), help="End after so many reports, as soon as none is missing.")
@click.option("--seconds", type=click.FloatRange(0), help="End after this time.")
@click.option("--until-idle", type=click.FloatRange(0), metavar="SECONDS", help="End when nothing came for this long.")
def subscribe(**options: Any) -> None:
    """Show the books of an exchange, rebuilt order by order from its feed.

    Says when reports are missing, when the feed falls silent, and when the books are whole again. Ctrl-C ends it; so
    do --reports, --seconds and --until-idle, whichever comes first. The exit code is 0 when the books are whole in the
    end, and 1 when they are not, when the feed is silent, or when nothing ever came.

    \b
        pricetime subscribe
        pricetime subscribe --plain --until-idle 5
    """
    raise SystemExit(0 if watch(Options(**options)) else 1)


def watch(options: Options) -> bool:
    """Follow the feed and show it until it is enough: whether the books are whole then."""
    from ..feed.subscriber import Subscriber
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
    """Until it is enough, or ctrl-C."""
    try:
        while not progress.is_enough(whole=is_whole(subscriber), judged=is_judged(subscriber)):
            progress.took(subscriber.poll(REFRESH_S))
            check_instruments(subscriber, progress.options)
            view.show(subscriber)
    except KeyboardInterrupt:
        pass


def check_instruments(subscriber: Subscriber, options: Options) -> None:
    """Raises CannotRun for an instrument that the exchange has not, once a snapshot has named those that it has."""
    if not options.instruments or not options.recovery or subscriber.state.name == "WAITING":
        return
    known = subscriber.instruments
    if unknown := [str(number) for number in options.instruments if number not in known]:
        found = ", ".join(map(str, sorted(known)))
        raise CannotRun(f"--instrument {unknown[0]}: this exchange has no such instrument, it has {found}")


def is_whole(subscriber: Subscriber) -> bool:
    return subscriber.state.name == "WHOLE"


def is_judged(subscriber: Subscriber) -> bool:
    """Is it known whether the feed lives?"""
    return subscriber.sequencer.heard or subscriber.statistics.silences > 0
