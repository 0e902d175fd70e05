"""How LOBSTER's messages become commands, and how the book keeps to the window that the rows show."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.lobster import write_pair
from pricetime import ASK, BID, OrderBook, Side
from pricetime.reference import ReferenceBook
from pricetime.tape import lobster_replay, window
from pricetime.tape.file import TapeError
from pricetime.tape.lobster_replay import LobsterReplay
from pricetime.tape.outcome import Verdict
from pricetime.tape.skipped import Skipped
from tests.tape.tapes import lines_file, lobster_files

#: Rows are ask price, ask size, bid price, bid size. The first shows 10 lots at 101 and 20 at 99, one level a side.
NOTHING = "34200.0,5,0,1,100,1"
FIRST = (NOTHING, "101,10,99,20")

Line = tuple[str, str]


class Replayed:
    """A small tape after its replay."""

    def __init__(self, replay: LobsterReplay) -> None:
        self.replay = replay
        self.outcome = replay.run()
        self.facts = self.outcome.facts

    @property
    def verdicts(self) -> dict[Verdict, int]:
        return dict(self.outcome.verdicts)

    def queue(self, side: Side, price: int) -> list[tuple[int | str, int]]:
        """Id and size; of an order that stands for those never told of, "?"."""
        orders = self.replay.book.orders(side, price)
        return [("?" if order.id >= window.UNSEEN_FROM else order.id, order.quantity) for order in orders]

    def agrees(self) -> bool:
        """Did every row agree?"""
        facts = self.facts
        rows = facts[window.BOTH_COMPARED]
        sides = facts[window.SIDES_COMPARED]
        return 0 < sides == facts[window.SIDES_AGREE] and rows == facts[window.BEST_AGREES] == facts[window.ALL_AGREE]


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


# -------------------------------------------------------------------- the first row


def test_the_first_row_fills_the_book(replayed: Any) -> None:
    found = replayed(FIRST)
    assert found.replay.depth(5) == ([(99, 20, 1)], [(101, 10, 1)])
    assert found.queue(ASK, 101) == [("?", 10)]
    assert found.facts[lobster_replay.OPENING] == 1


def test_the_first_row_holds_the_first_message(replayed: Any) -> None:
    found = replayed((line(1, 5, 4, 101, -1), "101,10,99,20"))
    assert found.queue(ASK, 101) == [("?", 6), (5, 4)]
    assert replayed((line(1, 5, 10, 101, -1), "101,10,99,20")).queue(ASK, 101) == [(5, 10)]


def test_empty_levels_of_the_first_row(replayed: Any) -> None:
    found = replayed((NOTHING, "9999999999,0,99,20"))
    assert found.replay.depth(5) == ([(99, 20, 1)], [])


# -------------------------------------------------------------------- messages


def test_new_orders_queue_up_behind(replayed: Any) -> None:
    found = replayed(FIRST, (line(1, 5, 4, 101, -1), "101,14,99,20"), (line(1, 6, 1, 100, 1), "101,14,100,1"))
    assert found.queue(ASK, 101) == [("?", 10), (5, 4)]
    assert found.queue(BID, 100) == [(6, 1)]
    assert found.agrees()


def test_cancels_in_part_and_whole(replayed: Any) -> None:
    found = replayed(
        FIRST,
        (line(1, 5, 4, 101, -1), "101,14,99,20"),
        (line(1, 6, 2, 101, -1), "101,16,99,20"),
        (line(2, 5, 3, 101, -1), "101,13,99,20"),
        (line(3, 6, 2, 101, -1), "101,11,99,20"),
    )
    assert found.queue(ASK, 101) == [("?", 10), (5, 1)]
    assert found.agrees()


def test_a_cancel_of_an_order_from_before_the_tape(replayed: Any) -> None:
    found = replayed(FIRST, (line(2, 77, 3, 101, -1), "101,7,99,20"), (line(3, 78, 2, 99, 1), "101,7,99,18"))
    assert found.queue(ASK, 101) == [("?", 7)]
    assert found.queue(BID, 99) == [("?", 18)]
    assert found.agrees()


def test_executions_at_the_front_of_the_queue(replayed: Any) -> None:
    found = replayed(
        FIRST,
        (line(1, 5, 4, 101, -1), "101,14,99,20"),
        (line(4, 77, 10, 101, -1), "101,4,99,20"),
        (line(4, 5, 1, 101, -1), "101,3,99,20"),
    )
    assert found.verdicts == {Verdict.EXACT: 2}
    assert found.facts[lobster_replay.AT_BEST] == 2
    assert found.facts[lobster_replay.OF_STAND_INS] == 1
    assert found.facts[lobster_replay.IDENTIFIED] == 1
    assert found.queue(ASK, 101) == [(5, 3)]
    assert found.agrees()


def test_an_execution_out_of_turn_is_a_difference_and_the_book_follows(replayed: Any) -> None:
    found = replayed(FIRST, (line(1, 5, 4, 101, -1), "101,14,99,20"), (line(4, 5, 4, 101, -1), "101,10,99,20"))
    assert found.verdicts == {Verdict.QUEUE: 1}
    assert found.queue(ASK, 101) == [("?", 10)]
    assert found.agrees()
    (difference,) = found.outcome.differences
    assert difference.trade.fills == ((5, 4),)
    assert found.replay.order_text(difference.fills[0][0]) == "orders never shown"
    assert found.replay.order_text(5) == "5"


def test_an_execution_not_at_the_best_price(replayed: Any) -> None:
    two_levels = "101,10,99,20,103,5,98,5"
    found = replayed((NOTHING, two_levels), (line(4, 77, 5, 103, -1), "101,10,99,20,9999999999,0,98,5"))
    assert found.verdicts == {Verdict.PRICE: 1}
    assert found.facts[lobster_replay.AT_BEST] == 0
    assert found.agrees()


def test_what_is_not_compared_changes_nothing(replayed: Any) -> None:
    rows = [(line(kind, 0, 3, 100, 1), FIRST[1]) for kind in (5, 5, 6, 7)]
    found = replayed(FIRST, *rows)
    assert found.outcome.trades == 0
    assert [found.facts[fact] for fact in lobster_replay.NOT_COMPARED.values()] == [2, 1, 1]
    assert found.agrees()


def test_an_order_told_twice_is_counted(replayed: Any) -> None:
    new = (line(1, 5, 4, 101, -1), "101,14,99,20")
    found = replayed(FIRST, new, new)
    assert found.facts[lobster_replay.ADDED_TWICE] == 1
    assert found.agrees()


def test_a_message_about_nothing_is_counted(replayed: Any) -> None:
    found = replayed(FIRST, (line(3, 5, 4, 103, -1), FIRST[1]))
    assert found.facts[lobster_replay.UNKNOWN_CANCELLED] == 1
    found = replayed(FIRST, (line(4, 5, 4, 103, -1), FIRST[1]))
    assert found.verdicts == {Verdict.PRICE: 1}
    assert found.agrees()


# -------------------------------------------------------------------- the window


def test_a_level_that_comes_into_sight_is_taken_over(replayed: Any) -> None:
    found = replayed(FIRST, (line(4, 77, 10, 101, -1), "103,7,99,20"), (line(3, 78, 20, 99, 1), "103,7,95,1"))
    assert found.replay.depth(5) == ([(95, 1, 1)], [(103, 7, 1)])
    assert found.facts[window.REVEALED] == 2
    assert found.agrees()


def test_what_went_out_of_sight_may_have_gone(replayed: Any) -> None:
    """Order 5 at 101 goes out of sight behind 6 at 100; when that is gone, the row shows 102: 5 has gone too."""
    found = replayed(
        FIRST,
        (line(1, 5, 4, 101, -1), "101,14,99,20"),
        (line(1, 6, 1, 100, -1), "100,1,99,20"),
        (line(3, 6, 1, 100, -1), "102,3,99,20"),
    )
    assert found.queue(ASK, 101) == []
    assert found.queue(ASK, 102) == [("?", 3)]
    assert found.agrees()


def test_of_what_was_out_of_sight_only_the_row_is_trusted(replayed: Any) -> None:
    """Even where the size is what it was: order 5 may have left and a different one arrived."""
    found = replayed(
        FIRST,
        (line(1, 5, 4, 101, -1), "101,14,99,20"),
        (line(1, 6, 1, 100, -1), "100,1,99,20"),
        (line(3, 6, 1, 100, -1), "101,14,99,20"),
        (line(1, 7, 2, 101, -1), "101,16,99,20"),
        (line(4, 5, 4, 101, -1), "101,12,99,20"),
        (line(4, 8, 10, 101, -1), "101,2,99,20"),
    )
    assert found.queue(ASK, 101) == [(7, 2)]
    assert found.verdicts == {Verdict.EXACT: 2}
    assert found.agrees()


def test_a_side_that_is_wholly_in_sight_hides_nothing(replayed: Any) -> None:
    """The second level of a two-level row is empty: a message announces whatever arrives there later."""
    found = replayed(
        (NOTHING, "101,10,99,20,9999999999,0,98,5"),
        (line(1, 5, 4, 103, -1), "101,10,99,20,103,4,98,5"),
        (line(4, 77, 10, 101, -1), "103,4,99,20,9999999999,0,98,5"),
    )
    assert found.queue(ASK, 103) == [(5, 4)]
    assert found.agrees()


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


def test_a_level_that_comes_into_sight_is_no_comparison(replayed: Any) -> None:
    """Of the side whose only level in sight has gone, nothing is left to compare."""
    found = replayed(FIRST, (line(4, 77, 10, 101, -1), "103,7,99,20"), (line(1, 5, 1, 99, 1), "103,7,99,21"))
    assert found.facts[window.ROWS] == 2
    assert found.facts[window.SIDES_COMPARED] == found.facts[window.SIDES_AGREE] == 3
    assert found.facts[window.BOTH_COMPARED] == found.facts[window.ALL_AGREE] == 1


def test_an_execution_of_a_stand_in_checks_no_identity(replayed: Any) -> None:
    found = replayed(FIRST, (line(1, 5, 4, 101, -1), "101,14,99,20"), (line(4, 77, 10, 101, -1), "101,4,99,20"))
    assert found.outcome.exact == found.facts[lobster_replay.OF_STAND_INS] == 1
    assert not found.facts[lobster_replay.IDENTIFIED]


# -------------------------------------------------------------------- lines that cannot be used


def test_a_message_that_cannot_be_read_leaves_the_book_to_its_row(replayed: Any) -> None:
    found = replayed(
        FIRST,
        (line(1, 5, 4, 101, -1), "101,14,99,20"),
        ("34201,1,6,?,100,-1", "100,2,99,20"),
        (line(4, 7, 2, 100, -1), "101,14,99,20"),
        (line(4, 77, 10, 101, -1), "101,4,99,20"),
    )
    assert found.queue(ASK, 101) == [("?", 4)]
    assert len(found.outcome.skipped) == 1
    assert (
        "message_1.csv, line 3: size '?' is not a whole number in '34201,1,6,?,100,-1'"
        in found.outcome.skipped.named[0]
    )
    assert found.facts[window.ROWS] == 3
    assert found.agrees()


def test_a_row_that_cannot_be_read_is_not_compared_and_nor_is_the_next(replayed: Any) -> None:
    found = replayed(
        FIRST,
        (line(1, 5, 4, 101, -1), "101,14,99,"),
        (line(1, 6, 1, 101, -1), "101,15,99,20"),
        (line(4, 77, 10, 101, -1), "101,5,99,20"),
    )
    assert found.queue(ASK, 101) == [(5, 4), (6, 1)]
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.facts[window.ROWS] == 1
    assert found.agrees()


def test_the_first_rows_cannot_be_read(replayed: Any) -> None:
    found = replayed((NOTHING, "101,,99,20"), (line(1, 5, 4, 101, -1), "x,,99,20"), (NOTHING, "101,14,99,20"))
    assert found.queue(ASK, 101) == [("?", 14)]
    assert found.facts[lobster_replay.OPENING] == 1
    assert len(found.outcome.skipped) == 2


def test_what_the_book_refuses_is_skipped_and_named(replayed: Any) -> None:
    found = replayed(FIRST, (line(1, 5, 0, 101, -1), FIRST[1]), (line(1, 6, 1, 101, -1), "101,11,99,20"))
    assert found.queue(ASK, 101) == [("?", 10), (6, 1)]
    (what,) = found.outcome.skipped.named
    assert "message_1.csv, line 2: quantity 0 is out of" in what
    assert found.agrees()


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


def test_without_rows_the_messages_alone_build_the_book(replayed_without_rows: Any) -> None:
    found = replayed_without_rows(line(1, 5, 4, 101, -1), line(1, 6, 3, 101, -1), line(4, 5, 4, 101, -1))
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.queue(ASK, 101) == [(6, 3)]
    assert not found.facts[window.ROWS]


def test_without_rows_the_opening_book_is_missing(replayed_without_rows: Any, replayed: Any) -> None:
    (warning,) = replayed_without_rows(line(1, 5, 4, 101, -1)).replay.warnings()
    assert warning.startswith("the opening book is missing: the orders that rest before")
    assert "with --orderbook" in warning
    assert replayed(FIRST).replay.warnings() == []


def test_without_rows_the_warning_says_how_the_other_file_may_be_called(tmp_path: Path) -> None:
    replay = LobsterReplay(lines_file(tmp_path / "X_message_5.csv", [NOTHING]), OrderBook)
    assert "(LOBSTER calls it X_orderbook_5.csv)" in replay.warnings()[0]


def test_without_rows_a_delete_takes_the_whole_order(replayed_without_rows: Any) -> None:
    found = replayed_without_rows(line(1, 5, 4, 101, -1), line(3, 5, 4, 101, -1), line(3, 5, 4, 101, -1))
    assert found.queue(ASK, 101) == []
    assert found.facts[lobster_replay.UNKNOWN_CANCELLED] == 1


def test_without_rows_an_execution_of_an_unknown_order(replayed_without_rows: Any) -> None:
    found = replayed_without_rows(line(4, 77, 4, 101, -1))
    assert found.verdicts == {Verdict.UNKNOWN: 1}


def test_without_rows_messages_show_what_has_gone(replayed_without_rows: Any) -> None:
    """A new bid at 102 shows that the asks up to there have gone, an execution at 105 that those below it have."""
    found = replayed_without_rows(
        line(1, 1, 4, 101, -1), line(1, 2, 3, 102, -1), line(1, 3, 3, 104, -1), line(1, 4, 3, 105, -1),
        line(1, 5, 1, 102, 1),
        line(4, 4, 3, 105, -1),
    )  # fmt: skip
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.replay.depth(5) == ([(102, 1, 1)], [])


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
