"""A whole cluster on this machine, in one directory: for a trial, the demonstration, benchmarks and tests.

DIR/cluster.toml          settings, which all commands of the cluster read
DIR/nats/                 configuration, log and data of the NATS servers
DIR/journals/a/main/      journal of node a for the partition main
DIR/logs/a-main.log       log of this process, one event a line
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeAlias, TypeVar

from ..errors import PricetimeError
from ..exchange.settings.errors import CannotStart
from .connection import connected
from .jetstream import JetStreamError
from .local_file import Options, write
from .processes import end, spawn
from .servers import LocalServers
from .settings import ClusterConfig, load
from .stream import PageStream
from .survey import Said, ask_nodes

Event: TypeAlias = dict[str, Any]
T = TypeVar("T")

#: NATS servers of the cluster.
SERVERS = 3

#: Longest end of the nodes, which first send all reports, in seconds.
STOP_S = 15.0

#: How long to wait for what a cluster does by itself, and how often to look, in seconds: at a log, and at all nodes.
PATIENCE_S, LOOK_S, LOOK_AT_ALL_S = 60.0, 0.02, 0.1

#: Events in the log of a node: it leads, it trades, it leads no more.
ELECTED, SERVING, FENCED, FAILED = "leading", "serving", "fenced", "replication failed"


class NotInTime(PricetimeError, TimeoutError):
    """The cluster did not do in time what it does by itself."""


class Place(NamedTuple):
    """Which process of the cluster."""

    node: str
    partition: str


class Term(NamedTuple):
    """A term that was led."""

    number: int
    place: Place  #: which process led it
    at_s: float  #: when it began to trade, as the node's clock says


class LocalCluster:
    """A context manager: enter starts the servers and the nodes, exit ends them. A second start has the data again.

    ``servers``: NATS servers that run already, and are not stopped here. Raises CannotStart and ServersFailed.
    """

    def __init__(self, directory: Path, options: Options | None = None, servers: LocalServers | None = None) -> None:
        self.directory, self.options = directory, options or Options()
        self.file = directory / "cluster.toml"
        self.servers = servers or LocalServers(directory / "nats", SERVERS)
        self.processes: dict[Place, subprocess.Popen[bytes]] = {}
        self._mine = servers is None
        self._began: dict[Place, int] = {}  # bytes of each log before the first start here
        self._read: dict[Place, int] = {}  # bytes of each log that ``events`` has read

    @property
    def config(self) -> ClusterConfig:
        """The settings of the cluster."""
        return load(self.file)

    @property
    def places(self) -> list[Place]:
        """All processes that the cluster shall have."""
        config = self.config
        return [Place(node, partition) for node in config.nodes for partition in config.names]

    def __enter__(self) -> LocalCluster:
        (self.directory / "logs").mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as started:
            if self._mine:
                started.enter_context(self.servers)
            started.callback(self._stop_nodes)
            self.write_file()
            config, places = self.config, self.places
            for place in places:
                config.exchange_of(*place)  # an error is shown before any node starts
            for place in places:
                self.start(place)
            self._started = started.pop_all()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._started.close()

    def write_file(self) -> None:
        """Write the settings of the cluster. Raises CannotStart."""
        write(self.file, self.options, self.servers)

    # ------------------------------------------------------------------ processes

    def command(self, place: Place) -> list[str]:
        """What runs a node."""
        return node_command(self.file, *place)

    def start(self, place: Place) -> None:
        """Start a node that does not run."""
        log = self.log_of(place)
        size = log.stat().st_size if log.exists() else 0
        self._began.setdefault(place, size)
        self._read.setdefault(place, size)
        self.processes[place] = spawn(self.command(place), log)

    def kill(self, place: Place) -> None:
        """Kill a node with SIGKILL, and wait until it is gone."""
        process = self.processes.pop(place)
        process.kill()
        process.wait()

    def terminate(self, place: Place) -> int:
        """Stop a node with SIGTERM, and wait until it is gone. Returns its exit code."""
        process = self.processes.pop(place)
        end([process], PATIENCE_S)
        return process.returncode

    def suspend(self, place: Place) -> None:
        """Stop a node for a while (SIGSTOP): its connections stay open."""
        self.processes[place].send_signal(signal.SIGSTOP)

    def resume(self, place: Place) -> None:
        """Let a suspended node continue."""
        self.processes[place].send_signal(signal.SIGCONT)

    def ended(self) -> Iterator[tuple[Place, int]]:
        """The nodes that have ended since the last call, with their exit codes."""
        for place, process in list(self.processes.items()):
            if (code := process.poll()) is not None:
                del self.processes[place]
                yield place, code

    def check_running(self) -> None:
        """Raise CannotStart if a node has ended by itself."""
        for place, code in self.ended():
            raise CannotStart(f"node {place.node} ended with exit code {code}: {self.last_line(place)}")

    def _stop_nodes(self) -> None:
        end(self.processes.values(), STOP_S)
        self.processes.clear()

    # ------------------------------------------------------------------ logs

    def log_of(self, place: Place) -> Path:
        """The log of a node."""
        return self.directory / "logs" / f"{place.node}-{place.partition}.log"

    def events(self) -> Iterator[tuple[Place, Event]]:
        """What the nodes have logged since the last call."""
        for place, start in self._read.items():
            found, self._read[place] = events_in(self.log_of(place), start)
            for event in found:
                yield place, event

    def history(self, place: Place) -> list[Event]:
        """What a node has logged since its first start here."""
        return events_in(self.log_of(place), self._began[place])[0]

    def last_line(self, place: Place) -> str:
        """The end of the log of a node, which says why it has ended."""
        lines = [line for line in self.log_of(place).read_text("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1] if lines else "its log is empty"

    # ------------------------------------------------------------------ leaders

    def terms(self, partition: str) -> list[Term]:
        """The terms of a partition that were led since the start, in their order."""
        return sorted(
            Term(int(event["term"]), place, time_of(event))
            for place in self._began
            if place.partition == partition
            for event in self.history(place)
            if event.get("event") == SERVING
        )

    def wait_for_leader(self, partition: str, after: int = 0, timeout_s: float = PATIENCE_S) -> Term:
        """Wait until a node leads in a term above ``after``: the newest term. Raises CannotStart and NotInTime."""

        def found() -> Term | None:
            led = self.terms(partition)
            if led and led[-1].number > after:
                return led[-1]
            self.check_running()
            return None

        return wait_for(found, timeout_s, f"no node leads {partition}: see the logs in {self.directory / 'logs'}")

    def wait_for_leaders(self) -> None:
        """Wait until each partition has a leader. Raises CannotStart and NotInTime."""
        for partition in self.config.names:
            self.wait_for_leader(partition)

    # ------------------------------------------------------------------ what the nodes have

    def status(self) -> dict[Place, Said]:
        """What the nodes answer now when they are asked for their status."""

        async def ask() -> list[Said]:
            config = self.config
            async with connected(config.servers) as client:
                return await ask_nodes(client, config)

        return {Place(said["node"], said["partition"]): said for said in asyncio.run(ask())}

    def stream_end(self, partition: str) -> int:
        """The last command in the stream of a partition. Raises JetStreamError."""

        async def ask() -> int:
            async with connected(self.config.servers) as client:
                stored = (await PageStream(client, partition).last()).stored
                return 0 if stored is None else stored.page.last

        return asyncio.run(ask())

    def wait_equal(self, timeout_s: float = PATIENCE_S) -> None:
        """Wait until every node that runs has all commands of its stream. Raises CannotStart and NotInTime."""

        def found() -> bool | None:
            self.check_running()
            try:
                said = self.status()
                last = {partition: self.stream_end(partition) for partition in self.config.names}
            except (JetStreamError, OSError):
                return None
            have = {place: said[place].get("sequence") for place in self.processes if place in said}
            return have == {place: last[place.partition] for place in self.processes} or None

        why = "the nodes do not have all commands of the stream"
        wait_for(found, timeout_s, why, self.status, look_s=LOOK_AT_ALL_S)


def node_command(file: Path, node: str, partition: str) -> list[str]:
    """What runs a node for one partition."""
    options = "--config", str(file), "--partition", partition
    return [sys.executable, "-m", "pricetime", "cluster", "node", node, *options]


def events_in(log: Path, start: int) -> tuple[list[Event], int]:
    """The events in whole lines of a log, from a byte on, and where the next one begins."""
    found = []
    with contextlib.suppress(FileNotFoundError), log.open("rb") as file:
        file.seek(start)
        whole, newline, _ = file.read().rpartition(b"\n")
        start += len(whole) + len(newline)
        for line in whole.splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    found.append(event)
    return found, start


def time_of(event: Event) -> float:
    """When an event was logged, in seconds since 1970."""
    return datetime.fromisoformat(event["timestamp"]).timestamp()


def wait_for(
    found: Callable[[], T | None],
    timeout_s: float,
    why: str,
    say: Callable[[], object] = lambda: "",
    *,
    look_s: float = LOOK_S,
) -> T:
    """Call ``found`` every ``look_s`` until it returns something. Raises NotInTime with ``why``."""
    until = time.monotonic() + timeout_s
    while (answer := found()) is None:
        if time.monotonic() > until:
            raise NotInTime(f"after {timeout_s:g} s {why} {say()}".strip())
        time.sleep(look_s)
    return answer
