"""The checker accepts what a correct cluster does, and finds each fault that is planted."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import pytest

from pricetime import COMMAND, REPORT
from pricetime.cluster.page import NO_DIGEST, Page
from pricetime.types import Side
from tests.cluster.checker import (
    CANCEL,
    NEW,
    Array,
    Datagram,
    History,
    Identity,
    Trader,
    Wrong,
    check_feed,
    check_journal,
    check_session,
    check_silent,
    check_trader,
)
from tests.cluster.made import term_record

#: Two owners.
ONE, TWO = 1, 2


def order(sequence: int, owner: int, number: int, side: Side, price: int, quantity: int, kind: int = NEW) -> Array:
    """A command of an owner, with the fields that it has in a page."""
    made = np.zeros(1, COMMAND)
    made["sequence"], made["timestamp"], made["session"], made["owner"] = sequence, 10**18 + sequence, owner, owner
    made["length"], made["type"], made["side"], made["instrument"] = 40, kind, side if kind == NEW else 0, 1
    made["order_id"], made["price"], made["quantity"] = owner << 48 | number, price, quantity
    return made


class Made(NamedTuple):
    """A correct history, and what everyone saw of it."""

    messages: list[tuple[int, bytes]]
    history: History
    one: Trader
    two: Trader
    feed: list[Datagram]


def of(*pages: Array) -> list[tuple[int, bytes]]:
    """The messages of a stream in which each page is written in a term of its own."""
    messages: list[bytes] = []
    before, last = NO_DIGEST, 0
    for term, commands in enumerate(pages, 1):
        record = term_record(term, last + 1, before)
        page = Page.make(term, last + 1, commands, [], record.digest)
        messages += [record.data, page.data]
        before, last = page.digest, page.last
    return [*enumerate(messages, 1)]


@pytest.fixture
def made() -> Made:
    first = np.concatenate([order(1, ONE, 7, Side.BID, 100, 5), order(2, TWO, 7, Side.ASK, 100, 3)])
    second = np.concatenate([order(3, ONE, 7, Side.BID, 0, 0, CANCEL), order(4, TWO, 8, Side.ASK, 101, 2)])
    messages = of(first, second)
    history = History.of(messages)
    one, two = (
        Trader(owner, sent=dict.fromkeys(sent, 1.0), acknowledged=dict.fromkeys(sent, 2.0))
        for owner, sent in (
            (ONE, [Identity(NEW, 7, 100, 5), Identity(CANCEL, 7, 0, 0)]),
            (TWO, [Identity(NEW, 7, 100, 3), Identity(NEW, 8, 101, 2)]),
        )
    )
    for trader in (one, two):
        trader.reports = [report.tobytes() for report in history.streams[trader.owner]]
    feed = [Datagram(float(number), ("127.0.0.1", 5000), each.tobytes()) for number, each in enumerate(history.feed)]
    return Made(messages, history, one, two, feed)


def test_a_correct_history(made: Made) -> None:
    assert [term.term for term in made.history.terms] == [1, 2]
    assert [len(made.history.streams[owner]) for owner in (ONE, TWO)] == [3, 3]
    assert len(made.history.feed) == 5
    check_trader(made.history, made.one)
    check_trader(made.history, made.two)
    check_feed(made.history, made.feed)
    check_silent(made.feed, 1, 0.0)
    check_session(made.history, ONE, [(0.0, report) for report in made.one.reports[:2]])
    check_journal(made.history, made.history.commands[:3], "a node")


def test_a_late_page_counts_for_nobody(made: Made) -> None:
    first = np.concatenate([order(1, ONE, 7, Side.BID, 100, 5), order(2, TWO, 7, Side.ASK, 100, 3)])
    late = Page.make(1, 3, order(3, ONE, 9, Side.BID, 90, 1), [], bytes(16))
    second = term_record(2, 3, made.messages[1][1][64 - 16 : 64])
    history = History.of([*made.messages[:2], (3, second.data), (4, late.data)])
    assert (history.late, len(history.commands)) == (1, len(first))


def wrong_messages(made: Made, case: str) -> list[tuple[int, bytes]]:
    messages = made.messages
    if case == "damaged":
        return [*messages[:3], (4, messages[3][1][:-1] + b"x")]
    if case == "missing":
        return [*messages[:1], *messages[2:]]
    if case == "not in order":
        return [messages[0], (2, messages[3][1])]
    if case == "term again":
        record = term_record(1, 3, messages[1][1][48:64])
        return [*messages[:2], (3, record.data)]
    if case == "of no term":
        page = Page.make(2, 3, order(3, ONE, 9, Side.BID, 90, 1), [], messages[1][1][48:64])
        return [*messages[:2], (3, page.data)]
    page = Page.make(1, 4, order(4, ONE, 9, Side.BID, 90, 1), [], messages[1][1][48:64])
    return [*messages[:2], (3, page.data)]


@pytest.mark.parametrize("case", ["damaged", "missing", "not in order", "term again", "of no term", "gap"])
def test_faults_of_a_stream(made: Made, case: str) -> None:
    with pytest.raises(Wrong):
        History.of(wrong_messages(made, case))


def test_an_acknowledged_command_that_is_lost(made: Made) -> None:
    made.one.acknowledged[Identity(NEW, 8, 99, 1)] = 3.0
    with pytest.raises(Wrong, match="acknowledged and is lost"):
        check_trader(made.history, made.one)


def test_a_command_that_was_executed_twice(made: Made) -> None:
    again = order(5, TWO, 8, Side.ASK, 101, 2)
    history = History.of(of(made.history.commands, again))
    made.two.reports = [report.tobytes() for report in history.streams[TWO]]
    with pytest.raises(Wrong, match="executed 2 times"):
        check_trader(history, made.two)


def test_a_command_that_was_refused_and_executed(made: Made) -> None:
    made.one.refused.add(Identity(NEW, 7, 100, 5))
    with pytest.raises(Wrong, match="refused and executed"):
        check_trader(made.history, made.one)


def test_a_command_that_was_never_sent(made: Made) -> None:
    del made.one.sent[Identity(CANCEL, 7, 0, 0)]
    with pytest.raises(Wrong, match="never sent"):
        check_trader(made.history, made.one)


@pytest.mark.parametrize("case", ["gap", "again", "missing", "other", "too many"])
def test_faults_of_reports(made: Made, case: str) -> None:
    reports = made.one.reports
    changed = np.frombuffer(reports[2], REPORT).copy()
    changed["price"] += 1
    more = changed.copy()
    more["seq_num"] += 1
    made.one.reports = {
        "gap": [reports[0], reports[2]],
        "again": [reports[0], reports[0], *reports[1:]],
        "missing": reports[:2],
        "other": [*reports[:2], changed.tobytes()],
        "too many": [*reports, more.tobytes()],
    }[case]
    with pytest.raises(Wrong, match="owner 1"):
        check_trader(made.history, made.one)
    if case not in ("missing", "gap"):
        with pytest.raises(Wrong, match="owner 1"):
            check_session(made.history, ONE, [(0.0, report) for report in made.one.reports])
    if case == "missing":
        check_trader(made.history, made.one, whole=False)


def test_a_report_of_the_feed_that_the_history_has_not(made: Made) -> None:
    report = made.history.feed[-1:].copy()
    report["quantity"] += 1
    with pytest.raises(Wrong, match="the history has"):
        check_feed(made.history, [Datagram(9.0, ("127.0.0.1", 1), report.tobytes())])
    report["seq_num"] += 1
    with pytest.raises(Wrong, match="not in the history"):
        check_feed(made.history, [Datagram(9.0, ("127.0.0.1", 1), report.tobytes())])


def test_a_leader_that_speaks_after_its_end(made: Made) -> None:
    from pricetime.wire.messages import FeedHeartbeat

    source = "127.0.0.1", 5000
    beats = [Datagram(0.5, source, FeedHeartbeat(seq_num=1, term=1).encode())]
    check_silent([*beats, *made.feed], 1, 10.0)
    check_silent([*beats, *made.feed], 2, 1.0)  # it names only term 1
    check_silent([*made.feed, *beats], 1, 5.0)
    with pytest.raises(Wrong, match="term 1 sent 1 reports"):
        check_silent([*beats, *made.feed], 1, 1.0)


def test_a_journal_that_differs(made: Made) -> None:
    other = made.history.commands.copy()
    other["price"][1] += 1
    with pytest.raises(Wrong, match="differs"):
        check_journal(made.history, other, "a node")
    longer = dataclasses.replace(made.history, commands=made.history.commands[:2])
    with pytest.raises(Wrong, match="has 4 commands"):
        check_journal(longer, made.history.commands, "a node")
