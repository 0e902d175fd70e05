"""The stand-in for the compiler's module: what the sources rely on when nothing is compiled."""

import numpy as np

from pricetime.native.records import Integer
from pricetime.native.uncompiled import ArrayMemory, Memory, make_cython
from pricetime.types import COMMAND
from tests.native.test_records import SHEET

cython = make_cython()


def test_fresh_memory_becomes_the_cells_that_it_is_cast_to() -> None:
    cells = cython.cast(cython.pointer[SHEET["Order"]], Memory(10 * 32))
    assert len(cells) == 0
    assert cells.length == 10
    assert cells[9].remaining == 0


def test_casts_drop_bits_and_leave_other_values_alone() -> None:
    assert cython.cast(Integer("unsigned int"), 2**32 + 1) == 1
    value = object()
    assert cython.cast(object, value) is value
    assert cython.cast(cython.pointer[SHEET["Order"]], None) is None


def test_decorators_leave_functions_alone() -> None:
    def function() -> int:
        return 3

    assert cython.nogil(cython.inline(cython.exceptval(check=False)(function)))() == 3
    with cython.nogil:
        assert not cython.compiled


def test_arrays_of_records_and_back() -> None:
    array = np.zeros(2, COMMAND)
    array["order_id"], array["price"] = [1, 2**64 - 1], [-5, 5]
    memory = ArrayMemory(array)
    cells = memory.cells_of(SHEET["Command"])
    assert (cells[1].order_id, cells[0].price) == (2**64 - 1, -5)
    assert memory.array(COMMAND, 2).tobytes() == array.tobytes()
