"""A subscriber on sockets: it joins, follows, fills gaps and ends with the books of the engine."""

import random
import socket
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pricetime import Engine, Instrument
from pricetime.client.errors import BookNotWhole
from pricetime.client.feed_state import EventKind, FeedEvent, FeedState
from pricetime.client.subscriber import Subscriber
from pricetime.errors import FeedUnavailable, OrdersFull, ReadOnlyBook, SmallReceiveBuffer, UnknownInstrument
from pricetime.load.server import free_udp_port
from tests.books import ladder
from tests.client.exchange import Served
from tests.client.network import PublicFeed, Reports
from tests.client.test_follower import commands_of
from tests.client.test_forged import accepted
from tests.exchange.loops import until

INSTRUMENTS = [Instrument(1, symbol="ONE"), Instrument(2)]

#: Any machine lets a socket buffer as much.
SMALL = 100_000


def subscriber(served: Served, **settings: Any) -> Subscriber:
    given: dict[str, Any] = {"recovery": served.recovery, "retry": 0.01, "receive_buffer_bytes": SMALL, "capacity": 200}
    return Subscriber(served.group, served.port, **{**given, **settings})


def caught_up(follows: Subscriber, served: Served) -> bool:
    """Follow, with the heartbeats of a feed that is idle, until everything is in the books: within a minute."""
    for _ in range(1_200):
        if follows.wait_until(served.feed.next_sequence - 1, 0.05) and follows.wait_whole(0.05):
            return True
        served.heartbeat()
    return False


@pytest.fixture
def served() -> Iterator[Served]:
    with Served(PublicFeed(Engine(INSTRUMENTS, capacity=200))) as made:
        yield made


@pytest.fixture
def commands() -> Reports:
    return commands_of(random.Random(1), INSTRUMENTS, 1_000)


@pytest.mark.parametrize("spins", [False, True])
def test_from_the_first_report_without_recovery(served: Served, commands: Reports, spins: bool) -> None:
    with subscriber(served, recovery=None, instruments=[1, 2], spins=spins) as follows:
        assert follows.state is FeedState.SILENT, "nothing has said yet that this is the feed"
        assert follows.last_datagram is None
        for at in range(0, 1_000, 50):
            served.publish(commands[at : at + 50])
            assert caught_up(follows, served)
            assert follows.digest() == served.feed.engine.digest()
        assert follows.statistics.reports == follows.seq_num
        assert follows.statistics.gaps == 0
        for number in (1, 2):
            assert ladder(follows.book(number)) == ladder(served.feed.engine.book(number))


def test_joining_late(served: Served, commands: Reports) -> None:
    served.publish(commands[:500])
    with subscriber(served) as follows:
        assert follows.state is FeedState.WAITING
        for question in (lambda: follows.book(1), follows.digest, lambda: follows.instruments):
            with pytest.raises(BookNotWhole, match="snapshot"):
                question()
        served.publish(commands[500:600])
        assert caught_up(follows, served)
        served.publish(commands[600:])
        assert caught_up(follows, served)
        assert follows.digest() == served.feed.engine.digest()
        assert follows.instruments[1].symbol == "ONE"
        assert follows.statistics.snapshots == 1
        with pytest.raises(ReadOnlyBook):
            follows.book(1).add_order(1, 1, 1, 1)
        with pytest.raises(UnknownInstrument):
            follows.book(3)


def test_reports_as_an_iterator(served: Served, commands: Reports) -> None:
    told: list[Reports] = []
    with subscriber(served, recovery=None, instruments=[1, 2], on_reports=told.append) as follows:
        served.publish(commands[:900])
        got = list(follows.reports(timeout=0.05))
        assert np.concatenate(got).tobytes() == served.feed.reports.tobytes()
        assert np.concatenate(told).tobytes() == served.feed.reports.tobytes()
        assert list(follows.reports(timeout=0.0)) == []
        served.publish(commands[900:])
        for run in follows.reports():
            assert len(run) > 0
            break
        assert caught_up(follows, served)
        assert np.concatenate(told).tobytes() == served.feed.reports.tobytes()


def test_a_range_that_is_gone(served: Served, commands: Reports) -> None:
    served.feed.kept = 20
    with subscriber(served) as follows:
        assert caught_up(follows, served)
        served.network.drop = 1.0
        served.publish(commands[:500])
        served.network.drop = 0.0
        served.publish(commands[500:600])
        assert caught_up(follows, served)
        assert follows.statistics.snapshots == 2
        assert follows.digest() == served.feed.engine.digest()


# ---------------------------------------------------------------------- a recovery server that fails


def test_nobody_answers_and_then_somebody_does(served: Served, commands: Reports) -> None:
    served.publish(commands[:100])
    served.silent = True
    with subscriber(served, recovery_patience=0.5) as follows:
        until(lambda: not follows.wait_until(1, 0.1) and "closed" in follows.recovery_failure)
        with pytest.raises(BookNotWhole, match="closed"):
            follows.digest()
        served.silent, served.deaf = False, True
        until(lambda: not follows.wait_until(1, 0.2) and "no answer for" in follows.recovery_failure)
        served.deaf = False
        assert caught_up(follows, served)
        assert follows.digest() == served.feed.engine.digest()


def test_no_recovery_server(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        address = gone.getsockname()
    with subscriber(served, recovery=address) as follows:
        assert not follows.wait_until(1, 0.1)
        assert "refused" in follows.recovery_failure


def test_a_recovery_server_with_several_addresses(
    served: Served, commands: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each connection tries the next: one of them answers."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = gone.getsockname()
    known = [(socket.AF_INET, dead)]
    monkeypatch.setattr("pricetime.client.recovery.addresses.resolve", lambda address: known)
    served.publish(commands[:100])
    with subscriber(served, recovery=("exchange.example", 7002)) as follows:
        assert not follows.wait_until(1, 0.1)
        assert "recovery server exchange.example:7002: " in follows.recovery_failure
        known.append((socket.AF_INET, served.recovery))
        assert caught_up(follows, served)


def test_answers_a_byte_at_a_time(served: Served, commands: Reports) -> None:
    served.slow = True
    served.publish(commands[:100])
    with subscriber(served) as follows:
        assert caught_up(follows, served)
        served.network.drop = 1.0
        served.publish(commands[100:150])
        served.network.drop = 0.0
        served.publish(commands[150:200])
        assert caught_up(follows, served)
        assert follows.digest() == served.feed.engine.digest()
        assert follows.statistics.filled > 0


def test_the_connection_is_dropped_between_questions(served: Served, commands: Reports) -> None:
    with subscriber(served) as follows:
        for at in range(0, 200, 20):
            served.network.drop = 1.0
            served.publish(commands[at : at + 10])
            served.network.drop = 0.0
            served.publish(commands[at + 10 : at + 20])
            assert caught_up(follows, served)
            served.drop_connections()
        assert follows.digest() == served.feed.engine.digest()


# ---------------------------------------------------------------------- what cannot be


def test_books_that_are_too_small(served: Served, commands: Reports) -> None:
    with subscriber(served, recovery=None, instruments=[1, 2], capacity=1) as follows:
        served.publish(commands)
        with pytest.raises(OrdersFull):
            follows.wait_until(served.feed.next_sequence - 1, 10.0)


@pytest.mark.parametrize("where", [("239.255.77.9", 0, "8.8.8.8"), ("8.8.8.8", 0, "127.0.0.1"), ("x", 0, "127.0.0.1")])
def test_a_feed_that_cannot_be_joined(where: tuple[str, int, str]) -> None:
    with pytest.raises(FeedUnavailable, match="Give the group and port"):
        Subscriber(*where[:2], interface=where[2], receive_buffer_bytes=SMALL)


@pytest.mark.parametrize("where", [("ff02::1", "127.0.0.1"), ("239.255.77.9", "::1")])
def test_a_feed_goes_by_ipv4(where: tuple[str, str]) -> None:
    with pytest.raises(FeedUnavailable, match="the feed uses IPv4, give an IPv4 address"):
        Subscriber(where[0], 7003, interface=where[1])


def test_a_buffer_that_the_system_does_not_give() -> None:
    with pytest.warns(SmallReceiveBuffer, match=r"rmem_max=2\d{9}"):
        follows = Subscriber("239.255.77.9", free_udp_port(), receive_buffer_bytes=2_000_000_000)
    assert 0 < follows.receive_buffer_bytes < 2_000_000_000
    follows.close()


def test_strangers_on_the_group(served: Served, commands: Reports) -> None:
    """An invalid datagram has no effect."""
    with subscriber(served, recovery=None, instruments=[1, 2]) as follows:
        for at in range(0, 100, 10):
            for stranger in (b"", b"x", b"\x10" * 47, b"\xff" * 48, b"\0" * 48):
                served.send(stranger)
            served.publish(commands[at : at + 10])
        assert caught_up(follows, served)
        assert follows.digest() == served.feed.engine.digest()
        assert follows.statistics.malformed == 50


# ---------------------------------------------------------------------- wrong, and silent


@pytest.mark.parametrize("recovers", [True, False])
def test_a_forged_report_is_found_with_the_next_heartbeat(served: Served, commands: Reports, recovers: bool) -> None:
    settings: dict[str, Any] = {} if recovers else {"recovery": None, "instruments": [1, 2]}
    with subscriber(served, **settings) as follows:
        served.publish(commands[:300])
        assert caught_up(follows, served)
        served.send(accepted(served.feed.next_sequence))
        while follows.seq_num < served.feed.next_sequence:
            follows.poll(1.0)
        assert follows.state.name == "WHOLE", "as far as it can know"
        served.publish(commands[300:600])
        served.heartbeat()
        while follows.state is FeedState.WHOLE:
            follows.poll(1.0)
        if recovers:
            assert caught_up(follows, served)
            assert follows.digest() == served.feed.engine.digest()
            assert follows.statistics.diverged + follows.statistics.mismatches == 1
        else:
            served.heartbeat()
            assert not follows.wait_whole(0.1)


@pytest.mark.parametrize("listens", [True, False])
def test_the_checksum_is_the_same_whichever_way_reports_are_applied(
    served: Served, commands: Reports, listens: bool
) -> None:
    """From the socket into the books, through the sequencer, and from the recovery server."""
    with subscriber(served, on_reports=(lambda reports: None) if listens else None) as follows:
        for at in range(0, 1_000, 40):
            served.network.drop = 0.2 if at % 80 else 0.0
            served.publish(commands[at : at + 40], 1 + at % 7)
            served.network.drop = 0.0
            assert caught_up(follows, served)
            assert follows.sequencer.checksum == served.feed.checksum
        assert follows.statistics.unverified == follows.statistics.diverged == 0


def test_a_feed_falls_silent_and_comes_back(served: Served, commands: Reports) -> None:
    events: list[FeedEvent] = []
    with subscriber(served, on_event=events.append, heartbeat_interval=0.05, silent_after=2) as follows:
        served.publish(commands[:50])
        assert caught_up(follows, served)
        heard = follows.last_datagram
        assert heard is not None
        last = follows.seq_num
        follows.poll(60.0)  # it wakes up when it is time
        assert follows.state is FeedState.SILENT
        assert follows.last_datagram == heard
        assert follows.digest() == served.feed.engine.digest(), "the books are there"
        assert events[-1] == FeedEvent(EventKind.SILENT, last)
        served.heartbeat()
        assert follows.wait_whole(30.0)
        assert [event.kind for event in events[-2:]] == [EventKind.HEARD, EventKind.WHOLE]


def test_a_group_from_which_nothing_comes_is_silent(served: Served) -> None:
    with subscriber(served, heartbeat_interval=0.01, silent_after=2) as follows:
        assert follows.wait_until(0, 30.0)
        assert not follows.wait_whole(0.1)
        assert follows.state is FeedState.SILENT
        assert follows.last_datagram is None
        assert not follows.sequencer.heard
        assert caught_up(follows, served)


def test_one_who_reads_late_is_not_told_of_a_silence(served: Served, commands: Reports) -> None:
    """What has come meanwhile is read first."""
    with subscriber(served, heartbeat_interval=0.05, silent_after=2) as follows:
        assert caught_up(follows, served)
        silences = follows.statistics.silences
        served.heartbeat()
        time.sleep(0.3)
        follows.poll()
        assert follows.state is FeedState.WHOLE
        assert follows.statistics.silences == silences
