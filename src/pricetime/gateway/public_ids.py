# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What the public sees of an order id: a number that is unique, and says neither whose the order is nor its own id.

In the book an order's id is ``owner << 48 | client's id``. On the feed it is that number under a block cipher of 64
bits, Speck64/128 (Beaulieu and others, 2013), with a secret key: a permutation, so two orders never share a public
id, and nobody who knows some pairs can tell others. The rounds run over many ids side by side, in vectors.
"""

from __future__ import annotations

import secrets

import cython
import numpy as np

from pricetime.errors import InvalidSetting

KEY_BYTES = 16


@cython.final
@cython.cclass
class PublicIds:
    """``key``: 16 bytes, drawn anew where none are given. Raises InvalidSetting."""

    def __init__(self, key=None):
        key = secrets.token_bytes(KEY_BYTES) if key is None else bytes(key)
        if len(key) != KEY_BYTES:
            raise InvalidSetting(f"the key of public ids has {len(key)} bytes: give {KEY_BYTES}")
        first, *rest = (int.from_bytes(key[i : i + 4], "little") for i in range(0, KEY_BYTES, 4))
        for i in range(ROUNDS):
            self.keys[i] = first
            word = (first + rotated(rest[i], 24) & 0xFFFFFFFF) ^ i
            rest.append(word)
            first = rotated(first, 3) ^ word

    def public(self, owner, order_id):
        """The public id of an owner's order."""
        return self.hide_one(cython.cast(u64, owner) << 48 | cython.cast(u64, order_id))

    def hidden(self, ids):
        """The public ids for an array of ids."""
        found = np.array(ids, np.uint64)
        self.hide(cython.cast(cython.pointer[u64], records_of(found)), len(found))
        return found

    def hide(self, ids, count):
        """Put public ids in the place of ``count`` ids."""
        x: u32[64]
        y: u32[64]
        first: u64 = 0
        i: cython.int
        j: u64
        while first < count:
            lanes: u64 = min(count - first, cython.cast(u64, LANES))
            for j in range(lanes):
                x[j] = cython.cast(u32, ids[first + j] >> 32)
                y[j] = cython.cast(u32, ids[first + j])
            for i in range(ROUNDS):
                key: u32 = self.keys[i]
                for j in range(lanes):  # of a number that the compiler does not know: else it writes each one out
                    x[j] = ((x[j] >> 8 | x[j] << 24) + y[j]) ^ key
                    y[j] = (y[j] << 3 | y[j] >> 29) ^ x[j]
            for j in range(lanes):
                ids[first + j] = cython.cast(u64, x[j]) << 32 | y[j]
            first += lanes

    def hide_one(self, order_id):
        """The public id for one id."""
        ids: u64[1]
        ids[0] = order_id
        self.hide(ids, 1)
        return ids[0]


def public_digest(engine, ids):
    """``Engine.digest`` over public ids: what every subscriber's own must be after the last report. O(orders)."""
    value: u64 = 0
    for instrument in sorted(engine.instruments):
        value = mix(mix(value, instrument), digest_of_book(engine.book(instrument), ids))
    return value


def digest_of_book(book, ids):
    """``OrderBook.digest`` over public ids."""
    value: u64 = 0
    hidden: PublicIds = ids
    for side in (BID, ASK):
        value = mix(value, side)
        for order in book:
            if order.side == side:
                price: i64 = order.price
                value = mix(mix(mix(value, cython.cast(u64, price)), hidden.hide_one(order.id)), order.quantity)
    return value


def rotated(word, left):
    """A word of 32 bits, rotated to the left."""
    return (word << left | word >> (32 - left)) & 0xFFFFFFFF
