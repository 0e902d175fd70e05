"""What Prometheus is told, read from the exchange when somebody asks, and never before.

Nothing of this is on the way of an order. The threads that carry orders count in memory of their own, whether anybody
reads it or not; here the counts are copied, in a thread of the control side. Books are looked at in the replica, which
for so long applies no reports.
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
from typing import NamedTuple, Protocol

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from .. import COMPILED
from ..measure.cumulative import cumulative
from ..types import InstrumentState, Reason, ReportKind
from ..wire.types import RetransmitStatus, SessionReason
from . import meters
from .config import GatewayConfig
from .measured import Measured

#: Instruments whose books are looked at: ten samples each.
MOST_BOOKS = 256

#: The reasons that go with a kind of report beside ``none``: told from the start, so that the first is seen to come.
REASONS = {
    ReportKind.CANCELLED: (
        Reason.IOC_REMAINDER, Reason.FOK_UNFILLABLE, Reason.MARKET_REMAINDER, Reason.SELF_TRADE, Reason.BY_MASS_CANCEL,
        Reason.BY_DISCONNECT, Reason.BY_OPERATOR,
    ),
    ReportKind.REPLACED: (Reason.KEPT_PLACE,),
    ReportKind.REDUCED: (Reason.SELF_TRADE,),
    ReportKind.REJECTED: tuple(reason for reason in Reason if 0 < reason < Reason.IOC_REMAINDER),
}  # fmt: skip

#: Why a login is refused, why a session ends, and why a connection that recovers is ended.
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

#: Of the system's clock that counts processor time.
TICKS_S = os.sysconf("SC_CLK_TCK")


class Service(Protocol):
    """A server of the control side: how many are connected, and what happened so far."""

    @property
    def counts(self) -> Counter[str]:
        """What happened, by name: ``refused: REASON`` and such."""

    def __len__(self) -> int: ...


class Listener(Protocol):
    """Hears other publishers on the feed's group."""

    @property
    def datagrams(self) -> int:
        """Theirs, so far."""


class Services(NamedTuple):
    """Everything of the control side that counts; ``copies``: where the journal may be followed."""

    login_handler: Service
    recovery: Service
    copies: Service | None
    scrapes: Mapping[str, int]
    listener: Listener | None = None


class ExchangeCollector(Collector):
    """Reads an exchange whenever it is collected. Not in the loop: it may wait for the replica, and takes some ms.

    ``first``: sequence of the last command before those of this process.
    """

    def __init__(self, config: GatewayConfig, exchange: Measured, services: Services, first: int) -> None:
        self._config = config
        self._exchange = exchange
        self._services = services
        self._first = first
        self._told = sorted(config.instruments, key=lambda instrument: instrument.id)[:MOST_BOOKS]
        self._build = {
            "version": version("pricetime"),
            "form": "compiled" if COMPILED else "pure",
            "acknowledge": "volatile" if config.journal is None else config.acknowledge.value,
            "threading": config.threading.value,
            "idle": config.idle.value,
        }

    def collect(self) -> Iterator[Metric]:
        """Every metric, as it is now."""
        began = time.perf_counter()
        stats = self._exchange.stats()
        for section in meters.SECTIONS:
            for meter in section.meters():
                if meter.key is not None and meter.key in stats:
                    yield meter.is_now(stats[meter.key] / meter.per)
        yield from self._orders(stats)
        yield from self._latencies()
        yield from self._books()
        yield from self._rings_and_feed(stats)
        yield from self._sessions()
        if "journal_sequence" in stats:
            yield from self._journal(stats)
        yield from self._process()
        yield meters.Process.took.is_now(time.perf_counter() - began)

    def _orders(self, stats: Mapping[str, float]) -> Iterator[Metric]:
        yield meters.Orders.commands.is_now(stats["commands"] - self._first)
        counts: dict[tuple[ReportKind, Reason], int] = {}
        counts |= {(kind, Reason.NONE): 0 for kind in ReportKind if kind is not ReportKind.REJECTED}
        counts |= {(kind, reason): 0 for kind, reasons in REASONS.items() for reason in reasons}
        counts |= {
            (ReportKind(kind), Reason(reason)): n for (kind, reason), n in self._exchange.report_counts().items()
        }
        yield meters.Orders.reports.are_now(
            ((kind.name.lower(), reason.name.lower()), count) for (kind, reason), count in counts.items()
        )

    def _latencies(self) -> Iterator[Metric]:
        intervals = self._exchange.latencies()
        for name, meter in (("tick_to_trade", meters.Latency.tick_to_trade), ("match", meters.Latency.match)):
            yield meter.is_spread(((kind,), cumulative(found)) for kind, found in intervals.get(name, {}).items())

    def _books(self) -> Iterator[Metric]:
        found = [((str(one.id), one.symbol), self._exchange.depth(one.id)) for one in self._told]
        sides = [
            ((*labels, name), side) for labels, book in found for name, side in (("bid", book.bids), ("ask", book.asks))
        ]
        yield meters.Books.orders.are_now((labels, side.orders) for labels, side in sides)
        yield meters.Books.levels.are_now((labels, side.levels) for labels, side in sides)
        yield meters.Books.lots.are_now((labels, side.lots) for labels, side in sides)
        yield meters.Books.best.are_now((labels, side.best) for labels, side in sides if side.best is not None)
        yield meters.Books.spread.are_now((labels, book.spread) for labels, book in found if book.spread is not None)
        yield meters.Books.halted.are_now((labels, book.state is InstrumentState.HALTED) for labels, book in found)
        yield meters.Books.left_out.is_now(len(self._config.instruments) - len(self._told))

    def _rings_and_feed(self, stats: Mapping[str, float]) -> Iterator[Metric]:
        slots = self._config.ring_capacity
        used = {"commands": stats["commands_in_ring"], "reports": stats["reports_in_ring"]}
        yield meters.Rings.slots.are_now(((name,), slots) for name in used)
        yield meters.Rings.used.are_now(((name,), count) for name, count in used.items())
        yield meters.Rings.ratio.are_now(((name,), count / slots) for name, count in used.items())
        last = stats["feed_next_sequence"] - 1
        yield meters.Feed.sequence.is_now(last)
        listener = self._services.listener
        yield meters.Feed.foreign.is_now(0 if listener is None else listener.datagrams)
        yield meters.Feed.lag.is_now(max(0, last - stats["replica_sequence"]))

    def _sessions(self) -> Iterator[Metric]:
        login_handler, recovery = dict(self._services.login_handler.counts), dict(self._services.recovery.counts)
        told = meters.Sessions
        yield told.pending.is_now(len(self._services.login_handler))
        yield told.connections.is_now(login_handler.get("connections", 0))
        yield told.logins.is_now(login_handler.get("admitted", 0))
        yield told.refused.are_now(by_name(login_handler, "refused: ", (reason.name for reason in LOGIN_REASONS)))
        yield told.session_ends.are_now(by_name(login_handler, "ended: ", (reason.name for reason in SESSION_REASONS)))
        yield told.recovery_clients.is_now(len(self._services.recovery))
        yield told.requests.are_now(by_name(recovery, "retransmit: ", (status.name for status in RetransmitStatus)))
        yield told.again.is_now(recovery.get("reports sent again", 0))
        yield told.snapshots.is_now(recovery.get("snapshots sent", 0))
        yield told.ended.are_now(by_name(recovery, "ended: ", (reason.name for reason in RECOVERY_REASONS)))

    def _journal(self, stats: Mapping[str, float]) -> Iterator[Metric]:
        told, copies = meters.Journal, self._services.copies
        yield told.lag.is_now(max(0, stats["journal_sequence"] - stats["journal_synced"]))
        yield told.sync.sums_to(int(stats["journal_commits"]), stats["journal_sync_ns"] / 1e9)
        yield told.follower.is_now(max(0, stats["journal_sequence"] - stats["follower_sequence"]))
        yield told.copies.is_now(0 if copies is None else len(copies))
        yield told.copied.is_now(0 if copies is None else copies.counts["bytes sent"])

    def _process(self) -> Iterator[Metric]:
        yield meters.Process.build.tells(self._build)
        yield meters.Process.threads.are_now(thread_seconds())
        yield meters.Process.scrapes.are_now(((status,), count) for status, count in self._services.scrapes.items())


def by_name(counts: Mapping[str, int], start: str, known: Iterable[str]) -> Iterator[tuple[meters.Labels, int]]:
    """Of what was counted under a name that starts so: the rest of the name, and the count; 0 for the others known."""
    found = dict.fromkeys(known, 0)
    found |= {name.removeprefix(start): count for name, count in counts.items() if name.startswith(start)}
    return (((name.lower(),), count) for name, count in found.items())


def thread_seconds() -> Iterator[tuple[meters.Labels, float]]:
    """Processor time of the threads of this process by name; those of one name together."""
    found: Counter[str] = Counter()
    for thread in threading.enumerate():
        name = "control" if thread is threading.main_thread() else thread.name.removeprefix("pricetime-")
        with suppress(OSError):  # it may have ended
            fields = Path(f"/proc/self/task/{thread.native_id}/stat").read_text("ascii", "replace").rpartition(")")[2]
            user, system = fields.split()[11:13]
            found[name.partition("_")[0]] += int(user) + int(system)
    return (((name,), ticks / TICKS_S) for name, ticks in found.items())
