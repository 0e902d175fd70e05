"""The settings of a server, typed and checked.

``GatewayConfig(...)`` takes what it is given and reads nothing; ``sources.load`` reads the file, the environment and
the flags that it is made from.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
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

from ..core.instrument import MAX_INSTRUMENTS, Instrument
from ..environment import PREFIX
from ..owner_limits import OwnerLimits
from ..types import InstrumentState, ReplacePolicy, SelfTrade
from ..wire.types import MAX_OWNER
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
    Threading,
    named,
    setting,
    split_by,
)

#: Headers of IP and UDP before the reports of a datagram, and a report.
DATAGRAM_HEADERS, REPORT_BYTES = 28, 48


def _pairs(value: object) -> object:
    """``id=1,symbol=ABC`` as an environment variable or a flag has it."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",")]
    if not all(name.strip() and sign for name, sign, _ in pairs):
        raise ValueError("write it as id=1,symbol=ABC,tick_size=5")
    return {name.strip(): text.strip() for name, _, text in pairs}


class InstrumentConfig(BaseModel):
    """An instrument that is traded, and its rules."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int = Field(description="number in orders and reports", ge=0, lt=MAX_INSTRUMENTS)
    symbol: str = Field(default="", description="name, at most 16 bytes of UTF-8")
    tick_size: int = Field(default=1, description="every price is a multiple of it", ge=1, le=2**63 - 1)
    lot_size: int = Field(default=1, description="every quantity is a multiple of it", ge=1, le=2**63 - 1)
    low_price: int | None = Field(
        default=None, description="ticks: orders below are refused", ge=-(2**63), le=2**63 - 1
    )
    high_price: int | None = Field(
        default=None, description="ticks: orders above are refused", ge=-(2**63), le=2**63 - 1
    )
    state: Annotated[InstrumentState, named(InstrumentState)] = Field(
        default=InstrumentState.OPEN, description="`open` or `halted`; read again on SIGHUP"
    )
    self_trade: Annotated[SelfTrade, named(SelfTrade)] = Field(
        default=SelfTrade.OFF, description="what happens when an owner's orders meet, unless the order says"
    )
    replace_policy: Annotated[ReplacePolicy, named(ReplacePolicy)] = Field(
        default=ReplacePolicy.KEEP_IF_NOT_LARGER, description="when a replaced order keeps its place"
    )
    order_limit: int | None = Field(default=None, description="most orders that may rest", ge=1, le=2**31)
    price_unit: Decimal = Field(
        default=Decimal(1), description="value of one tick in currency, such as 0.25: prices are shown with it", gt=0
    )

    @model_validator(mode="after")
    def _check(self) -> InstrumentConfig:
        if len(self.symbol.encode()) > 16:
            raise ValueError(f"symbol {self.symbol!r} is longer than 16 bytes")
        self.instrument()  # a band whose ends are the wrong way round
        return self

    def instrument(self) -> Instrument:
        """What the engine takes."""
        return Instrument(**dict(self))


Instruments = Annotated[
    tuple[Annotated[InstrumentConfig, BeforeValidator(_pairs)], ...], NoDecode, split_by(";"), Field(min_length=1)
]


def limit(default: int | None, description: str, least: int, most: int) -> Any:
    """A limit of owners: of all of them, or of one."""
    return Field(default, description=description, ge=least, le=most, json_schema_extra={"group": "Limits of owners"})


class OwnerConfig(BaseModel):
    """What one owner may ask for, where that is not what all may."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: int = Field(description="the owner", ge=1, le=MAX_OWNER)
    max_open_orders: int | None = limit(None, "as the setting of this name, for this owner", 1, 2**31)
    max_order_quantity: int | None = limit(None, "as the setting of this name, for this owner", 1, 2**63 - 1)
    max_price_distance: int | None = limit(None, "as the setting of this name, for this owner", 0, 2**63 - 1)


Owners = Annotated[tuple[Annotated[OwnerConfig, BeforeValidator(_pairs)], ...], NoDecode, split_by(";")]

entry, feed, recovery = partial(setting, "Order entry"), partial(setting, "Market data"), partial(setting, "Recovery")
book, machine = partial(setting, "Book"), partial(setting, "Machine")
written_down, page = partial(setting, "Journal"), partial(setting, "Live page")
latency, metrics = partial(setting, "Latency"), partial(setting, "Metrics")
operation = partial(setting, "Operation")
faults, log, owned = partial(setting, "Faults"), partial(setting, "Log"), partial(setting, "Limits of owners")


class GatewayConfig(BaseSettings):
    """Every setting of a server."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True)

    host: Host = entry(
        "127.0.0.1", "address or name to listen on, of IPv4 or IPv6; `0.0.0.0` or `::` for all of this machine"
    )
    port: Port = entry(7001, "TCP port for orders; 0 takes a free one and says which")
    open: bool = entry(False, "take any login without proof, on a loopback address alone: for tests")
    secrets_file: Path | None = entry(None, "file of owners and their secrets, mode 0600; `pricetime secret` writes it")
    max_clients: int = entry(1024, "most sessions at a time", ge=1, le=65535)
    pending_logins: int = entry(256, "most connections that have not logged in", ge=1, le=65535)
    login_timeout_ms: int = entry(2000, "time to log in", ge=10, le=600_000)
    heartbeat_ms: int = entry(1000, "an end that is silent this long sends a heartbeat", ge=10, le=600_000)
    timeout_ms: int = entry(5000, "an end that hears nothing this long ends the session", ge=20, le=3_600_000)
    outbound_bytes: int = entry(4 * 2**20, "reports a client may leave unread before it is cut off", ge=4096, le=2**31)
    stream_reports: PowerOfTwo = entry(2**18, "reports kept of each owner, for clients that resume", ge=2**6, le=2**26)
    cancel_on_disconnect: bool = entry(
        True, "cancel an owner's orders when its session ends, unless its login asks to keep them"
    )
    orders_per_second: int = entry(
        0, "orders a session may send; cancels may come twice as fast; 0 for no limit", ge=0, le=10**9
    )
    relogin_delay_ms: int = entry(
        1000, "time before an owner may log in again after it was logged out for too many orders", ge=0, le=600_000
    )
    burst: int = entry(0, "orders that may come at once; 0 for those of one second", ge=0, le=10**9)

    feed_group: FeedAddress = feed("239.255.77.1", "multicast group of the feed, of IPv4")
    feed_port: int = feed(7003, "UDP port of the feed", ge=1, le=65535)
    feed_interface: FeedAddress = feed("127.0.0.1", "address of the interface that it leaves by, of IPv4")
    feed_ttl: int = feed(1, "routers that it may pass, and one; 0 stays on this machine", ge=0, le=255)
    mtu: int = feed(1500, "bytes of a packet of the network: 1,500 hold 30 reports, 9,000 hold 186", ge=76, le=65535)
    feed_heartbeat_ms: int = feed(100, "time between two heartbeats of the feed, under load too", ge=1, le=60_000)
    feed_listen_ms: int = feed(
        250,
        "time that a start listens for another publisher on the group and port, and every 5 s as long while it runs; "
        "0 to listen at no time",
        ge=0, le=60_000,
    )  # fmt: skip
    force: bool = feed(False, "start although another publisher is heard on the group and port")
    feed_store_reports: PowerOfTwo = feed(
        2**20, "reports of the feed that are kept for retransmission", ge=2**10, le=2**26
    )

    recovery_port: Port = recovery(7002, "TCP port for retransmission and snapshots; 0 takes a free one")
    recovery_clients: int = recovery(64, "most connections at a time; the idlest makes room", ge=1, le=4096)
    recovery_clients_per_address: int = recovery(32, "most of them from one address", ge=1, le=4096)
    recovery_chunk_reports: int = recovery(4096, "most reports in one answer", ge=1, le=65536)
    recovery_reports_per_second: int = recovery(500_000, "reports that one connection may fetch again", ge=1, le=10**9)
    recovery_total_per_second: int = recovery(2_000_000, "reports that all of them may fetch together", ge=1, le=10**9)
    recovery_idle_ms: int = recovery(30_000, "a connection that asks for nothing this long is closed", ge=10)
    recovery_request_ms: int = recovery(
        2000,
        "time in which a request that has begun must come whole, and for which a reader may take nothing of an answer",
        ge=10,
        le=600_000,
    )
    recovery_bytes_per_second: int = recovery(
        1_000_000, "a connection that takes an answer more slowly is closed", ge=1, le=10**10
    )
    snapshot_cache_ms: int = recovery(200, "age up to which a snapshot is handed to the next that asks", ge=0)
    snapshot_copies: int = recovery(
        4, "snapshots in memory at a time; while so many are read, the newest is handed out again", ge=1, le=256
    )

    instruments: Instruments = book(
        (InstrumentConfig(id=1, symbol="DEMO"),), "what is traded: a table `[[instruments]]` for each"
    )
    order_capacity: int = book(2**20, "orders that may rest, over all instruments", ge=1, le=2**31)
    level_capacity: int | None = book(None, "price levels; as many as orders when not given", ge=1, le=2**31)
    ring_capacity: PowerOfTwo = book(2**16, "commands, and reports, on their way between threads", ge=2**4, le=2**24)

    max_open_orders: int | None = limit(
        None,
        "orders that an owner may have resting, over all instruments; a quarter of order_capacity when not given",
        1,
        2**31,
    )
    max_order_quantity: int | None = limit(None, "lots that an order may have; no limit when not given", 1, 2**63 - 1)
    max_price_distance: int | None = limit(
        None,
        "ticks of an order's price from the best price of the other side, of its own side when that is empty; no limit "
        "when not given",
        0,
        2**63 - 1,
    )
    owners: Owners = owned((), "owners with limits of their own: a table `[[owners]]` for each")

    journal: Path | None = written_down(None, "directory of the journal; without one nothing survives the process")
    acknowledge: Acknowledge = written_down(
        "memory", "what a report promises: `memory`: it survives the process; `durable`: it survives the machine"
    )
    commit_window_us: int = written_down(0, "with `durable`: a sync waits this long for company", ge=0, le=1_000_000)
    sync_interval_ms: int = written_down(10, "with `memory`: time between two syncs", ge=1, le=60_000)
    segment_bytes: int = written_down(
        64 * 2**20, "bytes of a file of the journal, a multiple of 4096", ge=2**13, le=2**31, multiple_of=2**12
    )
    snapshot_every: int = written_down(1_000_000, "commands between two snapshots; 0 for none by count", ge=0)
    snapshot_interval_s: int = written_down(0, "time between two snapshots; 0 for none by time", ge=0)
    snapshot_stream_reports: PowerOfTwo = written_down(
        2**12, "newest reports of each owner that a snapshot keeps, for clients that resume", ge=2**6, le=2**26
    )
    snapshot_feed_reports: PowerOfTwo = written_down(
        2**16, "newest reports of the feed that a snapshot keeps, for subscribers that miss some", ge=2**10, le=2**26
    )
    keep_segments: bool = written_down(False, "keep files that no snapshot needs: every moment can be looked at again")
    journal_port: Port | None = written_down(
        None, "TCP port for those who follow the journal; 0 takes a free one; without one nobody may"
    )

    admin_socket: Path | None = operation(
        None, "socket of `pricetime admin`, mode 0600; by default `DIR.admin` beside the directory of the journal"
    )

    http_port: Port | None = page(None, "TCP port of the live page; 0 takes a free one; without one there is no page")
    http_host: Host = page(
        "127.0.0.1", "address or name that the page listens on; `0.0.0.0` or `::` for all of this machine"
    )
    http_names: Names = page((), "names that browsers and Prometheus may come by, beside addresses and localhost")
    http_pages: int = page(32, "most pages that may be open", ge=1, le=1024)
    http_pages_per_address: int = page(24, "most of them from one address", ge=1, le=1024)
    http_owner: int | None = page(
        None, "owner for whom everybody at the page trades: a sandbox; on a loopback address alone", ge=1, le=MAX_OWNER
    )

    threading: Threading = machine(
        "auto", "`shared`: gateway and matcher in one thread; `dedicated`: one each; `auto` by the processors"
    )
    idle: Idle = machine("block", "what a thread does without work: `spin`, `pause`, `yield`, `block`")
    gateway_cpus: Cpus = machine((), "processors that the gateway's thread may run on, as `2,3`; all when empty")
    matcher_cpus: Cpus = machine((), "processors of the matcher's thread, when it has its own")
    prefault: bool = machine(True, "take up memory for all orders at the start, so that no order waits for it later")
    prefault_streams: int = machine(
        4, "of so many owners the memory of their streams as well, of those who come first", ge=0, le=64
    )
    drain_timeout_ms: int = machine(5000, "time to bring out what is under way when asked to stop", ge=1)

    match_sample_every: int = latency(
        1021, "one command of so many has its matching timed; 1 for each of them, 0 for none", ge=0, le=10**9
    )
    latency_log: Path | None = latency(
        None, "file (`.hlog`) that the latencies are written to when the server stops; without one they are not"
    )

    drop: Fraction = faults(0.0, "fraction of the datagrams that are left out, to test subscribers")
    duplicate: Fraction = faults(0.0, "fraction of the datagrams that are sent twice")
    reorder: Fraction = faults(0.0, "fraction of the datagrams that are sent after the next")
    fault_seed: int = faults(1, "the same seed, the same faults", ge=0, le=2**64 - 1)

    log_level: LogLevel = log("info", "the least that is written: `debug`, `info`, `warning`, `error`")
    log_format: LogFormat = log("auto", "`console`, `json`, or `auto`: console on a terminal, else JSON")
    stats_interval_ms: int = log(10_000, "time between two events that count what was done; 0 for none", ge=0)

    metrics_port: Port | None = metrics(
        None, "TCP port where Prometheus finds `/metrics`; 0 takes a free one; without one there are no metrics"
    )
    metrics_host: Host = metrics("127.0.0.1", "address or name of that port; who reaches it may read the counts")

    _again: Callable[[], GatewayConfig] | None = PrivateAttr(None)

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
        """What two settings have to do with each other. The message begins with the name of one of them."""
        if not self.feed_group.is_multicast:
            raise ValueError(f"feed_group: {self.feed_group} is no multicast address: give one from 239.0.0.0 on")
        if self.port == self.recovery_port != 0:
            raise ValueError(f"recovery_port: {self.port} is the port for orders: give another")
        if self.outbound_bytes > self.stream_reports * REPORT_BYTES:
            raise ValueError(
                f"outbound_bytes: {self.outbound_bytes} is more than the {self.stream_reports} reports that are kept: "
                f"give {self.stream_reports * REPORT_BYTES} or less, or a larger stream_reports"
            )
        if self.timeout_ms < 2 * self.heartbeat_ms:
            raise ValueError(
                f"timeout_ms: {self.timeout_ms} is less than two times heartbeat_ms: a heartbeat may be late"
            )
        if self.acknowledge == "durable" and self.journal is None:
            raise ValueError("acknowledge: durable needs a journal: give a directory with journal, or memory")
        if self.journal_port is not None and self.journal is None:
            raise ValueError("journal_port: there is nothing to follow: give a directory with journal")
        for name, tables in (("instruments", self.instruments), ("owners", self.owners)):
            ids = [table.id for table in tables]
            if len(set(ids)) < len(ids):
                raise ValueError(f"{name}: two have the id {max(ids, key=ids.count)}")
        return self

    @model_validator(mode="after")
    def _check_access(self) -> GatewayConfig:
        """The same of settings that say who may trade."""
        if self.open and not self.host.is_loopback:
            raise ValueError(f"open: anyone could trade over {self.host}: give a loopback address, or a secrets_file")
        if self.open and self.secrets_file is not None:
            raise ValueError(
                f"open: any login would be taken, and {self.secrets_file} not be looked at: give one of open and "
                "secrets_file"
            )
        if self.http_owner is not None and self.http_port is None:
            raise ValueError("http_owner: there is no page to trade from: give http_port")
        if self.http_owner is not None and not self.http_host.is_loopback:
            raise ValueError(
                f"http_owner: anyone who reaches {self.http_host} could trade: give a loopback address with http_host"
            )
        return self

    def limits(self) -> dict[int, OwnerLimits]:
        """What owners may ask for, as an engine takes it: a limit that an owner does not have is that of all."""
        open_orders = self.max_open_orders or max(1, self.order_capacity // 4)
        of_all = (open_orders, self.max_order_quantity, self.max_price_distance)
        found = {0: OwnerLimits(*of_all)}
        for owner in self.owners:
            own = (owner.max_open_orders, owner.max_order_quantity, owner.max_price_distance)
            found[owner.id] = OwnerLimits(
                *(most if given is None else given for given, most in zip(own, of_all, strict=True))
            )
        return found

    @property
    def admin_path(self) -> Path | None:
        """Where the operator's socket is; None without one."""
        if self.admin_socket is not None or self.journal is None:
            return self.admin_socket
        return beside(self.journal.absolute())

    @property
    def reports_per_datagram(self) -> int:
        """Whole reports that a packet holds."""
        return (self.mtu - DATAGRAM_HEADERS) // REPORT_BYTES

    def reread(self) -> GatewayConfig:
        """The settings as the same file, environment and flags say now. Raises CannotStart."""
        return self if self._again is None else self._again()

    def read_by(self, again: Callable[[], GatewayConfig]) -> GatewayConfig:
        """These settings, which can be read again."""
        self._again = again
        return self
