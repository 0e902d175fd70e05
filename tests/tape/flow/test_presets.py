"""What docs/concepts/flow.md says of each preset holds when it is run through a book."""

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from pricetime import COMPILED, OrderBook
from pricetime.tape.flow import PRESETS, generate, prelude
from pricetime.tape.flow.base import Commands
from pricetime.types import CommandType, ReportKind, Side, TimeInForce
from tests.tape.flow.flows import joined
from tests.tape.flow.outcome import HEADINGS, Outcome, outcome

ADDS, CANCELS = CommandType.NEW_ORDER, CommandType.CANCEL_ORDER
RUN = [name for name in PRESETS if name not in ("deep", "one-maker-per-taker")]
STEADY = [name for name in RUN if name != "auction-day"]


#: Commands of a run. A flow is the same in both forms; it is the book that takes its time in the pure one.
COUNT = 200_000 if COMPILED else 40_000


@cache
def run(name: str) -> Outcome:
    return outcome(name, COUNT)


@cache
def prelude_of(name: str) -> Commands:
    return joined(prelude(name))


@cache
def documented() -> dict[str, dict[str, str]]:
    """The table of docs/concepts/flow.md: preset, then heading."""
    text = (Path(__file__).parents[3] / "docs" / "concepts" / "flow.md").read_text(encoding="utf-8")
    lines = text[text.index(f"| {HEADINGS.replace('|', ' | ')} |") :].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: 2 + len(PRESETS)]]
    return {row[0]: dict(zip(rows[0], row, strict=True)) for row in rows[2:]}


def share_of(cell: str) -> float:
    return float(cell.rstrip("%")) / 100


def range_of(cell: str) -> tuple[int, int]:
    least, most = cell.replace(",", "").split(" to ")
    return int(least), int(most)


@pytest.mark.parametrize("name", PRESETS)
def test_the_table_has_every_preset(name: str) -> None:
    assert name in documented()


@pytest.mark.parametrize("name", PRESETS)
def test_a_description_is_one_line(name: str) -> None:
    assert 20 < len(PRESETS[name].description) < 100
    assert "\n" not in PRESETS[name].description


@pytest.mark.parametrize("name", PRESETS)
def test_the_prelude_rests_whole_and_trades_nothing(name: str) -> None:
    orders = prelude_of(name)
    assert orders.size == PRESETS[name].resting
    assert (orders["type"] == ADDS).all()
    assert (orders["time_in_force"] == TimeInForce.GTC).all()
    bids, asks = (orders["price"][orders["side"] == side] for side in Side)
    assert bids.max(initial=-(2**63)) < asks.min()


def test_deep_starts_with_a_million_orders_over_a_hundred_thousand_levels() -> None:
    orders = prelude_of("deep")
    assert orders.size == 1_000_000
    for side in Side:
        prices, counts = np.unique(orders["price"][orders["side"] == side], return_counts=True)
        assert prices.size == 50_000
        assert prices[-1] - prices[0] == 49_999
        assert counts.min() >= 9


@pytest.mark.parametrize("name", [*RUN, "deep"])
def test_a_preset_does_what_its_row_says(name: str) -> None:
    if not COMPILED and name in ("deep", "outliers"):
        pytest.skip("too long for the pure form")
    o, said = run(name), documented()[name]
    adds, cancels = o.of_type[ADDS], o.of_type[CANCELS]
    shares = [o.share(part) for part in (adds, cancels, o.commands - adds - cancels, o.takers)]
    assert shares == pytest.approx(
        [share_of(said[heading]) for heading in ("adds", "cancels", "changes", "trading")], abs=0.015
    )
    assert o.withdrawn / cancels == pytest.approx(share_of(said["cancels that hit"]), abs=0.03)
    assert o.share(o.rejected) == pytest.approx(share_of(said["rejected"]), abs=0.015)
    assert o.trades / o.takers == pytest.approx(float(said["makers each"]), rel=0.1)
    for heading, seen in (("resting", o.resting), ("levels", o.levels)):
        least, most = range_of(said[heading])
        assert 0.9 * least < min(seen) <= max(seen) < 1.1 * most


@pytest.mark.compiled
def test_deep_fits_a_book_of_the_default_capacity() -> None:
    assert max(run("deep").resting) < 2**20


@pytest.mark.parametrize("name", STEADY)
def test_orders_and_levels_stay_about_constant(name: str) -> None:
    o = run(name)
    wanted = PRESETS[name].resting
    assert 0.8 * wanted < min(o.resting) <= max(o.resting) < 1.2 * wanted
    half = len(o.resting) // 2
    assert np.mean(o.resting[half:]) == pytest.approx(np.mean(o.resting[:half]), rel=0.1)
    assert np.mean(o.levels[half:]) == pytest.approx(np.mean(o.levels[:half]), rel=0.1)


def test_cancel_heavy() -> None:
    o = run("cancel-heavy")
    assert o.untouched == pytest.approx(0.95, abs=0.02)
    assert o.withdrawn / o.of_type[CANCELS] > 0.93


def test_sweep_takes_ten_to_fifty_makers_across_levels() -> None:
    book = OrderBook()
    for commands in prelude("sweep"):
        book.apply(commands)
    commands = joined(generate("sweep", COUNT // 2))
    reports = book.apply(commands)
    trades = reports[reports["kind"] == ReportKind.TRADE]
    sweeps = commands["order_id"][(commands["type"] == ADDS) & (commands["time_in_force"] == TimeInForce.IOC)]
    trades = trades[np.isin(trades["order_id"], sweeps)]
    _, makers = np.unique(trades["order_id"], return_counts=True)
    assert np.mean((makers >= 10) & (makers <= 50)) > 0.75
    assert makers.mean() == pytest.approx(28, abs=4)
    fills = np.unique(np.rec.fromarrays([trades["order_id"], trades["price"]]))
    assert fills.size / makers.size > 3  # levels of one sweep


@pytest.mark.compiled
def test_wide_walks_and_makes_levels_all_the_time() -> None:
    o = run("wide")
    assert max(o.touch) - min(o.touch) > 5_000
    assert np.mean(o.levels) > 0.7 * np.mean(o.resting)
    adds = joined(generate("wide", 1_000_000, chunk=100_000))
    mid = adds["price"][(adds["type"] == ADDS) & (adds["time_in_force"] == TimeInForce.IOC)]
    assert np.ptp(mid) > 20_000


@pytest.mark.compiled
def test_outliers_reach_both_ends_and_sweep_hundreds() -> None:
    o = run("outliers")
    assert 100 < o.most_makers <= 1_000
    commands = joined([prelude_of("outliers"), *generate("outliers", 100_000)])
    resting = commands[(commands["type"] == ADDS) & (commands["time_in_force"] == TimeInForce.GTC)]
    assert resting["price"].min() == -(2**63)
    assert resting["price"].max() == 2**63 - 1
    far = np.abs(resting["price"].astype(float)) > 2_000_000
    assert 0.01 < far.mean() < 0.1
    assert np.unique(np.log2(np.abs(resting["price"][far].astype(float))).astype(int)).size > 35


def test_one_maker_per_taker() -> None:
    asks = prelude_of("one-maker-per-taker")
    prices, counts = np.unique(asks["price"], return_counts=True)
    assert (prices.size, set(counts), set(asks["quantity"]), set(asks["side"])) == (50, {20_000}, {10}, {Side.ASK})
    bids = joined(generate("one-maker-per-taker", 1_000_000))
    assert (set(bids["quantity"]), set(bids["side"]), set(bids["type"])) == ({10}, {Side.BID}, {ADDS})
    assert bids["price"].min() >= prices[-1]


@pytest.mark.compiled
def test_one_maker_per_taker_empties_the_book_trade_by_trade() -> None:
    o = outcome("one-maker-per-taker", 1_000_000, chunk=100_000)
    assert (o.trades, o.takers, o.most_makers, o.rejected) == (1_000_000, 1_000_000, 1, 0)
    assert o.resting == list(range(900_000, -1, -100_000))
