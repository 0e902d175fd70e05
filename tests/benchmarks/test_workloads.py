"""Every workload does what its name says."""

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.workloads import BATCH, Workload, load
from pricetime import OrderBook, Reason, ReportKind


def run(workload: Workload) -> tuple[OrderBook, NDArray[np.void]]:
    """The book afterwards, and the reports of the timed commands."""
    book = OrderBook()
    for commands in workload.prelude:
        assert (book.apply(commands)["kind"] == ReportKind.ACCEPTED).all()
    return book, np.concatenate([book.apply(commands) for commands in workload.commands])


def kinds(reports: NDArray[np.void]) -> dict[int, int]:
    found, counts = np.unique(reports["kind"], return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


@pytest.mark.parametrize("name", ["balanced", "cancel-heavy", "adds", "sparse"])
def test_a_workload_has_as_many_commands_as_asked_for_and_only_the_seed_decides(name: str) -> None:
    one, two, other = (load(name, 2_500, seed) for seed in (1, 1, 2))
    assert sum(map(len, one.commands)) == 2_500
    assert all(map(np.array_equal, one.commands, two.commands))
    assert not all(map(np.array_equal, one.commands, other.commands))


def test_batches_are_cut_to_size() -> None:
    assert [len(commands) for commands in load("adds", BATCH + 10, seed=1).commands] == [BATCH, 10]


def test_adds_all_rest() -> None:
    book, reports = run(load("adds", 2_000, seed=1))
    assert kinds(reports) == {ReportKind.ACCEPTED: 2_000}
    assert len(book) == 2_000


def test_cancels_empty_the_book() -> None:
    book, reports = run(load("cancels", 2_000, seed=1))
    assert kinds(reports) == {ReportKind.CANCELLED: 2_000}
    assert len(book) == 0


def test_matches_take_one_maker_each() -> None:
    book, reports = run(load("matches", 2_000, seed=1))
    assert kinds(reports) == {ReportKind.ACCEPTED: 2_000, ReportKind.TRADE: 2_000}
    assert len(book) == 0


def test_every_trade_of_sparse_ends_a_level() -> None:
    workload = load("sparse", 3_000, seed=1)
    book, reports = run(workload)
    assert kinds(reports) == {ReportKind.ACCEPTED: 3_000, ReportKind.TRADE: 2_000}
    assert set(reports["reason"].tolist()) == {Reason.NONE, Reason.NEVER_RESTS}
    prices = np.sort(workload.prelude[0]["price"])
    assert np.diff(prices).min() == 5_000
    assert len(book) == 0
