"""One thread at a time: a call while another thread is inside is refused, and nothing is harmed."""

from __future__ import annotations

import copy
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest

from pricetime import COMPILED, Engine, Instrument, OrderBook
from pricetime.errors import BookBusy
from pricetime.types import COMMAND, CommandType
from tests.books import command

#: Enough for an ``apply`` that lasts some tenths of a second, during which the other thread gets its turn.
LONG = 4_000_000 if COMPILED else 4_000


@cache
def long_commands() -> np.ndarray[Any, Any]:
    """Orders added and cancelled in turn, which leave the book as it was."""
    commands = np.zeros(LONG, COMMAND)
    commands["type"][0::2], commands["type"][1::2] = CommandType.NEW_ORDER, CommandType.CANCEL_ORDER
    commands["order_id"] = 1000 + np.arange(LONG) // 2 % 64
    commands["side"], commands["price"], commands["quantity"] = 1, np.arange(LONG) // 2 % 64, 1
    return commands


@contextmanager
def another_thread_inside(book: Any) -> Iterator[None]:
    """A thread that applies the long commands again and again until we are through."""
    commands = long_commands()
    done = threading.Event()

    def work() -> None:
        while not done.is_set():
            try:
                book.apply(commands)
            except BookBusy:  # our own short call was inside
                continue

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


CALLS: dict[str, Callable[[OrderBook], object]] = {
    "add_order": lambda book: book.add_order(1, 1, 0, 1, time_in_force=1),
    "match_order": lambda book: book.match_order(1, 1, 0, 1),
    "cancel_order": lambda book: book.cancel_order(7),
    "reduce_order": lambda book: book.reduce_order(8, 1),
    "replace_order": lambda book: book.replace_order(9, 10, 5),
    "apply": lambda book: book.apply(command(CommandType.CANCEL_ORDER, order_id=5)),
    "best_bid": lambda book: book.best_bid,
    "best_ask": lambda book: book.best_ask,
    "depth": lambda book: book.depth(),
    "order": lambda book: book.order(9),
    "orders": lambda book: book.orders(1, 10),
    "queue_position": lambda book: book.queue_position(9),
    "digest": lambda book: book.digest(),
    "check": lambda book: book.check(),
    "len": len,
    "in": lambda book: 9 in book,
    "iter": list,
    "copy": copy.copy,
    "pickle": pickle.dumps,
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_from_another_thread_is_refused(call: str) -> None:
    book = OrderBook(200)
    for order_id in (7, 8, 9):
        book.add_order(order_id, 1, 10, 1 << 62, owner=1)
    seen = 0
    with another_thread_inside(book):
        for _ in range(100_000):  # all but the first few meet the other thread
            try:
                CALLS[call](book)
            except BookBusy as error:
                assert "another thread" in str(error)
                seen += 1
                if seen == 3:
                    break
            except KeyError:  # cancelled already
                continue
    assert seen == 3
    book.check()
    assert 9 in book
    assert len(book) >= 2


def test_an_engine_and_its_books_are_refused_together() -> None:
    engine = Engine([Instrument(0), Instrument(1)], capacity=200)
    book = engine.book(1)
    seen = set()
    with another_thread_inside(engine):
        for turn in range(200_000):
            calls = (engine.digest, engine.check, book.digest, lambda: engine.apply(command(CommandType.CANCEL_ORDER)))
            try:
                calls[turn % 4]()
            except BookBusy:
                seen.add(turn % 4)
                if len(seen) == 4:
                    break
    assert seen == {0, 1, 2, 3}
    engine.check()


def test_threads_that_take_turns_lose_nothing() -> None:
    """Each of four threads adds its own orders, and tries again when it is refused."""
    book = OrderBook(4000)

    def add(first: int) -> None:
        for order_id in range(first, first + 200):
            while True:
                try:
                    book.add_order(order_id, 1, order_id % 17, 1)
                    break
                except BookBusy:
                    continue

    threads = [threading.Thread(target=add, args=(1000 * i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(book) == 800
    book.check()
