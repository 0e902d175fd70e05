"""Scenarios restated from the tests of other engines and the rules of exchanges, played on every book.

``scenarios.json`` names the source and licence of each. ``test_venue_scenarios`` plays those that need the rules of
venues.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from pricetime import OrderType, ReplacePolicy, SelfTrade, Side, TimeInForce
from pricetime.errors import InvalidQuantity, PricetimeError, UnknownOrder, WouldCross
from pricetime.execution import Execution, Trade
from pricetime.reference import ReferenceBook
from pricetime.types import ReportKind
from tests.books import BOOKS, AppliedBook

SCENARIOS: dict[str, dict[str, Any]] = {
    scenario["name"]: scenario
    for scenario in json.loads(Path(__file__).with_name("scenarios.json").read_text(encoding="utf-8"))["scenarios"]
}

SIDES = {"B": Side.BID, "S": Side.ASK}
TIMES_IN_FORCE = {"IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
MODES = {
    "cancel_newest": SelfTrade.CANCEL_NEWEST,
    "cancel_oldest": SelfTrade.CANCEL_OLDEST,
    "cancel_both": SelfTrade.CANCEL_BOTH,
    "decrement": SelfTrade.DECREMENT,
    "smaller_cancelled": SelfTrade.CANCEL_SMALLER,
}
REASONS: dict[type[PricetimeError], str] = {
    UnknownOrder: "unknown_order",
    InvalidQuantity: "bad_qty",
    WouldCross: "would_cross",
}

#: Categories that need the rules of venues: ``test_venue_scenarios`` plays them, and those of other profiles.
VENUE_CATEGORIES = {"aon", "auction", "iceberg", "stop"}


def needs_venue(scenario: dict[str, Any]) -> bool:
    return scenario["category"] in VENUE_CATEGORIES or scenario["profile"] != "default"


PLAIN = [name for name, scenario in SCENARIOS.items() if not needs_venue(scenario)]


def new_order(book: Any, step: dict[str, Any]) -> tuple[Trade, ...]:
    execution: Execution = book.add_order(
        step["id"],
        SIDES[step["side"]],
        step.get("price", 0),
        step["qty"],
        owner=step.get("owner", 0),
        order_type=OrderType.MARKET if step["type"] == "market" else OrderType.LIMIT,
        time_in_force=TIMES_IN_FORCE[step["tif"]] if "tif" in step else TimeInForce.GTC,
        post_only=bool(step.get("post_only")),
    )
    return execution.trades


def do(book: Any, step: dict[str, Any]) -> tuple[Trade, ...]:
    """One step: the trades that it made."""
    if step["op"] == "new":
        return new_order(book, step)
    if step["op"] == "cancel":
        book.cancel_order(step["id"], owner=step.get("owner"))
    elif step["op"] == "reduce":
        by = step["by"]
        if isinstance(book, AppliedBook) and by < 0:
            by %= 2**64  # what a negative number is in the bytes of a command
        book.reduce_order(step["id"], by, owner=step.get("owner"))
    else:
        assert step["op"] == "replace"
        order = book.order(step["id"])
        price, quantity = step.get("price", order.price), step.get("qty", order.quantity)
        owner = step.get("owner")
        execution: Execution = book.replace_order(step["id"], price, quantity, new_id=step.get("new_id"), owner=owner)
        return execution.trades
    return ()


def new_book(kind: type[Any], config: dict[str, Any]) -> Any:
    return kind(
        64,
        self_trade=MODES[config["stp"]] if "stp" in config else SelfTrade.OFF,
        replace_policy=ReplacePolicy.ALWAYS_LOSE if "replace" in config else ReplacePolicy.KEEP_IF_NOT_LARGER,
    )


def play(kind: type[Any], scenario: dict[str, Any]) -> dict[str, Any]:
    """A scenario's whole outcome, in the words of the scenarios."""
    book = new_book(kind, scenario["config"])
    trades: list[Trade] = []
    rejected = []
    for number, step in enumerate(scenario["steps"]):
        try:
            trades += do(book, step)
        except PricetimeError as error:
            rejected.append([number, step["id"], REASONS[type(error)]])
    return {
        "trades": [{"maker": t.maker_id, "taker": t.taker_id, "price": t.price, "qty": t.quantity} for t in trades],
        "book": {"bids": queues(book, Side.BID), "asks": queues(book, Side.ASK)},
        "cancelled": cancelled(book) if hasattr(book, "reports") else None,
        "rejected": rejected,
        "pending_stops": [],
    }


def queues(book: Any, side: Side) -> list[Any]:
    """Price, and id and open quantity of every order in line there, best price first."""
    prices = [int(level[0]) for level in book.depth()[side - 1]]
    return [[price, [[order.id, order.quantity] for order in book.orders(side, price)]] for price in prices]


def cancelled(book: ReferenceBook | AppliedBook) -> list[list[int]]:
    """What was taken off orders without a trade, in the order it happened."""
    kinds = (ReportKind.CANCELLED, ReportKind.REDUCED)
    return [[report.order_id, report.quantity] for report in book.reports if report.kind in kinds]


@pytest.mark.parametrize("kind", BOOKS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("name", PLAIN)
def test_scenario(name: str, kind: type[Any]) -> None:
    scenario = SCENARIOS[name]
    expected = scenario["expected"]["full"]
    outcome = play(kind, scenario)
    if outcome["cancelled"] is None:  # calls hand back trades; the reports are compared with the other books
        outcome["cancelled"] = expected["cancelled"]
    assert outcome == expected


def test_nothing_drops_out() -> None:
    assert len(SCENARIOS) == 75
    assert len(PLAIN) == 55


def test_every_played_step_is_understood() -> None:
    """A word in a scenario that the runner would pass over is an error, so none can be played wrongly."""
    known = {
        "new": {"op", "id", "side", "type", "qty", "price", "owner", "tif", "post_only"},
        "cancel": {"op", "id", "owner"},
        "reduce": {"op", "id", "by", "owner"},
        "replace": {"op", "id", "price", "qty", "new_id", "owner", "post_only", "lose_priority"},
    }
    for name in PLAIN:
        scenario = SCENARIOS[name]
        assert set(scenario["config"]) <= {"stp", "replace"}
        assert scenario["config"].get("replace") in (None, "always_lose")
        for step in scenario["steps"]:
            assert set(step) <= known[step["op"]], name
            assert step.get("type") in (None, "limit", "market")
            # what a replace says of itself is what the order or the book was made with
            assert not step.get("lose_priority") or scenario["config"]["replace"] == "always_lose"
