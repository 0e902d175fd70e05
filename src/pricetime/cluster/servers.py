"""NATS servers on this machine, in one directory: for a trial, the demonstration and tests.

A cluster on three machines runs its own NATS servers, as ``docs/operate/cluster.md`` describes.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import PricetimeError
from ..extras import install_command
from ..load.server import lasting_port
from .processes import end, spawn

#: Longest start of a server, and of the cluster until it can make streams, in seconds.
START_S = 30.0

#: How often to start on other ports, if a different process uses the free port that was found.
ATTEMPTS = 5


class ServersFailed(PricetimeError, RuntimeError):
    """A NATS server on this machine did not start, or ended. The text says what its log says."""


class LocalServers:
    """``count`` NATS servers that form a cluster, listening on 127.0.0.1. A context manager: exit ends the servers.

    ``directory`` holds their configuration, their logs and their data; a second start in the same directory continues
    with the data. ``ports``: of clients, then of routes, then of monitoring, each for all servers; free ones without
    it. ``settings`` replaces the line ``sync_interval: always`` of some servers. The servers end with the thread that
    starts them, even if its process is killed.
    """

    def __init__(
        self, directory: Path, count: int = 3, *, name: str = "pricetime", user: str = "", password: str = "",
        ports: Sequence[int] = (), settings: Mapping[int, str] | None = None,
    ) -> None:  # fmt: skip
        self.directory, self.name, self.user, self.password = directory, name, user, password
        self._program, self._settings, self._fixed = program(), settings or {}, bool(ports)
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * count
        self._use(ports or _free_ports(3 * count))

    @property
    def urls(self) -> list[str]:
        """Where clients connect."""
        return [f"nats://127.0.0.1:{port}" for port in self.ports]

    @property
    def monitoring(self) -> list[str]:
        """Where the servers answer questions about themselves."""
        return [f"http://127.0.0.1:{port}" for port in self._http_ports]

    @property
    def names(self) -> list[str]:
        """The names of the servers."""
        return [f"{self.name}-{server + 1}" for server in range(len(self.ports))]

    def __enter__(self) -> LocalServers:
        for attempt in range(ATTEMPTS):
            try:
                for server in range(len(self.ports)):
                    self.start(server)
                self.wait()
                break
            except BaseException as error:  # also on an interrupt: a failed start must leave no process
                self.stop()
                if self._fixed or attempt == ATTEMPTS - 1 or "address already in use" not in str(error):
                    raise
                self._use(_free_ports(len(self._processes) * 3))  # a different process was faster
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.stop()

    def start(self, server: int) -> None:
        """Start a server that does not run."""
        self._configure(server)
        command = self._program, "-c", str(self._file(server, "conf"))
        self._processes[server] = spawn(command, self._file(server, "out"))

    def wait(self, timeout_s: float = START_S) -> None:
        """Wait until all servers that run are in the cluster and have chosen the leader that makes streams."""
        until = time.monotonic() + timeout_s
        while not self._ready():
            self._check_running()
            if time.monotonic() > until:
                raise ServersFailed(
                    f"the NATS servers are not ready after {timeout_s:g} s: see the logs in {self.directory}"
                )
            time.sleep(0.05)

    def kill(self, server: int) -> None:
        """Kill a server with SIGKILL and wait until it is gone."""
        process = self._process(server)
        process.kill()
        process.wait()
        self._processes[server] = None

    def suspend(self, server: int) -> None:
        """Stop a server for a while (SIGSTOP): its connections stay open."""
        self._process(server).send_signal(signal.SIGSTOP)

    def resume(self, server: int) -> None:
        """Let a suspended server continue."""
        self._process(server).send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End all servers and wait until they are gone."""
        running = [process for process in self._processes if process is not None]
        self._processes = [None] * len(self._processes)
        end(running)

    def running(self, server: int) -> bool:
        """Whether the process of a server exists."""
        process = self._processes[server]
        return process is not None and process.poll() is None

    def pid(self, server: int) -> int:
        """The process of a server."""
        return self._process(server).pid

    def leader(self, stream: str) -> int | None:
        """The server that leads a stream, as the servers that run say; None during an election."""
        for server in filter(self.running, range(len(self.ports))):
            with contextlib.suppress(OSError, ValueError, KeyError, StopIteration):
                said = self._ask(server, "jsz?streams=1")
                streams = [each for account in said["account_details"] for each in account["stream_detail"]]
                found = next(each for each in streams if each["name"] == stream)["cluster"].get("leader")
                if found in self.names and self.running(at := self.names.index(found)):
                    return at
        return None

    def _use(self, ports: Sequence[int]) -> None:
        count = len(self._processes)
        self.ports, self._route_ports, self._http_ports = ports[:count], ports[count : 2 * count], ports[2 * count :]

    def _ready(self) -> bool:
        """Whether the servers that run agree on a leader that makes streams, and follow it."""
        running = [server for server in range(len(self.ports)) if self.running(server)]
        try:
            for server in running:
                self._ask(server, "healthz?js-server-only=true")  # an error while it accepts no client
            said = [self._ask(server, "jsz").get("meta_cluster") or {} for server in running]
        except (OSError, ValueError):
            return False
        if len(self.ports) == 1:
            return bool(said)
        leaders = {each.get("leader") for each in said}
        if len(leaders) != 1 or (leader := leaders.pop()) not in self.names:
            return False
        followers = [each for one in said for each in one.get("replicas", []) if each["name"] != leader]
        current = {each["name"] for each in followers if each.get("current")}
        return {self.names[server] for server in running} <= current | {leader}

    def _check_running(self) -> None:
        for server, process in enumerate(self._processes):
            if process is not None and process.poll() is not None:
                files = self._file(server, "out"), self._file(server, "log")  # the first for errors before the log
                text = "".join(file.read_text("utf-8", "replace") for file in files if file.exists()).strip()
                why = text.rpartition("\n")[2] or "its log is empty"
                raise ServersFailed(f"the NATS server {self.names[server]} ended with {process.returncode}: {why}")

    def _ask(self, server: int, what: str) -> dict[str, Any]:
        with urllib.request.urlopen(f"{self.monitoring[server]}/{what}", timeout=1) as answer:  # noqa: S310 - http
            said: dict[str, Any] = json.load(answer)
        return said

    def _process(self, server: int) -> subprocess.Popen[bytes]:
        process = self._processes[server]
        if process is None:
            raise ServersFailed(f"the NATS server {self.names[server]} does not run")
        return process

    def _file(self, server: int, kind: str) -> Path:
        return self.directory / f"nats-{server + 1}.{kind}"

    def _configure(self, server: int) -> None:
        """Write the configuration of a server."""
        self.directory.mkdir(parents=True, exist_ok=True)
        routes = ", ".join(f'"nats://127.0.0.1:{port}"' for port in self._route_ports)
        lines = [
            f"server_name: {json.dumps(self.names[server])}",
            f"listen: 127.0.0.1:{self.ports[server]}",
            f"http: 127.0.0.1:{self._http_ports[server]}",
            f"log_file: {json.dumps(str(self._file(server, 'log')))}",
            "jetstream {",
            f"  store_dir: {json.dumps(str(self.directory / f'nats-{server + 1}'))}",
            f"  {self._settings.get(server, 'sync_interval: always')}",
            "}",
        ]
        if len(self.ports) > 1:
            name, port = json.dumps(self.name), self._route_ports[server]
            lines.append(f"cluster {{ name: {name}, listen: 127.0.0.1:{port}, routes: [{routes}] }}")
        if self.user:
            lines += [f"authorization {{ user: {json.dumps(self.user)}, password: {json.dumps(self.password)} }}"]
        file = self._file(server, "conf")
        file.touch(0o600)  # it may hold a password
        file.write_text("\n".join(lines) + "\n", "utf-8")


def program() -> str:
    """The path of ``nats-server``. Raises ServersFailed with the command that installs it."""
    beside = Path(sys.executable).with_name("nats-server")
    if beside.exists():
        return str(beside)
    found = shutil.which("nats-server")
    if found is None:
        raise ServersFailed(
            f"no program nats-server is installed (extra pricetime[cluster]): {install_command('cluster')}"
        )
    return found


def _free_ports(count: int) -> list[int]:
    """Free ports, each a different one."""
    found: set[int] = set()
    while len(found) < count:
        found.add(lasting_port())
    return list(found)
