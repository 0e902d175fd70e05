"""Many orders at once have the bytes that each has alone."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricetime import COMMAND, CommandType, Instruction
from pricetime.types import ORDER_EXTENSION
from pricetime.wire.bulk import KINDS, encode_commands
from pricetime.wire.errors import MessageError
from pricetime.wire.framing import Frames
from pricetime.wire.messages import MESSAGES, NewOrder, OrderExtension, ReplaceOrder, decode

#: What a message takes of a command under the same name, but for its owner, which the session gives.
TAKEN = {int(kind): [name for name in MESSAGES[kind].FIELDS if name != "owner"] for kind in KINDS}


def commands_of(seed: int, count: int) -> np.ndarray[Any, np.dtype[np.void]]:
    """Commands that hold anything where nothing is read."""
    rng = np.random.default_rng(seed)
    commands = np.frombuffer(rng.bytes(count * COMMAND.itemsize), COMMAND).copy()
    commands["type"] = rng.choice([kind for kind in KINDS if kind != CommandType.ORDER_EXTENSION], count)
    commands["instructions"] &= Instruction.EXTENDED - 1
    commands["instructions"][commands["type"] == CommandType.REPLACE_ORDER] = 0
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


def test_a_replace_has_no_instruction_but_extended() -> None:
    commands = extended(6, CommandType.REPLACE_ORDER)
    commands["instructions"][0] |= Instruction.POST_ONLY
    first = encode_commands(commands)[0][: ReplaceOrder.SIZE].tobytes()
    assert ReplaceOrder.decode(first).instructions == Instruction.EXTENDED
    assert not ReplaceOrder.decode(first).malformed


def extended(seed: int, kind: CommandType = CommandType.NEW_ORDER) -> np.ndarray[Any, np.dtype[np.void]]:
    """Three commands: the second is the extension of the first."""
    commands = commands_of(seed, 3)
    commands["type"][:2] = kind, CommandType.ORDER_EXTENSION
    commands["instructions"][0] |= Instruction.EXTENDED
    record = commands[1:2].view(ORDER_EXTENSION)
    record[["zero2", "zero3"]] = 0
    record["trigger_price"] = -7
    return commands


@pytest.mark.parametrize("kind", [CommandType.NEW_ORDER, CommandType.REPLACE_ORDER])
def test_an_order_with_its_extension(kind: CommandType) -> None:
    commands = extended(4, kind)
    data, ends = encode_commands(commands)
    order, extension, _ = (decode(frame) for frame in Frames().receive(data.tobytes()))
    assert isinstance(order, NewOrder | ReplaceOrder)
    assert order.type == kind
    assert order.instructions & Instruction.EXTENDED
    [record] = commands[1:2].view(ORDER_EXTENSION)
    assert extension == OrderExtension(**{name: int(record[name]) for name in OrderExtension.FIELDS})
    assert ends.tolist()[:2] == [40, 80]


def test_an_extension_alone_cannot_be_sent() -> None:
    commands = extended(5)
    for wrong, first in ((commands[1:], 0), (commands[[0, 2]], 0), (commands[[2, 0]], 1), (commands[[2, 1]], 0)):
        wrong["type"][wrong["type"] == commands["type"][2]] = CommandType.CANCEL_ORDER
        with pytest.raises(MessageError, match=f"command {first} is an extended order without"):
            encode_commands(wrong)


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
