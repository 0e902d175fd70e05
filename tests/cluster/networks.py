"""Machines of a cluster as network namespaces at one bridge, whose packets can be dropped from one to the other."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from pricetime.cluster.servers import LocalServers

#: Where the machine of the test is, and the first of the namespaces.
HERE, FIRST = 254, 1

#: A link address that no interface has.
NOWHERE = "02:00:00:00:00:01"


def missing() -> str:
    """Why there can be no namespaces here; empty if there can."""
    if shutil.which("ip") is None:
        return "there is no program ip"
    if os.geteuid() != 0:
        return "only root may make network namespaces"
    name = f"pt{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"ip netns add: {made.stderr.strip()}"
    ip("netns", "del", name)
    return ""


def ip(*arguments: str, inside: str = "") -> None:
    """Run ip, in a namespace if one is given."""
    where = ["-n", inside] if inside else []
    subprocess.run(["ip", *where, *arguments], check=True, capture_output=True)


#: Numbers of networks: the system removes the interfaces of a namespace a moment after it, so no name is used again.
_made = itertools.count()


class Network:
    """A bridge, and a namespace for each name. A context manager: exit removes them."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = [*names]
        number = (100 * os.getpid() + next(_made)) % 50_000
        self._tag = f"p{number:x}"
        self._prefix = f"10.{77 + number // 250 % 100}.{number % 250}"
        self._dropped: set[tuple[str, str]] = set()

    @property
    def here(self) -> str:
        """The address of this machine at the bridge."""
        return f"{self._prefix}.{HERE}"

    def address(self, name: str) -> str:
        """The address of a namespace."""
        return f"{self._prefix}.{FIRST + self.names.index(name)}"

    def inside(self, name: str) -> str:
        """The namespace, as ip names it."""
        return f"{self._tag}{name}"

    def run(self, name: str) -> list[str]:
        """What begins a command line that runs there."""
        return ["ip", "netns", "exec", self.inside(name)]

    def __enter__(self) -> Network:
        bridge = f"{self._tag}br"
        try:
            ip("link", "add", bridge, "type", "bridge", "mcast_snooping", "0")
            ip("addr", "add", f"{self.here}/24", "dev", bridge)
            ip("link", "set", bridge, "up")
            for name in self.names:
                outer, inside = f"{self._tag}{name}o", self.inside(name)
                ip("netns", "add", inside)
                ip("link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", inside)
                ip("link", "set", outer, "master", bridge, "up")
                ip("addr", "add", f"{self.address(name)}/24", "dev", "eth0", inside=inside)
                ip("link", "set", "lo", "up", inside=inside)
                ip("link", "set", "eth0", "up", inside=inside)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Remove everything that is there."""
        for name in self.names:
            subprocess.run(["ip", "netns", "del", self.inside(name)], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", f"{self._tag}br"], check=False, capture_output=True)

    def drop(self, source: str, target: str) -> None:
        """Drop what one namespace sends to the other. The sender gets no error."""
        self._dropped.add((source, target))
        ip("neigh", "replace", self.address(target), "lladdr", NOWHERE, "nud", "permanent", "dev", "eth0",
           inside=self.inside(source))  # fmt: skip

    def cut(self, ones: Iterable[str], others: Iterable[str]) -> None:
        """Drop everything between two sides, in both directions."""
        others = [*others]
        for one in ones:
            for other in others:
                self.drop(one, other)
                self.drop(other, one)

    def heal(self) -> None:
        """Drop nothing any more."""
        for source, target in self._dropped:
            ip("neigh", "del", self.address(target), "dev", "eth0", inside=self.inside(source))
        self._dropped.clear()


class ServersOf(LocalServers):
    """NATS servers in namespaces of a network: ``machines`` names them."""

    def __init__(self, directory: Path, network: Network, machines: list[str]) -> None:
        self._network, self._machines = network, machines
        super().__init__(directory, len(machines))

    def address(self, server: int) -> str:
        """Where a server listens."""
        return self._network.address(self._machines[server])

    @property
    def urls(self) -> list[str]:
        return [f"nats://{self.address(server)}:{port}" for server, port in enumerate(self.ports)]

    @property
    def monitoring(self) -> list[str]:
        return [f"http://{self.address(server)}:{port}" for server, port in enumerate(self._http_ports)]

    def start(self, server: int) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        program, script = self._program, self._file(server, "sh")
        inside = " ".join(self._network.run(self._machines[server]))
        script.write_text(f'#!/bin/sh\nexec {inside} {program} "$@"\n', "utf-8")
        script.chmod(0o700)
        self._program = str(script)
        try:
            super().start(server)
        finally:
            self._program = program

    def _configure(self, server: int) -> None:
        super()._configure(server)
        file = self._file(server, "conf")
        text = file.read_text("utf-8")
        for other, port in enumerate(self._route_ports):
            text = text.replace(f"127.0.0.1:{port}", f"{self.address(other)}:{port}")
        file.write_text(text.replace("127.0.0.1", self.address(server)), "utf-8")
