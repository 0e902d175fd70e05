"""One call at a time: a second one while a call is inside is rejected and changes nothing."""

import copy
import gc
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import pytest

from pricetime import BID, COMPILED, FOK, GTC, IOC, LIMIT, MARKET, Engine, Instrument, OrderBook, Phase, SelfTrade
from pricetime.core.builder import BookBuilder
from pricetime.errors import BookBusy, PricetimeError
from pricetime.types import COMMAND, REPORT, CommandType, ReportKind
from tests.books import command
from tests.counts import count

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
    "add_order": lambda book: book.add_order(1, 1, 0, 1, time_in_force=3),
    "match_order": lambda book: book.match_order(1, 1, 0, 1),
    "cancel_order": lambda book: book.cancel_order(7),
    "reduce_order": lambda book: book.reduce_order(8, 1),
    "replace_order": lambda book: book.replace_order(9, 10, 5),
    "apply": lambda book: book.apply(command(CommandType.CANCEL_ORDER, order_id=5)),
    "set_phase": lambda book: book.set_phase(Phase.CONTINUOUS),
    "expire": lambda book: book.expire(0),
    "set_price": lambda book: book.set_price(1, 10),
    "indicative": lambda book: book.indicative(),
    "reference_price": lambda book: book.reference_price,
    "last_price": lambda book: book.last_price,
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
            time.sleep(0)  # outside the book: lets the other thread in
            try:
                CALLS[call](book)
            except BookBusy as error:
                assert "a call is inside this book already" in str(error)
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


# ---------------------------------------------------------------------- a builder


@cache
def long_reports() -> np.ndarray[Any, Any]:
    """Orders accepted and cancelled in turn."""
    reports = np.zeros(LONG, REPORT)
    reports["type"], reports["instrument"], reports["seq_num"] = 16, 1, 1 + np.arange(LONG)
    reports["kind"][0::2], reports["kind"][1::2] = ReportKind.ACCEPTED, ReportKind.CANCELLED
    reports["order_id"] = np.arange(LONG) // 2 % 64
    reports["side"], reports["price"], reports["quantity"] = 1, np.arange(LONG) // 2 % 64, 1
    return reports


BUILDER_CALLS: dict[str, Callable[[BookBuilder], object]] = {
    "apply": lambda made: made.apply(long_reports()[:0]),
    "prefault": lambda made: made.prefault(1),
    "seq_num": lambda made: made.seq_num,
    "in_progress": lambda made: made.in_progress,
    "instruments": lambda made: made.instruments,
    "book": lambda made: made.book(1),
    "digest": lambda made: made.digest(),
    "check": lambda made: made.check(),
    "len": len,
    "repr": repr,
    "snapshot": lambda made: made.snapshot(),
    "load_snapshot": lambda made: made.load_snapshot(BookBuilder([1], capacity=100).snapshot()),
    "copy": copy.copy,
    "a book of it": lambda made: made.book(1).best_bid,
}


@pytest.mark.parametrize("call", BUILDER_CALLS)
def test_a_call_of_a_builder_from_another_thread_is_refused(call: str) -> None:
    made = BookBuilder([1], capacity=100)
    empty, done = made.snapshot(), threading.Event()

    def work() -> None:
        while not done.is_set():
            try:
                made.load_snapshot(empty)
                made.apply(long_reports())
            except PricetimeError:  # our own short call was inside, or has begun anew between the two
                continue

    thread = threading.Thread(target=work)
    thread.start()
    seen = 0
    try:
        for _ in range(200_000):
            try:
                BUILDER_CALLS[call](made)
                time.sleep(0)  # the other thread gets in while this one is outside
            except BookBusy:
                seen += 1
                if seen == 3:
                    break
    finally:
        done.set()
        thread.join()
    assert seen == 3
    made.check()


#: Seconds for which threads work on one builder.
SECONDS = count(5, 20) / 10

#: Threads for a while on one builder; what they may meet is BookBusy, and a report that comes at the wrong time.
ON_ONE_BUILDER = """
import sys, threading, time
import numpy as np
from pricetime import REPORT, BID, Engine, Instrument
from pricetime.core.builder import BookBuilder
from pricetime.errors import BookBusy, ReportMismatch, UnknownInstrument
from pricetime.types import ReportKind

def snapshot(first):
    engine = Engine([Instrument(i) for i in range(first, first + 10)], capacity=200)
    made = BookBuilder(range(first, first + 10), capacity=200)
    commands = np.zeros(100, "V64").view(__import__("pricetime").COMMAND)
    commands["type"], commands["side"], commands["quantity"] = 1, BID, 5
    commands["order_id"], commands["price"] = np.arange(100), np.arange(100) % 7
    commands["instrument"] = first + np.arange(100) % 10
    made.apply(engine.apply(commands))
    return made.snapshot()

a, z = snapshot(0), snapshot(500)
builder = BookBuilder([1], capacity=200)
builder.load_snapshot(a)
reports = np.zeros(100_000 if "compiled" in sys.argv else 500, REPORT)
reports["type"], reports["instrument"], reports["seq_num"] = 16, 3, 101 + np.arange(len(reports))
reports["kind"][0::2], reports["kind"][1::2] = ReportKind.ACCEPTED, ReportKind.CANCELLED
reports["order_id"], reports["side"], reports["price"], reports["quantity"] = 1000, 1, 3, 1
failures, end, counts = [], time.monotonic() + float(sys.argv[3]), {}

def loop(name, call):
    counts[name] = 0
    while time.monotonic() < end and not failures:
        try:
            call()
            counts[name] += 1
            if "compiled" not in sys.argv:
                time.sleep(0)  # else the others find the builder busy each time
        except BookBusy:
            time.sleep(0)
        except ReportMismatch as error:
            if "does not follow" not in str(error) and "instrument is unknown" not in str(error):
                failures.append(repr(error))
        except BaseException as error:
            failures.append(repr(error))

views = [builder.book(3)]

def look():
    try:
        views[:] = [*views[-20:], builder.book(3)]
    except UnknownInstrument:
        pass
    for view in views:
        view.depth(None)
        list(view)

calls = {
    "instruments": lambda: builder.instruments,
    "snapshot": lambda: builder.snapshot(),
    "questions": lambda: (len(builder), builder.seq_num, builder.in_progress, builder.digest(), builder.check()),
    "views": look,
    "apply": lambda: builder.apply(reports),
    "load a": lambda: builder.load_snapshot(a),
    "load z": lambda: builder.load_snapshot(z),
}
chosen = sys.argv[1].split(",")
sys.setswitchinterval(1e-5)
threads = [threading.Thread(target=loop, args=(name, calls[name])) for name in chosen]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failures, failures
assert counts["load a"] and counts["load z"], counts
builder.check()
builder.load_snapshot(a)
assert builder.digest() == a.digest
print("whole")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "threads",
    ["instruments,load a,load z", "snapshot,load a,load z", "views,load a,load z", "questions,apply,load a,load z"],
)
def test_threads_on_one_builder_while_snapshots_take_its_place(threads: str) -> None:
    """In a process of its own, which may crash."""
    command = [sys.executable, "-c", ON_ONE_BUILDER, threads, "compiled" if COMPILED else "pure", str(SECONDS)]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (run.returncode, run.stdout.strip()) == (0, "whole"), run.stderr[-2000:]


# ---------------------------------------------------------------------- the same thread once more


@pytest.mark.compiled
def test_no_python_code_runs_while_a_call_is_inside() -> None:
    """A signal handler runs where Python code runs. So it finds the book free, as a profile function does here."""
    book = OrderBook(100, owner_limit=10, low_price=0, high_price=1000)
    builder = BookBuilder([1], capacity=100)
    builder.apply(long_reports()[:7])
    snapshot = builder.snapshot()
    book.add_order(1, BID, 100, 5)
    looked, busy = [], []

    def look(frame: Any, event: str, _: object) -> None:
        if event not in ("call", "c_call"):
            return
        looked.append(event)
        for one in (book, builder):
            try:
                len(one)
            except BookBusy:
                busy.append(frame.f_code)

    def every_call() -> None:
        times: list[Any] = [GTC, IOC, FOK, 3, np.int64(3)]
        for number, tif in enumerate(times, 20):
            book.add_order(number, 2, np.int64(101), 2, time_in_force=tif, self_trade=SelfTrade.OFF, owner=np.uint32(3))
        types: list[Any] = [LIMIT, MARKET, np.int64(1)]
        for number, kind in enumerate(types, 30):
            book.add_order(number, 2, np.int64(101), 2, order_type=kind, post_only=kind is LIMIT)
            book.match_order(8, 1, 101, 1)
        for refused in (
            lambda: book.add_order(1, BID, 100, 5),
            lambda: book.add_order(2, BID, 2000, 5),
            lambda: book.cancel_order(77),
            lambda: book.reduce_order(1, 1, owner=5),
            lambda: book.replace_order(1, 5, 5, new_id=1, owner=np.int64(7)),
            lambda: book.set_phase(7),
            book.uncross,
            lambda: book.add_order(4, BID, 99, 6, display_quantity=7),
        ):
            with pytest.raises(PricetimeError):
                refused()
        book.set_phase(Phase.HALTED)
        with pytest.raises(PricetimeError):
            book.add_order(2, BID, 100, 5)
        book.set_phase(Phase.CONTINUOUS)
        book.replace_order(1, 101, 6)
        book.reduce_order(1, 1)
        book.mass_cancel(3)
        book.add_order(3, BID, 101, 6)
        book.add_order(4, BID, 99, 6, display_quantity=2)
        book.replace_order(4, 99, 5, display_quantity=3)
        book.set_price(1, 100)
        _ = book.expire(1), book.indicative(), book.reference_price, book.last_price
        book.set_phase(Phase.OPENING_AUCTION)
        book.uncross()
        book.cancel_order(4)
        _ = book.phase, book.best_bid, book.depth(), book.order(1), book.orders(1, 101), book.queue_position(1)
        _ = list(book), 1 in book, book.digest(), copy.copy(book)
        book.cancel_order(1)
        book.apply(command(CommandType.CANCEL_ORDER, order_id=1))
        _ = builder.instruments, builder.snapshot(), builder.digest(), builder.in_progress, repr(builder)
        builder.load_snapshot(snapshot)
        with pytest.raises(PricetimeError):
            builder.apply(long_reports()[:5])

    gc.disable()  # a finalizer is Python code as well
    sys.setprofile(look)
    try:
        every_call()
    finally:
        sys.setprofile(None)
        gc.enable()
    assert len(looked) > 100
    assert busy == []


@pytest.mark.compiled
def test_a_call_inside_another_of_the_same_thread_is_told_what_is_true() -> None:
    """A finalizer that runs while ``orders`` makes its tuples. Which tuple starts it, the collector decides."""
    if sys.version_info >= (3, 12):
        pytest.skip("since Python 3.12 the collector runs between two steps of Python code")
    book = OrderBook(10_000)
    messages: list[str] = []

    class Closes:
        def __init__(self) -> None:
            self.myself = self

        def __del__(self) -> None:
            try:
                len(book)
            except BookBusy as error:
                messages.append(str(error))

    old = gc.get_threshold()
    for order_id in range(2000):
        book.add_order(order_id, 2, 100, 1)
    for _ in range(50):
        Closes()
        gc.set_threshold(500)
        try:
            orders = book.orders(2, 100)
        finally:
            gc.set_threshold(*old)
        assert len(orders) == 2000
        if messages:
            break
    assert messages
    assert "from this one if a signal handler or a finalizer calls" in messages[0]
    book.check()
