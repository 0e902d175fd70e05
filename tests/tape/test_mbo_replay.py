"""How the records of a market-by-order tape become commands, rule by rule; then a real session."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pricetime import OrderBook, Side
from pricetime.reference import ReferenceBook
from pricetime.tape import mbo_replay
from pricetime.tape.file import TapeError
from pricetime.tape.mbo_replay import MboReplay
from pricetime.tape.outcome import Verdict
from tests.tape.tapes import (
    DOLLAR,
    SECOND_NS,
    START_NS,
    Rec,
    add,
    cancel,
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
        return Replayed(MboReplay(dbn_file(tmp_path, events, snapshot=snapshot), request.param))

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
    assert not found.facts[mbo_replay.STRAYS]


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
    assert found.facts[mbo_replay.AUCTIONS] == 1
    assert found.facts[mbo_replay.AUCTION_HIDDEN] == 3
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
    assert found.facts[mbo_replay.STRAYS] == 3
    assert found.asks(101) == [(1, 3), (2, 4)]
    assert found.bids(95) == [(78, 1)]


def test_what_the_book_refuses_is_named_with_its_time(replayed: Any) -> None:
    with pytest.raises(TapeError, match=r"tape\.mbo\.dbn: at 2023-12-25 00:00:01\.000000000: quantity 0 is out of"):
        replayed([add("A", 5, 105, 0)])


@pytest.mark.parametrize("action", "ACM")
def test_an_order_without_a_side_is_an_error(replayed: Any, action: str) -> None:
    with pytest.raises(
        TapeError, match=rf"00:00:01\.000000000: {action} of order 5 has the side 'N': it must be A or B"
    ):
        replayed([Rec(action, "N", 5, 105, 1)])


def test_records_without_effect(replayed: Any) -> None:
    found = replayed([Rec("N", "N", 0, 0, 0)])
    assert found.outcome.records == 7
    assert len(found.replay.market) == 6


# -------------------------------------------------------------------- moments


def test_run_until_a_moment_and_on(tmp_path: Path) -> None:
    events = [[add("B", 21, 100.5, 1)], [cancel("B", 21, 100.5, 1)], [add("B", 22, 100.75, 1)]]
    replay = MboReplay(dbn_file(tmp_path, events, snapshot=SNAPSHOT), OrderBook)
    best = []
    for seconds in (0, 0.5, 1, 1.5, 2, 3, 99):
        replay.run(until=START_NS + round(seconds * SECOND_NS))
        best.append(replay.depth(1)[0][0][0] / DOLLAR)
    assert best == [100, 100, 100.5, 100.5, 100, 100.75, 100.75]
    assert replay.run().records == 9
    assert replay.clock().text(replay.clock().parse("0:00:02")) == "2023-12-25 00:00:02.000000000"


# -------------------------------------------------------------------- a real session


@pytest.fixture(scope="module")
def session(real_data: Path) -> MboReplay:
    replay = MboReplay(real_data / ESH4, OrderBook)
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
        mbo_replay.AUCTIONS: 1,
        mbo_replay.AUCTION_HIDDEN: 14,
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
    replays = [MboReplay(real_data / ESH4, book) for book in (OrderBook, ReferenceBook)]
    until = replays[0].clock().parse("23:03:00")
    fast, naive = (replay.run(until) for replay in replays)
    assert fast.trades > 100
    assert (fast.verdicts, fast.facts) == (naive.verdicts, naive.facts)
    assert fast.differences == naive.differences
    assert replays[0].digest() == replays[1].digest()
    assert replays[0].depth(50) == replays[1].depth(50)
