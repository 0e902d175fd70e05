"""Many orders at once: encode an array of commands as the messages of a client."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..types import COMMAND, CommandType
from .errors import MessageError
from .messages import SIZES
from .types import ORDER_ID_BITS

Commands: TypeAlias = NDArray[np.void]

#: Offset of the body in a command, and of the quantity in the body.
BODY, QUANTITY = 24, 24

#: Types of commands that a client sends.
KINDS = (
    CommandType.NEW_ORDER,
    CommandType.CANCEL_ORDER,
    CommandType.REPLACE_ORDER,
    CommandType.REDUCE_ORDER,
    CommandType.MASS_CANCEL,
)


def encode_commands(commands: Commands) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the messages of commands, one after the other, and the offset where each ends, as two arrays.

    ``commands``: array of ``pricetime.COMMAND``, shape (n,). Type, instrument, order id and the fields of the type are
    sent; the exchange sets owner, sequence, session and timestamp. O(n), in NumPy. Raises MessageError.
    """
    if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1:
        raise MessageError("commands must be a one-dimensional array of pricetime.COMMAND")
    if commands.size and int(commands["order_id"].max()) >> ORDER_ID_BITS:
        raise MessageError(f"an order id is 2**{ORDER_ID_BITS} or more: in a session order ids are below that")
    kinds = commands["type"]
    unknown = ~np.isin(kinds, KINDS)
    if unknown.any():
        first = int(unknown.argmax())
        raise MessageError(f"command {first} has the type {int(kinds[first])}, which clients do not send")
    ends = np.cumsum(np.frombuffer(SIZES, np.uint8)[kinds], dtype=np.int64)
    data = np.zeros(int(ends[-1]) if commands.size else 0, np.uint8)
    rows = np.ascontiguousarray(commands).view(np.uint8).reshape(-1, COMMAND.itemsize)[:, BODY:]
    for kind in KINDS:
        here = np.flatnonzero(kinds == kind)
        if here.size:
            _put(data, ends[here], rows[here], kind)
    return data, ends


def _put(data: NDArray[np.uint8], ends: NDArray[np.int64], bodies: NDArray[np.uint8], kind: CommandType) -> None:
    """Store the messages of one type at their offsets."""
    size = SIZES[kind]
    messages: NDArray[Any] = bodies[:, :size].copy()
    if kind in {CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER}:
        messages[:, 1:4] = 0
    if kind == CommandType.REDUCE_ORDER:
        messages[:, 16:24] = bodies[:, QUANTITY : QUANTITY + 8]
    if kind == CommandType.MASS_CANCEL:
        messages[:, 2:4] = 0
    if size == 40:  # owner: set by the exchange
        messages[:, 32:36] = 0
    data[(ends - size)[:, None] + np.arange(size)] = messages
