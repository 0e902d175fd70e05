"""How LOBSTER's messages become commands, and how the book keeps to the window that the rows show."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.lobster import write_pair
from pricetime import OrderBook, Side
from pricetime.reference import ReferenceBook
from pricetime.tape import lobster_replay, window
from pricetime.tape.file import TapeError
from pricetime.tape.lobster_replay import LobsterReplay
from pricetime.tape.outcome import Verdict
from pricetime.tape.skipped import Skipped
from tests.tape.replayed import Expected, Queue, asks, bids
from tests.tape.replayed import Replayed as AnyReplayed
from tests.tape.tapes import lines_file, lobster_files

#: Rows are ask price, ask size, bid price, bid size. The first shows 10 lots at 101 and 20 at 99, one level a side.
NOTHING = "34200.0,5,0,1,100,1"
FIRST = (NOTHING, "101,10,99,20")

Line = tuple[str, str]


class Replayed(AnyReplayed):
    def queue(self, side: Side, price: float) -> Queue:
        """Of an order that stands for those never told of, the id is "?"."""
        orders = self.replay.book.orders(side, price)
        return [("?" if order.id >= window.UNSEEN_FROM else order.id, order.quantity) for order in orders]

    def agrees(self) -> bool:
        """Did every row agree?"""
        facts = self.facts
        rows = facts[window.BOTH_COMPARED]
        sides = facts[window.SIDES_COMPARED]
        return bool(
            0 < sides == facts[window.SIDES_AGREE] and rows == facts[window.BEST_AGREES] == facts[window.ALL_AGREE]
        )


@pytest.fixture(params=[ReferenceBook, OrderBook])
def replayed(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def run(*tape: Line) -> Replayed:
        messages, orderbook = lobster_files(tmp_path, tape)
        return Replayed(LobsterReplay(messages, request.param, orderbook=orderbook))

    return run


@pytest.fixture(params=[ReferenceBook, OrderBook])
def replayed_without_rows(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    def run(*messages: str) -> Replayed:
        return Replayed(LobsterReplay(lines_file(tmp_path / "m.csv", messages), request.param))

    return run


def line(kind: int, order_id: int, size: int, price: int, direction: int, time: float = 34201) -> str:
    return f"{time},{kind},{order_id},{size},{price},{direction}"


ADDED = (line(1, 5, 4, 101, -1), "101,14,99,20")  # to the first row
EXACT = Verdict.EXACT

#: Name of the rule: the lines of a tape, of which every row agrees, and what there is after them.
CASES: dict[str, tuple[list[Line], Expected]] = {
    # Messages.
    "new orders queue up behind": (
        [FIRST, ADDED, (line(1, 6, 1, 100, 1), "101,14,100,1")],
        {asks(101): [("?", 10), (5, 4)], bids(100): [(6, 1)]},
    ),
    "cancels in part and whole": (
        [FIRST, ADDED, (line(1, 6, 2, 101, -1), "101,16,99,20"), (line(2, 5, 3, 101, -1), "101,13,99,20"),
         (line(3, 6, 2, 101, -1), "101,11,99,20")],
        {asks(101): [("?", 10), (5, 1)]},
    ),
    "a cancel of an order from before the tape": (
        [FIRST, (line(2, 77, 3, 101, -1), "101,7,99,20"), (line(3, 78, 2, 99, 1), "101,7,99,18")],
        {asks(101): [("?", 7)], bids(99): [("?", 18)]},
    ),
    "executions at the front of the queue": (
        [FIRST, ADDED, (line(4, 77, 10, 101, -1), "101,4,99,20"), (line(4, 5, 1, 101, -1), "101,3,99,20")],
        {EXACT: 2, lobster_replay.AT_BEST: 2, lobster_replay.OF_STAND_INS: 1, lobster_replay.IDENTIFIED: 1,
         asks(101): [(5, 3)]},
    ),
    "an execution of a stand-in checks no identity": (
        [FIRST, ADDED, (line(4, 77, 10, 101, -1), "101,4,99,20")],
        {EXACT: 1, lobster_replay.OF_STAND_INS: 1, lobster_replay.IDENTIFIED: 0},
    ),
    "an execution not at the best price": (
        [(NOTHING, "101,10,99,20,103,5,98,5"), (line(4, 77, 5, 103, -1), "101,10,99,20,9999999999,0,98,5")],
        {Verdict.PRICE: 1, lobster_replay.AT_BEST: 0},
    ),
    "what is not compared changes nothing": (
        [FIRST, *[(line(kind, 0, 3, 100, 1), FIRST[1]) for kind in (5, 5, 6, 7)]],
        dict(zip(lobster_replay.NOT_COMPARED.values(), (2, 1, 1), strict=True)),
    ),
    "an order told twice is counted": ([FIRST, ADDED, ADDED], {lobster_replay.ADDED_TWICE: 1}),
    "a cancel of nothing is counted": (
        [FIRST, ADDED, (line(3, 9, 4, 103, -1), ADDED[1])],
        {lobster_replay.UNKNOWN_CANCELLED: 1},
    ),
    "an execution of nothing is counted": ([FIRST, (line(4, 5, 4, 103, -1), FIRST[1])], {Verdict.PRICE: 1}),
    # The window.
    "a level that comes into sight is taken over": (
        [FIRST, (line(4, 77, 10, 101, -1), "103,7,99,20"), (line(3, 78, 20, 99, 1), "103,7,95,1")],
        {EXACT: 1, window.REVEALED: 2, bids(95): [("?", 1)], asks(103): [("?", 7)], asks(101): [], bids(99): []},
    ),
    # Of the side whose only level in sight has gone, nothing is left to compare.
    "a level that comes into sight is not compared": (
        [FIRST, (line(4, 77, 10, 101, -1), "103,7,99,20"), (line(1, 5, 1, 99, 1), "103,7,99,21")],
        {EXACT: 1, window.ROWS: 2, window.SIDES_COMPARED: 3, window.BOTH_COMPARED: 1},
    ),
    # Order 5 at 101 goes out of sight behind 6 at 100; when that is gone, the row shows 102: 5 has gone too.
    "what went out of sight may have gone": (
        [FIRST, ADDED, (line(1, 6, 1, 100, -1), "100,1,99,20"), (line(3, 6, 1, 100, -1), "102,3,99,20")],
        {asks(101): [], asks(102): [("?", 3)]},
    ),
    # Even where the size is what it was: order 5 may have left and a different one arrived.
    "of what was out of sight only the row is trusted": (
        [FIRST, ADDED, (line(1, 6, 1, 100, -1), "100,1,99,20"), (line(3, 6, 1, 100, -1), "101,14,99,20"),
         (line(1, 7, 2, 101, -1), "101,16,99,20"), (line(4, 5, 4, 101, -1), "101,12,99,20"),
         (line(4, 8, 10, 101, -1), "101,2,99,20")],
        {EXACT: 2, asks(101): [(7, 2)]},
    ),
    # The second level of a two-level row is empty: a message announces whatever arrives there later.
    "a side that is wholly in sight hides nothing": (
        [(NOTHING, "101,10,99,20,9999999999,0,98,5"), (line(1, 5, 4, 103, -1), "101,10,99,20,103,4,98,5"),
         (line(4, 77, 10, 101, -1), "103,4,99,20,9999999999,0,98,5")],
        {EXACT: 1, asks(103): [(5, 4)]},
    ),
    # Lines that cannot be used.
    "a message that cannot be read leaves the book to its row": (
        [FIRST, ADDED, ("34201,1,6,?,100,-1", "100,2,99,20"), (line(4, 7, 2, 100, -1), "101,14,99,20"),
         (line(4, 77, 10, 101, -1), "101,4,99,20")],
        {EXACT: 2, asks(101): [("?", 4)], window.ROWS: 3},
    ),
    "a row that cannot be read is not compared, nor is the next": (
        [FIRST, (ADDED[0], "101,14,99,"), (line(1, 6, 1, 101, -1), "101,15,99,20"),
         (line(4, 77, 10, 101, -1), "101,5,99,20")],
        {EXACT: 1, asks(101): [(5, 4), (6, 1)], window.ROWS: 1},
    ),
    "what the book refuses is skipped": (
        [FIRST, (line(1, 5, 0, 101, -1), FIRST[1]), (line(1, 6, 1, 101, -1), "101,11,99,20")],
        {asks(101): [("?", 10), (6, 1)]},
    ),
}  # fmt: skip

#: By the name of the rule: what is said of the lines that were skipped.
SKIPPED = {
    "a message that cannot be read leaves the book to its row": (
        "message_1.csv, line 3: size '?' is not a whole number in '34201,1,6,?,100,-1'"
    ),
    "a row that cannot be read is not compared, nor is the next": "orderbook_1.csv, line 2: field '' is not a whole n",
    "what the book refuses is skipped": "message_1.csv, line 2: quantity 0 is out of",
}


@pytest.mark.parametrize("name", CASES)
def test_rules(replayed: Any, name: str) -> None:
    tape, expected = CASES[name]
    found = replayed(*tape)
    found.is_as(expected)
    assert found.agrees()
    assert [SKIPPED[name] in said for said in found.outcome.skipped.named] == [True] * (name in SKIPPED)


def test_the_first_row_fills_the_book(replayed: Any) -> None:
    found = replayed(FIRST)
    assert found.replay.depth(5) == ([(99, 20, 1)], [(101, 10, 1)])
    assert found.asks(101) == [("?", 10)]
    assert found.facts[lobster_replay.OPENING] == 1
    assert replayed((NOTHING, "9999999999,0,99,20")).replay.depth(5) == ([(99, 20, 1)], [])


def test_the_first_row_holds_the_first_message(replayed: Any) -> None:
    assert replayed((line(1, 5, 4, 101, -1), "101,10,99,20")).asks(101) == [("?", 6), (5, 4)]
    assert replayed((line(1, 5, 10, 101, -1), "101,10,99,20")).asks(101) == [(5, 10)]


def test_an_execution_out_of_turn_is_a_difference_and_the_book_follows(replayed: Any) -> None:
    found = replayed(FIRST, ADDED, (line(4, 5, 4, 101, -1), "101,10,99,20"))
    found.is_as({Verdict.QUEUE: 1, asks(101): [("?", 10)]})
    assert found.agrees()
    (difference,) = found.outcome.differences
    assert difference.trade.fills == ((5, 4),)
    assert found.replay.order_text(difference.fills[0][0]) == "orders never shown"
    assert found.replay.order_text(5) == "5"


@pytest.mark.parametrize(
    "row",
    ["101,15,99,20", "101,14,99,19", "100,14,99,20", "9999999999,0,99,20"],
)
def test_a_row_that_no_message_explains_is_counted_and_followed(replayed: Any, row: str) -> None:
    found = replayed(FIRST, (line(1, 5, 4, 101, -1), row), (NOTHING, row))
    assert (found.facts[window.ROWS], found.facts[window.BEST_AGREES], found.facts[window.ALL_AGREE]) == (2, 1, 1)
    ask, ask_size, bid, bid_size = map(int, row.split(","))
    bids, asks = found.replay.depth(1)
    assert [level[:2] for level in asks] == ([(ask, ask_size)] if ask_size else [])
    assert [level[:2] for level in bids] == [(bid, bid_size)]


def test_a_deeper_level_that_no_message_explains(replayed: Any) -> None:
    found = replayed((NOTHING, "101,10,99,20,103,5,98,5"), (NOTHING, "101,10,99,20,103,5,98,6"))
    assert (found.facts[window.ROWS], found.facts[window.BEST_AGREES], found.facts[window.ALL_AGREE]) == (1, 1, 0)


# -------------------------------------------------------------------- rows in bulk


@pytest.mark.parametrize("levels", [1, 2, 5])
@pytest.mark.parametrize("seed", range(4))
def test_rows_that_are_explained_in_bulk_are_those_that_agree_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, levels: int, seed: int
) -> None:
    """The same counts and the same book as from comparing every row, on a tape with lines that contradict others."""
    messages, orderbook = spoiled(*write_pair(tmp_path, 1500, levels, seed), chance=random.Random(seed))
    bulk = Replayed(LobsterReplay(messages, OrderBook, orderbook=orderbook))
    assert bulk.replay._window.explained > 300
    monkeypatch.setattr(lobster_replay, "explain", lambda told, before, after: np.zeros(len(told.line), np.int64))
    one_by_one = Replayed(LobsterReplay(messages, OrderBook, orderbook=orderbook))
    assert one_by_one.replay._window.explained == 0
    assert bulk.facts == one_by_one.facts
    assert bulk.verdicts == one_by_one.verdicts
    assert bulk.replay.digest() == one_by_one.replay.digest()
    assert bulk.replay.depth(10) == one_by_one.replay.depth(10)


def spoiled(messages: Path, orderbook: Path, chance: random.Random) -> tuple[Path, Path]:
    """A pair in which some messages are of other orders, sizes and kinds, and some rows are those of other moments."""
    lines = [line.split(",") for line in messages.read_text().splitlines()]
    rows = orderbook.read_text().splitlines()
    for i in chance.sample(range(1, len(lines)), len(lines) // 20):
        field, value = chance.choice([(1, "1"), (1, "3"), (1, "5"), (2, lines[i - 1][2]), (3, "7"), (3, "0")])
        lines[i][field] = value
    for i in chance.sample(range(1, len(rows)), len(rows) // 20):
        rows[i] = rows[max(0, i - chance.randint(1, 30))]
    messages.write_text("".join(",".join(line) + "\n" for line in lines))
    orderbook.write_text("".join(f"{row}\n" for row in rows))
    return messages, orderbook


# -------------------------------------------------------------------- lines that cannot be used


def test_the_first_rows_cannot_be_read(replayed: Any) -> None:
    found = replayed((NOTHING, "101,,99,20"), (line(1, 5, 4, 101, -1), "x,,99,20"), (NOTHING, "101,14,99,20"))
    assert found.asks(101) == [("?", 14)]
    assert found.facts[lobster_replay.OPENING] == 1
    assert len(found.outcome.skipped) == 2


def test_too_many_lines_that_cannot_be_used(tmp_path: Path) -> None:
    path = lines_file(tmp_path / "m.csv", [NOTHING, *["bad"] * 4])
    with pytest.raises(TapeError, match="line 4: 1 fields instead of 6 in 'bad'; 2 before it were skipped"):
        LobsterReplay(path, OrderBook, skipped=Skipped(2)).run()


def test_a_moment_before_a_line_that_cannot_be_read(tmp_path: Path) -> None:
    path = lines_file(tmp_path / "m.csv", [line(1, 5, 4, 101, -1), "bad", line(1, 6, 4, 102, -1, time=34205)])
    replay = LobsterReplay(path, OrderBook)
    replay.run(until=replay.clock().parse("34204"))
    assert replay.depth(5)[1] == [(101, 4, 1)]
    assert replay.run().records == 3


# -------------------------------------------------------------------- without rows


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (  # the messages alone build the book
            [line(1, 5, 4, 101, -1), line(1, 6, 3, 101, -1), line(4, 5, 4, 101, -1)],
            {EXACT: 1, asks(101): [(6, 3)], window.ROWS: 0},
        ),
        (  # a delete takes the whole order
            [line(1, 5, 4, 101, -1), line(3, 5, 4, 101, -1), line(3, 5, 4, 101, -1)],
            {asks(101): [], lobster_replay.UNKNOWN_CANCELLED: 1},
        ),
        ([line(4, 77, 4, 101, -1)], {Verdict.UNKNOWN: 1}),
        (  # a new bid at 102 shows that the asks up to there have gone, an execution at 105 that those below it have
            [line(1, 1, 4, 101, -1), line(1, 2, 3, 102, -1), line(1, 3, 3, 104, -1), line(1, 4, 3, 105, -1),
             line(1, 5, 1, 102, 1), line(4, 4, 3, 105, -1)],
            {EXACT: 1, bids(102): [(5, 1)], asks(101): [], asks(102): [], asks(104): [], asks(105): []},
        ),
    ],
)  # fmt: skip
def test_without_rows(replayed_without_rows: Any, messages: list[str], expected: Expected) -> None:
    replayed_without_rows(*messages).is_as(expected)


def test_without_rows_the_opening_book_is_missing(replayed_without_rows: Any, replayed: Any) -> None:
    (warning,) = replayed_without_rows(line(1, 5, 4, 101, -1)).replay.warnings()
    assert warning.startswith("the opening book is missing: the orders that rest before")
    assert "with --orderbook" in warning
    assert replayed(FIRST).replay.warnings() == []


def test_without_rows_the_warning_says_how_the_other_file_may_be_called(tmp_path: Path) -> None:
    replay = LobsterReplay(lines_file(tmp_path / "X_message_5.csv", [NOTHING]), OrderBook)
    assert "(LOBSTER calls it X_orderbook_5.csv)" in replay.warnings()[0]


# -------------------------------------------------------------------- files


@pytest.mark.parametrize(("messages", "rows", "shorter"), [(2, 3, "message"), (3, 2, "orderbook")])
def test_files_of_different_length(tmp_path: Path, messages: int, rows: int, shorter: str) -> None:
    message_file = lines_file(tmp_path / "message.csv", [NOTHING] * messages)
    orderbook = lines_file(tmp_path / "orderbook.csv", [FIRST[1]] * rows)
    replay = LobsterReplay(message_file, OrderBook, orderbook=orderbook)
    with pytest.raises(TapeError, match=rf"{shorter}\.csv: has fewer lines than .*: they belong to different tapes"):
        replay.run()


def test_times(tmp_path: Path) -> None:
    times = [line(1, number, 1, 90 + number, 1, time=34200 + number) for number in range(1, 5)]
    replay = LobsterReplay(lines_file(tmp_path / "m.csv", times), OrderBook)
    replay.run(until=replay.clock().parse("09:30:02"))
    assert replay.depth(1)[0] == [(92, 1, 1)]
    replay.run()
    assert replay.depth(1)[0] == [(94, 1, 1)]


# -------------------------------------------------------------------- real files


def real(folder: Path, symbol: str, levels: Sequence[str]) -> tuple[Path, Path]:
    message, orderbook = levels
    return folder / f"{symbol}_2012-06-21_{message}", folder / f"{symbol}_2012-06-21_{orderbook}"


@pytest.mark.parametrize("book", [ReferenceBook, OrderBook])
def test_aapl_ten_levels(real_data: Path, book: Any) -> None:
    names = ("head1000_message_10.csv", "head1000_orderbook_10.csv")
    messages, orderbook = real(real_data, "AAPL", names)
    found = Replayed(LobsterReplay(messages, book, orderbook=orderbook))
    assert found.outcome.records == 999
    assert found.verdicts == {Verdict.EXACT: 98}
    assert found.facts[lobster_replay.AT_BEST] == 98
    assert found.facts[lobster_replay.OF_STAND_INS] == 8
    assert found.facts[lobster_replay.IDENTIFIED] == 90
    assert found.facts[window.ROWS] == found.facts[window.BOTH_COMPARED] == 998
    assert found.agrees()


def test_amzn_one_level(real_data: Path) -> None:
    messages, orderbook = real(real_data, "AMZN", ("message_1.csv.gz", "orderbook_1.csv.gz"))
    found = Replayed(LobsterReplay(messages, OrderBook, orderbook=orderbook))
    assert found.outcome.records == 57_515
    assert found.verdicts == {Verdict.EXACT: 8_966, Verdict.QUEUE: 8}
    assert found.facts[lobster_replay.AT_BEST] == 8_974
    assert found.facts[lobster_replay.OF_STAND_INS] == 4_492
    assert found.facts[lobster_replay.IDENTIFIED] == 4_474
    assert found.facts[window.ROWS] == 57_514
    assert found.facts[window.SIDES_COMPARED] == 2 * 57_514 - 13_953
    assert found.facts[window.BOTH_COMPARED] == 43_561
    assert found.agrees()
    assert not found.facts[lobster_replay.UNKNOWN_CANCELLED]
    assert not found.facts[lobster_replay.ADDED_TWICE]
