"""As many orders as go through: a few owners that send the same flow again and again, and read their answers."""

import os
import selectors
import socket
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Any, Self

from pricetime.load.plan import Plan, make_plans
from pricetime.wire.messages import LoginAccepted
from pricetime.wire.types import LoginFlag
from tests.exchange.harness import harness, tcp_pair

PATIENCE_S = 120.0


class Blast:
    """An exchange that runs, and its owners. ``commands``: of the flow, which ``send`` sends as often as told."""

    def __init__(self, owners: int, commands: int, **settings: Any) -> None:
        self._stack = ExitStack()
        room = {"order_capacity": 2**17, "level_capacity": 2**12, "ring_capacity": 2**14, "feed_store_reports": 2**18}
        streams = {"stream_reports": 2**16, "outbound_bytes": 2**16 * 48}
        self.here = self._stack.enter_context(harness(idle="block", **(room | streams | settings)))
        self.exchange = self.here.exchange
        first, plans = make_plans("balanced", commands, owners, seed=1)
        self._flow = next(plans)
        self.sent = 0
        self._done = False
        self.exchange.start()
        self._sockets = {owner: self._log_in(owner) for owner in range(1, owners + 1)}
        self._reader = Thread(target=self._read)
        self._reader.start()
        self._send(first)

    def _log_in(self, owner: int) -> socket.socket:
        ours, theirs = tcp_pair()
        ours.settimeout(PATIENCE_S)
        assert self.exchange.admit(theirs.detach(), owner, LoginFlag.KEEP_ORDERS, 0)
        assert len(ours.recv(LoginAccepted.SIZE, socket.MSG_WAITALL)) == LoginAccepted.SIZE
        return ours

    def send(self, times: int) -> None:
        """Send the flow so many times, and wait until all of it is answered."""
        for _ in range(times):
            self._send(self._flow)
        deadline = time.monotonic() + PATIENCE_S
        while self.exchange.stats()["commands"] < self.sent:
            assert time.monotonic() < deadline, "it goes no further"
            time.sleep(0.001)

    def _send(self, flow: Plan) -> None:
        """A little of each owner's share in turn."""
        step = 1000
        for start in range(0, flow.count, step):
            some = flow.part(start, start + step)
            for owner, connection in self._sockets.items():
                connection.sendall(some.bytes_of(owner - 1))
        self.sent += flow.count

    def _read(self) -> None:
        """Take what comes, whatever it is."""
        buffer = bytearray(1 << 18)
        with selectors.DefaultSelector() as selector:
            for connection in self._sockets.values():
                selector.register(connection, selectors.EVENT_READ, connection)
            while not self._done:
                for key, _ in selector.select(0.05):
                    if not key.data.recv_into(buffer):
                        selector.unregister(key.data)

    def finish(self) -> tuple[int, int]:
        """Stop the exchange: how many commands it had, and how many reports."""
        self._end_reading()
        for connection in self._sockets.values():
            connection.close()
        self.exchange.begin_stop()
        assert self.exchange.wait_drained(PATIENCE_S)
        assert self.exchange.failure is None
        self.exchange.follower.snapshot()
        stats = self.exchange.stats()
        assert stats["slow_readers"] == 0
        return int(stats["commands"]), int(stats["reports"])

    def _end_reading(self) -> None:
        self._done = True
        self._reader.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_reading()
        for connection in self._sockets.values():
            connection.close()
        self._stack.close()


def resident_bytes() -> int:
    """What this process has in memory now."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE")
