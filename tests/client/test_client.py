"""A client on sockets: its commands are answered, its reports come once and in order, whatever the connection does."""

from __future__ import annotations

import random
import selectors
import socket
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from pricetime import (
    ASK,
    BID,
    COMMAND,
    IOC,
    MARKET,
    REPORT,
    CommandType,
    Instruction,
    Instrument,
    OrderType,
    Reason,
    ReportKind,
    TimeInForce,
)
from pricetime import errors as book_errors
from pricetime.client import errors
from pricetime.client.client import Client
from pricetime.client.future import CommandFuture, OrderFuture
from pricetime.client.order_result import OrderStatus
from pricetime.errors import PricetimeError
from pricetime.profiles import Venue
from pricetime.reference.terms import Rule
from pricetime.wire.errors import MessageError
from pricetime.wire.messages import CancelOrder, ExecutionReport
from pricetime.wire.types import SessionReason
from tests.client.order_entry import OrderEntry
from tests.counts import count as number_of
from tests.exchange.illegal_orders import CASES, name_of

SECRETS = {1: b"one", 2: b"two"}

#: A venue that accepts orders of every kind.
WHOLE = Venue(all_or_none=True)


@pytest.fixture
def entry() -> Iterator[OrderEntry]:
    with OrderEntry([Instrument(1), Instrument(2, tick_size=5)]) as made:
        yield made


def client(entry: OrderEntry, owner: int = 1, **settings: Any) -> Client:
    return Client(*entry.address, owner=owner, **settings)


def kinds(reports: list[ExecutionReport]) -> list[ReportKind]:
    return [ReportKind(report.kind) for report in reports]


def new_orders(count: int, first: int = 1) -> np.ndarray[Any, Any]:
    orders = np.zeros(count, COMMAND)
    orders["type"] = CommandType.NEW_ORDER
    orders["instrument"] = orders["side"] = orders["price"] = orders["quantity"] = 1
    orders["order_id"] = np.arange(first, first + count)
    return orders


# ---------------------------------------------------------------------- commands and their answers


def test_open_orders(entry: OrderEntry) -> None:
    """All of them, in several parts; of a client that knows of none."""
    with client(entry, keep_orders=True) as mine:
        assert mine.open_orders() == []
        mine.send(new_orders(700))
        mine.add_order(5, ASK, 60, 4, instrument=2).result(5)
        mine.cancel_order(3).result(5)
    with client(entry) as again:
        found = again.open_orders(timeout=30)
        assert [order.order_id for order in found] == [n for n in range(1, 701) if n != 3] + [5]
        assert (found[-1].instrument, found[-1].side, found[-1].price, found[-1].quantity) == (2, ASK, 60, 4)
        assert len(again.read()) == 700 + 3, "they are among the reports, too"


def test_open_orders_that_are_not_told_in_time(entry: OrderEntry) -> None:
    with client(entry, retries=0) as mine:
        entry.loses = True
        with pytest.raises((errors.CommandLost, errors.ConnectionLost)):
            mine.open_orders(timeout=30)


@pytest.mark.parametrize(
    ("terms", "status"),
    [
        ({"order_type": OrderType.STOP, "trigger_price": 105}, OrderStatus.WAITING),
        ({"order_type": OrderType.STOP_LIMIT, "trigger_price": 105}, OrderStatus.WAITING),
        ({"order_type": OrderType.STOP, "trigger_price": 105, "protection": 5}, OrderStatus.WAITING),
        ({"display_quantity": 2}, OrderStatus.RESTING),
        ({"time_in_force": TimeInForce.GTD, "expiry_ns": 2**63}, OrderStatus.RESTING),
        ({"time_in_force": TimeInForce.DAY}, OrderStatus.RESTING),
        ({"minimum_quantity": 3}, OrderStatus.CANCELLED),
        ({"order_type": MARKET, "instructions": Instruction.AT_THE_OPEN}, OrderStatus.WAITING),
        ({"instructions": Instruction.AT_THE_CLOSE}, OrderStatus.WAITING),
        ({"instructions": Instruction.ALL_OR_NONE}, OrderStatus.WAITING),
        ({"instructions": Instruction.POST_ONLY, "post_only": True}, OrderStatus.RESTING),
    ],
)
def test_orders_of_every_kind(terms: dict[str, Any], status: OrderStatus) -> None:
    with OrderEntry([Instrument(1, venue=WHOLE)]) as entry, client(entry) as mine:
        order = mine.add_order(1, BID, 100, 10, **terms)
        after = mine.add_order(2, BID, 100, 10, post_only=True)
        assert order.result(5).status is status
        assert after.result(5).order_id == 2
        listed = mine.open_orders()
        assert [one.order_id for one in listed] == [1, 2][status is OrderStatus.CANCELLED :]
        assert listed[0].waits is (status is OrderStatus.WAITING)
        assert listed[0].trigger_price == (terms.get("trigger_price", 0) if listed[0].waits else None)


@pytest.mark.parametrize(("rule", "terms"), CASES, ids=name_of)
def test_an_order_that_contradicts_itself_raises_the_error_of_its_rule(rule: Rule, terms: dict[str, Any]) -> None:
    with OrderEntry([Instrument(1, tick_size=5, lot_size=10, venue=WHOLE)]) as entry, client(entry) as mine:
        with pytest.raises(rule.error):
            mine.add_order(1, BID, 100, 100, **terms).result(5)
        assert mine.add_order(2, BID, 100, 100).result(5).status is OrderStatus.RESTING


def test_a_stop_order_is_replaced_triggered_and_filled(entry: OrderEntry) -> None:
    with client(entry) as mine, client(entry, 2) as yours:
        stop = mine.add_order(1, ASK, None, 5, order_type=OrderType.STOP, trigger_price=90)
        replaced = mine.replace_order(1, None, 4, trigger_price=95).result(5)
        assert (replaced.status, replaced.remaining, replaced.accepted.reason) == (OrderStatus.WAITING, 4, Reason.WAITS)
        for wrong, error in (
            ({"display_quantity": 2}, book_errors.InvalidDisplayQuantity),
            ({"trigger_price": 95, "expiry_ns": 2**63}, book_errors.InvalidExpiry),
            ({"trigger_price": 95, "protection": 1}, book_errors.InvalidProtection),
        ):
            with pytest.raises(error):
                mine.replace_order(1, None, 4, **wrong).result(5)
        yours.add_order(1, BID, 95, 9).result(5)
        yours.add_order(2, ASK, 95, 1).result(5)
        final = stop.final.result(5)
        assert (final.status, final.filled, final.average_price) == (OrderStatus.FILLED, 4, Fraction(95))
        told = [report.kind for report in mine.reports(timeout=0.1) if report.kind != ReportKind.REJECTED]
        assert told == [ReportKind.ACCEPTED, ReportKind.REPLACED, ReportKind.TRIGGERED, ReportKind.TRADE]


def test_an_iceberg_is_replaced_and_filled(entry: OrderEntry) -> None:
    with client(entry) as mine, client(entry, 2) as yours:
        iceberg = mine.add_order(1, BID, 100, 50, display_quantity=10)
        assert iceberg.result(5).remaining == 50
        assert mine.replace_order(1, 101, 40, display_quantity=5).result(5).remaining == 40
        taken = yours.add_order(1, ASK, 101, 12, time_in_force=IOC).result(5)
        assert (taken.filled, len(taken.fills)) == (12, 3)
        assert mine.open_orders()[0].quantity == 28
        assert mine.cancel_order(1).result(5).hidden == 25
        assert (iceberg.final.result(5).filled, iceberg.final.result(5).status) == (12, OrderStatus.CANCELLED)


def test_orders_with_extensions_over_connections_that_break(entry: OrderEntry) -> None:
    """None is cut from its extension: whatever is lost is lost whole, and the session goes on."""
    entry.cut = random.Random(7)
    accepted = 0
    with client(entry, retries=100, keep_orders=True) as mine:
        for number in range(1, 120):
            try:
                mine.wait_until_active(30)
                stop = mine.add_order(number, ASK, 90, 5, order_type=OrderType.STOP_LIMIT, trigger_price=90)
                accepted += stop.result(30).status is OrderStatus.WAITING
            except (errors.CommandLost, errors.ConnectionLost):
                continue
        entry.cut = None
        mine.wait_until_active(30)
        listed = mine.open_orders(30)
        assert mine.disconnects > 3
    assert len(listed) >= accepted > 30
    assert all(order.trigger_price == 90 for order in listed)


def test_every_command_is_answered(entry: OrderEntry) -> None:
    with client(entry) as mine, client(entry, 2) as yours:
        accepted = mine.add_order(1, BID, 100, 10).result(5).accepted
        assert (accepted.kind, accepted.order_id, accepted.price, accepted.quantity) == (
            ReportKind.ACCEPTED,
            1,
            100,
            10,
        )
        assert mine.reduce_order(1, 2).result(5).quantity == 2
        assert mine.replace_order(1, 101, 7).result(5).accepted.price == 101
        taken = yours.add_order(1, ASK, 101, 3, time_in_force=IOC).result(5)
        assert (taken.status, taken.filled, taken.average_price) == (OrderStatus.FILLED, 3, Fraction(101))
        assert yours.add_order(2, ASK, None, 1, order_type=MARKET).result(5).accepted.price == 0
        assert mine.cancel_order(1).result(5).quantity == 3
        for number in range(3):
            mine.add_order(number, BID, 50, 1)
        mine.add_order(9, ASK, 60, 1, instrument=2)
        assert mine.mass_cancel(side=BID).result(5).quantity == 3
        done = mine.mass_cancel(instrument=2, request_id=77).result(5)
        assert (done.kind, done.instrument, done.order_id, done.quantity) == (ReportKind.MASS_CANCELLED, 2, 77, 1)
        own = list(mine.reports(timeout=0.1))
        assert kinds(own)[:6] == [
            ReportKind.ACCEPTED,
            ReportKind.REDUCED,
            ReportKind.REPLACED,
            ReportKind.TRADE,
            ReportKind.TRADE,
            ReportKind.CANCELLED,
        ]
        assert [(r.order_id, r.side, r.reason, r.quantity) for r in own[3:5]] == [
            (1, BID, Reason.AS_MAKER, 3),
            (1, BID, Reason.AS_MAKER, 1),
        ]
        assert [report.seq_num for report in own] == list(range(1, len(own) + 1))
        assert kinds(list(yours.reports(timeout=0.1))) == [ReportKind.ACCEPTED, ReportKind.TRADE] * 2


def test_a_host_by_name(entry: OrderEntry) -> None:
    with Client("localhost", entry.address[1], owner=1) as mine:
        assert mine.add_order(1, BID, 100, 1).result(5).order_id == 1
    with pytest.raises(errors.ConnectionLost, match=r"cannot connect to \[::1\]:1: "):
        Client("::1", 1, owner=1)


def test_an_order_has_its_fills(entry: OrderEntry) -> None:
    """At once those of its own command; in the end all of them."""
    with client(entry) as mine, client(entry, 2) as yours:
        first = mine.add_order(1, ASK, 100, 3)
        mine.add_order(2, ASK, 102, 3).result(5)
        assert first.result(5).status is OrderStatus.RESTING
        order = yours.add_order(7, BID, 102, 9)
        result = order.result(5)
        assert result.order_id == 7
        assert result.public_id == result.accepted.public_id
        assert [(fill.price, fill.quantity) for fill in result.fills] == [(100, 3), (102, 3)]
        assert result.fills[0].counterparty_id == first.result(5).public_id
        assert (result.status, result.filled, result.remaining) == (OrderStatus.RESTING, 6, 3)
        assert result.average_price == 101
        assert first.final.result(5).status is OrderStatus.FILLED
        assert first.final.result(5).fills[0].reason is Reason.AS_MAKER
        assert not order.final.done()
        mine.add_order(4, ASK, 101, 1).result(5)
        yours.reduce_order(7, 1).result(5)
        replaced = yours.replace_order(7, 90, 2)
        assert replaced.result(5).fills == ()
        assert yours.cancel_order(7).result(5).quantity == 2
        ended = order.final.result(5)
        assert (ended.status, ended.filled, ended.remaining) == (OrderStatus.CANCELLED, 7, 0)
        assert replaced.final.result(5) == ended
        waiting = yours.add_order(8, BID, 50, 1)
    with pytest.raises(PricetimeError):
        waiting.final.result(5)


def test_what_the_exchange_refuses_raises_what_a_book_would(entry: OrderEntry) -> None:
    with client(entry) as mine:
        mine.add_order(1, BID, 100, 10)
        refused: list[tuple[CommandFuture[Any], type[Exception]]] = [
            (mine.add_order(1, BID, 100, 10), book_errors.DuplicateOrderId),
            (mine.cancel_order(5), book_errors.UnknownOrder),
            (mine.reduce_order(5, 1), book_errors.UnknownOrder),
            (mine.replace_order(5, 1, 1), book_errors.UnknownOrder),
            (mine.add_order(7, BID, 101, 10, instrument=2), book_errors.InvalidPrice),
            (mine.add_order(7, BID, 101, 10, instrument=3), book_errors.UnknownInstrument),
        ]
        for promise, error in refused:
            with pytest.raises(error, match="the exchange refused the command"):
                promise.result(5)


def test_an_exchange_that_is_busy(entry: OrderEntry) -> None:
    """Its refusals have no number, so a client that resumes asks for the numbered reports only."""
    made = np.zeros(2, COMMAND)
    made["type"], made["instrument"], made["side"], made["quantity"] = CommandType.NEW_ORDER, 1, BID, 5
    made["order_id"], made["price"] = [3, 4], 100
    with client(entry, resume_from=1, keep_orders=True) as active:
        active.add_order(1, BID, 100, 5).result(5)
        entry.busy = True
        refused = active.add_order(2, BID, 100, 5)
        with pytest.raises(book_errors.ExchangeBusy):
            refused.result(5)
        active.send(made)
        with pytest.raises(book_errors.ExchangeBusy):
            active.add_order(5, BID, 100, 5).result(5)
        assert active.cancel_order(1).result(5).order_id == 1
        entry.busy = False
        active.add_order(2, BID, 100, 5).result(5)
        reports = active.read()
        assert [int(number) for number in reports["order_id"]] == [1, 2, 3, 4, 5, 1, 2]
        assert [int(number) for number in reports["seq_num"]] == [1, 0, 0, 0, 0, 2, 3]
        assert active.next_sequence == 4


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda c: c.add_order(2**48, BID, 1, 1), book_errors.InvalidOrderId),
        (lambda c: c.add_order(-1, BID, 1, 1), book_errors.InvalidOrderId),
        (lambda c: c.add_order(1, 3, 1, 1), book_errors.InvalidSide),
        (lambda c: c.add_order(1, BID, 2**63, 1), book_errors.InvalidPrice),
        (lambda c: c.add_order(1, BID, None, 1), book_errors.InvalidPrice),
        (lambda c: c.replace_order(1, 2**63, 1), book_errors.InvalidPrice),
        (lambda c: c.add_order(1, BID, 1, 0), book_errors.InvalidQuantity),
        (lambda c: c.add_order(1, BID, 1, 1, time_in_force=9), book_errors.InvalidTimeInForce),
        (lambda c: c.add_order(1, BID, 1, 1, order_type=9), book_errors.InvalidOrderType),
        (lambda c: c.add_order(1, BID, 1, 1, trigger_price=2**63), book_errors.InvalidTriggerPrice),
        (lambda c: c.add_order(1, BID, 1, 1, display_quantity=-1), book_errors.InvalidDisplayQuantity),
        (lambda c: c.add_order(1, BID, 1, 1, minimum_quantity=2**64), book_errors.InvalidMinimumQuantity),
        (lambda c: c.add_order(1, BID, 1, 1, expiry_ns=-1), book_errors.InvalidExpiry),
        (lambda c: c.add_order(1, BID, 1, 1, protection=2**32), book_errors.InvalidProtection),
        (lambda c: c.add_order(1, BID, 1, 1, instructions=256), book_errors.InvalidInstruction),
        (lambda c: c.replace_order(1, 1, 1, trigger_price="1"), book_errors.InvalidTriggerPrice),
        (lambda c: c.add_order(1, BID, 1, 1, self_trade=9), book_errors.InvalidSelfTrade),
        (lambda c: c.add_order(1, BID, 1, 1, tag=2**32), book_errors.InvalidSetting),
        (lambda c: c.add_order(1, BID, 1, 1, instrument=-1), book_errors.UnknownInstrument),
        (lambda c: c.cancel_order(1.5), book_errors.InvalidOrderId),
        (lambda c: c.reduce_order(1, 0), book_errors.InvalidQuantity),
        (lambda c: c.replace_order(1, 1, 0), book_errors.InvalidQuantity),
        (lambda c: c.mass_cancel(side=3), book_errors.InvalidSide),
        (lambda c: c.mass_cancel(request_id=2**48), book_errors.InvalidOrderId),
        (lambda c: c.send(np.zeros(3, REPORT)), MessageError),
        (lambda c: c.send(new_orders(1, first=2**48)), MessageError),
    ],
)
def test_arguments_that_cannot_be_are_not_sent(entry: OrderEntry, call: Any, error: type[Exception]) -> None:
    with client(entry) as mine:
        with pytest.raises(error):
            call(mine)
        assert mine.add_order(1, BID, 1, 1).result(5).seq_num == 1


def test_many_at_once(entry: OrderEntry) -> None:
    with client(entry) as mine:
        mine.send(new_orders(500))
        cancels = new_orders(500)
        cancels["type"] = CommandType.CANCEL_ORDER
        mine.send(cancels)
        mine.send(cancels[:0])
        got = [np.zeros(0, REPORT)]
        while sum(map(len, got)) < 1_000:
            got.append(mine.read(timeout=5))
        reports = np.concatenate(got)
        assert reports["kind"].tolist() == [ReportKind.ACCEPTED] * 500 + [ReportKind.CANCELLED] * 500
        assert reports["seq_num"].tolist() == list(range(1, 1_001))
        assert len(mine.read()) == 0


def test_threads_that_send_more_than_goes_out_at_once(entry: OrderEntry) -> None:
    """What the client collects is sent, and the commands of each thread in their order."""
    with client(entry) as mine:
        futures: list[list[CommandFuture[Any]]] = [[], []]

        def trade(own: list[CommandFuture[Any]], first: int) -> None:
            for order_id in range(first, first + 300):
                own.append(mine.add_order(order_id, BID, 50, 2))
                own.append(mine.reduce_order(order_id, 1))
                own.append(mine.cancel_order(order_id))

        threads = [threading.Thread(target=trade, args=(own, 1_000 * n)) for n, own in enumerate(futures)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for own in futures:
            numbers = [future.result(60).seq_num for future in own]
            assert numbers == sorted(numbers)
        assert len(mine.read()) == 1_800


@pytest.mark.parametrize("most_unsent", [1 << 20, 20_000])
def test_a_network_that_takes_nothing(entry: OrderEntry, monkeypatch: pytest.MonkeyPatch, most_unsent: int) -> None:
    """The client keeps what does not go out, and from some amount on the caller waits."""
    monkeypatch.setattr("pricetime.client.client.MOST_UNSENT", most_unsent)
    count = 200_000 // CancelOrder.SIZE
    with client(entry) as mine:
        mine._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        entry.lock.acquire()  # the exchange reads nothing while it waits for this
        again = threading.Timer(0.3, entry.lock.release)
        again.start()
        futures = [mine.cancel_order(number) for number in range(count)]
        for future in futures:
            assert isinstance(future.exception(60), book_errors.UnknownOrder)
        again.join()


def test_a_callback_that_sends(entry: OrderEntry) -> None:
    with client(entry) as mine:
        answered: list[CommandFuture[Any]] = []
        done = threading.Event()

        def go_on(_: CommandFuture[Any]) -> None:
            mine.send(new_orders(100, 100))
            answered.append(mine.mass_cancel())
            answered[0].add_done_callback(lambda _: done.set())

        mine.add_order(1, BID, 1, 1).add_done_callback(go_on)
        assert done.wait(60)
        assert answered[0].result(0).quantity == 101


def test_commands_that_were_collected_when_the_connection_broke(entry: OrderEntry) -> None:
    """They are lost, and known to be."""
    with client(entry, keep_orders=True) as mine:
        mine._direct, mine._window_ns = 10**9, 2**62  # nothing is sent by the calling thread
        with mine._sending:  # nor by the client's own
            future = mine.add_order(1, BID, 1, 1)
            entry.drop_connections()
            while mine.disconnects == 0:
                time.sleep(0.001)
        assert isinstance(future.exception(60), errors.CommandLost)
        mine.wait_until_active()
        assert mine.add_order(1, BID, 1, 1).result(60).seq_num == 1


def test_taking_one_and_then_the_rest(entry: OrderEntry) -> None:
    with client(entry) as mine:
        mine.send(new_orders(50))
        mine.mass_cancel().result(5)
        assert mine.untaken == 101
        assert next(mine.reports()).seq_num == 1
        assert mine.read()["seq_num"].tolist() == list(range(2, 102))
        assert mine.untaken == 0
        assert list(mine.reports(timeout=0.0)) == []


# ---------------------------------------------------------------------- logging in and out


def test_secrets() -> None:
    with OrderEntry([Instrument(1)], secrets=SECRETS) as entry:
        with client(entry, secret=b"one") as mine:
            assert mine.is_active
        for owner, secret in ((1, b"two"), (3, b"one"), (1, b"")):
            with pytest.raises(errors.LoginRefused, match=r"BAD_CREDENTIALS.*secret") as refused:
                client(entry, owner, secret=secret)
            assert refused.value.reason == SessionReason.BAD_CREDENTIALS


def test_an_owner_that_cannot_be(entry: OrderEntry) -> None:
    with pytest.raises(book_errors.InvalidOwner):
        client(entry, 0)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(errors.ConnectionLost, match="Is the exchange up"):
        Client(port=port, owner=1)


def test_an_exchange_that_says_nothing(entry: OrderEntry) -> None:
    entry.mute = True
    with pytest.raises(errors.NotAcknowledged, match="no login"):
        client(entry, timeout=0.1)


@pytest.mark.parametrize("refusal", [SessionReason.TOO_MANY_CLIENTS, SessionReason.LOGIN_TOO_SOON])
def test_an_exchange_without_room_is_tried_again(entry: OrderEntry, refusal: SessionReason) -> None:
    entry.full, entry.refusal = True, refusal
    with pytest.raises(errors.ConnectionLost, match="3 attempts"):
        client(entry, retries=3)


def test_the_socket_is_read_whatever_the_selector_says(entry: OrderEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a stop of the process, the selector reports a timeout, not what has come meanwhile."""

    class Blind(selectors.DefaultSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            super().select(timeout)
            return []

    monkeypatch.setattr(selectors, "DefaultSelector", Blind)
    with client(entry) as mine:
        mine.add_order(1, BID, 1, 1).result(10)
        assert mine.disconnects == 0


def test_after_the_end(entry: OrderEntry) -> None:
    mine = client(entry)
    mine.add_order(1, BID, 1, 1).result(5)
    mine.close()
    mine.close()
    assert not mine.is_active
    assert kinds(list(mine.reports())) == [ReportKind.ACCEPTED]
    assert len(mine.read()) == 0
    with pytest.raises(errors.SessionEnded, match="logged out"):
        mine.add_order(2, BID, 1, 1)


@pytest.mark.parametrize("keep", [True, False])
def test_orders_are_kept_or_not(entry: OrderEntry, keep: bool) -> None:
    with client(entry, keep_orders=keep) as mine:
        mine.add_order(1, BID, 1, 1).result(5)
    with client(entry, resume_from=1) as again:
        again.mass_cancel().result(5)
        cancelled = next(r for r in again.reports(0.1) if r.kind == ReportKind.CANCELLED)
        assert cancelled.reason == (Reason.BY_MASS_CANCEL if keep else Reason.BY_DISCONNECT)


def test_gtc_and_gtd_orders_are_kept(entry: OrderEntry) -> None:
    with client(entry, keep_gtc_and_gtd=True) as mine:
        for number, tif in enumerate((TimeInForce.GTC, TimeInForce.DAY)):
            mine.add_order(number, BID, 1, 1, time_in_force=tif).result(5)
    with client(entry, resume_from=1) as again:
        again.mass_cancel().result(5)
        reasons = {r.order_id: r.reason for r in again.reports(0.1) if r.kind == ReportKind.CANCELLED}
        assert reasons == {0: Reason.BY_MASS_CANCEL, 1: Reason.BY_DISCONNECT}


def test_going_on_from_any_report(entry: OrderEntry) -> None:
    with client(entry, keep_orders=True) as mine:
        mine.send(new_orders(20))
        mine.cancel_order(20).result(5)
        assert mine.next_sequence == 22
    with client(entry, resume_from=8, keep_orders=True) as again:
        assert [report.seq_num for report in again.reports(0.1)] == list(range(8, 22))
    with client(entry) as new:
        assert new.next_sequence == 22
    entry.oldest = 5
    with pytest.raises(errors.LoginRefused, match="SEQUENCE_GONE"):
        client(entry, resume_from=4)


# ---------------------------------------------------------------------- connections that are lost


def lose_the_connection(entry: OrderEntry, mine: Client) -> None:
    mine.wait_until_active()
    before = mine.disconnects
    entry.drop_connections()
    while mine.disconnects == before:
        time.sleep(0.001)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(number_of(4, 12)))
def test_random_disconnects(entry: OrderEntry, seed: int) -> None:
    """Many hundred of them: no report is lost or comes twice, every command is answered or known to be lost."""
    rng = random.Random(seed)
    with client(entry, keep_orders=True, retries=100) as mine:
        entry.cut = rng
        promises: dict[int, OrderFuture] = {}
        got: list[ExecutionReport] = []
        for number in range(400):
            try:
                promises[number] = mine.add_order(number, rng.choice([BID, ASK]), rng.randint(95, 105), 1)
            except errors.ConnectionLost:
                mine.wait_until_active()
            if rng.random() < 0.5 and number in promises:
                promises[number].exception(10)
            if rng.random() < 0.3:
                got += mine.reports(timeout=0.0)
            if number % 25 == 24:
                lose_the_connection(entry, mine)
        entry.cut = None
        mine.wait_until_active()
        outcomes = [promise.exception(10) for promise in promises.values()]
        got += mine.reports(timeout=0.3)
        assert [report.seq_num for report in got] == list(range(1, len(got) + 1))
        assert [report.encode() for report in got] == entry.streams[1]
        accepted = {report.order_id for report in got if report.kind == ReportKind.ACCEPTED}
        for number, outcome in zip(promises, outcomes, strict=True):
            assert outcome is None or isinstance(outcome, errors.CommandLost)
            assert (number in accepted) == (outcome is None)
        assert mine.disconnects >= 400 // 25


def test_a_command_that_is_lost_is_known_to_be(entry: OrderEntry) -> None:
    with client(entry) as mine:
        entry.loses = True
        lost = mine.add_order(1, BID, 1, 1)
        with pytest.raises(errors.CommandLost, match="order 1 was lost"):
            lost.result(10)
        entry.loses = True
        lost = mine.add_order(2, BID, 1, 1)
        while True:
            try:
                mine.wait_until_active()
                mine.add_order(3, BID, 1, 1).result(10)
                break
            except (errors.ConnectionLost, errors.CommandLost):
                continue
        assert isinstance(lost.exception(0), errors.CommandLost)


def test_a_slow_network(entry: OrderEntry) -> None:
    entry.slow = True
    with client(entry) as mine:
        mine.send(new_orders(30))
        assert mine.mass_cancel().result(10).quantity == 30
        assert len(mine.read()) == 61


def test_silence_ends_a_connection_and_another_is_made() -> None:
    with OrderEntry([Instrument(1)], heartbeat_ms=50, timeout_ms=600) as entry, client(entry) as mine:
        assert list(mine.reports(timeout=1.0)) == []
        assert mine.disconnects == 0, "heartbeats go both ways by themselves"
        entry.heartbeat_ms = 10_000_000  # the exchange means to be silent from the next login on
        entry.drop_connections()
        while mine.disconnects < 3:
            mine.read(timeout=0.1)


def test_an_exchange_that_is_gone_for_good(entry: OrderEntry) -> None:
    with client(entry, retries=3) as mine:
        open_ = mine.add_order(1, BID, 1, 1)
        open_.result(5)
        entry.close()
        with pytest.raises(errors.ConnectionLost, match=r"3 attempts.*resume_from=2"):
            list(mine.reports())
        with pytest.raises(errors.ConnectionLost):
            mine.add_order(2, BID, 1, 1)
        with pytest.raises(errors.ConnectionLost):
            mine.wait_until_active()
        assert len(entry.logins) == 1


@pytest.mark.parametrize("reason", [SessionReason.SHUTDOWN, SessionReason.THROTTLE_EXCEEDED, 99])
def test_an_end_that_is_final(entry: OrderEntry, reason: Any) -> None:
    with client(entry) as mine:
        mine.add_order(1, BID, 1, 1).result(5)
        entry.end_all(reason)
        with pytest.raises(errors.SessionEnded, match=getattr(reason, "name", str(reason))) as ended:
            list(mine.reports())
        assert ended.value.reason == reason
        assert len(entry.logins) == 1


def test_another_client_of_the_same_owner(entry: OrderEntry) -> None:
    with client(entry) as mine, client(entry) as newer:
        with pytest.raises(errors.SessionEnded, match=r"SUPERSEDED.*elsewhere"):
            list(mine.reports())
        assert newer.add_order(1, BID, 1, 1).result(5).order_id == 1


def test_reports_that_nobody_takes_are_bounded(entry: OrderEntry) -> None:
    with client(entry, most_untaken=100) as mine:
        mine.send(new_orders(300))
        while mine.untaken <= 100:
            time.sleep(0.001)
        with pytest.raises(errors.ReportsUntaken):
            mine.add_order(1_000, BID, 1, 1)
        with pytest.raises(errors.ReportsUntaken):
            list(mine.reports())
