"""Books rebuilt from the reports of a book with the rules of a venue display what that book displays."""

import copy
import random
from typing import Any

import numpy as np
import pytest

from pricetime import COMPILED, Instrument
from pricetime.core.builder import BookBuilder
from pricetime.errors import PricetimeError
from pricetime.reference import ReferenceBook
from pricetime.reference.commands import apply
from pricetime.reference.queues import mix
from pricetime.types import REPORT, ReportKind
from tests.counts import count
from tests.reference.public_feed import public
from tests.reference.test_venue_flow import reports_of
from tests.reference.venue_flow import Flow, random_settings

Reports = np.ndarray[Any, Any]

SEEDS = range(count(60, 200) if COMPILED else 20)
LENGTH = 150


def made(settings: dict[str, Any]) -> BookBuilder:
    """A builder with the room of a book. Its orders are those of the book and one that trades."""
    capacity = settings["capacity"] or 1000
    return BookBuilder([Instrument(0)], capacity=capacity, level_capacity=settings["level_capacity"] or 1000)


def public_reports(reports: Reports) -> Reports:
    """These reports as the feed publishes them, with numbers of their own."""
    told = [public(report) for report in reports_of(reports)]
    rows = [(16, r.kind, r.side, r.reason, 0, 0, *r[3:]) for r in told if r is not None]
    return np.array(rows, REPORT)


def digest_of(book: ReferenceBook) -> int:
    """The digest of an engine with this book as instrument 0."""
    return mix(mix(0, 0), book.digest())


def flow_of(seed: int) -> tuple[random.Random, dict[str, Any], ReferenceBook, Flow]:
    rng = random.Random(seed)
    settings = random_settings(rng)
    book = ReferenceBook(**settings)
    return rng, settings, book, Flow(rng, all_or_none=book.venue.all_or_none)


def next_reports(book: ReferenceBook, flow: Flow, done: int) -> Reports:
    """What the feed publishes of the next command, after ``done`` reports."""
    reports = public_reports(apply(book, flow.next(list(book.by_id))))
    reports["seq_num"] = done + 1 + np.arange(len(reports))
    return reports


@pytest.mark.slow
@pytest.mark.parametrize("hides", [True, False], ids=["feed", "engine"])
@pytest.mark.parametrize("seed", SEEDS)
def test_the_displayed_book_after_each_command(seed: int, hides: bool) -> None:
    """From the reports of the feed, and from those of an engine, which have what is hidden."""
    _, settings, book, flow = flow_of(seed)
    builder = made(settings)
    done = 0
    for _ in range(LENGTH):
        reports = apply(book, flow.next(list(book.by_id)))
        reports = public_reports(reports) if hides else reports.copy()
        reports["seq_num"] = done + 1 + np.arange(len(reports))
        builder.apply(reports)
        done += len(reports)
        builder.check()
        assert not builder.in_progress
        assert builder.digest() == digest_of(book)
        assert builder.instruments[0].phase == book.phase
        market = [order for order in book.by_id.values() if order.unpriced and not order.waits]
        assert len(builder) == len(list(book)) + len(market)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_snapshot_between_any_two_reports_goes_on(seed: int) -> None:
    rng, settings, book, flow = flow_of(seed)
    builder = made(settings)
    done = 0
    for _ in range(LENGTH):
        reports = next_reports(book, flow, done)
        cut = rng.randint(0, len(reports))
        builder.apply(reports[:cut])
        builder = copy.copy(builder)
        assert builder.seq_num == done + cut
        builder.apply(reports[cut:])
        done += len(reports)
        assert builder.digest() == digest_of(book)


@pytest.mark.parametrize("seed", range(30))
def test_where_the_auction_would_trade(seed: int) -> None:
    _, settings, book, flow = flow_of(seed)
    builder = made(settings)
    done = 0
    for _ in range(LENGTH):
        reports = next_reports(book, flow, done)
        builder.apply(reports)
        done += len(reports)
        for report in reports[np.isin(reports["kind"], [ReportKind.INDICATIVE, ReportKind.UNCROSSED])]:
            found = builder.auction(0)
            assert found is not None
            assert (found.price or 0, found.quantity, found.surplus) == tuple(
                int(report[name]) for name in ("price", "quantity", "maker_id")
            )
            assert (found.side or 0, found.final) == (report["side"], report["kind"] == ReportKind.UNCROSSED)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(count(12, 40) if COMPILED else 40))
def test_a_report_with_a_wrong_field_changes_nothing_or_is_noticed_later(seed: int) -> None:
    """Whatever a report says, the books stay whole, and one that is refused leaves them as they were."""
    rng, settings, book, flow = flow_of(seed)
    builder = made(settings)
    done = 0
    for _ in range(LENGTH):
        reports = next_reports(book, flow, done)
        for i in range(len(reports)):
            wrong = reports[i : i + 1].copy()
            name = rng.choice(["kind", "side", "reason", "order_id", "maker_id", "price", "quantity"])
            wrong[name] = rng.choice([0, 1, 2, 3, 12, 13, 16, 35, 45, 46, int(wrong[name][0]) + 1])
            other = copy.copy(builder)
            before = other.digest(), other.in_progress, len(other), other.seq_num
            try:
                other.apply(wrong)
            except PricetimeError:
                assert (other.digest(), other.in_progress, len(other), other.seq_num) == before
            builder.apply(reports[i : i + 1])
        done += len(reports)
    assert builder.digest() == digest_of(book)
