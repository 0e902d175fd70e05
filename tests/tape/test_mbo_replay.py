"""How the records of a market-by-order tape become commands, rule by rule; then a real session."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pricetime import OrderBook, Side
from pricetime.auctions import AuctionPrice
from pricetime.reference import ReferenceBook
from pricetime.tape import mbo, mbo_replay, opening
from pricetime.tape.clock import Clock
from pricetime.tape.file import TapeError
from pricetime.tape.mbo import Record
from pricetime.tape.mbo_replay import MboReplay
from pricetime.tape.outcome import Auction, Unmatched, Verdict, lots_by_order
from pricetime.tape.skipped import Skipped
from tests.tape.replayed import Expected, Queue, asks, bids
from tests.tape.replayed import Replayed as AnyReplayed
from tests.tape.tapes import (
    DOLLAR,
    LAST,
    SECOND_NS,
    START_NS,
    Rec,
    add,
    cancel,
    dbn_bytes,
    dbn_file,
    fill,
    modify,
    trade,
)

pytest.importorskip("databento_dbn", reason="needs databento-dbn: pip install '.[tape]'")

ESH4 = "esh4-glbx-mdp3-20231225.mbo.dbn.zst"

#: Asks 1 (3 lots) and 2 (4) at 101, 3 (5) at 102; bids 11 (3 lots) and 12 (4) at 100, 13 (5) at 99.
SNAPSHOT = [
    add("A", 1, 101, 3), add("A", 2, 101, 4), add("A", 3, 102, 5),
    add("B", 11, 100, 3), add("B", 12, 100, 4), add("B", 13, 99, 5),
]  # fmt: skip

Event = Sequence[Rec]


class Replayed(AnyReplayed):
    def queue(self, side: Side, price: float) -> Queue:
        """Prices are in dollars."""
        return [(o.id, o.quantity) for o in self.replay.market.side[side].orders(side, round(price * DOLLAR))]


@pytest.fixture(params=[ReferenceBook, OrderBook])
def replayed(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def run(*events: Event, snapshot: Sequence[Rec] = SNAPSHOT) -> Replayed:
        return Replayed(MboReplay.open(dbn_file(tmp_path, events, snapshot=snapshot), request.param))

    return run


def buys(*fills: tuple[int, int], price: float = 101, taker_id: int = 99) -> list[Rec]:
    """A buyer's trade and its fills."""
    total = sum(size for _, size in fills)
    return [trade("B", taker_id, price, total), *(fill("A", order_id, price, size) for order_id, size in fills)]


def sells(*fills: tuple[int, int], price: float = 100, taker_id: int = 99) -> list[Rec]:
    total = sum(size for _, size in fills)
    return [trade("A", taker_id, price, total), *(fill("B", order_id, price, size) for order_id, size in fills)]


def cancels(*orders: tuple[str, int, float, int]) -> list[Rec]:
    return [cancel(*order) for order in orders]


AUCTION, NO_SIDE = Unmatched.AUCTION.value, Unmatched.NO_SIDE.value
EXACT = Verdict.EXACT
CROSSED = [add("B", 21, 103, 4), add("A", 22, 98, 6)]
OPENING = [
    trade("N", 0, 101, 7), fill("N", 21, 101, 4), fill("N", 22, 101, 4), fill("N", 1, 101, 3), fill("N", 555, 101, 3),
    cancel("B", 21, 103, 4), modify("A", 22, 98, 2), cancel("A", 1, 101, 3), cancel("A", 22, 98, 2),
]  # fmt: skip

#: Name of the rule: the events of a tape, and what there is after them.
CASES: dict[str, tuple[list[Event], Expected]] = {
    # Fills and what applies them.
    "a fill then its cancel": (
        [[*buys((1, 3)), cancel("A", 1, 101, 3)]],
        {EXACT: 1, asks(101): [(2, 4)], mbo_replay.UNKNOWN_CANCELLED: 0},
    ),
    "a partial fill then its modify keeps the place": (
        [[*sells((11, 2)), modify("B", 11, 100, 1)]],
        {EXACT: 1, bids(100): [(11, 1), (12, 4)]},
    ),
    # Where a cancel tells the fill alone, as on venues that cancel in parts, the order stays.
    "a partial fill then a cancel of what was filled": (
        [[*buys((1, 2)), cancel("A", 1, 101, 2)]],
        {EXACT: 1, asks(101): [(1, 1), (2, 4)]},
    ),
    "a partial fill then a cancel of everything": (
        [[*buys((1, 2)), cancel("A", 1, 101, 3)]],
        {EXACT: 1, asks(101): [(2, 4)]},
    ),
    "fills of several orders and prices": (
        [[*buys((1, 3), (2, 4)), *buys((3, 2), price=102), *cancels(("A", 1, 101, 3), ("A", 2, 101, 4)),
          modify("A", 3, 102, 3)]],
        {EXACT: 2, asks(101): [], asks(102): [(3, 3)]},
    ),
    "two trades fill one order before its change": (
        [[*buys((1, 1)), *buys((1, 1), taker_id=98), modify("A", 1, 101, 1)]],
        {EXACT: 2, asks(101): [(1, 1), (2, 4)]},
    ),
    "a fill told after the next event": (
        [buys((1, 3)), buys((2, 1)), [cancel("A", 1, 101, 3), modify("A", 2, 101, 3)]],
        {EXACT: 2, asks(101): [(2, 3)], mbo_replay.PREVENTED: 0},
    ),
    "what is left of an aggressor rests": (
        [[*buys((1, 3), (2, 4)), add("B", 99, 101, 6), *cancels(("A", 1, 101, 3), ("A", 2, 101, 4))]],
        {EXACT: 1, bids(101): [(99, 6)]},
    ),
    # Modifies. The fill on the side of its trade is the aggressing order itself: here 13 comes from 99.
    "a resting order modified into the cross": (
        [[trade("B", 13, 101, 5), fill("B", 13, 101, 5), fill("A", 1, 101, 3), fill("A", 2, 101, 2),
          cancel("B", 13, 99, 5), cancel("A", 1, 101, 3), modify("A", 2, 101, 2)]],
        {EXACT: 1, mbo_replay.INTO_THE_CROSS: 1, bids(99): [], asks(101): [(2, 2)]},
    ),
    "what is left of it rests at its new price": (
        [[trade("B", 13, 101, 7), fill("B", 13, 101, 7), fill("A", 1, 101, 3), fill("A", 2, 101, 4),
          modify("B", 13, 101, 2), *cancels(("A", 1, 101, 3), ("A", 2, 101, 4))]],
        {EXACT: 1, bids(99): [], bids(101): [(13, 2)]},
    ),
    "a modified order that trades at two prices": (
        [[trade("B", 13, 101, 7), fill("B", 13, 101, 7), fill("A", 1, 101, 3), fill("A", 2, 101, 4),
          trade("B", 13, 102, 1), fill("B", 13, 102, 1), fill("A", 3, 102, 1),
          *cancels(("B", 13, 99, 5), ("A", 1, 101, 3), ("A", 2, 101, 4)), modify("A", 3, 102, 4)]],
        {EXACT: 2, mbo_replay.INTO_THE_CROSS: 2, bids(99): [], asks(102): [(3, 4)]},
    ),
    # Self-match prevention.
    "an order cancelled without a fill is passed over": (
        [[*buys((2, 4)), *cancels(("A", 1, 101, 3), ("A", 2, 101, 4))]],
        {EXACT: 1, mbo_replay.PREVENTED: 1, asks(101): []},
    ),
    # The tape adds the new order first, and then tells that the one it met was cancelled.
    "an order that meets its owner's alone rests after the cancel": (
        [[*sells((11, 3)), cancel("B", 11, 100, 3)],
         [add("B", 99, 101, 2), *cancels(("A", 1, 101, 3), ("A", 2, 101, 4))]],
        {EXACT: 1, bids(101): [(99, 2)], asks(101): [], mbo_replay.PREVENTED: 0, mbo_replay.HALTS: 0},
    ),
    "an order that its own event adds is cancelled after that": (
        [[add("B", 21, 100, 1), cancel("B", 21, 100, 1)]],
        {bids(100): [(11, 3), (12, 4)], mbo_replay.UNKNOWN_CANCELLED: 0},
    ),
    # Trades without a side: in continuous trading one has an aggressing order, which comes from the other side.
    "a resting order gives the side of a trade": (
        [[trade("N", 0, 101, 3), fill("N", 1, 101, 3), cancel("A", 1, 101, 3)],
         [trade("N", 0, 100, 4), fill("B", 11, 100, 3), fill("B", 12, 100, 1), cancel("B", 11, 100, 3)]],
        {EXACT: 2, mbo_replay.INFERRED: 2, AUCTION: 0, asks(101): [(2, 4)], bids(100): [(12, 3)]},
    ),
    "a trade without a side that takes from both is applied": (
        [[trade("N", 0, 100.5, 3), fill("N", 1, 101, 3), fill("N", 11, 100, 3)]],
        {NO_SIDE: 1, AUCTION: 0, asks(101): [(2, 4)], bids(100): [(12, 4)]},
    ),
    "a trade without a side of orders never shown is applied": (
        [[trade("N", 0, 100.5, 3), fill("N", 77, 101, 3)]],
        {NO_SIDE: 1, mbo_replay.HIDDEN_LOTS: 3},
    ),
    "non-displayed trades are called that": (
        [[trade("N", 0, 100.5, 3)], [trade("N", 0, 100.5, 2)]],
        {mbo_replay.NON_DISPLAYED: 2, AUCTION: 0},
    ),
    # After the first of them bids and asks no longer cross, but it is the same moment.
    "all trades of an auction are of it": (
        [[add("B", 21, 103, 4)],
         [trade("N", 0, 101, 4), fill("N", 21, 101, 4), fill("N", 1, 101, 3), fill("N", 2, 101, 1),
          trade("N", 0, 101, 1), fill("N", 2, 101, 1),
          *cancels(("B", 21, 103, 4), ("A", 1, 101, 3), ("A", 2, 101, 2))]],
        {AUCTION: 2, asks(101): [(2, 2)]},
    ),
    # Icebergs.
    "a refreshed iceberg goes to the back": (
        [[*buys((1, 3)), modify("A", 1, 101, 3)], [*buys((2, 4), (1, 1)), cancel("A", 2, 101, 4)]],
        {EXACT: 2, asks(101): [(1, 2)]},
    ),
    "a refresh before all was taken goes to the back too": (
        [[*buys((1, 1)), modify("A", 1, 101, 3)]],
        {EXACT: 1, asks(101): [(2, 4), (1, 3)]},
    ),
    "an iceberg listed last is exact": (
        [[*buys((2, 4), (1, 3)), modify("A", 1, 101, 3), cancel("A", 2, 101, 4)]],
        {Verdict.LISTED: 1, asks(101): [(1, 3)]},
    ),
    # Phases.
    "before the opening orders cross and the auction is applied": (
        [[CROSSED[0]], [CROSSED[1]], OPENING, [*buys((2, 4)), cancel("A", 2, 101, 4)]],
        {EXACT: 1, AUCTION: 1, mbo_replay.HIDDEN_LOTS: 3, mbo_replay.FROM_SNAPSHOT: 6,
         bids(103): [], asks(98): [], asks(101): [], bids(100): [(11, 3), (12, 4)]},
    ),
    "a trade while orders cross is not matched": (
        [[CROSSED[0]], [*buys((1, 3)), cancel("A", 1, 101, 3)]],
        {Verdict.CLOSED: 1, asks(101): [(2, 4)], bids(103): [(21, 4)]},
    ),
    "a clear empties the book": (
        [[Rec("R", "N", 0, 0, 0)], [add("A", 1, 105, 1)]],
        {asks(105): [(1, 1)], asks(101): [], asks(102): [], bids(100): [], bids(99): []},
    ),
    # At odds with the tape before.
    "a trade that names no resting order": (
        [[trade("B", 0, 101, 2)], [trade("B", 13, 101, 2), fill("B", 13, 101, 2), modify("B", 13, 101, 3)]],
        {mbo_replay.UNNAMED: 2, bids(101): [(13, 3)]},
    ),
    "a fill of an order never shown": (
        [[*buys((77, 3)), cancel("A", 77, 101, 3)]],
        {Verdict.UNKNOWN: 1, asks(101): [(1, 3), (2, 4)]},
    ),
    "records at odds with those before are counted": (
        [[cancel("A", 77, 101, 3)], [add("A", 1, 105, 1)], [modify("B", 78, 95, 1)]],
        {mbo_replay.UNKNOWN_CANCELLED: 1, mbo_replay.UNKNOWN_MODIFIED: 1, mbo_replay.ADDED_TWICE: 1,
         asks(101): [(1, 3), (2, 4)], bids(95): [(78, 1)]},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("events", "expected"), CASES.values(), ids=CASES)
def test_rules(replayed: Any, events: list[Event], expected: Expected) -> None:
    replayed(*events).is_as(expected)


@pytest.mark.parametrize(
    ("record", "at_101", "at_102"),
    [
        (modify("A", 1, 101, 2), [(1, 2), (2, 4)], [(3, 5)]),
        (modify("A", 1, 101, 3), [(1, 3), (2, 4)], [(3, 5)]),
        (modify("A", 1, 101, 9), [(2, 4), (1, 9)], [(3, 5)]),
        (modify("A", 1, 102, 3), [(2, 4)], [(3, 5), (1, 3)]),
        (modify("A", 1, 102, 1), [(2, 4)], [(3, 5), (1, 1)]),
    ],
)
@pytest.mark.parametrize("opened", [False, True])
def test_a_modify_keeps_its_place_only_at_its_price_and_not_larger(
    replayed: Any, record: Rec, at_101: list[Any], at_102: list[Any], opened: bool
) -> None:
    first = [[*sells((11, 3)), cancel("B", 11, 100, 3)]] if opened else []
    found = replayed(*first, [record])
    assert found.replay.market.continuous is opened
    assert found.asks(101) == at_101
    assert found.asks(102) == at_102


def test_without_the_cancel_it_counts(replayed: Any) -> None:
    """The same trade without the cancel that explains it is a difference, and the book follows the tape."""
    found = replayed([*buys((2, 4)), cancel("A", 2, 101, 4)])
    assert found.verdicts == {Verdict.QUEUE: 1}
    assert found.asks(101) == [(1, 3)]
    (difference,) = found.outcome.differences
    assert difference.trade.fills == ((2, 4),)
    assert difference.fills == ((1, 3), (2, 1))


class Counted(Record):
    """A record that counts how often it is compared."""

    compared = 0

    def __eq__(self, other: object) -> bool:
        Counted.compared += 1
        return tuple.__eq__(self, other)

    __hash__ = Record.__hash__


@pytest.mark.parametrize("count", [1_000, 16_000])
def test_cancels_of_one_event_are_not_compared_with_one_another(count: int) -> None:
    """Work in proportion to the records: a search of a list for each of them would compare count**2 / 2 times."""
    adds = [[Record(1, i, b"A", b"B", i, 100 - i % 50, 1)] for i in range(1, count + 1)]
    cancels = [Counted(2, 0, b"C", b"B", i, 100 - i % 50, 1) for i in range(1, count + 1)]
    Counted.compared = 0
    replay = MboReplay([*adds, cancels], OrderBook)
    replay.run()
    assert len(replay.market) == 0
    assert Counted.compared <= count


# -------------------------------------------------------------------- each record of a message closes an event


def nasdaq_file(folder: Path, messages: Sequence[Event], flags: int = LAST) -> Path:
    """One message a second; each of its records has the flag that closes an event."""
    path = folder / "nasdaq.dbn"
    path.write_bytes(dbn_bytes(messages, flags_of=lambda record, last: flags))
    return path


def test_a_trade_and_its_fill_that_each_close_an_event(tmp_path: Path) -> None:
    """As Databento writes Nasdaq: the trade, the fill and the cancel of one message all have the flags 130."""
    messages = [
        [Rec("R", "N", 0, 0, 0)],
        [add("A", 1, 101, 3)],
        [add("A", 2, 101, 4)],
        [trade("B", 0, 101, 3), fill("A", 1, 101, 3), cancel("A", 1, 101, 3)],
        [trade("B", 0, 101, 1), fill("A", 2, 101, 1), cancel("A", 2, 101, 1)],
    ]
    found = Replayed(MboReplay.open(nasdaq_file(tmp_path, messages, 130), OrderBook))
    assert found.verdicts == {Verdict.EXACT: 2}
    assert not found.facts[mbo_replay.UNNAMED]
    assert found.asks(101) == [(2, 3)]
    assert found.replay.warnings() == []


def test_a_clear_is_no_part_of_what_comes_an_hour_later(tmp_path: Path) -> None:
    """Its flags are 8, so nothing closes its event but the time."""
    replay = MboReplay.open(nasdaq_file(tmp_path, [[Rec("R", "N", 0, 0, 0)], [add("B", 1, 100, 3)]], 8), OrderBook)
    replay.run(until=replay.clock().parse("00:00:01.5"))
    assert replay.depth(1) == ([], [])
    replay.run()
    assert replay.depth(1)[0] == [(100 * DOLLAR, 3, 1)]


def test_an_iceberg_that_gives_more_than_it_shows_is_inferred(replayed: Any) -> None:
    """Order 1 displays 3 lots: 3 + 3 + 2 of it trade, and 2 come back after one is left of the third slice."""
    fills = [fill("A", 2, 101, 4), fill("A", 1, 101, 8)]
    found = replayed(
        [trade("B", 99, 101, 12), *fills, cancel("A", 2, 101, 4), modify("A", 1, 101, 1)],
        [*buys((1, 1)), cancel("A", 1, 101, 1)],
    )
    assert found.verdicts == {Verdict.INFERRED: 1, Verdict.EXACT: 1}
    assert found.outcome.exact == 2
    assert found.outcome.differences[0].fills == ((1, 3), (2, 4), (1, 3), (1, 2))
    assert found.facts[mbo_replay.ICEBERGS] == 1
    assert found.facts[mbo_replay.HIDDEN_GIVEN] == 5
    assert found.asks(101) == []
    assert found.asks(102) == [(3, 5)]


def test_the_book_opens_at_the_first_trade_where_there_is_no_auction(replayed: Any) -> None:
    assert not replayed([add("B", 21, 98, 1)]).replay.market.continuous
    assert replayed([*buys((1, 3)), cancel("A", 1, 101, 3)]).replay.market.continuous


@pytest.mark.parametrize("record", [add("B", 21, 103, 4), modify("B", 13, 103, 4)])
def test_a_resting_order_that_crosses_stops_trading_until_the_next_auction(replayed: Any, record: Rec) -> None:
    opening = [*buys((1, 3)), cancel("A", 1, 101, 3)]
    found = replayed(opening, [record])
    assert found.facts[mbo_replay.HALTS] == 1
    assert not found.replay.market.continuous
    assert found.bids(103) == [(record.order_id, 4)]
    assert found.asks(101) == [(2, 4)]
    reopening = [trade("N", 0, 101, 4), fill("N", record.order_id, 101, 4), fill("N", 2, 101, 4)]
    told = [cancel("B", record.order_id, 103, 4), cancel("A", 2, 101, 4)]
    found = replayed(opening, [record], [*reopening, *told], [*buys((3, 5), price=102), cancel("A", 3, 102, 5)])
    assert found.verdicts == {Verdict.EXACT: 2}
    assert len(found.replay.market) == 2 + (record.action == "A")


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (add("A", 5, 105, 0), "quantity 0 is out of"),
        *[
            (Rec(action, "N", 5, 105, 1), f"{action} of order 5 has the side 'N': it must be A or B")
            for action in "ACM"
        ],
    ],
)
def test_a_record_that_cannot_be_used_is_named_and_skipped(tmp_path: Path, record: Rec, message: str) -> None:
    path = dbn_file(tmp_path, [[record, add("A", 6, 105, 1)], [record]], snapshot=SNAPSHOT)
    found = Replayed(MboReplay.open(path, OrderBook))
    assert found.asks(105) == [(6, 1)]
    assert len(found.outcome.skipped) == 2
    assert found.outcome.skipped.named[0].startswith(f"{path}: at 2023-12-25 00:00:01.000000000: {message}")
    with pytest.raises(TapeError, match=r"tape\.mbo\.dbn: at 2023-12-25 00:00:02\.0*: .*; 1 before it were skipped"):
        MboReplay.open(path, OrderBook, skipped=Skipped(1)).run()


def test_a_book_without_room_is_no_fault_of_the_tape(tmp_path: Path) -> None:
    replay = MboReplay.open(dbn_file(tmp_path, [], snapshot=SNAPSHOT), lambda: OrderBook(capacity=2))
    with pytest.raises(TapeError, match="use a larger capacity"):
        replay.run()


def test_a_missing_opening_book_is_warned_of(tmp_path: Path) -> None:
    cut = [[cancel("A", 77, 101, 3)], [modify("B", 78, 95, 1)], [*buys((79, 1))]]
    (warning,) = Replayed(MboReplay.open(dbn_file(tmp_path, cut), OrderBook)).replay.warnings()
    assert warning.startswith("the opening book is missing: the tape begins without a snapshot or a clear")
    assert "3 of its records are about orders that it never showed" in warning
    for whole in (dbn_file(tmp_path, cut, snapshot=SNAPSHOT), dbn_file(tmp_path, [[Rec("R", "N", 0, 0, 0)], *cut])):
        assert Replayed(MboReplay.open(whole, OrderBook)).replay.warnings() == []
    assert Replayed(MboReplay.open(dbn_file(tmp_path, [[add("A", 1, 101, 1)]]), OrderBook)).replay.warnings() == []


def test_records_without_effect(replayed: Any) -> None:
    found = replayed([Rec("N", "N", 0, 0, 0)])
    assert found.outcome.records == 7
    assert len(found.replay.market) == 6


# -------------------------------------------------------------------- moments


def test_run_until_a_moment_and_on(tmp_path: Path) -> None:
    events = [[add("B", 21, 100.5, 1)], [cancel("B", 21, 100.5, 1)], [add("B", 22, 100.75, 1)]]
    replay = MboReplay.open(dbn_file(tmp_path, events, snapshot=SNAPSHOT), OrderBook)
    best = []
    for seconds in (0, 0.5, 1, 1.5, 2, 3, 99):
        replay.run(until=START_NS + round(seconds * SECOND_NS))
        best.append(replay.depth(1)[0][0][0] / DOLLAR)
    assert best == [100, 100, 100.5, 100.5, 100, 100.75, 100.75]
    assert replay.run().records == 9
    assert replay.clock().text(replay.clock().parse("0:00:02")) == "2023-12-25 00:00:02.000000000"


# -------------------------------------------------------------------- events from anywhere


def test_any_iterable_of_events_is_a_tape() -> None:
    """A reader of a new format is a generator of records in the order of the exchange."""

    def records() -> Iterator[Record]:
        yield Record(START_NS + 5, 1, b"A", b"A", 1, 10_050, 3)
        yield Record(START_NS + 6, 2, b"T", b"B", 0, 10_050, 2)
        yield Record(START_NS + 6, 2, b"F", b"A", 1, 10_050, 2)
        yield Record(START_NS + 6, 2, b"M", b"A", 1, 10_050, 1)

    replay = MboReplay(mbo.events(records()), OrderBook, name="a wire", price_scale=100)
    assert replay.clock().text(START_NS + 5) == "2023-12-25 00:00:00.000000005"
    assert replay.run(until=START_NS + 5).records == 1
    assert replay.depth(1) == ([], [(10_050, 3, 1)])
    assert replay.run().exact == 1
    assert replay.depth(1) == ([], [(10_050, 1, 1)])
    assert (replay.name, replay.price_scale) == ("a wire", 100)


def test_the_clock_of_events_is_that_of_the_first(tmp_path: Path) -> None:
    replay = MboReplay([[Record(START_NS + 7, 1, b"A", b"A", 1, 5, 3)]], OrderBook)
    replay.run()
    assert replay.clock().text(START_NS) == "2023-12-25 00:00:00.000000000"
    assert MboReplay([], OrderBook).clock().text(1) == "00:00:00.000000001"
    assert MboReplay([], OrderBook, clock=Clock(None)).clock().midnight_ns is None


# -------------------------------------------------------------------- a real session


@pytest.fixture(scope="module")
def session(real_data: Path) -> MboReplay:
    replay = MboReplay.open(real_data / ESH4, OrderBook)
    replay.run()
    return replay


def test_the_real_session_trade_by_trade(session: MboReplay) -> None:
    outcome = session.outcome
    assert outcome.records == 68_792
    assert outcome.trades == 2_972
    assert outcome.exact == 2_972
    assert outcome.verdicts == {Verdict.EXACT: 2_914, Verdict.LISTED: 31, Verdict.INFERRED: 27}
    assert dict(outcome.facts) == {
        mbo_replay.FROM_SNAPSHOT: 8_725,
        Unmatched.AUCTION.value: 1,
        mbo_replay.HIDDEN_LOTS: 14,
        mbo_replay.INTO_THE_CROSS: 107,
        mbo_replay.PREVENTED: 132,
        mbo_replay.CONTESTED: 2_060,
        mbo_replay.ICEBERGS: 11,
        mbo_replay.HIDDEN_GIVEN: 194,
        mbo_replay.REFRESHED: 83,
        mbo_replay.COMPUTED: 1,
    }


def test_the_real_session_s_icebergs(session: MboReplay) -> None:
    """Each of the 27 has one iceberg, which the tape lists once, in the place of its last slice."""
    icebergs = set()
    for told, fills, verdict in session.outcome.differences:
        if verdict is Verdict.INFERRED:
            assert lots_by_order(fills) == dict(told.fills)
            *others, (iceberg, lots) = told.fills
            assert [one for one in fills if one[0] != iceberg] == others
            slices = [given for order_id, given in fills if order_id == iceberg]
            assert len(slices) > 1
            assert sum(slices) == lots
            icebergs.add(iceberg)
    assert icebergs == session.icebergs.found
    assert len(icebergs) == 11


def test_the_real_session_s_opening(session: MboReplay) -> None:
    (auction,) = session.outcome.auctions
    assert auction == Auction(
        1_703_545_200 * SECOND_NS, 4_800_250_000_000, 44, AuctionPrice(4_800_250_000_000, 44, -7), 13, 1, exact=True
    )


def test_the_real_session_s_opening_needs_the_orders_never_shown(real_data: Path) -> None:
    """The displayed orders alone would trade as much at two prices, and less than the tape."""
    replay = MboReplay.open(real_data / ESH4, OrderBook)
    replay.run(1_703_545_200 * SECOND_NS - 1)
    bids, asks = replay.depth(10_000)
    assert opening.price_of(bids, asks, 0, 0) == AuctionPrice(4_800_000_000_000, 31, 4)
    both = [(bids, asks), (bids[:20], asks[:20])]
    assert [opening.price_of(*sides, 13, 1) for sides in both] == [AuctionPrice(4_800_250_000_000, 44, -7)] * 2


def test_the_real_session_s_other_listings(session: MboReplay) -> None:
    """In each of the 31 one fill is listed last, which the queue has earlier; all others are in the queue's order."""
    for told, fills, verdict in session.outcome.differences:
        if verdict is Verdict.LISTED:
            *others, last = told.fills
            assert [one for one in fills if one != last] == others
            assert fills[-1] != last


def test_the_real_session_ends_with_a_sound_book(session: MboReplay) -> None:
    book = session.market.book
    assert isinstance(book, OrderBook)
    book.check()
    (bid, *_), (ask, *_) = session.depth(1)
    assert (bid, ask) == ((4_810_000_000_000, 22, 22), (4_810_250_000_000, 28, 18))


def test_both_books_agree_on_the_real_session_s_first_minutes(real_data: Path) -> None:
    replays = [MboReplay.open(real_data / ESH4, book) for book in (OrderBook, ReferenceBook)]
    until = replays[0].clock().parse("23:03:00")
    fast, naive = (replay.run(until) for replay in replays)
    assert fast.trades > 100
    assert (fast.verdicts, fast.facts) == (naive.verdicts, naive.facts)
    assert fast.differences == naive.differences
    assert replays[0].digest() == replays[1].digest()
    assert replays[0].depth(50) == replays[1].depth(50)
