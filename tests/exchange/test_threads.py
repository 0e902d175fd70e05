"""The exchange in its threads: clients that come and go, one that stops reading, and memory that stays."""

import gc
import random
import socket
import struct
import threading
import time
from collections import Counter

from pricetime import IOC
from pricetime.types import Reason, ReportKind
from pricetime.wire.messages import ExecutionReport, Heartbeat, Login, LoginAccepted, Message
from pricetime.wire.session import Ended, Event, Role, Session
from pricetime.wire.types import SessionReason
from tests.exchange.accounts import as_array, check_streams, engine_orders, open_orders
from tests.exchange.blast import Blast, resident_bytes
from tests.exchange.harness import CHALLENGE, Harness, harness, tcp_pair
from tests.exchange.orders import ASK, BID, cancel, mass_cancel, new, reduce, replace

ACCEPTED, TRADE, *_ = ReportKind
PATIENCE_S = 60

DISCONNECTS = 1000


class Door:
    """Where clients come in: one at a time, as the control thread does it."""

    def __init__(self, here: Harness) -> None:
        self.exchange = here.exchange
        self._lock = threading.Lock()

    def let_in(self, fd: int, login: bytes) -> None:
        said = Login.decode(login)
        with self._lock:
            while not self.exchange.admit(fd, said.owner, said.flags, said.next_sequence):
                time.sleep(0.001)


class Peer:
    """A client that blocks. Its stream goes on over all its connections."""

    def __init__(self, door: Door, owner: int, *, keep_orders: bool = False, buffers: int = 0) -> None:
        self.door = door
        self.owner = owner
        self.keep_orders = keep_orders
        self.buffers = buffers
        self.stream: list[ExecutionReport] = []
        self.end: Ended | None = None
        self.connect()

    def connect(self) -> None:
        """Log in, and go on where it was."""
        self.end = None
        self.session = Session(Role.CLIENT, 0)
        self.session.receive(CHALLENGE.encode(), 0)
        login = self.session.login(
            self.owner, b"", 0, resume_from=len(self.stream) + 1, keep_orders=self.keep_orders
        )  # fmt: skip
        self.socket, theirs = tcp_pair(self.buffers)
        self.socket.settimeout(PATIENCE_S)
        if self.buffers:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.buffers)
        self.door.let_in(theirs.detach(), login)
        first = self.receive()
        assert isinstance(first[0], LoginAccepted), first
        assert first[0].next_sequence == len(self.stream) + 1 - sum(isinstance(e, ExecutionReport) for e in first)

    def send(self, *messages: Message) -> None:
        self.socket.sendall(b"".join(message.encode() for message in messages))

    def receive(self) -> list[Event]:
        """What comes next. The rules of the session find a report that is lost or doubled."""
        data = self.socket.recv(1 << 16)
        events = self.session.receive(data, 0) if data else self.session.receive_eof()
        for event in events:
            if isinstance(event, ExecutionReport):
                self.stream.append(event)
            if isinstance(event, Ended):
                self.end = event
        return events

    def wait_for(self, count: int) -> None:
        """Read until the stream has so many reports."""
        while len(self.stream) < count:
            self.receive()
            assert self.end is None, self.end

    def leave(self, how: str) -> None:
        if how == "reset":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if how == "half":
            self.socket.shutdown(socket.SHUT_WR)
        if how == "logout":
            self.socket.sendall(self.session.logout(0))
        if how in {"half", "logout"}:
            while self.end is None:
                self.receive()
            assert self.end.reason == (SessionReason.CLIENT_LOGOUT if how == "logout" else 0)
        if how == "superseded":
            old = self.socket
            self.connect()
            old.close()
            return
        self.socket.close()


class Trader(threading.Thread):
    """Sends at random, leaves at random, comes back, and stays in the end until the exchange goes down."""

    def __init__(self, door: Door, owner: int, disconnects: int, seed: int) -> None:
        super().__init__()
        self.rng = random.Random(seed)
        self.disconnects = disconnects
        self.peer = Peer(door, owner)
        self.left: Counter[str] = Counter()
        self.sent = 0
        self.failure: BaseException | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            for _ in range(self.disconnects):
                self.trade()
                how = self.rng.choice(["closed", "reset", "half", "logout", "superseded"])
                self.peer.leave(how)
                self.left[how] += 1
                if how != "superseded":
                    self.peer.connect()
            self.trade()
            self.done.set()
            while self.peer.end is None:
                self.peer.receive()
            self.peer.socket.close()
        except BaseException as failure:
            self.failure = failure
            self.done.set()

    def trade(self) -> None:
        rng = self.rng
        for _ in range(rng.randint(0, 3)):
            made = [self.message() for _ in range(rng.randint(1, 20))]
            self.peer.send(*made, Heartbeat(next_sequence=1))
            self.sent += len(made)
            if rng.random() < 0.5:
                self.peer.wait_for(len(self.peer.stream) + 1)

    def message(self) -> Message:
        rng = self.rng
        own, side, price, quantity = rng.randrange(60), rng.choice([1, 2]), rng.randrange(95, 106), rng.randint(1, 9)
        number = rng.choice([1, 2])
        if rng.random() < 0.01:
            return mass_cancel(own)
        return rng.choice([
            new(own, side, price, quantity, instrument=number, time_in_force=rng.choice([0, 0, 0, 1])),
            new(own + 100, side, price, quantity, instrument=number),
            cancel(own, number), replace(own, price, quantity, number), reduce(own, 1, number),
        ])  # fmt: skip


def test_clients_that_come_and_go_lose_nothing() -> None:
    """A thousand disconnects with resume, in every way there is."""
    traders = 10
    with harness(
        idle="block", stream_reports=2**16, outbound_bytes=2**16 * 48, feed_store_reports=2**18,
        ring_capacity=256,
    ) as here:  # fmt: skip
        here.exchange.start()
        door = Door(here)
        crowd = [Trader(door, 10 + n, DISCONNECTS // traders, n) for n in range(traders)]
        for trader in crowd:
            trader.start()
        for trader in crowd:
            assert trader.done.wait(120), "the trader waits for a report that does not arrive"
            assert trader.failure is None, trader.failure
        here.exchange.begin_stop()
        for trader in crowd:
            trader.join(60)
            assert trader.failure is None, trader.failure
            assert trader.peer.end is not None
            assert trader.peer.end.reason == SessionReason.SHUTDOWN
        assert here.exchange.wait_drained(30)
        assert here.exchange.failure is None
        left = sum((trader.left for trader in crowd), Counter())
        assert left.total() == DISCONNECTS
        assert len(left) == 5
        check_everything(here, crowd)


def check_everything(here: Harness, crowd: list[Trader]) -> None:
    exchange = here.exchange
    exchange.follower.snapshot()
    assert exchange.follower.snapshot().digest == exchange.digest()
    exchange.engine.check()
    feed = exchange.store.array(1, exchange.store.next_sequence - 1)
    assert feed is not None
    streams = {trader.peer.owner: as_array(trader.peer.stream) for trader in crowd}
    check_streams(streams, feed)
    orders = engine_orders(exchange.engine)
    for trader in crowd:
        assert open_orders(streams[trader.peer.owner]) == orders.get(trader.peer.owner, {})
        ends = sum(report.reason == Reason.BY_DISCONNECT for report in trader.peer.stream)
        mass_cancels = sum(report.kind == ReportKind.MASS_CANCELLED for report in trader.peer.stream)
        assert mass_cancels > 0, "its orders were cancelled; a session of which nothing was read yet has none"
        assert ends > 0, "and there were some"
        assert len(answers(trader.peer.stream)) <= trader.sent + trader.disconnects


def test_orders_of_the_next_session_are_not_the_last_ones() -> None:
    """However full the ring of commands is, what the old session left is cancelled before the new one is heard."""
    with harness(idle="yield", ring_capacity=16, stream_reports=2**15, outbound_bytes=2**15 * 48) as here:
        here.exchange.start()
        door = Door(here)
        flood = Peer(door, 2, keep_orders=True)
        flooded = threading.Thread(target=flood.send, args=[cancel(n) for n in range(20_000)])
        flooded.start()
        peer = Peer(door, 1)
        for n in range(100):
            peer.send(*(new(1000 * n + k, BID, 10 + k) for k in range(20)))
            old = peer.socket
            peer.connect()
            peer.send(new(1000 * n + 999, BID, 50), cancel(1000 * n + 999))
            while not peer.stream or peer.stream[-1].order_id != 1000 * n + 999 or peer.stream[-1].kind == ACCEPTED:
                peer.receive()
            assert peer.stream[-1].kind == ReportKind.CANCELLED, peer.stream[-3:]
            assert peer.stream[-1].reason == Reason.NONE, "it was cancelled with those of the last session"
            old.close()
        flooded.join()
        peer.socket.close()
        flood.socket.close()


def answers(stream: list[ExecutionReport]) -> list[ExecutionReport]:
    """The one report that each command has for an answer."""
    always = {ACCEPTED, ReportKind.REPLACED, ReportKind.REJECTED, ReportKind.MASS_CANCELLED}
    asked = {ReportKind.CANCELLED, ReportKind.REDUCED}
    return [r for r in stream if r.kind in always or (r.kind in asked and r.reason == Reason.NONE)]


def test_one_of_a_hundred_stops_reading() -> None:
    """It is cut off and can resume; the others notice nothing."""
    with harness(
        idle="block", order_capacity=2**14, stream_reports=2**15, outbound_bytes=2**16,
        feed_store_reports=2**16,
    ) as here:  # fmt: skip
        here.exchange.start()
        door = Door(here)
        stalled = Peer(door, 100, keep_orders=True, buffers=4096)
        for first in range(0, 9900, 100):
            stalled.send(*(new(n, ASK, 100, 1) for n in range(first, first + 100)))
            stalled.wait_for(first + 100)
        others = [Peer(door, owner) for owner in range(1, 100)]
        for other in others:
            other.send(*(new(n, BID, 100, 1, time_in_force=IOC) for n in range(100)))
        for other in others:
            other.wait_for(200)
        assert here.exchange.stats()["slow_readers"] == 1
        assert here.exchange.stats()["sessions"] == 99
        for other in others:
            assert [(r.kind, r.order_id) for r in other.stream] == [
                (k, n) for n in range(100) for k in (ACCEPTED, TRADE)
            ]
        while stalled.end is None:
            stalled.receive()
        stalled.socket.close()
        assert stalled.end.reason == 0
        assert len(stalled.stream) < 19_800
        stalled.buffers = 0
        stalled.connect()
        stalled.wait_for(19_800)
        trades = stalled.stream[9900:]
        assert [r.order_id for r in trades] == list(range(9900))
        assert {(r.kind, r.reason) for r in trades} == {(TRADE, Reason.AS_MAKER)}
        for peer in (stalled, *others):
            peer.socket.close()


def test_memory_stays() -> None:
    """Over a few million orders of some owners; ``make soak`` goes on for longer."""
    with Blast(owners=4, commands=200_000) as blast:
        blast.send(2)
        early = resident_bytes()
        blast.send(8)
        assert resident_bytes() - early < 4 << 20
        answered, reports = blast.finish()
        assert answered == blast.sent >= 2_000_000
        assert reports > answered
        assert not blast.here.exchange.follower.failure
        assert blast.here.exchange.digest() == blast.here.exchange.follower.snapshot().digest


def test_nothing_is_left_of_many_exchanges() -> None:
    def some(count: int) -> int:
        for _ in range(count):
            with harness() as here:
                here.client(1).ask(new(1))
        gc.collect()
        return resident_bytes()

    early = some(10)
    assert some(50) - early < 8 << 20, "one has more than half a MiB"
