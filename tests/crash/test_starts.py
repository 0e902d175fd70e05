"""A server is killed while it starts, behind each call on the disk: the next start finds the same exchange."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.settings.errors import CannotStart
from pricetime.exchange.settings.fields import LogLevel
from pricetime.exchange.settings.server_log import make_log
from pricetime.exchange.standby.journal import Journal, alone
from pricetime.log.errors import JournalError
from tests.crash.memory_disk import FOLDER, MemoryDisk
from tests.crash.test_failing_calls import FailingDisk
from tests.log.written import orders

pytestmark = pytest.mark.compiled

SETTINGS = GatewayConfig(
    open=True, journal=FOLDER, segment_bytes=16_384, order_capacity=1024, ring_capacity=64, stream_reports=128,
    outbound_bytes=4096, feed_store_reports=1024, snapshot_stream_reports=64, snapshot_feed_reports=1024,
)  # fmt: skip


class Killed(BaseException):
    """Nothing more happens."""


@contextmanager
def started(disk: MemoryDisk) -> Iterator[Journal]:
    """A journal that was opened; it is killed in the end."""
    wake = os.eventfd(0)
    try:
        yield alone(SETTINGS, wake, make_log(LogLevel.ERROR), disk)
    finally:
        disk.called = lambda call: None
        disk.killed()
        os.close(wake)


def left_behind(torn: bool) -> tuple[MemoryDisk, int]:
    """One that a killed server has left, and the epoch of its feed. ``torn``: with something behind the last record."""
    disk = MemoryDisk()
    with started(disk) as journal:
        commands = orders(100)
        assert journal.log.append_records(commands) == 100
        epoch = int(journal.machine.store.epoch)
        number, offset = journal.log.progress()[1:]
        if torn:
            disk.files[f"{number:08}.journal"].write(b"\1" * 40, offset + 8)
    return disk, epoch


@pytest.mark.parametrize("torn", [False, True])
def test_the_next_start_finds_the_same_exchange(torn: bool) -> None:
    calls = 0
    while True:
        disk, epoch = left_behind(torn)
        left = calls

        def count(call: str) -> None:
            nonlocal left
            if not call and left == 0:
                raise Killed
            left -= not call

        disk.called = count
        try:
            with started(disk):
                break
        except Killed:
            calls += 1
        with started(disk) as journal:
            assert journal.log.first - 1 == 100, calls
            # one that was cut and has no segment behind it may have lost reports that were published
            assert journal.machine.store.epoch == epoch or torn, calls
            assert len(journal.machine.engine) == 100
    assert calls > 10


def test_a_start_whose_nth_call_fails_says_so_in_a_line_and_the_next_goes_on() -> None:
    at = 0
    while True:
        at += 1
        disk, left = FailingDisk("EIO"), at
        with started(disk) as journal:
            assert journal.log.append_records(orders(100)) == 100
            journal.log.close()
        disk.calls, disk.at, disk.called = [], at, disk.count
        try:
            with started(disk):
                pass
        except (CannotStart, JournalError) as error:
            assert "\n" not in str(error)
        disk.at = 0
        with started(disk) as journal:
            assert journal.log.first - 1 == 100
            assert len(journal.machine.engine) == 100
        if not disk.failed:
            break
    assert left > 20
