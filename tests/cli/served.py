"""An exchange in a process of its own, as ``pricetime serve`` starts it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from pricetime.gateway.config import PREFIX

PATIENCE_S = 30


def free_udp_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """A server that runs. Its log is read as it is asked for."""

    def __init__(self, *options: str) -> None:
        ports = ("--port", "0", "--recovery-port", "0", "--feed-port", str(free_udp_port()))
        small = ("--order-capacity", "10000", "--no-prefault", "--idle", "block", "--log-format", "json")
        command = [sys.executable, "-m", "pricetime", "serve", *ports, *small, *options]
        environment = {name: text for name, text in os.environ.items() if not name.startswith(PREFIX)}
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        self._log: IO[str] = self.process.stdout
        try:
            self.serving = self.until("serving")
        except BaseException:
            self.end()
            raise
        self.orders = ("--port", str(self.serving["port"]))
        self.feed = ("--port", str(self.serving["feed_port"]), "--recovery-port", str(self.serving["recovery_port"]))

    def until(self, event: str) -> dict[str, Any]:
        """The next event of this name; those before it are passed over."""
        for line in self._log:
            found: dict[str, Any] = json.loads(line)
            if found["event"] == event:
                return found
        raise AssertionError(f"the log ended without {event!r}")

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        self._log.read()
        self._log.close()
        return self.process.wait(PATIENCE_S)


@contextmanager
def served(*options: str) -> Iterator[Served]:
    running = Served(*options)
    try:
        yield running
    finally:
        code = running.end()
    assert code == 0
