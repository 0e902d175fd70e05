"""How the records of a market-by-order tape become commands, rule by rule; then a real session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pricetime import OrderBook, Side
from pricetime.reference import ReferenceBook
from pricetime.tape import mbo, mbo_replay
from pricetime.tape.clock import Clock
from pricetime.tape.file import TapeError
from pricetime.tape.mbo import Record
from pricetime.tape.mbo_replay import MboReplay
from pricetime.tape.outcome import Unmatched, Verdict
from pricetime.tape.skipped import Skipped
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

pytest.importorskip("databento_dbn", reason="needs databento-dbn: pip install 'pricetime[tape]'")

ESH4 = "esh4-glbx-mdp3-20231225.mbo.dbn.zst"

#: Asks 1 (3 lots) and 2 (4) at 101, 3 (5) at 102; bids 11 (3 lots) and 12 (4) at 100, 13 (5) at 99.
SNAPSHOT = [
    add("A", 1, 101, 3), add("A", 2, 101, 4), add("A", 3, 102, 5),
    add("B", 11, 100, 3), add("B", 12, 100, 4), add("B", 13, 99, 5),
]  # fmt: skip

Event = Sequence[Rec]


class Replayed:
    """A small tape after its replay, with prices in dollars."""

    def __init__(self, replay: MboReplay) -> None:
        self.replay = replay
        self.outcome = replay.run()
        self.facts = self.outcome.facts

    @property
    def verdicts(self) -> dict[Verdict, int]:
        return dict(self.outcome.verdicts)

    def queue(self, side: Side, price: float) -> list[tuple[int, int]]:
        return [(o.id, o.quantity) for o in self.replay.market.side[side].orders(side, round(price * DOLLAR))]

    def bids(self, price: float) -> list[tuple[int, int]]:
        return self.queue(Side.BID, price)

    def asks(self, price: float) -> list[tuple[int, int]]:
        return self.queue(Side.ASK, price)


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


# -------------------------------------------------------------------- fills and what applies them


def test_a_fill_then_its_cancel(replayed: Any) -> None:
    found = replayed([*buys((1, 3)), cancel("A", 1, 101, 3)])
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.asks(101) == [(2, 4)]
    assert not found.facts[mbo_replay.UNKNOWN_CANCELLED]


def test_a_partial_fill_then_its_modify_keeps_the_place(replayed: Any) -> None:
    found = replayed([*sells((11, 2)), modify("B", 11, 100, 1)])
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.bids(100) == [(11, 1), (12, 4)]


def test_a_partial_fill_then_a_cancel_of_what_was_filled(replayed: Any) -> None:
    """Where a cancel tells the fill alone, as on venues that cancel in parts, the order stays."""
    found = replayed([*buys((1, 2)), cancel("A", 1, 101, 2)])
    assert found.asks(101) == [(1, 1), (2, 4)]


def test_a_partial_fill_then_a_cancel_of_everything(replayed: Any) -> None:
    found = replayed([*buys((1, 2)), cancel("A", 1, 101, 3)])
    assert found.asks(101) == [(2, 4)]


def test_fills_of_several_orders_and_prices(replayed: Any) -> None:
    found = replayed(
        [
            *buys((1, 3), (2, 4)),
            *buys((3, 2), price=102),
            cancel("A", 1, 101, 3),
            cancel("A", 2, 101, 4),
            modify("A", 3, 102, 3),
        ]
    )
    assert found.verdicts == {Verdict.EXACT: 2}
    assert found.asks(101) == []
    assert found.asks(102) == [(3, 3)]


def test_two_trades_fill_one_order_before_it_is_told(replayed: Any) -> None:
    found = replayed([*buys((1, 1)), *buys((1, 1), taker_id=98), modify("A", 1, 101, 1)])
    assert found.verdicts == {Verdict.EXACT: 2}
    assert found.asks(101) == [(1, 1), (2, 4)]


def test_a_fill_told_after_the_next_event(replayed: Any) -> None:
    found = replayed(buys((1, 3)), buys((2, 1)), [cancel("A", 1, 101, 3), modify("A", 2, 101, 3)])
    assert found.verdicts == {Verdict.EXACT: 2}
    assert found.asks(101) == [(2, 3)]
    assert not found.facts[mbo_replay.PREVENTED]


def test_what_is_left_of_an_aggressor_rests(replayed: Any) -> None:
    found = replayed([*buys((1, 3), (2, 4)), add("B", 99, 101, 6), cancel("A", 1, 101, 3), cancel("A", 2, 101, 4)])
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.bids(101) == [(99, 6)]


# -------------------------------------------------------------------- modifies


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


def test_a_resting_order_modified_into_the_cross(replayed: Any) -> None:
    """The fill on the side of its trade is the aggressing order itself: here 13 comes from 99 and is done."""
    event = [trade("B", 13, 101, 5), fill("B", 13, 101, 5), fill("A", 1, 101, 3), fill("A", 2, 101, 2)]
    found = replayed([*event, cancel("B", 13, 99, 5), cancel("A", 1, 101, 3), modify("A", 2, 101, 2)])
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.facts[mbo_replay.INTO_THE_CROSS] == 1
    assert found.bids(99) == []
    assert found.asks(101) == [(2, 2)]


def test_what_is_left_of_it_rests_at_its_new_price(replayed: Any) -> None:
    fills = [fill("A", 1, 101, 3), fill("A", 2, 101, 4)]
    event = [trade("B", 13, 101, 7), fill("B", 13, 101, 7), *fills]
    found = replayed([*event, modify("B", 13, 101, 2), cancel("A", 1, 101, 3), cancel("A", 2, 101, 4)])
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.bids(99) == []
    assert found.bids(101) == [(13, 2)]


def test_a_modified_order_that_trades_at_two_prices(replayed: Any) -> None:
    event = [
        trade("B", 13, 101, 7), fill("B", 13, 101, 7), fill("A", 1, 101, 3), fill("A", 2, 101, 4),
        trade("B", 13, 102, 1), fill("B", 13, 102, 1), fill("A", 3, 102, 1),
        cancel("B", 13, 99, 5), cancel("A", 1, 101, 3), cancel("A", 2, 101, 4), modify("A", 3, 102, 4),
    ]  # fmt: skip
    found = replayed(event)
    assert found.verdicts == {Verdict.EXACT: 2}
    assert found.facts[mbo_replay.INTO_THE_CROSS] == 2
    assert found.bids(99) == []
    assert found.asks(102) == [(3, 4)]


# -------------------------------------------------------------------- self-match prevention


def test_an_order_cancelled_without_a_fill_is_passed_over(replayed: Any) -> None:
    found = replayed([*buys((2, 4)), cancel("A", 1, 101, 3), cancel("A", 2, 101, 4)])
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.facts[mbo_replay.PREVENTED] == 1
    assert found.asks(101) == []


def test_an_order_that_meets_its_owner_s_alone_rests_after_the_cancel(replayed: Any) -> None:
    """The tape adds the new order first, and then tells that the one it met was cancelled."""
    opening = [*sells((11, 3)), cancel("B", 11, 100, 3)]
    event = [add("B", 99, 101, 2), cancel("A", 1, 101, 3), cancel("A", 2, 101, 4)]
    found = replayed(opening, event)
    assert found.replay.market.continuous
    assert found.bids(101) == [(99, 2)]
    assert found.asks(101) == []
    assert not found.facts[mbo_replay.PREVENTED]


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


def test_an_order_that_its_own_event_adds_is_cancelled_after_that(replayed: Any) -> None:
    found = replayed([add("B", 21, 100, 1), cancel("B", 21, 100, 1)])
    assert found.bids(100) == [(11, 3), (12, 4)]
    assert not found.facts[mbo_replay.UNKNOWN_CANCELLED]


# -------------------------------------------------------------------- trades without a side


def test_a_resting_order_gives_the_side_of_a_trade(replayed: Any) -> None:
    """In continuous trading a trade of side N has an aggressing order: it comes from the other side."""
    found = replayed(
        [trade("N", 0, 101, 3), fill("N", 1, 101, 3), cancel("A", 1, 101, 3)],
        [trade("N", 0, 100, 4), fill("B", 11, 100, 3), fill("B", 12, 100, 1), cancel("B", 11, 100, 3)],
    )
    assert found.verdicts == {Verdict.EXACT: 2}
    assert found.facts[mbo_replay.INFERRED] == 2
    assert not found.facts[Unmatched.AUCTION.value]
    assert found.asks(101) == [(2, 4)]
    assert found.bids(100) == [(12, 3)]


def test_a_trade_without_a_side_that_takes_from_both_is_applied(replayed: Any) -> None:
    found = replayed([trade("N", 0, 100.5, 3), fill("N", 1, 101, 3), fill("N", 11, 100, 3)])
    assert found.facts[Unmatched.NO_SIDE.value] == 1
    assert not found.facts[Unmatched.AUCTION.value]
    assert found.asks(101) == [(2, 4)]
    assert found.bids(100) == [(12, 4)]


def test_a_trade_without_a_side_of_orders_never_shown_is_applied(replayed: Any) -> None:
    found = replayed([trade("N", 0, 100.5, 3), fill("N", 77, 101, 3)])
    assert found.facts[Unmatched.NO_SIDE.value] == 1
    assert found.facts[mbo_replay.HIDDEN_LOTS] == 3


def test_non_displayed_trades_are_called_that(replayed: Any) -> None:
    found = replayed([trade("N", 0, 100.5, 3)], [trade("N", 0, 100.5, 2)])
    assert found.facts[mbo_replay.NON_DISPLAYED] == 2
    assert not found.facts[Unmatched.AUCTION.value]
    assert found.outcome.trades == 0


def test_all_trades_of_an_auction_are_of_it(replayed: Any) -> None:
    """After the first of them bids and asks no longer cross, but it is the same moment."""
    first = [trade("N", 0, 101, 4), fill("N", 21, 101, 4), fill("N", 1, 101, 3), fill("N", 2, 101, 1)]
    second = [trade("N", 0, 101, 1), fill("N", 2, 101, 1)]
    told = [cancel("B", 21, 103, 4), cancel("A", 1, 101, 3), cancel("A", 2, 101, 2)]
    found = replayed([add("B", 21, 103, 4)], [*first, *second, *told])
    assert found.facts[Unmatched.AUCTION.value] == 2
    assert found.asks(101) == [(2, 2)]


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


# -------------------------------------------------------------------- icebergs


def test_a_refreshed_iceberg_goes_to_the_back(replayed: Any) -> None:
    found = replayed([*buys((1, 3)), modify("A", 1, 101, 3)], [*buys((2, 4), (1, 1)), cancel("A", 2, 101, 4)])
    assert found.verdicts == {Verdict.EXACT: 2}
    assert found.asks(101) == [(1, 2)]


def test_a_refresh_before_all_was_taken_goes_to_the_back_too(replayed: Any) -> None:
    found = replayed([*buys((1, 1)), modify("A", 1, 101, 3)])
    assert found.asks(101) == [(2, 4), (1, 3)]


def test_an_iceberg_that_gives_more_than_it_shows_is_a_difference(replayed: Any) -> None:
    fills = [fill("A", 2, 101, 4), fill("A", 1, 101, 8)]
    found = replayed(
        [trade("B", 99, 101, 12), *fills, cancel("A", 2, 101, 4), modify("A", 1, 101, 2)],
        [*buys((1, 2)), cancel("A", 1, 101, 2)],
    )
    assert found.verdicts == {Verdict.ICEBERG: 1, Verdict.EXACT: 1}
    assert found.outcome.differences[0].fills == ((1, 3), (2, 4))
    assert found.asks(101) == []
    assert found.asks(102) == [(3, 5)]


def test_an_iceberg_listed_last_is_exact(replayed: Any) -> None:
    found = replayed([*buys((2, 4), (1, 3)), modify("A", 1, 101, 3), cancel("A", 2, 101, 4)])
    assert found.verdicts == {Verdict.LISTED: 1}
    assert (found.outcome.exact, found.outcome.differing) == (1, 0)
    assert found.asks(101) == [(1, 3)]


# -------------------------------------------------------------------- phases


CROSSED = [add("B", 21, 103, 4), add("A", 22, 98, 6)]
AUCTION = [
    trade("N", 0, 101, 7), fill("N", 21, 101, 4), fill("N", 22, 101, 4), fill("N", 1, 101, 3), fill("N", 555, 101, 3),
    cancel("B", 21, 103, 4), modify("A", 22, 98, 2), cancel("A", 1, 101, 3), cancel("A", 22, 98, 2),
]  # fmt: skip


def test_before_the_opening_orders_cross_and_the_auction_is_applied(replayed: Any) -> None:
    found = replayed([CROSSED[0]], [CROSSED[1]], AUCTION, [*buys((2, 4)), cancel("A", 2, 101, 4)])
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.facts[Unmatched.AUCTION.value] == 1
    assert found.facts[mbo_replay.HIDDEN_LOTS] == 3
    assert found.facts[mbo_replay.FROM_SNAPSHOT] == 6
    assert found.bids(103) == found.asks(98) == found.asks(101) == []
    assert found.bids(100) == [(11, 3), (12, 4)]


def test_the_book_opens_at_the_first_trade_where_there_is_no_auction(replayed: Any) -> None:
    assert not replayed([add("B", 21, 98, 1)]).replay.market.continuous
    assert replayed([*buys((1, 3)), cancel("A", 1, 101, 3)]).replay.market.continuous


def test_a_trade_while_orders_cross_is_not_matched(replayed: Any) -> None:
    found = replayed([CROSSED[0]], [*buys((1, 3)), cancel("A", 1, 101, 3)])
    assert found.verdicts == {Verdict.CLOSED: 1}
    assert found.asks(101) == [(2, 4)]
    assert found.bids(103) == [(21, 4)]


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


def test_a_clear_empties_the_book(replayed: Any) -> None:
    found = replayed([Rec("R", "N", 0, 0, 0)], [add("A", 1, 105, 1)])
    assert len(found.replay.market) == 1
    assert found.asks(105) == [(1, 1)]


# -------------------------------------------------------------------- at odds


def test_a_trade_that_names_no_resting_order(replayed: Any) -> None:
    found = replayed([trade("B", 0, 101, 2)], [trade("B", 13, 101, 2), fill("B", 13, 101, 2), modify("B", 13, 101, 3)])
    assert found.outcome.trades == 0
    assert found.facts[mbo_replay.UNNAMED] == 2
    assert found.bids(101) == [(13, 3)]


def test_a_fill_of_an_order_never_shown(replayed: Any) -> None:
    found = replayed([*buys((77, 3)), cancel("A", 77, 101, 3)])
    assert found.verdicts == {Verdict.UNKNOWN: 1}
    assert found.asks(101) == [(1, 3), (2, 4)]


def test_records_at_odds_with_those_before_are_counted(replayed: Any) -> None:
    found = replayed([cancel("A", 77, 101, 3)], [add("A", 1, 105, 1)], [modify("B", 78, 95, 1)])
    assert found.facts[mbo_replay.UNKNOWN_CANCELLED] == 1
    assert found.facts[mbo_replay.UNKNOWN_MODIFIED] == 1
    assert found.facts[mbo_replay.ADDED_TWICE] == 1
    assert found.asks(101) == [(1, 3), (2, 4)]
    assert found.bids(95) == [(78, 1)]


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
    assert outcome.exact == 2_945
    assert outcome.verdicts == {Verdict.EXACT: 2_914, Verdict.LISTED: 31, Verdict.ICEBERG: 27}
    assert dict(outcome.facts) == {
        mbo_replay.FROM_SNAPSHOT: 8_725,
        Unmatched.AUCTION.value: 1,
        mbo_replay.HIDDEN_LOTS: 14,
        mbo_replay.INTO_THE_CROSS: 107,
        mbo_replay.PREVENTED: 132,
        mbo_replay.CONTESTED: 2_060,
    }


def test_the_real_session_s_icebergs(session: MboReplay) -> None:
    """Each of the 27 ends with the book out of displayed lots, and one iceberg giving just what is missing."""
    icebergs = set()
    for told, fills, verdict in session.outcome.differences:
        if verdict is Verdict.ICEBERG:
            ours, theirs = dict(fills), dict(told.fills)
            assert ours.keys() == theirs.keys()
            assert sum(ours.values()) < sum(theirs.values()) == told.quantity
            (iceberg,) = (order_id for order_id in ours if theirs[order_id] != ours[order_id])
            icebergs.add(iceberg)
    assert len(icebergs) == 11


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
