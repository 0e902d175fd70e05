"""Memory that the system does not give, and memory that is kept or let go."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pricetime import COMMAND, COMPILED, CommandType, Engine, Instrument, OrderBook, Phase
from tests.books import bid, command, state

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its address space")

#: Leaves a process too little address space for 2**31 orders, and enough for everything else.
IN_LITTLE_SPACE = """
import resource, pricetime
resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
book = pricetime.OrderBook(1000)
for settings in ({"capacity": 2**31}, {"capacity": 1000, "level_capacity": 2**31}):
    try:
        pricetime.OrderBook(**settings)
    except MemoryError as error:
        print(error)
engine = pricetime.Engine([pricetime.Instrument(i) for i in range(64)], capacity=2**20)
try:
    pricetime.Engine([pricetime.Instrument(i) for i in range(1000)], capacity=2**22)
except MemoryError as error:
    print(error)
book.add_order(1, 1, 100, 5)
print(len(book))
"""


@pytest.mark.compiled
@on_linux
def test_the_system_has_too_little() -> None:
    run = subprocess.run([sys.executable, "-c", IN_LITTLE_SPACE], capture_output=True, text=True, check=True)
    pools = "a smaller capacity or level_capacity"
    ids = "a smaller capacity, or a smaller order_limit of the instrument"
    assert run.stdout.splitlines() == [
        f"no room for 2147483648 orders and 2147483648 levels, 68719476800 bytes: use {pools}",
        f"no room for 1000 orders and 2147483648 levels, 68719476992 bytes: use {pools}",
        f"no room for a table of 8388608 order ids, 100663304 bytes: use {ids}",
        "1",
    ]


@pytest.mark.skipif(COMPILED, reason="where it is compiled, the call cannot be replaced: see the test above")
@pytest.mark.parametrize("fails_at", range(16))
def test_any_request_may_fail(monkeypatch: pytest.MonkeyPatch, fails_at: int) -> None:
    """Fourteen for the pools, one for each id table, one for the command of an engine."""
    from pricetime.core.c_api import open_books
    from pricetime.native.memory import reserve

    asked: list[int] = []

    def miserly(n_bytes: int) -> Any:
        asked.append(n_bytes)
        return reserve(n_bytes) if len(asked) - 1 != fails_at else None

    monkeypatch.setattr("pricetime.native.arrays.reserve", miserly)
    with pytest.raises(MemoryError, match="no room for"):
        OrderBook(10)
    if fails_at < 15:
        asked.clear()
        assert open_books(1, 10, 10) is None
    assert OrderBook(10).add_order(1, 1, 1, 1).trades == ()


@pytest.mark.skipif(COMPILED, reason="where it is compiled, the call cannot be replaced")
@pytest.mark.parametrize("fails_at", range(2))
def test_no_room_for_a_restore_leaves_the_books_as_they_were_made(
    monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    """The first request is for a larger table of ids, the second for the marks of the orders."""
    from pricetime.native.memory import reserve

    asked: list[int] = []

    def miserly(n_bytes: int) -> Any:
        asked.append(n_bytes)
        return reserve(n_bytes) if len(asked) - 1 != fails_at else None

    engine = Engine([Instrument(0, phase=Phase.HALTED, order_limit=1)], capacity=100)
    full = Engine([Instrument(0)], capacity=100)
    full.apply(np.concatenate([command(CommandType.NEW_ORDER, order_id=i, side=1, quantity=1) for i in range(50)]))
    records = full.dump()
    with monkeypatch.context() as patched:
        patched.setattr("pricetime.native.arrays.reserve", miserly)
        with pytest.raises(MemoryError, match="no room for"):
            engine.restore(records)
    assert (len(engine), engine.phase(0)) == (0, Phase.HALTED)
    engine.restore(records)
    engine.check()
    assert len(engine) == 50


@pytest.mark.compiled
@on_linux
def test_no_room_for_reports_changes_nothing() -> None:
    """The bound of what a long array may report does not fit; the book serves on."""
    book = OrderBook(10)
    bid(book, 1, 100, 5)
    before = state(book)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    commands = np.zeros(2_000_000, COMMAND)
    resource.setrlimit(resource.RLIMIT_AS, (now_used() + (100 << 20), hard))
    try:
        with pytest.raises(MemoryError, match=r"no room for the reports of 2000000 commands, .* apply fewer commands"):
            book.apply(commands)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
    assert state(book) == before
    assert len(book.apply(commands[:1])) == 1


def now_used() -> int:
    """Address space of this process, bytes."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def test_a_large_report_goes_with_its_array(monkeypatch: pytest.MonkeyPatch) -> None:
    from pricetime.core import shared_books as engine_module

    monkeypatch.setattr(engine_module, "COPIED_BYTES", 0)
    monkeypatch.setattr(engine_module, "KEPT_BLOCK_BYTES", 2 * 48)
    engine = Engine([Instrument(0)], capacity=10)
    orders = np.concatenate([command(CommandType.NEW_ORDER, order_id=i, side=1, price=i, quantity=1) for i in range(3)])
    small, large = engine.apply(orders[:2]), engine.apply(orders)
    as_made = small.tobytes(), large.tobytes()
    again = engine.apply(orders)
    assert (small.tobytes(), large.tobytes()) == as_made
    assert [len(small), len(large), len(again)] == [2, 3, 3]
    assert again["seq_num"].tolist() == [6, 7, 8]


@pytest.mark.compiled
@on_linux
def test_a_kept_array_is_as_large_as_what_it_holds() -> None:
    """A thousand arrays of one report each, of a book whose block for reports is a thousand times as large."""
    book = OrderBook(1 << 16)
    for order_id in range(40_000):
        bid(book, order_id, 100, 5)
    cancel = command(CommandType.CANCEL_ORDER, order_id=2**40)
    book.apply(cancel)
    before = now_used()
    kept = [book.apply(cancel) for _ in range(1000)]
    assert now_used() - before < 4 << 20
    assert [array["seq_num"][0] - kept[0]["seq_num"][0] for array in kept] == list(range(1000))


def test_few_reports_are_the_callers_own() -> None:
    """And many are left as they are by the next call, too."""
    book = OrderBook(5000)
    orders = np.concatenate(
        [command(CommandType.NEW_ORDER, order_id=i, side=1, price=100, quantity=1) for i in range(1000)]
    )
    for count in (1, 340, 341, 342, 1000):
        reports = book.apply(orders[:count])
        as_made = reports.tobytes()
        assert reports.flags.writeable
        book.apply(orders[:count])
        assert reports.tobytes() == as_made
