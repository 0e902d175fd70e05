"""Reads the values of all metrics from the exchange, once for each scrape.

Scrapes do not delay orders. The threads that carry orders always count in their own memory; a thread of the control
side copies these counters. Book metrics come from the follower, which runs no commands while it is read.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from ... import COMPILED
from ...types import Phase, Reason, ReportKind
from ...wire.types import RetransmitStatus, SessionReason
from ..exchange import Exchange
from ..settings.config import GatewayConfig
from . import meters
from .acceptor import Acceptor
from .cumulative import cumulative
from .feed_listener import FeedListener

#: Maximum number of instruments with book metrics, which are ten samples for each instrument.
MOST_BOOKS = 256

#: The reasons of each kind of report, except ``none``. Their samples are 0 from the start, so that ``increase()`` sees
#: the first one.
REASONS = {
    ReportKind.CANCELLED: (
        Reason.IOC_REMAINDER, Reason.FOK_UNFILLABLE, Reason.MARKET_REMAINDER, Reason.SELF_TRADE, Reason.BY_MASS_CANCEL,
        Reason.BY_DISCONNECT, Reason.BY_OPERATOR, Reason.AUCTION_REMAINDER, Reason.MINIMUM_UNFILLABLE,
        Reason.OUTSIDE_RANGE,
    ),
    ReportKind.EXPIRED: (Reason.EXPIRY_REACHED, Reason.DAY_ENDED),
    ReportKind.PHASE_CHANGED: (Reason.OUTSIDE_RANGE,),
    ReportKind.UNCROSSED: (Reason.NO_AUCTION_PRICE,),
    ReportKind.REPLACED: (Reason.KEPT_PLACE,),
    ReportKind.REDUCED: (Reason.SELF_TRADE,),
    ReportKind.REJECTED: tuple(reason for reason in Reason if 0 < reason < Reason.IOC_REMAINDER or reason >= 64),
}  # fmt: skip

#: Why a login is rejected, why a session ends, and why a recovery connection is closed.
LOGIN_REASONS = (
    SessionReason.BAD_VERSION, SessionReason.BAD_CREDENTIALS, SessionReason.LOGIN_TIMEOUT, SessionReason.OUT_OF_STATE,
    SessionReason.UNKNOWN_TYPE, SessionReason.TOO_MANY_CLIENTS, SessionReason.SEQUENCE_GONE,
    SessionReason.LOGIN_TOO_SOON, SessionReason.BY_OPERATOR,
)  # fmt: skip
SESSION_REASONS = (
    SessionReason.NO_REASON, SessionReason.CLIENT_LOGOUT, SessionReason.HEARTBEAT_TIMEOUT,
    SessionReason.THROTTLE_EXCEEDED, SessionReason.SLOW_READER, SessionReason.SUPERSEDED,
    SessionReason.CREDENTIALS_REVOKED, SessionReason.BY_OPERATOR,
)  # fmt: skip
RECOVERY_REASONS = (
    SessionReason.HEARTBEAT_TIMEOUT, SessionReason.SLOW_READER, SessionReason.TOO_MANY_CLIENTS,
    SessionReason.UNKNOWN_TYPE,
)  # fmt: skip

#: Ticks per second of the system's processor-time counters.
TICKS_S = os.sysconf("SC_CLK_TCK")


class Services(NamedTuple):
    """The counters of the control side. ``copies``: the journal server, or None."""

    login_handler: Acceptor
    recovery: Acceptor
    copies: Acceptor | None
    scrapes: Mapping[str, int]
    listener: FeedListener | None = None


class ExchangeCollector(Collector):
    """Reads an exchange on each collection.

    Do not call it in the event loop: it may wait for the follower and takes some milliseconds.
    """

    def __init__(self, config: GatewayConfig, exchange: Exchange, services: Services) -> None:
        self._config = config
        self._exchange = exchange
        self._services = services
        self._instruments = sorted(config.instruments, key=lambda instrument: instrument.id)[:MOST_BOOKS]
        self._build = {
            "version": version("pricetime"),
            "form": "compiled" if COMPILED else "pure",
            "acknowledge": "volatile" if config.journal is None else config.acknowledge.value,
            "idle": config.idle.value,
        }

    def collect(self) -> Iterator[Metric]:
        """Every metric with its current value."""
        began = time.perf_counter()
        stats = self._exchange.stats()
        for section in meters.SECTIONS:
            for meter in section.meters():
                if meter.key is not None and meter.key in stats:
                    yield meter.sample(stats[meter.key] / meter.per)
        counts = self._counts()
        yield from self._orders(stats, counts)
        yield from self._venues(counts)
        yield from self._latencies()
        yield from self._books()
        yield from self._rings_and_feed(stats)
        yield from self._sessions()
        yield meters.CommandLog.follower.sample(max(0, stats["log_sequence"] - stats["follower_sequence"]))
        if "journal_synced" in stats:
            yield from self._journal(stats)
        yield from self._process()
        yield meters.Process.took.sample(time.perf_counter() - began)

    def _counts(self) -> dict[tuple[ReportKind, Reason], int]:
        """Number of reports by kind and reason, with zeros for those that may follow."""
        counts: dict[tuple[ReportKind, Reason], int] = {}
        counts |= {(kind, Reason.NONE): 0 for kind in ReportKind if kind is not ReportKind.REJECTED}
        counts |= {(kind, reason): 0 for kind, reasons in REASONS.items() for reason in reasons}
        known = self._exchange.report_counts().items()
        return counts | {(ReportKind(kind), Reason(reason)): n for (kind, reason), n in known}

    def _orders(self, stats: Mapping[str, float], counts: Mapping[tuple[ReportKind, Reason], int]) -> Iterator[Metric]:
        yield meters.Orders.commands.sample(stats["commands"] - stats["log_first"] + 1)
        yield meters.Orders.reports.samples(
            ((kind.name.lower(), reason.name.lower()), count) for (kind, reason), count in counts.items()
        )

    def _venues(self, counts: Mapping[tuple[ReportKind, Reason], int]) -> Iterator[Metric]:
        def of(kind: ReportKind) -> int:
            return sum(count for (found, _), count in counts.items() if found is kind)

        section, unpriced = meters.Venues, counts[ReportKind.UNCROSSED, Reason.NO_AUCTION_PRICE]
        yield section.auctions.samples([(("priced",), of(ReportKind.UNCROSSED) - unpriced), (("no_price",), unpriced)])
        yield section.indicative.sample(of(ReportKind.INDICATIVE))
        yield section.interruptions.sample(counts[ReportKind.PHASE_CHANGED, Reason.OUTSIDE_RANGE])
        yield section.triggered.sample(of(ReportKind.TRIGGERED))
        yield section.refreshed.sample(of(ReportKind.REFRESHED))
        yield section.expired.samples(
            ((reason.name.lower(),), counts[ReportKind.EXPIRED, reason]) for reason in REASONS[ReportKind.EXPIRED]
        )

    def _latencies(self) -> Iterator[Metric]:
        intervals = self._exchange.latencies()
        for name, meter in (("tick_to_trade", meters.Latency.tick_to_trade), ("match", meters.Latency.match)):
            yield meter.histogram(((kind,), cumulative(found)) for kind, found in intervals.get(name, {}).items())

    def _books(self) -> Iterator[Metric]:
        found = [((str(one.id), one.symbol), self._exchange.depth(one.id)) for one in self._instruments]
        sides = [
            ((*labels, name), side) for labels, book in found for name, side in (("bid", book.bids), ("ask", book.asks))
        ]
        yield meters.Books.orders.samples((labels, side.orders) for labels, side in sides)
        yield meters.Books.levels.samples((labels, side.levels) for labels, side in sides)
        yield meters.Books.lots.samples((labels, side.lots) for labels, side in sides)
        yield meters.Books.best.samples((labels, side.best) for labels, side in sides if side.best is not None)
        yield meters.Books.spread.samples((labels, book.spread) for labels, book in found if book.spread is not None)
        yield meters.Books.phase.samples(
            ((str(one.id), one.symbol, phase.name.lower()), self._exchange.phase(one.id) is phase)
            for one in self._instruments
            for phase in Phase
        )
        yield meters.Books.left_out.sample(len(self._config.instruments) - len(self._instruments))

    def _rings_and_feed(self, stats: Mapping[str, float]) -> Iterator[Metric]:
        slots = self._config.ring_capacity
        used = {"commands": stats["commands_in_ring"], "reports": stats["reports_in_ring"]}
        yield meters.Rings.slots.samples(((name,), slots) for name in used)
        yield meters.Rings.used.samples(((name,), count) for name, count in used.items())
        yield meters.Rings.ratio.samples(((name,), count / slots) for name, count in used.items())
        last = stats["feed_next_sequence"] - 1
        yield meters.Feed.sequence.sample(last)
        listener = self._services.listener
        yield meters.Feed.foreign.sample(0 if listener is None else listener.datagrams)

    def _sessions(self) -> Iterator[Metric]:
        login_handler, recovery = dict(self._services.login_handler.counts), dict(self._services.recovery.counts)
        section = meters.Sessions
        yield section.pending.sample(len(self._services.login_handler))
        yield section.connections.sample(login_handler.get("connections", 0))
        yield section.logins.sample(login_handler.get("admitted", 0))
        yield section.logins_rejected.samples(
            by_name(login_handler, "rejected: ", (reason.name for reason in LOGIN_REASONS))
        )
        yield section.session_ends.samples(
            by_name(login_handler, "ended: ", (reason.name for reason in SESSION_REASONS))
        )
        yield section.recovery_clients.sample(len(self._services.recovery))
        yield section.requests.samples(by_name(recovery, "retransmit: ", (status.name for status in RetransmitStatus)))
        yield section.again.sample(recovery.get("reports sent again", 0))
        yield section.snapshots.sample(recovery.get("snapshots sent", 0))
        yield section.ended.samples(by_name(recovery, "ended: ", (reason.name for reason in RECOVERY_REASONS)))

    def _journal(self, stats: Mapping[str, float]) -> Iterator[Metric]:
        section, copies = meters.Journal, self._services.copies
        yield section.lag.sample(max(0, stats["log_sequence"] - stats["journal_synced"]))
        yield section.sync.summary(int(stats["journal_commits"]), stats["journal_sync_ns"] / 1e9)
        yield section.copies.sample(0 if copies is None else len(copies))
        yield section.copied.sample(0 if copies is None else copies.counts["bytes sent"])

    def _process(self) -> Iterator[Metric]:
        yield meters.Process.build.info(self._build)
        yield meters.Process.threads.samples(thread_seconds())
        yield meters.Process.scrapes.samples(((status,), count) for status, count in self._services.scrapes.items())


def by_name(counts: Mapping[str, int], start: str, known: Iterable[str]) -> Iterator[tuple[meters.Labels, int]]:
    """The counters whose names begin with ``start``, as (rest of the name, count), and 0 for other ``known`` names."""
    found = dict.fromkeys(known, 0)
    found |= {name.removeprefix(start): count for name, count in counts.items() if name.startswith(start)}
    return (((name.lower(),), count) for name, count in found.items())


def thread_seconds() -> Iterator[tuple[meters.Labels, float]]:
    """Processor time of the threads of this process by name; threads with the same name are added up."""
    found: Counter[str] = Counter()
    for thread in threading.enumerate():
        name = "control" if thread is threading.main_thread() else thread.name.removeprefix("pricetime-")
        with suppress(OSError):  # it may have ended
            fields = Path(f"/proc/self/task/{thread.native_id}/stat").read_text("ascii", "replace").rpartition(")")[2]
            user, system = fields.split()[11:13]
            found[name.partition("_")[0]] += int(user) + int(system)
    return (((name,), ticks / TICKS_S) for name, ticks in found.items())
