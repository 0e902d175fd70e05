"""How icebergs are inferred: from what one event tells, and from what the tape told before."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from pricetime import OrderBook, Side
from pricetime.reference import ReferenceBook
from pricetime.tape import databento, mbo_replay
from pricetime.tape.icebergs import MOST_SLICES, Icebergs, Left, fits, left_after, smallest_display
from pricetime.tape.mbo import ADD, ASK, BID, CANCEL, CLEAR, FILL, MODIFY, TRADE, Record
from pricetime.tape.mbo_replay import MboReplay
from pricetime.tape.outcome import Verdict, lots_by_order
from pricetime.types import ReportKind, TimeInForce
from tests.tape.replayed import Replayed

LETTER = {Side.BID: BID, Side.ASK: ASK}


@pytest.mark.parametrize(
    ("display", "lots", "shown", "found"),
    [
        (4, 4, 3, True), (4, 12, 2, True), (4, 12, 4, True), (4, 12, 5, False),  # whole slices
        (4, 6, 2, True), (4, 6, 3, False), (4, 3, 3, True),  # the last one is smaller
        (4, 6, 0, True), (4, 8, 0, True),  # it shows nothing more, or that is unknown
    ],
)  # fmt: skip
def test_a_display_quantity_fits_the_lots_that_came_to_light(display: int, lots: int, shown: int, found: bool) -> None:
    assert fits(display, lots, shown) is found


@pytest.mark.parametrize(
    ("lots", "least", "display"),
    [
        (12, 3, 3), (12, 5, 6), (31, 29, 31), (31, 2, 31), (3, 7, 7), (1, 1, 1),
        (10**12, 1, 10**9), (10**12 + 39, 2, 10**12 + 39),
    ],
)  # fmt: skip
def test_the_smallest_display_quantity_of_whole_slices(lots: int, least: int, display: int) -> None:
    assert smallest_display(lots, least) == display


def test_what_an_order_has_left_after_a_trade() -> None:
    def record(action: bytes, order_id: int, size: int) -> Record:
        return Record(1, 1, action, BID, order_id, 100, size)

    records = [
        record(TRADE, 1, 9), record(FILL, 1, 4), record(FILL, 9, 5), record(CANCEL, 3, 1),
        record(MODIFY, 1, 2), record(MODIFY, 2, 3), record(FILL, 1, 2), record(MODIFY, 1, 7),
    ]  # fmt: skip
    assert left_after(records, [1, 2, 3]) == {1: Left(6, 0), 2: Left(3, 3), 3: Left(0, 0)}


# -------------------------------------------------------------------- tapes of two icebergs


def replay(*events: Sequence[Record]) -> Replayed:
    return Replayed(MboReplay(events, OrderBook, icebergs=Icebergs()))


def at(time: int, *records: tuple[bytes, bytes, int, int]) -> list[Record]:
    """An event of one price."""
    return [Record(time, time, action, side, order_id, 100, size) for action, side, order_id, size in records]


def queue(found: Replayed) -> list[tuple[int, int]]:
    return [(order.id, order.quantity) for order in found.replay.market.book.orders(Side.ASK, 100)]


OPENING = at(1, (ADD, ASK, 1, 3), (ADD, ASK, 2, 2), (ADD, ASK, 3, 1))


def test_slices_of_two_icebergs_take_turns() -> None:
    """1 displays 3 and 2 displays 2: the 14 lots are 3 2 1 | 3 2 | 3, and 1 and 2 come back."""
    found = replay(
        OPENING,
        at(2, (TRADE, BID, 9, 14), (FILL, ASK, 3, 1), (FILL, ASK, 2, 4), (FILL, ASK, 1, 9),
           (CANCEL, ASK, 3, 1), (MODIFY, ASK, 2, 2), (MODIFY, ASK, 1, 3)),
        at(3, (TRADE, BID, 9, 3), (FILL, ASK, 2, 2), (FILL, ASK, 1, 1), (CANCEL, ASK, 2, 2), (MODIFY, ASK, 1, 2)),
    )  # fmt: skip
    assert found.verdicts == {Verdict.INFERRED: 1, Verdict.EXACT: 1}
    assert found.outcome.exact == 2
    assert found.outcome.differences[0].fills == ((1, 3), (2, 2), (3, 1), (1, 3), (2, 2), (1, 3))
    assert queue(found) == [(1, 2)]
    assert found.replay.icebergs.found == {1, 2}
    assert found.facts[mbo_replay.ICEBERGS] == 2
    assert found.facts[mbo_replay.HIDDEN_GIVEN] == 8
    assert found.facts[mbo_replay.REFRESHED] == 2


def test_lots_that_no_icebergs_explain_are_a_difference() -> None:
    """The slices of 1 and 2 take turns: 2 cannot give 10 lots while 1, which comes back, gives 3."""
    found = replay(
        OPENING,
        at(2, (TRADE, BID, 9, 14), (FILL, ASK, 3, 1), (FILL, ASK, 2, 10), (FILL, ASK, 1, 3),
           (CANCEL, ASK, 3, 1), (MODIFY, ASK, 2, 2), (MODIFY, ASK, 1, 3)),
    )  # fmt: skip
    assert found.verdicts == {Verdict.ICEBERG: 1}
    assert found.facts[mbo_replay.ICEBERGS] == 0
    assert queue(found) == [(2, 2), (1, 3)]  # as the tape says


def test_an_order_of_too_many_slices_is_no_iceberg() -> None:
    many = MOST_SLICES + 1
    found = replay(
        at(1, (ADD, ASK, 1, 1)), at(2, (TRADE, BID, 9, many + 1), (FILL, ASK, 1, many + 1), (CANCEL, ASK, 1, 1))
    )
    assert found.verdicts == {Verdict.ICEBERG: 1}
    found = replay(at(1, (ADD, ASK, 1, 1)), at(2, (TRADE, BID, 9, many), (FILL, ASK, 1, many), (CANCEL, ASK, 1, 1)))
    assert found.verdicts == {Verdict.INFERRED: 1}


@pytest.mark.parametrize(
    ("before", "display"),
    [
        ([], 1),  # it displays the one lot that it has: 1 + 1 + 1 + 1, and the last one is left
        ([at(2, (TRADE, BID, 9, 2), (FILL, ASK, 1, 2), (MODIFY, ASK, 1, 1))], 3),  # it displayed 3 before
        ([at(2, (TRADE, BID, 9, 3), (FILL, ASK, 1, 3), (MODIFY, ASK, 1, 3)), at(3, (MODIFY, ASK, 1, 1))], 1),
        ([at(2, (TRADE, BID, 9, 2), (FILL, ASK, 1, 2), (MODIFY, ASK, 1, 1)), at(3, (CANCEL, ASK, 1, 1)),
          at(4, (ADD, ASK, 1, 1))], 1),
        ([at(2, (TRADE, BID, 9, 2), (FILL, ASK, 1, 2), (MODIFY, ASK, 1, 1)), at(3, (CLEAR, ASK, 0, 0)),
          at(4, (ADD, ASK, 1, 1), (ADD, BID, 8, 1)),
          at(5, (TRADE, ASK, 9, 1), (FILL, BID, 8, 1), (CANCEL, BID, 8, 1))], 1),
    ],
)  # fmt: skip
def test_the_display_quantity_is_the_most_that_an_order_has_shown(before: Any, display: int) -> None:
    start = at(1, (ADD, ASK, 1, 3 if before else 1))
    last = at(9, (TRADE, BID, 9, 3), (FILL, ASK, 1, 3), (MODIFY, ASK, 1, 1))
    found = replay(start, *before, last)
    assert found.verdicts[Verdict.INFERRED] == 1
    slices = [lots for order_id, lots in found.outcome.differences[-1].fills]
    assert slices == {1: [1, 1, 1], 3: [1, 2]}[display]
    assert queue(found) == [(1, 1)]


def test_an_order_that_trades_twice_in_an_event_keeps_its_hidden_lots() -> None:
    found = replay(
        at(1, (ADD, ASK, 1, 2)),
        at(2, (TRADE, BID, 8, 3), (FILL, ASK, 1, 3), (TRADE, BID, 9, 4), (FILL, ASK, 1, 4), (MODIFY, ASK, 1, 1)),
    )
    assert found.verdicts == {Verdict.INFERRED: 2}
    assert [one.fills for one in found.outcome.differences] == [((1, 2), (1, 1)), ((1, 1), (1, 2), (1, 1))]
    assert queue(found) == [(1, 1)]


def test_a_refreshed_slice_that_trades_in_the_same_event_is_known_though_the_tape_shows_it_later() -> None:
    found = replay(
        at(1, (ADD, ASK, 1, 2), (ADD, ASK, 2, 3)),
        at(2, (TRADE, BID, 7, 2), (FILL, ASK, 1, 2), (TRADE, BID, 8, 4), (FILL, ASK, 2, 3), (FILL, ASK, 1, 1),
           (TRADE, BID, 9, 2), (FILL, ASK, 1, 2), (CANCEL, ASK, 2, 3), (MODIFY, ASK, 1, 1)),
    )  # fmt: skip
    assert found.verdicts == {Verdict.EXACT: 2, Verdict.INFERRED: 1}
    assert found.outcome.differences[0].fills == ((1, 1), (1, 1))
    assert queue(found) == [(1, 1)]
    assert found.facts[mbo_replay.ICEBERGS] == found.facts[mbo_replay.REFRESHED] == 1


def test_each_book_reproduces_the_real_session(real_data: Path) -> None:
    pytest.importorskip("databento_dbn", reason="needs databento-dbn: pip install '.[tape]'")
    events = databento.events(real_data / "esh4-glbx-mdp3-20231225.mbo.dbn.zst")
    outcome = MboReplay(events, OrderBook, icebergs=Icebergs()).run()
    assert outcome.verdicts[Verdict.INFERRED] == 27
    assert outcome.exact == outcome.trades == 2_972


# -------------------------------------------------------------------- a market with icebergs, as its tape tells it


class Exchange:
    """A book with icebergs that writes a tape as the CME does: displayed lots only, one fill of an order in a trade."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.book = ReferenceBook()
        self.ids = 0
        self.times = 0

    def events(self, count: int) -> Iterator[list[Record]]:
        for _ in range(count):
            self.times += 1
            chance = self.random.random()
            if chance < 0.55 or not len(self.book):
                records = self.add()
            elif chance < 0.65:
                records = self.cancel()
            else:
                records = self.take()
            if records:
                yield records

    def record(self, action: bytes, side: Side, order_id: int, price: int, size: int) -> Record:
        return Record(self.times, self.times, action, LETTER[side], order_id, price, size)

    def add(self) -> list[Record]:
        """An order that rests at once; every other is an iceberg."""
        side = self.random.choice(list(Side))
        price = 100 + self.random.randint(0, 2) * (1 if side is Side.ASK else -1) + (side is Side.ASK)
        self.ids += 1
        display = self.random.randint(1, 4)
        quantity = display * self.random.choice([1, 2, 3, 9]) + self.random.randint(0, display - 1)
        self.book.add_order(self.ids, side, price, quantity, display_quantity=self.random.choice([0, display]))
        return [self.record(ADD, side, self.ids, price, self.shown(self.ids))]

    def shown(self, order_id: int) -> int:
        order = self.book.by_id.get(order_id)
        return 0 if order is None else order.shown

    def cancel(self) -> list[Record]:
        order = self.random.choice([*self.book])
        self.book.cancel_order(order.id)
        return [self.record(CANCEL, order.side, order.id, order.price, order.quantity)]

    def take(self) -> list[Record]:
        """An order of any size that trades through levels, and does not rest."""
        side = self.random.choice(list(Side))
        self.ids += 1
        limit = 103 if side is Side.BID else 98
        seen = len(self.book.reports)
        resting = {order.id: order for order in self.book}
        quantity = self.random.choice([1, 2, 5, 12, 30])
        self.book.add_order(self.ids, side, limit, quantity, time_in_force=TimeInForce.IOC)
        trades = [report for report in self.book.reports[seen:] if report.kind == ReportKind.TRADE]
        records = []
        for price in dict.fromkeys(trade.price for trade in trades):
            fills = lots_by_order((trade.maker_id, trade.quantity) for trade in trades if trade.price == price)
            records.append(self.record(TRADE, side, self.ids, price, sum(fills.values())))
            for order_id, lots in fills.items():
                records.append(self.record(FILL, resting[order_id].side, order_id, price, lots))
        makers = {trade.maker_id: resting[trade.maker_id] for trade in trades}
        left = [order.id for order in self.book if order.id in makers]  # in queue order
        for order_id, order in makers.items():
            if order_id not in left:
                records.append(self.record(CANCEL, order.side, order_id, order.price, 1))
        return records + [
            self.record(MODIFY, makers[one].side, one, makers[one].price, self.shown(one)) for one in left
        ]


@pytest.mark.parametrize("seed", range(10))
def test_every_trade_of_a_market_with_icebergs_is_reproduced(seed: int) -> None:
    venue = Exchange(seed)
    told = MboReplay([], OrderBook, icebergs=Icebergs())
    for event in venue.events(600):
        told._apply(event)
        assert told.outcome.differing == 0, told.outcome.differences[-1]
        if told.market.continuous:
            assert told.digest() == venue.book.digest()
    assert told.outcome.verdicts[Verdict.INFERRED] > 10
    assert told.outcome.verdicts[Verdict.EXACT] > 100
