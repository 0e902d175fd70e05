"""Which report answers which command of a client, and which reports belong to the answer.

The exchange answers the commands of an owner in the order in which it gets them: so of several about one order id the
first that is open is answered by the first report that can be its answer. Where a connection was lost, commands sent
over it may never have arrived: that is known as soon as a later one is answered, or the exchange says that it has no
more reports. Where the same command was sent again over another connection, which of the two was answered cannot be
told, and does not matter: both have the answer.

The reports of one command stand in a row in the owner's stream, and no report says that it is the last. So the answer
to a new order or a replace is complete when nothing of the order is left; when a report comes that is not of this
command; or, where the order may rest, when everything that came has been read: the exchange sends the reports of a
command together.
"""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

from pricetime.errors import ERROR_OF_REASON, PricetimeError
from pricetime.feed.errors import CommandLost, OrderRefused
from pricetime.feed.order_result import Execution, OrderResult
from pricetime.types import Reason, ReportKind, TimeInForce
from pricetime.wire.messages import (
    CancelOrder,
    ExecutionReport,
    MassCancel,
    Message,
    NewOrder,
    OpenOrders,
    ReduceOrder,
    ReplaceOrder,
)

#: The kind of report that answers each kind of command, when it is not refused.
ANSWERS: dict[type[Message], ReportKind] = {
    NewOrder: ReportKind.ACCEPTED,
    CancelOrder: ReportKind.CANCELLED,
    ReplaceOrder: ReportKind.REPLACED,
    ReduceOrder: ReportKind.REDUCED,
    MassCancel: ReportKind.MASS_CANCELLED,
    OpenOrders: ReportKind.OPEN_ORDERS_END,
}

#: Orders that never rest: their reports end with the one that leaves nothing.
ENDS = frozenset({TimeInForce.IOC, TimeInForce.FOK, TimeInForce.MARKET})

#: Why an order loses lots within its own command.
WITHIN = frozenset({Reason.IOC_REMAINDER, Reason.FOK_UNFILLABLE, Reason.MARKET_REMAINDER, Reason.SELF_TRADE})

Key = tuple[int, int]  #: instrument and order id


class Promise(Protocol):
    """A future, of threads or of asyncio."""

    def done(self) -> bool: ...
    def set_result(self, result: Any, /) -> None: ...
    def set_exception(self, exception: BaseException, /) -> None: ...


class Life(Execution):
    """An order from its acceptance to its end, and who waits for that: followed as long as one of them is held."""

    __slots__ = ("finals",)

    def __init__(self, accepted: ExecutionReport) -> None:
        super().__init__(accepted)
        self.finals: list[Final] = []


class Final(Promise, Protocol):
    """A future of what became of an order in the end."""

    life: Life | None  #: what follows the order for it


class Open(NamedTuple):
    """A command that is not answered yet."""

    kind: ReportKind
    connection: int  #: that it was sent over
    promise: Promise
    final: Final | None  #: of a new order or a replace
    ends: bool  #: is it an order that never rests?


class Answering:
    """A new order or a replace whose reports are coming."""

    def __init__(self, accepted: ExecutionReport, *, ends: bool) -> None:
        self.key: Key = (accepted.instrument, accepted.order_id)
        self.execution = Execution(accepted)
        self.promises: list[Promise] = []
        self.ends = ends

    def takes(self, report: ExecutionReport) -> bool:
        """Read a report of this command. False for one that is not of it."""
        if (report.instrument, report.order_id) == self.key:
            if not _follows(report):
                return False
            self.execution.read(report)
            return True
        # What it did to another order of the same owner.
        return report.instrument == self.key[0] and report.reason in {Reason.AS_MAKER, Reason.SELF_TRADE}

    def settle(self) -> None:
        result = self.execution.result()
        for promise in self.promises:
            _keep(promise, result)


class Acknowledgements:
    """The open commands of a client, by instrument and order id, and the orders that are followed to their end."""

    def __init__(self) -> None:
        self._open: dict[Key, deque[Open]] = {}
        self._oldest = 0  # no open command was sent over an earlier connection
        self._answering: Answering | None = None
        self._lives: WeakValueDictionary[Key, Life] = WeakValueDictionary()

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    @property
    def follows(self) -> bool:
        """Is there an order that is followed to its end?"""
        return bool(self._lives)

    def expect(self, command: Message, connection: int, promise: Promise, final: Final | None = None) -> None:
        """A command is sent: ``promise`` will have its answer, ``final`` what became of the order in the end."""
        assert isinstance(command, NewOrder | CancelOrder | ReplaceOrder | ReduceOrder | MassCancel | OpenOrders)
        ends = isinstance(command, NewOrder) and command.time_in_force in ENDS
        made = Open(ANSWERS[type(command)], connection, promise, final, ends)
        self._open.setdefault((command.instrument, command.order_id), deque()).append(made)

    def withdraw(self, command: Message, promise: Promise) -> None:
        """The command could not be sent after all; it was the last about its order."""
        assert isinstance(command, NewOrder | CancelOrder | ReplaceOrder | ReduceOrder | MassCancel | OpenOrders)
        key = (command.instrument, command.order_id)
        waiting = self._open.get(key)
        if waiting is not None and waiting[-1].promise is promise:
            waiting.pop()
            if not waiting:
                del self._open[key]

    def read(self, reports: bytes) -> None:
        """Reports came. O(1) when no command is open and no order is followed, else O(reports)."""
        if not self._open and self._answering is None and not self.follows:
            return
        for at in range(0, len(reports), ExecutionReport.SIZE):
            self._read(ExecutionReport.decode(reports[at : at + ExecutionReport.SIZE]))

    def _read(self, report: ExecutionReport) -> None:
        key = (report.instrument, report.order_id)
        answering = self._answering
        if answering is not None and not answering.takes(report):
            self._settle()
        waiting = self._open.get(key)
        if waiting is not None and _answers(report, waiting[0].kind):
            self._answer(key, waiting, report)
        else:
            self._follow(key, report)
        answering = self._answering
        if answering is not None and not answering.execution.remaining:
            self._settle()

    def _answer(self, key: Key, waiting: deque[Open], report: ExecutionReport) -> None:
        """The first that waits has its answer."""
        answered = [waiting.popleft()]
        first = answered[0]
        while waiting and waiting[0].kind == first.kind and waiting[0].connection > first.connection:
            answered.append(waiting.popleft())  # the same again, over another connection
        if not waiting:
            del self._open[key]
        if report.kind == ReportKind.REJECTED:
            for one in answered:
                _fail(one, refusal(report))
        elif first.final is None:
            self._follow(key, report)
            for one in answered:
                _keep(one.promise, report)
        else:
            self._begin(key, report, answered)
        self.lose(first.connection)

    def _begin(self, key: Key, report: ExecutionReport, answered: list[Open]) -> None:
        """An order is in, or replaced: more reports of the same command may follow."""
        self._answering = Answering(report, ends=answered[0].ends)
        self._answering.promises = [one.promise for one in answered]
        life = self._lives.get(key) if report.kind == ReportKind.REPLACED else None
        if life is None:
            life = self._lives[key] = Life(report)
        else:
            life.read(report)
        for one in answered:
            if one.final is not None:
                one.final.life = life
                life.finals.append(one.final)

    def _follow(self, key: Key, report: ExecutionReport) -> None:
        """Read a report of an order whose end a future waits for."""
        life = self._lives.get(key)
        if life is None:
            return
        life.read(report)
        if not life.remaining:
            del self._lives[key]
            for final in life.finals:
                _keep(final, life.result())

    def all_read(self) -> None:
        """Everything that came has been read: the reports of a command that may rest are complete."""
        if self._answering is not None and not self._answering.ends:
            self._settle()

    def _settle(self) -> None:
        answering, self._answering = self._answering, None
        if answering is not None:
            answering.settle()

    def lose(self, connection: int) -> None:
        """What was sent over connections before this one will not be answered any more."""
        if connection <= self._oldest:
            return
        self._oldest = connection
        for key, waiting in list(self._open.items()):
            while waiting and waiting[0].connection < connection:
                _fail(waiting.popleft(), CommandLost(f"the command about order {key[1]} was lost with its connection"))
            if not waiting:
                del self._open[key]

    def lose_all(self, error: PricetimeError) -> None:
        """Nothing will be answered any more."""
        self.all_read()
        answering, self._answering = self._answering, None
        for promise in answering.promises if answering is not None else []:
            _refuse(promise, error)
        for waiting in self._open.values():
            for one in waiting:
                _fail(one, error)
        self._open.clear()
        for life in list(self._lives.values()):
            for final in life.finals:
                _refuse(final, error)
        self._lives.clear()


def _follows(report: ExecutionReport) -> bool:
    """Is it of the same command as the first report of a new order or a replace, about the same order?"""
    if report.kind == ReportKind.TRADE:
        return report.reason != Reason.AS_MAKER
    return report.kind in {ReportKind.CANCELLED, ReportKind.REDUCED} and report.reason in WITHIN


def _answers(report: ExecutionReport, kind: ReportKind) -> bool:
    """A cancel or reduce that the owner asked for has no reason; one that the market brought about has."""
    if report.kind == ReportKind.REJECTED:
        return True
    asked = kind not in {ReportKind.CANCELLED, ReportKind.REDUCED} or report.reason == Reason.NONE
    return report.kind == kind and asked


def _keep(promise: Promise, result: ExecutionReport | OrderResult) -> None:
    if not promise.done():  # else it was cancelled by who waited
        promise.set_result(result)


def _refuse(promise: Promise, error: PricetimeError) -> None:
    if not promise.done():
        promise.set_exception(error)


def _fail(one: Open, error: PricetimeError) -> None:
    _refuse(one.promise, error)
    if one.final is not None:
        _refuse(one.final, error)


def refusal(report: ExecutionReport) -> PricetimeError:
    """The error that a book would have raised."""
    error = ERROR_OF_REASON.get(report.reason, OrderRefused)
    name = getattr(report.reason, "name", str(report.reason))
    return error(f"the exchange refused the command about order {report.order_id}: {name}")
