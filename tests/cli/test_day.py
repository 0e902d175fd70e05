"""The day of the demo: what it tells, that it is the same for the same seed, and that a difference ends it."""

from typing import Any

import numpy as np
import pytest

from pricetime.cli import day as module
from pricetime.cli.day import Day, DayDiffers, listed, lots_down_to, times
from pricetime.cli.day_book import BooksDisagree, BookVenue, command
from pricetime.cli.day_orders import DayOrders
from pricetime.standing import counted
from pricetime.types import REPORT, CommandType, Phase, ReportKind


@pytest.fixture(autouse=True)
def few_orders(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONTINUOUS", 200)


def told(seed: int, venue: BookVenue | None = None) -> list[str]:
    """What the day says, on this venue or on a new one."""
    said: list[str] = []
    day = Day(venue or BookVenue(), seed, said.append, lambda time, title: said.append(f"{time} {title}"))
    day.morning()
    day.afternoon()
    return said


def test_it_tells_every_part_with_numbers() -> None:
    venue = BookVenue()
    text = "\n".join(told(1, venue))
    for part in (
        "08:30 Pre-open",
        "08:50 Opening auction",
        "09:00: the auction trades ",
        "450 more are hidden",
        "triggers 3 stop orders, one after the other",
        "so the exchange stops continuous trading",
        "14:35: the auction trades ",
        "1 order that waited for the close since the morning joins.",
        "17:35: the auction trades ",
        "orders for the day expire",
    ):
        assert part in text
    assert venue.book.phase is Phase.CLOSED
    assert venue.digest() == venue.book.digest()
    assert venue.reports > 2_000


def test_equal_seeds_tell_the_same_day() -> None:
    first = told(2)
    assert first == told(2)
    assert first != told(3)


@pytest.mark.parametrize("seed", range(4, 12))
def test_every_seed_has_a_day(seed: int) -> None:
    assert told(seed)[-1].startswith(tuple("123456789"))


class Forging(BookVenue):
    """Changes the reports of one kind."""

    def __init__(self, kind: ReportKind, **fields: int) -> None:
        super().__init__()
        self._kind, self._fields = kind, fields

    def _apply(self, commands: Any) -> Any:
        reports = super()._apply(commands)
        for name, value in self._fields.items():
            reports[name][reports["kind"] == self._kind] = value
        return reports


def test_a_volume_that_its_trades_do_not_have_ends_it() -> None:
    with pytest.raises(DayDiffers, match=r"the auction has a volume of 7 lots, its trades 1,\d+ lots"):
        told(1, Forging(ReportKind.UNCROSSED, quantity=7))


def test_a_trade_at_a_different_price_ends_it() -> None:
    with pytest.raises(DayDiffers):
        told(1, Forging(ReportKind.AUCTION_TRADE, price=7))


def test_a_fall_that_is_not_interrupted_ends_it() -> None:
    with pytest.raises(DayDiffers, match="has not interrupted trading"):
        told(1, Forging(ReportKind.PHASE_CHANGED, quantity=Phase.CONTINUOUS))


def test_books_that_make_different_reports_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricetime.cli.day_book.apply_to_reference", lambda *_, **__: np.zeros(1, REPORT))
    with pytest.raises(BooksDisagree, match="reports from number 1 on differ"):
        told(1)


def test_books_with_different_digests_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pricetime.reference.ReferenceBook.digest", lambda _: 0)
    with pytest.raises(BooksDisagree, match="after 0 equal reports the books differ"):
        BookVenue().digest()


def test_an_auction_without_a_price_says_so() -> None:
    venue = BookVenue()
    venue.begin(Phase.PRE_OPEN)
    (found,) = module.only(venue.indicate(), ReportKind.INDICATIVE)
    assert module.auction(found) == "nothing, because no buyer pays what a seller asks"


def test_equal_seeds_give_equal_orders() -> None:
    one, two = DayOrders(5), DayOrders(5)
    assert one.continuous(1, 100, 10_000) == two.continuous(1, 100, 10_000)
    assert [order.id for order in one.collected(1, 3)] == [101, 102, 103]
    assert [order.id for order in one.collected(2, 3)] == [1, 2, 3]


def test_words() -> None:
    assert [counted(count, "lot") for count in (0, 1, 1_000)] == ["0 lots", "1 lot", "1,000 lots"]
    assert [times(count) for count in (1, 2, 3)] == ["once", "twice", "3 times"]
    assert [listed(values) for values in ([5], [5, 6], [5, 6, 7])] == ["5", "5 and 6", "5, 6 and 7"]


def test_lots_to_reach_a_price() -> None:
    assert lots_down_to([(100, 5, 1), (98, 7, 2), (95, 9, 1)], 100, 95) == 13
    assert lots_down_to([(100, 5, 1), (98, 7, 2), (95, 9, 1)], 98, 96) == 8


def test_a_command_that_is_not_about_an_order() -> None:
    (made,) = command(CommandType.UNCROSS, flags=Phase.CLOSED)
    assert (made["type"], made["flags"], made["order_id"]) == (CommandType.UNCROSS, Phase.CLOSED, 0)
