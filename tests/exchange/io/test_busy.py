"""A log that makes no progress: new orders are rejected, and the feed says so, until it makes progress again."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pricetime.types import Reason, ReportKind
from pricetime.wire.messages import FeedHeartbeat, Heartbeat
from tests.exchange.harness import harness, kinds
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
    client.send(new(2), new(3, instructions=EXTENDED), extension(7), replace(1, 101, 3), cancel(1), mass_cancel(9))
    here.settle()
    here.until(lambda: 1 in said(here))
    assert client.receive() == [], "no report comes before its command is in the log"
    here.commit()
    here.settle()
    reports = client.reports(client.drain())
    assert kinds(reports) == [
        ReportKind.ACCEPTED,
        *[ReportKind.REJECTED] * 3,
        ReportKind.CANCELLED,
        ReportKind.MASS_CANCELLED,
    ]
    assert [report.reason for report in reports[1:4]] == [Reason.BUSY] * 3
    assert [report.order_id for report in reports[1:4]] == [2, 3, 1]
    assert not here.loop.decoder.busy
    here.until(lambda: 0 in said(here))
    client.send(new(4))
    here.settle()
    here.commit()
    assert kinds(client.reports(client.drain())) == [ReportKind.ACCEPTED]


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
