"""Many orders at once: an array of commands as the bytes that a client sends."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..types import COMMAND, CommandType
from .errors import MessageError
from .messages import SIZES
from .types import ORDER_ID_BITS

Commands: TypeAlias = NDArray[np.void]

#: Where the body of a command begins, and in it the quantity.
BODY, QUANTITY = 24, 24

#: What a client may ask for.
KINDS = (
    CommandType.NEW_ORDER,
    CommandType.CANCEL_ORDER,
    CommandType.REPLACE_ORDER,
    CommandType.REDUCE_ORDER,
    CommandType.MASS_CANCEL,
)


def encode_commands(commands: Commands) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The messages of commands, one behind the other, and where each ends: arrays of bytes and of offsets.

    ``commands``: array of ``pricetime.COMMAND``, shape (n,). Of each, type, instrument, order id and what its type
    reads go out; owner, sequence, session and timestamp are for the exchange to give. O(n), in C. Raises MessageError.
    """
    if not isinstance(commands, np.ndarray) or commands.dtype != COMMAND or commands.ndim != 1:
        raise MessageError("commands are a one-dimensional array of pricetime.COMMAND")
    if commands.size and int(commands["order_id"].max()) >> ORDER_ID_BITS:
        raise MessageError(f"an order id is 2**{ORDER_ID_BITS} or more: over a session it must be below")
    kinds = commands["type"]
    unknown = ~np.isin(kinds, KINDS)
    if unknown.any():
        first = int(unknown.argmax())
        raise MessageError(f"command {first} has the type {int(kinds[first])}: no client sends it")
    ends = np.cumsum(np.frombuffer(SIZES, np.uint8)[kinds], dtype=np.int64)
    data = np.zeros(int(ends[-1]) if commands.size else 0, np.uint8)
    rows = np.ascontiguousarray(commands).view(np.uint8).reshape(-1, COMMAND.itemsize)[:, BODY:]
    for kind in KINDS:
        here = np.flatnonzero(kinds == kind)
        if here.size:
            _put(data, ends[here], rows[here], kind)
    return data, ends


def _put(data: NDArray[np.uint8], ends: NDArray[np.int64], bodies: NDArray[np.uint8], kind: CommandType) -> None:
    """Put the messages of one type at their places."""
    size = SIZES[kind]
    messages: NDArray[Any] = bodies[:, :size].copy()
    if kind in {CommandType.CANCEL_ORDER, CommandType.REDUCE_ORDER}:
        messages[:, 1:4] = 0
    if kind == CommandType.REDUCE_ORDER:
        messages[:, 16:24] = bodies[:, QUANTITY : QUANTITY + 8]
    if kind == CommandType.MASS_CANCEL:
        messages[:, 2:4] = 0
    if size == 40:  # owner: the session's
        messages[:, 32:36] = 0
    data[(ends - size)[:, None] + np.arange(size)] = messages
