"""Phases, auctions and prices by command: their answers, what the event loop knows of phases, indicative prices."""

import random
import time
from pathlib import Path

import numpy as np
import pytest

from pricetime.exchange.settings.instrument import InstrumentConfig
from pricetime.types import CommandType, Phase, PriceKind, Reason, ReportKind
from pricetime.wire.messages import NewOrder
from tests.exchange.harness import Harness, harness, kinds
from tests.exchange.kept import Kept, picture
from tests.exchange.orders import ASK, BID, cancel, new

SET_PHASE, UNCROSS, INDICATE, SET_PRICE = (
    CommandType.SET_PHASE, CommandType.UNCROSS, CommandType.INDICATE, CommandType.SET_PRICE,
)  # fmt: skip
REJECTED, UNCROSSED, INDICATIVE = ReportKind.REJECTED, ReportKind.UNCROSSED, ReportKind.INDICATIVE


def answer(
    here: Harness, kind: CommandType, instrument: int, flags: int = 0, price: int = 0, due_ns: int = 0
) -> tuple[int, ...]:
    """The answer to a command: kind, reason, side, price, quantity and surplus."""
    number = random.getrandbits(60) + 1
    assert here.exchange.command(kind, instrument, flags, price, number, due_ns)
    here.settle()
    (found,) = here.exchange.take_answers()
    assert found[0] == number
    return found[1:]


def crossed(orders: int = 1) -> list[NewOrder]:
    """Bids at 101, asks at 100: 10 lots each, and 3 lots more on the bid side."""
    return [
        *(new(n, BID, 101) for n in range(orders)), *(new(n + 10**6, ASK, 100) for n in range(orders)),
        new(2 * 10**6, BID, 100, 3),
    ]  # fmt: skip


def test_the_answers_of_an_auction() -> None:
    with harness(indicative_interval_ms=0) as here:
        client = here.client(1)
        assert answer(here, SET_PHASE, 1, Phase.PRE_OPEN) == (ReportKind.PHASE_CHANGED, 0, 0, 0, Phase.PRE_OPEN, 0)
        assert answer(here, INDICATE, 1) == (INDICATIVE, Reason.NO_AUCTION_PRICE, 0, 0, 0, 0)
        client.ask(*crossed())
        assert answer(here, INDICATE, 1) == (INDICATIVE, 0, 0, 101, 10, 0)
        client.ask(new(7, BID, 101, 2))
        assert answer(here, INDICATE, 1) == (INDICATIVE, 0, BID, 101, 10, 2)
        assert answer(here, SET_PHASE, 1, Phase.CONTINUOUS) == (REJECTED, Reason.MUST_UNCROSS, 0, 0, 0, 0)
        assert answer(here, UNCROSS, 1, Phase.CONTINUOUS) == (UNCROSSED, 0, BID, 101, 10, 2)
        assert here.exchange.phase(1) is Phase.CONTINUOUS
        assert answer(here, UNCROSS, 1, Phase.CONTINUOUS)[:2] == (REJECTED, Reason.NOT_IN_PHASE)
        assert answer(here, INDICATE, 1)[:2] == (REJECTED, Reason.NOT_IN_PHASE)
        assert answer(here, SET_PHASE, 1, 77)[:2] == (REJECTED, Reason.INVALID_PHASE)
        assert here.exchange.progress()[0] == here.exchange.progress()[1]


def test_prices_are_set() -> None:
    with harness(instruments=(InstrumentConfig(id=1, tick_size=5),)) as here:
        client = here.client(1)
        for kind, price in (
            (PriceKind.REFERENCE, -50),
            (PriceKind.LAST, 0),
            (PriceKind.LOW, 95),
            (PriceKind.HIGH, 105),
        ):
            assert answer(here, SET_PRICE, 1, kind, price) == (ReportKind.PRICE_SET, 0, 0, price, kind, 0)
        assert answer(here, SET_PRICE, 1, PriceKind.LOW, 96)[:2] == (REJECTED, Reason.INVALID_PRICE)
        reports = client.ask(new(1, BID, 90), new(2, BID, 95))
        assert [report.reason for report in reports] == [Reason.PRICE_OUTSIDE_BAND, Reason.NONE]


def test_the_answer_to_an_auction_with_more_reports_than_one_step_routes() -> None:
    count = 12_000
    room = {"order_capacity": 2**15, "stream_reports": 2**16, "outbound_bytes": 2**16 * 48, "feed_store_reports": 2**16}
    with harness(**room) as here:
        client = here.client(1)
        answer(here, SET_PHASE, 1, Phase.OPENING_AUCTION)
        client.ask(*crossed(count))
        assert answer(here, UNCROSS, 1, Phase.CLOSED) == (UNCROSSED, 0, 0, 101, 10 * count, 0)
        assert here.exchange.phases == {1: Phase.CLOSED, 2: Phase.CONTINUOUS}
        client.drain()
        assert kinds(client.reports()).count(ReportKind.AUCTION_TRADE) == 2 * count


def test_answers_are_given_in_the_order_of_the_requests() -> None:
    with harness() as here:
        for number in range(1, 1001):
            assert here.exchange.command(SET_PHASE, 1 + number % 2, Phase(number % 3), number=number)
        assert here.exchange.command(INDICATE, 1)
        here.settle()
        assert [found[0] for found in here.exchange.take_answers()] == list(range(1, 1001)), "none without a number"
        assert here.exchange.phase_changes() == 1000
        assert here.exchange.take_answers() == []


def test_an_order_that_would_trade_outside_its_range_changes_the_phase() -> None:
    ranged = InstrumentConfig(id=1, reference_price=100, static_range=5)
    with harness(instruments=(ranged, InstrumentConfig(id=2))) as here:
        client, other = here.client(1), here.client(2)
        reports = client.ask(new(1, ASK, 105, 1), new(2, ASK, 110, 1), new(3, BID, 110, 2))
        assert [(r.order_id, r.quantity, r.reason) for r in reports if r.kind == ReportKind.PHASE_CHANGED] == [
            (0, Phase.VOLATILITY_AUCTION, Reason.OUTSIDE_RANGE)
        ]
        other.drain()
        assert other.reports() == []
        assert here.exchange.phases == {1: Phase.VOLATILITY_AUCTION, 2: Phase.CONTINUOUS}
        assert here.exchange.phase_changes() == 1
        assert here.exchange.report_counts()[ReportKind.PHASE_CHANGED, Reason.OUTSIDE_RANGE] == 1
        assert answer(here, UNCROSS, 1, Phase.CONTINUOUS) == (UNCROSSED, 0, 0, 110, 1, 0)


def test_phases_after_a_restart(tmp_path: Path) -> None:
    here = Kept(tmp_path / "journal")
    answer(here, SET_PHASE, 2, Phase.PRE_OPEN, due_ns=5)
    answer(here, SET_PHASE, 1, Phase.HALTED)
    before = time.time_ns()
    answer(here, SET_PHASE, 2, Phase.PRE_OPEN)
    here.client(1).ask(new(1, instrument=2))
    expected = picture(here)
    here.kill()
    again = Kept(tmp_path / "journal", indicative_interval_ms=0)
    assert again.exchange.phases == {1: Phase.HALTED, 2: Phase.PRE_OPEN}
    assert again.exchange.scheduled_ns[1] == 0, "it has no schedule"
    assert before <= again.exchange.scheduled_ns[2] <= time.time_ns(), "the operator was later than the row"
    assert picture(again) == expected
    assert answer(again, SET_PHASE, 2, Phase.CONTINUOUS)[:2] == (REJECTED, Reason.MUST_UNCROSS)
    again.close()


def indicated(here: Harness) -> list[int]:
    """The volumes of the indicative prices that the feed had since the last call."""
    found = here.feed.reports()
    return [int(quantity) for quantity in found["quantity"][found["kind"] == INDICATIVE]]


def test_indicative_prices_follow_changes() -> None:
    with harness(indicative_interval_ms=1) as here:
        client = here.client(1)
        client.ask(new(1, ASK, 100), new(2, BID, 90, 4))
        assert indicated(here) == [], "orders match"
        answer(here, SET_PHASE, 1, Phase.PRE_OPEN)
        here.until(lambda: here.feed.reports().size)
        for change, volume in ((new(3, BID, 100, 4), 4), (new(4, BID, 100, 2), 6), (cancel(3), 2)):
            client.ask(change)
            found: list[int] = []
            here.until(lambda found=found: found.extend(indicated(here)) or found)  # type: ignore[misc]
            assert found == [volume]
        wait(here, 0.01)
        assert indicated(here) == [], "nothing has changed"
        client.ask(new(4, BID, 100, 2), cancel(77))
        wait(here, 0.01)
        assert indicated(here) == [], "a rejected command changes nothing"
        client.ask(new(9, instrument=2))
        wait(here, 0.01)
        assert indicated(here) == [], "a different instrument"
        client.ask(new(5, BID, 100, 1))
        answer(here, UNCROSS, 1, Phase.CONTINUOUS)
        here.feed.reports()
        client.ask(new(6, BID, 100, 1))
        wait(here, 0.01)
        assert indicated(here) == [], "the auction is over"


def test_indicative_prices_are_throttled() -> None:
    with harness(indicative_interval_ms=3_600_000) as here:
        client = here.client(1)
        for instrument in (1, 2):
            answer(here, SET_PHASE, instrument, Phase.CLOSING_AUCTION)
        here.settle()
        for n in range(50):
            client.ask(new(n), new(n, instrument=2))
        found = here.feed.reports()
        assert sorted(found["instrument"][found["kind"] == INDICATIVE].tolist()) == [1, 2], "one each, at the beginning"
        assert here.exchange.progress()[0] == 104


@pytest.mark.parametrize("interval", [0, 1])
def test_a_journal_replays_indicative_prices(tmp_path: Path, interval: int) -> None:
    here = Kept(tmp_path / "journal", indicative_interval_ms=interval)
    client = here.client(1)
    answer(here, SET_PHASE, 1, Phase.PRE_OPEN)
    for n in range(20):
        client.ask(new(n, BID + n % 2, 100 - n % 3 + n % 2, 5))
        wait(here, 0.002)
    assert bool(indicated(here)) == bool(interval)
    answer(here, UNCROSS, 1, Phase.CONTINUOUS)
    expected = picture(here)
    here.kill()
    again = Kept(tmp_path / "journal")
    assert picture(again) == expected
    again.close()


def wait(here: Harness, seconds: float) -> None:
    """Iterations for so long."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        here.loop.iterate(1)
    here.settle()


def test_many_instruments_that_collect_take_turns() -> None:
    numbers = range(1, 101)
    with harness(instruments=tuple(InstrumentConfig(id=n) for n in numbers), indicative_interval_ms=1) as here:
        for number in numbers:
            assert here.exchange.command(SET_PHASE, number, Phase.PRE_OPEN)
        wait(here, 0.1)
        found = here.feed.reports()
        assert np.unique(found["instrument"][found["kind"] == INDICATIVE]).tolist() == list(numbers)
        assert here.loop.phases.collecting == 100
        for number in numbers:
            assert here.exchange.command(UNCROSS, number, Phase.CONTINUOUS)
        here.settle()
        assert here.loop.phases.collecting == 0
