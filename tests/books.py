"""The books under test behind one interface, and how two of them are compared."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from pricetime import AuctionPrice, Engine, OrderBook
from pricetime.errors import ERROR_OF_REASON, PricetimeError
from pricetime.execution import Execution, Trade
from pricetime.reference import ReferenceBook
from pricetime.reference.records import Report
from pricetime.types import (
    COMMAND,
    ORDER_EXTENSION,
    CommandType,
    Instruction,
    Order,
    OrderType,
    Phase,
    QueuePosition,
    Reason,
    ReportKind,
    Side,
    TimeInForce,
)

U64 = 2**64 - 1

#: Terms of an order, as arguments of ``add_order``.
IOC: dict[str, Any] = {"time_in_force": TimeInForce.IOC}
FOK: dict[str, Any] = {"time_in_force": TimeInForce.FOK}
MARKET: dict[str, Any] = {"order_type": OrderType.MARKET}
POST_ONLY: dict[str, Any] = {"post_only": True}
NEVER_RESTS = [IOC, FOK, MARKET, MARKET | IOC, MARKET | FOK]
I64_MIN, I64_MAX = -(2**63), 2**63 - 1

#: A method of a book and its arguments by name. A test can run it on any book, print it and run it again.
Step: TypeAlias = tuple[str, dict[str, Any]]


def command(kind: CommandType, **fields: int) -> np.ndarray[Any, Any]:
    """Return an array of one command. Fields that are not given are 0."""
    commands = np.zeros(1, COMMAND)
    commands["type"] = kind
    for name, value in fields.items():
        commands[name] = np.array([value], COMMAND[name])
    return commands


def as_command(step: Step) -> np.ndarray[Any, Any]:
    """Return the command of a step, as an array of one, or of two with an extension."""
    method, given = step
    fields = {name: value for name, value in given.items() if name in (COMMAND.names or ())}
    fields["owner"] = given.get("owner") or 0
    if method == "mass_cancel":
        fields["side"] = given.get("side") or 0
        return command(CommandType.MASS_CANCEL, **fields)
    if method == "set_phase":
        return command(CommandType.SET_PHASE, flags=given["phase"])
    if method == "cancel_order":
        return command(CommandType.CANCEL_ORDER, **fields)
    if method == "reduce_order":
        return command(CommandType.REDUCE_ORDER, quantity=given["by"], **fields)
    if method == "replace_order":
        if given.get("new_id") is None:
            return command(CommandType.REPLACE_ORDER, **fields)
        assert given.get("owner") is None, "a command has room for a new id or an owner"
        fields["owner"] = given["new_id"] & 0xFFFFFFFF
        return command(CommandType.REPLACE_ORDER_AS, tag=given["new_id"] >> 32, **fields)
    if method == "uncross":
        return command(CommandType.UNCROSS, flags=given["phase"])
    if method == "set_price":
        return command(CommandType.SET_PRICE, flags=given["kind"], **fields)
    if method == "match_order":
        fields["time_in_force"] = TimeInForce.IOC
    fields["instructions"] = given.get("instructions", 0) | (Instruction.POST_ONLY if given.get("post_only") else 0)
    more = {name: given[name] for name in ("trigger_price", "display_quantity") if given.get(name)}
    fields["instructions"] |= Instruction.EXTENDED if more else 0
    order = command(CommandType.NEW_ORDER, flags=given.get("self_trade") or 0, **fields)
    return np.concatenate([order, extension(**more)]) if more else order


def extension(**fields: int) -> np.ndarray[Any, Any]:
    """Return the extension of an order, as an array of one command."""
    more = np.zeros(1, ORDER_EXTENSION)
    more["type"] = CommandType.ORDER_EXTENSION
    for name, value in fields.items():
        more[name] = value
    return more.view(COMMAND)


def dumped(engine: Engine) -> bytes:
    """Return the records of all books of an engine."""
    return b"".join(part.tobytes() for part in engine.dump())


class AppliedBook:
    """An ``OrderBook`` driven by ``apply`` alone, with the interface of the others.

    ``reports`` grows as those of ``ReferenceBook`` do, and a rejection raises what a Python call would raise.
    """

    def __init__(self, capacity: int = 1_048_576, **settings: Any) -> None:
        self.book = OrderBook(capacity, **settings)
        self.reports: list[Report] = []

    def _apply(self, method: str, **given: Any) -> list[Report]:
        assert "owner" not in given or method == "add_order" or given["owner"] != 0, "0 says nothing in a command"
        new = reports_of(self.book.apply(as_command((method, given))))
        if new[0].kind is ReportKind.REJECTED:
            assert len(new) == 1
            raise ERROR_OF_REASON[Reason(new[0].reason)](f"rejected: {new[0]}")
        self.reports += new
        return new

    def add_order(self, order_id: int, side: int, price: int, quantity: int, **options: Any) -> Execution:
        return execution_of(
            self._apply("add_order", order_id=order_id, side=side, price=price, quantity=quantity, **options)
        )

    def match_order(self, order_id: int, side: int, price: int, quantity: int, *, owner: int = 0) -> Execution:
        return self.add_order(order_id, side, price, quantity, owner=owner, time_in_force=TimeInForce.IOC)

    def cancel_order(self, order_id: int, *, owner: int | None = None) -> int:
        return self._apply("cancel_order", order_id=order_id, owner=owner)[0].quantity

    def mass_cancel(self, owner: int, *, side: int | None = None) -> int:
        return self._apply("mass_cancel", owner=owner, side=side)[-1].quantity

    def reduce_order(self, order_id: int, by: int, *, owner: int | None = None) -> int:
        self._apply("reduce_order", order_id=order_id, by=by, owner=owner)
        return self.order(order_id).quantity if order_id in self else 0

    def replace_order(
        self, order_id: int, price: int, quantity: int, *, new_id: int | None = None, owner: int | None = None
    ) -> Execution:
        return execution_of(
            self._apply("replace_order", order_id=order_id, price=price, quantity=quantity, new_id=new_id, owner=owner)
        )

    def set_phase(self, phase: int) -> None:
        self._apply("set_phase", phase=phase)

    def uncross(self, phase: int = 0) -> None:
        self._apply("uncross", phase=phase)

    def set_price(self, kind: int, price: int) -> None:
        self._apply("set_price", kind=kind, price=price)

    def indicative(self) -> AuctionPrice | None:
        found: AuctionPrice | None = self.book.indicative()
        return found

    @property
    def phase(self) -> Phase:
        return self.book.phase

    def order(self, order_id: int) -> Order:
        return self.book.order(order_id)

    def orders(self, side: int, price: int) -> tuple[Order, ...]:
        return self.book.orders(side, price)

    def queue_position(self, order_id: int) -> QueuePosition:
        return self.book.queue_position(order_id)

    def depth(self, levels: int | None = 10) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        return self.book.depth(levels)

    @property
    def best_bid(self) -> int | None:
        best: int | None = self.book.best_bid
        return best

    @property
    def best_ask(self) -> int | None:
        best: int | None = self.book.best_ask
        return best

    def digest(self) -> int:
        value: int = self.book.digest()
        return value

    def check(self) -> None:
        self.book.check()

    def __len__(self) -> int:
        return len(self.book)

    def __contains__(self, order_id: object) -> bool:
        return order_id in self.book

    def __iter__(self) -> Iterator[Order]:
        return iter(self.book)


Book: TypeAlias = ReferenceBook | OrderBook | AppliedBook

#: All books, for rules that all of them must follow.
BOOKS: list[type[Any]] = [ReferenceBook, OrderBook, AppliedBook]


def reports_of(records: np.ndarray[Any, Any]) -> list[Report]:
    """Return the reports in an array of ``REPORT`` as those of ``ReferenceBook``."""
    names = ["kind", "side", "reason", "order_id", "maker_id", "price", "quantity"]
    return [Report(ReportKind(r[0]), r[1], Reason(r[2]), *r[3:]) for r in records[names].tolist()]


def execution_of(reports: list[Report]) -> Execution:
    """Return what the reports of one command say about its order."""
    order_id, open_quantity = reports[0].order_id, reports[0].quantity
    reason = reports[0].reason if reports[0].kind is ReportKind.REPLACED else Reason.NONE
    trades, cancelled = [], 0
    for r in reports[1:]:
        if r.kind is ReportKind.TRADE:
            trades.append(Trade(r.maker_id, r.order_id, r.price, r.quantity))
        elif r.order_id == order_id:
            cancelled, reason = cancelled + r.quantity, r.reason
    own = [trade for trade in trades if order_id in (trade.taker_id, trade.maker_id)]  # others are of stop orders
    resting = open_quantity - sum(trade.quantity for trade in own) - cancelled
    return Execution(order_id, trades, resting, cancelled, reason)


def play(book: Any, step: Step) -> Any:
    """Return what a step returned, or the type of the error that it raised."""
    method, arguments = step
    try:
        return getattr(book, method)(**arguments)
    except PricetimeError as error:
        return type(error)


REASON_OF_ERROR = {error: reason for reason, error in ERROR_OF_REASON.items()}


def rejection(step: Step, error: type[PricetimeError]) -> Report:
    """Return the report of a command that raised this error when called as a step."""
    refused = as_command(step)[0]
    side, order_id, price, quantity = (int(refused[name]) for name in ("side", "order_id", "price", "quantity"))
    return Report(ReportKind.REJECTED, side, REASON_OF_ERROR[error], order_id, 0, price, quantity)


def bid(book: Any, order_id: int, price: int, quantity: int, **options: Any) -> tuple[Trade, ...]:
    execution: Execution = book.add_order(order_id, Side.BID, price, quantity, **options)
    return execution.trades


def ask(book: Any, order_id: int, price: int, quantity: int, **options: Any) -> tuple[Trade, ...]:
    execution: Execution = book.add_order(order_id, Side.ASK, price, quantity, **options)
    return execution.trades


def queue(book: Book, side: Side, price: int) -> list[tuple[int, int]]:
    """Return id and open quantity of every order at a price, in time priority."""
    return [(order.id, order.quantity) for order in book.orders(side, price)]


def ladder(book: Book, levels: int | None = None) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Return price, quantity and order count of each level, best first: bids, asks."""
    bids, asks = book.depth(levels)
    return [tuple(map(int, level)) for level in bids], [tuple(map(int, level)) for level in asks]


def state(book: Book) -> tuple[object, ...]:
    """Return all public state of a book; ``check`` covers the private state."""
    if not isinstance(book, ReferenceBook):
        book.check()
    return len(book), tuple(book), ladder(book), book.best_bid, book.best_ask, book.phase, book.digest()


def state_of(engine: Engine) -> list[bytes]:
    """All that an engine keeps of its books, to compare."""
    return [part.tobytes() for part in engine.dump()]
