"""How LOBSTER's messages become commands, and how the book keeps to the window that the rows show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pricetime import ASK, BID, OrderBook, Side
from pricetime.reference import ReferenceBook
from pricetime.tape import lobster_replay, window
from pricetime.tape.file import TapeError
from pricetime.tape.lobster_replay import LobsterReplay
from pricetime.tape.outcome import Verdict
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
        rows = self.facts[window.ROWS]
        return rows > 0 and rows == self.facts[window.BEST_AGREES] == self.facts[window.ALL_AGREE]


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
    assert found.facts[lobster_replay.OF_UNSEEN] == 1
    assert found.queue(ASK, 101) == [(5, 3)]
    assert found.agrees()


def test_an_execution_out_of_turn_is_a_difference_and_the_book_follows(replayed: Any) -> None:
    found = replayed(FIRST, (line(1, 5, 4, 101, -1), "101,14,99,20"), (line(4, 5, 4, 101, -1), "101,10,99,20"))
    assert found.verdicts == {Verdict.QUEUE: 1}
    assert found.queue(ASK, 101) == [("?", 10)]
    assert found.agrees()
    (difference,) = found.outcome.differences
    assert difference.trade.fills == ((5, 4),)
    assert found.replay.order_text(difference.fills[0][0]) == "orders never told of"
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
    assert found.facts[lobster_replay.LOST] == 1
    assert found.agrees()


def test_a_message_about_nothing_is_counted(replayed: Any) -> None:
    found = replayed(FIRST, (line(3, 5, 4, 103, -1), FIRST[1]))
    assert found.facts[lobster_replay.LOST] == 1
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
    """Even where the size is what it was: order 5 may have gone while another came."""
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
    """The second level of a two-level row is empty: whatever comes there later is told by a message."""
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


# -------------------------------------------------------------------- without rows


def test_without_rows_the_messages_alone_build_the_book(replayed_without_rows: Any) -> None:
    found = replayed_without_rows(line(1, 5, 4, 101, -1), line(1, 6, 3, 101, -1), line(4, 5, 4, 101, -1))
    assert found.verdicts == {Verdict.EXACT: 1}
    assert found.queue(ASK, 101) == [(6, 3)]
    assert not found.facts[window.ROWS]


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
    with pytest.raises(TapeError, match=rf"{shorter}\.csv: ends after line 2, .* goes on: they are not of one tape"):
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
    assert found.facts[lobster_replay.OF_UNSEEN] == 8
    assert found.facts[window.ROWS] == 998
    assert found.agrees()


def test_amzn_one_level(real_data: Path) -> None:
    messages, orderbook = real(real_data, "AMZN", ("message_1.csv.gz", "orderbook_1.csv.gz"))
    found = Replayed(LobsterReplay(messages, OrderBook, orderbook=orderbook))
    assert found.outcome.records == 57_515
    assert found.verdicts == {Verdict.EXACT: 8_966, Verdict.QUEUE: 8}
    assert found.facts[lobster_replay.AT_BEST] == 8_974
    assert found.facts[window.ROWS] == 57_514
    assert found.agrees()
    assert not found.facts[lobster_replay.LOST]
