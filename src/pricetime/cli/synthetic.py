"""The synthetic day of ``pricetime demo``."""

from __future__ import annotations

from collections import Counter
from time import perf_counter
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from .. import COMPILED, OrderBook, ReportKind
from ..errors import PricetimeError
from ..reference import ReferenceBook
from ..reference.commands import apply as apply_to_reference
from ..tape import flow
from .progress import track
from .table import figures, print_titled

Commands: TypeAlias = NDArray[np.void]

PRESET = "balanced"
COUNT = 1_000_000 if COMPILED else 20_000

#: Commands in one array. The reference book checks those that fill the book, and the first array after them.
CHUNK = 10_000


class Disagreement(PricetimeError):
    """The book and the reference book differ: a defect of pricetime."""


def show_day(seed: int, order_capacity: int) -> None:
    """Run the day, check its first part against the reference book, print the table. Raises Disagreement."""
    book = OrderBook(capacity=order_capacity)
    day = flow.generate(PRESET, COUNT, seed=seed, chunk=CHUNK)
    checked = [*flow.prelude(PRESET, seed=seed, chunk=CHUNK), next(day)]
    reports = check(book, checked)
    kinds: Counter[int] = Counter()
    applied, elapsed_s = 0, 0.0
    with track("matching", COUNT - CHUNK) as advance:
        for chunk in day:
            started = perf_counter()
            done = book.apply(chunk)
            elapsed_s += perf_counter() - started
            applied += len(chunk)
            kinds.update(done["kind"].tolist())
            advance(len(chunk))
    title = f"synthetic day ({PRESET}, seed {seed}), through OrderBook, {'compiled' if COMPILED else 'pure form'}"
    table = figures(2)
    for number, what in [
        (sum(map(len, checked)), "commands checked against the reference book"),
        (reports, "  reports, equal in every field"),
        (applied, "further commands"),
        (kinds[ReportKind.TRADE], "  trades"),
        (kinds[ReportKind.REJECTED], "  rejected"),
        (len(book), "orders resting at the end"),
        (round(applied / elapsed_s), "commands per second, with all reports as arrays"),
    ]:
        table.add_row(what, f"{number:,}")
    print_titled(title, table)


def check(book: OrderBook, chunks: list[Commands]) -> int:
    """Run commands through both books: how many reports they made. Raises Disagreement if any differ."""
    oracle = ReferenceBook()
    count = 0
    with track("checking against the reference book", sum(map(len, chunks))) as advance:
        for chunk in chunks:
            reports = book.apply(chunk)
            if not np.array_equal(reports, apply_to_reference(oracle, chunk, first=count + 1)):
                raise Disagreement(f"reports from number {count + 1} on differ from those of the reference book")
            count += len(reports)
            advance(len(chunk))
    if book.digest() != oracle.digest():
        raise Disagreement(f"after {count} equal reports the books differ")
    return count
