"""``Instrument``: the settings of a book, given one by one or as a profile of a venue."""

import copy
import pickle
from dataclasses import fields, replace
from typing import Any

import pytest

from pricetime import Instrument, ReplacePolicy, SelfTrade
from pricetime.errors import InvalidSetting
from pricetime.profiles import PROFILES, StopEntry, Venue, profile

CME: Any = Instrument(1, "ESH4", profile="cme")


def test_an_instrument_without_a_profile_has_the_defaults() -> None:
    plain = Instrument(1)
    assert plain.self_trade is SelfTrade.OFF
    assert plain.replace_policy is ReplacePolicy.KEEP_IF_NOT_LARGER
    assert (plain.venue, plain.profile) == (Venue(), None)


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_gives_all_its_settings(name: str) -> None:
    made = Instrument(1, profile=name)
    for setting, value in profile(name).items():
        assert getattr(made if setting in ("self_trade", "replace_policy") else made.venue, setting) == value
    assert made.profile == name


def test_settings_that_are_given_win() -> None:
    made = Instrument(1, profile="cme", self_trade=SelfTrade.OFF, venue={"iceberg_ratio": 20, "auction": "xetra"})
    assert made.self_trade is SelfTrade.OFF
    assert (made.venue.iceberg_ratio, made.venue.auction) == (20, "xetra")
    assert made.venue.stop_at_entry is StopEntry.REJECT


def test_a_whole_venue_wins_over_a_profile() -> None:
    made = Instrument(1, profile="cme", venue=Venue())
    assert made.venue == Venue()
    assert made.self_trade is SelfTrade.CANCEL_OLDEST


def test_the_settings_of_a_profile_given_one_by_one_make_an_equal_instrument() -> None:
    settings = profile("cme")
    given: Any = {name: settings.pop(name) for name in ("self_trade", "replace_policy")}
    assert Instrument(1, "ESH4", venue=settings, **given) == CME
    assert hash(Instrument(1, "ESH4", venue=settings, **given)) == hash(CME)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda made: pickle.loads(pickle.dumps(made))])
def test_copies_are_equal(duplicate: Any) -> None:
    assert duplicate(CME) == CME
    assert [getattr(duplicate(CME), field.name) for field in fields(CME)] == [
        getattr(CME, field.name) for field in fields(CME)
    ]


def test_a_changed_copy_keeps_the_other_settings() -> None:
    assert replace(CME, id=2).venue == CME.venue
    assert replace(CME, venue={"auction": "xetra"}).venue.stop_at_entry is StopEntry.REJECT


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"profile": "lse"}, "profile 'lse' is unknown: give one of cme"),
        ({"profile": 7}, "profile 7 is unknown"),
        ({"profile": ["cme"]}, "is unknown"),
        ({"venue": "cme"}, "neither a Venue nor a mapping"),
        ({"venue": {"speed": 1}}, "venue setting 'speed' is unknown: give some of"),
        ({"venue": {"iceberg_ratio": -1}}, "iceberg ratio -1 is out of range"),
        ({"self_trade": 9}, "self-trade mode 9"),
        ({"replace_policy": 9}, "replace policy 9"),
    ],
    ids=str,
)
def test_bad_settings(given: Any, message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        Instrument(1, **given)
