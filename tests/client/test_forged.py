"""Whatever datagrams are forged into a true feed: once only honest ones come, the books are the exchange's."""

import random
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pricetime import REPORT, Engine, Instrument, ReportKind
from pricetime.client.feed_state import FeedState, SnapshotWanted
from pricetime.client.follower import Follower
from pricetime.client.sequencer import Sequencer
from pricetime.core.builder import BookBuilder
from pricetime.wire.messages import FeedHeartbeat
from tests.client.network import PublicFeed
from tests.client.test_follower import commands_of

INSTRUMENTS = [Instrument(1), Instrument(2)]
COMMANDS = commands_of(random.Random(3), INSTRUMENTS, 400)
STEP_S = 0.01


@dataclass
class Attack:
    """A true feed, a follower, and datagrams of a forger in the same group."""

    kept: int = 10_000
    at: int = 0
    now: float = 0.0
    past: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.feed = PublicFeed(Engine(INSTRUMENTS, capacity=200), kept=self.kept)
        self.go_on(40)
        builder = BookBuilder(INSTRUMENTS, capacity=400)
        self.follower = Follower(builder, Sequencer(None, patience=0.0, retry=0.02, longest_gap=500))

    def go_on(self, commands: int = 3, *, arrives: bool = False) -> None:
        """The exchange takes so many commands more, and says so."""
        self.now += STEP_S
        part = COMMANDS[self.at % len(COMMANDS) :][:commands]
        self.at += len(part)
        made = [*self.feed.publish(self.feed.engine.apply(part), 3), self.feed.heartbeat()]
        self.past += made
        for datagram in made if arrives else ():
            self.receive(datagram)
        if arrives:
            self.recover()

    def receive(self, datagram: bytes) -> None:
        self.follower.receive(datagram, self.now)

    def recover(self, most: int = 20) -> None:
        """Fetch what is wanted now."""
        for _ in range(most):
            if (wanted := self.follower.sequencer.wanted(self.now)) is None:
                return
            self.follower.answer(self.feed.answer(wanted), self.now)

    def is_right(self) -> bool:
        follower, feed = self.follower, self.feed
        return (
            follower.is_whole
            and follower.builder.seq_num == feed.next_sequence - 1
            and follower.builder.digest() == feed.engine.digest()
            and follower.sequencer.checksum == feed.checksum
        )

    def join(self) -> None:
        self.recover()
        self.receive(self.feed.heartbeat())
        assert self.is_right()


def like(datagram: bytes, **fields: int) -> bytes:
    """Reports of the feed with other values in some fields."""
    made = np.frombuffer(datagram, REPORT).copy()
    for name, value in fields.items():
        made[name] = value
    made["seq_num"] = int(made["seq_num"][0]) + np.arange(len(made), dtype=np.uint64)
    return made.tobytes()


def accepted(seq_num: int) -> bytes:
    """A report that fits any book: an order far from the others."""
    made = np.zeros(1, REPORT)
    made[["type", "kind", "side", "instrument"]] = (16, ReportKind.ACCEPTED, 1, 1)
    made["seq_num"], made["order_id"], made["price"], made["quantity"] = seq_num, 2**50 + seq_num, -(10**6), 1
    return made.tobytes()


def misfit(seq_num: int) -> bytes:
    """A report that fits none: of an order that is not there."""
    return like(accepted(seq_num), kind=ReportKind.CANCELLED, order_id=2**60)


def beat(seq_num: int, epoch: int = 1_000, checksum: int = 0) -> bytes:
    return FeedHeartbeat(seq_num=seq_num, epoch=epoch, checksum=checksum).encode()


AHEAD = st.sampled_from([-50, -3, -1, 0, 1, 2, 5, 600, 2**40])

FORGED = st.one_of(
    st.tuples(st.sampled_from([accepted, misfit]), AHEAD).map(
        lambda made: lambda attack: made[0](max(1, attack.feed.next_sequence + made[1]))
    ),
    st.tuples(AHEAD, st.sampled_from([0, 1, 999, 1_000, 1_001, 2**63]), st.sampled_from([None, 0, 5])).map(
        lambda made: (
            lambda attack: beat(
                max(1, attack.feed.next_sequence + made[0]),
                made[1],
                attack.feed.checksum if made[2] is None else made[2],
            )
        )
    ),
    st.integers(0, 2**30).map(lambda at: lambda attack: attack.past[at % len(attack.past)]),
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    steps=st.lists(st.tuples(st.lists(FORGED, max_size=3), st.integers(0, 3), st.booleans()), max_size=25),
    joins_first=st.booleans(),
    kept=st.sampled_from([20, 10_000]),
)
def test_after_honest_datagrams_the_books_are_right(
    steps: list[tuple[list[object], int, bool]], joins_first: bool, kept: int
) -> None:
    attack = Attack(kept=kept)
    if joins_first:
        attack.join()
    for forged, commands, arrives in steps:
        for make in forged:
            attack.receive(make(attack))  # type: ignore[operator]
        attack.go_on(commands, arrives=arrives)
    for _ in range(20):  # honest heartbeats, and answers
        attack.go_on(0, arrives=True)
        if attack.is_right():
            break
    assert attack.is_right()
    attack.follower.builder.check()


@pytest.mark.parametrize(
    "forge",
    [
        lambda attack: accepted(attack.feed.next_sequence),
        lambda attack: accepted(attack.feed.next_sequence) + accepted(attack.feed.next_sequence + 1),
        lambda attack: accepted(attack.feed.next_sequence + 4),
        lambda attack: accepted(2**50),
        lambda attack: misfit(attack.feed.next_sequence),
        lambda attack: misfit(attack.feed.next_sequence + 1),
        lambda attack: beat(attack.feed.next_sequence, 2**63),
        lambda attack: beat(1, 2**63),
        lambda attack: beat(2**63),
        lambda attack: beat(attack.feed.next_sequence, checksum=1),
        lambda attack: beat(attack.feed.next_sequence + 2, checksum=1),
        lambda attack: beat(1),
    ],
    ids=[
        "the next report", "the two next", "a report soon", "a report far ahead", "the next, which does not fit",
        "soon, which does not fit", "a later epoch", "a later epoch from 1 on", "a heartbeat far ahead",
        "a wrong checksum", "a wrong checksum soon", "a heartbeat far behind",
    ],
)  # fmt: skip
@pytest.mark.parametrize("busy", [False, True], ids=["a quiet feed", "a busy feed"])
def test_one_forged_datagram_costs_one_recovery_at_most(forge, busy) -> None:  # type: ignore[no-untyped-def]
    attack = Attack()
    attack.join()
    attack.receive(forge(attack))
    for _ in range(4):
        attack.go_on(3 if busy else 0, arrives=True)
    assert attack.is_right()
    assert attack.follower.sequencer.statistics.snapshots <= 2


def test_the_copy_of_a_journal_goes_on_under_the_same_numbers() -> None:
    """The same epoch: the last commands are lost, and others take their numbers."""
    attack = Attack()
    attack.join()
    shorter = Attack()
    attack.go_on(30, arrives=True)
    assert attack.is_right()
    ours = attack.feed.next_sequence
    attack.feed = shorter.feed
    attack.at += 7
    while attack.feed.next_sequence < ours + 10:
        attack.go_on(5)  # nothing of this arrives
    attack.go_on(0, arrives=True)
    assert attack.is_right()
    statistics = attack.follower.sequencer.statistics
    assert (statistics.diverged, statistics.epochs, statistics.snapshots) == (1, 0, 2)


def test_a_checksum_that_never_agrees_leaves_it_in_doubt_without_recovery() -> None:
    attack = Attack()
    sequencer = Sequencer(1)
    sequencer.receive(beat(1), 0.0)
    for datagram in attack.past:
        sequencer.receive(datagram, 0.0)
    assert sequencer.state is FeedState.WHOLE
    sequencer.receive(accepted(sequencer.next_sequence), 0.0)
    attack.go_on(5)
    for datagram in [*attack.past, attack.feed.heartbeat()]:
        sequencer.receive(datagram, 0.0)
    assert sequencer.state.name == "UNVERIFIED"
    assert not isinstance(sequencer.wanted(1.0), SnapshotWanted)
