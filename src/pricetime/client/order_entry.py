"""What both clients share: commands, futures, reports, and the life of a session over several connections.

What waits is a coroutine. An ``AsyncClient`` awaits it in its event loop. A ``Client`` runs it with ``run``: there the
steps that wait block the thread, so the coroutine ends without ever being suspended.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import numpy as np

from pricetime import address as addresses
from pricetime.client.acknowledgements import Acknowledgements
from pricetime.client.command_calls import CommandCalls
from pricetime.client.dialogue import Dialogue, Stage
from pricetime.client.errors import ConnectionLost, NotAcknowledged, ReportsUntaken
from pricetime.client.future import CommandFuture
from pricetime.client.open_orders import OpenOrder, OpenOrdersQuery
from pricetime.client.route import Route, addresses_of
from pricetime.types import REPORT
from pricetime.wire.bulk import count_commands, encode_commands
from pricetime.wire.messages import ExecutionReport

READ_BYTES = 1 << 18

#: From so many bytes on that are not sent yet, who sends more waits for the network.
MOST_UNSENT = 1 << 20

#: The longest wait for a connection to one of several addresses, in seconds.
CONNECT_S = 1.0

T = TypeVar("T")

Commands = np.ndarray[Any, np.dtype[np.void]]
Reports = np.ndarray[Any, np.dtype[np.void]]


class OrderEntry(CommandCalls):
    """A session with an exchange, as one owner: the base of ``Client`` and ``AsyncClient``, which send and wait.

    ``host``, ``port``: of the exchange's order entry; a name, or an address of IPv4 or IPv6. For a cluster ``host`` is
    a list of the addresses of its nodes, such as ``["a:7001", "b:7001"]``. ``secret``: the owner's, b"" for a server
    that runs with ``--open``. ``instrument``: of commands that name none. ``keep_orders``: the exchange leaves the
    orders in the book when the session ends; ``keep_gtc_and_gtd``: it leaves those that are GTC or GTD and cancels the
    others. ``resume_from``: number of the first report wanted, from 1; None for new reports only. ``timeout``: seconds
    for connecting, logging in, and each call that waits and has no ``timeout``. ``retries``: attempts to reconnect
    before the client gives up. ``patience``: seconds instead of attempts, 30 for a list of addresses. ``resend``: after
    a disconnect the client sends commands again that the exchange did not receive, so that their futures are answered
    and not lost; by default for a list of addresses. ``most_untaken``: reports that may wait for ``reports`` or
    ``read``. Raises InvalidOwner and InvalidSetting.
    """

    #: Whether ``result`` of a future may wait.
    _futures_wait: bool

    def __init__(
        self,
        host: str | Sequence[str | addresses.Address] = "127.0.0.1",
        port: int = 7001,
        *,
        owner: int,
        secret: bytes = b"",
        instrument: int = 1,
        keep_orders: bool = False,
        keep_gtc_and_gtd: bool = False,
        resume_from: int | None = None,
        timeout: float = 5.0,
        retries: int = 10,
        patience: float | None = None,
        resend: bool | None = None,
        most_untaken: int = 1 << 22,
    ) -> None:
        self._route = route = Route(addresses_of(host, port), retries, patience)
        super().__init__(instrument)
        self.address, self.timeout = route.current, timeout
        self.most_untaken = most_untaken  #: reports that may wait to be taken
        self.disconnects = 0  #: connections that were lost
        self._resends = route.several if resend is None else resend
        self._dialogue = Dialogue(
            owner,
            secret,
            keep_orders=keep_orders,
            keep_gtc_and_gtd=keep_gtc_and_gtd,
            resume_from=resume_from,
            resends=self._resends,
            several=route.several,
        )
        self._lock = threading.RLock()  # guards all that follows and the dialogue; callbacks of futures run inside
        self._acknowledgements = Acknowledgements(self._lock if self._futures_wait else None, self._resends)
        self._queries: list[OpenOrdersQuery] = []
        self._unsent = bytearray()  # messages, to be sent together
        self._socket: socket.socket
        self._sending = threading.Lock()  # around what is written to the socket; taken before the other lock
        self._rest = b""  # what the system did not take yet
        self._runs: deque[bytes] = deque()  # reports to be taken
        self._untaken = 0
        self._front: deque[ExecutionReport] = deque()  # of the run that is being taken one by one
        self._begin()

    def _begin(self) -> None:
        """The settings are there: set up what the client itself needs."""
        raise NotImplementedError

    # ------------------------------------------------------------------ what each client does in its own way

    def _announce(self) -> None:
        """A command was collected: send it now, or soon together with the next ones."""
        raise NotImplementedError

    def _flush_all(self) -> None:
        """Send what was collected."""
        raise NotImplementedError

    def _send_later(self) -> None:
        """The system did not take everything: call ``_flush`` when it takes more."""
        raise NotImplementedError

    def _notify(self) -> None:
        """Something has changed: let those that wait look again. The caller holds the lock."""
        raise NotImplementedError

    async def _wait_for(self, holds: Callable[[], bool], timeout: float | None) -> None:
        """Wait until a condition is true, at most for ``timeout`` seconds."""
        raise NotImplementedError

    async def _answer(self, future: CommandFuture[T], timeout: float) -> T:
        """Wait for the answer to a command. Raises its error, and NotAcknowledged."""
        raise NotImplementedError

    async def _connect(self) -> socket.socket:
        raise NotImplementedError

    async def _follow(self) -> None:
        """Call ``_step`` when the connection brings something and when something is due, while ``_is_connected``."""
        raise NotImplementedError

    async def _finish(self) -> None:
        """The client has ended: wait for its thread or task."""
        raise NotImplementedError

    # ------------------------------------------------------------------ commands

    def send(self, orders: Commands) -> None:
        """Send many commands, as an array of ``pricetime.COMMAND``. O(n), without a Python step for each.

        The exchange sets owner and timestamp. It also checks the other fields; a field that is not set is 0, and 0 is a
        valid price. There are no futures: the answers are among the reports. Raises MessageError for a type that
        clients do not send and for order ids from 2**48, ConnectionLost and SessionEnded.
        """
        data = encode_commands(orders)[0].tobytes()
        with self._lock:
            self._dialogue.check_active()
            self._acknowledgements.pass_over(count_commands(orders), self._dialogue.connections)
            self._unsent += data
        self._flush_all()

    def _command(self, data: bytes) -> CommandFuture[Any]:
        """Send a command: the future of its answer."""
        with self._lock:
            dialogue = self._dialogue
            if dialogue.stage is not Stage.ACTIVE:
                dialogue.check_active()
            future = self._acknowledgements.expect(data, dialogue.connections)
            self._unsent += data
        self._announce()
        return future

    def _collected(self) -> bytes:
        """Take what is to be sent: the rest, and what was collected since. The caller holds ``_sending``."""
        with self._lock:
            data = self._rest + self._unsent
            self._unsent.clear()
        return data

    async def _list_open_orders(self, timeout: float | None) -> list[OpenOrder]:
        wait_s = self.timeout if timeout is None else timeout
        query = OpenOrdersQuery()
        with self._lock:
            self._queries.append(query)
        try:
            while not query.done:
                with self._lock:
                    question = query.ask().encode()
                await self._answer(self._command(question), wait_s)
            return query.orders
        finally:
            with self._lock:
                self._queries.remove(query)

    # ------------------------------------------------------------------ reports

    @property
    def next_sequence(self) -> int:
        """Number of the next report: the ``resume_from`` with which a later client continues here."""
        return self._dialogue.next_sequence or 1

    @property
    def term(self) -> int:
        """Term of the exchange's log at the last login; 0 before the first. It grows with every start and failover."""
        return self._dialogue.term

    @property
    def is_active(self) -> bool:
        """Whether the client is logged in now."""
        return self._dialogue.stage is Stage.ACTIVE

    @property
    def untaken(self) -> int:
        """Reports that wait for ``reports`` or ``read``."""
        return self._untaken + len(self._front)

    async def _take(self, timeout: float | None) -> bytes | None:
        """Take the oldest run of reports, None if none came in time or none will. Raises what ended the session."""
        await self._wait_for(lambda: bool(self._runs) or self._has_ended, timeout)
        with self._lock:
            if self._runs:
                run = self._runs.popleft()
                self._untaken -= len(run) // ExecutionReport.SIZE
                return run
            if self._dialogue.error is not None:
                raise self._dialogue.error
            return None

    async def _take_front(self, timeout: float | None) -> bool:
        """Take a run of reports that are then taken one by one. Returns False if there is none."""
        run = await self._take(timeout) or b""
        starts = range(0, len(run), ExecutionReport.SIZE)
        self._front.extend(ExecutionReport.decode(run[at : at + ExecutionReport.SIZE]) for at in starts)
        return bool(run)

    async def _take_all(self, timeout: float | None) -> Reports:
        front = [report.encode() for report in self._front]
        self._front.clear()
        first = await self._take(0.0 if front else timeout)
        with self._lock:
            data = b"".join([*front, first or b"", *self._runs])
            self._runs.clear()
            self._untaken = 0
        return np.frombuffer(data, REPORT)

    # ------------------------------------------------------------------ the connection

    @property
    def _is_connected(self) -> bool:
        return self._dialogue.stage not in {Stage.DISCONNECTED, Stage.ENDED}

    @property
    def _due_s(self) -> float | None:
        """Seconds until ``_step`` has something to do without input, None for never."""
        due_ns = self._dialogue.next_due_ns
        return None if due_ns is None else max(0.0, (due_ns - time.monotonic_ns()) / 1e9)

    def _step(self) -> None:
        """Read what has come, and send what is due. Something may have come that the selector did not report: after
        this process was stopped for a while it reports a timeout only.
        """
        data: bytes | None = None
        try:
            data = self._socket.recv(READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError:
            data = b""
        with self._lock:
            self._read(data)
            self._notify()
        self._flush()

    def _flush(self) -> None:
        """Send as much of what is collected as the system takes now."""
        while self._unsent or self._rest:
            if not self._sending.acquire(blocking=False):
                return  # the thread that sends checks again
            try:
                data = self._collected()
                try:
                    self._rest = data[self._socket.send(data, socket.MSG_DONTWAIT) :]
                except BlockingIOError:
                    self._rest = data
                except OSError:
                    self._rest = b""
                    self._break()
            finally:
                self._sending.release()
            if self._rest:
                self._send_later()
                return

    def _break(self) -> None:
        """End the connection. The client then reads its end, closes it, and reconnects."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def _read(self, data: bytes | None) -> None:
        """What was read: b"" for the end of the connection, None if nothing came. The caller holds the lock."""
        dialogue, open_commands = self._dialogue, self._acknowledgements
        for run in dialogue.receive(data, time.monotonic_ns()) if data else ():
            self._runs.append(run)
            self._untaken += len(run) // ExecutionReport.SIZE
            for query in self._queries:
                query.read(run)
            open_commands.read(run)
        if data == b"":
            dialogue.disconnected("the connection was closed")
        if dialogue.is_between_messages and (data is None or len(data) < READ_BYTES):
            open_commands.all_read()
        if dialogue.caught_up:
            self._settle()
        if dialogue.stage is Stage.ACTIVE and self._route.is_trying:
            self._route.logged_in()
        if self._untaken > self.most_untaken:
            dialogue.give_up(
                ReportsUntaken(
                    f"{self._untaken} reports wait to be taken, and most_untaken is {self.most_untaken}: "
                    "call reports() or read() more often"
                )
            )
        dialogue.due(time.monotonic_ns())
        self._unsent += dialogue.outgoing
        dialogue.outgoing = b""

    def _settle(self) -> None:
        """What of earlier connections is not answered now will not be: send it again, or say so. Under the lock."""
        dialogue, open_commands = self._dialogue, self._acknowledgements
        if not self._resends:
            open_commands.lose(dialogue.connections)
        elif dialogue.stage is Stage.RESUMING:
            self._unsent += open_commands.resend(dialogue.connections)
            dialogue.resumed()

    # ------------------------------------------------------------------ connections, login and logout

    async def _live(self) -> None:
        """Follow one connection after the other."""
        while True:
            await self._follow()
            self._break()  # wakes a thread that is sending
            with self._lock:
                self._socket.close()
                self._notify()
                if self._has_ended:
                    break
                self.disconnects += 1
                self._route.redirect(self._dialogue.leader)
            if not await self._reconnect():
                break
        with self._lock:
            self._acknowledgements.lose_all(self._dialogue.error or ConnectionLost("the client was closed"))
            self._notify()

    async def _reconnect(self) -> bool:
        """Connect again. Returns False if the client has ended."""
        route, dialogue = self._route, self._dialogue
        while (pause_s := route.pause(time.monotonic())) is not None:
            if pause_s:
                await self._wait_for(lambda: self._has_ended, pause_s)
            if self._has_ended:
                return False
            with contextlib.suppress(ConnectionLost):
                await self._open()
                return True
        why = f" ({dialogue.setback})" if dialogue.setback else ""
        with self._lock:
            dialogue.give_up(
                ConnectionLost(
                    f"login failed after {route.bound} at {route.text}{why}: "
                    f"is the exchange up? A new client with resume_from={self.next_sequence} continues here"
                )
            )
        return False

    async def _open_first(self) -> None:
        """Connect for the first time. Raises ConnectionLost."""
        if not self._route.several:
            await self._open()
        elif not await self._reconnect():
            raise self._dialogue.error or ConnectionLost("the client was closed")

    @property
    def _connect_timeout(self) -> float:
        return min(self.timeout, CONNECT_S) if self._route.several else self.timeout

    async def _open(self) -> None:
        """Connect. What was collected for the connection before is lost. Raises ConnectionLost."""
        self.address = self._route.next()
        try:
            made = await self._connect()
        except OSError as error:
            where = addresses.text(self.address)
            raise ConnectionLost(f"cannot connect to {where}: {error}. Is the exchange up?") from error
        made.settimeout(None)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._sending, self._lock:
            if self._has_ended:
                made.close()
                raise ConnectionLost("the client was closed")
            self._unsent.clear()
            self._dialogue.connected(time.monotonic_ns())
            self._socket, self._rest = made, b""

    @property
    def _has_ended(self) -> bool:
        return self._dialogue.stage is Stage.ENDED

    async def _wait_until_active(self, timeout: float | None) -> None:
        if timeout is None:
            timeout = self.timeout + (self._route.patience or 0.0)  # the client gives up before
        settled = {Stage.ACTIVE, Stage.LEAVING, Stage.ENDED}
        await self._wait_for(lambda: self._dialogue.stage in settled, timeout)
        if self._dialogue.error is not None:
            raise self._dialogue.error
        if self._dialogue.stage is not Stage.ACTIVE:
            raise NotAcknowledged(f"no login at {self._route.text} within {timeout:g} s")

    async def _close(self) -> None:
        with self._lock:
            farewell = self._dialogue.logout(time.monotonic_ns())
            self._unsent += farewell
            self._notify()
        if farewell:
            with contextlib.suppress(ConnectionLost):
                self._flush_all()
            await self._wait_for(lambda: self._has_ended, self.timeout)
        with self._lock:
            self._dialogue.stage = Stage.ENDED
            self._notify()
        await self._finish()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine of a ``Client``, whose steps block instead of waiting. Returns its result."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise RuntimeError("a step of a Client waits for an event loop")
