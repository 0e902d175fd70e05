"""Orders over many sessions at a rate: every order has its time, whatever the exchange does.

    first, plans = make_plans("balanced", 1_000_000, sessions=4)
    with Load("127.0.0.1", 7001, owners=4) as load:
        load.send(first, measured=False)
        load.wait_answered()
        for plan in plans:
            load.send(plan, rate=100_000)
        load.wait_answered()
        print(load.latencies()["trades"].percentiles([50, 99, 99.9]))

A thread without the GIL sends and reads (``driver``); a program on top of it sees to the plans.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import COMPILED
from ..errors import InvalidSetting, NeedsCompiled
from .login import PATIENCE_S, LoadFailed, in_words, log_in
from .plan import Plan

if TYPE_CHECKING:
    from .driver import Driver
    from .histogram import Histogram

__all__ = ["AS_FAST_AS_IT_GOES", "Account", "Load", "LoadFailed", "Pace", "log_in"]

MOST_SESSIONS = 1024

#: How often a program that waits for the thread looks.
NAP_S = 0.0005

#: The reports of a command come together. How long the newest order accepted may wait for the trade that follows it.
TOGETHER_S = 0.02

#: The Logouts may take so long.
LEAVE_S = 5.0

# Why the driver has ended, as driver.pxd numbers it.
CLOSED, BROKEN, ENDED, OUT_OF_ORDER, STRANGE, UNASKED, SILENT = range(1, 8)


class Pace(NamedTuple):
    """How fast orders come due: ``rate`` a second, by ``gain`` more each second; 0: as fast as it goes."""

    rate: float
    gain: float = 0.0

    @classmethod
    def ramp(cls, begin: float, end: float, seconds: float) -> Pace:
        """From one rate to another, evenly."""
        return cls(begin, (end - begin) / seconds)

    def orders(self, seconds: float) -> int:
        """How many come due in so many seconds."""
        return round(self.rate * seconds + self.gain * seconds * seconds / 2)

    def seconds(self, orders: int) -> float:
        """When the order of this number, from 0, comes due."""
        if not self.rate:
            return 0.0
        return float(2 * orders / (self.rate + max(0.0, self.rate**2 + 2 * self.gain * orders) ** 0.5))


AS_FAST_AS_IT_GOES = Pace(0.0)


class Account:
    """What one owner was told."""

    def __init__(self, driver: Driver, connection: int, owner: int) -> None:
        self._driver, self.connection, self.owner = driver, connection, owner

    @property
    def answers(self) -> int:
        """Commands that were answered."""
        return int(self._driver.answers(self.connection))

    @property
    def next_sequence(self) -> int:
        """Of the next report."""
        return int(self._driver.next_sequence(self.connection))

    @property
    def kinds(self) -> NDArray[np.int64]:
        """Reports by ``ReportKind``: shape (16,)."""
        return np.asarray(self._driver.kinds(self.connection))

    def reports(self) -> NDArray[np.void]:
        """The newest reports, as many as are kept, oldest first. While none come."""
        return np.asarray(self._driver.kept(self.connection))


class Load:
    """Sessions with an exchange. Raises LoadFailed, and NeedsCompiled in the pure form.

    ``owners``: who logs in, or how many: then 1 to that number. ``secrets``: by owner, for an exchange that is not
    open. ``keep``: how many of the newest reports of each are kept. ``spins``: never sleep, for a generator that has a
    processor of its own. A context manager: its thread sends and reads until the end.
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
            raise NeedsCompiled("load is generated in the compiled form alone, and pricetime runs uncompiled")
        from .driver import Driver

        numbers = list(range(1, owners + 1)) if isinstance(owners, int) else list(owners)
        if not 1 <= len(numbers) <= MOST_SESSIONS or len(set(numbers)) < len(numbers):
            raise InvalidSetting(f"{len(numbers)} sessions: give 1 to {MOST_SESSIONS} owners, each once")
        self._secrets = dict(secrets or {})
        self._connections: list[socket.socket] = []
        self.patience = PATIENCE_S  #: how long answers may stay away
        self.level = 0  #: what an answer promises: an ``AcknowledgementLevel``
        logged_in = []
        try:
            for owner in numbers:
                logged_in.append(log_in(host, port, owner, self._secrets.get(owner, b"")))
                self._connections.append(logged_in[-1].connection)
            accepted = [each.accepted for each in logged_in]
            self.level = accepted[0].level
            heartbeat_ms = min(each.heartbeat_ms for each in accepted)
            silence_ns = max(each.timeout_ms for each in accepted) * 1_000_000
            self._driver = Driver(
                len(numbers), keep=keep, spins=spins, heartbeat_ns=heartbeat_ms * 1_000_000,
                silence_ns=max(silence_ns, int(PATIENCE_S * 1e9)),
            )  # fmt: skip
            for connection, each in enumerate(logged_in):
                self._driver.connection(connection, each.connection.fileno(), each.accepted.next_sequence)
        except BaseException:
            self._close()
            raise
        self.accounts = {owner: Account(self._driver, connection, owner) for connection, owner in enumerate(numbers)}
        self._offered = 0
        self._commands = 0  # of all plans

    def __enter__(self) -> Load:
        self._start_thread()
        return self

    def __exit__(self, *_: object) -> None:
        self._driver.end()
        self._thread.join()
        self._close()
        self._driver.close()

    def _close(self) -> None:
        for connection in self._connections:
            connection.close()

    # ------------------------------------------------------------------ orders

    def send(
        self, plan: Plan, rate: float | Pace | None = None, start: float | None = None, *, measured: bool = True
    ) -> float:
        """Send a plan, ``rate`` orders a second from ``start`` (of ``time.perf_counter``) on, or as fast as it goes.

        Returns, when the last order has come due, the moment at which the next plan should start. Raises LoadFailed.
        """
        pace = rate if isinstance(rate, Pace) else Pace(rate or 0.0)
        begin = time.perf_counter() if start is None else start
        while not self.offer(plan, pace, begin, measured=measured):
            self.check()
            time.sleep(NAP_S)
        self.wait_released()
        return begin + pace.seconds(plan.count) if pace.rate else time.perf_counter()

    def offer(self, plan: Plan, pace: Pace, start: float, first: int = 0, *, measured: bool = True) -> bool:
        """Let the thread send a plan behind those offered before. False when so many wait that it has no room.

        ``start``: of the schedule, of which ``first`` orders come before these. Raises InvalidSetting.
        """
        if plan.count and int(plan.sessions.max()) >= len(self.accounts):
            raise InvalidSetting(f"a plan of {int(plan.sessions.max()) + 1} sessions for {len(self.accounts)}")
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
        """Have all orders come due that were offered?"""
        return bool(self._driver.parts_done == self._offered)

    def wait_released(self) -> None:
        """Wait until all orders that were offered have come due. Raises LoadFailed."""
        while not self.is_released:
            self.check()
            time.sleep(NAP_S)

    def cut(self) -> int:
        """Forget the orders that have not come due: how many were offered and are not sent. Raises LoadFailed."""
        self._driver.begin_cut()
        while not self._driver.is_cut:
            self.check()
            time.sleep(NAP_S)
        left = self._commands - self.released
        self._commands = self.released
        return left

    def wait_answered(self) -> None:
        """Wait until every order that came due is answered. Raises LoadFailed when nothing comes for a while."""
        known, since = -1, time.monotonic()
        while not self.is_released or self.answers < self.released:
            self.check()
            if self.answers != known or not self.is_released:
                known, since = self.answers, time.monotonic()
            elif time.monotonic() - since > self.patience:
                raise LoadFailed(f"{self.released - known} orders were not answered within {self.patience:g} s")
            time.sleep(NAP_S)

    def leave(self) -> None:
        """Log out, when what was sent is answered: then every report has come. Raises LoadFailed."""
        self._driver.leave()
        self._thread.join(LEAVE_S)
        self.check()
        if self._thread.is_alive():
            raise LoadFailed(f"the exchange did not answer a Logout within {LEAVE_S:g} s")

    # ------------------------------------------------------------------ what came of them

    @property
    def sent(self) -> int:
        """Commands that the system has taken, without those that ``resume`` found lost."""
        return int(self._driver.all_sent)

    @property
    def released(self) -> int:
        """Commands that have come due."""
        return int(self._driver.released)

    @property
    def answers(self) -> int:
        """Commands that were answered."""
        return int(self._driver.all_answered)

    @property
    def measured(self) -> Measured:
        """Counts and times of the orders that are measured, as they are now."""
        d: Any = self._driver
        return Measured(d.sent, d.answered, d.late, d.last_sent_ns / 1e9, d.last_due_ns / 1e9, d.last_answer_ns / 1e9)

    def latencies(self) -> dict[str, Histogram]:
        """How long measured orders took, from when they were due to their answer, in ns: by kind of command.

        After ``wait_answered``: takes a moment, in which what belongs to the last answers comes.
        """
        if self._thread.is_alive():
            time.sleep(TOGETHER_S)
        return self._driver.histograms()

    def latency_counts(self) -> NDArray[np.uint64]:
        """How many orders each bucket of a ``Histogram`` counts, of all kinds, in the middle of a flow.

        The newest order of a session may be missing. Quick: who looks often takes little from the thread that sends.
        """
        counts: NDArray[np.uint64] = self._driver.latencies.counts()
        return counts

    def start_anew(self) -> None:
        """Forget what was measured. While every order is answered."""
        time.sleep(TOGETHER_S)
        self._driver.forget_latencies()

    # ------------------------------------------------------------------ what goes wrong

    @property
    def failure(self) -> LoadFailed | None:
        """Why there is no more to expect."""
        driver: Any = self._driver
        if not driver.failure:
            return None
        owner = list(self.accounts)[driver.failed_connection]
        return LoadFailed(f"owner {owner}: {_told(driver.failure, driver.found, driver.expected)}")

    def check(self) -> None:
        """Raises LoadFailed when the exchange is gone or did something that it may not."""
        if failure := self.failure:
            self._thread.join(LEAVE_S)  # what has come by now is still read
            raise failure

    def resume(self, host: str, port: int) -> int:
        """Log in again where the exchange is back after all sessions were lost, and read what was missed.

        Returns how many commands were lost on their way: the last ones of each owner, as ``Account.answers`` says.
        Raises LoadFailed.
        """
        self._driver.end()
        self._thread.join()
        self._close()
        self._connections = []
        for account in self.accounts.values():
            secret = self._secrets.get(account.owner, b"")
            back = log_in(host, port, account.owner, secret, resume_from=account.next_sequence)
            self._connections.append(back.connection)
            self._driver.connection(account.connection, back.connection.fileno(), back.accepted.next_sequence)
        self._driver.begin_cut()
        self._start_thread()
        self.cut()
        until = time.monotonic() + PATIENCE_S
        while not all(self._driver.is_caught_up(account.connection) for account in self.accounts.values()):
            self.check()
            if time.monotonic() > until:
                raise LoadFailed("the exchange did not say that it has no more reports")
            time.sleep(NAP_S)
        return self._forget()

    def _forget(self) -> int:
        """Give up what is not answered: how many commands. The thread stands still meanwhile."""
        self._driver.end()
        self._thread.join()
        lost = int(self._driver.forget())
        self._driver.go_on()
        self._start_thread()
        return lost

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._driver.run, name="pricetime-load")
        self._thread.start()


class Measured(NamedTuple):
    """Orders that are measured; times are those of ``time.perf_counter``, 0 where there is none."""

    sent: int
    answered: int
    late: int  #: sent over a millisecond after they were due
    last_sent: float
    last_due: float
    last_answer: float


def _told(failure: int, found: int, expected: int) -> str:
    """What the driver found, in words."""
    if failure == ENDED:
        return f"the exchange ended the session: {in_words(found)}"
    if failure == OUT_OF_ORDER:
        return f"report {found} came where {expected} is the next: a report was lost or doubled"
    if failure == UNASKED:
        return f"an answer to order {found} came where {expected or 'none'} is the next to be answered"
    if failure == STRANGE:
        return f"the exchange sent a message of type {found}, which may not come here"
    if failure == SILENT:
        return f"nothing was heard of the exchange for {found / 1e9:.0f} s"
    if failure == BROKEN:
        return f"the connection to the exchange was lost: {os.strerror(found)}"
    return "the exchange closed the connection"
