"""A configuration has one spelling, and comes back from it."""

import hashlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime import Instrument, Phase, SelfTrade
from pricetime.log.configuration import Configuration
from pricetime.log.errors import JournalError
from pricetime.profiles import PROFILES, Venue, profile, venue_of

ONE = Instrument(7, "ÄÖ", tick_size=5, self_trade=SelfTrade.CANCEL_BOTH, low_price=-(2**63), order_limit=9)
TWO = Instrument(2, "B", high_price=2**63 - 1, phase=Phase.HALTED)


def configuration(*instruments: Instrument) -> Configuration:
    return Configuration(instruments, capacity=100, level_capacity=50, owner_limit=3)


def test_the_spelling() -> None:
    assert configuration(Instrument(1, "X")).to_json() == (
        b'{"capacity":100,"instruments":[{"high_price":null,"id":1,"lot_size":1,"low_price":null,"order_limit":null,'
        b'"phase":0,"replace_policy":0,"self_trade":1,"symbol":"X","tick_size":1}],"level_capacity":50,"owner_limit":3}'
    )


def test_it_comes_back() -> None:
    made = configuration(TWO, ONE)
    again = Configuration.from_json(made.to_json())
    assert again == made
    assert again.instruments[0].phase is Phase.HALTED


def test_a_price_unit_comes_back() -> None:
    made = configuration(Instrument(1, price_unit=Decimal("0.50")), TWO)
    assert made.to_json().count(b"price_unit") == 1
    assert Configuration.from_json(made.to_json()) == made
    assert str(Configuration.from_json(made.to_json()).instruments[0].price_unit) == "0.50"


@pytest.mark.parametrize("name", PROFILES)
def test_a_venue_comes_back_without_its_profile(name: str) -> None:
    instrument = Instrument(1, "ESH4", profile=name, venue=venue_of({"reference_price": 4800}, profile(name)))
    made = configuration(instrument, TWO)
    [back, plain] = Configuration.from_json(made.to_json()).instruments
    assert (back, back.profile, plain) == (instrument, None, TWO)
    assert Configuration.from_json(made.to_json()).to_json() == made.to_json()


def test_the_default_venue_is_left_out() -> None:
    assert b"venue" not in configuration(Instrument(1, venue=Venue())).to_json()
    assert b"venue" in configuration(Instrument(1, venue=Venue(static_range=1))).to_json()


def test_the_order_of_the_instruments_makes_no_difference() -> None:
    assert configuration(ONE, TWO).digest == configuration(TWO, ONE).digest
    assert configuration(ONE).digest != configuration(TWO).digest


def test_the_digest() -> None:
    assert configuration(ONE).digest == hashlib.sha256(configuration(ONE).to_json()).digest()


@given(st.binary(max_size=60))
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(JournalError):
        Configuration.from_json(data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"capacity":100,', b""),
        (b'"capacity":100', b'"capacity":100,"more":1'),
        (b'"tick_size":5', b'"tick_size":0'),
        (b'"tick_size":5', b'"steps":5'),
        (b'"instruments":[', b'"instruments":[1,'),
    ],
)
def test_what_is_missing_or_wrong_is_refused(old: bytes, new: bytes) -> None:
    data = configuration(ONE).to_json()
    assert old in data
    with pytest.raises(JournalError, match="is invalid"):
        Configuration.from_json(data.replace(old, new, 1))
