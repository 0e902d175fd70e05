"""The answers of a recovery server, in whatever pieces they come."""

import random

import numpy as np
import pytest

from pricetime import ASK, BID, COMMAND, CommandType, Engine, Instrument
from pricetime.client.answers import Answers, RangeAnswer, SnapshotAnswer
from pricetime.client.errors import InvalidAnswer
from pricetime.core.snapshot import IndicativePrice
from pricetime.types import Phase, Side
from pricetime.wire.messages import Message, SnapshotRequest
from pricetime.wire.types import RetransmitStatus
from tests.client.exchange import answer_bytes
from tests.client.network import PublicFeed, range_wanted

INSTRUMENTS = [
    Instrument(3, symbol="ÄBC", tick_size=5, lot_size=10, low_price=-5, high_price=1_000),
    Instrument(9, symbol="sixteen bytes ok", phase=Phase.HALTED),
]


def busy_feed() -> PublicFeed:
    feed = PublicFeed(Engine(INSTRUMENTS))
    commands = np.zeros(20, COMMAND)
    commands["type"], commands["instrument"] = CommandType.NEW_ORDER, 3
    commands["order_id"] = np.arange(20)
    commands["side"] = [BID, ASK] * 10
    commands["price"] = [100 - 5 * (i % 3) if i % 2 == 0 else 200 + 5 * (i % 4) for i in range(20)]
    commands["quantity"] = 10
    feed.publish(feed.engine.apply(commands))
    return feed


@pytest.mark.parametrize("seed", range(10))
def test_a_stream_in_pieces(seed: int) -> None:
    rng = random.Random(seed)
    feed = busy_feed()
    asked: list[Message] = [
        SnapshotRequest(),
        range_wanted(2, 7, 0),
        range_wanted(500, 1, 0),
        range_wanted(1, 1, 5),
        SnapshotRequest(),
    ]
    expected = [feed.answer(wanted) for wanted in asked]
    stream = b"".join(answer_bytes(answer) for answer in expected)
    answers, got = Answers(), []
    while stream:
        size = rng.choice([1, 7, 48, 200])
        got += answers.receive(stream[:size])
        stream = stream[size:]
    assert [type(answer) for answer in got] == [type(answer) for answer in expected]
    for answer, known in zip(got, expected, strict=True):
        if isinstance(answer, RangeAnswer):
            assert answer == known
        else:
            assert isinstance(known, SnapshotAnswer)
            assert answer.epoch == known.epoch
            assert answer.snapshot.orders.tobytes() == known.snapshot.orders.tobytes()
            assert answer.snapshot[:2] == known.snapshot[:2]
            assert answer.snapshot.digest == feed.engine.digest()
    assert [answer.status for answer in got if isinstance(answer, RangeAnswer)] == [
        RetransmitStatus.RANGE_FOLLOWS,
        RetransmitStatus.RANGE_AHEAD,
        RetransmitStatus.RANGE_GONE,
    ]


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (b"HTTP/1.1", "type 72"),
        (b"\x32\x09" + bytes(46), "status 9"),
        (b"\x34" + b"\xff" * 47, "are possible"),
        (b"\x34\0\0\0\1\0\0\0" + bytes(40) + b"\x35" + bytes(95), "invalid instrument: tick size"),
        (b"\x34\0\0\0\1\0\0\0" + bytes(40) + b"\x35\7" + b"\1" * 94, "invalid instrument"),
    ],
)
def test_what_is_no_answer(stream: bytes, message: str) -> None:
    with pytest.raises(InvalidAnswer, match=message):
        Answers().receive(stream)


@pytest.mark.parametrize(
    "auction",
    [
        IndicativePrice(-5, 40, 7, Side.ASK, final=False),
        IndicativePrice(100, 2**64 - 1, 0, None, final=True),
        IndicativePrice(None, 0, 0, None, final=False),
    ],
)
def test_a_snapshot_with_the_last_report_about_an_auction(auction: IndicativePrice) -> None:
    feed = busy_feed()
    known = feed.answer(SnapshotRequest())
    assert isinstance(known, SnapshotAnswer)
    told = known._replace(snapshot=known.snapshot._replace(auctions=(None, auction)))
    (found,) = Answers().receive(answer_bytes(told))
    assert isinstance(found, SnapshotAnswer)
    assert found.snapshot.auctions == (None, auction)
