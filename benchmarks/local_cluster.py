"""A cluster on this machine, whose nodes and NATS servers can be killed, suspended and restarted one by one.

    with LocalCluster(folder) as cluster:
        leader = cluster.leader()
        cluster.kill(leader)
        cluster.wait_leader(after=cluster.term)

For tests and benchmarks. ``pricetime cluster up`` starts the same processes for a trial.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias, TypeVar

from nats.errors import Error as NatsError

from pricetime.cluster.connection import connected
from pricetime.cluster.jetstream import JetStreamError
from pricetime.cluster.link import subject_of
from pricetime.cluster.servers import LocalServers
from pricetime.cluster.stream import PageStream
from pricetime.load.server import free_udp_port, lasting_port

Event: TypeAlias = dict[str, Any]
T = TypeVar("T")

#: How long to wait for what a cluster does by itself, in seconds.
PATIENCE_S = 60.0

#: Pause between two checks, in seconds.
LOOK_S = 0.02

PARTITION = "main"

#: Runs a node: the file of the cluster, and the name of the node.
RUN = """
import faulthandler, signal, sys
faulthandler.register(signal.SIGUSR2, all_threads=True)
from pathlib import Path
from pricetime.cluster.node import Node
from pricetime.cluster.settings import load
sys.exit(Node(load(Path(sys.argv[1])), sys.argv[2], "main").run())
"""

#: Settings of the exchange that suit a small machine.
SMALL = {
    "log_format": "json", "prefault": False, "order_capacity": 1 << 16, "stream_reports": 1 << 17,
    "feed_store_reports": 1 << 20, "feed_listen_ms": 0, "heartbeat_ms": 200, "timeout_ms": 1000,
    "max_open_orders": 1 << 16, "segment_bytes": 1 << 22,
}  # fmt: skip


class LocalCluster:
    """Three NATS servers, or as many as ``servers``, and a node for each name in ``nodes``.

    ``settings``: of the exchange, besides ``SMALL``. ``cluster``: lines for the file of the cluster. ``run``: what
    begins the command line of a node, such as ``ip netns exec NAME``, by its name. ``hosts``: the address of each node.
    ``secrets``: of the owners, without which the nodes are open. ``interface``: the address of this machine for the
    feed. ``program``: what a node runs, as Python.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: Sequence[str] = ("a", "b", "c"),
        servers: LocalServers | None = None,
        settings: Mapping[str, object] | None = None,
        cluster: Mapping[str, object] | None = None,
        run: Mapping[str, Sequence[str]] | None = None,
        hosts: Mapping[str, str] | None = None,
        secrets: Mapping[int, bytes] | None = None,
        interface: str = "127.0.0.1",
        program: str = RUN,
    ) -> None:
        self.folder, self.nodes = folder, tuple(nodes)
        self.servers = servers or LocalServers(folder / "nats")
        self.name = "test"
        self.feed_port = free_udp_port()
        self.group = "239.255.77.1"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._hosts = {node: (hosts or {}).get(node, "127.0.0.1") for node in nodes}
        self._ports = {node: (lasting_port(), lasting_port()) for node in nodes}
        self._settings, self._cluster, self._run = {**SMALL, **(settings or {})}, cluster or {}, run or {}
        self.interface, self._secrets = interface, secrets
        self._mine, self._program = servers is None, program

    # ------------------------------------------------------------------ start and end

    def __enter__(self) -> LocalCluster:
        if self._mine:
            self.servers.__enter__()
        try:
            self.file.write_text(self._text(), encoding="utf-8")
            self._write_secrets()
            for node in self.nodes:
                self.start(node)
            self.wait_leader()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """End everything."""
        for node in [*self.processes]:
            self.kill(node)
        if self._mine:
            self.servers.stop()

    def start(self, node: str) -> None:
        """Start a node that does not run."""
        command = [*self._run.get(node, ()), sys.executable, "-c", self._program, str(self.file), node]
        with self.log_of(node).open("ab") as out:
            self.processes[node] = subprocess.Popen(command, stdout=out, stderr=out)

    def kill(self, node: str) -> None:
        """Kill a node with SIGKILL and wait until it is gone."""
        process = self.processes.pop(node)
        process.kill()
        process.wait()

    def terminate(self, node: str) -> int:
        """Stop a node with SIGTERM: its exit code."""
        process = self.processes.pop(node)
        process.terminate()
        try:
            return process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def suspend(self, node: str) -> None:
        """Stop a node for a while (SIGSTOP)."""
        self.processes[node].send_signal(signal.SIGSTOP)

    def resume(self, node: str) -> None:
        """Let a suspended node continue."""
        self.processes[node].send_signal(signal.SIGCONT)

    def check_running(self) -> None:
        """Raise RuntimeError if a node ended by itself."""
        for node, process in self.processes.items():
            if process.poll() is not None:
                text = self.log_of(node).read_text("utf-8", "replace")
                raise RuntimeError(f"node {node} ended with {process.returncode}: {text[-3000:]}")

    # ------------------------------------------------------------------ files and addresses

    @property
    def file(self) -> Path:
        """The file of the cluster."""
        return self.folder / "cluster.toml"

    def log_of(self, node: str) -> Path:
        """What a node has written."""
        return self.folder / f"{node}.log"

    def journal_of(self, node: str) -> Path:
        """The directory of a node's journal."""
        return self.folder / node / PARTITION

    @property
    def addresses(self) -> list[str]:
        """Of the order entry of all nodes."""
        return [self.address(node) for node in self.nodes]

    def address(self, node: str) -> str:
        """Of the order entry of a node."""
        return f"{self._hosts[node]}:{self._ports[node][0]}"

    @property
    def recovery(self) -> list[str]:
        """The addresses of the recovery servers of all nodes."""
        return [f"{self._hosts[node]}:{self._ports[node][1]}" for node in self.nodes]

    def _text(self) -> str:
        values = {
            "name": self.name, "servers": self.servers.urls, "monitors": self.servers.monitoring,
            "open": not self._secrets, **self._cluster,
        }  # fmt: skip
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        lines += [f"[partitions.{PARTITION}]", f"feed_port = {self.feed_port}", f"feed_group = {self.group!r}"]
        lines += [f"{name} = {json.dumps(value)}" for name, value in self._settings.items()]
        if self._secrets:
            lines.append(f"secrets_file = {json.dumps(str(self.folder / 'secrets.toml'))}")
        for node in self.nodes:
            port, recovery = self._ports[node]
            lines += [f"[nodes.{node}]", f"host = {self._hosts[node]!r}", f"port = {port}"]
            lines += [f"recovery_port = {recovery}", f"journal = {node!r}"]
            if self.interface != "127.0.0.1":
                lines.append(f"feed_interface = {self._hosts[node]!r}")
        return "\n".join(lines) + "\n"

    def _write_secrets(self) -> None:
        file = self.folder / "secrets.toml"
        file.touch(0o600)
        lines = [f'[owners.{owner}]\nname = "owner {owner}"\nsecret = "{secret.hex()}"\n'
                 for owner, secret in (self._secrets or {}).items()]  # fmt: skip
        file.write_text("".join(lines), "utf-8")

    # ------------------------------------------------------------------ what the nodes say

    def events(self, node: str) -> list[Event]:
        """What a node has logged so far. Each event has its time in seconds as ``at``."""
        found = []
        for line in self.log_of(node).read_text("utf-8", "replace").splitlines():
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                event["at"] = datetime.fromisoformat(event["timestamp"]).timestamp()
                found.append(event)
        return found

    def terms(self) -> list[tuple[int, str, float]]:
        """The terms that were led, with node and the time when it was ready, in the order of the terms."""
        return sorted(
            (int(event["term"]), node, float(event["at"]))
            for node in self.nodes
            if self.log_of(node).exists()
            for event in self.events(node)
            if event["event"] == "serving"
        )

    @property
    def term(self) -> int:
        """The newest term that is or was led."""
        led = self.terms()
        return led[-1][0] if led else 0

    def leader(self) -> str:
        """The node that leads, or led last."""
        return self.terms()[-1][1]

    def wait_leader(self, after: int = 0, timeout_s: float = PATIENCE_S) -> str:
        """Wait until a node leads in a term above this one: its name."""

        def found() -> str | None:
            self.check_running()
            return self.leader() if self.term > after else None

        return wait_for(found, timeout_s, "no node leads")

    def status(self, wait_s: float = 0.5) -> dict[str, Event]:
        """What the nodes answer now when they are asked for their status."""
        return asyncio.run(self._status(wait_s))

    async def _status(self, wait_s: float) -> dict[str, Event]:
        found: dict[str, Event] = {}
        async with connected(self.servers.urls) as client:
            box = client.new_inbox()
            answers = await client.subscribe(box)
            await client.publish(subject_of(self.name, "status"), b"{}", reply=box)
            with contextlib.suppress(Exception):  # no more answers
                while len(found) < len(self.processes):
                    said = json.loads((await answers.next_msg(wait_s)).data)
                    found[said["node"]] = said
        return found

    def messages(self) -> list[tuple[int, bytes]]:
        """All messages of the stream, by their sequence there, as JetStream has them now."""

        def found() -> list[tuple[int, bytes]] | None:
            with contextlib.suppress(NatsError, OSError):  # the servers may not be ready again
                return asyncio.run(self._messages())
            return None

        return wait_for(found, PATIENCE_S, "the stream cannot be read")

    async def _messages(self) -> list[tuple[int, bytes]]:
        async with connected(self.servers.urls) as client:
            jetstream = client.jetstream(timeout=20)
            name = f"LOG-{PARTITION}"
            state = (await jetstream.stream_info(name)).state
            answers = await jetstream.subscribe("", stream=name, ordered_consumer=True)
            found = []
            for _ in range(state.messages):
                message = await answers.next_msg(20)
                found.append((message.metadata.sequence.stream, message.data))
            return found

    def stream_end(self) -> int:
        """The last command in the stream. Raises JetStreamError."""
        return asyncio.run(self._stream_end())

    async def _stream_end(self) -> int:
        async with connected(self.servers.urls) as client:
            stored = (await PageStream(client, PARTITION).last()).stored
            return 0 if stored is None else stored.page.last

    def wait_equal(self, timeout_s: float = PATIENCE_S) -> int:
        """Wait until every node that runs has all commands of the stream: the last of them."""

        def found() -> int | None:
            self.check_running()
            try:
                said, last = self.status(), self.stream_end()
            except (JetStreamError, OSError):
                return None
            have = [int(one.get("sequence", -1)) for one in said.values() if one["role"] in ("leader", "follower")]
            return last if have == [last] * len(self.processes) else None

        return wait_for(found, timeout_s, "the nodes do not have all commands of the stream", self.status)


def wait_for(found: Callable[[], T | None], timeout_s: float, why: str, say: Callable[[], object] = lambda: "") -> T:
    """Call ``found`` until it returns something. Raises TimeoutError with ``why``."""
    until = time.monotonic() + timeout_s
    while (answer := found()) is None:
        if time.monotonic() > until:
            raise TimeoutError(f"{why} after {timeout_s:g} s {say()}")
        time.sleep(LOOK_S)
    return answer


def is_root() -> bool:
    """Whether this process may make network namespaces."""
    return os.geteuid() == 0
