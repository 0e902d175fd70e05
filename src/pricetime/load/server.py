"""Runs ``pricetime serve`` as a child process, for demonstrations, benchmarks and tests."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

from ..errors import PricetimeError

Event: TypeAlias = dict[str, Any]

#: Longest start and longest stop of a server, in seconds.
START_S, STOP_S = 30.0, 30.0

#: Below the ports that Linux gives to outgoing connections (``ip_local_port_range``).
LASTING_PORTS = 20_000, 32_000


class ServerFailed(PricetimeError):
    """The server did not start, or failed."""


class ServerProcess:
    """``pricetime serve`` with these options, and the events that it logs. A context manager: exit stops the server.

    It listens on free ports unless the options name ports. Raises ServerFailed.
    """

    start_s, stop_s = START_S, STOP_S

    def __init__(self, *options: str) -> None:
        self.options = options
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self._silent = False  # its log has ended
        ports = ("--port", "0", "--recovery-port", "0", "--feed-port", str(free_udp_port()))
        self.process = self._begin("serve", *ports, *options, "--log-format", "json")
        self._reader = threading.Thread(target=self._read, name="pricetime-server-log")
        self._reader.start()

    def _begin(self, *arguments: str) -> subprocess.Popen[str]:
        """A process that runs pricetime with these arguments."""
        command = [sys.executable, "-m", "pricetime", *arguments]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603 - our own program

    def __enter__(self) -> ServerProcess:
        try:
            serving = self.wait_for("serving", self.start_s)
        except BaseException:  # also on an interrupt: a failed start must leave no process and no thread
            self.__exit__(None, None, None)
            raise
        self.host, self.port = str(serving["host"]), int(serving["port"])
        self.recovery = self.host, int(serving["recovery_port"])
        self.group, self.feed_port = str(serving["feed_group"]), int(serving["feed_port"])
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self.process.poll() is None and not self.last("stopped"):  # otherwise it is already stopping
            self.process.terminate()
        try:
            self.process.wait(self.stop_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> Event:
        """Stop the server and wait: its last event. Raises ServerFailed if its exit code is not 0."""
        self.process.send_signal(signal.SIGTERM)
        stopped = self.wait_for("stopped", self.stop_s)
        if code := self.process.wait(self.stop_s):
            raise ServerFailed(f"the server ended with {code}: {stopped}")
        return stopped

    def kill(self) -> None:
        """Kill the server with SIGKILL and wait until it is gone."""
        self.process.kill()
        self.process.wait()

    def again(self) -> ServerProcess:
        """Start the same server on the same ports. Call it when this one is gone.

        Give the first server ports from ``lasting_port``: with others, a client that reconnects may connect to itself.
        """
        ports = ("--port", str(self.port), "--recovery-port", str(self.recovery[1]), "--feed-port", str(self.feed_port))
        return type(self)(*self.options, *ports)

    def wait_for(self, name: str, timeout_s: float) -> Event:
        """Wait for an event with this name: the newest one. Raises ServerFailed."""
        with self._changed:
            self._changed.wait_for(lambda: self.last(name) or self._silent, timeout_s)
            if found := self.last(name):
                return found
        if failure := self.failure:
            raise ServerFailed(f"the server failed: {failure}")
        said = "; ".join(str(event.get("event")) for event in self.events[-5:])
        raise ServerFailed(f"the server did not log {name!r} within {timeout_s:g} s; its last events: {said or 'none'}")

    def last(self, name: str) -> Event:
        """The newest event with this name; empty without one."""
        return next((event for event in reversed(self.events) if event["event"] == name), {})

    @property
    def failure(self) -> str | None:
        """Why the server failed, as it logged; None if it did not."""
        return next((str(event["failure"]) for event in reversed(self.events) if event.get("failure")), None)

    def resident_bytes(self) -> int:
        """Resident memory of the server now."""
        return resident_bytes(self.process.pid)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            event = json.loads(line) if line.startswith("{") else {"event": line.strip()}
            with self._changed:
                self.events.append(event)
                self._changed.notify_all()
        with self._changed:
            self._silent = True
            self._changed.notify_all()


def resident_bytes(pid: int) -> int:
    """Resident memory of a process now."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


def lasting_port() -> int:
    """A free TCP port that Linux gives to no outgoing connection: for a server that is restarted."""
    while True:
        with socket.socket() as probe, contextlib.suppress(OSError):
            port = random.randint(*LASTING_PORTS)
            probe.bind(("127.0.0.1", port))
            return port


def free_udp_port() -> int:
    """A free UDP port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
