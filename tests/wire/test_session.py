"""One end, and both: logins, streams of reports, time, the end of it all."""

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime import Reason, ReportKind
from pricetime.wire import auth
from pricetime.wire.errors import IllegalMessage, MessageError
from pricetime.wire.messages import (
    CancelOrder,
    Challenge,
    ExecutionReport,
    Heartbeat,
    Login,
    LoginRejected,
    Logout,
    MassCancel,
    Message,
    NewOrder,
    decode,
)
from pricetime.wire.rules import BEFORE_LOGIN_BYTES, Role, State
from pricetime.wire.session import Ended, Event, Session
from pricetime.wire.types import WIRE_VERSION, LoginFlag, SessionReason
from tests.wire.ends import ACCEPTED, CHALLENGE, GOOD, LOGIN, LOGOUT, OWNER, SECRET, Link, session
from tests.wire.strategies import messages, pieces

MS = 1_000_000
SECOND = 1000 * MS


def end_of(events: list[Event]) -> Ended:
    """The last event, which is the end."""
    assert isinstance(events[-1], Ended)
    assert not any(isinstance(event, Ended) for event in events[:-1])
    return events[-1]


def reports(*numbers: int) -> bytes:
    return b"".join(ExecutionReport(kind=1, seq_num=number).encode() for number in numbers)


# ---------------------------------------------------------------------- the login


def test_the_login_of_a_client() -> None:
    client = session(Role.CLIENT, State.CHALLENGED)
    assert client.nonce == CHALLENGE.nonce
    login = decode(client.login(OWNER, SECRET, 0, resume_from=41, keep_orders=True))
    assert login == auth.prove(
        SECRET, client.nonce, Login(version=WIRE_VERSION, flags=3, owner=OWNER, next_sequence=41)
    )
    keeps = decode(session(Role.CLIENT, State.CHALLENGED).login(OWNER, SECRET, 0, keep_gtc_and_gtd=True))
    assert isinstance(keeps, Login)
    assert keeps.flags == LoginFlag.KEEP_GTC_AND_GTD
    assert session(Role.CLIENT, State.CHALLENGED).login(OWNER, SECRET, 0) == LOGIN.encode()


def test_the_challenge_of_an_exchange() -> None:
    exchange = Session(Role.EXCHANGE, 0, login_timeout_ms=1500)
    challenge = decode(exchange.challenge(0, is_open=True))
    assert isinstance(challenge, Challenge)
    assert (challenge.version, challenge.open, challenge.login_timeout_ms) == (WIRE_VERSION, 1, 1500)
    assert challenge.nonce == exchange.nonce
    assert exchange.nonce != Session(Role.EXCHANGE, 0).nonce


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 9}, SessionReason.BAD_VERSION),
        ({"version": 0}, SessionReason.BAD_VERSION),
        ({"flags": 8}, SessionReason.BAD_VERSION),
        ({"zero": 1}, SessionReason.BAD_VERSION),
        ({"owner": 0}, SessionReason.BAD_CREDENTIALS),
        ({"owner": 65536}, SessionReason.BAD_CREDENTIALS),
        ({"owner": 2**32 - 1}, SessionReason.BAD_CREDENTIALS),
    ],
)
def test_a_login_that_cannot_be(change: dict[str, int], reason: SessionReason) -> None:
    login = LOGIN._replace(**change)
    exchange = session(Role.EXCHANGE, State.CHALLENGED)
    [ended] = exchange.receive(login.encode(), 0)
    assert isinstance(ended, Ended)
    assert ended.reason is reason
    assert decode(ended.reply) == LoginRejected(reason=reason, owner=login.owner)
    with pytest.raises(IllegalMessage):
        session(Role.CLIENT, State.CHALLENGED).send(login, 0)


def test_an_exchange_of_another_version() -> None:
    client = Session(Role.CLIENT, 0)
    ended = end_of(client.receive(CHALLENGE._replace(version=9).encode(), 0))
    assert ended == (
        SessionReason.BAD_VERSION,
        Role.CLIENT,
        f"the exchange uses version 9 of the protocol, this client {WIRE_VERSION}",
        b"",
    )
    assert client.closed


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"owner": OWNER + 1}, SessionReason.OUT_OF_STATE),
        ({"next_sequence": 0}, SessionReason.SEQUENCE_BROKEN),
        ({"next_sequence": 2**63}, SessionReason.SEQUENCE_BROKEN),
        ({"next_sequence": 2**64 - 1}, SessionReason.SEQUENCE_BROKEN),
    ],
)
def test_an_acceptance_that_cannot_be(change: dict[str, int], reason: SessionReason) -> None:
    accepted = ACCEPTED._replace(**change)
    assert end_of(session(Role.CLIENT, State.LOGGING_IN).receive(accepted.encode(), 0)).reason is reason
    with pytest.raises(IllegalMessage):
        session(Role.EXCHANGE, State.LOGGING_IN).send(accepted, 0)


def test_a_resume_goes_on_where_it_was_asked_to() -> None:
    for given_, ends in ((41, False), (40, True), (42, True), (1, True)):
        client = session(Role.CLIENT, State.CHALLENGED)
        client.login(OWNER, SECRET, 0, resume_from=41)
        events = client.receive(ACCEPTED._replace(next_sequence=given_).encode(), 0)
        assert isinstance(events[-1], Ended) == ends
        if ends:
            assert end_of(events).detail == f"reports begin with {given_}: expected 41"
    assert client.closed


def test_a_login_that_is_refused() -> None:
    client = session(Role.CLIENT, State.LOGGING_IN)
    rejected = LoginRejected(reason=SessionReason.SEQUENCE_GONE, owner=OWNER, oldest_sequence=9)
    assert client.receive(rejected.encode() + reports(1), 0) == [
        rejected,
        Ended(SessionReason.SEQUENCE_GONE, Role.EXCHANGE),
    ]


def test_a_reason_that_is_not_known_yet() -> None:
    ended = end_of(session(Role.CLIENT, State.ACTIVE).receive(LOGOUT._replace(reason=200).encode(), 0))
    assert ended.reason == 200
    assert type(ended.reason) is int


# ---------------------------------------------------------------------- before the login


def test_little_is_looked_at_before_the_login() -> None:
    """A megabyte in one piece, of which the first frame is good."""

    class Counted(bytes):
        looked_at = 0

        def __getitem__(self, index: Any) -> Any:
            part = super().__getitem__(index)
            Counted.looked_at += len(part) if isinstance(part, bytes) else 1
            return part

    exchange = session(Role.EXCHANGE, State.CHALLENGED)
    events = exchange.receive(Counted(LOGIN.encode() + bytes(1_000_000)), 0)
    assert events[0] == LOGIN
    assert end_of(events).reason is SessionReason.UNKNOWN_TYPE
    assert Counted.looked_at == BEFORE_LOGIN_BYTES == 128
    assert exchange.receive(bytes(100), 0) == []


def test_a_client_must_wait_for_the_answer() -> None:
    exchange = session(Role.EXCHANGE, State.CHALLENGED)
    events = exchange.receive(LOGIN.encode() + NewOrder().encode(), 0)
    assert events[0] == LOGIN
    assert end_of(events).reason is SessionReason.OUT_OF_STATE
    with pytest.raises(IllegalMessage):
        exchange.send(ACCEPTED, 0)


# ---------------------------------------------------------------------- the stream of reports


@pytest.mark.parametrize(
    ("numbers", "detail"),
    [
        ((1, 2, 3, 3), "report 3 came twice: expected 4"),
        ((1, 2, 3, 1), "report 1 came twice: expected 4"),
        ((1, 2, 4), "report 4 came too early: expected 3"),
        ((2,), "report 2 came too early: expected 1"),
        ((0,), "report 0 came twice: expected 1"),
        ((1, 2**64 - 1), "report 18446744073709551615 came too early: expected 2"),
    ],
)
def test_a_report_twice_or_not_at_all(numbers: tuple[int, ...], detail: str) -> None:
    client = session(Role.CLIENT, State.ACTIVE)
    events = client.receive(reports(*numbers), 0)
    assert len(events) == len(numbers)
    ended = end_of(events)
    assert (ended.reason, ended.by, ended.detail) == (SessionReason.SEQUENCE_BROKEN, Role.CLIENT, detail)
    assert decode(ended.reply) == Logout(reason=SessionReason.SEQUENCE_BROKEN, next_sequence=len(numbers))
    assert client.next_sequence == len(numbers)  # to resume from


def test_a_refusal_comes_between_two_reports() -> None:
    refusal = ExecutionReport(kind=ReportKind.REJECTED, reason=Reason.BUSY, order_id=7, maker_id=3)
    client, exchange = session(Role.CLIENT, State.ACTIVE), session(Role.EXCHANGE, State.ACTIVE)
    exchange.send(ExecutionReport(seq_num=1), 0)
    assert exchange.send(refusal, 0) == refusal.encode()
    exchange.send(ExecutionReport(seq_num=2), 0)
    data = reports(1) + refusal.encode() + reports(2)
    assert client.receive_reports(data, 0) == ExecutionReport.SIZE
    assert client.receive(refusal.encode(), 0) == [refusal]
    assert client.receive_reports(reports(2), 0) == ExecutionReport.SIZE
    assert client.next_sequence == exchange.next_sequence == 3


def test_an_exchange_cannot_send_out_of_sequence() -> None:
    exchange = session(Role.EXCHANGE, State.ACTIVE)
    for number in (0, 2, 3):
        with pytest.raises(IllegalMessage):
            exchange.send(ExecutionReport(seq_num=number), 0)
    exchange.send(ExecutionReport(seq_num=1), 0)
    assert exchange.next_sequence == 2


@pytest.mark.parametrize("message", [Heartbeat(next_sequence=3), LOGOUT._replace(next_sequence=3)])
def test_the_exchange_may_be_ahead_but_never_behind(message: Message) -> None:
    for number, broken in ((2, True), (3, False), (4, False), (2**64 - 1, False)):
        client = session(Role.CLIENT, State.ACTIVE)
        client.receive(reports(1, 2), 0)
        events = client.receive(message._replace(next_sequence=number).encode(), 0)
        assert (isinstance(events[-1], Ended) and events[-1].reason is SessionReason.SEQUENCE_BROKEN) == broken
        exchange = session(Role.EXCHANGE, State.ACTIVE)
        exchange.send(ExecutionReport(seq_num=1), 0)
        exchange.send(ExecutionReport(seq_num=2), 0)
        if broken:
            with pytest.raises(IllegalMessage):
                exchange.send(message._replace(next_sequence=number), 0)
        else:
            exchange.send(message._replace(next_sequence=number), 0)


def test_what_cannot_be_encoded_changes_nothing() -> None:
    exchange = session(Role.EXCHANGE, State.LOGGING_IN)
    with pytest.raises(MessageError):
        exchange.send(ACCEPTED._replace(heartbeat_ms=2**32), 0)
    assert exchange.state is State.LOGGING_IN
    exchange.send(ACCEPTED, 0)


def test_bad_values_of_an_order_are_not_the_sessions_to_judge() -> None:
    """They are rejected with a report, and the session goes on."""
    exchange = session(Role.EXCHANGE, State.ACTIVE)
    bad = [
        NewOrder(side=9, time_in_force=200, flags=255, order_id=2**63),
        MassCancel()._replace(zero=1),
        CancelOrder()._replace(zero2=7),
    ]
    assert exchange.receive(b"".join(message.encode() for message in bad), 0) == bad
    assert [message.malformed for message in bad] == [False, True, True]


# ---------------------------------------------------------------------- time


def test_a_login_takes_too_long() -> None:
    exchange = Session(Role.EXCHANGE, 5 * SECOND, login_timeout_ms=2000)
    exchange.challenge(5 * SECOND)
    assert exchange.next_due_ns == 7 * SECOND
    exchange.receive(LOGIN.encode()[:47], 6 * SECOND)  # a few bytes win no time
    assert exchange.due(7 * SECOND - 1) is None
    ended = exchange.due(7 * SECOND)
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.detail) == (SessionReason.LOGIN_TIMEOUT, "no login within 2000 ms")
    assert decode(ended.reply) == LoginRejected(reason=SessionReason.LOGIN_TIMEOUT)
    assert not exchange.next_due_ns
    assert exchange.due(99 * SECOND) is None


def test_whose_turn_it_is_waits_for_nobody() -> None:
    for state in (State.LOGGING_IN, State.LEAVING):
        assert not isinstance(session(Role.EXCHANGE, state).due(10**18), Ended)


@pytest.mark.parametrize("state", [State.OPENED, State.CHALLENGED, State.LOGGING_IN, State.ACTIVE, State.LEAVING])
def test_a_client_that_hears_nothing(state: State) -> None:
    client = session(Role.CLIENT, state)
    assert not isinstance(client.due(5 * SECOND - 1), Ended)
    ended = client.due(5 * SECOND)
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.by) == (SessionReason.HEARTBEAT_TIMEOUT, Role.CLIENT)
    assert bool(ended.reply) == (state is State.ACTIVE)


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_heartbeats(role: Role) -> None:
    end = session(role, State.ACTIVE)
    assert end.next_due_ns == SECOND
    assert end.due(SECOND - 1) is None
    heartbeat = end.due(SECOND)
    assert heartbeat == Heartbeat(next_sequence=1)
    assert isinstance(heartbeat, Heartbeat)
    assert end.due(SECOND) == heartbeat  # until it is sent
    end.send(heartbeat, SECOND)
    assert end.due(SECOND) is None
    assert end.next_due_ns == 2 * SECOND
    end.send(GOOD[NewOrder.TYPE if role is Role.CLIENT else ExecutionReport.TYPE], 1500 * MS)  # is a sign of life too
    assert end.due(2 * SECOND) is None
    assert end.next_due_ns == 2500 * MS


@pytest.mark.parametrize("role", Role, ids=lambda role: role.value)
def test_the_other_end_is_silent(role: Role) -> None:
    end = session(role, State.ACTIVE)
    for at in range(1, 5):
        end.send(Heartbeat(next_sequence=1), at * SECOND)
    assert end.next_due_ns == 5 * SECOND
    end.receive(b"\x24", 4900 * MS)  # any byte is a sign of life
    assert end.due(9900 * MS - 1) == Heartbeat(next_sequence=1)
    ended = end.due(9900 * MS)
    assert isinstance(ended, Ended)
    assert (ended.reason, ended.detail) == (SessionReason.HEARTBEAT_TIMEOUT, "nothing received for 5000 ms")
    assert decode(ended.reply) == Logout(reason=SessionReason.HEARTBEAT_TIMEOUT, next_sequence=1)


def test_the_exchange_sets_the_times() -> None:
    client = session(Role.CLIENT, State.LOGGING_IN)
    client.receive(ACCEPTED._replace(heartbeat_ms=200, timeout_ms=700).encode(), SECOND)
    assert client.due(SECOND) == Heartbeat(next_sequence=1)  # the login was said at 0
    client.send(Heartbeat(), SECOND)
    assert client.next_due_ns == SECOND + 200 * MS
    assert isinstance(client.due(SECOND + 700 * MS), Ended)


def test_times_of_zero_are_never() -> None:
    client = session(Role.CLIENT, State.LOGGING_IN)
    client.receive(ACCEPTED._replace(heartbeat_ms=0, timeout_ms=0).encode(), 0)
    assert client.next_due_ns is None
    assert client.due(10**18) is None


# ---------------------------------------------------------------------- the end


def test_a_client_logs_out() -> None:
    link = Link(random.Random(1))
    link.log_in()
    link.say(Role.CLIENT, link.client.logout(0))
    with pytest.raises(IllegalMessage):
        link.client.send(NewOrder(), 0)
    link.send(Role.EXCHANGE, ExecutionReport(seq_num=1), ExecutionReport(seq_num=2))
    link.deliver()
    assert link.heard[Role.EXCHANGE][-1] == Logout(reason=SessionReason.CLIENT_LOGOUT, next_sequence=1)
    assert link.exchange.state is link.client.state is State.LEAVING
    link.send(Role.EXCHANGE, ExecutionReport(seq_num=3))
    link.say(Role.EXCHANGE, link.exchange.logout(0))
    link.deliver()
    assert link.heard[Role.CLIENT][-2:] == [
        Logout(reason=SessionReason.CLIENT_LOGOUT, next_sequence=4),
        Ended(SessionReason.CLIENT_LOGOUT, Role.EXCHANGE),
    ]
    assert link.client.next_sequence == 4
    assert link.client.closed
    assert link.exchange.closed


def test_the_exchange_logs_out_while_orders_are_on_their_way() -> None:
    link = Link(random.Random(2))
    link.log_in()
    link.send(Role.CLIENT, NewOrder(), NewOrder())
    link.say(Role.EXCHANGE, link.exchange.logout(0, SessionReason.SHUTDOWN))
    heard = len(link.heard[Role.EXCHANGE])
    link.deliver()
    assert len(link.heard[Role.EXCHANGE]) == heard
    assert link.heard[Role.CLIENT][-1] == Ended(SessionReason.SHUTDOWN, Role.EXCHANGE)


def test_both_log_out_at_once() -> None:
    link = Link(random.Random(3))
    link.log_in()
    link.say(Role.CLIENT, link.client.logout(0))
    link.say(Role.EXCHANGE, link.exchange.logout(0, SessionReason.SHUTDOWN))
    link.deliver()
    assert link.client.closed
    assert link.exchange.closed


def test_the_connection_is_lost() -> None:
    for role in Role:
        end = session(role, State.ACTIVE)
        assert end.receive_eof() == [Ended(SessionReason.NO_REASON, role.other, "the connection is closed")]
        assert end.receive_eof() == end.receive(reports(1), 0) == []
        with pytest.raises(IllegalMessage):
            end.logout(0)


# ---------------------------------------------------------------------- both ends, and any bytes


@given(st.randoms(use_true_random=False), st.integers(0, 30), st.integers(1, 2**62))
def test_two_ends_understand_each_other(rng: random.Random, orders: int, first: int) -> None:
    """However the bytes are cut: every order is heard once, in order, and so is every report."""
    link = Link(rng)
    link.log_in(next_sequence=first)
    sent = [rng.choice([NewOrder, CancelOrder, MassCancel])(order_id=number) for number in range(orders)]
    answers = first

    def answer(role: Role, message: Message) -> Iterable[Message]:
        nonlocal answers
        if role is Role.EXCHANGE and isinstance(message, NewOrder | CancelOrder | MassCancel):
            for _ in range(rng.randint(1, 3)):
                answers += 1
                yield ExecutionReport(seq_num=answers - 1, order_id=message.order_id)

    for order in sent:
        link.send(Role.CLIENT, order)
        if rng.random() < 0.3:
            link.deliver(answer)
    link.deliver(answer)
    assert link.heard[Role.EXCHANGE][1:] == sent
    assert [m.seq_num for m in link.heard[Role.CLIENT] if isinstance(m, ExecutionReport)] == list(range(first, answers))
    again = Link(rng)
    again.log_in(resume_from=answers)
    assert again.client.next_sequence == answers


WILD = st.lists(
    messages.map(lambda message: message.encode())
    | st.sampled_from([message.encode() for message in GOOD.values()])
    | st.binary(max_size=60),
    max_size=8,
).map(b"".join)


@given(st.data(), st.sampled_from(Role), st.sampled_from(State), WILD)
def test_any_pieces_give_the_same_events(data: st.DataObject, role: Role, state: State, stream: bytes) -> None:
    whole, cut = session(role, state), session(role, state)
    expected = whole.receive(stream, 0)
    assert [event for part in data.draw(pieces(stream)) for event in cut.receive(part, 0)] == expected
    assert cut.state is whole.state
    assert cut.next_sequence == whole.next_sequence
    assert not any(isinstance(event, Ended) for event in expected[:-1])
    assert (bool(expected) and isinstance(expected[-1], Ended)) == (whole.closed and state is not State.CLOSED)
    if whole.closed:
        assert whole.receive(stream, 0) == []


def test_the_pure_form_has_it_too() -> None:
    code = "import pricetime, pricetime.wire.session; assert not pricetime.COMPILED; pricetime.wire.session.allowed()"
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PRICETIME_PURE": "1"}, check=True)


def test_who_does_not_ask_for_it_does_not_get_it() -> None:
    code = "import sys, pricetime; assert not [name for name in sys.modules if name.startswith('pricetime.wire')]"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---------------------------------------------------------------------- many at once


@pytest.mark.parametrize(
    ("data", "taken"),
    [
        (b"", 0),
        (reports(1, 2, 3), 3),
        (reports(1, 2) + reports(3)[:47], 2),
        (reports(1, 2, 4, 5), 2),
        (reports(2, 3), 0),
        (reports(1) + Heartbeat(next_sequence=2).encode() + reports(2), 1),
        (Heartbeat(next_sequence=1).encode() + reports(1) * 2, 0),
    ],
)
@pytest.mark.parametrize("state", [State.ACTIVE, State.LEAVING])
def test_reports_that_are_the_next_are_received_together(data: bytes, taken: int, state: State) -> None:
    client, alone = session(Role.CLIENT, state), session(Role.CLIENT, state)
    assert client.receive_reports(data, SECOND) == taken * ExecutionReport.SIZE
    assert (client.next_sequence, client.heard_ns) == (1 + taken, SECOND if taken else 0)
    rest = client.receive(data[taken * ExecutionReport.SIZE :], SECOND)
    assert alone.receive(data, SECOND)[taken:] == rest
    assert (client.state, client.next_sequence) == (alone.state, alone.next_sequence)


def test_reports_are_received_together_only_where_they_may_come() -> None:
    for state in set(State) - {State.ACTIVE, State.EXTENDING, State.LEAVING}:
        assert session(Role.CLIENT, state).receive_reports(reports(1), 0) == 0
    assert session(Role.EXCHANGE, State.ACTIVE).receive_reports(reports(1), 0) == 0
    begun = session(Role.CLIENT, State.ACTIVE)
    begun.receive(reports(1)[:5], 0)
    assert begun.receive_reports(reports(1), 0) == 0
