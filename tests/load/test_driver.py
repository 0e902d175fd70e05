"""The loop with a clock that stands where the test puts it, and an exchange that is the test."""

import socket
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from pricetime.load.plan import Plan, make_plans
from pricetime.native.histogram import Histogram
from pricetime.types import CommandType, Reason, ReportKind
from pricetime.wire.messages import CancelOrder, Logout, MassCancel, NewOrder, ReduceOrder, ReplaceOrder
from pricetime.wire.types import MessageType, SessionReason
from tests.load.stub import ANSWERS, Messages, heartbeat, report

pytestmark = pytest.mark.compiled

START_NS = 10**12
CLOSED, ENDED, OUT_OF_ORDER, STRANGE, UNASKED, SILENT, REFUSED = 1, 3, 4, 5, 6, 7, 8


def plan_of(*messages: bytes, connections: list[int] | None = None) -> Plan:
    data = np.frombuffer(b"".join(messages), np.uint8)
    return Plan(
        data, np.array([len(m) for m in messages], np.uint8), np.array(connections or [0] * len(messages), np.uint16)
    )


def new(order_id: int) -> bytes:
    return NewOrder(order_id=order_id, side=1, price=1, quantity=1, instrument=1).encode()


def cancel(order_id: int) -> bytes:
    return CancelOrder(order_id=order_id, instrument=1).encode()


class Table:
    """A driver, and the other ends of its connections. Time is ``now``, in ns from the start."""

    def __init__(self, connections: int = 1, **settings: Any) -> None:
        from pricetime.load.driver import Driver

        self.driver = Driver(connections, **settings)
        self.driver.fixed_ns = START_NS
        pairs = [socket.socketpair() for _ in range(connections)]
        self.mine, self.theirs = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        self.messages = [Messages() for _ in range(connections)]
        self.sequences = [0] * connections
        for number, connection in enumerate(self.mine):
            self.theirs[number].setblocking(False)
            self.driver.connection(number, connection.fileno(), 1)

    def close(self) -> None:
        self.driver.close()
        for end in self.mine + self.theirs:
            end.close()

    def at(self, now: int) -> None:
        """One iteration at this time."""
        self.driver.fixed_ns = START_NS + now
        self.driver.iterate()

    def came(self, connection: int = 0) -> list[tuple[int, int]]:
        """What has come at the other end since: type and order id."""
        try:
            data = self.theirs[connection].recv(1 << 20)
        except BlockingIOError:
            return []
        return list(self.messages[connection].read(data))

    def say(self, *reports: tuple[int, int] | tuple[int, int, int], connection: int = 0) -> None:
        """Reports of kind, order id and reason, each the next one."""
        first = self.sequences[connection] + 1
        data = [report(kind, order_id, first + i, *reason) for i, (kind, order_id, *reason) in enumerate(reports)]
        self.sequences[connection] += len(data)
        self.theirs[connection].sendall(b"".join(data))

    def offer(self, plan: Plan, **schedule: float) -> None:
        assert self.driver.offer(plan.data, plan.sizes, plan.sessions, start_ns=START_NS, **schedule)  # type: ignore[arg-type]

    def counts(self) -> dict[str, int]:
        return {kind: int(h.count) for kind, h in self.driver.connections.histograms().items() if h.count}


@pytest.fixture
def table() -> Iterator[Table]:
    made = Table()
    yield made
    made.close()


def test_every_order_is_sent_when_it_is_due(table: Table) -> None:
    table.offer(plan_of(*(new(i) for i in range(10))), rate=1000.0)
    for now in range(0, 9_000_000, 500_000):
        table.at(now)
        expected = [(1, now // 1_000_000)] if now % 1_000_000 == 0 else []
        assert table.came() == expected
    assert table.driver.connections.released == table.driver.connections.sent == 9
    assert table.driver.connections.late == 0


def test_a_ramp_grows_evenly(table: Table) -> None:
    """From 1,000 to 3,000 a second within a second: after t seconds 1,000 t + 1,000 t**2 are due."""
    table.offer(plan_of(*(new(i) for i in range(2_000))), rate=1000.0, gain=2000.0)
    sent = 0
    for ms in range(0, 1001, 10):
        table.at(ms * 1_000_000)
        sent += len(table.came())
        assert abs(sent - (ms + ms * ms / 1000)) <= 1.001, ms
    assert sent == 2_000


def test_a_part_goes_on_where_the_one_before_ended(table: Table) -> None:
    table.offer(plan_of(new(0), new(1)), rate=1000.0)
    table.offer(plan_of(new(2), new(3)), rate=1000.0, first=2)
    seen = []
    for ms in range(5):
        table.at(ms * 1_000_000)
        seen.append([order_id for _, order_id in table.came()])
    assert seen == [[0], [1], [2], [3], []]
    assert table.driver.parts_done == 2


def test_a_stall_counts_for_every_order_that_it_delayed(table: Table) -> None:
    """10,000 orders a second; from 100 ms to 300 ms the exchange answers nothing, then everything."""
    step, count, stall = 100_000, 4_000, range(100_000_000, 300_000_000)
    _, plans = make_plans("balanced", count, 1, seed=3)
    (plan,) = plans
    table.offer(plan, rate=1e9 / step)
    waiting: list[tuple[int, int]] = []
    expected, answered = [], 0
    for turn in range(count + 1):
        now = turn * step
        table.at(now)
        waiting += table.came()
        if now not in stall:
            table.say(*((ANSWERS[kind], order_id) for kind, order_id in waiting))
            expected += [now + step - (answered + i) * step for i in range(len(waiting))]
            answered += len(waiting)
            waiting = []
    table.at((count + 1) * step)
    assert table.driver.connections.answered == answered == count
    assert table.driver.connections.failure == 0
    delayed = [latency for latency in expected if latency > step]
    assert len(delayed) == 2_000
    assert np.all(np.diff(delayed) == -step)  # falling linearly, from 200 ms on
    assert delayed[0] == 200_000_000 + step
    found, wanted = Histogram(), Histogram()
    for histogram in table.driver.connections.histograms().values():
        found.merge(histogram)
    wanted.record_many(expected)
    assert np.array_equal(found.array(), wanted.array())
    assert found.largest == max(expected)


def test_what_the_system_does_not_take_goes_out_late_and_counts_from_when_it_was_due() -> None:
    table = Table()
    try:
        table.mine[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        count = 3_000
        table.offer(plan_of(*(new(i) for i in range(count))), rate=1_000_000.0)
        for us in range(0, 4_000, 10):
            table.at(us * 1000)
        assert table.driver.connections.released == count
        stuck = table.driver.connections.sent
        assert 0 < stuck < count
        assert table.driver.connections.late == 0
        now, answered = 500_000_000, 0
        while answered < count:
            table.at(now)
            for _, order_id in table.came():
                table.say((ReportKind.CANCELLED, order_id))
                answered += 1
            table.at(now)
        assert table.driver.connections.late == count - stuck
        assert table.driver.connections.failure == 0
        histogram = table.driver.connections.histograms()["cancel"]
        wanted = Histogram()
        wanted.record_many([now - i * 1000 for i in range(count)])
        assert np.array_equal(histogram.array(), wanted.array())
    finally:
        table.close()


def test_what_each_command_came_to(table: Table) -> None:
    kinds = ReportKind
    messages = [new(1), new(2), new(3), new(4), cancel(1), ReduceOrder(order_id=2, quantity=1, instrument=1).encode()]
    messages += [ReplaceOrder(order_id=2, price=1, quantity=1, instrument=1).encode()] * 2
    messages += [new(5), MassCancel(order_id=6, instrument=1).encode(), new(7), new(8), new(9), new(10)]
    table.offer(plan_of(*messages), rate=1e6)
    table.at(1_000_000)
    assert len(table.came()) == len(messages)
    table.say(
        (kinds.ACCEPTED, 1),
        (kinds.ACCEPTED, 2), (kinds.TRADE, 2), (kinds.TRADE, 2),  # trades
        (kinds.ACCEPTED, 3), (kinds.TRADE, 1, Reason.AS_MAKER),  # rests: a different order trades
        (kinds.ACCEPTED, 4), (kinds.CANCELLED, 4, Reason.IOC_REMAINDER),  # did neither
        (kinds.CANCELLED, 1),
        (kinds.REDUCED, 2),
        (kinds.REPLACED, 2), (kinds.TRADE, 2),
        (kinds.REPLACED, 2, Reason.KEPT_PLACE),
        (kinds.REJECTED, 5, Reason.INVALID_PRICE),
        (kinds.CANCELLED, 3, Reason.BY_MASS_CANCEL), (kinds.MASS_CANCELLED, 6),
        (kinds.ACCEPTED, 7), (kinds.CANCELLED, 3, Reason.SELF_TRADE), (kinds.TRADE, 7),  # trades, past its owner's own
        (kinds.ACCEPTED, 8), (kinds.CANCELLED, 8, Reason.SELF_TRADE),  # stopped by its owner's own
        (kinds.ACCEPTED, 9), (kinds.REDUCED, 9, Reason.SELF_TRADE), (kinds.TRADE, 9),
        (kinds.ACCEPTED, 10),  # the last: nothing more is heard of it
    )  # fmt: skip
    table.at(2_000_000)
    assert table.driver.connections.failure == 0
    assert table.driver.connections.answered == len(messages) == table.driver.connections.answers(0)
    assert table.counts() == {"rests": 3, "trades": 3, "cancel": 2, "replace": 2, "other": 4}
    assert table.driver.connections.kinds(0)[kinds.TRADE] == 6
    assert table.driver.connections.kinds(0).sum() == table.sequences[0]


def test_what_orders_of_venues_came_to(table: Table) -> None:
    """Reports of what the commands of others did to an order answer no command, whatever their reason."""
    kinds = ReportKind
    replace = ReplaceOrder(order_id=2, price=1, quantity=1, instrument=1).encode()
    messages = [new(1), new(2), new(3), new(4), new(5), new(6), replace, new(7), new(8)]
    table.offer(plan_of(*messages), rate=1e6)
    table.at(1_000_000)
    table.say(
        (kinds.ACCEPTED, 1, Reason.WAITS), (kinds.TRIGGERED, 9), (kinds.TRADE, 9),  # rests: a stop order was triggered
        (kinds.ACCEPTED, 2, Reason.AT_MARKET), (kinds.AUCTION_TRADE, 2), (kinds.REPLACED, 2, Reason.PRICED),  # rests
        (kinds.ACCEPTED, 3), (kinds.CANCELLED, 3, Reason.MINIMUM_UNFILLABLE),  # did neither
        (kinds.ACCEPTED, 4), (kinds.TRADE, 4), (kinds.REFRESHED, 4), (kinds.CANCELLED, 4, Reason.OUTSIDE_RANGE),
        (kinds.ACCEPTED, 5), (kinds.CANCELLED, 5, Reason.OUTSIDE_RANGE),  # did neither
        (kinds.REJECTED, 6, Reason.TRIGGERS_AT_ONCE),
        (kinds.EXPIRED, 1, Reason.DAY_ENDED), (kinds.CANCELLED, 9, Reason.LEVELS_FULL),
        (kinds.CANCELLED, 2, Reason.TRADED_MORE),  # answers the replace
        (kinds.ACCEPTED, 7), (kinds.HIDDEN, 9), (kinds.CANCELLED, 9, Reason.AUCTION_REMAINDER),  # rests
        (kinds.REJECTED, 8, Reason.NOT_IN_PHASE),
    )  # fmt: skip
    table.at(2_000_000)
    assert table.driver.connections.failure == 0
    assert table.driver.connections.answered == len(messages)
    assert table.counts() == {"rests": 3, "trades": 1, "cancel": 1, "other": 4}
    assert table.driver.connections.kinds(0)[kinds.AUCTION_TRADE] == 1
    assert table.driver.connections.kinds(0).sum() == table.sequences[0]


def test_an_order_and_its_extension_leave_together(table: Table) -> None:
    _, plans = make_plans("auction-day", 200, 1, seed=1)
    (plan,) = plans
    table.offer(plan, rate=1e6)
    table.at(1_000_000)
    came = table.came()
    assert table.driver.connections.released == table.driver.connections.sent == 200
    extended = [i for i, (kind, _) in enumerate(came) if kind == CommandType.ORDER_EXTENSION]
    assert len(extended) == np.count_nonzero(plan.sizes == 80) == len(came) - 200
    assert {came[i - 1][0] for i in extended} == {CommandType.NEW_ORDER}
    table.say(*((ANSWERS[kind], order_id) for kind, order_id in came if kind in ANSWERS))
    table.at(2_000_000)
    assert table.driver.connections.failure == 0
    assert table.driver.connections.answered == 200


def test_the_trade_of_the_last_order_may_come_later(table: Table) -> None:
    table.offer(plan_of(new(1), new(2)), rate=1e6)
    table.at(1_000_000)
    table.say((ReportKind.ACCEPTED, 1), (ReportKind.TRADE, 1), (ReportKind.ACCEPTED, 2))
    table.at(2_000_000)
    assert table.counts() == {"rests": 1, "trades": 1}
    table.say((ReportKind.TRADE, 2))
    table.at(3_000_000)
    assert table.counts() == {"trades": 2}
    assert table.driver.connections.histograms()["trades"].largest == 2_000_000  # from its ACCEPTED, not from its trade


def test_reports_may_come_in_any_pieces(table: Table) -> None:
    table.offer(plan_of(*(new(i) for i in range(50))), rate=1e9)
    table.at(1_000_000)
    data = b"".join(report(ReportKind.ACCEPTED, i, i + 1) for i in range(50)) + heartbeat(51)
    for at in range(0, len(data), 7):
        table.theirs[0].sendall(data[at : at + 7])
        table.at(1_000_000)
    assert table.driver.connections.failure == 0
    assert table.counts() == {"rests": 50}
    assert table.driver.connections.is_caught_up(0)


@pytest.mark.parametrize(("numbers", "found", "expected"), [([1, 3], 3, 2), ([1, 1], 1, 2), ([2], 2, 1)])
def test_a_report_that_is_lost_or_doubled(table: Table, numbers: list[int], found: int, expected: int) -> None:
    table.offer(plan_of(new(1), new(2)), rate=1e6)
    table.at(1_000_000)
    for number in numbers:
        table.theirs[0].sendall(report(ReportKind.ACCEPTED, number, number))
    table.at(1_000_000)
    assert (table.driver.connections.failure, table.driver.connections.found, table.driver.connections.expected) == (
        OUT_OF_ORDER,
        found,
        expected,
    )


def test_an_order_that_the_exchange_refuses(table: Table) -> None:
    table.offer(plan_of(new(1), new(2)), rate=1e6)
    table.at(1_000_000)
    table.theirs[0].sendall(report(ReportKind.REJECTED, 2, 0))
    table.at(1_000_000)
    assert (table.driver.connections.failure, table.driver.connections.found) == (REFUSED, 2)


def test_an_answer_that_was_not_asked_for(table: Table) -> None:
    table.offer(plan_of(new(1), new(2)), rate=1e6)
    table.at(1_000_000)
    table.say((ReportKind.ACCEPTED, 1), (ReportKind.ACCEPTED, 3))
    table.at(1_000_000)
    assert (table.driver.connections.failure, table.driver.connections.found, table.driver.connections.expected) == (
        UNASKED,
        3,
        2,
    )


def test_answers_to_a_session_before_are_passed_over(table: Table) -> None:
    table.say((ReportKind.MASS_CANCELLED, 0))
    table.at(0)
    table.offer(plan_of(new(1)), rate=1e6)
    table.at(1_000_000)
    table.say((ReportKind.CANCELLED, 77), (ReportKind.ACCEPTED, 1))
    table.at(1_000_000)
    assert table.driver.connections.failure == 0
    assert table.counts() == {"rests": 1}


def test_a_message_that_may_not_come(table: Table) -> None:
    table.theirs[0].sendall(bytes([MessageType.LOGIN_ACCEPTED]) + bytes(39))
    table.at(0)
    assert (table.driver.connections.failure, table.driver.connections.found) == (STRANGE, MessageType.LOGIN_ACCEPTED)


def test_the_exchange_ends_the_session(table: Table) -> None:
    table.theirs[0].sendall(Logout(reason=SessionReason.SHUTDOWN, next_sequence=1).encode())
    table.at(0)
    assert (table.driver.connections.failure, table.driver.connections.found) == (ENDED, SessionReason.SHUTDOWN)


def test_the_exchange_is_gone_and_what_it_said_before_counts() -> None:
    table = Table(2)
    try:
        table.offer(plan_of(new(1), new(2), connections=[0, 1]), rate=1e6)
        table.at(1_000_000)
        table.say((ReportKind.ACCEPTED, 1))
        table.say((ReportKind.ACCEPTED, 2), connection=1)
        assert [table.came(connection) for connection in (0, 1)] == [[(1, 1)], [(1, 2)]]
        for end in table.theirs:
            end.close()
        table.driver.run()
        assert table.driver.connections.failure == CLOSED
        assert table.driver.connections.answered == 2
    finally:
        table.close()


def test_silence_and_signs_of_life() -> None:
    table = Table(1, heartbeat_ns=10**9, silence_ns=5 * 10**9)
    try:
        table.at(500_000_000)
        assert table.came() == []
        table.at(10**9)
        table.at(10**9)
        assert [kind for kind, _ in table.came()] == [MessageType.HEARTBEAT]
        table.theirs[0].sendall(heartbeat(1))
        table.at(4 * 10**9)
        table.at(9 * 10**9)
        assert table.driver.connections.failure == 0
        table.at(9 * 10**9 + 100_000_000)
        assert table.driver.connections.failure == SILENT
    finally:
        table.close()


def test_what_is_cut_is_not_sent(table: Table) -> None:
    table.offer(plan_of(*(new(i) for i in range(10))), rate=1000.0)
    table.offer(plan_of(new(10)), rate=1000.0, first=10)
    table.at(3_000_000)
    table.driver.begin_cut()
    table.at(20_000_000)
    assert table.driver.is_cut
    assert table.driver.connections.released == len(table.came()) == 4
    assert table.driver.parts_done == 2
    table.offer(plan_of(new(20)), rate=1000.0)
    table.at(20_000_000)
    assert table.came() == [(CommandType.NEW_ORDER, 20)]


def test_a_logout_waits_for_what_is_not_answered(table: Table) -> None:
    table.offer(plan_of(new(1)), rate=1000.0)
    table.driver.leave()
    table.at(0)
    assert [kind for kind, _ in table.came()] == [CommandType.NEW_ORDER, MessageType.LOGOUT]
    table.say((ReportKind.ACCEPTED, 1))
    table.theirs[0].sendall(Logout(reason=SessionReason.CLIENT_LOGOUT, next_sequence=2).encode())
    table.driver.fixed_ns = 0
    table.driver.run()  # ends by itself
    assert table.driver.connections.failure == 0
    assert table.counts() == {"rests": 1}


def test_what_is_not_measured_is_answered_all_the_same(table: Table) -> None:
    table.offer(plan_of(new(1)), measured=False)
    table.at(0)
    table.say((ReportKind.ACCEPTED, 1))
    table.at(0)
    assert (
        table.driver.connections.all_sent,
        table.driver.connections.all_answered,
        table.driver.connections.sent,
        table.driver.connections.answered,
    ) == (1, 1, 0, 0)
    assert table.counts() == {}


def test_the_newest_reports_are_kept() -> None:
    table = Table(1, keep=8)
    try:
        table.offer(plan_of(*(new(i) for i in range(20))), rate=1e9)
        table.at(1_000_000)
        table.say(*((ReportKind.ACCEPTED, i) for i in range(20)))
        table.at(1_000_000)
        assert table.driver.connections.kept(0)["order_id"].tolist() == list(range(12, 20))
    finally:
        table.close()


def test_no_more_parts_than_there_is_room_for(table: Table) -> None:
    plan = plan_of(new(1))
    taken = 0
    while table.driver.offer(plan.data, plan.sizes, plan.sessions, rate=1.0, start_ns=START_NS + 10**9):
        taken += 1
    assert taken == 64
