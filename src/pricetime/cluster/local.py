"""A whole cluster on this machine, in one directory: for a trial, the demonstration and tests.

DIR/cluster.toml          settings, which all commands of the cluster read
DIR/nats/                 configuration, log and data of the NATS servers
DIR/journals/a/main/      journal of node a for the partition main
DIR/logs/a-main.log       log of this process, one event a line
"""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import ascii_lowercase
from types import TracebackType
from typing import Any, NamedTuple

from ..exchange.settings.errors import CannotStart
from ..exchange.settings.sources import load as load_exchange
from ..load.server import LASTING_PORTS, free_udp_port
from .processes import end, spawn
from .servers import LocalServers
from .settings import ClusterConfig, load

#: NATS servers of the cluster.
SERVERS = 3

#: Ports between those of two nodes, and between those of two partitions of a node.
OF_NODE, OF_PARTITION = 100, 10

#: Ports of a partition of a node: orders, recovery, metrics.
PORTS = 3

#: Most nodes, and most partitions: more do not fit the ports of a node.
MOST_NODES, MOST_PARTITIONS = 9, OF_NODE // OF_PARTITION

#: Longest end of the nodes, which first send all reports, in seconds.
STOP_S = 15.0

#: Events in the log of a node that an operator wants to see.
ELECTED, FENCED, FAILED = "leading", "fenced", "replication failed"


class Place(NamedTuple):
    """Which process of the cluster."""

    node: str
    partition: str


@dataclass(frozen=True, slots=True)
class Options:
    """What a local cluster has."""

    nodes: int = 3
    partitions: int = 1
    exchange: Path | None = None  #: settings of the exchange
    open: bool = False  #: accept every login
    port: int | None = None  #: first of the nodes' ports; None: free ones


class LocalCluster:
    """A context manager: enter starts the servers and the nodes, exit ends them. A second start has the data again.

    Raises CannotStart and ServersFailed.
    """

    def __init__(self, directory: Path, options: Options | None = None) -> None:
        self.directory, self.options = directory, options or Options()
        self.file = directory / "cluster.toml"
        self.servers = LocalServers(directory / "nats", SERVERS)
        self.processes: dict[Place, subprocess.Popen[bytes]] = {}
        self._read: dict[Place, int] = {}  # bytes of each log that ``events`` has read

    @property
    def config(self) -> ClusterConfig:
        """The settings of the cluster."""
        return load(self.file)

    def __enter__(self) -> LocalCluster:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "logs").mkdir(exist_ok=True)
        instruments = self._instruments()
        with contextlib.ExitStack() as started:
            started.enter_context(self.servers)
            started.callback(self._stop_nodes)
            self._write(instruments)
            config = self.config
            for node in config.nodes:
                for partition in config.names:
                    config.exchange_of(node, partition)  # an error is shown before any node starts
            for node in config.nodes:
                for partition in config.names:
                    self.start(Place(node, partition))
            self._started = started.pop_all()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._started.close()

    def start(self, place: Place) -> None:
        """Start a node that does not run."""
        log = self.log_of(place)
        self._read.setdefault(place, log.stat().st_size if log.exists() else 0)
        self.processes[place] = spawn(node_command(self.file, *place), log)

    def kill(self, place: Place) -> None:
        """Kill a node with SIGKILL, and wait until it is gone."""
        process = self.processes.pop(place)
        process.kill()
        process.wait()

    def suspend(self, place: Place) -> None:
        """Stop a node for a while (SIGSTOP): its connections stay open."""
        self.processes[place].send_signal(signal.SIGSTOP)

    def resume(self, place: Place) -> None:
        """Let a suspended node continue."""
        self.processes[place].send_signal(signal.SIGCONT)

    def log_of(self, place: Place) -> Path:
        """The log of a node."""
        return self.directory / "logs" / f"{place.node}-{place.partition}.log"

    def ended(self) -> Iterator[tuple[Place, int]]:
        """The nodes that have ended since the last call, with their exit codes."""
        for place, process in list(self.processes.items()):
            if (code := process.poll()) is not None:
                del self.processes[place]
                yield place, code

    def events(self) -> Iterator[tuple[Place, dict[str, Any]]]:
        """What the nodes have logged since the last call."""
        for place, start in self._read.items():
            with contextlib.suppress(FileNotFoundError), self.log_of(place).open("rb") as log:
                log.seek(start)
                whole, newline, _ = log.read().rpartition(b"\n")
                self._read[place] = start + len(whole) + len(newline)
                for line in whole.splitlines():
                    with contextlib.suppress(ValueError):
                        event = json.loads(line)
                        if isinstance(event, dict):
                            yield place, event

    def last_line(self, place: Place) -> str:
        """The end of the log of a node, which says why it has ended."""
        lines = [line for line in self.log_of(place).read_text("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1] if lines else "its log is empty"

    def _stop_nodes(self) -> None:
        end(self.processes.values(), STOP_S)
        self.processes.clear()

    # ------------------------------------------------------------------ settings

    def _instruments(self) -> list[list[int]]:
        """The instruments of each partition. Empty: all, because there is one partition."""
        count = self.options.partitions
        if count == 1:
            return [[]]
        if self.options.exchange is None:
            lines = [f'[[instruments]]\nid = {number}\nsymbol = "DEMO{number}"\n' for number in range(1, count + 1)]
            (self.directory / "exchange.toml").write_text("\n".join(lines), encoding="utf-8")
            return [[number] for number in range(1, count + 1)]
        known = [instrument.id for instrument in load_exchange(self.options.exchange).instruments]
        if len(known) < count:
            raise CannotStart(f"{count} partitions need {count} instruments: {self.options.exchange} has {len(known)}")
        return [known[start::count] for start in range(count)]

    def _write(self, instruments: list[list[int]]) -> None:
        """Write the settings of the cluster."""
        options, names = self.options, ascii_lowercase[: self.options.nodes]
        lines = [
            'name = "local"',
            f"servers = {json.dumps(self.servers.urls)}",
            f"monitors = {json.dumps(self.servers.monitoring)}",
            f"open = {json.dumps(options.open)}",
        ]
        if options.exchange is not None:
            lines.append(f"exchange = {json.dumps(str(options.exchange.absolute()))}")
        elif options.partitions > 1:
            lines.append('exchange = "exchange.toml"')
        first = options.port or _free_ports(options.nodes, options.partitions)
        for number, own in enumerate(instruments):
            name = "main" if options.partitions == 1 else f"p{number + 1}"
            port = free_udp_port() if options.port is None else options.port + PORTS + number * OF_PARTITION
            lines += ["", f"[partitions.{name}]", f"instruments = {own}", f"feed_port = {port}"]
        for number, name in enumerate(names):
            port = first + number * OF_NODE
            lines += ["", f"[nodes.{name}]", 'host = "127.0.0.1"', f'journal = "journals/{name}"', f"port = {port}"]
            lines += [f"recovery_port = {port + 1}", 'log_format = "json"']
            if find_spec("prometheus_client") is not None:
                lines.append(f"metrics_port = {port + 2}")
        self.file.write_text("\n".join(lines) + "\n", encoding="utf-8")


def node_command(file: Path, node: str, partition: str) -> list[str]:
    """What runs a node for one partition."""
    options = "--config", str(file), "--partition", partition
    return [sys.executable, "-m", "pricetime", "cluster", "node", node, *options]


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
        probe.bind(("127.0.0.1", port))
        return True
    return False
