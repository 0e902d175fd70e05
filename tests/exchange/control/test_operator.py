"""Requests of the operator: the calls of the exchange, and the replies."""

import asyncio
from typing import Any, cast

import pytest

from pricetime.errors import PricetimeError
from pricetime.exchange.control import commands
from pricetime.exchange.control.commands import Commands
from pricetime.exchange.control.operator import Answer, Operator
from pricetime.exchange.exchange import Exchange
from pricetime.types import CommandType, Phase, Reason, Side
from tests.exchange.exchange import FakeExchange
from tests.exchange.loops import Events


class Desk:
    """An operator, and the exchange that it operates."""

    def __init__(self) -> None:
        self.exchange = FakeExchange()
        self.exchange.open = [(7, 1, Side.BID, -5, 10), (8, 1, Side.ASK, 9, 2), (7, 2**48 - 1, Side.ASK, 6, 3)]
        self.events = Events()
        exchange = cast(Exchange, self.exchange)
        self.operator = Operator(exchange, Commands(exchange), self.events.log)

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


def test_halt_and_open(desk: Desk) -> None:
    assert desk.do("halt", instrument=1) == ([], {"instrument": 1, "phase": "halted"})
    assert desk.do("open", instrument=1) == ([], {"instrument": 1, "phase": "continuous"})
    assert desk.exchange.told == [("set_phase", 1, "HALTED"), ("set_phase", 1, "CONTINUOUS")]
    with pytest.raises(PricetimeError, match="instrument 3 is unknown: see status"):
        desk.do("halt", instrument=3)


def test_phases_and_auctions_by_hand(desk: Desk) -> None:
    desk.exchange.full = 2  # they are sent again
    assert desk.do("phase", instrument=2, phase="pre-open")[1] == {"instrument": 2, "phase": "pre-open"}
    auction = {"instrument": 2, "price": 100, "quantity": 40, "surplus": 7, "side": "bid"}
    assert desk.do("indicate", instrument=2)[1] == auction
    assert desk.do("uncross", instrument=2, phase="continuous")[1] == auction | {"phase": "continuous"}
    desk.exchange.auction = (Reason.NONE, 0, 100, 40, 0)  # type: ignore[assignment]
    assert desk.do("indicate", instrument=2)[1] == {"instrument": 2, "price": 100, "quantity": 40, "surplus": 0}
    desk.exchange.auction = (Reason.NO_AUCTION_PRICE, 0, 0, 0, 0)  # type: ignore[assignment]
    assert desk.do("indicate", instrument=2)[1] == {"instrument": 2, "price": "none", "quantity": 0, "surplus": 0}
    assert desk.do("set-price", instrument=2, kind="low", price=-5)[1] == {"instrument": 2, "low": -5}
    assert desk.do("expire", instrument=2)[1] == {"instrument": 2, "expired": 3}
    assert desk.exchange.told == [
        ("set_phase", 2, "PRE_OPEN"), ("indicate", 2), ("uncross", 2, "CONTINUOUS"), ("indicate", 2), ("indicate", 2),
        ("set_price", 2, "LOW", -5), ("expire", 2),
    ]  # fmt: skip
    assert [event["command"] for event in desk.events.of("operator")][:2] == ["phase", "indicate"]
    assert desk.events.of("operator request done")[1]["price"] == 100


def test_what_the_exchange_rejects_is_said(desk: Desk) -> None:
    desk.exchange.rejects = {
        CommandType.SET_PHASE: Reason.MUST_UNCROSS, CommandType.UNCROSS: Reason.NOT_IN_PHASE,
        CommandType.INDICATE: Reason.NOT_IN_PHASE, CommandType.SET_PRICE: Reason.INVALID_PRICE,
        CommandType.EXPIRE: Reason.UNKNOWN_COMMAND,
    }  # fmt: skip
    for command, arguments, message in (
        ("open", {}, "instrument 1: rejected with must-uncross: orders were collected, which can cross: use uncross"),
        ("uncross", {"phase": "closed"}, "instrument 1: rejected with not-in-phase: the instrument collects no orders"),
        ("indicate", {}, "rejected with not-in-phase"),
        ("set-price", {"kind": "reference", "price": 3}, "rejected with invalid-price: the price is not a multiple"),
        ("expire", {}, "rejected with unknown-command$"),
    ):
        with pytest.raises(PricetimeError, match=message):
            desk.do(command, instrument=1, **arguments)
    failed = desk.events.of("operator request failed")
    assert [event["command"] for event in failed] == ["open", "uncross", "indicate", "set-price", "expire"]
    assert "must-uncross" in failed[0]["error"]


def test_the_status_shows_the_phases(desk: Desk) -> None:
    desk.exchange.phases[2] = Phase.VOLATILITY_AUCTION
    rows, last = desk.do("status")
    assert rows == [
        {"instrument": 1, "symbol": "I1", "phase": "continuous"},
        {"instrument": 2, "symbol": "I2", "phase": "volatility-auction"},
    ]
    assert last == {"instruments": 2, "commands": 5, "unanswered": 0}


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"command": "cancel"}, "owner None is not a whole number"),
        ({"command": "kill", "owner": 0}, "owner 0 is out of range"),
        ({"command": "orders", "owner": 65536}, "out of range: give an int from 1 to 65535"),
        ({"command": "halt", "instrument": "1"}, "instrument '1' is not a whole number"),
        ({"command": "phase", "instrument": 1}, "phase None is unknown: give one of continuous, halted, closed, pre"),
        ({"command": "uncross", "instrument": 1, "phase": "x"}, "phase 'x' is unknown"),
        ({"command": "set-price", "instrument": 1}, "kind None is unknown: give one of reference, last, low, high"),
        ({"command": "set-price", "instrument": 1, "kind": "low"}, "price None is not a whole number"),
        ({"command": "expire", "instrument": 9}, "instrument 9 is unknown"),
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
    monkeypatch.setattr(commands, "COMMAND_TIMEOUT_S", 0.01)
    with pytest.raises(PricetimeError, match=r"not executed within .* may still execute it"):
        desk.do("open", instrument=1)
