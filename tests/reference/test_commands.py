"""The reference book behind command arrays gives the reports that the book gives."""

from __future__ import annotations

import numpy as np
import pytest

from pricetime import COMMAND, REPORT, CommandType, OrderBook, Reason, ReportKind, SelfTrade, Side
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.tape.flow import generate


@pytest.mark.parametrize("preset", ["cancel-heavy", "outliers"])
def test_reports_of_a_flow_are_those_of_the_book(preset: str) -> None:
    """Without its prelude the flow's cancels and replaces mostly find nothing: rejections of every kind."""
    book, oracle, count = OrderBook(), ReferenceBook(), 0
    for commands in generate(preset, 3_000, seed=5, chunk=1_000):
        reports = book.apply(commands)
        assert np.array_equal(apply(oracle, commands, first=count + 1), reports)
        count += len(reports)
    assert book.digest() == oracle.digest()


def test_every_type_of_command() -> None:
    commands = np.zeros(7, COMMAND)
    commands["type"] = [
        CommandType.NEW_ORDER,
        CommandType.NEW_ORDER,
        CommandType.REDUCE_ORDER,
        CommandType.REPLACE_ORDER,
        CommandType.REPLACE_ORDER_AS,
        CommandType.CANCEL_ORDER,
        CommandType.CANCEL_ORDER,
    ]
    commands["side"] = [Side.BID, Side.ASK, 0, 0, 0, 0, 0]
    commands["order_id"] = [1, 2, 1, 1, 1, 3 + (5 << 32), 9]
    commands["price"] = [100, 100, 0, 101, 102, 0, 0]
    commands["quantity"] = [10, 4, 1, 3, 2, 0, 0]
    commands["owner"] = [7, 7, 0, 7, 3, 7, 0]
    commands["tag"] = [0, 0, 0, 0, 5, 0, 0]
    commands["flags"] = [0, SelfTrade.DECREMENT, 0, 0, 0, 0, 0]
    reports = apply(ReferenceBook(), commands)
    assert reports.dtype == REPORT
    assert np.array_equal(reports, OrderBook().apply(commands))
    assert reports["seq_num"].tolist() == list(range(1, len(reports) + 1))
    assert (reports[-1]["kind"], reports[-1]["reason"]) == (ReportKind.REJECTED, Reason.UNKNOWN_ORDER)


def test_no_commands() -> None:
    reports = apply(ReferenceBook(), np.empty(0, COMMAND))
    assert reports.shape == (0,)
    assert reports.dtype == REPORT
