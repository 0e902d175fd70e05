"""The settings of an idle strategy."""

import pickle
from typing import Any

import pytest

from pricetime.errors import InvalidSetting
from pricetime.ring import Idle


def test_the_default_goes_through_all_stages() -> None:
    idle = Idle()
    assert idle.until == "block"
    assert repr(idle) == f"Idle('block', spins={idle.spins}, pauses={idle.pauses}, yields={idle.yields})"
    assert min(idle.spins, idle.pauses, idle.yields) > 0


@pytest.mark.parametrize("until", ["spin", "pause", "yield", "block"])
def test_each_may_be_the_last(until: Any) -> None:
    idle = Idle(until, spins=0, pauses=1, yields=2**32)
    assert (idle.until, idle.spins, idle.pauses, idle.yields) == (until, 0, 1, 2**32)


@pytest.mark.parametrize("until", ["sleep", "", None, 1])
def test_unknown(until: Any) -> None:
    with pytest.raises(InvalidSetting, match="give one of spin, pause, yield, block"):
        Idle(until)


@pytest.mark.parametrize("name", ["spins", "pauses", "yields"])
@pytest.mark.parametrize("value", [-1, 2**32 + 1, 0.5, True, None])
def test_counts(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting, match=name):
        Idle(**{name: value})


def test_it_goes_to_another_process() -> None:
    idle = Idle("yield", spins=1, pauses=2, yields=3)
    assert repr(pickle.loads(pickle.dumps(idle))) == repr(idle)
