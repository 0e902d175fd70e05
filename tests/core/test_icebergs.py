"""Icebergs in large numbers: room for the reports of their refreshes, and the limit of these."""

from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, COMPILED, CommandType, Engine, Instruction, Instrument, OrderBook, Side
from pricetime.core import shared_books
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import ORDER_EXTENSION, Reason, ReportKind
from tests.books import ask, command, reports_of

Commands = np.ndarray[Any, Any]


def iceberg(order_id: int, side: Side, quantity: int, display: int = 1, price: int = 100, **fields: int) -> Commands:
    given = {"order_id": order_id, "side": side, "price": price, "quantity": quantity, "owner": 1}
    more = np.zeros(1, ORDER_EXTENSION)
    more["type"], more["display_quantity"] = CommandType.ORDER_EXTENSION, display
    kind = CommandType(fields.pop("type", CommandType.NEW_ORDER))
    order = command(kind, **(given | fields), instructions=Instruction.EXTENDED)
    return np.concatenate([order, more.view(COMMAND)])


def rounds(count: int, quantity: int) -> Commands:
    """In each round two icebergs trade with each other, lot by lot; some are replaced in between."""
    commands = []
    for n in range(count):
        small = max(2, quantity // 10)
        commands += [
            iceberg(2 * n, Side.BID, small),
            command(CommandType.REPLACE_ORDER, order_id=2 * n, price=100, quantity=quantity),
            iceberg(2 * n, Side.BID, quantity, 1, type=CommandType.REPLACE_ORDER),
            iceberg(2 * n + 1, Side.ASK, quantity),
        ]
    return np.concatenate(commands)


def test_a_call_makes_more_room_for_refreshes() -> None:
    commands = rounds(6, 400)
    book = OrderBook(100)
    reports = book.apply(commands)
    assert len(reports) > 3 * 1024
    assert reports.tobytes() == apply(ReferenceBook(100), commands).tobytes()
    book.check()
    engine = Engine([Instrument(0)], capacity=100, owner_limit=2)
    assert engine.apply(commands).tobytes() == reports.tobytes()


@pytest.mark.skipif(COMPILED, reason="compiled, the memory of reports cannot be replaced")
def test_few_times_more_room_is_enough_for_many_icebergs(monkeypatch: pytest.MonkeyPatch) -> None:
    book, made = OrderBook(2000), []
    block: Any = vars(shared_books)["Block"]

    def counted(*given: Any) -> Any:
        made.extend([given] if "reports" in given[1] else [])
        return block(*given)

    monkeypatch.setattr(shared_books, "Block", counted)
    book.apply(np.concatenate([iceberg(n, Side.BID, 20) for n in range(1000)]))
    assert len(made) <= 3
    made.clear()
    book.apply(np.concatenate([iceberg(n, Side.BID, 20) for n in range(1000, 1100)]))
    assert made == []


@pytest.mark.skipif(COMPILED, reason="compiled, the memory of reports cannot be replaced")
def test_without_memory_for_more_room_the_executed_commands_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    commands = rounds(6, 400)
    expected = OrderBook(100).apply(commands)
    book = OrderBook(100)
    book.apply(np.tile(command(CommandType.CANCEL_ORDER, order_id=1), len(commands)))  # it has a block now

    def no_memory(*_: Any) -> None:
        raise MemoryError("no more")

    monkeypatch.setattr(shared_books, "Block", no_memory)
    with pytest.raises(MemoryError, match="no more") as caught:
        book.apply(commands)
    monkeypatch.undo()
    done = caught.value.reports  # type: ignore[attr-defined]
    left = int(caught.value.__notes__[0].split("last ")[1].split(" ")[0])
    both = np.concatenate([done, book.apply(commands[len(commands) - left :])])
    both["seq_num"] -= np.uint64(len(commands))
    assert both.tobytes() == expected.tobytes()


def test_the_limit_of_refreshes_is_for_all_icebergs_together() -> None:
    book = OrderBook(100, refresh_limit=10)
    full = [(ReportKind.REJECTED, Side.BID, Reason.REFRESHES_FULL, 3, 0, 100, 5)]
    book.apply(np.concatenate([iceberg(1, Side.BID, 5), iceberg(2, Side.BID, 4)]))
    assert reports_of(book.apply(iceberg(3, Side.BID, 5))) == full
    assert book.apply(iceberg(3, Side.BID, 4))["kind"].tolist() == [ReportKind.ACCEPTED]
    ask(book, 9, 100, 1)
    assert reports_of(book.apply(iceberg(4, Side.BID, 3)))[0].reason == Reason.REFRESHES_FULL
    assert book.apply(iceberg(4, Side.BID, 2))["kind"].tolist() == [ReportKind.ACCEPTED]
    book.check()
