"""Requests of the operator: the calls of the exchange, and the replies."""

import asyncio
from typing import Any

import pytest

from pricetime.errors import PricetimeError
from pricetime.exchange.control import operator as module
from pricetime.exchange.control.operator import Answer, Operator
from pricetime.types import Phase, Side
from tests.exchange.exchange import FakeExchange
from tests.exchange.loops import Events


class Desk:
    """An operator, and the exchange that it operates."""

    def __init__(self) -> None:
        self.exchange = FakeExchange()
        self.exchange.open = [(7, 1, Side.BID, -5, 10), (8, 1, Side.ASK, 9, 2), (7, 2**48 - 1, Side.ASK, 6, 3)]
        self.events = Events()
        self.phases: list[tuple[int, Phase]] = []
        self.operator = Operator(self.exchange, self._set_phase, self.events.log)

    async def _set_phase(self, instrument: int, state: Phase) -> bool:
        self.phases.append((instrument, state))
        return instrument == 1

    def do(self, command: str, **arguments: Any) -> Answer:
        return asyncio.run(self.operator.do({"command": command, **arguments}))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_open_orders(desk: Desk) -> None:
    rows, last = desk.do("orders", owner=7)
    assert rows == [
        {"instrument": 1, "id": 1, "side": "bid", "price": -5, "quantity": 10},
        {"instrument": 1, "id": 2**48 - 1, "side": "ask", "price": 6, "quantity": 3},
    ]
    assert last == {"owner": 7, "orders": 2}
    assert desk.exchange.told == []


@pytest.mark.parametrize(
    ("command", "reasons", "after"),
    [
        ("cancel", ("NO_REASON", "BY_OPERATOR"), 0),
        ("logout", ("BY_OPERATOR", "NONE"), 2),
        ("kill", ("BY_OPERATOR", "BY_OPERATOR"), 0),
    ],
)
def test_an_owner(desk: Desk, command: str, reasons: tuple[str, str], after: int) -> None:
    desk.exchange.full = 2  # it is asked again
    _, last = desk.do(command, owner=7)
    assert desk.exchange.told == [("remove", 7, *reasons)]
    assert (last["owner"], last["open_before"], last["open_after"]) == (7, 2, after)
    assert desk.operator.blocked == ({7} if command == "kill" else set())
    assert desk.events.of("operator")[0]["command"] == command


def test_a_block(desk: Desk) -> None:
    assert desk.do("block", owner=9) == ([], {"owner": 9, "blocked": True})
    rows, last = desk.do("sessions")
    assert rows == [{"owner": 7, "unsent_bytes": 48, "silent_ms": 250, "next_sequence": 3}]
    assert last == {"sessions": 1, "blocked": [9]}
    assert desk.do("unblock", owner=9) == ([], {"owner": 9, "blocked": False})
    assert desk.operator.blocked == set()
    desk.do("unblock", owner=9)


def test_instruments(desk: Desk) -> None:
    assert desk.do("halt", instrument=1) == ([], {"instrument": 1, "phase": "halted"})
    assert desk.do("open", instrument=1) == ([], {"instrument": 1, "phase": "continuous"})
    assert desk.phases == [(1, Phase.HALTED), (1, Phase.CONTINUOUS)]
    with pytest.raises(PricetimeError, match="instrument 2 is unknown"):
        desk.do("halt", instrument=2)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"command": "cancel"}, "owner None is not a whole number"),
        ({"command": "kill", "owner": 0}, "owner 0 is out of range"),
        ({"command": "orders", "owner": 65536}, "out of range: give an int from 1 to 65535"),
        ({"command": "halt", "instrument": "1"}, "instrument '1' is not a whole number"),
        ({"command": "snapshot"}, "there is no journal: start the server with --journal DIR"),
        ({"command": "backup", "directory": "/x"}, "there is no journal"),
        ({"command": "shutdown"}, "give a command, one of cancel, logout, kill"),
        ({}, "give a command"),
        ([], "give a command"),
        ("cancel", "give a command"),
    ],
)
def test_rejected_requests(desk: Desk, request_: object, message: str) -> None:
    with pytest.raises(PricetimeError, match=message):
        asyncio.run(desk.operator.do(request_))
    assert desk.exchange.told == []


def test_what_is_not_executed_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.exchange.stuck = True
    with pytest.raises(PricetimeError, match="the matcher does not answer"):
        desk.do("orders", owner=7)
    monkeypatch.setattr(module, "COMMAND_TIMEOUT_S", 0.01)
    with pytest.raises(PricetimeError, match=r"not executed within .* may still execute it"):
        desk.do("open", instrument=1)
