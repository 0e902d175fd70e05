"""The list of open orders, part by part while orders come, trade and go: in the end exactly those that are open."""

import random
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, Engine, Instrument
from pricetime.client.open_orders import OpenOrder, OpenOrdersQuery
from pricetime.types import CommandType, ReportKind, TimeInForce
from pricetime.wire.messages import ExecutionReport, OpenOrders

OWNER, OTHER = 1, 2
KEEP = (1 << 48) - 1


class Stream:
    """An engine, and the reports of one of its owners as they go out to it."""

    def __init__(self) -> None:
        self.engine = Engine([Instrument(1), Instrument(2)], capacity=5000, owner_limit=3)
        self.number = 0

    def give(self, **fields: int) -> bytes:
        command = np.zeros(1, COMMAND)
        for name, value in fields.items():
            command[name] = value
        own = []
        for report in self.engine.apply(command).tolist():
            _, kind, side, reason, instrument, _, order_id, maker_id, price, quantity = report
            for number, of_side in ((order_id, side), (maker_id, 3 - side))[: 2 if kind == ReportKind.TRADE else 1]:
                if number >> 48 == OWNER:
                    own.append(
                        ExecutionReport(
                            kind=kind, side=of_side, reason=reason, instrument=instrument, order_id=number & KEEP,
                            price=price, quantity=quantity,
                        ).encode()
                    )  # fmt: skip
        return b"".join(own)

    def ask(self, question: OpenOrders) -> bytes:
        return self.give(
            type=CommandType.OPEN_ORDERS, owner=OWNER, flags=question.flags, instrument=question.instrument,
            order_id=OWNER << 48 | question.order_id, quantity=OWNER << 48 | question.behind,
        )  # fmt: skip

    def step(self, rng: random.Random) -> bytes:
        """Something that an owner does."""
        owner = rng.choice([OWNER, OWNER, OTHER])
        self.number += 1
        resting = [(n, o) for n in (1, 2) for o in self.engine.book(n) if o.owner == owner][:: rng.choice([1, -1])]
        fields: dict[str, int] = {"type": CommandType.NEW_ORDER, "instrument": rng.choice([1, 2]), "owner": owner}
        fields |= {"side": rng.choice([1, 2]), "quantity": rng.randint(1, 9), "price": 100 + rng.randint(-5, 5)}
        fields |= {"order_id": owner << 48 | rng.choice([self.number, rng.randrange(50)])}
        if rng.random() < 0.1:
            fields["time_in_force"] = TimeInForce.IOC
        if resting and rng.random() < 0.6:
            number, order = rng.choice([resting[0], rng.choice(resting), resting[-1]])
            kinds = (CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER, CommandType.REPLACE_ORDER)
            fields |= {"type": rng.choice(kinds), "instrument": number, "order_id": order.id}
            if rng.random() < 0.5:
                fields |= {"price": order.price, "quantity": max(1, order.quantity - 1)}
        return self.give(**fields)

    def open(self) -> set[OpenOrder]:
        found = ((n, order) for n in (1, 2) for order in self.engine.book(n) if order.owner == OWNER)
        return {OpenOrder(n, o.id & KEEP, o.side, o.price, o.quantity, 0) for n, o in found}


def filled(count: int) -> Stream:
    stream = Stream()
    for n in range(count):
        stream.give(
            type=CommandType.NEW_ORDER, instrument=1 + n % 2, owner=OWNER, order_id=OWNER << 48 | 1000 + n,
            side=1 + n // 2 % 2, price=100 + (n // 2 % 2) * 20 - 10, quantity=5,
        )  # fmt: skip
    return stream


@pytest.mark.parametrize("count", [0, 1, 255, 256, 257, 600])
def test_when_nothing_happens_meanwhile(count: int) -> None:
    stream, query = filled(count), OpenOrdersQuery()
    questions = 0
    while not query.done:
        query.read(stream.ask(query.ask()))
        questions += 1
    assert [order.order_id for order in query.orders] == [1000 + n for n in range(count)]
    assert set(query.orders) == stream.open()
    assert questions == max(1, -(-count // 256))


@pytest.mark.parametrize("seed", range(40))
def test_whatever_happens_meanwhile(seed: int) -> None:
    """Before a question arrives, and between its answer and the next."""
    rng = random.Random(seed)
    stream, query = filled(rng.choice([5, 300, 900])), OpenOrdersQuery()
    while not query.done:
        question = query.ask()
        for _ in range(rng.randint(0, 15)):
            query.read(stream.step(rng))
        query.read(stream.ask(question))
        for _ in range(rng.choice([0, 5]) * (not query.done)):
            query.read(stream.step(rng))
    assert set(query.orders) == stream.open()
    assert len(query.orders) == len(set(query.orders))


def test_the_last_one_told_is_replaced_before_the_next_question_comes() -> None:
    """It stands last then: what comes behind it there is not what came behind it before."""
    stream, query = filled(600), OpenOrdersQuery()
    query.read(stream.ask(query.ask()))
    last = query.orders[-1]
    question = query.ask()
    query.read(
        stream.give(
            type=CommandType.REPLACE_ORDER,
            instrument=last.instrument,
            owner=OWNER,
            order_id=OWNER << 48 | last.order_id,
            price=last.price,
            quantity=50,
        )
    )
    query.read(stream.ask(question))
    assert last not in query.orders
    while not query.done:
        query.read(stream.ask(query.ask()))
    assert set(query.orders) == stream.open()
    assert query.orders[-1].quantity == 50


def test_answers_to_others_count_for_nothing() -> None:
    stream, query, other = filled(300), OpenOrdersQuery(), OpenOrdersQuery()
    question = query.ask()
    query.read(stream.ask(other.ask()))
    assert query.orders == []
    answer: Any = stream.ask(question)
    query.read(answer[:48])
    query.read(answer[48:])
    assert len(query.orders) == 256
