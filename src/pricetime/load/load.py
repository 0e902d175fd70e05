"""Sends orders over many sessions at a rate. The rate alone decides when an order is due, never the exchange.

    first, plans = make_plans("balanced", 1_000_000, sessions=4)
    with Load("127.0.0.1", 7001, owners=4) as load:
        load.send(first, measured=False)
        load.wait_answered()
        for plan in plans:
            load.send(plan, rate=100_000)
        load.wait_answered()
        print(load.latencies()["trades"].percentiles([50, 99, 99.9]))

A thread without the GIL sends and reads (``driver``); the calling thread supplies the plans.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import COMPILED
from ..errors import InvalidSetting, NeedsCompiled
from .login import PATIENCE_S, LoadFailed, in_words, log_in
from .plan import Plan

if TYPE_CHECKING:
    from ..native.histogram import Histogram
    from .connections import Connections

__all__ = ["Account", "Load", "LoadFailed", "Pace", "log_in"]

MOST_SESSIONS = 1024

#: How often the calling thread checks the driver while it waits, in seconds.
POLL_S = 0.0005

#: The reports of a command arrive together: longest wait for a trade that follows the newest ACCEPTED, in seconds.
TOGETHER_S = 0.02

#: Longest wait for the answers to the logouts, in seconds.
LEAVE_S = 5.0

# Why the driver ended, numbered as in connections.pxd.
CLOSED, BROKEN, ENDED, OUT_OF_ORDER, STRANGE, UNASKED, SILENT, REFUSED = range(1, 9)


class Pace(NamedTuple):
    """How fast orders come due: ``rate`` per second, which grows by ``gain`` each second; 0: as fast as possible."""

    rate: float
    gain: float = 0.0

    @classmethod
    def ramp(cls, begin: float, end: float, seconds: float) -> Pace:
        """A rate that grows evenly from ``begin`` to ``end``."""
        return cls(begin, (end - begin) / seconds)

    def orders(self, seconds: float) -> int:
        """How many orders come due in this many seconds."""
        return round(self.rate * seconds + self.gain * seconds * seconds / 2)

    def seconds(self, orders: int) -> float:
        """When the order with this number, counted from 0, comes due."""
        if not self.rate:
            return 0.0
        return float(2 * orders / (self.rate + max(0.0, self.rate**2 + 2 * self.gain * orders) ** 0.5))


class Account:
    """The answers and reports that one owner received."""

    def __init__(self, connections: Connections, connection: int, owner: int) -> None:
        self._connections, self.connection, self.owner = connections, connection, owner

    @property
    def answers(self) -> int:
        """Number of commands that were answered."""
        return self._connections.answers(self.connection)

    @property
    def next_sequence(self) -> int:
        """Sequence number of the next report."""
        return self._connections.next_sequence(self.connection)

    @property
    def kinds(self) -> NDArray[np.int64]:
        """Number of reports by ``ReportKind``: shape (32,)."""
        return self._connections.kinds(self.connection)

    def reports(self) -> NDArray[np.void]:
        """The newest reports, as many as are kept, oldest first. Call it only while no reports arrive."""
        return self._connections.kept(self.connection)


class Load:
    """Sessions with an exchange. Raises LoadFailed, and NeedsCompiled in the pure form.

    ``owners``: the owners that log in, or their number N for the owners 1 to N. ``secrets``: by owner, for a server
    that does not run with ``--open``. ``keep``: how many of the newest reports to keep for each owner. ``spins``: never
    sleep, if the generator has a processor to itself. A context manager: its thread sends and reads until exit.
    """

    def __init__(
        self,
        host: str,
        port: int,
        owners: int | Iterable[int],
        *,
        secrets: Mapping[int, bytes] | None = None,
        keep: int = 0,
        spins: bool = False,
    ) -> None:
        if not COMPILED:
            raise NeedsCompiled("the load generator needs the compiled form, and pricetime runs uncompiled")
        from .driver import Driver

        numbers = list(range(1, owners + 1)) if isinstance(owners, int) else list(owners)
        if not 1 <= len(numbers) <= MOST_SESSIONS or len(set(numbers)) < len(numbers):
            raise InvalidSetting(f"{len(numbers)} owners: give 1 to {MOST_SESSIONS} different owners")
        self._secrets = dict(secrets or {})
        self._sockets: list[socket.socket] = []
        self.patience = PATIENCE_S  #: longest wait for an answer, in seconds
        self.level = 0  #: what an answer promises: an ``AcknowledgementLevel``
        logged_in = []
        try:
            for owner in numbers:
                logged_in.append(log_in(host, port, owner, self._secrets.get(owner, b"")))
                self._sockets.append(logged_in[-1].connection)
            accepted = [each.accepted for each in logged_in]
            self.level = accepted[0].level
            heartbeat_ms = min(each.heartbeat_ms for each in accepted)
            silence_ns = max(each.timeout_ms for each in accepted) * 1_000_000
            self._driver = Driver(
                len(numbers), keep=keep, spins=spins, heartbeat_ns=heartbeat_ms * 1_000_000,
                silence_ns=max(silence_ns, int(PATIENCE_S * 1e9)),
            )  # fmt: skip
            self._connections = self._driver.connections
            for connection, each in enumerate(logged_in):
                self._driver.connection(connection, each.connection.fileno(), each.accepted.next_sequence)
        except BaseException:
            self._close()
            raise
        self.accounts = {
            owner: Account(self._connections, connection, owner) for connection, owner in enumerate(numbers)
        }
        self._offered = 0
        self._commands = 0  # in all plans offered

    def __enter__(self) -> Load:
        self._start_thread()
        return self

    def __exit__(self, *_: object) -> None:
        self._driver.end()
        self._thread.join()
        self._close()
        self._driver.close()

    def _close(self) -> None:
        for connection in self._sockets:
            connection.close()

    # ------------------------------------------------------------------ orders

    def send(
        self, plan: Plan, rate: float | Pace | None = None, start: float | None = None, *, measured: bool = True
    ) -> float:
        """Send a plan at ``rate`` orders per second from ``start`` (of ``time.perf_counter``); None: at full speed.

        Returns when the last order has come due: the time at which the next plan should start. Raises LoadFailed.
        """
        pace = rate if isinstance(rate, Pace) else Pace(rate or 0.0)
        begin = time.perf_counter() if start is None else start
        self.wait(lambda: self.offer(plan, pace, begin, measured=measured))
        self.wait(lambda: self.is_released)
        return begin + pace.seconds(plan.count) if pace.rate else time.perf_counter()

    def offer(self, plan: Plan, pace: Pace, start: float, first: int = 0, *, measured: bool = True) -> bool:
        """Queue a plan for the sending thread. False if the queue is full: try again later.

        ``start``: when the schedule starts; ``first``: number of orders of the schedule before this plan. Raises
        InvalidSetting.
        """
        if plan.count and int(plan.sessions.max()) >= len(self.accounts):
            raise InvalidSetting(
                f"the plan has {int(plan.sessions.max()) + 1} sessions, but only {len(self.accounts)} are logged in"
            )
        start_ns = int(start * 1e9)
        taken = self._driver.offer(
            plan.data, plan.sizes, plan.sessions,
            rate=pace.rate, gain=pace.gain, start_ns=start_ns, first=first, measured=measured,
        )  # fmt: skip
        if not taken:
            return False
        self._offered += 1
        self._commands += plan.count
        return True

    @property
    def is_released(self) -> bool:
        """Has every offered order come due?"""
        return self._driver.parts_done == self._offered

    def cut(self) -> int:
        """Drop the offered orders that are not due yet. Returns how many. Raises LoadFailed."""
        self._driver.begin_cut()
        self.wait(lambda: self._driver.is_cut)
        left = self._commands - self.released
        self._commands = self.released
        return left

    def wait(
        self, done: Callable[[], bool], on_poll: Callable[[], None] = lambda: None, poll_s: float = POLL_S
    ) -> None:
        """Call ``done`` until it is true, and ``on_poll`` in between.

        Raises LoadFailed if the sessions failed, or if no due order is answered for ``patience`` seconds.
        """
        known, since = -1, time.monotonic()
        while not done():
            self.check()
            answers, now = self.answers, time.monotonic()
            if answers != known or answers == self.released:
                known, since = answers, now
            elif now - since > self.patience:
                waiting = self.released - answers
                raise LoadFailed(f"{waiting:,} orders were not answered within {self.patience:g} s")
            time.sleep(poll_s)
            on_poll()

    def wait_answered(self) -> None:
        """Wait until every offered order has come due and is answered. Raises LoadFailed, as ``wait``."""
        self.wait(lambda: self.is_released and self.answers >= self.released)

    def leave(self) -> None:
        """Log out after everything that was sent is answered; every report has then arrived. Raises LoadFailed."""
        self._driver.leave()
        self._thread.join(LEAVE_S)
        self.check()
        if self._thread.is_alive():
            raise LoadFailed(f"the exchange did not answer a logout within {LEAVE_S:g} s")

    # ------------------------------------------------------------------ results

    @property
    def sent(self) -> int:
        """Commands handed to the operating system, less those that ``resume`` found lost."""
        return self._connections.all_sent

    @property
    def released(self) -> int:
        """Number of commands that have come due."""
        return self._connections.released

    @property
    def answers(self) -> int:
        """Number of commands that were answered."""
        return self._connections.all_answered

    @property
    def measured(self) -> Connections:
        """Has current counts (``sent``, ``answered``, ``late``) and times (``last_due_ns``) of the measured orders."""
        return self._connections

    def latencies(self) -> dict[str, Histogram]:
        """Latencies of the measured orders in ns, from due to answered, by kind of command.

        Call it after ``wait_answered``. Waits 20 ms for reports that belong to the last answers.
        """
        if self._thread.is_alive():
            time.sleep(TOGETHER_S)
        return self._connections.histograms()

    def latency_counts(self) -> NDArray[np.uint64]:
        """How many orders each bucket of a ``Histogram`` counts, all kinds together. Can be called during a run.

        The newest order of a session may be missing. Takes little time from the sending thread.
        """
        return self._connections.latencies.counts()

    def start_anew(self) -> None:
        """Reset the measurements. Call it only when every order is answered."""
        time.sleep(TOGETHER_S)
        self._connections.forget_latencies()

    # ------------------------------------------------------------------ failures

    @property
    def failure(self) -> LoadFailed | None:
        """Why the sessions ended; None while all is well."""
        state = self._connections
        if not state.failure:
            return None
        owner = list(self.accounts)[state.failed_connection]
        return LoadFailed(f"owner {owner}: {_in_words(state.failure, state.found, state.expected)}")

    def check(self) -> None:
        """Raise LoadFailed if the exchange is gone or broke the protocol."""
        if failure := self.failure:
            self._thread.join(LEAVE_S)  # the thread still reads what has arrived
            raise failure

    def resume(self, host: str, port: int) -> int:
        """Log all sessions in again after the exchange restarted, and read the missed reports.

        Returns how many commands were lost; they are the last ones of each owner, after the first ``Account.answers``.
        Raises LoadFailed.
        """
        self._driver.end()
        self._thread.join()
        self._close()
        self._sockets = []
        for account in self.accounts.values():
            secret = self._secrets.get(account.owner, b"")
            back = log_in(host, port, account.owner, secret, resume_from=account.next_sequence)
            self._sockets.append(back.connection)
            self._driver.connection(account.connection, back.connection.fileno(), back.accepted.next_sequence)
        self._driver.begin_cut()
        self._start_thread()
        self.cut()
        until = time.monotonic() + PATIENCE_S
        while not all(self._connections.is_caught_up(account.connection) for account in self.accounts.values()):
            self.check()
            if time.monotonic() > until:
                raise LoadFailed(f"the exchange did not send all missed reports within {PATIENCE_S:g} s")
            time.sleep(POLL_S)
        return self._forget()

    def _forget(self) -> int:
        """Drop the commands that are not answered: how many. Stops the thread meanwhile."""
        self._driver.end()
        self._thread.join()
        lost = self._connections.forget()
        self._driver.go_on()
        self._start_thread()
        return lost

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._driver.run, name="pricetime-load")
        self._thread.start()


def _in_words(failure: int, found: int, expected: int) -> str:
    """The failure of the driver as a message."""
    if failure == ENDED:
        return f"the exchange ended the session: {in_words(found)}"
    if failure == OUT_OF_ORDER:
        return f"received report {found} instead of {expected}: a report was lost or doubled"
    if failure == UNASKED:
        return f"received an answer to order {found}, but {expected or 'no order'} is the next to be answered"
    if failure == STRANGE:
        return f"the exchange sent a message of type {found}, which is not allowed here"
    if failure == SILENT:
        return f"the exchange sent nothing for {found / 1e9:.0f} s"
    if failure == REFUSED:
        return f"the exchange refused order {found} as BUSY: its log makes no progress, see the log of the server"
    if failure == BROKEN:
        return f"the connection to the exchange was lost: {os.strerror(found)}"
    return "the exchange closed the connection"
