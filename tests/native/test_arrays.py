"""The arrays that ``apply`` returns stay as they are for as long as anything looks at them."""

import gc
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, CommandType, OrderBook
from pricetime.errors import BookBusy

Array = np.ndarray[Any, Any]

#: What may be left of an array once the array itself is gone.
PARTS: dict[str, Callable[[Array], Any]] = {
    "itself": lambda reports: reports,
    "slice": lambda reports: reports[1:3],
    "slice of a slice": lambda reports: reports[::2][1:],
    "field": lambda reports: reports["order_id"],
    "record": lambda reports: reports[1],
    "bytes": lambda reports: reports.view(np.uint8),
    "memoryview": lambda reports: reports.data,
    "memoryview of a slice": lambda reports: reports[1:].data,
    "frombuffer": lambda reports: np.frombuffer(reports, np.uint8),
    "base": lambda reports: reports.base if reports.base is not None else reports,
    "a subclass": lambda reports: reports.view(np.recarray),
}


def orders(first: int, count: int) -> Array:
    commands = np.zeros(count, COMMAND)
    commands["type"], commands["side"], commands["quantity"] = CommandType.NEW_ORDER, 1, 1
    commands["order_id"] = np.arange(first, first + count)
    return commands


@pytest.mark.parametrize("part", PARTS)
def test_what_is_left_of_an_array_stays(part: str) -> None:
    book = OrderBook(1000)
    kept = PARTS[part](book.apply(orders(0, 5)))
    gc.collect()
    as_made = np.asarray(kept).tobytes()
    for turn in range(1, 20):
        book.apply(orders(5 * turn, 5))
        book.cancel_order(5 * turn)
        assert np.asarray(kept).tobytes() == as_made
    del book
    gc.collect()
    assert np.asarray(kept).tobytes() == as_made


def test_arrays_of_many_calls_at_once() -> None:
    book = OrderBook(1000)
    kept = [book.apply(orders(10 * turn, turn % 5)) for turn in range(50)]
    del kept[::3]
    kept += [book.apply(orders(10 * turn, turn % 5)) for turn in range(50, 80)]
    for reports in kept:
        assert len(set((reports["order_id"] // 10).tolist())) <= 1
        assert reports["order_id"].tolist() == [reports["order_id"][0] + i for i in range(len(reports))]


def test_an_array_may_be_written_to() -> None:
    """It belongs to the caller, who may write to it."""
    book = OrderBook(10)
    for turn in range(3):
        reports = book.apply(orders(3 * turn, 3))
        assert reports["order_id"].tolist() == [3 * turn, 3 * turn + 1, 3 * turn + 2]
        reports["order_id"] = 77
    assert [order.id for order in book] == list(range(9))
    book.check()


def test_arrays_that_other_threads_let_go() -> None:
    """Three threads check and drop what one book makes while it goes on."""
    book = OrderBook(10)
    made: queue.SimpleQueue[Array | None] = queue.SimpleQueue()
    seen: list[list[int]] = []

    def look() -> None:
        while (reports := made.get()) is not None:
            seen.append(reports["order_id"].tolist())

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    commands = np.repeat(orders(0, 1), 4)
    commands["type"][1::2] = CommandType.CANCEL_ORDER
    for turn in range(2000):
        commands["order_id"] = turn
        made.put(book.apply(commands))
    for _ in threads:
        made.put(None)
    for thread in threads:
        thread.join()
    assert sorted(seen) == [[turn] * 4 for turn in range(2000)]


def test_threads_that_apply_at_once_get_their_own_reports() -> None:
    book = OrderBook(10)
    answered = [0] * 3

    def work(number: int) -> None:
        kept = []
        commands = np.repeat(orders(number, 1), 200)
        commands["type"][1::2] = CommandType.CANCEL_ORDER
        while answered[number] < 20:
            try:
                kept.append(book.apply(commands))
                answered[number] += 1
            except BookBusy:
                continue
        assert all((reports["order_id"] == number).all() and (reports["kind"] < 7).all() for reports in kept)
        answered[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answered == [21] * 3
    book.check()


FORKS = """
import os, numpy as np, pricetime
book = pricetime.OrderBook(100)
commands = np.zeros(5, pricetime.COMMAND)
commands["type"] = commands["side"] = commands["quantity"] = 1
commands["order_id"] = np.arange(5)
reports = book.apply(commands)
as_made = reports.tobytes()
child = os.fork()
if child == 0:
    commands["order_id"] += 5
    book.apply(commands)
    reports["order_id"] = 99
    os._exit(7 if len(book) == 10 else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), len(book), reports.tobytes() == as_made)
book.check()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_its_own() -> None:
    run = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, check=True)
    assert run.stdout == "7 5 True\n"
