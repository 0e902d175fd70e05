"""Every metric of a server: its name, its kind, what it says. The page of them is written from here, see
``tools/metrics_page.py``; how each is read stands in ``metrics.py``.

Names follow Prometheus: ``pricetime_``, what it is, the unit; ``_total`` for what only grows, since the start of the
process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from ..measure.cumulative import BOUNDS_NS, Cumulative

PREFIX = "pricetime_"

#: The bounds of a histogram's buckets as Prometheus writes them, in seconds.
BOUNDS = [repr(bound / 1e9) for bound in BOUNDS_NS]

Labels = tuple[str, ...]


@dataclass(frozen=True)
class Meter:
    """One metric. ``key`` and ``per``: which of ``Exchange.stats`` it is, and how many of those make one."""

    kind: Literal["counter", "gauge", "histogram", "info", "summary"]
    stem: str
    help: str
    labels: Labels = ()
    key: str | None = None
    per: float = 1

    @property
    def name(self) -> str:
        """As it is asked for; of a histogram or summary the part before ``_bucket``, ``_sum`` and ``_count``."""
        ending = {"counter": "_total", "info": "_info"}.get(self.kind, "")
        return PREFIX + self.stem + ending

    def is_now(self, value: float) -> Metric:
        """Its only sample."""
        return self.are_now([((), value)])

    def are_now(self, samples: Iterable[tuple[Labels, float]]) -> Metric:
        """A sample for each of the labels' values."""
        kind = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        family = kind(PREFIX + self.stem, self.help, labels=self.labels)
        for labels, value in samples:
            family.add_metric(labels, value)
        return family

    def tells(self, facts: dict[str, str]) -> Metric:
        """What is a name and no number."""
        return InfoMetricFamily(PREFIX + self.stem, self.help, value=facts)

    def sums_to(self, count: int, total: float) -> Metric:
        """How many there were, and what they come to."""
        return SummaryMetricFamily(PREFIX + self.stem, self.help, count_value=count, sum_value=total)

    def is_spread(self, samples: Iterable[tuple[Labels, Cumulative]]) -> Metric:
        """A histogram for each of the labels' values."""
        family = HistogramMetricFamily(PREFIX + self.stem, self.help, labels=self.labels)
        for labels, found in samples:
            buckets = [*zip(BOUNDS, found.below, strict=True), ("+Inf", found.total)]
            family.add_metric(labels, buckets, found.seconds)
        return family


def counter(stem: str, text: str, *labels: str, key: str | None = None, per: float = 1) -> Meter:
    return Meter("counter", stem, text, labels, key, per)


def gauge(stem: str, text: str, *labels: str, key: str | None = None, per: float = 1) -> Meter:
    return Meter("gauge", stem, text, labels, key, per)


class Section:
    """The metrics of a part of the server, by the name that they have as attributes."""

    title: str

    @classmethod
    def meters(cls) -> Iterator[Meter]:
        """All of them, in their order."""
        return (value for value in vars(cls).values() if isinstance(value, Meter))


class Orders(Section):
    title = "Orders"

    commands = counter("commands", "Commands taken: what clients sent, and what the exchange itself does.")
    unanswered = gauge("commands_unanswered", "Commands taken whose reports have not all left.", key="unanswered")
    reports = counter(
        "reports", "Reports that commands made; a trade is one, and a rejected command is one.", "kind", "reason"
    )
    refused = counter(
        "commands_refused",
        "Commands that the gateway refused ahead of the books: too many, malformed, an order id too large. They are "
        "among the rejected reports too.",
        key="refused",
    )
    received = counter("received_bytes", "Bytes from clients that are logged in.", key="received_bytes")
    sent = counter("sent_bytes", "Bytes to clients that are logged in.", key="sent_bytes")
    turns = counter("gateway_turns", "Turns of the gateway's thread.", key="turns")


class Latency(Section):
    title = "Latency"

    tick_to_trade = Meter(
        "histogram",
        "tick_to_trade_seconds",
        "From the recv that returned a command until the datagrams with its reports are with the kernel, by what the "
        "command came to.",
        ("kind",),
    )
    match = Meter(
        "histogram",
        "match_seconds",
        "From a command being taken from its ring until its reports are written, by what it came to.",
        ("kind",),
    )


class Books(Section):
    title = "Books"

    orders = gauge("book_orders", "Orders that rest.", "instrument", "symbol", "side")
    levels = gauge("book_levels", "Prices at which orders rest.", "instrument", "symbol", "side")
    lots = gauge("book_quantity_lots", "Lots that rest.", "instrument", "symbol", "side")
    best = gauge(
        "book_best_price_ticks", "The best price; not there while a side is empty.", "instrument", "symbol", "side"
    )
    spread = gauge(
        "book_spread_ticks", "Ticks between bid and ask; not there while one of them is not.", "instrument", "symbol"
    )
    halted = gauge("instrument_halted", "1 while an instrument is halted, else 0.", "instrument", "symbol")
    left_out = gauge(
        "books_left_out",
        "Instruments that are not in these figures, because there are more than 256; those of the lowest ids are.",
    )


class Rings(Section):
    title = "Rings"

    slots = gauge("ring_slots", "Commands, or reports, that a ring has room for.", "ring")
    used = gauge("ring_used_slots", "Commands, or reports, that wait in a ring.", "ring")
    ratio = gauge("ring_used_ratio", "The part of a ring that is in use, from 0 to 1.", "ring")
    full = counter(
        "ring_full", "Times that a client had to wait, because the ring of commands had no room.", key="ring_full"
    )


class Feed(Section):
    title = "Feed"

    sequence = gauge("feed_sequence", "Number of the last report of the feed.")
    datagrams = counter("feed_datagrams", "Datagrams that the system took, heartbeats too.", key="feed_datagrams")
    n_bytes = counter("feed_bytes", "Bytes in them, without the headers of UDP and IP.", key="feed_bytes")
    calls = counter("feed_calls", "Calls to the system that sent them.", key="feed_calls")
    unsent = counter(
        "feed_unsent_reports",
        "Reports that the system refused to send, which subscribers have to recover.",
        key="feed_unsent",
    )
    foreign = counter(
        "feed_foreign_datagrams",
        "Datagrams of another publisher on the group and port of the feed, heard in a short sample every 5 s.",
    )
    lag = gauge(
        "replica_lag_reports",
        "Reports of the feed that the replica has not applied, which snapshots and the figures of books come from.",
    )


class Sessions(Section):
    title = "Sessions and recovery"

    sessions = gauge("sessions", "Clients that are logged in.", key="sessions")
    pending = gauge("pending_logins", "Connections that have not logged in yet.")
    connections = counter("connections", "Connections for orders that were accepted.")
    logins = counter("logins", "Logins that were good.")
    refused = counter("logins_refused", "Logins, or connections before one, that were refused, by why.", "reason")
    cut_off = counter("sessions_cut_off", "Clients that were cut off, because they read too slowly.", key="cut_off")
    session_ends = counter(
        "sessions_ended", "Sessions that ended, by why; `no_reason`: the connection was lost.", "reason"
    )
    recovery_clients = gauge("recovery_clients", "Connections of subscribers that recover.")
    requests = counter("recovery_requests", "Requests for reports of the feed, by how they were answered.", "status")
    again = counter("recovery_reports", "Reports of the feed that were sent again.")
    snapshots = counter("recovery_snapshots", "Snapshots of all books that were sent.")
    ended = counter("recovery_ended", "Connections of subscribers that were ended here, by why.", "reason")


class Journal(Section):
    title = "Journal, where there is one"

    sequence = gauge("journal_sequence", "Sequence of the last command in the journal.", key="journal_sequence")
    synced = gauge("journal_synced_sequence", "Sequence of the last command that is on the disk.", key="journal_synced")
    lag = gauge("journal_lag_commands", "Commands in the journal that are not on the disk yet.")
    segment = gauge("journal_segment", "Number of the file that is written to.", key="journal_segment")
    offset = gauge("journal_offset_bytes", "Where in that file the next record comes.", key="journal_offset")
    sync = Meter("summary", "journal_sync_seconds", "Commits: how many, and how long they took together, to the disk.")
    last = gauge("journal_sync_last_seconds", "How long the last commit took.", key="journal_sync_last_ns", per=1e9)
    longest = gauge(
        "journal_sync_longest_seconds",
        "How long the longest took since the start.",
        key="journal_sync_longest_ns",
        per=1e9,
    )
    n_bytes = counter("journal_synced_bytes", "Bytes that were brought to the disk.", key="journal_synced_bytes")
    snapshot = gauge(
        "snapshot_sequence", "Sequence of the last command in the newest snapshot.", key="snapshot_sequence"
    )
    follower = gauge(
        "follower_lag_commands", "Commands that the follower, which takes the snapshots, has not applied yet."
    )
    copies = gauge("journal_copies", "Connections that follow the journal from elsewhere.")
    copied = counter("journal_copied_bytes", "Bytes of the journal that were sent to them.")


class Process(Section):
    title = "Server"

    build = Meter("info", "build", "What runs: version, form, acknowledge, threading, idle.")
    threads = counter("thread_cpu_seconds", "Processor time of each thread that has a name.", "thread")
    scrapes = counter("scrapes", "Requests for these metrics, by how they were answered.", "status")
    took = gauge("scrape_seconds", "How long it took to read all this.")


SECTIONS: tuple[type[Section], ...] = (Orders, Latency, Books, Rings, Feed, Sessions, Journal, Process)

#: What ``prometheus-client`` says of any process, beside these.
OF_THE_PROCESS = {
    "process_resident_memory_bytes": ("gauge", "Memory that it takes up."),
    "process_virtual_memory_bytes": ("gauge", "Address space that it has reserved: much more, see the settings."),
    "process_cpu_seconds_total": ("counter", "Processor time of all its threads."),
    "process_start_time_seconds": ("gauge", "When it started, since 1970."),
    "process_open_fds": ("gauge", "Descriptors that it has open."),
    "process_max_fds": ("gauge", "Descriptors that it may have."),
}
