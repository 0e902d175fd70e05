"""An exchange in a process of its own, and the options that lead the other commands to it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import pytest

from pricetime.environment import PREFIX
from pricetime.load.server import ServerProcess

SMALL = ("--order-capacity", "10000", "--no-prefault")


class Served(ServerProcess):
    """A server that runs."""

    def __enter__(self) -> Self:
        super().__enter__()
        recovery = ("--recovery-port", str(self.recovery[1]))
        self.load = ("--port", str(self.port))
        self.orders = (*self.load, *recovery)
        self.feed = ("--feed-port", str(self.feed_port), *recovery)
        return self


@contextmanager
def served(*options: str) -> Iterator[Served]:
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(PREFIX):
                patch.delenv(name)
        running = Served(*SMALL, *options)
    with running:
        yield running
    assert running.process.returncode == 0
