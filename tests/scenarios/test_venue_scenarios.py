"""The scenarios that need the rules of venues, played on the reference book and on the core.

``test_scenarios`` plays the others on every book. The outcome is compared with the whole expected one if the scenario
has it, and with what its source asserts.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from pricetime import OrderBook, OrderType, Side
from pricetime.errors import PricetimeError
from pricetime.profiles import StopTrigger, Venue
from pricetime.reference import ReferenceBook
from pricetime.types import Instruction, Order, Phase, PriceKind, Reason, ReportKind, TimeInForce
from tests.books import AppliedBook
from tests.scenarios.test_scenarios import SCENARIOS, SIDES, needs_venue, queues

#: Books that tell their reports. The calls of ``OrderBook`` are compared with them in ``tests/properties``.
BOOKS = [ReferenceBook, AppliedBook]

VENUE = [name for name, scenario in SCENARIOS.items() if needs_venue(scenario)]

TYPES = {
    "limit": OrderType.LIMIT,
    "market": OrderType.MARKET,
    "mtl": OrderType.MARKET_TO_LIMIT,
    "stop": OrderType.STOP,
    "stop_limit": OrderType.STOP_LIMIT,
}
TIMES = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "GFA": TimeInForce.GFA, "FOK_BUDGET": TimeInForce.FOK}

#: Reports of lots that left an order without a trade.
ENDS = {ReportKind.CANCELLED, ReportKind.REDUCED, ReportKind.EXPIRED}


def venue_of(scenario: dict[str, Any]) -> Venue:
    """The settings that a scenario means."""
    profile, steps = scenario["profile"], scenario["steps"]
    quote = profile == "stop_triggers_on_quote"
    return Venue(
        auction="euronext",
        reference_price=scenario["config"].get("reference"),
        stop_trigger=StopTrigger.BEST_QUOTE if quote else StopTrigger.LAST_TRADE,
        minimum_display=max(step.get("min_visible", 0) for step in steps),
        replace_total=profile == "replace_total_qty",
        all_or_none=profile == "aon",
    )


def price_within(book: Any, side: Side, quantity: int, budget: int) -> int | None:
    """The worst price that a whole quantity costs now, None if it costs more than the budget: a query of the depth."""
    levels = book.depth(None)[2 - side]
    cost, worst = 0, None
    for price, lots, _ in levels:
        size = min(quantity, lots)
        cost, quantity, worst = cost + size * price, quantity - size, price
        if not quantity:
            break
    return worst if not quantity and cost <= budget else None


def enter(book: Any, step: dict[str, Any]) -> None:
    side, kind = SIDES[step["side"]], TYPES[step["type"]]
    price = step.get("price", 0)
    if "budget" in step:
        worst = price_within(book, side, step["qty"], step["budget"])
        price = 0 if worst is None else worst
    if "stop" in step and kind is OrderType.MARKET:
        kind = OrderType.STOP
    book.add_order(
        step["id"],
        side,
        price,
        step["qty"],
        owner=step.get("owner", 0),
        order_type=kind,
        time_in_force=TIMES[step["tif"]] if "tif" in step else TimeInForce.GTC,
        instructions=Instruction.ALL_OR_NONE if step.get("aon") else 0,
        trigger_price=step.get("stop"),
        display_quantity=step.get("display", 0),
    )


def do(book: Any, step: dict[str, Any]) -> None:
    match step["op"]:
        case "new":
            enter(book, step)
        case "mitigate":
            book.replace_order(step["id"], step["price"], step["total_qty"])
        case "set_last":
            book.set_price(PriceKind.LAST, step["price"])
        case "uncross":
            book.uncross()
        case _:
            raise AssertionError(step)


def play(scenario: dict[str, Any], kind: type[Any] = ReferenceBook) -> tuple[Any, list[Any]]:
    """The book after a scenario, and the steps that it rejected."""
    book = kind(64, venue=venue_of(scenario))
    return book, play_on(book, scenario)


def play_on(book: Any, scenario: dict[str, Any]) -> list[Any]:
    """The steps of a scenario that a book rejects."""
    if scenario["config"].get("auction"):
        book.set_phase(Phase.OPENING_AUCTION)
    rejected = []
    for number, step in enumerate(scenario["steps"]):
        try:
            do(book, step)
        except PricetimeError as error:
            rejected.append([number, step["id"], type(error).__name__])
    return rejected


def trades_of(book: Any) -> list[dict[str, int]]:
    names: dict[int, tuple[str, str]] = {
        ReportKind.TRADE: ("taker", "maker"),
        ReportKind.AUCTION_TRADE: ("buy", "sell"),
    }
    return [
        dict(
            zip(
                (*names[ReportKind(r.kind)], "price", "qty"), (r.order_id, r.maker_id, r.price, r.quantity), strict=True
            )
        )
        for r in book.reports
        if r.kind in names
    ]


def open_orders(book: Any, scenario: dict[str, Any]) -> list[Order]:
    """All orders in the order of their steps, with whole quantities."""
    return [book.order(step["id"]) for step in scenario["steps"] if step["op"] == "new" and step["id"] in book]


def levels_of(orders: list[Order]) -> dict[str, list[list[int]]]:
    """Whole quantities at each price, best first, hidden ones too."""
    found = {}
    for name, side in (("bids", Side.BID), ("asks", Side.ASK)):
        lots: Counter[int] = Counter()
        for order in orders:
            if order.side is side:
                lots[order.price] += order.quantity
        found[name] = [[price, lots[price]] for price in sorted(lots, reverse=side is Side.BID)]
    return found


def totals_of(orders: list[Order]) -> list[int]:
    """Orders of each side, then lots of each side."""
    sides = [[order for order in orders if order.side is side] for side in Side]
    return [*map(len, sides), *(sum(order.quantity for order in side) for side in sides)]


def outcome_of(book: Any, scenario: dict[str, Any], rejected: list[Any]) -> dict[str, Any]:
    orders = open_orders(book, scenario)
    seen = {order.id for order in book}
    indicative = book.indicative()
    return {
        "trades": trades_of(book),
        "book": {"bids": queues(book, Side.BID), "asks": queues(book, Side.ASK)},
        "cancelled": [[r.order_id, r.quantity] for r in book.reports if r.kind in ENDS],
        "rejected": rejected,
        "pending_stops": [order.id for order in orders if order.id not in seen],
        "indicative_price": indicative and indicative.price,
        "indicative_qty": indicative and indicative.volume,
        "indicative": indicative and indicative.price,
        "l2": levels_of([order for order in orders if order.id in seen]),
        "totals": totals_of(orders),
    }


@pytest.mark.parametrize("kind", BOOKS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", VENUE)
def test_scenario(name: str, kind: type[Any]) -> None:
    scenario = SCENARIOS[name]
    book, rejected = play(scenario, kind)
    outcome = outcome_of(book, scenario, rejected)
    for expected in scenario["expected"].values():
        assert {name: outcome[name] for name in expected} == expected


@pytest.mark.parametrize("name", VENUE)
def test_the_core_gives_what_the_reference_gives(name: str) -> None:
    scenario = SCENARIOS[name]
    reference, rejected = play(scenario)
    book = OrderBook(64, venue=venue_of(scenario))
    assert play_on(book, scenario) == rejected
    assert (book.digest(), len(book), book.indicative()) == (reference.digest(), len(reference), reference.indicative())
    assert [book.order(number) for number in reference.by_id] == [reference.order(number) for number in reference.by_id]
    book.check()


def test_all_twenty_are_played() -> None:
    assert len(VENUE) == 20
    assert all(scenario["expected"].values() for scenario in SCENARIOS.values())


def test_the_iceberg_of_the_venue_displays_a_whole_part_again() -> None:
    book, _ = play(SCENARIOS["vega_iceberg_min_visible_refresh"])
    assert queues(book, Side.BID) == [[10, [[1, 10]]]]
    assert book.order(1).quantity == 94


def test_an_order_that_traded_more_than_its_new_total_is_cancelled() -> None:
    book, _ = play(SCENARIOS["cpp_in_flight_mitigation"])
    ends = [r for r in book.reports if r.kind == ReportKind.CANCELLED]
    assert [(r.order_id, r.reason, r.quantity) for r in ends] == [
        (1, Reason.TRADED_MORE, 130),
        (2, Reason.TRADED_MORE, 30),
    ]


def test_auction_remainders_are_cancelled_after_the_trades() -> None:
    book, _ = play(SCENARIOS["vega_auction_uncross_gfa"])
    kinds = [r.kind for r in book.reports]
    assert all(a <= b for a, b in pairwise([kinds.index(ReportKind.UNCROSSED), kinds.index(ReportKind.AUCTION_TRADE)]))
    assert {r.reason for r in book.reports if r.kind == ReportKind.CANCELLED} == {Reason.AUCTION_REMAINDER}
    assert Reason.NONE not in {r.reason for r in book.reports if r.kind == ReportKind.CANCELLED}
