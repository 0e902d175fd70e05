"""A cluster on this machine for tests and benchmarks: one partition, a small exchange, and more ways to look at it.

with LocalCluster(folder) as cluster:
    leader = cluster.leader()
    cluster.kill(leader)
    cluster.wait_leader(after=cluster.term)
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from nats.errors import Error as NatsError

from pricetime.cluster import local
from pricetime.cluster.connection import connected
from pricetime.cluster.local import PATIENCE_S, Place, wait_for
from pricetime.cluster.local_file import LOOPBACK, Options
from pricetime.cluster.promise import stream_name
from pricetime.cluster.servers import LocalServers

PARTITION = "main"

#: Settings of the exchange that suit a small machine.
SMALL = {
    "prefault": False, "order_capacity": 1 << 16, "stream_reports": 1 << 17,
    "feed_store_reports": 1 << 20, "feed_listen_ms": 0, "heartbeat_ms": 200, "timeout_ms": 1000,
    "max_open_orders": 1 << 16, "segment_bytes": 1 << 22,
}  # fmt: skip


class LocalCluster(local.LocalCluster):
    """Enter waits for a leader, exit kills the nodes.

    ``nodes``: how many. ``servers``: NATS servers that run already. ``settings``: of the exchange, besides ``SMALL``.
    ``cluster``: further settings of the cluster. ``run``: what begins the command line of each node, such as
    ``ip netns exec NAME``. ``hosts``: the address of each node. ``secrets``: of the owners, without which the nodes
    are open. ``interface``: the address of this machine for the feed. ``program``: Python that a node runs first.
    """

    def __init__(
        self,
        folder: Path,
        *,
        nodes: int = 3,
        servers: LocalServers | None = None,
        settings: Mapping[str, object] | None = None,
        cluster: Mapping[str, object] | None = None,
        run: Sequence[Sequence[str]] = (),
        hosts: Sequence[str] = (),
        secrets: Mapping[int, bytes] | None = None,
        interface: str = LOOPBACK,
        program: str = "",
    ) -> None:
        given = {**SMALL, **(settings or {})}
        if secrets:
            given["secrets_file"] = str(_write_secrets(folder / "secrets.toml", secrets))
        options = Options(nodes, open=not secrets, cluster=cluster or {}, settings=given, hosts=hosts)
        super().__init__(folder, options, servers)
        self.interface = interface
        self._run, self._program = run, program

    def __enter__(self) -> LocalCluster:
        super().__enter__()
        try:
            self.wait_leader()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        for place in [*self.processes]:
            self.kill(place)
        super().__exit__(kind, _, __)

    def command(self, place: Place) -> list[str]:
        command = super().command(place)
        if self._program:
            program = f"{self._program}\nfrom pricetime.cli import main\nmain()\n"
            command = [sys.executable, "-c", program, *command[command.index("cluster") :]]
        first = self._run[self.options.names.index(place.node)] if self._run else ()
        return [*first, *command]

    # ------------------------------------------------------------------ addresses

    @property
    def addresses(self) -> list[str]:
        """Of the order entry of all nodes."""
        return list(self.config.addresses(PARTITION))

    def address(self, place: Place) -> str:
        """Of the order entry of a node."""
        return self.addresses[self.options.names.index(place.node)]

    @property
    def recovery(self) -> list[str]:
        """The addresses of the recovery servers of all nodes."""
        settings = [self.config.exchange_of(*place) for place in self.places]
        return [f"{one.host}:{one.recovery_port}" for one in settings]

    @property
    def feed(self) -> tuple[str, int]:
        """The group and the port of the feed."""
        settings = self.config.exchange_of(*self.places[0])
        return str(settings.feed_group), settings.feed_port

    def journal_of(self, place: Place) -> Path:
        """The directory of a node's journal."""
        journal = self.config.exchange_of(*place).journal
        assert journal is not None
        return journal

    # ------------------------------------------------------------------ the leader, and the stream

    @property
    def term(self) -> int:
        """The newest term that is or was led."""
        return self.wait_for_leader(PARTITION).number

    def leader(self) -> Place:
        """The node that leads, or led last."""
        return self.wait_for_leader(PARTITION).place

    def wait_leader(self, after: int = 0, timeout_s: float = PATIENCE_S) -> Place:
        """Wait until a node leads in a term above this one."""
        return self.wait_for_leader(PARTITION, after, timeout_s).place

    def messages(self) -> list[tuple[int, bytes]]:
        """All messages of the stream, by their sequence there, as JetStream has them now."""

        def found() -> list[tuple[int, bytes]] | None:
            with contextlib.suppress(NatsError, OSError):  # the servers may not be ready again
                return asyncio.run(self._messages())
            return None

        return wait_for(found, PATIENCE_S, "the stream cannot be read")

    async def _messages(self) -> list[tuple[int, bytes]]:
        async with connected(self.config.servers) as client:
            jetstream = client.jetstream(timeout=20)
            name = stream_name(PARTITION)
            state = (await jetstream.stream_info(name)).state
            answers = await jetstream.subscribe("", stream=name, ordered_consumer=True)
            found = []
            for _ in range(state.messages):
                message = await answers.next_msg(20)
                found.append((message.metadata.sequence.stream, message.data))
            return found


def _write_secrets(file: Path, secrets: Mapping[int, bytes]) -> Path:
    """Write the file of the owners."""
    file.touch(0o600)
    lines = [f'[owners.{owner}]\nname = "owner {owner}"\nsecret = "{secret.hex()}"\n'
             for owner, secret in secrets.items()]  # fmt: skip
    file.write_text("".join(lines), "utf-8")
    return file
