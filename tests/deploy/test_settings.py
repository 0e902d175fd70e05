"""The example of a settings file is valid, and its instruments open and close."""

from pathlib import Path

import pytest

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")

from pricetime.exchange.settings.sources import load
from pricetime.profiles import PROFILES
from pricetime.types import Phase

FILE = Path(__file__).parents[2] / "deploy" / "exchange.toml"


def test_the_example_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    share, future = load(FILE).instruments
    for instrument in (share, future):
        phases = {row.phase for row in instrument.timetable().rows}
        assert {Phase.CONTINUOUS, Phase.CLOSED} < phases
        assert instrument.instrument().venue.dynamic_range > 0
    assert share.instrument().venue.times_in_force == PROFILES["xetra"].settings["times_in_force"]
    assert future.instrument().venue.iceberg_ratio == 60
