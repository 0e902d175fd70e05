"""The file of a cluster: its NATS servers, its partitions, and what each node has.

``docs/reference/cluster-settings.md`` has an example. All machines have the same file, next to the file of
the exchange's settings.
"""

from __future__ import annotations

import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from ..exchange.settings.config import GatewayConfig
from ..exchange.settings.errors import CannotStart
from ..exchange.settings.sources import load as load_exchange

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]

#: Settings of the exchange that the cluster decides, with what to give instead.
DECIDED = {
    "acknowledge": "a node acknowledges what a majority of the servers has",
    "journal": "give `journal` of the node",
    "open": "give `open` of the cluster",
}


class Strict(BaseModel):
    """A table of the file: no unknown names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Partition(Strict):
    """Instruments with one log and one leader. Other settings of the exchange may stand here too, such as feed_port."""

    model_config = ConfigDict(extra="allow", frozen=True)

    instruments: tuple[int, ...] = Field((), description="Numbers; empty: all of the exchange's file")


class Node(Strict):
    """A process on a machine for each partition. Other settings of the exchange may stand here too."""

    model_config = ConfigDict(extra="allow", frozen=True)

    host: str = Field(description="Address on which it listens, and which clients and the other nodes can reach")
    journal: Path = Field(description="Directory; the journal of a partition is the folder with its name in it")
    port: int = Field(7001, description="For order entry of the first partition; the next one has this plus 10")
    recovery_port: int = Field(7002, description="For subscribers of the first partition; the next one: plus 10")
    metrics_port: int | None = Field(None, description="For Prometheus of the first partition; the next one: plus 10")
    http_port: int | None = Field(None, description="For the live page of the first partition; the next one: plus 10")


class ClusterConfig(Strict):
    """The whole file. ``folder``: of the file; relative paths begin there."""

    name: Name
    servers: tuple[str, ...] = Field(min_length=1, description="URLs of the NATS servers")
    monitors: tuple[str, ...] = Field(description="URLs of their monitoring ports, to check their settings")
    user: str = Field("", description="User of the NATS servers; empty: they ask for none")
    password: str = ""
    ca_file: Path | None = Field(None, description="Certificates that sign those of the NATS servers, for TLS")
    replicas: int = Field(3, ge=1, le=5, description="Copies of each partition's stream; 1 only for tests")
    required: bool = Field(
        True, description="Acknowledge only what a majority of the servers has; False: copy to them, but do not wait"
    )
    exchange: Path | None = Field(None, description="File with the settings of the exchange, of all nodes")
    purge: bool = Field(False, description="Delete messages of a stream that two stored snapshots replace")
    open: bool = Field(False, description="Accept every login; only on loopback addresses, for tests")
    busy_after_ms: int = Field(5000, ge=100, description="Refuse new orders if no command was acknowledged for so long")
    partitions: dict[Name, Partition] = Field(min_length=1)
    nodes: dict[Name, Node] = Field(min_length=1)
    folder: Path = Path()

    @model_validator(mode="after")
    def _check(self) -> ClusterConfig:
        seen: dict[int, str] = {}
        for name, partition in self.partitions.items():
            if not partition.instruments and len(self.partitions) > 1:
                raise ValueError(f"partitions.{name}: give its instruments, because there are several partitions")
            for number in partition.instruments:
                if number in seen:
                    raise ValueError(f"instrument {number} is in the partitions {seen[number]} and {name}: choose one")
                seen[number] = name
        given = {key for table in (*self.partitions.values(), *self.nodes.values()) for key in table.model_extra or {}}
        for key in sorted(given & DECIDED.keys()):
            raise ValueError(f"{key}: {DECIDED[key]}")
        return self

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The partitions, in the order of the file."""
        return tuple(self.partitions)

    def exchange_of(self, node: str, partition: str) -> GatewayConfig:
        """The settings of the exchange that a node runs for a partition. Raises CannotStart."""
        if node not in self.nodes:
            raise CannotStart(f"the cluster {self.name} has no node {node}: it has {', '.join(self.nodes)}")
        if partition not in self.partitions:
            raise CannotStart(f"the cluster {self.name} has no partition {partition}: it has {', '.join(self.names)}")
        mine, shift = self.nodes[node], 10 * self.names.index(partition)
        flags: dict[str, Any] = {
            "host": mine.host,
            "journal": self.folder / mine.journal / partition,
            "port": mine.port + shift if mine.port else 0,
            "recovery_port": mine.recovery_port + shift if mine.recovery_port else 0,
            "open": self.open,
            "busy_after_ms": self.busy_after_ms,
        }
        for name in ("metrics_port", "http_port"):
            if (first := getattr(mine, name)) is not None:
                flags[name] = first + shift
        flags |= (self.partitions[partition].model_extra or {}) | (mine.model_extra or {})
        config = load_exchange(None if self.exchange is None else self.folder / self.exchange, flags)
        return config.model_copy(update={"instruments": self._instruments_of(config, partition)})

    def _instruments_of(self, config: GatewayConfig, partition: str) -> tuple[Any, ...]:
        wanted = self.partitions[partition].instruments
        known = {instrument.id: instrument for instrument in config.instruments}
        if missing := [number for number in wanted if number not in known]:
            raise CannotStart(f"partitions.{partition}: the exchange's settings have no instrument {missing[0]}")
        return tuple(known[number] for number in wanted) if wanted else config.instruments

    def addresses(self, partition: str) -> tuple[str, ...]:
        """HOST:PORT of the order entry of every node of a partition, for clients."""
        shift = 10 * self.names.index(partition)
        return tuple(f"{node.host}:{node.port + shift}" for node in self.nodes.values())


def load(file: Path) -> ClusterConfig:
    """Read the file of a cluster. Raises CannotStart with one line."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CannotStart(f"{file}: {error.strerror}: give the file of the cluster with --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CannotStart(f"{file}: not TOML: {error}") from error
    try:
        return ClusterConfig(**values, folder=file.parent)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        why = str(first["msg"]).removeprefix("Value error, ")
        raise CannotStart(f"{file}: {where + ': ' if where else ''}{why}") from error
