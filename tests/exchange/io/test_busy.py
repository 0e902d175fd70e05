"""A log that makes no progress: new orders are refused, and the feed says so, until it makes progress again."""

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pricetime.types import Reason, ReportKind
from pricetime.wire.messages import FeedHeartbeat, Heartbeat
from pricetime.wire.types import SessionReason
from tests.exchange.harness import Client, harness, kinds
from tests.exchange.kept import Kept
from tests.exchange.orders import BID, EXTENDED, cancel, extension, mass_cancel, new, replace


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path / "j", acknowledge="durable", busy_after_ms=20, feed_heartbeat_ms=1)
    yield made
    made.close()


def said(here: Kept) -> list[int]:
    """What the heartbeats since the last call say about being busy."""
    found = [datagram for datagram in here.feed.datagrams() if datagram[0] == FeedHeartbeat.TYPE]
    return [FeedHeartbeat.decode(datagram).busy for datagram in found]


def test_new_orders_are_rejected_while_the_log_makes_no_progress(here: Kept) -> None:
    client = here.client(1)
    client.send(new(1, BID, 100, 5))
    here.until(lambda: here.loop.decoder.busy)
    said(here)
    commands = here.loop.progress()[0]
    client.send(new(2), new(3, instructions=EXTENDED), extension(7), replace(1, 101, 3), cancel(1), mass_cancel(9))
    here.settle()
    here.until(lambda: 1 in said(here))
    refused = client.reports(client.drain())
    assert [(report.kind, report.reason) for report in refused] == [(ReportKind.REJECTED, Reason.BUSY)] * 3
    assert [(report.order_id, report.maker_id) for report in refused] == [(2, 2), (3, 3), (1, 4)]
    assert [report.seq_num for report in refused] == [0] * 3
    assert here.loop.progress()[0] == commands + 2, "a refused order is a command"
    here.commit()
    here.settle()
    reports = client.reports(client.drain())
    assert kinds(reports) == [ReportKind.ACCEPTED, ReportKind.CANCELLED, ReportKind.MASS_CANCELLED]
    assert [report.seq_num for report in reports] == [1, 2, 3]
    assert not here.loop.decoder.busy
    here.until(lambda: 0 in said(here))
    client.send(new(4))
    here.settle()
    here.commit()
    assert kinds(client.reports(client.drain())) == [ReportKind.ACCEPTED]


def full_exchange(tmp_path: Path) -> tuple[Kept, Client]:
    """An exchange that has no room for a command and then is busy, and the client whose 1,099 orders it does not have
    room for."""
    made = Kept(tmp_path / "j", acknowledge="durable", busy_after_ms=3_600_000, ring_capacity=1024)
    client = made.client(1)
    client.send(*[new(number) for number in range(1, 1100)])
    made.until(lambda: made.loop.inbound.ring_full > 0)
    made.loop.busy_after_ns = 1
    made.until(lambda: made.loop.decoder.busy)
    made.settle()
    return made, client


def test_new_orders_are_refused_when_there_is_no_room_for_a_command(tmp_path: Path) -> None:
    """The commands that wait for the log fill the sequencer: a cancel behind refused orders stays in the socket."""
    made, full = full_exchange(tmp_path)
    other = made.client(2)
    refused = {report.order_id for report in full.reports(full.drain())}
    waiting = made.loop.progress()[0]
    assert refused == set(range(waiting + 1, 1100))
    cancels = [cancel(number) for number in range(1, 10)]  # more than there is room for
    data = b"".join(one.encode() for one in (new(1), new(2, instructions=EXTENDED), extension(7), *cancels, new(3)))
    for part, order_id in ((data[:70], 1), (data[70:], 2)):
        other.socket.sendall(part)
        made.iterate(20)
        assert [report.order_id for report in other.reports(other.receive())] == [order_id]
    made.commit()
    made.settle()
    made.commit()
    reports = other.reports(other.drain())
    assert kinds(reports) == [ReportKind.REJECTED] * 9 + [ReportKind.ACCEPTED]
    assert [report.seq_num for report in reports] == [*range(1, 11)]
    assert len(full.reports(full.drain())) == waiting
    made.close()


def test_the_end_of_a_connection_is_noticed_when_there_is_no_room(tmp_path: Path) -> None:
    made, _ = full_exchange(tmp_path)
    other = made.client(2, keep_orders=True)
    other.close()
    made.until(lambda: made.exchange.connections.count == 1)
    made.close()


def test_a_client_that_does_not_read_its_refusals_is_disconnected(tmp_path: Path) -> None:
    made = Kept(tmp_path / "j", acknowledge="durable", busy_after_ms=20)
    client = made.client(1, sndbuf=4096, keep_orders=True)
    client.send(new(1))
    made.until(lambda: made.loop.decoder.busy)

    def is_gone() -> bool:
        with suppress(OSError):
            client.send(*[new(number) for number in range(2, 50)])
        made.iterate()
        return made.exchange.connections.count == 0

    made.until(is_gone)
    assert made.exchange.connections.slow_readers == 1
    made.close()


def test_refused_orders_count_for_the_throttle(tmp_path: Path) -> None:
    made = Kept(tmp_path / "j", acknowledge="durable", busy_after_ms=20, orders_per_second=10, burst=10)
    client = made.client(1)
    client.send(new(1))
    made.until(lambda: made.loop.decoder.busy)
    client.send(*[new(number) for number in range(2, 150)])
    made.settle()
    client.drain()
    assert client.end.reason == SessionReason.THROTTLE_EXCEEDED
    made.close()


def test_progress_begins_the_time_again(here: Kept) -> None:
    client = here.client(1)
    for number in range(1, 6):
        client.send(new(number))
        here.settle()
        here.until(lambda: here.loop.decoder.busy)
        here.commit()
        here.settle()
        assert not here.loop.decoder.busy


def test_a_plain_server_is_never_busy(tmp_path: Path) -> None:
    made = Kept(tmp_path / "j", acknowledge="durable")
    client = made.client(1)
    client.send(new(1))
    until = time.monotonic() + 0.05
    while time.monotonic() < until:
        made.iterate()
    client.send(new(2))
    made.settle()
    made.commit()
    assert kinds(client.reports(client.drain())) == [ReportKind.ACCEPTED] * 2
    made.close()


def test_one_that_resumes_is_told_at_once_that_it_has_all_reports() -> None:
    """The interval of heartbeats is ten minutes."""
    with harness() as here:
        client = here.client(1)
        client.ask(new(1), new(2))
        client.close()
        here.settle()
        again = here.client(1, resume_from=1)
        here.until(lambda: again.receive() and again.of(Heartbeat))
        assert again.of(Heartbeat) == [Heartbeat(next_sequence=len(again.reports()) + 1)]
        assert len(again.reports()) >= 2
        fresh = here.client(2)
        until = time.monotonic() + 0.05
        while time.monotonic() < until:
            here.iterate()
        fresh.drain()
        assert fresh.of(Heartbeat) == []


def test_a_pause_of_the_process_says_nothing_about_the_log(tmp_path: Path) -> None:
    """A leader that was suspended may have been replaced: it learns so before it refuses an order."""
    made = Kept(tmp_path / "j", acknowledge="durable", busy_after_ms=600)
    client = made.client(1)
    client.send(new(1))
    made.settle()
    time.sleep(0.7)
    client.send(new(2))
    made.settle()
    assert not made.loop.decoder.busy
    made.commit()
    assert kinds(client.reports(client.drain())) == [ReportKind.ACCEPTED] * 2
    made.close()
