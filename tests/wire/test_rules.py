"""Every cell of the table, at both ends."""

from itertools import product

import pytest

from pricetime.wire.errors import IllegalMessage
from pricetime.wire.messages import (
    MESSAGES,
    SIZES,
    LoginRejected,
    Logout,
    NewOrder,
    OrderExtension,
    ReplaceOrder,
    decode,
)
from pricetime.wire.rules import RULES, Role, State, allowed
from pricetime.wire.session import Ended
from pricetime.wire.types import MessageType, SessionReason
from tests.wire.ends import GOOD, session

#: Written a second time, by hand: who may say what when, and what follows. Initials of the states; L is LOGGING_IN.
SPEAKERS = {
    "client": """
        C LOGIN L
        A NEW_ORDER A
        A CANCEL_ORDER A
        A REPLACE_ORDER A
        A REDUCE_ORDER A
        A MASS_CANCEL A
        A OPEN_ORDERS A
        A HEARTBEAT A
        A LOGOUT leaving
        E ORDER_EXTENSION A
    """,
    "exchange": """
        O CHALLENGE C
        O LOGIN_REJECTED closed
        C LOGIN_REJECTED closed
        L LOGIN_ACCEPTED A
        L LOGIN_REJECTED closed
        A EXECUTION_REPORT A
        A HEARTBEAT A
        A LOGOUT closed
        E EXECUTION_REPORT E
        E HEARTBEAT E
        E LOGOUT closed
        leaving EXECUTION_REPORT leaving
        leaving HEARTBEAT leaving
        leaving LOGOUT closed
    """,
}
NAMES = {"O": State.OPENED, "C": State.CHALLENGED, "L": State.LOGGING_IN, "A": State.ACTIVE}
NAMES |= {"E": State.EXTENDING, "leaving": State.LEAVING, "closed": State.CLOSED}
EXPECTED = {
    (NAMES[before], Role(speaker), MessageType[kind]): NAMES[after]
    for speaker, lines in SPEAKERS.items()
    for before, kind, after in map(str.split, lines.strip().splitlines())
}
CELLS = list(product(State, Role, range(256)))


def test_the_table_has_every_state_and_speaker() -> None:
    assert list(RULES) == list(State)
    assert all(set(row) == set(Role) for row in RULES.values())


@pytest.mark.parametrize("kind", MessageType, ids=lambda kind: kind.name)
@pytest.mark.parametrize("speaker", Role, ids=lambda role: role.value)
@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_a_message_that_comes(state: State, speaker: Role, kind: MessageType) -> None:
    end = session(speaker.other, state)
    events = end.receive(GOOD[kind].encode(), 0)
    after = EXPECTED.get((state, speaker, kind))
    if state is State.CLOSED:
        assert events == []
    elif after is None:
        [ended] = events
        assert isinstance(ended, Ended)
        assert ended.reason is SessionReason.OUT_OF_STATE
        assert ended.by is speaker.other
        assert ended.detail == f"{state.value}: {MESSAGES[kind].__name__} is not allowed"
        assert end.state is State.CLOSED
    else:
        assert events[0] == GOOD[kind]
        assert end.state is after
        assert [type(event) for event in events[1:]] == ([Ended] if after is State.CLOSED else [])


@pytest.mark.parametrize("kind", MessageType, ids=lambda kind: kind.name)
@pytest.mark.parametrize("speaker", Role, ids=lambda role: role.value)
@pytest.mark.parametrize("state", State, ids=lambda state: state.name)
def test_a_message_that_is_sent(state: State, speaker: Role, kind: MessageType) -> None:
    end = session(speaker, state)
    after = EXPECTED.get((state, speaker, kind))
    if after is None:
        with pytest.raises(
            IllegalMessage, match=f"{speaker.value}, {state.value}: {MESSAGES[kind].__name__} is not allowed"
        ):
            end.send(GOOD[kind], 0)
        assert end.state is state
    else:
        assert end.send(GOOD[kind], 0) == GOOD[kind].encode()
        assert end.state is after


@pytest.mark.parametrize("order", [NewOrder(instructions=129), ReplaceOrder(instructions=128)])
def test_after_an_extended_order_only_its_extension_may_come(order: NewOrder | ReplaceOrder) -> None:
    client, exchange = session(Role.CLIENT, State.ACTIVE), session(Role.EXCHANGE, State.ACTIVE)
    assert exchange.receive(client.send(order, 0), 0) == [order]
    assert [end.state for end in (client, exchange)] == [State.EXTENDING] * 2
    with pytest.raises(IllegalMessage):
        client.send(NewOrder(), 0)
    assert exchange.receive(client.send(OrderExtension(protection=7), 0), 0) == [OrderExtension(protection=7)]
    assert [end.state for end in (client, exchange)] == [State.ACTIVE] * 2


def test_the_first_byte_is_enough() -> None:
    """What may not come is not waited for; and what was begun that may come, is."""
    for state, speaker, kind in CELLS:
        if state is State.CLOSED:
            continue
        end = session(speaker.other, state)
        events = end.receive(bytes([kind]), 0)
        if (state, speaker, kind) in EXPECTED:
            assert events == []
            continue
        [ended] = events
        assert isinstance(ended, Ended)
        assert ended.reason == (SessionReason.OUT_OF_STATE if kind in MESSAGES else SessionReason.UNKNOWN_TYPE)


def test_the_reason_is_said_where_there_are_words_for_it() -> None:
    for state, speaker in product(State, Role):
        if state is State.CLOSED:
            continue
        [ended] = session(speaker.other, state).receive(b"\xff", 0)
        assert isinstance(ended, Ended)
        if speaker is Role.CLIENT:  # the exchange answers
            answer = decode(ended.reply)
            before_login = state in {State.OPENED, State.CHALLENGED, State.LOGGING_IN}
            assert isinstance(answer, LoginRejected if before_login else Logout)
        elif state is State.ACTIVE:
            answer = decode(ended.reply)
            assert isinstance(answer, Logout)
        else:
            assert ended.reply == b""
            continue
        assert answer.reason == SessionReason.UNKNOWN_TYPE


def test_the_tables_for_fast_loops() -> None:
    for state, speaker in product(State, Role):
        sizes, refusals = allowed(speaker, state)
        assert len(sizes) == len(refusals) == 256
        for kind in range(256):
            may = (state, speaker, kind) in EXPECTED
            assert sizes[kind] == (SIZES[kind] if may else 0)
            assert refusals[kind] == (0 if may else 7 if kind in MESSAGES else 6)
    assert allowed() == allowed(Role.CLIENT, State.ACTIVE)
