"""Numbers of commands, and the room that they have."""

import pytest

from pricetime.errors import InvalidSetting
from pricetime.exchange.io.decoder import Decoder
from pricetime.exchange.io.throttle import Throttle
from pricetime.exchange.settings.config import GatewayConfig
from pricetime.exchange.state.sequencer import Sequencer
from pricetime.wire.rules import allowed
from tests.exchange.orders import new


@pytest.mark.parametrize("capacity", [0, 1, 3, 1000, "16"])
def test_capacities_that_cannot_be(capacity: object) -> None:
    with pytest.raises(InvalidSetting):
        Sequencer(capacity)


def test_numbers_go_on_from_where_a_log_ends() -> None:
    sequencer = Sequencer(16)
    assert (sequencer.sequence, sequencer.timestamp) == (0, 0)
    sequencer.skip_to(41, 7)
    assert (sequencer.sequence, sequencer.executed, sequencer.answered, sequencer.timestamp) == (41, 41, 41, 7)
    config = GatewayConfig()
    decoder = Decoder(config, *allowed(), Throttle(config), sequencer)
    commands, _, _ = decoder.decoded(b"".join(new(n).encode() for n in range(5)))
    assert commands["sequence"].tolist() == [42, 43, 44, 45, 46]
    assert sequencer.sequence == 46
