from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pricetime import Engine, Instrument, OrderBook
from pricetime.errors import InvalidSetting
from pricetime.load.plan import Plan
from pricetime.load.tape_flow import TapeFlow, plans_of_tape, read_tape
from pricetime.tape.file import TapeError
from pricetime.tape.formats import open_replay, orderbook_beside
from pricetime.types import ReportKind
from tests.tape.tapes import add, cancel, dbn_file, fill, lobster_files, modify, trade

SNAPSHOT = [add("A", 1, 101, 3), add("A", 2, 101.5, 4), add("B", 11, 100, 3)]
EVENTS = [
    [trade("B", 99, 101, 2), fill("A", 1, 101, 2), modify("A", 1, 101, 1)],
    [add("B", 12, 100.5, 7)],
    [modify("B", 12, 100.25, 5)],
    [cancel("A", 1, 101, 1)],
    [trade("B", 98, 101.5, 3), fill("A", 2, 101.5, 3), modify("A", 2, 101.5, 1)],
]
LOBSTER = [
    ("34200.5,1,5,4,1010000,-1", "1010000,4,990000,20"),
    ("34201,4,5,1,1010000,-1", "1010000,3,990000,20"),
    ("34202,1,6,2,990000,1", "1010000,3,990000,22"),
    ("34203,2,5,1,1010000,-1", "1010000,2,990000,22"),
    ("34204,3,6,2,990000,1", "1010000,2,990000,20"),
]


def replayed(path: Path, orderbook: Path | None = None) -> OrderBook:
    """The book that the tape ends with."""
    books: list[OrderBook] = []

    def make() -> OrderBook:
        books.append(OrderBook())
        return books[-1]

    open_replay(path, make, orderbook=orderbook).run()
    return books[0]


def levels(book: OrderBook) -> list[list[tuple[int, int, int]]]:
    return [side.tolist() for side in book.depth(None)]


def applied(flow: TapeFlow) -> tuple[OrderBook, NDArray[np.void]]:
    """The book that the commands make, and their reports."""
    book = OrderBook()
    reports = [book.apply(part) for part in (flow.opening, flow.day)]
    return book, np.concatenate(reports)


@pytest.mark.parametrize("sessions", [1, 3])
def test_the_commands_of_a_databento_tape_make_its_book(tmp_path: Path, sessions: int) -> None:
    path = dbn_file(tmp_path, EVENTS, snapshot=SNAPSHOT)
    flow = read_tape(path, sessions)
    book, reports = applied(flow)
    assert levels(book) == levels(replayed(path))
    assert len(flow.opening) == 3  # the snapshot
    assert not (reports["kind"] == ReportKind.REJECTED).any()
    assert (reports["kind"] == ReportKind.TRADE).sum() == 2
    assert set((np.concatenate([flow.opening, flow.day])["order_id"] >> 32).tolist()) == set(range(1, sessions + 1))
    book.apply(flow.closing)
    assert len(book) == 0


def test_the_commands_of_a_lobster_tape_make_its_book(tmp_path: Path) -> None:
    path, orderbook = lobster_files(tmp_path, LOBSTER)
    flow = read_tape(path, 2)
    book, reports = applied(flow)
    assert levels(book) == levels(replayed(path, orderbook))
    assert not (reports["kind"] == ReportKind.REJECTED).any()
    assert (reports["kind"] == ReportKind.TRADE).sum() == 1
    assert len(book.apply(flow.closing)) == len(flow.closing) > 0
    assert len(book) == 0


def test_a_tape_goes_on_from_its_beginning(tmp_path: Path) -> None:
    """As often as it takes, without a command that is refused: every session finds its own orders again."""
    flow = read_tape(dbn_file(tmp_path, EVENTS, snapshot=SNAPSHOT), 2)
    once = len(flow.day) + len(flow.closing) + len(flow.opening)
    first, plans = plans_of_tape(flow, 3 * once + 2, instrument=4)
    engine = Engine([Instrument(4)])
    for plan in (first, *plans):
        assert not (engine.apply(commands_of(plan))["kind"] == ReportKind.REJECTED).any()
    _, plans = plans_of_tape(flow, 3 * once + 2, instrument=4)
    assert sum(plan.count for plan in plans) == 3 * once + 2


def commands_of(plan: Plan) -> NDArray[np.void]:
    """The messages of a plan as commands of one owner."""
    from pricetime.types import COMMAND
    from pricetime.wire.messages import MESSAGES

    commands = np.zeros(plan.count, COMMAND)
    data, at = plan.data.tobytes(), 0
    for number, size in enumerate(plan.sizes.tolist()):
        message = MESSAGES[data[at]].decode(data[at : at + size])
        commands["type"][number] = data[at]
        for name in ("side", "time_in_force", "flags", "instrument", "order_id", "price", "quantity"):
            commands[name][number] = getattr(message, name, 0)
        at += size
    return commands


def test_what_replay_skips_is_skipped_here_too(tmp_path: Path) -> None:
    path, _ = lobster_files(tmp_path, [LOBSTER[0], ("35821.088778456004,1,9,4,1010000,-1", LOBSTER[0][1]), ("bad", "")])
    replay = open_replay(path, OrderBook, orderbook=orderbook_beside(path))
    assert replay.run().records == 3
    assert len(replay.outcome.skipped) == 2
    book, _ = applied(read_tape(path, 1))
    assert levels(book) == [list(side) for side in replay.depth(10)]


def test_what_is_no_tape(tmp_path: Path) -> None:
    file = tmp_path / "tape.txt"
    file.write_text("no tape")
    with pytest.raises(TapeError, match="unknown format"):
        read_tape(file, 1)
    halts = tmp_path / "X_message_1.csv"
    halts.write_text("34200,7,0,0,-1,-1\n")
    with pytest.raises(InvalidSetting, match="the tape has no order"):
        read_tape(halts, 1)
