"""What the replica tells of a book is what the book has."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pricetime.errors import UnknownInstrument
from pricetime.types import REPORT
from tests.exchange.harness import Harness, harness
from tests.exchange.orders import ASK, BID, cancel, new


def of(levels: Any, side: int) -> tuple[int, int, float, int | None]:
    """The levels of ``OrderBook.depth``, added up."""
    best = int(levels["price"][0]) if len(levels) else None
    return int(levels["count"].sum()), len(levels), float(levels["quantity"].sum()), best


def expected(here: Harness, instrument: int) -> tuple[int, Any, Any]:
    bids, asks = here.exchange.replica.builder.book(instrument).depth(None)
    return 0, of(bids, BID), of(asks, ASK)


def test_an_empty_book() -> None:
    with harness() as here:
        assert here.exchange.replica.totals(1) == (0, (0, 0, 0.0, None), (0, 0, 0.0, None))
        with pytest.raises(UnknownInstrument):
            here.exchange.replica.totals(3)


def test_any_book() -> None:
    rng = random.Random(5)
    with harness() as here:
        client = here.client(1)
        for _ in range(10):
            client.send(
                *(
                    new(
                        rng.randrange(2000), rng.choice((BID, ASK)), rng.randrange(-500, 500), rng.randrange(1, 50),
                        instrument=rng.choice((1, 2)),
                    )
                    for _ in range(100)
                ),
                *(cancel(rng.randrange(2000), rng.choice((1, 2))) for _ in range(30)),
            )  # fmt: skip
            client.drain()
            for instrument in (1, 2):
                found = here.exchange.replica.totals(instrument)
                assert found == expected(here, instrument)
                assert found[1][0] > 0


def test_a_halt() -> None:
    with harness() as here:
        here.exchange.set_phase(2, 1)
        here.settle()
        assert here.exchange.replica.totals(1)[0] == 0
        assert here.exchange.replica.totals(2)[0] == 1


def test_totals_wait_until_an_order_has_finished_its_trades() -> None:
    with harness() as here:
        client = here.client(1)
        client.send(new(1, ASK, 100), new(2, ASK, 101))
        client.drain()
        reports = here.exchange.store.array(1, 2).copy()
        taker = reports[:1].copy()
        taker["side"], taker["price"], taker["order_id"], taker["seq_num"] = BID, 105, 77, 3
        assert taker.dtype == REPORT
        here.exchange.store.extend(taker)  # accepted, and no trade yet
        here.exchange.replica.snapshot()
        assert here.exchange.replica.builder.in_progress
        _, bids, asks = here.exchange.replica.totals(1)
        assert (bids[3], asks[3]) == (None, 100)
        assert here.exchange.depth(1).spread is None
