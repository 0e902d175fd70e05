"""Every order type with every time in force and all instructions, against the reference."""

from itertools import product

import numpy as np
import pytest

from pricetime import COMPILED, CommandType, OrderBook, OrderType, Side, TimeInForce
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from tests.books import command
from tests.counts import count

#: Instructions and their numbers: any two of them and all at once, in ``make test-slow`` every set of them.
BITS = [bits for bits in range(256) if bits.bit_count() <= count(2, 8) or bits == 255]
if not COMPILED:
    BITS = [0, 1, 2, 3, 4, 8, 16, 64, 128, 129, 255]

#: One number beyond the largest, and the largest that fits.
TYPES, TIMES = [*OrderType, 5, 255], [*TimeInForce, 5, 255]


@pytest.mark.slow
@pytest.mark.parametrize("price", [99, 100, 102], ids=["rests", "takes one", "takes all"])
@pytest.mark.parametrize("quantity", [4, 30], ids=["fills", "leaves a remainder"])
def test_all_terms(price: int, quantity: int) -> None:
    reference, book = ReferenceBook(1000), OrderBook(1000)
    refill = np.concatenate(
        [
            command(CommandType.NEW_ORDER, side=Side.ASK, order_id=n, price=100 + n, quantity=5, owner=1)
            for n in range(3)
        ]
    )
    clear = np.concatenate([command(CommandType.MASS_CANCEL, owner=owner) for owner in (1, 2)])
    terms = list(product(TYPES, TIMES, BITS))
    commands = np.tile(np.concatenate([clear, refill, command(CommandType.NEW_ORDER)]), len(terms))
    orders = commands[5::6]
    orders["side"], orders["order_id"], orders["price"], orders["quantity"] = Side.BID, 9, price, quantity
    orders["owner"] = 2
    for name, values in zip(("order_type", "time_in_force", "instructions"), zip(*terms, strict=True), strict=True):
        orders[name] = values
    assert book.apply(commands).tobytes() == apply(reference, commands).tobytes()
    book.check()
