"""Behind any network, at any time, a follower ends with the books of the engine."""

import random

import numpy as np
import pytest

from pricetime import REPORT, Engine, Instrument, ReportKind
from pricetime.client.answers import RangeAnswer, SnapshotAnswer
from pricetime.client.feed_state import FeedState
from pricetime.client.follower import Follower
from pricetime.client.sequencer import Sequencer
from pricetime.core.builder import BookBuilder
from pricetime.errors import OrdersFull, ReportMismatch
from pricetime.wire.messages import RetransmitRequest, SnapshotRequest
from pricetime.wire.types import RetransmitStatus
from tests.client.network import BadNetwork, PublicFeed, Reports
from tests.counts import count as number_of
from tests.engines import ReferenceEngine, random_commands, random_instruments


def commands_of(rng: random.Random, instruments: list[Instrument], count: int) -> Reports:
    reference = ReferenceEngine(instruments, capacity=200)
    made = []
    for command in random_commands(rng, count, reference):
        made.append(command)
        reference.apply(command)
    return np.concatenate(made)


def make_follower(late: bool, **settings: float) -> Follower:
    builder = BookBuilder([Instrument(5)], capacity=200)
    return Follower(builder, Sequencer(None if late else 1, **settings))  # type: ignore[arg-type]


#: Networks, the first without faults, the last with the most.
NETWORKS = number_of(60, 200)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(NETWORKS))
def test_a_bad_network(seed: int) -> None:
    """Up to 20 % of the datagrams are lost, doubled and late; answers too are lost; one in four joins late."""
    rng = random.Random(seed)
    instruments = random_instruments(rng)
    feed = PublicFeed(Engine(instruments, capacity=200), kept=rng.choice([50, 10_000]), longest=rng.choice([7, 4_096]))
    rate = 0.2 * seed / (NETWORKS - 1)
    network = BadNetwork(seed, *(rng.uniform(0, rate) for _ in range(3)))
    follower = make_follower(True, patience=rng.choice([0.0, 0.02]), longest_gap=rng.choice([20, 10_000]), retry=0.05)
    if seed % 4:
        follower.builder.load_snapshot(feed.snapshot())
        follower.sequencer.answer_snapshot(0, feed.epoch, 0, 0.0)
    commands = commands_of(rng, instruments, 300)
    now, at, epochs = 0.0, 0, 1
    digest_at = {0: feed.replica.digest()}
    while at < len(commands) or not (follower.is_whole and follower.builder.seq_num == feed.next_sequence - 1):
        now += 0.01
        assert now < 1_000, "it never ends"
        count = rng.randint(0, 12)
        datagrams = feed.publish(feed.engine.apply(commands[at : at + count]), rng.choice([1, 3, 30]))
        at += count
        digest_at[feed.next_sequence - 1] = feed.replica.digest()
        for datagram in [*datagrams, feed.heartbeat()]:
            for arrived in network.carry(datagram):
                follower.receive(arrived, now)
        if (wanted := follower.sequencer.wanted(now)) is not None:
            if rng.random() < rate:
                follower.sequencer.no_answer(now)
            else:
                follower.answer(feed.answer(wanted), now)
        if follower.sequencer.state is not FeedState.WAITING and follower.builder.seq_num in digest_at:
            assert follower.builder.digest() == digest_at[follower.builder.seq_num]
        if epochs and seed % 10 == 9 and at > 150:
            epochs -= 1
            follower.receive(feed.heartbeat(), now)
            feed = PublicFeed(Engine(instruments, capacity=200), epoch=feed.epoch + 1)
            digest_at, at = {0: feed.replica.digest()}, 0
    assert follower.builder.digest() == feed.engine.digest()
    follower.builder.check()
    assert follower.sequencer.statistics.epochs == (seed % 10 == 9)


def small_feed() -> tuple[PublicFeed, list[bytes]]:
    rng = random.Random(1)
    instruments = [Instrument(1), Instrument(2)]
    feed = PublicFeed(Engine(instruments, capacity=200))
    return feed, feed.publish(feed.engine.apply(commands_of(rng, instruments, 200)), 1)


def test_reports_are_told_once_and_in_order() -> None:
    feed, datagrams = small_feed()
    follower = make_follower(True)
    told: list[Reports] = []
    follower.on_reports = told.append
    for datagram in datagrams[20:]:
        follower.receive(datagram, 0.0)
    assert told == []
    early = PublicFeed(feed.engine)
    early.publish(feed.reports[:40])
    follower.answer(SnapshotAnswer(early.snapshot(), feed.epoch), 0.0)
    assert np.concatenate(told).tobytes() == feed.reports[40:].tobytes()
    assert follower.builder.digest() == feed.engine.digest()
    assert set(follower.builder.instruments) == {1, 2}


def misfit(datagram: bytes) -> bytes:
    """A report about an order that is not there."""
    spoilt = np.frombuffer(datagram, REPORT).copy()
    spoilt[["kind", "order_id"]] = (ReportKind.CANCELLED, 2**63)
    return spoilt.tobytes()


def test_a_report_of_the_recovery_server_that_fits_not_even_a_snapshot_is_an_error() -> None:
    feed, datagrams = small_feed()
    follower = make_follower(True, patience=0.0)
    early = PublicFeed(feed.engine)
    early.publish(feed.reports[:30])
    snapshot = SnapshotAnswer(early.snapshot(), feed.epoch)
    spoilt = RangeAnswer(
        RetransmitStatus.RANGE_FOLLOWS, 31, misfit(datagrams[30]), feed.next_sequence, feed.epoch, early.checksum
    )
    for _ in range(2):
        follower.answer(snapshot, 0.0)
        follower.receive(feed.heartbeat(), 0.0)
        assert isinstance(follower.sequencer.wanted(0.0), RetransmitRequest)
        if not follower.sequencer.statistics.mismatches:
            follower.answer(spoilt, 0.0)
            assert follower.sequencer.wanted(0.0) == SnapshotRequest()
    with pytest.raises(ReportMismatch, match="report 31 does not fit"):
        follower.answer(spoilt, 0.0)


def test_a_snapshot_that_contradicts_itself_is_asked_for_again() -> None:
    feed, _ = small_feed()
    follower = make_follower(True, retry=1.0)
    wrong = feed.replica.snapshot()._replace(digest=1)
    assert follower.sequencer.wanted(0.0) is not None
    follower.answer(SnapshotAnswer(wrong, feed.epoch), 0.0)
    assert follower.sequencer.wanted(0.5) is None
    assert follower.sequencer.state is FeedState.WAITING
    wanted = follower.sequencer.wanted(1.0)
    assert wanted is not None
    follower.answer(feed.answer(wanted), 1.0)
    follower.receive(feed.heartbeat(), 1.0)
    assert follower.is_whole


def test_the_epoch_of_a_snapshot_is_the_right_one_even_if_it_is_lower() -> None:
    """A heartbeat may be forged, and a server may go on from an older journal."""
    feed, _ = small_feed()
    follower = make_follower(True, retry=1.0)
    follower.receive(feed.heartbeat(), 0.0)
    assert follower.sequencer.wanted(0.0) is not None
    follower.answer(SnapshotAnswer(feed.snapshot(), feed.epoch - 1), 0.0)
    assert follower.sequencer.epoch == feed.epoch - 1
    assert follower.builder.digest() == feed.engine.digest()


def test_books_that_are_too_small_are_an_error() -> None:
    feed, datagrams = small_feed()
    follower = Follower(BookBuilder([1, 2], capacity=5), Sequencer(1))
    with pytest.raises(OrdersFull, match="larger capacity"):
        follower.receive(b"".join(datagrams), 0.0)
    snapshot = feed.replica.snapshot()
    many = np.resize(snapshot.orders, 7)
    with pytest.raises(OrdersFull, match="larger capacity"):
        follower.answer(SnapshotAnswer(snapshot._replace(orders=many), feed.epoch), 0.0)
