"""The scenarios that need the rules of venues, played on the reference book.

``test_scenarios`` plays the others on every book. The outcome is compared with the whole expected one if the scenario
has it, and with what its source asserts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from pricetime import OrderType, Side, TimeInForce
from pricetime.errors import PricetimeError
from pricetime.profiles import StopTrigger, Venue
from pricetime.reference import ReferenceBook
from pricetime.reference.vocabulary import NewInstruction, NewKind, NewPhase, NewReason, NewTimeInForce, PriceKind
from pricetime.types import Reason, ReportKind
from tests.scenarios.test_scenarios import SCENARIOS, SIDES, queues, why_it_waits

WAITING = [name for name, scenario in SCENARIOS.items() if why_it_waits(scenario)]

TYPES = {
    "limit": OrderType.LIMIT,
    "market": OrderType.MARKET,
    "mtl": OrderType.MARKET_TO_LIMIT,
    "stop": OrderType.STOP,
    "stop_limit": OrderType.STOP_LIMIT,
}
TIMES = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK, "GFA": NewTimeInForce.GFA, "FOK_BUDGET": TimeInForce.FOK}

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


def price_within(book: ReferenceBook, side: Side, quantity: int, budget: int) -> int | None:
    """The worst price that a whole quantity costs now, None if it costs more than the budget: a query of the depth."""
    levels = book.depth(None)[2 - side]
    cost, worst = 0, None
    for price, lots, _ in levels:
        size = min(quantity, lots)
        cost, quantity, worst = cost + size * price, quantity - size, price
        if not quantity:
            break
    return worst if not quantity and cost <= budget else None


def enter(book: ReferenceBook, step: dict[str, Any]) -> None:
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
        instructions=NewInstruction.ALL_OR_NONE if step.get("aon") else 0,
        trigger_price=step.get("stop"),
        display_quantity=step.get("display", 0),
    )


def do(book: ReferenceBook, step: dict[str, Any]) -> None:
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


def play(scenario: dict[str, Any]) -> tuple[ReferenceBook, list[Any]]:
    """The book after a scenario, and the steps that it rejected."""
    book = ReferenceBook(64, venue=venue_of(scenario))
    if scenario["config"].get("auction"):
        book.set_phase(NewPhase.OPENING_AUCTION)
    rejected = []
    for number, step in enumerate(scenario["steps"]):
        try:
            do(book, step)
        except PricetimeError as error:
            rejected.append([number, step["id"], type(error).__name__])
    return book, rejected


def trades_of(book: ReferenceBook) -> list[dict[str, int]]:
    names: dict[int, tuple[str, str]] = {ReportKind.TRADE: ("taker", "maker"), NewKind.AUCTION_TRADE: ("buy", "sell")}
    return [
        dict(zip((*names[r.kind], "price", "qty"), (r.order_id, r.maker_id, r.price, r.quantity), strict=True))
        for r in book.reports
        if r.kind in names
    ]


def levels_of(book: ReferenceBook) -> dict[str, list[list[int]]]:
    """Whole quantities at each price, hidden ones too."""
    return {
        name: [[price, sum(o.quantity for o in queue)] for price, queue in book._queues(side)]
        for name, side in (("bids", Side.BID), ("asks", Side.ASK))
    }


def totals_of(book: ReferenceBook) -> list[int]:
    """Orders of each side, then lots of each side."""
    sides = [[o for o in book.by_id.values() if o.side is side] for side in Side]
    return [*map(len, sides), *(sum(o.quantity for o in orders) for orders in sides)]


def outcome_of(book: ReferenceBook, rejected: list[Any]) -> dict[str, Any]:
    indicative = book.indicative()
    return {
        "trades": trades_of(book),
        "book": {"bids": queues(book, Side.BID), "asks": queues(book, Side.ASK)},
        "cancelled": [[r.order_id, r.quantity] for r in book.reports if r.kind in ENDS],
        "rejected": rejected,
        "pending_stops": [o.id for o in book.by_id.values() if o.is_stop],
        "indicative_price": indicative and indicative.price,
        "indicative_qty": indicative and indicative.volume,
        "indicative": indicative and indicative.price,
        "l2": levels_of(book),
        "totals": totals_of(book),
    }


@pytest.mark.parametrize("name", WAITING)
def test_scenario(name: str) -> None:
    scenario = SCENARIOS[name]
    outcome = outcome_of(*play(scenario))
    for expected in scenario["expected"].values():
        assert {name: outcome[name] for name in expected} == expected


def test_all_twenty_are_played() -> None:
    assert len(WAITING) == 20
    assert all(scenario["expected"].values() for scenario in SCENARIOS.values())


def test_the_iceberg_of_the_venue_displays_a_whole_part_again() -> None:
    book, _ = play(SCENARIOS["vega_iceberg_min_visible_refresh"])
    assert queues(book, Side.BID) == [[10, [[1, 10]]]]
    assert book.order(1).quantity == 94


def test_an_order_that_traded_more_than_its_new_total_is_cancelled() -> None:
    book, _ = play(SCENARIOS["cpp_in_flight_mitigation"])
    ends = [r for r in book.reports if r.kind == ReportKind.CANCELLED]
    assert [(r.order_id, r.reason, r.quantity) for r in ends] == [
        (1, NewReason.TRADED_MORE, 130),
        (2, NewReason.TRADED_MORE, 30),
    ]


def test_auction_remainders_are_cancelled_after_the_trades() -> None:
    book, _ = play(SCENARIOS["vega_auction_uncross_gfa"])
    kinds = [r.kind for r in book.reports]
    assert all(a <= b for a, b in pairwise([kinds.index(NewKind.UNCROSSED), kinds.index(NewKind.AUCTION_TRADE)]))
    assert {r.reason for r in book.reports if r.kind == ReportKind.CANCELLED} == {NewReason.AUCTION_REMAINDER}
    assert Reason.NONE not in {r.reason for r in book.reports if r.kind == ReportKind.CANCELLED}
