"""Turns a tape into a flow of orders: the changes that its replay makes to a book become commands of sessions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.order_book import OrderBook
from ..errors import InvalidSetting
from ..execution import Execution
from ..tape.file import Progress
from ..tape.formats import Format, detect, open_replay, orderbook_beside
from ..types import COMMAND, CommandType, Order, SelfTrade, TimeInForce
from ..wire.bulk import Commands
from .plan import OWNER_SHIFT, Plan, encode, join

#: Rows of a command as they are collected: type, side, time in force, order id, price, quantity.
Row = tuple[int, int, int, int, int, int]

#: Most commands of one plan.
CHUNK = 1 << 18


class TapeFlow(NamedTuple):
    """The commands of one pass over the tape: ``opening`` builds its first book, ``day`` follows.

    ``closing`` cancels the orders that still rest, one by one, so that the tape can start again.
    """

    opening: Commands
    day: Commands
    closing: Commands


class RecordedBook:
    """A book that records the calls made to it as commands, which alternate between sessions.

    An order of the tape gets an id of the session that enters it; that session also reduces and cancels it. Each order
    that takes liquidity is recorded as an IOC order of its own.
    """

    def __init__(self, sessions: int) -> None:
        self._book = OrderBook()
        self.rows: list[Row] = []
        self.opening: int | None = (
            None  #: rows before the first one that is not a new order and finds both sides in the book
        )
        self._sessions = sessions
        self._ids: dict[int, int] = {}  # of the resting orders: id of the tape -> id of the session
        self._entered = 0

    def add_order(self, order_id: Any, side: Any, price: Any, quantity: Any, **more: Any) -> Execution:
        execution = self._book.add_order(
            order_id, side, price, quantity, **more
        )  # where this raises, there is no order
        self._ids[order_id] = self._enter(TimeInForce.GTC, side, price, quantity)
        self._drop_traded(execution)
        if not execution.resting:
            del self._ids[order_id]
        return execution

    def match_order(self, order_id: Any, side: Any, price: Any, quantity: Any, **more: Any) -> Execution:
        self._enter(TimeInForce.IOC, side, price, quantity)
        execution = self._book.match_order(order_id, side, price, quantity, **more)
        self._drop_traded(execution)
        return execution

    def cancel_order(self, order_id: Any, **more: Any) -> int:
        self._row(CommandType.CANCEL_ORDER, self._ids.pop(order_id))
        return self._book.cancel_order(order_id, **more)

    def reduce_order(self, order_id: Any, by: Any, **more: Any) -> int:
        self._row(CommandType.REDUCE_ORDER, self._ids[order_id], quantity=by)
        left = self._book.reduce_order(order_id, by, **more)
        if order_id not in self._book:
            del self._ids[order_id]
        return left

    def replace_order(self, order_id: Any, price: Any, quantity: Any, **more: Any) -> Execution:
        self._row(CommandType.REPLACE_ORDER, self._ids[order_id], price=price, quantity=quantity)
        execution = self._book.replace_order(order_id, price, quantity, **more)
        self._drop_traded(execution)
        if not execution.resting:
            del self._ids[order_id]
        return execution

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    def __len__(self) -> int:
        return len(self._book)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self._book

    def __iter__(self) -> Iterator[Order]:
        return iter(self._book)

    def closing(self) -> list[Row]:
        """Cancels of the orders that rest."""
        return [(CommandType.CANCEL_ORDER, 0, 0, order_id, 0, 0) for order_id in self._ids.values()]

    def _enter(self, time_in_force: int, side: int, price: int, quantity: int) -> int:
        """Record a new order of the next session: its id."""
        session, count = self._entered % self._sessions + 1, self._entered // self._sessions + 1
        self._entered += 1
        order_id = session << OWNER_SHIFT | count
        self._row(CommandType.NEW_ORDER, order_id, side, time_in_force, price, quantity)
        return order_id

    def _row(
        self, kind: int, order_id: int, side: int = 0, time_in_force: int = 0, price: int = 0, quantity: int = 0
    ) -> None:
        is_add = kind == CommandType.NEW_ORDER and time_in_force == TimeInForce.GTC
        if self.opening is None and not is_add and self.best_bid is not None and self.best_ask is not None:
            self.opening = len(self.rows)
        self.rows.append((kind, side, time_in_force, order_id, price, quantity))

    def _drop_traded(self, execution: Execution) -> None:
        for trade in execution.trades:
            if trade.maker_id not in self._book:
                self._ids.pop(trade.maker_id, None)


def read_tape(
    path: str | Path, sessions: int, *, instrument: int | None = None, progress: Progress | None = None
) -> TapeFlow:
    """Replay a tape once and record its commands. Prices and quantities are those of the tape.

    The tape is of LOBSTER, with its orderbook file beside it, or of Databento's market by order. ``instrument``: which
    one, if a Databento tape has several. O(events), about 20 us each. Raises TapeError, and InvalidSetting if the tape
    has no order.
    """
    kind = detect(path)
    recorded = RecordedBook(sessions)
    books: Iterator[Any] = iter([recorded])
    replay = open_replay(
        path,
        lambda: next(books, OrderBook()),  # the first is the exchange's; a later one collects orders before an opening
        tape_format=kind,
        orderbook=orderbook_beside(path) if kind is Format.LOBSTER else None,
        instrument=instrument,
        progress=progress,
    )
    replay.run()
    if not recorded.rows:
        raise InvalidSetting(f"{path}: the tape has no order: give a tape that has")
    opening = recorded.opening or 0
    rows = recorded.rows
    return TapeFlow(_commands(rows[:opening]), _commands(rows[opening:]), _commands(recorded.closing()))


def plans_of_tape(flow: TapeFlow, count: int, *, instrument: int = 1) -> tuple[Plan, Iterator[Plan]]:
    """The plan that fills the book, and plans of ``count`` commands after it; the tape repeats if it is shorter."""
    return encode(flow.opening, instrument), _again(flow, count, instrument)


def _again(flow: TapeFlow, count: int, instrument: int) -> Iterator[Plan]:
    parts = [encode(part, instrument) for part in (flow.day, flow.closing, flow.opening)]
    whole = join(parts)
    if not whole.count:
        raise InvalidSetting("the tape has no order after its opening: give a longer tape")
    done = 0
    while done < count:
        some = min(whole.count, count - done)
        yield from (whole.part(first, min(first + CHUNK, some)) for first in range(0, some, CHUNK))
        done += some


def _commands(rows: list[Row]) -> Commands:
    commands: NDArray[np.void] = np.zeros(len(rows), COMMAND)
    if rows:
        kind, side, time_in_force, order_id, price, quantity = np.array(rows, object).T
        commands["type"], commands["side"], commands["time_in_force"] = kind, side, time_in_force
        commands["order_id"], commands["price"], commands["quantity"] = order_id, price, quantity
        commands["flags"][commands["type"] == CommandType.NEW_ORDER] = SelfTrade.OFF
    return commands
