"""Some bad input for the gateway's decoder with every run."""

from typing import Any

import pytest
from click.testing import CliRunner

from pricetime.wire.types import SessionReason
from tests.fuzz import gateway

pytest.importorskip("pydantic_settings", reason="needs the server's packages: pip install '.[server]'")
pytestmark = pytest.mark.compiled


def test_cut_at_every_byte_and_some_at_random() -> None:
    outcome = gateway.fuzz(20_000, 7)
    assert outcome.inputs == 20_000
    assert set(outcome.endings) == {"goes on", "UNKNOWN_TYPE", "OUT_OF_STATE", "CLIENT_LOGOUT"}
    assert min(outcome.endings.values()) > 1000


def test_a_difference_is_told_with_its_input() -> None:
    class Careless:
        def decoded(self, data: bytes, owner: int) -> Any:
            commands, used, _ = gateway.make_decoder().decoded(data, owner)
            return commands, used, SessionReason.SHUTDOWN

    with pytest.raises(AssertionError, match="is not Expected"):
        gateway.play(Careless(), b"\x24")


def test_the_command() -> None:
    run = CliRunner().invoke(gateway.main, ["--inputs", "2000", "--seed", "3"])
    assert run.exit_code == 0, run.output
    assert "2,000 inputs" in run.output
    assert "MiB" in run.output
