"""The file of a cluster on this machine: its options, and the ports of its nodes."""

from __future__ import annotations

import contextlib
import json
import random
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from string import ascii_lowercase

from ..exchange.settings.errors import CannotStart
from ..exchange.settings.sources import load as load_exchange
from ..load.server import LASTING_PORTS, free_udp_port
from .servers import LocalServers

#: Ports between those of two nodes, and between those of two partitions of a node: so it has at most ten partitions.
OF_NODE, OF_PARTITION = 100, 10

#: Ports of a partition of a node: orders, recovery, metrics.
PORTS = 3

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Options:
    """What a local cluster has."""

    nodes: int = 3
    partitions: int = 1
    exchange: Path | None = None  #: settings of the exchange
    open: bool = False  #: accept every login
    port: int | None = None  #: first of the nodes' ports; None: free ones
    cluster: Mapping[str, object] = field(default_factory=dict)  #: further settings of the cluster
    settings: Mapping[str, object] = field(default_factory=dict)  #: of the exchange in each partition
    hosts: Sequence[str] = ()  #: address of each node; without them all have LOOPBACK

    @property
    def names(self) -> str:
        """The names of the nodes, a letter each."""
        return ascii_lowercase[: self.nodes]


def write(file: Path, options: Options, servers: LocalServers) -> None:
    """Write the settings of a cluster, in a directory that exists. Raises CannotStart."""
    instruments = _instruments(file.parent, options)
    general: dict[str, object] = {
        "name": "local", "servers": list(servers.urls), "monitors": list(servers.monitoring), "open": options.open,
    }  # fmt: skip
    if options.exchange is not None:
        general["exchange"] = str(options.exchange.absolute())
    elif options.partitions > 1:
        general["exchange"] = "exchange.toml"
    lines = [*_lines(general | dict(options.cluster))]
    for number, own in enumerate(instruments):
        name = "main" if options.partitions == 1 else f"p{number + 1}"
        port = free_udp_port() if options.port is None else options.port + PORTS + number * OF_PARTITION
        values = {"instruments": own, "feed_port": port, **options.settings}
        lines += ["", f"[partitions.{name}]", *_lines(values)]
    first = options.port or _free_ports(options.nodes, options.partitions)
    for number, name in enumerate(options.names):
        lines += ["", f"[nodes.{name}]", *_lines(_node(options, number, name, first + number * OF_NODE))]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _node(options: Options, number: int, name: str, port: int) -> dict[str, object]:
    """The settings of a node."""
    host = options.hosts[number] if options.hosts else LOOPBACK
    values: dict[str, object] = {
        "host": host, "journal": f"journals/{name}", "port": port, "recovery_port": port + 1, "log_format": "json",
    }  # fmt: skip
    if host != LOOPBACK:
        values["feed_interface"] = host
    if find_spec("prometheus_client") is not None:
        values["metrics_port"] = port + 2
    return values


def _lines(values: Mapping[str, object]) -> Iterator[str]:
    return (f"{name} = {json.dumps(value)}" for name, value in values.items())


def _instruments(folder: Path, options: Options) -> list[list[int]]:
    """The instruments of each partition. Empty: all, because there is one partition."""
    count = options.partitions
    if count == 1:
        return [[]]
    if options.exchange is None:
        lines = [f'[[instruments]]\nid = {number}\nsymbol = "DEMO{number}"\n' for number in range(1, count + 1)]
        (folder / "exchange.toml").write_text("\n".join(lines), encoding="utf-8")
        return [[number] for number in range(1, count + 1)]
    known = [instrument.id for instrument in load_exchange(options.exchange).instruments]
    if len(known) < count:
        raise CannotStart(f"{count} partitions need {count} instruments: {options.exchange} has {len(known)}")
    return [known[start::count] for start in range(count)]


def _free_ports(nodes: int, partitions: int) -> int:
    """The first port of the first node, so that all ports of all nodes are free."""
    least, most = LASTING_PORTS
    wanted = [
        node * OF_NODE + partition * OF_PARTITION + port
        for node in range(nodes)
        for partition in range(partitions)
        for port in range(PORTS)
    ]
    while True:
        first = random.randrange(least, most - nodes * OF_NODE, OF_NODE)
        if all(_is_free(first + port) for port in wanted):
            return first


def _is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.bind((LOOPBACK, port))
        return True
    return False
