"""Finds, for many rows of an orderbook file at once, which rows follow from the row before and the message between."""

from __future__ import annotations

import numpy as np

from ..types import Side
from .lobster import NO_LEVEL, Ints, Kind, Messages, Rows

#: How far a message and the row before it explain a row: not at all; fully; fully, and the last level of the message's
#: side went out of view; all but the last level of that side, which came into view.
UNEXPLAINED, EXPLAINED, HIDES, REVEALS = 0, 1, 2, 3

#: The sign with which a message changes the size of its level, by kind.
SIGN = np.zeros(len(Kind) + 1, np.int64)
SIGN[Kind.NEW] = 1
SIGN[[Kind.PARTIAL_CANCEL, Kind.DELETE, Kind.EXECUTION]] = -1


def explain(messages: Messages, before: Rows, after: Rows) -> Ints:
    """One of the four for each message, given the rows before and after it. Shape (n,). O(levels) for each row."""
    count, levels = before.keys.shape[1:]
    index = np.arange(count)
    own = np.where(messages.side == Side.BID, 0, 1)
    key = np.where(own == 0, messages.price, -messages.price)
    keys, sizes = _padded(before.keys[own, index], -NO_LEVEL), _padded(before.sizes[own, index], 0)
    at = (keys[:, :levels] > key[:, None]).sum(axis=1)  # levels nearer than the message's
    there = keys[index, at] == key
    change = SIGN[messages.kind] * messages.size
    size = np.where(there, sizes[index, at], 0) + change

    visible = (change != 0) & (at < levels)
    enters = visible & ~there & (change > 0)
    leaves = visible & there & (size == 0)
    column = np.arange(levels)
    source = column + (leaves[:, None] & (column >= at[:, None])) - (enters[:, None] & (column > at[:, None]))
    keys, sizes = np.take_along_axis(keys, source, 1), np.take_along_axis(sizes, source, 1)
    here = (visible & ~leaves)[:, None] & (column == at[:, None])
    keys, sizes = np.where(here, key[:, None], keys), np.where(here, size[:, None], sizes)

    same = (keys == after.keys[own, index]) & (sizes == after.sizes[own, index])
    full = before.sizes[own, index, -1] != 0
    others = (before.keys[1 - own, index] == after.keys[1 - own, index]).all(axis=1)
    others &= (before.sizes[1 - own, index] == after.sizes[1 - own, index]).all(axis=1)
    sound = before.good & after.good & (messages.kind != 0) & others
    sound &= (change <= 0) | enters | there  # no new order out of view
    sound &= ~visible | enters | (there & (size >= 0))
    sound &= (change <= 0) | (before.keys[1 - own, index, 0] < -key)  # no new order that crosses
    reveals = leaves & full & same[:, :-1].all(axis=1) & (after.sizes[own, index, -1] != 0)
    explained = same.all(axis=1) & ~(leaves & full)
    found = np.where(explained, np.where(enters & full, HIDES, EXPLAINED), np.where(reveals, REVEALS, UNEXPLAINED))
    return np.where(sound, found, UNEXPLAINED)


def _padded(columns: Ints, empty: int) -> Ints:
    """The columns with one empty level appended."""
    return np.pad(columns, ((0, 0), (0, 1)), constant_values=empty)
