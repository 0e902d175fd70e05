"""A server in a process of its own, for demonstrations, benchmarks and tests."""

from __future__ import annotations

import json
import os
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

#: How long a server may take to start, and to stop after that it was told to.
START_S, STOP_S = 30.0, 30.0


class ServerFailed(PricetimeError):
    """The server did not start, or did not end well."""


class ServerProcess:
    """``pricetime serve`` with these options, and what it logs. A context manager: it is stopped in the end.

    Its ports are free ones. Raises ServerFailed.
    """

    def __init__(self, *options: str) -> None:
        self.events: list[Event] = []
        self._changed = threading.Condition()
        self._silent = False  # its output has ended
        ports = ("--port", "0", "--recovery-port", "0", "--feed-port", str(free_udp_port()))
        command = [sys.executable, "-m", "pricetime", "serve", *ports, *options]
        self.process = subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--log-format", "json"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, name="pricetime-server-log")
        self._reader.start()

    def __enter__(self) -> ServerProcess:
        try:
            serving = self.wait_for("serving", START_S)
        except ServerFailed:
            self.__exit__(None, None, None)
            raise
        self.host, self.port = str(serving["host"]), int(serving["port"])
        self.recovery = self.host, int(serving["recovery_port"])
        self.group, self.feed_port = str(serving["feed_group"]), int(serving["feed_port"])
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self.process.poll() is None and not self.last("stopped"):  # else it is ending already
            self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def stop(self) -> Event:
        """Tell it to stop, and wait: what it logs last. Raises ServerFailed unless it ends with 0."""
        self.process.send_signal(signal.SIGTERM)
        stopped = self.wait_for("stopped", STOP_S)
        if code := self.process.wait(STOP_S):
            raise ServerFailed(f"the server ended with {code}: {stopped}")
        return stopped

    def wait_for(self, name: str, timeout_s: float) -> Event:
        """The newest event of a name, as soon as there is one. Raises ServerFailed."""
        with self._changed:
            self._changed.wait_for(lambda: self.last(name) or self._silent, timeout_s)
            if found := self.last(name):
                return found
        said = "; ".join(str(event.get("event")) for event in self.events[-5:])
        raise ServerFailed(f"the server did not say {name!r}: it said {said or 'nothing'}")

    def last(self, name: str) -> Event:
        """The newest event of a name; empty when there was none."""
        return next((event for event in reversed(self.events) if event["event"] == name), {})

    def resident_bytes(self) -> int:
        """Memory that it takes up now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGESIZE")

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


def free_udp_port() -> int:
    """A port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
