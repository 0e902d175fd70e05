"""When reports are sent with a journal: not before their command is durable, and not after a failure."""

import contextlib
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from pricetime.types import ReportKind
from pricetime.wire.messages import ExecutionReport, Heartbeat, Logout
from pricetime.wire.types import SessionReason
from tests.exchange.harness import Client, kinds
from tests.exchange.kept import Kept
from tests.exchange.orders import ASK, BID, cancel, new

ACCEPTED, TRADE, CANCELLED, *_ = ReportKind
LEVELS = pytest.mark.parametrize("level", ["memory", "durable"])


def woken(here: Kept) -> bool:
    """Did the syncer write to the gateway's eventfd?"""
    with contextlib.suppress(BlockingIOError):
        return os.eventfd_read(here.exchange._wake) > 0
    return False


@pytest.mark.parametrize("ring", [16, 1024])
def test_no_report_is_sent_before_it_is_durable(ring: int, tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge="durable", ring_capacity=ring)
    maker, taker = here.client(1), here.client(2)
    assert maker.heard[0].level == 2  # type: ignore[union-attr]
    maker.send(new(1, ASK, 100, 10))
    here.iterate(20)
    assert not here.feed.reports().size
    assert not maker.receive()
    here.commit()
    taker.send(new(1, BID, 100, 4), new(2, BID, 100, 4))
    here.iterate(20)
    assert kinds(maker.reports(maker.receive())) == [ACCEPTED], "and not the trades, which came after"
    assert here.feed.reports()["seq_num"].tolist() == [1]
    assert not taker.receive()
    here.commit()
    here.iterate(5)
    assert kinds(maker.reports(maker.receive())) == [TRADE, TRADE]
    assert kinds(taker.reports(taker.receive())) == [ACCEPTED, TRADE] * 2
    assert here.feed.reports()["seq_num"].tolist() == [2, 3, 4, 5]
    here.close()


def test_no_heartbeat_before_the_commands_of_the_session_before_are_answered(tmp_path: Path) -> None:
    """A client takes it as the end of what there is about them: what has no answer by then was lost."""
    here = Kept(tmp_path / "j", acknowledge="durable", heartbeat_ms=10)
    lost, other = here.client(1, keep_orders=True), here.client(2)
    lost.send(new(1))
    here.iterate(20)
    lost.close()
    here.until(lambda: other.receive() and other.of(Heartbeat))
    again = here.client(1, resume_from=1)
    seen = len(other.of(Heartbeat))
    here.until(lambda: other.receive() and len(other.of(Heartbeat)) > seen + 2)
    assert again.receive() == [], "others have heartbeats, this one has an order whose answer is held back"
    here.commit()
    here.until(lambda: again.receive() and again.of(Heartbeat))
    assert [type(event) for event in again.heard[1:3]] == [ExecutionReport, Heartbeat]
    here.close()


def test_the_durable_part_of_a_batch_is_reported(tmp_path: Path) -> None:
    """The sync ends in the middle of what waits: the page that the engine turned is the limit."""
    here = Kept(tmp_path / "j", acknowledge="durable")
    client = here.client(1)
    told = 0
    for n in range(40):
        client.send(*(new(100 * n + m, BID, 10) for m in range(n % 7 + 1)))
        here.iterate(3)
        if n % 3 == 0:
            here.commit()
        here.iterate(3)
        client.receive()
        told = len(client.reports())
        assert told == here.journal.log.writer.synced() == len(here.exchange.store.array(1, told))
    assert told > 50
    here.close()


def test_a_command_with_more_reports_than_the_ring_holds_waits_too(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge="durable", ring_capacity=16)
    maker, taker = here.client(1), here.client(2)
    for n in range(10):
        maker.send(*(new(10 * n + m, ASK, 100, 1) for m in range(10)))
        here.iterate(5)
        here.commit()
        here.settle()
    maker.receive()
    taker.send(new(1, BID, 100, 100))
    here.iterate(20)
    assert not taker.receive()
    here.commit()
    here.settle()
    assert kinds(taker.reports(taker.receive())) == [ACCEPTED] + [TRADE] * 100
    here.close()


def test_the_syncer_is_asked_once_and_wakes_the_gateway(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge="durable")
    client = here.client(1)
    woken(here)
    here.commit()
    assert not woken(here), "no report waits for a sync"
    client.send(new(1))
    here.iterate(5)
    here.commit()
    assert woken(here)
    here.iterate(2)
    assert kinds(client.reports(client.receive())) == [ACCEPTED]
    here.close()


def test_with_memory_no_report_waits(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j")
    assert kinds(here.client(1).ask(new(1), cancel(1))) == [ACCEPTED, CANCELLED]
    assert here.journal.log.writer.synced() == 0
    assert here.journal.log.last == 2
    here.close()


def test_a_logout_waits_until_all_is_durable(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge="durable")
    client = here.client(1)
    client.send(new(1))
    client.socket.send(client.session.logout(0))
    here.iterate(50)
    assert not client.receive()
    here.commit()
    here.iterate(5)
    client.receive()
    assert kinds(client.reports()) == [ACCEPTED]
    assert client.of(Logout)[0].reason == SessionReason.CLIENT_LOGOUT
    here.close()


def test_a_stop_waits_until_all_is_durable(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge="durable")
    client = here.client(1)
    client.send(new(1))
    here.iterate(5)
    here.exchange.begin_stop()
    here.iterate(50)
    assert not client.receive()
    here.commit()
    here.iterate(5)
    client.receive()
    assert kinds(client.reports()) == [ACCEPTED]
    assert client.end.reason == SessionReason.SHUTDOWN
    client.close()
    here.until(lambda: here.loop.is_stopped)
    assert here.exchange.wait_drained(1)
    here.close()


def test_a_stop_does_not_wait_for_ever(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge="durable", drain_timeout_ms=50)
    client = here.client(1)
    client.send(new(1))
    here.exchange.begin_stop()
    here.until(lambda: client.receive() or client.is_cut)
    assert not client.reports()
    assert not here.loop.is_stopped
    here.close()


# ---------------------------------------------------------------------- no segment is ready


def test_without_room_in_the_journal_nothing_is_executed(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", segment_bytes=8192, idle="block")
    client = here.client(1)
    client.send(*(new(n) for n in range(300)))
    here.iterate(50)
    client.receive()
    executed = len(client.reports())
    assert executed == here.journal.log.last < 300
    assert here.loop.iterate(0) == 0
    while len(client.reports()) < 300:
        here.make_room()
        here.iterate(5)
        client.receive()
        assert len(client.reports()) == here.journal.log.last
    here.close()


# ---------------------------------------------------------------------- failure


@LEVELS
@pytest.mark.parametrize("what", ["sync_range", "create"])
def test_no_report_is_sent_after_a_failure(what: str, level: str, tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge=level, segment_bytes=8192, sync_interval_ms=1)
    client, other = here.client(1), here.client(2)
    client.send(*(new(n) for n in range(60)))
    here.iterate(5)
    here.disk.failing = what
    deadline = time.monotonic() + 60
    while here.exchange.journal_failure is None:
        assert time.monotonic() < deadline
        here.step()
        client.send(*(cancel(n) for n in range(5)))
        here.iterate(3)
        client.receive()
    told, feed = len(client.reports()), here.exchange.store.next_sequence
    with contextlib.suppress(BrokenPipeError):
        client.send_bytes(new(1000).encode())
        other.send_bytes(new(1000).encode())
    here.iterate(20)
    for who in (client, other):
        who.receive()
        assert who.is_cut
        assert not who.of(Logout)
    assert len(client.reports()) == told or level == "memory"
    assert here.exchange.store.next_sequence == feed
    if level == "durable":
        assert told <= here.journal.log.writer.synced()
    appended = here.journal.log.last
    late, theirs = socket.socketpair()
    with late:
        here.exchange.admit(theirs.detach(), 3, 0, 0)
        here.iterate(2)
        assert late.recv(100) == b"", "a new connection is closed"
    assert here.exchange.failure is not None
    assert what.partition("_")[0][:3] in here.exchange.failure or "making" in here.exchange.failure
    assert not here.exchange.wait_drained(60), "and it is not waited for"
    assert here.journal.log.last == appended
    here.disk.failing = None
    here.close()
    assert not list((tmp_path / "j").glob("*.snapshot"))


def test_acknowledged_commands_survive_a_failure(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge="durable")
    client = here.client(1)
    client.send(new(1), new(2))
    here.iterate(3)
    here.commit()
    here.iterate(3)
    client.receive()
    client.send(new(3))
    here.iterate(3)
    here.disk.failing = "sync_range"
    here.step()
    here.iterate(3)
    client.receive()
    assert len(client.reports()) == 2
    assert client.is_cut
    here.disk.failing = None
    here.close()
    again = Kept(tmp_path / "j")
    assert len(again.exchange.engine) >= 2
    again.close()


# ---------------------------------------------------------------------- in threads


class Blocking:
    """A client of an exchange that runs in its threads."""

    def __init__(self, here: Kept, owner: int) -> None:
        self.client = Client(here, owner, tcp=True)
        self.socket = self.client.socket
        self.socket.setblocking(True)
        self.socket.settimeout(60)
        while not self.client.is_active:
            self.take()

    def take(self) -> list[Any]:
        data = self.socket.recv(1 << 16)
        return self.client.session.receive(data, 0) if data else self.client.session.receive_eof()

    def ask(self, count: int, *messages: Any) -> list[Any]:
        self.socket.sendall(b"".join(message.encode() for message in messages))
        got: list[Any] = []
        while len(got) < count:
            got += self.client.reports(self.take())
        return got


@LEVELS
@pytest.mark.parametrize("idle", ["spin", "pause", "yield", "block"])
def test_started_and_stopped(idle: str, level: str, tmp_path: Path) -> None:
    here = Kept(
        tmp_path / "j", idle=idle, acknowledge=level, snapshot_every=100, segment_bytes=16384,
        prefault=True,
    )  # fmt: skip
    here.exchange.start()
    client = Blocking(here, 1)
    for n in range(20):
        got = client.ask(50, *(new(100 * n + m, BID, 10 + n) for m in range(50)))
        assert kinds(got) == [ACCEPTED] * 50
    here.exchange.begin_stop()
    while not client.client.session.closed:
        client.take()
    client.socket.close()
    assert here.exchange.wait_drained(60)
    assert here.exchange.failure is None
    digest = here.exchange.digest()
    here.close()
    again = Kept(tmp_path / "j")
    assert again.told("recovered")["sequence"] == again.told("recovered")["snapshot"] == 1000
    assert again.exchange.digest() == digest
    again.close()


@LEVELS
def test_threads_that_wait_cost_nothing(level: str, tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", idle="block", acknowledge=level, sync_interval_ms=50)
    here.exchange.start()
    client = Blocking(here, 1)
    client.ask(1, new(1))
    time.sleep(0.1)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.25
    here.close()


class SlowDisk:
    """Syncs that last until they may end."""

    def __init__(self, here: Kept) -> None:
        self.may_end = threading.Event()
        self.began = threading.Event()
        real = here.disk.sync_range
        here.disk.sync_range = self.sync_range  # type: ignore[method-assign]
        self._real = real

    def sync_range(self, mapping: Any, first: int, n_bytes: int) -> None:
        self.began.set()
        assert self.may_end.wait(60)
        self._real(mapping, first, n_bytes)


def test_a_gateway_that_waits_for_a_sync_alone_sleeps(tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", idle="block", acknowledge="durable")
    slow = SlowDisk(here)
    here.exchange.start()
    client = Blocking(here, 1)
    client.socket.sendall(new(1).encode())
    assert slow.began.wait(60)
    time.sleep(0.1)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.3
    slow.may_end.set()
    assert kinds(client.ask(1)) == [ACCEPTED]
    here.close()


@LEVELS
def test_a_failure_while_it_runs(level: str, tmp_path: Path) -> None:
    here = Kept(tmp_path / "j", acknowledge=level, sync_interval_ms=1)
    here.exchange.start()
    client = Blocking(here, 1)
    client.ask(1, new(1))
    here.disk.failing = "sync_range"
    with contextlib.suppress(OSError):
        client.socket.sendall(new(2).encode())
        while not client.client.session.closed:
            client.take()
    deadline = time.monotonic() + 60
    while here.exchange.failure is None:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    here.exchange.begin_stop()
    began = time.monotonic()
    assert not here.exchange.wait_drained(60)
    assert time.monotonic() - began < 30
    here.disk.failing = None
    here.close()
