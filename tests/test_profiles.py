"""``Venue``: the settings of a venue, and what they may be."""

import json
import pickle
from typing import Any

import pytest

from pricetime import OrderType, TimeInForce
from pricetime.errors import InvalidSetting
from pricetime.profiles import PROFILES, Breach, StopEntry, StopTrigger, Venue, parted, venue_of

VENUES = [Venue(), *(parted(row.settings)[0] for row in PROFILES.values())]


@pytest.mark.parametrize("venue", VENUES, ids=["default", *PROFILES])
def test_a_venue_comes_back_from_json_and_from_a_pickle(venue: Venue) -> None:
    assert Venue(**json.loads(json.dumps(venue.settings()))) == venue
    assert pickle.loads(pickle.dumps(venue)) == venue


def test_numbers_become_members() -> None:
    venue = Venue(order_types=[0, 3], times_in_force=(5,), stop_trigger=1, stop_at_entry=1, on_breach=1)  # type: ignore[arg-type]
    assert venue.order_types == {OrderType.LIMIT, OrderType.STOP}
    assert venue.times_in_force == {TimeInForce.GFA}
    found = (venue.stop_trigger, venue.stop_at_entry, venue.on_breach)
    assert found == (StopTrigger.BEST_QUOTE, StopEntry.REJECT, Breach.REJECT_REST)
    assert all(type(member) is not int for member in found)


def test_a_venue_from_some_settings() -> None:
    settings = {"auction": "cme", "iceberg_ratio": 20, "self_trade": 3}
    assert venue_of(None, settings) == Venue(auction="cme", iceberg_ratio=20)
    assert venue_of({"iceberg_ratio": 5}, settings) == Venue(auction="cme", iceberg_ratio=5)
    assert venue_of(Venue(), settings) == Venue()


@pytest.mark.parametrize(
    "settings",
    [
        {"order_types": "01"},
        {"order_types": 3},
        {"order_types": [9]},
        {"times_in_force": [OrderType.LIMIT]},
        {"times_in_force": [None]},
        {"iceberg_keeps_place": 1},
        {"replace_total": None},
        {"all_or_none": "yes"},
        {"auction": ["cme"]},
        {"auction": None},
        {"static_range": 2**63},
        {"reference_price": 1.5},
        {"stop_trigger": "last"},
    ],
    ids=str,
)
def test_settings_out_of_range(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        Venue(**settings)
