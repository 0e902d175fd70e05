"""A new term of the same feed: who is not ahead goes on, who is ahead or differs starts again; the old term is over."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pricetime import Engine, Instrument
from pricetime.client.answers import RangeAnswer
from pricetime.client.feed_state import EventKind, FeedState
from pricetime.client.sequencer import Sequencer
from pricetime.client.subscriber import Subscriber, servers_of
from pricetime.errors import InvalidSetting
from pricetime.wire.messages import FeedHeartbeat, RetransmitReply, SnapshotHeader
from pricetime.wire.types import RetransmitStatus
from tests.client.exchange import Served, answer_bytes
from tests.client.network import PublicFeed
from tests.client.test_sequencer import EPOCH, at, checksum, follows, joined, live, reports, snapshot


def heartbeat(seq_num: int, term: int, told: int | None = None, busy: bool = False) -> bytes:
    told = checksum(seq_num) if told is None else told
    return FeedHeartbeat(seq_num=seq_num, epoch=EPOCH, checksum=told, term=term, busy=busy).encode()


def kinds(sequencer: Sequencer) -> list[EventKind]:
    return [event.kind for event in sequencer.events]


def led(term: int, seq_num: int) -> Sequencer:
    """One whose books are those before ``seq_num``, under a leader of this term, with the recovery server's word."""
    sequencer = joined(seq_num - 1)
    sequencer.receive(heartbeat(seq_num, term), 0.0)
    assert at(sequencer, FeedState.WHOLE)
    assert sequencer.term == term
    sequencer.events.clear()
    return sequencer


def test_who_is_up_to_date_goes_on() -> None:
    sequencer = led(3, 11)
    sequencer.receive(heartbeat(11, 5), 1.0)
    assert at(sequencer, FeedState.WHOLE)
    assert (sequencer.term, sequencer.statistics.terms, sequencer.statistics.snapshots) == (5, 1, 1)
    assert kinds(sequencer) == [EventKind.TERM]
    assert sequencer.wanted(10.0) is None
    assert len(sequencer.receive(reports(11, 4), 1.0)) == 1


def test_who_is_behind_fills_the_gap() -> None:
    sequencer = led(3, 11)
    sequencer.receive(heartbeat(15, 5), 1.0)
    assert at(sequencer, FeedState.GAP)
    assert sequencer.term == 3, "not yet compared"
    assert sequencer.wanted(2.0) is not None
    follows(sequencer, 11, 4, 15, now=2.0)
    assert at(sequencer, FeedState.WHOLE)
    sequencer.receive(heartbeat(15, 5), 2.0)
    assert (sequencer.term, sequencer.statistics.snapshots) == (5, 1)


@pytest.mark.parametrize(("seq_num", "told"), [(8, None), (11, 666)])
def test_who_is_ahead_or_differs_starts_again_with_a_snapshot(seq_num: int, told: int | None) -> None:
    """The old leader sent reports that the new history does not have."""
    sequencer = led(3, 11)
    sequencer.receive(heartbeat(seq_num, 5, told), 1.0)
    assert at(sequencer, FeedState.UNVERIFIED)
    assert sequencer.term == 3
    sequencer.wanted(2.0)
    sequencer.answer_range(RangeAnswer(RetransmitStatus.RANGE_AHEAD, 11, b"", seq_num, EPOCH, told or 0, 5), 2.0)
    assert at(sequencer, FeedState.WAITING)
    assert EventKind.DIVERGED in kinds(sequencer)
    sequencer.wanted(2.0)
    assert sequencer.takes_snapshot(EPOCH, 5, 2.0)
    sequencer.answer_snapshot(7, EPOCH, checksum(8), 2.0, 5)
    assert (sequencer.term, sequencer.statistics.terms) == (5, 1)
    sequencer.receive(heartbeat(8, 5), 2.0)
    assert at(sequencer, FeedState.WHOLE)


def test_what_comes_of_a_term_that_is_over_is_ignored_and_counted() -> None:
    sequencer = led(5, 11)
    for seq_num, told in ((11, None), (9, None), (20, None), (11, 666)):
        sequencer.receive(heartbeat(seq_num, 4, told), 0.5)
    assert at(sequencer, FeedState.WHOLE)
    assert (sequencer.term, sequencer.statistics.outdated, sequencer.statistics.unverified) == (5, 4, 0)
    assert sequencer.idle(1.1), "they do not break the silence"
    sequencer.receive(heartbeat(11, 5), 1.2)
    sequencer.receive(heartbeat(12, 5), 1.3)
    sequencer.wanted(2.0)
    answer = RangeAnswer(RetransmitStatus.RANGE_AHEAD, 11, b"", 9, EPOCH, 0, 4)
    assert sequencer.answer_range(answer, 2.0) == []
    assert at(sequencer, FeedState.GAP)
    assert not sequencer.takes_snapshot(EPOCH, 4, 2.0)
    assert sequencer.statistics.outdated == 6
    assert sequencer.due() == 2.0 + sequencer.retry
    assert sequencer.takes_snapshot(EPOCH, 0, 2.0), "an answer may not say its term"
    assert sequencer.takes_snapshot(EPOCH + 1, 1, 2.0), "a different feed has its own terms"


def test_a_forged_term_ends_with_the_silence_that_it_causes() -> None:
    sequencer = led(3, 11)
    sequencer.receive(heartbeat(11, 2**32 - 1), 0.1)
    for tenth in range(2, 12):
        sequencer.receive(heartbeat(11, 3), tenth / 10)
    assert sequencer.idle(1.2)
    sequencer.receive(heartbeat(11, 3), 1.2)
    assert at(sequencer, FeedState.WHOLE)
    assert sequencer.term == 3


def test_a_leader_that_pauses_begins_no_term() -> None:
    sequencer = led(3, 11)
    assert sequencer.idle(1.1)
    sequencer.receive(heartbeat(11, 3), 1.2)
    assert (sequencer.term, sequencer.statistics.terms) == (3, 0)


def test_a_new_feed_has_its_own_terms() -> None:
    sequencer = led(9, 11)
    sequencer.receive(FeedHeartbeat(seq_num=1, epoch=EPOCH + 1, checksum=0, term=1).encode(), 1.0)
    sequencer.wanted(2.0)
    sequencer.answer_range(RangeAnswer(RetransmitStatus.RANGE_GONE, 11, b"", 1, EPOCH + 1, 0, 1), 2.0)
    sequencer.wanted(2.0)
    snapshot(sequencer, 0, EPOCH + 1, now=2.0)
    sequencer.receive(FeedHeartbeat(seq_num=1, epoch=EPOCH + 1, checksum=0, term=1).encode(), 2.0)
    assert at(sequencer, FeedState.WHOLE)
    assert (sequencer.term, sequencer.statistics.terms, sequencer.statistics.outdated) == (1, 0, 0)


def test_heartbeats_say_whether_the_exchange_is_busy() -> None:
    sequencer = live()
    sequencer.receive(heartbeat(1, 1, busy=True), 0.0)
    assert sequencer.busy
    sequencer.receive(heartbeat(1, 1), 0.0)
    assert not sequencer.busy


# ---------------------------------------------------------------------- recovery servers


@pytest.fixture
def served() -> Iterator[Served]:
    with Served(PublicFeed(Engine([Instrument(1)], capacity=100))) as made:
        yield made


def test_servers() -> None:
    assert servers_of(("a", 1)) == [("a", 1)]
    assert servers_of([("a", 1), ("b", 2)]) == servers_of(["a:1", "b:2"]) == [("a", 1), ("b", 2)]
    with pytest.raises(InvalidSetting):
        servers_of([])


def test_of_several_servers_one_that_answers_is_found(served: Served) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        dead = gone.getsockname()
    recovery = [dead, dead, served.recovery]
    with Subscriber(served.group, served.port, recovery=recovery, retry=0.01) as follows_it:
        while follows_it.state is FeedState.WAITING:
            follows_it.poll(0.1)
        served.heartbeat()
        assert follows_it.wait_whole(5)
        assert not follows_it.busy


def test_a_server_of_an_old_term_is_left(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the same feed, and says that a report does not exist yet that the new leader has sent."""
    with Served(PublicFeed(Engine([Instrument(1)], capacity=100))) as old:
        terms = {id(served.feed): 2, id(old.feed): 1}
        monkeypatch.setattr(Served, "_answer", answer_with(terms))
        recovery = [old.recovery, served.recovery]
        with Subscriber(served.group, served.port, recovery=recovery, retry=0.01) as follows_it:
            while follows_it.state is FeedState.WAITING:
                follows_it.poll(0.1)
            assert follows_it.term == 1
            ahead = FeedHeartbeat.decode(served.feed.heartbeat())._replace(seq_num=2, checksum=7, term=2).encode()
            while follows_it.term < 2:
                served.send(ahead)
                follows_it.poll(0.01)
            assert served.questions


def answer_with(terms: dict[int, int]) -> object:
    """The answer of a server, with the term of its feed."""

    def answer(self: Served, connection: socket.socket, request: object) -> None:
        self.questions.append(request)  # type: ignore[arg-type]
        with self.lock:
            data = answer_bytes(self.feed.answer(request))  # type: ignore[arg-type]
        kind = RetransmitReply if data[0] == RetransmitReply.TYPE else SnapshotHeader
        head = kind.decode(data[: kind.SIZE])._replace(term=terms[id(self.feed)])
        connection.sendall(head.encode() + data[kind.SIZE :])

    return answer
