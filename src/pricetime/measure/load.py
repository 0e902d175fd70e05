"""Orders over many sessions at a rate: every order has its time, whatever the exchange does."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..errors import PricetimeError
from ..types import EXECUTION_REPORT, REPORT, Reason, ReportKind
from ..wire.messages import SIZES, Heartbeat, LoginAccepted
from ..wire.session import Ended, Role, Session
from ..wire.types import MessageType
from .plan import Plan

READ_BYTES = 1 << 20
REPORT_BYTES = REPORT.itemsize

#: While orders are due faster than they can be sent, so many go out between two looks at the clock.
MOST_AT_ONCE = 4096

#: No order is due: let others have the processor.
NAP_S = 20e-6

#: How long answers may stay away at the end.
PATIENCE_S = 10.0


class LoadFailed(PricetimeError):
    """The exchange refused a login or ended a session."""


@dataclass
class Account:
    """What one owner was told."""

    owner: int
    connection: socket.socket
    next_sequence: int = 1
    answers: int = 0  #: commands that were answered
    kinds: NDArray[np.int64] = field(default_factory=lambda: np.zeros(16, np.int64))  #: reports, by kind
    rest: bytes = b""  #: of a message that has not come whole
    caught_up: bool = False  #: the exchange has said that it has no more reports
    on_reports: Callable[[NDArray[np.void]], object] | None = None  #: is called with those that came

    def read(self, data: bytes) -> None:
        """Count what came. Raises LoadFailed when the session ended or a report was lost or doubled."""
        data = self.rest + data
        at = 0
        while at < len(data):
            kind = data[at]
            if kind == EXECUTION_REPORT:
                reports = np.frombuffer(data, REPORT, (len(data) - at) // REPORT_BYTES, at)
                other = np.flatnonzero(reports["type"] != EXECUTION_REPORT)
                reports = reports[: other[0]] if other.size else reports
                if not reports.size:
                    break
                self._count(reports)
                at += reports.nbytes
                continue
            size = SIZES[kind]
            if kind != MessageType.HEARTBEAT:
                raise LoadFailed(f"owner {self.owner}: the exchange ended the session: {data[at : at + size].hex()}")
            if len(data) - at < size:
                break
            self.caught_up = Heartbeat.decode(data[at : at + size]).next_sequence == self.next_sequence
            at += size
        self.rest = data[at:]

    def _count(self, reports: NDArray[np.void]) -> None:
        expected = np.arange(self.next_sequence, self.next_sequence + reports.size, dtype=np.uint64)
        if not np.array_equal(reports["seq_num"], expected):
            raise LoadFailed(f"owner {self.owner}: a report was lost or doubled after {self.next_sequence - 1}")
        self.next_sequence += reports.size
        kind, reason = reports["kind"], reports["reason"]
        self.kinds += np.bincount(kind, minlength=16)
        asked = (kind != ReportKind.TRADE) & (reason < Reason.IOC_REMAINDER) | (kind == ReportKind.REPLACED)
        self.answers += int(np.count_nonzero(asked))
        if self.on_reports is not None:
            self.on_reports(reports)


class Load:
    """Sessions of the owners 1 to ``owners`` with an exchange, which must be open. Raises LoadFailed and OSError.

    A context manager: its thread reads the answers until the end.
    """

    def __init__(self, host: str, port: int, owners: int) -> None:
        self.accounts = {owner: Account(owner, log_in(host, port, owner)) for owner in range(1, owners + 1)}
        self.sent = 0
        self.failure: Exception | None = None
        self._done = False
        self._reader = threading.Thread(target=self._read, name="pricetime-load")

    def __enter__(self) -> Load:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done = True
        self._reader.join()
        for account in self.accounts.values():
            account.connection.close()

    @property
    def answers(self) -> int:
        """Commands that were answered."""
        return sum(account.answers for account in self.accounts.values())

    def send(self, plan: Plan, rate: float | None = None, start: float | None = None) -> float:
        """Send a plan, ``rate`` orders a second from ``start`` (of ``time.perf_counter``) on, or as fast as it goes.

        Returns when it ended: for the next plan to start at.
        """
        begin = time.perf_counter() if start is None else start
        sent = 0
        while sent < plan.count:
            self._check()
            due = plan.count if rate is None else min(plan.count, int((time.perf_counter() - begin) * rate))
            if due <= sent:
                time.sleep(NAP_S)
                continue
            upto = min(due, sent + MOST_AT_ONCE)
            for owner, share in plan.shares.items():
                first, end = share.offsets[sent], share.offsets[upto]
                if first != end:
                    self.accounts[owner].connection.sendall(share.data[first:end])
            self.sent += upto - sent
            sent = upto
        return begin + plan.count / rate if rate else time.perf_counter()

    def wait_answered(self) -> None:
        """Wait until every command is answered. Raises LoadFailed when nothing comes for a while."""
        known, since = -1, time.monotonic()
        while self.answers < self.sent:
            self._check()
            if self.answers != known:
                known, since = self.answers, time.monotonic()
            elif time.monotonic() - since > PATIENCE_S:
                raise LoadFailed(f"{self.sent - known} of {self.sent} commands were not answered")
            time.sleep(0.001)

    def resume(self, host: str, port: int) -> int:
        """Log in again where the exchange is back after all sessions were lost, and read what was missed.

        Returns how many commands were lost on their way: the last ones of each owner, as ``Account.answers`` says.
        """
        self._reader.join()
        for account in self.accounts.values():
            account.connection.close()
            account.connection = log_in(host, port, account.owner, account.next_sequence)
            account.rest, account.caught_up = b"", False
        self.failure = None
        self._reader = threading.Thread(target=self._read, name="pricetime-load")
        self._reader.start()
        until = time.monotonic() + PATIENCE_S
        while not all(account.caught_up for account in self.accounts.values()):
            self._check()
            if time.monotonic() > until:
                raise LoadFailed("the exchange did not say that it has no more reports")
            time.sleep(0.001)
        lost, self.sent = self.sent - self.answers, self.answers
        return lost

    def _check(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _read(self) -> None:
        buffer = bytearray(READ_BYTES)
        with selectors.DefaultSelector() as selector:
            for account in self.accounts.values():
                selector.register(account.connection, selectors.EVENT_READ, account)
            try:
                while not self._done:
                    for key, _ in selector.select(0.1):
                        n_bytes = key.data.connection.recv_into(buffer)
                        if not n_bytes:
                            raise LoadFailed(f"owner {key.data.owner}: the exchange closed the connection")
                        key.data.read(bytes(memoryview(buffer)[:n_bytes]))
            except Exception as error:
                self.failure = error


def log_in(host: str, port: int, owner: int, resume_from: int | None = None) -> socket.socket:
    """A connection on which this owner's session has begun; ``resume_from``: of the first report that follows."""
    connection = socket.create_connection((host, port), timeout=PATIENCE_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    session = Session(Role.CLIENT, time.monotonic_ns())
    while True:
        data = connection.recv(SIZES[MessageType.LOGIN_ACCEPTED])
        events = session.receive(data, time.monotonic_ns()) if data else session.receive_eof()
        for event in events:
            if isinstance(event, Ended):
                raise LoadFailed(f"owner {owner}: {event}")
            if isinstance(event, LoginAccepted):
                return connection
            connection.sendall(session.login(owner, b"", time.monotonic_ns(), resume_from=resume_from))
