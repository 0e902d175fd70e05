"""Every metric of a server: name, kind, labels and help text.

``metrics.py`` reads the values; ``tools/metrics_page.py`` writes the tables of the documentation from this module.
Names follow the conventions of Prometheus: prefix ``pricetime_``, subject, unit, and ``_total`` for a counter.
Counters start at 0 when the process starts.
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

from .cumulative import BOUNDS_NS, Cumulative

PREFIX = "pricetime_"

#: Upper bounds of the histogram buckets in seconds, as Prometheus writes them.
BOUNDS = [repr(bound / 1e9) for bound in BOUNDS_NS]

Labels = tuple[str, ...]


@dataclass(frozen=True)
class Meter:
    """One metric.

    ``key``: the entry of ``Exchange.stats`` that holds its value, if there is one; ``per``: divide that value by this.
    """

    kind: Literal["counter", "gauge", "histogram", "info", "summary"]
    stem: str
    help: str
    labels: Labels = ()
    key: str | None = None
    per: float = 1

    @property
    def name(self) -> str:
        """Name in queries; of a histogram or summary, the part before ``_bucket``, ``_sum`` and ``_count``."""
        ending = {"counter": "_total", "info": "_info"}.get(self.kind, "")
        return PREFIX + self.stem + ending

    def sample(self, value: float) -> Metric:
        """The metric with one sample and no labels."""
        return self.samples([((), value)])

    def samples(self, samples: Iterable[tuple[Labels, float]]) -> Metric:
        """The metric with one sample for each combination of label values."""
        kind = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        family = kind(PREFIX + self.stem, self.help, labels=self.labels)
        for labels, value in samples:
            family.add_metric(labels, value)
        return family

    def info(self, facts: dict[str, str]) -> Metric:
        """An info metric, whose labels are the facts."""
        return InfoMetricFamily(PREFIX + self.stem, self.help, value=facts)

    def summary(self, count: int, total: float) -> Metric:
        """A summary: how many values there were, and their sum."""
        return SummaryMetricFamily(PREFIX + self.stem, self.help, count_value=count, sum_value=total)

    def histogram(self, samples: Iterable[tuple[Labels, Cumulative]]) -> Metric:
        """A histogram for each combination of label values."""
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
    """The metrics of one part of the server, as class attributes."""

    title: str

    @classmethod
    def meters(cls) -> Iterator[Meter]:
        """All metrics of this section, in the order of their definition."""
        return (value for value in vars(cls).values() if isinstance(value, Meter))


class Orders(Section):
    title = "Orders"

    commands = counter("commands", "Commands processed: from clients and from the exchange itself.")
    unanswered = gauge("commands_unanswered", "Commands whose reports have not all been sent yet.", key="unanswered")
    reports = counter(
        "reports",
        "Reports produced by commands. A trade is one report, a rejected command is one report.",
        "kind",
        "reason",
    )
    gateway_rejects = counter(
        "gateway_rejects",
        "Commands that the gateway rejected before they reached the book: over the rate limit, malformed, or with an "
        "order id that is too large. They also count as rejected reports. And orders that it refused as BUSY, which do "
        "not.",
        key="gateway_rejects",
    )
    received = counter("received_bytes", "Bytes received from logged-in clients.", key="received_bytes")
    sent = counter("sent_bytes", "Bytes sent to logged-in clients.", key="sent_bytes")
    iterations = counter("gateway_iterations", "Iterations of the gateway's event loop.", key="iterations")


class Latency(Section):
    title = "Latency"

    tick_to_trade = Meter(
        "histogram",
        "tick_to_trade_seconds",
        "Time from the recv call that returned a command until the datagram with its last report was handed to the "
        "kernel, by result of the command.",
        ("kind",),
    )
    match = Meter(
        "histogram",
        "match_seconds",
        "Time to append a command to the log and to execute it, by result of the command. Only sampled commands are "
        "measured.",
        ("kind",),
    )


class Books(Section):
    title = "Books"

    orders = gauge("book_orders", "Resting orders.", "instrument", "symbol", "side")
    levels = gauge("book_levels", "Price levels with resting orders.", "instrument", "symbol", "side")
    lots = gauge("book_quantity_lots", "Resting quantity in lots.", "instrument", "symbol", "side")
    best = gauge("book_best_price_ticks", "Best price; absent while the side is empty.", "instrument", "symbol", "side")
    spread = gauge(
        "book_spread_ticks", "Best ask minus best bid; absent while a side is empty.", "instrument", "symbol"
    )
    phase = gauge(
        "instrument_phase", "1 for the phase of the instrument, 0 for the others.", "instrument", "symbol", "phase"
    )
    left_out = gauge(
        "books_left_out",
        "Instruments without book metrics: only the 256 instruments with the lowest ids have them.",
    )


class Venues(Section):
    title = "Phases and orders of venues"

    auctions = counter(
        "auctions", "Auctions that took place: `priced`, or `no_price` if nothing could trade.", "result"
    )
    indicative = counter("indicative_prices", "Indicative prices published while orders were collected.")
    interruptions = counter(
        "volatility_interruptions", "Volatility auctions that began because a trade would have been outside its range."
    )
    triggered = counter("orders_triggered", "Orders that waited for a trigger price or an auction, and entered.")
    refreshed = counter("icebergs_refreshed", "Slices of icebergs that were displayed after the first one.")
    expired = counter("orders_expired", "Orders that expired: `expiry_reached`, or `day_ended`.", "reason")


class Rings(Section):
    title = "Rings"

    slots = gauge("ring_slots", "Commands or reports that may wait in the event loop.", "ring")
    used = gauge("ring_used_slots", "Commands or reports that wait now.", "ring")
    ratio = gauge("ring_used_ratio", "Used part of this room, from 0 to 1.", "ring")
    full = counter(
        "ring_full",
        "Times that the server did not read from a client because it had no room for more commands.",
        key="ring_full",
    )


class Feed(Section):
    title = "Feed"

    sequence = gauge("feed_sequence", "Sequence number of the last report of the feed.")
    datagrams = counter("feed_datagrams", "Datagrams sent, including heartbeats.", key="feed_datagrams")
    n_bytes = counter("feed_bytes", "Bytes in these datagrams, without UDP and IP headers.", key="feed_bytes")
    calls = counter("feed_calls", "System calls that sent reports of the feed.", key="feed_calls")
    unsent = counter(
        "feed_unsent_reports",
        "Reports that the system refused to send; subscribers must request their retransmission.",
        key="feed_unsent",
    )
    foreign = counter(
        "feed_foreign_datagrams",
        "Datagrams that a second publisher sent to the feed's group and port, counted in a short sample every 5 s.",
    )


class Sessions(Section):
    title = "Sessions and recovery"

    sessions = gauge("sessions", "Logged-in clients.", key="sessions")
    pending = gauge("pending_logins", "Connections that have not logged in yet.")
    connections = counter("connections", "Connections accepted on the port for orders.")
    logins = counter("logins", "Successful logins.")
    logins_rejected = counter("logins_rejected", "Logins and connections that were rejected, by reason.", "reason")
    slow_readers = counter(
        "slow_readers", "Clients that the server disconnected because they read too slowly.", key="slow_readers"
    )
    session_ends = counter(
        "sessions_ended", "Sessions that ended, by reason; `no_reason`: the connection was lost.", "reason"
    )
    recovery_clients = gauge("recovery_clients", "Connections of subscribers to the recovery port.")
    requests = counter("recovery_requests", "Requests for retransmission, by status of the reply.", "status")
    again = counter("recovery_reports", "Reports of the feed that were retransmitted.")
    snapshots = counter("recovery_snapshots", "Snapshots of all books that were sent.")
    ended = counter("recovery_ended", "Recovery connections that the server closed, by reason.", "reason")


class CommandLog(Section):
    title = "Command log"

    term = gauge("log_term", "Term of the log: it grows with every start of a server with this journal.", key="term")
    sequence = gauge("log_sequence", "Sequence number of the last command in the log.", key="log_sequence")
    follower = gauge(
        "follower_lag_commands",
        "Commands in the log that the follower thread has not run yet. Snapshots and book metrics come from it.",
    )


class Journal(Section):
    title = "Journal (only with a journal)"

    synced = gauge(
        "journal_synced_sequence", "Sequence number of the last command that is on the disk.", key="journal_synced"
    )
    lag = gauge("journal_lag_commands", "Commands in the journal that are not on the disk yet.")
    segment = gauge("journal_segment", "Number of the current journal file.", key="journal_segment")
    offset = gauge("journal_offset_bytes", "Write position in that file.", key="journal_offset")
    sync = Meter("summary", "journal_sync_seconds", "Syncs of the journal to the disk: number and total time.")
    last = gauge("journal_sync_last_seconds", "Duration of the last sync.", key="journal_sync_last_ns", per=1e9)
    longest = gauge(
        "journal_sync_longest_seconds", "Longest sync since the start.", key="journal_sync_longest_ns", per=1e9
    )
    n_bytes = counter("journal_synced_bytes", "Bytes of the journal synced to the disk.", key="journal_synced_bytes")
    snapshot = gauge(
        "snapshot_sequence", "Sequence number of the last command in the newest snapshot.", key="snapshot_sequence"
    )
    copies = gauge("journal_copies", "Connections from other machines that copy the journal.")
    copied = counter("journal_copied_bytes", "Bytes of the journal sent to these connections.")


class Cluster(Section):
    title = "Cluster (only a node of `pricetime cluster`)"

    term = gauge("cluster_term", "Term of the newest leader that this node knows: it grows with every election.")
    role = gauge("cluster_role", "1 for the role of this node, 0 for the others.", "role")
    changes = counter("cluster_leader_changes", "Times that a different node became the leader, since the start.")
    replicated = gauge(
        "cluster_replicated_sequence",
        "Sequence number of the last command that a majority of the NATS servers has, as far as this node knows.",
    )
    lag = gauge(
        "cluster_lag_commands",
        "Of a leader: commands in its journal that the stream does not have. Of a follower: commands in the stream "
        "that it does not have.",
    )
    unacknowledged = gauge("cluster_unacknowledged_pages", "Pages of commands that wait for their acknowledgement.")
    retries = counter(
        "cluster_append_retries", "Times that the outcome of an append was unknown or a refusal, and it was repeated."
    )
    connected = gauge("cluster_nats_connected", "1 while this node is connected to a NATS server, otherwise 0.")


class Process(Section):
    title = "Server"

    build = Meter("info", "build", "Version, form, acknowledge and idle of this server, as labels.")
    threads = counter("thread_cpu_seconds", "Processor time of each named thread.", "thread")
    scrapes = counter(
        "scrapes", "Requests for metrics, by HTTP status; `closed`: no complete reply was sent.", "status"
    )
    took = gauge("scrape_seconds", "Time that it took to read these metrics.")


SECTIONS: tuple[type[Section], ...] = (
    Orders, Latency, Books, Venues, Rings, Feed, Sessions, CommandLog, Journal, Cluster, Process,
)  # fmt: skip

#: Metrics that ``prometheus-client`` adds for every process.
OF_THE_PROCESS = {
    "process_resident_memory_bytes": ("gauge", "Resident memory."),
    "process_virtual_memory_bytes": ("gauge", "Reserved address space, which is much larger than the memory used."),
    "process_cpu_seconds_total": ("counter", "Processor time of all threads."),
    "process_start_time_seconds": ("gauge", "Start of the process, seconds since 1970."),
    "process_open_fds": ("gauge", "Open file descriptors."),
    "process_max_fds": ("gauge", "Limit of open file descriptors."),
}
