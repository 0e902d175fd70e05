"""An exchange whose turns are taken by the test, in its own thread; its clients, and who listens to its feed."""

import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from pricetime.exchange.exchange import Exchange
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.exchange.settings.server_log import Log
from pricetime.native.disk import Disk
from pricetime.types import REPORT, ReportKind
from pricetime.wire.messages import Challenge, ExecutionReport, FeedHeartbeat, Message
from pricetime.wire.session import Ended, Event, Role, Session, State
from pricetime.wire.types import WIRE_VERSION

T = TypeVar("T", bound=Message)

#: Small, so that an exchange is created quickly. Timeouts are long: a test about time sets its own.
SMALL: dict[str, Any] = {
    "prefault": False,
    "order_capacity": 4096,
    "level_capacity": 1024,
    "max_open_orders": 2**31,
    "ring_capacity": 1024,
    "stream_reports": 2**12,
    "outbound_bytes": 2**12 * 48,
    "feed_store_reports": 2**12,
    "max_clients": 200,
    "heartbeat_ms": 600_000,
    "timeout_ms": 3_600_000,
    "feed_heartbeat_ms": 60_000,
    "instruments": (InstrumentConfig(id=1), InstrumentConfig(id=2)),
}

CHALLENGE = Challenge(version=WIRE_VERSION, open=1, login_timeout_ms=1000, nonce=bytes(32))
PATIENCE_S = 60.0

#: Iterations without work after which the exchange is idle.
QUIET_TURNS = 3


class Feed:
    """Who listens: datagrams as they came."""

    def __init__(self) -> None:
        self.listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sender.setblocking(False)
        self.sender.connect(self.listener.getsockname())

    def datagrams(self) -> list[bytes]:
        """Those that came since the last call, heartbeats too."""
        found = []
        try:
            while True:
                found.append(self.listener.recv(65536))
        except BlockingIOError:
            return found

    def reports(self) -> NDArray[np.void]:
        """The reports that came since the last call, as an array of ``REPORT``."""
        data = b"".join(datagram for datagram in self.datagrams() if datagram[0] != FeedHeartbeat.TYPE)
        return np.frombuffer(data, REPORT)

    def close(self) -> None:
        self.listener.close()
        self.sender.close()


class Harness:
    """``exchange``, which was not started, and what is around it."""

    def __init__(self, *, log: Log | None = None, disk: Disk | None = None, **settings: Any) -> None:
        self.settings = GatewayConfig(**(SMALL | settings))
        self.feed = Feed()
        try:
            self.exchange = Exchange(self.settings, self.feed.sender, log, disk)
        except BaseException:
            self.feed.close()
            raise
        self.loop: Any = self.exchange.loop
        self.clients: list[Client] = []

    def iterate(self, times: int = 1) -> int:
        """So many turns: how much was done."""
        return sum(self.loop.iterate() for _ in range(times))

    def settle(self) -> None:
        """Turns until there is nothing to do; the follower takes its own."""
        quiet = 0
        while quiet < QUIET_TURNS:
            quiet = 0 if self.iterate() else quiet + 1
            self.exchange.follower.snapshot()

    def until(self, condition: Callable[[], Any]) -> None:
        """Turns until it is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "the condition did not come true in time"
            self.loop.iterate(1)

    def client(self, owner: int = 1, **login: Any) -> "Client":
        """A client that is logged in, or was refused."""
        made = Client(self, owner, **login)
        self.iterate(2)
        made.receive()
        return made

    def events(self) -> list[tuple[int, int, int]]:
        """The session events of the control thread: (kind, owner, reason) each."""
        return [event[:3] for event in self.exchange.take_events()]

    def close(self) -> None:
        for client in self.clients:
            client.socket.close()
        self.exchange.close()
        self.feed.close()


class Client:
    """An owner's connection, and all it heard. Plays by the rules of the wire: what breaks them is an ``Ended``."""

    def __init__(
        self,
        harness: Harness,
        owner: int,
        *,
        resume_from: int | None = None,
        keep_orders: bool = False,
        keep_gtc_and_gtd: bool = False,
        tcp: bool = False,
        sndbuf: int = 0,
        rcvbuf: int = 0,
    ) -> None:
        self.harness = harness
        self.owner = owner
        self.session = Session(Role.CLIENT, 0)
        self.session.receive(CHALLENGE.encode(), 0)
        login = self.session.login(
            owner, b"", 0, resume_from=resume_from, keep_orders=keep_orders, keep_gtc_and_gtd=keep_gtc_and_gtd
        )
        self.heard: list[Event] = []
        self.n_bytes = 0
        self.is_cut = False  #: the other end closed
        self.was_reset = False
        self.socket, theirs = tcp_pair(rcvbuf) if tcp else socket.socketpair()
        self.socket.setblocking(False)
        if sndbuf:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, sndbuf)
        harness.clients.append(self)
        assert harness.exchange.admit(theirs.detach(), owner, login[2], resume_from or 0)

    # ------------------------------------------------------------------ to the exchange

    def send(self, *messages: Message) -> None:
        """Send them, with as many turns as that needs."""
        self.send_bytes(b"".join(self.session.send(message, 0) for message in messages))

    def send_bytes(self, data: bytes) -> None:
        """Any bytes, whatever the rules say."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.socket.send(rest) :]
            except BlockingIOError:
                self.harness.iterate()

    def ask(self, *messages: Message) -> list[ExecutionReport]:
        """Send them; the reports that follow."""
        self.send(*messages)
        return self.reports(self.drain())

    def close(self, *, reset: bool = False) -> None:
        """Close the connection without a Logout; ``reset``: with a TCP reset."""
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    # ------------------------------------------------------------------ from the exchange

    def receive(self, most: int = 1 << 30) -> list[Event]:
        """What came since the last call, of up to so many bytes."""
        found: list[Event] = []
        try:
            while most > 0 and not self.is_cut:
                data = self.socket.recv(min(most, 1 << 18))
                most -= len(data)
                self.n_bytes += len(data)
                self.is_cut = not data
                found += self.session.receive(data, 0) if data else self.session.receive_eof()
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.is_cut = self.was_reset = True
            found += self.session.receive_eof()
        self.heard += found
        return found

    def drain(self) -> list[Event]:
        """What came since the last call, and what comes while there is something to do."""
        found: list[Event] = []
        while True:
            self.harness.settle()
            some = self.receive()
            found += some
            if not some:
                return found

    def reports(self, events: Iterable[Event] | None = None) -> list[ExecutionReport]:
        """The reports among what was heard."""
        return self.of(ExecutionReport, events)

    def of(self, kind: type[T], events: Iterable[Event] | None = None) -> list[T]:
        """The messages of one class among what was heard."""
        return [event for event in (self.heard if events is None else events) if isinstance(event, kind)]

    @property
    def end(self) -> Ended:
        """How it ended."""
        last = self.heard[-1]
        assert isinstance(last, Ended), self.heard
        return last

    @property
    def is_active(self) -> bool:
        return self.session.state is State.ACTIVE and not self.is_cut


def tcp_pair(rcvbuf: int = 0) -> tuple[socket.socket, socket.socket]:
    """Two ends of a connection over the loopback interface: the client's, and the exchange's."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        ours = socket.socket()
        if rcvbuf:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
        ours.connect(door.getsockname())
        theirs, _ = door.accept()
    for end in (ours, theirs):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return ours, theirs


@contextmanager
def harness(**settings: Any) -> Iterator[Harness]:
    """A harness with small capacities; ``settings`` are those of ``GatewayConfig``."""
    with ExitStack() as stack:
        made = Harness(**settings)
        stack.callback(made.close)
        yield made


def kinds(reports: Iterable[ExecutionReport]) -> list[ReportKind]:
    return [ReportKind(report.kind) for report in reports]
