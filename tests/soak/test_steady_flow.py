"""Books under a steady flow for MINUTES in all: correct at every check, and no larger at the end than at the start."""

import os
import resource
import sys
import time

import numpy as np
import pytest

from pricetime import OrderBook
from pricetime.tape.flow import PRESETS, MarketFlow, generate, prelude

FLOWS = [name for name, flow in PRESETS.items() if isinstance(flow, MarketFlow) and flow.resting < 100_000]
SECONDS = 60 * float(os.environ.get("MINUTES", "0.1")) / len(FLOWS)
CHUNKS_BETWEEN_LOOKS = 32
PEAK_UNIT_BYTES = 1 if sys.platform == "darwin" else 1024


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT_BYTES


def look(book: OrderBook, twin: OrderBook) -> None:
    book.check()
    assert book.digest() == twin.digest()


@pytest.mark.compiled
@pytest.mark.parametrize("flow", FLOWS)
def test_a_book_stays_right_and_no_larger(flow: str) -> None:
    book, twin = OrderBook(), OrderBook()  # the same commands, cut in other places
    for commands in prelude(flow, seed=1):
        book.apply(commands)
        twin.apply(commands)
    start = time.monotonic()
    early = 0
    for n, commands in enumerate(generate(flow, 2**62, seed=1)):
        reports = book.apply(commands).tobytes()
        assert reports == b"".join(twin.apply(part).tobytes() for part in np.array_split(commands, 3))
        if n % CHUNKS_BETWEEN_LOOKS == 0:
            look(book, twin)
        spent = time.monotonic() - start
        if not early and spent > SECONDS / 4:
            early = peak_bytes()
        if spent > SECONDS:
            break
    look(book, twin)
    assert peak_bytes() < 1.1 * early
