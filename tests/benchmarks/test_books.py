"""The compared books do the same, so the benchmark compares speed alone; figures are medians of alternating runs."""

import gc
from dataclasses import replace

import numpy as np
import pytest

from benchmarks import books
from benchmarks.books import BOOKS, Figures, filled, measure, no_collector
from benchmarks.minimal_book import MinimalBook
from benchmarks.plain_book import PlainBook
from benchmarks.workloads import PLAIN, Workload, load
from pricetime import BID, OrderBook
from pricetime.tape.flow import PRESETS, generate, prelude
from pricetime.types import COMMAND, CommandArray, CommandType, ReportArray, ReportKind, Side, TimeInForce


def workload(name: str) -> Workload:
    flow = replace(PRESETS[name], resting=min(PRESETS[name].resting, 20_000))
    return Workload(name, list(prelude(flow, seed=5)), list(generate(flow, 20_000, seed=5)))


@pytest.mark.compiled
@pytest.mark.parametrize("name", PLAIN)
def test_the_c_book_reports_what_the_book_reports(name: str) -> None:
    compare(MinimalBook(1 << 16), workload(name))


@pytest.mark.compiled
@pytest.mark.parametrize("apart", [1, 7, 10_000])
def test_the_c_book_with_thousands_of_levels_that_come_and_go(apart: int) -> None:
    """Levels are in its array and beyond it."""
    compare(MinimalBook(6_000), Workload("", [], [coming_and_going(np.random.default_rng(apart), apart)]))


def compare(minimal: MinimalBook, workload: Workload) -> None:
    book = OrderBook(1 << 16)
    for commands in [*workload.prelude, *workload.commands]:
        expected, found = book.apply(commands), minimal.apply(commands)
        assert len(found) == len(expected) >= len(commands)
        differing = np.flatnonzero(found != expected)
        assert not differing.size, f"report {differing[0]}: {found[differing[0]]} for {expected[differing[0]]}"
        assert len(minimal) == len(book)
    assert (expected["kind"] == ReportKind.TRADE).any()


def coming_and_going(rng: np.random.Generator, apart: int) -> CommandArray:
    """Orders all over 4,000 prices, cancels of some, which come back, and sweeps."""
    adds = np.zeros(5_000, COMMAND)
    adds["type"], adds["quantity"], adds["order_id"] = CommandType.NEW_ORDER, 1, rng.permutation(adds.size)
    adds["side"] = rng.integers(1, 2, adds.size, endpoint=True)
    away = apart * rng.integers(1, 2_000, adds.size, endpoint=True)
    adds["price"] = np.where(adds["side"] == Side.BID, -away, away)
    cancels = adds[rng.permutation(adds.size)[:1_000]].copy()
    cancels["type"] = CommandType.CANCEL_ORDER
    sweeps = np.zeros(200, COMMAND)
    sweeps["type"], sweeps["time_in_force"] = CommandType.NEW_ORDER, TimeInForce.IOC
    sweeps["order_id"] = adds.size + np.arange(sweeps.size)
    sweeps["side"] = rng.integers(1, 2, sweeps.size, endpoint=True)
    sweeps["price"] = np.where(sweeps["side"] == Side.BID, 2**62, -(2**62))
    sweeps["quantity"] = rng.integers(1, 30, sweeps.size)
    return np.concatenate([adds, cancels, adds, sweeps])


@pytest.mark.parametrize("name", PLAIN)
def test_the_plain_book_makes_the_trades_of_the_book(name: str) -> None:
    flow = replace(PRESETS[name], resting=min(PRESETS[name].resting, 500))
    book, plain = OrderBook(1 << 16), PlainBook()
    for commands in [*prelude(flow, seed=5), *generate(flow, 500, seed=5)]:
        reports: ReportArray = book.apply(commands)
        trades = reports[reports["kind"] == ReportKind.TRADE]
        assert plain.apply(commands) == trades[["maker_id", "order_id", "price", "quantity"]].tolist()
        assert len(plain) == len(book)


def test_the_plain_book_rejects_a_duplicate_and_an_order_without_quantity() -> None:
    book = PlainBook()
    book.add_order(1, BID, 100, 5)
    for order_id, quantity in ((1, 5), (2, 0)):
        with pytest.raises(ValueError, match="is resting, or quantity"):
            book.add_order(order_id, BID, 100, quantity)


@pytest.mark.compiled
def test_single_orders_are_timed_without_changing_what_they_do() -> None:
    flow = load("cancel-heavy", 2_000, seed=1)
    timed, applied = OrderBook(), OrderBook()
    for commands in flow.prelude:
        timed.apply(commands)
        applied.apply(commands)
    each_ns = books.one_by_one(timed, flow, 10**12)
    assert each_ns.shape == (2_000,)
    assert (each_ns > 0).all()
    for commands in flow.commands:
        applied.apply(commands)
    assert timed.digest() == applied.digest()


@pytest.mark.compiled
def test_books_alternate_and_every_run_has_a_fresh_one(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    def in_batches(book: books.Book, _: Workload, limit_ns: int) -> float:
        assert not gc.isenabled()
        assert (len(book), limit_ns) == (1_000, 7)
        order.append(type(book).__name__)
        return float(len(order))

    monkeypatch.setattr(books, "in_batches", in_batches)
    advanced: list[int] = []
    found = measure(load("cancels", 1_000, seed=1), list(BOOKS), 2, 7, lambda: advanced.append(1))
    assert order == ["PlainBook", "MinimalBook", "OrderBook"] * 2
    assert [figures.ns_of_runs for figures in found.values()] == [[1, 4], [2, 5], [3, 6]]
    assert [len(figures.percentiles) for figures in found.values()] == [0, 0, 2]
    assert len(advanced) == 6
    assert gc.isenabled()


def test_a_book_is_filled_by_the_prelude_alone() -> None:
    assert len(filled(PlainBook(), load("cancels", 1_000, seed=1))) == 1_000


def test_rates_and_ratios_are_medians_of_runs() -> None:
    slow, fast = Figures([1_000.0, 8_000, 1_000]), Figures([10.0, 80, 20])  # the second round met a busy machine
    assert fast.m_orders == 50
    assert fast.times_faster(slow) == 100


def test_an_interruption_is_not_always_slow() -> None:
    figures = Figures()
    for each_ns in ([50, 9_000, 70], [60, 80, 9_000], [9_000, 90]):
        figures.add_single_orders(np.array(each_ns, float))
    assert figures.percentile_ns(100) == 9_000
    assert figures.percentile_ns(50) == 80
    assert figures.slowest_always_ns == 80


def test_the_collector_comes_back_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), no_collector():
        _ = 1 / 0
    assert gc.isenabled()
