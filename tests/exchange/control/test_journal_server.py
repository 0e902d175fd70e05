import os
import random
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pricetime.exchange.control.journal_server import MOST_COPIES, JournalServer
from pricetime.exchange.control.secrets import Owner, Secrets
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.server_log import LimitedLog
from pricetime.log.copy import CopyRefused, JournalCopy
from pricetime.log.directory import Directory
from pricetime.log.position import Position
from pricetime.log.stream import MOST_BYTES
from pricetime.wire.types import AcknowledgementLevel
from tests.exchange.loops import Events, Listener, LoopThread, loop_thread
from tests.log import written

TRADER, FOLLOWER = Owner(1, "trader", b"t" * 32), Owner(900, "standby", b"f" * 32, follows=True)
SEGMENT_BYTES = 3 * MOST_BYTES


class Original:
    """A journal that is served: files of random bytes, of which so much may be sent."""

    def __init__(self, running: LoopThread, path: Path, secrets: Secrets | None) -> None:
        self.directory = Directory(path)
        path.mkdir()
        self.extent = (0, 1, 0)
        self.events = Events()
        self.listener = Listener()
        self.address = self.listener.getsockname()
        self.running = running
        config, log = GatewayConfig(login_timeout_ms=500), LimitedLog(self.events.log, each_second=1000)
        level = AcknowledgementLevel.DURABLE
        journal: Any = SimpleNamespace(
            directory=self.directory, extent=lambda: self.extent, log=SimpleNamespace(level=level, term=3)
        )
        self.server: JournalServer = running.call(lambda: JournalServer(self.listener, config, secrets, journal, log))
        running.call(self.server.open)

    def write(self, number: int, n_bytes: int = SEGMENT_BYTES) -> bytes:
        data = random.Random(number).randbytes(n_bytes)
        self.directory.path_of(number).write_bytes(data)
        return data

    def write_snapshot(self, sequence: int, segment: int) -> bytes:
        data = random.Random(sequence).randbytes(64) + struct.pack("<Q", segment) + os.urandom(2 * MOST_BYTES)
        self.directory.snapshot_path(sequence).write_bytes(data)
        return data

    def close(self) -> None:
        self.running.wait(self.server.close())


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def original(opened: ExitStack, tmp_path: Path) -> Original:
    made = Original(opened.enter_context(loop_thread()), tmp_path / "original", Secrets({1: TRADER, 900: FOLLOWER}))
    opened.callback(made.close)
    return made


@pytest.fixture
def target(tmp_path: Path) -> Directory:
    (tmp_path / "copy").mkdir()
    return Directory(tmp_path / "copy")


def follow(original: Original, target: Directory, position: Position | None = None) -> JournalCopy:
    return JournalCopy(original.address, FOLLOWER.number, FOLLOWER.secret, target, position)


def take(copy: JournalCopy) -> None:
    """Everything there is: until nothing is new, two times over, because something may have come meanwhile."""
    news = 0
    while news < 2:
        news = 0 if copy.receive() else news + 1


def test_a_copy_has_the_bytes_that_may_be_sent(original: Original, target: Directory) -> None:
    first, second = original.write(1), original.write(2)
    original.extent = (7, 2, 5000)
    with follow(original, target) as copy:
        take(copy)
        assert copy.sequence == 7
        assert target.path_of(1).read_bytes() == first
        assert target.path_of(2).read_bytes() == second[:5000] + bytes(SEGMENT_BYTES - 5000)
        original.extent = (9, 2, 6001)
        take(copy)
        assert target.path_of(2).read_bytes()[:6001] == second[:6001]
        third = original.write(3)
        original.extent = (10, 3, 100)
        take(copy)
    assert target.path_of(2).read_bytes() == second
    assert target.path_of(3).read_bytes()[:101] == third[:100] + b"\0"
    assert copy.sequence == 10
    assert {path.stat().st_mode & 0o777 for path in target.path.iterdir()} == {0o600}


def test_a_copy_goes_on_where_it_was(original: Original, target: Directory) -> None:
    data = original.write(1)
    original.extent = (1, 1, 1000)
    with follow(original, target) as copy:
        take(copy)
    original.extent = (2, 1, 3000)
    with follow(original, target, Position(1, 900, 0, 1)) as copy:
        take(copy)
    assert target.path_of(1).read_bytes()[:3001] == data[:3000] + b"\0"


def test_a_copy_begins_with_the_newest_snapshot(original: Original, target: Directory) -> None:
    for number in (1, 2, 3):
        original.write(number)
    original.write_snapshot(100, 2)
    newest = original.write_snapshot(200, 3)
    original.extent = (300, 3, 4096)
    with follow(original, target) as copy:
        take(copy)
    assert target.segments() == [3]
    assert target.snapshots() == [200]
    assert target.snapshot_path(200).read_bytes() == newest


def test_half_a_snapshot_is_none(original: Original, target: Directory) -> None:
    original.write(1)
    newest = original.write_snapshot(200, 1)
    original.extent = (300, 1, 4096)
    with follow(original, target) as copy:
        copy.receive()
    assert target.snapshots() == []
    with follow(original, target) as copy:
        take(copy)
    assert target.snapshot_path(200).read_bytes() == newest


def test_no_copy_skips_a_segment_that_is_missing(original: Original, target: Directory) -> None:
    original.write(1)
    original.write(3)
    original.extent = (9, 3, 4096)
    with follow(original, target) as copy, pytest.raises(CopyRefused, match="segment 2 "):
        take(copy)


def test_a_fork_cannot_go_on(original: Original, target: Directory) -> None:
    """The segment was written in one term there, and in a different one here."""
    original.extent = (100, 1, 8192)
    for directory, term in ((original.directory, 3), (target, 2)):
        path = directory.path_of(1)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(written.Segment(term=term).data())
    with follow(original, target, Position(1, 4096, 0, 0)) as copy, pytest.raises(CopyRefused, match="a fork"):
        copy.receive()


@pytest.mark.parametrize("position", [Position(1, 5000, 0, 9), Position(7, 0, 0, 9), Position(0 + 2, 4097, 0, 9)])
def test_a_copy_that_is_ahead_cannot_go_on(original: Original, target: Directory, position: Position) -> None:
    original.write(1, 4999)
    original.write(2)
    original.extent = (9, 2, 4096)
    with follow(original, target, position) as copy, pytest.raises(CopyRefused, match="begin again with an empty"):
        take(copy)


def test_a_segment_that_is_gone(original: Original, target: Directory) -> None:
    original.write(5)
    original.extent = (9, 5, 4096)
    with follow(original, target, Position(2, 4096, 0, 1)) as copy, pytest.raises(CopyRefused, match="segment 2 "):
        take(copy)


@pytest.mark.parametrize("owner", [TRADER, Owner(900, "", b"x" * 32), Owner(3, "", b"f" * 32)])
def test_who_may_not_follow(original: Original, target: Directory, owner: Owner) -> None:
    with pytest.raises(CopyRefused, match=r"may not follow this journal \(BAD_CREDENTIALS\)"):
        JournalCopy(original.address, owner.number, owner.secret, target, None)


def test_places_are_bounded_and_come_back(original: Original, target: Directory) -> None:
    original.write(1)
    copies = [follow(original, target) for _ in range(MOST_COPIES)]
    with pytest.raises(OSError, match=r"closed|reset"):
        follow(original, target)
    for copy in copies:
        copy.close()
    original.extent = (1, 1, 100)
    while True:
        try:
            with follow(original, target) as copy:
                take(copy)
            break
        except ConnectionError:
            continue
    assert target.path_of(1).read_bytes()[:100] == original.directory.path_of(1).read_bytes()[:100]


def test_who_says_nothing_is_put_out(original: Original) -> None:
    import socket

    with socket.create_connection(original.address) as silent:
        silent.settimeout(30)
        assert len(silent.recv(100)) == 40
        assert silent.recv(100) == b""


def test_a_different_server_is_not_a_journal(target: Directory) -> None:
    other = Listener()
    other.setblocking(True)
    import threading

    def answer() -> None:
        connection, _ = other.accept()
        with connection:
            connection.sendall(b"HTTP/1.1 400")

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(CopyRefused, match="not part of this protocol"):
        JournalCopy(other.getsockname(), 1, b"", target, None)
    thread.join()
    other.close()
