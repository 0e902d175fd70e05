"""Which report answers which command of a client.

The exchange answers the commands of an owner in the order in which it gets them: so of several about one order id the
first that is open is answered by the first report that can be its answer. Where a connection was lost, commands sent
over it may never have arrived: that is known as soon as a later one is answered, or the exchange says that it has no
more reports. Where the same command was sent again over another connection, which of the two was answered cannot be
told, and does not matter: both have the answer.
"""

from __future__ import annotations

from collections import deque
from typing import Generic, NamedTuple, Protocol, TypeVar

from pricetime.errors import ERROR_OF_REASON, PricetimeError
from pricetime.feed.errors import CommandLost, OrderRefused
from pricetime.types import Reason, ReportKind
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


class Promise(Protocol):
    """A future, of threads or of asyncio."""

    def done(self) -> bool: ...
    def set_result(self, result: ExecutionReport, /) -> None: ...
    def set_exception(self, exception: BaseException, /) -> None: ...


P = TypeVar("P", bound=Promise)


class Open(NamedTuple, Generic[P]):
    """A command that is not answered yet."""

    kind: ReportKind
    connection: int  #: that it was sent over
    promise: P


class Acknowledgements(Generic[P]):
    """The open commands of a client, by instrument and order id."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], deque[Open[P]]] = {}
        self._oldest = 0  # no open command was sent over an earlier connection

    def __len__(self) -> int:
        return sum(map(len, self._open.values()))

    def expect(self, command: Message, connection: int, promise: P) -> None:
        """A command is sent: ``promise`` will have its answer."""
        assert isinstance(command, NewOrder | CancelOrder | ReplaceOrder | ReduceOrder | MassCancel | OpenOrders)
        key = (command.instrument, command.order_id)
        self._open.setdefault(key, deque()).append(Open(ANSWERS[type(command)], connection, promise))

    def withdraw(self, command: Message, promise: P) -> None:
        """The command could not be sent after all; it was the last about its order."""
        assert isinstance(command, NewOrder | CancelOrder | ReplaceOrder | ReduceOrder | MassCancel | OpenOrders)
        key = (command.instrument, command.order_id)
        waiting = self._open.get(key)
        if waiting is not None and waiting[-1].promise is promise:
            waiting.pop()
            if not waiting:
                del self._open[key]

    def read(self, reports: bytes) -> None:
        """Reports came. O(1) when no command is open, else O(reports)."""
        if not self._open:
            return
        for at in range(0, len(reports), ExecutionReport.SIZE):
            report = ExecutionReport.decode(reports[at : at + ExecutionReport.SIZE])
            key = (report.instrument, report.order_id)
            waiting = self._open.get(key)
            if waiting is None or not _answers(report, waiting[0].kind):
                continue
            answered = waiting.popleft()
            _keep(answered.promise, report)
            while waiting and waiting[0].kind == answered.kind and waiting[0].connection > answered.connection:
                _keep(waiting.popleft().promise, report)  # the same again, over another connection
            if not waiting:
                del self._open[key]
            self.lose(answered.connection)

    def lose(self, connection: int) -> None:
        """What was sent over connections before this one will not be answered any more."""
        if connection <= self._oldest:
            return
        self._oldest = connection
        for key, waiting in list(self._open.items()):
            while waiting and waiting[0].connection < connection:
                self.fail(
                    waiting.popleft(), CommandLost(f"the command about order {key[1]} was lost with its connection")
                )
            if not waiting:
                del self._open[key]

    def lose_all(self, error: PricetimeError) -> None:
        """Nothing will be answered any more."""
        for waiting in self._open.values():
            for one in waiting:
                self.fail(one, error)
        self._open.clear()

    @staticmethod
    def fail(one: Open[P], error: PricetimeError) -> None:
        if not one.promise.done():
            one.promise.set_exception(error)


def _answers(report: ExecutionReport, kind: ReportKind) -> bool:
    """A cancel or reduce that the owner asked for has no reason; one that the market brought about has."""
    if report.kind == ReportKind.REJECTED:
        return True
    asked = kind not in {ReportKind.CANCELLED, ReportKind.REDUCED} or report.reason == Reason.NONE
    return report.kind == kind and asked


def _keep(promise: Promise, report: ExecutionReport) -> None:
    if promise.done():  # cancelled by who waited
        return
    if report.kind == ReportKind.REJECTED:
        promise.set_exception(refusal(report))
    else:
        promise.set_result(report)


def refusal(report: ExecutionReport) -> PricetimeError:
    """The error that a book would have raised."""
    reason = Reason(report.reason) if report.reason in set(Reason) else None
    error = OrderRefused if reason is None else ERROR_OF_REASON.get(reason, OrderRefused)
    name = str(report.reason) if reason is None else reason.name
    return error(f"the exchange refused the command about order {report.order_id}: {name}")
