"""The C API, called from C where it is compiled and as plain functions where it is not."""

import ctypes
import random
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pricetime
from pricetime.core import c_api
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from tests.reference.venue_flow import Flow, command, extension

HERE = Path(__file__).parent
INCLUDE = Path(pricetime.__file__).parent / "include"
NAMES = ["open_books", "close_books", "report_bound", "run_commands", "best_price", "depth", "resting_orders", "digest",
         "commands_left"]  # fmt: skip


def function_pointer(name: str) -> int:
    """The address in a capsule of the C API, as a C caller gets it."""
    capsule = c_api.__pyx_capi__[name]
    ctypes.pythonapi.PyCapsule_GetName.restype = ctypes.c_char_p
    ctypes.pythonapi.PyCapsule_GetName.argtypes = [ctypes.py_object]
    ctypes.pythonapi.PyCapsule_GetPointer.restype = ctypes.c_void_p
    ctypes.pythonapi.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer(capsule, ctypes.pythonapi.PyCapsule_GetName(capsule))
    assert isinstance(pointer, int)
    return pointer


def function(name: str, result: Any, *arguments: Any) -> Any:
    return ctypes.CFUNCTYPE(result, *arguments)(function_pointer(name))


def expected_digest() -> int:
    book = pricetime.OrderBook(10)
    book.add_order(3, pricetime.BID, 101, 2)
    return book.digest()


@pytest.mark.compiled
def test_from_c(tmp_path: Path) -> None:
    compiler = shutil.which((sysconfig.get_config_var("CC") or "cc").split()[0]) or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to build a caller with")
    library = tmp_path / "client.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-Wall", "-Werror", f"-I{INCLUDE}", "-o", library, HERE / "c_api_client.c"],
        check=True,
    )
    pointers = (ctypes.c_void_p * len(NAMES))(*[function_pointer(name) for name in NAMES])
    digest = ctypes.c_ulonglong()
    client = ctypes.CDLL(str(library))  # a CDLL call gives the GIL up: the client runs without it
    assert client.play(ctypes.byref(pointers), ctypes.byref(digest)) == 0
    assert digest.value == expected_digest()
    assert client.play_a_venue(ctypes.byref(pointers)) == 0


@pytest.mark.compiled
def test_icebergs_never_need_more_than_the_room() -> None:
    """Random flows with exactly the room of the bound, and marks behind it: the reports are those of a book."""
    assert sum(play_with_exact_room(seed) for seed in range(40)) > 100


def play_with_exact_room(seed: int) -> int:
    """How many runs stopped before their end."""
    rng = random.Random(seed)
    number, pointer = ctypes.c_ulonglong, ctypes.c_void_p
    open_books = function("open_books", pointer, ctypes.c_uint32, number, number)
    close_books = function("close_books", None, pointer)
    report_bound = function("report_bound", number, pointer, number)
    run_commands = function("run_commands", ctypes.c_longlong, pointer, pointer, number, pointer, number)
    commands_left = function("commands_left", number, pointer)
    reference, flow, steps = ReferenceBook(), Flow(rng, all_or_none=False), []
    for _ in range(200):
        steps.append(flow.next(list(reference.by_id)))
        apply(reference, steps[-1])
    commands = np.concatenate(steps)
    books, found, done, stops = open_books(1, 500, 500), [], 0, 0
    while done < len(commands):
        some = commands[done : done + rng.choice([1, 2, 10, 100])]
        room = report_bound(books, len(some))
        reports = np.full((room + 9) * 48, 0xA5, np.uint8).view(pricetime.REPORT)
        made = run_commands(books, some.ctypes.data, len(some), reports.ctypes.data, room)
        assert 0 <= made <= room
        assert (reports[room:].view(np.uint8) == 0xA5).all()
        found.append(reports[:made])
        done += len(some) - commands_left(books)
        stops += commands_left(books) > 0
    close_books(books)
    assert np.concatenate(found).tobytes() == pricetime.OrderBook(500).apply(commands).tobytes()
    return stops


@pytest.mark.compiled
def test_what_cannot_be_opened_is_null() -> None:
    open_books = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint32, ctypes.c_ulonglong, ctypes.c_ulonglong)(
        function_pointer("open_books")
    )
    for instruments, capacity, level_capacity in [(0, 10, 10), (1, 0, 10), (1, 10, 0), (1, 2**32, 10), (2**21, 10, 10)]:
        assert open_books(instruments, capacity, level_capacity) is None


@pytest.mark.skipif(pricetime.COMPILED, reason="compiled, the C API takes its books from C")
def test_books_that_find_no_memory_are_null(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*settings: object) -> None:
        raise MemoryError

    monkeypatch.setattr(c_api, "Books", no_memory)
    assert c_api.open_books(1, 10, 10) is None


@pytest.mark.skipif(pricetime.COMPILED, reason="compiled, the C API is for compiled callers")
def test_uncompiled() -> None:
    from pricetime.core.layout import Command, Report
    from pricetime.native.uncompiled import ArrayMemory, Memory

    assert c_api.open_books(0, 10, 10) is None
    assert c_api.open_books(2**21, 10, 10) is None
    books = c_api.open_books(2, 10, 10)
    array = np.zeros(3, pricetime.COMMAND)
    array["type"], array["instrument"], array["quantity"] = 1, 1, 5
    array["order_id"], array["side"], array["price"] = [1, 2, 3], [2, 2, 1], [100, 101, 99]
    commands = ArrayMemory(array).cells_of(Command)
    room = c_api.report_bound(books, 3)
    reports = Memory(room * 48).cells_of(Report)
    assert c_api.run_commands(books, commands, 3, reports, room - 1) == -1
    assert c_api.resting_orders(books) == 0
    assert c_api.run_commands(books, commands, 3, reports, room) == 3
    assert c_api.resting_orders(books) == 3
    price = [0]
    assert not c_api.best_price(books, 0, pricetime.BID, price)
    assert not c_api.best_price(books, 7, pricetime.BID, price)
    assert not c_api.best_price(books, 1, 3, price)
    assert c_api.best_price(books, 1, pricetime.ASK, price)
    assert price == [100]
    prices, quantities, counts = [0] * 2, [0] * 2, [0] * 2
    assert c_api.depth(books, 1, pricetime.ASK, 2, prices, quantities, counts) == 2
    assert (prices, quantities, counts) == ([100, 101], [5, 5], [1, 1])
    assert c_api.depth(books, 1, pricetime.ASK, 1, prices, quantities, counts) == 1
    assert c_api.depth(books, 7, pricetime.ASK, 1, prices, quantities, counts) == 0
    assert c_api.depth(books, 1, 3, 1, prices, quantities, counts) == 0
    assert c_api.digest(books, 1) != c_api.digest(books, 0) != 0
    assert c_api.digest(books, 7) == 0
    single = c_api.open_books(2, 10, 10)
    for one in range(3):
        assert c_api.run_commands(single, ArrayMemory(array[one : one + 1]).cells_of(Command), 1, reports, room) == 1
    assert c_api.digest(single, 1) == c_api.digest(books, 1)
    c_api.close_books(books)
    c_api.close_books(single)


@pytest.mark.skipif(pricetime.COMPILED, reason="compiled, the C API is for compiled callers")
def test_an_iceberg_that_needs_more_room() -> None:
    from pricetime.core.layout import Command, Report
    from pricetime.native.uncompiled import ArrayMemory, Memory

    books = c_api.open_books(1, 10, 10)
    first = command(1, order_id=1, side=2, price=100, quantity=50)
    iceberg = command(1, order_id=2, side=2, price=100, quantity=5000, instructions=128)
    array = np.concatenate([first, iceberg, extension(display_quantity=5), first])
    reports = Memory(100_000 * 48).cells_of(Report)
    room = c_api.report_bound(books, 4)
    assert c_api.run_commands(books, ArrayMemory(array).cells_of(Command), 4, reports, room) == 1
    assert (c_api.commands_left(books), c_api.resting_orders(books)) == (2, 1)
    rest = ArrayMemory(array[2:]).cells_of(Command)
    assert c_api.run_commands(books, rest, 2, reports, room) == -1
    room = c_api.report_bound(books, 2)
    assert room > 3 * 999
    assert c_api.run_commands(books, rest, 2, reports, room) == 2
    assert (c_api.commands_left(books), c_api.resting_orders(books)) == (0, 2)
    quantities, counts = [0], [0]
    assert c_api.depth(books, 0, pricetime.ASK, 1, [0], quantities, counts) == 1
    assert (quantities, counts) == ([55], [2])
    c_api.close_books(books)
