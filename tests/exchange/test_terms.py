"""What the exchange answers to orders that contradict themselves, or do not suit the phase or the order they change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.reference.terms import Rule
from pricetime.types import CommandType, Instruction, OrderType, Phase, Reason, ReportKind, TimeInForce
from pricetime.wire.messages import ExecutionReport, Message, OrderExtension
from tests.exchange.harness import Client, Harness
from tests.exchange.illegal_orders import CASES, RULES, name_of
from tests.exchange.orders import BID, EXTENDED, new, open_orders, replace

STOP, MARKET = OrderType.STOP, OrderType.MARKET

EXTRA = set(OrderExtension.FIELDS)


@pytest.fixture(scope="module")
def harness() -> Iterator[Harness]:
    made = Harness(instruments=(InstrumentConfig(id=1, tick_size=5, lot_size=10, all_or_none=True),))
    yield made
    made.close()


@pytest.fixture
def client(harness: Harness) -> Iterator[Client]:
    made = harness.client(1)
    yield made
    made.close()
    harness.settle()  # the exchange cancels the orders of the session


def order(order_id: int = 1, price: int = 100, quantity: int = 100, **terms: Any) -> list[Message]:
    """A new order, with its extension if it needs one."""
    more = {name: value for name, value in terms.items() if name in EXTRA}
    fields = {name: value for name, value in terms.items() if name not in EXTRA}
    if not more:
        return [new(order_id, BID, price, quantity, **fields)]
    fields["instructions"] = fields.get("instructions", 0) | EXTENDED
    return [new(order_id, BID, price, quantity, **fields), OrderExtension(**more)]


def changed(order_id: int = 1, price: int = 100, quantity: int = 100, **more: int) -> list[Message]:
    """A replace with an extension."""
    return [replace(order_id, price, quantity)._replace(instructions=EXTENDED), OrderExtension(**more)]


def begin(harness: Harness, phase: Phase) -> None:
    """Begin a phase as the operator, with an uncross if orders were collected."""
    kind = CommandType.UNCROSS if harness.exchange.phase(1) >= Phase.PRE_OPEN else CommandType.SET_PHASE
    assert harness.exchange.command(kind, 1, int(phase))
    harness.settle()
    assert harness.exchange.phase(1) == phase


@contextmanager
def phase(harness: Harness, number: Phase) -> Iterator[None]:
    """Within the context the instrument is in a phase."""
    begin(harness, number)
    try:
        yield
    finally:
        begin(harness, Phase.CONTINUOUS)


def answer(client: Client, *messages: Message) -> ExecutionReport:
    """The only report, which has no effect on other orders."""
    [report] = client.ask(*messages)
    return report


def rejected(report: ExecutionReport) -> Reason:
    assert report.kind == ReportKind.REJECTED
    return report.reason


def test_every_rule_has_an_order_that_breaks_it() -> None:
    assert {rule.rule for rule, _ in CASES} == set(RULES)


@pytest.mark.parametrize(("rule", "terms"), CASES, ids=name_of)
def test_an_order_that_contradicts_itself(client: Client, rule: Rule, terms: dict[str, Any]) -> None:
    assert rejected(answer(client, *order(**terms))) == rule.reason


#: What depends on the phase: a phase, terms of an order, and the reason.
IN_PHASES: list[tuple[Phase, dict[str, Any], Reason]] = [
    (Phase.PRE_OPEN, {"time_in_force": TimeInForce.IOC}, Reason.NOT_IN_PHASE),
    (Phase.PRE_OPEN, {"time_in_force": TimeInForce.FOK}, Reason.NOT_IN_PHASE),
    (Phase.OPENING_AUCTION, {"minimum_quantity": 10}, Reason.NOT_IN_PHASE),
    (Phase.OPENING_AUCTION, {"instructions": Instruction.POST_ONLY}, Reason.NOT_IN_PHASE),
    (Phase.CLOSING_AUCTION, {"instructions": Instruction.ALL_OR_NONE}, Reason.NOT_IN_PHASE),
    (Phase.CLOSING_AUCTION, {"order_type": MARKET, "protection": 5}, Reason.NOT_IN_PHASE),
    (Phase.CONTINUOUS, {"time_in_force": TimeInForce.GFA}, Reason.NOT_IN_PHASE),
    (Phase.HALTED, {}, Reason.INSTRUMENT_HALTED),
    (Phase.CLOSED, {}, Reason.NOT_IN_PHASE),
]


@pytest.mark.parametrize(("number", "terms", "reason"), IN_PHASES)
def test_an_order_that_does_not_suit_the_phase(
    harness: Harness, client: Client, number: Phase, terms: dict[str, Any], reason: Reason
) -> None:
    with phase(harness, number):
        assert rejected(answer(client, *order(**terms))) == reason


def test_orders_for_one_auction_wait_while_orders_match(client: Client) -> None:
    for order_id, instruction in enumerate((Instruction.AT_THE_OPEN, Instruction.AT_THE_CLOSE), 1):
        report = answer(client, *order(order_id, instructions=instruction, order_type=MARKET))
        assert (report.kind, report.reason) == (ReportKind.ACCEPTED, Reason.WAITS)


#: Orders, and what a replace cannot make of them: fields of its extension, and the reason.
REPLACES: list[tuple[dict[str, Any], dict[str, int], Reason]] = [
    ({}, {"trigger_price": 95}, Reason.INVALID_TRIGGER_PRICE),
    ({}, {"display_quantity": 10}, Reason.INVALID_DISPLAY_QUANTITY),
    ({}, {"expiry_ns": 2**63}, Reason.INVALID_EXPIRY),
    ({}, {"protection": 5}, Reason.INVALID_PROTECTION),
    ({}, {"minimum_quantity": 10}, Reason.INVALID_MINIMUM_QUANTITY),
    ({"display_quantity": 20}, {"display_quantity": 0}, Reason.INVALID_DISPLAY_QUANTITY),
    ({"display_quantity": 20}, {"display_quantity": 110}, Reason.INVALID_DISPLAY_QUANTITY),
    ({"order_type": STOP, "trigger_price": 105}, {"trigger_price": 106}, Reason.INVALID_TRIGGER_PRICE),
    (
        {"order_type": STOP, "trigger_price": 105},
        {"trigger_price": 105, "protection": 5},
        Reason.INVALID_PROTECTION,
    ),
    (
        {"order_type": STOP, "trigger_price": 105, "protection": 5},
        {"trigger_price": 110},
        Reason.INVALID_PROTECTION,
    ),
    ({"time_in_force": TimeInForce.GTD, "expiry_ns": 2**63}, {"expiry_ns": 1}, Reason.INVALID_EXPIRY),
]


@pytest.mark.parametrize(("terms", "more", "reason"), REPLACES)
def test_a_replace_does_not_make_a_different_kind_of_order(
    client: Client, terms: dict[str, Any], more: dict[str, int], reason: Reason
) -> None:
    assert answer(client, *order(**terms)).kind == ReportKind.ACCEPTED
    assert rejected(answer(client, *changed(**more))) == reason


#: Orders, and fields of a replace that are accepted.
REPLACED: list[tuple[dict[str, Any], dict[str, int]]] = [
    ({"display_quantity": 20}, {"display_quantity": 10}),
    ({"order_type": STOP, "trigger_price": 105}, {"trigger_price": 110}),
    ({"order_type": STOP, "trigger_price": 105, "protection": 5}, {"trigger_price": 105, "protection": 10}),
    ({"time_in_force": TimeInForce.GTD, "expiry_ns": 2**63}, {"expiry_ns": 2**62}),
    ({}, {}),
]


@pytest.mark.parametrize(("terms", "more"), REPLACED)
def test_a_replace_with_an_extension(client: Client, terms: dict[str, Any], more: dict[str, int]) -> None:
    assert answer(client, *order(**terms)).kind == ReportKind.ACCEPTED
    assert client.ask(*changed(**more))[0].kind == ReportKind.REPLACED


@pytest.mark.parametrize(
    "messages",
    [
        [new(1, BID, 100, 100, instructions=EXTENDED), OrderExtension()._replace(zero=1)],
        [new(1, BID, 100, 100, instructions=EXTENDED), OrderExtension()._replace(zero2=1)],
        [replace(1, 100, 100)._replace(instructions=EXTENDED), OrderExtension()._replace(zero=1)],
        [replace(1, 100, 100)._replace(instructions=Instruction.POST_ONLY)],
        [replace(1, 100, 100)._replace(zero=1)],
    ],
)
def test_fields_that_must_be_0(client: Client, messages: list[Message]) -> None:
    assert rejected(answer(client, *messages)) == Reason.MALFORMED
    assert answer(client, *order()).kind == ReportKind.ACCEPTED


def test_the_open_orders_of_an_owner_have_trigger_prices_and_references(client: Client) -> None:
    client.ask(*order(1, order_type=STOP, trigger_price=-105), *order(2, display_quantity=20))
    stop, iceberg, _ = client.ask(open_orders(7))
    assert (stop.kind, stop.reason, stop.order_id, stop.quantity) == (ReportKind.OPEN_ORDER, Reason.WAITS, 1, 100)
    assert (stop.trigger_price, stop.public_id) == (-105, None)
    assert (iceberg.order_id, iceberg.quantity, iceberg.trigger_price) == (2, 100, None)
    assert iceberg.public_id
