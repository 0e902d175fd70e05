"""The order entry of an exchange in a thread: the protocol of the wire around an ``Engine``, and faults to inject."""

import contextlib
import random
import socket
import threading
import time
from collections import defaultdict
from types import TracebackType
from typing import Self

import numpy as np

from pricetime import COMMAND, REPORT, CommandType, Engine, Instrument, Reason, ReportKind
from pricetime.types import GTC_AND_GTD, ORDER_EXTENSION
from pricetime.wire import auth
from pricetime.wire.messages import (
    CancelOrder,
    ExecutionReport,
    Heartbeat,
    Login,
    LoginAccepted,
    LoginRejected,
    Logout,
    MassCancel,
    Message,
    NewOrder,
    OpenOrders,
    OrderExtension,
    ReduceOrder,
    ReplaceOrder,
)
from pricetime.wire.session import Ended, Role, Session
from pricetime.wire.types import ORDER_ID_BITS, LoginFlag, SessionReason
from tests.client.exchange import Served, shut
from tests.client.network import PublicFeed, Reports

OWN = (1 << ORDER_ID_BITS) - 1

#: What a client calls the command, and what the engine does.
TYPES = {
    NewOrder: CommandType.NEW_ORDER,
    CancelOrder: CommandType.CANCEL_ORDER,
    ReplaceOrder: CommandType.REPLACE_ORDER,
    ReduceOrder: CommandType.REDUCE_ORDER,
    MassCancel: CommandType.MASS_CANCEL,
    OpenOrders: CommandType.OPEN_ORDERS,
    OrderExtension: CommandType.ORDER_EXTENSION,
}


class OrderEntry:
    """``secrets``: of the owners; None for an exchange that is open. ``served``: where its public reports go."""

    def __init__(
        self,
        instruments: list[Instrument],
        *,
        secrets: dict[int, bytes] | None = None,
        served: Served | None = None,
        heartbeat_ms: int = 50,
        timeout_ms: int = 2_000,
    ) -> None:
        engine = Engine(instruments, capacity=10_000, owner_limit=1 << 16)
        self.feed = PublicFeed(engine) if served is None else served.feed
        self.engine = engine if served is None else served.feed.engine
        self.served, self.secrets = served, secrets
        self.heartbeat_ms, self.timeout_ms = heartbeat_ms, timeout_ms
        self.streams: dict[int, list[bytes]] = defaultdict(list)
        self.oldest = 1  #: of the reports that are kept of each owner
        self.lock = threading.Lock()
        self.sessions: dict[int, _Connection] = {}
        self.cut: random.Random | None = None  #: cuts a connection now and then, somewhere in what it sends
        self.slow = False  #: sends a byte at a time
        self.mute = False  #: says nothing on a new connection
        self.full = False  #: has no room for anybody ...
        self.refusal = SessionReason.TOO_MANY_CLIENTS  #: ... and says so
        self.loses = False  #: drops the next command with its connection
        self.busy = False  #: refuses new orders
        self.term = 0  #: of the log, which it tells
        self.refuses = SessionReason.NO_REASON  #: why it rejects each login ...
        self.leader = "", 0  #: ... and the address and the term of the leader that it names
        self.logins: list[Login] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listener.getsockname()
        self._connections: list[_Connection] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def _accept(self) -> None:
        while True:
            try:
                made = self._listener.accept()[0]
            except OSError:
                return
            self._connections.append(_Connection(self, made))

    def apply(self, owner: int, message: Message) -> None:
        """A command of an owner; its reports go to the streams of whom they are about. Called with the lock."""
        command = np.zeros(1, COMMAND)
        command["type"] = TYPES[type(message)]
        record = command.view(ORDER_EXTENSION) if isinstance(message, OrderExtension) else command
        for name in message.FIELDS:
            record["quantity" if name == "behind" else name] = getattr(message, name)
        if isinstance(message, OrderExtension):
            self._route(self.engine.apply(command), owner)
            return
        if isinstance(message, OpenOrders):
            command["quantity"] |= np.uint64(owner << ORDER_ID_BITS)
        command["owner"], command["timestamp"] = owner, time.time_ns()
        number = int(command["order_id"][0])
        if isinstance(message, MassCancel):
            command["flags"] = Reason.BY_MASS_CANCEL
        elif number > OWN:
            command["type"], command["flags"] = CommandType.GATEWAY_REJECT, Reason.INVALID_ORDER_ID
        else:
            command["order_id"] = owner << ORDER_ID_BITS | number
        self._route(self.engine.apply(command), owner)

    def cancel_all(self, owner: int, keeps: int = 0) -> None:
        command = np.zeros(1, COMMAND)
        command["type"], command["flags"] = CommandType.MASS_CANCEL, Reason.BY_DISCONNECT
        command["instrument"], command["owner"], command["quantity"] = 2**32 - 1, owner, keeps
        self._route(self.engine.apply(command), owner)

    def _route(self, reports: Reports, owner: int) -> None:
        for report in reports:
            of = owner
            if report["kind"] not in (ReportKind.REJECTED, ReportKind.MASS_CANCELLED):
                of = int(report["order_id"]) >> ORDER_ID_BITS
            self._tell(of, report)
            if report["kind"] == ReportKind.TRADE:
                own = report.copy()
                own["order_id"], own["maker_id"] = report["maker_id"], report["order_id"]
                own["side"], own["reason"] = 3 - report["side"], Reason.AS_MAKER
                self._tell(int(report["maker_id"]) >> ORDER_ID_BITS, own)
        datagrams = self.feed.publish(reports)
        if self.served is not None:
            for datagram in datagrams:
                self.served.send(datagram)

    def _tell(self, owner: int, report: np.void) -> None:
        own = np.array([report], REPORT)
        if report["kind"] != ReportKind.REJECTED:
            waits = report["kind"] == ReportKind.OPEN_ORDER and report["reason"] == Reason.WAITS
            if report["kind"] in (ReportKind.ACCEPTED, ReportKind.REPLACED, ReportKind.OPEN_ORDER) and not waits:
                own["maker_id"] = own["order_id"]
            own["order_id"] &= np.uint64(OWN)
        elif int(report["order_id"]) >> ORDER_ID_BITS == owner and report["reason"] != Reason.INVALID_ORDER_ID:
            own["order_id"] &= np.uint64(OWN)
        own["seq_num"] = len(self.streams[owner]) + 1
        self.streams[owner].append(own.tobytes())

    def end_all(self, reason: SessionReason) -> None:
        """Log every session out."""
        with self.lock:
            for connection in list(self.sessions.values()):
                connection.logout(reason)

    def drop_connections(self) -> None:
        for connection in list(self._connections):
            shut(connection.socket)

    def close(self) -> None:
        shut(self._listener)
        self._accepting.join()
        self.drop_connections()
        for connection in self._connections:
            connection.thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class _Connection:
    """A client's connection, in a thread of its own."""

    def __init__(self, entry: OrderEntry, made: socket.socket) -> None:
        self.entry, self.socket = entry, made
        self.owner, self.flags, self.commands = 0, 0, 0
        self.session = Session(
            Role.EXCHANGE, time.monotonic_ns(), heartbeat_ms=entry.heartbeat_ms, timeout_ms=entry.timeout_ms
        )
        made.settimeout(0.01)
        self.thread = threading.Thread(target=self._live)
        self.thread.start()

    def _live(self) -> None:
        with contextlib.suppress(OSError):
            if self.entry.full:
                reason = self.entry.refusal
                self._send(self.session.send(LoginRejected(reason=reason), time.monotonic_ns()))
            elif not self.entry.mute:
                self._send(self.session.challenge(time.monotonic_ns(), is_open=self.entry.secrets is None))
            self._serve()
        shut(self.socket)
        with self.entry.lock:
            self._leave()

    def _leave(self) -> None:
        """The session is over: cancel its orders, unless they are kept."""
        if self.entry.sessions.get(self.owner) is self:
            del self.entry.sessions[self.owner]
            if not self.flags & LoginFlag.KEEP_ORDERS:
                keeps = GTC_AND_GTD if self.flags & LoginFlag.KEEP_GTC_AND_GTD else 0
                self.entry.cancel_all(self.owner, keeps)

    def _serve(self) -> None:
        while not self.session.closed:
            with contextlib.suppress(TimeoutError):
                data = self.socket.recv(4096)
                if not data:
                    return
                for event in self.session.receive(data, time.monotonic_ns()):
                    self._follow(event)
            with self.entry.lock:
                self._flush()
            due = None if self.entry.mute else self.session.due(time.monotonic_ns())
            if isinstance(due, Heartbeat):
                self._send(self.session.send(due, time.monotonic_ns()))
            elif isinstance(due, Ended):
                self._send(due.reply)

    def _follow(self, event: Message | Ended) -> None:
        entry = self.entry
        with entry.lock:
            if isinstance(event, Ended):
                self._send(event.reply)
            elif isinstance(event, Login):
                self._login(event)
            elif isinstance(event, Logout):
                self._flush()
                self._leave()
                self.logout(SessionReason.CLIENT_LOGOUT)
            elif not isinstance(event, Heartbeat) and entry.sessions.get(self.owner) is self:
                self.commands += not isinstance(event, OrderExtension)
                if entry.loses:
                    entry.loses = False
                    raise ConnectionError
                if entry.busy and isinstance(event, NewOrder):
                    self._refuse(event)
                else:
                    entry.apply(self.owner, event)

    def _refuse(self, order: NewOrder) -> None:
        refusal = ExecutionReport(
            kind=ReportKind.REJECTED, reason=Reason.BUSY, instrument=order.instrument, order_id=order.order_id,
            maker_id=self.commands, price=order.price, quantity=order.quantity, side=order.side,
        )  # fmt: skip
        self._flush()
        self._send(self.session.send(refusal, time.monotonic_ns()))

    def _login(self, login: Login) -> None:
        entry = self.entry
        entry.logins.append(login)
        stream = entry.streams[login.owner]
        first = login.next_sequence if login.flags & LoginFlag.RESUME else len(stream) + 1
        reason = SessionReason.NO_REASON
        if entry.secrets is not None and not auth.verify(entry.secrets.get(login.owner), self.session.nonce, login):
            reason = SessionReason.BAD_CREDENTIALS
        elif entry.refuses:
            reason = entry.refuses
        elif not entry.oldest <= first <= len(stream) + 1:
            reason = SessionReason.SEQUENCE_GONE
        if reason:
            address, term = entry.leader if entry.leader[1] else ("", entry.term)
            rejected = LoginRejected(reason=reason, owner=login.owner, term=term, leader=address.encode())
            self._send(self.session.send(rejected, time.monotonic_ns()))
            return
        if (before := entry.sessions.get(login.owner)) is not None:
            before._leave()
            before.logout(SessionReason.SUPERSEDED)
        self.owner, self.flags = login.owner, login.flags
        entry.sessions[login.owner] = self
        accepted = LoginAccepted(
            flags=login.flags,
            owner=login.owner,
            next_sequence=first,
            oldest_sequence=entry.oldest,
            heartbeat_ms=entry.heartbeat_ms,
            timeout_ms=entry.timeout_ms,
            term=entry.term,
        )
        self._send(self.session.send(accepted, time.monotonic_ns()))

    def _flush(self) -> None:
        """What the stream has more than this connection was sent."""
        if self.entry.sessions.get(self.owner) is not self:
            return
        at = self.session.next_sequence - 1
        more = self.entry.streams[self.owner][at:]
        self.session.next_sequence += len(more)
        if more:
            self.session.spoken_ns = time.monotonic_ns()
            self._send(b"".join(more))

    def logout(self, reason: SessionReason) -> None:
        if not self.session.closed:
            with contextlib.suppress(OSError):
                self._send(self.session.logout(time.monotonic_ns(), reason))

    def _send(self, data: bytes) -> None:
        cut = self.entry.cut
        if cut is not None and cut.random() < 0.1:
            self.socket.sendall(data[: cut.randint(0, len(data))])
            raise ConnectionError
        for at in range(0, len(data), step := 1 if self.entry.slow else max(1, len(data))):
            self.socket.sendall(data[at : at + step])
