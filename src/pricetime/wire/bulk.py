"""Many orders at once: encode an array of commands as the messages of a client."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..types import COMMAND, CommandType, Instruction
from .errors import MessageError
from .messages import SIZES
from .types import ORDER_ID_BITS

Commands: TypeAlias = NDArray[np.void]

#: Offsets in a command: of the order type, of the body, and of the quantity.
ORDER_TYPE, BODY, QUANTITY = 22, 24, 48

#: Types of commands that a client sends.
KINDS = (
    CommandType.NEW_ORDER,
    CommandType.ORDER_EXTENSION,
    CommandType.CANCEL_ORDER,
    CommandType.REPLACE_ORDER,
    CommandType.REDUCE_ORDER,
    CommandType.MASS_CANCEL,
)

#: Those that an extension can follow.
EXTENDABLE = (CommandType.NEW_ORDER, CommandType.REPLACE_ORDER)

#: Their sizes by type; 0 for other types.
SENT_SIZES = np.array([SIZES[kind] if kind in KINDS else 0 for kind in range(256)], np.uint8)


def encode_commands(commands: Commands) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the messages of commands, one after the other, and the offset where each ends, as two arrays.

    ``commands``: array of ``pricetime.COMMAND``, shape (n,). Type, instrument, order id and the fields of the type are
    sent; the exchange sets owner, sequence, session and timestamp. After each new order or replace with EXTENDED comes
    its ``ORDER_EXTENSION``, and nowhere else. A replace has no other instruction. O(n), in NumPy. Raises MessageError.
    """
    if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1:
        raise MessageError("commands must be a one-dimensional array of pricetime.COMMAND")
    kinds = np.ascontiguousarray(commands["type"])
    sizes = SENT_SIZES[kinds]
    if not sizes.all():
        first = int(sizes.argmin())
        raise MessageError(f"command {first} has the type {int(kinds[first])}, which clients do not send")
    extensions = _check_extensions(kinds, commands["instructions"])
    order_ids = commands["order_id"] if extensions is None else commands["order_id"][~extensions]
    if order_ids.size and int(order_ids.max()) >> ORDER_ID_BITS:
        raise MessageError(f"an order id is 2**{ORDER_ID_BITS} or more: in a session order ids are below that")
    ends = np.cumsum(sizes, dtype=np.int64)
    data = np.zeros(int(ends[-1]) if commands.size else 0, np.uint8)
    rows = np.ascontiguousarray(commands).view(np.uint8).reshape(-1, COMMAND.itemsize)
    for kind in KINDS:
        here = np.flatnonzero(kinds == kind)
        if here.size:
            _put(data, ends[here], rows[here], kind)
    return data, ends


def count_commands(commands: Commands) -> int:
    """Return the number of commands, an order and its extension as one. O(n), in NumPy."""
    return int(np.count_nonzero(commands["type"] != CommandType.ORDER_EXTENSION))


def _check_extensions(kinds: NDArray[np.uint8], instructions: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Return which commands are extensions, None if none is. Each must directly follow its extended order."""
    extensions: NDArray[np.bool_] = kinds == CommandType.ORDER_EXTENSION
    extended = np.isin(kinds, EXTENDABLE) & (instructions >= Instruction.EXTENDED)
    if not extensions.any() and not extended.any():
        return None
    alone = np.flatnonzero(extended != np.append(extensions[1:], False))
    if extensions[0] or alone.size:
        first = 0 if extensions[0] else int(alone[0])
        raise MessageError(f"command {first} is an extended order without its extension, or the next has no order")
    return extensions


def _put(data: NDArray[np.uint8], ends: NDArray[np.int64], rows: NDArray[np.uint8], kind: CommandType) -> None:
    """Store the messages of one type at their offsets."""
    size = SIZES[kind]
    messages: NDArray[Any] = rows[:, BODY : BODY + size].copy()
    if kind in {CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER}:
        messages[:, 1:4] = 0
    if kind == CommandType.REDUCE_ORDER:
        messages[:, 16:24] = rows[:, QUANTITY : QUANTITY + 8]
    if kind == CommandType.MASS_CANCEL:
        messages[:, 2:4] = 0
    if kind in EXTENDABLE:
        messages[:, 32:34] = rows[:, ORDER_TYPE : ORDER_TYPE + 2]
        messages[:, 34:36] = 0
    if kind == CommandType.REPLACE_ORDER:
        messages[:, 32] = 0
        messages[:, 33] &= np.uint8(Instruction.EXTENDED)
    data[(ends - size)[:, None] + np.arange(size)] = messages
