"""Which report answers which command, and which commands are known to be lost."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest

from pricetime import Reason, ReportKind
from pricetime.errors import InvalidPrice, PricetimeError, UnknownOrder
from pricetime.feed.acknowledgements import Acknowledgements
from pricetime.feed.errors import CommandLost, OrderRefused
from pricetime.wire.messages import CancelOrder, ExecutionReport, MassCancel, Message, NewOrder, ReduceOrder

NEW, CANCEL = NewOrder(instrument=1, order_id=5), CancelOrder(instrument=1, order_id=5)


class Client:
    """Commands that are sent over some connection, and reports that come."""

    def __init__(self) -> None:
        self.open: Acknowledgements[Future[ExecutionReport]] = Acknowledgements()

    def send(self, command: Message, connection: int = 1) -> Future[ExecutionReport]:
        promise: Future[ExecutionReport] = Future()
        self.open.expect(command, connection, promise)
        return promise

    def read(self, kind: ReportKind, reason: int = 0, **fields: int) -> None:
        report = ExecutionReport(**{"kind": kind, "reason": reason, "instrument": 1, "order_id": 5, **fields})
        self.open.read(report.encode())


def test_the_first_that_is_open_is_answered() -> None:
    client = Client()
    first, cancel, second = client.send(NEW), client.send(CANCEL), client.send(NEW)
    assert len(client.open) == 3
    client.read(ReportKind.ACCEPTED, order_id=6)
    client.read(ReportKind.ACCEPTED, instrument=2)
    client.read(ReportKind.CANCELLED)
    assert not first.done()
    client.read(ReportKind.ACCEPTED, price=7)
    client.read(ReportKind.CANCELLED)
    client.read(ReportKind.REJECTED, Reason.INVALID_PRICE)
    assert first.result(0).price == 7
    assert cancel.result(0).kind == ReportKind.CANCELLED
    assert isinstance(second.exception(0), InvalidPrice)
    assert len(client.open) == 0


@pytest.mark.parametrize("reason", [Reason.SELF_TRADE, Reason.BY_DISCONNECT, Reason.IOC_REMAINDER])
def test_what_the_market_brought_about_answers_nobody(reason: Reason) -> None:
    client = Client()
    cancel, reduce = client.send(CANCEL), client.send(ReduceOrder(instrument=1, order_id=5))
    client.read(ReportKind.CANCELLED, reason)
    assert not cancel.done()
    client.read(ReportKind.REJECTED, Reason.UNKNOWN_ORDER)
    client.read(ReportKind.REDUCED, reason)
    client.read(ReportKind.REJECTED, Reason.UNKNOWN_ORDER)
    assert isinstance(cancel.exception(0), UnknownOrder)
    assert isinstance(reduce.exception(0), UnknownOrder)


@pytest.mark.parametrize("reason", [Reason.THROTTLED, 31])
def test_a_reason_without_an_error_of_its_own(reason: int) -> None:
    client = Client()
    promise = client.send(MassCancel(instrument=1, order_id=5))
    client.read(ReportKind.REJECTED, reason)
    with pytest.raises(OrderRefused, match=r"THROTTLED|31"):
        promise.result(0)


def test_commands_of_connections_before_are_lost_when_a_later_one_is_answered() -> None:
    client = Client()
    old = client.send(NewOrder(instrument=1, order_id=8), 1)
    other = client.send(NewOrder(instrument=1, order_id=9), 2)
    new = client.send(NEW, 3)
    client.open.lose(2)
    assert isinstance(old.exception(0), CommandLost)
    assert not other.done()
    client.read(ReportKind.ACCEPTED)
    assert new.result(0)
    assert isinstance(other.exception(0), CommandLost)


def test_the_same_command_again_over_another_connection() -> None:
    """Which of the two was answered cannot be told: both are."""
    client = Client()
    promises = [client.send(NEW, connection) for connection in (1, 2, 2)]
    client.read(ReportKind.ACCEPTED)
    assert [promise.done() for promise in promises] == [True, True, True]
    assert len(client.open) == 0


def test_a_command_that_could_not_be_sent_is_withdrawn() -> None:
    client = Client()
    client.open.withdraw(NEW, Future())
    sent, unsent = client.send(NEW), client.send(NEW)
    client.open.withdraw(NEW, unsent)
    client.open.withdraw(NEW, unsent)
    client.read(ReportKind.ACCEPTED)
    assert sent.done()
    assert not unsent.done()
    client.open.withdraw(NEW, client.send(NEW, 2))
    assert len(client.open) == 0


@pytest.mark.parametrize("end", ["answer", "refusal", "loss", "end"])
def test_a_promise_that_nobody_waits_for_any_more(end: str) -> None:
    client = Client()
    promise = client.send(NEW)
    promise.cancel()
    ends: dict[str, Any] = {
        "answer": lambda: client.read(ReportKind.ACCEPTED),
        "refusal": lambda: client.read(ReportKind.REJECTED),
        "loss": lambda: client.open.lose(2),
        "end": lambda: client.open.lose_all(PricetimeError()),
    }
    ends[end]()
    assert promise.cancelled()
    assert len(client.open) == 0
