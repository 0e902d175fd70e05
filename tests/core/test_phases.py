"""A phase is a row of the table: the core, a rebuilt book and the reference follow rows that no phase has yet."""

from typing import Any

import numpy as np
import pytest

from pricetime import CommandType, Engine, Instrument, OrderBook, OrderType, Reason, ReportKind, TimeInForce, phases
from pricetime.core.builder import BookBuilder
from pricetime.phases import CANCEL, NEW, REDUCE, REPLACE, PhaseRule
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.types import Instruction, Phase
from tests.books import command, dumped

#: A phase that does not exist: nothing is accepted.
SHUT = len(phases.PHASES)
REPLACE_AS = CommandType.REPLACE_ORDER_AS


@pytest.fixture(autouse=True)
def _more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {SHUT: PhaseRule(frozenset(), False, Reason.INSTRUMENT_HALTED)}
    monkeypatch.setattr(phases, "PHASES", phases.PHASES | rows)


def begin(phase: int) -> np.ndarray[Any, Any]:
    return command(CommandType.SET_PHASE, flags=phase)


def order(order_id: int, side: int, price: int, **fields: int) -> np.ndarray[Any, Any]:
    return command(NEW, order_id=order_id, side=side, price=price, quantity=5, **fields)


@pytest.mark.parametrize("phase", [*Phase, SHUT])
@pytest.mark.parametrize("kind", [NEW, REPLACE, REPLACE_AS, CANCEL, REDUCE])
def test_a_phase_accepts_what_its_row_says(phase: int, kind: CommandType) -> None:
    book = OrderBook(10)
    asked = command(kind, order_id=1, side=1, price=101, quantity=5, owner=1 if kind == REPLACE_AS else 0)
    if kind == NEW:
        asked["order_id"] = 2
    commands = np.concatenate([order(1, 1, 100), begin(phase), asked])
    reports = book.apply(commands)
    assert reports.tobytes() == apply(ReferenceBook(10), commands).tobytes()
    rule = phases.PHASES[phase]
    if (REPLACE if kind == REPLACE_AS else kind) in rule.accepts:
        assert reports["kind"][-1] != ReportKind.REJECTED
    else:
        assert (reports["kind"][-1], reports["reason"][-1]) == (ReportKind.REJECTED, rule.reason)


def test_without_matching_orders_cross_and_rest() -> None:
    commands = np.concatenate(
        [
            order(1, 2, 100),
            begin(Phase.PRE_OPEN),
            order(2, 1, 105),
            order(3, 1, 105, instructions=Instruction.POST_ONLY),
            order(4, 1, 105, time_in_force=TimeInForce.IOC),
            order(5, 1, 105, time_in_force=TimeInForce.FOK),
            order(6, 1, 0, order_type=OrderType.MARKET),
            order(7, 1, 90),
            command(REPLACE, order_id=7, price=110, quantity=3),
            command(REPLACE, order_id=2, price=107, quantity=3),
        ]
    )
    engine = Engine([Instrument(0)], capacity=10)
    reports = engine.apply(commands)
    assert reports.tobytes() == apply(ReferenceBook(10), commands).tobytes()
    assert ReportKind.TRADE not in reports["kind"]
    assert [order.id for order in engine.book(0)] == [7, 2, 1]
    engine.check()
    builder = BookBuilder([0])
    builder.apply(reports)
    assert builder.digest() == engine.digest()


def test_a_crossed_book_comes_back_from_its_records() -> None:
    engine = Engine([Instrument(0)], capacity=10)
    engine.apply(np.concatenate([begin(Phase.PRE_OPEN), order(1, 2, 100), order(2, 1, 105)]))
    other = Engine([Instrument(0)], capacity=10)
    other.restore(engine.dump())
    other.check()
    assert dumped(other) == dumped(engine)


def test_a_number_without_a_row_is_no_phase() -> None:
    book = OrderBook(10)
    reports = book.apply(np.concatenate([begin(SHUT + 1), begin(255)]))
    assert reports["reason"].tolist() == [Reason.INVALID_PHASE] * 2
