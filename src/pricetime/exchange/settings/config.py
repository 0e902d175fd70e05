"""The settings of a server, with their types and limits.

``GatewayConfig(...)`` checks the values that it is given. ``sources.load`` reads these values from the settings file,
the environment and the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from ...environment import PREFIX
from ...log.configuration import DEFAULT_REFRESHES, Configuration
from ...owner_limits import OwnerLimits
from ...wire.types import MAX_OWNER
from .admin_socket import beside
from .fields import (
    Acknowledge,
    Cpus,
    FeedAddress,
    Fraction,
    Host,
    Idle,
    LogFormat,
    LogLevel,
    Names,
    Port,
    PowerOfTwo,
    pairs,
    setting,
    split_by,
)
from .instrument import InstrumentConfig, Instruments

#: Bytes of the IP and UDP headers of a datagram, and of one report.
DATAGRAM_HEADERS, REPORT_BYTES = 28, 48


def limit(default: int | None, description: str, least: int, most: int) -> Any:
    """A field that limits all owners, or one owner."""
    return Field(default, description=description, ge=least, le=most, json_schema_extra={"group": "Owner limits"})


class OwnerConfig(BaseModel):
    """Limits of one owner that differ from the limits of all owners."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int = Field(description="Number of the owner", ge=1, le=MAX_OWNER)
    max_open_orders: int | None = limit(None, "Overrides the setting of the same name for this owner", 1, 2**31)
    max_order_quantity: int | None = limit(None, "Overrides the setting of the same name for this owner", 1, 2**63 - 1)
    max_price_distance: int | None = limit(None, "Overrides the setting of the same name for this owner", 0, 2**63 - 1)


Owners = Annotated[tuple[Annotated[OwnerConfig, BeforeValidator(pairs)], ...], NoDecode, split_by(";")]

# One function for each group of settings, in the order of the page of settings.
entry, feed, recovery = partial(setting, "Order entry"), partial(setting, "Market data"), partial(setting, "Recovery")
book, owned = partial(setting, "Book"), partial(setting, "Owner limits")
journaling, operation = partial(setting, "Journal"), partial(setting, "Operation")
page, threads = partial(setting, "Live page"), partial(setting, "Threads and memory")
latency, faults = partial(setting, "Latency"), partial(setting, "Fault injection")
log, metrics = partial(setting, "Log"), partial(setting, "Metrics")


class GatewayConfig(BaseSettings):
    """Every setting of a server."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True)

    host: Host = entry("127.0.0.1", "Address or name to listen on; `0.0.0.0` or `::` for all interfaces")
    port: Port = entry(7001, "TCP port for order entry; 0 takes a free port and prints it")
    open: bool = entry(False, "Accept every login without a secret; for tests, and only on a loopback address")
    secrets_file: Path | None = entry(
        None, "File with the owners and their secrets, mode 0600; `pricetime secret` writes it"
    )
    max_clients: int = entry(1024, "Maximum number of sessions", ge=1, le=65535)
    pending_logins: int = entry(256, "Maximum number of connections that have not logged in", ge=1, le=65535)
    login_timeout_ms: int = entry(2000, "A connection must log in within this time", ge=10, le=600_000)
    heartbeat_ms: int = entry(1000, "Each side sends a heartbeat after this much silence of its own", ge=10, le=600_000)
    timeout_ms: int = entry(
        5000, "Each side ends the session if it receives nothing for this long; at least 2 * heartbeat_ms",
        ge=20, le=3_600_000,
    )  # fmt: skip
    outbound_bytes: int = entry(
        4 * 2**20, "The server disconnects a client that has more unread bytes of reports than this", ge=4096, le=2**31
    )
    stream_reports: PowerOfTwo = entry(
        2**18, "Reports kept in memory for each owner, so that a client can resume", ge=2**6, le=2**26
    )
    cancel_on_disconnect: bool = entry(
        True, "Cancel an owner's orders when its session ends, but for those that the client asked at login to keep"
    )
    orders_per_second: int = entry(
        0, "Orders that an owner may send each second. Cancels have a separate allowance of twice as many. 0: no limit",
        ge=0, le=10**9,
    )  # fmt: skip
    burst: int = entry(0, "Orders that an owner may send at once; 0: as many as in one second", ge=0, le=10**9)
    busy_after_ms: int = entry(
        0,
        "After the log has made no progress for this long, new orders are refused as BUSY until it does. 0: never",
        ge=0, le=3_600_000,
    )  # fmt: skip
    relogin_delay_ms: int = entry(
        1000, "After a session ended for exceeding orders_per_second, logins of its owner are rejected for this long",
        ge=0, le=600_000,
    )  # fmt: skip

    feed_group: FeedAddress = feed("239.255.77.1", "IPv4 multicast group of the feed")
    feed_port: int = feed(7003, "UDP port of the feed", ge=1, le=65535)
    feed_interface: FeedAddress = feed("127.0.0.1", "IPv4 address of the network interface that sends the feed")
    feed_ttl: int = feed(
        1, "IP time to live of the feed: 0 stays on this machine, 1 stays in the local network", ge=0, le=255
    )
    mtu: int = feed(1500, "Bytes of a network packet; 1,500 hold 30 reports, 9,000 hold 186 reports", ge=76, le=65535)
    feed_heartbeat_ms: int = feed(100, "Interval of feed heartbeats, with and without load", ge=1, le=60_000)
    feed_listen_ms: int = feed(
        250,
        "How long the server listens for a second publisher on the feed's group and port, at the start and every 5 s. "
        "0: never",
        ge=0, le=60_000,
    )  # fmt: skip
    force: bool = feed(False, "Start even if a second publisher sends to the feed's group and port")
    feed_store_reports: PowerOfTwo = feed(
        2**20, "Reports of the feed kept in memory for retransmission", ge=2**10, le=2**26
    )

    recovery_port: Port = recovery(7002, "TCP port for retransmission and snapshots; 0 takes a free port")
    recovery_clients: int = recovery(
        64, "Maximum number of connections; a new one then replaces the idlest", ge=1, le=4096
    )
    recovery_clients_per_address: int = recovery(32, "Maximum number of connections from one address", ge=1, le=4096)
    recovery_chunk_reports: int = recovery(4096, "Maximum number of reports in one reply", ge=1, le=65536)
    recovery_reports_per_second: int = recovery(
        500_000, "Reports that one connection may fetch each second", ge=1, le=10**9
    )
    recovery_total_per_second: int = recovery(
        2_000_000, "Reports that all connections together may fetch each second", ge=1, le=10**9
    )
    recovery_idle_ms: int = recovery(30_000, "The server closes a connection without a request for this long", ge=10)
    recovery_request_ms: int = recovery(
        2000,
        "A request must arrive completely within this time, and a client may pause this long while it reads a reply",
        ge=10,
        le=600_000,
    )
    recovery_bytes_per_second: int = recovery(
        1_000_000, "The server closes a connection that reads a reply more slowly than this", ge=1, le=10**10
    )
    snapshot_cache_ms: int = recovery(200, "The server reuses a snapshot up to this age", ge=0)
    snapshot_copies: int = recovery(
        4, "Maximum number of snapshots in memory; at the limit, the newest one is reused", ge=1, le=256
    )

    instruments: Instruments = book(
        (InstrumentConfig(id=1, symbol="DEMO"),), "Traded instruments: one table `[[instruments]]` for each"
    )
    order_capacity: int = book(2**20, "Maximum number of resting orders in all instruments", ge=1, le=2**31)
    level_capacity: int | None = book(
        None, "Maximum number of price levels in all instruments; default: order_capacity", ge=1, le=2**31
    )
    refresh_limit: int = book(
        DEFAULT_REFRESHES,
        "Maximum number of times that all icebergs together may still be refreshed; beyond it, icebergs are rejected",
        ge=0, le=2**40,
    )  # fmt: skip
    expiry_interval_ms: int = book(
        1000, "How often the server looks for orders whose time has expired", ge=10, le=3_600_000
    )
    indicative_interval_ms: int = book(
        1000,
        "Minimum time between two indicative prices of an instrument that collects orders; they are published only if "
        "its orders have changed. 0: never",
        ge=0, le=3_600_000,
    )  # fmt: skip
    ring_capacity: PowerOfTwo = book(
        2**16, "Commands, and reports, that may wait in the event loop; beyond it, clients wait", ge=2**4, le=2**24
    )

    max_open_orders: int | None = limit(
        None,
        "Maximum number of resting orders of one owner in all instruments; default: a quarter of order_capacity",
        1,
        2**31,
    )
    max_order_quantity: int | None = limit(
        None, "Maximum quantity of one order in lots; default: no limit", 1, 2**63 - 1
    )
    max_price_distance: int | None = limit(
        None,
        "Maximum distance in ticks between an order's price and the best price of the opposite side (of its own side "
        "if the opposite side is empty); default: no limit",
        0,
        2**63 - 1,
    )
    owners: Owners = owned((), "Owners with their own limits: one table `[[owners]]` for each")

    journal: Path | None = journaling(None, "Directory of the journal; without one, a restart loses everything")
    acknowledge: Acknowledge = journaling(
        "memory",
        "When a report is sent. `memory`: its command survives a crash of the process. `durable`: its command is on "
        "the disk and survives a loss of power",
    )
    commit_window_us: int = journaling(
        0, "With `durable`: a sync waits this long for more commands", ge=0, le=1_000_000
    )
    sync_interval_ms: int = journaling(10, "With `memory`: interval of syncs to the disk", ge=1, le=60_000)
    segment_bytes: int = journaling(
        64 * 2**20, "Size of one journal file, a multiple of 4,096", ge=2**13, le=2**31, multiple_of=2**12
    )
    snapshot_every: int = journaling(1_000_000, "Commands between two snapshots; 0: not by count", ge=0)
    snapshot_interval_s: int = journaling(0, "Time between two snapshots; 0: not by time", ge=0)
    snapshot_stream_reports: PowerOfTwo = journaling(
        2**12, "Newest reports of each owner in a snapshot; clients can resume from these after a restart",
        ge=2**6, le=2**26,
    )  # fmt: skip
    snapshot_feed_reports: PowerOfTwo = journaling(
        2**16, "Newest reports of the feed in a snapshot; subscribers can fetch these after a restart",
        ge=2**10, le=2**26,
    )  # fmt: skip
    keep_segments: bool = journaling(
        False, "Keep journal files that a restart no longer needs, so that the whole history can be replayed"
    )
    journal_port: Port | None = journaling(
        None, "TCP port for followers that copy the journal; 0 takes a free port; default: no followers"
    )

    admin_socket: Path | None = operation(
        None,
        "Unix socket for `pricetime admin`, mode 0600; default: `DIR.admin` for a journal in `DIR`, no socket without "
        "a journal",
    )

    http_port: Port | None = page(None, "TCP port of the live page; 0 takes a free port; default: no page")
    http_host: Host = page(
        "127.0.0.1", "Address or name on which the page listens; `0.0.0.0` or `::` for all interfaces"
    )
    http_names: Names = page(
        (), "Host names under which browsers and Prometheus may reach this server, besides addresses and localhost"
    )
    http_pages: int = page(32, "Maximum number of open pages", ge=1, le=1024)
    http_pages_per_address: int = page(24, "Maximum number of open pages from one address", ge=1, le=1024)
    http_owner: int | None = page(
        None,
        "Sandbox: every visitor of the page trades as this owner; only on a loopback address",
        ge=1,
        le=MAX_OWNER,
    )

    idle: Idle = threads("block", "How a thread waits for work")
    gateway_cpus: Cpus = threads((), "Processors for the event loop, such as `2,3`; default: all")
    prefault: bool = threads(
        True, "Take the memory for orders from the system at the start, so that no order waits for a page fault"
    )
    prefault_streams: int = threads(
        4, "With prefault: also take the memory for the report streams of this many owners", ge=0, le=64
    )
    drain_timeout_ms: int = threads(
        5000, "At a stop, maximum time to execute pending commands and to send all reports", ge=1
    )

    match_sample_every: int = latency(
        1021,
        "Measure the matching time of one command in this many; 1: every command, 0: none. A prime, so that regular "
        "flows are sampled evenly",
        ge=0, le=10**9,
    )  # fmt: skip
    latency_log: Path | None = latency(
        None, "File (`.hlog`) for the latency histograms, written when the server stops; default: not written"
    )

    drop: Fraction = faults(0.0, "Fraction of feed datagrams that the server does not send, to test subscribers")
    duplicate: Fraction = faults(0.0, "Fraction of feed datagrams that the server sends twice")
    reorder: Fraction = faults(0.0, "Fraction of feed datagrams that the server sends after the next one")
    fault_seed: int = faults(1, "Seed of the faults; the same seed gives the same faults", ge=0, le=2**64 - 1)

    log_level: LogLevel = log("info", "Lowest level that is written")
    log_format: LogFormat = log("auto", "`console`, `json`, or `auto`: console on a terminal, JSON otherwise")
    stats_interval_ms: int = log(10_000, "Interval of the log event `stats`, which holds the counters; 0: never", ge=0)

    metrics_port: Port | None = metrics(
        None, "TCP port of `/metrics` for Prometheus; 0 takes a free port; default: no metrics"
    )
    metrics_host: Host = metrics(
        "127.0.0.1", "Address or name on which metrics are served; every host that can connect may read them"
    )

    _reload: Callable[[], GatewayConfig] | None = PrivateAttr(None)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)

    @model_validator(mode="after")
    def _check(self) -> GatewayConfig:
        """Check settings that depend on each other. Each message begins with the name of one setting."""
        if not self.feed_group.is_multicast:
            raise ValueError(
                f"feed_group: {self.feed_group} is not a multicast address: give an address from 239.0.0.0 upwards"
            )
        if self.port == self.recovery_port != 0:
            raise ValueError(f"recovery_port: {self.port} is also the port for orders: give a different port")
        if self.outbound_bytes > self.stream_reports * REPORT_BYTES:
            raise ValueError(
                f"outbound_bytes: {self.outbound_bytes} is more than stream_reports ({self.stream_reports}) can hold: "
                f"give {self.stream_reports * REPORT_BYTES} or less, or a larger stream_reports"
            )
        if self.timeout_ms < 2 * self.heartbeat_ms:
            raise ValueError(
                f"timeout_ms: {self.timeout_ms} is less than 2 * heartbeat_ms, so one late heartbeat would end a "
                f"session: give {2 * self.heartbeat_ms} or more"
            )
        if self.acknowledge == "durable" and self.journal is None:
            raise ValueError(
                "acknowledge: durable needs a journal: set journal to a directory, or acknowledge to memory"
            )
        if self.journal_port is not None and self.journal is None:
            raise ValueError("journal_port: there is no journal to follow: set journal to a directory")
        for name, tables in (("instruments", self.instruments), ("owners", self.owners)):
            ids = [table.id for table in tables]
            if len(set(ids)) < len(ids):
                raise ValueError(f"{name}: the id {max(ids, key=ids.count)} is used twice")
        return self

    @model_validator(mode="after")
    def _check_access(self) -> GatewayConfig:
        """Check the settings that decide who may trade."""
        if self.open and not self.host.is_loopback:
            raise ValueError(
                f"open: every host that reaches {self.host} could trade: give a loopback address, or a secrets_file"
            )
        if self.open and self.secrets_file is not None:
            raise ValueError(
                f"open: the server would accept every login and ignore {self.secrets_file}: give either open or "
                "secrets_file"
            )
        if self.http_owner is not None and self.http_port is None:
            raise ValueError("http_owner: there is no page to trade from: give http_port")
        if self.http_owner is not None and not self.http_host.is_loopback:
            raise ValueError(
                f"http_owner: every host that reaches {self.http_host} could trade: give a loopback address for it"
            )
        return self

    def limits(self) -> dict[int, OwnerLimits]:
        """The limits of owners as the engine takes them; key 0 holds the limits of all owners.

        A limit that an owner does not set is the limit of all owners.
        """
        open_orders = self.max_open_orders or max(1, self.order_capacity // 4)
        of_all = (open_orders, self.max_order_quantity, self.max_price_distance)
        found = {0: OwnerLimits(*of_all)}
        for owner in self.owners:
            own = (owner.max_open_orders, owner.max_order_quantity, owner.max_price_distance)
            found[owner.id] = OwnerLimits(
                *(most if given is None else given for given, most in zip(own, of_all, strict=True))
            )
        return found

    def configuration(self) -> Configuration:
        """The part of the settings that decides how the engine answers commands."""
        return Configuration(
            instruments=tuple(instrument.instrument() for instrument in self.instruments),
            capacity=self.order_capacity,
            level_capacity=self.level_capacity or self.order_capacity,
            owner_limit=MAX_OWNER + 1,
            limits=self.limits(),
            refresh_limit=self.refresh_limit,
        )

    @property
    def admin_path(self) -> Path | None:
        """Path of the operator's socket; None without one."""
        if self.admin_socket is not None or self.journal is None:
            return self.admin_socket
        return beside(self.journal.absolute())

    @property
    def reports_per_datagram(self) -> int:
        """How many whole reports fit into one packet."""
        return (self.mtu - DATAGRAM_HEADERS) // REPORT_BYTES

    def reread(self) -> GatewayConfig:
        """Read the same file, environment and options again. Raises CannotStart."""
        return self if self._reload is None else self._reload()

    def reread_with(self, reload: Callable[[], GatewayConfig]) -> GatewayConfig:
        """Set the function that reads these settings again. Returns self."""
        self._reload = reload
        return self
