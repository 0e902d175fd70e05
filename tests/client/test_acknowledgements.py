"""Which report answers which command, and which commands are known to be lost."""

from __future__ import annotations

import asyncio
import gc
import threading
from fractions import Fraction
from typing import Any

import pytest

from pricetime import FOK, IOC, MARKET, Instruction, OrderType, Reason, ReportKind, TimeInForce
from pricetime.client.acknowledgements import Acknowledgements
from pricetime.client.errors import CommandLost, NotAcknowledged, OrderRefused
from pricetime.client.future import CommandFuture, OrderFuture
from pricetime.client.order_result import OrderResult, OrderStatus
from pricetime.errors import ExchangeBusy, InvalidPrice, PricetimeError, UnknownOrder
from pricetime.wire.messages import (
    CancelOrder,
    ExecutionReport,
    MassCancel,
    Message,
    NewOrder,
    ReduceOrder,
    ReplaceOrder,
)

NEW, CANCEL = NewOrder(instrument=1, order_id=5), CancelOrder(instrument=1, order_id=5)


class Client:
    """Commands that are sent over some connection, and reports that come."""

    def __init__(self, resends: bool = False) -> None:
        self.open = Acknowledgements(threading.RLock(), resends)

    def send(self, command: Message, connection: int = 1) -> CommandFuture[Any]:
        return self.open.expect(command.encode(), connection)

    def order(self, order_id: int = 5, connection: int = 1, **terms: int) -> OrderFuture:
        return self.follow(NewOrder(instrument=1, order_id=order_id, **terms), connection)

    def follow(self, command: Message, connection: int = 1) -> OrderFuture:
        future = self.send(command, connection)
        assert isinstance(future, OrderFuture)
        return future

    def read(self, kind: ReportKind, reason: int = 0, **fields: int) -> None:
        usual = {"kind": kind, "reason": reason, "instrument": 1, "order_id": 5, "seq_num": 1}
        self.open.read(ExecutionReport(**{**usual, **fields}).encode())

    def refuse(self, number: int, order_id: int = 5) -> None:
        """The exchange did not take the command of this number."""
        self.read(ReportKind.REJECTED, Reason.BUSY, order_id=order_id, maker_id=number, seq_num=0)

    def read_all(self, *reports: tuple[ReportKind, int, int]) -> None:
        """Reports about order 5, of these kinds, quantities and reasons, in one piece; nothing else has come."""
        for kind, quantity, reason in reports:
            self.read(kind, reason, quantity=quantity, price=100)
        self.open.all_read()


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
    assert first.result(0).accepted.price == 7
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


@pytest.mark.parametrize("reason", [Reason.THROTTLED, 200])
def test_a_reason_without_an_error_of_its_own(reason: int) -> None:
    client = Client()
    promise = client.send(MassCancel(instrument=1, order_id=5))
    client.read(ReportKind.REJECTED, reason)
    with pytest.raises(OrderRefused, match=r"THROTTLED|200"):
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
    """It is unknown which of the two was answered: both are."""
    client = Client()
    promises = [client.send(NEW, connection) for connection in (1, 2, 2)]
    client.read(ReportKind.ACCEPTED)
    assert [promise.done() for promise in promises] == [True, True, True]
    assert len(client.open) == 0


def test_many_commands_about_one_order_are_answered_in_their_order() -> None:
    client = Client()
    cancels = [client.send(CANCEL) for _ in range(4)]
    for number, cancel in enumerate(cancels):
        assert [one.done() for one in cancels] == [n < number for n in range(4)]
        client.read(ReportKind.CANCELLED, quantity=number)
        assert cancel.result(0).quantity == number
    assert len(client.open) == 0
    later = [client.send(CANCEL, connection) for connection in (1, 1, 2)]
    client.open.lose(2)
    assert [one.done() for one in later] == [True, True, False]
    client.read(ReportKind.CANCELLED)
    assert later[2].result(0).order_id == 5


def test_a_future_that_has_no_answer_yet() -> None:
    client = Client()
    future = client.send(CANCEL)
    assert repr(future) == "<CommandFuture pending>"
    for call in (future.result, future.exception):
        with pytest.raises(NotAcknowledged, match=r"no answer within 0\.01 s"):
            call(0.01)
    client.read(ReportKind.CANCELLED, quantity=3)
    assert future.exception() is None
    assert future.result() is future.result()
    assert "CANCELLED" in repr(future)


def test_a_thread_waits_for_an_answer() -> None:
    client = Client()
    future = client.send(CANCEL)
    answer = threading.Timer(0.05, client.read, [ReportKind.CANCELLED])
    answer.start()
    assert future.result(30).kind == ReportKind.CANCELLED
    answer.join()


def test_callbacks(caplog: pytest.LogCaptureFixture) -> None:
    client = Client()
    future = client.send(CANCEL)
    told: list[object] = []
    future.add_done_callback(told.append)
    future.add_done_callback(lambda _: 1 / 0)
    unwanted = told.extend
    future.add_done_callback(unwanted)  # type: ignore[arg-type]
    assert future.remove_done_callback(unwanted) == 1  # type: ignore[arg-type]
    assert future.remove_done_callback(unwanted) == 0  # type: ignore[arg-type]
    client.read(ReportKind.CANCELLED)
    future.add_done_callback(told.append)
    assert told == [future, future]
    assert "ZeroDivisionError" in caplog.text


def test_a_callback_may_send_the_next_command() -> None:
    client = Client()
    later: list[CommandFuture[Any]] = []
    first = client.send(CANCEL)
    first.add_done_callback(lambda _: later.append(client.send(CANCEL)))
    client.read(ReportKind.CANCELLED)
    client.read(ReportKind.CANCELLED)
    assert later[0].done()


def test_a_future_of_asyncio_never_waits() -> None:
    future = Acknowledgements(None).expect(CANCEL.encode(), 1)
    future.add_done_callback(lambda _: None)
    with pytest.raises(NotAcknowledged, match="await"):
        future.result(1)


def test_a_future_of_a_thread_can_be_awaited() -> None:
    client = Client()
    future = client.send(CANCEL)

    async def wait() -> None:
        answer = threading.Timer(0.05, client.read, [ReportKind.CANCELLED])
        answer.start()
        with pytest.raises(TimeoutError):  # the future goes on waiting
            await asyncio.wait_for(future, 0)
        report = await future
        answer.join()
        assert report.order_id == 5
        assert await future is report

    asyncio.run(wait())


ACCEPTED, TRADE, CANCELLED, REDUCED = (
    ReportKind.ACCEPTED, ReportKind.TRADE, ReportKind.CANCELLED, ReportKind.REDUCED,
)  # fmt: skip


def told(result: OrderResult) -> tuple[OrderStatus, int, int]:
    return result.status, result.filled, result.remaining


@pytest.mark.parametrize("terms", [{}, {"instructions": Instruction.POST_ONLY}])
def test_an_order_that_may_rest_is_answered_when_all_that_came_is_read(terms: dict[str, int]) -> None:
    client = Client()
    order = client.order(**terms)
    client.read(ACCEPTED, quantity=5)
    assert not order.done()
    client.read(TRADE, quantity=2)
    client.open.all_read()
    assert told(order.result(0)) == (OrderStatus.RESTING, 2, 3)
    client.read_all((TRADE, 1, Reason.AS_MAKER), (TRADE, 2, Reason.AS_MAKER))
    assert told(order.result(0)) == (OrderStatus.RESTING, 2, 3), "what it was then"
    assert told(order.final.result(0)) == (OrderStatus.FILLED, 5, 0)


def test_an_order_that_is_filled_is_answered_at_once() -> None:
    client = Client()
    order = client.order()
    client.read(ACCEPTED, quantity=5, price=103)
    client.read(TRADE, quantity=2, price=100)
    client.read(TRADE, quantity=3, price=101, maker_id=77)
    result = order.result(0)
    assert told(result) == (OrderStatus.FILLED, 5, 0)
    assert result.average_price == Fraction(503, 5)
    assert result.fills[1].counterparty_id == 77
    assert order.final.result(0) == result
    assert (
        repr(result) == "OrderResult(FILLED: ACCEPTED no side 5@103, order 5, public 0; 5 filled at 100.6, 0 remaining)"
    )


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"time_in_force": IOC}, Reason.IOC_REMAINDER),
        ({"time_in_force": FOK}, Reason.FOK_UNFILLABLE),
        ({"order_type": MARKET}, Reason.MARKET_REMAINDER),
        ({"time_in_force": IOC}, Reason.MINIMUM_UNFILLABLE),
        ({"time_in_force": IOC}, Reason.OUTSIDE_RANGE),
    ],
)
def test_an_order_that_never_rests_is_answered_when_nothing_is_left(terms: dict[str, int], reason: Reason) -> None:
    """In whatever pieces its reports come."""
    client = Client()
    order = client.order(**terms)
    client.read_all((ACCEPTED, 5, Reason.NEVER_RESTS))
    client.read_all((TRADE, 2, 0))
    assert not order.done()
    client.read_all((CANCELLED, 3, reason))
    assert told(order.result(0)) == (OrderStatus.CANCELLED, 2, 0)
    assert order.result(0).last.reason is reason
    assert order.result(0).seq_num == 1


def test_the_next_command_completes_the_one_before() -> None:
    """Without a pause between them: a fill as maker, a cancel, the report of a different order."""
    for kind, reason in ((TRADE, Reason.AS_MAKER), (CANCELLED, Reason.BY_MASS_CANCEL), (REDUCED, Reason.NONE)):
        client = Client()
        order = client.order()
        client.read(ACCEPTED, quantity=5)
        client.read(kind, reason, quantity=1)
        assert told(order.result(0)) == (OrderStatus.RESTING, 0, 5)
    client = Client()
    first, second = client.order(), client.order(order_id=6)
    client.read(ACCEPTED, quantity=5)
    client.read(ACCEPTED, quantity=4, order_id=6)
    assert told(first.result(0)) == (OrderStatus.RESTING, 0, 5)
    client.open.all_read()
    assert second.result(0).order_id == 6


def test_what_a_command_does_to_the_owners_other_orders_is_not_its_end() -> None:
    client = Client()
    resting = client.order(order_id=4)
    client.read(ACCEPTED, quantity=2, order_id=4)
    client.open.all_read()
    order = client.order(time_in_force=IOC)
    client.read(ACCEPTED, Reason.NEVER_RESTS, quantity=5)
    client.read(TRADE, quantity=1)
    client.read(TRADE, Reason.AS_MAKER, quantity=1, order_id=4)
    client.read(REDUCED, Reason.SELF_TRADE, quantity=1, order_id=4)
    client.read(REDUCED, Reason.SELF_TRADE, quantity=1)
    assert not order.done()
    client.read(CANCELLED, Reason.IOC_REMAINDER, quantity=3)
    assert told(order.result(0)) == (OrderStatus.CANCELLED, 1, 0)
    assert told(resting.final.result(0)) == (OrderStatus.CANCELLED, 1, 0)


def test_a_replace_has_its_own_fills_and_the_end_of_the_order() -> None:
    client = Client()
    order = client.order()
    client.read_all((ACCEPTED, 5, 0), (TRADE, 1, 0))
    replaced = client.follow(ReplaceOrder(instrument=1, order_id=5))
    refused = client.follow(ReplaceOrder(instrument=1, order_id=5))
    client.read_all((ReportKind.REPLACED, 9, 0), (TRADE, 4, 0))
    assert told(replaced.result(0)) == (OrderStatus.RESTING, 4, 5)
    client.read(ReportKind.REJECTED, Reason.INVALID_PRICE)
    assert isinstance(refused.exception(0), InvalidPrice)
    assert isinstance(refused.final.exception(0), InvalidPrice)
    assert told(order.result(0)) == (OrderStatus.RESTING, 1, 4)
    cancel = client.send(CANCEL)
    client.read(CANCELLED, quantity=5)
    assert cancel.result(0).quantity == 5
    for future in (order, replaced):
        assert told(future.final.result(0)) == (OrderStatus.CANCELLED, 5, 0)


def test_an_order_is_followed_while_its_future_or_its_end_is_held() -> None:
    client = Client()
    final = client.order().final
    client.read_all((ACCEPTED, 5, 0))
    gc.collect()
    client.read_all((TRADE, 5, Reason.AS_MAKER))
    assert told(final.result(0)) == (OrderStatus.FILLED, 5, 0)
    client.order(order_id=6)
    client.read(ACCEPTED, order_id=6, quantity=1)
    client.open.all_read()
    gc.collect()
    assert not client.open.follows


def test_a_replace_of_an_order_that_was_not_followed() -> None:
    client = Client()
    replaced = client.follow(ReplaceOrder(instrument=1, order_id=5))
    client.read_all((ReportKind.REPLACED, 2, 0))
    client.read_all((TRADE, 2, Reason.AS_MAKER))
    assert told(replaced.final.result(0)) == (OrderStatus.FILLED, 2, 0)


def test_the_end_of_a_client_ends_what_is_followed() -> None:
    client = Client()
    resting, ioc, unanswered = client.order(), client.order(order_id=6, time_in_force=IOC), client.order(order_id=7)
    client.read(ACCEPTED, quantity=5)
    client.read(ACCEPTED, Reason.NEVER_RESTS, quantity=5, order_id=6)
    client.open.lose_all(PricetimeError("over"))
    assert told(resting.result(0)) == (OrderStatus.RESTING, 0, 5)
    for future in (resting.final, ioc, ioc.final, unanswered, unanswered.final):
        assert isinstance(future.exception(0), PricetimeError)


def test_the_same_order_again_over_another_connection_has_one_end() -> None:
    client = Client()
    orders = [client.order(connection=connection) for connection in (1, 2)]
    client.read_all((ACCEPTED, 5, 0), (TRADE, 5, 0))
    assert orders[0].result(0) == orders[1].result(0)
    assert orders[0].final.result(0) == orders[1].final.result(0)


def test_status_and_price_of_an_order_without_a_fill() -> None:
    client = Client()
    order = client.order()
    client.read_all((ACCEPTED, 5, 0))
    result = order.result(0)
    assert result.average_price is None
    assert result.public_id == 0
    assert repr(result).endswith("; 0 filled, 5 remaining)")


# ---------------------------------------------------------------------- orders of venues

REPLACED, HIDDEN, REFRESHED, TRIGGERED = (
    ReportKind.REPLACED, ReportKind.HIDDEN, ReportKind.REFRESHED, ReportKind.TRIGGERED,
)  # fmt: skip
WAITS, NEVER_RESTS = Reason.WAITS, Reason.NEVER_RESTS


def test_an_order_that_waits_is_triggered_and_trades() -> None:
    client = Client()
    order = client.order(order_type=OrderType.STOP)
    client.read_all((ACCEPTED, 5, WAITS))
    assert told(order.result(0)) == (OrderStatus.WAITING, 0, 5)
    assert order.result(0).waits
    client.read_all((REDUCED, 1, 0), (TRIGGERED, 4, NEVER_RESTS), (TRADE, 3, 0))
    assert not order.final.done()
    client.read_all((CANCELLED, 1, Reason.MARKET_REMAINDER))
    assert told(order.final.result(0)) == (OrderStatus.CANCELLED, 3, 0)
    assert not order.final.result(0).waits


def test_a_stop_order_that_its_own_command_triggers_has_its_fills() -> None:
    client = Client()
    order = client.order(order_type=OrderType.STOP_LIMIT)
    client.read_all((ACCEPTED, 5, WAITS), (TRIGGERED, 5, 0), (TRADE, 2, 0))
    assert told(order.result(0)) == (OrderStatus.RESTING, 2, 3)


@pytest.mark.parametrize("reason", [Reason.LEVELS_FULL, Reason.LEVEL_QUANTITY_FULL])
def test_a_stop_order_that_finds_no_level_is_cancelled(reason: Reason) -> None:
    client = Client()
    order = client.order(order_type=OrderType.STOP_LIMIT)
    client.read_all((ACCEPTED, 5, WAITS), (TRIGGERED, 5, 0), (CANCELLED, 5, reason))
    assert told(order.result(0)) == (OrderStatus.CANCELLED, 0, 0)


@pytest.mark.parametrize("reason", [WAITS, Reason.AT_MARKET, Reason.NONE])
def test_a_market_order_that_does_not_trade_now_is_answered_at_once(reason: Reason) -> None:
    """It waits, rests until the auction, or is a limit order because of its protection."""
    client = Client()
    order = client.order(order_type=MARKET)
    client.read_all((ACCEPTED, 5, reason))
    assert order.result(0).remaining == 5
    assert order.result(0).status is (OrderStatus.WAITING if reason is WAITS else OrderStatus.RESTING)


def test_an_auction_fills_an_order_and_gives_it_a_price() -> None:
    client = Client()
    order = client.order(order_type=OrderType.MARKET_TO_LIMIT)
    client.read_all((ACCEPTED, 9, Reason.AT_MARKET))
    replaced = client.follow(ReplaceOrder(instrument=1, order_id=5))
    client.read(ReportKind.AUCTION_TRADE, quantity=2, price=101, maker_id=77)
    client.read_all((REPLACED, 7, Reason.PRICED))
    assert not replaced.done(), "the market gave it the price, not the command"
    client.read_all((REPLACED, 6, 0), (TRADE, 6, 0))
    assert told(replaced.result(0)) == (OrderStatus.FILLED, 6, 0)
    final = order.final.result(0)
    assert told(final) == (OrderStatus.FILLED, 8, 0)
    assert final.fills[0].counterparty_id == 77
    client = Client()
    order = client.order()
    client.read_all((ACCEPTED, 2, 0), (ReportKind.AUCTION_TRADE, 2, 0))
    assert told(order.final.result(0)) == (OrderStatus.FILLED, 2, 0)


@pytest.mark.parametrize("reason", [Reason.DAY_ENDED, Reason.EXPIRY_REACHED])
def test_an_order_that_expires(reason: Reason) -> None:
    client = Client()
    order = client.order(time_in_force=TimeInForce.DAY)
    cancel = client.send(CANCEL)
    client.read_all((ACCEPTED, 5, 0), (ReportKind.EXPIRED, 5, reason))
    assert told(order.final.result(0)) == (OrderStatus.EXPIRED, 0, 0)
    assert order.final.result(0).last.reason is reason
    assert not cancel.done()
    client.read(ReportKind.REJECTED, Reason.UNKNOWN_ORDER)
    assert isinstance(cancel.exception(0), UnknownOrder)


def test_an_iceberg_has_all_its_lots() -> None:
    """A replaced one first says what it displays, then what it hides."""
    client = Client()
    order = client.order()
    client.read_all((ACCEPTED, 50, 0), (TRADE, 10, 0), (REFRESHED, 10, 0), (TRADE, 10, 0))
    assert told(order.result(0)) == (OrderStatus.RESTING, 20, 30)
    replaced = client.follow(ReplaceOrder(instrument=1, order_id=5))
    client.read_all((REPLACED, 8, 0), (HIDDEN, 32, 0), (TRADE, 8, 0), (REFRESHED, 8, 0), (TRADE, 1, 0))
    assert told(replaced.result(0)) == (OrderStatus.RESTING, 9, 31)
    again = client.follow(ReplaceOrder(instrument=1, order_id=5))
    client.read_all((REPLACED, 7, Reason.KEPT_PLACE), (HIDDEN, 3, 0))
    assert told(again.result(0)) == (OrderStatus.RESTING, 0, 10)
    client.read_all((TRADE, 10, Reason.AS_MAKER))
    for future in (order, replaced, again):
        assert told(future.final.result(0)) == (OrderStatus.FILLED, 39, 0)


def test_a_refresh_of_the_owners_other_order_is_not_the_end_of_a_command() -> None:
    """Neither is a change of the phase, before the remainder is cancelled."""
    client = Client()
    order = client.order(time_in_force=IOC)
    client.read(ACCEPTED, NEVER_RESTS, quantity=5)
    client.read(TRADE, quantity=2)
    client.read(TRADE, Reason.AS_MAKER, quantity=2, order_id=4)
    client.read(REFRESHED, quantity=2, order_id=4)
    client.read(TRADE, quantity=1)
    client.read(ReportKind.PHASE_CHANGED, Reason.OUTSIDE_RANGE, quantity=5, order_id=0)
    assert not order.done()
    client.read(CANCELLED, Reason.OUTSIDE_RANGE, quantity=2)
    assert told(order.result(0)) == (OrderStatus.CANCELLED, 3, 0)


def test_the_owners_stop_order_that_a_command_triggers_ends_its_answer() -> None:
    client = Client()
    stop = client.order(order_id=4, order_type=OrderType.STOP)
    client.read(ACCEPTED, WAITS, quantity=3, order_id=4)
    client.open.all_read()
    order = client.order()
    client.read(ACCEPTED, quantity=5)
    client.read(TRADE, quantity=1)
    client.read(TRIGGERED, NEVER_RESTS, quantity=3, order_id=4)
    assert told(order.result(0)) == (OrderStatus.RESTING, 1, 4)
    client.read(TRADE, quantity=3, order_id=4)
    assert told(stop.final.result(0)) == (OrderStatus.FILLED, 3, 0)


@pytest.mark.parametrize("followed", [True, False])
def test_a_replace_to_no_more_than_has_traded_ends_the_order(followed: bool) -> None:
    client = Client()
    orders = [client.order()]
    client.read_all((ACCEPTED, 5, 0), (TRADE, 2, 0))
    if not followed:
        orders.clear()
        gc.collect()
    replaced = client.follow(ReplaceOrder(instrument=1, order_id=5))
    cancel = client.send(CANCEL)
    client.read(CANCELLED, Reason.TRADED_MORE, quantity=3)
    result = replaced.result(0)
    assert told(result) == (OrderStatus.CANCELLED, 0, 0)
    assert result.accepted.reason is Reason.TRADED_MORE
    assert told(replaced.final.result(0)) == (OrderStatus.CANCELLED, 2 if followed else 0, 0)
    assert not cancel.done()


def test_a_replace_of_an_order_that_waits() -> None:
    client = Client()
    order = client.order(order_type=OrderType.STOP)
    client.read_all((ACCEPTED, 5, WAITS))
    replaced = client.follow(ReplaceOrder(instrument=1, order_id=5))
    client.read_all((REPLACED, 9, WAITS))
    assert told(replaced.result(0)) == (OrderStatus.WAITING, 0, 9)
    client.read_all((CANCELLED, 9, Reason.BY_OPERATOR))
    assert told(order.final.result(0)) == (OrderStatus.CANCELLED, 0, 0)


# ---------------------------------------------------------------------- commands that are sent again


def test_what_is_open_is_sent_again_in_its_order() -> None:
    client = Client(resends=True)
    commands = [NewOrder(instrument=1, order_id=number, quantity=1) for number in (9, 5, 7, 6)]
    futures = [client.follow(command) for command in commands]
    cancel = client.send(CANCEL)
    client.read_all((ReportKind.ACCEPTED, 1, 0))
    assert futures[1].result(0).order_id == 5
    sent = [commands[0], commands[2], commands[3], CANCEL]
    assert client.open.resend(2) == b"".join(command.encode() for command in sent)
    assert client.open.resend(2) == b""
    client.read(ReportKind.CANCELLED)
    assert cancel.result(0).kind == ReportKind.CANCELLED
    assert len(client.open) == 3
    last = client.order(5, connection=2)
    again = [commands[0], commands[2], commands[3], NewOrder(instrument=1, order_id=5)]
    assert client.open.resend(3) == b"".join(command.encode() for command in again)
    assert not last.done()


def test_two_commands_about_one_order_that_are_sent_again_stay_two() -> None:
    client = Client(resends=True)
    first, second = client.send(CANCEL), client.send(CANCEL)
    client.open.resend(2)
    client.read(ReportKind.CANCELLED)
    assert (first.done(), second.done()) == (True, False)
    client.read(ReportKind.REJECTED, Reason.UNKNOWN_ORDER)
    assert isinstance(second.exception(0), UnknownOrder)
    client.open.lose(3)
    assert client.open.resend(3) == b""


def test_an_exchange_that_is_busy() -> None:
    client = Client()
    order = client.order()
    client.refuse(1)
    with pytest.raises(ExchangeBusy, match="BUSY"):
        order.result(0)
    with pytest.raises(ExchangeBusy):
        order.final.result(0)
    assert len(client.open) == 0


def test_a_refusal_is_about_one_command_and_overtakes_answers() -> None:
    client = Client()
    replace = ReplaceOrder(instrument=1, order_id=5, price=100, quantity=3)
    taken, refused, cancel, last = (client.send(one) for one in (replace, replace, CANCEL, replace))
    client.refuse(2)
    assert isinstance(refused.exception(0), ExchangeBusy)
    assert [one.done() for one in (taken, cancel, last)] == [False] * 3
    client.refuse(4)
    assert isinstance(last.exception(0), ExchangeBusy)
    client.read(ReportKind.REPLACED, quantity=3, price=100)
    client.read(ReportKind.CANCELLED)
    client.open.all_read()
    assert taken.result(0).remaining == 3
    assert cancel.result(0)


def test_a_refusal_comes_between_the_reports_of_an_order() -> None:
    client = Client()
    first, second = client.order(), client.order(6)
    client.read(ReportKind.ACCEPTED, quantity=5, price=100)
    client.refuse(2, order_id=6)
    client.read(ReportKind.TRADE, quantity=2, price=100)
    client.open.all_read()
    assert first.result(0).remaining == 3
    assert isinstance(second.exception(0), ExchangeBusy)


def test_commands_without_a_future_have_a_number_too() -> None:
    client = Client()
    client.open.pass_over(3, 1)
    order = client.order()
    client.refuse(2)
    assert not order.done()
    client.refuse(4)
    assert isinstance(order.exception(0), ExchangeBusy)


def test_each_connection_counts_its_commands() -> None:
    client = Client(resends=True)
    orders = [client.order(number) for number in (1, 2, 3)]
    client.read(ReportKind.REJECTED, Reason.INVALID_PRICE, order_id=2)
    assert len(client.open.resend(2)) == 2 * NewOrder.SIZE
    late = client.order(4, connection=2)
    client.refuse(2, order_id=3)
    client.refuse(3, order_id=4)
    assert not orders[0].done()
    assert isinstance(orders[2].exception(0), ExchangeBusy)
    assert isinstance(late.exception(0), ExchangeBusy)


def test_commands_are_resent_in_their_order_over_several_connections() -> None:
    client = Client(resends=True)
    for number in (3, 1):
        client.order(number, connection=1)
    client.order(2, connection=2)
    sent = client.open.resend(3)
    size = NewOrder.SIZE
    assert [NewOrder.decode(sent[at : at + size]).order_id for at in range(0, len(sent), size)] == [3, 1, 2]
