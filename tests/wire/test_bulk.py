"""Many orders at once have the bytes that each has alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime import COMMAND
from pricetime.wire.bulk import KINDS, encode_commands
from pricetime.wire.errors import MessageError
from pricetime.wire.framing import Frames
from pricetime.wire.messages import MESSAGES, decode

#: What a message takes of a command under the same name, but for its owner, which the session gives.
TAKEN = {int(kind): [name for name in MESSAGES[kind].FIELDS if name != "owner"] for kind in KINDS}


def commands_of(seed: int, count: int) -> np.ndarray[Any, np.dtype[np.void]]:
    """Commands that hold anything where nothing is read."""
    rng = np.random.default_rng(seed)
    commands = np.frombuffer(rng.bytes(count * COMMAND.itemsize), COMMAND).copy()
    commands["type"] = rng.choice(KINDS, count)
    commands["order_id"] &= 2**48 - 1
    return commands


@given(st.integers(0, 2**32), st.integers(0, 50))
def test_as_one_by_one(seed: int, count: int) -> None:
    commands = commands_of(seed, count)
    data, ends = encode_commands(commands)
    messages = [decode(frame) for frame in Frames().receive(data.tobytes())]
    expected = [
        MESSAGES[int(row["type"])](**{name: int(row[name]) for name in TAKEN[int(row["type"])]}) for row in commands
    ]
    assert messages == expected
    assert ends.tolist() == np.cumsum([message.SIZE for message in expected], dtype=int).tolist()


def test_a_part_of_an_array() -> None:
    commands = commands_of(1, 20)
    assert encode_commands(commands[::2])[0].tobytes() == encode_commands(commands[::2].copy())[0].tobytes()


def test_what_cannot_be_sent() -> None:
    commands = commands_of(1, 3)
    for wrong in (commands.reshape(3, 1), np.zeros(3), [1]):
        with pytest.raises(MessageError, match="one-dimensional"):
            encode_commands(wrong)  # type: ignore[arg-type]
    commands["type"][1] = 5
    with pytest.raises(MessageError, match="command 1 has the type 5"):
        encode_commands(commands)
    commands = commands_of(1, 3)
    commands["order_id"][2] = 2**48
    with pytest.raises(MessageError, match=r"2\*\*48"):
        encode_commands(commands)
