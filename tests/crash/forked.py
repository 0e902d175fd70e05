"""A server in a process of its own that need not import anything first: it is forked from one that has.

A server takes most of a second to start, and nearly all of that is imports. To be killed a hundred times it is forked
from a process that does nothing else (``multiprocessing``'s fork server). All else is as ``pricetime serve`` does it.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from multiprocessing.connection import Connection
from typing import Any, cast

from pricetime.load.server import ServerProcess

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["pricetime.cli.serve", "pricetime.exchange.server", "pricetime.exchange.settings.sources"]
)


class ForkedServer(ServerProcess):
    """``ServerProcess``, quickly there."""

    def _begin(self, *arguments: str) -> subprocess.Popen[str]:
        return cast("subprocess.Popen[str]", Forked(arguments))


class Forked:
    """What is used of ``subprocess.Popen``."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        mine, its = CONTEXT.Pipe(duplex=False)
        self._process = CONTEXT.Process(target=run, args=(arguments, its))
        self._process.start()
        its.close()
        self.pid = self._process.pid
        self.stdout: Any = os.fdopen(os.dup(mine.fileno()), encoding="utf-8")
        mine.close()

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("pricetime serve", timeout or 0.0)
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number: int) -> None:
        assert self.pid is not None
        os.kill(self.pid, number)


def run(arguments: tuple[str, ...], out: Connection) -> None:
    """What the process does: its output goes where this one listens."""
    from pricetime.cli import main

    for fd in (1, 2):
        os.dup2(out.fileno(), fd)
    out.close()
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8")
    main(list(arguments), standalone_mode=True)
